#!/usr/bin/env python3
"""How often 95 % intervals of D_self, D_total, D_distinct and H_R hold the truth, and how wide.

    python tests/bench/coverage.py --runs 200 --out tests/bench/coverage.csv [KIND ...]

Each kind is a synthetic motion whose coefficients are known exactly. One row a kind and quantity:
the share of runs with a number, of these the share whose interval holds the truth, median and
scatter of value over truth, and the median half width over the ideal one, that of an estimator
which knows the motion's spectrum (for independent walkers: 2 / (3 M) of the sum's M modes, and one
over the jumps).
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bin"), str(ROOT / "tests" / "python")]

import walks

from haven.transport import diffusion
from haven.transport.estimators import modes as sines
from haven.transport.hop_counts import count_hops

LENGTH = 3.0
Z95 = 1.96


@dataclass
class Kind:
    """A motion: makes positions (T, N, 3); its D_self (Angstrom^2 a frame) and D_total / D_self.

    ``walkers``: its ions are independent, so that the ideal width is known.
    """

    make: Callable[[np.random.Generator], np.ndarray]
    tracer: float
    ratio: float
    walkers: bool = False


def hopping(rate: float) -> float:
    """Return D in Angstrom^2 a frame of ``rate`` jumps a frame without memory."""
    return rate * LENGTH**2 / 6


def pairs(rng: np.random.Generator) -> np.ndarray:
    """32 rattling ions with 30 % of jumps going back, each doubled into a rigid pair."""
    path = walks.caged(rng, 32, 1000, 0.15, back=0.3)
    return np.concatenate([path, path], axis=1)


def tenth(rng: np.random.Generator) -> np.ndarray:
    """20 of 200 ions walk, the others rattle."""
    path = np.zeros((1000, 200, 3))
    path[:, :20] = walks.lattice_walk(rng, 20, 1000, 0.05)
    return path + rng.normal(0, 0.2, path.shape)


def two_species(rng: np.random.Generator) -> np.ndarray:
    """24 ions that are ten times as fast as 24 others."""
    return np.concatenate([walks.lattice_walk(rng, 24, 800, rate) for rate in (0.05, 0.005)],
                          axis=1)


def gas(rng: np.random.Generator) -> np.ndarray:
    """Half-filled lattice gas."""
    return walks.exclusion(rng, 1, 5, 62, 600, 19 / 62)[0]


def channel(rng: np.random.Generator) -> np.ndarray:
    """30 ions that jump along x alone and rattle along all axes."""
    path = walks.lattice_walk(rng, 30, 1500, 0.006, axes=(1.0, 0.0, 0.0))
    return path + rng.normal(0, 0.35, path.shape)


def replied(ions: int, frames: int, share: float, rate: float = 0.004, delay: float = 1.0,
            ) -> Kind:
    """Jumps of which a share is undone by another ion's."""
    return Kind(lambda rng: walks.answered(rng, ions, frames, rate, share, delay),
                hopping(rate), (1 - share) / (1 + share))


# f of a tracer among 62 of 125 sites: 200 runs of 600 frames together (test_coverage.exclusion)
GAS_TRACER, GAS_TOTAL = 0.3355, hopping(19 / 62) * (1 - 62 / 125) * 125 / 124

KINDS: dict[str, Kind] = {
    "walkers": Kind(lambda rng: walks.lattice_walk(rng, 64, 1000, 0.1), hopping(0.1), 1, True),
    "walkers_few": Kind(lambda rng: walks.lattice_walk(rng, 48, 500, 0.01), hopping(0.01), 1, True),
    "walkers_64_jumps": Kind(lambda rng: walks.lattice_walk(rng, 32, 500, 0.004), hopping(0.004), 1,
                             True),
    "caged_pairs": Kind(pairs, hopping(0.15) * 0.7 / 1.3, 2),
    "lattice_gas": Kind(gas, GAS_TOTAL, 1),
    "answered_9_60": replied(32, 500, 0.8),
    "answered_9_200": replied(48, 1040, 0.8),
    "answered_39_60": replied(32, 480, 0.95),
    "answered_39_200": replied(48, 1040, 0.95),
    "answered_9_late": replied(32, 1500, 0.8, 0.1, 10.0),
    "groups_4_80": Kind(lambda rng: walks.groups(rng, 32, 500, 0.005), hopping(0.005), 4),
    "groups_4_400": Kind(lambda rng: walks.groups(rng, 32, 1000, 0.0125), hopping(0.0125), 4),
    "one_ion": Kind(lambda rng: walks.lattice_walk(rng, 1, 4000, 0.025), hopping(0.025), 1, True),
    "four_ions": Kind(lambda rng: walks.lattice_walk(rng, 4, 2000, 0.025), hopping(0.025), 1, True),
    "tenth_mobile": Kind(tenth, hopping(0.05) / 10, 1),
    "two_species": Kind(two_species, hopping(0.0275), 1),
    "channel": Kind(channel, hopping(0.006), 1),
}


def estimated(positions: np.ndarray) -> tuple[diffusion.Run, list[diffusion.Estimate]]:
    """Return a run's description and estimates of positions (T, N, 3), Angstrom, 1 ps apart."""
    coarse = np.ascontiguousarray(positions.swapaxes(0, 1), dtype=np.float32)
    held = sines.modes(coarse, 1.0, diffusion.MODES, diffusion.MODES // diffusion.SELF_SHARE)
    run = diffusion.describe(held, len(positions), count_hops(coarse, 1.0, LENGTH), LENGTH)
    return run, diffusion.coefficients(held, "xyz", run, np.random.default_rng(0), run.hops)


def ideal(quantity: str, positions: np.ndarray, rate: float) -> float:
    """Return the half width, over the truth, that knowing the spectrum of walkers would give."""
    frames, ions = positions.shape[:2]
    jumps = rate * frames * ions
    variance = {"self": 2 / (3 * frames * ions) + 1 / jumps, "total": 2 / (3 * frames) + 1 / jumps,
                "haven": 2 / (3 * frames) * (1 - 1 / ions)}.get(quantity, float("nan"))
    return Z95 * variance**0.5


def rows(name: str, runs: int, seed: int) -> list[dict[str, object]]:
    """Return the table's rows of one kind."""
    kind = KINDS[name]
    total = kind.tracer * kind.ratio
    if name == "lattice_gas":
        kind = Kind(kind.make, GAS_TRACER, GAS_TOTAL / GAS_TRACER)
        total = GAS_TOTAL
    truth = {"self": kind.tracer * 1e-4, "total": total * 1e-4,
             "distinct": (total - kind.tracer) * 1e-4, "haven": kind.tracer / total}
    found: dict[str, list[diffusion.Estimate]] = {quantity: [] for quantity in truth}
    shape = np.empty(0)
    back = []
    for number in range(runs):
        shape = kind.make(np.random.default_rng([seed, number]))
        run, some = estimated(shape)
        back.append(len(run.total_windows) > 1)
        for one in some:
            found[one.quantity].append(one)
    out: list[dict[str, object]] = []
    for quantity, true in truth.items():
        good = [one for one in found[quantity] if one.verdict == "diffusive"]
        scale = abs(true) or kind.tracer * 1e-4
        low, high, value = (np.array([getattr(one, part) for one in good], float)
                            for part in ("low_95", "high_95", "value"))
        slack = 1e-9 * scale
        half = np.median((high - low) / 2) / scale if good else float("nan")
        best = ideal(quantity, shape, kind.tracer * 6 / LENGTH**2) if kind.walkers else float("nan")
        out.append({
            "kind": name, "quantity": quantity, "runs": runs, "with_number": len(good) / runs,
            "held": float(np.mean((low - slack <= true) & (true <= high + slack))),
            "median_over_truth": float(np.median(value) / true) if true else float(np.median(value)
                                                                                   / scale),
            "scatter": float(np.std(value) / scale), "half_width": float(half),
            "over_ideal": float(half / best) if best else float("nan"),
            "set_back": float(np.mean(back)) if quantity == "total" else float("nan"),
        })
    return out


def main() -> None:
    """Print the table, and write it where asked."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("kinds", nargs="*", default=list(KINDS), help="which kinds; all")
    options.add_argument("--runs", type=int, default=200, help="runs of each kind")
    options.add_argument("--seed", type=int, default=2024, help="seed of the runs")
    options.add_argument("--out", type=Path, help="CSV file for the table")
    given = options.parse_args()
    table: list[dict[str, object]] = []
    for name in given.kinds:
        table += rows(name, given.runs, given.seed)
        for row in table[-4:]:
            print("  ".join(f"{value:>9.3f}" if isinstance(value, float) else f"{value:>16}"
                            for value in row.values()), flush=True)
    if given.out:
        with given.out.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(table[0]))
            writer.writeheader()
            writer.writerows({key: f"{value:.4g}" if isinstance(value, float) else value
                              for key, value in row.items()} for row in table)


if __name__ == "__main__":
    main()
