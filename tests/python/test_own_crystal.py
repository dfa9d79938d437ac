"""README's way from a CIF to a material file, as it stands there, and the options it names."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def commands(repository: Path) -> list[str]:
    """Return the commands of the section, in their order."""
    text = (repository / "README.md").read_text(encoding="utf-8")
    section = re.search(r"^## Your own crystal.*?\n(.*?)\nA run can also", text, re.M | re.S)
    assert section is not None
    return re.findall(r"`(\./haven[^`]+)`", section.group(1))


def test_the_steps_that_describe_a_crystal_work_as_they_stand(repository, tmp_path):
    environment = Path(sys.prefix)
    if not list(environment.glob(".ready-run-*")):
        pytest.skip("pytest does not run in an environment that ./haven made")
    (tmp_path / "haven").symlink_to(repository / "haven")
    shutil.copy(repository / "tests" / "data" / "obelix_de5.cif", tmp_path / "my.cif")
    describe, check, *_ = commands(repository)
    for command in (describe, check):
        done = subprocess.run(
            shlex.split(command), cwd=tmp_path, text=True, capture_output=True, check=False,
            timeout=300, env=os.environ | {"HAVEN_CACHE": str(environment.parent)})
        assert done.returncode == 0, done.stderr
    assert "formula: Li3InCl6" in (tmp_path / "my.yml").read_text(encoding="utf-8")
    assert (tmp_path / "my.png").exists()


def test_the_options_of_the_steps_exist(repository):
    schema = (repository / "nextflow_schema.json").read_text(encoding="utf-8")
    runs = [one for one in commands(repository) if " run " in one]
    assert len(runs) == 2
    for option in re.findall(r"--(\w+)", " ".join(runs)):
        assert f'"{option}"' in schema, option


def test_readme_is_short(repository):
    assert len((repository / "README.md").read_bytes()) <= 12_000
