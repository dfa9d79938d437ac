"""Reports of little: one temperature, one run, nothing diffusive, nothing published, few tables."""

from __future__ import annotations

import html
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from report_tables import make_study

from haven.core import tables
from haven.report.figures import transport
from haven.report.figures.style import style
from haven.report.page.contents import contents_of
from haven.report.page.layout import context, render_report
from haven.report.registry import TABLES
from haven.transport.fits.folder import WRITTEN, fit_folder

ASSETS = Path(__file__).resolve().parents[3] / "assets"
FITS = {schema.name for schema in WRITTEN}
HEAVY = {"parity", "thermo", "msd", "band_atoms", "learning_curve", "claims", "comparison"}
WARM = 373.0
LINED = ("without rdf, barriers and cells", "nothing published")  # kinds that keep their lines


def only(made, name, *values):
    """Return tables with the rows of these values of a column alone, and those without it."""
    return {key: rows[rows[name].isna() | rows[name].isin(values)] if name in rows else rows
            for key, rows in made.items()}


def not_diffusive(made):
    for key, value in (("diffusion", "value"), ("conductivity", "value_ms_per_cm")):
        made[key] = made[key].assign(**{"verdict": "subdiffusive", value: np.nan,
                                        "low_95": np.nan})
    return made


def renamed(made):
    return {key: rows.assign(material="na3x") if "material" in rows else rows
            for key, rows in made.items()}


KINDS = {
    "one temperature": lambda made: only(made, "temperature_k", WARM),
    "one run": lambda made: only(only(only(made, "temperature_k", WARM), "u_ev", 4.0),
                                 "replica", 0),
    "nothing diffusive": not_diffusive,
    "without rdf, barriers and cells": lambda made: {
        key: rows for key, rows in made.items()
        if key in ("runs", "diffusion", "conductivity", "hops", "arrhenius")},
    "nothing published": renamed,
}


@pytest.fixture(scope="module", params=list(KINDS))
def page(request, tmp_path_factory):
    """The kind, contents, and text of a report whose lines are fitted to what is left."""
    folder, fitted = tmp_path_factory.mktemp("parts"), tmp_path_factory.mktemp("fitted")
    refit = request.param not in LINED
    left_out = HEAVY | FITS if refit else HEAVY
    made = {key: rows.copy() for key, rows in make_study(2, ()).items() if key not in left_out}
    for key, rows in KINDS[request.param](made).items():
        if len(rows):
            tables.write(TABLES[key], rows, folder / f"study.{key}.parquet")
    if refit:
        fit_folder(folder, fitted, 30)
    for path in fitted.glob("*.parquet"):
        path.rename(folder / path.name)
    found = contents_of(folder, ASSETS / "reference")
    style()
    drawn = (transport.answer(found.tables, found.measured, found.reference),
             transport.conductivity(found.tables, found.measured, found.reference),
             transport.diffusion(found.tables, found.measured),
             transport.haven_ratio(found.measured, found.reference))
    pictures = [picture for picture in drawn if picture is not None]
    words = context(found, pictures, [], ASSETS / "reference")
    text = render_report(ASSETS / "report.html.j2", words | {"held": []}, pictures, [])
    body = text[text.index("<body"):text.index('<script type="application/json" id="points"')]
    plain = html.unescape(re.sub(r"<[^>]+>", " ", re.sub(r"<svg.*?</svg>", "", body, flags=re.S)))
    return request.param, found, " ".join(plain.split()), pictures


def test_nothing_is_said_that_is_no_word_or_number(page):
    kind, _, text, _ = page
    assert " ()" not in text
    for wrong in ("nan", "None", "NaN", "inf", "1 temperatures", "1 runs", "Traceback"):
        found = re.search(rf"(?<![\w/])(?<!of ){re.escape(wrong)}(?![\w/.])", text)
        assert not found, (kind, text[max(0, found.start() - 150):found.end() + 40])


def test_no_activation_energy_is_invented(page):
    kind, found, text, pictures = page
    fits = found.tables["arrhenius"]
    energies = found.measured[found.measured["quantity"].str.startswith("activation")]
    lines = kind in LINED
    assert len(energies) and (fits["verdict"] == "diffusive").any() == lines
    assert energies["value"].notna().any() == lines
    captions = " ".join(picture.caption for picture in pictures)
    assert ("Lines: Arrhenius fits." in captions) == lines, captions
    assert ("Broad bars" in captions) == lines
    if not lines:
        assert "from the Arrhenius line" not in text
        assert "no Arrhenius line" in text or kind == "nothing diffusive"
        assert "No Arrhenius line is supported." in captions


def test_what_is_missing_is_said(page):
    kind, found, text, pictures = page
    assert "May be trusted: none of these numbers yet." in text or kind not in (
        "one temperature", "one run", "nothing diffusive")
    if kind == "nothing published":
        assert "No published study of this material is on file." in text
        assert "No published values are on file for this material." in text
        assert not any("published" in picture.caption for picture in pictures)
        assert "published study –" not in text and "experiment –" not in text
        assert "Fig. " not in text and "Table I" not in text and "The study's" not in text
    else:
        assert "Fig. 6: conductivity" in text and "The study's claims, judged" in text
    if kind == "without rdf, barriers and cells":
        assert text.count("Not computed in this run.") >= 3
    if kind == "nothing diffusive":
        assert "not diffusive yet" in text
        assert found.measured.loc[found.measured["quantity"] == "d_self", "value"].isna().all()
    if kind == "one run":
        assert "1 run of molecular dynamics" in text and "1 replica" in text
    if kind == "one temperature":
        assert "2 temperatures" not in text and pd.unique(
            found.tables["diffusion"]["temperature_k"]).tolist() == [WARM]
