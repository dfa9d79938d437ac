#!/usr/bin/env python3
"""Build one replica of the disordered supercell that the dynamics runs in."""

from __future__ import annotations

from pathlib import Path

from haven.cli import HavenError, log, parser, run


def main(argv: list[str] | None = None) -> None:
    """Write the supercell as extxyz and CIF, and its occupancies as a table."""
    arguments = parser(__doc__)
    arguments.add_argument("--material", required=True, help="material file")
    arguments.add_argument("--supercell", default="2,2,2", help="conventional cells along a, b, c")
    arguments.add_argument("--occupancies", default="default", help="set in the material file")
    arguments.add_argument("--replica", type=int, default=0, help="number of the replica")
    arguments.add_argument("--seed", type=int, default=1, help="seed of the disorder")
    arguments.add_argument("--sweeps", type=int, default=40, help="Monte Carlo trials per site")
    arguments.add_argument("--out", default=".", help="folder for the results")
    given = arguments.parse_args(argv)

    from ase.io import write

    from haven import tables
    from haven.crystal import load_material
    from haven.disorder import build

    material = load_material(given.material)
    repeat = tuple(int(n) for n in given.supercell.split(","))
    if len(repeat) != 3 or min(repeat) < 1:
        raise HavenError(f"--supercell is {given.supercell}: needs three whole numbers above 0")
    atoms, rows = build(material, repeat, given.occupancies, given.seed, given.sweeps)
    name = f"r{given.replica}"
    atoms.info.update(material=material.name, replica=given.replica, seed=given.seed,
                      occupancies=given.occupancies)
    out = Path(given.out)
    out.mkdir(parents=True, exist_ok=True)
    write(out / f"{name}.supercell.extxyz", atoms)
    write(out / f"{name}.supercell.cif", atoms)
    rows = [{**row, "replica": given.replica, "structure": name, "role": "supercell"}
            for row in rows]
    tables.write("structures", rows, out / f"{name}.structures.parquet", vars(given))
    log.info("%s: %d atoms, shortest distance %.2f Angstrom", name, len(atoms),
             rows[0]["min_distance_angstrom"])


if __name__ == "__main__":
    run(main)
