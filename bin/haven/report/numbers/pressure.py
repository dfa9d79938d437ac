"""Whether values of U are compared at equal pressure, in a sentence for each comparison."""

from __future__ import annotations

from math import sqrt

import pandas as pd

from haven.core.numbers import known
from haven.core.types import Table
from haven.dynamics.runs.stationary import PRESSURE_GPA

UNKNOWN = ("Whether the values of U are compared at equal pressure cannot be said: the mean "
           "pressures of their runs are not known.")


def pressure_sentence(runs: Table) -> str:
    """Return in a sentence whether the runs of all U at one temperature have one pressure.

    Means over the runs of one U and temperature count as equal where they differ by no more than
    `haven.dynamics.runs.stationary.PRESSURE_GPA` and twice the error of the difference.

    Parameters
    ----------
    runs
        Table ``runs``.

    Returns
    -------
    str
        Empty where there are no runs of two U at one temperature, so that nothing is compared.
    """
    means = _means(runs)
    both = means.groupby("temperature_k")["u_ev"].transform("nunique") > 1
    means = means[both] if len(means) else means
    if means.empty:
        return ""
    if means["mean"].isna().any():
        return UNKNOWN
    worst: tuple[float, float, str] | None = None
    unequal: list[str] = []
    for temperature_k, mine in means.groupby("temperature_k"):
        ordered = mine.sort_values("mean").to_dict("records")
        low, high = ordered[0], ordered[-1]
        error = sqrt(float(low["error"]) ** 2 + float(high["error"]) ** 2)
        apart = float(high["mean"]) - float(low["mean"])
        said = (f"at {float(str(temperature_k)):g} K {low['mean']:.2f} GPa at U = {low['u_ev']:g} "
                f"eV, {high['mean']:.2f} GPa at U = {high['u_ev']:g} eV")
        if apart > PRESSURE_GPA + 2 * error:
            unequal.append(said)
        if worst is None or apart > worst[0]:
            worst = apart, error, f"{float(str(temperature_k)):g} K"
    if unequal:
        return f"The values of U are not compared at equal pressure: {'; '.join(unequal)}."
    assert worst is not None
    digits = 2 if worst[1] >= 0.005 else 3
    return (f"The values of U are compared at equal pressure: mean pressures differ by at most "
            f"{worst[0]:.{digits}f} ± {worst[1]:.{digits}f} GPa (at {worst[2]}).")


def _means(runs: Table) -> Table:
    """Return mean pressure and its error (GPa) of each U and temperature; nan where not known."""
    columns = ("u_ev", "temperature_k", "pressure_gpa", "pressure_error_gpa")
    if runs.empty or any(name not in runs for name in columns):
        return pd.DataFrame(columns=["u_ev", "temperature_k", "mean", "error"])
    rows = []
    for (u_ev, temperature_k), mine in runs.groupby(["u_ev", "temperature_k"]):
        each, errors = (pd.to_numeric(mine[name]) for name in columns[2:])
        there = len(mine) > 0 and all(known(p, e) for p, e in zip(each, errors, strict=True))
        mean = float(each.mean()) if there else float("nan")
        error = sqrt(float((errors**2).sum())) / len(mine) if there else float("nan")
        rows.append({"u_ev": u_ev, "temperature_k": temperature_k, "mean": mean, "error": error})
    return pd.DataFrame(rows)
