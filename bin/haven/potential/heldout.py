"""A potential's predictions for training and held-out labels, and whether those are held out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from haven.core.errors import existing
from haven.labels.aimd_checks import read_run
from haven.labels.audit import usual_settings
from haven.labels.dispersion import KEY, with_dispersion
from haven.potential import accuracy
from haven.potential.dataset import write_systems
from haven.potential.families import refuse_other_u, told_u
from haven.potential.families.base import Evaluator
from haven.potential.surroundings import distances
from haven.potential.systems import system_arrays


def series_of(
    evaluator: Evaluator, content: Mapping[str, Any]
) -> dict[str, list[dict[str, Any]]]:
    """Return the series of `haven.potential.accuracy.series` of each subset, ``train`` the first.

    Series of which the training part has no labels are left out, see
    `haven.potential.accuracy.comparable`.

    Parameters
    ----------
    evaluator
        From `haven.potential.families.open_evaluator`.
    content
        From `haven.potential.dataset.load`, perhaps through `with_aimd`.
    """
    parts: dict[str, list[dict[str, Any]]] = {"train": [], "test": []}
    order = np.array([evaluator.elements.index(s) for s in content["type_map"]])
    for system in content["systems"]:
        a = system_arrays(content["root"] / system["path"])
        coords, cells = a["coord"].reshape(len(a["coord"]), -1, 3), a["box"].reshape(-1, 3, 3)
        found = evaluator.predict(coords, cells, order[a["type"]])
        label = {"energy": a["energy"].ravel(), "force": a["force"].reshape(coords.shape)}
        if "virial" in a:
            label["virial"] = a["virial"].reshape(-1, 3, 3)
        parts.setdefault(system["subset"], []).extend(accuracy.series(
            {**system, "type": a["type"], "reference": label, "predicted": vars(found)},
            content["type_map"]))
    return accuracy.comparable(parts)


def with_aimd(
    content: Mapping[str, Any], paths: Sequence[str | Path], u_ev: float, folder: Path
) -> dict[str, Any]:
    """Return the data set with first-principles trajectories as a third subset, ``aimd``.

    Their frames are of one temperature and, unlike those of learning rounds, were not chosen for
    being difficult. Trajectories that are in the data set or were labelled with other settings are
    left out. So is the stress, since not all of them have its Pulay correction.

    Parameters
    ----------
    content
        From `haven.potential.dataset.load`.
    paths
        Files of RUN_AIMD; those of other programs are passed over.
    u_ev
        Their Hubbard U.
    folder
        Where their systems are written.

    Returns
    -------
    dict
        The data set; ``aimd_left_out`` says of each trajectory of other settings what they are.
    """
    own = {system["trajectory"] for system in content["systems"]}
    usual, frames, left_out = content.get("settings", {}), [], []
    for path in paths:
        run = [replace(frame, stress=None) for frame in read_run(path, u_ev, content["type_map"])
               if frame.trajectory not in own]
        if not any(KEY in frame.info for frame in run):
            run = with_dispersion(run, usual.get(KEY, "none"))
        has = usual_settings(run)
        known = {**usual, KEY: usual.get(KEY, "none")}
        other = [f"{key} {has[key]}, not {known[key]}" for key in known
                 if has.get(key, known[key]) != known[key]]
        if other:
            left_out.append(f"no test on {Path(path).name}: labelled with {', '.join(other)}")
        frames += [] if other else run
    systems = [{**system, "path": str((folder / system["path"]).resolve())}
               for system in write_systems(frames, folder, "aimd", content["type_map"])]
    return {**content, "systems": [*content["systems"], *systems], "aimd_left_out": left_out}


def settings_row(left_out: Sequence[str], material: str, subject: str) -> dict[str, Any]:
    """Return the row of table ``verdicts`` on first-principles dynamics of other settings."""
    return {"material": material, "stage": "TEST_POTENTIAL", "subject": subject,
            "check": "first-principles dynamics", "value": float(len(left_out)), "limit": 0.0,
            "unit": "1", "passed": not left_out,
            "message": "; ".join(left_out) or "labelled with the settings of the data set"}


def add_distances(points: list[dict[str, Any]], content: Mapping[str, Any]) -> None:
    """Add to held-out force rows of table ``parity`` the distance from the training data."""
    parts: dict[str, list[dict[str, Any]]] = {"train": [], "test": []}
    wanted = {(p["trajectory"], p["frame"]) for p in points if p["subset"] == "test"}
    for system in content["systems"]:
        a = system_arrays(content["root"] / system["path"])
        mine = {**system, "coord": a["coord"].reshape(len(a["coord"]), -1, 3),
                "box": a["box"].reshape(-1, 3, 3), "type": a["type"]}
        if system["subset"] == "test":
            some = [i for i, f in enumerate(system["frames"])
                    if (system["trajectory"], int(f)) in wanted]
            mine |= {"coord": mine["coord"][some], "box": mine["box"][some],
                     "frames": [system["frames"][i] for i in some]}
        parts[system["subset"]].append(mine)
    kinds = content["type_map"]
    away = distances(parts["train"], parts["test"], len(kinds))
    for point in points:
        if point["subset"] == "test" and point["quantity"] == "force":
            key = (point["trajectory"], point["frame"], kinds.index(point["species"]),
                   point["number"])
            point["distance"] = away.get(key)


def check_u(content: Mapping[str, Any], about: str | Path | None, u_ev: float) -> None:
    """Refuse to compare a potential of one U with the labels of another.

    Parameters
    ----------
    content
        From `haven.potential.dataset.load`.
    about
        The potential's ``potential.json``, or None. One that does not tell its U passes.
    u_ev
        Hubbard U of the test, eV.

    Raises
    ------
    HavenError
        If the data set or the potential is of another U.
    """
    kinds = "data set, potential"
    refuse_other_u(f"data set {content['root']}", float(content["u_ev"]), u_ev, kinds)
    own = None if about is None else told_u(existing(about, "potential.json"))
    if own is not None:
        refuse_other_u(f"the potential of {about}", own, u_ev, kinds)


def seen_row(
    about: str | Path | None, content: Mapping[str, Any], material: str, subject: str
) -> dict[str, Any]:
    """Return the row of table ``verdicts`` on whether the held-out frames were trained on.

    Parameters
    ----------
    about
        The potential's ``potential.json``; None where there is none, so that this is not known.
    content
        From `haven.potential.dataset.load`.
    material, subject
        For the row.
    """
    held = set(content["test_trajectories"])
    trained: set[str] | None = None
    if about is not None:
        try:
            told = json.loads(existing(about, "potential.json").read_text(encoding="utf-8"))
            trained = set(told["train_trajectories"])
        except (ValueError, KeyError, TypeError):
            trained = None
    seen = held & trained if trained is not None else set()
    if trained is None:
        words = ("nothing tells what this potential was trained on: its errors may be those of "
                 "frames it has seen")
    elif seen:
        words = (f"{len(seen)} of {len(held)} held-out trajectories were trained on "
                 f"({', '.join(sorted(seen)[:3])}): the errors are too small")
    else:
        words = f"none of the {len(held)} held-out trajectories was trained on"
    return {"material": material, "stage": "TEST_POTENTIAL", "subject": subject,
            "check": "held out", "value": None if trained is None else float(len(seen)),
            "limit": 0.0, "unit": "1", "passed": trained is not None and not seen,
            "message": words}
