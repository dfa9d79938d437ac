"""The share of a whole run that is done, and the time left, from what is planned and measured."""

from __future__ import annotations

import json
import math
import os
import time

import clean_work
import pytest
import show_status

from haven.core import tasks
from haven.core.errors import HavenError
from haven.core.nextflow.launches import is_of, newest_launch
from haven.dynamics.progress.overall import Overall, jobs_of, overall, planned_jobs, progress_line
from haven.dynamics.progress.runs import Progress, read_progress
from haven.potential.progress import TrainingProgress

PLAN = {
    "u_ev": [0, 4], "temperature_k": [298, 373], "replica": [0], "seed": [1, 2],
    "drivers": {"0": [1], "4": [1, 2]},
    "parameters": {"training_steps": "1000", "models": None, "pretrained": "false",
                   "trajectories": None, "labels_only": "false", "production_ps": "[90, 40]",
                   "equilibration_ps": "10", "anneal_ps": "20", "cell": "npt", "cell_ps": "5"},
}


def run(name, done_ps, total_ps, speed=0.864, state="running", phase="production"):
    """A run; 0.864 ns a day is a ps in 100 s."""
    return Progress(name, phase, done_ps / 1000, total_ps / 1000, speed, state, 1)


def training(name, step, state="running", each=0.5):
    return TrainingProgress(name, step, 1000, 0.1, 0.1, 0.0, state, each)


def written(work, plan, name="expected-00.json", when=None):
    work.mkdir(exist_ok=True)
    (work / name).write_text(json.dumps(plan))
    if when:
        os.utime(work / name, (when, when))
    return work


def test_what_is_planned_is_every_training_anneal_cell_and_run_with_its_size():
    jobs = planned_jobs(PLAN)
    assert {name: size for name, (kind, size) in jobs.items() if kind == "training"} == {
        f"u{u}_s{s}": 1000 for u in (0, 4) for s in (1, 2)}
    assert jobs["u0_t298_r0"] == ("dynamics", 100) and jobs["u4_t373_r0_s2"] == ("dynamics", 50)
    assert "u0_t298_r0_s2" not in jobs, "one potential alone drives U = 0"
    assert jobs["anneal_u4_r0_s2"][1] == 20 and jobs["cell_u4_t298_r0_s2"][1] == 5
    assert len(jobs) == 4 + 3 * (1 + 2 + 2)
    own = PLAN | {"parameters": PLAN["parameters"] | {"pretrained": "true", "anneal_ps": "0",
                                                      "cell": "material"}}
    assert set(planned_jobs(own)) == {f"u{u}_t{t}_r0{end}" for t in (298, 373)
                                      for u, end in ((0, ""), (4, ""), (4, "_s2"))}


def test_the_share_is_of_computing_time_and_the_rest_runs_as_many_at_once_as_now(tmp_path):
    plan = {**PLAN, "u_ev": [4], "seed": [1], "drivers": {"4": [1]}}
    plan["parameters"] = {**PLAN["parameters"], "anneal_ps": "0", "cell": "material"}
    work = written(tmp_path / "work", plan)
    found = overall([training("u4_s1", 600)], [
        run("u4_t298_r0", 40, 90), run("u4_t373_r0", 5, 10, phase="equilibration")], work)
    # 400 steps of 0.5 s by one; 100 - 50 and 50 - 5 ps of 100 s by two
    assert found.seconds_left == pytest.approx(400 * 0.5 + (50 + 45) * 100 / 2)
    assert found.share == pytest.approx((600 * 0.5 + 55 * 100) / (1000 * 0.5 + 150 * 100))
    assert (found.jobs, found.complete, found.running) == (3, 0, 3)
    assert found.plan.endswith("expected-00.json")


def test_an_anneal_or_cell_that_ended_early_is_done_once_runs_start_from_it():
    jobs = {job.name: job for job in jobs_of([], [
        run("anneal_u4_r0", 8, 20, state="stopped"), run("cell_u4_t298_r0", 2, 5, state="stopped"),
        run("u4_t298_r0", 1, 90)], PLAN)}
    assert jobs["anneal_u4_r0"].state == jobs["cell_u4_t298_r0"].state == "complete"
    assert jobs["anneal_u0_r0"].state == jobs["cell_u4_t373_r0"].state == "waiting"
    assert jobs["u4_t298_r0"].done == 11 and jobs["u4_t298_r0"].total == 100


def test_a_part_of_an_anneal_is_not_all_of_it_and_while_it_is_judged_it_runs(tmp_path):
    """20 ps are asked for: the script of the first part ends after 15."""
    place = tmp_path / "work"
    part = checkpoints(place, "anneal_u4_r0_000000000001", A, 7500, 7500, 1000)
    whole = checkpoints(place, "anneal_u0_r0_000000000002", A, 10000, 10000, 1000)

    def jobs():
        runs = [one for one in map(read_progress, (part, whole)) if one is not None]
        return {job.name: job for job in jobs_of([], runs, PLAN)}

    found = jobs()
    assert (found["anneal_u4_r0"].state, found["anneal_u4_r0"].done) == ("stopped", 15)
    assert (found["anneal_u0_r0"].state, found["anneal_u0_r0"].done) == ("complete", 20)
    with tasks.alone(part):
        assert jobs()["anneal_u4_r0"].state == "running"


def test_cells_that_are_not_computed_are_not_planned():
    def cells(replicas, more, rests=()):
        plan = {**PLAN, "replica": replicas, "rests": list(rests),
                "parameters": PLAN["parameters"] | more}
        return {name for name in planned_jobs(plan) if name.startswith("cell_")}

    ends = [f"t{t}_r{{}}{end}" for t in (298, 373) for end in ("", "_s2")]
    first = {f"cell_u4_{end.format(0)}" for end in ends} | {f"cell_u0_t{t}_r0" for t in (298, 373)}
    assert cells([0, 1, 2], {"cell_replicas": "1"}) == first
    assert len(cells([0, 1, 2], {"cell_replicas": "0"})) == 3 * len(first)
    # replicas added to an earlier run of one driving potential at 298 K
    assert cells([3], {}, ["0_1_298", "4_1_298"]) == {
        "cell_u0_t373_r3", "cell_u4_t373_r3", "cell_u4_t298_r3_s2", "cell_u4_t373_r3_s2"}


def test_a_script_that_a_full_disk_left_empty_hides_no_other_run(tmp_path, capsys):
    work = tmp_path / "work"
    begun = checkpoints(work, "u4_t298_r0_000000000001", A, 45000, 20000, 1000)
    checkpoints(work, "u4_t373_r0_000000000002", A, 45000, 45000, 1000)
    empty = work / "checkpoints" / "u0_t373_r0_000000000003"
    empty.mkdir()
    (empty / "equilibration.a001.in").touch()
    (begun / "production.a002.in").write_text("timestep 0.002\nrun 4500")
    show_status.main([str(work), "--json"])
    runs = {one["run"]: one for one in json.loads(capsys.readouterr().out)["runs"]}
    assert set(runs) == {"u4_t298_r0", "u4_t373_r0"} and runs["u4_t298_r0"]["attempts"] == 2
    assert (runs["u4_t298_r0"]["state"], runs["u4_t373_r0"]["state"]) == ("stopped", "complete")
    assert runs["u4_t298_r0"]["ns_done"] == pytest.approx(0.04)
    clean_work.main([str(work)])
    assert "u4_t298_r0" in capsys.readouterr().out


def test_of_two_folders_of_one_run_the_further_counts_and_other_plans_are_left_out():
    jobs = {job.name: job for job in jobs_of([], [
        run("u4_t298_r0", 3, 90, state="stopped"), run("u4_t298_r0", 50, 90),
        run("u7_t298_r0", 1, 90)], PLAN)}
    assert jobs["u4_t298_r0"].done == 60 and "u7_t298_r0" not in jobs


def test_a_run_begun_again_with_other_settings_is_not_done(tmp_path):
    done = run("u4_t298_r0", 90, 90, state="complete")
    for again in (run("u4_t298_r0", 6, 90), run("u4_t298_r0", 6, 90, state="stopped")):
        for both in ([done, again], [again, done]):
            found = overall([], both, tmp_path)
            assert (found.jobs, found.complete) == (2, 1)
            assert found.share == pytest.approx(96 / 180) and found.seconds_left > 0
    jobs = {job.name: job for job in jobs_of([], [done, run("u4_t298_r0", 6, 90)], PLAN)}
    assert (jobs["u4_t298_r0"].state, jobs["u4_t298_r0"].done) == ("running", 16)


def test_a_run_of_any_name_is_counted(tmp_path, capsys):
    for name in ("mine_0123456789ab", "anneal_mine_0123456789ab", "u4_t298_r0_0123456789ab"):
        checkpoints(tmp_path, name, A, 45000, 20000, 1000)
    (tmp_path / "checkpoints" / "other").mkdir()
    (tmp_path / "checkpoints" / "file").touch()
    show_status.main([str(tmp_path), "--json"])
    told = json.loads(capsys.readouterr().out)
    assert sorted(one["run"] for one in told["runs"]) == ["anneal_mine", "mine", "u4_t298_r0"]
    assert told["overall"]["jobs"] == 3


def test_the_plan_is_that_of_what_is_there_then_the_newest(tmp_path):
    work = written(tmp_path / "work", PLAN, "expected-a.json", when=1000)
    written(work, {**PLAN, "u_ev": [7], "drivers": {}}, "expected-b.json", when=2000)
    (work / "expected-c.json").write_text("{")
    assert overall([], [run("u4_t298_r0", 1, 90)], work).plan.endswith("expected-a.json")
    assert overall([], [run("u9_t298_r0", 1, 90)], work).plan.endswith("expected-b.json")


def test_without_a_speed_of_each_kind_nothing_is_made_up(tmp_path):
    found = overall([training("u4_s1", 0, each=math.nan)], [], written(tmp_path / "work", PLAN))
    assert math.isnan(found.share) and math.isnan(found.seconds_left)
    assert "not known before each kind has a speed" in progress_line(found)


def test_without_a_plan_what_was_begun_counts(tmp_path):
    found = overall([], [run("u4_t298_r0", 90, 90, state="complete"),
                         run("u4_t373_r0", 30, 40)], tmp_path)
    assert (found.jobs, found.plan) == (2, "")
    assert found.share == pytest.approx(120 / 130) and found.seconds_left == pytest.approx(1000)
    assert progress_line(found).endswith("of those begun (no plan is in the work folder)")


@pytest.mark.parametrize("share, left, running, words", [
    (0.5, 7200.0, 2, "[############------------] 50 %, 3 of 9 trainings and runs finished, "
                     "about 2.0 h left, 2 at once"),
    (0.9999, 60.0, 1, "99 %"), (1.0, 0.0, 0, "100 %, 3 of 9 trainings and runs finished, "
                                             "nothing left"),
    (0.5, 7200.0, 0, "stopped; about 2.0 h left, one at a time"),
])
def test_the_line_a_person_reads(share, left, running, words):
    assert words in progress_line(Overall(9, 3, running, share, left, "expected"))


def test_the_command_says_all_of_it_as_text_and_as_json(tmp_path, capsys):
    work = written(tmp_path / "work", PLAN)
    folder = work / "checkpoints" / "u4_t298_r0_0123456789ab"
    folder.mkdir(parents=True)
    (folder / "production.a001.in").write_text("timestep 0.002\nrun 45000 upto\n")
    lines = [f"{step} 300 -5 -4 1 0 0 0 0 0 0" for step in range(0, 5001, 500)]
    (folder / "production.a001.log").write_text("\n".join([*lines, "2100 3"]))
    now = time.time()
    os.utime(folder / "production.a001.in", (now - 100, now - 100))
    os.utime(folder / "production.a001.log", (now, now))
    show_status.main([str(work)])
    text = capsys.readouterr().out
    # the anneal and the cell that the run starts from are done
    assert text.splitlines()[-1].startswith("overall: 2 of 19 trainings and runs finished")
    show_status.main([str(work), "--json"])
    held = json.loads(capsys.readouterr().out)
    assert set(held) == {"haven_version", "folder", "overall", "trainings", "runs"}
    assert held["overall"]["jobs"] == 19 and held["overall"]["running"] == 1
    assert held["overall"]["share"] is None, "no training has a speed yet"
    one, = held["runs"]
    assert (one["run"], one["phase"], one["state"]) == ("u4_t298_r0", "production", "running")
    assert one["ns_done"] == pytest.approx(0.01) and one["ns_total"] == pytest.approx(0.09)
    assert one["seconds_left"] == pytest.approx(800, rel=0.05)
    with pytest.raises(HavenError, match="there is no folder"):
        show_status.main([str(tmp_path / "no"), "--json"])


def test_of_a_sheet_of_materials_the_work_folder_of_one_is_asked_for(tmp_path):
    for name in ("one", "two"):
        (tmp_path / "work" / name / "checkpoints").mkdir(parents=True)
    with pytest.raises(HavenError, match=r"name the work folder of one, .*one, .*two"):
        show_status.main([str(tmp_path / "work" / "checkpoints")])


A, B = "ab/cdef01", "12/345678"


def task(short):
    return f"/run/tasks/{short}{'0' * 24}\n"


def launched(work, name, began, plan, *tasks):
    """Note a launch as modules/records.nf does, with the trace that Nextflow writes."""
    records = work.parent / "results" / "pipeline"
    records.mkdir(parents=True, exist_ok=True)
    stamp = time.strftime("%Y-%m-%d_%H-%M-%S", time.gmtime(began))
    (work / "launches").mkdir(parents=True, exist_ok=True)
    (work / "launches" / f"{began}_{name}.json").write_text(json.dumps({
        "run_name": name, "began_s": began, "plan": plan, "stamp": stamp,
        "records": str(records)}))
    lines = [f"{number}\t{short}\tCACHED" for number, short in enumerate(tasks)]
    (records / f"trace_{stamp}.tsv").write_text("\n".join(["task_id\thash\tstatus", *lines]))


def checkpoints(work, name, short, steps, done, used):
    """Write the folder of a run in which a task worked last at a time."""
    folder = work / "checkpoints" / name
    folder.mkdir(parents=True)
    (folder / "production.a001.in").write_text(f"timestep 0.002\nrun {steps} upto\n")
    (folder / f"production.{done}.restart").touch()
    (folder / "lock").write_text(task(short))
    for path in folder.iterdir():
        os.utime(path, (used, used))
    return folder


def test_status_speaks_of_the_newest_launch_whatever_others_left_there(tmp_path, capsys):
    """A, B with other settings, A again from the same work folder."""
    work = tmp_path / "work"
    plan = {**PLAN, "u_ev": [4], "seed": [1], "drivers": {}}
    plan["parameters"] = {**PLAN["parameters"], "anneal_ps": "0", "cell": "material",
                          "production_ps": "90", "pretrained": "true"}
    written(work, plan, "expected-a.json")
    written(work, {**plan, "u_ev": [0, 4], "replica": [0, 1]}, "expected-b.json")
    checkpoints(work, "u4_t298_r0_000000000001", A, 45000, 45000, 1000)
    checkpoints(work, "u4_t373_r0_000000000002", A, 45000, 45000, 1000)
    checkpoints(work, "u4_t298_r0_000000000003", B, 45000, 1000, 2000)
    checkpoints(work, "u0_t298_r0_000000000004", B, 45000, 1000, 2000)

    def said():
        show_status.main([str(work), "--json"])
        return json.loads(capsys.readouterr().out)

    launched(work, "first", 900, "expected-a.json", A)
    launched(work, "second", 1900, "expected-b.json")
    told = said()
    assert told["overall"]["launch"] == "second" and told["overall"]["jobs"] == 8
    assert told["overall"]["complete"] == 0, "A's runs of the same names are not B's"
    assert told["overall"]["earlier"] == 2
    assert {one["run"] for one in told["runs"] if one["current"]} == {"u4_t298_r0", "u0_t298_r0"}
    launched(work, "third", 3000, "expected-a.json", A)
    told = said()
    assert told["overall"]["plan"].endswith("expected-a.json")
    assert (told["overall"]["jobs"], told["overall"]["complete"]) == (2, 2)
    show_status.main([str(work)])
    text = capsys.readouterr().out
    assert text.count("(not of the newest launch)") == 2
    assert text.splitlines()[-1].endswith("of launch third: 2 of earlier ones don't count")


def test_a_launch_without_a_trace_counts_all_that_is_there(tmp_path):
    work = written(tmp_path / "work", PLAN)
    checkpoints(work, "u4_t298_r0_000000000001", A, 45000, 45000, 1000)
    launched(work, "only", 2000, "expected-00.json")
    assert not is_of(work / "checkpoints" / "u4_t298_r0_000000000001", newest_launch(work))
    for path in (tmp_path / "results" / "pipeline").iterdir():
        path.unlink()
    assert is_of(work / "checkpoints" / "u4_t298_r0_000000000001", newest_launch(work))
    (work / "launches" / "9_half.json").write_text("{")
    assert newest_launch(work).name == "only"


def test_a_task_that_locks_its_folder_says_so_there(tmp_path, monkeypatch):
    place = tmp_path / "work" / "ab" / f"cdef01{'0' * 24}"
    place.mkdir(parents=True)
    monkeypatch.chdir(place)
    for _ in range(2):
        with tasks.alone(tmp_path / "checkpoints"):
            assert tasks.held(tmp_path / "checkpoints")
    assert (tmp_path / "checkpoints" / "lock").read_text().splitlines() == [str(place)] * 2


def elsewhere(tmp_path, name, short):
    """Write a work folder, and a run whose checkpoints lie in another place (--checkpoint_dir)."""
    (tmp_path / name).mkdir()
    work = written(tmp_path / name / "work", {**PLAN, "u_ev": [4]})
    scratch = tmp_path / "scratch"
    checkpoints(scratch, f"u4_t298_r0_{short.replace('/', '0' * 4)}", short, 45000, 20000, 1000)
    lock = scratch / "checkpoints" / f"u4_t298_r0_{short.replace('/', '0' * 4)}" / "lock"
    lock.write_text(f"{work}/{short}{'0' * 24}\n")
    return work, scratch / "checkpoints"


def told(folder, capsys):
    show_status.main([str(folder), "--json"])
    return json.loads(capsys.readouterr().out)


def test_checkpoints_outside_the_work_folder_lead_to_its_plan_and_it_to_them(
        tmp_path, capsys, monkeypatch):
    work, place = elsewhere(tmp_path, "a", A)
    other, _ = elsewhere(tmp_path, "b", B)
    noted = {"records": str(tmp_path), "plan": "expected-00.json", "stamp": "0"}
    for folder, name, order in ((work, "first", 1), (other, "second", 2)):
        (folder / "launches").mkdir()
        (folder / "launches" / f"{order}_{name}.json").write_text(json.dumps(
            noted | {"run_name": name, "began_s": order, "order": order,
                     "checkpoints": str(place)}))
    # of work folders that share it, the one that was launched last
    found = told(place, capsys)
    assert found["overall"]["plan"] == str(other / "expected-00.json")
    assert (found["folder"], found["overall"]["launch"]) == (str(place), "second")
    found = told(work, capsys)
    assert found["overall"]["plan"] == str(work / "expected-00.json")
    assert (found["folder"], found["overall"]["launch"]) == (str(place), "first")
    monkeypatch.chdir(work.parent)
    assert told("work", capsys)["runs"] == found["runs"]
    show_status.main([])
    assert "no plan" not in capsys.readouterr().out
    # a launch before it kept them in the work folder
    checkpoints(work, "u4_t298_r0_000000000001", A, 45000, 45000, 1000)
    assert told(work, capsys)["folder"] == str(place)
    assert told(work / "checkpoints", capsys)["folder"] == str(work / "checkpoints")
    place.rename(tmp_path / "lost")
    assert told(work, capsys)["folder"] == str(work / "checkpoints")
    (work / "checkpoints").rename(tmp_path / "lost" / "too")
    with pytest.raises(HavenError, match=r"launch first keeps its checkpoints in .*scratch"):
        show_status.main([str(work)])


def test_checkpoints_elsewhere_without_notes_count_what_was_begun(tmp_path, capsys):
    work, place = elsewhere(tmp_path, "a", A)
    (work / "expected-00.json").unlink()
    assert told(place, capsys)["overall"]["plan"] == ""
    (next(place.iterdir()) / "lock").write_bytes(b"\xff")
    assert told(place, capsys)["overall"]["jobs"] == 1


@pytest.mark.parametrize("made", [False, True])
def test_a_finished_launch_without_trainings_and_dynamics_has_its_tasks_counted(
        tmp_path, capsys, made):
    """As of labels alone, or of stubs, whose folder of checkpoints nobody makes."""
    work, place = tmp_path / "work", tmp_path / "work" / "checkpoints"
    plan = {**PLAN, "temperature_k": [], "replica": [], "seed": []}
    written(work, plan | {"parameters": {**PLAN["parameters"], "labels_only": "true"}})
    launched(work, "only", 900, "expected-00.json")
    note, = (work / "launches").iterdir()
    note.write_text(json.dumps(json.loads(note.read_text()) | {"checkpoints": str(place)}))
    with pytest.raises(HavenError, match=f"{place}, which is not there: no task has begun yet"):
        show_status.main([str(work)])
    trace, = (tmp_path / "results" / "pipeline").iterdir()
    trace.write_text(f"task_id\thash\tstatus\n1\t{A}\tCOMPLETED\n2\t{B}\tCACHED\n")
    if made:
        place.mkdir()
    show_status.main([str(work)])
    assert capsys.readouterr().out == (
        "launch only has finished 2 tasks; no training and no dynamics run is in "
        f"{place}{'' if made else ', which is not there'}\n")
    overview = told(work, capsys)["overall"]
    assert (overview["launch"], overview["jobs"]) == ("only", 0)
    clean_work.main([str(work)])
    assert ("there is nothing to remove" in capsys.readouterr().out) != made
