"""Where a potential can be trusted: ensembles against true errors, distance, shares of frames."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from analytic import crystal
from ase.io import read
from report_tables import write_study

from haven.core import tables
from haven.core.errors import HavenError
from haven.dynamics import trust
from haven.potential import calibration, surroundings
from haven.potential import data_size as shares
from haven.potential.tables import CALIBRATION_SCALE
from haven.report import page as report
from haven.report import verdicts as judgement
from haven.report import wording
from haven.report.measured import collect
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


def test_calibrated_force_error_of_runs_is_deviation_times_the_scale(tmp_path):
    runs = report.load_tables(write_study(tmp_path))["runs"]
    runs["deviation_max_p95_ev_per_angstrom"] = 0.2
    held = parity([0.1, 0.1])
    scale, = calibration.scale_rows(held, "m")
    done = calibration.add_force_error(runs, held)
    error = done["force_error_max_p95_ev_per_angstrom"]
    np.testing.assert_allclose(error[done["u_ev"] == 4], 0.2 * scale["scale"])
    assert error[done["u_ev"] == 0].isna().all()  # held-out forces are of U = 4 eV alone
    assert (done["deviation_max_p95_ev_per_angstrom"] == 0.2).all()
    rows = trust.verdict_rows(done, "m", lambda run: f"u{run['u_ev']:g}")
    said = {row["subject"][:2]: row["message"] for row in rows}
    assert f"force error (root mean square) up to {0.2 * scale['scale']:.2g} eV/A" in said["u4"]
    assert "calibrated" not in said["u0"]
    assert calibration.scale_rows(parity([0.1]), "m") == []


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
    assert trust.export(frames, deviation, 0.3, path, "u4_t298_r0", 298.0) == 2
    written = read(path, ":")
    assert [a.info["deviation_ev_per_angstrom"] for a in written] == [0.5, 0.6]
    assert {a.info["trajectory"] for a in written} == {"beyond_u4_t298_r0"}
    assert all(a.info["temperature_k"] == 298 for a in written)
    assert trust.export(frames, deviation, 0.7, tmp_path / "no.extxyz", "r", 298.0) == 0
    assert trust.export(frames, None, 0.3, tmp_path / "no.extxyz", "r", 298.0) == 0
    assert not (tmp_path / "no.extxyz").exists()


def test_each_run_s_share_stands_beside_its_numbers_and_in_its_verdict(tmp_path):
    study = report.load_tables(write_study(tmp_path))
    study["runs"].loc[study["runs"]["u_ev"] == 4, "share_beyond_window"] = 0.2
    for name in ("diffusion", "conductivity"):
        study[name] = trust.add_share(study[name], study["runs"])
        by_u = study[name].groupby("u_ev")["share_beyond_window"].unique()
        assert by_u[4.0] == [0.2] and by_u[0.0] == [0.01]
        tables.write(TABLES[name], study[name][TABLES[name].names],
                     tmp_path / f"x.{name}.parquet")
    rows = pd.DataFrame(trust.verdict_rows(study["runs"], "m", judgement.namer(study, {})))
    assert rows.groupby(rows["subject"].str[:2])["passed"].all().to_dict() == {"u0": True,
                                                                              "u4": False}
    text = wording.summary(collect(study), [])
    assert "diffusive; 20% of frames beyond training" in text.split("U = 4 eV")[1]
    assert "beyond training" not in text.split("U = 4 eV")[0]


def test_runs_of_one_potential_have_no_share_and_one_failed_check_a_u(tmp_path):
    study = report.load_tables(write_study(tmp_path))
    study["runs"]["share_beyond_window"] = None
    rows = pd.DataFrame(trust.verdict_rows(study["runs"], "m", judgement.namer(study, {})))
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
