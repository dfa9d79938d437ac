#!/usr/bin/env python3
"""Jumps of the mobile ions between sites, single tracks, van Hove functions, density maps.

Needs a material file, which says where the sites are. For example:
./haven hops run.lammpstrj --material li3ticl6.yml --temperature_k 600 --frame_spacing_ps 0.1
"""

from __future__ import annotations

from pathlib import Path

from haven.core.errors import HavenError, log, run
from haven.core.identity import digests, run_id
from haven.core.options import TEMPERATURE_K, U_EV, add_name, parser, real, whole


def main(argv: list[str] | None = None) -> None:
    from haven.mechanism.options import CORE_SHARE, RESIDENCE_PS
    from haven.trajectory.options import add_reading, wanted_of

    options = parser(__doc__)
    options.add_argument("files", nargs="*", metavar="FILE",
                         help="npz, LAMMPS dump, extxyz, ...: the files of one run in order")
    options.add_argument("--material", required=True, help="material file")
    options.add_argument("--trajectory", metavar="FILE", help="another way to name one file")
    options.add_argument("--u_ev", type=U_EV, default=0.0, help="Hubbard U, eV")
    options.add_argument("--temperature_k", type=TEMPERATURE_K, required=True,
                         help="temperature, K")
    options.add_argument("--replica", type=whole("replica"), default=0, help="disorder replica")
    options.add_argument("--seed", type=whole("seed"), default=1, help="seed of the potential")
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
    out = Path(given.out)
    out.mkdir(parents=True, exist_ok=True)
    keys = {"material": material.name, "u_ev": given.u_ev, "replica": given.replica,
            "temperature_k": given.temperature_k, "seed": given.seed}
    with tempfile.TemporaryDirectory(dir=out, prefix=".reading-") as scratch:
        trajectory = opening.open_files(files, scratch, wanted_of(given, (material.mobile,)))[0]
        found = hop_tables(material, trajectory, keys, given.residence_ps, given.core_share)
    name = given.name or run_id(given.u_ev, given.temperature_k, given.replica)
    inputs = {"trajectory": Path(files[0]).name, "sha256": digests(*files)}
    for what, rows in found.rows.items():
        tables.write(what, rows, out / f"{name}.{what.name}.parquet", inputs)
    log.info("%s: %d frames %g ps apart (%g ps): %d hops of %d ions, %d undone", name,
             trajectory.frames, trajectory.spacing_ps, trajectory.duration_ps, found.jumps,
             trajectory.ions, found.undone)


if __name__ == "__main__":
    run(main)
