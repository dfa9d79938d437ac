#!/usr/bin/env python3
"""Displacements, D, Haven ratio, jumps and radial distributions of one large run, in one call.

    python tests/bench/whole_run.py --cells 10 --frames 5500 --work W

Makes a container of ``cells``^3 cells of Li3TiCl6 (20 atoms each): Li jumps between neighbouring
cation sites that are free, everything rattles. Then runs the three analyses on it, two at once
where there are two processors, and prints for each and for all: seconds of the clock, processor
seconds, largest memory of a process.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
MATERIAL = ROOT / "assets" / "materials" / "li3ticl6.yml"
RATE, KEPT, RATTLE = 0.002, 64, 0.15  # jumps an ion and frame; frames of all atoms; Angstrom
CODE = """import resource, runpy, sys, time
start = time.perf_counter()
sys.argv = sys.argv[1:]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
finally:
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(f"{time.perf_counter() - start:.1f} {used.ru_utime + used.ru_stime:.1f} "
          f"{used.ru_maxrss / 1024:.0f}")
"""


def make(path: Path, cells: int, frames: int) -> None:
    """Write the container."""
    sys.path.insert(0, str(ROOT / "bin"))
    from scipy.spatial import cKDTree

    from haven.material.file import load_material
    from haven.material.sites import site_lattice
    from haven.trajectory.trajectory import write_npz

    material, rng = load_material(MATERIAL), np.random.default_rng(0)
    cell = material.cell * cells
    lattice = site_lattice(material, cell)
    shifts = np.array(list(np.ndindex(cells, cells, cells)), float)
    anions = np.concatenate([(xyz[None] + shifts[:, None]).reshape(-1, 3)
                             for _, xyz in material.anions.values()]) @ material.cell
    order = rng.permutation(len(lattice.centres))
    titanium = [letter for held in material.occupancies.values()
                for letter, share in held.get("Ti", {}).items() if share > 0]
    metal = order[np.isin(lattice.letters[order], titanium)][: 2 * cells**3]
    first = order[~np.isin(order, metal)][: 6 * cells**3]
    scaled = lattice.centres @ np.linalg.inv(cell)
    images = np.array(list(np.ndindex(3, 3, 3))) - 1
    around = ((scaled[None] + images[:, None]) @ cell).reshape(-1, 3)
    near = cKDTree(around).query(lattice.centres, k=7)[1][:, 1:]
    full = np.zeros(len(order), bool)
    full[metal] = full[first] = True
    site, place = first.copy(), lattice.centres[first].copy()
    rattle = rng.normal(0, RATTLE, (64, len(first), 3)).astype(np.float32)
    mobile = np.lib.format.open_memmap(path.with_suffix(".npy"), "w+", np.float32,
                                       (frames, len(first), 3))
    for t in range(frames):
        for ion in rng.integers(len(first), size=rng.poisson(RATE * len(first))):
            way = near[site[ion], rng.integers(6)]
            target = way % len(order)
            if not full[target]:
                full[site[ion]], full[target] = False, True
                place[ion] += around[way] - lattice.centres[site[ion]]
                site[ion] = target
        mobile[t] = place + rattle[t % 64]
    kept = np.linspace(0, frames - 1, KEPT).astype(int)
    still = np.concatenate([lattice.centres[metal], anions])
    every = np.stack([np.concatenate([mobile[t], still + rng.normal(0, RATTLE, still.shape)])
                      for t in kept]).astype(np.float32)
    write_npz(path, {
        "time_ps": np.arange(frames) * 1.0, "mobile_angstrom": mobile, "mobile_symbol": "Li",
        "host_centre_angstrom": np.zeros((frames, 3)), "cell_angstrom": cell,
        "barycentre_angstrom": np.zeros((frames, 3)), "all_time_ps": kept * 1.0,
        "all_angstrom": every, "framework": np.array(["Ti", "Cl"]),
        "mobile_index": np.arange(len(first)),
        "symbols": np.array(["Li"] * len(first) + ["Ti"] * len(metal) + ["Cl"] * len(anions)),
    }, {"temperature_k": 600})
    path.with_suffix(".npy").unlink()


def main() -> None:
    """Make the run, analyse it, print what it took."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--cells", type=int, default=10, help="cells along each axis")
    options.add_argument("--frames", type=int, default=5500)
    options.add_argument("--work", type=Path, required=True)
    given = options.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    path = given.work / "whole.npz"
    if not path.exists():
        make(path, given.cells, given.frames)
    common = [str(path), "--temperature_k", "600", "--out", str(given.work / "tables")]
    calls = {"transport": ["--species", "Li"], "hops": ["--material", str(MATERIAL)],
             "structure": []}

    def one(name: str) -> list[float]:
        done = subprocess.run(
            [sys.executable, "-c", CODE, ROOT / "bin" / f"analyse_{name}.py", *common,
             *calls[name]], capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT / "bin")})
        if done.returncode:
            sys.exit((done.stderr.strip().splitlines() or ["no message"])[-1])
        took = list(map(float, done.stdout.strip().splitlines()[-1].split()))
        print("{:>10}: {:.1f} s, processor {:.1f} s, {:.0f} MB".format(name, *took), flush=True)
        return took

    start = time.perf_counter()
    processors = len(os.sched_getaffinity(0))
    with ThreadPoolExecutor(min(2, processors)) as pool:
        took = list(pool.map(one, calls))
    print(f"{'all':>10}: {time.perf_counter() - start:.1f} s, processor "
          f"{sum(part[1] for part in took):.1f} s, {max(part[2] for part in took):.0f} MB at most "
          f"in one process ({20 * given.cells**3} atoms x {given.frames} frames, {processors} "
          f"processors; making it took "
          f"{resource.getrusage(resource.RUSAGE_SELF).ru_utime:.0f} s)")


if __name__ == "__main__":
    main()
