"""From labelled frames to a training set: audit, split by trajectory, deepmd/npy systems."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from haven.cli import HavenError, existing, log
from haven.frames import Frame, duplicates, find_files, min_distance, read_file

GPA = 160.21766208
METALS = frozenset([*range(21, 31), *range(39, 49), *range(57, 81)])


@dataclass(frozen=True)
class Limits:
    """What a frame must keep to be accepted.

    Attributes
    ----------
    min_distance_angstrom
        Shortest distance between two atoms.
    max_force_ev_per_angstrom
        Largest force on an atom.
    energy_deviations
        Largest distance of the energy per atom from the median of its composition, in robust
        standard deviations (1.4826 times the median absolute deviation).
    moment_difference
        Largest difference of a metal atom's moment from the usual one, Bohr magneton; six robust
        standard deviations where the moments spread more (without U they do).
    """

    min_distance_angstrom: float = 1.5
    max_force_ev_per_angstrom: float = 15.0
    energy_deviations: float = 12.0
    moment_difference: float = 0.5


def read_frames(folder: str | Path, u_ev: float, species: Sequence[str]) -> list[Frame]:
    """Read every frame of a folder labelled with ``u_ev``; see `haven.frames.read_file`."""
    frames = [f for file in find_files(folder, u_ev) for f in read_file(file, u_ev, species)]
    absent = set(species) - {s for f in frames for s in f.atoms.get_chemical_symbols()}
    if frames and absent:
        raise HavenError(f"folder {folder}: no frame holds {', '.join(sorted(absent))}, which the "
                         "material has: add frames that do")
    return frames


def metal_moments(frame: Frame) -> np.ndarray:
    """Return the absolute moments of the transition-metal atoms, Bohr magneton."""
    if frame.moments is None:
        return np.empty(0)
    metal = np.array([z in METALS for z in frame.atoms.numbers])
    return np.abs(frame.moments[metal])


def audit(frames: Sequence[Frame], limits: Limits) -> list[str]:
    """Return for each frame why it must be left out, or an empty text.

    Checked in this order: convergence, distances, forces, duplicates, magnetic branch, energy.
    """
    reasons = [_own_fault(frame, limits) for frame in frames]
    for index, first in duplicates(frames).items():
        reasons[index] = reasons[index] or f"duplicate of {frames[first].where}"
    usual = [m for f, r in zip(frames, reasons, strict=True) if not r for m in metal_moments(f)]
    typical = float(np.median(usual)) if usual else 0.0
    spread = 1.4826 * float(np.median(np.abs(np.array(usual) - typical))) if usual else 0.0
    allowed = max(limits.moment_difference, 6 * spread)
    for index, frame in enumerate(frames):
        moments = metal_moments(frame)
        if len(moments) and np.abs(moments - typical).max() > allowed:
            off = moments[np.abs(moments - typical).argmax()]
            reasons[index] = reasons[index] or (
                f"magnetic branch: a metal moment is {off:.2f}, usual {typical:.2f}")
    for index, score in _energy_scores(frames, reasons).items():
        if score > limits.energy_deviations:
            reasons[index] = f"energy outlier: {score:.0f} robust deviations from the median"
    return reasons


def _own_fault(frame: Frame, limits: Limits) -> str:
    if not bool(frame.info.get("converged", True)):
        return "not converged"
    shortest = min_distance(frame.atoms)
    if shortest < limits.min_distance_angstrom:
        return f"atoms {shortest:.2f} Angstrom apart"
    largest = float(np.linalg.norm(frame.forces, axis=1).max())
    if largest > limits.max_force_ev_per_angstrom:
        return f"force of {largest:.1f} eV/Angstrom"
    return ""


def _energy_scores(frames: Sequence[Frame], reasons: Sequence[str]) -> dict[int, float]:
    groups: dict[str, list[int]] = {}
    for index, frame in enumerate(frames):
        if not reasons[index]:
            kind = frame.atoms.symbols.formula.reduce()[0].format("hill")
            groups.setdefault(kind, []).append(index)
    scores: dict[int, float] = {}
    for members in groups.values():
        if len(members) < 8:
            continue
        energy = np.array([frames[i].energy / len(frames[i].atoms) for i in members])
        away = np.abs(energy - np.median(energy))
        spread = max(1.4826 * float(np.median(away)), 1e-3)
        scores |= dict(zip(members, (away / spread).tolist(), strict=True))
    return scores


def label_rows(
    frames: Sequence[Frame], reasons: Sequence[str], material: str, u_ev: float
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
    return None if value is None or not np.isfinite(float(value)) else float(value)


def choose_test(trajectories: Sequence[str], kinds: Sequence[str], share: float, seed: int
                ) -> list[str]:
    """Return the trajectories held out for testing, about ``share`` of each kind's frames.

    Parameters
    ----------
    trajectories, kinds
        Trajectory and kind (such as size and origin) of every frame, same order.
    share
        Share of the frames to hold out, 0 to 1.
    seed
        Seed of the order in which trajectories are taken, which is that of a digest of seed and
        name: frames of both U values are split alike, and a set that grows keeps what it held out.
    """
    counts: dict[str, dict[str, int]] = {}
    for name, kind in sorted(zip(trajectories, kinds, strict=True)):
        group = counts.setdefault(kind, {})
        group[name] = group.get(name, 0) + 1
    held: list[str] = []
    owed = 0.0
    for kind in sorted(counts):
        group = counts[kind]
        owed += share * sum(group.values())
        names = [n for n in sorted(group, key=lambda n: _rank(n, seed)) if n not in held]
        for name in names[:-1]:
            if owed < group[name] / 2:
                break
            held.append(name)
            owed -= group[name]
    if not held:
        every = sorted(set(trajectories))
        if len(every) < 2:
            raise HavenError(f"all frames are of one trajectory ({', '.join(every)}): at least two "
                             "are needed, one to test on")
        held = [min(every, key=lambda n: _rank(n, seed))]
    return sorted(held)


def _rank(trajectory: str, seed: int) -> str:
    return hashlib.sha256(f"{seed}:{trajectory}".encode()).hexdigest()


def virial(frame: Frame) -> np.ndarray | None:
    """Return the virial, minus the strain derivative of the energy, shape (3, 3), eV."""
    return None if frame.stress is None else -frame.stress * frame.atoms.get_volume()


def write_systems(
    frames: Sequence[Frame], folder: Path, subset: str, type_map: Sequence[str]
) -> list[dict[str, Any]]:
    """Write frames as deepmd/npy systems, one a trajectory and atom list, and describe them."""
    import dpdata

    groups: dict[tuple[str, bytes, bool], list[Frame]] = {}
    for frame in frames:
        key = (frame.trajectory, frame.atoms.numbers.tobytes(), frame.stress is None)
        groups.setdefault(key, []).append(frame)
    systems = []
    for (trajectory, _, _), members in sorted(groups.items(), key=lambda item: item[0][:2]):
        same = sum(s["trajectory"] == trajectory for s in systems)
        name = f"{subset}/{trajectory}" + (f"_{same + 1}" if same else "")
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


def build(
    frames: Sequence[Frame], held: Sequence[str], type_map: Sequence[str], folder: Path,
    about: dict[str, Any],
) -> dict[str, Any]:
    """Write the data set's folder and return what its ``dataset.json`` says."""
    train = [f for f in frames if f.trajectory not in held]
    test = [f for f in frames if f.trajectory in held]
    if not train or not test:
        what = "testing" if train else "training"
        raise HavenError(f"all frames for {what} were left out: label more trajectories or choose "
                         "another seed")
    systems = [s for subset, part in (("train", train), ("test", test))
               for s in write_systems(part, folder, subset, type_map)]
    digest = hashlib.sha256()
    for frame in frames:
        for array in (frame.atoms.numbers, frame.atoms.cell.array, frame.atoms.positions,
                      frame.forces, np.array(frame.energy)):
            digest.update(np.ascontiguousarray(array).tobytes())
    content = {
        **about, "type_map": list(type_map), "systems": systems, "sha256": digest.hexdigest(),
        "frames": {"train": len(train), "test": len(test)},
        "has_virial": all(f.stress is not None for f in frames), "test_trajectories": list(held),
    }
    (folder / "dataset.json").write_text(json.dumps(content, indent=1) + "\n")
    log.info("data set %s: %d frames to train on, %d of %s held out", folder, len(train),
             len(test), ", ".join(held))
    return content


def load(folder: str | Path) -> dict[str, Any]:
    """Return a data set's description, with ``root`` its folder.

    Raises
    ------
    HavenError
        If the folder is none, or a system it names is missing.
    """
    root = existing(folder, "data set")
    try:
        content = json.loads((root / "dataset.json").read_text())
    except (OSError, ValueError) as error:
        raise HavenError(f"{root} is no data set: dataset.json is missing or damaged") from error
    for system in content["systems"]:
        existing(root / system["path"] / "type.raw", "system of the data set")
    return {**content, "root": root.resolve()}
