"""Labelled frames as other programs keep them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np


def write_deepmd(
    folder: Path, frames: list[Any], names: list[str], virials: bool = True, kind: str = "npy",
) -> Path:
    """Write frames of equal atoms as a deepmd/npy or lmdb folder, as dpdata does; return it."""
    import dpdata

    symbols = frames[0].get_chemical_symbols()
    data = {
        "atom_names": names, "atom_numbs": [symbols.count(s) for s in names],
        "atom_types": np.array([names.index(s) for s in symbols]), "orig": np.zeros(3),
        "cells": np.array([a.cell.array for a in frames]),
        "coords": np.array([a.positions for a in frames]),
        "energies": np.array([a.get_potential_energy() for a in frames]),
        "forces": np.array([a.get_forces() for a in frames]),
    }
    if virials:
        data["virials"] = np.array([-a.get_stress(voigt=False) * a.get_volume() for a in frames])
    more = {"prec": np.float64} if kind == "npy" else {}
    dpdata.LabeledSystem(data=data).to(f"deepmd/{kind}", str(folder), **more)
    return folder
