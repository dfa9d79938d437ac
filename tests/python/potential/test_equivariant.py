"""Equivariant potentials: what DeePMD-kit is asked for, and one trained, compiled and run."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ase import Atoms
from trained import ROOT, call, kill_when, script, trained

from haven.core.errors import HavenError
from haven.core.identity import sha256
from haven.dynamics.lammps import program as lammps
from haven.material import structures
from haven.potential import curve as learning
from haven.potential import dataset
from haven.potential import training as potential
from haven.potential.families.deepmd import files as weights
from haven.potential.families.deepmd import input as training_input
from haven.potential.families.deepmd import settings, train
from haven.potential.families.deepmd.start import choose_start
from haven.potential.families.deepmd.summary import trained_network

SHIPPED = ROOT / "assets" / "models" / "dpa4"
SETTINGS = settings.DeepmdSettings(descriptor="dpa4")
INSTALLED = all(importlib.util.find_spec(name) for name in weights.PACKAGES)
real = pytest.mark.skipif(not INSTALLED, reason="PyTorch is not installed: HAVEN_PYTORCH=yes "
                          "./haven test installs it")


def test_the_input_holds_what_the_settings_say():
    settings = replace(SETTINGS, degree=3, channels=48, blocks=4, cutoff_angstrom=5.5, seed=7,
                       prefactors=((1, 2), (3, 4), (5, 6)))
    content = training_input.make_input(settings, ["Li", "Cl"], [4, 8], ["a"], ["b"], True)
    descriptor = content["model"]["descriptor"]
    assert content["model"]["type"] == "dpa4" and content["model"]["type_map"] == ["Li", "Cl"]
    assert {"lmax": 3, "channels": 48, "n_blocks": 4, "rcut": 5.5, "seed": 7}.items() <= (
        descriptor.items())
    assert "sel" not in descriptor
    assert {"start_pref_f": 3, "limit_pref_f": 4, "limit_pref_v": 6}.items() <= (
        content["loss"].items())
    assert training_input.make_input(settings, ["Li", "Cl"], [4, 8], ["a"], ["b"], False)[
        "loss"]["limit_pref_v"] == 0
    assert content["training"]["training_data"]["systems"] == ["a"]


def test_each_descriptor_is_described_by_its_own_settings():
    invariant, equivariant = (training_input.described(s)
                              for s in (settings.DeepmdSettings(), SETTINGS))
    assert "channels" not in invariant and "embedding" not in equivariant
    assert set(invariant) | set(equivariant) == set(asdict(SETTINGS))
    data = {"sha256": "a", "type_map": ["Li", "Cl"]}
    key = potential.job_key(data, training_input.described(SETTINGS))
    other = replace(SETTINGS, embedding=(1,))
    assert key == potential.job_key(data, training_input.described(other))
    assert key != potential.job_key(data, training_input.described(replace(SETTINGS, channels=64)))


def test_a_curve_of_mean_errors_is_said_to_be_one(tmp_path):
    (tmp_path / "lcurve.out").write_text(
        "# step mae_e_val mae_e_trn mae_f_val mae_f_trn lr\n10 0.1 0.2 0.3 0.4 0.001\n")
    row, = learning.curve_rows(tmp_path / "lcurve.out", "x", 4.0, 1)
    assert row["measure"] == "mae" and row["force_error_train_ev_per_angstrom"] == 0.4
    assert row["energy_error_test_ev_per_atom"] == 0.1


@pytest.mark.parametrize(("change", "backend", "says"), [
    ({}, "tensorflow", "descriptor dpa4 is of the backend pytorch, not tensorflow"),
    ({"degree": 0}, "pytorch", "degree is 0: it must be from 1 to 6"),
    ({"blocks": 40}, "pytorch", "blocks is 40"),
])
def test_what_cannot_be_trained_is_refused(change, backend, says):
    content = dataset.load(trained() / "u4.dataset")
    with pytest.raises(HavenError, match=says):
        train.check_training(replace(SETTINGS, **change), content, ["Li", "Ti", "Cl"], 4.0, backend)


def test_a_package_that_is_missing_is_named():
    with pytest.raises(HavenError, match=r"no_such_package is missing: \./haven setup --pytorch"):
        weights.require_packages(("json", "no_such_package"))


def test_a_compiler_that_is_missing_is_named(monkeypatch):
    monkeypatch.setattr(weights.importlib.util, "find_spec", lambda name: name)
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(HavenError, match="no compiler no-such-compiler"):
        weights.require_packages()


def test_a_network_is_named_in_the_costs():
    about = training_input.described(SETTINGS)
    assert trained_network(about) == (
        "DPA4 of degree 2, 32 channels, 2 blocks, cutoff 6 Å, float32")
    about = training_input.described(settings.DeepmdSettings())
    assert trained_network(about) == "10-20-40 / 64-64-64, cutoff 6 Å, float32"


def test_weights_are_what_an_equivariant_training_starts_from(tmp_path, caplog):
    (tmp_path / "u4_s1.pb").write_bytes(b"x")
    with pytest.raises(HavenError, match=r"to start a network dpa4 from: name it u4_s1\.pt"):
        choose_start(tmp_path, 4.0, 1, ["Li"], "dpa4")
    for name in ("u4_s2.pt", "u4_s3.pt", "u40_s1.pt"):
        (tmp_path / name).write_bytes(b"x")
    assert choose_start(tmp_path, 4.0, 1, ["Li"], "dpa4").name == "u4_s2.pt"
    assert choose_start(tmp_path, 4.0, 3, ["Li"], "dpa4").name == "u4_s3.pt"
    assert not caplog.records
    assert choose_start(tmp_path, 0.0, 3, ["Li"], "dpa4").name == "u4_s3.pt"
    assert "no potential for U = 0 eV: weights start from another U" in caplog.text


def test_the_uncompressed_potential_of_the_same_u_is_started_from(tmp_path):
    for name in ("uncompressed_u0_s1.pt", "uncompressed_u4_s1.pt", "u4_s1.pt", "other_u4_s1.pt"):
        (tmp_path / name).write_bytes(b"x")
    for u_ev, name in ((4.0, "uncompressed_u4_s1.pt"), (0.0, "uncompressed_u0_s1.pt")):
        assert choose_start(tmp_path, u_ev, 1, ["Li"], "dpa4").name == name


def test_shipped_weights_say_what_they_were_trained_on():
    lines = [line.split() for line in (SHIPPED / "SHA256SUMS").read_text().splitlines()]
    names = {name for _, name in lines}
    assert names == {"accuracy.csv", *(p.name for p in SHIPPED.glob("u*"))}
    for digest, name in lines:
        assert sha256(SHIPPED / name) == digest, name
    weighed = sorted(SHIPPED.glob("*.pt"))
    assert {p.stem.split("_")[0] for p in weighed} == {"u0", "u4"}
    for path in weighed:
        about = json.loads((SHIPPED / f"{path.stem}.potential.json").read_text())
        assert about["weights_sha256"] == sha256(path)
        assert f"u{about['u_ev']:g}_s{about['settings']['seed']}" == path.stem
        assert not set(about["train_trajectories"]) & set(about["test_trajectories"])
        beside = json.loads((SHIPPED.parent / path.with_suffix(".potential.json").name).read_text())
        assert about["dataset_sha256"] == beside["dataset_sha256"], "other frames"


@real
@pytest.mark.parametrize("u_ev", [0, 4])
def test_shipped_weights_have_the_errors_they_are_shipped_with(tmp_path, u_ev):
    from haven.potential import accuracy
    from haven.potential.families.deepmd.compression import open_potential
    from haven.potential.families.deepmd.family import Opened
    from haven.potential.heldout import series_of

    built = call("build_dataset.py", "--frames", ROOT / "assets" / "frames" / "li3ticl6",
                 "--u_ev", u_ev, "--out", tmp_path)
    assert built.returncode == 0, built.stderr
    content = dataset.load(tmp_path / f"u{u_ev}.dataset")
    held = {**content, "systems": [s for s in content["systems"] if s["subset"] == "test"]}
    parts = series_of(Opened(open_potential(SHIPPED / f"u{u_ev}_s1.pt")), held)
    found = accuracy.accuracy_rows(parts["test"], accuracy.training_means(parts["test"]), 1)
    said = pd.read_csv(SHIPPED / "accuracy.csv").query("u_ev == @u_ev and seed == 1")
    said = said.set_index(["quantity", "species"])["rmse"]
    for row in found:
        if row["component"] == "all":
            assert row["rmse"] == pytest.approx(said[row["quantity"], row["species"]], rel=0.01)
    assert said["force", "all"] < 0.06


def arguments(folder: Path, out: Path) -> list[object]:
    return ["--dataset", folder / "u4.dataset", "--u_ev", 4, "--seed", 1, "--backend", "pytorch",
            "--descriptor", "dpa4", "--degree", 1, "--channels", 16, "--blocks", 1,
            "--cutoff_angstrom", 4, "--training_steps", 300, "--learning_rate_start", 0.005,
            "--learning_rate_stop", 1e-5, "--prefactors", "20,20,20,20,5,5",
            "--checkpoint_dir", out / "checkpoints", "--out", out]


@real
def test_one_is_killed_trained_compiled_tested_and_run(tmp_path):
    folder = trained()
    asked = arguments(folder, tmp_path)
    jobs = tmp_path / "checkpoints"
    assert kill_when(script("train_potential.py", *asked), lambda: any(
        train.checkpoints(job, "pytorch") for job in jobs.glob("*")))
    done = call("train_potential.py", *asked)
    assert done.returncode == 0, done.stderr
    about = json.loads((tmp_path / "u4_s1.potential.json").read_text())
    assert about["resumed_from_step"] > 0 and about["potential"] == "u4_s1.pt2"
    assert about["weights_sha256"] == sha256(tmp_path / "u4_s1.pt")
    assert about["settings"]["descriptor"] == "dpa4" and "embedding" not in about["settings"]
    tested = call("test_potential.py", "--dataset", folder / "u4.dataset", "--potential",
                  tmp_path / "u4_s1.pt2", "--u_ev", 4, "--out", tmp_path)
    assert tested.returncode == 0, tested.stderr
    rows = potential_rows(tmp_path)
    assert rows["rmse"] < 0.7 * rows["baseline_rmse"]

    # another training starts from the weights
    job, = jobs.iterdir()
    content = json.loads((job / "input.json").read_text())
    content["training"] |= {"numb_steps": 40, "save_ckpt": "further"}
    (job / "further.json").write_text(json.dumps(content))
    further = subprocess.run([sys.executable, "-m", "deepmd", "--pt", "train", "further.json",
                              "--init-model", tmp_path / "u4_s1.pt"], cwd=job, check=False,
                             capture_output=True, text=True)
    assert further.returncode == 0, further.stderr[-2000:]

    # the energy does not see a rotation
    atoms = Atoms("Li3TiCl6", cell=np.diag([6.2, 6.4, 6.8]), pbc=True,
                  positions=np.random.default_rng(3).random((10, 3)) * [6.2, 6.4, 6.8])
    from haven.potential.families.deepmd.compression import open_potential, predict

    turned = atoms.copy()
    turned.rotate(50, (1, 2, 3), rotate_cell=True)
    model = open_potential(tmp_path / "u4_s1.pt2")
    first, rotated = (predict(model, a.positions[None], a.cell.array[None],
                              np.array([0, 0, 0, 1, *[2] * 6])) for a in (atoms, turned))
    assert first.energy[0] == pytest.approx(rotated.energy[0], abs=1e-4)

    # LAMMPS finds the library and computes the same energy
    structures.write_data(tmp_path / "in.data", atoms, ["Li", "Ti", "Cl"])
    lines = lammps.setting_lines("read_data in.data", ["u4_s1.pt2"], ["Li", "Ti", "Cl"])
    (tmp_path / "in.lmp").write_text("\n".join(
        [*lines, "thermo_style custom step temp pe", "fix 1 all nve", "run 1"]) + "\n")
    assert lammps.start_lammps(tmp_path, "in.lmp", "log.lmp", 1).wait() == 0, (
        lammps.error_line(tmp_path, "log.lmp"))
    assert lammps.read_thermo(tmp_path / "log.lmp", 3)[0, 2] == pytest.approx(
        first.energy[0], abs=2e-4)


def potential_rows(folder: Path) -> dict[str, float]:
    from haven.core import tables

    table = tables.read("accuracy", folder / "u4_s1.accuracy.parquet")
    row, = table[(table["subset"] == "train") & (table["quantity"] == "force")
                 & (table["species"] == "all") & (table["component"] == "all")].to_dict("records")
    return row
