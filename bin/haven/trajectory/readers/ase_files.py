"""Trajectories read by ASE: extended XYZ, .traj, outputs of VASP and others; CP2K's XYZ times."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO, Any, cast

import numpy as np

from haven.core.errors import CutOffError, HavenError, log
from haven.core.reading import extended_xyz, plain
from haven.trajectory import outcar, vasprun
from haven.trajectory.readers import typed_xyz
from haven.trajectory.readers.base import Frame, Unsaid, open_bytes, plain_name

NAME: str = "extxyz, ASE .traj, OUTCAR, vasprun.xml"
OPTIONS: tuple[str, ...] = ("type_map",)
SUFFIXES = {".extxyz": "extxyz", ".xyz": "extxyz", ".traj": "traj"}
UNITS_PS = {"time_ps": 1.0, "time_fs": 1e-3}
CLOCKS = ("time", "md_time", "simulation_time")  # without a unit: fs with most programs
STEPS = ("step", "md_step", "timestep", "nstep")
STARTS = {"outcar": "vasp-out", "vasprun": "vasp-xml"}


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
    """Yield the frames of a file, its format taken from its name.

    Raises
    ------
    HavenError
        If it numbers its types and their elements are not given, or are although it does not.
    """
    form = form_of(path)
    typed = form == "extxyz" and typed_xyz.numbers_types(path)
    if unsaid.elements and not typed:
        raise HavenError(f"--type_map has no use with {path} ({NAME}), which names its elements: "
                         "leave it out")
    if typed and not unsaid.elements:
        raise HavenError(f"{path} names types by number where its elements are due: give "
                         "--type_map, such as 'Li Ti Cl'")
    if form == "vasp-out":
        yield from _outcar(path)
        return
    for atoms in _images(path, form, unsaid.elements):
        cell = np.array(atoms.cell[:])
        if not atoms.numbers.all():
            raise HavenError(f"{path}: atom {int(np.argmin(atoms.numbers)) + 1} is of no element")
        yield Frame(np.array(atoms.get_chemical_symbols()), atoms.get_positions(), cell,
                    time_ps=_time(atoms.info), step=_step(atoms.info),
                    periodic=bool(np.all(atoms.pbc)) or not cell.any(),
                    clock=_number(atoms.info, CLOCKS))


def _outcar(path: Path) -> Iterator[Frame]:
    """Yield the frames of an OUTCAR, but for a last one that is cut short."""
    with open_bytes(path) as stream:
        text = stream.read().decode(errors="replace")
    try:
        for symbols, positions, cell in outcar.frames(text):
            yield Frame(np.array(symbols), positions, cell)
    except CutOffError:
        log.warning("%s: last frame is cut short and left out", path)


def _time(info: dict[str, Any]) -> float | None:
    """Return the time in ps of a frame whose comment says it in a known unit.

    Raises
    ------
    HavenError
        If it is no number, or stands there in two units that contradict each other.
    """
    told = {}
    for key, factor in UNITS_PS.items():
        if key in info:
            try:
                told[key] = plain.number(str(info[key])) * factor
            except ValueError:
                raise HavenError(f"{key} is '{info[key]}', not a number") from None
    if len(told) > 1 and not np.allclose(*told.values(), rtol=1e-6, atol=1e-9):
        both = " and ".join(f"{key} is {info[key]}" for key in told)
        raise HavenError(f"{both}: one of them is wrong")
    return next(iter(told.values()), info.get("cp2k_time_ps"))


def _number(info: dict[str, Any], keys: Collection[str]) -> float | None:
    """Return the number under the first of some keys, in any case of letters; None without one."""
    found = next((value for key, value in info.items() if str(key).lower() in keys), None)
    if isinstance(found, bool) or not isinstance(found, (int, float, np.number)):
        return None
    return float(found) if np.isfinite(found) else None


def _step(info: dict[str, Any]) -> int | None:
    """Return the number of the time step that a comment says; None where it is no whole number."""
    found = _number(info, STEPS)
    return int(found) if found is not None and found >= 0 and not found % 1 else None


def _images(path: Path, form: str | None, elements: tuple[str, ...]) -> Iterator[Any]:
    from ase.io import iread
    from ase.io.trajectory import TrajectoryReader

    if form == "extxyz":
        yield from _xyz(path, elements)
    elif form == "traj":  # not by iread, which takes an '@' in a name for an index
        with TrajectoryReader(str(path)) as held:
            yield from held
    else:
        with open_bytes(path) as stream:
            text, missing = vasprun.whole_steps(stream.read().decode(errors="replace"))
        vasprun.check_vasprun(text)
        if missing:
            log.warning("%s: %s and left out", path, missing)
        yield from iread(io.StringIO(text), index=":", format=form)


def _xyz(path: Path, elements: tuple[str, ...]) -> Iterator[Any]:
    """Yield the frames of an (extended) XYZ file, but for a last one that is cut short.

    ``elements`` are those of types 1, 2, ... where it names them by number.
    """
    with io.TextIOWrapper(open_bytes(path), errors="replace", newline="\n") as stream:
        named = typed_xyz.Named(stream, elements, str(path)) if elements else stream
        try:
            yield from extended_xyz.frames(cast(IO[str], named))
        except CutOffError:
            log.warning("%s: last frame is cut short and left out", path)
