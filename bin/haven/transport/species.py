"""Conductivity by direction, and of several mobile species together: Onsager coefficients.

With the collective displacement R_i of species i, ``L_ij = lim <dR_i . dR_j> / (6 V kB T t)`` and
``sigma = e^2 sum_ij z_i z_j L_ij``: the terms of the sum are what the species carry each, and what
they carry or hinder together. Interval and verdict of each come from the same modes as those of one
species: of the ions' paths multiplied by their charges, and of the sum and the difference of two
species' paths, ``<dR_i . dR_j> = (<|dR_i + dR_j|^2> - <|dR_i - dR_j|^2>) / 4``.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from haven.core.constants import BOLTZMANN_EV_PER_K as KB_EV
from haven.transport.analysis import Analysed
from haven.transport.conductivity import nernst_einstein
from haven.transport.diffusion import MODES, SELF_SHARE, Estimate, coefficients, describe
from haven.transport.estimators.modes import modes
from haven.transport.hop_counts import count_hops
from haven.transport.rows import verdict_of

ANGSTROM2_PER_PS = 1e4
"""A diffusion coefficient of 1 cm^2/s in Angstrom^2/ps."""


def by_axis(one: Analysed) -> list[dict[str, Any]]:
    """Return rows of table ``onsager`` of one species: sigma along x, y, z and a, b, c.

    Off-diagonal elements are those of the tracer (``sigma_self``) alone.
    """
    scale = _scale(one, one.trajectory.ions, one.charge)
    found = []
    for row in one.found:
        if row.quantity in ("self", "total") and row.axis != "xyz" and _of_walk(row):
            found.append(_row(one, row, f"sigma_{row.quantity}", row.axis, scale, None))
    return found


def onsager_rows(parts: Sequence[Analysed], min_events: int) -> list[dict[str, Any]]:
    """Return rows of table ``onsager`` of several mobile species of one run.

    Parameters
    ----------
    parts
        Each species; their curves must be averaged over the same frames.
    min_events
        Jumps needed for a number.
    """
    first = parts[0]
    names = "+".join(part.trajectory.symbol for part in parts)
    ions = sum(part.trajectory.ions for part in parts)
    whole = _combined(parts, [part.charge for part in parts], min_events)
    scale = _scale(first, ions, 1.0)
    rows = []
    for row in whole:
        if row.quantity in ("self", "total"):
            rows.append(_row(first, row, f"sigma_{row.quantity}", row.axis, scale, None, names))
        elif row.quantity == "haven":
            rows.append(_row(first, row, "haven", row.axis, 1.0, None, names))
    # each species alone: sigma_ii
    for part in parts:
        row = next(r for r in part.found
                   if r.quantity == "total" and r.axis == "xyz" and _of_walk(r))
        rows.append(_row(part, row, "sigma_ij", "xyz",
                         _scale(part, part.trajectory.ions, part.charge),
                         _onsager(part, part.trajectory.ions), part.trajectory.symbol,
                         part.trajectory.symbol))
    for one, other in combinations(parts, 2):
        count = one.trajectory.ions + other.trajectory.ions
        sides = [next(r for r in _combined((one, other), (1.0, sign), min_events, ("xyz",))
                      if r.quantity == "total") for sign in (1.0, -1.0)]
        both = cross(sides)
        rows.append(_row(one, both, "sigma_ij", "xyz",
                         _scale(one, count, 1.0) * one.charge * other.charge,
                         _onsager(one, count), one.trajectory.symbol, other.trajectory.symbol))
    return rows


def _of_walk(row: Estimate) -> bool:
    return row.estimator == "walk"


def _scale(one: Analysed, ions: int, charge: float) -> float:
    """Return mS/cm of a diffusion coefficient of 1 cm^2/s."""
    return float(nernst_einstein(1.0, ions, one.volume, float(one.keys["temperature_k"]), charge))


def _onsager(one: Analysed, ions: int) -> float:
    """Return L in 1/(eV Angstrom ps) of a diffusion coefficient of 1 cm^2/s."""
    heat = KB_EV * float(one.keys["temperature_k"])
    return ions * ANGSTROM2_PER_PS / (one.volume * heat)


def _combined(
    parts: Sequence[Analysed], weights: Sequence[float], min_events: int,
    axes: Sequence[str] = ("xyz", "x", "y", "z"),
) -> list[Estimate]:
    """Return the coefficients of the ions of all parts, their paths multiplied by weights."""
    found = combined([part.curves.coarse for part in parts], weights,
                     [part.jump for part in parts], parts[0].curves.coarse_ps, min_events, axes)
    ended = [part.ended for part in parts]
    if any(end != "stable" for end in ended) or not all(p.trajectory.has_host for p in parts):
        verdict = "no_host" if set(ended) == {"stable"} else verdict_of(ended)
        for row in found:
            row.value = row.low_95 = row.high_95 = None
            row.verdict = verdict
    return found


def combined(
    paths: Sequence[np.ndarray], weights: Sequence[float], lengths: Sequence[float],
    step_ps: float, min_events: int, axes: Sequence[str] = ("xyz", "x", "y", "z"),
) -> list[Estimate]:
    """Return the coefficients of the ions of several species, their paths multiplied by weights.

    Parameters
    ----------
    paths
        Displacements (N, M, 3) of each species, Angstrom, every ``step_ps``.
    weights
        Of each species.
    lengths
        Jump lengths, Angstrom.
    step_ps
        Time of one step, ps.
    min_events
        Jumps needed for a number.
    axes
        Directions wanted.
    """
    coarse = np.concatenate([path * np.float32(weight)
                             for path, weight in zip(paths, weights, strict=True)])
    hops = [count_hops(path, step_ps, length)
            for path, length in zip(paths, lengths, strict=True)]
    squares = [n * (w * length) ** 2 for n, w, length in zip(hops, weights, lengths, strict=True)]
    length = (sum(squares) / sum(hops)) ** 0.5 if sum(hops) else lengths[0]
    held = modes(coarse, step_ps, MODES, MODES // SELF_SHARE)
    duration, rng = coarse.shape[1] * step_ps, np.random.default_rng(0)
    lines = {"xyz": None, "x": np.eye(3)[:1], "y": np.eye(3)[1:2], "z": np.eye(3)[2:]}
    found: list[Estimate] = []
    for axis in axes:
        line = lines[axis]
        part = held if line is None else held.along(line)
        run = describe(part, duration, sum(hops), length, min_events)
        found += coefficients(part, axis, run, rng, float(sum(hops)))
    return found


def cross(sides: Sequence[Estimate]) -> Estimate:
    """Return a quarter of the difference of two coefficients, their errors independent.

    The sum and the difference of the paths of two species that move alike have no covariance. With
    D_total of the sum and of the difference of two species' paths it is
    ``<dR_i . dR_j> / (6 (N_i + N_j) t)``.
    """
    plus, minus = sides
    worst = next((side for side in sides if side.value is None), None)
    if plus.value is None or minus.value is None or worst is not None:
        bad = worst or plus
        return Estimate(**{**vars(bad), "value": None, "low_95": None, "high_95": None})
    value = (plus.value - minus.value) / 4
    lows = [abs((s.value or 0.0) - (s.low_95 or 0.0)) for s in sides]
    highs = [abs((s.high_95 or 0.0) - (s.value or 0.0)) for s in sides]
    down = float(np.hypot(lows[0], highs[1])) / 4
    up = float(np.hypot(highs[0], lows[1])) / 4
    return Estimate(**{**vars(plus), "value": value, "low_95": value - down, "high_95": value + up})


def _row(
    one: Analysed, row: Estimate, quantity: str, axis: str, scale: float, onsager: float | None,
    species: str | None = None, other: str | None = None,
) -> dict[str, Any]:
    numbers = {"value": row.value, "low_95": row.low_95, "high_95": row.high_95}
    out: dict[str, Any] = {name: None if number is None else number * scale
                           for name, number in numbers.items()}
    if scale < 0 and row.value is not None:
        out["low_95"], out["high_95"] = out["high_95"], out["low_95"]
    if onsager is not None:
        out |= {f"l_{name}" if name != "value" else "l_per_ev_angstrom_ps":
                None if number is None else number * onsager for name, number in numbers.items()}
    return {**one.keys, "species": species or one.trajectory.symbol, "other_species": other,
            "quantity": quantity, "axis": axis, **out,
            "unit": "1" if quantity == "haven" else "mS/cm", "verdict": row.verdict}
