#!/usr/bin/env python3
"""Choose frames that are worth labelling: unlike those labelled, and unlike one another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from haven.core.errors import HavenError, log, run
from haven.core.options import add_declared, parser, whole
from haven.potential.options import Selection


def main(argv: list[str] | None = None) -> None:
    """Write the chosen frames, one extxyz a trajectory, and the table of the choice."""
    arguments = parser(__doc__)
    arguments.add_argument("--material", required=True, help="material file")
    arguments.add_argument("--candidates", nargs="+", required=True,
                           help="extxyz files with frames to choose from (explore.py)")
    arguments.add_argument("--known", nargs="*", default=[], help="labelled frames (extxyz)")
    add_declared(arguments, Selection)
    arguments.add_argument("--round", type=whole("round"), default=1,
                           help="number of the learning round")
    arguments.add_argument("--out", default=".", help="folder for the results")
    given = arguments.parse_args(argv)

    from ase.io import write

    from haven.core import tables
    from haven.core.reading.images import read_images
    from haven.labels.frames.reading import trajectory_name
    from haven.material.file import load_material
    from haven.material.structures import check_structure
    from haven.potential.selection import select_by_size
    from haven.potential.tables import SELECTION

    material = load_material(given.material)

    def read(paths: list[str], what: str) -> list[Any]:
        found: list[Any] = []
        for path in paths:
            images = read_images(path, what)
            for number, atoms in enumerate(images):
                check_structure(atoms, material.species, f"{path}, frame {number}")
            found += images
        return found

    frames = read(given.candidates, "candidates")
    lacking = [a for a in frames if "trajectory" not in a.info or "deviation" not in a.info]
    if lacking:
        raise HavenError(f"{len(lacking)} of {len(frames)} candidates carry no trajectory or no "
                         "deviation: make them with explore.py")
    known = read(given.known, "labelled frames")
    chosen, distance = select_by_size(frames, given.frames_per_round, known)
    rows, grouped = [], {}
    for index, apart in sorted(zip(chosen, distance, strict=True)):
        atoms = frames[index]
        group = grouped.setdefault(trajectory_name(atoms.info["trajectory"], "candidates"), [])
        atoms.info["frame"] = len(group)
        group.append(atoms)
        rows.append({"material": material.name, "round": given.round,
                     "trajectory": atoms.info["trajectory"], "frame": atoms.info["frame"],
                     "deviation_ev_per_angstrom": float(atoms.info["deviation"]),
                     "distance": apart})
    folder = Path(given.out) / "structures"
    folder.mkdir(parents=True, exist_ok=True)
    for name, group in grouped.items():
        write(folder / f"{name}.extxyz", group)
    tables.write(SELECTION, rows, Path(given.out) / f"x{given.round}.selection.parquet",
                 vars(given))
    log.info("chose %d of %d candidates, from %d trajectories", len(rows), len(frames),
             len(grouped))


if __name__ == "__main__":
    run(main)
