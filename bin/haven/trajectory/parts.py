"""A part of a trajectory: frames from one to another, every so many."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from haven.core.errors import HavenError
from haven.trajectory.container.arrays import Positions
from haven.trajectory.trajectory import Trajectory

PIECE_BYTES = 1 << 26
"""Bytes of the whole run that are read at once for a part of it."""


@dataclass(frozen=True)
class Part:
    """Some frames of positions, themselves positions."""

    whole: Positions
    rows: range

    @property
    def frames(self) -> int:
        """Number of frames T."""
        return len(self.rows)

    @property
    def ions(self) -> int:
        """Number of ions N."""
        return self.whole.ions

    @property
    def dtype(self) -> np.dtype:
        """Type of what is read."""
        return self.whole.dtype

    def read(self, start: int, stop: int) -> np.ndarray:
        """Return positions of ions ``start`` to ``stop`` at all times (T, n, 3), Angstrom."""
        rows = slice(self.rows.start, self.rows.stop, self.rows.step)
        out = np.empty((self.frames, stop - start, 3), self.dtype)
        each = max(1, PIECE_BYTES // (self.whole.frames * 3 * self.dtype.itemsize))
        for first in range(start, stop, each):
            last = min(first + each, stop)
            out[:, first - start : last - start] = self.whole.read(first, last)[rows]
        return out

    def read_frames(self, indices: np.ndarray) -> np.ndarray:
        """Return positions of all ions at the given frames (F, N, 3), Angstrom."""
        return self.whole.read_frames(np.arange(self.rows.start, self.rows.stop, self.rows.step)
                                      [indices])


def part_of(whole: Trajectory, start: int, stop: int | None, stride: int) -> Trajectory:
    """Return a part of an open trajectory.

    Parameters
    ----------
    whole
        The trajectory.
    start, stop, stride
        First frame, first frame not wanted (None: to the end), every how many.

    Raises
    ------
    HavenError
        If fewer than two frames remain.
    """
    rows = range(whole.frames)[start:stop:stride]
    if rows == range(whole.frames):
        return whole
    if len(rows) < 2:
        raise HavenError(f"{whole.path}: --start {start}, --stop {stop}, --stride {stride} leave "
                         f"{len(rows)} of {whole.frames} frames: a displacement needs two")
    cut = slice(rows.start, rows.stop, rows.step)
    extra = dict(whole.extra)
    if "deviation_ev_per_angstrom" in extra:
        extra["deviation_ev_per_angstrom"] = extra["deviation_ev_per_angstrom"][cut]
    return replace(whole, time_ps=whole.time_ps[cut], host=whole.host[cut],
                   barycentre=whole.barycentre[cut], positions=Part(whole.positions, rows),
                   extra=extra)
