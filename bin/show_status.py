#!/usr/bin/env python3
"""Say how far each training and each dynamics run is, and all together: ns done, time left."""

from __future__ import annotations

from haven import __version__
from haven.core.errors import HavenError, run
from haven.core.nextflow.launches import newest_launch
from haven.core.options import parser
from haven.dynamics.progress import overall
from haven.dynamics.progress.runs import (
    add_folder,
    checkpoints_in,
    find_folders,
    read_progress,
    runs_table,
)
from haven.potential import progress as trainings


def main(argv: list[str] | None = None) -> None:
    arguments = parser(__doc__)
    add_folder(arguments)
    arguments.add_argument("--json", action="store_true",
                           help="as JSON, whose keys AGENTS.md lists")
    given = arguments.parse_args(argv)
    place, work = checkpoints_in(given.folder)
    launch = newest_launch(work)
    there = place.is_dir()
    found = [state for folder in (find_folders(place) if there else [])
             if (state := read_progress(folder, launch=launch))]
    learnt = trainings.read_trainings(place, launch=launch) if there else []
    ended = launch is not None and launch.tasks
    if not found and not learnt and not ended:
        raise HavenError(f"{place} holds no training and no dynamics run: none has been started "
                         "yet")
    together = overall.overall(learnt, found, work, launch)
    if given.json:
        print(overall.as_json(place, learnt, found, together, __version__))
        return
    said = [trainings.trainings_table(learnt)] if learnt else []
    said += [runs_table(found)] if found else []
    if launch is not None and not said:
        said = [f"launch {launch.name} has finished {len(launch.tasks or ())} tasks; no training "
                f"and no dynamics run is in {place}{'' if there else ', which is not there'}"]
    print("\n\n".join([*said, *([overall.progress_line(together)] if together.jobs else [])]))


if __name__ == "__main__":
    run(main)
