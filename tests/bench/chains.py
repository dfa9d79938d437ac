#!/usr/bin/env python3
"""Make frames in which each of two cations is near to the other twice, to label.

Dynamics of cells of two such cations that form a chain through the boundary, with springs that pull
both distances to lengths drawn at random. The starts of `x1_s6_*` with `origin=pulled` came from

    bin/build_structures.py --material assets/materials/li3ticl6.yml --label_structures 150 \
        --frames_per_structure 1 --atoms_max 20 --seed 6 --out cells
    tests/bench/chains.py --potential assets/models/u4_s1.pb --out pulled cells/structures/*.extxyz
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.calculators.calculator import Calculator, all_changes
from ase.io import iread, write
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution
from ase.neighborlist import neighbor_list
from deepmd.calculator import DP

Bond = tuple[int, int, np.ndarray]
STIFFNESS = 30.0  # eV/A^2


def vector(atoms: Atoms, bond: Bond) -> np.ndarray:
    """Return the vector between the atoms of a bond (two indices and cells to shift by), A."""
    first, second, image = bond
    return atoms.positions[second] + image @ np.asarray(atoms.cell) - atoms.positions[first]


class Pulled(Calculator):
    """A potential, and springs on bonds with their lengths (A)."""

    def __init__(self, potential: Any, bonds: list[Bond], lengths: np.ndarray) -> None:
        super().__init__()
        self.implemented_properties = ["energy", "forces"]
        self.potential, self.bonds, self.lengths = potential, bonds, lengths

    def calculate(self, atoms=None, properties=None, system_changes=all_changes) -> None:
        """Fill in energy (eV) and forces (eV/A)."""
        super().calculate(atoms, properties or ["energy"], system_changes)
        assert atoms is not None
        energy = self.potential.get_potential_energy(atoms)
        forces = self.potential.get_forces(atoms).copy()
        for bond, length in zip(self.bonds, self.lengths, strict=True):
            apart = vector(atoms, bond)
            distance = np.linalg.norm(apart)
            energy += STIFFNESS / 2 * (distance - length) ** 2
            pull = STIFFNESS * (distance - length) * apart / distance
            forces[bond[0]] += pull
            forces[bond[1]] -= pull
        self.results = {"energy": energy, "forces": forces}


def chain(atoms: Atoms, species: str, longest: float) -> list[Bond]:
    """Return the two bonds up to ``longest`` (A) of a cell's two cations, or none."""
    of_species = np.array(atoms.get_chemical_symbols()) == species
    i, j, image = neighbor_list("ijS", atoms, longest)
    bonds = [(int(a), int(b), s) for a, b, s in zip(i, j, image, strict=True)
             if a < b and of_species[a] and of_species[b]]
    return bonds if of_species.sum() == 2 == len(bonds) else []


def main() -> None:
    """Write the frames of each cell."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("structures", nargs="+", type=Path)
    add("--potential", required=True)
    add("--species", default="Ti")
    add("--bond_angstrom", type=float, default=4.6, help="longest in the starting cells")
    add("--lengths_angstrom", type=float, nargs=2, default=(2.8, 3.4), help="of the springs")
    add("--frames", type=int, default=2, help="of each cell")
    add("--volume_max", type=float, default=21.0, help="of cells to take, A^3 an atom")
    add("--seed", type=int, default=6)
    add("--out", type=Path, required=True)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    rng, potential = np.random.default_rng(given.seed), DP(given.potential)
    for path in sorted(given.structures):
        start = next(iter(iread(path)))
        bonds = chain(start, given.species, given.bond_angstrom)
        if not bonds or start.get_volume() / len(start) > given.volume_max:
            continue
        frames = []
        for number in range(given.frames):
            lengths = rng.uniform(*given.lengths_angstrom, size=2)
            kelvin = float(rng.choice([300, 450, 600]))
            atoms = start.copy()
            atoms.calc = Pulled(potential, bonds, lengths)
            MaxwellBoltzmannDistribution(atoms, temperature_K=kelvin, rng=rng)
            Langevin(atoms, 2 * units.fs, temperature_K=kelvin, friction=0.02 / units.fs,
                     rng=rng).run(500)
            frame = start.copy()
            frame.positions = atoms.positions
            frame.info.update(trajectory=f"x1_{path.stem}", frame=10 + number, origin="pulled",
                              temperature_k=kelvin)
            frames.append(frame)
            ends = np.array([np.linalg.norm(vector(frame, bond)) for bond in bonds])
            print(f"{path.stem} {number}: {kelvin:g} K, springs of {lengths.round(2)}, "
                  f"distances {ends.round(2)} A", flush=True)
        write(given.out / f"x1_{path.stem}.extxyz", frames)


if __name__ == "__main__":
    main()
