#!/usr/bin/env python3
"""Print the errors of potentials frame by frame as CSV: what was trained on, held out, or neither.

``frame_errors.py --material M.yml --frames FOLDER... --u_ev U --dispersion d3bj -- FILE.pb ...``:
beside each potential lies its ``potential.json``; ``--dataset`` names the data set it was trained
on, whose subset each frame has, or ``new`` where it is in none.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from haven.core.errors import run
from haven.labels.dispersion import with_dispersion
from haven.material.file import load_material
from haven.potential import dataset
from haven.potential.families import open_evaluator


def main(argv: list[str] | None = None) -> None:
    """Write the table to standard output."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--material", required=True)
    options.add_argument("--frames", nargs="+", required=True)
    options.add_argument("--dataset", required=True)
    options.add_argument("--u_ev", type=float, required=True)
    options.add_argument("--dispersion", default="none")
    options.add_argument("potentials", nargs="+")
    given = options.parse_args(argv)
    material = load_material(given.material)
    read = [frame for folder in given.frames
            for frame in dataset.read_frames(folder, given.u_ev, material.species)]
    frames = with_dispersion(read, given.dispersion)
    used = {one["trajectory"]: one["subset"] for one in dataset.load(given.dataset)["systems"]}
    rows = []
    for path in map(Path, given.potentials):
        evaluator = open_evaluator(path, material.species)
        for frame in frames:
            atoms = frame.atoms
            types = np.array([evaluator.elements.index(s) for s in atoms.get_chemical_symbols()])
            found = evaluator.predict(atoms.positions[None], atoms.cell.array[None], types)
            off = np.asarray(found.force).reshape(-1, 3) - frame.forces
            rows.append({
                "potential": path.name, "trajectory": frame.trajectory, "frame": frame.number,
                "subset": used.get(frame.trajectory, "new"), "origin": frame.info["origin"],
                "temperature_k": frame.info.get("temperature_k"), "atoms": len(atoms),
                "force_rmse_ev_per_angstrom": float(np.sqrt((off**2).mean())),
                "largest_force_error_ev_per_angstrom": float(np.linalg.norm(off, axis=1).max()),
                "energy_error_ev_per_atom":
                    (float(np.ravel(found.energy)[0]) - frame.energy) / len(atoms)})
    pd.DataFrame(rows).to_csv(sys.stdout, index=False, float_format="%.5g")


if __name__ == "__main__":
    run(main)
