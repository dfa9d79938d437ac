"""Reading files of structures and frames with ASE: extxyz, traj, CIF, POSCAR and others.

All of Haven reads labels, structures and candidates with these functions, so that a file which is
cut off, damaged or changed since its checksum was written is refused everywhere with the same
message.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from haven.core.errors import HavenError, brief, existing
from haven.core.reading import checksums, extended_xyz

if TYPE_CHECKING:
    from ase import Atoms


def open_images(source: Path, name: str = "") -> Iterator[Atoms]:
    """Return the images of a file one by one, read as what its suffix says.

    Parameters
    ----------
    source
        File of any format that ASE knows. XYZ is read strictly, by
        `haven.core.reading.extended_xyz`.
    name
        What messages call the file; its path if not given.

    Raises
    ------
    HavenError
        If the file does not exist, or the last line of an XYZ file has no newline, so that its last
        number may be cut off.
    """
    from ase.io import iread

    existing(source, "file of frames")
    if source.suffix in (".xyz", ".extxyz"):
        if not _ends_in_newline(source):
            raise HavenError(f"{name or source} is cut off: its last line has no end; copy or "
                             "label it again")
        return _text_images(source, name or str(source))
    kind = {".traj": "traj", ".gpw": "gpw"}.get(source.suffix)
    # without a format ASE takes "@3" in a name for an index, and some words for other programs'
    return iread(str(source), index=":", format=kind, do_not_split_by_at_sign=True)


def read_images(source: str | Path, what: str, last_alone: bool = False) -> list[Atoms]:
    """Return the images of a file, labelled or not.

    Parameters
    ----------
    source
        File of any format that ASE knows.
    what
        What the file is to the user, named in messages.
    last_alone
        Return the last image alone. All are read, so that damage before it is not passed over, but
        one is held at a time.

    Raises
    ------
    HavenError
        Naming file and frame: if the file is not there, does not fit to its checksum, is cut off,
        damaged, of no known format or empty.
    """
    path = existing(source, what)
    if path.is_dir():
        raise HavenError(f"{what} {path} is a folder: give a file of frames, such as extxyz")
    checksums.check_file(path)
    images: list[Atoms] = []
    number = 0
    try:
        for number, atoms in enumerate(open_images(path), 1):  # noqa: B007
            if last_alone:
                images.clear()
            images.append(atoms)
    except HavenError:
        raise
    except Exception as error:  # ASE raises whatever its many readers do
        reason = brief(error)
        raise HavenError(f"{what} {path}, frame {number}: cannot be read, cut off, damaged or of "
                         f"no known format ({reason})") from error
    if not images:
        raise HavenError(f"{what} {path} holds no frame: it is empty or cut off")
    return images


def _text_images(source: Path, name: str) -> Iterator[Atoms]:
    """Yield the frames of an extended XYZ file; what is wrong is said with the frame's number."""
    number = 0
    try:
        with source.open(encoding="utf-8", errors="replace", newline="\n") as stream:
            for number, atoms in enumerate(extended_xyz.frames(stream), 1):  # noqa: B007
                yield atoms
    except HavenError as error:
        raise HavenError(f"{name}, frame {number}: {error}") from error


def _ends_in_newline(path: Path) -> bool:
    with path.open("rb") as stream:
        stream.seek(0, 2)
        if stream.tell() == 0:
            return True
        stream.seek(-1, 2)
        return stream.read(1) == b"\n"
