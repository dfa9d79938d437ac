"""What ``./haven transport --json`` prints: every number with interval, unit and verdict."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from haven import __version__
from haven.core import tables
from haven.core.columns import VERDICTS, Schema
from haven.transport.tables import ARRHENIUS, CONDUCTIVITY, DIFFUSION, JOINED

RUN = ("material", "u_ev", "temperature_k", "replica", "seed")


def as_json(written: Sequence[Path]) -> str:
    """Return the numbers of all tables written as JSON; what is not known is null.

    Parameters
    ----------
    written
        Files that the command wrote, tables among them.
    """
    held = {
        "haven_version": __version__,
        "numbers": [*_numbers(written, DIFFUSION, "value", "unit"),
                    *_numbers(written, CONDUCTIVITY, "value_ms_per_cm", "mS/cm")],
        "joined": _numbers(written, JOINED, "value", "unit"),
        "arrhenius": [_plain(row) for row in _rows(written, ARRHENIUS)],
        "checks": [_plain(row) for row in _rows(written, VERDICTS)],
        "files": [str(path) for path in written],
    }
    return json.dumps(held, indent=1, ensure_ascii=False)


def _rows(written: Sequence[Path], schema: Schema) -> list[dict[str, Any]]:
    ends = (f".{schema.name}.parquet", f"{schema.name}.parquet")
    return [row for path in written if path.name.endswith(ends[0]) or path.name == ends[1]
            for row in tables.read(schema, path).to_dict("records")]


def _numbers(
    written: Sequence[Path], schema: Schema, value: str, unit: str
) -> list[dict[str, Any]]:
    """Return rows of a table under the same keys: quantity, value, interval, unit, verdict."""
    found = []
    for row in _rows(written, schema):
        if row.get("axis", "xyz") != "xyz":
            continue
        found.append(_plain({
            **{key: row[key] for key in RUN if key in row}, "species": row.get("species"),
            "quantity": row["quantity"], "value": row[value], "low_95": row["low_95"],
            "high_95": row["high_95"], "unit": row.get(unit, unit), "verdict": row["verdict"],
            "jumps": row.get("hop_events"), **({"runs": row["runs"]} if "runs" in row else {})}))
    return found


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as JSON can hold it."""
    def one(value: Any) -> Any:
        value = value.item() if hasattr(value, "item") else value
        return None if isinstance(value, float) and not math.isfinite(value) else value

    return {str(key): one(value) for key, value in row.items()}
