#!/usr/bin/env python3
"""Time a training step with each backend of DeePMD-kit on one core; one not installed says so.

Each network is trained twice, for different numbers of steps: the difference leaves out the start.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODULE = {"tensorflow": "tensorflow", "pytorch": "torch", "jax": "jax"}
NETWORKS = {
    "demo": ["--embedding=10,20,40", "--fitting=64,64,64", "--axis_neurons=8",
             "--cutoff_angstrom=6"],
    "paper": ["--embedding=32,64,128", "--fitting=256,256,256", "--axis_neurons=16",
              "--cutoff_angstrom=7"],
}


def processor_s(given: argparse.Namespace, backend: str, network: str, steps: int) -> float:
    """Return user and system time of a training of so many steps, s."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as out:
        subprocess.run(
            [sys.executable, str(ROOT / "bin" / "train_potential.py"), "--material",
             given.material, "--dataset", given.dataset, "--u_ev", given.u_ev, "--backend",
             backend, "--training_steps", str(steps), "--out", out, *NETWORKS[network]],
            check=True, env={**os.environ, "HAVEN_LOG": "WARNING"})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--material", default=str(ROOT / "assets/materials/li3ticl6.yml"))
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--u_ev", required=True)
    parser.add_argument("--steps", type=int, nargs=2, default=[50, 250])
    parser.add_argument("--out", required=True, help="CSV to write")
    given = parser.parse_args()
    rows = []
    for backend, module in MODULE.items():
        for network in NETWORKS:
            seconds: object = "not installed"
            if importlib.util.find_spec(module) is not None:
                few, many = (processor_s(given, backend, network, n) for n in given.steps)
                seconds = round((many - few) / (given.steps[1] - given.steps[0]), 4)
            rows.append({"backend": backend, "network": network, "precision": "float32",
                         "processor_seconds_per_step": seconds})
            print(*rows[-1].values(), flush=True)
    with Path(given.out).open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
