"""Foreign trajectory formats, turned frame by frame into the container of `haven.trajectory`."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from haven.cli import HavenError, existing, log
from haven.trajectory import Trajectory, check_length_unit, check_times, open_npz, write_npz

AMBIGUOUS = 0.45
KEPT = 64
LAMMPS_TIME_PS = {"metal": 1.0, "real": 1e-3}


@dataclass
class Frame:
    """One frame: symbols (A,), positions (A, 3), cell (3, 3) in Angstrom, time in ps if known."""

    symbols: np.ndarray
    positions: np.ndarray
    cell: np.ndarray
    time_ps: float | None = None
    step: int | None = None
    unwrapped: bool = False


def open_trajectory(
    path: str | Path, species: str | None, scratch: str | Path, timestep_ps: float | None = None,
    type_map: str = "", topology: str | None = None, cell_changes: bool = False,
) -> Trajectory:
    """Open any trajectory Haven can read.

    Parameters
    ----------
    path
        npz container, LAMMPS dump, extxyz, ASE ``.traj``, XDATCAR, or what MDAnalysis reads.
    species
        Element of the mobile ions; may be left out for a container.
    scratch
        Folder for the container made from another format.
    timestep_ps
        Time between two saved frames, for formats that do not say it.
    type_map
        Elements of LAMMPS types 1, 2, ... in order, where the dump has no ``element`` column.
    topology
        Topology file for MDAnalysis.
    cell_changes
        Accept a cell that changes: its mean is used.
    """
    source = existing(path, "trajectory")
    if source.suffix == ".npz":
        return open_npz(source, species)
    if species is None:
        raise HavenError(f"{source}: say which element moves with --species")
    target = Path(scratch) / f"{source.name}.npz"
    frames = _frames(source, type_map.split(), topology)
    _convert(frames, source, species, target, timestep_ps, cell_changes)
    return open_npz(target, species)


def _frames(source: Path, elements: list[str], topology: str | None) -> Iterator[Frame]:
    name = source.name.lower().removesuffix(".gz")
    with _text(source) as stream:
        head = stream.readline()
    if head.startswith("ITEM:"):
        return _lammps(source, elements)
    if "xdatcar" in name:
        return _ase(source, "vasp-xdatcar")
    if topology is None and name.endswith((".extxyz", ".xyz", ".traj")):
        return _ase(source, None)
    return _mdanalysis(source, topology)


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
                if len(rows[-1]) != len(line.split()) - 2:
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
            return Frame(symbols[order], positions[order], cell, unwrapped=unwrapped)
    raise HavenError(f"{source} has no positions: dump x y z, xu yu zu, or scaled ones")


def _ase(source: Path, form: str | None) -> Iterator[Frame]:
    from ase.io import iread

    try:
        for atoms in iread(source, format=form):
            yield Frame(np.array(atoms.get_chemical_symbols()), atoms.get_positions(),
                        np.array(atoms.cell[:]))
    except (ValueError, KeyError, IndexError, StopIteration, AssertionError) as error:
        raise HavenError(f"{source} can't be read as a trajectory: {error}") from error


def _mdanalysis(source: Path, topology: str | None) -> Iterator[Frame]:
    try:
        import MDAnalysis  # type: ignore[import-not-found]
    except ImportError:
        raise HavenError(f"{source}: known formats are npz, LAMMPS dump, extxyz, .traj, XDATCAR; "
                         "install MDAnalysis for others") from None
    try:
        universe = MDAnalysis.Universe(*([topology] if topology else []), str(source))
    except Exception as error:
        raise HavenError(f"{source}: MDAnalysis: {error}; give --topology") from error
    kinds = [n for n in ("elements", "types") if hasattr(universe.atoms, n)]
    if not kinds:
        raise HavenError(f"{source} does not say which atom is what: give --topology")
    symbols = np.array(getattr(universe.atoms, kinds[0]), dtype=str)
    for step in universe.trajectory:
        yield Frame(symbols, step.positions.astype(float),
                    np.asarray(step.triclinic_dimensions, float), time_ps=float(step.time))


def _convert(
    frames: Iterator[Frame], source: Path, species: str, target: Path,
    timestep_ps: float | None, cell_changes: bool,
) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    raw = target.with_suffix(".raw")
    try:
        with raw.open("wb") as stream:
            held = _stream(frames, source, species, stream, cell_changes)
        count, mobile = len(held["host"]), held["mobile"]
        times = _times(source, held, timestep_ps)
        positions: Any = np.memmap(raw, np.float32, "r+", shape=(count, len(mobile), 3))
        mean = np.mean(held["cells"], axis=0)
        if cell_changes:
            positions[:] = positions @ (np.linalg.inv(held["cells"][0]) @ mean).astype(np.float32)
        write_npz(target, {
            "time_ps": times, "mobile_angstrom": positions,
            "host_centre_angstrom": np.array(held["host"]),
            "barycentre_angstrom": np.array(held["barycentre"]), "cell_angstrom": mean,
            "mobile_symbol": np.array(species), "symbols": held["symbols"], "mobile_index": mobile,
            "all_time_ps": times[held["all_frames"]], "all_angstrom": np.array(held["all"]),
        }, {"source": str(source)})
    finally:
        raw.unlink(missing_ok=True)


def _stream(
    frames: Iterator[Frame], source: Path, species: str, stream: Any, cell_changes: bool,
) -> dict[str, Any]:
    """Unwrap frame after frame, write the mobile ions to ``stream``, return what is small."""
    from ase.data import atomic_masses, atomic_numbers

    held: dict[str, Any] = {"host": [], "barycentre": [], "cells": [], "times": [], "steps": [],
                            "all": [], "all_frames": [], "every": 1}
    previous = unwrapped = np.empty(0)
    host = masses = np.zeros(0)
    for number, frame in enumerate(frames):
        if number == 0:
            unknown = sorted(set(frame.symbols) - set(atomic_numbers))
            if species not in frame.symbols:
                raise HavenError(f"{source} has no {species}: its species are "
                                 f"{', '.join(sorted(set(frame.symbols)))}")
            if unknown:
                raise HavenError(f"{source}: {', '.join(unknown)} is no element")
            if abs(np.linalg.det(frame.cell)) < 1e-9:
                raise HavenError(f"{source} has no cell: periodic boundaries are needed")
            check_length_unit(abs(np.linalg.det(frame.cell)) / len(frame.symbols), str(source))
            held["symbols"] = frame.symbols
            held["mobile"] = np.flatnonzero(frame.symbols == species)
            masses = np.array([atomic_masses[atomic_numbers[s]] for s in frame.symbols])
            host = masses * (frame.symbols != species)
        _same(source, number, frame, held, cell_changes)
        scaled = frame.positions @ np.linalg.inv(frame.cell)
        if number == 0 or frame.unwrapped:
            unwrapped = scaled
        else:
            move = scaled - previous
            move -= np.round(move)
            if np.abs(move).max() > AMBIGUOUS:
                raise HavenError(f"{source}: an atom moves by {np.abs(move).max():.2f} of the cell "
                                 f"at frame {number}: save frames more often, or unwrapped")
            unwrapped = unwrapped + move
        previous = scaled
        positions = unwrapped @ (held["cells"][0] if cell_changes else frame.cell)
        if not host.any():
            host = masses
            log.warning("%s has only %s: displacements are relative to all atoms", source, species)
        held["host"].append(host @ positions / host.sum())
        held["barycentre"].append(masses @ positions / masses.sum())
        if number % held["every"] == 0:
            held["all"].append(positions.astype(np.float32))
            held["all_frames"].append(number)
        if len(held["all"]) > KEPT:
            held["every"] *= 2
            held["all"], held["all_frames"] = held["all"][::2], held["all_frames"][::2]
        stream.write(positions[held["mobile"]].astype(np.float32).tobytes())
    if len(held["host"]) < 2:
        raise HavenError(f"{source} has {len(held['host'])} frame: a displacement needs two")
    return held


def _same(source: Path, number: int, frame: Frame, held: dict[str, Any], changes: bool) -> None:
    if len(frame.symbols) != len(held["symbols"]):
        raise HavenError(f"{source}: {len(frame.symbols)} atoms at frame {number}, "
                         f"{len(held['symbols'])} before: the number may not change")
    if (frame.symbols != held["symbols"]).any():
        raise HavenError(f"{source}: atoms change order at frame {number}: sort them")
    if not (np.isfinite(frame.positions).all() and np.isfinite(frame.cell).all()):
        raise HavenError(f"{source}: frame {number} has values that are not finite")
    held["cells"].append(frame.cell)
    held["times"].append(frame.time_ps)
    held["steps"].append(frame.step)
    change = np.abs(frame.cell - held["cells"][0]).max() / np.abs(frame.cell).max()
    if not changes and change > 1e-4:
        raise HavenError(f"{source}: the cell changes at frame {number}: use constant volume, or "
                         "--cell_changes for the mean cell")


def _times(source: Path, held: dict[str, Any], timestep_ps: float | None) -> np.ndarray:
    count = len(held["host"])
    if held["steps"][0] is not None:
        steps = np.array(held["steps"], float)
        check_times(steps, str(source))
        even = (steps - steps[0]) / (steps[1] - steps[0])
    else:
        even = np.arange(count, dtype=float)
    if timestep_ps is not None:
        if timestep_ps <= 0:
            raise HavenError("--timestep_ps must be positive")
        return even * timestep_ps
    if held["times"][0] is None:
        raise HavenError(f"{source} does not say its times: give --timestep_ps, the time between "
                         "two saved frames in ps")
    times = np.array(held["times"], float)
    check_times(times, str(source))
    return times - times[0]
