"""Reading and checking a material file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from haven.core.errors import HavenError, existing
from haven.core.reading.entries import once_loader, read_entries
from haven.material.composition import atoms_in_formula
from haven.material.crystal import Material, site_targets
from haven.material.layers import stated_layers
from haven.material.orbits import expand, hall_number, repeated

KNOWN = ("name", "formula", "formula_units", "space_group", "setting", "lattice", "centring",
         "mobile", "charges", "moments", "hubbard", "anion_sites", "cation_sites",
         "closest_angstrom", "occupancies", "ordering")
REQUIRED = ("name", "formula", "lattice", "mobile", "charges", "anion_sites", "cation_sites",
            "occupancies")
LATTICE = ("a_angstrom", "b_angstrom", "c_angstrom", "alpha_degree", "beta_degree", "gamma_degree")
SHELLS = ("s", "p", "d", "f")
LONGEST_ANGSTROM = 200.0  # lattice vector: the largest conventional cells of inorganic crystals
NARROWEST_DEGREE = 20.0  # angle of a lattice, and its distance from 180
LARGEST_CHARGE, LARGEST_MOMENT = 8.0, 10.0  # of an ion: Os8+, and Gd3+ has 7 Bohr magnetons
# Volume of spheres of the covalent radii over that of the cell. Battery crystals have 0.34
# (chlorides, sulphides) to 1.0 (perovskites); a lattice in bohr has a seventh of its own.
PACKING = (0.2, 1.6)
HOTTEST = 1e5  # K: no crystal is annealed there; and no permittivity is larger
OUTSIDE = 2.0  # a coordinate further from 0 is no fraction: per cent, or Angstrom
ROUNDED_CHARGE = 1e-3  # of all positive charge: what occupancies of three digits may leave over
LARGEST_FILE = 1_000_000  # bytes
EXPONENT = re.compile(r"[-+]?\d+\.?\d*[eE][-+]?\d+")  # YAML 1.1 takes 1e-3 for text
FRACTION = re.compile(r"([-+]?[0-9]{1,2})/([1-9][0-9]?)")  # as tables of crystals have it
PLAIN_WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9]*)$")
PLAIN_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$"
                          r"|[-+]?\.(?:inf|Inf|INF)$|\.(?:nan|NaN|NAN)$")
WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,59}")  # a site, a set of occupancies
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,59}")


def load_material(path: str | Path) -> Material:
    """Read and check a material file.

    Parameters
    ----------
    path
        A YAML file as ``assets/materials/li3ticl6.yml``.

    Raises
    ------
    HavenError
        If the file is missing, is no YAML, lacks an entry or has one of another kind, is not
        neutral, or names occupancies that are out of range or put more atoms on the sites than the
        formula or the sites hold.
    """
    source = existing(path, "material file")
    if source.stat().st_size > LARGEST_FILE:
        raise HavenError(f"material file {source} has over a megabyte: is it another file?")
    raw: Any = read_entries(source, "material file", _loader())
    missing = [key for key in REQUIRED if not isinstance(raw, dict) or key not in raw]
    if missing:
        raise HavenError(f"material file {source} lacks {', '.join(missing)}: "
                         "see assets/materials/li3ticl6.yml")
    refuse_unknown(raw, KNOWN, f"material file {source}")
    material = _material(raw, source)
    _check(material, source)
    return material


def _loader() -> Any:
    """Return a YAML loader that takes a number as people read it, and an entry once."""
    loader = once_loader()
    # YAML 1.1 reads 1_0 as 10, 010 as 8, 0x10 as 16 and 1:30 as 90: here they are texts
    for kind, pattern, first in (("int", PLAIN_WHOLE, "-+0123456789"),
                                 ("float", PLAIN_NUMBER, "-+.0123456789")):
        tag = f"tag:yaml.org,2002:{kind}"
        loader.yaml_implicit_resolvers = {
            letter: [pair for pair in pairs if pair[0] != tag]
            for letter, pairs in loader.yaml_implicit_resolvers.items()}
        loader.add_implicit_resolver(tag, pattern, list(first))
    return loader


def _material(raw: dict[str, Any], source: Path) -> Material:
    """Return what the entries of a material file say, each of its kind."""
    with _needs(source, "formula needs element symbols and counts, such as Li3TiCl6"):
        formula = atoms_in_formula(_text(raw["formula"]))
    cell = _cell(raw, source)
    images = _images(raw, source, cell)
    sites, layers = _cation_sites(raw, source, images)
    anions, shares = _anion_sites(raw, source, images)
    with _needs(source, f"charges need a number up to {LARGEST_CHARGE:g} for every element, such "
                "as Ti: 3, or Mn: 3.5 where it has several valences"):
        charges = {str(k): _finite(v, LARGEST_CHARGE) for k, v in raw["charges"].items()}
    moments, by_site = _moments(raw, source)
    with _needs(source, "hubbard needs a shell (s, p, d or f) for every element, such as Ti: d, or "
                "with U where elements differ, such as Ni: {shell: d, u_ev: 6.2}"):
        hubbard, share = _hubbard(raw.get("hubbard") or {})
    occupancies = _occupancies(raw, source)
    for what, words in (("sites", (*sites, *anions)), ("sets of occupancies", occupancies)):
        if bad := next((word for word in words if not WORD.fullmatch(word)), None):
            raise HavenError(f"material file {source}: {what} need names of letters, digits, "
                             f"_ . + -, not {bad!r}")
    ordering = _ordering(raw, source)
    with _needs(source, "closest_angstrom needs pairs with Angstrom, such as Ti-Ti: 3.3"):
        closest = _walls(raw.get("closest_angstrom") or {}, formula, source)
    moving = _moving(raw, source)
    with _needs(source, "formula_units needs a number above 0"):
        units = _finite(raw["formula_units"]) if "formula_units" in raw else None
        if units is not None and units <= 0:
            raise ValueError("not above 0")
    return Material(
        name=_name(raw, source), formula=str(raw["formula"]), cell=cell, sites=sites,
        layers=layers or dict.fromkeys(sites, 0.0), anions=anions, mobile=moving[0],
        charges=charges, moments=moments, hubbard=hubbard, occupancies=occupancies,
        composition=formula, ordering=ordering, closest=closest, hubbard_share=share,
        layered=bool(layers), site_moments=by_site, shares=shares, formula_units=units,
        mobiles=moving)


def _cation_sites(
    raw: dict[str, Any], source: Path, images: Callable[..., np.ndarray]
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Return the points (M, 3) of each cation site as fractions, and its layer if all have one."""
    with _needs(source, "cation_sites need positions (three fractions each) for every site, and a "
                "layer (a number) for all sites or for none"):
        for site, entry in raw["cation_sites"].items():
            refuse_unknown(entry, ("layer", "position", "positions"),
                           f"material file {source}: site {site}")
        sites = {str(k): images(k, v) for k, v in raw["cation_sites"].items()}
        given = {str(k): v["layer"] for k, v in raw["cation_sites"].items() if "layer" in v}
        if given and len(given) < len(sites):
            raise ValueError("layers of some")
        stated = {k: _finite(v, OUTSIDE) for k, v in given.items()}
    return sites, stated_layers(stated, sites, f"material file {source}")


def _anion_sites(
    raw: dict[str, Any], source: Path, images: Callable[..., np.ndarray]
) -> tuple[dict[str, tuple[str, np.ndarray]], dict[str, dict[str, float]]]:
    """Return the main element and points (M, 3) of each anion site.

    Also the occupancy by element, of those sites that not one element fills.
    """
    with _needs(source, "anion_sites need a species (or several with occupancies) and positions "
                "(three fractions each) for every site"):
        for site, entry in raw["anion_sites"].items():
            refuse_unknown(entry, ("species", "position", "positions"),
                           f"material file {source}: site {site}")
        shares = {str(k): _shares(v["species"]) for k, v in raw["anion_sites"].items()}
        anions = {str(k): (max(shares[str(k)], key=lambda one: shares[str(k)][one]), images(k, v))
                  for k, v in raw["anion_sites"].items()}
    return anions, {k: by for k, by in shares.items() if by != {anions[k][0]: 1.0}}


def _moments(
    raw: dict[str, Any], source: Path
) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """Return moments by element, and by element and site where sites differ, Bohr magnetons."""
    with _needs(source, f"moments need a number up to {LARGEST_MOMENT:g} for every element, such "
                "as Ti: 1.0, or one for each of its sites, such as Fe: {4c: 4.0, 4d: -4.0}"):
        given = raw.get("moments") or {}
        moments = {str(k): _finite(v, LARGEST_MOMENT) for k, v in given.items()
                   if not isinstance(v, dict)}
        by_site = {str(k): {str(s): _finite(m, LARGEST_MOMENT) for s, m in v.items()}
                   for k, v in given.items() if isinstance(v, dict)}
        if not all(by_site.values()):
            raise ValueError("no site")
    return moments, by_site


def _occupancies(raw: dict[str, Any], source: Path) -> dict[str, dict[str, dict[str, float]]]:
    """Return the occupancies by set, element and site."""
    with _needs(source, "occupancies need numbers by set, element and site, such as "
                "default: {Ti: {2a: 0.75, 4g: 0.125}}"):
        occupancies = {str(label): {str(element): {str(k): _finite(v) for k, v in by.items()}
                                    for element, by in by_element.items()}
                       for label, by_element in raw["occupancies"].items()}
        if not occupancies:
            raise ValueError("no set")
    return occupancies


def _ordering(raw: dict[str, Any], source: Path) -> dict[str, float]:
    """Return temperature and permittivity at which ions are put on sites, given or usual ones."""
    with _needs(source, "ordering needs temperature_k and permittivity as numbers above 0, at most "
                f"{HOTTEST:g}"):
        refuse_unknown(raw.get("ordering"), ("temperature_k", "permittivity"),
                       f"material file {source}: ordering")
        ordering = {"temperature_k": 573.0, "permittivity": 10.0,
                    **{k: _finite(v, HOTTEST) for k, v in raw.get("ordering", {}).items()}}
        if min(ordering.values()) <= 0:
            raise ValueError("not above 0")
    return ordering


def _moving(raw: dict[str, Any], source: Path) -> tuple[str, ...]:
    """Return the mobile elements, each once."""
    with _needs(source, "mobile needs an element, or a list of some"):
        given = raw["mobile"] if isinstance(raw["mobile"], list) else [raw["mobile"]]
        moving = tuple(_text(one) for one in given)
        if not moving or len(set(moving)) < len(moving):
            raise ValueError("no element, or one twice")
    return moving


def _name(raw: dict[str, Any], source: Path) -> str:
    with _needs(source, "name needs letters, digits, _ . + -, at most 60"):
        word = raw["name"]
        name = str(word) if isinstance(word, (str, int)) and not isinstance(word, bool) else ""
        if not NAME.fullmatch(name):
            raise ValueError("no name")
    return name


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("no text")
    return value


def _finite(value: Any, most: float = np.inf) -> float:
    """Return a number as it was given, whole or not; raise ValueError where it is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        value = float(value) if isinstance(value, str) and EXPONENT.fullmatch(value) else np.nan
    if not np.isfinite(value) or abs(value) > most:
        raise ValueError("no number")
    return value


def _cell(raw: dict[str, Any], source: Path) -> np.ndarray:
    """Return the conventional cell, rows are vectors, shape (3, 3), Angstrom."""
    from ase.geometry import cellpar_to_cell

    refuse_unknown(raw["lattice"], LATTICE, f"material file {source}: lattice")
    with _needs(source, f"lattice needs {', '.join(LATTICE)} as numbers"):
        lengths = [_finite(raw["lattice"][key]) for key in LATTICE[:3]]
        angles = [_finite(raw["lattice"][key]) for key in LATTICE[3:]]
    for key, value in zip(LATTICE, (*lengths, *angles), strict=True):
        low, high = ((0.5, LONGEST_ANGSTROM) if key.endswith("angstrom")
                     else (NARROWEST_DEGREE, 180 - NARROWEST_DEGREE))
        if not low <= value <= high:
            raise HavenError(f"material file {source}: lattice {key} is {value:g}, outside {low:g} "
                             f"to {high:g}: give Angstrom and degrees")
    with _needs(source, "lattice angles make no cell: their sum must be below 360 degrees, and "
                "each below the sum of the others"):
        cell = np.asarray(cellpar_to_cell([*lengths, *angles]))
        if not np.isfinite(cell).all() or np.linalg.det(cell) < 1.0:
            raise ValueError("no cell")
    return cell


def _images(raw: dict[str, Any], source: Path, cell: np.ndarray) -> Callable[..., np.ndarray]:
    """Return a function that gives all points of a site: from one by symmetry, or as listed."""
    with _needs(source, "centring needs translations of three fractions each"):
        centring = _points(raw.get("centring", [[0.0, 0.0, 0.0]]))
        if np.abs(centring).max() > 1.0:
            raise ValueError("no fractions")

    def images(site: str, entry: dict[str, Any]) -> np.ndarray:
        both = "positions" in entry and "position" in entry
        given = _points(entry["positions"] if "positions" in entry else [entry["position"]])
        if both:
            raise ValueError("position and positions")
        if np.abs(given).max() > OUTSIDE:
            raise HavenError(f"material file {source}: site {site} has the coordinate "
                             f"{given.ravel()[np.abs(given).argmax()]:g}: give fractions of the "
                             "cell, not per cent or Angstrom")
        if "position" in entry:
            if "space_group" not in raw:
                raise HavenError(f"material file {source}: site {site} has one position: say "
                                 "space_group, or list all its positions")
            try:
                hall = hall_number(str(raw["space_group"]), str(raw.get("setting", "")))
            except HavenError as error:
                raise HavenError(f"material file {source}: {error}") from error
            return expand(given, hall, cell)
        points = ((given[:, None] + centring[None]) % 1.0).reshape(-1, 3)
        twice = repeated(points, cell)
        if twice is not None:
            raise HavenError(f"material file {source}: site {site} has the point "
                             f"{np.round(points[twice[1]], 3).tolist()} twice: list each once"
                             + (", without the images that centring adds"
                                if len(centring) > 1 else ""))
        return points

    return images


def _shares(given: Any) -> dict[str, float]:
    """Return the occupancy of each element on an anion site: one element fills it."""
    if not isinstance(given, dict):
        return {_text(given): 1.0}
    shares = {_text(element): _finite(value) for element, value in given.items()}
    if not shares or min(shares.values()) <= 0 or sum(shares.values()) > 1 + 1e-6:
        raise ValueError("occupancies")
    return shares


def _hubbard(given: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, float]]:
    """Return shells by element, and the share of the study's U of those that have their own."""
    shells, values = {}, {}
    for element, entry in given.items():
        own = entry if isinstance(entry, dict) else {"shell": entry}
        if set(own) - {"shell", "u_ev"} or own["shell"] not in SHELLS:
            raise ValueError("no shell")
        shells[str(element)] = str(own["shell"])
        if "u_ev" in own:
            values[str(element)] = _finite(own["u_ev"], 20.0)
    if values and (len(values) < len(shells) or min(values.values()) <= 0):
        raise ValueError("U of some")
    largest = max(values.values(), default=1.0)
    return shells, {element: value / largest for element, value in values.items()}


def refuse_unknown(given: Any, known: Sequence[str], where: str) -> None:
    """Refuse entries that nothing reads: a misspelt one would silently count as left out.

    Raises
    ------
    HavenError
        Naming the entry, and the one that was probably meant.
    """
    from difflib import get_close_matches

    for key in given if isinstance(given, dict) else ():
        if key not in known:
            near = get_close_matches(str(key), known, 1)
            raise HavenError(f"{where} has an unknown entry {key}: "
                             + (f"did you mean {near[0]}?" if near
                                else f"known are {', '.join(known)}"))


@contextmanager
def _needs(source: Path, what: str) -> Iterator[None]:
    """Refuse the material file where an entry that is read within is of another kind."""
    try:
        yield
    except (AssertionError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise HavenError(f"material file {source}: {what}") from error


def _walls(
    given: dict[str, Any], formula: Mapping[str, float], source: Path
) -> dict[tuple[str, str], float]:
    """Return the checked closest distances of pairs."""
    walls = {}
    for name, value in given.items():
        pair = tuple(str(name).split("-"))
        number = isinstance(value, (int, float)) and 0 < value < 10
        if len(pair) != 2 or not set(pair) <= set(formula) or not number:
            raise HavenError(f"{source}: closest_angstrom has {name}: {value}; write pairs of the "
                             "formula's elements with Angstrom, such as Ti-Ti: 3.3")
        walls[pair[0], pair[1]] = float(value)
    return walls


def _fraction(value: Any) -> float:
    """Return a coordinate: a number, or a fraction written as one, such as ``1/3``."""
    found = FRACTION.fullmatch(value) if isinstance(value, str) else None
    return int(found.group(1)) / int(found.group(2)) if found else _finite(value)


def _points(given: list[list[float]]) -> np.ndarray:
    if not isinstance(given, list) or not all(isinstance(row, list) for row in given):
        raise ValueError("no points")
    points = np.array([[_fraction(value) for value in row] for row in given], float)
    if points.ndim != 2 or points.shape[1] != 3 or not np.isfinite(points).all():
        raise ValueError("no points")
    return points


def _check(material: Material, source: Path) -> None:
    lacking = [one for one in material.moving if one not in material.composition]
    if lacking:
        raise HavenError(f"{source}: mobile element {lacking[0]} is not in {material.formula}")
    anions = material.anion_elements if material.anions else set()
    if not anions or not anions <= set(material.composition):
        raise HavenError(f"{source}: anion_sites need species of {material.formula}, not "
                         f"{', '.join(sorted(anions)) or 'none'}")
    unknown = [s for s in material.composition if s not in material.charges]
    if unknown:
        raise HavenError(f"{source}: charges lack {', '.join(unknown)}")
    if still := [one for one in material.moving if not material.charges[one]]:
        raise HavenError(f"{source}: mobile element {still[0]} has the charge 0, with which it "
                         "carries no current: give the charge of its ion")
    for entry, given in (("charges", material.charges), ("hubbard", material.hubbard),
                         ("moments", {**material.moments, **material.site_moments})):
        foreign = [symbol for symbol in given if symbol not in material.composition]
        if foreign:
            raise HavenError(f"{source}: {entry} names {', '.join(map(str, foreign))}, which is "
                             f"not in {material.formula}")
    letters = {*material.sites, *material.anions}
    for element, by_site in material.site_moments.items():
        if strange := [site for site in by_site if site not in letters]:
            raise HavenError(f"{source}: moments of {element} name site {strange[0]}, which is "
                             f"none of {', '.join(sorted(letters))}")
    if both := sorted(set(material.sites) & set(material.anions)):
        raise HavenError(f"{source}: site {both[0]} is an anion and a cation site: give the two "
                         "names of their own")
    charge = sum(n * material.charges[s] for s, n in material.composition.items())
    positive = sum(n * max(material.charges[s], 0) for s, n in material.composition.items())
    if abs(charge) > ROUNDED_CHARGE * positive:
        raise HavenError(f"{source}: charges of {material.formula} sum to {charge:+g}, not 0")
    _check_anions(material, source)
    for label in material.occupancies:
        site_targets(material, label, str(source))
    _check_packing(material, source)


def _check_anions(material: Material, source: Path) -> None:
    """Refuse anion sites that hold the elements in other proportions than the formula."""
    framework = {element for by in material.occupancies.values() for element in by}
    per_cell = material.anions_per_cell()
    ratios = {element: count / material.composition[element]
              for element, count in per_cell.items() if element not in framework}
    said = ", ".join(f"{per_cell[one]:g} {one} ({ratio:g} formula units)"
                     for one, ratio in ratios.items())
    units = material.units_per_cell
    if any(abs(ratio - units) > 0.01 * units for ratio in ratios.values()):
        raise HavenError(f"{source}: the anion sites hold {said} in a cell, which is no multiple "
                         f"of {material.formula}: a position or an occupancy is missing or wrong")
    whole = all(float(count).is_integer() for count in material.composition.values())
    if whole and abs(units - round(units)) > 0.01:
        raise HavenError(f"{source}: the anion sites hold {said} in a cell: formula units must be "
                         "whole, a position is missing or given twice")


def _check_packing(material: Material, source: Path) -> None:
    """Refuse a cell in which the atoms have far too much or too little room."""
    from ase.data import atomic_numbers, covalent_radii

    filled = sum(count * 4 / 3 * np.pi * float(covalent_radii[atomic_numbers[element]]) ** 3
                 for element, count in material.composition.items())
    filled *= material.units_per_cell / float(np.linalg.det(material.cell))
    low, high = PACKING
    if not low <= filled <= high:
        kind = "loose" if filled < low else "dense"
        raise HavenError(f"{source}: the cell is too {kind} for {material.units_per_cell:g} "
                         f"{material.formula} (atoms fill {filled:.2f} of it, crystals {low:g} to "
                         f"{high:g}): is the lattice in Angstrom, and are all sites listed?")
