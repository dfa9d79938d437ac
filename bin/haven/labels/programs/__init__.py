"""Outputs of first-principles programs, read as frames: which program, ended or not, which U."""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from haven.core.errors import HavenError, brief
from haven.core.reading.images import open_images
from haven.labels.programs.cp2k import cp2k_frames, cp2k_output
from haven.labels.programs.deepmd_folders import DATABASE, read_lmdb
from haven.labels.programs.deepmd_folders import read_folder as read_deepmd
from haven.labels.programs.espresso import FORCES, espresso_frames, espresso_hubbard
from haven.labels.programs.gpaw import gpaw_frames, gpw_frames
from haven.labels.programs.unread_formats import BINARY, check_foreign
from haven.labels.programs.vasp import (
    VaspRun,
    hubbard_by_element,
    hubbard_of_xml,
    read_outcar,
    read_vasprun,
)
from haven.trajectory.readers import DAMAGE
from haven.trajectory.readers.base import PACKED_TEXT, open_bytes

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
        Whether the output numbers its elements and a list names them; a wrong list then means wrong
        elements.
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


@contextlib.contextmanager
def unpacked(path: Path, name: str) -> Iterator[Path]:
    """Yield a path that readers can open: a file compressed by gzip, bzip2 or xz is unpacked first.

    Parameters
    ----------
    path
        File or folder.
    name
        What the user calls it, for messages.

    Raises
    ------
    HavenError
        If the compressed file is cut off or damaged.
    """
    if path.is_dir() or path.suffix.lower() not in PACKED_TEXT:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="haven_unpacked_") as folder:
        plain = Path(folder) / path.stem
        try:
            with open_bytes(path) as packed, plain.open("wb") as stream:
                shutil.copyfileobj(packed, stream)
        except DAMAGE as error:
            raise HavenError(f"{name} cannot be unpacked, it is cut off or damaged ({error}): copy "
                             "it again") from error
        yield plain


def open_output(path: Path, name: str) -> Output | None:
    """Return what a file or folder holds, or None if it is no program's output.

    Parameters
    ----------
    path
        VASP's OUTCAR or vasprun.xml; text output of GPAW, Quantum ESPRESSO or CP2K; extxyz; GPAW's
        and ASE's ``.gpw`` and ``.traj``; a deepmd/npy or deepmd/lmdb folder; a folder of CP2K
        dynamics.
    name
        What the user calls it, for messages.

    Raises
    ------
    HavenError
        If the program did not end, no list of elements says what the types are, or the file is of
        a format that is known but not read.
    """
    if path.is_dir():
        if (path / DATABASE).is_file():
            return Output("imported", read_lmdb(path, name), None, numbered=True)
        if not (path / "type.raw").exists():
            return _dynamics_of_cp2k(path)
        return Output("imported", read_deepmd(path, name), None, numbered=True)
    if path.suffix in (".extxyz", ".xyz", ".traj", ".gpw"):
        images = open_images(path, name)
        return Output("imported", gpw_frames(path, images) if path.suffix == ".gpw" else images,
                      None)
    check_foreign(path, name, BINARY)
    text = path.read_text(errors="replace")
    for program in PROGRAMS:
        if program.mark in text[:20000] or (program.file and re.search(program.file, path.name)):
            if program.runs is not None:
                try:
                    runs = program.runs(text)
                except HavenError as error:
                    raise HavenError(f"{name}: {error}") from error
                except Exception as error:  # ASE's reader raises whatever it does
                    reason = brief(error)
                    raise HavenError(f"{name} cannot be read, it is cut off or damaged ({reason})"
                                     ) from error
                return _of_runs(program, runs, name)
            ended = program.end in text[-20000:]
            if not ended and program.cut and FORCES in text:
                return Output(program.name, program.read(path, text), program.hubbard(text),
                              by_element=program.by_element(text),
                              missing=f"{program.name} did not end")
            if not ended:
                raise HavenError(f"{name} is cut off: {program.name} did not end; run it to its "
                                 "end, or give its whole steps as extxyz")
            return Output(program.name, program.read(path, text), program.hubbard(text),
                          by_element=program.by_element(text))
    check_foreign(path, name)
    return None


@dataclass(frozen=True)
class Program:
    """How the text output of one program is recognised and read, and how its U is found."""

    name: str
    mark: str
    end: str
    read: Callable[[Path, str], Iterator[Atoms]]
    hubbard: Callable[[str], float | None]
    file: str = ""
    runs: Callable[[str], list[VaspRun]] | None = None
    cut: bool = False  # whether whole steps of a run that was cut off are read
    by_element: Callable[[str], Mapping[str, float]] = lambda _text: {}


def _by_ase(kind: str) -> Callable[[Path, str], Iterator[Atoms]]:
    def read(path: Path, _text: str) -> Iterator[Atoms]:
        from ase.io import iread

        return iread(str(path), index=":", format=kind)
    return read


def _of_runs(program: Program, runs: list[VaspRun], name: str) -> Output:
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


def _one_value(values: set[float]) -> float | None:
    """Return the U of an output: none at all is 0, several leave it open."""
    other = values - {0.0}
    return (other or {0.0}).pop() if len(other) < 2 else None


def _hubbard_of_vasp(text: str) -> float | None:
    """U - J of an OUTCAR or vasprun.xml; None where it has several, or says none."""
    found = hubbard_of_xml(text) if 'name="LDAU"' in text else hubbard_by_element(text, [])
    return None if found is None else _one_value(set(found.values()))


def _hubbard_by(pattern: str, sign: str) -> Callable[[str], float | None]:
    """Return a function that finds U in a text by a pattern whose only group is the value.

    It returns None where the text has no such value but ``sign``, which shows that U acts: then the
    wording is one that is not known.
    """
    def find(text: str) -> float | None:
        found = {float(value) for value in re.findall(pattern, text)}
        return None if not found and re.search(sign, text) else _one_value(found)
    return find


def _hubbard_of_espresso(text: str) -> float | None:
    found = espresso_hubbard(text)
    return None if found is None else _one_value(set(found.values()))


PROGRAMS = (
    Program("vasp", "INCAR:", "", _by_ase("vasp-out"), _hubbard_of_vasp, "OUTCAR", read_outcar),
    Program("vasp", "<modeling>", "", _by_ase("vasp-xml"), _hubbard_of_vasp, r"vasprun.*\.xml$",
            lambda text: [read_vasprun(text)]),
    Program("gpaw", "|___|_|", "\nDate:", gpaw_frames,
            _hubbard_by(rf"Hubbard: \{{U: {NUMBER}", "Hubbard|setups: .*:[spdf],")),
    Program("quantum espresso", "Program PWSCF", "JOB DONE", espresso_frames,
            _hubbard_of_espresso, cut=True,
            by_element=lambda text: espresso_hubbard(text) or {}),
    Program("cp2k", "CP2K|", "PROGRAM ENDED", cp2k_output, _hubbard_by("(?!)", r"DFT\+U")),
)


def _dynamics_of_cp2k(folder: Path) -> Output | None:
    logs = sorted(folder.glob("*.log"))
    if not logs or not any(folder.glob("*pos*.xyz")):
        return None
    text = logs[0].read_text(errors="replace")

    def images() -> Iterator[Atoms]:
        import dpdata

        yield from cp2k_frames(dpdata.LabeledSystem(str(folder), fmt="cp2k/aimd_output"), text)

    return Output("cp2k", images(), _hubbard_by("(?!)", r"DFT\+U")(text))
