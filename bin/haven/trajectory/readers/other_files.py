"""Any other file that ASE recognises by what stands in it, such as a structure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from haven.core.errors import HavenError
from haven.trajectory.readers.base import Frame, Unsaid

NAME: str = "any other file of ASE's"
OPTIONS: tuple[str, ...] = ()
UNPACKERS = {".zst": "zstd -d", ".lz4": "lz4 -d", ".zip": "unzip", ".z": "uncompress",
             ".7z": "7z x"}


def knows(path: Path) -> bool:
    """Return whether a file is there: this reader is asked last."""
    return path.is_file()


def frames(path: Path, unsaid: Unsaid) -> Iterator[Frame]:
    """Yield the frames of a file.

    Raises
    ------
    HavenError
        If ASE does not know the file's format.
    """
    del unsaid  # the file says its elements itself
    from ase.io import iread
    from ase.io.formats import UnknownFileTypeError

    try:
        for atoms in iread(str(path), index=":"):
            yield Frame(np.array(atoms.get_chemical_symbols()), atoms.get_positions(),
                        np.array(atoms.cell[:]))
    except UnknownFileTypeError as error:
        if unpack := UNPACKERS.get(path.suffix.lower()):
            raise HavenError(f"{path} is packed in a way that is not read here: unpack it with "
                             f"{unpack}, or pack it with gzip, bzip2 or xz") from error
        raise HavenError(f"{path} is of no known format: give npz, a LAMMPS dump, extxyz, .traj, "
                         "XDATCAR, OUTCAR, vasprun.xml (plain, .gz, .bz2 or .xz), XTC, TRR, DCD or "
                         "NetCDF, under its usual name") from error
