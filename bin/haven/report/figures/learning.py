"""Figures of the learning rounds: what the ensembles knew, and what was labelled."""

from __future__ import annotations

from haven.core.numbers import count_of
from haven.core.types import Table, Tables
from haven.report.figures.style import (
    GREY,
    MARKERS,
    OKABE,
    Picture,
    legend_below,
    panels,
    plain_log,
    u_colour,
    u_label,
)

MILLI = 1000.0  # meV in an eV
CLASSES = {"accurate": "#009E73", "candidate": OKABE[4], "failed": GREY}


def shares(exploration: Table, keys: list[str]) -> Table:
    """Return the shares of accurate, candidate and failed frames, joined over runs with one key.

    Parameters
    ----------
    exploration
        The table ``exploration``.
    keys
        Columns to keep apart, such as round and u_ev.

    Returns
    -------
    pandas.DataFrame
        Columns keys, frames, accurate, candidate, failed; the last three as shares that sum to 1.
    """
    counts = exploration.groupby(keys)[["frames", *CLASSES]].sum().astype(float)
    counts[list(CLASSES)] = counts[list(CLASSES)].div(counts["frames"], axis=0)
    return counts.reset_index()


def exploration(tables: Tables) -> Picture | None:
    """Share of known, new and broken frames, and the deviation, round by round."""
    table = tables["exploration"]
    if table.empty:
        return None
    us = sorted(table["u_ev"].unique())
    joined = shares(table, ["u_ev", "round"])
    figure, axes = panels(2, len(us), height=6.4, sharey="row")
    for place, u_ev in enumerate(us):
        mine, bottom = joined[joined["u_ev"] == u_ev], 0.0
        for name, colour in CLASSES.items():
            axes[0, place].bar(mine["round"], mine[name], bottom=bottom, color=colour, width=0.7,
                               label=name, edgecolor="white")
            bottom = bottom + mine[name]
        axes[0, place].set(title=u_label(u_ev), ylim=(0, 1))
        for row in (0, 1):
            axes[row, place].set_xticks(sorted(table["round"].unique()))
        runs = table[table["u_ev"] == u_ev].dropna(subset=["deviation_p95_ev_per_angstrom"])
        for number_of, (kelvin, hot) in enumerate(runs.groupby("temperature_k")):
            median = MILLI * hot.groupby("round")["deviation_p95_ev_per_angstrom"].median()
            axes[1, place].plot(median.index, median, color=u_colour(u_ev), label=f"{kelvin:g} K",
                                marker=MARKERS[number_of % len(MARKERS)],
                                alpha=0.4 + 0.6 * number_of / max(1, runs["temperature_k"]
                                                                  .nunique() - 1))
        axes[1, place].set(xlabel="learning round", yscale="log")
    plain_log(axes[1, 0])
    axes[0, 0].set_ylabel("share of explored frames")
    axes[1, 0].set_ylabel("force deviation,\n95 % quantile (meV/Å)")
    axes[1, 0].legend(title="exploring at", fontsize=9)
    legend_below(figure, axes[0])
    caption = (f"{count_of(len(table), 'exploring run')} of small cells. Top: frames on which the "
               "ensemble agrees (accurate), disagrees enough for a label (candidate), or which "
               "are beyond use (failed; a run that exploded has failed for the rest of its "
               "length). Bottom: largest force deviation of the ensemble, median over cells of "
               "each run's 95 % quantile.")
    return Picture("exploration", "Learning rounds", caption,
                   "Stacked shares of frames by learning round, and force deviations", figure)
