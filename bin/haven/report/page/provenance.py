"""Where a report comes from: versions, code, inputs, and what to cite."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

from haven import __version__
from haven.core.identity import package_digest
from haven.core.types import Row
from haven.report.numbers.wording import LABELS
from haven.report.page.origins import places_of


def build_id() -> str:
    """Return Haven's version with the digest of its code."""
    return f"Haven {__version__}, code {package_digest()}"


def provenance(
    folder: Path, origins: Sequence[Row] = (), numbers: Sequence[Row] = ()
) -> list[dict[str, str]]:
    """Return version, code digest and inputs of each table file of a folder, and its anchor.

    Parameters
    ----------
    folder
        Holds the files.
    origins
        Rows of table ``origins``, which say what task made a file: ``task``, ``folder`` and
        ``link``, the folder's address.
    numbers
        Rows of table ``numbers`` that are of interest: ``numbers`` names those made from a file.
    """
    import pyarrow.parquet as pq

    by_part = {str(row["part"]): row for row in origins}
    rows = []
    for number, path in enumerate(sorted(folder.glob("*.parquet"))):
        held = pq.read_schema(path).metadata or {}
        inputs = json.loads(held.get(b"haven_inputs", b"{}") or b"{}")
        rows.append({
            "file": path.name, "anchor": f"made-{number}",
            "version": held.get(b"haven_version", b"?").decode(),
            "code": held.get(b"haven_code", b"?").decode(),
            "inputs": "; ".join(f"{k}: {v}" for k, v in inputs.items())[:300],
            **_made_by(by_part.get(path.name), numbers),
        })
    return rows


def _made_by(origin: Row | None, numbers: Sequence[Row]) -> dict[str, str]:
    """Return task and work folder of a file, and the numbers made from its rows, in words."""
    if origin is None:
        return {"task": "", "folder": "", "link": "", "numbers": ""}
    first = int(str(origin["first_row"]))
    last = first + int(str(origin["rows"])) - 1
    told = [_said(number) for number in numbers if number["table"] == origin["table"] and any(
        a <= last and b >= first for a, b in places_of(str(number["rows"])))]
    folder = str(origin["folder"])
    return {"task": str(origin["task"]), "folder": folder,
            "link": Path(folder).as_uri() + "/" if folder else "", "numbers": "; ".join(told)}


def _said(number: Row) -> str:
    """Return a number's name with its rows: ``D self, U = 4 eV, 298 K (row 3)``."""
    at = number["temperature_k"]
    parts = [LABELS.get(str(number["quantity"]), str(number["quantity"])),
             f"U = {float(str(number['u_ev'])):g} eV",
             f"{float(str(at)):g} K" if at is not None else ""]
    return f"{', '.join(part for part in parts if part)} (row {number['rows']})"


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
