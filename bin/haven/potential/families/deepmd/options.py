"""What is made of a trained potential, and with which backend."""

from __future__ import annotations

from dataclasses import dataclass

from haven.core.options import option
from haven.potential.families.deepmd import settings


@dataclass(frozen=True)
class Build:
    """The backend of a training, and the forms its potential is written in."""

    backend: str = option(
        "tensorflow", "backend of DeePMD-kit, where installed", choices=tuple(settings.SUFFIX),
        more="Potentials of jax cannot drive LAMMPS: --potentials_only")
    compress: bool = option(
        True, "compress the frozen potential, trained or given, where energies and forces stay "
        "those of the original")
