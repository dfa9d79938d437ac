"""Arrhenius lines of all runs together: activation energy, prefactor, conductivity at 298 K."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from haven.core.constants import BOLTZMANN_EV_PER_K as KB_EV
from haven.core.constants import NOT_STATIONARY, SEVERITY, Z95
from haven.core.numbers import count_of
from haven.transport.conductivity import Joined, join
from haven.transport.fits import line as likelihood
from haven.transport.fits.condition import KEYS, Condition
from haven.transport.fits.standing import (
    AT_A_TEMPERATURE,
    FEWEST_TEMPERATURES,
    known_to,
    not_diffusive_text,
    standing_of,
    temperatures_text,
)

if TYPE_CHECKING:
    import pandas as pd

REFERENCE_K = 298.0
NEAR_K = 2.0  # runs within this of 298 K give a conductivity there, moved along the line
AS_IT_IS_K = 0.5  # and within this without a line: sigma changes by up to 2 %
FEWEST_JUMPS = 30  # of all runs together: their number alone leaves an error of 18 %
# Verdicts of runs that are not to be counted.
WITHOUT_NUMBER = ("unstable", "drifting", NOT_STATIONARY)
# Verdicts of a whole temperature that keep it from the line.
NOT_DIFFUSIVE = ("subdiffusive", *WITHOUT_NUMBER)
QUANTITIES = ("sigma_total", "sigma_self", "d_total", "d_self")
VALUES = {"activation": "activation_ev", "sigma_298": "sigma_298_ms_per_cm",
          "d_298": "d_298_cm2_per_s"}
FORMS = {True: "ln(sigma T) = ln(A) - Ea / (kB T)", False: "ln(D) = ln(D0) - Ea / (kB T)"}


def gather(diffusion: pd.DataFrame, conductivity: pd.DataFrame) -> pd.DataFrame:
    """Return one row a run and quantity.

    Parameters
    ----------
    diffusion, conductivity
        Tables of all runs, of one mobile species each material.

    Returns
    -------
    pandas.DataFrame
        Keys, value, low_95, high_95, verdict; ``log`` of the value and its ``error`` where it is
        ``good``; ``hop_events``; ``exposure``, ions times the time in which their jumps are seen,
        ps; ``siemens``, the conductivity in mS/cm of a diffusion coefficient of 1 cm2/s.
    """
    import pandas as pd

    chosen = diffusion[(diffusion["axis"] == "xyz") & diffusion["quantity"].isin(["self", "total"])]
    first = chosen.assign(quantity="d_" + chosen["quantity"])
    second = conductivity.rename(columns={"value_ms_per_cm": "value"})
    keys: list[str] = list(KEYS)
    columns = [*keys, "quantity", "value", "low_95", "high_95", "verdict"]
    runs = pd.concat([first[columns], second[columns]], ignore_index=True)
    for name in ("value", "low_95", "high_95"):
        runs[name] = pd.to_numeric(runs[name])
    runs = runs.merge(_seen(diffusion), on=keys, how="left")
    runs = runs.merge(_siemens(runs, keys), on=keys, how="left")
    good = (runs["verdict"] == "diffusive") & (runs["low_95"] > 0) & (runs["high_95"] > 0)
    runs["good"] = good
    with np.errstate(all="ignore"):
        runs["log"] = np.where(good, np.log(runs["value"].where(good)), np.nan)
        runs["error"] = np.where(
            good, np.log(runs["high_95"].where(good) / runs["low_95"].where(good)) / (2 * Z95),
            np.nan)
    return runs


def _seen(diffusion: pd.DataFrame) -> pd.DataFrame:
    """Return keys, jumps, ions, duration_ps and exposure (ion ps) of each run."""
    import pandas as pd

    keys = list(KEYS)
    rows = diffusion[(diffusion["axis"] == "xyz") & (diffusion["quantity"] == "self")]
    rows = rows.drop_duplicates(keys)
    numbers = {name: pd.to_numeric(rows[name]) if name in rows else np.nan
               for name in ("hop_events", "ions", "duration_ps", "watched_ps")}
    found = rows[keys].assign(**numbers)
    watched = found["watched_ps"].fillna(found["duration_ps"])
    return found.assign(exposure=found["ions"] * watched).drop(columns="watched_ps")


def _siemens(runs: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Return keys and conductivity over diffusion coefficient, from value or bound, of each run."""
    sides = [runs[runs["quantity"] == name].drop_duplicates(keys).set_index(keys)
             for name in ("sigma_self", "d_self")]
    sigma, d = (side["value"].fillna(side["high_95"]) for side in sides)
    return (sigma / d).rename("siemens").reset_index()


def join_runs(
    runs: pd.DataFrame, values: np.ndarray, regressors: np.ndarray, slope: np.ndarray | None = None,
) -> Joined:
    """Regress values of runs (R,) on regressors (R, P); see `haven.transport.conductivity.join`."""
    return join(values, runs["error"].to_numpy(float), regressors, _groups(runs), slope)


def _groups(runs: pd.DataFrame) -> dict[str, np.ndarray]:
    return {"disorder": runs["replica"].to_numpy(), "potential": runs["seed"].to_numpy()}


def counted(
    runs: pd.DataFrame, joined: Sequence[Condition] = (),
) -> tuple[pd.DataFrame, list[str]]:
    """Return the runs that a line is fitted to, and what is left out, in words.

    All runs count, also those with few jumps or none. Left out are runs that melted, drifted or are
    not stationary, those whose jumps were not counted, and temperatures at which all runs together
    are not diffusive, since most jumps there are followed by a jump back. Where fewer than three
    temperatures are known to be diffusive, the others are kept: the line is then one of the jump
    rate, and the report says so.

    Parameters
    ----------
    runs
        Rows of `gather` of one quantity, material and U.
    joined
        Joined conditions of the same material and U, if there are.
    """
    part = runs["quantity"].iloc[0].partition("_")[2] if len(runs) else ""
    told = [f"{count_of(len(some), 'run')} {verdict.replace('_', ' ')}" for verdict, some in
            runs[runs["verdict"].isin(WITHOUT_NUMBER)].groupby("verdict")]
    kept = runs[~runs["verdict"].isin(WITHOUT_NUMBER)]
    unknown = kept["hop_events"].isna() | ~(kept["exposure"] > 0)
    if unknown.any():
        told.append(f"{count_of(int(unknown.sum()), 'run')} without a count of jumps")
    kept = kept[~unknown]
    verdicts = _at_temperatures(kept, part, joined)
    grown = list(verdicts.values()).count("diffusive")
    for temperature, verdict in verdicts.items():
        if verdict not in NOT_DIFFUSIVE:
            continue
        if verdict == "subdiffusive" and grown < FEWEST_TEMPERATURES:
            continue
        told.append(f"{temperature:g} K {AT_A_TEMPERATURE[verdict]}")
        kept = kept[kept["temperature_k"] != temperature]
    return kept, told


def _at_temperatures(
    runs: pd.DataFrame, part: str, joined: Sequence[Condition],
) -> dict[float, str]:
    """Return the verdict of all runs of each temperature (K) together; empty where they disagree.

    ``part`` is ``self`` or ``total``.
    """
    known = {float(one.keys["temperature_k"]): one.verdict_on(part) for one in joined
             if one.keys["seed"] is None}
    found = {}
    for temperature, some in runs.groupby("temperature_k"):
        own = next((name for name in sorted(set(some["verdict"]))
                    if (some["verdict"] == name).mean() > 0.5), "")
        found[float(str(temperature))] = known.get(float(str(temperature)), own)
    return found


def fit_line(
    runs: pd.DataFrame, quantity: str, joined: Sequence[Condition] = (),
) -> tuple[dict[str, Any], Joined | None]:
    """Fit one quantity of one material and U against 1/T, all runs together.

    A conductivity is fitted as sigma T, which has the activation energy of D by the Nernst-Einstein
    relation. A fit of sigma itself, as in many papers, gives about kB T less. See
    `haven.transport.fits.line` for the likelihood.

    Parameters
    ----------
    runs
        Rows of `gather` of this quantity.
    quantity
        One of `QUANTITIES`.
    joined
        Joined conditions of the same material and U, from which the yield of a jump is found;
        without them, it is found from the runs that have a number of their own.

    Returns
    -------
    tuple
        The row of table ``arrhenius`` but for its keys, and the line of ln(sigma T) or ln(D)
        (None without a fit): coefficients (value at 298 K, activation energy in eV).
    """
    conductive = quantity.startswith("sigma")
    kept, told = counted(runs, joined)
    temperatures, hops = kept["temperature_k"].nunique(), float(kept["hop_events"].sum())
    row: dict[str, Any] = {"quantity": quantity, "temperatures": temperatures,
                           "form": FORMS[conductive], "hop_events": hops,
                           "left_out": "; ".join(told) or None,
                           "fitted_k": temperatures_text(kept["temperature_k"]),
                           "not_diffusive": not_diffusive_text(_at_temperatures(
                               runs, quantity.partition("_")[2], joined))}
    yields, where = _yields(kept, quantity, joined)
    if verdict := _unfit(runs, kept, where):
        direct = _direct(kept, quantity, joined) if conductive else {}
        return row | direct | {"verdict": verdict, "standing": verdict}, None
    t = kept["temperature_k"].to_numpy(float)
    total = _line(kept, t, yields, where, np.log(t) if conductive else np.zeros_like(t), conductive)
    shift = 1.0 / (KB_EV * REFERENCE_K)
    room = ("sigma_298", lambda v: np.exp(v) / REFERENCE_K) if conductive else ("d_298", np.exp)
    for name, contrast, change in (
        ("activation", np.array([0.0, 1.0]), lambda v: v),
        ("prefactor", np.array([1.0, shift]), np.exp),
        (room[0], np.array([1.0, 0.0]), room[1]),
    ):
        value, low, high = (float(change(v)) for v in total.interval(contrast))
        row |= {VALUES.get(name, name): value, f"{name}_low_95": low, f"{name}_high_95": high}
    if conductive:
        ends = _line(kept, t, yields, where, np.zeros_like(t), True).interval(np.array([0.0, 1.0]))
        names = ("activation_sigma_ev", "activation_sigma_low_95", "activation_sigma_high_95")
        row |= {name: float(value) for name, value in zip(names, ends, strict=True)}
        row |= _direct(kept, quantity, joined, row["activation_ev"])
    row |= {"curvature_p": _curvature(kept, t, yields, where), "verdict": "diffusive",
            "known_to": known_to(*(row[name] for name in (
                "activation_ev", "activation_low_95", "activation_high_95")))}
    single = [one.verdict_on("self") for one in joined if one.keys["seed"] is None]
    return row | {"standing": standing_of(row, single)}, total


def _unfit(runs: pd.DataFrame, kept: pd.DataFrame, where: np.ndarray) -> str:
    """Return the verdict that keeps a line from being fitted, or nothing."""
    left_out = set(runs.loc[~runs.index.isin(kept.index), "verdict"])
    if kept["temperature_k"].nunique() < FEWEST_TEMPERATURES:
        return _worst(left_out) or "too_few_temperatures"
    if kept["siemens"].isna().any() and kept["quantity"].iloc[0].startswith("sigma"):
        return _worst(set(kept["verdict"])) or "too_few_events"
    if kept["hop_events"].sum() < FEWEST_JUMPS or len(np.unique(where)) < FEWEST_TEMPERATURES:
        found = _worst(set(runs.loc[~runs["good"], "verdict"]))
        return found or "too_few_events"
    return ""


def _worst(verdicts: set[str]) -> str:
    known = verdicts - {"diffusive"}
    return max(known, key=lambda v: SEVERITY.index(v) if v in SEVERITY else 9, default="")


def _yields(
    kept: pd.DataFrame, quantity: str, joined: Sequence[Condition],
) -> tuple[likelihood.Yields, np.ndarray]:
    """Return what jumps yield, from joined conditions or runs with numbers, and temperatures (C,).

    With several potentials each has conditions of its own. Where enough temperatures are diffusive,
    the others give the number of their jumps alone: of few jumps, those that lead back later have
    not been seen yet, so that each would seem to yield too much.
    """
    part = quantity.partition("_")[2]
    warm = set(kept["temperature_k"])
    seeds = {one.keys["seed"] for one in joined} - {None}
    chosen = [one for one in joined if (one.keys["seed"] is None) == (not seeds)
              and one.keys["temperature_k"] in warm and part in one.logs and one.hops > 0]
    grown = [one for one in chosen if one.verdict_on("self") == "diffusive"]
    if len({one.keys["temperature_k"] for one in grown}) >= FEWEST_TEMPERATURES:
        chosen = grown
    if joined:
        logs, errors = (np.array([one.logs[part][place] for one in chosen]) for place in (0, 1))
        hops, exposure = (np.array([getattr(one, name) for one in chosen], float)
                          for name in ("hops", "exposure"))
        where = np.array([one.keys["temperature_k"] for one in chosen], float)
        labels = np.array([-1 if one.keys["seed"] is None else one.keys["seed"]
                           for one in chosen])
        groups = {"potential": labels}
    else:
        good = kept[kept["good"] & (kept["hop_events"] > 0)]
        logs, errors, hops, exposure, where = (good[name].to_numpy(float) for name in (
            "log", "error", "hop_events", "exposure", "temperature_k"))
        if quantity.startswith("sigma"):
            logs = logs - np.log(good["siemens"].to_numpy(float))
        groups = _groups(good)
    if not len(logs):
        return likelihood.Yields(logs, errors, groups), where
    return likelihood.yields_of(logs, errors, hops, exposure, groups), where


def inverse(temperature_k: np.ndarray) -> np.ndarray:
    """Return 1 / (kB T) less that at 298 K, 1/eV."""
    return 1.0 / (KB_EV * temperature_k) - 1.0 / (KB_EV * REFERENCE_K)


def _line(
    kept: pd.DataFrame, t: np.ndarray, yields: likelihood.Yields, where: np.ndarray,
    offset: np.ndarray, conductive: bool, curved: bool = False,
) -> Joined:
    """Return the line of a quantity (its value at 298 K, activation energy), or one bent in 1/T."""
    if conductive:
        offset = offset + np.log(kept["siemens"].to_numpy(float))
    x, y = inverse(t), inverse(where)
    middle, width = x.mean(), x.std() or 1.0

    def regressors(z: np.ndarray) -> np.ndarray:
        if not curved:
            return np.stack([np.ones_like(z), -z], axis=1)
        u = (z - middle) / width
        return np.stack([np.ones_like(u), u, u**2], axis=1)

    counts = likelihood.Counts(kept["hop_events"].to_numpy(float),
                               kept["exposure"].to_numpy(float), _groups(kept))
    return likelihood.added(likelihood.rate_line(counts, regressors(x), offset, x),
                            likelihood.yield_line(yields, regressors(y), y))


def _direct(
    kept: pd.DataFrame, quantity: str, joined: Sequence[Condition],
    activation_ev: float | None = None,
) -> dict[str, float]:
    """Return the conductivity at 298 K of the runs at the nearest temperature, if any is near.

    With the activation energy of a line of sigma T, runs within `NEAR_K` count, moved to 298 K;
    without it, those within `AS_IT_IS_K`, as they are.
    """
    names = ("sigma_298_direct_ms_per_cm", "sigma_298_direct_low_95", "sigma_298_direct_high_95")
    part, found = quantity.partition("_")[2], dict[float, np.ndarray]()
    for one in joined:
        row = next((row for row in one.estimates if row.quantity == part), None)
        if one.keys["seed"] is None and row is not None and row.value is not None:
            found[float(one.keys["temperature_k"])] = one.siemens * np.array(
                [row.value, row.low_95 or 0.0, row.high_95 or 0.0])
    for temperature, some in kept.groupby("temperature_k") if not joined else ():
        if some["good"].all():
            found[float(str(temperature))] = np.exp(join_runs(
                some, some["log"].to_numpy(float), np.ones((len(some), 1))).interval(np.ones(1)))
    nearest = min(found, key=lambda t: abs(t - REFERENCE_K), default=np.inf)
    if abs(nearest - REFERENCE_K) > (AS_IT_IS_K if activation_ev is None else NEAR_K):
        return {}
    moved = 1.0 if activation_ev is None else nearest / REFERENCE_K * np.exp(
        activation_ev * float(inverse(np.array(nearest))))
    return {name: float(v * moved) for name, v in zip(names, found[nearest], strict=True)}


def _curvature(
    kept: pd.DataFrame, t: np.ndarray, yields: likelihood.Yields, where: np.ndarray,
) -> float:
    """Return the p value of a quadratic term in 1/T.

    Through three temperatures a parabola is exact, and the errors of sampling and of what replicas
    and potentials differ by, which are known, tell whether it is a line.
    """
    bent = _line(kept, t, yields, where, np.zeros_like(t), False, curved=True)
    return bent.p_value(np.array([0.0, 0.0, 1.0]))
