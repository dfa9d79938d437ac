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
import pandas as pd
import pytest
from trained import ROOT, STEPS, call, train_arguments, trained

from haven.core import tables
from haven.core.errors import HavenError
from haven.potential import accuracy, data_size, dataset, families, heldout
from haven.potential import curve as learning
from haven.potential import progress as trainings
from haven.potential import training as potential
from haven.potential.calibration import scale_rows
from haven.potential.families.deepmd import model_file, settings, train
from haven.potential.families.deepmd.input import described, make_input
from haven.potential.families.deepmd.start import choose_start
from haven.potential.gate import gate_rows
from haven.potential.seen import trained_on


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
    data = {"sha256": "a", "type_map": ["Li", "Ti", "Cl"]}
    one = potential.job_key(data, described(settings.DeepmdSettings()))
    assert one == potential.job_key(data, described(settings.DeepmdSettings()))
    assert one != potential.job_key(data, described(settings.DeepmdSettings(seed=2)))
    for other in ({"sha256": "b"}, {"type_map": ["Ti", "Li", "Cl"]}):
        assert one != potential.job_key(data | other, described(settings.DeepmdSettings()))


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
    assert about["train_trajectories"] is None  # no u4_s1.potential.json beside the start
    row = heldout.seen_row(tmp_path / "u4_s1.potential.json",
                           dataset.load(folder / "u4.dataset"), "m", "u4_s1")
    assert not row["passed"] and "nothing tells" in row["message"]


def test_what_a_start_was_trained_on_counts_as_trained_on(tmp_path):
    (tmp_path / "given").mkdir()
    content = {"systems": [{"trajectory": "a", "subset": "train"},
                           {"trajectory": "b", "subset": "test"}], "test_trajectories": ["b"]}
    about = tmp_path / "given" / "u4_s1.potential.json"
    links = []
    for name in ("u4_s1.pb", "uncompressed_u4_s1.pb", "u4_s1.pt"):
        (tmp_path / "given" / name).touch()
        links.append(tmp_path / f"link_{name}")
        links[-1].symlink_to(tmp_path / "given" / name)
    assert trained_on(content) == ["a"]
    for earlier, found in ((["b", "c"], ["a", "b", "c"]), (None, None)):
        about.write_text(json.dumps({"train_trajectories": earlier}))
        assert [trained_on(content, link) for link in links] == [found] * 3
    about.write_text("{")
    assert trained_on(content, links[0]) is None
    own = tmp_path / "u4_s2.potential.json"
    own.write_text(json.dumps({"train_trajectories": ["a", "b", "c"]}))
    row = heldout.seen_row(own, content, "m", "u4_s2")
    assert not row["passed"] and row["value"] == 1


def test_a_start_s_places_for_neighbours_are_kept_where_they_are_enough(folder, monkeypatch):
    """Other data have other neighbours, and the weights fit to no other number of places."""
    given = folder / "uncompressed_u4_s1.pb"
    own = list(model_file.read_description(given).sel)
    most, content = [n - 1 for n in own], dataset.load(folder / "u4.dataset")
    other = [n + 4 for n in own]
    assert model_file.sel_to_go_on_with(given, ["Li", "Ti", "Cl"], most, other) == own
    with pytest.raises(HavenError, match=rf"has places for {own[1]} neighbours of Ti, and an atom "
                                         rf"of the data has {own[1] + 1}: its weights"):
        model_file.sel_to_go_on_with(given, ["Li", "Ti", "Cl"], [1, own[1] + 1, 1], other)
    for order in (["Ti", "Li", "Cl"], ["Li", "Cl"]):
        with pytest.raises(HavenError, match="numbers its elements Li, Ti, Cl, the training "
                                             f"{', '.join(order)}, and DeePMD-kit"):
            model_file.sel_to_go_on_with(given, order, most, other)
    seen = []
    monkeypatch.setattr(train, "most_neighbours", lambda *_: most)
    monkeypatch.setattr(train, "merge_systems", lambda *_: [])
    monkeypatch.setattr(train, "train", lambda _folder, content, *_: seen.append(content) or 1 / 0)
    mine = settings.DeepmdSettings(embedding=(4, 8), axis_neurons=4, fitting=(16, 16),
                                   cutoff_angstrom=5.0, precision="float64", type_one_side=False)
    for init in (given, None):
        with pytest.raises(ZeroDivisionError):
            train.make(folder, mine, content, "tensorflow", init, False)
    with_start, without = (c["model"]["descriptor"]["sel"] for c in seen)
    assert with_start == own and without != own


def test_a_start_s_u_is_a_number(tmp_path):
    for name in ("u0_s1.pt", "u4.0_s1.pt", "u4.5_s1.pt"):
        (tmp_path / name).write_bytes(b"x")
    for u_ev, name in ((4.0, "u4.0_s1.pt"), (0.0, "u0_s1.pt"), (4.5, "u4.5_s1.pt")):
        assert choose_start(tmp_path, u_ev, 1, ["Li"], "dpa4").name == name


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


def test_shares_of_the_same_trajectories_are_trained_on_once(caplog):
    content = {"sha256": "a", "frames": {"train": 20, "test": 2}, "systems": [
        {"trajectory": f"run{n}", "subset": "train", "frames": range(10)} for n in range(2)]}
    caplog.set_level("INFO")
    parts = data_size.parts_of(content, [0.1, 0.25, 0.5, 0.9])
    assert [part["frames"]["train"] for part in parts] == [10, 20] and parts[-1] is content
    assert [record.message for record in caplog.records] == [
        f"share {share} is left out: with whole trajectories it is the same {frames} of 20 frames "
        "as another" for share, frames in ((0.25, 10), (0.5, 10), (0.9, 20))]


def test_a_test_with_labels_of_another_u_is_refused(folder, tmp_path):
    content, about = dataset.load(folder / "u4.dataset"), folder / "u4_s1.potential.json"
    other = tmp_path / "u0_s1.potential.json"
    other.write_text(json.dumps({**json.loads(about.read_text()), "u_ev": 0.0}))
    heldout.check_u(content, about, 4.0)
    for unknown in ("{}", "{", '{"u_ev": null}'):
        (tmp_path / "unknown.json").write_text(unknown)
        heldout.check_u(content, tmp_path / "unknown.json", 4.0)
    with pytest.raises(HavenError, match=r"potential of .*u0_s1\.potential\.json is of U = 0 eV, "
                                         "not 4 eV"):
        heldout.check_u(content, other, 4.0)
    done = call("test_potential.py", "--dataset", folder / "u4.dataset", "--potential",
                folder / "u4_s1.pb", "--u_ev", 0, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "u4.dataset is of U = 4 eV, not 0 eV: give data set" in done.stderr.splitlines()[-1]
    assert not (tmp_path / "out").exists()


def series_of_runs(seed, runs=6, frames=20, sizes=(24, 8, 48), errors=(0.1, 0.4, 0.1)):
    """Return force series of many frames, of whose elements one has larger errors."""
    kinds, rng = np.repeat([0, 1, 2], sizes), np.random.default_rng(0)
    size, found = np.array(errors)[kinds][:, None], []
    for run in range(runs):
        force, error = rng.normal(0, 1, (2, frames, len(kinds), 3))
        both = rng.normal(0, 0.1, (2, frames, len(kinds), 3))[seed - 1]
        label = {"energy": np.zeros(frames), "force": force}
        guess = {"energy": np.zeros(frames), "force": force + size * error + both}
        found += accuracy.series({"type": kinds, "trajectory": f"t{run}", "frames": range(frames),
                                  "reference": label, "predicted": guess}, ["Li", "Ti", "Cl"])
    return found


def parity_of(most, **more):
    rows = [{"u_ev": 4.0, "seed": seed, "subset": "test", "distance": 1.0, **row}
            for seed in (1, 2)
            for row in accuracy.parity_rows(series_of_runs(seed, **more), most, 1)]
    return pd.DataFrame(rows).query("quantity == 'force'")


def test_calibration_does_not_depend_on_the_points_of_the_parity_table():
    """Forces are of whole frames, so each element counts by its atoms, and worst atoms stay."""
    every, some = parity_of(10**9), parity_of(1000)
    for table in (every, some):
        frames = table.groupby(["seed", "trajectory", "frame"])
        assert (frames.size() == 3 * 80).all()
    assert some.query("seed == 1 and component == 'x'").shape[0] == 37 * 80  # at most 3 * 1000
    assert len(parity_of(1).groupby(["trajectory", "frame"])) == 1
    one, two = (set(map(tuple, mine[["trajectory", "frame"]].to_numpy()))
                for _, mine in some.groupby("seed"))
    assert one == two  # the same for all potentials
    (whole,), (part,) = (scale_rows(table, "") for table in (every, some))
    assert part["count"] == 37 * 80 and whole["count"] == 120 * 80
    assert part["scale"] == pytest.approx(whole["scale"], rel=0.05)
    whole, part = (next(row for row in gate_rows(table, "", 0.8) if row["level"] == "frame")
                   for table in (every, some))
    assert part["count"] == 37
    assert part["above"] / 37 == pytest.approx(whole["above"] / 120, abs=0.1)


def test_sets_that_differ_in_a_frame_show_the_same_frames():
    """Those of two values of U, whose forces are compared frame by frame."""
    all_of, fewer = (accuracy.frames_for_forces(series_of_runs(1, frames=n), 500, 1)
                     for n in (20, 19))
    assert len(all_of) == len(fewer) == 18 and len(all_of & fewer) >= 15


@pytest.mark.parametrize(("train_kinds", "virial", "left_out"), [
    ([0, 2], True, "no accuracy of the force on Ti of test frames: no frame trained on has it"),
    ([0, 1, 2], False, "no accuracy of the virial of test frames: no frame trained on has it")])
def test_what_no_frame_trained_on_has_is_left_out_and_said(train_kinds, virial, left_out, caplog):
    def parts(kinds, with_virial, trajectory):
        own = {"energy": np.zeros(2), "force": np.ones((2, len(kinds), 3))}
        own |= {"virial": np.ones((2, 3, 3))} if with_virial else {}
        return accuracy.series({"type": kinds, "trajectory": trajectory, "frames": [0, 1],
                                "reference": own, "predicted": own}, ["Li", "Ti", "Cl"])

    given = {"train": parts(train_kinds, virial, "a"), "test": parts([0, 1, 2], True, "b")}
    kept = accuracy.comparable(given)
    assert kept["train"] == given["train"]
    rows = accuracy.accuracy_rows(kept["test"], accuracy.training_means(kept["train"]), 1)
    assert {row["quantity"] for row in rows} == {"energy", "force", *(["virial"] if virial else [])}
    assert {r["species"] for r in rows} == {"all", *("Li Ti Cl".split()[k] for k in train_kinds)}
    assert [record.message for record in caplog.records] == [left_out]


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
