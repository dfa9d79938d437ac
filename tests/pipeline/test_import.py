"""Frames of other programs come in from wherever they lie in the folder given."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from ase.io import read, write
from runs import ROOT, nextflow

sys.path.insert(0, str(ROOT / "tests" / "python"))
from others import write_deepmd

FRAMES = ROOT / "assets" / "frames" / "li3ticl6"


def others_folder(root: Path) -> int:
    """Write shipped frames as others keep theirs, files of one name each; return how many."""
    count = 0
    frames: Any
    for number, path in enumerate(sorted(FRAMES.glob("d1_*.u4.extxyz"))):
        place = root / "u4" / f"run{number}"
        place.mkdir(parents=True)
        shutil.copy(path, place / "frames.extxyz")
        count += len(read(path, ":"))
    frames = read(FRAMES / "s1_000.u4.extxyz", ":")
    write_deepmd(root / "u4" / "system", frames, ["Cl", "Ti", "Li"], virials=False)
    return count + len(frames)


def without_u(root: Path) -> int:
    """Write shipped frames into a folder named after their U, which nothing else tells."""
    frames: Any = [image for path in sorted(FRAMES.glob("d1_*.u0.extxyz"))
                   for image in read(path, ":")]
    for atoms in frames:
        del atoms.info["u_ev"]
    (root / "u0").mkdir(parents=True)
    write(root / "u0" / "frames.extxyz", frames)
    return len(frames)


def test_frames_of_others_are_imported_from_wherever_they_lie(tmp_path: Path) -> None:
    count, low = others_folder(tmp_path / "mine"), without_u(tmp_path / "more")
    run = nextflow(tmp_path, "import.tsv", "-profile", "test", "--frames",
                   f"{tmp_path}/mine,{tmp_path}/more/u0", "--labels_only", "true")
    assert run.status == 0, run.said
    assert {name.split(" ")[0].split(":")[-1] for name in run.names("COMPLETED")} == {
        "IMPORT_FRAMES", "BUILD_DATASET", "RENDER_REPORT"}
    labels = pd.read_parquet(tmp_path / "results" / "tables" / "labels.parquet")
    assert labels["u_ev"].value_counts().to_dict() == {4.0: count, 0.0: low}
    assert (labels["verdict"] == "accepted").all()


def test_a_text_beside_frames_is_passed_over_and_alone_ends_the_run(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "notes.txt").write_text("nothing here\n")
    options = ("-profile", "test", "--frames", str(folder), "--u_ev", "4", "--labels_only", "true")
    alone = nextflow(tmp_path / "alone", "alone.tsv", *options)
    assert alone.status != 0 and len(alone.tasks) == 1
    assert "haven: error: no output given in --frames is of a program that is known" in alone.said
    (tmp_path / "mine.dat").write_text("nothing here\n")
    named = nextflow(tmp_path / "named", "named.tsv", *options[:2], "--frames",
                     f"{FRAMES},{tmp_path / 'mine.dat'}", *options[4:])
    assert named.status != 0
    assert "mine.dat is no output of a program that is known: give an OUTCAR" in named.said
    for path in FRAMES.glob("d1_*.u4.extxyz"):
        shutil.copy(path, folder)
    beside = nextflow(tmp_path / "beside", "beside.tsv", *options)
    assert beside.status == 0, beside.said
    labels = pd.read_parquet(tmp_path / "beside" / "results" / "tables" / "labels.parquet")
    assert len(labels) == sum(len(read(path, ":")) for path in FRAMES.glob("d1_*.u4.extxyz"))


def test_a_folder_whose_files_change_is_imported_again(tmp_path: Path) -> None:
    folder = tmp_path / "mine" / "u4" / "system"
    frames: Any = read(FRAMES / "s1_000.u4.extxyz", ":")
    write_deepmd(folder, frames, ["Cl", "Ti", "Li"], virials=False)
    options = ("-profile", "test", "-stub", "-resume", "--frames", str(tmp_path / "mine"),
               "--u_ev", "4", "--labels_only", "true")
    first = nextflow(tmp_path, "first.tsv", *options)
    assert "GIVEN_FRAMES:IMPORT_FRAMES" in " ".join(first.names("COMPLETED")), first.said
    same = nextflow(tmp_path, "same.tsv", *options)
    assert not same.names("COMPLETED"), same.said
    np.save(folder / "set.000" / "energy.npy", np.load(folder / "set.000" / "energy.npy") - 1)
    edited = nextflow(tmp_path, "edited.tsv", *options)
    assert "GIVEN_FRAMES:IMPORT_FRAMES" in " ".join(edited.names("COMPLETED")), edited.said


def test_half_an_outcar_ends_the_run_by_its_name(tmp_path: Path) -> None:
    import ase

    outcar = Path(ase.__file__).parent / "test" / "testdata" / "vasp" / "OUTCAR_example_1"
    (tmp_path / "mine" / "run1").mkdir(parents=True)
    (tmp_path / "mine" / "run1" / "OUTCAR").write_text(outcar.read_text()[:80000])
    run = nextflow(tmp_path, "half.tsv", "-profile", "test", "--frames", str(tmp_path / "mine"),
                   "--u_ev", "0", "--labels_only", "true")
    assert run.status != 0 and not run.names("COMPLETED")
    assert "haven: error: mine/run1/OUTCAR is cut off: vasp did not end" in run.said
