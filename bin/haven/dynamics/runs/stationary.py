"""Whether a production run is stationary, and at the pressure that was asked for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from haven.core.constants import BAR_GPA
from haven.core.series import Halves, compare_alone, compare_counts, compare_halves, mean_of
from haven.core.types import Row
from haven.dynamics.job import COLUMNS, Job
from haven.dynamics.lammps.inherent import (
    Inherent,
    minimise_snapshots,
    moves_of_halves,
    site_spacing,
)
from haven.dynamics.orders import spread_at
from haven.dynamics.runs.segments import Segments

if TYPE_CHECKING:
    from ase import Atoms

    from haven.material.crystal import Material

SNAPSHOTS = 16  # minimised of one run: eight in each half give its mean energy an error
FEWEST = 8  # frames of all atoms below which nothing is said
LEVEL = 1 - 0.01 / 3  # of each of three tests: about one stationary run in 100 is called not so
PRESSURE_GPA = 0.2  # beyond its error, a mean pressure may be off by so much: 1 % of a volume


@dataclass(frozen=True)
class Stationary:
    """Comparison of the halves of a production run; entries are None where it is too short.

    Attributes
    ----------
    inherent, potential
        Energies of minimised snapshots and potential energies of the halves, meV/atom.
    moves
        Number of moves of mobile ions to another site between snapshots, in each half.
    snapshots
        The minimised snapshots.
    clustered
        How clustered the moves are, at least 1 (`haven.dynamics.lammps.inherent.count_moves`).
    """

    inherent: Halves
    potential: Halves
    moves: tuple[int, int]
    snapshots: Inherent
    clustered: float = 1.0

    @property
    def energies(self) -> tuple[tuple[str, Halves], ...]:
        """Comparisons of energies, meV/atom, each with its name."""
        return (("energies of minimised snapshots", self.inherent),
                ("potential energies", self.potential))

    @property
    def reasons(self) -> list[str]:
        """Reasons why the run is not stationary, as short phrases."""
        said = [f"{name} of its halves differ by {halves.difference:.2g} meV/atom "
                f"(+-{halves.bound:.2g})"
                for name, halves in self.energies if not halves.agree]
        if not compare_counts(*self.moves, LEVEL, self.clustered):
            said.append(f"{self.moves[0]} ions moved in its first half, {self.moves[1]} in its "
                        "second")
        return said


def judge_halves(
    job: Job, joined: Segments, atoms: Atoms, potential: Path, material: Material, folder: Path
) -> Stationary | None:
    """Judge a production run by its halves; None where it has too few frames of all atoms.

    In a run of only a few jumps per ion, the energy fluctuates as slowly as it would relax to
    equilibrium. The size of these fluctuations is known from the anneal, where there was one; else
    a run with few independent energies is too short to tell (`haven.core.series.compare_alone`).

    Parameters
    ----------
    job, joined
        The run.
    atoms
        Its start, in its cell; what its anneal says of energies in ``info``.
    potential
        The potential that drove the run.
    material
        Names the mobile elements and the distance of sites.
    folder
        Of checkpoints.
    """
    count = len(joined.all_steps)
    if count < FEWEST:
        return None
    chosen = np.unique(np.linspace(0, count - 1, min(SNAPSHOTS, count)).round().astype(int))
    found = minimise_snapshots(atoms, joined.all_steps[chosen], joined.all_positions[chosen],
                               potential, material.species, folder, job.threads, job.walls)
    mobile = np.isin(atoms.get_chemical_symbols(), material.moving)
    moves, clustered = moves_of_halves(found, mobile, site_spacing(material))
    scale = 1000 / len(atoms)
    slow = spread_at(atoms, job.temperature_k) * scale
    return Stationary(
        compare_inherent(found.energies * scale, slow),
        compare_potential(joined.thermo[:, COLUMNS.index("pe")] * scale, slow),
        moves, found, clustered)


def compare_inherent(energies: np.ndarray, slow: float) -> Halves:
    """Compare the halves of energies of minimised snapshots, (T,), which change by jumps alone.

    ``slow`` as in `compare_potential`.
    """
    return compare_halves(energies, LEVEL, slow) if slow else compare_alone(energies, LEVEL)


def compare_potential(energies: np.ndarray, slow: float) -> Halves:
    """Compare the halves of potential energies, (T,), which fluctuate by vibrations and by jumps.

    ``slow`` is the standard deviation due to the order of the ions, which changes by jumps, in the
    unit of the energies; 0 where it was not measured.
    """
    if not slow:
        return compare_alone(energies, LEVEL)
    own = compare_halves(energies, LEVEL)
    orders = compare_halves(energies, LEVEL, slow)
    return Halves(own.difference, math.hypot(own.bound, orders.bound))


def stated(choice: str, pressure_gpa: float) -> str:
    """Return in words which cell a run kept, for tables and figures."""
    return {"npt": f"mean cell at {pressure_gpa:g} GPa and this temperature",
            "relaxed": f"relaxed at {pressure_gpa:g} GPa and 0 K",
            "material": "of the material file"}[choice]


def columns(found: Stationary | None, joined: Segments) -> Row:
    """Return the columns of table ``runs`` on stationarity and pressure."""
    pressure = mean_of(joined.thermo[:, COLUMNS.index("press")] * BAR_GPA)
    row: Row = {"pressure_gpa": pressure.value, "pressure_error_gpa": _finite(pressure.error)}
    if found is not None:
        row |= {"inherent_change_mev_per_atom": _finite(found.inherent.difference),
                "inherent_change_bound_mev_per_atom": _finite(found.inherent.bound),
                "moves_first": found.moves[0], "moves_second": found.moves[1]}
    return row


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def snapshot_rows(found: Stationary | None, job: Job, first_step: int) -> list[Row]:
    """Return the rows of table ``inherent`` of a run, without its keys."""
    if found is None:
        return []
    return [{"time_ps": (float(step) - first_step) * job.timestep_fs / 1000,
             "inherent_energy_ev": float(energy)}
            for step, energy in zip(found.snapshots.steps, found.snapshots.energies, strict=True)]


def verdict_rows(
    row: Mapping[str, Any], found: Stationary | None, material: str, subject: str, cell: str,
    annealed: str | None,
) -> list[Row]:
    """Return the rows of table ``verdicts`` on a run: stationary, at its pressure, annealed.

    Parameters
    ----------
    row
        Of table ``runs``.
    found
        From `judge_halves`.
    material, subject
        Names of the material and of the run.
    cell
        What its cell is, in words.
    annealed
        How the anneal that it starts from ended; None where there was none.
    """
    keys = {"material": material, "stage": "RUN_DYNAMICS", "subject": subject}
    rows = [stationary_row(found, subject) | keys, _pressure_row(row, subject, cell) | keys]
    settled = annealed == "settled"
    rows.append({**keys, "check": "annealed start", "value": None, "limit": None, "unit": "1",
                 "passed": settled, "message": f"{subject} starts from annealed ions" if settled
                 else f"{subject} starts from ions that were not annealed until settled "
                 f"({annealed or 'no anneal'})"})
    return rows


def stationary_row(found: Stationary | None, subject: str) -> Row:
    """Return the row of table ``verdicts`` on whether a run is stationary."""
    row: Row = {"check": "stationary", "value": None, "limit": None, "unit": "meV/atom",
                "passed": True, "message": f"{subject} has too few frames of all atoms "
                "to tell whether it is stationary"}
    if found is None:
        return row
    reasons = found.reasons
    known = [f"{name} change by {halves.difference:.2g} meV/atom (+-{halves.bound:.2g}) between "
             "halves" for name, halves in found.energies if math.isfinite(halves.bound)]
    return row | {
        "value": _finite(found.inherent.difference), "limit": _finite(found.inherent.bound),
        "passed": not reasons,
        "message": f"{subject} is not stationary: {'; '.join(reasons)}: no number" if reasons else
        f"{subject} is stationary: {known[0]}" if known else
        f"{subject} is too short to tell whether it is stationary"}


def _pressure_row(row: Mapping[str, Any], subject: str, cell: str) -> Row:
    mean, error = row["pressure_gpa"], row["pressure_error_gpa"]
    asked = row.get("pressure_asked_gpa") or 0.0
    allowed = PRESSURE_GPA + 2 * (error or 0.0)
    passed = error is not None and abs(mean - asked) <= allowed
    known = "unknown" if error is None else f"{error:.2f}"
    return {"check": "pressure", "value": mean, "limit": allowed, "unit": "GPa", "passed": passed,
            "message": f"{subject}: mean pressure {mean:.2f} +- {known} GPa, asked for "
            f"{asked:g} GPa; cell {cell}" + ("" if passed else ": not at rest")}
