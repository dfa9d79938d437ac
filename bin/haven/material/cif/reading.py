"""Crystallographic information files (CIF), read strictly: cell, symmetry, sites with occupancies.

Where ASE's reader would guess, this one does not: it asks for an origin that the file leaves open,
reads ``CL1`` as chlorine, adds the occupancies of two lines of one element on one site, and refuses
a file of several structures.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path

import numpy as np

from haven.core.errors import HavenError, log
from haven.core.reading import plain
from haven.material.cif.checks import (
    FULL,
    SITE_COLUMNS,
    check_apart,
    check_formula,
    check_kind,
    check_multiplicities,
    check_tags,
)
from haven.material.cif.crystal import CifCrystal, CifLine, CifOrbit
from haven.material.cif.grammar import OPEN, first_of, read_blocks, read_number
from haven.material.cif.operators import NUMBERS, SYMBOLS, operators_of
from haven.material.cif.species import oxidation_numbers, species_of
from haven.material.file import LONGEST_ANGSTROM, NARROWEST_DEGREE, OUTSIDE
from haven.material.orbits import SAME_POINT_ANGSTROM, once

SAME_VOLUME = 0.02  # share by which the volume that a file prints may differ from that of its cell
SHORTEST_ANGSTROM = 1.5  # lattice vector; beryllium has 2.3
MOST_SITES, MOST_IMAGES = 1000, 20_000  # lines of a crystal, and their images by its operators


def read_cif(source: Path) -> CifCrystal:
    """Return the crystal of a CIF.

    Raises
    ------
    HavenError
        Naming the file: if it holds no structure or several, a number is none, an element or the
        symmetry is left open, or its sites are not those that its own formula names.
    """
    raw = source.read_bytes()
    text = raw.decode("utf-8-sig", errors="replace").rstrip("\x1a\x00\r\n")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise ValueError("it is written in UTF-16: save it as UTF-8")
        plain.without_controls(text)
        try:
            blocks = read_blocks(text)
        except ValueError as error:
            if not text.startswith("#\\#CIF_2"):
                raise
            raise ValueError(f"{error}; it is CIF 2.0, whose lists and threefold quotes are not "
                             "read: save it as CIF 1.1") from error
        placed = {name: tags for name, tags in blocks.items() if _has_sites(tags)}
        if not placed:
            other = any("_atom_site_cartn_x" in tags for tags in blocks.values())
            raise ValueError("it holds no crystal" + (
                ": its atoms are in Angstrom, as those of molecules: give fractions of the cell"
                if other else ": no block has a site with _atom_site_fract_x"))
        if len(placed) > 1:
            raise ValueError(f"it holds {len(placed)} crystals ({', '.join(list(placed)[:4])}): "
                             "keep the block of one")
        return _crystal(next(iter(placed.values())))
    except ValueError as error:
        raise HavenError(f"{source} cannot be read as a CIF: {error}") from error
    except HavenError as error:
        raise HavenError(f"{source}: {error}") from error


def _has_sites(tags: Mapping[str, list[str]]) -> bool:
    return any(word not in OPEN for word in tags.get("_atom_site_fract_x", ()))


def _crystal(tags: Mapping[str, list[str]]) -> CifCrystal:
    check_tags(tags)
    check_kind(tags)
    cell = _cell(tags)
    rotations, translations, number = operators_of(tags, cell)
    if (count := len(tags["_atom_site_fract_x"])) > MOST_SITES or (
            count * len(rotations) > MOST_IMAGES):
        raise ValueError(f"it has {count} sites of up to {len(rotations)} images: at most "
                         f"{MOST_SITES} and {MOST_IMAGES} in all are read")
    orbits: list[tuple[np.ndarray, list[CifLine]]] = []
    for line in _lines(tags):
        images = np.einsum("oab,b->oa", rotations, line.point) + translations
        points = once(images, cell)
        same = next((held for known, held in orbits if len(known) == len(points)
                     and _apart(line.point, known, cell).min() < SAME_POINT_ANGSTROM), None)
        if same is None:
            orbits.append((points, [line]))
        else:
            same.append(line)
    group = first_of(tags, (*SYMBOLS, *NUMBERS)) or "operators"
    if _all_listed(orbits, cell):
        log.warning("it lists every atom beside its symmetry (%s): images of one are taken once",
                    group)
        orbits = [(points, [line for line in held if _apart(
            line.point, held[0].point[None], cell)[0] < SAME_POINT_ANGSTROM])
            for points, held in orbits]
    sites = [_site(points, held, cell, group) for points, held in orbits]
    check_multiplicities([(len(points), line.multiplicity) for points, held in orbits
                          for line in held], len(rotations))
    check_apart(sites, cell)
    check_formula(tags, sites)
    return CifCrystal(cell, number, sites, _states(orbits))


def _all_listed(
    orbits: Sequence[tuple[np.ndarray, Sequence[CifLine]]], cell: np.ndarray
) -> bool:
    """Tell whether the lines name every image of every atom, as those of a crystal in P 1 do."""
    for points, held in orbits:
        here: dict[int, list[tuple[str, float, float]]] = {}
        for line in held:
            place = int(_apart(line.point, points, cell).argmin())
            here.setdefault(place, []).append((line.element, line.share, line.state or 0.0))
        first, *others = (sorted(kinds) for kinds in here.values())
        if len(here) < len(points) or any(kinds != first for kinds in others):
            return False
    return any(len(points) > 1 for points, _ in orbits)


def _site(
    points: np.ndarray, held: Sequence[CifLine], cell: np.ndarray, group: str
) -> CifOrbit:
    """Return the site of some lines; two of one element are ions of unlike valence."""
    site = CifOrbit(points, {}, {})
    for line in held:
        for kind, more in ((site.occupancy, line.share), (site.rounding, line.rounding)):
            kind[line.element] = kind.get(line.element, 0.0) + more
        if (filled := sum(site.occupancy.values())) <= FULL:
            continue
        twin = next((one for one in held if _apart(line.point, one.point[None], cell)[0]
                     > SAME_POINT_ANGSTROM), None)
        if twin is None:
            raise ValueError(f"the site of {line.label} is filled {filled:g} times: occupancies "
                             "must sum to 1 at most")
        raise ValueError(f"{twin.label} and {line.label} are images of each other by its symmetry "
                         f"({group}) and fill their site {filled:g} times: keep one of them, or "
                         "write P 1 where every atom is listed")
    return site


def _states(orbits: Sequence[tuple[np.ndarray, Sequence[CifLine]]]) -> dict[str, float]:
    """Return the mean oxidation state of each element that has one on every line."""
    told: dict[str, list[tuple[float, float | None]]] = {}
    for points, held in orbits:
        for line in held:
            told.setdefault(line.element, []).append((len(points) * line.share, line.state))
    found = {}
    for element, lines in told.items():
        known = [(atoms, state) for atoms, state in lines if state is not None]
        if len(known) == len(lines):
            found[element] = round(sum(atoms * state for atoms, state in known)
                                   / sum(atoms for atoms, _ in known), 6)
    return found


def _cell(tags: Mapping[str, list[str]]) -> np.ndarray:
    from ase.geometry import cellpar_to_cell

    values = []
    for kind, names, low, high in (
            ("length", "abc", SHORTEST_ANGSTROM, LONGEST_ANGSTROM),
            ("angle", ("alpha", "beta", "gamma"), NARROWEST_DEGREE, 180 - NARROWEST_DEGREE)):
        for name in names:
            tag = f"_cell_{kind}_{name}"
            word, *others = tags.get(tag, ["?"])
            if set(others) - {word}:
                raise ValueError(f"{tag} has {1 + len(others)} values: keep the cell of one "
                                 "measurement")
            if word in OPEN:
                raise ValueError(f"it has no {tag}: it is no crystal, or not whole")
            value = read_number(word, tag)
            if not low <= value <= high:
                raise ValueError(f"{tag} is {value:g}, outside {low:g} to {high:g}: give Angstrom "
                                 "and degrees")
            values.append(value)
    cell = cellpar_to_cell(values)
    if not np.isfinite(cell).all() or np.linalg.det(cell) < 1e-3:
        raise ValueError("the angles of its cell fit no crystal")
    volume = first_of(tags, ("_cell_volume",))
    own = float(np.linalg.det(cell))
    if volume and abs(read_number(volume, "_cell_volume") / own - 1) > SAME_VOLUME:
        raise ValueError(f"_cell_volume is {volume}, its lengths and angles give {own:.6g} "
                         "Angstrom^3: one of them is wrong")
    return cell


def _lines(tags: Mapping[str, list[str]]) -> Iterator[CifLine]:
    """Yield each line of sites."""
    numbers = oxidation_numbers(tags)
    count = len(tags["_atom_site_fract_x"])
    columns = {}
    for name in SITE_COLUMNS:
        if name.startswith("fract_") and f"_atom_site_{name}" not in tags:
            raise ValueError(f"its sites have no _atom_site_{name}")
        held = tags.get(f"_atom_site_{name}", ["."] * count)
        if len(held) != count:
            raise ValueError(f"it has {len(held)} of _atom_site_{name} for {count} sites")
        columns[name] = held
    for row in range(count):
        given = {name: values[row] for name, values in columns.items()}
        label = given["label"] if given["label"] not in OPEN else given["type_symbol"]
        if given["calc_flag"] == "dum":
            continue
        if given["attached_hydrogens"] not in (*OPEN, "0"):
            raise ValueError(f"{label} has hydrogen attached that has no site of its own: add it")
        words = [given[f"fract_{axis}"] for axis in "xyz"]
        if "?" in words:
            raise ValueError(f"a coordinate of {label} is unknown (?): add it, or leave the line "
                             "out")
        # "." is 0, the default of the dictionary; ICSD once wrote so
        point = np.array([0.0 if word == "." else read_number(word, f"a coordinate of {label}")
                          for word in words])
        if np.abs(point).max() > OUTSIDE:
            raise ValueError(f"a coordinate of {label} is {point[np.abs(point).argmax()]:g}, which "
                             "is no fraction of the cell: is it in Angstrom or per cent?")
        word = given["occupancy"]
        if word == "?":
            raise ValueError(f"the occupancy of {label} is unknown (?): add it")
        share = 1.0 if word == "." else read_number(word, f"the occupancy of {label}")
        if not 0 < share <= FULL:
            raise ValueError(f"{label} has the occupancy {share:g}: it must be above 0 and at most "
                             "1")
        element, state = species_of(given["type_symbol"], label, numbers)
        yield CifLine(label, element, state, point, share, _half_digit(word),
                      given["symmetry_multiplicity"])


def _half_digit(word: str) -> float:
    """Return half of the last digit of an occupancy's text; fewer than two digits stand for two."""
    try:
        digits = -int(Decimal(word.partition("(")[0]).as_tuple().exponent)
    except (InvalidOperation, ValueError):  # a fraction, or left open
        digits = 6 if "/" in word else 0
    return 0.5 * 10.0 ** -max(2, digits)


def _apart(point: np.ndarray, others: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """Return the distances (M,) of a point to the nearest images of others (M, 3), Angstrom."""
    step = others - point
    step -= np.round(step)
    return np.linalg.norm(step @ cell, axis=1)
