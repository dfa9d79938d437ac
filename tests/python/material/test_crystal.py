"""Material file, sites, occupancies and their disorder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from haven.core.errors import HavenError
from haven.material.crystal import assemble, cation_lattice, framework_counts, site_targets
from haven.material.disorder import draw_supercell, lattice_energy, order_cations, warren_cowley
from haven.material.file import load_material
from haven.material.rounding import round_table
from haven.material.starting_cells import draw_framework, starting_frames

MATERIAL = Path(__file__).parents[3] / "assets" / "materials" / "li3ticl6.yml"


@pytest.fixture(scope="module")
def material():
    return load_material(MATERIAL)


def changed(tmp_path: Path, **changes: object) -> Path:
    content = yaml.safe_load(MATERIAL.read_text())
    for key, value in changes.items():
        if value is None:
            del content[key]
        else:
            content[key] = value
    target = tmp_path / "material.yml"
    target.write_text(yaml.safe_dump(content))
    return target


def test_conventional_cell_has_two_formula_units_and_twelve_cation_sites(material):
    assert material.units_per_cell == 2
    assert {s: len(x) for s, x in material.sites.items()} == {"2a": 2, "4g": 4, "2d": 2, "4h": 4}


def test_every_cation_site_has_six_chlorine_neighbours(material):
    from ase.geometry import get_distances

    anions = np.concatenate([xyz for _, xyz in material.anions.values()]) @ material.cell
    for letter, xyz in material.sites.items():
        _, distance = get_distances(xyz @ material.cell, anions, cell=material.cell, pbc=True)
        six, seventh = np.sort(distance, axis=1)[:, 5], np.sort(distance, axis=1)[:, 6]
        assert (six < 2.8).all() and (seventh > 4.0).all(), letter


def test_thousand_cells_hold_the_published_occupancies_exactly(material):
    counts = framework_counts(material, "default", 1000)
    assert counts == {"Ti": {"2a": 1508, "4g": 492}}


@pytest.mark.parametrize("label, expected", [
    ("calculated_875", {"2a": 14, "4g": 2}), ("calculated_750", {"2a": 12, "4g": 4}),
])
def test_eight_cells_hold_the_calculated_occupancies_exactly(material, label, expected):
    assert framework_counts(material, label, 8)["Ti"] == expected


@pytest.mark.parametrize(
    "printed", [(0.875, 0.063), (0.851, 0.075), (0.844, 0.078), (0.333, 0.333)])
def test_rounded_occupancies_give_the_formula_s_titanium_in_cells_of_any_size(tmp_path, printed):
    by_site = dict(zip(("2a", "4g"), printed, strict=True))
    rounded = load_material(changed(tmp_path, occupancies={"x": {"Ti": by_site}}))
    for cells in (1, 8, 125, 1000, 8000):
        counts = framework_counts(rounded, "x", cells)["Ti"]
        assert sum(counts.values()) == 2 * cells
        for site, value in by_site.items():
            exact = value * len(rounded.sites[site]) * cells
            assert abs(counts[site] - exact) <= max(1, 0.003 * exact), (cells, site)


def test_a_full_site_takes_no_more_atoms_where_occupancies_are_rounded(tmp_path):
    full = load_material(changed(
        tmp_path, formula="Ti3Cl6", mobile="Ti", charges={"Ti": 2, "Cl": -1}, closest_angstrom={},
        occupancies={"x": {"Ti": {"2a": 1.0, "4g": 0.999}}}))
    assert framework_counts(full, "x", 1000) == {"Ti": {"2a": 2000, "4g": 4000}}


def test_supercell_has_the_formula_and_the_counts_asked_for(material):
    atoms, rows = draw_supercell(material, (2, 2, 2), "default", seed=3)
    assert atoms.get_chemical_formula() == "Cl96Li48Ti16"
    assert sum(r["count"] for r in rows) == 12 * 8
    titanium = {r["site"]: r["count"] for r in rows if r["species"] == "Ti"}
    assert titanium == {"2a": 12, "4g": 4, "2d": 0, "4h": 0}
    assert atoms.get_volume() == pytest.approx(abs(np.linalg.det(material.cell)) * 8)
    assert (atoms.arrays["site"][atoms.symbols == "Cl"] != "").all()


def test_monte_carlo_lowers_the_energy_and_keeps_the_composition(material):
    start = order_cations(material, (2, 2, 2), "default", 1, sweeps=0)
    end = order_cations(material, (2, 2, 2), "default", 1, sweeps=20)
    assert sorted(start) == sorted(end)
    gain = lattice_energy(material, (2, 2, 2), start) - lattice_energy(material, (2, 2, 2), end)
    assert gain > 1.0


def test_monte_carlo_samples_the_boltzmann_distribution_of_its_own_energy(material):
    """Two ions on the twelve sites of one cell: states visited as often as exp(-E/kT) says."""
    from dataclasses import replace

    from haven.material.disorder import BOLTZMANN_EV_PER_K

    few = replace(material, composition={"Li": 1, "Ti": 0, "Cl": 6}, ordering={
        "temperature_k": 4000.0, "permittivity": 10.0}, occupancies={"none": {}})
    seen: dict[tuple[int, ...], int] = {}
    for seed in range(400):
        occupation = order_cations(few, (1, 1, 1), "none", seed, sweeps=5, framework={})
        key = tuple(np.flatnonzero(occupation == "Li"))
        seen[key] = seen.get(key, 0) + 1
    states = [(i, j) for i in range(12) for j in range(i)]
    energies = []
    for state in states:
        occupation = np.full(12, "", dtype="U4")
        occupation[list(state)] = "Li"
        energies.append(lattice_energy(few, (1, 1, 1), occupation))
    weight = np.exp(-(np.array(energies) - min(energies)) / (BOLTZMANN_EV_PER_K * 4000.0))
    expected = 400 * weight / weight.sum()
    found = np.array([seen.get(tuple(sorted(s)), 0) for s in states])
    chi2 = ((found - expected) ** 2 / expected).sum()
    assert chi2 < 115.0  # 65 degrees of freedom; the 99.99 % point


def test_same_seed_same_disorder_and_other_seed_other_disorder(material):
    one = order_cations(material, (2, 2, 2), "default", 5, sweeps=3)
    assert (one == order_cations(material, (2, 2, 2), "default", 5, sweeps=3)).all()
    assert (one != order_cations(material, (2, 2, 2), "default", 6, sweeps=3)).any()


def test_warren_cowley_is_zero_for_random_and_one_for_avoidance(material):
    random = np.random.default_rng(1)
    repeat = (6, 3, 6)
    _, letters = cation_lattice(material, repeat)
    occupation = np.where(random.random(len(letters)) < 0.3, "Ti", "Li")
    assert abs(warren_cowley(material, repeat, occupation, "Ti")) < 0.08
    lonely = np.full(len(letters), "Li", dtype="U4")
    lonely[0] = "Ti"
    assert warren_cowley(material, repeat, lonely, "Ti") == 1.0


def test_small_cells_have_the_occupancies_on_average(material):
    random = np.random.default_rng(0)
    drawn = [draw_framework(material, "default", (1, 1, 1), random)["Ti"] for _ in range(3000)]
    share = np.mean([d["2a"] for d in drawn]) / 2
    assert share == pytest.approx(0.754, abs=0.03)
    assert all(sum(d.values()) == 2 for d in drawn)


def test_elements_that_share_sites_all_find_one(tmp_path):
    """A spinel with Li and Ni on each other's sites: the first drawn may leave none to the last."""
    text = tmp_path / "spinel.yml"
    text.write_text("""name: lnmo
formula: Li2NiMn3O8
space_group: Fd-3m
setting: '2'
lattice: {a_angstrom: 8.17, b_angstrom: 8.17, c_angstrom: 8.17,
          alpha_degree: 90, beta_degree: 90, gamma_degree: 90}
mobile: Li
charges: {Li: 1, Ni: 2, Mn: 4, O: -2}
anion_sites:
  32e: {species: O, position: [0.263, 0.263, 0.263]}
cation_sites:
  8b: {position: [0.125, 0.125, 0.125]}
  16c: {position: [0.5, 0.5, 0.5]}
occupancies:
  default: {Li: {8b: 0.9, 16c: 0.05}, Ni: {8b: 0.1, 16c: 0.2}, Mn: {16c: 0.75}}
""", encoding="utf-8")
    shared, random = load_material(text), np.random.default_rng(1)
    found = [draw_framework(shared, "default", (1, 1, 1), random) for _ in range(400)]
    for drawn in found:
        for site, room in (("8b", 8), ("16c", 16)):
            assert sum(by_site.get(site, 0) for by_site in drawn.values()) <= room
        assert sum(drawn["Ni"].values()) == 4 and sum(drawn["Mn"].values()) == 12
    assert np.mean([drawn["Ni"]["8b"] for drawn in found]) == pytest.approx(0.8, abs=0.08)
    assert np.mean([drawn["Li"]["16c"] for drawn in found]) == pytest.approx(0.8, abs=0.08)
    starting_frames(shared, 12, 1, 0.05, 0.02, 3, atoms_max=60)


@pytest.mark.parametrize("seed", range(8))
def test_a_table_is_rounded_to_its_own_sums_and_mean(seed):
    random = np.random.default_rng(seed)
    table = random.integers(0, 4, random.integers(2, 6, 2)).astype(float)
    sums = [table.sum(axis=axis) for axis in (0, 1)]
    for _ in range(30):
        (i, k), (j, m) = (random.choice(size, 2, replace=False) for size in table.shape)
        moved = random.random() * min(table[i, j], table[k, m])
        table[[i, k], [j, m]] -= moved
        table[[i, k], [m, j]] += moved
    made = np.array([round_table(table, random) for _ in range(600)])
    assert np.abs(made - table).max() < 1 and (made >= 0).all()
    for axis in (0, 1):
        assert (made.sum(axis=1 + axis) == sums[axis]).all()
    assert np.abs(made.mean(axis=0) - table).max() < 0.5 * 4.2 / 600**0.5


def test_starting_frames_are_no_larger_than_asked(material):
    sizes = {most: [len(t[0]) for t in starting_frames(material, 8, 1, 0.0, 0.0, 1, 8, most)[0]]
             for most in (20, 40, 80)}
    assert sizes == {20: [20] * 8, 40: [20, 20, 20, 20, 40, 20, 20, 40],
                     80: [20, 20, 20, 20, 40, 20, 20, 80]}


def test_starting_frames_are_reproducible_and_within_the_strain(material):
    one, rows = starting_frames(material, 3, 2, 0.08, 0.03, seed=4)
    two, _ = starting_frames(material, 3, 2, 0.08, 0.03, seed=4)
    assert np.array_equal(one[2][1].positions, two[2][1].positions)
    assert not np.array_equal(one[2][0].positions, one[2][1].positions)
    assert max(f.info["strain_max"] for t in one for f in t) <= 0.03
    assert {r["role"] for r in rows} == {"cell"}


def test_assembled_vacancies_hold_no_atom(material):
    occupation = np.full(12, "", dtype="U4")
    occupation[0] = "Ti"
    atoms = assemble(material, (1, 1, 1), occupation)
    assert len(atoms) == 13


@pytest.mark.parametrize("changes, words", [
    ({"occupancies": {"x": {"Ti": {"2a": 0.9, "4g": 0.123}}}}, "must sum"),
    ({"occupancies": {"x": {"Ti": {"2a": 1.2, "4g": -0.1}}}}, "outside 0 to 1"),
    ({"occupancies": {"x": {"Ti": {"9z": 1.0}}}}, "not a cation site"),
    ({"charges": {"Li": 1, "Ti": 4, "Cl": -1}}, "sum to"),
    ({"charges": {"Li": 1, "Cl": -1}}, "charges lack Ti"),
    ({"mobile": "Na"}, "mobile element Na"),
    ({"charges": {"Li": 0, "Ti": 6, "Cl": -1}}, "mobile element Li has the charge 0"),
    ({"lattice": {"a_angstrom": 1}}, "lattice needs"),
    ({"cation_sites": None}, "lacks cation_sites"),
    ({"cation_sites": {"2a": {"positions": [[0, 0, 0]]}, "4g": {"layer": 0, "positions":
                       [[0, 0.33, 0], [0, 0.67, 0]]}}}, "a layer .* for all sites or for none"),
    ({"cation_sites": {"2a": {"layer": 0, "positions": [[0, 0]]}}}, "cation_sites .*three"),
    ({"cation_sites": ["2a"]}, "cation_sites need"),
    ({"anion_sites": {"4i": {"species": "Cl", "positions": [[0.7, 0], [0.2, 0, 0.7]]}}},
     "anion_sites .*three fractions"),
    ({"anion_sites": {"4i": {"species": "Br", "positions": [[0.7, 0, 0.2]]}}}, "not Br"),
    ({"anion_sites": {}}, "anion_sites need species of Li3TiCl6"),
    ({"centring": [[0.5]]}, "centring needs"),
    ({"formula": "Li3("}, "formula needs"),
    ({"charges": {"Li": 1, "Ti": "3+", "Cl": -1}}, "charges need a number"),
    ({"charges": {"Li": 1, "Ti": 2.5, "Cl": -1}}, "charges of Li3TiCl6 sum to -0.5"),
    ({"charges": 3}, "charges need a number"),
    ({"moments": {"Ti": "up"}}, "moments need a number"),
    ({"hubbard": "d"}, "hubbard needs a shell"),
    ({"ordering": {"temperature_k": "hot"}}, "ordering needs temperature_k"),
    ({"closest_angstrom": [3.3]}, "closest_angstrom needs pairs"),
    ({"occupancies": {"x": {"Ti": {"2a": "a", "4g": 0.123}}}}, "occupancies need numbers"),
    ({"occupancies": {"x": {"Ti": 0.75}}}, "occupancies need numbers"),
])
def test_wrong_material_is_refused_in_one_line(tmp_path, changes, words):
    with pytest.raises(HavenError, match=words) as caught:
        load_material(changed(tmp_path, **changes))
    assert "\n" not in str(caught.value) and "material.yml" in str(caught.value)


def test_unknown_occupancies_name_the_choices(material):
    with pytest.raises(HavenError, match="calculated_875"):
        site_targets(material, "nothing")
