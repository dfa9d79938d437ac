"""What a step costs, and how that grows with the cell."""

from __future__ import annotations

from haven.core.numbers import DASH, interval, number
from haven.core.types import Tables
from haven.report.page.grids.base import Block, grid


def cost_grid(tables: Tables) -> Block | None:
    """Return the table of measured costs."""
    table = tables["cost"]
    if table.empty:
        return None
    lines = []
    for row in table.sort_values(["method", "u_ev", "atoms"]).to_dict("records"):
        packed = {True: "yes", False: "no"}.get(row["compressed"], DASH)
        training = row["method"] == "training"  # its step has no atoms of its own
        lines.append([row["method"], number(row["u_ev"]), row["engine"], row["model"], packed,
                      DASH if training else str(row["atoms"]),
                      f"{row['cores']} × {row['device']}", str(row["steps"]),
                      number(row["seconds_per_step"], "s", 3),
                      DASH if training else number(row["seconds_per_atom_step"], "s", 3),
                      DASH if training else number(row["hours_10_ps_per_atom"], "h", 3),
                      number(row["ratio_to_aimd"], "1", 3)])
    if not any("GPU" in str(device) for device in table["device"]):
        lines.append(["dlmd", DASH, "LAMMPS", "any", DASH, DASH, "GPU", DASH,
                      *["not measured"] * 4])
    return grid(["method", "U (eV)", "engine", "settings", "compressed", "atoms", "cores", "steps",
                 "per step", "per atom and step", "10 ps per atom, core- or GPU-hours",
                 "ratio to aimd"],
                lines, "Measured here: wall time, or processor time where the machine was shared. "
                "A “label” is a single point, a step of “aimd” goes on from the last density; "
                "the ratio is to “aimd”, to “label” where a U has no “aimd”; on a GPU it is "
                "core-hours over GPU-hours. First principles "
                "cost more per atom the larger the cell. float32: network in single precision, "
                "sums in double.")


def scaling_grid(tables: Tables) -> Block | None:
    """Return how a step's time grows with the cell."""
    lines = [[
        number(row["u_ev"]), row["model"], {True: "yes", False: "no"}.get(row["compressed"], DASH),
        f"{row['cores']} × {row['device']}",
        f"{row['sizes']}: {row['atoms_least']} to {row['atoms_most']}",
        *(interval(row[name], row[f"{stem}_low_95"], row[f"{stem}_high_95"], unit)
          for name, stem, unit in (("exponent", "exponent", "1"), ("overhead_s", "overhead", "s"),
                                   ("seconds_per_atom_step", "seconds_per_atom_step", "s"))),
        row["verdict"],
    ] for row in tables["scaling"].to_dict("records")]
    return grid(["U (eV)", "settings", "compressed", "cores", "sizes (atoms)", "exponent",
                 "overhead", "per atom", "verdict"], lines,
                "A step's time against the atoms: exponent of a power law; intercept and slope of "
                "a straight line; 95 % intervals from the scatter about each.") if lines else None
