"""The page that compares studies, its numbers as CSV and its picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from haven.core.errors import HavenError, existing
from haven.core.types import Row, Table
from haven.report.numbers.comparison import load_reference
from haven.report.page.answer import formula_of
from haven.report.page.grids.base import Block
from haven.report.page.provenance import build_id, citations
from haven.report.several import grids
from haven.report.several.picture import sigma_picture
from haven.report.several.studies import One

MEASURED = "measured"  # what the CSV calls the study of a measured value


def page_of(studies: Sequence[One], reference: Table, reference_folder: Path) -> Block:
    """Return what the page shows (``assets/compare.html.j2``).

    Parameters
    ----------
    studies
        What is compared.
    reference, reference_folder
        Published values, and the folder that they and their works are from (CSV).

    Raises
    ------
    HavenError
        If nothing was measured of a material without results.
    """
    points = measured_points(studies, reference)
    formulas = {one.label: formula_of(one.material, reference) for one in studies}
    for one in studies:
        if not one.computed and formulas[one.label] not in [formula for formula, _ in points]:
            raise HavenError(f"{one.folder}: no conductivity of {one.material} is in "
                             f"{reference_folder}, so there is nothing to show of it: name its "
                             "results folder")
    return {
        "build": build_id(), "materials": list(dict.fromkeys(formulas.values())),
        "count": sum(one.computed for one in studies),
        "answers": grids.short_answers(studies, reference),
        "ranking": grids.ranking(studies, reference),
        "picture": sigma_picture(studies, points, formulas),
        "numbers": grids.numbers_grid(studies, reference),
        "experiments": grids.experiment_grid(studies, reference),
        "basis": grids.basis_grid(studies, reference),
        "settings": grids.settings_grid(studies, reference),
        "checks": grids.checks_grid(studies, reference),
        "unsaid": [grids.name_of(one, reference) for one in studies
                   if one.computed and not one.parameters],
        "works": grids.source_lines(studies, reference, citations(reference_folder)),
        "studies": [{"name": grids.full_name(one, reference), "folder": str(one.folder),
                     "made_by": "; ".join(one.made_by)} for one in studies],
    }


def measured_points(studies: Sequence[One], reference: Table) -> list[tuple[str, Row]]:
    """Return measured conductivities of the studies' materials: formula, row of the reference."""
    return [(formula_of(material, reference), row)
            for material in dict.fromkeys(one.material for one in studies)
            for row in grids.measured_rows(material, reference, "sigma_total")]


def rows_of(studies: Sequence[One], reference: Table) -> list[Row]:
    """Return all numbers, one row a quantity, U and temperature, for a CSV; measured ones last."""
    rows: list[Row] = []
    for one in studies:
        for row in one.measured.to_dict("records"):
            rows.append({"study": one.label, "material": one.material, **row})
    for material in dict.fromkeys(one.material for one in studies):
        for quantity in ("sigma_total", "activation"):
            for row in grids.measured_rows(material, reference, quantity):
                rows.append({"study": MEASURED, "material": material, "note": row["source"],
                             **{name: row[name] for name in ("quantity", "system", "u_ev",
                                                             "temperature_k", "value", "unit")}})
    return rows


def write_comparison(
    studies: Sequence[One], reference_folder: str | Path, template: str | Path, out: str | Path
) -> list[Path]:
    """Write ``compare.html``, ``compare.csv`` and the picture as PDF and PNG into a folder."""
    import pandas as pd

    from haven.report.page.layout import render

    place = existing(reference_folder, "folder of reference values")
    reference = load_reference(place)
    words = page_of(studies, reference, place)
    target = Path(out)
    target.mkdir(parents=True, exist_ok=True)
    written = [target / f"compare.{ending}" for ending in ("html", "csv", "pdf", "png")]
    figure = words["picture"].pop("figure")
    written[0].write_text(render(Path(template), words), encoding="utf-8")
    pd.DataFrame(rows_of(studies, reference)).to_csv(written[1], index=False)
    figure.savefig(written[2], metadata={"CreationDate": None})
    figure.savefig(written[3], facecolor="white")
    return written
