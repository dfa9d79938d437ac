#!/usr/bin/env python3
"""Run NVT molecular dynamics with the potential, in segments that survive a kill."""

from __future__ import annotations

import argparse
from pathlib import Path

from haven.core import options
from haven.core.errors import HavenError, run
from haven.dynamics.options import Cell, Dynamics, parse_run


def parsed(argv: list[str] | None) -> argparse.Namespace:
    """Return the options."""
    parser = options.parser(__doc__)
    options.add_given(parser, "material", "u_ev", "temperature_k", "replica", "out",
                      structure="annealed supercell (extxyz)")
    parser.add_argument("--potentials", nargs="+", required=True,
                        help="frozen potentials: the first drives, the others judge")
    options.add_declared(parser, options.Seed)
    options.add_declared(parser, Cell)
    parser.add_argument("--cells", nargs="*", default=[], help="tables of equilibrate_cell.py, of "
                        "all replicas: the run keeps their mean cell (--cell npt)")
    options.add_declared(parser, Dynamics)
    return parse_run(parser, argv)


def main(argv: list[str] | None = None) -> None:
    args = parsed(argv)

    from haven.dynamics.cell import check_choice, in_cell, joined_cell
    from haven.dynamics.inputs import checkpoints, read_inputs
    from haven.dynamics.job import check_job, velocity_seed
    from haven.dynamics.runs.production import simulate
    from haven.potential.families import family_of

    given = read_inputs(args, args.potentials, args.temperature_k)
    atoms, material = given.atoms, given.material
    check_choice(args.cell, args.cells)
    keys = {k: getattr(args, k) for k in ("u_ev", "temperature_k", "replica", "seed")}
    vectors = joined_cell(args.cells, {
        "material": material.name, "atoms": len(atoms), "pressure_asked_gpa": args.pressure_gpa,
        **{k: keys[k] for k in ("u_ev", "temperature_k", "seed")}}) if args.cell == "npt" else None
    if vectors is not None:
        atoms = in_cell(atoms, vectors)
    given.check_volume(atoms)
    if len(args.production_ps) > 1:
        raise HavenError(f"--production_ps has {len(args.production_ps)} values: one run has one")
    per_ps = 1000 / args.timestep_fs
    job = given.job(
        args, args.temperature_k, equilibration_steps=round(args.equilibration_ps * per_ps),
        production_steps=round(args.production_ps[0] * per_ps),
        dump_steps=round(args.dump_ps * per_ps), all_every=args.all_every,
        velocity_seed=velocity_seed(args.seed, args.u_ev, args.temperature_k, args.replica))
    check_job(job)
    family_of(given.driving).check_structure(given.driving, atoms)
    inputs = {"structure": given.structure_sha256, "cell": vectors,
              "potentials": given.potentials_sha256}
    start = "" if vectors is None else f" {vectors.round(9).tolist()}"
    with checkpoints(job, given, args.name, args, start) as folder:
        simulate(job, args.potentials, atoms, {**keys, "material": material.name}, folder,
                 Path(args.out) / args.name, args.force_window_ev_per_angstrom, inputs, material,
                 (args.cell, args.pressure_gpa))


if __name__ == "__main__":
    run(main)
