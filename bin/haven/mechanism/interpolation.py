"""First guesses of a path between two structures, in periodic cells."""

from __future__ import annotations

import numpy as np

from haven.core.periodic import Floats, Ints, minimum_image

REACH = 4.5  # Angstrom, of the pairs whose distances are interpolated
SIDEWAYS = 0.5  # Angstrom, by which a bent path leaves the straight one in its middle


def straight_path(first: Floats, second: Floats, cell: Floats, images: int) -> Floats:
    """Return evenly spaced structures along minimum-image displacements.

    Parameters
    ----------
    first, second
        Ends, (A, 3), Angstrom.
    cell
        Rows are the lattice vectors, (3, 3), Angstrom.
    images
        Images between the ends.

    Returns
    -------
    ndarray
        (images + 2, A, 3), Angstrom, without leaps through the cell's faces.
    """
    way = np.linspace(0.0, 1.0, images + 2)[:, None, None]
    return first + way * minimum_image(second - first, cell)


def first_guesses(
    first: Floats, second: Floats, cell: Floats, mover: int, images: int, sides: int = 4
) -> list[Floats]:
    """Return paths along which distances change evenly, and bent to different sides of that.

    The distances are those of every pair closer than 4.5 Angstrom (image dependent pair potential
    of Smidstrup et al., J. Chem. Phys. 140, 214106).

    Parameters
    ----------
    first, second
        Ends, (A, 3), Angstrom.
    cell
        Rows are the lattice vectors, (3, 3), Angstrom.
    mover
        Row of the atom that moves most.
    images
        Images between the ends.
    sides
        Directions, evenly about the line, in which further guesses bend.

    Returns
    -------
    list of ndarray
        1 + ``sides`` paths, (images + 2, A, 3), Angstrom.
    """
    line = straight_path(first, second, cell, images)
    pairs = _close_pairs(line, cell)
    along = line[-1, mover] - line[0, mover]
    along /= np.linalg.norm(along)
    across = np.cross(along, np.eye(3)[np.argmin(np.abs(along))])
    across /= np.linalg.norm(across)
    up = np.cross(along, across)
    bow = np.sin(np.pi * np.linspace(0.0, 1.0, images + 2))[:, None]
    paths = [_follow_distances(line, pairs)]
    for angle in 2 * np.pi * np.arange(sides) / sides:
        bent = paths[0].copy()
        bent[:, mover] += SIDEWAYS * bow * (np.cos(angle) * across + np.sin(angle) * up)
        paths.append(bent)
    return paths


def _close_pairs(line: Floats, cell: Floats) -> tuple[Ints, Ints, Floats]:
    from ase.neighborlist import primitive_neighbor_list

    found = set()
    for structure in (line[0], line[len(line) // 2], line[-1]):
        i, j, shift = primitive_neighbor_list("ijS", (True,) * 3, cell, structure, REACH)
        kept = (i < j) | ((i == j) & (shift @ [9, 3, 1] > 0))
        rows = np.column_stack([i, j, shift])[kept]
        found |= {tuple(row) for row in rows.tolist()}
    table = np.array(sorted(found), np.int64).reshape(-1, 5)
    table = table[table[:, 0] != table[:, 1]]
    return table[:, 0], table[:, 1], table[:, 2:] @ cell


def _follow_distances(line: Floats, pairs: tuple[Ints, Ints, Floats]) -> Floats:
    from scipy.optimize import minimize

    i, j, shift = pairs
    near, far = (np.linalg.norm(end[j] - end[i] + shift, axis=1) for end in (line[0], line[-1]))
    result = line.copy()
    for k in range(1, len(line) - 1):
        part = k / (len(line) - 1)
        target = (1 - part) * near + part * far

        def cost(flat: Floats, target: Floats = target) -> tuple[float, Floats]:
            x = flat.reshape(-1, 3)
            vector = x[j] - x[i] + shift
            r = np.linalg.norm(vector, axis=1)
            off = r - target
            slope = 2 * off / r**4 - 4 * off**2 / r**5
            pull = (slope / r)[:, None] * vector
            gradient = np.zeros_like(x)
            for axis in range(3):
                gradient[:, axis] = np.bincount(j, pull[:, axis], len(x)) - np.bincount(
                    i, pull[:, axis], len(x)
                )
            return float((off**2 / r**4).sum()), gradient.ravel()

        found = minimize(cost, line[k].ravel(), jac=True, method="L-BFGS-B",
                         options={"maxiter": 60, "ftol": 1e-6})
        result[k] = found.x.reshape(-1, 3)
    return result
