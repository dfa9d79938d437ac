"""Checkpoints go only where the trajectory that they made is whole in the results."""

from __future__ import annotations

import fcntl
import os
import zipfile
from pathlib import Path

import clean_work
import pytest

from haven.core.errors import HavenError


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
