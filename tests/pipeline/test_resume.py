"""Killed runs go on, finished runs stay finished, edited code runs again."""

from __future__ import annotations

from pathlib import Path

from runs import Miniature, nextflow


def test_a_killed_run_repeats_no_finished_task(miniature: Miniature) -> None:
    finished = miniature.killed.names("COMPLETED")
    assert miniature.killed.status == -9
    assert len(finished) >= 6
    assert finished <= miniature.resumed.names("CACHED")
    assert miniature.resumed.names("COMPLETED")


def test_a_finished_run_runs_nothing_again(miniature: Miniature) -> None:
    assert miniature.again.status == 0
    assert miniature.again.names("CACHED") == miniature.resumed.names("CACHED", "COMPLETED")
    assert not miniature.again.names("COMPLETED", "FAILED")


def test_editing_a_module_reruns_the_tasks_that_use_it(copy: Path, tmp_path: Path) -> None:
    few = ("--u_ev", "4", "--temperatures_k", "298,373")
    options = ("-profile", "test", "-stub", "-resume", *few)
    first = nextflow(tmp_path / "run", "first.tsv", *options, root=copy)
    assert first.status == 0, first.said
    module = copy / "bin" / "haven" / "mechanism" / "hops.py"
    module.write_text(module.read_text() + "\n# an edit\n")
    second = nextflow(tmp_path / "run", "second.tsv", *options, root=copy)
    assert second.status == 0, second.said
    rerun = {name.split(" ")[0].split(":")[-1] for name in second.names("COMPLETED")}
    assert "ANALYSE_HOPS" in rerun
    assert not rerun & {"BUILD_DATASET", "TRAIN_POTENTIAL", "RUN_DYNAMICS", "ANALYSE_TRANSPORT"}
