"""Nudged elastic bands with a climbing image, in periodic cells."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from haven.core.periodic import Floats
from haven.mechanism.interpolation import first_guesses

if TYPE_CHECKING:
    from ase import Atoms
    from ase.mep import NEB


@dataclass
class Band:
    """A relaxed band of images.

    Attributes
    ----------
    images
        Structures, ends included.
    energies
        (I,), eV.
    force_max
        Largest force across the band, eV/Angstrom.
    converged
        Whether that is below the limit.
    doubts
        Names of what is doubtful.
    """

    images: list[Atoms]
    energies: Floats
    force_max: float
    converged: bool
    doubts: list[str] = field(default_factory=list)


def relax_end(atoms: Atoms, force_tolerance: float, steps: int = 300) -> bool:
    """Move atoms in the fixed cell until no force exceeds the limit; return whether they do."""
    from ase.optimize import FIRE

    quiet: Any = None
    return bool(FIRE(atoms, logfile=quiet).run(fmax=force_tolerance, steps=steps))


def nudged_band(
    start: Atoms, end: Atoms, mover: int, images: int, force_tolerance: float, steps: int = 150
) -> Band:
    """Return the relaxed climbing-image band between two relaxed ends.

    A band whose highest image is one of its ends has no saddle point, and is returned without
    climbing.

    Parameters
    ----------
    start, end
        Ends with calculators; atoms in the same order, periodic images handled.
    mover
        Row of the ion that jumps.
    images
        Images between the ends.
    force_tolerance
        Limit of the force across the band, eV/Angstrom.
    steps
        Steps at most, of each of the two stages: without and with climbing.
    """
    from ase.mep import NEB

    cell = np.asarray(start.cell.array)
    paths = first_guesses(start.positions, end.positions, cell, mover, images)
    band = min((_chain(start, path) for path in paths), key=_highest)
    for image, fixed in ((band[0], start), (band[-1], end)):
        _freeze(image, fixed)
    neb = NEB(band, k=1.0, method="improvedtangent", allow_shared_calculator=True)
    _optimise(neb, 3 * force_tolerance, steps)
    if 0 < int(np.asarray(neb.energies).argmax()) < images + 1:
        neb.climb = True
        _optimise(neb, force_tolerance, steps)
    force_max = _largest(neb.get_forces())
    found = np.asarray(neb.energies)
    return Band(band, found - found[0], force_max, force_max <= force_tolerance)


def _largest(forces: Floats) -> float:
    return float(np.linalg.norm(np.reshape(forces, (-1, 3)), axis=1).max())


def _optimise(neb: NEB, force_tolerance: float, steps: int) -> None:
    """Relax a band by an adaptive integrator, and where that fails by FIRE."""
    from ase.mep.neb import NEBOptimizer
    from ase.optimize import FIRE

    def residual(F: Floats | None = None, X: Floats | None = None) -> float:
        return 0.0 if F is None else _largest(F)

    quick = NEBOptimizer(neb, logfile=None)  # pyright: ignore[reportArgumentType]
    vars(quick)["get_residual"] = residual  # ASE's own leaves out the climbing image
    if not quick.run(fmax=force_tolerance, steps=steps):
        sure = FIRE(neb, logfile=None)  # pyright: ignore[reportArgumentType]
        sure.run(fmax=force_tolerance, steps=steps)


def _chain(start: Atoms, path: Floats) -> list[Atoms]:
    band = [start.copy() for _ in path]
    for image, positions in zip(band, path, strict=True):
        image.positions = positions
        image.calc = start.calc
    return band


def _highest(band: list[Atoms]) -> float:
    return max(float(image.get_potential_energy()) for image in band[1:-1])


def _freeze(image: Atoms, relaxed: Atoms) -> None:
    from ase.calculators.singlepoint import SinglePointCalculator

    energy, forces = relaxed.get_potential_energy(), relaxed.get_forces()
    image.calc = SinglePointCalculator(image, energy=energy, forces=forces)
