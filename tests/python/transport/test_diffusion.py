"""Known answers of D, its tensor, the Haven ratio, the window and the verdict."""

from __future__ import annotations

import numpy as np
import pytest
import walks

from haven.trajectory import trajectory
from haven.transport import diffusion
from haven.transport import displacements as msd
from haven.transport import hop_counts as hopping
from haven.transport.estimators import modes as sines
from haven.transport.estimators import windows

LENGTH = 3.0
CELL = np.array([[30.0, 0, 0], [0, 30, 0], [-10, 0, 28]])


def estimate(folder, positions, cell=CELL, **options):
    frames = len(positions)
    path = trajectory.write_npz(folder / "t.npz", {
        "time_ps": np.arange(frames) * 1.0, "mobile_angstrom": positions.astype(np.float32),
        "host_centre_angstrom": np.zeros((frames, 3)), "cell_angstrom": cell,
        "mobile_symbol": np.array("Li")}, {})
    held = trajectory.open_npz(path, "Li")
    found = diffusion.estimate(held, msd.curves(held), LENGTH, **options)
    return {(row.quantity, row.axis): row for row in found}


def holds(row, true):
    return row.low_95 <= true <= row.high_95


def test_independent_walkers_have_exact_d_and_a_haven_ratio_of_one(tmp_path):
    path = walks.lattice_walk(np.random.default_rng(1), 100, 1500, 0.2)
    found = estimate(tmp_path, path)
    tracer = found["self", "xyz"]
    assert tracer.verdict == "diffusive" and tracer.unit == "cm2/s"
    assert tracer.value == pytest.approx(0.2 * LENGTH**2 / 6 * 1e-4, rel=0.03)
    assert holds(tracer, 0.2 * LENGTH**2 / 6 * 1e-4)
    assert holds(found["haven", "xyz"], 1.0) and found["haven", "xyz"].unit == "1"
    assert holds(found["distinct", "xyz"], 0.0)
    assert abs(tracer.loglog_slope - 1) < 3 * tracer.loglog_slope_error < 0.2
    assert 0 < tracer.fit_start_ps < tracer.fit_stop_ps <= 1500


def test_rigid_pairs_have_a_haven_ratio_of_a_half(tmp_path):
    path = walks.lattice_walk(np.random.default_rng(2), 60, 3000, 0.3)
    found = estimate(tmp_path, np.repeat(path, 2, axis=1))
    assert holds(found["haven", "xyz"], 0.5)
    assert found["haven", "xyz"].value == pytest.approx(0.5, rel=0.25)
    alone = estimate(tmp_path, path)["self", "xyz"]
    pairs = found["self", "xyz"]
    assert pairs.value == pytest.approx(alone.value)
    assert pairs.high_95 / pairs.low_95 > 0.9 * alone.high_95 / alone.low_95


def test_ions_that_swap_places_have_no_net_motion(tmp_path):
    path = walks.lattice_walk(np.random.default_rng(3), 50, 1500, 0.3)
    found = estimate(tmp_path, np.concatenate([path, -path], axis=1))
    assert found["self", "xyz"].verdict == "diffusive"
    for quantity in ("total", "distinct", "haven"):
        assert found[quantity, "xyz"].verdict == "subdiffusive"
        assert found[quantity, "xyz"].value is None and found[quantity, "xyz"].low_95 is None


def test_tensor_of_an_anisotropic_walk(tmp_path):
    path = walks.lattice_walk(np.random.default_rng(4), 200, 1500, 0.3, axes=(0.6, 0.3, 0.1))
    found = estimate(tmp_path, path)
    for axis, share in zip("xyz", (0.6, 0.3, 0.1), strict=True):
        assert holds(found["self", axis], 0.3 * share * LENGTH**2 / 2 * 1e-4)
    along = CELL[2] / np.linalg.norm(CELL[2])
    true = 0.3 * LENGTH**2 / 2 * (0.6 * along[0] ** 2 + 0.1 * along[2] ** 2)
    assert holds(found["self", "c"], true * 1e-4)
    assert found["self", "a"].value == pytest.approx(found["self", "x"].value)
    for axes in ("xy", "xz", "yz"):
        assert holds(found["self", axes], 0.0)


def test_a_direction_that_ions_only_rattle_along_has_no_number(tmp_path):
    rng = np.random.default_rng(15)
    path = walks.lattice_walk(rng, 100, 1500, 0.02, axes=(0.5, 0.5, 0.0))
    found = estimate(tmp_path, path + rng.normal(0, 0.3, path.shape), cell=30 * np.eye(3))
    for axis, true in (("xyz", 0.02 / 6), ("x", 0.02 / 4), ("b", 0.02 / 4)):
        row = found["self", axis]
        assert row.verdict == "diffusive" and holds(row, true * LENGTH**2 * 1e-4)
    for axis in ("z", "c"):
        row = found["self", axis]
        assert row.verdict == "subdiffusive" and row.loglog_slope < 0.5
        assert row.value is None and 0 < row.high_95 < 0.02 * found["self", "x"].value
        assert found["total", axis].value is None and found["haven", axis].value is None
    assert ("self", "xy") in found and ("self", "xz") not in found


def test_off_diagonal_element_of_a_turned_walk(tmp_path):
    path = walks.lattice_walk(np.random.default_rng(5), 200, 1500, 0.3, axes=(0.8, 0.1, 0.1))
    c, s = np.cos(0.5), np.sin(0.5)
    turned = path @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
    true = 0.3 * LENGTH**2 / 2 * (0.8 - 0.1) * c * s * 1e-4
    found = estimate(tmp_path, turned)
    assert holds(found["self", "xy"], true) and found["self", "xy"].low_95 > 0.5 * true


def test_a_cages_offset_does_not_enter(tmp_path):
    rng = np.random.default_rng(6)
    path = walks.lattice_walk(rng, 100, 1500, 0.1)
    shaken = path + rng.normal(0, 0.6, path.shape)
    still, rattling = (estimate(tmp_path, p)["self", "xyz"] for p in (path, shaken))
    assert rattling.value == pytest.approx(still.value, rel=0.05)
    assert holds(rattling, 0.1 * LENGTH**2 / 6 * 1e-4)


def test_back_jumps_are_waited_for(tmp_path):
    path = walks.caged(np.random.default_rng(7), 200, 3000, 0.1, back=0.5)
    found = estimate(tmp_path, path)["self", "xyz"]
    assert holds(found, 0.1 * LENGTH**2 / 6 * 0.5 / 1.5 * 1e-4)
    assert found.fit_start_ps > 20


def test_no_jumps_give_a_bound_and_no_number(tmp_path):
    rng = np.random.default_rng(8)
    found = estimate(tmp_path, rng.normal(0, 0.3, (800, 48, 3)))
    for row in found.values():
        assert row.verdict == "too_few_events" and row.value is None and row.low_95 is None
    assert found["self", "xyz"].hop_events < 5
    # none seen: at most 3.7 jumps of 3 Angstrom may have been missed
    assert found["self", "xyz"].high_95 >= 3.68 * LENGTH**2 / (6 * 48 * 800) * 1e-4
    assert found["haven", "xyz"].high_95 is None


def test_jumps_that_lead_nowhere_are_subdiffusive(tmp_path):
    rng = np.random.default_rng(9)
    ring = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]) * LENGTH
    place = np.cumsum(rng.choice([-1, 0, 1], p=[0.02, 0.96, 0.02], size=(1500, 60)), axis=0) % 4
    found = estimate(tmp_path, ring[place])["self", "xyz"]
    assert found.verdict == "subdiffusive" and found.value is None and found.hop_events > 1000
    assert found.high_95 < 0.04 * LENGTH**2 / 4 * 1e-4


def test_slope_of_a_subdiffusive_law():
    rng = np.random.default_rng(10)
    frequency = np.fft.rfftfreq(1 << 15)[1:]
    noise = rng.normal(size=(2, 400, len(frequency), 3))
    spectrum = (noise[0] + 1j * noise[1]) * frequency[:, None] ** -0.75  # MSD as t^0.5
    path = np.fft.irfft(np.insert(spectrum, 0, 0, axis=1), axis=1)[:, :4096]
    held = sines.modes(path.astype(np.float32) * 1e3, 1.0, 128)
    alpha, error = windows.slope(held, 60)
    assert alpha == pytest.approx(0.5, abs=0.08) and error < 0.05


def test_hops_are_counted_without_knowing_the_sites():
    rng = np.random.default_rng(11)
    path = np.zeros((20, 2000, 3))
    true = 0
    for ion in range(20):
        for t in range(50, 1950, 100 + 10 * ion):
            path[ion, t:, rng.integers(3)] += LENGTH * rng.choice([-1, 1])
            true += 1
    path += rng.normal(0, 0.35, path.shape)
    assert hopping.count_hops(path, 1.0, LENGTH) == pytest.approx(true, abs=2)
    path[:, 1000:1003] += LENGTH  # there and back within the residence time
    for spacing in (0.2, 0.1, 0.02):
        assert hopping.count_hops(path, spacing, LENGTH) == pytest.approx(true, abs=2)


def test_jump_length_is_that_of_neighbours():
    grid = np.stack(np.meshgrid(*[np.arange(4)] * 3), axis=-1).reshape(-1, 3) * 3.5
    assert hopping.jump_length(grid, np.eye(3) * 14) == pytest.approx(3.5)
    assert hopping.jump_length(grid[:1], np.eye(3) * 14) == pytest.approx(14)


def test_one_ion_alone_still_has_an_interval(tmp_path):
    path = walks.lattice_walk(np.random.default_rng(12), 1, 4000, 0.3)
    found = estimate(tmp_path, path)["self", "xyz"]
    assert holds(found, 0.3 * LENGTH**2 / 6 * 1e-4) and found.high_95 > 1.2 * found.low_95


def test_longer_runs_have_narrower_intervals(tmp_path):
    path = walks.lattice_walk(np.random.default_rng(13), 40, 1000, 0.2)
    widths = []
    for frames in (120, 1000):  # fewer than the 512 modes that are used at most
        row = estimate(tmp_path, path[:frames])["total", "xyz"]
        widths.append(np.log(row.high_95 / row.low_95))
    assert widths[1] < 0.75 * widths[0]


@pytest.mark.parametrize("frames, ions", [(2, 1), (3, 5), (6, 4), (12, 2)])
def test_the_shortest_trajectories_give_bounds_without_warnings(tmp_path, frames, ions):
    import warnings

    path = np.cumsum(np.random.default_rng(14).normal(0, 1.0, (frames, ions, 3)), axis=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = estimate(tmp_path, path)
    assert {row.verdict for row in found.values()} == {"too_few_events"}
    assert found["self", "xyz"].high_95 > 0 and found["self", "xyz"].value is None


@pytest.mark.parametrize("speed", [0.01, 0.03, 0.1, 1.0])
def test_ions_that_all_drift_are_refused_or_right(tmp_path, speed):
    true = 0.1 * LENGTH**2 / 6 * 1e-4
    refused = 0
    for seed in range(3):
        rng = np.random.default_rng([5, seed])
        way = rng.normal(size=3)
        path = walks.lattice_walk(rng, 64, 1000, 0.1) + rng.normal(0, 0.1, (1000, 64, 3))
        path += np.arange(1000)[:, None, None] * (speed * way / np.linalg.norm(way))
        found = estimate(tmp_path, path)
        for quantity in ("self", "total"):
            row = found[quantity, "xyz"]
            assert row.value is None or 0.6 * true < row.value < 1.4 * true, row
        refused += found["total", "xyz"].verdict == "drifting"
        if speed == 1.0:
            assert found["self", "xyz"].verdict == "drifting"
            assert found["self", "xyz"].high_95 is None
    assert refused >= (3 if speed > 0.01 else 1)


def test_concerted_ions_that_come_far_together_do_not_drift(tmp_path):
    path = walks.lattice_walk(np.random.default_rng(21), 8, 1500, 0.1)
    found = estimate(tmp_path, np.repeat(path, 8, axis=1))
    assert found["total", "xyz"].verdict == "diffusive"
    assert holds(found["haven", "xyz"], 1 / 8)


def test_a_tenth_of_the_ions_carries_the_motion(tmp_path):
    rng = np.random.default_rng(22)
    path = rng.normal(0, 0.2, (1000, 200, 3))
    path[:, :20] += walks.lattice_walk(rng, 20, 1000, 0.05)
    coarse = np.ascontiguousarray(path.swapaxes(0, 1), np.float32)
    run = diffusion.describe(sines.modes(coarse, 1.0, 400), 1000.0, 1000, LENGTH)
    assert run.mobile_share == pytest.approx(0.1, abs=0.02)
    tracer = estimate(tmp_path, path)["self", "xyz"]
    assert holds(tracer, 0.005 * LENGTH**2 / 6 * 1e-4)
    assert (tracer.high_95 - tracer.low_95) / tracer.value < 0.4  # of these ions, not of others
    alike = walks.lattice_walk(rng, 200, 1000, 0.05)
    coarse = np.ascontiguousarray(alike.swapaxes(0, 1), np.float32)
    assert diffusion.describe(sines.modes(coarse, 1.0, 400), 1e3, 1000, LENGTH).mobile_share == 1


def test_one_ion_moves_as_its_sum(tmp_path):
    found = estimate(tmp_path, walks.lattice_walk(np.random.default_rng(23), 1, 4000, 0.025))
    tracer, total, haven = (found[name, "xyz"] for name in ("self", "total", "haven"))
    assert (tracer.value, tracer.low_95, tracer.high_95) == pytest.approx(
        (total.value, total.low_95, total.high_95))
    assert (haven.low_95, haven.value, haven.high_95) == (1, 1, 1)
    assert holds(tracer, 0.025 * LENGTH**2 / 6 * 1e-4)
    # a hundred jumps alone leave a standard error of a tenth
    assert tracer.high_95 / tracer.low_95 > np.exp(2 * 1.96 * 0.1)


def test_a_slope_that_is_badly_known_is_not_diffusive():
    assert diffusion.diffusion_verdict(1000, 30, 20, 3.0, 2.4, 0.1) == "too_few_events"
    assert diffusion.diffusion_verdict(1000, 30, 20, 1.0, 0.31, 0.1) == "too_few_events"
    assert diffusion.judge_sum("diffusive", 1.0, 0.31, False) == "too_few_events"
    assert diffusion.judge_sum("diffusive", 1.0, 0.2, True) == "drifting"
    assert diffusion.judge_sum("diffusive", 1.95, 0.2, False) == "drifting"


def bent(ions, corner, seed=3):
    """Return modes of ions whose powers rise by a third of themselves beyond mode ``corner``."""
    from haven.transport.estimators.modes import Modes

    rng = np.random.default_rng(seed)
    shape = 1 + 0.3 / (1 + (corner / np.arange(1, 801)) ** 2)
    values = rng.normal(size=(ions, 800, 3)) * shape[:, None] ** 0.5
    square = values**2
    return Modes(values[:, :160].astype(np.float32), square.mean(axis=0), square.var(axis=0),
                 values.sum(axis=0)[None] / ions**0.5)


def test_more_ions_do_not_make_the_sum_less_well_known():
    found = {}
    for ions in (30, 3000):
        held = bent(ions, 100)
        alone = max(8, windows.choose_window(held))
        found[ions] = alone, windows.window_of_sum(held, alone)
    assert found[3000][0] < found[30][0] / 2  # the bend is seen
    assert found[3000][1] > 2 * found[3000][0]  # and does not matter to the sum
    assert found[3000][1] < 800
    straight = bent(300, 1e6)
    assert windows.window_of_sum(straight, 100) == 800
