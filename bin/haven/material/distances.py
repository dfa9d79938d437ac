"""How close two atoms are, and may come: limits for pairs of elements, from their radii."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ase import Atoms

# Of the sum of the covalent radii (Cordero et al., Dalton Trans. 2832 (2008)). Bonds of crystals
# are 0.82 (P-O in phosphates) to 1.1 of it; vibrations at 1000 K and cells that are not relaxed
# yet take a tenth or two. 0.6: P-O 1.04, O-H 0.58, Li-Cl 1.38, Ti-Cl 1.57, Cl-Cl 1.22 Angstrom.
CLOSEST_SHARE = 0.6


def pair_limit(first: str, second: str, fixed: float | None = None) -> float:
    """Return the distance in Angstrom that two elements must keep.

    Parameters
    ----------
    first, second
        Elements.
    fixed
        One distance for all pairs, Angstrom; None for `CLOSEST_SHARE` of the sum of the radii.
    """
    from ase.data import atomic_numbers, covalent_radii

    if fixed is not None:
        return fixed
    return CLOSEST_SHARE * float(covalent_radii[atomic_numbers[first]]
                                 + covalent_radii[atomic_numbers[second]])


def min_distance(atoms: Atoms, longest: float = 3.5) -> float:
    """Return the shortest interatomic distance in Angstrom, images included (up to ``longest``)."""
    from ase.neighborlist import primitive_neighbor_list

    found = primitive_neighbor_list("d", atoms.pbc, atoms.cell.array, atoms.positions, longest)
    return float(found.min()) if len(found) else longest


def tightest_pair(
    atoms: Atoms, fixed: float | None = None
) -> tuple[str, float, float] | None:
    """Return the pair of atoms that keeps least of the distance it must keep.

    Parameters
    ----------
    atoms
        Periodic or not, Angstrom.
    fixed
        One limit for all pairs, Angstrom; None for those of `pair_limit`.

    Returns
    -------
    tuple or None
        Names such as ``O-P``, distance and limit in Angstrom; None where every pair is more than
        1.5 times its limit apart.
    """
    from ase.neighborlist import primitive_neighbor_list

    symbols = np.array(atoms.get_chemical_symbols())
    kinds = sorted(set(symbols))
    limits = np.array([[pair_limit(one, two, fixed) for two in kinds] for one in kinds])
    longest = 1.5 * float(limits.max())
    if longest <= 0:
        return None
    first, second, distance = primitive_neighbor_list(
        "ijd", atoms.pbc, atoms.cell.array, atoms.positions, longest)
    if not len(distance):
        return None
    number = np.searchsorted(kinds, symbols)
    limit = limits[number[first], number[second]]
    worst = int((distance / limit).argmin())
    if distance[worst] > 1.5 * limit[worst]:
        return None
    name = "-".join(sorted((str(symbols[first[worst]]), str(symbols[second[worst]]))))
    return name, float(distance[worst]), float(limit[worst])
