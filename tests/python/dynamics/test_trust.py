"""Where a potential can be trusted: ensembles against true errors, distance, shares of frames."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from analytic import crystal
from ase.io import read
from report_tables import write_study

from haven.core import tables
from haven.core.errors import HavenError
from haven.dynamics import trust
from haven.potential import calibration, gate, surroundings
from haven.potential import data_size as shares
from haven.potential.tables import CALIBRATION_SCALE
from haven.report.numbers import verdicts as judgement
from haven.report.numbers import wording
from haven.report.numbers.measured import collect
from haven.report.page.contents import load_tables
from haven.report.registry import TABLES


def parity(errors, trajectories=8, atoms=40, seed=0):
    """Forces on Li: the members' errors are drawn with the standard deviations given."""
    rng, rows = np.random.default_rng(seed), []
    for t in range(trajectories):
        for number in range(atoms):
            label = rng.normal(0, 1, 3)
            away = rng.uniform(0, 2)
            for member, size in enumerate(errors, 1):
                guess = label + (1 + away) * size * rng.normal(0, 1, 3)
                rows += [{"material": "m", "u_ev": 4.0, "seed": member, "subset": "test",
                          "quantity": "force", "species": "Li", "component": c,
                          "trajectory": f"t{t}", "frame": 0, "number": number,
                          "reference": label[i], "predicted": guess[i], "unit": "eV/Angstrom",
                          "distance": away} for i, c in enumerate("xyz")]
    return pd.DataFrame(rows)


def test_deviation_of_two_members_is_half_their_difference():
    atoms = calibration.atoms_of(parity([0.1, 0.1]))
    table = parity([0.1, 0.1]).pivot_table(index=["trajectory", "number"],
                                           columns=["component", "seed"], values="predicted")
    apart = np.stack([table[c][1] - table[c][2] for c in "xyz"], axis=1)
    assert len(atoms) == 320 and (atoms["members"] == 2).all()
    np.testing.assert_allclose(np.sort(atoms["deviation"]),
                               np.sort(np.linalg.norm(apart, axis=1) / 2))


def test_error_is_that_of_the_member_that_drives():
    atoms = calibration.atoms_of(parity([0.0, 0.5]))
    assert atoms["error"].max() == pytest.approx(0, abs=1e-12)
    assert atoms["deviation"].mean() > 0.2


def test_error_grows_over_the_bins_of_what_foretells_it():
    rows = pd.DataFrame(calibration.calibration_rows(parity([0.1, 0.1, 0.1]), "m"))
    assert set(rows["against"]) == {"deviation", "distance"}
    for _, mine in rows.groupby("against"):
        assert len(mine) == calibration.BINS and mine["count"].sum() == 320
        assert mine["value"].is_monotonic_increasing
        error = mine["error_rmse_ev_per_angstrom"].to_numpy()
        assert error[-1] > 1.5 * error[0]
        assert (mine["error_low_95"] < error).all() and (mine["error_high_95"] > error).all()
    assert "times the deviation of the 3 potentials" in calibration.sentences(parity([.1] * 3))[0]


def test_one_potential_alone_is_said_to_have_no_deviation():
    table = parity([0.1])
    rows = pd.DataFrame(calibration.calibration_rows(table, "m"))
    assert set(rows["against"]) == {"distance"}
    assert "one potential only" in calibration.sentences(table)[0]


def test_scale_of_the_deviation_is_the_known_one_and_its_interval_holds_it(tmp_path):
    """Members share an error of 0.3 and differ by 0.1 each: the ratio follows from both."""
    rng, found, inside = np.random.default_rng(3), [], 0
    for draw in range(20):
        table = parity([0.1, 0.1], trajectories=12, atoms=25, seed=draw)
        keys = ["trajectory", "number", "component"]
        wrong = table.groupby(keys)["reference"].transform(lambda _: rng.normal(0, 0.3))
        table["predicted"] = table["predicted"] + wrong
        row, = calibration.scale_rows(table, "m")
        # error: both parts; deviation of two members: half their difference; 1 + away on [1, 3]
        own = 0.1**2 * (3**3 - 1) / 6
        truth = ((0.3**2 + own) / (own / 2)) ** 0.5
        found.append(row["scale"])
        inside += row["scale_low_95"] < truth < row["scale_high_95"]
        assert row["left_out_low"] < 1 < row["left_out_high"]
    assert np.mean(found) == pytest.approx(truth, rel=0.02)
    assert inside >= 15
    tables.write(CALIBRATION_SCALE, [row], tmp_path / "x.parquet")


def told(size_spread=1.0, members=2, shared=0.0, seed=0):
    """Forces whose errors differ from atom to atom by a lognormal factor; part of them shared."""
    rng, rows = np.random.default_rng(seed), []
    for t in range(10):
        for number in range(60):
            label, size = rng.normal(0, 1, 3), 0.1 * np.exp(size_spread * rng.normal() - 0.5)
            wrong = shared * rng.normal(0, 1, 3)
            for member in range(1, members + 1):
                guess = label + wrong + size * rng.normal(0, 1, 3)
                rows += [{"material": "m", "u_ev": 4.0, "seed": member, "subset": "test",
                          "quantity": "force", "species": "Li", "component": c,
                          "trajectory": f"t{t}", "frame": number // 20, "number": number % 20,
                          "reference": label[i], "predicted": guess[i], "unit": "eV/Angstrom",
                          "distance": 1.0} for i, c in enumerate("xyz")]
    return pd.DataFrame(rows)


def test_an_ensemble_that_tells_large_errors_may_call_a_run_trusted(tmp_path):
    rows = gate.gate_rows(told(), "m", 0.3)
    assert [row["level"] for row in rows] == ["atom", "frame"]
    atoms, frames = rows
    assert atoms["count"] == 600 and frames["count"] == 30
    assert atoms["rank_correlation"] > 0.5 and atoms["rank_low_95"] < atoms["rank_correlation"]
    assert atoms["above"] + atoms["within"] == 600 and atoms["flagged"] <= atoms["above"]
    assert atoms["share_flagged_low_95"] < atoms["share_flagged"] < atoms["share_flagged_high_95"]
    assert gate.gates(told(), 0.3)[4.0] == gate.Gate(
        pytest.approx(calibration.scale_rows(told(), "m")[0]["scale"]), True, "", 0.3,
        gate.Flagged(frames["flagged"] + frames["false_alarms"], 30, 20.0))
    assert "It may call a run trusted" in gate.sentences(told(), 0.3)[0]
    tables.write(TABLES["trust_gate"], rows, tmp_path / "x.parquet")


@pytest.mark.parametrize(("parity", "why"), [
    (told(size_spread=0.0), "ranks of deviation and true error"),  # disagreement is mere noise
    (told(shared=0.4), "ranks of deviation and true error"),  # members err together
    (told(members=1), "one potential alone"),
    (told().query("trajectory in ('t0', 't1')"), "2 held-out trajectories are too few"),
])
def test_an_ensemble_that_does_not_is_not_calibrated_well_enough(parity, why):
    found = gate.gates(parity, 0.3)[4.0]
    assert not found.allowed and why in found.reason
    told_of = gate.sentences(parity, 0.3)
    assert not told_of or "Not calibrated well enough" in told_of[0]


def test_the_factor_of_each_held_out_trajectory_is_fitted_without_it():
    parity = told()
    first = parity["trajectory"] == "t0"
    parity.loc[first, "predicted"] = parity.loc[first, "reference"] + 5.0  # members agree on it
    parity.loc[first & (parity["seed"] == 2), "predicted"] += 0.01
    held = gate.held_out(parity)
    others = calibration.scale_rows(parity[~first], "m")[0]["scale"]
    mine = held[held["trajectory"] == "t0"]
    np.testing.assert_allclose(mine["calibrated"], mine["deviation"] * others)
    assert not (mine["calibrated"] > 0.3).any(), "errors members share are missed, and counted so"
    row = gate.gate_rows(parity, "m", 0.3)[0]
    assert row["above"] - row["flagged"] >= 60


def test_none_flagged_has_the_exact_binomial_interval():
    row = gate.gate_rows(told(), "m", 1e3)[0]
    assert row["above"] == row["flagged"] == row["false_alarms"] == 0
    assert row["share_flagged"] is None and row["share_false_alarms"] == 0
    assert row["share_false_alarms_high_95"] == pytest.approx(1 - 0.025 ** (1 / 600), rel=1e-3)


def test_frames_put_together_of_held_out_ones_are_beyond_as_often_as_is_said():
    """The share said of 160 atoms is that of eight frames of 20 drawn together."""
    held = gate.held_out(told(size_spread=0.3))
    worst = held.groupby(["trajectory", "frame"])["calibrated"].max().to_numpy()
    window = float(np.quantile(worst, 0.8))
    found = gate.gates(told(size_spread=0.3), window)[4.0].held_out
    drawn = np.random.default_rng(1).choice(worst, size=(20_000, 8)).max(axis=1)
    value, low, high = found.share(160)
    assert value == pytest.approx((drawn > window).mean(), abs=0.01)
    assert 0 < low < value < high < 1
    assert found.share(20)[0] == pytest.approx((worst > window).mean())
    assert gate.Flagged(0, 30, 20.0).share(160)[0] == 0
    assert gate.Flagged(30, 30, 20.0).share(160)[0] == 1


def test_a_run_no_farther_from_training_than_held_out_labels_is_told_from_one_that_is(tmp_path):
    """A frame of 160 atoms is beyond the window more often than one of 20, with no other reason."""
    study, held = study_runs(tmp_path, 0.25), told(shared=0.02)
    gates = gate.gates(held, 0.3)
    for frames, words, more in ((20, "no farther from the training", "no run is farther"),
                                (1, "went where the potentials were not trained",
                                 "6 of the runs went")):
        judging = {4.0: dataclasses.replace(gates[4.0], held_out=gate.Flagged(frames, 30, 20.0))}
        judged = trust.judge_runs(study["runs"].assign(atoms=160), study["thermo"], judging)
        judged.loc[judged["u_ev"] == 4, "share_beyond_window"] = 0.99
        rows = trust.verdict_rows(judged, "m", lambda run: f"u{run['u_ev']:g}", judging)
        assert words in next(row["message"] for row in rows if row["subject"] == "u4")
        assert more in " ".join(wording.doubts({**study, "runs": judged}, judging))


def study_runs(tmp_path, deviation, replicas=1):
    """Tables of the made-up study whose runs of U = 4 eV deviate by so much, 0 eV by 0.01."""
    study = load_tables(write_study(tmp_path, replicas=replicas))
    for name, column in (("runs", "deviation_max_p95_ev_per_angstrom"),
                         ("thermo", "deviation_max_ev_per_angstrom")):
        study[name][column] = np.where(study[name]["u_ev"] == 4, deviation, 0.01)
    return study


def test_runs_are_judged_by_the_calibrated_error_not_by_the_deviation(tmp_path):
    """0.25 eV/Angstrom of deviation are within a window of 0.3, but the true error is not."""
    study, held = study_runs(tmp_path, 0.25), told(shared=0.02)
    judged = trust.judge_runs(study["runs"], study["thermo"], gate.gates(held, 0.3))
    scale = calibration.scale_rows(held, "m")[0]["scale"]
    assert 0.25 < 0.3 < 0.25 * scale
    four = judged[judged["u_ev"] == 4]
    np.testing.assert_allclose(four["force_error_max_p95_ev_per_angstrom"], 0.25 * scale)
    assert (four["share_beyond_window"] == 1).all() and (four["trust"] == "beyond").all()
    none = judged[judged["u_ev"] == 0]  # held-out forces are of U = 4 eV alone
    missing = none[["force_error_max_p95_ev_per_angstrom", "share_beyond_window"]].isna()
    assert missing.all(axis=None)
    assert (none["trust"] == "uncalibrated").all()
    rows = pd.DataFrame(trust.verdict_rows(judged, "m", lambda run: f"u{run['u_ev']:g}",
                                           gate.gates(held, 0.3)))
    assert not rows["passed"].any()
    said = rows.groupby("subject")["message"].first()
    assert f"up to {float(f'{250 * scale:.2g}'):g} meV/A" in said["u4"]
    assert "label such frames" in said["u4"]
    assert "went where the potentials were not trained" in said["u4"]
    assert "no held-out frames of this U" in said["u0"]
    tables.write(TABLES["runs"], judged[TABLES["runs"].names], tmp_path / "x.parquet")


@pytest.mark.parametrize(("held", "verdict", "words"), [
    (told(), "trusted", "trusted"),
    (told(size_spread=0.0), "uncalibrated", "not calibrated well enough to say more"),
])
def test_small_deviations_are_trusted_only_where_the_gate_may_judge(tmp_path, held, verdict, words):
    study, gates = study_runs(tmp_path, 0.01), gate.gates(held, 0.3)
    judged = trust.judge_runs(study["runs"], study["thermo"], gates)
    assert (judged.loc[judged["u_ev"] == 4, "trust"] == verdict).all()
    rows = trust.verdict_rows(judged, "m", lambda run: f"u{run['u_ev']:g}", gates)
    said = next(row for row in rows if row["subject"] == "u4")
    assert words in said["message"] and said["passed"] == (verdict == "trusted")
    text = " ".join(wording.doubts({**study, "runs": judged}, gates))
    assert ("U = 4 eV: whether 6 of 6 runs" in text) == (verdict == "uncalibrated")


@pytest.mark.parametrize("given", [0, -1, "wide", None, float("inf")])
def test_a_senseless_window_is_refused(given):
    with pytest.raises(HavenError, match="force_window_ev_per_angstrom is"):
        judgement.force_window({"parameters": {"force_window_ev_per_angstrom": given}})


def test_surroundings_are_near_those_trained_on_and_far_from_others():
    known, other = crystal(1), crystal(2)
    types = np.array([["Li", "Ti", "Cl"].index(s) for s in known.symbols])

    def system(atoms, name):
        return {"coord": atoms.positions[None], "box": atoms.cell.array[None], "type": types,
                "trajectory": name, "frames": [0]}

    same = known.copy()
    same.rotate(30, "z", rotate_cell=True)
    same.translate([0.3, 0.4, 0.5])
    near = surroundings.distances([system(known, "a")], [system(same, "b")], 3)
    assert max(near.values()) < 0.05 and len(near) == 20
    far = surroundings.distances([system(known, "a")], [system(other, "b")], 3)
    assert np.mean(list(far.values())) > 10 * np.mean(list(near.values()))


def test_frames_beyond_the_window_are_written_to_be_labelled(tmp_path):
    frames = [crystal(seed) for seed in range(6)]
    deviation = np.array([0.1, 0.5, 0.1, 0.6, np.nan, 0.1])
    path = tmp_path / "u4_t298_r0.beyond.extxyz"
    asked = []

    def some(rows):
        asked.append(rows)
        return [frames[i] for i in rows]

    assert trust.export(some, deviation, None, 0.3, path, "u4_t298_r0", 298.0) == 2
    assert asked == [[1, 3]]  # nothing else is read
    written = read(path, ":")
    assert [a.info["deviation_ev_per_angstrom"] for a in written] == [0.5, 0.6]
    assert {a.info["trajectory"] for a in written} == {"beyond_u4_t298_r0"}
    assert all(a.info["temperature_k"] == 298 for a in written)
    assert "force_error_ev_per_angstrom" not in written[0].info
    # the calibrated error decides: half as large, one frame is left; three times as large, all
    assert trust.export(some, deviation, 0.55, 0.3, path, "u4_t298_r0", 298.0) == 1
    assert read(path).info["force_error_ev_per_angstrom"] == pytest.approx(0.33)
    assert trust.export(some, deviation, 3.1, 0.3, path, "u4_t298_r0", 298.0) == 5
    none = tmp_path / "no.extxyz"
    assert trust.export(some, deviation, None, 0.7, none, "r", 298.0) == 0
    assert trust.export(some, None, None, 0.3, none, "r", 298.0) == 0
    assert not (tmp_path / "no.extxyz").exists()


def test_each_run_s_share_and_error_stand_beside_its_numbers_and_in_its_verdict(tmp_path):
    study, gates = study_runs(tmp_path, 0.5, replicas=2), gate.gates(told(), 0.3)
    gates |= {0.0: gates[4.0]}
    study["runs"] = trust.judge_runs(study["runs"], study["thermo"], gates)
    for name in ("diffusion", "conductivity"):
        joined = study[name].query("replica == 0").assign(replica=-1)  # of all runs together
        study[name] = trust.add_share(pd.concat([study[name], joined]), study["runs"])
        by_u = study[name].groupby("u_ev")["share_beyond_window"].unique()
        assert by_u[4.0] == [1] and by_u[0.0] == [0]
        np.testing.assert_allclose(study[name]["force_error_max_p95_ev_per_angstrom"],
                                   gates[4.0].scale * np.where(study[name]["u_ev"] == 4, .5, .01))
        tables.write(TABLES[name], study[name][TABLES[name].names],
                     tmp_path / f"x.{name}.parquet")
        study[name] = study[name][study[name]["replica"] >= 0]
    rows = pd.DataFrame(trust.verdict_rows(study["runs"], "m", judgement.namer(study, {}), gates))
    assert rows.groupby(rows["subject"].str[:2])["passed"].all().to_dict() == {"u0": True,
                                                                              "u4": False}
    text = wording.summary(collect(study), [], study["verdicts"])
    assert "diffusive; force error beyond window in 100 % of frames" in text.split("U = 4 eV")[1]
    assert "beyond window" not in text.split("U = 4 eV")[0]


def test_runs_of_one_potential_have_no_share_and_one_failed_check_a_u(tmp_path):
    study = load_tables(write_study(tmp_path))
    study["runs"]["deviation_max_p95_ev_per_angstrom"] = None
    study["thermo"]["deviation_max_ev_per_angstrom"] = None
    judged = trust.judge_runs(study["runs"], study["thermo"], gate.gates(told(), 0.3))
    assert judged["trust"].isna().all()
    rows = pd.DataFrame(trust.verdict_rows(judged, "m", judgement.namer(study, {}), {}))
    assert list(rows["subject"]) == ["U = 0 eV", "U = 4 eV"]
    assert not rows["passed"].any() and rows["message"].str.contains("not measured").all()


def test_shares_of_a_data_set_are_nested_and_keep_what_is_held_out():
    systems = [{"path": f"train/t{i}", "subset": "train", "trajectory": f"t{i}",
                "frames": [0, 1, 2]} for i in range(8)]
    systems.append({"path": "test/x", "subset": "test", "trajectory": "x", "frames": [0]})
    whole = {"systems": systems, "sha256": "a", "frames": {"train": 24, "test": 1}}
    small, large = (shares.part_of(whole, share) for share in (0.25, 0.5))
    names = [{s["trajectory"] for s in d["systems"]} for d in (small, large, whole)]
    assert names[0] < names[1] < names[2] and all("x" in n for n in names)
    assert (small["frames"]["train"], large["frames"]["train"]) == (6, 12)
    assert len({small["sha256"], large["sha256"], whole["sha256"]}) == 3
    assert whole["frames"]["train"] == 24


@pytest.mark.parametrize("text", ["half", "0,0.5", "0.5,1"])
def test_senseless_shares_are_refused(text):
    with pytest.raises(HavenError, match="--shares is"):
        shares.read_shares(text)
