"""First-principles dynamics: restarts, thermostat, labelled frames, by a cheap engine."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.io import iread, read
from test_labelled_cell import LACK, Waves

from haven.core.errors import HavenError
from haven.labels import aimd
from haven.labels.engines.base import LabelSettings
from haven.labels.labelling import labelled, make_engine
from haven.labels.pulay import HEADER
from haven.material.file import load_material


class Emt:
    """ASE's effective-medium potential as a label engine; ``stops`` ends it at that label."""

    version = "emt"

    def ways(self, u_ev: float) -> str:
        return "at hand"

    def __init__(self, stops: int = -1) -> None:
        self.stops, self.labels = stops, 0

    def label(self, atoms: Atoms, u_evs: list[float]) -> Any:
        if self.labels == self.stops:
            raise KeyboardInterrupt
        self.labels += 1
        for u_ev in u_evs:
            done = atoms.copy()
            done.calc = EMT()
            yield u_ev, {
                "energy": done.get_potential_energy(), "forces": done.get_forces(),
                "stress": done.get_stress(), "magmoms": np.zeros(len(done)), "magmom": 0.0,
                "scf_steps": 1, "wall_s": 0.1, "cpu_s": 0.1, "tries": 1, "rung": "at hand",
                "cores": 1}


class Stubborn(Emt):
    """Never converges after its first labels."""

    def label(self, atoms: Atoms, u_evs: list[float]) -> Any:
        if self.labels > 2:
            return
        yield from super().label(atoms, u_evs)


def copper() -> Atoms:
    atoms = bulk("Cu", cubic=True)
    atoms.rattle(0.05, seed=1)
    return atoms


def course(steps: int = 12, **changes: Any) -> aimd.Course:
    fields = {"u_ev": 4.0, "temperature_k": 300.0, "timestep_fs": 2.0, "damping_fs": 100.0,
              "steps": steps, "seed": 1}
    return aimd.Course(**{**fields, **changes})


def go(folder: Path, engine: Emt, steps: int = 12, **changes: Any) -> list[Atoms]:
    folder.mkdir(exist_ok=True)
    path = aimd.go_on_with_aimd(copper(), engine, course(steps, **changes), LabelSettings(), {},
                                folder, "t")
    frames = read(path, ":")
    assert isinstance(frames, list)
    return frames


def assert_same(one: list[Atoms], other: list[Atoms]) -> None:
    assert [a.info["frame"] for a in one] == [a.info["frame"] for a in other]
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a.positions, b.positions)
        np.testing.assert_array_equal(a.get_forces(), b.get_forces())
        assert a.get_potential_energy() == b.get_potential_energy()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> list[Atoms]:
    return go(tmp_path_factory.mktemp("run") / "whole", Emt())


def test_each_step_is_a_labelled_frame(undisturbed):
    assert [a.info["frame"] for a in undisturbed] == list(range(13))
    last = undisturbed[-1]
    assert last.info["time_fs"] == 24.0 and last.info["scf_steps"] == 1
    assert last.info["kinetic_temperature_k"] > 0 and last.info["origin"] == "aimd"
    fresh = last.copy()
    fresh.calc = EMT()
    assert last.get_potential_energy() == pytest.approx(fresh.get_potential_energy(), abs=1e-6)
    np.testing.assert_allclose(last.get_forces(), fresh.get_forces(), atol=1e-6)
    np.testing.assert_allclose(last.get_center_of_mass(), undisturbed[0].get_center_of_mass(),
                               atol=1e-6)


@pytest.mark.parametrize("at", [0, 1, 5, 12])
def test_a_run_stopped_in_a_step_goes_on_as_if_it_had_not_been(tmp_path, undisturbed, at):
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path / "run", Emt(stops=at))
    assert_same(go(tmp_path / "run", Emt()), undisturbed)


def test_a_frame_written_before_the_kill_but_not_its_state_is_not_there_twice(
        tmp_path, undisturbed, monkeypatch):
    save = aimd.save

    def killed(folder: Path, step: int, *rest: Any) -> None:
        if step == 7:
            raise KeyboardInterrupt
        save(folder, step, *rest)

    monkeypatch.setattr(aimd, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path / "run", Emt())
    monkeypatch.setattr(aimd, "save", save)
    with (tmp_path / "run" / aimd.FRAMES).open("a") as stream:
        stream.write("4\nLattice=")
    assert_same(go(tmp_path / "run", Emt()), undisturbed)


def test_a_run_made_longer_goes_on_from_its_end(tmp_path, undisturbed):
    go(tmp_path / "run", Emt(), steps=6)
    engine = Emt()
    assert_same(go(tmp_path / "run", engine), undisturbed)
    assert engine.labels == 6


def test_a_damaged_state_is_passed_over_for_the_one_before(tmp_path, undisturbed, caplog):
    folder = tmp_path / "run"
    go(folder, Emt(), steps=6)
    whole = (folder / aimd.STATES[0]).read_bytes()
    (folder / aimd.STATES[0]).write_bytes(whole[:len(whole) // 2])
    assert_same(go(folder, Emt()), undisturbed)
    assert "damaged" in caplog.text


def test_two_damaged_states_or_cut_frames_are_refused(tmp_path):
    for name in aimd.STATES, (aimd.FRAMES,):
        folder = tmp_path / name[0]
        go(folder, Emt(), steps=3)
        for file in name:
            (folder / file).write_bytes((folder / file).read_bytes()[:100])
        with pytest.raises(HavenError, match="delete the folder"):
            go(folder, Emt())


def test_the_thermostat_gives_the_canonical_temperature(tmp_path):
    found = np.array([a.info["kinetic_temperature_k"]
                      for a in go(tmp_path / "run", Emt(), 1500, damping_fs=20.0)])[100:]
    expected = 300 * np.sqrt(2 / 9)
    assert found.mean() == pytest.approx(300, abs=3 * expected / np.sqrt(len(found) / 15))
    assert found.std() == pytest.approx(expected, rel=0.25)


def test_seeds_give_different_runs_and_the_same_seed_the_same(tmp_path, undisturbed):
    other = go(tmp_path / "other", Emt(), steps=3, seed=2)
    assert np.abs(other[3].positions - undisturbed[3].positions).max() > 1e-3
    start, settings = copper(), LabelSettings()
    one, two, longer = (aimd.key_of_aimd(asdict(c), start, settings, "emt")
                        for c in (course(), course(seed=2), course(steps=50)))
    assert one == longer and one != two


def test_a_step_that_does_not_converge_names_itself_and_keeps_the_rest(tmp_path):
    with pytest.raises(HavenError, match="step 3 of t: the self-consistency"):
        go(tmp_path / "run", Stubborn())
    assert len(read(tmp_path / "run" / aimd.FRAMES, ":")) == 3


@pytest.mark.parametrize(("changes", "word"), [
    ({"temperature_k": 0.0}, "temperature_k"), ({"temperature_k": -5.0}, "temperature_k"),
    ({"timestep_fs": 0.0}, "timestep_fs"), ({"damping_fs": -1.0}, "damping_fs"),
    ({"damping_fs": 4.0}, "five time steps"), ({"steps": 0}, "aimd_steps"),
])
def test_numbers_that_make_no_sense_are_named(changes, word):
    with pytest.raises(HavenError, match=word):
        aimd.check_course(course(**changes))


def test_an_engine_that_is_not_installed_is_named(tmp_path, monkeypatch, repository):
    from importlib.metadata import PackageNotFoundError

    from haven.labels.engines import gpaw as label_gpaw

    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(label_gpaw.importlib.metadata, "version", missing)
    with pytest.raises(HavenError, match="haven setup --labels"):
        make_engine("gpaw", load_material(repository / "assets/materials/li3ticl6.yml"),
                    LabelSettings(), tmp_path)


def test_a_start_of_other_elements_is_named(tmp_path):
    np.savez(tmp_path / "start.npz", symbols=["Na", "Cl"], cell_angstrom=5 * np.eye(3),
             all_angstrom=2.5 * np.ones((2, 2, 1)) * [[[0.0], [1.0]]] * np.ones(3))
    assert len(aimd.read_start(tmp_path / "start.npz", ["Na", "Cl"])) == 2
    with pytest.raises(HavenError, match="element Na"):
        aimd.read_start(tmp_path / "start.npz", ["Li", "Ti", "Cl"])


def test_frames_for_training_get_their_pulay_stress():
    settings, frames = LabelSettings(), []
    for size in (1.0, 1.02):
        atoms = copper()
        atoms.set_cell(size * atoms.cell.array, scale_atoms=True)
        (_, result), = Waves(settings.plane_wave_cutoff_ev).label(atoms, [4.0])
        frames.append(labelled(atoms, 4.0, result, settings, "waves"))
    aimd.add_pulay(frames, 4.0, settings,
                   lambda further: Waves(further.plane_wave_cutoff_ev), {"Cu": 0.0})
    true = -2 / 3 * LACK / settings.plane_wave_cutoff_ev
    for frame in frames:
        assert frame.info[HEADER] * frame.get_volume() == pytest.approx(true, rel=0.05)
    assert frames[1].info[HEADER] > frames[0].info[HEADER]
    bare = [frame.copy() for frame in frames]
    for one, frame in zip(bare, frames, strict=True):
        one.calc = frame.calc
        one.info.pop(HEADER)
    silent = Stubborn()
    silent.labels = 3
    aimd.add_pulay(bare, 4.0, settings, lambda _: silent, {})  # warned of, left as they are
    assert not any(HEADER in frame.info for frame in bare)


def test_gpaw_goes_on_from_the_last_density_and_after_a_kill_from_none(tmp_path, repository):
    pytest.importorskip("gpaw", reason="GPAW is installed by ./haven setup --labels")
    from haven.labels.engines.gpaw import Gpaw

    material = load_material(repository / "assets/materials/li3ticl6.yml")
    settings = LabelSettings(plane_wave_cutoff_ev=220.0, kpoint_spacing_per_angstrom=3.0,
                        convergence={"energy": 1e-6, "density": 1e-5, "eigenstates": 1e-8})
    start = Atoms("TiCl", scaled_positions=[[0, 0, 0], [0.52, 0.5, 0.47]],
                  cell=2.6 * (1 - np.eye(3)), pbc=True)

    def ended(name: str, steps: int) -> list[Any]:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        engine = Gpaw(material, settings, tmp_path / "gpaw.txt")  # has no density, as after a kill
        aimd.go_on_with_aimd(start, engine, course(steps), settings, {"Ti": 3.0}, folder, "t")
        return list(iread(folder / aimd.FRAMES))

    whole = ended("whole", 2)
    ended("killed", 1)
    killed = ended("killed", 2)
    assert [a.info["frame"] for a in killed] == [0, 1, 2]
    np.testing.assert_allclose(whole[2].positions, killed[2].positions, atol=1e-5)
    np.testing.assert_allclose(whole[2].get_forces(), killed[2].get_forces(), atol=5e-3)
    assert whole[1].info["scf_steps"] < whole[0].info["scf_steps"]
