"""Frames of all atoms of a trajectory of any format, for analyses that need no dynamics."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from haven.core.errors import HavenError, log
from haven.core.periodic import Floats
from haven.trajectory import readers
from haven.trajectory.frame_checks import check_places
from haven.trajectory.trajectory import read_members

CellPositions = tuple[Floats, Floats]
FEWEST, MOST_BYTES = 64, 1 << 26
"""Frames kept at least of a file, and bytes of positions from which it is thinned."""
TEMPERATURE = re.compile(r"(?<![0-9.])(\d+(?:\.\d+)?)K(?![A-Za-z])|_t(\d+(?:\.\d+)?)(?=_|\b)")
"""A temperature in a file's name: ``run_600K.xtc``, or ``u4_t298_r0`` as Haven names runs."""


def temperature_in(name: str) -> float | None:
    """Return the temperature in K that stands in a file's name; None where there is none.

    Raises
    ------
    HavenError
        If two stand there, of which one may be the number of a run or of atoms.
    """
    seen = dict.fromkeys(float(one or other) for one, other in TEMPERATURE.findall(name))
    if len(seen) > 1:
        raise HavenError(f"the name {name} says {' K and '.join(f'{one:g}' for one in seen)} K: "
                         "give the right one with --temperature_k")
    return next(iter(seen), None)


def formula(symbols: Sequence[str]) -> str:
    """Return the reduced formula of atoms, such as ``Li3TiCl6``."""
    from ase.formula import Formula

    return Formula.from_list([str(symbol) for symbol in symbols]).reduce()[0].format("metal")


def read_frames(
    path: Path, elements: Sequence[str] = (), topology: str | None = None,
) -> tuple[list[str], list[CellPositions]]:
    """Read the all-atom frames of a trajectory, evenly thinned where all need too much memory.

    Beyond `MOST_BYTES` of positions every second frame is left out, and every fourth, eighth, ..;
    at least `FEWEST` frames stay.

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
    symbols: np.ndarray | None = None
    kept: list[CellPositions] = []
    every, number = 1, -1
    for number, image in enumerate(
            readers.read_frames(path, readers.Unsaid(tuple(elements), topology))):
        symbols = image.symbols if symbols is None else symbols
        if not np.array_equal(image.symbols, symbols):
            raise HavenError(f"trajectory {path}: frame {number} has other atoms than frame 0")
        if not np.isfinite(image.cell).all():
            raise HavenError(f"trajectory {path}: frame {number} has values that are not finite")
        check_places(path, number, image.positions)
        if abs(np.linalg.det(image.cell)) < 1e-6:
            raise HavenError(f"trajectory {path}: frame {number} has no periodic cell")
        if number % every == 0:
            kept.append((image.positions, image.cell))
        if len(kept) > max(2 * FEWEST, MOST_BYTES // image.positions.nbytes):
            kept, every = kept[::2], 2 * every
    if symbols is None:
        raise HavenError(f"trajectory {path} holds no frame")
    if every > 1:
        log.info("%s: every %dth of its %d frames is taken", path, every, number + 1)
    return symbols.tolist(), kept


def _read_npz(path: Path) -> tuple[list[str], list[CellPositions]]:
    held = read_members(path, "symbols", "all_angstrom", "cell_angstrom")
    positions, cell = held["all_angstrom"], np.asarray(held["cell_angstrom"], float)
    if not len(positions):
        raise HavenError(f"trajectory {path} holds no frame of all atoms: set all_every lower")
    return [str(s) for s in held["symbols"]], [(np.asarray(frame, float), cell)
                                               for frame in positions]
