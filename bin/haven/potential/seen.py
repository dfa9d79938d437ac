"""Which trajectories a potential was trained on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from haven.core.errors import log
from haven.potential.families.base import UNCOMPRESSED


def trained_on(dataset: Mapping[str, Any], init: Path | None = None) -> list[str] | None:
    """Return the trajectories that a potential has seen; None where that is not known.

    Parameters
    ----------
    dataset
        From `haven.potential.dataset.load`; all its trajectories to train on count.
    init
        Potential or weights whose training the potential goes on from. What that was trained on
        stands in its ``potential.json``, ``u4_s1.potential.json`` beside ``u4_s1.pb``,
        ``uncompressed_u4_s1.pb`` or ``u4_s1.pt``; links are followed.
    """
    own = {s["trajectory"] for s in dataset["systems"] if s["subset"] == "train"}
    if init is None:
        return sorted(own)
    source = init.resolve()
    about = source.with_name(f"{source.stem.removeprefix(UNCOMPRESSED)}.potential.json")
    try:
        earlier = json.loads(about.read_text(encoding="utf-8"))["train_trajectories"]
        return sorted(own.union(map(str, earlier)))
    except (OSError, ValueError, KeyError, TypeError):
        log.warning("nothing beside %s tells what it was trained on (%s): whether held-out frames "
                    "were trained on is not known", init.name, about.name)
        return None
