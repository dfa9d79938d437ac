"""Annealing the mobile ions: hot dynamics until energies and hop rate no longer change.

A supercell starts with its mobile ions where a lattice model put them. In hot dynamics they find
the order that the potential prefers, from which every dynamics run, barrier and relaxed cell
starts.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from haven.core.constants import BAR_GPA, BOLTZMANN_EV_PER_K
from haven.core.errors import log
from haven.core.series import Halves, compare_counts, compare_halves, mean_of
from haven.core.types import Row
from haven.dynamics.cell import BEYOND, RAN_AWAY, how_ended, labelled_volume, volumes
from haven.dynamics.inputs import DynamicsInputs, checkpoints
from haven.dynamics.job import COLUMNS, Job, check_job, velocity_seed
from haven.dynamics.lammps import program as lammps
from haven.dynamics.lammps.inherent import (
    Inherent,
    minimise_snapshots,
    moved_between,
    moves_of_halves,
    site_spacing,
)
from haven.dynamics.lammps.minimise import box_vectors, minimise
from haven.dynamics.orders import settled_orders
from haven.dynamics.runs import run as dynamics
from haven.dynamics.runs.production import watcher
from haven.dynamics.runs.segments import Segments, join_segments
from haven.material import structures

if TYPE_CHECKING:
    from ase import Atoms

    from haven.material.crystal import Material
    from haven.potential.coverage import Coverage

BLOCK_PS = 2.5  # between two judgements
SNAPSHOT_PS = 0.25  # between two minimised snapshots: an ion hops once in some picoseconds
LEAST_PS = 15.0  # before which nothing is called settled: at 800 K the ions take 9 ps
PRECISION_KT = 0.15  # of kT a mobile ion, to which halves must agree: an order relaxes by about kT
LEAST_MOVES = 10  # in the judged window: with fewer, the ions have hardly been elsewhere
SETTLED = "settled"
AS_MADE = "as made"
MINIMISE_STEPS = 500  # of a built cell before its anneal, of an annealed one after it
BROKEN = ("exploded", "melted", "drifting", RAN_AWAY, BEYOND)


@dataclass(frozen=True)
class Judged:
    """The verdict on an anneal, from the halves of its second half.

    Attributes
    ----------
    energy
        Energies of minimised snapshots, compared between these halves, meV/atom.
    moves
        Number of moves of ions from site to site in each of these halves.
    verdict
        ``settled``, or what speaks against it.
    """

    energy: Halves
    moves: tuple[int, int]
    verdict: str


def judge_anneal(
    found: Inherent, mobile: np.ndarray, spacing: float, temperature_k: float
) -> Judged:
    """Judge whether the second half of an anneal is stationary, and precise enough to say so.

    Parameters
    ----------
    found
        Minimised snapshots of the whole anneal.
    mobile
        Whether each atom is mobile, (A,).
    spacing
        Distance of neighbouring sites, Angstrom.
    temperature_k
        Of the anneal.
    """
    needed = PRECISION_KT * 1000 * BOLTZMANN_EV_PER_K * temperature_k * mobile.mean()
    start = len(found.steps) // 2
    late = Inherent(found.steps[start:], found.energies[start:], found.positions[start:])
    energy = compare_halves(1000 * late.energies / len(mobile))
    moves, clustered = moves_of_halves(late, mobile, spacing)
    if sum(moves) < LEAST_MOVES:
        verdict = f"only {sum(moves)} ions moved in its second half, {LEAST_MOVES} are needed"
    elif not energy.agree:
        verdict = (f"energies of minimised snapshots still change, by {energy.difference:.1f} "
                   f"meV/atom (+-{energy.bound:.1f})")
    elif energy.bound > needed:
        verdict = (f"energies of minimised snapshots are known to {energy.bound:.1f} meV/atom "
                   f"only, {needed:.1f} are needed")
    elif not compare_counts(*moves, clustered=clustered):
        verdict = f"hop rates of its halves differ ({moves[0]} and {moves[1]} moves)"
    else:
        verdict = SETTLED
    return Judged(energy, moves, verdict)


def anneal_lengths(length_ps: float, timestep_fs: float) -> tuple[int, int]:
    """Return the steps of a whole anneal, at least two, and those between its snapshots."""
    per_ps = 1000 / timestep_fs
    return (max(2, round(length_ps * per_ps)),
            max(1, round(min(SNAPSHOT_PS, length_ps / 20) * per_ps)))


def steps_to_judge(job: Job) -> list[int]:
    """Return the steps after which an anneal is judged; the last is its whole length."""
    per_ps = 1000 / job.timestep_fs
    block, least = round(BLOCK_PS * per_ps), round(LEAST_PS * per_ps)
    inner = range(least, job.production_steps, max(block, 1))
    return [*inner, job.production_steps]


def run_anneal(
    atoms: Atoms, job: Job, potential: Path, material: Material, folder: Path,
    covered: Coverage | None = None,
) -> tuple[list[Atoms], Row, list[Row]]:
    """Anneal, or continue an anneal kept in ``folder``, until it is settled or reaches its length.

    Parameters
    ----------
    atoms
        Minimised supercell.
    job
        Its lengths are from `anneal_lengths`.
    potential
        Frozen potential.
    material
        Names the framework's cations and the distance of sites.
    folder
        Of checkpoints.
    covered
        What the potential's labels cover.

    Returns
    -------
    annealed
        Some snapshots of the second half, minimised in the start's cell, from high to low energy
        (`haven.dynamics.orders`). Empty where the run broke down or a cation of the framework left
        its site: then nothing may start from it.
    row
        Of table ``anneals``, without its keys.
    snapshots
        Rows of table ``inherent``, without keys.
    """
    symbols = np.array(atoms.get_chemical_symbols())
    mobile = np.isin(symbols, material.moving)
    rotation = structures.write_data(folder / "start.data", atoms, job.species)
    job = replace(job, potentials=lammps.link_potentials(folder, [potential]))
    watch = watcher(job, folder, atoms, material.moving)
    spacing = site_spacing(material)
    limits = ((0.0, math.inf) if job.pressure_gpa is None
              else labelled_volume(material, len(atoms), covered))
    ended, judged, found, joined, left = "", None, None, None, 0
    for steps in steps_to_judge(job):
        part = replace(job, production_steps=steps)
        ended = dynamics.run_phases(part, folder, watch)
        ended = how_ended(job, folder, ended)
        if ended != "complete":
            break
        joined = join_segments(part, folder)
        found = minimise_snapshots(
            atoms, joined.all_steps, in_one_cell(joined, atoms.cell.array @ rotation), potential,
            material.species, folder, job.threads, job.walls)
        judged = judge_anneal(found, mobile, spacing, job.temperature_k)
        _log_part(part, found, judged)
        volume = float(volumes(joined.thermo[len(joined.thermo) // 2:]).mean())
        if not limits[0] <= volume <= limits[1]:
            ended = BEYOND
        left = left_sites(found, symbols, framework(material), mobile, spacing)
        if left or ended != "complete" or judged.verdict == SETTLED:
            break
    if judged is None or found is None or joined is None:
        return [], _empty(job, ended), []
    row = _row(job, joined, found, judged, left, len(atoms), ended)
    whole = ended == "complete" and not left
    annealed = _orders(atoms, found, rotation, job.temperature_k) if whole else []
    return annealed, row, _snapshot_rows(found, job.timestep_fs)


def _log_part(part: Job, found: Inherent, judged: Judged) -> None:
    """Say how far an anneal has come, and what is judged of it by then."""
    log.info("anneal: %.4g ps, %.1f meV/atom below its start: %s",
             part.production_steps * part.timestep_fs / 1000,
             1000 * (found.energies[0] - found.energies[-1]) / found.positions.shape[1],
             judged.verdict)


def _orders(
    atoms: Atoms, found: Inherent, rotation: np.ndarray, temperature_k: float
) -> list[Atoms]:
    """Return the snapshots that `settled_orders` names, turned back by ``rotation`` (3, 3)."""
    annealed = []
    for place, known in zip(*settled_orders(found.energies, temperature_k), strict=True):
        order = atoms.copy()
        order.positions = np.asarray(found.positions[place], float) @ rotation.T
        order.info |= known
        annealed.append(order)
    return annealed


def _snapshot_rows(found: Inherent, timestep_fs: float) -> list[Row]:
    """Return the rows of table ``inherent`` of an anneal, without its keys."""
    picosecond = timestep_fs / 1000
    return [{"time_ps": float(step) * picosecond, "inherent_energy_ev": float(energy)}
            for step, energy in zip(found.steps, found.energies, strict=True)]


def anneal_built(
    given: DynamicsInputs, args: argparse.Namespace, name: str
) -> tuple[Atoms, str, list[Row]]:
    """Anneal a cell as it was built, in its own cell, as relaxed cells begin.

    Parameters
    ----------
    given
        Its structure, and the potential.
    args
        ``relax_anneal_ps``, ``anneal_temperature_k``, ``force_tolerance_ev_per_angstrom``, ``seed``
        and what `haven.dynamics.inputs` takes.
    name
        Of the cell, for its checkpoints and verdict.

    Returns
    -------
    atoms
        The snapshot of lowest energy, or the cell as it was built where there was no anneal or it
        broke down.
    start
        ``annealed``, ``not settled`` or ``as made``.
    verdicts
        Rows of table ``verdicts``.
    """
    length_ps = args.relax_anneal_ps
    if length_ps <= 0:
        return given.atoms, AS_MADE, []
    steps, every = anneal_lengths(length_ps, args.timestep_fs)
    job = given.job(
        args, args.anneal_temperature_k, production_steps=max(steps, 2 * every), dump_steps=every,
        velocity_seed=velocity_seed("relax", args.seed, args.u_ev, args.anneal_temperature_k, name))
    check_job(job)
    with checkpoints(job, given, f"relax_{name}", args) as folder:
        start = minimise(given.atoms, given.driving, given.material.species,
                         args.force_tolerance_ev_per_angstrom, MINIMISE_STEPS, args.threads,
                         folder, given.walls)
        start.info = dict(given.atoms.info)
        done, row, _ = run_anneal(start, job, given.driving, given.material, folder)
    rows = [one | {"stage": "RELAX_CELL"} for one in verdict_rows(
        row, given.material.name, name, "--relax_anneal_ps")]
    if not done:
        return given.atoms, AS_MADE, rows
    return done[-1], "annealed" if row["verdict"] == SETTLED else "not settled", rows


def in_one_cell(joined: Segments, cell: np.ndarray) -> np.ndarray:
    """Return the positions of all atoms strained from each frame's own box into one cell.

    Parameters
    ----------
    joined
        A run at constant pressure, or in a fixed cell.
    cell
        (3, 3), Angstrom, in LAMMPS's frame.

    Returns
    -------
    ndarray
        (M, A, 3), Angstrom, unwrapped; each frame as a whole may be shifted.
    """
    first = COLUMNS.index(lammps.BOX[0])
    boxes = joined.thermo[np.isin(joined.steps, joined.all_steps), first : first + 6]
    return joined.all_positions @ (np.linalg.inv(box_vectors(boxes)) @ cell)


def at_rest(
    atoms: Atoms, potential: Path, material: Material, tolerance: float, pressure_gpa: float | None,
    tilts: Sequence[str], threads: int, folder: Path,
    walls: Sequence[tuple[str, str, float]],
) -> Atoms:
    """Return annealed atoms at their minimum, in their cell or in the one at the pressure."""
    relaxed = minimise(atoms, potential, material.species, tolerance, MINIMISE_STEPS, threads,
                       folder, walls, pressure_gpa, tilts)
    relaxed.wrap()
    return relaxed


def framework(material: Material) -> set[str]:
    """Return the elements of the cations that make up the framework."""
    return {element for element, charge in material.charges.items()
            if charge > 0 and element not in material.moving}


def left_sites(
    found: Inherent, symbols: np.ndarray, cations: set[str], mobile: np.ndarray, spacing: float
) -> int:
    """Return how many cations of the framework are at the end of a run on another site.

    Parameters
    ----------
    found
        Minimised snapshots.
    symbols, mobile
        Element of each atom and whether it is mobile, (A,).
    cations
        Elements of the framework's cations.
    spacing
        Distance of neighbouring sites, Angstrom.
    """
    away = moved_between(found.positions[-1], found.positions[0], ~mobile)
    return int((away[np.isin(symbols, sorted(cations))] > spacing / 2).sum())


def _row(
    job: Job, joined: Segments, found: Inherent, judged: Judged, left: int, atoms: int, ended: str
) -> Row:
    late = len(joined.steps) // 2
    pressure = mean_of(joined.thermo[late:, COLUMNS.index("press")] * BAR_GPA)
    verdict = judged.verdict if ended == "complete" else ended
    if left:
        verdict = f"{left} cations of the framework left their sites"
    return {
        "atoms": atoms, "duration_ps": float(joined.steps[-1]) * job.timestep_fs / 1000,
        "longest_ps": job.production_steps * job.timestep_fs / 1000,
        "pressure_gpa": pressure.value, "pressure_error_gpa": _finite(pressure.error),
        "energy_fall_mev_per_atom": 1000 * float(found.energies[0] - found.energies[
            len(found.energies) // 2:].mean()) / atoms,
        "energy_change_mev_per_atom": judged.energy.difference,
        "energy_change_bound_mev_per_atom": _finite(judged.energy.bound),
        "moves_first": judged.moves[0], "moves_second": judged.moves[1],
        "framework_left": left, "verdict": verdict,
    }


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _empty(job: Job, ended: str) -> Row:
    return {"duration_ps": None, "longest_ps": job.production_steps * job.timestep_fs / 1000,
            "verdict": ended}


def verdict_rows(
    row: Mapping[str, Any], material: str, subject: str, length: str = "--anneal_ps"
) -> list[Row]:
    """Return the rows of table ``verdicts`` of an anneal: settled, and the framework in place.

    Parameters
    ----------
    row
        Of table ``anneals``.
    material, subject
        Names of the material and of what was annealed.
    length
        The option that gives the longest time.
    """
    keys = {"material": material, "stage": "ANNEAL", "subject": subject}
    settled = row["verdict"] == SETTLED
    spent = f"after {row['longest_ps']:g} ps ({length})"
    if row["verdict"] in BROKEN:
        is_there = {"exploded": "has ", "melted": "has ", "drifting": "is ", BEYOND: "grew "}.get(
            row["verdict"], "")
        said = f"the anneal {is_there}{row['verdict']}: nothing starts from it"
    elif row.get("framework_left"):
        said = f"the framework came apart: {row['verdict']}: nothing starts from this anneal"
    elif settled:
        said = f"settled after {row['duration_ps']:g} ps"
    else:
        said = f"not settled {spent}: {row['verdict']}"
    rows: list[Row] = [{
        **keys, "check": "annealed", "value": row.get("energy_change_mev_per_atom"),
        "limit": row.get("energy_change_bound_mev_per_atom"), "unit": "meV/atom",
        "passed": settled, "message": said}]
    if row.get("framework_left") is not None:
        left = int(row["framework_left"])
        rows.append({
            **keys, "check": "framework", "value": float(left), "limit": 0.0, "unit": "1",
            "passed": left == 0, "message": f"{left} cations of the framework left their sites"
            + (": lower --anneal_temperature_k; nothing starts from this anneal" if left else "")})
    return rows
