"""An ionic pair potential in closed form, and small crystals labelled with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.geometry import cellpar_to_cell
from ase.neighborlist import primitive_neighbor_list
from ase.units import _e, _eps0
from scipy.special import erfc

CHARGES = {"Li": 0.4, "Ti": 1.2, "Cl": -0.4}
CONTACTS = {"Li": 0.68, "Ti": 0.76, "Cl": 1.40}
COULOMB = _e / (4 * np.pi * _eps0) * 1e10
CUTOFF, DAMPING, STIFFNESS = 5.5, 0.3, 0.2


class IonicPairs(Calculator):
    """Born-Mayer repulsion and damped shifted-force Coulomb: energy, forces, stress."""

    implemented_properties = ("energy", "free_energy", "forces", "stress")

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        first, second, vector = primitive_neighbor_list(
            "ijD", atoms.pbc, atoms.cell.array, atoms.positions, CUTOFF
        )
        r = np.linalg.norm(vector, axis=1)
        charge = np.array([CHARGES[s] for s in atoms.symbols])
        contact = np.array([CONTACTS[s] for s in atoms.symbols])
        qq = COULOMB * charge[first] * charge[second]
        shift, slope = _damped(np.array(CUTOFF))
        value, gradient = _damped(r)
        repulsion = 0.22 * np.exp((contact[first] + contact[second] - r) / STIFFNESS)
        energy = qq * (value - shift - slope * (r - CUTOFF)) + repulsion
        derivative = qq * (gradient - slope) - repulsion / STIFFNESS
        pair = (derivative / r)[:, None] * vector
        forces = np.zeros((len(atoms), 3))
        np.add.at(forces, first, pair)
        stress = 0.5 * np.einsum("pa,pb->ab", pair, vector) / atoms.get_volume()
        self.results = {
            "energy": 0.5 * float(energy.sum()),
            "free_energy": 0.5 * float(energy.sum()),
            "forces": forces,
            "stress": stress.ravel()[[0, 4, 8, 5, 2, 1]],
        }


def _damped(r):
    decay = erfc(DAMPING * r) / r
    return decay, -decay / r - 2 * DAMPING / np.sqrt(np.pi) * np.exp(-((DAMPING * r) ** 2)) / r


def crystal(seed: int = 0, scale: float = 1.0) -> Atoms:
    """Return a 20-atom Li3TiCl6 cell with Li and Ti in random places of the cation sites."""
    centring = np.array([[0, 0, 0], [0.5, 0.5, 0]])

    def orbit(*points):
        return [(np.array(p) + c) % 1 for c in centring for p in points]

    titanium = orbit((0, 0, 0), (0, 1 / 3, 0), (0, -1 / 3, 0))
    lithium = orbit((0, 0.5, 0.5), (0, 0.17, 0.5), (0, -0.17, 0.5))
    x, y, z = 0.25, 0.16, 0.24
    chlorine = orbit((0.75, 0, z), (0.25, 0, -z), (x, y, z), (-x, y, -z), (-x, -y, -z), (x, -y, z))
    rng = np.random.default_rng(seed)
    metal = rng.choice(6, 2, replace=False)
    free = [titanium[i] for i in range(6) if i not in metal] + lithium
    chosen = rng.choice(len(free), 6, replace=False)
    sites = [free[i] for i in chosen] + [titanium[i] for i in metal] + chlorine
    cell = scale * cellpar_to_cell([6.375, 10.95, 6.36, 90, 110.4, 90])
    return Atoms("Li6Ti2Cl12", scaled_positions=sites, cell=cell, pbc=True)


def labelled(
    seed: int, frames: int, u_ev: float = 4.0, rattle: float = 0.08, strain: float = 0.02
) -> list[Atoms]:
    """Return frames of one trajectory, labelled as Haven's own label frames are."""
    from ase.calculators.singlepoint import SinglePointCalculator

    rng = np.random.default_rng([seed, 1])
    start = crystal(seed)
    out = []
    for number in range(frames):
        atoms = start.copy()
        bent = np.eye(3) + rng.uniform(-strain, strain, (3, 3)) * np.tri(3)
        atoms.set_cell(atoms.cell.array @ bent, scale_atoms=True)
        atoms.positions += rng.normal(0, rattle, (len(atoms), 3))
        atoms.calc = IonicPairs()
        results = {
            "energy": atoms.get_potential_energy(),
            "forces": atoms.get_forces(),
            "stress": atoms.get_stress(),
            "magmoms": np.where(atoms.symbols == "Ti", 1.0, 0.0),
            "magmom": 2.0,
        }
        frame = Atoms(atoms.symbols, atoms.positions, cell=atoms.cell, pbc=True)
        frame.calc = SinglePointCalculator(frame, **results)
        frame.info = {
            "u_ev": u_ev, "trajectory": f"cell{seed}", "frame": number, "origin": "rattled",
            "engine": "pairs 1", "scf_steps": 1, "wall_s": 0.1, "cores": 1, "converged": True,
        }
        out.append(frame)
    return out


def write_labelled(
    folder: Path, trajectories: int, frames: int, u_ev: float = 4.0, rattle: float = 0.08
) -> Path:
    """Write labelled trajectories, one extxyz file each, and return the folder."""
    from ase.io import write

    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(trajectories):
        write(folder / f"cell{seed}.u{u_ev:g}.extxyz", labelled(seed, frames, u_ev, rattle))
    return folder
