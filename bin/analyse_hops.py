#!/usr/bin/env python3
"""Jumps of the mobile ions between sites, single tracks, van Hove functions, density maps.

Needs a material file, which says where the sites are. For example:
./haven hops run.lammpstrj --material li3ticl6.yml --temperature_k 600 --frame_spacing_ps 0.1
"""

from __future__ import annotations

from pathlib import Path

from haven.core.errors import HavenError, existing, log, run
from haven.core.identity import digests, run_id
from haven.core.options import add_name, parser, real


def main(argv: list[str] | None = None) -> None:
    from haven.mechanism.options import CORE_SHARE, RESIDENCE_PS
    from haven.trajectory.options import add_keys, add_reading, keys_of, wanted_of

    options = parser(__doc__)
    options.add_argument("files", nargs="*", metavar="FILE",
                         help="npz, LAMMPS dump, extxyz, ...: the files of one run in order")
    options.add_argument("--material", required=True, help="material file")
    options.add_argument("--trajectory", metavar="FILE", help="another way to name one file")
    add_keys(options)
    add_name(options)
    options.add_argument("--residence_ps", default=RESIDENCE_PS,
                         type=real("residence_ps", "ps", least=0, most=1e6),
                         help="a move undone sooner than this is no jump")
    options.add_argument("--core_share", default=CORE_SHARE,
                         type=real("core_share", above=0, most=0.5),
                         help="radius of a site's core as a share of the shortest site distance")
    add_reading(options)
    options.add_argument("--out", default=".", help="folder for the tables")
    given = options.parse_args(argv)
    files = [*given.files, *([given.trajectory] if given.trajectory else [])]
    if not files:
        raise HavenError("no trajectory: name one file or more")

    import tempfile

    from haven.core import tables
    from haven.material.file import load_material
    from haven.mechanism.run_tables import hop_tables
    from haven.trajectory import opening

    material = load_material(given.material)
    paths = [existing(file, "trajectory") for file in files]
    keys = {"material": material.name, **keys_of(given, paths)}
    out = Path(given.out)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix=".reading-") as scratch:
        trajectory = opening.open_files(paths, scratch, wanted_of(given, (material.mobile,)))[0]
        found = hop_tables(material, trajectory, keys, given.residence_ps, given.core_share)
    name = given.name or run_id(keys["u_ev"], keys["temperature_k"], keys["replica"])
    inputs = {"trajectory": paths[0].name, "sha256": digests(*paths)}
    for what, rows in found.rows.items():
        tables.write(what, rows, out / f"{name}.{what.name}.parquet", inputs)
    log.info("%s: %d frames %g ps apart (%g ps): %d hops of %d ions, %d undone", name,
             trajectory.frames, trajectory.spacing_ps, trajectory.duration_ps, found.jumps,
             trajectory.ions, found.undone)


if __name__ == "__main__":
    run(main)
