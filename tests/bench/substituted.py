#!/usr/bin/env python3
"""Turn dynamics of one crystal into frames to label of another with the same sites.

``substituted.py --from A.yml --to B.yml --element Ti=In --frames 5,9,13,16 --out FOLDER FILE...``:
of each trajectory in files that ``bin/explore.py`` wrote with potentials of A, the frames named get
B's element in place of A's and the strain that leads from A's lattice to B's. What is labelled then
has thermal displacements, which random ones are not; A's potential decides nothing else.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import write

from haven.core.errors import HavenError, run
from haven.core.reading.images import read_images
from haven.material.file import load_material


def substituted(atoms: Atoms, old: str, new: str, change: np.ndarray) -> Atoms:
    """Return a frame with one element for another, its lattice times ``change``, shape (3, 3)."""
    symbols = [new if symbol == old else symbol for symbol in atoms.get_chemical_symbols()]
    return Atoms(symbols, scaled_positions=atoms.get_scaled_positions(),
                 cell=np.asarray(atoms.cell) @ change, pbc=True)


def main(argv: list[str] | None = None) -> None:
    """Write one file of frames for each trajectory."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--from", dest="old", required=True)
    options.add_argument("--to", dest="new", required=True)
    options.add_argument("--element", required=True, help="old and new element, such as Ti=In")
    options.add_argument("--frames", required=True, help="numbers in each trajectory, as 5,9")
    options.add_argument("--out", required=True)
    options.add_argument("candidates", nargs="+")
    given = options.parse_args(argv)
    change = np.linalg.solve(load_material(given.old).cell, load_material(given.new).cell)
    old, new = given.element.split("=")
    out = Path(given.out)
    out.mkdir(parents=True, exist_ok=True)
    runs: dict[str, list[Atoms]] = {}
    for path in given.candidates:
        for atoms in read_images(path, "candidates"):
            runs.setdefault(str(atoms.info["trajectory"]), []).append(atoms)
    for name, frames in runs.items():
        kept, wanted = [], [int(word) for word in given.frames.split(",")]
        if max(wanted) >= len(frames):
            raise HavenError(f"trajectory {name} has {len(frames)} frames, not {max(wanted) + 1}")
        for number, index in enumerate(wanted):
            atoms = substituted(frames[index], old, new, change)
            told = {key: frames[index].info[key] for key in ("occupancies", "temperature_k")
                    if key in frames[index].info}
            own = f"t1{name.removeprefix('x1')}"
            atoms.info = {"trajectory": own, "frame": number, "origin": "substituted", **told}
            kept.append(atoms)
        write(out / f"{kept[0].info['trajectory']}.extxyz", kept)


if __name__ == "__main__":
    run(main)
