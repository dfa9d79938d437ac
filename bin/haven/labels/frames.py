"""Labelled frames: reading them, and refusing what would poison a potential."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from haven.core.errors import HavenError, existing
from haven.labels.pulay import HEADER
from haven.labels.units import check_units
from haven.material.relaxation import at_fixed_cutoff

if TYPE_CHECKING:
    from ase import Atoms

READABLE = ("*.extxyz", "*.xyz", "*.traj")
FAILED = ".failed.extxyz"  # frames that no engine could label
HUBBARD_IN_NAME = re.compile(r"\.u([0-9]+(?:\.[0-9]+)?)\.(?:ext)?(?:xyz|traj)$")


@dataclass(frozen=True)
class Frame:
    """One labelled configuration.

    Attributes
    ----------
    atoms
        Positions and cell in Angstrom.
    energy
        Total energy in eV.
    forces
        Shape (A, 3), eV/Angstrom.
    stress
        Shape (3, 3), eV/Angstrom^3, positive when the cell pulls inwards, with the Pulay stress
        that the file tells (`haven.labels.pulay`); None if not labelled.
    moments
        Magnetic moment of each atom, shape (A,), Bohr magneton; None if not labelled.
    trajectory
        Group of frames that share a starting structure.
    number
        Number of the frame in its trajectory.
    source, position
        File, and number of the frame in it.
    info
        What else the file says of the frame.
    """

    atoms: Atoms
    energy: float
    forces: np.ndarray
    stress: np.ndarray | None
    moments: np.ndarray | None
    trajectory: str
    number: int
    source: str
    position: int
    info: dict[str, Any]

    @property
    def where(self) -> str:
        """File and frame, for messages."""
        return f"{self.source}, frame {self.position}"


def find_files(folder: str | Path, u_ev: float) -> list[Path]:
    """Return the files of a folder that may hold frames labelled with ``u_ev``.

    A file whose name says another U (``name.u0.extxyz``) is passed over.
    """
    root = existing(folder, "folder of labelled frames")
    if root.is_file():
        return [root]
    found = {Path(folder) / name for folder, _, names in os.walk(root, followlinks=True)
             for name in names if any(fnmatch(name, pattern) for pattern in READABLE)
             and not name.endswith(FAILED)}
    chosen = []
    for file in sorted(found):
        named = HUBBARD_IN_NAME.search(file.name)
        if named is None or abs(float(named.group(1)) - u_ev) < 1e-6:
            chosen.append(file)
    if not chosen:
        raise HavenError(f"folder {root} has no labelled frames for U = {u_ev:g} eV: expected "
                         f"files such as cell0.u{u_ev:g}.extxyz")
    return chosen


def us_in_names(folder: str | Path) -> list[float]:
    """Return every U, in eV, that the names of a folder's frames say, rising."""
    root = existing(folder, "folder of labelled frames")
    names = (name for _, _, names in os.walk(root, followlinks=True) for name in names)
    return sorted({float(found.group(1)) for name in names
                   if not name.endswith(FAILED) and (found := HUBBARD_IN_NAME.search(name))})


def read_file(path: str | Path, u_ev: float, species: Sequence[str]) -> list[Frame]:
    """Read and check the frames of one file that were labelled with ``u_ev``.

    Raises
    ------
    HavenError
        Naming file and frame: if the file is cut off, a number is not finite, forces or energy are
        missing, the cell is left-handed or absent, an element is not of the material, header and
        name tell no U or two, or energies and forces are not in eV and eV/Angstrom.
    """
    from ase.io import iread

    source = existing(path, "labelled frames")
    if source.suffix in (".xyz", ".extxyz") and not _ends_in_newline(source):
        raise HavenError(f"{source} is cut off: its last line has no end; copy or label it again")
    return check_frames(iread(str(source), index=":"), source, u_ev, species)


def read_folder(folder: str | Path, u_ev: float, species: Sequence[str]) -> list[Frame]:
    """Read every frame of a folder labelled with ``u_ev``; see `read_file`.

    Units are checked once more on all frames together: single files may hold too few to tell.
    """
    frames = [f for file in find_files(folder, u_ev) for f in read_file(file, u_ev, species)]
    check_units(frames)
    return frames


def check_frames(
    images: Iterable[Atoms], source: Path, u_ev: float, species: Sequence[str]
) -> list[Frame]:
    """Check frames as they come from the reader of ``source``; see `read_file`."""
    frames: list[Frame] = []
    number = -1
    try:
        for number, atoms in enumerate(images):
            frame = _frame(atoms, source, number, species)
            if abs(_hubbard(frame, source) - u_ev) < 1e-6:
                frames.append(frame)
    except HavenError:
        raise
    except Exception as error:  # ASE raises whatever its many readers do
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise HavenError(f"{source}, frame {number + 1}: cannot be read, cut off or damaged "
                         f"({reason})") from error
    if number < 0:
        raise HavenError(f"{source} holds no frame: it is empty or cut off")
    check_units(frames)
    return frames


def _ends_in_newline(path: Path) -> bool:
    with path.open("rb") as stream:
        stream.seek(0, 2)
        if stream.tell() == 0:
            return True
        stream.seek(-1, 2)
        return stream.read(1) == b"\n"


def _frame(atoms: Atoms, source: Path, number: int, species: Sequence[str]) -> Frame:
    where = f"{source}, frame {number}"
    results = dict(atoms.calc.results) if atoms.calc is not None else {}
    if results.get("free_energy") is not None:  # with smearing, the one the forces belong to
        results["energy"] = results["free_energy"]
    for what in ("energy", "forces"):
        if results.get(what) is None:
            raise HavenError(f"{where}: no {what}: label it again, or name the key {what}")
    unknown = sorted(set(atoms.get_chemical_symbols()) - set(species))
    if unknown:
        raise HavenError(f"{where}: element {', '.join(unknown)} is not of the material "
                         f"({', '.join(species)})")
    cell = atoms.cell.array
    values = {"energy": results["energy"], "forces": results["forces"], "cell": cell,
              "positions": atoms.positions}
    if results.get("stress") is not None:
        values["stress"] = results["stress"]
    for what, value in values.items():
        if not np.isfinite(np.asarray(value, float)).all():
            raise HavenError(f"{where}: {what} is not a finite number (NaN or infinite)")
    volume = float(np.linalg.det(cell))
    if volume <= 0:
        kind = "left-handed: swap two of its vectors" if volume < 0 else "missing or flat"
        raise HavenError(f"{where}: the cell is {kind}")
    moments = results.get("magmoms")
    stem = HUBBARD_IN_NAME.sub("", source.name)
    info = {**atoms.info, **({"magmom": results["magmom"]} if "magmom" in results else {})}
    return Frame(
        atoms=atoms, energy=float(results["energy"]), forces=np.asarray(results["forces"], float),
        stress=_full_stress(results.get("stress"), float(info.get(HEADER, 0.0))),
        moments=None if moments is None else np.asarray(moments, float),
        trajectory=str(info.get("trajectory", stem.removesuffix(source.suffix))),
        number=int(info.get("frame", number)), source=str(source), position=number, info=info,
    )


def _hubbard(frame: Frame, source: Path) -> float:
    """Return the U of a frame: what its header says, else the file's name."""
    found = HUBBARD_IN_NAME.search(source.name)
    named = float(found.group(1)) if found else None
    told = frame.info.get("u_ev", named)
    if told is None:
        raise HavenError(f"{frame.where} does not say its Hubbard U: name the file so, such as "
                         f"{source.stem}.u4.extxyz")
    if named is not None and abs(float(told) - named) > 1e-6:
        raise HavenError(f"{frame.where} was computed with U = {float(told):g} eV, the file's name "
                         f"says {named:g}: rename it")
    return float(told)


def _full_stress(stress: Any, pulay: float) -> np.ndarray | None:
    if stress is None:
        return None
    value = np.asarray(stress, float)
    if value.shape == (3, 3):
        return value + pulay * np.eye(3)
    xx, yy, zz, yz, xz, xy = at_fixed_cutoff(value, pulay)
    return np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])


def min_distance(atoms: Atoms, longest: float = 3.5) -> float:
    """Return the shortest interatomic distance in Angstrom, images included (up to ``longest``)."""
    from ase.neighborlist import primitive_neighbor_list

    found = primitive_neighbor_list("d", atoms.pbc, atoms.cell.array, atoms.positions, longest)
    return float(found.min()) if len(found) else longest


def duplicates(frames: Sequence[Frame], tolerance: float = 1e-3) -> dict[int, int]:
    """Return the frames that repeat an earlier one, each with the first it repeats.

    Parameters
    ----------
    frames
        Any frames; only those of the same atoms are compared.
    tolerance
        Largest difference of any coordinate or cell component, Angstrom.
    """
    from scipy.spatial import cKDTree

    groups: dict[bytes, list[int]] = {}
    for index, frame in enumerate(frames):
        groups.setdefault(frame.atoms.numbers.tobytes(), []).append(index)
    found: dict[int, int] = {}
    for members in groups.values():
        rows = [
            np.concatenate([frames[i].atoms.get_positions(wrap=True).ravel(),
                            frames[i].atoms.cell.array.ravel()])
            for i in members
        ]
        for one, two in sorted(cKDTree(np.array(rows)).query_pairs(tolerance, p=np.inf)):
            if members[one] not in found:
                found.setdefault(members[two], members[one])
    return found
