"""Foreign trajectory formats, read frame by frame."""

from __future__ import annotations

import gzip
import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np

from haven.core.errors import HavenError, log

LAMMPS_TIME_PS = {"metal": 1.0, "real": 1e-3}


@dataclass
class Frame:
    """Symbols (A,), positions (A, 3) and cell (3, 3) in Angstrom; time, step and ids if known."""

    symbols: np.ndarray
    positions: np.ndarray
    cell: np.ndarray
    time_ps: float | None = None
    step: int | None = None
    unwrapped: bool = False
    ids: np.ndarray | None = None


def read_frames(source: Path, elements: list[str], topology: str | None) -> Iterator[Frame]:
    """Return the frames of a file, one after another.

    Parameters
    ----------
    source
        LAMMPS dump, extxyz, ASE ``.traj``, XDATCAR, or what MDAnalysis reads; LAMMPS's may be gzip.
    elements
        Elements of LAMMPS types 1, 2, ..., for dumps without an ``element`` column.
    topology
        Topology file for MDAnalysis.

    Raises
    ------
    HavenError
        In one line, if the file can't be read as what it seems to be.
    """
    name = source.name.lower().removesuffix(".gz")
    if is_dump(source):
        return _told(source, _lammps(source, elements))
    if "xdatcar" in name:
        return _told(source, _ase(source, "vasp-xdatcar"))
    if topology is None and name.endswith((".extxyz", ".xyz", ".traj")):
        return _told(source, _ase(source, None))
    return _told(source, _mdanalysis(source, topology))


def read_by_ase(source: Path) -> Iterator[Frame]:
    """Return the frames of any file ASE reads, one after another; else as `read_frames`."""
    return _told(source, _ase(source, None))


def is_dump(source: Path) -> bool:
    """Return whether a file is a LAMMPS dump, which names types where ASE would see elements."""
    with _text(source) as stream:
        return stream.readline().startswith("ITEM:")


def _told(source: Path, frames: Iterator[Frame]) -> Iterator[Frame]:
    """Yield frames; whatever a parser raises becomes one line with the number of the frame."""
    count = 0
    try:
        for count, frame in enumerate(frames, 1):  # noqa: B007
            yield frame
    except HavenError:
        raise
    except Exception as error:  # parsers of foreign formats raise anything
        why = " ".join(str(error).split())[:160] or type(error).__name__
        raise HavenError(f"{source} can't be read at frame {count}: {why}") from error


def _text(source: Path) -> TextIO:
    if source.suffix == ".gz":
        return gzip.open(source, "rt", errors="replace")
    return source.open(errors="replace")


def _lammps(source: Path, elements: list[str]) -> Iterator[Frame]:
    unit = None
    with _text(source) as stream:
        step, time, count = 0, None, 0
        cell, low = np.zeros((3, 3)), np.zeros(3)
        while line := stream.readline():
            if line.startswith("ITEM: UNITS"):
                unit = stream.readline().strip()
            elif line.startswith("ITEM: TIMESTEP"):
                step, time = int(stream.readline()), None
            elif line.startswith("ITEM: TIME"):
                scale = LAMMPS_TIME_PS.get(unit or "")
                value = float(stream.readline())
                time = None if scale is None else value * scale
            elif line.startswith("ITEM: NUMBER OF ATOMS"):
                count = int(stream.readline())
            elif line.startswith("ITEM: BOX BOUNDS"):
                cell, low = _lammps_box(line, [stream.readline() for _ in range(3)])
            elif line.startswith("ITEM: ATOMS"):
                rows = [stream.readline().split() for _ in range(count)]
                if any(len(row) != len(line.split()) - 2 for row in rows):
                    if stream.readline():
                        raise ValueError(f"a line of step {step} has too few or too many columns")
                    log.warning("%s: last frame is cut short and left out", source)
                    return
                frame = _lammps_atoms(source, line.split()[2:], rows, elements, cell, low)
                frame.step, frame.time_ps = step, time
                yield frame


def _lammps_box(header: str, lines: list[str]) -> tuple[np.ndarray, np.ndarray]:
    bounds = np.array([[float(x) for x in line.split()] for line in lines])
    if "abc origin" in header:
        return bounds[:, :3], bounds[:, 3]
    tilt = bounds[:, 2] if "xy xz yz" in header else np.zeros(3)
    xy, xz, yz = tilt
    low = bounds[:, 0] - [min(0.0, xy, xz, xy + xz), min(0.0, yz), 0.0]
    high = bounds[:, 1] - [max(0.0, xy, xz, xy + xz), max(0.0, yz), 0.0]
    lengths = high - low
    return np.array([[lengths[0], 0, 0], [xy, lengths[1], 0], [xz, yz, lengths[2]]]), low


def _lammps_atoms(
    source: Path, columns: list[str], rows: list[list[str]], elements: list[str],
    cell: np.ndarray, low: np.ndarray,
) -> Frame:
    table = {name: [row[i] for row in rows] for i, name in enumerate(columns)}
    if "element" in table:
        symbols = np.array(table["element"])
    elif "type" in table and elements:
        kinds = np.array(table["type"], int) - 1
        if kinds.max() >= len(elements):
            raise HavenError(f"{source} has {kinds.max() + 1} atom types: --type_map names "
                             f"{len(elements)}")
        symbols = np.array(elements)[kinds]
    else:
        raise HavenError(f"{source} has no element column: give --type_map, such as 'Li Ti Cl'")
    order = np.argsort(np.array(table["id"], int)) if "id" in table else np.arange(len(rows))
    for names, scaled, unwrapped in ((("xu", "yu", "zu"), False, True),
                                     (("xsu", "ysu", "zsu"), True, True),
                                     (("x", "y", "z"), False, False),
                                     (("xs", "ys", "zs"), True, False)):
        if all(n in table for n in names):
            positions = np.array([table[n] for n in names], float).T
            positions = positions @ cell if scaled else positions - low
            if not unwrapped and all(n in table for n in ("ix", "iy", "iz")):
                images = np.array([table[n] for n in ("ix", "iy", "iz")], float).T
                positions = positions + images @ cell
                unwrapped = True
            ids = np.array(table["id"], int)[order] if "id" in table else None
            return Frame(symbols[order], positions[order], cell, unwrapped=unwrapped, ids=ids)
    raise HavenError(f"{source} has no positions: dump x y z, xu yu zu, or scaled ones")


def _ase(source: Path, form: str | None) -> Iterator[Frame]:
    from ase.io import iread

    for atoms in iread(source, format=form):
        yield Frame(np.array(atoms.get_chemical_symbols()), atoms.get_positions(),
                    np.array(atoms.cell[:]), time_ps=atoms.info.get("time_ps"))


def _mdanalysis(source: Path, topology: str | None) -> Iterator[Frame]:
    logging.getLogger("MDAnalysis").setLevel(logging.ERROR)
    try:
        import MDAnalysis  # type: ignore[import-not-found]
    except ImportError:
        raise HavenError(f"{source}: known formats are npz, LAMMPS dump, extxyz, .traj, XDATCAR; "
                         "install MDAnalysis for others") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            universe = MDAnalysis.Universe(*([topology] if topology else []), str(source))
    except Exception as error:
        why = " ".join(str(error).split())[:160]
        raise HavenError(f"{source}: MDAnalysis: {why}; give --topology") from error
    kinds = [n for n in ("elements", "types") if hasattr(universe.atoms, n)]
    if not kinds:
        raise HavenError(f"{source} does not say which atom is what: give --topology")
    symbols = np.char.capitalize(np.array(getattr(universe.atoms, kinds[0]), dtype=str))
    for step in universe.trajectory:
        if step.dimensions is None:
            raise HavenError(f"{source} has no cell: periodic boundaries are needed")
        # a dcd file holds times in units of the program that wrote it, and does not say which
        told = source.suffix != ".dcd" and not {"time", "dt"}.isdisjoint(step.data)
        yield Frame(symbols, step.positions.astype(float),
                    np.asarray(step.triclinic_dimensions, float),
                    time_ps=float(step.time) if told else None)
