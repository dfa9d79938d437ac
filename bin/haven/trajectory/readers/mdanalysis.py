"""What an installed MDAnalysis reads: XTC, TRR, DCD, NetCDF, PDB, ...; LAMMPS data as topology."""

from __future__ import annotations

import logging
import re
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from haven.core.errors import HavenError, brief, existing
from haven.core.reading import plain
from haven.core.reading.entries import repeated
from haven.trajectory import dcd
from haven.trajectory.readers import base, topology_names
from haven.trajectory.readers.base import Frame, Unsaid

NAME: str = "what an installed MDAnalysis reads"
OPTIONS: tuple[str, ...] = ("topology", "type_map")
SUFFIXES = (".xtc", ".trr", ".tng", ".dcd", ".nc", ".ncdf", ".netcdf", ".pdb", ".gro", ".h5md",
            ".mdcrd", ".crdbox", ".trz", ".xyz", ".config", ".history", ".gsd")
LENGTH_OF_MESSAGE = 300


def knows(path: Path) -> bool:
    """Return whether MDAnalysis reads files of this name."""
    return path.is_file() and base.plain_name(path).endswith(SUFFIXES)


def frames(path: Path, unsaid: Unsaid) -> Iterator[Frame]:
    """Yield the frames of a file.

    Raises
    ------
    HavenError
        If MDAnalysis is not there, or can't read the file or its topology.
    """
    logging.getLogger("MDAnalysis").setLevel(logging.ERROR)
    try:
        import MDAnalysis  # type: ignore[import-not-found]
    except ImportError:
        raise HavenError(f"{path} is read by MDAnalysis, which is not installed: "
                         f"{sys.executable} -m pip install MDAnalysis, or convert the file to "
                         "extxyz") from None
    if path.suffix.lower() == ".dcd":
        dcd.check_dcd(path)
    topology = None if unsaid.topology is None else Path(unsaid.topology)
    if topology is not None and not topology.is_file():
        raise HavenError(f"--topology {topology} is no file: check the path")
    if topology is not None and (data := lammps_data(topology, unsaid.elements)) is not None:
        universe = _opened(path, MDAnalysis.Universe.empty, len(data), topology=None)
        symbols = data
    else:
        universe = _opened(path, MDAnalysis.Universe, *([str(topology)] if topology else []),
                           topology=topology)
        symbols = topology_names.symbols_of(path, universe.atoms, unsaid.elements)
    numbered = _Numbered(path, universe.trajectory, symbols)
    for number, step in enumerate(universe.trajectory):
        ids, order = numbered.order(number)
        cell = np.zeros((3, 3)) if step.dimensions is None else step.triclinic_dimensions
        # a dcd file holds times in units of the program that wrote it, and does not say which
        told = base.plain_name(path)[-4:] != ".dcd" and not {"time", "dt"}.isdisjoint(step.data)
        yield Frame(symbols, step.positions[order].astype(float), np.asarray(cell, float),
                    time_ps=float(step.time) if told else None, ids=ids)


class _Numbered:
    """Order of the atoms, frame by frame, by ids that MDAnalysis passes over.

    LAMMPS writes NetCDF files with variables ``id`` and ``type``, in an order that may change from
    frame to frame (``dump netcdf/mpiio``); H5MD files hold ``id`` beside the positions.

    Parameters
    ----------
    path
        The file, for messages.
    trajectory
        MDAnalysis's reader of it.
    symbols
        Elements (A,) by the topology, in the order of ids.
    """

    def __init__(self, path: Path, trajectory: Any, symbols: np.ndarray) -> None:
        self._path, self._trajectory, self._symbols = path, trajectory, symbols
        self._types: np.ndarray | None = None

    def _row(self, name: str, number: int) -> np.ndarray | None:
        """Return the values (A,) of a frame, whole numbers; None where the file has none."""
        # asked for anew for each frame: what is kept would keep the file from being closed
        held = getattr(getattr(self._trajectory, "trjfile", None), "variables", None)
        held = getattr(self._trajectory, "_particle_group", None) if held is None else held
        if held is None or name not in held:
            return None
        found = held[name]
        found = found["value"] if hasattr(found, "keys") else found  # H5MD: with its own times
        return np.array(found[number] if len(found.shape) > 1 else found[:], np.int64)

    def order(self, number: int) -> tuple[np.ndarray | None, np.ndarray]:
        """Return the ids (A,) of a frame in order, None without, and the places (A,) they have.

        Raises
        ------
        HavenError
            If an id stands twice, or types are not those of the frames before or of the topology.
        """
        ids, types = self._row("id", number), self._row("type", number)
        order = np.arange(len(self._symbols)) if ids is None else np.argsort(ids, kind="stable")
        if ids is not None:
            ids = ids[order]
            if (twice := np.flatnonzero(np.diff(ids) == 0)).size:
                raise HavenError(f"{self._path}: id {ids[twice[0]]} stands twice in frame {number}")
        if types is not None:
            types = types[order]
            if self._types is None:
                self._types = types
                self._check_types(types)
            if (other := np.flatnonzero(types != self._types)).size:
                raise HavenError(f"{self._path}: the type of atom {other[0] + 1} changes at frame "
                                 f"{number}: write atoms with ids, each of one type")
        return ids, order

    def _check_types(self, types: np.ndarray) -> None:
        """Refuse a topology by which atoms of one type (A,) are of two elements."""
        for kind in np.unique(types):
            named = sorted(set(self._symbols[types == kind].tolist()))
            if len(named) > 1:
                raise HavenError(f"{self._path}: its atoms of type {kind} are {' and '.join(named)}"
                                 " by --topology: that must name the atoms in the order of their "
                                 "ids")


def _opened(path: Path, make: Any, *first: Any, topology: Path | None) -> Any:
    """Return a universe with the file's frames; what MDAnalysis raises becomes one line."""
    _hush_half_made()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if first and isinstance(first[0], int):
                return make(*first, trajectory=True).load_new(str(path))
            return make(*first, str(path), to_guess=("types",))
    except Exception as error:  # its many parsers raise anything
        why = brief(error, LENGTH_OF_MESSAGE)
        what = (f"check --topology {topology}" if topology else
                "check the file" if first else "give --topology, a file that names the atoms")
        raise HavenError(f"{path}: MDAnalysis: {why}; {what}") from error


def _hush_half_made() -> None:
    """Keep the tracebacks from the screen that readers of damaged files leave when dropped.

    A reader of MDAnalysis whose making failed has nothing to close, and fails in closing it; Python
    prints that behind the error itself, which has been told in one line.
    """
    before = sys.unraisablehook
    if getattr(before, "hushes", False):
        return

    def hook(told: Any) -> None:
        if getattr(told.object, "__qualname__", "") != "ReaderBase.__del__":
            before(told)

    hook.hushes = True  # type: ignore[attr-defined]
    sys.unraisablehook = hook


def lammps_data(path: Path, elements: tuple[str, ...]) -> np.ndarray | None:
    """Return the element of each atom of a LAMMPS data file, by id; None for another file.

    Parameters
    ----------
    path
        The file; LAMMPS's DCD files hold atoms in the order of their ids.
    elements
        Elements of types 1, 2, ...; left out, masses tell them.

    Raises
    ------
    HavenError
        If neither elements nor masses tell what a type is.
    """
    existing(path, "topology")
    text = path.read_text(errors="replace") if path.stat().st_size < 1 << 30 else ""
    if not re.search(r"^\s*\d+\s+atom types", text, re.M):
        return None
    sections = re.split(r"^[ \t]*([A-Z][A-Za-z]*(?: [A-Z][a-z]+)*)[ \t]*(#.*)?$", text,
                        flags=re.M)
    names = sections[1::3]
    if twice := repeated(names):
        raise HavenError(f"--topology {path} has the section {twice} twice")
    found = {name: (note or "", body) for name, note, body in
             zip(names, sections[2::3], sections[3::3], strict=True)}
    if "Atoms" not in found:
        return None
    told = re.search(r"^[ \t]*(\d+)[ \t]+atoms[ \t]*(#.*)?$", text, re.M)
    kinds_told = re.search(r"^[ \t]*(\d+)[ \t]+atom types[ \t]*(#.*)?$", text, re.M)
    note, body = found["Atoms"]
    rows = [line.split() for line in body.splitlines() if line.strip()]
    style = note.strip("# ").split()[0] if note.strip("# ") else ""
    column = {"atomic": 1, "charge": 1, "full": 2, "molecular": 2, "bond": 2, "angle": 2,
              "sphere": 1, "dipole": 1}.get(style, 2 if rows and len(rows[0]) in (7, 10) else 1)
    try:
        ids = np.array([plain.whole(row[0]) for row in rows])
        kinds = np.array([plain.whole(row[column]) for row in rows])
    except (ValueError, IndexError) as error:
        raise HavenError(f"--topology {path}: a line of Atoms has no whole number as id or type: "
                         "name the style behind Atoms, such as 'Atoms # charge'") from error
    if told is None or kinds_told is None or len(rows) != int(told.group(1)) or (
            len({len(row) for row in rows}) > 1 or len(np.unique(ids)) < len(ids)):
        raise HavenError(f"--topology {path}: {len(rows)} lines of Atoms, each with its own id, "
                         f"where its head says {told.group(1) if told else 'no number of'} atoms: "
                         "it is damaged, or cut off")
    if not elements:
        masses = [line.split("#")[0].split() for line in found.get("Masses", ("", ""))[1]
                  .splitlines() if line.split("#")[0].strip()]
        if not masses:
            raise HavenError(f"--topology {path} names types, not elements, and has no Masses: "
                             "give --type_map, such as 'Li Ti Cl'")
        try:
            by_type = {plain.whole(kind): plain.number(mass) for kind, mass in masses}
        except ValueError as error:
            raise HavenError(f"--topology {path}: a line of Masses is no type and mass: give "
                             "--type_map, such as 'Li Ti Cl'") from error
        count = int(kinds_told.group(1))
        if len(masses) != count or sorted(by_type) != list(range(1, count + 1)):
            raise HavenError(f"--topology {path}: Masses names types {sorted(by_type)}, its head "
                             f"says {count} types: give --type_map")
        elements = tuple(base.element_of(by_type[kind], str(path)) for kind in sorted(by_type))
    return base.elements_of(kinds[np.argsort(ids)], elements, str(path))
