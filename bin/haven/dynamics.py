"""Molecular dynamics in segments: input scripts, restarts that survive anything, watchers."""

from __future__ import annotations

import hashlib
import json
import math
import re
import subprocess
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from haven import lammps
from haven.cli import HavenError, log

PHASES = ("equilibration", "production")
COLUMNS = (*lammps.KEYWORDS, *lammps.CENTRES)
POLL_S = 0.2
REPORT_S = 20.0


@dataclass(frozen=True)
class Job:
    """One run of NVT dynamics.

    Attributes
    ----------
    temperature_k, timestep_fs, damping_fs
        Of the Nosé-Hoover chain and the integrator.
    equilibration_steps, production_steps
        Lengths.
    dump_steps, all_every
        Steps between frames of the mobile ions; frames of these between frames of all atoms.
    velocity_seed
        Seed of the starting velocities.
    potentials
        Frozen potentials; the first one drives.
    species, mobile
        Elements in the order of the atom types; the mobile one.
    checkpoint_minutes
        Wall time between restart files.
    threads
        Processor threads.
    hottest_k
        Temperature beyond which a run counts as exploded.
    """

    temperature_k: float
    timestep_fs: float
    damping_fs: float
    equilibration_steps: int
    production_steps: int
    dump_steps: int
    all_every: int
    velocity_seed: int
    potentials: tuple[str, ...]
    species: tuple[str, ...]
    mobile: str
    checkpoint_minutes: float = 10.0
    threads: int = 1
    hottest_k: float = 5000.0

    def steps(self, phase: str) -> int:
        """Return the steps of a phase."""
        return self.equilibration_steps if phase == PHASES[0] else self.production_steps


def check(job: Job) -> None:
    """Refuse a run whose numbers make no sense, naming the parameter."""
    for name in ("temperature_k", "timestep_fs", "damping_fs", "checkpoint_minutes"):
        if not getattr(job, name) > 0:
            raise HavenError(f"{name} is {getattr(job, name):g}: it must be above 0")
    if job.dump_steps < 1 or job.all_every < 1:
        raise HavenError("dump_ps must be at least one time step, all_every at least 1")
    if job.production_steps < 2 * job.dump_steps:
        raise HavenError("production_ps holds fewer than two frames: lengthen it or shorten "
                         "dump_ps")


def key(job: Job, structure: str) -> str:
    """Return 12 characters naming what decides a run's course; its length is not part of it.

    Parameters
    ----------
    job
        The run; ``potentials`` as digests of the files.
    structure
        Digest of the start.
    """
    fields = asdict(replace(job, production_steps=0, checkpoint_minutes=0, threads=0))
    text = json.dumps([fields, structure], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def velocity_seed(*parts: object) -> int:
    """Return a seed LAMMPS takes (1 to 8 digits), made from the run's seed and identity."""
    digest = hashlib.sha256(json.dumps([str(p) for p in parts]).encode()).digest()
    return 1 + int.from_bytes(digest[:4], "big") % 89_999_999


def script(job: Job, phase: str, source: str, fresh: bool, attempt: int) -> str:
    """Return LAMMPS's input for one attempt at a phase.

    The phase is run in stretches of wall time, each followed by a restart file that gets its name
    only once it is whole.

    Parameters
    ----------
    job
        The run.
    phase
        ``equilibration`` or ``production``.
    source
        ``read_data FILE`` or ``read_restart FILE``.
    fresh
        Whether the phase starts at its step 0.
    attempt
        Number that its files carry.
    """
    stem = f"{phase}.a{attempt:03d}"
    index = job.species.index(job.mobile) + 1
    hosts = " ".join(str(n) for n in range(1, len(job.species) + 1) if n != index)
    damping = job.damping_fs / 1000
    lines = lammps.setting_lines(source, job.potentials, job.species,
                                 (f"{stem}.deviation", job.dump_steps))
    lines += [f"group mobile type {index}", f"group host type {hosts}"]
    if fresh and phase == PHASES[0]:
        lines.append(f"velocity all create {job.temperature_k:g} {job.velocity_seed} mom yes "
                     "rot no dist gaussian")
    if fresh:
        lines.append("reset_timestep 0")
    lines += [
        f"timestep {job.timestep_fs / 1000:.6g}",
        f"fix thermostat all nvt temp {job.temperature_k:g} {job.temperature_k:g} {damping:g}",
        "compute host_centre host com", "compute centre all com", "variable now equal temp",
        f"fix watch all halt 20 v_now > {job.hottest_k:g} error hard message no",
        f"dump mobile mobile dcd {job.dump_steps} {stem}.mobile.dcd",
        f"dump all all dcd {job.dump_steps * job.all_every} {stem}.all.dcd",
        "dump_modify mobile unwrap yes", "dump_modify all unwrap yes",
        "thermo_style custom " + " ".join(COLUMNS),
        "thermo_modify format float %.12g flush yes lost error",
        f"thermo {job.dump_steps}",
        "label again",
        f"timer timeout {_clock(job.checkpoint_minutes)} every 20",
        f"run {job.steps(phase)} upto",
        "write_restart unfinished.restart",
        f"shell mv unfinished.restart {phase}.$(step).restart",
        f'if "$(step) < {job.steps(phase)}" then "jump SELF again"',
    ]
    return "\n".join(lines) + "\n"


def _clock(minutes: float) -> str:
    seconds = max(1, math.ceil(60 * minutes))
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


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


def run(job: Job, folder: Path) -> str:
    """Run what is missing of both phases in ``folder`` and return how it ended.

    Returns
    -------
    str
        ``complete``, or ``exploded``.

    Raises
    ------
    HavenError
        If LAMMPS fails for another reason than the physics (memory, disk, a damaged potential).
    """
    for phase in PHASES:
        goal, beyond = job.steps(phase), restarts(folder, PHASES[1])
        if phase == PHASES[0] and beyond:
            continue
        while True:
            have = restarts(folder, phase)
            if have and have[0][0] >= goal:
                break
            if not _attempt(job, phase, folder, have):
                return "exploded"
    return "complete"


def _source(phase: str, folder: Path, have: list[tuple[int, Path]]) -> tuple[str, bool]:
    if have:
        return f"read_restart {have[0][1].name}", False
    if phase == PHASES[0]:
        return "read_data start.data", True
    before = restarts(folder, PHASES[0])
    if not before:
        raise HavenError(f"{folder}: no whole restart of the equilibration is left: remove the "
                         "folder and run again")
    return f"read_restart {before[0][1].name}", True


def _attempt(job: Job, phase: str, folder: Path, have: list[tuple[int, Path]]) -> bool:
    """Run one LAMMPS process; True when the phase got further, False when the atoms flew apart."""
    source, fresh = _source(phase, folder, have)
    if not fresh:
        log.info("%s goes on from step %d of %d", phase, have[0][0], job.steps(phase))
    attempt = next_attempt(folder)
    stem = f"{phase}.a{attempt:03d}"
    (folder / f"{stem}.in").write_text(script(job, phase, source, fresh, attempt))
    process = lammps.start(folder, f"{stem}.in", f"{stem}.log", job.threads)
    try:
        code = _follow(process, job, phase, folder, folder / f"{stem}.log")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if code == 0:
        return True
    said = lammps.error_line(folder, f"{stem}.log")
    rows = lammps.read_thermo(folder / f"{stem}.log", len(COLUMNS))
    wild = re.search(r"halt condition|Lost atoms|Non-numeric|Out of range atoms|nan", said, re.I)
    if wild or (len(rows) and not (rows[-1, 1] < job.hottest_k)):
        log.warning("%s exploded: %s", phase, said)
        return False
    now = restarts(folder, phase)
    if "restart" in said.lower() and have and have[0][1].exists() and now == have:
        log.warning("restart %s cannot be read (%s): an earlier one is used", have[0][1].name, said)
        have[0][1].rename(have[0][1].with_suffix(".damaged"))
        return True
    raise HavenError(f"LAMMPS ended with status {code} in {folder}: {said}")


def _follow(process: subprocess.Popen[bytes], job: Job, phase: str, folder: Path, logged: Path
            ) -> int:
    """Wait for LAMMPS, say how far it is, and drop restarts that are no longer needed."""
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
        log.info("%s: %.4f of %.4f ns, %.0f K, %.3g ns/day, %.0f s left", phase, rows[-1, 0] * ns,
                 job.steps(phase) * ns, rows[-1, 1], speed * ns * 86400, left)
    return code


def kinetic_spread(temperature_k: float, atoms: int) -> float:
    """Return the canonical standard deviation of the temperature, centre of mass at rest, K."""
    return temperature_k * float(np.sqrt(2 / (3 * atoms - 3)))
