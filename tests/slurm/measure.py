#!/usr/bin/env python3
"""Figures of a SLURM on this machine, by hand: what 480 samples cost, and a run in a short queue.

    PYTHONPATH=bin python tests/slurm/measure.py samples --runs 480 --array 0 48
    PYTHONPATH=bin python tests/slurm/measure.py restarts --production_ps 400

``samples`` sends stub runs of the dynamics through SLURM, and the same number of jobs that do
nothing by ``sbatch`` alone: the difference is Nextflow's. ``restarts`` runs one simulation in a
partition that ends every job after a minute, until it is complete. A cluster is started in a
folder that is removed, and ended.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import time
from pathlib import Path

import jobs
import numpy as np

HERE = Path(__file__).resolve().parent


def nextflow_s(folder: Path, runs: int, together: int) -> float:
    """Return the wall time of stub runs through Nextflow and SLURM, s."""
    place, began = jobs.prepare(folder, runs, 1), time.monotonic()
    more = ("--job_array", str(together)) if together else ()
    done = subprocess.run(jobs.command("-stub", *more), cwd=place, text=True, check=False,
                          stdin=subprocess.DEVNULL, capture_output=True)
    wall = time.monotonic() - began
    ended = [row["status"] for row in jobs.rows(place)].count("COMPLETED")
    if done.returncode or ended != runs:
        raise SystemExit(f"{ended} of {runs} runs ended well:\n{done.stdout}{done.stderr}")
    return wall


def slurm_s(runs: int) -> float:
    """Return the wall time of jobs that do nothing, submitted one by one, s."""
    began = time.monotonic()
    for _ in range(runs):
        subprocess.run(["sbatch", "--quiet", "--output=/dev/null", "--job-name=empty", "--wrap",
                        "true"], check=True, stdout=subprocess.DEVNULL)
    while subprocess.run(["squeue", "--noheader", "--name=empty"], text=True, check=True,
                         stdout=subprocess.PIPE).stdout.strip():
        time.sleep(1)
    return time.monotonic() - began


def samples(folder: Path, given: argparse.Namespace) -> None:
    """Print seconds of all samples and of one, with and without Nextflow."""
    alone = slurm_s(given.runs)
    start = nextflow_s(folder / "one", 1, 0)
    print(f"{given.runs} empty jobs by sbatch: {alone:.0f} s")
    print(f"1 stub run by Nextflow: {start:.0f} s")
    for together in given.array:
        wall = nextflow_s(folder / f"array{together}", given.runs, together)
        how = f"job arrays of {together}" if together else "one job each"
        cost = 1000 * (wall - start) / (given.runs - 1)
        print(f"{given.runs} stub runs by Nextflow, {how}: {wall:.0f} s, {cost:.0f} ms a run, "
              f"{cost - 1000 * alone / given.runs:.0f} ms more than sbatch alone", flush=True)


def restarts(folder: Path, given: argparse.Namespace) -> None:
    """Print how often a run was started, where each attempt began, and what was lost."""
    place, began = jobs.prepare(folder / "run", 1, given.production_ps), time.monotonic()
    (place / "short.config").write_text("process.resourceLimits = [time: 1.min]\n")
    head = jobs.start(place, "-c", "short.config", "--slurm_queue", "short",
                      "--checkpoint_minutes", "0.1", "--dump_ps", "0.1")
    status = head.wait()
    wall, said = time.monotonic() - began, (place / "said").read_text()
    if status:
        raise SystemExit(said)
    steps, begun = jobs.frames(place), jobs.starts(place)
    whole = np.array_equal(steps, np.arange(0, 1000 * given.production_ps + 1, 100))
    exits = [row["exit"] for row in jobs.rows(place)]
    print(f"{given.production_ps:g} ps in a partition of one minute: {len(exits)} jobs (exit "
          f"{', '.join(exits)}), {wall:.0f} s\nproduction began at steps {begun}; every frame "
          f"once: {whole}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("samples", "restarts"))
    parser.add_argument("--runs", type=int, default=480)
    parser.add_argument("--array", type=int, nargs="+", default=[0, 48],
                        help="runs in a job array, 0 for none; several are measured in turn")
    parser.add_argument("--production_ps", type=float, default=400)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="haven_slurm_") as text:
        folder = Path(text)
        cluster = folder / "cluster"
        subprocess.run([HERE / "cluster.sh", "start", cluster, str(os.getpid())], check=True)
        os.environ["SLURM_CONF"] = str(cluster / "slurm.conf")
        try:
            {"samples": samples, "restarts": restarts}[given.what](folder, given)
        finally:
            subprocess.run([HERE / "cluster.sh", "stop", cluster], check=True)


if __name__ == "__main__":
    main()
