#!/usr/bin/env python3
"""D_total from near pairs against the sum over all ions: width, bias, coverage, by size.

    python tests/bench/local_sum.py --runs 200,100,50 --out tests/bench/local_sum.csv --kept KEPT

Lattice gases of 70 % occupation and groups of four neighbours that jump as one, whose D_total is
known exactly, of about 500, 3000 and 6000 ions, 1500 frames. One row a kind, size and estimator:
median and mean of value over truth, scatter, median half width of the 95 % interval over the truth,
the share of intervals that hold the truth, and the processor seconds of both estimators. Values are
of D_total and of H_R; ``reported`` is what the command gives with ``--estimator local``: the sum
over all ions where the two disagree. Every run is added to the file KEPT when it is done, and read
from there by the next call: one that was stopped goes on, with more ``--runs`` more are added. Of
another state of the code it must be another file.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
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


Row = dict[str, object]
KEPT = ("kind", "side", "frames", "seed", "ions", "quantity", "estimator", "value", "low", "high",
        "true", "seconds")


def single(kind: str, side: int, seed: int, frames: int) -> list[Row]:
    """Return rows of one run: each quantity by each estimator."""
    coarse, total, haven = KINDS[kind](np.random.default_rng([side, seed]), side, frames)
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
    seconds = time.process_time() - start
    out: list[Row] = []
    for row in rows:
        quantity = row.quantity.partition("_")[0]
        if quantity not in truth or row.value is None:
            continue
        for name in [row.estimator] + ["reported"] * (row.quantity == quantity):
            out.append(dict(zip(KEPT, (
                kind, side, frames, seed, len(coarse), quantity, name, row.value,
                float(row.low_95 or 0), float(row.high_95 or 0), truth[quantity], seconds),
                strict=True)))
    return out


def study(kind: str, side: int, runs: int, frames: int, kept: Path | None) -> list[Row]:
    """Return the table's rows of one kind and size, from the runs kept and as many more."""
    held: list[Row] = []
    if kept is not None and kept.exists():
        held = [row for row in pd.read_csv(kept).to_dict("records")
                if (row["kind"], row["side"], row["frames"]) == (kind, side, frames)]
    for seed in sorted(set(range(runs)) - {int(str(row["seed"])) for row in held}):
        rows = single(kind, side, seed, frames)
        held += rows
        if kept is not None:
            pd.DataFrame(rows, columns=list(KEPT)).to_csv(
                kept, mode="a", header=not kept.exists(), index=False)
    table: list[Row] = []
    for (ions, quantity, name), some in pd.DataFrame(held).groupby(
            ["ions", "quantity", "estimator"]):
        value, low, high, true = (some[part].to_numpy(float)
                                  for part in ("value", "low", "high", "true"))
        if np.isnan(true).all():  # known from no theory: its mean over runs
            true = np.full(len(true), np.median(value))
        held_true = (low <= true) & (true <= high)
        table.append({
            "kind": kind, "ions": ions, "frames": frames, "quantity": quantity, "estimator": name,
            "runs": len(value), "median": np.median(value / true), "mean": (value / true).mean(),
            "scatter": (value / true).std(), "half_width": np.median((high - low) / 2 / true),
            "held": held_true.mean(), "seconds": some["seconds"].mean()})
    return table


def main() -> None:
    """Print the table, and write it where asked."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("kinds", nargs="*", default=list(KINDS), help="which kinds; all")
    options.add_argument("--runs", default="20,20,20", help="runs of each size")
    options.add_argument("--frames", type=int, default=1500, help="frames of a run")
    options.add_argument("--out", type=Path, help="CSV file: other rows there stay")
    options.add_argument("--kept", type=Path, help="CSV file of single runs, made or added to")
    given = options.parse_args()
    for kind in given.kinds:
        for side, runs in zip(SIDES, map(int, given.runs.split(",")), strict=True):
            if not runs:
                continue
            rows = study(kind, side, runs, given.frames, given.kept)
            if given.out:
                merge(given.out, rows, ("kind", "ions", "frames", "quantity", "estimator"))
            for row in rows:
                print("  ".join(f"{x:9.4f}" if isinstance(x, float) else f"{x:>8}"
                                for x in row.values()), flush=True)


if __name__ == "__main__":
    main()
