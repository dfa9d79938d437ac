"""Crystallographic information files (CIF), read strictly: cell, symmetry, sites with occupancies.

The grammar is that of CIF 1.1 (Hall, Allen and Brown, Acta Cryst. A 47, 655, 1991); tags with dots,
as later dictionaries write them, are taken for those with underscores. Where ASE's reader would
guess, this one does not: it asks for an origin that the file leaves open, reads ``CL1`` as
chlorine, adds the occupancies of two lines of one element on one site, and refuses a file of
several structures.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from haven.core import plain
from haven.core.elements import element_by_case, element_labelled
from haven.core.errors import HavenError, log
from haven.core.extended_xyz import one_letter_apart
from haven.material.file import LONGEST_ANGSTROM, NARROWEST_DEGREE, OUTSIDE
from haven.material.orbits import SAME_POINT_ANGSTROM, hall_number, once

TOKEN = re.compile(r"""'((?:[^'\n]|'(?=\S))*)'(?=\s|$)|"((?:[^"\n]|"(?=\S))*)"(?=\s|$)|(\S+)""")
OPERATORS = ("_space_group_symop_operation_xyz", "_symmetry_equiv_pos_as_xyz")
SYMBOLS = ("_space_group_name_h-m_alt", "_symmetry_space_group_name_h-m",
           "_space_group_name_h-m_ref")
NUMBERS = ("_space_group_it_number", "_symmetry_int_tables_number")
HALLS = ("_space_group_name_hall", "_symmetry_space_group_name_hall")
SETTINGS = {"z": "2", "s": "1", "o2": "2", "o1": "1", "h": "H", "r": "R", "hr": "H"}
"""Words behind a symbol, as ICSD and others write them, and spglib's of the same."""
RHOMBOHEDRAL = ("146", "148", "155", "160", "161", "166", "167")
SITE_COLUMNS = ("label", "type_symbol", "fract_x", "fract_y", "fract_z", "occupancy",
                "symmetry_multiplicity", "attached_hydrogens", "calc_flag")
CELL_TAGS = tuple(f"_cell_{name}" for name in ("length_a", "length_b", "length_c", "angle_alpha",
                                               "angle_beta", "angle_gamma"))
WEIGHTY = (*(f"_atom_site_{name}" for name in SITE_COLUMNS), *CELL_TAGS, *OPERATORS, *SYMBOLS,
           *NUMBERS, *HALLS)
"""Tags whose loss, when misspelt by a letter, would change the crystal without a word."""
MODULATED = ("_cell_modulation_", "_cell_wave_vector", "_cell_subsystem", "_space_group_ssg_",
             "_space_group_symop_ssg_", "_superspace_", "_atom_site_displace_",
             "_atom_site_fourier", "_atom_site_occ_fourier", "_atom_site_occ_special",
             "_atom_site_rot_fourier", "_atom_site_u_fourier")
"""Tags of crystals in superspace begin so (Madariaga, International Tables G, chapter 3.4)."""
MAGNETIC = ("_space_group_magn_", "_space_group_symop_magn_")  # magCIF, of .mcif
MOMENTS = "_atom_site_moment"
NEAR_ANGSTROM = 0.5  # no two atoms are there at once: less than any bond
LEAST_FULL = 0.98  # occupancy of a site that is filled
SAME_VOLUME = 0.02  # share by which the volume that a file prints may differ from that of its cell
SAME_AMOUNT = 0.1  # share of an element by which its formula may: occupancies are rounded
FRACTION = re.compile(r"[+-]?[0-9]{1,2}/[1-9][0-9]?")
OPEN = (".", "?")
SHORTEST_ANGSTROM = 1.5  # lattice vector; beryllium has 2.3
MOST_SITES, MOST_IMAGES = 1000, 20_000  # lines of a crystal, and their images by its operators
MOST_OPERATORS = 768  # 48 rotations and 4 centrings, in a cell of four
STEPS = 24  # of translations in a cell's length
FULL = 1.02  # occupancy of a site: those of its species are printed with two or three digits
SAME_METRIC = 0.02  # share of the longest vector squared, by which an operator may change the cell


@dataclass(frozen=True)
class CifOrbit:
    """One orbit of a CIF: its points (M, 3) as fractions, and occupancy by element."""

    points: np.ndarray
    occupancy: dict[str, float]


@dataclass(frozen=True)
class CifCrystal:
    """The crystal of a CIF: cell vectors as rows (3, 3), Angstrom; group's number; sites."""

    cell: np.ndarray
    number: int
    sites: list[CifOrbit]


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
            blocks = _blocks(text)
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


def _blocks(text: str) -> dict[str, dict[str, list[str]]]:
    """Return the tags of each block; a single value is a list of one.

    Raises
    ------
    ValueError
        At a loop of sites or operators whose last line is not whole, a tag of cell or symmetry
        without a value, one that stands twice, or a value without a tag.
    """
    blocks: dict[str, dict[str, list[str]]] = {}
    tags: dict[str, list[str]] = {}
    names: list[str] = []  # of the loop that is open
    values: list[str] = []
    looping, single = False, ""

    def close() -> None:
        nonlocal looping
        if looping and names:
            weighty = any(name.startswith(("_atom_site_", *OPERATORS)) and "aniso" not in name
                          for name in names)
            if weighty and len(values) % len(names):
                raise ValueError(f"the loop of {names[0]} has {len(values)} values for "
                                 f"{len(names)} columns: a line is not whole")
            for column, name in enumerate(names):
                if weighty and name in tags:
                    raise ValueError(f"{name} stands twice")
                tags[name] = values[column::len(names)]
        looping = False

    for word, quoted in _tokens(text):
        lower = word.lower()
        if not quoted and lower.startswith("data_"):
            close()
            _valued(single)
            name = word[5:] or "unnamed"
            while name in blocks:
                name += " again"
            tags = blocks[name] = {}
            single = ""
        elif not quoted and lower == "loop_":
            close()
            _valued(single)
            single = ""
            names, values, looping = [], [], True
        elif not quoted and word.startswith("_"):
            tag = lower.replace(".", "_")
            if looping and not values:
                names.append(tag)
                continue
            close()
            _valued(single)
            single = tag
        elif looping:
            values.append(word)
        elif single:
            if single in tags and tags[single] != [word] and single.startswith("_cell_"):
                raise ValueError(f"{single} stands twice")
            tags[single], single = [word], ""
        elif blocks:
            raise ValueError(f"'{word[:40]}' stands where a tag is due")
    close()
    return blocks


def _valued(tag: str) -> None:
    """Refuse a tag of cell or symmetry that the next one follows; others say nothing here."""
    if tag.startswith(("_cell_", "_symmetry_", "_space_group_")):
        raise ValueError(f"{tag} has no value")


def _tokens(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the words of a CIF, and whether each is quoted; comments are left out."""
    lines = iter(text.split("\n"))
    for line in lines:
        if line.startswith(";"):
            held = [line[1:]]
            for more in lines:
                if more.startswith(";"):
                    break
                held.append(more)
            else:
                raise ValueError(f"the text '{held[0].strip()[:40]}', which a ; begins, has no end")
            yield "\n".join(held).strip(), True
            continue
        for found in TOKEN.finditer(line):
            single, double, bare = found.groups()
            if bare is None:
                yield (single if single is not None else double).strip(), True
            elif bare.startswith("#"):
                break
            else:
                yield bare, False


def _number(word: str, what: str) -> float:
    """Return a number without its uncertainty: ``0.25(3)``, ``90.(0)``, ``1/3``."""
    bare = re.sub(r"\(\d+\)?$", "", word)
    above, slash, below = bare.partition("/")
    if slash and not FRACTION.fullmatch(bare):
        raise ValueError(f"{what} is {word[:40]}, which is no number")
    try:
        value = plain.number(above) / (plain.number(below) if slash else 1.0)
    except (ValueError, ZeroDivisionError) as error:
        raise ValueError(f"{what} is {word[:40]}, which is no number") from error
    if not np.isfinite(value):
        raise ValueError(f"{what} is {word[:40]}, which is no number")
    return value


def _crystal(tags: Mapping[str, list[str]]) -> CifCrystal:
    for tag in tags:
        near = next((one for one in WEIGHTY if one_letter_apart(tag, one)), None)
        if near is not None and tag not in WEIGHTY:
            raise ValueError(f"the tag {tag[:60]} is nearly {near}: correct it")
    _check_kind(tags)
    cell = _cell(tags)
    rotations, translations, number = _operators(tags, cell)
    if (count := len(tags["_atom_site_fract_x"])) > MOST_SITES or (
            count * len(rotations) > MOST_IMAGES):
        raise ValueError(f"it has {count} sites of up to {len(rotations)} images: at most "
                         f"{MOST_SITES} and {MOST_IMAGES} in all are read")
    sites: list[CifOrbit] = []
    orders: list[tuple[int, str]] = []
    for label, element, point, share, told in _rows(tags):
        images = np.einsum("oab,b->oa", rotations, point) + translations
        points = once(images, cell)
        orders.append((len(points), told))
        same = next((site for site in sites if len(site.points) == len(points)
                     and _nearest(point, site.points, cell) < SAME_POINT_ANGSTROM), None)
        if same is None:
            sites.append(CifOrbit(points, {element: share}))
        else:  # two lines of one element are ions of unlike valence
            same.occupancy[element] = same.occupancy.get(element, 0.0) + share
        held = (same or sites[-1]).occupancy
        if sum(held.values()) > FULL:
            raise ValueError(f"the site of {label} is filled {sum(held.values()):g} times: "
                             "occupancies must sum to 1 at most")
    _check_multiplicities(orders, len(rotations))
    _check_apart(sites, cell)
    _check_formula(tags, sites)
    return CifCrystal(cell, number, sites)


def _check_kind(tags: Mapping[str, list[str]]) -> None:
    """Refuse a crystal in superspace, and a magnetic one; warn where moments stand beside sites.

    Read as a common CIF the former is its average, which no atom has; the latter's symmetry is that
    of its magnetic cell, which a nuclear space group beside it is not.
    """
    plain_cell = tags.get("_cell_modulation_dimension", ["1"])[0] == "0"
    waves = next((tag for tag in tags if tag.startswith(MODULATED)), None)
    if waves and not plain_cell:
        raise ValueError(f"it is modulated ({waves}): waves that its average cell does not have "
                         "shift or replace its atoms: give a commensurate supercell, or a CIF of "
                         "the average without these tags where that will do")
    if magnetic := next((tag for tag in tags if tag.startswith(MAGNETIC)), None):
        raise ValueError(f"it is a magnetic CIF ({magnetic}), whose symmetry is that of the "
                         "moments: give the CIF of the nuclear crystal, and the moments by "
                         "--moments")
    if any(tag.startswith(MOMENTS) for tag in tags):
        log.warning("the moments of its sites (%s) are not taken: give them by --moments", MOMENTS)


def _check_apart(sites: Sequence[CifOrbit], cell: np.ndarray) -> None:
    """Refuse two full points so near that one atom alone may be there; warn where partial ones are.

    The former are the alternatives of disorder groups without their occupancies; the latter stand
    in averages that are published, of sites that a refinement let overlap.
    """
    from ase.neighborlist import primitive_neighbor_list

    points = np.concatenate([site.points for site in sites])
    filled = np.repeat([sum(site.occupancy.values()) for site in sites],
                       [len(site.points) for site in sites])
    owner = np.repeat(np.arange(len(sites)), [len(site.points) for site in sites])
    first, second, apart = primitive_neighbor_list("ijd", (True,) * 3, cell, points @ cell,
                                                   NEAR_ANGSTROM)
    if not len(first):
        return
    together = filled + np.bincount(first, filled[second], len(points))
    both = filled[first] + filled[second]
    worst = int(np.argmax(both))
    held = ", ".join(sorted({element for one in (int(first[worst]), int(second[worst]))
                             for element in sites[owner[one]].occupancy}))
    where = f"points of {held} {apart[worst]:.2g} Angstrom apart"
    if both[worst] > 2 * LEAST_FULL:
        raise ValueError(f"{where} are both filled: give each alternative its occupancy, or leave "
                         "one out")
    if together.max() > FULL:
        log.warning("%s: of such a group %.3g atoms would be there at once, more than one", where,
                    together.max())


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
            value = _number(word, tag)
            if not low <= value <= high:
                raise ValueError(f"{tag} is {value:g}, outside {low:g} to {high:g}: give Angstrom "
                                 "and degrees")
            values.append(value)
    cell = cellpar_to_cell(values)
    if not np.isfinite(cell).all() or np.linalg.det(cell) < 1e-3:
        raise ValueError("the angles of its cell fit no crystal")
    volume = _first(tags, ("_cell_volume",))
    own = float(np.linalg.det(cell))
    if volume and abs(_number(volume, "_cell_volume") / own - 1) > SAME_VOLUME:
        raise ValueError(f"_cell_volume is {volume}, its lengths and angles give {own:.6g} "
                         "Angstrom^3: one of them is wrong")
    return cell


def _rows(
    tags: Mapping[str, list[str]]
) -> Iterator[tuple[str, str, np.ndarray, float, str]]:
    """Yield label, element, point, occupancy and told multiplicity of each line of sites."""
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
        point = np.array([0.0 if word == "." else _number(word, f"a coordinate of {label}")
                          for word in words])
        if np.abs(point).max() > OUTSIDE:
            raise ValueError(f"a coordinate of {label} is {point[np.abs(point).argmax()]:g}, which "
                             "is no fraction of the cell: is it in Angstrom or per cent?")
        word = given["occupancy"]
        if word == "?":
            raise ValueError(f"the occupancy of {label} is unknown (?): add it")
        share = 1.0 if word == "." else _number(word, f"the occupancy of {label}")
        if not 0 < share <= FULL:
            raise ValueError(f"{label} has the occupancy {share:g}: it must be above 0 and at most "
                             "1")
        yield label, _element(given["type_symbol"], label), point, share, (
            given["symmetry_multiplicity"])


def _element(symbol: str, label: str) -> str:
    word = symbol if symbol not in OPEN else label
    if re.match(r"[DT](?![A-Za-z])", word):  # deuterium, tritium
        return "H"
    found = element_labelled(word) or element_by_case(word)
    if found is None:
        raise ValueError(f"{word[:24]} is no element: name it in _atom_site_type_symbol, or leave "
                         "the line out where it is a vacancy")
    return found


def _operators(
    tags: Mapping[str, list[str]], cell: np.ndarray
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return rotations (O, 3, 3) and translations (O, 3) on fractions, and the group's number."""
    import spglib

    symbol = _first(tags, SYMBOLS)
    number = _first(tags, NUMBERS)
    texts = next((tags[name] for name in OPERATORS if name in tags), [])
    texts = [text for text in texts if text not in OPEN]
    hall_symbol = _first(tags, HALLS)
    trivial = _bare(symbol) in ("", "p1") and number in ("", "1") and (
        _bare(hall_symbol) in ("", "p1"))
    if trivial and not (symbol or number or hall_symbol or texts):
        raise ValueError("it says nothing of its symmetry: add _space_group_name_H-M_alt, 'P 1' "
                         "where every atom is listed")
    if texts and (len(texts) > 1 or trivial):
        rotations, translations = _parsed(texts)
    elif trivial:
        rotations, translations = np.eye(3, dtype=int)[None], np.zeros((1, 3))
    else:
        hall = _hall(symbol, number, hall_symbol, cell)
        found = spglib.get_symmetry_from_database(hall)
        if found is None:
            raise ValueError(f"its space group {symbol or number} is not known")
        rotations, translations = found["rotations"], found["translations"]
    if not _keeps(rotations, cell):
        raise ValueError(f"its symmetry ({symbol or number or 'operators'}) is not that of its "
                         "cell: one of them is wrong")
    kind = spglib.get_spacegroup_type_from_symmetry(rotations, translations, cell)
    found_number = kind.number if kind is not None else 1
    _check_group(symbol, number, hall_symbol, found_number, cell)
    return rotations, translations, found_number


def _bare(symbol: str) -> str:
    return symbol.replace(" ", "").replace("_", "").lower()


def _check_group(
    symbol: str, number: str, hall_symbol: str, found: int, cell: np.ndarray
) -> None:
    """Refuse a file whose names of the space group, where they are known ones, are of others."""
    import spglib

    told = {number: int(number) if re.fullmatch("[0-9]{1,3}", number) else None}
    for name, of_hall in ((symbol, ""), ("", hall_symbol)):
        try:
            kind = spglib.get_spacegroup_type(_hall(name, "", of_hall, cell))
        except (HavenError, ValueError):
            continue  # a wording of its own
        told[name or of_hall] = kind.number if kind is not None else None
    others = {name: value for name, value in told.items() if name and value not in (None, found)}
    if others:
        raise ValueError(f"its symmetry is of space group {found}, but it names "
                         f"{', '.join(others)}: correct what is wrong")


def _first(tags: Mapping[str, list[str]], names: Sequence[str]) -> str:
    held = (tags[name][0] for name in names if tags.get(name))
    return next((word.strip() for word in held if word not in OPEN), "")


def _parsed(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the operators that texts such as ``-y+1/2, x-y, z`` name; they must be a group."""
    if len(texts) > MOST_OPERATORS:
        raise ValueError(f"it has {len(texts)} operators of symmetry, no cell has more than "
                         f"{MOST_OPERATORS}")
    rotations, translations = [], []
    for text in texts:
        parts = text.lower().replace(" ", "").split(",")
        rotation, translation = np.zeros((3, 3), int), np.zeros(3)
        if len(parts) != 3:
            raise ValueError(f"'{text[:40]}' is no operator of symmetry")
        for row, part in enumerate(parts):
            terms = re.findall(r"[+-]?(?:[xyz]|[\d.]+(?:/[\d.]+)?)", part)
            if not part or "".join(terms) != part:
                raise ValueError(f"'{text[:40]}' is no operator of symmetry")
            for term in terms:
                sign = -1 if term[0] == "-" else 1
                bare = term.lstrip("+-")
                if bare in "xyz":
                    rotation[row, "xyz".index(bare)] += sign
                else:
                    translation[row] += sign * _number(bare, "a translation")
        if abs(round(np.linalg.det(rotation))) != 1:
            raise ValueError(f"'{text[:40]}' is no operator of symmetry")
        rotations.append(rotation)
        translations.append(translation)
    _check_closed(np.array(rotations), np.array(translations))
    return np.array(rotations), np.array(translations)


def _check_closed(rotations: np.ndarray, translations: np.ndarray) -> None:
    """Refuse operators of which two, one after the other, are none of them: a line is lost.

    Translations are held against multiples of a 24th, of which those of all groups are.
    """
    shifts = np.round(STEPS * translations).astype(int) % STEPS
    every = np.concatenate([rotations.reshape(-1, 9), shifts], axis=1)
    turned = np.einsum("oab,pbc->opac", rotations, rotations).reshape(-1, 9)
    moved = (np.einsum("oab,pb->opa", rotations, shifts) + shifts[:, None]) % STEPS
    both = np.concatenate([turned, moved.reshape(-1, 3)], axis=1)
    if {row.tobytes() for row in every} != {row.tobytes() for row in np.unique(both, axis=0)}:
        raise ValueError(f"its {len(every)} operators of symmetry are no group: one is lost, or "
                         "wrong")


def _hall(symbol: str, number: str, hall_symbol: str, cell: np.ndarray) -> int:
    """Return spglib's Hall number of a group that a file names without its operators.

    Raises
    ------
    HavenError, ValueError
        If there is none, or symbol and number leave the origin open.
    """
    import spglib
    from ase.io.cif import old_spacegroup_names

    if hall_symbol:
        for hall in range(1, 531):
            kind = spglib.get_spacegroup_type(hall)
            if kind and _bare(kind.hall_symbol) == _bare(hall_symbol):
                return hall
    if not symbol and not number:
        raise ValueError(f"its Hall symbol {hall_symbol[:40]} is not known: add the space group's "
                         "symbol or number, or the operators")
    name, _, setting = symbol.partition(":")
    if not setting and (found := re.fullmatch(r"(.*\S)\s+(Z|S|O1|O2|H|R|HR)", name)):
        name, setting = found.groups()
    name = old_spacegroup_names.get(name, name)
    setting = SETTINGS.get(setting.strip().lower(), setting.strip())
    rhombohedral = abs(np.linalg.norm(cell, axis=1) - np.linalg.norm(cell[0])).max() < 0.01 and (
        abs(float(cell[0] @ cell[1])) > 1e-3) and not _keeps(np.array([[[0, -1, 0], [1, -1, 0],
                                                                       [0, 0, 1]]]), cell)
    wanted = name or number
    if not setting and (name.upper().startswith("R") or number in RHOMBOHEDRAL):
        setting = "R" if rhombohedral else "H"
    try:
        return hall_number(wanted, setting)
    except HavenError as error:
        raise ValueError(f"it has no operators of symmetry, and {error}; add the operators "
                         "(_symmetry_equiv_pos_as_xyz)") from error


def _keeps(rotations: np.ndarray, cell: np.ndarray) -> bool:
    """Tell whether rotations on fractions leave the lengths and angles of a cell as they are."""
    metric = cell @ cell.T
    turned = np.einsum("oba,bc,ocd->oad", rotations, metric, rotations)
    return bool(np.abs(turned - metric).max() < SAME_METRIC * np.diag(metric).max())


def _nearest(point: np.ndarray, others: np.ndarray, cell: np.ndarray) -> float:
    step = others - point
    step -= np.round(step)
    return float(np.linalg.norm(step @ cell, axis=1).min())


def _check_multiplicities(found: Sequence[tuple[int, str]], operators: int) -> None:
    """Refuse sites with other images than the file says; SHELX says the order of the site there."""
    told = [(count, int(word)) for count, word in found if word.isdecimal()]
    if not told or all(count == value for count, value in told) or (
            all(count * value == operators for count, value in told)):
        return
    if all(value == 1 for _, value in told):  # a default that says nothing
        return
    count, value = next(one for one in told if one[0] != one[1])
    raise ValueError(f"a site of multiplicity {value} has {count} images by its symmetry: one of "
                     "them, or a coordinate, is wrong")


def _check_formula(tags: Mapping[str, list[str]], sites: Sequence[CifOrbit]) -> None:
    """Refuse sites of other elements than the file's own formula names."""
    formula = _first(tags, ("_chemical_formula_sum",))
    named = {"H" if word in ("D", "T") else word for word in re.findall(r"[A-Z][a-z]?", formula)}
    here = {element for site in sites for element in site.occupancy}
    if not named or any(element_labelled(word) is None for word in named):
        return
    if named == here:
        _say_amounts(formula, sites)
        return
    if extra := sorted(here - named):
        raise ValueError(f"its sites hold {', '.join(extra)}, which its formula ({formula[:60]}) "
                         "does not have: correct one of them")
    lacking = sorted(named - here)
    raise ValueError(f"no site holds {', '.join(lacking)} of its formula ({formula[:60]}): add "
                     "the sites, or correct _chemical_formula_sum")


def _say_amounts(formula: str, sites: Sequence[CifOrbit]) -> None:
    """Warn where the sites hold an element in another share than the file's formula says."""
    told: dict[str, float] = {}
    for word, amount in re.findall(r"([A-Z][a-z]?)\s*(\d*\.?\d*)", formula):
        element = "H" if word in ("D", "T") else word
        told[element] = told.get(element, 0.0) + float(amount if amount.strip(".") else 1.0)
    found = dict.fromkeys(told, 0.0)
    for site in sites:
        for element, share in site.occupancy.items():
            found[element] += share * len(site.points)
    if not all(told.values()):
        return
    ratios = {element: found[element] / amount for element, amount in told.items()}
    usual = max(ratios.values(), key=lambda one: (sum(
        abs(ratio / one - 1) <= SAME_AMOUNT for ratio in ratios.values()), one))
    others = [f"{found[element] / usual:.3g} {element}" for element, ratio in ratios.items()
              if abs(ratio / usual - 1) > SAME_AMOUNT]
    if others:
        log.warning("its sites hold %s where its formula says %s: is a site or an occupancy "
                    "missing?", ", ".join(others), formula[:80])
