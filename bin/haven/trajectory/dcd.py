"""Whether a DCD file is whole: its marks, its frames, and their number.

A DCD file is a row of Fortran records, each between two equal marks of its length. Nothing else
checks it: bytes that are lost shift every later frame. Frames of one file are equally long (those
of CHARMM's with fixed atoms, whose first frame is longer, are left to the reader).
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import numpy as np

from haven.core.errors import HavenError, log


def check(path: Path) -> None:
    """Refuse a DCD file whose records don't fit together; say where its last frame is cut off.

    Raises
    ------
    HavenError
        Naming the frame at which bytes are lost or changed, or that frames are lost.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(92)
        order = "<" if head[:4] == b"\x54\0\0\0" else ">"
        if len(head) < 92 or head[4:8] != b"CORD" or _mark(head, 0, order) != 84 or (
                _mark(head, 88, order) != 84):
            raise HavenError(f"{path} is no DCD file, or its head is damaged")
        numbers = np.frombuffer(head[8:88], f"{order}i4")
        told, fixed, cell = int(numbers[0]), int(numbers[8]), bool(numbers[10])
        title = _record(stream, order, path)
        atoms = _record(stream, order, path)
        start = stream.tell()
    if len(title) % 80 != 4 or len(atoms) != 4:
        raise HavenError(f"{path}: its head is damaged")
    count = int(np.frombuffer(atoms, f"{order}i4")[0])
    if count < 1 or fixed:
        if count < 1:
            raise HavenError(f"{path} says that it has {count} atoms")
        return
    lengths = ([48] if cell else []) + [4 * count] * 3
    long = sum(lengths) + 8 * len(lengths)
    frames, rest = divmod(size - start, long)
    if not frames:
        raise HavenError(f"{path} holds no whole frame: it is empty or cut off")
    _check_marks(path, start, frames, lengths, order)
    if rest:
        more = f", of {told} that its head names" if told > frames else ""
        log.warning("%s: frame %d is cut short; the %d before it are taken%s", path, frames, frames,
                    more)
    elif told > frames or 0 < told < frames - 1:  # the head is written after each frame
        raise HavenError(f"{path}: its head names {told} frames, it holds {frames}: some are lost "
                         "or doubled; copy it again, or write it anew")


def _mark(data: bytes, at: int, order: str) -> int:
    return int(np.frombuffer(data[at : at + 4], f"{order}i4")[0])


def _record(stream: BinaryIO, order: str, path: Path) -> bytes:
    """Return the next record of an open file."""
    read = stream.read
    first = read(4)
    long = _mark(first, 0, order) if len(first) == 4 else -1
    data = read(long) if 0 <= long <= 1 << 20 else b""
    last = read(4)
    if len(data) != long or last != first:
        raise HavenError(f"{path}: its head is damaged or cut off")
    return data


def _check_marks(path: Path, start: int, frames: int, lengths: list[int], order: str) -> None:
    """Refuse a frame whose records don't begin and end with their lengths."""
    at = 0
    whole = np.memmap(path, np.uint8, "r", start, (frames, sum(lengths) + 8 * len(lengths)))
    for length in lengths:
        mark = np.frombuffer(np.array(length, f"{order}i4").tobytes(), np.uint8)
        for place in (at, at + 4 + length):
            bad = np.flatnonzero((whole[:, place : place + 4] != mark).any(axis=1))
            if len(bad):
                raise HavenError(f"{path}: bytes are lost or changed at frame {bad[0]}: copy it "
                                 f"again, or use --stop {bad[0]}")
        at += length + 8
