"""Foreign trajectory formats, turned frame by frame into `haven.trajectory.trajectory`'s."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from haven.core.errors import HavenError, existing, log
from haven.trajectory.checks import check_closest, check_length_unit, check_times
from haven.trajectory.formats import Frame, read_frames
from haven.trajectory.trajectory import Trajectory, open_npz, write_npz

AMBIGUOUS = 0.45
KEPT = 64


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
    elements = type_map.replace(",", " ").split()
    frames = read_frames(source, elements, topology)
    _convert(frames, source, species, target, timestep_ps, cell_changes)
    return open_npz(target, species)


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
            turn = np.linalg.inv(held["cells"][0]) @ mean
            positions[:] = positions @ turn.astype(np.float32)
            held |= {name: held[name] @ turn for name in ("host", "barycentre", "all")}
        write_npz(target, {
            "time_ps": times, "mobile_angstrom": positions,
            "host_centre_angstrom": np.array(held["host"]),
            "barycentre_angstrom": np.array(held["barycentre"]), "cell_angstrom": mean,
            "mobile_symbol": np.array(species), "symbols": held["symbols"], "mobile_index": mobile,
            "all_time_ps": times[held["all_frames"]],
            "all_angstrom": np.asarray(held["all"], np.float32),
        }, {"source": str(source)}, resolution=None)
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
            if np.isfinite(frame.positions).all():
                check_closest(frame.positions, frame.cell, str(source))
            held["symbols"], held["ids"] = frame.symbols, frame.ids
            held["mobile"] = np.flatnonzero(frame.symbols == species)
            masses = np.array([atomic_masses[atomic_numbers[s]] for s in frame.symbols])
            host = masses * (frame.symbols != species)
            if host.any():
                host /= host.sum()
            else:
                log.warning("%s has only %s: no host, so nothing collective can be told", source,
                            species)
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
        held["host"].append(host @ positions)
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
    if frame.ids is not None and (frame.ids != held["ids"]).any():
        raise HavenError(f"{source}: there are other atoms at frame {number}: their ids changed")
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
        if not 0 < timestep_ps < np.inf:
            raise HavenError("--timestep_ps must be positive")
        return even * timestep_ps
    if held["times"][0] is None:
        raise HavenError(f"{source} does not say its times: give --timestep_ps, the time between "
                         "two saved frames in ps")
    times = np.array(held["times"], float)
    check_times(times, str(source))
    return times - times[0]
