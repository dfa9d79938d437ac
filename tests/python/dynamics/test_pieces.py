"""Dynamics on a bucket that is mounted as a folder: what was open at a kill is gone."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path

import damage
import numpy as np
import pytest

from haven.dynamics import job as jobs
from haven.dynamics.runs import run as dynamics
from haven.dynamics.runs import segments


class KilledError(Exception):
    """What ends an attempt here."""


def open_files(folder: Path) -> set[Path]:
    """Return the files of a folder that some process has open for writing now."""
    found = set()
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            target = link.readlink()
            flags = int((link.parents[1] / "fdinfo" / link.name).read_text().split()[3], 8)
        except OSError:
            continue
        if target.parent == folder.resolve() and flags & (os.O_WRONLY | os.O_RDWR):
            found.add(target)
    return found


def killed_on_a_bucket(folder: Path, monkeypatch: pytest.MonkeyPatch, times: int) -> list[int]:
    """Kill a run some times, with the loss of its open files; return where it would go on then."""
    job = replace(damage.start(folder), checkpoint_minutes=0.001, production_steps=10**7,
                  dump_steps=20)
    monkeypatch.setattr(dynamics, "POLL_S", 0.05)
    monkeypatch.setattr(dynamics, "REPORT_S", 0.1)
    lost: set[Path] = set()
    places = [0]

    def begins() -> int:
        found = dynamics._production(job, folder)
        assert found is not None
        return found.step

    def kill(phase: str) -> str:
        nonlocal lost
        if phase == "production" and begins() > places[-1]:
            lost = open_files(folder)
            if any(path.suffix == ".dcd" for path in lost):
                raise KilledError
        return ""

    for _ in range(times):
        with pytest.raises(KilledError):
            dynamics.run_phases(job, folder, kill)
        for path in lost:
            path.unlink(missing_ok=True)
        places.append(begins())
    last = max(places[-1], job.dump_steps) // 20 * 20 + 20
    ended = dynamics.run_phases(replace(job, production_steps=last), folder, lambda _: "")
    assert ended == "complete"
    joined = segments.join_segments(replace(job, production_steps=last), folder)
    np.testing.assert_array_equal(joined.steps, np.arange(0, last + 1, 20))
    return places


def test_pieces_that_are_closed_stay(tmp_path, monkeypatch):
    monkeypatch.setattr(jobs, "PIECE_MINUTES", 0.001)
    places = killed_on_a_bucket(tmp_path, monkeypatch, 4)
    assert len(set(places)) == 5 and places == sorted(places), "a closed piece was lost"


def test_without_an_end_of_its_piece_an_attempt_is_lost_and_made_anew(tmp_path, monkeypatch):
    assert killed_on_a_bucket(tmp_path, monkeypatch, 1) == [0, 0]


def test_a_piece_that_is_lost_late_costs_no_earlier_piece(tmp_path, monkeypatch):
    """The restart file at the end of the closed piece is there, as are those of the lost one."""
    monkeypatch.setattr(jobs, "PIECE_MINUTES", 0.004)
    monkeypatch.setattr(dynamics, "POLL_S", 0.05)
    monkeypatch.setattr(dynamics, "REPORT_S", 0.1)
    job = replace(damage.start(tmp_path), checkpoint_minutes=0.001, production_steps=10**7)
    ends: list[int] = []  # of the first piece
    lost: set[Path] = set()

    def kill(phase: str) -> str:
        if phase == "production" and len(segments.stems(tmp_path, phase)) == 2:
            found = [one.step for one in dynamics.restarts(tmp_path, phase)[0]]
            begun = segments.begins(tmp_path, segments.stems(tmp_path, phase)[1])
            if sum(step > begun for step in found) > 1:
                ends.append(begun)
                lost.update(open_files(tmp_path))
                raise KilledError
        return ""

    with pytest.raises(KilledError):
        dynamics.run_phases(job, tmp_path, kill)
    assert any(path.suffix == ".dcd" for path in lost)
    for path in lost:
        path.unlink(missing_ok=True)
    found = dynamics._production(job, tmp_path)
    assert found is not None and found.step == ends[0] > 0


def test_a_script_of_lammps_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    job = damage.start(tmp_path)
    write = Path.write_text

    def full(path, text, *more, **named):
        if " upto" in text:  # the disk fills while the script of LAMMPS is written
            write(path, text[:50])
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, text, *more, **named)

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space left"):
        dynamics.run_phases(job, tmp_path, lambda _phase: "")
    assert not list(tmp_path.glob("*.in"))
    monkeypatch.undo()
    assert dynamics.run_phases(job, tmp_path, lambda _phase: "") == "complete"


def test_older_attempts_keep_fewer_restart_files(tmp_path):
    """Whichever attempt is lost, one stays to go on from that is not much older."""
    for attempt in range(200):
        step = 100 * attempt
        (tmp_path / f"production.a{attempt:03d}.in").write_text(
            f"read_restart production.{step}.restart\n" if step else "read_data start.data\n")
        for new in range(step + 20, step + 101, 20):
            (tmp_path / f"production.{new}.restart").touch()
            for path in dynamics.unneeded(tmp_path, "production"):
                path.unlink()
        left = {int(path.name.split(".")[1]) for path in tmp_path.glob("production.*.restart")}
        assert {step + 80, step + 100} <= left and len(left) <= 18
        for lost in range(1, attempt + 1):  # of step 0 the equilibration has one
            oldest = 100 * (lost - (attempt - lost))
            assert any(oldest <= one <= 100 * lost for one in left | {0})


@pytest.mark.parametrize(("minutes", "expected"), [(10, 6), (60, 1), (500, 1), (0.5, 120)])
def test_a_piece_is_an_hour_of_restart_files(minutes, expected):
    assert jobs.attempt_ends(replace(damage.JOB, checkpoint_minutes=minutes)) == expected
