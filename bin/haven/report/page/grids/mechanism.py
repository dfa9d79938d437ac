"""How ions move: jumps seen, and barriers of paths."""

from __future__ import annotations

from haven.core.numbers import DASH, interval, known, number
from haven.core.types import Table, Tables
from haven.report.figures.dynamics import at_room
from haven.report.figures.scene_names import path_name, run_name
from haven.report.numbers.wording import published_text
from haven.report.page.grids.base import Block, grid


def hops_grid(tables: Tables) -> Block | None:
    """Return the jumps of each U seen nearest 298 K, by sites and direction."""
    table = tables["hops"]
    table = at_room(table)[0] if len(table) else table
    table = table[table["count"] > 0] if len(table) else table
    if table.empty:
        return None
    lines, turned = [], []
    order = ["u_ev", "replica", "seed", "count"]
    for row in table.sort_values(order, ascending=[True, True, True, False]).to_dict("records"):
        turned.append(f"{run_name(row)}|network|{row['from_site']} to {row['to_site']}")
        lines.append([
            f"{row['from_site']} to {row['to_site']}", row["direction"],
            str(row["kind"]).replace("_", "-"), f"{row['u_ev']:g}", f"{row['temperature_k']:g}",
            str(row["replica"]), str(row["seed"]), str(row["count"]),
            interval(row["rate_per_ion_per_ns"], row["rate_low_95"], row["rate_high_95"]),
            str(int(row["returns"])) if known(row["returns"]) else DASH])
    return grid(["sites", "direction", "kind", "U (eV)", "T (K)", "replica", "seed", "jumps",
                 "per ion and ns", "undone at once"], lines,
                "Jumps seen at each U's temperature nearest 298 K; 95 % intervals (Poisson). "
                "Undone at once: there and back within the residence time, not counted.", turned)


def barriers_grid(tables: Tables, reference: Table) -> Block | None:
    """Return each path's barrier there and back, their mean, and the published one."""
    table = tables["barriers"].drop_duplicates(["u_ev", "seed", "replica", "path"])
    if table.empty:
        return None
    lines, turned = [], []
    printed = bool(reference["quantity"].astype(str).str.startswith("barrier ").any())
    for row in table.sort_values(["direction", "u_ev", "replica", "path"]).to_dict("records"):
        turned.append(path_name(row))
        said = reference[reference["quantity"] == f"barrier {row['direction']}"]
        flag = row["flag"] if isinstance(row["flag"], str) else ""  # an empty one is nan
        flag = flag.replace("_", " ").replace("+", ", ")
        doubt = ", ".join(p for p in (flag, "" if row["converged"] else "not converged") if p)
        there, back = float(row["barrier_ev"]), float(row["reverse_barrier_ev"])
        lines.append([
            row["direction"], f"{row['u_ev']:g}", f"{row['from_site']} to {row['to_site']}",
            number(row["distance_angstrom"], "Angstrom", 3), f"{there:.3f}", f"{back:.3f}",
            f"{(there + back) / 2:.3f}", doubt or "sound",
            *([published_text({**said.iloc[0].to_dict(), "published": said["value"].iloc[0]})
               if len(said) else DASH] if printed else [])])
    return grid(["direction", "U (eV)", "sites", "distance", "there (eV)", "back (eV)",
                 "mean (eV)", "path", *(["published"] if printed else [])], lines,
                "Barriers of single paths, so without interval. In a disordered cell the two ends "
                "of a path differ in energy: the mean of both ways is "
                + ("what a published barrier is compared with" if printed
                   else "what to compare with a barrier of an ordered cell")
                + ". The paths of two U may be of different ions.", turned)
