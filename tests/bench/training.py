#!/usr/bin/env python3
"""Compare training settings: error on held-out trajectories against processor time.

Each row is one real training on one core and its accuracy by `test_potential.py`; dynamics with it
is timed on a supercell where one is given. Processor time is counted, not wall time, so that a busy
machine changes little. Run again with the same --out to add rows that are not there yet.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
BASE = {
    "training_steps": 4000, "batch_size": 1, "cutoff_angstrom": 6.0, "embedding": "10,20,40",
    "fitting": "64,64,64", "axis_neurons": 8, "learning_rate_start": 5e-3,
    "learning_rate_stop": 1e-4, "decay_steps": 100, "precision": "float32",
}
VARIANTS: dict[str, dict[str, object]] = {
    "base": {},
    "steps_1000": {"training_steps": 1000},
    "steps_2000": {"training_steps": 2000},
    "steps_8000": {"training_steps": 8000},
    "rate_1e-2_to_1e-4": {"learning_rate_start": 1e-2},
    "rate_2e-3_to_1e-4": {"learning_rate_start": 2e-3},
    "rate_5e-3_to_1e-3": {"learning_rate_stop": 1e-3},
    "rate_5e-3_to_1e-5": {"learning_rate_stop": 1e-5},
    "batch_2": {"batch_size": 2, "training_steps": 2500},
    "batch_4": {"batch_size": 4, "training_steps": 1800},
    "batch_8": {"batch_size": 8, "training_steps": 1000},
    "cutoff_5": {"cutoff_angstrom": 5.0},
    "cutoff_7": {"cutoff_angstrom": 7.0},
    "embedding_16_32": {"embedding": "16,32"},
    "embedding_8_16": {"embedding": "8,16"},
    "embedding_25_50_100": {"embedding": "25,50,100", "axis_neurons": 12},
    "fitting_32": {"fitting": "32,32,32"},
    "fitting_120": {"fitting": "120,120,120"},
    "axis_4": {"axis_neurons": 4},
    "float64": {"precision": "float64"},
    "paper_network_short": {
        "embedding": "32,64,128", "fitting": "256,256,256", "cutoff_angstrom": 7.0,
        "axis_neurons": 16, "training_steps": 500,
    },
}


def command(name: str, material: str, options: dict[str, object]) -> list[str]:
    words = [f"--{k}" if v is True else f"--{k}={v}" for k, v in options.items()]
    return [sys.executable, str(ROOT / "bin" / name), "--material", material, *words]


def processor_seconds(words: list[str]) -> float:
    """Run a command on one core and return its user and system time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HAVEN_LOG": "WARNING"}
    subprocess.run(words, check=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(args: argparse.Namespace, name: str, seed: int) -> dict[str, object]:
    """Train one variant, judge it, time dynamics with it."""
    settings = {**BASE, **VARIANTS[name]}
    with tempfile.TemporaryDirectory() as scratch:
        given = {"dataset": args.dataset, "u_ev": args.u_ev, "seed": seed, "out": scratch}
        seconds = processor_seconds(
            command("train_potential.py", args.material, {**given, **settings}))
        model = f"{scratch}/u{args.u_ev:g}_s{seed}.pb"
        about = json.loads(Path(model.replace(".pb", ".potential.json")).read_text())
        processor_seconds(
            command("test_potential.py", args.material, {**given, "potential": model}))
        table = pd.read_parquet(model.replace(".pb", ".accuracy.parquet"))
        whole = table[(table["species"] == "all") & (table["component"] == "all")]
        error = {(r["subset"], r["quantity"]): r["rmse"] for _, r in whole.iterrows()}
        speed = dynamics_speed(args, model, scratch) if args.structure else ""
    return {
        "variant": name, "seed": seed, **settings, "sel": " ".join(map(str, about["sel"])),
        "frames_train": about["frames"]["train"], "frames_test": about["frames"]["test"],
        "dataset": about["dataset_sha256"][:12], "processor_s": round(seconds, 1),
        "force_rmse_test_ev_per_angstrom": round(error["test", "force"], 4),
        "force_rmse_train_ev_per_angstrom": round(error["train", "force"], 4),
        "energy_rmse_test_mev_per_atom": round(1000 * error["test", "energy"], 2),
        "virial_rmse_test_mev_per_atom": round(1000 * error.get(("test", "virial"), 0.0), 1),
        "dynamics_us_per_atom_step": speed,
    }


def dynamics_speed(args: argparse.Namespace, model: str, scratch: str) -> float:
    """Return processor time of NVT dynamics, microseconds per atom and step, start excluded."""
    from ase.io import read

    atoms = len(read(args.structure))
    given = {"structure": args.structure, "potentials": model, "u_ev": args.u_ev, "dump_ps": 0.05,
             "temperature_k": 300, "out": scratch, "equilibration_ps": 0.0}
    times = [
        processor_seconds(command("run_dynamics.py", args.material, {**given, "production_ps": ps}))
        for ps in (0.1, 0.3)
    ]
    return round(1e6 * (times[1] - times[0]) / (200 * atoms), 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--material", required=True)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--u_ev", type=float, required=True)
    parser.add_argument("--structure", help="supercell to time dynamics on")
    parser.add_argument("--variants", nargs="*", default=list(VARIANTS))
    parser.add_argument("--seeds", nargs="*", type=int, default=[1])
    parser.add_argument("--out", required=True, help="CSV, added to")
    args = parser.parse_args()
    out = Path(args.out)
    done = set()
    if out.exists():
        known = pd.read_csv(out, comment="#", dtype=str)
        done = set(zip(known["variant"], known["seed"], strict=True))
    for name in args.variants:
        for seed in args.seeds:
            if (name, str(seed)) in done:
                continue
            row = measure(args, name, seed)
            fresh = not out.exists()
            out.parent.mkdir(parents=True, exist_ok=True)
            with out.open("a", newline="") as stream:
                if fresh:
                    stream.write("# made by tests/bench/training.py: one core, user and system "
                                 "time of train_potential.py;\n# errors on held-out trajectories; "
                                 "dynamics of a 160-atom supercell, start excluded\n")
                writer = csv.DictWriter(stream, list(row))
                if fresh:
                    writer.writeheader()
                writer.writerow(row)
            print(name, seed, row["processor_s"], row["force_rmse_test_ev_per_angstrom"])


if __name__ == "__main__":
    main()
