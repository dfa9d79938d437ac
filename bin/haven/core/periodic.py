"""Points in a triclinic periodic cell: images, heights, minimum image."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def heights(cell: Floats) -> Floats:
    """Return the distances between opposite faces of a cell.

    Parameters
    ----------
    cell
        Rows are the lattice vectors, (3, 3), Angstrom.

    Returns
    -------
    ndarray
        (3,), Angstrom.
    """
    return 1.0 / np.linalg.norm(np.linalg.inv(cell), axis=0)


def with_images(points: Floats, cell: Floats, margin: float) -> tuple[Floats, Ints]:
    """Return points wrapped into the cell and their images within ``margin`` of it.

    Parameters
    ----------
    points
        Cartesian, (P, 3), Angstrom, wrapped or not.
    cell
        Rows are the lattice vectors, (3, 3), Angstrom.
    margin
        Images further than this from every face are left out, Angstrom. It may exceed the cell.

    Returns
    -------
    tuple of ndarray
        Cartesian (Q, 3), Angstrom, the P wrapped points first, and the row of each in ``points``.
    """
    fractional = points @ np.linalg.inv(cell)
    fractional -= np.floor(fractional)
    reach = margin / heights(cell)
    parts, rows = [fractional], [np.arange(len(points))]
    spans = [range(-int(np.ceil(r)), int(np.ceil(r)) + 1) for r in reach]
    for shift in product(*spans):
        if shift == (0, 0, 0):
            continue
        image = fractional + np.array(shift, float)
        kept = np.flatnonzero(np.all((image >= -reach) & (image <= 1.0 + reach), axis=1))
        parts.append(image[kept])
        rows.append(kept)
    return np.concatenate(parts) @ cell, np.concatenate(rows)


def minimum_image(vectors: Floats, cell: Floats) -> Floats:
    """Return the shortest periodic image of each vector, also in a skewed cell.

    Parameters
    ----------
    vectors
        Cartesian, (..., 3), Angstrom.
    cell
        Rows are the lattice vectors, (3, 3), Angstrom.

    Returns
    -------
    ndarray
        Cartesian, (..., 3), Angstrom.
    """
    from ase.geometry import find_mic

    flat = np.asarray(vectors, float).reshape(-1, 3)
    return find_mic(flat, cell, pbc=True)[0].reshape(np.shape(vectors))
