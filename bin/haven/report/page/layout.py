"""The content of the report's template: words, tables and pictures of each section."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from haven.core.errors import HavenError, existing
from haven.core.numbers import count_of
from haven.core.types import Row, Table
from haven.cost.rows import published_study
from haven.potential.calibration import sentences as calibrated
from haven.potential.gate import gate_rows
from haven.potential.gate import sentences as gated
from haven.report.claims.study import Study
from haven.report.figures import keys_of
from haven.report.numbers.measured import headline
from haven.report.numbers.verdicts import force_window, present_runs
from haven.report.numbers.wording import doubts, source_name, unsupported
from haven.report.page.answer import (
    answer_grid,
    claims_grid,
    counted,
    doubtful_sentence,
    formula_of,
    open_first,
    plain_sentence,
    trusted_sentence,
)
from haven.report.page.dispersion import dispersion_grid
from haven.report.page.downloads import island
from haven.report.page.grids.base import Block
from haven.report.page.grids.cost import cost_grid, scaling_grid
from haven.report.page.grids.dynamics import runs_grid, verdict_grid
from haven.report.page.grids.mechanism import barriers_grid, hops_grid
from haven.report.page.grids.potential import accuracy_grid, gate_grid, rounds_grid
from haven.report.page.grids.published import (
    comparison_grids,
    lattice_grid,
    published_accuracy_grid,
)
from haven.report.page.grids.transport import (
    budget_grid,
    headline_grid,
    line_plan_grid,
    near_words,
    paired_grid,
    plan_grid,
    transport_grid,
)
from haven.report.page.methods import bibtex, latex_table, methods
from haven.report.page.provenance import build_id, citations, others

if TYPE_CHECKING:
    from haven.report.figures.style import Picture
    from haven.report.page.contents import Contents

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
NUMBERED = re.compile(r"^(Table [IVX]+|Fig\. [0-9]+): ")
# in the page's head: what is folded once the script runs takes no time to lay out until then
EARLY = "document.documentElement.setAttribute('data-ready', 'soon');"
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
    contents: Contents, pictures: list[Picture], sources: list[dict[str, str]],
    reference_folder: Path,
) -> Block:
    """Return everything the template shows.

    Parameters
    ----------
    contents
        What the report says.
    pictures
        The figures.
    sources
        Of each table file, version, code and inputs (`haven.report.page.provenance.provenance`).
    reference_folder
        Holds what to cite.
    """
    tables, expected = contents.tables, contents.expected
    drawn = {picture.key: picture for picture in pictures}
    failed, counted = verdict_grid(contents.verdicts)
    beside, own = _section_grids(contents), _study_grids(contents)
    of_study = bool(contents.claims)
    retold = _retold(own, drawn, of_study)
    shown = {"answer"} | {p.key for part in retold for p in part["pictures"]}
    formula = formula_of(contents.material, contents.reference)
    cited, codes = citations(reference_folder), sorted({row["code"] for row in sources})
    first = _first(contents.study, contents.claims, drawn, formula)
    texts = as_latex({"answer": first["answer"], "claims": first["claims"],
                      "table_1": own["accuracy"][0], "table_2": own["lattice"][0],
                      "dispersion": own["lattice"][1], "barriers": own["barriers"][0],
                      **{f"{name}_{n}": block for name, blocks in beside.items()
                         for n, block in enumerate(blocks, 1)}})
    return {
        **first, "retold": retold, "of_study": of_study, "texts": texts,
        **_compared(contents.comparison),
        "methods": methods(tables, expected, formula, codes), "bibtex": bibtex(cited),
        "material": formula, "build": build_id(),
        "headline": headline_grid(contents.measured), "near": near_words(contents.measured),
        "unsupported": [*unsupported(headline(contents.measured)),
                        *doubts(tables, contents.gates)],
        "missing": contents.missing, "failed": failed, "counted": counted,
        "sections": _sections(contents, beside, drawn, shown),
        "sources": sources, "codes": codes,
        "runs": count_of(len(present_runs(tables, expected)), "run"),
        "parameters": sorted((str(k), str(v)) for k, v in (expected.get("parameters") or {}).items()
                             if v is not None),
        "seeds": sorted({int(s) for name in ("runs", "learning_curve", "accuracy")
                         for s in tables[name]["seed"].dropna()}),
        "citations": cited, "others": others(reference_folder),
    }


def _section_grids(contents: Contents) -> dict[str, list[Block | None]]:
    """Return the tables that stand in each of `SECTIONS`, by its key."""
    tables, measured = contents.tables, contents.measured
    gate = gate_rows(tables["parity"], contents.material, force_window(contents.expected))
    return {
        "labels": [rounds_grid(tables)],
        "potential": [accuracy_grid(tables), gate_grid(gate)],
        "health": [runs_grid(tables, contents.gates)],
        "transport": [transport_grid(measured), paired_grid(tables), budget_grid(tables),
                      plan_grid(tables), line_plan_grid(tables)],
        "hops": [hops_grid(tables)],
        "cost": [cost_grid(tables), scaling_grid(tables)],
    }


def _study_grids(contents: Contents) -> dict[str, list[Block | None]]:
    """Return the tables that stand beside those of the published study, as `STUDY` names them."""
    return {"accuracy": [published_accuracy_grid(contents.comparison)],
            "lattice": [lattice_grid(contents.measured, contents.reference),
                        dispersion_grid(contents.study)],
            "barriers": [barriers_grid(contents.tables, contents.reference)]}


def _retold(
    own: Mapping[str, list[Block | None]], drawn: Mapping[str, Picture], of_study: bool,
) -> list[Block]:
    """Return the published study's tables and figures in its order, those that there are.

    Of a material that no study is on file of they have no numbers.
    """
    parts = [{"title": title if of_study else NUMBERED.sub("", title).capitalize(),
              "pictures": [drawn[k] for k in keys if k in drawn],
              "grids": [block for block in own.get(name, []) if block]}
             for title, keys, name in STUDY]
    return [part for part in parts if part["pictures"] or part["grids"]]


def _sections(
    contents: Contents, beside: Mapping[str, list[Block | None]], drawn: Mapping[str, Picture],
    shown: set[str],
) -> list[Block]:
    """Return `SECTIONS` with their tables, notes, and the figures that are not ``shown`` yet."""
    tables = contents.tables
    stated = contents.reference[contents.reference["quantity"].str.startswith("study_")]
    settings = dict(zip(stated["quantity"], stated["value"].astype(float), strict=True))
    of = next((source_name(text) for text in stated["source"]), "")
    notes = {"cost": published_study(tables["cost"], settings, of),
             "potential": [*calibrated(tables["parity"]),
                           *gated(tables["parity"], force_window(contents.expected))]}
    sections = [{
        "key": key, "title": title,
        "pictures": [drawn[k] for k in keys if k in drawn and k not in shown],
        "grids": [g for g in beside.get(key, []) if g],
        "notes": notes.get(key, []),
        "computed": any(len(tables[name]) for name in needs),
    } for key, title, keys, needs in SECTIONS]
    for section in sections:
        section["summary"] = _folded(section)
    return sections


def as_latex(blocks: Mapping[str, Block | None]) -> dict[str, str]:
    """Return tables as LaTeX by name of file, and note that name in each for the template."""
    texts = {}
    for name, block in blocks.items():
        if block:
            block["latex"] = f"{name}.tex"
            texts[f"{name}.tex"] = latex_table(block, name)
    return texts


def _folded(section: Block) -> str:
    """Return what a folded section holds, counted."""
    parts = ((len(section["grids"]), "table"), (len(section["pictures"]), "figure"))
    held = " and ".join(count_of(count, noun) for count, noun in parts if count)
    return held or "Notes"


def _first(
    study: Study, claims: list[Row], drawn: Mapping[str, Picture], formula: str
) -> Block:
    """Return what the first screen and the claims show."""
    told, silent = open_first(claims)
    return {"answer": answer_grid(study), "picture": drawn.get("answer"),
            "plain": plain_sentence(study, formula),
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
    """Return a page from a template, text in it escaped."""
    import jinja2

    existing(template, "template")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(template.parent), autoescape=True, trim_blocks=True,
        lstrip_blocks=True, undefined=jinja2.StrictUndefined,
    )
    return environment.get_template(template.name).render(words)


def render_report(
    template: Path, words: Block, pictures: list[Picture], scenes: list[Block]
) -> str:
    """Return the HTML of the report: one file that needs no network.

    Parameters
    ----------
    template
        Jinja template; the folder ``page`` beside it holds style, script and the library that
        draws in three dimensions.
    words
        What `context` returned.
    pictures
        The figures, for the values under the pointer.
    scenes
        Three-dimensional scenes, from `haven.report.page.scenes.scenes`.

    Raises
    ------
    HavenError
        If the template, or a file of the folder, is missing.
    """
    existing(template, "template")
    kept = existing(template.parent / "page", "folder of the page's style and script")
    style, script, library = (existing(kept / name, "part of the page").read_text("utf-8")
                              for name in ("report.css", "report.js", "3Dmol-min.js"))
    for name, text in (("report.js", script), ("3Dmol-min.js", library), ("report.css", style)):
        if "</s" in text.lower() or "<!--" in text:
            raise HavenError(f"{kept / name} holds </s or <!--, which would end it in a page")
    page = {"style": style, "script": script, "library": library, "early": EARLY,
            "policy": policy(EARLY, script, library), "texts": island(words["texts"]),
            "points": island({picture.key: picture.points() for picture in pictures}),
            "scenes": island(scenes)}
    return render(template, {**words, "page": page, "scenes": scenes})


def policy(*scripts: str) -> str:
    """Return the page's content security policy: these scripts and no others, no network at all."""
    hashes = " ".join(f"'sha256-{base64.b64encode(sha256(s.encode()).digest()).decode()}'"
                      for s in scripts)
    return (f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; "
            "img-src data: blob:; worker-src blob:; base-uri 'none'; form-action 'none'")
