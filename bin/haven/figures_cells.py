"""Figures of the cells: occupancies, migration barriers; and of what it all cost."""

from __future__ import annotations

from haven.figures import (
    BY_SPECIES,
    Picture,
    count_of,
    joint_legend,
    legend_below,
    panels,
    u_colour,
    u_label,
    u_marker,
)
from haven.kinds import Frame, Tables


def barriers(tables: Tables, reference: Frame) -> Picture | None:
    """Energy along each band by direction, with the published barrier."""
    table = tables["barriers"]
    if table.empty:
        return None
    directions = sorted(table["direction"].unique())
    rows = (len(directions) + 1) // 2
    figure, axes = panels(rows, 2, height=2.6 * rows + 0.7)
    for axis, direction in zip(axes.flat, directions, strict=False):
        mine = table[table["direction"] == direction]
        for (u_ev, *_), path in mine.groupby(["u_ev", "seed", "replica", "path"]):
            path = path.sort_values("image")
            done = bool(path["converged"].iloc[0])
            axis.plot(path["coordinate_angstrom"], path["energy_ev"], marker=u_marker(u_ev),
                      markersize=4, color=u_colour(u_ev), linewidth=1.3 if done else 0.7,
                      linestyle="-" if done else ":",
                      label=u_label(u_ev) + ("" if done else ", not converged"))
        for entry in reference[reference["quantity"] == f"barrier {direction}"].to_dict("records"):
            axis.axhline(entry["value"], color="black", linewidth=1, linestyle="--",
                         label=f"barrier, {str(entry['source']).split(',')[0]}")
        axis.set(title=direction, xlabel="along the band (Å)", ylabel="energy (eV)")
    for axis in axes.flat[len(directions):]:
        axis.remove()
    joint_legend(figure, [a for a in axes.flat if a.figure is not None])
    paths = table.drop_duplicates(["u_ev", "seed", "replica", "path"])
    caption = (f"{count_of(len(paths), 'path')} in the disordered cell, "
               f"{int((~paths['converged'].astype(bool)).sum())} not converged (dotted). Each path "
               "has other neighbours, so barriers of one direction differ.")
    return Picture("barriers", "Migration barriers", caption,
                   "Energy along the nudged elastic band of each direction, by U", figure)


def cost(tables: Tables, reference: Frame) -> Picture | None:
    """Core-hours of 10 ps per atom: labels' engine, potential, on a log axis."""
    table = tables["cost"]
    table = table[table["method"].isin(["aimd", "dlmd"])]
    if table.empty:
        return None
    table = table.sort_values(["method", "hours_10_ps_per_atom"], ascending=[True, False])
    figure, axes = panels(height=0.42 * len(table) + 1.4)
    axis = axes[0, 0]
    names = [_cost_name(row) for row in table.to_dict("records")]
    colours = ["#555555" if m == "aimd" else u_colour(u if u == u else 0)
               for m, u in zip(table["method"], table["u_ev"], strict=True)]
    axis.barh(range(len(table)), table["hours_10_ps_per_atom"], color=colours, height=0.7)
    axis.set_yticks(range(len(table)), names)
    axis.invert_yaxis()
    axis.set(xscale="log", xlabel="core-hours for 10 ps, per atom")
    ratio = table["ratio_to_aimd"].max()
    said = reference[reference["quantity"] == "cost_ratio"]["value"]
    beside = f" (published: {said.iloc[0]:g}, other codes and cells)" if len(said) else ""
    best = "No ratio to the label engine was measured."
    if ratio == ratio and ratio:
        best = f"The label engine costs up to {ratio:.0f} times the potential{beside}."
    caption = (f"Measured on this machine, each row with its own settings. {best} Labels are "
               "single points from scratch; dynamics that starts from the last density would be "
               "cheaper.")
    return Picture("cost", "Cost of 10 ps", caption,
                   "Bars of core-hours per atom for first-principles and potential", figure)


def _cost_name(row: dict) -> str:
    u = f"U={row['u_ev']:g} " if row["u_ev"] == row["u_ev"] and row["u_ev"] is not None else ""
    packed = {True: ", compressed", False: ", as frozen"}.get(row["compressed"], "")
    name = "first principles" if row["method"] == "aimd" else "potential"
    return f"{u}{name}{packed}\n{row['atoms']} atoms, {count_of(row['cores'], 'core')}"


def structures(tables: Tables) -> Picture | None:
    """Occupancy of each site by element, beside what was asked for."""
    table = tables["structures"]
    table = table[table["role"] == "supercell"]
    if table.empty:
        return None
    mean = table.groupby(["site", "species"])["occupancy"].mean().unstack(fill_value=0.0)
    order = [s for s in ("Ti", "Li", "vacancy") if s in mean] + sorted(
        s for s in mean if s not in ("Ti", "Li", "vacancy"))
    figure, axes = panels(height=3.4)
    axis, base = axes[0, 0], 0.0
    for species in order:
        axis.bar(list(mean.index), mean[species], bottom=base, width=0.65, label=species,
                 color=BY_SPECIES.get(species, "#CC79A7"), edgecolor="white",
                 hatch="//" if species == "vacancy" else None)
        base = base + mean[species]
    for target in table.dropna(subset=["target_occupancy"]).drop_duplicates(
            ["site", "species"]).to_dict("records"):
        if target["species"] == order[0]:
            place = list(mean.index).index(target["site"])
            axis.plot([place - 0.4, place + 0.4], [target["target_occupancy"]] * 2, color="black",
                      linewidth=2, label=f"{order[0]} asked for")
    axis.set(xlabel="Wyckoff site", ylabel="share of sites", ylim=(0, 1))
    legend_below(figure, axis, 4)
    one = table.iloc[0]
    caption = (f"{count_of(table['replica'].nunique(), 'replica')} of {one['atoms']} atoms, "
               f"{one['volume_angstrom3'] / one['atoms']:.2f} Å³ per atom; mean over replicas.")
    return Picture("structures", "Occupancy of the simulated cell", caption,
                   "Stacked bars of Li, Ti and vacancies on each site", figure)
