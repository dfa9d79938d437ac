"""The label engine GPAW: one calculator that goes from frame to frame and from U to U."""

from __future__ import annotations

import importlib.metadata
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from haven.cli import log
from haven.crystal import Material
from haven.labelling import Settings

if TYPE_CHECKING:
    from ase import Atoms


class Gpaw:
    """One GPAW calculator that goes from frame to frame and from U to U.

    A frame is converged at the smallest U first; the next U starts from that density and those
    orbitals, so that every U has the same orbital order to start with and needs few steps. A frame
    in the same cell starts from the frame before it.
    """

    def __init__(self, material: Material, settings: Settings, log_file: Path) -> None:
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
            mixer={"method": "fullspin", "backend": "msr1"}, symmetry={"point_group": False},
            convergence={**settings.convergence, "maximum iterations": settings.maximum_steps},
            txt=str(self.log_file),
        )
        self.cell = np.array(atoms.cell)

    def _set_hubbard(self, u_ev: float) -> None:
        from gpaw.hubbard import parse_hubbard_string

        for setup in self.calculator.setups:
            shell = self.material.hubbard.get(setup.symbol)
            if shell:
                setup.hubbard_u = parse_hubbard_string(f":{shell},{u_ev}")[1] if u_ev else None

    def label(self, atoms: Atoms, u_evs: list[float]) -> Iterator[tuple[float, dict[str, Any]]]:
        """Yield (U, results) as `haven.labelling.Engine` says."""
        for u_ev in sorted(u_evs):
            found = None
            for fresh in (False, True):
                found = self._try(atoms, u_ev, fresh)
                if found:
                    yield u_ev, found
                    break
            if found is None:
                self.cell = None

    def _try(self, atoms: Atoms, u_ev: float, fresh: bool) -> dict[str, Any] | None:
        from gpaw import KohnShamConvergenceError

        start, busy = time.monotonic(), time.process_time()
        if fresh or self.cell is None or not np.allclose(self.cell, atoms.cell):
            self._new_calculator(atoms)
        calculator: Any = self.calculator
        calculator.results = {}
        try:
            if not calculator.scf:
                calculator.initialize(atoms)
            self._set_hubbard(u_ev)
            calculator.scf.reset()
            calculator.density.mixer.reset()
            energy = calculator.get_potential_energy(atoms, force_consistent=True)
            return {
                "energy": float(energy), "forces": calculator.get_forces(atoms).copy(),
                "stress": calculator.get_stress(atoms).copy(),
                "magmoms": calculator.get_magnetic_moments(atoms).copy(),
                "magmom": float(calculator.get_magnetic_moment(atoms)),
                "scf_steps": int(calculator.scf.niter),
                "wall_s": time.monotonic() - start, "cpu_s": time.process_time() - busy,
                "tries": 1 + int(fresh), "cores": 1,
            }
        except KohnShamConvergenceError:
            log.warning("  U = %g eV: not converged in %d steps%s", u_ev,
                        self.settings.maximum_steps, "" if fresh else "; from scratch")
            return None
