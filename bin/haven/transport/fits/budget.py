"""Where the error of a fitted number comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from haven.core.constants import BOLTZMANN_EV_PER_K as KB_EV
from haven.transport.conductivity import Joined
from haven.transport.fits.arrhenius import REFERENCE_K, join_runs

if TYPE_CHECKING:
    import pandas as pd

MEMBERS = ("disorder", "potential")


def budget(joined: Joined, row: np.ndarray, keys: dict[str, Any]) -> list[dict[str, Any]]:
    """Return rows of table ``error_budget``: standard error of a contrast by source.

    The variance of a source with few members is itself known only roughly; its interval is in the
    row.

    Parameters
    ----------
    joined
        Runs joined by `haven.transport.conductivity.join`.
    row
        Weights of the P coefficients, (P,); errors have the units of what they make.
    keys
        Columns that all rows have: material, U, quantity, unit.
    """
    variance, degrees = joined.freedom(row)
    known = {source: (max(0.0, float(row @ part @ row)), joined.degrees[source])
             for source, part in joined.parts.items()}
    known["total"] = variance, degrees
    rows = []
    for source in ("sampling", "disorder", "potential", "extra", "total"):
        part, degrees = known.get(source, (None, np.inf))
        low, high = _ends(part, degrees)
        members = round(degrees) + 1 if part is not None and source in MEMBERS else None
        rows.append({**keys, "source": source, "members": members, "low_95": low, "high_95": high,
                     "standard_error": None if part is None else part**0.5,
                     "share": None if part is None or variance == 0 else part / variance})
    return rows


def _ends(variance: float | None, degrees: float) -> tuple[float | None, float | None]:
    """Return the 95 % interval of a standard error with so many degrees of freedom, if any."""
    from scipy.special import chdtri

    if not variance or not np.isfinite(degrees):
        return None, None
    low, high = (float((variance * degrees / chdtri(degrees, p)) ** 0.5) for p in (0.025, 0.975))
    return low, high


def at_temperatures(runs: pd.DataFrame, quantity: str, keys: dict[str, Any]) -> list[dict]:
    """Return rows of ``error_budget`` for one quantity at each temperature all runs of which count.

    Parameters
    ----------
    runs
        Rows of `gather` of one quantity, material and U.
    quantity
        Their quantity.
    keys
        Of the rows.
    """
    rows = []
    for temperature, some in runs.groupby("temperature_k"):
        if some["good"].all() and len(some) > 1:
            joined = join_runs(some, some["log"].to_numpy(float), np.ones((len(some), 1)))
            rows += budget(joined, np.ones(1), {
                **keys, "quantity": f"{quantity} at {temperature:g} K", "unit": "ln"})
    return rows


def extrapolation(joined: Joined, kept: pd.DataFrame, keys: dict[str, Any]) -> dict[str, Any]:
    """Return the row of ``error_budget`` on extrapolating from the data's centre to 298 K."""
    centre = np.mean(1.0 / (KB_EV * kept["temperature_k"])) - 1.0 / (KB_EV * REFERENCE_K)
    _, there, _ = joined.contrast(np.array([1.0, 0.0]))
    _, here, _ = joined.contrast(np.array([1.0, -float(centre)]))
    error = max(0.0, there**2 - here**2) ** 0.5
    return {**keys, "source": "extrapolation", "standard_error": error,
            "share": (error / there) ** 2 if there else None}
