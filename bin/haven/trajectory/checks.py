"""Checks that every trajectory must pass before anything is computed from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from haven.core.errors import HavenError
from haven.core.periodic import with_images

if TYPE_CHECKING:
    from haven.trajectory.trajectory import Trajectory

WRAPPED = 0.7
"""Share of the cell that no ion crosses between two frames, unless it hops that far."""
HOP_ANGSTROM = 5.0
"""Longest single hop: in a cell with a shorter edge, one may lead to the next cell."""
CLOSEST = 0.6
"""Angstrom that neighbours are apart in any crystal; the O-H bond has 0.96."""
APART = 8.0
"""Angstrom that atoms of a whole crystal are apart at most; caesium's neighbours have 5.3."""
UNEVEN = 1e-3
"""Relative difference between intervals that are not even; times are rounded in files."""


def rounding(times: np.ndarray) -> float:
    """Return by how much intervals of even times (T,) may differ that a file keeps in 32 bits.

    GROMACS' files and AMBER's do. It is twice the distance of such numbers at the largest time, and
    0 where the times are no numbers of 32 bits, or whole ones, which 32 bits hold exactly.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        narrow = times.astype(np.float32)
    if not np.isfinite(narrow).all() or (narrow != times).any() or not (times % 1).any():
        return 0.0
    return 2 * float(np.spacing(np.abs(narrow).max()))


def check_times(times: np.ndarray, where: str, unit: str = "ps", first: int = 0) -> None:
    """Raise `HavenError` unless times (T,) increase evenly, but for their `rounding`.

    Parameters
    ----------
    times
        Times or steps of the frames.
    where
        The file.
    unit
        Of the times, for the message.
    first
        Number of the first frame.
    """
    steps = np.diff(times)
    if not np.isfinite(times).all() or (steps <= 0).any():
        bad = int(np.argmax(~(steps > 0))) + 1 + first
        raise HavenError(f"{where}: times do not increase at frame {bad}: use the frames of one "
                         f"side with --stop {bad} or --start {bad}")
    usual = float(np.median(steps))
    allowed = UNEVEN * usual + min(rounding(times), usual / 2)  # of a lost frame it is all of it
    odd = np.flatnonzero(np.abs(steps - usual) > allowed) + 1 + first
    if not len(odd):
        return
    what = (f"{where}: frames are not evenly spaced in time: frame {odd[0]} comes "
            f"{steps[odd[0] - 1 - first]:g} after the one before it, most come {usual:g} "
            f"({unit})")
    if len(odd) > 3:
        raise HavenError(f"{what}; so do {len(odd)} of {len(steps)}: write frames at even times")
    raise HavenError(f"{what}: use the frames of one side with --stop {odd[0]} or "
                     f"--start {odd[0]}")


def check_length_unit(volume_per_atom: float, where: str) -> None:
    """Raise `HavenError` if the volume per atom in Angstrom^3 is that of another length unit."""
    if volume_per_atom < 1.0:
        raise HavenError(f"{where}: {volume_per_atom:.3g} cubic Angstrom per atom is too little "
                         "for a crystal: lengths must be in Angstrom, not nm")


def check_closest(positions: np.ndarray, cell: np.ndarray, where: str) -> None:
    """Raise `HavenError` if atoms (A, 3), Angstrom, lie closer than in any crystal."""
    from scipy.spatial import KDTree

    around, _ = with_images(positions, cell, CLOSEST)
    apart = KDTree(around).query(around[: len(positions)], k=2)[0][:, 1]
    if np.median(apart) < CLOSEST:
        raise HavenError(f"{where}: neighbours are {np.median(apart):.2g} Angstrom apart: lengths "
                         "must be in Angstrom, not nm")


def check_farthest(positions: np.ndarray, cell: np.ndarray, where: str) -> None:
    """Raise `HavenError` if atoms (A, 3), Angstrom, lie farther apart than in any crystal."""
    from scipy.spatial import KDTree

    around, _ = with_images(positions, cell, APART)
    apart = KDTree(around).query(around[: len(positions)], k=2)[0][:, 1]
    if np.median(apart) > APART:
        raise HavenError(f"{where}: neighbours are {np.median(apart):.3g} Angstrom apart, farther "
                         "than in any crystal: the file's units of length (in a dump, those of "
                         "ITEM: UNITS) must be those of its numbers")


def check_block(trajectory: Trajectory, start: int, block: np.ndarray) -> None:
    """Refuse positions (T, n, 3) that are wrapped.

    Raises
    ------
    HavenError
        Naming ion and frame.
    """
    if trajectory.meta.get("unwrapped") == "told":
        return
    inverse = np.linalg.inv(trajectory.cell).astype(np.float32)
    rows = max(1, (1 << 22) // max(1, block.shape[1] * 3))
    for first in range(0, len(block) - 1, rows):
        moved = np.diff(block[first : first + rows + 1], axis=0)
        step = np.abs(moved @ inverse)
        if step.max() <= WRAPPED:
            continue
        for t, i in np.argwhere(step.max(axis=2) > WRAPPED):
            if not _hops(block[:, i], moved[t, i], step[t, i], inverse):
                raise HavenError(
                    f"{trajectory.meta.get('source', trajectory.path)}: ion {start + int(i)} jumps "
                    f"by a cell at frame {first + int(t) + 1}: positions are wrapped, saved too "
                    "rarely, atoms change order (write them with ids), or two runs are joined "
                    f"there (--stop {first + int(t) + 1}); if the file is known to hold "
                    "unwrapped positions in one order, give --unwrapped")


def _hops(path: np.ndarray, moved: np.ndarray, step: np.ndarray, inverse: np.ndarray) -> bool:
    """Return whether an ion may have hopped by ``moved``: over a short edge, unwrapped.

    Parameters
    ----------
    path
        The ion's positions (T, 3), Angstrom.
    moved, step
        Its displacement (3,), Angstrom, and in units of the cell.
    inverse
        Inverse of the cell.
    """
    if np.linalg.norm(moved) > HOP_ANGSTROM:
        return False
    scaled = path @ inverse
    return bool((np.ptp(scaled, axis=0)[step > WRAPPED] > 1.5).all())
