"""Which runs of a condition are joined by their modes, and what these differ by beyond chance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from haven.core.constants import Z95
from haven.transport.diffusion import Estimate
from haven.transport.estimators import modes as sines
from haven.transport.estimators import walk
from haven.transport.estimators.modes import Modes

SHORT = 0.5  # a run shorter than this share of the usual length adds its jumps, not its slow modes


def long_enough(
    durations_ps: Sequence[float] | np.ndarray, ions: Sequence[int] | np.ndarray,
) -> np.ndarray:
    """Return whether each run (R,) is long enough for its slow modes to be joined with the others'.

    The usual length is the weighted median: half of the ions' time is in runs at least as long. So
    one run that is longer than many leaves them in, and a few short ones take nothing from a run
    that holds most of the time.

    Parameters
    ----------
    durations_ps, ions
        Length, ps, and number of mobile ions of each run (R,).
    """
    lengths = np.asarray(durations_ps, float)
    order = np.argsort(-lengths)
    held = np.cumsum((lengths * np.asarray(ions, float))[order])
    usual = lengths[order][np.searchsorted(held, held[-1] / 2)]
    return lengths >= SHORT * usual


def between(
    runs: Sequence[Modes], durations_ps: Sequence[float], held: Modes, window: int,
) -> float:
    """Return the variance of the joined logarithm from what runs differ by beyond chance.

    Each run's share x in the fitted intercept is compared with the others'. By chance alone its
    variance s^2 goes as one over its ions times its length, w. What the shares differ by beyond
    that, ``Q = sum((x - mean)^2 / s^2)`` less its expectation, gives the variance between runs
    (method of moments, DerSimonian and Laird, Controlled Clinical Trials 7, 177, 1986). Of it the
    mean keeps the share h = sum(w^2) / sum(w)^2. Where one run outweighs all others together,
    h / (1 - h) is limited to 1, that of two equal runs: the scatter of a light run by chance alone
    would otherwise be taken for a difference that the heavy one has, too.

    Parameters
    ----------
    runs, durations_ps
        Modes of each run and its length, ps (R,).
    held
        Their joined modes.
    window
        Number of modes that D_self is fitted to.
    """
    if len(runs) < 2:
        return 0.0
    fitted = walk.intercepts(held.mean[:window].mean(axis=1))[1]
    weights = walk.design(window, 1)[1][0]
    share = np.array([float((part.mean[:window].mean(axis=1) / fitted) @ weights)
                      for part in sines.aligned(runs, durations_ps)])
    error = walk.self_fit(held, window, np.random.default_rng(0)).error
    return excess(share, np.array([run.ions for run in runs]), np.asarray(durations_ps), error)


def excess(share: np.ndarray, ions: np.ndarray, durations_ps: np.ndarray, error: float) -> float:
    """Return the variance of a mean over ``ions`` beyond ``error`` squared; see `between`.

    Parameters
    ----------
    share, ions, durations_ps
        Value, ions and length of each run (R,).
    error
        Standard error of the mean by chance alone.
    """
    weights = ions * durations_ps
    # The error of the mean over ions, of values with the variance `chance` / weights.
    chance = float(error**2 * ions.sum() ** 2 / (ions / durations_ps).sum())
    if not chance > 0:
        return 0.0
    misfit = float(weights @ (share - weights @ share / weights.sum()) ** 2) / chance
    kept, alone = (float((w**2).sum() / w.sum() ** 2) for w in (ions, weights))
    beyond = max(0.0, misfit - (len(share) - 1)) * chance / float(weights.sum())
    return beyond * min(1.0, kept / (1 - alone))


def widened(row: Estimate, variance: float, runs: int) -> Estimate:
    """Return a row whose interval holds also what ``runs`` differ by.

    Parameters
    ----------
    row
        A coefficient with the interval of ions that all walk alike.
    variance
        Relative variance of the joined value from the spread between runs.
    runs
        Runs it was found from: few runs leave the spread itself in doubt (Student's t with the
        degrees of freedom of Satterthwaite).
    """
    from scipy.special import stdtrit

    if row.value is None or row.low_95 is None or row.high_95 is None:
        return row
    if row.quantity == "distinct":
        own = (row.high_95 - row.low_95) / (2 * Z95)
        more = variance * row.value**2
    else:
        own = math.log(row.high_95 / row.low_95) / (2 * Z95)
        more = variance
    whole = own**2 + more
    freedom = whole**2 / (more**2 / (runs - 1))
    factor = float(stdtrit(freedom, 0.975)) / Z95 * (whole**0.5 / own if own > 0 else 1.0)
    if row.quantity == "distinct":
        return replace(row, low_95=row.value - factor * (row.value - row.low_95),
                       high_95=row.value + factor * (row.high_95 - row.value))
    return replace(row, low_95=row.value * (row.low_95 / row.value) ** factor,
                   high_95=row.value * (row.high_95 / row.value) ** factor)
