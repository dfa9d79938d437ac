"""Command-line options of the labels' engine, the same for every script that calls it."""

from __future__ import annotations

import argparse

from haven.labels.labelling import Settings


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the engine and its settings (`haven.labels.labelling.Settings`)."""
    default = Settings()
    parser.add_argument("--engine", choices=("gpaw", "vasp"), default="gpaw",
                        help="program that labels; VASP by HAVEN_VASP and VASP_PP_PATH")
    parser.add_argument("--functional", default=default.functional,
                        help="exchange-correlation functional")
    for name in ("plane_wave_cutoff_ev", "kpoint_spacing_per_angstrom", "smearing_ev",
                 "smearing_with_u_ev"):
        parser.add_argument(f"--{name}", type=float, default=getattr(default, name), help=" ")
    parser.add_argument("--dispersion", choices=("none", "d3bj"), default=default.dispersion,
                        help="correction added to energy, forces and stress of each label")


def settings_of(args: argparse.Namespace) -> Settings:
    """Return the settings that the options say."""
    return Settings(args.functional, args.plane_wave_cutoff_ev, args.kpoint_spacing_per_angstrom,
                    args.smearing_ev, args.smearing_with_u_ev, dispersion=args.dispersion)
