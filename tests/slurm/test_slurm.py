"""The study on a real SLURM: two GPUs for six runs, a cancelled job, a killed head, mistakes."""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from study import DYNAMICS, EVERY, STEPS, Study, command

from haven.core import tables
from haven.dynamics.job import COLUMNS
from haven.dynamics.lammps.program import read_thermo
from haven.trajectory.trajectory import open_npz


def segments(folder: Path) -> list[np.ndarray]:
    """Return the steps that each attempt at a run's production wrote."""
    logs = sorted(folder.glob("production.*.log"))
    parts = [read_thermo(log, len(COLUMNS))[:, 0].astype(int) for log in logs]
    return [part for part in parts if len(part)]


def test_the_study_ends_well(study: Study) -> None:
    assert study.status == 0, study.said
    runs = tables.read("runs", study.folder / "results" / "tables" / "runs.parquet")
    assert len(runs) == 6
    assert set(runs.steps) == {STEPS}


def test_dynamics_ran_two_at_a_time_on_a_gpu_each(study: Study) -> None:
    assert max(study.together) == 2
    assert {text.removeprefix("gres:") for text in study.asked} == {"gpu:1"}


def test_the_cancelled_run_was_tried_again_and_went_on_from_its_checkpoint(study: Study) -> None:
    tries = [(row["status"], row["attempt"], row["exit"])
             for row in study.killed + study.resumed if f"({study.cancelled})" in row["name"]
             and DYNAMICS in row["name"]]
    assert tries[0][0] == "FAILED" and tries[1][:2] == ("COMPLETED", "2"), tries
    folder = next(f for f in study.checkpoints() if f.name.startswith(f"{study.cancelled}_"))
    first, second = segments(folder)[:2]
    assert first[0] == 0
    assert second[0] >= max(study.before) > 0


def test_nothing_finished_was_run_again_after_the_head_died(study: Study) -> None:
    finished = {row["name"] for row in study.killed if row["status"] == "COMPLETED"}
    cached = {row["name"] for row in study.resumed if row["status"] == "CACHED"}
    assert sum(DYNAMICS in name for name in finished) >= 4
    assert finished <= cached
    for folder in study.checkpoints():
        starts = [part[0] for part in segments(folder)]
        assert starts.count(0) == 1, (folder.name, starts)


def test_joined_trajectories_have_every_frame_once(study: Study) -> None:
    for path in sorted((study.folder / "results" / "trajectories").glob("*.npz")):
        steps = np.rint(open_npz(path, "Li").time_ps / 0.002).astype(int)
        np.testing.assert_array_equal(steps, np.arange(0, STEPS + 1, EVERY))


def test_what_was_repeated_is_counted(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    tried = Counter(row["status"] for row in study.killed + study.resumed)
    parts = [segments(folder) for folder in study.checkpoints()]
    reused = [int(second[0]) for part in parts for second in part[1:]]
    repeated = [int(first[-1] - second[0]) for part in parts
                for first, second in pairwise(part)]
    assert len(reused) >= 1
    with capsys.disabled():
        print(f"\nSLURM: {tried['COMPLETED']} tasks computed, {tried['CACHED']} taken over after "
              f"the head was killed, {tried['FAILED']} failed and tried again; jobs of the "
              f"dynamics at once: {max(study.together)}; in flight when the head was killed: "
              f"{len(study.in_flight)}\n"
              f"checkpoints: {len(reused)} attempts went on from one, at steps {reused} of "
              f"{STEPS}; steps computed twice: {[max(0, n) for n in repeated]}")


@pytest.mark.parametrize(
    ("options", "said"),
    [(("--slurm_queue", "nowhere"), "invalid partition specified: nowhere"),
     (("--slurm_gpu_queue", "gpu", "--slurm_gres", "gpu:7"), "node configuration")],
)
def test_a_queue_or_gpu_that_is_not_there_is_one_clear_line(tmp_path, options, said) -> None:
    start = command(tmp_path, "wrong", "-stub", *options)
    done = subprocess.run(start, cwd=tmp_path, text=True, check=False, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600)
    assert done.returncode != 0
    lines = [line for line in done.stdout.splitlines() if line.startswith("haven: error:")]
    assert len(lines) == 1 and said in lines[0] and "sinfo" in lines[0], done.stdout


def test_small_runs_share_a_gpu() -> None:
    """Four shards of two GPUs: four jobs at once, where whole GPUs let two run."""
    for number in range(4):
        subprocess.run(["sbatch", "--partition=gpu", "--gres=shard:1", "--output=/dev/null",
                        f"--job-name=shard{number}", "--wrap", "sleep 60"], check=True)
    end, running = time.monotonic() + 60, 0
    while running < 4 and time.monotonic() < end:
        listed = subprocess.run(["squeue", "--noheader", "--states=R", "-o", "%j"], text=True,
                                check=True, stdout=subprocess.PIPE).stdout
        running = sum(name.startswith("shard") for name in listed.split())
        time.sleep(0.2)
    subprocess.run(["scancel", *(f"--name=shard{number}" for number in range(4))], check=True)
    assert running == 4
