#!/usr/bin/env python3
"""The Haven ratio with its interval, by Haven and by other packages: error, coverage, time.

    python tests/bench/haven_ratio.py --runs 20 --work W --peers peers/bin/python

Each tool gets the same runs of a half-filled lattice gas (62 ions, 600 frames, H_R 0.85; or, with
``--large``, 2867 ions at 70 %), in a process of its own with one thread. One line a tool: median
of the value over the truth, its scatter over runs, median half width of the 95 % interval and the
share of intervals that hold the truth, processor seconds a run, and the processor time to an
interval of +-10 % at equal coverage: seconds times (1.96 scatter / 0.1)^2, since an interval that
holds 95 % is as wide as the scatter, which falls with the root of the length of the run. A peer
that is not installed is named.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
EDGE, SPACING_PS, PARTS = 15.0, 1.0, 10
LAGS = slice(20, 121)  # frames
Found = tuple[float, float, float]
NONE = float("nan")


def haven(path: np.ndarray, edge: float, name: str = "walk") -> Found:
    """One of Haven's estimators."""
    from haven.transport import diffusion
    from haven.transport.estimators import modes
    from haven.transport.hop_counts import count_hops

    coarse = np.ascontiguousarray(path.swapaxes(0, 1), np.float32)
    places = coarse[:, 0].astype(float)
    coarse -= coarse[:, :1].copy()
    held = modes.modes(coarse, SPACING_PS, diffusion.MODES, diffusion.MODES // 5)
    run = diffusion.describe(held, len(path), count_hops(coarse, SPACING_PS, 3.0), 3.0)
    rows = diffusion.coefficients(
        held, "xyz", run, np.random.default_rng(0), run.hops, tuple(dict.fromkeys((name, "walk"))),
        {"paths": coarse, "step_ps": SPACING_PS, "places": places, "nearest": 3.0,
         "cell": edge * np.eye(3)})
    row = next(row for row in rows if row.quantity == "haven")
    if row.value is None:
        return NONE, NONE, NONE
    return row.value, float(row.low_95 or 0), float(row.high_95 or 0)


def haven_local(path: np.ndarray, edge: float) -> Found:
    """Pairs near each other."""
    return haven(path, edge, "local")


def kinisi(path: np.ndarray, edge: float) -> Found:
    """D and D_J with their posteriors; the ratio of their draws."""
    import MDAnalysis
    import scipp as sc
    from kinisi.analyze import DiffusionAnalyzer, JumpDiffusionAnalyzer

    universe = MDAnalysis.Universe.empty(path.shape[1] + 1, trajectory=True)
    for name in ("types", "names"):
        universe.add_TopologyAttr(name, ["Li"] * path.shape[1] + ["X"])
    host = np.full((len(path), 1, 3), 0.5, np.float32)
    universe.load_new(np.concatenate([path, host], axis=1) % edge, order="fac", dt=SPACING_PS,
                      dimensions=[edge, edge, edge, 90, 90, 90])
    common = {"specie": "Li", "time_step": SPACING_PS * sc.Unit("ps"),
              "step_skip": 1 * sc.Unit("dimensionless"), "progress": False}
    own = DiffusionAnalyzer.from_universe(universe, **common)
    own.diffusion(20.0 * sc.Unit("ps"), progress=False)
    both = JumpDiffusionAnalyzer.from_universe(universe, **common)
    both.jump_diffusion(20.0 * sc.Unit("ps"), progress=False)
    tracer, total = (np.random.default_rng(0).permutation(one.values)
                     for one in (own.D, both.D_J))
    draws = tracer[: len(total)] / total[: len(tracer)]
    low, middle, high = np.quantile(draws, [0.025, 0.5, 0.975])
    return middle, low, high


def gemdat(path: np.ndarray, edge: float) -> Found:
    """Mean over ten parts with Student's t; its ratio is N times as large as Haven's."""
    import gemdat
    from gemdat.metrics import TrajectoryMetrics
    from pymatgen.core import Element
    from scipy.stats import t

    whole = gemdat.Trajectory(
        species=[Element("Li")] * path.shape[1], coords=path / edge, lattice=np.eye(3) * edge,
        time_step=SPACING_PS * 1e-12, constant_lattice=True, metadata={"temperature": 300})
    found = [[float(one.tracer_diffusivity(dimensions=3)),
              float(one.tracer_diffusivity_center_of_mass(dimensions=3)) * path.shape[1]]
             for one in map(TrajectoryMetrics, whole.split(PARTS))]
    tracer, total = np.array(found).T
    value = tracer.mean() / total.mean()
    rest = (tracer - value * total) / total.mean()
    half = t.ppf(0.975, PARTS - 1) * rest.std(ddof=1) / PARTS**0.5
    return value, value - half, value + half


def pymatgen(path: np.ndarray, edge: float) -> Found:
    """Its haven_ratio, which has no interval."""
    from pymatgen.analysis.diffusion.analyzer import DiffusionAnalyzer
    from pymatgen.core import Lattice, Structure

    first = Structure(Lattice.cubic(edge), ["Li"] * path.shape[1] + ["Cl"],
                      np.vstack([path[0], [[0.5, 0.5, 0.5]]]), coords_are_cartesian=True)
    moved = np.concatenate([(path - path[0]).swapaxes(0, 1), np.zeros((1, len(path), 3))])
    held = DiffusionAnalyzer(first, moved.astype(float), "Li", 300, SPACING_PS * 1000, 1,
                             smoothed="max", min_obs=30)
    return float(held.haven_ratio), NONE, NONE


def slopes(curve: Callable[[np.ndarray], np.ndarray], path: np.ndarray) -> Found:
    """Ratio of the slopes of the curves (T,) of the ions (T, N, 3) and of their sum."""
    steps = np.arange(len(path))[LAGS]
    joint = path.astype(np.float64).sum(axis=1, keepdims=True) / path.shape[1] ** 0.5
    tracer, total = (np.polyfit(steps, curve(one - one[:1])[LAGS], 1)[0]
                     for one in (path.astype(np.float64), joint))
    return float(tracer / total), NONE, NONE


def mdanalysis(path: np.ndarray, edge: float) -> Found:
    """EinsteinMSD with FFT."""
    import MDAnalysis
    from MDAnalysis.analysis.msd import EinsteinMSD

    def curve(positions: np.ndarray) -> np.ndarray:
        universe = MDAnalysis.Universe.empty(positions.shape[1], trajectory=True)
        universe.load_new(positions.astype(np.float32), order="fac")
        found = EinsteinMSD(universe, select="all", msd_type="xyz", fft=True).run()
        return found.results.timeseries

    return slopes(curve, path)


def freud(path: np.ndarray, edge: float) -> Found:
    """MSD in window mode."""
    import freud as package

    package.parallel.set_num_threads(1)
    return slopes(lambda x: package.msd.MSD(mode="window").compute(x).msd, path)


def tidynamics(path: np.ndarray, edge: float) -> Found:
    """One call an ion."""
    import tidynamics as package

    return slopes(lambda x: np.mean([package.msd(np.ascontiguousarray(x[:, i]))
                                     for i in range(x.shape[1])], axis=0), path)


TOOLS: dict[str, Callable[[np.ndarray, float], Found]] = {
    "haven": haven, "haven_local": haven_local, "gemdat": gemdat, "pymatgen": pymatgen,
    "mdanalysis": mdanalysis, "freud": freud, "tidynamics": tidynamics, "kinisi": kinisi}


def make(path: Path, runs: int, large: bool) -> tuple[float, float]:
    """Write the runs (R, T, N, 3), Angstrom; return the true ratio (0: not known) and the edge."""
    sys.path[:0] = [str(ROOT / "bin"), str(ROOT / "tests" / "python"), str(Path(__file__).parent)]
    if large:
        from local_sum import LENGTH, gases

        side = 16
        some = [gases(np.random.default_rng([side, n]), side, 1500)[0].swapaxes(0, 1) * LENGTH
                for n in range(runs)]
        np.save(path, np.array(some, np.float32))
        return 0.0, side * LENGTH
    from motions import GAS_HAVEN, KINDS

    np.save(path, np.array(list(KINDS["lattice_gas"].runs(runs, 2024)), np.float32))
    return GAS_HAVEN, EDGE


def one(tool: str, path: Path, edge: float, runs: int, out: Path) -> None:
    """Run one tool on all runs and write what it has found after each."""
    sys.path.insert(0, str(ROOT / "bin"))
    held = np.load(path, mmap_mode="r")
    TOOLS[tool](np.array(held[0][:140]), edge)  # imports, compiling
    start, found = time.process_time(), []
    for each in held[:runs]:
        found.append(TOOLS[tool](np.array(each), edge))
        part = out.with_suffix(".part")
        part.write_text(json.dumps({"found": found,
                                    "seconds": (time.process_time() - start) / len(found)}))
        part.replace(out)


def main() -> None:
    """Make the runs, ask every tool, print one line each."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--runs", type=int, default=20)
    options.add_argument("--kinisi_runs", type=int, default=6, help="it takes long")
    options.add_argument("--limit_s", type=float, default=600, help="wall seconds of one tool")
    options.add_argument("--large", action="store_true")
    options.add_argument("--work", type=Path, required=True)
    options.add_argument("--peers", default=sys.executable)
    options.add_argument("--tools", default=",".join(TOOLS))
    options.add_argument("--one", help=argparse.SUPPRESS)
    options.add_argument("--edge", type=float, help=argparse.SUPPRESS)
    given = options.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    data = given.work / "runs.npy"
    if given.one:
        return one(given.one, data, given.edge, given.runs, given.work / f"{given.one}.json")
    true, edge = make(data, given.runs, given.large)
    single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS",
                            "NUMBA_NUM_THREADS"), "1")
    for tool in given.tools.split(","):
        python = sys.executable if tool.startswith("haven") else given.peers
        runs = given.kinisi_runs if tool == "kinisi" else given.runs
        written = given.work / f"{tool}.json"
        written.unlink(missing_ok=True)
        try:
            done = subprocess.run(
                [python, __file__, "--one", tool, "--work", given.work, "--edge", str(edge),
                 "--runs", str(runs)], env={**os.environ, **single}, capture_output=True,
                text=True, check=False, timeout=given.limit_s)
            if done.returncode:
                why = (done.stderr.strip().splitlines() or ["no message"])[-1]
                what = "not installed" if "ModuleNotFound" in why else "failed"
                print(f"{tool:>12}: {what}: {why}", flush=True)
                continue
        except subprocess.TimeoutExpired:
            print(f"{tool:>12}: stopped after {given.limit_s:g} s of the clock (--limit_s)",
                  flush=True)
            if not written.exists():
                continue
        held = json.loads(written.read_text())
        value, low, high = np.array(held["found"], float).T
        known = np.isfinite(value)
        middle = true or float(np.median(value[known]))
        scatter = float(np.sqrt(((value[known] / middle - 1) ** 2).mean()))
        half = np.nanmedian(high - low) / 2 / middle if np.isfinite(low).any() else NONE
        inside = ((low <= middle) & (middle <= high))[known].mean()
        needed = held["seconds"] * (1.96 * scatter / 0.1) ** 2
        print(f"{tool:>12}: median {np.median(value[known]) / middle:.2f}, scatter {scatter:.3f}, "
              + (f"half width {half:.3f}, holds {inside:.0%}" if np.isfinite(half)
                 else "no interval") + f" ({known.sum()} of {len(value)} runs), "
              f"{held['seconds']:.3g} s a run, {needed:.3g} s to +-10 %", flush=True)


if __name__ == "__main__":
    main()
