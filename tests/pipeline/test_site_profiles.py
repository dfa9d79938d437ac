"""The sites' examples: a task's labels choose its queue, image and GPU; no site is asked."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
from pathlib import Path

import jobs
import pytest
from runs import ROOT, nextflow

from haven import __version__
from haven.core.nextflow.launches import newest_launch

# A task on a CPU and one on a GPU, as stubs: the whole pipeline takes three times as long to start.
TWO = """
include { BUILD_SUPERCELL } from './modules/build_supercell'
include { RUN_DYNAMICS } from './modules/run_dynamics'

workflow {
    def material = file("${projectDir}/assets/materials/li3ticl6.yml")
    def data = "${projectDir}/tests/data/miniature"
    BUILD_SUPERCELL([id: 'r0', replica: 0, seed: 1, leads: true], material, 'code')
    RUN_DYNAMICS(channel.of([[id: 'u4_t300_r0', u_ev: 4, seed: 1, replica: 0, temperature_k: 300],
        file("${data}/u4_r1.minimised.extxyz"), [file("${data}/u4_s2.pair")], []]), material,
        'code')
}
"""
# What a site is reached by needs a plugin or an account; everything else of its file is tried.
HERE = """
process.executor = 'local'
docker.enabled   = false
trace.fields     = 'task_id,hash,name,status,queue,container'
"""


@pytest.mark.parametrize(("site", "queues", "executor"), [
    ("aws_batch", ("haven-cpu", "haven-gpu"), "awsbatch"),
    ("google_batch", ("-", "-"), "google-batch"), ("kubernetes", ("-", "-"), "k8s")])
def test_a_task_s_labels_choose_its_queue_image_and_gpu(tmp_path, site, queues, executor) -> None:
    file = ROOT / "conf" / "site" / f"{site}.config"
    assert f"executor = '{executor}'" in file.read_text()
    folder = jobs.place(tmp_path / "run", TWO)
    (folder / "here.config").write_text(HERE)
    run = nextflow(folder, "trace.tsv", "-stub", "-c", str(file), "-c", "here.config", root=folder)
    assert run.status == 0, run.said
    assert "undefined parameter" not in run.said
    with (folder / "trace.tsv").open(newline="") as stream:
        rows = {row["name"].split(" ")[0]: row for row in csv.DictReader(stream, delimiter="\t")}
    for name, device, queue in (("BUILD_SUPERCELL", "cpu", queues[0]),
                                ("RUN_DYNAMICS", "gpu", queues[1])):
        # the tag that containers/README.md pushes
        assert rows[name]["container"] == f"my-registry/haven-{device}:{__version__}"
        assert rows[name]["queue"] == queue


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, engine: str, script: str,
             *images: str) -> None:
    """Put a script in the place of a container engine, and image files beside it."""
    (folder / engine).write_text(script)
    (folder / engine).chmod(0o755)
    for name in images:
        (folder / f"{name}.sif").touch()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


# Notes its options and the image, and runs what follows.
APPTAINER = """#!/bin/sh
said=
while [ "${1%.sif}" = "$1" ]; do said="$said $1"; shift; done
echo "$said $1" >> "$(dirname "$0")/called"
shift
exec "$@"
"""


@pytest.mark.parametrize("profiles", ["gpu,apptainer", "apptainer,gpu"])
def test_the_gpu_reaches_into_the_image_in_either_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, profiles: str
) -> None:
    stand_in(tmp_path, monkeypatch, "apptainer", APPTAINER, "haven-cpu", "haven-gpu")
    folder = jobs.place(tmp_path / "run", TWO)
    run = nextflow(folder, "gpu.tsv", "-profile", profiles, "-stub", "--image_folder",
                   str(tmp_path), root=folder)
    assert run.status == 0, run.said
    called = (tmp_path / "called").read_text().splitlines()
    assert {"haven-gpu.sif" in line for line in called} == {True, False}
    for line in called:
        assert "--no-privs --net --network none" in line
        assert (" --nv " in line) == ("haven-gpu.sif" in line), line


# Starts what stands behind the image, and notes what stands before it.
CONTAINER = """#!/bin/sh
[ "$1" != rm ] || exit 0
while :; do
  case $1 in *.sif | haven-*:*) break ;; esac
  echo "$1" >> "$(dirname "$0")/called"
  shift
done
shift
exec "$@"
"""


@pytest.mark.parametrize("engine", ["apptainer", "docker"])
def test_one_folder_of_checkpoints_for_tasks_containers_and_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    """It is worked out by a setting and, for what is no task, by a script."""
    stand_in(tmp_path, monkeypatch, engine, CONTAINER, "haven-cpu")
    run = nextflow(tmp_path, "trace.tsv", "-profile", f"test,{engine}", "-stub", "--image_folder",
                   str(tmp_path), "--potentials_only", "true", "--u_ev", "4",
                   "--checkpoint_dir", "it's mine")
    assert run.status == 0, run.said
    assert "undefined parameter" not in run.said
    place = str(tmp_path / "it's mine")
    called = (tmp_path / "called").read_text().splitlines()
    mounted = {line for line in called if "it's mine" in line}
    assert len(mounted) == 1 and mounted.pop().endswith((f",{place}", f"{place}:{place}"))
    scripts = [path.read_text() for path in (tmp_path / "work").glob("*/*/.command.run")]
    quoted = "export HAVEN_CHECKPOINT_DIR='" + place.replace("'", "'\\''") + "'"
    assert scripts and all(quoted in text for text in scripts)
    note = newest_launch(tmp_path / "work")
    assert note is not None and str(note.checkpoints) == place


@pytest.mark.parametrize(("profiles", "run", "dynamics"), [
    ("test,gpu,docker", "haven-cpu", "haven-gpu"),
    ("test,equivariant,podman", "haven-pytorch", "haven-pytorch")])
def test_the_image_of_each_process_is_listed(tmp_path, profiles, run, dynamics) -> None:
    done = subprocess.run(
        ["nextflow", "inspect", str(ROOT / "main.nf"), "-profile", profiles, "--registry",
         "my.org/me", "-format", "json"], cwd=tmp_path, text=True, check=False,
        stdin=subprocess.DEVNULL, capture_output=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "undefined parameter" not in done.stdout + done.stderr
    listed = json.loads(done.stdout[done.stdout.index("{"):])["processes"]
    images = {entry["name"]: entry["container"] for entry in listed}
    version = images["BUILD_DATASET"].rpartition(":")[2]
    assert f"version         = '{version}'" in (ROOT / "nextflow.config").read_text()
    for name, image in (("BUILD_DATASET", run), ("RUN_DYNAMICS", dynamics),
                        ("LABEL_FRAMES", "gpaw")):
        assert images[name] == f"my.org/me/{image}:{version}"


@pytest.mark.parametrize("options", [
    ("-profile", "slurm"), ("-c", str(ROOT / "conf" / "site" / "pbs.config"))])
def test_job_arrays_reach_the_scheduler(tmp_path, options) -> None:
    """A block of the label's own name in a profile replaces that of base.config."""
    folder = jobs.prepare(tmp_path / "run", 2, 1)
    done = subprocess.run(["nextflow", "run", "main.nf", "-preview", *options, "--job_array", "8"],
                          cwd=folder, text=True, check=False, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600)
    assert done.returncode == 0, done.stdout
    made = re.search(r"Creating process 'RUN_DYNAMICS'.*array=(\d+)",
                     (folder / ".nextflow.log").read_text())
    assert made and made[1] == "8"


@pytest.mark.parametrize(("options", "minutes"), [
    ((), 48 * 60),
    # half an hour, and 1.5 times (0.1 + 5) ps at 0.01 ns a day
    (("--ns_per_day", "0.01", "--production_ps", "2,5"), 30 + 1102),
    (("--ns_per_day", "0.01", "--production_ps", "5", "-c", "day.config"), 24 * 60 / 2)])
def test_a_run_asks_for_the_time_that_its_measured_speed_takes(tmp_path, options, minutes) -> None:
    folder = jobs.prepare(tmp_path / "run", 1, 1)
    (folder / "trace.config").write_text("trace { raw = true; fields = 'name,status,time' }\n")
    (folder / "day.config").write_text("process.resourceLimits = [time: 12.h]\n")
    done = subprocess.run(["nextflow", "run", "main.nf", "-stub", "-c", "trace.config",
                           "-with-trace", "trace.tsv", "--equilibration_ps", "0.1", *options],
                          cwd=folder, text=True, check=False, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600)
    assert done.returncode == 0, done.stdout
    row, = jobs.rows(folder)
    assert int(row["time"]) == 60_000 * minutes
