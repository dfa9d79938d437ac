"""One miniature study through SLURM: a job cancelled, the Nextflow head killed, all resumed."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from jobs import restarts

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 1800
DYNAMICS = "RUN_DYNAMICS"
ATOMS = 40  # of a supercell of the profile test
STEPS, EVERY = 3000, 10  # of the production, and of its frames: 6 ps, 0.02 ps, 2 fs
FIRST = 4294960000  # above what SLURM gives jobs by their order
OPTIONS = (
    "-profile", "test,slurm", "-c", str(Path(__file__).parent / "nextflow.config"),
    "--slurm_queue", "cpu", "--slurm_gpu_queue", "gpu", "--slurm_gres", "gpu:1",
    "--models", str(ROOT / "assets" / "models" / "small"), "--compress", "false", "--u_ev", "4",
    "--temperatures_k", "298,313,328,343,358,373", "--cell", "material", "--directions", "[010]",
    "--production_ps", "6", "--checkpoint_minutes", "0.03",
)  # fmt: skip


@dataclass
class Study:
    """What happened: rows of the traces, runs in flight, jobs at once.

    ``cancelled`` names the run whose job was cancelled; ``before`` are the steps of its restart
    files at that moment. ``together`` counts the dynamics jobs seen running at once, ``asked``
    what each asked for.
    """

    folder: Path
    killed: list[dict[str, str]] = field(default_factory=list)
    resumed: list[dict[str, str]] = field(default_factory=list)
    cancelled: str = ""
    before: list[int] = field(default_factory=list)
    in_flight: set[str] = field(default_factory=set)
    together: set[int] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    status: int = -1
    said: str = ""

    def checkpoints(self) -> list[Path]:
        """Return the folders of the runs' checkpoints, without RUN_CELL's of one cell."""
        found = sorted((self.folder / "work" / "checkpoints").glob("u*_t*_r*"))
        return [folder for folder in found if (folder / "start.data").exists()
                and f"{ATOMS} atoms" in (folder / "start.data").read_text()]


def rows(trace: Path) -> list[dict[str, str]]:
    """Return the rows of a trace, as far as it is written."""
    if not trace.exists():
        return []
    with trace.open(newline="") as stream:
        return [row for row in csv.DictReader(stream, delimiter="\t") if row.get("status")]


def queue(state: str = "R") -> list[tuple[str, str, str]]:
    """Return number, run and resources of the dynamics jobs that run (or wait: PD) now."""
    listed = subprocess.run(["squeue", "--noheader", f"--states={state}", "-o", "%i|%j|%b"],
                            text=True, check=True, stdout=subprocess.PIPE).stdout
    found = [line.split("|") for line in listed.split("\n") if DYNAMICS in line]
    return [(number, name.split("(")[-1].rstrip(")"), asked) for number, name, asked in found]


def conduct(folder: Path) -> Study:
    """Start, cancel one job that has a checkpoint, kill the head, resume to the end."""
    folder.mkdir(parents=True)
    study = Study(folder)
    with (folder / "killed.out").open("w") as out:
        head = subprocess.Popen(command(folder, "killed"), cwd=folder, stdin=subprocess.DEVNULL,
                                stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
    _watch(study, head, lambda: _cancel(study))
    _watch(study, head, lambda: _half_way(study))
    study.in_flight = {run for _, run, _ in queue()}
    os.killpg(head.pid, signal.SIGKILL)
    head.wait()
    # what runs goes on to its end, beside the resumed study; what still waits is taken back
    subprocess.run(["scancel", "--user=root", "--state=PENDING"], check=True)
    study.killed = rows(folder / "killed.tsv")
    with (folder / "resumed.out").open("w") as out:
        head = subprocess.Popen(command(folder, "resumed", "-resume"), cwd=folder, stdout=out,
                                stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    _watch(study, head, lambda: head.poll() is not None)
    study.status, study.said = head.wait(), (folder / "resumed.out").read_text()
    study.resumed = rows(folder / "resumed.tsv")
    return study


def command(folder: Path, name: str, *more: str) -> list[str]:
    """Return the command line of a run of the pipeline; an option of ``more`` replaces ours."""
    pairs = [pair for pair in zip(OPTIONS[::2], OPTIONS[1::2], strict=True) if pair[0] not in more]
    return ["nextflow", "-log", f"{name}.log", "run", str(ROOT / "main.nf"), "-ansi-log", "false",
            "-with-trace", str(folder / f"{name}.tsv"), "--outdir", str(folder / "results"),
            *chain.from_iterable(pairs), *more]


def _watch(study: Study, head: subprocess.Popen[bytes], ready: Callable[[], bool]) -> None:
    """Look at the queue twice a second until something is ready."""
    end = time.monotonic() + LIMIT_S
    while not ready():
        said = "".join(f.read_text()[-3000:] for f in sorted(study.folder.glob("*.out")))
        assert head.poll() is None, f"the run ended early:\n{said}"
        assert time.monotonic() < end, f"nothing more happens:\n{said}"
        running = queue()
        study.together.add(len(running))
        study.asked |= {asked for _, _, asked in running}
        time.sleep(0.5)


def _cancel(study: Study) -> bool:
    """Cancel a job of the dynamics once it has written a restart file of its production."""
    numbers = {run: number for number, run, _ in queue()}
    for folder in study.checkpoints():
        run, steps = folder.name.rsplit("_", 1)[0], restarts(folder)
        if run in numbers and steps and steps[-1] < STEPS:
            subprocess.run(["scancel", numbers[run]], check=True)
            study.cancelled, study.before = run, steps
            return True
    return False


def _half_way(study: Study) -> bool:
    """Tell whether the cancelled run was tried again, and others are complete and in flight.

    The second try comes to the front of the queue; it would wait behind all others.
    """
    for number, run, _ in queue("PD"):
        if run == study.cancelled:
            subprocess.run(["scontrol", "update", f"JobId={number}", f"Priority={FIRST}"],
                           check=True)
    found = rows(study.folder / "killed.tsv")
    done = [row for row in found if DYNAMICS in row["name"] and row["status"] == "COMPLETED"]
    again = any(study.cancelled in row["name"] for row in done)
    return again and len(done) >= 4 and len(queue()) > 0
