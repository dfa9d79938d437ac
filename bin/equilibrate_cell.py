#!/usr/bin/env python3
"""Run short dynamics at constant pressure and write the mean cell that production then keeps."""

from __future__ import annotations

import argparse
from pathlib import Path

from haven.core import options, tables
from haven.core.columns import VERDICTS
from haven.core.errors import log, run
from haven.dynamics.options import Cell, ConstantPressure, Dynamics, parse_run

THERMO_PS = 0.02  # between two volumes; the cell swings within half a picosecond
FRAMES = 20  # of all atoms, by which melting is seen


def parsed(argv: list[str] | None) -> argparse.Namespace:
    """Return the options."""
    parser = options.parser(__doc__)
    options.add_given(parser, "material", "u_ev", "potential", "temperature_k", "replica", "out",
                      structure="annealed supercell (extxyz)")
    options.add_declared(parser, options.Seed)
    options.add_declared(parser, ConstantPressure)
    options.add_declared(parser, Cell, "pressure_gpa")
    options.add_declared(parser, Dynamics, "timestep_fs")
    return parse_run(parser, argv)


def main(argv: list[str] | None = None) -> None:
    args = parsed(argv)

    from haven.dynamics.cell import equilibrate, labelled_volume, verdict_row
    from haven.dynamics.inputs import checkpoints, read_inputs
    from haven.dynamics.job import check_job, velocity_seed
    from haven.dynamics.tables import CELLS

    given = read_inputs(args, [args.potential], args.temperature_k)
    per_ps = 1000 / args.timestep_fs
    length = round(args.cell_ps * per_ps)
    every = max(1, min(round(THERMO_PS * per_ps), length // FRAMES))
    job = given.job(
        args, args.temperature_k, production_steps=length, dump_steps=every,
        all_every=max(1, length // every // FRAMES),
        velocity_seed=velocity_seed("cell", args.seed, args.u_ev, args.temperature_k,
                                    args.replica),
        pressure_gpa=args.pressure_gpa, start_volume=given.atoms.get_volume())
    check_job(job)
    name, out = args.name, Path(args.out)
    keys = {"material": given.material.name, "u_ev": args.u_ev,
            "temperature_k": args.temperature_k, "replica": args.replica, "seed": args.seed}
    with checkpoints(job, given, f"cell_{name}", args) as folder:
        labelled = labelled_volume(given.material, len(given.atoms), given.covered)
        row = keys | equilibrate(given.atoms, job, given.driving, folder, labelled,
                                 given.material.moving)
    verdict = verdict_row(row, given.material.name, name)
    (log.info if verdict["passed"] else log.warning)("%s", verdict["message"])
    tables.write(CELLS, [row], out / f"{name}.cells.parquet", given.digests)
    tables.write(VERDICTS, [verdict], out / f"{name}_cell.verdicts.parquet", given.digests)


if __name__ == "__main__":
    run(main)
