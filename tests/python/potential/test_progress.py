"""The time left of a training is told whatever backend wrote its checkpoints."""

import json
import os

import pytest

from haven.potential.progress import read_trainings


@pytest.mark.parametrize("ending", ["index", "pt", "jax"])
def test_the_time_left_follows_the_checkpoints_of_each_backend(tmp_path, ending):
    job = tmp_path / f"u4_s1_{'0' * 12}"
    job.mkdir()
    (job / "input.json").write_text(json.dumps({"training": {"numb_steps": 1000}}))
    (job / "lcurve.out").write_text(
        "# step rmse_val rmse_trn rmse_e_val rmse_e_trn rmse_f_val rmse_f_trn lr\n"
        "200 1 1 0.1 0.1 0.2 0.3 1e-3\n")
    for step, seconds in ((100, 1000), (200, 1050)):
        path = job / f"model.ckpt-{step}.{ending}"
        path.touch()
        os.utime(path, (seconds, seconds))
    (job / f"model.ckpt.{ending}").touch()  # a link to the newest, which counts no step
    training, = read_trainings(tmp_path)
    assert training.step == 200 and training.force_train == 0.3
    assert training.seconds_left == pytest.approx(800 * 50 / 100)


@pytest.mark.parametrize("text", ["", "{", '{"training": {"numb_steps": 10', "[]", "{}",
                                  '{"training": {"numb_steps": "many"}}'])
def test_settings_that_are_half_written_are_passed_over(tmp_path, text):
    """A training writes them when it begins, and may be killed in it."""
    for name, content in (("u4_s1", text), ("u4_s2", '{"training": {"numb_steps": 10}}')):
        job = tmp_path / f"{name}_{'0' * 12}"
        job.mkdir()
        (job / "input.json").write_text(content)
    training, = read_trainings(tmp_path)
    assert training.name == "u4_s2"
