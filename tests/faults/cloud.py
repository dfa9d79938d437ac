#!/usr/bin/env python3
"""Dynamics through AWS Batch with its work folder in S3, whose machine is taken back in the middle.

Nextflow's own executor and file system for AWS (plugin nf-amazon) talk to a stand-in of AWS on
this machine, moto's proxy; a job that is submitted there is run as a process in a folder of its
own, with the AWS command line for its files, as on a machine that has nothing else. A machine taken
back is that process and folder gone. The checkpoints' folder stays, as a shared file system does.
By hand, with what the locks do not hold:

    python3 -m venv /tmp/aws && /tmp/aws/bin/pip install 'moto[all]' awscli
    export PYTHONPATH=bin NXF_PLUGINS_DIR=/tmp/plugins    # of nf-amazon, where none is fetched
    python tests/faults/cloud.py --aws /tmp/aws/bin --take 2
    python tests/faults/cloud.py --aws /tmp/aws/bin --take 1 --head    # Nextflow killed, too
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "slurm"))
if "--serve" not in sys.argv:  # moto's Python has none of these
    import jobs
    import numpy as np

    from haven.trajectory.trajectory import open_npz
REGION, BUCKET, ACCOUNT = "eu-central-1", "haven-work", "123456789012"
PS, DUMP_PS = 3, 0.02
KEYS = {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none", "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION}
HERE = """
aws.batch.volumes      = []
aws.batch.cliPath      = null
executor.pollInterval  = '2 sec'
docker.enabled         = false
process.containerOptions = ''
process { withLabel: process_gpu { accelerator = null } } // a task refuses to run without one
"""


def serve(port: int, place: Path, take: int) -> None:
    """Be AWS: started with the Python that has moto, ends with its process."""
    from datetime import datetime

    from moto import proxy  # pyright: ignore[reportMissingImports]
    from moto.batch import models  # pyright: ignore[reportMissingImports]
    from moto.moto_proxy.certificate_creator import (  # pyright: ignore[reportMissingImports]
        CertificateCreator,
    )

    gone: list[str] = []
    details = models.Job._container_details

    def whole(self: Any) -> dict[str, Any]:
        """What a job asks, in whole numbers as AWS tells them; moto says 1.0."""
        told = details(self)
        return told | {name: int(float(told[name])) for name in ("vcpus", "memory")}

    models.Job._container_details = whole

    def further(before: set[str]) -> bool:
        """Whether a run has left two restart files that were not there."""
        return len({path.name for path in (place / "efs").glob("*/production.*.restart")}
                   - before) > 1

    def run(self: Any) -> None:
        machine = place / "machines" / self.job_id
        machine.mkdir(parents=True)
        asked = self._container_details()
        before = {path.name for path in (place / "efs").glob("*/production.*.restart")}
        env = os.environ | KEYS | {
            "TMPDIR": str(machine), "HTTPS_PROXY": f"http://127.0.0.1:{port}",
            "AWS_CA_BUNDLE": CertificateCreator.cacert,
            "PATH": f"{os.environ['PATH']}:{Path(sys.executable).parent}",
        } | {one["name"]: one["value"] for one in asked["environment"]}
        self.job_started_at, self.status = datetime.now(), models.JobStatus.RUNNING
        self._start_attempt()
        with (place / f"{self.job_name}.log").open("ab") as log:
            process = subprocess.Popen(asked["command"], cwd=machine, env=env, stdout=log,
                                       stderr=log, start_new_session=True)
        while process.poll() is None:
            lost = len(gone) < take and "RUN_DYNAMICS" in self.job_name and further(before)
            if lost or self.stop:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                shutil.rmtree(machine, ignore_errors=True)
                self.job_stopped_reason = "Host EC2 (instance i-0123) terminated."
                if lost:
                    gone.append(self.job_id)
                    (place / "taken.json").write_text(json.dumps(gone))
                self._mark_stopped(success=False)
                return
            time.sleep(0.2)
        self.exit_code = process.returncode
        shutil.rmtree(machine, ignore_errors=True)
        self._mark_stopped(success=process.returncode == 0)

    models.Job.run = run
    proxy.main(["--port", str(port)])


class Cloud:
    """The stand-in, with a bucket and two queues."""

    def __init__(self, aws: Path, place: Path, take: int) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.aws = aws
        (place / "efs").mkdir(parents=True)
        with (place / "server.log").open("wb") as log:
            self.server = subprocess.Popen(
                [aws / "python", __file__, "--serve", str(self.port), "--place", str(place),
                 "--take", str(take)], stdout=log, stderr=log, start_new_session=True)
        for _ in range(200):
            with socket.socket() as asked:
                if asked.connect_ex(("127.0.0.1", self.port)) == 0:
                    break
            time.sleep(0.1)
        else:
            raise SystemExit((place / "server.log").read_text())
        role = f"arn:aws:iam::{ACCOUNT}:role/haven"
        self.ask("s3", "mb", f"s3://{BUCKET}")
        self.ask("iam", "create-role", "--role-name", "haven", "--assume-role-policy-document",
                 "{}")
        self.ask("batch", "create-compute-environment", "--compute-environment-name", "haven",
                 "--type", "UNMANAGED", "--state", "ENABLED", "--service-role", role)
        for queue in ("haven-cpu", "haven-gpu"):
            self.ask("batch", "create-job-queue", "--job-queue-name", queue, "--priority", "1",
                     "--state", "ENABLED", "--compute-environment-order",
                     "order=1,computeEnvironment=haven")

    def ask(self, *words: str) -> str:
        """Call the AWS command line."""
        done = subprocess.run(
            [self.aws / "aws", "--no-verify-ssl", *words], text=True, check=False,
            capture_output=True, env=os.environ | KEYS | {
                "HTTPS_PROXY": f"http://127.0.0.1:{self.port}", "PYTHONWARNINGS": "ignore"})
        if done.returncode:
            raise SystemExit(f"aws {' '.join(words)}: {done.stderr}")
        return done.stdout

    def states(self) -> dict[str, int]:
        """Return how many jobs are in which state."""
        counted: dict[str, int] = {}
        for queue in ("haven-cpu", "haven-gpu"):
            for state in ("RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED"):
                told = json.loads(self.ask("batch", "list-jobs", "--job-queue", queue,
                                           "--job-status", state))["jobSummaryList"]
                counted[state] = counted.get(state, 0) + len(told)
        return {state: number for state, number in counted.items() if number}

    def nextflow(self, folder: Path, trace: str, *more: str) -> subprocess.Popen[bytes]:
        """Start the pipeline of the folder there; what it says goes to ``said``."""
        there = [f"-Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort={self.port}",
                 "-Dcom.amazonaws.sdk.disableCertChecking=true", os.environ.get("NXF_OPTS", "")]
        with (folder / "said").open("wb") as said:
            return subprocess.Popen(
                ["nextflow", "run", "main.nf", "-ansi-log", "false",
                 "-work-dir", f"s3://{BUCKET}/work",
                 "-c", str(ROOT / "conf" / "site" / "aws_batch.config"),
                 "-c", str(ROOT / "tests" / "nextflow.config"), "-c", "here.config",
                 "-with-trace", trace, *more], cwd=folder, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT,
                env=os.environ | KEYS | {"NXF_OPTS": " ".join(there)})


def rows(trace: Path) -> list[tuple[str, str, str]]:
    """Return name, status and exit of each try."""
    with trace.open(newline="") as stream:
        return [(row["name"], row["status"], row["exit"])
                for row in csv.DictReader(stream, delimiter="\t")]


def prepared(place: Path, runs: int, config: str) -> Path:
    """Return a folder that runs of dynamics are launched from, with a configuration of its own."""
    folder = jobs.prepare(place / "launch", runs, PS)
    (folder / "here.config").write_text(config)
    return folder


def options(place: Path) -> tuple[str, ...]:
    """Return the parameters of a run whose checkpoints lie in the folder ``efs``."""
    return ("--checkpoint_dir", str(place / "efs"), "--checkpoint_minutes", "0.02", "--dump_ps",
            str(DUMP_PS))


def report(folder: Path, place: Path, lost: int) -> None:
    """Print what came of a run."""
    for name, status, ended in rows(folder / "first.tsv"):
        print(f"{name}: {status}, exit {ended}")
    whole = np.arange(0, 1000 * PS + 1, round(1000 * DUMP_PS))
    for path in sorted(folder.glob("results/trajectories/*.npz")):
        found = np.rint(open_npz(path, "Li").time_ps / 0.001).astype(int)
        print(f"{path.name}: every frame once: {np.array_equal(found, whole)}")
    print(f"machines taken away: {lost}; productions began at steps {jobs.begun(place / 'efs')}")


def conduct(cloud: Cloud, place: Path, given: argparse.Namespace) -> None:
    """Run, with machines taken back, then once more with -resume; print what came of it."""
    folder = prepared(place, given.runs, HERE)
    if given.head:  # once all machines were taken that are to be
        head = cloud.nextflow(folder, "killed.tsv", *options(place))
        while head.poll() is None and len(taken(place)) < given.take:
            time.sleep(0.2)
        time.sleep(given.wait_s)
        os.killpg(head.pid, signal.SIGKILL)
        print(f"Nextflow killed: {head.wait() == -signal.SIGKILL}; jobs then:", cloud.states())
    done = cloud.nextflow(folder, "first.tsv", *["-resume"] * given.head, *options(place))
    if done.wait():
        raise SystemExit(f"{(folder / 'said').read_text()}\n"
                         f"{(folder / '.nextflow.log').read_text()[-6000:]}")
    report(folder, place, len(taken(place)))
    held = cloud.ask("s3", "ls", "--recursive", f"s3://{BUCKET}/work").splitlines()
    print(f"objects in the bucket: {len(held)}")
    again = cloud.nextflow(folder, "again.tsv", "-resume", *options(place)).wait()
    print("again with -resume:", *sorted(status for _, status, _ in rows(folder / "again.tsv")),
          f"(status {again})")


def taken(place: Path) -> list[str]:
    """Return the jobs whose machines were taken back."""
    told = place / "taken.json"
    return json.loads(told.read_text()) if told.exists() else []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--aws", type=Path, help="folder of moto's Python and of the program aws")
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--take", type=int, default=2, help="machines that are taken back")
    parser.add_argument("--head", action="store_true", help="Nextflow is killed, too")
    parser.add_argument("--wait_s", type=float, default=15,
                        help="from the last machine that is taken to Nextflow's end")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--place", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(given.serve, given.place, given.take)
        return
    with tempfile.TemporaryDirectory(prefix="haven_cloud_", ignore_cleanup_errors=True) as text:
        place = Path(text)
        cloud = Cloud(given.aws, place, given.take)
        try:
            conduct(cloud, place, given)
        finally:
            for log in sorted(place.glob("*.log")):
                print(f"--- {log.name}\n{log.read_text(errors='replace')[-1500:]}", file=sys.stderr)
            os.killpg(cloud.server.pid, signal.SIGKILL)
            cloud.server.wait()


if __name__ == "__main__":
    main()
