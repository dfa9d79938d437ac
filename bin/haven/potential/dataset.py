"""From labelled frames to a training set: read, split by trajectory, deepmd/npy systems."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from haven.core.constants import EV_PER_ANGSTROM3_GPA as GPA
from haven.core.errors import HavenError, existing, log
from haven.core.identity import sha256
from haven.labels.frames.consistency import MAX_STRESS_GPA
from haven.labels.frames.reading import LabelledFrame, read_folder
from haven.labels.magnetism import metal_moments
from haven.material.distances import min_distance
from haven.potential.coverage import KEY, coverage_of

FAR_OFF = 2.0  # times the share asked for, or its inverse: how far a split may be off unsaid


def read_frames(
    folder: str | Path, u_ev: float, species: Sequence[str], max_stress_gpa: float = MAX_STRESS_GPA
) -> list[LabelledFrame]:
    """Read a folder's frames of ``u_ev`` as `haven.labels.frames.reading.read_folder` does."""
    frames = read_folder(folder, u_ev, species, max_stress_gpa)
    absent = set(species) - {s for f in frames for s in f.atoms.get_chemical_symbols()}
    if frames and absent:
        raise HavenError(f"folder {folder}: no frame holds {', '.join(sorted(absent))}, which the "
                         "material has: add frames that do")
    return frames


def label_rows(
    frames: Sequence[LabelledFrame], reasons: Sequence[str], material: str, u_ev: float
) -> list[dict[str, Any]]:
    """Return one row of table ``labels`` a frame."""
    rows = []
    for frame, reason in zip(frames, reasons, strict=True):
        info, moments = frame.info, metal_moments(frame)
        rows.append({
            "material": material, "u_ev": float(u_ev), "trajectory": frame.trajectory,
            "frame": frame.number, "origin": str(info.get("origin", "imported")),
            "atoms": len(frame.atoms),
            "temperature_k": _number(info.get("temperature_k")),
            "energy_ev": frame.energy, "energy_ev_per_atom": frame.energy / len(frame.atoms),
            "force_rms_ev_per_angstrom": float(np.sqrt((frame.forces**2).mean())),
            "force_max_ev_per_angstrom": float(np.linalg.norm(frame.forces, axis=1).max()),
            "pressure_gpa": None if frame.stress is None
            else -GPA * float(np.trace(frame.stress)) / 3,
            "moment_total": _number(info.get("magmom")),
            "moment_metal_min": float(moments.min()) if len(moments) else None,
            "moment_metal_max": float(moments.max()) if len(moments) else None,
            "min_distance_angstrom": min_distance(frame.atoms),
            "scf_steps": _number(info.get("scf_steps")), "wall_s": _number(info.get("wall_s")),
            "cpu_s": _number(info.get("cpu_s")),
            "cores": _number(info.get("cores")), "engine": str(info.get("engine", "imported")),
            "verdict": "rejected" if reason else "accepted", "reason": reason,
            "source": Path(frame.source).name,
        })
    return rows


def _number(value: Any) -> float | None:
    """Return a header's number for the table, None where it is none."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) else None


def choose_test(trajectories: Sequence[str], kinds: Sequence[str], share: float, seed: int
                ) -> list[str]:
    """Return the trajectories held out for testing, about ``share`` of each kind's frames.

    A trajectory is held out whole: those of several kinds are one more kind, with its own share.
    Where that gives less than half of the share, or more than twice, kinds are not told apart, and
    trajectories too long for what is still owed are passed over for shorter ones; where all are too
    long, the one whose length is nearest to the share of all frames is held out. What is still so
    far off is logged.

    Parameters
    ----------
    trajectories, kinds
        Trajectory and kind (such as size and origin) of every frame, same order.
    share
        Share of the frames to hold out, 0 to 1.
    seed
        Seed of the order in which trajectories are taken, which is that of a digest of seed and
        name: frames of both U values are split alike, and a set that grows keeps most of what it
        held out.

    Raises
    ------
    HavenError
        If all frames are of one trajectory.
    """
    frames = Counter(trajectories)
    kinds_of: dict[str, set[str]] = {}
    for name, kind in zip(trajectories, kinds, strict=True):
        kinds_of.setdefault(name, set()).add(kind)
    if len(kinds_of) < 2:
        raise HavenError(f"all frames are of one trajectory ({', '.join(kinds_of)}): at least two "
                         "are needed, one to test on; write trajectory=NAME into the frames' "
                         "headers, or give outputs of separate runs in folders whose names differ "
                         "in more than numbers, such as run_a/task.0001 and run_b/task.0001")
    counts: dict[str, dict[str, int]] = {}
    for name in sorted(kinds_of):
        counts.setdefault(", ".join(sorted(kinds_of[name])), {})[name] = frames[name]

    def held_share(names: Sequence[str]) -> float:
        return sum(frames[name] for name in names) / len(trajectories)

    def far_off(names: Sequence[str]) -> bool:
        return not share / FAR_OFF <= held_share(names) <= share * FAR_OFF

    held = _hold_out(counts, share, seed)
    if far_off(held):
        held = _hold_out_short(frames, share, seed) or [
            min(frames, key=lambda n: (abs(held_share([n]) - share), _rank(n, seed)))]
    if far_off(held):
        log.warning("%.0f %% of the frames are held out for testing, where --test_share asks for "
                    "%.0f %%: trajectories are held out whole; give more of them, or shorter ones",
                    100 * held_share(held), 100 * share)
    return sorted(held)


def _hold_out(counts: Mapping[str, Mapping[str, int]], share: float, seed: int) -> list[str]:
    """Return trajectories of about a share of each kind, the first in the order of `_rank`.

    Parameters
    ----------
    counts
        By kind, the frames of each trajectory. One of each kind is kept to train on; what a kind
        then still owes is owed by the next.
    share, seed
        As in `choose_test`.
    """
    held: list[str] = []
    owed = 0.0
    for kind in sorted(counts):
        group = counts[kind]
        owed += share * sum(group.values())
        for name in sorted(group, key=lambda n: _rank(n, seed))[:-1]:
            if owed < group[name] / 2:
                break
            held.append(name)
            owed -= group[name]
    return held


def _hold_out_short(frames: Mapping[str, int], share: float, seed: int) -> list[str]:
    """Return trajectories of about a share of all frames, none longer than twice what is owed."""
    held: list[str] = []
    owed = share * sum(frames.values())
    for name in sorted(frames, key=lambda n: _rank(n, seed)):
        if owed >= frames[name] / 2:
            held.append(name)
            owed -= frames[name]
    return held


def _rank(trajectory: str, seed: int) -> str:
    return hashlib.sha256(f"{seed}:{trajectory}".encode()).hexdigest()


def virial(frame: LabelledFrame) -> np.ndarray | None:
    """Return the virial, minus the strain derivative of the energy, shape (3, 3), eV."""
    return None if frame.stress is None else -frame.stress * frame.atoms.get_volume()


def write_systems(
    frames: Sequence[LabelledFrame], folder: Path, subset: str, type_map: Sequence[str]
) -> list[dict[str, Any]]:
    """Write frames as deepmd/npy systems, one a trajectory and atom list, and describe them."""
    import dpdata

    groups: dict[tuple[str, bytes, bool], list[LabelledFrame]] = {}
    for frame in frames:
        key = (frame.trajectory, frame.atoms.numbers.tobytes(), frame.stress is None)
        groups.setdefault(key, []).append(frame)
    systems, taken = [], {trajectory for trajectory, _, _ in groups}
    for (trajectory, _, _), members in sorted(groups.items(), key=lambda item: item[0][:2]):
        same = sum(s["trajectory"] == trajectory for s in systems)
        own = (next(word for number in itertools.count(same + 1)
                    if (word := f"{trajectory}_{number}") not in taken) if same else trajectory)
        taken.add(own)
        name = f"{subset}/{own}"
        symbols = members[0].atoms.get_chemical_symbols()
        data = {
            "atom_names": list(type_map),
            "atom_numbs": [symbols.count(s) for s in type_map],
            "atom_types": np.array([type_map.index(s) for s in symbols]),
            "orig": np.zeros(3),
            "cells": np.array([f.atoms.cell.array for f in members]),
            "coords": np.array([f.atoms.positions for f in members]),
            "energies": np.array([f.energy for f in members]),
            "forces": np.array([f.forces for f in members]),
        }
        if members[0].stress is not None:
            data["virials"] = np.array([virial(f) for f in members])
        dpdata.LabeledSystem(data=data).to("deepmd/npy", str(folder / name),
                                              prec=np.float64)
        systems.append({"path": name, "subset": subset, "trajectory": trajectory,
                        "frames": [f.number for f in members], "atoms": len(symbols)})
    return systems


def write_dataset(
    frames: Sequence[LabelledFrame], held: Sequence[str], type_map: Sequence[str], folder: Path,
    about: dict[str, Any],
) -> dict[str, Any]:
    """Write the data set's folder and return what its ``dataset.json`` says."""
    train = [f for f in frames if f.trajectory not in held]
    test = [f for f in frames if f.trajectory in held]
    if not train or not test:
        what = "testing" if train else "training"
        raise HavenError(f"all frames for {what} were left out: label more trajectories or choose "
                         "another seed")
    untrained = _elements(test) - _elements(train)
    if untrained:
        raise HavenError(f"only held-out frames ({', '.join(held)}) hold "
                         f"{', '.join(sorted(untrained))}: no potential can be trained for it; "
                         "label more trajectories with it, or choose another seed")
    systems = [s for subset, part in (("train", train), ("test", test))
               for s in write_systems(part, folder, subset, type_map)]
    digest = hashlib.sha256()
    for frame in frames:
        stress = np.array(np.nan) if frame.stress is None else frame.stress
        for array in (frame.atoms.numbers, frame.atoms.cell.array, frame.atoms.positions,
                      frame.forces, np.array(frame.energy), stress):
            digest.update(np.ascontiguousarray(array).tobytes())
        digest.update(f"{frame.trajectory} {frame.trajectory in held}\n".encode())
    content = {
        **about, "type_map": list(type_map), "systems": systems, "sha256": digest.hexdigest(),
        "frames": {"train": len(train), "test": len(test)},
        "has_virial": any(f.stress is not None for f in train), "test_trajectories": list(held),
        KEY: coverage_of(train),
        "files": {str(path.relative_to(folder)): sha256(path)
                  for system in systems for path in _files(folder / system["path"])},
    }
    (folder / "dataset.json").write_text(json.dumps(content, indent=1) + "\n")
    log.info("data set %s: %d frames to train on, %d of %s held out", folder, len(train),
             len(test), ", ".join(held))
    return content


def _elements(frames: Sequence[LabelledFrame]) -> set[str]:
    return {symbol for frame in frames for symbol in frame.atoms.get_chemical_symbols()}


def _files(system: Path) -> list[Path]:
    """Return the files of a system, in a fixed order."""
    return sorted(path for path in system.rglob("*") if path.is_file())


def load(folder: str | Path) -> dict[str, Any]:
    """Return a data set's description, with ``root`` its folder.

    Raises
    ------
    HavenError
        If the folder is none, a system it names is missing, or a file does not fit to the checksum
        that was written with it.
    """
    root = existing(folder, "data set")
    try:
        content = json.loads((root / "dataset.json").read_text())
    except (OSError, ValueError) as error:
        raise HavenError(f"{root} is no data set: dataset.json is missing or damaged") from error
    for system in content["systems"]:
        existing(root / system["path"] / "type.raw", "system of the data set")
    for name, wanted in content.get("files", {}).items():
        if sha256(existing(root / name, "file of the data set")) != wanted:
            raise HavenError(f"{root / name} does not fit to its checksum in dataset.json: build "
                             "the data set again")
    return {**content, "root": root.resolve()}
