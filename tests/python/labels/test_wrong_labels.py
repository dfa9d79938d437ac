"""Labels that look right and are not: they are marked, left out or refused, and it is said why."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import ase
import numpy as np
import pytest
from analytic import labelled
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write
from outcars import HUBBARD, outcar
from trained import MATERIAL

from haven.core.errors import HavenError
from haven.labels.audit import Limits, audit, kind_of
from haven.labels.engines.vasp import check_hubbard, converged
from haven.labels.frames import reading
from haven.labels.frames.consistency import check_stress, check_units
from haven.labels.importing import import_all, import_source
from haven.labels.labelling import check_asked, failed_rows
from haven.labels.programs.vasp import read_outcar, read_vasprun, settings_of
from haven.material.distances import tightest_pair
from haven.material.file import load_material

SHIPPED = Path(ase.__file__).parent / "test" / "testdata" / "vasp"
CRYSTAL = load_material(MATERIAL)
LITHIUM_CHLORIDE = replace(CRYSTAL, composition={"Li": 1, "Cl": 1}, hubbard={}, moments={})
SPECIES = ("Li", "Ti", "Cl")


@pytest.mark.parametrize("version", [5, 6])
@pytest.mark.parametrize(("cycles", "nelm", "reached"), [
    ([(10, 0.5)], 10, [False]), ([(10, 5e-7)], 10, [True]), ([(9, 5e-7)], 10, [True]),
    ([(1, 18.25)], 1, [False]), ([(6, 1e-3), (4, 1e-7), (6, -2e-6)], 6, [False, True, False]),
    ([(15, 2.4e-3), (15, 5e-7), (12, 1e-7)], 15, [False, True, True]),
])
def test_a_cycle_that_spent_its_steps_is_unconverged_whatever_vasp_says(
    version, cycles, nelm, reached
):
    (run,) = read_outcar(outcar(cycles, nelm, version))
    assert [atoms.info["converged"] for atoms in run.images] == reached
    assert [atoms.info["scf_steps"] for atoms in run.images] == [steps for steps, _ in cycles]
    assert converged(outcar(cycles, nelm, version)) is reached[-1]


def test_a_cycle_whose_eigenvalues_still_change_has_not_reached_its_end():
    """VASP holds both numbers of the line against EDIFF: an energy may pass through a maximum."""
    text = outcar([(10, 1e-7)], nelm=10)
    line = re.findall(r"total energy-change \(2\. order\) :.*", text)[-1]
    for change, reached in (("-0.5000000E-06", True), ("-0.1451214E-02", False),
                            ("**************", False)):
        moved = re.sub(r"\(\s*\S+\s*\)$", f"({change})", line)
        assert moved != line
        (run,) = read_outcar(text.replace(line, moved))
        assert [atoms.info["converged"] for atoms in run.images] == [reached], change
        assert converged(text.replace(line, moved)) is reached


def xml(cycles: list[list[float]], nelm: int, ediff: float, extra: str = "") -> str:
    """Return a vasprun.xml of H, each ionic step with the energies of its electronic steps."""
    cell = ('<structure><crystal><varray name="basis"><v>4 0 0</v><v>0 4 0</v><v>0 0 4</v></varray>'
            '</crystal><varray name="positions"><v>0 0 0</v></varray></structure>')

    def energy(value: float) -> str:
        names = ("e_fr_energy", "e_wo_entrp", "e_0_energy")
        return "".join(f'<i name="{name}"> {value:.8f} </i>' for name in names)

    def step(energies: list[float]) -> str:
        steps = "".join(f"<scstep><energy>{energy(e)}</energy></scstep>" for e in energies)
        return (f'<calculation>{steps}{cell}<varray name="forces"><v>0 0 0</v></varray>'
                f"<energy>{energy(energies[-1])}</energy></calculation>")

    points = ('<kpoints><varray name="kpointlist"><v>0 0 0</v></varray><varray name="weights">'
              "<v>1</v></varray></kpoints>")
    first = cell.replace("<structure>", '<structure name="initialpos">')
    return (f'<modeling><incar><i type="int" name="NELM"> {nelm}</i><i name="EDIFF"> {ediff:.10f}'
            f"</i>{extra}</incar><atominfo><array name=\"atoms\"><set><rc><c>H </c><c> 1</c></rc>"
            f"</set></array></atominfo>{points}{first}{''.join(map(step, cycles))}</modeling>\n")


@pytest.mark.parametrize(("cycles", "nelm", "extra", "reached"), [
    ([[-1.0, -1.5, -1.6]], 3, "", [False]), ([[-1.0, -1.5, -1.5000001]], 3, "", [True]),
    ([[-1.0, -1.5]], 3, "", [True]),
    ([[-1.0, -1.5, -1.5000001, -1.9, -1.4]], 4, '<i name="IBRION"> 6</i>', [True]),
    ([[-1.0, -1.5, -1.2, -1.9, -1.4]], 4, '<i name="IBRION"> 6</i>', [False]),
])
def test_vasprun_is_judged_by_its_energies_too(cycles, nelm, extra, reached):
    run = read_vasprun(xml(cycles, nelm, 1e-6, extra))
    assert [atoms.info["converged"] for atoms in run.images] == reached


@pytest.mark.parametrize("ediff", [1e-8, 1e-7, 1e-6, 1e-4])
@pytest.mark.parametrize("start", [0.0, -1.5, -23.89076543, -512.00000001, -98765.43210987])
def test_a_change_of_just_ediff_is_within_it_however_large_the_energy_is(start, ediff):
    """As floating-point numbers some of these differences are above EDIFF, others below."""
    least = 1e-8
    for change, reached in ((ediff, True), (ediff + least, False), (-ediff, True),
                            (-ediff - least, False)):
        run = read_vasprun(xml([[start + 0.5, start, start + change]], 3, ediff))
        assert [atoms.info["converged"] for atoms in run.images] == [reached], (start, change)


def test_a_change_below_what_is_printed_counts_as_within_ediff():
    run = read_vasprun(xml([[-1.0, -1.5, -1.5], [-1.0, -1.5, -1.50000002]], 3, 1e-9))
    assert [atoms.info["converged"] for atoms in run.images] == [True, False]


def test_outcar_and_vasprun_cut_off_give_their_whole_steps(tmp_path):
    text = outcar([(5, 1e-7), (5, 1e-7), (5, 1e-7)], ended=False)
    path = tmp_path / "OUTCAR"
    path.write_text(text[: text.rindex("TOTAL-FORCE") + 200])
    (file,) = import_source(path, "run/OUTCAR", LITHIUM_CHLORIDE, tmp_path)
    assert len(read(file, ":")) == 2
    run = read_vasprun(xml([[-1.0, -1.1], [-1.0, -1.2]], 60, 1e-6).rpartition("<structure>")[0])
    assert len(run.images) == 1 and "step 2 is cut off" in run.missing


def test_a_real_outcar_is_read_as_ase_reads_it():
    (run,) = read_outcar((SHIPPED / "OUTCAR_example_1").read_text())
    found, expected = run.images[0], read(SHIPPED / "OUTCAR_example_1")
    assert isinstance(expected, Atoms)
    assert found.get_chemical_symbols() == expected.get_chemical_symbols()
    for name in ("free_energy", "forces", "stress", "magmom"):
        np.testing.assert_allclose(found.calc.results[name], expected.calc.results[name],
                                   atol=1e-6, err_msg=name)
    np.testing.assert_allclose(found.positions, expected.positions, atol=1e-6)


@pytest.mark.parametrize(("u", "j", "kind", "found"), [
    ("0.0  4.0", "0.0  0.0", 2, {"Cl": 4.0}), ("0.0  5.0", "0.0  1.0", 2, {"Cl": 4.0}),
    ("3.0  4.0", "0.0  0.0", 2, {"Li": 3.0, "Cl": 4.0}), ("0.0  4.0", "0.0  1.0", 1, None),
    ("0.0  0.0", "0.0  0.0", 2, {}),
])
def test_u_is_that_of_the_list_and_not_of_an_echo(u, j, kind, found):
    echo = " INCAR:\n   LDAUU = 1*4 0\n   LDAUJ = 2*0\n LDA+U is selected in INCAR\n"
    text = outcar([(5, 1e-7)], hubbard=HUBBARD.format(u=u, j=j, kind=kind)).replace(" INCAR:\n",
                                                                                   echo)
    assert read_outcar(text)[0].hubbard == found


def test_runs_appended_to_one_file_keep_their_own_u(tmp_path):
    path = tmp_path / "OUTCAR"
    path.write_text(outcar([(5, 1e-7)]) + outcar(
        [(5, 1e-7)], hubbard=HUBBARD.format(u="0.0  4.0", j="0.0  0.0", kind=2)))
    files = import_source(path, "both/OUTCAR", replace(LITHIUM_CHLORIDE, hubbard={"Cl": "p"}),
                          tmp_path)
    assert sorted(file.name for file in files) == ["both.u0.extxyz", "both.u4.extxyz"]


@pytest.mark.parametrize(("isif", "kept"), [(0, False), (1, False), (2, True), (3, True)])
def test_a_stress_of_which_only_the_trace_is_right_is_not_taken(isif, kept):
    (run,) = read_outcar(outcar([(5, 1e-7)], isif=isif))
    assert ("stress" in run.images[0].calc.results) is kept


def test_an_engine_that_ran_with_another_u_is_refused():
    atoms = Atoms("LiCl", cell=[5, 5, 5], pbc=True)
    plain = outcar([(5, 1e-7)])
    with_u = outcar([(5, 1e-7)], hubbard=HUBBARD.format(u="0.0  4.0", j="0.0  0.0", kind=2))
    check_hubbard(plain, atoms, {"Cl": 0.0, "Ti": 4.0})
    check_hubbard(with_u, atoms, {"Cl": 4.0})
    for text, wanted in ((plain, {"Cl": 4.0}), (with_u, {}), (with_u, {"Cl": 3.0}),
                         (with_u, {"Li": 4.0})):
        with pytest.raises(HavenError, match=r"VASP ran with U = .*, asked for was"):
            check_hubbard(text, atoms, wanted)


@pytest.mark.parametrize(("hubbard", "u_evs", "words"), [
    ({}, [0.0, 4.0], "no entry hubbard"), ({"Fe": "d"}, [4.0], "names Fe, which the frame has not"),
    ({"Ti": "d"}, [-1.0], "0 or above"), ({"Ti": "d"}, [float("nan")], "0 or above"),
])
def test_a_u_that_acts_on_nothing_is_refused(hubbard, u_evs, words):
    material = replace(CRYSTAL, hubbard=hubbard)
    with pytest.raises(HavenError, match=words):
        check_asked(material, u_evs, ["Li", "Ti", "Cl"])
    check_asked(material, [0.0], ["Li", "Ti", "Cl"])


def relabelled(atoms: Atoms, info: dict | None = None, **results: object) -> Atoms:
    copy = Atoms(atoms.symbols, atoms.positions, cell=atoms.cell, pbc=True)
    copy.info = {**atoms.info, **(info or {})}
    kept = {**atoms.calc.results, **results}
    copy.calc = SinglePointCalculator(copy, **{k: v for k, v in kept.items() if v is not None})
    return copy


def in_one_cell(number: int = 12) -> list[Atoms]:
    """Frames of one cell under pressure, as a run at constant volume gives."""
    return [relabelled(atoms) for atoms in labelled(1, number, rattle=0.03, strain=0.0)]


@pytest.mark.parametrize("factor", [160.2177, 1602.177, -1602.177, -160.2177])
def test_a_stress_in_gpa_or_kbar_is_refused_in_one_cell(factor):
    found = reading.check_frames(in_one_cell(), Path("x.u4.extxyz"), 4.0, SPECIES)
    pressed = [replace(frame, stress=-0.03 * np.eye(3)) for frame in found]
    check_stress(pressed)
    wrong = [replace(frame, stress=factor * frame.stress) for frame in pressed]
    with pytest.raises(HavenError, match="is it in GPa, kbar"):
        check_stress(wrong)
    check_stress(wrong, 1e5)
    reasons = audit([*pressed[1:], wrong[0]], Limits())
    assert reasons[-1].startswith("stress of")


def test_what_is_not_judged_is_said(caplog, tmp_path):
    write(tmp_path / "a.u4.extxyz", in_one_cell())
    reading.read_folder(tmp_path, 4.0, SPECIES)
    assert "sign and unit of the stress are not judged" in caplog.text
    assert "energies and forces are not judged" not in caplog.text
    write(tmp_path / "a.u4.extxyz", in_one_cell(2))
    reading.read_folder(tmp_path, 4.0, SPECIES)
    assert "energies and forces are not judged" in caplog.text
    assert check_units(reading.check_frames(labelled(1, 12, rattle=0.03), Path("x.u4.extxyz"), 4.0,
                                           SPECIES)) == {1, 2}


GPA, HARTREE, BOHR = 160.21766, 27.211386, 0.529177


@pytest.mark.parametrize(("header", "what", "factor"), [
    ({"stress-unit": "GPa"}, "stress", 1 / GPA), ({"stress_unit": "kbar"}, "stress", 0.1 / GPA),
    ({"stress-units": "eV/Angstrom^3"}, "stress", 1), ({"energy-unit": "Hartree"}, "energy",
                                                      HARTREE),
    ({"stress-unit": "Ha/Bohr^3"}, "stress", HARTREE / BOHR**3),
    ({"energy_unit": "kcal/mol"}, "energy", 0.0433641), ({"energy-unit": "Ry"}, "energy",
                                                       HARTREE / 2),
    ({"force-unit": "Hartree/Bohr"}, "forces", HARTREE / BOHR),
    ({"forces_units": "meV/Ang"}, "forces", 1e-3),
])
def test_units_of_a_header_are_honoured(header, what, factor):
    atoms = labelled(1, 1)[0]
    given = relabelled(atoms, header, free_energy=None,
                       **{what: np.asarray(atoms.calc.results[what]) / factor})
    (found,) = reading.check_frames([given], Path("x.u4.extxyz"), 4.0, SPECIES)
    (plain,) = reading.check_frames([atoms], Path("x.u4.extxyz"), 4.0, SPECIES)
    np.testing.assert_allclose(getattr(found, what), getattr(plain, what), rtol=1e-5)


@pytest.mark.parametrize("header", [
    {"stress-unit": "psi"}, {"energy-unit": "erg"}, {"force_unit": "N"}, {"length-unit": "Bohr"},
    {"position_units": "nm"}, {"force-unit": "eV"}, {"energy-unit": "GPa"},
])
def test_units_of_a_header_that_are_not_known_are_refused(header):
    with pytest.raises(HavenError, match=r"x\.u4\.extxyz, frame 0: (the unit of|lengths are in)"):
        reading.check_frames([relabelled(labelled(1, 1)[0], header)], Path("x.u4.extxyz"), 4.0,
                            SPECIES)


@pytest.mark.parametrize("key", ["virial", "virials"])
def test_a_virial_is_the_stress(key, tmp_path):
    atoms = labelled(1, 1)[0]
    virial = -atoms.get_stress(voigt=False) * atoms.get_volume()
    write(tmp_path / "a.u4.extxyz", relabelled(atoms, {key: virial}, stress=None))
    (found,) = reading.read_file(tmp_path / "a.u4.extxyz", 4.0, SPECIES)
    np.testing.assert_allclose(found.stress, atoms.get_stress(voigt=False), atol=1e-7)
    with pytest.raises(HavenError, match=f"{key} and stress contradict"):
        reading.check_frames([relabelled(atoms, {key: -virial})], Path("x.u4.extxyz"), 4.0, SPECIES)
    with pytest.raises(HavenError, match=f"{key} has no nine numbers"):
        reading.check_frames([relabelled(atoms, {key: [1.0, 2.0]})], Path("x.u4.extxyz"), 4.0,
                            SPECIES)


NAN = float("nan")


@pytest.mark.parametrize(("info", "results", "words"), [
    ({}, {"magmoms": np.array([NAN, *[0.0] * 19])}, "moments is not a finite"),
    ({"pulay_stress_ev_per_angstrom3": NAN}, {}, "pulay_stress.* is nan"),
    ({"pulay_stress_ev_per_angstrom3": 1e6}, {}, "pulay_stress.* at most 0.03"),
    ({"pulay_stress_ev_per_angstrom3": "small"}, {}, "pulay_stress.* is small"),
    ({"u_ev": NAN}, {}, "u_ev is nan"), ({"u_ev": "four"}, {}, "u_ev is four"),
    ({"u_ev": -4.0}, {}, "u_ev is -4"), ({"frame": "first"}, {}, "frame is first"),
    ({"frame": 1e30}, {}, "frame is 1e"), ({"frame": 1.5}, {}, r"frame is 1\.5"),
    ({"trajectory": "../../up"}, {}, "no name for a file"), ({"trajectory": "/x"}, {}, "no name"),
    ({"trajectory": "a" * 300}, {}, "no name for a file"), ({"trajectory": "a\0b"}, {}, "no name"),
    ({"trajectory": ".."}, {}, "no name for a file"), ({"trajectory": " "}, {}, "no name for a f"),
])
def test_headers_that_poison_the_data_are_refused(info, results, words):
    with pytest.raises(HavenError, match=rf"x\.u4\.extxyz, frame 0: .*{words}"):
        reading.check_frames([relabelled(labelled(1, 1)[0], info, **results)],
                            Path("x.u4.extxyz"), 4.0, SPECIES)


@pytest.mark.parametrize("results", [
    {"energy": -1e300}, {"energy": 2e9}, {"forces": np.full((20, 3), 1e300)},
    {"forces": np.eye(20, 3) * -2e5},
], ids=["energy", "energy in another unit", "forces", "one force"])
def test_energies_and_forces_of_no_crystal_are_refused(results):
    with pytest.raises(HavenError, match=r"reaches \S+ eV.*which no crystal has"):
        reading.check_frames([relabelled(labelled(1, 1)[0], {}, **results)],
                             Path("x.u4.extxyz"), 4.0, SPECIES)


@pytest.mark.parametrize("change", [
    lambda a: a.positions.__setitem__((3, 1), 1e300),
    lambda a: a.positions.__setitem__((0, 0), -1e7),
    lambda a: a.set_cell(a.cell * 1e-2), lambda a: a.set_cell(a.cell * 1e100),
])
def test_positions_and_cells_of_no_crystal_are_refused(change):
    atoms = relabelled(labelled(1, 1)[0])
    calculator = atoms.calc
    change(atoms)
    atoms.calc = calculator
    with pytest.raises(HavenError, match=r"cells from the origin|Angstrom\^3 an atom"):
        reading.check_frames([atoms], Path("x.u4.extxyz"), 4.0, SPECIES)


@pytest.mark.parametrize(("word", "yes"), [
    ("no", False), ("N", False), ("not converged", False), ("nan", False), ("F", False),
    (NAN, False), (0, False), ("unconverged", False), (False, False), (True, True), ("T", True),
    ("yes", True), (1, True), ("true", True),
])
def test_only_a_yes_counts_as_converged(word, yes):
    some = labelled(1, 1)[0]
    found = reading.check_frames([relabelled(some, {"converged": word})], Path("x.u4.extxyz"), 4.0,
                                SPECIES)
    assert (audit(found, Limits()) == [""]) is yes


def test_the_converged_twin_is_kept_whichever_comes_first():
    good = labelled(1, 3, rattle=0.05)
    bad = relabelled(good[0], {"converged": False, "trajectory": "other"},
                     energy=good[0].get_potential_energy() - 2.0, free_energy=None)
    for order in ([bad, *good], [*good, bad]):
        found = reading.check_frames(order, Path("x.u4.extxyz"), 4.0, SPECIES)
        reasons = audit(found, Limits())
        assert sorted(reasons) == ["", "", "", "not converged"]


def test_one_geometry_with_two_energies_is_a_conflict_and_neither_is_kept():
    good = labelled(1, 3, rattle=0.05)
    energy = good[1].get_potential_energy()
    other = relabelled(good[1], energy=energy + 0.5, free_energy=None)
    turned = relabelled(good[2], forces=-good[2].get_forces())
    same = relabelled(good[0], energy=good[0].get_potential_energy() + 1e-4, free_energy=None)
    images = [*good, other, turned, same]
    some = [reading.check_frames([a], Path(f"{n}.u4.extxyz"), 4.0, SPECIES)[0]
            for n, a in enumerate(images)]
    reasons = audit(some, Limits())
    assert reasons[0] == "" and reasons[5].startswith("duplicate of 0.u4.extxyz")
    assert all("25.0 meV/atom apart" in reasons[n] for n in (1, 3))
    assert all("eV/Angstrom apart" in reasons[n] and "conflict" in reasons[n] for n in (2, 4))


def test_settings_of_foreign_labels_are_read_and_compared(tmp_path):
    given = []
    for number, encut in enumerate((300.0, 300.0, 300.0, 200.0)):
        path = tmp_path / f"OUTCAR{number}"
        path.write_text(outcar([(5, 1e-7)], encut=encut, energy=-6.5 + number)
                        .replace("0.00000      0.00000      0.01000",
                                 f"0.00000      0.10000      0.0{number}000"))
        given.append((path, f"run{number}/OUTCAR"))
    files = import_all(given, LITHIUM_CHLORIDE, tmp_path)
    some = [reading.read_file(file, 0.0, ("Li", "Cl"))[0] for file in files]
    assert some[0].info["functional"] == "PBE" and some[0].info["smearing"] == "Gaussian"
    reasons = audit(some, Limits())
    assert reasons == ["", "", "", "other settings: plane_wave_cutoff_ev 200, usual 300"]
    changed = replace(some[0], info={**some[0].info, "pseudopotentials":
                                     "PAW_PBE Li 17Jan2003; PAW_PBE Cl 06Sep2000"})
    reasons = audit([changed, *some[1:3]], Limits())
    assert reasons[0].startswith("other settings: pseudopotential of Li PAW_PBE Li 17Jan2003")


def test_every_bad_source_is_named_and_the_good_ones_go_in_if_asked(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    given = []
    for name, text in (("good", outcar([(5, 1e-7)])), ("empty", outcar([])),
                       ("foreign", outcar([(5, 1e-7)]).replace("Cl 06Sep", "Br 06Sep"))):
        path = tmp_path / name
        path.mkdir()
        (path / "OUTCAR").write_text(text)
        given.append((path / "OUTCAR", f"{name}/OUTCAR"))
    with pytest.raises(HavenError, match="2 of 3 sources") as caught:
        import_all(given, LITHIUM_CHLORIDE, out)
    assert "empty/OUTCAR" in str(caught.value) and "foreign/OUTCAR" in str(caught.value)
    assert "\n" not in str(caught.value) and not list(out.iterdir())
    assert [path.name for path in import_all(given, LITHIUM_CHLORIDE, out, skip_bad=True)] == [
        "good.u0.extxyz"]


def test_the_vasprun_beside_stands_in_for_an_outcar_that_cannot_be_read(tmp_path, caplog):
    hydrogen = replace(CRYSTAL, composition={"H": 1}, hubbard={}, moments={})
    (tmp_path / "OUTCAR").write_text(outcar([(5, 1e-7)])[:300])
    (tmp_path / "vasprun.xml").write_text(xml([[-1.0, -1.1]], 60, 1e-6))
    given = [(tmp_path / name, f"run/{name}") for name in ("OUTCAR", "vasprun.xml")]
    (file,) = import_all(given, hydrogen, tmp_path)
    assert len(read(file, ":")) == 1 and "read in place of run/OUTCAR" in caplog.text


def test_a_left_handed_cell_of_an_output_is_turned_and_its_labels_stay(tmp_path):
    text = outcar([(5, 1e-7)])
    first = "   5.000000000  0.000000000  0.000000000     0.200000000  0.000000000  0.000000000\n"
    second = "   0.000000000  5.000000000  0.000000000     0.000000000  0.200000000  0.000000000\n"
    both = f"{first}  {second}"
    assert both in text
    swapped = text.replace(both, f"{second}  {first}")
    (tmp_path / "OUTCAR").write_text(swapped)
    (file,) = import_source(tmp_path / "OUTCAR", "left/OUTCAR", LITHIUM_CHLORIDE, tmp_path)
    atoms = read(file)
    assert isinstance(atoms, Atoms) and np.linalg.det(atoms.cell) > 0
    plain = read_outcar(text)[0].images[0]
    np.testing.assert_allclose(atoms.positions, plain.positions)
    np.testing.assert_allclose(atoms.get_stress(), plain.get_stress(), atol=1e-8)


def test_files_cut_in_their_last_number_are_refused_also_when_imported(tmp_path):
    write(tmp_path / "a.extxyz", labelled(1, 2))
    text = (tmp_path / "a.extxyz").read_text()
    (tmp_path / "a.extxyz").write_text(text[:-4])
    with pytest.raises(HavenError, match=r"u4/a\.extxyz is cut off: its last line has no end"):
        import_source(tmp_path / "a.extxyz", "u4/a.extxyz", CRYSTAL, tmp_path)


@pytest.mark.parametrize("name", ["at@3.u4.extxyz", "OUTCAR.u4.extxyz", "x.XDATCAR.u4.extxyz"])
def test_names_that_ase_takes_for_other_formats_are_read_as_what_they_are(tmp_path, name):
    images = labelled(1, 2)
    images[0].info["note"] = "Program PWSCF"
    write(tmp_path / "plain.extxyz", images)
    (tmp_path / "plain.extxyz").rename(tmp_path / name)
    assert len(reading.read_file(tmp_path / name, 4.0, SPECIES)) == 2


def test_links_to_their_own_folder_are_followed_once(tmp_path):
    write(tmp_path / "a.u4.extxyz", labelled(1, 2))
    for name in ("one", "two", "three"):
        (tmp_path / name).symlink_to(tmp_path)
    assert [path.name for path in reading.find_files(tmp_path, 4.0)] == ["a.u4.extxyz"]


@pytest.mark.parametrize(("reason", "kind"), [
    ("force of 17.4 eV/Angstrom", "force"), ("force of 23.7 eV/Angstrom", "force"),
    ("atoms 0.92 Angstrom apart", "atoms"), ("not converged", "not converged"),
    ("duplicate of /a/b.extxyz, frame 3", "duplicate"), ("stress of 150 GPa", "stress"),
    ("other settings: smearing_ev 0.1, usual 0.2", "other settings"),
])
def test_reasons_are_counted_by_their_kind(reason, kind):
    assert kind_of(reason) == kind


BONDS = {  # shortest distances of real crystals, Angstrom
    "P-O": 1.45, "Al-O": 1.68, "O-H": 0.92, "S-O": 1.43, "Si-O": 1.55, "B-O": 1.30, "C-H": 1.05,
    "H-H": 0.70, "P-S": 1.95, "Li-O": 1.75, "Ti-Cl": 2.10, "N-O": 1.15, "La-O": 2.15, "Na-O": 2.05,
}


@pytest.mark.parametrize("pair", BONDS)
def test_bonds_of_real_crystals_are_no_fault_and_half_of_them_are(pair):
    for share, bad in ((1.0, False), (0.5, True)):
        atoms = Atoms(pair.split("-"), [[0, 0, 0], [0, 0, share * BONDS[pair]]], cell=[9, 9, 9],
                      pbc=True)
        closest = tightest_pair(atoms)
        assert (closest is not None and closest[1] < closest[2]) is bad, closest
    assert tightest_pair(atoms, 0.0) is None


def test_the_limit_of_distances_is_a_parameter():
    found = reading.check_frames(labelled(1, 3), Path("x.u4.extxyz"), 4.0, SPECIES)
    assert audit(found, Limits()) == ["", "", ""]
    reasons = audit(found, Limits(min_distance_angstrom=3.0))
    assert all(reason.startswith("atoms ") and "limit 3.00" in reason for reason in reasons)


def test_settings_of_which_none_is_usual_are_all_left_out():
    found = reading.check_frames(labelled(1, 4), Path("x.u4.extxyz"), 4.0, SPECIES)
    cutoffs = (200.0, 200.0, 300.0, 300.0)
    some = [replace(frame, info={**frame.info, "plane_wave_cutoff_ev": cutoff})
            for frame, cutoff in zip(found, cutoffs, strict=True)]
    reasons = audit(some, Limits())
    assert all("none is usual (200, 300)" in reason for reason in reasons)
    assert audit(some[:3], Limits())[:2] == ["", ""]


@pytest.mark.parametrize(("echo", "told", "found"), [
    ("   LUSE_VDW = .TRUE.\n   GGA = RE\n", "   LUSE_VDW   =     T    switch on vdW DFT\n",
     {"dispersion": "vdW-DF"}),
    ("   LUSE_VDW = .TRUE.\n", "   LUSE_VDW   =     F    switch on vdW DFT\n",
     {"dispersion": "none"}),
    ("   IVDW = 12 ! later 0\n", " IVDW         = 12\n", {"dispersion": "d3bj"}),
    ("   METAGGA = r2scan\n", "   METAGGA=  R2SCA  non-selfconsistent MetaGGA calc.\n",
     {"functional": "r2SCAN"}),
    ("   LHFCALC = .TRUE.\n", "", {"functional": "PBE"}),
])
def test_settings_are_those_that_vasp_took_and_not_its_echo_of_incar(echo, told, found):
    text = outcar([(3, 1e-7)], version=6).replace(" INCAR:\n", f" INCAR:\n{echo}", 1)
    text = text.replace("   LHFCALC =", f"{told}   LHFCALC =", 1)
    (run,) = read_outcar(text)
    assert {key: run.settings[key] for key in found} == found


@pytest.mark.parametrize(("tags", "found"), [
    ({"METAGGA": "R2SCA"}, "r2SCAN"), ({"METAGGA": "R2scan"}, "r2SCAN"), ({"GGA": "RE"}, "revPBE"),
    ({"GGA": "BO", "LUSE_VDW": ".TRUE."}, "optB88"), ({"GGA": "PE", "METAGGA": "--"}, "PBE"),
])
def test_one_functional_has_one_name_in_outcar_and_vasprun(tags, found):
    assert settings_of(tags, [])["functional"] == found


def test_u_of_several_elements_is_never_filed_as_zero(tmp_path):
    path = tmp_path / "OUTCAR"
    path.write_text(outcar([(3, 1e-7)], hubbard=HUBBARD.format(kind=2, u="3.0 2.0", j="0.0 0.0")))
    with pytest.raises(HavenError, match="U = Li 3, Cl 2 eV; the material file's hubbard at U = 3 "
                       "eV has none"):
        import_source(path, "u0/OUTCAR", LITHIUM_CHLORIDE, tmp_path)


@pytest.mark.parametrize(("length", "refused"), [(0.02, False), (0.5, True)])
def test_the_last_steps_of_a_relaxation_tell_no_units(length, refused):
    """What a fixed number of plane waves leaves open is more than such changes of the energy."""
    images = in_one_cell(12)
    first = images[0].positions.copy()
    for number, atoms in enumerate(images):
        atoms.positions[:] = first
        atoms.positions[0, 0] += length * number / 12
        forces = np.zeros_like(first)
        forces[0, 0] = 0.02
        atoms.calc.results |= {"forces": forces, "energy": -10 - 1.78 * 0.02 * length * number / 12}
        atoms.calc.results.pop("free_energy", None)

    def judged() -> set[int]:
        return check_units(reading.check_frames(images, Path("x.u4.extxyz"), 4.0, SPECIES))

    if refused:
        with pytest.raises(HavenError, match=r"energy changes are 1\.78 times the work"):
            judged()
    else:
        assert 1 not in judged()


def test_energies_in_front_of_their_forces_belong_to_them():
    """VASP 5.2 prints them so; searched behind the forces, each step got that of the next."""
    energies = [-6.5, -6.6, -6.7]
    text = "".join(outcar([(3, 1e-7)], energy=energy, ended=energy == -6.7) if energy == -6.5 else
                   re.sub(r"(?s)^.*?(?=\n-+ Iteration)", "", outcar([(3, 1e-7)], energy=energy)
                          .replace("Iteration      1", f"Iteration      {number}"))
                   for number, energy in enumerate(energies, 1))
    (plain,) = read_outcar(text)
    block = re.compile(r"( POSITION +TOTAL-FORCE.*?total drift:[^\n]*\n)(.*?)"
                       r"(\n  FREE ENERGIE.*?TOTEN[^\n]*\n)", re.S)
    (old,) = read_outcar(block.sub(r"\3\1\2", text))
    found = [[atoms.get_potential_energy() for atoms in run.images] for run in (plain, old)]
    assert found[0] == found[1] == [pytest.approx(energy + 0.01) for energy in energies]
    assert old.missing == plain.missing


def test_lists_of_elements_that_disagree_are_refused():
    text = outcar([(5, 1e-7)])
    lines = text.splitlines(keepends=True)
    first = next(n for n, line in enumerate(lines) if "VRHFIN =Li" in line)
    last = next(n for n, line in enumerate(lines) if "TITEL  = PAW_PBE Cl" in line)
    lines[first], lines[last] = lines[last], lines[first]
    with pytest.raises(HavenError, match="Li, Cl by POTCAR, Cl, Li by their titles"):
        read_outcar("".join(lines))


@pytest.mark.parametrize(("old", "new"), [
    ("converged=T ", "converged=T,"), ("frame=0 ", "frame=0,"), ("cores=1 ", "cores=1;"),
])
def test_entries_of_a_header_that_lost_the_space_between_them_are_refused(tmp_path, old, new):
    """ASE reads both as the first entry's text: the second, such as a Pulay stress, is gone."""
    path = tmp_path / "a.u4.extxyz"
    images = labelled(1, 2)
    for number, atoms in enumerate(images):
        atoms.info = {"cores": 1, "u_ev": 4.0, "frame": number, "trajectory": "c",
                      "converged": True, "pulay_stress_ev_per_angstrom3": 0.005}
    write(path, images)
    text = path.read_text()
    assert old in text and len(reading.read_file(path, 4.0, SPECIES)) == 2
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(HavenError, match=r"which holds the entry .* the space between"):
        reading.read_file(path, 4.0, SPECIES)


@pytest.mark.parametrize("name", ["trajectoru", "trajektory", "trajectory_"])
def test_a_misspelt_trajectory_is_refused(tmp_path, name):
    path = tmp_path / "a.u4.extxyz"
    images = labelled(1, 2)
    for atoms in images:
        atoms.info[name] = "c"
    write(path, images)
    with pytest.raises(HavenError, match=f"the entry {name} is nearly trajectory"):
        reading.read_file(path, 4.0, SPECIES)


@pytest.mark.parametrize(("old", "new", "says"), [
    ("trajectory=c", "trajec ory=c", "frame 1: .* has no trajectory"),
    ("stress-unit=eV/Angstrom^3", "sress_uni=eV/Angstrom^3", "has no stress-unit"),
    ("free_energy=-1", "fre _energy=-1", "has no free_energy"),
    ('stress="0.', 'stress="0\\0', "no plain number"),
])
@pytest.mark.parametrize("which", [0, 1])
def test_an_entry_that_one_frame_of_a_file_lost_is_named(tmp_path, old, new, says, which):
    path = tmp_path / "a.u4.extxyz"
    images = labelled(1, 2)
    for atoms in images:
        atoms.info |= {"trajectory": "c", "pulay_stress_ev_per_angstrom3": 0.005,
                       "stress-unit": "eV/Angstrom^3"}
        atoms.calc.results |= {"stress": np.full(6, 0.0007), "free_energy": -1.0}
    write(path, images)
    text = re.sub(r"(free_energy=)\S+", r"\g<1>-1", path.read_text())
    path.write_text(text)
    assert len(reading.read_file(path, 4.0, SPECIES)) == 2
    parts = text.split(old)
    assert len(parts) > 2, text
    path.write_text(old.join(parts[:which + 1]) + new + old.join(parts[which + 1:]))
    with pytest.raises(HavenError, match=says):
        reading.read_file(path, 4.0, SPECIES)


@pytest.mark.parametrize("lattice", [
    "inf 0 0 0 11 0 0 0 6", "nan 0 0 0 11 0 0 0 6", "6 0 0 0 11 100000 -2 0 6", "0 0 0 0 0 0 0 0 0",
    "6 0 0 0 11 0 0 0 1e5",
    "6 0 0 0 11 0 0 0 -6", "1e300 0 0 0 11 0 0 0 6", "1e-300 0 0 0 11 0 0 0 6", "",
])
def test_damaged_frames_that_failed_are_passed_over_in_bounded_time(tmp_path, caplog, lattice):
    images = [atoms.copy() for atoms in labelled(1, 1)]
    path = tmp_path / "a.failed.extxyz"
    write(path, images)
    assert len(failed_rows(tmp_path, "x", 4.0)) == 1
    text = path.read_text()
    if lattice:
        path.write_text(re.sub('Lattice="[^"]*"', f'Lattice="{lattice}"', text))
    else:
        path.write_text(re.sub(r"(?m)^(Li\s+\S+\s+\S+\s+)\S+$", r"\1NaN", text, count=1))
    assert path.read_text() != text
    assert not failed_rows(tmp_path, "x", 4.0)
    assert "a.failed.extxyz is passed over" in caplog.text
