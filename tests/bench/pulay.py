#!/usr/bin/env python3
"""Is the labels' stress, corrected, the slope of their energy? Compare the two over volumes.

Labels the shipped relaxed cell of U = 0, scaled evenly, with the shipped settings; the slope is
that of a cubic through the energies at a fixed cutoff. About eight minutes of one core.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "bin"))

from ase.io import read

from haven.labels.engines.base import LabelSettings
from haven.labels.engines.gpaw import Gpaw
from haven.labels.pulay import HEADER
from haven.material.file import load_material
from haven.material.relaxation import EV_PER_ANGSTROM3_GPA

STRAINS = (-0.02, -0.01, 0.0, 0.01, 0.02)


def main() -> None:
    """Write one row a volume."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default=str(Path(__file__).with_suffix(".csv")), help="csv")
    parser.add_argument("--work", default=".", help="folder for GPAW's log")
    args = parser.parse_args()
    material = load_material(str(ROOT / "assets/materials/li3ticl6.yml"))
    start: Any = read(ROOT / "assets/cells/li3ticl6/relaxed_default_s1.u0.extxyz", 0)
    cell: Any = read(ROOT / "assets/cells/li3ticl6/relaxed_default_s1.u0.extxyz", -1)
    pulay = start.info[HEADER] * start.get_volume()
    engine, rows = Gpaw(material, LabelSettings(), Path(args.work) / "gpaw.txt"), []
    for strain in STRAINS:
        atoms = cell.copy()
        atoms.set_initial_magnetic_moments([material.moments.get(s, 0.0) for s in atoms.symbols])
        atoms.set_cell(atoms.cell.array * (1 + strain), scale_atoms=True)
        (_, label), = engine.label(atoms, [0.0])
        volume, stress = atoms.get_volume(), float(label["stress"][:3].mean())
        rows.append({"strain": strain, "volume_angstrom3": volume, "energy_ev": label["energy"],
                     "engine_gpa": EV_PER_ANGSTROM3_GPA * stress,
                     "corrected_gpa": EV_PER_ANGSTROM3_GPA * (stress + pulay / volume)})
    table = pd.DataFrame(rows)
    away = table["volume_angstrom3"] - cell.get_volume()
    cubic = np.polynomial.Polynomial.fit(away, table["energy_ev"], 3)
    table["slope_gpa"] = EV_PER_ANGSTROM3_GPA * cubic.deriv()(away)
    table["residual_mev"] = 1e3 * (table["energy_ev"] - cubic(away))
    with Path(args.out).open("w") as stream:
        stream.write("# made by tests/bench/pulay.py: mean of the stress's diagonal, GPa\n")
        table.to_csv(stream, index=False, float_format="%.6g")


if __name__ == "__main__":
    main()
