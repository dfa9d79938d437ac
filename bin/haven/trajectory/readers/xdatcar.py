"""VASP's XDATCAR, read frame by frame, with one header or one before each frame."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from haven.core.errors import log
from haven.core.reading import plain
from haven.trajectory.readers.base import Frame, Unsaid, open_bytes, plain_name

NAME: str = "XDATCAR"
OPTIONS: tuple[str, ...] = ()


def knows(path: Path) -> bool:
    """Return whether a file is named as an XDATCAR."""
    name = plain_name(path)
    return path.is_file() and "xdatcar" in name and not name.endswith((".extxyz", ".xyz", ".traj"))


def frames(path: Path, unsaid: Unsaid) -> Iterator[Frame]:
    """Yield the frames; a last one that is cut short is left out with a warning.

    Raises
    ------
    ValueError
        If a header or a line is not one of an XDATCAR.
    """
    del unsaid  # the file says its elements itself
    cell, symbols, header = np.zeros((3, 3)), np.array([], str), list[str]()
    seen: list[int] = []
    with open_bytes(path) as stream:
        for raw in stream:
            line = raw.decode(errors="replace").strip()
            if not line.lower().startswith(("direct configuration", "cartesian configuration")):
                header.append(line)
                if len(header) > 8 and any(header):
                    raise ValueError("no 'Direct configuration=' follows the header of 7 lines")
                continue
            head = [text for text in header if text] if len(header) > 7 else header
            if len(head) == 7:
                cell, symbols = _header(head)
            elif not len(symbols) or any(head):
                raise ValueError(f"{len(head)} lines stand before '{line[:40]}' where a header of "
                                 "7 or none is due")
            header = []
            _in_turn(line, seen)
            rows = list(islice(stream, len(symbols)))
            if len(rows) < len(symbols) or not rows[-1].endswith(b"\n"):
                log.warning("%s: last frame is cut short and left out", path)
                return
            positions = plain.rows((row.decode(errors="replace") for row in rows), 3,
                                   "a line of positions")
            direct = line.lower().startswith("direct")
            yield Frame(symbols, positions @ cell if direct else positions, cell)
    left = next((line for line in header if line), None)
    if left is not None and len(left.split()) == 3 and all(
            plain.NUMBER.fullmatch(word) for word in left.split()):
        raise ValueError(f"'{left[:40]}' stands after the last position: lines are lost, or stand "
                         "twice")
    if left is not None:
        log.warning("%s: last frame is cut short and left out", path)


def _in_turn(line: str, seen: list[int]) -> None:
    """Refuse a configuration whose number is not the one that is due: frames are lost or doubled.

    Numbers go up by one step throughout; a continued run may begin again with the first one. From
    1000000 on VASP writes stars, which are no number: what follows them is a first one again.
    """
    words = line.partition("=")[2].split()
    if not words:
        return
    if not words[0].strip("*"):
        seen.clear()
        return
    number = plain.whole(words[0])
    step = seen[1] - seen[0] if len(seen) > 1 else None
    if seen and number != seen[0] and (number - seen[-1] != step if step else number <= seen[-1]):
        raise ValueError(f"configuration {number} follows {seen[-1]}: some are lost, or stand "
                         "twice")
    if seen and number == seen[0] and len(seen) == 1:
        raise ValueError(f"configuration {number} stands twice")
    seen.append(number)
    del seen[2:-1]  # the first two, and the last


def _header(lines: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return cell (3, 3), Angstrom, and the element of each atom from the header's lines."""
    scale = plain.row(lines[1], 1, "the scale")[0]
    cell = plain.rows(lines[2:5], 3, "a lattice vector")
    if scale == 0:
        raise ValueError("the header has no cell of 3 vectors")
    # a negative scale is the cell's volume
    cell *= scale if scale > 0 else (-scale / abs(np.linalg.det(cell))) ** (1 / 3)
    names, counts = lines[5].split(), [plain.whole(x) for x in lines[6].split()]
    if len(names) != len(counts) or min(counts, default=0) < 1:
        raise ValueError(f"the header names {len(names)} elements and {len(counts)} numbers")
    return cell, np.repeat([name.split("_")[0].split("/")[0] for name in names], counts)
