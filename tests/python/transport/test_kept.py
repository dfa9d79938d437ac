"""Replicas added to an earlier run of which only tables are left."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from test_condition import run_of, walkers

from haven.core import tables
from haven.transport.fits import arrhenius, condition, kept
from haven.transport.tables import JOINED

KB = 8.617333262e-5
TEMPERATURES = (600.0, 700.0, 750.0, 800.0)
ACTIVATION = 0.25
Z95 = 1.959964


def study(rng, replicas, hottest=400):
    return [run_of(walkers(rng, hottest * np.exp(-ACTIVATION / KB * (1 / t - 1 / 800.0))), t, r)
            for t in TEMPERATURES for r in replicas]


def gathered(runs):
    """Return rows as `arrhenius.gather` makes them of analysed runs."""
    rows = []
    for run in runs:
        one = condition.condition([run], {**run.keys}, 30)
        for row in one.estimates:
            if row.quantity not in ("self", "total"):
                continue
            good = row.verdict == "diffusive" and bool(row.low_95) and row.low_95 > 0
            rows.append({
                **run.keys, "quantity": f"d_{row.quantity}", "verdict": row.verdict, "good": good,
                "value": row.value, "low_95": row.low_95, "high_95": row.high_95,
                "log": np.log(row.value) if good else np.nan,
                "error": np.log(row.high_95 / row.low_95) / (2 * Z95) if good else np.nan,
                "hop_events": run.hops, "exposure": run.ions * run.watched_ps,
                "siemens": run.siemens, "ions": run.ions, "duration_ps": run.duration_ps})
    return pd.DataFrame(rows)


def table_of(runs, folder):
    """Return the table ``joined`` of runs, as it is read from its file."""
    rows = condition.joined_rows(condition.conditions(runs, 30))
    return tables.read(JOINED, tables.write(JOINED, rows, folder / "joined.parquet"))


def test_a_table_gives_back_the_conditions_it_was_written_from(tmp_path):
    runs = study(np.random.default_rng(1), range(3))
    made = condition.conditions(runs, 30)
    again = kept.kept_conditions(table_of(runs, tmp_path), gathered(runs))
    assert [one.keys for one in again] == [one.keys for one in made]
    for one, other in zip(again, made, strict=True):
        assert one.seen == pytest.approx(other.seen) or vars(one.seen) == pytest.approx(
            vars(other.seen))
        assert [row.quantity for row in one.estimates] == ["self", "total", "distinct", "haven"]
        for mine, theirs in zip(one.estimates, other.estimates, strict=True):
            assert mine.value == pytest.approx(theirs.value)
            assert mine.verdict == theirs.verdict
        assert one.logs["self"][0] == pytest.approx(other.logs["self"][0])
        assert one.logs["self"][1] == pytest.approx(other.logs["self"][1], rel=0.4)


def test_a_condition_from_a_table_has_the_time_of_the_runs_it_is_of(tmp_path):
    """Not that of a run that melted, or that is too short for its slow modes to be joined."""
    rng = np.random.default_rng(2)
    runs = [run_of(walkers(rng, jumps, frames), 600.0, replica)
            for replica, (jumps, frames) in enumerate(((200, 600), (180, 500), (50, 150)))]
    molten = run_of(walkers(rng, 900), 600.0, 3, ended="melted")
    rows = gathered(runs)
    lost = rows[rows["replica"] == 0].assign(replica=3, verdict="unstable", error=np.nan)
    made, = condition.conditions([*runs, molten], 30)
    again, = kept.kept_conditions(table_of([*runs, molten], tmp_path), pd.concat([rows, lost]))
    assert made.seen.runs == 2 and again.left_out == made.left_out
    assert again.exposure == pytest.approx(made.exposure)
    assert again.logs["self"][1] == pytest.approx(made.logs["self"][1], rel=0.4)


def test_replicas_joined_by_the_table_are_as_those_joined_by_their_modes(tmp_path):
    shifts, widths, held = [], [], []
    for seed in range(12):
        rng = np.random.default_rng([7, seed])
        old, new = study(rng, range(3)), study(rng, range(3, 5))
        rows = gathered([*old, *new])
        whole = condition.conditions([*old, *new], 30)
        parts = kept.together(condition.conditions(new, 30),
                              kept.kept_conditions(table_of(old, tmp_path), rows[
                                  rows["replica"] < 3]), 30)
        assert [one.keys for one in parts] == [one.keys for one in whole]
        for one, other in zip(parts, whole, strict=True):
            assert one.seen.runs == other.seen.runs == 5
            assert one.hops == other.hops and one.exposure == pytest.approx(other.exposure)
            mine, theirs = one.estimates[0], other.estimates[0]
            assert mine.verdict == theirs.verdict == "diffusive"
            assert mine.value == pytest.approx(theirs.value, rel=0.15)
        for quantity in ("d_self", "d_total"):
            some = rows[rows["quantity"] == quantity]
            first, _ = arrhenius.fit_line(some, quantity, parts)
            second, _ = arrhenius.fit_line(some, quantity, whole)
            width = second["activation_high_95"] - second["activation_low_95"]
            shifts.append((first["activation_ev"] - second["activation_ev"]) / width)
            widths.append((first["activation_high_95"] - first["activation_low_95"]) / width)
            held.append(first["activation_low_95"] <= ACTIVATION <= first["activation_high_95"])
    print(np.abs(shifts).max(), np.median(widths), np.mean(held))
    assert np.abs(shifts).max() < 0.4
    assert 0.85 < np.median(widths) < 1.25
    assert np.mean(held) > 0.85


def test_conditions_that_differ_have_an_interval_that_holds_both():
    rng = np.random.default_rng(3)
    slow, fast = ([run_of(walkers(rng, jumps), 600.0, replica) for replica in replicas]
                  for jumps, replicas in ((200, (0, 1)), (400, (2, 3))))
    sides = [condition.conditions(runs, 30)[0] for runs in (slow, fast)]
    both = kept.merged(*sides, 30)
    row = both.estimates[0]
    assert row.low_95 < sides[0].estimates[0].value and row.high_95 > sides[1].estimates[0].value
    assert row.value == pytest.approx(np.mean([s.estimates[0].value for s in sides]), rel=1e-6)


def test_the_interval_of_a_condition_holds_what_its_runs_differ_by(tmp_path):
    """A table's interval is widened by it, and stays so beside a run that is added."""
    widths = []
    for seed in range(8):
        rng = np.random.default_rng([11, seed])
        *old, new = [run_of(walkers(rng, 300 * np.exp(rng.normal(0, 0.3))), 600.0, replica)
                     for replica in range(4)]
        before, = kept.kept_conditions(table_of(old, tmp_path), gathered(old))
        alone, = condition.conditions([new], 30)
        whole, = condition.conditions([*old, new], 30)
        row, other = kept.merged(alone, before, 30).estimates[0], whole.estimates[0]
        widths.append(np.log(row.high_95 / row.low_95) / np.log(other.high_95 / other.low_95))
        earlier = before.estimates[0]
        least = np.log(earlier.high_95 / earlier.low_95) * before.exposure / (
            before.exposure + alone.exposure) * earlier.value / row.value
        assert np.log(row.high_95 / row.low_95) > 0.99 * least
    assert 0.7 < np.median(widths) < 1.6, widths


def test_what_one_side_lacks_is_taken_from_the_other_and_bounds_stay_bounds():
    rng = np.random.default_rng(5)
    few = [run_of(walkers(rng, 3), 600.0, replica) for replica in (0, 1)]
    many = [run_of(walkers(rng, 300), 600.0, replica) for replica in (2, 3)]
    molten = condition.condition([run_of(walkers(rng, 300), 600.0, 4, ended="melted")],
                                 {"material": "m", "u_ev": 4.0, "temperature_k": 600.0,
                                  "seed": None}, 30)
    less, more = (condition.conditions(runs, 30)[0] for runs in (few, many))
    bound = kept.merged(less, less, 30)
    assert bound.verdict_on("self") == "too_few_events" and bound.estimates[0].value is None
    assert bound.estimates[0].high_95 == pytest.approx(less.estimates[0].high_95)
    same = kept.merged(molten, more, 30)
    assert same.estimates == more.estimates and "melted" in same.left_out
    none = kept.merged(molten, molten, 30)
    assert not none.estimates and none.verdict_on("self") == "unstable"


def test_a_number_of_new_runs_is_not_given_as_that_of_earlier_runs_too(tmp_path, caplog):
    """The value behind a bound is in the table; in those of an earlier Haven it is not."""
    rng = np.random.default_rng(9)
    old = [run_of(walkers(rng, 12), 600.0, replica) for replica in (0, 1)]
    new = [run_of(walkers(rng, 300), 600.0, replica) for replica in (2, 3)]
    table, after = table_of(old, tmp_path), condition.conditions(new, 30)[0]
    whole, = condition.conditions([*old, *new], 30)
    before, = kept.kept_conditions(table, gathered(old))
    assert before.verdict_on("self") == "too_few_events" and before.estimates[0].value is None
    both = kept.merged(after, before, 30)
    assert both.verdict_on("self") == "diffusive"
    assert both.estimates[0].value == pytest.approx(whole.estimates[0].value, rel=0.1)
    assert both.estimates[0].value < 0.6 * after.estimates[0].value
    assert not caplog.records

    before, = kept.kept_conditions(table.drop(columns=["ln_value", "ln_error"]), gathered(old))
    both = kept.merged(after, before, 30)
    assert both.verdict_on("self") == "too_few_events" and "modes are gone" in caplog.text
    row, mine, theirs = (one.estimates[0] for one in (both, after, before))
    assert "self" not in both.logs and theirs.high_95 < row.high_95 < mine.high_95
    assert not any(each.value for each in both.estimates)

    caplog.clear()
    other = kept.merged(before, after, 30)  # the bound is of the new runs
    assert other.verdict_on("self") == "too_few_events"
    assert "of the new runs is a bound" in caplog.text and "modes are gone" not in caplog.text
