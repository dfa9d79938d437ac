"""Compressed containers written out uncompressed for as long as they are open, piece by piece.

A container that a user's own ``np.savez_compressed`` wrote cannot be read from any place on, nor
can an array in Fortran's order be read frame by frame. Their large members are written to a
temporary file as a container has them, so that memory does not grow with the length of the run.
"""

from __future__ import annotations

import math
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np

from haven.core.errors import HavenError, log
from haven.trajectory.container.arrays import LARGE, locate, npy_head

PIECE_BYTES = 1 << 22
"""Bytes that are inflated at once."""
SPARE_BYTES = 1 << 27
"""Bytes that stay free on the disk beside the written members."""
SAID_BYTES = 1 << 28
"""Bytes from which it is said that a container is written out."""


def inflated(source: Path, scratch: Path | None = None) -> Path | None:
    """Return a file with the large members of a container as they can be read in pieces.

    Parameters
    ----------
    source
        A container whose heads fit together (`haven.trajectory.container.members`).
    scratch
        Folder for the file; by default that of temporary files (``TMPDIR``). Who asked removes it.

    Returns
    -------
    Path or None
        None where the container can be read as it is.

    Raises
    ------
    HavenError
        If the disk has no room for it.
    zipfile.BadZipFile, zlib.error
        If a member is damaged.
    """
    with zipfile.ZipFile(source) as archive:
        infos = [info for info in archive.infolist()
                 if info.filename.removesuffix(".npy") in LARGE]
        if all(locate(source, info.filename.removesuffix(".npy")) for info in infos):
            return None
        folder = Path(tempfile.gettempdir()) if scratch is None else scratch
        folder.mkdir(parents=True, exist_ok=True)
        needed, free = sum(info.file_size for info in infos), shutil.disk_usage(folder).free
        if needed + SPARE_BYTES > free:
            raise HavenError(f"{source} is compressed and takes {needed / 1e9:.3g} GB when written "
                             f"out, {folder} has {free / 1e9:.3g} GB free: make room there, set "
                             "TMPDIR to a folder that has it, or write the file with numpy.savez")
        if needed > SAID_BYTES:
            log.info("%s is compressed: %.3g GB are written out to %s while it is read", source,
                     needed / 1e9, folder)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".inflated-", suffix=".npz",
                                         delete=False) as stream:
            target = Path(stream.name)
        try:
            with zipfile.ZipFile(target, "w") as written:
                for info in infos:
                    with archive.open(info) as member:
                        _copy(member, written, info.filename, folder)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
    return target


def _copy(member: IO[bytes], written: zipfile.ZipFile, name: str, folder: Path) -> None:
    """Write one member, its values in C's order."""
    shape, fortran, dtype = npy_head(member)
    head: Any = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False,
                 "shape": shape}
    with written.open(name, "w", force_zip64=True) as target:
        np.lib.format.write_array_header_1_0(target, head)
        if not fortran or not math.prod(shape):
            shutil.copyfileobj(member, target, PIECE_BYTES)
            return
        with tempfile.TemporaryFile(dir=folder) as scratch:
            _turn(member, scratch, shape, dtype)
            scratch.seek(0)
            shutil.copyfileobj(scratch, target, PIECE_BYTES)


def _turn(member: IO[bytes], scratch: IO[bytes], shape: tuple[int, ...], dtype: np.dtype) -> None:
    """Write values that lie in Fortran's order, first axis fastest, to a file in C's order."""
    length, columns = shape[0], math.prod(shape[1:])
    # value [t, i, k] lies at t + length (i + shape[1] k), and belongs at k + shape[2] (i + ..t)
    order = np.arange(columns).reshape(shape[1:]).ravel(order="F")
    out = np.memmap(scratch, dtype, "w+", shape=(length, columns))
    each = max(1, PIECE_BYTES // (length * dtype.itemsize))
    for first in range(0, columns, each):
        some = order[first : first + each]
        data = member.read(len(some) * length * dtype.itemsize)
        out[:, some] = np.frombuffer(data, dtype).reshape(len(some), length).T
    while member.read(PIECE_BYTES):  # to the end, where the checksum is compared
        pass
    out.flush()
