"""Potentials of the U asked for, in cells near their labels: what scripts of dynamics check."""

from __future__ import annotations

import importlib
import json
import shutil

import pytest
from analytic import crystal
from ase.io import write
from trained import MATERIAL, ROOT

from haven.core.errors import HavenError
from haven.potential.families import check_u

MODELS = ROOT / "assets" / "models" / "small"
SCRIPTS = {  # script: option of its structure, option of its potentials, and what else it needs
    "minimise": ("--structure", "--potential", ()),
    "anneal": ("--structure", "--potential", ("--cell", "material")),
    "equilibrate_cell": ("--structure", "--potential", ("--temperature_k", "300")),
    "run_dynamics": ("--structure", "--potentials", ("--temperature_k", "300", "--cell",
                                                     "material")),
    "explore": ("--structures", "--potentials", ()),
    "relax_cell": ("", "--potential", ()),
    "find_barriers": ("--structure", "--potential", ()),
}


def call(script, structure, potentials, out):
    of_structure, of_potentials, own = SCRIPTS[script]
    importlib.import_module(script).main([
        "--material", str(MATERIAL), *([of_structure, str(structure)] if of_structure else []),
        of_potentials, *map(str, potentials), "--u_ev", "4", *own, "--out", str(out)])


@pytest.fixture
def structure(tmp_path):
    write(tmp_path / "cell.extxyz", crystal(1).repeat((2, 1, 1)))
    return tmp_path / "cell.extxyz"


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_potential_of_another_u_is_refused(script, structure, tmp_path):
    several = SCRIPTS[script][1] == "--potentials"
    for potentials in ([MODELS / "u0_s1.pb"], *([[MODELS / "u4_s1.pb", MODELS / "u0_s1.pb"]]
                                                if several else [])):
        with pytest.raises(HavenError, match=r"u0_s1\.pb is of U = 0 eV, not 4 eV: give potential"):
            call(script, structure, potentials, tmp_path / "out")
    assert not list((tmp_path / "out").glob("*"))


def test_the_u_of_a_potential_is_told_by_what_lies_beside_it_or_beside_its_original(tmp_path):
    about = {"u_ev": 4.0}
    for name in ("u4_s1.pb", "uncompressed_u4_s1.pb"):
        shutil.copy(MODELS / "u4_s1.pb", tmp_path / name)
        check_u(tmp_path / name, 0)  # nothing is told
    (tmp_path / "task").mkdir()
    (tmp_path / "task" / "given.pb").symlink_to(tmp_path / "u4_s1.pb")
    for told in ({}, {"u_ev": None}, [], about):
        (tmp_path / "u4_s1.potential.json").write_text(json.dumps(told))
        for name in ("u4_s1.pb", "uncompressed_u4_s1.pb", "task/given.pb"):
            check_u(tmp_path / name, 4)
            if told is about:
                with pytest.raises(HavenError, match="is of U = 4 eV, not 0 eV"):
                    check_u(tmp_path / name, 0)


@pytest.mark.parametrize("script", ["run_dynamics", "anneal"])
@pytest.mark.parametrize("scale", [0.93, 1.1])
def test_a_cell_that_is_kept_far_from_the_volumes_of_the_labels_is_refused(
        script, scale, tmp_path):
    atoms = crystal(1).repeat((2, 1, 1))
    atoms.set_cell(atoms.cell * scale, scale_atoms=True)
    write(tmp_path / "cell.extxyz", atoms)
    with pytest.raises(HavenError, match=r"has \d+\.\d cubic Angstrom an atom, outside the 17\.5 "
                       r"to 23\.4 near the labels of u4_s1\.pb"):
        call(script, tmp_path / "cell.extxyz", [MODELS / "u4_s1.pb"], tmp_path / "out")
    assert not (tmp_path / "out").exists()
