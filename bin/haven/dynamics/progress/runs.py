"""How far each dynamics run is, read from its folder of checkpoints; needs Python alone."""

from __future__ import annotations

import argparse
import json
import math
import re
import time
from dataclasses import dataclass
from pathlib import Path

from haven.core.errors import HavenError
from haven.core.nextflow.launches import EARLIER, NotedLaunch, is_of, newest_launch, work_of
from haven.core.numbers import duration
from haven.core.tasks import QUIET_S, held

KEY = re.compile(r"_[0-9a-f]{12}$")  # of its settings, behind a run's name in its folder's
ANNEAL = "anneal_"
NUMBER = re.compile(r"\d+(?:\.\d+)?")
ATTEMPT = re.compile(r"(equilibration|production)\.a(\d+)\.in$")
LOOP = re.compile(r"^Loop time of (\S+) on \d+ procs for (\d+) steps", re.MULTILINE)
TAIL_BYTES = 1 << 14
SHORTEST_S = 20.0  # below, LAMMPS's start and the file system's clock are most of what is seen


@dataclass(frozen=True)
class Progress:
    """One run.

    Attributes
    ----------
    run
        Its name: ``u4_t298_r0`` of a production, ``anneal_u4_r0``, ``cell_u4_t298_r0``,
        ``aimd_cell_u4_t298_r0`` (in the cell of first-principles dynamics), ``relax_u4_default_r0``
        (the anneal of a relaxed cell); or what ``--name`` called it.
    phase
        ``equilibration`` or ``production``.
    ns_done, ns_total
        Of that phase.
    ns_per_day
        Speed of the last attempt: LAMMPS's own once it has ended, the last one noted of a run that
        was stopped, else what the files' times tell after `SHORTEST_S`; NaN before that.
    state
        ``complete``, ``running`` or ``stopped``.
    attempts
        LAMMPS processes started so far.
    current
        Whether it is of the newest launch of its work folder (`haven.core.nextflow.launches`).
    steps
        Steps that the phase has in all; 0 where not told.
    """

    run: str
    phase: str
    ns_done: float
    ns_total: float
    ns_per_day: float
    state: str
    attempts: int
    current: bool = True
    steps: int = 0

    @property
    def seconds_left(self) -> float:
        """Wall time to the end of the phase at the last attempt's speed, NaN where unknown."""
        if self.state == "complete":
            return 0.0
        days = (self.ns_total - self.ns_done) / self.ns_per_day if self.ns_per_day > 0 else math.nan
        return 86400 * days


def add_folder(options: argparse.ArgumentParser) -> None:
    """Add the argument that names a work folder, or a folder of checkpoints."""
    options.add_argument("folder", nargs="?", default="work",
                         help="work folder of the runs, or their folder of checkpoints")


def checkpoints_in(folder: str) -> tuple[Path, Path]:
    """Return the folder of checkpoints that is meant, and the work folder of its launches.

    Of a work folder it is where the newest launch keeps them, which may be elsewhere. It is not
    there where that launch has finished tasks, none of which keeps any, as of labels alone.

    Raises
    ------
    HavenError
        If there is none, or the folder is of a sheet of materials, each with a work folder.
    """
    place = Path(folder)
    launch = newest_launch(place)
    if launch is not None and launch.checkpoints is not None:
        inside = (place / "checkpoints").is_dir()
        if launch.checkpoints.is_dir() or (launch.tasks and not inside):
            return launch.checkpoints, place
        if not inside:
            raise HavenError(f"launch {launch.name} keeps its checkpoints in {launch.checkpoints}, "
                             "which is not there: no task has begun yet, or another machine has it")
    if (place / "checkpoints").is_dir():
        return place / "checkpoints", place
    above = place if place.is_dir() else place.parent
    rows = sorted(path.parent for path in above.glob("*/checkpoints"))
    if rows and (place.is_dir() or place.name == "checkpoints"):
        raise HavenError(f"{above} is of a sheet of materials: name the work folder of one, "
                         f"{', '.join(map(str, rows[:5]))}")
    if place.is_dir():
        return place, work_of(place)
    raise HavenError(f"there is no folder {place}: call this where the run was started, or "
                     "name its work folder or --checkpoint_dir")


def find_folders(place: Path) -> list[Path]:
    """Return the runs' folders in a folder of checkpoints, sorted by U, temperature, replica.

    A run's folder, whatever its name, is one that holds a script of an attempt at dynamics.
    """
    found = [path for path in place.iterdir() if _attempts(path)]
    return sorted(found, key=lambda path: (
        [float(n) for n in NUMBER.findall(run_name(path))], path.name))


def run_name(folder: Path) -> str:
    """Return the name of a run, by its folder's."""
    return KEY.sub("", folder.name)


def _attempts(folder: Path) -> list[tuple[bool, int, Path]]:
    """Return the scripts of a run's attempts: whether of the production, number, file; in order."""
    return sorted((match.group(1) == "production", int(match.group(2)), path)
                  for path in folder.glob("*.in") if (match := ATTEMPT.match(path.name)))


def read_progress(
    folder: Path, now: float | None = None, launch: NotedLaunch | None = None
) -> Progress | None:
    """Return how far a run is; None where nothing was started yet, or no script of it is whole.

    Parameters
    ----------
    folder
        Of one run, as `run_dynamics.py` keeps it.
    now
        Seconds since the epoch; the present if not given.
    launch
        The newest of the work folder, where it is known.
    """
    tries, name = _attempts(folder), run_name(folder)
    # a script that a kill or a full disk left empty tells nothing: the attempt before it does
    newest = next(((produces, path, told) for produces, _, path in reversed(tries)
                   if (told := _asked(path)) is not None), None)
    if newest is None:
        return None
    produces, script, (ns, goal) = newest
    phase = "production" if produces else "equilibration"
    log = script.with_suffix(".log")
    frames = _frames(log)
    kept = [int(part) for path in folder.glob(f"{phase}.*.restart")
            if (part := path.name.split(".")[1]).isdigit()]
    done = max([*kept, frames[1] if frames else 0])
    # of an anneal, the end of its script may be that of a part, which its task then judges
    ended = phase == "production" and done >= goal and not (
        name.startswith(ANNEAL) and held(folder))
    touched = (log if log.exists() else script).stat().st_mtime
    present = time.time() if now is None else now
    since = present - touched
    # a log of a time to come is of a clock that was set: it says nothing
    fresh = -QUIET_S < since < QUIET_S
    state = "complete" if ended else "running" if held(folder) or fresh else "stopped"
    speed = _own_speed(log, ns)
    if math.isnan(speed) and state != "running":
        speed = _noted_speed(folder, phase)
    if math.isnan(speed):
        speed = _speed(frames, log, ns, present)
    return Progress(name, phase, min(done, goal) * ns, goal * ns, speed, state,
                    len(tries), is_of(folder, launch), goal)


def _asked(script: Path) -> tuple[float, int] | None:
    """Return time step, ns, and last step of a script of LAMMPS; None where it is not whole."""
    text = script.read_text(errors="replace")
    step = re.search(r"^timestep (\d\S*)$", text, re.MULTILINE)
    goal = re.search(r"^run (\d+) upto$", text, re.MULTILINE)
    return None if step is None or goal is None else (1e-3 * float(step[1]), int(goal[1]))


def _frames(log: Path) -> tuple[int, int] | None:
    """Return first and last step that a log of LAMMPS has so far."""
    if not log.exists():
        return None
    with log.open("rb") as stream:
        head = stream.read(TAIL_BYTES).decode(errors="replace")
        size = stream.seek(0, 2)
        stream.seek(max(0, size - TAIL_BYTES))
        tail = stream.read().decode(errors="replace")
    # thermodynamic lines have a step and many numbers; the last one may be cut off
    steps = [int(line.split()[0]) for part in (head, tail) for line in part.splitlines()[:-1]
             if re.match(r"\s*\d+(\s+[-+.\de]+){10,}\s*$", line)]
    return (min(steps), max(steps)) if steps else None


def _own_speed(log: Path, ns: float) -> float:
    """Return what LAMMPS measured of a run that it ended, ns/day; NaN while it has not."""
    if not log.exists():
        return math.nan
    with log.open("rb") as stream:
        stream.seek(max(0, stream.seek(0, 2) - TAIL_BYTES))
        ended = LOOP.findall(stream.read().decode(errors="replace"))
    if not ended:
        return math.nan
    seconds, steps = float(ended[-1][0]), int(ended[-1][1])
    return steps * ns * 86400 / seconds if seconds > 0 and steps else math.nan


def _noted_speed(folder: Path, phase: str) -> float:
    """Return the speed that a run of this phase noted last, ns/day; NaN where none was noted."""
    try:
        noted = json.loads((folder / "status.json").read_text())
        return float(noted["ns_per_day"]) if noted["phase"] == phase else math.nan
    except (OSError, ValueError, KeyError, TypeError):
        return math.nan


def _speed(frames: tuple[int, int] | None, log: Path, ns: float, now: float) -> float:
    """Return the speed by the times of input and log, ns/day.

    NaN for too short a time, and for times to come: the clock was set since.
    """
    if frames is None or frames[0] == frames[1]:
        return math.nan
    began, last = (path.stat().st_mtime for path in (log.with_suffix(".in"), log))
    wall = last - began if last < now + QUIET_S else math.nan
    return (frames[1] - frames[0]) * ns * 86400 / wall if wall >= SHORTEST_S else math.nan


def runs_table(found: list[Progress]) -> str:
    """Return one line a run and one for all, as text."""
    found = sorted(found, key=lambda one: not one.current)
    wide = max(16, *(len(one.run) + 2 for one in found)) if found else 16
    lines = [f"{'run':<{wide}}{'phase':<15}{'ns done':>10}{'of':>10}{'ns/day':>10}{'left':>10}"
             "  state"]
    for one in found:
        speed = "-" if math.isnan(one.ns_per_day) else f"{one.ns_per_day:.3g}"
        tried = f" ({one.attempts} starts)" if one.attempts > 2 else ""
        tried += "" if one.current else EARLIER
        lines.append(f"{one.run:<{wide}}{one.phase:<15}{one.ns_done:>10.4g}{one.ns_total:>10.4g}"
                     f"{speed:>10}{duration(one.seconds_left):>10}  {one.state}{tried}")
    states = [one.state for one in found]
    counts = [f"{states.count(state)} {state}" for state in ("complete", "running", "stopped")
              if state in states]
    return "\n".join([*lines, f"{len(found)} runs: {', '.join(counts)}"])
