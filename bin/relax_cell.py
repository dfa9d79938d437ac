#!/usr/bin/env python3
"""Relax the cell with a potential, for every set of occupancies the material names.

With --engine gpaw one conventional cell is relaxed so, and from there with the labels' engine; both
are in the table, and a stopped call goes on where it was.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from haven.cli import HavenError, existing, log, parser, repeats, run

# Of the engine: settings of the labels.
NUMBERS = {"plane_wave_cutoff_ev": 340.0, "kpoint_spacing_per_angstrom": 0.6, "smearing_ev": 0.1}


def main(argv: list[str] | None = None) -> None:
    """Write the table of lattice constants, and whether each cell stayed clear of the walls."""
    options = parser(__doc__)
    options.add_argument("--material", required=True, help="material file")
    options.add_argument("--potential", required=True, help="frozen potential")
    options.add_argument("--u_ev", type=float, required=True, help="Hubbard U, eV")
    options.add_argument("--seed", type=int, default=1, help="seed of potential and disorder")
    options.add_argument("--relax_supercell", default="2,2,2",
                         help="conventional cells along a, b, c")
    options.add_argument("--relax_replicas", type=int, default=3, help="replicas of the disorder")
    options.add_argument("--force_tolerance_ev_per_angstrom", type=float, default=0.05,
                         help="limit of the forces")
    options.add_argument("--out", default=".", help="folder for the tables")
    options.add_argument("--engine", choices=("potential", "gpaw", "vasp"), default="potential",
                         help="what relaxes the cell in the end")
    options.add_argument("--functional", default="PBE", help="of the engine")
    for name, value in NUMBERS.items():
        options.add_argument(f"--{name}", type=float, default=value)
    options.add_argument("--work", default="relaxing", help="folder for the engine's steps")
    given = options.parse_args(argv)

    from haven import tables
    from haven.barriers import potential
    from haven.cell_relaxation import COARSE, POTENTIAL, misfit, relax_cell, system_name
    from haven.crystal import load_material
    from haven.disorder import build
    from haven.relaxation import wall_row, walls_of

    material = load_material(given.material)
    if given.engine != "potential":
        write_labelled(given, material)
        return
    repeat = repeats(given.relax_supercell, "relax_supercell")
    if given.relax_replicas < 1:
        raise HavenError("--relax_replicas needs whole numbers above 0")
    model = existing(given.potential, "potential")
    rows, cells, calculator = [], [], None
    for occupancies in material.occupancies:
        for replica in range(given.relax_replicas):
            atoms, sites = build(material, repeat, occupancies, given.seed + replica, 40)
            if (off := misfit(sites)) > COARSE:
                log.warning("%s: cells of %d atoms miss its occupancies by %.3f and are left out; "
                            "take a larger --relax_supercell", occupancies, len(atoms), off)
                break
            calculator = calculator or potential(model, atoms)
            atoms.calc = calculator
            found = relax_cell(atoms, repeat, given.force_tolerance_ev_per_angstrom)
            rows.append({"material": material.name, "u_ev": given.u_ev, "seed": given.seed,
                         "replica": replica, "occupancies": occupancies,
                         "system": system_name(material, occupancies), "engine": POTENTIAL,
                         "atoms": len(atoms), **found})
            cells.append(atoms.copy())
            log.info("%s, replica %d: a %.3f b %.3f c %.3f Angstrom, beta %.2f degree%s",
                     occupancies, replica, found["a_angstrom"], found["b_angstrom"],
                     found["c_angstrom"], found["beta_degree"],
                     "" if found["converged"] else ": not converged")
    out, name = Path(given.out), f"u{given.u_ev:g}"
    tables.write("lattice", rows, out / f"{name}.lattice.parquet", vars(given))
    walls = walls_of(material)
    tables.write("verdicts", [wall_row(cells, walls, material.name, f"{name} relaxed cells")],
                 out / f"{name}_lattice.verdicts.parquet", vars(given))


def write_labelled(given: Any, material: Any) -> None:
    """Relax one cell with the potential, from there with the engine."""
    from haven import tables
    from haven.barriers import potential
    from haven.cell_labelled import both_ways
    from haven.labelling import Settings

    settings = Settings(given.functional, *(getattr(given, name) for name in NUMBERS))
    model, name = existing(given.potential, "potential"), f"u{given.u_ev:g}"
    rows = both_ways(material, given.u_ev, given.seed, lambda atoms: potential(model, atoms),
                     given.engine, settings, Path(given.work) / name,
                     given.force_tolerance_ev_per_angstrom)
    tables.write("lattice", rows, Path(given.out) / f"{name}_cell.lattice.parquet", vars(given))


if __name__ == "__main__":
    run(main)
