"""Nernst and Einstein's relation, and runs joined with what they share."""

from __future__ import annotations

from types import SimpleNamespace

import motions
import numpy as np
import pytest

from haven.trajectory import trajectory
from haven.transport import conductivity, species
from haven.transport import rows as transport
from haven.transport.diffusion import Estimate


def test_known_conductivity():
    # 1e22 ions per cm3, D = 1e-8 cm2/s, 300 K: n e^2 D / kB T = 6.197e-4 S/cm
    value = conductivity.nernst_einstein(1e-8, 10, 1000.0, 300.0)
    assert value == pytest.approx(0.61972, rel=1e-4)
    assert conductivity.nernst_einstein(1e-8, 10, 1000.0, 300.0, charge=2) == 4 * value


def test_volume_of_a_monoclinic_cell_is_the_determinant(tmp_path):
    cell = np.array([[6.4, 0, 0], [0, 11, 0], [-2.2, 0, 5.9]])
    path = trajectory.write_npz(tmp_path / "t.npz", {
        "time_ps": np.arange(3.0), "mobile_angstrom": np.zeros((3, 6, 3), np.float32),
        "host_centre_angstrom": np.zeros((3, 3)), "cell_angstrom": cell,
        "mobile_symbol": np.array("Li")}, {})
    held = trajectory.open_npz(path)
    rows = [Estimate(q, "xyz", v, v / 2, v * 2, "cm2/s", 1, 2, 1, 0, 99, "walk", "diffusive")
            for q, v in (("self", 2e-7), ("total", 1e-7), ("haven", 2.0))]
    sigma = transport.conductivity_rows(rows, held, 298.0, 1.0, {"material": "m"})
    assert [s["quantity"] for s in sigma] == ["sigma_self", "sigma_total"]
    volume = 6.4 * 11 * 5.9
    expected = 6 / volume * 1e30 * 1.602176634e-19**2 / (1.380649e-23 * 298) * 1e-11 * 10
    assert sigma[1]["value_ms_per_cm"] == pytest.approx(expected)
    assert sigma[1]["low_95"] == pytest.approx(expected / 2)
    assert sigma[0]["carrier_density_per_cm3"] == pytest.approx(6 / volume * 1e24)


def test_equal_runs_join_as_their_weighted_mean():
    joined = conductivity.join(np.array([1.0, 1.0, 1.0]), np.array([0.1, 0.2, 0.2]),
                               np.ones((3, 1)), {"disorder": np.zeros(3)})
    value, error, quantile = joined.contrast(np.ones(1))
    assert value == pytest.approx(1.0)
    assert error == pytest.approx(1 / np.sqrt(100 + 25 + 25), rel=1e-3)
    assert quantile == pytest.approx(1.96, abs=0.01)
    assert "potential" not in joined.parts


def test_replicas_that_differ_widen_the_interval():
    values = np.array([0.0, 0.02, 1.0, 0.98])
    joined = conductivity.join(values, np.full(4, 0.05), np.ones((4, 1)),
                               {"disorder": np.array([0, 0, 1, 1]), "potential": np.zeros(4)})
    _, error, quantile = joined.contrast(np.ones(1))
    assert 0.45 < error < 0.75 and quantile > 10
    assert joined.parts["disorder"][0, 0] > 50 * joined.parts["sampling"][0, 0]


@pytest.mark.parametrize("slope", [None, np.arange(8.0)])
def test_a_source_that_the_regressors_explain_whole_adds_nothing(slope):
    """Each potential drove cells of one size alone: what potentials differ by, nothing tells."""
    values, errors = np.array([0.0, 0.1, -0.1, 0.05, 1.0, 1.1, 0.9, 1.05]), np.full(8, 0.1)
    large = np.repeat([0.0, 1.0], 4)
    regressors = np.stack([np.ones(8), large], axis=1)
    found = conductivity.join(values, errors, regressors,
                              {"potential": large, "one": np.zeros(8)}, slope)
    assert "potential" not in found.degrees or slope is not None
    value, error, _ = found.contrast(np.array([0.0, 1.0]))
    assert value == pytest.approx(1.0, abs=0.05) and np.isfinite(error) and error < 0.5


def test_variances_by_source_are_found_back():
    rng = np.random.default_rng(1)
    found = []
    for _ in range(30):
        replica, seed = np.repeat(np.arange(6), 5), np.tile(np.arange(5), 6)
        values = (rng.normal(0, 0.3, 6)[replica] + rng.normal(0, 0.1, 5)[seed]
                  + rng.normal(0, 0.05, 30))
        joined = conductivity.join(values, np.full(30, 0.05), np.ones((30, 1)),
                                   {"disorder": replica, "potential": seed})
        found.append([joined.parts[n][0, 0] for n in ("disorder", "potential", "sampling")])
    expected = [0.09 / 6, 0.01 / 5, 0.0025 / 30]
    np.testing.assert_allclose(np.mean(found, axis=0), expected, rtol=0.35)


def test_joined_intervals_hold_the_truth():
    rng = np.random.default_rng(2)
    held = 0
    for _ in range(100):
        replica = np.repeat(np.arange(5), 2)
        values = rng.normal(0, 0.2, 5)[replica] + rng.normal(0, 0.1, 10)
        _, low, high = conductivity.join(values, np.full(10, 0.1), np.ones((10, 1)), {
            "disorder": replica}).interval(np.ones(1))
        held += low <= 0 <= high
    assert 88 <= held <= 100


@pytest.mark.parametrize("members", [2, 4])
def test_members_may_differ_in_their_slope(members):
    rng, held = np.random.default_rng(4), 0
    replica, x = np.repeat(np.arange(members), 5), np.tile(np.linspace(-8, 8, 5), members)
    for _ in range(50):
        values = -0.3 * x + rng.normal(0, 0.02, members)[replica] * x + rng.normal(0, 0.1, len(x))
        _, low, high = conductivity.join(
            values, np.full(len(x), 0.1), np.stack([np.ones_like(x), -x], axis=1),
            {"disorder": replica, "potential": np.zeros(len(x))}, x).interval(np.array([0.0, 1.0]))
        held += low <= 0.3 <= high
    assert held >= 45


def test_a_melted_or_drifting_host_is_told(tmp_path):
    frames = 40
    drift = np.outer(np.arange(frames), [0.1, 0, 0])
    rng = np.random.default_rng(3)
    every = np.tile(rng.random((9, 3)) * 10, (3, 1, 1))
    every += drift[[0, 20, 39], None]
    every[2, 6:] += 3.0 * np.array([[1, 1, 1], [-1, -1, 0], [0, 0, -1]])  # chlorine leaves
    symbols = np.array(["Li"] * 4 + ["Ti"] * 2 + ["Cl"] * 3)
    members = {"time_ps": np.arange(frames) * 1.0, "cell_angstrom": np.eye(3) * 10.0,
               "mobile_angstrom": np.zeros((frames, 4, 3), np.float32),
               "host_centre_angstrom": drift, "mobile_symbol": np.array("Li"), "symbols": symbols,
               "all_time_ps": np.array([0.0, 20.0, 39.0]), "all_angstrom": every}
    held = trajectory.open_npz(trajectory.write_npz(tmp_path / "t.npz", members, {}))
    rows = {row["check"]: row for row in transport.host_checks(held, "u4_t298_r0", "m")}
    assert rows["host drift"]["value"] == pytest.approx(3.9) and not rows["host drift"]["passed"]
    assert rows["host melt"]["value"] == pytest.approx(9 * (3 + 2 + 1) / 3)
    assert not rows["host melt"]["passed"]
    one = Estimate("self", "xyz", 1.0, 0.5, 2.0, "cm2/s", 1, 2, 1, 0, 99, "walk", "diffusive")
    left = transport.without_number([one], "melted")[0]
    assert left.verdict == "unstable" and left.value is None and left.high_95 is None
    assert transport.without_number([one], "not_stationary")[0].verdict == "not_stationary"


@pytest.mark.parametrize("ended, verdict", [
    (("stable", "stable"), "diffusive"), (("stable", "not_stationary"), "not_stationary"),
    (("not_stationary", "not_stationary"), "not_stationary"), (("stable", "melted"), "unstable"),
    (("melted", "not_stationary"), "unstable"),
])
def test_species_together_give_no_number_where_one_gives_none(ended, verdict):
    """As one species alone: runs that are not stationary have a verdict of their own."""
    parts = [SimpleNamespace(
        curves=SimpleNamespace(coarse=np.ascontiguousarray(path.swapaxes(0, 1), np.float32),
                               coarse_ps=1.0),
        trajectory=SimpleNamespace(has_host=True), jump=motions.LENGTH, ended=end,
        found=[SimpleNamespace(hop_events=1600.0)])
        for path, end in zip(motions.alike(np.random.default_rng(3), 0), ended, strict=True)]
    found = species._combined(parts, (1.0, 1.0), 30, ("xyz",))
    assert {row.verdict for row in found} == {verdict}
    assert all((row.value is not None) == (verdict == "diffusive") for row in found)
