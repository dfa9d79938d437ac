"""Disorder of cations on their sites: Monte Carlo with screened Coulomb pairs, and its measures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from haven.core.constants import BOLTZMANN_EV_PER_K
from haven.core.errors import HavenError
from haven.material.crystal import (
    Material,
    assemble,
    cation_lattice,
    draw_anions,
    framework_counts,
    mobile_counts,
    neutral_framework,
)
from haven.material.distances import tightest_pair
from haven.material.exclusion import keep_apart, point_pairs

if TYPE_CHECKING:
    from ase import Atoms

COULOMB_EV_ANGSTROM = 14.399645  # e^2 / (4 pi epsilon_0), CODATA 2018
PRINTED_CHARGE = 1e-5  # of all positive charge: what charges of five digits, such as 3.2857, lack
PAIR_CUTOFF_ANGSTROM = 9.0  # of the screened Coulomb pairs: two to three distances of sites
PAIR_DAMPING_PER_ANGSTROM = 0.2  # their screening: erfc is 0.01 at the cutoff


def neighbour_pairs(
    material: Material, repeat: tuple[int, int, int], cutoff_angstrom: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return all ordered pairs of cation sites closer than a cutoff, with periodic images.

    Returns
    -------
    first, second
        Site numbers, shape (P,).
    distance
        In Angstrom, shape (P,).
    """
    return point_pairs(material.cell, material.sites, repeat, cutoff_angstrom)


def order_cations(
    material: Material, repeat: tuple[int, int, int], occupancies: str, seed: int,
    sweeps: int = 40, framework: dict[str, dict[str, int]] | None = None,
) -> np.ndarray:
    """Place the cations on their sites by Metropolis Monte Carlo.

    Framework cations keep their exact count on every kind of site, and so do mobile ions that the
    occupancies name; other mobile ions and vacancies exchange over all sites left. Pairs of sites
    interact by a damped, shifted Coulomb energy (Wolf et al., J. Chem. Phys. 110, 8254 (1999)) over
    the material's permittivity, at the material's ordering temperature. Ions that are then too near
    to another leave their sites (`haven.material.exclusion.keep_apart`).

    Parameters
    ----------
    material
        The crystal.
    repeat
        Conventional cells along a, b, c.
    occupancies
        Name of the occupancy set.
    seed
        Random seed.
    sweeps
        Trial moves per site; 0 leaves the cations random.
    framework
        Counts to use in place of those of the occupancy set.

    Returns
    -------
    ndarray
        Element on each site of `cation_lattice`, empty text for a vacancy, shape (S,).
    """
    random = np.random.default_rng(seed)
    _, letters = cation_lattice(material, repeat)
    cells = int(np.prod(repeat))
    occupation = np.full(len(letters), "", dtype="U4")
    counts = neutral_framework(
        material, cells, framework or framework_counts(material, occupancies, cells))
    for element, by_site in counts.items():
        for letter, number in by_site.items():
            free = np.flatnonzero((letters == letter) & (occupation == ""))
            occupation[random.choice(free, number, replace=False)] = element
    wanted = mobile_counts(material, cells, counts)
    free = np.flatnonzero(occupation == "")
    if sum(wanted.values()) > len(free):
        said = ", ".join(f"{number} {element}" for element, number in wanted.items())
        raise HavenError(f"{said} don't fit on {len(free)} free cation sites "
                         "of the material: add sites or lower the occupancies")
    for element, number in wanted.items():
        free = np.flatnonzero(occupation == "")
        occupation[random.choice(free, number, replace=False)] = element
    roaming = {"", *(element for element in material.moving if element not in counts)}
    if sweeps:
        _anneal(material, repeat, occupation, letters, random, sweeps, roaming)
    keep_apart(material.cell, material.sites, repeat, occupation, random, roaming)
    return occupation


def _anneal(
    material: Material, repeat: tuple[int, int, int], occupation: np.ndarray,
    letters: np.ndarray, random: np.random.Generator, sweeps: int, roaming: set[str],
) -> None:
    """Metropolis exchanges, in place; only what is ``roaming`` goes to sites of another kind."""
    from scipy.special import erfc

    first, second, distance = neighbour_pairs(material, repeat, PAIR_CUTOFF_ANGSTROM)
    damped = erfc(PAIR_DAMPING_PER_ANGSTROM * distance) / distance
    edge = erfc(PAIR_DAMPING_PER_ANGSTROM * PAIR_CUTOFF_ANGSTROM) / PAIR_CUTOFF_ANGSTROM
    energy = COULOMB_EV_ANGSTROM / material.ordering["permittivity"] * (damped - edge)
    starts = np.searchsorted(first, np.arange(len(letters) + 1))
    charge = np.array([material.charges.get(s, 0) if s else 0 for s in occupation], float)
    potential = np.bincount(first, energy * charge[second], len(letters))
    thermal = BOLTZMANN_EV_PER_K * material.ordering["temperature_k"]
    trials = random.integers(0, len(letters), (sweeps * len(letters), 2))
    dice = np.log(random.random(len(trials)))
    for (i, j), chance in zip(trials, dice, strict=True):
        here, there = str(occupation[i]), str(occupation[j])
        fixed = {here, there} - roaming
        if here == there or (fixed and letters[i] != letters[j]):
            continue
        step = charge[j] - charge[i]
        near_i, near_j = slice(starts[i], starts[i + 1]), slice(starts[j], starts[j + 1])
        pair = energy[near_i][second[near_i] == j].sum()
        own_i = energy[near_i][second[near_i] == i].sum()
        own_j = energy[near_j][second[near_j] == j].sum()
        change = (step * (potential[i] - potential[j])
                  + 0.5 * step**2 * (own_i + own_j) - step**2 * pair)
        if chance < -change / thermal:
            occupation[i], occupation[j] = there, here
            charge[i], charge[j] = charge[j], charge[i]
            np.add.at(potential, second[near_i], step * energy[near_i])
            np.add.at(potential, second[near_j], -step * energy[near_j])


def lattice_energy(
    material: Material, repeat: tuple[int, int, int], occupation: np.ndarray
) -> float:
    """Return the screened Coulomb energy of an occupation that the Monte Carlo samples, in eV.

    Parameters
    ----------
    material
        The crystal.
    repeat
        Conventional cells along a, b, c.
    occupation
        Element on each site of `haven.material.crystal.cation_lattice`, empty text for a vacancy,
        shape (S,).
    """
    from scipy.special import erfc

    first, second, distance = neighbour_pairs(material, repeat, PAIR_CUTOFF_ANGSTROM)
    damped = erfc(PAIR_DAMPING_PER_ANGSTROM * distance) / distance
    edge = erfc(PAIR_DAMPING_PER_ANGSTROM * PAIR_CUTOFF_ANGSTROM) / PAIR_CUTOFF_ANGSTROM
    charge = np.array([material.charges.get(s, 0) if s else 0 for s in occupation], float)
    pairs = charge[first] * charge[second] * (damped - edge)
    return float(0.5 * COULOMB_EV_ANGSTROM / material.ordering["permittivity"] * pairs.sum())


def warren_cowley(
    material: Material, repeat: tuple[int, int, int], occupation: np.ndarray, element: str,
    shell_angstrom: float = 4.2,
) -> float:
    """Return the Warren-Cowley parameter of ``element`` about itself on the cation sites.

    ``1 - P(element | neighbour of element) / concentration`` over sites closer than
    ``shell_angstrom`` (J. M. Cowley, Phys. Rev. 77, 669 (1950)): 0 is random, positive avoids.

    Parameters
    ----------
    material
        The crystal.
    repeat
        Conventional cells along a, b, c.
    occupation
        Element on each site of `haven.material.crystal.cation_lattice`, empty text for a vacancy,
        shape (S,).
    element
        The element.
    shell_angstrom
        Distance below which two sites are neighbours, Angstrom.
    """
    first, second, _ = neighbour_pairs(material, repeat, shell_angstrom)
    has = occupation == element
    about = has[second[has[first]]]
    return float(1.0 - about.mean() / has.mean()) if len(about) else float("nan")


def sites_of_every_set(
    material: Material, repeat: tuple[int, int, int], seed: int, sweeps: int = 40
) -> list[Atoms]:
    """Return the cation sites of one cell for each set of occupancies, to be drawn.

    Vacancies are atoms X; array ``site`` is the Wyckoff letter, ``layer`` the plane's fraction of
    c; ``info`` holds the set's name and the mobile element.
    """
    from ase import Atoms

    fractional, letters = cation_lattice(material, repeat)
    layers = {letter: round(float(xyz[0, 2]) % 1, 3) for letter, xyz in material.sites.items()}
    found = []
    for name in material.occupancies:
        occupation = order_cations(material, repeat, name, seed, sweeps)
        atoms = Atoms([s or "X" for s in occupation], fractional @ material.cell, pbc=True,
                      cell=material.cell * np.array(repeat)[:, None])
        atoms.new_array("site", letters)
        atoms.new_array("layer", np.array([layers[one] for one in letters]))
        atoms.info.update(occupancies=name, mobile=material.mobile, seed=seed,
                          repeat=" × ".join(map(str, repeat)))
        found.append(atoms)
    return found


def cell_charge(material: Material, atoms: Atoms) -> tuple[float, float]:
    """Return the formal charge of a structure, and what its printed charges leave open of it.

    Both in elementary charges.
    """
    charges = [material.charges[symbol] for symbol in atoms.get_chemical_symbols()]
    return float(sum(charges)), 1e-6 + PRINTED_CHARGE * sum(max(one, 0) for one in charges)


def _charge_of_rounding(material: Material, atoms: Atoms, cells: int) -> float:
    """Return the charge that whole numbers of atoms may leave in a cell of a fractional formula."""
    symbols = atoms.get_chemical_symbols()
    exact = {element: number * material.units_per_cell * cells
             for element, number in material.composition.items()}
    return sum(abs(material.charges[element]) * abs(symbols.count(element) - number)
               for element, number in exact.items() if abs(number - round(number)) > 1e-6)


def draw_supercell(
    material: Material, repeat: tuple[int, int, int], occupancies: str, seed: int,
    sweeps: int = 40, framework: dict[str, dict[str, int]] | None = None,
    occupation: np.ndarray | None = None,
) -> tuple[Atoms, list[dict[str, object]]]:
    """Return an ordered supercell and its rows of the table ``structures``.

    Rows lack ``replica``, ``structure`` and ``role``, which the caller knows. An ``occupation``
    (element on each site of `cation_lattice`, shape (S,)) is taken instead of a drawn one.

    Raises
    ------
    HavenError
        If the cell is charged.
    """
    from ase.neighborlist import neighbor_list

    if occupation is None:
        occupation = order_cations(material, repeat, occupancies, seed, sweeps, framework)
    cells = int(np.prod(repeat))
    anions = draw_anions(material, repeat, np.random.default_rng([seed, 7]))
    atoms = assemble(material, repeat, occupation, anions)
    charge, precise = cell_charge(material, atoms)
    if abs(charge) > precise + _charge_of_rounding(material, atoms, cells):
        raise HavenError(f"a cell {' x '.join(map(str, repeat))} of {material.name} has the charge "
                         f"{charge:+g}: its occupancies {occupancies} don't fit the formula")
    _, letters = cation_lattice(material, repeat)
    close = neighbor_list("d", atoms, 3.0)
    targets = material.occupancies[occupancies] if framework is None else {}
    short_range = {species: warren_cowley(material, repeat, occupation, species)
                   for species in material.occupancies[occupancies]}
    rows = []
    for letter in material.sites:
        here = occupation[letters == letter]
        for species in (*[s for s in material.species if s in occupation], ""):
            count = int((here == species).sum())
            target = (targets.get(species) or {}).get(letter)
            rows.append({
                "material": material.name, "seed": seed, "site": letter,
                "species": species or "vacancy", "count": count, "sites": len(here),
                "occupancy": count / len(here), "target_occupancy": target,
                "atoms": len(atoms), "volume_angstrom3": atoms.get_volume(),
                "min_distance_angstrom": float(close.min()) if len(close) else 3.0,
                "warren_cowley": short_range.get(species),
            })
    return atoms, rows


def refuse_near_pairs(
    material: Material, repeat: tuple[int, int, int], atoms: Atoms, disorder: str, source: str,
    fixed_angstrom: float | None = None,
) -> None:
    """Refuse a supercell two atoms of which are too near, and say what is to be changed.

    Parameters
    ----------
    material
        The crystal.
    repeat
        Conventional cells along a, b, c.
    atoms
        From `draw_supercell`.
    disorder
        How its cations were placed: one of `haven.material.options.DISORDER`.
    source
        Material file, named in the message.
    fixed_angstrom
        One limit for all pairs; None for those of `haven.material.distances.pair_limit`.

    Raises
    ------
    HavenError
        Naming both sites where both are partly filled; else lattice or coordinates are wrong.
    """
    from ase.neighborlist import neighbor_list

    tightest = tightest_pair(atoms, fixed_angstrom)
    if tightest is None or tightest[1] >= tightest[2]:
        return
    name, distance, limit = tightest
    one, other = name.split("-")
    first, second = neighbor_list("ij", atoms, {(one, other): distance + 1e-6})
    letters = atoms.arrays["site"]
    pair = sorted({str(letters[first[0]]), str(letters[second[0]])})
    points = {letter: len(xyz) * int(np.prod(repeat)) for letter, xyz in (
        *material.sites.items(), *((one, xyz) for one, (_, xyz) in material.anions.items()))}
    said = f"are {distance:.2f} Angstrom apart, limit {limit:.2f}"
    if not all((letters == letter).sum() < points[letter] for letter in pair):
        raise HavenError(f"{name} of {source} {said}: correct its lattice or coordinates")
    advice = ("lower their occupancies, or correct its lattice" if disorder == "electrostatic"
              else "choose --disorder electrostatic, or lower their occupancies")
    raise HavenError(f"{name} on partly filled {' and '.join(pair)} of {source} {said}: {advice}")
