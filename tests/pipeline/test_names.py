"""Names of a user's files are names: none reaches a shell, or is taken for an option or pattern."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from runs import ROOT, nextflow

sys.path.insert(0, str(ROOT / "bin"))
FRAMES = ROOT / "assets" / "frames" / "li3ticl6"
NAMES = ("a' $(touch PWNED) #b.u4.x.xyz", "my run.u4.x.xyz", "U=4.u4.x.xyz", "-rf.u4.xyz",
         'say "x"; touch PWNED.u4.xyz', "line\ntouch PWNED\n.u4.extxyz", "`ls>PWNED`.u4.extxyz",
         "it's.u4.xyz", "star*[1]{a,b}.u4.xyz", "-s.u4.extxyz", "$HOME & more.u4.extxyz")


def named(folder: Path) -> Path:
    """Return a folder whose files have names that a shell would read."""
    folder.mkdir(parents=True)
    for name, path in zip(NAMES, sorted(FRAMES.glob("s1_*.u4.extxyz")), strict=False):
        shutil.copy(path, folder / name)
    (folder / "loop").symlink_to(folder)
    (folder / "again").symlink_to(folder.parent)
    return folder


def test_no_name_of_a_given_file_is_run(tmp_path: Path) -> None:
    """The names reach the import whole, through its file of names, and only a shell's words not."""
    place = named(tmp_path / "data [1]" / "u4's")
    material = tmp_path / "my; touch PWNED 'crystal'.yml"
    shutil.copy(ROOT / "assets" / "materials" / "li3ticl6.yml", material)
    run = nextflow(tmp_path / "run", "names.tsv", "-profile", "test", "-stub", "--frames",
                   str(place), "--u_ev", "4", "--labels_only", "true", "--material", str(material))
    assert run.status == 0, run.said
    assert not [path for path in tmp_path.rglob("*") if path.name == "PWNED"]
    task, = (path.parent for path in (tmp_path / "run" / "work").glob("*/*/.command.sh")
             if "given.u4.extxyz" in path.read_text())
    listed = json.loads(next(task.glob("names-*.json")).read_text())
    given = [next((task / "given" / str(number)).iterdir()) for number in range(1, len(listed) + 1)]
    for name, path in zip(listed, given, strict=True):
        assert path.read_text() == (place.parent / name).read_text(), name
    assert {Path(name).name for name in listed} == {
        name for name in NAMES if not name.endswith(".u4.extxyz") or "\n" in name}
    ready = {path.read_text() for path in (tmp_path / "run" / "work").glob("*/*/frames/*.extxyz")}
    assert {(place / name).read_text() for name in NAMES if name.endswith(".u4.extxyz")
            and "\n" not in name} <= ready


def test_no_text_of_a_parameter_is_run(tmp_path: Path) -> None:
    run = nextflow(
        tmp_path, "texts.tsv", "-profile", "test", "--occupancies", "default; touch PWNED #",
        "--slurm_account", "x\ntouch PWNED", "--slurm_queue", "a b", "--checkpoint_dir", "/x\ny",
        "--outdir", "a\nb", "--batch_size", "1;2", "--directions", "[110]'$(x)'")
    assert run.status != 0 and not run.tasks
    assert "8 parameters are wrong" in run.said, run.said  # --outdir stands twice, too
    assert not (tmp_path / "PWNED").exists()
