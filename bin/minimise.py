#!/usr/bin/env python3
"""Relax a structure's atoms in its fixed cell with the potential, by conjugate gradients."""

from __future__ import annotations

import tempfile
from pathlib import Path

from haven.core import options, tables
from haven.core.columns import VERDICTS
from haven.core.errors import HavenError, log, run
from haven.material.options import Distances, Forces


def main(argv: list[str] | None = None) -> None:
    parser = options.parser(__doc__)
    options.add_given(parser, "material", "potential", "u_ev", "replica", "out",
                      structure="structure to relax (extxyz)")
    options.add_name(parser)
    options.add_declared(parser, Forces)
    parser.add_argument("--max_steps", type=options.whole("max_steps", 1, 1_000_000), default=500,
                        help="most steps")
    options.add_declared(parser, Distances)
    options.add_declared(parser, options.Operation, "threads", "gpu")
    args = parser.parse_args(argv)

    from ase.io import write

    from haven.dynamics.inputs import read_inputs
    from haven.dynamics.lammps.minimise import minimise, verdict_rows
    from haven.material.structures import wall_row

    given = read_inputs(args, [args.potential])
    material = given.material
    if args.max_steps < 1:
        raise HavenError(f"--max_steps is {args.max_steps}: it must be at least 1")
    with tempfile.TemporaryDirectory(prefix="haven_minimise_") as scratch:
        relaxed = minimise(given.atoms, given.driving, material.species,
                           args.force_tolerance_ev_per_angstrom, args.max_steps, args.threads,
                           Path(scratch), given.walls)
    name, out = args.name or f"u{args.u_ev:g}_r{args.replica}", Path(args.out)
    rows = verdict_rows(relaxed, material.name, name, args.min_distance_angstrom,
                        args.force_tolerance_ev_per_angstrom)
    rows.append(wall_row([relaxed], given.walls, material.name, "MINIMISE", name))
    for row in rows:
        log.info("%s: %s", name, row["message"])
    if not rows[0]["passed"]:
        raise HavenError(f"{args.structure}: {rows[0]['message']}: the potential does not hold "
                             "this structure together; train it on more such frames")
    out.mkdir(parents=True, exist_ok=True)
    write(out / f"{name}.minimised.extxyz", relaxed)
    tables.write(VERDICTS, rows, out / f"{name}_minimise.verdicts.parquet",
                 given.digests)


if __name__ == "__main__":
    run(main)
