#!/usr/bin/env python3
"""Relax the cell with a potential, for every set of occupancies the material names.

The mobile ions of each cell are annealed first (--relax_anneal_ps): a lattice model put them where
they are, and the potential prefers another order.

Cells that were relaxed from first principles (--labelled) are relaxed with the potential, too.
"""

from __future__ import annotations

from pathlib import Path

from haven.core.errors import existing, run
from haven.core.options import Operation, Seed, add_declared, add_given, asked, parser
from haven.dynamics.options import Anneal, Dynamics
from haven.labels.options import Thermostat
from haven.material.options import Forces, RelaxedCells


def main(argv: list[str] | None = None) -> None:
    """Write the table of lattice constants, and whether each cell stayed clear of the walls."""
    options = parser(__doc__)
    add_given(options, "material", "potential", "u_ev", out="folder for the tables")
    add_declared(options, Seed)
    add_declared(options, RelaxedCells)
    add_declared(options, Anneal, "anneal_temperature_k")
    add_declared(options, Dynamics, "timestep_fs")
    add_declared(options, Thermostat)
    add_declared(options, Forces)
    add_declared(options, Operation)
    options.add_argument("--labelled", nargs="*", default=[], help="steps of cells relaxed from "
                         "first principles (relax_first_principles.py)")
    given = options.parse_args(argv)

    from haven.core import tables
    from haven.core.columns import VERDICTS
    from haven.core.tasks import set_threads
    from haven.dynamics.annealing.relaxed_cells import CellsAtRest
    from haven.material.file import load_material
    from haven.material.structures import wall_row, walls_of
    from haven.material.tables import LATTICE
    from haven.potential.families import check_potential, check_u, require_gpu

    if given.gpu:
        require_gpu(given.potential)
    set_threads(given.threads)
    material, model = load_material(given.material), existing(given.potential, "potential")
    check_potential(model, material.species)
    check_u(model, given.u_ev)
    out, name = Path(given.out), f"u{given.u_ev:g}"
    found = CellsAtRest(material, model, given)
    found.with_occupancies()
    found.of_labels(given.labelled)
    if given.conventional_cell:
        cell = found.conventional_cell()
        out.mkdir(parents=True, exist_ok=True)
        cell.write(out / f"{name}.cell.extxyz")
    tables.write(LATTICE, found.rows, out / f"{name}.lattice.parquet", asked(given))
    verdicts = [*found.verdicts, wall_row(found.cells, walls_of(material), material.name,
                                          "RELAX_CELL", f"{name} relaxed cells")]
    tables.write(VERDICTS, verdicts, out / f"{name}_lattice.verdicts.parquet", asked(given))


if __name__ == "__main__":
    run(main)
