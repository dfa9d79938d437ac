#!/usr/bin/env python3
"""Run the pipeline for every row of a sheet of materials: ./haven run --input materials.csv ...

The sheet is a CSV: column material, and any parameters of the pipeline; name is that of the row's
results folder in --outdir. All other options hold for every row. Wrong rows are named all at once,
and nothing starts. At the end the rows' results are put into one page, compare.html.

main.nf calls it where a run is given a sheet. Nextflow's history of the rows' runs is one of its
own: `NXF_CACHE_DIR=.nextflow/materials nextflow log`.
"""

from __future__ import annotations

import argparse
import os
import sys

from haven.core.errors import HavenError, run
from haven.core.options import parser


def main(argv: list[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--command_line", metavar="TEXT", help="the call of Nextflow, where "
                         "main.nf was given a sheet: its options hold for all rows")
    options.add_argument("--project", default="haven", help="what Nextflow calls the pipeline")
    options.add_argument("top", type=int, help="how many options of Nextflow's own come first")
    options.add_argument("words", nargs=argparse.REMAINDER, help="those options, and the words "
                         "behind ./haven run: --input FILE, --at_once N (rows that run at a time, "
                         "default 1), and options of the pipeline and of nextflow run")
    given = options.parse_args(argv)
    top, words = given.words[: given.top], given.words[given.top :]
    sheet, words = _taken(words, "--input")
    at_once, words = _taken(words, "--at_once")
    if at_once is not None and (not at_once.isdecimal() or not 1 <= int(at_once) <= 64):
        raise HavenError(f"--at_once {at_once}: give how many rows run at a time, 1 to 64")
    if sheet is None:
        raise HavenError("--input is missing: name a sheet (CSV) of materials")
    if "-bg" in top:
        raise HavenError("-bg: the rows' runs would hide from what follows them; leave it out, and "
                         "put & behind the line")

    from haven.report.several.command_line import launch_of, words_of
    from haven.report.several.row_runs import compared, end_with, run_rows
    from haven.report.several.samplesheet import read_sheet

    if given.command_line is not None:
        end_with(os.getppid())  # of Nextflow, which may be killed
        top, called = words_of(given.command_line, given.project)
        for name in ("--input", "--at_once", "--outdir"):  # main.nf gives them, also of -c files
            called = _taken(called, name)[1]
        words = [*called, *words]
    launch = launch_of(words)
    done = run_rows(read_sheet(sheet, launch), launch, top, int(at_once or 1))
    compared(done, launch.outdir)
    failed = [f"{row.name} (line {row.line}, status {status})" for row, status in done if status]
    if failed:
        print(f"haven: error: {len(failed)} of {len(done)} rows failed: {', '.join(failed)}; "
              "-resume goes on with them", file=sys.stderr)
        raise SystemExit(1)


def _taken(words: list[str], name: str) -> tuple[str | None, list[str]]:
    """Return the value of an option, and the words without it."""
    for place, word in enumerate(words):
        if word == name:
            if place + 1 == len(words):
                raise HavenError(f"{name} needs a value")
            return words[place + 1], words[:place] + words[place + 2 :]
        if word.startswith(f"{name}="):
            return word.partition("=")[2], words[:place] + words[place + 1 :]
    return None, words


if __name__ == "__main__":
    run(main)
