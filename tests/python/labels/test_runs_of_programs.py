"""Several runs in one output, and runs of which steps did not converge: each is what it says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import ase
import numpy as np
import pytest
from ase.io import read
from outcars import HUBBARD, outcar
from trained import MATERIAL

from haven.core.errors import HavenError
from haven.labels.importing import import_source
from haven.labels.programs import open_output
from haven.labels.programs.vasp import read_outcar, read_vasprun
from haven.material.file import load_material

DATA = Path(__file__).resolve().parents[2] / "data"
SHIPPED = Path(ase.__file__).parent / "test" / "testdata"
CRYSTAL = load_material(MATERIAL)
ESPRESSO = (DATA / "espresso_ch4.out").read_text()
GPAW = (SHIPPED / "gpaw_expected_text_output").read_text()
CP2K = (DATA / "cp2k_h2.out").read_text()


def of(elements: Sequence[str], **hubbard: str) -> Any:
    return replace(CRYSTAL, composition=dict.fromkeys(elements, 1), hubbard=hubbard, moments={},
                   charges={})


def frames_of(folder: Path, text: str, material: Any, name: str = "run/out.txt") -> list[Any]:
    (folder / "out.txt").write_text(text)
    out = folder / "frames"
    out.mkdir(exist_ok=True)
    files = import_source(folder / "out.txt", name, material, out)
    return [(file.name.split(".u")[1].removesuffix(".extxyz"), atoms)
            for file in files for atoms in read(file, ":")]


def with_u(text: str) -> str:
    """Return the output as a run with U = 4 eV writes it."""
    if text is GPAW:
        return text.replace("  Z: 1\n", "  Z: 1\n  Hubbard: {U: 4.0,  # eV\n", 1)
    return text.replace("     celldm(1)", "     U(C-2p)  =  4.0000\n\n     celldm(1)", 1)


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(("plain", "material"), [
    (ESPRESSO, of("CH", C="p")), (GPAW, of("H", H="s"))], ids=["espresso", "gpaw"])
def test_runs_of_one_text_keep_their_own_u(tmp_path, plain, material, order):
    assert with_u(plain) != plain
    found = frames_of(tmp_path, "".join([plain, with_u(plain)][::order]), material)
    assert [(u, atoms.info["u_ev"]) for u, atoms in found] == [("0", 0), ("4", 4)]


def test_runs_of_one_text_keep_their_own_settings(tmp_path):
    fewer = re.sub(r"(kinetic-energy cutoff +=) +\S+", r"\1  50.0", ESPRESSO)
    polarised = re.sub(r"(?m)^(!.*\n)", r"\1     total magnetization       =  0.00 Bohr mag/cell\n",
                       ESPRESSO)
    found = [atoms.info for _, atoms in frames_of(tmp_path, fewer + polarised, of("CH"))]
    assert [(info["plane_wave_cutoff_ev"], info["spin"]) for info in found] == [
        (680.3, 1), (1496.6, 2)]


def test_each_whole_run_of_cp2k_is_taken_and_a_broken_one_is_named(tmp_path, caplog):
    energy = re.search(r"ENERGY\| Total.* (\S+)", CP2K)
    assert energy is not None
    spin = " DFT| Number of spin states                                   2\n GLOBAL| Run type"
    other = CP2K.replace(energy.group(1), "-1.1").replace(" GLOBAL| Run type", spin, 1)
    died = CP2K[: CP2K.index("PROGRAM ENDED")].rpartition("\n")[0] + "\n"
    found = [atoms for _, atoms in frames_of(tmp_path, other + died + CP2K, of("H"))]
    assert [round(atoms.get_potential_energy() / 27.2114, 3) for atoms in found] == [-1.1, -7.364]
    assert [atoms.info.get("spin") for atoms in found] == [2, None]
    assert "run 2 of 3: cp2k did not end; its 2 whole steps are taken" in caplog.text


def steps(*reached: bool, energy: bool = True) -> str:
    """Return an output of several steps, as Quantum ESPRESSO writes it with scf_must_converge=F."""
    start, end = ESPRESSO.index("     Self-consistent Calc"), ESPRESSO.index("     init_run")
    (bohr,) = re.findall(r"\(alat\) += +(\S+)", ESPRESSO)
    sites = re.findall(r"(?m)^ +\d+ +(\S+) +tau\( +\d+\) = \((.*)\)", ESPRESSO)
    made = ESPRESSO[:start]
    for number, good in enumerate(reached):
        step = ESPRESSO[start:end]
        if not good:
            step = re.sub(r"convergence has been achieved.*", "convergence NOT achieved after 100 "
                          "iterations: stopping", step)
            step = re.sub(r"(?m)^!.*\n", "", step)
            step = step if energy else re.sub(r"(?m)^     total energy .*\n", "", step)
        rows = "".join(
            f"{symbol} {' '.join(str(0.529177 * float(bohr) * float(x)) for x in row.split())}\n"
            for symbol, row in sites)
        made += (f"\nATOMIC_POSITIONS (angstrom)\n{rows}\n" if number else "") + step
    return made + ESPRESSO[end:]


@pytest.mark.parametrize("reached", [(True,), (False,), (True, False, True), (False, True)])
def test_steps_of_espresso_that_did_not_converge_are_marked(tmp_path, reached):
    found = [atoms for _, atoms in frames_of(tmp_path, steps(*reached), of("CH"))]
    assert [atoms.info["converged"] for atoms in found] == list(reached)
    last = re.findall(r"(?m)^     total energy +=\s+(\S+)", ESPRESSO)[-1]
    whole = re.findall(r"(?m)^! +total energy +=\s+(\S+)", ESPRESSO)[0]
    np.testing.assert_allclose([atoms.get_potential_energy() / 13.605693 for atoms in found],
                               [float(whole if good else last) for good in reached], rtol=1e-6)


def test_a_step_of_espresso_whose_energy_is_damaged_is_refused(tmp_path):
    """The energy of an iteration before it is no energy of the step."""
    first, mark, second = steps(True, True).rpartition("\n!    total energy")
    with pytest.raises(HavenError, match="marked with ! before the forces of step 2"):
        frames_of(tmp_path, f"{first}\n!    total{mark[12:]} {second}", of("CH"))


def test_a_step_of_espresso_without_energy_is_left_out(tmp_path):
    text = steps(True, False, True, energy=False)
    assert len(frames_of(tmp_path, text, of("CH"))) == 2


SHARED = replace(of(("Li", "Cl"), Li="s", Cl="p"), hubbard_share={"Li": 1.0, "Cl": 0.5})


def acting(u: str) -> str:
    """Return an OUTCAR of LiCl with U on Li and on Cl, eV."""
    return outcar([(3, 1e-7)], hubbard=HUBBARD.format(kind=2, u=u, j="0.0 0.0"))


@pytest.mark.parametrize(("u", "name", "u_ev"), [
    ("6.0 3.0", "run/OUTCAR", 6), ("6.0 3.0", "u6/OUTCAR", 6), ("4.0 2.0", "run/OUTCAR", 4),
    ("0.0 0.0", "run/OUTCAR", 0), ("6.0 3.0", "u4/OUTCAR", "its name says 4"),
    ("4.0 4.0", "run/OUTCAR", "U = Li 4, Cl 4 eV; .* at U = 4 eV has Li 4, Cl 2 for"),
    ("4.0 4.0", "u4/OUTCAR", "U = Li 4, Cl 4 eV; .* at U = 4 eV has Li 4, Cl 2 for"),
    ("4.0 0.0", "run/OUTCAR", "U = Li 4 eV; .* at U = 4 eV has Li 4, Cl 2 for"),
    ("0.0 2.0", "run/OUTCAR", "U = Cl 2 eV; .* has Li 2, Cl 1 for"),
])
def test_u_of_an_output_acts_where_the_material_says(tmp_path, u, name, u_ev):
    if isinstance(u_ev, str):
        with pytest.raises(HavenError, match=f"{name} was computed with .*{u_ev}") as caught:
            frames_of(tmp_path, acting(u), SHARED, name)
        assert "\n" not in str(caught.value)
    else:
        ((_, atoms),) = frames_of(tmp_path, acting(u), SHARED, name)
        assert atoms.info["u_ev"] == u_ev


def test_u_of_several_elements_is_that_of_each_run(tmp_path):
    found = frames_of(tmp_path, acting("6.0 3.0") + acting("4.0 2.0"), SHARED)
    assert [atoms.info["u_ev"] for _, atoms in found] == [4, 6]
    with pytest.raises(HavenError, match="U = Li 4, Cl 4 eV"):
        frames_of(tmp_path, acting("6.0 3.0") + acting("4.0 4.0"), SHARED)


def test_u_on_elements_that_the_material_names_none_for_is_refused(tmp_path):
    for material, has in ((of(("Li", "Cl")), "none"), (of(("Li", "Cl"), Li="s"), "Li 4")):
        with pytest.raises(HavenError, match=f"U = Cl 4 eV; .* at U = 4 eV has {has} for its"):
            frames_of(tmp_path, acting("0.0 4.0"), material)


def test_spin_and_k_mesh_of_vasp_are_settings_of_its_labels():
    text = (SHIPPED / "vasp" / "OUTCAR_example_1").read_text()
    line = "   ISPIN  =      2 "
    assert text.count(line) == 1
    for changed, spin in ((text, 2), (text.replace(line, line.replace("2", "1")), 1),
                          (text.replace("LNONCOLLINEAR =      F", "LNONCOLLINEAR =      T"), None)):
        (run,) = read_outcar(changed)
        assert run.settings.get("spin") == spin and "kpoints" not in run.settings
    mesh = " generate k-points for:    4    4    2\n"
    (run,) = read_outcar(text.replace(line, mesh + line))
    assert list(run.settings["kpoints"]) == [4, 4, 2]
    xml = read_vasprun((SHIPPED / "vasp" / "vasprun_pstress.xml").read_text())
    assert xml.settings["spin"] == 1 and list(xml.settings["kpoints"]) == [4, 4, 4]


@pytest.mark.parametrize(("name", "text", "spin"), [
    ("a.txt", GPAW, 1), ("a.txt", GPAW.replace("Spin-paired", "Spin-polarized"), 2),
    ("a.txt", GPAW.replace("Spin-paired", "Non-collinear"), None),
    ("a.out", ESPRESSO.replace("     init_run", "     Noncollinear calculation\n     init_run", 1),
     None),
])
def test_spin_of_other_programs_is_a_setting_of_their_labels(tmp_path, name, text, spin):
    (tmp_path / name).write_text(text)
    output = open_output(tmp_path / name, name)
    assert output is not None and [run.settings.get("spin") for run in output.runs] == [spin]
