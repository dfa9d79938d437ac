"""What a family of potentials must be able to do: the one door between potentials and their users.

A family is a kind of file that gives energies and forces: deep potentials, or pair potentials in
closed form. Everything outside ``haven.potential.families`` asks `haven.potential.families` for
the family of a file and calls what is named here; nothing else knows a family's format.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from ase import Atoms

Wall = tuple[str, str, float]  # two elements, and the distance in Angstrom below which they repel


@dataclass(frozen=True)
class Predictions:
    """What a potential predicts for the frames of one system.

    Attributes
    ----------
    energy
        Shape (F,), eV.
    force
        Shape (F, A, 3), eV/Angstrom.
    virial
        Shape (F, 3, 3), eV.
    """

    energy: np.ndarray
    force: np.ndarray
    virial: np.ndarray


@dataclass(frozen=True)
class Summary:
    """What a potential says of itself, as tables and the report print it.

    Attributes
    ----------
    model
        Network and precision, or functional form, in words.
    compressed
        Whether its embedding is tabulated; None where the file does not say or has none.
    """

    model: str
    compressed: bool | None


class Evaluator(Protocol):
    """A potential opened to predict labels of many frames."""

    elements: list[str]

    def predict(self, coords: np.ndarray, cells: np.ndarray, types: np.ndarray) -> Predictions:
        """Evaluate frames of one atom list.

        Parameters
        ----------
        coords
            Shape (F, A, 3), Angstrom.
        cells
            Rows are lattice vectors, shape (F, 3, 3), Angstrom.
        types
            Places of the atoms' elements in ``elements``, shape (A,).
        """
        ...


class Family(Protocol):
    """A kind of potential."""

    @property
    def name(self) -> str:
        """Name of the family."""
        ...

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Endings of its files."""
        ...

    def check(self, path: Path, species: Sequence[str]) -> None:
        """Raise `HavenError` where a file is damaged or lacks an element."""
        ...

    def check_ensemble(self, paths: Sequence[Path], species: Sequence[str]) -> None:
        """Raise `HavenError` where files are damaged or cannot be run side by side."""
        ...

    def check_structure(self, path: Path, atoms: Atoms) -> None:
        """Warn of what a potential cannot see in a structure."""
        ...

    def require_gpu(self, path: Path) -> str:
        """Raise `HavenError` where no GPU can be used with a file; return the GPU's name."""
        ...

    def summarise(self, path: Path) -> Summary:
        """Return what a file says of itself, without loading a library."""
        ...

    def calculator(self, path: Path) -> tuple[Any, Sequence[str]]:
        """Return an ASE calculator (energy, forces, stress) and the elements it knows."""
        ...

    def evaluator(self, path: Path) -> Evaluator:
        """Return the potential opened to predict labels."""
        ...

    def install(self, path: Path, folder: Path, number: int) -> str:
        """Put what LAMMPS reads of a potential into a folder; return the file's name there."""
        ...

    def pair_lines(
        self, names: Sequence[str], species: Sequence[str], deviation: tuple[str, int] | None,
        walls: Sequence[Wall], wall_ev: float,
    ) -> list[str]:
        """Return LAMMPS's lines for the pair interactions.

        Parameters
        ----------
        names
            As `install` gave them; forces are the first one's.
        species
            Elements in the order of the atom types.
        deviation
            File and interval in steps for the disagreement of several potentials, if wanted.
        walls
            Pairs held apart by a soft repulsion A (1 + cos(pi r / distance)), zero beyond.
        wall_ev
            That A, eV.
        """
        ...

    def environment(self, variables: dict[str, str], threads: int) -> None:
        """Add to the variables that LAMMPS is started with what it needs for this family."""
        ...

    def read_deviation(self, path: Path) -> np.ndarray:
        """Return step and largest force deviation (eV/Angstrom), shape (K, 2), of LAMMPS's file."""
        ...


def wall_lines(species: Sequence[str], walls: Sequence[Wall], wall_ev: float) -> list[str]:
    """Return LAMMPS's coefficients of the walls, for a ``soft`` part of ``hybrid/overlay``."""
    lines = ["pair_coeff * * soft 0.0"]
    for one, other, distance in walls:
        low, high = sorted((species.index(one) + 1, species.index(other) + 1))
        lines.append(f"pair_coeff {low} {high} soft {wall_ev:g} {distance:g}")
    return lines
