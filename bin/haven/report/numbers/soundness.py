"""What stands against a number: reasons for which it settles no claim, though it has an interval.

The first screen, the claims, the comparison with published values and the comparison of studies all
ask here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from haven.core.numbers import known
from haven.core.types import Tables
from haven.potential.gate import TRUSTED
from haven.transport.fits.standing import (
    AGAINST,
    DIFFUSIVE,
    hardly_known_energy,
    hardly_known_factor,
)

ENERGIES = ("activation", "barrier ")  # beginnings of quantities in eV
FACTORS = ("sigma", "d_self", "d_total", "haven_ratio")  # of quantities that are known to a factor
OF_RUNS = (*FACTORS, "activation")  # of quantities that the dynamics of a U gives
NOT_YET = "not to be trusted yet"  # where there is no room for `against_runs`
CHECKS = {"pressure": "cells are not at rest", "stationary": "mobile ions are not stationary"}


def hardly_known(row: Mapping[str, Any]) -> str:
    """Return in words that a number of transport is hardly known for its interval; else nothing.

    Parameters
    ----------
    row
        Row of `haven.report.numbers.measured.collect`.
    """
    if not known(row["value"], row["low_95"], row["high_95"]):
        return ""
    quantity, low, high = str(row["quantity"]), float(row["low_95"]), float(row["high_95"])
    if quantity.startswith(ENERGIES):
        return hardly_known_energy(float(row["value"]), low, high)
    return hardly_known_factor(low, high) if quantity.startswith(FACTORS) else ""


def against_line(row: Mapping[str, Any]) -> list[str]:
    """Return what stands against the line or the runs that a number is from, in words."""
    verdict = str(row["verdict"] or "")
    return [AGAINST.get(part, part.replace("_", " ")) for part in verdict.split(", ")
            if part and part != DIFFUSIVE]


def reservations(row: Mapping[str, Any]) -> list[str]:
    """Return why a number settles nothing, in words; nothing of a sound one, or of a bound.

    Parameters
    ----------
    row
        Row of `haven.report.numbers.measured.collect`.
    """
    if not known(row["value"]):
        return []
    words = hardly_known(row)
    return [words] * bool(words) + against_line(row)


def against_runs(tables: Tables, u_ev: float, quantity: str = OF_RUNS[0]) -> list[str]:
    """Return what stands against all numbers that the dynamics of a U gives, in words.

    A number may be narrow and its line straight: where the potential's error along the runs is
    not known to be small, where cells are not at rest or mobile ions still rearrange, it is of
    another crystal, or may be, and settles nothing.

    Parameters
    ----------
    tables
        Tables by name: ``runs`` (with ``trust``) and ``verdicts``.
    u_ev
        Whose, eV.
    quantity
        As in `haven.report.numbers.measured.collect`; of one that no dynamics gives nothing is
        said.
    """
    if not quantity.startswith(OF_RUNS):
        return []
    runs, checks = tables["runs"], tables["verdicts"]
    mine = runs[runs["u_ev"] == u_ev]
    found = []
    if len(mine) and (mine["trust"].fillna("") != TRUSTED).any():
        found.append("the potential's error along the runs is not known to be small")
    for check, words in CHECKS.items():
        rows = checks[(checks["check"] == check) & ~checks["passed"].astype(bool)]
        if rows["subject"].astype(str).str.startswith(f"u{u_ev:g}_").any():
            found.append(words)
    return found
