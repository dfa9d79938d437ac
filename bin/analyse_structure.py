#!/usr/bin/env python3
"""Radial distribution functions and coordination numbers of a trajectory.

For example: ./haven structure run_600K.lammpstrj --type_map 'Li Ti Cl'
"""

from __future__ import annotations

import argparse
from pathlib import Path

from haven.core.errors import HavenError, existing, log, run
from haven.core.identity import digests, run_id
from haven.core.options import TEMPERATURE_K, U_EV, add_declared, add_name, parser, whole
from haven.mechanism.options import Distributions


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
    options.add_argument("--u_ev", type=U_EV, default=0.0, help="Hubbard U, eV")
    options.add_argument("--temperature_k", type=TEMPERATURE_K,
                         help="temperature, K; left out: from a "
                                                             "name such as run_600K.xtc")
    options.add_argument("--replica", type=whole("replica"), default=0, help="disorder replica")
    options.add_argument("--seed", type=whole("seed"), default=1, help="seed of the potential")
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
    temperature = given.temperature_k or all_atoms.temperature_in(path.name)
    if temperature is None or not 0 < temperature < 1e5:
        raise HavenError(f"--temperature_k {given.temperature_k}: give the temperature of {path} "
                         "in K")
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
    keys = {
        "material": called,
        "u_ev": given.u_ev,
        "temperature_k": temperature,
        "replica": given.replica,
        "seed": given.seed if given.source == "dlmd" else None,
        "source": given.source,
    }
    name = given.name or run_id(given.u_ev, temperature, given.replica)
    suffix = "" if given.source == "dlmd" else f"_{given.source}"
    inputs = {"trajectory": path.name, "sha256": digests(path)}
    if given.source == "aimd" and (labels := read_run(path, given.u_ev, species)):
        tables.write(VERDICTS, verdict_rows(labels, called, f"{name}_aimd"),
                     Path(given.out) / f"{name}_aimd.verdicts.parquet", inputs)
    target = Path(given.out) / f"{name}{suffix}.rdf.parquet"
    tables.write(RDF, table.assign(**keys), target, inputs)
    log.info("%s: %d pairs, %d frames of %d atoms", name, table["pair"].nunique(), len(frames),
             len(symbols))


if __name__ == "__main__":
    run(main)
