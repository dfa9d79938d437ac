"""DCD files: their head, the marks around their records, and whether a file is whole.

A DCD file is a row of Fortran records, each between two equal marks of its length. Nothing else
checks it: bytes that are lost shift every later frame. Frames of one file are equally long (those
of CHARMM's with fixed atoms, whose first frame is longer, are left to the reader).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from haven.core.errors import HavenError, log

BEGIN = {"<": b"\x54\0\0\0CORD", ">": b"\0\0\0\x54CORD"}  # the first bytes, by the byte order
FIRST_RECORD, LINE = 84, 80  # bytes of the first record, and of a line of the title
LONGEST = 1 << 20  # bytes of a title at most: a longer one is a damaged mark
AXES = ("x", "y", "z")


class HeadError(Exception):
    """A head that can't be read; ``cut`` tells whether the file only ends too early."""

    def __init__(self, cut: bool) -> None:
        super().__init__("its head is cut off" if cut else "it is no DCD file, or its head is "
                         "damaged")
        self.cut = cut


@dataclass(frozen=True)
class Head:
    """What stands before the frames.

    Attributes
    ----------
    order
        Byte order, ``<`` or ``>``.
    told
        Number of frames as the head has it, which a program writes after each frame.
    first, every
        Step of the first frame, and steps between two frames.
    fixed
        Number of atoms that do not move: later frames lack them.
    has_cell
        Whether each frame begins with its cell.
    atoms
        Number of atoms A.
    size
        Bytes before the first frame.
    """

    order: str
    told: int
    first: int
    every: int
    fixed: int
    has_cell: bool
    atoms: int
    size: int

    @property
    def record(self) -> np.dtype:
        """Type of a frame.

        Fields ``cell`` (where there is one) with ``value`` (6,), float64, and ``x``, ``y``, ``z``
        with ``value`` (A,), float32, Angstrom; each has its marks, ``before`` and ``after``.
        """
        parts = [("cell", "f8", 6)] if self.has_cell else []
        return np.dtype([
            (name, np.dtype([("before", f"{self.order}i4"), ("value", self.order + kind, (count,)),
                             ("after", f"{self.order}i4")]))
            for name, kind, count in (*parts, *((axis, "f4", self.atoms) for axis in AXES))])


def read_head(path: Path) -> Head:
    """Return the head of a DCD file.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    HeadError
        If the file is no DCD file, a mark of its head does not fit, or it ends within its head.
    """
    with path.open("rb") as stream:
        begin = stream.read(8)
        order = next((order for order, bytes_ in BEGIN.items() if bytes_.startswith(begin)), "")
        if not order or not begin:
            raise HeadError(cut=not begin)
        stream.seek(0)
        numbers = np.frombuffer(_head_record(stream, order, FIRST_RECORD)[4:], f"{order}i4")
        title = _head_record(stream, order)
        atoms = int(np.frombuffer(_head_record(stream, order, 4), f"{order}i4")[0])
        size = stream.tell()
    if len(title) % LINE != 4 or atoms < 1:
        raise HeadError(cut=False)
    return Head(order, told=int(numbers[0]), first=int(numbers[1]), every=int(numbers[2]),
                fixed=int(numbers[8]), has_cell=bool(numbers[10]), atoms=atoms, size=size)


def _head_record(stream: BinaryIO, order: str, length: int | None = None) -> bytes:
    """Return the next record of an open file, which must be of that many bytes if any is said."""
    mark = stream.read(4)
    long = int(np.frombuffer(mark, f"{order}i4")[0]) if len(mark) == 4 else 0
    if len(mark) == 4 and (not 0 <= long <= LONGEST or long != (length or long)):
        raise HeadError(cut=False)
    data, last = stream.read(long), stream.read(4)
    if len(mark) < 4 or len(data) < long or len(last) < 4:
        raise HeadError(cut=True)
    if last != mark:
        raise HeadError(cut=False)
    return data


def whole_marks(frames: Any) -> np.ndarray:
    """Tell of each frame whether all its marks hold the lengths of its records, (T,).

    Parameters
    ----------
    frames
        Array (T,) of `Head.record`.
    """
    good = np.ones(len(frames), bool)
    for name in frames.dtype.names:
        for mark in ("before", "after"):
            good &= frames[name][mark] == frames.dtype[name]["value"].itemsize
    return good


def check_dcd(path: Path) -> None:
    """Refuse a DCD file whose records don't fit together; say where its last frame is cut off.

    Raises
    ------
    HavenError
        Naming the frame at which bytes are lost or changed, or that frames are lost.
    """
    try:
        head = read_head(path)
    except HeadError as error:
        raise HavenError(f"{path}: {error}") from None
    if head.fixed:
        return
    frames, rest = divmod(path.stat().st_size - head.size, head.record.itemsize)
    if not frames:
        raise HavenError(f"{path} holds no whole frame: it is empty or cut off")
    bad = np.flatnonzero(~whole_marks(np.memmap(path, head.record, "r", head.size, (frames,))))
    if len(bad):
        raise HavenError(f"{path}: bytes are lost or changed at frame {bad[0]}: copy it again, or "
                         f"use --stop {bad[0]}")
    if rest:
        more = f", of {head.told} that its head names" if head.told > frames else ""
        log.warning("%s: frame %d is cut short; the %d before it are taken%s", path, frames, frames,
                    more)
    elif head.told > frames or 0 < head.told < frames - 1:
        raise HavenError(f"{path}: its head names {head.told} frames, it holds {frames}: some are "
                         "lost or doubled; copy it again, or write it anew")
