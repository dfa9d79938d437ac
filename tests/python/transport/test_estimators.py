"""The registry of estimators, and what the local sum over pairs and the blocks give."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import walks

from haven.trajectory import trajectory
from haven.transport import diffusion
from haven.transport import displacements as msd
from haven.transport.estimators import ESTIMATORS, blocks, local
from haven.transport.options import Estimation
from haven.transport.rows import motion_checks

LENGTH = 3.0
SIDE = 9
SWEEPS = 0.3


@pytest.fixture(scope="module")
def gas():
    """500 ions on 729 sites, and the exact D_total in Angstrom^2/ps."""
    path = walks.exclusion(np.random.default_rng(1), 1, SIDE, 500, 600, SWEEPS)[0]
    return path, SWEEPS * LENGTH**2 / 6 * (1 - 500 / SIDE**3) * SIDE**3 / (SIDE**3 - 1)


def estimate(folder, path, estimator, frame="host"):
    cell = SIDE * LENGTH * np.eye(3)
    frames = len(path)
    file = trajectory.write_npz(folder / "t.npz", {
        "time_ps": np.arange(frames) * 1.0, "mobile_angstrom": path.astype(np.float32),
        "host_centre_angstrom": np.zeros((frames, 3)), "cell_angstrom": cell,
        "barycentre_angstrom": np.zeros((frames, 3)),
        "mobile_symbol": np.array("Li")}, {})
    held = trajectory.open_npz(file, "Li")
    return diffusion.estimate(held, msd.curves(held, frame), LENGTH, estimator=estimator)


def named(rows):
    return {row.quantity: row for row in rows if row.axis == "xyz"}


def test_every_estimator_can_be_chosen_and_no_other():
    field = next(f for f in dataclasses.fields(Estimation) if f.name == "estimator")
    assert field.default == "walk"
    rule = next(iter(field.metadata.values()))
    assert tuple(rule.choices) == tuple(ESTIMATORS)


def test_the_local_sum_is_right_and_much_narrower(tmp_path, gas):
    path, true = gas
    rows = estimate(tmp_path, path, "local")
    found = named(rows)
    near, full = found["total"], found["total_walk"]
    assert near.estimator == "local" and full.estimator == "walk"
    assert found["haven"].estimator == "local" and found["haven_walk"].estimator == "walk"
    assert near.low_95 <= true * 1e-4 <= near.high_95
    assert near.value == pytest.approx(true * 1e-4, rel=0.06)
    assert full.high_95 - full.low_95 > 2 * (near.high_95 - near.low_95)
    assert found["haven"].value == pytest.approx(found["self"].value / near.value)
    assert found["distinct"].value == pytest.approx(near.value - found["self"].value)
    agree = [row for row in motion_checks(rows, "run", "gas") if row["check"] == "estimators agree"]
    assert len(agree) == 1 and agree[0]["passed"]


def test_correlations_that_reach_everywhere_are_left_to_the_full_sum(tmp_path):
    """Jumps answered by any other ion: pairs that are near say nothing of them."""
    rng = np.random.default_rng(2)
    sites = rng.permutation(SIDE**3)[:200]
    start = np.stack(np.unravel_index(sites, (SIDE,) * 3), axis=-1) * LENGTH
    path = start + walks.answered(rng, 200, 1200, 0.1, 0.8, 1.0)
    rows = estimate(tmp_path, path, "local")
    found = named(rows)
    assert found["total"].estimator == "walk"
    assert found["haven"].low_95 <= 9 <= found["haven"].high_95


def test_where_two_estimators_disagree_the_full_sum_counts_and_it_is_said(
        tmp_path, gas, monkeypatch):
    def biased(motion, rng):
        found = local.near_pairs(motion, rng)
        return found and dataclasses.replace(found, value=4 * found.value, draws=4 * found.draws)

    monkeypatch.setitem(ESTIMATORS, "local", biased)
    rows = estimate(tmp_path, gas[0], "local")
    found = named(rows)
    assert found["total"].estimator == "walk" and found["total_local"].estimator == "local"
    assert found["total_local"].value > 2 * found["total"].value
    said = next(row for row in motion_checks(rows, "run", "gas")
                if row["check"] == "estimators agree")
    assert not said["passed"] and "walk" in said["message"]


def test_outside_the_hosts_frame_the_full_sum_stays(tmp_path, gas):
    found = named(estimate(tmp_path, gas[0][:200], "local", "barycentre"))
    assert found["total"].estimator == "walk" and "total_local" not in found


def test_blocks_are_the_usual_means(tmp_path, gas):
    path, true = gas
    found = named(estimate(tmp_path, path, "blocks"))
    assert found["total"].estimator == "blocks" and found["total_walk"].estimator == "walk"
    assert found["total"].low_95 <= true * 1e-4 <= found["total"].high_95
    coarse = np.ascontiguousarray(path.swapaxes(0, 1))
    tracer, total = blocks.stretches(coarse, 1.0, 20)
    assert len(tracer) == len(total) == 19
    assert total.mean() == pytest.approx(true, rel=0.5)


def test_sums_over_all_radii_are_the_direct_ones():
    rng = np.random.default_rng(3)
    cell = np.array([[14.0, 0, 0], [0, 12, 0], [-4, 0, 13]])
    places, moves = rng.uniform(0, 1, (40, 3)), rng.normal(size=(40, 3))
    held = local.shells(cell, 3.0)
    found = held.sums(places, moves)
    assert found[0] == pytest.approx((moves**2).sum() / moves.size)
    assert found[-1] == pytest.approx((moves.sum(axis=0) ** 2).sum() / moves.size)
    points = np.floor(places * held.shape) / held.shape
    apart = points[:, None] - points[None]
    apart -= np.round(apart)
    shift = np.array(list(np.ndindex(3, 3, 3))) - 1
    distance = np.linalg.norm((apart[:, :, None] + shift) @ cell, axis=-1).min(axis=-1)
    products = moves @ moves.T
    for place, radius in enumerate(held.radii[:-1]):
        assert found[1 + place] == pytest.approx(
            products[distance <= radius + 1e-9].sum() / moves.size)


def test_every_stretch_counts_in_what_single_ions_do(gas):
    path = np.ascontiguousarray(gas[0].swapaxes(0, 1)[:40], np.float32)
    moves = [(path[:, n:] - path[:, :-n]).astype(float) for n in (2, 8)]
    direct = ((moves[1]**2).mean() - (moves[0]**2).mean()) / (2 * 6 * 0.5)
    assert local.every_stretch(path, 8, 0.5) == pytest.approx(direct)
    held = local.shells(SIDE * LENGTH * np.eye(3), LENGTH)
    level = local.levels(path, path[:, 0].astype(float), SIDE * LENGTH * np.eye(3), held, 0.5)[1]
    assert level.lag_ps == 4.0
    assert local.every_stretch(path, 8, 0.5) == pytest.approx(level.found[:, 0].mean(), rel=0.2)


def levels_of(rng: np.random.Generator, late: float) -> list[local.Level]:
    """Sums within seven radii and over everything whose noise grows with the radius, at five lags.

    Beyond the fourth radius and from the third lag on the truth is larger by ``late``.
    """
    out = []
    for lag in range(5):
        count = 192 // 2**lag
        noise = rng.normal(size=(count, 8)) * 0.1 * np.arange(1, 9) ** 0.5
        found = np.concatenate([np.ones((count, 1)), 1 + np.cumsum(noise, axis=1)], axis=1)
        found[:, 5:] += late if lag >= 2 else 0.0
        out.append(local.Level(4.0 * 2**lag, found))
    return out


def test_no_longer_radius_or_lag_is_taken_for_its_noise():
    held = local.Shells((4, 4, 4), np.append(50 * 1.2 ** np.arange(7), np.inf), np.zeros(64, int))
    taken = []
    for seed in range(300):
        white = local.choose(levels_of(np.random.default_rng([1, seed]), 0.0), held, 3.0, 1.0)
        taken.append((white.radius > held.radii[0], white.lag_ps > 4))
        late = local.choose(levels_of(np.random.default_rng([2, seed]), 3.0), held, 3.0, 1.0)
        assert late.lag_ps >= 16 and late.radius >= held.radii[3]
        assert late.total == pytest.approx(4, abs=0.6)
    assert (np.mean(taken, axis=0) < 0.03).all()


def test_crowding_is_that_of_a_lattice_gas(gas):
    cell = SIDE * LENGTH * np.eye(3)
    assert local.crowding(gas[0][::20], cell) == pytest.approx(1 - 500 / SIDE**3, rel=0.2)
