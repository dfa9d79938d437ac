"""Conductivity by direction, and of several mobile species together: Onsager coefficients.

With the collective displacement R_i of species i, ``L_ij = lim <dR_i . dR_j> / (6 V kB T t)`` and
``sigma = e^2 sum_ij z_i z_j L_ij``: the diagonal terms are the conductivities of the single
species, the others that of their correlation. Interval and verdict of each are found from sine
modes as for one species: those of the ions' paths multiplied by their charges, and those of the sum
and the difference of two species' paths, ``<dR_i . dR_j> = (<|w dR_i + dR_j / w|^2> - <|w dR_i -
dR_j / w|^2>) / 4``. This holds for any weight w. The weight that gives both terms of the sum the
same variance is taken, which makes the errors of the sum and of the difference independent. (For
Gaussian A and B, the covariance of (A + B)^2 and (A - B)^2 is 2 (var A - var B)^2.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from haven.core.constants import BOLTZMANN_EV_PER_K as KB_EV
from haven.transport.analysis import Analysed
from haven.transport.conductivity import nernst_einstein
from haven.transport.diffusion import (
    MODES,
    SELF_SHARE,
    Estimate,
    Run,
    coefficients,
    describe,
    upper_bounds,
)
from haven.transport.estimators import windows
from haven.transport.estimators.modes import Modes, modes
from haven.transport.rows import verdict_of

AT_REST = 0.25
"""Upper bound of a sum over that of the other below which it counts as zero in a cross term."""
STILL = ("subdiffusive", "too_few_events")
"""Verdicts on a sum that only vibrates: its slope is that of a cage, or is not known."""
ANGSTROM2_PER_PS = 1e4
"""A diffusion coefficient of 1 cm^2/s in Angstrom^2/ps."""


@dataclass(frozen=True)
class Moved:
    """How the ions of one species moved.

    Attributes
    ----------
    path
        Displacements (N, M, 3), Angstrom.
    length, hops
        Length of a jump, Angstrom, and jumps of all ions.
    """

    path: np.ndarray
    length: float
    hops: float


def by_axis(one: Analysed) -> list[dict[str, Any]]:
    """Return rows of table ``onsager`` of one species: sigma along x, y, z and a, b, c.

    Off-diagonal elements are those of the tracer (``sigma_self``) alone. There are no rows where
    not all of its ions are followed.
    """
    scale, found = _scale(one, one.trajectory.ions, one.charge), []
    if np.isnan(scale):
        return found
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
        pair = (one, other)
        alone = [next(r for r in part.found if r.quantity == "total" and r.axis == "xyz"
                      and _of_walk(r)).value for part in pair]
        (both,) = _judged(pair, [cross_term(
            [_moved(part) for part in pair], alone, one.curves.coarse_ps, min_events)])
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
    return _judged(parts, combined(
        [_moved(part) for part in parts], weights, parts[0].curves.coarse_ps, min_events, axes))


def _moved(part: Analysed) -> Moved:
    return Moved(part.curves.coarse, part.jump, part.found[0].hop_events)


def _judged(parts: Sequence[Analysed], found: list[Estimate]) -> list[Estimate]:
    """Return coefficients, without their numbers where one of the parts gives none."""
    ended = [part.ended for part in parts]
    if any(end != "stable" for end in ended) or not all(p.trajectory.has_host for p in parts):
        verdict = "no_host" if set(ended) == {"stable"} else verdict_of(ended)
        for row in found:
            row.value = row.low_95 = row.high_95 = None
            row.verdict = verdict
    return found


def combined(
    parts: Sequence[Moved], weights: Sequence[float], step_ps: float, min_events: int,
    axes: Sequence[str] = ("xyz", "x", "y", "z"),
) -> list[Estimate]:
    """Return the coefficients of the ions of several species, their paths multiplied by weights.

    Parameters
    ----------
    parts
        Each species.
    weights
        Of each species.
    step_ps
        Time of one step of their paths, ps.
    min_events
        Jumps needed for a number.
    axes
        Directions wanted.
    """
    held, run = _described(parts, weights, step_ps, min_events)
    rng, found = np.random.default_rng(0), list[Estimate]()
    lines = {"xyz": None, "x": np.eye(3)[:1], "y": np.eye(3)[1:2], "z": np.eye(3)[2:]}
    for axis in axes:
        line = lines[axis]
        part = held if line is None else held.along(line)
        own = run if line is None else _describe(part, len(parts), run.duration_ps, run.hops,
                                                 run.length, min_events)
        found += coefficients(part, axis, own, rng, run.hops)
    return found


def _described(
    parts: Sequence[Moved], weights: Sequence[float], step_ps: float, min_events: int,
) -> tuple[Modes, Run]:
    """Return modes and description of the ions of several species; see `combined`."""
    coarse = np.concatenate([part.path * np.float32(weight)
                             for part, weight in zip(parts, weights, strict=True)])
    hops = sum(part.hops for part in parts)
    squares = sum(part.hops * (weight * part.length) ** 2
                  for part, weight in zip(parts, weights, strict=True))
    length = (squares / hops) ** 0.5 if hops else parts[0].length
    held = modes(coarse, step_ps, MODES, MODES // SELF_SHARE)
    return held, _describe(held, len(parts), coarse.shape[1] * step_ps, float(hops), length,
                           min_events)


def _describe(
    held: Modes, species: int, duration_ps: float, hops: float, length: float, min_events: int,
) -> Run:
    """Return `describe` of weighted paths; the sum of several species may cancel."""
    run = describe(held, duration_ps, hops, length, min_events)
    if species == 1:
        return run
    most = windows.window_of_cancelling(held, run.total_windows[0])
    return replace(run, total_windows=tuple(min(one, most) for one in run.total_windows))


def cross_term(
    parts: Sequence[Moved], alone: Sequence[float | None], step_ps: float, min_events: int,
) -> Estimate:
    """Return ``<dR_1 . dR_2> / (6 (N_1 + N_2) t)`` of two species, as row ``total``.

    Where the sum or the difference does not diffuse, as the difference of ions that move only in
    pairs, it counts as zero with an upper bound: that of its lowest modes, or that of jumps that
    were not seen.

    Parameters
    ----------
    parts
        Both species.
    alone
        D_total of each species, cm2/s; None where it has no number.
    step_ps
        Time of one step of their paths, ps.
    min_events
        Jumps needed for a number.
    """
    squares = [len(part.path) * value if value else 0.0
               for part, value in zip(parts, alone, strict=True)]
    weight = (squares[1] / squares[0]) ** 0.25 if min(squares) > 0 else 1.0
    sides = []
    for sign in (1.0, -1.0):
        held, run = _described(parts, (weight, sign / weight), step_ps, min_events)
        rows = coefficients(held, "xyz", run, np.random.default_rng(0), run.hops)
        total = next(row for row in rows if row.quantity == "total")
        if run.verdict == "diffusive" and run.sum_verdict in STILL:
            total.high_95 = upper_bounds(held, run, 0.0)["total"]
        sides.append(total)
    return _quarter(sides)


def _quarter(sides: Sequence[Estimate]) -> Estimate:
    """Return a quarter of the difference of two coefficients, their errors independent.

    One that is at rest, with an upper bound alone of less than `AT_REST` of the other, is zero.
    """
    known = next((side for side in sides if side.value is not None), None)
    most = AT_REST * (known.value or 0.0) if known else 0.0
    bad = next((side for side in sides if side.value is None and (
        side.verdict not in STILL or side.high_95 is None or side.high_95 > most)), None)
    if known is None or bad is not None:
        bad = bad or sides[0]
        return Estimate(**{**vars(bad), "value": None, "low_95": None, "high_95": None})
    values = [side.value or 0.0 for side in sides]
    lows = [value - (side.low_95 or 0.0) if side.value else 0.0
            for value, side in zip(values, sides, strict=True)]
    highs = [(side.high_95 or 0.0) - value for value, side in zip(values, sides, strict=True)]
    value = (values[0] - values[1]) / 4
    down = float(np.hypot(lows[0], highs[1])) / 4
    up = float(np.hypot(highs[0], lows[1])) / 4
    return Estimate(**{**vars(known), "value": value, "low_95": value - down,
                       "high_95": value + up})


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
