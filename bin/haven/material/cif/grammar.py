"""The grammar of CIF 1.1: words, loops and blocks of a file, and its numbers.

Hall, Allen and Brown, Acta Cryst. A 47, 655 (1991); tags with dots, as later dictionaries write
them, are taken for those with underscores.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from haven.core.reading import plain

TOKEN = re.compile(r"""'((?:[^'\n]|'(?=\S))*)'(?=\s|$)|"((?:[^"\n]|"(?=\S))*)"(?=\s|$)|(\S+)""")
FRACTION = re.compile(r"[+-]?[0-9]{1,2}/[1-9][0-9]?")
OPERATORS = ("_space_group_symop_operation_xyz", "_symmetry_equiv_pos_as_xyz")
OPEN = (".", "?")  # a value that does not apply, and one that is not known


def read_blocks(text: str) -> dict[str, dict[str, list[str]]]:
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


def read_number(word: str, what: str) -> float:
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


def first_of(tags: Mapping[str, list[str]], names: Sequence[str]) -> str:
    """Return the first value that any of these tags has; an empty text where all are open."""
    held = (tags[name][0] for name in names if tags.get(name))
    return next((word.strip() for word in held if word not in OPEN), "")
