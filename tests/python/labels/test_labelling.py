"""Labels by GPAW itself: U switched on in place, forces, files that grow as labels are made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.io import read

from haven.labels.engines.base import LabelSettings
from haven.labels.engines.gpaw import LADDER, Gpaw, rungs
from haven.labels.labelling import failed_rows, label_trajectory, labelled
from haven.labels.pulay import HEADER
from haven.material.file import load_material

pytest.importorskip("gpaw", reason="GPAW is installed by ./haven setup --labels")

MATERIAL = load_material(Path(__file__).parents[3] / "assets" / "materials" / "li3ticl6.yml")
SETTINGS = LabelSettings(plane_wave_cutoff_ev=220.0, kpoint_spacing_per_angstrom=3.0,
                    convergence={"energy": 1e-6, "density": 1e-5, "eigenstates": 1e-8})


def titanium_chloride(shift: float = 0.0) -> Atoms:
    """Rocksalt TiCl off its symmetric places; three parallel d electrons, so one orbital order."""
    edge = 2.6
    atoms = Atoms("TiCl", scaled_positions=[[0, 0, 0], [0.52, 0.5, 0.47]],
                  cell=edge * (1 - np.eye(3)), pbc=True)
    atoms.positions[1, 0] += shift
    atoms.set_initial_magnetic_moments([3.0, 0.0])
    return atoms


@pytest.fixture(scope="module")
def labels(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gpaw")
    found = {}
    for shift in (-0.01, 0.0, 0.01):
        labeller = Gpaw(MATERIAL, SETTINGS, folder / "log.txt")
        found[shift] = dict(labeller.label(titanium_chloride(shift), [0.0, 4.0]))
    return found


def test_u_switched_on_in_place_equals_a_calculation_started_with_it(labels, tmp_path):
    from gpaw import PW
    from gpaw.old.calculator import GPAW

    atoms = titanium_chloride()
    atoms.calc = GPAW(
        mode=PW(220.0), xc="PBE", kpts=SETTINGS.kpoints(np.asarray(atoms.cell)),
        setups={"Ti": ":d,4.0"}, symmetry={"point_group": False}, txt=str(tmp_path / "fresh.txt"),
        occupations={"name": "fermi-dirac", "width": 0.1, "fixmagmom": True},
        convergence=SETTINGS.convergence)
    energy = atoms.get_potential_energy(force_consistent=True)
    assert labels[0.0][4.0]["energy"] == pytest.approx(energy, abs=2e-4)
    assert labels[0.0][4.0]["forces"] == pytest.approx(atoms.get_forces(), abs=5e-3)


@pytest.mark.parametrize("u_ev", [0.0, 4.0])
def test_forces_are_minus_the_slope_of_the_energy(labels, u_ev):
    slope = (labels[0.01][u_ev]["energy"] - labels[-0.01][u_ev]["energy"]) / 0.02
    assert labels[0.0][u_ev]["forces"][1, 0] == pytest.approx(-slope, abs=0.03)


def test_hubbard_u_raises_the_energy_and_changes_the_forces(labels):
    assert labels[0.0][4.0]["energy"] > labels[0.0][0.0]["energy"]
    difference = labels[0.0][4.0]["forces"] - labels[0.0][0.0]["forces"]
    assert np.abs(difference).max() > 0.01


@pytest.mark.parametrize("rung", LADDER[2:], ids=lambda rung: rung.name)
def test_every_rung_of_the_ladder_ends_with_the_label_that_was_asked_for(labels, tmp_path, rung):
    labeller = Gpaw(MATERIAL, SETTINGS, tmp_path / "log.txt")
    found = labeller._climb(titanium_chloride(), 4.0, rung)
    assert found is not None
    assert found["energy"] == pytest.approx(labels[0.0][4.0]["energy"], abs=2e-4)
    assert found["forces"] == pytest.approx(labels[0.0][4.0]["forces"], abs=5e-3)


def test_a_crystal_without_moments_is_labelled_too(tmp_path):
    atoms = Atoms("LiCl", scaled_positions=[[0, 0, 0], [0.52, 0.5, 0.47]],
                  cell=2.6 * (1 - np.eye(3)), pbc=True)
    (u_ev, found), = Gpaw(MATERIAL, SETTINGS, tmp_path / "log.txt").label(atoms, [0.0])
    assert u_ev == 0.0 and found["magmom"] == 0.0 and np.abs(found["forces"]).max() > 0.03


def test_a_frame_that_no_rung_converges_is_set_apart_with_the_reason(tmp_path):
    frames = [titanium_chloride(), titanium_chloride(0.01)]
    for number, frame in enumerate(frames):
        frame.info = {"trajectory": "t0", "frame": number, "origin": "rattled"}
    for _ in range(2):  # what failed is not tried again
        (path,) = label_trajectory(frames, MATERIAL, [0.0], replace(SETTINGS, maximum_steps=2),
                                   tmp_path)
    assert path.name == "t0.failed.extxyz"
    rows = failed_rows(tmp_path, "tlc", 0.0)
    assert [row["frame"] for row in rows] == [0, 1]
    assert {row["reason"] for row in rows} == {
        "not converged in 2 steps: density at hand, from atoms, narrowing smearing"}


def test_without_u_there_is_no_ramp_of_it():
    assert [rung.name for rung in rungs(4.0)] == [rung.name for rung in LADDER]
    assert [rung.name for rung in rungs(0.0)] == [
        "density at hand", "from atoms", "narrowing smearing"]


def test_with_u_the_width_of_the_occupations_is_another(tmp_path):
    settings = replace(SETTINGS, smearing_ev=0.05, smearing_with_u_ev=0.3)
    engine = Gpaw(replace(MATERIAL, moments={"Ti": 3.0}), settings, tmp_path / "gpaw.txt")
    frame, widths = titanium_chloride(), []
    frame.set_initial_magnetic_moments([3.0, 0.0])
    for u_ev, result in engine.label(frame, [0.0, 4.0]):
        occupations = engine.calculator.wfs.occupations
        widths.append(getattr(occupations, "occ", occupations)._width)
        made = labelled(frame, u_ev, result, settings, engine.version)
        assert made.info["smearing_ev"] == widths[-1]
    assert widths == [0.05, 0.3]


def test_labels_are_written_as_made_and_not_made_again(tmp_path):
    frame = titanium_chloride()
    frame.info = {"trajectory": "t0", "frame": 0, "origin": "rattled"}
    said: list[str] = []
    material = replace(MATERIAL, moments={"Ti": 3.0})
    paths = label_trajectory([frame], material, [0.0, 4.0], SETTINGS, tmp_path, said.append)
    assert [p.name for p in paths] == ["t0.u0.extxyz", "t0.u4.extxyz"]
    assert len(said) == 2
    label_trajectory([frame], material, [0.0, 4.0], SETTINGS, tmp_path, said.append)
    assert len(said) == 2
    back = read(paths[1])
    assert isinstance(back, Atoms)
    assert back.info["u_ev"] == 4.0 and back.info["converged"] and back.info["functional"] == "PBE"
    assert back.get_forces().shape == (2, 3) and back.get_stress().shape == (6,)
    assert back.get_magnetic_moments().shape == (2,)
    # measured once, on the first frame: later ones of the trajectory take it from the header
    first, second = read(paths[0]), titanium_chloride()
    assert isinstance(first, Atoms) and -0.2 < first.info[HEADER] < 0
    assert back.info[HEADER] == pytest.approx(first.info[HEADER])
    second.set_cell(second.cell.array * 1.02, scale_atoms=True)
    second.info = {"trajectory": "t0", "frame": 1, "origin": "rattled"}
    (tmp_path / "pulay" / "gpaw.txt").unlink()
    label_trajectory([frame, second], material, [0.0], SETTINGS, tmp_path)
    later = read(paths[0], 1)
    assert isinstance(later, Atoms) and not (tmp_path / "pulay" / "gpaw.txt").exists()
    assert later.info[HEADER] == pytest.approx(first.info[HEADER] / 1.02**3)


def test_kpoint_mesh_follows_the_cell():
    assert LabelSettings().kpoints(MATERIAL.cell) == (2, 1, 2)
    assert LabelSettings().kpoints(2 * MATERIAL.cell) == (1, 1, 1)
