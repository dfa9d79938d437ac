"""Audit of labelled frames: which must not be trained on, and why."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from haven.core.constants import BOLTZMANN_EV_PER_K
from haven.core.options import option
from haven.labels.frames.consistency import MAX_STRESS_GPA, energy_work, largest_stress_gpa
from haven.labels.frames.reading import LabelledFrame, duplicates, program_of
from haven.labels.frames.vacuum import isolated
from haven.labels.magnetism import (
    METALS,
    composition,
    median_and_spread,
    other_moments,
    spin_of,
    without_moments,
)
from haven.labels.pulay import HEADER
from haven.material.distances import tightest_pair
from haven.material.options import Distances

SETTINGS = ("engine", "functional", "plane_wave_cutoff_ev", "smearing_ev", "smearing", "dispersion")
POTENTIALS = "pseudopotentials"  # of a header: files by element, with "; " between
SAME_ENERGY = 1e-3  # eV an atom: two runs of one geometry and one setting agree far better
SAME_FORCE = 0.05  # eV/Angstrom, as much as a potential's own error
STRESS_AT = "stress at"
AT_CUTOFF = "a fixed cutoff"  # rather than a fixed basis, which is a fixed number of plane waves
# eV an atom: 12 times it, 0.36 eV, are the potential energy 3/2 kT of atoms in motion at 1500 K and
# more than four standard deviations of that in a cell of 20 atoms
MOTION = BOLTZMANN_EV_PER_K * 350


@dataclass(frozen=True)
class Limits(Distances):
    """What a frame must keep to be accepted.

    Attributes
    ----------
    min_distance_angstrom
        Shortest distance between two atoms; None for `haven.material.distances.pair_limit`.
    max_force_ev_per_angstrom
        Largest force on an atom.
    max_stress_gpa
        Largest component of the stress.
    energy_deviations
        Largest distance of the energy per atom from the median of its composition, in robust
        standard deviations (1.4826 times the median absolute deviation); more where forces account
        for it.
    moment_difference
        Largest difference of a metal atom's moment from the usual one of its element (see
        `haven.labels.magnetism.other_moments`), Bohr magneton; six robust standard deviations where
        the moments spread more (without U they do).
    cost_of_u_ev
        Largest distance of what U costs, in eV a metal atom, from what it usually costs; six robust
        standard deviations where that is more.
    """

    max_force_ev_per_angstrom: float = option(
        15.0, "largest force on an atom that a label may have", unit="eV/Angstrom", above=0,
        most=1000)
    max_stress_gpa: float = option(
        MAX_STRESS_GPA, "largest component of the stress that a label may have", unit="GPa",
        above=0, most=1_000_000, more="More is taken for a stress in another unit")
    energy_deviations: float = 12.0
    moment_difference: float = 0.5
    cost_of_u_ev: float = 0.5


def audit(
    frames: Sequence[LabelledFrame], limits: Limits,
    others: Mapping[float, Sequence[LabelledFrame]] | None = None,
) -> list[str]:
    """Return for each frame why it must be left out, or an empty text.

    Checked in this order: convergence, distances, forces, stress, isolated atoms, settings, frames
    without moments, repeated geometries, magnetic branch, energy against the same frame's with
    another U, energy. What one check leaves out plays no part in the next: the twin of an
    unconverged label is no duplicate.

    Parameters
    ----------
    frames
        Frames labelled with one U.
    limits
        What a frame must keep.
    others
        Frames of each other U, in eV, where there are any.
    """
    reasons = [_own_fault(frame, limits) for frame in frames]

    def note(faults: Mapping[int, str]) -> None:
        for index, reason in faults.items():
            reasons[index] = reasons[index] or reason

    note(isolated(frames))
    note(other_settings(frames))
    note(without_moments(frames, reasons))
    note(_repeated(frames, reasons))
    note(other_moments(frames, reasons, limits.moment_difference))
    for other, same in (others or {}).items():
        note(_other_states(frames, reasons, same, other, limits))
    note(_energy_outliers(frames, reasons, limits))
    return reasons


def _repeated(frames: Sequence[LabelledFrame], reasons: Sequence[str]) -> dict[int, str]:
    """Return the frames of a geometry that is there twice, with the reason to leave them out.

    Labels that agree are duplicates, of which the first is kept. Labels that don't agree were made
    with other settings or in other electronic states; none of them says which is right.
    """
    usable = [index for index, reason in enumerate(reasons) if not reason]
    twins = {usable[two]: usable[one]
             for two, one in duplicates([frames[index] for index in usable]).items()}
    found: dict[int, str] = {}
    for index, first in twins.items():
        one, two = frames[first], frames[index]
        apart = abs(one.energy - two.energy) / len(one.atoms)
        pull = float(np.abs(one.forces - two.forces).max())
        if apart <= SAME_ENERGY and pull <= SAME_FORCE:
            found.setdefault(index, f"duplicate of {one.where}")
            continue
        what = (f"energies {1000 * apart:.1f} meV/atom apart" if apart > SAME_ENERGY
                else f"forces {pull:.2f} eV/Angstrom apart")
        found[index] = f"conflict: same geometry as {one.where}, {what}"
        if not found.get(first, "").startswith("conflict"):
            found[first] = f"conflict: same geometry as {two.where}, {what}"
    return found


def kind_of(reason: str) -> str:
    """Return the kind of a fault that `audit` names: its text without numbers and file names."""
    return re.split(r":| of (?=[\d/.])| (?=\d)", reason)[0].removesuffix(" of") or reason


def _other_states(
    frames: Sequence[LabelledFrame], reasons: Sequence[str], others: Sequence[LabelledFrame],
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
    usual, spread = median_and_spread(list(costs.values()))
    allowed = max(limits.cost_of_u_ev, 6 * spread)
    return {index: f"electronic state: {cost - usual:.2f} eV a metal atom higher than usual above "
                   f"the same frame with U = {other_ev:g} eV"
            for index, cost in costs.items() if cost - usual > allowed}


def other_settings(frames: Sequence[LabelledFrame]) -> dict[int, str]:
    """Return the frames made with other settings than most, with the reason to leave them out.

    Where two settings have as many frames, neither is the usual one and both are left out.

    Only what a frame says counts: program, functional, cutoff, smearing, dispersion, spin
    (`haven.labels.magnetism.spin_of`), pseudopotentials. Of stress see `with_one_stress`.
    """
    told = [_told(frame) for frame in frames]
    usual = _most_told(told)
    found: dict[int, str] = {}
    for key in usual:
        counts = Counter(own[key] for own in told if own.get(key, "imported") != "imported")
        ranks = counts.most_common(2)
        tied = len(ranks) > 1 and ranks[0][1] == ranks[1][1]
        for index, own in enumerate(told):
            value = own.get(key, "imported")
            if value == "imported":
                continue
            if tied:
                found.setdefault(index, f"other settings: {key} {value}, and none is usual "
                                        f"({', '.join(sorted(counts))}): give frames of one")
            elif value != usual[key]:
                found.setdefault(index, f"other settings: {key} {value}, usual {usual[key]}")
    return found


def with_one_stress(frames: Sequence[LabelledFrame]) -> tuple[list[LabelledFrame], str]:
    """Return frames whose stress is of one kind, at a fixed cutoff or a fixed basis, and a note.

    The frames of the rarer kind lose their stress; energies and forces of both are the same. Where
    both are as many, the stress at a fixed cutoff is kept, which is that of the energies.
    """
    kinds = [_stress_at(frame) for frame in frames]
    counts = Counter(kind for kind in kinds if kind)
    if len(counts) < 2:
        return list(frames), ""
    kept = max(counts, key=lambda kind: (counts[kind], kind == AT_CUTOFF))
    lost = sum(counts.values()) - counts[kept]
    told = (f"the stress of {lost} of {len(frames)} frames is left out: it is not at {kept}, as "
            "that of most is; their energies and forces are kept")
    return [frame if kind in (kept, None) else replace(frame, stress=None)
            for frame, kind in zip(frames, kinds, strict=True)], told


def usual_settings(frames: Sequence[LabelledFrame]) -> dict[str, str]:
    """Return the most frequent value of each setting of the labels that any frame states."""
    return _most_told([{**_told(frame), STRESS_AT: _stress_at(frame) or "imported"}
                       for frame in frames])


def _most_told(told: Sequence[Mapping[str, str]]) -> dict[str, str]:
    values = {key: Counter(t[key] for t in told if t.get(key, "imported") != "imported")
              for key in dict.fromkeys(key for own in told for key in own)}
    return {key: some.most_common(1)[0][0] for key, some in values.items() if some}


def _told(frame: LabelledFrame) -> dict[str, str]:
    """Return what a frame's header says of its settings."""
    own = {key: _word(frame.info[key], key) for key in SETTINGS if key in frame.info}
    if spin := spin_of(frame):
        own["spin"] = spin
    for file in str(frame.info.get(POTENTIALS, "")).split("; "):
        if words := re.findall(r"\b([A-Z][a-z]?)(?=[\s._:]|$)", file):
            element = next((word for word in words if word in frame.atoms.symbols), None)
            if element:
                own[f"pseudopotential of {element}"] = file
    return own


def _stress_at(frame: LabelledFrame) -> str | None:
    """Return which kind of stress a plane-wave label has; None without one."""
    if "plane_wave_cutoff_ev" not in frame.info or frame.stress is None:
        return None
    return AT_CUTOFF if HEADER in frame.info else "a fixed basis"


def _word(value: Any, key: str) -> str:
    """Return a setting as text; of an engine the program alone, its versions may differ."""
    if isinstance(value, (int, float)):
        return f"{float(value):g}"
    return program_of(str(value)) if key == "engine" else str(value)


def _own_fault(frame: LabelledFrame, limits: Limits) -> str:
    if not frame.info.get("converged", True):
        return "not converged"
    closest = tightest_pair(frame.atoms, limits.min_distance_angstrom)
    if closest is not None and closest[1] < closest[2]:
        return f"atoms {closest[1]:.2f} Angstrom apart: {closest[0]}, limit {closest[2]:.2f}"
    largest = float(np.linalg.norm(frame.forces, axis=1).max())
    if largest > limits.max_force_ev_per_angstrom:
        return f"force of {largest:.1f} eV/Angstrom"
    pressure = largest_stress_gpa(frame)
    if pressure > limits.max_stress_gpa:
        return f"stress of {pressure:.0f} GPa"
    return ""


def _energy_outliers(
    frames: Sequence[LabelledFrame], reasons: Sequence[str], limits: Limits
) -> dict[int, str]:
    """Return the frames whose energy is far from the median of their composition.

    Where most frames are near the crystal at rest their spread is tiny, and any dynamics is far
    away from it in deviations. An energy that atoms in motion may have (`MOTION`) is left out only
    where it and the work of the forces from the nearest usual frame differ by more than twice.
    """
    groups: dict[str, list[int]] = {}
    for index, frame in enumerate(frames):
        if not reasons[index]:
            groups.setdefault(composition(frame), []).append(index)
    found: dict[int, str] = {}
    for members in groups.values():
        if len(members) < 8:
            continue
        energy = np.array([frames[i].energy / len(frames[i].atoms) for i in members])
        usual, spread = median_and_spread(energy)
        spread = max(spread, SAME_ENERGY)
        score = np.abs(energy - usual) / spread
        near = [frames[i] for i, far in zip(members, score, strict=True)
                if far <= limits.energy_deviations]
        for index, far, value in zip(members, score, energy, strict=True):
            if far > limits.energy_deviations and (
                    abs(value - usual) > limits.energy_deviations * MOTION
                    or not _by_work(frames[index], near, limits.energy_deviations * spread)):
                found[index] = f"energy outlier: {far:.0f} robust deviations from the median"
    return found


def _by_work(frame: LabelledFrame, others: Sequence[LabelledFrame], allowed: float) -> bool:
    """Return whether forces account for a frame's energy; True where no other frame is near.

    Parameters
    ----------
    frame, others
        The frame, and those of its composition with a usual energy.
    allowed
        Energy that need not be accounted for, eV an atom. Beside it, energy and work may differ by
        twice, since bonds are anharmonic.
    """
    place = frame.atoms.get_scaled_positions()
    alike = [other for other in others if np.array_equal(other.atoms.numbers, frame.atoms.numbers)]
    if not alike:
        return True
    steps = np.array([other.atoms.get_scaled_positions() for other in alike]) - place
    steps -= np.round(steps)
    nearest = alike[int(np.abs(steps @ frame.atoms.cell.array).max(axis=(1, 2)).argmin())]
    pair = energy_work(nearest, frame)
    if pair is None:
        return True
    change, work, pull = pair
    work += pull
    return abs(change - work) <= max(0.5 * abs(change), 0.5 * abs(work), allowed * len(place))
