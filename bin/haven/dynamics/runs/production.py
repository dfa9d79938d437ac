"""Judging a run, while it goes on and when it has ended: melting, drift, distances, its row."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from haven.core import tables
from haven.core.columns import VERDICTS
from haven.core.constants import BAR_GPA, NOT_STATIONARY
from haven.core.errors import HavenError, log
from haven.core.identity import sha256
from haven.core.statistics import kinetic_spread, slope_with_error
from haven.dynamics.job import COLUMNS, PHASES, Job
from haven.dynamics.lammps import program as lammps
from haven.dynamics.lammps.dcd import positions, read_dcd
from haven.dynamics.lammps.minimise import box_vectors
from haven.dynamics.runs import run as dynamics
from haven.dynamics.runs import stationary
from haven.dynamics.runs.segments import Segments, chain, join_segments, members
from haven.dynamics.runs.stationary import stated
from haven.dynamics.tables import INHERENT, RUNS, THERMO
from haven.dynamics.trust import at_steps
from haven.material import structures
from haven.material.distances import min_distance, pair_limit, tightest_pair
from haven.material.structures import wall_row
from haven.trajectory.melting import HostMotion, host_motion, spread
from haven.trajectory.trajectory import write_npz

if TYPE_CHECKING:
    from ase import Atoms

    from haven.material.crystal import Material

DRIFT_MEV = 1.0  # meV/atom/ps, slope of the conserved energy: as heat 4 K a ps
JUMP_MEV = 20.0  # meV/atom, that the conserved energy strays by: as heat 80 K


def motion_of(
    positions: np.ndarray, host: Sequence[int], masses: np.ndarray, symbols: Sequence[str]
) -> HostMotion | None:
    """Return the motion of the host's species that moves most, relative to the host's centre.

    Parameters
    ----------
    positions
        Of all atoms, unwrapped, (T, A, 3), Angstrom, in one cell.
    host
        Rows of the host's atoms, shape (H,).
    masses, symbols
        Of all atoms, shape (A,).

    Returns
    -------
    HostMotion or None
        None where there are fewer than two frames, or no host.
    """
    rows = list(host)
    if len(positions) < 2 or not rows:
        return None
    path = positions[spread(len(positions))][:, rows].astype(float)
    weight = masses[rows] / masses[rows].sum()
    path -= np.einsum("tai,a->ti", path, weight)[:, None]
    return host_motion(path, np.array(symbols)[rows])


def watcher(
    job: Job, folder: Path, atoms: Atoms, moving: Sequence[str] = (),
) -> Callable[[str], str]:
    """Return a function that is called while a phase runs: ``melted``, ``drifting`` or nothing.

    Melted: see `haven.trajectory.melting`, from the phase's frames of all atoms so far.
    Drifting: the conserved energy has left its start by more than 20 meV/atom.
    Elements of ``moving`` beside the job's mobile one are no part of the host.
    """
    symbols, masses = atoms.get_chemical_symbols(), atoms.get_masses()
    host = _host(symbols, (job.mobile, *moving))

    def watch(phase: str) -> str:
        lines = [lammps.read_thermo(f, len(COLUMNS)) for f in sorted(folder.glob(f"{phase}.*.log"))]
        thermo = np.concatenate(lines) if lines else np.empty((0, len(COLUMNS)))
        moved = motion_of(_so_far(job, folder, phase, thermo), host, masses, symbols)
        if moved is not None and moved.melted:
            return "melted"
        energy = thermo[:, COLUMNS.index("econserve")]
        if len(energy) and abs(energy[-1] - energy[0]) * 1000 / len(masses) > JUMP_MEV:
            return "drifting"
        return ""

    return watch


def _host(symbols: Sequence[str], moving: Sequence[str]) -> list[int]:
    """Return the rows of the atoms that are of no mobile element."""
    return [row for row, symbol in enumerate(symbols) if symbol not in moving]


def _so_far(job: Job, folder: Path, phase: str, thermo: np.ndarray) -> np.ndarray:
    """Return evenly spread frames of all atoms of a phase, (T, A, 3), Angstrom, in one cell."""
    opened = [read_dcd(file) for file in sorted(folder.glob(f"{phase}.*.all.dcd"))]
    shown = spread(sum(len(seen.steps) for seen in opened))
    pieces, before = [], 0
    for seen in opened:
        chosen = shown[(shown >= before) & (shown < before + len(seen.steps))] - before
        before += len(seen.steps)
        if len(chosen):
            pieces.append(_fractional(job, positions(seen.frames, chosen), seen.steps[chosen],
                                      thermo))
    return np.concatenate(pieces) if pieces else np.empty((0, 0, 3))


def _fractional(
    job: Job, found: np.ndarray, steps: np.ndarray, thermo: np.ndarray
) -> np.ndarray:
    """Return positions (T, A, 3) at constant pressure strained into the first box of the run."""
    if job.pressure_gpa is None or not len(thermo):
        return found
    first = COLUMNS.index(lammps.BOX[0])
    rows = np.minimum(np.searchsorted(thermo[:, 0], steps), len(thermo) - 1)
    boxes = box_vectors(thermo[rows, first : first + 6])
    return found @ (np.linalg.inv(boxes) @ box_vectors(thermo[0, first : first + 6]))


def energy_drift(job: Job, joined: Segments, atoms: int) -> tuple[float, float]:
    """Return slope and standard error of the conserved energy, meV/atom/ps."""
    energy = 1000 * joined.thermo[:, COLUMNS.index("econserve")] / atoms
    return slope_with_error(joined.steps * job.timestep_fs / 1000, energy)


def farthest(joined: Segments, atoms: int) -> float:
    """Return the largest distance of the conserved energy from its start, meV/atom."""
    energy = joined.thermo[:, COLUMNS.index("econserve")]
    return 1000 * float(np.abs(energy - energy[0]).max()) / atoms


def run_row(
    job: Job, joined: Segments, ended: str, host: HostMotion | None, shortest: float,
    holds: bool, atoms: int, window: float | None, folder: Path,
) -> dict[str, Any]:
    """Return the row of table ``runs`` (without its keys).

    ``shortest`` is the shortest distance of two atoms, Angstrom; ``holds`` is whether every pair
    kept the distance that it must keep (`haven.material.distances.pair_limit`).
    """
    temperature = joined.thermo[:, 1]
    slope, error = energy_drift(job, joined, atoms)
    loops = [lammps.loop_times(f) for f in folder.glob("production.*.log")]
    done, seconds = sum(n for n, _ in loops), sum(s for _, s in loops)
    steps = int(joined.steps[-1])
    wall = steps * seconds / done if done else 0.0
    devi = None if joined.deviation is None else joined.deviation[:, 1]
    if ended != "complete":
        verdict = ended
    elif not holds:
        verdict = "exploded"
    elif host is not None and host.melted:
        verdict = "melted"
    elif farthest(joined, atoms) > JUMP_MEV or abs(slope) > max(DRIFT_MEV, 3 * error):
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
        "host_msd_angstrom2": 0.0 if host is None else host.msd,
        "deviation_max_p95_ev_per_angstrom":
            None if devi is None or not len(devi) else float(np.quantile(devi, 0.95)),
        "share_beyond_window": None if devi is None or not len(devi) or window is None
            else float((devi > window).mean()),
        "wall_s": wall, "cores": job.threads,
        "ns_per_day": steps * job.timestep_fs * 1e-6 * 86400 / wall if wall > 0 else 0.0,
        "segments": joined.segments, "verdict": verdict,
    }


def thermo_rows(job: Job, joined: Segments) -> list[dict[str, float]]:
    """Return rows of table ``thermo`` (without its keys), at most 2000, evenly thinned."""
    every = max(1, -(-len(joined.steps) // 2000))
    named = {name: joined.thermo[::every, i] for i, name in enumerate(COLUMNS)}
    apart = at_steps(joined.deviation, joined.steps[::every])
    apart = np.full(len(named["step"]), np.nan) if apart is None else apart
    return [
        {"time_ps": float(s) * job.timestep_fs / 1000, "temperature_now_k": float(t),
         "potential_energy_ev": float(p), "conserved_ev": float(c),
         "pressure_gpa": float(b) * BAR_GPA,
         "deviation_max_ev_per_angstrom": float(d)}
        for s, t, p, c, b, d in zip(named["step"], named["temp"], named["pe"], named["econserve"],
                                 named["press"], apart, strict=True)
    ]


def simulate(
    job: Job, potentials: Sequence[str], atoms: Atoms, keys: Mapping[str, Any], folder: Path,
    stem: Path, window: float | None, inputs: Mapping[str, object], material: Material,
    cell: tuple[str, float] = ("material", 0.0),
) -> None:
    """Run or continue the dynamics kept in ``folder``, and write its results.

    Parameters
    ----------
    job, potentials
        The run; its potentials' files, the first one drives.
    atoms
        The start.
    keys
        Material, u_ev, temperature_k, replica, seed: of the tables' rows.
    folder
        Of checkpoints.
    stem
        The results' path, which endings such as ``.runs.parquet`` are put to.
    window
        Deviation of the ensemble up to which it counts as trained, eV/Angstrom.
    inputs
        Digests for the tables.
    material
        Names the mobile elements and the distance of sites.
    cell
        Which cell the atoms are in (npt, relaxed, material) and the pressure asked for, GPa.
    """
    from ase import Atoms

    symbols, name = atoms.get_chemical_symbols(), stem.name
    rotation = structures.write_data(folder / "start.data", atoms, job.species)
    job = replace(job, potentials=lammps.link_potentials(folder, potentials))
    ended = dynamics.run_phases(job, folder, watcher(job, folder, atoms, material.moving))
    joined, phase = _frames(job, folder, ended)
    parts = members(job, joined, atoms.cell.array, rotation, symbols)
    frames = [Atoms(symbols, xyz, cell=atoms.cell, pbc=True) for xyz in parts["all_angstrom"]]
    if material.moving != (job.mobile,):
        parts["framework"] = np.array(sorted(set(symbols) - set(material.moving)), dtype=str)
    row = _measured(job, joined, ended, frames, atoms, window, folder, material.moving)
    if phase != PHASES[1]:
        row |= {"steps": 0, "duration_ps": 0.0, "wall_s": 0.0, "ns_per_day": 0.0}
    judged = None
    if row["verdict"] == "stable":
        judged = stationary.judge_halves(job, joined, atoms, Path(potentials[0]), material, folder)
        if judged is not None and judged.reasons:
            row["verdict"] = NOT_STATIONARY
    row |= {"cell": cell[0], "pressure_asked_gpa": cell[1], **stationary.columns(judged, joined)}
    verdicts = [wall_row(frames, job.walls, material.name, "RUN_DYNAMICS", name),
                *stationary.verdict_rows(row, judged, material.name, name, stated(*cell),
                                         atoms.info.get("annealed"))]
    for verdict in verdicts:
        if not verdict["passed"]:
            log.warning("%s", verdict["message"])
    if (apart := at_steps(joined.deviation, joined.steps)) is not None:
        parts["deviation_ev_per_angstrom"] = apart
    inherent = stationary.snapshot_rows(judged, job, int(joined.steps[0]))
    _write(_Results(row, verdicts, inherent, thermo_rows(job, joined), parts, phase, folder.name),
           stem, keys, inputs)
    log.info("%s: %.4g ps, %.0f K, %.3g ns/day: %s", name, row["duration_ps"],
             row["temperature_mean_k"], row["ns_per_day"], row["verdict"])


def _measured(
    job: Job, joined: Segments, ended: str, frames: Sequence[Atoms], atoms: Atoms,
    window: float | None, folder: Path, moving: Sequence[str],
) -> dict[str, Any]:
    """Return `run_row` of a run, with the shortest distance in its frames and the host's motion.

    ``atoms`` are its start, ``frames`` some of all atoms in its cell, ``moving`` the mobile
    elements; the rest as in `simulate`.
    """
    symbols = atoms.get_chemical_symbols()
    looked_at = frames or [atoms]
    nearest = [min_distance(frame) for frame in looked_at]
    farthest_limit = max(pair_limit(one, two) for one in set(symbols) for two in set(symbols))
    pairs = [pair for frame, distance in zip(looked_at, nearest, strict=True)
             if distance < farthest_limit and (pair := tightest_pair(frame)) is not None]
    name, distance, limit = min(pairs, key=lambda pair: pair[1] / pair[2], default=("", 1.0, 0.0))
    if distance < limit:
        log.warning("%s are %.2f Angstrom apart, which must keep %.2f: the potential does not hold",
                    name, distance, limit)
    host = _host(symbols, moving)
    moved = motion_of(joined.all_positions, host, atoms.get_masses(), symbols)
    return run_row(job, joined, ended, moved, min(nearest), distance >= limit, len(atoms), window,
                   folder)


@dataclass(frozen=True)
class _Results:
    """What a run gave: rows of its tables without their keys, and its trajectory.

    ``trajectory`` holds the members of Haven's trajectory file, of the ``phase`` named;
    ``checkpoints`` is the name of the folder that its frames lay in.
    """

    row: dict[str, Any]
    verdicts: list[dict[str, Any]]
    inherent: list[dict[str, Any]]
    thermo: list[dict[str, float]]
    trajectory: dict[str, Any]
    phase: str
    checkpoints: str


def _write(
    results: _Results, stem: Path, keys: Mapping[str, Any], inputs: Mapping[str, object]
) -> None:
    """Write the tables and the trajectory of a run; arguments as in `simulate`."""
    def place(ending: str) -> Path:
        return stem.with_name(f"{stem.name}.{ending}")

    tables.write(VERDICTS, results.verdicts, place("verdicts.parquet"), inputs)
    tables.write(INHERENT, [{**keys, "stage": "RUN_DYNAMICS", **line} for line in results.inherent],
                 place("inherent.parquet"), inputs)
    row = results.row
    write_npz(place("trajectory.npz"), results.trajectory,
              {**keys, "timestep_fs": row["timestep_fs"], "verdict": row["verdict"],
               "phase": results.phase, "steps": row["steps"],
               "checkpoints": results.checkpoints, "versions": versions()})
    inputs = {**inputs, "trajectory": sha256(place("trajectory.npz"))}
    tables.write(RUNS, [{**keys, **row}], place("runs.parquet"), inputs)
    tables.write(THERMO, [{**keys, **line} for line in results.thermo], place("thermo.parquet"),
                 inputs)


def _frames(job: Job, folder: Path, ended: str) -> tuple[Segments, str]:
    """Return a run's frames and their phase.

    Those of the equilibration stand for a run that broke down before production, so that it is in
    the tables with its verdict; they are no production, and never of a run that is complete.
    """
    if ended == "complete":
        return join_segments(job, folder), PHASES[1]
    for phase in reversed(job.phases):
        if len(chain(job, folder, phase).links):
            joined = join_segments(job, folder, phase, ended)
            if len(joined.steps) >= 2:
                if phase != PHASES[1]:
                    log.warning("%s before production: the equilibration's frames are kept", ended)
                return joined, phase
    raise HavenError(f"the run {ended} before its second frame: nothing of it can be used")


def versions() -> dict[str, str]:
    """Return the versions of the programs and packages that ran the dynamics."""
    found = {}
    for name in ("lammps", "deepmd-kit", "ase", "numpy"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not a Python package here"
    return found
