"""Whether energies, forces and stresses of labelled frames are consistent, and in which units."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np

from haven.core.constants import BOHR_ANGSTROM as BOHR
from haven.core.constants import EV_PER_ANGSTROM3_GPA as GPA
from haven.core.constants import HARTREE_EV as HARTREE
from haven.core.errors import HavenError, log
from haven.material.distances import min_distance

if TYPE_CHECKING:
    from haven.labels.frames.reading import LabelledFrame

# labels of a battery crystal stay within 15 GPa; a stress in GPa or kbar that is read as
# eV/Angstrom^3 is beyond this from 0.6 GPa or 0.6 kbar on
MAX_STRESS_GPA = 100.0
CRUSHED_FORCE = 50.0  # eV/Angstrom, and
CRUSHED_ANGSTROM = 0.6  # less than any bond (H-H has 0.74): atoms that stand inside one another
BELIEVED = {1: (0.5, 1.5), 2: (0.2, 5.0)}  # anharmonicity moves the factor of the stress more
LEAST_CHANGE_EV = 2e-3
"""Largest energy change among pairs of frames that tells units: steps at the end of a relaxation
change less than self-consistency and a fixed number of plane waves leave open."""
FELT_EV = 0.02  # energy change or work of a pair, of which errors of a label are a small part
BELONGING = 0.7  # by how much of both they may differ in the median: 1 where they are unrelated
UNITS = {  # energy change over force times displacement, for each mix-up of units
    "energies are in Hartree, forces in eV/Angstrom": 1 / HARTREE,
    "energies are in eV, forces in Hartree/Bohr": HARTREE / BOHR,
    "energies are in Hartree, forces in Hartree/Bohr": 1 / BOHR,
    "energies are in Rydberg, forces in eV/Angstrom": 2 / HARTREE,
    "forces have the wrong sign": -1.0,
}


def energy_work(first: LabelledFrame, second: LabelledFrame) -> tuple[float, float, float] | None:
    """Return the energy change between two frames, and the work of forces and of stress, eV.

    The work of the forces is their mean times the displacement, that of the stress its mean times
    volume and strain; with consistent units both add up to the energy change, but for
    anharmonicity. None if the frames are too far apart for that, of other atoms, or strained
    without a stress to account for it.
    """
    one, two = first.atoms, second.atoms
    if len(one) != len(two) or (one.numbers != two.numbers).any():
        return None
    cell = 0.5 * (one.cell.array + two.cell.array)
    step = two.get_scaled_positions(wrap=False) - one.get_scaled_positions(wrap=False)
    displacement = (step - np.round(step)) @ cell
    strain = np.linalg.solve(cell, two.cell.array - one.cell.array)
    if np.abs(displacement).max() > 0.6:
        return None
    pull = 0.0
    if np.abs(strain).max() > 1e-6:
        if first.stress is None or second.stress is None:
            return None
        volume = abs(float(np.linalg.det(cell)))
        pull = 0.5 * volume * float(((first.stress + second.stress) * strain).sum())
    work = -0.5 * float(((first.forces + second.forces) * displacement).sum())
    return second.energy - first.energy, work, pull


def largest_stress_gpa(frame: LabelledFrame) -> float:
    """Return the largest component of a frame's stress in GPa, 0 without a label."""
    return 0.0 if frame.stress is None else GPA * float(np.abs(frame.stress).max())


def check_stress(frames: Sequence[LabelledFrame], most_gpa: float = MAX_STRESS_GPA) -> None:
    """Refuse frames of which most have a stress beyond ``most_gpa``.

    A cell that never changes tells neither sign nor unit of the stress (`check_units`); a stress
    in GPa or kbar is 160 or 1600 times too large.
    """
    found = [largest_stress_gpa(frame) for frame in frames if frame.stress is not None]
    if not found or float(np.median(found)) <= most_gpa:
        return
    first = frames[0]
    if crushed := _crushed(frames):
        raise HavenError(crushed)
    raise HavenError(f"{first.source}: the stress is {float(np.median(found)):.3g} GPa in the "
                     f"median, above {most_gpa:g}: is it in GPa, kbar or a virial? convert to "
                     "ASE's eV/Angstrom^3 (positive where the cell pulls inwards), or raise "
                     "--max_stress_gpa")


def _crushed(frames: Sequence[LabelledFrame]) -> str:
    """Return what is wrong where atoms stand inside one another; empty if they don't."""
    for frame in frames:
        force = float(np.abs(frame.forces).max())
        if force > CRUSHED_FORCE and (near := min_distance(frame.atoms)) < CRUSHED_ANGSTROM:
            return (f"{frame.where}: two atoms stand {near:.2g} Angstrom apart, with forces of "
                    f"{force:.3g} eV/Angstrom and a stress of {largest_stress_gpa(frame):.3g} GPa: "
                    "correct the structure (coordinates taken for fractions of the cell, or not?) "
                    "and label it again")
    return ""


def say_unjudged(frames: Sequence[LabelledFrame], judged: Collection[int], where: str) -> None:
    """Log which units could not be checked; ``judged`` is what `check_units` returned."""
    if len(frames) > 1 and 1 not in judged:
        log.warning("%s: units of energies and forces are not judged: too few frames, or too far "
                    "apart; near frames of one trajectory would tell", where)
    if 2 not in judged and sum(frame.stress is not None for frame in frames) > 1:
        log.warning("%s: sign and unit of the stress are not judged: cells of different strain "
                    "would tell", where)


def check_units(frames: Sequence[LabelledFrame]) -> set[int]:
    """Refuse frames whose energies, forces and stresses don't belong together.

    Energy changes between near frames of a trajectory are fitted by the work of forces and of
    stress; both factors must be about 1. A factor that the frames don't determine (fewer than
    eight pairs, or too far apart) is not judged.

    Returns
    -------
    set of int
        What was judged: 1 the forces, 2 the stress.
    """
    groups: dict[str, list[LabelledFrame]] = {}
    for frame in frames:
        groups.setdefault(frame.trajectory, []).append(frame)
    pairs = [
        pair
        for group in groups.values()
        for number, one in enumerate(group)
        for two in group[number + 1 : number + 4]
        if (pair := energy_work(one, two)) is not None
    ]
    judged = set()
    for column, (factor, error) in _factors(np.array(pairs).reshape(-1, 3)).items():
        low, high = BELIEVED[column]
        if low < factor < high:
            if abs(factor) >= 6 * error:
                judged.add(column)
            continue
        if abs(factor) < 6 * error:
            continue
        guess = "the stress has another unit or sign than ASE's eV/Angstrom^3"
        if column == 1:
            nearest = min(UNITS, key=lambda k: _distance(UNITS[k], factor))
            near = _distance(UNITS[nearest], factor) < 0.3
            guess = nearest if near else "their units do not fit together"
        what = "forces" if column == 1 else "stress"
        raise HavenError(f"{_span(frames)}: energy changes are {factor:.3g} times the work "
                         f"of the {what}; {guess}: convert to eV and eV/Angstrom")
    _check_belonging(frames, pairs)
    return judged


def _span(frames: Sequence[LabelledFrame]) -> str:
    first, last = frames[0], frames[-1]
    return (f"{first.source}, frames {first.position} to {last.position}"
            if first.source == last.source else f"{first.where} to {last.where}")


def _check_belonging(
    frames: Sequence[LabelledFrame], pairs: Sequence[tuple[float, float, float]]
) -> None:
    """Refuse forces that have nothing to do with the energies: of other atoms, or other frames.

    The work is the energy change but for a tenth in the median of shipped labels, and something
    unrelated to it otherwise. Some pairs may differ, such as those of two magnetic branches, which
    the audit finds.
    """
    apart = [abs(change - work - pull) / size for change, work, pull in pairs
             if (size := float(np.hypot(change, work + pull))) > FELT_EV]
    if len(apart) >= 8 and float(np.median(apart)) > BELONGING:
        raise HavenError(f"{_span(frames)}: energy changes of near frames are not the work of "
                         "their forces and stresses: are they of the same frames as the energies, "
                         "and of atoms in the same order? give them as the program wrote them")


def _factors(pairs: np.ndarray) -> dict[int, tuple[float, float]]:
    """Return factor and standard error for the columns of work (1 forces, 2 stress) there are."""
    used = [c for c in (1, 2) if len(pairs) and np.abs(pairs[:, c]).max() > 1e-4]
    if len(pairs) < 8 or not used or np.abs(pairs[:, 0]).max() < LEAST_CHANGE_EV:
        return {}
    matrix, change = pairs[:, used], pairs[:, 0]
    inverse = np.linalg.pinv(matrix.T @ matrix)
    factor = inverse @ matrix.T @ change
    variance = float(((change - matrix @ factor) ** 2).sum()) / (len(pairs) - len(used))
    error = np.sqrt(variance * np.diag(inverse))
    return {c: (float(f), float(e)) for c, f, e in zip(used, factor, error, strict=True)}


def _distance(one: float, two: float) -> float:
    return abs(np.log(abs(one) / max(abs(two), 1e-12))) if one * two > 0 else np.inf
