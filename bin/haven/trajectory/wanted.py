"""Which part of a file is wanted, and what the user says where the file does not."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from haven.trajectory.readers import Unsaid


@dataclass(frozen=True)
class Wanted:
    """Which part of a file is wanted, and what the file may not say itself.

    Attributes
    ----------
    species
        Elements of the mobile ions; may be empty for a container.
    framework
        Elements of the host; all that are not mobile where empty.
    ions
        Numbers of the mobile ions (ids where the file has them, else places from 1), or all.
    start, stop, stride
        Frames: first, first not wanted, every how many.
    frame_spacing_ps
        Time between two saved frames, for files that do not say it.
    cell
        Cell vectors as rows (3, 3), Angstrom, for files that do not say them.
    cell_changes
        Accept a cell that changes: its mean is used.
    unwrapped
        Positions are known not to be folded back into the cell.
    fixed
        The frame of reference is that of the file: ions of a file without a host may be added up.
    unsaid
        What readers are told.
    """

    species: tuple[str, ...] = ()
    framework: tuple[str, ...] = ()
    ions: tuple[int, ...] = ()
    start: int = 0
    stop: int | None = None
    stride: int = 1
    frame_spacing_ps: float | None = None
    cell: np.ndarray | None = None
    cell_changes: bool = False
    unwrapped: bool = False
    fixed: bool = False
    unsaid: Unsaid = field(default_factory=Unsaid)
