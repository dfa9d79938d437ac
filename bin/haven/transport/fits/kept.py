"""Joined conditions of an earlier run whose modes are gone, joined with those of new replicas.

What is left of the earlier runs is their table ``joined``: coefficients with intervals, slopes and
numbers of jumps. Coefficients of both are weighed by the time that ions were watched, as the powers
of modes of runs that are joined from their modes are.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from haven.core.constants import Z95
from haven.core.errors import log
from haven.transport.diffusion import Estimate, diffusion_verdict, judge_sum
from haven.transport.fits.arrhenius import WITHOUT_NUMBER
from haven.transport.fits.condition import DIFFUSION, KEYS, Condition, Seen
from haven.transport.fits.spread import long_enough

if TYPE_CHECKING:
    import pandas as pd


def kept_conditions(joined: pd.DataFrame, runs: pd.DataFrame) -> list[Condition]:
    """Return the conditions of a table ``joined``.

    Parameters
    ----------
    joined
        The earlier run's table.
    runs
        Rows of `haven.transport.fits.arrhenius.gather` of the earlier run's runs, for the time in
        which their jumps were seen.
    """
    found = []
    for keys, rows in joined.groupby(["material", "u_ev", "temperature_k", "seed"], dropna=False):
        material, u_ev, temperature, seed = keys
        here = runs[(runs["material"] == material) & (runs["u_ev"] == u_ev)
                    & (runs["temperature_k"] == temperature)]
        here = here if _lacks(seed) else here[here["seed"] == seed]
        known = rows.set_index("quantity")
        first = known.iloc[0]
        own = _joined_runs(here, int(first["runs"]))
        siemens = _ratio(known, "sigma_self", "d_self")
        seen = Seen(int(first["runs"]), _whole(first["ions"]), _number(first["duration_ps"]) or 0.0,
                    _number(first["hop_events"]) or 0.0, float(own["exposure"].sum()),
                    float(own["siemens"].mean()) if siemens is None else siemens)
        estimates = [_estimate(part, known.loc[name], seen.hops)
                     for part, name in DIFFUSION.items() if name in known.index]
        logs = {row.quantity: pair for row in estimates
                if row.quantity in ("self", "total") and (pair := _log(row)) is not None}
        if "self" in logs:
            logs["self"] = (logs["self"][0], min(logs["self"][1], _sampling(own)))
        logs |= _told(known)
        left_out = first["left_out"]
        found.append(Condition(
            {"material": str(material), "u_ev": float(u_ev), "temperature_k": float(temperature),
             "seed": None if _lacks(seed) else int(seed)}, seen,
            "" if _lacks(left_out) else str(left_out), estimates if seen.runs else [], logs,
            () if seen.runs else (str(first["verdict"]),)))
    return found


def _joined_runs(runs: pd.DataFrame, count: int) -> pd.DataFrame:
    """Return the rows of D_self of the ``count`` runs that a row of a table ``joined`` is of.

    An earlier Haven counted the jumps of runs too short for their slow modes, too.
    """
    own = runs[(runs["quantity"] == "d_self") & ~runs["verdict"].isin(WITHOUT_NUMBER)]
    own = own.drop_duplicates(list(KEYS))
    if len(own) <= count:
        return own
    return own[long_enough(own["duration_ps"].to_numpy(float), own["ions"].to_numpy(float))]


def _told(known: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """Return the logarithms that a table ``joined`` tells, whatever the verdict.

    Those of an earlier Haven do not: of them, what has a value alone is known.
    """
    if "ln_value" not in known:
        return {}
    found = {part: (_number(known.loc[name, "ln_value"]), _number(known.loc[name, "ln_error"]))
             for part in ("self", "total") if (name := DIFFUSION[part]) in known.index}
    return {part: (value, error) for part, (value, error) in found.items()
            if value is not None and error is not None}


def _sampling(runs: pd.DataFrame) -> float:
    """Return the error of ln D_self of joined runs from sampling alone, by their own errors.

    The interval of a table ``joined`` also holds what runs differ by, which a line counts by
    itself. That of D_total is kept as it is, since its sampling outweighs what runs differ by.
    Infinity where a run has no error of its own.
    """
    errors, weights = runs["error"].to_numpy(float), runs["exposure"].to_numpy(float)
    if not len(runs) or not np.isfinite(errors).all() or not np.isfinite(weights).all():
        return math.inf
    return float(np.sqrt(np.sum((weights * errors) ** 2)) / weights.sum())


def together(
    new: Sequence[Condition], kept: Iterable[Condition], min_events: int,
) -> list[Condition]:
    """Return the conditions of new runs and of an earlier run, those of the same keys as one."""
    found = {_key(one): one for one in new}
    for one in kept:
        other = found.get(_key(one))
        found[_key(one)] = one if other is None else merged(other, one, min_events)
    return [found[key] for key in sorted(found, key=str)]


def _key(one: Condition) -> tuple[Any, ...]:
    seed = one.keys["seed"]
    return (one.keys["material"], one.keys["u_ev"], one.keys["temperature_k"],
            -1 if seed is None else seed)


def merged(first: Condition, second: Condition, min_events: int) -> Condition:
    """Join two conditions of the same keys that have no run in common.

    Coefficients are the means by the time watched. Where the two differ by more than their errors
    explain, their interval is widened by what they differ (method of moments, DerSimonian and
    Laird, 1986). The logarithm of D_self for a line is not: a line counts that by itself. The
    slopes' mean is judged as that of one run. Where a side has a bound alone, so have both: the
    value of the other side would be that of its own runs.

    Parameters
    ----------
    first, second
        Conditions of one material, U and temperature; the first one's logarithms count whatever its
        verdict.
    min_events
        Jumps needed for a number.
    """
    sides = [one for one in (first, second) if one.seen.runs]
    left_out = "; ".join(one.left_out for one in (first, second) if one.left_out)
    ended = first.ended + second.ended
    if len(sides) < 2:
        only = sides[0] if sides else first
        return Condition(only.keys, only.seen, left_out, only.estimates, only.logs, ended)
    weights = [one.exposure / (first.exposure + second.exposure) for one in sides]
    one, two = first.seen, second.seen
    seen = Seen(one.runs + two.runs, one.ions + two.ions, one.duration_ps + two.duration_ps,
                one.hops + two.hops, one.exposure + two.exposure,
                weights[0] * one.siemens + weights[1] * two.siemens)
    logs = {part: found for part in ("self", "total")
            if (found := _mean_log([one.logs.get(part) for one in sides], weights,
                                   part == "total")) is not None}
    slopes = {part: _mean_slope([_row(one, part) for one in sides], weights)
              for part in ("self", "total")}
    error = logs["self"][1] if "self" in logs else math.inf
    verdicts = {"self": diffusion_verdict(seen.hops, min_events, 1, *slopes["self"], error)}
    verdicts["total"] = judge_sum(verdicts["self"], *slopes["total"], False)
    for part in ("self", "total"):
        said = {row.verdict for one in sides if (row := _row(one, part)) is not None}
        if verdicts[part] == "diffusive" and said & {"drifting", "unstable", "no_host"}:
            verdicts[part] = next(iter(sorted(said - {"diffusive"})))
        bound = next(((one, row.verdict) for one in sides if (row := _row(one, part)) is not None
                      and part not in one.logs and row.verdict != "diffusive"), None)
        if bound:
            logs.pop(part, None)
            if verdicts[part] == "diffusive":  # a table of an earlier Haven, or no value at all
                bounded, verdicts[part] = bound
                why = ("earlier runs is a bound, and their modes are gone: with the new runs"
                       if bounded is second else "the new runs is a bound: with the earlier runs")
                log.warning("%s, %g K: D_%s of %s it is one too", first.keys["material"],
                            first.keys["temperature_k"], part, why)
    rows = []
    for part in DIFFUSION:
        each = [_row(one, part) for one in sides]
        model = next((row for row in each if row is not None), None)
        if model is None:
            continue
        verdict = verdicts["self" if part == "self" else "total"]
        value, low, high = _mean_row(part, each, logs, weights, verdict)
        slope, spread = slopes["self" if part == "self" else "total"]
        rows.append(Estimate(part, "xyz", value, low, high, model.unit, math.nan, math.nan, slope,
                             spread, seen.hops, model.estimator, verdict))
    return Condition(first.keys, seen, left_out, rows, logs, ended)


def _mean_row(
    part: str, rows: Sequence[Estimate | None], logs: Mapping[str, tuple[float, float]],
    weights: Sequence[float], verdict: str,
) -> tuple[float | None, float | None, float | None]:
    """Return value and ends of a coefficient; without a number, the ends that are bounds."""
    if verdict != "diffusive":
        high = [None if row is None else row.high_95 for row in rows]
        bound = sum(w * h for w, h in zip(weights, high, strict=True) if h is not None)
        whole = part in ("self", "total") and None not in high
        return None, (0.0 if whole else None), (bound if whole else None)
    if part == "distinct":
        return _mean_value(rows, weights)
    # The rows' own intervals, which hold what runs differ by; `logs` are of sampling alone.
    own = [None if row is None else _log(row) for row in rows]
    found = logs.get(part) if part in ("self", "total") and None in own else _mean_log(own, weights)
    if found is None:
        return None, None, None
    value, error = found
    if part == "haven" and {"self", "total"} <= set(logs):
        value = logs["self"][0] - logs["total"][0]
    return math.exp(value), math.exp(value - Z95 * error), math.exp(value + Z95 * error)


def _mean_value(
    rows: Sequence[Estimate | None], weights: Sequence[float],
) -> tuple[float | None, float | None, float | None]:
    known = [(row.value, (row.high_95 - row.low_95) / (2 * Z95), w)
             for row, w in zip(rows, weights, strict=True)
             if row is not None and row.value is not None
             and row.low_95 is not None and row.high_95 is not None]
    if not known:
        return None, None, None
    whole = sum(w for *_, w in known)
    value = sum(v * w for v, _, w in known) / whole
    error = math.sqrt(sum((s * w) ** 2 for _, s, w in known)) / whole
    return value, value - Z95 * error, value + Z95 * error


def _mean_log(
    logs: Sequence[tuple[float, float] | None], weights: Sequence[float], apart: bool = True,
) -> tuple[float, float] | None:
    """Return the logarithm of the weighted mean of coefficients, and its standard error.

    What two differ by beyond their errors is in it where ``apart``; a line counts that by itself.
    """
    known = [(log, error, w) for pair, w in zip(logs, weights, strict=True) if pair is not None
             for log, error in [pair]]
    if not known:
        return None
    whole = sum(w for *_, w in known)
    mean = sum(w / whole * math.exp(log) for log, _, w in known)
    shares = [(w / whole * math.exp(log) / mean, error) for log, error, w in known]
    variance = sum((share * error) ** 2 for share, error in shares)
    if apart and len(known) == 2:
        (one, first, _), (two, second, _) = known
        between = max(0.0, ((one - two) ** 2 - first**2 - second**2) / 2)
        variance += between * sum(share**2 for share, _ in shares)
    return math.log(mean), math.sqrt(variance)


def _mean_slope(
    rows: Sequence[Estimate | None], weights: Sequence[float],
) -> tuple[float, float]:
    known = [(row.loglog_slope, row.loglog_slope_error, w)
             for row, w in zip(rows, weights, strict=True)
             if row is not None and math.isfinite(row.loglog_slope)]
    if not known:
        return math.nan, math.nan
    whole = sum(w for *_, w in known)
    return (sum(slope * w for slope, _, w in known) / whole,
            math.sqrt(sum((spread * w) ** 2 for _, spread, w in known)) / whole)


def _row(one: Condition, part: str) -> Estimate | None:
    return next((row for row in one.estimates if row.quantity == part), None)


def _estimate(part: str, row: pd.Series, hops: float) -> Estimate:
    slope, spread = (math.nan if (v := _number(row[name])) is None else v
                     for name in ("loglog_slope", "loglog_slope_error"))
    value, low, high = (_number(row[name]) for name in ("value", "low_95", "high_95"))
    return Estimate(part, "xyz", value, low, high, str(row["unit"]), math.nan, math.nan, slope,
                    spread, hops, "walk", str(row["verdict"]))


def _log(row: Estimate) -> tuple[float, float] | None:
    if not (row.value and row.low_95 and row.high_95 and row.low_95 > 0):
        return None
    return math.log(row.value), math.log(row.high_95 / row.low_95) / (2 * Z95)


def _ratio(known: pd.DataFrame, above: str, below: str) -> float | None:
    if above not in known.index or below not in known.index:
        return None
    for column in ("value", "high_95"):
        one, two = _number(known.loc[above, column]), _number(known.loc[below, column])
        if one and two:
            return one / two
    return None


def _number(value: Any) -> float | None:
    return None if _lacks(value) else float(value)


def _whole(value: Any) -> int:
    return int(_number(value) or 0)


def _lacks(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
