#!/usr/bin/env python3
"""Compare training settings: error on held-out trajectories against processor time.

Each row is one real training on one core and its accuracy by `test_potential.py`. Processor time is
counted, not wall time, so that a busy machine changes little. The error's interval and that of its
ratio to the base come of a bootstrap over the held-out trajectories, the same draws for both. Run
again with the same --out to go on: rows that are there are kept. The table in this folder is of

    bin/build_dataset.py --material M --frames assets/frames/li3ticl6 --u_ev 4 --test_share 0.35
"""

from __future__ import annotations

import argparse
import csv
import importlib
import json
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bin"))
BASE = {
    "training_steps": 2000, "batch_size": 1, "cutoff_angstrom": 6.0, "embedding": "10,20,40",
    "fitting": "64,64,64", "axis_neurons": 8, "learning_rate_start": 5e-3,
    "learning_rate_stop": 1e-3, "decay_steps": 100, "precision": "float32",
    "type_one_side": False, "prefactors": "0.02,1,1000,100,1,1", "fitting_activation": "tanh",
}
VARIANTS: dict[str, dict[str, object]] = {
    "base": {},
    "steps_1000": {"training_steps": 1000},
    "steps_4000": {"training_steps": 4000},
    "steps_8000": {"training_steps": 8000},
    "rate_1e-2_to_1e-3": {"learning_rate_start": 1e-2},
    "rate_2e-3_to_1e-3": {"learning_rate_start": 2e-3},
    "rate_5e-3_to_1e-4": {"learning_rate_stop": 1e-4},
    "rate_5e-3_to_1e-5": {"learning_rate_stop": 1e-5},
    "batch_2": {"batch_size": 2, "training_steps": 1250},
    "batch_4": {"batch_size": 4, "training_steps": 900},
    "batch_8": {"batch_size": 8, "training_steps": 500},
    "cutoff_5": {"cutoff_angstrom": 5.0},
    "cutoff_7": {"cutoff_angstrom": 7.0},
    "embedding_16_32": {"embedding": "16,32"},
    "embedding_8_16": {"embedding": "8,16"},
    "embedding_25_50_100": {"embedding": "25,50,100", "axis_neurons": 12},
    "fitting_32": {"fitting": "32,32,32"},
    "fitting_120": {"fitting": "120,120,120"},
    "fitting_gelu": {"fitting_activation": "gelu"},
    "fitting_gelu_4000": {"fitting_activation": "gelu", "training_steps": 4000},
    "fitting_gelu_8000": {"fitting_activation": "gelu", "training_steps": 8000},
    "axis_4": {"axis_neurons": 4},
    "float64": {"precision": "float64"},
    "force_to_1": {"prefactors": "0.02,1,1000,1,1,1"},
    "force_alone": {"prefactors": "0.02,0.02,1000,1000,0.02,0.02"},
    "virial_tenth": {"prefactors": "0.02,1,1000,100,0.1,0.1"},
    "type_one_side": {"type_one_side": True},
    "type_one_side_4000": {"type_one_side": True, "training_steps": 4000},
    "paper_network_short": {
        "embedding": "32,64,128", "fitting": "256,256,256", "cutoff_angstrom": 7.0,
        "axis_neurons": 16, "training_steps": 400,
    },
}


def run(script: str, material: str, options: dict[str, object]) -> float:
    """Run a script's ``main`` here and return its processor time, s."""
    words = [f"--{name}" if value is True else f"--{name}={value}"
             for name, value in options.items() if value is not False]
    began = time.process_time()
    importlib.import_module(script).main(["--material", material, *words])
    return time.process_time() - began


def forked(work: Callable[..., dict[str, object]], *given: object) -> dict[str, object]:
    """Return what a process of its own finds: the libraries are loaded once, before it begins."""
    context = multiprocessing.get_context("fork")
    inside, outside = context.Pipe(duplex=False)
    child = context.Process(target=lambda: outside.send(work(*given)))
    child.start()
    outside.close()
    try:
        return inside.recv()
    except EOFError:
        raise SystemExit(f"{given[1:]} failed; its message is above") from None
    finally:
        child.join()


def measure(args: argparse.Namespace, name: str, seed: int) -> dict[str, object]:
    """Train one variant and judge it."""
    settings = {**BASE, **VARIANTS[name]}
    with tempfile.TemporaryDirectory() as scratch:
        given = {"dataset": args.dataset, "u_ev": args.u_ev, "seed": seed, "out": scratch}
        seconds = run("train_potential", args.material, {**given, **settings})
        model = f"{scratch}/u{args.u_ev:g}_s{seed}.pb"
        about = json.loads(Path(model.replace(".pb", ".potential.json")).read_text())
        run("test_potential", args.material, {**given, "potential": model,
                                              "parity_points": 10**6})
        table = pd.read_parquet(model.replace(".pb", ".accuracy.parquet"))
        points = pd.read_parquet(model.replace(".pb", ".parity.parquet"))
    whole = table[(table["species"] == "all") & (table["component"] == "all")]
    error = {(r["subset"], r["quantity"]): r["rmse"] for _, r in whole.iterrows()}
    forces = points[(points["subset"] == "test") & (points["quantity"] == "force")]
    squares = (forces["predicted"] - forces["reference"]) ** 2
    return {
        "variant": name, "seed": seed, **settings, "sel": " ".join(map(str, about["sel"])),
        "frames_train": about["frames"]["train"], "frames_test": about["frames"]["test"],
        "dataset": about["dataset_sha256"][:12], "processor_s": round(seconds, 1),
        "force_rmse_train_ev_per_angstrom": round(error["train", "force"], 4),
        "energy_rmse_test_mev_per_atom": round(1000 * error["test", "energy"], 2),
        "virial_rmse_test_mev_per_atom": round(1000 * error.get(("test", "virial"), 0.0), 1),
        "force_rmse_test_ev_per_angstrom": round(float(squares.mean()) ** 0.5, 4),
        "squared_errors": " ".join(f"{where}:{part.sum():.5f}:{len(part)}" for where, part
                                   in squares.groupby(forces["trajectory"])),
    }


def sums(row: dict[str, object]) -> np.ndarray:
    """Return sum of squared force errors and count of each held-out trajectory, shape (T, 2)."""
    return np.array([part.split(":")[1:] for part in str(row["squared_errors"]).split()], float)


def add_intervals(rows: list[dict[str, object]]) -> None:
    """Write into each row the error's interval, and the ratio to the base of its seed with its."""
    base = {str(row["seed"]): sums(row) for row in rows if row["variant"] == "base"}
    for row in rows:
        mine = sums(row)
        draws = np.random.default_rng(0).integers(len(mine), size=(2000, len(mine)))
        drawn = mine[draws].sum(axis=1)
        ends = np.quantile(np.sqrt(drawn[:, 0] / drawn[:, 1]), [0.025, 0.975])
        row["rmse_low_95"], row["rmse_high_95"] = (round(end, 4) for end in ends)
        for column in ("ratio", "ratio_low_95", "ratio_high_95"):
            row[column] = ""
        if (against := base.get(str(row["seed"]))) is not None and row["variant"] != "base":
            ratio = np.sqrt(drawn[:, 0] / against[draws].sum(axis=1)[:, 0])
            row["ratio"] = round(float(np.sqrt(mine.sum(0)[0] / against.sum(0)[0])), 3)
            row["ratio_low_95"], row["ratio_high_95"] = np.quantile(ratio, [0.025, 0.975]).round(3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--material", required=True)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--u_ev", type=float, required=True)
    parser.add_argument("--variants", nargs="*", default=list(VARIANTS))
    parser.add_argument("--seeds", nargs="*", type=int, default=[1])
    parser.add_argument("--out", required=True, help="CSV, added to")
    args = parser.parse_args()
    importlib.import_module("haven.core.tasks").set_threads(1)
    importlib.import_module("deepmd.tf.entrypoints.main")
    out = Path(args.out)
    rows: list[dict[str, object]] = []
    if out.exists():
        with out.open(newline="") as stream:
            for row in csv.DictReader(line for line in stream if not line.startswith("#")):
                rows.append({**row})
    told = json.loads((Path(args.dataset) / "dataset.json").read_text())
    mine = (told["sha256"][:12], *(str(told["frames"][part]) for part in ("train", "test")))
    if any((row["dataset"], row["frames_train"], row["frames_test"]) != mine for row in rows):
        raise SystemExit(f"{out} is of another data set: its rows cannot stand beside this one's")
    for name, seed in [(name, seed) for seed in args.seeds for name in args.variants]:
        if any((row["variant"], str(row["seed"])) == (name, str(seed)) for row in rows):
            continue
        rows.append(forked(measure, args, name, seed))
        add_intervals(rows)
        out.parent.mkdir(parents=True, exist_ok=True)
        with Path(f"{out}.part").open("w", newline="") as stream:
            stream.write("# made by tests/bench/training.py: one core, user and system time of "
                         "train_potential.py;\n# errors on held-out trajectories, ratio to the "
                         "base of the same seed, 95 % intervals of a bootstrap over trajectories\n")
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        Path(f"{out}.part").rename(out)
        print(name, seed, *(rows[-1][key] for key in (
            "processor_s", "force_rmse_test_ev_per_angstrom", "ratio")), flush=True)


if __name__ == "__main__":
    main()
