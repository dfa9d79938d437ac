"""The interface of a family of potentials, through which all other code uses potentials.

A family is a kind of file that gives energies and forces: deep potentials, or pair potentials in
closed form. Everything outside ``haven.potential.families`` asks `haven.potential.families` for
the family of a file and calls what is named here; nothing else knows a family's format.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from ase import Atoms

    from haven.material.crystal import Material

Wall = tuple[str, str, float]  # two elements, and the distance in Angstrom below which they repel

SAME_U = 1e-6  # eV, between two statements of one U
UNCOMPRESSED = "uncompressed_"  # begins the name of the original beside a compressed potential


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


class Training(Protocol):
    """One training that options ask for; it travels to other processes, so it is a dataclass."""

    @property
    def seed(self) -> int:
        """Seed of everything random."""
        ...

    @property
    def steps(self) -> int:
        """Steps of the optimiser."""
        ...

    @property
    def cutoff_angstrom(self) -> float:
        """Cutoff radius of the potential, Angstrom."""
        ...

    @property
    def threads(self) -> int:
        """Processor threads."""
        ...

    def described(self) -> dict[str, Any]:
        """Return the settings that decide the result, by name: for provenance and identity."""
        ...

    def identity(self, more: str = "") -> tuple[str, ...]:
        """Return, as words, what decides the training beside settings and data; add ``more``."""
        ...

    def require_gpu(self) -> str:
        """Raise `HavenError` where no GPU can be used; return its name."""
        ...

    def check(self, dataset: Mapping[str, Any], species: Sequence[str], u_ev: float) -> None:
        """Refuse a training that cannot succeed, before any of it is run."""
        ...

    def choose_start(self, folder: str | Path, u_ev: float, species: Sequence[str]) -> Path:
        """Return the potential of a folder whose weights to start from."""
        ...

    def prepare(self, folder: Path) -> None:
        """Set the number of threads; redirect what libraries print into a file of the folder."""
        ...

    def make(self, folder: Path, dataset: Mapping[str, Any], init: Path | None) -> dict[str, Any]:
        """Train in a folder that is kept between attempts, and leave ``finished.json`` there.

        Returns
        -------
        dict
            ``model``, the potential's file in the folder; ``frozen``, the same before compression;
            ``train_trajectories``, as `haven.potential.seen.trained_on` gives them; and further
            entries of the family's own.
        """
        ...

    def curve(self, folder: Path) -> Path:
        """Return the file of the learning curve, in DeePMD-kit's columns."""
        ...

    def weights(self, folder: Path) -> Path | None:
        """Return a file of weights that is kept beside the potential, if the family has one."""
        ...

    def about(self) -> dict[str, Any]:
        """Return name, backend and versions of the program that trained, for ``potential.json``."""
        ...


class Trainer(Protocol):
    """What trains potentials of a family: its options, and the training that they ask for."""

    @property
    def name(self) -> str:
        """Name of the family."""
        ...

    @property
    def options(self) -> tuple[type, ...]:
        """Dataclasses that declare the options of a training."""
        ...

    @property
    def build(self) -> type:
        """The one of `options` that holds ``compress``: what is made of a trained potential."""
        ...

    @property
    def network_pattern(self) -> str:
        """Regular expression of a network in one word, as ``--cost_networks`` takes it."""
        ...

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add the options of a training to a script's."""
        ...

    def read(self, args: argparse.Namespace) -> Training:
        """Return the training that a script's options ask for."""
        ...

    def words(self, settings: Mapping[str, Any]) -> str:
        """Return the network of settings, as ``potential.json`` has them, in words."""
        ...

    def hardly_trained(self, network: str, dataset: dict[str, Any], folder: Path) -> list[Path]:
        """Return potentials of a network to time: a step's time does not depend on the weights.

        Parameters
        ----------
        network
            As `network_pattern` says.
        dataset
            From `haven.potential.dataset.load`; gives elements and places for neighbours.
        folder
            To work in; made.
        """
        ...

    def make_ready(
        self, given: Path, folder: Path, name: str, material: Material, compress: bool, gpu: bool
    ) -> None:
        """Write a given potential, or weights, in the form that runs on this machine use.

        Parameters
        ----------
        given
            A potential of the family, or what `Training.weights` named.
        folder, name
            Where it is written, and its name without ending. Of a potential that is compressed
            here, the original is written, too, as ``uncompressed_...``.
        material
            The crystal whose cells a compressed potential is held against the original on.
        compress
            Whether to compress it where that is possible.
        gpu
            Refuse where no GPU can be used.
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
        """Warn of atoms with more neighbours than the potential takes into account."""
        ...

    def require_gpu(self, path: Path) -> str:
        """Raise `HavenError` where no GPU can be used with a file; return the GPU's name."""
        ...

    def summarise(self, path: Path) -> Summary:
        """Return what a file says of itself, without loading a library."""
        ...

    def divert_messages(self, path: Path) -> None:
        """Redirect what the family's libraries print into a file, for the rest of the process."""
        ...

    def calculator(self, path: Path) -> tuple[Any, Sequence[str]]:
        """Return an ASE calculator (energy, forces, stress) and the elements it knows."""
        ...

    def evaluator(self, path: Path) -> Evaluator:
        """Return the potential opened to predict labels."""
        ...

    def install(self, path: Path, folder: Path, number: int) -> str:
        """Link or write the file that LAMMPS reads; return its name in the folder."""
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
