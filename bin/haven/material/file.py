"""Reading and checking a material file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import index
from pathlib import Path
from typing import Any

import numpy as np

from haven.core.errors import HavenError, existing
from haven.material.crystal import Material, site_targets

KNOWN = ("name", "formula", "space_group", "lattice", "centring", "mobile", "charges", "moments",
         "hubbard", "anion_sites", "cation_sites", "closest_angstrom", "occupancies", "ordering")
REQUIRED = ("name", "formula", "lattice", "mobile", "charges", "anion_sites", "cation_sites",
            "occupancies")


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
    import yaml

    source = existing(path, "material file")
    try:
        raw: Any = yaml.safe_load(source.read_text())
    except yaml.YAMLError as error:
        raise HavenError(f"material file {source} is no YAML: {' '.join(str(error).split())}"
                         ) from error
    missing = [key for key in REQUIRED if not isinstance(raw, dict) or key not in raw]
    if missing:
        raise HavenError(f"material file {source} lacks {', '.join(missing)}: "
                         "see assets/materials/li3ticl6.yml")
    refuse_unknown(raw, KNOWN, f"material file {source}")
    material = _material(raw, source)
    _check(material, source)
    return material


def _material(raw: dict[str, Any], source: Path) -> Material:
    """Return what the entries of a material file say, each of its kind."""
    from ase.formula import Formula
    from ase.geometry import cellpar_to_cell

    keys = ("a_angstrom", "b_angstrom", "c_angstrom", "alpha_degree", "beta_degree",
            "gamma_degree")
    with _needs(source, f"lattice needs {', '.join(keys)} as numbers"):
        cell = np.asarray(cellpar_to_cell([float(raw["lattice"][key]) for key in keys]))
    with _needs(source, "formula needs element symbols and counts, such as Li3TiCl6"):
        formula = Formula(raw["formula"]).count()
    with _needs(source, "centring needs translations of three fractions each"):
        centring = _points(raw.get("centring", [[0.0, 0.0, 0.0]]))
    with _needs(source, "cation_sites need a layer (a number) and positions (three fractions each) "
                "for every site"):
        sites = {k: _orbit(v["positions"], centring) for k, v in raw["cation_sites"].items()}
        layers = {k: float(v["layer"]) for k, v in raw["cation_sites"].items()}
    with _needs(source, "anion_sites need a species and positions (three fractions each) for every "
                "site"):
        anions = {k: (str(v["species"]), _orbit(v["positions"], centring))
                  for k, v in raw["anion_sites"].items()}
    with _needs(source, "charges need a whole number for every element, such as Ti: 3"):
        charges = {k: index(v) for k, v in raw["charges"].items()}
    with _needs(source, "moments need a number for every element, such as Ti: 1.0"):
        moments = {k: float(v) for k, v in raw.get("moments", {}).items()}
    with _needs(source, "hubbard needs a shell for every element, such as Ti: d"):
        hubbard = {k: str(v) for k, v in raw.get("hubbard", {}).items()}
    with _needs(source, "occupancies need numbers by set, element and site, such as "
                "default: {Ti: {2a: 0.75, 4g: 0.125}}"):
        occupancies = {label: {element: {k: float(v) for k, v in by_site.items()}
                               for element, by_site in by_element.items()}
                       for label, by_element in raw["occupancies"].items()}
    with _needs(source, "ordering needs temperature_k and permittivity as numbers"):
        ordering = {"temperature_k": 573.0, "permittivity": 10.0,
                    **{k: float(v) for k, v in raw.get("ordering", {}).items()}}
    with _needs(source, "closest_angstrom needs pairs with Angstrom, such as Ti-Ti: 3.3"):
        closest = _walls(raw.get("closest_angstrom") or {}, formula, source)
    return Material(
        name=str(raw["name"]), formula=str(raw["formula"]), cell=cell, sites=sites, layers=layers,
        anions=anions, mobile=str(raw["mobile"]), charges=charges, moments=moments,
        hubbard=hubbard, occupancies=occupancies, composition=formula, ordering=ordering,
        closest=closest)


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
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise HavenError(f"material file {source}: {what}") from error


def _walls(
    given: dict[str, Any], formula: Mapping[str, int], source: Path
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


def _points(given: list[list[float]]) -> np.ndarray:
    points = np.array(given, float)
    if points.ndim != 2 or points.shape[1] != 3 or not np.isfinite(points).all():
        raise ValueError("no points")
    return points


def _orbit(positions: list[list[float]], centring: np.ndarray) -> np.ndarray:
    return ((_points(positions)[:, None] + centring[None]) % 1.0).reshape(-1, 3)


def _check(material: Material, source: Path) -> None:
    if material.mobile not in material.composition:
        raise HavenError(f"{source}: mobile element {material.mobile} is not in {material.formula}")
    anions = {element for element, _ in material.anions.values()}
    if not anions or not anions <= set(material.composition):
        raise HavenError(f"{source}: anion_sites need species of {material.formula}, not "
                         f"{', '.join(sorted(anions)) or 'none'}")
    unknown = [s for s in material.composition if s not in material.charges]
    if unknown:
        raise HavenError(f"{source}: charges lack {', '.join(unknown)}")
    for entry, given in (("charges", material.charges), ("moments", material.moments),
                         ("hubbard", material.hubbard)):
        foreign = [symbol for symbol in given if symbol not in material.composition]
        if foreign:
            raise HavenError(f"{source}: {entry} names {', '.join(map(str, foreign))}, which is "
                             f"not in {material.formula}")
    charge = sum(n * material.charges[s] for s, n in material.composition.items())
    if charge:
        raise HavenError(f"{source}: charges of {material.formula} sum to {charge:+d}, not 0")
    for label in material.occupancies:
        site_targets(material, label, str(source))
