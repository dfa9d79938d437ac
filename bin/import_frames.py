#!/usr/bin/env python3
"""Turn labelled frames of other programs into checked extxyz files, one for each U."""

from __future__ import annotations

from pathlib import Path

from haven.core.errors import run
from haven.core.options import add, parser
from haven.labels.audit import Limits
from haven.labels.options import Import


def main(argv: list[str] | None = None) -> None:
    """Read each source, refuse what would poison a potential, write the rest."""
    options = parser(__doc__)
    options.add_argument("--material", required=True, help="material file")
    options.add_argument("--out", default="frames", help="folder for the frames")
    add(options, Import)
    add(options, Limits, "max_stress_gpa")
    options.add_argument("sources", nargs="+", metavar="[NAME=]PATH",
                         help="OUTCAR, vasprun.xml, output of GPAW, Quantum ESPRESSO or CP2K, "
                              "extxyz, traj, gpw, deepmd/npy folder; NAME names it elsewhere")
    given = options.parse_args(argv)

    from haven.labels.frames import read_folder, us_in_names
    from haven.labels.importing import import_all
    from haven.material.file import load_material

    material = load_material(given.material)
    out = Path(given.out)
    out.mkdir(parents=True, exist_ok=True)
    sources = []
    for text in given.sources:
        name, mark, path = text.rpartition("=")
        if not mark or Path(text).exists():
            name, path = text, text
        sources.append((Path(path), name))
    import_all(sources, material, out, given.skip_bad, given.max_stress_gpa)
    for u_ev in us_in_names(out):
        read_folder(out, u_ev, material.species, given.max_stress_gpa)


if __name__ == "__main__":
    run(main)
