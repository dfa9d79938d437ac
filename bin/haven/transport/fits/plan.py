"""How many more nanoseconds a wanted interval takes, and how many hours they cost.

An interval at a temperature takes jumps there. That of the conductivity at 298 K, which a line
leads to, may be narrowed at any temperature, at some far sooner than at others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from haven.core.constants import NOT_STATIONARY, Z95
from haven.transport.conductivity import Joined, join
from haven.transport.diffusion import SLOPE_TOLERANCE, Estimate
from haven.transport.fits import line as likelihood
from haven.transport.fits.arrhenius import REFERENCE_K, WITHOUT_NUMBER, counted, inverse
from haven.transport.fits.condition import Condition
from haven.transport.fits.standing import AT_298

if TYPE_CHECKING:
    import pandas as pd

DOUBT = 0.05  # p value below which replicas are said to differ
USUAL_NOISE = {"self": 2.5, "total": 8.0}  # variance of ln D times jumps, where none was measured:
#   self: half width 3.1 / sqrt(jumps) of synthetic runs; total: that of 28 modes at 90 jumps
LINE_JUMPS = 10  # fewer leave the slope of a rate within a factor of two at best
UNSEEN = 3.0  # jumps that may be missed where none was seen (95 % of a Poisson count)
LONGER = 4.0  # times as long, where ions have not begun to diffuse and no slope tells how much
FACTOR_AT_298 = 1.7  # of an interval at 298 K: its ends are then a factor of three apart
COLDER_K, COLDEST_K = 50.0, 150.0  # steps to temperatures not yet run; how far below those run
GROWN_JUMPS = 6.0  # of an ion: with one to four, jumps lead back and no coefficient is seen
BEYOND_TIME = {
    "no_host": "the trajectories hold the mobile ions alone: save all atoms",
    "drifting": "the mobile ions drift against the host, which more time does not mend",
    "unstable": "no run was stable, which more time does not mend",
    NOT_STATIONARY: "no run was stationary: anneal longer",
}


def plans(
    runs: pd.DataFrame, quantity: str, wanted: float, min_events: int,
    speed_ns_per_day: float | None, joined: Sequence[Condition] = (),
) -> list[dict[str, Any]]:
    """Plan one quantity of one material and U at each of its temperatures.

    The number of jumps needed for an interval is the same at each temperature. The time they take
    follows from the Arrhenius line of the jump rates of all temperatures. Differences between
    replicas and between potentials, where they are significant, are not reduced by longer runs.
    The interval of joined runs narrows with the root of the time, if further time is that of new
    replicas: less than that is never asked for.
    Runs that are not diffusive yet have to be as long as `too_short` says, too.

    Parameters
    ----------
    runs
        Rows of `haven.transport.fits.arrhenius.gather` of the quantity, material and U.
    quantity
        Their quantity.
    wanted
        Wanted half width of the 95 % interval of the logarithm (0.1: ten per cent).
    min_events
        Jumps below which no number is given.
    speed_ns_per_day
        Measured speed of one run, if known.
    joined
        Joined conditions of the same material and U.

    Returns
    -------
    list of dict
        Rows of table ``plan`` but for material and U, by temperature.
    """
    kept, _ = counted(runs, joined)
    temperatures = np.array(sorted(runs["temperature_k"].unique()), float)
    rates, least = jump_rates(kept, temperatures)
    noise, short = noise_per_jump(kept, quantity, joined), too_short(joined)
    there, rows = _seen_ns(joined), []
    for temperature, rate in zip(temperatures, rates, strict=True):
        some = runs[runs["temperature_k"] == temperature]
        have = there.get(float(temperature), _counted_ns(some))
        now, rest = _now(some, quantity, joined), _beyond_sampling(some)
        needed, note = None, _hopeless(some)
        room = (wanted / Z95) ** 2 - rest
        if not note and room <= 0:
            note = "replicas or potentials differ by more than wanted: add some of those instead"
        elif not note and rate > 0:
            ions = float(some["ions"].mean())
            needed = max(float(min_events), noise / room) / (rate * ions) / 1000
            note = ("more than this: by the jumps that may have been missed" if least else
                    "time of all runs together, by the jump rates of all temperatures")
            told = have * (now / wanted) ** 2 if joined and now else 0.0
            if told > max(needed, have):
                needed = told
                note = "by the interval now, which narrows so where further time is of new replicas"
            if temperature in short or temperature not in set(kept["temperature_k"]):
                needed = max(needed, short.get(float(temperature), LONGER) * have)
                note = "not diffusive yet: at least so long, then look again"
        elif not note:
            note = "no run with a count of jumps"
        rows.append({"temperature_k": float(temperature), "quantity": quantity,
                     "half_width_now": now, "half_width_wanted": wanted, "note": note,
                     **_times(have, needed, speed_ns_per_day)})
    return rows


def _seen_ns(joined: Sequence[Condition]) -> dict[float, float]:
    """Return the time, ns, of the runs that the values of each temperature (K) are from."""
    return {float(one.keys["temperature_k"]): one.seen.duration_ps / 1000 for one in joined
            if one.keys["seed"] is None}


def _counted_ns(some: pd.DataFrame) -> float:
    """Return the time, ns, of those runs that count."""
    return float(some.loc[~some["verdict"].isin(WITHOUT_NUMBER), "duration_ps"].sum()) / 1000


def _times(
    have: float, needed: float | None, speed_ns_per_day: float | None,
) -> dict[str, float | None]:
    """Return what a row of table ``plan`` says of nanoseconds that are there and needed."""
    more = None if needed is None else max(0.0, needed - have)
    hours = None if more is None or not speed_ns_per_day else more / speed_ns_per_day * 24
    return {"have_ns": have, "needed_ns": needed, "more_ns": more, "device_hours": hours}


def line_plans(
    runs: pd.DataFrame, quantity: str, line: Joined, speed_ns_per_day: float | None,
    joined: Sequence[Condition] = (), factor: float = FACTOR_AT_298,
) -> list[dict[str, Any]]:
    """Plan the conductivity at 298 K of a line, were all further time spent at one temperature.

    A measurement at x = 1 / (kB T) - 1 / (kB 298 K) with the variance v changes the covariance C of
    the line's coefficients to C - C a a' C / (v + a' C a), a = (1, -x). This is solved for v. From
    the noise of a jump follows a number of jumps, and a time from the line of their rates. What
    draws of the disorder differ by stays as it is: the time is one of runs in as many draws as now.
    Where no runs of a temperature are in the line, each run has to be long enough to be diffusive
    (`grown_jumps`); those that are there already count towards it (`too_short`).

    Parameters
    ----------
    runs
        As in `plans`, of a conductivity.
    quantity
        Their quantity.
    line
        Its line (value at 298 K, activation energy), as `haven.transport.fits.arrhenius.fit_line`
        returns it.
    speed_ns_per_day
        As in `plans`.
    joined
        As in `plans`.
    factor
        Wanted factor from the value to each end of its 95 % interval, above 1.

    Returns
    -------
    list of dict
        Rows of table ``plan`` but for material and U: temperatures of the runs, and colder ones in
        steps of `COLDER_K`. ``needed_ns`` is None where the interval can't be reached at this
        temperature alone.
    """
    kept, _ = counted(runs, joined)
    run_k = np.array(sorted(kept["temperature_k"].unique()), float)
    colder = np.arange(COLDER_K * (np.ceil(run_k[0] / COLDER_K) - 1), run_k[0] - COLDEST_K - 1,
                       -COLDER_K)
    seen_ns, short = _seen_ns(joined), too_short(joined)
    temperatures = np.unique([*colder[colder > REFERENCE_K], *short, *run_k])
    rates, bounds = jump_rates(kept, temperatures)
    if bounds:
        return []
    ions = float(kept["ions"].mean())
    draws, grown = int(kept.groupby("temperature_k").size().max()), grown_jumps(joined)
    at_298 = np.array([1.0, 0.0])
    _, error, quantile = line.contrast(at_298)
    excess = error**2 - (np.log(factor) / quantile)**2
    noise = noise_per_jump(kept, quantity, joined)
    rows = []
    for temperature, rate, x in zip(temperatures, 1000 * rates, inverse(temperatures), strict=True):
        there = float(kept.loc[kept["temperature_k"] == temperature, "duration_ps"].sum()) / 1000
        longer = short.get(float(temperature)) if not there else None
        have = seen_ns[float(temperature)] if longer else there
        here = np.array([1.0, -x])
        shared = line.covariance @ here
        needed, note = have, "narrow enough"
        if excess > 0:
            needed, note = None, "not by runs at this temperature alone"
            if (variance := (at_298 @ shared)**2 / excess - here @ shared) > 0:
                time = float(noise / variance / (rate * ions))
                least = longer * have if longer else draws * grown / rate
                needed = there + time if there else max(time, least)
                note = ("its runs are not diffusive yet: all of them longer" if longer else
                        "were all further time spent at this temperature, in as many draws as now")
        rows.append({"temperature_k": float(temperature), "quantity": f"{quantity}{AT_298}",
                     "half_width_now": quantile * error, "half_width_wanted": float(np.log(factor)),
                     "note": note, **_times(have, needed, speed_ns_per_day)})
    return rows


def grown_jumps(joined: Sequence[Condition]) -> float:
    """Return how many jumps an ion has to make in a run for the run to be diffusive.

    As many as where the fewest were enough, but no fewer than `GROWN_JUMPS`. Jumps that lead back
    add a constant c to the mean-square displacement, c + 6 D t, whose slope on logarithmic axes is
    a = 1 / (1 + c / (6 D t)). So where runs have a slope that is too small, the slope wanted, A,
    takes (1 / a - 1) / (1 / A - 1) times as many jumps.

    Parameters
    ----------
    joined
        Joined conditions of one material and U.
    """
    enough: list[float] = []
    too_few: list[float] = []
    for one in joined:
        row = _tracer(one)
        if row is None:
            continue
        jumps = one.hops / one.seen.ions
        if row.verdict == "diffusive":
            enough.append(jumps)
        elif row.verdict == "subdiffusive" and (longer := _by_slope(row.loglog_slope)):
            too_few.append(jumps * longer)
    return max(GROWN_JUMPS, min(enough, default=0.0), *too_few)


def too_short(joined: Sequence[Condition]) -> dict[float, float]:
    """Return how many times as long the runs have to be at temperatures (K) not diffusive yet.

    As long as `grown_jumps` takes; `LONGER` where the slope is as wanted, so that it can't tell.

    Parameters
    ----------
    joined
        Joined conditions of one material and U.
    """
    grown, found = grown_jumps(joined), {}
    for one in joined:
        row = _tracer(one)
        if row is not None and row.verdict == "subdiffusive":
            told = one.hops > 0 and _by_slope(row.loglog_slope)
            found[float(one.keys["temperature_k"])] = (
                grown * one.seen.ions / one.hops if told else LONGER)
    return found


def _tracer(one: Condition) -> Estimate | None:
    """Return the coefficient of single ions of all potentials together, where ions were seen."""
    if one.keys["seed"] is not None or not one.seen.ions:
        return None
    return next((row for row in one.estimates if row.quantity == "self"), None)


def _by_slope(slope: float) -> float | None:
    """Return how many times as many jumps give the slope that is wanted; None: it is there."""
    wanted = 1 - SLOPE_TOLERANCE
    return (1 / slope - 1) / (1 / wanted - 1) if 0 < slope < wanted else None


def jump_rates(kept: pd.DataFrame, temperatures: np.ndarray) -> tuple[np.ndarray, bool]:
    """Return jumps per ion and ps at temperatures (K,), and whether they are upper bounds.

    With too few jumps for a line, the mean rate of all runs is returned for every temperature, as
    an upper bound. The mean rate is returned, too, but not as a bound, where there is only one
    temperature or the line does not rise with temperature.
    """
    if kept.empty or not kept["exposure"].sum() > 0:
        return np.zeros(len(temperatures)), True
    hops, exposure = kept["hop_events"].to_numpy(float), kept["exposure"].to_numpy(float)
    t = kept["temperature_k"].to_numpy(float)
    mean = max(float(hops.sum()), UNSEEN) / exposure.sum()
    few = hops.sum() < LINE_JUMPS
    if few or len(np.unique(t)) < 2:
        return np.full(len(temperatures), mean), bool(few)
    x = inverse(t)
    middle = np.average(x, weights=hops + 0.5)
    counts = likelihood.Counts(hops, exposure, {})
    found = likelihood.rate_line(counts, np.stack([np.ones_like(x), middle - x], axis=1),
                                 np.zeros_like(x))
    if found.beta[1] <= 0:
        return np.full(len(temperatures), mean), False
    return np.exp(found.beta[0] - found.beta[1] * (inverse(temperatures) - middle)), False


def noise_per_jump(kept: pd.DataFrame, quantity: str, joined: Sequence[Condition]) -> float:
    """Return the variance of a coefficient's logarithm times the number of jumps it is from.

    Those of runs that add their jumps alone to a line are not among them.
    """
    part = quantity.partition("_")[2]
    pairs = [(one.hops, one.logs[part][1]) for one in joined
             if one.keys["seed"] is None and part in one.logs and one.hops > 0]
    if not joined:
        good = kept[kept["good"] & (kept["hop_events"] > 0)]
        pairs = list(good[["hop_events", "error"]].itertuples(index=False, name=None))
    if not pairs:
        return USUAL_NOISE[part]
    hops, errors = np.array(pairs, float).T
    return float(np.median(hops * errors**2))


def _now(some: pd.DataFrame, quantity: str, joined: Sequence[Condition]) -> float | None:
    """Return the relative half width that the runs of a temperature have together, if any."""
    temperature, part = float(some["temperature_k"].iloc[0]), quantity.partition("_")[2]
    for one in joined:
        if one.keys["seed"] is None and one.keys["temperature_k"] == temperature:
            for row in one.estimates:
                if row.quantity == part and row.value and row.low_95 and row.high_95:
                    return float(np.log(row.high_95 / row.low_95) / 2)
            return None
    good = some[some["good"]]
    if good.empty or len(good) < len(some):
        return None
    error, quantile = _spread(good)
    return quantile * error


def _groups(good: pd.DataFrame) -> dict[str, np.ndarray]:
    return {"disorder": good["replica"].to_numpy(), "potential": good["seed"].to_numpy()}


def _agree(good: pd.DataFrame) -> bool:
    from scipy.special import chdtrc

    if len(good) < 2:
        return True
    errors, logs = good["error"].to_numpy(float), good["log"].to_numpy(float)
    weights = 1 / errors**2
    mean = weights @ logs / weights.sum()
    return bool(chdtrc(len(good) - 1, weights @ (logs - mean) ** 2) > DOUBT)


def _spread(good: pd.DataFrame) -> tuple[float, float]:
    """Return standard error and Student quantile of the mean logarithm of runs."""
    joined = join(good["log"].to_numpy(float), good["error"].to_numpy(float),
                  np.ones((len(good), 1)), {} if _agree(good) else _groups(good))
    _, error, quantile = joined.contrast(np.ones(1))
    return error, quantile


def _beyond_sampling(some: pd.DataFrame) -> float:
    """Return the variance of the mean logarithm that replicas or potentials leave, beyond doubt."""
    good = some[some["good"]]
    if _agree(good):
        return 0.0
    joined = join(good["log"].to_numpy(float), good["error"].to_numpy(float),
                  np.ones((len(good), 1)), _groups(good))
    return float(joined.covariance[0, 0] - joined.parts["sampling"][0, 0])


def _hopeless(some: pd.DataFrame) -> str:
    """Return why more time does not help, or nothing."""
    found = set(some["verdict"])
    return "; ".join(why for verdict, why in BEYOND_TIME.items() if verdict in found) if (
        found <= set(BEYOND_TIME)) else ""


def speeds(runs_table: pd.DataFrame) -> dict[tuple[str, float], float]:
    """Return the mean measured speed in ns/day by material and U."""
    if runs_table.empty:
        return {}
    return {(str(m), float(u)): float(rows["ns_per_day"].mean())
            for (m, u), rows in runs_table.groupby(["material", "u_ev"])}
