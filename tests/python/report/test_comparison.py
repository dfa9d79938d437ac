"""Published values on file, and how a measured number is held against them."""

from __future__ import annotations

import itertools
import math
import re

import numpy as np
import pandas as pd
import pytest
from report_tables import MATERIAL, write_study

from haven.core import numbers as formatting
from haven.core.errors import HavenError
from haven.report.claims.study import Study
from haven.report.numbers import comparison, measured, pooling, wording
from haven.report.page.contents import load_tables, published_network
from haven.report.several import grids

# what each unit may hold, so that a slip of a decimal point in a CSV is caught
RANGES = {
    "eV/atom": (1e-5, 1e-2), "eV/Angstrom": (1e-4, 0.1), "Angstrom": (2.0, 13.0),
    "degree": (90.0, 120.0), "mS/cm": (0.1, 10.0), "eV": (0.1, 2.0), "cm2/s": (1e-10, 1e-6),
    "1": (0.0, 1e5), "ns": (0.1, 100.0),
}


@pytest.fixture(scope="session")
def reference(repository):
    return comparison.load_reference(repository / "assets" / "reference")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return load_tables(write_study(tmp_path_factory.mktemp("study")))


def test_every_published_value_has_a_unit_in_range_and_a_source(reference):
    for row in reference.to_dict("records"):
        low, high = RANGES[row["unit"]]
        assert low <= row["value"] <= high, row
        assert row["source"].startswith(("Selvaraj 2024", "Wang 2023", "OBELiX")), row
        assert row["system"].startswith(("OBELiX" == row["source"][:6] and ("Li3InCl6", "Li3YCl6"))
                                        or "Li3TiCl6")
        assert not row["doubtful"] or row["note"], "a doubtful value says why"
        assert math.isnan(row["u_ev"]) or row["u_ev"] in (0, 4)


def test_the_papers_headline_values_are_on_file_and_its_misprints_are_marked(reference):
    def value(quantity, **where):
        rows = comparison.of_material(reference, MATERIAL)
        rows = rows[rows["quantity"] == quantity]
        for name, wanted in where.items():
            rows = rows[rows[name] == wanted]
        return list(rows["value"])

    assert value("sigma_total") == [1.06, 1.04]
    assert value("activation", doubtful=False) == [0.29, 0.32]
    assert value("activation", doubtful=True) == [0.22]
    assert value("force_mae", doubtful=True) == [0.05959]
    assert value("lattice_b", doubtful=True) == [11.93]
    assert value("haven_ratio", doubtful=True) == [14]
    assert value("cost_ratio") == [3730]
    assert len(reference[reference["quantity"].str.startswith("lattice_")]) == 4 * 8
    assert sorted(value("barrier [100]") + value("barrier [110]")) == [0.3, 1.14]


@pytest.mark.parametrize(("measured_as", "verdict"), [
    ((1.0, 0.8, 1.2), "agrees"), ((1.2, 1.1, 1.3), "differs"), ((0.9, 0.8, 1.0), "differs"),
    ((1.1, 1.062, 1.2), "agrees"),  # inside what the printed 1.06 leaves open
    ((None, None, None), "not_measured"), ((None, None, 0.5), "differs"),
    ((None, None, 5.0), "not_measured"), ((1.06, None, None), "no_interval"),
    ((math.nan, math.nan, math.nan), "not_measured"),
])
def test_a_number_agrees_only_when_its_interval_holds_the_published_one(measured_as, verdict):
    rounding = comparison.printed_rounding("1.06")
    assert comparison.standing_of(*measured_as, 1.06, rounding) == verdict


@pytest.mark.parametrize(("quantity", "published", "half", "verdict"), [
    ("lattice_a", 6.35, 0.06, "agrees"), ("lattice_a", 6.35, 0.18, "too_wide"),
    ("lattice_beta", 110.1, 0.4, "agrees"), ("lattice_beta", 110.1, 0.6, "too_wide"),
    ("activation", 0.29, 0.04, "agrees"), ("activation", 0.29, 0.08, "too_wide"),
    ("barrier [110]", 0.30, 0.06, "too_wide"), ("rdf_first_peak Cl-Li", 2.53, 0.04, "agrees"),
    ("sigma_total", 1.06, 0.6, "agrees"), ("sigma_total", 1.06, 0.8, "too_wide"),
    ("haven_ratio", 14.0, 14.5, "too_wide"), ("occupancy_ti_2a", 0.754, 0.3, "agrees"),
])
def test_a_wide_interval_is_not_sold_as_agreement(quantity, published, half, verdict):
    ends = (published - half, published + half)
    assert comparison.standing_of(published, *ends, published, 0.0, quantity) == verdict
    assert comparison.standing_of(published, *ends, 100 * published, 0.0, quantity) == "differs"
    row = {"quantity": quantity, "verdict": verdict, "note": ""}
    said = wording.comparison_words(row)
    assert said == ("agrees" if verdict == "agrees" else
                    f"too wide to tell: wider than {comparison.limit_words(quantity)}")
    assert (verdict == "agrees") or comparison.limit_words(quantity)


@pytest.mark.parametrize(("count", "sites", "verdict"), [
    (12, 16, "agrees"),  # 0.75 is as near to 0.754 as 16 sites come
    (11, 16, "differs"), (24, 32, "agrees"), (23, 32, "differs"), (1508, 2000, "agrees"),
    (1505, 2000, "differs"),
])
def test_an_occupancy_is_held_against_what_whole_atoms_reach(study, reference, count, sites,
                                                              verdict):
    cells = study["structures"].query("site == '2a' and species == 'Ti'").assign(
        count=count, sites=sites, occupancy=count / sites)
    rows = comparison.compare(measured.collect({**study, "structures": cells}), reference,
                              MATERIAL, [4.0])
    assert set(rows.loc[rows["quantity"] == "occupancy_ti_2a (0.754/0.123)", "verdict"]) <= {
        verdict, "not_measured"}
    found = measured.collect({**study, "structures": cells})
    row = found[found["quantity"] == "occupancy_ti_2a"].iloc[0]
    assert comparison.standing_of(row["value"], row["low_95"], row["high_95"], 0.754, 0.0005,
                                  "occupancy_ti_2a") == verdict


@pytest.mark.parametrize(("one", "other", "same"), [
    ("0.754/0.123", "0.750/0.125", True), ("0.754/0.123", "0.875/0.063", False),
    ("0.754/0.123", "0.754", False), ("disordered", "0.754/0.123", False), ("x", "x", True)])
def test_sets_of_occupancies_met_by_the_same_cells_are_compared_once(one, other, same):
    assert comparison.same_occupancies(one, other) == same


def test_both_ways_of_a_barrier_are_shown_and_their_mean_is_compared(study):
    bands = study["barriers"].assign(reverse_barrier_ev=0.1)
    rows = measured.collect({**study, "barriers": bands})
    row = rows[(rows["quantity"] == "barrier [110]") & (rows["u_ev"] == 0)].iloc[0]
    assert row["value"] == pytest.approx((0.325 + 0.1) / 2)
    assert "there 0.325, back 0.100" in row["note"]


def test_the_published_cost_ratio_meets_the_published_network_only(study):
    other = "25-50-100 / 120-120-120, cutoff 7 Å, float32"
    paper = "32-64-128 / 256-256-256, cutoff 7 Å"
    rows = pd.DataFrame([
        {"u_ev": 4.0, "method": "aimd", "model": "dynamics", "ratio_to_aimd": 1.0},
        {"u_ev": 4.0, "method": "dlmd", "model": other, "ratio_to_aimd": 18100.0},
        {"u_ev": 4.0, "method": "dlmd", "model": f"{paper}, float64", "ratio_to_aimd": 1800.0},
        {"u_ev": 4.0, "method": "dlmd", "model": f"{paper}, float64", "ratio_to_aimd": 3576.0},
    ]).assign(cores=1, device="processor", atoms=160)
    found = measured.collect({**study, "cost": rows}, paper).set_index("quantity")
    assert found.loc["cost_ratio", ["value", "low_95", "high_95"]].tolist() == [3576, 1800, 3576]
    found = measured.collect({**study, "cost": rows.iloc[:2]}, paper).set_index("quantity")
    assert "cost_ratio" not in found.index
    assert found.loc["cost_ratio of another network", "value"] == 18100


def test_the_published_network_is_on_file_as_the_tables_write_it(reference):
    assert published_network(reference) == "32-64-128 / 256-256-256, cutoff 7 Å"
    assert published_network(reference.iloc[:0]) == ""


@pytest.mark.parametrize(("text", "half"), [
    ("1.06", 0.005), ("6.723e-4", 5e-8), ("14", 0.5), ("0.30", 0.005), ("1.6e-8", 5e-10)])
def test_the_printed_digits_say_how_far_a_value_is_open(text, half):
    assert comparison.printed_rounding(text) == pytest.approx(half)


def test_values_for_one_u_meet_that_u_only_and_experiments_meet_each(study, reference):
    rows = comparison.compare(measured.collect(study), reference, MATERIAL, [0.0, 4.0])
    paper = rows[(rows["quantity"] == "sigma_total") & (rows["published"] == 1.06)]
    experiment = rows[(rows["quantity"] == "sigma_total") & (rows["published"] == 1.04)]
    assert list(paper["u_ev"]) == [4.0]
    assert sorted(experiment["u_ev"]) == [0.0, 4.0]
    assert set(rows["verdict"]) == {"agrees", "differs", "too_wide", "not_measured"}


def test_a_conductivity_that_nothing_ran_at_is_compared_by_the_arrhenius_line(study, reference):
    """The published 298 K is met by the line's value there where runs are hotter."""
    found = measured.collect(study)
    near = (found["quantity"] == "sigma_total") & (found["temperature_k"] < 320)
    rows = comparison.compare(found[~near], reference, MATERIAL, [0.0, 4.0])
    rows = rows[rows["quantity"] == "sigma_total"]
    line = found[found["quantity"] == f"sigma_total{measured.FROM_LINE}"].set_index("u_ev")
    assert len(rows) == 3
    for row in rows.to_dict("records"):
        assert row["value"] == line.loc[row["u_ev"], "value"]
        assert row["note"].startswith("Arrhenius line: 6 temperatures fitted")


def test_a_bound_above_the_published_value_is_no_measurement(study, reference):
    rows = comparison.compare(measured.collect(study), reference, MATERIAL, [0.0, 4.0])
    cold = rows[(rows["quantity"] == "sigma_total") & (rows["u_ev"] == 0.0)].iloc[0]
    assert cold["verdict"] == "not_measured"
    assert np.isnan(cold["value"])
    assert cold["high_95"] > cold["published"]


def test_other_materials_are_not_compared_with_this_ones_values(study, reference):
    assert comparison.compare(measured.collect(study), reference, "li2o", [0.0]).empty


def test_the_published_energy_is_of_sigma_and_its_cost_ratio_of_dynamics(study):
    study = {**study, "cost": study["cost"].assign(ratio_to_aimd=100.0)}
    def found(quantity):
        numbers = measured.collect(study)
        return numbers[(numbers["quantity"] == quantity) & (numbers["u_ev"] == 4.0)]

    fits = study["arrhenius"]
    fit = fits[(fits["quantity"] == "sigma_total") & (fits["u_ev"] == 4.0)].iloc[0]
    assert found("activation")["value"].item() == fit["activation_sigma_ev"]
    assert found("activation of sigma_total T")["value"].item() == fit["activation_ev"]
    dynamics = "aimd" in set(study["cost"].query("u_ev == 4")["method"])
    assert len(found("cost_ratio")) == dynamics and len(found("label_cost_ratio")) == 1 - dynamics
    study["cost"] = study["cost"].query("method != 'aimd'")
    assert len(found("cost_ratio")) == 0 and len(found("label_cost_ratio")) == 1


def test_cells_relaxed_by_the_labels_engine_are_not_shown_as_the_potentials(study):
    cells = study["lattice"]
    other = cells.assign(engine="gpaw 26.7.0", a_angstrom=1.0)
    numbers = measured.collect({**study, "lattice": pd.concat([other, cells])})
    assert (numbers[numbers["quantity"] == "lattice_a"]["value"] > 2).all()


def test_a_wrong_unit_is_refused(study, reference):
    numbers = measured.collect(study)
    numbers.loc[numbers["quantity"] == "activation", "unit"] = "kJ/mol"
    with pytest.raises(HavenError, match="kJ/mol here and eV in the reference"):
        comparison.compare(numbers, reference, MATERIAL, [0.0, 4.0])


def test_a_reference_without_its_columns_or_with_words_for_numbers_is_refused(tmp_path):
    header = ",".join(comparison.COLUMNS)
    with pytest.raises(HavenError, match="no reference values"):
        comparison.load_reference(tmp_path)
    (tmp_path / "a.csv").write_text("quantity,value\nx,1\n")
    with pytest.raises(HavenError, match="lacks the column system"):
        comparison.load_reference(tmp_path)
    (tmp_path / "a.csv").write_text(f"{header}\nx,Li3TiCl6,,,about one,,eV,s,no,\n")
    with pytest.raises(HavenError, match="value is no number"):
        comparison.load_reference(tmp_path)


def own_values(folder, *rows, works="Mine 2020,I. Mine (2020),unknown,measured conductivity"):
    """Write a user's own folder of published values, and return it."""
    (folder / "mine.csv").write_text("\n".join([",".join(comparison.COLUMNS), *rows]) + "\n")
    (folder / "citations.csv").write_text(f"name,reference,doi,role\n{works}\n")
    return folder


def test_the_role_of_its_work_says_whether_a_value_was_measured(tmp_path):
    """In the report and in a comparison of studies, whether or not the row names a U."""
    works = ("Mine 2020,I. Mine (2020),unknown,measured conductivity\n"
             "Mine 2020b,I. Mine (2020),unknown,dynamics")
    values = comparison.load_reference(own_values(
        tmp_path, "sigma_total,LiCl,,298,0.5,,mS/cm,Mine 2020; Fig. 1,no,",
        "sigma_total,LiCl,,298,0.7,,mS/cm,\"Mine 2020b, Fig. 2\",no,",
        "activation,LiCl,4,,0.3,,eV,Mine 2020,no,", works=works))
    assert values["measured"].tolist() == [True, False, True]
    study = Study({}, pd.DataFrame(), comparison.of_material(values, "licl"), (4.0,))
    for quantity, real in (("sigma_total", [0.5]), ("activation", [0.3])):
        rows = grids.measured_rows("licl", values, quantity)
        assert [row["value"] for row in rows] == real
        found = study.published(quantity, None, True)
        assert found is not None and [found["value"]] == real
    calculated = study.published("sigma_total", 4.0, False)
    assert calculated is not None and calculated["value"] == 0.7


def test_a_source_that_citations_do_not_hold_is_named(tmp_path):
    row = "sigma_total,LiCl,,298,0.5,,mS/cm,\"Smith 2020, impedance\",no,"
    said = (f"{tmp_path}/citations.csv lacks the work 'Smith 2020', the source of sigma_total of "
            "LiCl: add a row with its name, reference, doi, role (a role that begins with "
            "'measured' says that its values were measured)")
    with pytest.raises(HavenError) as raised:
        comparison.load_reference(own_values(tmp_path, row))
    assert str(raised.value) == said
    (tmp_path / "citations.csv").write_text("name,reference\nSmith 2020,Smith\n")
    with pytest.raises(HavenError, match=r"citations\.csv lacks the column doi, role"):
        comparison.load_reference(tmp_path)
    (tmp_path / "citations.csv").unlink()
    with pytest.raises(HavenError) as raised:
        comparison.load_reference(tmp_path)
    assert str(raised.value) == said


def test_the_card_of_the_published_values_names_every_column(repository):
    card = (repository / "assets" / "reference" / "README.md").read_text(encoding="utf-8")
    for name in (*comparison.COLUMNS, *comparison.CITED_COLUMNS, *comparison.STUDY_COLUMNS,
                 *comparison.OTHER_TABLES):
        assert f"`{name}`" in card, name
    assert f"begins with `{comparison.MEASURED}`" in card
    for path in (repository / "assets" / "reference").glob("*.csv"):
        assert f"`{path.name}`" in card, path


def test_the_first_peak_is_found_between_bins():
    r = np.linspace(0.025, 5.975, 120)
    g = 5 * np.exp(-((r - 2.537) ** 2) / 0.02) + 3 * np.exp(-((r - 4.4) ** 2) / 0.02)
    assert measured.first_peak(r, g) == pytest.approx(2.537, abs=0.003)
    assert math.isnan(measured.first_peak(r, np.zeros_like(r)))


def test_pooled_replicas_hold_the_truth_and_disagreeing_ones_widen(rng):
    def share(between, middle=-1.0):
        hits = 0
        for _ in range(200):
            centres = middle + between * rng.standard_normal(4)
            values = centres + 0.1 * rng.standard_normal(4)
            half = 0.1 * pooling.Z95
            _, low, high = pooling.joined_interval(pd.DataFrame({
                "value": values, "low_95": values - half, "high_95": values + half,
                "replica": range(4), "seed": 1}))
            hits += low <= middle <= high
        return hits / 200

    assert 0.93 <= share(0.0) <= 1.0
    assert 0.90 <= share(0.5) <= 0.99
    assert 0.93 <= share(0.0, 1.0) <= 1.0


def test_one_run_that_is_not_diffusive_leaves_a_bound_not_a_mean():
    runs = pd.DataFrame({
        "value": [2.0, 1.0], "low_95": [1.5, 0.2], "high_95": [2.5, 1.8],
        "verdict": ["diffusive", "subdiffusive"],
    })
    joined = pooling.pool(runs)
    assert (joined.value, joined.low, joined.high) == (None, None, 2.5)
    assert joined.verdict == "subdiffusive"
    assert pooling.pool(runs.assign(verdict="unstable")).high is None
    assert pooling.pool(runs.iloc[:0]).verdict == "not_measured"


@pytest.mark.parametrize(("number", "text"), [
    ((1.0634, 0.8412, 1.3078, "mS/cm"), "1.06 [0.84, 1.31] mS/cm"),
    ((1.234e-8, 0.95e-8, 1.51e-8, "cm2/s"), "(1.23 [0.95, 1.51]) × 10⁻⁸ cm²/s"),
    ((0.31234, 0.26, 0.36, "eV"), "0.312 [0.260, 0.360] eV"),
    ((0.5, 0.001, 40.0, "1"), "0.50 [0.0010, 40]"),
    ((1234.0, 1100.0, 1400.0, "1"), "1230 [1100, 1400]"),
    ((0.91, 1.2e-5, 1e5, "mS/cm"), "0.91 [1.2 × 10⁻⁵, 1.0 × 10⁵] mS/cm"),
    ((120.0, 1.2, 99_960.0, "1"), "120 [1.2, 1.0 × 10⁵]"),
    ((9e4, 6e4, 1.2e5, "1"), "(0.90 [0.60, 1.20]) × 10⁵"),
    ((0.5, -2e5, 2e5, "eV"), "(0.0 [-2.0, 2.0]) × 10⁵ eV"),
    ((3.5e-6, 1e-6, 3e-5, "cm2/s"), "(3.5 [1.0, 30]) × 10⁻⁶ cm²/s"),
    ((3e-6, 1e-9, 1e-3, "cm2/s"), "3.0 × 10⁻⁶ [1.0 × 10⁻⁹, 0.0010] cm²/s"),
    ((1.0, None, 2.0, "eV"), "–"), ((None, 1.0, 2.0, "eV"), "–"),
])
def test_a_value_is_rounded_to_its_interval(number, text):
    assert formatting.interval(*number) == text


@pytest.mark.parametrize(("high", "text"), [
    (3.21e-9, "< 3.3 × 10⁻⁹ cm²/s"), (9.96e-9, "< 1.0 × 10⁻⁸ cm²/s"), (5.51, "< 5.6 cm²/s"),
    (0.034, "< 0.034 cm²/s"), (None, "–"), (0.0, "–")])
def test_an_upper_bound_is_rounded_up(high, text):
    assert formatting.bound(high, "cm2/s") == text


def test_no_number_of_an_interval_is_written_with_more_digits_than_it_has():
    """Whatever the powers of ten: no run of zeros before or behind the digits, one sign of zero."""
    powers = [10.0**n for n in range(-9, 10, 2)]
    for value, down, up in itertools.product(powers, powers, powers):
        for low, high in ((value / (1 + down), value * (1 + up)), (value - down, value + up)):
            for plain in (False, True):
                text = formatting.interval(1.37 * value, low, high, "1", plain)
                mantissas = re.sub(r"× 10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+|e[+-]\d\d", "", text)
                for number in re.findall(r"-?[\d.]+", mantissas):
                    assert len(number.lstrip("-")) <= 8 and number.count(".") < 2, text
                    assert abs(float(number)) < 1e5 and not re.fullmatch(r"-0\.?0*", number), text


def test_a_number_and_its_error_have_as_many_decimals():
    assert formatting.plus_minus(-0.0012, 0.02) == "-0.001 ± 0.020"
    assert formatting.plus_minus(-0.0001, 0.02) == "0.000 ± 0.020"
    assert formatting.plus_minus(0.0042, 0.0005) == "0.00420 ± 0.00050"


def test_a_terminal_gets_plain_exponents():
    assert formatting.interval(1.23e-8, 1e-8, 1.5e-8, "cm2/s", plain=True) == (
        "1.23e-08 [1.00e-08, 1.50e-08] cm2/s")
    assert formatting.bound(3.21e-9, "cm2/s", plain=True) == "< 3.3e-09 cm2/s"
