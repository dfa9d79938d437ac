"""Origin of each row of the results' tables: the task, its work folder, code and container.

A report's tables are its tasks' tables, one after the other. Table ``origins`` says which rows came
from which task; table ``numbers`` says of every number of the report from which rows it was made.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

from haven.core.identity import sha256
from haven.core.numbers import known
from haven.core.types import Row, Table, Tables
from haven.report.numbers.measured import DIFFUSION, good_paths, joined_conditions
from haven.report.registry import TABLES
from haven.transport.fits.standing import ACTIVATION

SAID = re.compile(r"^### (name|container): '?(.*?)'?$", re.MULTILINE)
HEAD_BYTES = 1 << 12
_QUANTITY = {ours: theirs for theirs, ours in DIFFUSION.items()}


def origin_rows(folder: Path) -> list[Row]:
    """Return the rows of table ``origins``: one for each file of tables that was joined.

    Parameters
    ----------
    folder
        Flat folder of ``<id>.<table>.parquet`` files, in a task's folder links to those of the
        tasks that made them.
    """
    import pyarrow.parquet as pq

    rows: list[Row] = []
    for name in TABLES:
        first = 0
        for path in sorted(folder.glob(f"*.{name}.parquet")) or sorted(
                folder.glob(f"{name}.parquet")):
            held = pq.read_metadata(path)
            about = {key.decode(): value.decode() for key, value in (held.metadata or {}).items()
                     if key.startswith(b"haven_")}
            task, container = task_of(path.resolve().parent)
            rows.append({
                "table": name, "first_row": first, "rows": held.num_rows, "part": path.name,
                "sha256": sha256(path), "task": task,
                "folder": str(path.resolve().parent) if task else "", "container": container,
                "version": about.get("haven_version", ""), "code": about.get("haven_code", ""),
                "software": about.get("haven_software", "{}"),
                "inputs": about.get("haven_inputs", "{}"),
            })
            first += held.num_rows
    return rows


def task_of(folder: Path) -> tuple[str, str]:
    """Return the name of the task whose work folder this is, and its container; empty if none.

    Parameters
    ----------
    folder
        A work folder of Nextflow holds ``.command.run``, which names the task.
    """
    script = folder / ".command.run"
    try:
        with script.open(encoding="utf-8", errors="replace") as stream:
            said = dict(SAID.findall(stream.read(HEAD_BYTES)))
    except OSError:
        return "", ""
    return said.get("name", ""), said.get("container", "")


def number_rows(measured: Table, tables: Tables, material: str) -> list[Row]:
    """Return the rows of table ``numbers``: everything measured, and the rows it was made from.

    Parameters
    ----------
    measured
        Rows of `haven.report.numbers.measured.collect`.
    tables
        The joined tables, whose rows are counted from 0 as in ``tables/<name>.parquet``.
    material
        Name of the material.
    """
    import numpy as np

    joined = joined_conditions(tables)
    rows: list[Row] = []
    for row in measured.to_dict("records"):
        name, chosen = _made_from(row, tables, joined)
        places = np.flatnonzero(tables[name].index.isin(chosen.index)).tolist() if name else []
        numbers = {key: row[key] if known(row[key]) else None
                   for key in ("u_ev", "temperature_k", "value", "low_95", "high_95")}
        rows.append({"material": material, "quantity": str(row["quantity"]),
                     "system": str(row["system"] or ""), **numbers, "unit": str(row["unit"]),
                     "runs": int(row["runs"]), "verdict": str(row["verdict"] or ""),
                     "note": str(row["note"] or ""), "table": name, "rows": ranges(places)})
    return rows


def _made_from(row: Row, tables: Tables, joined: dict) -> tuple[str, Table]:
    """Return the name of the table that a number was made from, and the rows of it."""
    quantity = str(row["quantity"])
    line = quantity.partition(" from the Arrhenius line")[0]
    if line != quantity or quantity.startswith("activation"):
        name, table = "arrhenius", tables["arrhenius"]
        wanted = line if line != quantity else (
            quantity.removeprefix(ACTIVATION).removesuffix(" T")
            if " of " in quantity else "sigma_total")
        chosen = table[table["quantity"] == wanted]
    elif quantity in _QUANTITY or quantity.startswith("sigma_"):
        key = (row["u_ev"], row["temperature_k"], quantity)
        name = ("joined" if key in joined else
                "diffusion" if quantity in _QUANTITY else "conductivity")
        table = tables[name]
        chosen = table[(table["quantity"] == (
            quantity if name != "diffusion" else _QUANTITY[quantity]))]
        if name == "joined":
            chosen = chosen[chosen["seed"].isna()]
        if name == "diffusion":
            chosen = chosen[chosen["axis"] == "xyz"]
        chosen = chosen[chosen["temperature_k"] == row["temperature_k"]]
    elif quantity.startswith(("energy_", "force_")):
        name, table = "accuracy", tables["accuracy"]
        chosen = table[(table["subset"] == "test") & (table["species"] == "all")
                       & (table["component"] == "all")
                       & (table["quantity"] == quantity.partition("_")[0])]
    elif quantity.startswith("rdf_first_peak "):
        name, table = "rdf", tables["rdf"]
        chosen = table[(table["source"] == "dlmd") & (table["pair"] == quantity.split(" ", 1)[1])
                       & (table["temperature_k"] == row["temperature_k"])]
    elif quantity.startswith("barrier "):
        name, table = "barriers", good_paths(tables["barriers"])
        chosen = table[table["direction"] == quantity.split(" ", 1)[1]]
    elif quantity.startswith("lattice_"):
        name, table = "lattice", tables["lattice"]
        chosen = table[(table["system"] == row["system"]) & (table["engine"] == "potential")
                       & table["converged"].astype(bool)]
    elif "cost_ratio" in quantity:
        name, table = "cost", tables["cost"]
        chosen = table[(table["method"] == "dlmd") & table["ratio_to_aimd"].notna()]
    elif quantity.startswith("occupancy_"):
        name, table = "structures", tables["structures"]
        chosen = table[(table["role"] == "supercell") & table["target_occupancy"].notna()
                       & ("occupancy_" + table["species"].str.lower() + "_" + table["site"]
                          == quantity)]
        return name, chosen
    else:
        return "", tables["verdicts"].iloc[:0]
    return name, chosen[chosen["u_ev"] == row["u_ev"]]


def ranges(places: Iterable[int]) -> str:
    """Return rising whole numbers as text: ``0-3,7``."""
    parts: list[list[int]] = []
    for place in places:
        if parts and place == parts[-1][1] + 1:
            parts[-1][1] = place
        else:
            parts.append([place, place])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)


def places_of(text: str) -> list[tuple[int, int]]:
    """Return first and last row of each part of a text that `ranges` made."""
    found = []
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found.append((int(first), int(last or first)))
    return found


def origins_of(number: Row, origins: Table) -> list[Row]:
    """Return the rows of table ``origins`` that a row of table ``numbers`` was made from."""
    spans = places_of(str(number["rows"]))
    same = origins[origins["table"] == number["table"]]
    return [row for row in same.to_dict("records")
            if any(first < row["first_row"] + row["rows"] and last >= row["first_row"]
                   for first, last in spans)]


def software_of(origins: Table) -> dict[str, set[str]]:
    """Return the versions of each package that tasks had loaded when they wrote their tables."""
    found: dict[str, set[str]] = {}
    for text in origins["software"].dropna().unique():
        for package, version in json.loads(text or "{}").items():
            found.setdefault(str(package), set()).add(str(version))
    return found
