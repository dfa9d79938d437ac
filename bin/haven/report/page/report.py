"""The report: tables joined, judged, drawn and written as one self-contained HTML file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from haven.core.errors import HavenError, existing, log
from haven.core.types import Table, Tables
from haven.report.figures import Given, draw_all
from haven.report.figures.potential import change_sentence, force_change
from haven.report.numbers.measured import headline, study_u
from haven.report.numbers.verdicts import force_window, missing_runs, read_expected, verdict_rows
from haven.report.numbers.wording import summary
from haven.report.page.answer import longer_lines
from haven.report.page.downloads import held_tables
from haven.report.page.origins import number_rows, origin_rows
from haven.report.page.provenance import provenance
from haven.report.page.scenes import scenes
from haven.report.registry import TABLES

if TYPE_CHECKING:
    pass

def load_tables(folder: str | Path) -> dict[str, Table]:
    """Read every table of a flat folder; a table with no file is empty.

    Raises
    ------
    HavenError
        If the folder does not exist or holds no table at all.
    """
    from haven.core import tables

    place = existing(folder, "folder of tables")
    if not any(place.glob("*.parquet")):
        raise HavenError(f"no tables in {place}: expected files such as u4_t298_r0.msd.parquet")
    found = {}
    for name, schema in TABLES.items():
        found[name] = tables.read_folder(schema, place)
        for column in schema.names:
            if column not in found[name]:
                found[name][column] = None
    return found


def material_name(tables: Tables) -> str:
    """Return the name of the one material of the study.

    Raises
    ------
    HavenError
        If the tables are of several materials.
    """
    names = sorted({str(m) for table in tables.values() if "material" in table
                    for m in table["material"].dropna()})
    if len(names) > 1:
        raise HavenError(f"tables of several materials ({', '.join(names)}): report one at a time")
    return names[0] if names else "unknown"


def published_network(reference: Table) -> str:
    """Return the published study's network, as table ``cost`` writes one; empty if not on file."""
    rows = reference[reference["quantity"] == "study_cutoff"]
    if rows.empty:
        return ""
    return f"{rows['note'].iloc[0]}, cutoff {rows['value'].iloc[0]:g} Å"


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

    from haven.core import tables as store
    from haven.dynamics.trust import add_share, judge_runs
    from haven.potential.calibration import calibration_rows, scale_rows
    from haven.potential.gate import gate_rows, gates
    from haven.report.claims import claim_rows
    from haven.report.claims.study import Study, experiments_of
    from haven.report.numbers.comparison import (
        compare,
        load_reference,
        load_studies,
        of_material,
    )
    from haven.report.numbers.measured import collect
    from haven.report.page.layout import context, render_report

    target, found = Path(out), load_tables(folder)
    material, expected = material_name(found), read_expected(expected_path)
    window = force_window(expected)
    gate = gates(found["parity"], window)
    found["runs"] = judge_runs(found["runs"], found["thermo"], gate)
    for name in ("diffusion", "conductivity"):
        found[name] = add_share(found[name], found["runs"])
    reference = of_material(load_reference(reference_folder), material)
    measured = collect(found, published_network(reference))
    missing = missing_runs(expected, found)
    verdicts = verdict_rows(found, missing, material, expected, gate)
    us = study_u(found) or [float(u) for u in expected.get("u_ev", [])]
    comparison = compare(measured, reference, material, us)
    cells = [existing(path, "structure") for path in structures]
    pictures = draw_all(Given(found, measured, reference, cells))
    log.info("report: %d figures, %d comparisons, %d verdicts", len(pictures), len(comparison),
             len(verdicts))
    made = {**found, "comparison": comparison, "verdicts": verdicts}
    made["calibration"] = pd.DataFrame(calibration_rows(found["parity"], material))
    made["calibration_scale"] = pd.DataFrame(scale_rows(found["parity"], material))
    study = Study({**found, "verdicts": verdicts}, measured, reference,
                  experiments_of(Path(reference_folder)), tuple(us),
                  str((expected.get("parameters") or {}).get("dispersion") or ""),
                  tuple(load_studies(reference_folder, material)))
    claims = claim_rows(study, material)
    made["claims"] = pd.DataFrame(claims)
    made["trust_gate"] = pd.DataFrame(gate_rows(found["parity"], material, window))
    (target / "tables").mkdir(parents=True, exist_ok=True)
    origins = origin_rows(Path(folder))
    made["numbers"] = pd.DataFrame(number_rows(measured, found, material))
    made["origins"] = pd.DataFrame(origins)
    shown = number_rows(pd.DataFrame(headline(measured)), found, material)
    for name, rows in made.items():
        if len(rows):
            schema = TABLES[name]
            store.write(schema, rows[schema.names], target / "tables" / f"{name}.parquet",
                        {"joined": name})
    (target / "figures").mkdir(parents=True, exist_ok=True)
    (target / "parameters.json").write_text(json.dumps(expected, indent=1, sort_keys=True) + "\n",
                                            encoding="utf-8")
    for picture in pictures:
        picture.save(target / "figures")
    words = context(
        material=material, tables=found, measured=measured, comparison=comparison,
        verdicts=verdicts, gates=gate, reference=reference, pictures=pictures, missing=missing,
        expected=expected, study=study, claims=claims,
        sources=provenance(Path(folder), origins, shown), reference_folder=Path(reference_folder),
    )
    words["held"] = held_tables(target / "tables", made)
    for name, text in words["texts"].items():
        (target / "tables" / name).write_text(text, encoding="utf-8")
    (target / "figures" / "cite.bib").write_text(words["bibtex"], encoding="utf-8")
    html = render_report(Path(template), words, pictures, scenes(made, cells))
    (target / "report.html").write_text(html, encoding="utf-8")
    change = change_sentence(force_change(found["parity"])).replace("Å", "A")
    return "\n".join([summary(measured, missing), change, *longer_lines(study)])
