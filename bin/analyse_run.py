#!/usr/bin/env python3
"""Mean-square displacements, diffusion, Haven ratio and conductivity of trajectories.

Reads LAMMPS dumps, extxyz, XDATCAR, OUTCAR, vasprun.xml, ASE's .traj (plain, .gz, .bz2, .xz),
Haven's npz, and XTC, TRR, DCD, NetCDF where MDAnalysis is installed. Examples:

  ./haven transport run.lammpstrj --species Li --temperature_k 600 --frame_spacing_ps 0.1
  ./haven transport run_600K.xtc run_700K.xtc run_800K.xtc --topology top.pdb --species Li
  ./haven transport part1.dump part2.dump --species Li,Na --framework Cl --temperature_k 800
  ./haven transport run_600K.lammpstrj --material li3ticl6.yml --structure --hops

Files of one temperature are pieces of one run where each begins later than the one before, else
replicas. From three temperatures on, an Arrhenius line is fitted. Tables are written as Parquet and
CSV, and pictures of the displacements as PNG.
"""

from __future__ import annotations

from haven.core.errors import run


def main(argv: list[str] | None = None) -> None:
    from haven.transport.command.arguments import checked

    given = checked(__doc__, argv, beside=True)

    from haven.mechanism.beside import chosen
    from haven.transport.command.command import analysed

    analysed(given, chosen(given))


if __name__ == "__main__":
    run(main)
