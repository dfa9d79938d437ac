"""The report: tables joined, judged, drawn and written as one self-contained HTML file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from haven.core.errors import existing, log
from haven.core.types import Table
from haven.dynamics.cell import USABLE
from haven.report.figures import Given, draw_all
from haven.report.figures.potential import change_sentence, force_change
from haven.report.numbers.measured import headline
from haven.report.numbers.wording import summary
from haven.report.page.answer import longer_lines
from haven.report.page.contents import contents_of, tables_of
from haven.report.page.downloads import held_tables
from haven.report.page.origins import number_rows, origin_rows
from haven.report.page.provenance import provenance
from haven.report.page.scenes import scenes
from haven.report.registry import TABLES


def write_report(
    folder: str | Path, reference_folder: str | Path, template: str | Path, out: str | Path,
    expected_path: str | Path | None = None, structures: Sequence[str | Path] = (),
) -> str:
    """Write ``report.html``, ``figures/`` and ``tables/`` and return the summary's text.

    Parameters
    ----------
    folder
        Flat folder of ``<id>.<table>.parquet`` files.
    reference_folder
        Published values, CSV.
    template
        Jinja template of the HTML.
    out
        Folder to write into.
    expected_path
        JSON of expected runs and parameters, or None.
    structures
        Supercells, the first of which is drawn, and cells of every set of occupancies (extxyz).
    """
    import pandas as pd

    from haven.report.page.layout import context, render_report

    target, found = Path(out), contents_of(folder, reference_folder, expected_path)
    cells = [existing(path, "structure") for path in structures]
    pictures = draw_all(Given(found.tables, found.measured, found.reference, cells))
    log.info("report: %d figures, %d comparisons, %d verdicts", len(pictures),
             len(found.comparison), len(found.verdicts))
    origins = origin_rows(Path(folder))
    made = tables_of(found, origins)
    _write_tables(made, target / "tables")
    (target / "figures").mkdir(parents=True, exist_ok=True)
    cells_k = _cells_k(found.tables["cells"])
    told = {**found.expected, "cells_k": cells_k} if cells_k else found.expected
    (target / "parameters.json").write_text(
        json.dumps(told, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    for picture in pictures:
        picture.save(target / "figures")
    shown = number_rows(pd.DataFrame(headline(found.measured)), found.tables, found.material)
    words = context(found, pictures, provenance(Path(folder), origins, shown),
                    Path(reference_folder))
    words["held"] = held_tables(target / "tables", made)
    for name, text in words["texts"].items():
        (target / "tables" / name).write_text(text, encoding="utf-8")
    (target / "figures" / "cite.bib").write_text(words["bibtex"], encoding="utf-8")
    html = render_report(Path(template), words, pictures, scenes(made, cells))
    (target / "report.html").write_text(html, encoding="utf-8")
    change = change_sentence(force_change(found.tables["parity"])).replace("Å", "A")
    told = summary(found.measured, found.missing, found.verdicts)
    return "\n".join([told, change, *longer_lines(found.study)])


def _cells_k(cells: Table) -> list[float]:
    """Return the temperatures, K, at which there are cells at rest: further replicas keep them."""
    usable = cells[cells["verdict"].isin(USABLE)]
    return sorted(set(usable["temperature_k"].astype(float)))


def _write_tables(made: Mapping[str, Table], folder: Path) -> None:
    """Write every table that has rows."""
    from haven.core import tables

    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in made.items():
        if len(rows):
            schema = TABLES[name]
            tables.write(schema, rows[schema.names], folder / f"{name}.parquet", {"joined": name})
