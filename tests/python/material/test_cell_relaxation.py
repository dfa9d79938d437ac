"""Relaxed cells: the minimum of a known law, joined with intervals, named as published."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.io import read, write
from report_tables import relaxed
from trained import MATERIAL, ROOT, call, trained

from haven.core import tables
from haven.labels.pulay import HEADER
from haven.material.file import load_material
from haven.material.relaxation import (
    joined_cells,
    printed_occupancies,
    relax_cell,
    system_name,
)


def test_a_strained_crystal_relaxes_to_the_minimum_of_its_law():
    atoms = bulk("Cu", cubic=True, a=3.6).repeat((2, 2, 1))
    atoms.calc = EMT()
    strain = np.array([[0.02, 0.01, 0], [0, -0.02, 0], [0, 0, 0.03]])
    atoms.set_cell(atoms.cell.array + atoms.cell.array @ strain, scale_atoms=True)
    atoms.positions += np.random.default_rng(2).normal(0, 0.05, atoms.positions.shape)
    found = relax_cell(atoms, (2, 2, 1), 0.02)
    assert found["converged"] and found["steps"] > 5
    edges = np.arange(3.56, 3.62, 0.005)
    best = edges[np.argmin([_energy(edge) for edge in edges])]
    for name in ("a_angstrom", "b_angstrom", "c_angstrom"):
        assert found[name] == pytest.approx(best, abs=0.004)
    for name in ("alpha_degree", "beta_degree", "gamma_degree"):
        assert found[name] == pytest.approx(90, abs=0.1)
    assert found["volume_angstrom3"] == pytest.approx(best**3, rel=0.003)


def _energy(edge: float) -> float:
    atoms = bulk("Cu", cubic=True, a=edge)
    atoms.calc = EMT()
    return atoms.get_potential_energy()


def test_occupancies_are_named_as_the_paper_prints_them():
    crystal = load_material(MATERIAL)
    names = {name: system_name(crystal, name) for name in crystal.occupancies}
    assert names == {"default": "0.754/0.123", "calculated_875": "0.875/0.063",
                     "calculated_844": "0.844/0.078", "calculated_750": "0.750/0.125"}


def test_unlike_occupancies_of_several_elements_have_unlike_names():
    zirconium = {"2a": 0.1, "4g": 0.1}
    names = [printed_occupancies({"Zr": zirconium, "Ti": {"4g": other, "2a": share}})
             for share, other in ((0.75, 0.125), (0.5, 0.25))]
    assert names == ["Ti 0.750/0.125, Zr 0.100/0.100", "Ti 0.500/0.250, Zr 0.100/0.100"]


def test_replicas_give_students_interval_and_unconverged_cells_are_left_out():
    rows = {(r["u_ev"], r["quantity"], r["system"]): r
            for r in joined_cells(pd.DataFrame(relaxed()))}
    three = rows[0.0, "lattice_a", "0.875/0.063"]
    assert three["value"] == pytest.approx(6.43) and three["runs"] == 3
    half = 4.302653 * 0.01 / np.sqrt(3)  # Student's t of two degrees of freedom
    assert three["high"] - three["value"] == pytest.approx(half, rel=1e-5)
    two = rows[4.0, "lattice_a", "0.875/0.063"]
    assert two["runs"] == 2 and two["value"] == pytest.approx(6.425)
    one = next(joined_cells(pd.DataFrame(relaxed()[:1])))
    assert one["low"] is None and one["high"] is None


@pytest.mark.parametrize(("changes", "cells"), [
    ({}, 1), ({"a_angstrom": 6.425, "energy_ev_per_atom": -4.0003}, 1),
    ({"energy_ev_per_atom": -4.002}, 2), ({"c_angstrom": 6.40}, 2), ({"replica": 1}, 2),
    ({"atoms": 20}, 2)])
def test_two_ways_to_one_minimum_are_one_cell_without_an_interval(changes, cells):
    first = relaxed()[0]
    both = pd.DataFrame([first, {**first, "start": "first principles", **changes}])
    found = next(joined_cells(both))
    assert found["runs"] == cells and (found["low"] is None) == (cells == 1)


def test_every_occupancy_is_relaxed_with_a_trained_potential(tmp_path):
    done = call("relax_cell.py", "--potential", trained() / "u4_s1.pb", "--u_ev", 4,
                "--relax_supercell", "2,2,2", "--relax_replicas", 1, "--out", tmp_path,
                "--force_tolerance_ev_per_angstrom", 0.2, "--relax_anneal_ps", 0)
    assert done.returncode == 0, done.stderr
    rows = tables.read("lattice", tmp_path / "u4.lattice.parquet")
    assert list(rows["system"]) == ["0.754/0.123", "0.875/0.063"]
    assert "calculated_750: cells of 160 atoms hold it as they hold default" in done.stderr
    assert "calculated_844: cells of 160 atoms miss its occupancies by 0.031" in done.stderr
    verdicts = tables.read("verdicts", tmp_path / "u4_lattice.verdicts.parquet")
    assert list(verdicts["stage"]) == ["RELAX_CELL"] and set(rows["start"]) == {"as made"}


def test_relaxed_cells_start_from_annealed_ions(tmp_path):
    potential = ROOT / "assets" / "models" / "small_d3bj" / "u4_s1.pb"
    energies = {}
    for length_ps in (0, 3):
        out = tmp_path / str(length_ps)
        done = call("relax_cell.py", "--potential", potential, "--u_ev", 4, "--relax_supercell",
                    "1,1,2", "--relax_replicas", 1, "--out", out, "--relax_anneal_ps", length_ps,
                    "--anneal_temperature_k", 700, "--timestep_fs", 2, "--conventional_cell")
        assert done.returncode == 0, done.stderr
        rows = tables.read("lattice", out / "u4.lattice.parquet")
        assert set(rows["start"]) == {"as made" if length_ps == 0 else "not settled"}
        energies[length_ps] = rows[rows["atoms"] == 40]["energy_ev_per_atom"].iloc[0]
        verdicts = tables.read("verdicts", out / "u4_lattice.verdicts.parquet")
        annealed = verdicts[verdicts["check"] == "annealed"]
        if length_ps:
            assert set(annealed["subject"]) == {"u4_default_r0", "u4_conventional"}
            assert not annealed["passed"].any()
            assert annealed["message"].str.contains("after 3 ps (--relax_anneal_ps)",
                                                    regex=False).all()
            assert not (out / "checkpoints" / "relax_u4_default_r0").exists()
        else:
            assert annealed.empty
    assert energies[3] < energies[0]  # the potential prefers another order of the lithium


def relaxation(folder) -> Path:
    """Write the shipped labels of one cell as if they were the steps of its relaxation."""
    steps: Any = read(ROOT / "assets" / "frames" / "li3ticl6" / "s1_000.u4.extxyz", ":")
    for number, step in enumerate(steps):
        step.info |= {"frame": number, "occupancies": "default", "system": "1.000/0.000",
                      HEADER: -0.01}
    target = folder / "relaxed_default_s1.u4.extxyz"
    write(target, steps)
    return target


def test_a_cell_relaxed_from_first_principles_stands_beside_the_potentials(tmp_path):
    given = relaxation(tmp_path)
    done = call("relax_cell.py", "--potential", trained() / "u4_s1.pb", "--u_ev", 4,
                "--relax_supercell", "1,1,2", "--relax_replicas", 1, "--out", tmp_path,
                "--labelled", given, "--conventional_cell", "--relax_anneal_ps", 0)
    assert done.returncode == 0, done.stderr
    rows = tables.read("lattice", tmp_path / "u4.lattice.parquet")
    one = rows[rows["atoms"] == 20]
    assert sorted(one["engine"]) == ["gpaw 26.7.0", "potential", "potential"]
    assert sorted(one["start"]) == ["as made", "first principles", "first principles"]
    assert set(one["occupancies"]) == {"default"}
    assert list(one["system"]).count("1.000/0.000") >= 2
    first, last = one[one["engine"] != "potential"].iloc[0], read(given, -1)
    assert isinstance(last, Atoms) and first["steps"] == 2 and not first["converged"]
    assert first["a_angstrom"] == pytest.approx(last.cell.lengths()[0])
    stress = last.get_stress() - 0.01 * np.array([1, 1, 1, 0, 0, 0])
    assert first["stress_max_gpa"] == pytest.approx(np.abs(stress).max() * 160.21766)
    cell = read(tmp_path / "u4.cell.extxyz")
    assert isinstance(cell, Atoms) and len(cell) == 20 and cell.info["occupancies"] == "default"


def test_a_relaxation_of_another_u_is_refused(tmp_path):
    potential = shutil.copy(trained() / "u4_s1.pb", tmp_path)  # of no U that anything tells
    done = call("relax_cell.py", "--potential", potential, "--u_ev", 0,
                "--relax_supercell", "1,1,2", "--relax_replicas", 1, "--out", tmp_path,
                "--labelled", relaxation(tmp_path))
    assert done.returncode == 2 and "has no frame of U = 0 eV" in done.stderr


@pytest.mark.parametrize(("options", "said"), [
    (("--relax_supercell", "2,2"), "give 3 values with commas between"),
    (("--relax_supercell", "0,1,1"), "it must be at least 1, at most 100"),
    (("--relax_replicas", "0"), "--relax_replicas is 0: it must be at least 1"),
    (("--potential", "none.pb"), "none.pb does not exist"),
])
def test_bad_options_of_relaxing(tmp_path, options, said):
    done = call("relax_cell.py", "--potential", trained() / "u4_s1.pb", "--u_ev", 4,
                "--out", tmp_path, *options)
    assert done.returncode == 2 and said in done.stderr
