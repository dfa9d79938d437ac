#!/usr/bin/env python3
"""Say how far each training and each dynamics run is, and all together: ns done, time left."""

from __future__ import annotations

from pathlib import Path

from haven import __version__
from haven.core.errors import HavenError, run
from haven.core.options import parser
from haven.dynamics import overall
from haven.dynamics.progress import find_folders, read_progress, table
from haven.potential import progress as trainings


def main(argv: list[str] | None = None) -> None:
    arguments = parser(__doc__)
    arguments.add_argument("folder", nargs="?", default="work/checkpoints",
                           help="checkpoints of the runs: the work folder's, or --checkpoint_dir")
    arguments.add_argument("--json", action="store_true",
                           help="as JSON, whose keys AGENTS.md lists")
    given = arguments.parse_args(argv)
    place = Path(given.folder)
    if (place / "checkpoints").is_dir():
        place = place / "checkpoints"
    rows = sorted(path.parent for path in place.parent.glob("*/checkpoints"))
    if not place.is_dir() and rows and place.name == "checkpoints":
        raise HavenError(f"{place.parent} is of a sheet of materials: name the work folder of one, "
                         f"{', '.join(map(str, rows[:5]))}")
    if not place.is_dir():
        raise HavenError(f"there is no folder {place}: call this where the run was started, or "
                         "name its work folder or --checkpoint_dir")
    found = [state for folder in find_folders(place) if (state := read_progress(folder))]
    learnt = trainings.read_trainings(place)
    if not found and not learnt:
        raise HavenError(f"{place} holds no training and no dynamics run: none has been started "
                         "yet")
    together = overall.overall(learnt, found, place.parent)
    if given.json:
        print(overall.as_json(place, learnt, found, together, __version__))
        return
    print("\n\n".join([*([trainings.table(learnt)] if learnt else []),
                       *([table(found)] if found else []), overall.said(together)]))


if __name__ == "__main__":
    run(main)
