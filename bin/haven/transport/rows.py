"""Rows of the transport tables of one run: msd, diffusion, conductivity, and what was checked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from haven.core.constants import NOT_STATIONARY, SEVERITY
from haven.core.numbers import percent
from haven.trajectory.melting import (
    MELT_ANGSTROM2,
    HostMotion,
    host_motion,
    spread,
)
from haven.trajectory.trajectory import Trajectory
from haven.transport.conductivity import Z95, nernst_einstein
from haven.transport.diffusion import DISAGREE, Estimate, unfollowed
from haven.transport.displacements import Curves

REPORTED_LAGS = 150  # of a curve of displacement in table msd, spaced both ways
DRIFT_ANGSTROM = 1.0  # that the whole host moves: nothing should push it
# Smallest share of ions that carry the motion for which D_self describes an ion. At a half, one
# half of the ions does not move at all, or the ions' coefficients scatter by their own size.
MOBILE_SHARE = 0.5
AXES = ("x", "y", "z", "xyz")


def reported(count: int) -> np.ndarray:
    """Return the indices of the lags in a table: all if they are few, else a selection."""
    if count <= 2 * REPORTED_LAGS:
        return np.arange(count)
    both = (np.geomspace(1, count, REPORTED_LAGS), np.linspace(1, count, REPORTED_LAGS))
    return np.unique(np.concatenate(both).round().astype(int)) - 1


def msd_rows(curves: Curves, keys: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of table ``msd``; the self part alone where the total is not known."""
    shown = reported(len(curves.lag_ps))
    lags = curves.lag_ps[shown]
    rows: list[dict[str, Any]] = []
    parts = (("self", curves.self_msd, curves.self_error),
             ("total", curves.total_msd, curves.total_error),
             ("distinct", curves.distinct_msd, np.hypot(curves.self_error, curves.total_error)))
    alone = curves.frame_of_reference == "simulation" or np.isnan(curves.total_msd).all()
    for quantity, values, errors in parts[: 1 if alone else 3]:
        full = np.concatenate([values, values.sum(axis=1, keepdims=True)], axis=1)[shown]
        for column, axis in enumerate(AXES):
            error = _between(lags, curves.error_lag_ps, errors[:, column])
            excess = np.full(len(lags), np.nan)
            if (quantity, axis) == ("self", "xyz"):
                excess = _between(lags, curves.error_lag_ps, curves.non_gaussian)
            rows += [
                {**keys, "quantity": quantity, "axis": axis, "lag_ps": float(lag),
                 "value_angstrom2": float(value), "origins": int(origins),
                 "standard_error_angstrom2": float(spread) if np.isfinite(spread) else None,
                 "non_gaussian": float(alpha) if np.isfinite(alpha) else None}
                for lag, value, origins, spread, alpha in zip(
                    lags, full[:, column], curves.origins[shown], error, excess, strict=True)
            ]
    return rows


def _between(lags: np.ndarray, known: np.ndarray, errors: np.ndarray) -> np.ndarray:
    good = np.isfinite(errors)
    if not good.any():
        return np.full(len(lags), np.nan)
    out = np.interp(np.log(lags), np.log(known[good]), errors[good])
    out[lags > known[good][-1] * (1 + 1e-9)] = np.nan
    return out


def diffusion_rows(
    found: list[Estimate], trajectory: Trajectory, keys: dict[str, Any],
) -> list[dict[str, Any]]:
    """Return the rows of table ``diffusion``."""
    names = ("quantity", "axis", "value", "low_95", "high_95", "unit", "fit_start_ps",
             "fit_stop_ps", "loglog_slope", "loglog_slope_error", "hop_events", "estimator",
             "verdict")
    run = {**keys, "ions": trajectory.ions, "duration_ps": trajectory.duration_ps}
    return [{**run, **{name: getattr(one, name) for name in names}} for one in found]


def conductivity_rows(
    found: list[Estimate], trajectory: Trajectory, temperature_k: float, charge: float,
    keys: dict[str, Any], volume: float | None = None,
) -> list[dict[str, Any]]:
    """Return the rows of table ``conductivity``: sigma_total and sigma_self.

    They are per ``volume`` in Angstrom^3, by default (None or NaN) the cell's. They have no value
    where the file has mobile ions that are not followed, since the crystal conducts by all of them.
    """
    rows, others = [], unfollowed(trajectory)
    volume = volume if volume and np.isfinite(volume) else trajectory.volume
    for one in found:
        if one.axis != "xyz" or one.quantity not in ("self", "total"):
            continue
        scale = float(nernst_einstein(1.0, trajectory.ions, volume, temperature_k, charge))
        ends = {"value_ms_per_cm": one.value, "low_95": one.low_95, "high_95": one.high_95}
        rows.append({
            **keys, "quantity": f"sigma_{one.quantity}",
            **{name: None if others or value is None else value * scale
               for name, value in ends.items()},
            "carrier_density_per_cm3": (trajectory.ions + others) / volume * 1e24,
            "volume_angstrom3": volume,
            "verdict": max(one.verdict, "no_host" if others else "diffusive", key=SEVERITY.index),
        })
    return rows


def host_checks(trajectory: Trajectory, run: str, material: str) -> list[dict[str, Any]]:
    """Return rows of table ``verdicts``: whether the host, if there is one, drifts or melts."""
    if not trajectory.has_host or (trajectory.fixed and not trajectory.framework):
        return []
    drift = float(np.linalg.norm(trajectory.host - trajectory.host[0], axis=1).max())
    rows = [_verdict(material, run, "host drift", drift, DRIFT_ANGSTROM, "Angstrom",
                     "the host's centre of mass moved; its motion is taken off every ion")]
    moved = motion_of(trajectory)
    if moved is not None:
        words = (f"largest mean-square displacement of the host's species ({moved.species}); "
                 f"{moved.growth:.2f} times as large after twice the time")
        row = _verdict(material, run, "host melt", moved.msd, MELT_ANGSTROM2, "Angstrom^2", words)
        if not row["passed"] and not moved.melted:
            row |= {"passed": True, "message": words + ": groups that turn in place, no melt"}
        rows.append(row)
    return rows


def motion_checks(found: list[Estimate], run: str, material: str) -> list[dict[str, Any]]:
    """Return rows of table ``verdicts``: whether all mobile ions take part, and whether they drift.

    Parameters
    ----------
    found
        Estimates of the run, those along all axes first.
    run, material
        Names of the run and of the material.
    """
    known = found[0].run
    if known is None or found[0].verdict == "too_few_events":
        return []
    share, net, limit = known.mobile_share, known.net_angstrom, known.net_limit_angstrom
    return [*_agreement(found, run, material),
        {**_verdict(material, run, "mobile share", share, MOBILE_SHARE, "1",
                    f"the motion is that of about {percent(share)} of the mobile ions; D_self is a "
                    "mean over all of them, most of which move slower: look at populations apart"),
         "passed": bool(share >= MOBILE_SHARE)},
        _verdict(material, run, "net drift", net, limit, "Angstrom",
                 "the mobile ions' centre came farther than diffusion takes it: the sublattice "
                 "drifts against its frame of reference, so D_total is no property of the crystal"),
    ]


def _agreement(found: list[Estimate], run: str, material: str) -> list[dict[str, Any]]:
    """Return a row that says whether two estimators of D_total agree, where there are two."""
    total, other = (next((one for one in found if one.axis == "xyz" and one.value
                          and one.low_95 and one.high_95 and one.quantity.startswith(start)), None)
                    for start in ("total", "total_"))
    if total is None or other is None or total.quantity != "total":
        return []
    errors = [float(np.log((one.high_95 or 1) / (one.low_95 or 1))) / 2 / Z95
              for one in (total, other)]
    said = [f"{one.value:.3g} [{one.low_95:.3g}, {one.high_95:.3g}] cm2/s by {one.estimator}"
            for one in (total, other)]
    apart = abs(float(np.log((total.value or 1) / (other.value or 1))))
    apart /= float(np.hypot(errors[0], errors[1]))
    return [_verdict(material, run, "estimators agree", apart, DISAGREE, "standard errors",
                     f"D_total is {said[0]} and {said[1]}: where they differ, correlations reach "
                     "farther than the radius or last longer than the lag, and the sum over all "
                     "ions (walk) counts")]


def motion_of(trajectory: Trajectory) -> HostMotion | None:
    """Return the motion of the host's species that moves most, relative to the host's centre.

    None where no frames of all atoms are held, or no host.
    """
    symbols = np.asarray(trajectory.extra.get("symbols", ())).astype(str)
    times = np.asarray(trajectory.extra.get("all_time_ps", ()))
    rows = np.isin(symbols, trajectory.framework)
    if not rows.any() or len(times) < 2:
        return None
    shown = spread(len(times))
    read, times = trajectory.read_all(tuple(shown.tolist())), times[shown]
    if read is None:
        return None
    centre = np.stack([np.interp(times, trajectory.time_ps, trajectory.host[:, axis])
                       for axis in range(3)], axis=1)
    return host_motion(read[:, rows] - centre[:, None], symbols[rows])


def without_number(found: list[Estimate], ended: str) -> list[Estimate]:
    """Return estimates of a run that melted, exploded, drifted or did not come to rest.

    Parameters
    ----------
    found
        Estimates as of a stable run.
    ended
        How the run ended; ``not_stationary`` is a verdict of its own.

    Returns
    -------
    list of Estimate
        Without numbers and bounds.
    """
    verdict = verdict_of([ended])
    return [replace(one, value=None, low_95=None, high_95=None, verdict=verdict) for one in found]


def verdict_of(ended: Iterable[str]) -> str:
    """Return the verdict of runs none of which gives a number, from how they ended.

    It is ``not_stationary`` if all runs that are not ``stable`` ended so.
    """
    return NOT_STATIONARY if set(ended) - {"stable"} == {NOT_STATIONARY} else "unstable"


def _verdict(
    material: str, run: str, check: str, value: float, limit: float, unit: str, message: str,
) -> dict[str, Any]:
    return {"material": material, "stage": "ANALYSE_TRANSPORT", "subject": run, "check": check,
            "value": value, "limit": limit, "unit": unit, "passed": bool(value <= limit),
            "message": message}
