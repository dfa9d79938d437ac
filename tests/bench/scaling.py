#!/usr/bin/env python3
"""Fit how a step's time grows with the cell, from the timings kept in cost.csv or another table."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "bin"))


def main() -> None:
    import pandas as pd

    from haven.cost import scaling

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", nargs="?", type=Path, default=HERE / "cost.csv")
    path = parser.parse_args().table
    table = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    for name in ("material", "u_ev"):
        table[name] = table.get(name, "-")
    for row in scaling.rows([{str(k): v for k, v in one.items()}
                             for one in table.to_dict("records")]):
        print(f"{row['model']}, compressed: {row['compressed']}, {row['sizes']} sizes, "
              f"{row['atoms_least']} to {row['atoms_most']} atoms: {row['verdict']}")
        for name, stem, factor, unit in (
            ("exponent", "exponent", 1, ""), ("overhead_s", "overhead", 1e3, " ms"),
            ("seconds_per_atom_step", "seconds_per_atom_step", 1e6, " us an atom"),
        ):
            print(f"  {name}: {factor * row[name]:.3g} ({factor * row[f'{stem}_low_95']:.3g} to "
                  f"{factor * row[f'{stem}_high_95']:.3g}){unit}")


if __name__ == "__main__":
    main()
