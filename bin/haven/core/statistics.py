"""Statistics that several packages use.

Quantiles are those of SciPy's special functions: to import scipy.stats takes longer than a table.
"""

from __future__ import annotations

import numpy as np

from haven.core.periodic import Floats


def kinetic_spread(temperature_k: float, atoms: int) -> float:
    """Return the canonical standard deviation of the temperature, centre of mass at rest, K."""
    return temperature_k * float(np.sqrt(2 / (3 * atoms - 3)))


def slope_with_error(time_ps: np.ndarray, energy: np.ndarray) -> tuple[float, float]:
    """Return slope and standard error, per ps, of an energy (T,) that should be conserved.

    The slope is that of a straight line; its error comes from the spread of the slopes between
    four block means, so that slow swings are not taken for a drift.
    """
    if len(energy) < 8:
        return 0.0, np.inf
    slope = float(np.polyfit(time_ps - time_ps[0], energy, 1)[0])
    blocks = np.array([[t.mean(), e.mean()] for t, e in zip(
        np.array_split(time_ps, 4), np.array_split(energy, 4), strict=True)])
    steps = np.diff(blocks, axis=0)
    each = steps[:, 1] / steps[:, 0]
    return slope, float(each.std(ddof=1) / np.sqrt(len(each)))


def error_of_mean(values: np.ndarray, blocks: int = 10) -> float:
    """Return the standard error of the mean of a correlated series (T,), from means of blocks.

    Infinite with fewer than two values a block.
    """
    if len(values) < 2 * blocks:
        return float("inf")
    means = np.array([part.mean() for part in np.array_split(np.asarray(values, float), blocks)])
    return float(means.std(ddof=1) / np.sqrt(blocks))


def poisson_interval(count: Floats | float) -> tuple[Floats, Floats]:
    """Return the exact 95 % interval of the mean of Poisson counts, (H,) or one (Garwood)."""
    from scipy.special import chdtri

    number = np.asarray(count, float)
    low = np.where(number > 0, chdtri(2 * np.maximum(number, 1), 0.975) / 2, 0.0)
    return low, chdtri(2 * number + 2, 0.025) / 2


def share_interval(hits: int, total: int) -> tuple[float, float]:
    """Return the exact 95 % interval of a share (Clopper and Pearson)."""
    from scipy.special import betaincinv

    return (float(betaincinv(hits, total - hits + 1, 0.025)) if hits else 0.0,
            float(betaincinv(hits + 1, total - hits, 0.975)) if hits < total else 1.0)
