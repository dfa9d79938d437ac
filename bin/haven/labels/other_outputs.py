"""Text outputs of Quantum ESPRESSO, CP2K and GPAW as frames, and the settings they tell."""

from __future__ import annotations

import io
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from haven.core.elements import element_of_kind
from haven.core.errors import HavenError
from haven.labels.output_checks import check_cp2k, check_espresso, check_gpaw

if TYPE_CHECKING:
    from ase import Atoms

RYDBERG_EV, HARTREE_EV = 13.605693, 27.211386  # CODATA 2018
FUNCTIONALS = {  # Quantum ESPRESSO's words for those that other programs name shorter
    "SLA PW PBX PBC": "PBE", "SLA PW PBE PBE": "PBE", "SLA PW PSX PSC": "PBEsol",
    "PBESOL": "PBEsol", "REVPBE": "revPBE", "SLA PZ NOGX NOGC": "LDA"}
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
CP2K_BEGINS = "PROGRAM STARTED AT"
ENERGY = re.compile(r"(?m)^!(\s+total energy\s+=)")
REACHED = re.compile(r"convergence (has been achieved|NOT achieved)")


def gpaw_frames(path: Path, text: str) -> Iterator[Atoms]:
    """Yield the frames of GPAW's text, with the free energy that the forces belong to."""
    from ase.io import iread

    check_gpaw(text)
    for atoms in iread(str(path), index=":", format="gpaw-out"):
        calculator: Any = atoms.calc
        if calculator is not None:
            parts = getattr(calculator, "energy_contributions", None) or {}
            if "free energy" not in parts:
                raise HavenError("its energy contributions are missing: the output is damaged")
            calculator.results["free_energy"] = parts["free energy"]
        yield atoms


def espresso_frames(_path: Path, text: str) -> Iterator[Atoms]:
    """Yield the frames of Quantum ESPRESSO's text that have forces.

    ASE reads bands, for which it wants a list of k points that is often left out, dipoles of one
    wording, and warnings that name a card as if it stood there: none is needed here. With exact
    exchange several total energies precede the forces, of which the last is theirs. A frame whose
    self-consistency was not reached has no forces; a later one that was not is no reason to leave
    out those before it.
    """
    from ase.io import iread

    if "site n." not in text:
        raise HavenError("the list of atoms is missing: give the whole output")
    check_espresso(text)
    clean = UNREAD.sub("", text)
    settings = espresso_settings(text)
    pieces = clean.split(FORCES)
    for number, piece in enumerate(pieces[:-1]):
        energies = list(ENERGY.finditer(piece))
        for found in reversed(energies[:-1]):
            piece = piece[:found.start()] + " " + piece[found.start() + 1:]
        pieces[number] = piece
    for atoms in iread(io.StringIO(FORCES.join(pieces)), index=":", format="espresso-out"):
        calculator: Any = atoms.calc
        if calculator is None or calculator.results.get("forces") is None:
            continue
        atoms.info["converged"] = True  # else there are no forces
        atoms.info.update(settings)
        yield atoms


def espresso_settings(text: str) -> dict[str, Any]:
    """Return cutoff, functional, smearing, dispersion and pseudopotentials of an output."""
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
    files = re.findall(r"PseudoPot\. #\s*\d+ for\s+([A-Z][a-z]?)\w* read from file:?\s*\n?\s*(\S+)",
                       text)
    if files:
        found["pseudopotentials"] = "; ".join(dict.fromkeys(
            f"{element} {file.rpartition('/')[2]}" for element, file in files))
    return found


def espresso_hubbard(text: str) -> dict[str, float] | None:
    """Return U in eV of each element that an output says it acts on; {} without U.

    None where it acts in a wording that is not known, or is no one U of an element: with J0 or V,
    by orbital, or unlike on two kinds or shells of an element. The list of energies names a term
    of U without one.
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
    found: dict[str, float] = {}
    for kind, value in told:
        if found.setdefault(element_of_kind(kind), float(value)) != float(value):
            return None
    return found or (None if re.search(r"Hubbard|[LD][DF][AT]\+U", bare) else {})


def cp2k_output(path: Path, text: str) -> Iterator[Atoms]:
    """Yield the frame of CP2K's text output; kinds such as ``Fe1`` are the element beside them.

    Of several runs in one text the last is read: dpdata would join their cells.
    """
    import dpdata

    text = text[max(text.rfind(CP2K_BEGINS), 0):]
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

    An outer loop's word counts where there is one; where words and frames differ in number, no
    frame counts as converged unless all are. ``elements`` of the atoms are those of their kinds
    where they are not given.
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
        if functional := re.search(r"FUNCTIONAL\|\s+(\w+):", text):
            atoms.info["functional"] = functional.group(1)
        yield atoms


def from_dpdata(system: Any, elements: Sequence[str] = ()) -> Iterator[Atoms]:
    """Frames of a dpdata system, in eV and Angstrom; its virial is minus volume times stress.

    ``elements`` of the atoms, in order, are those of their kinds where they are not given.
    """
    from ase import Atoms
    from ase.calculators.singlepoint import SinglePointCalculator

    data = system.data
    names = list(elements) or [element_of_kind(str(data["atom_names"][kind]))
                               for kind in data["atom_types"]]
    for number, (cell, positions) in enumerate(zip(data["cells"], data["coords"], strict=True)):
        atoms = Atoms(names, positions, cell=cell, pbc=True)
        results = {"energy": data["energies"][number], "forces": data["forces"][number]}
        if "virials" in data:
            results["stress"] = -data["virials"][number] / abs(float(np.linalg.det(cell)))
        atoms.calc = SinglePointCalculator(atoms, **results)
        yield atoms
