#!/usr/bin/env python3
"""Activation energies and the conductivity at 298 K from the transport tables of all runs.

Joins the runs of each temperature (from the .modes.npz files beside the tables), fits all
temperatures by one likelihood, compares U with U, splits the error by source, and plans longer
runs.
"""

from __future__ import annotations

from pathlib import Path

from haven.core.errors import HavenError, existing, log, run
from haven.core.options import parser


def main(argv: list[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("folder", nargs="?", help="folder of diffusion, conductivity tables")
    options.add_argument("--tables", help="another way to name the folder")
    options.add_argument("--wanted_interval", type=float, default=0.1,
                         help="wanted relative half width of the 95 %% interval, for the plan")
    options.add_argument("--min_events", type=int, default=30, help="jumps needed for a number")
    options.add_argument("--out", default=".", help="folder for the tables")
    given = options.parse_args(argv)
    if not (given.folder or given.tables):
        raise HavenError("no folder: name the one with the tables that ./haven transport wrote")

    import numpy as np

    from haven.core import tables
    from haven.dynamics.tables import RUNS
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

    folder = existing(given.folder or given.tables, "folder of tables")
    diffusion = tables.read_folder(DIFFUSION, folder)
    conductivity = tables.read_folder(CONDUCTIVITY, folder)
    if diffusion.empty or conductivity.empty:
        raise HavenError(f"{folder} has no diffusion and conductivity tables: analyse runs first")
    runs = arrhenius.gather(diffusion, conductivity)
    speed = plan.speeds(tables.read_folder(RUNS, folder))
    keys = ["material", "u_ev", "temperature_k", "replica", "seed"]
    held = condition.matched(condition.read_folder(folder),
                             runs[keys].drop_duplicates().to_dict("records"))
    joined = condition.conditions(held, given.min_events)
    for one in joined:
        log.info("%s", condition.said(one))
    fits, budgets, pairs, plans = [], [], [], []
    for (material, quantity), every in runs.groupby(["material", "quantity"]):
        of_material = [one for one in joined if one.keys["material"] == material]
        lines = {}
        for u_ev, some in every.groupby("u_ev"):
            keys = {"material": material, "u_ev": u_ev}
            own = [one for one in of_material if one.keys["u_ev"] == u_ev]
            row, line = arrhenius.fit(some, quantity, own)
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
                some, quantity, given.wanted_interval, given.min_events,
                speed.get((material, u_ev)), own)]
        pairs += [{"material": material, "u_ev": None, **row}
                  for row in contrasts.paired(every, quantity, of_material, lines)]
    short = runs.groupby("material")["temperature_k"].nunique()
    if len(short) > 1 and (short < arrhenius.FEWEST_TEMPERATURES).all():
        log.warning("%d materials of one or two temperatures each (%s): if they are one material, "
                    "analyse them again with one --material", len(short), ", ".join(short.index))
    out = Path(given.out)
    together = condition.joined_rows(joined)
    for schema, rows in ((JOINED, together), (ARRHENIUS, fits), (PAIRED, pairs),
                         (ERROR_BUDGET, budgets), (PLAN, plans)):
        tables.write(schema, rows, out / f"{schema.name}.parquet", {"tables": folder.name})


def _said(row: dict) -> str:
    if row.get("activation_ev") is None:
        return f"no fit ({row['verdict']}, {row['temperatures']} temperatures)"
    return (f"Ea {row['activation_ev']:.3f} eV [{row['activation_low_95']:.3f}, "
            f"{row['activation_high_95']:.3f}] from {row['temperatures']} temperatures")


if __name__ == "__main__":
    run(main)
