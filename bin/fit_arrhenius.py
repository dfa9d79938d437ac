#!/usr/bin/env python3
"""Activation energies and the conductivity at 298 K from the transport tables of all runs.

Also compares U with U in pairs, splits the error by source, and plans longer runs.
"""

from __future__ import annotations

from pathlib import Path

from haven.core.errors import HavenError, existing, log, run
from haven.core.options import parser


def main(argv: list[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--tables", required=True, help="folder of diffusion, conductivity tables")
    options.add_argument("--wanted_interval", type=float, default=0.1,
                         help="wanted relative half width of the 95 %% interval, for the plan")
    options.add_argument("--min_events", type=int, default=30, help="jumps needed for a number")
    options.add_argument("--out", default=".", help="folder for the tables")
    given = options.parse_args(argv)

    import numpy as np

    from haven.core import tables
    from haven.dynamics.tables import RUNS
    from haven.transport import arrhenius, plan
    from haven.transport.tables import (
        ARRHENIUS,
        CONDUCTIVITY,
        DIFFUSION,
        ERROR_BUDGET,
        PAIRED,
        PLAN,
    )

    folder = existing(given.tables, "folder of tables")
    diffusion = tables.read_folder(DIFFUSION, folder)
    conductivity = tables.read_folder(CONDUCTIVITY, folder)
    if diffusion.empty or conductivity.empty:
        raise HavenError(f"{folder} has no diffusion and conductivity tables: analyse runs first")
    runs = arrhenius.gather(diffusion, conductivity)
    speed = plan.speeds(tables.read_folder(RUNS, folder))
    fits, budgets, pairs, plans = [], [], [], []
    for (material, quantity), every in runs.groupby(["material", "quantity"]):
        pairs += [{"material": material, "u_ev": None, **row}
                  for row in arrhenius.paired(every, quantity)]
        for u_ev, some in every.groupby("u_ev"):
            keys = {"material": material, "u_ev": u_ev}
            row, joined = arrhenius.fit(some, quantity)
            fits.append({**keys, **row})
            log.info("U %g eV %s: %s", u_ev, quantity, _said(row))
            pairs += [{**keys, **one} for one in arrhenius.sizes(some, quantity)]
            if joined is not None:
                named = {**keys, "quantity": f"activation of {quantity}", "unit": "eV"}
                budgets += arrhenius.budget(joined, np.array([0.0, 1.0]), named)
                if quantity.startswith("sigma"):
                    named = {**keys, "quantity": f"{quantity} at 298 K", "unit": "ln"}
                    budgets += arrhenius.budget(joined, np.array([1.0, 0.0]), named)
                    budgets.append(arrhenius.extrapolation(joined, arrhenius.usable(some), named))
            if quantity.startswith("d_"):
                budgets += arrhenius.at_temperatures(some, quantity, keys)
            for temperature, one in some.groupby("temperature_k"):
                plans.append({**keys, "temperature_k": temperature, **plan.plan(
                    one, quantity, given.wanted_interval, given.min_events,
                    speed.get((material, u_ev)))})
    out = Path(given.out)
    for schema, rows in ((ARRHENIUS, fits), (PAIRED, pairs), (ERROR_BUDGET, budgets),
                         (PLAN, plans)):
        tables.write(schema, rows, out / f"{schema.name}.parquet", {"tables": folder.name})


def _said(row: dict) -> str:
    if row.get("activation_ev") is None:
        return f"no fit ({row['verdict']}, {row['temperatures']} temperatures)"
    return (f"Ea {row['activation_ev']:.3f} eV [{row['activation_low_95']:.3f}, "
            f"{row['activation_high_95']:.3f}] from {row['temperatures']} temperatures")


if __name__ == "__main__":
    run(main)
