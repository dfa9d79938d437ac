"""DCD files as LAMMPS writes them: their frames, as far as the file itself shows them whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

HEAD, TITLE_LEAST = 92, 4  # bytes of the first record, marks included; of the title at least
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
        Why no more frames follow; empty where the file simply ends, be it within a frame, as a
        program that is killed leaves it.
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
        with path.open("rb") as stream:
            head = stream.read(HEAD)
            title = stream.read(4)
            span = int.from_bytes(title, "little")
            size = path.stat().st_size
            if len(title) == 4 and TITLE_LEAST <= span < size:
                stream.seek(HEAD + 4 + span)
                block = stream.read(16)
            else:
                block = b""
    except FileNotFoundError:
        return Dcd(NONE.steps, NONE.frames, "is not there")
    if len(head) < HEAD or len(title) < 4 or (len(block) < 16 and size < HEAD + 4 + span + 16):
        damage = "" if _is_begun(head) else "has a damaged header"
        return Dcd(NONE.steps, NONE.frames, damage)
    numbers = np.frombuffer(block, "<i4")
    whole = (_is_begun(head) and int.from_bytes(head[88:92], "little") == 84
             and numbers.tolist()[::3] == [span, 4] and numbers[1] == 4 and numbers[2] > 0)
    first, step = (int(n) for n in np.frombuffer(head, "<i4", 2, offset=12))
    if not whole or first < 0 or step < 1 or first % step:
        return Dcd(NONE.steps, NONE.frames, "has a damaged header")
    if (atoms or numbers[2]) != numbers[2] or (every or step) != step:
        return Dcd(NONE.steps, NONE.frames, f"has frames of {numbers[2]} atoms every {step} steps, "
                   f"not of {atoms} every {every}: its header is damaged")
    return _frames(path, HEAD + 4 + span + 16, int(numbers[2]), first, step)


def _is_begun(head: bytes) -> bool:
    """Tell whether a file that may be cut off begins as a DCD file does."""
    return head[:8] == (b"\x54\0\0\0CORD")[: len(head)] if len(head) < 8 else (
        head[:8] == b"\x54\0\0\0CORD")


def _frames(path: Path, offset: int, atoms: int, first: int, every: int) -> Dcd:
    """Return the frames behind a header of ``offset`` bytes, up to the first damaged one."""
    axis = [("before", "<i4"), ("value", "<f4", (atoms,)), ("after", "<i4")]
    record = np.dtype([("cell", np.dtype([("before", "<i4"), ("value", "<f8", (6,)),
                                          ("after", "<i4")])),
                       *[(letter, np.dtype(axis)) for letter in "xyz"]])
    count = max(0, path.stat().st_size - offset) // record.itemsize
    if not count:
        return NONE
    frames = np.memmap(path, record, "r", offset, (count,))
    sizes = {"cell": 48, "x": 4 * atoms, "y": 4 * atoms, "z": 4 * atoms}
    marked = np.ones(count, bool)
    for name, size in sizes.items():
        marked &= (frames[name]["before"] == size) & (frames[name]["after"] == size)
    finite = np.concatenate([_finite(frames[rows], sizes) for rows in _chunks(frames)])
    good = marked & finite
    end = count if good.all() else int(np.argmin(good))
    damage = "" if end == count else (
        f"is damaged in its frame of step {first + every * end}"
        + (" (numbers that are not finite)" if marked[end] else ""))
    return Dcd(first + every * np.arange(end), frames[:end], damage)


def _chunks(frames: Any) -> Iterator[slice]:
    rows = max(1, CHUNK_BYTES // frames.dtype.itemsize)
    for start in range(0, len(frames), rows):
        yield slice(start, start + rows)


def _finite(frames: Any, names: dict[str, int]) -> np.ndarray:
    """Tell of each frame whether its numbers are finite, (T,)."""
    with np.errstate(invalid="ignore", over="ignore"):
        sums = [frames[name]["value"].sum(axis=1, dtype=np.float64) for name in names]
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


def lengths(frames: Any) -> np.ndarray:
    """Return the lengths of the cell of each frame, (T, 3), Angstrom."""
    return frames["cell"]["value"][:, [0, 2, 5]]
