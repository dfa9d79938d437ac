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
AGREE = 2.5
SET_BACK = 4
SLOW = 8


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


def self_fit(held: Modes, count: int, rng: np.random.Generator) -> Fit:
    """Fit the tracer coefficient to the first ``count`` modes.

    The error is that of ions counted as independent, times what the scatter over modes shows beyond
    it (ions that move together) or what their `bursts` do.
    """
    from scipy.special import stdtrit

    axes = held.mean.shape[1]
    beta, fitted = intercepts(held.mean[:count].mean(axis=1))
    weights = design(count, 1)[1][0]
    alone, seen = dispersion(held, fitted, 1)
    inflation = max(1.0, seen / alone) if alone > 0 else 1.0
    if held.ions > 1:
        each = np.zeros(held.ions)
        for axis in range(axes):
            each += (held.values[:, :count, axis].astype(np.float64) ** 2 / fitted) @ weights / axes
        variance = each.var(ddof=1) / held.ions
    else:
        alone = 2.0 * shared(held)
        variance = alone * float(weights @ weights)
    smooth = min(variance, alone * float(weights @ weights)) * inflation
    common, frequencies = bursts(held, fitted)
    widening = max(inflation, common)
    variance = float(variance * widening)
    freedom = 1 / (1 / max(1, axes * count - 1 - axes) + 1 / max(1, held.ions - 1)
                   + (1 - inflation / widening) ** 2 / frequencies)
    spread = rng.permutation(stdtrit(freedom if held.ions > 1 else axes * count, EVEN))
    value = float(np.exp(beta[0]) / 2)
    wide, narrow = (np.exp(np.clip(v**0.5 * spread, -50, 50)) for v in (variance, smooth))
    return Fit(value, variance**0.5, value * wide, value * narrow)


def total_windows(held: Modes, widest: int) -> tuple[int, ...]:
    """Return the numbers of modes to fit the collective coefficient to.

    What ions do to each other may last longer than what each remembers, so the window that is
    straight for single ions need not be for their sum. Windows grow while the estimate agrees with
    those from all smaller ones (Lepski, 1991). If all do, the widest is returned alone. Else the
    last that did, and twice a smaller one: the last are bent already, by less than their error.
    A memory that reaches fewer than some thirty modes can't be told from chance.
    """
    powers, noise = held.total.mean(axis=1), 2 * shared(held) / held.sums
    sizes = [w for w in STEPS if w < widest] + [widest]
    found: list[tuple[float, float]] = []
    for place, size in enumerate(sizes):
        weights = design(size, 1)[1][0]
        value = float(intercepts(powers[:size])[0][0])
        variance = noise * float(weights @ weights)
        if any(abs(value - other) > AGREE * max(wider - variance, TINY) ** 0.5
               for other, wider in found):
            back = sizes[max(0, place - 1 - SET_BACK)]
            return sizes[place - 1], back, back
        found.append((value, variance))
    return (widest,)


def total_fit(
    held: Modes, windows: tuple[int, ...], shot: float, rng: np.random.Generator,
) -> Fit:
    """Fit the collective coefficient to the lowest modes.

    Parameters
    ----------
    held
        Modes of all ions.
    windows
        Numbers of modes fitted; each has an equal share in the draws, the last gives the value.
    shot
        Relative variance from the limited number of jumps.
    rng
        Source of draws.
    """
    from scipy.special import ndtri

    powers = held.total.mean(axis=1)
    freedom = round(held.sums / shared(held), 1)
    logs, middle = np.empty((len(windows), DRAWS)), 0.0
    for row, count in zip(logs, windows, strict=True):
        errors = pivot(count, freedom)
        middle = float(intercepts(powers[:count])[0][0]) - float(np.median(errors))
        row[:] = middle - np.clip(rng.permutation(errors) - np.median(errors), -50, 50)
    draws = logs[rng.integers(len(windows), size=DRAWS), np.arange(DRAWS)]
    noisy = draws + rng.permutation(ndtri(EVEN)) * shot**0.5
    return Fit(float(np.exp(middle) / 2), float(noisy.std()), np.exp(noisy) / 2, np.exp(draws) / 2)
