"""Relaxing a small cell with the labels' engine, step by step, each step kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.calculators.calculator import all_changes

from haven.aimd import Labelled
from haven.cell_relaxation import POTENTIAL, printed_occupancies, relax_cell
from haven.cli import HavenError, log
from haven.crystal import Material
from haven.disorder import build
from haven.labelling import Engine, Settings, make_engine

if TYPE_CHECKING:
    from ase import Atoms

CUTOFF_STEP = 1.03  # of the second cutoff that tells how the energy depends on it


class LabelledCell(Labelled):
    """A label engine at one U as ASE sees it, with stress.

    An engine's stress is that of a fixed number of plane waves, which pulls a cell together when
    they are few. ``pulay`` (eV/Angstrom^3) makes it the stress at a fixed cutoff.
    """

    implemented_properties: list[str] = [  # noqa: RUF012
        "energy", "free_energy", "forces", "stress"]

    def __init__(self, engine: Engine, u_ev: float, pulay: float) -> None:
        super().__init__(engine, u_ev)
        self.pulay = pulay

    def calculate(
        self, atoms: Any = None, properties: Any = ("energy",), system_changes: Any = all_changes
    ) -> None:
        """Label the atoms, U on top of the density without it: a new cell has no other."""
        self.fresh = True
        super().calculate(atoms, properties, system_changes)
        stress = np.array(self.last["stress"], float)
        stress[:3] += self.pulay
        self.results["stress"] = stress


def pulay_stress(energies: tuple[float, float], cutoffs: tuple[float, float], volume: float
                 ) -> float:
    """Return what the stress at a fixed cutoff has more than that of a fixed number of waves.

    The number of plane waves below a cutoff goes as cutoff^(3/2) times volume, so that a cell of
    fixed waves loses cutoff as volume^(-2/3) when it grows (Francis and Payne, J. Phys.: Condens.
    Matter 2 (1990) 4395).

    Parameters
    ----------
    energies
        Total energy of one cell at two cutoffs, eV.
    cutoffs
        The cutoffs, eV; the first is the one in use.
    volume
        Of the cell, Angstrom^3.

    Returns
    -------
    float
        In eV/Angstrom^3, negative where the energy falls with the cutoff.
    """
    slope = (energies[1] - energies[0]) / (cutoffs[1] - cutoffs[0])
    return 2 / 3 * cutoffs[0] * slope / volume


def calculator(
    name: str, atoms: Atoms, material: Material, settings: Settings, u_ev: float, folder: Path
) -> LabelledCell:
    """Return a calculator of the engine ``name`` whose stress is corrected at the cell given.

    The two labels that the correction takes are kept in ``folder``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "pulay.txt"
    if not kept.exists():
        further = replace(settings,
                          plane_wave_cutoff_ev=CUTOFF_STEP * settings.plane_wave_cutoff_ev)
        energies = []
        for one in (settings, further):
            probe = LabelledCell(make_engine(name, material, one, folder), u_ev, 0.0)
            probe.calculate(atoms)
            energies.append(float(probe.results["energy"]))
        value = pulay_stress((energies[0], energies[1]), (
            settings.plane_wave_cutoff_ev, further.plane_wave_cutoff_ev), atoms.get_volume())
        kept.write_text(f"{value:.9g}\n")
    pulay = float(kept.read_text())
    log.info("U = %g eV: %.2f GPa added to the stress for the waves that a larger cell lacks",
             u_ev, 160.21766208 * pulay)
    return LabelledCell(make_engine(name, material, settings, folder), u_ev, pulay)


def optimiser(atoms: Atoms, folder: Path) -> Any:
    """Return an optimiser of atoms and cell that goes on where the last one in ``folder`` stopped.

    Every step's frame and the Hessian are kept there.

    Raises
    ------
    HavenError
        If ``folder`` holds the steps of other atoms.
    """
    from ase.filters import FrechetCellFilter
    from ase.io import Trajectory
    from ase.optimize import BFGS

    folder.mkdir(parents=True, exist_ok=True)
    steps, hessian = folder / "steps.traj", folder / "hessian.json"
    both: Any = FrechetCellFilter(atoms)  # strains are counted from the cell the first step had
    done: Any = Trajectory(str(steps)) if steps.exists() and steps.stat().st_size else []
    if len(done):
        last = done[-1]
        if len(last) != len(atoms) or (last.numbers != atoms.numbers).any():
            raise HavenError(f"{folder} holds the relaxation of other atoms: name another folder")
        atoms.set_cell(last.cell)
        atoms.set_positions(last.positions)
        log.info("%s: goes on after %d steps", folder, len(done))
    quiet: Any = None
    return BFGS(both, logfile=quiet, restart=str(hessian), trajectory=str(steps),
                append_trajectory=True)


def both_ways(
    material: Material, u_ev: float, seed: int, potential: Callable[[Atoms], Any], name: str,
    settings: Settings, folder: Path, force_tolerance: float,
) -> list[dict[str, Any]]:
    """Return rows of the table ``lattice``: one conventional cell, by potential and by engine.

    Parameters
    ----------
    potential
        Makes the potential's calculator for the atoms.
    name
        Engine of the labels.
    folder
        Keeps the engine's steps.
    force_tolerance
        Largest force to stop at, eV/Angstrom; of the stress 0.05 GPa.
    """
    one = (1, 1, 1)
    occupancies = next(iter(material.occupancies))
    atoms, sites = build(material, one, occupancies, seed, 40)
    met = {str(row["site"]): float(str(row["occupancy"])) for row in sites
           if row["target_occupancy"] is not None}
    keys = {"material": material.name, "u_ev": u_ev, "seed": seed, "replica": 0,
            "occupancies": occupancies, "atoms": len(atoms),
            "system": printed_occupancies(met[site] for site in sorted(met))}
    atoms.calc = potential(atoms)
    rows = [{**keys, "engine": POTENTIAL, **relax_cell(atoms, one, force_tolerance)}]
    atoms.calc = None
    atoms.set_initial_magnetic_moments(
        [material.moments.get(s, 0.0) for s in atoms.get_chemical_symbols()])
    labelled = calculator(name, atoms, material, settings, u_ev, folder)
    steps = optimiser(atoms, folder)
    atoms.calc = labelled
    found = relax_cell(atoms, one, force_tolerance, optimiser=steps)
    return [*rows, {**keys, "engine": labelled.engine.version, **found}]
