"""Outputs of first-principles programs, read as frames: which program, ended or not, which U."""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from haven.core.errors import HavenError, brief
from haven.core.reading.images import open_images
from haven.labels.programs import cp2k, espresso, gpaw
from haven.labels.programs.deepmd_folders import DATABASE, read_lmdb
from haven.labels.programs.deepmd_folders import read_folder as read_deepmd
from haven.labels.programs.gpaw import gpw_frames
from haven.labels.programs.runs import LabelRun, each_run
from haven.labels.programs.unread_formats import BINARY, check_foreign
from haven.labels.programs.vasp import read_outcar, read_vasprun
from haven.trajectory.readers import DAMAGE
from haven.trajectory.readers.base import PACKED_TEXT, open_bytes

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True)
class Output:
    """What one file or folder holds.

    Attributes
    ----------
    program
        Name for the column ``engine``.
    runs
        Its runs, usually one: frames, Hubbard U and settings of each.
    numbered
        Whether the output numbers its elements and a list names them; a wrong list then means wrong
        elements.
    """

    program: str
    runs: Sequence[LabelRun]
    numbered: bool = False

    @property
    def missing(self) -> str:
        """What of the runs is not among their images, for a message; empty if nothing is."""
        return "; ".join(run.missing for run in self.runs if run.missing)


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
            return Output("imported", [LabelRun(read_lmdb(path, name), None)], numbered=True)
        if not (path / "type.raw").exists():
            return _dynamics_of_cp2k(path)
        return Output("imported", [LabelRun(read_deepmd(path, name), None)], numbered=True)
    if path.suffix in (".extxyz", ".xyz", ".traj", ".gpw"):
        images = open_images(path, name)
        if path.suffix == ".gpw":
            images = gpw_frames(path, images)
        return Output("imported", [LabelRun(images, None)])
    check_foreign(path, name, BINARY)
    text = path.read_text(errors="replace")
    for program in PROGRAMS:
        if program.mark in text[:20000] or (program.file and re.search(program.file, path.name)):
            return _read(program, text, name)
    check_foreign(path, name)
    return None


@dataclass(frozen=True)
class Program:
    """How the text output of one program is recognised and read.

    Attributes
    ----------
    name
        Of the program.
    mark
        Words in the first lines of its output.
    runs
        Returns the runs in a text.
    file
        Pattern of a file's name that shows the program where its mark does not.
    """

    name: str
    mark: str
    runs: Callable[[str], list[LabelRun]]
    file: str = ""


PROGRAMS = (
    Program("vasp", "INCAR:", read_outcar, "OUTCAR"),
    Program("vasp", "<modeling>", lambda text: [read_vasprun(text)], r"vasprun.*\.xml$"),
    Program("gpaw", "|___|_|", each_run("gpaw", gpaw.BEGINS, "\nDate:", gpaw.gpaw_run)),
    Program("quantum espresso", "Program PWSCF",
            each_run("quantum espresso", espresso.BEGINS, "JOB DONE", espresso.espresso_run,
                     cut=espresso.FORCES)),
    Program("cp2k", "CP2K|", each_run("cp2k", cp2k.BEGINS, cp2k.ENDS, cp2k.cp2k_run)),
)


def _read(program: Program, text: str, name: str) -> Output:
    """Return what a text of a program holds; refuse one without whole steps."""
    try:
        output = Output(program.name, program.runs(text))
    except HavenError as error:
        raise HavenError(f"{name}: {error}") from error
    except Exception as error:  # ASE's readers raise whatever they do
        reason = brief(error)
        raise HavenError(f"{name} cannot be read, it is cut off or damaged ({reason})") from error
    if output.missing and not any(run.images for run in output.runs):
        raise HavenError(f"{name} is cut off: {program.name} did not end; run it to its end, or "
                         "give its whole steps as extxyz")
    return output


def _dynamics_of_cp2k(folder: Path) -> Output | None:
    logs = sorted(folder.glob("*.log"))
    if not logs or not any(folder.glob("*pos*.xyz")):
        return None
    text = logs[0].read_text(errors="replace")

    def images() -> Iterator[Atoms]:
        import dpdata

        yield from cp2k.cp2k_frames(
            dpdata.LabeledSystem(str(folder), fmt="cp2k/aimd_output"), text)

    return Output("cp2k", [LabelRun(images(), cp2k.cp2k_hubbard(text))])
