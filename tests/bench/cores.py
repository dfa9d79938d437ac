#!/usr/bin/env python3
"""What a second core gives one run of dynamics: threads, as Haven starts LAMMPS, against MPI.

    PYTHONPATH=bin python tests/bench/cores.py --atoms 160 480 --steps 200

Each way is run in turn, several times, and the fastest counts: other programs on the machine only
make a run slower. ``busy`` is processor time over wall time, LAMMPS's start included.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from haven.dynamics.lammps import program as lammps
from haven.material import structures
from haven.material.file import load_material
from haven.material.starting_cells import starting_frames

ROOT = Path(__file__).resolve().parents[2]
WAYS = {"1 thread": (1, []), "2 threads": (2, []), "2 processes (MPI)": (1, ["mpirun", "-np", "2"])}


def seconds_per_step(folder: Path, threads: int, before: list[str]) -> tuple[float, float]:
    """Return LAMMPS's own seconds a step, and the processors that were busy."""
    used, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run([*before, str(lammps.find_executable()), "-in", "in.lmp", "-log",
                           "log.lmp", "-nocite"], cwd=folder, check=False, capture_output=True,
                          env=lammps.environment(threads), stdin=subprocess.DEVNULL, text=True)
    wall = time.monotonic() - began
    if done.returncode:
        raise SystemExit(lammps.error_line(folder, "log.lmp"))
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    loop = re.findall(r"^Loop time of (\S+) on \d+ procs for (\d+) steps",
                      (folder / "log.lmp").read_text(), re.M)[-1]
    return float(loop[0]) / int(loop[1]), spent / wall


def prepare(folder: Path, atoms: int, steps: int, potential: Path) -> int:
    """Write a supercell of about so many atoms and the input; return their number."""
    material = load_material(ROOT / "assets" / "materials" / "li3ticl6.yml")
    start = starting_frames(material, 1, 1, 0.05, 0.0, 1, 0, 40)[0][0][0]
    times = max(1, round((atoms / len(start)) ** (1 / 3)))
    count = (times, times, max(1, round(atoms / len(start) / times**2)))
    cell = start.repeat(count)
    structures.write_data(folder / "in.data", cell, material.species)
    names = lammps.link_potentials(folder, [potential])
    lines = lammps.setting_lines("read_data in.data", names, material.species)
    (folder / "in.lmp").write_text("\n".join(
        [*lines, "timestep 0.001", "velocity all create 600 1", "fix 1 all nve",
         f"run {max(5, steps // 10)}", f"run {steps}"]) + "\n")
    return len(cell)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--atoms", type=int, nargs="+", default=[160, 480])
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--times", type=int, default=3, help="how often each way is run")
    parser.add_argument("--potential", type=Path,
                        default=ROOT / "assets" / "models" / "u4_s1.pb")
    given = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; {given.potential.name}")
    for atoms in given.atoms:
        with tempfile.TemporaryDirectory(prefix="haven_cores_") as text:
            number = prepare(Path(text), atoms, given.steps, given.potential)
            found: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
            for _ in range(given.times):
                for way, (threads, before) in WAYS.items():
                    found[way].append(seconds_per_step(Path(text), threads, before))
            single = min(found["1 thread"])[0]
            for way, told in found.items():
                best, busy = min(told)
                spread = np.ptp([seconds for seconds, _ in told]) / best
                print(f"{number:6d} atoms, {way}: {1e3 * best:.1f} ms a step, {single / best:.2f} "
                      f"times one thread, {busy:.2f} cores busy (slowest +{100 * spread:.0f} %)",
                      flush=True)


if __name__ == "__main__":
    main()
