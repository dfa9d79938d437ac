"""A clock that is set ahead or back loses nothing, and no number of Haven's is made of it."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import clean_work
import numpy as np
import pytest
import show_status

from haven.core.errors import HavenError
from haven.core.nextflow.launches import is_of, newest_launch
from haven.dynamics.lammps.program import clean_shared_memory
from haven.dynamics.progress.runs import read_progress
from haven.dynamics.runs.run import note_start
from haven.potential.progress import read_trainings
from haven.trajectory.trajectory import write_npz

YEAR_S = 365.25 * 86400
FAR = pytest.mark.parametrize("off_s", [-20 * YEAR_S, -3600.0, 3600.0, 20 * YEAR_S])


def shifted(folder: Path, off_s: float) -> None:
    """Move the times of all files of a folder, as a clock that was wrong leaves them."""
    for path in folder.rglob("*"):
        if path.is_file():
            os.utime(path, (path.stat().st_atime + off_s, path.stat().st_mtime + off_s))


def training(place: Path, kept: dict[int, float]) -> Path:
    """Write a training's folder: checkpoints of these steps at these times."""
    job = place / f"u4_s1_{'0' * 12}"
    job.mkdir(parents=True, exist_ok=True)
    (job / "input.json").write_text(json.dumps({"training": {"numb_steps": 1000}}))
    (job / "lcurve.out").write_text(
        "# step rmse_val rmse_trn rmse_e_val rmse_e_trn rmse_f_val rmse_f_trn lr\n"
        "400 1 1 0.1 0.1 0.2 0.3 1e-3\n")
    for step, when in kept.items():
        (job / f"model.ckpt-{step}.index").touch()
        os.utime(job / f"model.ckpt-{step}.index", (when, when))
    return job


@pytest.mark.parametrize("ahead_s", [600.0, 20 * YEAR_S])
def test_files_of_a_time_to_come_are_of_nothing_that_runs_and_make_no_speed(tmp_path, ahead_s):
    job = training(tmp_path, {})
    folder = tmp_path / "u4_t298_r0_0123456789ab"
    folder.mkdir()
    (folder / "production.a001.in").write_text("timestep 0.002\nrun 45000 upto\n")
    lines = [f"{step} 300 -5 -4 1 0 0 0 0 0 0" for step in range(0, 5001, 500)]
    (folder / "production.a001.log").write_text("\n".join([*lines, "2100 3"]))
    past = time.time() - 100
    for name in ("production.a001.in", "production.a001.log"):
        os.utime(folder / name, (past, past))
    shifted(job, ahead_s)
    os.utime(folder / "production.a001.log", (past + ahead_s + 100,) * 2)
    assert read_trainings(tmp_path)[0].state == "stopped"
    state = read_progress(folder)
    assert state is not None and state.state == "stopped" and np.isnan(state.ns_per_day)


@FAR
def test_a_clock_that_was_set_among_checkpoints_makes_no_time_left(tmp_path, off_s):
    began = time.time() - 5000
    times = {100: began, 200: began + 50, 300: began + 100 + off_s, 400: began + 150 + off_s}
    training(tmp_path, times)
    assert read_trainings(tmp_path)[0].seconds_left == pytest.approx(600 * 50 / 100)


def noted(work: Path, number: int, name: str, began: float, **more: object) -> None:
    """Note a launch as modules/records.nf does."""
    (work / "launches").mkdir(parents=True, exist_ok=True)
    (work / "launches" / f"{number}_{name}.json").write_text(json.dumps({
        "run_name": name, "order": number, "began_s": began, "plan": f"expected-{name}.json",
        "stamp": "2026-01-01_00-00-00", "records": str(work / "records")} | more))


@FAR
def test_the_newest_launch_is_the_one_that_was_noted_last_whatever_the_clock_said(tmp_path, off_s):
    now = time.time()
    noted(tmp_path, int(1000 * now), "first", now + off_s)
    noted(tmp_path, int(1000 * now) + 1, "second", now)
    launch = newest_launch(tmp_path)
    assert launch is not None and launch.name == "second"


def test_after_a_clock_is_set_back_nothing_of_a_launch_is_called_an_earlier_ones(tmp_path):
    now, folder = time.time(), tmp_path / "checkpoints" / "u4_t298_r0_000000000001"
    folder.mkdir(parents=True)
    (folder / "lock").write_text(f"{tmp_path}/ab/{'c' * 30}\n")
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "trace_2025-01-01_00-00-00.tsv").write_text("task_id\thash\tstatus\n")
    noted(tmp_path, 1, "ahead", now + YEAR_S)
    assert is_of(folder, newest_launch(tmp_path)), "its tasks run, and are in no trace yet"
    noted(tmp_path, 2, "now", now)
    os.utime(folder / "lock", (now + YEAR_S, now + YEAR_S))
    assert not is_of(folder, newest_launch(tmp_path)), "used in a time to come: before, then"


@FAR
def test_whether_checkpoints_may_go_is_told_by_steps_and_not_by_times(tmp_path, off_s, capsys):
    place, results = tmp_path / "work" / "checkpoints", tmp_path / "results"
    for run, steps in (("u4_t298_r0", 100), ("u4_t373_r0", 50)):
        folder = place / f"{run}_0123456789ab"
        folder.mkdir(parents=True)
        (folder / "production.a001.in").write_text("timestep 0.001\nrun 100 upto\n")
        for name in ("production.100.restart", "production.a001.mobile.dcd"):
            (folder / name).write_bytes(b"r")
        target = results / "trajectories" / f"{run}.trajectory.npz"
        target.parent.mkdir(parents=True, exist_ok=True)
        write_npz(target, {
            "time_ps": np.arange(3.0), "mobile_angstrom": np.zeros((3, 2, 3)),
            "mobile_symbol": np.array("Li"), "host_centre_angstrom": np.zeros((3, 3)),
            "barycentre_angstrom": np.zeros((3, 3)), "cell_angstrom": np.eye(3) * 9},
            {"u_ev": 4, "verdict": "stable", "checkpoints": folder.name, "steps": steps})
        shifted(folder, off_s)
    clean_work.main([str(tmp_path / "work"), "--results", str(results)])
    said = capsys.readouterr().out.splitlines()
    assert said[0].endswith("may go") and "holds 50 of its 100 steps" in said[1], said


def test_shared_memory_of_dead_processes_goes_whatever_its_time(tmp_path):
    gone = [tmp_path / f"mpich_shm_{2**31 + number:x}_1" for number in range(2)]
    for path, off in zip(gone, (-YEAR_S, YEAR_S), strict=True):
        path.touch()
        os.utime(path, (time.time() + off,) * 2)
    (young := tmp_path / f"mpich_shm_{2**31 + 9:x}_1").touch()
    (mine := tmp_path / f"mpich_shm_{os.getpid():x}_1").touch()
    clean_shared_memory(tmp_path)
    assert not any(path.exists() for path in gone) and young.exists() and mine.exists()


def test_one_jump_of_the_clock_ends_no_run(tmp_path):
    for now in (1000.0, 1001.0, 1002.0 + YEAR_S, 1003.0, 1004.0, 1005.0 - YEAR_S, 1006.0):
        note_start(tmp_path, "production", 20, now)  # killed at once, each time
    with pytest.raises(HavenError, match="ended before they left a later restart file"):
        for hour in range(9):
            note_start(tmp_path, "production", 20, 3600.0 * hour)


def test_status_of_a_folder_of_times_to_come_is_plain(tmp_path, capsys):
    job = training(tmp_path / "work" / "checkpoints", {100: 1e9, 200: 1e9 + 50})
    shifted(job, 50 * YEAR_S)
    show_status.main([str(tmp_path / "work")])
    assert "stopped" in capsys.readouterr().out
