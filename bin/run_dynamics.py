#!/usr/bin/env python3
"""Run NVT molecular dynamics with the potential, in segments that survive a kill."""

from __future__ import annotations

import argparse
import shutil
from dataclasses import replace
from pathlib import Path

from haven.core import options
from haven.core import tasks as guard
from haven.core.errors import run
from haven.core.identity import run_id, sha256

NUMBERS = {
    "timestep_fs": (1.0, "time step"), "equilibration_ps": (5.0, "time before production"),
    "production_ps": (50.0, "time of production"), "dump_ps": (0.1, "time between frames"),
    "damping_fs": (100.0, "damping time of the Nosé-Hoover chain"),
    "checkpoint_minutes": (10.0, "wall time between restart files"),
}


def parsed(argv: list[str] | None) -> argparse.Namespace:
    """Return the options."""
    parser = options.parser(__doc__)
    parser.add_argument("--material", required=True, help="material file")
    parser.add_argument("--structure", required=True, help="minimised supercell (extxyz)")
    parser.add_argument("--potentials", nargs="+", required=True,
                        help="frozen potentials: the first drives, the others judge")
    parser.add_argument("--u_ev", type=float, required=True, help="Hubbard U of the potential, eV")
    parser.add_argument("--temperature_k", type=float, required=True, help="temperature, K")
    parser.add_argument("--replica", type=int, default=0, help="number of the disorder replica")
    parser.add_argument("--seed", type=int, default=1, help="seed of potential and velocities")
    for name, (value, text) in NUMBERS.items():
        parser.add_argument(f"--{name}", type=float, default=value, help=text)
    parser.add_argument("--all_every", type=int, default=10,
                        help="frames of the mobile ions between frames of all atoms")
    parser.add_argument("--force_window_ev_per_angstrom", type=float,
                        help="deviation of the ensemble up to which it counts as trained")
    parser.add_argument("--threads", type=int, default=1, help="processor threads")
    parser.add_argument("--checkpoint_dir", help="folder for checkpoints that a retry goes on from")
    parser.add_argument("--gpu", action="store_true", help="refuse to run without a GPU")
    parser.add_argument("--out", default=".", help="folder for the results")
    options.add_name(parser)
    args = parser.parse_args(argv)
    args.name = args.name or run_id(args.u_ev, args.temperature_k, args.replica)
    return args


def main(argv: list[str] | None = None) -> None:
    args = parsed(argv)

    from haven.dynamics.job import Job, check, key, velocity_seed
    from haven.dynamics.production import simulate
    from haven.material.file import load_material
    from haven.material.structures import read_structure, walls_of
    from haven.potential.families.deepmd.model_file import check_ensemble, crowded
    from haven.potential.training import backend_of

    if args.gpu:
        guard.require_gpu(backend_of(args.potentials[0]))
    material = load_material(args.material)
    atoms = read_structure(args.structure, material.species)
    described = check_ensemble(args.potentials, material.species)
    per_ps = 1000 / args.timestep_fs if args.timestep_fs > 0 else 0.0
    job = Job(
        args.temperature_k, args.timestep_fs, args.damping_fs,
        round(args.equilibration_ps * per_ps), round(args.production_ps * per_ps),
        round(args.dump_ps * per_ps), args.all_every,
        velocity_seed(args.seed, args.u_ev, args.temperature_k, args.replica), (),
        material.species, material.mobile, args.checkpoint_minutes, args.threads,
        max(5000.0, 5 * args.temperature_k),
        walls_of(material),
    )
    check(job)
    name, out = args.name, Path(args.out)
    digests = replace(job, potentials=tuple(map(sha256, args.potentials)))
    place = Path(args.checkpoint_dir or out / "checkpoints").resolve()
    folder = place / f"{name}_{key(digests, sha256(args.structure))}"
    folder.mkdir(parents=True, exist_ok=True)
    if described[0] is not None:
        crowded(atoms, described[0])
    keys = {k: getattr(args, k) for k in ("u_ev", "temperature_k", "replica", "seed")}
    inputs = {"structure": sha256(args.structure), "potentials": digests.potentials}
    with guard.alone(folder):
        simulate(job, args.potentials, atoms, {**keys, "material": material.name}, folder,
                 out / name, args.force_window_ev_per_angstrom, inputs)
        if not args.checkpoint_dir:
            shutil.rmtree(folder)


if __name__ == "__main__":
    run(main)
