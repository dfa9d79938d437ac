"""What the report's template is filled with: each section's words, tables and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from haven.core.numbers import count_of
from haven.core.types import Row, Table, Tables
from haven.cost.rows import published_study
from haven.potential.calibration import sentences as calibrated
from haven.potential.gate import Gate, gate_rows
from haven.potential.gate import sentences as gated
from haven.report.answer import (
    answer_grid,
    claims_grid,
    counted,
    doubtful_sentence,
    formula_of,
    open_first,
    trusted_sentence,
)
from haven.report.claims.study import Study
from haven.report.dispersion import dispersion_grid
from haven.report.figures import keys_of
from haven.report.figures.learning import rounds_grid
from haven.report.grids import (
    Block,
    accuracy_grid,
    barriers_grid,
    budget_grid,
    comparison_grids,
    cost_grid,
    gate_grid,
    headline_grid,
    lattice_grid,
    paired_grid,
    plan_grid,
    published_accuracy_grid,
    runs_grid,
    scaling_grid,
    transport_grid,
    verdict_grid,
)
from haven.report.measured import headline
from haven.report.provenance import build_id, citations, others
from haven.report.verdicts import force_window, present_runs
from haven.report.wording import doubts, unsupported

if TYPE_CHECKING:
    from haven.report.figures.style import Picture

# the study's tables and figures, in its order: title, keys of our figures, name of our table
STUDY = (
    ("Table I: errors of the potential", (), "accuracy"),
    ("Table II: relaxed cells", ("lattice",), "lattice"),
    ("Fig. 1: predictions against labels, and cost", ("parity", "cost"), ""),
    ("Fig. 2: cells and their occupancies", ("occupancies", "supercell"), ""),
    ("Fig. 3: radial distribution functions", ("rdf_cell", "rdf"), ""),
    ("Fig. 4: mean-square displacements", ("msd",), ""),
    ("Fig. 5: paths of single ions", ("tracks", "density"), ""),
    ("Fig. 6: conductivity", ("conductivity",), ""),
    ("Barriers by direction", ("barriers",), "barriers"),
)
LATER = ("lattice_", "energy_", "force_", "barrier ", "occupancy_")  # compared in tables of theirs
# section: title, keys of its figures (haven.report.figures.FIGURES), tables it needs one of
SECTIONS = (
    ("labels", "Labels", keys_of("labels"), ("labels",)),
    ("potential", "Potential: accuracy and training",
     keys_of("potential"),
     ("accuracy", "learning_curve")),
    ("health", "Dynamics: cells and health of the runs",
     keys_of("health"),
     ("runs",)),
    ("transport", "Transport", keys_of("transport"),
     ("msd", "diffusion")),
    ("hops", "Hops and paths of single ions", keys_of("hops"),
     ("hops", "tracks")),
    ("cost", "Cost", keys_of("cost"), ("cost",)),
)


def context(
    material: str, tables: Tables, measured: Table,
    comparison: Table, verdicts: Table, pictures: list[Picture],
    missing: list[str], expected: Mapping[str, Any], sources: list[dict[str, str]],
    reference: Table, reference_folder: Path, gates: Mapping[float, Gate],
    study: Study, claims: list[Row],
) -> Block:
    """Return everything the template shows."""
    drawn = {picture.key: picture for picture in pictures}
    failed, counted = verdict_grid(verdicts)
    beside = {
        "labels": [rounds_grid(tables)],
        "potential": [accuracy_grid(tables),
                      gate_grid(gate_rows(tables["parity"], material, force_window(expected)))],
        "health": [runs_grid(tables)],
        "transport": [transport_grid(measured), paired_grid(tables), budget_grid(tables),
                      plan_grid(tables)],
        "cost": [cost_grid(tables), scaling_grid(tables)],
    }
    own = {"accuracy": [published_accuracy_grid(comparison)],
           "lattice": [lattice_grid(measured, reference),
                       dispersion_grid(study)],
           "barriers": [barriers_grid(tables, reference)]}
    retold = [{"title": title, "pictures": [drawn[k] for k in keys if k in drawn],
               "grids": [block for block in own.get(name, []) if block]}
              for title, keys, name in STUDY]
    retold = [part for part in retold if part["pictures"] or part["grids"]]
    shown = {"answer"} | {p.key for part in retold for p in part["pictures"]}
    settings = {row["quantity"]: row["value"] for row in reference.to_dict("records")
                if row["quantity"].startswith("study_")}
    notes = {"cost": published_study(tables["cost"], settings),
             "potential": [*calibrated(tables["parity"]),
                           *gated(tables["parity"], force_window(expected))]}
    sections = [{
        "key": key, "title": title,
        "pictures": [drawn[k] for k in keys if k in drawn and k not in shown],
        "grids": [g for g in beside.get(key, []) if g],
        "notes": notes.get(key, []),
        "computed": any(len(tables[name]) for name in needs),
    } for key, title, keys, needs in SECTIONS]
    for section in sections:
        section["summary"] = _folded(section)
    codes = sorted({row["code"] for row in sources})
    return {
        **_first(study, claims, drawn), "retold": retold, **_compared(comparison),
        "material": formula_of(material, reference), "build": build_id(),
        "headline": headline_grid(measured),
        "unsupported": [*unsupported(headline(measured)), *doubts(tables, gates)],
        "missing": missing, "failed": failed, "counted": counted, "sections": sections,
        "sources": sources, "codes": codes,
        "runs": count_of(len(present_runs(tables, expected)), "run"),
        "parameters": sorted((str(k), str(v)) for k, v in (expected.get("parameters") or {}).items()
                             if v is not None),
        "seeds": sorted({int(s) for name in ("runs", "learning_curve", "accuracy")
                         for s in tables[name]["seed"].dropna()}),
        "citations": citations(reference_folder), "others": others(reference_folder),
    }


def _folded(section: Block) -> str:
    """Return what a folded section holds, counted."""
    parts = ((len(section["grids"]), "table"), (len(section["pictures"]), "figure"))
    held = " and ".join(count_of(count, noun) for count, noun in parts if count)
    return held or "Notes"


def _first(study: Study, claims: list[Row], drawn: Mapping[str, Picture]) -> Block:
    """Return what the first screen and the claims show."""
    told, silent = open_first(claims)
    return {"answer": answer_grid(study), "picture": drawn.get("answer"),
            "trusted": trusted_sentence(study), "doubtful": doubtful_sentence(study),
            "claims": claims_grid(told), "silent": claims_grid(silent),
            "counted_claims": counted(claims)}


def _compared(comparison: Table) -> Block:
    """Return the comparison in tables: what differs, the rest, and what has no counterpart."""
    if comparison.empty:
        return {"differing": None, "compared": None, "absent": None}
    rows = comparison[~comparison["quantity"].str.startswith(LATER)]
    keys = ["quantity", "temperature_k", "published", "source"]
    differs = rows.groupby(keys, dropna=False)["verdict"].transform(
        lambda verdicts: (verdicts == "differs").any()).astype(bool)
    parts = [comparison_grids(part) if len(part) else (None, None)
             for part in (rows[differs], rows[~differs])]
    return {"differing": parts[0][0], "compared": parts[1][0], "absent": parts[1][1]}


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
