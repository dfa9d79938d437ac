"""A disordered crystal from its material file: sites, occupancies and supercells."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from haven.core.errors import HavenError

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True)
class Material:
    """A crystal whose cations share sites with one another and with vacancies.

    Attributes
    ----------
    name
        Name of the material file.
    formula
        Chemical formula of one formula unit.
    cell
        Conventional cell, rows are vectors, shape (3, 3), in Angstrom.
    sites
        Wyckoff letter to fractional coordinates of its cation sites, shape (M, 3).
    layers
        Wyckoff letter to the fraction of c of the plane its sites lie in.
    anions
        Wyckoff letter to (element, fractional coordinates of shape (M, 3)).
    mobile
        The mobile element.
    charges
        Formal charge of each element, in elementary charges.
    moments
        Starting magnetic moment of the magnetic elements, in Bohr magnetons.
    hubbard
        Shell that U acts on, by element.
    hubbard_share
        Share of the study's U that acts on an element; 1 of one that is not named.
    occupancies
        Named sets: element to Wyckoff letter to occupancy.
    composition
        Atoms of each element in one formula unit.
    ordering
        ``temperature_k`` and ``permittivity`` of the Monte Carlo that orders the cations.
    closest
        Pairs of elements to the distance, in Angstrom, below which no label exists and a wall
        keeps the dynamics out; empty for no walls.
    """

    name: str
    formula: str
    cell: np.ndarray
    sites: Mapping[str, np.ndarray]
    layers: Mapping[str, float]
    anions: Mapping[str, tuple[str, np.ndarray]]
    mobile: str
    charges: Mapping[str, int]
    moments: Mapping[str, float]
    hubbard: Mapping[str, str]
    occupancies: Mapping[str, Mapping[str, Mapping[str, float]]]
    composition: Mapping[str, int]
    ordering: Mapping[str, float]
    closest: Mapping[tuple[str, str], float]
    hubbard_share: Mapping[str, float] = field(default_factory=dict)

    @property
    def species(self) -> tuple[str, ...]:
        """Elements, in the order every potential's type map has."""
        return tuple(self.composition)

    def hubbard_ev(self, u_ev: float) -> dict[str, float]:
        """Return U in eV of each element that a study's U acts on; empty without U."""
        return {symbol: u_ev * self.hubbard_share.get(symbol, 1.0)
                for symbol in self.hubbard} if u_ev else {}

    @property
    def units_per_cell(self) -> int:
        """Formula units in the conventional cell."""
        anion, _ = next(iter(self.anions.values()))
        found = sum(len(xyz) for element, xyz in self.anions.values() if element == anion)
        return found // self.composition[anion]


def site_targets(
    material: Material, label: str, source: str = "material file"
) -> dict[str, dict[str, float]]:
    """Return the asked-for occupancy of every framework cation, checked against the formula.

    Parameters
    ----------
    material
        The crystal.
    label
        Name of a set in the material file's ``occupancies``.
    source
        Named in messages.

    Returns
    -------
    dict
        Element to Wyckoff letter to occupancy, 0 to 1.

    Raises
    ------
    HavenError
        If there is no such set, an occupancy is out of range, or the atoms don't sum.
    """
    if label not in material.occupancies:
        have = ", ".join(material.occupancies)
        raise HavenError(f"{source}: no occupancies called {label}: choose from {have}")
    total = {site: 0.0 for site in material.sites}
    for element, by_site in material.occupancies[label].items():
        atoms = 0.0
        for site, value in by_site.items():
            if site not in material.sites:
                raise HavenError(f"{source}: occupancies {label} name site {site}, which is not a "
                                 f"cation site ({', '.join(material.sites)})")
            if not 0 <= float(value) <= 1:
                raise HavenError(f"{source}: occupancy {label}/{element}/{site} is {value}, "
                                 "outside 0 to 1")
            total[site] += float(value)
            atoms += float(value) * len(material.sites[site])
        wanted = material.composition.get(element, 0) * material.units_per_cell
        if abs(atoms - wanted) > 0.01:
            raise HavenError(f"{source}: occupancies {label} put {atoms:.3f} {element} in a cell "
                             f"that {material.formula} gives {wanted}: they must sum")
    crowded = [site for site, value in total.items() if value > 1 + 1e-9]
    if crowded:
        raise HavenError(f"{source}: occupancies {label} exceed 1 on {', '.join(crowded)}")
    return {e: {s: float(v) for s, v in m.items()} for e, m in material.occupancies[label].items()}


def framework_counts(material: Material, label: str, cells: int) -> dict[str, dict[str, int]]:
    """Return whole atoms of each framework cation on each site kind of ``cells`` cells.

    The element's total is that of the formula exactly, also where printed occupancies are rounded;
    the split between site kinds is the nearest whole one to the asked-for occupancies (largest
    remainders) that the sites have room for.
    """
    counts: dict[str, dict[str, int]] = {}
    room = {site: len(xyz) * cells for site, xyz in material.sites.items()}
    for element, by_site in site_targets(material, label).items():
        total = material.composition.get(element, 0) * material.units_per_cell * cells
        asked = {s: v * len(material.sites[s]) for s, v in by_site.items()}
        scale = total / (sum(asked.values()) or 1.0)
        exact = {s: x * scale for s, x in asked.items()}
        whole = {s: min(int(np.floor(x + 1e-9)), room[s]) for s, x in exact.items()}
        for _ in range(total - sum(whole.values())):
            whole[max((s for s in whole if whole[s] < room[s]),
                      key=lambda s: exact[s] - whole[s])] += 1
        for site, number in whole.items():
            room[site] -= number
        counts[element] = whole
    return counts


def cation_lattice(
    material: Material, repeat: tuple[int, int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Return all cation sites of a supercell.

    Returns
    -------
    fractional
        Coordinates in units of the conventional cell, shape (S, 3).
    letters
        Wyckoff letter of each, shape (S,).
    """
    shifts = np.array(list(itertools.product(*(range(n) for n in repeat))), float)
    fractional, letters = [], []
    for letter, xyz in material.sites.items():
        fractional.append((xyz[None] + shifts[:, None]).reshape(-1, 3))
        letters += [letter] * (len(xyz) * len(shifts))
    return np.concatenate(fractional), np.array(letters)


def assemble(
    material: Material, repeat: tuple[int, int, int], occupation: np.ndarray
) -> Atoms:
    """Return the supercell whose cation sites hold ``occupation``.

    Parameters
    ----------
    material
        The crystal.
    repeat
        Conventional cells along a, b, c.
    occupation
        Element on each site of `cation_lattice`, empty text for a vacancy, shape (S,).

    Returns
    -------
    Atoms
        With array ``site``: Wyckoff letter; sorted by element in the material's order.
    """
    from ase import Atoms

    fractional, letters = cation_lattice(material, repeat)
    shifts = np.array(list(itertools.product(*(range(n) for n in repeat))), float)
    symbols = [s for s in occupation if s]
    parts = [fractional[occupation != ""]]
    site = list(letters[occupation != ""])
    for letter, (element, xyz) in material.anions.items():
        block = (xyz[None] + shifts[:, None]).reshape(-1, 3)
        parts.append(block)
        symbols += [element] * len(block)
        site += [letter] * len(block)
    atoms = Atoms(symbols, positions=np.concatenate(parts) @ material.cell,
                  cell=material.cell * np.array(repeat)[:, None], pbc=True)
    atoms.set_array("site", np.array(site, dtype="U4"))
    order = np.argsort([material.species.index(s) for s in symbols], kind="stable")
    ordered = atoms[order]
    ordered.info["supercell"] = list(repeat)
    return ordered
