"""What became of a damaged input: refused, read as it was, or a fault."""

from __future__ import annotations

import contextlib
import logging
import resource
import shutil
import signal
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from corpus import Input, Values
from mutations import mutated, tells_other_numbers

from haven.core import errors

LIMIT_S = 30.0
LIMIT_BYTES = 2 << 30
LONGEST_LINE = 1500
REFUSED, EQUAL, OTHER, LESS = "refused", "equal", "says other numbers", "says less"
TRACEBACK, HANG, MEMORY, WRONG, UNCLEAR = (
    "traceback", "hang", "memory", "wrongly accepted", "unclear")
FAULTS = (TRACEBACK, HANG, MEMORY, WRONG, UNCLEAR)


class Hang(BaseException):
    """Raised when reading takes too long; no reader catches it."""


@dataclass(frozen=True)
class Verdict:
    """What became of an input, and in what words."""

    what: str
    words: str = ""


@contextlib.contextmanager
def bounded() -> Iterator[None]:
    """End what takes longer than `LIMIT_S`."""
    def stop(_number: int, _frame: object) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, LIMIT_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def limit_memory() -> None:
    """Let this process have no more than `LIMIT_BYTES` beside what it has."""
    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + LIMIT_BYTES, held + LIMIT_BYTES))


class Said(logging.Handler):
    """Keeps what is logged from warnings on."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@contextlib.contextmanager
def listening() -> Iterator[list[str]]:
    """Give the warnings that Haven logs, and keep them from the screen."""
    said = Said()
    errors.log.addHandler(said)
    before, errors.log.propagate = errors.log.propagate, False
    try:
        yield said.lines
    finally:
        errors.log.removeHandler(said)
        errors.log.propagate = before


def line_of(error: Exception) -> tuple[int, str]:
    """Return status and line that a script ends with on an error."""
    return errors.exit_of(error)


def judge(
    kind: Input, path: Path, whole: Values, honest: bool, shorter: bool = False,
) -> Verdict:
    """Read an input and say what became of it.

    Parameters
    ----------
    kind
        How it is read.
    path
        The damaged file.
    whole
        What the undamaged file says.
    honest
        Whether the damage made other numbers of numbers, which nobody can see.
    shorter
        Whether the file lost its beginning or its end alone: at the border of a frame nobody can
        see that.
    """
    try:
        with bounded(), listening() as warned, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = kind.read(path)
    except Hang:
        return Verdict(HANG)
    except MemoryError:
        return Verdict(MEMORY)
    except Exception as error:
        status, line = line_of(error)
        if status != errors.BAD_INPUT:
            return Verdict(TRACEBACK, line)
        return Verdict(UNCLEAR if unclear(line, path) else REFUSED, line)
    return compared(whole, found, honest, bool(warned) or shorter)


def unclear(line: str, path: Path) -> bool:
    """Tell whether a line names no file, or could not stand on a screen."""
    names = (path.name, path.parent.name, path.parents[1].name, path.stem)
    return (not any(name in line for name in names) or not line.isprintable()
            or len(line) > LONGEST_LINE)


def compared(whole: Values, found: Values, honest: bool, warned: bool) -> Verdict:
    """Hold what a damaged file says against what it said before."""
    away = difference(whole, found)
    if not away:
        return Verdict(EQUAL)
    if honest:
        return Verdict(OTHER, away)
    if warned and part_of(whole, found):
        return Verdict(LESS, away)
    less = difference(whole, found, lacking=True)
    if not less:
        return Verdict(LESS, away)
    return Verdict(WRONG, less)


def difference(one: Any, two: Any, lacking: bool = False, where: str = "") -> str:
    """Return where two values differ, empty if nowhere; ``lacking``: the second may have less."""
    if lacking and (two is None or (isinstance(two, (dict, str, list)) and not two)):
        return ""
    if isinstance(one, Mapping) and isinstance(two, Mapping):
        if set(two) - set(one) or (not lacking and set(one) != set(two)):
            return f"{where}: {sorted(map(str, set(one) ^ set(two)))[:4]}"
        return next((found for key in two
                     if (found := difference(one[key], two[key], lacking, f"{where}.{key}"))), "")
    if isinstance(one, (list, tuple)) and isinstance(two, (list, tuple)):
        if len(one) != len(two):
            return f"{where}: {len(two)} of {len(one)}"
        return next((found for place, (a, b) in enumerate(zip(one, two, strict=True))
                     if (found := difference(a, b, lacking, f"{where}[{place}]"))), "")
    if where.endswith(".converged") and two is False:
        return ""  # it is left out of every data set
    if isinstance(one, (float, int, np.ndarray, np.generic)) and not isinstance(one, bool):
        try:
            a, b = np.asarray(one, float), np.asarray(two, float)
        except (TypeError, ValueError):
            return f"{where}: {two!r}"[:200]
        if a.shape != b.shape:
            return f"{where}: shape {b.shape}, was {a.shape}"
        same = np.isclose(a, b, rtol=1e-7, atol=1e-7)
        return "" if same.all() else f"{where}: {b[~same].ravel()[:2]}, was {a[~same].ravel()[:2]}"
    return "" if one == two else f"{where}: {two!r}, was {one!r}"[:200]


def part_of(whole: Values, found: Values) -> bool:
    """Tell whether the frames that were read are some of the whole file's, in order."""
    if "frames" in whole:
        rest = iter(whole["frames"])
        return all(any(not _numbers_of(one, two) for one in rest) for two in found["frames"])
    if "positions" not in whole:
        return not difference(whole, found, lacking=True)
    count = len(found["positions"])
    cut = {key: value[:count] if key in ("time", "positions", "host") else value
           for key, value in whole.items()}
    if "cell" in cut and np.ndim(cut["cell"]) == 3:
        cut["cell"] = cut["cell"][:count]
    return count <= len(whole["positions"]) and not difference(cut, found)


def _numbers_of(one: Values, two: Values) -> str:
    names = ("number", "trajectory")  # as many frames as there are make them
    return difference({key: one[key] for key in one if key not in names},
                      {key: two[key] for key in two if key not in names}, lacking=True)


def honest_change(kind: Input, before: bytes, after: bytes) -> bool:
    """Tell whether the damage is one that no reader can see."""
    if kind.literal:
        return True
    if kind.text:
        return tells_other_numbers(before, after)
    if kind.plain is None or len(before) != len(after):
        return False
    spans = kind.plain(before)
    return all(any(start <= at < stop for start, stop in spans)
               for at in np.flatnonzero(np.frombuffer(before, np.uint8)
                                        != np.frombuffer(after, np.uint8)).tolist())


class Case:
    """One kind of input in a folder of its own, to be damaged again and again."""

    def __init__(self, kind: Input, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.kind, self.path = kind, kind.write(folder)
        self.bytes = self.path.read_bytes()
        with listening():
            self.whole = kind.read(self.path)
            again = difference(self.whole, kind.read(self.path))
        if again:
            raise AssertionError(f"{self.path} says other things when read twice: {again}")

    def of(self, data: bytes) -> Verdict:
        """Return what becomes of the input with these bytes in its file."""
        self.path.write_bytes(data)
        try:
            return judge(self.kind, self.path, self.whole,
                         honest_change(self.kind, self.bytes, data),
                         self.bytes.startswith(data) or self.bytes.endswith(data))
        finally:
            self.path.write_bytes(self.bytes)

    def mutation(self, seed: int) -> tuple[bytes, Verdict]:
        """Return damaged bytes and what became of them."""
        stages = mutated(self.bytes, seed, self.kind.text)
        return stages[-1], self.staged(stages)

    def staged(self, stages: list[bytes]) -> Verdict:
        """Return what becomes of the last of some stages of damage.

        Of several damages each is looked at alone: one may change numbers that nobody can check,
        and the next must still change none. A damage to numbers that is refused, as their places
        do not fit together, may be hidden by a later one that cuts off what they do not fit to.
        """
        verdict = self.of(stages[-1])
        if verdict.what != WRONG or len(stages) < 2:
            return verdict
        before, whole, numbers = self.bytes, self.whole, False
        try:
            for data in stages:
                self.path.write_bytes(data)
                honest = honest_change(self.kind, before, data) or (
                    numbers and tells_other_numbers(before, data, cut=True))
                step = judge(self.kind, self.path, whole, honest,
                             before.startswith(data) or before.endswith(data))
                if step.what in FAULTS:
                    return verdict
                if step.what == REFUSED:
                    numbers |= self.kind.text and honest
                else:
                    before = data
                    with listening():
                        whole = self.kind.read(self.path)
        finally:
            self.path.write_bytes(self.bytes)
        return Verdict(OTHER, verdict.words)
