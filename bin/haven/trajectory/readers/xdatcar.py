"""VASP's XDATCAR, read frame by frame, with one header or one before each frame."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from haven.core.errors import log
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
    with open_bytes(path) as stream:
        for raw in stream:
            line = raw.decode(errors="replace").strip()
            if not line.lower().startswith(("direct configuration", "cartesian configuration")):
                header.append(line)
                if len(header) > 8 and any(header):
                    raise ValueError("no 'Direct configuration=' follows the header of 7 lines")
                continue
            head = [text for text in header if text] if len(header) > 7 else header
            if len(head) >= 7:
                cell, symbols = _header(head)
            elif not len(symbols):
                raise ValueError("the header has fewer than 7 lines")
            header = []
            rows = list(islice(stream, len(symbols)))
            if len(rows) < len(symbols) or not rows[-1].endswith(b"\n"):
                log.warning("%s: last frame is cut short and left out", path)
                return
            positions = np.array([[float(x) for x in row.split()[:3]] for row in rows])
            if positions.shape != (len(symbols), 3):
                raise ValueError("a line of positions has fewer than 3 numbers")
            direct = line.lower().startswith("direct")
            yield Frame(symbols, positions @ cell if direct else positions, cell)


def _header(lines: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return cell (3, 3), Angstrom, and the element of each atom from the header's lines."""
    scale = float(lines[1].split()[0])
    cell = np.array([[float(x) for x in line.split()[:3]] for line in lines[2:5]])
    if cell.shape != (3, 3) or scale == 0:
        raise ValueError("the header has no cell of 3 vectors")
    # a negative scale is the cell's volume
    cell *= scale if scale > 0 else (-scale / abs(np.linalg.det(cell))) ** (1 / 3)
    names, counts = lines[5].split(), [int(x) for x in lines[6].split()]
    if len(names) != len(counts) or min(counts, default=0) < 1:
        raise ValueError(f"the header names {len(names)} elements and {len(counts)} numbers")
    return cell, np.repeat([name.split("_")[0].split("/")[0] for name in names], counts)
