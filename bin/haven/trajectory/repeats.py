"""Frames that stand in a file again to the last digit: restarts, and frames written repeatedly."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from pathlib import Path

import numpy as np

from haven.core.errors import HavenError

RARE = 0.05
"""Share of the frames at which a run may begin again: restarts are farther apart than 20 frames."""
ALONG = 0.5
"""Share of the atoms that move from frame to frame in dynamics, but for those held fixed."""


class Repeats:
    """Frames of a run, of which those are found whose positions and cell are an earlier frame's.

    In molecular dynamics all atoms move, so no frame comes again of itself. In a lattice model
    (kinetic Monte Carlo) most atoms stand still, and frames do: of files where fewer than `ALONG`
    of the atoms move, nothing is judged. 8 bytes a frame are kept.
    """

    def __init__(self) -> None:
        self._marks = array("q")
        self._last = np.empty((0, 3))
        self._along = self._pairs = 0.0

    def add(self, positions: np.ndarray, cell: np.ndarray) -> None:
        """Take the next frame: positions (A, 3), which must stay as they are, and cell (3, 3)."""
        if len(self._last) and (moved := (positions != self._last).any(axis=1).sum()):
            self._along += float(moved - 1) / max(1, len(positions) - 1)
            self._pairs += 1
        self._marks.append(hash(positions.tobytes() + cell.tobytes()))
        self._last = positions

    def replaced(self, source: Path, first: int, timed: bool) -> list[int]:
        """Return which frames, from 0, are left out, since the run begins again before them.

        Parameters
        ----------
        source
            The file, for messages.
        first
            Number of the first frame, for messages.
        timed
            Whether frames have times or steps of their own: then frames that repeat others at other
            times are refused, unless they are rare, and none is left out.

        Raises
        ------
        HavenError
            If frames come again more often than at restarts.
        """
        count = len(self._marks)
        repeats = count - len(np.unique(self._marks))
        if not repeats or self._along < ALONG * max(1.0, self._pairs):
            return []
        kept: list[int] = []
        latest: dict[int, int] = {}
        begins: list[tuple[int, int]] = []
        for row, mark in enumerate(self._marks):
            earlier = latest.get(mark, count)
            place = bisect_left(kept, earlier)
            if kept[place:place + 1] == [earlier]:
                begins.append((row, earlier))
                del kept[place:]
            kept.append(row)
            latest[mark] = row
        if (repeats if timed else len(begins)) > max(1, RARE * count):
            again, earlier = begins[0]
            raise HavenError(f"{source}: frame {again + first} is frame {earlier + first} again, "
                             f"to the last digit; {repeats} of {count} frames repeat an earlier "
                             "one: write each frame once")
        return [] if timed else sorted(set(range(count)) - set(kept))
