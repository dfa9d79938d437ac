"""Files of any format turned, frame by frame, into the container; memory does not grow with them.

Positions are unwrapped on the way. A file that begins again where another ended (a restart) is
followed from there on, flips of a tilted box are undone, and a file's own times are believed.
"""

from __future__ import annotations

import zipfile
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from haven.core.errors import HavenError, log
from haven.core.periodic import heights, minimum_image
from haven.trajectory.checks import (
    check_closest,
    check_farthest,
    check_length_unit,
    check_times,
    rounding,
)
from haven.trajectory.frame_checks import (
    cell_of,
    check_constant,
    check_same,
    moved_too_far,
    unflipped,
)
from haven.trajectory.readers import Frame, read_frames
from haven.trajectory.repeats import Repeats
from haven.trajectory.spacing import check_clock, check_spacing, check_step
from haven.trajectory.trajectory import Trajectory, open_npz
from haven.trajectory.wanted import Wanted

AMBIGUOUS = 0.45
"""Share of the cell that an atom may move between two frames and still be unwrapped for sure."""
KEPT = 64
"""Frames of all atoms kept at least, evenly spread; twice as many at most."""
SAME_ANGSTROM = 0.02
"""Root-mean-square distance below which two frames of one time are one: the rounding of files."""
OUTSIDE_ANGSTROM = 1.5
"""How far wrapped atoms may leave the cell: programs fold them back only now and then."""
CHUNK_BYTES = 1 << 22


@dataclass(frozen=True)
class _Way:
    """What an earlier pass over the files found out: frames replaced later, and unwrapped."""

    skipped: frozenset[int] = frozenset()
    unwrapped: bool = False


class _AgainError(Exception):
    """The files must be read again, another way."""

    def __init__(self, way: _Way) -> None:
        super().__init__()
        self.way = way


@dataclass
class _Held:
    """What a pass keeps in memory: 80 bytes for each frame, everything for a few.

    Numbers lie in flat arrays, three after three where they are places: small objects for each
    frame would lie between what is read and keep its memory from being given back. ``cell`` is the
    first one, ``cells`` the sum of all; ``times``, ``steps`` and ``clocks`` end where a frame lacks
    them.
    """

    symbols: np.ndarray
    ids: np.ndarray | None
    mobile: dict[str, np.ndarray]
    framework: tuple[str, ...]
    masses: np.ndarray
    weights: np.ndarray
    host: array[float] = field(default_factory=lambda: array("d"))
    barycentre: array[float] = field(default_factory=lambda: array("d"))
    cell: np.ndarray = field(default_factory=lambda: np.empty(0))
    cells: np.ndarray = field(default_factory=lambda: np.zeros((3, 3)))
    times: array[float] = field(default_factory=lambda: array("d"))
    steps: array[float] = field(default_factory=lambda: array("d"))
    clocks: array[float] = field(default_factory=lambda: array("d"))
    places: array[int] = field(default_factory=lambda: array("q"))
    every: int = 1
    all: list[np.ndarray] = field(default_factory=list)
    all_frames: list[int] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Number of frames kept."""
        return len(self.places)


def convert(sources: list[Path], scratch: Path, wanted: Wanted) -> list[Trajectory]:
    """Return a container of each mobile species of files of one run.

    Parameters
    ----------
    sources
        Files that are there, in the order of time.
    scratch
        Folder for the containers; made.
    wanted
        Which part, and what the files do not say.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    stems = {s: scratch / f"{sources[0].name}.{s}" for s in wanted.species}
    raws = {s: stem.with_name(stem.name + ".raw") for s, stem in stems.items()}
    way = _Way(unwrapped=wanted.unwrapped)
    try:
        while True:
            try:
                with ExitStack() as opened:
                    streams = {s: opened.enter_context(raw.open("w+b")) for s, raw in raws.items()}
                    held = _pass(sources, wanted, way, streams)
                break
            except _AgainError as again:
                way = again.way
        times = _times(sources[0], held, wanted)
        found = []
        for one, raw in raws.items():
            target = stems[one].with_name(stems[one].name + ".npz")
            _write(target, raw, one, held, times, wanted)
            found.append(open_npz(target, one))
            found[-1].fixed = wanted.fixed
            found[-1].meta = {"source": ", ".join(map(str, sources)),
                              "unwrapped": "told" if wanted.unwrapped else "seen"}
        return found
    finally:
        for raw in raws.values():
            raw.unlink(missing_ok=True)


def _frames(
    sources: list[Path], wanted: Wanted, way: _Way,
) -> Iterator[tuple[int, int, Path, Frame]]:
    """Yield place in the files, number among the frames kept, file, frame."""
    place = number = 0
    for source in sources:
        for frame in read_frames(source, wanted.unsaid):
            if place not in way.skipped:
                if wanted.stop is not None and number >= wanted.stop:
                    return
                if number >= wanted.start:
                    yield place, number, source, frame
                number += 1
            place += 1


def _pass(
    sources: list[Path], wanted: Wanted, way: _Way, streams: Mapping[str, BinaryIO],
) -> _Held:
    """Unwrap frame after frame, and write the positions of the mobile ions to ``streams``.

    Returns symbols, ids, cells, times and the host's path, which fit into memory.

    Raises
    ------
    _AgainError
        If the files must be read another way.
    """
    held: _Held | None = None
    previous = unwrapped = last_cell = span = np.empty(0)
    ambiguous: HavenError | None = None
    unordered: Path | None = None
    clocks, repeats = array("d"), Repeats()
    for place, number, source, frame in _frames(sources, wanted, way):
        cell = cell_of(source, number, frame, wanted.cell, number == wanted.start)
        if held is None:
            held, last_cell = _begin(source, frame, cell, wanted), cell
        check_same(source, number, frame, held.symbols, held.ids)
        repeats.add(frame.positions, cell)
        unordered = source if frame.unordered else unordered
        cell = unflipped(cell, last_cell)
        last_cell = cell
        if not wanted.cell_changes:
            check_constant(source, number, cell, held.cell if held.count else cell)
        scaled = frame.positions @ np.linalg.inv(cell)
        loose = frame.unwrapped if frame.unwrapped is not None else way.unwrapped
        if frame.unwrapped is None and not way.unwrapped:
            span = _outside(span, scaled, cell, way)
        clock = frame.time_ps if frame.step is None else float(frame.step)
        forth = clock is None or not clocks or clock > clocks[-1]
        if not held.count or loose:
            unwrapped = scaled
        else:
            move = scaled - previous
            move -= np.round(move)
            if np.abs(move).max() > AMBIGUOUS and ambiguous is None:
                ambiguous = moved_too_far(source, number, move, frame)
                if frame.unwrapped is not None and forth:
                    raise ambiguous
            unwrapped = unwrapped + move
        previous = scaled
        positions = unwrapped @ (held.cell if wanted.cell_changes and held.count else cell)
        if clock is not None:
            _in_order(source, number, place, clock, clocks, positions, cell, held, streams, way)
            clocks.append(clock)
        _keep(held, place, frame, cell, positions)
        for species, rows in held.mobile.items():
            streams[species].write(positions[rows].astype(np.float32).tobytes())
    held = _checked(held, sources[0], wanted)
    if rows := repeats.replaced(sources[0], wanted.start, len(clocks) == held.count):
        again = frozenset(held.places[row] for row in rows) | way.skipped
        raise _AgainError(replace(way, skipped=again))
    if ambiguous is not None:
        raise ambiguous
    if way.skipped:
        log.info("%s: %d frames stand there again after a restart; the later ones are used",
                 sources[0], len(way.skipped))
    if way.unwrapped and not wanted.unwrapped:
        log.info("%s: its atoms leave the cell, so its positions are taken as unwrapped",
                 sources[0])
    if unordered is not None:
        log.warning("%s has no column id: its atoms are taken in the order of its lines, which "
                    "LAMMPS changes during a run unless dump_modify sort id is set", unordered)
    return held


def _checked(held: _Held | None, source: Path, wanted: Wanted) -> _Held:
    """Return what was kept of files, the first of which is ``source``; refuse one frame or none."""
    count = 0 if held is None else held.count
    if held is None or count < 2:
        kept = f" from --start {wanted.start} on" if wanted.start else ""
        raise HavenError(f"{source} has {count} frame{'s' * (count != 1)}{kept}: a "
                         "displacement needs two")
    return held


def _begin(source: Path, frame: Frame, cell: np.ndarray, wanted: Wanted) -> _Held:
    """Check the first frame, and return what is known from it."""
    from ase.data import atomic_masses, atomic_numbers

    present = sorted(set(frame.symbols.tolist()))
    for species in wanted.species:
        if species not in present:
            raise HavenError(f"{source} has no {species}: its species are {', '.join(present)}")
    if unknown := [symbol for symbol in present if symbol not in atomic_numbers]:
        raise HavenError(f"{source}: {', '.join(unknown)} is no element: name elements in the "
                         "file, or with --type_map")
    for species in wanted.framework:
        if species not in present or species in wanted.species:
            raise HavenError(f"--framework {species}: give elements of {source} that are not "
                             f"mobile; its species are {', '.join(present)}")
    framework = wanted.framework or tuple(s for s in present if s not in wanted.species)
    if np.isfinite(frame.positions).all():
        check_length_unit(abs(np.linalg.det(cell)) / len(frame.symbols), str(source))
        check_closest(frame.positions, cell, str(source))
        if len(present) > 1:
            check_farthest(frame.positions, cell, str(source))
    numbers = frame.ids if frame.ids is not None else np.arange(1, len(frame.symbols) + 1)
    if missing := sorted(set(wanted.ions) - set(numbers.tolist())):
        raise HavenError(f"--ions {missing[0]}: {source} has no such atom; they are numbered "
                         f"{numbers.min()} to {numbers.max()}")
    chosen = np.isin(numbers, wanted.ions) if wanted.ions else np.ones(len(numbers), bool)
    mobile = {s: np.flatnonzero((frame.symbols == s) & chosen) for s in wanted.species}
    for species, rows in mobile.items():
        if not len(rows):
            raise HavenError(f"--ions names no {species} of {source}: see its numbers of atoms")
    masses = np.array([atomic_masses[atomic_numbers[s]] for s in frame.symbols])
    weights = masses * np.isin(frame.symbols, framework)
    if weights.any():
        weights = weights / weights.sum()
    elif not wanted.fixed:
        log.warning("%s has only %s: no host, so nothing collective can be told (if the frame of "
                    "reference is known to stand still: --frame_of_reference fixed)", source,
                    ", ".join(present))
    if not frame.periodic:
        log.warning("%s: its cell is not periodic in every direction; it is taken as if it were",
                    source)
    return _Held(frame.symbols, frame.ids, mobile, framework, masses, weights)


def _outside(span: np.ndarray, scaled: np.ndarray, cell: np.ndarray, way: _Way) -> np.ndarray:
    """Return each atom's least and largest scaled coordinates (2, A, 3) up to now.

    Raises
    ------
    _AgainError
        If they are farther apart than those of wrapped atoms can be.
    """
    span = np.stack([scaled, scaled]) if not span.size else np.stack(
        [np.minimum(span[0], scaled), np.maximum(span[1], scaled)])
    widest = (span[1] - span[0]).max(axis=0)
    if (widest > 1 + np.maximum(0.05, OUTSIDE_ANGSTROM / heights(cell))).any():
        raise _AgainError(replace(way, unwrapped=True))
    return span


def _in_order(
    source: Path, number: int, place: int, clock: float, clocks: array[float],
    positions: np.ndarray, cell: np.ndarray, held: _Held,
    streams: Mapping[str, BinaryIO], way: _Way,
) -> None:
    """Follow a restart; refuse times that go back otherwise.

    Raises
    ------
    _AgainError
        If this frame is an earlier one again: that one and all after it are to be left out.
    HavenError
        If it is not.
    """
    if not clocks or clock > clocks[-1]:
        return
    row = bisect_left(clocks, clock - 1e-6 * abs(clock))
    if row < len(clocks) and abs(clocks[row] - clock) <= 1e-6 * abs(clock):
        apart = []
        for species, rows in held.mobile.items():
            stream, size = streams[species], len(rows) * 12
            stream.seek(row * size)
            earlier = np.frombuffer(stream.read(size), np.float32).reshape(-1, 3).astype(float)
            apart.append(minimum_image(positions[rows] - earlier, cell))
            stream.seek(0, 2)
        if np.sqrt((np.concatenate(apart) ** 2).sum(axis=1).mean()) < SAME_ANGSTROM:
            again = frozenset(range(held.places[row], place)) | way.skipped
            raise _AgainError(replace(way, skipped=again))
    raise HavenError(f"{source}: times do not increase at frame {number} (step or time {clock:g} "
                     f"after {clocks[-1]:g}), and positions are not those of that time before: "
                     f"two runs? Use one of them with --stop {number} or --start {number}")


def _keep(
    held: _Held, place: int, frame: Frame, cell: np.ndarray, positions: np.ndarray,
) -> None:
    number = held.count
    if not number:
        held.cell = cell
    held.cells += cell
    for told, value in ((held.times, frame.time_ps), (held.steps, frame.step),
                        (held.clocks, frame.clock)):
        if value is not None and len(told) == number:
            told.append(value)
    held.places.append(place)
    held.host.extend(held.weights @ positions)
    held.barycentre.extend(held.masses @ positions / held.masses.sum())
    if number % held.every == 0:
        held.all.append(positions.astype(np.float32))
        held.all_frames.append(number)
    if len(held.all) > 2 * KEPT:
        held.every *= 2
        held.all, held.all_frames = held.all[::2], held.all_frames[::2]


def _times(source: Path, held: _Held, wanted: Wanted) -> np.ndarray:
    """Return the times (T,) in ps from the first frame, the file's own where it says them."""
    count, given = held.count, wanted.frame_spacing_ps
    even = np.arange(count, dtype=float)
    if len(steps := np.array(held.steps)) == count:
        check_times(steps, str(source), "time steps", wanted.start)
        even = (steps - steps[0]) / (steps[1] - steps[0])
    if len(times := np.array(held.times)) < count:
        if len(clocks := np.array(held.clocks)) == count:
            check_clock(source, given, clocks)
        if given is None:
            raise HavenError(f"{source} does not say its times: give --frame_spacing_ps, the time "
                             "between two saved frames in ps")
        if len(steps) == count:
            check_step(source, given, float(steps[1] - steps[0]))
        return even * given
    check_times(times, str(source), "ps", wanted.start)
    apart = float((times[-1] - times[0]) / (count - 1))
    check_spacing(source, given, apart)
    return np.arange(count) * apart if rounding(times) else times - times[0]


def _write(
    target: Path, raw: Path, species: str, held: _Held, times: np.ndarray, wanted: Wanted,
) -> None:
    """Write the container; positions go through in pieces, so memory does not grow with them."""
    count, every = held.count, wanted.stride
    rows = held.mobile[species]
    mean = held.cells / count
    turn = np.linalg.inv(held.cell) @ mean if wanted.cell_changes else np.eye(3)
    frames = range(0, count, every)
    if len(frames) < 2:
        raise HavenError(f"--stride {every} leaves one frame of {count}: give less")
    small: dict[str, Any] = {
        "time_ps": times[::every], "host_centre_angstrom": _path(held.host)[::every] @ turn,
        "barycentre_angstrom": _path(held.barycentre)[::every] @ turn, "cell_angstrom": mean,
        "mobile_symbol": np.array(species), "symbols": held.symbols, "mobile_index": rows,
        "framework": np.array(held.framework, dtype=str),
        "all_time_ps": times[held.all_frames],
        "all_angstrom": np.stack([(one @ turn).astype(np.float32) for one in held.all]),
    }
    shape = {"descr": "<f4", "fortran_order": False, "shape": (len(frames), len(rows), 3)}
    each = max(1, CHUNK_BYTES // (12 * len(rows)))
    with zipfile.ZipFile(target, "w") as archive:
        with archive.open("mobile_angstrom.npy", "w", force_zip64=True) as member, \
                raw.open("rb") as stream:
            np.lib.format.write_array_header_1_0(member, shape)  # pyright: ignore
            for first in range(0, count, each):
                part = np.frombuffer(stream.read(each * 12 * len(rows)), np.float32)
                part = part.reshape(-1, len(rows), 3)[(-first) % every :: every]
                if wanted.cell_changes:
                    part = (part @ turn).astype(np.float32)
                member.write(part.tobytes())
        for name, value in small.items():
            with archive.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, np.asarray(value), allow_pickle=False)


def _path(flat: array[float]) -> np.ndarray:
    """Return places (T, 3) that lie one after another."""
    return np.array(flat).reshape(-1, 3)
