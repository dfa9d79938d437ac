#!/usr/bin/env python3
"""Time the potential on this machine and put it beside the cost of first principles."""

from __future__ import annotations

import tempfile
from pathlib import Path

from haven.core import options, tables
from haven.core.errors import HavenError, existing, run
from haven.core.identity import sha256
from haven.cost.options import Timing
from haven.cost.tables import COST, SCALING
from haven.labels.tables import LABELS


def main(argv: list[str] | None = None) -> None:
    parser = options.parser(__doc__)
    options.add_given(parser, "material", "u_ev", "out",
                      structure="structure to repeat and time (extxyz)")
    add = parser.add_argument
    add("--potential", required=True, nargs="+", help="frozen potentials, such as with and "
        "without compression")
    add("--dataset", help="data set that --cost_networks take elements and neighbours from")
    add("--tables", help="folder with *.labels.parquet and *.potential.json")
    add("--aimd", nargs="*", default=[], help="first-principles trajectories (extxyz), of which "
        "those of this U are the base of the ratio; without one, the labels are")
    options.add_declared(parser, Timing)
    options.add_declared(parser, options.Operation, "gpu")
    args = parser.parse_args(argv)
    wanted = args.cost_networks or ()
    if wanted and not args.dataset:
        raise HavenError("--cost_networks needs --dataset")
    sizes, cores = sorted(set(args.cost_atoms)), sorted(set(args.cost_cores))

    from haven.cost import rows as cost
    from haven.cost import scaling, timing
    from haven.labels import aimd_checks
    from haven.material.file import load_material
    from haven.material.structures import read_structure
    from haven.potential import dataset
    from haven.potential.families import require_gpu, trainer

    card = require_gpu(args.potential[0]) if args.gpu else None
    material = load_material(args.material)
    name = material.name
    structure = read_structure(args.structure, material.species)
    potentials = [existing(path, "potential") for path in args.potential]
    rows: list[cost.Row] = []
    if args.tables:
        folder = existing(args.tables, "folder of tables")
        rows += cost.label_rows(tables.read_folder(LABELS, folder), name, args.u_ev)
        rows += cost.training_rows(folder, name, args.u_ev)
    for path in args.aimd:
        frames = aimd_checks.read_run(path, args.u_ev, material.species)
        rows += cost.aimd_rows(frames, name, args.u_ev)
    with tempfile.TemporaryDirectory(prefix="haven_cost_") as scratch:
        place = Path(scratch)
        rows += timing.dynamics_rows(name, args.u_ev, potentials, structure, sizes, cores,
                                     args.cost_steps, place, args.cost_limit_s, card)
        for number, text in enumerate(wanted):
            made = trainer().hardly_trained(text, dataset.load(args.dataset),
                                             place / f"network{number}")
            rows += timing.dynamics_rows(name, args.u_ev, made, structure, sizes, cores,
                                         args.cost_steps, place / f"runs{number}",
                                         args.cost_limit_s, card)
    digests = {str(path.name): sha256(path) for path in potentials}
    inputs = {"structure": sha256(args.structure), **digests}
    out, stem = Path(args.out), f"u{args.u_ev:g}"
    tables.write(COST, cost.add_ratios(rows), out / f"{stem}.cost.parquet", inputs)
    if grown := scaling.rows(rows):
        tables.write(SCALING, grown, out / f"{stem}.scaling.parquet", inputs)


if __name__ == "__main__":
    run(main)
