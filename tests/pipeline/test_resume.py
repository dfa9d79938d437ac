"""Killed runs go on, finished runs stay finished, edited code runs again."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

from runs import ROOT, Miniature, nextflow

sys.path.insert(0, str(ROOT / "tests" / "slurm"))
import jobs


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


def test_how_a_task_runs_is_no_part_of_its_hash(tmp_path: Path) -> None:
    """Folder and minutes of checkpoints, cores and memory change no result: nothing runs again."""
    folder = jobs.prepare(tmp_path / "run", 1, 0.4)
    (folder / "more.config").write_text("process { cpus = 2; memory = 3.GB; time = 30.min }\n")
    found = []
    for more in ((), ("--checkpoint_minutes", "7", "--checkpoint_dir", str(tmp_path / "other"),
                      "-c", "more.config"), ("--production_ps", "0.5", "--dump_ps", "0.02")):
        done = subprocess.run(
            ["nextflow", "run", "main.nf", "-ansi-log", "false", "-resume", "-with-trace", "t.tsv",
             "-c", str(ROOT / "tests" / "nextflow.config"), *more], cwd=folder, text=True,
            check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=600)
        assert done.returncode == 0, done.stdout
        with (folder / "t.tsv").open(newline="") as stream:
            found += [row["status"] for row in csv.DictReader(stream, delimiter="\t")]
        (folder / "t.tsv").unlink()
    assert found == ["COMPLETED", "CACHED", "COMPLETED"]  # the last asks for other frames
