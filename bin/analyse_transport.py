#!/usr/bin/env python3
"""Mean-square displacements, diffusion, Haven ratio and conductivity of one trajectory.

Reads Haven's npz, LAMMPS dumps, extxyz, ASE .traj, XDATCAR, and what an installed MDAnalysis reads;
usable alone: --trajectory T --species Li --temperature_k 298 --timestep_ps 0.1 --out DIR.
"""

from __future__ import annotations

from pathlib import Path

from haven.core.errors import HavenError, log, run
from haven.core.identity import run_id
from haven.core.options import add, add_name, parser
from haven.transport.options import Reference


def main(argv: list[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--trajectory", required=True, help="trajectory file")
    options.add_argument("--species", help="mobile element; default: the material's")
    options.add_argument("--material", help="material file, or just a name")
    options.add_argument("--u_ev", type=float, default=0.0, help="Hubbard U, eV")
    options.add_argument("--temperature_k", type=float, required=True, help="temperature, K")
    options.add_argument("--replica", type=int, default=0, help="disorder replica")
    options.add_argument("--seed", type=int, default=1, help="seed of the potential")
    add_name(options)
    options.add_argument("--frame_spacing_ps", "--timestep_ps", type=float,
                         help="time between two saved frames, ps")
    options.add_argument("--type_map", default="", help="elements of LAMMPS types 1 2 ..")
    options.add_argument("--topology", help="topology file, for MDAnalysis")
    options.add_argument("--cell_changes", action="store_true", help="accept NPT: mean cell")
    options.add_argument("--charge", type=float, help="charge of the mobile ion; default 1")
    add(options, Reference)
    options.add_argument("--jump_angstrom", type=float,
                         help="jump length; default: distance of neighbouring mobile ions")
    options.add_argument("--min_events", type=int, default=30, help="jumps needed for a number")
    options.add_argument("--out", default=".", help="folder for the tables")
    given = options.parse_args(argv)
    if given.temperature_k <= 0:
        raise HavenError(f"--temperature_k {given.temperature_k:g}: must be positive")
    if given.jump_angstrom is not None and not 0 < given.jump_angstrom < float("inf"):
        raise HavenError(f"--jump_angstrom {given.jump_angstrom:g}: must be positive")

    from haven.core import tables
    from haven.core.columns import VERDICTS
    from haven.trajectory import convert
    from haven.transport import condition, diffusion
    from haven.transport import displacements as msd
    from haven.transport import rows as transport
    from haven.transport.conductivity import nernst_einstein
    from haven.transport.hop_counts import watched_ps
    from haven.transport.tables import CONDUCTIVITY, DIFFUSION, MSD

    name, species, charge = Path(given.trajectory).stem, given.species, given.charge or 1.0
    if given.material and Path(given.material).suffix in (".yml", ".yaml"):
        from haven.material.file import load_material

        material = load_material(given.material)
        name, species = material.name, species or material.mobile
        charge = given.charge or float(material.charges.get(species, 1))
    elif given.material:
        name = given.material
    out = Path(given.out)
    out.mkdir(parents=True, exist_ok=True)
    trajectory = convert.open_trajectory(given.trajectory, species, out, given.frame_spacing_ps,
                                         given.type_map, given.topology, given.cell_changes)
    curves = msd.curves(trajectory, given.frame_of_reference)
    found = diffusion.estimate(trajectory, curves, given.jump_angstrom, given.min_events)
    prefix = given.name or run_id(given.u_ev, given.temperature_k, given.replica)
    checks = transport.host_checks(trajectory, prefix, name)
    checks += transport.motion_checks(found, prefix, name)
    for check in checks:
        if not check["passed"]:
            log.warning("%s: %s %.3g %s (limit %.3g): %s", prefix, check["check"], check["value"],
                        check["unit"], check["limit"], check["message"])
    ended = trajectory.meta.get("verdict", "stable")
    if ended != "stable":
        log.warning("%s: its dynamics were %s, so it gives no number", prefix, ended)
    if ended == "stable" and any(
            row["check"] == "host melt" and not row["passed"] for row in checks):
        ended = "melted"
    if ended != "stable":
        found = transport.unstable(found)
    keys = {"material": name, "u_ev": given.u_ev, "temperature_k": given.temperature_k,
            "replica": given.replica, "seed": given.seed}
    place = {**keys, "species": trajectory.symbol, "frame_of_reference": curves.frame_of_reference}
    sigma = transport.conductivity_rows(found, trajectory, given.temperature_k, charge, keys)
    seen_ps = watched_ps(curves.coarse.shape[1], curves.coarse_ps)
    written = (
        (MSD, transport.msd_rows(curves, place)),
        (DIFFUSION, transport.diffusion_rows(found, trajectory, {**place, "watched_ps": seen_ps})),
        (CONDUCTIVITY, sigma),
        (VERDICTS, checks),
    )
    inputs = {"trajectory": Path(given.trajectory).name, **trajectory.meta}
    for table, rows in written:
        stem = prefix if table is not VERDICTS else f"{prefix}_transport"
        tables.write(table, rows, out / f"{stem}.{table.name}.parquet", inputs)
    if ended == "stable" and found[0].verdict in ("unstable", "drifting"):
        ended = found[0].verdict
    siemens = nernst_einstein(1.0, trajectory.ions, trajectory.volume, given.temperature_k, charge)
    condition.write(condition.watched(trajectory, curves, keys, found[0].hop_events,
                                      given.jump_angstrom, float(siemens), ended),
                    out / f"{prefix}{condition.ENDING}", inputs)
    for one in found[:4]:
        span = (f"{one.value:.3g} [{one.low_95:.3g}, {one.high_95:.3g}]" if one.value is not None
                else "no value" + (f", below {one.high_95:.3g}" if one.high_95 else ""))
        log.info("%s %s: %s %s (%s, %d jumps)", prefix, one.quantity, span, one.unit, one.verdict,
                 one.hop_events)


if __name__ == "__main__":
    run(main)
