"""Radial distribution functions of structures whose neighbours are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from analyse_structure import main
from ase import Atoms
from ase.build import bulk
from ase.geometry import cellpar_to_cell
from ase.io import write

from haven.core import tables
from haven.core.errors import HavenError
from haven.core.periodic import heights, minimum_image, with_images
from haven.mechanism import rdf
from haven.trajectory import all_atoms

MONOCLINIC = cellpar_to_cell([6.35, 10.89, 6.35, 90, 110.1, 90])


def frame(atoms):
    return atoms.get_chemical_symbols(), [(atoms.positions, np.asarray(atoms.cell[:]))]


def coordination(atoms, pair, r, column="coordination"):
    table = rdf.rdf_table(*frame(atoms), rdf_max_angstrom=6.0, rdf_bins=300)
    mine = table[table["pair"] == pair]
    return mine.loc[mine["r_angstrom"] <= r, column].iloc[-1]


@pytest.mark.parametrize("cubic, repeat", [(True, 3), (True, 1), (False, 1), (False, 4)])
def test_fcc_has_12_6_and_24_neighbours_in_any_cell(cubic, repeat):
    atoms = bulk("Cu", "fcc", a=4.0, cubic=cubic) * (repeat, repeat, repeat)
    found = [coordination(atoms, "Cu-Cu", r) for r in (2.7, 3.5, 4.5, 5.5)]
    assert found == pytest.approx([0, 12, 18, 42])


def test_neighbours_are_counted_from_either_element():
    atoms = bulk("CaF2", "fluorite", a=5.46, cubic=True)
    assert coordination(atoms, "Ca-F", 3.0) == pytest.approx(8)
    assert coordination(atoms, "Ca-F", 3.0, "coordination_reverse") == pytest.approx(4)


def test_positions_outside_the_cell_give_the_same(rng):
    atoms = bulk("NaCl", "rocksalt", a=5.63, cubic=True)
    atoms.rattle(0.1, rng=rng)
    moved = atoms.copy()
    moved.positions += rng.integers(-3, 4, (len(atoms), 3)) @ np.asarray(atoms.cell[:])
    one, two = (rdf.rdf_table(*frame(a), 6.0, 60) for a in (atoms, moved))
    pd.testing.assert_frame_equal(one, two)


def test_an_ideal_gas_in_a_skewed_cell_has_g_of_one(rng):
    cell = 4.0 * MONOCLINIC
    points = rng.random((3000, 3)) @ cell
    edges = np.linspace(0, 10, 11)
    g = rdf.frame_rdf(["Ar"] * 3000, (points, cell), edges)["Ar", "Ar"][0]
    pairs = 3000**2 / np.linalg.det(cell) * 4 / 3 * np.pi * np.diff(edges**3)
    assert np.abs((g - 1 + 1 / 3000) * np.sqrt(pairs / 2)).max() < 4.0


def test_a_monoclinic_cell_agrees_with_a_sum_over_images(rng):
    points = rng.random((7, 3)) @ MONOCLINIC
    edges = np.linspace(0, 9, 91)
    shifts = np.array(list(np.ndindex(9, 9, 9))) - 4
    images = shifts @ MONOCLINIC
    apart = points[None, :, None] + images[None, None] - points[:, None, None]
    expected, _ = np.histogram(np.linalg.norm(apart, axis=-1), edges)
    expected[0] -= 7
    found = rdf.count_pairs(np.zeros(7, int), (points, MONOCLINIC), edges)[0, 0]
    np.testing.assert_array_equal(found, expected)


def test_chunks_do_not_change_the_counts(rng):
    points, kinds = rng.random((50, 3)) @ MONOCLINIC, rng.integers(0, 3, 50)
    edges = np.linspace(0, 7, 29)
    whole = rdf.count_pairs(kinds, (points, MONOCLINIC), edges)
    np.testing.assert_array_equal(
        whole, rdf.count_pairs(kinds, (points, MONOCLINIC), edges, chunk=7)
    )
    np.testing.assert_array_equal(whole, whole.transpose(1, 0, 2))


def test_agrees_with_freud(rng):
    freud = pytest.importorskip("freud")
    cell = 4.0 * MONOCLINIC
    points = rng.random((2000, 3)) @ cell
    ours = rdf.frame_rdf(["Ar"] * 2000, (points, cell), np.linspace(0, 10, 51))["Ar", "Ar"][0]
    peer = freud.density.RDF(50, 10.0)
    peer.compute((freud.box.Box.from_matrix(cell.T), points))
    np.testing.assert_allclose(ours, peer.rdf, atol=5e-3)


def test_minimum_image_is_the_shortest_of_all_images(rng):
    vectors = rng.normal(scale=20, size=(200, 3))
    shifts = (np.array(list(np.ndindex(13, 13, 13))) - 6) @ MONOCLINIC
    found = minimum_image(vectors, MONOCLINIC)
    reduced = found[:, None] + shifts[None]
    np.testing.assert_allclose(
        np.linalg.norm(found, axis=1), np.linalg.norm(reduced, axis=2).min(axis=1)
    )
    steps = (vectors - found) @ np.linalg.inv(MONOCLINIC)
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-9)


def test_images_fill_the_margin_about_the_cell():
    points, rows = with_images(np.zeros((1, 3)), 2 * np.eye(3), 4.5)
    assert len(points) == 6**3 and not rows.any()
    np.testing.assert_allclose(heights(MONOCLINIC)[2], 6.35 * np.sin(np.radians(110.1)))


def test_the_interval_follows_the_scatter_of_the_blocks(rng):
    values = 5 + rng.normal(size=(4000, 3))
    low, high = rdf.block_interval(values)
    expected = 2 * 2.262 / np.sqrt(4000)
    assert (high - low) == pytest.approx(expected, rel=0.7)
    assert rdf.block_interval(values[:5]) is None


def test_the_script_reads_npz_and_any_file_of_ase(tmp_path, repository, rng):
    material = repository / "assets/materials/li3ticl6.yml"
    atoms = Atoms("Li6Ti2Cl12", scaled_positions=rng.random((20, 3)), cell=MONOCLINIC, pbc=True)
    images = []
    for _ in range(8):
        atoms.rattle(0.05, rng=rng)
        images.append(atoms.copy())
    write(tmp_path / "aimd.extxyz", images)
    np.savez(tmp_path / "dlmd.npz", all_angstrom=np.stack([a.positions for a in images]),
             symbols=np.array(atoms.get_chemical_symbols()), cell_angstrom=MONOCLINIC)
    common = ["--material", str(material), "--u_ev", "4", "--temperature_k", "298",
              "--rdf_max_angstrom", "6", "--rdf_bins", "30", "--out", str(tmp_path)]
    main(["--trajectory", str(tmp_path / "dlmd.npz"), *common])
    main(["--trajectory", str(tmp_path / "aimd.extxyz"), "--source", "aimd", *common])
    dlmd = tables.read("rdf", tmp_path / "u4_t298_r0.rdf.parquet")
    aimd = tables.read("rdf", tmp_path / "u4_t298_r0_aimd.rdf.parquet")
    assert list(dlmd["pair"].unique()) == ["Cl-Cl", "Cl-Li", "Cl-Ti", "Li-Li", "Li-Ti", "Ti-Ti"]
    assert len(dlmd) == 6 * 30 and set(aimd["source"]) == {"aimd"}
    np.testing.assert_allclose(dlmd["g"], aimd["g"], atol=1e-3)
    assert (dlmd["g_low_95"] <= dlmd["g"]).all() and (dlmd["g"] <= dlmd["g_high_95"]).all()


def test_types_of_a_dump_are_the_elements_given_and_never_guessed(tmp_path, repository, rng):
    kinds = [1] * 6 + [2] * 2 + [3] * 12
    lines = []
    for step in range(6):
        lines += ["ITEM: TIMESTEP", str(step), "ITEM: NUMBER OF ATOMS", "20",
                  "ITEM: BOX BOUNDS pp pp pp", "0 8", "0 8", "0 8", "ITEM: ATOMS id type x y z"]
        lines += [f"{i + 1} {kind} " + " ".join(f"{x:.4f}" for x in rng.uniform(0, 8, 3))
                  for i, kind in enumerate(kinds)]
    (tmp_path / "d.lammpstrj").write_text("\n".join(lines) + "\n")
    common = ["--material", str(repository / "assets/materials/li3ticl6.yml"), "--u_ev", "4",
              "--temperature_k", "298", "--trajectory", str(tmp_path / "d.lammpstrj"),
              "--rdf_max_angstrom", "6", "--rdf_bins", "30", "--out", str(tmp_path)]
    main([*common, "--type_map", "Li,Ti,Cl"])
    table = tables.read("rdf", tmp_path / "u4_t298_r0.rdf.parquet")
    assert list(table["pair"].unique()) == ["Cl-Cl", "Cl-Li", "Cl-Ti", "Li-Li", "Li-Ti", "Ti-Ti"]
    with pytest.raises(HavenError, match="give --type_map"):
        main(common)
    with pytest.raises(HavenError, match="element Na is not of the material"):
        main([*common, "--type_map", "Na Ti Cl"])


def test_bad_input_is_named(tmp_path):
    write(tmp_path / "molecule.xyz", Atoms("LiCl", [[0, 0, 0], [2, 0, 0]]))
    (tmp_path / "text.xyz").write_text("no atoms here\n")
    np.savez(tmp_path / "few.npz", all_angstrom=np.zeros((0, 2, 3)), symbols=["Li", "Cl"],
             cell_angstrom=np.eye(3))
    np.savez(tmp_path / "other.npz", a=1)
    for name, words in (("molecule.xyz", "no periodic cell"), ("text.xyz", "number of atoms"),
                        ("few.npz", "all_every"), ("other.npz", "no Haven trajectory")):
        with pytest.raises(HavenError, match=words):
            all_atoms.read_frames(tmp_path / name)
    with pytest.raises(HavenError, match="must be positive"):
        rdf.rdf_table(["Ar"], [(np.zeros((1, 3)), np.eye(3))], -1.0, 10)
