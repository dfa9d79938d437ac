"""Command-line options of a training, the same for every script that trains."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from haven.core.options import Operation, add, option, read
from haven.potential.families.deepmd import settings


@dataclass(frozen=True)
class Build:
    """With what a potential is trained, and what is made of it."""

    backend: str = option(
        "tensorflow", "backend of DeePMD-kit, where installed", choices=tuple(settings.SUFFIX),
        more="Potentials of jax cannot drive LAMMPS: --potentials_only")
    compress: bool = option(True, "compress the frozen potential")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a training: its settings, backend, compression, checkpoints."""
    add(parser, settings.Settings)
    add(parser, Build)
    add(parser, Operation, "threads", "gpu", "checkpoint_dir")


def settings_of(args: argparse.Namespace) -> settings.Settings:
    """Return the settings that the options of `add_options` say."""
    return read(settings.Settings, args)
