"""Directions that a crystal's symmetry makes equal, and what they are called.

Jumps that a rotation or reflection of the crystal carries into one another are one class: in a
cubic crystal [100], [010] and [001], in a hexagonal one a, b and a + b. The point group comes from
spglib (Togo, Shinohara and Tanaka, Sci. Technol. Adv. Mater. Meth. 4, 2384822, 2024), applied to
the average crystal: all cation sites, told apart by their Wyckoff letters, and all anions.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from haven.core.errors import HavenError
from haven.core.periodic import Floats, Ints

if TYPE_CHECKING:
    from haven.material.crystal import Material

ZERO_COMPONENT = 0.1  # of a lattice vector: smaller components of a jump count as none
TOLERANCE_ANGSTROM = 0.05  # coordinates of material files are rounded to two digits and more
LARGEST_INDEX = 3  # of a direction: jumps between neighbouring sites have no larger ones


def point_group(material: Material) -> Ints:
    """Return the rotations and reflections of a crystal's average structure, and their inverses.

    Parameters
    ----------
    material
        The crystal.

    Returns
    -------
    ndarray
        Integer matrices W, shape (G, 3, 3), that take fractional coordinates x of the conventional
        cell to W x. Inversion is among them: a jump and the jump back are of one class.

    Raises
    ------
    HavenError
        If two sites are in one place, so that there is no structure.
    """
    import spglib

    places, kinds = [], []
    for number, xyz in enumerate([*material.sites.values(),
                                  *(xyz for _, xyz in material.anions.values())]):
        places.append(xyz)
        kinds += [number + 1] * len(xyz)
    structure: Any = (material.cell, np.concatenate(places), kinds)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of how it will tell of errors
        found = spglib.get_symmetry(structure, symprec=TOLERANCE_ANGSTROM)
    if found is None:
        raise HavenError(f"material {material.name}: no symmetry can be found, so two sites must "
                         "be in one place: correct cation_sites or anion_sites")
    rotations = np.asarray(found["rotations"], np.int64)
    return np.unique(np.concatenate([rotations, -rotations]), axis=0)


def reversals(conventional: Floats) -> Ints:
    """Return the reversals of lattice vectors that leave lengths and angles as they are, (G, 3, 3).

    They are the symmetry that follows from the cell without its atoms; in a monoclinic cell these
    are the reversal of b, and that of a and c together.
    """
    gram = np.asarray(conventional @ conventional.T, float)
    kept = [np.diag(signs) for signs in product((1, -1), repeat=3)
            if np.abs(gram * np.outer(signs, signs) - gram).max() < 0.03 * np.diag(gram).max()]
    return np.array(kept, np.int64)


def canonical(indices: Iterable[int], group: Ints) -> str:
    """Return the name of a lattice direction, the same for all that symmetry makes equal.

    Parameters
    ----------
    indices
        Components along a, b and c.
    group
        From `point_group`, shape (G, 3, 3).

    Returns
    -------
    str
        Such as ``[110]``: of the equal ones that with the most zeros, then the fewest negative
        components, then the largest ones first.
    """
    return name_of(np.round(representative(np.array(list(indices)), group)).astype(int).tolist())


def representative(parts: Floats, group: Ints) -> Floats:
    """Return the one of symmetry-equivalent vectors that names all, (3,); see `canonical`."""
    images = np.einsum("gij,j->gi", group, np.asarray(parts, float))
    images = np.where(np.abs(images) < ZERO_COMPONENT, 0.0, images)
    return max(images, key=lambda v: ((v == 0).sum(), (v >= 0).sum(), tuple(np.round(v, 2))))


def name_of(indices: Iterable[int]) -> str:
    """Return indices as crystallographers write them, such as ``[10-1]``."""
    return "[" + "".join(str(int(i)) for i in indices) + "]"


def direction_name(vector: Floats, conventional: Floats, group: Ints | None = None) -> str:
    """Return the lattice direction of a jump.

    Where symmetry only reverses lattice vectors, the signs of the components name it: a jump of
    (1/2, 1/6, 0) is [110], one of (0, 1/3, 0) is [010], since jumps to nearest sites lie between
    lattice vectors. Where it mixes them (trigonal, hexagonal, tetragonal, cubic), the ratio of the
    components does, so that unlike directions keep unlike names. Components below a tenth of a
    lattice vector count as none.

    Parameters
    ----------
    vector
        Cartesian, (3,), Angstrom.
    conventional
        Conventional cell, rows are vectors, (3, 3), Angstrom.
    group
        From `point_group`; by default `reversals` of the cell.
    """
    known = reversals(conventional) if group is None else group
    parts = np.asarray(np.asarray(vector, float) @ np.linalg.inv(conventional), float)
    chosen = representative(parts, known)
    diagonal = all(np.count_nonzero(matrix - np.diag(np.diag(matrix))) == 0 for matrix in known)
    if diagonal or not chosen.any():
        return canonical(np.sign(chosen), known)
    ratio = chosen / np.abs(chosen[chosen != 0]).min()
    scaled = next((ratio * n for n in range(1, LARGEST_INDEX + 1)
                   if np.abs(ratio * n - np.round(ratio * n)).max() < 0.15 * n), ratio)
    whole = np.clip(np.round(scaled), -LARGEST_INDEX, LARGEST_INDEX).astype(int)
    return canonical(whole // max(np.gcd.reduce(whole), 1), known)
