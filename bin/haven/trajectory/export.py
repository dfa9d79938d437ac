"""Haven's trajectories written in other formats: extended XYZ, H5MD and GROMACS' XTC.

Positions stay unwrapped, as in the container. Frames are written one block at a time, so that
memory does not grow with the file.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from haven import __version__
from haven.core.errors import HavenError
from haven.core.periodic import Floats
from haven.trajectory.trajectory import Trajectory

FORMATS = {".extxyz": "extxyz", ".xyz": "extxyz", ".h5md": "h5md", ".h5": "h5md", ".xtc": "xtc"}
"""Format by the ending of a file's name."""
BLOCK = 256  # frames written at a time
XTC_STEPS_PER_NM = 1e5  # positions are rounded to 0.0001 Angstrom, a tenth of the container's step
XTC_LARGEST = 2**31 - 1  # a rounded position is a 32-bit integer
NM = 0.1  # nanometre in an Angstrom


@dataclass(frozen=True)
class Frames:
    """What is exported.

    Attributes
    ----------
    symbols
        Element of each atom (A,).
    cell
        Cell vectors as rows (3, 3), Angstrom.
    time_ps
        Times (T,), ps.
    places
        Index of each frame in the container's positions (T,).
    everything
        Whether these are frames of all atoms, which are kept more rarely than those of the mobile
        ions.
    source
        The trajectory.
    """

    symbols: np.ndarray
    cell: Floats
    time_ps: Floats
    places: np.ndarray
    everything: bool
    source: Trajectory

    def blocks(self) -> Iterator[tuple[int, Floats]]:
        """Yield the place of the first frame of a block, and positions (B, A, 3), Angstrom."""
        for first in range(0, len(self.places), BLOCK):
            some = self.places[first : first + BLOCK]
            if self.everything:
                held = self.source.read_all(tuple(int(place) for place in some))
                if held is None:
                    raise HavenError(f"{self.source.path} holds no frames of all atoms")
                yield first, held
            else:
                yield first, np.asarray(self.source.read_frames(some), np.float64)


def chosen(
    trajectory: Trajectory, atoms: str, start: int = 0, stop: int | None = None, stride: int = 1
) -> Frames:
    """Return the frames and atoms of a trajectory that are to be exported.

    Parameters
    ----------
    trajectory
        Opened container.
    atoms
        ``mobile``: the mobile ions of every frame; ``all``: every atom, of the frames that the
        container keeps of them.
    start, stop, stride
        First frame, first not wanted, every how many.

    Raises
    ------
    HavenError
        If no frame is left, or the container holds none of all atoms.
    """
    everything = atoms == "all"
    if everything:
        times = np.asarray(trajectory.extra.get("all_time_ps", ()), float)
        symbols = np.asarray(trajectory.extra.get("symbols", ()), str)
        if not len(times) or not len(symbols) or trajectory.read_all((0, -1)) is None:
            raise HavenError(f"{trajectory.path} holds fewer than two frames of all atoms: give "
                             "--atoms mobile, or run again with a lower --all_every")
    else:
        times = trajectory.time_ps
        symbols = np.full(trajectory.ions, trajectory.symbol)
    if start < 0 or stride < 1 or (stop is not None and stop < 1):
        raise HavenError("--start, --stop and --stride count frames: give 0 or more, 1 or more")
    places = np.arange(len(times))[start:stop:stride]
    if not len(places):
        raise HavenError(f"{trajectory.path} has {len(times)} frames, of which --start, --stop and "
                         "--stride leave none")
    return Frames(symbols, np.asarray(trajectory.cell, float), times[places], places, everything,
                  trajectory)


def write_export(frames: Frames, path: str | Path, form: str) -> list[Path]:
    """Write frames in a format; return the files written.

    Parameters
    ----------
    frames
        What is exported.
    path
        File to write; another of this name is replaced once the new one is whole.
    form
        ``extxyz``, ``h5md`` or ``xtc``. XTC does not say what atoms are: a PDB of the first frame
        is written beside it.

    Raises
    ------
    HavenError
        If a package is missing, or XTC can't hold the positions.
    """
    target = Path(path)
    if not target.parent.is_dir():
        raise HavenError(f"there is no folder {target.parent}: make it, or give another --out")
    part = target.with_name(f".{target.name}.part")
    try:
        {"extxyz": _extxyz, "h5md": _h5md, "xtc": _xtc}[form](frames, part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return [target, *([_topology(frames, target.with_suffix(".pdb"))] if form == "xtc" else [])]


def _meta(frames: Frames) -> dict[str, str]:
    """Return what is known about the run, as text."""
    return {key: str(value) for key, value in frames.source.meta.items()
            if isinstance(value, (str, int, float))}


def _extxyz(frames: Frames, path: Path) -> None:
    """Write extended XYZ by ASE, with ``time_ps`` in every comment."""
    from ase import Atoms
    from ase.io.extxyz import write_xyz

    said = _meta(frames)
    with path.open("w", encoding="utf-8") as stream:
        for first, positions in frames.blocks():
            for number, place in enumerate(positions):
                atoms = Atoms(list(frames.symbols), place, cell=frames.cell, pbc=True)
                atoms.info = {**said, "time_ps": float(frames.time_ps[first + number])}
                write_xyz(stream, [atoms])


def _h5md(frames: Frames, path: Path) -> None:
    """Write H5MD 1.1 (de Buyl, Colberg and Höfling, Comput. Phys. Commun. 185, 1546, 2014)."""
    import h5py
    from ase.symbols import symbols2numbers

    count, size = len(frames.places), len(frames.symbols)
    with h5py.File(path, "w") as held:
        about: Any = held.create_group("h5md")
        about.attrs["version"] = np.array([1, 1])
        about.create_group("author").attrs["name"] = "not said"
        about.create_group("creator").attrs.update({"name": "Haven", "version": __version__})
        about.create_group("modules").create_group("units").attrs["version"] = np.array([1, 0])
        group: Any = held.create_group("particles/trajectory")
        group.create_dataset("species", data=np.array(symbols2numbers(list(frames.symbols))))
        position: Any = group.create_group("position")
        value = position.create_dataset("value", (count, size, 3), np.float64,
                                        chunks=(1, size, 3), compression="gzip", shuffle=True)
        value.attrs["unit"] = "Angstrom"
        time = position.create_dataset("time", data=np.asarray(frames.time_ps, float))
        time.attrs["unit"] = "ps"
        step = position.create_dataset("step", data=np.asarray(frames.places, np.int64))
        box: Any = group.create_group("box")
        box.attrs["dimension"] = 3
        box.attrs["boundary"] = ["periodic"] * 3
        edges = box.create_group("edges")
        every = edges.create_dataset("value", data=np.broadcast_to(frames.cell, (count, 3, 3)),
                                     compression="gzip")
        every.attrs["unit"] = "Angstrom"
        edges["time"], edges["step"] = time, step
        for first, positions in frames.blocks():
            value[first : first + len(positions)] = positions
        if not frames.everything:
            for name, path_of in (("host_centre", frames.source.host),
                                  ("barycentre", frames.source.barycentre)):
                seen: Any = held.create_group(f"observables/{name}")
                centre = seen.create_dataset("value", data=path_of[frames.places])
                centre.attrs["unit"] = "Angstrom"
                seen["time"], seen["step"] = time, step
        told: Any = held.create_group("parameters/haven")
        told.attrs.update(_meta(frames))


def _turned(frames: Frames) -> tuple[Floats, Floats]:
    """Return the cell with a along x and b in the xy plane, and what turns positions into it.

    Returns
    -------
    tuple
        Cell vectors as rows (3, 3), Angstrom, and R (3, 3): positions become ``positions @ R``.
    """
    from ase.cell import Cell

    if np.linalg.det(frames.cell) <= 0:
        raise HavenError(f"{frames.source.path}: its cell is left-handed, which XTC can't hold: "
                         "give .extxyz or .h5md")
    cell, turn = Cell(frames.cell).standard_form()
    return np.asarray(cell[:], float), np.asarray(turn, float).T


def _xtc(frames: Frames, path: Path) -> None:
    """Write XTC by MDAnalysis; positions are rounded to 0.0001 Angstrom."""
    try:
        from MDAnalysis.lib.formats.libmdaxdr import XTCFile  # type: ignore[import-not-found]
    except ImportError:
        raise HavenError("XTC is written by MDAnalysis, which is not installed: "
                         f"{sys.executable} -m pip install MDAnalysis, or give .extxyz or .h5md"
                         ) from None
    cell, turn = _turned(frames)
    with XTCFile(str(path), "w") as stream:
        for first, positions in frames.blocks():
            turned = positions @ turn * NM
            if np.abs(turned).max() * XTC_STEPS_PER_NM >= XTC_LARGEST:
                raise HavenError(f"{frames.source.path}: an ion is {np.abs(turned).max():.0f} nm "
                                 "from the origin, farther than XTC can hold: give .extxyz or "
                                 ".h5md")
            for number, place in enumerate(turned):
                row = first + number
                stream.write(place.astype(np.float32), (cell * NM).astype(np.float32),
                             int(frames.places[row]), float(frames.time_ps[row]),
                             XTC_STEPS_PER_NM)


def _topology(frames: Frames, path: Path) -> Path:
    """Write the first frame as PDB, turned as XTC is."""
    from ase import Atoms
    from ase.io import write as write_atoms

    cell, turn = _turned(frames)
    _, positions = next(frames.blocks())
    write_atoms(str(path), Atoms(list(frames.symbols), positions[0] @ turn, cell=cell, pbc=True),
                format="proteindatabank")
    return path
