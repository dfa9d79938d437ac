#!/usr/bin/env python3
"""Extrapolate what the profile `paper` costs from measured seconds, and print every assumption.

Labels: processor seconds of the median label of the largest cell labelled often, scaled with
(plane-wave cutoff)^1.5. Training: processor seconds of a step of the published network. Dynamics:
seconds per atom and step of that network compressed, the largest cell timed, one core. All grows in
proportion to frames, steps and atoms.
"""

from __future__ import annotations

import argparse
import re
import subprocess
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
YEAR = 8766 * 3600.0  # s
NETWORK = "32-64-128 / 256-256-256"


def paper_settings() -> dict[str, str]:
    """Return the parameters of the profile, as Nextflow resolves them."""
    said = subprocess.run(["nextflow", "config", "-flat", "-profile", "paper", str(ROOT)],
                          capture_output=True, text=True, check=True).stdout
    return dict(re.findall(r"^params\.(\w+) = (.*)$", said, re.M))


def count(text: str) -> int:
    return len(re.findall(r"[^\[\],\s]+", text))


def product(text: str) -> int:
    whole = 1
    for number in re.findall(r"\d+", text):
        whole *= int(number)
    return whole


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cost", required=True, help="tables/cost.parquet of a run")
    parser.add_argument("--training_s", type=float, required=True,
                        help="processor seconds of one training step of the published network")
    parser.add_argument("--label_cutoff_ev", type=float, default=340.0, help="of the labels timed")
    args = parser.parse_args()
    p, cost = paper_settings(), pd.read_parquet(args.cost)
    us = count(p["u_ev"])
    frames = int(p["label_structures"]) * int(p["frames_per_structure"])
    labels = cost[(cost["method"] == "label") & (cost["steps"] >= 3)].sort_values("atoms")
    each = labels.groupby("u_ev").last()
    factor = (float(p["plane_wave_cutoff_ev"]) / args.label_cutoff_ev) ** 1.5
    label_s = frames * factor * us * (each["seconds_per_step"] * each["cores"]).mean()
    trainings = us * int(p["ensemble"])
    training_s = trainings * float(p["training_steps"]) * args.training_s
    timed = cost[(cost["method"] == "dlmd") & cost["model"].str.contains(NETWORK)
                 & cost["compressed"].astype(bool) & (cost["cores"] == 1)]
    best = timed.sort_values(["atoms", "seconds_per_atom_step"], ascending=[False, True]).iloc[0]
    atoms = 20 * product(p["supercell"])
    runs = us * count(p["temperatures_k"]) * int(p["replicas"])
    steps = 1000 * (float(p["equilibration_ps"]) + float(p["production_ps"])) / float(
        p["timestep_fs"])
    dynamics_s = runs * atoms * steps * best["seconds_per_atom_step"]
    print(f"labels: {frames} frames x {us} U, {each['atoms'].iloc[0]} atoms, x {factor:.2f} "
          f"for {p['plane_wave_cutoff_ev']} eV: {label_s / YEAR:.2g} core-years")
    print(f"training: {trainings} x {p['training_steps']} steps: "
          f"{training_s / YEAR:.2g} core-years")
    print(f"dynamics: {runs} runs x {atoms} atoms x {steps:.3g} steps, timed with {best['atoms']} "
          f"atoms: {dynamics_s / YEAR:.3g} core-years")
    print(f"all: {(label_s + training_s + dynamics_s) / YEAR:.3g} core-years")


if __name__ == "__main__":
    main()
