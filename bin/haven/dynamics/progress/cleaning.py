"""Size of the checkpoints of finished runs, and whether they may be removed; Python alone."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from haven.core.nextflow.launches import is_of, newest_launch, work_of
from haven.core.tasks import held
from haven.dynamics.progress.overall import PS_PER_NS, planned_jobs, read_plans
from haven.dynamics.progress.runs import find_folders, read_progress, run_name


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
    cost
        What their removal takes from a launch that may still be resumed; empty where nothing.
    """

    run: str
    folder: Path
    size: int
    reason: str
    cost: str = ""


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


def made_from(trajectory: Path) -> dict[str, Any]:
    """Return what a trajectory says of the run that made it; empty where it says nothing.

    Its member ``meta`` is one text of NumPy's format: a head of its own length, then letters of
    four bytes.
    """
    try:
        with zipfile.ZipFile(trajectory) as archive:
            content = archive.read("meta.npy")
        wide = 2 if content[6] == 1 else 4  # bytes of the head's length, by the format's version
        begin = 8 + wide + int.from_bytes(content[8 : 8 + wide], "little")
        told = json.loads(content[begin:].decode("utf-32-le"))
        return told if isinstance(told, dict) else {}
    except (OSError, ValueError, KeyError, IndexError, zipfile.BadZipFile, NotImplementedError):
        return {}


def _other_run(folder: Path, target: Path, steps: int, alone: bool) -> str:
    """Return why a whole trajectory is not that of these checkpoints; empty where it is.

    Parameters
    ----------
    folder
        The checkpoints.
    target
        The published trajectory.
    steps
        Of the production that the checkpoints hold.
    alone
        Whether no other folder is of a run of this name.
    """
    told = made_from(target)
    made, length = told.get("checkpoints"), told.get("steps")
    if made is None:
        newest = max((path.stat().st_mtime for path in folder.glob("production.*.dcd")),
                     default=0.0)
        if target.stat().st_mtime < newest:
            return f"{target} is older than the run's last frames"
        return "" if alone else (f"several runs have this name, and {target} does not say which of "
                                 "them made it")
    if made != folder.name:
        return f"{target} is of other settings: it was made from {made}"
    if isinstance(length, int) and length < steps:
        return f"{target} holds {length} of its {steps} steps"
    return ""


def _longer(run: str, ps: float, plans: Mapping[str, Mapping[str, Any]], newest: str) -> list[str]:
    """Return which plans ask for more of a run than there is: that of the newest launch first."""
    found = []
    for name in sorted(plans, key=lambda one: (one != newest, one)):
        planned = planned_jobs(plans[name]).get(run)
        before = float((plans[name].get("parameters") or {}).get("equilibration_ps") or 0)
        if planned is not None and planned[1] - before > ps * (1 + 1e-9):
            found.append(f"{name} asks for {planned[1] - before:g} ps of it, where {ps:g} are")
    return found


def kept_checkpoints(
    checkpoints: Path, results: Path, work: Path | None = None
) -> list[Kept]:
    """Return the checkpoints of every dynamics run of a folder.

    Parameters
    ----------
    checkpoints
        Holds a folder for each run, as `run_dynamics.py` keeps it.
    results
        Results folder, whose ``trajectories`` must hold a finished run's trajectory.
    work
        Work folder of the launches that keep them there; the one that notes tell of if not given.
    """
    found = []
    work = work_of(checkpoints) if work is None else work
    folders = find_folders(checkpoints)
    names = [run_name(folder) for folder in folders]
    plans = read_plans(work)
    launch = newest_launch(work)
    for folder, run in zip(folders, names, strict=True):
        state, cost = read_progress(folder), ""
        if state is None or state.state != "complete":
            reason = "not finished" if state is None else state.state
        elif held(folder):
            reason = "a task works in it"
        else:
            target = results / "trajectories" / f"{run}.trajectory.npz"
            reason = damage_of(target)
            reason = reason or _other_run(folder, target, state.steps, names.count(run) == 1)
            wanted = _longer(run, PS_PER_NS * state.ns_total, plans, launch.plan if launch else "")
            if wanted and launch and is_of(folder, launch) and wanted[0].startswith(launch.plan):
                reason = reason or f"the newest launch goes on with it: {wanted[0]}"
            cost = "; ".join(wanted)
        found.append(Kept(run, folder, size_of(folder), reason, cost))
    return found


def free(kept: list[Kept]) -> int:
    """Remove the checkpoints that may be removed; return the bytes freed."""
    total = 0
    for one in kept:
        if not one.reason:
            shutil.rmtree(one.folder)
            total += one.size
    return total
