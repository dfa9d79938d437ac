"""The report says whether values of U are compared at equal pressure."""

from __future__ import annotations

import pandas as pd
import pytest

from haven.report.numbers.pressure import UNKNOWN, pressure_sentence
from haven.report.page.grids.transport import paired_grid


def runs(*told):
    """Return a table ``runs`` of (U, temperature, pressure, its error)."""
    names = ("u_ev", "temperature_k", "pressure_gpa", "pressure_error_gpa")
    return pd.DataFrame([dict(zip(names, one, strict=True)) for one in told], columns=list(names))


@pytest.mark.parametrize(("told", "said"), [
    ([(0.0, 600.0, 0.03, 0.02), (4.0, 600.0, -0.05, 0.02)],
     "compared at equal pressure: mean pressures differ by at most 0.08 ± 0.03 GPa (at 600 K)"),
    ([(0.0, 600.0, 1.5, 0.02), (4.0, 600.0, 1.9, 0.02)],
     "not compared at equal pressure: at 600 K 1.50 GPa at U = 0 eV, 1.90 GPa at U = 4 eV"),
    ([(0.0, 600.0, 1.5, 0.2), (4.0, 600.0, 1.9, 0.2)], "are compared at equal pressure"),
    # equal at one temperature is not equal
    ([(0.0, 600.0, 0.0, 0.02), (4.0, 600.0, 0.0, 0.02), (0.0, 700.0, 0.0, 0.02),
      (4.0, 700.0, 0.9, 0.02)], "not compared at equal pressure: at 700 K"),
    # replicas of one U and temperature count as their mean
    ([(0.0, 600.0, 0.2, 0.02), (0.0, 600.0, -0.2, 0.02), (4.0, 600.0, 0.01, 0.02)],
     "differ by at most 0.01"),
    ([(0.0, 600.0, None, None), (4.0, 600.0, 0.0, 0.02)], UNKNOWN),
    ([(0.0, 600.0, float("nan"), 0.1), (4.0, 600.0, 0.0, 0.02)], UNKNOWN),
])
def test_pressures_of_two_u_are_compared(told, said):
    assert said in pressure_sentence(runs(*told))


@pytest.mark.parametrize("told", [
    [], [(4.0, 600.0, 0.0, 0.1)], [(0.0, 600.0, 0.0, 0.1), (4.0, 700.0, 0.0, 0.1)]])
def test_where_no_two_u_meet_nothing_is_said(told):
    assert pressure_sentence(runs(*told)) == ""


def test_the_table_of_differences_says_it():
    row = {"material": "m", "contrast": "hubbard_u", "first": 0.0, "second": 4.0,
           "quantity": "d_self", "temperature_k": 600.0, "pairs": 2, "unit": "ln ratio",
           "difference": 0.1, "low_95": -0.1, "high_95": 0.3, "p_value": 0.3}
    of_u = {"paired": pd.DataFrame([row]),
            "runs": runs((0.0, 600.0, 1.5, 0.02), (4.0, 600.0, 1.9, 0.02))}
    block = paired_grid(of_u)
    assert block is not None and "not compared at equal pressure" in block["caption"]
    of_size = {**of_u, "paired": pd.DataFrame([row | {"contrast": "cell_size"}])}
    block = paired_grid(of_size)
    assert block is not None and "pressure" not in block["caption"]
