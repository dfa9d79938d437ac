"""Which launch a work folder was used by last, and which checkpoints are that launch's.

Several launches of one work folder leave folders of checkpoints beside each other, often of one run
with other settings. Needs Python alone.
"""

from __future__ import annotations

import csv
import json
import re
import time
from dataclasses import dataclass
from pathlib import Path

TASK = re.compile(r"([0-9a-f]{2})/([0-9a-f]{6})[0-9a-f]{24}$")  # of Nextflow's work folder
SLACK_S = 2.0  # a file system's clock may be that much behind the machine's
EARLIER = " (not of the newest launch)"
USED = ("COMPLETED", "CACHED")


@dataclass(frozen=True)
class NotedLaunch:
    """A launch of Nextflow, as ``modules/records.nf`` notes it in the work folder.

    Attributes
    ----------
    name
        Nextflow's name of it, such as ``angry_curie``.
    began_s
        When, seconds since the epoch.
    plan
        Name of the file that says what it should compute.
    tasks
        Tasks of its trace that ended well or were there from earlier launches, as ``1c/2e0e99``;
        None where its trace isn't known.
    checkpoints
        Folder in which its tasks keep checkpoints; None where that isn't noted.
    """

    name: str
    began_s: float
    plan: str
    tasks: frozenset[str] | None = None
    checkpoints: Path | None = None


def newest_launch(work: Path) -> NotedLaunch | None:
    """Return the launch that was noted last in a work folder; None where none is.

    Each has a number above all that lay there when it began, which the time is in milliseconds
    where no clock was set back.
    """
    found = []
    for path in (work / "launches").glob("*.json"):
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            began = float(told["began_s"])
            found.append((float(told.get("order", 1000 * began)), began, str(told["run_name"]),
                          str(told["plan"]), str(told["stamp"]), Path(told["records"]),
                          str(told.get("checkpoints") or "")))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue  # half written, or of another version
    if not found:
        return None
    _order, began, name, plan, stamp, records, checkpoints = max(found)
    return NotedLaunch(name, began, plan, _tasks_of(records, stamp),
                       Path(checkpoints) if checkpoints else None)


def work_of(checkpoints: Path) -> Path:
    """Return the work folder whose launches keep their checkpoints in a folder.

    It is the one around it, or, of a folder elsewhere (``--checkpoint_dir``), the one of the tasks
    that worked there; of several that of the newest launch, and where none is known the one around.
    """
    if _has_notes(checkpoints.parent):
        return checkpoints.parent
    places: set[Path] = set()
    for lock in checkpoints.glob("*/lock"):
        try:
            noted = lock.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            continue
        places.update(Path(line[:task.start()]) for line in noted if (task := TASK.search(line)))
    known = [(launch.began_s if (launch := newest_launch(place)) else 0.0, place)
             for place in places if _has_notes(place)]
    return max(known)[1] if known else checkpoints.parent


def _has_notes(place: Path) -> bool:
    """Return whether launches left notes in a folder: it is a work folder of Haven's."""
    return (place / "launches").is_dir() or any(place.glob("expected-*.json"))


def _tasks_of(records: Path, stamp: str) -> frozenset[str] | None:
    """Return the tasks of the trace that began last up to a time written as ``stamp``."""
    named = {path.stem.removeprefix("trace_"): path for path in records.glob("trace_*.tsv")}
    mine = [time for time in named if time <= stamp]
    if not mine:
        return None
    try:
        with named[max(mine)].open(newline="", encoding="utf-8") as stream:
            return frozenset(row["hash"] for row in csv.DictReader(stream, delimiter="\t")
                             if row.get("status") in USED and row.get("hash"))
    except (OSError, csv.Error):
        return None


def is_of(folder: Path, launch: NotedLaunch | None) -> bool:
    """Return whether a folder of checkpoints is a launch's.

    It is where a task of the launch, finished now or earlier, has worked in it, or anything has
    since the launch began. Where that can't be known, since the folder or the launch tells of no
    tasks or the clock was set back after the launch began, it counts as its own.

    Parameters
    ----------
    folder
        Of one run or training, whose file ``lock`` lists the tasks that worked there.
    launch
        See `newest_launch`; None where launches aren't noted.
    """
    if launch is None or launch.tasks is None:
        return True
    try:
        noted = (folder / "lock").read_text(encoding="utf-8").splitlines()
        used = (folder / "lock").stat().st_mtime
    except (OSError, UnicodeDecodeError):
        return True
    tasks = {f"{found.group(1)}/{found.group(2)}" for line in noted if (found := TASK.search(line))}
    latest = time.time() + SLACK_S
    if not tasks or launch.began_s > latest or launch.began_s - SLACK_S <= used <= latest:
        return True
    return not tasks.isdisjoint(launch.tasks)
