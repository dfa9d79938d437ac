#!/usr/bin/env python3
"""Say how far each dynamics run is: ns done, ns/day, time left."""

from __future__ import annotations

from pathlib import Path

from haven.cli import HavenError, parser, run
from haven.progress import find_folders, read_progress, table


def main(argv: list[str] | None = None) -> None:
    arguments = parser(__doc__)
    arguments.add_argument("folder", nargs="?", default="work/checkpoints",
                           help="checkpoints of the runs: the work folder's, or --checkpoint_dir")
    place = Path(arguments.parse_args(argv).folder)
    if (place / "checkpoints").is_dir():
        place = place / "checkpoints"
    if not place.is_dir():
        raise HavenError(f"there is no folder {place}: call this where the run was started, or "
                         "name its work folder or --checkpoint_dir")
    found = [state for folder in find_folders(place) if (state := read_progress(folder))]
    if not found:
        raise HavenError(f"{place} holds no dynamics run: none has been started yet")
    print(table(found))


if __name__ == "__main__":
    run(main)
