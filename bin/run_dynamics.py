#!/usr/bin/env python3
"""Run NVT molecular dynamics with the potential, in segments that survive a kill."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from haven.core import options
from haven.core import tasks as guard
from haven.core.errors import HavenError, run
from haven.core.identity import run_id, sha256
from haven.dynamics.options import Cell, Dynamics
from haven.labels.options import Thermostat


def parsed(argv: list[str] | None) -> argparse.Namespace:
    """Return the options."""
    parser = options.parser(__doc__)
    parser.add_argument("--material", required=True, help="material file")
    parser.add_argument("--structure", required=True, help="annealed supercell (extxyz)")
    parser.add_argument("--potentials", nargs="+", required=True,
                        help="frozen potentials: the first drives, the others judge")
    parser.add_argument("--u_ev", type=float, required=True, help="Hubbard U of the potential, eV")
    parser.add_argument("--temperature_k", type=float, required=True, help="temperature, K")
    parser.add_argument("--replica", type=int, default=0, help="number of the disorder replica")
    options.add(parser, options.Seed)
    options.add(parser, Cell)
    parser.add_argument("--cells", nargs="*", default=[], help="tables of equilibrate_cell.py, of "
                        "all replicas: the run keeps their mean cell (--cell npt)")
    options.add(parser, Dynamics)
    options.add(parser, Thermostat)
    options.add(parser, options.Operation)
    parser.add_argument("--out", default=".", help="folder for the results")
    options.add_name(parser)
    args = parser.parse_args(argv)
    args.name = args.name or run_id(args.u_ev, args.temperature_k, args.replica)
    return args


def main(argv: list[str] | None = None) -> None:
    args = parsed(argv)

    from haven.dynamics.cell import check_choice, in_cell, joined_cell
    from haven.dynamics.job import Job, check, key, velocity_seed
    from haven.dynamics.production import simulate
    from haven.material.file import load_material
    from haven.material.structures import read_structure, walls_of
    from haven.potential.families import check_ensemble, family_of
    from haven.potential.families.deepmd.settings import backend_of

    if args.gpu:
        guard.require_gpu(backend_of(args.potentials[0]))
    material = load_material(args.material)
    atoms = read_structure(args.structure, material.species)
    check_choice(args.cell, args.cells)
    vectors = joined_cell(args.cells, args.u_ev, args.temperature_k, args.seed,
                          args.pressure_gpa) if args.cell == "npt" else None
    if vectors is not None:
        atoms = in_cell(atoms, vectors)
    check_ensemble(args.potentials, material.species)
    if len(args.production_ps) > 1:
        raise HavenError(f"--production_ps has {len(args.production_ps)} values: one run has one")
    length_ps, per_ps = args.production_ps[0], 1000 / args.timestep_fs
    job = Job(
        args.temperature_k, args.timestep_fs, args.damping_fs,
        round(args.equilibration_ps * per_ps), round(length_ps * per_ps),
        round(args.dump_ps * per_ps), args.all_every,
        velocity_seed(args.seed, args.u_ev, args.temperature_k, args.replica), (),
        material.species, material.mobile, args.checkpoint_minutes, args.threads,
        max(5000.0, 5 * args.temperature_k),
        walls_of(material),
    )
    check(job)
    name, out = args.name, Path(args.out)
    start = sha256(args.structure) + ("" if vectors is None else f" {vectors.round(9).tolist()}")
    digests = replace(job, potentials=tuple(map(sha256, args.potentials)))
    place = Path(args.checkpoint_dir or out / "checkpoints").resolve()
    folder = place / f"{name}_{key(digests, start)}"
    folder.mkdir(parents=True, exist_ok=True)
    driving = Path(args.potentials[0])
    family_of(driving).check_structure(driving, atoms)
    keys = {k: getattr(args, k) for k in ("u_ev", "temperature_k", "replica", "seed")}
    inputs = {"structure": sha256(args.structure), "cell": vectors,
              "potentials": digests.potentials}
    with guard.alone(folder):
        simulate(job, args.potentials, atoms, {**keys, "material": material.name}, folder,
                 out / name, args.force_window_ev_per_angstrom, inputs, material,
                 (args.cell, args.pressure_gpa))
        if not args.checkpoint_dir:
            guard.remove(folder)


if __name__ == "__main__":
    run(main)
