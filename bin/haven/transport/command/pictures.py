"""Pictures of one command's runs: displacements with the window fitted, and Arrhenius lines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from haven.core.constants import BOLTZMANN_EV_PER_K as KB_EV
from haven.core.numbers import interval
from haven.transport.analysis import Analysed

if TYPE_CHECKING:
    import pandas as pd

COLOURS = {"self": "#0072b2", "total": "#d55e00"}


def draw_displacements(one: Analysed, path: Path) -> Path:
    """Draw the mean-square displacements of a run, self and total, and the lines fitted to them.

    Parameters
    ----------
    one
        The run.
    path
        File to write (PNG).
    """
    figure, axes = _figure()
    curves = one.curves
    parts = {"self": curves.self_msd, "total": curves.total_msd}
    if curves.frame_of_reference == "simulation":
        del parts["total"]
    for name, values in parts.items():
        axes.loglog(curves.lag_ps, np.maximum(values.sum(axis=1), 1e-12), color=COLOURS[name],
                    label=name)
        row = next(r for r in one.found if (r.quantity, r.axis) == (name, "xyz"))
        if row.value is not None:
            ends = np.array([row.fit_start_ps, min(row.fit_stop_ps, curves.lag_ps[-1])])
            axes.loglog(ends, 6 * row.value * 1e4 * ends, "--", color=COLOURS[name], lw=1,
                        label=f"6 D t, {name}")
    tracer = next(r for r in one.found if (r.quantity, r.axis) == ("self", "xyz"))
    if tracer.value is not None:
        axes.axvspan(tracer.fit_start_ps, min(tracer.fit_stop_ps, curves.lag_ps[-1]),
                     color="0.92", zorder=0, label="times fitted (self)")
    axes.set(xlabel="time (ps)", ylabel="mean-square displacement (Angstrom$^2$)",
             title=f"{one.keys['material']}, {one.keys['temperature_k']:g} K, "
                   f"{one.trajectory.symbol}: {tracer.verdict}")
    axes.legend(frameon=False)
    return _saved(figure, path)


def arrhenius(
    fits: pd.DataFrame, points: Sequence[dict[str, Any]], material: str, path: Path,
) -> Path | None:
    """Draw sigma T against 1/T with the fitted lines; None where nothing can be drawn.

    Parameters
    ----------
    fits
        Rows of table ``arrhenius``.
    points
        Rows of table ``conductivity``.
    material
        Whose.
    path
        File to write (PNG).
    """
    figure, axes = _figure()
    drawn = False
    for name, colour in (("sigma_self", COLOURS["self"]), ("sigma_total", COLOURS["total"])):
        rows = [row for row in points if row["quantity"] == name and row["material"] == material
                and not np.isnan(pd_number(row["value_ms_per_cm"]))]
        if not rows:
            continue
        t = np.array([row["temperature_k"] for row in rows], float)
        value, low, high = (np.array([row[key] for row in rows], float) * t
                            for key in ("value_ms_per_cm", "low_95", "high_95"))
        axes.errorbar(1000 / t, value, [value - low, high - value], fmt="o", ms=4, color=colour,
                      capsize=2, label=name)
        drawn = True
        fit = fits[(fits["material"] == material) & (fits["quantity"] == name)]
        if len(fit) and np.isfinite(pd_number(fit["activation_ev"].iloc[0])):
            line = fit.iloc[0].to_dict()
            energy, prefactor = float(line["activation_ev"]), float(line["prefactor"])
            ends = interval(energy, line["activation_low_95"], line["activation_high_95"], "eV")
            inverse = np.linspace(1 / t.max(), 1 / t.min(), 50)
            axes.plot(1000 * inverse, prefactor * np.exp(-energy * inverse / KB_EV), "-", lw=1,
                      color=colour, label=f"Ea {ends}, {line['standing'].replace('_', ' ')}")
    axes.set(yscale="log", xlabel="1000 / T (1/K)", ylabel="sigma T (K mS/cm)", title=material)
    axes.legend(frameon=False, fontsize="small", title="bars and brackets: 95 %",
                title_fontsize="small")
    return _saved(figure, path) if drawn else None


def pd_number(value: Any) -> float:
    """Return a table's number as float; NaN where it is missing."""
    return float("nan") if value is None else float(value)


def _figure() -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.5, 4.2), layout="constrained")
    return figure, figure.add_subplot()


def _saved(figure: Any, path: Path) -> Path:
    figure.savefig(path, dpi=150)
    return path
