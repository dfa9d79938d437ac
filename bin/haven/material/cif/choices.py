"""A material file from a crystallographic information file (CIF), partial occupancies included."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from math import gcd
from pathlib import Path
from typing import Any

import numpy as np

from haven.core.errors import HavenError, existing
from haven.material.cif.reading import CifCrystal, read_cif
from haven.material.file import LARGEST_CHARGE, ROUNDED_CHARGE
from haven.material.orbits import expand

ANIONS = {"F": -1, "Cl": -1, "Br": -1, "I": -1, "O": -2, "S": -2, "Se": -2, "Te": -2, "N": -3}
# Cations that have one valence in ionic crystals; of others neutrality tells one, or the user all.
CATIONS = {
    **dict.fromkeys(("Li", "Na", "K", "Rb", "Cs", "Ag"), 1),
    **dict.fromkeys(("Be", "Mg", "Ca", "Sr", "Ba", "Zn", "Cd"), 2),
    **dict.fromkeys(("B", "Al", "Ga", "In", "Sc", "Y", "La", "Pr", "Nd", "Sm", "Gd", "Tb", "Dy",
                     "Ho", "Er", "Tm", "Lu"), 3),
    **dict.fromkeys(("Si", "Ge", "Zr", "Hf"), 4), "P": 5, "Ta": 5, "W": 6}
MOBILE = ("Li", "Na", "Ag", "K", "Cu")
OPEN_SHELLS = {**dict.fromkeys(("V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Mo", "Ru"), "d"),
               **dict.fromkeys(("Ce", "Pr", "Nd", "Sm", "Eu", "Gd", "Tb", "Dy", "Ho", "Er", "Tm",
                                "Yb", "U"), "f")}
ROUNDED = 0.009  # atoms a cell, or of 10: occupancies are printed with two or three digits
MOST_ROUNDED = 0.02  # atoms a cell
CHARGE_SHARE = 0.03  # of all positive charge, that rounded occupancies may leave over
NEARLY_WHOLE = 0.1  # a charge as near to a whole number may be that number
LEAST_CHARGE = 0.5  # of a cation that neutrality tells: less is no ion
VACANT, KEPT_VACANT = 0.005, 0.5  # share of a site that is a vacancy; how much of it has to stay


@dataclass(frozen=True)
class CifSite:
    """One site of a CIF: its name, points (M, 3) as fractions, and occupancy by element.

    ``rounding`` is by how much an occupancy may differ from what is printed, by element.
    """

    name: str
    points: np.ndarray
    occupancy: dict[str, float]
    rounding: dict[str, float]


@dataclass(frozen=True)
class Choice:
    """What a CIF does not say; None or empty where it may be guessed."""

    mobile: str | None = None
    charges: Mapping[str, float] | None = None
    hubbard: Mapping[str, str] | None = None
    moments: Mapping[str, float] | None = None
    name: str | None = None


def material_of(path: str | Path, choice: Choice) -> tuple[dict[str, Any], list[str]]:
    """Return the content of a material file, and notes on what was guessed.

    Parameters
    ----------
    path
        CIF with one structure.
    choice
        What the user says beside.

    Raises
    ------
    HavenError
        If it cannot be read, holds no anion or no mobile ion, or leaves charges open.
    """
    from ase.geometry import cell_to_cellpar

    source = existing(path, "CIF")
    crystal = read_cif(source)
    sites, notes = _sites(crystal), []
    counts = _counts(sites)
    mobile = _mobile(counts, choice, source)
    charges = _charges(sites, counts, crystal.states, choice, mobile, source)
    notes += [f"{element} has the charge {charge:+g}, which makes the crystal of the CIF neutral"
              + (f", where the file says {crystal.states[element]:+g}"
                 if crystal.states.get(element, charge) != charge else "")
              + f": --charges {element}=... says otherwise" for element, charge in charges.items()
              if not float(charge).is_integer() and element not in (choice.charges or {})]
    sites, counts = _neutral(sites, counts, charges, mobile, notes, source)
    formula, units = _formula(counts)
    symmetry = _symmetry(crystal, sites)
    cell = cell_to_cellpar(crystal.cell)
    keys = ("a_angstrom", "b_angstrom", "c_angstrom", "alpha_degree", "beta_degree",
            "gamma_degree")
    content: dict[str, Any] = {
        "name": choice.name or source.stem.lower(), "formula": formula, "formula_units": units,
        **symmetry[0],
        "lattice": {key: round(float(value), 6) for key, value in zip(keys, cell, strict=True)},
        "mobile": mobile, "charges": charges}
    if choice.moments:
        content["moments"] = dict(choice.moments)
    if choice.hubbard:
        content["hubbard"] = dict(choice.hubbard)
    open_ones = [f"{one}={shell}" for one, shell in OPEN_SHELLS.items()
                 if one in counts and one not in (choice.hubbard or {})]
    if open_ones:
        notes.append(f"{', '.join(one.partition('=')[0] for one in open_ones)} may have an open "
                     f"shell: say --hubbard {','.join(open_ones)} and --moments for labels with U")
    host = {element for element, charge in charges.items() if charge * charges[mobile] < 0}
    return content | _site_entries(sites, symmetry[1], host, mobile, source), notes


def _site_entries(
    sites: list[CifSite], place_of: Callable[[CifSite], dict[str, Any]], host: set[str],
    mobile: str, source: Path,
) -> dict[str, Any]:
    """Return the sites of ``host`` elements, of other ones, and occupancies of the latter.

    ``place_of`` gives a site's position. Occupancies are those of the file, and once more without
    the ``mobile`` element, which may then take any of its sites.
    """
    content: dict[str, Any] = {"anion_sites": {}, "cation_sites": {}}
    placed: dict[str, dict[str, float]] = {}
    for site in sites:
        place = place_of(site)
        if set(site.occupancy) <= host:  # of a mobile anion the cations are the host
            whole = len(site.occupancy) == 1 and min(site.occupancy.values()) > 0.9999
            species = (next(iter(site.occupancy)) if whole
                       else {k: round(v, 5) for k, v in site.occupancy.items()})
            content["anion_sites"][site.name] = {"species": species, **place}
        elif set(site.occupancy) & host:
            raise HavenError(f"{source}: site {site.name} holds {', '.join(site.occupancy)}: "
                             "anions and cations on one site are not taken")
        else:
            content["cation_sites"][site.name] = place
            for element, value in site.occupancy.items():
                placed.setdefault(element, {})[site.name] = round(value, 5)
    content["occupancies"] = {
        "default": placed, "free": {k: v for k, v in placed.items() if k != mobile}}
    return content


def _sites(crystal: CifCrystal) -> list[CifSite]:
    """Return the sites of a CIF, named by multiplicity and Wyckoff letter."""
    import spglib

    points = np.concatenate([site.points for site in crystal.sites])
    kinds = np.repeat(np.arange(1, len(crystal.sites) + 1),
                      [len(site.points) for site in crystal.sites])
    try:
        given: Any = (crystal.cell, points, kinds)
        found = spglib.get_symmetry_dataset(given, 1e-3)
        letters = list(found.wyckoffs) if found is not None else []
    except Exception:  # a name only
        letters = []
    sites: list[CifSite] = []
    names: list[str] = []
    for number, site in enumerate(crystal.sites, 1):
        letter = letters[int(np.argmax(kinds == number))] if letters else "x"
        name = f"{len(site.points)}{letter}"
        names.append(name)
        if names.count(name) > 1:
            name = f"{name}_{names.count(name)}"
        sites.append(CifSite(name, site.points, site.occupancy, site.rounding))
    return sites


def _counts(sites: list[CifSite]) -> dict[str, float]:
    counts: dict[str, float] = {}
    for site in sites:
        for element, value in site.occupancy.items():
            counts[element] = counts.get(element, 0.0) + value * len(site.points)
    return counts


def _mobile(counts: Mapping[str, float], choice: Choice, source: Path) -> str:
    if choice.mobile:
        if choice.mobile not in counts:
            raise HavenError(f"--mobile {choice.mobile}: {source} has {', '.join(counts)}")
        return choice.mobile
    here = [element for element in MOBILE if element in counts]
    if len(here) != 1:
        raise HavenError(f"{source} does not say which ion is mobile: give --mobile, one of "
                         f"{', '.join(here or counts)}")
    return here[0]


def _charge(counts: Mapping[str, float], charges: Mapping[str, float]) -> tuple[float, float]:
    """Return the charge of a cell, and that of its cations alone."""
    return (sum(charges[element] * count for element, count in counts.items()),
            sum(max(charges[element], 0.0) * count for element, count in counts.items()))


def _rounded_charge(sites: list[CifSite], charges: Mapping[str, float]) -> float:
    """Return the charge of a cell, at most, that printed digits of occupancies leave open."""
    return sum(abs(charges[element]) * len(site.points) * site.rounding[element]
               for site in sites for element, value in site.occupancy.items()
               if value < 1)


def _within_digits(
    sites: list[CifSite], counts: Mapping[str, float], charges: Mapping[str, float], mobile: str
) -> bool:
    """Tell whether charges are neutral but for what the printed digits of occupancies leave open.

    The element that `_neutral` scales must then stay within its own digits: all of them together
    may leave as much as would double the vacancies of Li0.95Ni0.8Mn0.1Co0.1O2.
    """
    charge, positive = _charge(counts, charges)
    if abs(charge) < 0.5 * ROUNDED_CHARGE * positive:
        return True
    scaled = _scaled(sites, counts, charges, mobile)
    return scaled is not None and abs(charge) <= _rounded_charge(sites, charges) and all(
        abs(scaled[1] - 1) * site.occupancy.get(scaled[0], 0.0)
        <= site.rounding.get(scaled[0], 0.0) + 1e-9 for site in sites)


def _charges(
    sites: list[CifSite], counts: Mapping[str, float], states: Mapping[str, float], choice: Choice,
    mobile: str, source: Path,
) -> dict[str, float]:
    """Return formal charges: given ones, the CIF's or usual ones, and what neutrality leaves.

    The CIF's own are taken where the crystal is neutral with them. The one that neutrality leaves
    is a whole number where the digits of the occupancies let it be: Li0.93CoO2 has Co at +3.07, and
    no lithium in its vacancies.
    """
    given = dict(choice.charges or {})
    if foreign := [element for element in given if element not in counts]:
        raise HavenError(f"--charges names {foreign[0]}: {source} has {', '.join(counts)}")
    if large := [f"{element}={value:g}" for element, value in given.items()
                 if abs(value) > LARGEST_CHARGE]:
        raise HavenError(f"--charges {large[0]}: an ion has at most {LARGEST_CHARGE:g} elementary "
                         "charges")
    usual = {**CATIONS, **ANIONS}
    own = {**usual, **states, **given}
    if set(counts) <= set(own) and not _within_digits(sites, counts, own, mobile):
        own = {**usual, **given}
    found = {element: float(own[element]) for element in counts if element in own}
    lacking = [element for element in counts if element not in found]
    if len(lacking) > 1:
        said = ",".join(f"{one}={states.get(one, 3):g}" for one in lacking)
        raise HavenError(f"{source}: the charges of {', '.join(lacking)} are open: give --charges "
                         f"{said} with their values" + (
                             ", those of the CIF leave a charge" if set(lacking) <= set(states)
                             else ""))
    if lacking:
        rest = sum(found[element] * counts[element] for element in found)
        value = -rest / counts[lacking[0]]
        whole = {**found, lacking[0]: float(round(value))}
        near = whole[lacking[0]] if abs(value - round(value)) < NEARLY_WHOLE and _within_digits(
            sites, counts, whole, mobile) else round(value, 6)
        if not LEAST_CHARGE <= near <= 8:
            raise HavenError(f"{source}: a neutral crystal would give {lacking[0]} the charge "
                             f"{value:+.2f}: give --charges {lacking[0]}=...")
        found[lacking[0]] = near
    if min(found.values()) >= 0:
        raise HavenError(f"{source} has no anion among {', '.join(counts)}: add the sites "
                         "that are lacking, or give --charges")
    return {element: int(found[element]) if float(found[element]).is_integer() else found[element]
            for element in counts}


def _scaled(
    sites: list[CifSite], counts: Mapping[str, float], charges: Mapping[str, float], mobile: str
) -> tuple[str, float] | None:
    """Return the element whose occupancies are to be scaled for a neutral crystal, and by what.

    Partly filled cations, the mobile ones last; None where no site of one has room.
    """
    charge, _ = _charge(counts, charges)
    scales = {element: 1 - charge / (charges[element] * counts[element])
              for element in counts if charges[element] > 0}
    partial = {element for site in sites for element in site.occupancy
               if sum(site.occupancy.values()) < 0.9999 and element in scales}

    def fits(element: str) -> bool:
        return all(sum(v * (scales[element] if e == element else 1.0)
                       for e, v in site.occupancy.items()) <= 1 + 1e-9 for site in sites)

    chosen = next((e for e in sorted(partial, key=lambda one: (one == mobile, one)) if fits(e)),
                  mobile if charge > 0 and mobile in scales else None)
    return None if chosen is None else (chosen, scales[chosen])


def _neutral(
    sites: list[CifSite], counts: dict[str, float], charges: Mapping[str, float], mobile: str,
    notes: list[str], source: Path,
) -> tuple[list[CifSite], dict[str, float]]:
    """Return sites whose occupancies are scaled so that the crystal is neutral, and their atoms.

    Printed occupancies are rounded; one element takes what is left. Vacancies are not filled by it.
    """
    charge, positive = _charge(counts, charges)
    if abs(charge) < 0.5 * ROUNDED_CHARGE * positive:
        return sites, counts
    if abs(charge) > CHARGE_SHARE * positive:
        raise HavenError(f"{source}: charges {dict(charges)} of its atoms sum to {charge:+.3f} a "
                         "cell: give --charges, or complete the CIF")
    scaled = _scaled(sites, counts, charges, mobile)
    if scaled is None:
        raise HavenError(f"{source}: charges of its atoms sum to {charge:+.3f} a cell and no "
                         "cation site has room for it: give --charges, or complete the CIF")
    chosen, scale = scaled
    filled = [site.name for site in sites if chosen in site.occupancy
              and (vacant := 1 - sum(site.occupancy.values())) > VACANT
              and vacant - (scale - 1) * site.occupancy[chosen] < KEPT_VACANT * vacant]
    if filled and abs(charge) > _rounded_charge(sites, charges):
        raise HavenError(f"{source}: charges of its atoms sum to {charge:+.3f} a cell, and as much "
                         f"{chosen} as makes up for it would fill the vacancies of site "
                         f"{filled[0]}: give --charges that leave them, or correct the occupancies")
    notes.append(f"occupancies of {chosen} are {scale:.4f} of the CIF's, so that charges sum to 0")
    sites = [CifSite(site.name, site.points, {
        element: value * scale if element == chosen else value
        for element, value in site.occupancy.items()}, site.rounding) for site in sites]
    return sites, _counts(sites)


def _formula(counts: Mapping[str, float]) -> tuple[str, float]:
    """Return the formula of one unit, and the units in the cell."""
    near = {element: round(count) for element, count in counts.items()
            if abs(count - round(count)) < min(MOST_ROUNDED, ROUNDED * max(1.0, count / 10))
            and round(count)}
    units = reduce(gcd, near.values()) if near else 1
    words = []
    for element, count in counts.items():
        value = near.get(element, count) / units
        words.append(element + ("" if value == 1 else f"{value:.4f}".rstrip("0").rstrip(".")))
    return "".join(words), units


def _symmetry(crystal: CifCrystal, sites: list[CifSite]) -> tuple[dict[str, Any], Any]:
    """Return the entries that name the space group, and what turns a site into its entry.

    A setting of spglib's table that gives every site from one of its points is taken; without one
    all points are listed.
    """
    import spglib

    cell, number = crystal.cell, crystal.number
    for hall in range(1, 531) if number > 1 else ():
        kind = spglib.get_spacegroup_type(hall)
        if kind is None or kind.number != number or not all(
                _same(expand(site.points[:1], hall, cell), site.points, cell) for site in sites):
            continue
        entries: dict[str, Any] = {"space_group": kind.international_short}
        if kind.choice:
            entries["setting"] = str(kind.choice)
        return entries, lambda site: {"position": [round(float(x), 6) for x in site.points[0]]}
    return {}, lambda site: {"positions": [[round(float(x), 6) for x in point]
                                           for point in site.points]}


def _same(found: np.ndarray, points: np.ndarray, cell: np.ndarray) -> bool:
    if len(found) != len(points):
        return False
    step = found[:, None] - points[None]
    step -= np.round(step)
    near = np.linalg.norm(step @ cell, axis=-1)
    return bool((near.min(axis=1) < 0.05).all())
