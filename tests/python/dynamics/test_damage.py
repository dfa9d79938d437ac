"""What may happen to a run's files: it is named, and the run ends with the undisturbed frames."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import damage
import numpy as np
import pytest
from damage import FIRST, HALF, JOB, UNSEEN, damages, go_on, same
from pairs import write_pair

from haven.core.errors import HavenError
from haven.core.reading import checksums
from haven.dynamics.lammps import program as lammps
from haven.dynamics.runs import run as dynamics
from haven.dynamics.runs import segments

GOAL = JOB.production_steps
LONGER = GOAL + 60


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Return a finished run of two attempts: folder, run, frames."""
    folder = tmp_path_factory.mktemp("finished")
    job = damage.start(folder)
    go_on(job, folder, HALF)
    return folder, job, go_on(job, folder, GOAL)


@pytest.fixture(scope="module")
def longer(tmp_path_factory):
    """Return the frames of the same run, undisturbed and longer."""
    folder = tmp_path_factory.mktemp("longer")
    return go_on(damage.start(folder), folder, LONGER)


@pytest.fixture
def copy(finished, tmp_path, caplog):
    """Return a copy of the finished run, in which a test may do as it likes."""
    caplog.set_level("INFO", "haven")
    return Path(shutil.copytree(finished[0], tmp_path / "run", symlinks=True))


def test_an_attempt_goes_on_to_what_an_undisturbed_run_has(finished, longer):
    folder, job, frames = finished
    assert segments.stems(folder, "production") == [FIRST, damage.SECOND]
    assert segments.chain(job, folder).lost == ()
    assert frames.segments == 2 and longer.segments == 1
    cut = replace(longer, steps=frames.steps, thermo=longer.thermo[: len(frames.steps)],
                  mobile=longer.mobile[: len(frames.steps)],
                  all_steps=longer.all_steps[: len(frames.all_steps)],
                  all_positions=longer.all_positions[: len(frames.all_steps)])
    same(frames, cut)


def test_a_later_attempt_counts_where_two_overlap(finished, longer, copy):
    _, job, _ = finished
    (copy / f"production.{GOAL}.restart").unlink()
    same(go_on(job, copy, LONGER), longer)
    found = segments.chain(replace(job, production_steps=LONGER), copy)
    assert [(one.stem, end) for one, end in found.links] == [
        (FIRST, HALF - 10), ("production.a004", LONGER)]
    assert damage.SECOND in segments.stems(copy, "production")


@pytest.mark.parametrize("kind", damages())
def test_damage_is_seen_without_checksums(finished, copy, kind):
    """As after a kill: nobody was there to write a checksum."""
    _, job, _ = finished
    ending, change = damages()[kind]
    (copy / checksums.NAME).unlink()
    damage.apply(copy, f"{FIRST}.{ending}", change)
    found = segments.chain(job, copy)
    assert found.until < HALF and any(f"{FIRST}.{ending}" in said for said in found.lost), (
        found.until, found.lost)
    with pytest.raises(HavenError, match="frames of the production are missing after step"):
        segments.join_segments(job, copy)


@pytest.mark.parametrize("kind", UNSEEN)
def test_what_fits_to_everything_but_its_checksum_is_seen(finished, copy, kind):
    _, job, _ = finished
    ending, change = UNSEEN[kind]
    damage.apply(copy, f"{FIRST}.{ending}", change)
    found = segments.chain(job, copy)
    assert found.until < 0
    assert f"{FIRST}.{ending} does not fit to its checksum" in found.lost


@pytest.mark.parametrize("kind", [
    "mobile.dcd: a frame is lost", "mobile.dcd: it is gone", "log: a number is nan",
    "all.dcd: its first frames are lost, and its header says so", "log: it is empty"])
def test_frames_that_are_lost_are_made_anew(finished, copy, caplog, kind):
    _, job, frames = finished
    ending, change = damages()[kind]
    damage.apply(copy, f"{FIRST}.{ending}", change)
    again = go_on(job, copy, GOAL)
    same(again, frames)
    assert f"{FIRST}.{ending}" in caplog.text and "made anew" in caplog.text


def test_frames_lost_behind_a_restart_cost_no_more_than_what_came_after_it(
        finished, copy, caplog):
    _, job, frames = finished
    damage.apply(copy, f"{damage.SECOND}.mobile.dcd", damage.without(3))
    same(go_on(job, copy, GOAL), frames)
    assert f"goes on from step {HALF} of {GOAL}" in caplog.text


def test_a_whole_attempt_lost_with_its_restarts_kept_is_made_anew(finished, copy, caplog):
    """As a bucket mounted as a folder may leave it: files that were open are gone."""
    _, job, frames = finished
    for path in copy.glob(f"{FIRST}.*"):
        path.unlink()
    with pytest.raises(HavenError, match=f"frames from step 0 to {HALF - 10} are lost"):
        segments.join_segments(job, copy)
    same(go_on(job, copy, GOAL), frames)
    assert f"frames from step 0 to {HALF - 10} are lost" in caplog.text


def test_a_production_whose_files_are_gone_is_no_equilibration(finished, copy):
    _, job, frames = finished
    for path in copy.glob("production.a*"):
        path.unlink()
    from haven.dynamics.runs.production import _frames

    with pytest.raises(HavenError, match="frames of the production are missing"):
        _frames(job, copy, "complete")
    same(go_on(job, copy, GOAL), frames)


def restart_damages(content: bytes) -> dict[str, bytes]:
    """Return a restart file with one bit flipped at many places, cut off, and emptied."""
    rng = np.random.default_rng(5)
    found = {"cut off": content[:-60], "empty": b"", "zeros": bytes(len(content))}
    for place in rng.integers(20, len(content) - 70, 6):
        flipped = bytearray(content)
        flipped[place] ^= 1 << int(rng.integers(8))
        found[f"byte {place}"] = bytes(flipped)
    return found


@pytest.mark.parametrize("number", range(9))
def test_a_damaged_restart_is_named_and_an_earlier_one_used(finished, longer, copy, caplog, number):
    _, job, _ = finished
    newest = copy / f"production.{GOAL}.restart"
    kind, content = list(restart_damages(newest.read_bytes()).items())[number]
    newest.write_bytes(content)
    same(go_on(job, copy, LONGER), longer)
    warned = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert len(warned) == 1 and f"restart {newest.name}" in warned[0], kind
    assert f"goes on from step {HALF} of {LONGER}" in caplog.text, kind


@pytest.mark.parametrize("moved", [0.5, -0.8, 0.01])
def test_without_checksums_the_first_energies_tell_a_damaged_restart(
        finished, longer, copy, caplog, moved):
    """An earlier Haven wrote none: an atom in the restart is moved, by as little as 0.01 A."""
    _, job, frames = finished
    (copy / checksums.NAME).unlink()
    newest = copy / f"production.{GOAL}.restart"
    content = newest.read_bytes()
    # an atom's position is a double in the restart; frames hold the same number in single precision
    numbers = {}
    for offset in range(4):
        values = np.frombuffer(content[offset:][: (len(content) - offset) // 8 * 8], "<f8")
        with np.errstate(invalid="ignore", over="ignore"):
            for x in frames.mobile[-1][:, 0].tolist():
                for place in np.flatnonzero(np.abs(values - x) < 1e-6):
                    numbers[offset + 8 * int(place)] = float(values[place])
    assert numbers, "no position found in the restart"
    place = sorted(numbers)[len(numbers) // 2]
    changed = bytearray(content)
    changed[place : place + 8] = np.float64(numbers[place] + moved).tobytes()
    newest.write_bytes(bytes(changed))
    assert lammps.whole_restart(newest)
    same(go_on(job, copy, LONGER), longer)
    assert f"restart {newest.name} is damaged, its state is not that of the log" in caplog.text
    assert (copy / f"production.{GOAL}.damaged").exists()


def test_a_whole_restart_that_goes_on_otherwise_is_refused_and_kept(finished, longer, copy):
    """As on a machine or with a library that calculates otherwise: nothing is thrown away."""
    _, job, _ = finished
    lammps.link_potentials(copy, [write_pair(copy, repulsion_ev=0.221)])
    with pytest.raises(HavenError, match=r"is whole, but the run would go on .* another state"):
        go_on(job, copy, LONGER)
    assert (copy / f"production.{GOAL}.restart").exists()
    lammps.link_potentials(copy, [write_pair(copy)])
    same(go_on(job, copy, LONGER), longer)


def test_the_restart_of_an_earlier_haven_is_gone_on_from(finished, longer, copy, caplog):
    _, job, _ = finished
    (copy / checksums.NAME).unlink()
    same(go_on(job, copy, LONGER), longer)
    assert f"goes on from step {GOAL} of {LONGER}" in caplog.text
    assert checksums.read_sums(copy)


def test_a_restart_without_its_checksum_is_not_gone_on_from(finished, longer, copy, caplog):
    _, job, _ = finished
    name = f"production.{GOAL}.restart"
    lines = (copy / checksums.NAME).read_text().splitlines(keepends=True)
    (copy / checksums.NAME).write_text("".join(text for text in lines if name not in text))
    same(go_on(job, copy, LONGER), longer)
    assert f"restart {name} has no checksum" in caplog.text


@pytest.mark.parametrize("kind", ["cut off", "empty", "zeros", "bit"])
def test_a_damaged_list_of_checksums_costs_little_work_and_no_result(
        finished, longer, copy, caplog, kind):
    _, job, _ = finished
    path = copy / checksums.NAME
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    left = {"cut off": path.read_bytes()[:-30], "empty": b"", "zeros": bytes(len(content)),
            "bit": bytes(content)}
    path.write_bytes(left[kind])
    same(go_on(job, copy, LONGER), longer)
    if kind in ("empty", "zeros"):
        said = f"restart production.{GOAL}.restart has no checksum and is held against the log"
        assert caplog.text.count(said) == 1
        assert f"goes on from step {GOAL} of {LONGER}" in caplog.text


def test_a_run_whose_restarts_are_gone_says_once_that_it_begins_anew(
        finished, longer, copy, caplog):
    _, job, _ = finished
    for path in copy.glob("*.restart"):
        path.unlink()
    same(go_on(job, copy, LONGER), longer)
    said = [record.message for record in caplog.records if "begins anew" in record.message]
    assert said == [f"run: no restart file of the {phase} is left; the {phase} begins anew, its "
                    "frames are made anew" for phase in ("equilibration", "production")]


@pytest.mark.parametrize("damaged", ["gone", "bit"])
def test_a_damaged_equilibration_matters_only_to_what_begins_with_it(
        finished, longer, copy, caplog, damaged):
    _, job, _ = finished
    for path in copy.glob("equilibration.*.restart"):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 16
        path.unlink() if damaged == "gone" else path.write_bytes(bytes(content))
    same(go_on(job, copy, LONGER), longer)
    for path in copy.glob("production.*"):
        path.unlink()
    same(go_on(job, copy, LONGER), longer)


def test_damage_just_after_writing_is_an_error_and_no_endless_loop(finished, copy, monkeypatch):
    _, job, _ = finished
    for path in copy.glob("production.*"):
        path.unlink()
    begun = []

    class Spoilt(lammps.subprocess.Popen):
        def poll(self):
            code = super().poll()
            if code is not None:
                for path in copy.glob("production.*.mobile.dcd"):
                    path.write_bytes(path.read_bytes()[:1000])
            return code

    def start(folder, script, log, threads):
        begun.append(script)
        process = real(folder, script, log, threads)
        process.__class__ = Spoilt
        return process

    real = lammps.start_lammps
    monkeypatch.setattr(lammps, "start_lammps", start)
    with pytest.raises(HavenError, match=r"mobile.dcd has no step \d+, just after it was written"):
        dynamics.run_phases(job, copy, lambda _phase: "")
    assert len(begun) == 1
