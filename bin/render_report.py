#!/usr/bin/env python3
"""Write report.html, figures and joined tables; print the headline."""

from __future__ import annotations

from pathlib import Path

from haven.core.errors import run
from haven.core.options import parser


def main(argv: list[str] | None = None) -> None:
    arguments = parser(__doc__)
    add = arguments.add_argument
    root = Path(__file__).resolve().parents[1] / "assets"
    add("--tables", required=True, help="folder of <id>.<table>.parquet files")
    add("--earlier", help="folder of tables of an earlier run, to which replicas were added")
    add("--reference", default=root / "reference", help="folder of published values (CSV)")
    add("--template", default=root / "report.html.j2", help="Jinja template of the report")
    add("--expected", help="JSON of expected runs (u_ev, temperature_k, replica) and parameters")
    add("--structures", nargs="*", default=[], help="supercells, the first of which is "
        "drawn, and cells of every set of occupancies (extxyz)")
    add("--out", default=".", help="folder for report.html, figures/ and tables/")
    given = arguments.parse_args(argv)

    from haven.report.page.report import write_report
    from haven.report.registry import TABLES
    from haven.transport.fits.earlier import tables_of

    with tables_of(given.tables, given.earlier, TABLES) as held:
        print(write_report(held, given.reference, given.template, given.out, given.expected,
                           given.structures))
    print(f"Report written to {Path(given.out) / 'report.html'}")


if __name__ == "__main__":
    run(main)
