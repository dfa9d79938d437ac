"""Diffusion coefficients from the lowest modes of the ions' motion, with intervals.

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

from haven.transport.estimators.activity import activity
from haven.transport.estimators.modes import TINY, Modes

DRAWS = 4000  # of what the truth may be: 100 lie beyond each end of a 95 % interval
EVEN = (np.arange(DRAWS) + 0.5) / DRAWS
NEWTON = 30  # steps of the fit at most
GROUPS = 256  # of neighbouring modes at most, whose means are fitted
SLOW = 8  # lowest modes, by which the level of an ion's slow motion is told
# Usual difference between the slopes of ln(power) of the sum and of single ions, from f^2 = 0 to
# the end of the window, for ions with D_total = D_self: correlations depend on the frequency. Where
# jumps are undone by other ions some time later, at a ratio of 1/9, the slopes differ by more than
# 2; for a ratio R the usual difference is therefore max(R, 1/R)^2 times as large.
SLOPES_APART = 0.2
# Weight, in ions, of the variance of independent walkers in that of the ions.
PRIOR_IONS = 8


@dataclass
class Fit:
    """A coefficient in Angstrom^2/ps.

    Attributes
    ----------
    value, error
        The coefficient and the standard error of its logarithm.
    draws
        Draws from the distribution of the true coefficient (DRAWS,).
    paired
        Draws without the noise of the number of jumps and of their bursts, which D_self and D_total
        share: for ratios.
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
    """Return draws (DRAWS, 2) of the errors of a straight fit to ``count`` chi-square powers.

    The two columns are the errors of the intercept and of the slope.

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
    return intercepts(np.maximum(powers, 1e-12))[0]


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
        The variance of independent ions, found from their spread and, since few ions determine it
        badly, from `PRIOR_IONS` further ones that are Gaussian; and the variance that the scatter
        over modes shows.
    """
    count, axes = len(fitted), held.mean.shape[1]
    scale = np.maximum(fitted[:, None], 1e-150)
    alone = float((held.spread[:count] / scale**2).mean()) / axes
    weight = (held.ions - 1) / (held.ions - 1 + PRIOR_IONS)
    alone = (weight * alone + (1 - weight) * 2 * shared(held)) / held.ions
    rest = held.mean[:count] / scale - held.level(count)
    seen = float((rest**2).sum() / axes / max(1, axes * count - order - axes))
    return alone, seen


def shared(held: Modes) -> float:
    """Return the relative variance of a mean over directions, over that of one direction.

    It is one over the effective number of directions (the inverse participation ratio of the lowest
    modes' powers): 1/3 where diffusion is equal along all three axes, 1 where it is along one axis
    only. The lowest modes are taken, since vibration dominates the others and may have other
    directions than jumps.
    """
    return float((held.level(SLOW) ** 2).mean() / held.mean.shape[1])


def self_fit(
    held: Modes, count: int, rng: np.random.Generator, jumps: float = np.inf,
    concerted: float = 1.0,
) -> Fit:
    """Fit the tracer coefficient to the first ``count`` modes.

    The error is first that of independent ions, each with its own coefficient, found from the
    difference of each ion's activity between the halves of the run. Few ions determine it badly, so
    the value expected of independent walkers with as many jumps is added with the weight of
    `PRIOR_IONS` ions. Ions that move together hold less information than independent ones: the
    variance is multiplied by the excess that the scatter over modes shows, by that of the bursts of
    their `activity`, or by ``concerted``, whichever is largest.

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
        D_total / D_self where it is above 1: the number of ions that move together.
    """
    from scipy.special import stdtrit

    axes = held.mean.shape[1]
    beta, fitted = intercepts(held.mean[:count].mean(axis=1))
    weights = design(count, 1)[1][0]
    alone, seen = dispersion(held, fitted, 1)
    inflation = max(1.0, seen / alone) if alone > 0 and held.ions > 1 else 1.0
    kept = min(count, held.values.shape[1])
    seen_over_time = activity(held, fitted[:kept])
    halves, uneven = seen_over_time.halves, 1.0 + seen_over_time.heterogeneity
    noise, each = 2 * shared(held) * uneven, float(weights @ weights)
    walkers = noise * each + held.ions / jumps * uneven
    found = float(((halves[:, 0] - halves[:, 1]) ** 2).mean()) / 4 + noise * (each - 1 / kept)
    weight = (held.ions - 1) / (held.ions - 1 + PRIOR_IONS)
    variance = (weight * max(found, noise * each) + (1 - weight) * walkers) / held.ions
    smooth = min(variance, noise * each / held.ions) * inflation
    widening = max(inflation, seen_over_time.bursts, concerted)
    variance = float(variance * widening)
    freedom = 1 / (1 / max(1, axes * count - 1 - axes)
                   + uneven / (held.ions - 1 + PRIOR_IONS)
                   + (1 - inflation / widening) ** 2 / seen_over_time.frequencies)
    spread = rng.permutation(stdtrit(freedom, EVEN))
    value = float(np.exp(beta[0]) / 2)
    wide, narrow = (np.exp(np.clip(v**0.5 * spread, -50, 50)) for v in (variance, smooth))
    return Fit(value, variance**0.5, value * wide, value * narrow)


def total_fit(
    held: Modes, windows: tuple[int, ...], rng: np.random.Generator,
) -> tuple[float, np.ndarray]:
    """Fit the collective coefficient to the lowest modes.

    With a free slope the interval is 1.5 times as wide as with a known one. The powers of the sum
    change with the frequency about as those of single ions do, which are known better. The slope
    therefore has a normal prior about that of single ions, of width `SLOPES_APART`, or wider where
    the sum moves unlike single ions or the two slopes are seen to differ by more. The error of the
    slope is that of the posterior, which is larger than the scatter of the fit where the two slopes
    are equal.

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
    freedom = round(held.sums / shared(held), 1)
    logs, middle = np.empty((len(windows), DRAWS)), 0.0
    for row, count in zip(logs, windows, strict=True):
        errors = pivot(count, freedom)
        usual = np.median(errors, axis=0)
        errors = errors - usual
        start, rise = intercepts(powers[:count])[0] - usual
        centre = float(design(count, 1)[0][:, 1].mean())  # where level and slope err apart
        alone = intercepts(held.mean[:count].mean(axis=1))[0]
        apart, noise = rise - alone[1], float(errors[:, 1].var())
        usual_apart = SLOPES_APART * np.exp(min(2 * abs(start - alone[0]), 50.0))
        drawn = noise / (noise + max(usual_apart, abs(apart)) ** 2)
        middle = float(start + centre * drawn * apart)
        left = errors[:, 0] + centre * errors[:, 1] * (1 - (1 - drawn) ** 0.5)
        row[:] = middle - np.clip(rng.permutation(left), -50, 50)
    draws = logs[rng.integers(len(windows), size=DRAWS), np.arange(DRAWS)]
    return float(np.exp(middle) / 2), draws - middle
