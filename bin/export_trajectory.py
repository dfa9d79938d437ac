#!/usr/bin/env python3
"""Write one of Haven's trajectories as extended XYZ, H5MD or XTC, for other programs.

The container keeps the mobile ions of every frame, and all atoms of a few: --atoms chooses.
Positions are unwrapped; lengths are in Angstrom (XTC: nm) and times in ps.
"""

from __future__ import annotations

from pathlib import Path

from haven.core.errors import HavenError, run
from haven.core.options import parser, whole


def main(argv: list[str] | None = None) -> None:
    options = parser(__doc__)
    add = options.add_argument
    add("trajectory", help="results/trajectories/<run>.trajectory.npz")
    add("--out", required=True, metavar="FILE", help="file to write: .extxyz, .h5md or .xtc; XTC "
        "gets a .pdb beside it, which names the atoms, and needs MDAnalysis")
    add("--atoms", choices=("mobile", "all"), default="mobile", help="mobile ions of every frame, "
        "or every atom of the frames that are kept of them")
    add("--start", type=whole("start"), default=0, metavar="N", help="first frame, from 0")
    add("--stop", type=whole("stop", 1), metavar="N", help="first frame not wanted")
    add("--stride", type=whole("stride", 1), default=1, metavar="N", help="every N-th frame only")
    given = options.parse_args(argv)

    from haven.trajectory.export import FORMATS, chosen, write_export
    from haven.trajectory.trajectory import open_npz

    form = FORMATS.get(Path(given.out).suffix.lower())
    if form is None:
        raise HavenError(f"--out {given.out}: its ending names no format: give .extxyz, .h5md or "
                         ".xtc")
    held = chosen(open_npz(given.trajectory), given.atoms, given.start, given.stop, given.stride)
    for path in write_export(held, given.out, form):
        print(f"Written: {path}, {len(held.places)} frames of {len(held.symbols)} atoms")


if __name__ == "__main__":
    run(main)
