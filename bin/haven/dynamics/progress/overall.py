"""How far all trainings and dynamics of a run are together, and how long they will still take.

Speeds are measured ones: of what runs now, else of what has finished. Needs Python alone.
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from haven.core.errors import log
from haven.core.nextflow.launches import NotedLaunch
from haven.core.numbers import duration
from haven.dynamics.progress.runs import ANNEAL, Progress
from haven.potential.progress import TrainingProgress

BAR = 24  # letters of the bar
DAY_S = 86400.0
PS_PER_NS = 1000.0


@dataclass(frozen=True)
class WorkItem:
    """A training or a dynamics run that is planned or there.

    Attributes
    ----------
    name
        Such as ``u4_s1``, ``anneal_u4_r0``, ``u4_t298_r0``.
    kind
        ``training`` or ``dynamics``.
    done, total
        Steps of a training, ps of dynamics.
    state
        ``complete``, ``running``, ``stopped`` or ``waiting``.
    """

    name: str
    kind: str
    done: float
    total: float
    state: str


@dataclass(frozen=True)
class Overall:
    """All of them together.

    Attributes
    ----------
    jobs, complete, running
        Trainings and runs that are planned or there, those finished, and those under way.
    share
        Part of their computing time that is done, 0 to 1; NaN before every kind has a speed.
    seconds_left
        Wall time, with as many at once as now; NaN before every kind has a speed.
    plan
        Path of the file that says what is planned, empty where none was found.
    launch
        Nextflow's name of the newest launch, which all of this is about; empty where none is noted.
    earlier
        Trainings and runs of earlier launches in the same folder, which are not counted.
    """

    jobs: int
    complete: int
    running: int
    share: float
    seconds_left: float
    plan: str
    launch: str = ""
    earlier: int = 0


def plan_of(
    work: Path, present: Sequence[str], launch: NotedLaunch | None = None
) -> tuple[str, dict[str, Any]]:
    """Return path and content of the plan of the current run; empty where there is none.

    Parameters
    ----------
    work
        Work folder, where Nextflow's runs leave ``expected-<digest>.json``.
    present
        Names of the trainings and runs that have started: where no launch is noted, the plan that
        names most of them is taken, of several the newest.
    launch
        The newest, whose plan is taken.
    """
    plans = read_plans(work)
    if launch is not None and launch.plan in plans:
        return str(work / launch.plan), plans[launch.plan]
    found = [(len(set(planned_jobs(plan)) & set(present)), (work / name).stat().st_mtime, name)
             for name, plan in plans.items()]
    if not found:
        return "", {}
    best = max(found)[2]
    return str(work / best), plans[best]


def read_plans(work: Path) -> dict[str, dict[str, Any]]:
    """Return what each launch of a work folder should compute, by the name of its file."""
    plans = {}
    for path in work.glob("expected-*.json"):
        try:
            plan = json.loads(path.read_text(encoding="utf-8"))
            planned_jobs(plan)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("%s can't be read (%s): it is left out", path, error)
            continue
        plans[path.name] = plan
    return plans


def planned_jobs(plan: Mapping[str, Any]) -> dict[str, tuple[str, float]]:
    """Return the kind and the size (steps, ps) of every training and run of a plan, by name."""
    given = plan.get("parameters") or {}
    us, seeds = plan.get("u_ev") or [], plan.get("seed") or []
    temperatures, replicas = plan.get("temperature_k") or [], plan.get("replica") or []
    jobs: dict[str, tuple[str, float]] = {}
    trains = not any(given.get(name) not in (None, "false")
                     for name in ("models", "pretrained", "trajectories", "labels_only"))
    if trains:
        jobs |= {f"u{u:g}_s{seed}": ("training", float(given["training_steps"]))
                 for u in us for seed in seeds}
    if given.get("trajectories") not in (None, "false"):
        return jobs
    lengths = _numbers(given.get("production_ps")) or [0.0]
    lengths = lengths * len(temperatures) if len(lengths) == 1 else lengths
    before = float(given.get("equilibration_ps") or 0)
    drivers = plan.get("drivers") or {}
    in_mean = replicas[: int(given.get("cell_replicas") or 0) or None]
    at_rest = plan.get("rests") or []  # in cells of an earlier run, as modules/earlier.nf says
    for u in us:
        own = drivers.get(f"{u:g}") or [None]
        ends = [(seed, "" if place == 0 else f"_s{seed}") for place, seed in enumerate(own)]
        for replica in replicas:
            for seed, end in ends:
                if float(given.get("anneal_ps") or 0) > 0:
                    jobs[f"{ANNEAL}u{u:g}_r{replica}{end}"] = (
                        "dynamics", float(given["anneal_ps"]))
                for t, length in zip(temperatures, lengths, strict=True):
                    run = f"u{u:g}_t{t:g}_r{replica}{end}"
                    if given.get("cell") == "npt" and replica in in_mean and (
                            f"{u:g}_{seed}_{t:g}" not in at_rest):
                        jobs[f"cell_{run}"] = ("dynamics", float(given["cell_ps"]))
                    jobs[run] = ("dynamics", before + length)
    return jobs


def _numbers(text: object) -> list[float]:
    return [float(part) for part in str(text or "").strip("[] ").split(",") if part.strip()]


def jobs_of(
    trainings: Sequence[TrainingProgress], runs: Sequence[Progress], plan: Mapping[str, Any]
) -> list[WorkItem]:
    """Return all trainings and runs, planned or there; of several of one plan's name the furthest.

    One of a name that is running counts before a finished one, which is of other settings. Without
    a plan each folder is a job of its own.

    An anneal is judged after each part, and ends when it is settled: one of parts alone counts as
    complete once a run that starts from it is there, as does a run at constant pressure.
    """
    planned = planned_jobs(plan) if plan else {}
    before = float((plan.get("parameters") or {}).get("equilibration_ps") or 0) if plan else 0.0
    jobs = {name: WorkItem(name, kind, 0.0, size, "waiting")
            for name, (kind, size) in planned.items()}
    begun: list[WorkItem] = []
    for one in trainings:
        if plan and one.name not in planned:
            continue  # of another plan in the same work folder
        begun.append(WorkItem(one.name, "training", float(min(one.step, one.steps)),
                              float(one.steps), one.state))
    for one in runs:
        if plan and one.run not in planned:
            continue
        done, total = PS_PER_NS * one.ns_done, PS_PER_NS * one.ns_total
        state, short = one.state, one.run.startswith((ANNEAL, "cell_"))
        if one.run in planned and not short:
            total = planned[one.run][1]
            done += before if one.phase == "production" else 0.0
        elif one.run in planned:
            whole = total * (1 + 1 / (one.steps or math.inf))  # its length is of whole time steps
            if one.run.startswith(ANNEAL) and state == "complete" and whole < planned[one.run][1]:
                state = "stopped"
            total = max(planned[one.run][1], total)
        begun.append(WorkItem(one.run, "dynamics", min(done, total), total, state))
    for job in begun if plan else ():
        _keep(jobs, job)
    found = list(jobs.values()) if plan else begun
    started = {job.name for job in found if job.state != "waiting"}
    ended = {f"cell_{name}" for name in started} | {
        f"{ANNEAL}{_cold(name)}" for name in started} | {
        f"{ANNEAL}{_cold(name.removeprefix('cell_'))}" for name in started
        if name.startswith("cell_")}
    return [WorkItem(job.name, job.kind, job.total, job.total, "complete")
            if job.state == "complete" or (job.name in ended and job.state != "running") else job
            for job in found]


ORDER = ("waiting", "stopped", "complete", "running")


def _keep(jobs: dict[str, WorkItem], job: WorkItem) -> None:
    """Put in a job unless one of its name is further: settings tried before leave folders."""
    held = jobs.get(job.name)
    if held is None or (ORDER.index(job.state), job.done) >= (ORDER.index(held.state), held.done):
        jobs[job.name] = job


def _cold(run: str) -> str:
    """Return a run's name without its temperature: ``u4_t298_r0`` is ``u4_r0``."""
    return "_".join(part for part in run.split("_") if not part.startswith("t"))


def overall(
    trainings: Sequence[TrainingProgress], runs: Sequence[Progress], work: Path,
    launch: NotedLaunch | None = None,
) -> Overall:
    """Return how far all is and how long it will take.

    Parameters
    ----------
    trainings, runs
        What is there.
    work
        Work folder, which may say what is planned.
    launch
        Its newest, where launches are noted.
    """
    everything = len(trainings) + len(runs)
    trainings = [one for one in trainings if one.current]
    runs = [one for one in runs if one.current]
    present = [one.name for one in trainings] + [one.run for one in runs]
    path, plan = plan_of(work, present, launch)
    jobs = jobs_of(trainings, runs, plan)
    speeds = {"training": _seconds_per_step(trainings), "dynamics": _seconds_per_ps(runs)}
    spent, left, wall = 0.0, 0.0, 0.0
    for kind, seconds in speeds.items():
        mine = [job for job in jobs if job.kind == kind]
        remaining = sum(job.total - job.done for job in mine)
        at_once = max(1, sum(job.state == "running" for job in mine))
        if not mine or (not remaining and math.isnan(seconds) and _other(speeds, kind, jobs)):
            continue
        spent += seconds * sum(job.done for job in mine)
        left += seconds * remaining if remaining else 0.0
        wall += seconds * remaining / at_once if remaining else 0.0
    share = spent / (spent + left) if spent + left > 0 else math.nan
    return Overall(len(jobs), sum(job.state == "complete" for job in jobs),
                   sum(job.state == "running" for job in jobs), share,
                   wall if jobs else math.nan, path, launch.name if launch else "",
                   everything - len(present))


def _other(speeds: Mapping[str, float], kind: str, jobs: Sequence[WorkItem]) -> bool:
    """Return whether jobs of another kind have a speed, so that this one may be left out."""
    return any(job.kind != kind and not math.isnan(speeds[job.kind]) for job in jobs)


def _seconds_per_step(trainings: Sequence[TrainingProgress]) -> float:
    known = {state: [one.seconds_per_step for one in trainings if one.state in state
                     and not math.isnan(one.seconds_per_step)]
             for state in (("running",), ("running", "stopped", "complete"))}
    return next((statistics.median(some) for some in known.values() if some), math.nan)


def _seconds_per_ps(runs: Sequence[Progress]) -> float:
    known = {state: [one.ns_per_day for one in runs if one.state in state and one.ns_per_day > 0]
             for state in (("running",), ("running", "stopped", "complete"))}
    speed = next((statistics.median(some) for some in known.values() if some), math.nan)
    return DAY_S / (speed * PS_PER_NS)


def progress_line(all_of_it: Overall) -> str:
    """Return one line: a bar, the share, the time left."""
    counts = f"{all_of_it.complete} of {all_of_it.jobs} trainings and runs finished, "
    of = "" if all_of_it.plan else " of those begun (no plan is in the work folder)"
    if all_of_it.earlier:
        of += f"; of launch {all_of_it.launch}: {all_of_it.earlier} of earlier ones don't count"
    if math.isnan(all_of_it.share):
        return f"overall: {counts}share and time left not known before each kind has a speed{of}"
    filled = round(BAR * all_of_it.share)
    # a share is 100 % only when all is done
    percent = min(math.floor(100 * all_of_it.share), 99 if all_of_it.seconds_left > 0 else 100)
    left = (f"about {duration(all_of_it.seconds_left)} left, {all_of_it.running or 1} at once"
            if all_of_it.seconds_left > 0 else "nothing left")
    if all_of_it.seconds_left > 0 and not all_of_it.running:
        left = f"stopped; about {duration(all_of_it.seconds_left)} left, one at a time"
    return (f"overall: [{'#' * filled}{'-' * (BAR - filled)}] {percent} %, {counts}{left}{of}")


def as_json(
    place: Path, trainings: Sequence[TrainingProgress], runs: Sequence[Progress],
    all_of_it: Overall, version: str,
) -> str:
    """Return everything ``./haven status`` knows as JSON; what is not known is null."""
    held = {
        "haven_version": version, "folder": str(place), "overall": asdict(all_of_it),
        "trainings": [asdict(one) for one in trainings],
        "runs": [{**asdict(one), "seconds_left": one.seconds_left} for one in runs],
    }
    return json.dumps(_finite(held), indent=1)


def _finite(value: Any) -> Any:
    """Return a value with null in the place of numbers that JSON has not."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
