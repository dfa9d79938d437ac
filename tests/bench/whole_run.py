#!/usr/bin/env python3
"""Displacements, D, Haven ratio, jumps and radial distributions of one large run, in one call.

    python tests/bench/whole_run.py --cells 10 --frames 5500 --work W

Makes a container of ``cells``^3 cells of Li3TiCl6 (20 atoms each, `large_crystal`). Then runs the
three analyses on it, two at once where there are two processors, and prints for each and for all:
seconds of the clock, processor seconds, largest memory of a process.
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
from large_crystal import MATERIAL, RATTLE, ROOT, crystal_and_run

KEPT = 64  # frames of all atoms
CODE = """import re, resource, runpy, sys, time
start = time.perf_counter()
sys.argv = sys.argv[1:]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
finally:
    used = resource.getrusage(resource.RUSAGE_SELF)
    # not ru_maxrss: that begins with the memory of the process that started this one
    peak = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
    print(f"{time.perf_counter() - start:.1f} {used.ru_utime + used.ru_stime:.1f} "
          f"{peak / 1024:.0f}")
"""


def make(path: Path, cells: int, frames: int) -> None:
    """Write the container."""
    from haven.trajectory.trajectory import write_npz

    crystal, run = crystal_and_run(cells, frames)
    rng = np.random.default_rng(1)
    mobile = np.lib.format.open_memmap(path.with_suffix(".npy"), "w+", np.float32,
                                       (frames, crystal.ions, 3))
    for t, places in enumerate(run):
        mobile[t] = places
    kept, host = np.linspace(0, frames - 1, KEPT).astype(int), crystal.host
    every = np.stack([np.concatenate([mobile[t], host + rng.normal(0, RATTLE, host.shape)])
                      for t in kept]).astype(np.float32)
    write_npz(path, {
        "time_ps": np.arange(frames) * 1.0, "mobile_angstrom": mobile, "mobile_symbol": "Li",
        "host_centre_angstrom": np.zeros((frames, 3)), "cell_angstrom": crystal.cell,
        "barycentre_angstrom": np.zeros((frames, 3)), "all_time_ps": kept * 1.0,
        "all_angstrom": every, "framework": np.array(["Ti", "Cl"]),
        "mobile_index": np.arange(crystal.ions), "symbols": crystal.symbols,
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
