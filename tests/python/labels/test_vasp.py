"""VASP's inputs as written and its outputs as read; the program itself is not here to run.

The outputs are a real OUTCAR that ASE ships with its tests.
"""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import ase
import numpy as np
import pytest
from ase import Atoms
from ase.io import read, write
from trained import MATERIAL, call

from haven.core.errors import HavenError
from haven.labels.engines.base import LabelSettings
from haven.labels.engines.vasp import (
    Vasp,
    converged,
    electronic_steps,
    incar,
    read_outputs,
    version,
)
from haven.labels.labelling import failed_rows, label_trajectory
from haven.material.file import load_material

SHIPPED = Path(ase.__file__).parent / "test" / "testdata" / "vasp"
CRYSTAL = load_material(MATERIAL)
FRAMES = MATERIAL.parents[1] / "frames" / "li3ticl6"
OUTCAR = SHIPPED / "OUTCAR_example_1"


@pytest.fixture
def potentials(tmp_path, monkeypatch):
    """Stand-ins for the licensed files: what they hold is not read here."""
    for symbol in ("Li", "Ti", "Cl", "Ni"):
        folder = tmp_path / "pp" / "potpaw_PBE" / symbol
        folder.mkdir(parents=True)
        (folder / "POTCAR").write_text(f" PAW_PBE {symbol}\n parameters\n End of Dataset\n")
    monkeypatch.setenv("VASP_PP_PATH", str(tmp_path / "pp"))
    return tmp_path


@pytest.fixture
def frame() -> Atoms:
    atoms = read(FRAMES / "s1_000.u4.extxyz", 0)
    assert isinstance(atoms, Atoms)
    atoms.calc = None
    return atoms


def program(folder: Path, body: str) -> str:
    path = folder / "vasp_std"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IEXEC)
    return str(path)


def label(folder: Path, frame: Atoms, u_ev: float, body: str, monkeypatch) -> dict:
    monkeypatch.setenv("HAVEN_VASP", program(folder, body))
    engine = Vasp(CRYSTAL, LabelSettings("PW91", 450.0, 0.6, 0.05, 0.05), folder / "vasp")
    return dict(engine.label(frame, [u_ev]))


def words(path: Path) -> dict[str, str]:
    lines = [line.split("=", 1) for line in path.read_text().splitlines() if "=" in line]
    return {key.strip(): value.strip() for key, value in lines}


@pytest.mark.parametrize("u_ev", [0.0, 4.0])
def test_inputs_are_complete(potentials, frame, u_ev, monkeypatch):
    with pytest.raises(HavenError, match="OUTCAR is missing or cut off"):
        label(potentials, frame, u_ev, "exit 0", monkeypatch)
    folder = potentials / "vasp"
    assert {p.name for p in folder.iterdir()} >= {"INCAR", "KPOINTS", "POSCAR", "POTCAR"}
    found = words(folder / "INCAR")
    assert found["GGA"] == "91" and float(found["ENCUT"]) == 450 and found["ISPIN"] == "2"
    assert float(found["SIGMA"]) == 0.05 and float(found["NUPDOWN"]) == 2
    order = (folder / "POTCAR").read_text().split("PAW_PBE ")[1:]
    symbols = [text.split()[0] for text in order]
    assert (folder / "POSCAR").read_text().splitlines()[5].split() == symbols
    if u_ev:
        place = symbols.index("Ti")
        assert found["LDAU"] == ".TRUE." and found["LDAUTYPE"] == "2" and found["LMAXMIX"] == "4"
        assert found["LDAUL"].split()[place] == "2"
        assert [float(x) for x in found["LDAUU"].split()] == [
            4.0 if s == "Ti" else 0.0 for s in symbols]
        assert all(float(x) == 0 for x in found["LDAUJ"].split())
    else:
        assert "LDAUU" not in found
    assert (folder / "KPOINTS").read_text().splitlines()[3].split() == ["2", "1", "2"]


def test_a_real_outcar_is_read_as_the_program_wrote_it(tmp_path):
    (tmp_path / "OUTCAR").write_text(OUTCAR.read_text())
    text = OUTCAR.read_text()
    result = read_outputs(tmp_path)
    assert result is not None
    toten = [line for line in text.splitlines() if "free  energy   TOTEN" in line][-1]
    assert result["energy"] == pytest.approx(float(toten.split()[4]))
    at = text.rindex("TOTAL-FORCE")
    row = text[at:].splitlines()[2].split()
    assert result["forces"][0] == pytest.approx([float(x) for x in row[3:]])
    assert result["cores"] == 512 and result["scf_steps"] == electronic_steps(text) > 1
    assert version(OUTCAR) == "vasp.5.3.3"


def test_atoms_come_back_in_the_order_they_had(tmp_path):
    (tmp_path / "OUTCAR").write_text(OUTCAR.read_text())
    plain = read_outputs(tmp_path)
    assert plain is not None
    count = len(plain["forces"])
    there = np.random.default_rng(1).permutation(count)  # as sorted for VASP
    np.savetxt(tmp_path / "ase-sort.dat", np.c_[there, np.argsort(there)], fmt="%d")
    back = read_outputs(tmp_path)
    assert back is not None
    np.testing.assert_allclose(back["forces"][there], plain["forces"])


@pytest.mark.parametrize(("name", "reached"), [("n_y", True), ("y_n", False)])
def test_convergence_is_read_from_the_real_words(name, reached):
    assert converged((SHIPPED / f"convergence_OUTCAR_{name}").read_text()) is reached


@pytest.mark.parametrize("share", [0.0, 0.5, 0.98])
def test_half_an_outcar_is_refused(tmp_path, share):
    text = OUTCAR.read_text()
    (tmp_path / "OUTCAR").write_text(text[: int(share * text.index("General timing"))])
    with pytest.raises(HavenError, match="missing or cut off"):
        read_outputs(tmp_path)


def test_a_run_that_fails_says_what_the_program_said(potentials, frame, monkeypatch):
    with pytest.raises(HavenError, match=r"status 3 .*: out of licences"):
        label(potentials, frame, 4.0, "echo out of licences; exit 3", monkeypatch)


def test_frames_of_which_none_converges_are_a_result_and_outlive_their_task(
    potentials, frame, monkeypatch
):
    text = OUTCAR.read_text().replace("aborting loop because EDIFF is reached", "aborting loop")
    (potentials / "unconverged").write_text(text)
    monkeypatch.setenv("HAVEN_VASP", program(
        potentials, f"cp {potentials}/unconverged OUTCAR; echo x >> {potentials}/called"))
    structure = potentials / "x1_c.extxyz"
    frame.info = {"trajectory": "x1_c", "frame": 0}
    write(structure, frame)
    for out in (potentials / "killed", potentials / "again"):
        done = call("label_frames.py", "--structure", structure, "--u_ev", "0,4", "--engine",
                    "vasp", "--checkpoint_dir", potentials / "checkpoints", "--out", out)
        assert done.returncode == 0, done.stderr
        assert [path.name for path in out.iterdir() if path.suffix == ".extxyz"] == [
            "x1_c.failed.extxyz"]
        assert [row["frame"] for row in failed_rows(out, "ltc", 4.0)] == [0]
    assert (potentials / "called").read_text().split() == ["x", "x"]  # once for each U


@pytest.mark.parametrize("dispersion", ["none", "d3bj"])
def test_labels_go_on_after_a_kill(potentials, monkeypatch, dispersion):
    """The version, which stands in the header of each label, is known after a run alone."""
    calls, out = potentials / "calls", potentials / "frames"
    monkeypatch.setenv("HAVEN_VASP", program(
        potentials, f"echo x >> {calls}; [ $(wc -l < {calls}) -eq 3 ] && exit 3; cp {OUTCAR} ."
        " && mv OUTCAR_example_1 OUTCAR"))
    nickel = replace(CRYSTAL, composition={"Ni": 1}, hubbard={}, moments={})
    frames = []
    for number in range(2):
        atoms = read(OUTCAR)
        assert isinstance(atoms, Atoms)
        atoms.calc, atoms.info = None, {"trajectory": "t", "frame": number}
        atoms.positions[0] += 0.01 * number
        frames.append(atoms)

    def label_all() -> None:
        label_trajectory(frames, nickel, [0.0], LabelSettings(dispersion=dispersion), out,
                         engine="vasp")

    with pytest.raises(HavenError, match="ended with status 3"):
        label_all()
    first = (out / "t.u0.extxyz").read_text()
    label_all()
    label_all()
    kept = out / "t.u0.extxyz"
    assert kept.read_text().startswith(first) and len(calls.read_text().split()) == 4
    assert [atoms.info["engine"] for atoms in read(kept, ":")] == 2 * ["vasp.5.3.3"]
    kept.write_text(kept.read_text().replace("vasp.5.3.3", '"gpaw 25.1"'))
    with pytest.raises(HavenError, match=r"has engine gpaw 25\.1, asked is vasp"):
        label_all()


def test_without_potentials_or_program_the_script_says_so(tmp_path, monkeypatch):
    frames = FRAMES / "s1_000.u4.extxyz"
    monkeypatch.delenv("VASP_PP_PATH", raising=False)
    monkeypatch.setenv("HAVEN_VASP", "no_such_vasp")
    options = ("--structure", frames, "--u_ev", "4", "--engine", "vasp", "--out", tmp_path)
    done = call("label_frames.py", *options)
    assert done.returncode == 2 and "no_such_vasp, which is not on PATH" in done.stderr
    monkeypatch.setenv("HAVEN_VASP", "true")
    done = call("label_frames.py", *options)
    assert done.returncode == 2 and "set VASP_PP_PATH" in done.stderr


def test_functionals_and_shells_vasp_lacks_are_refused(frame):
    with pytest.raises(HavenError, match="functional SCAN"):
        incar(frame, CRYSTAL, LabelSettings("SCAN"), 0.0)
