"""Trainings on a share of a data set, judged on the same held-out trajectories."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from haven.core.errors import HavenError, log
from haven.potential.families.base import Training
from haven.potential.training import finished

SHOWN = ("mae", "rmse", "rmse_low_95", "rmse_high_95", "unit")


@dataclass(frozen=True)
class Task:
    """One training on a share, or a potential that is there already.

    Attributes
    ----------
    folder
        Kept between attempts.
    dataset
        From `part_of`.
    training
        What is trained, and how.
    species
        The material's elements.
    model
        Potential to judge instead of training one.
    """

    folder: Path
    dataset: dict[str, Any]
    training: Training
    species: tuple[str, ...]
    model: Path | None = None


def read_shares(text: str) -> list[float]:
    """Return shares from text such as ``0.25,0.5``, ascending; 1 is always added."""
    try:
        found = sorted({float(part) for part in text.split(",")})
    except ValueError:
        found = []
    if not found or not 0 < found[0] <= found[-1] < 1:
        raise HavenError(f"--shares is {text}: give numbers between 0 and 1 joined by commas")
    return found


def part_of(dataset: dict[str, Any], share: float) -> dict[str, Any]:
    """Return a data set's description with a share of its training trajectories.

    Smaller shares are parts of larger ones: trajectories are taken in the order of a digest of
    their names until their frames make up the share; at least one is. Held-out ones all stay.

    Parameters
    ----------
    dataset
        From `haven.potential.dataset.load`.
    share
        Share of the training frames, above 0 to 1.
    """
    train = [s for s in dataset["systems"] if s["subset"] == "train"]
    names = sorted({s["trajectory"] for s in train},
                   key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    wanted = math.floor(share * sum(len(s["frames"]) for s in train) + 0.5)
    kept: set[str] = set()
    frames = 0
    for name in names:
        if kept and frames >= wanted:
            break
        kept.add(name)
        frames += sum(len(s["frames"]) for s in train if s["trajectory"] == name)
    systems = [s for s in dataset["systems"] if s["subset"] == "test" or s["trajectory"] in kept]
    digest = hashlib.sha256(json.dumps([dataset["sha256"], sorted(kept)]).encode()).hexdigest()
    return {**dataset, "systems": systems, "sha256": digest,
            "frames": {**dataset["frames"], "train": frames}}


def parts_of(dataset: dict[str, Any], wanted: Sequence[float]) -> list[dict[str, Any]]:
    """Return a data set's parts of rising size, and last the whole of it.

    A share whose trajectories are those of a smaller share, or all there are, is left out and
    logged.

    Parameters
    ----------
    dataset
        From `haven.potential.dataset.load`.
    wanted
        Shares of the training frames, ascending.
    """
    parts: list[dict[str, Any]] = []
    for share in wanted:
        part, sizes = part_of(dataset, share), [p["frames"]["train"] for p in [*parts, dataset]]
        if part["frames"]["train"] in sizes:
            log.info("share %g is left out: with whole trajectories it is the same %d of %d frames "
                     "as another", share, part["frames"]["train"], dataset["frames"]["train"])
            continue
        parts.append(part)
    return [*parts, dataset]


def _work(task: Task) -> None:
    from haven.potential import accuracy

    task.training.prepare(task.folder)
    model = task.model
    if model is None:
        done = finished(task.folder) or task.training.make(task.folder, task.dataset, None)
        model = task.folder / done["model"]
    from haven.potential.families import open_evaluator
    from haven.potential.heldout import series_of

    parts = series_of(open_evaluator(model, task.species), task.dataset)
    rows = accuracy.accuracy_rows(parts["test"], accuracy.training_means(parts["train"]),
                                  task.training.seed)
    whole = [{"quantity": r["quantity"], **{k: r[k] for k in SHOWN}} for r in rows
             if r["species"] == r["component"] == "all"]
    (task.folder / "judged.json").write_text(json.dumps(whole))


def measure(task: Task) -> list[dict[str, Any]]:
    """Return the held-out errors of a task, each quantity a row; in a process of its own.

    Raises
    ------
    HavenError
        If the process fails.
    """
    log.info("%d frames to train on", task.dataset["frames"]["train"])
    process = get_context("spawn").Process(target=_work, args=(task,))
    process.start()
    process.join()
    judged = task.folder / "judged.json"
    if process.exitcode or not judged.exists():
        raise HavenError(f"training on {task.dataset['frames']['train']} frames failed: see "
                         f"{task.folder}/engine.log")
    return json.loads(judged.read_text())
