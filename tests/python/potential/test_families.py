"""Families of potentials: the door, and pair potentials held against LAMMPS and closed forms."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest
from analytic import IonicPairs, crystal
from ase.io import read, write
from pairs import write_pair
from trained import MATERIAL, ROOT

from haven.core import tables
from haven.core.errors import HavenError
from haven.dynamics.lammps.minimise import minimise
from haven.potential import families
from haven.potential.families import base, pair

SPECIES = ("Li", "Ti", "Cl")


def rattled(seed=1):
    atoms = crystal(seed).repeat((2, 1, 1))
    atoms.rattle(0.1, seed=seed)
    return atoms


def test_every_family_has_its_own_endings_and_all_of_the_interface():
    endings = [ending for family in families.FAMILIES for ending in family.suffixes]
    assert len(endings) == len(set(endings)) and all(e.startswith(".") for e in endings)
    wanted = {name for name in vars(base.Family) if not name.startswith("_")}
    for family in families.FAMILIES:
        assert all(hasattr(family, name) for name in wanted), family.name
        assert families.family_of(f"u4_s1{family.suffixes[0]}") is family


@pytest.mark.parametrize("name", ["u4_s1.txt", "u4_s1", "u4_s1.PB"])
def test_a_file_of_no_family_is_refused_with_what_there_is(name):
    with pytest.raises(HavenError, match=r"no frozen potential: expected \.pb.*\.pair"):
        families.family_of(name)


def test_an_ensemble_is_of_one_family(tmp_path):
    paths = [write_pair(tmp_path), tmp_path / "u4_s2.pb"]
    paths[1].write_bytes(b"0" * 2000)
    with pytest.raises(HavenError, match="two families"):
        families.check_ensemble(paths, SPECIES, 4)
    with pytest.raises(HavenError, match="no ensemble"):
        families.check_ensemble([paths[0], write_pair(tmp_path, "u4_s2.pair")], SPECIES, 4)


def test_energy_forces_and_stress_are_those_of_the_closed_form(tmp_path):
    atoms, other = rattled(), rattled()
    atoms.calc = families.calculator(write_pair(tmp_path), atoms)
    other.calc = IonicPairs()
    assert atoms.get_potential_energy() == pytest.approx(other.get_potential_energy(), abs=2e-3)
    np.testing.assert_allclose(atoms.get_forces(), other.get_forces(), atol=1e-4)
    np.testing.assert_allclose(atoms.get_stress(), other.get_stress(), atol=1e-6)


def test_forces_and_stress_are_derivatives_of_the_energy(tmp_path):
    from ase.calculators.fd import calculate_numerical_forces, calculate_numerical_stress

    atoms = rattled(2)
    atoms.calc = families.calculator(write_pair(tmp_path), atoms)
    np.testing.assert_allclose(atoms.get_forces()[:3],
                               calculate_numerical_forces(atoms, eps=1e-4, iatoms=range(3)),
                               atol=1e-6)
    np.testing.assert_allclose(atoms.get_stress(), calculate_numerical_stress(atoms, eps=1e-5),
                               atol=1e-7)


def test_energy_and_force_end_at_the_cutoff(tmp_path):
    form = pair.read_form(write_pair(tmp_path))
    energy, slope = form.shifted(np.array([form.cutoff_angstrom]), np.ones(1), np.ones(1))
    assert energy == pytest.approx(0, abs=1e-12) and slope == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("species", [SPECIES, ("Cl", "Li", "Ti"), ("Ti", "Cl", "Li")])
def test_lammps_finds_the_same_energy_whatever_the_order_of_types(tmp_path, species):
    atoms = rattled(3)
    found = minimise(atoms, write_pair(tmp_path), species, 0.5, 1, 1, tmp_path)
    atoms.calc = families.calculator(tmp_path / "u4_s1.pair", atoms)
    assert found.info["energy_before_ev"] == pytest.approx(atoms.get_potential_energy(), abs=1e-6)


def test_lammps_takes_a_crystal_without_one_of_the_elements(tmp_path):
    atoms = rattled(4)
    del atoms[[a.index for a in atoms if a.symbol == "Ti"]]
    found = minimise(atoms, write_pair(tmp_path), ("Li", "Cl"), 0.5, 1, 1, tmp_path)
    atoms.calc = families.calculator(tmp_path / "u4_s1.pair", atoms)
    assert found.info["energy_before_ev"] == pytest.approx(atoms.get_potential_energy(), abs=1e-6)


def test_the_evaluator_predicts_what_the_calculator_gives(tmp_path):
    atoms = rattled(5)
    path = write_pair(tmp_path)
    evaluator = families.open_evaluator(path, SPECIES)
    types = np.array([evaluator.elements.index(s) for s in atoms.symbols])
    found = evaluator.predict(atoms.positions[None], atoms.cell.array[None], types)
    atoms.calc = families.calculator(path, atoms)
    assert found.energy[0] == pytest.approx(atoms.get_potential_energy())
    np.testing.assert_allclose(found.force[0], atoms.get_forces())
    stress = atoms.get_stress(voigt=False)
    np.testing.assert_allclose(found.virial[0], -stress * atoms.get_volume())


@pytest.mark.parametrize("changed, words", [
    ({"cutoff_angstrom": 0}, "cutoff_angstrom is 0: it must be above 0"),
    ({"stiffness_angstrom": -0.2}, "stiffness_angstrom is -0.2"),
    ({"repulsion_ev": -1}, "repulsion_ev is -1"),
    ({"repulsion_ev": "much"}, "repulsion_ev is much: it must be a number"),
    ({"cutoff_angstrom": ".nan"}, "cutoff_angstrom is nan: it must be a number"),
    ({"cutoff_angstrom": "true"}, "cutoff_angstrom is True"),
    ({"charges": 1}, "charges is 1: it must be a number for each element"),
    ({"charges": "{Li: 1}"}, "must name the same elements"),
    ({"charges": "{}", "radii_angstrom": "{}"}, "must name the same elements"),
    ({"charges": None}, "must say .*see charges"),
    ({"epsilon": 1}, "and nothing else: see epsilon"),
    ({"charges": "{Li: [1"}, "is no YAML"),
])
def test_a_file_that_is_wrong_is_refused_in_one_line(tmp_path, changed, words):
    path = write_pair(tmp_path, **changed)
    with pytest.raises(HavenError, match=words) as caught:
        families.check_potential(path, SPECIES)
    assert "\n" not in str(caught.value)


def test_a_material_with_another_element_is_refused(tmp_path):
    with pytest.raises(HavenError, match="knows Li, Ti, Cl, not Na: it is of another material"):
        families.check_potential(write_pair(tmp_path), ("Na", "Ti", "Cl"))
    with pytest.raises(HavenError, match="does not know Na"):
        atoms = rattled()
        atoms.symbols[0] = "Na"
        families.calculator(tmp_path / "u4_s1.pair", atoms)


def call(name, *arguments):
    done = subprocess.run([sys.executable, str(ROOT / "bin" / name), "--material", str(MATERIAL),
                           *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


def test_minimise_dynamics_and_barriers_run_without_any_training(tmp_path):
    path = write_pair(tmp_path)
    write(tmp_path / "cell.extxyz", crystal(1).repeat((2, 1, 2)))
    call("minimise.py", "--structure", tmp_path / "cell.extxyz", "--potential", path, "--u_ev", 4,
         "--force_tolerance_ev_per_angstrom", 0.05, "--out", tmp_path)
    start = tmp_path / "u4_r0.minimised.extxyz"
    relaxed = read(start)
    relaxed.calc = families.calculator(path, relaxed)
    assert np.linalg.norm(relaxed.get_forces(), axis=1).max() < 0.06
    call("run_dynamics.py", "--structure", start, "--cell", "material", "--potentials", path,
         "--u_ev", 4, "--temperature_k", 300, "--equilibration_ps", 0.2, "--production_ps", 1,
         "--dump_ps", 0.05, "--all_every", 4, "--out", tmp_path)
    run = tables.read("runs", tmp_path / "u4_t300_r0.runs.parquet").iloc[0]
    assert run["verdict"] == "stable" and run["steps"] == 1000
    call("find_barriers.py", "--structure", start, "--potential", path, "--u_ev", 4,
         "--directions", "[110]", "--images", 3, "--paths_per_direction", 1, "--out", tmp_path)
    found = tables.read("barriers", tmp_path / "u4_r0.barriers.parquet")
    assert len(found) and found["energy_ev"].notna().all()


def test_the_pipeline_takes_the_files_of_every_family():
    text = (ROOT / "modules" / "given_potentials.nf").read_text()
    taken = re.search(r"\(pb\|[a-z0-9|]+\)", text).group(0).strip("()").split("|")
    wanted = [ending.removeprefix(".") for f in families.FAMILIES for ending in f.suffixes]
    assert taken == [*wanted, "pt"]  # and weights, which are compiled first
