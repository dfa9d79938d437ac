"""Text outputs of Quantum ESPRESSO, CP2K and GPAW as frames, and the settings they tell."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from haven.core.errors import HavenError
from haven.labels.output_checks import check_cp2k, check_espresso, check_gpaw

if TYPE_CHECKING:
    from ase import Atoms

RYDBERG_EV, HARTREE_EV = 13.605693, 27.211386  # CODATA 2018
FUNCTIONALS = {  # Quantum ESPRESSO's words for those that other programs name shorter
    "SLA PW PBX PBC": "PBE", "SLA PW PBE PBE": "PBE", "SLA PW PSX PSC": "PBEsol",
    "PBESOL": "PBEsol", "REVPBE": "revPBE", "SLA PZ NOGX NOGC": "LDA"}
FORCES = "Forces acting on atoms"
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

    ASE reads bands, for which it wants a list of k points that is often left out: they are not
    needed here. With exact exchange several total energies precede the forces, of which the last
    is theirs. A frame whose self-consistency was not reached has no forces; a later one that was
    not is no reason to leave out those before it.
    """
    from ase.io import iread

    if "site n." not in text:
        raise HavenError("the list of atoms is missing: give the whole output")
    check_espresso(text)
    clean = re.sub(r"End of (self-consistent|band structure) calculation", "", text)
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
        atoms.info.update(espresso_settings(text))
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
    dispersion = re.search(r"(DFT-D\d?|XDM|MBD|Tkatchenko-Scheffler) (?:Dispersion|Parameters|"
                           r"parameters|correction)", text)
    found["dispersion"] = dispersion.group(1) if dispersion else "none"
    files = re.findall(r"PseudoPot\. #\s*\d+ for\s+([A-Z][a-z]?)\w* read from file:?\s*\n?\s*(\S+)",
                       text)
    if files:
        found["pseudopotentials"] = "; ".join(dict.fromkeys(
            f"{element} {file.rpartition('/')[2]}" for element, file in files))
    return found


def cp2k_output(path: Path, text: str) -> Iterator[Atoms]:
    """Yield the frame of CP2K's text output; kinds such as ``Fe1`` are their element."""
    import dpdata

    check_cp2k(text)
    for sign, what in (("ENERGY| Total", "total energy"), ("FORCES", "forces")):
        if not re.search(rf"^[ \t]*(ATOMIC )?{re.escape(sign)}", text, re.M):
            raise HavenError(f"CP2K printed no {what}: it is no label; run it with "
                             "FORCE_EVAL/PRINT/FORCES ON and RUN_TYPE ENERGY_FORCE")
    system = dpdata.LabeledSystem(str(path), fmt="cp2k/output")
    yield from cp2k_frames(system, text)


def cp2k_frames(system: Any, text: str) -> Iterator[Atoms]:
    """Yield the frames of CP2K that dpdata has read, each with its convergence.

    An outer loop's word counts where there is one; where words and frames differ in number, no
    frame counts as converged unless all are.
    """
    words = (re.findall(r"outer SCF loop (converged|FAILED)", text)
             or re.findall(r"SCF run (converged|NOT converged)", text))
    reached = [word == "converged" for word in words]
    frames = list(from_dpdata(system))
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


def element_of(kind: str) -> str:
    """Return the element of a kind such as ``Fe1``, ``O_core`` or ``FE2``.

    Raises
    ------
    HavenError
        If the kind does not begin with an element.
    """
    from ase.data import atomic_numbers

    letters = re.match(r"[A-Za-z]{1,2}", kind)
    word = letters.group(0).capitalize() if letters else ""
    for one in (word, word[:1]):
        if one in atomic_numbers and one != "X":
            return one
    shown = ascii(kind)[1:-1]
    shown = shown if len(shown) < 24 else f"{shown[:20]}..."
    raise HavenError(f"atoms of kind {shown} are no element: name the kinds after one, such as Fe1")


def from_dpdata(system: Any) -> Iterator[Atoms]:
    """Frames of a dpdata system, in eV and Angstrom; its virial is minus volume times stress."""
    from ase import Atoms
    from ase.calculators.singlepoint import SinglePointCalculator

    data = system.data
    names = [element_of(str(data["atom_names"][kind])) for kind in data["atom_types"]]
    for number, (cell, positions) in enumerate(zip(data["cells"], data["coords"], strict=True)):
        atoms = Atoms(names, positions, cell=cell, pbc=True)
        results = {"energy": data["energies"][number], "forces": data["forces"][number]}
        if "virials" in data:
            results["stress"] = -data["virials"][number] / abs(float(np.linalg.det(cell)))
        atoms.calc = SinglePointCalculator(atoms, **results)
        yield atoms
