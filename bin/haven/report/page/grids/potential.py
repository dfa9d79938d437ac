"""What is known of the potentials: rounds of learning, errors, the trust gate."""

from __future__ import annotations

from haven.core.numbers import DASH, interval, known, number
from haven.core.types import Row, Tables
from haven.report.figures.learning import CLASSES, shares
from haven.report.numbers.wording import as_shown, shown
from haven.report.page.grids.base import Block, cell, grid


def rounds_grid(tables: Tables) -> Block | None:
    """Return the rounds: what was seen at each U, and how many frames were chosen for labels."""
    table = tables["exploration"]
    if table.empty:
        return None
    chosen = tables["selection"].groupby("round").size()
    rows = [[f"{row['round']:g}", f"{row['u_ev']:g}", f"{row['frames']:g}",
             *(f"{100 * row[name]:.0f} %" for name in CLASSES),
             f"{chosen.get(row['round'], 0)}"]
            for row in shares(table, ["round", "u_ev"]).to_dict("records")]
    return grid(["round", "U (eV)", "frames explored", *CLASSES, "chosen in the round"], rows,
                "Learning rounds: shares of the explored frames; the chosen frames are labelled at "
                "every U.")


def accuracy_grid(tables: Tables) -> Block | None:
    """Return test errors per U, seed and element, with the baseline."""
    table = tables["accuracy"]
    table = table[(table["component"] == "all")]
    if table.empty:
        return None
    lines = []
    for row in table.sort_values(["u_ev", "seed", "quantity", "subset", "species"]).to_dict(
            "records"):
        row = as_shown(row, "rmse", "rmse_low_95", "rmse_high_95", "offset", "scatter", "mae",
                       "max_error", "baseline_rmse")
        cell = {"value": row["rmse"], "low_95": row["rmse_low_95"], "high_95": row["rmse_high_95"],
                "unit": row["unit"]}
        text = shown(cell) if known(row["rmse_low_95"]) else number(row["rmse"], row["unit"], 3)
        lines.append([f"{row['u_ev']:g}", str(row["seed"]), row["subset"], row["quantity"],
                      row["species"], text, _parts_of(row), number(row["mae"], row["unit"], 3),
                      number(row["max_error"], row["unit"], 3),
                      number(row["baseline_rmse"], row["unit"], 3), str(row["count"])])
    return grid(["U (eV)", "seed", "frames", "quantity", "element", "RMSE",
                 "offset; scatter", "MAE", "largest", "mean predictor", "values"], lines,
                "Errors of each potential; intervals: bootstrap over trajectories. “Mean "
                "predictor” is the RMSE of always predicting the training mean. An offset that all "
                "values share moves no atom; the scatter about it is what is left. “aimd”: along "
                "first-principles dynamics at one temperature, whose frames were not chosen for "
                "being difficult; one trajectory, so without interval.")


def _parts_of(row: Row) -> str:
    """Return an error's offset and its scatter about that; a dash where a table has neither."""
    if not known(row.get("offset"), row.get("scatter")):  # type: ignore[arg-type]
        return DASH
    unit = str(row["unit"])
    return (f"{number(row['offset'], unit, 2)}; "  # type: ignore[arg-type]
            f"{number(row['scatter'], unit, 4)}")  # type: ignore[arg-type]


def gate_grid(rows: list[Row]) -> Block | None:
    """Return what the trust gate flags and misses on held-out atoms.

    Parameters
    ----------
    rows
        Of table ``trust_gate``.
    """
    def share(row: Row, name: str) -> str:
        value, low, high = (None if row[f"share_{name}{end}"] is None
                            else 100 * float(str(row[f"share_{name}{end}"]))
                            for end in ("", "_low_95", "_high_95"))
        return f"{interval(value, low, high)} %"

    lines = [[f"{row['u_ev']:g}", str(row["level"]), str(row["trajectories"]),
              interval(row["rank_correlation"], row["rank_low_95"], row["rank_high_95"]),  # type: ignore[arg-type]
              cell(f"{row['flagged']} of {row['above']}", share(row, "flagged")),
              cell(f"{row['false_alarms']} of {row['within']}", share(row, "false_alarms"))]
             for row in rows]
    return grid(["U (eV)", "by", "held-out trajectories", "rank correlation", "flagged of those "
                 "beyond the window", "false alarms"], lines,
                "The trust gate held against labelled frames that no potential was trained on: "
                "its factor is fitted without the trajectory judged. Rank correlation: of "
                "deviation and true force error. Intervals: bootstrap over trajectories."
                ) if lines else None
