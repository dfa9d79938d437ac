"""Figures of the labels and of the potential: what was learnt, and how well."""

from __future__ import annotations

from typing import Any

from haven.core.numbers import count_of
from haven.core.types import Table, Tables
from haven.report.figures.style import (
    BY_SPECIES,
    Picture,
    legend_below,
    panels,
    plain_log,
    u_colour,
    u_label,
    u_marker,
)

MEV = 1000.0  # meV in an eV


def labels(tables: Tables) -> Picture | None:
    """Energies, largest forces and what U changes on the same frames."""
    import seaborn as sns

    table = tables["labels"]
    table = table[table["verdict"] == "accepted"]
    if table.empty:
        return None
    change = force_change(tables["parity"])
    figure, axes = panels(2 if change.empty else 3, 1, height=6.2 if change.empty else 9.0)
    for u_ev, mine in table.groupby("u_ev"):
        centred = (mine["energy_ev_per_atom"] - mine["energy_ev_per_atom"].min()) * MEV
        sns.ecdfplot(x=centred, ax=axes[0, 0], color=u_colour(u_ev), label=u_label(u_ev),
                     linestyle="-" if u_ev == 0 else "--")
        axes[1, 0].scatter(mine["force_rms_ev_per_angstrom"], mine["force_max_ev_per_angstrom"],
                           s=30, alpha=0.75, color=u_colour(u_ev), marker=u_marker(u_ev),
                           label=u_label(u_ev), edgecolor="white", linewidth=0.4)
    axes[0, 0].set(xlabel="energy above the lowest at that U (meV/atom)",
                   ylabel="share of frames")
    axes[1, 0].set(xlabel="RMS force component (eV/Å)", ylabel="largest force (eV/Å)")
    axes[0, 0].legend(loc="lower right")
    axes[1, 0].legend(loc="best")
    if not change.empty:
        for element, mine in change.groupby("species"):
            sns.ecdfplot(x=mine["change"].abs() * MEV, ax=axes[2, 0], label=element,
                         color=BY_SPECIES.get(str(element), "#000000"),
                         linestyle={"Li": "-", "Ti": "--", "Cl": "-."}.get(str(element), ":"))
        axes[2, 0].set(xlabel=f"|force component at {u_label(change['high'].iloc[0])} less "
                       f"{u_label(change['low'].iloc[0])}| (meV/Å)", ylabel="share of\ncomponents")
        axes[2, 0].legend(loc="lower right")
    kept = ", ".join(f"{count_of(len(mine), 'frame')} at {u_label(u_ev)}"
                     for u_ev, mine in table.groupby("u_ev"))
    dropped = int((tables["labels"]["verdict"] != "accepted").sum())
    caption = (f"First-principles labels: {kept}; {count_of(dropped, 'frame')} rejected. Top: "
               "cumulative distribution of the energy. Next: each point is a frame. "
               f"{'' if change.empty else 'Last: what U changes. '}{change_sentence(change)}")
    title = "Labels: energies and forces" if change.empty else "Labels: what U changes"
    return Picture("labels", title, caption,
                   "Cumulative distribution of label energies and scatter of label forces, by U",
                   figure)


def force_change(parity: Table) -> Table:
    """Return how the labelled forces of the same frames differ between the lowest and highest U.

    Parameters
    ----------
    parity
        The table ``parity``; its ``reference`` column holds the labels.

    Returns
    -------
    pandas.DataFrame
        Columns species, change (eV/Angstrom, high less low), low and high (U, eV); empty when no
        frame was labelled at both.
    """
    import pandas as pd

    keys = ["trajectory", "frame", "species", "component", "number"]
    forces = parity[(parity["quantity"] == "force") & (parity["species"] != "all")]
    us = sorted(forces["u_ev"].unique())
    empty = pd.DataFrame(columns=["species", "change", "low", "high"])
    if len(us) < 2:
        return empty
    sides = []
    for u_ev in (us[0], us[-1]):
        mine = forces[forces["u_ev"] == u_ev]
        mine = mine[mine["seed"] == mine["seed"].min()]
        sides.append(mine[[*keys, "reference"]])
    both = sides[0].merge(sides[1], on=keys, suffixes=("_low", "_high"))
    change = both["reference_high"] - both["reference_low"]
    return both[["species"]].assign(change=change, low=us[0], high=us[-1]) if len(both) else empty


def change_sentence(change: Table) -> str:
    """Return the mean difference of the labelled forces between two U, as a sentence."""
    if change.empty:
        return "No frame was labelled at two values of U: what U changes is not shown."
    parts = ", ".join(f"{element} {mine['change'].abs().mean() * MEV:.0f}"
                      for element, mine in change.groupby("species"))
    return (f"On the same frames the labelled force components at "
            f"{u_label(change['high'].iloc[0])} and {u_label(change['low'].iloc[0])} differ by "
            f"{change['change'].abs().mean() * MEV:.0f} meV/Å on average ({parts} meV/Å).")


def learning_curve(tables: Tables) -> Picture | None:
    """Errors against the training step, per U and seed."""
    table = tables["learning_curve"]
    if table.empty:
        return None
    figure, axes = panels(2, 1, height=6.2, sharex=True)
    parts = (("energy_error", "ev_per_atom", "energy error (meV/atom)"),
             ("force_error", "ev_per_angstrom", "force error (meV/Å)"))
    for axis, (name, unit, label) in zip(axes[:, 0], parts, strict=True):
        for (u_ev, _seed), curve in table.groupby(["u_ev", "seed"]):
            curve = curve[curve["step"] > 0].sort_values("step")
            for part, line in (("train", ":"), ("test", "-")):
                values = curve[f"{name}_{part}_{unit}"].astype(float)
                smooth = values.rolling(max(len(values) // 12, 1), min_periods=1).median()
                axis.plot(curve["step"], smooth * MEV, line, color=u_colour(u_ev),
                          label=f"{u_label(u_ev)}, {part}", alpha=0.9 if part == "test" else 0.7)
        axis.set(xscale="log", yscale="log", ylabel=label)
        plain_log(axis)
    axes[1, 0].set_xlabel("training step")
    legend_below(figure, axes.flat, 2)
    count = count_of(len(table.drop_duplicates(["u_ev", "seed"])), "training")
    kinds = " and ".join({"rmse": "root-mean-square errors",
                          "mae": "mean errors (of force: of the error vector's length)"}[measure]
                         for measure in sorted(set(table["measure"]), reverse=True))
    caption = (f"{kinds.capitalize()} during {count}, running median of batches; dotted: frames "
               "trained on, solid: frames held out. Solid far above dotted means overfitting.")
    return Picture("learning_curve", "Training", caption,
                   "Energy and force errors falling with the training step, by U", figure)


def density(x: Any, y: Any) -> Any:
    """Return how many points lie in each point's cell of a 60 x 60 grid, shape of ``x``."""
    import numpy as np

    counts, rows, columns = np.histogram2d(x, y, bins=60)
    place = (np.clip(np.digitize(v, edges) - 1, 0, 59) for v, edges in ((x, rows), (y, columns)))
    return counts[tuple(place)]


def _parity_panel(axis: Any, points: Table, energy: bool) -> None:
    """Draw one parity plot, points coloured by how many lie together, with its RMSE."""
    unit, scale = ("meV/atom", MEV) if energy else ("eV/Å", 1.0)
    error = points["predicted"] - points["reference"]
    points = points.sample(min(len(points), 4000), random_state=0)
    shift = points["reference"].mean() if energy else 0.0
    x, y = ((points[name] - shift) * scale for name in ("reference", "predicted"))
    crowd = density(x, y)
    order = crowd.argsort()  # the densest on top
    axis.scatter(x.iloc[order], y.iloc[order], c=crowd[order], s=14 if energy else 6, norm="log",
                 cmap="viridis", linewidth=0, rasterized=True)
    lines = [*axis.get_xlim(), *axis.get_ylim()]
    ends = (min(lines), max(lines))
    axis.plot(ends, ends, color="black", linewidth=0.9, zorder=0)
    axis.locator_params(nbins=5)
    axis.set(xlim=ends, ylim=ends, aspect="equal", xlabel=f"label ({unit})",
             ylabel=f"potential ({unit})")
    rmse = float((error**2).mean() ** 0.5) * MEV
    axis.text(0.04, 0.96, f"RMSE {rmse:.3g} {'meV/atom' if energy else 'meV/Å'}", va="top",
              transform=axis.transAxes, fontsize="small")


def parity(tables: Tables) -> Picture | None:
    """Predicted against label: energies, and forces of each element, held-out frames, for each U.

    Of several potentials of one U the first is shown, which drives the dynamics.
    """
    table = tables["parity"]
    table = table[(table["subset"] == "test") & table["quantity"].isin(["energy", "force"])]
    if table.empty:
        return None
    table = table[table["seed"] == table.groupby("u_ev")["seed"].transform("min")]
    species = sorted(set(table.loc[table["quantity"] == "force", "species"]) - {"all"})
    parts = [("energy", "all"), *(("force", s) for s in species)]
    us = sorted(table["u_ev"].unique())
    figure, axes = panels(len(parts), max(len(us), 2), height=3.1 * len(parts))
    for row, (quantity, element) in zip(axes, parts, strict=True):
        mine = table[(table["quantity"] == quantity)]
        mine = mine[mine["species"] == element] if quantity == "force" else mine
        for axis, u_ev in zip(row, us, strict=False):
            what = "energy" if quantity == "energy" else f"force on {element}"
            axis.set_title(f"{what}, {u_label(u_ev)}", fontsize="medium")
            if len(points := mine[mine["u_ev"] == u_ev]):
                _parity_panel(axis, points, quantity == "energy")
        for axis in row[len(us):]:
            axis.remove()
    frames = len(table.drop_duplicates(["trajectory", "frame"]))
    caption = (f"Held-out {count_of(frames, 'frame')} of "
               f"{count_of(table['trajectory'].nunique(), 'trajectory').replace('ys', 'ies')}: "
               "potential against label; energies less their mean, all components of the forces; "
               "lighter: more points lie together; line: equality.")
    return Picture("parity", "Parity on held-out trajectories", caption,
                   "Scatter of predicted against labelled energies and forces about the diagonal",
                   figure)


def residuals(tables: Tables) -> Picture | None:
    """Distribution of the force errors per element."""
    import numpy as np

    table = tables["parity"]
    table = table[(table["subset"] == "test") & (table["quantity"] == "force")]
    if table.empty:
        return None
    error = (table["predicted"] - table["reference"]) * MEV
    reach = float(np.percentile(error.abs(), 99.0)) or 1.0
    bins = np.linspace(-reach, reach, 61)
    us = sorted(table["u_ev"].unique())
    figure, axes = panels(len(us), 1, height=2.6 * len(us) + 0.5, sharex=True)
    for axis, u_ev in zip(axes[:, 0], us, strict=True):
        for element, mine in table[table["u_ev"] == u_ev].groupby("species"):
            if element == "all":
                continue
            axis.hist(error[mine.index], bins=bins.tolist(), density=True, histtype="step",
                      linewidth=1.8, color=BY_SPECIES.get(element, "#000000"), label=element,
                      linestyle={"Li": "-", "Ti": "--", "Cl": "-."}.get(element, ":"))
        axis.axvline(0, color="black", linewidth=0.8)
        axis.set(ylabel="density (Å/meV)", title=u_label(u_ev))
    axes[-1, 0].set_xlabel("force error, potential less label (meV/Å)")
    legend_below(figure, axes.flat)
    caption = ("Errors of all force components on held-out frames, per element; the outermost 1 % "
               "lies outside the picture.")
    return Picture("residuals", "Force errors", caption,
                   "Histograms of force errors per element centred on zero", figure)


def accuracy_by_species(tables: Tables) -> Picture | None:
    """Force RMSE per element beside the error of predicting the mean force."""
    import numpy as np

    table = tables["accuracy"]
    table = table[(table["subset"] == "test") & (table["quantity"] == "force")
                  & (table["component"] == "all")]
    if table.empty:
        return None
    species = [*sorted(set(table["species"]) - {"all"}), "all"]
    us = sorted(table["u_ev"].unique())
    figure, axes = panels(height=3.4)
    axis = axes[0, 0]
    for index, u_ev in enumerate(us):
        for place, element in enumerate(species):
            mine = table[(table["u_ev"] == u_ev) & (table["species"] == element)]
            if mine.empty:
                continue
            x = place + (index - (len(us) - 1) / 2) * 0.25
            value = mine["rmse"].mean() * MEV
            low = mine["rmse_low_95"].astype(float).min() * MEV
            high = mine["rmse_high_95"].astype(float).max() * MEV
            bar = [[max(value - low, 0)], [max(high - value, 0)]] if np.isfinite(low) else None
            axis.errorbar([x], [value], yerr=bar, fmt=u_marker(u_ev), color=u_colour(u_ev),
                          capsize=4, label=u_label(u_ev))
            base = mine["baseline_rmse"].mean() * MEV
            axis.plot([x - 0.1, x + 0.1], [base, base], color="black",
                      label="predicting the mean force")
    axis.set(yscale="log", ylabel="force RMSE (meV/Å)", xlabel="element")
    plain_log(axis)
    axis.set_xticks(range(len(species)), species)
    legend_below(figure, [axis], 3)
    caption = ("Force error on held-out trajectories per element with the 95 % interval of a "
               "bootstrap over trajectories; black: the error of always predicting the mean.")
    return Picture("accuracy", "Force error per element", caption,
                   "Force error per element with intervals, beside that of the mean force", figure)
