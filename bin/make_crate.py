#!/usr/bin/env python3
"""Describe a results folder as a Workflow Run Crate: ro-crate-metadata.json.

A run writes it at its end. This script writes it once more, such as for results that were copied.
"""

from __future__ import annotations

from haven.core.errors import run
from haven.core.options import parser


def main(argv: list[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("folder", nargs="?", default="results", help="results folder of a run")
    given = options.parse_args(argv)

    from haven.report.publishing.crate import write_crate
    from haven.report.publishing.results import earlier_words, read_results

    print(f"Written: {write_crate(given.folder)}")
    if said := earlier_words(read_results(given.folder)):
        print(f"haven: {said}")


if __name__ == "__main__":
    run(main)
