"""Figure of the audit: which labelled frames are used, which are left out, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from haven.core.numbers import count_of
from haven.core.types import Table, Tables
from haven.report.figures.style import (
    GREY,
    OKABE,
    Picture,
    joint_legend,
    panels,
    u_colour,
    u_label,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

REASONS = {  # start of a reason: name in the legend, marker, colour
    "magnetic branch": ("magnetic branch", "X", "#CC79A7"),
    "electronic state": ("electronic state", "s", "#D55E00"),
    "energy outlier": ("energy outlier", "^", OKABE[4]),
    "force of": ("force too large", "v", "#009E73"),
    "atoms ": ("atoms too close", "P", OKABE[5]),
    "duplicate": ("duplicate", "D", GREY),
    "other settings": ("other settings", "*", "#0072B2"),
    "not converged": ("not converged", "p", "#000000"),
}


def kind_of(reason: str) -> tuple[str, str, str]:
    """Return legend name, marker and colour of a reason for leaving a frame out."""
    found = (look for start, look in REASONS.items() if reason.startswith(start))
    return next(found, ("other", "h", "#000000"))


def audit(tables: Tables) -> Picture | None:
    """Energy, force and moments of every labelled frame; frames left out marked by the reason."""
    table = tables["labels"].dropna(subset=["energy_ev_per_atom"])
    if table.empty:
        return None
    us = sorted(table["u_ev"].unique())
    magnetic = table["moment_metal_max"].notna().any()
    figure, axes = panels(2 if magnetic else 1, len(us), height=6.6 if magnetic else 3.8,
                          sharey="row")
    for place, u_ev in enumerate(us):
        mine = table[table["u_ev"] == u_ev]
        usual = mine.loc[mine["verdict"] == "accepted", "energy_ev_per_atom"].median()
        above = 1000 * (mine["energy_ev_per_atom"] - usual)
        _points(axes[0, place], mine, mine["force_max_ev_per_angstrom"], above)
        axes[0, place].set(title=u_label(u_ev), xlabel="largest force (eV/Å)")
        if magnetic:
            _points(axes[1, place], mine, mine["moment_metal_min"], mine["moment_metal_max"])
            axes[1, place].set_xlabel("smallest (μB)")
    axes[0, 0].set_ylabel("energy from the median\nof the kept (meV/atom)")
    if magnetic:
        axes[1, 0].set_ylabel("moments of metal atoms:\nlargest in the frame (μB)")
    joint_legend(figure, axes.flat)
    dropped = tables["labels"][tables["labels"]["verdict"] != "accepted"]
    caption = (f"{count_of(len(tables['labels']), 'labelled frame')}, one point each, filled if "
               f"used. {_counted(dropped)}")
    return Picture("audit", "Audit of the labels", caption,
                   "Scatter of energy against force and of metal moments, frames left out marked",
                   figure)


def _points(axis: Axes, mine: Table, across: Table, up: Table) -> None:
    kept = mine["verdict"] == "accepted"
    colour = u_colour(mine["u_ev"].iloc[0])
    axis.scatter(across[kept], up[kept], s=24, color=colour, alpha=0.7, edgecolor="white",
                 linewidth=0.4, label=f"used, {u_label(mine['u_ev'].iloc[0])}")
    kinds = mine.loc[~kept, "reason"].map(kind_of)
    for kind in sorted(set(kinds)):
        chosen = kinds[kinds == kind].index
        axis.scatter(across[chosen], up[chosen], s=70, marker=kind[1], facecolor="none",
                     edgecolor=kind[2], linewidth=1.6, label=kind[0])


def _counted(dropped: Table) -> str:
    """Return how many frames were left out for which reason, in words."""
    if dropped.empty:
        return "None is left out."
    parts = []
    for u_ev, mine in dropped.groupby("u_ev"):
        counts = mine["reason"].map(lambda reason: kind_of(reason)[0]).value_counts()
        counted = ", ".join(f"{number} {name}" for name, number in counts.items())
        parts.append(f"{counted} at {u_label(u_ev)}")
    return "Left out: " + "; ".join(parts) + "."
