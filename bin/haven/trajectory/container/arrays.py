"""The container of a trajectory (npz): its members, and positions read from it piece by piece."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

import numpy as np

from haven.core.errors import HavenError
from haven.trajectory.container.packing import Packed, fill

MEMBERS = ("time_ps", "mobile_angstrom", "host_centre_angstrom", "cell_angstrom", "mobile_symbol")
PACKED = ("mobile_packed", "mobile_span_end", "mobile_span_bits", "mobile_shape", "mobile_span",
          "mobile_resolution_angstrom")
LARGE = ("mobile_angstrom", "mobile_packed", "all_angstrom")

DESCRIBED = (  # member, shape and type, meaning; for assets/tables.md
    ("time_ps", "(T,)", "times, evenly spaced"),
    ("mobile_packed", "bytes", "unwrapped positions of the mobile ions, packed (below)"),
    ("mobile_shape", "(2,)", "frames T and ions N"),
    ("mobile_resolution_angstrom", "number", "what a position is a whole multiple of: 0.001"),
    ("mobile_span", "number", "frames of a span: 128, the last one may have fewer"),
    ("mobile_span_end", "(K + 1,)", "byte where each span begins, and where the last one ends"),
    ("mobile_span_bits", "(K,)", "bits of a step in each span: 12, 16 or 32"),
    ("mobile_symbol", "text", "element of the mobile ions"),
    ("mobile_index", "(N,)", "their rows among all atoms"),
    ("host_centre_angstrom", "(T, 3)", "centre of mass of all but the mobile ions, unwrapped"),
    ("barycentre_angstrom", "(T, 3)", "centre of mass of all atoms, unwrapped"),
    ("cell_angstrom", "(3, 3)", "cell vectors as rows"),
    ("symbols", "(A,)", "elements of all atoms"),
    ("framework", "(F,)", "elements of the host; all but the mobile ions' where missing"),
    ("all_time_ps", "(M,)", "times of the frames of all atoms"),
    ("all_angstrom", "(M, A, 3)", "unwrapped positions of all atoms, float32"),
    ("deviation_ev_per_angstrom", "(T,)", "largest force deviation of the ensemble, if there is"),
    ("meta", "JSON", "what is known about the run"),
)


class Positions(Protocol):
    """Positions of T frames and N ions, in memory or in a file."""

    @property
    def frames(self) -> int:
        """Number of frames T."""
        ...

    @property
    def ions(self) -> int:
        """Number of ions N."""
        ...

    @property
    def dtype(self) -> np.dtype:
        """Type of what is read."""
        ...

    def read(self, start: int, stop: int) -> np.ndarray:
        """Return positions of ions ``start`` to ``stop`` at all times (T, n, 3), Angstrom."""
        ...

    def read_frames(self, indices: np.ndarray) -> np.ndarray:
        """Return positions of all ions at the given frames (F, N, 3), Angstrom."""
        ...


@dataclass(frozen=True)
class Plain:
    """Positions that stand uncompressed in a file, from byte ``offset`` on."""

    path: Path
    offset: int
    frames: int
    ions: int
    dtype: np.dtype

    def read(self, start: int, stop: int) -> np.ndarray:
        """Return positions of ions ``start`` to ``stop`` at all times (T, n, 3), Angstrom."""
        count = stop - start
        block = np.empty((self.frames, count, 3), self.dtype)
        row, width = self.ions * 3 * self.dtype.itemsize, count * 3 * self.dtype.itemsize
        first = self.offset + start * 3 * self.dtype.itemsize
        view = memoryview(block.reshape(-1).view(np.uint8).data)
        with self.path.open("rb", buffering=0) as stream:
            handle = stream.fileno()
            if width == row:
                fill(handle, view, first)
            else:
                for t in range(self.frames):
                    fill(handle, view[t * width : (t + 1) * width], first + t * row)
        return block

    def read_frames(self, indices: np.ndarray) -> np.ndarray:
        """Return positions of all ions at the given frames (F, N, 3), Angstrom."""
        block = np.empty((len(indices), self.ions, 3), self.dtype)
        row = self.ions * 3 * self.dtype.itemsize
        view = memoryview(block.reshape(-1).view(np.uint8).data)
        with self.path.open("rb", buffering=0) as stream:
            for i, t in enumerate(indices):
                fill(stream.fileno(), view[i * row : (i + 1) * row], self.offset + int(t) * row)
        return block


def npy_head(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Return shape, whether in Fortran's order, and type that the head of an .npy stream says.

    Raises
    ------
    ValueError
        If there is no such head.
    """
    version = np.lib.format.read_magic(stream)
    reader = (np.lib.format.read_array_header_1_0 if version == (1, 0)
              else np.lib.format.read_array_header_2_0)
    return reader(stream)


def locate(path: Path, member: str) -> tuple[int, tuple[int, ...], np.dtype] | None:
    """Return offset, shape and type of an npz member; None if compressed or in Fortran's order."""
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(f"{member}.npy")
        if info.compress_type != zipfile.ZIP_STORED:
            return None
    with path.open("rb") as stream:
        stream.seek(info.header_offset + 26)
        name, extra = np.frombuffer(stream.read(4), "<u2")
        stream.seek(info.header_offset + 30 + int(name) + int(extra))
        shape, fortran, dtype = npy_head(stream)
        if math.prod(shape) * dtype.itemsize > info.file_size:
            raise HavenError(f"{path}: {member} claims shape {shape}, more than it holds: copy the "
                             "file again")
        return None if fortran else (stream.tell(), shape, dtype)


def positions_of(path: Path, small: Mapping[str, np.ndarray], packed: bool) -> Positions:
    """Return the positions of the mobile ions in a container.

    Parameters
    ----------
    path
        A container that can be read in pieces, as `haven.trajectory.container.inflating` makes
        them.
    small
        Members that describe packed positions.
    packed
        Whether the positions are packed.

    Raises
    ------
    HavenError
        If positions cannot be read in pieces, or do not fit to what describes them.
    """
    name = "mobile_packed" if packed else "mobile_angstrom"
    place = locate(path, name)
    if place is None:
        raise HavenError(f"{path}: {name} is compressed, it cannot be read in pieces")
    if packed:
        frames, ions = (int(n) for n in small["mobile_shape"])
        found = Packed(path, place[0], small["mobile_span_end"], small["mobile_span_bits"], frames,
                       ions, int(small["mobile_span"]), float(small["mobile_resolution_angstrom"]))
        found.check(int(np.prod(place[1])))
        return found
    offset, (frames, ions, _), dtype = place
    return Plain(path, offset, frames, ions, dtype)
