#!/usr/bin/env python3
"""Show what a work folder's checkpoints take on disk, and remove those of finished runs.

A finished dynamics run keeps its dumps and restart files, so that a later run with a longer
--production_ps continues from it. They can be removed where the trajectory made of them is whole in
the results: a longer run then begins anew, which is said where a launch of this work folder asks
for one. Checkpoints of trainings and labels are kept. The folders of old
tasks are Nextflow's: remove them with `nextflow clean -before RUN -f`; links to potentials and
frames that this removes are made again by -resume.
"""

from __future__ import annotations

from pathlib import Path

from haven.core.errors import run
from haven.core.options import parser
from haven.dynamics.progress.cleaning import free, kept_checkpoints, size_of
from haven.dynamics.progress.runs import add_folder, checkpoints_in

MB = 1e6


def main(argv: list[str] | None = None) -> None:
    """Print a line a run and what all take; with ``--yes`` remove what may go."""
    options = parser(__doc__)
    add_folder(options)
    options.add_argument("--results", default="results", help="results folder of these runs")
    options.add_argument("--yes", action="store_true",
                         help="remove what may go; without it nothing is removed")
    given = options.parse_args(argv)
    place, work = checkpoints_in(given.folder)
    if not place.is_dir():
        print(f"{place} is not there, since no task has kept anything in it: there is nothing to "
              "remove")
        return
    kept = kept_checkpoints(place, Path(given.results), work)
    for one in kept:
        print(f"{one.run:<20}{one.size / MB:>10.1f} MB  "
              f"{'kept: ' + one.reason if one.reason else 'may go'}"
              f"{f' ({one.cost}: that would begin anew)' if one.cost and not one.reason else ''}")
    going = sum(one.size for one in kept if not one.reason)
    print(f"{place} takes {size_of(place) / MB:.1f} MB, of which {going / MB:.1f} MB of "
          f"{sum(not one.reason for one in kept)} finished runs may go")
    if given.yes:
        print(f"{free(kept) / MB:.1f} MB freed")
    elif going:
        print("./haven clean --yes removes them")


if __name__ == "__main__":
    run(main)
