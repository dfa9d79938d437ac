#!/usr/bin/env python3
"""How often 95 % intervals of D_self, D_total, D_distinct and H_R hold the truth, and how wide.

    python tests/bench/interval_coverage.py --runs 200 --out tests/bench/interval_coverage.csv

Each kind is a synthetic motion whose coefficients are known exactly. One row a kind and quantity:
the share of runs with a number, of these the share whose interval holds the truth, median and
scatter of value over truth, and the median half width over the ideal one, that of an estimator
which knows the motion's spectrum (for independent walkers: 2 / (3 M) of the sum's M modes, and one
over the jumps). Of two species: L_11, L_12, L_22, and sigma with charges.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bin"), str(ROOT / "tests" / "python"), str(Path(__file__).parent)]

from merging import merge
from motions import COUPLES, KINDS, LENGTH, estimated, onsager

from haven.transport import diffusion

Z95 = 1.96
FRAMES = 1000  # of a run of two species


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
    truth = {"self": kind.tracer * 1e-4, "total": total * 1e-4,
             "distinct": (total - kind.tracer) * 1e-4, "haven": kind.tracer / total}
    found: dict[str, list[diffusion.Estimate]] = {quantity: [] for quantity in truth}
    shape = np.empty(0)
    back = []
    for shape in kind.runs(runs, seed):
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


def couple_rows(name: str, runs: int, seed: int) -> list[dict[str, object]]:
    """Return the table's rows of two species' L_ij and sigma; of L_12 over the root of L_11 L_22.

    ``over_ideal``: half width over that of an estimator which knows the spectra of walkers, whose
    product has the relative variance (L_11 L_22 + L_12^2) / (3 M) of M modes.
    """
    couple = COUPLES[name]
    truth = dict(zip(("l_11", "l_12", "l_22"), couple.onsager, strict=True))
    truth["sigma"] = couple.sigma
    found = [onsager(*couple.make(np.random.default_rng([seed, number])), couple.charges)
             for number in range(runs)]
    out: list[dict[str, object]] = []
    for quantity, true in truth.items():
        good = [one[quantity] for one in found if one[quantity].value is not None]
        scale = true if quantity != "l_12" else (truth["l_11"] * truth["l_22"]) ** 0.5
        low, high, value = (np.array([getattr(one, part) for one in good], float) / scale
                            for part in ("low_95", "high_95", "value"))
        half, aim = float(np.median(high - low) / 2), true / scale
        best = Z95 * ((1 + aim**2) / (3 * FRAMES)) ** 0.5
        out.append({
            "kind": name, "quantity": quantity, "runs": runs, "with_number": len(good) / runs,
            "held": float(np.mean((low <= aim) & (aim <= high))),
            "median_over_truth": float(np.median(value) / (aim or 1)),
            "scatter": float(value.std()), "half_width": half, "over_ideal": half / best,
            "set_back": float("nan")})
    return out


def main() -> None:
    """Print the table, and write it where asked."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("kinds", nargs="*", default=[*KINDS, *COUPLES], help="which kinds; all")
    options.add_argument("--runs", type=int, default=200, help="runs of each kind")
    options.add_argument("--seed", type=int, default=2024, help="seed of the runs")
    options.add_argument("--out", type=Path, help="CSV file for the table")
    given = options.parse_args()
    table: list[dict[str, object]] = []
    for name in given.kinds:
        some = (couple_rows if name in COUPLES else rows)(name, given.runs, given.seed)
        table += some
        for row in some:
            print("  ".join(f"{value:>9.3f}" if isinstance(value, float) else f"{value:>16}"
                            for value in row.values()), flush=True)
    if given.out:
        merge(given.out, table, ("kind", "quantity"))


if __name__ == "__main__":
    main()
