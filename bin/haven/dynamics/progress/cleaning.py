"""Size of the checkpoints of finished runs, and whether they may be removed; Python alone."""

from __future__ import annotations

import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path

from haven.core.tasks import held
from haven.dynamics.progress.runs import find_folders, read_progress


@dataclass(frozen=True)
class Kept:
    """The checkpoints of one dynamics run.

    Attributes
    ----------
    run
        Its name, such as ``u4_t298_r0``.
    folder
        Where they lie.
    size
        What they take, in bytes.
    reason
        Why they must be kept; empty where the run's trajectory is whole in the results, so that
        they may be removed.
    """

    run: str
    folder: Path
    size: int
    reason: str


def size_of(folder: Path) -> int:
    """Return the bytes that a folder's files take, links not followed."""
    return sum(path.lstat().st_size for path in folder.rglob("*")
               if path.is_symlink() or path.is_file())


def damage_of(trajectory: Path) -> str:
    """Return why a published trajectory can't replace the checkpoints; empty where it can.

    Each member of the container carries a checksum, which is compared with its content.
    """
    if not trajectory.is_file():
        return f"{trajectory} is not there"
    try:
        with zipfile.ZipFile(trajectory) as archive:
            broken = archive.testzip()
    except (OSError, zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        return f"{trajectory} can't be read ({error})"
    return f"{trajectory} is damaged in {broken}" if broken else ""


def kept_checkpoints(checkpoints: Path, results: Path) -> list[Kept]:
    """Return the checkpoints of every dynamics run of a folder.

    Parameters
    ----------
    checkpoints
        Holds a folder for each run, as `run_dynamics.py` keeps it.
    results
        Results folder, whose ``trajectories`` must hold a finished run's trajectory.
    """
    found = []
    for folder in find_folders(checkpoints):
        state = read_progress(folder)
        run = folder.name.rsplit("_", 1)[0]
        if state is None or state.state != "complete":
            reason = "not finished" if state is None else state.state
        elif held(folder):
            reason = "a task works in it"
        else:
            target = results / "trajectories" / f"{run}.trajectory.npz"
            reason = damage_of(target)
            newest = max((path.stat().st_mtime for path in folder.glob("production.*.dcd")),
                         default=0.0)
            if not reason and target.stat().st_mtime < newest:
                reason = f"{target} is older than the run's last frames"
        found.append(Kept(run, folder, size_of(folder), reason))
    return found


def free(kept: list[Kept]) -> int:
    """Remove the checkpoints that may be removed; return the bytes freed."""
    total = 0
    for one in kept:
        if not one.reason:
            shutil.rmtree(one.folder)
            total += one.size
    return total
