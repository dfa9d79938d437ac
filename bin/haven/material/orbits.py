"""Orbits of positions under a space group, so that a material file names one position a site."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from haven.core.errors import HavenError

SAME_POINT_ANGSTROM = 0.1  # images closer than this are one point: coordinates have three digits


@cache
def hall_number(space_group: str, setting: str = "") -> int:
    """Return the Hall number of a space group, in the table of spglib.

    Parameters
    ----------
    space_group
        Number or Hermann-Mauguin symbol, short or full, such as ``12``, ``C2/m`` or ``C 1 2/m 1``.
    setting
        Choice of origin, axes or cell, such as ``2``, ``H``, ``b1``; empty where there is no doubt.

    Raises
    ------
    HavenError
        If there is no such space group, or its origin is left open.
    """
    import spglib

    word = space_group.replace(" ", "").replace("_", "").lower()
    found: dict[int, str] = {}
    for hall in range(1, 531):
        kind = spglib.get_spacegroup_type(hall)
        if kind is None:
            continue
        names = {str(kind.number), kind.international_short, kind.international_full,
                 *kind.international.split("=")}
        if word in {name.replace(" ", "").replace("_", "").lower() for name in names}:
            found[hall] = kind.choice
    if not found:
        raise HavenError(f"space_group {space_group} is none of the 230: write its number, or its "
                         "symbol such as C2/m")
    if setting:
        chosen = [hall for hall, choice in found.items() if choice.lower() == setting.lower()]
        if not chosen:
            raise HavenError(f"space_group {space_group} has no setting {setting}: choose from "
                             f"{', '.join(sorted(filter(None, found.values()))) or 'none'}")
        return chosen[0]
    if {"1", "2"} <= set(found.values()):
        raise HavenError(f"space_group {space_group} has two origins: say setting: 1 or setting: 2")
    return min(found)


def expand(
    positions: Sequence[Sequence[float]] | np.ndarray, hall: int, cell: np.ndarray
) -> np.ndarray:
    """Return every image of some positions under a space group, each once.

    Parameters
    ----------
    positions
        Fractions of the conventional cell, shape (P, 3).
    hall
        From `hall_number`.
    cell
        Conventional cell, rows are vectors, shape (3, 3), Angstrom.

    Returns
    -------
    ndarray
        Shape (M, 3), fractions from 0 to 1.
    """
    import spglib

    operations = spglib.get_symmetry_from_database(hall)
    if operations is None:
        raise HavenError(f"Hall number {hall} is not in spglib's table")
    points = np.asarray(positions, float)
    images = (np.einsum("oab,pb->poa", operations["rotations"], points)
              + operations["translations"][None]).reshape(-1, 3)
    return once(images, cell)


def once(fractional: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """Return points without those that repeat an earlier one, shape (M, 3), fractions 0 to 1."""
    kept: list[np.ndarray] = []
    for point in np.asarray(fractional, float):
        if not kept or _nearest(point, np.array(kept), cell) > SAME_POINT_ANGSTROM:
            kept.append(point)
    return np.array(kept) % 1.0


def repeated(fractional: np.ndarray, cell: np.ndarray) -> tuple[int, int] | None:
    """Return the rows of the first two points that coincide, or None where no two do.

    Parameters
    ----------
    fractional
        Fractional coordinates, shape (N, 3).
    cell
        Cell vectors as rows, shape (3, 3), Angstrom.
    """
    for row in range(1, len(fractional)):
        step = fractional[:row] - fractional[row]
        step -= np.round(step)
        near = np.linalg.norm(step @ cell, axis=1)
        if near.min() <= SAME_POINT_ANGSTROM:
            return int(near.argmin()), row
    return None


def _nearest(point: np.ndarray, others: np.ndarray, cell: np.ndarray) -> float:
    step = others - point
    step -= np.round(step)
    return float(np.linalg.norm(step @ cell, axis=1).min())
