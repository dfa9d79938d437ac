"""Rows of a measurement put into its CSV file, in place of those of the same keys."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path


def merge(path: Path, rows: Sequence[dict[str, object]], keys: Sequence[str]) -> None:
    """Write rows to a CSV file; rows there with other keys stay.

    Parameters
    ----------
    path
        The file, made where it is not there.
    rows
        Rows with the same names; numbers are written with four digits.
    keys
        Names of what tells rows apart.
    """
    new = [{name: f"{value:.4g}" if isinstance(value, float) else str(value)
            for name, value in row.items()} for row in rows]
    known = {tuple(row[key] for key in keys): row for row in new}
    held: list[dict[str, str]] = []
    if path.exists():
        with path.open(newline="") as file:
            held = list(csv.DictReader(file))
    merged = [known.pop(tuple(row[key] for key in keys), row) for row in held]
    merged += known.values()
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(merged[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(merged)
