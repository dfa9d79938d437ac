"""The supercell of the dynamics: what is written, what is refused, quasirandom cells."""

from __future__ import annotations

from dataclasses import replace

import build_supercell
import numpy as np
import pytest
from ase.io import read
from trained import MATERIAL

from haven import tables
from haven.cli import HavenError
from haven.crystal import cation_lattice, load_material
from haven.disorder import build, neighbour_pairs, order_cations
from haven.quasirandom import pair_mismatch, quasirandom


def call(out, *options):
    build_supercell.main(["--material", str(MATERIAL), "--out", str(out), *map(str, options)])


def test_three_formats_hold_the_same_cell(tmp_path):
    call(tmp_path, "--supercell", "2,1,2", "--sweeps", 5)
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


def test_a_charged_or_crowded_cell_is_refused(tmp_path):
    material = load_material(MATERIAL)
    wrong = replace(material, charges={**material.charges, "Li": 2})
    with pytest.raises(HavenError, match=r"has the charge \+48"):
        build(wrong, (2, 2, 2), "default", 1, sweeps=0)
    small = tmp_path / "small.yml"
    text = MATERIAL.read_text()
    small.write_text(text.replace("b_angstrom: 10.", "b_angstrom: 3."))
    assert small.read_text() != text
    with pytest.raises(HavenError, match="Angstrom apart"):
        build_supercell.main(["--material", str(small), "--out", str(tmp_path), "--sweeps", "0"])


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
