"""Readers of trajectories by program. To add one, write its module and name it in `READERS`.

A reader is a module with ``NAME``, ``OPTIONS`` (what it takes of what a file may not say),
``knows(path)`` and ``frames(path, unsaid)``; see `haven.trajectory.readers.base.Reader`. The first
that knows a file reads it.
"""

from __future__ import annotations

import lzma
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

from haven.core.errors import HavenError, brief
from haven.trajectory.readers import ase_files, lammps_dump, mdanalysis, other_files, xdatcar
from haven.trajectory.readers.base import Frame, Reader, Unsaid

READERS: tuple[Reader, ...] = (lammps_dump, xdatcar, ase_files, mdanalysis, other_files)
LENGTH_OF_MESSAGE = 200
SMALL_BYTES = 1 << 28
"""Only for larger files is the memory a reader needs estimated first (256 MiB)."""
DAMAGE = (OSError, EOFError, zlib.error, lzma.LZMAError)
"""What packed files raise that are damaged."""


def reader_of(path: Path, topology: str | None = None) -> Reader:
    """Return the reader of a file: the first that knows it, MDAnalysis's for one with a topology.

    Raises
    ------
    HavenError
        If the path is no file.
    """
    if not path.is_file():
        kind = "a folder" if path.is_dir() else "no plain file"
        raise HavenError(f"trajectory {path} is {kind}: give a file")
    if path.stat().st_size == 0:
        raise HavenError(f"trajectory {path} is empty")
    try:
        known = next(reader for reader in READERS if reader.knows(path))
    except DAMAGE as error:
        raise HavenError(f"{path} can't be read: {error}") from error
    alone = known in (lammps_dump, xdatcar) or topology is None
    return known if alone else mdanalysis


def read_frames(path: Path, unsaid: Unsaid) -> Iterator[Frame]:
    """Yield the frames of a file of any known format.

    Whatever a parser raises becomes one line with the number of the frame.

    Raises
    ------
    HavenError
        If the file can't be read as what it seems to be, or an option has no use with it.
    """
    reader = reader_of(path, unsaid.topology)
    for option, given in (("type_map", unsaid.elements), ("topology", unsaid.topology)):
        if given and option not in reader.OPTIONS:
            raise HavenError(f"--{option} has no use with {path} ({reader.NAME}): leave it out")
    count = 0
    try:
        for count, frame in enumerate(reader.frames(path, unsaid), 1):  # noqa: B007
            yield frame
    except HavenError as error:
        if str(path) in str(error) or re.search("--[a-z]", str(error)):
            raise
        raise HavenError(f"{path}: frame {count}: {error}") from error
    except MemoryError as error:
        if path.stat().st_size < SMALL_BYTES:
            raise HavenError(f"{path} claims more than it holds: it is damaged, copy it again"
                             ) from error
        raise
    except RecursionError:
        raise
    except Exception as error:  # parsers of foreign formats raise anything
        why = brief(error, LENGTH_OF_MESSAGE)
        raise HavenError(f"{path} can't be read at frame {count}: {why}") from error
