"""What is compared in pairs: U with U, small with large cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from haven.transport.arrhenius import FEWEST_TEMPERATURES, KB_EV, Z95, join_runs
from haven.transport.conductivity import Joined

if TYPE_CHECKING:
    import pandas as pd


def paired(runs: pd.DataFrame, quantity: str) -> list[dict[str, Any]]:
    """Compare the two outermost U of one material: same temperature, replica and seed in pairs.

    Seeds count from each U's lowest: potentials of two U share nothing but their place.

    Returns
    -------
    list
        Rows of table ``paired`` but for the material: one a temperature (difference of logarithms)
        and one for the activation energy (eV), the higher U minus the lower.
    """
    runs = runs.assign(seed=runs.groupby("u_ev")["seed"].rank(method="dense"))
    good = runs[runs["good"]]
    levels = sorted(good["u_ev"].unique())
    if len(levels) < 2:
        return []
    keys = ["temperature_k", "replica", "seed"]
    low, high = (good[good["u_ev"] == u] for u in (levels[0], levels[-1]))
    both = low.merge(high, on=keys, suffixes=("_low", "_high"))
    if both.empty:
        return []
    both["error"] = np.hypot(both["error_low"], both["error_high"])
    both["log"] = both["log_high"] - both["log_low"]
    start = {"contrast": "hubbard_u", "first": levels[0], "second": levels[-1]}
    rows = []
    for temperature, some in both.groupby("temperature_k"):
        joined = join_runs(some, some["log"].to_numpy(float), np.ones((len(some), 1)))
        rows.append({**start, "quantity": quantity, "temperature_k": temperature,
                     "pairs": len(some), "unit": "ln ratio", **_tested(joined, np.ones(1))})
    if both["temperature_k"].nunique() >= FEWEST_TEMPERATURES:
        x = 1.0 / (KB_EV * both["temperature_k"].to_numpy(float))
        joined = join_runs(both, both["log"].to_numpy(float),
                       np.stack([np.ones_like(x), -(x - x.mean())], axis=1), x)
        rows.append({**start, "quantity": f"activation of {quantity}", "temperature_k": None,
                     "pairs": len(both), "unit": "eV", **_tested(joined, np.array([0.0, 1.0]))})
    return rows


def sizes(runs: pd.DataFrame, quantity: str) -> list[dict[str, Any]]:
    """Compare the smallest and the largest cell of one material and U at each temperature."""
    rows = []
    good = runs[runs["good"] & runs["ions"].notna()] if "ions" in runs else runs.iloc[:0]
    for temperature, some in good.groupby("temperature_k"):
        counts = sorted(some["ions"].unique())
        if len(counts) < 2:
            continue
        some = some[some["ions"].isin([counts[0], counts[-1]])]
        large = (some["ions"] == counts[-1]).to_numpy(float)
        joined = join_runs(some, some["log"].to_numpy(float),
                       np.stack([np.ones(len(some)), large], axis=1))
        rows.append({"contrast": "cell_size", "first": float(counts[0]),
                     "second": float(counts[-1]), "quantity": quantity,
                     "temperature_k": temperature, "pairs": len(some), "unit": "ln ratio",
                     **_tested(joined, np.array([0.0, 1.0]))})
    return rows


def _tested(joined: Joined, row: np.ndarray) -> dict[str, float]:
    from scipy.special import ndtr

    value, error, quantile = joined.contrast(row)
    return {"difference": value, "low_95": value - quantile * error,
            "high_95": value + quantile * error,
            "p_value": float(2 * ndtr(-abs(value) / (error * quantile / Z95)))}
