"""README's way from a CIF to a running study, as it stands there; the study itself as a stub."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from runs import ROOT


def commands() -> list[str]:
    """Return the commands of the section, in their order."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = re.search(r"^## Your own crystal.*?\n(.*?)\nA run can also", text, re.M | re.S)
    assert section is not None
    return re.findall(r"`(\./haven[^`]+)`", section.group(1))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A newcomer's folder: Haven, a CIF, labels of one cell by another program."""
    (tmp_path / "haven").symlink_to(ROOT / "haven")
    shutil.copy(ROOT / "tests" / "data" / "obelix_de5.cif", tmp_path / "my.cif")
    labels = ROOT / "assets" / "study" / "li3incl6" / "frames"
    (tmp_path / "FOLDER").mkdir()
    shutil.copy(min(labels.glob("*.u0.extxyz")), tmp_path / "FOLDER")
    return tmp_path


def test_the_steps_lead_from_a_cif_to_a_study(folder: Path) -> None:
    environment = Path(sys.prefix)
    if not list(environment.glob(".ready-run-*")):
        pytest.skip("pytest does not run in an environment that ./haven made")
    variables = os.environ | {"HAVEN_CACHE": str(environment.parent)}
    describe, check, small, large = commands()
    assert "--supercell" in large
    for command in (describe, check, f"{small} -stub"):
        done = subprocess.run(shlex.split(command), cwd=folder, env=variables, text=True,
                              capture_output=True, check=False, timeout=900)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "formula: Li3InCl6" in (folder / "my.yml").read_text(encoding="utf-8")
    assert (folder / "my.png").exists()
    assert (folder / "results" / "report.html").exists()
    schema = (ROOT / "nextflow_schema.json").read_text(encoding="utf-8")
    for option in re.findall(r"--(\w+)", f"{small} {large}"):
        assert f'"{option}"' in schema, option
