"""Options of dynamics with a potential, and of the dynamics that explores."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from haven.core.identity import run_id
from haven.core.options import Operation, add_declared, add_name, option
from haven.labels.options import Thermostat

WINDOW = (0.15, 1.0)  # eV/Angstrom: below it a potential knows a frame, above it the frame is wild


@dataclass(frozen=True)
class Dynamics:
    """Molecular dynamics at constant temperature."""

    timestep_fs: float = option(1.0, "time step", unit="fs", above=0, most=5)
    equilibration_ps: float = option(20.0, "time before the production", unit="ps", least=0,
                                     most=1_000_000)
    production_ps: tuple[float, ...] = option(
        (200.0,), "time of the production; one for all, or one for each of the temperatures in "
        "their order", unit="ps", above=0, most=1_000_000)
    dump_ps: float = option(0.1, "time between stored positions of the mobile ions", unit="ps",
                            above=0, most=1000)
    all_every: int = option(10, "positions of all atoms are stored at every n-th of those",
                            least=1, most=100_000)
    force_window_ev_per_angstrom: float = option(
        0.3, "largest calibrated force error (the ensemble's deviation times its measured factor) "
        "that counts as trusted", unit="eV/Angstrom", above=0, most=10)


@dataclass(frozen=True)
class Cell:
    """The cell that the dynamics keeps."""

    cell: str = option(
        "npt", "cell of the dynamics: npt (mean cell at the pressure and the run's temperature, "
        "from a short run at constant pressure), relaxed (by the potential at the pressure and "
        "0 K) or material (as the material file has it)", choices=("npt", "relaxed", "material"))
    pressure_gpa: float = option(0.0, "pressure of the cell at rest", unit="GPa", least=-2,
                                 most=100)


@dataclass(frozen=True)
class ConstantPressure:
    """The run at constant pressure that gives the cell."""

    cell_ps: float = option(10.0, "length of the run at constant pressure, for each U and "
                            "temperature", unit="ps", above=0, most=100_000)


@dataclass(frozen=True)
class Anneal:
    """How the mobile ions come to equilibrium before anything starts from them."""

    anneal_temperature_k: float = option(750.0, "temperature of the anneal", unit="K", above=0,
                                         most=5000)
    anneal_ps: float = option(
        60.0, "longest time of the anneal", unit="ps", least=0, most=100_000,
        more="It ends earlier, when it is stationary; 0 leaves it out, and the report says so")


@dataclass(frozen=True)
class Exploration:
    """Short hot dynamics of small cells with an ensemble of potentials."""

    explore_temperatures_k: tuple[float, ...] = option(
        (300.0, 450.0, 600.0, 900.0), "temperatures of the exploring dynamics", unit="K", above=0,
        most=3000, distinct=True)
    explore_ps: float = option(4.0, "length of each exploring run", unit="ps", above=0,
                               most=10_000)
    explore_dump_ps: float = option(0.05, "time between frames of an exploring run", unit="ps",
                                    above=0, most=1000, pipeline=False)
    explore_deviation_ev_per_angstrom: tuple[float, float] = option(
        WINDOW, "window of the ensemble's largest force deviation in which a frame is worth a "
        "label", unit="eV/Angstrom", least=0, most=100)


def parse_run(parser: argparse.ArgumentParser, argv: list[str] | None) -> argparse.Namespace:
    """Add what every script of dynamics takes, and return the options given, the run's name set.

    These are thermostat, operation and name; without a name the run is called after its U, its
    temperature if it has one, and its replica (``u4_t298_r0``, ``u4_r0``).
    """
    add_declared(parser, Thermostat)
    add_declared(parser, Operation)
    add_name(parser)
    args = parser.parse_args(argv)
    if not args.name and hasattr(args, "temperature_k"):
        args.name = run_id(args.u_ev, args.temperature_k, args.replica)
    args.name = args.name or f"u{args.u_ev:g}_r{args.replica}"
    return args
