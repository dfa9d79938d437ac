"""Arrhenius fits over runs, U against U in pairs, and the budget of the error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from haven.transport.conductivity import Z95, Joined, join

if TYPE_CHECKING:
    import pandas as pd

KB_EV = 8.617333262e-5
MEMBERS = ("disorder", "potential")
REFERENCE_K = 298.0
NEAR_K = 2.0
FEWEST_TEMPERATURES = 3
SEVERITY = ("diffusive", "subdiffusive", "too_few_events", "no_host", "drifting",
            "unstable")
QUANTITIES = ("sigma_total", "sigma_self", "d_total", "d_self")
FORMS = {True: "ln(sigma T) = ln(A) - Ea / (kB T)", False: "ln(D) = ln(D0) - Ea / (kB T)"}


def gather(diffusion: pd.DataFrame, conductivity: pd.DataFrame) -> pd.DataFrame:
    """Return one row a run and quantity: ``log`` of the value, its ``error``, verdict and keys.

    Parameters
    ----------
    diffusion, conductivity
        Tables of all runs.
    """
    import pandas as pd

    chosen = diffusion[(diffusion["axis"] == "xyz") & diffusion["quantity"].isin(["self", "total"])]
    first = chosen.assign(quantity="d_" + chosen["quantity"])
    second = conductivity.rename(columns={"value_ms_per_cm": "value"})
    keys = ["material", "u_ev", "temperature_k", "replica", "seed"]
    extra = diffusion[(diffusion["axis"] == "xyz") & (diffusion["quantity"] == "self")]
    extra = extra[[*keys, *(c for c in ("hop_events", "ions", "duration_ps") if c in extra)]]
    columns = [*keys, "quantity", "value", "low_95", "high_95", "verdict"]
    runs = pd.concat([first[columns], second[columns]], ignore_index=True)
    runs = runs.merge(extra.drop_duplicates(keys), on=keys, how="left")
    for name in ("value", "low_95", "high_95"):
        runs[name] = pd.to_numeric(runs[name])
    good = (runs["verdict"] == "diffusive") & (runs["low_95"] > 0) & (runs["high_95"] > 0)
    runs["good"] = good
    with np.errstate(all="ignore"):
        runs["log"] = np.where(good, np.log(runs["value"].where(good)), np.nan)
        runs["error"] = np.where(
            good, np.log(runs["high_95"].where(good) / runs["low_95"].where(good)) / (2 * Z95),
            np.nan)
    return runs


def usable(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the runs with numbers, at temperatures where at least half of the runs have one.

    A few fast runs among many that are not diffusive yet would overestimate a temperature.
    """
    share = runs.groupby("temperature_k")["good"].transform("mean")
    return runs[runs["good"] & (share >= 0.5)]


def _join(
    runs: pd.DataFrame, values: np.ndarray, regressors: np.ndarray, slope: np.ndarray | None = None,
) -> Joined:
    return join(values, runs["error"].to_numpy(float), regressors,
                {"disorder": runs["replica"].to_numpy(), "potential": runs["seed"].to_numpy()},
                slope)


def fit(runs: pd.DataFrame, quantity: str) -> tuple[dict[str, Any], Joined | None]:
    """Fit one quantity of one material and U against 1/T.

    A conductivity is fitted as sigma T, to which the Nernst-Einstein relation gives the activation
    energy of D. Where sigma itself is fitted, as many papers do, the slope is about kB T less.

    Returns
    -------
    tuple
        The row of table ``arrhenius`` but for its keys, and the regression (None without a fit).
    """
    conductive = quantity.startswith("sigma")
    kept = usable(runs)
    temperatures = kept["temperature_k"].nunique()
    row: dict[str, Any] = {"quantity": quantity, "temperatures": temperatures,
                           "form": FORMS[conductive]}
    if conductive:
        row |= _direct(kept)
    if temperatures < FEWEST_TEMPERATURES:
        left_out = runs.loc[~runs["good"], "verdict"]
        worst = max(left_out, key=lambda v: SEVERITY.index(v) if v in SEVERITY else 9, default="")
        return row | {"verdict": worst or "too_few_temperatures"}, None
    t = kept["temperature_k"].to_numpy(float)
    x = 1.0 / (KB_EV * t) - 1.0 / (KB_EV * REFERENCE_K)
    logs, line = kept["log"].to_numpy(float), np.stack([np.ones_like(x), -x], axis=1)
    y = logs + (np.log(t) if conductive else 0.0)
    joined = _join(kept, y, line, x)
    shift = 1.0 / (KB_EV * REFERENCE_K)
    for name, contrast, change in (
        ("activation", np.array([0.0, 1.0]), lambda v: v),
        ("prefactor", np.array([1.0, shift]), np.exp),
        ("sigma_298", np.array([1.0, 0.0]), lambda v: np.exp(v) / REFERENCE_K),
    ):
        if name == "sigma_298" and not conductive:
            continue
        value, low, high = (float(change(v)) for v in joined.interval(contrast))
        full = {"activation": "activation_ev", "sigma_298": "sigma_298_ms_per_cm"}.get(name, name)
        row |= {full: value, f"{name}_low_95": low, f"{name}_high_95": high}
    if conductive:
        ends = _join(kept, logs, line, x).interval(np.array([0.0, 1.0]))
        names = ("activation_sigma_ev", "activation_sigma_low_95", "activation_sigma_high_95")
        row |= {name: float(value) for name, value in zip(names, ends, strict=True)}
    row |= {"curvature_p": _curvature(kept, x, y), "verdict": "diffusive"}
    return row, joined


def _direct(kept: pd.DataFrame) -> dict[str, float]:
    near = kept[(kept["temperature_k"] - REFERENCE_K).abs() <= NEAR_K]
    if near.empty:
        return {}
    value, low, high = np.exp(_join(near, near["log"].to_numpy(float), np.ones((len(near), 1)))
                              .interval(np.ones(1)))
    return {"sigma_298_direct_ms_per_cm": float(value), "sigma_298_direct_low_95": float(low),
            "sigma_298_direct_high_95": float(high)}


def _curvature(kept: pd.DataFrame, x: np.ndarray, y: np.ndarray) -> float | None:
    """Return the p value of a quadratic term in 1/T; None with fewer than four temperatures."""
    from scipy.special import ndtr

    if len(np.unique(x)) < 4:
        return None
    u = (x - x.mean()) / x.std()
    joined = _join(kept, y, np.stack([np.ones_like(u), u, u**2], axis=1), u)
    value, error, quantile = joined.contrast(np.array([0.0, 0.0, 1.0]))
    return float(2 * ndtr(-abs(value) / (error * quantile / Z95)))


def budget(joined: Joined, row: np.ndarray, keys: dict[str, Any]) -> list[dict[str, Any]]:
    """Return rows of table ``error_budget``: standard error of a contrast by source.

    What a few members differ by is itself known roughly: the interval says how roughly.
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
            joined = _join(some, some["log"].to_numpy(float), np.ones((len(some), 1)))
            rows += budget(joined, np.ones(1), {
                **keys, "quantity": f"{quantity} at {temperature:g} K", "unit": "ln"})
    return rows


def extrapolation(joined: Joined, kept: pd.DataFrame, keys: dict[str, Any]) -> dict[str, Any]:
    """Return the row of ``error_budget`` for carrying the line from the data's centre to 298 K."""
    centre = np.mean(1.0 / (KB_EV * kept["temperature_k"])) - 1.0 / (KB_EV * REFERENCE_K)
    _, there, _ = joined.contrast(np.array([1.0, 0.0]))
    _, here, _ = joined.contrast(np.array([1.0, -float(centre)]))
    error = max(0.0, there**2 - here**2) ** 0.5
    return {**keys, "source": "extrapolation", "standard_error": error,
            "share": (error / there) ** 2 if there else None}


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
        joined = _join(some, some["log"].to_numpy(float), np.ones((len(some), 1)))
        rows.append({**start, "quantity": quantity, "temperature_k": temperature,
                     "pairs": len(some), "unit": "ln ratio", **_tested(joined, np.ones(1))})
    if both["temperature_k"].nunique() >= FEWEST_TEMPERATURES:
        x = 1.0 / (KB_EV * both["temperature_k"].to_numpy(float))
        joined = _join(both, both["log"].to_numpy(float),
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
        joined = _join(some, some["log"].to_numpy(float),
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
