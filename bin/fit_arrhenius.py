#!/usr/bin/env python3
"""Activation energies and the conductivity at 298 K from the transport tables of all runs.

Joins the runs of each temperature (from the .modes.npz files beside the tables), fits all
temperatures by one likelihood, compares U with U, splits the error by source, and plans longer
runs.
"""

from __future__ import annotations

from pathlib import Path

from haven.core.errors import HavenError, existing, run
from haven.core.options import parser, real, whole


def main(argv: list[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("folder", nargs="?", help="folder of diffusion, conductivity tables")
    options.add_argument("--tables", help="another way to name the folder")
    options.add_argument("--earlier", help="folder of tables of an earlier run, to which replicas "
                         "were added: both are fitted together")
    options.add_argument("--wanted_interval", type=real("wanted_interval", above=0, most=10),
                         default=0.1,
                         help="wanted relative half width of the 95 %% interval, for the plan")
    options.add_argument("--min_events", type=whole("min_events", 1), default=30,
                         help="jumps needed for a number")
    options.add_argument("--out", default=".", help="folder for the tables")
    given = options.parse_args(argv)
    if not (given.folder or given.tables):
        raise HavenError("no folder: name the one with the tables that ./haven transport wrote")

    from haven.core import tables
    from haven.dynamics.tables import RUNS
    from haven.dynamics.tables import TABLES as DYNAMICS
    from haven.transport.fits import folder, plan
    from haven.transport.fits.earlier import tables_of
    from haven.transport.tables import TABLES as TRANSPORT

    held = existing(given.folder or given.tables, "folder of tables")
    schemas = {one.name: one for one in (*TRANSPORT, *DYNAMICS)}
    with tables_of(held, given.earlier, schemas) as both:
        speed = plan.speeds(tables.read_folder(RUNS, both))
        folder.fit_folder(both, Path(given.out), given.min_events, given.wanted_interval, speed)


if __name__ == "__main__":
    run(main)
