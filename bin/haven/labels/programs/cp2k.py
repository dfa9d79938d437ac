"""CP2K's text output as frames, and the frames that dpdata reads of its dynamics."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from haven.core.constants import RYDBERG_EV
from haven.core.errors import HavenError
from haven.core.reading import plain
from haven.labels.frames.net_charge import excess
from haven.labels.programs.dpdata_frames import from_dpdata
from haven.labels.programs.runs import LabelRun, one_each

if TYPE_CHECKING:
    from ase import Atoms

KIND = re.compile(r"(?m)^ *(\d+)\. Atomic kind: ")
HUBBARD = re.compile(r"U\(eff\) = \(U - J\) value in \[eV\]:\s+(-?\d+\.\d+)")
ROW = re.compile(r"(?m)^ +\d+ +(\d+) +([A-Za-z]{1,2}) +\d+ +-?\d+\.\d+ ")
"""Of the table of atoms: number of the kind, and its element."""
BEGINS, ENDS = r"^.*PROGRAM STARTED AT", "PROGRAM ENDED"


def cp2k_run(text: str) -> LabelRun:
    """Return the run in a text of CP2K, of one frame."""
    return LabelRun(list(cp2k_output(text)), cp2k_hubbard(text))


def cp2k_hubbard(text: str) -> dict[str, float] | None:
    """Return U - J in eV of each element that a run of CP2K says it acts on; {} without U.

    None where U acts but its value is not found, or is not one number for each element.
    """
    if "DFT+U" not in text:
        return {}
    _, *parts = KIND.split(text)
    told = [HUBBARD.findall(body) for body in parts[1::2]]
    elements = dict(ROW.findall(text))
    if not any(told) or not set(parts[::2]) <= set(elements):
        return None
    return one_each(zip((elements[kind].capitalize() for kind in parts[::2]), told, strict=True))


def cp2k_output(text: str) -> Iterator[Atoms]:
    """Yield the frame of one run of CP2K, with the element that is printed beside each kind."""
    import dpdata

    text = text.partition(ENDS)[0]  # behind it stand the first lines of a run that was appended
    if kind := re.search(r"GLOBAL\| Run type\s+(\S+)", text):
        if kind.group(1) not in ("ENERGY", "ENERGY_FORCE"):
            raise HavenError(f"it is CP2K's run type {kind.group(1)}, of many steps: give the "
                             "folder of a dynamics with its .log, -pos-1.xyz and -frc-1.xyz, or "
                             "label single frames with RUN_TYPE ENERGY_FORCE")
    for sign, what in (("ENERGY| Total", "total energy"), ("FORCES", "forces")):
        if not re.search(rf"^[ \t]*(ATOMIC )?{re.escape(sign)}", text, re.M):
            raise HavenError(f"CP2K printed no {what}: it is no label; run it with "
                             "FORCE_EVAL/PRINT/FORCES ON and RUN_TYPE ENERGY_FORCE")
    elements = check_cp2k(text)
    text = _one_cell(text)
    with tempfile.TemporaryDirectory(prefix="haven_cp2k_") as folder:
        run = Path(folder) / "cp2k.out"
        run.write_text(f" DBCSR| Multiplication driver\n{text}")  # dpdata begins behind this line
        system = dpdata.LabeledSystem(str(run), fmt="cp2k/output")
    yield from cp2k_frames(system, text, elements)


def _one_cell(text: str) -> str:
    """Return a text of CP2K with its cell once: a subsystem's is printed again, and dpdata joins.

    Raises
    ------
    HavenError
        If the cells differ.
    """
    lines = list(re.finditer(r"(?m)^ *CELL\| Vector [abc] \[angstrom\].*\n", text))
    told = [" ".join(line.group(0).split()) for line in lines]
    if any(told[place] != told[place % 3] for place in range(len(told))):
        raise HavenError("its cell changes within the run: label single frames")
    for line in reversed(lines[3:]):
        text = text[:line.start()] + text[line.end():]
    return text


def cp2k_frames(system: Any, text: str, elements: Sequence[str] = ()) -> Iterator[Atoms]:
    """Yield the frames of CP2K that dpdata has read, each with its convergence.

    Where there is an outer loop of self-consistency, its convergence counts. Where the numbers of
    statements and of frames differ, frames count as converged only if every statement says so.
    ``elements`` are those of the atoms; without them they follow from the names of the kinds.
    """
    words = (re.findall(r"outer SCF loop (converged|FAILED)", text)
             or re.findall(r"SCF run (converged|NOT converged)", text))
    reached = [word == "converged" for word in words]
    frames = list(from_dpdata(system, elements))
    for number, atoms in enumerate(frames):
        if reached:
            atoms.info["converged"] = (reached[number] if len(reached) == len(frames)
                                       else all(reached))
        if cutoff := re.search(r"QS\| Density plane wave grid type.*|MGRID.*\[Ry\]\s+([\d.]+)",
                               text):
            if cutoff.group(1):
                atoms.info["plane_wave_cutoff_ev"] = round(float(cutoff.group(1)) * RYDBERG_EV, 1)
        if charge := re.search(r"(?m)^\s*DFT\|\s+Charge\s+(-?\d+)\s*$", text):
            atoms.info |= excess(-float(charge.group(1)), 0.0)
        if spin := re.search(r"DFT\| +Number of spin states +([12])\s", text):
            atoms.info["spin"] = int(spin.group(1))
        if functional := re.search(r"FUNCTIONAL\|\s+(\w+):", text):
            atoms.info["functional"] = functional.group(1)
        yield atoms


def check_cp2k(text: str) -> list[str]:
    """Refuse an output of CP2K with an incomplete cell, list of atoms or forces.

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
    told = re.search(r"- Atoms:\s+(\d+)\s*$", text, re.M)
    count = int(told.group(1)) if told else 0
    cell = re.findall(r"CELL\| Vector ([abc]) \[angstrom\]:?(.*)$", text, re.M)
    places = re.search(r"^[ \t]*Atom +Kind +Element.*\n\s*\n?((?:.*\S.*\n)*)", text, re.M)
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
        forces = re.findall(r"^[ \t]*FORCES\|[ \t]+(\d+)\s+(.*)$", text, re.M)
        if len(forces) % count:
            raise ValueError(f"it has {len(forces)} forces for {count} atoms")
        for place, (number, line) in enumerate(forces):
            what = f"the force on atom {number}"
            *force, length = plain.row(line, 4, what)
            if int(number) != place % count + 1:
                raise ValueError(f"{what} is out of turn")
            _same_length(float(np.linalg.norm(force)), length, 1e-6 + 1e-4 * abs(length), what)
        for line in re.findall(r"ENERGY\| Total.*$", text, re.M):
            plain.number(line.split()[-1])
        for block in re.findall(r"STRESS TENSOR \[GPa.*\n\s*\n?.*\n((?:.*\S.*\n){1,3})", text):
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
