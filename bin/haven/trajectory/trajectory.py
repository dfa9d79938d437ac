"""Trajectories: one container (npz), read from disk in blocks of ions, checked before any number.

The container holds unwrapped positions. They are read from the file a block of ions at a time, so
that a trajectory of any length is analysed in the memory of one block. Other formats are turned
into the container first (`haven.trajectory.readers`), a compressed one is written out for as long
as it is open (`haven.trajectory.container.inflating`).

Positions of the mobile ions are kept as whole steps of 0.001 Angstrom
(`haven.trajectory.container.packing`): no position is wrong by more than 0.0005 Angstrom, and
rounding never adds up. It adds at most 5e-7 Angstrom^2 (6 resolution^2 / 12) to a mean-square
displacement, the same at every lag, so nothing to its slope. A container with ``mobile_angstrom``
as float32, as a user's own NumPy writes it, is read as well. `tests/bench/README.md` compares the
container with HDF5: a file that readers of H5MD take is larger and slower;
`haven.trajectory.export` writes one.
"""

from __future__ import annotations

import json
import struct
import tempfile
import tokenize
import weakref
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from haven.core.errors import HavenError, brief, existing
from haven.trajectory.checks import check_length_unit, check_times
from haven.trajectory.container.arrays import (
    LARGE,
    MEMBERS,
    PACKED,
    Positions,
    locate,
    positions_of,
)
from haven.trajectory.container.inflating import inflated
from haven.trajectory.container.members import (
    SHAPES,
    check_heads,
    check_packing,
    check_places,
    check_positions,
    heads,
)
from haven.trajectory.container.packing import RESOLUTION, UnpackableError, fill, pack

BLOCK_BYTES = 1 << 25
LONG_BYTES = 1 << 27
"""Bytes of positions read at once where `BLOCK_BYTES` hold few ions: runs of very many frames."""
TOGETHER = 16
"""Ions that are worth reading together: what compiled transforms take at once."""
FIXED = "fixed"
FRAMES = ("host", "barycentre")

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
    positions
        Where their positions are read from.
    meta
        What the producer wrote about the run.
    extra
        Members for every atom, as far as the file has them.
    fixed
        Whether positions are known to be in a frame that stands still: then ions of a file without
        a host may be added up.
    store
        File that positions are read from where it is not ``path``: a compressed container,
        written out.
    """

    path: Path
    time_ps: np.ndarray
    cell: np.ndarray
    host: np.ndarray
    barycentre: np.ndarray
    symbol: str
    positions: Positions
    meta: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, np.ndarray] = field(default_factory=dict)
    fixed: bool = False
    store: Path | None = None

    @property
    def frames(self) -> int:
        """Number of frames T."""
        return self.positions.frames

    @property
    def ions(self) -> int:
        """Number of mobile ions N."""
        return self.positions.ions

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

    @property
    def framework(self) -> tuple[str, ...]:
        """Elements of the host, by which drift and melting are judged, as far as the file says."""
        if "framework" in self.extra:
            return tuple(str(symbol) for symbol in self.extra["framework"])
        symbols = {str(symbol) for symbol in self.extra.get("symbols", ())}
        return tuple(sorted(symbols - {self.symbol}))

    @property
    def has_host(self) -> bool:
        """Whether the file knows the path of a host, to which motion is relative."""
        return self.fixed or bool(self.framework) or not len(self.extra.get("symbols", ()))

    def centre(self, frame_of_reference: str) -> np.ndarray:
        """Return the path (T, 3) in Angstrom that is subtracted from every position.

        It is zero for a file without a host: relative to the centre of the mobile ions alone, their
        collective motion would vanish.
        """
        if frame_of_reference not in (*FRAMES, FIXED):
            raise HavenError(f"frame of reference {frame_of_reference}: choose from {FRAMES}, "
                             f"{FIXED}")
        if not self.has_host or frame_of_reference == FIXED:
            return np.zeros_like(self.host)
        path = self.host if frame_of_reference == "host" else self.barycentre
        return np.asarray(path - path[0], dtype=np.float64)

    def read(self, start: int, stop: int) -> np.ndarray:
        """Return positions of ions ``start`` to ``stop`` at all times (T, n, 3), Angstrom."""
        return check_positions(self.positions.read(start, stop), self.path, start)

    def read_frames(self, indices: np.ndarray) -> np.ndarray:
        """Return positions of all ions at the given frames (F, N, 3), Angstrom."""
        return check_positions(self.positions.read_frames(indices), self.path, 0, indices)

    def read_all(self, indices: tuple[int, ...]) -> np.ndarray | None:
        """Return rare frames of every atom (F, A, 3), Angstrom; None where none are held."""
        store = self.store or self.path
        place = locate(store, "all_angstrom") if "all_time_ps" in self.extra else None
        if place is None or place[1][0] < 2:
            return None
        offset, shape, dtype = place
        size = shape[1] * 3 * dtype.itemsize
        out = np.empty((len(indices), *shape[1:]), dtype)
        with store.open("rb", buffering=0) as stream:
            for row, index in enumerate(indices):
                view = memoryview(out[row].reshape(-1).view(np.uint8).data)
                fill(stream.fileno(), view, offset + index % shape[0] * size)
        return out.astype(np.float64)

    def blocks(self, budget: int | None = None) -> Iterator[tuple[int, int, np.ndarray]]:
        """Yield ``start, stop, positions (T, n, 3)`` over all ions, ``budget`` bytes at a time.

        By default a block has `BLOCK_BYTES`; where these hold fewer than `TOGETHER` ions, it has
        that many ions, but no more than `LONG_BYTES`.
        """
        row = self.frames * 3 * self.positions.dtype.itemsize
        if budget is None:
            budget = max(BLOCK_BYTES, min(TOGETHER * row, LONG_BYTES))
        each = max(1, int(budget // row))
        if TOGETHER <= each < self.ions:
            each -= each % TOGETHER
        for start in range(0, self.ions, each):
            stop = min(start + each, self.ions)
            yield start, stop, self.read(start, stop)


def read_members(path: str | Path, *names: str) -> dict[str, np.ndarray]:
    """Return members of a container as arrays, ``mobile_angstrom`` (T, N, 3) unpacked.

    Parameters
    ----------
    path
        The container; members that are not asked for may be missing.
    names
        Members wanted; all where none is named.

    Raises
    ------
    HavenError
        If the file is no container, or has not all of the members.
    """
    source = existing(path, "trajectory")
    try:
        check_heads(source, heads(source))
        with np.load(source) as held:
            packed = set(PACKED) <= set(held.files)
            plain = [name for name in held.files if not (packed and name in PACKED)]
            wanted = names or (*plain, *(["mobile_angstrom"] if packed else []))
            found = {name: held[name] for name in wanted if name in plain}
            small = {name: held[name] for name in PACKED[1:]} if packed else {}
    except DAMAGE as error:
        raise HavenError(f"{source} is no trajectory container (npz): {brief(error)}") from error
    if packed and "mobile_angstrom" in wanted:
        check_packing(source, small)
        positions, _ = _positions(source, small, packed, None)
        found["mobile_angstrom"] = positions.read(0, positions.ions)
    missing = [name for name in wanted if name not in found]
    if missing:
        raise HavenError(f"{source} is no Haven trajectory: it has no {', '.join(missing)}")
    return found


def open_npz(
    path: str | Path, species: str | None = None, scratch: Path | None = None,
) -> Trajectory:
    """Open the container and check everything that can be checked without its positions.

    Parameters
    ----------
    path
        File made by `write_npz`, or one of a user's own, compressed or not.
    species
        Element wanted; must be the file's mobile species.
    scratch
        Folder where a compressed container is written out, by default that of temporary files;
        what is written there goes when the trajectory does.

    Raises
    ------
    HavenError
        If the file is no container, or a check of `check_trajectory` fails.
    """
    source = existing(path, "trajectory")
    try:
        members = heads(source)
        packed = set(PACKED) <= set(members)
        missing = [name for name in MEMBERS if name not in members
                   and not (packed and name == "mobile_angstrom")]
        if missing:
            raise HavenError(f"{source} has no {', '.join(missing)}: see assets/tables.md")
        check_heads(source, members)
        with np.load(source) as held:
            small = {name: held[name] for name in members if name in SHAPES and name not in LARGE}
        if packed:
            check_packing(source, small)
        positions, store = _positions(source, small, packed, scratch)
    except DAMAGE as error:
        why = brief(error)
        raise HavenError(f"{source} is no trajectory container (npz): {why}") from error
    host = np.asarray(small["host_centre_angstrom"], float)
    trajectory = Trajectory(
        path=source, time_ps=np.asarray(small["time_ps"], float),
        cell=np.asarray(small["cell_angstrom"], float), host=host,
        barycentre=(np.asarray(small["barycentre_angstrom"], float)
                    if "barycentre_angstrom" in small else host),
        symbol=str(small["mobile_symbol"]), positions=positions, meta=_meta(source, small),
        extra={k: v for k, v in small.items() if k not in (*MEMBERS, *PACKED, "meta")},
        store=store,
    )
    check_trajectory(trajectory, species)
    check_members(trajectory)
    return trajectory


def _positions(
    source: Path, small: Mapping[str, np.ndarray], packed: bool, scratch: Path | None,
) -> tuple[Positions, Path | None]:
    """Return positions, and the file written out for them, which goes when they do."""
    store = inflated(source, scratch)
    try:
        positions = positions_of(store or source, small, packed)
    except BaseException:
        if store is not None:
            store.unlink(missing_ok=True)
        raise
    if store is not None:
        weakref.finalize(positions, store.unlink, missing_ok=True)
    return positions, store


DAMAGE = (zipfile.BadZipFile, zlib.error, ValueError, EOFError, OSError, RuntimeError,
          SyntaxError, KeyError, TypeError, tokenize.TokenError, struct.error)
"""What NumPy and zipfile raise of files that are damaged, or no container at all."""


def read_meta(path: str | Path) -> dict[str, Any]:
    """Return what a container says about its run, empty where it says nothing.

    Raises
    ------
    HavenError
        If the file is no container.
    """
    source = existing(path, "trajectory")
    try:
        with np.load(source) as held:
            small = {name: held[name] for name in ("meta",) if name in held.files}
    except DAMAGE as error:
        raise HavenError(f"{source} is no trajectory container (npz): {brief(error)}") from error
    return _meta(source, small)


def _meta(source: Path, small: Mapping[str, np.ndarray]) -> dict[str, Any]:
    try:
        found = json.loads(str(small["meta"])) if "meta" in small else {}
    except ValueError as error:
        raise HavenError(f"{source}: meta is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise HavenError(f"{source}: meta is a JSON {type(found).__name__}, not an object")
    return found


def check_members(trajectory: Trajectory) -> None:
    """Refuse members that do not fit to each other, or are no real numbers.

    Raises
    ------
    HavenError
        Naming the member.
    """
    where, extra = trajectory.path, trajectory.extra
    symbols = extra.get("symbols", np.empty(0))
    if len(symbols) and (symbols == trajectory.symbol).sum() < trajectory.ions:
        raise HavenError(f"{where}: symbols names {(symbols == trajectory.symbol).sum()} "
                         f"{trajectory.symbol}, there are {trajectory.ions} mobile ions")
    rows = extra.get("mobile_index")
    if rows is not None and len(symbols) and (
            len(rows) != trajectory.ions or np.min(rows) < 0 or np.max(rows) >= len(symbols)
            or len(np.unique(rows)) < len(rows)
            or (np.asarray(symbols)[np.asarray(rows)] != trajectory.symbol).any()):
        raise HavenError(f"{where}: mobile_index must name a row of symbols for each of the "
                         f"{trajectory.ions} mobile ions, one of {trajectory.symbol} and another "
                         "for each")
    if "all_time_ps" in extra:
        every = trajectory.read_all((0, -1))
        if every is not None and not np.isfinite(every).all():
            raise HavenError(f"{where}: all_angstrom has values that are not finite")


def check_trajectory(trajectory: Trajectory, species: str | None = None) -> None:
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
    for name, values in (("host centre", trajectory.host), ("cell", trajectory.cell),
                         ("barycentre", trajectory.barycentre)):
        check_places(values, where, f"the {name}")
    atoms = len(trajectory.extra.get("symbols", ())) or trajectory.ions
    check_length_unit(trajectory.volume / atoms, str(where))


def write_npz(
    path: str | Path, members: Mapping[str, Any], meta: Mapping[str, Any],
    resolution: float | None = RESOLUTION,
) -> Path:
    """Write the container, uncompressed so that blocks can be read from it.

    Parameters
    ----------
    path
        File to write.
    members
        ``time_ps`` (T,), ``mobile_angstrom`` (T, N, 3), ``host_centre_angstrom`` (T, 3),
        ``barycentre_angstrom`` (T, 3), ``cell_angstrom`` (3, 3), ``mobile_symbol``; as far as
        known ``all_time_ps`` (M,), ``all_angstrom`` (M, A, 3), ``symbols`` (A,), ``framework``,
        ``mobile_index`` (N,), ``deviation_ev_per_angstrom`` (T,), the ensemble's largest force
        deviation. Large ones may be memory maps.
    meta
        What is known about the run: material, u_ev, temperature_k, replica, seed, versions.
    resolution
        Steps that positions of the mobile ions are rounded to, Angstrom; None keeps them as they
        are. Positions that are no numbers of a crystal's size are kept as they are, too.
    """
    missing = [name for name in MEMBERS if name not in members]
    if missing:
        raise HavenError(f"trajectory {path}: {', '.join(missing)} not given")
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    described = np.array(json.dumps(dict(meta), default=str))
    with tempfile.TemporaryFile(dir=target.parent) as scratch, target.open("wb") as stream:
        try:
            members = _with_packed(scratch, members, resolution)
        except UnpackableError:
            pass
        np.savez(stream, **members, meta=described)
    return target


def _with_packed(
    scratch: Any, members: Mapping[str, Any], resolution: float | None
) -> Mapping[str, Any]:
    positions = members["mobile_angstrom"]
    if resolution is None or np.ndim(positions) != 3 or not np.size(positions):
        return members
    if np.shape(positions)[2] != 3:
        return members
    small = pack(scratch, positions, resolution)
    scratch.flush()
    rest = {name: value for name, value in members.items() if name != "mobile_angstrom"}
    size = int(small["mobile_span_end"][-1])
    return {**rest, **small, "mobile_packed": np.memmap(scratch, np.uint8, "r", shape=(size,))}
