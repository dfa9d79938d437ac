"""Figures of the structure: the potential's beside first-principles dynamics', in each cell."""

from __future__ import annotations

import numpy as np

from haven.core.types import Table, Tables
from haven.report.figures.dynamics import at_room, kelvin_words
from haven.report.figures.style import Picture, legend_below, panels, run_count, u_colour, u_label

PAIRS = ("Cl-Ti", "Cl-Li", "Li-Ti", "Ti-Li", "Li-Li", "Cl-Cl", "Ti-Ti")  # the paper's order
BLOCKS = 10  # the potential's run is this many times as long, and rdf has so many blocks


def rdf(tables: Tables) -> Picture | None:
    """Radial distribution functions by pair, DLMD by U and AIMD where there is one."""
    table = tables["rdf"]
    both = {"dlmd_cell", "aimd"} <= set(table["source"])
    table = table[table["source"] != "dlmd_cell"]
    if table.empty:
        return None
    table, near = _beside_aimd(table)
    found = list(table["pair"].unique())
    pairs = [p for p in PAIRS if p in found] + sorted(p for p in found if p not in PAIRS)
    rows = (len(pairs) + 1) // 2
    figure, axes = panels(rows, 2, height=2.2 * rows + 0.6, sharex=True)
    for axis, pair in zip(axes.flat, pairs, strict=False):
        mine = table[table["pair"] == pair]
        for (u_ev, source), curves in mine.groupby(["u_ev", "source"]):
            mean = curves.groupby("r_angstrom")[["g", "g_low_95", "g_high_95"]].mean().astype(float)
            dlmd = source == "dlmd"
            line = ("-" if u_ev == 0 else "--") if dlmd else (":" if u_ev else "-.")
            axis.plot(mean.index, mean["g"], line, linewidth=1.6 if dlmd else 1.1,
                      color=u_colour(u_ev) if dlmd else "black",
                      label=f"{'potential' if dlmd else 'AIMD'}, {u_label(u_ev)}"
                      + _other_kelvin(curves, near, float(str(u_ev))))
            axis.fill_between(mean.index, mean["g_low_95"], mean["g_high_95"], alpha=0.25,
                              color=u_colour(u_ev), linewidth=0)
        axis.set(title=pair, ylabel="g(r)")
    for axis in axes.flat[len(pairs):]:
        axis.remove()
    for column in range(2):
        shown = [a for a in axes[:, column] if a.figure is not None]
        if shown:
            shown[-1].set_xlabel("r (Å)")
            shown[-1].tick_params(labelbottom=True)
    legend_below(figure, axes.flat, 2)
    aimd = (" AIMD: a much smaller cell and a short run, so compare where peaks are, not their "
            "heights." if (table["source"] == "aimd").any()
            else " No AIMD trajectory was given to compare.")
    if both:
        aimd += " “Structure: first principles against the potential” has both in one cell."
    dlmd_rows = table[table["source"] == "dlmd"]
    runs = run_count(dlmd_rows if len(dlmd_rows) else table)
    caption = (f"The potential at {kelvin_words(near)}, {runs}; bands: 95 % over blocks of "
               f"time.{aimd}")
    return Picture("rdf", "Radial distribution functions", caption,
                   "Radial distribution functions of each pair of elements, by U", figure)


def _beside_aimd(table: Table) -> tuple[Table, dict[float, float]]:
    """Return the potential's rows near 298 K, AIMD's nearest to them, and each U's K."""
    import pandas as pd

    dlmd, aimd = (table[table["source"] == source] for source in ("dlmd", "aimd"))
    shown, near = at_room(dlmd if len(dlmd) else aimd)
    off = (aimd["temperature_k"] - aimd["u_ev"].map(near).fillna(min(near.values()))).abs()
    kelvin = aimd["temperature_k"][off.groupby(aimd["u_ev"]).transform("idxmin")]
    nearest = aimd[aimd["temperature_k"].to_numpy() == kelvin.to_numpy()]
    return pd.concat([shown, nearest]) if len(dlmd) else nearest, near


def _other_kelvin(curves: Table, near: dict[float, float], u_ev: float) -> str:
    """Return the temperature of curves for a legend, where it is not the one of their U."""
    there = sorted(set(curves["temperature_k"]) - {near.get(u_ev)})
    return f", {' and '.join(f'{t:g}' for t in there)} K" if there else ""


def beside(curves: Table) -> Table:
    """Return AIMD's g beside the range in which 95 % of runs as long with the potential lie.

    Parameters
    ----------
    curves
        Rows of table ``rdf`` of one U, temperature and pair, of both sources.

    Returns
    -------
    DataFrame
        By r (Angstrom): aimd, dlmd, low, high; empty unless both are there. The potential's run is
        ten blocks of AIMD's length: their scatter, which its interval holds divided by the root of
        ten, is that of one more run.
    """
    parts = {source: curves[curves["source"] == source].groupby("r_angstrom")[["g", "g_high_95"]]
             .mean().astype(float) for source in ("aimd", "dlmd_cell")}
    joined = parts["aimd"][["g"]].rename(columns={"g": "aimd"}).join(parts["dlmd_cell"],
                                                                     how="inner")
    half = (joined["g_high_95"] - joined["g"]) * np.sqrt(BLOCKS + 1)
    return joined.assign(dlmd=joined["g"], low=np.maximum(joined["g"] - half, 0),
                         high=joined["g"] + half)[["aimd", "dlmd", "low", "high"]]


def inside(joined: Table) -> float:
    """Return the share of bins, empty ones left out, in which AIMD lies inside the range."""
    kept = joined[(joined["aimd"] > 0) | (joined["dlmd"] > 0)]
    return float(((kept["aimd"] >= kept["low"]) & (kept["aimd"] <= kept["high"])).mean())


def rdf_cell(tables: Tables) -> Picture | None:
    """Radial distributions of AIMD and of the potential in AIMD's cell, by pair and U."""
    import pandas as pd

    table = tables["rdf"]
    runs = table[table["source"] == "dlmd_cell"].drop_duplicates(["u_ev", "temperature_k"])
    found = {(r["u_ev"], r["temperature_k"]): table[
        (table["u_ev"] == r["u_ev"]) & (table["temperature_k"] == r["temperature_k"])]
        for r in runs.to_dict("records")}
    found = {key: rows for key, rows in found.items() if (rows["source"] == "aimd").any()}
    if not found:
        return None
    # pairs that are nowhere within half the cell have nothing to show
    pairs = sorted({p for rows in found.values() for p in rows[rows["g"] > 0]["pair"]},
                   key=lambda p: (PAIRS.index(p) if p in PAIRS else len(PAIRS), p))
    figure, axes = panels(len(pairs), len(found), height=1.9 * len(pairs) + 0.6, sharex=True,
                          sharey="row")
    said = []
    for column, ((u_ev, temperature_k), rows) in enumerate(sorted(found.items())):
        shares: list[Table] = []
        for axis, pair in zip(axes[:, column], pairs, strict=True):
            joined = beside(rows[rows["pair"] == pair])
            shares.append(joined)
            axis.fill_between(joined.index, joined["low"], joined["high"], alpha=0.3, linewidth=0,
                              color=u_colour(u_ev), label="95 % of runs as long, potential")
            axis.plot(joined.index, joined["dlmd"], color=u_colour(u_ev), linewidth=1.4,
                      label="potential, same cell")
            axis.plot(joined.index, joined["aimd"], ":", color="black", linewidth=1.6, label="AIMD")
            axis.set_ylabel(f"g(r), {pair}" if column == 0 else "")
        axes[0, column].set_title(f"{u_label(u_ev)}, {temperature_k:g} K")
        axes[-1, column].set_xlabel("r (Å)")
        share = inside(pd.concat(shares))
        said.append(f"{u_label(u_ev)}: {100 * share:.0f} %")
    legend_below(figure, axes.flat, 2)
    caption = ("First-principles dynamics and the potential's in the same small cell, the latter "
               "ten times as long. Bands: where 95 % of runs of AIMD's length would lie if the "
               f"potential were exact. Bins in which AIMD lies inside: {'; '.join(said)} "
               "(neighbouring bins are not independent). Beyond half the cell, ions see their own "
               "images, in both alike; one short run from one arrangement of the cations says "
               "nothing of others.")
    return Picture("rdf_cell", "Structure: first principles against the potential", caption,
                   "Radial distributions of AIMD as dotted lines over the potential's band",
                   figure)
