"""Identity of a training, its results, and the provenance of its potential."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from haven.core.errors import log
from haven.core.identity import digest_of, package_digest, sha256
from haven.potential.coverage import KEY
from haven.potential.families.base import Training
from haven.potential.seen import trained_on


def job_key(dataset: Mapping[str, Any], described: Mapping[str, Any], *more: str) -> str:
    """Return 12 characters that change with a training's data, settings or the words ``more``.

    The order of the elements, which numbers them in the network, counts as part of the data. The
    code is no part of it: after a change of the code a training continues from its checkpoints.

    Parameters
    ----------
    dataset
        From `haven.potential.dataset.load`.
    described, more
        `described` and `identity` of a `haven.potential.families.base.Training`.
    """
    return digest_of(dataset["sha256"], dataset["type_map"], dict(described), *more)


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


def provenance(training: Training, dataset: Mapping[str, Any], model: Path) -> dict[str, Any]:
    """Return a potential's data, settings and versions, for ``potential.json`` beside it.

    Of a training that started from another potential the family tells the ``train_trajectories``
    of both, see `haven.potential.families.base.Training.make`.
    """
    return {
        "potential": model.name, "sha256": sha256(model), "type_map": dataset["type_map"],
        "cutoff_angstrom": training.cutoff_angstrom, "settings": training.described(),
        "dataset_sha256": dataset["sha256"], "frames": dataset["frames"],
        "test_trajectories": dataset["test_trajectories"], KEY: dataset.get(KEY),
        "train_trajectories": trained_on(dataset),
        "haven": package_digest(), **training.about(),
    }
