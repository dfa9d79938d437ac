"""Labelled frames are read as they are, and refused by file and frame when they are wrong."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from analytic import IonicPairs, crystal, labelled
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write

from haven.core.errors import HavenError
from haven.labels.frames import consistency, reading
from haven.material.distances import min_distance

SPECIES = ("Li", "Ti", "Cl")


def save(path, images):
    write(path, images)
    return path


def changed(atoms, info=None, **results):
    """Return a copy whose labels are replaced."""
    copy = Atoms(atoms.symbols, atoms.positions, cell=atoms.cell, pbc=True)
    copy.info = {**atoms.info, **(info or {})}
    kept = {**atoms.calc.results, **results}
    copy.calc = SinglePointCalculator(copy, **{k: v for k, v in kept.items() if v is not None})
    return copy


@pytest.fixture
def good():
    return labelled(1, 6)


def test_labels_come_back_as_written(tmp_path, good):
    read_back = reading.read_file(save(tmp_path / "cell1.u4.extxyz", good), 4.0, SPECIES)
    assert [f.number for f in read_back] == list(range(6))
    assert {f.trajectory for f in read_back} == {"cell1"}
    for frame, atoms in zip(read_back, good, strict=True):
        assert frame.energy == pytest.approx(atoms.get_potential_energy(), abs=1e-9)
        np.testing.assert_allclose(frame.forces, atoms.get_forces(), atol=1e-7)
        np.testing.assert_allclose(frame.stress, atoms.get_stress(voigt=False), atol=1e-9)
        assert frame.moments is not None and frame.moments.sum() == pytest.approx(2)


def test_only_frames_of_the_u_asked_for_are_taken(tmp_path, good):
    save(tmp_path / "a.u4.extxyz", good[:2])
    save(tmp_path / "a.u0.extxyz", [changed(a, {"u_ev": 0.0}) for a in good[:3]])
    save(tmp_path / "mixed.extxyz", [good[4], changed(good[5], {"u_ev": 0.0})])
    four = [frame for path in reading.find_files(tmp_path, 4.0)
            for frame in reading.read_file(path, 4.0, SPECIES)]
    assert len(four) == 3
    with pytest.raises(HavenError, match="no labelled frames for U = 2 eV"):
        (tmp_path / "mixed.extxyz").unlink()
        reading.find_files(tmp_path, 2.0)


def test_a_file_that_tells_no_u_or_two_is_refused(tmp_path, good):
    bare = [changed(atoms) for atoms in good]
    for atoms in bare:
        del atoms.info["u_ev"]
    assert len(reading.read_file(save(tmp_path / "a.u4.extxyz", bare), 4.0, SPECIES)) == 6
    with pytest.raises(HavenError, match=r"a\.extxyz, frame 0 does not say its Hubbard U: name"):
        reading.read_file(save(tmp_path / "a.extxyz", bare), 4.0, SPECIES)
    with pytest.raises(HavenError, match=r"a\.u0\.extxyz, frame 0 .* U = 4 eV, .* says 0: rename"):
        reading.read_file(save(tmp_path / "a.u0.extxyz", good), 0.0, SPECIES)


def test_folders_behind_links_are_searched(tmp_path, good):
    (tmp_path / "real").mkdir()
    save(tmp_path / "real" / "a.u4.extxyz", good)
    (tmp_path / "staged").mkdir()
    (tmp_path / "staged" / "link").symlink_to(tmp_path / "real")
    assert [p.name for p in reading.find_files(tmp_path / "staged", 4.0)] == ["a.u4.extxyz"]


def nan_force(atoms):
    forces = atoms.get_forces()
    forces[3, 1] = np.nan
    return changed(atoms, forces=forces)


def left_handed(atoms):
    turned = Atoms(atoms.symbols, atoms.positions, cell=atoms.cell.array[[1, 0, 2]], pbc=True)
    turned.info = atoms.info
    turned.calc = SinglePointCalculator(turned, **atoms.calc.results)
    return turned


def wrong_element(atoms):
    other = atoms.get_chemical_symbols()
    other[6] = "Zr"
    copy = changed(atoms)
    copy.symbols = other
    copy.calc = SinglePointCalculator(copy, **atoms.calc.results)
    return copy


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (nan_force, "forces is not a finite number"),
        (lambda a: changed(a, energy=np.inf), "energy is not a finite number"),
        (lambda a: changed(a, forces=None), "no forces"),
        (lambda a: changed(a, energy=None), "no energy"),
        (left_handed, "left-handed"),
        (wrong_element, "element Zr is not of the material"),
    ],
)
def test_a_spoilt_frame_is_refused_by_file_and_frame(tmp_path, good, spoil, message):
    images = [*good[:2], spoil(good[2]), *good[3:]]
    path = save(tmp_path / "cell1.u4.extxyz", images)
    with pytest.raises(HavenError, match=rf"cell1\.u4\.extxyz, frame 2: .*{message}"):
        reading.read_file(path, 4.0, SPECIES)


@pytest.mark.parametrize("share", [0.999, 0.8, 0.5, 0.01])
def test_a_file_that_is_cut_off_is_refused(tmp_path, good, share):
    path = save(tmp_path / "cell1.u4.extxyz", good)
    whole = path.read_bytes()
    # within a line: at a line's end the rest may be a frame shorter, and whole (the next test)
    path.write_bytes(whole[: whole.rindex(b"\n", 0, int(share * len(whole))) + 9])
    with pytest.raises(HavenError, match=r"cell1\.u4\.extxyz.*cut off"):
        reading.read_file(path, 4.0, SPECIES)


@pytest.mark.parametrize("lines", [1, 5, 20, 21, 30])
def test_a_file_cut_off_at_a_line_is_refused_or_a_frame_shorter(tmp_path, good, lines):
    path = save(tmp_path / "cell1.u4.extxyz", good)
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-lines]))
    with pytest.raises(HavenError, match=r"cell1\.u4\.extxyz, frame \d: .*cut off"):
        reading.read_file(path, 4.0, SPECIES)


HARTREE, BOHR = 27.211386, 0.529177


@pytest.mark.parametrize(
    ("energy", "force", "message"),
    [
        (1 / HARTREE, 1, "energies are in Hartree, forces in eV/Angstrom"),
        (1 / HARTREE, BOHR / HARTREE, "energies are in Hartree, forces in Hartree/Bohr"),
        (1, BOHR / HARTREE, "energies are in eV, forces in Hartree/Bohr"),
        (1, -1, "forces have the wrong sign"),
    ],
)
@pytest.mark.parametrize("strained", [True, False])
def test_hartree_is_not_taken_for_ev(tmp_path, energy, force, message, strained):
    images = []
    rng = np.random.default_rng(3)
    for atoms in labelled(2, 6, rattle=0.05):
        if not strained:
            atoms = crystal(2)
            atoms.positions += rng.normal(0, 0.05, (20, 3))
            atoms.calc = IonicPairs()
            atoms = changed_from(atoms)
        stress = atoms.get_stress() * energy
        images.append(changed(atoms, energy=energy * atoms.get_potential_energy(),
                              forces=force * atoms.get_forces(), stress=stress))
    with pytest.raises(HavenError, match=message):
        reading.read_file(save(tmp_path / "a.u4.extxyz", images), 4.0, SPECIES)


def changed_from(atoms):
    copy = Atoms(atoms.symbols, atoms.positions, cell=atoms.cell, pbc=True)
    copy.calc = SinglePointCalculator(
        copy, energy=atoms.get_potential_energy(), forces=atoms.get_forces(),
        stress=atoms.get_stress())
    return copy


def test_work_of_forces_and_stress_is_the_energy_change(tmp_path):
    path = save(tmp_path / "a.u4.extxyz", labelled(1, 8, rattle=0.03))
    read_back = reading.read_file(path, 4.0, SPECIES)
    pairs = [consistency.energy_work(a, b) for a, b in itertools.pairwise(read_back)]
    change, work, pull = np.array(pairs).T
    np.testing.assert_allclose(work + pull, change, atol=0.1 * np.abs(change).max())


def test_a_stress_of_the_wrong_sign_is_refused(tmp_path):
    images = [changed(a, stress=-a.get_stress()) for a in labelled(1, 8, rattle=0.03)]
    with pytest.raises(HavenError, match="the stress has another unit or sign"):
        reading.read_file(save(tmp_path / "a.u4.extxyz", images), 4.0, SPECIES)


def test_frames_far_apart_are_not_judged(tmp_path):
    path = save(tmp_path / "a.u4.extxyz", labelled(1, 8, rattle=0.5))
    assert len(reading.read_file(path, 4.0, SPECIES)) == 8


def test_shortest_distance_counts_images():
    pair = Atoms("LiCl", [[0.2, 0, 0], [4.8, 0, 0]], cell=[5, 6, 7], pbc=True)
    assert min_distance(pair) == pytest.approx(0.4)


def test_duplicates_are_found_whatever_the_image_they_are_in(tmp_path, good):
    moved = changed(good[1])
    moved.positions[4] += moved.cell[0]
    moved.positions[2] += 2e-4
    images = [*good, moved, changed(good[3])]
    path = save(tmp_path / "a.u4.extxyz", images)
    found = reading.duplicates(reading.read_file(path, 4.0, SPECIES))
    assert found == {6: 1, 7: 3}
    assert len(read(path, ":")) == 8


def renamed(atoms, prefix, stress="stress", also=()):
    """Return a frame whose labels stand under other names, beside those named in ``also``."""
    copy = Atoms(atoms.symbols, atoms.positions, cell=atoms.cell, pbc=True)
    copy.info = {**atoms.info, f"{prefix}_energy": atoms.get_potential_energy()}
    copy.arrays[f"{prefix}_forces"] = atoms.get_forces()
    full = atoms.get_stress(voigt=False)
    copy.info[f"{prefix}_{stress}"] = (
        -full * atoms.get_volume() if stress.startswith("virial") else atoms.get_stress())
    kept = {key: atoms.calc.results[key] for key in also}
    if kept:
        copy.calc = SinglePointCalculator(copy, **kept)
    return copy


@pytest.mark.parametrize(("prefix", "stress"), [
    ("REF", "stress"), ("dft", "virial"), ("DFT", "virials"), ("QM", "stress")])
def test_labels_under_the_names_of_training_codes_are_the_same(tmp_path, good, prefix, stress):
    path = save(tmp_path / "set.u4.extxyz", [renamed(atoms, prefix, stress) for atoms in good])
    for frame, atoms in zip(reading.read_file(path, 4.0, SPECIES), good, strict=True):
        assert frame.energy == pytest.approx(atoms.get_potential_energy(), abs=1e-6)
        np.testing.assert_allclose(frame.forces, atoms.get_forces(), atol=1e-6)
        np.testing.assert_allclose(frame.stress, atoms.get_stress(voigt=False), atol=1e-8)


def test_the_force_of_gpumd_is_forces(tmp_path, good):
    lines = save(tmp_path / "set.u4.extxyz", good).read_text().replace(":forces:R:3", ":force:R:3")
    (tmp_path / "set.u4.extxyz").write_text(lines)
    read_back = reading.read_file(tmp_path / "set.u4.extxyz", 4.0, SPECIES)
    np.testing.assert_allclose(read_back[0].forces, good[0].get_forces(), atol=1e-6)


@pytest.mark.parametrize(("make", "words"), [
    (lambda a: renamed(a, "mace"), "no energy .it has mace_energy"),
    (lambda a: changed(renamed(a, "dft", also=("energy", "forces")),
                       energy=a.get_potential_energy() - 100), "energy and dft_energy differ"),
    (lambda a: changed(a, {"REF_energy": a.get_potential_energy() + 1}), "energy and REF_energy"),
    (lambda a: changed(a, {"REF_energy": "x"}), "energy and REF_energy differ"),
])
def test_labels_of_which_the_file_does_not_say_which_is_meant_are_refused(
        tmp_path, good, make, words):
    with pytest.raises(HavenError, match=words):
        reading.read_file(save(tmp_path / "set.u4.extxyz", [make(good[0])]), 4.0, SPECIES)


def test_labels_of_two_references_are_refused(tmp_path, good):
    both = renamed(good[0], "REF")
    both.info["dft_energy"] = 1.0
    both.arrays["dft_forces"] = good[0].get_forces()
    with pytest.raises(HavenError, match="labels as REF_ and dft_"):
        reading.read_file(save(tmp_path / "set.u4.extxyz", [both]), 4.0, SPECIES)


def shuffled(frames):
    return [changed(a, forces=a.get_forces()[::-1]) for a in frames]


def next_ones(frames):
    """Give each frame the energy of the next one, as a reader that is off by one does."""
    return [changed(a, energy=b.get_potential_energy(), free_energy=None)
            for a, b in zip(frames, [*frames[1:], frames[0]], strict=True)]


def constant(frames):
    return [changed(a, energy=-100.0) for a in frames]


def still(frames):
    return [changed(a, forces=np.zeros((len(a), 3)), stress=None) for a in frames]


@pytest.mark.parametrize("change", [shuffled, next_ones, constant, still])
@pytest.mark.parametrize("strain", [0.0, 0.02])
def test_forces_of_other_atoms_or_other_frames_are_refused(tmp_path, change, strain):
    frames = labelled(3, 10, rattle=0.03, strain=0.0 if change is still else strain)
    with pytest.raises(HavenError, match=r"energy changes .*the work") as caught:
        reading.read_file(save(tmp_path / "a.u4.extxyz", change(frames)), 4.0, SPECIES)
    assert "\n" not in str(caught.value) and "a.u4.extxyz, frames 0 to 9" in str(caught.value)
    few = [*frames[:7], *change(frames)[7:]] if change is not next_ones else frames
    reading.read_file(save(tmp_path / "b.u4.extxyz", few), 4.0, SPECIES)


@pytest.mark.parametrize("pbc", [False, (True, True, False)])
def test_frames_that_say_they_are_not_periodic_are_crystals_and_it_is_said(
        tmp_path, good, pbc, caplog):
    for atoms in good[:4]:
        atoms.pbc = pbc
    found = reading.read_file(save(tmp_path / "a.u4.extxyz", good), 4.0, SPECIES)
    assert all(frame.atoms.pbc.all() for frame in found)
    assert "4 frames say that they are not periodic (pbc): they are taken as" in caplog.text
