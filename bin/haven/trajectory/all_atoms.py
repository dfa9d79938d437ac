"""Frames of all atoms of a trajectory of any format, for what looks at single moments."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from haven.core.errors import HavenError
from haven.core.periodic import Floats
from haven.trajectory import readers
from haven.trajectory.trajectory import read_members

CellPositions = tuple[Floats, Floats]
TEMPERATURE = re.compile(r"(?<![0-9.])(\d+(?:\.\d+)?)K(?![A-Za-z])|_t(\d+(?:\.\d+)?)(?=_|\b)")
"""A temperature in a file's name: ``run_600K.xtc``, or ``u4_t298_r0`` as Haven names runs."""


def temperature_in(name: str) -> float | None:
    """Return the temperature in K that a file's name says, if any."""
    seen = TEMPERATURE.search(name)
    return None if seen is None else float(seen.group(1) or seen.group(2))


def formula(symbols: Sequence[str]) -> str:
    """Return the reduced formula of atoms, such as ``Li3TiCl6``."""
    from ase.formula import Formula

    return Formula.from_list([str(symbol) for symbol in symbols]).reduce()[0].format("metal")


def read_frames(
    path: Path, elements: Sequence[str] = (), topology: str | None = None,
) -> tuple[list[str], list[CellPositions]]:
    """Read the all-atom frames of a trajectory.

    Parameters
    ----------
    path
        Haven's npz, or a file of a reader of `haven.trajectory.readers`.
    elements
        Elements of LAMMPS types 1, 2, ..., for files that name types only.
    topology
        File that names the atoms, for formats of positions alone.

    Returns
    -------
    tuple
        Element of each atom, and per frame Cartesian positions (A, 3) and cell (3, 3), Angstrom.

    Raises
    ------
    HavenError
        If there is no frame, atoms change, or there is no periodic cell.
    """
    if path.suffix == ".npz":
        return _read_npz(path)
    images = list(readers.read_frames(path, readers.Unsaid(tuple(elements), topology)))
    if not images:
        raise HavenError(f"trajectory {path} holds no frame")
    symbols = images[0].symbols.tolist()
    for number, image in enumerate(images):
        if image.symbols.tolist() != symbols:
            raise HavenError(f"trajectory {path}: frame {number} has other atoms than frame 0")
        if not (np.isfinite(image.positions).all() and np.isfinite(image.cell).all()):
            raise HavenError(f"trajectory {path}: frame {number} has values that are not finite")
        if abs(np.linalg.det(image.cell)) < 1e-6:
            raise HavenError(f"trajectory {path}: frame {number} has no periodic cell")
    return symbols, [(image.positions, image.cell) for image in images]


def _read_npz(path: Path) -> tuple[list[str], list[CellPositions]]:
    held = read_members(path, "symbols", "all_angstrom", "cell_angstrom")
    positions, cell = held["all_angstrom"], np.asarray(held["cell_angstrom"], float)
    if not len(positions):
        raise HavenError(f"trajectory {path} holds no frame of all atoms: set all_every lower")
    return [str(s) for s in held["symbols"]], [(np.asarray(frame, float), cell)
                                               for frame in positions]
