"""Crystals of many kinds are said in a material file and built; nonsense in one is refused."""

from __future__ import annotations

import copy
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import yaml
from crystals import CRYSTALS, EXPECTED

from haven.core.errors import HavenError
from haven.labels.engines.base import LabelSettings
from haven.labels.engines.vasp import incar
from haven.material.composition import atoms_in_formula
from haven.material.disorder import draw_supercell
from haven.material.distances import tightest_pair
from haven.material.file import LATTICE, load_material
from haven.material.orbits import expand, hall_number
from haven.material.sites.lattice import neighbour_classes, site_lattice
from haven.material.starting_cells import starting_frames


def written(folder: Path, content: dict) -> Path:
    path = folder / "material.yml"
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.fixture(params=list(CRYSTALS))
def crystal(request, tmp_path):
    return request.param, load_material(written(tmp_path, CRYSTALS[request.param]))


def test_crystals_are_built_with_their_exact_atoms(crystal):
    name, material = crystal
    repeat, expected = EXPECTED[name]
    atoms, _ = draw_supercell(material, repeat, "default", seed=3, sweeps=3)
    assert Counter(atoms.get_chemical_symbols()) == expected
    assert sum(material.charges[s] for s in atoms.get_chemical_symbols()) == pytest.approx(
        0.0, abs=1e-6)
    closest = tightest_pair(atoms)
    assert closest is None or closest[1] > closest[2], closest
    again, _ = draw_supercell(material, repeat, "default", seed=3, sweeps=3)
    assert (again.positions == atoms.positions).all()


def test_starting_cells_of_any_crystal_have_its_formula(crystal):
    _, material = crystal
    trajectories, rows = starting_frames(material, 2, 1, 0.05, 0.02, 1)
    assert len(trajectories) == 2 and rows
    for frames in trajectories:
        charge = sum(material.charges[s] for s in frames[0].get_chemical_symbols())
        assert abs(charge) < 3


@pytest.mark.parametrize(("name", "site", "number"), [
    ("LLZO", "96h", 96), ("LLZO", "24c", 24), ("LATP", "36f_1", 36), ("argyrodite", "48h", 48),
    ("beta-alumina", "12k", 12), ("LGPS", "16h", 16), ("Li3YCl6", "6i_1", 6), ("AgI", "12d", 12),
    ("Li3InCl6", "8j", 8), ("LiFePO4, antiferromagnetic", "8d", 8),
])
def test_one_position_gives_the_whole_orbit(tmp_path, name, site, number):
    material = load_material(written(tmp_path, CRYSTALS[name]))
    points = material.sites[site] if site in material.sites else material.anions[site][1]
    assert len(points) == number


def test_orbits_are_those_of_the_shipped_material():
    """Of Li3TiCl6, whose file lists all positions."""
    material = load_material(Path(__file__).parents[3] / "assets/materials/li3ticl6.yml")
    hall = hall_number("C2/m")
    for letter, (_, points) in material.anions.items():
        found = expand(points[:1], hall, material.cell)
        key = [tuple(np.round(p % 1, 3)) for p in points]
        assert sorted(tuple(np.round(p % 1, 3)) for p in found) == sorted(key), letter


def test_disordered_anions_share_their_sites_in_the_numbers_asked_for(tmp_path):
    material = load_material(written(tmp_path, CRYSTALS["argyrodite"]))
    assert material.units_per_cell == 4 and material.anion_elements == {"S", "Cl"}
    atoms, _ = draw_supercell(material, (2, 2, 1), "default", seed=1, sweeps=0)
    here = Counter(zip(atoms.arrays["site"].tolist(), atoms.get_chemical_symbols(), strict=True))
    assert abs(here["4a", "Cl"] - 9.6) < 1 and abs(here["4d", "Cl"] - 6.4) < 1
    assert here["16e", "S"] == 64 and here["4a", "Cl"] + here["4d", "Cl"] == 16
    other, _ = draw_supercell(material, (2, 2, 1), "default", seed=2, sweeps=0)
    assert not np.allclose(other.positions, atoms.positions)


def test_mobile_ions_keep_the_occupancies_given(tmp_path):
    material = load_material(written(tmp_path, CRYSTALS["Li3YCl6"]))
    atoms, _ = draw_supercell(material, (2, 2, 2), "default", seed=1, sweeps=20)
    here = Counter(zip(atoms.arrays["site"].tolist(), atoms.get_chemical_symbols(), strict=True))
    assert here["6g", "Li"] == 48 and here["6h", "Li"] == 24


def test_an_antiferromagnet_starts_as_one(tmp_path):
    material = load_material(written(tmp_path, CRYSTALS["LiFePO4, antiferromagnetic"]))
    atoms, _ = draw_supercell(material, (1, 1, 1), "default", seed=1, sweeps=0)
    moments = np.array(material.moments_of(atoms))
    iron = atoms.symbols == "Fe"
    assert sorted(moments[iron]) == [-4.0, -4.0, 4.0, 4.0] and not moments[~iron].any()
    keys = incar(atoms, material, LabelSettings(), 4.0)
    assert keys["nupdown"] == 0 and keys["ispin"] == 2 and list(keys["magmom"]) == list(moments)
    del atoms.arrays["site"]
    with pytest.raises(HavenError, match="moments of lifepo4 are by site"):
        material.moments_of(atoms)


def test_each_element_has_its_own_u(tmp_path):
    material = load_material(written(tmp_path, CRYSTALS["NMC with antisites"]))
    atoms, _ = draw_supercell(material, (4, 2, 1), "default", seed=1, sweeps=0)
    keys = incar(atoms, material, LabelSettings(), 6.2)["ldau_luj"]
    assert {k: round(v["U"], 6) for k, v in keys.items()} == {"Ni": 6.2, "Mn": 3.9, "Co": 3.3}
    assert material.hubbard_ev(0.0) == {}


def charged(folder, charges):
    """Return LiNi0.8Mn0.1Co0.1O2, whose cells of 24 formula units hold no whole numbers."""
    content = copy.deepcopy(CRYSTALS["NMC with antisites"])
    return load_material(written(folder, content | {"charges": charges}))


@pytest.mark.parametrize("repeat", [(2, 2, 2), (4, 2, 1), (3, 3, 2), (1, 1, 1), (5, 1, 1)])
def test_a_set_that_names_the_mobile_ion_is_as_neutral_as_one_that_does_not(tmp_path, repeat):
    material = charged(tmp_path, {"Li": 1, "Ni": 2.875, "Mn": 4, "Co": 3, "O": -2})
    atoms, _ = draw_supercell(material, repeat, "default", seed=1, sweeps=0)
    here, units = Counter(atoms.get_chemical_symbols()), 3 * int(np.prod(repeat))
    assert abs(sum(material.charges[one] * n for one, n in here.items())) <= 0.5
    assert here["Ni"] + here["Mn"] + here["Co"] == units and here["O"] == 2 * units
    for frames in starting_frames(material, 4, 1, 0.05, 0.02, 1)[0]:
        assert abs(sum(material.charges[one] for one in frames[0].symbols)) <= 0.5


@pytest.mark.parametrize("name", list(CRYSTALS))
@pytest.mark.parametrize("seed", [1, 2])
def test_ions_at_random_are_not_too_near(tmp_path, name, seed):
    """Tetrahedra and octahedra of a garnet are 0.7 Angstrom apart."""
    material = load_material(written(tmp_path, CRYSTALS[name]))
    repeat, expected = EXPECTED[name]
    atoms, _ = draw_supercell(material, repeat, "default", seed, sweeps=0)
    closest = tightest_pair(atoms)
    assert closest is None or closest[1] > closest[2]
    assert Counter(atoms.get_chemical_symbols()) == expected


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_one_position_of_a_split_anion_is_filled(tmp_path, seed):
    material = load_material(written(tmp_path, {
        "name": "split", "formula": "Li2O", "space_group": "Fm-3m", "formula_units": 4,
        "lattice": dict(zip(LATTICE, (4.62, 4.62, 4.62, 90, 90, 90), strict=True)), "mobile": "Li",
        "charges": {"Li": 1, "O": -2},
        "anion_sites": {"24e": {"species": {"O": 0.16667}, "position": [0.07, 0, 0]}},
        "cation_sites": {"8c": {"position": [0.25, 0.25, 0.25]}},
        "occupancies": {"default": {"Li": {"8c": 1}}}}))
    atoms, _ = draw_supercell(material, (2, 2, 1), "default", seed, sweeps=0)
    oxygen = atoms[atoms.symbols == "O"]
    apart = oxygen.get_all_distances(mic=True) + 9 * np.eye(len(oxygen))
    assert len(oxygen) == 16 and apart.min() > 2.5


def test_crystals_without_layers_have_no_jumps_between_layers(tmp_path):
    material = load_material(written(tmp_path, CRYSTALS["AgI"]))
    lattice = site_lattice(material, 2 * material.cell)
    assert lattice.layers == 0
    assert {kind for kind, *_ in neighbour_classes(lattice)} == {"intra_layer"}


@pytest.mark.parametrize(("formula", "counts"), [
    ("Li1.3Al0.3Ti1.7(PO4)3", {"Li": 1.3, "Al": 0.3, "Ti": 1.7, "P": 3, "O": 12}),
    ("Na1.22Al11O17.11", {"Na": 1.22, "Al": 11, "O": 17.11}),
    ("LiMn2O4", {"Li": 1, "Mn": 2, "O": 4}),
    ("Ca(OH)2", {"Ca": 1, "O": 2, "H": 2}), ("K4(Fe(CN)6)", {"K": 4, "Fe": 1, "C": 6, "N": 6}),
])
def test_formulas_have_fractions_and_brackets(formula, counts):
    assert atoms_in_formula(formula) == counts


@pytest.mark.parametrize("formula", ["", "li", "Li3(", "Li3)", "3Li", "Xx2", "Li-1", "Li2.5.5"])
def test_what_is_no_formula_is_refused(formula):
    with pytest.raises(ValueError, match=r"."):
        atoms_in_formula(formula)


def changed(which: str, /, **changes: object) -> dict:
    content = copy.deepcopy(CRYSTALS[which])
    for key, value in changes.items():
        place, _, last = key.replace("__", "/").rpartition("/")
        target = content[place] if place else content
        target[last] = value
    return content


BASE = "Li3InCl6"


@pytest.mark.parametrize(("changes", "words"), [
    ({"hubard": {"In": "d"}}, "unknown entry hubard: did you mean hubbard"),
    ({"charge": {}}, "unknown entry charge: did you mean charges"),
    ({"hubbard": {"Tl": "d"}}, "hubbard names Tl, which is not in Li3InCl6"),
    ({"moments": {"Fe": 4.0}}, "moments names Fe"), ({"charges__Br": -1}, "charges names Br"),
    ({"hubbard": {"In": "g"}}, "hubbard needs a shell"),
    ({"hubbard": {"In": 5}}, "hubbard needs a shell"),
    ({"hubbard": {"In": "d; x"}}, "hubbard needs a shell"),
    ({"moments": {"In": float("nan")}}, "moments need a number"),
    ({"moments": {"In": {"9z": 1.0}}}, "moments of In name site 9z"),
    ({"ordering": {"temperature_k": float("nan")}}, "ordering needs"),
    ({"ordering": {"temperature_k": 0}}, "ordering needs"),
    ({"ordering": {"permittivity": -3}}, "ordering needs"),
    ({"ordering": {"temperatur_k": 300}}, "unknown entry temperatur_k"),
    ({"name": []}, "name needs"), ({"name": {}}, "name needs"), ({"name": "../x"}, "name needs"),
    ({"name": float("nan")}, "name needs"),
    ({"formula": None}, "formula needs"), ({"formula": 5}, "formula needs"),
    ({"formula": []}, "formula needs"), ({"formula": float("nan")}, "formula needs"),
    ({"lattice__a_angstrom": 1e300}, "a_angstrom is 1e.300, outside"),
    ({"lattice__a_angstrom": 0}, "a_angstrom is 0, outside"),
    ({"lattice__a_angstrom": float("nan")}, "lattice needs"),
    ({"lattice__a_angstrom": 63.5}, "too loose"), ({"lattice__a_angstrom": 0.64}, "too dense"),
    ({"lattice__beta_degree": 0}, "beta_degree is 0, outside"),
    ({"lattice__beta_degree": 180}, "beta_degree is 180"),
    ({"lattice__alpha_degree": 150.0, "lattice__gamma_degree": 40.0}, "make no cell"),
    ({"lattice__a": 6.4}, "unknown entry a"),
    ({"lattice": {"a_angstrom": 12.11, "b_angstrom": 20.98, "c_angstrom": 12.08,
                  "alpha_degree": 90, "beta_degree": 109.8, "gamma_degree": 90}}, "too loose"),
    ({"cation_sites__4h": {"position": [0, 16.7, 50], "layer": 0.5}}, "not per cent or Angstrom"),
    ({"anion_sites__4i": {"species": "Cl", "position": [24.18, 0, 76.85]}}, "not per cent or Ang"),
    ({"cation_sites__4h": {"positions": [[0, 0.17, 0.5], [0, 0.17, 0.5]], "layer": 0.5}}, "twice"),
    ({"centring": [[0, 0, 0], [0.5, 0.5, 0]], "cation_sites__4h": {"layer": 0.5, "positions": [
        [0, 0.17, 0.5], [0.5, 0.67, 0.5], [0, 0.83, 0.5], [0.5, 0.33, 0.5]]}},
     "twice: list each once, without the images that centring adds"),
    ({"anion_sites__4i": {"species": "Cl", "positions": [[0.24, 0, 0.77], [0.76, 0, 0.23],
                                                         [0.74, 0.5, 0.77]]}},
     "hold 11 Cl .*formula units must be whole"),
    ({"space_group": "C2/q"}, "none of the 230"), ({"space_group": 231}, "none of the 230"),
    ({"space_group": "Fd-3m"}, "has two origins: say setting: 1 or setting: 2"),
    ({"space_group": "C2/m", "setting": "Q"}, "has no setting Q"),
    ({"mobile": []}, "mobile needs"), ({"mobile": ["Li", "Li"]}, "mobile needs"),
    ({"mobile": ["Li", "Na"]}, "mobile element Na is not in"),
    ({"charges__In": 2.5}, "sum to -0.5"), ({"charges__In": 30}, "charges need a number up to 8"),
    ({"formula_units": -1}, "formula_units needs"),
    ({"anion_sites__4i": {"species": {"Cl": 0.7, "Br": 0.7}, "position": [0.24, 0, 0.77]}},
     "anion_sites need"),
    ({"occupancies": {}}, "occupancies need"),
    ({"occupancies": {"default": {"In": {"2a": float("nan")}}}}, "occupancies need"),
])
def test_nonsense_in_a_material_file_is_refused_in_one_line(tmp_path, changes, words):
    with pytest.raises(HavenError, match=words) as caught:
        load_material(written(tmp_path, changed(BASE, **changes)))
    assert "\n" not in str(caught.value) and "material.yml" in str(caught.value)


def test_the_real_cause_of_wrong_anions_is_named(tmp_path):
    with pytest.raises(HavenError, match=r"the anion sites hold 18.4 S .* 4 Cl .*no multiple"):
        load_material(written(tmp_path, changed("argyrodite", anion_sites__4d={
            "species": {"S": 0.2, "Cl": 0.4}, "position": [0.25, 0.25, 0.75]})))


@pytest.mark.parametrize(("text", "words"), [
    (b"\xff\xfe", "no text in UTF-8"), (b"name: a\nname: b\n", "name is given twice"),
    (b"a: &x [1]\nb: *x\n", "lacks name"), (b"a: [1, 2\n", "no YAML"), (b"", "lacks name"),
    (b"- 1\n", "lacks name"),
])
def test_files_that_are_no_material_end_in_one_line(tmp_path, text, words):
    (tmp_path / "m.yml").write_bytes(text)
    with pytest.raises(HavenError, match=words) as caught:
        load_material(tmp_path / "m.yml")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("entry", ["name", "mobile", "formula", "charges", "moments", "lattice",
                                   "anion_sites", "occupancies", "extra"])
def test_a_bomb_of_aliases_ends_in_one_short_line(tmp_path, entry):
    """Nine lists of nine times the one before: written out, a thousand million words."""
    bomb = ["&a0 [x, x, x, x, x, x, x, x, x]"]
    bomb += [f"&a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    rest = {key: value for key, value in CRYSTALS[BASE].items() if key != entry}
    (tmp_path / "m.yml").write_text(f"{yaml.safe_dump(rest)}{entry}: [{', '.join(bomb)}]\n")
    with pytest.raises(HavenError) as caught:
        load_material(tmp_path / "m.yml")
    assert len(str(caught.value)) < 1000 and "\n" not in str(caught.value)


def test_coordinates_are_fractions_as_tables_have_them(tmp_path):
    told = {**CRYSTALS[BASE], "cation_sites": {
        **CRYSTALS[BASE]["cation_sites"],
        "4g": {"position": ["0", "1/3", "0/1"], "layer": 0.0}}}
    told["cation_sites"]["4g"]["position"][0] = 0
    material = load_material(written(tmp_path, told))
    assert (0.0, 1 / 3, 0.0) in {tuple(point) for point in material.sites["4g"].tolist()}
    for wrong in ("1/0", "1/3/2", "a/3", "1 /3", "0x1/3"):
        told["cation_sites"]["4g"]["position"][1] = wrong
        with pytest.raises(HavenError, match="three fractions each"):
            load_material(written(tmp_path, told))
