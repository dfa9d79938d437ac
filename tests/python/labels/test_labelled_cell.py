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

from haven.core.errors import HavenError
from haven.labels import cell_relaxation
from haven.labels.cell_relaxation import FRAMES, calculator, lattice_row, relax_labelled
from haven.labels.engines.base import LabelSettings
from haven.labels.frames.reading import read_file
from haven.labels.pulay import HEADER, pulay_energy
from haven.material.file import load_material
from haven.material.relaxation import relax_cell

CRYSTAL = load_material(MATERIAL)
LACK = 300.0  # eV times eV: how the energy of the waves that are missing falls with the cutoff


class Waves:
    """Copper by EMT, plane waves missing: LACK / cutoff too high, stress of fixed waves."""

    version = "waves 1"

    def ways(self, u_ev):
        return "none"

    def __init__(self, cutoff: float) -> None:
        self.cutoff, self.labels = cutoff, 0

    def label(self, atoms, u_evs):
        self.labels += 1
        atoms.calc = EMT()
        stress = atoms.get_stress()
        stress[:3] += 2 / 3 * LACK / self.cutoff / atoms.get_volume()
        for u_ev in u_evs:
            yield u_ev, {"energy": atoms.get_potential_energy() + LACK / self.cutoff,
                         "forces": atoms.get_forces(), "stress": stress, "scf_steps": 1,
                         "wall_s": 1.0, "cpu_s": 1.0, "magmoms": np.zeros(len(atoms)),
                         "magmom": 0.0, "tries": 1, "rung": "none", "cores": 1}


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
    cheap(monkeypatch)
    true = edge(strained(), EMT())
    corrected = edge(strained(), calculator("waves", strained(), CRYSTAL, LabelSettings(), 4.0,
                                            tmp_path))
    plain = edge(strained(), cell_relaxation.LabelledCell(Waves(340.0), 4.0, 0.0))
    assert plain < true - 0.01
    assert corrected == pytest.approx(true, abs=0.1 * (true - plain))
    assert float((tmp_path / "pulay_ev.txt").read_text()) < 0


def test_the_correction_is_the_derivative_at_fixed_waves():
    energies = (-10.0, -10.3)
    assert pulay_energy(energies, (300.0, 309.0)) == pytest.approx(-2 / 3 * 300 / 30)


def cheap(monkeypatch) -> list[Waves]:
    made: list[Waves] = []

    def make(_name, _material, settings, _folder):
        made.append(Waves(settings.plane_wave_cutoff_ev))
        return made[-1]

    monkeypatch.setattr(cell_relaxation, "make_engine", make)
    return made


def start() -> Any:
    atoms = strained()
    atoms.info = {"trajectory": "relaxed_default_s1", "occupancies": "default",
                  "system": "1.000/0.000"}
    return atoms


def steps_of(folder, u_ev=4.0) -> list[Any]:
    return read_file(folder / FRAMES, u_ev, ("Cu",))


def test_a_stopped_relaxation_goes_on_to_the_same_cell(tmp_path, monkeypatch):
    engines = cheap(monkeypatch)
    folders = [tmp_path / name for name in ("whole", "parts")]
    for folder in folders:
        folder.mkdir()
    whole, parts = folders
    assert relax_labelled(start(), CRYSTAL, 4.0, "waves", LabelSettings(), whole, 0.01)
    assert [engine.labels for engine in engines] == [len(steps_of(whole)), 1]  # none for nothing
    assert not relax_labelled(start(), CRYSTAL, 4.0, "waves", LabelSettings(), parts, 0.01, steps=4)
    before = steps_of(parts)
    assert len(before) == 5
    assert relax_labelled(start(), CRYSTAL, 4.0, "waves", LabelSettings(), parts, 0.01)
    undisturbed, after = steps_of(whole), steps_of(parts)
    assert [frame.number for frame in after] == list(range(len(after)))  # none twice, none lost
    np.testing.assert_array_equal(after[4].atoms.positions, before[4].atoms.positions)
    assert abs(len(after) - len(undisturbed)) <= 3
    one, two = (lattice_row(frames, 0.01) for frames in (undisturbed, after))
    assert one["converged"] and two["converged"] and one["engine"] == "waves 1"
    assert two["volume_angstrom3"] == pytest.approx(one["volume_angstrom3"], rel=2e-3)
    assert {key: one[key] for key in ("occupancies", "system", "atoms")} == {
        "occupancies": "default", "system": "1.000/0.000", "atoms": 4}


@pytest.mark.parametrize("damaged", [cell_relaxation.HESSIAN, cell_relaxation.PULAY])
@pytest.mark.parametrize("left", [0, 0.5])
def test_a_relaxation_whose_file_was_cut_off_goes_on(tmp_path, monkeypatch, damaged, left):
    cheap(monkeypatch)
    relax_labelled(start(), CRYSTAL, 4.0, "waves", LabelSettings(), tmp_path, 0.01, steps=4)
    before, file = steps_of(tmp_path), tmp_path / damaged
    content = file.read_bytes()
    file.write_bytes(content[:int(left * len(content))] if damaged.endswith("json") else b"")
    assert relax_labelled(start(), CRYSTAL, 4.0, "waves", LabelSettings(), tmp_path, 0.01)
    after = steps_of(tmp_path)
    assert [frame.number for frame in after] == list(range(len(after))) and len(after) > len(before)
    assert lattice_row(after, 0.01)["converged"]


@pytest.mark.parametrize("ending", ["frames", "hessian", "pulay_ev"])
def test_a_full_disk_leaves_the_files_of_a_relaxation_whole(tmp_path, monkeypatch, ending):
    """A file is written beside the old one, so that what stops the writing stops nothing else."""
    cheap(monkeypatch)
    relax_labelled(start(), CRYSTAL, 4.0, "waves", LabelSettings(), tmp_path, 0.01, steps=4)
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    if ending == "pulay_ev":
        (tmp_path / cell_relaxation.PULAY).unlink()
    (tmp_path / f"{ending}.new").mkdir()  # nothing can be written there
    with pytest.raises(OSError, match=f"{ending}.new"):
        relax_labelled(start(), CRYSTAL, 4.0, "waves", LabelSettings(), tmp_path, 0.01)
    (tmp_path / f"{ending}.new").rmdir()
    kept = (tmp_path / cell_relaxation.FRAMES).read_bytes()
    assert kept.startswith(files[cell_relaxation.FRAMES])
    assert relax_labelled(start(), CRYSTAL, 4.0, "waves", LabelSettings(), tmp_path, 0.01)
    assert lattice_row(steps_of(tmp_path), 0.01)["converged"]


def test_a_relaxed_cell_is_judged_by_its_stress_at_a_fixed_cutoff(tmp_path, monkeypatch):
    cheap(monkeypatch)
    relax_labelled(start(), CRYSTAL, 4.0, "waves", LabelSettings(), tmp_path, 0.01)
    frames = steps_of(tmp_path)
    assert lattice_row(frames, 0.01)["stress_max_gpa"] <= 0.05
    frames[-1].info.pop(HEADER)
    assert not lattice_row(frames, 0.01)["converged"]
    bare = [replace(frames[-1], stress=None)]
    with pytest.raises(HavenError, match="has no stress: a relaxed cell"):
        lattice_row(bare, 0.01)


def test_gpaw_itself_relaxes_a_small_cell(tmp_path):
    pytest.importorskip("gpaw")
    atoms = bulk("Li", a=3.9)
    rough = replace(LabelSettings(), plane_wave_cutoff_ev=250.0, kpoint_spacing_per_angstrom=1.5)
    crystal = replace(CRYSTAL, moments={"Li": 1.0})
    relax_labelled(atoms, crystal, 0.0, "gpaw", rough, tmp_path, 0.05, 2)
    kept: Any = read(tmp_path / FRAMES, ":")
    assert len(kept) == 3 and abs(kept[0].info[HEADER]) < 0.01
    assert kept[-1].get_potential_energy() < kept[0].get_potential_energy()
    assert kept[-1].info["scf_steps"] > 0 and kept[-1].info["origin"] == "relaxed"
