#!/usr/bin/env python3
"""Relax one cell from first principles; every step is a labelled frame."""

from __future__ import annotations

import shutil
from pathlib import Path

from haven.core import options
from haven.core import tasks as guard
from haven.core.errors import log, run
from haven.labels import options as label_options
from haven.material.options import Forces


def main(argv: list[str] | None = None) -> None:
    """Relax or go on; write the steps as one extxyz file, and the table of lattice constants."""
    parser = options.parser(__doc__)
    options.add_given(parser, "material", "u_ev", out="folder for steps and table")
    add = parser.add_argument
    add("--start", required=True, help="one conventional cell near its minimum, such as "
        "relax_cell.py --conventional_cell writes")
    options.add_declared(parser, options.Seed)
    options.add_declared(parser, Forces)
    label_options.add_options(parser)
    options.add_declared(parser, options.Operation, "checkpoint_dir")
    args = parser.parse_args(argv)

    from haven.core import tables
    from haven.labels.aimd import key_of_aimd
    from haven.labels.cell_relaxation import FRAMES, lattice_row, relax_labelled
    from haven.labels.frames.reading import read_file
    from haven.labels.labelling import check_asked, hamiltonian, make_engine
    from haven.material.file import load_material
    from haven.material.structures import read_structure
    from haven.material.tables import LATTICE

    material = load_material(args.material)
    start = read_structure(args.start, material.species)
    check_asked(material, [args.u_ev], start.get_chemical_symbols())
    settings = label_options.settings_of(args)
    name, out = str(start.info.get("trajectory", f"relaxed_s{args.seed}")), Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    engine = make_engine(args.engine, material, settings, out)
    place = Path(args.checkpoint_dir or out / "checkpoints").resolve()
    about = {"u_ev": args.u_ev, **hamiltonian(material, args.engine, engine)}
    key = key_of_aimd(about, start, settings, engine.version)
    folder = place / f"relaxed_u{args.u_ev:g}_{key}"
    folder.mkdir(parents=True, exist_ok=True)
    with guard.alone(folder):
        if not relax_labelled(start, material, args.u_ev, args.engine, settings, folder,
                              args.force_tolerance_ev_per_angstrom):
            log.warning("%s did not converge: its table says so", name)
        target = out / f"{name}.u{args.u_ev:g}.extxyz"
        shutil.copyfile(folder / FRAMES, target)
    frames = read_file(target, args.u_ev, material.species)
    row = {"material": material.name, "u_ev": args.u_ev, "seed": args.seed, "replica": 0,
           **lattice_row(frames, args.force_tolerance_ev_per_angstrom)}
    tables.write(LATTICE, [row], out / f"u{args.u_ev:g}_cell.lattice.parquet",
                 options.asked(args))


if __name__ == "__main__":
    run(main)
