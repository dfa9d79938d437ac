"""Calls of a real Nextflow on the whole pipeline."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 1800


@dataclass(frozen=True)
class Run:
    """One call of Nextflow: exit status, what it printed, and the status of each task."""

    status: int
    said: str
    tasks: dict[str, str]

    def names(self, *statuses: str) -> set[str]:
        """Names of the tasks that ended so."""
        return {name for name, status in self.tasks.items() if status in statuses}


def tasks_of(trace: Path) -> dict[str, str]:
    """Status by task name, as far as the trace is written."""
    if not trace.exists():
        return {}
    with trace.open(newline="") as stream:
        rows = csv.DictReader(stream, delimiter="\t")
        return {row["name"]: row["status"] for row in rows if row["status"]}


def command(folder: Path, trace: str, root: Path, *options: str) -> list[str]:
    """Return the command line of a run in a folder."""
    return [
        "nextflow", "-log", f"{trace}.log", "run", str(root / "main.nf"), "-ansi-log", "false",
        "-with-trace", str(folder / trace), "--outdir", str(folder / "results"), *options,
    ]  # fmt: skip


def nextflow(folder: Path, trace: str, *options: str, root: Path = ROOT) -> Run:
    """Run the pipeline in a folder, to its end."""
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        command(folder, trace, root, *options), cwd=folder, text=True, check=False,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT_S,
    )  # fmt: skip
    print(done.stdout)
    return Run(done.returncode, done.stdout, tasks_of(folder / trace))


def nextflow_killed(folder: Path, trace: str, *options: str, after: int) -> Run:
    """Run the pipeline, and kill it and all its tasks once some are complete."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        (folder / "killed.out").open("w+") as out,
        subprocess.Popen(
            command(folder, trace, ROOT, *options), cwd=folder, stdin=subprocess.DEVNULL,
            stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
        ) as flow,
    ):  # fmt: skip
        end = time.monotonic() + LIMIT_S
        seen: dict[str, str] = {}
        while flow.poll() is None and time.monotonic() < end and len(seen) < after:
            time.sleep(0.5)
            seen = tasks_of(folder / trace)
        time.sleep(2)  # what the trace lists is in Nextflow's own records by now
        try:
            os.killpg(flow.pid, signal.SIGKILL)
        except ProcessLookupError:
            pytest.fail("the run ended before it was killed")
        finally:
            said = (folder / "killed.out").read_text()
            print(said)
    return Run(flow.returncode, said, seen)


@dataclass(frozen=True)
class Miniature:
    """The real miniature run: killed on its way, resumed to its end, and resumed once more."""

    killed: Run
    resumed: Run
    again: Run
    results: Path
