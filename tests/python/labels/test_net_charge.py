"""A charged cell is no label of a crystal, whichever program or header says that it is charged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from analytic import labelled
from ase.io import ulm, write
from outcars import outcar
from trained import MATERIAL

from haven.core.errors import HavenError
from haven.labels.frames.net_charge import excess
from haven.labels.frames.reading import read_file
from haven.labels.importing import import_source
from haven.labels.programs.gpaw import CHARGE, gpw_frames
from haven.labels.programs.vasp import read_outcar, read_vasprun
from haven.material.file import load_material

DATA = Path(__file__).resolve().parents[2] / "data"
CRYSTAL = load_material(MATERIAL)
SPECIES = ("Li", "Ti", "Cl")


def brought(path: Path, elements: tuple[str, ...], out: Path) -> list[Path]:
    out.mkdir(exist_ok=True)
    return import_source(path, f"u0/{path.name}",
                         replace(CRYSTAL, composition=dict.fromkeys(elements, 1)), out)


@pytest.mark.parametrize("key", ["charge", "Charge", "total_charge", "tot_charge", "net_charge"])
@pytest.mark.parametrize(("value", "said"), [
    (1, "a net charge of +1 e"), (-0.5, "a net charge of -0.5 e"), ("one", "must be the net"),
    (np.array([1.0, -1.0]), "must be the net"), (float("nan"), "must be the net"),
])
def test_a_header_with_a_charge_is_refused_by_file_and_frame(tmp_path, key, value, said):
    images = labelled(1, 3)
    images[1].info[key] = value
    write(tmp_path / "cell.u4.extxyz", images)
    with pytest.raises(HavenError, match=r"cell\.u4\.extxyz, frame 1: ") as refused:
        read_file(tmp_path / "cell.u4.extxyz", 4.0, SPECIES)
    assert said in str(refused.value)


def test_neutral_headers_and_charges_of_atoms_pass(tmp_path):
    images = labelled(1, 3)
    images[0].info |= {"charge": 0, "total_charge": 1e-6, "charges": "Bader"}
    images[1].set_initial_charges(np.linspace(-1, 2, len(images[1])))
    write(tmp_path / "cell.u4.extxyz", images)
    assert len(read_file(tmp_path / "cell.u4.extxyz", 4.0, SPECIES)) == 3


VALENCES = ("   POMASS =    7.010; ZVAL   =    3.000    mass and valenz\n"
            "   POMASS =   35.453; ZVAL   =    7.000    mass and valenz\n{vca}"
            "   NELECT =  {electrons:10.4f}    total number of electrons\n   ENCUT ")


@pytest.mark.parametrize(("electrons", "vca", "charge"), [
    (10.0, "", None), (9.0, "", 1.0), (10.5, "", -0.5), (10.0, "   VCA    =   1.00  1.00\n", None),
    (6.5, "   VCA    =   1.00  0.50\n", None), (6.5, "", 3.5),
])
def test_an_outcar_is_charged_where_its_electrons_are_not_those_of_its_atoms(
    tmp_path, electrons, vca, charge
):
    text = outcar([(3, 1e-7)]).replace(
        "   ENCUT ", VALENCES.format(electrons=electrons, vca=vca), 1)
    assert read_outcar(text)[0].settings.get("charge") == charge
    (tmp_path / "OUTCAR").write_text(text)
    if charge is None:
        assert brought(tmp_path / "OUTCAR", ("Li", "Cl"), tmp_path / "out")
        return
    with pytest.raises(HavenError, match=rf"OUTCAR, frame 0: .*net charge of \{charge:+g} e"):
        brought(tmp_path / "OUTCAR", ("Li", "Cl"), tmp_path / "out")


def test_an_outcar_that_does_not_tell_is_taken_for_neutral():
    assert "charge" not in read_outcar(outcar([(3, 1e-7)]))[0].settings


@pytest.mark.parametrize(("electrons", "charge"), [(8.0, None), (9.0, -1.0), (7.75, 0.25)])
def test_a_vasprun_is_charged_by_its_last_word(electrons, charge):
    from test_wrong_labels import xml

    types = ('<array name="atomtypes"><set><rc><c>   2</c><c>Si</c><c>     28.08500000</c>'
             "<c>      4.00000000</c><c> PAW_PBE Si 05Jan2001 </c></rc></set></array></atominfo>"
             f'<parameters><i name="NELECT"> {electrons:.8f}</i></parameters>')
    text = xml([[-1.0, -1.1]], 60, 1e-6, '<i name="NELECT"> 8.0</i>').replace("</atominfo>", types)
    assert read_vasprun(text).settings.get("charge") == charge


@pytest.mark.parametrize(("electrons", "charge"), [
    ("8.00", None), ("7.00", "+1"), ("9.50", "-1.5")])
def test_quantum_espresso_with_tot_charge_is_refused(tmp_path, electrons, charge):
    text = (DATA / "espresso_ch4.out").read_text()
    told = "number of electrons       =         8.00"
    assert text.count(told) == 1
    (tmp_path / "pw.out").write_text(text.replace(told, f"{told[:-4]}{electrons}"))
    if charge is None:
        assert brought(tmp_path / "pw.out", ("C", "H"), tmp_path / "out")
        return
    with pytest.raises(HavenError, match=rf"pw\.out, frame 0: .*net charge of \{charge} e"):
        brought(tmp_path / "pw.out", ("C", "H"), tmp_path / "out")


@pytest.mark.parametrize("charge", [0, 1, -2])
def test_cp2k_with_charge_is_refused(tmp_path, charge):
    text = (DATA / "cp2k_h2.out").read_text()
    (tmp_path / "c.out").write_text(
        text.replace(" CELL|", f" DFT| Charge {charge:60d}\n CELL|", 1))
    assert "DFT| Charge" in (tmp_path / "c.out").read_text()
    if not charge:
        assert brought(tmp_path / "c.out", ("H",), tmp_path / "out")
        return
    with pytest.raises(HavenError, match=rf"c\.out, frame 0: .*net charge of \{charge:+d} e"):
        brought(tmp_path / "c.out", ("H",), tmp_path / "out")


@pytest.mark.parametrize(("line", "charge"), [
    ("  Charge: 1.0  # |e|", 1.0), ("  Total Charge: -1.000000", -1.0), ("  charge: 2,", 2.0),
    ("  Total Charge: 0.000000", 0.0), ("  Charge: 0.0  # |e|", 0.0),
])
def test_gpaw_s_wordings_of_the_charge_are_known(line, charge):
    text = f"Densities:\n{line}\n  Fine grid: 24*24*24\nDipole moment, charge: see below\n"
    assert list(map(float, CHARGE.findall(text))) == [charge]


@pytest.mark.parametrize("charge", [None, 0.0, 1.0])
def test_a_gpw_is_charged_by_its_parameters(tmp_path, charge):
    with ulm.open(tmp_path / "a.gpw", "w", tag="gpaw") as writer:
        writer.child("parameters").write(**({} if charge is None else {"charge": charge}))
    (atoms,) = gpw_frames(tmp_path / "a.gpw", labelled(1, 1))
    assert atoms.info.get("charge") == (charge or None)


def test_what_rounded_valences_leave_open_is_no_charge():
    assert excess(38.0, 38.004) == {} and excess(38.0, 37.75) == {"charge": -0.25}
