"""Options that the scripts of dynamics share."""

from __future__ import annotations

import argparse

from haven.core.errors import HavenError
from haven.core.options import add_name
from haven.dynamics.cell import CHOICES

NUMBERS = {
    "timestep_fs": (1.0, "time step"),
    "damping_fs": (100.0, "damping time of the Nosé-Hoover chain"),
    "checkpoint_minutes": (10.0, "wall time between restart files"),
    "pressure_gpa": (0.0, "pressure of the cell at rest"),
}


def add_run(parser: argparse.ArgumentParser) -> None:
    """Add the options that every run of dynamics has."""
    parser.add_argument("--material", required=True, help="material file")
    parser.add_argument("--u_ev", type=float, required=True, help="Hubbard U of the potential, eV")
    parser.add_argument("--replica", type=int, default=0, help="number of the disorder replica")
    parser.add_argument("--seed", type=int, default=1, help="seed of potential and velocities")
    for name, (value, text) in NUMBERS.items():
        parser.add_argument(f"--{name}", type=float, default=value, help=text)
    parser.add_argument("--threads", type=int, default=1, help="processor threads")
    parser.add_argument("--checkpoint_dir", help="folder for checkpoints that a retry goes on from")
    parser.add_argument("--gpu", action="store_true", help="refuse to run without a GPU")
    parser.add_argument("--out", default=".", help="folder for the results")
    add_name(parser)


def add_cell(parser: argparse.ArgumentParser) -> None:
    """Add the choice of the cell."""
    parser.add_argument("--cell", choices=CHOICES, default=CHOICES[0],
                        help="npt: mean cell at the pressure and temperature; relaxed: at the "
                        "pressure and 0 K; material: of the structure as it is")


def steps(length_ps: float, timestep_fs: float, name: str, least: float = 0.0) -> int:
    """Return the time steps of a length in ps; refuse one that is below ``least`` or no number."""
    if not least <= length_ps < float("inf"):
        raise HavenError(f"--{name} is {length_ps:g}: give at least {least:g} ps")
    return round(length_ps * 1000 / timestep_fs) if timestep_fs > 0 else 0
