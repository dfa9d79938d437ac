"""Several runs of one condition joined into one number with an interval, where that is possible."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from haven.core.constants import NOT_STATIONARY, SEVERITY, Z95
from haven.core.numbers import known
from haven.core.types import Table, Tables

WITHOUT_BOUND = ("unstable", NOT_STATIONARY)  # verdicts on runs that bound nothing


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


def pool(runs: Table) -> Pooled:
    """Join rows with value, interval, verdict, ``replica`` and ``seed`` of one condition.

    Disagreement between replicas or potentials widens the interval (`joined_interval`). Where any
    row is not diffusive, only a bound is returned: to join the others would favour fast runs.

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
        ceiling = max(highs) if len(highs) == len(runs) and verdict not in WITHOUT_BOUND else None
        return Pooled(None, None, ceiling, len(runs), verdict, note)
    if len(runs) == 1:
        only = runs.iloc[0]
        return Pooled(
            float(only["value"]), float(only["low_95"]), float(only["high_95"]), 1, verdict, note
        )
    value, low, high = joined_interval(runs)
    return Pooled(value, low, high, len(runs), verdict, note)


def joined_interval(runs: Table) -> tuple[float, float, float]:
    """Return the mean of several runs' estimates and its 95 % interval.

    The interval includes random effects that runs of one replica or of one potential share, as in
    the Arrhenius fits (`haven.transport.conductivity.join`). Positive estimates are joined by their
    logarithms.

    Parameters
    ----------
    runs
        Columns value, low_95, high_95, replica, seed.
    """
    import numpy as np

    from haven.transport.conductivity import join

    value, low, high = (runs[name].to_numpy(float) for name in ("value", "low_95", "high_95"))
    positive = bool((low > 0).all())
    if positive:
        value, low, high = np.log(value), np.log(low), np.log(high)
    groups = {"disorder": runs["replica"].to_numpy(), "potential": runs["seed"].to_numpy()}
    ends = join(value, (high - low) / (2 * Z95), np.ones((len(value), 1)), groups).interval(
        np.ones(1))
    middle, lower, upper = (math.exp(end) if positive else end for end in ends)
    return middle, lower, upper


MOTION = ("diffusion", "msd", "hops", "tracks")  # tables whose species are the mobile ones
USUALLY_MOBILE = frozenset({"Li", "Na", "Ag", "K", "Cu"})


def mobile_species(tables: Tables) -> frozenset[str]:
    """Return the mobile elements, as the tables of motion name them.

    Where no run was analysed they are those that move in most solid electrolytes.
    """
    named = {str(one) for name in MOTION if name in tables and "species" in tables[name]
             for one in tables[name]["species"].dropna()}
    return frozenset(named) or USUALLY_MOBILE
