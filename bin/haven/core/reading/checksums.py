"""Checksums of files, kept beside them in ``SHA256SUMS`` as ``sha256sum --check`` reads them.

The checksum of a file is written once the file is complete, and compared when the file is read.
Where two lines name one file, the later line counts.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from haven.core.errors import HavenError
from haven.core.identity import sha256

NAME = "SHA256SUMS"
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


def read_sums(folder: Path) -> dict[str, str]:
    """Return file names and their SHA-256, none where the folder has no ``SHA256SUMS``.

    Damaged lines are left out, as if their files had no checksum.
    """
    try:
        text = (folder / NAME).read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        return {}
    return {found.group(2): found.group(1) for line in text.splitlines()
            if (found := _LINE.fullmatch(line))}


def add_sums(folder: Path, names: Iterable[str]) -> None:
    """Append the checksums of files to the ``SHA256SUMS`` of their folder.

    The lines are flushed to the disk before the function returns.
    """
    lines = [f"{sha256(folder / name)}  {name}\n" for name in names if (folder / name).is_file()]
    with (folder / NAME).open("a", encoding="ascii") as stream:
        # a last line that was cut off ends here, and spoils no new one
        stream.write("".join(["\n" if _is_cut(folder / NAME) else "", *lines]))
        stream.flush()
        os.fsync(stream.fileno())


def _is_cut(path: Path) -> bool:
    size = path.stat().st_size
    if not size:
        return False
    with path.open("rb") as stream:
        stream.seek(size - 1)
        return stream.read() != b"\n"


def broken(folder: Path, names: Iterable[str]) -> list[str]:
    """Return the names of files whose content differs from their checksum.

    A file without a checksum is not among them.
    """
    kept = read_sums(folder)
    return [name for name in names if name in kept and (folder / name).is_file()
            and sha256(folder / name) != kept[name]]


def check_file(path: str | Path) -> None:
    """Refuse a file that ``SHA256SUMS`` in its own folder lists with another checksum.

    Links are followed: a file that the pipeline links into a task is compared where it lies.

    Raises
    ------
    HavenError
        Naming the file.
    """
    source = Path(path).resolve()
    if source.is_file() and broken(source.parent, [source.name]):
        raise HavenError(f"{path} does not fit to its checksum in {source.parent / NAME}: it is "
                         "damaged or was changed: copy it again, or write its new checksum there")
