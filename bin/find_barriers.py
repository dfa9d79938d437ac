#!/usr/bin/env python3
"""Barriers of jumps along lattice directions, with climbing-image nudged elastic bands."""

from __future__ import annotations

from pathlib import Path

from haven.core.errors import existing, run
from haven.core.identity import digests
from haven.core.options import Operation, add_declared, add_given, parser, whole
from haven.material.options import Forces
from haven.mechanism.options import Bands


def main(argv: list[str] | None = None) -> None:
    options = parser(__doc__)
    add_given(options, "material", "potential", "u_ev", "replica",
              structure="minimised supercell", out="folder for the tables")
    options.add_argument("--seed", type=whole("seed"), default=1, help="seed of the potential")
    add_declared(options, Bands)
    add_declared(options, Forces)
    add_declared(options, Operation, "threads")
    options.add_argument("--hops", nargs="*", default=[], help="tables of hops: follow these too")
    options.add_argument("--hop_paths", type=whole("hop_paths", 0, 1000), default=2,
                         help="commonest hops to follow")
    given = options.parse_args(argv)

    from haven.core import tables
    from haven.core.columns import VERDICTS
    from haven.core.tasks import set_threads
    from haven.material.file import load_material
    from haven.mechanism import barriers, paths
    from haven.mechanism.tables import BAND_ATOMS, BARRIERS
    from haven.potential.families import calculator, check_u

    set_threads(given.threads)
    material = load_material(given.material)
    wanted = paths.directions_wanted(",".join(given.directions), given.hops, given.hop_paths,
                                     material)
    check_u(given.potential, given.u_ev)
    start, lattice, taken = paths.load_start(material, existing(given.structure, "structure"))
    start.calc = calculator(given.potential, start)
    tolerance = given.force_tolerance_ev_per_angstrom
    first = barriers.start_verdict(start, tolerance)
    atoms: list[dict[str, object]] = []
    rows, verdicts = barriers.all_barriers(start, lattice, taken, material.mobile, wanted,
                                           given.images, tolerance, given.paths_per_direction,
                                           atoms)
    name = f"u{given.u_ev:g}_r{given.replica}"
    keys = {"material": material.name, "u_ev": given.u_ev, "seed": given.seed,
            "replica": given.replica}
    out, inputs = Path(given.out), {
        "structure": given.structure, "potential": given.potential,
        "sha256": digests(given.structure, given.potential)}
    tables.write(BARRIERS, [{**row, **keys} for row in rows], out / f"{name}.barriers.parquet",
                 inputs)
    tables.write(BAND_ATOMS, [{**row, **keys} for row in atoms],
                 out / f"{name}.band_atoms.parquet", inputs)
    judged = [{**row, "material": material.name, "subject": name} for row in (first, *verdicts)]
    tables.write(VERDICTS, judged, out / f"{name}_barriers.verdicts.parquet", inputs)


if __name__ == "__main__":
    run(main)
