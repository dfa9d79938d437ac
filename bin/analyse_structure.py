#!/usr/bin/env python3
"""Radial distribution functions and coordination numbers of a trajectory."""

from __future__ import annotations

from pathlib import Path

from haven.core.errors import HavenError, existing, log, run
from haven.core.identity import run_id
from haven.core.options import add, add_name, parser
from haven.mechanism.options import Distributions


def main(argv: list[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--material", required=True, help="material file")
    options.add_argument("--trajectory", required=True,
                         help="Haven npz, LAMMPS dump, or any file ASE reads")
    options.add_argument("--type_map", default="", help="elements of LAMMPS types 1 2 ..")
    options.add_argument("--u_ev", type=float, required=True, help="Hubbard U, eV")
    options.add_argument("--temperature_k", type=float, required=True, help="temperature, K")
    options.add_argument("--replica", type=int, default=0, help="disorder replica")
    options.add_argument("--seed", type=int, default=1, help="seed of the potential")
    add_name(options)
    options.add_argument("--source", choices=("dlmd", "aimd", "dlmd_cell"), default="dlmd",
                         help="who made it; dlmd_cell: the potential in the cell of aimd")
    add(options, Distributions)
    options.add_argument("--out", default=".", help="folder for the table")
    given = options.parse_args(argv)

    from haven.core import tables
    from haven.core.columns import VERDICTS
    from haven.labels.aimd_checks import read_run, verdict_rows
    from haven.material.file import load_material
    from haven.mechanism import rdf
    from haven.mechanism.tables import RDF
    from haven.trajectory import all_atoms

    material = load_material(given.material)
    path = existing(given.trajectory, "trajectory")
    symbols, frames = all_atoms.read_frames(path, given.type_map.replace(",", " ").split())
    if unknown := sorted(set(symbols) - set(material.species)):
        raise HavenError(f"{path}: element {', '.join(unknown)} is not of the material "
                         f"({', '.join(material.species)})")
    table = rdf.rdf_table(symbols, frames, given.rdf_max_angstrom, given.rdf_bins)
    keys = {
        "material": material.name,
        "u_ev": given.u_ev,
        "temperature_k": given.temperature_k,
        "replica": given.replica,
        "seed": given.seed if given.source == "dlmd" else None,
        "source": given.source,
    }
    name = given.name or run_id(given.u_ev, given.temperature_k, given.replica)
    suffix = "" if given.source == "dlmd" else f"_{given.source}"
    if given.source == "aimd" and (labels := read_run(path, given.u_ev, material.species)):
        tables.write(VERDICTS, verdict_rows(labels, material.name, f"{name}_aimd"),
                     Path(given.out) / f"{name}_aimd.verdicts.parquet", {"trajectory": path.name})
    target = Path(given.out) / f"{name}{suffix}.rdf.parquet"
    tables.write(RDF, table.assign(**keys), target, {"trajectory": path.name})
    log.info("%s: %d pairs, %d frames of %d atoms", name, table["pair"].nunique(), len(frames),
             len(symbols))


if __name__ == "__main__":
    run(main)
