"""Files of another user, and umasks: results as ever, or one line, and nothing of theirs changed.

Another user is a process without the powers of root, and files that belong to nobody; where the
tests are not run by root, files and folders that may not be written to or read stand for them.
"""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import clean_work
import compare_studies
import export_trajectory
import make_crate
import numpy as np
import publish_results
import pytest
import show_status
from strangers import given_away, without_powers

from haven.core import tables, tasks
from haven.core.errors import run
from haven.dynamics.tables import RUNS
from haven.trajectory.trajectory import write_npz


def as_stranger(main: Callable[..., None], *arguments: object) -> tuple[int, str]:
    """Return status and words of a script that a user calls who has no powers over others."""
    with tempfile.TemporaryFile() as screen:
        number = os.fork()
        if not number:
            code = 1
            try:
                os.dup2(screen.fileno(), 1)
                os.dup2(screen.fileno(), 2)
                sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w", buffering=1)
                sys.argv = ["script", *map(str, arguments)]
                without_powers()
                run(main)
                sys.stdout.flush()
                code = 0
            except SystemExit as error:
                sys.stdout.flush()
                code = error.code if isinstance(error.code, int) else 1
            finally:
                os._exit(code)
        status = os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
        screen.seek(0)
        return status, screen.read().decode()


@pytest.fixture
def theirs(tmp_path: Path) -> Iterator[Path]:
    """Return a folder with a finished run of another user: ``work`` and ``results``."""
    folder = tmp_path / "theirs"
    job = folder / "work" / "checkpoints" / "u4_t298_r0_0123456789ab"
    job.mkdir(parents=True)
    (job / "production.a001.in").write_text("timestep 0.001\nrun 100 upto\n")
    (job / "production.100.restart").write_bytes(b"r")
    (job / "lock").touch()
    target = folder / "results" / "trajectories" / "u4_t298_r0.trajectory.npz"
    target.parent.mkdir(parents=True)
    write_npz(target, {
        "time_ps": np.arange(3.0), "mobile_angstrom": np.zeros((3, 2, 3)),
        "mobile_symbol": np.array("Li"), "host_centre_angstrom": np.zeros((3, 3)),
        "barycentre_angstrom": np.zeros((3, 3)), "cell_angstrom": np.eye(3) * 9},
        {"u_ev": 4, "verdict": "stable", "checkpoints": job.name, "steps": 100})
    (folder / "results" / "report.html").write_text("<p>")
    yield folder
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755)  # so that pytest may remove it


def content(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def commands(theirs: Path, mine: Path) -> dict[str, tuple[Callable[..., None], list[object]]]:
    results, work = theirs / "results", theirs / "work"
    npz = results / "trajectories" / "u4_t298_r0.trajectory.npz"
    return {
        "status": (show_status.main, [work]),
        "clean": (clean_work.main, [work, "--results", results]),
        "clean --yes": (clean_work.main, [work, "--results", results, "--yes"]),
        "crate": (make_crate.main, [results]),
        "publish": (publish_results.main, ["--dry-run", results, "--out", mine / "a.zip"]),
        "compare": (compare_studies.main, [results, results, "--out", mine / "both"]),
        "export": (export_trajectory.main, [npz, "--out", mine / "run.extxyz"]),
        "export there": (export_trajectory.main, [npz, "--out", results / "run.extxyz"]),
    }


WORKS, REFUSED = ("status", "clean"), ("clean --yes", "crate", "export there")


@pytest.mark.parametrize("name", [*WORKS, *REFUSED, "publish", "compare", "export"])
@pytest.mark.parametrize("way", ["read", "closed"])
def test_a_command_on_another_users_files_reads_them_or_says_why_not_in_one_line(
        theirs, tmp_path, name, way):
    """Files that all may read; then folders that are closed to others (umask 077)."""
    (mine := tmp_path / "mine").mkdir()
    main, arguments = commands(theirs, mine)[name]
    before = content(theirs)
    given_away(theirs, write=False, read=way == "read")
    status, said = as_stranger(main, *arguments)
    if os.geteuid():
        for path in [theirs, *theirs.rglob("*")]:
            path.chmod(0o755)
    assert content(theirs) == before, "nothing of theirs changes"
    assert status in (0, 2) and "Traceback" not in said and "unforeseen" not in said, said
    if status == 2:
        assert len([one for one in said.splitlines() if one.startswith("haven: error:")]) == 1, said
    if way == "closed" or name in REFUSED:
        assert status == 2, said
    elif name in WORKS:
        assert status == 0, said


@pytest.mark.parametrize("umask", [0o000, 0o027, 0o077])
def test_files_have_the_rights_that_the_umask_leaves(tmp_path, umask):
    """Also those that are written under another name first, and those of locks."""
    before = os.umask(umask)
    try:
        (tmp_path / "mine").mkdir()
        with tasks.alone(tmp_path / "mine" / "run"):
            tables.write(RUNS, [], tmp_path / "mine" / "t.parquet")
        write_npz(tmp_path / "mine" / "x.trajectory.npz", {
            "time_ps": np.arange(3.0), "mobile_angstrom": np.zeros((3, 2, 3)),
            "mobile_symbol": np.array("Li"), "host_centre_angstrom": np.zeros((3, 3)),
            "barycentre_angstrom": np.zeros((3, 3)), "cell_angstrom": np.eye(3) * 9},
            {"u_ev": 4, "verdict": "stable"})
    finally:
        os.umask(before)
    found = [tmp_path / "mine", *(tmp_path / "mine").rglob("*")]
    assert len(found) >= 4
    for path in found:
        wanted = (0o777 if path.is_dir() else 0o666) & ~umask
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path
