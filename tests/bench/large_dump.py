#!/usr/bin/env python3
"""Time and peak memory of reading and analysing a LAMMPS dump, by its size.

    python tests/bench/large_dump.py --gigabytes 0.5,2 --work W

Writes a dump of ``--atoms`` atoms (a third of them Li that jump, the rest a rattling host) with
elements and ids in it, of each size in turn, runs ``bin/analyse_transport.py`` on it alone in a
process, and deletes it. ``POOL`` frames are different; they come again, forth and back, so that
writing takes no longer than the disk. One line a size: seconds of the clock, processor seconds of
all processes, largest memory of one process, nanoseconds an atom and frame.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
POOL, LENGTH = 32, 3.0


def bodies(atoms: int) -> tuple[list[bytes], float]:
    """Return the lines of atoms of `POOL` frames, and the edge of their cubic cell, Angstrom."""
    side = round((atoms / 2) ** (1 / 3))
    grid = np.stack(np.meshgrid(*[np.arange(side)] * 3, indexing="ij"), -1).reshape(-1, 3)
    rng = np.random.default_rng(0)
    ions = rng.permutation(len(grid))[: atoms // 3]
    host = (grid + 0.5)[: atoms - len(ions)]
    place, out = grid[ions].astype(float), []
    ways = np.concatenate([np.eye(3), -np.eye(3)])
    symbols = ["Li"] * len(ions) + ["Cl"] * len(host)
    for _ in range(POOL):
        place = place + ways[rng.integers(6, size=len(ions))] * (rng.random((len(ions), 1)) < 0.1)
        all_of = np.concatenate([place, host]) * LENGTH
        all_of += rng.normal(0, 0.1, all_of.shape)
        order = rng.permutation(len(all_of))
        lines = [f"{i + 1} {1 if symbols[i] == 'Li' else 2} {symbols[i]} {x:.5f} {y:.5f} {z:.5f} \n"
                 for i, (x, y, z) in zip(order, all_of[order], strict=True)]
        out.append("".join(lines).encode())
    return out, side * LENGTH


def write(path: Path, atoms: int, size: float) -> tuple[int, int]:
    """Write a dump of about ``size`` bytes; return its numbers of frames and atoms."""
    pool, edge = bodies(atoms)
    count = pool[0].count(b"\n")
    frames, written = 0, 0
    with path.open("wb", buffering=1 << 22) as stream:
        while written < size:
            turn = frames % (2 * POOL - 2)
            body = pool[turn if turn < POOL else 2 * POOL - 2 - turn]
            head = (f"ITEM: TIMESTEP\n{frames * 1000}\nITEM: NUMBER OF ATOMS\n{count}\n"
                    "ITEM: BOX BOUNDS pp pp pp\n" + f"0 {edge}\n" * 3
                    + "ITEM: ATOMS id type element xu yu zu\n")
            written += stream.write(head.encode()) + stream.write(body)
            frames += 1
    return frames, count


def main() -> None:
    """Write, read and delete a dump of each size; print one line each."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--gigabytes", default="0.5,2", help="sizes")
    options.add_argument("--atoms", type=int, default=12000, help="atoms of a frame")
    options.add_argument("--work", type=Path, required=True, help="folder with room for it")
    given = options.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    for size in map(float, given.gigabytes.split(",")):
        path = given.work / "large.lammpstrj"
        try:
            frames, count = write(path, given.atoms, size * 1e9)
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            start = time.perf_counter()
            done = subprocess.run(
                ["/usr/bin/env", sys.executable, ROOT / "bin" / "analyse_transport.py", path,
                 "--species", "Li", "--temperature_k", "600", "--frame_spacing_ps", "1",
                 "--no-pictures", "--out", given.work / "tables"],
                capture_output=True, text=True, check=False)
            wall = time.perf_counter() - start
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            if done.returncode:
                sys.exit(done.stderr.strip().splitlines()[-1])
            took = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
            print(f"{size:g} GB, {frames} frames of {count} atoms: {wall:.0f} s, processor "
                  f"{took:.0f} s, {after.ru_maxrss / 1024:.0f} MB, "
                  f"{took / frames / count * 1e9:.0f} ns an atom and frame "
                  f"({len(os.sched_getaffinity(0))} processors)", flush=True)
        finally:
            path.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
