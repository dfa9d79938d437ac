"""Figures of the cells: occupancies, migration barriers; and of what it all cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from haven.core.numbers import count_of, known, number
from haven.core.types import Table, Tables
from haven.cost.rows import hours_of
from haven.report.figures import vector
from haven.report.figures.dynamics import at_room, kelvin_words, panel_title
from haven.report.figures.scene_names import path_name
from haven.report.figures.style import (
    BY_SPECIES,
    Picture,
    joint_legend,
    legend_below,
    panels,
    run_count,
    u_colour,
    u_label,
    u_marker,
)
from haven.report.numbers.pooling import mobile_species
from haven.report.numbers.wording import source_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def barriers(tables: Tables, reference: Table) -> Picture | None:
    """Energy along each band by direction, with the published barrier."""
    table = tables["barriers"]
    if table.empty:
        return None
    directions = sorted(table["direction"].unique())
    rows = (len(directions) + 1) // 2
    figure, axes = panels(rows, 2, height=2.6 * rows + 0.7)
    cut: list[str] = []
    for axis, direction in zip(axes.flat, directions, strict=False):
        mine = table[table["direction"] == direction]
        for (u_ev, *_), path in mine.groupby(["u_ev", "seed", "replica", "path"]):
            path = path.sort_values("image")
            done = bool(path["converged"].iloc[0]) and not path["flag"].fillna("").iloc[0]
            drawn = axis.plot(
                path["coordinate_angstrom"], path["energy_ev"], marker=u_marker(u_ev),
                markersize=4, color=u_colour(u_ev), linewidth=1.3 if done else 0.7,
                linestyle="-" if done else ":",
                label=u_label(u_ev) + ("" if done else ", doubtful"))
            vector.opens(drawn, *(f"{path_name(path.iloc[0])}|band|{number}"
                                  for number in range(len(path))))
        for entry in reference[reference["quantity"] == f"barrier {direction}"].to_dict("records"):
            axis.axhline(entry["value"], color="black", linewidth=1, linestyle="--",
                         label=f"barrier, {source_name(str(entry['source']))}")
        axis.set(title=direction, xlabel="along the band (Å)", ylabel="energy (eV)")
        said = reference[reference["quantity"] == f"barrier {direction}"]["value"]
        _limits(axis, mine, list(said))
        cut += _beyond(axis, mine)
    for axis in axes.flat[len(directions):]:
        axis.remove()
    joint_legend(figure, [a for a in axes.flat if a.figure is not None])
    paths = table.drop_duplicates(["u_ev", "seed", "replica", "path"])
    caption = (f"{count_of(len(paths), 'path')} in the disordered cell, "
               f"{int((~paths['converged'].astype(bool)).sum())} not converged, "
               f"{int((paths['flag'].fillna('') != '').sum())} flagged (dotted): {_flags(paths)}. "
               "Each path has other neighbours, so barriers of one direction differ. The length "
               "along a band is that of all atoms together: of a jump that takes other ions along, "
               "it is several times the distance between the sites."
               + (f" Doubtful paths that leave the picture: {', '.join(cut)}." if cut else ""))
    return Picture("barriers", "Migration barriers", caption,
                   "Energy along the nudged elastic band of each direction, by U", figure)


def _limits(axis: Axes, mine: Table, published: list[float]) -> None:
    """Fit a panel to its trusted paths and the published barrier, else to converged paths."""
    converged = mine[mine["converged"].astype(bool)]
    good = converged[converged["flag"].fillna("") == ""]
    kept = next(some for some in (good, converged, mine) if len(some) or some is mine)
    energies = [*(good["energy_ev"] if len(good) or published else kept["energy_ev"]), *published]
    low, high = min([0.0, *energies]), max([0.05, *energies])
    axis.set_ylim(low - 0.08 * (high - low), high + 0.15 * (high - low))
    axis.set_xlim(-0.2, 1.05 * float(kept["coordinate_angstrom"].max()) + 0.1)


def _beyond(axis: Axes, mine: Table) -> list[str]:
    """Return the paths, with their U, that have images outside a panel's limits."""
    (left, right), (low, high) = axis.get_xlim(), axis.get_ylim()
    inside = mine["coordinate_angstrom"].between(left, right) & mine["energy_ev"].between(low, high)
    names = mine.loc[~inside, ["path", "u_ev"]].drop_duplicates().to_dict("records")
    return [f"{row['path']} ({u_label(row['u_ev'])})" for row in names]


def density(tables: Tables) -> Picture | None:
    """Where the mobile ions are, seen along lattice directions."""
    import numpy as np
    from matplotlib.colors import LogNorm

    table = tables["density"]
    if table.empty:
        return None
    table, near = at_room(table)
    us, views = sorted(table["u_ev"].unique()), sorted(table["view"].unique())
    top = float(table["density_per_angstrom3"].max()) or 1.0
    spans = [float(np.ptp(table[name])) or 1.0 for name in ("v_angstrom", "u_angstrom")]
    each = min((4.4 / len(us) - 0.3) * spans[0] / spans[1] + 0.9, 4.0)
    figure, axes = panels(len(views), len(us), height=each * len(views) + 0.3)
    mesh = None
    for row, view in enumerate(views):
        for column, u_ev in enumerate(us):
            mine = table[(table["view"] == view) & (table["u_ev"] == u_ev)]
            mean = mine.groupby(["u_angstrom", "v_angstrom"])["density_per_angstrom3"].mean()
            u, v = (mean.index.get_level_values(k).to_numpy(float) for k in (0, 1))
            mesh = axes[row, column].tripcolor(
                u, v, np.maximum(mean.to_numpy(float), top * 1e-3), shading="gouraud",
                cmap="viridis", rasterized=True, norm=LogNorm(top * 1e-3, top))
            axes[row, column].set(aspect="equal", title=f"{view}, {panel_title(u_ev, near)}",
                                  xlabel="across (Å)", ylabel="along layer normal (Å)"
                                  if column == 0 else "")
            axes[row, column].grid(False)
    figure.colorbar(mesh, ax=axes, label="mobile ions per volume (1/Å³)", shrink=0.7)
    mobile = ", ".join(sorted(set(table["species"])))
    caption = (f"Density of {mobile} at {kelvin_words(near)}, {run_count(table)}, folded into one "
               "conventional cell and averaged along each view; logarithmic colours over three "
               "decades. Bridges between sites are paths that were used.")
    return Picture("density", f"Where {mobile} is", caption,
                   "Maps of the mobile ions' density along lattice directions, by U", figure)


def _flags(paths: Table) -> str:
    """Return why paths are doubtful, counted, in words."""
    counts = paths.loc[paths["flag"].fillna("") != "", "flag"].str.split("+").explode()
    words = ", ".join(f"{str(k).replace('_', ' ')} {n}" for k, n in counts.value_counts().items())
    return words or "none"


def cost(tables: Tables, reference: Table) -> Picture | None:
    """Core-hours of 10 ps per atom: labels' engine, potential, on a log axis."""
    table = tables["cost"]
    table = table[table["method"].isin(["aimd", "label", "dlmd"])]
    if table.empty:
        return None
    table = table.sort_values(["method", "hours_10_ps_per_atom"], ascending=[True, False])
    figure, axes = panels(height=0.55 * len(table) + 1.4)
    axis = axes[0, 0]
    kinds = sorted({hours_of(device) for device in table["device"]}, reverse=True)
    names = [_cost_name(row) for row in table.to_dict("records")]
    colours = ["#555555" if m != "dlmd" else u_colour(u if u == u else 0)
               for m, u in zip(table["method"], table["u_ev"], strict=True)]
    axis.barh(range(len(table)), table["hours_10_ps_per_atom"], color=colours, height=0.7)
    axis.set_yticks(range(len(table)), names, fontsize=8.5)
    axis.invert_yaxis()
    axis.set(xscale="log", xlabel=f"{' or '.join(kinds)}-hours for 10 ps, per atom")
    ratio = table["ratio_to_aimd"].max()
    said = reference[reference["quantity"] == "cost_ratio"]["value"]
    beside = f" (published: {said.iloc[0]:g}, other codes and cells)" if len(said) else ""
    base = ("dynamics, each step from the last density" if (table["method"] == "aimd").any()
            else "single points: dynamics goes on from the last density and would be cheaper")
    best = "No ratio to first principles was measured."
    if ratio == ratio and ratio:
        cheapest = str(table.loc[table["ratio_to_aimd"].idxmax(), "model"]).partition(",")[0]
        best = (f"First principles ({base}) cost up to {number(float(ratio), digits=2)} times the "
                f"potential ({cheapest}){beside}.")
        if hours_of(table.loc[table["ratio_to_aimd"].idxmax(), "device"]) == "GPU":
            best += " That is core-hours over GPU-hours."
    caption = f"Measured, each row with its own settings and machine. {best}"
    return Picture("cost", "Cost of 10 ps", caption,
                   "Bars of hours per atom for first-principles and potential", figure)


def _cost_name(row: dict) -> str:
    u = f"{u_label(row['u_ev'])}, " if known(row["u_ev"]) else ""
    packed = {True: ", compressed", False: ", as frozen"}.get(row["compressed"], "")
    name = {"aimd": "AIMD", "label": "single point"}.get(
        row["method"], f"potential{packed}\n{str(row['model']).partition(',')[0]}")
    return f"{u}{name}\n{row['atoms']} atoms, {count_of(row['cores'], 'core')}"


def structures(tables: Tables) -> Picture | None:
    """Occupancy of each site by element, beside what was asked for."""
    import numpy as np

    table = tables["structures"]
    table = table[table["role"] == "supercell"]
    if table.empty:
        return None
    mean = table.groupby(["site", "species"])["occupancy"].mean().unstack(fill_value=0.0)
    last = {"vacancy": 2, **dict.fromkeys(mobile_species(tables), 1)}
    order = sorted(mean, key=lambda species: (last.get(species, 0), species))
    host = [species for species in order if species not in last]
    asked = table.drop_duplicates(["site", "species"]).set_index(["site", "species"])[
        "target_occupancy"].dropna()
    figure, axes = panels(height=3.4)
    axis, base = axes[0, 0], 0.0
    for species in order:
        axis.bar(list(mean.index), mean[species], bottom=base, width=0.65, label=species,
                 color=BY_SPECIES.get(species, "#CC79A7"), edgecolor="white",
                 hatch="//" if species == "vacancy" else None)
        base = base + mean[species]
    for place, site in enumerate(mean.index):
        # each mark is as high as all that is asked for up to its species, as the bars are stacked
        heights = np.cumsum([float(asked.get((site, species), 0.0)) for species in host])
        for height, species in zip(heights, host, strict=True):
            if (site, species) in asked:
                axis.plot([place - 0.4, place + 0.4], [height] * 2, color="black", linewidth=2,
                          label=f"{', '.join(host)} asked for")
    axis.set(xlabel="Wyckoff site", ylabel="share of sites", ylim=(0, 1))
    legend_below(figure, [axis], 4)
    one = table.iloc[0]
    caption = (f"{count_of(table['replica'].nunique(), 'replica')} of {one['atoms']} atoms, "
               f"{one['volume_angstrom3'] / one['atoms']:.2f} Å³ per atom; mean over replicas.")
    return Picture("structures", "Occupancy of the simulated cell", caption,
                   f"Stacked bars of {', '.join(order)} on each site", figure)
