"""What identifies a training, what it left, and what its potential is made of."""

from __future__ import annotations

import importlib
import importlib.metadata
import json
from pathlib import Path
from typing import Any

from haven.core.errors import log
from haven.core.identity import digest_of, package_digest, sha256
from haven.potential.coverage import KEY
from haven.potential.families.deepmd.input import described
from haven.potential.families.deepmd.settings import Settings


def job_key(dataset: dict[str, Any], settings: Settings, *more: str) -> str:
    """Return 12 characters naming this training: its data, settings, and what more is given.

    The code is no part of it: a change of the code goes on from the checkpoints there are.
    """
    return digest_of(dataset["sha256"], described(settings), *more)


def finished(folder: Path) -> dict[str, Any] | None:
    """Return what an earlier attempt made in ``folder``, if it came to its end."""
    record = folder / "finished.json"
    if not record.exists():
        return None
    done = json.loads(record.read_text())
    if not (folder / done["model"]).exists():
        return None
    log.info("the training in %s is finished: its potential is taken", folder.name)
    return done


def provenance(settings: Settings, dataset: dict[str, Any], model: Path) -> dict[str, Any]:
    """Return what a potential is made of, for ``potential.json`` beside it."""
    return {
        "potential": model.name, "sha256": sha256(model), "type_map": dataset["type_map"],
        "cutoff_angstrom": settings.cutoff_angstrom, "settings": described(settings),
        "dataset_sha256": dataset["sha256"], "frames": dataset["frames"],
        "test_trajectories": dataset["test_trajectories"], KEY: dataset.get(KEY),
        "train_trajectories": sorted({s["trajectory"] for s in dataset["systems"]
                                      if s["subset"] == "train"}),
        "versions": {n: importlib.metadata.version(n) for n in ("deepmd-kit", "numpy")},
        "haven": package_digest(),
    }
