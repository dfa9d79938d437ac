"""Positions stored as whole multiples of a resolution, in two fifths of the space of float32.

A position is rounded to the nearest multiple of the resolution, once, and kept as a whole number;
what is stored is how far that number moves from frame to frame. Sums of whole numbers are exact,
so the error of a position is at most half the resolution at every frame, however long the run.

The frames come in spans of `SPAN`. Each span is, in bytes, little-endian:

1. the numbers of its first frame, int32, x, y and z of ion after ion (3 N);
2. for every further frame the steps of all 3 N numbers, plus 2^(bits - 1), of 12, 16 or 32 bits as
   the span needs; two of 12 bits are three bytes, the first one's low bits first. An odd number of
   12-bit steps is filled up by one;
3. steps that need more bits than that (they count as 0 above): their places, uint32, ``3 N row +
   column`` with the rows of 2. from 0, then the steps, int32.

So a few ions at all times, or a few frames of all ions, are read without the rest.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from haven.core.errors import HavenError

SPAN = 128
RESOLUTION = 0.001
LARGEST = 1 << 29
COMPILED_FROM = 20_000_000
CUT = "the trajectory ends before its last frame: write it again"


class UnpackableError(Exception):
    """Positions are not finite, or more than 2^29 steps from the origin."""


def fill(handle: int, view: memoryview, offset: int) -> None:
    """Fill a buffer with the bytes of an open file from ``offset`` on."""
    done = 0
    while done < len(view):
        got = os.preadv(handle, [view[done:]], offset + done)
        if got <= 0:
            raise HavenError(CUT)
        done += got


def _bytes(values: int, bits: int) -> int:
    return (values + values % 2) * 3 // 2 if bits == 12 else values * bits // 8


def pack(stream: BinaryIO, positions: Any, resolution: float) -> dict[str, np.ndarray]:
    """Write packed positions, a span at a time; return the small members that describe them.

    Parameters
    ----------
    stream
        Open file; the spans are appended.
    positions
        Shape (T, N, 3), Angstrom; may be a memory map.
    resolution
        Angstrom.

    Raises
    ------
    UnpackableError
        If a position cannot be a whole number of 30 bits.
    """
    ends, widths = [0], []
    for first in range(0, len(positions), SPAN):
        parts, bits = _span(np.asarray(positions[first : first + SPAN], np.float64), resolution)
        ends.append(ends[-1] + sum(stream.write(part) for part in parts))
        widths.append(bits)
    return {
        "mobile_span_end": np.array(ends, np.int64), "mobile_span_bits": np.array(widths, np.uint8),
        "mobile_shape": np.array(positions.shape[:2], np.int64), "mobile_span": np.array(SPAN),
        "mobile_resolution_angstrom": np.array(resolution),
    }


def _span(positions: np.ndarray, resolution: float) -> tuple[list[bytes], int]:
    scaled = np.rint(positions.reshape(len(positions), -1) / resolution)
    if not (np.abs(scaled) < LARGEST).all():
        raise UnpackableError
    whole = scaled.astype(np.int32)
    steps = np.diff(whole, axis=0)
    size = np.abs(steps)
    cost = {bits: bits / 8 * steps.size + 8 * np.count_nonzero(size >= 1 << (bits - 1))
            for bits in (12, 16)} | {32: 4 * steps.size}
    bits = min(cost, key=lambda each: cost[each])
    long = np.flatnonzero(size >= 1 << (bits - 1))
    beyond = steps.ravel()[long]
    steps.ravel()[long] = 0
    parts = (whole[0].astype("<i4"), _coded(steps, bits), long.astype("<u4"), beyond.astype("<i4"))
    return [part.tobytes() for part in parts], bits


def _coded(steps: np.ndarray, bits: int) -> np.ndarray:
    if bits != 12:
        return (steps + (np.int64(1) << (bits - 1))).astype(f"<u{bits // 8}")
    codes = np.full((len(steps), steps.shape[1] + steps.shape[1] % 2), 2048, np.uint16)
    codes[:, : steps.shape[1]] += steps.astype(np.uint16)
    low, high = codes[:, ::2], codes[:, 1::2]
    out = np.empty((*low.shape, 3), np.uint8)
    out[..., 0] = low & 255
    out[..., 1] = low >> 8 | (high & 15) << 4
    out[..., 2] = high >> 4
    return out


@dataclass(frozen=True)
class Packed:
    """Packed positions in a file.

    Attributes
    ----------
    path, offset
        The file, and where the first span begins.
    ends
        Where each span begins and the last one ends (K + 1,), bytes from ``offset``.
    bits
        Bits of a step in each span (K,).
    frames, ions, span
        Frames T, ions N, frames of a span.
    resolution
        Angstrom.
    """

    path: Path
    offset: int
    ends: np.ndarray
    bits: np.ndarray
    frames: int
    ions: int
    span: int
    resolution: float

    @property
    def dtype(self) -> np.dtype:
        """Type of what is read."""
        return np.dtype(np.float32)

    def check(self, size: int) -> None:
        """Raise `HavenError` unless the description fits together and to ``size`` bytes."""
        spans = -(-self.frames // self.span) if self.span > 0 else -1
        whole = (len(self.ends) == spans + 1 and len(self.bits) == spans
                 and np.isin(self.bits, (12, 16, 32)).all() and self.ends[0] == 0
                 and self.ends[-1] == size and self.resolution > 0)
        if whole:
            count = np.minimum(self.span, self.frames - self.span * np.arange(spans)) - 1
            rest = np.diff(self.ends) - 12 * self.ions - count * np.array(
                [_bytes(3 * self.ions, int(b)) for b in self.bits])
            whole = bool((rest >= 0).all() and (rest % 8 == 0).all())
        if not whole:
            raise HavenError(f"{self.path}: its packed positions do not fit to its frames: write "
                             "it again")

    def read(self, start: int, stop: int) -> np.ndarray:
        """Return positions of ions ``start`` to ``stop`` at all times (T, n, 3), Angstrom."""
        block = np.empty((self.frames, (stop - start) * 3), np.float32)
        decode = _decoder(block.size)
        with self.path.open("rb", buffering=0) as stream:
            for k in range(len(self.bits)):
                rows = block[k * self.span : (k + 1) * self.span]
                self._one(stream.fileno(), k, 3 * start, rows, decode)
        return block.reshape(self.frames, -1, 3)

    def read_frames(self, indices: np.ndarray) -> np.ndarray:
        """Return positions of all ions at the given frames (F, N, 3), Angstrom."""
        indices = np.asarray(indices, np.int64) % self.frames
        block = np.empty((len(indices), self.ions * 3), np.float32)
        room = np.empty((self.span, self.ions * 3), np.float32)
        spans = np.unique(indices // self.span)
        decode = _decoder(len(spans) * room.size)
        with self.path.open("rb", buffering=0) as stream:
            for k in spans.tolist():
                rows = room[: min(self.span, self.frames - k * self.span)]
                self._one(stream.fileno(), k, 0, rows, decode)
                mine = np.flatnonzero(indices // self.span == k)
                block[mine] = rows[indices[mine] - k * self.span]
        return block.reshape(len(indices), -1, 3)

    def _one(self, handle: int, k: int, first: int, out: np.ndarray, decode: Any) -> None:
        """Write numbers from ``first`` on of a span's frames to ``out`` (frames, V), Angstrom."""
        values, bits, wide = 3 * self.ions, int(self.bits[k]), out.shape[1]
        place, count, row = self.offset + int(self.ends[k]), len(out) - 1, _bytes(values, bits)
        now = np.empty(wide, "<i4")
        fill(handle, now.view(np.uint8).data, place + 4 * first)
        place += 4 * values
        lead = first % 2 if bits == 12 else 0
        skipped, taken = (first - lead) * bits // 8, _bytes(wide + lead, bits)
        raw = np.empty((count, taken), np.uint8)
        if 4 * taken > row:
            full = np.empty((count, row), np.uint8)
            fill(handle, full.reshape(-1).data, place)
            raw = full[:, skipped : skipped + taken]
        else:
            for each in range(count):
                fill(handle, raw[each].data, place + each * row + skipped)
        place += count * row
        number = (self.offset + int(self.ends[k + 1]) - place) // 8
        long = np.empty((2, number), "<u4")
        fill(handle, long.reshape(-1).view(np.uint8).data, place)
        line, column = long[0].astype(np.int64) // values, long[0].astype(np.int64) % values - first
        mine = (column >= 0) & (column < wide)
        if (line >= count).any():
            raise HavenError(f"{self.path}: its packed positions are damaged: write it again")
        out[0] = now * self.resolution
        decode(np.ascontiguousarray(raw), bits, lead, now,
               (line * wide + column)[mine], long[1].view("<i4")[mine],
               self.resolution, out[1:])


def _decoder(values: int) -> Any:
    if values >= COMPILED_FROM:
        try:
            from haven.trajectory.container.unpacking import rows
        except ImportError:
            return _rows
        return rows
    return _rows


def _rows(
    raw: np.ndarray, bits: int, lead: int, now: np.ndarray, places: np.ndarray,
    beyond: np.ndarray, resolution: float, out: np.ndarray,
) -> None:
    """Do as `haven.trajectory.container.unpacking.rows`, without compiling."""
    if bits == 12:
        low, mid, high = (raw[:, i::3].astype(np.int32) for i in range(3))
        codes = np.empty((len(raw), raw.shape[1] // 3 * 2), np.int32)
        codes[:, ::2] = low | (mid & 15) << 8
        codes[:, 1::2] = mid >> 4 | high << 4
        steps = codes[:, lead : lead + out.shape[1]]
        steps -= 2048
    else:
        half = np.int64(1) << (bits - 1)
        steps = (raw.view(f"<u{bits // 8}").astype(np.int64) - half).astype(np.int32)
    steps[places // out.shape[1], places % out.shape[1]] += beyond
    for row, step in zip(out, steps, strict=True):
        now += step
        np.multiply(now, resolution, out=row, casting="unsafe")
