"""A results folder is one run's at a time; a run that was killed keeps nobody from it."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import jobs
import pytest
from runs import nextflow

MAIN = """
include { claimResults; releaseResults } from './modules/in_use'

workflow {
    file("${projectDir}/cases").listFiles().each { folder ->
        def said = 'claimed'
        try {
            claimResults("${folder}/results")
            said += folder.resolve('results/pipeline/running.json').text
        }
        catch (Exception mistake) {
            def why = mistake
            while (!why.message) { why = why.cause }
            said = why.message
        }
        releaseResults("${folder}/results")
        println("${folder.name}: ${said}")
    }
}
"""
REFUSED = ("living", "a file", "below a file")
FREE = ("new", "killed", "not waited for", "another of its number", "elsewhere", "half", "no run")


def note(folder: Path, process: int, began_s: float, host: str) -> str:
    """Write what a run leaves in its results while it goes on."""
    (folder / "results" / "pipeline").mkdir(parents=True)
    text = json.dumps({"run_name": "sad_curie", "start": "2026-01-02", "host": host,
                       "process": process, "began_ms": int(1000 * began_s)})
    (folder / "results" / "pipeline" / "running.json").write_text(text)
    return text


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What is said of each folder, and under `notes` what is left there of notes."""
    folder = jobs.place(tmp_path_factory.mktemp("use") / "run", MAIN)
    cases, host, now = folder / "cases", socket.gethostname(), time.time()
    living, killed, child = (subprocess.Popen(["sleep", "600"]) for _ in range(3))
    try:
        for one in (killed, child):
            one.kill()
        killed.wait()
        for name in (*REFUSED, *FREE):
            (cases / name).mkdir(parents=True)
        note(cases / "living", living.pid, now, host)
        note(cases / "killed", killed.pid, now, host)
        note(cases / "not waited for", child.pid, now, host)
        note(cases / "another of its number", living.pid, now - 3600, host)
        note(cases / "elsewhere", living.pid, now, "another-machine")
        for name, text in (("half", '{"run_name": "sad'), ("no run", "[]")):
            note(cases / name, living.pid, now, host)
            (cases / name / "results" / "pipeline" / "running.json").write_text(text)
        (cases / "a file" / "results").touch()
        (cases / "below a file" / "results").mkdir()
        (cases / "below a file" / "results" / "pipeline").touch()
        run = nextflow(folder, "use.tsv", root=folder)
    finally:
        living.kill()
        living.wait()
        child.wait()
    assert run.status == 0, run.said
    left = [path.parents[2].name for path in cases.glob("*/results/pipeline/running.json")]
    yield dict(re.findall(r"^([a-z ]+): (.*)$", run.said, re.MULTILINE)) | {
        "notes": " ".join(left), "living process": str(living.pid), "all": run.said}


@pytest.mark.parametrize("name", FREE)
def test_results_that_no_living_run_fills_are_free(said: dict[str, str], name: str) -> None:
    assert re.match(r'claimed\{"run_name":"(?!sad_curie)\w+', said[name])


def test_a_living_run_keeps_others_out_and_its_note(said: dict[str, str]) -> None:
    assert re.fullmatch(
        rf"haven: error: --outdir \S+ is in use by run sad_curie \(process {said['living process']}"
        rf" of {socket.gethostname()}, begun 2026-01-02\): let it end, or give another --outdir",
        said["living"])
    assert said["notes"] == "living"


def test_a_run_of_another_machine_is_named(said: dict[str, str]) -> None:
    """Whether it was killed can't be seen."""
    assert said["all"].count("was left in use by run sad_curie") == 1
    assert "of another-machine, begun 2026-01-02): if that still goes on, end one" in said["all"]


@pytest.mark.parametrize(("name", "why"), [
    ("a file", "is a file"), ("below a file", "can not be written")])
def test_a_folder_that_can_hold_no_results_is_said(said: dict[str, str], name, why) -> None:
    assert re.match(rf"haven: error: --outdir \S+ ?\S* ?\S*/results {why}: give", said[name])
