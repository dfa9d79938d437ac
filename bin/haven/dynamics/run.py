"""Molecular dynamics in segments: restarts that survive anything, progress, stops."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from haven.core.errors import HavenError, log
from haven.dynamics import lammps
from haven.dynamics.job import COLUMNS, PHASES, Job, script

POLL_S = 0.2
REPORT_S = 20.0
FULL_BYTES = 1 << 16


def restarts(folder: Path, phase: str) -> list[tuple[int, Path]]:
    """Return the whole restart files of a phase, latest first; damaged ones are named."""
    found = []
    for path in folder.glob(f"{phase}.*.restart"):
        step = path.name.split(".")[1]
        if not step.isdigit():
            continue
        if lammps.whole_restart(path):
            found.append((int(step), path))
        else:
            log.warning("restart %s is cut off: an earlier one is used", path.name)
    return sorted(found, reverse=True)


def next_attempt(folder: Path) -> int:
    """Return a number no earlier attempt's files carry."""
    used = [int(m.group(1)) for f in folder.iterdir()
            if (m := re.match(r"(?:equilibration|production)\.a(\d+)\.", f.name))]
    return max(used, default=0) + 1


def run(job: Job, folder: Path, watch: Callable[[str], str]) -> str:
    """Run what is missing of both phases in ``folder`` and return how it ended.

    Parameters
    ----------
    job
        The run.
    folder
        Kept between attempts.
    watch
        Called with the phase while it runs; says ``melted`` or ``drifting`` to stop it, else
        nothing.

    Returns
    -------
    str
        ``complete``, ``exploded``, ``melted`` or ``drifting``.

    Raises
    ------
    HavenError
        If LAMMPS fails for another reason than the physics (memory, disk, a damaged potential).
    """
    for phase in job.phases:
        goal, beyond = job.steps(phase), restarts(folder, PHASES[1])
        if phase == PHASES[0] and beyond:
            continue
        while True:
            have = restarts(folder, phase)
            if have and have[0][0] >= goal:
                break
            ended = _attempt(job, phase, folder, have, watch)
            if ended:
                return ended
    return "complete"


def _source(
    job: Job, phase: str, folder: Path, have: list[tuple[int, Path]]
) -> tuple[str, bool]:
    if have:
        return f"read_restart {have[0][1].name}", False
    if phase == job.phases[0]:
        return "read_data start.data", True
    before = restarts(folder, PHASES[0])
    if not before:
        raise HavenError(f"{folder}: no whole restart of the equilibration is left: remove the "
                         "folder and run again")
    return f"read_restart {before[0][1].name}", True


def _attempt(
    job: Job, phase: str, folder: Path, have: list[tuple[int, Path]], watch: Callable[[str], str]
) -> str:
    """Run one LAMMPS process; return why the run must end, or nothing when it got further."""
    source, fresh = _source(job, phase, folder, have)
    if not fresh:
        log.info("%s goes on from step %d of %d", phase, have[0][0], job.steps(phase))
    attempt = next_attempt(folder)
    stem = f"{phase}.a{attempt:03d}"
    (folder / f"{stem}.in").write_text(script(job, phase, source, fresh, attempt))
    process = lammps.start(folder, f"{stem}.in", f"{stem}.log", job.threads)
    try:
        code, reason = _follow(process, job, phase, folder, folder / f"{stem}.log", watch)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if reason:
        log.warning("%s stopped: %s", phase, reason)
        return reason
    if code == 0 and restarts(folder, phase)[:1] != have[:1]:
        return ""
    free = shutil.disk_usage(folder).free
    if code == 0 or free < FULL_BYTES:
        raise HavenError(f"LAMMPS wrote no whole restart file in {folder} ({free / 1e6:.1f} MB are "
                         "free on its disk): make room and run again")
    said = lammps.error_line(folder, f"{stem}.log")
    rows = lammps.read_thermo(folder / f"{stem}.log", len(COLUMNS))
    wild = re.search(r"halt condition|Lost atoms|Non-numeric|Out of range atoms|nan|"
                     r"tilted box too far|box is too|Too many neighbor bins", said, re.I)
    if wild or (len(rows) and not (rows[-1, 1] < job.hottest_k)):
        log.warning("%s exploded: %s", phase, said)
        return "exploded"
    now = restarts(folder, phase)
    if "restart" in said.lower() and have and have[0][1].exists() and now == have:
        log.warning("restart %s cannot be read (%s): an earlier one is used", have[0][1].name, said)
        have[0][1].rename(have[0][1].with_suffix(".damaged"))
        return ""
    raise HavenError(f"LAMMPS ended with status {code} in {folder}: {said}")


def _follow(
    process: subprocess.Popen[bytes], job: Job, phase: str, folder: Path, logged: Path,
    watch: Callable[[str], str],
) -> tuple[int, str]:
    """Wait for LAMMPS, say how far it is, drop restarts no longer needed, stop a run gone wrong."""
    began, said = time.monotonic(), time.monotonic()
    first: float | None = None
    while (code := process.poll()) is None:
        time.sleep(POLL_S)
        if time.monotonic() - said < REPORT_S:
            continue
        said = time.monotonic()
        rows = lammps.read_thermo(logged, len(COLUMNS))
        for _, old in restarts(folder, phase)[2:]:
            old.unlink(missing_ok=True)
        if len(rows) == 0:
            continue
        first = rows[0, 0] if first is None else first
        speed = (rows[-1, 0] - first) / (said - began)
        ns = job.timestep_fs * 1e-6
        left = (job.steps(phase) - rows[-1, 0]) / speed if speed > 0 else math.inf
        state = {"phase": phase, "ns_done": rows[-1, 0] * ns, "ns_total": job.steps(phase) * ns,
                 "ns_per_day": speed * ns * 86400, "seconds_left": left}
        (folder / "status.json").write_text(json.dumps(state))
        log.info("%s: %.4f of %.4f ns, %.0f K, %.3g ns/day, %.0f s left", phase, rows[-1, 0] * ns,
                 job.steps(phase) * ns, rows[-1, 1], speed * ns * 86400, left)
        if reason := watch(phase):
            return -1, reason
    return code, ""
