"""Pulay stress: the stress at a fixed cutoff minus that of a fixed number of plane waves.

A plane-wave program computes the stress at a fixed number of plane waves. Energies of cells of
different volumes are computed at a fixed cutoff, and so is the limit of a large basis; the Pulay
stress makes the two agree.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from haven.core.errors import log

if TYPE_CHECKING:
    from ase import Atoms

    from haven.labels.engines.base import Engine, LabelSettings

HEADER = "pulay_stress_ev_per_angstrom3"  # of a frame: belongs on the diagonal of its stress
MOST_PULAY = 0.03  # eV/Angstrom^3, 5 GPa: ten times that of a cutoff of 340 eV; more is a mistake
CUTOFF_STEP = 1.03  # of the second cutoff that tells how the energy depends on it


def pulay_energy(energies: tuple[float, float], cutoffs: tuple[float, float]) -> float:
    """Return the Pulay stress of a cell times its volume, which strain changes little.

    The number of plane waves below a cutoff goes as cutoff^(3/2) times volume, so that a cell of
    fixed waves loses cutoff as volume^(-2/3) when it grows (Francis and Payne, J. Phys.: Condens.
    Matter 2 (1990) 4395).

    Parameters
    ----------
    energies
        Total energy of one cell at two cutoffs, eV.
    cutoffs
        The cutoffs, eV; the first is the one in use.

    Returns
    -------
    float
        In eV, negative where the energy falls with the cutoff.
    """
    return 2 / 3 * cutoffs[0] * (energies[1] - energies[0]) / (cutoffs[1] - cutoffs[0])


def measured(
    atoms: Atoms, energy: float, u_ev: float, settings: LabelSettings,
    make: Callable[[LabelSettings], Engine],
) -> float | None:
    """Return `pulay_energy` of atoms by one more label at a higher cutoff.

    Parameters
    ----------
    atoms
        With their starting moments.
    energy
        Their energy at the settings' cutoff and this U, eV.
    make
        Makes the engine of some settings.

    Returns
    -------
    float or None
        In eV; None, with a warning, where the label at the higher cutoff did not converge.
    """
    cutoff = settings.plane_wave_cutoff_ev
    further = replace(settings, plane_wave_cutoff_ev=CUTOFF_STEP * cutoff)
    made = dict(make(further).label(atoms, sorted({0.0, u_ev})))
    if u_ev not in made:
        log.warning("stress left as it is: no label at a cutoff of %g eV, which would tell what it "
                    "lacks", further.plane_wave_cutoff_ev)
        return None
    return pulay_energy((energy, float(made[u_ev]["energy"])),
                        (cutoff, further.plane_wave_cutoff_ev))
