"""Relaxing atoms in a fixed cell with LAMMPS."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from haven.core.errors import HavenError
from haven.dynamics.lammps import (
    error_line,
    link_potentials,
    read_thermo,
    setting_lines,
    start,
    write_data,
)
from haven.labels.frames import min_distance
from haven.material.distances import tightest_pair

if TYPE_CHECKING:
    from ase import Atoms


def minimise(
    atoms: Atoms, potential: Path, species: Sequence[str], tolerance: float, steps: int,
    threads: int, folder: Path, walls: Sequence[tuple[str, str, float]] = (),
) -> Atoms:
    """Return the atoms relaxed by conjugate gradients in their fixed cell.

    Parameters
    ----------
    atoms
        Start, cell in any orientation.
    potential
        Frozen potential.
    species
        The material's elements.
    tolerance
        Largest force on an atom to stop at, eV/Angstrom.
    steps
        Most iterations.
    threads
        Processor threads.
    folder
        Scratch folder.
    walls
        Pairs of elements and the distance, Angstrom, below which a soft repulsion acts.

    Returns
    -------
    Atoms
        In the original orientation, with arrays kept; ``info`` holds ``energy_before_ev``,
        ``energy_after_ev``, ``force_max_ev_per_angstrom`` and ``minimise_steps``.
    """
    rotation = write_data(folder / "start.data", atoms, species)
    lines = [
        *setting_lines("read_data start.data", link_potentials(folder, [potential]), species,
                       walls=walls),
        "variable size atom sqrt(fx*fx+fy*fy+fz*fz)",
        "compute largest all reduce max v_size", "thermo_style custom step pe c_largest",
        "thermo_modify format float %.12g", "thermo 10", "min_style cg",
        "min_modify line quadratic dmax 0.1 norm max",
        f"minimize 0.0 {tolerance:g} {steps} {10 * steps}",
        "write_dump all custom final.dump id xu yu zu modify sort id format float %.10f",
    ]
    (folder / "minimise.in").write_text("\n".join(lines) + "\n")
    code = start(folder, "minimise.in", "minimise.log", threads).wait()
    thermo = read_thermo(folder / "minimise.log", 3)
    if code or len(thermo) == 0 or not np.isfinite(thermo).all():
        raise HavenError(f"minimisation with {potential} failed: "
                         f"{error_line(folder, 'minimise.log')}")
    final = np.loadtxt(folder / "final.dump", skiprows=9, ndmin=2)
    relaxed = atoms.copy()
    relaxed.positions = final[:, 1:4] @ rotation.T
    relaxed.info |= {
        "energy_before_ev": float(thermo[0, 1]), "energy_after_ev": float(thermo[-1, 1]),
        "force_max_ev_per_angstrom": float(thermo[-1, 2]), "minimise_steps": int(thermo[-1, 0]),
    }
    return relaxed


def verdict_rows(
    relaxed: Atoms, material: str, subject: str, closest: float | None, tolerance: float
) -> list[dict[str, Any]]:
    """Return rows of table ``verdicts`` on a minimisation: distances, energy, force.

    ``closest`` is one limit of all distances, Angstrom; None for one of each pair of elements
    (`haven.material.distances.pair_limit`).
    """
    info, atoms = relaxed.info, len(relaxed)
    tightest = tightest_pair(relaxed, closest)
    shortest = min_distance(relaxed) if tightest is None else tightest[1]
    limit = (closest or 0.0) if tightest is None else tightest[2]
    pair = "atoms" if tightest is None else tightest[0]
    fall = (info["energy_before_ev"] - info["energy_after_ev"]) / atoms
    force = info["force_max_ev_per_angstrom"]
    keys = {"material": material, "stage": "MINIMISE", "subject": subject}
    return [
        {**keys, "check": "shortest distance", "value": shortest, "limit": limit,
         "unit": "Angstrom", "passed": shortest >= limit,
         "message": f"closest {pair} {shortest:.2f} Angstrom apart after minimisation, limit "
                    f"{limit:.2f}"},
        {**keys, "check": "energy fell", "value": fall, "limit": 0.0, "unit": "eV/atom",
         "passed": fall >= 0.0,
         "message": f"energy fell by {1000 * fall:.1f} meV/atom in {info['minimise_steps']} steps"},
        {**keys, "check": "largest force", "value": force, "limit": tolerance,
         "unit": "eV/Angstrom", "passed": force <= tolerance,
         "message": f"largest force {force:.3f} eV/Angstrom"},
    ]
