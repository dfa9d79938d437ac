"""What every frame of a foreign file must satisfy, and a tilted box's flips undone."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from haven.core.errors import HavenError
from haven.core.periodic import heights
from haven.trajectory.readers import Frame

FARTHEST_ANGSTROM = 1e6
"""Angstrom beyond which no atom of a simulation is, unwrapped or not."""
SAID_TWICE = 0.01
"""Relative difference from which an option and a file contradict each other."""


def cell_of(
    source: Path, number: int, frame: Frame, given: np.ndarray | None, first: bool,
) -> np.ndarray:
    """Return the cell of a frame, checked: its own, or the one given for files without.

    Parameters
    ----------
    source, number
        File, and number of the frame.
    frame
        The frame.
    given
        Cell that the user gives, vectors as rows (3, 3), Angstrom, or None.
    first
        Whether this is the first frame, whose cell is compared with the given one.

    Returns
    -------
    ndarray
        Vectors as rows, shape (3, 3), Angstrom.

    Raises
    ------
    HavenError
        If there is no cell, it is flat or not finite, or the file contradicts the given one.
    """
    cell = np.asarray(frame.cell, float)
    if not np.isfinite(cell).all():
        raise HavenError(f"{source}: frame {number} has a cell with values that are not finite")
    size = np.abs(cell).max()
    flat = size == 0 or abs(np.linalg.det(cell / size)) < 1e-9
    if flat and given is None:
        raise HavenError(f"{source} has no cell: periodic boundaries are needed; give --cell "
                         "a,b,c or a,b,c,alpha,beta,gamma (Angstrom, degrees)")
    if flat:
        assert given is not None
        return given
    if given is not None and first:
        own, told = heights(cell), heights(given)
        if np.abs(own - told).max() > SAID_TWICE * own.max():
            raise HavenError(f"{source} has a cell of heights {_three(own)} Angstrom, --cell one "
                             f"of {_three(told)}: leave --cell out")
    return cell


def _three(values: np.ndarray) -> str:
    return ", ".join(f"{value:.4g}" for value in values)


def unflipped(cell: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Return the cell in the vectors that continue ``last``'s: a flip of a tilted box undone.

    A flip, as of LAMMPS's ``fix npt ... flip yes``, takes other vectors for the same lattice:
    ``cell = m last`` with a matrix m of whole numbers and determinant 1. Both are vectors as rows,
    shape (3, 3), Angstrom.
    """
    ratio = cell @ np.linalg.inv(last)
    whole = np.round(ratio)
    if (whole == np.eye(3)).all() or abs(abs(np.linalg.det(whole)) - 1) > 1e-6:
        return cell
    back = np.linalg.inv(whole) @ cell
    return back if np.abs(back - last).max() < 0.05 * np.abs(last).max() else cell


def check_constant(source: Path, number: int, cell: np.ndarray, first: np.ndarray) -> None:
    """Raise `HavenError` unless the cell (3, 3) is the first frame's."""
    if np.abs(cell - first).max() > 1e-4 * np.abs(cell).max():
        raise HavenError(f"{source}: the cell changes at frame {number}: run at constant volume, "
                         "or give --cell_changes for the mean cell")


def moved_too_far(source: Path, number: int, move: np.ndarray, frame: Frame) -> HavenError:
    """Return the error of an atom that moved too far between two frames to be unwrapped.

    Parameters
    ----------
    source, number
        File, and number of the frame.
    move
        Displacements (A, 3) in units of the cell.
    frame
        The frame.
    """
    atom = int(np.abs(move).max(axis=1).argmax())
    advice = "save frames more often, or unwrapped"
    if frame.unordered:
        advice = "the dump has no column id, and LAMMPS changes the order of its lines: dump " \
                 f"with id, or with dump_modify sort id; if they are in one order, {advice}"
    if frame.unwrapped is None:
        advice += "; if the file holds unwrapped positions, give --unwrapped; if it joins two " \
                  "runs, --stop or --start there"
    return HavenError(f"{source}: an atom moves by {np.abs(move).max():.2f} of the cell at frame "
                      f"{number} (atom {atom + 1}): {advice}")


def check_same(
    source: Path, number: int, frame: Frame, symbols: np.ndarray, ids: np.ndarray | None,
) -> None:
    """Refuse a frame of other atoms than the first, or with positions that no atom can have.

    Parameters
    ----------
    source, number
        File, and number of the frame.
    frame
        The frame.
    symbols, ids
        Elements of the first frame's atoms, and their ids where the file has them, shape (A,).

    Raises
    ------
    HavenError
        Naming the first atom that differs.
    """
    if len(frame.symbols) != len(symbols):
        raise HavenError(f"{source}: {len(frame.symbols)} atoms at frame {number}, "
                         f"{len(symbols)} before: the number may not change")
    if frame.ids is not None and ids is not None and (frame.ids != ids).any():
        raise HavenError(f"{source}: there are other atoms at frame {number}: their ids changed")
    if (frame.symbols != symbols).any():
        row = int(np.argmax(frame.symbols != symbols))
        both = f"from {symbols[row]} to {frame.symbols[row]}"
        if frame.ids is not None:
            raise HavenError(f"{source}: the atom of id {frame.ids[row]} changes at frame {number} "
                             f"{both}: an id must keep its element; use one side with --stop or "
                             "--start")
        raise HavenError(f"{source}: atoms change order at frame {number} (atom {row + 1} {both}): "
                         "write them in one order, or with ids")
    check_places(source, number, frame.positions)


def check_places(source: Path, number: int, positions: np.ndarray) -> None:
    """Refuse positions (A, 3), Angstrom, that no atoms can have, of frame ``number`` of a file.

    Raises
    ------
    HavenError
        If one is not finite or too far away, or several atoms stand at the origin: a part of the
        file was overwritten by zeros, as disks leave them.
    """
    if not np.isfinite(positions).all():
        raise HavenError(f"{source}: frame {number} has values that are not finite")
    if np.abs(positions).max() > FARTHEST_ANGSTROM:
        raise HavenError(f"{source}: frame {number} has a coordinate of "
                         f"{np.abs(positions).max():.3g} Angstrom, which is no atom's")
    zeros = int((~positions.any(axis=1)).sum())
    if zeros > 1:
        raise HavenError(f"{source}: {zeros} atoms stand at the origin in frame {number}: a part "
                         "of it is zeros, copy or make it again")
