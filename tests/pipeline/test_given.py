"""What a user brings is enough: frozen potentials need nothing beside them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
from runs import ROOT, nextflow


def test_a_potential_alone_is_tested_and_nothing_is_trained(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    shutil.copy(ROOT / "assets" / "models" / "u4_s1.pb", folder)
    run = nextflow(tmp_path, "given.tsv", "-profile", "test", "--models", str(folder),
                   "--u_ev", "4", "--potentials_only", "true")
    assert run.status == 0, run.said
    assert {name.split(" ")[0].split(":")[-1] for name in run.names("COMPLETED")} == {
        "BUILD_DATASET", "TEST_POTENTIAL", "RENDER_REPORT"}
    tables = tmp_path / "results" / "tables"
    assert (pd.read_parquet(tables / "accuracy.parquet")["rmse"] > 0).all()
    said = pd.read_parquet(tables / "verdicts.parquet")["message"].str.cat()
    assert "nothing tells what this potential was trained on" in said
