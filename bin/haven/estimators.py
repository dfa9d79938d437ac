"""Diffusion coefficients from the slow motion of the ions, with intervals that hold.

The increments of a path over equal time steps are projected on sine modes (DST-I). For a random walk
plus any bounded vibration the modes are independent, and the variance of a mode at low frequency
tends to 2 D: the constant offset that a cage adds to the mean-square displacement goes as the square
of the frequency and drops out. (With white vibration this is exactly the likelihood of Vestergaard,
Blainey and Flyvbjerg, 2014.) So ``ln(mode power) = ln(2 D) + b f^2`` is fitted to the lowest modes
by the likelihood of a chi-square variable; the intercept's distribution does not depend on D or b,
so intervals are exact where the model is, for one collective coordinate as for thousands of ions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

CM2_PER_S = 1e-4
DRAWS = 4000
NEWTON = 30


def modes(coarse: np.ndarray, coarse_ps: float, count: int) -> np.ndarray:
    """Return the lowest sine modes of the increments.

    Parameters
    ----------
    coarse
        Positions (N, M, 3), Angstrom, every ``coarse_ps``.
    coarse_ps
        Time between two positions, ps.
    count
        Modes wanted (at most M - 1).

    Returns
    -------
    numpy.ndarray
        Modes (N, m, 3), Angstrom ps^-1/2; the mean square of a low mode is 2 D.
    """
    import scipy.fft

    steps = coarse.shape[1] - 1
    count = min(count, steps)
    out = np.empty((len(coarse), count, 3))
    each = max(1, (1 << 21) // max(1, steps * 3))
    scale = np.sqrt(2.0 / (steps + 1) / coarse_ps) / 2.0
    for start in range(0, len(coarse), each):
        move = np.diff(coarse[start : start + each].astype(np.float64), axis=1)
        out[start : start + each] = scipy.fft.dst(move, type=1, axis=1)[:, :count] * scale
    return out


def design(count: int, order: int) -> np.ndarray:
    """Return the regressors (m, order + 1): powers of the squared frequency, scaled to 1."""
    u = (np.arange(1, count + 1) / count) ** 2
    return u[:, None] ** np.arange(order + 1)


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
    x = design(powers.shape[-1], order)
    inverse = np.linalg.pinv(x)
    floor = np.maximum(powers.mean(axis=-1, keepdims=True), 1e-300)
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
    beta = beta.copy()
    beta[..., 0] += np.log(floor[..., 0])
    return beta, fitted


@lru_cache(maxsize=256)
def pivot(count: int, freedom: float, order: int, seed: int = 0) -> np.ndarray:
    """Return draws of the fitted intercept's error for ``count`` chi-square modes.

    Parameters
    ----------
    count
        Modes fitted.
    freedom
        Degrees of freedom of each mode's power.
    order
        Order of the fit.
    """
    rng = np.random.default_rng([seed, count, order])
    powers = rng.gamma(freedom / 2, 2 / freedom, size=(DRAWS, count))
    return intercepts(np.maximum(powers, 1e-12), order)[0][:, 0]


@dataclass
class Fit:
    """A coefficient in Angstrom^2/ps: value, relative error, draws of what the truth may be.

    ``draws_paired`` are draws for combining self and total: row by row both hold the same
    shot noise of the jumps.
    """

    value: float
    error: float
    draws: np.ndarray
    draws_paired: np.ndarray


def dispersion(powers: np.ndarray, fitted: np.ndarray, order: int, shared: bool = False) -> float:
    """Return the relative variance of a mean mode power about a fit.

    The larger of two: what independent ions give, and what the scatter over modes and axes shows.

    Parameters
    ----------
    powers
        Squared modes (N, m, axes).
    fitted
        Fitted mean powers (m,), averaged over axes.
    order
        Order of the fit.
    shared
        Whether the axes are to be averaged (divides by their effective number).
    """
    ions, count, axes = powers.shape
    level = powers.mean(axis=(0, 1))
    level = level / level.mean()
    relative = powers / (fitted[:, None] * level)
    alone = relative.var(axis=0, ddof=1).mean() / ions if ions > 1 else 0.0
    seen = ((relative.mean(axis=0) - 1) ** 2).sum() / max(1, axes * count - order - axes)
    weight = (level**2).sum() / axes**2 if shared else 1.0
    return float(max(alone, seen) * weight)


def self_fit(values: np.ndarray, rng: np.random.Generator) -> Fit:
    """Fit the tracer coefficient to modes (N, m, axes); the error from ions and modes together."""
    ions, count, axes = values.shape
    powers = values**2
    beta, fitted = intercepts(powers.mean(axis=(0, 2)), 1)
    weights = np.linalg.pinv(design(count, 1))[0]
    level = powers.mean(axis=(0, 1))
    relative = powers / (fitted[:, None] * (level / level.mean()))
    alone = relative.var(axis=0, ddof=1).mean() / ions if ions > 1 else 0.0
    inflation = max(1.0, dispersion(powers, fitted, 1) / alone) if alone > 0 else 1.0
    single = ((powers.mean(axis=2) / fitted) - 1) @ weights
    variance = single.var(ddof=1) / ions if ions > 1 else 2.0 / axes * (weights @ weights)
    variance = float(variance * inflation)
    smooth = min(variance, alone * inflation * (level**2).sum() / level.sum() ** 2
                 * float(weights @ weights))
    degrees = max(1, axes * count - 1 - axes)
    spread = rng.standard_t(degrees, DRAWS)
    value = float(np.exp(beta[0]) / 2)
    return Fit(value, variance**0.5, value * np.exp(variance**0.5 * spread),
               value * np.exp(smooth**0.5 * spread))


def total_fit(values: np.ndarray, shot: float, rng: np.random.Generator) -> Fit:
    """Fit the collective coefficient to modes (N, m, axes).

    Parameters
    ----------
    values
        Modes of all ions.
    shot
        Relative variance from the limited number of jumps.
    rng
        Source of draws.
    """
    ions, count, axes = values.shape
    powers = (values.sum(axis=0) ** 2) / ions
    beta, _ = intercepts(np.maximum(powers.mean(axis=1), 1e-300), 1)
    level = (values**2).mean(axis=(0, 1))
    errors = pivot(count, round(float(level.sum() ** 2 / (level**2).sum()), 1), 1)
    middle = float(np.median(errors))
    draws = rng.permutation(errors) - middle
    value = float(np.exp(beta[0] - middle) / 2)
    noisy = draws + rng.normal(0.0, shot**0.5, len(draws))
    return Fit(value, float(draws.std()), value * np.exp(-noisy), value * np.exp(-draws))
