"""Activation energies, U in pairs, the error's budget, the plan; and the whole way by script."""

from __future__ import annotations

import itertools
from dataclasses import replace

import analyse_transport
import fit_arrhenius
import numpy as np
import pandas as pd
import pytest
import walks

from haven.core import tables
from haven.core.errors import HavenError
from haven.trajectory import trajectory
from haven.transport.diffusion import Estimate
from haven.transport.fits import arrhenius, budget, condition, contrasts, plan, standing
from haven.transport.tables import CONDUCTIVITY, DIFFUSION

KB = 8.617333262e-5
TEMPERATURES = (300, 350, 400, 450, 500)


def made(rng, ea=0.3, error=0.1, replicas=1, seeds=1, disorder=0.0, potential=0.0, u_ev=4.0,
         temperatures=TEMPERATURES, bend=0.0, ions=100, prefactor=1e-3):
    """Return diffusion and conductivity tables of synthetic runs that obey Arrhenius's law."""
    diffusion, conductivity = [], []
    offsets = rng.normal(0, 1, (2, 20)) * [[disorder], [potential]]
    for t in temperatures:
        for r in range(replicas):
            for s in range(seeds):
                x = 1 / (KB * t)
                log = np.log(prefactor) - ea * x + offsets[0, r] + offsets[1, s]
                log += rng.normal(0, error) + bend * (x - 30) ** 2
                ends = {"value": np.exp(log), "low_95": np.exp(log - 1.96 * error),
                        "high_95": np.exp(log + 1.96 * error)}
                keys = {"material": "m", "u_ev": u_ev, "temperature_k": float(t), "replica": r,
                        "seed": s}
                for quantity in ("self", "total"):
                    diffusion.append({
                        **keys, "species": "Li", "quantity": quantity, "axis": "xyz", **ends,
                        "unit": "cm2/s", "hop_events": 500.0, "estimator": "walk",
                        "frame_of_reference": "host", "verdict": "diffusive", "ions": ions,
                        "duration_ps": 1000.0})
                    conductivity.append({
                        **keys, "quantity": f"sigma_{quantity}", "verdict": "diffusive",
                        "value_ms_per_cm": ends["value"] * 1e8 / t,
                        "low_95": ends["low_95"] * 1e8 / t, "high_95": ends["high_95"] * 1e8 / t,
                        "carrier_density_per_cm3": 1e22, "volume_angstrom3": 1e3})
    return pd.DataFrame(diffusion), pd.DataFrame(conductivity)


def runs_of(quantity="d_total", **options):
    rng = options.pop("rng", np.random.default_rng(0))
    runs = arrhenius.gather(*made(rng, **options))
    return runs[runs["quantity"] == quantity]


def test_exact_line_gives_back_its_activation_energy_and_conductivity():
    row, _ = arrhenius.fit_line(runs_of("sigma_total", error=1e-6), "sigma_total")
    assert row["activation_ev"] == pytest.approx(0.3, abs=1e-4)
    assert row["prefactor"] == pytest.approx(1e-3 * 1e8, rel=1e-3)
    at_298 = 1e5 * np.exp(-0.3 / KB / 298) / 298
    assert row["sigma_298_ms_per_cm"] == pytest.approx(at_298, rel=1e-3)
    assert row["sigma_298_direct_ms_per_cm"] == pytest.approx(at_298, rel=1e-3)  # of runs at 300 K
    assert row["verdict"] == "diffusive" and row["temperatures"] == 5
    row, _ = arrhenius.fit_line(runs_of("d_self", error=1e-6), "d_self")
    assert row["d_298_cm2_per_s"] == pytest.approx(1e-3 * np.exp(-0.3 / KB / 298), rel=1e-3)
    assert row["d_298_low_95"] < row["d_298_cm2_per_s"] < row["d_298_high_95"]


def test_the_conductivity_at_298_k_without_a_line_is_that_of_the_nearest_temperature():
    near, other = 299.0, 296.5
    runs = runs_of("sigma_self", temperatures=(other, near, 400, 500), error=1e-6)
    runs.loc[runs["temperature_k"] == other, "error"] = 0.5
    row, _ = arrhenius.fit_line(runs, "sigma_self")
    value, low, high = (row[f"sigma_298_direct_{end}"]
                        for end in ("ms_per_cm", "low_95", "high_95"))
    assert value == pytest.approx(1e5 * np.exp(-0.3 / KB / 298) / 298, rel=1e-3)
    assert high < 1.001 * low


@pytest.mark.parametrize("near, given", [(298.15, True), (299.0, False)])
def test_without_an_activation_energy_no_conductivity_is_moved_to_298_k(near, given):
    runs = runs_of("sigma_self", temperatures=(near, 400), error=1e-6)
    row, line = arrhenius.fit_line(runs, "sigma_self")
    assert line is None and ("sigma_298_direct_ms_per_cm" in row) == given
    joined = [seen_at(t, 30.0, 1.0, "diffusive") for t in (near, 400.0)]
    row, _ = arrhenius.fit_line(runs, "sigma_self", joined)
    assert row.get("sigma_298_direct_ms_per_cm") == (1e-6 if given else None)


def test_a_line_of_sigma_itself_as_papers_draw_it_gives_back_its_activation_energy():
    runs = runs_of("sigma_total", error=1e-6)
    runs["log"] = 12.0 - 0.29 / (KB * runs["temperature_k"])
    row, _ = arrhenius.fit_line(runs, "sigma_total")
    assert row["activation_sigma_ev"] == pytest.approx(0.29, abs=1e-6)
    assert row["activation_sigma_low_95"] <= 0.29 <= row["activation_sigma_high_95"]
    assert row["activation_ev"] - 0.29 == pytest.approx(KB * runs["temperature_k"].mean(), rel=0.05)
    assert "activation_sigma_ev" not in arrhenius.fit_line(runs_of("d_total"), "d_total")[0]


@pytest.mark.parametrize("replicas, disorder", [(1, 0.0), (4, 0.15)])
def test_interval_of_the_activation_energy_holds_the_truth(replicas, disorder):
    rng, held = np.random.default_rng(1), np.zeros(2)
    for _ in range(100):
        runs = runs_of("sigma_total", rng=rng, replicas=replicas, disorder=disorder)
        row, _ = arrhenius.fit_line(runs, "sigma_total")
        truth = 1e5 * np.exp(-0.3 / KB / 298) / 298
        held += [row["activation_low_95"] <= 0.3 <= row["activation_high_95"],
                 row["sigma_298_low_95"] <= truth <= row["sigma_298_high_95"]]
    assert (held >= 88).all(), held


def test_uncertain_runs_weigh_less():
    runs = runs_of(error=0.01)
    runs.loc[runs["temperature_k"] == 300, "log"] += 1.0
    runs.loc[runs["temperature_k"] == 300, "error"] = 5.0
    row, _ = arrhenius.fit_line(runs, "d_total")
    assert row["activation_ev"] == pytest.approx(0.3, abs=0.02)


def test_runs_without_a_number_count_with_their_jumps_and_too_few_give_no_line():
    runs = runs_of()
    runs.loc[runs["temperature_k"] < 400, ["good", "verdict"]] = [False, "too_few_events"]
    row, joined = arrhenius.fit_line(runs, "d_total")
    assert row["temperatures"] == 5 and row["verdict"] == "diffusive" and joined is not None
    runs.loc[runs["temperature_k"] < 450, ["good", "verdict"]] = [False, "too_few_events"]
    # what a jump yields is known at two temperatures
    row, joined = arrhenius.fit_line(runs, "d_total")
    assert row["verdict"] == "too_few_events" and row.get("activation_ev") is None
    assert joined is None
    two, _ = arrhenius.fit_line(runs_of(temperatures=(300, 400)), "d_total")
    assert two["verdict"] == "too_few_temperatures"
    few, _ = arrhenius.fit_line(runs_of().assign(hop_events=5.0), "d_total")
    assert few["verdict"] == "too_few_events" and few["hop_events"] == 25


def test_runs_that_melted_or_do_not_diffuse_yet_are_left_out_and_named():
    runs = runs_of(replicas=3)
    runs.loc[(runs["temperature_k"] == 300), ["good", "verdict"]] = [False, "subdiffusive"]
    hot = (runs["temperature_k"] == 500) & (runs["replica"] == 1)
    runs.loc[hot, ["good", "verdict"]] = [False, "unstable"]
    kept, told = arrhenius.counted(runs)
    assert 300 not in set(kept["temperature_k"]) and len(kept) == 11
    assert told == ["1 run unstable", "300 K not diffusive yet"]
    row, _ = arrhenius.fit_line(runs, "d_total")
    assert row["temperatures"] == 4 and "300 K" in row["left_out"]


@pytest.mark.parametrize("slow, temperatures", [((300, 350), 3), ((300, 350, 400), 5),
                                                ((300, 350, 400, 450, 500), 5)])
def test_where_too_few_temperatures_diffuse_yet_the_line_is_one_of_jumps(slow, temperatures):
    runs = runs_of(replicas=3)
    assert set(slow) <= set(runs["temperature_k"])
    runs.loc[runs["temperature_k"].isin(slow), ["good", "verdict"]] = [False, "subdiffusive"]
    assert arrhenius.counted(runs)[0]["temperature_k"].nunique() == temperatures


def test_one_slow_run_of_many_is_no_reason_to_drop_it():
    runs = runs_of(replicas=4)
    slow = (runs["temperature_k"] == 300) & (runs["replica"] == 0)
    runs.loc[slow, ["good", "verdict"]] = [False, "subdiffusive"]
    assert len(arrhenius.counted(runs)[0]) == len(runs)


@pytest.mark.parametrize("options, word, words", [
    ({}, "diffusive", ("fitted: 300, 350, 400, 450, 500 K, all diffusive", "known to ")),
    ({"bend": 0.02, "error": 0.01}, "curved", ("one activation energy does not describe it",)),
    ({"temperatures": (300, 400, 500)}, "diffusive", ("fitted: 300, 400, 500 K",)),
    ({"temperatures": (300, 400, 500), "bend": 0.02, "error": 0.01}, "curved",
     ("p = ", "one activation energy does not describe it")),
    ({"temperatures": (300, 500)}, "too_few_temperatures", ("no fit", "2 temperatures")),
    ({"ea": 0.001, "error": 0.3}, "diffusive", ("hardly known",))])
def test_a_line_says_what_it_is_worth(options, word, words):
    row, _ = arrhenius.fit_line(runs_of(**options), "d_total")
    said = standing.line_words(row)
    assert row["standing"] == word and word in said and all(part in said for part in words), said
    assert row["fitted_k"] == ", ".join(str(t) for t in options.get("temperatures", TEMPERATURES))
    if word != "too_few_temperatures" and row["activation_ev"] > 0:
        arm = max(row["activation_high_95"] - row["activation_ev"],
                  row["activation_ev"] - row["activation_low_95"])
        assert row["known_to"] == pytest.approx(arm / row["activation_ev"])


@pytest.mark.parametrize("verdict, words", [
    ("subdiffusive", "350 K not diffusive yet"), ("unstable", "350 K unstable"),
    ("too_few_events", "350 K too few jumps to tell")])
def test_a_temperature_that_is_not_diffusive_is_named(verdict, words):
    runs = runs_of(replicas=2)
    runs.loc[runs["temperature_k"] == 350, ["verdict", "good"]] = [verdict, False]
    row, _ = arrhenius.fit_line(runs, "d_total")
    assert row["not_diffusive"] == words
    assert f"not known to be diffusive: {words}" in standing.line_words(row)
    assert ("350" in row["fitted_k"]) == (verdict == "too_few_events")


def test_a_line_of_too_few_diffusive_temperatures_rests_on_jumps_alone():
    fit = {"verdict": "diffusive", "curvature_p": 0.001}
    assert standing.standing_of(fit, ["diffusive"] * 3) == "curved"
    assert standing.standing_of(fit, ["diffusive"] * 2 + ["subdiffusive"]) == "curved, jumps_alone"
    assert standing.standing_of(fit | {"curvature_p": None}, ["too_few_events"]) == "jumps_alone"
    assert standing.standing_of(fit | {"verdict": "unstable"}, []) == "unstable"


@pytest.mark.parametrize("temperatures", [TEMPERATURES, (300, 400, 500)])
@pytest.mark.parametrize("replicas, disorder", [(1, 0.0), (3, 0.2)])
def test_curvature_is_seen_and_not_imagined(temperatures, replicas, disorder):
    """Straight lines are said to be curved about as often as the p value says, or less often."""
    given = {"temperatures": temperatures, "replicas": replicas, "disorder": disorder}
    found = [arrhenius.fit_line(runs_of(rng=np.random.default_rng(i), error=0.05, **given),
                                "d_total")[0]["curvature_p"] for i in range(60)]
    assert np.mean(np.array(found) < 0.05) < 0.15 and np.mean(np.array(found) < 0.5) > 0.15
    bent, _ = arrhenius.fit_line(runs_of(error=0.02, bend=0.03, **given), "d_total")
    assert bent["curvature_p"] < 0.01


def test_pairs_cancel_what_replicas_share():
    rng = np.random.default_rng(3)
    low = arrhenius.gather(*made(rng, ea=0.30, error=0.03, replicas=3, u_ev=0.0))
    high = arrhenius.gather(*made(rng, ea=0.28, error=0.03, replicas=3, u_ev=4.0))
    shift = rng.normal(0, 1.0, 3)
    runs = pd.concat([low, high], ignore_index=True)
    runs["log"] += shift[runs["replica"]]
    rows = contrasts.paired(runs[runs["quantity"] == "d_total"], "d_total")
    slope = rows[-1]
    assert slope["quantity"] == "activation of d_total" and slope["unit"] == "eV"
    assert slope["low_95"] <= -0.02 <= slope["high_95"] and slope["p_value"] < 0.05
    at_300 = rows[0]
    assert at_300["pairs"] == 3 and at_300["temperature_k"] == 300
    assert at_300["difference"] == pytest.approx(0.02 / KB / 300, abs=0.2)
    assert at_300["high_95"] - at_300["low_95"] < 0.5


def test_cell_sizes_are_compared_where_two_are_given():
    rng = np.random.default_rng(4)
    small = arrhenius.gather(*made(rng, error=0.02, replicas=2, ions=50, prefactor=0.8e-3))
    large = arrhenius.gather(*made(rng, error=0.02, replicas=2, ions=400))
    large["replica"] += 2
    both = pd.concat([small, large], ignore_index=True)
    rows = contrasts.sizes(both[both["quantity"] == "d_self"], "d_self")
    assert len(rows) == 5 and rows[0]["first"] == 50 and rows[0]["second"] == 400
    assert np.mean([r["difference"] for r in rows]) == pytest.approx(-np.log(0.8), abs=0.05)
    assert contrasts.sizes(small, "d_self") == []


def test_budget_names_each_source_and_adds_up():
    _, joined = arrhenius.fit_line(runs_of(replicas=4, disorder=0.4, error=0.05), "d_total")
    parts = {p["source"]: p for p in budget.budget(joined, np.array([1.0, 0.0]), {})}
    assert parts["potential"]["standard_error"] is None
    assert parts["disorder"]["share"] > 0.8
    shares = [p["share"] for n, p in parts.items() if n != "total" and p["share"] is not None]
    assert sum(shares) == pytest.approx(1.0)
    far = budget.extrapolation(joined, runs_of(replicas=4), {})
    assert 0 < far["share"] < 1


@pytest.mark.parametrize("replicas, seeds", [(1, 4), (3, 3)])
def test_what_potentials_differ_by_is_found_and_widens_the_interval(replicas, seeds):
    """Potentials whose logarithms differ by 0.3, drawn anew each time, with known truth."""
    rng, spread, runs = np.random.default_rng(6), 0.3, 60
    held, variances, ends = 0, [], 0
    for _ in range(runs):
        some = runs_of("sigma_total", rng=rng, replicas=replicas, seeds=seeds, potential=spread,
                       disorder=0.05 if replicas > 1 else 0.0, error=0.05)
        row, joined = arrhenius.fit_line(some, "sigma_total")
        truth = 1e5 * np.exp(-0.3 / KB / 298) / 298
        held += row["sigma_298_low_95"] <= truth <= row["sigma_298_high_95"]
        parts = {p["source"]: p for p in budget.budget(joined, np.array([1.0, 0.0]), {})}
        found = parts["potential"]
        assert found["members"] == seeds and found["low_95"] < found["high_95"]
        variances.append(found["standard_error"] ** 2)
        ends += found["low_95"] <= spread / seeds**0.5 <= found["high_95"]
        assert (parts["disorder"]["standard_error"] is None) == (replicas == 1)
    assert np.mean(variances) == pytest.approx(spread**2 / seeds, rel=0.5)
    assert held >= 0.9 * runs and ends >= 0.88 * runs, (held, ends)


def test_budget_of_d_at_each_temperature():
    rng = np.random.default_rng(8)
    rows = budget.at_temperatures(runs_of("d_self", rng=rng, seeds=4, potential=0.5, error=0.02),
                                     "d_self", {"material": "m", "u_ev": 4.0})
    assert {row["quantity"] for row in rows} == {f"d_self at {t} K" for t in TEMPERATURES}
    share = [row["share"] for row in rows if row["source"] == "potential"]
    assert len(share) == len(TEMPERATURES) and min(share) > 0.9
    some = runs_of("d_self", seeds=2)
    some.loc[(some["temperature_k"] == 300) & (some["seed"] == 1), "good"] = False
    left = {row["quantity"] for row in budget.at_temperatures(some, "d_self", {})}
    assert "d_self at 300 K" not in left and "d_self at 350 K" in left


def test_potentials_of_two_u_are_paired_by_their_place():
    rng = np.random.default_rng(9)
    low = arrhenius.gather(*made(rng, ea=0.30, error=0.02, seeds=2, u_ev=0.0))
    high = arrhenius.gather(*made(rng, ea=0.28, error=0.02, seeds=2, u_ev=4.0))
    both = pd.concat([low, high.assign(seed=high["seed"] + 7)], ignore_index=True)
    rows = contrasts.paired(both[both["quantity"] == "d_self"], "d_self")
    assert rows[0]["pairs"] == 2 and rows[-1]["low_95"] <= -0.02 <= rows[-1]["high_95"]


def planned(runs, speed=None):
    return plan.plans(runs, "d_total", wanted=0.1, min_events=30, speed_ns_per_day=speed)


def test_plan_scales_with_the_square_of_the_interval():
    found, = planned(runs_of(temperatures=(400,), replicas=3, error=0.3), 2.0)
    assert found["have_ns"] == pytest.approx(3.0)
    assert found["needed_ns"] == pytest.approx(3.0 * (0.3**2 / 3) / (0.1 / 1.96) ** 2, rel=0.3)
    assert found["device_hours"] == pytest.approx(found["more_ns"] * 12)
    apart, = planned(runs_of(temperatures=(400,), replicas=4, error=0.01, disorder=0.5))
    assert apart["needed_ns"] is None and "replicas" in apart["note"]
    short = runs_of(temperatures=(400,)).assign(
        good=False, verdict="too_few_events", hop_events=5.0)
    bound, = planned(short)
    assert bound["needed_ns"] > 100 and bound["note"].startswith("more than")
    for verdict, words in (("no_host", "save all atoms"), ("unstable", "no run was stable")):
        lost, = planned(short.assign(verdict=verdict))
        assert lost["needed_ns"] is None and words in lost["note"]


def test_plan_counts_no_time_of_runs_that_do_not_count():
    runs = runs_of("d_self", temperatures=(400, 500), replicas=3)
    lost = (runs["temperature_k"] == 500) & (runs["replica"] > 0)
    runs.loc[lost, ["verdict", "good"]] = ["unstable", False]
    assert [row["have_ns"] for row in planned(runs)] == pytest.approx([3.0, 1.0])
    joined = [seen_at(500.0, 30.0, 1.0, "diffusive", runs=1)]
    assert [row["have_ns"] for row in plan.plans(runs, "d_self", 0.1, 30, None, joined)] == [3, 1]
    none = runs.assign(good=False, verdict=["unstable", "drifting", "not_stationary"] * 2)
    for row in planned(none):
        assert row["have_ns"] == 0 and row["needed_ns"] is None and "anneal longer" in row["note"]


@pytest.mark.parametrize("counts", [(0, 1, 0, 4, 9, 30), (1, 0, 1, 0, 14, 22), (0, 0, 0, 0, 0, 12)])
def test_plan_asks_for_more_time_the_colder_it_is_whatever_each_run_saw(counts):
    rate = dict(zip((298, 313, 328, 343, 358, 373), counts, strict=True))
    runs = runs_of(temperatures=tuple(rate))
    runs = runs.assign(good=False, verdict="too_few_events",
                       hop_events=runs["temperature_k"].map(rate).astype(float))
    needed = [row["needed_ns"] for row in planned(runs)]
    assert all(colder > 1.05 * warmer for colder, warmer in itertools.pairwise(needed))


def jumping(runs, ps=1000.0, prefactor=10.0):
    """Return runs of a length whose jumps and errors are those of a hopping process, 0.3 eV."""
    rate = prefactor * np.exp(-0.3 / KB / runs["temperature_k"])
    hops = np.round(rate * runs["ions"] * ps)
    return runs.assign(hop_events=hops, exposure=runs["ions"] * ps, duration_ps=ps,
                       error=np.sqrt(2.5 / hops), high_95=np.nan)


def line_planned(runs, factor):
    _, line = arrhenius.fit_line(runs, "sigma_self")
    rows = plan.line_plans(runs, "sigma_self", line, 2.0, factor=factor)
    return {row["temperature_k"]: row for row in rows}


def test_the_time_planned_for_298_k_gives_the_interval_that_was_wanted():
    runs = jumping(runs_of("sigma_self", temperatures=(600, 700, 800), replicas=3, error=1e-3))
    found = line_planned(runs, factor := 1.15)
    assert list(found) == [450, 500, 550, 600, 700, 800]
    assert {row["quantity"] for row in found.values()} == {"sigma_self at 298 K"}
    assert found[700]["more_ns"] is None and "not by runs at this temp" in found[700]["note"]
    assert found[500]["more_ns"] < found[600]["more_ns"] < 100
    for temperature in (450, 500, 550, 600):
        row = found[temperature]
        assert row["half_width_now"] > np.log(factor) == row["half_width_wanted"]
        assert row["device_hours"] == pytest.approx(12 * row["more_ns"])
        added = jumping(runs_of("sigma_self", temperatures=(temperature,), replicas=1, error=1e-3),
                        1000 * row["more_ns"]).assign(replica=7)
        fit, _ = arrhenius.fit_line(pd.concat([runs, added], ignore_index=True), "sigma_self")
        reached = np.log(fit["sigma_298_high_95"] / fit["sigma_298_low_95"]) / 2
        assert reached == pytest.approx(np.log(factor), rel=0.25), temperature
    for row in line_planned(runs, 10.0).values():
        assert row["more_ns"] == 0 and row["note"] == "narrow enough"


def test_a_temperature_not_yet_run_needs_a_run_long_enough_to_be_diffusive():
    runs = jumping(runs_of("sigma_self", temperatures=(600, 700, 800), replicas=3, error=1e-3))
    now = line_planned(runs, 2.0)[600]["half_width_now"]
    found = line_planned(runs, np.exp(0.99 * now))
    rate = 10.0 * np.exp(-0.3 / KB / 450)
    assert found[450]["more_ns"] == pytest.approx(3 * plan.GROWN_JUMPS / rate / 1000, rel=0.05)
    assert found[600]["more_ns"] < found[450]["more_ns"]


def seen_at(temperature, jumps, slope, verdict, runs=3, ions=50, ps=1000.0):
    """Return a condition of runs in which an ion made so many jumps."""
    tracer = Estimate("self", "xyz", 1e-6, 8e-7, 1.2e-6, "cm2/s", 0.0, ps, slope, 0.05,
                      jumps * ions * runs, "walk", verdict)
    return condition.Condition(
        {"material": "m", "u_ev": 4.0, "temperature_k": temperature, "seed": None},
        condition.Seen(runs, ions * runs, ps * runs, jumps * ions * runs, ps * ions * runs, 1.0),
        "", [tracer], {"self": (-13.8, (2.5 / (jumps * ions * runs)) ** 0.5)})


def test_plan_asks_for_no_less_time_than_the_joined_interval_tells():
    """Replicas that differ by chance or not: an interval twice as wide takes four times as long."""
    runs = jumping(runs_of("d_self", temperatures=(400, 500), replicas=3))
    wide = [seen_at(t, 60.0, 0.97, "diffusive") for t in (400.0, 500.0)]
    now = np.log(1.2e-6 / 8e-7) / 2
    for row in plan.plans(runs, "d_self", now / 2, 30, None, wide):
        assert row["half_width_now"] == pytest.approx(now)
        assert row["needed_ns"] == pytest.approx(4 * row["have_ns"])
        assert "of new replicas" in row["note"]
    narrow, _ = plan.plans(runs, "d_self", 2 * now, 30, None, wide)
    assert narrow["needed_ns"] < narrow["have_ns"] and narrow["more_ns"] == 0


def test_runs_that_were_too_short_say_how_long_they_have_to_be():
    """A mean-square displacement c + 6 D t: the time at which its slope is 0.9, from that now."""
    assert plan.grown_jumps([]) == plan.GROWN_JUMPS
    hot = [seen_at(t, jumps, 0.97, "diffusive")
           for t, jumps in ((600.0, 13.0), (700.0, 40.0), (800.0, 90.0))]
    assert plan.grown_jumps(hot) == 13.0
    offset, jumps = 1.5, np.array([2.0, 5.0, 10.0])
    slopes = jumps / (jumps + offset)  # of MSD = 1.5 + jumps, in squares of a jump's length
    wanted = offset * 0.9 / 0.1
    for seen, slope in zip(jumps, slopes, strict=True):
        few = seen_at(500.0, seen, slope, "subdiffusive")
        assert plan.grown_jumps([few]) == pytest.approx(max(wanted, plan.GROWN_JUMPS))
    few = seen_at(500.0, 10.0, 0.8, "subdiffusive", runs=2)
    assert plan.grown_jumps([*hot, few]) == pytest.approx(22.5)

    runs = jumping(runs_of("sigma_self", temperatures=(500, 600, 700, 800), replicas=3, error=1e-3))
    _, line = arrhenius.fit_line(runs[runs["temperature_k"] > 500], "sigma_self")
    _, error, quantile = line.contrast(np.array([1.0, 0.0]))
    rows = plan.line_plans(runs, "sigma_self", line, 2.0, [*hot, few],
                           np.exp(0.98 * quantile * error))
    found = {row["temperature_k"]: row for row in rows}
    assert list(found) == [450, 500, 550, 600, 700, 800]
    assert found[500]["have_ns"] == pytest.approx(2.0) and "longer" in found[500]["note"]
    assert found[500]["needed_ns"] == pytest.approx(2.0 * 22.5 / 10.0)
    assert found[500]["more_ns"] == pytest.approx(found[500]["needed_ns"] - 2.0)
    cold = 10.0 * np.exp(-0.3 / KB / 450)  # jumps of an ion and ps
    assert found[450]["have_ns"] == 0
    assert found[450]["needed_ns"] == pytest.approx(3 * 22.5 / cold / 1000, rel=0.05)
    of_temperatures = plan.plans(runs, "sigma_self", 0.5, 30, 2.0, [*hot, few])
    assert of_temperatures[0]["have_ns"] == found[500]["have_ns"]
    assert of_temperatures[0]["needed_ns"] == pytest.approx(2.0 * 2.25)
    assert "not diffusive yet" in of_temperatures[0]["note"]


def test_runs_whose_slope_cannot_tell_are_asked_for_four_times_the_time():
    """No modes are straight, but the slope is as wanted: a hot one asks nothing of the others."""
    odd = seen_at(500.0, 30.0, 0.95, "subdiffusive")
    assert plan.grown_jumps([odd]) == plan.GROWN_JUMPS
    assert plan.too_short([odd]) == {500.0: plan.LONGER}
    assert plan.too_short([replace(odd, keys={**odd.keys, "seed": 3})]) == {}
    few = seen_at(500.0, 4.0, 0.8, "subdiffusive")
    assert plan.too_short([few]) == {500.0: pytest.approx(2.25)}
    enough = seen_at(600.0, 14.0, 0.97, "diffusive")  # where fewest were enough
    assert plan.too_short([few, enough]) == {500.0: pytest.approx(3.5)}


def test_a_plan_says_not_diffusive_yet_where_too_few_temperatures_are():
    """All temperatures are too short, so that the line is one of jumps, and none is left out."""
    runs = jumping(runs_of("d_self", temperatures=(400, 500, 600), replicas=3, error=1e-3))
    runs = runs.assign(verdict="subdiffusive", good=False)
    short = [seen_at(t, 4.0, 0.8, "subdiffusive") for t in (400.0, 500.0, 600.0)]
    rows = plan.plans(runs, "d_self", 2.0, 30, None, short)
    assert {row["note"].partition(":")[0] for row in rows} == {"not diffusive yet"}
    assert rows[-1]["needed_ns"] == pytest.approx(3.0 * 2.25)


@pytest.mark.parametrize("ended", ["melted", "exploded", "drifting"])
def test_a_run_that_did_not_stay_stable_enters_no_fit(tmp_path, caplog, ended):
    path = walks.lattice_walk(np.random.default_rng(6), 40, 300, 0.2) + 0.5
    file = trajectory.write_npz(tmp_path / "run.npz", {
        "time_ps": np.arange(300) * 1.0, "mobile_angstrom": path.astype(np.float32),
        "host_centre_angstrom": np.zeros((300, 3)), "cell_angstrom": np.eye(3) * 30,
        "mobile_symbol": np.array("Li")}, {"verdict": ended})
    analyse_transport.main(["--trajectory", str(file), "--temperature_k", "500",
                            "--jump_angstrom", "3", "--out", str(tmp_path)])
    assert f"its dynamics were {ended}" in caplog.text
    runs = arrhenius.gather(*(tables.read_folder(schema, tmp_path)
                              for schema in (DIFFUSION, CONDUCTIVITY)))
    assert set(runs["verdict"]) == {"unstable"} and not runs["good"].any()
    assert runs[["value", "low_95", "high_95"]].isna().all(axis=None)


def test_from_trajectories_to_the_activation_energy(tmp_path):
    rng = np.random.default_rng(5)
    for t in (500, 600, 700):
        rate = 20 * np.exp(-0.25 / KB / t)
        path = walks.lattice_walk(rng, 80, 600, rate) + 0.5
        file = trajectory.write_npz(tmp_path / f"{t}.npz", {
            "time_ps": np.arange(600) * 1.0, "mobile_angstrom": path.astype(np.float32),
            "host_centre_angstrom": np.zeros((600, 3)), "cell_angstrom": np.eye(3) * 30,
            "mobile_symbol": np.array("Li")}, {})
        analyse_transport.main(["--trajectory", str(file), "--species", "Li", "--temperature_k",
                                str(t), "--u_ev", "4", "--material", "m", "--jump_angstrom", "3",
                                "--out", str(tmp_path / "tables")])
    fit_arrhenius.main(["--tables", str(tmp_path / "tables"), "--out", str(tmp_path / "fit")])
    fits = tables.read("arrhenius", tmp_path / "fit/arrhenius.parquet").set_index("quantity")
    row = fits.loc["d_self"]
    assert row["activation_low_95"] <= 0.25 <= row["activation_high_95"]
    # D0 = 20 jumps per ps of 3 Angstrom
    assert row["prefactor_low_95"] <= 20 * 9 / 6 * 1e-4 <= row["prefactor_high_95"]
    assert set(fits.index) == set(arrhenius.QUANTITIES)
    for name in ("paired", "error_budget", "plan"):
        tables.read(name, tmp_path / f"fit/{name}.parquet")
    with pytest.raises(HavenError, match="analyse runs first"):
        fit_arrhenius.main(["--tables", str(tmp_path / "fit"), "--out", str(tmp_path)])
