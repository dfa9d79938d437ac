"""Dynamics killed ten times at random, and what stands between it and a damaged trajectory."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from analytic import crystal
from ase.io import write
from trained import MATERIAL, call, kill_when, script, trained

from haven.core import tables
from haven.core import tasks as guard
from haven.core.errors import HavenError
from haven.core.numbers import duration
from haven.dynamics.job import COLUMNS
from haven.dynamics.lammps.program import read_thermo
from haven.dynamics.progress.runs import read_progress, runs_table
from haven.dynamics.runs.run import restarts
from haven.trajectory.trajectory import read_members

KILLS, STEPS, EVERY = 10, 3000, 10


def arguments(structure: Path, out: Path, place: Path) -> list[object]:
    return ["--structure", structure, "--potentials", trained() / "u4_s1.pb", "--u_ev", 4,
            "--temperature_k", 300, "--timestep_fs", 1, "--cell", "material",
            "--equilibration_ps", 0.05,
            "--production_ps", STEPS / 1000, "--dump_ps", EVERY / 1000, "--all_every", 10,
            "--checkpoint_minutes", 0.001, "--out", out, "--checkpoint_dir", place]


def steps_of(log: Path) -> np.ndarray:
    """Return the steps that a log has, shape (lines,)."""
    return read_thermo(log, len(COLUMNS))[:, 0].astype(int)


@pytest.fixture(scope="module")
def structure(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cell")
    write(folder / "cell.extxyz", crystal(1).repeat((2, 1, 1)))
    done = call("minimise.py", "--structure", folder / "cell.extxyz", "--potential",
                trained() / "u4_s1.pb", "--u_ev", 4, "--max_steps", 60, "--out", folder,
                "--force_tolerance_ev_per_angstrom", 0.1)
    assert done.returncode == 0, done.stderr
    return folder / "u4_r0.minimised.extxyz"


@pytest.fixture(scope="module")
def killed(structure, tmp_path_factory):
    """Return the folder of a run killed at ten random steps, and its best restart at each kill."""
    out = tmp_path_factory.mktemp("killed")
    place = out / "checkpoints"
    command = script("run_dynamics.py", *arguments(structure, out, place))
    # Where a machine is busy a kill comes late: the last third of the run is left for that.
    moments = np.sort(np.random.default_rng(11).integers(0, STEPS * 2 // 3, KILLS))
    kept = []
    for moment in moments:
        seen = {path.name for path in place.glob("*/production.*.log")}

        def ready(moment=moment, seen=seen):
            new = [p for p in place.glob("*/production.*.log") if p.name not in seen]
            return any(len(steps := steps_of(p)) and steps[-1] >= moment for p in new)

        assert kill_when(command, ready), "the run ended before it was killed"
        folder = next(place.iterdir())
        kept.append(next((one.step for one in restarts(folder, "production")[0]), 0))
        state = read_progress(folder)
        assert state is not None and state.phase == "production" and state.state != "complete"
    done = call("run_dynamics.py", *arguments(structure, out, place))
    assert done.returncode == 0, done.stderr
    return out, next(place.iterdir()), kept


def test_a_run_killed_ten_times_has_every_frame_once(killed):
    out, folder, _ = killed
    assert len(list(folder.glob("production.*.log"))) >= KILLS + 1
    held = read_members(out / "u4_t300_r0.trajectory.npz")
    steps = np.rint(held["time_ps"] * 1000).astype(int)
    np.testing.assert_array_equal(steps, np.arange(0, STEPS + 1, EVERY))
    assert (np.diff(held["all_time_ps"]) > 0).all()
    # an ion at 300 K goes some hundredths of an Angstrom in 10 fs; a doubled or lost frame shows
    moved = np.linalg.norm(np.diff(held["mobile_angstrom"], axis=0), axis=2)
    assert 0 < moved.min(axis=0).max() and moved.max() < 0.5


def test_each_kill_costs_no_more_than_what_came_after_the_last_restart_file(killed):
    _, folder, kept = killed
    starts = [steps_of(log) for log in sorted(folder.glob("production.*.log"))]
    starts = [int(steps[0]) for steps in starts if len(steps)]
    assert starts[0] == 0
    assert starts[1 : KILLS + 1] == kept
    assert len(set(kept)) > 2, "no restart file was written between the kills"


def test_energy_and_velocities_go_on_across_the_kills_as_they_do_between(killed):
    out, _, kept = killed
    thermo = tables.read("thermo", out / "u4_t300_r0.thermo.parquet")
    step = np.rint(thermo["time_ps"].to_numpy() * 1000).astype(int)
    joint = np.isin(step[1:] - EVERY, [k // EVERY * EVERY for k in kept if k])
    assert joint.any()
    for name in ("conserved_ev", "potential_energy_ev", "temperature_now_k"):
        change = np.abs(np.diff(thermo[name].to_numpy()))
        assert change[joint].max() <= 1.5 * change[~joint].max(), name
    # velocities too: what an ion's way changes by from one frame to the next, rms over the ions
    ways = np.diff(read_members(out / "u4_t300_r0.trajectory.npz")["mobile_angstrom"], axis=0)
    turn = np.sqrt((np.diff(ways, axis=0) ** 2).mean(axis=(1, 2)))
    beside = joint[1:] | joint[:-1]
    assert turn[beside].max() <= 1.5 * turn[~beside].max()


def test_status_tells_how_far_the_run_is(killed):
    _, folder, _ = killed
    state = read_progress(folder)
    assert state is not None
    assert (state.run, state.state, state.seconds_left) == ("u4_t300_r0", "complete", 0)
    assert state.ns_done == state.ns_total == pytest.approx(STEPS * 1e-6)
    assert state.ns_per_day > 0
    said = subprocess.run([str(MATERIAL.parents[2] / "haven"), "status", str(folder.parent)],
                          text=True, capture_output=True, check=True).stdout
    assert said.splitlines()[1].startswith("u4_t300_r0")
    assert said.splitlines()[-3] == "1 runs: 1 complete"
    assert " 100 %, 1 of 1 trainings and runs finished, nothing left" in said.splitlines()[-1]


def begun(folder: Path, seconds: float, *more: str) -> Path:
    """Write input and log of a run of 2 ps by now, the log ``seconds`` younger than the input."""
    folder.mkdir()
    script, log = folder / "production.a002.in", folder / "production.a002.log"
    script.write_text("timestep 0.002\nrun 5000 upto\n")
    lines = [f"{step} 300 -5 -4 1 0 0 0 0 0 0" for step in range(1000, 2001, 100)]
    log.write_text("\n".join([*lines, *(more or ("2100 3",))]))
    os.utime(script, (1000, 1000))
    os.utime(log, (1000 + seconds, 1000 + seconds))
    return folder


@pytest.mark.parametrize("seconds", [0, 0.0001, 0.5, 5, -3])
def test_too_short_a_time_tells_no_speed(tmp_path, seconds):
    folder = begun(tmp_path / "cell_u4_t298_r1_0123456789ab", seconds)
    for now in (1001, 9999):
        state = read_progress(folder, now)
        assert state is not None and math.isnan(state.ns_per_day)
        assert math.isnan(state.seconds_left)
        assert runs_table([state]).splitlines()[1].split()[4] == "-"


def test_the_speed_of_an_ended_or_stopped_run_does_not_depend_on_the_times_of_files(tmp_path):
    """A folder that was copied has the times of the copy."""
    ended = begun(tmp_path / "u4_t298_r1_0123456789ab", 0.01,
                  "Loop time of 50.0 on 1 procs for 1000 steps with 40 atoms", "")
    state = read_progress(ended, 9999)
    assert state is not None and state.ns_per_day == pytest.approx(1000 * 2e-6 / 50 * 86400)
    for phase, expected in (("production", 7.5), ("equilibration", math.nan)):
        stopped = begun(tmp_path / f"u4_t{298 + len(phase)}_r1_0123456789ab", 0.01)
        (stopped / "status.json").write_text(json.dumps({"phase": phase, "ns_per_day": 7.5}))
        state = read_progress(stopped, 9999)
        assert state is not None and state.ns_per_day == pytest.approx(expected, nan_ok=True)
    (stopped / "status.json").write_text("{")
    state = read_progress(stopped, 9999)
    assert state is not None and math.isnan(state.ns_per_day)


def test_status_of_a_run_on_its_way(tmp_path):
    folder = tmp_path / "u4_t298_r1_0123456789ab"
    folder.mkdir()
    assert read_progress(folder) is None
    (folder / "production.a002.in").write_text("timestep 0.002\nrun 5000 upto\n")
    lines = [f"{step} 300 -5 -4 1 0 0 0 0 0 0" for step in range(1000, 2001, 100)]
    (folder / "production.a002.log").write_text("\n".join([*lines, "2100 3"]))
    os.utime(folder / "production.a002.in", (1000, 1000))
    os.utime(folder / "production.a002.log", (1100, 1100))
    state = read_progress(folder, 1110)
    assert state is not None
    assert (state.run, state.phase, state.state) == ("u4_t298_r1", "production", "running")
    assert (state.ns_done, state.ns_total) == pytest.approx((0.004, 0.01))
    assert state.ns_per_day == pytest.approx(0.002 / 100 * 86400)
    assert state.seconds_left == pytest.approx(300)
    late = read_progress(folder, 9999)
    assert late is not None and late.state == "stopped"
    early = read_progress(folder, 500)  # the clock was set back since
    assert early is not None and early.state == "stopped"
    assert "5.0 min" in runs_table([state]) and duration(7200) == "2.0 h"


def test_status_without_runs_is_one_clear_line(tmp_path):
    launcher = str(MATERIAL.parents[2] / "haven")
    for place in (tmp_path, tmp_path / "nowhere"):
        done = subprocess.run([launcher, "status", str(place)], text=True, capture_output=True,
                              check=False)
        assert done.returncode == 2 and done.stderr.count("\n") == 1
        assert done.stderr.startswith("haven: error:")


def test_a_second_task_waits_until_the_first_has_left_the_folder(tmp_path):
    order = []

    def second():
        with guard.alone(tmp_path):
            order.append("second")

    with guard.alone(tmp_path):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.3)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_a_gpu_that_is_not_there_or_not_used_is_one_clear_line(tmp_path, monkeypatch):
    monkeypatch.setattr(guard, "DEVICES", tmp_path)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    with pytest.raises(HavenError, match=r"no GPU on .* \(no /dev/nvidia device\)"):
        guard.require_gpu()
    (tmp_path / "nvidia0").touch()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(guard, "CPU_ONLY", "numpy")
    with pytest.raises(HavenError, match=r"would not be used: tensorflow .*setup --gpu"):
        guard.require_gpu()
    torch = tmp_path / "torch"
    torch.mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "torch", raising=False)  # another test may have imported it
    (torch / "__init__.py").touch()
    (torch / "version.py").write_text("cuda: Optional[str] = None\nhip = None\n")
    with pytest.raises(HavenError, match=r"would not be used: pytorch is built for processors"):
        guard.require_gpu("pytorch")
    (torch / "version.py").write_text("cuda: Optional[str] = '13.0'\nhip = None\n")
    assert guard.require_gpu("pytorch") == "GPU"
    monkeypatch.setattr(guard, "CPU_ONLY", "no-such-library")
    driver = tmp_path / "nvidia-smi"
    driver.write_text("#!/bin/sh\necho NVIDIA H200\necho NVIDIA H200\n")
    driver.chmod(0o755)
    assert guard.require_gpu() == "GPU NVIDIA H200"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(HavenError, match="leave out the profile gpu"):
        guard.require_gpu()


def test_a_disk_that_is_full_is_one_clear_line_and_loses_no_restart(structure, tmp_path):
    """On a file system of 120 kB; then with room, the run goes on from what is whole."""
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=120k", "tmpfs", str(small)],
                      check=False, capture_output=True).returncode:
        pytest.skip("no right to mount a file system here")
    try:
        done = call("run_dynamics.py", *arguments(structure, tmp_path, small / "checkpoints"))
        assert done.returncode != 0
        lines = [line for line in done.stderr.splitlines() if line.startswith("haven: error:")]
        assert len(lines) == 1 and "room" in lines[0], done.stderr
        assert "Traceback" not in done.stderr
        subprocess.run(["mount", "-o", "remount,size=64m", str(small)], check=True)
        again = call("run_dynamics.py", *arguments(structure, tmp_path, small / "checkpoints"))
        assert again.returncode == 0, again.stderr
    finally:
        subprocess.run(["umount", str(small)], check=True)
    held = read_members(tmp_path / "u4_t300_r0.trajectory.npz")
    assert len(held["time_ps"]) == STEPS // EVERY + 1
    assert json.loads(str(held["meta"]))["verdict"] == "stable"
