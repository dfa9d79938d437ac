"""Elements and cutoff of potentials whose files hold no training input; ensembles of such."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import pytest

from haven.core.errors import HavenError
from haven.potential.families.deepmd import model_file

SHIPPED = Path(__file__).parents[3] / "assets" / "models" / "small" / "u4_s1.pb"
SPECIES = ("Li", "Ti", "Cl")


def without_input(path: Path, order: bytes = b"Li Ti Cl", kind: bytes = b"ener") -> Path:
    """Write the shipped potential as a program that embeds no training input would."""
    content = SHIPPED.read_bytes().replace(b'"model"', b'"moxel"')
    content = content.replace(b"Li Ti Cl", order).replace(b"\x42\x04ener", b"\x42\x04" + kind)
    path.write_bytes(content)
    return path


def test_a_graph_says_its_elements_and_cutoff_in_its_constants(tmp_path):
    found = model_file.read_description(without_input(tmp_path / "a.pb"))
    told = model_file.read_description(SHIPPED)
    assert found is not None and told is not None
    assert found.type_map == told.type_map and found.cutoff_angstrom == told.cutoff_angstrom


@pytest.mark.parametrize("order", [b"Cl Ti Li", b"Ti Li Cl"])
def test_an_ensemble_that_orders_elements_differently_is_refused(tmp_path, order):
    one, two = without_input(tmp_path / "a.pb"), without_input(tmp_path / "b.pb", order)
    model_file.check_ensemble([one, SHIPPED], SPECIES)
    for pair in ([one, two], [SHIPPED, two], [two, one]):
        with pytest.raises(HavenError, match="differ in their elements by type"):
            model_file.check_ensemble(pair, SPECIES)


def test_elements_and_kind_are_checked_of_a_graph_without_input(tmp_path):
    path = without_input(tmp_path / "a.pb")
    with pytest.raises(HavenError, match="knows Li, Ti, Cl, not Na"):
        model_file.check_potential(path, ("Na", "Cl"))
    dipole = without_input(tmp_path / "b.pb", kind=b"pola")
    with pytest.raises(HavenError, match="kind pola, which gives no energy"):
        model_file.check_potential(dipole, SPECIES)


def test_an_archive_says_its_elements_in_its_model_definition(tmp_path):
    path = tmp_path / "a.pth"
    text = '{"type_map": ["O", "H"], "descriptor": {"rcut": 6.0, "sel": [46, 92]}}'
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", pickle.dumps({"model_def_script": text}, protocol=2))
    found = model_file.read_description(path)
    assert found is not None and found.type_map == ("O", "H") and found.cutoff_angstrom == 6.0


def test_an_ensemble_of_which_one_says_nothing_is_refused(tmp_path, monkeypatch):
    junk = tmp_path / "junk.pth"
    junk.write_bytes(b"x" * 2000)
    monkeypatch.setattr(model_file, "by_library", lambda path: None)
    model_file.check_ensemble([junk], SPECIES)
    with pytest.raises(HavenError, match="does not say the order of its elements"):
        model_file.check_ensemble([SHIPPED, junk], SPECIES)
