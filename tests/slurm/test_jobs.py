"""Job arrays, a job that holds several runs, and a run whose jobs end in every way but the good."""

from __future__ import annotations

import shlex
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import jobs
import numpy as np
import pytest

SAMPLES, TOGETHER, PACKED = 24, 8, 2
LIMIT_S = 600
PRODUCTION_PS, DUMP_PS = 8, 0.02
NODE = socket.gethostname().split(".")[0]


def control(*words: str, check: bool = True) -> None:
    subprocess.run(["scontrol", *words], check=check)


class Run:
    """One long run through SLURM, and what is waited for on its way."""

    def __init__(self, folder: Path) -> None:
        self.folder = jobs.prepare(folder, 1, PRODUCTION_PS)
        self.begun = 0  # jobs whose production was waited for
        self.head = jobs.start(self.folder, "--checkpoint_minutes", "0.02", "--dump_ps",
                               str(DUMP_PS))

    def wait(self, what: str, ready: Callable[[], bool]) -> None:
        end = time.monotonic() + LIMIT_S
        while not ready():
            said = (self.folder / "said").read_text()
            assert self.head.poll() is None, f"the run ended before {what}:\n{said}"
            assert time.monotonic() < end, f"{what} did not come:\n{said}"
            time.sleep(0.2)

    def advance(self) -> str:
        """Wait until a further job has left a restart file in its production; return its number.

        What a job that was ended writes last, when the next one is in the queue, is not the next's.
        """
        self.begun += 1
        self.wait("a further job's production",
                  lambda: len(jobs.starts(self.folder)) >= self.begun)
        before = self.latest()
        self.wait("another restart file", lambda: bool(jobs.jobs("R")) and self.latest() > before)
        return jobs.jobs("R")[0]

    def latest(self) -> int:
        """Return the step of the latest restart file that may be gone on from."""
        return max((step for folder in self.folder.glob("work/checkpoints/*")
                    for step in jobs.restarts(folder)), default=0)


@pytest.fixture
def node() -> Iterator[None]:
    """Whatever happens, the node is there for the next test, without jobs."""
    yield
    control("update", f"NodeName={NODE}", "State=RESUME", check=False)  # says so where it is up
    subprocess.run(["scancel", "--user=root"], check=False)


def test_a_run_outlives_cancelled_jobs_a_failed_node_and_a_requeue(tmp_path: Path, node: None,
                                                                    ) -> None:
    run = Run(tmp_path / "run")
    subprocess.run(["scancel", run.advance()], check=True)
    run.advance()
    control("update", f"NodeName={NODE}", "State=DOWN", "Reason=test")
    run.wait("the end of the job", lambda: not jobs.jobs("R"))
    control("update", f"NodeName={NODE}", "State=RESUME")
    # Nextflow's jobs ask not to be put back into the queue; an operator may do it all the same.
    number = run.advance()
    control("update", f"JobId={number}", "Requeue=1")
    control("requeue", number)
    run.wait("its wait in the queue", lambda: number not in jobs.jobs("R"))
    control("update", f"JobId={number}", "StartTime=now", check=False)  # else it waits two minutes
    assert run.head.wait(timeout=LIMIT_S) == 0, (run.folder / "said").read_text()
    found = jobs.rows(run.folder)
    states = [row["status"] for row in found]
    assert states.count("COMPLETED") == 1 and states.count("FAILED") in (2, 3), found
    assert {row["exit"] for row in found if row["status"] == "FAILED"}.isdisjoint({"0", "2"})
    begun = jobs.starts(run.folder)
    assert begun[0] == 0 < begun[1] and begun == sorted(begun) and len(begun) >= 4, begun
    steps = np.arange(0, 1000 * PRODUCTION_PS + 1, round(1000 * DUMP_PS))
    np.testing.assert_array_equal(jobs.frames(run.folder), steps)


def test_samples_go_to_the_scheduler_as_job_arrays(tmp_path: Path) -> None:
    folder = jobs.prepare(tmp_path / "arrays", SAMPLES, 1)
    done = subprocess.run(jobs.command("-stub", "--job_array", str(TOGETHER)), cwd=folder,
                          text=True, check=False, stdin=subprocess.DEVNULL, timeout=LIMIT_S,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    found = jobs.rows(folder)
    assert Counter(row["status"] for row in found) == {"COMPLETED": SAMPLES}
    arrays = Counter(row["native_id"].split("_")[0] for row in found)
    assert list(arrays.values()) == [TOGETHER] * (SAMPLES // TOGETHER), arrays


def test_one_job_holds_several_runs(tmp_path: Path) -> None:
    """Nextflow itself is the job, as conf/site/slurm_gpu.config tells for runs that are small."""
    folder = jobs.prepare(tmp_path / "packed", PACKED, 1)
    inside = ["nextflow", "run", "main.nf", "-ansi-log", "false", "-c",
              "tests/nextflow.config", "-with-trace", "trace.tsv"]
    began = subprocess.run(
        ["sbatch", "--wait", "--cpus-per-task=2", "--gres=gpu:1", "--partition=gpu",
         "--output=said", "--job-name=packed", "--wrap", shlex.join(inside)],
        cwd=folder, text=True, check=False, stdout=subprocess.PIPE, timeout=LIMIT_S)
    assert began.returncode == 0, (folder / "said").read_text()
    found = jobs.rows(folder)
    assert Counter(row["status"] for row in found) == {"COMPLETED": PACKED}
    assert not jobs.jobs("R", "PD")
    assert len(list(folder.glob("results/trajectories/*.npz"))) == PACKED
