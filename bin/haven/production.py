"""What a finished or exploded run is worth: its joined frames and its row."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from haven import segments
from haven.cli import HavenError, log
from haven.dynamics import PHASES, Job
from haven.frames import min_distance

if TYPE_CHECKING:
    from ase import Atoms


def judged(
    job: Job, folder: Path, atoms: Atoms, ended: str, window: float | None
) -> tuple[segments.Joined, dict[str, Any]]:
    """Return a run's frames and its row of table ``runs`` (without its keys).

    Of a run that exploded before production, the equilibration's frames are given, so that the
    run is in the tables with its verdict.
    """
    joined = _frames(job, folder, ended)
    symbols = np.array(atoms.get_chemical_symbols())
    last = atoms.copy()
    shortest = float("nan")
    if len(joined.all_steps):
        last.set_cell(_lammps_cell(atoms), scale_atoms=False)
        last.positions = joined.all_positions[-1]
        shortest = min_distance(last)
    moved = segments.host_msd(joined, np.flatnonzero(symbols != job.mobile), atoms.get_masses())
    row = segments.run_row(job, joined, ended, moved, shortest, len(atoms), window, folder)
    return joined, row


def _frames(job: Job, folder: Path, ended: str) -> segments.Joined:
    for phase in reversed(PHASES):
        if any(folder.glob(f"{phase}.*.mobile.dcd")):
            joined = segments.join(job, folder, phase)
            if len(joined.steps) >= 2:
                if phase == PHASES[0]:
                    log.warning("exploded before production: the equilibration's frames are kept")
                return joined
    raise HavenError(f"the run {ended} before its second frame: nothing of it can be used")


def _lammps_cell(atoms: Atoms) -> np.ndarray:
    from ase.calculators.lammps import Prism

    return np.asarray(Prism(atoms.cell.array, pbc=True).cell)


def versions() -> dict[str, str]:
    """Return the versions of what ran the dynamics."""
    found = {}
    for name in ("lammps", "deepmd-kit", "ase", "numpy"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not a Python package here"
    return found
