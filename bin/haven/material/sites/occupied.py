"""Sites fitted to the anions of a structure: each in the middle of the anions about it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from haven.core.errors import HavenError
from haven.core.numbers import percent
from haven.core.periodic import Floats, Ints, with_images
from haven.material.sites.lattice import NEIGHBOUR_REACH, SiteFinder, SiteLattice

if TYPE_CHECKING:
    from haven.material.crystal import Material

MELTED = 1.0  # Angstrom, median of anions from their ideal places: then the sites are none


def refine(lattice: SiteLattice, material: Material, anions: Floats) -> SiteLattice:
    """Return the lattice with each site moved to the centre of its cage of anions.

    The ideal crystal is laid onto the anions first, so a host that has drifted by up to a third
    of a site distance does no harm.

    Parameters
    ----------
    lattice
        Ideal sites.
    material
        The crystal, for its ideal anions.
    anions
        Mean positions of the anions, Cartesian, (C, 3), Angstrom.

    Raises
    ------
    HavenError
        If the anions are not where the material has them.
    """
    from scipy.spatial import KDTree

    shifts = np.array(list(np.ndindex(*lattice.repeat)), float)
    parts = [(xyz[None] + shifts[:, None]).reshape(-1, 3) for _, xyz in material.anions.values()]
    ideal = np.concatenate(parts) @ lattice.conventional
    shift, row, residual = _lay_onto(ideal, anions, lattice.cell)
    if np.median(np.linalg.norm(residual, axis=1)) > MELTED:
        raise HavenError(
            "the anions are not about the material's cation sites: is this another crystal, "
            "or has it melted?"
        )
    found = np.maximum(np.bincount(row, minlength=len(ideal)), 1)[:, None]
    moved = np.zeros_like(ideal)
    np.add.at(moved, row, residual)
    around, index = with_images(ideal, lattice.cell, 6.0)
    home = lattice.centres - np.floor(lattice.centres @ np.linalg.inv(lattice.cell)) @ lattice.cell
    distance, near = KDTree(around).query(home, k=12)
    cage = distance <= NEIGHBOUR_REACH * distance[:, :1]
    weight = cage / cage.sum(axis=1, keepdims=True)
    corner = around[near] - home[:, None] + (moved / found)[index[near]]
    offset = np.einsum("sk,ska->sa", weight, corner)
    return replace(lattice, centres=lattice.centres + shift + offset)


def _lay_onto(ideal: Floats, found: Floats, cell: Floats) -> tuple[Floats, Ints, Floats]:
    from scipy.spatial import KDTree

    around, index = with_images(ideal, cell, 6.0)
    tree, inverse = KDTree(around), np.linalg.inv(cell)

    def match(points: Floats) -> tuple[Ints, Floats]:
        home = points - np.floor(points @ inverse) @ cell
        _, near = tree.query(home)
        return index[near], home - around[near]

    steps = np.array(list(np.ndindex(9, 9, 9)), float) * 0.3 - 1.2
    steps = steps[np.argsort(np.linalg.norm(steps, axis=1), kind="stable")]
    some = found[:: max(1, len(found) // 200)]
    misfit = [float((match(some - step)[1] ** 2).sum()) for step in steps]
    shift = steps[int(np.argmin(misfit))]
    for _ in range(5):
        shift = shift + match(found - shift)[1].mean(axis=0)
    return shift, *match(found - shift)


def lay(
    lattice: SiteLattice, material: Material, names: np.ndarray, positions: Floats, source: str
) -> SiteLattice:
    """Return the lattice with its sites fitted to a structure, which must be of this material.

    Parameters
    ----------
    lattice
        Ideal sites.
    material
        The crystal.
    names
        Element of each atom, (A,).
    positions
        Mean positions, Cartesian, (A, 3), Angstrom.
    source
        File of the structure, named in messages.

    Raises
    ------
    HavenError
        If an element is absent, the anions are elsewhere, or most framework cations are on sites
        that are not theirs.
    """
    anions = sorted(material.anion_elements)
    if absent := sorted({*anions, material.mobile} - {str(name) for name in names}):
        raise HavenError(f"{source} has no {', '.join(absent)}: is this {material.name}?")
    laid = refine(lattice, material, positions[np.isin(names, anions)])
    allowed: dict[str, set[str]] = {}
    for occupancies in material.occupancies.values():
        for element, by_site in occupancies.items():
            allowed.setdefault(element, set()).update(k for k, v in by_site.items() if v > 0)
    for element in sorted(set(allowed) - set(material.moving)):  # mobile ions may be anywhere
        letters = allowed[element]
        if not (here := names == element).any():
            continue
        site, _, _ = SiteFinder(laid).nearest(positions[here])
        share = float(np.isin(laid.letters[site], sorted(letters)).mean())
        if share < 0.5:
            own = ", ".join(sorted(letters))
            raise HavenError(
                f"{source}: {percent(1 - share)} of the {element} are not on {own}: "
                "move the structure's origin to the material's"
            )
    return laid
