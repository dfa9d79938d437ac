#!/usr/bin/env python3
"""Anneal a supercell's mobile ions with the potential until they are at equilibrium.

Writes minimised snapshots of the settled part. A run starts from the one whose energy is nearest to
the mean at its own temperature; the last one has the lowest energy. With --cell npt or relaxed they
are minimised together with the cell.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

from haven.core import options, tables
from haven.core.columns import VERDICTS
from haven.core.errors import log, run
from haven.dynamics.options import Anneal, Cell, Dynamics, parse_run
from haven.material.options import Forces


def parsed(argv: list[str] | None) -> argparse.Namespace:
    """Return the options."""
    parser = options.parser(__doc__)
    options.add_given(parser, "material", "potential", "u_ev", "replica", "out",
                      structure="minimised supercell (extxyz)")
    options.add_declared(parser, options.Seed)
    options.add_declared(parser, Anneal)
    options.add_declared(parser, Cell)
    options.add_declared(parser, Forces)
    options.add_declared(parser, Dynamics, "timestep_fs")
    return parse_run(parser, argv)


def main(argv: list[str] | None = None) -> None:
    args = parsed(argv)

    from ase.io import write

    from haven.dynamics.annealing.anneal import (
        SETTLED,
        anneal_lengths,
        at_rest,
        run_anneal,
        verdict_rows,
    )
    from haven.dynamics.inputs import checkpoints, read_inputs
    from haven.dynamics.job import check_job, velocity_seed
    from haven.dynamics.lammps.minimise import free_tilts
    from haven.dynamics.tables import ANNEALS, INHERENT
    from haven.material.structures import wall_row

    given = read_inputs(args, [args.potential])
    material, model = given.material, given.driving
    pressure_gpa = None if args.cell == "material" else args.pressure_gpa
    if pressure_gpa is None:
        given.check_volume(given.atoms)
    steps, every = anneal_lengths(args.anneal_ps, args.timestep_fs)
    job = given.job(
        args, args.anneal_temperature_k, production_steps=steps, dump_steps=every,
        velocity_seed=velocity_seed("anneal", args.seed, args.u_ev, args.anneal_temperature_k,
                                    args.replica),
        pressure_gpa=pressure_gpa, start_volume=given.atoms.get_volume())
    check_job(replace(job, production_steps=max(job.production_steps, 2 * job.dump_steps)))
    name, out = args.name, Path(args.out)
    keys = {"material": material.name, "u_ev": args.u_ev, "replica": args.replica,
            "seed": args.seed, "temperature_k": args.anneal_temperature_k}
    row: dict = {"longest_ps": 0.0, "verdict": "not annealed"}
    annealed, snapshots = [given.atoms], []
    if args.anneal_ps > 0:
        with checkpoints(job, given, f"anneal_{name}", args) as folder:
            annealed, row, snapshots = run_anneal(given.atoms, job, model, material, folder,
                                                  given.covered)
    rows = verdict_rows(row, material.name, name)
    out.mkdir(parents=True, exist_ok=True)
    if annealed:
        with tempfile.TemporaryDirectory(prefix="haven_anneal_") as scratch:
            result = at_rest(annealed[-1], model, material, args.force_tolerance_ev_per_angstrom,
                             pressure_gpa, free_tilts(material.cell), args.threads,
                             Path(scratch), given.walls)
        rows.append(wall_row([result], given.walls, material.name, "ANNEAL", name))
        result.info |= annealed[-1].info
        images = [*annealed[:-1], result]
        for image in images:
            image.info["annealed"] = SETTLED if row["verdict"] == SETTLED else "not settled"
        write(out / f"{name}.annealed.extxyz", images)
    for verdict in rows:
        (log.info if verdict["passed"] else log.warning)("%s: %s", name, verdict["message"])
    tables.write(ANNEALS, [{**keys, "cell": args.cell, "pressure_asked_gpa": pressure_gpa, **row}],
                 out / f"{name}.anneals.parquet", given.digests)
    tables.write(INHERENT, [{**keys, "stage": "ANNEAL", **line} for line in snapshots],
                 out / f"{name}_anneal.inherent.parquet", given.digests)
    tables.write(VERDICTS, rows, out / f"{name}_anneal.verdicts.parquet", given.digests)


if __name__ == "__main__":
    run(main)
