"""One run of molecular dynamics: its settings, its identity, its LAMMPS input."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass, replace

from haven.core.constants import BAR_GPA
from haven.core.errors import HavenError
from haven.core.identity import digest_of
from haven.core.thermostat import check_damping
from haven.dynamics.lammps import program as lammps

PHASES = ("equilibration", "production")
COLUMNS = (*lammps.KEYWORDS, *lammps.BOX, *lammps.CENTRES)
# A LAMMPS process ends after this, and the next goes on from its restart file: what it wrote is
# closed then, and a bucket mounted as a folder keeps closed files alone. A start takes some 10 s.
PIECE_MINUTES = 60.0
BAROSTAT_FS = 500.0  # damping of the barostat: the cell swings several times in some picoseconds
RUNAWAY = 0.3  # change of volume that no crystal survives: melting takes a tenth, expansion less
PRESSURES_GPA = (-2.0, 100.0)  # below, a crystal tears apart; above, no label is


@dataclass(frozen=True)
class Job:
    """One run of dynamics at constant temperature, in a fixed cell or at constant pressure.

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
    walls
        Pairs of elements and the distance, Angstrom, below which a soft repulsion acts.
    pressure_gpa
        Pressure, GPa, that each length of the cell follows; its angles stay. None keeps the cell.
    start_volume
        Volume of the start, Angstrom^3; a cell that leaves it by more than `RUNAWAY` is stopped.
    beside
        Further mobile elements, which are no part of the host.
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
    walls: tuple[tuple[str, str, float], ...] = ()
    pressure_gpa: float | None = None
    start_volume: float = 0.0
    beside: tuple[str, ...] = ()

    @property
    def host(self) -> tuple[str, ...]:
        """Elements of the host, relative to whose centre of mass ions move."""
        rest = tuple(one for one in self.species if one != self.mobile)
        return tuple(one for one in rest if one not in self.beside) or rest

    @property
    def phases(self) -> tuple[str, ...]:
        """Phases with steps; without an equilibration the production starts at rest."""
        return PHASES if self.equilibration_steps else PHASES[1:]

    def steps(self, phase: str) -> int:
        """Return the steps of a phase."""
        return self.equilibration_steps if phase == PHASES[0] else self.production_steps


def check_job(job: Job) -> None:
    """Refuse a run whose numbers make no sense, naming the parameter."""
    for name in ("temperature_k", "timestep_fs", "damping_fs", "checkpoint_minutes"):
        if not 0 < getattr(job, name) < math.inf:
            raise HavenError(f"{name} is {getattr(job, name):g}: it must be above 0")
    check_damping(job.damping_fs, job.timestep_fs)
    check_pressure(job.pressure_gpa)
    if job.dump_steps < 1 or job.all_every < 1:
        raise HavenError("dump_ps must be at least one time step, all_every at least 1")
    if job.production_steps < 2 * job.dump_steps:
        raise HavenError("production_ps holds fewer than two frames: lengthen it or shorten "
                         "dump_ps")
    if job.production_steps < job.dump_steps * job.all_every:
        raise HavenError("production_ps holds fewer than two frames of all atoms, without which "
                         "nobody sees the host melt: lengthen it, or lower dump_ps or all_every "
                         f"({job.all_every})")


def check_pressure(pressure_gpa: float | None) -> None:
    """Refuse a pressure, GPa, that is outside the range that makes sense for a crystal."""
    low, high = PRESSURES_GPA
    if pressure_gpa is not None and not low <= pressure_gpa <= high:
        raise HavenError(f"pressure_gpa is {pressure_gpa:g}: it must be from {low:g} to {high:g}")


def key_of_run(job: Job, structure: str) -> str:
    """Return 12 characters that change with everything that decides a run but its length.

    Parameters
    ----------
    job
        The run; ``potentials`` as digests of the files.
    structure
        Digest of the start.
    """
    fields = asdict(replace(job, production_steps=0, checkpoint_minutes=0, threads=0))
    if not job.beside:  # as keys were before
        del fields["beside"]
    return digest_of(fields, structure)


def velocity_seed(*parts: object) -> int:
    """Return a seed LAMMPS takes (1 to 8 digits), made from the run's seed and identity."""
    digest = hashlib.sha256(json.dumps([str(p) for p in parts]).encode()).digest()
    return 1 + int.from_bytes(digest[:4], "big") % 89_999_999


def script(job: Job, phase: str, source: str, fresh: bool, attempt: int) -> str:
    """Return LAMMPS's input for one attempt at a phase.

    The phase is run in stretches of wall time. After each a restart file is written, which gets its
    name only once it is whole; the attempt ends after `PIECE_MINUTES`. Velocities are drawn for
    twice the temperature, since the start is at a minimum, where half of the kinetic energy becomes
    potential energy. At constant pressure they are drawn for the temperature itself, so that the
    cell does not overshoot.

    Parameters
    ----------
    job
        The run.
    phase
        ``equilibration`` or ``production``.
    source
        ``read_data FILE`` or ``read_restart FILE``.
    fresh
        Whether the phase starts at step 0.
    attempt
        Number of the attempt, in the names of its files.
    """
    stem = f"{phase}.a{attempt:03d}"
    index = job.species.index(job.mobile) + 1
    hosts = " ".join(str(job.species.index(one) + 1) for one in job.host)
    lines = lammps.setting_lines(source, job.potentials, job.species,
                                 (f"{stem}.deviation", job.dump_steps), job.walls)
    lines += [f"group mobile type {index}", f"group host type {hosts}"]
    if fresh and phase == job.phases[0]:
        start_k = job.temperature_k * (2 if job.pressure_gpa is None else 1)
        lines.append(f"velocity all create {start_k:g} {job.velocity_seed} mom yes rot no "
                     "dist gaussian")
    if fresh:
        lines.append("reset_timestep 0")
    lines += [
        f"timestep {job.timestep_fs / 1000:.6g}",
        f"fix thermostat all {_ensemble(job)}",
        "compute host_centre host com", "compute centre all com", "variable now equal temp",
        f"fix watch all halt 20 v_now > {job.hottest_k:g} error hard message no",
        f"dump mobile mobile dcd {job.dump_steps} {stem}.mobile.dcd",
        f"dump all all dcd {job.dump_steps * job.all_every} {stem}.all.dcd",
        "dump_modify mobile unwrap yes", "dump_modify all unwrap yes",
        *_runaway(job),
        "thermo_style custom " + " ".join(COLUMNS),
        "thermo_modify format float %.12g flush yes lost error",
        f"thermo {job.dump_steps}",
        f"variable piece loop {attempt_ends(job)}",
        f"variable framed equal $(step+{job.dump_steps})",
        "label again",
        f"timer timeout {_clock(job.checkpoint_minutes)} every 20",
        f"run {job.steps(phase)} upto",
        "write_restart unfinished.restart",
        f"shell mv unfinished.restart {phase}.$(step).restart",
        f'if "$(step) >= {job.steps(phase)}" then quit',
        'if "$(step) >= ${framed}" then "next piece"',  # a stretch of no frame ends no piece
        "jump SELF again",
    ]
    return "\n".join(lines) + "\n"


def attempt_ends(job: Job) -> int:
    """Return after how many restart files an attempt ends."""
    return max(1, round(PIECE_MINUTES / job.checkpoint_minutes))


def _ensemble(job: Job) -> str:
    """Return LAMMPS's integrator: Nosé-Hoover chains, and for the cell those of Martyna.

    Martyna, Tobias and Klein, J. Chem. Phys. 101, 4177 (1994). The three lengths swing each
    by itself, the angles keep those of the start, which the minimum at this pressure gave: layers
    of a small cell would glide over one another without end.
    """
    thermostat = f"temp {job.temperature_k:g} {job.temperature_k:g} {job.damping_fs / 1000:g}"
    if job.pressure_gpa is None:
        return f"nvt {thermostat}"
    bar = f"{job.pressure_gpa / BAR_GPA:g}"
    return f"npt {thermostat} aniso {bar} {bar} {BAROSTAT_FS / 1000:g} flip no"


def _runaway(job: Job) -> list[str]:
    """Return the lines that stop a run at constant pressure whose cell grows or shrinks away."""
    if job.pressure_gpa is None or not job.start_volume:
        return []
    return [f"variable strain equal abs(vol/{job.start_volume:.6f}-1)",
            f"fix room all halt 20 v_strain > {RUNAWAY:g} error hard message no"]


def _clock(minutes: float) -> str:
    seconds = max(1, math.ceil(60 * minutes))
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
