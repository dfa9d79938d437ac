"""Where a report comes from: versions, code, inputs, and what to cite."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from haven import __version__
from haven.core.identity import package_digest


def build_id() -> str:
    """Return Haven's version with the digest of its code."""
    return f"Haven {__version__}, code {package_digest()}"


def provenance(folder: Path) -> list[dict[str, str]]:
    """Return version, code digest and inputs of each table file of a folder."""
    import pyarrow.parquet as pq

    rows = []
    for path in sorted(folder.glob("*.parquet")):
        held = pq.read_schema(path).metadata or {}
        inputs = json.loads(held.get(b"haven_inputs", b"{}") or b"{}")
        rows.append({
            "file": path.name, "version": held.get(b"haven_version", b"?").decode(),
            "code": held.get(b"haven_code", b"?").decode(),
            "inputs": "; ".join(f"{k}: {v}" for k, v in inputs.items())[:300],
        })
    return rows


def citations(folder: Path) -> list[dict[str, str]]:
    """Return what to cite, from ``citations.csv`` beside the published values."""
    return _rows(folder / "citations.csv")


def others(folder: Path) -> list[dict[str, str]]:
    """Return what others found on related materials, from ``others.csv`` there."""
    return _rows(folder / "others.csv")


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
