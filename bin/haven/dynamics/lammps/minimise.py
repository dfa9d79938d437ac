"""Relaxing atoms in a fixed cell with LAMMPS."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from haven.core.errors import HavenError
from haven.dynamics.lammps.program import (
    error_line,
    link_potentials,
    read_thermo,
    setting_lines,
    start_lammps,
)
from haven.material.distances import min_distance, tightest_pair
from haven.material.structures import write_data

if TYPE_CHECKING:
    from ase import Atoms


RIGHT_DEGREE = 0.01  # angles this near to 90 degrees are right ones
CELL_PASSES = 3  # minimisations in which the cell relaxes
MEASURED = (  # lines before a minimisation: what is printed, and how it goes
    "variable size atom sqrt(fx*fx+fy*fy+fz*fz)",
    "compute largest all reduce max v_size", "thermo_style custom step pe c_largest",
    "thermo_modify format float %.12g", "thermo 10", "min_style cg",
    "min_modify line quadratic dmax 0.1 norm max")
FINAL = (  # and after it: positions and box
    "write_dump all custom final.dump id xu yu zu modify sort id format float %.10f",
    'print "$(lx:%.10f) $(ly:%.10f) $(lz:%.10f) $(xy:%.10f) $(xz:%.10f) $(yz:%.10f) '
    '$(xlo:%.10f) $(ylo:%.10f) $(zlo:%.10f)" file final.box')


def minimise(
    atoms: Atoms, potential: Path, species: Sequence[str], tolerance: float, steps: int,
    threads: int, folder: Path, walls: Sequence[tuple[str, str, float]] = (),
    pressure_gpa: float | None = None, tilts: Sequence[str] = (),
) -> Atoms:
    """Return the atoms relaxed by conjugate gradients, in their cell or in one at a pressure.

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
    pressure_gpa
        Relax the cell, too, until it is at this pressure; None keeps the cell.
    tilts
        Tilts of LAMMPS's box (xy, xz, yz) that relax with its three lengths.

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
        *MEASURED, *_relaxing(tolerance, steps, pressure_gpa, tilts), *FINAL]
    (folder / "minimise.in").write_text("\n".join(lines) + "\n")
    code = start_lammps(folder, "minimise.in", "minimise.log", threads).wait()
    thermo = read_thermo(folder / "minimise.log", 3)
    if code or len(thermo) == 0 or not np.isfinite(thermo).all():
        raise HavenError(f"minimisation with {potential} failed: "
                         f"{error_line(folder, 'minimise.log')}")
    relaxed = _relaxed(atoms, potential, folder, rotation, pressure_gpa is not None)
    relaxed.info |= {
        "energy_before_ev": float(thermo[0, 1]), "energy_after_ev": float(thermo[-1, 1]),
        "force_max_ev_per_angstrom": float(thermo[-1, 2]), "minimise_steps": int(thermo[-1, 0]),
    }
    return relaxed


def _relaxed(
    atoms: Atoms, potential: Path, folder: Path, rotation: np.ndarray, cell_moved: bool
) -> Atoms:
    """Return the atoms with the positions, and the cell, that a minimisation left in ``folder``.

    ``rotation`` (3, 3) turned the atoms into LAMMPS's orientation.
    """
    final = np.loadtxt(folder / "final.dump", skiprows=9, ndmin=2)
    if final.shape != (len(atoms), 4) or not np.isfinite(final).all():
        raise HavenError(f"minimisation with {potential} left positions that are cut off or not "
                         "finite: run again")
    relaxed = atoms.copy()
    if not cell_moved:
        relaxed.positions = final[:, 1:4] @ rotation.T
    else:
        box = np.loadtxt(folder / "final.box")
        if box.shape != (9,) or not np.isfinite(box).all():
            raise HavenError(f"minimisation with {potential} left a box that is cut off or not "
                             "finite: run again")
        relaxed.set_cell(box_vectors(box[:6]) @ rotation.T, scale_atoms=False)
        relaxed.positions = (final[:, 1:4] - box[6:]) @ rotation.T
    return relaxed


def _relaxing(
    tolerance: float, steps: int, pressure_gpa: float | None, tilts: Sequence[str]
) -> list[str]:
    """Return the lines that minimise; with a cell, in passes, each of which strains it little.

    Lengths and tilts are taken from the cell at the beginning of a pass (`fix box/relax`), so that
    the pressure is met only when the last pass changes the cell no more.
    """
    lines = [f"minimize 0.0 {tolerance:g} {steps} {10 * steps}"]
    if pressure_gpa is None:
        return lines
    bar = f"{pressure_gpa * 1e4:g}"
    moving = " ".join(f"{part} {bar}" for part in ("x", "y", "z", *tilts))
    relax = f"fix cell all box/relax {moving} couple none vmax 0.002"
    return [*lines, *[relax, *lines, "unfix cell"] * CELL_PASSES]


def box_vectors(box: np.ndarray) -> np.ndarray:
    """Return cell vectors (..., 3, 3) of LAMMPS's lx, ly, lz, xy, xz, yz (..., 6), Angstrom."""
    cell = np.zeros((*np.shape(box)[:-1], 3, 3))
    for column, (row, axis) in enumerate(((0, 0), (1, 1), (2, 2), (1, 0), (2, 0), (2, 1))):
        cell[..., row, axis] = box[..., column]
    return cell


def free_tilts(cell: np.ndarray) -> tuple[str, ...]:
    """Return the tilts of LAMMPS's box that a crystal of this cell leaves free.

    Right angles are kept, as the average crystal has them by symmetry, also where a single
    disordered replica would leave them. A monoclinic cell has one free tilt, an orthorhombic one
    none.

    Parameters
    ----------
    cell
        Of the material, (3, 3), Angstrom.
    """
    from ase.geometry import cell_to_cellpar

    oblique = np.abs(cell_to_cellpar(cell)[3:] - 90.0) > RIGHT_DEGREE
    names = ("yz", "xz", "xy")  # tilts that alpha, beta, gamma make
    if oblique.sum() > 1:
        return names
    return tuple(name for name, free in zip(names, oblique, strict=True) if free)


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
