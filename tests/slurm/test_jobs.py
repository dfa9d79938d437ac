"""Job arrays, a node that fails, jobs put back into the queue, one run started many times."""

from __future__ import annotations

import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import jobs
import numpy as np
import pytest

SAMPLES, TOGETHER = 24, 8
LIMIT_S = 900
PRODUCTION_PS = 40
EVERY = 10  # steps from frame to frame, as tests/nextflow.config has it
NODE = socket.gethostname().split(".")[0]


def control(*words: str, check: bool = True) -> None:
    subprocess.run(["scontrol", *words], check=check)


class Run:
    """One long run through SLURM, and what is waited for on its way."""

    def __init__(self, folder: Path) -> None:
        self.folder = jobs.prepare(folder, 1, PRODUCTION_PS)
        self.head = jobs.start(self.folder, "--checkpoint_minutes", "0.03")

    def wait(self, what: str, ready: Callable[[], bool]) -> None:
        end = time.monotonic() + LIMIT_S
        while not ready():
            said = (self.folder / "said").read_text()
            assert self.head.poll() is None, f"the run ended before {what}:\n{said}"
            assert time.monotonic() < end, f"{what} did not come:\n{said}"
            time.sleep(0.2)

    def advance(self) -> None:
        """Wait until a job runs and has left a restart file later than those that are there."""
        before = max(jobs.restarts(self.folder), default=0)
        self.wait("another restart file", lambda: bool(jobs.jobs("R"))
                  and max(jobs.restarts(self.folder), default=0) > before)

    def finish(self) -> list[dict[str, str]]:
        """Wait for the end, demand every frame once, and return the trace."""
        assert self.head.wait(timeout=LIMIT_S) == 0, (self.folder / "said").read_text()
        np.testing.assert_array_equal(jobs.frames(self.folder),
                                      np.arange(0, 1000 * PRODUCTION_PS + 1, EVERY))
        begun = jobs.starts(self.folder)
        assert begun.count(0) == 1 and len(begun) >= 2, begun
        return jobs.rows(self.folder)


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


@pytest.fixture
def node() -> Iterator[None]:
    """Whatever happens, the node is there for the next test."""
    yield
    control("update", f"NodeName={NODE}", "State=RESUME", check=False)


def test_a_run_goes_on_after_its_node_failed(tmp_path: Path, node: None) -> None:
    run = Run(tmp_path / "node")
    run.advance()
    control("update", f"NodeName={NODE}", "State=DOWN", "Reason=test")
    run.wait("the end of the job", lambda: not jobs.jobs("R"))
    control("update", f"NodeName={NODE}", "State=RESUME")
    found = run.finish()
    assert [row["status"] for row in found] == ["FAILED", "COMPLETED"], found
    assert found[0]["exit"] not in ("0", "2")  # lost, not ended by the script


def test_a_run_goes_on_after_its_job_was_put_back_into_the_queue(tmp_path: Path) -> None:
    """Nextflow's jobs ask not to be requeued; an operator may do it all the same."""
    run = Run(tmp_path / "requeue")
    run.advance()
    number, = jobs.jobs("R")
    control("update", f"JobId={number}", "Requeue=1")
    control("requeue", number)
    run.wait("its wait in the queue", lambda: number not in jobs.jobs("R"))
    control("update", f"JobId={number}", "StartTime=now", check=False)  # else it waits two minutes
    found = run.finish()
    assert [row["status"] for row in found].count("COMPLETED") == 1
    subprocess.run(["scancel", number], check=False)


def test_one_run_is_started_as_often_as_it_takes(tmp_path: Path) -> None:
    run = Run(tmp_path / "often")
    for _ in range(5):
        run.advance()
        subprocess.run(["scancel", *jobs.jobs("R")], check=True)
    found = run.finish()
    assert [row["status"] for row in found] == ["FAILED"] * 5 + ["COMPLETED"], found
    begun = jobs.starts(run.folder)
    assert len(begun) == 6 and begun == sorted(begun), begun
