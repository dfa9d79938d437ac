"""Twelve kinds of crystals, each with a toy pair potential of its own, minimised by LAMMPS."""

from __future__ import annotations

import numpy as np
import pytest
import yaml
from crystals import CRYSTALS, EXPECTED
from pairs import write_pair

from haven.core.periodic import minimum_image
from haven.dynamics.lammps.minimise import minimise, verdict_rows
from haven.material.disorder import draw_supercell
from haven.material.file import load_material
from haven.potential.families import calculator

FORCE = 0.05  # eV/Angstrom
SHARE = 0.4  # of the formal charges, as in the toy potential of Li3TiCl6


def toy(folder, material, atoms):
    """Write ions that touch about where the crystal has them, and return the potential's file.

    Anions reach 0.4 of their shortest distance, cations what is left of the shortest bond; mobile
    ions and vacancies of the disorder then find their own places. The repulsion is so stiff that
    ions of four or five charges do not fall into one another.
    """
    symbols = np.array(atoms.get_chemical_symbols())
    charges = np.array([material.charges[s] for s in symbols])
    apart = np.linalg.norm(minimum_image(
        (atoms.positions[:, None] - atoms.positions).reshape(-1, 3), atoms.cell.array
    ), axis=1).reshape(len(atoms), -1)
    np.fill_diagonal(apart, np.inf)
    negative = charges < 0
    anion = 0.4 * min(4.5, apart[np.ix_(negative, negative)].min())
    radii = {s: float(anion) if material.charges[s] < 0 else max(0.05, float(
        apart[np.ix_(symbols == s, negative)].min() - anion))
        for s in sorted(set(symbols.tolist()))}
    return write_pair(folder, "toy.pair", radii_angstrom=radii, stiffness_angstrom=0.1, charges={
        s: SHARE * float(material.charges[s]) for s in radii})


SHIPPED = {"li3incl6": ((1, 1, 1), {"Li": 6, "In": 2, "Cl": 12}),
           "li3ycl6": ((1, 1, 2), {"Li": 18, "Y": 6, "Cl": 36})}


@pytest.mark.parametrize("name", [*CRYSTALS, *SHIPPED])
def test_a_crystal_of_any_kind_is_minimised(name, tmp_path, repository):
    path = repository / "assets" / "materials" / f"{name}.yml"
    if name in CRYSTALS:
        path = tmp_path / "material.yml"
        path.write_text(yaml.safe_dump(CRYSTALS[name]))
    material = load_material(path)
    repeat, expected = (EXPECTED | SHIPPED)[name]
    atoms, _ = draw_supercell(material, repeat, "default", seed=3, sweeps=3)
    potential = toy(tmp_path, material, atoms)
    relaxed = minimise(atoms, potential, material.species, FORCE, 500, 1, tmp_path)
    assert {s: relaxed.get_chemical_symbols().count(s) for s in expected} == expected
    rows = verdict_rows(relaxed, material.name, name, None, FORCE)
    assert all(row["passed"] for row in rows), [row["message"] for row in rows]
    assert relaxed.info["minimise_steps"] > 0
    np.testing.assert_allclose(relaxed.cell.array, atoms.cell.array)
    relaxed.calc = calculator(potential, relaxed)
    assert relaxed.get_potential_energy() == pytest.approx(relaxed.info["energy_after_ev"],
                                                           abs=1e-4 * len(relaxed))
    assert np.linalg.norm(relaxed.get_forces(), axis=1).max() <= 2 * FORCE
