#!/usr/bin/env python3
"""Jumps of the mobile ions between sites, single tracks, van Hove functions, density maps.

Needs a material file, which says where the sites are. For example:
./haven hops run.lammpstrj --material li3ticl6.yml --temperature_k 600 --frame_spacing_ps 0.1
"""

from __future__ import annotations

from pathlib import Path

from haven.core.errors import HavenError, log, run
from haven.core.identity import digests, run_id
from haven.core.options import add_name, parser


def main(argv: list[str] | None = None) -> None:
    from haven.trajectory.options import add_reading, wanted_of

    options = parser(__doc__)
    options.add_argument("files", nargs="*", metavar="FILE",
                         help="npz, LAMMPS dump, extxyz, ...: the files of one run in order")
    options.add_argument("--material", required=True, help="material file")
    options.add_argument("--trajectory", metavar="FILE", help="another way to name one file")
    options.add_argument("--u_ev", type=float, default=0.0, help="Hubbard U, eV")
    options.add_argument("--temperature_k", type=float, required=True, help="temperature, K")
    options.add_argument("--replica", type=int, default=0, help="disorder replica")
    options.add_argument("--seed", type=int, default=1, help="seed of the potential")
    add_name(options)
    options.add_argument("--residence_ps", type=float, default=1.0,
                         help="a move undone sooner than this is no jump")
    options.add_argument("--core_share", type=float, default=0.4,
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
    from haven.mechanism import hops, interstitial, tracks
    from haven.mechanism import van_hove as vanhove
    from haven.mechanism.tables import (
        DENSITY,
        DENSITY_GRID,
        HOPS,
        INTERSTITIAL,
        NETWORK,
        TRACKS,
        VAN_HOVE,
    )
    from haven.trajectory import opening

    material = load_material(given.material)
    out = Path(given.out)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix=".reading-") as scratch:
        trajectory = opening.open_files(files, scratch, wanted_of(given, (material.mobile,)))[0]
        lattice = hops.lattice_of(material, trajectory)
        core = hops.core_radius(lattice, given.core_share)
        seen = hops.hops_of(lattice, trajectory, given.residence_ps, core)
        anions = interstitial.anions_of(material, lattice, trajectory.extra.get("symbols"),
                                        hops.mean_positions(trajectory))
        wide = interstitial.with_voids(lattice, anions)
        visits = interstitial.visits_of(lattice, wide, trajectory, given.residence_ps,
                                        hops.core_radius(wide, given.core_share))
        host, views = trajectory.host, ((0, 1, 0), (1, 1, 0))
        thinned = tracks.thin(trajectory.frames, min(2000, max(50, 2_000_000 // trajectory.ions)))
        places, drift = trajectory.read_frames(thinned), host[thinned] - host[0]
        ends = thinned[[0, -1]]
        shown = tracks.choose_ions(trajectory.read_frames(ends), host[ends])
        table = {
            HOPS: hops.hop_table(lattice, seen, trajectory.ions, trajectory.duration_ps),
            INTERSTITIAL: interstitial.interstitial_table(
                lattice, wide, visits, trajectory.time_ps, given.residence_ps),
            TRACKS: tracks.track_table(lattice, trajectory, shown, core),
            VAN_HOVE: vanhove.van_hove_table(trajectory, host),
            DENSITY: tracks.density_table(lattice, places, drift, views),
            DENSITY_GRID: tracks.density_grid(lattice, places, drift),
            NETWORK: hops.network_table(lattice, seen),
        }
    keys = {"material": material.name, "u_ev": given.u_ev, "replica": given.replica,
            "temperature_k": given.temperature_k, "seed": given.seed}
    name = given.name or run_id(given.u_ev, given.temperature_k, given.replica)
    inputs = {"trajectory": Path(files[0]).name, "sha256": digests(*files)}
    for what, rows in table.items():
        own = {} if what in (TRACKS, VAN_HOVE) else {"species": material.mobile}
        tables.write(what, rows.assign(**keys, **own), out / f"{name}.{what.name}.parquet",
                     inputs)
    log.info("%s: %d frames %g ps apart (%g ps): %d hops of %d ions, %d undone", name,
             trajectory.frames, trajectory.spacing_ps, trajectory.duration_ps, len(seen.ion),
             trajectory.ions, len(seen.returns))


if __name__ == "__main__":
    run(main)
