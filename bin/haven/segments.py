"""Joining the segments of a run into one trajectory and judging it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from haven import lammps
from haven.cli import HavenError
from haven.dynamics import COLUMNS, Job, kinetic_spread

BAR_GPA = 1e-4
MELT_MSD, DRIFT_MEV = 4.0, 1.0


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


def _positions(frames: Any, mask: np.ndarray) -> np.ndarray:
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
    pieces = [_positions(frames, mask) for (_, frames), mask in zip(opened, masks, strict=True)
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
    deviation = _deviation([folder / f"{s}.deviation" for s in stems], last)
    return Joined(common, thermo[np.isin(thermo[:, 0], common)], mobile[keep],
                  all_steps[keep_all], every_atom[keep_all], deviation,
                  sum(bool(m.any()) for m in masks))


def _deviation(files: list[Path], last: int) -> np.ndarray | None:
    if not any(f.exists() for f in files):
        return None
    parts = []
    for file in files:
        lines = file.read_text().splitlines(keepends=True) if file.exists() else []
        rows = [line.split() for line in lines if line.endswith("\n") and line[0] != "#"]
        parts.append(np.array([[float(r[0]), float(r[4])] for r in rows if len(r) >= 7]
                              ).reshape(-1, 2))
    masks = _kept([p[:, 0].astype(int) for p in parts], last)
    return np.concatenate([p[m] for p, m in zip(parts, masks, strict=True)])


def host_msd(joined: Joined, host: np.ndarray, masses: np.ndarray) -> float:
    """Return the largest mean-square displacement of the host about its own centre, Angstrom^2.

    Parameters
    ----------
    joined
        The run.
    host
        Rows of the host's atoms, shape (H,).
    masses
        Of all atoms, shape (A,).
    """
    if len(joined.all_steps) < 2:
        return 0.0
    moved = (joined.all_positions[:, host] - joined.all_positions[0, host]).astype(float)
    weight = masses[host] / masses[host].sum()
    moved -= np.einsum("tai,a->ti", moved, weight)[:, None]
    return float((moved**2).sum(axis=2).mean(axis=1).max())


def drift(job: Job, joined: Joined, atoms: int) -> tuple[float, float]:
    """Return slope and standard error of the conserved energy, meV/atom/ps, over four blocks.

    The slope is that of a straight line; its error comes from the spread of the slopes between
    block means, so that slow swings are not taken for a drift.
    """
    time_ps = joined.steps * job.timestep_fs / 1000
    energy = 1000 * joined.thermo[:, COLUMNS.index("econserve")] / atoms
    if len(energy) < 8:
        return 0.0, np.inf
    slope = float(np.polyfit(time_ps - time_ps[0], energy, 1)[0])
    blocks = np.array([[t.mean(), e.mean()] for t, e in zip(
        np.array_split(time_ps, 4), np.array_split(energy, 4), strict=True)])
    steps = np.diff(blocks, axis=0)
    each = steps[:, 1] / steps[:, 0]
    return slope, float(each.std(ddof=1) / np.sqrt(len(each)))


def run_row(
    job: Job, joined: Joined, ended: str, host_moved: float, shortest: float, atoms: int,
    window: float | None, folder: Path,
) -> dict[str, Any]:
    """Return the row of table ``runs`` (without its keys)."""
    temperature = joined.thermo[:, 1]
    slope, error = drift(job, joined, atoms)
    done, seconds = np.sum([lammps.loop_times(f) for f in folder.glob("production.*.log")] or
                           [(0, 0.0)], axis=0)
    steps = int(joined.steps[-1])
    wall = steps * float(seconds) / float(done) if done else 0.0
    devi = None if joined.deviation is None else joined.deviation[:, 1]
    if ended == "exploded":
        verdict = "exploded"
    elif host_moved > MELT_MSD:
        verdict = "melted"
    elif abs(slope) > DRIFT_MEV and abs(slope) > 3 * error:
        verdict = "drifting"
    else:
        verdict = "stable"
    return {
        "atoms": atoms, "steps": steps, "timestep_fs": job.timestep_fs,
        "duration_ps": steps * job.timestep_fs / 1000,
        "temperature_mean_k": float(temperature.mean()),
        "temperature_std_k": float(temperature.std()),
        "temperature_std_expected_k": kinetic_spread(job.temperature_k, atoms),
        "energy_drift_mev_per_atom_per_ps": slope, "min_distance_angstrom": shortest,
        "host_msd_angstrom2": host_moved,
        "deviation_max_p95_ev_per_angstrom":
            None if devi is None or not len(devi) else float(np.quantile(devi, 0.95)),
        "share_beyond_window": None if devi is None or not len(devi) or window is None
            else float((devi > window).mean()),
        "wall_s": wall, "cores": job.threads,
        "ns_per_day": steps * job.timestep_fs * 1e-6 * 86400 / wall if wall > 0 else 0.0,
        "segments": joined.segments, "verdict": verdict,
    }


def thermo_rows(job: Job, joined: Joined) -> list[dict[str, float]]:
    """Return rows of table ``thermo`` (without its keys), at most 2000, evenly thinned."""
    every = max(1, -(-len(joined.steps) // 2000))
    named = {name: joined.thermo[::every, i] for i, name in enumerate(COLUMNS)}
    return [
        {"time_ps": float(s) * job.timestep_fs / 1000, "temperature_now_k": float(t),
         "potential_energy_ev": float(p), "conserved_ev": float(c),
         "pressure_gpa": float(b) * BAR_GPA}
        for s, t, p, c, b in zip(named["step"], named["temp"], named["pe"], named["econserve"],
                                 named["press"], strict=True)
    ]


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
        From `haven.lammps.write_data`.
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
