"""Labels in DeePMD-kit's folders: npy, npy with mixed types, raw text, and LMDB.

A folder holds ``type.raw``, ``type_map.raw`` and either ``set.*/`` with ``coord.npy``, ``box.npy``,
``energy.npy``, ``force.npy``, perhaps ``virial.npy`` and, of mixed types, ``real_atom_types.npy``;
or the same as text, ``coord.raw`` and so on (DeePMD-kit's manual, "Formats of a system"). A folder
with ``data.mdb`` is a database of frames of one or many systems, which dpdata reads.
"""

from __future__ import annotations

import math
import struct
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from haven.core.errors import HavenError, brief, existing
from haven.core.reading import plain
from haven.core.reading.elements import element_of_kind
from haven.core.reading.entries import repeated
from haven.labels.programs.dpdata_frames import from_dpdata
from haven.trajectory.container.arrays import npy_head

if TYPE_CHECKING:
    from ase import Atoms

DATABASE = "data.mdb"
ARRAYS = ("coord", "box", "energy", "force", "virial", "real_atom_types")


def read_folder(folder: Path, name: str) -> Iterator[Atoms]:
    """Yield the frames of one deepmd folder, in eV and Angstrom.

    Raises
    ------
    HavenError
        If a list of elements, an array or the cell is missing, or arrays don't belong together.
    """
    elements = _words(folder, "type_map.raw", name, "write the elements of its types into it, one "
                      "a line, in order")
    if twice := repeated(elements):
        raise HavenError(f"{name}: type_map.raw names {twice} twice")
    types = _types(folder, name)
    sets = sorted(folder.glob("set.*"))
    if not sets and not (folder / "coord.raw").exists():
        raise HavenError(f"{name} has neither set.* nor coord.raw: it holds no frames")
    if (folder / "nopbc").exists():
        raise HavenError(f"{name} is not periodic (nopbc): label its frames in a cell")
    for place in sets or [folder]:
        given = _arrays(place, name, len(types), raw=not sets)
        yield from _frames(given, types, elements, name)


def _words(folder: Path, file: str, name: str, what: str) -> list[str]:
    if not (folder / file).exists():
        raise HavenError(f"{name} has no {file}: {what}")
    existing(folder / file)
    return (folder / file).read_text(errors="replace").split()


def _types(folder: Path, name: str) -> np.ndarray:
    words = _words(folder, "type.raw", name, "the types of its atoms")
    if not words or not all(word.isascii() and word.isdecimal() for word in words):
        raise HavenError(f"{name}: type.raw must hold a whole number, 0 or above, for each atom")
    return np.array(words, int)


def _arrays(place: Path, name: str, atoms: int, raw: bool) -> dict[str, np.ndarray]:
    """Return the arrays of a set, each with one row a frame."""
    found: dict[str, np.ndarray] = {}
    label = name if raw else f"{name}: {place.name}"
    for what in ARRAYS:
        path = place / f"{what}.{'raw' if raw else 'npy'}"
        if not path.exists():
            if what in ("virial", "real_atom_types"):
                continue
            also = ": label its frames" if what in ("energy", "force") else ""
            raise HavenError(f"{label} has no {path.name}{also}")
        existing(path)
        try:
            values = _text(path) if raw else _binary(path)
        except (OSError, ValueError, EOFError, SyntaxError, MemoryError, tokenize.TokenError,
                struct.error) as error:
            reason = brief(error, 120)
            raise HavenError(f"{label}: {path.name} cannot be read, cut off or damaged ({reason})"
                             ) from error
        found[what] = values
    frames = max(found["coord"].size // (3 * atoms), 1)
    width = {"coord": 3 * atoms, "force": 3 * atoms, "box": 9, "virial": 9, "energy": 1,
             "real_atom_types": atoms}
    for what, values in found.items():
        if values.size != frames * width[what]:
            raise HavenError(f"{label}: {what} has {values.size} numbers, {frames} frames of "
                             f"{atoms} atoms need {frames * width[what]}")
        found[what] = values.reshape(frames, width[what])
    return found


def _text(path: Path) -> np.ndarray:
    """Return the numbers of a text, a frame a line."""
    lines = [line for line in path.read_text(errors="replace").splitlines() if line.strip()]
    return plain.rows(lines, len(lines[0].split()) if lines else 0)


def _binary(path: Path) -> np.ndarray:
    """Return the numbers of an .npy file as DeePMD-kit writes it; nothing else is taken.

    Raises
    ------
    ValueError
        If its head names no plain array of real numbers, or another size than the file has: the
        bytes would be read as other numbers.
    """
    with path.open("rb") as stream:
        shape, _, dtype = npy_head(stream)
        if dtype.str not in ("<f8", "<f4", "<i4", "<i8"):
            raise ValueError(f"its numbers are {dtype.str}, not <f4 or <f8")
        if stream.tell() + math.prod(shape) * dtype.itemsize != path.stat().st_size:
            raise ValueError(f"its head says shape {shape}, which is not the file's size")
    return np.asarray(np.load(path, allow_pickle=False), float)


def _frames(
    given: dict[str, np.ndarray], types: np.ndarray, elements: list[str], name: str
) -> Iterator[Atoms]:
    from ase import Atoms
    from ase.calculators.singlepoint import SinglePointCalculator

    try:
        names = [element_of_kind(word) for word in elements]
    except HavenError as error:
        raise HavenError(f"{name}: type_map.raw: {error}") from error
    mixed = given.get("real_atom_types")
    for number in range(len(given["coord"])):
        own = types if mixed is None else mixed[number].astype(int)
        if own.size and (own.max() >= len(elements) or own.min() < 0):
            file = "type.raw" if mixed is None else "real_atom_types.npy"
            raise HavenError(f"{name}: {file} has type {own.max()}, but type_map.raw names "
                             f"{len(elements)} elements, counted from 0")
        cell = given["box"][number].reshape(3, 3)
        atoms = Atoms([names[kind] for kind in own], given["coord"][number].reshape(-1, 3),
                      cell=cell, pbc=True)
        results: dict[str, Any] = {"energy": float(given["energy"][number, 0]),
                                   "forces": given["force"][number].reshape(-1, 3)}
        volume = abs(float(np.linalg.det(cell)))
        if "virial" in given and volume > 0:
            results["stress"] = -given["virial"][number].reshape(3, 3) / volume
        atoms.calc = SinglePointCalculator(atoms, **results)
        yield atoms


def read_lmdb(folder: Path, name: str) -> Iterator[Atoms]:
    """Yield the frames of a deepmd/lmdb database, in eV and Angstrom.

    Raises
    ------
    HavenError
        If the database is cut off or damaged, names no elements, or holds frames without labels.
    """
    import dpdata
    import lmdb

    file = folder / DATABASE
    try:
        with lmdb.open(str(folder), readonly=True, lock=False, max_readers=1) as database:
            pages = database.info()["last_pgno"] + 1
            whole = pages * database.stat()["psize"] <= file.stat().st_size
    except lmdb.Error as error:
        raise HavenError(f"{name}: {DATABASE} cannot be read, damaged ({error})") from error
    if not whole:  # a page beyond the end of the file would end the process
        raise HavenError(f"{name}: {DATABASE} is cut off: copy it again")
    try:
        systems = dpdata.MultiSystems.from_file(str(folder), fmt="deepmd/lmdb")
        given = [systems[number] for number in range(len(systems))]
    except Exception as error:  # dpdata raises whatever it does
        reason = brief(error)
        raise HavenError(f"{name}: {DATABASE} cannot be read ({reason})") from error
    for system in given:
        for what in ("energies", "forces"):
            if what not in system.data:
                raise HavenError(f"{name}: {DATABASE} has frames without {what}: label its frames")
        if system.data.get("nopbc"):
            raise HavenError(f"{name} is not periodic (nopbc): label its frames in a cell")
        yield from from_dpdata(system)
