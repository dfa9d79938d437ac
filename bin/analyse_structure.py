#!/usr/bin/env python3
"""Radial distribution functions and coordination numbers of a trajectory.

For example: ./haven structure run_600K.lammpstrj --type_map 'Li Ti Cl'
"""

from __future__ import annotations

import argparse
from pathlib import Path

from haven.core.errors import HavenError, existing, log, run
from haven.core.identity import digests, run_id
from haven.core.options import add_declared, add_name, parser
from haven.mechanism.options import Distributions
from haven.trajectory.options import add_keys, keys_of


def arguments(argv: list[str] | None) -> argparse.Namespace:
    """Return the options of a command line."""
    options = parser(__doc__)
    options.add_argument("file", nargs="?", metavar="FILE",
                         help="npz, LAMMPS dump, extxyz, XDATCAR, XTC, .. or a structure")
    options.add_argument("--trajectory", metavar="FILE", help="another way to name the file")
    options.add_argument("--material", help="material file, whose elements alone may be there; "
                                            "left out: the cell's formula")
    options.add_argument("--type_map", default="", help="elements of LAMMPS types 1 2 ..")
    options.add_argument("--topology", help="file that names the atoms, for DCD, XTC, TRR, NetCDF")
    add_keys(options)
    add_name(options)
    options.add_argument("--source", choices=("dlmd", "aimd", "dlmd_cell"), default="dlmd",
                         help="who made it; dlmd_cell: the potential in the cell of aimd")
    add_declared(options, Distributions)
    options.add_argument("--out", default=".", help="folder for the table")
    return options.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Write the table of radial distributions, and for a labelled run its verdicts."""
    given = arguments(argv)

    from haven.core import tables
    from haven.core.columns import VERDICTS
    from haven.labels.aimd_checks import read_run, verdict_rows
    from haven.material.file import load_material
    from haven.mechanism import rdf
    from haven.mechanism.tables import RDF
    from haven.trajectory import all_atoms

    if not (given.file or given.trajectory):
        raise HavenError("no trajectory: name a file")
    path = existing(given.file or given.trajectory, "trajectory")
    told = keys_of(given, (path,))
    symbols, frames = all_atoms.read_frames(path, given.type_map.replace(",", " ").split(),
                                            given.topology)
    if given.material:
        material = load_material(given.material)
        called, species = material.name, tuple(material.species)
    else:
        called, species = all_atoms.formula(symbols), tuple(sorted(set(symbols)))
    if unknown := sorted(set(symbols) - set(species)):
        raise HavenError(f"{path}: element {', '.join(unknown)} is not of the material "
                         f"({', '.join(species)})")
    table = rdf.rdf_table(symbols, frames, given.rdf_max_angstrom, given.rdf_bins)
    keys = {"material": called, **told, "source": given.source}
    if given.source != "dlmd":
        keys["seed"] = None
    name = given.name or run_id(told["u_ev"], told["temperature_k"], told["replica"])
    suffix = "" if given.source == "dlmd" else f"_{given.source}"
    inputs = {"trajectory": path.name, "sha256": digests(path)}
    if given.source == "aimd" and (labels := read_run(path, told["u_ev"], species)):
        tables.write(VERDICTS, verdict_rows(labels, called, f"{name}_aimd"),
                     Path(given.out) / f"{name}_aimd.verdicts.parquet", inputs)
    target = Path(given.out) / f"{name}{suffix}.rdf.parquet"
    tables.write(RDF, table.assign(**keys), target, inputs)
    log.info("%s: %d pairs, %d frames of %d atoms", name, table["pair"].nunique(), len(frames),
             len(symbols))


if __name__ == "__main__":
    run(main)
