"""Outputs of first-principles programs, read as frames: which program, ended or not, which U."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from haven.core.errors import HavenError
from haven.labels.frames import open_images
from haven.labels.vasp_output import (
    Run,
    hubbard_by_element,
    hubbard_of_xml,
    read_outcar,
    read_vasprun,
)

if TYPE_CHECKING:
    from ase import Atoms

NUMBER = r"([-+]?\d+(?:\.\d*)?)"


@dataclass(frozen=True)
class Output:
    """What one file or folder holds.

    Attributes
    ----------
    program
        Name for the column ``engine``.
    images
        Frames with energy (eV), forces (eV/Angstrom), stress (eV/Angstrom^3) where there is one.
    u_ev
        Hubbard U - J the output itself tells, eV; None if it does not.
    numbered
        Elements were numbered types, which a wrong list of elements turns into others.
    by_element
        U - J by element, eV, where the output tells several.
    missing
        What of the run is not among the images, for a message; empty if nothing is.
    """

    program: str
    images: Iterable[Atoms]
    u_ev: float | None
    numbered: bool = False
    by_element: Mapping[str, float] = field(default_factory=dict)
    missing: str = ""


def open_output(path: Path, name: str) -> Output | None:
    """Return what a file or folder holds, or None if it is no program's output.

    Parameters
    ----------
    path
        VASP's OUTCAR or vasprun.xml; text output of GPAW, Quantum ESPRESSO or CP2K; extxyz; GPAW's
        and ASE's ``.gpw`` and ``.traj``; a deepmd/npy folder; a folder of CP2K dynamics.
    name
        What the user calls it, for messages.

    Raises
    ------
    HavenError
        If the program did not end, or no list of elements says what the types are.
    """
    if path.is_dir():
        return _deepmd(path, name) if (path / "type.raw").exists() else _dynamics_of_cp2k(path)
    if path.suffix in (".extxyz", ".xyz", ".traj", ".gpw"):
        return Output("imported", open_images(path, name), None)
    text = path.read_text(errors="replace")
    for program in PROGRAMS:
        if program.mark in text[:20000] or (program.file and re.search(program.file, path.name)):
            if program.runs is not None:
                try:
                    runs = program.runs(text)
                except HavenError as error:
                    raise HavenError(f"{name}: {error}") from error
                except Exception as error:  # ASE's reader raises whatever it does
                    reason = " ".join(str(error).split())[:160] or type(error).__name__
                    raise HavenError(f"{name} cannot be read, it is cut off or damaged ({reason})"
                                     ) from error
                return _of_runs(program, runs, name)
            if program.end not in text[-20000:]:
                raise HavenError(f"{name} is cut off: {program.name} did not end; run it to its "
                                 "end, or give its whole steps as extxyz")
            return Output(program.name, program.read(path, text), program.hubbard(text))
    return None


@dataclass(frozen=True)
class Program:
    """How one program's text is known, read, and asked for U."""

    name: str
    mark: str
    end: str
    read: Callable[[Path, str], Iterator[Atoms]]
    hubbard: Callable[[str], float | None]
    file: str = ""
    runs: Callable[[str], list[Run]] | None = None


def _by_ase(kind: str) -> Callable[[Path, str], Iterator[Atoms]]:
    def read(path: Path, _text: str) -> Iterator[Atoms]:
        from ase.io import iread

        return iread(str(path), index=":", format=kind)
    return read


def _gpaw(path: Path, text: str) -> Iterator[Atoms]:
    """Frames of GPAW's text, with the free energy that the forces belong to."""
    for atoms in _by_ase("gpaw-out")(path, text):
        calculator: Any = atoms.calc
        parts = getattr(calculator, "energy_contributions", None) or {}
        if "free energy" in parts:
            calculator.results["free_energy"] = parts["free energy"]
        yield atoms


def _of_runs(program: Program, runs: list[Run], name: str) -> Output:
    """Return the whole steps of VASP's runs; of several runs in one file each keeps its own U."""
    images, values = [], []
    for run in runs:
        u_ev = None if run.hubbard is None else _one_value(set(run.hubbard.values()))
        values.append(u_ev)
        for atoms in run.images:
            atoms.info.update(run.settings)
            if len(runs) > 1 and u_ev is not None:
                atoms.info["u_ev"] = u_ev
            images.append(atoms)
    missing = "; ".join(run.missing for run in runs if run.missing)
    if not images:
        raise HavenError(f"{name} is cut off: {program.name} did not end, and no ionic step is "
                         "whole; run it again" if missing else
                         f"{name} holds no ionic step with energy and forces: it is no label")
    several = {key: value for run in runs for key, value in (run.hubbard or {}).items()}
    return Output(program.name, images, values[0] if len(set(values)) == 1 else None,
                  by_element=several if None in values else {}, missing=missing)


def _output_of_cp2k(path: Path, _text: str) -> Iterator[Atoms]:
    import dpdata

    yield from _from_dpdata(dpdata.LabeledSystem(str(path), fmt="cp2k/output"))


def _one_value(values: set[float]) -> float | None:
    """Return the U of an output: none at all is 0, several leave it open."""
    other = values - {0.0}
    return (other or {0.0}).pop() if len(other) < 2 else None


def _hubbard_of_vasp(text: str) -> float | None:
    """U - J of an OUTCAR or vasprun.xml; None where it has several, or says none."""
    found = hubbard_of_xml(text) if 'name="LDAU"' in text else hubbard_by_element(text, [])
    return None if found is None else _one_value(set(found.values()))


def _hubbard_by(pattern: str, sign: str) -> Callable[[str], float | None]:
    """U by a pattern whose only group is the value; an unknown wording with ``sign`` tells none."""
    def find(text: str) -> float | None:
        found = {float(value) for value in re.findall(pattern, text)}
        return None if not found and re.search(sign, text) else _one_value(found)
    return find


PROGRAMS = (
    Program("vasp", "INCAR:", "", _by_ase("vasp-out"), _hubbard_of_vasp, "OUTCAR", read_outcar),
    Program("vasp", "<modeling>", "", _by_ase("vasp-xml"), _hubbard_of_vasp, r"vasprun.*\.xml$",
            lambda text: [read_vasprun(text)]),
    Program("gpaw", "|___|_|", "\nDate:", _gpaw,
            _hubbard_by(rf"Hubbard: \{{U: {NUMBER}", "Hubbard|setups: .*:[spdf],")),
    Program("quantum espresso", "Program PWSCF", "JOB DONE", _by_ase("espresso-out"),
            _hubbard_by(rf"U\(\w+-\d[spdf]\)\s*=\s*{NUMBER}", r"Hubbard|[LD][DF][AT]\+U")),
    Program("cp2k", "CP2K|", "PROGRAM ENDED", _output_of_cp2k, _hubbard_by("(?!)", r"DFT\+U")),
)


def _dynamics_of_cp2k(folder: Path) -> Output | None:
    import dpdata

    logs = sorted(folder.glob("*.log"))
    if not logs or not any(folder.glob("*pos*.xyz")):
        return None
    tells = _hubbard_by("(?!)", r"DFT\+U")(logs[0].read_text(errors="replace"))
    system = dpdata.LabeledSystem(str(folder), fmt="cp2k/aimd_output")
    return Output("cp2k", _from_dpdata(system), tells)


def _deepmd(folder: Path, name: str) -> Output:
    import dpdata

    if not (folder / "type_map.raw").exists():
        raise HavenError(f"{name} has no type_map.raw: write the elements of its types into it, "
                         "one a line, in order")
    elements = (folder / "type_map.raw").read_text().split()
    types = np.loadtxt(folder / "type.raw", dtype=int, ndmin=1)
    if types.size and types.max() >= len(elements):
        raise HavenError(f"{name}: type.raw has type {types.max()}, but type_map.raw names "
                         f"{len(elements)} elements, counted from 0")
    for what in ("energy", "force"):
        lacking = [s.name for s in sorted(folder.glob("set.*")) if not (s / f"{what}.npy").exists()]
        if lacking:
            raise HavenError(f"{name}: {lacking[0]} has no {what}.npy: label its frames")
    system = dpdata.LabeledSystem(str(folder), fmt="deepmd/npy")
    return Output("imported", _from_dpdata(system), None, numbered=True)


def _from_dpdata(system: Any) -> Iterator[Atoms]:
    """Frames of a dpdata system, in eV and Angstrom; its virial is minus volume times stress."""
    from ase import Atoms
    from ase.calculators.singlepoint import SinglePointCalculator

    data = system.data
    names = [data["atom_names"][kind] for kind in data["atom_types"]]
    for number, (cell, positions) in enumerate(zip(data["cells"], data["coords"], strict=True)):
        atoms = Atoms(names, positions, cell=cell, pbc=True)
        results = {"energy": data["energies"][number], "forces": data["forces"][number]}
        if "virials" in data:
            results["stress"] = -data["virials"][number] / abs(float(np.linalg.det(cell)))
        atoms.calc = SinglePointCalculator(atoms, **results)
        yield atoms
