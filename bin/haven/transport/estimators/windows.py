"""How many of the lowest modes are those of diffusion: windows, log-log slope and drift."""

from __future__ import annotations

import numpy as np

from haven.transport.estimators.modes import TINY, Modes
from haven.transport.estimators.walk import NEWTON, design, dispersion, intercepts, shared

# Numbers of modes that are tried as the window of single ions, and the fewest of a fit.
WINDOWS = (6, 8, 10, 12, 15, 20, 25, 32, 40, 50, 64, 80, 100, 128, 160, 200, 256, 320, 400, 512,
           640, 800, 1000, 1280, 1600, 2000)
FEWEST_MODES = 8  # of a window: in three directions their mean power has an error of 29 %
# A term quadratic in f^2, in its standard errors: up to the first a window counts as straight,
# beyond the second no wider window is tried.
CURVED = 2.0
BROKEN = 3.0
# How much the curvature of single ions' powers may change their coefficient in the window of the
# sum, as a share of the error of the sum's coefficient. With 64 ions and fewer a significant
# curvature changes it by more, so that the sum has the window of single ions.
BEND = 0.25
# Numbers of modes that are tried as the window of the sum, and of `fit_misfit`.
STEPS = (8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536)
LOWEST = (4, *STEPS)
# Largest of the deviations that `fit_misfit` tests: 3.0 to 3.3 in one of a hundred sums of ions
# that move independently, whatever the number of modes (1500 draws each of 32 to 1000 modes).
MISFIT = 3.0
# Where the widest window is refused, slightly narrower ones are curved, too, by less than the test
# can see: a window this many times narrower has a share of the draws.
NARROWER = 3


def choose_window(held: Modes) -> int:
    """Return how many low modes a straight line in f^2 describes; 0 if not even the lowest six.

    Windows are made larger until a term quadratic in f^2 is significant beyond doubt; the largest
    window where it is within its error is returned. (To stop at the first window whose term exceeds
    two errors would end half of all searches by chance.)
    """
    from scipy.special import ndtri, stdtr

    best = 0
    for count in (*(w for w in WINDOWS if w < held.count), held.count):
        beta, fitted = intercepts(held.mean[:count].mean(axis=1), 2)
        inverse = design(count, 2)[1]
        alone, seen = dispersion(held, fitted, 2)
        bent = abs(beta[-1]) / np.sqrt(max(alone, seen) * (inverse[-1] @ inverse[-1]))
        if seen > alone:  # known from the scatter of few modes: Student's t
            bent = -float(ndtri(max(stdtr(count * held.mean.shape[1] - 4, -bent), TINY)))
        if bent > BROKEN:
            break
        if bent < CURVED:
            best = count
    return best


def window_of_sum(held: Modes, alone: int) -> int:
    """Return the most modes that the sum over all ions may be fitted to, at least ``alone``.

    With many ions even a small curvature of their mean power is significant, which makes the window
    of single ions (``alone``, from `choose_window`) narrow. The sum over all ions is a single path
    and not known that well. Its window is therefore made larger, as long as the curvature changes
    the single ions' coefficient by less than `BEND` of the error of the sum's;
    `haven.transport.estimators.full` adds that change to the interval.
    """
    start = intercepts(held.mean[:alone].mean(axis=1))[0][0]
    best = alone
    for count in (w for w in (*WINDOWS, held.count) if alone < w <= held.count):
        apart = intercepts(held.mean[:count].mean(axis=1))[0][0] - start
        if abs(apart) > BEND * _sum_error(held, count):
            break
        best = count
    return best


def _sum_error(held: Modes, count: int) -> float:
    """Return the relative error of a coefficient of the sum, fitted to ``count`` modes."""
    weights = design(count, 1)[1][0]
    return float(np.sqrt(2 * shared(held) / held.sums * (weights @ weights)))


def window_of_cancelling(held: Modes, widest: int) -> int:
    """Return the most modes that a sum of paths which cancel may be fitted to, at most ``widest``.

    Where the diffusion of the weighted paths cancels, as for ions of opposite charge that move
    together, their vibration does not. Vibration then has a larger share of the sum's power, and
    its power is curved in modes where that of single ions is still straight. The curvature follows
    from the powers of single ions, which are known better. Returned is the widest window in which
    it changes the sum's coefficient by less than `BEND` of its error.

    Parameters
    ----------
    held
        Modes of the weighted paths.
    widest
        Modes that would be fitted if they did not cancel.
    """
    level, rise = intercepts(held.mean[:widest].mean(axis=1))[0]
    few = min(FEWEST_MODES, widest)
    start = intercepts(held.total[:few].mean(axis=1))[0][0]
    added = np.expm1(max(rise, 0.0)) * np.exp(min(level - start, 50.0))
    best = few
    for count in (w for w in (*WINDOWS, widest) if few < w <= widest):
        square = (np.arange(1, count + 1) / widest) ** 2
        bias = intercepts(1 + added * square)[0][0]
        if abs(bias) > BEND * _sum_error(held, count):
            break
        best = count
    return best


def slope(held: Modes, count: int) -> tuple[float, float]:
    """Return the log-log slope of the MSD that the first modes imply, and its standard error.

    Where the mean-square displacement grows as t^a, the powers of the modes go as f^(1 - a). The
    constant offset by the vibration in a cage does not enter.
    """
    if count < 3:
        return float("nan"), float("nan")
    mean = held.mean[:count].mean(axis=1)
    logs = np.log(np.arange(1, count + 1))
    x = np.stack([np.ones_like(logs), logs - logs.mean()], axis=1)
    beta = np.linalg.lstsq(x, np.log(mean), rcond=None)[0]
    spread = max(dispersion(held, np.exp(x @ beta), 1))
    return float(1 - beta[1]), float(np.sqrt(spread / (x[:, 1] ** 2).sum()))


def drifted(held: Modes, count: int) -> float:
    """Return by how much a velocity that all ions share raises D_self of ``count`` modes."""
    if held.ions < 2:
        return float("inf")
    alone = (held.mean[:count] * held.ions - held.total[:count]) / (held.ions - 1)
    both = [intercepts(np.maximum(powers.mean(axis=1), TINY))[0][0]
            for powers in (held.mean[:count], alone)]
    return float(np.expm1(both[0] - both[1]))


def fit_misfit(powers: np.ndarray, freedom: float) -> float:
    """Return how far the lowest powers lie from a straight fit to all, in standard deviations.

    The sum of the lowest j powers, each divided by the fit, is a gamma variable, with the variance
    reduced by their own part in the fit. Returned is the largest deviation over the numbers j in
    ``LOWEST``.

    Parameters
    ----------
    powers
        Mode powers (m,).
    freedom
        Degrees of freedom of each.
    """
    from scipy.special import gammainc, gammaincc, ndtri

    count = len(powers)
    share = powers / intercepts(powers)[1]
    x = design(count, 1)[0]
    inverse = np.linalg.inv(x.T @ x)
    worst = 0.0
    for few in (j for j in LOWEST if 2 * j <= count):
        half = few * freedom / 2
        total = float(share[:few].sum()) * freedom / 2
        tail = gammainc(half, total) if total < half else gammaincc(half, total)
        own = x[:few].sum(axis=0)
        kept = 1 - float(own @ inverse @ own) / few
        worst = max(worst, -float(ndtri(max(tail, TINY))) / max(kept, 0.05) ** 0.5)
    return worst


def straight_modes(powers: np.ndarray, freedom: float, widest: int) -> int:
    """Return the most of the lowest modes, at most ``widest``, that one straight fit describes.

    The lowest modes must agree with the fit (`fit_misfit`). A deviation of fewer than about thirty
    modes cannot be distinguished from chance.
    """
    sizes = [w for w in STEPS if w < widest] + [widest]
    return next((size for size in reversed(sizes)
                 if size == sizes[0] or fit_misfit(powers[:size], freedom) < MISFIT), sizes[0])


def total_windows(held: Modes, widest: int) -> tuple[int, ...]:
    """Return the numbers of modes to fit the collective coefficient to.

    Correlations between ions may last longer than those of single ions, so the powers of the sum
    need not be straight in the window of single ions. Where they are not, the widest window in
    which they are is taken, and beside it a narrower one with twice its share, since a curvature
    just below the limit of this test is not seen.
    """
    size = straight_modes(held.total.mean(axis=1), held.sums / shared(held), widest)
    back = max(min(STEPS[0], size), size // NARROWER)
    return (size,) if size == widest else (size, back, back)


def power_law(powers: np.ndarray, freedom: float) -> tuple[float, float]:
    """Return the exponent of ``powers`` (m,) in the mode number, and its standard error.

    The error is from the curvature of the likelihood. Where the likelihood ratio finds an exponent
    of zero more likely than this error does, the larger error of the likelihood ratio is returned.

    Parameters
    ----------
    powers
        Mode powers (m,).
    freedom
        Degrees of freedom of each.
    """
    logs = np.log(np.arange(1, len(powers) + 1))
    x = np.stack([np.ones_like(logs), logs - logs.mean()], axis=1)
    inverse = np.linalg.pinv(x)
    scaled, beta = powers / max(powers.mean(), TINY), np.zeros(2)
    for _ in range(NEWTON):
        step = inverse @ (scaled * np.exp(-np.clip(x @ beta, -30, 30)) - 1.0)
        beta += step * min(1.0, 1.0 / max(np.abs(step).max(), TINY))
    exponent, error = float(beta[1]), float(np.sqrt(2 / freedom / (x[:, 1] ** 2).sum()))
    fitted = np.clip(x @ beta, -30, 30)
    flat = np.log(max(scaled.mean(), TINY))
    better = (scaled * (np.exp(-flat) - np.exp(-fitted)) + flat - fitted).sum() * freedom
    return exponent, max(error, abs(exponent) / max(better, TINY) ** 0.5)


def net_displacement(
    held: Modes, widest: int, jumps: float, tracer: float, chance: float,
) -> tuple[float, float]:
    """Return the net displacement of the sum of all ions, and its limit for ions that only diffuse.

    A velocity that all ions share makes the net displacement long and adds to the odd sine modes,
    but not to the even ones, whose powers therefore say how far the sum would have diffused without
    it. The mean square of the net displacement over runs and directions, divided by the expected
    power, follows Fisher's F distribution.

    Parameters
    ----------
    held
        Modes of all ions.
    widest
        Most modes that a straight line describes.
    jumps, tracer
        Jumps of all ions and their D_self, Angstrom^2/ps: how many net jumps the sum made.
    chance
        Share of runs of diffusing ions that come farther than the limit.

    Returns
    -------
    tuple
        Length of the net displacement of the sum, and its limit, both over the root of N and of the
        run's length, Angstrom ps^-1/2; 0 and infinity where the modes do not tell.
    """
    from scipy.special import fdtri

    if held.net is None or held.count < 2 * STEPS[0]:
        return 0.0, float("inf")
    powers, freedom = held.total.mean(axis=1)[1::2], held.sums / shared(held)
    most = max(min(STEPS[0], len(powers)), min(widest // 2, len(powers)))
    size = straight_modes(powers, freedom, most)
    weights = design(size, 1)[1][0]
    expected = float(np.exp(intercepts(powers[:size])[0][0]))
    ratio = max(expected / 2 / tracer, TINY)
    known = 1 / (float(weights @ weights) / freedom + max(ratio, 1 / ratio) / (2 * jumps))
    axes = held.net.shape[1]
    limit = expected * axes * float(fdtri(freedom, known, 1 - chance))
    return float((held.net**2).mean() * axes) ** 0.5, limit**0.5
