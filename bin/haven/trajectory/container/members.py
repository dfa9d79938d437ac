"""Members of a trajectory container: types, shapes that fit together, sizes that can be."""

from __future__ import annotations

import math
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from haven.core.errors import HavenError
from haven.trajectory.container.arrays import DESCRIBED, npy_head

REAL, WHOLE, TEXT, BYTES = "fiu", "iu", "US", "u"
KINDS = {  # letters of NumPy's types; what is not here is real numbers
    "mobile_packed": BYTES, "mobile_shape": WHOLE, "mobile_span": WHOLE, "mobile_span_end": WHOLE,
    "mobile_span_bits": WHOLE, "mobile_index": WHOLE, "mobile_symbol": TEXT, "symbols": TEXT,
    "framework": TEXT, "meta": TEXT,
}
WORDS = {REAL: "real numbers", WHOLE: "whole numbers", TEXT: "text", BYTES: "bytes"}
SHAPES = {name: shape for name, shape, _ in DESCRIBED} | {"mobile_angstrom": "(T, N, 3)"}
SINGLE = ("number", "text", "JSON")
FARTHEST = 1e6  # Angstrom from the origin; no drift takes a crystal there
LARGEST_SPAN = 1 << 20  # frames
Member = tuple[tuple[int, ...], np.dtype]


def heads(path: Path) -> dict[str, Member]:
    """Return shape and type of every member of a container, without reading what they hold.

    Raises
    ------
    HavenError
        If a member claims more, or less, than it holds.
    ValueError, zipfile.BadZipFile
        And what else NumPy and zipfile raise of files that are no container.
    """
    found = {}
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            with archive.open(info) as stream:
                shape, _, dtype = npy_head(stream)
                size = math.prod(shape) * dtype.itemsize
                if dtype.kind != "O" and size != info.file_size - stream.tell():
                    raise HavenError(f"{path}: {info.filename.removesuffix('.npy')} claims shape "
                                     f"{shape}, {size} bytes, and holds "
                                     f"{info.file_size - stream.tell()}: copy the file again")
            found[info.filename.removesuffix(".npy")] = (shape, dtype)
    return found


def check_heads(path: Path, members: Mapping[str, Member]) -> None:
    """Refuse members of another type or shape than a container has, or that do not fit together.

    Parameters
    ----------
    path
        For messages.
    members
        From `heads`; those a container does not have are left alone.

    Raises
    ------
    HavenError
        Naming the member.
    """
    lengths: dict[str, tuple[int, str]] = {}
    for name, wanted in SHAPES.items():
        if name not in members:
            continue
        shape, dtype = members[name]
        kinds = KINDS.get(name, REAL)
        if dtype.kind not in kinds or (kinds is BYTES and dtype.itemsize != 1):
            raise HavenError(f"{path}: {name} must be {WORDS[kinds]}, is of type {dtype}")
        axes = [] if wanted in SINGLE else [None] if wanted == "bytes" else wanted.strip(
            "()").rstrip(",").split(", ")
        if len(shape) != len(axes):
            raise HavenError(f"{path}: {name} must be {_worded(wanted)}, has shape {shape}")
        for length, axis in zip(shape, axes, strict=True):
            if axis is not None:
                _fits(path, name, length, axis, lengths)
    if "all_time_ps" in members and "all_angstrom" not in members:
        raise HavenError(f"{path} has all_time_ps and no all_angstrom: write the file again")


def _fits(path: Path, name: str, length: int, axis: str, lengths: dict[str, tuple[int, str]]
          ) -> None:
    """Hold the length of an axis against its number, or against that of the same letter."""
    parts = re.fullmatch(r"([A-Z])(?: \+ (\d+))?|(\d+)", axis)
    if parts is None:
        raise ValueError(f"no axis of a shape: {axis}")
    if parts[3]:
        if length != int(parts[3]):
            raise HavenError(f"{path}: {name} must have {parts[3]} columns, has {length}")
        return
    own = length - int(parts[2] or 0)
    known, other = lengths.setdefault(parts[1], (own, name))
    if known != own:
        raise HavenError(f"{path}: {name} has {own} rows where {other} has {known}: write the file "
                         "again")


def check_packing(path: Path, small: Mapping[str, np.ndarray]) -> None:
    """Refuse a description of packed positions that holds impossible numbers.

    Parameters
    ----------
    path
        The file, for messages.
    small
        Its small members: ``mobile_resolution_angstrom`` (scalar, Angstrom), ``mobile_span``
        (scalar, frames packed together) and ``mobile_shape`` (2,), frames and ions.

    Raises
    ------
    HavenError
        Naming the member.
    """
    resolution = float(small["mobile_resolution_angstrom"])
    if not 1e-9 < resolution <= 1:  # also not a number
        raise HavenError(f"{path}: mobile_resolution_angstrom is {resolution:g}: positions are "
                         "whole multiples of some 0.001 Angstrom")
    span, shape = int(small["mobile_span"]), small["mobile_shape"]
    if not 0 < span <= LARGEST_SPAN or (shape < 0).any() or int(shape.max()) > 1 << 40:
        raise HavenError(f"{path}: packed positions of {shape.tolist()} frames and ions in spans "
                         f"of {span} frames: it is damaged")


def check_places(values: np.ndarray, path: Path, name: str) -> np.ndarray:
    """Return positions; refuse those that are not finite or too far from the origin.

    Parameters
    ----------
    values
        Positions of any shape, Angstrom.
    path, name
        The file, and what of it the positions are, for messages.

    Raises
    ------
    HavenError
        Naming the file.
    """
    if values.size and not -FARTHEST < values.min() <= values.max() < FARTHEST:
        raise HavenError(f"{path}: {name} has values that are not finite, or beyond "
                         f"{FARTHEST:g} Angstrom: it is damaged, or not in Angstrom")
    return values


def check_positions(
    block: np.ndarray, path: Path, first: int, frames: np.ndarray | None = None
) -> np.ndarray:
    """Return positions (F, n, 3) of ions from ``first`` on, or refuse them as `check_places` does.

    Parameters
    ----------
    block, path
        Positions, Angstrom, and the file.
    first
        Number of the first ion.
    frames
        Number of each frame (F,); all of the file where None.

    Raises
    ------
    HavenError
        Naming the ion and the frame.
    """
    if not block.size or -FARTHEST < block.min() <= block.max() < FARTHEST:
        return block
    row, ion, _ = np.argwhere(~(np.abs(block) < FARTHEST))[0]
    frame = int(row if frames is None else frames[row])
    what = ("has no finite position" if not np.isfinite(block[row, ion]).all()
            else f"is farther than {FARTHEST:g} Angstrom from the origin")
    raise HavenError(f"{path}: ion {first + int(ion)} {what} at frame {frame}: it is damaged")


def _worded(shape: str) -> str:
    return {"number": "one number", "text": "one word", "JSON": "one text"}.get(
        shape, f"of shape {shape}")
