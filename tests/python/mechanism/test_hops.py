"""Hops of made-up trajectories whose every jump is known."""

from __future__ import annotations

from itertools import pairwise

import analyse_structure
import numpy as np
import pandas as pd
import pytest
from analyse_hops import main

from haven.core import tables
from haven.core.errors import HavenError
from haven.material.crystal import assemble, cation_lattice
from haven.material.sites import lattice as sites
from haven.mechanism import hops, tracks
from haven.mechanism import van_hove as vanhove
from haven.trajectory.trajectory import open_npz, read_members, write_npz

STEP_PS = 0.1


def at(lattice, parts):
    """Return the position of fractional coordinates of the conventional cell."""
    return np.asarray(parts, float) @ lattice.conventional


def walk(lattice, stops, dwell=40, travel=3):
    """Return a path (T, 3) that rests at each stop, and moves straight on in a few frames."""
    places = [at(lattice, stop) for stop in stops]
    path = [np.repeat(places[:1], dwell, axis=0)]
    for here, there in pairwise(places):
        part = np.linspace(0, 1, travel + 2)[1:-1, None]
        path += [here + part * (there - here), np.repeat(there[None], dwell, axis=0)]
    return np.concatenate(path)


def counted(lattice, paths, host=None, residence_ps=1.0):
    positions = np.stack(paths, axis=1)
    drift = np.zeros((len(positions), 3)) if host is None else host
    time = np.arange(len(positions)) * STEP_PS
    core = hops.core_radius(lattice, 0.4)
    return hops.find_hops(lattice, positions, drift, time, residence_ps, core)


def classes(lattice, found):
    return hops.classify(lattice, found.first, found.second)


JUMPS = [
    (((0, 0, 0), (0, 1 / 3, 0)), ("intra_layer", "2a", "4g", "[010]")),
    (((0, 0, 0), (0.5, 1 / 6, 0)), ("intra_layer", "2a", "4g", "[110]")),
    (((0, 0, 0), (-0.5, -1 / 6, 0)), ("intra_layer", "2a", "4g", "[110]")),
    (((0, 0, 0), (-0.5, 0, -0.5)), ("inter_layer", "2a", "2d", "[101]")),
    (((0, 0, 0), (0, -0.17, -0.5)), ("inter_layer", "2a", "4h", "[011]")),
    (((0, 0.83, 0.5), (0, 1.17, 0.5)), ("intra_layer", "4h", "4h", "[010]")),
    (((1.5, 0.0, 1.5), (2.0, 0.0, 2.0)), ("inter_layer", "2d", "2a", "[101]")),
]


@pytest.mark.parametrize("stops, expected", JUMPS)
def test_a_jump_is_counted_once_with_its_direction_also_across_the_faces(
    lattice, stops, expected, rng
):
    path = walk(lattice, stops)
    found = counted(lattice, [path + rng.normal(scale=0.2, size=path.shape)])
    assert classes(lattice, found) == [expected]
    assert len(found.returns) == 0


def test_jumps_of_many_ions_are_each_counted(lattice, rng):
    stops = [(0, 0, 0), (0, 1 / 3, 0), (0, 2 / 3, 0), (0.5, 5 / 6, 0), (1.0, 1.0, 0)]
    paths = [walk(lattice, np.array(stops[: k + 1] + stops[k:k + 1] * (4 - k))) for k in range(5)]
    noisy = [path + rng.normal(scale=0.2, size=path.shape) for path in paths]
    found = counted(lattice, noisy)
    np.testing.assert_array_equal(np.bincount(found.ion, minlength=5), [0, 1, 2, 3, 4])
    table = hops.hop_table(lattice, found, 5, 100.0)
    assert table["count"].sum() == 10
    assert table.loc[table["kind"] == "inter_layer", "count"].sum() == 0


def test_a_lap_round_the_cell_is_unwrapped(lattice):
    stops = [(0, k / 3, 0) for k in range(7)]
    found = counted(lattice, [walk(lattice, stops)])
    assert len(found.ion) == 6
    up = [(0.0, 0, 0), (0.5, 0, 0.5), (1.0, 0, 1.0), (1.5, 0, 1.5), (2.0, 0, 2.0), (2.5, 0, 2.5)]
    climb = counted(lattice, [walk(lattice, up)])
    assert hops.unwrapped_layer(lattice, climb.second).tolist() == [1, 2, 3, 4, 5]
    down = counted(lattice, [walk(lattice, -np.array(up))])
    assert hops.unwrapped_layer(lattice, down.second).tolist() == [-1, -2, -3, -4, -5]


def test_vibration_across_the_border_is_no_jump(lattice):
    half = np.sin(np.arange(4000) * 0.7)[:, None] * 0.55 + 0.45
    one, two = at(lattice, (0, 0, 0)), at(lattice, (0, 1 / 3, 0))
    shaking = one + np.clip(half, -0.1, 0.58) * (two - one)
    nearest, _, _ = sites.SiteFinder(lattice).nearest(shaking)
    assert len(np.unique(nearest)) == 2
    assert len(counted(lattice, [shaking]).ion) == 0


def test_a_move_undone_at_once_is_a_return_and_one_undone_later_is_two_jumps(lattice):
    there = [(0, 0, 0), (0, 1 / 3, 0), (0, 0, 0)]
    quick = walk(lattice, there, dwell=5, travel=1)
    quick = np.concatenate([np.repeat(quick[:1], 50, axis=0), quick])
    found = counted(lattice, [quick])
    assert len(found.ion) == 0 and len(found.returns) == 1
    table = hops.hop_table(lattice, found, 1, 10.0)
    seen = table[table["returns"] > 0]
    assert seen[["from_site", "to_site", "direction"]].values.tolist() == [["2a", "4g", "[010]"]]
    slow = counted(lattice, [walk(lattice, there, dwell=40)])
    assert len(slow.ion) == 2 and len(slow.returns) == 0
    assert len(counted(lattice, [quick], residence_ps=0.0).ion) == 2


def test_a_quick_pass_through_a_site_keeps_both_jumps(lattice):
    path = walk(lattice, [(0, 0, 0), (0, 1 / 3, 0), (0, 2 / 3, 0)], dwell=4, travel=2)
    path = np.concatenate([np.repeat(path[:1], 40, axis=0), path, np.repeat(path[-1:], 40, axis=0)])
    assert len(counted(lattice, [path]).ion) == 2


def test_a_start_between_two_sites_is_no_jump(lattice):
    path = walk(lattice, [(0, 0, 0), (0, 1 / 3, 0)], dwell=40, travel=5)
    assert len(counted(lattice, [path[42:]]).ion) == 0


def test_a_drifting_host_makes_no_jumps(lattice, rng):
    frames = 600
    drift = np.linspace(0, 1, frames)[:, None] * np.array([9.0, -7.0, 12.0])
    ions = [at(lattice, p) + drift + rng.normal(scale=0.2, size=(frames, 3))
            for p in ((0, 0, 0), (0, 0.17, 0.5), (1.5, 1 / 6, 1.0))]
    assert len(counted(lattice, ions, host=drift + 3.0).ion) == 0
    assert len(counted(lattice, ions).ion) > 0


def test_blocks_of_frames_give_the_same_jumps(lattice, rng, monkeypatch):
    stops = [(0, k / 3, 0) for k in range(12)]
    noise = rng.normal(scale=0.2, size=(3, 513, 3))
    paths = [walk(lattice, np.array(stops) + np.array([0, 0, k])) + noise[k] for k in range(3)]
    whole = counted(lattice, paths)
    monkeypatch.setattr(hops, "BLOCK_POINTS", 60)
    parts = counted(lattice, paths)
    for name in ("ion", "frame", "first", "second"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(parts, name))
    assert len(whole.ion) == 33


def test_random_jumps_come_back_as_they_were_made(lattice, rng):
    """A walk of 300 nearest-site jumps on the whole lattice, in three dimensions."""
    ideal = lattice.fractional @ lattice.conventional
    here, image, path, expected = 5, np.zeros(3, int), [], []
    finder = sites.SiteFinder(lattice)
    for _ in range(300):
        place = ideal[here] + image @ lattice.cell
        turn = rng.normal(size=3)
        aim = place + 3.64 * turn / np.linalg.norm(turn)
        site, cells, _ = finder.nearest(aim[None])
        there = ideal[site[0]] + cells[0] @ lattice.cell
        if np.linalg.norm(there - place) < 1 or np.linalg.norm(there - place) > 4.2:
            continue
        path.append(np.repeat(place[None], 15, axis=0))
        path.append(np.linspace(place, there, 6)[1:-1])
        expected.append(there - place)
        here, image = int(site[0]), cells[0]
    track = np.concatenate(path) + rng.normal(scale=0.15, size=(19 * len(expected), 3))
    found = counted(lattice, [track], residence_ps=0.0)
    one, first = hops.decode(found.first, len(ideal))
    two, second = hops.decode(found.second, len(ideal))
    moved = sites.jump(lattice, one, two, second - first)
    np.testing.assert_allclose(moved, np.array(expected)[: len(moved)], atol=1e-9)
    assert len(moved) >= len(expected) - 1 > 100


def test_codes_hold_site_and_image(rng):
    site, image = rng.integers(0, 96, 500), rng.integers(-500, 500, (500, 3))
    back, cells = hops.decode(hops.encode(site, image, 96), 96)
    np.testing.assert_array_equal(back, site)
    np.testing.assert_array_equal(cells, image)


def test_no_jump_at_all_still_has_a_row_for_each_kind(lattice):
    found = counted(lattice, [walk(lattice, [(0, 0, 0)], dwell=100)])
    table = hops.hop_table(lattice, found, 10, 1000.0)
    assert set(table["kind"]) == {"intra_layer", "inter_layer"} and not table["count"].any()
    assert table["rate_high_95"].to_numpy() == pytest.approx(0.36889, abs=1e-4)


def make_run(material, path, rng, frames=300, hopper=True):
    """Write a run of 2x1x2 cells whose first Li jumps from its site to an empty one and on."""
    repeat = (2, 1, 2)
    _, letters = cation_lattice(material, repeat)
    species = np.array([""] * len(letters), dtype="U2")
    species[np.flatnonzero(letters == "2a")] = "Ti"
    species[np.flatnonzero(letters == "4h")] = "Li"
    atoms = assemble(material, repeat, species)
    positions = atoms.positions[None] + rng.normal(scale=0.12, size=(frames, len(atoms), 3))
    names = np.array(atoms.get_chemical_symbols())
    lithium = np.flatnonzero(names == "Li")
    if hopper:
        start = np.argmin(np.linalg.norm(
            atoms.positions[lithium] - np.array([0, 0.17, 0.5]) @ material.cell, axis=1))
        jump = (np.array([0, 1 / 3, 0]) - np.array([0, 0.17, 0.5])) @ material.cell
        positions[frames // 2:, lithium[start]] += jump
    mass = atoms.get_masses()
    host = np.flatnonzero(names != "Li")
    return write_npz(path, {
        "time_ps": np.arange(frames) * STEP_PS,
        "mobile_angstrom": positions[:, lithium].astype(np.float32),
        "host_centre_angstrom": np.average(positions[:, host], axis=1, weights=mass[host]),
        "barycentre_angstrom": np.average(positions, axis=1, weights=mass),
        "cell_angstrom": np.asarray(atoms.cell[:]), "mobile_symbol": "Li",
        "all_time_ps": np.arange(0, frames, 10) * STEP_PS,
        "all_angstrom": positions[::10].astype(np.float32), "symbols": names,
        "mobile_index": lithium,
    }, {"material": material.name})


def test_the_script_writes_all_tables(material, repository, tmp_path, rng):
    run = make_run(material, tmp_path / "u0_t300_r0.trajectory.npz", rng)
    yml = repository / "assets/materials/li3ticl6.yml"
    main(["--material", str(yml), "--trajectory", str(run), "--u_ev", "0", "--temperature_k",
          "300", "--seed", "1", "--out", str(tmp_path)])
    seen = tables.read("hops", tmp_path / "u0_t300_r0.hops.parquet").query("count > 0")
    assert seen[["kind", "from_site", "to_site", "direction"]].values.tolist() == [
        ["inter_layer", "4h", "4g", "[011]"]]
    assert seen["rate_per_ion_per_ns"].item() == pytest.approx(1 / (16 * 0.0299))
    shown = tables.read("tracks", tmp_path / "u0_t300_r0.tracks.parquet")
    far = shown.loc[shown.groupby("ion")["displacement_angstrom"].idxmax()]
    mover = shown[shown["ion"] == far.sort_values("displacement_angstrom")["ion"].iloc[-1]]
    assert shown["ion"].nunique() == 8 and shown.groupby("ion").size().max() <= 500
    assert mover["layer"].iloc[0] - mover["layer"].iloc[-1] == 1
    assert mover["site"].iloc[[0, -1]].tolist() == ["4h", "4g"]
    density = tables.read("density", tmp_path / "u0_t300_r0.density.parquet")
    mean = density.groupby("view")["density_per_angstrom3"].mean()
    assert mean.to_numpy() == pytest.approx(4 / np.linalg.det(material.cell), rel=1e-6)
    assert sorted(mean.index) == ["[010]", "[110]"]
    grid = tables.read("density_grid", tmp_path / "u0_t300_r0.density_grid.parquet")
    assert grid["density_per_angstrom3"].mean() == pytest.approx(4 / np.linalg.det(material.cell))
    fractions, places = (grid[[f"{n}{end}" for n in names]].to_numpy() for names, end in (
        ("abc", "_fraction"), ("xyz", "_angstrom")))
    volume = np.linalg.det(np.linalg.lstsq(fractions, places, rcond=None)[0])
    assert volume == pytest.approx(np.linalg.det(material.cell))
    network = tables.read("network", tmp_path / "u0_t300_r0.network.parquet")
    assert sorted(network.query("kind == 'site'").groupby("from_site").size()) == [2, 2, 4, 4]
    hop = network.query("kind != 'site'")
    assert hop[["kind", "from_site", "to_site", "count"]].values.tolist() == [
        ["inter_layer", "4h", "4g", 1]]
    assert network.query("kind == 'site'")["count"].sum() == 1
    van_hove = tables.read("van_hove", tmp_path / "u0_t300_r0.van_hove.parquet")
    assert set(van_hove["part"]) == {"self", "distinct"} and van_hove["lag_ps"].nunique() == 5


@pytest.mark.parametrize("script", [analyse_structure.main, main])
def test_a_container_says_which_run_it_is_and_no_option_contradicts_it(
    script, material, repository, tmp_path, rng
):
    held = read_members(make_run(material, tmp_path / "first.npz", rng, frames=40))
    said = {"temperature_k": 550.0, "u_ev": 4.0, "replica": 3, "seed": 2}
    run = write_npz(tmp_path / "run_600K.npz", {k: v for k, v in held.items() if k != "meta"}, said)
    given = ["--material", str(repository / "assets/materials/li3ticl6.yml"), "--trajectory",
             str(run), "--out", str(tmp_path)]
    script(given)
    written = next(tmp_path.glob("u4_t550_r3.*.parquet"))
    row = pd.read_parquet(written).iloc[0]
    assert {name: row[name] for name in said} == said
    for option, value, words in (("--temperature_k", "600", "550 K, --temperature_k says 600 K"),
                                 ("--u_ev", "0", "4 eV, --u_ev says 0 eV")):
        with pytest.raises(HavenError, match=words):
            script([*given, option, value])


def test_an_ion_that_never_comes_to_a_core_is_in_the_layer_of_the_nearest_site(
    material, tmp_path, rng
):
    held = open_npz(make_run(material, tmp_path / "run.npz", rng, frames=20, hopper=False))
    lattice = hops.sites_of_supercell(material, held)
    shown = tracks.track_table(lattice, held, np.arange(held.ions), core=1e-6)
    assert set(shown["layer"]) == {1, 3} and set(shown["site"]) == {"4h"}


def test_other_formats_give_the_same_hops(material, repository, tmp_path, rng):
    from ase import Atoms
    from ase.io import write

    run = make_run(material, tmp_path / "u0_t300_r0.trajectory.npz", rng, frames=60)
    held = read_members(run)
    symbols, cell, lithium = held["symbols"], held["cell_angstrom"], held["mobile_index"]
    path, host = held["mobile_angstrom"], held["all_angstrom"][0]
    images = []
    for step in path:
        host[lithium] = step
        images.append(Atoms(symbols, host, cell=cell, pbc=True))
    write(tmp_path / "run.extxyz", images)
    yml = repository / "assets/materials/li3ticl6.yml"
    main(["--material", str(yml), "--trajectory", str(tmp_path / "run.extxyz"), "--u_ev", "4",
          "--temperature_k", "300", "--timestep_ps", "0.1", "--out", str(tmp_path)])
    seen = tables.read("hops", tmp_path / "u4_t300_r0.hops.parquet").query("count > 0")
    assert seen[["from_site", "to_site", "count"]].values.tolist() == [["4h", "4g", 1]]


def test_the_density_map_shows_ions_where_they_are(material, lattice):
    ions = np.repeat(at(lattice, [(0.03, 0.17, 0.51), (1.03, 0.17, 1.51)])[None], 4, axis=0)
    table = tracks.density_table(lattice, ions, np.zeros((4, 3)), ((0, 1, 0),), bins=20)
    full = table[table["density_per_angstrom3"] > 0]
    c = material.cell[2]
    assert len(full) == 1
    across = abs(c @ material.cell[0]) / np.linalg.norm(material.cell[0])
    height = np.sqrt(c @ c - across**2)
    assert full["v_angstrom"].item() == pytest.approx(0.525 * height, rel=1e-6)
    total = np.linalg.det(material.cell) / 400 * full["density_per_angstrom3"].item()
    assert total == pytest.approx(0.5)


def test_the_density_grid_shows_ions_where_they_are_and_follows_the_host(material, lattice):
    ions = np.repeat(at(lattice, [(0.03, 0.17, 0.51), (1.03, 0.17, 1.51)])[None], 4, axis=0)
    drift = np.cumsum(np.ones((4, 3)), axis=0)
    table = tracks.density_grid(lattice, ions + drift[:, None], drift, spacing=0.5)
    full = table[table["density_per_angstrom3"] > 0]
    assert len(full) == 1
    place = full[["a_fraction", "b_fraction", "c_fraction"]].to_numpy()[0]
    steps = np.ceil(np.linalg.norm(material.cell, axis=1) / 0.5)
    assert (abs(place - (0.03, 0.17, 0.51)) <= 0.5001 / steps).all()
    voxel = np.linalg.det(material.cell) / steps.prod()
    assert full["density_per_angstrom3"].item() * voxel == pytest.approx(0.5)


@pytest.mark.parametrize("view", [(0, 1, 0), (1, 1, 0), (1, 0, 1), (0, 0, 1), (1, -1, 0)])
def test_a_view_is_completed_to_a_basis(view):
    basis = tracks.across(view)
    assert abs(round(np.linalg.det(basis))) == 1 and basis[0].tolist() == list(view)


def test_self_part_of_a_known_spread(rng):
    steps = rng.normal(scale=0.8, size=(60000, 3))
    edges = np.linspace(0, 8, 41)
    found = vanhove.self_part(np.zeros_like(steps), steps, edges)
    r = 0.5 * (edges[1:] + edges[:-1])
    maxwell = np.sqrt(2 / np.pi) * r**2 / 0.8**3 * np.exp(-(r**2) / (2 * 0.8**2))
    assert found.sum() * 0.2 == pytest.approx(1.0, abs=1e-6)
    assert np.abs(found - maxwell).max() < 0.02


def test_distinct_part_is_one_for_a_gas_and_leaves_out_the_ion_itself(material, rng):
    cell = 3.0 * material.cell
    gas = rng.random((1500, 3)) @ cell
    edges = np.linspace(0, 10, 6)
    moved = gas + rng.integers(-1, 2, (1500, 3)) @ cell
    later = moved + rng.normal(scale=0.3, size=moved.shape)
    found = vanhove.distinct_part(moved, later, cell, edges)
    pairs = 1500**2 / np.linalg.det(cell) * 4 / 3 * np.pi * np.diff(edges**3)
    assert np.abs((found - 1 + 1 / 1500) * np.sqrt(pairs)).max() < 4.5


def test_lags_reach_half_the_trajectory():
    assert vanhove.choose_lags(1001).tolist() == [2, 8, 31, 125, 500]
    assert vanhove.choose_lags(2).tolist() == [1]


def test_wrong_input_is_named(material, repository, tmp_path, rng):
    run = make_run(material, tmp_path / "run.npz", rng, frames=20)
    members = {k: value for k, value in read_members(run).items() if k != "meta"}
    cases = {
        "no multiple": {"cell_angstrom": 13.0 * np.eye(3)},
        "no mobile Li": {"mobile_symbol": "Na"},
        "follows no Li": {"mobile_angstrom": members["mobile_angstrom"][:, :0],
                          "mobile_index": members["mobile_index"][:0]},
        "one frame": {k: members[k][:1] for k in (
            "time_ps", "mobile_angstrom", "host_centre_angstrom", "barycentre_angstrom")},
        "has no Cl": {"symbols": np.where(members["symbols"] == "Cl", "Br", members["symbols"])},
    }
    yml = str(repository / "assets/materials/li3ticl6.yml")
    for words, change in cases.items():
        bad = write_npz(tmp_path / "bad.npz", {**members, **change}, {})
        with pytest.raises(HavenError, match=words):
            main(["--material", yml, "--trajectory", str(bad), "--u_ev", "0",
                  "--temperature_k", "300", "--out", str(tmp_path)])
    with pytest.raises(HavenError, match="core_share"):
        hops.core_radius(sites.site_lattice(material, material.cell), 0.7)
    with pytest.raises(HavenError, match="does not exist"):
        open_npz(tmp_path / "absent.npz")
