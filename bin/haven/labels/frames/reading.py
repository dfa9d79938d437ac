"""Reading labelled frames, and refusing those that would spoil a potential."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from haven.core.errors import HavenError, brief, existing, log
from haven.core.periodic import heights
from haven.core.reading import checksums
from haven.core.reading.images import open_images
from haven.labels.frames.consistency import MAX_STRESS_GPA, check_stress, check_units, say_unjudged
from haven.labels.frames.header_units import UNIT, in_ase_units
from haven.labels.frames.net_charge import check_neutral
from haven.labels.frames.numbering import with_own_numbers
from haven.labels.frames.reference_keys import results_of
from haven.labels.pulay import HEADER, MOST_PULAY
from haven.material.relaxation import at_fixed_cutoff

if TYPE_CHECKING:
    from ase import Atoms

READABLE = ("*.extxyz", "*.xyz", "*.traj")
FAILED = ".failed.extxyz"  # frames that no engine could label
YES = frozenset(("t", "true", "yes", "y", "1", "1.0", "converged"))  # other words are no
LONGEST_NAME = 100  # letters of a trajectory's name: it becomes folders and files
# eV, eV/Angstrom: a uranium atom with all its electrons has 8e5 eV; two atoms 0.1 Angstrom apart
# repel each other by less than 1e5 eV/Angstrom
MOST_ENERGY, MOST_FORCE = 1e7, 1e5
FARTHEST = 1000.0  # cell vectors from the origin: no ion drifts so far in a run that is labelled
LEAST_VOLUME = 1.0  # Angstrom^3 an atom: solid hydrogen at 100 GPa has about 2
MOST_VOLUME = 1e6  # Angstrom^3 an atom: a box 100 Angstrom wide about one atom
# Entries without which a number means something else: all frames of a file have them, or none.
# The audit leaves frames out that lack the Pulay stress, or other settings, of their fellows.
SHARED = ("trajectory", "free_energy")  # and all units
NAMED = re.compile(r"[\w .:/+()@#%*-]+")  # of an entry of a header: others are damage
MOST_HEIGHT = 2000.0  # Angstrom between opposite faces: 10,000 atoms in a row
LEAST_HEIGHT = 0.5  # Angstrom between opposite faces of a cell: an atom's own image stands nearer
HUBBARD_IN_NAME = re.compile(r"\.u([0-9]+(?:\.[0-9]+)?)\.(?:ext)?(?:xyz|traj)$")


@dataclass(frozen=True)
class LabelledFrame:
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


def walk(root: Path) -> Iterator[tuple[Path, list[str]]]:
    """Yield each folder under a root with the names of its files; links are followed once."""
    seen: set[str] = set()
    for folder, inner, names in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            inner.clear()
            continue
        seen.add(real)
        yield Path(folder), names


def find_files(folder: str | Path, u_ev: float) -> list[Path]:
    """Return the files of a folder that may hold frames labelled with ``u_ev``.

    A file whose name says another U (``name.u0.extxyz``) is passed over.
    """
    root = existing(folder, "folder of labelled frames")
    if root.is_file():
        return [root]
    found = {place / name for place, names in walk(root)
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
    """Return every U, in eV, that stands in the file names of a folder's frames, rising."""
    root = existing(folder, "folder of labelled frames")
    names = (name for _, names in walk(root) for name in names)
    return sorted({float(found.group(1)) for name in names
                   if not name.endswith(FAILED) and (found := HUBBARD_IN_NAME.search(name))})


def read_file(
    path: str | Path, u_ev: float, species: Sequence[str], max_stress_gpa: float = MAX_STRESS_GPA
) -> list[LabelledFrame]:
    """Read and check the frames of one file that were labelled with ``u_ev``.

    Raises
    ------
    HavenError
        Naming file and frame: if the file does not fit to its checksum or is cut off, a number is
        not finite, forces or energy are missing, the cell is left-handed, absent or charged, an
        element is not of the material, header and name tell no U or different ones, or energies,
        forces and stresses are not in eV and Angstrom.
    """
    source = existing(path, "labelled frames")
    checksums.check_file(source)
    return check_frames(open_images(source), source, u_ev, species, max_stress_gpa)


def read_folder(
    folder: str | Path, u_ev: float, species: Sequence[str], max_stress_gpa: float = MAX_STRESS_GPA
) -> list[LabelledFrame]:
    """Read every frame of a folder labelled with ``u_ev``; see `read_file`.

    Units are checked once more on all frames together, since a single file may hold too few frames
    for it. Units that all frames together do not determine are logged. Every frame has a number of
    its own in its trajectory, see `haven.labels.frames.numbering.with_own_numbers`.
    """
    frames = with_own_numbers([f for file in find_files(folder, u_ev)
                               for f in read_file(file, u_ev, species, max_stress_gpa)])
    say_unjudged(frames, check_units(frames), f"{folder}, U = {u_ev:g} eV")
    return frames


def check_frames(
    images: Iterable[Atoms], source: Path, u_ev: float, species: Sequence[str],
    max_stress_gpa: float = MAX_STRESS_GPA,
) -> list[LabelledFrame]:
    """Check frames as they come from the reader of ``source``; see `read_file`."""
    frames: list[LabelledFrame] = []
    number, open_ones = -1, 0
    first: set[str] | None = None
    try:
        for number, atoms in enumerate(images):
            own = _shared_entries(atoms)
            first = own if first is None else first
            if own != first:
                _refuse_unlike(own, first, f"{source}, frame {number}")
            open_ones += not atoms.pbc.all()
            atoms.pbc = True  # a potential knows crystals alone
            frame = _frame(atoms, source, number, species)
            if abs(_hubbard(frame, source) - u_ev) < 1e-6:
                frames.append(frame)
    except HavenError:
        raise
    except Exception as error:  # ASE raises whatever its many readers do
        reason = brief(error)
        raise HavenError(f"{source}, frame {number + 1}: cannot be read, cut off or damaged "
                         f"({reason})") from error
    if number < 0:
        raise HavenError(f"{source} holds no frame: it is empty or cut off")
    if open_ones:
        log.warning("%s: %d frames say that they are not periodic (pbc): they are taken as "
                    "crystals of the cell they have", source, open_ones)
    check_stress(frames, max_stress_gpa)
    check_units(frames)
    return frames


def _shared_entries(atoms: Atoms) -> set[str]:
    results = {} if atoms.calc is None else atoms.calc.results
    return {name for name in SHARED if name in atoms.info or results.get(name) is not None} | {
        key for key in map(str, atoms.info) if UNIT.match(key)}


def _refuse_unlike(own: set[str], first: set[str], where: str) -> None:
    name = min(own ^ first)
    lacks, has = ("this frame", "frame 0") if name in first else ("frame 0", "this frame")
    raise HavenError(f"{where}: {lacks} has no {name}, {has} of the same file has: a damaged "
                     "header, or frames of two kinds; give it to every frame, or divide the file")


def _frame(atoms: Atoms, source: Path, number: int, species: Sequence[str]) -> LabelledFrame:
    where = f"{source}, frame {number}"
    if strange := next((key for key in map(str, atoms.info) if not NAMED.fullmatch(key)), None):
        raise HavenError(f"{where}: the header has an entry called {strange!r}: it is damaged, or "
                         "rename it with letters, digits and _")
    check_neutral(atoms.info, where)
    results = results_of(atoms, where)
    if results.get("free_energy") is not None:  # with smearing, the one the forces belong to
        results["energy"] = results["free_energy"]
    for what in ("energy", "forces"):
        if results.get(what) is None:
            others = [key for key in (*atoms.info, *atoms.arrays)
                      if what.removesuffix("s").removesuffix("y") in str(key).lower()]
            have = f" (it has {', '.join(map(str, others))})" if others else ""
            raise HavenError(f"{where}: no {what}{have}: label it again, or name the key {what}")
    unknown = sorted(set(atoms.get_chemical_symbols()) - set(species))
    if unknown:
        raise HavenError(f"{where}: element {', '.join(unknown)} is not of the material "
                         f"({', '.join(species)})")
    check_geometry(atoms, where)
    results = in_ase_units(atoms, results, where)
    values = {"energy": results["energy"], "forces": results["forces"]}
    values |= {name: results[key] for key, name in (("stress", "stress"), ("magmoms", "moments"))
               if results.get(key) is not None}
    shapes = {"energy": ((), (1,)), "forces": ((len(atoms), 3),), "moments": ((len(atoms),),),
              "stress": ((6,), (3, 3), (9,))}
    for what, value in values.items():
        array = np.asarray(value, float)
        if not np.isfinite(array).all():
            raise HavenError(f"{where}: {what} is not a finite number (NaN or infinite)")
        if what in shapes and array.shape not in shapes[what]:
            raise HavenError(f"{where}: {what} has {array.size} numbers for {len(atoms)} atoms, in "
                             f"shape {array.shape}: label it again")
        most = {"energy": MOST_ENERGY * len(atoms), "forces": MOST_FORCE}.get(what, np.inf)
        if np.abs(array).max(initial=0.0) > most:
            raise HavenError(f"{where}: {what} reaches {np.abs(array).max():.3g} eV"
                             f"{'/Angstrom' if what == 'forces' else ''}, which no crystal has: "
                             "it is damaged, or in another unit")
    info = {**atoms.info, **({"magmom": results["magmom"]} if "magmom" in results else {})}
    if "converged" in info:
        info["converged"] = is_converged(info["converged"])
    stem = HUBBARD_IN_NAME.sub("", source.name)
    moments = results.get("magmoms")
    return LabelledFrame(
        atoms=atoms, energy=float(np.asarray(results["energy"]).reshape(())),
        forces=np.asarray(results["forces"], float),
        stress=_full_stress(results.get("stress"), _pulay(info, where)),
        moments=None if moments is None else np.asarray(moments, float),
        trajectory=trajectory_name(info.get("trajectory", stem.removesuffix(source.suffix)), where),
        number=whole_number(info.get("frame", number), where), source=str(source), position=number,
        info=info,
    )


def check_geometry(atoms: Atoms, where: str) -> None:
    """Refuse a frame whose cell and positions, Angstrom, are those of no crystal.

    Raises
    ------
    HavenError
        If a number is not finite, the cell is left-handed, flat or of another unit, or an atom is
        far from it; the message begins with ``where``.
    """
    cell = atoms.cell.array
    for what, value in (("cell", cell), ("positions", atoms.positions)):
        if not np.isfinite(value).all():
            raise HavenError(f"{where}: {what} is not a finite number (NaN or infinite)")
    volume = float(np.linalg.det(cell))
    if volume <= 0:
        kind = "left-handed: swap two of its vectors" if volume < 0 else "missing or flat"
        raise HavenError(f"{where}: the cell is {kind}")
    if not LEAST_VOLUME < volume / len(atoms) < MOST_VOLUME:
        raise HavenError(f"{where}: the cell has {volume / len(atoms):.3g} Angstrom^3 an atom: is "
                         "it in Angstrom?")
    apart = heights(cell)
    wrong = apart[(apart < LEAST_HEIGHT) | (apart > MOST_HEIGHT)]
    if len(wrong):
        raise HavenError(f"{where}: opposite faces of the cell are {wrong[0]:.3g} Angstrom apart: "
                         "is one of its vectors damaged?")
    if np.abs(atoms.positions @ np.linalg.inv(cell)).max() > FARTHEST:
        raise HavenError(f"{where}: an atom is more than {FARTHEST:g} cells from the origin: wrap "
                         "or correct the positions")


def is_converged(word: Any) -> bool:
    """Return whether a header's ``converged`` is a word of `YES`; any other word counts as no."""
    return str(word).strip().lower() in YES


def trajectory_name(name: Any, where: str) -> str:
    """Return the name of a trajectory, which becomes folders and files.

    Raises
    ------
    HavenError
        If it would leave the folder it belongs in, is empty or too long, or has letters that no
        file name takes.
    """
    text = str(name)
    bad = not text.strip() or len(text) > LONGEST_NAME or text.startswith(".")
    if bad or re.search(r"[/\\\x00-\x1f\x7f]", text):
        shown = text if len(text) < 60 else f"{text[:57]}..."
        raise HavenError(f"{where}: trajectory {shown!r} is no name for a file: use at most "
                         f"{LONGEST_NAME} letters, without / and \\, and no dot in front")
    return text


def program_of(version: str) -> str:
    """Return the program's name of an engine's version: ``vasp`` of ``vasp.6.4.2 18Apr``."""
    return re.split(r"[ .]", version)[0]


def as_number(value: Any) -> float:
    """Return a header's value as a number; NaN where it is none."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return np.nan


def whole_number(value: Any, where: str) -> int:
    """Return the number of a frame that a header says; refuse what is no whole number."""
    number = as_number(value)
    if not np.isfinite(number) or number % 1 or abs(number) >= 2**63:
        raise HavenError(f"{where}: the header's frame is {value}: it must be a whole number")
    return int(value) if isinstance(value, (int, np.integer)) else int(number)


def _pulay(info: Mapping[str, Any], where: str) -> float:
    """Return the Pulay stress of a header, eV/Angstrom^3; 0 without one."""
    value = as_number(info.get(HEADER, 0.0))
    if not abs(value) <= MOST_PULAY:
        raise HavenError(f"{where}: the header's {HEADER} is {info[HEADER]}: it must be a number "
                         f"of at most {MOST_PULAY:g} either way")
    return value


def _hubbard(frame: LabelledFrame, source: Path) -> float:
    """Return the U of a frame: what its header says, else the file's name."""
    found = HUBBARD_IN_NAME.search(source.name)
    named = float(found.group(1)) if found else None
    if frame.info.get("u_ev", named) is None:
        raise HavenError(f"{frame.where} does not say its Hubbard U: name the file so, such as "
                         f"{source.stem}.u4.extxyz")
    told = told_hubbard(frame.info["u_ev"], frame.where) if "u_ev" in frame.info else named
    told = float(told or 0.0)
    if named is not None and abs(told - named) > 1e-6:
        raise HavenError(f"{frame.where} was computed with U = {told:g} eV, the file's name "
                         f"says {named:g}: rename it")
    return told


def told_hubbard(value: Any, where: str) -> float:
    """Return a header's ``u_ev``, refused where it is no number of 0 or above."""
    told = as_number(value)
    if not (np.isfinite(told) and told >= 0):
        raise HavenError(f"{where}: the header's u_ev is {value}: it must be U in eV, 0 or above")
    return told


def _full_stress(stress: Any, pulay: float) -> np.ndarray | None:
    if stress is None:
        return None
    value = np.asarray(stress, float)
    if value.size == 9:
        return value.reshape(3, 3) + pulay * np.eye(3)
    xx, yy, zz, yz, xz, xy = at_fixed_cutoff(value, pulay)
    return np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])


def duplicates(frames: Sequence[LabelledFrame], tolerance: float = 1e-3) -> dict[int, int]:
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
