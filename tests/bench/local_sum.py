#!/usr/bin/env python3
"""D_total from near pairs against the sum over all ions: width, bias, coverage, by size.

    python tests/bench/local_sum.py --runs 200,100,50 --out tests/bench/local_sum.csv

Lattice gases of 70 % occupation and groups of four neighbours that jump as one, whose D_total is
known exactly, of about 500, 3000 and 6000 ions, 1500 frames. One row a kind, size and estimator:
median and mean of value over truth, scatter, median half width of the 95 % interval over the truth,
the share of intervals that hold the truth, and the processor seconds of both estimators. Values are
of D_total and of H_R; ``reported`` is what the command gives with ``--estimator local``: the sum
over all ions where the two disagree.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from numba import njit

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bin"), str(ROOT / "tests" / "python"), str(Path(__file__).parent)]

from merging import merge

from haven.transport import diffusion
from haven.transport.estimators import modes as sines

LENGTH, SHARE, SWEEPS = 3.0, 0.7, 0.3
SIDES = (9, 16, 20)
RATE = 0.05


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


def gases(rng: np.random.Generator, side: int, frames: int) -> tuple[np.ndarray, float, float]:
    """Return sites (N, T, 3) of a lattice gas, D_total in sites^2 a frame, and NaN for H_R."""
    sites = side**3
    ions = round(SHARE * sites)
    tries = round(SWEEPS * ions)
    true = tries / ions / 6 * (1 - ions / sites) * sites / (sites - 1)
    return gas(rng, side, ions, frames, tries), true, float("nan")


def fours(rng: np.random.Generator, side: int, frames: int) -> tuple[np.ndarray, float, float]:
    """Return sites (N, T, 3) of groups of four neighbours that jump as one, D_total, and H_R."""
    number = round(SHARE * side**3 / 4)
    ways = np.concatenate([np.eye(3), -np.eye(3)])[rng.integers(6, size=(number, frames))]
    ways *= (rng.random((number, frames)) < RATE)[..., None]
    first = rng.integers(side, size=(number, 1, 3))
    path = (first + np.cumsum(ways, axis=1)).astype(np.float32)
    square = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]], np.float32)
    return (path[:, None] + square[:, None]).reshape(-1, frames, 3), 4 * RATE / 6, 0.25


KINDS = {"gas": gases, "fours": fours}


def study(kind: str, side: int, runs: int, frames: int) -> list[dict[str, object]]:
    """Return the table's rows of one kind and size."""
    found: dict[tuple[str, str], list[tuple[float, ...]]] = {}
    seconds, ions = 0.0, 0
    for seed in range(runs):
        coarse, total, haven = KINDS[kind](np.random.default_rng([side, seed]), side, frames)
        ions = len(coarse)
        coarse *= np.float32(LENGTH)
        truth = {"total": total * LENGTH**2 * 1e-4, "haven": haven}
        places = coarse[:, 0].astype(float)
        coarse -= coarse[:, :1].copy()
        held = sines.modes(coarse, 1.0, diffusion.MODES, diffusion.MODES // diffusion.SELF_SHARE)
        run = diffusion.describe(held, frames, 1e9, LENGTH)
        start = time.process_time()
        rows = diffusion.coefficients(
            held, "xyz", run, np.random.default_rng(0), 1e9, ("local", "walk"),
            {"paths": coarse, "step_ps": 1.0, "places": places, "nearest": LENGTH,
             "cell": side * LENGTH * np.eye(3)})
        seconds += time.process_time() - start
        for row in rows:
            quantity = row.quantity.partition("_")[0]
            if quantity not in truth or row.value is None:
                continue
            some = [float(x or 0) for x in (row.value, row.low_95, row.high_95)]
            names = [row.estimator] + ["reported"] * (row.quantity == quantity)
            for name in names:
                found.setdefault((quantity, name), []).append((*some, truth[quantity]))
    table = []
    for (quantity, name), some in sorted(found.items()):
        value, low, high, true = np.array(some).T
        if np.isnan(true).all():  # known from no theory: its mean over runs
            true = np.full(len(true), np.median(value))
        held_true = (low <= true) & (true <= high)
        table.append({
            "kind": kind, "ions": ions, "frames": frames, "quantity": quantity, "estimator": name,
            "runs": len(value), "median": np.median(value / true), "mean": (value / true).mean(),
            "scatter": (value / true).std(), "half_width": np.median((high - low) / 2 / true),
            "held": held_true.mean(), "seconds": seconds / runs})
    return table


def main() -> None:
    """Print the table, and write it where asked."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("kinds", nargs="*", default=list(KINDS), help="which kinds; all")
    options.add_argument("--runs", default="20,20,20", help="runs of each size")
    options.add_argument("--frames", type=int, default=1500, help="frames of a run")
    options.add_argument("--out", type=Path, help="CSV file: other rows there stay")
    given = options.parse_args()
    for kind in given.kinds:
        for side, runs in zip(SIDES, map(int, given.runs.split(",")), strict=True):
            if not runs:
                continue
            rows = study(kind, side, runs, given.frames)
            if given.out:
                merge(given.out, rows, ("kind", "ions", "frames", "quantity", "estimator"))
            for row in rows:
                print("  ".join(f"{x:9.4f}" if isinstance(x, float) else f"{x:>8}"
                                for x in row.values()), flush=True)


if __name__ == "__main__":
    main()
