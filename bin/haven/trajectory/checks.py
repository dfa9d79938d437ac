"""What every trajectory must satisfy before it gives a number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from haven.core.errors import HavenError
from haven.core.periodic import with_images

if TYPE_CHECKING:
    from haven.trajectory.trajectory import Trajectory

WRAPPED = 0.7
CLOSEST = 0.6


def check_times(times: np.ndarray, where: str) -> None:
    """Raise `HavenError` unless times (T,) in ps increase evenly."""
    steps = np.diff(times)
    if not np.isfinite(times).all() or (steps <= 0).any():
        bad = int(np.argmax(~(steps > 0))) + 1
        raise HavenError(f"{where}: times do not increase at frame {bad}: remove repeated frames")
    if np.abs(steps - steps.mean()).max() > 1e-3 * steps.mean():
        bad = int(np.argmax(np.abs(steps - steps.mean()))) + 1
        raise HavenError(f"{where}: frames are not evenly spaced in time (frame {bad}): "
                         "keep every n-th step only")


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


def check_block(trajectory: Trajectory, start: int, block: np.ndarray) -> None:
    """Refuse positions (T, n, 3) with values that are not finite, or that are wrapped.

    Raises
    ------
    HavenError
        Naming ion and frame.
    """
    if not np.isfinite(block.sum(axis=(0, 1), dtype=np.float64)).all():
        t, i = np.argwhere(~np.isfinite(block))[0][:2]
        raise HavenError(f"{trajectory.path}: ion {start + int(i)} has no finite position at frame "
                         f"{int(t)}")
    inverse = np.linalg.inv(trajectory.cell).astype(np.float32)
    rows = max(1, (1 << 22) // max(1, block.shape[1] * 3))
    for first in range(0, len(block) - 1, rows):
        step = np.abs(np.diff(block[first : first + rows + 1], axis=0) @ inverse)
        if step.max() > WRAPPED:
            t, i = np.argwhere(step > WRAPPED)[0][:2]
            raise HavenError(f"{trajectory.path}: ion {start + int(i)} jumps by a cell at frame "
                             f"{first + int(t) + 1}: positions are wrapped, or saved too rarely")
