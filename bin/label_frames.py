#!/usr/bin/env python3
"""Label the frames of one starting structure from first principles at each Hubbard U."""

from __future__ import annotations

from pathlib import Path

from haven import label_options
from haven.cli import HavenError, existing, numbers, parser, run


def main(argv: list[str] | None = None) -> None:
    """Read frames, label them, write one extxyz file for each U."""
    arguments = parser(__doc__)
    arguments.add_argument("--material", required=True, help="material file")
    arguments.add_argument("--structure", required=True, help="extxyz with the frames to label")
    arguments.add_argument("--u_ev", required=True, help="Hubbard U - J values in eV, such as 0,4")
    label_options.add_options(arguments)
    arguments.add_argument("--out", default="frames", help="folder for the labelled frames")
    given = arguments.parse_args(argv)

    from ase.io import iread

    from haven.crystal import load_material
    from haven.labelling import label_trajectory

    frames = list(iread(existing(given.structure, "structure file")))
    if not frames or "trajectory" not in frames[0].info:
        raise HavenError(f"{given.structure} has no frames with a trajectory name: "
                         "make them with build_structures.py")
    label_trajectory(frames, load_material(given.material),
                     numbers(given.u_ev, None, "u_ev"), label_options.settings_of(given),
                     Path(given.out), engine=given.engine)


if __name__ == "__main__":
    run(main)
