"""The shipped first-principles trajectories: whole, as their card says, apart from the labels."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from haven.labels.aimd_checks import read_run

FOLDER = Path(__file__).parents[3] / "assets" / "aimd" / "li3ticl6"
FILES = sorted(FOLDER.glob("*.extxyz"))


def test_checksums_are_those_of_the_files():
    lines = [line.split() for line in (FOLDER / "SHA256SUMS").read_text().splitlines()]
    assert {name for _, name in lines} == {p.name for p in FOLDER.iterdir()} - {
        "README.md", "SHA256SUMS"}
    for digest, name in lines:
        assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == digest, name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_step_is_a_converged_label_of_the_settings_of_the_data_set(path):
    u_ev = float(path.name.split(".u")[1].split(".")[0])
    frames = read_run(path, u_ev, ["Li", "Ti", "Cl"])
    assert len(frames) > 150 and frames[0].number == 0
    for frame in frames:
        info = frame.info
        assert info["converged"] and info["functional"] == "PBE" and info["temperature_k"] == 298
        assert info["smearing_ev"] == (0.1 if u_ev else 0.025)
        assert info["plane_wave_cutoff_ev"] == 340 and list(info["kpoints"]) == [2, 1, 2]
        assert np.abs(frame.forces.sum(axis=0)).max() < 0.2
    shipped = {p.name for p in (FOLDER.parents[1] / "frames" / "li3ticl6").glob("*.extxyz")}
    assert path.name not in shipped, "it must not train the potential it is compared with"
