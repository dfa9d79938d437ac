"""The Haven ratio over temperatures."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from haven.report.numbers.haven_ratio import mean_ratios, mean_sentence

TEMPERATURES = (500.0, 600.0, 700.0, 750.0, 800.0)
KB_EV = 8.617333262e-5


def rows(rng, truth, errors, u_ev=0.0, apart=0.0, trend_ev=0.0):
    """Return ratios with intervals, around ``truth exp(-trend / kB (1/T - 1/650))``."""
    t = np.array(TEMPERATURES)
    logs = np.log(truth) - trend_ev / KB_EV * (1 / t - 1 / 650.0)
    logs = logs + rng.normal(0, apart, len(t)) + rng.normal(0, errors)
    return pd.DataFrame({
        "quantity": "haven_ratio", "u_ev": u_ev, "temperature_k": t, "value": np.exp(logs),
        "low_95": np.exp(logs - 1.959964 * np.array(errors)),
        "high_95": np.exp(logs + 1.959964 * np.array(errors))})


@pytest.mark.parametrize("apart", [0.0, 0.2])
def test_the_mean_holds_the_truth(apart):
    errors = (0.3, 0.1, 0.12, 0.1, 0.08)
    held, widths, values, false = [], [], [], []
    for seed in range(300):
        one, = mean_ratios(rows(np.random.default_rng([1, seed]), 0.7, errors, apart=apart))
        held.append(one.low_95 <= 0.7 <= one.high_95)
        values.append(np.log(one.value / 0.7))
        widths.append(np.log(one.high_95 / one.low_95) / 2)
        false.append(one.trend_p < 0.05)
        assert one.temperatures_k == TEMPERATURES
    print(np.mean(held), np.mean(values), np.median(widths), np.mean(false))
    assert 0.88 < np.mean(held) <= 0.99
    assert abs(np.mean(values)) < 0.03
    assert np.mean(false) < 0.12
    if not apart:  # errors of independent numbers
        best = 1.96 / np.sqrt(np.sum(1 / np.square(errors)))
        assert np.median(widths) == pytest.approx(best, rel=0.15)


def test_a_ratio_that_changes_with_temperature_has_no_mean():
    one, = mean_ratios(rows(np.random.default_rng(2), 0.7, [0.05] * 5, 4.0, trend_ev=0.1))
    assert one.trend_p < 0.001
    said = mean_sentence([one])
    assert "changes with temperature (U = 4 eV, 500 to 800 K, p = " in said and "[" not in said


def test_numbers_at_three_temperatures_are_needed_and_bounds_are_none():
    table = rows(np.random.default_rng(3), 0.7, [0.1] * 5)
    table.loc[:1, ["value", "low_95"]] = np.nan
    one, = mean_ratios(table)
    assert one.temperatures_k == (700.0, 750.0, 800.0)
    assert mean_sentence([one]).startswith("Mean over temperatures: 0.")
    table.loc[2, "low_95"] = 0.0
    assert mean_ratios(table) == [] and mean_sentence([]) == ""
    assert mean_ratios(table.iloc[:0]) == []
