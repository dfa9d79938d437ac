"""Outputs of other programs come in as they are, or are refused by file and frame.

VASP's and GPAW's outputs are real ones that ASE ships; tests/data/README.md says where the others
are from. Methane, hydrogen and nickel stand for any material: their elements are named in the call.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import ase
import numpy as np
import pytest
from analytic import labelled
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write
from others import write_deepmd
from trained import MATERIAL, call

from haven.core.constants import EV_PER_ANGSTROM3_GPA
from haven.core.errors import HavenError
from haven.labels.frames.reading import read_folder
from haven.labels.importing import import_source, named_hubbard, plain_name
from haven.labels.programs import open_output
from haven.labels.programs.cp2k import cp2k_hubbard
from haven.labels.programs.espresso import espresso_hubbard
from haven.labels.programs.gpaw import gpaw_hubbard
from haven.labels.programs.vasp import hubbard_by_element, hubbard_of_xml
from haven.material.file import load_material
from haven.potential.dataset import choose_test

SHIPPED = Path(ase.__file__).parent / "test" / "testdata"
DATA = Path(__file__).resolve().parents[2] / "data"
CRYSTAL = load_material(MATERIAL)
RYDBERG, BOHR = 13.605693, 0.529177


def material_of(*elements: str):
    """Return the material with these elements in place of its own."""
    return replace(CRYSTAL, composition=dict.fromkeys(elements, 1))


def brought(path: Path, name: str, elements: tuple[str, ...], out: Path) -> list:
    (file,) = import_source(path, name, material_of(*elements), out)
    images: Any = read(file, ":")
    return images


@pytest.mark.parametrize(("path", "elements", "energy", "program"), [
    (SHIPPED / "vasp" / "OUTCAR_example_1", ("Ni",), -68.23102426, "vasp"),
    (SHIPPED / "vasp" / "vasprun_pstress.xml", ("C",), None, "vasp"),
    (SHIPPED / "gpaw_expected_text_output", ("H",), -6.707307, "gpaw"),
    (DATA / "espresso_ch4.out", ("C", "H"), -16.15 * RYDBERG, "quantum espresso"),
    (DATA / "cp2k_h2.out", ("H",), -7.364190264587725 * 2 * RYDBERG, "cp2k"),
])
def test_real_outputs_come_in_with_their_units(tmp_path, path, elements, energy, program):
    if program == "gpaw":  # a molecule, so its box says nothing of periods
        elements = ("H",)
    (atoms,) = brought(path, f"given/{path.name}", elements, tmp_path)
    assert atoms.info["engine"] == program and atoms.info["u_ev"] == 0
    assert atoms.get_forces().shape == (len(atoms), 3)
    if energy is not None:
        found = atoms.calc.results.get("free_energy", atoms.get_potential_energy())
        assert found == pytest.approx(energy, rel=1e-3)


def test_units_of_cp2k_are_converted(tmp_path):
    (atoms,) = brought(DATA / "cp2k_h2.out", "cp2k_h2.out", ("H",), tmp_path)
    hartree_bohr = 2 * RYDBERG / BOHR
    assert atoms.get_forces()[0, 0] == pytest.approx(-5.73440344e-2 * hartree_bohr, rel=1e-4)
    assert atoms.positions[1, 0] == pytest.approx(0.76)


@pytest.mark.parametrize("name", ["OUTCAR_example_1", "vasprun_pstress.xml"])
@pytest.mark.parametrize("share", [0.3, 0.5, 0.95])
def test_half_an_output_is_refused(tmp_path, name, share):
    text = (SHIPPED / "vasp" / name).read_text()
    path = tmp_path / name
    path.write_text(text[: int(share * len(text))])
    with pytest.raises(HavenError, match=rf"run/{name} is cut off: vasp did not end"):
        import_source(path, f"run/{name}", material_of("Ni", "C"), tmp_path)


def test_elements_of_another_material_are_refused_by_file_and_frame(tmp_path):
    with pytest.raises(HavenError, match="run/OUTCAR, frame 0: element Ni is not of the material"):
        import_source(SHIPPED / "vasp" / "OUTCAR_example_1", "run/OUTCAR", CRYSTAL, tmp_path)


def test_an_unconverged_step_is_marked_and_left_to_the_audit(tmp_path):
    text = (SHIPPED / "vasp" / "OUTCAR_example_1").read_text()
    path = tmp_path / "OUTCAR"
    path.write_text(text.replace("aborting loop because EDIFF is reached", "aborting loop"))
    (atoms,) = brought(path, "OUTCAR", ("Ni",), tmp_path)
    assert not atoms.info["converged"]


LDAU = ("\n LDA+U is selected, type is set to LDAUTYPE =  2\n"
        "   angular momentum for each species LDAUL =     2    1   -1\n"
        "   U (eV)           for each species LDAUU =   5.0  0.0  3.0\n"
        "   J (eV)           for each species LDAUJ =   1.0  0.0  0.0\n")
XML = ('<i type="logical" name="LDAU"> T  </i><v type="int" name="LDAUL"> -1 2</v>'
       '<v name="LDAUU">  3.0 4.0</v>')
ONE_U = re.sub(r"(?m)(LDAU[LUJ] = +\S+).*", r"\1", LDAU)  # of one species
SETUPS = ("  Ti:\n    name:    Titanium\n    Hubbard: {{U: {u},  # eV\n              l: 2,\n"
          "Cl-setup:\n  name: Chlorine\n")  # as new and old versions of GPAW write a setup


U_OF_CP2K = ("     A DFT+U correction is applied to atoms of this atomic kind:\n"
             "       U(eff) = (U - J) value in [eV]:                                     3.000\n")
KINDS = (f"  1. Atomic kind: Fe1    Number of atoms: 1\n{U_OF_CP2K}"
         f"  2. Atomic kind: Fe2    Number of atoms: 1\n{U_OF_CP2K}"
         "  3. Atomic kind: O      Number of atoms: 1\n"
         "       1     1 Fe  26    0.000000    0.000000    1.992808     16.00      55.8450\n"
         "       2     2 FE  26    0.000000    0.000000    8.878808     16.00      55.8450\n"
         "       3     3 O    8    0.000000    0.000000    4.878808      6.00      15.9990\n")


@pytest.mark.parametrize(("program", "text", "acting"), [
    ("vasp", LDAU, {"Ti": 4}), ("vasp", LDAU.replace("5.0", "1.0"), {}), ("vasp", "no U", {}),
    ("vasp", LDAU.replace("5.0  0.0", "5.0  3.0"), {"Ti": 4, "Cl": 3}),
    ("vasprun", XML, {"species 2": 4}), ("gpaw", SETUPS.format(u=4.0), {"Ti": 4}),
    ("gpaw", SETUPS.format(u=4.0).replace("Cl", "Ti"), None), ("gpaw", SETUPS.format(u=0), {}),
    ("gpaw", "setups: {Ti: :d,4.0}", None), ("gpaw", "Hubbard: {U: 4.0", None),
    ("espresso", "     U(Ti-3d) =  4.0000\n", {"Ti": 4}),
    ("espresso", "Simplified LDA+U calculation (l_max = 2)", None),
    ("espresso", "   1  Ti1  tau(\n   2  Ti2  tau(\n U(Ti1-3d) =  4.0000\n", None),
    ("cp2k", " DFT+U| method", None), ("cp2k", "", {}), ("cp2k", KINDS, {"Fe": 3}),
    ("cp2k", KINDS.replace("3.000", "2.000", 1), None),
])
def test_the_elements_that_u_acts_on_are_read_from_the_output(program, text, acting):
    assert {"vasp": lambda text: hubbard_by_element(text, ["Ti", "Cl", "Li"]),
            "vasprun": hubbard_of_xml, "gpaw": gpaw_hubbard, "espresso": espresso_hubbard,
            "cp2k": cp2k_hubbard}[program](text) == acting


def test_output_and_name_must_agree_on_u(tmp_path):
    source = SHIPPED / "vasp" / "OUTCAR_example_1"
    with pytest.raises(HavenError, match="u4/OUTCAR was computed with U = 0 eV, its name says 4"):
        import_source(source, "u4/OUTCAR", material_of("Ni"), tmp_path)
    path = tmp_path / "OUTCAR"
    path.write_text(source.read_text().replace(" Exchange correlation treatment",
                                               ONE_U + " Exchange correlation treatment", 1))
    nickel = replace(material_of("Ni"), hubbard={"Ni": "d"})
    (file,) = import_source(path, "u4/OUTCAR", nickel, tmp_path)
    assert file.name.endswith(".u4.extxyz")


@pytest.mark.parametrize(("name", "u_ev", "word"), [
    ("u4/run1/OUTCAR", 4, "run1"), ("mine/a.u2.5.extxyz", 2.5, "mine_a"),
    ("u0/deep/b.u4.traj", 4, "deep_b"), ("gpu4/x.xyz", None, "gpu4_x"),
    ("set/task.0001/OUTCAR", None, "set_task_0001"),
])
def test_names_tell_u_and_the_file_to_write(name, u_ev, word):
    assert named_hubbard(name) == u_ev and plain_name(name) == word


def bare(frames: list) -> list:
    for atoms in frames:
        atoms.info = {}
    return frames


def test_frames_that_nobody_gave_a_u_are_refused(tmp_path):
    write(tmp_path / "a.extxyz", bare(labelled(1, 3)))
    with pytest.raises(HavenError, match=r"data/a\.extxyz does not say its Hubbard U"):
        import_source(tmp_path / "a.extxyz", "data/a.extxyz", CRYSTAL, tmp_path)


def test_single_points_of_one_series_are_one_trajectory(tmp_path):
    frames = bare(labelled(1, 3))
    numbers = []
    for number, atoms in enumerate(frames):
        write(tmp_path / "one.extxyz", atoms)
        name = f"u4/task.{number:04d}/one.extxyz"
        (file,) = import_source(tmp_path / "one.extxyz", name, CRYSTAL, tmp_path)
        with pytest.raises(HavenError, match="are there already: rename one"):
            import_source(tmp_path / "one.extxyz", name, CRYSTAL, tmp_path)
        one: Any = read(file)
        info = one.info
        numbers.append((info["trajectory"], info["frame"]))
    assert numbers == [("task_N_one", n) for n in range(3)]


def test_numbers_of_several_places_stay_apart(tmp_path):
    write(tmp_path / "one.extxyz", bare(labelled(1, 1)))
    found = []
    for name in ("batch1/frame12", "batch11/frame2", "iter.000001/02.fp/task.001.000123"):
        (file,) = import_source(tmp_path / "one.extxyz", f"{name}/one.u4.extxyz", CRYSTAL, tmp_path)
        one: Any = read(file)
        found.append((one.info["trajectory"], one.info["frame"]))
    assert found == [("batchN_frameN_one", 1000012), ("batchN_frameN_one", 11000002),
                     ("iter_000001_N_fp_task_N_N_one", 2000001000123)]


def test_single_points_that_differ_in_numbers_alone_say_how_to_tell_their_runs_apart(tmp_path):
    """As DP-GEN's folders do; in folders of names of their own they are several trajectories."""
    write(tmp_path / "one.extxyz", bare(labelled(1, 1)))
    for runs, kinds in (("", 1), ("abc", 3)):
        out = tmp_path / f"out{runs}"
        out.mkdir()
        for number in range(6):
            run = f"run_{runs[number % 3]}/" if runs else ""
            import_source(tmp_path / "one.extxyz",
                          f"u4/{run}task.000.{number:06d}/one.extxyz", CRYSTAL, out)
        names = [str(read(file).info["trajectory"]) for file in sorted(out.iterdir())]
        assert len(set(names)) == kinds
        if kinds > 1:
            assert len(choose_test(names, names, 0.3, 0)) == 1
            continue
        with pytest.raises(HavenError, match=r"one trajectory \(task_N_N_one\): .*write trajectory="
                           "NAME .*, or give outputs of separate runs in folders whose names"):
            choose_test(names, names, 0.3, 0)


HARTREE = 27.211386245988


@pytest.mark.parametrize("stated", [
    {"energy_unit": "Hartree"}, {"energy_unit": "Hartree", "forces_unit": "Hartree/Bohr"},
    {"stress-unit": "kbar"}, {"virial": True, "virial_unit": "Hartree"}, {"pulay": 0.005},
    {"reference": True, "energy_unit": "Hartree", "forces_unit": "Hartree/Bohr"},
])
def test_units_that_a_header_states_are_converted_once(tmp_path, stated):
    given = [atoms for n in range(3) for atoms in labelled(n, 4, rattle=0.05)]
    pulay = stated.get("pulay", 0.0)
    for number, atoms in enumerate(given):
        stress = atoms.get_stress(voigt=False)
        results = {"energy": atoms.get_potential_energy(), "forces": atoms.get_forces(),
                   "stress": stress * (EV_PER_ANGSTROM3_GPA * 10 if "stress-unit" in stated else 1)}
        results["energy"] /= HARTREE if "energy_unit" in stated else 1
        results["forces"] /= HARTREE / BOHR if "forces_unit" in stated else 1
        other = Atoms(atoms.symbols, atoms.positions, cell=atoms.cell, pbc=True)
        other.info = {key: value for key, value in stated.items() if "unit" in key}
        if pulay:
            other.info["pulay_stress_ev_per_angstrom3"] = pulay
        if "virial" in stated:
            other.info["virial"] = -results.pop("stress") * atoms.get_volume() / HARTREE
        if "reference" in stated:
            other.info["REF_energy"] = results["energy"]
            other.arrays["REF_forces"] = results["forces"]
        other.calc = SinglePointCalculator(other, **results)
        write(tmp_path / f"a{number % 3}.u4.extxyz", other, append=True)
    out = tmp_path / "out"
    out.mkdir()
    for source in sorted(tmp_path.glob("*.extxyz")):
        import_source(source, source.name, CRYSTAL, out)
    found = read_folder(out, 4.0, CRYSTAL.species)
    for frame, atoms in zip(found, [a for n in range(3) for a in given[n::3]], strict=True):
        assert frame.energy == pytest.approx(atoms.get_potential_energy(), abs=1e-6)
        np.testing.assert_allclose(frame.forces, atoms.get_forces(), atol=1e-6)
        np.testing.assert_allclose(frame.stress, atoms.get_stress(voigt=False) + pulay * np.eye(3),
                                   atol=1e-8)
        assert not [key for key in (*frame.info, *frame.atoms.arrays)
                    if "unit" in key or "virial" in key or "REF" in key]


@pytest.fixture
def deepmd(tmp_path) -> Path:
    """A deepmd/npy folder as dpdata writes it, of ten labelled frames."""
    return write_deepmd(tmp_path / "u4" / "system", labelled(1, 10, rattle=0.03),
                        ["Li", "Ti", "Cl"])


@pytest.mark.parametrize("kind", ["npy", "lmdb"])
def test_a_deepmd_folder_comes_in_as_it_was_written(kind, tmp_path):
    folder = write_deepmd(tmp_path / "u4" / "system", labelled(1, 10, rattle=0.03),
                          ["Li", "Ti", "Cl"], kind=kind)
    (file,) = import_source(folder, "u4/system", CRYSTAL, tmp_path)
    assert file.name == "system.u4.extxyz"
    images: Any = read(file, ":")
    for found, atoms in zip(images, labelled(1, 10, rattle=0.03), strict=True):
        np.testing.assert_allclose(found.get_forces(), atoms.get_forces(), atol=1e-6)
        np.testing.assert_allclose(found.get_stress(), atoms.get_stress(), atol=1e-8)
        assert found.get_chemical_symbols() == atoms.get_chemical_symbols()


@pytest.mark.parametrize("change", [
    lambda content: content[: len(content) // 2], lambda content: content[:4096],
    lambda content: content[:10], lambda content: b"", lambda content: b"x" * len(content),
    lambda content: content[:8192] + b"\xff" * (len(content) - 8192),
    lambda content: content[:8192] + bytes(len(content) - 8192),
])
def test_a_damaged_lmdb_database_is_refused_in_one_line(change, tmp_path):
    folder = write_deepmd(tmp_path / "u4" / "system", labelled(1, 10, rattle=0.03),
                          ["Li", "Ti", "Cl"], kind="lmdb")
    file = folder / "data.mdb"
    file.write_bytes(change(file.read_bytes()))
    done = call("import_frames.py", "--out", tmp_path / "out", f"u4/system={folder}")
    assert done.returncode == 2 and "u4/system: data.mdb" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_lmdb_database_without_forces_is_refused(tmp_path):
    import dpdata

    folder = write_deepmd(tmp_path / "npy", labelled(1, 3), ["Li", "Ti", "Cl"])
    bare = dpdata.System(str(folder), fmt="deepmd/npy")
    bare.to("deepmd/lmdb", str(tmp_path / "system"))
    with pytest.raises(HavenError, match=r"u4/system: data\.mdb .*(without|energ|label)"):
        import_source(tmp_path / "system", "u4/system", CRYSTAL, tmp_path)


def spoil(folder: Path, name: str, change) -> None:
    path = folder / "set.000" / f"{name}.npy"
    np.save(path, change(np.load(path)))


def not_a_number(values: np.ndarray) -> np.ndarray:
    values[3, 5] = np.nan
    return values


def mirrored(values: np.ndarray) -> np.ndarray:
    values[2] = values[2].reshape(3, 3)[[1, 0, 2]].ravel()
    return values


@pytest.mark.parametrize(("change", "message"), [
    (lambda f: spoil(f, "force", not_a_number), "u4/system, frame 3: forces is not a finite"),
    (lambda f: spoil(f, "box", mirrored), "u4/system, frame 2: the cell is left-handed"),
    (lambda f: spoil(f, "energy", lambda e: e / 27.2114),
     "u4/system, frames 0 to 9: .*energies are in Hartree"),
    (lambda f: (f / "set.000" / "force.npy").unlink(), "u4/system: set.000 has no force.npy"),
    (lambda f: (f / "type_map.raw").unlink(), "u4/system has no type_map.raw"),
    (lambda f: (f / "type_map.raw").write_text("Li\nTi\n"), "has type 2, but type_map.raw names 2"),
    (lambda f: (f / "type_map.raw").write_text("Cl\nTi\nLi\n"),
     r"u4/system, frame 0: Cl6Li12Ti2 has a net charge of \+12: is the order of the elements"),
    (lambda f: (f / "type_map.raw").write_text("Li\nTi\nBr\n"), "frame 0: element Br is not of"),
])
def test_a_spoilt_deepmd_folder_is_refused(deepmd, tmp_path, change, message):
    change(deepmd)
    with pytest.raises(HavenError, match=message):
        import_source(deepmd, "u4/system", CRYSTAL, tmp_path)


def test_the_script_refuses_what_it_is_given_by_name_and_says_what_a_search_passed_over(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing here\n")
    write(tmp_path / "a.extxyz", labelled(1, 2))
    good = f"u4/b.extxyz={tmp_path / 'a.extxyz'}"
    for given in ([tmp_path / "notes.txt"], [good, tmp_path / "notes.txt"], [good, tmp_path]):
        done = call("import_frames.py", "--out", tmp_path / "none", *given)
        assert done.returncode == 2 and not list((tmp_path / "none").iterdir())
        assert re.search(r"haven: error: \S+ is no (output of a program that is known|folder of "
                         "deepmd/npy.*): (give|name)", done.stderr.splitlines()[-1]), done.stderr
    for number, name in enumerate(("notes.txt", "a.extxyz"), 1):
        (tmp_path / "given" / str(number)).mkdir(parents=True)
        shutil.copy(tmp_path / name, tmp_path / "given" / str(number))
    names = tmp_path / "names.json"
    for text, status in (('["mine/notes.txt", "u4/b.extxyz"]', 0),
                         ('[["mine/notes.txt"], "u4/b.extxyz"]', 2)):
        names.write_text(text)
        done = call("import_frames.py", "--out", tmp_path / f"out{status}", "--names", names,
                    "--given", tmp_path / "given")
        assert done.returncode == status, done.stderr
        written = [p.name for p in (tmp_path / f"out{status}").iterdir()]
        assert written == ([] if status else ["b.u4.extxyz"])
        said = "is no output of a program" if status else "is passed over: no output of a program"
        assert f"mine/notes.txt {said}" in done.stderr


@pytest.mark.parametrize("text", ["", "{", "{}", "null", "[1]", "[[]]", '["a", ["b", "c"]]', "3"])
def test_a_list_of_names_that_is_none_ends_in_one_line(tmp_path, text):
    (tmp_path / "names.json").write_text(text)
    done = call("import_frames.py", "--out", tmp_path / "out", "--names", tmp_path / "names.json",
                "--given", tmp_path)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    assert "list of names" in done.stderr


def test_hartree_in_single_points_of_a_series_is_refused(tmp_path):
    from test_frames import HARTREE, changed

    sources = []
    unstrained = [a for n in range(4) for a in labelled(n, 4, rattle=0.05, strain=0.0)]
    for number, atoms in enumerate(unstrained):
        energy = atoms.get_potential_energy() / HARTREE
        sources.append(tmp_path / f"{number}.u4.extxyz")
        write(sources[-1], changed(atoms, energy=energy, free_energy=None))
    done = call("import_frames.py", "--out", tmp_path / "out", *sources)
    assert done.returncode == 2 and "energies are in Hartree" in done.stderr


def test_folders_of_neither_kind_are_no_output(tmp_path):
    assert open_output(tmp_path, "x") is None
    shutil.copy(DATA / "cp2k_h2.out", tmp_path / "run.log")
    assert open_output(tmp_path, "x") is None


@pytest.mark.parametrize("suffix", [".gz", ".xz", ".bz2"])
def test_compressed_outputs_come_in_as_plain_ones(tmp_path, suffix):
    """As atomate2, phonopy and sumo keep theirs."""
    opened = {".gz": gzip.open, ".xz": lzma.open, ".bz2": bz2.open}[suffix]
    for number, (source, elements, name) in enumerate((
            (SHIPPED / "vasp" / "vasprun_pstress.xml", ("C",), "vasprun.xml"),
            (DATA / "espresso_ch4.out", ("C", "H"), "u0/scf.out"))):
        packed = tmp_path / f"{number}{Path(name).name}{suffix}"
        with opened(packed, "wb") as stream:
            stream.write(source.read_bytes())
        (tmp_path / f"plain{number}").mkdir()
        plain = brought(source, f"a/{name}", elements, tmp_path / f"plain{number}")
        same = brought(packed, f"a/{name}{suffix}", elements, tmp_path)
        assert [a.get_potential_energy() for a in same] == [a.get_potential_energy() for a in plain]
        assert {a.info["trajectory"] for a in same} == {a.info["trajectory"] for a in plain}
        packed.write_bytes(packed.read_bytes()[:-200])
        with pytest.raises(HavenError, match=rf"a/{name}{suffix} cannot be unpacked"):
            import_source(packed, f"a/{name}{suffix}", material_of(*elements), tmp_path)


@pytest.mark.parametrize(("mark", "lacking"), [("FORCES|", "forces"), ("ENERGY|", "total energy")])
def test_an_output_of_cp2k_without_labels_says_what_to_print(tmp_path, mark, lacking):
    lines = (DATA / "cp2k_h2.out").read_text().splitlines(keepends=True)
    path = tmp_path / "run.out"
    path.write_text("".join(line for line in lines if not line.strip().startswith(mark)))
    with pytest.raises(HavenError, match=f"CP2K printed no {lacking}: .*RUN_TYPE ENERGY_FORCE"):
        import_source(path, "run.out", material_of("H"), tmp_path)
