#!/usr/bin/env python3
"""Run the pipeline, as ./haven run does once everything is set up."""

from __future__ import annotations

import argparse
from pathlib import Path

from haven.core.errors import run
from haven.core.nextflow.starting import start_nextflow
from haven.core.options import parser


def main(argv: list[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("top", type=int, help="how many options of Nextflow's own come first")
    options.add_argument("words", nargs=argparse.REMAINDER, help="those options, and the words "
                         "behind ./haven run: options of the pipeline and of nextflow run")
    given = options.parse_args(argv)
    raise SystemExit(start_nextflow(given.words[: given.top], given.words[given.top :],
                                    Path(__file__).resolve().parents[1]))


if __name__ == "__main__":
    run(main)
