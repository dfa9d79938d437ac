#!/usr/bin/env python3
"""D_total from near pairs against the sum over all ions: width, bias, coverage, by size.

    python tests/bench/local_sum.py --runs 20 --out tests/bench/local_sum.csv

Lattice gases of 70 % occupation, whose D_total is known exactly, of about 500, 3000 and 6000 ions.
One row a size and estimator: median of value over truth, scatter, median half width of the 95 %
interval over the truth, and the share of intervals that hold the truth.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from pathlib import Path

import numpy as np
from numba import njit

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bin"), str(ROOT / "tests" / "python")]

from haven.transport import diffusion
from haven.transport.estimators import modes as sines

LENGTH, SHARE = 3.0, 0.7
SIDES = (9, 16, 20)


@njit
def gas(rng: np.random.Generator, side: int, ions: int, frames: int, tries: int) -> np.ndarray:
    """Return sites (N, T, 3) of a lattice gas: of ``tries`` jumps a frame those onto ions fail."""
    sites = side**3
    order = rng.permutation(sites)
    full = np.zeros(sites, np.bool_)
    grid, path = np.empty((ions, 3), np.int64), np.empty((ions, 3), np.int64)
    for i in range(ions):
        full[order[i]] = True
        grid[i] = (order[i] // (side * side), (order[i] // side) % side, order[i] % side)
        path[i] = grid[i]
    out = np.empty((ions, frames, 3), np.float32)
    for t in range(frames):
        out[:, t] = path
        for _ in range(tries):
            i, way = rng.integers(0, ions), rng.integers(0, 6)
            new = grid[i].copy()
            new[way // 2] = (new[way // 2] + 2 * (way % 2) - 1) % side
            site = (new[0] * side + new[1]) * side + new[2]
            if not full[site]:
                full[(grid[i, 0] * side + grid[i, 1]) * side + grid[i, 2]] = False
                full[site] = True
                grid[i] = new
                path[i, way // 2] += 2 * (way % 2) - 1
    return out


def main() -> None:
    """Print the table, and write it where asked."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--runs", type=int, default=20, help="runs of each size")
    options.add_argument("--frames", type=int, default=1500, help="frames of a run")
    options.add_argument("--sweeps", type=float, default=0.3, help="tries per ion and frame")
    options.add_argument("--out", type=Path, help="CSV file for the table")
    given = options.parse_args()
    table = []
    for side in SIDES:
        sites = side**3
        ions = round(SHARE * sites)
        tries = round(given.sweeps * ions)
        true = tries / ions * LENGTH**2 / 6 * (1 - ions / sites) * sites / (sites - 1)
        found: dict[str, list[tuple[float, ...]]] = {"local": [], "walk": []}
        seconds = 0.0
        for seed in range(given.runs):
            coarse = gas(np.random.default_rng(seed), side, ions, given.frames, tries)
            coarse *= np.float32(LENGTH)
            places = coarse[:, 0].astype(float)
            coarse -= coarse[:, :1].copy()
            held = sines.modes(coarse, 1.0, diffusion.MODES,
                               diffusion.MODES // diffusion.SELF_SHARE)
            run = diffusion.describe(held, given.frames, 1e9, LENGTH)
            start = time.process_time()
            rows = diffusion.coefficients(
                held, "xyz", run, np.random.default_rng(0), 1e9, ("local", "walk"),
                {"paths": coarse, "step_ps": 1.0, "places": places, "nearest": LENGTH,
                 "cell": side * LENGTH * np.eye(3)})
            seconds += time.process_time() - start
            for row in rows:
                if row.quantity.startswith("total") and row.value is not None:
                    found[row.estimator].append(tuple(
                        float(x or 0) * 1e4 / true for x in (row.value, row.low_95, row.high_95)))
        for name, some in found.items():
            value, low, high = np.array(some).T
            table.append({
                "ions": ions, "frames": given.frames, "estimator": name, "runs": len(value),
                "median": np.median(value), "mean": value.mean(), "scatter": value.std(),
                "half_width": np.median(high - low) / 2,
                "held": np.mean((low <= 1) & (high >= 1)), "seconds": seconds / given.runs})
            print("  ".join(f"{x:9.4f}" if isinstance(x, float) else f"{x:>6}"
                            for x in table[-1].values()), flush=True)
    if given.out:
        with given.out.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(table[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows({key: f"{value:.4g}" if isinstance(value, float) else value
                              for key, value in row.items()} for row in table)


if __name__ == "__main__":
    main()
