"""Trajectories read by ASE: extended XYZ, .traj, outputs of VASP and others; CP2K's XYZ times."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from haven.core.errors import HavenError, log
from haven.trajectory.readers.base import Frame, Unsaid, open_bytes, plain_name

NAME: str = "extxyz, ASE .traj, OUTCAR, vasprun.xml"
OPTIONS: tuple[str, ...] = ()
SUFFIXES = {".extxyz": "extxyz", ".xyz": "extxyz", ".traj": "traj"}
STARTS = {"outcar": "vasp-out", "vasprun": "vasp-xml"}
TEXT = ("extxyz", "vasp-out")
CP2K_TIME = re.compile(r"^i =\s*\d+, time =\s*([-+0-9.Ee]+), E =")
"""The comment of CP2K's own XYZ; its manual gives the time in fs."""


def form_of(path: Path) -> str | None:
    """Return ASE's name of the format that a file's name says, if any."""
    name = plain_name(path)
    for suffix, form in SUFFIXES.items():
        if name.endswith(suffix):
            return form
    return next((form for start, form in STARTS.items() if name.startswith(start)), None)


def knows(path: Path) -> bool:
    """Return whether ASE reads files of this name; by the name alone, whatever stands in it."""
    return path.is_file() and form_of(path) is not None


def frames(path: Path, unsaid: Unsaid) -> Iterator[Frame]:
    """Yield the frames of a file, its format taken from its name."""
    del unsaid  # the file says its elements itself
    for atoms in _images(path, form_of(path)):
        cell = np.array(atoms.cell[:])
        yield Frame(np.array(atoms.get_chemical_symbols()), atoms.get_positions(), cell,
                    time_ps=_time(atoms.info), periodic=bool(np.all(atoms.pbc)) or not cell.any())


def _time(info: dict[str, Any]) -> float | None:
    """Return the time in ps of a frame whose comment says it in a known unit."""
    if "time_ps" in info:
        try:
            return float(info["time_ps"])
        except (TypeError, ValueError):
            raise HavenError(f"time_ps is '{info['time_ps']}', not a number") from None
    return info.get("cp2k_time_ps")


def _images(path: Path, form: str | None) -> Iterator[Any]:
    from ase.io import iread
    from ase.io.trajectory import TrajectoryReader

    if form == "extxyz":
        yield from _xyz(path)
    elif form == "traj":  # not by iread, which takes an '@' in a name for an index
        with TrajectoryReader(str(path)) as held:
            yield from held
    elif form in TEXT:
        with io.TextIOWrapper(open_bytes(path), errors="replace") as stream:
            yield from iread(stream, format=form, index=":")
    else:
        yield from iread(str(path), format=form, index=":")


def _xyz(path: Path) -> Iterator[Any]:
    """Yield the frames of an (extended) XYZ file, but for a last one that is cut short."""
    from ase.io.extxyz import read_xyz

    with io.TextIOWrapper(open_bytes(path), errors="replace") as stream:
        while first := stream.readline():
            if not first.strip():
                continue
            count = first.split()[0]
            if not count.isdecimal() or int(count) == 0:
                raise ValueError(f"'{first.strip()[:40]}' is no number of atoms")
            comment = stream.readline()
            lines = []
            for line in stream:
                lines.append(line)
                if len(lines) == int(count):
                    break
            if len(lines) < int(count) or not lines[-1].endswith("\n"):
                log.warning("%s: last frame is cut short and left out", path)
                return
            time = CP2K_TIME.match(comment.strip())
            text = io.StringIO("".join([first, "\n" if time else comment, *lines]))
            for atoms in read_xyz(text, 0):
                if time:
                    atoms.info["cp2k_time_ps"] = float(time.group(1)) * 1e-3
                yield atoms
