"""Figures of transport: diffusion, conductivity, Haven ratio, hops."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from haven.core.constants import BOLTZMANN_EV_PER_K
from haven.core.numbers import count_of, known
from haven.core.types import Table, Tables
from haven.report.figures import vector
from haven.report.figures.scene_names import condition_name
from haven.report.figures.style import (
    Picture,
    decade_limits,
    frames_of_reference,
    joint_legend,
    legend_below,
    panels,
    plain_log,
    run_count,
    u_colour,
    u_label,
    u_marker,
)
from haven.report.numbers.haven_ratio import mean_ratios, mean_sentence
from haven.report.numbers.measured import ROOM
from haven.transport.fits.standing import line_note

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matplotlib.axes import Axes

KILO = 1000.0
BEYOND = 1.02  # how far lines go on beyond the data, as a factor of the temperature


def _points(axis: Axes, mine: Table, u_ev: float, shift: float, filled: bool = True) -> None:
    """Draw values with 95 % bars, and arrows down from upper bounds, against 1000/T."""
    colour = u_colour(u_ev)
    for row in mine.to_dict("records"):
        x = KILO / row["temperature_k"] + shift
        if row["value"] == row["value"] and row["value"] > 0:
            low = max(row["low_95"], row["value"] * 1e-3)
            drawn = axis.errorbar(
                [x], [row["value"]], yerr=[[row["value"] - low], [row["high_95"] - row["value"]]],
                fmt=u_marker(u_ev), color=colour, capsize=3, markersize=6,
                markerfacecolor=colour if filled else "white", label=u_label(u_ev))
        elif row["high_95"] == row["high_95"] and row["high_95"] > 0:
            drawn = axis.errorbar(
                [x], [row["high_95"]], yerr=[[row["high_95"] * 0.45], [0]], uplims=[True], fmt="_",
                color=colour, markersize=10, capsize=3, label=f"{u_label(u_ev)}, upper bound")
        else:
            continue
        vector.opens(drawn, f"{condition_name(row)}|tracks")


def _kelvin_axis(axis: Axes, temperatures: list[float]) -> None:
    """Add the temperature in kelvin above an axis of 1000/T, whose data and lines are drawn."""
    top = axis.secondary_xaxis("top", functions=(lambda x: x, lambda x: x))
    start, stop = axis.get_xlim()
    room = max(0.11 * (stop - start), 0.06)  # what a label takes
    kept: list[float] = []
    for t in sorted(temperatures):
        if not kept or KILO / kept[-1] - KILO / t > room:
            kept.append(t)
    top.set_xticks([KILO / t for t in kept], [f"{t:g}" for t in kept])
    top.set_xlabel("temperature (K)")


def _limits(axis: Axes, mine: Table, extra: list[float] | None = None) -> None:
    numbers = [*mine["value"].dropna(), *mine["high_95"].dropna(), *mine["low_95"].dropna()]
    positive = [n for n in [*numbers, *(extra or [])] if n > 0]
    if positive:
        axis.set_yscale("log")
        floor = min([max(positive) * 1e-4, *(extra or [])])
        decade_limits(axis, max(min(positive), floor) * 0.5, max(positive))


def diffusion(tables: Tables, measured: Table) -> Picture | None:
    """D_self and D_total against 1/T with intervals, bounds and the fitted line."""
    mine = measured[measured["quantity"].isin(["d_self", "d_total"])]
    if mine.empty:
        return None
    figure, axes = panels(2, 1, height=7.0, sharex=True)
    us = sorted(mine["u_ev"].unique())
    names = {"d_self": "D self (cm²/s)", "d_total": "D total (cm²/s)"}
    for axis, (quantity, label) in zip(axes[:, 0], names.items(), strict=True):
        for index, u_ev in enumerate(us):
            rows = mine[(mine["quantity"] == quantity) & (mine["u_ev"] == u_ev)]
            _points(axis, rows, u_ev, 0.008 * (index - (len(us) - 1) / 2))
        _lines(axis, tables["arrhenius"], quantity, mine["temperature_k"])
        fits = tables["arrhenius"]
        ends = fits.loc[fits["quantity"] == quantity, "d_298_cm2_per_s"].dropna()
        _limits(axis, mine[mine["quantity"] == quantity], list(ends.astype(float)))
        axis.set_ylabel(label)
    lined = (tables["arrhenius"]["verdict"] == "diffusive").any()
    _kelvin_axis(axes[0, 0], [*([ROOM] if lined else []), *mine["temperature_k"].unique()])
    axes[1, 0].set_xlabel("1000 / T (1/K)")
    joint_legend(figure, list(axes[:, 0]))
    fitted = tables["arrhenius"]
    line = " Lines: Arrhenius fits."
    if not (fitted["verdict"] == "diffusive").any():
        line = " No Arrhenius line is supported."
    table = tables["diffusion"]
    caption = (f"{run_count(table)}, joined over replicas; bars: 95 % intervals; arrows: 95 % "
               "upper bounds of runs that are not diffusive yet. Frame of reference: "
               f"{frames_of_reference(table)}.{line}")
    return Picture("diffusion", "Diffusion coefficients", caption,
                   "Self and total diffusion coefficient against inverse temperature, by U", figure)


def _lines(axis: Axes, fits: Table, quantity: str, temperatures: Iterable[float]) -> None:
    """Draw D = D0 exp(-Ea/kT), or sigma T = A exp(-Ea/kT), of trusted fits, to 298 K and the data.

    Parameters
    ----------
    axis
        Of 1000/T.
    fits, quantity
        Table ``arrhenius``, and whose lines.
    temperatures
        Of the data, K.
    """
    import numpy as np

    kelvin = (ROOM, *temperatures)
    x = np.linspace(KILO / (BEYOND * max(kelvin)), KILO * BEYOND / min(kelvin), 60)
    for fit in fits[(fits["quantity"] == quantity) & (fits["verdict"] == "diffusive")].to_dict(
            "records"):
        if not fit["prefactor"] or fit["prefactor"] != fit["prefactor"]:
            continue
        y = fit["prefactor"] * np.exp(-fit["activation_ev"] * x / (KILO * BOLTZMANN_EV_PER_K))
        y = y * x / KILO if quantity.startswith("sigma") else y
        axis.plot(x, y, color=u_colour(fit["u_ev"]), linewidth=1.0, zorder=0,
                  linestyle="-" if fit["u_ev"] == 0 else "--",
                  label=f"{u_label(fit['u_ev'])}, Arrhenius line"
                        f"{line_note(fit)}")


def answer(tables: Tables, measured: Table, reference: Table) -> Picture | None:
    """Conductivity against 1/T with its line to 298 K, for the report's first screen."""
    mine = measured[measured["quantity"] == "sigma_total"]
    fits = tables["arrhenius"]
    fits = fits[(fits["quantity"] == "sigma_total") & (fits["verdict"] == "diffusive")]
    if mine[["value", "high_95"]].isna().all(axis=None) and fits.empty:
        return None
    figure, axes = panels(height=4.0)
    axis = axes[0, 0]
    us = sorted(mine["u_ev"].unique())
    for index, u_ev in enumerate(us):
        _points(axis, mine[mine["u_ev"] == u_ev], u_ev, 0.008 * (index - (len(us) - 1) / 2))
    _lines(axis, tables["arrhenius"], "sigma_total", mine["temperature_k"])
    ends = _at_room(axis, fits)
    published = reference[reference["quantity"] == "sigma_total"]
    _published(axis, published)
    _limits(axis, mine, [*published["value"], *ends])
    axis.set(ylabel="conductivity σ (mS/cm)", xlabel="1000 / T (1/K)")
    _kelvin_axis(axis, [ROOM, *mine["temperature_k"].unique()])
    joint_legend(figure, [axis])
    caption = ("Conductivity from the joint displacement of all ions (D total). Bars: 95 %; "
               f"arrows: upper bounds. {_line_words(fits, bool(ends))}"
               f"{' Black symbols: published.' if len(published) else ''}")
    return Picture("answer", "Conductivity against temperature", caption,
                   "Conductivity against inverse temperature with lines to 298 K and published "
                   "points", figure)


def _line_words(fits: Table, barred: bool) -> str:
    """Return for a caption what is drawn of the lines ``fits``, and whether bars at 298 K are."""
    if fits.empty:
        return "No Arrhenius line is supported."
    return "Lines: Arrhenius fits." + (
        f" Broad bars: the lines at {ROOM:g} K, 95 %." if barred else "")


def _at_room(axis: Axes, fits: Table) -> list[float]:
    """Draw the 95 % intervals of fitted conductivities at 298 K side by side; return their ends."""
    ends: list[float] = []
    rows = fits.sort_values("u_ev").to_dict("records")
    for index, fit in enumerate(rows):
        ends += room_bar(axis, fit, index, len(rows), u_colour(fit["u_ev"]),
                         f"{u_label(fit['u_ev'])}, line at {ROOM:g} K, 95 %")
    return ends


def room_bar(
    axis: Axes, fit: Mapping[str, Any], index: int, count: int, colour: str, label: str = "",
) -> list[float]:
    """Draw the 95 % interval of a fitted conductivity at 298 K, and return its ends.

    Parameters
    ----------
    axis
        Of 1000/T, logarithmic upward.
    fit
        Row of table ``arrhenius``; without an interval above zero nothing is drawn.
    index, count
        Place among so many bars, which stand side by side.
    colour, label
        Of the bar; without a label it is not in the legend.
    """
    low, high = fit["sigma_298_low_95"], fit["sigma_298_high_95"]
    if not known(low, high) or low <= 0:
        return []
    x = KILO / ROOM + 0.03 * (index - (count - 1) / 2)
    axis.plot([x, x], [low, high], color=colour, linewidth=4, alpha=0.35, solid_capstyle="butt",
              label=label or "_nolegend_")
    return [low, high]


def _published(axis: Axes, published: Table) -> None:
    """Mark published conductivities, calculated (those with a U) and measured."""
    for entry in published.to_dict("records"):
        calculated = entry["u_ev"] == entry["u_ev"]
        axis.scatter([KILO / entry["temperature_k"]], [entry["value"]],
                     s=240 if calculated else 70, zorder=4 if calculated else 5,
                     marker="*" if calculated else "P", edgecolor="black",
                     facecolor="white" if calculated else "black",  # where they lie on each other
                     label=f"{'calculation' if calculated else 'experiment'}, "
                           f"{str(entry['source']).split(',')[0]}")


def conductivity(
    tables: Tables, measured: Table, reference: Table
) -> Picture | None:
    """Conductivity against 1/T beside the paper's and experiment's."""
    mine = measured[measured["quantity"].isin(["sigma_total", "sigma_self"])]
    if mine.empty:
        return None
    figure, axes = panels(2, 1, height=7.4, sharex=True)
    us = sorted(mine["u_ev"].unique())
    published = reference[reference["quantity"] == "sigma_total"]
    names = {"sigma_total": "σ from D total (mS/cm)", "sigma_self": "σ from D self (mS/cm)"}
    fits = tables["arrhenius"]
    fits = fits[fits["quantity"].isin(names) & (fits["verdict"] == "diffusive")]
    barred = False
    for axis, (quantity, label) in zip(axes[:, 0], names.items(), strict=True):
        for index, u_ev in enumerate(us):
            rows = mine[(mine["quantity"] == quantity) & (mine["u_ev"] == u_ev)]
            _points(axis, rows, u_ev, 0.008 * (index - (len(us) - 1) / 2))
        _lines(axis, fits, quantity, mine["temperature_k"])
        ends = _at_room(axis, fits[fits["quantity"] == quantity])
        barred = barred or bool(ends)
        _published(axis, published)
        _limits(axis, mine[mine["quantity"] == quantity], [*published["value"], *ends])
        axis.set_ylabel(label)
    _kelvin_axis(axes[0, 0], [ROOM, *mine["temperature_k"].unique()])
    axes[1, 0].set_xlabel("1000 / T (1/K)")
    joint_legend(figure, list(axes[:, 0]))
    caption = (f"{run_count(tables['conductivity'])}, joined over replicas; bars: 95 % intervals; "
               "arrows: upper bounds. Top: from D total (what a cell measures); bottom: from D "
               "self (tracer), which ignores how the ions move together. "
               f"{_line_words(fits, barred)}"
               f"{' Black symbols: published.' if len(published) else ''}")
    return Picture("conductivity", "Ionic conductivity", caption,
                   "Ionic conductivity against inverse temperature beside published points", figure)


def haven_ratio(measured: Table, reference: Table) -> Picture | None:
    """Haven ratio against temperature."""
    rows = measured[measured["quantity"] == "haven_ratio"]
    shown = rows.dropna(subset=["value", "low_95", "high_95"])
    if shown.empty:
        return None
    figure, axes = panels(height=3.8)
    axis = axes[0, 0]
    us = sorted(rows["u_ev"].unique())
    for index, u_ev in enumerate(us):
        mine = shown[shown["u_ev"] == u_ev]
        shift = 1.2 * (index - (len(us) - 1) / 2)
        drawn = axis.errorbar(
            mine["temperature_k"] + shift, mine["value"],
            yerr=[mine["value"] - mine["low_95"], mine["high_95"] - mine["value"]],
            fmt=u_marker(u_ev), color=u_colour(u_ev), capsize=3, label=u_label(u_ev))
        vector.opens(drawn, *(f"{condition_name(row)}|tracks" for row in mine.to_dict("records")))
    for entry in reference[reference["quantity"] == "haven_ratio"].to_dict("records"):
        mark = " (?)" if entry["doubtful"] else ""
        axis.scatter([entry["temperature_k"]], [entry["value"]], s=110, marker="*",
                     facecolor="white", edgecolor="black", zorder=5,
                     label=f"{str(entry['source']).split(',')[0]}{mark}")
    axis.axhline(1, color="black", linewidth=0.9, linestyle="--", label="independent ions")
    axis.set(xlabel="temperature (K)", ylabel="H = D self / D total", yscale="log")
    plain_log(axis)
    legend_below(figure, [axis], 2)
    none = len(rows) - len(shown)
    caption = (f"{count_of(len(shown), 'condition')} with an interval; {none} without a number "
               "(not diffusive, or too few hops). Bars: 95 %, both coefficients' errors together. "
               "Below 1 ions move together, above 1 against each other. "
               f"{mean_sentence(mean_ratios(measured))}").rstrip()
    return Picture("haven_ratio", "Haven ratio", caption,
                   "Haven ratio against temperature with intervals beside one", figure)


def hops(tables: Tables) -> Picture | None:
    """Hop rates within and between layers."""
    table = tables["hops"]
    if table.empty:
        return None
    rates = hop_rates(table)
    kinds = [k for k in ("intra_layer", "inter_layer") if k in set(rates["kind"])]
    figure, axes = panels(len(kinds), 1, height=2.9 * len(kinds) + 0.6, sharex=True)
    for axis, kind in zip(axes[:, 0], kinds, strict=True):
        mine = rates[rates["kind"] == kind]
        us = sorted(mine["u_ev"].unique())
        for index, u_ev in enumerate(us):
            rows = mine[mine["u_ev"] == u_ev]
            x = rows["temperature_k"] + 1.2 * (index - (len(us) - 1) / 2)
            drawn = axis.errorbar(
                x, rows["rate"], yerr=[rows["rate"] - rows["low"], rows["high"] - rows["rate"]],
                fmt=u_marker(u_ev), color=u_colour(u_ev), capsize=3, label=u_label(u_ev))
            vector.opens(drawn, *(f"{condition_name(row)}|network"
                                  for row in rows.to_dict("records")))
        axis.set(ylabel="hops per ion\nand ns", title=kind.replace("_", "-"))
        if (mine["rate"] > 0).all():
            axis.set_yscale("log")
            plain_log(axis)
        else:
            axis.set_ylim(bottom=0)
    axes[-1, 0].set_xlabel("temperature (K)")
    legend_below(figure, axes.flat)
    total = int(table["count"].sum())
    caption = (f"{run_count(table)}, {total} hops of the mobile ions between sites; bars: 95 % "
               "(Poisson). A rate from a handful of hops says little.")
    return Picture("hops", "Hops within and between layers", caption,
                   "Hop rates within and between layers against temperature, by U", figure)


def hop_rates(table: Table) -> Table:
    """Return hop rates summed over sites and directions, with exact Poisson intervals.

    Parameters
    ----------
    table
        The table ``hops``.

    Returns
    -------
    pandas.DataFrame
        Columns u_ev (eV), temperature_k (K), kind, count, rate, low, high (1/ns per ion).
    """
    import pandas as pd

    from haven.core.statistics import poisson_interval

    rows = []
    exposure = _exposure(table)
    for key, mine in table.groupby(["u_ev", "temperature_k", "kind"]):
        count, time = int(mine["count"].sum()), exposure.get((key[0], key[1]))
        if not time:
            continue
        low, high = (float(end) for end in poisson_interval(count))
        rows.append({"u_ev": key[0], "temperature_k": key[1], "kind": key[2], "count": count,
                     "rate": count / time, "low": low / time, "high": high / time})
    return pd.DataFrame(rows, columns=["u_ev", "temperature_k", "kind", "count", "rate", "low",
                                       "high"])


def _exposure(table: Table) -> dict[tuple, float]:
    """Return ion-nanoseconds watched per U and temperature, from any row with a hop or ``ions``."""
    watched: dict[tuple, float] = {}
    for key, run in table.groupby(["u_ev", "temperature_k", "replica", "seed"]):
        ions = run["ions"].dropna() if "ions" in run else run["count"].iloc[:0]
        counted = run[(run["count"] > 0) & (run["rate_per_ion_per_ns"] > 0)]
        if len(ions):
            time = float(ions.iloc[0]) * float(run["duration_ps"].iloc[0]) / KILO
        elif len(counted):
            time = float(counted["count"].iloc[0] / counted["rate_per_ion_per_ns"].iloc[0])
        else:
            time = 0.0
        watched[(key[0], key[1])] = watched.get((key[0], key[1]), 0.0) + time
    return watched
