#!/usr/bin/env python3
"""Time training and dynamics on an NVIDIA GPU and on the processor beside it, in one run.

Networks are trained by `train_potential.py` with the PyTorch backend, on the GPU and on one core.
Wall time against step is read off while it runs, and a line laid through it: start and compiling,
before the first fifth of the steps, are left out. LAMMPS then runs NVT dynamics of 1 fs a step with
what the GPU trained, once, and four runs at once that share the GPU; on the processor it has all
cores. Run again with the same --out to go on.

The table beside this file took two machines of one kind (H200): dynamics of `shipped` there are of
a trained potential (8 axis neurons, one-sided embedding), turned into PyTorch's format;
`paper` and `demo` had 120 and 600 steps of training. `paper` at 20,160 atoms was not timed on the
processor.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from backends import slope

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bin"))
NETWORKS = {
    "demo": "--embedding=10,20,40 --fitting=64,64,64 --axis_neurons=8 --cutoff_angstrom=6",
    "shipped": "--embedding=25,50,100 --fitting=120,120,120 --axis_neurons=12 --cutoff_angstrom=6",
    "paper": "--embedding=32,64,128 --fitting=256,256,256 --axis_neurons=16 --cutoff_angstrom=7 "
             "--precision=float64",
}
TRAINING = [(network, device, batch) for network in NETWORKS
            for device, batch in (("gpu", 1), ("gpu", 8), ("processor", 1))]
HIDDEN = {"gpu": {}, "processor": {"CUDA_VISIBLE_DEVICES": ""}}
STEPS = {"gpu": 1200, "processor": 150}
DYNAMICS = [(network, device, atoms, runs) for network in NETWORKS
            for device, atoms, runs in (("gpu", 160, 1), ("gpu", 160, 4), ("gpu", 1280, 1),
                                        ("gpu", 20160, 1),
                                        ("processor", 160, 1), ("processor", 20160, 1))]
FIELDS: tuple[str, ...] = (
    "work", "network", "device", "name", "cores", "atoms_or_batch", "runs_at_once", "steps",
    "seconds_per_step", "steps_per_second", "ns_per_day")


def training_seconds(given: argparse.Namespace, network: str, device: str, batch: int) -> float:
    """Train in a process of its own and return its wall time a step, s."""
    learning = importlib.import_module("haven.potential.curve")
    seen: dict[int, float] = {}
    out = Path(given.work) / f"{network}_{device}_{batch}"
    steps = STEPS[device]
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "bin/train_potential.py"), "--material", given.material,
         "--dataset", given.dataset, "--u_ev", given.u_ev, "--backend", "pytorch", "--out",
         str(out),
         "--training_steps", str(steps), "--batch_size", str(batch), "--decay_steps", "20",
         *NETWORKS[network].split()], env=dict(os.environ) | HIDDEN[device])
    while process.poll() is None:
        for curve in out.glob("checkpoints/*/lcurve.out"):
            rows = learning.read_curve(curve)
            if rows:
                seen.setdefault(int(rows[-1]["step"]), time.monotonic())
        time.sleep(0.02)
    if process.returncode:
        raise SystemExit(f"training {network} on {device} ended with {process.returncode}")
    return slope(seen, steps)


def dynamics_seconds(
    given: argparse.Namespace, network: str, device: str, atoms: int, runs: int
) -> tuple[float, int]:
    """Run LAMMPS as often at once as asked; return the mean wall time of a step, s, and steps."""
    timing = importlib.import_module("haven.cost.timing")
    structure: Any = importlib.import_module("ase.io").read(given.structure)
    cell = structure.repeat(timing.replicas(len(structure), atoms))
    [model] = (Path(given.work) / f"{network}_gpu_1").glob("*.pth")
    cores = os.cpu_count() if device == "processor" else 1
    barrier = threading.Barrier(runs)

    def run(number: int) -> tuple[float, int, float]:
        with tempfile.TemporaryDirectory() as place:
            barrier.wait()
            return timing.time_dynamics(model, cell, given.steps, cores, Path(place),
                                        limit_s=given.limit_s, seed=number + 1)

    with mock.patch.dict(os.environ, HIDDEN[device]), ThreadPoolExecutor(runs) as pool:
        done = list(pool.map(run, range(runs)))
    return float(np.mean([seconds for seconds, _, _ in done])), min(steps for _, steps, _ in done)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--material", default=str(ROOT / "assets/materials/li3ticl6.yml"))
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--u_ev", required=True)
    parser.add_argument("--structure", required=True, help="cell of 160 atoms, minimised (extxyz)")
    parser.add_argument("--work", required=True, help="folder for trainings and potentials")
    parser.add_argument("--steps", type=int, default=300, help="of each timing of dynamics")
    parser.add_argument("--limit_s", type=int, default=10, help="wall time of each timing, s")
    parser.add_argument("--only", choices=["training", "dynamics"], help="leave out the other")
    parser.add_argument("--out", required=True, help="CSV, added to")
    given = parser.parse_args()
    card = importlib.import_module("haven.core.tasks").require_gpu("pytorch").removeprefix("GPU ")
    timing = importlib.import_module("haven.cost.timing")
    out = Path(given.out)
    rows: list[dict[str, str]] = list(csv.DictReader(out.open())) if out.exists() else []
    there = {tuple(row[name] for name in ("work", "network", "device", "atoms_or_batch",
                                          "runs_at_once")) for row in rows}
    todo = [("training", network, device, batch, 1) for network, device, batch in TRAINING]
    todo += [("dynamics", network, device, atoms, runs)
             for network, device, atoms, runs in DYNAMICS]
    for work, network, device, size, runs in todo:
        if given.only not in (None, work) or (work, network, device, str(size),
                                              str(runs)) in there:
            continue
        if work == "training":
            seconds, steps = training_seconds(given, network, device, size), STEPS[device]
        else:
            seconds, steps = dynamics_seconds(given, network, device, size, runs)
        cores = os.cpu_count() if (work, device) == ("dynamics", "processor") else 1
        values = (work, network, device, card if device == "gpu" else timing.processor(),
                  str(cores), str(size), str(runs), str(steps), f"{seconds:.4g}",
                  f"{1 / seconds:.4g}",
                  f"{runs * 86400e-6 / seconds:.4g}" if work == "dynamics" else "")
        rows.append(dict(zip(FIELDS, values, strict=True)))
        print(*rows[-1].values(), flush=True)
        with out.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, FIELDS)
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
