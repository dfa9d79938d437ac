"""Intervals and quantiles by SciPy's special functions are those of scipy.stats."""

import numpy as np
import pytest
from scipy import stats

from haven.core import series
from haven.core.statistics import poisson_interval, share_interval


@pytest.mark.parametrize("hits, total", [(0, 1), (0, 7), (1, 1), (3, 7), (7, 7), (140, 1000)])
def test_the_interval_of_a_share_is_that_of_clopper_and_pearson(hits, total):
    ends = stats.binomtest(hits, total).proportion_ci(0.95, "exact")
    assert share_interval(hits, total) == pytest.approx((ends.low, ends.high), rel=1e-9)


def test_poisson_intervals_are_the_exact_ones():
    low, high = poisson_interval(np.array([0, 1, 10]))
    np.testing.assert_allclose(low, [0.0, 0.0253, 4.7954], atol=1e-4)
    np.testing.assert_allclose(high, [3.6889, 5.5716, 18.3904], atol=1e-4)
    np.testing.assert_allclose(high, stats.chi2.ppf(0.975, 2 * np.array([0, 1, 10]) + 2) / 2)


def test_a_mean_s_half_width_is_student_s():
    mean = series.Mean(1.0, 0.5, 7.5)
    assert mean.half_width() == pytest.approx(stats.t.ppf(0.975, 6.5) * 0.5)


def test_two_counts_are_compared_as_the_exact_binomial_test_does():
    for first in range(30):
        for second in range(0, 30, 3):
            total = first + second
            same = total == 0 or stats.binomtest(first, total, 0.5).pvalue > 0.05
            assert series.compare_counts(first, second) == same, (first, second)
