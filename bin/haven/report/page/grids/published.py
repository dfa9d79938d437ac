"""Published values beside measured ones: the comparison, relaxed cells, errors."""

from __future__ import annotations

from haven.core.numbers import DASH, known
from haven.core.types import Table
from haven.material.relaxation import is_shown
from haven.report.numbers.wording import comparison_value, comparison_words, published_text
from haven.report.page.grids.base import Block, at_kelvin, cell, grid, label_of

CELL_CONSTANTS = {"lattice_a": "a", "lattice_b": "b", "lattice_c": "c", "lattice_alpha": "α",
                  "lattice_beta": "β", "lattice_gamma": "γ", "lattice_volume": "volume"}


def comparison_grids(comparison: Table) -> tuple[Block, Block]:
    """Return published values beside measured ones, and those without a measured one."""
    held, absent = [], []
    us = sorted(comparison["u_ev"].unique())
    keys = ["quantity", "temperature_k", "published", "source"]
    for _, mine in comparison.groupby(keys, sort=False, dropna=False):
        by_u = {row["u_ev"]: row for row in mine.to_dict("records")}
        first = next(iter(by_u.values()))
        there = [u for u, row in by_u.items() if known(row["value"]) or known(row["high_95"])]
        ends = "; in brackets the range of the cells timed" if "cost_ratio" in str(
            first["quantity"]) else ""
        cells = [cell(comparison_value(by_u[u]), comparison_words(by_u[u]) + ends) if u in there
                 else DASH for u in us]
        start = cell(label_of(first["quantity"]), at_kelvin(first["temperature_k"]))
        end = cell(published_text(first), ": ".join(
            text for text in (first["source"], first["published_note"]) if text))
        if there:
            held.append([start, *cells, end])
        else:
            absent.append([start, ", ".join(f"{u:g}" for u in by_u), end])
    return (
        grid(["quantity", *(f"Haven, U = {u:g} eV" for u in us), "published"], held,
             "“Agrees”: the published value, with what its printed digits leave open, meets the "
             "95 % interval; a wide interval agrees easily. (?) marks a printed value that is "
             "doubtful. A published value for one U stands beside that U only."),
        grid(["quantity", "for U (eV)", "published"], absent,
             "Published values with no counterpart in this run."),
    )


def lattice_grid(measured: Table, reference: Table) -> Block | None:
    """Return relaxed cells as the study's Table II has them: ours, the study's, measured ones."""
    names = [name for name in CELL_CONSTANTS if is_shown(name, measured, reference)]
    own = measured[measured["quantity"].isin(names)]
    theirs = reference[reference["quantity"].isin(names)].copy()
    theirs["system"] = [str(text).partition(" ")[2] for text in theirs["system"]]
    if own.empty:
        return None
    lines = []
    for (system, u_ev), mine in own.groupby(["system", "u_ev"], sort=False):
        by_name = {row["quantity"]: row for row in mine.to_dict("records")}
        lines.append([cell(f"Haven, U = {u_ev:g} eV", str(system)),
                      *(comparison_value(by_name[n]) if n in by_name else DASH for n in names)])
    printed = theirs.assign(u_ev=theirs["u_ev"].fillna(-1.0))
    for (system, u_ev, source), mine in printed.groupby(["system", "u_ev", "source"], sort=False):
        by_name = {row["quantity"]: {**row, "published": row["value"]}
                   for row in mine.to_dict("records")}
        of = f", U = {u_ev:g} eV" if u_ev >= 0 else ""
        lines.append([cell(f"{str(source).partition(',')[0]}{of}", str(system)),
                      *(published_text(by_name[n]) if n in by_name else DASH for n in names)])
    return grid(["cell", *(CELL_CONSTANTS[name] for name in names)], lines,
                "Relaxed cells, atoms and cell together, at no pressure and 0 K; below each the "
                "occupancies of the framework cation, site by site. "
                + ("Intervals: over replicas of the disorder." if own["low_95"].notna().any()
                   else "One replica of the disorder, so without intervals."))


def published_accuracy_grid(comparison: Table) -> Block | None:
    """Return the errors on held-out frames beside the published ones."""
    if comparison.empty:
        return None
    rows = comparison[comparison["quantity"].isin(["energy_mae", "energy_rmse", "force_mae",
                                                   "force_rmse"])]
    held = comparison_grids(rows)[0] if len(rows) else None
    if not held or not held["rows"]:
        return None
    return held | {"caption": "Errors on held-out trajectories beside the published ones, which "
                   "are of another engine's labels and far more of them. (?) marks a printed "
                   "value that is doubtful."}
