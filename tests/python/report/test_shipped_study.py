"""The shipped study: whole, its answer made from its tables, its runs at rest."""

from __future__ import annotations

import subprocess
import sys

import pandas as pd
import pytest
from shipped import check_sums, places_named

PRESSURE_GPA = 0.2  # mean pressure of a run, at most


@pytest.fixture(scope="module")
def study(repository):
    return repository / "assets" / "study" / "li3ticl6"


def test_every_file_has_its_checksum(study):
    check_sums(study)


@pytest.mark.parametrize("part", ["main"])
def test_no_file_names_a_place_of_the_machine_that_made_it(study, part):
    settings = (study / part / "report.html").read_text(encoding="utf-8")
    assert "assets/models/small_d3bj" in settings
    assert not places_named(study)


def test_the_answer_is_what_the_tables_say(study, repository):
    script = repository / "tests" / "bench" / "study_table.py"
    done = subprocess.run([sys.executable, script, "."], cwd=study, capture_output=True, text=True,
                          check=True)
    assert done.stdout == (study / "answer.md").read_text(encoding="utf-8")


def test_what_reports_say_of_the_shipped_studies_is_what_their_tables_say(repository):
    script = repository / "tests" / "bench" / "study_answers.py"
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    file = repository / "assets" / "reference" / "studies.csv"
    assert done.stdout == file.read_text(encoding="utf-8")
    assert done.stdout.count("sigma_self,Li3TiCl6") >= 1


@pytest.mark.parametrize("part, us", [("main", {0.0, 4.0})])
def test_runs_that_give_a_number_are_at_rest(study, part, us):
    runs = pd.read_parquet(study / part / "tables" / "runs.parquet")
    good = runs[runs["verdict"] == "stable"]
    assert len(good) and set(good["u_ev"]) == us
    off = (good["pressure_gpa"] - good["pressure_asked_gpa"]).abs()
    assert (off < PRESSURE_GPA).all()
    change, bound = (good[f"inherent_change{part}_mev_per_atom"] for part in ("", "_bound"))
    assert (change.abs() <= bound).all()


@pytest.mark.parametrize("part", ["main"])
def test_a_number_stands_with_its_interval_and_a_bound_without_one(study, part):
    joined = pd.read_parquet(study / part / "tables" / "joined.parquet")
    good = joined[joined["verdict"] == "diffusive"]
    assert len(good) and good[["value", "low_95", "high_95"]].notna().all(axis=None)
    assert joined.loc[joined["verdict"] != "diffusive", "value"].isna().all()


def test_tables_of_a_finished_report_are_judged_once(study, repository):
    from haven.report.page.contents import contents_of

    again = contents_of(study / "main" / "tables", repository / "assets" / "reference").verdicts
    assert not again.duplicated(["stage", "subject", "check"]).any()
    old = pd.read_parquet(study / "main" / "tables" / "verdicts.parquet")
    assert len(again) == len(old)
