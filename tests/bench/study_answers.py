#!/usr/bin/env python3
"""Print what the shipped studies found, as ``assets/reference/studies.csv``.

``study_answers.py > assets/reference/studies.csv``: of every folder of ``assets/study`` and each
U, the part whose Arrhenius line rests on most jumps; its activation energies, its conductivities
at 298 K, and the Haven ratio of the lowest temperature that supports one.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
COLUMNS = ("quantity", "system", "u_ev", "temperature_k", "value", "low_95", "high_95", "unit",
           "verdict", "source")
FORMULAS = {"li3ticl6": "Li3TiCl6", "li3incl6": "Li3InCl6"}
WANTED = (("sigma", "mS/cm", "298", "sigma_298_ms_per_cm", "sigma_298_low_95", "sigma_298_high_95"),
          ("activation", "eV", "", "activation_sigma_ev", "activation_sigma_low_95",
           "activation_sigma_high_95"))


def best_parts(folder: Path) -> dict[float, Path]:
    """Return for each U the part whose line through the conductivities rests on most jumps."""
    best: dict[float, tuple[float, Path]] = {}
    for path in sorted([folder, *folder.iterdir()]):
        lines = path / "tables" / "arrhenius.parquet"
        if not lines.exists():
            continue
        table = pd.read_parquet(lines)
        for row in table[table["quantity"] == "sigma_self"].to_dict("records"):
            jumps = row["hop_events"] if pd.notna(row["sigma_298_ms_per_cm"]) else -1
            if jumps > best.get(row["u_ev"], (0, path))[0]:
                best[row["u_ev"]] = (jumps, path)
    return {u: path for u, (_, path) in sorted(best.items())}


def rows_of(folder: Path) -> list[dict]:
    """Return the rows of one study."""
    system, rows = FORMULAS[folder.name], []
    for u, part in best_parts(folder).items():
        source = f"Haven, {part.relative_to(ROOT).as_posix()}"
        lines = pd.read_parquet(part / "tables" / "arrhenius.parquet")
        for kind in ("total", "self"):
            line = lines[(lines["quantity"] == f"sigma_{kind}") & (lines["u_ev"] == u)].iloc[0]
            for name, unit, at, *columns in WANTED:
                rows.append((f"{name}_{kind}", system, u, at, *(line[c] for c in columns), unit,
                             line["verdict"], source))
        joined = pd.read_parquet(part / "tables" / "joined.parquet")
        ratios = joined[(joined["quantity"] == "haven_ratio") & (joined["u_ev"] == u)
                        & joined["seed"].isna() & joined["value"].notna()]
        for row in ratios.sort_values("temperature_k").head(1).to_dict("records"):
            rows.append(("haven_ratio", system, u, f"{row['temperature_k']:g}", row["value"],
                         row["low_95"], row["high_95"], "1", row["verdict"], source))
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows]


def written(value: object) -> object:
    """Return a number with eight digits, an empty cell where there is none."""
    if isinstance(value, float):
        return "" if pd.isna(value) else f"{value:.8g}"
    return value


def main() -> None:
    writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for name in FORMULAS:
        for row in rows_of(ROOT / "assets" / "study" / name):
            writer.writerow({key: written(value) for key, value in row.items()})


if __name__ == "__main__":
    main()
