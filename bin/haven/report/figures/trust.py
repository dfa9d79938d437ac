"""Figures of how far a potential can be trusted: calibration, distance, size of the data set."""

from __future__ import annotations

from haven.core.types import Table, Tables
from haven.potential.calibration import calibration_rows, scale_rows
from haven.report.figures.style import (
    Picture,
    legend_below,
    panels,
    plain_log,
    u_colour,
    u_label,
    u_marker,
)

MEV = 1000.0  # meV in an eV


def calibration(tables: Tables) -> Picture | None:
    """Draw the force error against the ensemble's deviation and the distance from the data."""
    import pandas as pd

    rows = pd.DataFrame(calibration_rows(tables["parity"], ""))
    if rows.empty:
        return None
    parts = [p for p in ("deviation", "distance") if (rows["against"] == p).any()]
    figure, axes = panels(len(parts), 1, height=3.6 * len(parts))
    for axis, part in zip(axes[:, 0], parts, strict=True):
        _bins(axis, rows[rows["against"] == part], MEV if part == "deviation" else 1.0)
        axis.set(yscale="log", ylabel="RMS error of the\nforce vector (meV/Å)")
        plain_log(axis)
        if part == "deviation":
            ends = [*axis.get_xlim(), *axis.get_ylim()]
            line = (max(min(ends), 1e-3), max(ends))
            axis.plot(line, line, color="black", linewidth=0.9, label="error = deviation")
            for row in scale_rows(tables["parity"], ""):
                axis.plot(line, [row["scale"] * end for end in line], linestyle=":", linewidth=0.9,
                          color=u_colour(row["u_ev"]))
            axis.set(xscale="log", xlabel="deviation of the ensemble (meV/Å)")
        else:
            axis.set_xlabel("distance from the training data (neighbours)")
    legend_below(figure, axes.flat, 3)
    words = ("Held-out atoms in sixths, ordered by what the axis shows; bars: 95 % of a bootstrap "
             "over trajectories.")
    if "deviation" in parts:
        words += (" Points above the line: the potentials agree on something wrong, the true error "
                  "is larger than their disagreement. Dotted: deviation times the factor of table "
                  "calibration_scale.")
    else:
        words += " One potential alone has no deviation to calibrate."
    return Picture("calibration", "What foretells the error", words,
                   "Force error growing with ensemble deviation and with distance from the data",
                   figure)


def _bins(axis: object, rows: Table, scale: float) -> None:
    import numpy as np

    for u_ev, mine in rows.groupby("u_ev"):
        mine = mine.sort_values("value")
        error = mine["error_rmse_ev_per_angstrom"].to_numpy(float) * MEV
        low = mine["error_low_95"].astype(float).to_numpy() * MEV
        high = mine["error_high_95"].astype(float).to_numpy() * MEV
        known = np.isfinite(low).all() and np.isfinite(high).all()
        bars = np.maximum([error - low, high - error], 0) if known else None
        axis.errorbar(mine["value"] * scale, error, yerr=bars, fmt=u_marker(u_ev),  # type: ignore[attr-defined]
                      linestyle="-", color=u_colour(u_ev), capsize=3, label=u_label(u_ev))


def data_curve(tables: Tables) -> Picture | None:
    """Held-out force error against the frames trained on."""
    table = tables["data_curve"]
    table = table[table["quantity"] == "force"]
    if table.empty:
        return None
    figure, axes = panels(height=3.6)
    axis = axes[0, 0]
    for u_ev, mine in table.groupby("u_ev"):
        mine = mine.sort_values("frames_train")
        rmse = mine["rmse"].to_numpy(float) * MEV
        low, high = (mine[f"rmse_{end}_95"].astype(float).to_numpy() * MEV
                     for end in ("low", "high"))
        known = bool((low == low).all() and (high == high).all())
        bars = [(rmse - low).clip(0), (high - rmse).clip(0)] if known else None
        axis.errorbar(mine["frames_train"], rmse, yerr=bars, fmt=u_marker(u_ev), linestyle="-",
                      color=u_colour(u_ev), capsize=3, label=u_label(u_ev))
    axis.set(xscale="log", xlabel="frames trained on", ylabel="held-out force RMSE (meV/Å)")
    axis.set_ylim(bottom=0)
    plain_log(axis, "x")
    legend_below(figure, [axis], 2)
    return Picture("data_curve", "Error against the size of the data set",
                   "Force error on the same held-out trajectories, of potentials trained alike on "
                   "shares of the training trajectories; bars: 95 % of a bootstrap over "
                   "trajectories. Where it still falls, more labels help.",
                   "Held-out force error against the number of frames trained on", figure)
