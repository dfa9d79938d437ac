#!/usr/bin/env python3
"""Jumps of the mobile ions between sites, single tracks, van Hove functions, density maps."""

from __future__ import annotations

from pathlib import Path

from haven.core.errors import log, run
from haven.core.identity import run_id
from haven.core.options import add_name, parser


def main(argv: list[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--material", required=True, help="material file")
    options.add_argument("--trajectory", required=True, help="npz, LAMMPS dump, extxyz, ...")
    options.add_argument("--timestep_ps", type=float, help="time between frames, if not in it")
    options.add_argument("--type_map", default="", help="elements of LAMMPS types, in order")
    options.add_argument("--u_ev", type=float, required=True, help="Hubbard U, eV")
    options.add_argument("--temperature_k", type=float, required=True, help="temperature, K")
    options.add_argument("--replica", type=int, default=0, help="disorder replica")
    options.add_argument("--seed", type=int, default=0, help="seed of the potential")
    add_name(options)
    options.add_argument("--residence_ps", type=float, default=1.0,
                         help="a move undone sooner than this is no jump")
    options.add_argument("--core_share", type=float, default=0.4,
                         help="radius of a site's core as a share of the shortest site distance")
    options.add_argument("--out", default=".", help="folder for the tables")
    given = options.parse_args(argv)

    from haven.core import tables
    from haven.material.file import load_material
    from haven.mechanism import hops, tracks
    from haven.mechanism import van_hove as vanhove
    from haven.mechanism.tables import DENSITY, HOPS, TRACKS, VAN_HOVE
    from haven.trajectory import readers

    material = load_material(given.material)
    trajectory = readers.open_trajectory(given.trajectory, material.mobile, given.out,
                                         given.timestep_ps, given.type_map)
    lattice = hops.lattice_of(material, trajectory)
    core = hops.core_radius(lattice, given.core_share)
    seen = hops.hops_of(lattice, trajectory, given.residence_ps, core)
    host, views = trajectory.host, ((0, 1, 0), (1, 1, 0))
    thinned = tracks.thin(trajectory.frames, min(2000, max(50, 2_000_000 // trajectory.ions)))
    shown = tracks.choose_ions(trajectory.read_frames(thinned[[0, -1]]), host[thinned[[0, -1]]])
    table = {
        HOPS: hops.hop_table(lattice, seen, trajectory.ions, trajectory.duration_ps),
        TRACKS: tracks.track_table(lattice, trajectory, shown, core),
        VAN_HOVE: vanhove.van_hove_table(trajectory, host),
        DENSITY: tracks.density_table(
            lattice, trajectory.read_frames(thinned), host[thinned] - host[0], views),
    }
    keys = {"material": material.name, "u_ev": given.u_ev, "replica": given.replica,
            "temperature_k": given.temperature_k, "seed": given.seed}
    name = given.name or run_id(given.u_ev, given.temperature_k, given.replica)
    for what, rows in table.items():
        own = {"species": material.mobile} if what in (HOPS, DENSITY) else {}
        target = Path(given.out) / f"{name}.{what.name}.parquet"
        tables.write(what, rows.assign(**keys, **own), target, {"trajectory": trajectory.path.name})
    log.info("%s: %d hops of %d ions in %g ps, %d undone", name, len(seen.ion), trajectory.ions,
             trajectory.duration_ps, len(seen.returns))


if __name__ == "__main__":
    run(main)
