#!/usr/bin/env python3
"""Make a zip of a results folder for Zenodo or another repository; nothing is uploaded.

It holds the results, ro-crate-metadata.json (Workflow Run Crate), .zenodo.json, CITATION.cff,
LICENSES/ and Haven's code in pipeline/workflow.
"""

from __future__ import annotations

from pathlib import Path

from haven.core.errors import HavenError, run
from haven.core.options import parser


def main(argv: list[str] | None = None) -> None:
    from haven.report.publishing.licences import LICENCES

    options = parser(__doc__)
    add = options.add_argument
    add("folder", nargs="?", default="results", help="results folder of a run")
    add("--dry-run", action="store_true", help="make the zip and say what the repository will "
        "still ask for; the only way there is, since Haven uploads nothing itself")
    add("--licence", default="CC-BY-4.0", choices=sorted(LICENCES), help="of the results")
    add("--creator", action="append", default=[], metavar="NAME",
        help="'Family, Given', and behind semicolons an ORCID and an affiliation; may be repeated")
    add("--title", default="", help="of the record; made from the material if not given")
    add("--leave_out", default="", metavar="FOLDERS",
        help="folders of the results that are not wanted, such as trajectories,models")
    add("--out", help="the zip; the results folder's name with .zip if not given")
    given = options.parse_args(argv)
    if not given.dry_run:
        raise HavenError("Haven uploads nothing itself: give --dry-run, which makes the zip, and "
                         "upload that where you want it")

    from haven.report.publishing.publish import creator_of, publish

    place = Path(given.folder)
    done = publish(place, given.out or f"{place.resolve().name}.zip", given.licence,
                   [creator_of(text) for text in given.creator], given.title.strip(),
                   tuple(filter(None, given.leave_out.split(","))))
    print(f"Written: {done.path}, {done.files} files, {done.size / 1e6:.1f} MB")
    if done.left:
        print(f"Left out: {done.left}")
    for text in done.lacks:
        print(f"Zenodo will still ask for {text}")


if __name__ == "__main__":
    run(main)
