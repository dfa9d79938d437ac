"""The report takes the numbers of joined conditions where they are, and names what is left out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from report_tables import write_study

from haven.report.numbers import measured, verdicts, wording
from haven.report.page.contents import load_tables


def joined_row(quantity, unit, **more):
    return {"material": "li3ticl6", "u_ev": 4.0, "temperature_k": 298.0, "seed": None,
            "quantity": quantity, "value": 1.5e-8, "low_95": 1e-8, "high_95": 2e-8, "unit": unit,
            "runs": 7, "left_out": "replica 3 seed 1: melted", "hop_events": 140.0, "ions": 336,
            "duration_ps": 3500.0, "verdict": "diffusive", **more}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return load_tables(write_study(tmp_path_factory.mktemp("study"), replicas=2))


def test_joined_conditions_stand_for_their_runs(study):
    rows = [joined_row("d_self", "cm2/s"), joined_row("sigma_total", "mS/cm", value=2.0,
                                                      low_95=1.0, high_95=3.0),
            joined_row("d_self", "cm2/s", seed=1.0, value=9.9)]
    before = measured.collect(study)
    after = measured.collect({**study, "joined": pd.DataFrame(rows)})
    assert len(before) == len(after)

    def one(table, quantity, temperature):
        return table[(table["quantity"] == quantity) & (table["u_ev"] == 4.0)
                     & (table["temperature_k"] == temperature)].iloc[0]

    cold = one(after, "d_self", 298.0)
    assert (cold["value"], cold["low_95"], cold["high_95"]) == (1.5e-8, 1e-8, 2e-8)
    assert cold["runs"] == 7 and "140 jumps" in cold["note"] and "melted" in cold["note"]
    assert one(after, "sigma_total", 298.0)["value"] == 2.0
    assert one(after, "d_self", 373.0)["value"] == one(before, "d_self", 373.0)["value"]


def test_a_joined_condition_without_a_number_gives_its_bound_alone(study):
    row = joined_row("d_self", "cm2/s", value=None, low_95=None, verdict="too_few_events",
                     left_out=float("nan"))  # as a table read from Parquet has it
    found = measured.collect({**study, "joined": pd.DataFrame([row])})
    cold = found[(found["quantity"] == "d_self") & (found["u_ev"] == 4.0)
                 & (found["temperature_k"] == 298.0)].iloc[0]
    assert pd.isna(cold["value"]) and cold["high_95"] == 2e-8
    assert cold["verdict"] == "too_few_events" and "left out" not in cold["note"]


def test_a_line_of_runs_too_short_to_be_diffusive_is_said_to_be_one(study):
    """Jumps that lead back after the run's end count in full, so D would come out too large."""
    fits = study["arrhenius"]

    def verdict(*verdicts):
        rows = [joined_row("d_self", "cm2/s", temperature_k=600.0 + 50 * place, verdict=v)
                for place, v in enumerate(verdicts)]
        found = measured.collect({**study, "joined": pd.DataFrame(rows)})
        mine = found[(found["u_ev"] == 4.0) & (found["quantity"] == "activation")].iloc[0]
        return mine["verdict"], mine["note"]

    assert (fits["verdict"] == "diffusive").all()
    assert verdict("too_few_events", "too_few_events")[0] == "jumps_alone"
    assert "lead back" in verdict("too_few_events", "subdiffusive")[1]
    assert verdict("too_few_events", *["diffusive"] * 3)[0] == "diffusive"
    told, note = verdict("too_few_events", "subdiffusive", "diffusive", "diffusive")
    assert told == "jumps_alone" and "runs of 2 temperatures are long enough" in note
    study["arrhenius"] = fits.assign(curvature_p=0.01)
    assert verdict(*["diffusive"] * 3)[0] == "curved"
    assert verdict("subdiffusive", "diffusive")[0] == "curved, jumps_alone"


def test_the_terminal_says_what_stopped_the_runs_that_are_missing(study):
    found = measured.collect(study)
    row = {"material": "li3ticl6", "stage": "ANNEAL", "subject": "u4_r0", "check": "annealed",
           "value": None, "limit": None, "unit": "meV/atom", "passed": False,
           "message": "the anneal has melted: nothing starts from it"}
    verdicts = pd.DataFrame([row, {**row, "subject": "u0_r0", "passed": True},
                             {**row, "stage": "TEST_POTENTIAL", "subject": "u4_s1"}])
    lines = wording.summary(found, ["u4_t600_r0"], verdicts).splitlines()
    at = lines.index("Missing runs: u4_t600_r0")
    assert lines[at + 1] == "  u4_r0: the anneal has melted: nothing starts from it"
    assert not [line for line in lines if "u0_r0" in line or "u4_s1" in line]
    assert lines[at - 1 : at] == wording.summary(found, [], verdicts).splitlines()[at - 1 : at]


def test_the_terminal_shows_the_fits_first_and_d_self_of_every_temperature_once(study):
    found = measured.collect(study)
    lines = wording.summary(found, [], study["verdicts"]).splitlines()
    mine = lines[lines.index("U = 4 eV") + 1 :]
    mine = mine[: next(i for i, line in enumerate(mine) if not line.startswith("  "))]
    assert mine[0].split()[0] == "Ea" and mine[1].startswith("  sigma (fit) at 298 K")
    tracers = [line.split(" K ")[0] for line in mine if line.startswith("  D_self at")]
    rows = found[(found["quantity"] == "d_self") & (found["u_ev"] == 4.0)]
    assert sorted(tracers) == sorted(f"  D_self at {t:g}" for t in rows["temperature_k"])


@pytest.mark.parametrize("off, frames, passed", [
    (0.4, 2000, True), (4.0, 2000, False), (-4.0, 2000, False), (4.0, 30, True), (25.0, 10, False)])
def test_a_mean_temperature_is_held_against_the_error_of_the_mean(study, off, frames, passed):
    """Not against the fluctuation of 22 K, within which every thermostat's mean lies."""
    rng = np.random.default_rng(1)
    run = study["runs"].iloc[[0]].assign(temperature_mean_k=298.0 + off,
                                         temperature_std_expected_k=19.3)
    now = pd.DataFrame({"temperature_now_k": 298.0 + off + 19.3 * rng.standard_normal(frames)})
    keys = run[verdicts.KEYS].iloc[0]
    series = now.assign(**{name: keys[name] for name in verdicts.KEYS})
    rows = verdicts.verdict_rows({**study, "runs": run, "thermo": series}, [], "li3ticl6", {}, {})
    found = rows[rows["check"] == "temperature"].iloc[0]
    assert bool(found["passed"]) == passed and found["unit"] == "K"


@pytest.mark.parametrize("cages, sites, agree", [
    (0, 1, True), (1, 5, True), (6, 13, True), (0, 20, False), (20, 0, False), (100, 150, True),
    (100, 400, False), (0, 0, True)])
def test_counts_of_jumps_by_cages_and_by_sites_are_held_against_each_other(cages, sites, agree):
    assert verdicts.counts_agree(cages, 6.0, sites, 8.0) == agree


def test_a_run_whose_counts_disagree_is_named(study):
    run = study["runs"].iloc[0]
    here = (study["diffusion"][verdicts.KEYS] == list(run[verdicts.KEYS])).all(axis=1)
    found = study["diffusion"].assign(
        hop_events=study["diffusion"]["hop_events"].mask(here, 90000.0), watched_ps=198.0)
    rows = verdicts.count_rows({**study, "diffusion": found}, "li3ticl6", lambda _run: "a run")
    assert len(rows) == len(study["runs"]) and not rows[0]["passed"]
    assert "90000 from cage to cage in 198 ps" in rows[0]["message"]
