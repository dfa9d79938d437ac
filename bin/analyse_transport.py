#!/usr/bin/env python3
"""Mean-square displacements, diffusion, Haven ratio and conductivity of trajectories.

Reads LAMMPS dumps, extxyz, XDATCAR, OUTCAR, vasprun.xml, ASE's .traj (plain, .gz, .bz2, .xz),
Haven's npz, and XTC, TRR, DCD, NetCDF where MDAnalysis is installed. Examples:

  ./haven transport run.lammpstrj --species Li --temperature_k 600 --frame_spacing_ps 0.1
  ./haven transport run_600K.xtc run_700K.xtc run_800K.xtc --topology top.pdb --species Li
  ./haven transport part1.dump part2.dump --species Li,Na --framework Cl --temperature_k 800

Files of one temperature are pieces of one run where each begins later than the one before, else
replicas. From three temperatures on, an Arrhenius line is fitted. Tables are written as Parquet and
CSV, and pictures of the displacements as PNG.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from haven.core.errors import HavenError, log, run
from haven.core.options import add, add_name


def options() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    from haven.trajectory.options import add_reading
    from haven.transport.options import Estimation, Reference

    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", metavar="FILE", help="trajectory files")
    parser.add_argument("--trajectory", metavar="FILE", help="another way to name one file")
    what = parser.add_argument_group("what moves")
    what.add_argument("--species", metavar="ELEMENTS",
                      help="mobile element, or several such as Li,Na; default: the material's")
    what.add_argument("--charge", metavar="Z",
                      help="charge of the mobile ion, or one for each species (--charge=-1,2); "
                           "default: the usual one of the element")
    what.add_argument("--framework", default="", metavar="ELEMENTS",
                      help="elements of the solid host; default: all that are not mobile")
    what.add_argument("--ions", default="", metavar="NUMBERS",
                      help="these mobile ions alone, such as 1-16,20 (ids, or places from 1)")
    add(parser, Reference)
    add(parser, Estimation)
    what.add_argument("--material", metavar="NAME",
                      help="material file (.yml), or a name; default: formula of the cell")
    runs = parser.add_argument_group("runs")
    runs.add_argument("--temperature_k", default="", metavar="K",
                      help="temperature, or one for each file with commas between; default: from "
                           "the file or a name such as run_600K.xtc")
    runs.add_argument("--runs", choices=("auto", "one", "each"), default="auto",
                      help="files of one temperature are pieces of one run (one), a run each "
                           "(each), or what their times say (auto, the default)")
    runs.add_argument("--replica", type=int, default=0, metavar="N",
                      help="number of the first run (default 0)")
    runs.add_argument("--u_ev", type=float, default=0.0, metavar="EV",
                      help="Hubbard U of the potential (default 0)")
    runs.add_argument("--seed", type=int, default=1, metavar="N",
                      help="seed of the potential (default 1)")
    add_reading(parser)
    how = parser.add_argument_group("analysis")
    how.add_argument("--jump_angstrom", type=float, metavar="A",
                     help="jump length; default: distance of neighbouring mobile ions")
    how.add_argument("--min_events", type=int, default=30, metavar="N",
                     help="jumps needed for a number (default 30)")
    how.add_argument("--thickness_angstrom", type=float, metavar="A",
                     help="thickness of a slab: conductivity is per its volume")
    out = parser.add_argument_group("output")
    add_name(parser)
    out.add_argument("--out", default=".", metavar="FOLDER", help="folder for tables and pictures")
    out.add_argument("--json", action="store_true",
                     help="print every number as JSON, whose keys AGENTS.md lists; what is said "
                          "otherwise goes to the error stream")
    out.add_argument("--pictures", action=argparse.BooleanOptionalAction, default=True,
                     help="draw the displacements and the Arrhenius lines (default)")
    return parser


def main(argv: list[str] | None = None) -> None:
    given = options().parse_args(argv)
    files = [*given.files, *([given.trajectory] if given.trajectory else [])]
    if not files:
        raise HavenError("no trajectory: name one file or more")
    if given.jump_angstrom is not None and not 0.1 <= given.jump_angstrom < 100:
        raise HavenError(f"--jump_angstrom {given.jump_angstrom:g}: must be positive, a jump's "
                         "length in Angstrom (0.1 to 100)")
    if given.min_events < 1:
        raise HavenError(f"--min_events {given.min_events}: give 1 or more")
    if not -1e-9 <= given.u_ev < 20:
        raise HavenError(f"--u_ev {given.u_ev:g}: give a U of 0 to 20 eV")
    if given.replica < 0 or given.seed < 0:
        raise HavenError("--replica and --seed: give 0 or more")

    from haven.transport import command

    out = Path(given.out)
    written = command.study(given, files, out)
    runs, temperatures = command.temperatures(written)
    if runs > 1:
        written += fitted(given, out, written, temperatures)
    log.info("written to %s: %d tables (.parquet and .csv), %d pictures (.png)", out,
             sum(path.suffix == ".parquet" for path in written),
             sum(path.suffix == ".png" for path in written))
    if given.json:
        from haven.transport.summary import as_json

        print(as_json(written))


def fitted(
    given: argparse.Namespace, out: Path, written: list[Path], temperatures: int,
) -> list[Path]:
    """Join the runs of each temperature, and fit those of this command against 1/T."""
    import shutil
    import tempfile

    import fit_arrhenius

    from haven.transport import command, pictures

    if temperatures < 3:
        log.info("runs of %d temperatures: an Arrhenius line needs three", temperatures)
    with tempfile.TemporaryDirectory(dir=out, prefix=".fitting-") as folder:
        for path in written:
            if path.suffix in (".parquet", ".npz"):
                shutil.copy(path, folder)
        fit_arrhenius.main(["--tables", folder, "--out", str(out),
                            "--min_events", str(given.min_events)])
    found = [path for path in (out / f"{name}.parquet" for name in command.FITTED) if path.exists()]
    found += [command.as_csv(path) for path in found]
    if given.pictures and temperatures > 1:
        found += command.lines(written, out, pictures.arrhenius)
    return found


if __name__ == "__main__":
    run(main)
