"""Diffusion coefficients from the slow motion of the ions, with intervals that hold.

The increments of a path over equal time steps are projected on sine modes (DST-I). For a random
walk plus any bounded vibration the modes are independent, and the variance of a mode at low
frequency tends to 2 D: the constant offset that a cage adds to the mean-square displacement goes as
the square of the frequency and drops out. (With white vibration this is exactly the likelihood of
Vestergaard, Blainey and Flyvbjerg, 2014.) So ``ln(mode power) = ln(2 D) + b f^2`` is fitted to the
lowest modes by the likelihood of a chi-square variable. The intercept's error does not depend on D
or b, so the interval is exact where the model is, for one collective coordinate as for thousands of
ions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from haven.transport.estimators.modes import TINY, Modes

DRAWS = 4000
EVEN = (np.arange(DRAWS) + 0.5) / DRAWS
NEWTON = 30
GROUPS = 256
STEPS = (8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536)
LOWEST = (4, *STEPS)
# Largest of the deviations that `misfit` tests: 3.0 to 3.3 in one of a hundred sums of ions that
# know nothing of each other, whatever the number of modes (1500 draws each of 32 to 1000 modes).
MISFIT = 3.0
# Where the widest window is refused the next ones are bent too, by less than can be seen: a narrower
# window, this many times fewer modes, has a share of the draws.
NARROWER = 3
SLOW = 8
# Weight of what independent walkers would have in the variance of one ion, in ions.
PRIOR_IONS = 8
# Errors by which the ions' lasting differences must exceed what chance makes.
LASTING = 3.0


@dataclass
class Fit:
    """A coefficient in Angstrom^2/ps.

    Attributes
    ----------
    value, error
        The coefficient and the standard error of its logarithm.
    draws
        What the truth may be (DRAWS,).
    paired
        The same without the shot noise of the jumps and their bursts, which self and total share:
        for ratios.
    """

    value: float
    error: float
    draws: np.ndarray
    paired: np.ndarray


@lru_cache(maxsize=64)
def design(count: int, order: int) -> tuple[np.ndarray, np.ndarray]:
    """Return powers of the squared frequency (m, order + 1), and their pseudoinverse."""
    u = (np.arange(1, count + 1) / count) ** 2
    x = u[:, None] ** np.arange(order + 1)
    return x, np.linalg.pinv(x)


def intercepts(powers: np.ndarray, order: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Fit ``ln(power) = c0 + c1 f^2 + ...`` to gamma-distributed powers.

    Parameters
    ----------
    powers
        Positive mode powers (..., m).
    order
        Highest power of the squared frequency.

    Returns
    -------
    tuple
        Coefficients (..., order + 1) and fitted powers (..., m).
    """
    x, inverse = design(powers.shape[-1], order)
    floor = np.maximum(powers.mean(axis=-1, keepdims=True), TINY)
    scaled = powers / floor
    beta = np.zeros((*powers.shape[:-1], order + 1))
    for _ in range(NEWTON):
        eta = np.clip(beta @ x.T, -30, 30)
        step = (scaled * np.exp(-eta) - 1.0) @ inverse.T
        size = np.abs(step).max(axis=-1, keepdims=True)
        beta = beta + step * np.minimum(1.0, 1.0 / np.maximum(size, 1e-12))
        if size.max() < 1e-9:
            break
    fitted = np.exp(np.clip(beta @ x.T, -30, 30)) * floor
    beta[..., 0] += np.log(floor[..., 0])
    return beta, fitted


@lru_cache(maxsize=64)
def pivot(count: int, freedom: float, seed: int = 0) -> np.ndarray:
    """Return draws of the error of a straight fit's intercept to ``count`` chi-square powers.

    Parameters
    ----------
    count
        Modes fitted.
    freedom
        Degrees of freedom of each mode's power.
    seed
        Seed of the draws.
    """
    rng = np.random.default_rng([seed, count])
    group = -(-count // GROUPS)  # neighbours' mean has their degrees of freedom together
    count, freedom = count // group, freedom * group
    powers = rng.gamma(freedom / 2, 2 / freedom, size=(DRAWS, count))
    return intercepts(np.maximum(powers, 1e-12))[0][:, 0]


def dispersion(held: Modes, fitted: np.ndarray, order: int) -> tuple[float, float]:
    """Return the relative variance of the mean power about a fit, found in two ways.

    Parameters
    ----------
    held
        Modes (N, m, A).
    fitted
        Mean powers (k,) fitted to the first k modes.
    order
        Order of the fit.

    Returns
    -------
    tuple
        What ions that know nothing of each other give, and what the scatter over modes shows.
    """
    count, axes = len(fitted), held.mean.shape[1]
    scale = np.maximum(fitted[:, None], 1e-150)
    alone = float((held.spread[:count] / scale**2).mean() / held.ions / axes)
    rest = held.mean[:count] / scale - held.level(count)
    seen = float((rest**2).sum() / axes / max(1, axes * count - order - axes))
    return alone, seen


def shared(held: Modes) -> float:
    """Return what averaging over the directions leaves of a direction's relative variance.

    By the lowest modes: vibration, which fills the others, has more directions than jumps may have.
    """
    return float((held.level(SLOW) ** 2).mean() / held.mean.shape[1])


def bursts(held: Modes, fitted: np.ndarray) -> tuple[float, int]:
    """Return how much the activity of all ions varies, over what ions apart would show.

    Jumps that call forth other ions' jumps raise all modes of a run alike, so their scatter hides
    it; but they come in bursts. Turned back from their modes over the root of ``fitted``, the ions'
    velocities are white if alone; the slow variations of their squares are compared, of the sum
    over ions and of each.

    Parameters
    ----------
    held
        Modes (N, m, A).
    fitted
        Mean powers (k,) fitted to the first k modes.

    Returns
    -------
    tuple
        The ratio of variances, 1 for ions that know nothing of each other, and the number of
        frequencies it is the mean of.
    """
    import scipy.fft

    count = len(fitted)
    slow = min(count - 1, max(SLOW, count // SLOW))
    together, apart = np.zeros(slow), np.zeros(slow)
    each = max(1, (1 << 20) // held.values[0, :count].size)
    for first in range(0, held.ions, each):
        white = held.values[first : first + each, :count] / fitted[:, None] ** 0.5
        activity = (scipy.fft.dst(white, type=1, axis=1, norm="ortho") ** 2).sum(axis=2)
        waves = scipy.fft.dct(activity, axis=1, norm="ortho")[:, 1 : slow + 1]
        together += waves.sum(axis=0)
        apart += (waves**2).sum(axis=0)
    known = slow > 0 and apart.sum() > 0
    return float((together**2).sum() / apart.sum()) if known else 1.0, max(1, slow)


def activities(held: Modes, fitted: np.ndarray) -> np.ndarray:
    """Return each ion's mean square velocity in the two halves of the run, mean 1 (N, 2).

    Parameters
    ----------
    held
        Modes (N, m, A).
    fitted
        Mean powers (k,) fitted to the first k modes, by which the velocities are whitened.
    """
    import scipy.fft

    count = len(fitted)
    halves = np.empty((held.ions, 2))
    each = max(1, (1 << 20) // held.values[0, :count].size)
    for first in range(0, held.ions, each):
        white = held.values[first : first + each, :count] / fitted[:, None] ** 0.5
        activity = (scipy.fft.dst(white, type=1, axis=1, norm="ortho") ** 2).mean(axis=2)
        halves[first : first + each, 0] = activity[:, : count // 2].mean(axis=1)
        halves[first : first + each, 1] = activity[:, count - count // 2 :].mean(axis=1)
    return halves


def heterogeneity(halves: np.ndarray) -> float:
    """Return the relative variance over ions of their own coefficients, 0 where chance explains it.

    Differences between ions that last show in both halves of a run, chance does not.

    Parameters
    ----------
    halves
        Each ion's activity in the halves (N, 2), mean 1.
    """
    if len(halves) < 3:
        return 0.0
    off = halves - halves.mean(axis=0)
    lasting = float((off[:, 0] * off[:, 1]).sum() / (len(halves) - 1))
    chance = float(np.sqrt((off[:, 0] ** 2).mean() * (off[:, 1] ** 2).mean() / len(halves)))
    return lasting if lasting > LASTING * chance else 0.0


def self_fit(
    held: Modes, count: int, rng: np.random.Generator, jumps: float = np.inf,
    concerted: float = 1.0,
) -> Fit:
    """Fit the tracer coefficient to the first ``count`` modes.

    The error is that of these ions, each with its own coefficient, counted as independent: what
    each one's activity differs by from one half of the run to the other. Few ions tell that badly,
    so what independent walkers of as many jumps would show counts as `PRIOR_IONS` more. Ions that
    move together know less: the variance is multiplied by what the scatter over modes shows beyond
    it, by what their `bursts` do, or by ``concerted``, whichever is most.

    Parameters
    ----------
    held
        Modes (N, m, A).
    count
        Modes fitted.
    rng
        Source of draws.
    jumps
        Jumps of all ions; their number alone has a relative variance of 1 / jumps.
    concerted
        D_total / D_self where above 1: so many ions move at a time.
    """
    from scipy.special import stdtrit

    axes = held.mean.shape[1]
    beta, fitted = intercepts(held.mean[:count].mean(axis=1))
    weights = design(count, 1)[1][0]
    alone, seen = dispersion(held, fitted, 1)
    inflation = max(1.0, seen / alone) if alone > 0 and held.ions > 1 else 1.0
    halves = activities(held, fitted)
    uneven = 1.0 + heterogeneity(halves)
    noise, each = 2 * shared(held) * uneven, float(weights @ weights)
    walkers = noise * each + held.ions / jumps * uneven
    found = float(((halves[:, 0] - halves[:, 1]) ** 2).mean()) / 4 + noise * (each - 1 / count)
    weight = (held.ions - 1) / (held.ions - 1 + PRIOR_IONS)
    variance = (weight * max(found, noise * each) + (1 - weight) * walkers) / held.ions
    smooth = min(variance, noise * each / held.ions) * inflation
    common, frequencies = bursts(held, fitted) if held.ions > 1 else (1.0, 1)
    widening = max(inflation, common, concerted)
    variance = float(variance * widening)
    freedom = 1 / (1 / max(1, axes * count - 1 - axes)
                   + uneven / (held.ions - 1 + PRIOR_IONS)
                   + (1 - inflation / widening) ** 2 / frequencies)
    spread = rng.permutation(stdtrit(freedom, EVEN))
    value = float(np.exp(beta[0]) / 2)
    wide, narrow = (np.exp(np.clip(v**0.5 * spread, -50, 50)) for v in (variance, smooth))
    return Fit(value, variance**0.5, value * wide, value * narrow)


def misfit(powers: np.ndarray, freedom: float) -> float:
    """Return how far the lowest powers lie from a straight fit to all, in standard deviations.

    The sum of the lowest j powers over their fit is a gamma variable, less what they had themselves
    of the fit; the largest deviation over ``LOWEST`` counts.

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


def straight(powers: np.ndarray, freedom: float, widest: int) -> int:
    """Return the most of the lowest modes, at most ``widest``, that one straight fit describes.

    The lowest modes must agree with the fit (`misfit`). A memory that reaches fewer than some
    thirty modes can't be told from chance.
    """
    sizes = [w for w in STEPS if w < widest] + [widest]
    return next((size for size in reversed(sizes)
                 if size == sizes[0] or misfit(powers[:size], freedom) < MISFIT), sizes[0])


def total_windows(held: Modes, widest: int) -> tuple[int, ...]:
    """Return the numbers of modes to fit the collective coefficient to.

    What ions do to each other may last longer than what each remembers, so the window that is
    straight for single ions need not be for their sum. If that is refused, a narrower one than the
    first that is not has a share: windows bent by less than can be seen lie just below.
    """
    size = straight(held.total.mean(axis=1), held.sums / shared(held), widest)
    back = max(min(STEPS[0], size), size // NARROWER)
    return (size,) if size == widest else (size, back, back)


def power_law(powers: np.ndarray, freedom: float) -> tuple[float, float]:
    """Return the exponent of ``powers`` (m,) in the mode number, and its standard error.

    ``freedom`` are the degrees of freedom of each power.
    """
    logs = np.log(np.arange(1, len(powers) + 1))
    x = np.stack([np.ones_like(logs), logs - logs.mean()], axis=1)
    inverse = np.linalg.pinv(x)
    scaled, beta = powers / max(powers.mean(), TINY), np.zeros(2)
    for _ in range(NEWTON):
        step = inverse @ (scaled * np.exp(-np.clip(x @ beta, -30, 30)) - 1.0)
        beta += step * min(1.0, 1.0 / max(np.abs(step).max(), TINY))
    return float(beta[1]), float(np.sqrt(2 / freedom / (x[:, 1] ** 2).sum()))


def drift(held: Modes, widest: int) -> float:
    """Return how likely ions that only diffuse come as far together as these, or farther.

    A velocity that all ions share makes the net displacement long and adds to the odd sine modes,
    but not to the even ones: their powers tell how far the sum would have diffused.
    """
    from scipy.special import fdtrc

    if held.net is None or held.count < 2 * STEPS[0]:
        return 1.0
    powers, freedom = held.total.mean(axis=1)[1::2], held.sums / shared(held)
    size = straight(powers, freedom, max(min(STEPS[0], len(powers)), min(widest // 2, len(powers))))
    weights = design(size, 1)[1][0]
    expected = float(np.exp(intercepts(powers[:size])[0][0]))
    return float(fdtrc(freedom, freedom / float(weights @ weights),
                       (held.net**2).mean() / expected))


def total_fit(
    held: Modes, windows: tuple[int, ...], rng: np.random.Generator,
) -> tuple[float, np.ndarray]:
    """Fit the collective coefficient to the lowest modes.

    Parameters
    ----------
    held
        Modes of all ions.
    windows
        Numbers of modes fitted; each has an equal share in the draws, the last gives the value.
    rng
        Source of draws.

    Returns
    -------
    tuple
        D_total in Angstrom^2/ps and draws of the error of its logarithm (DRAWS,), without the noise
        of the number of jumps.
    """
    powers = held.total.mean(axis=1)
    freedom = round(1.0 / shared(held), 1)
    logs, middle = np.empty((len(windows), DRAWS)), 0.0
    for row, count in zip(logs, windows, strict=True):
        errors = pivot(count, freedom)
        middle = float(intercepts(powers[:count])[0][0]) - float(np.median(errors))
        row[:] = middle - np.clip(rng.permutation(errors) - np.median(errors), -50, 50)
    draws = logs[rng.integers(len(windows), size=DRAWS), np.arange(DRAWS)]
    return float(np.exp(middle) / 2), draws - middle
