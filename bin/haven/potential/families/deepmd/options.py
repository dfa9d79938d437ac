"""Command-line options of a training, the same for every script that trains."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from haven.core.options import Operation, add, option, read
from haven.potential import training as potential


@dataclass(frozen=True)
class Build:
    """With what a potential is trained, and what is made of it."""

    backend: str = option(
        "tensorflow", "backend of DeePMD-kit, where installed", choices=tuple(potential.SUFFIX),
        more="Potentials of jax cannot drive LAMMPS: --potentials_only")
    compress: bool = option(True, "compress the frozen potential")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add options of `haven.potential.training.Settings`, backend, compression, checkpoints."""
    add(parser, potential.Settings)
    add(parser, Build)
    add(parser, Operation, "threads", "gpu", "checkpoint_dir")


def settings_of(args: argparse.Namespace) -> potential.Settings:
    """Return the settings that the options of `add_options` say."""
    return read(potential.Settings, args)
