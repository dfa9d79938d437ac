"""Tables inside the page, to be sorted, filtered and saved: Parquet, and the same rows as CSV."""

from __future__ import annotations

import base64
import gzip
import json
import math
from pathlib import Path
from typing import Any

from haven.core.columns import Schema
from haven.core.types import Table
from haven.report.registry import TABLES

BUDGET = 4_000_000  # bytes of the page for tables; what does not fit stays beside it, as a file


def held_tables(folder: Path, tables: dict[str, Table]) -> list[dict[str, Any]]:
    """Return every table that was written, with its files as text for the page.

    Parameters
    ----------
    folder
        Folder of ``<table>.parquet`` files, as the report has written them.
    tables
        The same tables' rows by name.

    Returns
    -------
    list of dict
        ``name``, ``rows``, ``columns`` (name, unit, meaning); ``parquet`` and ``csv`` (gzip),
        both base64, empty for tables that are too long for the page.
    """
    found = []
    for name, rows in sorted(tables.items()):
        if len(rows):
            found.append({"name": name, "rows": len(rows), "path": folder / f"{name}.parquet",
                          "columns": described(TABLES[name])})
    spent = 0
    for entry in sorted(found, key=lambda entry: entry["path"].stat().st_size):
        parquet = entry.pop("path").read_bytes()
        text = gzip.compress(csv_of(TABLES[entry["name"]], tables[entry["name"]]).encode(), 9,
                             mtime=0)
        size = 4 * (len(parquet) + len(text)) // 3
        fits = spent + size <= BUDGET
        spent += size if fits else 0
        entry["parquet"] = base64.b64encode(parquet).decode() if fits else ""
        entry["csv"] = base64.b64encode(text).decode() if fits else ""
    return found


def described(schema: Schema) -> list[dict[str, str]]:
    """Return the columns of a table: name, unit and meaning."""
    return [{"name": c.name, "unit": c.unit, "meaning": c.meaning} for c in schema.columns]


def csv_of(schema: Schema, rows: Table) -> str:
    """Return a table's rows as CSV, in which numbers are as exact as in Parquet."""
    return rows[schema.names].to_csv(index=False, lineterminator="\n")


def island(value: Any) -> str:
    """Return a value as JSON that may stand inside a page's ``<script>``.

    No text of it can end the element or open a comment: ``<``, ``>``, ``&`` and the two line
    separators of JavaScript are written as escapes, which JSON reads as the same characters.
    """
    text = json.dumps(_finite(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _finite(value: Any) -> Any:
    """Return a value with None for numbers that JSON has no word for."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(name): _finite(part) for name, part in value.items()}
    return [_finite(part) for part in value] if isinstance(value, (list, tuple)) else value
