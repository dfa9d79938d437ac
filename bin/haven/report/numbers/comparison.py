"""Haven's numbers beside published ones: what agrees, what differs, what was not measured."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from haven.core.errors import HavenError, existing
from haven.core.numbers import known
from haven.core.reading.entries import repeated
from haven.core.types import Row, Table, Tables
from haven.report.numbers.measured import FROM_LINE
from haven.report.numbers.soundness import against_runs, reservations

MACHINES = 3.0  # factor by which machines and codes differ in what a step costs
# How wide an interval may be that is to say whether a published value holds: what is compared, in
# what sense, half width (absolute, in the unit; relative; or as a factor either way), in words.
LIMITS = (
    ("lattice_beta", "absolute", 0.5, "± 0.5°"),  # the published cells span 0.8 degrees
    ("lattice_volume", "relative", 0.03, "± 3 %"),  # functionals differ by 2 to 5 %
    ("lattice_", "relative", 0.01, "± 1 %"),  # U changes the published constants by 0.2 to 1 %
    ("rdf_first_peak", "absolute", 0.05, "± 0.05 Å"),  # printed to 0.01 or 0.1 Angstrom
    ("activation", "absolute", 0.05, "± 0.05 eV"),  # a factor 7 of the conductivity at 298 K
    ("barrier", "absolute", 0.05, "± 0.05 eV"),
    ("sigma_", "factor", 2.0, "a factor of 2"),
    ("d_", "factor", 2.0, "a factor of 2"),
    ("haven_ratio", "factor", 2.0, "a factor of 2"),
    ("energy_", "factor", 2.0, "a factor of 2"),
    ("force_", "factor", 2.0, "a factor of 2"),
    ("cost_ratio", "factor", MACHINES, f"a factor of {MACHINES:g}"),
)
ROUNDING = 1 + 1e-9  # an interval just as wide as its limit is not wider
NEAR = 0.01  # occupancies differing by less are those of one cell of whole atoms

COLUMNS = (
    "quantity", "system", "u_ev", "temperature_k", "value", "uncertainty", "unit", "source",
    "doubtful", "note",
)
# Works cited; findings on other materials, in words; answers of the studies shipped with Haven.
OTHER_TABLES = ("citations.csv", "others.csv", "studies.csv")
CITED_COLUMNS = ("name", "reference", "doi", "role")
MEASURED = "measured"  # how the role of a work begins whose values are measured ones
STUDY_COLUMNS = ("quantity", "system", "u_ev", "temperature_k", "value", "low_95", "high_95",
                 "unit", "verdict", "source")


def load_studies(folder: str | Path, material: str) -> list[Row]:
    """Read what the longer studies shipped with Haven found for a material.

    Parameters
    ----------
    folder
        Folder of reference values; its ``studies.csv`` has the columns of `STUDY_COLUMNS` and is
        made from the tables of ``assets/study`` by ``tests/bench/study_answers.py``.
    material
        Name of the material, the first word of ``system`` in any case.

    Returns
    -------
    list of dict
        One row a quantity and U; numbers are nan where the study supports none. Empty if the
        folder has no such file.

    Raises
    ------
    HavenError
        If the file lacks a column, or holds text where a number belongs.
    """
    path = Path(folder) / "studies.csv"
    if not path.exists():
        return []
    rows = _read(path, STUDY_COLUMNS)
    _to_numbers(rows, ("u_ev", "temperature_k", "value", "low_95", "high_95"), lambda _: str(path))
    return of_material(rows, material).to_dict("records")


def _read(path: Path, columns: Sequence[str]) -> Table:
    """Return a CSV file as text, if it has these columns."""
    import pandas as pd

    with path.open(newline="", encoding="utf-8") as stream:
        header = next(csv.reader(stream), [])
    if twice := repeated(header):
        raise HavenError(f"{path} has the column {twice} twice")
    rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    missing = [name for name in columns if name not in rows]
    if missing:
        raise HavenError(f"{path} lacks the column {', '.join(missing)}")
    return rows


def _to_numbers(rows: Table, names: Sequence[str], where: Callable[[Any], str]) -> None:
    """Make numbers of columns of text, nan of empty cells; ``where`` names a bad cell's row."""
    import pandas as pd

    for name in names:
        numbers: Any = pd.to_numeric(rows[name], errors="coerce")
        bad = rows[numbers.isna() & (rows[name] != "")]
        if len(bad):
            raise HavenError(f"{where(bad.iloc[0])}: {name} is no number")
        rows[name] = numbers


def load_reference(folder: str | Path) -> Table:
    """Read every table of published values in a folder.

    Parameters
    ----------
    folder
        Holds CSV files with the columns of `COLUMNS`; those of `OTHER_TABLES` are other tables. Its
        ``README.md`` in ``assets/reference`` tells what is in each.

    Returns
    -------
    pandas.DataFrame
        The rows, with ``doubtful`` as bool, ``rounding``, half a unit of the last printed digit,
        and ``measured``, whether the value is of an experiment (`are_measured`).

    Raises
    ------
    HavenError
        If the folder holds no such file, a file lacks a column or a number, or ``citations.csv``
        lacks a source.
    """
    import pandas as pd

    files = sorted(existing(folder, "folder of reference values").glob("*.csv"))
    files = [path for path in files if path.name not in OTHER_TABLES]
    if not files:
        raise HavenError(f"no reference values in {folder}: expected CSV files")
    rows = pd.concat([_read(path, COLUMNS) for path in files], ignore_index=True)
    rows["rounding"] = [printed_rounding(text) for text in rows["value"]]
    _to_numbers(rows, ("u_ev", "temperature_k", "value", "uncertainty"),
                lambda row: f"reference {row['quantity']}")
    rows["doubtful"] = rows["doubtful"] == "yes"
    rows["measured"] = are_measured(rows, Path(folder) / "citations.csv")
    return rows


def are_measured(rows: Table, cited: Path) -> list[bool]:
    """Return of each published value whether it was measured: whether its source's role says so.

    Parameters
    ----------
    rows
        Published values; each ``source`` begins with the name of a work.
    cited
        ``citations.csv`` with the columns of `CITED_COLUMNS`; the role of what measured begins
        with ``measured``.

    Raises
    ------
    HavenError
        If a source is of no work there.
    """
    works = _read(cited, CITED_COLUMNS) if cited.exists() else None
    roles = {} if works is None else dict(zip(works["name"], works["role"], strict=True))
    names = sorted((name for name in roles if name), key=len, reverse=True)
    found = []
    for row in rows.to_dict("records"):
        source = str(row["source"])
        name = next((name for name in names if re.match(rf"{re.escape(name)}(?!\w)", source)), None)
        if name is None:
            raise HavenError(
                f"{cited} lacks the work '{source.partition(',')[0]}', the source of "
                f"{row['quantity']} of {row['system']}: add a row with its "
                f"{', '.join(CITED_COLUMNS)} (a role that begins with '{MEASURED}' says that its "
                "values were measured)")
        found.append(roles[name].startswith(MEASURED))
    return found


def printed_rounding(text: str) -> float:
    """Return half a unit of the last printed digit: 0.005 for ``1.06``, 5e-7 for ``6.723e-4``."""
    mantissa, _, exponent = text.lower().partition("e")
    decimals = len(mantissa.partition(".")[2])
    try:
        return 0.5 * 10.0 ** (int(exponent or 0) - decimals)
    except ValueError:
        return math.nan


def standing_of(
    value: float | None, low: float | None, high: float | None, published: float, spread: float,
    quantity: str = "", sound: bool = True,
) -> str:
    """Return how a measured number stands to a published one.

    Parameters
    ----------
    value, low, high
        Haven's number and its 95 % interval; a bound has ``high`` only.
    published
        The published number.
    spread
        Half width of the published number's uncertainty: that of its last printed digit, or a
        stated one.
    quantity
        What is compared; `LIMITS` has the largest width of its interval that still says something.
    sound
        Whether nothing stands against the number (`haven.report.numbers.soundness.reservations`).

    Returns
    -------
    str
        ``agrees`` where the interval overlaps with ``published ± spread`` and is narrow enough
        (`LIMITS`); ``too_wide`` where it overlaps but is wider than that; ``differs`` where it does
        not overlap, or a bound excludes the published number; ``as_machines`` for costs that do not
        overlap, but differ by less than machines and codes do (`MACHINES`); ``not_sound`` where
        something stands against a number that would agree or differ; ``no_interval`` for a number
        without an interval; else ``not_measured``.
    """
    if value is None or not known(value):
        excluded = high is not None and known(high) and published - spread > high
        return "not_measured" if not excluded else "differs" if sound else "not_sound"
    if low is None or high is None or not known(low, high):
        return "no_interval"
    if low > published + spread or high < published - spread:
        near = quantity == "cost_ratio" and (low <= MACHINES * published
                                             and high >= published / MACHINES)
        return "as_machines" if near else "differs" if sound else "not_sound"
    if too_wide(low, high, published, quantity):
        return "too_wide"
    return "agrees" if sound else "not_sound"


def too_wide(low: float, high: float, published: float, quantity: str) -> bool:
    """Return whether an interval is wider than `LIMITS` allows for this quantity."""
    for start, kind, limit, _ in LIMITS:
        if quantity.startswith(start):
            if kind == "factor":
                return low <= 0 or high / low > limit**2 * ROUNDING
            most = limit * (abs(published) if kind == "relative" else 1.0)
            return (high - low) / 2 > most * ROUNDING
    return False


def limit_words(quantity: str) -> str:
    """Return the width `LIMITS` allows for a quantity, in words; empty without one."""
    return next((words for start, _, _, words in LIMITS if quantity.startswith(start)), "")


def of_material(reference: Table, material: str) -> Table:
    """Return the reference rows whose system is this material (first word, any case)."""
    names = reference["system"].str.split().str[0].str.lower()
    return reference[names == material.lower()]


def compare(
    measured: Table, reference: Table, material: str, u_values: list[float],
    tables: Tables | None = None,
) -> Table:
    """Put each published value beside Haven's for each U it holds for.

    Parameters
    ----------
    measured
        Rows of `haven.report.numbers.measured.collect`: quantity, system, u_ev, temperature_k,
        value, low_95, high_95, unit.
    reference
        Rows of `load_reference`.
    material
        Name of the material; published values of others are left out.
    u_values
        Values of U in this study, eV; a published value without U is compared for each.
    tables
        Tables by name, by whose ``runs`` and ``verdicts`` numbers of the dynamics may be doubted;
        None: nothing is known of the runs.

    Returns
    -------
    pandas.DataFrame
        Rows of the table ``comparison``.
    """
    import pandas as pd

    rows = []
    for entry in of_material(reference, material).to_dict("records"):
        if str(entry["quantity"]).startswith("study_"):
            continue  # a setting of the published study, not a result
        wanted = [float(entry["u_ev"])] if known(entry["u_ev"]) else sorted(u_values)
        for u_ev in wanted:
            doubts = against_runs(tables, u_ev, str(entry["quantity"])) if tables else []
            rows.append(_row(measured, entry, material, u_ev, doubts))
    return pd.DataFrame(rows)


def _row(
    measured: Table, entry: dict, material: str, u_ev: float, doubts: list[str],
) -> dict[str, object]:
    found = next(_matching(measured, entry, u_ev), None) or _on_the_line(measured, entry, u_ev)
    value, low, high = (found[k] if found else None for k in ("value", "low_95", "high_95"))
    if found and found["unit"] != entry["unit"]:
        raise HavenError(
            f"{entry['quantity']} is in {found['unit']} here and {entry['unit']} in the reference"
        )
    against = [*reservations(found), *doubts] if found else []
    stated = entry["uncertainty"]
    spread = float(stated) if known(stated) else float(entry["rounding"])
    system = str(entry["system"]).partition(" ")[2]
    return {
        "material": material,
        "quantity": f"{entry['quantity']} ({system})" if _by_system(entry) else entry["quantity"],
        "u_ev": u_ev,
        "temperature_k": entry["temperature_k"] if known(entry["temperature_k"]) else None,
        "value": value,
        "low_95": low,
        "high_95": high,
        "published": float(entry["value"]),
        "unit": entry["unit"],
        "source": entry["source"],
        "doubtful": bool(entry["doubtful"]),
        "verdict": standing_of(value, low, high, float(entry["value"]), spread,
                               str(entry["quantity"]), sound=not against),
        "note": "; ".join(part for part in (", ".join(against),
                                            str(found["note"]) if found else "") if part),
        "published_note": str(entry["note"]),
    }


def _by_system(entry: Mapping[str, object]) -> bool:
    """Return whether the quantity is one of a given occupancy (lattice constants are)."""
    return str(entry["quantity"]).startswith(("lattice_", "occupancy_"))


def same_occupancies(one: str, other: str) -> bool:
    """Return whether two sets of occupancies, as ``0.754/0.123``, are met by the same cells."""
    if one == other:
        return True
    try:
        pairs = list(zip(map(float, one.split("/")), map(float, other.split("/")), strict=True))
    except ValueError:
        return False
    return all(abs(a - b) < NEAR for a, b in pairs)


def _on_the_line(measured: Table, entry: Mapping[str, object], u_ev: float) -> Row | None:
    """Return what the Arrhenius line gives for a temperature at which nothing ran; None without."""
    named = {**entry, "quantity": f"{entry['quantity']}{FROM_LINE}"}
    found = next(_matching(measured, named, u_ev), None)
    if found is None or not known(found["value"]):
        return None
    return {**found, "note": f"Arrhenius line: {found['note']}"}


def _matching(
    measured: Table, entry: Mapping[str, object], u_ev: float
) -> Iterator[dict[str, float]]:
    rows = measured[(measured["quantity"] == entry["quantity"]) & (measured["u_ev"] == u_ev)]
    if known(entry["temperature_k"]):  # type: ignore[arg-type]
        rows = rows[(rows["temperature_k"] - float(str(entry["temperature_k"]))).abs() < 1]
    if _by_system(entry):
        wanted = str(entry["system"]).partition(" ")[2]
        same = rows[rows["system"] == wanted]
        near = [same_occupancies(str(name), wanted) for name in rows["system"]]
        rows = same if len(same) else rows[near]
    yield from rows.to_dict("records")
