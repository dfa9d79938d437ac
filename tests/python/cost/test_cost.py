"""Costs: arithmetic of the table, what a potential says of itself, timing where LAMMPS is."""

from __future__ import annotations

import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest
from analytic import crystal
from ase.build import bulk
from ase.io import read, write
from report_tables import write_study

from haven.core import tables
from haven.core.errors import HavenError
from haven.cost import rows as cost
from haven.cost import scaling, timing
from haven.cost.tables import COST, SCALING
from haven.dynamics.lammps import program as lammps
from haven.potential.families.deepmd import summary
from haven.report.page.grids.cost import scaling_grid


@pytest.mark.parametrize(("device", "cores", "hours"), [
    ("processor", 1, 0.01), ("processor", 2, 0.02), ("GPU NVIDIA H200", 1, 0.01),
    ("GPU NVIDIA H200", 4, 0.01)])
@pytest.mark.parametrize("method", ["dlmd", "training"])
def test_ten_picoseconds_cost_the_hours_of_each_core_or_of_the_gpu(method, device, cores, hours):
    row = cost.row("m", 4.0, method, 0.36, 100, cores, 50, device, engine="e", model="net",
                   compressed=True)
    assert row["hours_10_ps_per_atom"] == pytest.approx(hours)
    said = {"study_atoms": 100.0, "study_duration": 0.01 * 8766, "study_runs": 1.0}
    text = cost.published_study(pd.DataFrame([{**row, "method": "dlmd"}]), said, "a study")[0]
    assert f"would take {100 * hours:.2g} {cost.hours_of(device)}-years" in text


def test_the_label_row_is_the_median_of_its_size(tmp_path):
    labels = tables.read("labels", write_study(tmp_path) / "study.labels.parquet")
    labels.loc[labels["u_ev"] == 4, "wall_s"] = [100.0] * 5 + [180.0] + [900.0] * 6
    rows = cost.label_rows(labels, "li3ticl6", 4.0)
    assert len(rows) == 1
    assert rows[0]["seconds_per_step"] == pytest.approx(540.0)
    assert rows[0]["seconds_per_atom_step"] == pytest.approx(27.0)
    assert rows[0]["hours_10_ps_per_atom"] == pytest.approx(27.0 * 1e4 / 3600)
    assert "median of 12, 40 SCF steps" in rows[0]["model"]


def test_labels_without_a_time_give_no_row(tmp_path):
    labels = tables.read("labels", write_study(tmp_path) / "study.labels.parquet")
    assert cost.label_rows(labels.assign(wall_s=np.nan), "li3ticl6", 4.0) == []


def test_the_ratio_is_of_core_hours_to_the_largest_cell_labelled_often():
    def row(method, atoms, seconds, steps=10, cores=1, u=4.0):
        return cost.row("m", u, method, seconds, atoms, cores, steps, engine="e", model="m",
                        compressed=None, device="d")

    rows = [row("aimd", 20, 100.0), row("aimd", 40, 400.0), row("aimd", 80, 9000.0, steps=1),
            row("dlmd", 160, 0.016), row("dlmd", 160, 0.008, cores=2), row("training", 1, 0.1),
            row("dlmd", 160, 0.016, u=0.0)]
    ratios = [r["ratio_to_aimd"] for r in cost.add_ratios(rows)]
    assert ratios[1] == 1.0
    assert ratios[3] == ratios[4] == pytest.approx(10.0 / 1e-4)
    assert ratios[5] is None, "a training step has no counterpart"
    assert ratios[6] is None, "labels of another U are no base"


def test_the_rows_fit_the_table(tmp_path):
    rows = cost.add_ratios([cost.row("m", 4.0, "dlmd", 0.01, 160, 1, 50, engine="e", model="m",
                                     compressed=True, device="d")])
    back = tables.read("cost", tables.write(COST, rows, tmp_path / "u4.cost.parquet"))
    assert back["hours_10_ps_per_atom"].item() == pytest.approx(0.01 * 1e4 / 3600 / 160)


@pytest.mark.parametrize(("atoms", "wanted", "count"), [
    (160, 160, (1, 1, 1)), (160, 1280, (2, 2, 2)), (20, 160, (2, 2, 2)), (160, 1, (1, 1, 1)),
    (160, 20000, (5, 5, 5)), (20, 40, (1, 1, 2))])
def test_a_cell_is_repeated_to_the_nearest_size(atoms, wanted, count):
    assert timing.replicas(atoms, wanted) == count


def test_a_frozen_potential_says_its_network_precision_and_compression(tmp_path):
    script = {"model": {"descriptor": {"neuron": [32, 64, 128], "rcut": 7.0,
                                       "precision": "float64"},
                        "fitting_net": {"neuron": [256, 256, 256]}}}
    path = tmp_path / "a.pb"
    path.write_bytes(b"\x0a\x00training_script" + json.dumps(script).encode() + b"\x12\x01\x00"
                     b"compressed_model")
    about = summary.summarise(path)
    assert about.model == "32-64-128 / 256-256-256, cutoff 7 Å, float64"
    assert about.compressed is True
    path.write_bytes(b"something else")
    assert summary.summarise(path) == summary.Summary("a.pb", None)


def test_training_seconds_come_from_what_was_recorded(tmp_path):
    about = {"u_ev": 4.0, "wall_s": 150.0, "threads": 1, "resumed_from_step": 500,
             "backend": "tensorflow", "versions": {"deepmd-kit": "3.2.0"},
             "settings": {"training_steps": 2000, "batch_size": 1, "embedding": [10, 20, 40],
                          "fitting": [64, 64, 64], "cutoff_angstrom": 6.0,
                          "precision": "float32"}}
    (tmp_path / "u4_s1.potential.json").write_text(json.dumps(about))
    (row,) = cost.training_rows(tmp_path, "li3ticl6", 4.0)
    assert row["seconds_per_step"] == pytest.approx(0.1)
    assert (row["steps"], row["device"]) == (1500, "processor")
    assert cost.training_rows(tmp_path, "li3ticl6", 0.0) == []
    about["device"] = "GPU NVIDIA H200"
    (tmp_path / "u4_s1.potential.json").write_text(json.dumps(about))
    assert cost.training_rows(tmp_path, "li3ticl6", 4.0)[0]["device"] == "GPU NVIDIA H200"


def test_on_a_gpu_wall_time_counts(tmp_path, monkeypatch):
    """The processor waits for it: its own time would be too short."""
    monkeypatch.setattr(timing, "time_dynamics", lambda *_: (0.5, 10, 0.4))
    monkeypatch.setattr(timing, "processor", lambda: "a processor")
    monkeypatch.setattr(lammps, "find_executable", lambda: tmp_path / "lmp")
    (tmp_path / "a.pth").write_bytes(b"")
    cell = bulk("NaCl", "rocksalt", a=5.6, cubic=True)
    rows = [timing.dynamics_rows("m", 4.0, [tmp_path / "a.pth"], cell, [8], [1], 10, tmp_path,
                                 card=card)[0] for card in ("GPU NVIDIA H200", None)]
    assert [(row["device"], row["seconds_per_step"]) for row in rows] == [
        ("GPU NVIDIA H200", 0.5), ("a processor, shared: processor time", 0.2)]


def test_a_potential_that_lammps_cannot_run_is_named_with_its_reason(tmp_path):
    try:
        lammps.find_executable()
    except HavenError:
        pytest.skip("LAMMPS is not installed")
    bad = tmp_path / "bad.pb"
    bad.write_bytes(b"no graph")
    with pytest.raises(HavenError, match=r"timing bad\.pb with 8 atoms failed"):
        timing.time_dynamics(bad, bulk("NaCl", "rocksalt", a=5.6, cubic=True), 5, 1,
                             tmp_path / "run")


def test_a_potential_in_a_folder_with_a_space_is_timed(tmp_path, repository):
    folder = tmp_path / "a b"
    folder.mkdir()
    shutil.copy(repository / "assets" / "models" / "u4_s1.pb", folder)
    seconds, steps, _ = timing.time_dynamics(folder / "u4_s1.pb", crystal(1), 4, 1, folder / "run")
    assert seconds > 0 and steps == 4


def test_the_published_study_is_scaled_from_the_largest_cell_timed():
    rows = [cost.row("m", 4.0, "dlmd", 0.016, 160, 1, 50, engine="e", model="net",
                     compressed=True, device="d"),
            cost.row("m", 4.0, "dlmd", 0.256, 1280, 1, 50, engine="e", model="net",
                     compressed=True, device="d")]
    said = {"study_atoms": 20000.0, "study_duration": 5.5, "study_runs": 12.0}
    (text,) = cost.published_study(pd.DataFrame(rows), said, "Selvaraj 2024")
    years = 2e-4 * 20000 * 5.5e6 * 12 / 3600 / 8766
    assert f"would take {years:.2g} core-years" in text
    assert "1280 atoms" in text and "the dynamics of Selvaraj 2024 (12 runs" in text
    (text,) = cost.published_study(
        pd.DataFrame(rows).assign(device="GPU NVIDIA H200"), said, "Selvaraj 2024")
    assert f"{years:.2g} GPU-years" in text
    assert cost.published_study(pd.DataFrame(rows), {}, "") == []


def test_sizes_that_are_no_numbers_are_refused(tmp_path):
    import measure_cost

    with pytest.raises(HavenError, match="--cost_atoms is many"):
        measure_cost.main(["--material", "m", "--structure", "s", "--potential", "p", "--u_ev",
                           "4", "--cost_atoms", "many"])


def test_a_trained_potential_is_timed_beside_its_labels(tmp_path, repository):
    from trained import call, trained

    frame = sorted((repository / "assets" / "frames" / "li3ticl6").glob("*.u4.extxyz"))[0]
    write(tmp_path / "start.extxyz", read(frame, index=0))
    done = call("measure_cost.py", "--structure", tmp_path / "start.extxyz", "--potential",
                trained() / "u4_s1.pb", "--u_ev", 4, "--tables", trained(), "--cost_atoms",
                "20,40,160", "--cost_steps", 20, "--cost_limit_s", 30, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    rows = tables.read("cost", tmp_path / "u4.cost.parquet")
    timed = rows[rows["method"] == "dlmd"]
    least = timed["atoms"].min()
    assert sorted(timed["atoms"] / least) == [1, 2, round(160 / least)]
    assert (timed["seconds_per_step"] > 0).all()
    assert timed["compressed"].all()
    assert timed["model"].str.contains("4-8 / 16-16, cutoff 5 Å, float64").all()
    training = rows[rows["method"] == "training"]
    assert len(training) == 1
    grown = tables.read("scaling", tmp_path / "u4.scaling.parquet").iloc[0]
    assert grown["sizes"] == 3 and grown["exponent_low_95"] < grown["exponent"]


def timed(atoms, seconds, **more):
    return {**cost.row("m", 4.0, "dlmd", seconds, atoms, 1, 50, engine="e", model="net",
                       compressed=True, device="d"), **more}


def test_a_straight_line_and_a_power_law_come_back_exactly():
    sizes = np.array([160, 1280, 5000, 20000])
    line = scaling.fit_scaling(sizes, 0.01 + 2e-4 * sizes)
    assert line["overhead"] == pytest.approx((0.01,) * 3)
    assert line["slope"] == pytest.approx((2e-4,) * 3)
    power = scaling.fit_scaling(sizes, 3e-5 * sizes**1.2)
    assert power["exponent"] == pytest.approx((1.2,) * 3)


def test_the_intervals_hold_the_truth_as_often_as_they_say(rng):
    sizes = np.array([160, 480, 1280, 5000, 20000])
    held = []
    for _ in range(400):
        times = (0.02 + 2e-4 * sizes) * (1 + 0.03 * rng.standard_normal(5))
        found = scaling.fit_scaling(sizes, times)
        held.append([low < true < high for (_, low, high), true in
                     ((found["overhead"], 0.02), (found["slope"], 2e-4))])
    share = np.mean(held, axis=0)
    assert (share > 0.92).all() and (share < 0.98).all(), share


def test_each_network_timed_at_three_sizes_has_its_row(tmp_path):
    sizes = (160, 1280, 20000)
    rows = [timed(n, 2e-4 * n * wiggle) for n, wiggle in zip(sizes, (1.05, 1, 1.02), strict=True)]
    rows[1]["device"] = "d, shared: processor time"
    rows += [timed(n, 1e-4 * n**1.3, compressed=False) for n in sizes]
    rows += [timed(n, 1e-4 * n, model="two sizes only") for n in sizes[:2]]
    rows.append({**timed(20, 50.0), "method": "aimd"})
    tables.write(SCALING, scaling.rows(rows), tmp_path / "u4.scaling.parquet")
    found = tables.read("scaling", tmp_path / "u4.scaling.parquet")
    shown = scaling_grid({"scaling": found})
    assert shown is not None and shown["rows"][0][4] == "3: 160 to 20000"
    assert re.match(r"[01]\.\d+ \[[01]\.\d+, 1\.\d+\]$", shown["rows"][0][5])
    assert shown["rows"][0][-1] == "linear" and scaling_grid({"scaling": found[:0]}) is None
    found = found.set_index("compressed")
    assert list(found["verdict"]) == ["linear", "superlinear"]
    assert found.loc[True, "sizes"] == 3 and found.loc[True, "device"] == "d"
    assert (found["atoms_least"] == 160).all() and (found["atoms_most"] == 20000).all()
    assert found.loc[False, "exponent"] == pytest.approx(1.3)
