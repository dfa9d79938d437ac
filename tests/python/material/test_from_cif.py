"""A CIF becomes a material file that loads and builds; what it leaves open is asked for."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml

from haven.core.errors import HavenError
from haven.material.cif.choices import Choice, material_of
from haven.material.disorder import draw_supercell
from haven.material.file import load_material

ROOT = Path(__file__).resolve().parents[3]
HEAD = """data_x
_symmetry_space_group_name_H-M   '{group}'
_symmetry_Int_Tables_number   {number}
_cell_length_a   {a}
_cell_length_b   {b}
_cell_length_c   {c}
_cell_angle_alpha   90
_cell_angle_beta   {beta}
_cell_angle_gamma   {gamma}
loop_
 _atom_site_type_symbol
 _atom_site_label
 _atom_site_fract_x
 _atom_site_fract_y
 _atom_site_fract_z
 _atom_site_occupancy
"""


def cif(folder: Path, group: str, number: int, cell: tuple[float, ...], rows: str) -> Path:
    a, b, c, beta, gamma = cell
    path = folder / "given.cif"
    path.write_text(HEAD.format(group=group, number=number, a=a, b=b, c=c, beta=beta, gamma=gamma)
                    + rows)
    return path


HALIDE = """ Li Li1 0 0.168 0.5 1.0
 Li Li2 0 0.5 0.5 1.0
 In In1 0 0.3325 0 0.07
 In In2 0 0 0 0.875
 Cl Cl1 0.2355 0.16 0.2313 1.0
 Cl Cl2 0.2447 0 0.7612 1.0
"""
ARGYRODITE = """ Li Li1 0.183 0.183 0.024 0.5
 P P1 0 0 0.5 1.0
 S S1 0.1195 -0.1195 0.6195 1.0
 S S2 0.25 0.25 0.75 0.6
 Cl Cl2 0.25 0.25 0.75 0.4
 S S3 0 0 0 0.4
 Cl Cl3 0 0 0 0.6
"""
OLIVINE = """ Li Li1 0 0 0 1
 Fe Fe1 0.2822 0.25 0.9747 1
 P P1 0.0948 0.25 0.4182 1
 O O1 0.0968 0.25 0.7428 1
 O O2 0.4571 0.25 0.2060 1
 O O3 0.1656 0.0465 0.2848 1
"""
GIVEN = {
    "halide": ("C 2/m", 12, (6.432, 11.093, 6.398, 109.8, 90.0), HALIDE),
    "argyrodite": ("F -4 3 m", 216, (9.86, 9.86, 9.86, 90.0, 90.0), ARGYRODITE),
    "olivine": ("P n m a", 62, (10.33, 6.01, 4.69, 90.0, 90.0), OLIVINE),
}


@pytest.mark.parametrize(("name", "formula", "atoms"), [
    ("halide", "Li3InCl6", {"Li": 6, "In": 2, "Cl": 12}),
    ("argyrodite", "Li6PS5Cl", {"Li": 24, "P": 4, "S": 20, "Cl": 4}),
    ("olivine", "LiFePO4", {"Li": 4, "Fe": 4, "P": 4, "O": 16}),
])
def test_a_cif_becomes_a_material_that_builds(tmp_path, name, formula, atoms):
    path = cif(tmp_path, *GIVEN[name])
    done = subprocess.run(
        [sys.executable, str(ROOT / "bin" / "make_material.py"), str(path), "--name", name,
         "--out", str(tmp_path), "--hubbard", "Fe=d" if name == "olivine" else ""],
        capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    material = load_material(tmp_path / f"{name}.yml")
    assert material.formula == formula and material.mobile == "Li"
    assert "position:" in (tmp_path / f"{name}.yml").read_text()
    assert (tmp_path / f"{name}.png").stat().st_size > 1000
    for occupancies in ("default", "free"):
        found, _ = draw_supercell(material, (1, 1, 1), occupancies, seed=1, sweeps=0)
        assert Counter(found.get_chemical_symbols()) == atoms


@pytest.mark.parametrize(("lithium", "charge"), [
    ("0.90", 3.1), ("0.93", 3.07), ("0.95", 3.05), ("0.97", 3.03), ("0.99", 3.01), ("0.995", 3.005),
])
def test_vacancies_of_a_cif_are_not_filled(tmp_path, lithium, charge):
    """LiCoO2 with lithium missing: cobalt has the charge, and lithium stays as it is."""
    rows = (f" Li Li1 0 0 0.5 {lithium}\n Co Co1 0 0 0 1.0\n O O1 0 0 0.24 1.0\n")
    file = cif(tmp_path, "R -3 m:H", 166, (2.81, 2.81, 14.05, 90, 120), rows)
    content, notes = material_of(file, Choice())
    assert content["charges"]["Co"] == pytest.approx(charge)
    assert content["occupancies"]["default"]["Li"] == {"3b": float(lithium)}
    assert any(f"Co has the charge +{charge:g}" in note for note in notes)
    with pytest.raises(HavenError, match="would fill the vacancies of site 3b"):
        material_of(file, Choice(charges={"Co": 3.0}))


@pytest.mark.parametrize(("lithium", "nickel"), [("0.95", "0.8"), ("0.950", "0.800")])
def test_a_whole_charge_does_not_double_the_vacancies(tmp_path, lithium, nickel):
    """Nickel at +3 would leave 0.90 Li, which its two digits do not."""
    rows = (f" Li Li1 0 0 0.5 {lithium}\n Ni Ni1 0 0 0 {nickel}\n Mn Mn1 0 0 0 0.1\n"
            " Co Co1 0 0 0 0.1\n O O1 0 0 0.2605 1\n")
    file = cif(tmp_path, "R -3 m:H", 166, (2.87, 2.87, 14.2, 90, 120), rows)
    content, notes = material_of(file, Choice(charges={"Mn": 4, "Co": 3}))
    assert content["charges"]["Ni"] == pytest.approx(2.9375)
    assert content["occupancies"]["default"]["Li"] == {"3b": 0.95}
    assert not any("occupancies of" in note for note in notes)


@pytest.mark.parametrize(("zirconium", "charge"), [("0.75", 2), ("0.750", 2.02)])
def test_the_digits_of_an_occupancy_are_those_that_are_printed(tmp_path, zirconium, charge):
    rows = (f" Li Li1 0 0 0 0.98\n Zr Zr1 .5 .5 0 {zirconium}\n Fe Fe1 .5 0 .5 1\n"
            " O O1 .5 0 0 1\n O O2 0 .5 0 1\n O O3 0 0 .5 1\n")
    content, _ = material_of(cif(tmp_path, "P 1", 1, (4.1, 4.2, 4.3, 90, 90), rows), Choice())
    assert content["charges"]["Fe"] == pytest.approx(charge)


SALT = (" {0} Li1 0 0 0 {5}\n {1} Mn1 0 0 0 0.2\n {2} Ti1 0 0 0 0.2\n {3} O1 .5 .5 .5 0.9\n"
        " {4} F1 .5 .5 .5 0.1\n")


@pytest.mark.parametrize("numbers", [False, True])
def test_oxidation_states_of_a_cif_are_taken_where_it_is_neutral_with_them(tmp_path, numbers):
    kinds = ["Li1+", "Mn3+", "Ti4+", "O2-", "F-"]
    loop = ""
    if numbers:
        kinds = ["Li", "Mn", "Ti", "O", "F"]
        loop = ("loop_\n_atom_type_symbol\n_atom_type_oxidation_number\nLi 1\nMn +3\nTi 4\nO -2\n"
                "F 1-\n")
    salt = ("F m -3 m", 225, (4.14, 4.14, 4.14, 90, 90))
    path = cif(tmp_path, *salt, SALT.format(*kinds, 0.5) + loop)
    charges = {"Li": 1, "Mn": 3, "Ti": 4, "O": -2, "F": -1}
    assert material_of(path, Choice())[0]["charges"] == charges
    path = cif(tmp_path, *salt, SALT.format(*kinds, 0.6) + loop)
    with pytest.raises(HavenError, match="give --charges Mn=3,Ti=4 with their values, those of"):
        material_of(path, Choice())
    assert material_of(path, Choice(charges={"Mn": 2.5}))[0]["charges"]["Mn"] == 2.5


def test_ions_of_two_states_have_their_mean_charge(tmp_path):
    rows = (" Li1+ Li1 0 0 0.5 0.25\n Co3+ Co1 0 0 0 0.25\n Co4+ Co2 0 0 0 0.25\n"
            " Mn4+ Mn1 0 0 0 0.5\n O2- O1 0 0 0.24 1\n")
    file = cif(tmp_path, "R -3 m:H", 166, (2.81, 2.81, 14.05, 90, 120), rows)
    assert material_of(file, Choice())[0]["charges"] == {
        "Li": 1, "Co": 3.5, "Mn": 4, "O": -2}


def test_what_a_cif_leaves_open_is_guessed_by_neutrality_or_asked_for(tmp_path):
    content, notes = material_of(cif(tmp_path, *GIVEN["olivine"]), Choice())
    assert content["charges"]["Fe"] == 2 and any("Fe may have an open shell" in n for n in notes)
    two = OLIVINE.replace(" P P1", " Mn P1")
    group, number, cell, _ = GIVEN["olivine"]
    with pytest.raises(HavenError, match="charges of Fe, Mn are open: give --charges Fe=3,Mn=3"):
        material_of(cif(tmp_path, group, number, cell, two), Choice())
    content, _ = material_of(cif(tmp_path, group, number, cell, two),
                             Choice(charges={"Fe": 3, "Mn": 4}))
    assert content["charges"] == {"Li": 1, "Fe": 3, "Mn": 4, "O": -2}
    sodium = OLIVINE.replace(" P P1", " Na P1")
    with pytest.raises(HavenError, match="which ion is mobile: give --mobile, one of Li, Na"):
        material_of(cif(tmp_path, group, number, cell, sodium), Choice())


def test_rounded_occupancies_are_made_neutral_and_it_is_said(tmp_path):
    content, notes = material_of(cif(tmp_path, *GIVEN["halide"]), Choice())
    assert content["formula"] == "Li3InCl6" and content["formula_units"] == 2
    assert "occupancies of In are 0.98" in notes[0]


@pytest.mark.parametrize(("rows", "words"), [
    ("", "cannot be read as a CIF|holds no crystal"), ("garbage", "cannot be read|holds no"),
    (" Li Li1 0 0 0 1\n P P1 0.5 0.5 0.5 1\n", "no anion"),
    (HALIDE.replace("0.875", "0.2"), "sum to"), (HALIDE.replace(" Li ", " Al "), "mobile"),
])
def test_cifs_of_no_use_end_in_one_line(tmp_path, rows, words):
    group, number, cell, _ = GIVEN["halide"]
    with pytest.raises(HavenError, match=words) as caught:
        material_of(cif(tmp_path, group, number, cell, rows), Choice())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "entry", "atoms"), [
    ("li3incl6", "de5", {"Li": 6, "In": 2, "Cl": 12}),
    ("li3ycl6", "ei3", {"Li": 9, "Y": 3, "Cl": 18}),
])
def test_shipped_materials_are_what_the_command_makes_of_their_cifs(tmp_path, name, entry, atoms):
    done = subprocess.run(
        [sys.executable, str(ROOT / "bin" / "make_material.py"),
         str(ROOT / "tests" / "data" / f"obelix_{entry}.cif"), "--name", name, "--out",
         str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    made = yaml.safe_load((tmp_path / f"{name}.yml").read_text(encoding="utf-8"))
    shipped = yaml.safe_load(
        (ROOT / "assets" / "materials" / f"{name}.yml").read_text(encoding="utf-8"))
    assert {key: value for key, value in shipped.items() if key != "closest_angstrom"} == made
    material = load_material(ROOT / "assets" / "materials" / f"{name}.yml")
    assert not material.moments and not material.hubbard
    for occupancies in ("default", "free"):
        found, _ = draw_supercell(material, (1, 1, 1), occupancies, seed=1, sweeps=0)
        assert Counter(found.get_chemical_symbols()) == atoms


def test_a_material_file_is_checked_by_the_same_command(tmp_path):
    script, shipped = ROOT / "bin" / "make_material.py", ROOT / "assets" / "materials"
    wrong = tmp_path / "wrong.yml"
    wrong.write_text((shipped / "li3ycl6.yml").read_text().replace("Y: 3", "Y: 2"))
    for file, more, status, said in (
            (shipped / "li3ycl6.yml", (), 0, "Li3YCl6, 3 formula units a cell, mobile Li"),
            (shipped / "li3ycl6.yml", ("--mobile", "Li"), 2, "--mobile is for a CIF"),
            (wrong, (), 2, "charges of Li3YCl6 sum to -1")):
        done = subprocess.run([sys.executable, str(script), str(file), *more, "--out",
                               str(tmp_path / "out")], capture_output=True, text=True, check=False)
        assert done.returncode == status and said in done.stdout + done.stderr
    assert (tmp_path / "out" / "li3ycl6.png").stat().st_size > 1000
    assert not list((tmp_path / "out").glob("*.yml"))
