"""How many more nanoseconds a wanted interval takes, and how many hours they cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from haven.transport.conductivity import Z95, join

if TYPE_CHECKING:
    import pandas as pd

DOUBT = 0.05
BEYOND_TIME = {
    "no_host": "the trajectories hold the mobile ions alone: save all atoms",
    "drifting": "the mobile ions drift against the host, which more time does not mend",
    "unstable": "a run was not stable, which more time does not mend",
}


def plan(
    runs: pd.DataFrame, quantity: str, wanted: float, min_events: int,
    speed_ns_per_day: float | None,
) -> dict[str, Any]:
    """Plan one quantity at one material, U and temperature.

    Sampling variance falls as one over the time; what replicas and potentials differ by, where they
    differ beyond doubt, does not.

    Parameters
    ----------
    runs
        Rows of `haven.transport.arrhenius.gather` for this condition.
    quantity
        Their quantity.
    wanted
        Wanted half width of the 95 % interval of the logarithm (0.1: ten per cent).
    min_events
        Jumps below which no number is given.
    speed_ns_per_day
        Measured speed of one run, if known.

    Returns
    -------
    dict
        Row of table ``plan`` but for the keys.
    """
    from scipy.special import chdtrc

    have = float(runs["duration_ps"].sum()) / 1000 if "duration_ps" in runs else float("nan")
    good = runs[runs["good"]]
    now, needed = None, None
    if len(good) < len(runs) or good.empty:
        hops = float(runs["hop_events"].fillna(0).sum()) if "hop_events" in runs else 0.0
        short = runs["verdict"].isin(["too_few_events"]).any()
        needed = have * max(2.0, 2 * min_events * len(runs) / max(hops, 1.0)) if short else 4 * have
        note = ("least time to see enough jumps; the interval comes after" if short
                else "not diffusive yet: four times as long, then look again")
        for verdict, why in BEYOND_TIME.items():
            if (runs["verdict"] == verdict).any():
                needed, note = None, why
    else:
        errors, logs = good["error"].to_numpy(float), good["log"].to_numpy(float)
        weights = 1 / errors**2
        mean = weights @ logs / weights.sum()
        agree = len(good) < 2 or chdtrc(len(good) - 1, weights @ (logs - mean) ** 2) > DOUBT
        joined = join(logs, errors, np.ones((len(good), 1)), {} if agree else {
            "disorder": good["replica"].to_numpy(), "potential": good["seed"].to_numpy()})
        _, error, quantile = joined.contrast(np.ones(1))
        now = quantile * error
        sampling = float(joined.parts["sampling"][0, 0])
        rest = 0.0 if agree else error**2 - sampling
        room = (wanted / Z95) ** 2 - rest
        if room > 0:
            needed, note = have * max(1.0, sampling / room), "time of all runs together"
        else:
            note = "replicas or potentials differ by more than wanted: add some of those instead"
    more = None if needed is None else max(0.0, needed - have)
    hours = None if more is None or not speed_ns_per_day else more / speed_ns_per_day * 24
    return {"quantity": quantity, "have_ns": have, "half_width_now": now,
            "half_width_wanted": wanted, "needed_ns": needed, "more_ns": more,
            "device_hours": hours, "note": note}


def speeds(runs_table: pd.DataFrame) -> dict[tuple[str, float], float]:
    """Return the mean measured speed in ns/day by material and U."""
    if runs_table.empty:
        return {}
    return {(str(m), float(u)): float(rows["ns_per_day"].mean())
            for (m, u), rows in runs_table.groupby(["material", "u_ev"])}
