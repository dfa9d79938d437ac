"""Quantum ESPRESSO's text output as frames, its settings and its Hubbard U."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from haven.core.constants import RYDBERG_EV
from haven.core.errors import HavenError
from haven.core.reading import plain
from haven.core.reading.elements import element_of_kind
from haven.labels.frames.net_charge import excess
from haven.labels.programs.numbered_lines import each_in_turn, in_turn
from haven.labels.programs.runs import LabelRun, one_each

if TYPE_CHECKING:
    from ase import Atoms

FUNCTIONALS = {  # Quantum ESPRESSO's words for those that other programs name shorter
    "SLA PW PBX PBC": "PBE", "SLA PW PBE PBE": "PBE", "SLA PW PSX PSC": "PBEsol",
    "PBESOL": "PBEsol", "REVPBE": "revPBE", "SLA PZ NOGX NOGC": "LDA"}
BEGINS = r"^.*Program PWSCF"
SITES = r"(?m)^\s*\d+\s+(\S+)\s+tau\("  # the kind of each atom
FORCES = "Forces acting on atoms"
UNREAD = re.compile(r"(?m)End of (?:self-consistent|band structure) calculation|^.*Debye.*$"
                    r"|^.*DEPRECATED: no units.*$|^.*(?:ATOMIC_POSITIONS|CELL_PARAMETERS): .*$")
"""What ASE would read of Quantum ESPRESSO's text and need not."""
DISPERSION = {  # as Quantum ESPRESSO 4 to 7 announce each
    "DFT-D3": r"DFT-D3 Dispersion", "DFT-D2": r"Dispersion \(Grimme-D2\)|DFT-D Dispersion",
    "XDM": r"(?m)^\* XDM dispersion|XDM (?:Dispersion|parameters)",
    "MBD": r"MBD@rsSCS|Many-Body Dispersion|MBD (?:correction|Dispersion)|libMBD",
    "Tkatchenko-Scheffler": r"TS-vdW initialization|Tkatchenko-Scheffler|Dispersion T-S"}
NO_HUBBARD = re.compile(r"(?i)(?:The Hubbard contrib|hubbard +stress|"
                        r"Hubbard energy\s+=\s+-?0\.0+\s).*")
HUBBARD_TABLE = re.compile(r"with parameters \(eV\):\s*\n\s*atomic species +L +(?:Hubbard +)?U.*\n"
                           r"((?:[ \t]*[A-Za-z]\S*[ \t]+\d(?:[ \t]+-?\d+\.\d+)+[ \t]*\n)+)")
ENERGY = re.compile(r"(?m)^([! ])\s+total energy\s+=\s+-?\d+\.\d+\s")
UNREACHED = "convergence NOT achieved"


def espresso_run(text: str) -> LabelRun:
    """Return the run in a text of Quantum ESPRESSO."""
    return LabelRun(list(espresso_frames(text)), espresso_hubbard(text),
                    espresso_settings(text) | _charge(text))


def espresso_frames(text: str) -> Iterator[Atoms]:
    """Yield the frames of one run of Quantum ESPRESSO that have energy and forces.

    Bands, dipoles and warnings are removed before ASE reads the text: they are not needed, and ASE
    fails on bands without a list of k points, on dipoles in some wordings, and on warnings that
    name a card of the input. Of the total energies before the forces, of which exact exchange and
    a self-consistency that was not reached have several, the last one belongs to them; ASE takes
    the one with an exclamation mark. A frame is converged where the last one has that mark and no
    self-consistency before the forces ended without; where frames and blocks of forces are not as
    many, only if all are.

    Raises
    ------
    HavenError
        If the list of atoms is missing, or the energy of a step whose self-consistency ended.
    """
    from ase.io import iread

    if "site n." not in text:
        raise HavenError("the list of atoms is missing: give the whole output")
    check_espresso(text)
    pieces = UNREAD.sub("", text).split(FORCES)
    reached = []
    for number, piece in enumerate(pieces[:-1]):
        energies = list(ENERGY.finditer(piece))
        marked = bool(energies) and energies[-1].group(1) == "!"
        if not marked and UNREACHED not in piece:
            raise HavenError(f"no total energy marked with ! before the forces of step {number + 1}"
                             ", though its self-consistency ended: give the whole output")
        reached.append(marked and UNREACHED not in piece)
        for found in energies:
            mark = "!" if found is energies[-1] else " "
            piece = piece[:found.start()] + mark + piece[found.start() + 1:]
        pieces[number] = piece
    images = iread(io.StringIO(FORCES.join(pieces)), index=":", format="espresso-out")
    held: list[tuple[Atoms, Any]] = [(atoms, atoms.calc) for atoms in images]
    frames = [(atoms, calculator.results) for atoms, calculator in held
              if calculator is not None and calculator.results.get("forces") is not None]
    for number, (atoms, results) in enumerate(frames):
        atoms.info["converged"] = reached[number] if len(frames) == len(reached) else all(reached)
        if results.get("energy") is not None:
            yield atoms


def espresso_settings(text: str) -> dict[str, Any]:
    """Return cutoff, functional, smearing, dispersion, pseudopotentials and spin of one run.

    ``spin`` is 2 where it prints a magnetization, 1 where it prints none; a noncollinear run has
    none.
    """
    found: dict[str, Any] = {}
    if cutoff := re.search(r"kinetic-energy cutoff\s+=\s+([\d.]+)\s+Ry", text):
        found["plane_wave_cutoff_ev"] = round(float(cutoff.group(1)) * RYDBERG_EV, 1)
    if functional := re.search(r"Exchange-correlation\s*=\s*([A-Za-z][\w+ -]*)", text):
        words = " ".join(functional.group(1).split())
        found["functional"] = FUNCTIONALS.get(words.upper(), words)
    if smearing := re.search(r"(\S+) smearing, width \(Ry\)=\s*([\d.]+)", text):
        found["smearing"] = smearing.group(1)
        found["smearing_ev"] = round(float(smearing.group(2)) * RYDBERG_EV, 4)
    found["dispersion"] = next((name for name, sign in DISPERSION.items()
                                if re.search(sign, text)), "none")
    if not re.search(r"Non-?collinear|spin-orbit", text, re.IGNORECASE):
        found["spin"] = 2 if re.search(r"total magnetization +=", text) else 1
    files = re.findall(r"PseudoPot\. #\s*\d+ for\s+([A-Z][a-z]?)\w* read from file:?\s*\n?\s*(\S+)",
                       text)
    if files:
        found["pseudopotentials"] = "; ".join(dict.fromkeys(
            f"{element} {file.rpartition('/')[2]}" for element, file in files))
    return found


def _charge(text: str) -> dict[str, float]:
    """Return the net charge of a cell by its electrons and valences; {} where it can't be told."""
    electrons = re.search(r"number of electrons\s*=\s*(\d+\.\d*)", text)
    table = re.search(r"atomic species +valence +mass.*\n((?:[ \t]+\S+[ \t]+-?\d+\.\d+.*\n)+)",
                      text)
    count = re.search(r"number of atoms/cell\s*=\s*(\d+)\s*$", text, re.M)
    sites = re.findall(SITES, text)
    if electrons is None or table is None or count is None:
        return {}
    valences = {line.split()[0]: float(line.split()[1]) for line in table.group(1).splitlines()}
    kinds = sites[:int(count.group(1))]
    if len(kinds) < int(count.group(1)) or not set(kinds) <= set(valences):
        return {}
    return excess(float(electrons.group(1)), sum(valences[kind] for kind in kinds))


def espresso_hubbard(text: str) -> dict[str, float] | None:
    """Return U in eV of each element that an output says it acts on; {} without U.

    None where U acts but its value is not found, or where it is not one number for each element:
    with J0 or V, by orbital, or with different values on two kinds or shells of an element. An
    empty Hubbard term in the list of energies does not count as a U.
    """
    bare = NO_HUBBARD.sub("", text)
    if re.search(r"(?m)^\s*J0?\(|^\s*V\(|Hubbard V|Orbital-resolved", bare):
        return None
    told = re.findall(r"U\(([\w+-]+)-\d[spdf]\)\s*=\s*(-?\d+(?:\.\d*)?)", bare)
    for table in HUBBARD_TABLE.findall(bare):
        for line in table.splitlines():
            kind, _, value, *others = line.split()
            if any(float(other) for other in others):  # alpha, J0, beta
                return None
            told.append((kind, value))
    if not told:
        return None if re.search(r"Hubbard|[LD][DF][AT]\+U", bare) else {}
    others = set(re.findall(SITES, text)) - {kind for kind, _ in told}
    return one_each([*((element_of_kind(kind), [value]) for kind, value in told),
                     *((element_of_kind(kind), []) for kind in others)])


def check_espresso(text: str) -> None:
    """Refuse a run of Quantum ESPRESSO whose lists of atoms, cells or forces are not whole.

    ASE does not check this: where one atom is listed twice, another one would be missing.

    Raises
    ------
    HavenError
        Naming what is damaged.
    """
    try:
        told = re.search(r"number of atoms/cell\s*=\s*(\d+)\s*$", text, re.M)
        count = int(told.group(1)) if told else 0
        sites = re.findall(r"^\s*(\S+)\s+\S+\s+tau\(\s*(\S+)\s*\) = \((.*)\)\s*$", text, re.M)
        # again in crystal axes, and both again where the cell relaxed and ends in another run
        each_in_turn([one for one, _, _ in sites], count, "site")
        axes = re.findall(r"^\s*a\((\S+)\) = \((.*)\)\s*$", text, re.M)
        each_in_turn([one for one, _ in axes], 3, "lattice vector")
        forces = re.findall(r"^\s*atom\s+(\S+)\s+type\s+\d+\s+force =(.*)$", text, re.M)
        for start in range(0, len(forces), count):
            in_turn([one for one, _ in forces[start : start + count]], count, "force")
        for what, line in (*((f"site {one}", rest) for one, _, rest in sites),
                           *((f"lattice vector {one}", rest) for one, rest in axes),
                           *((f"the force on atom {one}", rest) for one, rest in forces)):
            plain.row(line, 3, what)
        for block in re.findall(r"(?m)^\s*CELL_PARAMETERS *[({].*\n((?:.*\n){3})", text):
            plain.rows(block.splitlines(), 3, "CELL_PARAMETERS")
        for block in re.findall(
                rf"(?m)^\s*ATOMIC_POSITIONS *[({{].*\n((?:.*\n){{{count}}})", text):
            for line in block.splitlines():
                plain.row(" ".join(line.split()[1:4]), 3, "ATOMIC_POSITIONS")
        for told, block in re.findall(
                r"total +stress.*\(kbar\) +P=(.*)\n((?:[ \t]*[-+.\d].*\n)*)", text):
            stress = plain.rows(block.splitlines(), 6, "total stress")[:, 3:]
            pressure = plain.row(told, 1, "the pressure")[0]
            if stress.shape != (3, 3) or np.abs(stress - stress.T).max() > 0.011 or (
                    abs(np.trace(stress) / 3 - pressure) > 0.011):
                raise ValueError("total stress is not symmetric, or not of its pressure")
        for line in re.findall(r"^!\s+total energy\s+=(.*)Ry\s*$", text, re.M):
            plain.row(line, 1, "total energy")
    except ValueError as error:
        raise HavenError(f"{error}: it is damaged") from error
