"""Frames that scripts take are read through one door: what is damaged ends in one clear line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ase.io import read, write

from haven.core.errors import HavenError
from haven.core.reading.images import read_images
from haven.labels.labelling import to_label

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = ROOT / "assets" / "frames" / "li3ticl6" / "s1_000.u4.extxyz"
MATERIAL = ROOT / "assets" / "materials" / "li3ticl6.yml"
SPECIES = ("Li", "Ti", "Cl")


def text() -> str:
    return SHIPPED.read_text(encoding="utf-8")


def first_line(change) -> str:
    lines = text().splitlines(keepends=True)
    return "".join([lines[0], change(lines[1]), *lines[2:]])


DAMAGED = {
    "cut in a line": (lambda: text()[:-40], "cut off"),
    "cut between lines": (lambda: "".join(text().splitlines(keepends=True)[:-3]), "cut off"),
    "empty": (lambda: "", "holds no frame"),
    "another program's": (lambda: "&control\n calculation = 'scf'\n/\n", "number of atoms"),
    "a letter in a number": (lambda: text().replace(" 0.", " x.", 1), "cannot be read"),
    "binary": (lambda: "\x00\x01\x02\n" * 30, "number of atoms"),
}
UNFIT = {
    "no trajectory": (lambda: first_line(lambda s: s.replace("trajectory=", "was=")),
                      "no entry trajectory"),
    "no number": (lambda: first_line(lambda s: s.replace(" frame=0", "")), "no entry frame"),
    "half a number": (lambda: first_line(lambda s: s.replace("frame=0", "frame=0.5")),
                      "whole number"),
    "twice a number": (lambda: text() + text(), "number 0, as frame 0"),
    "two trajectories": (lambda: text() + text().replace("trajectory=s1_000", "trajectory=s1_9"),
                         "of trajectory s1_9"),
    "a folder's name": (lambda: text().replace("trajectory=s1_000", "trajectory=../s1"),
                        "no name for a file"),
    "another element": (lambda: text().replace("Ti ", "Zr "), "element Zr is not of the material"),
    "no cell": (lambda: first_line(lambda s: s.replace("Lattice=", "Was=")), "periodic"),
}


@pytest.mark.parametrize("kind", [*DAMAGED, *UNFIT])
def test_what_cannot_be_labelled_is_named_with_file_and_frame(tmp_path, kind):
    made, said = (DAMAGED | UNFIT)[kind]
    path = tmp_path / "cell.extxyz"
    path.write_text(made(), encoding="utf-8")
    with pytest.raises(HavenError, match=r"cell\.extxyz") as caught:
        to_label(path, SPECIES)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_positions_that_are_no_numbers_are_refused(tmp_path):
    atoms = read(SHIPPED, 0)
    atoms.positions[3, 1] = np.nan
    write(tmp_path / "cell.extxyz", atoms)
    with pytest.raises(HavenError, match=r"frame 0.*position|position.*nan|nan"):
        to_label(tmp_path / "cell.extxyz", SPECIES)


def test_a_checksum_beside_the_file_is_heeded(tmp_path):
    path = tmp_path / "cell.extxyz"
    path.write_text(text(), encoding="utf-8")
    (tmp_path / "SHA256SUMS").write_text(f"{'0' * 64}  cell.extxyz\n", encoding="ascii")
    with pytest.raises(HavenError, match=r"cell\.extxyz"):
        read_images(path, "frames")


def test_a_damaged_binary_file_is_named_too(tmp_path):
    write(tmp_path / "cell.traj", read(SHIPPED, ":"))
    whole = (tmp_path / "cell.traj").read_bytes()
    for share in (0.0, 0.5, 0.9):
        (tmp_path / "cell.traj").write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(HavenError, match=r"cell\.traj"):
            read_images(tmp_path / "cell.traj", "frames")


def test_good_frames_come_as_they_are():
    frames = to_label(SHIPPED, SPECIES)
    assert [int(a.info["frame"]) for a in frames] == list(range(len(frames))) and frames


@pytest.mark.parametrize("script", ["label_frames.py", "select_frames.py", "measure_cost.py",
                                    "find_barriers.py"])
@pytest.mark.parametrize("kind", ["cut in a line", "binary"])
def test_scripts_end_in_one_line(tmp_path, script, kind):
    path = tmp_path / "cell.extxyz"
    path.write_text(DAMAGED[kind][0](), encoding="utf-8")
    potential = ROOT / "assets" / "models" / "small" / "u4_s1.pb"
    options = {"label_frames.py": ("--structure", path, "--u_ev", "0"),
               "select_frames.py": ("--candidates", path),
               "measure_cost.py": ("--structure", path, "--potential", potential, "--u_ev", "4"),
               "find_barriers.py": ("--structure", path, "--potential", potential, "--u_ev", "4",
                                    "--replica", "0")}[script]
    done = subprocess.run(
        [sys.executable, str(ROOT / "bin" / script), "--material", str(MATERIAL),
         *map(str, options), "--out", str(tmp_path / "out")],
        capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "cell.extxyz" in done.stderr and "Traceback" not in done.stderr
