"""The supercell of the dynamics: what is written, what is refused, quasirandom cells."""

from __future__ import annotations

import copy
from dataclasses import replace

import build_supercell
import numpy as np
import pytest
import yaml
from ase.io import read
from crystals import CRYSTALS
from trained import MATERIAL

from haven.core import tables
from haven.core.errors import HavenError
from haven.material.crystal import cation_lattice
from haven.material.disorder import draw_supercell, neighbour_pairs, order_cations
from haven.material.file import load_material
from haven.material.options import DISORDER
from haven.material.quasirandom import pair_mismatch, quasirandom


def call(out, *options):
    build_supercell.main(["--material", str(MATERIAL), "--out", str(out), *map(str, options)])


def test_three_formats_hold_the_same_cell(tmp_path):
    call(tmp_path, "--supercell", "2,1,2", "--sweeps", 5)
    assert not list(tmp_path.glob("*.occupancies.extxyz"))  # not asked for
    cell = read(tmp_path / "r0.supercell.extxyz")
    assert cell.get_chemical_formula() == "Cl48Li24Ti8"
    data = read(tmp_path / "r0.supercell.data", format="lammps-data", style="atomic")
    crystal = read(tmp_path / "r0.supercell.cif")
    for other in (data, crystal):
        assert sorted(other.get_chemical_symbols()) == sorted(cell.get_chemical_symbols())
        assert other.get_volume() == pytest.approx(cell.get_volume(), rel=1e-5)
    apart = cell.get_all_distances(mic=True)
    np.testing.assert_allclose(data.get_all_distances(mic=True), apart, atol=1e-5)
    table = tables.read("structures", tmp_path / "r0.structures.parquet")
    assert set(table.role) == {"supercell"} and table.warren_cowley.notna().any()


@pytest.fixture(scope="module")
def paper_cell(tmp_path_factory):
    """The cell of the published study, built as a run does."""
    out = tmp_path_factory.mktemp("paper")
    call(out, "--supercell", "10,10,10", "--seed", 3, "--every_set")
    return out


def test_the_paper_cell_has_its_titanium_to_the_atom(paper_cell):
    cell = read(paper_cell / "r0.supercell.extxyz")
    assert cell.get_chemical_formula() == "Cl12000Li6000Ti2000"
    material = load_material(MATERIAL)
    assert sum(material.charges[s] for s in cell.symbols) == 0
    # which site each cation sits on, from its coordinates alone
    scaled = (cell.positions @ np.linalg.inv(material.cell)) % 1
    titanium = scaled[np.array(cell.get_chemical_symbols()) == "Ti"]
    found = {}
    for letter, sites in material.sites.items():
        apart = titanium[:, None] - sites[None]
        apart -= np.round(apart)
        found[letter] = int((np.linalg.norm(apart @ material.cell, axis=2) < 0.01).any(1).sum())
    assert found == {"2a": 1508, "4g": 492, "2d": 0, "4h": 0}
    table = tables.read("structures", paper_cell / "r0.structures.parquet")
    held = table.set_index(["species", "site"])["count"]
    assert (held["Ti"]["2a"], held["Ti"]["4g"]) == (1508, 492)
    assert held["Li"].sum() == 6000
    assert table.groupby("site")["count"].sum().to_dict() == {
        "2a": 2000, "4g": 4000, "2d": 2000, "4h": 4000}
    order = table.loc[table["species"] == "Ti", "warren_cowley"]
    assert order.nunique() == 1 and 0.3 < order.iloc[0] < 1  # Ti avoids Ti
    assert table["warren_cowley"].notna().sum() == len(order)


def test_the_paper_cell_has_no_close_atoms_and_one_cation_a_site(paper_cell):
    from scipy.spatial import KDTree

    from haven.core.periodic import with_images

    cell = read(paper_cell / "r0.supercell.extxyz")
    around, row = with_images(cell.positions, cell.cell.array, 3.0)
    shortest = KDTree(around).query(around[: len(cell)], k=2)[0][:, 1].min()
    table = tables.read("structures", paper_cell / "r0.structures.parquet")
    assert table["min_distance_angstrom"].iloc[0] == pytest.approx(shortest, abs=1e-3)
    assert 2.4 < shortest < 2.6  # Ti-Cl of an octahedron
    cations = np.array(cell.get_chemical_symbols()) != "Cl"
    apart = KDTree(around[cations[row]]).query(cell.positions[cations], k=2)[0][:, 1]
    assert apart.min() > 3.0


def test_exports_of_the_paper_cell_read_back_with_equal_positions(paper_cell):
    from ase.io.cif import parse_cif

    cell = read(paper_cell / "r0.supercell.extxyz")
    data = read(paper_cell / "r0.supercell.data", format="lammps-data", atom_style="atomic")
    # as ase.io.read, but for its search of symmetry-equivalent atoms: minutes for 20,000, none here
    crystal = next(parse_cif(str(paper_cell / "r0.supercell.cif"))).get_unsymmetrized_structure()
    for other, bound in ((data, 1e-5), (crystal, 1e-3)):
        assert other.get_chemical_symbols() == cell.get_chemical_symbols()
        np.testing.assert_allclose(other.cell.cellpar(), cell.cell.cellpar(), rtol=1e-6)
        apart = other.get_scaled_positions() - cell.get_scaled_positions()
        apart -= np.round(apart)
        assert np.abs(apart @ cell.cell.array).max() < bound


def test_every_set_of_occupancies_is_drawn_once(paper_cell):
    from haven.report.figures.disorder import occupancies

    cells = read(paper_cell / "r0.occupancies.extxyz", ":")
    counts = {cell.info["occupancies"]: [
        sum((cell.get_array("site") == letter) & (np.array(cell.get_chemical_symbols()) == "Ti"))
        for letter in ("2a", "4g")] for cell in cells}
    assert counts == {"default": [24, 8], "calculated_875": [28, 4], "calculated_844": [27, 5],
                      "calculated_750": [24, 8]}
    assert all(cell.symbols.count("Li") == 96 and len(cell) == 192 for cell in cells)
    picture = occupancies(sorted(paper_cell.glob("*.extxyz")))
    assert [axis.get_title() for axis in picture.figure.axes] == [
        "2a 0.75, 4g 0.125", "2a 0.875, 4g 0.0625", "2a 0.844, 4g 0.0781"]
    shown = {text.get_text() for text in picture.figure.legends[0].get_texts()}
    assert shown == {"Ti on 2a", "Ti on 4g", "Li", "vacancy"}
    assert occupancies([paper_cell / "r0.supercell.extxyz"]) is None


def test_a_charged_or_crowded_cell_is_refused(tmp_path):
    material = load_material(MATERIAL)
    wrong = replace(material, charges={**material.charges, "Li": 2})
    with pytest.raises(HavenError, match=r"has the charge \+48"):
        draw_supercell(wrong, (2, 2, 2), "default", 1, sweeps=0)
    small = tmp_path / "small.yml"
    text = MATERIAL.read_text()
    small.write_text(text.replace("b_angstrom: 10.", "b_angstrom: 3."))
    assert small.read_text() != text
    with pytest.raises(HavenError, match="Angstrom apart"):
        build_supercell.main(["--material", str(small), "--out", str(tmp_path), "--sweeps", "0"])


@pytest.mark.parametrize("disorder", DISORDER[:2])
@pytest.mark.parametrize("crowded", [False, True])
def test_ions_of_partly_filled_sites_keep_apart_or_the_sites_are_named(tmp_path, disorder, crowded):
    """A garnet's tetrahedra and octahedra: more than half of the latter's halves cannot be full."""
    content = copy.deepcopy(CRYSTALS["LLZO"])
    share = (0.0, 0.5833) if crowded else (0.54, 0.4483)
    content["occupancies"]["default"]["Li"] = dict(zip(("24d", "96h_2"), share, strict=True))
    path = tmp_path / "garnet.yml"
    path.write_text(yaml.safe_dump(content))
    given = ["--material", str(path), "--out", str(tmp_path), "--supercell", "1,1,1",
             "--disorder", disorder]
    if not crowded:
        build_supercell.main([*given, "--sweeps", "5"])
        table = tables.read("structures", tmp_path / "r0.structures.parquet")
        assert table["min_distance_angstrom"].iloc[0] > 1.5
        return
    advice = "lower their occup" if disorder == "electrostatic" else "choose --disorder electrostat"
    with pytest.raises(HavenError, match=f"Li-Li on partly filled 96h_2 of .*{advice}"):
        build_supercell.main([*given, "--sweeps", "0"])


def test_the_charge_of_a_cell_that_is_not_neutral_is_said(tmp_path, caplog):
    path = tmp_path / "nmc.yml"
    path.write_text(yaml.safe_dump(CRYSTALS["NMC with antisites"] | {
        "charges": {"Li": 1, "Ni": 2.875, "Mn": 4, "Co": 3, "O": -2}}))
    for repeat, said in (("2,2,2", "r0 has the charge -0.375: whole numbers of its ions"),
                         ("5,2,1", "")):
        caplog.clear()
        build_supercell.main(["--material", str(path), "--out", str(tmp_path), "--supercell",
                              repeat, "--sweeps", "0"])
        assert said in caplog.text and bool(said) == ("charge" in caplog.text)


def test_a_quasirandom_cell_keeps_the_composition_and_has_more_random_pairs():
    material = load_material(MATERIAL)
    repeat = (2, 2, 2)
    best = quasirandom(material, repeat, "default", 1, draws=100)
    random = [order_cations(material, repeat, "default", seed, sweeps=0) for seed in range(20)]
    ordered = order_cations(material, repeat, "default", 1, sweeps=20)
    assert all(sorted(best) == sorted(other) for other in random)
    _, letters = cation_lattice(material, repeat)
    first, second, distance = neighbour_pairs(material, repeat, 6.0)
    kind = np.unique(letters, return_inverse=True)[1]
    shell = np.unique(np.stack([np.round(distance, 2), kind[first], kind[second]], axis=1), axis=0,
                      return_inverse=True)[1].reshape(-1)

    def off(occupation):
        codes = np.unique(occupation, return_inverse=True)[1]
        return pair_mismatch(codes, first, second, shell, letters)

    assert off(best) < np.min([off(other) for other in random]) < off(ordered)


def test_pairs_of_an_endless_random_chain_match_and_of_an_alternating_one_do_not():
    sites = 20000
    first = np.arange(sites)
    second, shell = np.roll(first, -1), np.zeros(sites, int)
    letters = np.full(sites, "a")
    random = np.random.default_rng(1).integers(0, 2, sites)
    assert pair_mismatch(random, first, second, shell, letters) < 0.02
    # half of the pairs 0-1, half 1-0: off by 1/4 in each of four shares
    assert pair_mismatch(first % 2, first, second, shell, letters) == pytest.approx(0.5)


def test_a_large_quasirandom_cell_is_refused(tmp_path):
    with pytest.raises(HavenError, match="for small cells"):
        call(tmp_path, "--supercell", "5,5,5", "--disorder", "quasirandom")


@pytest.mark.parametrize("seed", ["-1", "1.5", "x"])
def test_a_seed_that_is_no_whole_number_is_refused(tmp_path, seed):
    said = f"--seed is {seed}: it must be (at least 0|a whole number)"
    with pytest.raises(HavenError, match=said):
        call(tmp_path, "--seed", seed)
