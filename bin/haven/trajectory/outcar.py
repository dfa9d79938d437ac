"""VASP's OUTCAR read strictly: its atoms, and cell, positions and forces of every ionic step.

ASE's reader fails on van der Waals functionals, machine-learned steps and NWRITE = 0, and takes a
number that is damaged half, or leaves a step out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from haven.core.errors import CutOffError, HavenError

# older vdW wording: further columns, an energy "w/o vdW" beside; "(ML)" is no first principle
FORCES = re.compile(r"(?m)^ POSITION\s+TOTAL-FORCE \(eV/Angst\)(?! \(ML\)).*\n\s*-{5,}\s*\n")
ANY_FORCES = re.compile(FORCES.pattern.replace(r"(?! \(ML\))", ""))
CELL = re.compile(r"direct lattice vectors\s+reciprocal lattice vectors\s*\n((?:.*\n){3})")
ITERATION = re.compile(r"Iteration\s+(\d+)\(")
NUMBER = re.compile(r"-?\d+\.\d+")
NUMBERS = re.compile(r"(?:\s*+-?\d++\.\d++)++\s*+")  # and nothing else: columns may touch
INVERSE = 1e-3  # by which the products of printed lattice and reciprocal vectors may fail


def frames(text: str) -> Iterator[tuple[list[str], np.ndarray, np.ndarray]]:
    """Yield elements, positions (A, 3) and cell (3, 3), Angstrom, of every ionic step.

    Steps by a machine-learned potential of VASP's count as any other: ions move in them.

    Raises
    ------
    CutOffError
        At a last step that is not whole.
    HavenError
        If the list of atoms or a step is damaged, or there is none.
    """
    kinds, counts = species_of(text)
    symbols = [kind for kind, count in zip(kinds, counts, strict=True) for _ in range(count)]
    blocks = list(ANY_FORCES.finditer(text))
    begin, cell, before = 0, None, np.empty(0)
    for number, block in enumerate(blocks, 1):
        last = number == len(blocks)
        found = CELL.findall(text, begin, block.start())
        given = cell_vectors(found[-1]) if found else cell
        rows = rows_of(text[block.end():len(text) if last else blocks[number].start()],
                       len(symbols))
        if rows is None and last:
            raise CutOffError(f"step {number} is cut off")
        if given is None or rows is None:
            raise HavenError(f"step {number} is damaged")
        if np.array_equal(rows, before) and not ITERATION.search(text, begin, block.start()) and (
                ITERATION.search(text)):
            raise HavenError(f"step {number} stands twice")
        cell, begin, before = given, block.end(), rows
        yield symbols, rows[:, :3], cell
    steps = {int(step) for step in ITERATION.findall(text)}
    if steps and max(steps) - min(steps) >= len(steps):
        raise HavenError(f"steps {min(steps)} to {max(steps)} are not all there: some are lost")
    if steps and len(steps) > len(blocks):
        # the one step without positions is the last only if it begins behind all that have some
        behind = {int(step) for step in ITERATION.findall(text, blocks[-1].end() if blocks else 0)}
        if max(steps) == len(steps) == len(blocks) + len(behind) and (
                "General timing and accounting" not in text[-20000:]):
            raise CutOffError(f"step {max(steps)} is cut off")
        raise HavenError(f"{len(steps) - len(blocks)} of {len(steps)} steps have no positions: it "
                         "is damaged, or was written with NWRITE = 0")
    if not blocks:
        raise HavenError("it holds no ionic step with positions")


def _element_of_title(title: str) -> str:
    """Return the element of a pseudopotential's title, such as ``PAW_PBE Li_sv 10Sep2004``."""
    words = title.split() or [""]
    return re.split(r"[_.]", words[1] if len(words) > 1 else words[0])[0]


def species_of(text: str) -> tuple[list[str], list[int]]:
    """Return the element and the number of atoms of each species of an OUTCAR."""
    from ase.data import atomic_numbers

    kinds = []
    # NWRITE = 0 leaves the titles out, but names the files in this order
    files = re.findall(r"POTCAR:\s*(.*)", text)
    titles = re.findall(r"TITEL\s*=\s*(.*)", text) or files
    named = re.findall(r"VRHFIN\s*=\s*([A-Za-z]{1,2})", text)
    for place, title in enumerate(titles or named):
        symbol = _element_of_title(title)
        if symbol not in atomic_numbers and place < len(named):
            symbol = named[place]
        kinds.append(symbol)
    total = re.search(r"number of ions\s+NIONS =\s*(\d+)", text)
    counts = re.search(r"ions per type =((?:\s+\d+)+)", text)
    if total is None or counts is None:
        raise HavenError("the list of atoms is missing: it is cut off before the first step")
    per_type = [int(word) for word in counts.group(1).split()]
    if sum(per_type) != int(total.group(1)):
        raise HavenError(f"it lists {sum(per_type)} of {total.group(1)} atoms (VASP prints ten "
                         "kinds at most): give the vasprun.xml of this run")
    both = zip(kinds, named, strict=True) if len(named) == len(kinds) else ()
    strange = next(((kind, name) for kind, name in both
                    if kind != name and name in atomic_numbers), None)
    if strange is not None:
        raise HavenError(f"its pseudopotentials name {strange[0]} where VRHFIN says {strange[1]}: "
                         "it is damaged")
    # the files are named before all titles, some of them once more in front of each
    first = [_element_of_title(file) for file in files[:len(kinds)]]
    if len(first) == len(kinds) and set(first) == set(kinds) and first != kinds:
        raise HavenError(f"its pseudopotentials are {', '.join(first)} by POTCAR, "
                         f"{', '.join(kinds)} by their titles: it is damaged")
    if len(kinds) < len(per_type):
        raise HavenError("its pseudopotentials are not listed: give the vasprun.xml of this run")
    kinds, whole = kinds[:len(per_type)], kinds
    if whole != kinds * (len(whole) // len(kinds)):  # a run gone on with lists them again
        raise HavenError(f"it lists {len(whole)} pseudopotentials ({', '.join(whole[:12])}) for "
                         f"{len(per_type)} kinds of atoms: it is damaged")
    return kinds, per_type


def numbers_of(line: str) -> list[str]:
    """Return the numbers of a line; an empty list where it holds anything else (it is damaged)."""
    return NUMBER.findall(line) if NUMBERS.fullmatch(line) else []


def rows_of(block: str, atoms: int) -> np.ndarray | None:
    """Return positions and forces, shape (N, 6), or None where the block is not whole."""
    lines = block.split("\n", atoms + 1)
    if len(lines) < atoms + 2 or "-----" not in lines[atoms]:
        return None
    rows = [numbers_of(line) for line in lines[:atoms]]
    widths = {len(row) for row in rows}
    return np.array([row[:6] for row in rows], float) if len(widths) == 1 and min(widths) >= 6 \
        else None


def cell_vectors(block: str) -> np.ndarray | None:
    """Return the lattice vectors as rows, shape (3, 3), or None where the block is damaged.

    The reciprocal vectors stand beside them, by which a changed digit is seen.
    """
    rows = [numbers_of(line) for line in block.splitlines()]
    if [len(row) for row in rows] != [6, 6, 6]:
        return None
    both = np.array(rows, float)
    product = both[:, :3] @ both[:, 3:].T
    return both[:, :3] if np.abs(product - np.eye(3)).max() < INVERSE else None
