"""Fixtures: one killed and resumed run of every stage serves all tests of test_numbers.py."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from runs import ROOT, Miniature, nextflow, nextflow_killed


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder for runs; ./haven test keeps it where something failed."""
    return Path(os.environ.get("HAVEN_SCRATCH") or tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="session")
def miniature(scratch: Path) -> Miniature:
    """Every stage for real (`-profile test`)."""
    folder = scratch / "miniature"
    killed = nextflow_killed(folder, "killed.tsv", "-profile", "test", after=6)
    resumed = nextflow(folder, "resumed.tsv", "-profile", "test", "-resume")
    assert resumed.status == 0, resumed.said
    again = nextflow(folder, "again.tsv", "-profile", "test", "-resume")
    return Miniature(killed, resumed, again, folder / "results")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of the repository's files that a test may edit."""
    target = tmp_path / "copy"
    target.mkdir()
    for name in ("main.nf", "nextflow.config", "nextflow_schema.json", "LICENSE"):
        shutil.copy(ROOT / name, target)
    for name in ("assets", "bin", "conf", "modules"):
        shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
    return target
