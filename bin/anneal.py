#!/usr/bin/env python3
"""Anneal a supercell's mobile ions with the potential until they are at equilibrium.

Writes the snapshot of lowest energy, minimised: for --cell npt or relaxed in the cell at rest, too.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

from haven.core import options, tables
from haven.core import tasks as guard
from haven.core.columns import VERDICTS
from haven.core.errors import log, run
from haven.core.identity import sha256
from haven.dynamics.options import Anneal, Cell, Dynamics
from haven.labels.options import Thermostat
from haven.material.options import Forces


def parsed(argv: list[str] | None) -> argparse.Namespace:
    """Return the options."""
    parser = options.parser(__doc__)
    parser.add_argument("--material", required=True, help="material file")
    parser.add_argument("--structure", required=True, help="minimised supercell (extxyz)")
    parser.add_argument("--potential", required=True, help="frozen potential")
    parser.add_argument("--u_ev", type=float, required=True, help="Hubbard U of the potential, eV")
    parser.add_argument("--replica", type=int, default=0, help="number of the disorder replica")
    options.add(parser, options.Seed)
    options.add(parser, Anneal)
    options.add(parser, Cell)
    options.add(parser, Forces)
    options.add(parser, Dynamics, "timestep_fs")
    options.add(parser, Thermostat)
    options.add(parser, options.Operation)
    parser.add_argument("--out", default=".", help="folder for the results")
    options.add_name(parser)
    args = parser.parse_args(argv)
    args.name = args.name or f"u{args.u_ev:g}_r{args.replica}"
    return args


def main(argv: list[str] | None = None) -> None:
    args = parsed(argv)

    from ase.io import write

    from haven.dynamics.anneal import SETTLED, at_rest, job_of, run_anneal, verdict_rows
    from haven.dynamics.job import check, key, velocity_seed
    from haven.dynamics.minimise import free_tilts
    from haven.dynamics.tables import ANNEALS, INHERENT
    from haven.material.file import load_material
    from haven.material.structures import read_structure, wall_row, walls_of
    from haven.potential.families import check_potential
    from haven.potential.families.deepmd.settings import backend_of

    if args.gpu:
        guard.require_gpu(backend_of(args.potential))
    material = load_material(args.material)
    atoms = read_structure(args.structure, material.species)
    model = Path(args.potential)
    check_potential(model, material.species)
    fixed = args.cell == "material"
    tilts, walls = free_tilts(material.cell), walls_of(material)
    job = job_of(
        material, args.anneal_temperature_k, args.timestep_fs, args.damping_fs,
        None if fixed else args.pressure_gpa, atoms.get_volume(),
        velocity_seed("anneal", args.seed, args.u_ev, args.anneal_temperature_k, args.replica),
        args.anneal_ps, args.checkpoint_minutes, args.threads, walls)
    check(replace(job, production_steps=max(job.production_steps, 2 * job.dump_steps)))
    name, out = args.name, Path(args.out)
    inputs = {"structure": sha256(args.structure), "potential": sha256(model)}
    keys = {"material": material.name, "u_ev": args.u_ev, "replica": args.replica,
            "seed": args.seed, "temperature_k": args.anneal_temperature_k}
    place = Path(args.checkpoint_dir or out / "checkpoints").resolve()
    digest = key(replace(job, potentials=(inputs["potential"],)), inputs["structure"])
    folder = place / f"anneal_{name}_{digest}"
    row: dict = {"longest_ps": 0.0, "verdict": "not annealed"}
    annealed, snapshots = atoms, []
    if args.anneal_ps > 0:
        folder.mkdir(parents=True, exist_ok=True)
        with guard.alone(folder):
            annealed, row, snapshots = run_anneal(atoms, job, model, material, folder)
            if not args.checkpoint_dir:
                guard.remove(folder)
    rows = verdict_rows(row, material.name, name)
    out.mkdir(parents=True, exist_ok=True)
    if annealed is not None:
        with tempfile.TemporaryDirectory(prefix="haven_anneal_") as scratch:
            result = at_rest(annealed, model, material, args.force_tolerance_ev_per_angstrom,
                             None if fixed else args.pressure_gpa, tilts, args.threads,
                             Path(scratch), walls)
        rows.append(wall_row([result], walls, material.name, "ANNEAL", name))
        result.info["annealed"] = SETTLED if row["verdict"] == SETTLED else "not settled"
        write(out / f"{name}.annealed.extxyz", result)
    for verdict in rows:
        (log.info if verdict["passed"] else log.warning)("%s: %s", name, verdict["message"])
    tables.write(ANNEALS, [{**keys, "cell": args.cell,
                            "pressure_asked_gpa": None if fixed else args.pressure_gpa, **row}],
                 out / f"{name}.anneals.parquet", inputs)
    tables.write(INHERENT, [{**keys, "stage": "ANNEAL", **line} for line in snapshots],
                 out / f"{name}_anneal.inherent.parquet", inputs)
    tables.write(VERDICTS, rows, out / f"{name}_anneal.verdicts.parquet", inputs)


if __name__ == "__main__":
    run(main)
