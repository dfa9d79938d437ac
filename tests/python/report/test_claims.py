"""The study's claims: every rule with made-up tables of every outcome; the first screen's words."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from report_tables import write_study

from haven.core import tables as store
from haven.core.errors import HavenError
from haven.report import claims
from haven.report.claims import crystal
from haven.report.claims.study import CONTRADICTED, OPEN, SUPPORTED, Study
from haven.report.numbers import comparison, measured
from haven.report.numbers.measured import collect
from haven.report.numbers.wording import comparison_words
from haven.report.page import answer
from haven.report.page.contents import load_tables
from haven.report.tables import CLAIMS

COLUMNS = ("quantity", "system", "u_ev", "temperature_k", "value", "low_95", "high_95", "unit",
           "runs", "verdict", "note", "beyond", "force_error")


@pytest.fixture(scope="module")
def reference(repository):
    values = comparison.load_reference(repository / "assets" / "reference")
    return comparison.of_material(values, "li3ticl6")


@pytest.fixture(scope="module")
def made_up(tmp_path_factory):
    return load_tables(write_study(tmp_path_factory.mktemp("study")))


def own(quantity, value, half=None, unit="1", kelvin=298.0, system="", low=None, high=None, u=4.0):
    if half is not None:
        low, high = value - half, value + half
    return {"quantity": quantity, "system": system, "u_ev": u, "temperature_k": kelvin,
            "value": value, "low_95": low, "high_95": high, "unit": unit, "runs": 1,
            "verdict": "diffusive", "note": "", "beyond": None, "force_error": None}


@pytest.fixture
def judge(made_up, reference):
    """Return a function: rows of measured numbers, tables changed -> claims by name."""
    def judged(rows=(), us=(4.0,), **changed):
        measured = pd.DataFrame(list(rows), columns=list(COLUMNS))
        for name in ("u_ev", "temperature_k", "value", "low_95", "high_95"):
            measured[name] = pd.to_numeric(measured[name])
        empty = {name: table.iloc[:0] for name, table in made_up.items()}
        study = Study({**empty, **changed}, measured, reference, us)
        return {row["claim"]: row for row in claims.claim_rows(study, "li3ticl6")}

    return judged


@pytest.mark.parametrize(("value", "half", "kelvin", "anti", "ratio"), [
    (14.0, 3.0, 298.0, SUPPORTED, SUPPORTED), (3.0, 1.0, 313.0, SUPPORTED, CONTRADICTED),
    (0.6, 0.2, 298.0, CONTRADICTED, CONTRADICTED), (1.1, 0.4, 298.0, OPEN, CONTRADICTED),
    (0.6, 0.2, 700.0, OPEN, OPEN),  # hot runs say nothing of 298 K
    (14.0, 13.5, 298.0, OPEN, OPEN), (14.0, None, 298.0, OPEN, OPEN),
])
def test_haven_ratio_and_anti_correlation(judge, value, half, kelvin, anti, ratio):
    found = judge([own("haven_ratio", value, half, kelvin=kelvin)])
    assert found["anti_correlation"]["verdict"] == anti
    assert found["haven_ratio"]["verdict"] == ratio
    assert found["haven_ratio"]["published"] == 14
    if kelvin == 700:
        assert "700 K excludes it, but nothing is known near 298 K" in found["haven_ratio"]["why"]


@pytest.mark.parametrize(("quantity", "unit", "claim", "value", "half", "verdict", "why"), [
    ("sigma_total", "mS/cm", "sigma", 1.1, 0.3, SUPPORTED, "holds"),
    ("sigma_total", "mS/cm", "sigma", 4.0, 1.0, CONTRADICTED, "excludes"),
    ("sigma_total", "mS/cm", "sigma", 1.1, 0.9, OPEN, "wider than a factor of 2"),
    ("activation", "eV", "activation", 0.30, 0.03, SUPPORTED, "holds"),
    ("activation", "eV", "activation", 0.40, 0.03, CONTRADICTED, "excludes"),
    ("activation", "eV", "activation", 0.30, 0.09, OPEN, "wider than ± 0.05 eV"),
    ("activation", "eV", "activation", 0.30, None, OPEN, "without interval"),
    ("barrier [110]", "eV", "barrier [110]", 0.29, 0.03, SUPPORTED, "holds"),
    ("barrier [100]", "eV", "barrier [100]", 0.40, 0.05, CONTRADICTED, "excludes"),
    ("barrier [101]", "eV", "barrier [101]", 0.30, None, OPEN, "without interval"),
    ("cost_ratio", "1", "cost", 3000.0, 1500.0, SUPPORTED, "holds"),
    ("cost_ratio", "1", "cost", 300.0, 100.0, CONTRADICTED, "excludes"),
    ("cost_ratio", "1", "cost", 3000.0, None, OPEN, "without interval"),
])
def test_numbers_with_a_published_value(judge, quantity, unit, claim, value, half, verdict, why):
    kelvin = 298.0 if quantity == "sigma_total" else None
    row = judge([own(quantity, value, half, unit, kelvin)])[claim]
    assert row["verdict"] == verdict and why in row["why"]
    assert row["value"] == value and row["published"] == pytest.approx(
        {"sigma": 1.06, "activation": 0.29, "cost": 3730, "barrier [110]": 0.3,
         "barrier [100]": 1.14, "barrier [101]": 0.303}[claim])
    if claim in ("sigma", "activation"):
        assert row["experiment"] == {"sigma": 1.04, "activation": 0.32}[claim]


def test_a_bound_below_the_published_value_contradicts_and_one_above_leaves_it_open(judge):
    low = judge([own("sigma_total", None, high=0.5, unit="mS/cm")])["sigma"]
    high = judge([own("sigma_total", None, high=50.0, unit="mS/cm")])["sigma"]
    assert (low["verdict"], high["verdict"]) == (CONTRADICTED, OPEN)
    assert "upper bound" in low["why"] and "upper bound" in high["why"]


def test_a_conductivity_at_another_temperature_is_none_at_298_k(judge):
    rows = [own("sigma_total", 12.0, 1.0, "mS/cm", 328.0)]
    assert judge(rows)["sigma"]["value"] is None
    line = own("sigma_total from the Arrhenius line", 1.0, 0.2, "mS/cm")
    assert judge([*rows, line])["sigma"]["value"] == 1.0


def test_without_any_number_every_claim_stays_open_and_says_why(judge):
    rows = judge()
    assert {"anti_correlation", "haven_ratio", "sigma", "activation", "rdf", "cost",
            "interstitial_intra_layer", "interstitial_inter_layer", "barrier [110]"} <= set(rows)
    assert {row["verdict"] for row in rows.values()} == {OPEN}
    assert all(row["why"] for row in rows.values())


def jumps(counted, via, frame_ps=0.1, kind="intra_layer"):
    return pd.DataFrame([{"u_ev": 4.0, "kind": kind, "jumps": counted, "jumps_via": via,
                          "frame_ps": frame_ps}])


@pytest.mark.parametrize(("counted", "via", "frame_ps", "verdict", "why"), [
    (100, 90, 0.1, SUPPORTED, "90 of 100"), (100, 10, 0.1, CONTRADICTED, "10 of 100"),
    (100, 50, 0.1, OPEN, "one half"), (20, 20, 0.1, OPEN, "fewer than 30"),
    (100, 10, 1.0, OPEN, "miss quick passages"), (100, 90, 1.0, SUPPORTED, "90 of 100"),
    (0, 0, 0.1, OPEN, "no such jump"),
])
def test_interstitial_hopping(judge, counted, via, frame_ps, verdict, why):
    table = jumps(counted, via, frame_ps)
    row = judge(interstitial=table)["interstitial_intra_layer"]
    assert row["verdict"] == verdict and why in row["why"]
    if counted:
        assert row["low_95"] < row["value"] <= row["high_95"] or via == counted
    assert judge(interstitial=table)["interstitial_inter_layer"]["verdict"] == OPEN


def curves(scale, width=0.05, sources=("aimd", "dlmd_cell"), shift=0.0):
    r = np.arange(0.05, 6, 0.05)
    rows = []
    for source, factor, off in zip(sources, (1.0, scale), (0.0, shift), strict=False):
        g = (1 + 3 * np.exp(-((r - 2.5 - off) ** 2) / 0.05)) * factor
        rows += [{"u_ev": 4.0, "source": source, "pair": "Cl-Li", "r_angstrom": x, "g": y,
                  "g_low_95": y - width, "g_high_95": y + width} for x, y in zip(r, g, strict=True)]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(("table", "verdict"), [
    (curves(1.01), SUPPORTED), (curves(1.5), CONTRADICTED),
    (curves(1.035, 0.02), OPEN),  # the peak's bins alone lie apart
    (curves(1.0, 2.0, shift=0.03), SUPPORTED),  # less than a bin, within wide intervals
    (curves(1.0, 2.0, shift=0.1), OPEN),
    (curves(1.0, sources=("aimd",)), OPEN), (curves(1.0).assign(g_low_95=np.nan), OPEN),
])
def test_radial_distributions_against_first_principles(judge, table, verdict):
    row = judge(rdf=table)["rdf"]
    assert row["verdict"] == verdict, row["why"]
    assert (row["value"] is None) == (row["why"].startswith("no first"))


@pytest.mark.parametrize(("change", "half", "verdict", "why"), [
    (3.0, 1.0, CONTRADICTED, "opposite sign"), (-3.0, 1.0, SUPPORTED, "same sign"),
    (3.0, 4.0, OPEN, "opposite sign here, but the interval holds 0"),
    (-1.0, 4.0, OPEN, "same sign here, but"), (3.0, None, OPEN, "without interval"),
])
def test_opposite_signs_of_u_on_the_volume_are_stated(judge, change, half, verdict, why):
    rows = [own("lattice_volume", value, half, "Angstrom^3", None, "0.754/0.123", u=u)
            for u, value in ((0.0, 425.0), (4.0, 425.0 + change))]
    found = judge(rows, us=(0.0, 4.0))["volume_with_u"]
    assert found["verdict"] == verdict and why in found["why"]
    assert found["published"] == pytest.approx(-8.0, abs=0.1) and found["u_ev"] is None
    assert found["value"] == pytest.approx(change)


@pytest.mark.parametrize(("value", "half", "verdict"), [
    (418.0, 3.0, SUPPORTED), (432.0, 3.0, CONTRADICTED), (425.0, 20.0, OPEN)])
def test_volumes_are_held_against_the_published_lattice_constants(judge, value, half, verdict):
    rows = [own("lattice_volume", value, half, "Angstrom^3", None, "0.754/0.123")]
    row = judge(rows)["volume"]
    assert row["verdict"] == verdict
    assert row["published"] == pytest.approx(
        6.398 * 10.95 * 6.381 * math.sin(math.radians(110.8)))
    assert row["experiment"] == pytest.approx(412.6, abs=0.1)


def test_a_volume_has_the_source_of_its_lattice_constants(judge, reference, monkeypatch):
    """A user's own rows are no published study's."""
    theirs = reference["source"].str.startswith("Selvaraj 2024")
    angles = reference["quantity"] == "lattice_beta"
    monkeypatch.setitem(reference, "source", reference["source"].mask(theirs, "Mine 2020, Table 1")
                        .mask(theirs & angles, "Mine 2021"))
    rows = [own("lattice_volume", value, 1.0, "Angstrom^3", None, "0.754/0.123", u=u)
            for u, value in ((0.0, 425.0), (4.0, 420.0))]
    found = judge(rows, us=(0.0, 4.0))
    for claim in ("volume", "volume_with_u"):
        assert found[claim]["source"] == "Mine 2020, Table 1; Mine 2021"


@pytest.mark.parametrize(("volumes", "error", "kelvin", "verdict", "why"), [
    ((3307.0, 3309.0), 2.0, 298.0, SUPPORTED, "within 1 %"),
    ((3960.0, 3975.0), 4.0, 313.0, CONTRADICTED, "+20.2 % of the measured volume at 313 K"),
    ((3340.0,), 10.0, 298.0, OPEN, "reaches across"),
    ((3540.0,), 2.0, 700.0, OPEN, "nothing is known near 298 K"),
    ((np.nan,), 2.0, 298.0, OPEN, "no cell at constant pressure"),
])
def test_the_cell_at_rest_is_held_against_the_measured_one(judge, volumes, error, kelvin, verdict,
                                                            why):
    cells = pd.DataFrame([
        {"u_ev": 4.0, "temperature_k": kelvin, "replica": r, "atoms": 160, "verdict": "complete",
         "pressure_asked_gpa": 0.0, "volume_angstrom3": volume, "volume_error_angstrom3": error}
        for r, volume in enumerate(volumes)])
    row = judge(cells=cells)["cell_at_rest"]
    assert row["verdict"] == verdict and why in row["why"]
    assert row["experiment"] == pytest.approx(412.6, abs=0.1)
    assert "dispersion correction is not known" in row["why"]
    pressed = judge(cells=cells.assign(pressure_asked_gpa=1.0))["cell_at_rest"]
    assert pressed["verdict"] == OPEN and pressed["value"] is None
    melted = judge(cells=cells.assign(verdict="melted"))["cell_at_rest"]
    assert melted["verdict"] == OPEN and melted["value"] is None


def test_a_doubted_run_is_named_beside_what_it_supports(judge, made_up):
    runs = made_up["runs"].assign(trust="uncalibrated")
    checks = pd.DataFrame([
        {"subject": "u4_t298_r0", "check": "pressure", "passed": False},
        {"subject": "u0_t298_r0", "check": "stationary", "passed": False}])
    row = judge([own("activation", 0.3, 0.03, "eV", None)], runs=runs,
                verdicts=checks)["activation"]
    assert "error along the runs is not known to be small and cells are not at rest" in row["why"]
    assert "stationary" not in row["why"] and row["verdict"] == OPEN


def test_claims_of_a_whole_study_are_a_table(made_up, reference, tmp_path):
    runs = made_up["runs"].assign(trust="trusted")
    study = Study({**made_up, "runs": runs}, collect(made_up), reference, (0.0, 4.0))
    rows = claims.claim_rows(study, "li3ticl6")
    store.write(CLAIMS, rows, tmp_path / "claims.parquet")
    assert {row["verdict"] for row in rows} == {SUPPORTED, CONTRADICTED, OPEN}
    assert answer.formula_of("li3ticl6", reference) == "Li₃TiCl₆"
    assert answer.formula_of("nacl", reference) == "nacl"
    grid = answer.answer_grid(study)
    assert grid is not None
    assert grid["columns"] == ["from", "σ at 298 K", "Eₐ of σ", "Haven ratio"]
    assert [line[0] for line in grid["rows"]] == [
        "Haven, U = 0 eV", "Haven, U = 4 eV", "published study", "experiment"]
    assert grid["rows"][2][3] == {
        "text": "14", "small": "Selvaraj 2024, U = 4 eV, printed value doubtful"}
    plain = answer.plain_sentence(study, "Li₃TiCl₆")
    assert plain.startswith("σ of Li₃TiCl₆ at 298 K: U = 0 eV ") and "mS/cm" in plain
    assert plain.endswith(" Measured: 1.04 mS/cm.")
    for line in grid["rows"][:2]:  # each number of the table with its verdict
        number = line[1]["text"].replace("–", "no number")
        assert f"{number} (95 % interval), " in plain or ("[" not in number and number in plain)
        assert line[1]["small"].partition(",")[0] in plain
        for place in (1, 2):  # and below it that of the line through D_self
            assert re.search(r"; from D self \S+ \[\S+, \S+\] (mS/cm|eV)$", line[place]["small"]
                             ), line[place]
    told = answer.claims_grid(rows)
    assert told is not None and len(told["rows"]) < len(rows), "one row a claim, a column a U"
    assert answer.trusted_sentence(study).startswith("May be trusted within the intervals: σ")
    doubted = Study({**made_up, "runs": made_up["runs"].assign(trust="uncalibrated")},
                    study.measured, reference, (0.0, 4.0))
    assert answer.trusted_sentence(doubted) == "May be trusted: none of these numbers yet."
    assert "error along the runs is not known" in answer.doubtful_sentence(doubted)
    told, silent = answer.open_first(rows)
    assert len(told) + len(silent) == len(rows) and silent
    assert "supported" in answer.counted(rows)


STUDIES = """quantity,system,u_ev,temperature_k,value,low_95,high_95,unit,verdict,source
sigma_total,Li3TiCl6,4,298,0.3,0.1,0.9,mS/cm,diffusive,made up
sigma_self,Li3TiCl6,4,298,0.2,0.15,0.3,mS/cm,diffusive,made up
activation_self,Li3TiCl6,4,,0.31,0.3,0.32,eV,diffusive,made up
haven_ratio,Li3TiCl6,4,600,0.8,0.6,1.1,1,diffusive,made up
"""


def test_the_longer_study_stands_between_this_run_and_the_published_one(made_up, reference,
                                                                        tmp_path):
    (tmp_path / "studies.csv").write_text(STUDIES, encoding="utf-8")
    assert comparison.load_studies(tmp_path, "nacl") == []
    longer = tuple(comparison.load_studies(tmp_path, "li3ticl6"))
    study = Study(made_up, collect(made_up), reference, (0.0, 4.0), "", longer)
    grid = answer.answer_grid(study)
    assert grid is not None
    assert [line[0] for line in grid["rows"]][1:4] == [
        "Haven, U = 4 eV", "Haven's longer study, U = 4 eV", "published study"]
    _, sigma, activation, ratio = grid["rows"][2]
    assert sigma["text"].startswith("0.30 [0.10, 0.90]")
    assert sigma["small"].startswith("from D self")
    assert activation == "–"
    assert ratio["text"].startswith("0.80 [0.60, 1.1") and ratio["small"] == "at 600 K"
    assert answer.longer_lines(study)[1].startswith("  U = 4 eV: Ea 0.310 [0.300, 0.320] eV, sigma")
    own = answer.answer_rows(study, 4.0)["sigma"]
    same = ({**longer[0], "value": own["value"]}, *longer[1:])
    alone = Study(made_up, study.measured, reference, (0.0, 4.0), "", same)
    assert answer.longer_rows(alone) == {} and answer.longer_lines(alone) == []


@pytest.mark.parametrize("old, new, words", [
    ("low_95", "low", "lacks the column low_95"), ("0.15", "0,15", "is no number"),
    ("0.15", "many", "low_95 is no number")])
def test_a_damaged_table_of_studies_is_refused(tmp_path, old, new, words):
    text = STUDIES.replace(old, f'"{new}"' if "," in new else new)
    (tmp_path / "studies.csv").write_text(text, encoding="utf-8")
    with pytest.raises(HavenError, match=words):
        comparison.load_studies(tmp_path, "li3ticl6")


def test_another_material_has_no_claims(made_up, reference):
    study = Study(made_up, collect(made_up), reference.iloc[:0], (4.0,))
    assert claims.claim_rows(study, "m") == []


PUBLISHED = pd.DataFrame(columns=["quantity", "system", "u_ev", "temperature_k", "value", "unit",
                                  "source", "doubtful", "note", "measured"])


def line_of(made_up, verdict="diffusive", **ends):
    """Return a study whose conductivities at 298 K are those of a line with these ends, mS/cm.

    ``verdict`` is what the line of U = 0 eV is worth.
    """
    rows = [{**row, "verdict": verdict if u == 0 else "diffusive"} for u in (0.0, 4.0)
            for row in (own("sigma_total from the Arrhenius line", 0.2, unit="mS/cm", u=u, **ends),
                        own("activation", 0.3, 0.02, "eV", None, u=u))]
    runs = made_up["runs"].assign(trust="trusted")
    return Study({**made_up, "runs": runs, "verdicts": made_up["verdicts"].iloc[:0]},
                 pd.DataFrame(rows), PUBLISHED, (0.0, 4.0))


def test_a_number_that_is_hardly_known_is_not_called_diffusive_or_trusted(made_up):
    """Its runs may be diffusive, and the line through them say next to nothing at 298 K."""
    narrow = line_of(made_up, low=0.1, high=0.4)
    assert "hardly" not in answer.plain_sentence(narrow, "m")
    assert "σ at 298 K, Eₐ of σ for U = 4 eV" in answer.trusted_sentence(narrow)
    wide = line_of(made_up, low=1e-4, high=100.0)
    said = answer.plain_sentence(wide, "m")
    assert said.count("hardly known: the interval spans 6 powers of ten") == 2
    assert "diffusive" not in said
    assert "σ at 298 K" not in answer.trusted_sentence(wide)
    assert "Eₐ of σ for U = 4 eV" in answer.trusted_sentence(wide)
    doubt = answer.doubtful_sentence(wide)
    assert "U = 0 eV: no number to rely on for Haven ratio (not computed), and σ at 298 K (hard" \
        in doubt
    none = line_of(made_up, low=-0.1, high=0.5)
    assert "the interval reaches zero" in answer.plain_sentence(none, "m")


@pytest.mark.parametrize(("verdict", "words"), [
    ("curved", "the Arrhenius line is curved"),
    ("jumps_alone", "runs too short: jumps that lead back later count in full"),
    ("curved, jumps_alone", "the Arrhenius line is curved, runs too short: jumps that lead")])
def test_what_a_line_that_something_stands_against_gives_is_not_trusted(made_up, verdict, words):
    study = line_of(made_up, verdict, low=0.1, high=0.4)
    assert answer.trusted_sentence(study).startswith(
        "May be trusted within the intervals: σ at 298 K, Eₐ of σ for U = 4 eV.")
    assert f"σ at 298 K and Eₐ of σ ({words}" in answer.doubtful_sentence(study)
    first, second = answer.plain_sentence(study, "m").split("; U = 4 eV")
    assert words in first and "diffusive" not in first and "diffusive" in second


TRANSPORT = [  # claim, its quantity, unit, a number that the claim holds and one that it excludes
    ("sigma", "sigma_total from the Arrhenius line", "mS/cm", (1.1, 0.9, 1.4), (4.0, 3.0, 5.0)),
    ("activation", "activation", "eV", (0.30, 0.27, 0.33), (0.40, 0.37, 0.43)),
    ("haven_ratio", "haven_ratio", "1", (14.0, 11.0, 17.0), (3.0, 2.0, 4.0)),
    ("anti_correlation", "haven_ratio", "1", (14.0, 11.0, 17.0), (0.5, 0.3, 0.8)),
    ("barrier [101]", "barrier [101]", "eV", (0.30, 0.28, 0.33), (0.50, 0.47, 0.53)),
]


@pytest.mark.parametrize("claim, quantity, unit, holds, excludes", TRANSPORT)
@pytest.mark.parametrize(("against", "why"), [
    ("curved", "curved"), ("jumps_alone", "too short"), ("curved, jumps_alone", "too short"),
    ("subdiffusive", "subdiffusive"), ("not_stationary", "not stationary")])
def test_a_number_that_something_stands_against_settles_no_claim(
        judge, claim, quantity, unit, holds, excludes, against, why):
    """Neither way: whether its interval holds what is claimed, or excludes it."""
    for ends, sound in ((holds, SUPPORTED), (excludes, CONTRADICTED)):
        row = own(quantity, ends[0], unit=unit, low=ends[1], high=ends[2])
        assert judge([row])[claim]["verdict"] == sound
        found = judge([{**row, "verdict": against}])[claim]
        assert found["verdict"] == OPEN and why in found["why"], found["why"]
        assert found["value"] == ends[0], "the number is shown all the same"


UNTRUSTED = [  # of `runs`, of a failed check, and words of the reason
    ({"trust": "beyond"}, "", "the potential's error along the runs"),
    ({"trust": "uncalibrated"}, "", "the potential's error along the runs"),
    ({"trust": None}, "", "the potential's error along the runs"),
    ({"trust": "trusted"}, "pressure", "cells are not at rest"),
    ({"trust": "trusted"}, "stationary", "mobile ions are not stationary")]


@pytest.mark.parametrize(("of_runs", "failed", "why"), UNTRUSTED)
def test_no_claim_on_dynamics_rests_on_runs_that_may_not_be_trusted(
        judge, made_up, of_runs, failed, why):
    """Neither way, and bounds and counted jumps neither; the number and the reason are shown."""
    runs = made_up["runs"].assign(**of_runs)
    checks = pd.DataFrame([{"subject": "u4_t298_r0", "check": failed, "passed": False}])
    untrusted = {"runs": runs, "verdicts": checks}
    cells = pd.DataFrame([
        {"u_ev": 4.0, "temperature_k": 298.0, "replica": r, "atoms": 160, "verdict": "complete",
         "pressure_asked_gpa": 0.0, "volume_angstrom3": 3300.0, "volume_error_angstrom3": 1.0}
        for r in range(2)])
    given = [(claim, {"rows": [own(quantity, ends[0], unit=unit, low=ends[1], high=ends[2])]})
             for claim, quantity, unit, *both in TRANSPORT if not claim.startswith("barrier")
             for ends in both]
    given += [("sigma", {"rows": [own("sigma_total", None, high=0.5, unit="mS/cm")]}),
              ("interstitial_intra_layer", {"interstitial": jumps(100, 90)}),
              ("interstitial_intra_layer", {"interstitial": jumps(100, 10)}),
              ("cell_at_rest", {"cells": cells})]
    for claim, numbers in given:
        sound, found = judge(**numbers)[claim], judge(**numbers, **untrusted)[claim]
        assert sound["verdict"] != OPEN and "settles nothing" not in sound["why"]
        assert found["verdict"] == OPEN, claim
        assert found["why"].startswith(sound["why"])
        assert f"settles nothing: {why}" in found["why"]
        assert found["value"] == sound["value"] and found["high_95"] == sound["high_95"]
    for row in judge([own("cost_ratio", 4939.0, low=2876.0, high=4939.0, kelvin=None),
                      own("barrier [101]", 0.3, 0.02, "eV")], **untrusted).values():
        assert "settles nothing" not in row["why"], "these are of no run"


@pytest.mark.parametrize(("of_runs", "failed", "why"), UNTRUSTED)
def test_what_may_not_be_trusted_is_said_beside_the_number(
        made_up, reference, of_runs, failed, why):
    sound = line_of(made_up, low=0.1, high=0.4)
    checks = pd.DataFrame([{"subject": f"u{u}_t298_r0", "check": failed, "passed": False}
                           for u in (0, 4)])
    doubted = replace(sound, tables={**made_up, "verdicts": checks,
                                     "runs": made_up["runs"].assign(**of_runs)})
    for study, told in ((sound, 0), (doubted, 2)):
        assert answer.plain_sentence(study, "m").count("diffusive, not to be trusted yet") == told
        grid = answer.answer_grid(study)
        assert grid is not None
        assert [line[1]["small"].startswith("diffusive, not to be trusted yet")
                for line in grid["rows"][:2]] == [bool(told)] * 2
    assert f"U = 0 eV: no number to rely on for Haven ratio (not computed), and {why}" in (
        answer.doubtful_sentence(doubted))
    rows = pd.DataFrame([own("activation", 0.29, 0.03, "eV", None),
                         own("activation", 0.6, 0.03, "eV", None, u=0.0)], columns=list(COLUMNS))
    for study, verdicts in ((sound, {0.0: "differs", 4.0: "agrees"}),
                            (doubted, {0.0: "not_sound", 4.0: "not_sound"})):
        found = comparison.compare(rows, reference, "li3ticl6", [0.0, 4.0], study.tables)
        mine = found[(found["quantity"] == "activation") & found["value"].notna()]
        assert {row["u_ev"]: row["verdict"] for row in mine.to_dict("records")} == verdicts
        if study is doubted:
            assert mine["note"].str.startswith(why).all()


@pytest.mark.parametrize(("claim", "quantity", "unit", "ends"), [
    ("sigma", "sigma_total from the Arrhenius line", "mS/cm", (0.01, 1e-4, 0.5)),
    ("sigma", "sigma_total", "mS/cm", (300.0, 2.0, 1e4)),
    ("activation", "activation", "eV", (0.1, -0.05, 0.25)),
    ("activation", "activation", "eV", (0.5, 0.35, 1.1)),
    ("haven_ratio", "haven_ratio", "1", (0.3, 0.001, 6.0)),
    ("anti_correlation", "haven_ratio", "1", (0.03, 0.001, 0.8)),
    ("barrier [100]", "barrier [100]", "eV", (0.4, -0.3, 1.1))])
def test_a_number_that_is_hardly_known_settles_no_claim(judge, claim, quantity, unit, ends):
    found = judge([own(quantity, ends[0], unit=unit, low=ends[1], high=ends[2])])[claim]
    assert found["verdict"] == OPEN and "hardly known" in found["why"], found["why"]


@pytest.mark.parametrize("against", ["curved", "jumps_alone"])
def test_the_comparison_takes_no_agreement_from_a_number_that_is_not_sound(reference, against):
    """Nor a difference."""
    for value, sound in ((1.06, "agrees"), (4.0, "differs")):
        rows = [{**own("activation", 0.29 * value, 0.03, "eV", None), "verdict": verdict}
                for verdict in ("diffusive", against)]
        for row, expected in zip(rows, (sound, "not_sound"), strict=True):
            measured = pd.DataFrame([row], columns=list(COLUMNS))
            found = comparison.compare(measured, reference, "li3ticl6", [4.0])
            mine = found[(found["quantity"] == "activation")
                         & (found["published"] == 0.29)].to_dict("records")
            assert {one["verdict"] for one in mine} == {expected}
        assert comparison_words(mine[0]).startswith("settles nothing: ")


def test_jumps_of_runs_that_are_not_stable_settle_no_claim(judge, made_up):
    table = pd.concat([jumps(100, 90).assign(replica=r, temperature_k=600.0, seed=seed)
                       for r, seed in ((0, 1.0), (1, np.nan))])
    runs = pd.concat([made_up["runs"].iloc[:1]] * 2).assign(
        u_ev=4.0, temperature_k=600.0, replica=[0, 1], seed=[1, np.nan])
    for verdicts, count in ((("stable", "stable"), 200), (("melted", "stable"), 100),
                            (("stable", "not_stationary"), 100)):
        row = judge(interstitial=table, runs=runs.assign(verdict=verdicts, trust="trusted"))[
            "interstitial_intra_layer"]
        assert row["verdict"] == SUPPORTED and f"of {count} jumps" in row["why"]
    row = judge(interstitial=table, runs=runs.assign(verdict="melted"))["interstitial_intra_layer"]
    assert row["verdict"] == OPEN


@pytest.mark.parametrize("low, high, verdict", [
    (3856.0, 6604.0, OPEN), (2876.0, 4939.0, SUPPORTED), (12000.0, 13000.0, CONTRADICTED),
    (900.0, 1000.0, CONTRADICTED), (2000.0, 3000.0, OPEN)])
def test_costs_contradict_only_beyond_what_machines_differ_by(judge, low, high, verdict):
    row = judge([own("cost_ratio", high, low=low, high=high, kelvin=None)])["cost"]
    assert row["verdict"] == verdict
    assert ("machines and codes differ by as much" in row["why"]) == (verdict == OPEN)


def test_a_number_without_interval_is_shown_as_one():
    row = {"claim": "volume", "says": "x", "u_ev": 0.0, "value": 390.4, "low_95": None,
           "high_95": None, "unit": "Angstrom^3", "experiment": None, "verdict": OPEN, "why": "y"}
    block = answer.claims_grid([row])
    assert block is not None
    assert block["rows"][0][2]["text"] == "cannot be said: 390.4 Å³, without interval"


def published_rows(*rows):
    """Return reference rows: quantity, value, U, source, of Li3TiCl6 0.754/0.123."""
    return pd.DataFrame([{
        "quantity": quantity, "system": "Li3TiCl6 0.754/0.123", "u_ev": u_ev,
        "temperature_k": np.nan, "value": value, "uncertainty": np.nan, "unit": "1",
        "source": source, "doubtful": False, "note": "", "rounding": 0.005, "measured": False}
        for quantity, value, u_ev, source in rows])


LENGTHS = (("lattice_a", 6.0), ("lattice_b", 10.0), ("lattice_c", 6.5))


@pytest.mark.parametrize(("more", "expected"), [
    ((), {390.0: "Lab 1"}),  # an orthorhombic cell
    ((("lattice_volume", 380.0, "Lab 1"),), {380.0: "Lab 1"}),
    ((("lattice_gamma", 120.0, "Lab 1"),), {390 * math.sin(math.radians(60)): "Lab 1"}),
    ((("lattice_alpha", 80.0, "Lab 1"), ("lattice_beta", 95.0, "Lab 2")), {382.57: "Lab 1; Lab 2"}),
    # the second work's lengths are no part of the first one's cell, and its own lacks b
    ((("lattice_beta", 110.0, "Lab 1"), ("lattice_a", 6.6, "Lab 2"), ("lattice_c", 7.0, "Lab 2"),
      ("lattice_beta", 100.0, "Lab 2")), {390 * math.sin(math.radians(70)): "Lab 1"}),
    ((("lattice_a", 7.0, "Lab 2"), ("lattice_beta", 100.0, "Lab 2")), {})])
def test_a_published_volume_is_that_of_one_cell(more, expected):
    rows = published_rows(*((name, value, np.nan, "Lab 1") for name, value in LENGTHS),
                          *((name, value, np.nan, source) for name, value, source in more))
    found = crystal.volumes(Study({}, pd.DataFrame(), rows, (0.0,)), measured=False)
    assert list(found.values()) == [(pytest.approx(value, rel=1e-4), source)
                                    for value, source in expected.items()]


def test_a_claim_is_held_against_the_value_of_its_own_u(made_up):
    rows = published_rows(("barrier [110]", 0.2, 0.0, "Lab"), ("barrier [110]", 0.4, 4.0, "Lab"),
                          ("activation", 0.29, 4.0, "Lab"), ("haven_ratio", 14.0, 4.0, "Lab"))
    measured = pd.DataFrame([
        *(own("barrier [110]", value, 0.02, "eV", None, u=u) for u, value in ((0.0, 0.2),
                                                                             (4.0, 0.4))),
        *(own("activation", 0.29, 0.02, "eV", None, u=u) for u in (0.0, 4.0))])
    empty = {name: table.iloc[:0] for name, table in made_up.items()}
    found = list(claims.claim_rows(Study(empty, measured, rows, (0.0, 4.0)), "li3ticl6"))
    barriers = [row for row in found if row["claim"] == "barrier [110]"]
    assert [(row["u_ev"], row["published"], row["verdict"]) for row in barriers] == [
        (0.0, 0.2, SUPPORTED), (4.0, 0.4, SUPPORTED)]
    for name in ("activation", "haven_ratio", "anti_correlation"):
        said = {row["u_ev"]: row["says"].endswith(" (published for U = 4 eV)")
                for row in found if row["claim"] == name}
        assert said == {0.0: True, 4.0: False}, name


@pytest.mark.parametrize(("species", "words"), [("Na", "sodium"), ("F", "fluorine"),
                                                (None, "the mobile ion")])
def test_claims_name_the_ion_that_moves(made_up, species, words):
    rows = published_rows(("haven_ratio", 0.7, np.nan, "Lab"))
    empty = {name: table.iloc[:0] for name, table in made_up.items()}
    if species:
        empty["hops"] = made_up["hops"].iloc[:1].assign(species=species)
    found = list(claims.claim_rows(Study(empty, pd.DataFrame([], columns=list(COLUMNS)), rows,
                                         (0.0,)), "x"))
    said = [row["says"] for row in found if row["claim"].startswith(("anti", "inter"))]
    assert len(said) == 3 and all(one.startswith(f"{words} moves") for one in said)


def rdf_rows(source, g, pair="Cl-Li", replica=0):
    r = np.arange(1.0, 5.0, 0.1)
    return pd.DataFrame({"u_ev": 4.0, "temperature_k": 600.0, "replica": replica, "seed": 1,
                         "source": source, "pair": pair, "r_angstrom": r, "g": g(r),
                         "g_low_95": g(r) - 0.05, "g_high_95": g(r) + 0.05})


def peaked(r):
    return 3.0 * np.exp(-((r - 2.5) / 0.3) ** 2)


def flat(r):
    return np.full_like(r, 0.5)


@pytest.mark.parametrize("curves", [(peaked, flat), (flat, peaked)])
def test_a_curve_without_a_peak_gives_no_number_and_takes_none_away(curves):
    table = pd.concat([rdf_rows("dlmd", g, replica=n) for n, g in enumerate(curves)])
    row, = measured._peaks({"rdf": table})
    assert row["value"] == pytest.approx(2.5, abs=0.02) and row["runs"] == 1
    assert row["low_95"] < row["value"] < row["high_95"] and "1 run without a peak" in row["note"]
    assert not list(measured._peaks({"rdf": rdf_rows("dlmd", flat)}))


def test_a_pair_without_a_peak_does_not_judge_equal_curves():
    table = pd.concat([rdf_rows(source, g, pair) for source in ("aimd", "dlmd_cell")
                       for pair, g in (("Cl-Cl", flat), ("Cl-Li", peaked))])
    ours, verdict, why = crystal.rdf_against_aimd(table, 4.0)
    assert verdict == SUPPORTED and ours["value"] == 0 and "nan" not in why
    alone, verdict, why = crystal.rdf_against_aimd(table[table["pair"] == "Cl-Cl"], 4.0)
    assert alone is None and "no pair has a first peak in both" in why
