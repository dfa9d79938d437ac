"""README's steps from a CIF to a study, and other kinds of crystals; the studies as stubs."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from crystals import CRYSTALS
from pairs import write_pair
from runs import LIMIT_S, ROOT, nextflow

SMALLER = "--temperatures_k 600 --production_ps 20 --replicas 1 --ensemble 1"
# Disordered anions, a U for each cation, mobile anions; HAVEN_CRYSTALS=all takes all twelve.
KINDS = ("argyrodite", "NMC with antisites", "fluorite oxide")
CLUSTER = " -profile slurm,gpu,apptainer -c my_site.config"


def commands() -> list[str]:
    """Return the commands of the section, in their order."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = re.search(r"^## Your own crystal.*?\n(.*?)\nA run can also", text, re.M | re.S)
    assert section is not None
    assert [line[:2] for line in section.group(1).splitlines() if re.match(r"\d\.", line)] == [
        f"{number}." for number in range(1, 6)]
    return re.findall(r"`(\./haven[^`]+)`", section.group(1))


@pytest.fixture
def call(tmp_path: Path):
    """Return a function that calls a command line in a newcomer's folder.

    There are Haven, a CIF, and labels of one cell by another program.
    """
    environment = Path(sys.prefix)
    if not list(environment.glob(".ready-run-*")):
        pytest.skip("pytest does not run in an environment that ./haven made")
    (tmp_path / "haven").symlink_to(ROOT / "haven")
    shutil.copy(ROOT / "tests" / "data" / "obelix_de5.cif", tmp_path / "my.cif")
    (tmp_path / "FOLDER").mkdir()
    labels = min((ROOT / "assets" / "study" / "li3incl6" / "frames").glob("*.u0.extxyz"))
    shutil.copy(labels, tmp_path / "FOLDER")

    def called(line: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            shlex.split(line), cwd=tmp_path, text=True, capture_output=True, check=False,
            timeout=LIMIT_S, env=os.environ | {"HAVEN_CACHE": str(environment.parent)})
        assert done.returncode == 0, f"{line}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done

    return called


def test_the_five_steps_lead_from_a_cif_to_a_report(call, tmp_path: Path) -> None:
    describe, check, small, large = commands()
    for line in (describe, check):
        call(line)
    assert "formula: Li3InCl6" in (tmp_path / "my.yml").read_text(encoding="utf-8")
    assert (tmp_path / "my.png").stat().st_size > 1000
    call(f"{small} -stub {SMALLER}")
    assert (tmp_path / "results" / "report.html").exists()
    assert large.endswith(CLUSTER)
    shutil.rmtree(tmp_path / "results")
    call(f"{large.removesuffix(CLUSTER)} -profile test -stub")
    assert (tmp_path / "results" / "report.html").exists()


@pytest.mark.parametrize("kind", CRYSTALS if os.environ.get("HAVEN_CRYSTALS") == "all" else KINDS)
def test_a_crystal_of_any_kind_goes_through_the_whole_graph(kind: str, tmp_path: Path) -> None:
    crystal = CRYSTALS[kind]
    (tmp_path / "crystal.yml").write_text(yaml.safe_dump(crystal))
    (tmp_path / "models").mkdir()
    charges = {element: float(charge) for element, charge in crystal["charges"].items()}
    write_pair(tmp_path / "models", "u0_s1.pair", charges=charges,
               radii_angstrom=dict.fromkeys(charges, 0.9))
    run = nextflow(tmp_path, "crystal.tsv", "-profile", "test", "-stub", "--material",
                   str(tmp_path / "crystal.yml"), "--models", str(tmp_path / "models"),
                   "--u_ev", "0", "--temperatures_k", "600")
    assert run.status == 0, run.said
    done = {name.split(" ")[0].split(":")[-1] for name in run.names("COMPLETED")}
    assert {"BUILD_SUPERCELL", "MINIMISE", "RUN_DYNAMICS", "ANALYSE_TRANSPORT", "ANALYSE_HOPS",
            "FIT_ARRHENIUS", "FIND_BARRIERS", "RENDER_REPORT"} <= done
