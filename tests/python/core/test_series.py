"""Means of correlated series with errors that hold, their stationary part, and their halves."""

from __future__ import annotations

import numpy as np
import pytest

from haven.core.series import (
    about_line,
    compare_alone,
    compare_counts,
    compare_halves,
    inefficiency,
    mean_of,
    stationary_start,
)


def correlated(rng, count, memory, runs=1):
    """Return autoregressive series (runs, count) of variance 1 and correlation memory**lag."""
    noise = rng.normal(size=(runs, count)) * np.sqrt(1 - memory**2)
    out = np.empty((runs, count))
    out[:, 0] = rng.normal(size=runs)
    for step in range(1, count):
        out[:, step] = memory * out[:, step - 1] + noise[:, step]
    return out


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.9])
def test_inefficiency_is_that_of_the_process(rng, memory):
    found = np.mean([inefficiency(one) for one in correlated(rng, 4000, memory, 20)])
    assert found == pytest.approx((1 + memory) / (1 - memory), rel=0.1)


@pytest.mark.parametrize(("memory", "count"), [(0.0, 50), (0.8, 200), (0.95, 1000)])
def test_the_interval_of_a_mean_holds_the_truth(rng, memory, count):
    held = [abs(found.value) <= found.half_width()
            for found in map(mean_of, correlated(rng, count, memory, 300))]
    assert 0.88 <= np.mean(held) <= 0.99


def test_a_swinging_series_counts_no_more_values_than_it_has(rng):
    found = mean_of(np.cos(np.arange(400) * 2.1) + rng.normal(size=400) * 0.1)
    assert found.effective <= 400 and found.error > 0


def test_few_or_equal_values_have_no_error_or_none():
    assert mean_of(np.array([1.0, 2.0, 3.0])).half_width() == np.inf
    assert mean_of(np.full(9, 2.0)).error == 0
    assert np.isnan(mean_of(np.empty(0)).value)


def test_the_beginning_that_relaxes_is_left_out(rng):
    series = correlated(rng, 400, 0.3)[0] + 12 * np.exp(-np.arange(400) / 30)
    assert 40 <= stationary_start(series) <= 200
    assert np.mean([stationary_start(one) for one in correlated(rng, 400, 0.3, 20)]) < 80


def test_stationary_halves_agree_and_a_trend_does_not(rng):
    flat = [compare_halves(one, 0.95).agree for one in correlated(rng, 400, 0.8, 200)]
    assert 0.88 <= np.mean(flat) <= 0.99
    slope = np.linspace(0, 4, 400)
    bent = [compare_halves(one + slope, 0.95).agree for one in correlated(rng, 400, 0.8, 50)]
    assert np.mean(bent) < 0.1
    assert compare_halves(np.array([1.0, 2.0])).bound == np.inf


@pytest.mark.parametrize(("count", "memory", "most"), [
    (16, 0.0, 0.01), (16, 0.6, 0.02), (500, 0.0, 0.01), (500, 0.8, 0.015), (500, 0.98, 0.035)])
def test_a_stationary_series_alone_is_seldom_called_not_so(rng, count, memory, most):
    """0.98 of 500 values: a half is five correlation times long, and shows too small an error."""
    series = correlated(rng, count, memory, 600)
    assert np.mean([not compare_alone(one, 1 - 0.01 / 3).agree for one in series]) <= most
    if memory >= 0.6 and memory != 0.8:
        before = np.mean([not compare_halves(one, 1 - 0.01 / 3).agree for one in series[:300]])
        assert before > 2 * most


@pytest.mark.parametrize(("count", "memory", "rise", "least"), [
    (500, 0.0, 1, 0.9), (500, 0.8, 4, 0.9), (16, 0.0, 6, 0.45)])
def test_a_trend_of_a_series_alone_is_found(rng, count, memory, rise, least):
    series = correlated(rng, count, memory, 100) + np.linspace(0, rise, count)
    assert np.mean([not compare_alone(one, 1 - 0.01 / 3).agree for one in series]) > least


def test_a_series_of_few_independent_values_is_too_short_to_tell(rng):
    slow = [compare_alone(one) for one in correlated(rng, 500, 0.998, 50)]
    assert np.mean([one.bound == np.inf for one in slow]) > 0.7
    assert all(compare_alone(one).bound < np.inf for one in correlated(rng, 500, 0.5, 50))
    short = compare_alone(np.array([1.0, 2.0, 3.0, 9.0]))
    assert short.difference == 4.5 and short.bound == np.inf and short.agree
    assert np.isnan(compare_alone(np.empty(0)).difference)


def test_a_line_is_no_fluctuation_and_what_it_takes_is_given_back(rng):
    assert about_line(np.linspace(3, 8, 50)) == (0.0, 1.0)
    found = np.array([about_line(one) for one in correlated(rng, 400, 0.8, 200)])
    assert np.median(found, axis=0) == pytest.approx([1, 9], rel=0.2)
    tilted = [about_line(one + np.linspace(0, 5, 400)) for one in correlated(rng, 400, 0.8, 200)]
    assert np.median(tilted, axis=0) == pytest.approx([1, 9], rel=0.2)


def test_counts_of_one_rate_agree(rng):
    pairs = rng.poisson(20, size=(200, 2))
    assert 0.9 <= np.mean([compare_counts(int(a), int(b)) for a, b in pairs]) <= 1.0
    assert not compare_counts(60, 20) and compare_counts(60, 20, 0.95, 6.0)
    assert compare_counts(0, 0) and compare_counts(3, 0)
