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
from haven.transport.fits import arrhenius, condition
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
