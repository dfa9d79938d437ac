"""Checkpoints go only where the trajectory that they made is whole in the results."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import zipfile
from pathlib import Path

import clean_work
import numpy as np
import pytest

from haven.core.errors import HavenError
from haven.dynamics.progress.cleaning import kept_checkpoints
from haven.trajectory.trajectory import write_npz


def finished(place: Path, run: str, results: Path, steps: int = 100, kept: int = 100) -> Path:
    """Return the checkpoints of a run, as run_dynamics.py leaves them, and its trajectory."""
    folder = place / f"{run}_0123456789ab"
    folder.mkdir(parents=True)
    (folder / "production.a001.in").write_text(f"timestep 0.001\nrun {steps} upto\n")
    (folder / f"production.{kept}.restart").write_bytes(b"r" * 5000)
    (folder / "production.a001.mobile.dcd").write_bytes(b"d" * 100_000)
    target = results / "trajectories" / f"{run}.trajectory.npz"
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("time_ps.npy", b"t" * 4000)
    for path in folder.iterdir():
        os.utime(path, (1e9, 1e9))
    return folder


def test_only_finished_runs_with_a_whole_trajectory_go(tmp_path, capsys, monkeypatch) -> None:
    place, results = tmp_path / "work" / "checkpoints", tmp_path / "results"
    goes = finished(place, "u4_t298_r0", results)
    stays = [finished(place, "u4_t313_r0", results, kept=50),
             finished(place, "u4_t328_r0", results), finished(place, "u4_t333_r0", results),
             finished(place, "u4_t358_r0", results), finished(place, "u4_t373_r0", results)]
    (results / "trajectories" / "u4_t328_r0.trajectory.npz").unlink()
    damaged = results / "trajectories" / "u4_t333_r0.trajectory.npz"
    content = bytearray(damaged.read_bytes())
    content[300] ^= 1
    damaged.write_bytes(content)
    newer = results / "trajectories" / "u4_t358_r0.trajectory.npz"
    os.utime(newer, (1e8, 1e8))
    (place / "u4_s1_0123456789ab").mkdir()
    (place / "u4_s1_0123456789ab" / "input.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    with (stays[-1] / "lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        clean_work.main([])
        assert goes.exists() and "0.1 MB of 1 finished runs may go" in capsys.readouterr().out
        clean_work.main(["--yes"])
    said = capsys.readouterr().out
    assert not goes.exists() and all(folder.exists() for folder in stays), said
    assert (place / "u4_s1_0123456789ab").exists()
    for reason in ("is not there", "is damaged in time_ps.npy", "is older than", "0.1 MB freed"):
        assert reason in said
    with pytest.raises(HavenError, match="there is no folder"):
        clean_work.main([str(tmp_path / "nowhere")])


def published(results: Path, run: str, made: str | None, steps: int) -> None:
    """Write a trajectory as run_dynamics.py does, which says which checkpoints made it."""
    meta = {"u_ev": 4, "verdict": "stable"} | ({} if made is None else
                                              {"checkpoints": made, "steps": steps})
    times = np.arange(3.0)
    write_npz(results / "trajectories" / f"{run}.trajectory.npz", {
        "time_ps": times, "mobile_angstrom": np.zeros((3, 2, 3)), "mobile_symbol": np.array("Li"),
        "host_centre_angstrom": np.zeros((3, 3)), "barycentre_angstrom": np.zeros((3, 3)),
        "cell_angstrom": np.eye(3) * 9}, meta)


@pytest.mark.parametrize(("made", "steps", "reason"), [
    ("u4_t298_r0_0123456789ab", 100, ""), ("u4_t298_r0_0123456789ab", 200, ""),
    ("u4_t298_r0_0123456789ab", 60, "holds 60 of its 100 steps"),
    ("u4_t298_r0_ffffffffffff", 100, "is of other settings: it was made from u4_t298_r0_fff"),
    (None, 0, ""),
])
def test_checkpoints_stay_where_the_results_hold_another_run_of_that_name(
    tmp_path, made, steps, reason
) -> None:
    place, results = tmp_path / "work" / "checkpoints", tmp_path / "results"
    finished(place, "u4_t298_r0", results)
    published(results, "u4_t298_r0", made, steps)
    one, = kept_checkpoints(place, results)
    assert (reason in one.reason) if reason else not one.reason, one
    if made is None:  # of an earlier version: with two runs of this name it may be either's
        other = place / "u4_t298_r0_ba9876543210"
        shutil.copytree(one.folder, other)
        assert all("several runs have this name" in one.reason
                   for one in kept_checkpoints(place, results))


def test_a_launch_that_asks_for_a_longer_run_is_named(tmp_path, capsys) -> None:
    place, results = tmp_path / "work" / "checkpoints", tmp_path / "results"
    folder = finished(place, "u4_t298_r0", results)  # 100 steps of 1 fs
    published(results, "u4_t298_r0", folder.name, 100)
    for name, ps in (("long", 0.5), ("short", 0.1)):
        (tmp_path / "work" / f"expected-{name}.json").write_text(json.dumps({
            "u_ev": [4], "temperature_k": [298], "replica": [0], "seed": [1],
            "parameters": {"models": "m", "production_ps": str(ps), "equilibration_ps": "3"}}))

    def launched(name: str, began: int) -> None:
        place = tmp_path / "work" / "launches"
        place.mkdir(exist_ok=True)
        (place / f"{began}.json").write_text(json.dumps({
            "run_name": name, "began_s": began, "plan": f"expected-{name}.json", "stamp": "0",
            "records": str(tmp_path)}))

    launched("long", 1)
    one, = kept_checkpoints(place, results)
    assert one.reason == ("the newest launch goes on with it: expected-long.json asks for 0.5 ps "
                          "of it, where 0.1 are")
    launched("short", 2)
    clean_work.main([str(place), "--results", str(results)])
    assert ("may go (expected-long.json asks for 0.5 ps of it, where 0.1 are: that would begin "
            "anew)") in capsys.readouterr().out


def test_a_launch_that_goes_on_with_checkpoints_elsewhere_keeps_them(tmp_path, capsys) -> None:
    place, results, work = tmp_path / "scratch", tmp_path / "results", tmp_path / "work"
    folder = finished(place, "u4_t298_r0", results)  # 100 steps of 1 fs
    published(results, "u4_t298_r0", folder.name, 100)
    (folder / "lock").write_text(f"{work}/ab/{'c' * 30}\n")
    (work / "launches").mkdir(parents=True)
    (work / "expected-long.json").write_text(json.dumps({
        "u_ev": [4], "temperature_k": [298], "replica": [0], "seed": [1],
        "parameters": {"models": "m", "production_ps": "0.5", "equilibration_ps": "3"}}))
    (work / "launches" / "1_long.json").write_text(json.dumps({
        "run_name": "long", "began_s": 1, "order": 1, "plan": "expected-long.json", "stamp": "0",
        "records": str(tmp_path), "checkpoints": str(place)}))
    for named in (place, work):
        clean_work.main([str(named), "--results", str(results), "--yes"])
        assert "the newest launch goes on with it" in capsys.readouterr().out
        assert (folder / "production.100.restart").exists()
