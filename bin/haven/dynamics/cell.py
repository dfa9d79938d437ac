"""The mean cell at a temperature and pressure, from short dynamics at constant pressure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from haven.core import tables
from haven.core.constants import BAR_GPA
from haven.core.errors import HavenError, existing, log
from haven.core.numbers import count_of
from haven.core.series import mean_of, stationary_start
from haven.core.types import Row
from haven.dynamics.job import COLUMNS, RUNAWAY, Job
from haven.dynamics.lammps import program as lammps
from haven.dynamics.lammps.minimise import box_vectors
from haven.dynamics.runs import run as dynamics
from haven.dynamics.runs.production import watcher
from haven.dynamics.runs.segments import Segments, join_segments
from haven.dynamics.tables import CELLS
from haven.material import structures

if TYPE_CHECKING:
    import pandas as pd
    from ase import Atoms

    from haven.material.crystal import Material
    from haven.potential.coverage import Coverage

FEWEST = 20  # independent volumes below which a mean cell is not trusted
VOLUME_ERROR = 0.01  # share of the volume known to, 95 %: 0.2 GPa where the bulk modulus is 20
RAN_AWAY = "ran away"
BEYOND = "beyond the labels"
STRAIN = 0.15  # of the material's volume, where nobody says which volumes the labels have
STRETCH = 0.25  # of a length, by which no cell at rest differs from the cell of its own structure
USABLE = ("complete", "too short")
COMPONENTS = ("ax_angstrom", "bx_angstrom", "by_angstrom", "cx_angstrom", "cy_angstrom",
              "cz_angstrom")
PLACES = ((0, 0), (1, 0), (1, 1), (2, 0), (2, 1), (2, 2))  # of `COMPONENTS` in the cell's matrix
SAME_K = 1e-6  # by which temperatures and U read from tables may differ from those asked for


def how_ended(job: Job, folder: Path, ended: str) -> str:
    """Return how a run at constant pressure ended: ``ran away`` where the cell's volume did."""
    if ended != "exploded" or job.pressure_gpa is None or not job.start_volume:
        return ended
    logs = sorted(folder.glob("*.a*.log"))
    lines = lammps.read_thermo(logs[-1], len(COLUMNS)) if logs else np.empty((0, len(COLUMNS)))
    if not len(lines):
        return ended
    strain = np.abs(volumes(lines) / job.start_volume - 1)
    said = lammps.error_line(folder, logs[-1].name)
    gone = "room" in said or "tilted box" in said or np.nanmax(strain) > RUNAWAY / 2
    return RAN_AWAY if gone else ended


def volumes(thermo: np.ndarray) -> np.ndarray:
    """Return the volumes of thermodynamic lines (T, columns), shape (T,), Angstrom^3."""
    first = COLUMNS.index(lammps.BOX[0])
    return thermo[:, first : first + 3].prod(axis=1)


def labelled_volume(
    material: Material, atoms: int, covered: Coverage | None
) -> tuple[float, float]:
    """Return the volumes, Angstrom^3, between which cells of so many atoms are near the labels.

    Parameters
    ----------
    material
        Its own cell, within `STRAIN`, counts where nothing is known of the labels.
    atoms
        Of the cell.
    covered
        What the potential's labels cover.
    """
    if covered is not None:
        return covered.volumes(atoms)
    each = material.units_per_cell * sum(material.composition.values())
    volume = abs(float(np.linalg.det(material.cell))) * atoms / each
    return volume * (1 - STRAIN), volume * (1 + STRAIN)


def equilibrate(
    atoms: Atoms, job: Job, potential: Path, folder: Path, labelled: tuple[float, float],
    moving: Sequence[str] = (),
) -> Row:
    """Run or continue dynamics at constant pressure, and return the row of the mean cell.

    The first part of the run, up to half of it, is left out: from where on the volume is
    stationary is decided by `haven.core.series.stationary_start`.

    Parameters
    ----------
    atoms
        The start, annealed.
    job
        With ``pressure_gpa`` and ``start_volume``.
    potential
        Frozen potential.
    folder
        Of checkpoints.
    labelled
        From `labelled_volume`; a mean cell outside gets a verdict that says so.
    moving
        Mobile elements beside the job's.

    Returns
    -------
    Row
        Of table ``cells``, without its keys.
    """
    structures.write_data(folder / "start.data", atoms, job.species)
    job = replace(job, potentials=lammps.link_potentials(folder, [potential]))
    watch = watcher(job, folder, atoms, moving)
    ended = how_ended(job, folder, dynamics.run_phases(job, folder, watch))
    row: Row = {"atoms": len(atoms), "pressure_asked_gpa": job.pressure_gpa, "verdict": ended}
    if ended != "complete":
        log.warning("constant pressure at %g K: the run %s: no cell", job.temperature_k, ended)
        return row
    row |= mean_cell(job, join_segments(job, folder))
    if not labelled[0] <= row["volume_angstrom3"] <= labelled[1]:
        row["verdict"] = BEYOND
    return row


def mean_cell(job: Job, joined: Segments) -> Row:
    """Return the mean cell of a run at constant pressure, with errors and verdict."""
    each = volumes(joined.thermo)
    start = stationary_start(each)
    volume = mean_of(each[start:])
    pressure = mean_of(joined.thermo[start:, COLUMNS.index("press")] * BAR_GPA)
    first = COLUMNS.index(lammps.BOX[0])
    vectors = box_vectors(joined.thermo[start:, first : first + 6]).mean(axis=0)
    half = volume.half_width()
    picosecond = job.timestep_fs / 1000
    known = volume.effective >= FEWEST and half <= VOLUME_ERROR * volume.value
    return {
        **{name: float(vectors[place]) for name, place in zip(COMPONENTS, PLACES, strict=True)},
        "volume_angstrom3": volume.value,
        "volume_error_angstrom3": volume.error if math.isfinite(volume.error) else None,
        "duration_ps": float(joined.steps[-1]) * picosecond,
        "left_out_ps": float(joined.steps[start] - joined.steps[0]) * picosecond,
        "temperature_mean_k": float(joined.thermo[start:, 1].mean()),
        "pressure_gpa": pressure.value,
        "pressure_error_gpa": pressure.error if math.isfinite(pressure.error) else None,
        "verdict": "complete" if known else "too short",
    }


def verdict_row(row: Mapping[str, Any], material: str, subject: str) -> Row:
    """Return the row of table ``verdicts`` on a run at constant pressure."""
    keys = {"material": material, "stage": "EQUILIBRATE_CELL", "subject": subject,
            "check": "cell", "limit": VOLUME_ERROR, "unit": "1"}
    volume = row.get("volume_angstrom3")
    if row["verdict"] not in USABLE:
        where = "" if volume is None else f" ({volume / row['atoms']:.1f} cubic Angstrom an atom)"
        is_there = "lies " if row["verdict"] == BEYOND else ""
        return {**keys, "value": None, "passed": False,
                "message": f"the cell of {subject} at {row['pressure_asked_gpa']:g} GPa "
                f"{is_there}{row['verdict']}{where}: no dynamics, no number"}
    error = row["volume_error_angstrom3"]
    share = None if error is None else 2 * error / row["volume_angstrom3"]
    known = "unknown" if share is None else f"{100 * share:.1f} %"
    return {**keys, "value": share, "passed": row["verdict"] == "complete",
            "message": f"volume of {subject} at {row['pressure_asked_gpa']:g} GPa known to {known}"
            + ("" if row["verdict"] == "complete" else ": lengthen --cell_ps")}


def joined_cell(paths: Sequence[str | Path], asked: Mapping[str, Any]) -> np.ndarray:
    """Return the mean of the cells of all replicas of one potential and temperature.

    Replicas are samples of one disordered crystal, which has one mean cell, so that the dynamics of
    all of them use it. Where a replica's own mean cell differs, its mean pressure shows it.

    Parameters
    ----------
    paths
        Tables ``cells``; rows of anything else than ``asked`` are left.
    asked
        What the cells that count are of, by column: ``material``, ``atoms``, ``u_ev``, ``seed``,
        ``temperature_k`` and ``pressure_asked_gpa``.

    Returns
    -------
    ndarray
        (3, 3), Angstrom; a along x, b in the plane of x and y.

    Raises
    ------
    HavenError
        If no cell is of what is asked for, or no run gave one.
    """
    rows = tables.read(CELLS, *[existing(path, "table of cells") for path in paths])
    fit = [rows[name] == value if isinstance(value, str)
           else (rows[name].astype(float) - value).abs() <= SAME_K for name, value in asked.items()]
    if len(rows) and not np.logical_and.reduce(fit).any():
        name = next((name for name, same in zip(asked, fit, strict=True) if not same.any()),
                    "temperature_k")
        held, own = ([value if isinstance(value, str) else f"{value:g}" for value in values]
                     for values in (sorted(set(rows[name])), [asked[name]]))
        raise HavenError(f"--cells has cells of {name} {', '.join(held)}, but this run is of "
                         f"{own[0]}: give its own")
    rows = rows[np.logical_and.reduce(fit)]
    good = rows[rows["verdict"].isin(USABLE)]
    of = f"U = {asked['u_ev']:g} eV, {asked['temperature_k']:g} K"
    if not np.isfinite(good[list(COMPONENTS)].to_numpy(float)).all():
        raise HavenError(f"--cells at {of}: a cell has values that are not finite: make it again "
                         "with equilibrate_cell.py")
    if good.empty:
        ends = ", ".join(sorted(set(rows["verdict"]))) or "there is none"
        raise HavenError(f"no cell at rest at {of} and {asked['pressure_asked_gpa']:g} GPa "
                         f"({ends}): no dynamics")
    if len(good) < len(rows):
        log.warning("%s gave no cell: the others' mean is kept",
                    count_of(len(rows) - len(good), "run"))
    return shared_cell(good)


def shared_cell(rows: pd.DataFrame) -> np.ndarray:
    """Return the mean of the cells of replicas, which all of them keep.

    Parameters
    ----------
    rows
        Rows of table ``cells``, one at least.

    Returns
    -------
    ndarray
        Vectors in rows, shape (3, 3), Angstrom; a along x, b in the plane of x and y.
    """
    cell = np.zeros((3, 3))
    for name, place in zip(COMPONENTS, PLACES, strict=True):
        cell[place] = float(rows[name].mean())
    return cell


def in_cell(atoms: Atoms, vectors: np.ndarray) -> Atoms:
    """Return atoms strained into another cell, their fractional coordinates kept.

    Parameters
    ----------
    atoms
        In any cell.
    vectors
        Vectors of the new cell as rows, shape (3, 3), Angstrom; a along x, b in the xy plane.

    Raises
    ------
    HavenError
        If that stretches some length by more than `STRETCH`, as another supercell's cell does.
    """
    from ase.calculators.lammps import Prism

    rotation = np.asarray(Prism(atoms.cell.array, pbc=True).rot_mat)
    new = vectors @ rotation.T
    stretch = np.linalg.svd(np.linalg.solve(atoms.cell.array, new), compute_uv=False)
    if max(stretch.max(), 1 / stretch.min()) > 1 + STRETCH:
        raise HavenError(
            f"--cells: the mean cell ({_lengths(vectors)} Angstrom) is of another supercell than "
            f"the structure ({_lengths(atoms.cell.array)} Angstrom): give the structure's own")
    strained = atoms.copy()
    strained.set_cell(new, scale_atoms=True)
    return strained


def _lengths(vectors: np.ndarray) -> str:
    return " x ".join(f"{length:.1f}" for length in np.linalg.norm(vectors, axis=1))


def check_choice(choice: str, cells: Iterable[str]) -> None:
    """Refuse ``npt`` without tables of cells, and such tables for another choice."""
    given = list(cells)
    if choice == "npt" and not given:
        raise HavenError("--cell npt needs --cells: tables that equilibrate_cell.py wrote "
                         "(or --cell material keeps the structure's cell)")
    if choice != "npt" and given:
        raise HavenError(f"--cells is given, but --cell {choice} keeps the structure's cell: "
                         "leave one of them out")
