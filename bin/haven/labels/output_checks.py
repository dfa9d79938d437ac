"""Whether text outputs of first-principles programs are whole, before libraries read them.

Those read what they find: a line that is lost or doubled moves every later one to another atom, and
``1_0`` is 10. Each check wants the lists of atoms, lattice vectors and forces as long as the output
says, in order, and every line of them with its numbers and no others.
"""

from __future__ import annotations

import re

import numpy as np

from haven.core import plain
from haven.core.errors import HavenError


def check_gpaw(text: str) -> None:
    """Refuse an output of GPAW whose positions, cell or forces are not whole.

    Raises
    ------
    HavenError
        Naming what is damaged.
    """
    try:
        for block in re.findall(r"^Unit cell:.*\n.*\n((?:.*axis:.*\n)*)", text, re.M):
            axes = [line.split() for line in block.splitlines()]
            _in_turn([words[0].rstrip(".") for words in axes], 3, "lattice vector")
            for words in axes:
                plain.row(" ".join(words[3:]), 5, f"axis {words[0]}")
        count = 0
        for title, least in (("Positions:", 5), ("Forces in eV/Ang:", 5)):
            for block in re.findall(rf"^{title}.*\n((?:\s*\d+\s+[A-Z].*\n)*)", text, re.M):
                lines = [line.split() for line in block.splitlines()]
                count = count or len(lines)
                _in_turn([str(plain.whole(words[0]) + 1) for words in lines], count, "atom")
                for words in lines:
                    end = words[2:5] if title == "Positions:" else words[2:]
                    if len(words) < least:
                        raise ValueError(f"{title} has the line '{' '.join(words)[:40]}'")
                    plain.row(" ".join(end), 3, title)
    except ValueError as error:
        raise HavenError(f"{error}: it is damaged") from error


def check_espresso(text: str) -> None:
    """Refuse an output of Quantum ESPRESSO whose lists of atoms, cells or forces are not whole.

    ASE reads what it finds: of an atom that stands twice another is lost.

    Raises
    ------
    HavenError
        Naming what is damaged.
    """
    try:
        for part in re.split(r"(?=Program PWSCF)", text)[1:]:
            told = re.search(r"number of atoms/cell\s*=\s*(\d+)\s*$", part, re.M)
            count = int(told.group(1)) if told else 0
            sites = re.findall(r"^\s*(\S+)\s+\S+\s+tau\(\s*(\S+)\s*\) = \((.*)\)\s*$", part, re.M)
            # again in crystal axes, and both again where the cell relaxed and ends in another run
            _each_in_turn([one for one, _, _ in sites], count, "site")
            axes = re.findall(r"^\s*a\((\S+)\) = \((.*)\)\s*$", part, re.M)
            _each_in_turn([one for one, _ in axes], 3, "lattice vector")
            forces = re.findall(r"^\s*atom\s+(\S+)\s+type\s+\d+\s+force =(.*)$", part, re.M)
            for start in range(0, len(forces), count):
                _in_turn([one for one, _ in forces[start : start + count]], count, "force")
            for what, line in (*((f"site {one}", rest) for one, _, rest in sites),
                               *((f"lattice vector {one}", rest) for one, rest in axes),
                               *((f"the force on atom {one}", rest) for one, rest in forces)):
                plain.row(line, 3, what)
            for block in re.findall(r"(?m)^\s*CELL_PARAMETERS *[({].*\n((?:.*\n){3})", part):
                plain.rows(block.splitlines(), 3, "CELL_PARAMETERS")
            for block in re.findall(
                    rf"(?m)^\s*ATOMIC_POSITIONS *[({{].*\n((?:.*\n){{{count}}})", part):
                for line in block.splitlines():
                    plain.row(" ".join(line.split()[1:4]), 3, "ATOMIC_POSITIONS")
            for told, block in re.findall(
                    r"total +stress.*\(kbar\) +P=(.*)\n((?:[ \t]*[-+.\d].*\n)*)", part):
                stress = plain.rows(block.splitlines(), 6, "total stress")[:, 3:]
                pressure = plain.row(told, 1, "the pressure")[0]
                if stress.shape != (3, 3) or np.abs(stress - stress.T).max() > 0.011 or (
                        abs(np.trace(stress) / 3 - pressure) > 0.011):
                    raise ValueError("total stress is not symmetric, or not of its pressure")
            for line in re.findall(r"^!\s+total energy\s+=(.*)Ry\s*$", part, re.M):
                plain.row(line, 1, "total energy")
    except ValueError as error:
        raise HavenError(f"{error}: it is damaged") from error


def _in_turn(numbers: list[str], count: int, what: str) -> None:
    if not count or numbers != [str(number) for number in range(1, count + 1)]:
        raise ValueError(f"it lists {len(numbers)} {what}s where {count} are due, in their order")


def _each_in_turn(numbers: list[str], count: int, what: str) -> None:
    """Refuse lists that follow one another unless each is whole; one is due at least."""
    for start in range(0, max(len(numbers), 1), count or 1):
        _in_turn(numbers[start : start + count], count, what)


def check_cp2k(text: str) -> list[str]:
    """Refuse an output of CP2K whose cell, atoms or forces are not whole: dpdata takes pieces.

    CP2K prints the lengths of the lattice vectors, and from 2025 on those of the forces, beside
    them.

    Returns
    -------
    list of str
        Element of each atom, which CP2K prints beside its kind.

    Raises
    ------
    HavenError
        Naming what is damaged.
    """
    last = text[max(text.rfind("Multiplication driver"), 0):]
    told = re.search(r"- Atoms:\s+(\d+)\s*$", last, re.M)
    count = int(told.group(1)) if told else 0
    cell = re.findall(r"CELL\| Vector ([abc]) \[angstrom\]:?(.*)$", last, re.M)
    places = re.search(r"^[ \t]*Atom +Kind +Element.*\n\s*\n?((?:.*\S.*\n)*)", last, re.M)
    rows = places.group(1).splitlines() if places else []
    named = [name for name, _ in cell] == list("abc") * (len(cell) // 3)
    if not cell or not named or not count or len(rows) != count:
        raise HavenError(f"it lists {len(cell)} lattice vectors and {len(rows)} of {count or 'no'} "
                         "atoms: it is damaged, or GLOBAL/PRINT_LEVEL is LOW: MEDIUM prints them")
    elements = []
    try:
        for name, line in cell:
            vector, _, length = line.partition(f"|{name}| =")
            near = float(np.linalg.norm(plain.row(vector, 3, f"lattice vector {name}")))
            _same_length(near, plain.row(length, 1, f"the length of {name}")[0], 2e-3,
                         f"lattice vector {name}")
        for number, line in enumerate(rows, 1):
            words = line.split()
            if len(words) != 9 or words[0] != str(number):
                raise ValueError(f"atom {number} has the line '{line.strip()[:40]}'")
            plain.row(" ".join(words[4:]), 5, f"atom {number}")
            elements.append(_element(words[2], words[3], number))
        forces = re.findall(r"^[ \t]*FORCES\|[ \t]+(\d+)\s+(.*)$", last, re.M)
        if len(forces) % count:
            raise ValueError(f"it has {len(forces)} forces for {count} atoms")
        for place, (number, line) in enumerate(forces):
            what = f"the force on atom {number}"
            *force, length = plain.row(line, 4, what)
            if int(number) != place % count + 1:
                raise ValueError(f"{what} is out of turn")
            _same_length(float(np.linalg.norm(force)), length, 1e-6 + 1e-4 * abs(length), what)
        for line in re.findall(r"ENERGY\| Total.*$", last, re.M):
            plain.number(line.split()[-1])
        for block in re.findall(r"STRESS TENSOR \[GPa.*\n\s*\n?.*\n((?:.*\S.*\n){1,3})", last):
            for axis, line in zip("XYZ", block.splitlines(), strict=False):
                plain.row(line.strip().removeprefix(axis), 3, f"the stress along {axis}")
    except ValueError as error:
        raise HavenError(f"{error}: it is damaged") from error
    return elements


def _element(symbol: str, number: str, atom: int) -> str:
    """Return the element of CP2K's symbol and atomic number, which must agree."""
    from ase.data import atomic_numbers

    name = symbol.capitalize()
    if name == "X" or str(atomic_numbers.get(name)) != number:
        raise ValueError(f"atom {atom} has element {symbol[:8]}, number {number[:8]}")
    return name


def _same_length(found: float, told: float, tolerance: float, what: str) -> None:
    if not abs(found - told) <= tolerance:
        raise ValueError(f"{what} has length {found:.6g}, beside it stands {told:.6g}")
