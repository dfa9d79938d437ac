"""The tutorial as it is written: its commands are taken from the page and run, in their order."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from haven.core import tables

KB = 8.617333262e-5
RATE, BARRIER, LENGTH = 10.0, 0.25, 3.0  # what the page says of the trajectories it makes


def blocks(page: Path) -> list[str]:
    """Return the page's blocks of shell commands."""
    return re.findall(r"^```bash\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S)


@pytest.fixture(scope="module")
def done(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new folder in which every command of the page was run."""
    environment = Path(sys.prefix)
    if not list(environment.glob(".ready-run-*")):
        pytest.skip("pytest does not run in an environment that ./haven made")
    folder = tmp_path_factory.mktemp("tutorial")
    (folder / "haven").symlink_to(repository / "haven")
    path = os.pathsep.join(part for part in os.environ["PATH"].split(os.pathsep)
                           if "/python-" not in part)
    found = blocks(repository / "assets" / "tutorial.md")
    assert len(found) == 4
    for number, block in enumerate(found):
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block], cwd=folder, text=True, check=False,
            capture_output=True, timeout=1500,
            env=os.environ | {"PATH": path, "HAVEN_CACHE": str(environment.parent)})
        assert ran.returncode == 0, ran.stderr
        assert "installing" not in ran.stderr
        (folder / f"said{number}.txt").write_text(ran.stdout + ran.stderr)
    return folder


def d_self(kelvin: float) -> float:
    """Return the diffusion coefficient of the lattice walk, cm2/s."""
    return RATE * math.exp(-BARRIER / (KB * kelvin)) * LENGTH**2 / 6 * 1e-4


def test_the_numbers_are_those_that_the_page_promises(repository: Path, done: Path) -> None:
    page = (repository / "assets" / "tutorial.md").read_text(encoding="utf-8")
    assert f"{d_self(600):.2e}".replace("e-05", "e-5") in page
    for kelvin in (600, 700, 800):
        path, = (done / "answer").glob(f"*{kelvin}K*.diffusion.parquet")
        rows = tables.read("diffusion", path)
        rows = rows[rows["axis"] == "xyz"].set_index("quantity")
        assert rows.loc["self", "verdict"] == "diffusive"
        assert rows.loc["self", "low_95"] < d_self(kelvin) < rows.loc["self", "high_95"]
        assert rows.loc["self", "high_95"] < 1.3 * rows.loc["self", "low_95"]
        if rows.loc["haven", "value"] == rows.loc["haven", "value"]:
            assert rows.loc["haven", "low_95"] < 1 < rows.loc["haven", "high_95"]
    fits = tables.read("arrhenius", done / "answer" / "arrhenius.parquet").set_index("quantity")
    assert fits.loc["d_self", "verdict"] == "diffusive"
    assert fits.loc["d_self", "activation_low_95"] < BARRIER < fits.loc["d_self",
                                                                       "activation_high_95"]


def test_what_it_says_and_leaves_is_there(done: Path) -> None:
    said = (done / "said1.txt").read_text()
    assert "D self" in said or "D_self" in said
    answer = done / "answer"
    assert len(list(answer.glob("*.msd.png"))) == 3 and list(answer.glob("arrhenius_*.png"))
    for path in answer.glob("*.parquet"):
        assert len(pd.read_csv(path.with_suffix(".csv"))) == len(pd.read_parquet(path))


def test_the_page_holds_the_numbers(done: Path) -> None:
    text = (done / "page" / "compare.html").read_text(encoding="utf-8")
    path, = (done / "answer").glob("*600K*.diffusion.parquet")
    rows = tables.read("diffusion", path)
    found = rows[(rows["axis"] == "xyz") & (rows["quantity"] == "self")].iloc[0]
    for name in ("value", "low_95", "high_95"):
        assert f"{found[name] * 1e5:.3f}" in text, name
    assert "<h1>LiCl</h1>" in text
    assert "measured: no value in the folder of published values" in text


def test_the_json_is_what_agents_md_describes(repository: Path, done: Path) -> None:
    held = json.loads((done / "again.json").read_text())
    told = (repository / "AGENTS.md").read_text(encoding="utf-8")
    line = told.partition("- `./haven transport --json`")[2].partition("\n- ")[0]
    for key in [*held, *held["numbers"][0]]:
        assert f"`{key}`" in line, key
    own = next(row for row in held["numbers"] if row["quantity"] == "self")
    assert own["low_95"] < d_self(600) < own["high_95"]


def test_every_file_and_command_that_the_page_names_is_there(repository: Path) -> None:
    for name in ("assets/tutorial.md", "AGENTS.md"):
        text = (repository / name).read_text(encoding="utf-8")
        for path in re.findall(r"`((?:assets|bin|tests|containers|conf)/[\w./-]+)`", text):
            assert (repository / path).exists(), path
        usage = (repository / "haven").read_text()
        for command in re.findall(r"\./haven (\w+)", text):
            assert f"./haven {command}" in usage, command
