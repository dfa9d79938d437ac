"""Molecular dynamics in segments: restarts, progress, and stopping runs that go wrong."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from haven.core.errors import HavenError, log
from haven.core.identity import sha256
from haven.core.reading import checksums
from haven.core.tasks import write_whole
from haven.dynamics.job import COLUMNS, PHASES, Job, script
from haven.dynamics.lammps import program as lammps
from haven.dynamics.runs import segments

POLL_S = 0.2
REPORT_S = 20.0
FULL_BYTES = 1 << 16
KEPT = 2  # restart files of a phase that stay: the newest, and one should it be damaged
LATE = 2  # twice as many attempts keep the restart they began from; of older ones ever fewer
# A start counts as fruitless when the next one, this much later or more, begins at the same step.
FRUITLESS_S, FRUITLESS_MOST = 60.0, 4
STARTS = "starts.json"
_UNLIKE = "unlike"  # an attempt that did not begin with the state that the run had


@dataclass(frozen=True)
class Start:
    """Where an attempt at a phase begins.

    Attributes
    ----------
    restart
        File; None to begin with the structure.
    step
        Of the phase.
    line
        What the log's first line must be, (columns,): the state of the run at that step; None where
        it begins with the structure.
    vouched
        Whether the restart has the checksum that was written when it was ended.
    notes
        Why the phase does not go on from a later step, or what else is to be said of the restart.
    """

    restart: Path | None = None
    step: int = 0
    line: np.ndarray | None = None
    vouched: bool = False
    notes: tuple[str, ...] = ()


def restarts(folder: Path, phase: str) -> tuple[list[Start], list[tuple[int, str]]]:
    """Return the restart files from which a phase may be continued, and what is wrong with others.

    Returns
    -------
    usable
        Those that have the checksum which was written when LAMMPS had finished them, latest first;
        behind them those that are whole by the marks within them, but have none: a killed task had
        no time to write it, or ``SHA256SUMS`` is damaged or not there.
    wrong
        Step and fault of those that are cut off or do not fit to their checksum.
    """
    kept, usable, wrong = checksums.read_sums(folder), [], []
    for step, path in _named(folder, phase):
        vouched = path.name in kept
        if not lammps.whole_restart(path):
            wrong.append((step, f"restart {path.name} is cut off"))
        elif vouched and sha256(path) != kept[path.name]:
            wrong.append((step, f"restart {path.name} does not fit to its checksum"))
        else:
            usable.append(Start(path, step, vouched=vouched))
    return sorted(usable, key=lambda one: not one.vouched), wrong


def _latest(
    folder: Path, phase: str, line_of: Callable[[int], np.ndarray | None],
    lost: Sequence[str] = (),
) -> Start:
    """Return where a phase goes on, with notes on what stands against a later step.

    Parameters
    ----------
    folder, phase
        Of the run.
    line_of
        Returns the log's line of a step, (columns,), or None where the phase can't go on from it.
    lost
        What is wrong with the frames of its attempts.
    """
    usable, wrong = restarts(folder, phase)
    found = next((replace(one, line=line) for one in usable
                  if (line := line_of(one.step)) is not None), Start())
    notes = [said for step, said in wrong if step > found.step]
    for one in usable:
        name = "" if one.restart is None else one.restart.name
        if one.step == found.step and not one.vouched:
            notes.append(f"restart {name} has no checksum and is held against the log")
        elif one.step > found.step:
            notes.append(f"no whole log leads to restart {name}" if one.vouched
                         else f"restart {name} has no checksum")
    notes += lost
    if found.restart is None and not notes and segments.stems(folder, phase):
        notes = [f"no restart file of the {phase} is left"]
    return replace(found, notes=tuple(notes))


def _named(folder: Path, phase: str) -> list[tuple[int, Path]]:
    """Return all restart files of a phase, latest first, whatever is in them."""
    found = [(int(step), path) for path in folder.glob(f"{phase}.*.restart")
             if (step := path.name.split(".")[1]).isdigit()]
    return sorted(found, reverse=True)


def unneeded(folder: Path, phase: str) -> list[Path]:
    """Return the restart files of a phase that may be removed.

    The frames of an attempt may be lost or damaged. The run is then continued from the beginning of
    that attempt or of an earlier one, so that older restart files are still needed. Of N attempts
    about 4 + 2 log2(N / 4) files are kept, the older ones farther apart.
    """
    begun = [segments.begins(folder, stem) for stem in segments.stems(folder, phase)]
    ages = range(len(begun) - 1, -1, -1)
    stay = {step for number, (step, age) in enumerate(zip(begun, ages, strict=True))
            if number % (1 << max(0, (age // LATE).bit_length() - 1)) == 0}
    return [path for step, path in _named(folder, phase)[KEPT:] if step not in stay]


def next_attempt(folder: Path) -> int:
    """Return a number no earlier attempt's files carry."""
    used = [int(m.group(1)) for f in folder.iterdir()
            if (m := re.match(r"(?:equilibration|production)\.a(\d+)\.", f.name))]
    return max(used, default=0) + 1


def run_phases(job: Job, folder: Path, watch: Callable[[str], str]) -> str:
    """Run what is missing of both phases in ``folder`` and return how it ended.

    Files of earlier attempts are used as far as they are whole (`haven.dynamics.runs.segments`):
    where frames or a restart file are damaged or lost, the run is continued from the last restart
    file before them.

    Parameters
    ----------
    job
        The run.
    folder
        Kept between attempts.
    watch
        Called with the phase while it runs; returns ``melted`` or ``drifting`` to stop it, else an
        empty text.

    Returns
    -------
    str
        ``complete``, ``exploded``, ``melted`` or ``drifting``.

    Raises
    ------
    HavenError
        If LAMMPS fails for another reason than the physics (memory, disk, a damaged potential), or
        its files are damaged as soon as they are written.
    """
    first = job.phases[0]
    start = _production(job, folder)
    if start is not None and not start.step and first == PHASES[0]:
        while (before := _equilibration(job, folder)) is not None:
            if ended := _attempt(job, first, folder, before, watch):
                return ended
            start = None
        start = start or _production(job, folder)
    while start is not None:
        if ended := _attempt(job, PHASES[1], folder, start, watch):
            return ended
        start = _production(job, folder)
    return "complete"


def _equilibration(job: Job, folder: Path) -> Start | None:
    """Return where the equilibration goes on; None where it is at its end."""
    newest = _equilibrated(job, folder)
    return None if newest.step >= job.equilibration_steps else newest


def _equilibrated(job: Job, folder: Path) -> Start:
    """Return the latest restart from which the equilibration may be continued."""
    weights = segments.masses(folder, job)
    parts = [segments.read_attempt(job, folder, stem, weights)
             for stem in reversed(segments.stems(folder, PHASES[0]))]
    return _latest(folder, PHASES[0], lambda step: next(
        (line for part in parts if (line := part.line(step)) is not None), None))


def _production(job: Job, folder: Path) -> Start | None:
    """Return where the production goes on; None where it is at its end."""
    done = segments.chain(job, folder)
    goal, every = job.production_steps, job.dump_steps
    if done.until >= segments.last_frame(job, PHASES[1]) and done.reached >= goal:
        return None
    found = _latest(folder, PHASES[1], lambda step: done.line(step) if (
        step < goal and step // every * every <= done.until) else None, done.lost)
    if found.restart is None and job.equilibration_steps:
        before = _equilibrated(job, folder)
        if before.line is not None:
            line = before.line.copy()
            line[0] = 0
            found = replace(before, step=0, line=line, notes=(*found.notes, *before.notes))
    return found


def _attempt(
    job: Job, phase: str, folder: Path, start: Start, watch: Callable[[str], str]
) -> str:
    """Run one LAMMPS process; return why the run must end, or nothing when it got further."""
    goal = job.steps(phase)
    if start.notes:
        how = (f"goes on from step {start.step}, what came after is made anew" if start.step else
               "begins anew, its frames are made anew" if segments.stems(folder, phase) else
               "begins")
        log.warning("%s: %s; the %s %s", folder.name, "; ".join(start.notes), phase, how)
    if start.step:
        log.info("%s goes on from step %d of %d", phase, start.step, goal)
    elif start.restart is None and phase != job.phases[0]:
        raise HavenError(f"{folder}: no whole restart of the equilibration is left: remove the "
                         "folder and run again")
    note_start(folder, phase, start.step, time.time())
    _tidy(folder, phase, start)
    attempt = next_attempt(folder)
    stem = f"{phase}.a{attempt:03d}"
    source = f"read_restart {start.restart.name}" if start.restart else "read_data start.data"
    write_whole(folder / f"{stem}.in", script(job, phase, source, not start.step, attempt))
    vouched = _Vouched(folder, phase)
    process = lammps.start_lammps(folder, f"{stem}.in", f"{stem}.log", job.threads)
    try:
        code, reason = _follow(process, job, phase, folder, stem, watch, start, vouched)
    finally:
        lammps.end(process)
    if reason == _UNLIKE and start.restart is not None:
        _reject(folder, stem, start)
        return ""
    vouched.add_new()
    checksums.add_sums(folder, [stem + ending for ending in segments.ENDINGS])
    if reason:
        log.warning("%s stopped: %s", phase, reason)
        return reason
    said = lammps.error_line(folder, f"{stem}.log")
    rows = lammps.read_thermo(folder / f"{stem}.log", len(COLUMNS))
    wild = code != 0 and re.search(r"halt condition|Lost atoms|Non-numeric|Out of range atoms|nan|"
                                   r"tilted box too far|box is too|Too many neighbor bins", said,
                                   re.I)
    free = shutil.disk_usage(folder).free
    at_end = _at_end(job, phase, folder)
    if code == 0 and (at_end or (free >= FULL_BYTES and _went_on(job, phase, folder, start))):
        return ""
    if code == 0 and free >= FULL_BYTES and len(rows) and not np.isfinite(rows[-1]).all():
        wild = True
    if (code == 0 and not wild) or free < FULL_BYTES:
        lost = "; ".join(segments.chain(job, folder, phase).lost) or (
            "LAMMPS wrote no whole restart file")
        raise HavenError(f"{folder}: {lost}, just after it was written ({free / 1e6:.1f} MB are "
                         "free on its disk): make room or mend the disk, and run again")
    if wild or (len(rows) and not (rows[-1, 1] < job.hottest_k)):
        log.warning("%s exploded: %s", phase, said)
        return "exploded"
    if "restart" in said.lower() and start.restart is not None and start.restart.exists():
        log.warning("restart %s cannot be read (%s): an earlier one is used", start.restart.name,
                    said)
        start.restart.rename(start.restart.with_suffix(".damaged"))
        return ""
    raise HavenError(f"LAMMPS ended with status {code} in {folder}: {said}")


def note_start(folder: Path, phase: str, step: int, now: float) -> None:
    """Record where an attempt begins; refuse a run whose attempts make no progress.

    A scheduler may restart a run any number of times, as long as attempts leave a later restart
    file than the one they began from. The record is removed when the run is refused, so that it can
    be started again with more time.

    Parameters
    ----------
    folder
        Of the run.
    phase, step
        Where the attempt begins.
    now
        Seconds since the epoch.

    Raises
    ------
    HavenError
        After `FRUITLESS_MOST` attempts of at least `FRUITLESS_S` that left no later restart file.
    """
    file, count = folder / STARTS, 0
    try:
        noted = json.loads(file.read_text())
        if (noted["phase"], noted["step"]) == (phase, step):
            count = noted["fruitless"] + (now - noted["began"] >= FRUITLESS_S)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    if count >= FRUITLESS_MOST:
        file.unlink(missing_ok=True)
        raise HavenError(
            f"{folder}: {count} attempts at the {phase} began at step {step} and ended before they "
            "left a later restart file: give the task more time, or lower checkpoint_minutes")
    told = {"phase": phase, "step": step, "fruitless": count, "began": now}
    write_whole(file, json.dumps(told))


def _went_on(job: Job, phase: str, folder: Path, start: Start) -> bool:
    """Tell whether an attempt left a restart file later than the one it began from."""
    found = (_equilibration if phase == PHASES[0] else _production)(job, folder)
    return found is not None and found.step > start.step


def _at_end(job: Job, phase: str, folder: Path) -> bool:
    """Tell whether a phase has all that it must have at its end."""
    if phase == PHASES[0]:
        return _equilibration(job, folder) is None
    done = segments.chain(job, folder)
    return done.until >= segments.last_frame(job, phase) and done.reached >= job.steps(phase)


def _tidy(folder: Path, phase: str, start: Start) -> None:
    """Put aside restarts that the coming attempt makes anew, and write checksums that are lacking.

    Those of an attempt whose task was killed are of its files as they are found, which
    `haven.dynamics.runs.segments` has held against each other.
    """
    kept = checksums.read_sums(folder)
    lacking = [name for one in PHASES for stem in segments.stems(folder, one)
               for name in (stem + ending for ending in segments.ENDINGS)]
    checksums.add_sums(folder, [name for name in lacking if name not in kept])
    for step, path in _named(folder, phase):
        if step > start.step or not start.step:
            path.rename(path.with_suffix(".unused"))


def _reject(folder: Path, stem: str, start: Start) -> None:
    """Put aside a restart whose state is not the one the run had, and what was begun with it.

    Raises
    ------
    HavenError
        If the restart is whole by its checksum: then it is not the file that differs.
    """
    begun = lammps.read_thermo(folder / f"{stem}.log", len(COLUMNS))[:1]
    for path in folder.glob(f"{stem}.*"):
        path.rename(folder / f"rejected.{path.name}")
    assert start.restart is not None
    if start.vouched and start.line is not None and len(begun):
        energy = COLUMNS.index("pe")
        raise HavenError(
            f"{folder}: {start.restart.name} is whole, but the run would go on from it in another "
            f"state (potential energy {begun[0, energy]:.6f} eV, it was {start.line[energy]:.6f} "
            "eV): this machine, LAMMPS or its libraries calculate otherwise than those before; run "
            "it where it began, or remove the folder to begin anew")
    log.warning("restart %s is damaged, its state is not that of the log: an earlier one is used",
                start.restart.name)
    start.restart.rename(start.restart.with_suffix(".damaged"))


class _Vouched:
    """Writes down the checksums of restarts as soon as LAMMPS has given them their names."""

    def __init__(self, folder: Path, phase: str) -> None:
        self.folder, self.phase = folder, phase
        self.seen = self._present()

    def _present(self) -> dict[str, tuple[int, int]]:
        return {path.name: (held.st_mtime_ns, held.st_ino)
                for _, path in _named(self.folder, self.phase) for held in [path.stat()]}

    def add_new(self) -> None:
        now = self._present()
        new = [name for name, mark in now.items() if self.seen.get(name) != mark
               and lammps.whole_restart(self.folder / name)]
        if new:
            checksums.add_sums(self.folder, new)
        self.seen |= {name: now[name] for name in new}


def _follow(
    process: subprocess.Popen[bytes], job: Job, phase: str, folder: Path, stem: str,
    watch: Callable[[str], str], start: Start, vouched: _Vouched,
) -> tuple[int, str]:
    """Wait for LAMMPS; log progress, remove unneeded restarts, stop a run that goes wrong."""
    began, said, logged = time.monotonic(), time.monotonic(), folder / f"{stem}.log"
    first: float | None = None
    fits = start.line is None
    while (code := process.poll()) is None:
        time.sleep(POLL_S)
        if not fits:
            fits = _begins(job, folder, logged, start)
            if fits is False:
                return -1, _UNLIKE
        else:
            vouched.add_new()
        if time.monotonic() - said < REPORT_S:
            continue
        said = time.monotonic()
        rows = lammps.read_thermo(logged, len(COLUMNS))
        for old in unneeded(folder, phase):
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
    if not fits and _begins(job, folder, logged, start) is False:
        return code, _UNLIKE
    return code, ""


def _begins(job: Job, folder: Path, logged: Path, start: Start) -> bool | None:
    """Tell whether a log begins with the state the run had; None while it has no line."""
    rows = lammps.read_thermo(logged, len(COLUMNS))
    if not len(rows) or start.line is None:
        return None
    weights = segments.masses(folder, job)
    atoms = 1 if weights is None else len(weights.all)
    return bool(rows[0, 0] == start.line[0]) and segments.same_state(rows[0], start.line, atoms)
