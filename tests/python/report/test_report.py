"""The report of a made-up study: complete, honest about what is missing, self-contained."""

from __future__ import annotations

import contextlib
import html.parser
import io
import json
import re

import numpy as np
import pandas as pd
import pytest
import render_report
from ase.build import bulk
from ase.io import write
from report_tables import US, write_study

from haven.core import tables
from haven.core.errors import HavenError
from haven.core.numbers import DASH
from haven.report.figures import structure as figures_aimd
from haven.report.figures import style
from haven.report.numbers import verdicts as judgement
from haven.report.numbers import wording
from haven.report.numbers.measured import collect
from haven.report.page import report
from haven.report.page.contents import load_tables, material_name
from haven.report.page.grids.transport import budget_grid, headline_grid, near_words
from haven.report.registry import TABLES
from haven.transport.fits import budget
from haven.transport.tables import DIFFUSION

FIGURES = ("labels", "audit", "exploration", "learning_curve", "parity", "residuals", "accuracy",
           "structures", "lattice", "thermo", "temperature", "rdf", "rdf_cell", "msd", "diffusion",
           "conductivity", "haven_ratio", "hops", "tracks", "density", "van_hove", "barriers",
           "cost", "supercell", "calibration", "answer")
HEADINGS = ("headline", "claims", "unsupported", "retold", "three", "methods", "data",
            "comparison", "numbers", "labels", "potential", "health", "transport", "hops", "cost",
            "verdicts", "provenance", "cite")
VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(html.parser.HTMLParser):
    """Collects what a reader and a browser meet, and checks that tags are closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.images, self.links, self.cells = [], [], [], [], {}
        self.text, self.section, self.headings = [], "", []
        self.feed(text)
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "section":
            self.section = given["aria-labelledby"]
        if tag == "svg":
            self.images.append(given)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        self.links += [v for k, v in attrs if k in ("href", "src")]

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, f"{tag} closed out of order"

    def handle_data(self, data):
        self.text.append(data)
        if data.strip() and self.open and self.open[-1] in ("td", "th", "small"):
            self.cells.setdefault(self.section, []).append(data.strip())


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    write_study(folder / "tables", replicas=2, leave_out=((4.0, 358.0),))
    expected = {"u_ev": [0, 4], "temperature_k": [298, 313, 328, 333, 358, 373],
                "replica": [0, 1], "parameters": {"supercell": "[2, 2, 2]"}}
    (folder / "expected.json").write_text(json.dumps(expected))
    cell = bulk("NaCl", "rocksalt", a=5.6, cubic=True).repeat(2)
    cell.symbols[[0, 2, 8]] = "K"
    write(folder / "r0.supercell.extxyz", cell)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        render_report.main(["--tables", str(folder / "tables"), "--out", str(folder / "out"),
                            "--expected", str(folder / "expected.json"),
                            "--structures", str(folder / "r0.supercell.extxyz")])
    (folder / "out" / "printed.txt").write_text(printed.getvalue())
    return folder / "out"


@pytest.fixture(scope="module")
def page(rendered):
    return Page((rendered / "report.html").read_text(encoding="utf-8"))


def test_every_section_and_figure_is_there_with_caption_and_alternative_text(rendered, page):
    assert set(HEADINGS) <= set(page.ids)
    assert {f"figure-{key}" for key in FIGURES} <= set(page.ids)
    assert len(page.images) == len(FIGURES)
    assert all(len(image["aria-label"]) > 20 for image in page.images)
    for key in FIGURES:
        for kind, least in (("png", 5000), ("pdf", 3000), ("svg", 3000), ("csv", 50)):
            assert (rendered / "figures" / f"{key}.{kind}").stat().st_size > least, (key, kind)


def test_the_answer_comes_first_then_the_claims_then_the_studys_figures(rendered, page):
    order = [page.ids.index(name) for name in ("headline", "figure-answer", "claims", "retold",
                                               "figure-parity", "comparison", "labels")]
    assert order == sorted(order)
    text = " ".join("".join(page.text).split())
    assert "Ionic conductivity of Li₃TiCl₆" in text
    assert "May be trusted" in text and "contradicted" in text and "cannot be said" in text
    first = page.cells["headline"]
    assert {"published study", "experiment", "1.06 mS/cm", "0.32 eV"} <= set(first)
    claims = tables.read("claims", rendered / "tables" / "claims.parquet")
    assert set(claims["verdict"]) == {"supported", "contradicted", "cannot_be_said"}
    gate = tables.read("trust_gate", rendered / "tables" / "trust_gate.parquet")
    assert set(gate["level"]) == {"atom", "frame"}


def test_the_page_is_well_formed_self_contained_and_navigable(page):
    kinds = ("image/png", "application/vnd.apache.parquet", "application/gzip")
    inside = ("#", *(f"data:{kind};base64," for kind in kinds))
    assert all(link.startswith(inside) for link in page.links)
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    steps = [b - a for a, b in zip(page.headings, page.headings[1:], strict=False)]
    assert page.headings[0] == 1 and max(steps) <= 1, "no heading level is skipped"


def test_no_number_in_the_headline_stands_without_interval_and_unit(page):
    rows = page.cells["numbers"]
    numbers = [c for c in rows if re.search(r"\d", c) and not re.fullmatch(
        r"(U = \d eV|\d+ K|σ (from D self )?at 298 K, Arrhenius line)", c)]
    assert len(numbers) == 2 * 9 - 1
    for cell in numbers:
        held = re.search(r"\d \[\S+, \S+\]|\[.*, .*\]", cell) or cell.startswith("<")
        assert held, cell
        has_unit = re.search(r"(cm²/s|mS/cm|eV)$", cell)
        assert has_unit or cell == next(c for c in numbers if not re.search(r"[a-z]", c)), cell


def test_bounds_and_dashes_stand_where_the_runs_are_not_diffusive(page):
    cells = page.cells["numbers"]
    assert any(re.fullmatch(r"< \S+ × 10⁻⁸ cm²/s", c) for c in cells)
    assert "–" in cells
    assert "not diffusive yet" in cells
    assert "only an upper bound is supported" in "".join(page.text)


def test_missing_runs_are_named_and_not_averaged_away(page):
    text = " ".join("".join(page.text).split())
    assert "2 expected runs are missing" in text
    assert "u4_t358_r0, u4_t358_r1" in text
    assert "run u4_t358_r0 is missing" in text
    assert "22 runs of molecular dynamics" in text


def test_doubtful_published_values_carry_their_mark(page):
    cells = page.cells["comparison"]
    assert {"14 (?)", "0.22 eV (?)", "1.06 mS/cm"} <= set(cells)
    assert {"11.93 Å (?)", "59.59 meV/Å (?)", "0.6723 meV/atom"} <= set(
        page.cells["retold"])


def test_given_trajectories_are_no_missing_runs(tmp_path):
    study = load_tables(write_study(tmp_path, without=("runs", "thermo")))
    wanted = {"u_ev": [4], "temperature_k": [298, 400], "replica": [0]}
    assert judgement.missing_runs(wanted, study) == ["u4_t400_r0"]
    assert judgement.missing_runs({}, study) == []


def test_runs_of_further_potentials_carry_their_seed(tmp_path):
    study = load_tables(write_study(tmp_path))
    other = study["runs"].query("u_ev == 4 and temperature_k == 298").assign(seed=2)
    study["runs"] = pd.concat([study["runs"], other], ignore_index=True)
    wanted = {"u_ev": [4], "temperature_k": [298, 313], "replica": [0],
              "drivers": {"0": [1], "4": [1, 2]}}
    assert judgement.missing_runs(wanted, study) == ["u4_t313_r0_s2"]
    assert "u4_t298_r0_s2" in judgement.present_runs(study, wanted)
    subjects = set(judgement.verdict_rows(study, [], "li3ticl6", wanted, {})["subject"])
    assert {"u4_t298_r0", "u4_t298_r0_s2"} <= subjects
    leading = {"drivers": {"0": [1], "4": [2, 1]}}
    assert "u4_t298_r0_s1" in judgement.present_runs(study, leading)


def test_tables_come_out_joined_with_comparison_and_verdicts(rendered):
    found = {path.stem for path in (rendered / "tables").glob("*.parquet")}
    assert {"comparison", "verdicts", "diffusion", "msd", "runs"} <= found
    assert len(tables.read("runs", rendered / "tables" / "runs.parquet")) == 22
    verdicts = tables.read("verdicts", rendered / "tables" / "verdicts.parquet")
    missing = verdicts[verdicts["check"] == "present"]
    assert sorted(missing["subject"]) == ["u4_t358_r0", "u4_t358_r1"]
    assert "TRAIN_POTENTIAL" in set(verdicts["stage"])


def test_the_printed_summary_has_intervals_and_verdicts_for_each_u(rendered):
    text = (rendered / "printed.txt").read_text()
    for u in US:
        assert f"U = {u:g} eV" in text
    assert re.search(r"D_self at 298 K +\S+e-08 \[\S+e-08, \S+e-08\] cm2/s +diffusive", text)
    assert re.search(r"D_self at 298 K +< \S+ cm2/s +not diffusive yet", text)
    assert re.search(r"H_R at 298 K +- +not diffusive yet", text)
    assert re.search(r"Ea +0.280 \[0.230, 0.330\] eV +diffusive", text)
    assert "Missing runs: u4_t358_r0, u4_t358_r1" in text
    assert "report.html" in text
    assert text.isascii()


@pytest.mark.parametrize("kept", [("labels",), ("diffusion", "runs"), ("cost",), ("structures",)])
def test_a_report_of_few_tables_says_what_was_not_computed(tmp_path, kept):
    without = [name for name in TABLES if name not in kept]
    write_study(tmp_path / "tables", without=tuple(without))
    text = report.write_report(tmp_path / "tables", *paths(), tmp_path)
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "Not computed in this run." in "".join(page.text)
    assert ("No transport number" in text) == ("diffusion" not in kept)


def paths():
    root = render_report.Path(render_report.__file__).resolve().parents[1] / "assets"
    return root / "reference", root / "report.html.j2"


def test_too_few_hops_leave_no_haven_ratio(tmp_path):
    write_study(tmp_path, without=("diffusion",))
    study = write_study(tmp_path / "whole")
    rows = tables.read("diffusion", study / "study.diffusion.parquet")
    rare = (rows["u_ev"] == 4) & (rows["temperature_k"] == 298) & (rows["quantity"] == "haven")
    rows.loc[rare, "verdict"] = "too_few_events"
    tables.write(DIFFUSION, rows, tmp_path / "study.diffusion.parquet")
    grid = headline_grid(collect(load_tables(tmp_path)))
    line = next(row for row in grid["rows"] if row[0]["text"] == "Haven ratio")
    assert line[2] == {"text": "–", "small": "too few hops"}


def test_unstable_runs_fail_their_check(tmp_path):
    study = load_tables(write_study(tmp_path))
    study["runs"].loc[0, "verdict"] = "melted"
    rows = judgement.verdict_rows(study, [], "li3ticl6", {}, {})
    failed = rows[~rows["passed"].astype(bool)]
    assert "run u0_t298_r0: melted" in set(failed["message"])


def test_a_number_of_a_run_that_was_not_stable_is_withheld(tmp_path):
    study = load_tables(write_study(tmp_path, replicas=2))
    before = collect(study).set_index(["quantity", "u_ev", "temperature_k"])
    assert before.loc[("d_self", 4.0, 298.0), "value"] > 0
    runs = study["runs"]
    hit = (runs["u_ev"] == 4) & (runs["temperature_k"] == 298) & (runs["replica"] == 1)
    runs.loc[hit, "verdict"] = "exploded"
    after = collect(study).set_index(["quantity", "u_ev", "temperature_k"])
    row = after.loc[("d_self", 4.0, 298.0)]
    assert row["verdict"] == "unstable"
    assert not np.isfinite([row["value"], row["low_95"], row["high_95"]]).any()
    assert after.loc[("d_self", 4.0, 328.0), "value"] > 0


def test_curved_lines_and_untrusted_frames_are_said(tmp_path):
    study = load_tables(write_study(tmp_path))
    study["runs"]["trust"] = "trusted"
    assert wording.doubts(study, {}) == []
    study["arrhenius"].loc[0, "curvature_p"] = 0.01
    study["runs"].loc[study["runs"]["u_ev"] == 4, "trust"] = "beyond"
    text = " ".join(wording.doubts(study, {}))
    assert "is curved (p = 0.01)" in text and "d_" not in text
    assert "U = 4 eV: in 6 of 6 runs more than 5 % of the frames" in text
    assert "U = 0 eV: in" not in text
    study["runs"]["trust"] = None
    assert "U = 0 eV: one potential alone drove the runs" in " ".join(wording.doubts(study, {}))
    study["runs"].loc[0, "trust"] = "uncalibrated"
    assert "U = 0 eV: whether 1 of 6 runs stayed" in " ".join(wording.doubts(study, {}))


def test_the_range_of_frames_beyond_the_window_is_that_of_the_runs_counted(tmp_path):
    study = load_tables(write_study(tmp_path))
    runs = study["runs"].assign(trust="trusted", share_beyond_window=0.0)
    four = runs.index[runs["u_ev"] == 4]
    runs.loc[four[:2], "trust"] = "beyond"
    for shares, told in (((0.12, 0.30), "12 % to 30 %"), ((0.12, 0.12), "12 %")):
        runs.loc[four[:2], "share_beyond_window"] = shares
        assert f"U = 4 eV: in 2 of 6 runs more than 5 % of the frames ({told}) have" in " ".join(
            wording.doubts({**study, "runs": runs}, {}))


def test_runs_whose_cell_or_lithium_is_not_at_rest_are_named(tmp_path):
    study = load_tables(write_study(tmp_path))
    study["runs"]["trust"] = "trusted"
    row = study["verdicts"].iloc[0].to_dict()
    study["verdicts"] = pd.DataFrame([
        {**row, "subject": "u4_t298_r0", "check": "pressure", "passed": False},
        {**row, "subject": "u4_t313_r0", "check": "pressure", "passed": True},
        {**row, "subject": "u0_t298_r1_s2", "check": "stationary", "passed": False}])
    said = wording.doubts(study, {})
    assert len(said) == 2
    assert "U = 4 eV: 1 of the runs or cells (u4_t298_r0) are not at the pressure" in said[0]
    assert "U = 0 eV: 1 of the runs or cells (u0_t298_r1_s2) are not stationary" in said[1]


def test_arrhenius_lines_go_from_298_k_to_the_hottest_run(tmp_path):
    from haven.report.figures import transport as figures_transport

    study = load_tables(write_study(tmp_path))
    for name in ("diffusion", "conductivity"):
        study[name]["temperature_k"] = study[name]["temperature_k"] + 400.0
    hottest = study["diffusion"]["temperature_k"].max()
    picture = figures_transport.diffusion(study, collect(study))
    lines = [line for line in picture.figure.axes[0].lines if len(line.get_xdata()) == 60]
    ends = [1000 / np.asarray(line.get_xdata())[[0, -1]] for line in lines]
    assert lines
    np.testing.assert_allclose(ends, len(ends) * [[1.02 * hottest, 298 / 1.02]])


@pytest.mark.parametrize("aimd, dlmd", [(298.0, (300.0, 350.0)), (300.0, (298.0, 350.0))])
def test_radial_distributions_show_both_though_their_temperatures_differ(aimd, dlmd):
    """Nearest 298 K of all rows would leave either out, and say that no AIMD was given."""
    keys = {"material": "m", "u_ev": 4.0, "replica": 0, "pair": "Cl-Ti", "g": 1.0, "g_low_95": 0.9,
            "g_high_95": 1.1}
    rows = [keys | {"temperature_k": t, "source": source, "seed": seed, "r_angstrom": r}
            for t, source, seed in [(aimd, "aimd", None), *((t, "dlmd", 1) for t in dlmd)]
            for r in (1.0, 2.0)]
    picture = figures_aimd.rdf({"rdf": pd.DataFrame(rows)})
    assert picture.caption.startswith(f"The potential at {dlmd[0]:g} K, 1 run;")
    assert "AIMD: a much smaller cell" in picture.caption
    shown = {str(line.get_label()) for line in picture.figure.axes[0].lines}
    assert shown == {"potential, U = 4 eV", f"AIMD, U = 4 eV, {aimd:g} K"}


def test_a_legend_keeps_all_of_a_u_together():
    labels = ["U = 4 eV, Arrhenius line", "U = 0 eV, Arrhenius line", "experiment", "U = 10 eV",
              "U = 4 eV", "U = 0 eV", "published, U = 0 eV"]
    assert sorted(labels, key=style._by_u) == [
        "U = 0 eV", "U = 0 eV, Arrhenius line", "U = 4 eV", "U = 4 eV, Arrhenius line",
        "U = 10 eV", "experiment", "published, U = 0 eV"]


def test_a_legend_of_many_temperatures_names_some_of_them():
    many = [f"{300 + 10 * n} K" for n in range(30)]
    kept = style.thinned([*many, "slope 1"])
    assert len(kept) == style.MOST_KELVIN + 1
    assert kept[0] == "300 K" and kept[-2:] == ["590 K", "slope 1"]
    assert style.thinned([*many[:9], "slope 1"]) == [*many[:9], "slope 1"]


def test_the_heading_of_the_numbers_says_at_which_temperatures_they_are():
    row = {"quantity": "d_self", "u_ev": 0.0, "temperature_k": 600.0, "value": 1e-6,
           "low_95": 5e-7, "high_95": 2e-6, "unit": "cm2/s", "verdict": "diffusive", "note": "",
           "beyond": None}
    rows = pd.DataFrame([row, {**row, "u_ev": 4.0, "temperature_k": 700.0}])
    assert near_words(rows) == "Transport numbers at 600 and 700 K, nearest to 298 K"
    first = headline_grid(rows)["rows"][0]
    assert first[0]["small"] == "" and first[1]["small"] == "diffusive, at 600 K"
    assert near_words(rows.assign(temperature_k=298.0)) == "Transport numbers at 298 K"
    told = wording.summary(rows.iloc[:1], [], pd.DataFrame(columns=["stage", "passed"]))
    energy, = (line for line in told.splitlines() if " Ea  " in line)
    assert " at " not in energy, "an activation energy is at no temperature"
    assert near_words(rows.iloc[:0]) == "Transport numbers"


@pytest.mark.parametrize("low, high, words", [
    (0.1, 9.0, "diffusive"), (1e-4, 261.0, "hardly known: the interval spans 6 powers of ten"),
    (-0.1, 1.0, "hardly known: the interval reaches zero")])
def test_a_conductivity_over_powers_of_ten_is_hardly_known(low, high, words):
    row = {"quantity": "sigma_total from the Arrhenius line", "verdict": "diffusive", "value": 0.2,
           "low_95": low, "high_95": high}
    assert wording.verdict_text(row) == words
    assert wording.verdict_text({**row, "quantity": "d_self"}) == words
    assert wording.verdict_text({**row, "quantity": "d_distinct"}) == "diffusive"


def test_agreement_with_a_doubtful_print_is_said_to_be_one():
    row = {"quantity": "force_mae", "verdict": "agrees", "note": "", "high_95": 0.06}
    assert wording.comparison_words({**row, "doubtful": True}) == "agrees with the value as printed"
    assert wording.comparison_words({**row, "doubtful": False}) == "agrees"


def test_wrong_input_is_one_clear_line(tmp_path):
    with pytest.raises(HavenError, match="does not exist"):
        load_tables(tmp_path / "nowhere")
    with pytest.raises(HavenError, match="no tables in"):
        load_tables(tmp_path)
    (tmp_path / "e.json").write_text("[1, 2]")
    with pytest.raises(HavenError, match="must map u_ev"):
        judgement.read_expected(tmp_path / "e.json")
    two = {"runs": pd.DataFrame({"material": ["a", "b"]})}
    with pytest.raises(HavenError, match="several materials"):
        material_name(two)


def test_the_error_budget_says_how_many_members_show_it_and_falls_back_to_d(tmp_path):
    study = load_tables(write_study(tmp_path))
    rng = np.random.default_rng(2)
    x = np.repeat(rng.normal(0, 0.3, 4), 5)
    runs = pd.DataFrame({"temperature_k": np.tile([300.0, 350, 400, 450, 500], 4), "log": x,
                         "error": 0.02, "seed": np.repeat(range(4), 5), "replica": 0, "good": True})
    keys = {"material": "m", "u_ev": 4.0}
    study["error_budget"] = pd.DataFrame(budget.at_temperatures(
        pd.concat([runs, runs.assign(replica=1)]), "d_self", keys))
    found = budget_grid(study)
    cells = str(found)
    assert "4 members" in cells and "2 members" in cells and "at 300 K" in cells
    assert found["columns"][-1] == "total" and "extrapolation" not in found["columns"]
    part = study["error_budget"].iloc[0].to_dict()
    study["error_budget"] = pd.DataFrame([part, {**part, "quantity": "activation of d_self"}, {
        **part, "source": "extrapolation"}])
    found = budget_grid(study)
    place = found["columns"].index("extrapolation")
    assert sorted(row[place] == DASH for row in found["rows"]) == [False, True]
    study["error_budget"] = study["error_budget"].iloc[:0]
    assert budget_grid(study) is None
