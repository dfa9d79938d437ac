"""Data sets: audited, split by trajectory, virials of the right sign and size."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import build_dataset
import numpy as np
import pandas as pd
import pytest
from analytic import IonicPairs, crystal, labelled, write_labelled
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

from haven.core import tables
from haven.core.errors import HavenError
from haven.labels import audit
from haven.labels.frames import reading
from haven.labels.pulay import HEADER
from haven.potential import dataset
from haven.potential.families.deepmd.systems import (
    choose_sel,
    merge_systems,
    most_neighbours,
    neighbours,
)
from haven.potential.systems import system_arrays

SPECIES = ("Li", "Ti", "Cl")


def read_all(folder, u_ev=4.0):
    return dataset.read_frames(folder, u_ev, SPECIES)


@pytest.fixture(scope="module")
def labels(tmp_path_factory):
    return write_labelled(tmp_path_factory.mktemp("labels"), 5, 4)


@pytest.fixture(scope="module")
def built(labels, tmp_path_factory, repository):
    out = tmp_path_factory.mktemp("built")
    material = repository / "assets" / "materials" / "li3ticl6.yml"
    build_dataset.main(["--material", str(material), "--frames", str(labels), "--u_ev", "4",
                        "--seed", "3", "--test_share", "0.25", "--out", str(out)])
    return out


def test_no_trajectory_is_in_both_parts(built):
    content = dataset.load(built / "u4.dataset")
    names = {s: {x["trajectory"] for x in content["systems"] if x["subset"] == s}
             for s in ("train", "test")}
    assert not names["train"] & names["test"]
    assert names["test"] and names["train"] | names["test"] == {f"cell{i}" for i in range(5)}
    assert content["frames"] == {"train": 16, "test": 4}


def test_labels_table_has_a_row_for_every_frame(built):
    rows = tables.read("labels", built / "u4.labels.parquet")
    assert len(rows) == 20
    assert (rows["verdict"] == "accepted").all()
    assert rows["moment_metal_min"].to_numpy() == pytest.approx(np.ones(20))


def test_arrays_keep_double_precision(built, labels):
    content = dataset.load(built / "u4.dataset")
    for system in content["systems"]:
        arrays = system_arrays(content["root"] / system["path"])
        source = reading.read_file(labels / f"{system['trajectory']}.u4.extxyz", 4.0, SPECIES)
        energies = [f.energy for f in source]
        np.testing.assert_allclose(arrays["energy"].ravel(), energies, rtol=0, atol=1e-12)
        assert content["type_map"] == list(SPECIES)
        symbols = [SPECIES[t] for t in arrays["type"]]
        assert symbols == source[0].atoms.get_chemical_symbols()


def test_virial_is_minus_the_strain_derivative_of_the_energy(built):
    content = dataset.load(built / "u4.dataset")
    system = content["systems"][0]
    arrays = system_arrays(content["root"] / system["path"])
    atoms = crystal(int(system["trajectory"].removeprefix("cell")))
    step = 1e-5
    for row, column in ((0, 0), (1, 1), (2, 2), (0, 1), (1, 2)):
        energy = []
        for sign in (-1, 1):
            strain = np.eye(3)
            strain[row, column] += sign * step / 2
            strain[column, row] += sign * step / 2
            moved = atoms.copy()
            moved.set_cell(arrays["box"][1].reshape(3, 3) @ strain)
            moved.positions = arrays["coord"][1].reshape(-1, 3) @ strain
            moved.calc = IonicPairs()
            energy.append(moved.get_potential_energy())
        slope = (energy[1] - energy[0]) / (2 * step)
        virial = arrays["virial"][1].reshape(3, 3)[row, column]
        assert virial == pytest.approx(-slope, rel=1e-4, abs=1e-4)


def test_both_u_values_hold_out_the_same_trajectories(labels):
    kinds = ["20 rattled"] * 20
    names = [f"cell{i // 4}" for i in range(20)]
    one = dataset.choose_test(names, kinds, 0.3, 7)
    assert one == dataset.choose_test(names[::-1], kinds, 0.3, 7)
    grown = [*names, "new", "new", "new"]
    assert set(one) <= set(dataset.choose_test(grown, ["20 rattled"] * 23, 0.3, 7)) | {"new"}
    chosen = {tuple(dataset.choose_test(names, kinds, 0.3, seed)) for seed in range(20)}
    assert len(chosen) > 3


@pytest.mark.parametrize(("lengths", "found"), [
    ((900, 60, 40), 0.1), ((900, 100), 0.1), ((600, 250, 150), 0.2), ((700, 300), 0.3)])
def test_a_long_trajectory_is_not_held_out_for_a_small_share(lengths, found):
    names = [f"run{place}" for place, length in enumerate(lengths) for _ in range(length)]
    for seed in range(20):
        held = set(dataset.choose_test(names, ["48 imported"] * len(names), 0.2, seed))
        share = sum(name in held for name in names) / len(names)
        assert share == pytest.approx(found, abs=0.051)


def test_trajectories_each_of_its_own_kind_are_held_out_in_their_share():
    names = [f"t{i // 10}" for i in range(200)]
    kinds = [f"{i // 10} imported" for i in range(200)]
    assert len(dataset.choose_test(names, kinds, 0.2, 1)) == 4


def test_a_share_far_from_the_one_asked_for_is_said(caplog):
    names = ["long"] * 950 + ["short"] * 50
    assert dataset.choose_test(names, ["48 imported"] * 1000, 0.2, 1) == ["short"]
    assert "5 % of the frames are held out for testing, where --test_share asks for 20 %" in (
        caplog.text)
    caplog.clear()
    assert dataset.choose_test(names[800:], ["48 imported"] * 200, 0.2, 1) == ["short"]
    assert not caplog.records


def test_the_shipped_frames_are_split_as_the_shipped_potentials_have_it(repository):
    about = json.loads((repository / "assets/models/u4_s1.potential.json").read_text())
    frames = read_all(repository / "assets" / "frames" / "li3ticl6")
    held = dataset.choose_test([f.trajectory for f in frames], [
        f"{len(f.atoms)} {f.info['origin']}" for f in frames], 0.2, 1)
    assert held == about["test_trajectories"]


def save_pieces(folder, numbers):
    """Write one run as two files of six frames, whose headers say the numbers, or none."""
    images = labelled(1, 12, rattle=0.03)
    for atoms, number in zip(images, numbers, strict=True):
        atoms.info["trajectory"] = "run"
        atoms.info.pop("frame", None)
        if number is not None:
            atoms.info["frame"] = number
    write(folder / "a.u4.extxyz", images[:6])
    write(folder / "b.u4.extxyz", images[6:])
    return images


@pytest.mark.parametrize(("numbers", "expected"), [
    ([None] * 12, [*range(12)]),
    ([None] * 6 + [*range(6)], [*range(6, 12), *range(6)]),
    ([*range(20, 26)] + [None] * 6, [*range(20, 26), *range(26, 32)]),
    ([*range(6), *range(100, 106)], [*range(6), *range(100, 106)])])
def test_frames_of_a_run_in_pieces_have_numbers_of_their_own(tmp_path, numbers, expected):
    images = save_pieces(tmp_path, numbers)
    found = read_all(tmp_path)
    assert [frame.number for frame in found] == expected
    systems = dataset.write_systems(found, tmp_path / "set", "test", SPECIES)
    assert [n for system in systems for n in system["frames"]] == expected
    for frame, atoms in zip(found, images, strict=True):
        np.testing.assert_allclose(frame.atoms.positions, atoms.positions, atol=1e-6)


def test_one_number_of_two_different_frames_is_refused(tmp_path):
    save_pieces(tmp_path, [*range(6), *range(3, 9)])
    with pytest.raises(HavenError, match=r"^\S*a\.u4\.extxyz, frame 3 and \S*b\.u4\.extxyz, "
                       "frame 0 are different, and both are frame 3 of trajectory run: number"):
        read_all(tmp_path)


def test_a_frame_that_is_there_twice_is_left_to_the_audit(tmp_path):
    images = save_pieces(tmp_path, range(12))
    again = images[2].copy()
    again.calc = images[2].calc
    again.positions = again.positions + again.cell.array[0]  # the same crystal
    again.calc = SinglePointCalculator(again, **images[2].calc.results)
    write(tmp_path / "c.u4.extxyz", [again])
    reasons = audit.audit(read_all(tmp_path), audit.Limits())
    assert [bool(reason) for reason in reasons] == [False] * 12 + [True]
    assert reasons[-1].startswith("duplicate of") and "a.u4.extxyz, frame 2" in reasons[-1]


def test_an_element_that_only_held_out_frames_have_is_refused(tmp_path):
    images = labelled(1, 3)
    for number, atoms in enumerate(images):
        atoms.info["trajectory"] = f"run{number}"
        if number:
            atoms.symbols[list(atoms.symbols).index("Ti")] = "Zr"
            atoms.symbols[list(atoms.symbols).index("Ti")] = "Zr"
    write(tmp_path / "a.u4.extxyz", images)
    frames = dataset.read_frames(tmp_path, 4.0, (*SPECIES, "Zr"))
    with pytest.raises(HavenError, match=r"only held-out frames \(run0\) hold Ti: no potential"):
        dataset.write_dataset(frames, ["run0"], [*SPECIES, "Zr"], tmp_path / "a", {})
    dataset.write_dataset(frames, ["run1"], [*SPECIES, "Zr"], tmp_path / "b", {})


def test_the_share_held_out_is_near_the_one_asked_for():
    names = [f"t{i // 5}" for i in range(100)]
    kinds = [("20 strained", "20 dynamics", "40 dynamics")[i // 5 % 3] for i in range(100)]
    for share in (0.1, 0.2, 0.4):
        held = dataset.choose_test(names, kinds, share, 1)
        assert 5 * len(held) / 100 == pytest.approx(share, abs=0.051)


def test_trajectories_of_two_kinds_are_held_out_in_their_share_too():
    """Rare frames that all lie in trajectories with common ones are not all held out with them."""
    names = [f"t{i // 5:02}" for i in range(250)]
    kinds = ["20 pulled" if i % 5 == 0 and i >= 150 else "20 dynamics" for i in range(250)]
    for seed in range(30):
        held = set(dataset.choose_test(names, kinds, 0.2, seed))
        share = [name in held for name, kind in zip(names, kinds, strict=True)
                 if kind == "20 pulled"]
        assert sum(share) / len(share) == pytest.approx(0.2, abs=0.051)


def test_hartree_in_many_small_files_is_not_taken_for_ev(tmp_path):
    from test_frames import BOHR, HARTREE, changed

    for seed in range(4):
        images = [changed(atoms, energy=atoms.get_potential_energy() / HARTREE,
                          forces=atoms.get_forces() * BOHR / HARTREE, stress=None)
                  for atoms in unstrained(seed)]
        write(tmp_path / f"cell{seed}.u4.extxyz", images)
    with pytest.raises(HavenError, match=r"cell0\.u4\.extxyz, frame 0 to .*cell3\.u4\.extxyz, "
                                         "frame 3: .*energies are in Hartree, forces in Hartree"):
        read_all(tmp_path)


def unstrained(seed):
    """Return four frames of one cell."""
    from test_frames import changed_from

    rng, images = np.random.default_rng(seed), []
    for number in range(4):
        atoms = crystal(seed)
        atoms.positions += rng.normal(0, 0.05, (20, 3))
        atoms.calc = IonicPairs()
        images.append(changed_from(atoms))
        images[-1].info |= {"trajectory": f"cell{seed}", "frame": number}
    return images


def spoil(images):
    """Return the images with one of each fault, from the second on."""
    from test_frames import changed

    images[1].info["converged"] = False
    images[2].positions[0] = images[2].positions[6] + [0.5, 0, 0]
    images[3].calc.results["forces"][2] = [0, 30.0, 0]
    images[4] = changed(images[0], {"frame": 4})
    moments = np.where(images[5].symbols == "Ti", 1.0, 0.0)
    moments[images[5].symbols == "Ti"] = [1.9, 0.1]
    images[5].calc.results["magmoms"] = moments
    images[6].calc.results["energy"] += 60.0
    return images


def test_each_fault_is_found_and_named(tmp_path):
    images = labelled(1, 16, rattle=0.03)
    for atoms in images:
        atoms.calc.results.pop("stress")
    write(tmp_path / "cell1.u4.extxyz", spoil(images))
    found = audit.audit(read_all(tmp_path), audit.Limits())
    expected = {1: "not converged", 2: "Angstrom apart", 3: "force of 30", 4: "duplicate of",
                5: "magnetic branch", 6: "energy outlier"}
    for index, reason in enumerate(found):
        assert (expected[index] in reason) if index in expected else not reason, (index, reason)


def test_stress_has_the_pulay_stress_of_the_header_and_that_of_frames_without_is_left_out(tmp_path):
    images = labelled(1, 9)
    for atoms in images:
        atoms.info |= {"plane_wave_cutoff_ev": 340.0, HEADER: -0.003}
    del images[4].info[HEADER]
    write(tmp_path / "cell1.u4.extxyz", images)
    found = read_all(tmp_path)
    for frame, atoms in zip(found, images, strict=True):
        more = -0.003 * np.eye(3) if HEADER in atoms.info else 0.0
        np.testing.assert_allclose(frame.stress, atoms.get_stress(voigt=False) + more, atol=1e-8)
    assert not any(audit.audit(found, audit.Limits()))
    kept, told = audit.with_one_stress(found)
    assert [frame.stress is None for frame in kept] == [number == 4 for number in range(9)]
    assert told.startswith("the stress of 1 of 9 frames is left out: it is not at a fixed cutoff")
    assert audit.with_one_stress(kept) == (kept, "")


@pytest.mark.parametrize(("with_pulay", "lost"), [(2, {0, 1}), (6, {6, 7}), (4, {4, 5, 6, 7})])
def test_frames_of_own_outputs_and_new_labels_are_trained_on_together(tmp_path, with_pulay, lost):
    """New labels of a learning round have a Pulay stress, a user's own outputs have none."""
    images = labelled(1, 8)
    for number, atoms in enumerate(images):
        atoms.info |= {"plane_wave_cutoff_ev": 340.0}
        if number < with_pulay:
            atoms.info |= {"engine": "vasp.6.4.1", HEADER: -0.003}
        else:
            atoms.info |= {"engine": "vasp.6.3.2"}
    write(tmp_path / "cell1.u4.extxyz", images)
    found = read_all(tmp_path)
    assert not any(audit.audit(found, audit.Limits()))
    kept, _ = audit.with_one_stress(found)
    assert {number for number, frame in enumerate(kept) if frame.stress is None} == lost


def test_frames_of_other_settings_are_left_out(tmp_path):
    images = labelled(1, 9)
    for number, atoms in enumerate(images):
        atoms.info |= {"engine": f"gpaw 26.{number}", "functional": "PBE", "smearing_ev": 0.1}
    images[2].info["smearing_ev"] = 0.2
    images[5].info["engine"] = "vasp.6.4"
    images[6].info["engine"] = "imported"  # says nothing of its program
    images[7].info["functional"] = "LDA"
    write(tmp_path / "cell1.u4.extxyz", images)
    found = audit.audit(read_all(tmp_path), audit.Limits())
    assert {index: reason for index, reason in enumerate(found) if reason} == {
        2: "other settings: smearing_ev 0.2, usual 0.1",
        5: "other settings: engine vasp, usual gpaw",
        7: "other settings: functional LDA, usual PBE"}


def test_moments_that_spread_without_u_are_no_branch(tmp_path):
    images = labelled(1, 12)
    rng = np.random.default_rng(0)
    for atoms in images:
        share = rng.normal(0, 0.3)
        moments = np.zeros(20)
        moments[atoms.symbols == "Ti"] = [0.8 + share, 0.8 - share]
        atoms.calc.results["magmoms"] = moments
    write(tmp_path / "cell1.u4.extxyz", images)
    assert not any(audit.audit(read_all(tmp_path), audit.Limits()))


def test_each_metal_has_its_own_usual_moment(tmp_path):
    """Half the metal atoms become d0 zirconium, and one of those gets a moment."""
    images = labelled(1, 12)
    for atoms in images:
        zirconium = list(atoms.symbols).index("Ti")
        atoms.symbols[zirconium] = "Zr"
        atoms.calc.atoms.symbols[zirconium] = "Zr"
        atoms.calc.results["magmoms"][zirconium] = 0.0 if atoms is not images[7] else 1.0
    write(tmp_path / "cell1.u4.extxyz", images)
    found = audit.audit(dataset.read_frames(tmp_path, 4.0, (*SPECIES, "Zr")), audit.Limits())
    assert {index: reason for index, reason in enumerate(found) if reason} == {
        7: "magnetic branch: a metal moment is 1.00, usual 0.00"}


def test_systems_of_one_trajectory_take_no_other_s_name(tmp_path):
    images = labelled(1, 5)
    for number, (atoms, name) in enumerate(zip(images, ["run", "run", "run_2", "run_2", "run_3"],
                                               strict=True)):
        atoms.info |= {"trajectory": name, "frame": number}
    del images[1].calc.results["stress"]
    write(tmp_path / "a.u4.extxyz", images)
    systems = dataset.write_systems(read_all(tmp_path), tmp_path, "train", SPECIES)
    assert [(s["path"], s["frames"]) for s in systems] == [
        ("train/run", [0]), ("train/run_4", [1]), ("train/run_2", [2, 3]), ("train/run_3", [4])]
    for system in systems:
        assert len(system_arrays(tmp_path / system["path"])["energy"]) == len(system["frames"])


def test_an_excited_state_of_usual_moments_is_found_by_the_other_u(tmp_path, repository):
    """The higher of a pair is at fault: U costs too much with it, or too little without it."""
    rng = np.random.default_rng(0)
    for name, seed in (("cell1", 1), ("cell2", 2)):
        with_u = labelled(seed, 12)
        without = [atoms.copy() for atoms in with_u]
        for high, low in zip(with_u, without, strict=True):
            low.calc = SinglePointCalculator(low, **high.calc.results)
            low.info["u_ev"] = 0.0
            low.calc.results["energy"] -= 2 * (1.5 + rng.normal(0, 0.02))
        with_u[3].calc.results["energy"] += 2 * 1.2
        without[5].calc.results["energy"] += 2 * 1.3
        write(tmp_path / f"{name}.u4.extxyz", with_u)
        write(tmp_path / f"{name}.u0.extxyz", without)
    for u_ev, fault, other in ((4.0, 3, 0), (0.0, 5, 4)):
        build_dataset.main([
            "--material", str(repository / "assets/materials/li3ticl6.yml"), "--frames",
            str(tmp_path), "--u_ev", f"{u_ev:g}", "--out", str(tmp_path / "out")])
        rows = tables.read("labels", tmp_path / "out" / f"u{u_ev:g}.labels.parquet")
        dropped = rows[rows["verdict"] == "rejected"]
        assert list(dropped["frame"]) == [fault, fault]
        for reason in dropped["reason"]:
            found = re.fullmatch(r"electronic state: (\d\.\d\d) eV a metal atom higher than usual "
                                 rf"above the same frame with U = {other} eV", reason)
            assert found and 0.8 < float(found[1]) < 1.7


@pytest.mark.parametrize(
    ("trajectories", "number", "message"),
    [(3, 1, "3 usable frames for U = 4 eV, at least 10"), (1, 12, "all frames are of one")],
)
def test_too_little_is_refused_before_any_training(
    tmp_path, repository, trajectories, number, message
):
    write_labelled(tmp_path / "f", trajectories, number)
    material = repository / "assets" / "materials" / "li3ticl6.yml"
    with pytest.raises(HavenError, match=message):
        build_dataset.main(["--material", str(material), "--frames", str(tmp_path / "f"),
                            "--u_ev", "4", "--out", str(tmp_path)])


def test_frames_without_an_element_of_the_material_are_refused(tmp_path):
    from analytic import IonicPairs as Pairs

    images = []
    for seed in range(12):
        atoms = crystal(seed)
        del atoms[[a.index for a in atoms if a.symbol == "Ti"]]
        atoms.calc = Pairs()
        atoms.get_potential_energy(), atoms.get_forces()
        images.append(atoms)
    write(tmp_path / "a.u4.extxyz", images)
    with pytest.raises(HavenError, match="no frame holds Ti"):
        read_all(tmp_path)


def test_a_damaged_data_set_is_refused(tmp_path, built):
    (tmp_path / "u4.dataset").mkdir()
    with pytest.raises(HavenError, match=r"dataset\.json is missing"):
        dataset.load(tmp_path / "u4.dataset")
    content = json.loads((built / "u4.dataset" / "dataset.json").read_text())
    (tmp_path / "u4.dataset" / "dataset.json").write_text(json.dumps(content))
    with pytest.raises(HavenError, match="system of the data set"):
        dataset.load(tmp_path / "u4.dataset")


def test_neighbours_of_a_cubic_lattice_are_counted_by_kind():
    grid = np.array([[0, 0, 0], [1, 1, 0], [1, 0, 1], [0, 1, 1.0],
                     [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]])
    most = neighbours(2.5 * grid[None], 5.0 * np.eye(3)[None], np.array([0] * 7 + [1]), 2, 3.0)
    assert most.tolist() == [6, 2]


def test_joined_systems_hold_every_training_frame_once(built, tmp_path):
    content = dataset.load(built / "u4.dataset")
    paths = merge_systems(content, "train", tmp_path)
    energies = np.concatenate([np.load(f"{p}/set.000/energy.npy").ravel() for p in paths])
    apart = np.concatenate([
        system_arrays(content["root"] / s["path"])["energy"].ravel()
        for s in content["systems"] if s["subset"] == "train"])
    assert sorted(energies) == sorted(apart)
    assert all(n % 4 == 0 for n in choose_sel(most_neighbours(content, 5.0)))


def test_rejected_frames_are_counted_in_the_refusal(tmp_path, repository):
    images = labelled(1, 12)
    for atoms in images[:5]:
        atoms.info["converged"] = False
    write(tmp_path / "cell1.u4.extxyz", images)
    material = repository / "assets" / "materials" / "li3ticl6.yml"
    with pytest.raises(HavenError, match=r"7 usable frames .*left out: 5 not converged"):
        build_dataset.main(["--material", str(material), "--frames", str(tmp_path), "--u_ev", "4",
                            "--out", str(tmp_path / "o")])
    rows = pd.read_parquet(tmp_path / "o" / "u4.labels.parquet")
    assert (rows["verdict"] == "rejected").sum() == 5


def test_frames_no_engine_could_label_are_counted_and_not_trained_on(tmp_path, repository):
    folder = write_labelled(tmp_path / "frames", 4, 4)
    lost = [crystal(9), crystal(8)]
    for number, (atoms, u_ev) in enumerate(zip(lost, (4.0, 0.0), strict=True)):
        atoms.calc = None
        atoms.info = {"trajectory": "cell9", "frame": number, "u_ev": u_ev,
                      "reason": "not converged in 150 steps"}
    write(folder / "cell9.failed.extxyz", lost)
    material = repository / "assets" / "materials" / "li3ticl6.yml"
    build_dataset.main(["--material", str(material), "--frames", str(folder), "--u_ev", "4",
                        "--out", str(tmp_path)])
    rows = tables.read("labels", tmp_path / "u4.labels.parquet")
    failed = rows[rows["verdict"] == "failed"]
    assert failed["reason"].tolist() == ["not converged in 150 steps"]
    assert failed["energy_ev"].isna().all() and len(rows) == 17
    assert sum(dataset.load(tmp_path / "u4.dataset")["frames"].values()) == 16


def test_the_digest_tells_split_and_stress(labels, tmp_path):
    def digest(name, held, change=None):
        some = read_all(labels)
        if change is not None:
            some[0] = replace(some[0], stress=change)
        content = dataset.write_dataset(some, held, SPECIES, tmp_path / name, {})
        return content["sha256"], content["has_virial"]

    first = digest("a", ["cell0"])
    assert first == digest("b", ["cell0"]) and first[1]
    assert first[0] != digest("c", ["cell1"])[0]
    assert first[0] != digest("d", ["cell0"], np.ones((3, 3)))[0]
    without = [replace(frame, stress=None) for frame in read_all(labels)]
    one = [replace(without[0], stress=np.ones((3, 3))), *without[1:]]
    assert dataset.write_dataset(one, ["cell4"], SPECIES, tmp_path / "e", {})["has_virial"]
    assert not dataset.write_dataset(without, ["cell4"], SPECIES, tmp_path / "f", {})["has_virial"]
