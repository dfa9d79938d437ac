#!/usr/bin/env python3
"""Time a training step with each backend of DeePMD-kit on one core; one not installed says so.

Processor time against step is read off while `train_potential.py` runs, and a line laid through it:
start and compiling, before the first fifth of the steps, are left out. The errors that the learning
curve shows every twentieth of the run are counted in. Run again with the same --out to go on.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import importlib.util
import multiprocessing
import sys
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bin"))
MODULE = {"tensorflow": "tensorflow", "pytorch": "torch", "jax": "jax"}
NETWORKS = {  # with embeddings of one side, which JAX needs
    "demo": ["--embedding=10,20,40", "--fitting=64,64,64", "--axis_neurons=8",
             "--cutoff_angstrom=6"],
    "paper": ["--embedding=32,64,128", "--fitting=256,256,256", "--axis_neurons=16",
              "--cutoff_angstrom=7"],
}
STEPS = {("tensorflow", "demo"): 1000, ("tensorflow", "paper"): 200, ("pytorch", "demo"): 400,
         ("pytorch", "paper"): 200, ("jax", "demo"): 100, ("jax", "paper"): 60}


def slope(seen: dict[int, float], steps: int) -> float:
    """Return the seconds a step of times seen at steps, the first fifth of them left out."""
    points = np.array([point for point in seen.items() if point[0] >= steps / 5])
    return float(np.polyfit(points[:, 0], points[:, 1], 1)[0])


def seconds_per_step(given: argparse.Namespace, backend: str, network: str) -> float:
    """Train in this process and return its user and system time a step, s."""
    learning = importlib.import_module("haven.potential.curve")
    steps, seen, over = STEPS[backend, network], {}, threading.Event()
    with tempfile.TemporaryDirectory() as out:
        def follow() -> None:
            while not over.wait(0.02):
                for curve in Path(out).glob("checkpoints/*/lcurve.out"):
                    rows = learning.read_curve(curve)
                    if rows:
                        seen.setdefault(int(rows[-1]["step"]), time.process_time())

        thread = threading.Thread(target=follow)
        thread.start()
        try:
            importlib.import_module("train_potential").main([
                "--material", given.material, "--dataset", given.dataset, "--u_ev", given.u_ev,
                "--backend", backend, "--training_steps", str(steps), "--out", out,
                "--type_one_side", *NETWORKS[network]])
        finally:
            over.set()
            thread.join()
    return slope(seen, steps)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--material", default=str(ROOT / "assets/materials/li3ticl6.yml"))
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--u_ev", required=True)
    parser.add_argument("--out", required=True, help="CSV, added to")
    given = parser.parse_args()
    out = Path(given.out)
    rows = list(csv.DictReader(out.open())) if out.exists() else []
    for backend, network in STEPS:
        if any((row["backend"], row["network"]) == (backend, network) for row in rows):
            continue
        seconds = "not installed"
        if importlib.util.find_spec(MODULE[backend]) is not None:
            spawn = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(1, mp_context=spawn) as alone:
                found = alone.submit(seconds_per_step, given, backend, network).result()
            seconds = f"{found:.4f}"
        rows.append({"backend": backend, "network": network, "precision": "float32",
                     "steps": str(STEPS[backend, network]), "processor_seconds_per_step": seconds})
        print(*rows[-1].values(), flush=True)
        with out.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
