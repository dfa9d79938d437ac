#!/usr/bin/env python3
"""Run short dynamics at constant pressure and write the mean cell that production then keeps."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from haven.core import options, tables
from haven.core import tasks as guard
from haven.core.columns import VERDICTS
from haven.core.errors import log, run
from haven.core.identity import run_id, sha256
from haven.dynamics.options import Cell, ConstantPressure, Dynamics
from haven.labels.options import Thermostat

THERMO_PS = 0.02  # between two volumes; the cell swings within half a picosecond
FRAMES = 20  # of all atoms, by which melting is seen


def parsed(argv: list[str] | None) -> argparse.Namespace:
    """Return the options."""
    parser = options.parser(__doc__)
    parser.add_argument("--material", required=True, help="material file")
    parser.add_argument("--u_ev", type=float, required=True, help="Hubbard U of the potential, eV")
    parser.add_argument("--structure", required=True, help="annealed supercell (extxyz)")
    parser.add_argument("--potential", required=True, help="frozen potential")
    parser.add_argument("--temperature_k", type=float, required=True, help="temperature, K")
    parser.add_argument("--replica", type=int, default=0, help="number of the disorder replica")
    options.add(parser, options.Seed)
    options.add(parser, ConstantPressure)
    options.add(parser, Cell, "pressure_gpa")
    options.add(parser, Dynamics, "timestep_fs")
    options.add(parser, Thermostat)
    options.add(parser, options.Operation)
    parser.add_argument("--out", default=".", help="folder for the results")
    options.add_name(parser)
    args = parser.parse_args(argv)
    args.name = args.name or run_id(args.u_ev, args.temperature_k, args.replica)
    return args


def main(argv: list[str] | None = None) -> None:
    args = parsed(argv)

    from haven.dynamics.cell import equilibrate, labelled_volume, verdict_row
    from haven.dynamics.job import Job, check, key, velocity_seed
    from haven.dynamics.tables import CELLS
    from haven.material.file import load_material
    from haven.material.structures import read_structure, walls_of
    from haven.potential.families import check_potential
    from haven.potential.families.deepmd.settings import backend_of

    if args.gpu:
        guard.require_gpu(backend_of(args.potential))
    material = load_material(args.material)
    atoms = read_structure(args.structure, material.species)
    model = Path(args.potential)
    check_potential(model, material.species)
    per_ps = 1000 / args.timestep_fs
    length = round(args.cell_ps * per_ps)
    every = max(1, min(round(THERMO_PS * per_ps), length // FRAMES))
    job = Job(
        args.temperature_k, args.timestep_fs, args.damping_fs, 0, length, every,
        max(1, length // every // FRAMES),
        velocity_seed("cell", args.seed, args.u_ev, args.temperature_k, args.replica), (),
        material.species, material.mobile, args.checkpoint_minutes, args.threads,
        max(5000.0, 5 * args.temperature_k), walls_of(material), args.pressure_gpa,
        atoms.get_volume())
    check(job)
    name, out = args.name, Path(args.out)
    inputs = {"structure": sha256(args.structure), "potential": sha256(model)}
    place = Path(args.checkpoint_dir or out / "checkpoints").resolve()
    digest = key(replace(job, potentials=(inputs["potential"],)), inputs["structure"])
    folder = place / f"cell_{name}_{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    keys = {"material": material.name, "u_ev": args.u_ev, "temperature_k": args.temperature_k,
            "replica": args.replica, "seed": args.seed}
    with guard.alone(folder):
        row = keys | equilibrate(atoms, job, model, folder,
                                 labelled_volume(material, len(atoms)))
        if not args.checkpoint_dir:
            guard.remove(folder)
    verdict = verdict_row(row, material.name, name)
    (log.info if verdict["passed"] else log.warning)("%s", verdict["message"])
    tables.write(CELLS, [row], out / f"{name}.cells.parquet", inputs)
    tables.write(VERDICTS, [verdict], out / f"{name}_cell.verdicts.parquet", inputs)


if __name__ == "__main__":
    run(main)
