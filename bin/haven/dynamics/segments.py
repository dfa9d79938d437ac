"""Joining the segments of a run into one trajectory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from haven.core.errors import HavenError
from haven.dynamics import lammps
from haven.dynamics.job import COLUMNS, Job
from haven.potential.families import family_of
from haven.potential.families.base import Family


@dataclass(frozen=True)
class Joined:
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


def _kept(parts: list[np.ndarray], last: int) -> list[np.ndarray]:
    """Return for each segment which rows to keep: those before the next segment that has any.

    Parameters
    ----------
    parts
        Steps of each segment's rows, in the order they were run.
    last
        Steps beyond are dropped.
    """
    limit = last + 1
    masks: list[np.ndarray] = []
    for steps in reversed(parts):
        first_of = np.zeros(len(steps), bool)
        first_of[np.unique(steps, return_index=True)[1]] = True
        masks.append((steps < limit) & first_of)
        if len(steps):
            limit = min(limit, int(steps[0]))
    return masks[::-1]


def positions(frames: Any, mask: np.ndarray) -> np.ndarray:
    chosen = np.flatnonzero(mask)
    atoms = frames.dtype["x"]["value"].shape[0] if len(frames) else 0
    out = np.empty((len(chosen), atoms, 3), np.float32)
    for axis, letter in enumerate("xyz"):
        for row, index in enumerate(chosen):
            out[row, :, axis] = frames[index][letter]["value"]
    return out


def _join_dcd(files: list[Path], last: int) -> tuple[np.ndarray, np.ndarray]:
    opened = [lammps.read_dcd(f) for f in files]
    masks = _kept([steps for steps, _ in opened], last)
    pieces = [positions(frames, mask) for (_, frames), mask in zip(opened, masks, strict=True)
              if mask.any()]
    steps = np.concatenate([s[m] for (s, _), m in zip(opened, masks, strict=True)])
    return steps, np.concatenate(pieces) if pieces else np.empty((0, 0, 3), np.float32)


def join(job: Job, folder: Path, phase: str = "production") -> Joined:
    """Join the segments of a phase, the later attempt counting where two overlap.

    Raises
    ------
    HavenError
        If frames are missing in between.
    """
    logs = sorted(folder.glob(f"{phase}.*.log"))
    stems = [f.name.removesuffix(".log") for f in logs
             if (folder / f"{f.name.removesuffix('.log')}.mobile.dcd").exists()]
    if not stems:
        raise HavenError(f"{folder}: no frame of the {phase} was written")
    last, every = job.steps(phase), job.dump_steps
    lines = [lammps.read_thermo(folder / f"{s}.log", len(COLUMNS)) for s in stems]
    lines = [rows[rows[:, 0] % every == 0] for rows in lines]
    masks = _kept([rows[:, 0].astype(int) for rows in lines], last)
    thermo = np.concatenate([rows[m] for rows, m in zip(lines, masks, strict=True)])
    steps, mobile = _join_dcd([folder / f"{s}.mobile.dcd" for s in stems], last)
    all_steps, every_atom = _join_dcd([folder / f"{s}.all.dcd" for s in stems], last)
    common = np.intersect1d(steps, thermo[:, 0].astype(int))
    finite = np.isfinite(thermo[np.isin(thermo[:, 0], common)]).all(axis=1)
    common = common[: int(np.argmin(finite)) if not finite.all() else None]
    gaps = np.flatnonzero(np.diff(common) != every)
    if len(gaps):
        raise HavenError(f"{folder}: frames are missing after step {common[gaps[0]]}")
    keep = np.isin(steps, common)
    keep_all = np.isin(all_steps, common)
    deviation = _deviation(family_of(job.potentials[0]),
                           [folder / f"{s}.deviation" for s in stems], last)
    return Joined(common, thermo[np.isin(thermo[:, 0], common)], mobile[keep],
                  all_steps[keep_all], every_atom[keep_all], deviation,
                  sum(bool(m.any()) for m in masks))


def _deviation(family: Family, files: list[Path], last: int) -> np.ndarray | None:
    if not any(f.exists() for f in files):
        return None
    parts = [family.read_deviation(file) if file.exists() else np.empty((0, 2)) for file in files]
    masks = _kept([p[:, 0].astype(int) for p in parts], last)
    return np.concatenate([p[m] for p, m in zip(parts, masks, strict=True)])


def members(
    job: Job, joined: Joined, cell: np.ndarray, rotation: np.ndarray, symbols: list[str]
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
