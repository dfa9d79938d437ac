"""What `./haven run --help` reads by itself is what Nextflow prints of the same parameters."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from runs import ROOT

from haven.core.nextflow.help_text import help_text

LINE = re.compile(r"  --(\w+) +(.*) \[(.*)\]")


def told(text: str) -> dict[str, tuple[str, object]]:
    """Return meaning and default by name; a number by its value, however it is written."""
    found: dict[str, tuple[str, object]] = {}
    for line in text.splitlines():
        if match := LINE.fullmatch(line):
            name, meaning, value = match.groups()
            items = [float(item) if re.fullmatch(r"[-+.\dEe]+\d|\d", item) else item
                     for item in value.strip("[]").split(", ")]
            found[name] = (meaning, items)
    return found


@pytest.mark.parametrize("profile", ["", "gpu,equivariant,paper", "study,label"])
def test_the_launcher_s_help_is_nextflow_s(tmp_path: Path, profile: str) -> None:
    words = ["-profile", profile] if profile else []
    done = subprocess.run(
        ["nextflow", "-log", str(tmp_path / "log"), "run", str(ROOT / "main.nf"), *words, "--help"],
        cwd=tmp_path, text=True, capture_output=True, check=False, timeout=600,
        stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr
    theirs, ours = told(done.stdout), told(help_text(ROOT, words))
    assert len(theirs) > 100
    assert ours.pop("help")[0] == theirs.pop("help")[0]  # true while Nextflow tells it
    assert ours == theirs
