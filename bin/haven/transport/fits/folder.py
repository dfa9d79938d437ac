"""Tables of many runs in a folder made into those of their temperatures, lines and plans."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from haven.core import tables
from haven.core.errors import HavenError, log
from haven.transport.fits import arrhenius, budget, condition, contrasts, plan
from haven.transport.tables import (
    ARRHENIUS,
    CONDUCTIVITY,
    DIFFUSION,
    ERROR_BUDGET,
    JOINED,
    PAIRED,
    PLAN,
)

WRITTEN = (JOINED, ARRHENIUS, PAIRED, ERROR_BUDGET, PLAN)
"""Tables that `fit_folder` writes."""


def fit_folder(
    folder: Path, out: Path, min_events: int, wanted_interval: float = 0.1,
    speed: Mapping[tuple[str, float], float] | None = None,
) -> None:
    """Join the runs of each temperature, fit them against 1/T, and write tables.

    Parameters
    ----------
    folder
        With tables of diffusion and conductivity, and ``.modes.npz`` files beside them.
    out
        Folder for the tables `WRITTEN`.
    min_events
        Jumps needed for a number.
    wanted_interval
        Wanted relative half width of the 95 % interval, for the plan.
    speed
        Nanoseconds a day of dynamics by material and U, for the plan.

    Raises
    ------
    HavenError
        If the folder has no such tables.
    """
    speed = speed or {}
    diffusion = tables.read_folder(DIFFUSION, folder)
    conductivity = tables.read_folder(CONDUCTIVITY, folder)
    if diffusion.empty or conductivity.empty:
        raise HavenError(f"{folder} has no diffusion and conductivity tables: analyse runs first")
    runs = arrhenius.gather(diffusion, conductivity)
    keys = ["material", "u_ev", "temperature_k", "replica", "seed"]
    held = condition.matched(condition.read_folder(folder),
                             runs[keys].drop_duplicates().to_dict("records"))
    joined = condition.conditions(held, min_events)
    for one in joined:
        log.info("%s", condition.condition_line(one))
    fits, budgets, pairs, plans = [], [], [], []
    for (material, quantity), every in runs.groupby(["material", "quantity"]):
        of_material = [one for one in joined if one.keys["material"] == material]
        lines = {}
        for u_ev, some in every.groupby("u_ev"):
            keys = {"material": material, "u_ev": u_ev}
            own = [one for one in of_material if one.keys["u_ev"] == u_ev]
            row, line = arrhenius.fit_line(some, quantity, own)
            fits.append({**keys, **row})
            log.info("%s%s %s: %s", material, f", U {u_ev:g} eV" if u_ev else "", quantity,
                     _said(row))
            pairs += [{**keys, **one} for one in contrasts.sizes(some, quantity)]
            if line is not None:
                lines[u_ev] = line
                named = {**keys, "quantity": f"activation of {quantity}", "unit": "eV"}
                budgets += budget.budget(line, np.array([0.0, 1.0]), named)
                if quantity.startswith("sigma"):
                    named = {**keys, "quantity": f"{quantity} at 298 K", "unit": "ln"}
                    kept, _ = arrhenius.counted(some, own)
                    budgets += budget.budget(line, np.array([1.0, 0.0]), named)
                    budgets.append(budget.extrapolation(line, kept, named))
            if quantity.startswith("d_"):
                budgets += budget.at_temperatures(some, quantity, keys)
            plans += [{**keys, **one} for one in plan.plans(
                some, quantity, wanted_interval, min_events,
                speed.get((material, u_ev)), own)]
        pairs += [{"material": material, "u_ev": None, **row}
                  for row in contrasts.paired(every, quantity, of_material, lines)]
    short = runs.groupby("material")["temperature_k"].nunique()
    if len(short) > 1 and (short < arrhenius.FEWEST_TEMPERATURES).all():
        log.warning("%d materials of one or two temperatures each (%s): if they are one material, "
                    "analyse them again with one --material", len(short), ", ".join(short.index))
    together = condition.joined_rows(joined)
    for schema, rows in zip(WRITTEN, (together, fits, pairs, budgets, plans), strict=True):
        tables.write(schema, rows, out / f"{schema.name}.parquet", {"tables": folder.name})


def _said(row: dict[str, Any]) -> str:
    if row.get("activation_ev") is None:
        return f"no fit ({row['verdict']}, {row['temperatures']} temperatures)"
    return (f"Ea {row['activation_ev']:.3f} eV [{row['activation_low_95']:.3f}, "
            f"{row['activation_high_95']:.3f}] from {row['temperatures']} temperatures")
