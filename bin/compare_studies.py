#!/usr/bin/env python3
"""Put studies, or one, into one page: compare.html, compare.csv and the picture as PDF and PNG.

A study is a results folder of a run, or a folder that ./haven transport wrote to: other materials,
values of U, potentials, settings or versions of Haven. A material file stands for a material
without results, of which measured values alone are shown.
"""

from __future__ import annotations

from pathlib import Path

from haven.core.errors import run
from haven.core.options import parser


def main(argv: list[str] | None = None) -> None:
    options = parser(__doc__)
    add = options.add_argument
    assets = Path(__file__).resolve().parents[1] / "assets"
    add("folders", nargs="*", metavar="FOLDER", help="results folders, one "
        "or more; of a material without results its file (.yml), for what was measured of it")
    add("--names", default="", help="what the studies are called, with commas between; the "
        "folders' names if not given")
    add("--reference", default=assets / "reference", help="folder of published values (CSV)")
    add("--template", default=assets / "compare.html.j2", help="Jinja template of the page")
    add("--out", default=".", help="folder to write into")
    given = options.parse_args(argv)

    from haven.report.several.comparison import write_comparison
    from haven.report.several.studies import read_studies

    names = [name.strip() for name in given.names.split(",") if name.strip()]
    studies = read_studies(given.folders, names)
    for path in write_comparison(studies, given.reference, given.template, given.out):
        print(f"Written: {path}")


if __name__ == "__main__":
    run(main)
