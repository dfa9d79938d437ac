"""The symmetry of a CIF: operators that are listed, or those of the space group it names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from haven.core.errors import HavenError
from haven.material.cif.grammar import OPEN, OPERATORS, first_of, read_number
from haven.material.orbits import hall_number

SYMBOLS = ("_space_group_name_h-m_alt", "_symmetry_space_group_name_h-m",
           "_space_group_name_h-m_ref")
NUMBERS = ("_space_group_it_number", "_symmetry_int_tables_number")
HALLS = ("_space_group_name_hall", "_symmetry_space_group_name_hall")
SETTINGS = {"z": "2", "s": "1", "o2": "2", "o1": "1", "h": "H", "r": "R", "hr": "H"}
"""Words behind a symbol, as ICSD and others write them, and spglib's of the same."""
OLD_CUBIC = re.compile(r"([pfi](?:[24][1-3]?/)?[mnad])3((?:2/)?[mncd]?)", re.IGNORECASE)
"""Cubic symbols of older tables, F m 3 m or I 41/a 3 2/d, without the bar of the threefold axis."""
RHOMBOHEDRAL = ("146", "148", "155", "160", "161", "166", "167")
MOST_OPERATORS = 768  # 48 rotations and 4 centrings, in a cell of four
STEPS = 24  # of translations in a cell's length
SAME_METRIC = 0.02  # share of the longest vector squared, by which an operator may change the cell


def operators_of(
    tags: Mapping[str, list[str]], cell: np.ndarray
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return rotations (O, 3, 3) and translations (O, 3) on fractions, and the group's number.

    Raises
    ------
    ValueError
        If symmetry is not told, left open, no group, or not that of the cell (rows, Angstrom).
    """
    import spglib

    symbol = first_of(tags, SYMBOLS)
    number = first_of(tags, NUMBERS)
    texts = next((tags[name] for name in OPERATORS if name in tags), [])
    texts = [text for text in texts if text not in OPEN]
    hall_symbol = first_of(tags, HALLS)
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
                    translation[row] += sign * read_number(bare, "a translation")
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
    if found := OLD_CUBIC.fullmatch(name.replace(" ", "").replace("_", "")):
        name = "-3".join(found.groups())
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
