"""The lines that an analysis prints for a run: numbers with intervals, verdicts, reasons."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from haven.core.constants import NOT_STATIONARY
from haven.core.numbers import bound, count_of, interval
from haven.transport.analysis import Analysed
from haven.transport.diffusion import MIN_EVENTS, SLOPE_KNOWN, SLOPE_TOLERANCE, Estimate

NAMES = {"self": "D_self", "total": "D_total", "distinct": "D_distinct", "haven": "Haven ratio",
         "sigma_self": "sigma_self", "sigma_total": "sigma_total"}
REASONS = {
    "diffusive": "",
    "subdiffusive": "displacements grow more slowly than time: run longer, or leave out the start "
                    "with --start",
    "no_host": "of ions without a host, or of some of them alone (--ions), nothing collective can "
               "be told: dump all atoms and follow all mobile ions, or give "
               "--frame_of_reference fixed where the host is not in the file",
    "unstable": "the run is not stable",
    NOT_STATIONARY: "the halves of the run differ: it has not come to rest",
    "drifting": "the mobile ions drift together, which is no diffusion: remove the drift in the "
                "dynamics, or analyse a part with --start and --stop",
}


def heading(one: Analysed, source: str) -> str:
    """Return what was read: frames, spacing, length, ions, temperature."""
    held = one.trajectory
    every = len(held.extra.get("symbols", ()))
    atoms = f" of {every} atoms" if every else ""
    host = {"simulation": "the file's", "fixed": "the file's, taken to stand still",
            "barycentre": "centre of mass of all atoms"}.get(
        one.curves.frame_of_reference, f"host ({', '.join(held.framework) or 'as in the file'})")
    return (f"{source}: {one.keys['material']}, {one.keys['temperature_k']:g} K: "
            f"{held.frames} frames, {held.spacing_ps:.6g} ps apart ({held.duration_ps:.6g} ps), "
            f"{held.ions} {held.symbol}{atoms}, charge {one.charge:+g}; frame of reference: {host}")


def screen_lines(one: Analysed, sigma: Iterable[dict[str, Any]], axes: Sequence[dict[str, Any]]
                 ) -> list[str]:
    """Return the lines of one species of one run.

    Parameters
    ----------
    one
        The species.
    sigma
        Rows of table ``conductivity``.
    axes
        Rows of table ``onsager`` along the axes.
    """
    out = []
    for row in (row for row in one.found if row.axis == "xyz"):
        name = NAMES.get(row.quantity, row.quantity)
        name += "" if row.estimator == "walk" else f" [{row.estimator}]"
        why = reason(row, one)
        if row.quantity == "self" and row.value is not None:
            why = (f"{count_of(round(row.hop_events), 'jump')}, log-log slope "
                   f"{row.loglog_slope:.2f} +- {row.loglog_slope_error:.2f}")
        out.append(_line(name, row.value, row.low_95, row.high_95, row.unit, row.verdict, why))
    for row in sigma:
        out.append(_line(str(row["quantity"]), row["value_ms_per_cm"], row["low_95"],
                         row["high_95"], "mS/cm", row["verdict"], ""))
    along = [row for row in axes if row["axis"] in "xyz" and row["quantity"] == "sigma_total"]
    out += [_line(f"sigma_total, {row['axis']}", row["value"], row["low_95"], row["high_95"],
                  row["unit"], row["verdict"], "") for row in along]
    return out


def together_lines(rows: Iterable[dict[str, Any]]) -> list[str]:
    """Return the lines of several species together, from rows of table ``onsager``."""
    out = []
    for row in rows:
        if row["quantity"] == "sigma_ij":
            name = f"sigma_ij {row['species']}, {row['other_species']}"
        else:
            quantity = str(row["quantity"])
            name = f"{NAMES.get(quantity, quantity)} {row['species']}"
            name += "" if row["axis"] == "xyz" else f", {row['axis']}"
        out.append(_line(name, row["value"], row["low_95"], row["high_95"], row["unit"],
                         row["verdict"], REASONS.get(row["verdict"], "")))
    return out


def reason(row: Estimate, one: Analysed) -> str:
    """Return why a coefficient has no value, and what to do; empty where it has one."""
    if row.value is not None:
        return ""
    if (row.verdict == "too_few_events" and row.hop_events >= MIN_EVENTS
            and not row.loglog_slope_error < SLOPE_KNOWN):
        return (f"the log-log slope of {'single ions' if row.quantity == 'self' else 'the sum'} "
                f"is {row.loglog_slope:.2f} +- {row.loglog_slope_error:.2f}, which tells no "
                f"diffusion from a cage or a drift: run longer ("
                f"{count_of(round(row.hop_events), 'jump')} of {one.jump:.1f} Angstrom seen)")
    if row.verdict == "too_few_events":
        return (f"{count_of(round(row.hop_events), 'jump')} of {one.jump:.1f} Angstrom seen, too "
                "few for a number: run longer, or give --jump_angstrom if that is no jump's length")
    if row.verdict == "unstable" and one.ended == "stable":
        return (f"displacements grow faster than time (slope {row.loglog_slope:.2f}): the ions "
                "drift, or the frame of reference does")
    if row.verdict in ("unstable", NOT_STATIONARY):
        return f"the run is {one.ended.replace('_', ' ')}"
    if row.verdict == "subdiffusive" and row.loglog_slope > 1 - SLOPE_TOLERANCE:
        return (f"slope {row.loglog_slope:.2f}, but the slowest motions seen are not yet those of "
                "diffusion, which a memory may still change: run longer")
    slope = f" (slope {row.loglog_slope:.2f})" if row.verdict == "subdiffusive" else ""
    return REASONS.get(row.verdict, "") + slope


def _line(
    name: str, value: float | None, low: float | None, high: float | None, unit: str,
    verdict: str, why: str,
) -> str:
    if value is not None:
        number = interval(value, low, high, unit, plain=True)
    else:
        number = "no value" + (f", {bound(high, unit, plain=True)}" if high else "")
    return f"  {name:<22} {number}  ({verdict}{': ' + why if why else ''})"
