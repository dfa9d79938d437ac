"""The segments of a run, compared with each other, and joined into one trajectory.

Each attempt at a phase leaves a log, frames of the mobile ions and of all atoms, and with several
potentials their deviations. A frame counts if its step is in all of them and they agree. Attempts
count as far as their frames follow each other without a gap from step 0 on, and as each begins in
the state that the one before it had at that step.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from haven.core.errors import HavenError
from haven.core.reading import checksums
from haven.dynamics.job import COLUMNS, PHASES, Job
from haven.dynamics.lammps import program as lammps
from haven.dynamics.lammps.dcd import Dcd, cell_lengths, means, positions, read_dcd
from haven.potential.families import family_of

SAME_MEV = 0.1  # per atom, between energies of one state: single precision's rounding is far less
SAME_SHARE = 1e-9  # of a temperature or a length, between two of one state; no potential is in it
SAME_CENTRE = 1e-8  # Angstrom, between two centres of mass of one state
SINGLE_SHARE = 1e-6  # of a length, between a frame and the log
SINGLE_ANGSTROM = 1e-4  # between the centre of a frame's ions, of single precision, and the log's
ENDINGS = (".log", ".mobile.dcd", ".all.dcd", ".deviation")
_STEM = re.compile(r"(equilibration|production)\.a(\d+)(?=\.)")
_HOST, _CENTRE = (slice(len(COLUMNS) - k, len(COLUMNS) - k + 3) for k in (6, 3))
_BOX = slice(COLUMNS.index("lx"), COLUMNS.index("lx") + 6)


@dataclass(frozen=True)
class Segments:
    """A run's frames, no step twice and none missing.

    Attributes
    ----------
    steps, thermo
        Steps (T,) and thermodynamic lines (T, columns) at the mobile ions' frames.
    mobile
        Positions (T, N, 3) in LAMMPS's frame, float32, Angstrom.
    all_steps, all_positions
        Steps (M,) and positions (M, A, 3) of all atoms.
    deviation
        Step and largest force deviation of the ensemble (K, 2); None with one potential.
    segments
        Attempts that contributed.
    """

    steps: np.ndarray
    thermo: np.ndarray
    mobile: np.ndarray
    all_steps: np.ndarray
    all_positions: np.ndarray
    deviation: np.ndarray | None
    segments: int


@dataclass(frozen=True)
class Masses:
    """Masses of all atoms (A,), and which of them are mobile, and of the host (A,)."""

    all: np.ndarray
    mobile: np.ndarray
    host: np.ndarray


@dataclass(frozen=True)
class Attempt:
    """One attempt at a phase.

    Attributes
    ----------
    stem
        Of its files' names.
    begin
        Step that it began from.
    steps
        Of its whole frames that follow each other from the first one on, (T,).
    thermo
        Lines (L, columns) of its log, each step once, all numbers finite.
    mobile, all
        Its frames of the mobile ions and of all atoms.
    deviation
        Step and deviation (K, 2), each step once; None where the run has one potential.
    damage
        What is wrong after its last whole frame, or with all of it; empty where it ends as a
        complete or a killed attempt does.
    """

    stem: str
    begin: int
    steps: np.ndarray
    thermo: np.ndarray
    mobile: Dcd
    all: Dcd
    deviation: np.ndarray | None
    damage: str

    def line(self, step: int) -> np.ndarray | None:
        """Return the log's line of a step (columns,), if it is there."""
        rows = self.thermo[self.thermo[:, 0] == step]
        return rows[0] if len(rows) else None


@dataclass(frozen=True)
class Chain:
    """A phase, as far as its frames follow each other from step 0 on.

    Attributes
    ----------
    links
        Attempts and the last step that each contributes, in the order of time.
    until
        Step of the last frame; negative without any.
    lost
        What is wrong with attempts that do not count, or only in part.
    """

    links: tuple[tuple[Attempt, int], ...] = ()
    until: int = -1
    lost: tuple[str, ...] = field(default=())

    def line(self, step: int) -> np.ndarray | None:
        """Return the log's line of a step (columns,), if it is there."""
        after = np.inf
        for attempt, _ in reversed(self.links):
            if attempt.begin <= step < after and (found := attempt.line(step)) is not None:
                return found
            after = min(after, attempt.begin + 1)
        return None

    @property
    def reached(self) -> int:
        """The last step of its last log."""
        return int(self.links[-1][0].thermo[-1, 0]) if self.links else -1


def last_frame(job: Job, phase: str) -> int:
    """Return the step of the last frame that a whole phase has."""
    return job.steps(phase) // job.dump_steps * job.dump_steps


def stems(folder: Path, phase: str) -> list[str]:
    """Return the stems of the files of a phase's attempts, in their order."""
    found = {(int(match.group(2)), match.group(0)) for path in folder.glob(f"{phase}.a*")
             if (match := _STEM.match(path.name))}
    return [stem for _, stem in sorted(found)]


def begins(folder: Path, stem: str) -> int | None:
    """Return the step of its phase that an attempt begins from; None without its input."""
    source = folder / f"{stem}.in"
    if not source.exists():
        return None
    told = re.search(rf"^read_restart {PHASES[1] if stem.startswith(PHASES[1]) else PHASES[0]}"
                     r"\.(\d+)\.restart", source.read_text(errors="replace"), re.M)
    return int(told.group(1)) if told else 0


def masses(folder: Path, job: Job) -> Masses | None:
    """Return the masses of a run's atoms from its start; None where there is none."""
    path = folder / "start.data"
    if not path.exists():
        return None
    lines = path.read_text().split("\n")
    count, kinds = int(lines[2].split()[0]), int(lines[3].split()[0])
    at = lines.index("Masses") + 2
    of_type = np.array([float(line.split()[1]) for line in lines[at : at + kinds]])
    at = lines.index("Atoms # atomic") + 2
    types = np.array([int(line.split(maxsplit=2)[1]) for line in lines[at : at + count]])
    mobile, *host = (job.species.index(one) + 1 for one in (job.mobile, *job.host))
    return Masses(of_type[types - 1], types == mobile, np.isin(types, host))


def same_state(one: np.ndarray, other: np.ndarray, atoms: int) -> bool:
    """Tell whether two lines of LAMMPS's log are of the same state of a run.

    Temperature, energies, box and centres are compared, within the rounding of a potential. The
    pressure is not compared: its rounding is large, and it follows from the same state.

    Parameters
    ----------
    one, other
        Values of `haven.dynamics.job.COLUMNS`, shape (columns,), in the units of these columns.
    atoms
        Number of atoms, to which the rounding of an energy grows in proportion.
    """
    energies = [COLUMNS.index("pe"), COLUMNS.index("econserve")]
    near = np.abs(one - other)
    size = np.maximum(np.abs(one), np.abs(other))
    relative = [COLUMNS.index("temp"), *range(_BOX.start, _BOX.stop)]
    return bool((near[energies] <= SAME_MEV / 1000 * atoms + 1e-10 * size[energies]).all()
                and (near[relative] <= SAME_SHARE * size[relative] + 1e-9).all()
                and (near[_HOST.start :] <= SAME_CENTRE).all())


def _once(rows: np.ndarray, atoms: int) -> np.ndarray:
    """Return lines (L, columns) that are finite, each step once; one told two ways is left out."""
    rows = rows[np.isfinite(rows).all(axis=1)]
    steps, first, count = np.unique(rows[:, 0], return_index=True, return_counts=True)
    good = np.ones(len(steps), bool)
    for place in np.flatnonzero(count > 1):
        told = rows[rows[:, 0] == steps[place]]
        good[place] = all(same_state(told[0], other, atoms) for other in told[1:])
    return rows[first[good]]


def read_attempt(job: Job, folder: Path, stem: str, weights: Masses | None) -> Attempt:
    """Read one attempt as far as its files agree with each other and with their checksums."""
    atoms = 1 if weights is None else len(weights.all)
    thermo = _once(lammps.read_thermo(folder / f"{stem}.log", len(COLUMNS)), atoms)
    begin = begins(folder, stem)
    if begin is None:
        begin = int(thermo[0, 0]) if len(thermo) else 0
    every = job.dump_steps
    mobile = read_dcd(folder / f"{stem}.mobile.dcd",
                      None if weights is None else int(weights.mobile.sum()), every)
    whole = read_dcd(folder / f"{stem}.all.dcd", None if weights is None else atoms,
                     every * job.all_every)
    deviation = _deviation(job, folder / f"{stem}.deviation")
    first = -(-begin // every) * every
    wrong = checksums.broken(folder, [stem + ending for ending in ENDINGS])
    if wrong:
        none = np.empty(0, int)
        return Attempt(stem, begin, none, thermo[:0], mobile, whole, deviation,
                       f"{' and '.join(wrong)} does not fit to its checksum")
    steps, damage = _fitting(job, stem, first, thermo, mobile, whole, deviation, weights)
    return Attempt(stem, begin, steps, thermo, mobile, whole, deviation, damage)


def _deviation(job: Job, path: Path) -> np.ndarray | None:
    if len(job.potentials) < 2:
        return None
    rows = family_of(job.potentials[0]).read_deviation(path) if path.exists() else np.empty((0, 2))
    rows = rows[np.isfinite(rows).all(axis=1)]
    return rows[np.unique(rows[:, 0], return_index=True)[1]]


def _fitting(
    job: Job, stem: str, first: int, thermo: np.ndarray, mobile: Dcd, whole: Dcd,
    deviation: np.ndarray | None, weights: Masses | None,
) -> tuple[np.ndarray, str]:
    """Return the steps of an attempt's whole frames without a gap from its first, and what ends it.

    Each has its line in the log; its mobile ions' centre, host's centre and cell are the log's, and
    where a frame of all atoms is due it holds the same mobile ions. Beside further mobile elements,
    whose centre no log tells, that of the mobile ions is not looked at.
    """
    every, wide = job.dump_steps, job.dump_steps * job.all_every
    have = thermo[:, 0].astype(int)
    parts = [("log", have, ""), ("mobile.dcd", mobile.steps, mobile.damage),
             ("all.dcd", whole.steps, whole.damage)]
    if deviation is not None:
        parts.append(("deviation", deviation[:, 0].astype(int), ""))
    most = max((int(steps.max()) for _, steps, _ in parts if len(steps)), default=-1)
    wanted = np.arange(first, most + 1, every)
    ends: list[tuple[int, str]] = []
    for name, steps, damage in parts:
        due = wanted[wanted % wide == 0] if name == "all.dcd" else wanted
        if len(missing := due[~np.isin(due, steps)]):
            said = f"{stem}.{name} " + (damage or f"has no step {missing[0]}")
            ends.append((int(missing[0]), said))
    end = min(ends, default=(most + 1, ""))
    steps, odd = wanted[wanted < end[0]], None
    if weights is not None and len(steps):
        odd = _unlike(job, steps, thermo, mobile, whole, weights)
        if odd is not None:
            end = odd[0], (f"{stem}.{odd[1]} and {stem}.log do not fit to each other at step "
                           f"{odd[0]}")
            steps = steps[steps < end[0]]
    # a program that is killed has written a part of its last frame
    killed = not odd and end[0] >= most and not any(damage for _, _, damage in parts)
    return steps, "" if killed else end[1]


def _unlike(
    job: Job, steps: np.ndarray, thermo: np.ndarray, mobile: Dcd, whole: Dcd, weights: Masses
) -> tuple[int, str] | None:
    """Return the first step (of ``steps``) whose frames are not those of the log, and which."""
    lines = thermo[np.searchsorted(thermo[:, 0], steps)]
    heavy = weights.all[weights.host].sum()
    light = weights.all[weights.mobile].sum()
    rows = np.searchsorted(mobile.steps, steps)
    ions = mobile.frames[rows[0] : rows[-1] + 1]
    centre = ((heavy + light) * lines[:, _CENTRE] - heavy * lines[:, _HOST]) / light
    size = 1e-6 * np.abs(centre).max(initial=0) + SINGLE_ANGSTROM
    bad = (np.abs(means(ions, np.ones(weights.mobile.sum())) - centre) > size).any(axis=1)
    bad &= (weights.mobile | weights.host).all()
    box = lines[:, _BOX]
    edges = np.stack([box[:, 0], np.hypot(box[:, 1], box[:, 3]),
                      np.sqrt(box[:, 2] ** 2 + box[:, 4] ** 2 + box[:, 5] ** 2)], axis=1)
    bad |= (np.abs(cell_lengths(ions) - edges) > SINGLE_SHARE * edges).any(axis=1)
    found = [(int(steps[np.argmax(bad)]), "mobile.dcd")] if bad.any() else []
    due = steps[steps % (job.dump_steps * job.all_every) == 0]
    if len(due):
        places = np.searchsorted(whole.steps, due)
        atoms = whole.frames[places[0] : places[-1] + 1]
        at = np.isin(steps, due)
        odd = np.zeros(len(due), bool)
        for of_group, column in ((weights.host, _HOST), (np.ones_like(weights.host), _CENTRE)):
            here = means(atoms, np.where(of_group, weights.all, 0.0))
            odd |= (np.abs(here - lines[at][:, column]) > size).any(axis=1)
        odd |= (np.abs(cell_lengths(atoms) - edges[at]) > SINGLE_SHARE * edges[at]).any(axis=1)
        for letter in "xyz":
            apart = atoms[letter]["value"][:, weights.mobile] != ions[at][letter]["value"]
            odd |= apart.any(axis=1) & ~bad[at]
        if odd.any():
            found.append((int(due[np.argmax(odd)]), "all.dcd"))
    if not found:
        return None
    return min(found)


def chain(job: Job, folder: Path, phase: str = PHASES[1]) -> Chain:
    """Return a phase as far as its attempts' frames follow each other from step 0 on.

    Where two attempts have the same step, the later one counts, from its first frame on. An attempt
    that begins after a gap, or in another state than the run had at that step, does not count.
    """
    every, last = job.dump_steps, job.steps(phase)
    weights = masses(folder, job)
    atoms = 1 if weights is None else len(weights.all)
    found, lost = Chain(until=-every), []
    for stem in stems(folder, phase):
        one = read_attempt(job, folder, stem, weights)
        if one.damage:
            lost.append(one.damage)
        steps = one.steps[one.steps <= last]
        if not len(steps):
            continue
        if steps[0] > found.until + every:
            lost.append(f"frames from step {found.until + every} to {steps[0] - every} are lost")
            continue
        before, own = found.line(one.begin), one.line(one.begin)
        if one.begin and (before is None or own is None or not same_state(before, own, atoms)):
            lost.append(f"{stem} begins at step {one.begin} from another state than the run had")
            continue
        kept = tuple((other, min(end, int(steps[0]) - every)) for other, end in found.links
                     if other.steps[0] < steps[0])
        found = Chain((*kept, (one, int(steps[-1]))), int(steps[-1]))
    return Chain(found.links, found.until, tuple(lost))


def join_segments(
    job: Job, folder: Path, phase: str = PHASES[1], ended: str = "complete"
) -> Segments:
    """Join the segments of a phase.

    Parameters
    ----------
    job, folder, phase
        The run, its folder of checkpoints, and which of its phases.
    ended
        How the run ended; a complete one must have all of its frames.

    Raises
    ------
    HavenError
        If there is no frame, or frames of a complete run are lost or damaged.
    """
    found, every = chain(job, folder, phase), job.dump_steps
    if ended == "complete" and found.until < last_frame(job, phase):
        raise HavenError(f"{folder}: frames of the {phase} are missing after step {found.until}: "
                         f"{'; '.join(found.lost) or 'the run is not at its end'}: run again, "
                         "which makes them anew")
    if not found.links:
        raise HavenError(f"{folder}: no frame of the {phase} was written"
                         + "".join(f"; {said}" for said in found.lost[:1]))
    thermo, mobile, wide, atoms, deviation = [], [], [], [], []
    for attempt, end in found.links:
        steps = attempt.steps[attempt.steps <= end]
        thermo.append(attempt.thermo[np.isin(attempt.thermo[:, 0], steps)])
        mobile.append(positions(attempt.mobile.frames, np.isin(attempt.mobile.steps, steps)))
        chosen = np.isin(attempt.all.steps, steps)
        wide.append(attempt.all.steps[chosen])
        atoms.append(positions(attempt.all.frames, chosen))
        if attempt.deviation is not None:
            deviation.append(attempt.deviation[np.isin(attempt.deviation[:, 0], steps)])
    lines = np.concatenate(thermo)
    steps = lines[:, 0].astype(int)
    if not np.array_equal(steps, np.arange(0, found.until + 1, every)):
        raise HavenError(f"{folder}: the frames of the {phase} do not follow each other")
    atoms = [part for part in atoms if len(part)]
    return Segments(steps, lines, np.concatenate(mobile), np.concatenate(wide),
                  np.concatenate(atoms) if atoms else np.empty((0, 0, 3), np.float32),
                  np.concatenate(deviation) if deviation else None, len(found.links))


def members(
    job: Job, joined: Segments, cell: np.ndarray, rotation: np.ndarray, symbols: list[str]
) -> dict[str, Any]:
    """Return the trajectory container's members, rotated back into the structure's own frame.

    Parameters
    ----------
    job, joined
        The run.
    cell
        Of the structure, shape (3, 3), Angstrom.
    rotation
        From `haven.material.structures.write_data`.
    symbols
        Of all atoms.
    """
    picosecond = job.timestep_fs / 1000
    back = rotation.T.astype(np.float32)
    centre = joined.thermo[:, -6:]
    return {
        "time_ps": (joined.steps - joined.steps[0]) * picosecond,
        "mobile_angstrom": joined.mobile @ back,
        "host_centre_angstrom": centre[:, :3] @ rotation.T,
        "barycentre_angstrom": centre[:, 3:] @ rotation.T,
        "cell_angstrom": cell, "mobile_symbol": job.mobile,
        "all_time_ps": (joined.all_steps - joined.steps[0]) * picosecond,
        "all_angstrom": joined.all_positions @ back, "symbols": np.array(symbols),
        "mobile_index": np.flatnonzero(np.array(symbols) == job.mobile),
    }
