"""What the page turns: in which cell the host about the tracks stands."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ase import Atoms
from ase.io import write

from haven.dynamics.cell import COMPONENTS
from haven.report.page.scenes import scenes

NAMES = ("network", "hops", "density_grid", "diffusion", "band_atoms", "barriers", "structures")


@pytest.mark.parametrize("verdicts, side", [
    (("complete", "too short"), 6.2), (("complete", "ran away"), 6.0), (("ran away",) * 2, 5.0)])
def test_the_host_stands_in_the_mean_cell_of_the_replicas_that_came_to_rest(
    tmp_path, verdicts, side
):
    """As the run's dynamics did, whose own replica need not have given a cell."""
    host = tmp_path / "r2.supercell.extxyz"
    write(host, Atoms("Cl", scaled_positions=[[0.5, 0.5, 0.5]], cell=[5.0] * 3, pbc=True))
    keys = {"u_ev": 4.0, "temperature_k": 600.0, "seed": 1}
    cells = pd.DataFrame([
        {**keys, "replica": replica, "verdict": verdict,
         **dict.fromkeys(COMPONENTS, 0.0), "ax_angstrom": long, "by_angstrom": long,
         "cz_angstrom": long}
        for replica, (long, verdict) in enumerate(zip((6.0, 6.4), verdicts, strict=True))])
    tracks = pd.DataFrame([
        {**keys, "replica": 2, "ion": 0, "time_ps": time, "x_angstrom": 1.0 + time,
         "y_angstrom": 1.0, "z_angstrom": 1.0, "displacement_angstrom": time, "layer": 0,
         "site": "4h"} for time in (0.0, 1.0)])
    empty = {name: pd.DataFrame({"species": pd.Series(dtype=str)}) for name in NAMES}
    found = scenes({**empty, "cells": cells, "tracks": tracks}, [host])
    scene = next(one for one in found if one["kind"] == "tracks")
    lattice = np.array(scene["lattice"], float).reshape(3, 3)
    assert lattice == pytest.approx(np.eye(3) * side)
    places = np.array(scene["places"], float).reshape(-1, 3)
    assert (np.abs(places / side % 1 - 0.5) < 0.02).all()
