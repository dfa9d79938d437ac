"""The shipped labels and potentials of Li3InCl6: whole, fitting together, told by their tables."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from shipped import check_sums, places_named

from haven.labels.audit import Limits, audit
from haven.labels.frames.reading import read_folder
from haven.material.file import load_material
from haven.potential.families import check_ensemble

MOST_BYTES = 8_000_000


@pytest.fixture(scope="module")
def study(repository):
    return repository / "assets" / "study" / "li3incl6"


@pytest.fixture(scope="module")
def material(repository):
    return load_material(repository / "assets" / "materials" / "li3incl6.yml")


def test_every_file_has_its_checksum_and_all_are_small(study):
    assert sum((study / name).stat().st_size for name in check_sums(study)) < MOST_BYTES


def test_no_file_names_a_place_of_the_machine_that_made_it(study):
    text = (study / "report.html").read_text(encoding="utf-8")
    assert "Li3InCl6" in text or "Li₃InCl₆" in text
    assert not places_named(study)


def test_the_labels_are_sound_and_of_one_setting(study, material):
    frames = [frame for place in ("frames", "explored")
              for frame in read_folder(study / place, 0.0, material.species)]
    assert len(frames) > 30 and not any(audit(frames, Limits()))
    assert {tuple(np.unique(f.atoms.get_chemical_symbols(), return_counts=True)[1] * 20
                  // len(f.atoms)) for f in frames} == {(12, 2, 6)}
    for frame in frames:
        assert frame.info["functional"] == "PBE" and frame.info["converged"]
        assert frame.info["plane_wave_cutoff_ev"] == 340
        later = frame.trajectory.startswith("x1_s1")  # of a learning round, which adds D3(BJ)
        assert frame.info.get("dispersion") == ("d3bj" if later else None)
        assert np.abs(frame.forces.sum(axis=0)).max() < 0.05 and frame.stress is not None
    assert not list(study.rglob("*.failed.extxyz"))


def test_the_potentials_know_the_crystal_and_fit_their_checksums(study, material):
    paths = sorted((study / "models").glob("u0_s*.pb"))
    check_ensemble(paths, material.species, 0)
    assert len(paths) == 2
    names = {path.name.split(".")[0] for place in ("frames", "explored")
             for path in (study / place).iterdir()}
    for path in paths:
        about = json.loads(path.with_suffix(".potential.json").read_text())
        assert about["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert about["type_map"] == list(material.species)
        assert set(about["test_trajectories"]) <= names


def test_held_out_snapshots_of_dynamics_are_as_good_as_those_trained_on(study):
    table = pd.read_csv(study / "errors.csv")
    table = table[table["origin"] == "substituted"]
    mean = table.groupby(["potential", "subset"])["force_rmse_ev_per_angstrom"].apply(
        lambda one: float(np.sqrt((one**2).mean()))).unstack()
    assert len(mean) == 2 and (mean["test"] < 0.07).all()
    assert (mean["test"] / mean["train"]).between(0.7, 1.4).all()


def test_potentials_err_on_held_out_snapshots_of_their_own_dynamics_as_on_others(study, material):
    table = pd.read_csv(study / "errors.csv")
    hot = table[table["origin"] == "dynamics"]
    frames = read_folder(study / "explored", 0.0, material.species)
    assert len(hot) == 2 * len(frames) and set(hot["subset"]) == {"train", "test", "new"}
    assert {frame.info["temperature_k"] for frame in frames} == {500, 700, 900}
    error = hot.groupby(["potential", "subset"])["force_rmse_ev_per_angstrom"].apply(
        lambda one: float(np.sqrt((one**2).mean()))).unstack()
    assert len(error) == 2 and error.to_numpy().max() < 0.07
    assert (error["test"] < 1.3 * error["train"]).all()


def test_the_answer_is_what_the_files_say(study, repository):
    script = repository / "tests" / "bench" / "li3incl6_table.py"
    done = subprocess.run([sys.executable, script, "."], cwd=study, capture_output=True, text=True,
                          check=True)
    assert done.stdout == (study / "answer.md").read_text(encoding="utf-8")
    assert "OBELiX, entry de5" in done.stdout and "| 650 | d_self |" in done.stdout


def test_runs_are_stable_and_a_number_stands_with_its_interval(study):
    runs = pd.read_parquet(study / "tables" / "runs.parquet")
    assert set(runs["temperature_k"]) == {500, 550, 600, 650}
    assert sorted(runs["verdict"]) == ["not_stationary"] * 2 + ["stable"] * 6
    assert (runs["pressure_gpa"].abs() < 0.2).all()
    table = pd.read_parquet(study / "tables" / "arrhenius.parquet")
    row = table[table["quantity"] == "sigma_self"].iloc[0]
    assert row["temperatures"] == 3 and row["not_diffusive"].startswith("500 K")
    assert row["sigma_298_low_95"] < row["sigma_298_ms_per_cm"] < row["sigma_298_high_95"]


def test_jumps_of_every_run_and_barriers_of_every_cell_are_there(study):
    jumps = pd.read_parquet(study / "tables" / "hops.parquet")
    assert len(jumps.groupby(["temperature_k", "replica"])) == 8
    bands = pd.read_parquet(study / "tables" / "barriers.parquet")
    bands = bands.drop_duplicates(["replica", "path"])
    sound = bands[(bands["flag"] == "") & bands["converged"]]
    assert sorted(sound["direction"]) == sorted(["[010]", "[101]", "[110]"] * 2)
    assert sound["barrier_ev"].between(0.3, 0.7).all()
