"""Runs of one condition judged together: powers and hops add."""

from __future__ import annotations

import numpy as np
import pytest
import walks

from haven.transport import diffusion
from haven.transport.estimators import modes as sines
from haven.transport.fits.condition import Condition, Seen
from haven.transport.hop_counts import count_hops

LENGTH = 3.0


def measured(path):
    """Return modes, jumps and length in ps of a path (frames, ions, 3), one frame a ps."""
    coarse = np.ascontiguousarray(path.swapaxes(0, 1), dtype=np.float32)
    return sines.modes(coarse, 1.0, 2000, 400), count_hops(coarse, 1.0, LENGTH), float(len(path))


def together(runs):
    """Return the estimates of several runs (modes, jumps, length) as of one."""
    held = sines.joined([modes for modes, _, _ in runs], [length for *_, length in runs])
    hops = sum(hops for _, hops, _ in runs)
    ions = [modes.ions for modes, _, _ in runs]
    length = np.average([length for *_, length in runs], weights=ions)
    run = diffusion.describe(held, length, hops, LENGTH)
    return diffusion.coefficients(held, "xyz", run, np.random.default_rng(0), hops)


def test_joined_modes_have_the_moments_of_all_ions():
    rng = np.random.default_rng(1)
    paths = [walks.lattice_walk(rng, ions, 200, 0.3) for ions in (20, 30)]
    parts = [measured(path)[0] for path in paths]
    whole, held = measured(np.concatenate(paths, axis=1))[0], sines.joined(parts, [200.0, 200.0])
    assert held.ions == 50 and held.sums == 2 and whole.sums == 1
    np.testing.assert_allclose(held.mean, whole.mean, rtol=1e-6)
    np.testing.assert_allclose(held.spread, whole.spread, rtol=1e-6)
    np.testing.assert_allclose(held.values, whole.values, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(held.total, np.mean([p.path[0] ** 2 for p in parts], axis=0))
    line = np.array([[0.6, 0.8, 0.0]])
    np.testing.assert_allclose(
        held.along(line).total, sines.joined([p.along(line) for p in parts], [1, 1]).total)


@pytest.mark.parametrize("lengths", [(400, 600, 1000), (300, 450, 300), (500, 510, 505)])
def test_runs_of_different_lengths_are_joined_at_the_same_frequencies(lengths):
    rng = np.random.default_rng(2)
    runs = [measured(walks.lattice_walk(rng, 60, frames, 0.2) + rng.normal(0, 0.3, (frames, 60, 3)))
            for frames in lengths]
    held = sines.joined([modes for modes, _, _ in runs], [length for *_, length in runs])
    assert held.count <= min(lengths) and held.ions == 180
    true = 0.2 * LENGTH**2 / 6
    low = held.mean[:20].mean() / 2
    assert low == pytest.approx(true, rel=0.08)
    tracer, whole = together(runs)[:2]
    assert tracer.low_95 <= true * 1e-4 <= tracer.high_95
    assert whole.low_95 <= true * 1e-4 <= whole.high_95


@pytest.mark.parametrize("ended, verdict", [
    (("not_stationary", "not_stationary"), "not_stationary"),
    (("not_stationary", "melted"), "unstable"), (("exploded",), "unstable")])
def test_a_condition_without_runs_says_what_ails_them(ended, verdict):
    none = Condition({"seed": None}, Seen(), "", [], {}, ended)
    assert none.verdict_on("self") == verdict


def test_ten_runs_of_twenty_jumps_are_one_of_two_hundred():
    rng = np.random.default_rng(3)
    path = walks.lattice_walk(rng, 480, 500, 20 / 48 / 500)
    runs = [measured(one) for one in np.split(path, 10, axis=1)]
    alone = [diffusion.describe(modes, length, hops, LENGTH).verdict
             for modes, hops, length in runs]
    assert alone.count("too_few_events") >= 8
    tracer = together(runs)[0]
    assert tracer.verdict == "diffusive" and tracer.value is not None
    assert tracer.high_95 - tracer.low_95 < 0.5 * tracer.value


@pytest.mark.slow
def test_pooled_interval_of_eight_runs_of_twenty_jumps_holds_in_90_to_99_of_100(capsys):
    rng, true, studies = np.random.default_rng(4), 20 / 48 / 500 * LENGTH**2 / 6 * 1e-4, 60
    found = []
    for _ in range(studies):
        path = walks.lattice_walk(rng, 8 * 48, 500, 20 / 48 / 500)
        path += rng.normal(0, 0.3, path.shape)
        found.append(together([measured(one) for one in np.split(path, 8, axis=1)])[0])
    numbers = [row for row in found if row.value is not None]
    held = np.mean([row.low_95 <= true <= row.high_95 for row in numbers])
    median = np.median([row.value for row in numbers]) / true
    with capsys.disabled():
        print(f"\n{len(numbers)} of {studies}: {held:.1%} hold the truth, median {median:.3f}")
    assert len(numbers) >= 0.9 * studies and held >= 0.9 and abs(median - 1) < 0.03
