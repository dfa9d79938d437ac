"""What a line of a CIF's sites is: one element, and the oxidation state that the file gives it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from haven.core.reading.elements import element_by_case, element_labelled
from haven.material.cif.grammar import OPEN

# An element with an isotope or number, or an oxidation state: Li, 7Li, Fe1, Fe3+, O-2, Mn3.5+,
# Fe++; H(SDS) is the dictionary's own example, Fe(III) a usual way.
TYPE = re.compile(r"\d{0,3}([A-Za-z]{1,2})(?:\((?:SDS|[IVX]+)\))?"
                  r"(?:(\d+\.?\d*|\.\d+)?([+-]+)|([+-])(\d+\.?\d*)|\d{0,3})", re.ASCII)
NUMBER = re.compile(r"([+-]?)(\d+\.?\d*)([+-]?)", re.ASCII)
GROUP = re.compile(r"(?:[A-Z][a-z]?\d*)+(?:\d*[+-]+|[+-]\d+)?", re.ASCII)
ISOTOPES = {"D": "H", "T": "H"}
OF_GROUPS = {"H", "C", "N", "O"}
LAST_STABLE = 83  # bismuth; PO and NH in capitals are no polonium and nihonium


def oxidation_numbers(tags: Mapping[str, list[str]]) -> dict[str, float]:
    """Return the oxidation number of each type symbol that a CIF's list of types gives one."""
    found = {}
    for symbol, word in zip(tags.get("_atom_type_symbol", ()),
                            tags.get("_atom_type_oxidation_number", ()), strict=False):
        if told := NUMBER.fullmatch(word):
            before, value, behind = told.groups()
            found[symbol] = float(value) * (-1 if "-" in before + behind else 1)
    return found


def species_of(
    symbol: str, label: str, numbers: Mapping[str, float]
) -> tuple[str, float | None]:
    """Return the element of a line, and its oxidation state; None where the file gives none or 0.

    Parameters
    ----------
    symbol
        Type symbol, which must be that of one element; where it is open the label tells.
    label
        Of the line, whose element may go on with any letters.
    numbers
        From `oxidation_numbers`.

    Raises
    ------
    ValueError
        If it is no element, or several.
    """
    if symbol in OPEN:
        word = re.match(r"[DT](?![A-Za-z])", label)
        element = "H" if word else element_labelled(label) or element_by_case(label)
        state = None
    else:
        element, state = _of_type(symbol)
    if element is None:
        raise ValueError(_refused(symbol if symbol not in OPEN else label))
    return element, numbers.get(symbol, state) or None


def _of_type(symbol: str) -> tuple[str | None, float | None]:
    """Return element and state of a type symbol; None where it is not that of one element."""
    from ase.data import atomic_numbers

    found = TYPE.fullmatch(symbol.replace(" ", "").replace("\u2212", "-"))
    if found is None:
        return None, None
    letters, value, signs, sign, behind = found.groups()
    element = ISOTOPES.get(letters) or element_labelled(letters)
    if element and letters.isupper() and set(letters) <= set(atomic_numbers) and (
            atomic_numbers[element] > LAST_STABLE and len(letters) == 2):
        return None, None
    size = float(behind or value or 0) or (len(signs) if signs and not value else 0.0)
    return element, -size if "-" in (signs or sign or "") else size


def _refused(word: str) -> str:
    """Return why a word is not the symbol of one element, and what to do."""
    shown, names = word[:24], re.findall("[A-Z][a-z]?", word)
    if len(names) < 2 or not all(name == "D" or element_labelled(name) for name in names):
        return (f"{shown} is no element: name it in _atom_site_type_symbol, or leave the line out "
                "where it is a vacancy")
    if GROUP.fullmatch(word) and (re.search(r"\d", word) or OF_GROUPS & set(names)):
        return f"{shown} is a group of atoms: list its atoms, each with its own element"
    number = {2: "two"}.get(len(set(names)), "several")
    return f"{shown} names {number} elements: give a line for each with its occupancy"
