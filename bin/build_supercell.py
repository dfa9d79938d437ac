#!/usr/bin/env python3
"""Build one replica of the disordered supercell that the dynamics runs in."""

from __future__ import annotations

from pathlib import Path

from haven.core.errors import HavenError, log, run
from haven.core.options import Seed, add_declared, parser, whole
from haven.material.options import Distances, Supercell

LARGEST = 64  # conventional cells up to which a quasirandom draw differs from a random one
DRAWN = (4, 4, 1)  # conventional cells of the picture of all sets of occupancies


def main(argv: list[str] | None = None) -> None:
    """Write the supercell as extxyz, CIF and LAMMPS data, and its occupancies as a table.

    With ``--every_set`` a small cell of each set of occupancies that the material file names is
    written, too: the report draws them. The pipeline asks that of the first of its replicas.
    """
    arguments = parser(__doc__)
    arguments.add_argument("--material", required=True, help="material file")
    add_declared(arguments, Supercell)
    add_declared(arguments, Distances)
    add_declared(arguments, Seed)
    arguments.add_argument("--replica", type=whole("replica"), default=0,
                           help="number of the replica")
    arguments.add_argument("--every_set", action="store_true", help="write a small cell of every "
                           "set of occupancies, too, for the report's picture of them")
    arguments.add_argument("--sweeps", type=whole("sweeps", 0, 1_000_000), default=40,
                           help="Monte Carlo trials per site")
    arguments.add_argument("--out", default=".", help="folder for the results")
    given = arguments.parse_args(argv)

    import numpy as np
    from ase.io import write

    from haven.core import tables
    from haven.material.disorder import (
        cell_charge,
        draw_supercell,
        refuse_near_pairs,
        sites_of_every_set,
    )
    from haven.material.file import load_material
    from haven.material.quasirandom import quasirandom
    from haven.material.structures import write_data
    from haven.material.tables import STRUCTURES

    material = load_material(given.material)
    repeat = given.supercell
    if given.disorder == "quasirandom" and np.prod(repeat) > LARGEST:
        raise HavenError(f"--disorder quasirandom is for small cells, up to {LARGEST} conventional "
                         "ones: a large random cell has random pairs by itself")
    occupation = (quasirandom(material, repeat, given.occupancies, given.seed)
                  if given.disorder == "quasirandom" else None)
    sweeps = given.sweeps if given.disorder == "electrostatic" else 0
    atoms, rows = draw_supercell(material, repeat, given.occupancies, given.seed, sweeps,
                                 occupation=occupation)
    closest = float(str(rows[0]["min_distance_angstrom"]))
    refuse_near_pairs(material, repeat, atoms, given.disorder, given.material,
                      given.min_distance_angstrom)
    name = f"r{given.replica}"
    charge, precise = cell_charge(material, atoms)
    if abs(charge) > precise:
        log.warning("%s has the charge %+.3g: whole numbers of its ions are not neutral in %d "
                    "conventional cells, another --supercell may be", name, charge, np.prod(repeat))
    atoms.info.update(material=material.name, replica=given.replica, seed=given.seed,
                      occupancies=given.occupancies)
    out = Path(given.out)
    out.mkdir(parents=True, exist_ok=True)
    write(out / f"{name}.supercell.extxyz", atoms)
    write(out / f"{name}.supercell.cif", atoms)
    write_data(out / f"{name}.supercell.data", atoms, material.species)
    if given.every_set:
        write(out / f"{name}.occupancies.extxyz",
              sites_of_every_set(material, DRAWN, given.seed, sweeps))
    rows = [{**row, "replica": given.replica, "structure": name, "role": "supercell"}
            for row in rows]
    tables.write(STRUCTURES, rows, out / f"{name}.structures.parquet", vars(given))
    log.info("%s: %d atoms, shortest distance %.2f Angstrom", name, len(atoms), closest)


if __name__ == "__main__":
    run(main)
