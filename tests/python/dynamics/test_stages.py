"""The anneal and the run at constant pressure with the real LAMMPS: kills, the cell, breakdowns."""

from __future__ import annotations

import numpy as np
import pytest
from ase.io import read
from trained import ROOT, call, kill_when, script

from haven.core import tables
from haven.core.columns import VERDICTS
from haven.dynamics import cell
from haven.dynamics.runs.run import restarts
from haven.dynamics.tables import ANNEALS, CELLS, INHERENT, RUNS

POTENTIAL = ROOT / "assets" / "models" / "small" / "u4_s1.pb"
GPA = 1.5  # of labels without dispersion, at which the cell is near the experiment's
LENGTH_PS = 2.0
STAGES = {  # script: its own options, and what it leaves
    "anneal.py": (["--anneal_ps", LENGTH_PS, "--anneal_temperature_k", 400],
                  "u4_r0.annealed.extxyz"),
    "equilibrate_cell.py": (["--cell_ps", LENGTH_PS, "--temperature_k", 300],
                            "u4_t300_r0.cells.parquet"),
}


@pytest.fixture(scope="module")
def minimised(tmp_path_factory):
    folder = tmp_path_factory.mktemp("start")
    for name, more in (("build_supercell.py", ["--supercell", "1,1,2"]),
                       ("minimise.py", ["--structure", folder / "r0.supercell.extxyz",
                                        "--potential", POTENTIAL, "--u_ev", 4])):
        done = call(name, *more, "--out", folder)
        assert done.returncode == 0, done.stderr
    return folder / "u4_r0.minimised.extxyz"


def arguments(name, structure, out, *more):
    return ["--structure", structure, "--potential", POTENTIAL, "--u_ev", 4, "--timestep_fs", 2,
            *STAGES[name][0], "--out", out, "--checkpoint_dir", out / "checkpoints",
            "--checkpoint_minutes", 0.001, "--pressure_gpa", GPA, *more]


@pytest.mark.parametrize("name", STAGES)
def test_a_killed_stage_goes_on_and_misses_nothing(name, minimised, tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    done = call(name, *arguments(name, minimised, whole))
    assert done.returncode == 0, done.stderr

    def ready():
        return any(40 <= one.step < 400 for folder in killed.glob("checkpoints/*")
                   for one in restarts(folder, "production")[0])

    assert kill_when(script(name, *arguments(name, minimised, killed)), ready)
    again = call(name, *arguments(name, minimised, killed))
    assert again.returncode == 0 and "goes on from step" in again.stderr, again.stderr
    if name == "anneal.py":
        ends = [read(out / STAGES[name][1]) for out in (whole, killed)]
        assert ends[1].info["annealed"] == ends[0].info["annealed"] == "not settled"
        lines = [tables.read(INHERENT, out / "u4_r0_anneal.inherent.parquet")
                 for out in (whole, killed)]
        np.testing.assert_allclose(lines[1]["time_ps"], lines[0]["time_ps"])
        apart = np.abs(lines[1]["inherent_energy_ev"] - lines[0]["inherent_energy_ev"])
        # single precision and chaos: after the restart the runs part, but stay of one kind
        assert apart.iloc[:4].max() < 2e-3 and apart.max() < 1.0
        row = tables.read(ANNEALS, killed / "u4_r0.anneals.parquet").iloc[0]
        assert row["duration_ps"] == pytest.approx(LENGTH_PS) and row["verdict"] != "settled"
    else:
        rows = [tables.read(CELLS, out / STAGES[name][1]).iloc[0] for out in (whole, killed)]
        for column in (*cell.COMPONENTS, "volume_angstrom3", "pressure_gpa"):
            near = {"volume_angstrom3": 25, "pressure_gpa": 0.3}.get(column, 0.2)
            assert rows[1][column] == pytest.approx(rows[0][column], abs=near), column


def test_a_monoclinic_cell_is_at_rest_in_the_dynamics_that_keep_it(minimised, tmp_path):
    done = call("equilibrate_cell.py", *arguments("equilibrate_cell.py", minimised, tmp_path,
                                                  "--cell_ps", 4, "--checkpoint_minutes", 5))
    assert done.returncode == 0, done.stderr
    row = tables.read(CELLS, tmp_path / "u4_t300_r0.cells.parquet").iloc[0]
    assert row["verdict"] in cell.USABLE, row["verdict"]
    assert (row["bx_angstrom"], row["cy_angstrom"]) == (0, 0) and row["cx_angstrom"] < -1
    done = call("run_dynamics.py", "--structure", minimised, "--potentials",
                POTENTIAL, "--u_ev", 4, "--temperature_k", 300, "--cells",
                tmp_path / "u4_t300_r0.cells.parquet", "--pressure_gpa", GPA, "--timestep_fs", 2,
                "--equilibration_ps", 0.5, "--production_ps", 3, "--dump_ps", 0.02,
                "--all_every", 5, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    run = tables.read(RUNS, tmp_path / "u4_t300_r0.runs.parquet").iloc[0]
    assert run["cell"] == "npt" and run["pressure_asked_gpa"] == GPA
    assert abs(run["pressure_gpa"] - GPA) <= 0.2 + 2 * run["pressure_error_gpa"]
    assert 0 < run["pressure_error_gpa"] < 0.3
    said = tables.read(VERDICTS, tmp_path / "u4_t300_r0.verdicts.parquet").set_index("check")
    assert said.loc["pressure", "passed"] and not said.loc["annealed start", "passed"]
    assert {"stationary", "walls"} <= set(said.index)


def test_a_pressure_that_runs_away_is_one_clear_line_and_no_dynamics(minimised, tmp_path):
    done = call("equilibrate_cell.py", *arguments("equilibrate_cell.py", minimised, tmp_path,
                                                  "--pressure_gpa", 100))
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    assert "no dynamics, no number" in done.stderr
    row = tables.read(CELLS, tmp_path / "u4_t300_r0.cells.parquet").iloc[0]
    assert row["verdict"] not in cell.USABLE
    done = call("run_dynamics.py", "--structure", minimised, "--potentials",
                POTENTIAL, "--u_ev", 4, "--temperature_k", 300, "--cells",
                tmp_path / "u4_t300_r0.cells.parquet", "--pressure_gpa", 100, "--out", tmp_path)
    assert done.returncode == 2 and "no cell at rest" in done.stderr
    assert done.stderr.count("haven: error:") == 1 and "Traceback" not in done.stderr
    assert not list(tmp_path.glob("*.npz"))


@pytest.mark.parametrize(("name", "wrong", "said"), [
    ("anneal.py", ["--anneal_ps", -1], "--anneal_ps is -1"),
    ("anneal.py", ["--cell", "cubic"], "--cell is cubic"),
    ("anneal.py", ["--pressure_gpa", "nan"], "--pressure_gpa is nan"),
    ("equilibrate_cell.py", ["--cell_ps", 0], "--cell_ps is 0"),
    ("equilibrate_cell.py", ["--cell_ps", 0.001], "production_ps"),
    ("equilibrate_cell.py", ["--pressure_gpa", -50], "--pressure_gpa is -50"),
    ("equilibrate_cell.py", ["--temperature_k", 0], "temperature_k is 0"),
])
def test_a_bad_option_is_one_clear_line(name, wrong, said, minimised, tmp_path):
    done = call(name, *arguments(name, minimised, tmp_path, *wrong))
    assert done.returncode == 2 and said in done.stderr, done.stderr
    assert done.stderr.count("haven: error:") == 1 and "Traceback" not in done.stderr
