"""DCD files as LAMMPS writes them: their frames, as far as the file itself shows them whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from haven.trajectory.dcd import Head, HeadError, read_head, whole_marks

DAMAGED_HEAD = "has a damaged header"
CHUNK_BYTES = 1 << 26


@dataclass(frozen=True)
class Dcd:
    """Frames of a DCD file up to the first that is damaged.

    Attributes
    ----------
    steps
        Step of each frame, (T,).
    frames
        Record array mapped from the file, (T,): fields ``x``, ``y``, ``z`` with ``value`` (A,),
        Angstrom, and ``cell`` with ``value`` (6,): the three lengths of the cell, Angstrom, stand
        at 0, 2 and 5.
    damage
        Why the frames end before the file does; empty where the file ends after a frame or, as when
        the program was killed, within one.
    """

    steps: np.ndarray
    frames: Any
    damage: str = ""


NONE = Dcd(np.empty(0, int), np.empty(0))


def read_dcd(path: Path, atoms: int | None = None, every: int | None = None) -> Dcd:
    """Open a DCD file and check it: header, length, the marks around each record, numbers.

    Parameters
    ----------
    path
        The file.
    atoms, every
        Atoms and steps between frames that it must have; as the file says where None.
    """
    try:
        head = read_head(path)
    except FileNotFoundError:
        return replace(NONE, damage="is not there")
    except HeadError as error:
        return NONE if error.cut else replace(NONE, damage=DAMAGED_HEAD)
    if (head.order != "<" or not head.has_cell or head.fixed or head.first < 0 or head.every < 1
            or head.first % head.every):
        return replace(NONE, damage=DAMAGED_HEAD)
    if (atoms or head.atoms) != head.atoms or (every or head.every) != head.every:
        return replace(NONE, damage=f"has frames of {head.atoms} atoms every {head.every} steps, "
                       f"not of {atoms} every {every}: its header is damaged")
    return _frames(path, head)


def _frames(path: Path, head: Head) -> Dcd:
    """Return the frames behind a head, up to the first damaged one."""
    count = (path.stat().st_size - head.size) // head.record.itemsize
    if not count:
        return NONE
    frames = np.memmap(path, head.record, "r", head.size, (count,))
    marked = whole_marks(frames)
    good = marked & np.concatenate([_finite(frames[rows]) for rows in _chunks(frames)])
    end = count if good.all() else int(np.argmin(good))
    damage = "" if end == count else (
        f"is damaged in its frame of step {head.first + head.every * end}"
        + (" (numbers that are not finite)" if marked[end] else ""))
    return Dcd(head.first + head.every * np.arange(end), frames[:end], damage)


def _chunks(frames: Any) -> Iterator[slice]:
    rows = max(1, CHUNK_BYTES // frames.dtype.itemsize)
    for start in range(0, len(frames), rows):
        yield slice(start, start + rows)


def _finite(frames: Any) -> np.ndarray:
    """Tell of each frame whether its numbers are finite, (T,)."""
    with np.errstate(invalid="ignore", over="ignore"):
        sums = [frames[name]["value"].sum(axis=1, dtype=np.float64) for name in frames.dtype.names]
        return np.asarray(np.isfinite(np.array(sums)).all(axis=0))


def positions(frames: Any, chosen: np.ndarray) -> np.ndarray:
    """Return positions (T, A, 3), float32, Angstrom, of the frames of a mask or of indices."""
    chosen = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
    atoms = frames.dtype["x"]["value"].shape[0] if len(frames) else 0
    out = np.empty((len(chosen), atoms, 3), np.float32)
    for axis, letter in enumerate("xyz"):
        for row, index in enumerate(chosen):
            out[row, :, axis] = frames[index][letter]["value"]
    return out


def means(frames: Any, weights: np.ndarray) -> np.ndarray:
    """Return the weighted mean position of each frame, (T, 3), Angstrom; weights (A,)."""
    out = np.empty((len(frames), 3))
    share = weights / weights.sum()
    for rows in _chunks(frames):
        for axis, letter in enumerate("xyz"):
            out[rows, axis] = frames[rows][letter]["value"] @ share
    return out


def cell_lengths(frames: Any) -> np.ndarray:
    """Return the lengths of the cell of each frame, (T, 3), Angstrom."""
    return frames["cell"]["value"][:, [0, 2, 5]]
