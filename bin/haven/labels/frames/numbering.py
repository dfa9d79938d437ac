"""Numbers of frames in their trajectory, where a trajectory lies in several files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from haven.core.errors import HavenError

if TYPE_CHECKING:
    from haven.labels.frames.reading import LabelledFrame

SAME = 1e-3  # Angstrom: coordinates and cells of one geometry that was labelled twice


def with_own_numbers(frames: Sequence[LabelledFrame]) -> list[LabelledFrame]:
    """Return frames of which no two different ones share trajectory and number.

    Frames whose header gives no number are counted on over the files of their trajectory, after
    the highest number that a header gives. A geometry that is there twice under one number is left
    to the audit.

    Parameters
    ----------
    frames
        Of several files, in the order of the files and of the frames in them.

    Raises
    ------
    HavenError
        If headers give one number to different frames of a trajectory.
    """
    free: dict[str, int] = {}  # by trajectory: one above the highest number so far
    for frame in frames:
        if "frame" in frame.info:
            free[frame.trajectory] = max(free.get(frame.trajectory, 0), frame.number + 1)
    begin: dict[tuple[str, str], int] = {}  # by trajectory and file: number of the file's frame 0
    numbered = []
    for frame in frames:
        if "frame" not in frame.info:
            start = begin.setdefault((frame.trajectory, frame.source),
                                     free.get(frame.trajectory, 0))
            frame = replace(frame, number=start + frame.position)
            free[frame.trajectory] = frame.number + 1
        numbered.append(frame)
    known: dict[tuple[str, int], LabelledFrame] = {}
    for frame in numbered:
        first = known.setdefault((frame.trajectory, frame.number), frame)
        if first is not frame and not _same_geometry(first, frame):
            raise HavenError(
                f"{first.where} and {frame.where} are different, and both are frame "
                f"{frame.number} of trajectory {frame.trajectory}: number the frames of a "
                "trajectory on over its files (frame=), or give each run a trajectory name")
    return numbered


def _same_geometry(one: LabelledFrame, two: LabelledFrame) -> bool:
    """Return whether two frames have the same atoms at the same places, up to whole cells."""
    if not np.array_equal(one.atoms.numbers, two.atoms.numbers):
        return False
    cell = two.atoms.cell.array
    if np.abs(one.atoms.cell.array - cell).max() > SAME:
        return False
    apart = (one.atoms.positions - two.atoms.positions) @ np.linalg.inv(cell)
    return bool(np.abs((apart - np.round(apart)) @ cell).max() <= SAME)
