"""Tetrahedral rest sites: found between the anions, visits and passages counted as made."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from analyse_hops import main
from test_hops import STEP_PS, at, make_run, walk

from haven.core import tables
from haven.material.sites import lattice as sites
from haven.mechanism import hops, interstitial
from haven.mechanism.tables import INTERSTITIAL


@pytest.fixture(scope="module")
def wide(material, lattice):
    return interstitial.with_voids(lattice, interstitial.anions_of(material, lattice, None, None))


def looked_at(lattice, wide, paths, residence_ps=1.0):
    positions = np.stack(paths, axis=1)
    return interstitial.find_visits(
        lattice, wide, positions, np.zeros((len(positions), 3)),
        np.arange(len(positions)) * STEP_PS, residence_ps, hops.core_radius(wide, 0.4))


def nearest_void(lattice, wide, place):
    """Return the interstitial site next to a place, in the same image as it."""
    found = wide.centres[len(lattice.centres):]
    step = sites.minimum_image(found - place, lattice.cell)
    return place + step[np.argmin(np.linalg.norm(step, axis=1))]


def test_close_packing_has_two_tetrahedra_an_anion_and_none_is_a_cation_site(lattice, wide):
    count = len(wide.centres) - len(lattice.centres)
    assert count == 2 * 12 * 4
    assert (wide.letters[len(lattice.centres):] == interstitial.NAME).all()
    assert wide.letters[0] == lattice.letters[0]


@pytest.mark.parametrize("shake", [0.0, 0.1, 0.2])
@pytest.mark.parametrize("stretch", [(1, 1, 1), (1.05, 0.97, 1.04)])
def test_tetrahedra_of_a_distorted_and_strained_packing_are_the_same(material, shake, stretch, rng):
    cell = material.cell * np.array([2.0, 1.0, 2.0])[:, None] * np.array(stretch)[:, None]
    lattice = sites.site_lattice(material, cell)
    anions = interstitial.anions_of(material, lattice, None, None)
    found = interstitial.voids(lattice, anions + rng.normal(scale=shake, size=anions.shape))
    assert len(found) == 2 * len(anions)
    away = np.linalg.norm(sites.minimum_image(found[:, None] - anions, cell), axis=2)
    near = np.sort(away, axis=1)[:, :5]
    assert (near[:, 3] < 3.0).all() and (near[:, 4] > near[:, 3] + 0.3).all(), "four anions"


def test_cubic_close_packing_whose_sites_are_the_octahedra():
    """Rock salt: four octahedra and eight tetrahedra a cube, at their known places."""
    cube = np.eye(3) * 5.0
    octahedra = np.array([[.5, .5, .5], [.5, 0, 0], [0, .5, 0], [0, 0, .5]]) @ cube
    anions = np.array([[0, 0, 0], [0, .5, .5], [.5, 0, .5], [.5, .5, 0]]) @ cube
    salt = sites.SiteLattice(cube, (1, 1, 1), octahedra / 5, octahedra, np.array(["4b"] * 4),
                             np.zeros(4, int), 1)
    found = interstitial.voids(salt, anions + 0.3)
    corners = np.array(list(np.ndindex(2, 2, 2))) * 2.5 + 1.25 + 0.3
    assert len(found) == 8
    gap = np.linalg.norm(sites.minimum_image(found[:, None] - corners, cube), axis=2).min(axis=0)
    assert gap.max() < 1e-6


def test_a_jump_by_way_of_a_tetrahedron_and_one_straight_on_are_told_apart(lattice, wide):
    one, two = at(lattice, (0, 0, 0)), at(lattice, (0, 1 / 3, 0))
    straight = walk(lattice, [(0, 0, 0), (0, 1 / 3, 0)], travel=8)
    middle = nearest_void(lattice, wide, 0.5 * (one + two))
    rest = np.concatenate([np.repeat(p[None], 40, axis=0) for p in (one, middle, two)])
    seen = looked_at(lattice, wide, [straight])
    assert seen.via.tolist() == [False] and len(seen.stays_ps) == 0
    seen = looked_at(lattice, wide, [rest])
    assert seen.via.tolist() == [True]
    assert seen.stays_ps == pytest.approx([4.0]) and seen.inside.tolist() == [40]
    table = interstitial.interstitial_table(lattice, wide, seen, np.arange(120) * STEP_PS, 1.0)
    whole, inside, between = table.to_dict("records")
    assert (whole["jumps"], whole["jumps_via"], inside["jumps_via"]) == (1, 1, 1)
    assert between["jumps"] == 0
    assert whole["time_share"] == pytest.approx(1 / 3) and whole["rests"] == 1
    assert whole["sites_per_cell"] == 24 and whole["frame_ps"] == pytest.approx(STEP_PS)


def test_a_visit_from_which_an_ion_comes_back_is_a_visit_and_no_jump(lattice, wide):
    one = at(lattice, (0, 0, 0))
    void = nearest_void(lattice, wide, one + np.array([0.5, 0.5, 0.5]))
    path = np.concatenate([np.repeat(p[None], n, axis=0) for p, n in ((one, 40), (void, 5),
                                                                     (one, 40))])
    seen = looked_at(lattice, wide, [path])
    assert len(seen.via) == 0 and seen.stays_ps == pytest.approx([0.5])
    table = interstitial.interstitial_table(lattice, wide, seen, np.arange(85) * STEP_PS, 1.0)
    assert table["rests"].max() == 0 and table["share_via"].isna().all()


def test_jumps_are_those_of_the_table_of_hops_in_a_noisy_run(lattice, wide, rng):
    stops = [(0, 0, 0), (0, 1 / 3, 0), (0.5, 1 / 6, 0.0), (0.5, 0.5, 0)]
    path = walk(lattice, stops)
    path = path + rng.normal(scale=0.15, size=path.shape)
    seen = looked_at(lattice, wide, [path, path[::-1]])
    plain = hops.find_hops(lattice, np.stack([path, path[::-1]], axis=1), np.zeros((len(path), 3)),
                           np.arange(len(path)) * STEP_PS, 1.0, hops.core_radius(lattice, 0.4))
    np.testing.assert_array_equal(seen.first, plain.first)
    np.testing.assert_array_equal(seen.second, plain.second)


def test_an_ion_that_begins_and_ends_in_a_tetrahedron_makes_no_jump(lattice, wide):
    void = nearest_void(lattice, wide, at(lattice, (0, 0, 0)))
    seen = looked_at(lattice, wide, [np.repeat(void[None], 50, axis=0)])
    assert len(seen.via) == 0 and seen.inside.tolist() == [50]
    assert seen.stays_ps == pytest.approx([4.9])


def test_a_crystal_without_such_places_has_none_and_says_so(lattice):
    seen = looked_at(lattice, lattice, [walk(lattice, [(0, 0, 0), (0, 1 / 3, 0)])])
    table = interstitial.interstitial_table(lattice, lattice, seen, np.arange(83) * STEP_PS, 1.0)
    row = table.iloc[0]
    assert row["sites_per_cell"] == row["time_share"] == row["time_low_95"] == row["jumps_via"] == 0
    assert pd.isna(row["time_high_95"]), "how long a visit lasts is not known"
    assert row["share_via_high_95"] == pytest.approx(0.975)


def test_the_script_writes_the_table_also_for_a_file_without_frames_of_all_atoms(
    material, repository, tmp_path, rng
):
    run = make_run(material, tmp_path / "u0_t300_r0.trajectory.npz", rng, frames=60)
    yml = repository / "assets/materials/li3ticl6.yml"
    main(["--material", str(yml), "--trajectory", str(run), "--u_ev", "0", "--temperature_k",
          "300", "--seed", "1", "--out", str(tmp_path)])
    found = tables.read(INTERSTITIAL, tmp_path / "u0_t300_r0.interstitial.parquet")
    assert found["kind"].tolist() == ["all", "intra_layer", "inter_layer"]
    assert found["jumps"].tolist() == [1, 0, 1] and (found["sites_per_cell"] == 24).all()


@pytest.mark.parametrize("stay", [1, 20])
@pytest.mark.parametrize("expected", [0.3, 1, 3, 10])
@pytest.mark.parametrize("lasting", ["as_long", "by_chance"])
def test_the_share_of_time_of_a_few_visits_has_an_interval_that_holds_it(stay, expected, lasting):
    ions, frames, held, none = 48, 10_000, [], np.zeros(0, int)
    for seed in range(150):
        rng = np.random.default_rng([seed, stay])
        count = rng.poisson(expected)
        stays = np.full(count, stay) if lasting == "as_long" else rng.geometric(1 / stay, count)
        inside = np.bincount(rng.integers(ions, size=count), stays, ions).astype(int)
        share, low, high = interstitial._time_share(
            interstitial.Visits(none, none, none, stays * STEP_PS, inside, frames))
        assert (high is None) == (count == 0)
        high = np.inf if high is None else high
        held.append(low <= expected * stay / (ions * frames) <= high)
        assert not count or low < share < high < 100 * share
    assert np.mean(held) > 0.92


def test_the_share_of_time_is_no_narrower_than_what_ions_differ_by():
    inside = np.array([5000] + [0] * 19)
    many = interstitial.Visits(inside[:0], inside[:0], inside[:0], np.full(2500, 0.2), inside, 9000)
    share, low, high = interstitial._time_share(many)
    assert low == 0 and high is not None and high > 2 * share


@pytest.mark.parametrize("seed", range(4))
def test_points_near_one_another_are_joined_as_the_shortest_images_say(seed):
    from haven.core.periodic import minimum_image
    from haven.mechanism.interstitial import SAME, _merged

    rng = np.random.default_rng(seed)
    cell = np.array([[7.0, 0, 0], [2.0, 6.5, 0], [-3.0, 1.0, 6.0]])
    points = rng.random((160, 3)) @ cell
    left, wanted = np.ones(len(points), bool), []
    for row, point in enumerate(points):
        if left[row]:
            step = minimum_image(points - point, cell)
            near = left & (np.linalg.norm(step, axis=1) < SAME)
            left &= ~near
            wanted.append(point + step[near].mean(axis=0))
    np.testing.assert_allclose(_merged(points, cell), wanted, atol=1e-12)
    assert len(wanted) < 140 and not len(_merged(np.empty((0, 3)), cell))
