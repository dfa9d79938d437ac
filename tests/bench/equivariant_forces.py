#!/usr/bin/env python3
"""Hold the forces of fast potentials against those of equivariant ones, on frames of dynamics.

A control that needs no dynamics of the slow potential: frames of runs that a fast potential drove,
evenly spaced in time, are evaluated by both ensembles. D3(BJ) is added to the forces of the
equivariant ones, which are trained on labels without it, as it is added to labels. A row is one
measure of one run and one element (or all): root-mean-square difference of the ensembles' mean
forces and of two seeds of either, and the largest difference of any atom of a frame (median and
95th percentile over frames), each with a 95 % interval from frames drawn again, the
share of frames beyond the window with that of a binomial.

    tests/bench/equivariant_forces.py --trajectories results/trajectories/*.trajectory.npz \\
        --fast assets/models/small_d3bj --equivariant assets/models/dpa4 --out forces.csv
"""

from __future__ import annotations

import argparse
import csv
import functools
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bin"))

SEEDS = (1, 2)
HEAD = ("u_ev", "temperature_k", "replica", "species", "frames", "measure", "value", "lower",
        "upper")
WINDOW = 0.3  # eV/Angstrom, as the pipeline's --force_window_ev_per_angstrom
TYPES = ("Li", "Ti", "Cl")


@functools.cache
def opened(path: Path) -> Any:
    """Return a potential, which all runs of one U share."""
    from haven.potential.families.deepmd.compression import open_potential

    return open_potential(path)


def forces_of(models: list[Path], coords: np.ndarray, cell: np.ndarray, symbols: np.ndarray,
              extra: np.ndarray | float) -> np.ndarray:
    """Return the forces of each potential, shape (M, F, A, 3), eV/Angstrom, plus ``extra``."""
    from haven.potential.families.deepmd.compression import predict

    found = []
    for path in models:
        potential = opened(path)
        known = list(potential.get_type_map())
        types = np.array([known.index(symbol) for symbol in symbols])
        found.append(np.concatenate([predict(potential, one[None], cell[None], types).force
                                     for one in coords]))
    return np.array(found) + extra


def dispersion_forces(coords: np.ndarray, cell: np.ndarray, symbols: np.ndarray) -> np.ndarray:
    """Return the D3(BJ) forces for PBE, shape (F, A, 3), eV/Angstrom."""
    from ase import Atoms

    from haven.labels.dispersion import correction

    return np.array([correction(Atoms(list(symbols), positions=one, cell=cell, pbc=True), "PBE")[1]
                     for one in coords])


def mean_squares(vectors: np.ndarray) -> np.ndarray:
    """Return the mean square of a component in each frame, shape (F,)."""
    return (vectors**2).mean(axis=(1, 2))


def interval(frames: np.ndarray, statistic, times: int = 1000) -> tuple[float, float, float]:
    """Return a statistic of the frames and its 95 % interval, frames drawn again."""
    generator = np.random.default_rng(1)
    drawn = [statistic(frames[generator.integers(0, len(frames), len(frames))])
             for _ in range(times)]
    return float(statistic(frames)), *map(float, np.percentile(drawn, (2.5, 97.5)))


def share(hits: int, count: int) -> tuple[float, float, float]:
    """Return a share and its exact binomial interval (Clopper and Pearson), which 0 has too."""
    from haven.core.statistics import share_interval

    return hits / count, *share_interval(hits, count)


def rows_of(path: Path, fast: Path, equivariant: Path, count: int) -> list[dict[str, object]]:
    """Return the rows of one run ``u0_t700_r3.trajectory.npz``."""
    u_ev, temperature, replica = re.match(r"u([\d.]+)_t([\d.]+)_r(\d+)", path.name).groups()
    with np.load(path) as held:
        at = np.unique(np.linspace(0, len(held["all_time_ps"]) - 1, count).astype(int))
        coords = held["all_angstrom"][at].astype(float)
        cell, symbols = held["cell_angstrom"], held["symbols"].astype(str)
    added = dispersion_forces(coords, cell, symbols)
    quick, slow = (
        forces_of([folder / f"u{u_ev}_s{seed}{end}" for seed in SEEDS], coords, cell, symbols, more)
        for folder, end, more in ((fast, ".pb", 0.0), (equivariant, ".pt", added)))
    between = quick.mean(axis=0) - slow.mean(axis=0)
    pairs = {"rms_difference": between,
             "rms_difference_of_seed_1": quick[0] - slow[0],
             "rms_of_two_fast_seeds": quick[0] - quick[1],
             "rms_of_two_equivariant_seeds": slow[0] - slow[1],
             "rms_force": slow.mean(axis=0)}
    found = []
    for name in ("all", *TYPES):
        mine = np.ones(len(symbols), bool) if name == "all" else symbols == name
        measured = {key: interval(mean_squares(value[:, mine]), lambda v: np.sqrt(v.mean()))
                    for key, value in pairs.items()}
        worst = np.linalg.norm(between[:, mine], axis=2).max(axis=1)
        measured["largest_of_a_frame_median"] = interval(worst, np.median)
        measured["largest_of_a_frame_p95"] = interval(worst, lambda v: np.percentile(v, 95))
        measured["share_of_frames_beyond_window"] = share(int((worst > WINDOW).sum()), len(worst))
        found += [dict(zip(HEAD, (u_ev, temperature, replica, name, len(at), key,
                                  *(f"{v:.4f}" for v in values)), strict=True))
                  for key, values in measured.items()]
    return found


def main() -> None:
    """Write the table, a run at a time; runs that it holds are not measured again."""
    given = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    given.add_argument("--trajectories", nargs="+", type=Path, required=True)
    given.add_argument("--fast", type=Path, required=True, help="folder of potentials u4_s1.pb")
    given.add_argument("--equivariant", type=Path, required=True, help="folder of weights u4_s1.pt")
    given.add_argument("--frames", type=int, default=20, help="of each run")
    given.add_argument("--out", type=Path, required=True)
    args = given.parse_args()
    done = set()
    if args.out.exists():
        with args.out.open(newline="") as stream:
            done = {(row["u_ev"], row["temperature_k"], row["replica"])
                    for row in csv.DictReader(stream)}
    for path in args.trajectories:
        if re.match(r"u([\d.]+)_t([\d.]+)_r(\d+)", path.name).groups() in done:
            continue
        rows = rows_of(path, args.fast, args.equivariant, args.frames)
        new = not args.out.exists()
        with args.out.open("a", newline="") as stream:
            table = csv.DictWriter(stream, HEAD, lineterminator="\n")
            if new:
                table.writeheader()
            table.writerows(rows)
        print(path.name, *(f"{row['measure']} {row['value']}" for row in rows[:8]), flush=True)


if __name__ == "__main__":
    main()
