"""XYZ files whose atoms are numbers of types, as LAMMPS's ``dump xyz`` writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

from haven.trajectory.readers.base import elements_of, open_bytes

LONGEST = 1 << 16  # bytes of a line that are looked at
NUMBER = re.compile(r"\d+", re.ASCII)
TYPE = re.compile(r"\s*(\d{1,9})(?=\s)", re.ASCII)


def numbers_types(path: Path) -> bool:
    """Tell whether the first atom of an XYZ file is a number where its element is due."""
    with open_bytes(path) as stream:
        lines = iter(lambda: stream.readline(LONGEST).decode(errors="replace"), "")
        count = next((line for line in lines if line.strip()), "")
        comment, atom = next(lines, ""), next(lines, "").split()
    return (NUMBER.fullmatch(count.removeprefix("\ufeff").strip()) is not None
            and re.search(r"""Properties\s*=(?!\s*["']?species:)""", comment) is None
            and bool(atom) and NUMBER.fullmatch(atom[0]) is not None)


class Named:
    """The lines of such a file with elements in place of the numbers.

    Parameters
    ----------
    stream
        The file, opened as text.
    elements
        Elements of types 1, 2, ...
    where
        The file's name, for messages.
    """

    def __init__(self, stream: IO[str], elements: tuple[str, ...], where: str) -> None:
        self._elements, self._where = elements, where
        self._names: dict[str, str] = {}
        self._lines = self._named(stream)

    def readline(self) -> str:
        """Return the next line, or nothing at the end."""
        return next(self._lines, "")

    def __iter__(self) -> Iterator[str]:
        """Yield the lines that are left."""
        return self._lines

    def _named(self, stream: IO[str]) -> Iterator[str]:
        for line in stream:
            yield line
            count = NUMBER.fullmatch(line.removeprefix("\ufeff").strip())
            if count is None:
                continue
            yield next(stream, "")
            for _ in range(int(count.group())):
                if not (row := next(stream, "")):
                    return
                yield self._renamed(row)

    def _renamed(self, row: str) -> str:
        """Return the line of an atom with its element."""
        found = TYPE.match(row)
        if found is None:
            return row
        kind = found.group(1)
        if kind not in self._names:
            kinds = np.array([int(kind)])
            self._names[kind] = str(elements_of(kinds, self._elements, self._where)[0])
        return self._names[kind] + row[found.end():]
