"""The label engine GPAW: one calculator that goes from frame to frame and from U to U."""

from __future__ import annotations

import importlib.metadata
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from haven.core.errors import HavenError, log
from haven.labels.engines.base import LabelSettings
from haven.material.crystal import Material

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True)
class Rung:
    """One way to self-consistency, tried when the ways before it failed.

    Attributes
    ----------
    name
        Name in the header of a frame that was labelled this way.
    fresh
        Whether to forget the density and the orbitals at hand.
    u_steps
        Shares of U to converge on the way, the last one 1.
    widths
        Multiples of the smearing width to converge on the way, the last one 1.
    """

    name: str
    fresh: bool = True
    u_steps: tuple[float, ...] = (1.0,)
    widths: tuple[float, ...] = (1.0,)


# Every rung ends at the U and the width asked for, so that all labels have one setting.
LADDER = (
    Rung("density at hand", fresh=False),
    Rung("from atoms"),
    Rung("ramp of U", u_steps=(0.0, 0.25, 0.5, 0.75, 1.0)),
    Rung("narrowing smearing", widths=(4.0, 2.0, 1.0)),
)


# Davidson steps a step of self-consistency, without and with U: with U, half-solved states stir the
# orbital order.
EIGENSOLVER_STEPS = (1, 2)


def rungs(u_ev: float) -> tuple[Rung, ...]:
    """Return the ways to self-consistency at this U, in the order in which they are tried.

    Without U those that raise U in steps are left out: they would repeat a start from atoms.
    """
    return tuple(rung for rung in LADDER if u_ev or len(rung.u_steps) == 1)


class Gpaw:
    """One GPAW calculator that goes from frame to frame and from U to U.

    A frame is converged at the smallest U first; the next U starts from that density and those
    orbitals, so that every U has the same orbital order to start with and needs few steps. A frame
    in the same cell starts from the frame before it.
    """

    def __init__(self, material: Material, settings: LabelSettings, log_file: Path) -> None:
        self.material = material
        self.settings = settings
        self.log_file = log_file
        self.calculator: Any = None
        self.cell: np.ndarray | None = None
        self.version = f"gpaw {importlib.metadata.version('gpaw')}"

    def _new_calculator(self, atoms: Atoms) -> None:
        from gpaw import PW
        from gpaw.old.calculator import GPAW

        settings = self.settings
        make: Any = GPAW
        self.calculator = make(
            mode=PW(settings.plane_wave_cutoff_ev), xc=settings.functional,
            kpts=settings.kpoints(np.asarray(atoms.cell)),
            occupations={"name": "fermi-dirac", "width": settings.smearing_ev, "fixmagmom": True},
            mixer={"method": "fullspin", "backend": "msr1"},
            symmetry={"point_group": False},
            # the criterion "maximum iterations" would end as if converged
            convergence=dict(settings.convergence), maxiter=settings.maximum_steps,
            txt=str(self.log_file),
        )
        self.cell = np.array(atoms.cell)

    def _set_hubbard(self, u_ev: float) -> None:
        """Set U on the shells of the material, and make sure that it acts where it should."""
        from gpaw.hubbard import parse_hubbard_string

        acting = self.material.hubbard_ev(u_ev)
        for setup in self.calculator.setups:
            u = acting.get(setup.symbol, 0.0)
            shell = self.material.hubbard.get(setup.symbol)
            setup.hubbard_u = parse_hubbard_string(f":{shell},{u}")[1] if u and shell else None
        here = {setup.symbol for setup in self.calculator.setups}
        lacking = [symbol for symbol in acting if symbol in here and not any(
            setup.hubbard_u is not None for setup in self.calculator.setups
            if setup.symbol == symbol)]
        if lacking:
            raise HavenError(f"GPAW sets no U on {', '.join(lacking)}: the label would be one "
                             "without U")

    def ways(self, u_ev: float) -> str:
        """Return the names of the rungs."""
        return ", ".join(rung.name for rung in rungs(u_ev))

    def label(self, atoms: Atoms, u_evs: list[float]) -> Iterator[tuple[float, dict[str, Any]]]:
        """Yield (U, results) as `haven.labels.engines.base.Engine` says."""
        for u_ev in sorted(u_evs):
            for number, rung in enumerate(rungs(u_ev), 1):
                found = self._climb(atoms, u_ev, rung)
                if found:
                    yield u_ev, {**found, "tries": number, "rung": rung.name}
                    break
                self.cell = None  # a density that did not converge is no start
                log.warning("  U = %g eV: not converged %s", u_ev, rung.name)

    def _climb(self, atoms: Atoms, u_ev: float, rung: Rung) -> dict[str, Any] | None:
        """Return the results at this U along one rung, or None where a step did not converge."""
        from gpaw import KohnShamConvergenceError

        start, busy, steps, energy = time.monotonic(), time.process_time(), 0, 0.0
        if rung.fresh or self.cell is None or not np.allclose(self.cell, atoms.cell):
            self._new_calculator(atoms)
        calculator: Any = self.calculator
        last = self.settings.width_ev(u_ev)
        stages = sorted({(share * u_ev, times * last) for share in rung.u_steps
                         for times in rung.widths}, key=lambda stage: (-stage[1], stage[0]))
        try:
            for stage_u, width_ev in stages:
                energy = self._converge(atoms, stage_u, width_ev)
                steps += int(calculator.scf.niter)
        except KohnShamConvergenceError:
            return None
        return {
            "energy": float(energy), "forces": calculator.get_forces(atoms).copy(),
            "stress": calculator.get_stress(atoms).copy(),
            "magmoms": calculator.get_magnetic_moments(atoms).copy(),
            "magmom": float(calculator.get_magnetic_moment(atoms)), "scf_steps": steps,
            "wall_s": time.monotonic() - start, "cpu_s": time.process_time() - busy, "cores": 1,
        }

    def _converge(self, atoms: Atoms, u_ev: float, width_ev: float) -> float:
        """Return the free energy (eV) at this U and width of the occupations."""
        calculator: Any = self.calculator
        calculator.results = {}
        if not calculator.scf:
            calculator.initialize(atoms)
        self._set_hubbard(u_ev)
        occupations = calculator.wfs.occupations
        # with a fixed moment, that of both spins holds that of one
        getattr(occupations, "occ", occupations)._width = width_ev
        calculator.wfs.eigensolver.niter = EIGENSOLVER_STEPS[u_ev > 0]
        calculator.scf.reset()
        calculator.density.mixer.reset()
        return calculator.get_potential_energy(atoms, force_consistent=True)
