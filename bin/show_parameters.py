#!/usr/bin/env python3
"""Print the pipeline's parameters, as ./haven run --help does; needs no package and no Nextflow."""

from __future__ import annotations

import argparse
from pathlib import Path

from haven.core.errors import run
from haven.core.nextflow.help_text import help_text
from haven.core.options import parser


def main(argv: list[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("words", nargs=argparse.REMAINDER, help="behind --: options of "
                         "Nextflow and of its run, of which -profile decides what holds by default")
    given = options.parse_args(argv)
    print(help_text(Path(__file__).resolve().parents[1], given.words))


if __name__ == "__main__":
    run(main)
