"""The picture of a comparison: conductivity of all studies against temperature, and measured."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from haven.core.constants import BOLTZMANN_EV_PER_K
from haven.core.numbers import known
from haven.core.types import Row
from haven.report.claims.transport import SAME_K
from haven.report.numbers.measured import ROOM
from haven.report.numbers.wording import source_name
from haven.report.page.answer import weakness
from haven.report.several.studies import One
from haven.transport.fits.standing import line_note

if TYPE_CHECKING:
    from matplotlib.axes import Axes

KILO = 1000.0
LEGEND_LINE = 0.24  # inches that a curve's name takes below the picture
ASIDE, SPREAD = 0.016, 0.16  # of 1000/T: between points of one temperature, all of them at most
BESIDE_BARS, BETWEEN = 0.06, 0.07  # of 1000/T: measured points from the bars, and each other
SHADES = (0.0, 0.5, 0.25, 0.65)  # towards black, of a material's curves
BAND = "#f0f2f4"  # behind all that belongs to 298 K
OPEN_MARKERS = ("P", "X", "*", "d", "h")  # of measured points, one a material


def sigma_picture(
    studies: Sequence[One], points: Sequence[tuple[str, Row]], formulas: Mapping[str, str],
) -> dict[str, Any]:
    """Draw the conductivity of all studies against 1/T, with lines, bounds and measured points.

    Parameters
    ----------
    studies, points
        What is drawn, and rows of the reference with the formula of each.
    formulas
        Formula of each study's material, by its label.

    Returns
    -------
    dict
        ``svg`` (text for the page), ``figure`` (matplotlib's) and ``caption``.
    """
    from haven.report.figures.style import MARKERS, WIDTH, style
    from haven.report.figures.transport import room_bar

    style(u_ev for one in studies for u_ev in one.us)
    points = [(formula, row) for formula, row in points if known(row["temperature_k"])]
    import matplotlib as mpl
    from matplotlib.figure import Figure

    curves = [(one, u_ev) for one in studies for u_ev in one.us]
    figure = Figure(figsize=(WIDTH, 4.4 + LEGEND_LINE * (len(curves) + len(points))),
                    layout="constrained")
    figure.patch.set_facecolor("none")
    axis = figure.subplots()
    axis.patch.set_facecolor("none")
    axis.set_axisbelow(True)
    several = len(set(formulas.values())) > 1
    colours = _colours(curves, formulas)
    order = list(dict.fromkeys([*formulas.values(), *(formula for formula, _ in points)]))
    lined = [(one.label, u_ev) for one, u_ev in curves if _lines_of(one, u_ev)]
    entries: dict[str, dict[str, Any]] = {formula: {} for formula in order}  # of the legend
    for index, (one, u_ev) in enumerate(curves):
        formula = formulas[one.label]
        other = f"{one.label} ({formula})" if several else one.label
        name = formula if one.called_as_material else _literal(other)
        entries[formula] |= _draw(axis, one, u_ev, index, len(curves), name,
                                  (colours[index], MARKERS[(index + index // 7) % len(MARKERS)]))
        for fit in _lines_of(one, u_ev):
            place = lined.index((one.label, u_ev))
            room_bar(axis, fit, place, len(lined), colours[index])
    edge = 0.015 * len(lined)  # of the bars at 298 K
    ends = [edge + 0.03]
    for index, (formula, row) in enumerate(points):
        first = next((colours[i] for i, (one, _) in enumerate(curves)
                      if formulas[one.label] == formula), "black") if several else "black"
        at_room = abs(row["temperature_k"] - ROOM) < SAME_K
        before = sum(abs(other["temperature_k"] - row["temperature_k"]) < SAME_K
                     for _, other in points[:index])
        aside = BETWEEN * before + (edge + BESIDE_BARS) * at_room
        ends += [aside + 0.04] * at_room
        label = f"{formula}, measured ({_literal(source_name(str(row['source'])))})"
        entries[formula][label] = axis.scatter(
            [KILO / row["temperature_k"] + aside], [row["value"]], s=60, zorder=6,
            marker=OPEN_MARKERS[order.index(formula) % len(OPEN_MARKERS)], facecolor="white",
            edgecolor=first, linewidth=1.4, label=label)
    axis.axvspan(KILO / ROOM - ends[0], KILO / ROOM + max(ends), color=BAND, zorder=0, linewidth=0)
    axis.set(xlabel="1000 / T (1/K)", ylabel="conductivity σ (mS/cm)", yscale="log")
    _kelvin(axis, studies)
    named = {label: handle for mine in entries.values() for label, handle in mine.items()}
    if named:
        figure.legend(named.values(), named.keys(), loc="outside lower center", ncols=1)
    stream = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "haven"}):
        figure.savefig(stream, format="svg", metadata={"Date": None})
    return {"svg": _inline(stream.getvalue()), "figure": figure, "caption": _caption(
        bool(points), any(_line_kind(fit, one, u_ev) == ":" for one, u_ev in curves
                          for fit in _lines_of(one, u_ev)))}


def _literal(text: str) -> str:
    """Return a name that a user gave for matplotlib, which takes dollars for mathematics."""
    return text.replace("$", r"\$")


def _caption(measured: bool, dotted: bool) -> str:
    """Return what is seen: only kinds of lines and symbols that are in the picture."""
    return (
        "Conductivity from the joint displacement of all ions (D total), by molecular dynamics at "
        "the temperatures with filled symbols. Thin bars: 95 % intervals; arrows: upper bounds. "
        "Lines: Arrhenius fits, solid over the temperatures of the runs, dashed beyond them; "
        "broad bars: the 95 % interval of the line at 298 K."
        + (" Dotted lines settle nothing: curved, of runs too short, or hardly known at 298 K."
           if dotted else "")
        + (" Open symbols: measured." if measured else "")
        + " What belongs to one temperature stands side by side; all in the shaded band is of "
          "298 K.")


def _colours(curves: Sequence[tuple[One, float]], formulas: Mapping[str, str]) -> list[str]:
    """Return a colour a curve: of one material many, of several materials shades of one each."""
    from matplotlib.colors import to_hex, to_rgb

    from haven.report.figures.style import OKABE

    materials = list(dict.fromkeys(formulas.values()))
    if len(materials) < 2:
        return [OKABE[index % len(OKABE)] for index in range(len(curves))]
    told: dict[str, int] = {}
    found = []
    for one, _ in curves:
        formula = formulas[one.label]
        shade = SHADES[told.get(formula, 0) % len(SHADES)]
        told[formula] = told.get(formula, 0) + 1
        red, green, blue = (part * (1 - shade) for part in to_rgb(
            OKABE[materials.index(formula) % len(OKABE)]))
        found.append(to_hex((red, green, blue)))
    return found


def _inline(svg: str) -> str:
    """Return an SVG that fits into a page: no XML head, scaled to its column, ids of its own."""
    body = svg[svg.index("<svg"):]
    body = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", body, count=1)
    body = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", body, count=1)
    return body.replace("<svg", '<svg role="img" aria-label="Conductivity of all studies against '
                                'inverse temperature"', 1)


def _lines_of(one: One, u_ev: float) -> list[Row]:
    """Return the fitted lines of the conductivity of one U of a study."""
    fits = one.tables["arrhenius"]
    return fits[(fits["quantity"] == "sigma_total") & (fits["u_ev"] == u_ev)
                & (fits["verdict"] == "diffusive")].to_dict("records")


def _line_kind(fit: Row, one: One, u_ev: float) -> str:
    """Return how a line is drawn: dotted where it settles nothing at 298 K."""
    fitted = next(iter(one.study.found("sigma_total from the Arrhenius line", u_ev)), None)
    return ":" if line_note(fit) or weakness(fitted) else "-"


def _draw(axis: Axes, one: One, u_ev: float, index: int, count: int, name: str,
          look: tuple[str, str]) -> dict[str, Any]:
    """Draw the points, bounds and line of one U of a study; return its entries of the legend.

    Parameters
    ----------
    axis
        Of 1000/T, logarithmic upward.
    one, u_ev
        The study, and U in eV.
    index, count
        Its place among all curves, whose points stand side by side.
    name
        What the legend calls the study.
    look
        Colour and marker.
    """
    colour, marker = look
    label = f"{name}, U = {u_ev:g} eV"
    mine = one.measured[(one.measured["quantity"] == "sigma_total")
                        & (one.measured["u_ev"] == u_ev)]
    entries: dict[str, Any] = {}
    for row in mine.to_dict("records"):
        x = KILO / row["temperature_k"] + min(ASIDE, SPREAD / count) * (index - (count - 1) / 2)
        if known(row["value"], row["low_95"], row["high_95"]) and row["value"] > 0:
            low = max(row["low_95"], row["value"] * 1e-3)
            entries[label] = axis.errorbar(
                [x], [row["value"]], yerr=[[row["value"] - low], [row["high_95"] - row["value"]]],
                fmt=marker, color=colour, capsize=3, label=label)
        elif known(row["high_95"]) and row["high_95"] > 0:
            entries[f"{label}, upper bound"] = axis.errorbar(
                [x], [row["high_95"]], yerr=[[row["high_95"] * 0.45], [0]], uplims=[True],
                fmt="_", color=colour, markersize=10, capsize=3, label=f"{label}, upper bound")
    ran = [KILO / t for t in mine["temperature_k"].dropna()]
    for fit in _lines_of(one, u_ev):
        if known(fit["prefactor"]) and fit["prefactor"] and ran:
            kind = _line_kind(fit, one, u_ev)
            _line(axis, fit, (min(ran), max(ran)), colour, kind)
            if KILO / ROOM > max(ran):
                _line(axis, fit, (max(ran), KILO / ROOM), colour, kind if kind == ":" else "--")
    return dict(sorted(entries.items()))


def _line(axis: Axes, fit: Row, ends: tuple[float, float], colour: str, kind: str) -> None:
    """Draw a fitted line between two values of 1000/T."""
    import numpy as np

    x = np.linspace(*ends, 60)
    y = fit["prefactor"] * np.exp(-fit["activation_ev"] * x / (KILO * BOLTZMANN_EV_PER_K))
    axis.plot(x, y * x / KILO, kind, color=colour, linewidth=1.2, zorder=1.5)


def _kelvin(axis: Axes, studies: Sequence[One]) -> None:
    """Add the temperature in kelvin above the axis of 1000/T."""
    found = {ROOM} | {float(t) for one in studies for t in one.measured.loc[
        one.measured["quantity"] == "sigma_total", "temperature_k"].dropna()}
    kept: list[float] = []
    for t in sorted(found):
        if not kept or abs(KILO / t - KILO / kept[-1]) > 0.2:
            kept.append(t)
    top = axis.secondary_xaxis("top", functions=(lambda x: x, lambda x: x))
    top.set_xticks([KILO / t for t in kept], [f"{t:g}" for t in kept])
    top.set_xlabel("temperature (K)")
