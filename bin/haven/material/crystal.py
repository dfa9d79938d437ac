"""A disordered crystal from its material file: sites, occupancies and supercells."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from haven.core.errors import HavenError
from haven.material.composition import whole_counts
from haven.material.exclusion import keep_apart

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
    shares
        Occupancy of each element on the anion sites that several share or that are not full, by
        Wyckoff letter; ``anions`` names the element that is there most.
    mobiles
        Mobile elements, the first of which is ``mobile``; that one alone where empty.
    site_moments
        Starting moments of elements whose atoms differ, by element and Wyckoff letter, in Bohr
        magnetons: an antiferromagnet's are of both signs.
    layered
        Whether the cation sites lie in layers across c.
    formula_units
        Formula units in the conventional cell; None to count them on the anion sites.
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
    charges: Mapping[str, float]
    moments: Mapping[str, float]
    hubbard: Mapping[str, str]
    occupancies: Mapping[str, Mapping[str, Mapping[str, float]]]
    composition: Mapping[str, float]
    ordering: Mapping[str, float]
    closest: Mapping[tuple[str, str], float]
    hubbard_share: Mapping[str, float] = field(default_factory=dict)
    shares: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    mobiles: tuple[str, ...] = ()
    site_moments: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    layered: bool = True
    formula_units: float | None = None

    @property
    def species(self) -> tuple[str, ...]:
        """Elements, in the order every potential's type map has."""
        return tuple(self.composition)

    def hubbard_ev(self, u_ev: float) -> dict[str, float]:
        """Return U in eV of each element that a study's U acts on; empty without U."""
        return {symbol: u_ev * self.hubbard_share.get(symbol, 1.0)
                for symbol in self.hubbard} if u_ev else {}

    @property
    def units_per_cell(self) -> float:
        """Formula units in the conventional cell."""
        if self.formula_units is not None:
            return self.formula_units
        found = self.anions_per_cell()
        element = next(iter(found))
        return round(found[element] / self.composition[element], 6)

    @property
    def moving(self) -> tuple[str, ...]:
        """Mobile elements."""
        return self.mobiles or (self.mobile,)

    @property
    def beside(self) -> tuple[str, ...]:
        """Mobile elements beside the one that is followed."""
        return tuple(one for one in self.moving if one != self.mobile)

    @property
    def anion_elements(self) -> set[str]:
        """Elements on the anion sites."""
        return set(self.anions_per_cell())

    def anions_per_cell(self) -> dict[str, float]:
        """Return atoms of each element on the anion sites of one conventional cell."""
        found: dict[str, float] = {}
        for letter, (element, xyz) in self.anions.items():
            for one, share in self.shares.get(letter, {element: 1.0}).items():
                found[one] = found.get(one, 0.0) + share * len(xyz)
        return found

    def atoms_of(self, element: str, cells: int) -> int:
        """Return the whole atoms of an element in some conventional cells.

        Where the formula has fractions, the elements that have none whole are rounded together, so
        that their sum stays: 24 cells of LiNi0.8Mn0.1Co0.1O2 keep 24 transition metals.
        """
        exact = {one: number * self.units_per_cell * cells
                 for one, number in self.composition.items()}
        loose = {one: number for one, number in exact.items()
                 if abs(number - round(number)) > 1e-3}
        if element not in loose:
            return round(exact.get(element, 0.0))
        total = int(np.floor(sum(loose.values()) + 0.5))
        return whole_counts(loose, total, dict.fromkeys(loose, total))[element]

    def moments_of(self, atoms: Atoms) -> list[float]:
        """Return the starting moments of a structure, in Bohr magnetons.

        Raises
        ------
        HavenError
            If moments differ by site and the structure does not say which atom is on which.
        """
        if not self.site_moments:
            return [self.moments.get(symbol, 0.0) for symbol in atoms.get_chemical_symbols()]
        if "site" not in atoms.arrays:
            raise HavenError(f"moments of {self.name} are by site, which the structure does not "
                             "say: build it with build_structures.py or build_supercell.py")
        return [self.site_moments.get(symbol, {}).get(str(site), self.moments.get(symbol, 0.0))
                for symbol, site in zip(atoms.get_chemical_symbols(), atoms.arrays["site"],
                                        strict=True)]


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
        If there is no such set, an occupancy is out of range, or the occupancies do not add up to
        the formula's atoms.
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
        if abs(atoms - wanted) > 0.01 * max(1.0, wanted / 10):
            raise HavenError(f"{source}: occupancies {label} put {atoms:.3f} {element} in a cell "
                             f"that {material.formula} gives {wanted:g} "
                             f"({material.units_per_cell:g} formula units, by its anions): they "
                             "must sum")
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
        exact = {s: v * len(material.sites[s]) for s, v in by_site.items()}
        counts[element] = whole_counts(exact, material.atoms_of(element, cells), room)
        for site, number in counts[element].items():
            room[site] -= number
    return counts


def neutral_framework(
    material: Material, cells: int, counts: Mapping[str, Mapping[str, int]]
) -> dict[str, dict[str, int]]:
    """Return whole atoms on each site kind, with those of the mobile element that are neutral.

    Only where every mobile element is among ``counts``, so that `mobile_counts` has none to make
    up for the charge that whole numbers of the other ions leave. It goes as far as the sites of the
    element have room.
    """
    found = {element: dict(by_site) for element, by_site in counts.items()}
    if not set(material.moving) <= set(found):
        return found
    own = found[material.mobile]
    room = {site: len(material.sites[site]) * cells - sum(
        by_site.get(site, 0) for by_site in found.values()) + own[site] for site in own}
    total = _neutral_total(material, material.mobile, cells, found, sum(own.values()))
    if total != sum(own.values()):
        found[material.mobile] = whole_counts(own, total, room)
    return found


def mobile_counts(
    material: Material, cells: int, framework: Mapping[str, Mapping[str, int]]
) -> dict[str, int]:
    """Return whole atoms of each mobile element that the framework's counts leave to be placed.

    Where the formula has fractions, whole numbers of the other ions may leave a charge: the first
    mobile element takes as many atoms more or fewer as make the cell neutral.
    """
    wanted = {element: material.atoms_of(element, cells) for element in material.moving
              if element not in framework}
    if first := next(iter(wanted), None):
        wanted[first] = _neutral_total(material, first, cells, framework, wanted[first])
    return wanted


def _neutral_total(
    material: Material, element: str, cells: int, framework: Mapping[str, Mapping[str, int]],
    wanted: int,
) -> int:
    """Return how many atoms of an element make some cells neutral, if near the number ``wanted``.

    That number itself where the formula's atoms are whole in these cells. Elements that are not in
    the framework have the formula's atoms.
    """
    exact = material.units_per_cell * cells
    charge = material.charges.get(element, 0)
    if not charge or all(abs(number * exact - round(number * exact)) <= 1e-6
                         for number in material.composition.values()):
        return wanted
    fixed = {one: sum(by_site.values()) for one, by_site in framework.items()}
    neutral = -sum(material.charges[one] * fixed.get(one, material.atoms_of(one, cells))
                   for one in material.composition if one != element) / charge
    near = 0.5 * max(abs(one) for one in material.charges.values()) + 0.5
    return max(round(neutral), 0) if abs(neutral - wanted) < near else wanted


def draw_anions(
    material: Material, repeat: tuple[int, int, int], random: np.random.Generator
) -> dict[str, np.ndarray]:
    """Return the element on each anion site of a supercell, by Wyckoff letter.

    Elements that share sites are placed at random, in whole numbers that sum to the formula's;
    what is left of a site stays empty. Of points too near for two atoms, such as the alternatives
    of a split site, one is filled (`haven.material.exclusion.keep_apart`).

    Parameters
    ----------
    material
        The crystal.
    repeat
        Conventional cells along a, b, c.
    random
        Source of random numbers.

    Returns
    -------
    dict
        Wyckoff letter to elements, shape (sites of that letter in all cells,); empty text where no
        atom is.
    """
    cells = int(np.prod(repeat))
    found = {letter: np.full(len(xyz) * cells, element, dtype="U2")
             for letter, (element, xyz) in material.anions.items()}
    for letter in material.shares:
        found[letter][:] = ""
    room = {letter: len(found[letter]) for letter in material.shares}
    elements = dict.fromkeys(element for by in material.shares.values() for element in by)
    for element in elements:
        full = sum(len(xyz) for letter, (own, xyz) in material.anions.items()
                   if letter not in material.shares and own == element) * cells
        exact = {letter: by[element] * len(found[letter])
                 for letter, by in material.shares.items() if element in by}
        total = min(max(material.atoms_of(element, cells) - full, 0),
                    sum(room[letter] for letter in exact))
        for letter, number in whole_counts(exact, total, room).items():
            free = np.flatnonzero(found[letter] == "")
            found[letter][random.choice(free, number, replace=False)] = element
            room[letter] -= number
    if not elements:
        return found
    every = np.concatenate(list(found.values()))
    keep_apart(material.cell, {letter: xyz for letter, (_, xyz) in material.anions.items()},
               repeat, every, random)
    ends = np.cumsum([len(here) for here in found.values()])
    return dict(zip(found, np.split(every, ends[:-1]), strict=True))


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
    material: Material, repeat: tuple[int, int, int], occupation: np.ndarray,
    anions: Mapping[str, np.ndarray] | None = None,
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
    anions
        Element on each anion site, by Wyckoff letter, as `draw_anions` gives; drawn with seed 0 if
        not given.

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
    there = anions or draw_anions(material, repeat, np.random.default_rng(0))
    for letter, (_, xyz) in material.anions.items():
        block = (xyz[None] + shifts[:, None]).reshape(-1, 3)
        here = there[letter] != ""
        parts.append(block[here])
        symbols += [str(element) for element in there[letter][here]]
        site += [letter] * int(here.sum())
    atoms = Atoms(symbols, positions=np.concatenate(parts) @ material.cell,
                  cell=material.cell * np.array(repeat)[:, None], pbc=True)
    atoms.set_array("site", np.array(site))
    order = np.argsort([material.species.index(s) for s in symbols], kind="stable")
    ordered = atoms[order]
    ordered.info["supercell"] = list(repeat)
    return ordered
