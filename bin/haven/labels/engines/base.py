"""What a label engine must be able to do, and the settings that plane-wave engines share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from haven.core.options import option

if TYPE_CHECKING:
    from ase import Atoms

# Self-consistency is judged on energy (eV per valence electron), density (electrons per electron)
# and eigenstates (eV^2 per electron). The d electron of an open shell turns slowly into its best
# orbital: with GPAW's looser default for energy it has not, and forces are 0.1 eV/Angstrom off.
CONVERGENCE = {"energy": 1e-5, "density": 6e-5, "eigenstates": 3e-6}
FUNCTIONALS = ("PBE", "PW91", "PBEsol", "RPBE")  # known to both engines


@dataclass(frozen=True)
class LabelSettings:
    """Plane-wave settings of the labels.

    Attributes
    ----------
    functional
        Exchange-correlation functional, as GPAW names it.
    plane_wave_cutoff_ev
        Plane-wave cutoff, in eV.
    kpoint_spacing_per_angstrom
        Largest distance between k points, 2 pi included, in 1/Angstrom.
    smearing_ev
        Width of the Fermi-Dirac occupations without U, in eV. The d electron of an open shell then
        has states at its own energy to spread over, and forces follow the width: 0.025 eV, about
        room temperature, is converged, 0.1 eV is not (`tests/bench/convergence.csv`).
    smearing_with_u_ev
        The same with U, which opens a gap: forces hardly depend on it, and self-consistency is
        safer with a wide one.
    maximum_steps
        Self-consistency steps after which a try has failed.
    dispersion
        Correction added to energy, forces and stress: ``none`` or ``d3bj``
        (`haven.labels.dispersion`).
    """

    functional: str = option("PBE", "exchange-correlation functional", choices=FUNCTIONALS)
    plane_wave_cutoff_ev: float = option(340.0, "plane-wave cutoff", unit="eV", least=150,
                                         most=1500)
    kpoint_spacing_per_angstrom: float = option(
        0.6, "largest spacing of the k mesh, 2 pi included", unit="1/Angstrom", above=0, most=2)
    smearing_ev: float = option(
        0.025, "width of the Fermi-Dirac occupations of labels without U", unit="eV", above=0,
        most=1)
    smearing_with_u_ev: float = option(
        0.1, "width of the Fermi-Dirac occupations of labels with U, which opens a gap", unit="eV",
        above=0, most=1)
    maximum_steps: int = 150
    dispersion: str = option(
        "none", "dispersion correction in energy, forces and stress of each label",
        choices=("none", "d3bj"),
        more="It is added to given frames that do not have it yet; d3bj is DFT-D3 with "
        "Becke-Johnson damping")
    convergence: dict[str, float] = field(default_factory=lambda: dict(CONVERGENCE))

    def width_ev(self, u_ev: float) -> float:
        """Return the width of the occupations at a U, in eV."""
        return self.smearing_with_u_ev if u_ev else self.smearing_ev

    def kpoints(self, cell: np.ndarray) -> tuple[int, ...]:
        """Return the k mesh of a cell, rows are vectors, shape (3, 3), in Angstrom."""
        reciprocal = 2 * np.pi * np.linalg.norm(np.linalg.inv(cell).T, axis=1)
        return tuple(
            int(np.ceil(length / self.kpoint_spacing_per_angstrom - 1e-6)) for length in reciprocal
        )


class Engine(Protocol):
    """What makes labels."""

    @property
    def version(self) -> str:
        """Program and version, which go into every frame; before a first run the program alone."""
        ...

    def ways(self, u_ev: float) -> str:
        """Return in words the attempts that a frame which did not converge at this U has had."""
        ...

    def label(self, atoms: Atoms, u_evs: list[float]) -> Iterator[tuple[float, dict[str, Any]]]:
        """Yield (U, results) for each U that converged, in rising order.

        Results: ``energy`` (eV, free energy, consistent with the forces), ``forces`` (N, 3) eV/A,
        ``stress`` (6,) eV/A^3 in ASE's order and sign, ``magmoms`` (N,) and ``magmom`` in Bohr
        magnetons, ``scf_steps``, ``wall_s`` and ``cpu_s`` (seconds; the latter may be None),
        ``tries``, ``cores``, and ``rung``, the way that led there.
        """
        ...
