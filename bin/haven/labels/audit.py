"""Audit of labelled frames: which must not be trained on, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from haven.labels.frames import Frame, duplicates, min_distance
from haven.labels.pulay import HEADER

SETTINGS = ("engine", "functional", "plane_wave_cutoff_ev", "smearing_ev", "dispersion")
STRESS_AT = "stress at"  # a fixed cutoff, or a fixed number of plane waves
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
        Largest difference of a metal atom's moment from the usual one of its element, Bohr
        magneton; six robust standard deviations where the moments spread more (without U they do).
    cost_of_u_ev
        Largest distance of what U costs, in eV a metal atom, from what it usually costs; six robust
        standard deviations where that is more.
    """

    min_distance_angstrom: float = 1.5
    max_force_ev_per_angstrom: float = 15.0
    energy_deviations: float = 12.0
    moment_difference: float = 0.5
    cost_of_u_ev: float = 0.5


def metal_moments(frame: Frame, elements: Collection[int] = METALS) -> np.ndarray:
    """Return the absolute moments of the transition-metal atoms, or of some, Bohr magneton."""
    if frame.moments is None:
        return np.empty(0)
    metal = np.array([z in elements for z in frame.atoms.numbers])
    return np.abs(frame.moments[metal])


def audit(
    frames: Sequence[Frame], limits: Limits, others: Mapping[float, Sequence[Frame]] | None = None,
    u_ev: float = 0.0,
) -> list[str]:
    """Return for each frame why it must be left out, or an empty text.

    Checked in this order: convergence, distances, forces, settings, duplicates, magnetic branch,
    energy against the same frame's with another U, energy.

    Parameters
    ----------
    frames
        Frames labelled with ``u_ev``.
    limits
        What a frame must keep.
    others
        Frames of each other U, in eV, where there are any.
    u_ev
        Hubbard U of ``frames``, in eV.
    """
    reasons = [_own_fault(frame, limits) for frame in frames]
    for index, reason in other_settings(frames).items():
        reasons[index] = reasons[index] or reason
    for index, first in duplicates(frames).items():
        reasons[index] = reasons[index] or f"duplicate of {frames[first].where}"
    for index, reason in _other_moments(frames, reasons, limits).items():
        reasons[index] = reasons[index] or reason
    for other, same in (others or {}).items():
        for index, reason in _other_states(frames, reasons, u_ev, same, other, limits).items():
            reasons[index] = reasons[index] or reason
    for index, score in _energy_scores(frames, reasons).items():
        if score > limits.energy_deviations:
            reasons[index] = f"energy outlier: {score:.0f} robust deviations from the median"
    return reasons


def _other_moments(
    frames: Sequence[Frame], reasons: Sequence[str], limits: Limits
) -> dict[int, str]:
    """Return the frames in which a metal atom's moment is not the usual one of its element."""
    found: dict[int, str] = {}
    for element in sorted(METALS & {int(z) for frame in frames for z in frame.atoms.numbers}):
        own = [metal_moments(frame, {element}) for frame in frames]
        usual = [m for some, r in zip(own, reasons, strict=True) if not r for m in some]
        typical, spread = _usual(usual) if usual else (0.0, 0.0)
        allowed = max(limits.moment_difference, 6 * spread)
        for index, moments in enumerate(own):
            if len(moments) and np.abs(moments - typical).max() > allowed:
                off = moments[np.abs(moments - typical).argmax()]
                found.setdefault(
                    index, f"magnetic branch: a metal moment is {off:.2f}, usual {typical:.2f}")
    return found


def _other_states(
    frames: Sequence[Frame], reasons: Sequence[str], u_ev: float, others: Sequence[Frame],
    other_ev: float, limits: Limits,
) -> dict[int, str]:
    """Return the frames that lie too high against the same frame's energy with another U.

    Self-consistency can end in an excited state of the d electrons with the usual moments.
    Such a label lies above the ground state: with the higher U it makes U cost too much, with the
    lower one too little. The label that lies too high is the one at fault.
    """
    energies = {(f.trajectory, f.number): f.energy for f in others}
    costs = {}
    for index, frame in enumerate(frames):
        metals = sum(z in METALS for z in frame.atoms.numbers)
        if not reasons[index] and metals and (frame.trajectory, frame.number) in energies:
            above = frame.energy - energies[frame.trajectory, frame.number]
            costs[index] = above / metals
    if len(costs) < 8:
        return {}
    usual, spread = _usual(list(costs.values()))
    allowed = max(limits.cost_of_u_ev, 6 * spread)
    return {index: f"electronic state: {cost - usual:.2f} eV a metal atom higher than usual above "
                   f"the same frame with U = {other_ev:g} eV"
            for index, cost in costs.items() if cost - usual > allowed}


def other_settings(frames: Sequence[Frame]) -> dict[int, str]:
    """Return the frames made with other settings than most, with the reason to leave them out.

    Only what a frame's header says counts: program, functional, cutoff, smearing, Pulay stress.
    """
    told = [_told(frame) for frame in frames]
    usual = _most_told(told)
    found: dict[int, str] = {}
    for key in usual:
        for index, own in enumerate(told):
            if own.get(key, "imported") not in ("imported", usual[key]):
                found.setdefault(index, f"other settings: {key} {own[key]}, usual {usual[key]}")
    return found


def usual_settings(frames: Sequence[Frame]) -> dict[str, str]:
    """Return what most frames say of each setting; nothing of one that none tells."""
    return _most_told([_told(frame) for frame in frames])


def _most_told(told: Sequence[Mapping[str, str]]) -> dict[str, str]:
    values = {key: Counter(t[key] for t in told if t.get(key, "imported") != "imported")
              for key in (*SETTINGS, STRESS_AT)}
    return {key: some.most_common(1)[0][0] for key, some in values.items() if some}


def _told(frame: Frame) -> dict[str, str]:
    """Return what a frame's header says of its settings."""
    own = {key: _word(frame.info[key]) for key in SETTINGS if key in frame.info}
    if "plane_wave_cutoff_ev" in own and frame.stress is not None:
        own[STRESS_AT] = f"a fixed {'cutoff' if HEADER in frame.info else 'basis'}"
    return own


def _word(value: Any) -> str:
    """Return a setting as text; of an engine the program alone, its versions may differ."""
    return value.partition(" ")[0] if isinstance(value, str) else f"{float(value):g}"


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
        usual, spread = _usual(energy)
        away = np.abs(energy - usual) / max(spread, 1e-3)
        scores |= dict(zip(members, away.tolist(), strict=True))
    return scores


def _usual(values: Sequence[float] | np.ndarray) -> tuple[float, float]:
    """Return the median and the robust standard deviation about it."""
    middle = float(np.median(values))
    return middle, 1.4826 * float(np.median(np.abs(np.asarray(values) - middle)))
