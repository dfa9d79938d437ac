#!/usr/bin/env python3
"""What Nextflow costs per task: stub runs of the dynamics, 12, 48 and 480 at once.

The process, its labels, resources and staged files are the pipeline's own; only what it computes
is left out. Printed are the wall times and their straight line: start-up and seconds a task.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
include {{ RUN_DYNAMICS }} from '{root}/modules/run_dynamics'

workflow {{
    ch_runs = channel.of(1..{tasks}).map {{ n ->
        [[id: "u4_t${{n}}_r0", u_ev: 4, seed: 1, replica: 0, temperature_k: n],
         file('{root}/LICENSE'), file('{root}/README.md'), []] }}
    RUN_DYNAMICS(ch_runs, file('{root}/assets/materials/li3ticl6.yml'), 'code')
}}
"""


def wall_s(tasks: int, forks: int, more: list[str]) -> float:
    """Return the wall time of a stub run, s."""
    with tempfile.TemporaryDirectory(prefix="haven_fanout_") as folder:
        place = Path(folder)
        (place / "main.nf").write_text(SCRIPT.format(root=ROOT, tasks=tasks))
        (place / "nextflow.config").write_text(
            f"includeConfig '{ROOT}/conf/base.config'\nprocess.resourceLimits = [memory: 1.MB]\n"
            f"executor.cpus = {forks}\nexecutor.memory = '{forks} GB'\n")
        start = time.monotonic()
        done = subprocess.run(["nextflow", "run", "main.nf", "-stub", "-ansi-log", "false", *more],
                              cwd=place, text=True, capture_output=True, check=False)
        wall = time.monotonic() - start
        made = len(list(place.glob("work/*/*/*.trajectory.npz")))
        if done.returncode or made != tasks:
            raise SystemExit(f"{made} of {tasks} tasks ended well:\n{done.stdout}{done.stderr}")
        return wall


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, nargs="+", default=[12, 48, 480])
    parser.add_argument("--forks", type=int, default=16, help="tasks at once")
    parser.add_argument("more", nargs="*", help="options of Nextflow, after --")
    given = parser.parse_args()
    walls = [wall_s(tasks, given.forks, given.more) for tasks in given.tasks]
    for tasks, wall in zip(given.tasks, walls, strict=True):
        print(f"{tasks:5d} tasks {wall:8.1f} s")
    slope, start = np.polyfit(given.tasks, walls, 1)
    print(f"start-up {start:.1f} s, {1000 * slope:.0f} ms a task, {given.forks} tasks at once")


if __name__ == "__main__":
    main()
