"""Labels made before are gone on with only where they are what is asked for now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import label_frames
import numpy as np
import pytest
import relax_first_principles
import run_aimd
import yaml
from ase.io import write
from trained import MATERIAL

from haven.core.errors import HavenError
from haven.core.reading.images import read_images
from haven.labels import engines
from haven.material.file import load_material
from haven.material.relaxation import conventional


class Told:
    """Labels whose energy tells the Hamiltonian: the sum of U and the moment of Ti."""

    version = "told 1"

    def __init__(self, material: Any) -> None:
        self.material = material

    def ways(self, u_ev: float) -> str:
        return "none"

    def label(self, atoms: Any, u_evs: list[float]) -> Any:
        for u_ev in sorted(u_evs):
            energy = (sum(self.material.hubbard_ev(u_ev).values())
                      + 10 * self.material.moments.get("Ti", 0.0))
            yield u_ev, {"energy": energy, "forces": np.zeros((len(atoms), 3)),
                         "stress": np.zeros(6), "magmoms": np.zeros(len(atoms)), "magmom": 0.0,
                         "scf_steps": 1, "wall_s": 0.1, "cpu_s": 0.1, "tries": 1, "rung": "none",
                         "cores": 1}


@pytest.fixture(autouse=True)
def told(monkeypatch):
    monkeypatch.setitem(engines.ENGINES, "gpaw", engines.Kind(
        lambda material, _settings, _folder: Told(material), environment=("TOLD_BY",)))


@pytest.fixture
def start(tmp_path) -> Path:
    atoms = conventional(load_material(MATERIAL), 1)
    atoms.info = {"trajectory": "t0", "frame": 0}
    write(tmp_path / "start.extxyz", atoms)
    return tmp_path / "start.extxyz"


def material(folder: Path, name: str, **changes: Any) -> Path:
    content = yaml.safe_load(Path(MATERIAL).read_text(encoding="utf-8")) | changes
    (folder / name).write_text(yaml.safe_dump(content), encoding="utf-8")
    return folder / name


def given(path: Path, start: Path, out: Path, *more: object) -> list[str]:
    return [str(word) for word in (
        "--material", path, "--start", start, "--u_ev", 4, "--out", out,
        "--checkpoint_dir", out.parent / "checkpoints", *more)]


OTHERS = [{"moments": {"Ti": 3.0}},
          {"hubbard": {"Ti": {"shell": "d", "u_ev": 4}, "Cl": {"shell": "p", "u_ev": 8}}}]


@pytest.mark.parametrize("changed", OTHERS, ids=["moments", "hubbard"])
def test_dynamics_begun_with_another_hamiltonian_is_begun_anew(tmp_path, start, changed):
    energies = []
    for name, steps, changes in (("a.yml", 3, {}), ("b.yml", 5, changed)):
        out = tmp_path / f"out_{name}"
        run_aimd.main(given(material(tmp_path, name, **changes), start, out, "--temperature_k",
                            300, "--replica", 0, "--aimd_steps", steps))
        energies.append([frame.get_potential_energy() for frame in
                         read_images(out / "aimd_t300_r0.u4.extxyz", "frames")])
    assert len(energies[1]) == 6 and len(set(energies[0])) == len(set(energies[1])) == 1
    assert energies[0][0] != energies[1][0]


def test_dynamics_of_another_program_is_begun_anew_and_the_same_is_gone_on_with(
    tmp_path, start, monkeypatch
):
    for value, folders in (("one", 1), ("one", 1), ("two", 2)):
        monkeypatch.setenv("TOLD_BY", value)
        run_aimd.main(given(material(tmp_path, "a.yml"), start, tmp_path / "out",
                            "--temperature_k", 300, "--replica", 0, "--aimd_steps", 2))
        assert len(list((tmp_path / "checkpoints").iterdir())) == folders


@pytest.mark.parametrize("changed", OTHERS, ids=["moments", "hubbard"])
def test_a_relaxation_begun_with_another_hamiltonian_is_begun_anew(tmp_path, start, changed):
    energies = []
    for name, changes in (("a.yml", {}), ("b.yml", changed)):
        out = tmp_path / f"out_{name}"
        relax_first_principles.main(given(material(tmp_path, name, **changes), start, out))
        energies.append([frame.get_potential_energy() for frame in
                         read_images(next(out.glob("*.u4.extxyz")), "steps")])
    assert set(energies[0]).isdisjoint(energies[1])


def test_labels_of_other_settings_in_the_same_folder_are_refused(tmp_path, start):
    def label(*more: object, structure: Path = start) -> None:
        label_frames.main([str(word) for word in (
            "--material", MATERIAL, "--structure", structure, "--u_ev", 4, "--out",
            tmp_path / "frames", *more)])

    label()
    kept = tmp_path / "frames" / "t0.u4.extxyz"
    before = kept.read_bytes()
    label()
    assert kept.read_bytes() == before  # nothing made twice
    for option, value, words in (
        ("--plane_wave_cutoff_ev", 500, "plane_wave_cutoff_ev 340.0, asked is 500"),
        ("--kpoint_spacing_per_angstrom", 0.3, "kpoints"),
        ("--smearing_with_u_ev", 0.2, "smearing_ev 0.1, asked is 0.2"),
        ("--functional", "PBEsol", "functional PBE, asked is PBEsol"),
        ("--dispersion", "d3bj", "dispersion None, asked is d3bj"),
    ):
        with pytest.raises(HavenError, match=f"frame 0: .*{words}.*give another --out"):
            label(option, value)
    moved = read_images(start, "start")[0]
    moved.positions[3] += 0.01
    moved.info = {"trajectory": "t0", "frame": 0}
    write(tmp_path / "moved.extxyz", moved)
    with pytest.raises(HavenError, match="of another structure"):
        label(structure=tmp_path / "moved.extxyz")
    assert kept.read_bytes() == before
