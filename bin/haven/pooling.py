"""Several runs of one condition joined into one number with an interval, or into none."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from haven.formatting import known
from haven.kinds import Frame

Z95 = 1.959963984540054  # half width of a normal 95 % interval, standard deviations
SEVERITY = ("diffusive", "subdiffusive", "too_few_events", "unstable")


@dataclass(frozen=True)
class Pooled:
    """One number from several runs.

    Attributes
    ----------
    value, low, high
        Mean and its 95 % interval; ``value`` and ``low`` are None when only a bound is supported,
        all three when nothing is.
    runs
        Runs joined.
    verdict
        The worst verdict among them.
    note
        Which verdicts the runs have, in words.
    """

    value: float | None
    low: float | None
    high: float | None
    runs: int
    verdict: str
    note: str


def worst(verdicts: Iterable[str]) -> str:
    """Return the most severe verdict; one that is not known counts as the most severe."""
    def rank(verdict: str) -> int:
        return SEVERITY.index(verdict) if verdict in SEVERITY else len(SEVERITY)

    return max(verdicts, key=rank, default="not_measured")


def pool(runs: Frame) -> Pooled:
    """Join rows with ``value``, ``low_95``, ``high_95`` and ``verdict`` of one condition.

    Replicas and potentials that disagree widen the interval (`joined_interval`; `mean_interval`
    for numbers that may be negative). A single row that is not diffusive leaves a bound only:
    joining the others would favour the fast runs.

    Parameters
    ----------
    runs
        One row a run.

    Returns
    -------
    Pooled
        The joined number.
    """
    if runs.empty:
        return Pooled(None, None, None, 0, "not_measured", "no run")
    verdict = worst(runs["verdict"])
    counts = runs["verdict"].value_counts()
    note = ", ".join(f"{count} {str(name).replace('_', ' ')}" for name, count in counts.items())
    total = f"{len(runs)} run{'s' if len(runs) > 1 else ''}"
    note = total if len(counts) == 1 else f"{total}: {note}"
    highs = [float(high) for high in runs["high_95"] if known(high)]
    complete = all(known(*row) for row in runs[["value", "low_95", "high_95"]].to_numpy(float))
    if verdict != "diffusive" or not complete:
        ceiling = max(highs) if len(highs) == len(runs) and verdict != "unstable" else None
        return Pooled(None, None, ceiling, len(runs), verdict, note)
    if len(runs) == 1:
        only = runs.iloc[0]
        return Pooled(
            float(only["value"]), float(only["low_95"]), float(only["high_95"]), 1, verdict, note
        )
    if (runs["low_95"] > 0).all() and {"replica", "seed"} <= set(runs.columns):
        value, low, high = joined_interval(runs)
    else:
        value, low, high = mean_interval(
            runs["value"].tolist(), runs["low_95"].tolist(), runs["high_95"].tolist()
        )
    return Pooled(value, low, high, len(runs), verdict, note)


def joined_interval(runs: Frame) -> tuple[float, float, float]:
    """Return the geometric mean of positive estimates and its 95 % interval.

    What runs of one replica or of one potential share widens it, as in the Arrhenius fits
    (`haven.conductivity.join`).

    Parameters
    ----------
    runs
        Columns value, low_95, high_95 (all positive), replica, seed.
    """
    import numpy as np

    from haven.conductivity import join

    logs = np.log(runs["value"].to_numpy(float))
    ends = np.log(runs["high_95"].to_numpy(float) / runs["low_95"].to_numpy(float))
    groups = {"disorder": runs["replica"].to_numpy(), "potential": runs["seed"].to_numpy()}
    joined = join(logs, ends / (2 * Z95), np.ones((len(logs), 1)), groups)
    value, low, high = (math.exp(end) for end in joined.interval(np.ones(1)))
    return value, low, high


def mean_interval(
    values: list[float], lows: list[float], highs: list[float]
) -> tuple[float, float, float]:
    """Return the mean of independent estimates and its 95 % interval.

    Where the estimates agree within their own intervals (chi-squared, p >= 0.05) the interval is
    theirs, widened by the Birge ratio; where they do not, it is Student's t of their scatter.

    Parameters
    ----------
    values, lows, highs
        Estimates with the ends of their own 95 % intervals, any one unit.

    Returns
    -------
    tuple
        Mean, lower end, upper end, in that unit.
    """
    import numpy as np
    from scipy import stats

    value, low, high = (np.asarray(part, dtype=float) for part in (values, lows, highs))
    count, mean = len(value), float(value.mean())
    below = math.sqrt(float(np.sum((value - low) ** 2))) / count
    above = math.sqrt(float(np.sum((high - value) ** 2))) / count
    if count > 1:
        own = np.maximum((high - low) / (2 * Z95), np.finfo(float).tiny)
        chi = float(np.sum(((value - mean) / own) ** 2))
        if stats.chi2.sf(chi, count - 1) < 0.05:
            scatter = float(stats.t.ppf(0.975, count - 1) * value.std(ddof=1) / math.sqrt(count))
            below, above = max(below, scatter), max(above, scatter)
        else:
            birge = max(1.0, math.sqrt(chi / (count - 1)))
            below, above = below * birge, above * birge
    lower = mean - below
    return mean, max(lower, 0.0) if low.min() >= 0 else lower, mean + above
