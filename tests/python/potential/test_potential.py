"""A potential is trained for real in miniature: killed, gone on with, compressed, judged."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from trained import ROOT, STEPS, call, train_arguments, trained

from haven.core import tables
from haven.core.errors import HavenError
from haven.potential import accuracy, dataset, families, heldout
from haven.potential import curve as learning
from haven.potential import progress as trainings
from haven.potential import training as potential
from haven.potential.families.deepmd import model_file, settings, train
from haven.potential.families.deepmd.input import described, make_input
from haven.potential.families.deepmd.start import choose_start


@pytest.fixture(scope="module")
def folder():
    return trained()


@pytest.fixture(scope="module")
def tested(folder):
    done = call("test_potential.py", "--dataset", folder / "u4.dataset", "--potential",
                folder / "u4_s1.pb", "--u_ev", 4, "--out", folder)
    assert done.returncode == 0, done.stderr
    return tables.read("accuracy", folder / "u4_s1.accuracy.parquet")


def test_killed_training_goes_on_from_its_checkpoint(folder):
    about = json.loads((folder / "u4_s1.potential.json").read_text())
    assert (folder / "killed").read_text() == "True"
    assert 0 < about["resumed_from_step"] < STEPS
    assert "going on from the checkpoint" in (folder / "said").read_text()
    curve = tables.read("learning_curve", folder / "u4_s1.learning_curve.parquet")
    steps = curve["step"].to_numpy()
    assert steps[0] == 0 and steps[-1] == STEPS and (np.diff(steps) > 0).all()
    rates = curve["learning_rate"].to_numpy()
    assert (np.diff(rates) <= 0).all() and rates[0] == pytest.approx(0.01, rel=0.02)
    force = curve["force_error_train_ev_per_angstrom"].to_numpy()
    before = steps <= about["resumed_from_step"]
    # Going on with fresh weights would start from force[0] again; batches scatter by a third.
    near = force[before][-4:].mean() if before.sum() > 4 else force[before][1:].mean()
    assert force[~before][:4].mean() < 1.5 * near
    assert force[~before].max() < force[0]


def test_status_tells_how_far_a_training_is(folder, tmp_path):
    row, = trainings.read_trainings(folder / "checkpoints")
    assert (row.name, row.step, row.steps, row.state) == ("u4_s1", STEPS, STEPS, "complete")
    assert 0 < row.force_train < 5 and 0 < row.force_test < 5
    said = subprocess.run([str(ROOT / "haven"), "status", str(folder)], text=True,
                          capture_output=True, check=True).stdout.splitlines()
    assert said[1].split()[:3] == ["u4_s1", str(STEPS), str(STEPS)] and said[1].endswith("complete")
    job = next((folder / "checkpoints").iterdir())
    half = tmp_path / f"u0_s2_{'0' * 12}"
    half.mkdir()
    shutil.copy(job / "input.json", half)
    head, *lines = (job / "lcurve.out").read_text().splitlines()
    (half / "lcurve.out").write_text("\n".join([head, *lines[: len(lines) // 2]]))
    for step, seconds in ((100, 1000), (150, 1010)):
        (half / f"model.ckpt-{step}.index").touch()
        os.utime(half / f"model.ckpt-{step}.index", (seconds, seconds))
    row, = trainings.read_trainings(tmp_path, now=(half / "lcurve.out").stat().st_mtime + 10)
    assert row.state == "running" and 0 < row.step < STEPS
    assert row.seconds_left == pytest.approx((STEPS - row.step) * 10 / 50)
    assert trainings.read_trainings(tmp_path, now=1e12)[0].state == "stopped"
    assert trainings.trainings_table([row]).splitlines()[1].startswith("u0_s2")


def test_messages_of_the_engines_do_not_reach_the_screen(folder):
    said = (folder / "said").read_text()
    assert "libcudart" not in said and "oneDNN" not in said


def test_a_finished_training_is_not_run_again(folder, tmp_path):
    arguments = [*train_arguments(folder)[:-1], tmp_path]
    done = call("train_potential.py", *arguments)
    assert done.returncode == 0, done.stderr
    assert "is finished: its potential is taken" in done.stderr
    assert (tmp_path / "u4_s1.pb").read_bytes() == (folder / "u4_s1.pb").read_bytes()


def test_compressed_potential_holds_its_bounds(folder):
    check = json.loads((folder / "u4_s1.potential.json").read_text())["compression"]
    assert check["holds"]
    assert check["energy_error_ev_per_atom"] <= 1e-6
    assert 0 < check["force_error_ev_per_angstrom"] <= 1e-4


def test_places_for_neighbours_come_from_the_data(folder):
    about = json.loads((folder / "u4_s1.potential.json").read_text())
    assert len(about["sel"]) == 3 and all(n >= 4 for n in about["sel"])
    assert about["type_map"] == ["Li", "Ti", "Cl"]


def test_forces_on_held_out_trajectories_beat_the_mean(tested):
    row = tested[(tested["subset"] == "test") & (tested["quantity"] == "force")
                 & (tested["species"] == "all") & (tested["component"] == "all")].iloc[0]
    assert row["rmse"] < 0.6 * row["baseline_rmse"]
    assert row["mae"] <= row["rmse"] <= row["max_error"]


def test_accuracy_has_every_element_and_component(tested):
    force = tested[(tested["quantity"] == "force") & (tested["subset"] == "test")]
    assert set(force["species"]) == {"Li", "Ti", "Cl", "all"}
    assert set(force["component"]) == {"x", "y", "z", "all"}
    assert len(force) == 16
    parts = force[(force["species"] != "all") & (force["component"] != "all")]
    whole = force[(force["species"] == "all") & (force["component"] == "all")].iloc[0]
    pooled = np.sqrt((parts["count"] * parts["rmse"] ** 2).sum() / parts["count"].sum())
    assert pooled == pytest.approx(whole["rmse"], rel=1e-9)
    assert parts["count"].sum() == whole["count"]


def test_virial_of_labels_and_potential_have_the_same_sign(tested):
    row = tested[(tested["subset"] == "train") & (tested["quantity"] == "virial")
                 & (tested["component"] == "all")].iloc[0]
    assert row["r2"] > 0.3


def test_parity_repeats_the_accuracy(folder, tested):
    points = tables.read("parity", folder / "u4_s1.parity.parquet")
    some = points[(points["subset"] == "test") & (points["quantity"] == "energy")]
    row = tested[(tested["subset"] == "test") & (tested["quantity"] == "energy")].iloc[0]
    rmse = np.sqrt(((some["predicted"] - some["reference"]) ** 2).mean())
    assert rmse == pytest.approx(row["rmse"], rel=1e-9)


def test_metrics_of_known_numbers():
    found = accuracy.metrics(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 2.0, 3.0, 6.0]))
    assert found == {"count": 4, "mae": 0.5, "rmse": 1.0, "max_error": 2.0, "r2": 1 - 4 / 5,
                     "offset": 0.5, "scatter": pytest.approx(0.75**0.5)}
    shifted = accuracy.metrics(np.arange(3.0), np.arange(3.0) - 0.03)
    assert shifted["offset"] == pytest.approx(-0.03) and shifted["scatter"] < 1e-12
    assert accuracy.metrics(np.ones(3), np.ones(3))["r2"] is None


def test_bootstrap_draws_trajectories_not_frames():
    rng = np.random.default_rng(0)
    same = {f"t{i}": rng.normal(0, 1, 4000) for i in range(8)}
    low, high = accuracy.bootstrap_rmse(same, 1)
    assert low is not None and high is not None
    assert 0.95 < low < 1 < high < 1.05 or 0.95 < low < high < 1.05
    unlike = {f"t{i}": rng.normal(0, 1, 4000) * (1 + i) for i in range(8)}
    wide = accuracy.bootstrap_rmse(unlike, 1)
    assert wide[1] - wide[0] > 10 * (high - low)
    assert accuracy.bootstrap_rmse({"a": np.ones(3), "b": np.ones(3)}, 1) == (None, None)


def test_baseline_is_the_mean_of_the_training_set():
    part = {"quantity": "energy", "species": "all", "component": "all", "trajectory": "t",
            "frames": [0, 1], "reference": np.array([1.0, 3.0]), "predicted": np.array([1.0, 3.0])}
    means = accuracy.training_means([part])
    other = {**part, "reference": np.array([5.0, 5.0]), "predicted": np.array([4.0, 4.0])}
    row = next(r for r in accuracy.accuracy_rows([other], means, 0) if r["species"] == "all")
    assert row["baseline_rmse"] == pytest.approx(3.0) and row["rmse"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--u_ev", 2], "is of U = 4 eV, not 2 eV"),
        (["--learning_rate_stop", 1], "learning_rate_stop is 1: it must be above 0, at most 0.1"),
        (["--learning_rate_stop", 0.1], "learning_rate_stop must be above 0 and not above"),
        (["--axis_neurons", 9], "axis_neurons is 9: it must be from 1 to the last"),
        (["--training_steps", 0], "training_steps is 0"),
        (["--batch_size", "auto:0"], "batch_size is auto:0: it must look like 1 or auto:32"),
        (["--smooth_angstrom", 9], "smooth_angstrom"),
        (["--embedding", "10,x"], "embedding"),
        (["--prefactors", "1,2,3"], "prefactors is 1,2,3: give 6 values"),
        (["--init_models", "nowhere"], "folder of potentials nowhere does not exist"),
    ],
)
def test_wrong_settings_are_refused_before_training(folder, tmp_path, more, message):
    import train_potential
    from trained import MATERIAL

    usual = train_arguments(folder)[:-1]
    if more[0] in usual:
        at = usual.index(more[0])
        usual[at + 1], more = more[1], more[2:]
    arguments = [*usual, tmp_path, *more]
    with pytest.raises(HavenError, match=message):
        train_potential.main(["--material", str(MATERIAL), *map(str, arguments)])
    assert not any(tmp_path.iterdir())


def test_a_batch_may_be_as_many_frames_as_hold_some_atoms(folder, tmp_path):
    done = call("train_potential.py", *train_arguments(folder)[:-3], tmp_path / "checkpoints",
                "--out", tmp_path, "--training_steps", 10, "--batch_size", "auto:32")
    assert done.returncode == 0, done.stderr
    (job,) = (tmp_path / "checkpoints").iterdir()
    given = json.loads((job / "input.json").read_text())["training"]["training_data"]
    assert given["batch_size"] == "auto:32"
    about = json.loads((tmp_path / "u4_s1.potential.json").read_text())
    assert about["settings"]["batch_size"] == "auto:32"


def test_a_backend_that_is_not_installed_is_named(folder, monkeypatch):
    monkeypatch.setitem(settings.MODULE, "jax", "no_such_library")
    with pytest.raises(HavenError, match="backend jax is not installed: add no_such_library"):
        train.check_training(settings.DeepmdSettings(), dataset.load(folder / "u4.dataset"),
                        ["Li", "Ti", "Cl"], 4.0, "jax")


def water(folder):
    path = folder / "water.pair"
    path.write_text("cutoff_angstrom: 5\ndamping_per_angstrom: 0.3\nrepulsion_ev: 1\n"
                    "stiffness_angstrom: 0.2\ncharges: {O: -0.8, H: 0.4}\n"
                    "radii_angstrom: {O: 1.3, H: 0.3}\n")
    return path


def test_a_potential_of_another_material_is_refused(tmp_path):
    with pytest.raises(HavenError, match="knows O, H, not Li, Cl"):
        families.open_evaluator(water(tmp_path), ["Li", "Cl"])


def test_a_potential_cut_off_is_refused(folder, tmp_path):
    whole = (folder / "u4_s1.pb").read_bytes()
    (tmp_path / "u4_s1.pb").write_bytes(whole[: len(whole) // 2])
    done = call("test_potential.py", "--dataset", folder / "u4.dataset", "--potential",
                tmp_path / "u4_s1.pb", "--u_ev", 4, "--out", tmp_path)
    assert done.returncode == 2
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("haven: error: potential ") and "cannot be loaded" in last


def test_checkpoints_that_are_not_whole_are_passed_over(tmp_path):
    for step in (100, 200, 300):
        for end in ("index", "meta", "data-00000-of-00001"):
            (tmp_path / f"model.ckpt-{step}.{end}").write_text("x")
    (tmp_path / "model.ckpt-300.data-00000-of-00001").write_text("")
    (tmp_path / "model.ckpt-200.meta").unlink()
    assert train.checkpoints(tmp_path) == {100: "model.ckpt-100"}


def archive(path: Path) -> None:
    """Write a zip archive, which PyTorch's checkpoints are."""
    with zipfile.ZipFile(path, "w") as target:
        target.writestr("archive/data/0", bytes(range(256)) * 8)


def test_a_checkpoint_of_pytorch_still_being_written_is_passed_over(tmp_path):
    for step in (100, 200):
        archive(tmp_path / f"model.ckpt-{step}.pt")
    half = tmp_path / "model.ckpt-200.pt"
    half.write_bytes(half.read_bytes()[:1000])
    assert train.checkpoints(tmp_path, "pytorch") == {100: "model.ckpt-100.pt"}


@pytest.fixture
def failing(tmp_path, monkeypatch):
    """Return the arguments of each call of ``dp``, all of which fail as on an exhausted machine."""
    calls = []

    def dp(*arguments):
        calls.append(arguments)
        raise RuntimeError("Shared memory manager connection has timed out")

    monkeypatch.setattr(train, "dp", dp)
    return calls


def test_a_failure_of_the_machine_throws_no_checkpoint_away(tmp_path, failing):
    content = {"training": {"numb_steps": 300}, "model": {}}
    for step in (100, 200):
        archive(tmp_path / f"model.ckpt-{step}.pt")
    with pytest.raises(HavenError, match=r"Shared memory.*checkpoint of step 200 is whole, run"):
        train.train(tmp_path, content, "pytorch")
    assert [call[-1] for call in failing] == ["model.ckpt-200.pt"]


def test_a_damaged_checkpoint_is_passed_over_for_an_earlier_one(tmp_path, failing, caplog):
    content = {"training": {"numb_steps": 300}, "model": {}}
    for step in (100, 200):
        archive(tmp_path / f"model.ckpt-{step}.pt")
    damaged = tmp_path / "model.ckpt-200.pt"
    content_bytes = bytearray(damaged.read_bytes())
    content_bytes[700] ^= 1
    damaged.write_bytes(content_bytes)
    with pytest.raises(HavenError, match="checkpoint of step 100 is whole"):
        train.train(tmp_path, content, "pytorch")
    assert [call[-1] for call in failing] == ["model.ckpt-200.pt", "model.ckpt-100.pt"]
    assert "checkpoint model.ckpt-200.pt cannot be used: trying an earlier one" in caplog.text


def test_a_damaged_checkpoint_of_tensorflow_is_told_from_a_whole_one(folder, tmp_path):
    job = next((folder / "checkpoints").iterdir())
    name = next(iter(train.checkpoints(job).values()))
    for part in job.glob(f"{name}.*"):
        shutil.copy(part, tmp_path)
    assert train.can_be_read(tmp_path, name, "tensorflow")
    data = tmp_path / f"{name}.data-00000-of-00001"
    content = bytearray(data.read_bytes())
    content[len(content) // 2] ^= 4
    data.write_bytes(content)
    assert not train.can_be_read(tmp_path, name, "tensorflow")


@pytest.mark.parametrize(("backend", "end"), [("pytorch", ".pt"), ("jax", ".jax")])
def test_checkpoints_of_other_backends_are_found_too(tmp_path, backend, end):
    for step in (90, 100, 1100):
        archive(tmp_path / f"model.ckpt-{step}{end}")
    (tmp_path / f"model.ckpt-2000{end}").write_text("")
    (tmp_path / f"model.ckpt{end}").symlink_to(f"model.ckpt-1100{end}")
    assert list(train.checkpoints(tmp_path, backend).items()) == [
        (step, f"model.ckpt-{step}{end}") for step in (1100, 100, 90)]


def test_a_curve_joined_after_a_restart_has_each_step_once(tmp_path):
    curve = tmp_path / "lcurve.out"
    head = "#  step  rmse_e_val  rmse_e_trn  rmse_f_val  rmse_f_trn   lr\n"
    curve.write_text(head + "0 1 1 1 1 0.1\n10 1 1 1 1 0.1\n20 9 9 9 9 0.1\n"
                     + head + "20 2 2 2 2 0.1\n30 3 3 3")
    rows = learning.read_curve(curve)
    assert [r["step"] for r in rows] == [0, 10, 20]
    assert rows[-1]["rmse_f_val"] == 2


def test_job_key_follows_data_and_settings(folder):
    data = {"sha256": "a"}
    one = potential.job_key(data, described(settings.DeepmdSettings()))
    assert one == potential.job_key(data, described(settings.DeepmdSettings()))
    assert one != potential.job_key(data, described(settings.DeepmdSettings(seed=2)))
    assert one != potential.job_key({"sha256": "b"}, described(settings.DeepmdSettings()))


def test_weights_of_another_network_are_refused(folder):
    given = folder / "uncompressed_u4_s1.pb"
    own = settings.DeepmdSettings(embedding=(4, 8), axis_neurons=4, fitting=(16, 16),
                            cutoff_angstrom=5.0, precision="float64", type_one_side=False)
    same = make_input(own, ["Li", "Ti", "Cl"], [1], [], [], False)["model"]
    model_file.check_network(given, same)
    for key, value in (("embedding", (4, 9)), ("cutoff_angstrom", 6.0), ("type_one_side", True),
                       ("fitting_activation", "gelu")):
        other = make_input(replace(own, **{key: value}), ["Li", "Ti", "Cl"], [1], [], [],
                           False)["model"]
        with pytest.raises(HavenError, match=rf"another network .*\({key} "):
            model_file.check_network(given, other)


def test_a_training_goes_on_from_a_given_potential_s_weights(folder, tmp_path):
    (tmp_path / "start").mkdir()
    shutil.copy(folder / "uncompressed_u4_s1.pb", tmp_path / "start" / "u4_s1.pb")
    arguments = [a for a in train_arguments(folder) if a != "--compress"]
    arguments[:0] = ["--compress", "false"]
    arguments[arguments.index("--checkpoint_dir") + 1] = tmp_path / "checkpoints"
    done = call("train_potential.py", *arguments[:-1], tmp_path, "--training_steps", 40,
                "--learning_rate_start", 0.001, "--init_models", tmp_path / "start")
    assert done.returncode == 0, done.stderr
    assert "weights start from u4_s1.pb" in done.stderr
    old, new = (tables.read("learning_curve", place / "u4_s1.learning_curve.parquet")
                ["force_error_train_ev_per_angstrom"].to_numpy() for place in (folder, tmp_path))
    assert new[:3].mean() < 0.5 * old[0]
    about = json.loads((tmp_path / "u4_s1.potential.json").read_text())
    assert about["init_model"] == "u4_s1.pb" and about["compression"] is None


def test_a_compressed_potential_cannot_be_trained_further(folder, tmp_path):
    shutil.copy(folder / "u4_s1.pb", tmp_path)
    for u_ev in (4.0, 2.0):  # of the training's own U, and of another
        with pytest.raises(HavenError, match="is compressed, and its network cannot be trained"):
            choose_start(tmp_path, u_ev, 1, ["Li", "Ti", "Cl"])
    beside = choose_start(folder, 4.0, 1, ["Li", "Ti", "Cl"])
    assert beside.name == "uncompressed_u4_s1.pb"


def test_error_falls_with_the_share_of_the_data_trained_on(folder, tmp_path):
    arguments = train_arguments(folder)
    arguments[arguments.index("--training_steps") + 1] = 60
    arguments[arguments.index("--checkpoint_dir") + 1] = tmp_path / "checkpoints"
    done = call("measure_learning.py", *arguments[:-1], tmp_path, "--shares", 0.4,
                "--potential", folder / "u4_s1.pb")
    assert done.returncode == 0, done.stderr
    rows = tables.read("data_curve", tmp_path / "u4_s1.data_curve.parquet")
    assert set(rows["quantity"]) == {"energy", "force", "virial"}
    force = rows[rows["quantity"] == "force"].sort_values("share")
    assert force["frames_train"].is_monotonic_increasing and len(force) == 2
    assert force["share"].iloc[-1] == 1 and force["rmse"].iloc[-1] < force["rmse"].iloc[0]


def test_a_potential_whose_training_is_unknown_is_said_not_to_be_judged(folder):
    about = folder / "u4_s1.potential.json"
    content = dataset.load(folder / "u4.dataset")
    told = heldout.seen_row(about, content, "m", "u4_s1")
    assert told["passed"] and told["value"] == 0
    unknown = heldout.seen_row(None, content, "m", "u4_s1")
    assert not unknown["passed"] and "nothing tells" in unknown["message"]
    other = {**content, "test_trajectories": [json.loads(about.read_text())[
        "train_trajectories"][0]]}
    seen = heldout.seen_row(about, other, "m", "u4_s1")
    assert not seen["passed"] and "1 of 1 held-out trajectories were trained on" in seen["message"]


def test_trajectories_that_the_data_set_knows_are_no_test_along_aimd(folder, repository, tmp_path):
    path = repository / "assets" / "aimd" / "li3ticl6" / "aimd_t298_r0.u4.extxyz"
    content = {**dataset.load(folder / "u4.dataset"), "settings": {"smearing_ev": "0.1"}}
    more = heldout.with_aimd(content, [path], 4.0, tmp_path)
    (added,) = [s for s in more["systems"] if s["subset"] == "aimd"]
    assert len(added["frames"]) == 151 and (tmp_path / "aimd").is_dir()
    known = {**content, "systems": [{**content["systems"][0], "trajectory": "aimd_t298_r0"}]}
    assert heldout.with_aimd(known, [path], 4.0, tmp_path)["systems"] == known["systems"]
    narrower = {**content, "settings": {"smearing_ev": "0.025"}}
    untested = heldout.with_aimd(narrower, [path], 4.0, tmp_path)
    assert untested["systems"] == content["systems"]
    row = heldout.settings_row(untested["aimd_left_out"], "m", "u4_s1")
    assert not row["passed"] and "u4.extxyz: labelled with smearing_ev 0.1, not" in row["message"]
    assert heldout.settings_row(more["aimd_left_out"], "m", "u4_s1")["passed"]


def test_held_out_forces_carry_their_distance_from_the_training(folder, tested):
    points = tables.read("parity", folder / "u4_s1.parity.parquet")
    held = points[(points["subset"] == "test") & (points["quantity"] == "force")]
    assert (held["distance"] > 0).all()
    assert points.loc[points["subset"] == "train", "distance"].isna().all()
