"""The shipped frames: whole, as many as promised, the same geometries at each U."""

from __future__ import annotations

import functools
import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ase.io import read

from haven.core import tables
from haven.labels.cell_relaxation import lattice_row
from haven.labels.frames.reading import read_file
from haven.labels.pulay import HEADER
from haven.material.file import load_material
from haven.material.relaxation import EV_PER_ANGSTROM3_GPA
from haven.potential.families.deepmd.model_file import read_description

ASSETS = Path(__file__).parents[3] / "assets"
FRAMES = ASSETS / "frames" / "li3ticl6"
MODELS = ASSETS / "models"
FOLDERS = (MODELS, MODELS / "small", MODELS / "small_d3bj")
CELLS = ASSETS / "cells" / "li3ticl6"
SHIPPED = sorted(p.stem for p in MODELS.glob("u*_s*.pb"))


@pytest.fixture(scope="module")
def frames():
    return {u: {(a.info["trajectory"], int(a.info["frame"])): a
                for path in sorted(FRAMES.glob(f"*.u{u}.extxyz")) for a in read(path, ":")}
            for u in (0, 4)}


def test_checksums_are_those_of_the_files():
    lines = [line.split() for line in (FRAMES / "SHA256SUMS").read_text().splitlines()]
    assert {name for _, name in lines} == {p.name for p in FRAMES.glob("*.extxyz")}
    for digest, name in lines:
        assert hashlib.sha256((FRAMES / name).read_bytes()).hexdigest() == digest, name


@pytest.mark.parametrize("u_ev", [0, 4])
def test_at_least_250_frames_converged_in_cells_of_twenty_to_eighty_atoms(frames, u_ev):
    found = frames[u_ev].values()
    assert len(found) >= 250
    assert {len(a) for a in found} == {20, 40, 80}
    assert {a.info["origin"] for a in found} == {"strained", "dynamics", "pulled"}
    rounds = {t[:5] for t, _ in frames[u_ev] if t.startswith("x1_")}
    assert len(rounds) >= 3
    hot = {float(a.info["temperature_k"]) for a in found if "temperature_k" in a.info}
    assert {300.0, 450.0, 600.0, 900.0} <= hot
    for atoms in found:
        assert atoms.info["converged"] and atoms.info["u_ev"] == u_ev
        assert np.isfinite(atoms.get_forces()).all() and np.isfinite(atoms.get_stress()).all()
        assert np.abs(atoms.get_forces().sum(axis=0)).max() < 0.2, "net force"
        assert abs(atoms.get_magnetic_moment() - (atoms.symbols == "Ti").sum()) < 0.01


def test_u_changes_labels_and_nothing_else(frames):
    lacking = {("x1_s4_1007", 1), ("x1_s4_1007", 2)}  # of 80 atoms, not made anew (data card)
    assert not set(frames[0]) & lacking and set(frames[0]) | lacking == set(frames[4])
    change = []
    for key, low in frames[0].items():
        high = frames[4][key]
        assert np.allclose(low.positions, high.positions, atol=1e-7)
        assert np.allclose(low.cell, high.cell)
        assert high.get_potential_energy() > low.get_potential_energy()
        change.append(np.abs(high.get_forces() - low.get_forces()).mean())
    print(f"mean |F(U=4) - F(U=0)| per component: {1000 * np.mean(change):.0f} meV/Angstrom")
    assert 0.03 < np.mean(change) < 0.3


def test_cations_sit_on_the_materials_sites_and_use_all_kinds(frames):
    letters = set(load_material(ASSETS / "materials" / "li3ticl6.yml").sites)
    used = {(s, str(w)) for a in frames[0].values() if "site" in a.arrays
            for s, w in zip(a.get_chemical_symbols(), a.arrays["site"], strict=True) if s != "Cl"}
    assert {w for s, w in used if s == "Li"} == letters
    assert {w for s, w in used if s == "Ti"} == {"2a", "4g"}


@pytest.mark.parametrize("u_ev", [0, 4])
def test_every_frame_has_the_pulay_stress_of_its_volume(frames, u_ev):
    cell = read_file(CELLS / f"relaxed_default_s1.u{u_ev}.extxyz", u_ev, ("Li", "Ti", "Cl"))[0]
    an_atom = cell.info[HEADER] * cell.atoms.get_volume() / len(cell.atoms)
    for atoms in frames[u_ev].values():  # that of U = 0 was measured with another smearing
        assert atoms.info[HEADER] * atoms.get_volume() / len(atoms) == pytest.approx(
            an_atom, rel=1e-3 if u_ev == 0 else 1e-4)


@pytest.mark.parametrize("u_ev", [0, 4])
def test_a_shipped_potential_leaves_the_relaxed_cell_as_it_is(u_ev):
    from haven.potential.families.deepmd.compression import open_potential, predict

    last = read_file(CELLS / f"relaxed_default_s1.u{u_ev}.extxyz", u_ev, ("Li", "Ti", "Cl"))[-1]
    known = ["Li", "Ti", "Cl"]
    atoms = last.atoms
    found = predict(open_potential(MODELS / f"u{u_ev}_s1.pb"), atoms.positions[None],
                    atoms.cell.array[None],
                    np.array([known.index(s) for s in atoms.get_chemical_symbols()]))
    stress = -found.virial[0] / atoms.get_volume() * EV_PER_ANGSTROM3_GPA
    assert abs(np.trace(stress)) / 3 < 0.25, "the Pulay stress alone is 0.5 GPa"


def test_the_shipped_relaxed_cells_are_relaxed():
    lines = [line.split() for line in (CELLS / "SHA256SUMS").read_text().splitlines()]
    assert {name for _, name in lines} == {p.name for p in CELLS.glob("*.extxyz")} == {
        f"relaxed_default_s1{added}.u{u_ev}.extxyz" for u_ev in (0, 4) for added in ("", "_d3bj")}
    for digest, name in lines:
        assert hashlib.sha256((CELLS / name).read_bytes()).hexdigest() == digest, name
        u_ev = float(name.rpartition(".u")[2].removesuffix(".extxyz"))
        steps = read_file(CELLS / name, u_ev, ("Li", "Ti", "Cl"))
        row = lattice_row(steps, 0.05)
        assert row["converged"] and row["atoms"] == 20 and row["steps"] == len(steps) - 1
        assert row["occupancies"] == "default" and row["engine"] == (
            "gpaw 26.7.0 + d3bj" if "d3bj" in name else "gpaw 26.7.0")


def test_shipped_data_stay_small():
    assert sum(p.stat().st_size for p in ASSETS.rglob("*") if p.is_file()) < 60e6


def test_walls_are_below_every_pair_of_the_shipped_frames(frames):
    from ase.neighborlist import neighbor_list

    walls = load_material(ASSETS / "materials" / "li3ticl6.yml").closest
    assert len(walls) == 6
    for atoms in frames[0].values():
        first, second, distance = neighbor_list("ijd", atoms, 3.5)
        symbols = atoms.get_chemical_symbols()
        for i, j, r in zip(first, second, distance, strict=True):
            wall = walls.get((symbols[i], symbols[j])) or walls[symbols[j], symbols[i]]
            assert r > wall, (atoms.info["trajectory"], symbols[i], symbols[j], r)


def test_there_are_two_potentials_for_each_u_with_their_checksums():
    assert SHIPPED == ["u0_s1", "u0_s2", "u4_s1", "u4_s2"]
    for folder in FOLDERS:
        lines = [line.split() for line in (folder / "SHA256SUMS").read_text().splitlines()]
        assert len(lines) == 9
        for digest, name in lines:
            assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, name


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_potential_says_what_it_was_trained_on(name, folder, frames):
    about = json.loads((folder / f"{name}.potential.json").read_text())
    assert about["sha256"] == hashlib.sha256((folder / f"{name}.pb").read_bytes()).hexdigest()
    assert f"u{about['u_ev']:g}_s{about['settings']['seed']}" == name
    known = {trajectory for trajectory, _ in frames[int(about["u_ev"])]}
    trained, held = set(about["train_trajectories"]), set(about["test_trajectories"])
    assert trained and held and not trained & held and trained | held <= known
    assert b'"systems":["train/' in (folder / f"{name}.pb").read_bytes()  # no machine's paths
    found = read_description(folder / f"{name}.pb")
    assert found.type_map == ("Li", "Ti", "Cl")
    assert found.cutoff_angstrom == about["cutoff_angstrom"]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Return a function that makes the data set of a U and a dispersion correction, once."""
    from trained import call

    @functools.cache
    def made(u_ev, dispersion):
        folder = tmp_path_factory.mktemp("dataset")
        built = call("build_dataset.py", "--frames", FRAMES, "--u_ev", u_ev, "--out", folder,
                     "--dispersion", dispersion)
        assert built.returncode == 0, built.stderr
        return folder / f"u{u_ev}.dataset"

    return made


@pytest.mark.parametrize("folder, u_ev, along_aimd", [
    (MODELS, 0, 0.0482), (MODELS, 4, 0.0498),
    (MODELS / "small", 0, 0.0509), (MODELS / "small", 4, 0.0552),
    (MODELS / "small_d3bj", 0, 0.0512), (MODELS / "small_d3bj", 4, 0.0550)])
def test_a_shipped_potential_has_the_errors_it_is_shipped_with(dataset, tmp_path, folder, u_ev,
                                                                along_aimd):
    from trained import call

    content = dataset(u_ev, "d3bj" if folder.name.endswith("d3bj") else "none")
    name = f"u{u_ev}_s1"
    digest = json.loads((content / "dataset.json").read_text())["sha256"]
    about = folder / f"{name}.potential.json"
    assert json.loads(about.read_text())["dataset_sha256"] == digest, (
        "the shipped frames are not those of the potentials: run tests/bench/models.sh")
    done = call("test_potential.py", "--dataset", content, "--potential",
                folder / f"{name}.pb", "--about", about, "--u_ev", u_ev, "--out", tmp_path,
                "--aimd", ASSETS / "aimd" / "li3ticl6" / f"aimd_t298_r0.u{u_ev}.extxyz")
    assert done.returncode == 0, done.stderr
    keys = ["u_ev", "seed", "quantity", "species"]
    said = pd.read_csv(folder / "accuracy.csv").query("u_ev == @u_ev and seed == 1").set_index(keys)
    found = tables.read("accuracy", tmp_path / f"{name}.accuracy.parquet")
    along = found.query("subset == 'aimd' and component == 'all'")
    along = along.set_index(["quantity", "species"])
    assert set(along.index) == {("energy", "all"), *(("force", s) for s in found["species"])}
    assert along["count"]["force", "all"] == 3 * 20 * 151
    assert along["rmse"]["force", "all"] == pytest.approx(along_aimd, rel=0.02), "data card"
    found = found.query("subset == 'test' and component == 'all'").set_index(keys)
    assert len(said) == 6
    np.testing.assert_allclose(found["rmse"][said.index], said["rmse"], rtol=0.01)
    seen = tables.read("verdicts", tmp_path / f"{name}.verdicts.parquet").iloc[0]
    assert seen["passed"] and "none of the" in seen["message"]
