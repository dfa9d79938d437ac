"""Edited code runs again, what changes no result does not (test_numbers.py has a killed run)."""

from __future__ import annotations

import csv
import json
import subprocess
from pathlib import Path

import jobs
from runs import ROOT, nextflow


def test_editing_a_module_reruns_the_tasks_that_use_it(copy: Path, tmp_path: Path) -> None:
    few = ("--u_ev", "4", "--temperatures_k", "298")
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


def held(results: Path) -> dict[str, str]:
    """Return what the files of a results folder hold, without the records of runs."""
    return {name: path.read_text() for path in sorted(results.rglob("*")) if path.is_file()
            and not (name := str(path.relative_to(results))).startswith(("pipeline/", "ro-crate"))}


def test_results_are_those_of_the_run_that_ended_last(copy: Path, tmp_path: Path) -> None:
    """A run, another with other parameters, and the first one resumed, all into one folder."""
    module = copy / "modules" / "render_report" / "main.nf"  # its stub shall write what to do
    told = "cp ${expected} parameters.json"
    assert module.read_text().count(told) == 1
    module.write_text(module.read_text().replace(
        told, f"{told}\n    cp ${{expected}} tables/${{expected.baseName}}.parquet\n"
        "    cp ${expected} report.html; cp ${expected} figures"))
    results = tmp_path / "run" / "results"
    found, frames = [], []
    for number, seed in enumerate(("1", "2", "1")):
        run = nextflow(tmp_path / "run", f"{number}.tsv", "-profile", "test,label", "-stub",
                       "-resume", "--u_ev", "4", "--labels_only", "true", "--seed", seed, root=copy)
        assert run.status == 0, run.said
        assert not (results / "pipeline" / "running.json").exists()
        found.append(held(results))
        frames.append({file for file in found[-1] if file.startswith("frames/")})
        if number == 1:  # a copy that was cut off, as of a run that was killed
            (results / "summary.txt").write_text("half of it")
    assert not run.names("COMPLETED")
    mine = {file for file in found[0] if file.startswith("tables/expected")}
    assert len(mine) == 1 and not mine & set(found[1])
    left, = frames[1] - frames[0]
    assert found[2] == found[0] | {left: ""}
    # What the other run alone put there is named, and no part of what is described.
    assert f"holds 1 file of earlier runs that is no part of this one's results, {left}" in run.said
    described = (results / "ro-crate-metadata.json").read_text()
    assert left not in described
    assert all(file in described for file in frames[0])
    record = json.loads(sorted((results / "pipeline").glob("run_*.json"))[-1].read_text())
    assert record["files"] == ["report.html", *(Path(file).name for file in frames[0]), "tables"]
