"""LAMMPS text dumps, read frame by frame: any box, order, scaling; times in ITEM: TIME."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import numpy as np

from haven.core.constants import BOHR_ANGSTROM
from haven.core.errors import HavenError, log
from haven.core.reading import plain
from haven.core.reading.entries import repeated
from haven.trajectory.readers.base import (
    Frame,
    Unsaid,
    element_of,
    elements_labelled,
    elements_of,
    open_bytes,
)

NAME: str = "LAMMPS dump"
OPTIONS: tuple[str, ...] = ("type_map",)
TIME_PS = {"metal": 1.0, "real": 1e-3, "si": 1e12, "cgs": 1e12, "electron": 1e-3,
           "micro": 1e6, "nano": 1e3}
"""Picoseconds in LAMMPS's units of time; those of ``lj`` have no picosecond and no Angstrom."""
LENGTH_ANGSTROM = {"metal": 1.0, "real": 1.0, "si": 1e10, "cgs": 1e8, "electron": BOHR_ANGSTROM,
                   "micro": 1e4, "nano": 10.0}
MOST_ATOMS = 10**9
HEAD_BYTES = 1 << 16
"""A dump says ITEM: in its first lines, also where it has lost the very first."""
LARGE_BYTES = 1 << 28
"""Size from which a second processor pays, and compiling: starting either takes a second or two."""
WORKERS = 2
AHEAD = 4
"""Frames that are read ahead: memory does not grow with the file."""
PIECE_BYTES = 1 << 22
UNITS = (*TIME_PS, "lj")
PARTS = ("UNITS", "TIMESTEP", "TIME", "NUMBER OF ATOMS", "BOX BOUNDS", "ATOMS")
BLANK = np.isin(np.arange(256), [9, 10, 11, 12, 13, 32])  # bytes that part words
BOUNDARIES = {a + b for a in "pfsm" for b in "pfsm"}
POSITIONS = (  # columns, scaled by the cell, unwrapped
    (("xu", "yu", "zu"), False, True), (("xsu", "ysu", "zsu"), True, True),
    (("x", "y", "z"), False, False), (("xs", "ys", "zs"), True, False),
)


def knows(path: Path) -> bool:
    """Return whether a file is a LAMMPS dump, which names types where others see elements."""
    if not path.is_file():
        return False
    with open_bytes(path) as stream:
        head = stream.read(HEAD_BYTES)
    return head.startswith(b"ITEM:") or b"\nITEM: " in head


@dataclass(frozen=True)
class _Text:
    """The text of one frame, and what stands before it."""

    path: Path
    columns: list[str]
    rows: bytes
    count: int
    step: int | None
    time_ps: float | None
    unsaid: Unsaid
    box: np.ndarray
    low: np.ndarray
    scale: float
    periodic: bool


def frames(path: Path, unsaid: Unsaid) -> Iterator[Frame]:
    """Yield the frames of a dump; a last frame that is cut short is left out with a warning.

    Numbers of large files are read by compiled code (`haven.trajectory.readers.dump_numbers`) while
    the next frames' text is; where they are not plain, by two processes.

    Raises
    ------
    HavenError, ValueError
        If the file says too little, or something that is no dump.
    """
    texts = _texts(path, unsaid)
    if path.stat().st_size < LARGE_BYTES:
        yield from map(_frame, texts)
        return
    first = next(texts, None)
    if first is None:
        return
    quick = _quick(first) is not None
    read = _quick_frame if quick else _frame
    yield read(first)
    if len(os.sched_getaffinity(0)) < 2:
        yield from map(read, texts)
        return
    pool: Executor = ThreadPoolExecutor(1) if quick else ProcessPoolExecutor(
        WORKERS, multiprocessing.get_context("forkserver"))
    with pool:
        yield from _ahead(pool, read, texts)


def _ahead(pool: Executor, read: Callable[[_Text], Frame], texts: Iterator[_Text]
           ) -> Iterator[Frame]:
    """Yield the frames of texts that others read ahead; an error comes behind those before it."""
    waiting: deque[Future[Frame]] = deque()
    failed: list[Exception] = []

    def more(count: int) -> None:
        try:
            waiting.extend(pool.submit(read, text) for text in islice(texts, count))
        except Exception as error:  # of whatever kind, it is raised in its turn
            failed.append(error)

    more(AHEAD)
    while waiting:
        frame = waiting.popleft().result()
        more(1)
        yield frame
    if failed:
        raise failed[0]


def _frame(text: _Text) -> Frame:
    """Return the frame that a text holds."""
    return _whole_frame(text, _atoms(text))


def _quick_frame(text: _Text) -> Frame:
    """Return the frame that a text holds, by compiled code where its numbers are plain."""
    frame = _quick(text)
    return _frame(text) if frame is None else _whole_frame(text, frame)


def _whole_frame(text: _Text, frame: Frame) -> Frame:
    frame.step, frame.time_ps, frame.periodic = text.step, text.time_ps, text.periodic
    frame.unordered = frame.ids is None
    frame.positions *= text.scale
    frame.cell = text.box * text.scale
    return frame


def _texts(path: Path, unsaid: Unsaid) -> Iterator[_Text]:
    """Yield the text of each frame."""
    unit, time, step = None, None, None
    box, low, periodic, count = np.zeros((3, 3)), np.zeros(3), True, -1
    begun: set[str] = set()  # parts of a frame read before its atoms
    with open_bytes(path) as opened:
        stream = _Lines(opened)
        while line := stream.readline():
            item = line.decode(errors="replace").removeprefix("\ufeff").strip()
            part = next((name for name in PARTS if item.startswith(f"ITEM: {name}")), None)
            if item.startswith("ITEM:") and part is None:
                raise ValueError(f"'{item[:40]}' is no part of a dump")
            if part in begun:
                raise ValueError(f"ITEM: {part} stands twice before the atoms of step {step}")
            begun |= {part} if part not in (None, "UNITS") else set()
            if item.startswith("ITEM: UNITS"):
                unit = _line(stream)
                if unit not in UNITS:
                    raise ValueError(f"ITEM: UNITS is '{unit[:40]}', none of {', '.join(UNITS)}")
                if unit == "lj":
                    raise HavenError(f"{path}: ITEM: UNITS is lj: its lengths are multiples of "
                                     "sigma, which the file does not say in Angstrom: multiply "
                                     "them, and write metal there")
            elif item.startswith("ITEM: TIMESTEP"):
                step = _whole(_line(stream), "ITEM: TIMESTEP")
            elif item.startswith("ITEM: TIME"):  # before or after ITEM: TIMESTEP
                scale, value = TIME_PS.get(unit or ""), plain.number(_line(stream))
                time = None if scale is None else value * scale
            elif item.startswith("ITEM: NUMBER OF ATOMS"):
                count = _whole(_line(stream), "ITEM: NUMBER OF ATOMS")
                if not 0 < count < MOST_ATOMS:
                    raise ValueError(f"{count} atoms are not possible")
            elif item.startswith("ITEM: BOX BOUNDS"):
                words, lines = item.split()[3:], [_line(stream) for _ in range(3)]
                if not lines[-1]:
                    break  # said below
                box, low = _box(item, lines)
                periodic = all(word == "pp" for word in words if word in BOUNDARIES)
            elif item.startswith("ITEM: ATOMS"):
                columns = item.split()[2:]
                if odd := [word for word in columns if not (word[0].isalpha() or word[0] == "_")]:
                    raise ValueError(f"ITEM: ATOMS names a column '{odd[0][:40]}' in step {step}")
                if twice := repeated(columns):
                    raise ValueError(f"ITEM: ATOMS names {twice} twice in step {step}")
                rows = stream.lines(count)
                if rows is None:
                    _check_cut(stream.rest(), len(columns), step)
                    log.warning("%s: last frame is cut short and left out", path)
                    return
                if missing := {"TIMESTEP", "NUMBER OF ATOMS", "BOX BOUNDS"} - begun:
                    raise ValueError(f"the frame behind step {step} has no ITEM: "
                                     f"{sorted(missing)[0]}")
                if b"\x0b" in rows or b"\x0c" in rows or (
                        b"\r" in rows and rows.count(b"\r") != rows.count(b"\r\n")):
                    raise ValueError(f"a line of step {step} holds a control character, which no "
                                     "dump has: it is damaged")
                begun = set()
                yield _Text(path, columns, rows, count, step, time, unsaid, box,
                            low, LENGTH_ANGSTROM.get(unit or "", 1.0), periodic)
                time, count = None, -1
            elif item and not item.startswith("ITEM:"):
                raise ValueError(f"a line after step {step} belongs to nothing ('{item[:40]}'): "
                                 "there are more atoms than ITEM: NUMBER OF ATOMS says")
    if begun:
        log.warning("%s: last frame is cut short and left out", path)


def _check_cut(rest: bytes, wide: int, step: int | None) -> None:
    """Raise ValueError where a frame that is cut short has damaged lines before its end."""
    whole = rest.split(b"\n")[:-1]
    bad = next((line for line in whole if len(line.split()) not in (0, wide)), None)
    if bad is not None:
        raise ValueError(f"a line of step {step} has {len(bad.split())} columns where {wide} are "
                         f"named ('{bad.decode(errors='replace').strip()[:40]}')")


class _Lines:
    """A stream read line by line, or many lines at once."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream, self.held, self.at, self.usual = stream, b"", 0, PIECE_BYTES

    def _more(self, least: int = 0) -> bool:
        """Read on, so many bytes or a piece; tell whether there was more."""
        piece = self.stream.read(max(least, PIECE_BYTES))
        self.held, self.at = self.held[self.at:] + piece, 0
        return bool(piece)

    def readline(self) -> bytes:
        """Return the next line with its newline; the last one may lack it, empty at the end."""
        while (end := self.held.find(b"\n", self.at)) < 0 and self._more():
            pass
        end = len(self.held) if end < 0 else end + 1
        line, self.at = self.held[self.at:end], end
        return line

    def rest(self) -> bytes:
        """Return what is left once `lines` has found fewer than it was asked for."""
        return self.held[self.at:]

    def lines(self, count: int) -> bytes | None:
        """Return so many whole lines, or None where there are fewer."""
        while (lacks := self.usual - len(self.held) + self.at) > 0 and self._more(lacks):
            pass
        end = min(self.at + self.usual, len(self.held))
        seen = self.held.count(b"\n", self.at, end)
        if seen >= count:  # go back to behind the last line wanted
            for _ in range(seen - count + 1):
                end = self.held.rfind(b"\n", self.at, end)
            end += 1
        while seen < count:
            found = self.held.find(b"\n", end)
            if found < 0:
                end -= self.at
                if not self._more():
                    return None
                continue
            seen, end = seen + 1, found + 1
        rows, self.at = self.held[self.at:end], end
        self.usual = len(rows)
        return rows


def _line(stream: _Lines) -> str:
    return stream.readline().decode(errors="replace").strip()


def _whole(text: str, what: str) -> int:
    try:
        value = plain.number(text)
    except ValueError as error:
        raise ValueError(f"{what} is '{text[:40]}', not a number") from error
    if not value.is_integer():
        raise ValueError(f"{what} is {text[:40]}, not a whole number")
    return int(text) if text.lstrip("+-").isdecimal() else int(value)


def _box(header: str, lines: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return cell vectors as rows (3, 3) and the low corner (3,), as the file's lengths."""
    general, tilted = "abc origin" in header, "xy xz yz" in header
    wide = {len(line.split()) for line in lines}
    if wide != ({4} if general else {3} if tilted else {2}):
        raise ValueError(f"'{header[:60]}' is followed by lines of {sorted(wide)} numbers")
    bounds = plain.rows(lines, wide.pop(), "ITEM: BOX BOUNDS")
    if general:
        return bounds[:, :3], bounds[:, 3]
    if (bounds[:, 1] < bounds[:, 0]).any():
        raise ValueError("ITEM: BOX BOUNDS ends below where it begins")
    tilt = bounds[:, 2] if tilted else np.zeros(3)
    xy, xz, yz = tilt
    low = bounds[:, 0] - [min(0.0, xy, xz, xy + xz), min(0.0, yz), 0.0]
    high = bounds[:, 1] - [max(0.0, xy, xz, xy + xz), max(0.0, yz), 0.0]
    lengths = high - low
    return np.array([[lengths[0], 0, 0], [xy, lengths[1], 0], [xz, yz, lengths[2]]]), low


def _quick(text: _Text) -> Frame | None:
    """Return the atoms of a text by compiled code; None where it holds anything unusual.

    What is returned is what `_atoms` returns, to the last bit.
    """
    try:
        from haven.trajectory.readers import dump_numbers
    except ImportError:
        return None
    place = {name: column for column, name in enumerate(text.columns)}
    names, scaled, unwrapped = next(
        (way for way in POSITIONS if all(name in place for name in way[0])), ((), False, False))
    images = ("ix", "iy", "iz") if names and not unwrapped and all(
        name in place for name in ("ix", "iy", "iz")) else ()
    kind = next((name for name in ("element", "typelabel", "type", "mass") if name in place
                 and (name != "type" or text.unsaid.elements)), None)
    named = kind in ("element", "typelabel")
    if len(place) < len(text.columns) or not names or kind is None or (
            named and text.unsaid.elements):
        return None
    wanted = [*names, *images, *(["id"] if "id" in place else []),
              *([] if named else [kind])]
    places = np.full(len(text.columns), dump_numbers.SKIPPED)
    for number, name in enumerate(wanted):
        places[place[name]] = number
    if named:
        places[place[kind]] = dump_numbers.NAME
    whole = np.isin(text.columns, ["id", "type", "ix", "iy", "iz"])
    numbers = np.empty((text.count, len(wanted)))
    codes = np.zeros(text.count, np.uint64)
    letters = np.frombuffer(text.rows, np.uint8)
    if not dump_numbers.read_numbers(letters, places, whole, numbers, codes):
        return None
    ids, order = None, np.arange(text.count)
    if "id" in wanted:
        ids = numbers[:, wanted.index("id")].astype(np.int64)
        order = np.argsort(ids, kind="stable")
        ids = ids[order]
        if (np.diff(ids) == 0).any():
            return None
    if named:
        symbols = _named(codes[order])
    elif kind == "type":
        kinds = numbers[order, wanted.index("type")].astype(np.int64)
        symbols = elements_of(kinds, text.unsaid.elements, str(text.path))
    else:
        kinds, inverse = np.unique(numbers[order, wanted.index("mass")], return_inverse=True)
        symbols = np.array([element_of(m, str(text.path)) for m in kinds])[inverse]
    positions = numbers[:, :3]
    positions = positions @ text.box if scaled else positions - text.low
    if images:
        positions += numbers[:, 3:6].astype(np.int64) @ text.box
    return Frame(symbols, positions[order], text.box, unwrapped=unwrapped or bool(images), ids=ids)


_LAST: list[tuple[np.ndarray, np.ndarray]] = []
"""Codes of names read last and what they spell: most frames name the same atoms."""


def _named(codes: np.ndarray) -> np.ndarray:
    """Return the names (A,) that codes of `haven.trajectory.readers.dump_numbers` spell."""
    for known, names in _LAST:
        if np.array_equal(known, codes):
            return names
    kinds, inverse = np.unique(codes.astype("<u8"), return_inverse=True)
    names = elements_labelled(kinds.view("S8").astype(str))[inverse]
    _LAST[:] = [(codes, names)]
    return names


def _alike(rows: bytes, wide: int) -> bool:
    """Tell whether every line has so many words; a line's loss may be another's gain."""
    text = np.frombuffer(rows, np.uint8)
    blank = BLANK[text]
    begins = np.flatnonzero(~blank & np.concatenate([[True], blank[:-1]]))
    before = np.searchsorted(begins, np.flatnonzero(text == ord("\n")))
    return bool((before == wide * np.arange(1, len(before) + 1)).all())


class _Columns:
    """The words of a text by column.

    Raises
    ------
    ValueError
        If a line has other than one word a column, or two columns have one name.
    """

    def __init__(self, text: _Text) -> None:
        wide = len(text.columns)
        self.words, self.count = text.rows.split(), text.count
        if len(self.words) != wide * text.count or not _alike(text.rows, wide):
            bad = next(row for row in text.rows.splitlines() if len(row.split()) != wide)
            raise ValueError(f"a line of step {text.step} has {len(bad.split())} columns where "
                             f"{wide} are named ('{bad.decode(errors='replace').strip()[:40]}')")
        self.place = {name: column for column, name in enumerate(text.columns)}
        if len(self.place) < wide:
            raise ValueError(f"ITEM: ATOMS names a column twice: {' '.join(text.columns)[:60]}")
        self.odd = b"_" in text.rows  # Python would read 1_0 as 10

    def __contains__(self, name: str) -> bool:
        return name in self.place

    def texts(self, name: str) -> list[bytes]:
        """Return a column's words, one an atom."""
        return self.words[self.place[name]::len(self.place)]

    def _plain(self, name: str) -> list[bytes]:
        found = self.texts(name)
        bad = next((word for word in found if b"_" in word), None) if self.odd else None
        if bad is not None:
            raise ValueError(f"{name} is '{bad.decode(errors='replace')[:40]}', no plain number")
        return found

    def numbers(self, name: str) -> np.ndarray:
        """Return a column's numbers (A,), float64."""
        return np.fromiter(map(float, self._plain(name)), float, self.count)

    def whole(self, name: str) -> np.ndarray:
        """Return a column's whole numbers (A,), int64."""
        return np.fromiter(map(int, self._plain(name)), np.int64, self.count)


def _atoms(text: _Text) -> Frame:
    """Return the frame that the lines of ITEM: ATOMS hold."""
    columns = _Columns(text)
    ids = columns.whole("id") if "id" in columns else None
    order = np.arange(text.count) if ids is None else np.argsort(ids, kind="stable")
    if ids is not None:
        ids = ids[order]
        if (twice := np.flatnonzero(np.diff(ids) == 0)).size:
            raise ValueError(f"id {ids[twice[0]]} stands twice in step {text.step}")
    symbols = _symbols(columns, text.unsaid, str(text.path))
    for names, scaled, unwrapped in POSITIONS:
        if all(name in columns for name in names):
            positions = np.stack([columns.numbers(name) for name in names], axis=1)
            positions = positions @ text.box if scaled else positions - text.low
            if not unwrapped and all(name in columns for name in ("ix", "iy", "iz")):
                images = np.stack([columns.whole(name) for name in ("ix", "iy", "iz")], axis=1)
                positions += images @ text.box
                unwrapped = True
            return Frame(symbols[order], positions[order], text.box, unwrapped=unwrapped, ids=ids)
    raise HavenError(f"{text.path} has no positions: dump x y z, xu yu zu, or scaled ones")


def _symbols(columns: _Columns, unsaid: Unsaid, path: str) -> np.ndarray:
    """Return each atom's element (A,): of its name, its type or its mass, in this order."""
    labelled = next((name for name in ("element", "typelabel", "type") if name in columns), "")
    typed = "type" in columns and not columns.texts("type")[0][:1].isalpha()
    if labelled and (labelled != "type" or not typed):
        symbols = elements_labelled(np.array(columns.texts(labelled)).astype(str))
        if unsaid.elements and (
                (elements_of(columns.whole("type"), unsaid.elements, path) != symbols).any()
                if typed else set(symbols.tolist()) != set(unsaid.elements)):
            raise HavenError(f"{path}: its column {labelled} names elements ("
                             f"{', '.join(sorted(set(symbols.tolist())))}), and --type_map says "
                             "otherwise: leave that out, or write the column as it should be")
        return symbols
    if "type" in columns and unsaid.elements:
        return elements_of(columns.whole("type"), unsaid.elements, path)
    if "mass" in columns:
        kinds, inverse = np.unique(columns.numbers("mass"), return_inverse=True)
        return np.array([element_of(m, path) for m in kinds])[inverse]
    if "type" not in columns:
        raise HavenError(f"{path} says of no atom what it is: write it with a column element or "
                         "type (dump ... custom ... id element x y z)")
    raise HavenError(f"{path} has no element column: give --type_map, such as 'Li Ti Cl'")
