#!/usr/bin/env python3
"""Make small disordered cells, strained and displaced, as frames to label."""

from __future__ import annotations

from pathlib import Path

from haven.core.errors import run
from haven.core.options import Seed, add_declared, parser, whole
from haven.material.options import StartingCells


def main(argv: list[str] | None = None) -> None:
    """Write one extxyz of unlabelled frames for each structure, and the table of structures."""
    arguments = parser(__doc__)
    arguments.add_argument("--material", required=True, help="material file")
    arguments.add_argument("--first", type=whole("first"), default=0,
                           help="number of the first structure")
    add_declared(arguments, StartingCells)
    add_declared(arguments, Seed)
    arguments.add_argument("--out", default=".", help="folder for the results")
    given = arguments.parse_args(argv)

    from ase.io import write

    from haven.core import tables
    from haven.material.file import load_material
    from haven.material.starting_cells import starting_frames
    from haven.material.tables import STRUCTURES

    trajectories, rows = starting_frames(
        load_material(given.material), given.label_structures, given.frames_per_structure,
        given.displacement_angstrom, given.strain_max, given.seed, given.first,
        given.atoms_max)
    folder = Path(given.out) / "structures"
    folder.mkdir(parents=True, exist_ok=True)
    for trajectory in trajectories:
        write(folder / f"{trajectory[0].info['trajectory']}.extxyz", trajectory)
    tables.write(STRUCTURES, rows, Path(given.out) / "cells.structures.parquet", vars(given))


if __name__ == "__main__":
    run(main)
