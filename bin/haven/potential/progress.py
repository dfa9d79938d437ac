"""How far each training is, read from its folder of checkpoints; needs Python alone."""

from __future__ import annotations

import json
import math
import re
import statistics
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from haven.core.nextflow.launches import EARLIER, NotedLaunch, is_of
from haven.core.numbers import duration
from haven.core.tasks import QUIET_S, held
from haven.potential.curve import measure_of, read_curve

CHECKPOINT = re.compile(r"model\.ckpt-(\d+)\.(?:index|pt|jax)$")  # of any backend
TRAINING = re.compile(r"(u[\d.]+_s\d+)_[0-9a-f]{12}$")


@dataclass(frozen=True)
class TrainingProgress:
    """One training.

    Attributes
    ----------
    name
        Such as ``u4_s1``.
    step, steps
        Reached, as the learning curve has it, and asked for.
    force_train, force_test
        Error of a batch's forces, root mean square or, with dpa4, the vectors' mean length,
        eV/Angstrom; NaN before the first.
    seconds_left
        Seconds to the end at the speed between the checkpoints kept; NaN before the second
        checkpoint.
    state
        ``complete``, ``running`` or ``stopped``.
    seconds_per_step
        Between the checkpoints kept; NaN before the second.
    current
        Whether it is of the newest launch of its work folder.
    """

    name: str
    step: int
    steps: int
    force_train: float
    force_test: float
    seconds_left: float
    state: str
    seconds_per_step: float = math.nan
    current: bool = True


def read_trainings(
    place: Path, now: float | None = None, launch: NotedLaunch | None = None
) -> list[TrainingProgress]:
    """Return the trainings of a folder of checkpoints, in the order of U and seed.

    Parameters
    ----------
    place
        Holds a folder for each, as `train_potential.py` keeps it.
    now
        Seconds since the epoch; the present if not given.
    launch
        The newest of the work folder, where it is known: its trainings come first.
    """
    found = [(match.group(1), path) for path in place.iterdir()
             if (match := TRAINING.match(path.name)) and (path / "input.json").exists()]
    found.sort(key=lambda pair: [float(n) for n in re.findall(r"[\d.]+", pair[0])])
    every = [_read(name, path, time.time() if now is None else now, launch)
             for name, path in found]
    return sorted((one for one in every if one is not None), key=lambda one: not one.current)


def _read(
    name: str, folder: Path, now: float, launch: NotedLaunch | None
) -> TrainingProgress | None:
    """Return how far a training is; None where its settings are not written whole."""
    try:
        steps = int(json.loads((folder / "input.json").read_text())["training"]["numb_steps"])
    except (ValueError, KeyError, TypeError):
        return None
    curve = folder / "lcurve.out"
    rows = read_curve(curve)
    last = rows[-1] if rows else {}
    step = int(last.get("step", 0))
    saved = sorted((int(match.group(1)), path.stat().st_mtime)
                   for path in folder.glob("model.ckpt-*")
                   if (match := CHECKPOINT.match(path.name)))
    each = _seconds_per_step(saved)
    touched = (curve if rows else folder / "input.json").stat().st_mtime
    # a curve of a time to come is of a clock that was set: it says nothing
    state = ("complete" if (folder / "finished.json").exists() else "running"
             if held(folder) or -QUIET_S < now - touched < QUIET_S else "stopped")
    measure = measure_of(last)
    return TrainingProgress(name, step, steps, last.get(f"{measure}_f_trn", math.nan),
                    last.get(f"{measure}_f_val", math.nan),
                    0.0 if state == "complete" else (steps - step) * each, state, each,
                            is_of(folder, launch))


def _seconds_per_step(saved: list[tuple[int, float]]) -> float:
    """Return the median time of a step between checkpoints, s; NaN where it isn't known.

    Parameters
    ----------
    saved
        Steps and times (s) of the checkpoints that are kept. One among them at which training was
        interrupted, or the clock was set, makes no speed.
    """
    known = [(later - before) / (step - begun)
             for (begun, before), (step, later) in pairwise(saved) if step > begun]
    known = [one for one in known if one > 0]
    return statistics.median(known) if known else math.nan


def trainings_table(found: list[TrainingProgress]) -> str:
    """Return one line a training, as text."""
    lines = [f"{'training':<16}{'step':>10}{'of':>10}{'force error':>14}{'held out':>10}"
             f"{'left':>10}  state"]
    for one in found:
        errors = ["-" if math.isnan(e) else f"{e:.3f}" for e in (one.force_train, one.force_test)]
        lines.append(f"{one.name:<16}{one.step:>10}{one.steps:>10}{errors[0]:>14}{errors[1]:>10}"
                     f"{duration(one.seconds_left):>10}  {one.state}"
                     f"{'' if one.current else EARLIER}")
    return "\n".join([*lines, "Force errors are of one batch, eV/A."])
