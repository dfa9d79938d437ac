"""A finished run of two attempts, and what may happen to its files."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from analytic import crystal
from pairs import write_pair

from haven.dynamics.job import Job
from haven.dynamics.lammps import program as lammps
from haven.dynamics.runs import run as dynamics
from haven.dynamics.runs import segments
from haven.material import structures

SPECIES = ("Li", "Ti", "Cl")
JOB = Job(300, 1, 100, 40, 200, 10, 4, 1234, (), SPECIES, "Li")
HALF = 100
FIRST, SECOND = "production.a002", "production.a003"
HEADER = 276
MIDDLE = {"mobile.dcd": 5, "all.dcd": 1}  # frame of the first attempt that is damaged


def start(folder: Path) -> Job:
    """Put the start of a run into a folder and return the run."""
    folder.mkdir(parents=True, exist_ok=True)
    atoms = crystal(1).repeat((2, 1, 1))
    structures.write_data(folder / "start.data", atoms, SPECIES)
    return replace(JOB, potentials=lammps.link_potentials(folder, [write_pair(folder)]))


def go_on(job: Job, folder: Path, steps: int) -> segments.Segments:
    """Run a job to so many steps and return its frames."""
    job = replace(job, production_steps=steps)
    assert dynamics.run_phases(job, folder, lambda _phase: "") == "complete"
    return segments.join_segments(job, folder)


def same(one: segments.Segments, other: segments.Segments) -> None:
    """Demand that two runs are one: on one processor and one thread, to the last digit."""
    np.testing.assert_array_equal(one.steps, other.steps)
    np.testing.assert_array_equal(one.all_steps, other.all_steps)
    np.testing.assert_allclose(one.mobile, other.mobile, atol=1e-5)
    np.testing.assert_allclose(one.all_positions, other.all_positions, atol=1e-5)
    np.testing.assert_allclose(one.thermo, other.thermo, atol=1e-5, rtol=1e-7)


def frame_bytes(path: Path) -> int:
    """Return the size of one frame of a DCD file."""
    atoms = int.from_bytes(path.read_bytes()[HEADER - 8 : HEADER - 4], "little")
    return 56 + 3 * (8 + 4 * atoms)


def changed(name: str, change: Callable[[bytearray, int], bytes | bytearray]) -> Callable:
    """Return what rewrites a file: of its content and, of a DCD file, the size of its frames."""
    def damage(folder: Path) -> None:
        path = folder / name
        size = frame_bytes(path) if name.endswith(".dcd") else 0
        path.write_bytes(bytes(change(bytearray(path.read_bytes()), size)))

    return damage


def flip(place: Callable[[int], int] | int, bit: int = 0) -> Callable:
    """Return what flips one bit at a byte, which may depend on the size of a frame."""
    def change(content: bytearray, size: int) -> bytearray:
        content[place(size) if callable(place) else place] ^= 1 << bit
        return content

    return change


def at(frame: int, offset: int) -> Callable[[int], int]:
    """Return where a byte of a frame is in a DCD file."""
    return lambda size: HEADER + frame * size + offset


def put(frame: int, offset: int, value: bytes) -> Callable:
    """Return what overwrites bytes of a frame."""
    def change(content: bytearray, size: int) -> bytearray:
        place = HEADER + frame * size + offset
        content[place : place + len(value)] = value
        return content

    return change


def without(frame: int, count: int = 1) -> Callable:
    """Return what takes frames out."""
    return lambda content, size: (content[: HEADER + frame * size]
                                  + content[HEADER + (frame + count) * size :])


def leading_lost(count: int) -> Callable:
    """Return what takes the first frames away and writes a header that fits to what is left."""
    def change(content: bytearray, size: int) -> bytearray:
        frames, first, every, last = struct.unpack("<4i", content[8:24])
        content[8:24] = struct.pack("<4i", frames - count, first + count * every, every, last)
        return content[:HEADER] + content[HEADER + count * size :]

    return change


def line(change: Callable[[str], str], step: int = 50) -> Callable:
    """Return what changes the log's line of a step."""
    def damage(content: bytearray, _size: int) -> bytes:
        text = content.decode()
        found = re.search(rf"^ +{step} .*\n", text, re.M)
        assert found is not None
        return (text[: found.start()] + change(found.group(0)) + text[found.end() :]).encode()

    return damage


def column(number: int, value: str) -> Callable[[str], str]:
    """Return what replaces one number of a line."""
    def change(text: str) -> str:
        parts = text.split()
        parts[number] = value
        return " ".join(["", *parts]) + "\n"

    return change


def kinds_of_dcd(middle: int) -> dict[str, Callable]:
    """Return what may happen to a file of frames that it shows by itself or beside the log.

    Parameters
    ----------
    middle
        Number of a frame that has others before and behind it.
    """
    return {
        "512 bytes are lost": lambda content, size: (
            content[: HEADER + middle * size + 40] + content[HEADER + middle * size + 552 :]),
        "a frame is lost": without(middle),
        "the first frame is lost": without(0),
        "a frame is doubled": lambda content, size: (
            content[: HEADER + middle * size] + content[HEADER + (middle - 1) * size :]),
        "its first frames are lost, and its header says so": leading_lost(middle),
        "it is cut off": lambda content, size: content[: HEADER + size + 100],
        "it is empty": lambda _content, _size: b"",
        "it is cut in its header": lambda content, _size: content[:100],
        "its header is zeros": lambda content, _size: bytes(HEADER) + content[HEADER:],
        "its header has more atoms": flip(HEADER - 8, 3),
        "its header has another first step": flip(12, 2),
        "its header has another interval": flip(16, 4),
        "a frame's mark is damaged": flip(at(middle, 56), 1),
        "a position is not a number": put(middle, 60, struct.pack("<f", float("nan"))),
        "a position is infinite": put(middle, 60, struct.pack("<f", float("inf"))),
        "a position is far away": flip(at(middle, 63), 5),
        "a position is half an Angstrom off": flip(at(middle, 62), 4),
        "the cell is not a number": put(middle, 4, struct.pack("<d", float("nan"))),
        "the cell is another": flip(at(middle, 10), 3),
        "zeros stand in it": put(middle, 0, bytes(300)),
    }


LOG = {
    "a number is nan": line(column(2, "nan")),
    "a number is -nan": line(column(3, "-nan")),
    "a number is inf": line(column(4, "inf")),
    "a centre is not a number": line(column(12, "nan")),
    "a line is lost": line(lambda _text: ""),
    "a line is cut": line(lambda text: text[:60] + "\n"),
    "two lines run into one": line(lambda text: text.rstrip("\n")),
    "a step is another": line(column(0, "950")),
    "a centre is another": line(column(13, "0.4")),
    "a box is another": line(column(5, "99.0")),
    "a letter stands in a number": line(column(1, "3x0.1")),
    "it is empty": lambda _content, _size: b"",
    "its end is lost": lambda content, _size: content[: content.index(b"\n        50 ")],
    "zeros stand in it": lambda content, _size: content.replace(
        content[(place := content.index(b"\n        50 ") + 20) : place + 400], bytes(400)),
}
UNSEEN = {  # what only a checksum tells
    "a position's last bit": ("mobile.dcd", flip(at(5, 60), 0)),
    "an energy's digit": ("log", line(lambda text: text.replace("-", "-1", 1))),
    "a temperature": ("log", line(column(1, "299.5"))),
    "a pressure": ("log", line(column(4, "-3.25"))),
    "an atom of the host": ("all.dcd", flip(at(1, 60 + 4 * 20), 4)),
}


def damages() -> dict[str, tuple[str, Callable | None]]:
    """Return kinds of damage that show without checksums: the file's ending and what happens."""
    found: dict[str, tuple[str, Callable | None]] = {}
    for ending in ("mobile.dcd", "all.dcd", "log"):
        kinds = LOG if ending == "log" else kinds_of_dcd(MIDDLE[ending])
        found |= {f"{ending}: {name}": (ending, change) for name, change in kinds.items()}
        found[f"{ending}: it is gone"] = (ending, None)
    return found


def apply(folder: Path, name: str, change: Callable | None) -> None:
    """Damage a file, or take it away; no damage that leaves it as it was counts."""
    if change is None:
        (folder / name).unlink()
        return
    before = (folder / name).read_bytes()
    changed(name, change)(folder)
    assert (folder / name).read_bytes() != before
