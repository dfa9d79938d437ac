"""Figure of the relaxed cells: lattice constants for each occupancy, beside published ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from haven.core.numbers import count_of, known
from haven.core.types import Table, Tables
from haven.material.relaxation import (
    CONSTANTS,
    POTENTIAL,
    is_shown,
    joined_cells,
    quantity_of,
)
from haven.report.figures.style import (
    Picture,
    joint_legend,
    panels,
    u_colour,
    u_label,
    u_marker,
    u_place,
)
from haven.report.numbers.wording import source_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WITHOUT_TURNING = 6  # sets of occupancies whose names stand beside each other below an axis
LETTERS = {"a_angstrom": "a (Å)", "b_angstrom": "b (Å)", "c_angstrom": "c (Å)",
           "alpha_degree": "α (°)", "beta_degree": "β (°)", "gamma_degree": "γ (°)"}
ASIDE = (-0.15, 0.15, -0.3, 0.3)  # of a value of U, by its place


def lattice(tables: Tables, reference: Table) -> Picture | None:
    """Lattice constants by occupancy of the framework cation, beside published ones."""
    import pandas as pd

    table = tables["lattice"]
    if table.empty or not table["converged"].astype(bool).any():
        return None
    found = pd.DataFrame(joined_cells(table))
    printed = reference[reference["quantity"].str.startswith("lattice_")].copy()
    printed["system"] = [str(text).partition(" ")[2] for text in printed["system"]]
    order = sorted({*found["system"], *printed["system"]}, reverse=True)
    shown = [column for column in CONSTANTS if is_shown(quantity_of(column), found, printed)]
    rows = (len(shown) + 1) // 2
    figure, axes = panels(rows, 2, height=3.0 * rows)
    for spare in axes.flat[len(shown):]:
        spare.remove()
    for place, column in enumerate(shown):
        axis, name = axes.flat[place], quantity_of(column)
        _own(axis, found[found["quantity"] == name], order)
        _published(axis, printed[printed["quantity"] == name], order)
        axis.set(ylabel=LETTERS[column], xlim=(-0.5, len(order) - 0.5))
        many = len(order) > WITHOUT_TURNING
        axis.set_xticks(range(len(order)),
                        order if many else [text.replace("/", "\n") for text in order],
                        fontsize=8 if len(order) != WITHOUT_TURNING else 7.5,
                        rotation=90 if many else 0)
    for axis in axes.flat[max(len(shown) - 2, 0):len(shown)]:
        axis.set_xlabel("occupancy of each site")
    joint_legend(figure, axes.flat[:len(shown)])
    done = table[table["converged"].astype(bool)]
    left_out, driven = len(table) - len(done), int((done["engine"] == POTENTIAL).sum())
    parts = [f"{count_of(count, 'cell')} relaxed {how}" for count, how in (
        (driven, "with the potentials"), (len(done) - driven, "from first principles (stars)"))
        if count]
    caption = (f"{' and '.join(parts) or 'No cell relaxed'}, atoms and cell together, at rest and "
               "no outer pressure; bars: 95 % interval over replicas of the disorder, where there "
               "are several. Across: the share of each site of the framework cation that it fills, "
               "site below site. Hollow: published relaxed cells; crosses: measured ones."
               + (f" {count_of(left_out, 'cell')} did not converge and are left out."
                  if left_out else ""))
    return Picture("lattice", "Lattice constants", caption,
                   "Lattice constants by occupancy with intervals beside published values", figure)


def _aside(u_ev: float) -> float:
    return ASIDE[u_place(u_ev) % len(ASIDE)]


def _own(axis: Axes, found: Table, order: list[str]) -> None:
    groups = found.groupby(["u_ev", "engine"])
    for (u_ev, engine), mine in groups:
        shift = _aside(u_ev) * (1 if engine == POTENTIAL else 2.2)
        place = [order.index(s) + shift for s in mine["system"]]
        bars = [(mine["value"] - mine["low"]).fillna(0), (mine["high"] - mine["value"]).fillna(0)]
        marker, size, of = ((u_marker(u_ev), 5, "") if engine == POTENTIAL
                            else ("*", 10, f", {engine}"))
        axis.errorbar(place, mine["value"], bars, fmt=marker, color=u_colour(u_ev), capsize=3,
                      markersize=size, label=u_label(u_ev) + of)


def _published(axis: Axes, printed: Table, order: list[str]) -> None:
    for row in printed.to_dict("records"):
        place, source = order.index(row["system"]), source_name(str(row["source"]))
        if row["doubtful"]:
            continue  # far off the scale: the table shows it with its mark
        if row["measured"]:
            axis.plot(place, row["value"], "kx", markersize=7, label=f"measured, {source}")
        elif not known(row["u_ev"]):
            axis.plot(place, row["value"], "k^", markersize=7, markerfacecolor="none",
                      label=f"published, {source}")
        else:
            axis.plot(place + _aside(row["u_ev"]), row["value"], u_marker(row["u_ev"]),
                      markersize=9, markerfacecolor="none", markeredgecolor=u_colour(row["u_ev"]),
                      label=f"published, {u_label(row['u_ev'])}")
