#!/usr/bin/env python3
"""Run short hot dynamics of small cells with an ensemble; keep the frames it disagrees on."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from haven.core import options, tables
from haven.core.errors import log, run
from haven.dynamics.options import Dynamics, Exploration
from haven.dynamics.tables import EXPLORATION
from haven.labels.options import Thermostat

if TYPE_CHECKING:
    from haven.dynamics.job import Job
    from haven.material.crystal import Material

MOST = 30  # candidates kept of one run


def arguments(argv: list[str] | None) -> argparse.Namespace:
    """Return the options of a command line."""
    parser = options.parser(__doc__)
    options.add_given(parser, "material", "u_ev", "out")
    parser.add_argument("--structures", nargs="+", required=True, help="cells to start from")
    parser.add_argument("--potentials", nargs="+", required=True,
                        help="frozen potentials, at least two: the first drives")
    parser.add_argument("--round", type=options.whole("round"), default=1,
                        help="number of the learning round")
    options.add_declared(parser, options.Seed)
    options.add_declared(parser, Dynamics, "timestep_fs")
    options.add_declared(parser, Exploration)
    options.add_declared(parser, Thermostat)
    options.add_declared(parser, options.Operation, "threads", "gpu")
    return parser.parse_args(argv)


def job_of(
    args: argparse.Namespace, material: Material, temperature_k: float, cell: str
) -> Job:
    """Return the dynamics of one cell at one temperature; ``cell`` names it in its velocities."""
    from haven.dynamics.job import Job, check_job, velocity_seed
    from haven.material.structures import walls_of

    per_ps = 1000 / args.timestep_fs
    job = Job(
        temperature_k, args.timestep_fs, args.damping_fs, 0, round(args.explore_ps * per_ps),
        round(args.explore_dump_ps * per_ps), 1,
        velocity_seed(args.seed, args.u_ev, temperature_k, cell), (), material.species,
        material.mobile, 10.0, args.threads, max(5000.0, 5 * temperature_k), walls_of(material),
        beside=material.beside)
    check_job(job)
    return job


def main(argv: list[str] | None = None) -> None:
    """Write the candidates of each run, and the table of what was seen."""
    args = arguments(argv)

    import numpy as np
    from ase.io import write

    from haven.dynamics.exploration import Window, explore, nearer_walls
    from haven.material.file import load_material
    from haven.material.structures import read_structure
    from haven.potential.families import check_ensemble, require_gpu

    if args.gpu:
        require_gpu(args.potentials[0])
    material = load_material(args.material)
    check_ensemble(args.potentials, material.species, args.u_ev)
    window = Window(*args.explore_deviation_ev_per_angstrom)
    name, out, rows = f"x{args.round}_u{args.u_ev:g}", Path(args.out), []
    out.mkdir(parents=True, exist_ok=True)
    kept = []
    for temperature_k in args.explore_temperatures_k:
        for path in args.structures:
            atoms = read_structure(path, material.species)
            cell = str(atoms.info.get("trajectory", Path(path).stem))
            drawn = {k: atoms.info[k] for k in ("occupancies",) if k in atoms.info}
            atoms.info = {"trajectory": f"x{args.round}_{cell}", "explored_u_ev": args.u_ev,
                          "origin": "dynamics", "temperature_k": temperature_k, **drawn}
            job = job_of(args, material, temperature_k, cell)
            with tempfile.TemporaryDirectory(dir=out) as scratch:
                frames, row = explore(atoms, nearer_walls(job), args.potentials, window,
                                      Path(scratch) / "run")
            kept += [frames[i] for i in np.unique(
                np.linspace(0, len(frames) - 1, min(MOST, len(frames))).astype(int))]
            rows.append({"material": material.name, "u_ev": args.u_ev, "seed": args.seed,
                         "temperature_k": temperature_k, "round": args.round,
                         "structure": cell, "atoms": len(atoms), **row})
            log.info("%s at %g K: %d of %d frames known, %d to label, %d failed: %s", cell,
                     temperature_k, row["accurate"], row["frames"], row["candidate"],
                     row["failed"], row["verdict"])
    for frame in kept:
        frame.wrap()
    if kept:
        write(out / f"{name}.candidates.extxyz", kept)
    tables.write(EXPLORATION, rows, out / f"{name}.exploration.parquet",
                 options.asked(args))


if __name__ == "__main__":
    run(main)
