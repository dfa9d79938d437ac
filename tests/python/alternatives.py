"""The usual fit of the MSD with its interval, which Haven's was chosen over for its coverage."""

from __future__ import annotations

import numpy as np
from scipy.special import chdtri

Interval = tuple[float, float, float]


def covariance(lags: np.ndarray, steps: int) -> np.ndarray:
    """Return the covariance of a walk's squared displacements averaged over origins, unit steps."""
    out = np.empty((len(lags), len(lags)))
    for i, a in enumerate(lags):
        for j, b in enumerate(lags[: i + 1]):
            shift = np.arange(-b + 1, a)
            overlap = np.minimum(a, shift + b) - np.maximum(0, shift)
            pairs = np.minimum(steps - a, steps - b - shift) - np.maximum(0, -shift) + 1
            value = 2 * (overlap**2 * np.maximum(pairs, 0)).sum()
            out[i, j] = out[j, i] = value / ((steps - a + 1) * (steps - b + 1))
    return out


def gls(coarse: np.ndarray, coarse_ps: float, modes: int) -> tuple[Interval, Interval]:
    """Return D_self and D_total, each with interval: generalised least squares of the MSD.

    Offset and slope, with the covariance of a random walk; ions count as independent.
    """
    steps = coarse.shape[1] - 1
    lags = np.unique(np.linspace(max(1, steps // modes), steps // 3, 8).astype(int))
    inverse = np.linalg.inv(covariance(lags, steps))
    x = np.stack([np.ones(len(lags)), lags], axis=1)
    normal = np.linalg.inv(x.T @ inverse @ x)
    found = []
    for path, ions in ((coarse.astype(float), 1),
                       (coarse.sum(axis=0, keepdims=True, dtype=float), len(coarse))):
        msd = [((path[:, lag:] - path[:, :-lag]) ** 2).mean() for lag in lags]
        slope = (normal @ x.T @ inverse @ msd)[1]
        relative = normal[1, 1] / (3 * len(path))
        freedom = 2 / relative
        value = slope / (2 * coarse_ps) / ions
        found.append((value, value * freedom / chdtri(freedom, 0.025),
                      value * freedom / chdtri(freedom, 0.975)))
    return found[0], found[1]
