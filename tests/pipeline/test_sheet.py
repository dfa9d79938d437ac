"""A sheet of two materials is two runs of the real Nextflow, and -resume goes on with each.

main.nf and the launcher start them alike: the launcher begins here, and main.nf goes on.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from runs import LIMIT_S, ROOT, nextflow


def test_a_sheet_runs_each_material_and_resumes_each(tmp_path: Path) -> None:
    text = (ROOT / "assets" / "materials" / "li3ticl6.yml").read_text()
    for name in ("one", "two"):
        (tmp_path / f"{name}.yml").write_text(text)
    shutil.copytree(ROOT / "assets" / "frames" / "li3ticl6", tmp_path / "frames")
    (tmp_path / "materials.csv").write_text(
        "material,frames,pressure_gpa\none.yml,frames,\ntwo.yml,frames,-1.5\n")

    def launch(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*words, "--input", "materials.csv", "-profile", "test", "-stub",
             "--potentials_only", "true", "--u_ev", "4", "-ansi-log", "false", "-with-trace",
             "trace.tsv"],
            cwd=tmp_path, text=True, check=False, stdin=subprocess.DEVNULL, capture_output=True,
            timeout=LIMIT_S, env=os.environ)

    first = launch(sys.executable, str(ROOT / "bin" / "run_materials.py"), "0")
    assert first.returncode == 0, first.stdout + first.stderr
    sessions = {}
    for name, pressure in (("one", "1.8"), ("two", "-1.5")):
        place = tmp_path / "results" / name
        assert (place / "report.html").exists() and (place / "ro-crate-metadata.json").exists()
        record, = place.glob("pipeline/run_*.json")
        held = json.loads(record.read_text())
        assert held["success"] and held["parameters"]["pressure_gpa"] == pressure
        assert held["parameters"]["material"].endswith(f"{name}.yml")
        sessions[name] = held["session_id"]
    assert len(set(sessions.values())) == 2
    again = launch("nextflow", "run", str(ROOT), "-resume")
    assert again.returncode == 0, again.stdout + again.stderr
    for name, session in sessions.items():
        held = [json.loads(path.read_text())
                for path in sorted((tmp_path / "results" / name).glob("pipeline/run_*.json"))]
        assert [one["session_id"] for one in held] == [session] * 2 and held[1]["resumed"]
    assert "Cached process" in again.stdout and "Submitted process" not in again.stdout


def test_main_nf_ends_with_the_sheet_s_mistakes(tmp_path: Path) -> None:
    (tmp_path / "materials.csv").write_text("material,u_ev\nnowhere.yml,0\n")
    (tmp_path / "mine.config").write_text("params.input = 'materials.csv'\n")
    run = nextflow(tmp_path, "sheet.tsv", "-profile", "test", "-c", "mine.config")
    assert run.status != 0 and not run.tasks
    assert "1 of 1 rows is wrong: line 2: material is nowhere.yml: nowhere.yml does not" in run.said
    assert "not every row has its results; the lines above say why" in run.said
