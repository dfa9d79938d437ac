"""Radial distributions and jumps of a run that ``./haven transport`` has read already."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from haven.core.errors import HavenError
from haven.mechanism import rdf
from haven.mechanism.options import Distributions
from haven.mechanism.run_tables import hop_tables
from haven.mechanism.tables import RDF
from haven.trajectory import all_atoms
from haven.transport.command.command import Analysis, Beside, OpenRun, write_tables


def chosen(given: argparse.Namespace) -> list[Analysis]:
    """Return the analyses that the options ``--structure`` and ``--hops`` ask for."""
    asked_for = ((structure, given.structure), (write_jumps, given.hops))
    return [one for one, asked in asked_for if asked]


def structure(run: OpenRun) -> Beside:
    """Write the table ``rdf`` of a run, from its frames of all atoms.

    Raises
    ------
    HavenError
        If it holds none.
    """
    held = run.trajectories[0]
    if "all_time_ps" not in held.extra:
        raise HavenError(f"--structure: {held.path} holds no frames of all atoms: leave it out")
    symbols, frames = all_atoms.read_frames(held.path)
    half, times = held.spacing_ps / 2, np.asarray(held.extra["all_time_ps"])
    within = (times > held.time_ps[0] - half) & (times < held.time_ps[-1] + half)
    frames = [frame for frame, kept in zip(frames, within, strict=True) if kept]
    if not frames:
        raise HavenError(f"--structure: {held.path} holds no frame of all atoms between --start "
                         "and --stop: leave it out")
    usual = Distributions()
    table = rdf.rdf_table(symbols, frames, usual.rdf_max_angstrom, usual.rdf_bins)
    written = write_tables([(RDF, table.assign(**run.keys, source="dlmd"))], run.prefix,
                           run.inputs, run.out)
    return Beside(written, f"radial distributions: {table['pair'].nunique()} pairs, "
                           f"{len(frames)} frames of {len(symbols)} atoms")


def write_jumps(run: OpenRun) -> Beside:
    """Write the tables on jumps between the sites of a material file, as ``./haven hops`` does.

    Raises
    ------
    HavenError
        If the cell is none of the material.
    """
    from haven.material.file import load_material

    material = load_material(Path(run.material or ""))
    held = next(one for one in run.trajectories if one.symbol == material.mobile)
    found = hop_tables(material, held, run.keys)
    written = write_tables(found.rows.items(), run.prefix, run.inputs, run.out)
    return Beside(written, f"jumps between sites: {found.jumps} of {held.ions} {held.symbol}, "
                           f"{found.undone} undone")
