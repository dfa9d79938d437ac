"""Trajectories: one container (npz), read from disk in blocks of ions, checked before any number.

The container holds unwrapped positions; its largest member is read with plain file reads, so a
trajectory of any length is analysed in the memory of one block. Other formats are turned into
the container first (`haven.readers`).
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from haven.checks import check_length_unit, check_times
from haven.cli import HavenError, existing

BLOCK_BYTES = 1 << 27
FRAMES = ("host", "barycentre")
MEMBERS = ("time_ps", "mobile_angstrom", "host_centre_angstrom", "cell_angstrom", "mobile_symbol")


@dataclass
class Trajectory:
    """An open trajectory; positions of the mobile ions stay on disk.

    Attributes
    ----------
    path
        The container.
    time_ps
        Times (T,), evenly spaced, ps.
    cell
        Cell vectors as rows (3, 3), Angstrom.
    host, barycentre
        Centre of mass of all but the mobile species, and of all atoms (T, 3), Angstrom.
    symbol
        Element of the mobile ions.
    frames, ions
        Numbers T and N.
    meta
        What the producer wrote about the run.
    extra
        Members for every atom, as far as the file has them.
    """

    path: Path
    time_ps: np.ndarray
    cell: np.ndarray
    host: np.ndarray
    barycentre: np.ndarray
    symbol: str
    frames: int
    ions: int
    meta: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, np.ndarray] = field(default_factory=dict)
    offset: int = 0
    dtype: np.dtype = field(default_factory=lambda: np.dtype("<f4"))
    loaded: np.ndarray | None = None

    @property
    def spacing_ps(self) -> float:
        """Time between two frames, ps."""
        return float((self.time_ps[-1] - self.time_ps[0]) / (self.frames - 1))

    @property
    def duration_ps(self) -> float:
        """Time from the first to the last frame, ps."""
        return float(self.time_ps[-1] - self.time_ps[0])

    @property
    def volume(self) -> float:
        """Volume of the cell, |det|, Angstrom^3."""
        return float(abs(np.linalg.det(self.cell)))

    def centre(self, frame_of_reference: str) -> np.ndarray:
        """Return the path (T, 3) in Angstrom that is taken off every position."""
        if frame_of_reference not in FRAMES:
            raise HavenError(f"frame of reference {frame_of_reference}: choose from {FRAMES}")
        path = self.host if frame_of_reference == "host" else self.barycentre
        return np.asarray(path - path[0], dtype=np.float64)

    def read(self, start: int, stop: int) -> np.ndarray:
        """Return positions of ions ``start`` to ``stop`` at all times (T, n, 3), Angstrom."""
        if self.loaded is not None:
            return self.loaded[:, start:stop]
        count = stop - start
        block = np.empty((self.frames, count, 3), self.dtype)
        row, width = self.ions * 3 * self.dtype.itemsize, count * 3 * self.dtype.itemsize
        first = self.offset + start * 3 * self.dtype.itemsize
        view = memoryview(block.reshape(-1).view(np.uint8).data)
        with self.path.open("rb", buffering=0) as stream:
            handle = stream.fileno()
            if width == row:
                _fill(handle, view, first)
            else:
                for t in range(self.frames):
                    _fill(handle, view[t * width : (t + 1) * width], first + t * row)
        return block

    def read_frames(self, indices: np.ndarray) -> np.ndarray:
        """Return positions of all ions at the given frames (F, N, 3), Angstrom."""
        if self.loaded is not None:
            return self.loaded[indices]
        block = np.empty((len(indices), self.ions, 3), self.dtype)
        row = self.ions * 3 * self.dtype.itemsize
        view = memoryview(block.reshape(-1).view(np.uint8).data)
        with self.path.open("rb", buffering=0) as stream:
            for i, t in enumerate(indices):
                _fill(stream.fileno(), view[i * row : (i + 1) * row], self.offset + int(t) * row)
        return block

    def read_all(self, indices: tuple[int, ...]) -> np.ndarray | None:
        """Return rare frames of every atom (F, A, 3), Angstrom; None where none are held."""
        place = _locate(self.path, "all_angstrom") if "all_time_ps" in self.extra else None
        if place is None or place[1][0] < 2:
            return None
        offset, shape, dtype = place
        size = shape[1] * 3 * dtype.itemsize
        out = np.empty((len(indices), *shape[1:]), dtype)
        with self.path.open("rb", buffering=0) as stream:
            for row, index in enumerate(indices):
                view = memoryview(out[row].reshape(-1).view(np.uint8).data)
                _fill(stream.fileno(), view, offset + index % shape[0] * size)
        return out.astype(np.float64)

    def blocks(self, budget: int = BLOCK_BYTES) -> Iterator[tuple[int, int, np.ndarray]]:
        """Yield ``start, stop, positions (T, n, 3)`` over all ions, ``budget`` bytes at a time."""
        each = max(1, int(budget // (self.frames * 3 * self.dtype.itemsize)))
        if each < self.ions:
            each = max(16, each // 16 * 16) if each >= 16 else each
        for start in range(0, self.ions, each):
            stop = min(start + each, self.ions)
            yield start, stop, self.read(start, stop)


def _fill(handle: int, view: memoryview, offset: int) -> None:
    done = 0
    while done < len(view):
        got = os.preadv(handle, [view[done:]], offset + done)
        if got <= 0:
            raise HavenError("the trajectory ends before its last frame: write it again")
        done += got


def _locate(path: Path, member: str) -> tuple[int, tuple[int, ...], np.dtype] | None:
    """Return offset, shape and type of an uncompressed npz member, or None if compressed."""
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(f"{member}.npy")
        if info.compress_type != zipfile.ZIP_STORED:
            return None
    with path.open("rb") as stream:
        stream.seek(info.header_offset + 26)
        name, extra = np.frombuffer(stream.read(4), "<u2")
        stream.seek(info.header_offset + 30 + int(name) + int(extra))
        version = np.lib.format.read_magic(stream)
        reader = (np.lib.format.read_array_header_1_0 if version == (1, 0)
                  else np.lib.format.read_array_header_2_0)
        shape, fortran, dtype = reader(stream)
        return None if fortran else (stream.tell(), shape, dtype)


def open_npz(path: str | Path, species: str | None = None) -> Trajectory:
    """Open the container and check everything that can be checked without its positions.

    Parameters
    ----------
    path
        File made by `write_npz`.
    species
        Element wanted; must be the file's mobile species.

    Raises
    ------
    HavenError
        If the file is no container, or a check of `check` fails.
    """
    source = existing(path, "trajectory")
    try:
        with np.load(source) as held:
            missing = [name for name in MEMBERS if name not in held.files]
            if missing:
                raise HavenError(f"{source} has no {', '.join(missing)}: see assets/tables.md")
            small = {name: held[name] for name in held.files
                     if name not in ("mobile_angstrom", "all_angstrom")}
        place = _locate(source, "mobile_angstrom")
        loaded = None
        if place is None:
            with np.load(source) as held:
                loaded = held["mobile_angstrom"]
            place = (0, loaded.shape, loaded.dtype)
    except (zipfile.BadZipFile, ValueError, EOFError) as error:
        raise HavenError(f"{source} is no trajectory container (npz): {error}") from error
    offset, shape, dtype = place
    if len(shape) != 3 or shape[2] != 3:
        raise HavenError(f"{source}: positions have shape {shape}, not (frames, ions, 3)")
    host = np.asarray(small["host_centre_angstrom"], np.float64)
    trajectory = Trajectory(
        path=source, time_ps=np.asarray(small["time_ps"], np.float64),
        cell=np.asarray(small["cell_angstrom"], np.float64), host=host,
        barycentre=np.asarray(small.get("barycentre_angstrom", host), np.float64),
        symbol=str(small["mobile_symbol"]), frames=shape[0], ions=shape[1],
        meta=json.loads(str(small["meta"])) if "meta" in small else {},
        extra={k: v for k, v in small.items() if k not in MEMBERS and k != "meta"},
        offset=offset, dtype=dtype, loaded=loaded,
    )
    check(trajectory, species)
    return trajectory


def check(trajectory: Trajectory, species: str | None = None) -> None:
    """Refuse a trajectory that cannot give a transport number.

    Raises
    ------
    HavenError
        For another species, a single frame, times that do not increase evenly, a flat cell,
        values that are no numbers, or lengths that can't be in Angstrom.
    """
    where = trajectory.path
    if species is not None and species != trajectory.symbol:
        raise HavenError(f"{where} has no mobile {species}: it follows {trajectory.symbol}")
    if trajectory.ions == 0:
        raise HavenError(f"{where} follows no {trajectory.symbol}: check the species")
    times = trajectory.time_ps
    if trajectory.frames < 2:
        raise HavenError(f"{where} has one frame: a displacement needs two or more")
    if len(times) != trajectory.frames or len(trajectory.host) != trajectory.frames:
        raise HavenError(f"{where}: {trajectory.frames} frames, {len(times)} times and "
                         f"{len(trajectory.host)} host centres: write the file again")
    check_times(times, str(where))
    for name, values in (("host centre", trajectory.host), ("cell", trajectory.cell)):
        if not np.isfinite(values).all():
            raise HavenError(f"{where}: the {name} has values that are not finite")
    atoms = len(trajectory.extra.get("symbols", ())) or trajectory.ions
    check_length_unit(trajectory.volume / atoms, str(where))


def write_npz(path: str | Path, members: Mapping[str, Any], meta: Mapping[str, Any]) -> Path:
    """Write the container, uncompressed so that blocks can be read from it.

    Parameters
    ----------
    path
        File to write.
    members
        ``time_ps`` (T,), ``mobile_angstrom`` (T, N, 3), ``host_centre_angstrom`` (T, 3),
        ``barycentre_angstrom`` (T, 3), ``cell_angstrom`` (3, 3), ``mobile_symbol``; as far as
        known ``all_time_ps`` (M,), ``all_angstrom`` (M, A, 3), ``symbols`` (A,),
        ``mobile_index`` (N,), ``deviation_ev_per_angstrom`` (T,), the ensemble's largest force
        deviation. Large ones may be memory maps.
    meta
        What is known about the run: material, u_ev, temperature_k, replica, seed, versions.
    """
    missing = [name for name in MEMBERS if name not in members]
    if missing:
        raise HavenError(f"trajectory {path}: {', '.join(missing)} not given")
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as stream:
        np.savez(stream, **members, meta=np.array(json.dumps(dict(meta), default=str)))
    return target
