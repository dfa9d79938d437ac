"""Dynamics with the real LAMMPS and a real, small potential: kills, restarts, verdicts."""

from __future__ import annotations

import json
import re
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from analytic import crystal
from ase import Atoms
from ase.io import read, write
from trained import MATERIAL, call, kill_when, script, trained

from haven.core import options as core_options
from haven.core import tables
from haven.core.errors import HavenError
from haven.dynamics import job
from haven.dynamics.lammps import dcd
from haven.dynamics.lammps import program as lammps
from haven.dynamics.runs import production, segments
from haven.dynamics.runs import run as dynamics
from haven.material import structures
from haven.material.distances import min_distance
from haven.trajectory.melting import HostMotion
from haven.trajectory.trajectory import open_npz, read_members

SPECIES = ("Li", "Ti", "Cl")
LENGTH = {"--timestep_fs": 1, "--equilibration_ps": 0.04, "--production_ps": 0.12,
          "--dump_ps": 0.01, "--all_every": 4, "--temperature_k": 300, "--cell": "material"}


def options(**changed):
    merged = {**LENGTH, **{f"--{k}": v for k, v in changed.items()}}
    return [text for pair in merged.items() for text in map(str, pair)]


@pytest.fixture(scope="module")
def potential():
    return trained() / "u4_s1.pb"


@pytest.fixture(scope="module")
def minimised(potential, tmp_path_factory):
    import minimise

    folder = tmp_path_factory.mktemp("minimised")
    write(folder / "cell.extxyz", crystal(1).repeat((2, 1, 1)))
    minimise.main(["--material", str(MATERIAL), "--structure", str(folder / "cell.extxyz"),
                   "--potential", str(potential), "--u_ev", "4", "--out", str(folder),
                   "--force_tolerance_ev_per_angstrom", "0.1", "--max_steps", "60"])
    return folder / "u4_r0.minimised.extxyz"


def run(structure, potential, out, *more, **changed):
    import run_dynamics

    run_dynamics.main(["--material", str(MATERIAL), "--structure", str(structure),
                       "--potentials", str(potential), "--u_ev", "4", *options(**changed),
                       "--out", str(out), *map(str, more)])
    return read_members(out / "u4_t300_r0.trajectory.npz")


@pytest.fixture(scope="module")
def undisturbed(minimised, potential, tmp_path_factory):
    out = tmp_path_factory.mktemp("undisturbed")
    run(minimised, potential, out, "--checkpoint_dir", out / "checkpoints")
    return out


def test_minimisation_lowers_energy_and_keeps_atoms_apart(minimised):
    relaxed = read(minimised)
    assert relaxed.info["energy_after_ev"] < relaxed.info["energy_before_ev"]
    assert relaxed.info["minimise_steps"] > 0
    rows = tables.read("verdicts", minimised.parent / "u4_r0_minimise.verdicts.parquet")
    assert rows["passed"].iloc[:2].all()
    assert list(rows["check"]) == ["shortest distance", "energy fell", "largest force", "walls"]
    assert set(rows["stage"]) == {"MINIMISE"}
    start = crystal(1).repeat((2, 1, 1))
    np.testing.assert_allclose(relaxed.cell.array, start.cell.array, atol=1e-7)
    assert 0.01 < np.abs(relaxed.positions - start.positions).max() < 1.5


def test_trajectory_follows_its_contract(undisturbed, minimised):
    opened = open_npz(undisturbed / "u4_t300_r0.trajectory.npz", "Li")
    assert (opened.frames, opened.ions) == (13, 12)
    np.testing.assert_allclose(opened.time_ps, np.arange(13) * 0.01, atol=1e-12)
    held = read_members(undisturbed / "u4_t300_r0.trajectory.npz")
    assert held["mobile_angstrom"].dtype == np.float32
    assert held["all_angstrom"].shape == (4, 40, 3)
    np.testing.assert_allclose(held["all_time_ps"], [0, 0.04, 0.08, 0.12])
    np.testing.assert_allclose(held["all_angstrom"][:, held["mobile_index"]],
                               held["mobile_angstrom"][::4], rtol=0, atol=0.000503)
    atoms = read(minimised)
    np.testing.assert_allclose(held["cell_angstrom"], atoms.cell.array, atol=1e-7)
    np.testing.assert_array_equal(held["symbols"], atoms.get_chemical_symbols())
    masses = atoms.get_masses()
    host = held["symbols"] != "Li"
    for weight, name in ((masses * host, "host_centre_angstrom"), (masses, "barycentre_angstrom")):
        centre = np.einsum("a,tai->ti", weight / weight.sum(), held["all_angstrom"])
        np.testing.assert_allclose(held[name][::4], centre, atol=2e-5)
    moved = held["all_angstrom"][0] - atoms.positions
    assert 0.01 < np.abs(moved).max() < 1.0
    assert json.loads(str(held["meta"]))["verdict"] == "stable"


def test_run_row_tells_what_happened(undisturbed):
    row = tables.read("runs", undisturbed / "u4_t300_r0.runs.parquet").iloc[0]
    assert (row["atoms"], row["steps"], row["segments"]) == (40, 120, 1)
    assert row["duration_ps"] == pytest.approx(0.12)
    assert row["temperature_std_expected_k"] == pytest.approx(300 * np.sqrt(2 / 117))
    assert 100 < row["temperature_mean_k"] < 500
    assert row["verdict"] == "stable" and row["ns_per_day"] > 0
    held = read_members(undisturbed / "u4_t300_r0.trajectory.npz")
    shortest = [min_distance(Atoms(held["symbols"], xyz, cell=held["cell_angstrom"], pbc=True))
                for xyz in held["all_angstrom"]]
    assert row["min_distance_angstrom"] == pytest.approx(min(shortest), abs=1e-3)
    assert min(shortest) < shortest[-1] - 0.002
    thermo = tables.read("thermo", undisturbed / "u4_t300_r0.thermo.parquet")
    assert len(thermo) == 13
    conserved = thermo["conserved_ev"].to_numpy()
    assert np.ptp(conserved) < 0.02 < np.ptp(thermo["potential_energy_ev"].to_numpy())


def test_velocities_follow_from_the_seed(minimised, potential, undisturbed, tmp_path):
    first = read_members(undisturbed / "u4_t300_r0.trajectory.npz")
    again = run(minimised, potential, tmp_path)
    np.testing.assert_allclose(again["mobile_angstrom"], first["mobile_angstrom"], atol=1.1e-3)
    assert not any((tmp_path / "checkpoints").glob("*"))
    seeds = {job.velocity_seed(*parts) for parts in
             [(1, 4, 300, 0), (2, 4, 300, 0), (1, 0, 300, 0), (1, 4, 310, 0), (1, 4, 300, 1)]}
    assert len(seeds) == 5 and all(0 < s < 10**8 for s in seeds)


def test_positions_come_back_in_the_frame_of_the_input(minimised, potential, undisturbed, tmp_path):
    atoms = read(minimised)
    rng = np.random.default_rng(5)
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    turn *= np.sign(np.linalg.det(turn))
    turned = Atoms(atoms.symbols, atoms.positions @ turn, cell=atoms.cell.array @ turn, pbc=True)
    write(tmp_path / "turned.extxyz", turned)
    found = run(tmp_path / "turned.extxyz", potential, tmp_path)
    first = read_members(undisturbed / "u4_t300_r0.trajectory.npz")
    for name in ("mobile_angstrom", "all_angstrom", "host_centre_angstrom", "cell_angstrom"):
        rounding = 1.5e-3 if name == "mobile_angstrom" else 0
        np.testing.assert_allclose(found[name], first[name] @ turn, atol=2e-4 + rounding,
                                   err_msg=name)



def test_a_killed_run_goes_on_and_equals_the_undisturbed(minimised, potential, undisturbed,
                                                         tmp_path):
    arguments = ["--structure", minimised, "--potentials", potential, "--u_ev", 4, *options(),
                 "--checkpoint_minutes", 0.001, "--out", tmp_path,
                 "--checkpoint_dir", tmp_path / "checkpoints"]
    counts = []
    for wanted in (1, 2):
        def ready(wanted=wanted):
            dumps = list(tmp_path.glob("checkpoints/*/production.*.dcd"))
            kept = any(int(f.name.split(".")[1]) >= 30  # beyond frames that are then not made again
                       for f in tmp_path.glob("checkpoints/*/production.*.restart"))
            return kept and len(dumps) >= 2 * wanted and any(
                f.stat().st_size > 2000 for f in sorted(
                    tmp_path.glob("checkpoints/*/production.*.mobile.dcd"))[wanted - 1:wanted])
        counts.append(kill_when(script("run_dynamics.py", *arguments), ready))
    time.sleep(0.1)
    place = next((tmp_path / "checkpoints").iterdir())
    before = {f.name: f.stat().st_mtime_ns for f in place.iterdir()}
    time.sleep(0.3)
    assert before == {f.name: f.stat().st_mtime_ns for f in place.iterdir()}, "LAMMPS runs on"
    done = call("run_dynamics.py", *arguments)
    assert done.returncode == 0, done.stderr
    assert any(counts)
    joined = read_members(tmp_path / "u4_t300_r0.trajectory.npz")
    first = read_members(undisturbed / "u4_t300_r0.trajectory.npz")
    np.testing.assert_array_equal(joined["time_ps"], first["time_ps"])
    np.testing.assert_allclose(joined["mobile_angstrom"], first["mobile_angstrom"], atol=2e-3)
    np.testing.assert_allclose(joined["all_time_ps"], first["all_time_ps"])
    thermo = tables.read("thermo", tmp_path / "u4_t300_r0.thermo.parquet")
    assert np.ptp(thermo["conserved_ev"].to_numpy()) < 0.02


def test_extending_a_run_computes_only_the_rest(minimised, potential, undisturbed, tmp_path):
    place = tmp_path / "checkpoints"
    run(minimised, potential, tmp_path, "--checkpoint_dir", place, production_ps=0.06)
    longer = run(minimised, potential, tmp_path, "--checkpoint_dir", place)
    logs = sorted(place.glob("*/production.*.log"))
    assert len(logs) == 2
    assert lammps.read_thermo(logs[1], len(job.COLUMNS))[0, 0] == 60
    first = read_members(undisturbed / "u4_t300_r0.trajectory.npz")
    np.testing.assert_array_equal(longer["time_ps"], first["time_ps"])
    np.testing.assert_allclose(longer["mobile_angstrom"], first["mobile_angstrom"], atol=2e-3)
    shorter = run(minimised, potential, tmp_path, "--checkpoint_dir", place, production_ps=0.06)
    assert len(shorter["time_ps"]) == 7 and len(sorted(place.glob("*/production.*.log"))) == 2


@pytest.mark.parametrize("share", [0.0, 0.5, 0.98])
def test_a_restart_cut_off_gives_way_to_the_one_before(tmp_path, undisturbed, share):
    place = next((undisturbed / "checkpoints").iterdir())
    whole = (place / "production.120.restart").read_bytes()
    (tmp_path / "production.60.restart").write_bytes(whole)
    (tmp_path / "production.120.restart").write_bytes(whole[: int(share * len(whole))])
    found, wrong = dynamics.restarts(tmp_path, "production")
    assert [one.step for one in found] == [60]
    assert wrong == [(120, "restart production.120.restart is cut off")]


def test_a_run_that_explodes_is_kept_with_its_verdict(minimised, potential, tmp_path, monkeypatch):
    item = core_options._item  # a time step that nobody may ask for
    monkeypatch.setattr(core_options, "_item", lambda told, part, text: (
        float(part) if told.name == "timestep_fs" else item(told, part, text)))
    held = run(minimised, potential, tmp_path, timestep_fs=20, dump_ps=0.04,
               equilibration_ps=0.0, production_ps=20)
    row = tables.read("runs", tmp_path / "u4_t300_r0.runs.parquet").iloc[0]
    assert row["verdict"] == "exploded"
    assert 2 <= len(held["time_ps"]) < 1000
    assert np.isfinite(held["mobile_angstrom"]).all()
    assert (np.diff(held["time_ps"]) > 0).all()


def test_two_potentials_measure_their_disagreement(minimised, potential, tmp_path):
    run(minimised, potential, tmp_path, "--force_window_ev_per_angstrom", 0.3,
        production_ps=0.04, equilibration_ps=0.01)
    alone = tables.read("runs", tmp_path / "u4_t300_r0.runs.parquet").iloc[0]
    assert np.isnan(alone["deviation_max_p95_ev_per_angstrom"])
    import run_dynamics
    import select_beyond

    run_dynamics.main(["--material", str(MATERIAL), "--structure", str(minimised), "--potentials",
                       str(potential), str(potential), "--u_ev", "4",
                       *options(production_ps=0.04, equilibration_ps=0.01), "--out",
                       str(tmp_path), "--force_window_ev_per_angstrom", "0.3"])
    row = tables.read("runs", tmp_path / "u4_t300_r0.runs.parquet").iloc[0]
    assert row["deviation_max_p95_ev_per_angstrom"] == pytest.approx(0, abs=1e-6)
    assert row["share_beyond_window"] == 0
    select_beyond.main(["--trajectory", str(tmp_path / "u4_t300_r0.trajectory.npz"), "--u_ev", "4",
                        "--temperature_k", "300", "--out", str(tmp_path)])
    assert not (tmp_path / "u4_t300_r0.beyond.extxyz").exists()


def test_frames_two_potentials_disagree_on_are_marked_and_exported(minimised, potential, tmp_path):
    import run_dynamics
    import select_beyond

    other = potential.parent / f"uncompressed_{potential.name}"  # differs by the table's error
    run_dynamics.main(["--material", str(MATERIAL), "--structure", str(minimised), "--potentials",
                       str(potential), str(other), "--u_ev", "4",
                       *options(production_ps=0.08, equilibration_ps=0.01), "--out",
                       str(tmp_path), "--force_window_ev_per_angstrom", "1e-12"])
    row = tables.read("runs", tmp_path / "u4_t300_r0.runs.parquet").iloc[0]
    assert 0 < row["deviation_max_p95_ev_per_angstrom"] < 1e-3
    assert row["share_beyond_window"] == 1
    thermo = tables.read("thermo", tmp_path / "u4_t300_r0.thermo.parquet")
    held = read_members(tmp_path / "u4_t300_r0.trajectory.npz")
    assert len(thermo) == len(held["time_ps"]) == 9
    np.testing.assert_allclose(thermo["deviation_max_ev_per_angstrom"],
                               held["deviation_ev_per_angstrom"])
    select_beyond.main(["--trajectory", str(tmp_path / "u4_t300_r0.trajectory.npz"), "--u_ev", "4",
                        "--temperature_k", "300", "--out", str(tmp_path),
                        "--force_window_ev_per_angstrom", "1e-12"])
    written = read(tmp_path / "u4_t300_r0.beyond.extxyz", ":")
    assert len(written) >= 1 and all(len(a) == 40 for a in written)
    assert all(a.info["deviation_ev_per_angstrom"] in thermo["deviation_max_ev_per_angstrom"].values
               for a in written)
    np.testing.assert_allclose(written[0].cell.array, read(minimised).cell.array, atol=1e-6)


def test_a_potential_cut_off_is_one_clear_line(minimised, potential, tmp_path):
    broken = tmp_path / "u4_s1.pb"
    broken.write_bytes(potential.read_bytes()[:5000])
    with pytest.raises(HavenError, match="LAMMPS ended with status"):
        run(minimised, broken, tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [("temperature_k", 0), ("timestep_fs", -1), ("damping_fs", 0), ("damping_fs", 4.9),
     ("dump_ps", 0.0001), ("production_ps", 0.01), ("all_every", 0), ("checkpoint_minutes", 0)],
)
def test_senseless_numbers_are_refused_by_name(minimised, potential, tmp_path, name, value):
    with pytest.raises(HavenError, match=name):
        run(minimised, potential, tmp_path, **{name: value})
    assert not any(tmp_path.iterdir())


def test_a_production_with_one_frame_of_all_atoms_is_refused_for_nobody_sees_it_melt():
    one = job.Job(300, 2, 100, 500, 4000, 400, 10, 1, ("p",), SPECIES, "Li")
    job.check_job(one)
    with pytest.raises(HavenError, match=r"production_ps .*dump_ps or all_every \(10\)"):
        job.check_job(replace(one, production_steps=3999))


def test_a_structure_of_other_elements_is_refused(potential, tmp_path):
    write(tmp_path / "salt.extxyz", Atoms("NaCl", [[0, 0, 0], [2.8, 0, 0]], cell=[5.6] * 3,
                                          pbc=True))
    with pytest.raises(HavenError, match="element Na is not of the material"):
        run(tmp_path / "salt.extxyz", potential, tmp_path)


def test_rotation_into_the_frame_of_lammps_keeps_lengths_and_goes_back(tmp_path):
    atoms = crystal(2)
    atoms.rotate(40, (1, 2, 3), rotate_cell=True)
    rotation = structures.write_data(tmp_path / "a.data", atoms, SPECIES)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    lines = (tmp_path / "a.data").read_text().splitlines()
    start = lines.index("Atoms # atomic") + 2
    xyz = np.array([[float(t) for t in x.split()[2:]] for x in lines[start:start + 20]])
    np.testing.assert_allclose(xyz @ rotation.T, atoms.positions, atol=1e-9)
    kinds = [int(x.split()[1]) for x in lines[start:start + 20]]
    assert [SPECIES[k - 1] for k in kinds] == atoms.get_chemical_symbols()


def test_drift_is_the_slope_of_the_conserved_energy():
    one = job.Job(300, 1, 100, 0, 1000, 10, 1, 1, ("p",), SPECIES, "Li")
    steps = np.arange(0, 1001, 10)
    thermo = np.zeros((len(steps), len(job.COLUMNS)))
    thermo[:, job.COLUMNS.index("econserve")] = 0.04 * steps * 0.001 - 5
    joined = segments.Segments(steps, thermo, np.zeros((101, 1, 3)), steps, np.zeros((101, 1, 3)),
                             None, 1)
    slope, error = production.energy_drift(one, joined, 20)
    assert slope == pytest.approx(2.0) and error == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    ("course", "verdict"),
    [(lambda x: 1.0 * (x > 0.5), "drifting"), (lambda x: 5 * x**3, "drifting"),
     (lambda x: 0.05 * (abs(x - 0.5) < 0.01), "drifting"), (lambda x: 0.016 * x, "drifting"),
     (lambda x: 1e-4 * np.sin(100 * x), "stable"), (lambda x: 0.015 * np.sin(9 * x), "stable")],
    ids=["a jump", "ever faster", "there and back", "a slope", "a thermostat's", "slow swings"],
)
def test_a_run_that_ends_is_judged_by_how_far_its_conserved_energy_went(tmp_path, course, verdict):
    one = job.Job(300, 2, 100, 0, 4000, 10, 5, 1, ("p",), SPECIES, "Li")
    steps = np.arange(0, 4001, 10)
    thermo = np.zeros((len(steps), len(job.COLUMNS)))
    thermo[:, job.COLUMNS.index("econserve")] = 160 * course(steps / 4000) - 5
    joined = segments.Segments(steps, thermo, np.zeros((401, 1, 3)), steps[::5],
                             np.zeros((81, 160, 3)), None, 1)
    still = HostMotion("Cl", 0.1, 1.0)
    row = production.run_row(one, joined, "complete", still, 2.2, True, 160, None, tmp_path)
    assert row["verdict"] == verdict


@pytest.mark.parametrize(("pair", "distance", "verdict"), [
    ("HO", 0.96, "stable"), ("CN", 1.16, "stable"), ("PO", 1.45, "stable"), ("HO", 0.5, "exploded"),
    ("OO", 0.7, "exploded"), ("LiCl", 1.3, "exploded"), ("TiCl", 1.5, "exploded")])
def test_a_run_exploded_where_two_atoms_came_closer_than_their_elements_may(
    tmp_path, caplog, pair, distance, verdict
):
    atoms = Atoms(f"Li{pair}", [[4, 4, 4], [0, 0, 0], [2.5, 0, 0]], cell=[9] * 3, pbc=True)
    close = atoms.copy()
    close.positions[2, 0] = distance
    one = job.Job(300, 2, 100, 0, 40, 10, 1, 1, ("p",), tuple(set(atoms.symbols)), "Li")
    frames = [atoms, close, atoms]  # in the first and last, nothing is wrong
    joined = segments.Segments(np.array([0, 20, 40]), np.zeros((3, len(job.COLUMNS))),
                               np.zeros((3, 1, 3)), np.array([0, 20, 40]),
                               np.array([atoms.positions] * 3), None, 1)
    row = production._measured(one, joined, "complete", frames, atoms, None, tmp_path, ("Li",))
    assert row["verdict"] == verdict and row["min_distance_angstrom"] == pytest.approx(distance)
    name = "-".join(sorted(atoms.get_chemical_symbols()[1:]))
    said = f"{name} are {distance:.2f} Angstrom apart, which must keep"
    assert (said in caplog.text) is (verdict == "exploded")


def test_host_displacement_leaves_out_its_own_drift():
    start = np.zeros((4, 3))
    moved = start + np.array([1.0, 0, 0])
    moved[2, 1] += 2.0
    moved[3, 1] -= 2.0
    found = production.motion_of(np.array([start, moved]), [1, 2, 3], np.ones(4),
                                 ["Li", "Cl", "Cl", "Cl"])
    assert found is not None and found.msd == pytest.approx(8 / 3) and found.species == "Cl"


def write_dcd(path, frames, every):
    """Write frames (T, A, 3) as LAMMPS writes a DCD file."""

    def block(content):
        return np.int32(len(content)).tobytes() + content + np.int32(len(content)).tobytes()

    head = np.zeros(20, "<i4")
    head[:3], head[10] = (len(frames), 0, every), 1
    parts = [block(b"CORD" + head.tobytes()), block(np.int32(2).tobytes() + b" " * 160),
             block(np.int32(frames.shape[1]).tobytes())]
    for frame in frames:
        parts.append(block(np.zeros(6).tobytes()))
        parts += [block(np.ascontiguousarray(frame[:, axis], "<f4").tobytes()) for axis in range(3)]
    path.write_bytes(b"".join(parts))


def test_a_dcd_file_cut_in_a_frame_gives_the_frames_before(tmp_path, rng):
    frames = rng.normal(size=(5, 7, 3)).astype(np.float32)
    write_dcd(tmp_path / "a.dcd", frames, 20)
    found = dcd.read_dcd(tmp_path / "a.dcd")
    np.testing.assert_array_equal(found.steps, [0, 20, 40, 60, 80])
    np.testing.assert_array_equal(dcd.positions(found.frames, np.ones(5, bool)), frames)
    whole = (tmp_path / "a.dcd").read_bytes()
    (tmp_path / "a.dcd").write_bytes(whole[:-10])
    cut = dcd.read_dcd(tmp_path / "a.dcd")
    assert len(cut.steps) == len(cut.frames) == 4 and not cut.damage
    for size in (0, 50, 100, 200, 270, 280):
        (tmp_path / "a.dcd").write_bytes(whole[:size])
        cut = dcd.read_dcd(tmp_path / "a.dcd")
        assert len(cut.steps) == 0 and not cut.damage


@pytest.mark.parametrize(
    ("moved", "energy", "said"),
    [(0.5, 0.0, ""), (2.5, 0.0, "melted"), (0.5, 0.5, "drifting"), (0.5, -0.5, "drifting")],
)
def test_the_watcher_tells_melting_and_drift_from_health(tmp_path, moved, energy, said):
    one = job.Job(300, 1, 100, 0, 100, 10, 1, 1, ("p",), SPECIES, "Li")
    frames = np.zeros((3, 6, 3))
    frames[2, 1::2, 0], frames[2, 2::2, 0], frames[2, 0] = moved, -moved, 50.0
    write_dcd(tmp_path / "production.a001.all.dcd", frames, 10)
    lines = [f"{step} 300 -5 {-4 + energy * step / 20} 1 {' 0' * 12}" for step in (0, 10, 20)]
    (tmp_path / "production.a001.log").write_text("\n".join(lines) + "\n")
    atoms = Atoms("LiCl4Li", cell=10 * np.eye(3), masses=np.ones(6))
    watch = production.watcher(one, tmp_path, atoms)
    assert watch("production") == said
    assert watch("equilibration") == ""
    second = production.watcher(one, tmp_path, atoms, ("Li", "Cl"))  # a mobile element can't melt
    assert second("production") == said.replace("melted", "")


def test_what_a_potential_says_of_itself_is_read_without_a_library(potential, minimised, caplog):
    import dataclasses

    from haven.potential.families.deepmd.model_file import (
        check_potential,
        crowded,
        read_description,
    )

    found = read_description(potential)
    assert found is not None and found.type_map == SPECIES and found.cutoff_angstrom == 5
    assert check_potential(potential, SPECIES) == found
    with pytest.raises(HavenError, match="knows Li, Ti, Cl, not Na: it is of another material"):
        check_potential(potential, ["Li", "Na"])
    atoms = read(minimised)
    assert 0.3 < crowded(atoms, found) <= 1 and not caplog.text
    assert crowded(atoms, dataclasses.replace(found, sel=(4, 4, 4))) > 1
    assert "potential has places for 4" in caplog.text


def test_a_file_that_is_no_potential_is_refused(tmp_path):
    from haven.potential.families.deepmd.model_file import check_potential

    for name, content, message in (("a.txt", b"x" * 5000, "no frozen potential"),
                                   ("a.pb", b"", "empty or cut off")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(HavenError, match=message):
            check_potential(tmp_path / name, SPECIES)


def test_potentials_that_cannot_run_side_by_side_are_refused(tmp_path):
    import json

    from haven.potential.families.deepmd.model_file import check_ensemble

    def member(name, kinds=tuple(SPECIES), cutoff=6.0):
        model = {"type_map": kinds, "descriptor": {"rcut": cutoff, "sel": [9, 9, 9]}}
        text = json.dumps({"model": model}, separators=(",", ":"))
        (tmp_path / name).write_text(text + " " * 1000)
        return tmp_path / name

    one, same = member("u4_s1.pb"), member("u4_s2.pb")
    assert [about.cutoff_angstrom for about in check_ensemble([one, same], SPECIES) if about] == [
        6.0, 6.0]
    with pytest.raises(HavenError, match=r"u4_s1.pb and .*u4_s3.pb differ in their cutoff"):
        check_ensemble([one, same, member("u4_s3.pb", cutoff=7.0)], SPECIES)
    with pytest.raises(HavenError, match="differ in their elements by type"):
        check_ensemble([one, member("u4_s4.pb", kinds=tuple(reversed(SPECIES)))], SPECIES)


def test_lammps_of_the_user_is_taken_when_named(monkeypatch, tmp_path):
    mine = tmp_path / "lmp_mine"
    mine.write_text("#!/bin/sh\n")
    mine.chmod(0o755)
    monkeypatch.setenv("HAVEN_LMP", str(mine))
    assert lammps.find_executable() == mine
    monkeypatch.setenv("HAVEN_LMP", "no_such_lammps")
    with pytest.raises(HavenError, match="HAVEN_LMP names no_such_lammps"):
        lammps.find_executable()


def test_lammps_starts_without_importing_tensorflow():
    import sys

    code = ("import sys; sys.path.insert(0, 'bin'); from haven.dynamics.lammps.program "
            "import environment, find_executable; environment(2); find_executable(); "
            "print('tensorflow' in sys.modules, 'deepmd' in sys.modules)")
    root = MATERIAL.parents[2]
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root,
                          check=True)
    assert said.stdout.split() == ["False", "False"]
    env = lammps.environment(3)
    assert env["OMP_NUM_THREADS"] == env["DP_INTRA_OP_PARALLELISM_THREADS"] == "3"
    assert all(Path(p).is_dir() for p in env["LD_LIBRARY_PATH"].split(":") if p)


def test_clock_is_what_lammps_reads():
    assert [job._clock(m) for m in (0.001, 0.5, 10, 90)] == [
        "0:00:01", "0:00:30", "0:10:00", "1:30:00"]
    assert re.match(r"\d+:\d\d:\d\d$", job._clock(1e4))
