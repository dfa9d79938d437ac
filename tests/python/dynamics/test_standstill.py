"""A run may be started as often as it takes while its steps advance, and ends when they do not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import damage
import pytest

from haven.core.errors import HavenError
from haven.dynamics.runs import run as dynamics
from haven.dynamics.runs.run import FRUITLESS_MOST, FRUITLESS_S, STARTS, note_start


class OutOfTimeError(Exception):
    """What ends an attempt here, as a scheduler does."""


def attempts(folder: Path, monkeypatch: pytest.MonkeyPatch, minutes: float) -> list[int]:
    """Start a run of many steps six times; return the steps that the attempts began at.

    An attempt is ended as soon as it has left something to go on from, or, where restart files are
    minutes apart, after a moment.
    """
    job = replace(damage.start(folder), checkpoint_minutes=minutes, production_steps=10**7,
                  dump_steps=20)
    monkeypatch.setattr(dynamics, "FRUITLESS_S", 0.0)
    monkeypatch.setattr(dynamics, "FRUITLESS_MOST", 1)
    monkeypatch.setattr(dynamics, "POLL_S", 0.05)
    monkeypatch.setattr(dynamics, "REPORT_S", 0.1)
    begun: list[int] = []

    def begins() -> int:
        """Return the step at which an attempt that began now would begin."""
        found = dynamics._production(job, folder)
        assert found is not None
        return found.step

    def out_of_time(phase: str) -> str:
        if phase == "production" and (minutes > 1 or begins() > begun[-1]):
            raise OutOfTimeError
        return ""

    for _ in range(6):
        begun.append(begins() if begun else 0)
        with pytest.raises(OutOfTimeError):
            dynamics.run_phases(job, folder, out_of_time)
    return begun


def test_a_run_whose_attempts_leave_restart_files_goes_on(tmp_path, monkeypatch):
    begun = attempts(tmp_path, monkeypatch, 0.001)
    assert len(set(begun)) == 6 and begun == sorted(begun)


def test_a_run_whose_attempts_leave_none_is_ended_in_one_line(tmp_path, monkeypatch):
    with pytest.raises(HavenError, match=r"1 attempts at the production began at step 0 and ended "
                       r"before .* give the task more time, or lower checkpoint_minutes"):
        attempts(tmp_path, monkeypatch, 60)
    assert not (tmp_path / STARTS).exists(), "a later launch begins to count anew"


def test_only_long_attempts_from_the_same_step_are_counted(tmp_path):
    now = 1e9
    for _ in range(20):  # killed at once each time, or by a clock that was set back
        note_start(tmp_path, "production", 100, now := now + FRUITLESS_S / 2)
        note_start(tmp_path, "production", 100, now := now - FRUITLESS_S)
    for step in range(100, 2000, 100):
        note_start(tmp_path, "production", step, now := now + 1000)
    for _ in range(FRUITLESS_MOST - 1):
        note_start(tmp_path, "production", 1900, now := now + 1000)
    note_start(tmp_path, "production", 2000, now := now + 1000)
    for _ in range(FRUITLESS_MOST - 1):
        note_start(tmp_path, "production", 2000, now := now + 1000)
    with pytest.raises(HavenError, match="began at step 2000"):
        note_start(tmp_path, "production", 2000, now + 1000)
    (tmp_path / STARTS).write_text("{")  # cut off
    note_start(tmp_path, "production", 2000, now)
