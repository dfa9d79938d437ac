"""What the report's template is filled with: each section's words, tables and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from haven.core.numbers import count_of
from haven.core.types import Table, Tables
from haven.cost.rows import published_study
from haven.potential.calibration import sentences as calibrated
from haven.potential.gate import Gate, gate_rows
from haven.potential.gate import sentences as gated
from haven.report.figures.learning import rounds_grid
from haven.report.grids import (
    Block,
    accuracy_grid,
    budget_grid,
    comparison_grids,
    cost_grid,
    gate_grid,
    headline_grid,
    paired_grid,
    plan_grid,
    published_accuracy_grid,
    runs_grid,
    scaling_grid,
    transport_grid,
    verdict_grid,
)
from haven.report.measured import headline
from haven.report.provenance import build_id, citations
from haven.report.verdicts import force_window, present_runs
from haven.report.wording import doubts, unsupported

if TYPE_CHECKING:
    from haven.report.figures.style import Picture

# section: title, keys of its figures, tables it needs one of
SECTIONS = (
    ("labels", "Labels", ("labels", "audit", "exploration"), ("labels",)),
    ("potential", "Potential: accuracy and training",
     ("learning_curve", "parity", "residuals", "accuracy", "calibration", "data_curve"),
     ("accuracy", "learning_curve")),
    ("health", "Dynamics: cells and health of the runs",
     ("supercell", "structures", "lattice", "thermo", "temperature", "rdf", "rdf_cell"),
     ("runs",)),
    ("transport", "Transport", ("msd", "diffusion", "conductivity", "haven_ratio"),
     ("msd", "diffusion")),
    ("hops", "Hops and paths of single ions", ("hops", "tracks", "density", "van_hove"),
     ("hops", "tracks")),
    ("barriers", "Migration barriers", ("barriers",), ("barriers",)),
    ("cost", "Cost", ("cost",), ("cost",)),
)


def context(
    material: str, tables: Tables, measured: Table,
    comparison: Table, verdicts: Table, pictures: list[Picture],
    missing: list[str], expected: Mapping[str, Any], sources: list[dict[str, str]],
    reference: Table, reference_folder: Path, gates: Mapping[float, Gate],
) -> Block:
    """Return everything the template shows."""
    drawn = {picture.key: picture for picture in pictures}
    compared, absent = comparison_grids(comparison) if len(comparison) else (None, None)
    failed, counted = verdict_grid(verdicts)
    beside = {
        "labels": [rounds_grid(tables)],
        "potential": [published_accuracy_grid(comparison), accuracy_grid(tables),
                      gate_grid(gate_rows(tables["parity"], material, force_window(expected)))],
        "health": [runs_grid(tables)],
        "transport": [transport_grid(measured), paired_grid(tables), budget_grid(tables),
                      plan_grid(tables)], "cost": [cost_grid(tables), scaling_grid(tables)],
    }
    settings = {row["quantity"]: row["value"] for row in reference.to_dict("records")
                if row["quantity"].startswith("study_")}
    notes = {"cost": published_study(tables["cost"], settings),
             "potential": [*calibrated(tables["parity"]),
                           *gated(tables["parity"], force_window(expected))]}
    sections = [{
        "key": key, "title": title, "pictures": [drawn[k] for k in keys if k in drawn],
        "grids": [g for g in beside.get(key, []) if g],
        "notes": notes.get(key, []),
        "computed": any(len(tables[name]) for name in needs),
    } for key, title, keys, needs in SECTIONS]
    codes = sorted({row["code"] for row in sources})
    return {
        "material": material, "build": build_id(), "headline": headline_grid(measured),
        "unsupported": [*unsupported(headline(measured)), *doubts(tables, gates)],
        "missing": missing, "compared": compared,
        "absent": absent, "failed": failed, "counted": counted, "sections": sections,
        "sources": sources, "codes": codes,
        "runs": count_of(len(present_runs(tables, expected)), "run"),
        "parameters": sorted((str(k), str(v)) for k, v in (expected.get("parameters") or {}).items()
                             if v is not None),
        "seeds": sorted({int(s) for name in ("runs", "learning_curve", "accuracy")
                         for s in tables[name]["seed"].dropna()}),
        "citations": citations(reference_folder),
    }


def render(template: Path, words: Block) -> str:
    """Return the HTML of the report."""
    import jinja2

    from haven.core.errors import existing

    existing(template, "template")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(template.parent), autoescape=True, trim_blocks=True,
        lstrip_blocks=True, undefined=jinja2.StrictUndefined,
    )
    return environment.get_template(template.name).render(words)
