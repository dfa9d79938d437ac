"""Comparisons of runs in pairs: one U with another, small with large cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from haven.core.constants import BOLTZMANN_EV_PER_K as KB_EV
from haven.core.constants import Z95
from haven.transport.conductivity import Joined
from haven.transport.fits.arrhenius import FEWEST_TEMPERATURES, join_runs
from haven.transport.fits.condition import Condition
from haven.transport.fits.line import added
from haven.transport.fits.standing import ACTIVATION

if TYPE_CHECKING:
    import pandas as pd


def paired(
    runs: pd.DataFrame, quantity: str, joined: Sequence[Condition] = (),
    lines: Mapping[float, Joined] | None = None,
) -> list[dict[str, Any]]:
    """Compare the two outermost U of one material: same temperature, replica and seed in pairs.

    Seeds are numbered from each U's lowest, since potentials of different U correspond only by
    their order. Where not every run has a number, joined conditions and fitted lines are compared
    instead; differences between replicas, which are common to both U, then remain in the interval.

    Parameters
    ----------
    runs
        Rows of `haven.transport.fits.arrhenius.gather` of one quantity and material, all U.
    quantity
        Their quantity.
    joined
        Joined conditions of the material.
    lines
        U to its Arrhenius line (value at 298 K, activation energy).

    Returns
    -------
    list
        Rows of table ``paired`` but for the material: one a temperature (difference of logarithms)
        and one for the activation energy (eV), the higher U minus the lower.
    """
    runs = runs.assign(seed=runs.groupby("u_ev")["seed"].rank(method="dense"))
    levels = sorted(float(u) for u in runs["u_ev"].unique())
    if len(levels) < 2:
        return []
    start = {"contrast": "hubbard_u", "first": levels[0], "second": levels[-1]}
    rows, slopes = [], []
    for temperature, some in runs.groupby("temperature_k"):
        both = _pairs(some, levels)
        if len(both) and (some["good"].all() or not joined):
            found = join_runs(both, both["log"].to_numpy(float), np.ones((len(both), 1)))
            slopes.append(both)
        elif (between := _conditions(joined, quantity, levels, float(temperature))) is not None:
            found = between
        else:
            continue
        rows.append({**start, "quantity": quantity, "temperature_k": temperature,
                     "pairs": _counted_pairs(some, levels), "unit": "ln ratio",
                     **_tested(found, np.ones(1))})
    energy = _energies(runs, slopes, lines or {}, levels)
    if energy is not None:
        pairs, found, row = energy
        rows.append({**start, "quantity": f"{ACTIVATION}{quantity}", "temperature_k": None,
                     "pairs": pairs, "unit": "eV", **_tested(found, row)})
    return rows


def _pairs(some: pd.DataFrame, levels: list[float]) -> pd.DataFrame:
    """Return the pairs of runs with numbers at both U: difference of logarithms, its error."""
    keys = ["temperature_k", "replica", "seed"]
    good = some[some["good"]]
    low, high = (good[good["u_ev"] == u] for u in (levels[0], levels[-1]))
    both = low.merge(high, on=keys, suffixes=("_low", "_high"))
    return both.assign(error=np.hypot(both["error_low"], both["error_high"]),
                       log=both["log_high"] - both["log_low"])


def _counted_pairs(some: pd.DataFrame, levels: list[float]) -> int:
    keys = ["replica", "seed"]
    low, high = (some.loc[some["u_ev"] == u, keys] for u in (levels[0], levels[-1]))
    return len(low.merge(high, on=keys))


def _conditions(
    joined: Sequence[Condition], quantity: str, levels: list[float], temperature: float,
) -> Joined | None:
    """Return the difference of the logarithms of two joined conditions, both with a number."""
    ends = []
    for u_ev in (levels[0], levels[-1]):
        place = {"u_ev": u_ev, "temperature_k": temperature, "seed": None}
        one = next((one for one in joined if one.keys | place == one.keys), None)
        rows = [] if one is None else [row for row in one.estimates
                                       if row.quantity == quantity.partition("_")[2]]
        if not rows or one is None or not (rows[0].value and rows[0].low_95 and rows[0].high_95):
            return None
        scale = one.siemens if quantity.startswith("sigma") else 1.0
        ends.append((np.log(rows[0].value * scale),
                     np.log(rows[0].high_95 / rows[0].low_95) / (2 * Z95)))
    (low, first), (high, second) = ends
    variance = np.array([[first**2 + second**2]])
    return Joined(np.array([high - low]), {"sampling": variance}, {"sampling": np.inf})


def _energies(
    runs: pd.DataFrame, slopes: list[pd.DataFrame], lines: Mapping[float, Joined],
    levels: list[float],
) -> tuple[int, Joined, np.ndarray] | None:
    """Return pairs, fit and contrast of the difference of activation energies, if there is one."""
    import pandas as pd

    if len(slopes) >= FEWEST_TEMPERATURES and (runs["good"].all() or not lines):
        both = pd.concat(slopes, ignore_index=True)
        x = 1.0 / (KB_EV * both["temperature_k"].to_numpy(float))
        found = join_runs(both, both["log"].to_numpy(float),
                          np.stack([np.ones_like(x), -(x - x.mean())], axis=1), x)
        return len(both), found, np.array([0.0, 1.0])
    if levels[0] not in lines or levels[-1] not in lines:
        return None
    low, high = lines[levels[0]], lines[levels[-1]]
    turned = Joined(-low.beta, low.parts, low.degrees)
    pairs = sum(_counted_pairs(some, levels) for _, some in runs.groupby("temperature_k"))
    return pairs, added(high, turned), np.array([0.0, 1.0])


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
    value, low, high = joined.interval(row)
    return {"difference": value, "low_95": low, "high_95": high, "p_value": joined.p_value(row)}
