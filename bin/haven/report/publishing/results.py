"""What a results folder says of its run, and which of its files are the run's own."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from haven.core import tables
from haven.core.errors import HavenError, existing
from haven.core.types import Table
from haven.report.tables import NUMBERS, ORIGINS

METADATA = "ro-crate-metadata.json"
ADDED = (METADATA, ".zenodo.json", "CITATION.cff")  # written about the results afterwards
OF_REPORT = ("tables/", "figures/", "pipeline/")  # put in place whole, or records of every run


@dataclass(frozen=True)
class Results:
    """A results folder and what it says of itself.

    Attributes
    ----------
    folder
        The folder.
    run
        Nextflow's record of the run that made the report; empty where there is none.
    earlier
        Files that earlier runs left there and this one has no counterpart of, by their names in the
        folder: they are no part of the results.
    parameters
        Parameters of that run, as text.
    trace
        Tasks by the start of their hash (``da/3cad50``), from Nextflow's traces.
    numbers, origins
        The tables of these names.
    """

    folder: Path
    run: Mapping[str, Any]
    earlier: tuple[str, ...]
    parameters: Mapping[str, str | None]
    trace: Mapping[str, Mapping[str, str]]
    numbers: Table
    origins: Table


def read_results(folder: str | Path) -> Results:
    """Read what a results folder says of its run.

    Raises
    ------
    HavenError
        If the folder is no results folder of a run, or a later run put files there and made no
        report.
    """
    place = existing(folder, "results folder")
    if not (place / "report.html").is_file():
        raise HavenError(f"{place} has no report.html: name the results folder of a run "
                         "(--outdir)")
    run, earlier = _own(place)
    stored = read_json(place / "parameters.json").get("parameters") or run.get("parameters") or {}
    return Results(place, run, earlier, stored, _trace(place), _table(NUMBERS, place),
                   _table(ORIGINS, place))


def _own(place: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the record of the run that made the report, and the files that earlier ones left.

    Each record, ``pipeline/run_<time>.json``, names the files that its run published, report.html
    among them once it is made; those of earlier versions of Haven name none. It has a number above
    those of the records beside it (``order``), and names the traces that were there at its end, so
    that a clock that was set back puts no earlier run after a later one.
    """
    told = sorted(((one.get("order") or 0, path, one) for path in (
        place / "pipeline").glob("run_*.json") for one in [read_json(path)]),
        key=lambda one: one[:2])
    if not told:
        return {}, ()
    records, held = [path for _, path, _ in told], [one for _, _, one in told]
    last = max((number for number, one in enumerate(held)
                if "report.html" in one.get("files", ["report.html"])), default=-1)
    files = [set(one.get("files", ())) for one in held]
    after, seen = records[-1].stem.removeprefix("run_"), held[-1].get("traces")
    cut = [path.name for path, put in zip(records[last + 1:], files[last + 1:], strict=True)
           if put]
    cut += [path.name for path in sorted((place / "pipeline").glob("trace_*.tsv"))
            if (path.stem.removeprefix("trace_") > after if seen is None else path.name not in seen)
            and _tasks_in(path)]
    if cut:
        raise HavenError(f"a run has put files into {place} after the report was made, and has "
                         f"made none itself (pipeline/{cut[-1]}): let it end, or run again with "
                         "-resume, so that all files are of one run")
    if last < 0:
        return {}, ()
    gone = set().union(*files[:last]) - files[last] if "files" in held[last] else set()
    return held[last], tuple(
        name for path in sorted(place.rglob("*")) if path.name in gone and path.is_file()
        and not (name := path.relative_to(place).as_posix()).startswith(OF_REPORT))


def _tasks_in(trace: Path) -> bool:
    """Return whether a trace of Nextflow has a task below its head."""
    with trace.open(encoding="utf-8", errors="replace") as stream:
        return len(list(zip(range(2), stream, strict=False))) > 1


def read_json(path: Path) -> dict[str, Any]:
    """Return the object that a JSON file holds; empty where there is no file, or another value.

    Raises
    ------
    HavenError
        If the file is no JSON.
    """
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise HavenError(f"{path} is no JSON ({error}): run again with -resume, which writes it "
                         "anew") from error
    return held if isinstance(held, dict) else {}


def _trace(place: Path) -> dict[str, dict[str, str]]:
    """Return the tasks of all traces by hash, the newest last."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted((place / "pipeline").glob("trace_*.tsv")):
        with path.open(newline="", encoding="utf-8", errors="replace") as stream:
            for row in csv.DictReader(stream, delimiter="\t"):
                if row.get("hash") and row.get("complete"):
                    found[str(row["hash"])] = row
    return found


def _table(schema: Any, place: Path) -> Table:
    """Return a table of the results; one that a stub touched, or that is not there, is empty."""
    path = place / "tables" / f"{schema.name}.parquet"
    whole = path.is_file() and path.stat().st_size > 0
    return tables.read(schema, *([path] if whole else []))


def files_of(results: Results) -> list[Path]:
    """Return the files of the results in their order, without the crate's and earlier runs'."""
    others = {*ADDED, *results.earlier}
    return sorted(path for path in results.folder.rglob("*") if path.is_file()
                  and path.relative_to(results.folder).as_posix() not in others)


def earlier_words(results: Results) -> str:
    """Return what to say of the files that earlier runs left in the folder; empty if none."""
    if not results.earlier:
        return ""
    one = len(results.earlier) == 1
    return (f"{results.folder} also holds {len(results.earlier)} file{'' if one else 's'} of "
            f"earlier runs that {'is' if one else 'are'} no part of this one's results, "
            f"{'' if one else 'such as '}{results.earlier[0]}")
