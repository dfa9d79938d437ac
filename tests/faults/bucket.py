#!/usr/bin/env python3
"""Dynamics whose checkpoints lie in an S3 bucket, killed again and again with its whole machine.

As Fusion does, a file is put into the bucket once it is closed; at a kill the folder is gone, and
the next machine has what the bucket has. A piece has four restart files; a kill comes up to eight
seconds after the bucket has a restart file and its checksum that the run had not begun from. By
hand, with an S3 server that the locks do not hold:

    python3 -m venv /tmp/s3 && /tmp/s3/bin/pip install 'moto[server]'
    export PYTHONPATH=bin:tests/python:tests/python/dynamics
    python tests/faults/bucket.py --server /tmp/s3/bin/moto_server --kills 4
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import damage  # pyright: ignore[reportMissingImports]
import numpy as np
from test_pieces import open_files  # pyright: ignore[reportMissingImports]

from haven.core.reading import checksums
from haven.dynamics import job as jobs
from haven.dynamics.job import COLUMNS, Job
from haven.dynamics.lammps import program as lammps
from haven.dynamics.runs import run as dynamics
from haven.dynamics.runs import segments

EVERY = 20
MINUTES = 0.001  # between restart files; LAMMPS rounds it up to a second
PIECE_MINUTES = 4 * MINUTES
WAIT_S = 8.0


class Bucket:
    """A bucket of an S3 server on this machine."""

    def __init__(self, server: str, port: int) -> None:
        self.server = subprocess.Popen([server, "-p", str(port)], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
        self.place = f"http://127.0.0.1:{port}/haven"
        self.have: dict[str, tuple[int, int]] = {}
        self.listed: set[str] = set()  # files whose checksums it has
        for _ in range(300):
            try:
                self._ask("PUT", "")
                return
            except OSError:
                time.sleep(0.2)
        raise SystemExit(f"{server} did not answer")

    def _ask(self, method: str, name: str, data: bytes | None = None) -> bytes:
        asked = urllib.request.Request(f"{self.place}{name}", data=data, method=method,
                                       headers={"Content-Type": "application/octet-stream",
                                                "Authorization": "AWS none:none"})
        with urllib.request.urlopen(asked) as answer:
            return answer.read()

    def put_closed(self, folder: Path) -> None:
        """Put every file that is new or changed, and that nothing has open."""
        busy = {path.name for path in open_files(folder)}
        now: dict[str, tuple[int, int]] = {}
        for path in folder.iterdir():
            try:
                held = path.stat()
                now[path.name] = mark = (held.st_mtime_ns, held.st_size)
                if path.name not in busy and self.have.get(path.name) != mark:
                    self._ask("PUT", f"/{path.name}", content := path.read_bytes())
                    self.have[path.name] = mark
                    if path.name == checksums.NAME:
                        self.listed = {line[66:] for line in content.decode().splitlines()}
            except FileNotFoundError:  # replaced in this moment: the next time
                continue
        for name in set(self.have) - set(now):
            self._ask("DELETE", f"/{name}")
            del self.have[name]

    def restart(self) -> int:
        """Return the step of the latest restart file of the production that has its checksum."""
        return max((int(name.split(".")[1]) for name in self.have.keys() & self.listed
                    if name.startswith("production.") and name.endswith(".restart")), default=0)

    def get(self, folder: Path) -> None:
        """Write everything into a new folder."""
        folder.mkdir()
        listed = ElementTree.fromstring(self._ask("GET", "?list-type=2"))
        for key in listed.iter():
            if key.tag.endswith("}Key"):
                (folder / str(key.text)).write_bytes(self._ask("GET", f"/{key.text}"))
        self.have = {path.name: (path.stat().st_mtime_ns, path.stat().st_size)
                     for path in folder.iterdir()}


def job_in(folder: Path, steps: int) -> Job:
    """Return the run, whose start is put into the folder where it lacks."""
    lacks = not (folder / "start.data").exists()
    made = damage.start(folder) if lacks else replace(damage.JOB, potentials=tuple(
        sorted(path.name for path in folder.glob("potential*"))))
    return replace(made, production_steps=steps, dump_steps=EVERY, checkpoint_minutes=MINUTES)


def begins(folder: Path, steps: int) -> int:
    """Return where the production would go on."""
    found = dynamics._production(job_in(folder, steps), folder)
    return steps if found is None else found.step


def killed(bucket: Bucket, folder: Path, steps: int, wait_s: float) -> tuple[int, int]:
    """Run on a machine of its own, killed once it got further; return where it began and was."""
    bucket.get(folder)
    began = begins(folder, steps) if (folder / "start.data").exists() else 0
    machine = subprocess.Popen([sys.executable, __file__, "--folder", str(folder), "--steps",
                                str(steps)], start_new_session=True)
    end = np.inf
    try:
        while time.monotonic() < end:
            if machine.poll() is not None:
                raise SystemExit(f"the run ended by itself with status {machine.returncode}")
            bucket.put_closed(folder)
            if end == np.inf and bucket.restart() > began:
                end = time.monotonic() + wait_s
            time.sleep(0.1)
    finally:
        os.killpg(machine.pid, signal.SIGKILL)
        machine.wait()
    logs = [lammps.read_thermo(path, len(COLUMNS)) for path in folder.glob("production.a*.log")]
    shutil.rmtree(folder, ignore_errors=True)
    return began, max((int(rows[-1, 0]) for rows in logs if len(rows)), default=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", default="moto_server", help="the S3 server's program")
    parser.add_argument("--port", type=int, default=5599)
    parser.add_argument("--kills", type=int, default=4)
    parser.add_argument("--steps", type=int, default=10**7, help="of the production")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=1, help="of the moments of the kills")
    given = parser.parse_args()
    jobs.PIECE_MINUTES = PIECE_MINUTES
    if given.folder:  # the machine that is killed
        dynamics.POLL_S, dynamics.REPORT_S = 0.05, 0.2
        dynamics.run_phases(job_in(given.folder, given.steps), given.folder, lambda _phase: "")
        return
    with tempfile.TemporaryDirectory(prefix="haven_bucket_", ignore_cleanup_errors=True) as text:
        bucket = Bucket(given.server, given.port)
        try:
            rng, reached = np.random.default_rng(given.seed), 0
            for number in range(given.kills):
                began, now = killed(bucket, Path(text) / f"machine{number}", given.steps,
                                    float(rng.uniform(0, WAIT_S)))
                print(f"machine {number}: production began at step {began} ({reached - began} "
                      f"computed again), killed after step {now}", flush=True)
                reached = now
            last = Path(text) / "last"
            bucket.get(last)
            found = begins(last, given.steps)
            steps = found // EVERY * EVERY + EVERY
            job = job_in(last, steps)
            if dynamics.run_phases(job, last, lambda _phase: "") != "complete":
                raise SystemExit("the run did not end well")
            joined = segments.join_segments(job, last)
            once = np.array_equal(joined.steps, np.arange(0, steps + 1, EVERY))
            alone = Path(text) / "alone"
            alone.mkdir()
            whole = job_in(alone, steps)
            jobs.PIECE_MINUTES = 60
            dynamics.run_phases(replace(whole, checkpoint_minutes=60), alone, lambda _phase: "")
            apart = np.abs(joined.mobile - segments.join_segments(whole, alone).mobile).max()
            print(f"the last machine went on from step {found} ({reached - found} computed again); "
                  f"every frame of {steps} steps once: {once}; positions differ from those of an "
                  f"undisturbed run by {apart:.1g} Angstrom at most")
        finally:
            bucket.server.kill()
            bucket.server.wait()


if __name__ == "__main__":
    main()
