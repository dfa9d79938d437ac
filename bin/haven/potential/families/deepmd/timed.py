"""Potentials of given networks, trained only briefly, to time a step of dynamics."""

from __future__ import annotations

import re
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from haven.core import tasks
from haven.core.errors import HavenError, log
from haven.potential.families.deepmd.settings import NETWORK_PATTERN, DeepmdSettings

STEPS = 20


def network_settings(text: str, steps: int = STEPS) -> DeepmdSettings:
    """Return settings from ``embedding/fitting/cutoff/precision``, the cutoff in Angstrom.

    The published study's network is ``32-64-128/256-256-256/7/float64``; 16 axis neurons (8 below
    an embedding of 100) are DeePMD-kit's own default.
    """
    found = re.fullmatch(NETWORK_PATTERN, text.strip())
    if found is None:
        raise HavenError(f"--cost_networks has {text}: write embedding/fitting/cutoff/precision, "
                         "such as 32-64-128/256-256-256/7/float64")
    embedding, fitting = (tuple(int(width) for width in part.split("-"))
                          for part in found.groups()[:2])
    axis = min(16 if embedding[-1] >= 100 else 8, embedding[-1])
    return replace(DeepmdSettings(), training_steps=steps, learning_rate_start=1e-3, decay_steps=5,
                   learning_rate_stop=5e-4, embedding=embedding, fitting=fitting,
                   axis_neurons=axis, cutoff_angstrom=float(found[3]), precision=found[4])


def _make(folder: Path, settings: DeepmdSettings, dataset: dict[str, Any]) -> None:
    from haven.potential.families.deepmd import process as engine
    from haven.potential.families.deepmd.compression import compress, frames_of
    from haven.potential.families.deepmd.input import make_input
    from haven.potential.families.deepmd.systems import choose_sel, merge_systems, most_neighbours
    from haven.potential.families.deepmd.train import train

    tasks.set_threads(1)
    engine.divert_messages(folder / "engine.log")
    sel = choose_sel(most_neighbours(dataset, settings.cutoff_angstrom))
    parts, test = (merge_systems(dataset, subset, folder) for subset in ("train", "test"))
    train(folder, make_input(settings, dataset["type_map"], sel, parts, test,
                             dataset["has_virial"]))
    compress(folder, "frozen.pb", "compressed.pb", frames_of([Path(p) for p in test]),
             "input.json")


def hardly_trained(text: str, dataset: dict[str, Any], folder: Path) -> list[Path]:
    """Return a potential of the network asked for, as it is and compressed.

    Parameters
    ----------
    text
        As in `network_settings`.
    dataset
        From `haven.potential.dataset.load`; gives elements and places for neighbours.
    folder
        Made, and worked in, by a process of its own, which then frees its memory.

    Raises
    ------
    HavenError
        If the process fails.
    """
    settings = network_settings(text)
    folder.mkdir(parents=True, exist_ok=True)
    log.info("making a network %s to time, of %d training steps", text, STEPS)
    process = get_context("spawn").Process(target=_make, args=(folder, settings, dataset))
    process.start()
    process.join()
    made = [folder / "frozen.pb", folder / "compressed.pb"]
    if process.exitcode or not all(path.exists() for path in made):
        raise HavenError(f"network {text} could not be made to time it: see {folder}/engine.log")
    return made
