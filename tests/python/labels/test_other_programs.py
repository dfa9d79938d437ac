"""Legitimate labels of other programs come in whatever their wording; broken ones end in a line."""

from __future__ import annotations

import gzip
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from analytic import labelled
from ase.io import read
from others import write_deepmd
from outcars import outcar
from trained import MATERIAL

from haven.core.errors import HavenError
from haven.labels.importing import import_source, study_hubbard
from haven.labels.programs import open_output
from haven.labels.programs.espresso import (
    espresso_frames,
    espresso_hubbard,
    espresso_settings,
)
from haven.material.file import load_material
from haven.trajectory import vasprun

DATA = Path(__file__).resolve().parents[2] / "data"
CRYSTAL = load_material(MATERIAL)
METHANE = replace(CRYSTAL, composition={"C": 1, "H": 4}, charges={}, hubbard={}, moments={})
ESPRESSO = (DATA / "espresso_ch4.out").read_text()


@pytest.fixture
def folder(tmp_path) -> Path:
    return write_deepmd(tmp_path / "u4" / "system", labelled(1, 6, rattle=0.03), ["Li", "Ti", "Cl"])


def mixed(folder: Path) -> None:
    """Write a folder anew with mixed types: one type a place, the real ones by frame."""
    types = np.loadtxt(folder / "type.raw", dtype=int)
    np.save(folder / "set.000" / "real_atom_types.npy", np.tile(types, (6, 1)))
    (folder / "type.raw").write_text("0\n" * len(types))


def raw(folder: Path) -> None:
    """Write a folder anew as text."""
    for path in list((folder / "set.000").glob("*.npy")):
        values = np.load(path)
        np.savetxt(folder / f"{path.stem}.raw", values.reshape(len(values), -1), fmt="%.12f")
        path.unlink()
    (folder / "set.000").rmdir()


def single(folder: Path) -> None:
    """Keep one frame, its energy without a dimension, as DeePMD-kit's own examples have it."""
    for path in (folder / "set.000").glob("*.npy"):
        values = np.load(path)[:1]
        np.save(path, values.reshape(()) if path.stem == "energy" else values)


def kinds(folder: Path) -> None:
    (folder / "type_map.raw").write_text("Li1\nTi_up\nCL2\n")


@pytest.mark.parametrize("change", [lambda f: None, mixed, raw, single, kinds])
def test_deepmd_folders_of_every_kind_hold_the_same_frames(folder, tmp_path, change):
    change(folder)
    (file,) = import_source(folder, "u4/system", CRYSTAL, tmp_path)
    images = read(file, ":")
    assert len(images) == (1 if change is single else 6)
    for found, atoms in zip(images, labelled(1, 6, rattle=0.03), strict=False):
        assert found.get_chemical_symbols() == atoms.get_chemical_symbols()
        assert found.get_potential_energy() == pytest.approx(atoms.get_potential_energy())
        np.testing.assert_allclose(found.get_forces(), atoms.get_forces(), atol=1e-6)
        np.testing.assert_allclose(found.get_stress(), atoms.get_stress(), atol=1e-8)


def spoil(name: str, change):
    def act(folder: Path) -> None:
        path = folder / "set.000" / f"{name}.npy"
        np.save(path, change(np.load(path)))
    return act


@pytest.mark.parametrize(("change", "words"), [
    (spoil("force", lambda f: f[:, :-3]), "force has .* numbers, 6 frames of 20 atoms need 360"),
    (spoil("box", lambda f: f[:3]), "box has 27 numbers"),
    (spoil("energy", lambda f: f[:2]), "energy has 2 numbers"),
    (spoil("coord", lambda f: np.array([["a"]])), r"coord\.npy cannot be read"),
    (spoil("energy", lambda f: np.array([{"a": 1}], dtype=object)), r"energy\.npy cannot be read"),
    (lambda f: (f / "set.000" / "coord.npy").unlink(), r"has no coord\.npy"),
    (lambda f: (f / "set.000" / "box.npy").unlink(), r"has no box\.npy"),
    (lambda f: (f / "set.000" / "box.npy").write_bytes(b"\x93NUMPY"), r"box\.npy cannot be read"),
    (lambda f: (f / "type.raw").write_text("Li Ti"), r"type\.raw must hold a whole number"),
    (lambda f: (f / "type.raw").write_text(""), r"type\.raw must hold a whole number"),
    (lambda f: (f / "type.raw").write_text("-1 0"), r"type\.raw must hold a whole number"),
    (lambda f: (f / "type_map.raw").write_text("Qq\n"), "no element"),
    (lambda f: (f / "type_map.raw").write_text("Li Li Cl\n"), "names Li twice"),
    (lambda f: (f / "nopbc").write_text(""), "not periodic"),
])
def test_a_broken_deepmd_folder_ends_in_one_line(folder, tmp_path, change, words):
    change(folder)
    with pytest.raises(HavenError, match=f"u4/system.*{words}") as caught:
        import_source(folder, "u4/system", CRYSTAL, tmp_path)
    assert "\n" not in str(caught.value)


def imported(text: str, tmp_path: Path) -> list:
    (tmp_path / "pw.out").write_text(text)
    (file,) = import_source(tmp_path / "pw.out", "run/pw.out", METHANE, tmp_path)
    return read(file, ":")


def test_espresso_is_read_without_its_bands(tmp_path):
    at = ESPRESSO.find("number of k points")
    end = ESPRESSO.find("\n\n", at)
    text = ESPRESSO[:at] + ESPRESSO[end:] if at >= 0 else ESPRESSO
    (plain,), (bare,) = imported(ESPRESSO, tmp_path), (None,)
    (tmp_path / "run_pw.u0.extxyz").unlink()
    (bare,) = imported(text, tmp_path)
    assert bare.get_potential_energy() == plain.get_potential_energy()


def relaxed_cell() -> str:
    """An output of one step, which names cell and sites again, as that of a relaxed cell does."""
    text = (DATA / "espresso_ch4.out").read_text()
    axes = re.findall(r"^ *a\(\d\) = .*\n", text, re.M)
    sites = re.findall(r"^.*tau\(.*\n", text, re.M)
    again = "     A final scf calculation at the relaxed structure.\n"
    return text.replace("     init_run", again + "".join([*axes, *sites, *sites])
                        + "     init_run", 1)


def test_espresso_of_a_relaxed_cell_names_its_atoms_again(tmp_path):
    path = tmp_path / "vcrelax.out"
    path.write_text(relaxed_cell())
    assert path.read_text() != (DATA / "espresso_ch4.out").read_text()
    plain = import_source(DATA / "espresso_ch4.out", "a", METHANE, tmp_path)
    same = import_source(path, "b", METHANE, tmp_path)
    for one, other in zip(read(plain[0], ":"), read(same[0], ":"), strict=True):
        assert one.get_potential_energy() == other.get_potential_energy()
        assert (one.positions == other.positions).all()
    lines = relaxed_cell().splitlines(keepends=True)
    for mark in ("a(2)", "tau(   3)"):  # lost or doubled in the later list
        last = max(n for n, line in enumerate(lines) if mark in line)
        for spoilt in (lines[:last] + lines[last + 1:], lines[:last] + lines[last:last + 1] * 2
                       + lines[last + 1:]):
            path.write_text("".join(spoilt))
            with pytest.raises(HavenError, match="are due, in their order"):
                import_source(path, "c", METHANE, tmp_path)


def test_forces_belong_to_the_last_energy_before_them():
    """With exact exchange each outer step prints a total energy; the forces come after the last."""
    at = ESPRESSO.index("!    total energy")
    end = ESPRESSO.index("\n", at)
    line = ESPRESSO[at:end]
    first = line.replace(line.split("=")[1].split()[0], "-99.00000000")
    (plain,) = espresso_frames(ESPRESSO)
    (found,) = espresso_frames(ESPRESSO[:at] + first + "\n\n" + ESPRESSO[at:])
    assert found.get_potential_energy() == pytest.approx(plain.get_potential_energy())


def test_espresso_that_was_killed_gives_its_whole_steps(tmp_path, caplog):
    text = ESPRESSO[: ESPRESSO.index("JOB DONE") - 20]
    assert len(imported(text, tmp_path)) == 1
    assert "quantum espresso did not end; its 1 whole steps are taken" in caplog.text


@pytest.mark.parametrize(("extra", "acting"), [
    ("     The Hubbard contrib.    to forces\n     atom 1 force = 0.0\n", {}),
    ("     hubbard stress (kbar)   0.00  0.00  0.00\n", {}),
    ("     Hubbard energy  =  0.00000 Ry\n", {}),
    ("     Hubbard energy  =  0.40000 Ry\n", None), ("     U(Ti-3d) =  4.0000\n", {"Ti": 4}),
    ("     U(Fe1-3d) =  4.0000\n     Hubbard energy  =  0.40000 Ry\n", {"Fe": 4}),
])
def test_u_of_espresso_is_not_guessed_from_a_list_of_terms(tmp_path, extra, acting):
    (tmp_path / "pw.out").write_text(ESPRESSO.replace("Program PWSCF", "Program PWSCF ", 1) + extra
                                     + "JOB DONE\n")
    output = open_output(tmp_path / "pw.out", "pw.out")
    assert output is not None and [run.hubbard for run in output.runs] == [acting]


@pytest.mark.parametrize(("told", "u_ev"), [
    ({"Ni": 6.2, "Mn": 3.9}, 6.2), ({"Ni": 3.1, "Mn": 1.95}, 3.1), ({"Ni": 6.2}, None),
    ({"Ni": 6.2, "Mn": 6.2}, None), ({"Ni": 6.2, "O": 2.0}, None), ({}, 0),
    ({"Ni": 1.0, "Mn": 0.629}, 1.0), ({"Ni": 6.2, "Mn": 3.9, "O": 2.0}, None),
])
def test_u_of_several_elements_is_that_of_the_material(told, u_ev):
    material = replace(CRYSTAL, hubbard={"Ni": "d", "Mn": "d"},
                       hubbard_share={"Ni": 1.0, "Mn": 3.9 / 6.2})
    expected = None if u_ev is None else pytest.approx(u_ev)
    assert study_hubbard(told, ("Ni", "Mn", "O"), material) == expected
    if u_ev:  # a frame of some elements holds their part
        assert study_hubbard({"Mn": told["Mn"]}, ("Mn", "O"), material) == expected


FE = "U(Fe1-3d) =  4.3000\n U(Fe2-3d) =  4.3000\n"
TABLE = ("     Simplified LDA+U calculation (l_max = 2) with parameters (eV):\n"
         "     atomic species    L          U    alpha       J0     beta\n"
         "        Fe1            2     4.3000   0.0000   {j0}   0.0000\n"
         "        Fe2            2     4.3000   0.0000   0.0000   0.0000\n\n")


@pytest.mark.parametrize(("text", "told"), [
    ("Hubbard projectors: atomic\n" + FE, {"Fe": 4.3}),
    (TABLE.format(j0="0.0000"), {"Fe": 4.3}), (TABLE.format(j0="1.0000"), None),
    ("Hubbard projectors\n" + FE + "  U(Ni-3d) = 6.2\n", {"Fe": 4.3, "Ni": 6.2}),
    ("Hubbard projectors\n" + FE.replace("Fe2-3d) =  4.3", "Fe2-3d) =  2.0"), None),
    ("Hubbard projectors\n" + FE + "  U(Fe1-3p) = 2.0\n", None),
    ("Hubbard projectors\n" + FE + "  J0(Fe1-3d) = 1.0\n", None),
    ("Reading Hubbard V parameters from the input...\n" + FE, None),
    ("Orbital-resolved Hubbard parameters in eV:\n U(Co-3d)\n", None),
    ("     The Hubbard contrib.    to forces\n     Hubbard energy  =   0.00000000 Ry\n", {}),
])
def test_u_of_espresso_is_read_in_every_wording_or_left_open(text, told):
    assert espresso_hubbard(text) == told


def test_a_run_with_a_u_that_its_text_leaves_open_is_never_filed_as_zero(tmp_path):
    text = ESPRESSO.replace("     init_run", "Reading Hubbard V parameters\n     init_run", 1)
    assert text != ESPRESSO
    (tmp_path / "pw.out").write_text(text)
    with pytest.raises(HavenError, match=r"Hubbard U .*its name says 0: move it into a folder"):
        import_source(tmp_path / "pw.out", "u0/pw.out", METHANE, tmp_path)
    with pytest.raises(HavenError, match="does not say its Hubbard U"):
        import_source(tmp_path / "pw.out", "run/pw.out", METHANE, tmp_path)
    (file,) = import_source(tmp_path / "pw.out", "u4/pw.out", METHANE, tmp_path)
    assert file.name.endswith(".u4.extxyz")


@pytest.mark.parametrize("line", [
    "     Message from routine read_cards :\n     ATOMIC_POSITIONS: units set to alat\n",
    "     DEPRECATED: no units specified in CELL_PARAMETERS card\n\n",
    "     Elect  -0.0 -0.0 -0.0 au (Ha),  -0.0 -0.0 -0.0 Debye\n",
])
def test_words_of_espresso_about_a_card_are_no_card(tmp_path, line):
    (plain,) = imported(ESPRESSO, tmp_path)
    (tmp_path / "run_pw.u0.extxyz").unlink()
    (same,) = imported(ESPRESSO.replace("     init_run", line + "     init_run", 1),
                       tmp_path)
    assert (same.positions == plain.positions).all() and (same.cell.array == plain.cell.array).all()
    assert same.get_potential_energy() == plain.get_potential_energy()


@pytest.mark.parametrize(("line", "name"), [
    ("     Parameters for Dispersion (Grimme-D2) Correction:", "DFT-D2"),
    ("     Parameters for DFT-D3 Dispersion Correction:", "DFT-D3"),
    ("   TS-vdW initialization", "Tkatchenko-Scheffler"), ("* XDM dispersion", "XDM"), ("", "none"),
])
def test_dispersion_of_espresso_is_a_setting_of_its_labels(line, name):
    assert espresso_settings(f"a\n{line}\nb")["dispersion"] == name


CP2K = (DATA / "cp2k_h2.out").read_text()
HYDROGEN = replace(METHANE, composition={"H": 1})


def cp2k(text: str, tmp_path: Path) -> list:
    (tmp_path / "c.out").write_text(text)
    for old in tmp_path.glob("*.extxyz"):
        old.unlink()
    (file,) = import_source(tmp_path / "c.out", "c.out", HYDROGEN, tmp_path)
    return read(file, ":")


def test_the_last_of_several_runs_of_cp2k_is_read(tmp_path):
    """A run that died and its restart write into one output; dpdata joined their cells."""
    (plain,) = cp2k(CP2K, tmp_path)
    died = CP2K[:CP2K.index("ENERGY| Total")].rpartition("\n")[0] + "\n"
    (same,) = cp2k(died + CP2K, tmp_path)
    assert same.get_potential_energy() == plain.get_potential_energy()
    np.testing.assert_array_equal(same.cell.array, plain.cell.array)
    np.testing.assert_array_equal(same.get_forces(), plain.get_forces())


def test_cp2k_names_elements_beside_its_kinds(tmp_path):
    table = re.compile(r"(?m)^( +\d+ +\d+ +)H( +)1( )")
    assert len(table.findall(CP2K)) >= 2
    named = re.sub(r"(?m)^(.*Atomic kind: )H ", r"\1Osurf ", CP2K)
    assert named != CP2K
    (atoms,) = cp2k(named, tmp_path)
    assert set(atoms.get_chemical_symbols()) == {"H"}
    with pytest.raises(HavenError, match="has element H, number 2"):
        cp2k(table.sub(r"\1H\g<2>2\3", CP2K), tmp_path)


def test_many_steps_of_cp2k_in_one_text_are_refused_by_their_name(tmp_path):
    line = " GLOBAL| Run type                                                        GEO_OPT\n"
    text = re.sub(r"(?m)^ GLOBAL\| Run type.*\n", "", CP2K)
    with pytest.raises(HavenError, match="run type GEO_OPT, of many steps"):
        cp2k(text.replace(" GLOBAL|", line + " GLOBAL|", 1), tmp_path)


FOREIGN = {
    "aims.out": b"          Invoking FHI-aims ...\n", "run.castep": b"  CASTEP version 19.1\n",
    "running_scf.log": b"\n           ABACUS v3.4.2\n", "RUN.out": b"Siesta Version  : v4.1\n",
    "new.out": b"Executable      : siesta\n", "run.abo": b".Version 9.6.2 of ABINIT \n",
    "jdftx.out": b"\n*************** JDFTx 1.7.0 (git hash 6a) ***************\n",
    "train.cfg": b"BEGIN_CFG\n Size\n    2\n", "input.data": b"begin\ncomment x\nlattice 1 0 0\n",
    "old.data": b"# made by x\nbegin\nlattice 1 0 0\n", "calc.db": b"SQLite format 3\x00\x10\x00",
    "vaspout.h5": b"\x89HDF\r\n\x1a\n\x00", "frames.pckl.gzip": gzip.compress(b"\x80\x04\x95abc"),
    "data-file-schema.xml": b'<?xml version="1.0"?>\n<qes:espresso xmlns:qes="x">\n',
    "ML_AB": b" 1.0 Version\n*****\n", "MOVEMENT": b"  24 atoms,Iteration (fs) = 0.1\n",
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_format_that_is_not_read_is_named_with_the_way_out(tmp_path, name):
    (tmp_path / name).write_bytes(FOREIGN[name])
    with pytest.raises(HavenError, match=rf"runs/{re.escape(name)} is taken for .*which is not "
                       r"read: convert it \(.{10,}\)") as caught:
        import_source(tmp_path / name, f"runs/{name}", METHANE, tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"slurm job 12 ended\n", b"", b"\x00\x01\x02", b"1.5 2.5\n"])
def test_what_is_no_output_is_passed_over_in_a_search_and_refused_by_name(tmp_path, content):
    (tmp_path / "job.log").write_bytes(content)
    given = (tmp_path / "job.log", "runs/job.log", METHANE, tmp_path)
    assert import_source(*given, searched=True) == []
    with pytest.raises(HavenError, match=r"runs/job\.log is no output of a program that is known: "
                       "give an OUTCAR or vasprun.xml"):
        import_source(*given)


def atoms_of(symbol: str, title: str, mass: float, count: int = 1) -> str:
    """Return a vasprun.xml's list of atoms, of one kind."""
    rows = f"<rc><c>{symbol}</c><c>   1</c></rc>" * count
    return (f'<atominfo><array name="atoms"><set>{rows}'
            f'</set></array><array name="atomtypes"><set><rc><c>   {count}</c><c>{symbol}</c>'
            f"<c>    {mass:.8f}</c><c>   8.00000000</c><c> {title}   </c></rc></set></array>"
            "</atominfo>")


@pytest.mark.parametrize(("symbol", "title", "mass", "element"), [
    ("X ", "PAW_PBE Xe 07Sep2000", 131.294, "Xe"),
    ("r ", "PAW_PBE Zr_sv_GW 05Dec2013", 91.224, "Zr"),
    ("r ", "PAW Zr 05Dec2013", 91.224, "Zr"), ("Fe", "PAW_PBE Fe_pv 02Aug2007", 55.847, "Fe"),
    ("Li", "PAW_PBE Li_sv_GW 25Mar2010", 7.01, "Li"), ("X ", "PAW_PBE Xe 07Sep2000", 91.224, None),
    ("r ", "Zirconium", 91.224, None), ("??", "PAW_PBE 07Sep2000", 10.0, None),
])
def test_elements_that_vasp_abbreviates_have_their_names(symbol, title, mass, element):
    """Real ones: pymatgen's vasprun.xe.xml is of ``X``; its reader knows ``r`` for zirconium."""
    text = atoms_of(symbol, title, mass, 2)
    if element is None:
        with pytest.raises(HavenError, match=f"an atom is of '{re.escape(symbol.strip())}', which "
                           "is no element"):
            vasprun.named_elements(text)
    else:
        found = vasprun.named_elements(text)
        assert re.findall(r"<rc><c>([^<]*)</c><c>   1</c></rc>", found) == 2 * [
            symbol if symbol == element else element]


@pytest.mark.parametrize("where", ["calculation", "end"])
def test_bands_of_a_vasprun_are_left_out_and_nothing_else_is(where):
    step = "<calculation><energy>1</energy>{}<structure>2</structure></calculation>"
    bands = ("<projected><eigenvalues><array>5</array></eigenvalues><array>6</array></projected>"
             '<dos comment="x"><i>3</i></dos><eigenvalues>4</eigenvalues>')
    text = f"<modeling>{step.format(bands)}{step.format(bands)}</modeling>"
    assert vasprun.without_bands(text) == f"<modeling>{step.format('') * 2}</modeling>"
    # a block that does not end in its step, as damage leaves it, takes no step with it
    damaged = text.replace("</dos>", "", 1)
    kept = vasprun.without_bands(damaged)
    assert kept.count("<structure>2</structure>") == 2 and "<dos" in kept
    with pytest.raises(HavenError, match="the XML is damaged"):
        vasprun.check_vasprun(kept)


def test_atoms_inside_one_another_are_named_in_place_of_their_stress(tmp_path):
    """pymatgen's OUTCAR.lepsilon: atoms 0.43 Angstrom apart, 625 eV/Angstrom, 1220 GPa."""
    text = outcar([(3, 1e-7)])
    near = text.replace("2.50000      2.50000      2.50000        -0.100000",
                        "0.00000      0.25000      0.25000      -624.981935")
    near = re.sub(r"(?m)^  in kB .*$", "  in kB   11220.27506 11220.27506 11220.27506 12188.34095 "
                  "12188.34095 12188.34095", near)
    assert near != text
    (tmp_path / "OUTCAR").write_text(near)
    with pytest.raises(HavenError, match=r"frame 0: two atoms stand 0\.\d+ Angstrom apart, with "
                       r"forces of 625 eV/Angstrom and a stress of 1\.22e\+03 GPa: correct the "):
        import_source(tmp_path / "OUTCAR", "OUTCAR",
                      replace(CRYSTAL, composition={"Li": 1, "Cl": 1}), tmp_path)


@pytest.mark.parametrize(("kinds", "elements"), [
    (("C1", "H"), "CH4"), (("C_up", "H"), "CH4"), (("C-1", "h2"), "CH4"), (("c", "H1"), "CH4")])
def test_kinds_of_espresso_are_their_elements(tmp_path, kinds, elements):
    text = ESPRESSO
    for symbol, kind in zip("CH", kinds, strict=True):
        text = re.sub(rf"(?m)^(\s+\d+\s+){symbol}(?=\s+tau\()", rf"\g<1>{kind}", text)
        text = re.sub(rf"(?m)^(\s+){symbol}(?=\s+\d\.\d\d\s+1\.0)", rf"\g<1>{kind}", text)
    assert all(len(re.findall(rf"(?m)^\s+(?:\d+\s+)?{kind}\s", text)) > 1 for kind in kinds)
    (tmp_path / "scf.out").write_text(text)
    (file,) = import_source(tmp_path / "scf.out", "u0/scf.out", METHANE, tmp_path)
    (atoms,) = read(file, ":")
    assert atoms.get_chemical_formula() == elements


def test_a_zero_byte_in_the_head_makes_no_output_another_file(tmp_path):
    """Real OUTCARs of VASP without MPI have some."""
    text = outcar([(3, 1e-7)]).replace(" executed on", "\0\0 executed on", 1)
    (tmp_path / "OUTCAR").write_text(text)
    (file,) = import_source(tmp_path / "OUTCAR", "OUTCAR",
                            replace(CRYSTAL, composition={"Li": 1, "Cl": 1}), tmp_path)
    assert len(read(file, ":")) == 1


def test_a_cell_of_cp2k_that_is_printed_again_is_one_cell(tmp_path):
    (plain,) = cp2k(CP2K, tmp_path)
    cells = "".join(re.findall(r"(?m)^ *CELL\| Vector [abc].*\n", CP2K)[:3])
    assert cells
    at = CP2K.rindex(cells.splitlines(keepends=True)[-1]) + len(cells.splitlines(keepends=True)[-1])
    (same,) = cp2k(CP2K[:at] + cells + CP2K[at:], tmp_path)
    np.testing.assert_array_equal(same.cell.array, plain.cell.array)
    assert same.get_potential_energy() == plain.get_potential_energy()
