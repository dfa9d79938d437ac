"""CIFs of every style are read as the crystal they mean; what they leave open is refused.

The spinel LiMn2O4 (F d -3 m, origin 2), rutile and rock salt stand for any crystal; their files are
written here in the styles of ICSD, COD, AMCSD, pymatgen and others.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import spglib

from haven.core.errors import HavenError
from haven.material.cif.choices import Choice
from haven.material.cif.operators import operators_of
from haven.material.cif.reading import read_cif
from haven.material.cif.species import species_of
from haven.material.cif.written import write_material
from haven.material.disorder import draw_supercell
from haven.material.file import load_material

SPINEL = "Li Li1 0.125 0.125 0.125 1\nMn Mn1 0.5 0.5 0.5 1\nO O1 0.2633 0.2633 0.2633 1\n"
COLUMNS = ("type_symbol", "label", "fract_x", "fract_y", "fract_z", "occupancy")
CELL = {"length_a": "8.245", "length_b": "8.245", "length_c": "8.245", "angle_alpha": "90",
        "angle_beta": "90", "angle_gamma": "90"}
HM, NUMBER = "_symmetry_space_group_name_H-M", "_symmetry_Int_Tables_number"


def operators(hall: int) -> str:
    """Return the operators of a setting of spglib's table as a CIF lists them."""
    found = spglib.get_symmetry_from_database(hall)
    assert found is not None
    lines = []
    for rotation, shift in zip(found["rotations"], found["translations"], strict=True):
        parts = ["".join(f"{'-+'[int(c > 0)]}{a}" for c, a in zip(row, "xyz", strict=True) if c)
                 + (f"+{round(12 * t)}/12" if t else "")
                 for row, t in zip(rotation, shift, strict=True)]
        lines.append(f"'{', '.join(parts)}'")
    return "loop_\n_symmetry_equiv_pos_as_xyz\n" + "\n".join(lines) + "\n"


def written(folder: Path, symmetry: str, rows: str = SPINEL, columns=COLUMNS, more: str = "",
            **cell: str) -> Path:
    path = folder / "given.cif"
    text = "data_x\n" + "".join(f"_cell_{key} {value}\n" for key, value in {**CELL, **cell}.items())
    text += symmetry + more + "loop_\n" + "".join(f"_atom_site_{name}\n" for name in columns) + rows
    path.write_text(text)
    return path


def counts(path: Path) -> Counter:
    found: Counter = Counter()
    for site in read_cif(path).sites:
        for element, share in site.occupancy.items():
            found[element] += round(share * len(site.points), 4)
    return found


STYLES = {
    "operators alone": operators(526),
    "operators and a number": operators(526) + f"{NUMBER} 227\n",
    "a setting behind the symbol": f"{HM} 'F d -3 m :2'\n",
    "ICSD's Z": f"{HM} 'F d -3 m Z'\n{NUMBER} 227\n",
    "Hall's symbol": "_space_group_name_Hall '-F 4vw 2vw 3'\n_space_group_IT_number 227\n",
    "tags with dots": operators(526).replace("_symmetry_equiv_pos_as_xyz",
                                             "_space_group_symop.operation_xyz"),
    "old name alone": f"{HM} 'F d 3 m Z'\n",
    "old name": operators(526) + f"{HM} 'F d 3 m'\n",
    "lines of Windows": operators(526).replace("\n", "\r\n"),
}


@pytest.mark.parametrize("style", STYLES)
def test_a_crystal_is_the_same_in_every_style(tmp_path, style):
    path = written(tmp_path, STYLES[style])
    crystal = read_cif(path)
    assert crystal.number == 227
    assert counts(path) == {"Li": 8, "Mn": 16, "O": 32}
    lithium, manganese, oxygen = (site.points for site in crystal.sites)
    for one, other, length in ((manganese, oxygen, 1.96), (lithium, oxygen, 1.97)):
        step = one[:1] - other
        step -= np.round(step)
        assert np.linalg.norm(step @ crystal.cell, axis=1).min() == pytest.approx(length, abs=0.03)


@pytest.mark.parametrize("symmetry", [f"{HM} 'F d -3 m'\n", f"{NUMBER} 227\n"])
def test_an_origin_that_is_left_open_is_refused(tmp_path, symmetry):
    """ASE takes origin 1 then, which is another crystal."""
    with pytest.raises(HavenError, match=r"no operators of symmetry, and .* has two origins"):
        read_cif(written(tmp_path, symmetry))


@pytest.mark.parametrize(("rows", "columns", "found"), [
    ("CL1 0 0 0\nNA1 .5 .5 .5\n", ("label", "fract_x", "fract_y", "fract_z"), {"Cl": 4, "Na": 4}),
    ("Cl1- . . .\nNa1+ .5 .5 .5\n", ("type_symbol", "fract_x", "fract_y", "fract_z"),
     {"Cl": 4, "Na": 4}),
    ("CL Cl1 0 0 0 1\nNA Na1 1/2 1/2 0.5(2) 1.000(3)\n", COLUMNS, {"Cl": 4, "Na": 4}),
    ("ClX1 0 0 0\nNaM2 .5 .5 .5\n", ("label", "fract_x", "fract_y", "fract_z"),
     {"Cl": 4, "Na": 4}),
    ("? Cl1 0 0 0 .\n? Na1 .5 .5 .5 .\n", COLUMNS, {"Cl": 4, "Na": 4}),
    ("D D1 0 0 0 1\nLi Li1 .5 .5 .5 1\n", COLUMNS, {"H": 4, "Li": 4}),
    ("Cl Cl1 0 0 0\n 1 Na Na1 .5\n.5 .5 1 # a line of it\n", COLUMNS, {"Cl": 4, "Na": 4}),
    ("Fe Fe2+ 0 0 0 0.25\nFe Fe3+ 0 0 0 0.5\nO O1 .5 .5 .5 1\n", COLUMNS, {"Fe": 3, "O": 4}),
    ("Fe2+ Fe1 0 0 0 0.5\nMn3+ Mn1 0.001 0 0 0.5\nO2- O1 .5 .5 .5 1\n", COLUMNS,
     {"Fe": 2, "Mn": 2, "O": 4}),
])
def test_elements_and_occupancies_are_read_as_they_are_meant(tmp_path, rows, columns, found):
    assert counts(written(tmp_path, f"{HM} 'F m -3 m'\n", rows, columns)) == found


@pytest.mark.parametrize(("symbol", "found"), [
    ("Li", ("Li", None)), ("LI1+", ("Li", 1)), ("7Li", ("Li", None)), ("Li7", ("Li", None)),
    ("O-2", ("O", -2)), ("Mn3.5+", ("Mn", 3.5)), ("Fe++", ("Fe", 2)), ("Cl-", ("Cl", -1)),
    ("Li0+", ("Li", None)), ("H(SDS)", ("H", None)), ("Fe(III)", ("Fe", 3.2)), ("D", ("H", None)),
    ("?", ("Al", None)), ("Li/Na", "Li/Na names two elements: give a line for each"),
    ("Li0.5Na0.5", "names two elements"), ("(Li,Na)", "names two elements"),
    ("Fe/Mn/Co", "names several elements"), ("FeNi", "names two elements"),
    ("NH4", "NH4 is a group of atoms: list its atoms"), ("OH", "is a group"), ("H2O", "is a group"),
    ("PO4", "is a group"), ("OD-", "is a group"), ("CN", "is a group"), ("BH4", "is a group"),
    ("Li0.5", "is no element"), ("Vac", "is no element"),
])
def test_a_type_symbol_is_of_one_element(symbol, found):
    """The first of several was taken for all: Li/Na for lithium, NH4 for nihonium."""
    if isinstance(found, tuple):
        assert species_of(symbol, "AlT1", {"Fe(III)": 3.2}) == found
        return
    with pytest.raises(ValueError, match=found):
        species_of(symbol, "Li1", {})


@pytest.mark.parametrize(("symbol", "number"), [
    ("F m 3 m", 225), ("F d 3 m :2", 227), ("IA3D", 230), ("P m 3 m", 221), ("I m 3 m", 229),
    ("P n 3 m S", 224), ("P n 3 n :1", 222), ("P m 3 n", 223), ("F d 3 c Z", 228), ("F m 3 c", 226),
    ("P a 3", 205), ("I a 3", 206), ("Pm3", 200), ("F m 3", 202), ("F d 3 :1", 203), ("I m 3", 204),
    ("P n 3 :2", 201), ("I 41/a 3 2/d", 230), ("P 42/m 3 2/n", 223), ("P 2 3", 195),
])
def test_cubic_symbols_of_older_tables_have_no_bar(symbol, number):
    assert operators_of({HM.lower(): [symbol]}, 5 * np.eye(3))[2] == number


def test_atoms_that_are_all_listed_beside_a_symmetry_are_taken_once(tmp_path, caplog):
    faces = [(0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)]
    rows = [f"{one} {one}{n} {x + shift} {y} {z} 0.4\n" for one, shift in (("Cl", 0), ("Na", 0.5))
            for n, (x, y, z) in enumerate(faces)]
    for symmetry in (SALT, SALT + "_symmetry_equiv_pos_as_xyz 'x, y, z'\n"):
        caplog.clear()
        path = written(tmp_path, symmetry, "".join(rows))
        assert counts(path) == {"Cl": 1.6, "Na": 1.6} and "every atom" in caplog.text
    for other in (rows[:-1], [*rows[:-1], rows[-1].replace("Na", "K")]):
        path = written(tmp_path, SALT, "".join(other).replace("0.4", "1"))
        with pytest.raises(HavenError, match=r"Cl0 and Cl1 are images .*\(F m -3 m\).*write P 1"):
            read_cif(path)


def test_a_rhombohedral_cell_is_known_by_its_angles(tmp_path):
    rows = "Li Li1 0 0 0.5 1\nCo Co1 0 0 0 1\nO O1 0 0 0.2398 1\n"
    path = written(tmp_path, f"{HM} 'R -3 m'\n", rows, length_a="2.8166", length_b="2.8166",
                   length_c="14.052", angle_gamma="120")
    assert counts(path) == {"Li": 3, "Co": 3, "O": 6}
    rows = "Li Li1 .5 .5 .5 1\nCo Co1 0 0 0 1\nO O1 .2398 .2398 .2398 1\n"
    cell = dict.fromkeys(("length_a", "length_b", "length_c"), "4.958") | dict.fromkeys(
        ("angle_alpha", "angle_beta", "angle_gamma"), "32.99")
    assert counts(written(tmp_path, f"{HM} 'R -3 m'\n", rows, **cell)) == {
        "Li": 1, "Co": 1, "O": 2}


SALT = f"{HM} 'F m -3 m'\n"
ROWS = "Cl Cl1 0 0 0 1\nNa Na1 .5 .5 .5 1\n"


@pytest.mark.parametrize(("symmetry", "rows", "more", "words"), [
    (SALT, "Wat Wat 0 0 0 1\n", "", "Wat is no element"),
    (SALT, "Li/Na Li1 0 0 0 1\n", "", "Li/Na names two elements"),
    (SALT, "Cl Cl1 ? 0 0 1\nNa Na1 0 0 0 1\n", "", "a coordinate of Cl1 is unknown"),
    (SALT, "Cl Cl1 x 0 0 1\n", "", "a coordinate of Cl1 is x, which is no number"),
    (SALT, "Cl Cl1 0 0 0 ?\n", "", "the occupancy of Cl1 is unknown"),
    (SALT, "Cl Cl1 0 0 0 -1\n", "", "occupancy -1: it must be above 0"),
    (SALT, "Cl Cl1 0 0 0 0.8\nNa Na1 0 0 0 0.5\n", "", "is filled 1.3 times"),
    (SALT, "Cl Cl1 0 0 0 1\nNa Na1 .5 .5 .5\n", "", "11 values for 6 columns"),
    (SALT, ROWS, "_chemical_formula_sum 'K Cl'\n", "hold Na, which its formula"),
    (SALT, ROWS, "_chemical_formula_sum 'Na Cl O'\n", "no site holds O of its formula"),
    (f"{HM} 'P 4/m'\n", ROWS, "_cell_length_a 5\n", "_cell_length_a stands twice"),
    (f"{HM} 'P 6/m'\n", ROWS, "", "is not that of its cell"),
    (f"{HM} 'Q 5 z'\n", ROWS, "", "is none of the 230"),
    ("loop_\n_symmetry_equiv_pos_as_xyz\n'x,y,z'\n'x,y,q'\n", ROWS, "", "no operator of symmetry"),
    ("loop_\n_symmetry_equiv_pos_as_xyz\n'x,y,z'\n'x,x,z'\n", ROWS, "", "no operator of symmetry"),
    ("", ROWS + "data_other\nloop_\n_atom_site_fract_x\n0\n", "", "holds 2 crystals .x, other"),
    ("stray words\n", ROWS, "", "'stray' stands where a tag is due"),
    ("_symmetry_cell_setting\n", ROWS, "", "_symmetry_cell_setting has no value"),
])
def test_a_cif_that_leaves_a_number_open_is_refused(tmp_path, symmetry, rows, more, words):
    with pytest.raises(HavenError, match=words) as caught:
        read_cif(written(tmp_path, symmetry, rows, more=more))
    assert "\n" not in str(caught.value)


def test_multiplicities_are_held_against_the_symmetry(tmp_path):
    columns = (*COLUMNS, "symmetry_multiplicity")
    for both, wrong in (((4, 4), False), ((48, 48), False), ((1, 1), False), ((4, 8), True)):
        rows = f"Cl Cl1 0 0 0 1 {both[0]}\nNa Na1 .5 .5 .5 1 {both[1]}\n"
        path = written(tmp_path, SALT, rows, columns)
        if wrong:
            with pytest.raises(HavenError, match="multiplicity 8 has 4 images"):
                read_cif(path)
        else:
            assert counts(path) == {"Cl": 4, "Na": 4}


def test_macromolecules_and_molecules_are_no_crystals(tmp_path):
    path = tmp_path / "m.cif"
    path.write_text("data_1ABC\nloop_\n_atom_site.id\n_atom_site.Cartn_x\n1 0.5\n2 0.7\n")
    with pytest.raises(HavenError, match="holds no crystal: its atoms are in Angstrom"):
        read_cif(path)


@pytest.mark.parametrize(("rows", "choice", "repeat", "atoms"), [
    ("Li Li1 0.125 0.125 0.125 1\nCo Co1 0.5 0.5 0.5 0.4375\nMn Mn1 .5 .5 .5 0.5625\n"
     "O O1 0.2633 0.2633 0.2633 1\n", Choice(charges={"Co": 3}),
     (1, 1, 1), {"Li": 8, "Co": 7, "Mn": 9, "O": 32}),
    ("Li Li1 0.125 0.125 0.125 1\nTi Ti1 0.5 0.5 0.5 0.835\nLi Li2 0.5 0.5 0.5 0.165\n"
     "O O1 0.2633 0.2633 0.2633 1\n", Choice(), (3, 1, 1),
     {"Li": 32, "Ti": 40, "O": 96}),
])
def test_charges_and_occupancies_of_few_digits_build(tmp_path, rows, choice, repeat, atoms):
    """Co and Mn leave Mn a charge of many digits; Li and Ti are rounded in the CIF."""
    path = write_material(written(tmp_path, STYLES["operators alone"], rows), choice, tmp_path)
    found, _ = draw_supercell(load_material(path), repeat, "free", seed=1, sweeps=0)
    assert Counter(found.get_chemical_symbols()) == atoms


@pytest.mark.parametrize(("tag", "damaged"), [
    ("_atom_site_fract_z", "_atom_site_frac_z"), ("_atom_site_fract_z", "_other_z"),
    ("_atom_site_occupancy", "_atom_site_ocupancy"),
    ("_atom_site_type_symbol", "_atom_site_type_symbal"), (" 90\n", " 90\x1c\n"),
])
def test_a_damaged_tag_or_letter_never_changes_the_crystal(tmp_path, tag, damaged):
    path = written(tmp_path, SALT, ROWS)
    path.write_text(path.read_text().replace(tag, damaged, 1))
    with pytest.raises(HavenError, match=r"is nearly|have no _atom_site|holds the letter"):
        read_cif(path)


def test_of_a_mobile_anion_the_cations_are_the_host(tmp_path):
    rows = "Ce Ce1 0 0 0 0.8\nGd Gd1 0 0 0 0.2\nO O1 .25 .25 .25 0.95\n"
    cell = dict.fromkeys(("length_a", "length_b", "length_c"), "5.42")
    path = write_material(written(tmp_path, SALT, rows, **cell),
                          Choice(mobile="O", charges={"Ce": 4}), tmp_path)
    material = load_material(path)
    assert material.mobile == "O"
    found, _ = draw_supercell(material, (5, 1, 1), "default", seed=1, sweeps=0)
    assert Counter(found.get_chemical_symbols()) == {"Ce": 16, "Gd": 4, "O": 38}


@pytest.mark.parametrize(("symmetry", "words"), [
    ("_space_group_name_Hall '-F 4 2 9'\n", "its Hall symbol -F 4 2 9 is not known"),
    ("_space_group_name_Hall 'P 1'\n" + f"{NUMBER} 227\n", "of space group 1, but it names 227"),
    (f"{HM} 'F m -3 m'\n{NUMBER} 12\n", "of space group 225, but it names 12"),
    (operators(523) + f"{NUMBER} 227\n", "of space group 225, but it names 227"),
    (operators(526) + f"{HM} 'F m -3 m'\n", "of space group 227, but it names F m -3 m"),
    (operators(526) + "_space_group_name_Hall '-F 4 2 3'\n", "but it names -F 4 2 3"),
    ("", "it says nothing of its symmetry: add _space_group_name_H-M_alt, 'P 1'"),
    ("_space_group_magn.name_BNS 'F d -3 m'\n", "it is a magnetic CIF"),
    ("loop_\n_symmetry_equiv_pos_as_xyz\n'-x,-y,-z'\n'x+1/2,y+1/2,z'\n", "are no group"),
    (operators(526).replace("'+x, +y, +z'\n", "", 1), "its 191 operators of symmetry are no group"),
    ("loop_\n_symmetry_equiv_pos_as_xyz\n" + "'x,y,z'\n" * 800, "no cell has more than"),
])
def test_a_symmetry_that_contradicts_itself_is_refused(tmp_path, symmetry, words):
    with pytest.raises(HavenError, match=words) as caught:
        read_cif(written(tmp_path, symmetry))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("line", [0, 1, 7, 100, 191])
@pytest.mark.parametrize("change", ["lost", "another"])
def test_an_operator_that_is_lost_or_damaged_is_seen(tmp_path, line, change):
    lines = operators(526).split("\n")
    lines[2 + line] = "'x+1/24, y, z'" if change == "another" else ""
    with pytest.raises(HavenError, match="are no group: one is lost, or wrong"):
        read_cif(written(tmp_path, "\n".join(lines)))


@pytest.mark.parametrize(("rows", "cell", "words"), [
    (SPINEL.replace("0.125 1", "1.03 1"), {}, None),
    (SPINEL.replace("0.125 1", "2.1 1"), {}, "is 2.1, which is no fraction"),
    (SPINEL.replace("0.125 1", "12.5 1"), {}, "no fraction of the cell: is it in Angstrom"),
    (SPINEL.replace("0.125 1", "1e99 1"), {}, "no fraction of the cell"),
    (SPINEL, {"length_a": "0.8245"}, "outside 1.5 to 200"),
    (SPINEL, {"length_a": "824.5"}, "outside 1.5 to 200"),
    ("".join(f"O O{n} 0.{n:04d} 0.1 0.2 0.001\n" for n in range(2000)), {},
     "at most 1000 and 20000"),
    ("".join(f"O O{n} 0.{n:04d} 0.1 0.2 0.001\n" for n in range(200)), {},
     "at most 1000 and 20000"),
])
def test_lengths_of_another_unit_and_sites_without_end_are_refused(tmp_path, rows, cell, words):
    path = written(tmp_path, operators(526), rows, **cell)
    if words is None:
        read_cif(path)
        return
    with pytest.raises(HavenError, match=words):
        read_cif(path)


def test_how_a_cif_is_encoded_changes_nothing_or_is_said(tmp_path):
    path = written(tmp_path, operators(526))
    whole, text = counts(path), path.read_text()
    for encoded in (text.encode("utf-8-sig"), text.replace("\n", "\r\n").encode("utf-8-sig"),
                    ("# M\xfcller\n" + text).encode("latin-1")):
        path.write_bytes(encoded)
        assert counts(path) == whole
    path.write_bytes(text.encode("utf-16"))
    with pytest.raises(HavenError, match="it is written in UTF-16: save it as UTF-8"):
        read_cif(path)
    path.write_text(text.replace("data_x\n", "data_x\n_publ_section_title\n;\n A crystal\n"))
    with pytest.raises(HavenError, match="which a ; begins, has no end"):
        read_cif(path)


@pytest.mark.parametrize(("more", "words"), [
    ("_cell_modulation_dimension 1\n", "it is modulated (_cell_modulation_dimension)"),
    ("_cell.modulation_dimension 2\n_space_group_ssg.name_WJJ x\n", "it is modulated"),
    ("_space_group_ssg_name 'Fd-3m(00g)'\n", "it is modulated (_space_group_ssg_name)"),
    ("loop_\n_cell_wave_vector_seq_id\n_cell_wave_vector_z\n1 0.31\n", "it is modulated"),
    ("loop_\n_space_group_symop_ssg_operation_algebraic\nx1,x2,x3,x4\n", "it is modulated"),
    ("_cell_subsystems_number 2\n", "it is modulated (_cell_subsystems_number)"),
    ("loop_\n_atom_site_displace_Fourier_atom_site_label\n_atom_site_displace_Fourier_axis\nO1 x\n",
     "waves that its average cell does not have"),
    ("loop_\n_atom_site_occ_Fourier_atom_site_label\nO1\n", "it is modulated"),
    ("_space_group_magn.number_BNS '227.131'\n", "it is a magnetic CIF"),
    ("loop_\n_space_group_symop_magn_operation.id\n_space_group_symop_magn_operation.xyz\n"
     "1 x,y,z,+1\n2 -x,-y,-z,-1\n", "give the CIF of the nuclear crystal"),
    ("_cell_volume 600.1\n", "its lengths and angles give 560.495 Angstrom^3"),
    ("_cell_volume big\n", "_cell_volume is big, which is no number"),
])
def test_crystals_that_are_more_or_other_than_their_sites_are_refused(tmp_path, more, words):
    """Each was read as its average, or as a crystal of its cell, without a word."""
    path = written(tmp_path, f"{HM} 'F d -3 m :2'\n", more=more)
    with pytest.raises(HavenError) as refused:
        read_cif(path)
    assert words in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize("more", [
    "_cell_modulation_dimension 0\n", "_cell_volume 560.5(3)\n", "_cell_volume ?\n",
    "_parent_space_group.name_H-M_alt 'F d -3 m'\n", "_pd_phase_name spinel\n",
    "loop_\n_atom_site_aniso_label\n_atom_site_aniso_U_11\nO1 0.01\nH9 0.02\n",
    "_shelx_hkl_file\n;\n 1 0 0 2.0\n_cell_length_a 9\n;\n",
])
def test_what_changes_no_crystal_is_passed_over(tmp_path, more):
    path = written(tmp_path, f"{HM} 'F d -3 m :2'\n", more=more)
    assert counts(path) == {"Li": 8, "Mn": 16, "O": 32}


def test_moments_beside_sites_are_said_to_be_left_out(tmp_path, caplog):
    path = written(tmp_path, f"{HM} 'F d -3 m :2'\n", more="loop_\n_atom_site_moment_label\n"
                   "_atom_site_moment_crystalaxis_z\nMn1 3.5\n")
    assert counts(path) == {"Li": 8, "Mn": 16, "O": 32}
    assert "moments of its sites" in caplog.text and "--moments" in caplog.text


def test_a_cell_of_several_measurements_is_refused(tmp_path):
    path = written(tmp_path, f"{HM} 'F d -3 m :2'\n")
    text = path.read_text().replace("_cell_length_a 8.245\n", "loop_\n_cell_length_a\n8.245\n8.3\n")
    path.write_text(text)
    with pytest.raises(HavenError, match="_cell_length_a has 2 values: keep the cell of one"):
        read_cif(path)


def test_blocks_of_one_name_stay_apart(tmp_path):
    """The second one's cell was taken for the first one's sites."""
    path = written(tmp_path, f"{HM} 'F d -3 m :2'\n")
    first = path.read_text()
    path.write_text(first + first.replace("8.245", "8.9"))
    with pytest.raises(HavenError, match="it holds 2 crystals"):
        read_cif(path)
    path.write_text(first + "data_x\n_cell_length_a 9.9\n_refln_index_h 1\n")
    assert read_cif(path).cell[0, 0] == pytest.approx(8.245)


def test_version_2_is_named_where_its_grammar_is_in_the_way(tmp_path):
    path = written(tmp_path, f"{HM} 'F d -3 m :2'\n", more="_list [1 2 3]\n")
    path.write_text("#\\#CIF_2.0\n" + path.read_text())
    with pytest.raises(HavenError, match=r"it is CIF 2\.0, .*save it as CIF 1\.1"):
        read_cif(path)


@pytest.mark.parametrize(("share", "refused", "said"), [
    ("1", True, ""), ("0.6", False, "1.2 atoms would be there at once"), ("0.5", False, "")])
def test_alternatives_that_are_all_there_are_refused(tmp_path, caplog, share, refused, said):
    rows = (f"Li Li1 0.125 0.125 0.125 1\nMn Mn1 0.5 0.5 0.5 {share}\nMn Mn2 0.54 0.5 0.5 {share}\n"
            "O O1 0.2633 0.2633 0.2633 1\n")
    path = written(tmp_path, f"{HM} 'P 1'\n", rows)
    if refused:
        with pytest.raises(HavenError, match=r"points of Mn 0\.33 Angstrom apart are both filled"):
            read_cif(path)
        return
    read_cif(path)
    assert said in caplog.text and bool(said) == bool(caplog.text)


@pytest.mark.parametrize(("formula", "said"), [
    ("Li Mn2 O4", ""), ("Li8 Mn16 O32", ""), ("Li1.05 Mn1.95 O4", ""),
    ("Li3 Mn2 O4", "hold 1 Li where its formula says Li3 Mn2 O4"),
    ("Li Mn2 O2", "hold 4 O where its formula says Li Mn2 O2"),
])
def test_sites_in_other_amounts_than_the_formula_are_named(tmp_path, caplog, formula, said):
    path = written(tmp_path, f"{HM} 'F d -3 m :2'\n", more=f"_chemical_formula_sum '{formula}'\n")
    read_cif(path)
    assert said in caplog.text and bool(said) == bool(caplog.text), caplog.text
