"""First-principles trajectories judged: energy kept, steps whole, cost, beside the potential."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from ase.io import iread, write
from test_aimd import Emt, go

from haven.core import tables
from haven.core.errors import HavenError
from haven.cost import rows
from haven.cost import rows as cost
from haven.labels import aimd, aimd_checks
from haven.labels.audit import Limits, audit
from haven.report.figures import structure as figures_aimd


@pytest.fixture(scope="module")
def trajectory(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "whole"
    go(folder, Emt(), 60)
    path = folder / "aimd_t300_r0.u4.extxyz"
    path.write_bytes((folder / aimd.FRAMES).read_bytes())
    return path


def test_energy_follows_the_work_of_the_forces_and_frames_are_accepted(trajectory):
    frames = aimd_checks.read_run(trajectory, 4.0, ["Cu"])
    assert len(frames) == 61 and aimd_checks.read_run(trajectory, 0.0, ["Cu"]) == []
    away = aimd_checks.imbalance(frames)
    swing = np.ptp([1000 * f.energy / 4 for f in frames])
    assert away[0] == 0 and np.abs(away).max() < 0.02 * swing
    assert audit(frames, Limits()) == [""] * 61
    rows = aimd_checks.verdict_rows(frames, "m", "u4_t300_r0_aimd")
    assert [row["passed"] for row in rows] == [True] * 3


def test_forces_of_another_engine_do_not_keep_the_energy(trajectory):
    frames = aimd_checks.read_run(trajectory, 4.0, ["Cu"])
    for frame in frames:
        frame.forces[:] *= 0.8
    assert np.abs(aimd_checks.imbalance(frames)).max() > 1.0
    row = aimd_checks.verdict_rows(frames, "m", "s")[1]
    assert not row["passed"] and row["value"] > row["limit"]


def test_a_step_twice_or_not_there_is_named(trajectory, tmp_path):
    images = list(iread(trajectory))
    write(tmp_path / "gap.u4.extxyz", images[:5] + images[6:])
    with pytest.raises(HavenError, match="step 6 follows step 4"):
        aimd_checks.read_run(tmp_path / "gap.u4.extxyz", 4.0, ["Cu"])


def test_the_cost_is_the_mean_step_and_the_base_of_the_ratio(trajectory):
    frames = aimd_checks.read_run(trajectory, 4.0, ["Cu"])
    frames[0].info["cpu_s"], frames[9].info["cpu_s"] = 100.0, 6.1
    (row,) = rows.aimd_rows(frames, "m", 4.0)
    assert row["seconds_per_step"] == pytest.approx(0.2) and row["steps"] == 60
    assert "2 fs" in row["model"] and "1 SCF steps" in row["model"]
    label = cost.row("m", 4.0, "label", 40.0, 20, 1, 30, engine="e", model="single", device="d")
    fast = cost.row("m", 4.0, "dlmd", 1e-3, 100, 1, 30, engine="e", model="net", device="d")
    assert cost.add_ratios([row, label, fast])[2]["ratio_to_aimd"] == pytest.approx(0.05 / 1e-5)
    assert cost.add_ratios([label, fast])[1]["ratio_to_aimd"] == pytest.approx(2.0 / 1e-5)
    assert rows.aimd_rows([], "m", 4.0) == []


def test_the_range_holds_95_percent_of_runs_as_long(rng):
    r, runs = np.arange(400) * 0.01, rng.normal(5, 1, size=(11, 400))
    half = 2.262 * runs[:10].std(axis=0, ddof=1) / np.sqrt(10)
    mean = runs[:10].mean(axis=0)
    rows = [{"source": s, "r_angstrom": x, "g": g, "g_high_95": h} for s, gs, hs in (
        ("dlmd_cell", mean, mean + half), ("aimd", runs[10], runs[10] + 0.1))
        for x, g, h in zip(r, gs, hs, strict=True)]
    share = figures_aimd.inside(figures_aimd.beside(pd.DataFrame(rows)))
    assert 0.92 < share < 0.98
    for row in rows:
        row["g"] += 3 * (row["source"] == "aimd")
    assert figures_aimd.inside(figures_aimd.beside(pd.DataFrame(rows))) < 0.5


def test_the_script_writes_rdf_and_verdicts_of_a_trajectory(repository, tmp_path):
    from analyse_structure import main

    path = sorted((repository / "assets" / "aimd" / "li3ticl6").glob("*.u4.extxyz"))[0]
    main(["--material", str(repository / "assets/materials/li3ticl6.yml"), "--trajectory",
          str(path), "--u_ev", "4", "--temperature_k", "298", "--source", "aimd", "--out",
          str(tmp_path)])
    rows = tables.read("verdicts", tmp_path / "u4_t298_r0_aimd.verdicts.parquet")
    assert set(rows["check"]) == {"temperature", "energy against work of the forces",
                                  "labels accepted"}
    assert rows["passed"][rows["check"] != "energy against work of the forces"].all()
    assert set(tables.read("rdf", tmp_path / "u4_t298_r0_aimd.rdf.parquet")["source"]) == {"aimd"}
