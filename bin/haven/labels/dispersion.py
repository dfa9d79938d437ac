"""Dispersion that a semilocal functional lacks, added to labels as a pairwise correction.

DFT-D3 with rational (Becke-Johnson) damping: Grimme, Antony, Ehrlich and Krieg, J. Chem. Phys. 132,
154104 (2010); Grimme, Ehrlich and Goerigk, J. Comput. Chem. 32, 1456 (2011). It depends on the
positions of the nuclei alone, so energies, forces and stresses of frames that are labelled already
are corrected without another first-principles calculation. The library is ``dftd3`` (s-dftd3).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from haven.core.errors import HavenError
from haven.labels.frames.reading import LabelledFrame

if TYPE_CHECKING:
    from ase import Atoms

    from haven.labels.engines.base import Engine

CHOICES = ("none", "d3bj")
KEY = "dispersion"  # of a frame's header: what its label holds already
# functionals by the names of GPAW and VASP -> the name under which dftd3 holds their parameters
PARAMETERS = {"PBE": "PBE", "PE": "PBE", "PBEsol": "PBEsol", "PS": "PBEsol", "revPBE": "revPBE",
              "RE": "revPBE", "RPBE": "RPBE", "RP": "RPBE", "SCAN": "SCAN", "BLYP": "BLYP"}


MOST_KEPT = 20_000  # corrections of one process: 5 kB each for cells of 80 atoms
_made: dict[tuple[str | bytes, ...], tuple[float, np.ndarray, np.ndarray]] = {}


def correction(atoms: Atoms, functional: str) -> tuple[float, np.ndarray, np.ndarray]:
    """Return the D3(BJ) energy, forces and stress of atoms; each geometry is computed once.

    It does not depend on U: frames labelled at several U share it.

    Parameters
    ----------
    atoms
        Periodic, positions in Angstrom.
    functional
        Whose parameters to use; a key of `PARAMETERS`.

    Returns
    -------
    tuple
        Energy in eV, forces (N, 3) in eV/Angstrom, stress (3, 3) in eV/Angstrom^3 with ASE's sign
        (positive under tension).

    Raises
    ------
    HavenError
        If there are no parameters for the functional, or the library is not installed.
    """
    if functional not in PARAMETERS:
        raise HavenError(f"--dispersion d3bj has no parameters for functional {functional}: "
                         f"{', '.join(PARAMETERS)} have, or leave the option out")
    if importlib.util.find_spec("dftd3") is None:
        raise HavenError("--dispersion d3bj needs the package dftd3: ./haven setup installs it")
    geometry = (atoms.numbers, atoms.cell.array, atoms.pbc, atoms.positions)
    key = (PARAMETERS[functional], *(np.ascontiguousarray(part).tobytes() for part in geometry))
    if key not in _made:
        from dftd3.ase import DFTD3

        copy = atoms.copy()
        copy.calc = DFTD3(method=PARAMETERS[functional], damping="d3bj")
        while len(_made) >= MOST_KEPT:
            _made.pop(next(iter(_made)))
        _made[key] = (float(copy.get_potential_energy()), np.asarray(copy.get_forces()),
                      np.asarray(copy.get_stress(voigt=False)))
    energy, forces, stress = _made[key]
    return energy, forces.copy(), stress.copy()


def with_dispersion(frames: Sequence[LabelledFrame], dispersion: str) -> list[LabelledFrame]:
    """Return labelled frames whose energy, forces and stress hold a dispersion correction.

    Parameters
    ----------
    frames
        Labels; those whose header says that they hold this correction are left as they are, and
        so are those with one that only another program makes, where none is asked for.
    dispersion
        One of `CHOICES`; ``none`` leaves frames as they are.

    Raises
    ------
    HavenError
        If a frame holds another correction than asked for, or does not say its functional.
    """
    made = []
    for frame in frames:
        has = str(frame.info.get(KEY, "none"))
        if has == dispersion or (dispersion == "none" and has not in CHOICES):
            made.append(frame)
            continue
        if has != "none":
            way = (f"give --dispersion {has}, or labels without" if has in CHOICES else
                   "Haven's dispersion is D3(BJ) or none, and labels with another one can't be "
                   "mixed with others: give labels without, or --dispersion none where all hold "
                   f"{has}")
            raise HavenError(f"{frame.where}: its label holds the dispersion correction {has}, "
                             f"asked for is {dispersion}: {way}")
        if "functional" not in frame.info:
            raise HavenError(f"{frame.where} does not say its functional, which the parameters of "
                             f"--dispersion {dispersion} depend on: write functional=PBE (or what "
                             "it is) into its header, or give --dispersion none")
        energy, forces, stress = correction(frame.atoms, str(frame.info["functional"]))
        made.append(replace(
            frame, energy=frame.energy + energy, forces=frame.forces + forces,
            stress=None if frame.stress is None else frame.stress + stress,
            info={**frame.info, KEY: dispersion}))
    return made


class Dispersed:
    """A label engine whose results hold a dispersion correction; see `engines.base.Engine`.

    Parameters
    ----------
    engine
        The engine that makes the labels without the correction.
    functional
        Its functional.
    """

    def __init__(self, engine: Engine, functional: str) -> None:
        self.engine, self.functional = engine, functional

    @property
    def version(self) -> str:
        """The engine's, which VASP tells in its first run."""
        return self.engine.version

    def ways(self, u_ev: float) -> str:
        """Return what was tried with a frame that did not converge at this U."""
        return self.engine.ways(u_ev)

    def label(self, atoms: Atoms, u_evs: list[float]) -> Iterator[tuple[float, dict[str, Any]]]:
        """Yield (U, results) as `haven.labels.engines.base.Engine` says, corrected."""
        energy, forces, stress = correction(atoms, self.functional)
        xx, yy, zz = stress.diagonal()
        voigt = np.array([xx, yy, zz, stress[1, 2], stress[0, 2], stress[0, 1]])
        for u_ev, result in self.engine.label(atoms, u_evs):
            yield u_ev, {**result, "energy": result["energy"] + energy,
                         "forces": np.asarray(result["forces"]) + forces,
                         "stress": np.asarray(result["stress"]) + voigt}
