"""D_total / D_self by the usual means over stretches of the run: estimator ``blocks``."""

from __future__ import annotations

import numpy as np

from haven.transport.estimators.base import Motion, Ratio
from haven.transport.estimators.walk import EVEN

# Fewer stretches give no useful error: with three, Student's factor is above 4.
FEWEST = 4


def stretches(paths: np.ndarray, step_ps: float, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return D_self and D_total of each stretch (B,), Angstrom^2/ps.

    They follow from the growth of the square displacement from half of a stretch to all of it, in
    which the constant offset by vibration cancels.

    Parameters
    ----------
    paths
        Displacements (N, M, A), Angstrom, every ``step_ps``.
    step_ps
        Time of one step, ps.
    count
        Stretches wanted.
    """
    half = max(1, paths.shape[1] // (2 * count))
    path = paths[:, ::half].astype(np.float64)
    number = (path.shape[1] - 1) // 2
    first, second = np.diff(path, axis=1)[:, : 2 * number].reshape(
        len(path), number, 2, path.shape[2]).swapaxes(0, 2)
    found = []
    for a, b in ((first, second), (first.sum(axis=1, keepdims=True),
                                   second.sum(axis=1, keepdims=True))):
        grown = ((a + b) ** 2 - (a**2 + b**2) / 2).sum(axis=(1, 2)) / len(paths)
        found.append(grown / (2 * path.shape[2] * half * step_ps))
    return found[0], found[1]


def block_means(motion: Motion, rng: np.random.Generator) -> Ratio | None:
    """Return the ratio of the means over stretches, with Student's t over their residuals.

    The stretches are as long as the shortest period of the modes that the coefficient of single
    ions is fitted to.
    """
    if motion.paths is None:
        return None
    tracer, total = stretches(motion.paths, motion.step_ps, max(FEWEST, motion.self_window // 2))
    number = len(tracer)
    if number < FEWEST or not tracer.mean() > 0 or not total.mean() > 0:
        return None
    from scipy.special import stdtrit

    value = float(total.mean() / tracer.mean())
    rest = total - value * tracer
    error = float(rest.std(ddof=1) / number**0.5 / tracer.mean())
    draws = value + error * rng.permutation(stdtrit(number - 1, EVEN))
    return Ratio(value, np.maximum(draws, 1e-9), "blocks", 1 / number)
