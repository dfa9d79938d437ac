"""All atoms of a trajectory, frame by frame: Haven's own file, a LAMMPS dump, what ASE reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from haven.core.errors import HavenError
from haven.core.periodic import Floats
from haven.trajectory import formats
from haven.trajectory.trajectory import read_members

Frame = tuple[Floats, Floats]


def read_frames(path: Path, elements: Sequence[str] = ()) -> tuple[list[str], list[Frame]]:
    """Read the all-atom frames of a trajectory: Haven's npz, LAMMPS dump, any file ASE reads.

    Parameters
    ----------
    path
        File.
    elements
        Elements of LAMMPS types 1, 2, ..., for dumps without an ``element`` column.

    Returns
    -------
    tuple
        Element of each atom, and per frame Cartesian positions (A, 3) and cell (3, 3), Angstrom.
    """
    if path.suffix == ".npz":
        return _read_npz(path)
    images = list(formats.read_frames(path, list(elements), None)
                  if path.is_file() and formats.is_dump(path)
                  else formats.read_by_ase(path))
    if not images:
        raise HavenError(f"trajectory {path} holds no frame")
    symbols = images[0].symbols.tolist()
    for number, image in enumerate(images):
        if image.symbols.tolist() != symbols:
            raise HavenError(f"trajectory {path}: frame {number} has other atoms than frame 0")
        if abs(np.linalg.det(image.cell)) < 1e-6:
            raise HavenError(f"trajectory {path}: frame {number} has no periodic cell")
    return symbols, [(image.positions, image.cell) for image in images]


def _read_npz(path: Path) -> tuple[list[str], list[Frame]]:
    held = read_members(path, "symbols", "all_angstrom", "cell_angstrom")
    positions, cell = held["all_angstrom"], np.asarray(held["cell_angstrom"], float)
    if not len(positions):
        raise HavenError(f"trajectory {path} holds no frame of all atoms: set all_every lower")
    return [str(s) for s in held["symbols"]], [(np.asarray(frame, float), cell)
                                               for frame in positions]
