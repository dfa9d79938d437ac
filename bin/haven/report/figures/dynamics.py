"""Figures of the dynamics: thermostat, displacements, single ions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from haven.core.constants import Z95
from haven.core.numbers import count_of
from haven.core.types import Table, Tables
from haven.report.figures import vector
from haven.report.figures.scene_names import condition_name, run_name
from haven.report.figures.style import (
    Picture,
    frames_of_reference,
    legend_below,
    panels,
    plain_log,
    run_count,
    temperature_colours,
    u_colour,
    u_label,
    u_marker,
)
from haven.report.numbers.measured import nearest_temperature

if TYPE_CHECKING:
    from matplotlib.axes import Axes


MOST_NAMES = 40  # of runs on an axis


def at_room(table: Table) -> tuple[Table, dict[float, float]]:
    """Return each U's rows at its temperature nearest 298 K, and these temperatures by U, K."""
    near = {float(str(u_ev)): nearest_temperature(sorted(map(float, found.unique()))) or 0.0
            for u_ev, found in table.groupby("u_ev")["temperature_k"]}
    return table[table["temperature_k"] == table["u_ev"].map(near)], near


def kelvin_words(near: Mapping[float, float]) -> str:
    """Return temperatures by U in words: ``400 K``, or each with its U where they differ."""
    if len(set(near.values())) == 1:
        return f"{next(iter(near.values())):g} K"
    return " and ".join(f"{kelvin:g} K ({u_label(u_ev)})" for u_ev, kelvin in near.items())


def panel_title(u_ev: float, near: Mapping[float, float]) -> str:
    """Return the title of a U's panel, with its temperature where other panels have another."""
    only = len(set(near.values())) == 1
    return u_label(u_ev) if only else f"{u_label(u_ev)}, {near[float(u_ev)]:g} K"


def thermo(tables: Tables) -> Picture | None:
    """Mean and spread of the temperature of each run beside what the ensemble expects."""
    runs = tables["runs"]
    if runs.empty:
        return None
    runs = runs.sort_values(["u_ev", "temperature_k", "replica", "seed"]).reset_index(drop=True)
    figure, axes = panels(2, 1, height=6.0, sharex=True)
    for place, run in runs.iterrows():
        x, colour = int(str(place)), u_colour(run["u_ev"])
        off = run["temperature_mean_k"] - run["temperature_k"]
        drawn = axes[0, 0].errorbar(
            [x], [off], yerr=[run["temperature_std_k"]], fmt=u_marker(run["u_ev"]), color=colour,
            capsize=3, label=u_label(run["u_ev"]))
        vector.opens(drawn, f"{run_name(run)}|tracks")
        spread = run["temperature_std_expected_k"]
        axes[0, 0].plot([x - 0.4, x + 0.4, None, x - 0.4, x + 0.4],
                        [spread, spread, None, -spread, -spread], color="black", linewidth=1,
                        label="expected ± one standard deviation")
        stable = run["verdict"] == "stable"
        drift = axes[1, 0].scatter(
            [x], [run["energy_drift_mev_per_atom_per_ps"]], color=colour,
            marker=u_marker(run["u_ev"]) if stable else "X", s=36 if stable else 90)
        vector.opens(drift, f"{run_name(run)}|tracks")
    axes[0, 0].axhline(0, color="black", linewidth=0.8)
    axes[1, 0].axhline(0, color="black", linewidth=0.8)
    axes[0, 0].set(ylabel="temperature\nless set value (K)")
    axes[1, 0].set(ylabel="drift of conserved energy\n(meV per atom and ps)", xlabel="run")
    several = [key for key in ("replica", "seed") if runs[key].nunique() > 1]
    names = [" ".join([f"{run['temperature_k']:g} K", *(f"{key[0]}{run[key]}" for key in several)])
             for run in runs.to_dict("records")]
    step = -(-len(runs) // MOST_NAMES)  # names of more runs would lie upon each other
    axes[1, 0].set_xticks(range(0, len(runs), step), names[::step], rotation=90)
    legend_below(figure, axes.flat, 2)
    bad = int((runs["verdict"] != "stable").sum())
    caption = (f"{count_of(len(runs), 'run')}, {bad} not stable (crosses). Top: mean temperature "
               "with the standard deviation of its fluctuation; black bars: the canonical "
               "expectation T√(2/degrees of freedom). Bottom: slope of the conserved quantity.")
    return Picture("thermo", "Thermostat and energy", caption,
                   "Temperature offset and energy drift of each run beside the expectation", figure)


def temperature_series(tables: Tables) -> Picture | None:
    """Instantaneous temperature against time, per U."""
    table = tables["thermo"]
    if table.empty:
        return None
    us = sorted(table["u_ev"].unique())
    colours = temperature_colours(table["temperature_k"])
    figure, axes = panels(len(us), 1, height=2.7 * len(us) + 0.5, sharex=True)
    for axis, u_ev in zip(axes[:, 0], us, strict=True):
        mine = table[table["u_ev"] == u_ev]
        for key, run in mine.groupby(["temperature_k", "replica", "seed"]):
            run = run.sort_values("time_ps")
            smooth = run["temperature_now_k"].rolling(max(len(run) // 20, 1), min_periods=1).mean()
            drawn = axis.plot(run["time_ps"], smooth, color=colours[key[0]], linewidth=1.0,
                              label=f"{key[0]:g} K")
            vector.opens(drawn, f"{run_name(run.iloc[0])}|tracks")
        axis.set(ylabel="temperature (K)", title=u_label(u_ev))
    axes[-1, 0].set_xlabel("time since production began (ps)")
    legend_below(figure, axes.flat, 3, "set temperature")
    caption = f"{run_count(table)}; running mean over a twentieth of each run."
    return Picture("temperature", "Temperature of each run", caption,
                   "Temperature against time, one line a run, flat about the set value", figure)


def msd(tables: Tables) -> Picture | None:
    """Mean-square displacements self, total, distinct with the window of the fit."""
    table = tables["msd"]
    table = table[(table["axis"] == "xyz") & (table["lag_ps"] > 0)]
    if table.empty:
        return None
    us = sorted(table["u_ev"].unique())
    parts = [p for p in ("self", "total", "distinct") if p in set(table["quantity"])]
    colours = temperature_colours(table["temperature_k"])
    figure, axes = panels(len(parts), len(us), height=2.7 * len(parts) + 0.7, sharex=True,
                          sharey="row")
    for row, part in enumerate(parts):
        for column, u_ev in enumerate(us):
            axis = axes[row, column]
            mine = table[(table["quantity"] == part) & (table["u_ev"] == u_ev)]
            windows = []
            for key, curve in mine.groupby(["temperature_k", "replica", "seed"]):
                window = _window(tables["diffusion"], u_ev, key, part)
                _msd_curve(axis, curve.sort_values("lag_ps"), colours[key[0]], window,
                           f"{key[0]:g} K", positive=part != "distinct")
                windows += [window] if window else []
            if windows:
                axis.axvspan(min(w[0] for w in windows), max(w[1] for w in windows),
                             color="#eeeeee", zorder=-1)
            axis.set_xscale("log")
            if part == "distinct":
                axis.axhline(0, color="black", linewidth=0.8)
            else:
                axis.set_yscale("log")
                _slope_one(axis, mine)
            if row == 0:
                axis.set_title(u_label(u_ev))
            if column == 0:
                axis.set_ylabel(f"MSD {part} (Å²)")
    for axis in axes.flat:
        plain_log(axis, "x")
        if axis.get_yscale() == "log":
            plain_log(axis)
    for axis in axes[-1, :]:
        axis.set_xlabel("time lag (ps)")
    legend_below(figure, axes.flat, 4)
    caption = (f"{run_count(table)}, per mobile ion, all time origins; frame of reference: "
               f"{frames_of_reference(table)}. Bands: 95 %. Thick: the window each fit used, "
               "chosen from the data; shading: from the first to the last of them; dashed: slope 1 "
               "(diffusive). The distinct part (total less self) may be negative, so its axis is "
               "linear. "
               + verdict_sentence(tables["diffusion"]))
    return Picture("msd", "Mean-square displacement", caption,
                   "Mean-square displacement against lag: self, total and distinct, by U and "
                   "temperature", figure)


def _msd_curve(
    axis: Axes, curve: Table, colour: tuple, window: tuple[float, float] | None, label: str,
    positive: bool,
) -> None:
    lag, value = curve["lag_ps"].to_numpy(), curve["value_angstrom2"].to_numpy()
    half = Z95 * curve["standard_error_angstrom2"].astype(float).to_numpy()
    drawn = axis.plot(lag, value, color=colour, linewidth=1.1, label=label)
    vector.opens(drawn, f"{run_name(curve.iloc[0])}|tracks")
    known, low = half == half, value - half
    low = low if positive is False else low.clip(0.2 * abs(value))  # a log axis has no 0
    axis.fill_between(lag[known], low[known], (value + half)[known], color=colour, alpha=0.18,
                      linewidth=0)
    if window:
        inside = (lag >= window[0]) & (lag <= window[1])
        axis.plot(lag[inside], value[inside], color=colour, linewidth=2.8)


def _slope_one(axis: Axes, mine: Table) -> None:
    positive = mine[mine["value_angstrom2"] > 0]
    if positive.empty:
        return
    top = positive.sort_values("lag_ps").iloc[-1]
    lag, value = float(top["lag_ps"]), float(positive["value_angstrom2"].max())
    axis.plot([lag / 10, lag], [value / 10 * 1.5, value * 1.5], "--", color="black", linewidth=1,
              label="slope 1")


def _window(
    diffusion: Table, u_ev: float, key: tuple, part: str
) -> tuple[float, float] | None:
    rows = diffusion[(diffusion["u_ev"] == u_ev) & (diffusion["temperature_k"] == key[0])
                     & (diffusion["replica"] == key[1]) & (diffusion["seed"] == key[2])
                     & (diffusion["quantity"] == part) & (diffusion["axis"] == "xyz")]
    rows = rows.dropna(subset=["fit_start_ps", "fit_stop_ps"])
    if rows.empty:
        return None
    return float(rows.iloc[0]["fit_start_ps"]), float(rows.iloc[0]["fit_stop_ps"])


def verdict_sentence(diffusion: Table) -> str:
    """Return how many runs are diffusive for each quantity, as a sentence."""
    rows = diffusion[(diffusion["axis"] == "xyz") & diffusion["quantity"].isin(["self", "total"])]
    if rows.empty:
        return "No fit was made."
    parts = []
    for quantity, mine in rows.groupby("quantity"):
        counts = mine["verdict"].value_counts()
        words = ", ".join(f"{n} {str(v).replace('_', ' ')}" for v, n in counts.items())
        parts.append(f"{quantity} {words}")
    return "Verdicts: " + "; ".join(parts) + "."


def tracks(tables: Tables) -> Picture | None:
    """Displacement and layer of single ions against time, one column a U."""
    table = tables["tracks"]
    if table.empty:
        return None
    table, near = at_room(table)
    us = sorted(table["u_ev"].unique())
    figure, axes = panels(2, len(us), height=5.4, sharex=True, sharey="row")
    for column, u_ev in enumerate(us):
        mine = table[table["u_ev"] == u_ev]
        for key in ("replica", "seed"):
            mine = mine[mine[key] == mine[key].min()]
        reach = mine.groupby("ion")["displacement_angstrom"].max().sort_values(ascending=False)
        for order, ion in enumerate(reach.index[:5]):
            one = mine[mine["ion"] == ion].sort_values("time_ps")
            colour = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7")[order]
            far = axes[0, column].plot(one["time_ps"], one["displacement_angstrom"], color=colour,
                                       linewidth=0.9, label=f"ion {ion}, {u_label(u_ev)}")
            layers = axes[1, column].step(
                one["time_ps"], one["layer"] + 0.06 * (order - 2), color=colour, linewidth=1.2,
                where="post", label=f"ion {ion}, {u_label(u_ev)}")
            for drawn in (far, layers):
                vector.opens(drawn, f"{run_name(one.iloc[0])}|tracks|{ion}")
        axes[0, column].set_title(panel_title(u_ev, near))
        axes[1, column].set_xlabel("time (ps)")
    axes[0, 0].set_ylabel("displacement (Å)")
    axes[1, 0].set_ylabel("cation layer\n(unwrapped number)")
    axes[1, 0].yaxis.get_major_locator().set_params(integer=True)
    caption = (f"The five tracked ions that went farthest at {kelvin_words(near)} in the first "
               "replica of each U, in the host's frame; chosen for their displacement, so not "
               "typical. A step of the layer number is an inter-layer hop; lines are offset to be "
               "told apart.")
    return Picture("tracks", "Single-ion tracks", caption,
                   "Displacement and layer of single ions against time", figure)


def van_hove(tables: Tables) -> Picture | None:
    """Self and distinct parts of the van Hove function near 298 K."""
    table = tables["van_hove"]
    if table.empty:
        return None
    table, near = at_room(table)
    us, parts = sorted(table["u_ev"].unique()), [p for p in ("self", "distinct")
                                                if p in set(table["part"])]
    colours = temperature_colours(table["lag_ps"])
    figure, axes = panels(len(parts), len(us), height=2.8 * len(parts) + 0.6, sharex=True,
                          sharey="row")
    for row, part in enumerate(parts):
        for column, u_ev in enumerate(us):
            axis = axes[row, column]
            mine = table[(table["part"] == part) & (table["u_ev"] == u_ev)]
            for lag, curves in mine.groupby("lag_ps"):
                mean = curves.groupby("r_angstrom")["density"].mean()
                drawn = axis.plot(mean.index, mean, color=colours[float(str(lag))],
                                  label=f"{lag:g} ps")
                vector.opens(drawn, f"{condition_name(curves.iloc[0])}|tracks")
            if row == 0:
                axis.set_title(panel_title(u_ev, near))
            axis.set_xlabel("r (Å)" if row == len(parts) - 1 else "")
        axes[row, 0].set_ylabel("4πr²Gₛ(r, t) (1/Å)" if part == "self" else "G_d(r, t) / density")
    axes[0, 0].set_yscale("symlog", linthresh=0.01)
    legend_below(figure, axes.flat, 4, "lag")
    caption = (f"At {kelvin_words(near)}, {run_count(table)}. Self: where an ion is after the "
               "lag; a second hump at the site distance is a hop. Distinct: other ions about "
               "where one was; a peak growing at r = 0 means ions follow each other.")
    return Picture("van_hove", "Van Hove functions", caption,
                   "Van Hove functions for several lags, by U", figure)
