"""Cation sites of a supercell: where they are, which ions are on them, how they neighbour."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from haven.core.errors import HavenError
from haven.core.periodic import Floats, Ints, minimum_image, with_images
from haven.material.crystal import cation_lattice
from haven.material.sites.symmetry import direction_name, point_group

if TYPE_CHECKING:
    from haven.material.crystal import Material

HopClass = tuple[str, str, str, str]
"""Kind, from-site, to-site and direction of jumps."""
NEIGHBOUR_REACH = 1.25  # of the shortest distance between sites: neighbours end there


@dataclass(frozen=True)
class SiteLattice:
    """Cation sites of a supercell.

    Attributes
    ----------
    cell
        Supercell, rows are vectors, (3, 3), Angstrom.
    repeat
        Conventional cells along a, b, c.
    fractional
        Ideal coordinates in units of the conventional cell, (S, 3).
    centres
        Where the sites are, Cartesian, (S, 3), Angstrom.
    letters
        Wyckoff letter of each, (S,).
    layer
        Number of the layer along c within the supercell, (S,).
    layers
        Layers in the supercell; 0 where the sites lie in none, and every jump counts as within one.
    group
        The crystal's point group (`haven.material.sites.symmetry.point_group`); None where not
        known.
    """

    cell: Floats
    repeat: tuple[int, int, int]
    fractional: Floats
    centres: Floats
    letters: np.ndarray
    layer: Ints
    layers: int
    group: Ints | None = None

    @property
    def conventional(self) -> Floats:
        """Conventional cell as strained in this supercell, (3, 3), Angstrom."""
        return self.cell / np.array(self.repeat, float)[:, None]

    @property
    def spacing(self) -> float:
        """Shortest distance between two sites, Angstrom."""
        around, _ = with_images(self.centres, self.cell, 6.0)
        from scipy.spatial import KDTree

        near, _ = KDTree(around).query(around[: len(self.centres)], k=2)
        return float(near[:, 1].min())


def supercell_repeat(
    conventional: Floats, cell: Floats, tolerance: float = 0.1
) -> tuple[int, int, int]:
    """Return how often the conventional cell fits in a supercell.

    Parameters
    ----------
    conventional, cell
        Rows are the lattice vectors, (3, 3), Angstrom; orientations may differ.
    tolerance
        Strain allowed: share of a length, and the same in radians for an angle.

    Raises
    ------
    HavenError
        If the cell is no multiple of the conventional one.
    """
    from ase.geometry import cell_to_cellpar

    if abs(np.linalg.det(cell)) < 1e-6:
        raise HavenError("the trajectory has no periodic cell: give one of a crystal")
    small, large = cell_to_cellpar(conventional), cell_to_cellpar(cell)
    ratio = large[:3] / small[:3]
    repeat = np.maximum(np.round(ratio), 1)
    strain = np.abs(ratio / repeat - 1.0)
    bend = np.radians(np.abs(large[3:] - small[3:]))
    if strain.max() > tolerance or bend.max() > tolerance:
        raise HavenError(
            f"cell {np.round(large, 2).tolist()} is no multiple of the material's "
            f"{np.round(small, 2).tolist()}: give the material file the structure was built from"
        )
    return int(repeat[0]), int(repeat[1]), int(repeat[2])


def site_lattice(material: Material, cell: Floats) -> SiteLattice:
    """Return the ideal cation sites of a supercell of ``material``.

    Parameters
    ----------
    material
        The crystal.
    cell
        Supercell, rows are vectors, (3, 3), Angstrom.
    """
    cell = np.asarray(cell, float)
    repeat = supercell_repeat(material.cell, cell)
    fractional, letters = cation_lattice(material, repeat)
    planes = sorted(set(material.layers.values()))
    rank = np.array([planes.index(material.layers[str(letter)]) for letter in letters])
    height = np.array([material.layers[str(letter)] for letter in letters])
    cells_up = np.round(fractional[:, 2] - height).astype(int)
    centres = fractional @ (cell / np.array(repeat, float)[:, None])
    layer = cells_up * len(planes) + rank
    layers = len(planes) * repeat[2]
    if not material.layered:
        layer, layers = np.zeros_like(layer), 0
    return SiteLattice(cell, repeat, fractional, centres, letters, layer, layers,
                       point_group(material))


class SiteFinder:
    """Finds the site nearest to a point, in a periodic cell."""

    def __init__(self, lattice: SiteLattice) -> None:
        from scipy.spatial import KDTree

        self.lattice = lattice
        self._inverse = np.linalg.inv(lattice.cell)
        self._points, self._rows = with_images(lattice.centres, lattice.cell, 8.0)
        self._tree = KDTree(self._points)

    def nearest(self, positions: Floats) -> tuple[Ints, Ints, Floats]:
        """Return the nearest site of each position.

        Parameters
        ----------
        positions
            Cartesian, unwrapped, (P, 3), Angstrom.

        Returns
        -------
        tuple of ndarray
            Site (P,), image (P, 3) whose lattice vector added to the site's centre brings it
            next to the position, and distance (P,), Angstrom.
        """
        cells = np.floor(positions @ self._inverse)
        distance, found = self._tree.query(positions - cells @ self.lattice.cell)
        site = self._rows[found]
        home = (self._points[found] - self.lattice.centres[site]) @ self._inverse
        return site, np.round(home + cells).astype(np.int64), distance


def jump(lattice: SiteLattice, first: Ints, second: Ints, image: Ints) -> Floats:
    """Return ideal vectors of jumps from sites to sites, (P, 3), Angstrom.

    Parameters
    ----------
    lattice
        Sites.
    first, second
        Sites left and reached, (P,).
    image
        Supercell vectors added to the site reached, (P, 3).
    """
    step = lattice.fractional[second] - lattice.fractional[first]
    return (step + image * np.array(lattice.repeat)) @ lattice.conventional


def jump_classes(
    lattice: SiteLattice, first: Ints, second: Ints, image: Ints
) -> list[HopClass]:
    """Return kind, from-site, to-site and direction of jumps from sites to sites, as in `jump`."""
    known: dict[tuple[float, ...], str] = {}
    letters, result = lattice.letters, list[HopClass]()
    rise = lattice.layer[second] - lattice.layer[first] + lattice.layers * image[:, 2]
    vectors = jump(lattice, first, second, image)
    for one, two, up, vector in zip(first, second, rise, vectors, strict=True):
        key = tuple(np.round(vector, 3).tolist())
        if key not in known:
            known[key] = direction_name(vector, lattice.conventional, lattice.group)
        kind = "inter_layer" if up else "intra_layer"
        result.append((kind, str(letters[one]), str(letters[two]), known[key]))
    return result


def neighbour_classes(lattice: SiteLattice) -> set[HopClass]:
    """Return kind, from-site, to-site and direction of every jump between nearest sites."""
    ideal = replace(lattice, centres=lattice.fractional @ lattice.conventional)
    reach = NEIGHBOUR_REACH * ideal.spacing
    around, row = with_images(ideal.centres, ideal.cell, reach)
    classes = set[HopClass]()
    for one in np.unique(lattice.letters, return_index=True)[1]:
        steps = around - around[one]
        length = np.linalg.norm(steps, axis=1)
        near = np.flatnonzero((length > 1e-6) & (length < reach))
        two = row[near]
        beyond = steps[near] - (ideal.centres[two] - ideal.centres[one])
        image = np.round(beyond @ np.linalg.inv(lattice.cell)).astype(np.int64)
        classes.update(jump_classes(lattice, np.full_like(two, one), two, image))
    return classes


def shortest(lattice: SiteLattice, first: int, second: Ints) -> Floats:
    """Return ideal minimum-image vectors from one site to others, (P, 3), Angstrom."""
    step = (lattice.fractional[second] - lattice.fractional[first]) @ lattice.conventional
    return minimum_image(step, lattice.cell)
