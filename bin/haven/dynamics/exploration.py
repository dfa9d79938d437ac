"""Exploration: short hot dynamics of small cells, judged by how an ensemble disagrees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from haven.core.errors import HavenError, log
from haven.dynamics.job import Job
from haven.dynamics.lammps import program as lammps
from haven.dynamics.runs import run as dynamics
from haven.dynamics.runs.segments import join_segments, members
from haven.material import structures

if TYPE_CHECKING:
    from ase import Atoms

WALL_SCALE = 0.92  # walls stand closer than in production: the labels must reach beyond them
NEAREST = 0.85  # frames with a pair closer than this share of its wall are unphysical


@dataclass(frozen=True)
class Window:
    """Largest force deviation of the ensemble, eV/Angstrom, that makes a frame worth a label.

    Below ``low`` the potentials agree (accurate); from ``high`` on the frame is likely unphysical
    (failed); between, it is a candidate.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        """Refuse an empty window."""
        if not 0 <= self.low < self.high:
            raise HavenError(f"the window of deviations {self.low:g} to {self.high:g} eV/Angstrom "
                             "is empty: the lower end must be below the upper one")


def nearer_walls(job: Job) -> Job:
    """Return the job with its walls at shorter distances."""
    return replace(job, walls=tuple((a, b, WALL_SCALE * d) for a, b, d in job.walls))


def too_close(atoms: Atoms, walls: Sequence[tuple[str, str, float]]) -> bool:
    """Tell whether a pair is nearer than `NEAREST` times its wall (Angstrom)."""
    from ase.neighborlist import neighbor_list

    nearest = {(one, other): NEAREST * wall for one, other, wall in walls}
    return bool(nearest) and len(neighbor_list("i", atoms, nearest)) > 0


def explore(
    atoms: Atoms, job: Job, potentials: Sequence[str | Path], window: Window, folder: Path
) -> tuple[list[Atoms], dict[str, Any]]:
    """Run dynamics from one structure and sort its frames by the ensemble's deviation.

    A run that explodes is no error here: its frames before that count, the others count as failed.

    Parameters
    ----------
    atoms
        Structure to start from.
    job
        The run, without potentials; every frame holds all atoms.
    potentials
        Frozen potentials, at least two; the first one drives.
    window
        Which deviations make a candidate.
    folder
        For LAMMPS's files; made.

    Returns
    -------
    candidates
        Frames with ``info`` entry deviation (eV/Angstrom), in the order of time.
    row
        Counts frames, accurate, candidate, failed; deviation median and 95 % quantile
        (eV/Angstrom, None without a frame); verdict complete | exploded | melted | drifting.
    """
    if len(potentials) < 2:
        raise HavenError("exploring needs at least two potentials, which can disagree: "
                         "set --ensemble 3")
    folder.mkdir(parents=True, exist_ok=True)
    rotation = structures.write_data(folder / "start.data", atoms, job.species)
    job = replace(job, potentials=lammps.link_potentials(folder, potentials), all_every=1)
    expected = job.production_steps // job.dump_steps + 1
    ended = dynamics.run_phases(job, folder, lambda _phase: "")
    try:
        joined = join_segments(job, folder, ended=ended)
    except HavenError:
        if ended == "complete":
            raise
        log.info("  %s before its first frame", ended)
        return [], _row(np.empty(0), np.empty(0, bool), expected, window, ended)
    parts = members(job, joined, atoms.cell.array, rotation, atoms.get_chemical_symbols())
    seen = dict(map(tuple, joined.deviation)) if joined.deviation is not None else {}
    frames, deviation = [], []
    for step, xyz in zip(joined.all_steps, parts["all_angstrom"], strict=True):
        if step in seen:
            frames.append(atoms.copy())
            frames[-1].positions = xyz
            frames[-1].info["deviation"] = float(seen[step])
            deviation.append(seen[step])
    broken = np.array([too_close(frame, job.walls) for frame in frames], bool)
    row = _row(np.array(deviation), broken, expected, window, ended)
    inside = [window.low <= d < window.high for d in deviation]
    return [f for f, i, b in zip(frames, inside, broken, strict=True) if i and not b], row


def _row(
    deviation: np.ndarray, broken: np.ndarray, expected: int, window: Window, ended: str
) -> dict[str, Any]:
    accurate = int(((deviation < window.low) & ~broken).sum())
    candidate = int(((deviation >= window.low) & (deviation < window.high) & ~broken).sum())
    known = len(deviation) > 0
    return {
        "frames": expected, "accurate": accurate, "candidate": candidate,
        "failed": expected - accurate - candidate,
        "deviation_median_ev_per_angstrom": float(np.median(deviation)) if known else None,
        "deviation_p95_ev_per_angstrom": float(np.quantile(deviation, 0.95)) if known else None,
        "verdict": ended,
    }
