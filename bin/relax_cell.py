#!/usr/bin/env python3
"""Relax the cell with a potential, for every set of occupancies the material names.

The mobile ions of each cell are annealed first (--relax_anneal_ps): a lattice model put them where
they are, and the potential prefers another order.

Beside cells relaxed from first principles (--labelled), the same cells are relaxed with it, too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from haven.core.errors import existing, log, run
from haven.core.identity import digest_of, sha256
from haven.core.options import Operation, Seed, add, parser
from haven.dynamics.options import Anneal, Dynamics
from haven.labels.options import Thermostat
from haven.material.options import Forces, RelaxedCells


def main(argv: list[str] | None = None) -> None:
    """Write the table of lattice constants, and whether each cell stayed clear of the walls."""
    options = parser(__doc__)
    options.add_argument("--material", required=True, help="material file")
    options.add_argument("--potential", required=True, help="frozen potential")
    options.add_argument("--u_ev", type=float, required=True, help="Hubbard U, eV")
    add(options, Seed)
    add(options, RelaxedCells)
    add(options, Anneal, "anneal_temperature_k")
    add(options, Dynamics, "timestep_fs")
    add(options, Thermostat)
    add(options, Forces)
    add(options, Operation)
    options.add_argument("--out", default=".", help="folder for the tables")
    options.add_argument("--labelled", nargs="*", default=[], help="steps of cells relaxed from "
                         "first principles (relax_first_principles.py)")
    given = options.parse_args(argv)

    from haven.core import tables
    from haven.core.columns import VERDICTS
    from haven.core.tasks import set_threads
    from haven.dynamics.anneal import anneal_built
    from haven.dynamics.inputs import DynamicsInputs
    from haven.labels.cell import read_relaxed
    from haven.material.disorder import build
    from haven.material.file import load_material
    from haven.material.relaxation import (
        COARSE,
        POTENTIAL,
        conventional,
        misfit,
        relax_cell,
        system_name,
    )
    from haven.material.structures import wall_row, walls_of
    from haven.material.tables import LATTICE
    from haven.potential.coverage import read_coverage
    from haven.potential.families import calculator as open_calculator
    from haven.potential.families import check_potential, require_gpu

    if given.gpu:
        require_gpu(given.potential)
    set_threads(given.threads)
    material = load_material(given.material)
    repeat = given.relax_supercell
    model = existing(given.potential, "potential")
    check_potential(model, material.species)
    keys = {"material": material.name, "u_ev": given.u_ev, "seed": given.seed}
    rows, cells, verdicts, calculator = [], [], [], None
    out, name = Path(given.out), f"u{given.u_ev:g}"

    def annealed(atoms: Any, subject: str) -> tuple[Any, str]:
        inputs = DynamicsInputs(material, atoms, (model,), walls_of(material),
                                digest_of(atoms.positions.tolist(), atoms.cell.tolist()),
                                (sha256(model),), read_coverage(model))
        done, start, more = anneal_built(inputs, given, f"{name}_{subject}")
        verdicts.extend(more)
        return done, start

    def relaxed(
        atoms: Any, repeat: tuple[int, int, int], replica: int, start: str
    ) -> dict[str, Any]:
        nonlocal calculator
        about = {name: atoms.info[name] for name in ("occupancies", "system")}
        calculator = calculator or open_calculator(model, atoms)
        atoms.calc = calculator
        found = relax_cell(atoms, repeat, given.force_tolerance_ev_per_angstrom)
        rows.append({**keys, "replica": replica, **about, "engine": POTENTIAL, "start": start,
                     "atoms": len(atoms), **found})
        cells.append(atoms.copy())
        return found

    done: dict[tuple, str] = {}  # counts of a cell of whole atoms to the set relaxed with them
    for occupancies in material.occupancies:
        for replica in range(given.relax_replicas):
            atoms, sites = build(material, repeat, occupancies, given.seed + replica, 40)
            if (off := misfit(sites)) > COARSE:
                log.warning("%s: cells of %d atoms miss its occupancies by %.3f and are left out; "
                            "take a larger --relax_supercell", occupancies, len(atoms), off)
                break
            counts = tuple(sorted((str(row["site"]), str(row["species"]), str(row["count"]))
                                  for row in sites))
            if done.setdefault(counts, occupancies) != occupancies:
                log.info("%s: cells of %d atoms hold it as they hold %s, which is relaxed already",
                         occupancies, len(atoms), done[counts])
                break
            atoms.info = {"occupancies": occupancies, "system": system_name(material, occupancies)}
            atoms, start = annealed(atoms, f"{occupancies}_r{replica}")
            found = relaxed(atoms, repeat, replica, start)
            log.info("%s, replica %d: a %.3f b %.3f c %.3f Angstrom, beta %.2f degree%s",
                     occupancies, replica, found["a_angstrom"], found["b_angstrom"],
                     found["c_angstrom"], found["beta_degree"],
                     "" if found["converged"] else ": not converged")
    for path in given.labelled:
        row, start = read_relaxed(path, material, given.u_ev,
                                  given.force_tolerance_ev_per_angstrom)
        relaxed(start, (1, 1, 1), 0, "first principles")
        rows.append({**keys, "replica": 0, "start": "first principles", **row})
    if given.conventional_cell:
        cell, start = annealed(conventional(material, given.seed), "conventional")
        relaxed(cell, (1, 1, 1), 0, start)
        out.mkdir(parents=True, exist_ok=True)
        cells[-1].write(out / f"{name}.cell.extxyz")
    tables.write(LATTICE, rows, out / f"{name}.lattice.parquet", vars(given))
    walls = walls_of(material)
    verdicts.append(wall_row(cells, walls, material.name, "RELAX_CELL", f"{name} relaxed cells"))
    tables.write(VERDICTS, verdicts, out / f"{name}_lattice.verdicts.parquet", vars(given))


if __name__ == "__main__":
    run(main)
