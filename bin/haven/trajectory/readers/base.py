"""The interface of a reader of trajectories: frames, what the user must say, and helpers."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, cast

import numpy as np

from haven.core.errors import HavenError
from haven.core.reading.elements import element_labelled

PACKED_TEXT = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
MASS_TOLERANCE = 0.3
"""Atomic mass units by which a mass in a file may differ from an element's and still name it."""


@dataclass
class Frame:
    """One saved moment of a run.

    Attributes
    ----------
    symbols
        Element of each atom (A,).
    positions
        Cartesian (A, 3), Angstrom.
    cell
        Cell vectors as rows (3, 3), Angstrom; zeros where the file does not say it.
    time_ps
        Time, ps, where the file says it in a known unit.
    step
        Number of the time step, where the file says it.
    clock
        Time in a unit that the file does not say, where it has one.
    unwrapped
        Whether positions are not folded back into the cell; None where the file does not say.
    ids
        Numbers of the atoms (A,), where the file has them; atoms are in their order.
    periodic
        Whether the file says that its cell repeats in every direction, or does not say.
    unordered
        Whether the program that writes such files changes the order of atoms, and ids are missing.
    """

    symbols: np.ndarray
    positions: np.ndarray
    cell: np.ndarray
    time_ps: float | None = None
    step: int | None = None
    unwrapped: bool | None = None
    ids: np.ndarray | None = None
    periodic: bool = True
    clock: float | None = None
    unordered: bool = False


@dataclass(frozen=True)
class Unsaid:
    """What the user says where a file does not say it itself.

    Attributes
    ----------
    elements
        Elements of LAMMPS types 1, 2, ..., for files that name types only; for a topology whose
        names may be read in two ways also ``NAME=ELEMENT``, such as ``CA=Ca``.
    topology
        File that says which atom is what, for formats of positions alone.
    """

    elements: tuple[str, ...] = ()
    topology: str | None = None


class Reader(Protocol):
    """Reads the files of one program or library."""

    NAME: str
    OPTIONS: tuple[str, ...]

    def knows(self, path: Path) -> bool:
        """Return whether ``path`` looks like a file of this reader."""
        ...

    def frames(self, path: Path, unsaid: Unsaid) -> Iterator[Frame]:
        """Yield the frames of ``path``; may raise whatever its parser raises."""
        ...


def plain_name(path: Path) -> str:
    """Return a file's name in small letters, without the suffix of a compression."""
    name = path.name.lower()
    return name.removesuffix(next((end for end in PACKED_TEXT if name.endswith(end)), ""))


def open_bytes(path: Path) -> BinaryIO:
    """Open a file that may be compressed by gzip, bzip2 or xz."""
    opened = PACKED_TEXT.get(path.suffix.lower())
    return cast(BinaryIO, opened(path, "rb") if opened else path.open("rb", buffering=1 << 20))


def element_of(mass: float, where: str) -> str:
    """Return the element of an atomic mass in u.

    Raises
    ------
    HavenError
        If there is none within `MASS_TOLERANCE`.
    """
    from ase.data import atomic_masses, chemical_symbols

    if not np.isfinite(mass):
        raise HavenError(f"{where}: mass {mass:g} is no number")
    near = int(np.nanargmin(np.abs(atomic_masses[1:] - mass))) + 1
    if not abs(atomic_masses[near] - mass) < MASS_TOLERANCE:
        raise HavenError(f"{where}: mass {mass:g} is that of no element: give --type_map, such as "
                         "'Li Ti Cl'")
    return chemical_symbols[near]


def elements_labelled(labels: np.ndarray) -> np.ndarray:
    """Return the elements of labels (A,), by `haven.core.reading.elements.element_labelled`.

    A label that names none stays as it is.
    """
    named = labels.tolist()
    elements = {label: element_labelled(label) or label for label in set(named)}
    return np.array([elements[label] for label in named])


def elements_of(kinds: np.ndarray, elements: tuple[str, ...], where: str) -> np.ndarray:
    """Return the elements of LAMMPS types (A,), which count from 1.

    Raises
    ------
    HavenError
        If a type is not named, or names are.
    """
    if any("=" in one for one in elements):
        raise HavenError(f"{where} numbers its types: give --type_map as their elements in this "
                         "order, such as 'Li Ti Cl'")
    if kinds.size and (kinds.min() < 1 or kinds.max() > len(elements)):
        wrong = kinds[(kinds < 1) | (kinds > len(elements))][0]
        raise HavenError(f"{where} has an atom of type {wrong}: --type_map names types 1 to "
                         f"{len(elements)}: give one element for each")
    return np.array(elements)[kinds - 1]
