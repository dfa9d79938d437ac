"""Runs of one U and temperature joined before they are judged, and a study of few jumps a run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import walks

from haven.core import tables
from haven.core.errors import HavenError
from haven.transport import diffusion
from haven.transport.estimators import modes as sines
from haven.transport.fits import arrhenius, condition, plan, spread
from haven.transport.hop_counts import count_hops, watched_ps
from haven.transport.tables import JOINED

KB = 8.617333262e-5
LENGTH = 3.0
IONS, FRAMES, PS = 48, 150, 0.2
SIEMENS = 1e8


def run_of(path, temperature=600.0, replica=0, seed=1, spacing=PS, ended="stable"):
    """Return a path (frames, ions, 3) as a run leaves it for joining."""
    coarse = np.ascontiguousarray(path.swapaxes(0, 1), dtype=np.float32)
    frames = coarse.shape[1]
    keys = {"material": "m", "u_ev": 4.0, "temperature_k": temperature, "replica": replica,
            "seed": seed}
    return condition.Watched(
        keys, "Li", ended, True, count_hops(coarse, spacing, LENGTH), watched_ps(frames, spacing),
        frames * spacing, LENGTH, SIEMENS / temperature,
        sines.modes(coarse, spacing, diffusion.MODES, diffusion.MODES // diffusion.SELF_SHARE))


def walkers(rng, jumps, frames=FRAMES, shake=0.25):
    path = walks.lattice_walk(rng, IONS, frames, jumps / IONS / frames)
    return path + rng.normal(0, shake, path.shape)


def study(rng, activation=0.25, hottest=60, replicas=2,
          temperatures=(550.0, 600.0, 650.0, 700.0, 750.0, 800.0)):
    """Return runs whose jumps obey Arrhenius's law, 10 to 60 a run."""
    found = []
    for t in temperatures:
        jumps = hottest * np.exp(-activation / KB * (1 / t - 1 / temperatures[-1]))
        found += [run_of(walkers(rng, jumps), t, replica) for replica in range(replicas)]
    return found


def rows_of(runs, quantity):
    """Return what `arrhenius.gather` makes of runs none of which has a number of its own."""
    return pd.DataFrame([
        {**run.keys, "quantity": quantity, "verdict": "too_few_events", "good": False,
         "value": np.nan, "log": np.nan, "error": np.nan, "hop_events": run.hops,
         "exposure": run.ions * run.watched_ps, "siemens": run.siemens, "ions": run.ions,
         "duration_ps": run.duration_ps} for run in runs])


def test_a_run_is_read_back_as_it_was_written(tmp_path):
    run = run_of(walkers(np.random.default_rng(1), 40))
    path = condition.write_kept_run(run, tmp_path / "a.modes.npz", {"trajectory": "x"})
    again, = condition.read_folder(tmp_path)
    assert replace(again, modes=run.modes) == run
    for name in ("values", "mean", "spread", "path", "net"):
        np.testing.assert_array_equal(getattr(again.modes, name), getattr(run.modes, name))
    assert path.stat().st_size < 400_000
    assert condition.kept_modes(6000, 400) * 6000 * 3 * 4 < 6e6


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"not an archive at all"])
def test_a_damaged_file_is_said_in_one_line(tmp_path, content):
    (tmp_path / "a.modes.npz").write_bytes(content)
    with pytest.raises(HavenError, match=r"a\.modes\.npz.*analyse the trajectory again"):
        condition.read_folder(tmp_path)


def test_files_without_a_table_and_tables_without_a_file_are_said(caplog):
    run = run_of(walkers(np.random.default_rng(1), 5))
    keys = {**run.keys, "species": "Li"}
    assert condition.matched([run], [keys]) == [run] and not caplog.text
    assert condition.matched([run], [{**keys, "replica": 9}]) == []
    assert "1 of 1 runs have no file" in caplog.text and "1 file *" in caplog.text
    assert condition.matched([run], [{**keys, "species": "Na"}]) == []


def test_runs_that_melted_are_left_out_and_named_and_few_jumps_count(tmp_path):
    rng = np.random.default_rng(2)
    runs = [run_of(walkers(rng, jumps, frames=400), 600.0, replica)
            for replica, jumps in enumerate((20, 3, 25, 20, 0))]
    molten = replace(run_of(walkers(rng, 900, frames=400), 600.0, 5), ended="melted")
    joined, = condition.conditions([*runs, molten], 30)
    assert joined.seen.runs == 5 and joined.left_out == "replica 5 seed 1: melted"
    assert joined.hops == sum(run.hops for run in runs)
    rows = condition.joined_rows([joined])
    table = tables.read(JOINED, tables.write(JOINED, rows, tmp_path / "joined.parquet"))
    row = table.set_index("quantity").loc["d_self"]
    true = 68 / 5 / IONS / 80 * LENGTH**2 / 6 * 1e-4
    assert row["verdict"] == "diffusive" and row["low_95"] <= true <= row["high_95"]
    assert row["runs"] == 5 and table["seed"].isna().all()
    assert set(table["quantity"]) == {"d_self", "d_total", "d_distinct", "haven_ratio",
                                      "sigma_self", "sigma_total"}
    nothing, = condition.conditions([molten], 30)
    rows = condition.joined_rows([nothing])
    assert {row["verdict"] for row in rows} == {"unstable"} and len(rows) == 6
    tables.write(JOINED, rows, tmp_path / "nothing.parquet")


def test_potentials_are_joined_and_kept_apart_too():
    rng = np.random.default_rng(3)
    runs = [run_of(walkers(rng, 30), 600.0, replica, seed)
            for replica in range(2) for seed in (1, 2)]
    found = condition.conditions(runs, 30)
    assert [one.keys["seed"] for one in found] == [None, 1, 2]
    assert [one.seen.runs for one in found] == [4, 2, 2]


def test_what_replicas_differ_by_widens_the_joined_interval():
    rng = np.random.default_rng(4)

    def width(jumps):
        runs = [run_of(walkers(rng, n, frames=300), 600.0, r) for r, n in enumerate(jumps)]
        row = condition.condition(runs, {"seed": None}, 30).estimates[0]
        return np.log(row.high_95 / row.low_95)

    assert width((60, 240, 60, 240)) > 1.5 * width((150, 150, 150, 150))


@pytest.mark.parametrize("lengths, ions, wanted", [
    ([450] * 20 + [1000], 10, [True] * 21), ([250, 2000, 250], 10, [False, True, False]),
    ([1000, 600], 10, [True, True]), ([1000, 450], 10, [True, False]),
    ([100, 100, 900], [400, 400, 10], [True] * 3), ([500], 3, [True])])
def test_runs_are_too_short_beside_the_length_that_half_of_the_time_of_ions_has(
        lengths, ions, wanted):
    assert spread.long_enough(lengths, np.broadcast_to(ions, len(lengths))).tolist() == wanted


def width_of(one):
    row = one.estimates[0]
    return np.log(row.high_95 / row.low_95)


def test_one_longer_run_does_not_cost_the_others():
    rng = np.random.default_rng(1)
    long, *short = [run_of(walks.lattice_walk(rng, 10, frames, 0.0025)
                           + rng.normal(0, 0.25, (frames, 10, 3)), replica=replica)
                    for replica, frames in enumerate([1000] + [450] * 20)]
    whole, alone = (condition.conditions(runs, 30)[0] for runs in ([long, *short], short))
    assert whole.seen.runs == 21 and not whole.left_out and whole.estimates[0].value
    assert whole.hops == whole.estimates[0].hop_events == sum(run.hops for run in (long, *short))
    assert width_of(whole) < 1.05 * width_of(alone)


def test_a_run_that_holds_most_of_the_time_is_judged_by_its_own_slow_modes():
    """Short runs, in which ions seem to diffuse or not, are named, and the value is not theirs."""
    rng = np.random.default_rng(2)
    long, *short = [run_of(walks.caged(rng, 40, frames, 0.02, back=0.8), replica=replica)
                    for replica, frames in enumerate([2000, 250, 250, 250])]
    molten = replace(short[0], keys={**short[0].keys, "replica": 7}, ended="melted")
    whole, alone = (condition.conditions(runs, 30)[0]
                    for runs in ([long, *short, molten], [long]))
    assert whole.left_out == "; ".join(["replica 7 seed 1: melted"] + [
        f"replica {n} seed 1: short (jumps alone)" for n in (1, 2, 3)])
    assert whole.estimates == alone.estimates and whole.seen == alone.seen
    assert {(row["runs"], row["hop_events"]) for row in condition.joined_rows([whole])} == {
        (1, long.hops)}
    rows = rows_of([long, *short], "d_self")
    noise, own = (plan.noise_per_jump(rows, "d_self", [one]) for one in (whole, alone))
    assert noise == own == pytest.approx(long.hops * alone.logs["self"][1] ** 2)


def test_a_light_run_beside_a_heavy_one_does_not_widen_its_interval():
    """By chance alone: 200 ions have their interval beside 8 more, whose own is five times it."""
    found = []
    for seed in range(12):
        rng = np.random.default_rng([5, seed])
        runs = [run_of(walks.lattice_walk(rng, ions, 800, 0.01)
                       + rng.normal(0, 0.25, (800, ions, 3)), replica=replica)
                for replica, ions in enumerate((200, 8))]
        both, alone = (condition.condition(some, {"seed": None}, 30) for some in (runs, runs[:1]))
        found.append(width_of(both) / width_of(alone))
    assert np.median(found) < 1.1 and max(found) < 4, found


def test_the_spread_of_runs_is_what_it_is_of_equal_ones_and_no_more_for_a_light_one():
    shares, error = np.array([0.9, 1.0, 1.15]), 0.03
    equal = spread.excess(shares, np.full(3, 50), np.full(3, 80.0), error)
    assert equal == pytest.approx(shares.var(ddof=1) / 3 - error**2)
    assert spread.excess(shares, np.full(3, 50), np.full(3, 80.0), 0.2) == 0
    light = spread.excess(np.array([1.0, 1.6]), np.array([400, 10]), np.full(2, 80.0), error)
    chance = error**2 * 410 * (1 / 400 + 1 / 10)  # of the difference of the two
    assert light == pytest.approx(error**2 * (0.6**2 / chance - 1))
    # Runs of more than half of the others' weight are as DerSimonian and Laird have them.
    ions, lengths = np.array([60, 50, 30]), np.array([80.0, 90.0, 120.0])
    own = error**2 * 140**2 / (ions / lengths).sum() / (ions * lengths)
    mean = np.average(shares, weights=1 / own)
    between = ((shares - mean) ** 2 / own).sum() - 2
    between /= (1 / own).sum() - (1 / own**2).sum() / (1 / own).sum()
    assert spread.excess(shares, ions, lengths, error) == pytest.approx(
        between * (ions**2).sum() / 140**2)


def test_all_runs_of_a_study_give_a_line_though_none_has_a_number():
    runs = study(np.random.default_rng(5))
    joined = condition.conditions(runs, 30)
    row, line = arrhenius.fit_line(rows_of(runs, "sigma_self"), "sigma_self", joined)
    assert line is not None and row["verdict"] == "diffusive" and row["temperatures"] == 6
    assert row["activation_low_95"] <= 0.25 <= row["activation_high_95"]
    assert row["activation_high_95"] - row["activation_low_95"] < 0.3
    assert row["sigma_298_low_95"] < row["sigma_298_ms_per_cm"] < row["sigma_298_high_95"]
    assert row["activation_sigma_ev"] < row["activation_ev"]


@pytest.mark.slow
def test_intervals_of_a_study_of_few_jumps_hold_in_90_to_99_of_100(capsys):
    """12 runs of 10 to 60 jumps each at 550 to 800 K: Ea and the conductivity at 298 K."""
    studies, held, found = 30, np.zeros((2, 2)), []
    tracer = 60 / IONS / FRAMES / PS * LENGTH**2 / 6 * 1e-4
    true = SIEMENS * tracer * np.exp(-0.25 / KB * (1 / 298 - 1 / 800)) / 298
    for number in range(studies):
        runs = study(np.random.default_rng([6, number]))
        joined = condition.conditions(runs, 30)
        for place, quantity in enumerate(("sigma_self", "sigma_total")):
            row, _ = arrhenius.fit_line(rows_of(runs, quantity), quantity, joined)
            assert row["verdict"] == "diffusive"
            held[place] += [row["activation_low_95"] <= 0.25 <= row["activation_high_95"],
                            row["sigma_298_low_95"] <= true <= row["sigma_298_high_95"]]
            found.append((row["activation_ev"], np.log(row["sigma_298_ms_per_cm"] / true)))
    with capsys.disabled():
        print(f"\nof {studies}: {held.tolist()} hold; mean Ea, ln sigma / truth "
              f"{np.mean(found, axis=0)}")
    assert (held >= 0.9 * studies).all()
    assert abs(np.mean(found, axis=0)[0] - 0.25) < 0.02
