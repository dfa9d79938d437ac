"""Cells relaxed by a label engine: stress at a fixed cutoff, steps that go on after a stop."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.io import read
from trained import MATERIAL

from haven import cell_labelled
from haven.cell_labelled import calculator, optimiser, pulay_stress
from haven.cell_relaxation import relax_cell
from haven.cli import HavenError
from haven.crystal import load_material
from haven.labelling import Settings

CRYSTAL = load_material(MATERIAL)
LACK = 300.0  # eV times eV: how the energy of the waves that are missing falls with the cutoff


class Waves:
    """Copper by EMT, plane waves missing: LACK / cutoff too high, stress of fixed waves."""

    version = "waves 1"

    def ways(self, u_ev):
        return "none"

    def __init__(self, cutoff: float) -> None:
        self.cutoff = cutoff

    def label(self, atoms, u_evs):
        atoms.calc = EMT()
        stress = atoms.get_stress()
        stress[:3] += 2 / 3 * LACK / self.cutoff / atoms.get_volume()
        for u_ev in u_evs:
            yield u_ev, {"energy": atoms.get_potential_energy() + LACK / self.cutoff,
                         "forces": atoms.get_forces(), "stress": stress, "scf_steps": 1,
                         "wall_s": 1.0, "cpu_s": 1.0}


def strained() -> Any:
    atoms = bulk("Cu", cubic=True, a=3.6)
    atoms.set_cell(atoms.cell.array * [1.02, 0.99, 1.01], scale_atoms=True)
    atoms.positions += np.random.default_rng(1).normal(0, 0.05, atoms.positions.shape)
    return atoms


def edge(atoms, calc) -> float:
    atoms.calc = calc
    found = relax_cell(atoms, (1, 1, 1), 0.01, 0.02)
    assert found["converged"]
    return found["volume_angstrom3"] ** (1 / 3)


def test_the_stress_is_that_of_a_fixed_cutoff(tmp_path, monkeypatch):
    monkeypatch.setattr(cell_labelled, "make_engine",
                        lambda _name, _material, settings, _folder: Waves(
                            settings.plane_wave_cutoff_ev))
    true = edge(strained(), EMT())
    corrected = edge(strained(), calculator("waves", strained(), CRYSTAL, Settings(), 4.0,
                                            tmp_path))
    plain = edge(strained(), cell_labelled.LabelledCell(Waves(340.0), 4.0, 0.0))
    assert plain < true - 0.01
    assert corrected == pytest.approx(true, abs=0.1 * (true - plain))
    assert float((tmp_path / "pulay.txt").read_text()) < 0


def test_the_correction_is_the_derivative_at_fixed_waves():
    energies = (-10.0, -10.3)
    assert pulay_stress(energies, (300.0, 309.0), 200.0) == pytest.approx(-2 / 3 * 300 / 30 / 200)


def test_a_stopped_relaxation_goes_on_to_the_same_cell(tmp_path):
    whole = strained()
    whole.calc = EMT()
    undisturbed = relax_cell(whole, (1, 1, 1), 0.01, 0.02,
                             optimiser=optimiser(whole, tmp_path / "whole"))
    first = strained()
    first.calc = EMT()
    assert not relax_cell(first, (1, 1, 1), 0.01, 0.02, steps=4,
                          optimiser=optimiser(first, tmp_path / "parts"))["converged"]
    again = strained()
    moved = optimiser(again, tmp_path / "parts")
    np.testing.assert_allclose(again.positions, first.positions, atol=1e-9)
    again.calc = EMT()
    ended = relax_cell(again, (1, 1, 1), 0.01, 0.02, optimiser=moved)
    assert ended["converged"] and ended["steps"] < undisturbed["steps"]
    assert ended["volume_angstrom3"] == pytest.approx(undisturbed["volume_angstrom3"], rel=2e-3)
    steps: Any = read(tmp_path / "parts" / "steps.traj", ":")
    assert len(steps) > 5


def test_the_steps_of_other_atoms_are_refused(tmp_path):
    atoms = strained()
    atoms.calc = EMT()
    relax_cell(atoms, (1, 1, 1), 0.01, steps=1, optimiser=optimiser(atoms, tmp_path))
    with pytest.raises(HavenError, match="holds the relaxation of other atoms"):
        optimiser(bulk("Ag", cubic=True), tmp_path)


def test_gpaw_itself_relaxes_a_small_cell(tmp_path):
    pytest.importorskip("gpaw")
    atoms = bulk("Li", a=3.7)
    atoms.set_initial_magnetic_moments([1.0])
    rough = replace(Settings(), plane_wave_cutoff_ev=250.0, kpoint_spacing_per_angstrom=1.5)
    calc = calculator("gpaw", atoms, CRYSTAL, rough, 0.0, tmp_path)
    assert abs(calc.pulay) < 0.01
    steps = optimiser(atoms, tmp_path)
    atoms.calc = calc
    found = relax_cell(atoms, (1, 1, 1), 0.05, 0.5, optimiser=steps, steps=2)
    kept: Any = read(tmp_path / "steps.traj", ":")
    assert len(kept) == found["steps"] + 1
    assert kept[-1].get_potential_energy() < kept[0].get_potential_energy()
