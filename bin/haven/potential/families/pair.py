"""Ionic pair potentials in closed form, which need no training: LAMMPS's own style ``lepton``.

Between ions i and j at a distance r below the cutoff R,
``U(r) = k q_i q_j erfc(a r) / r + A exp((s_i + s_j - r) / rho)``, Born and Mayer's repulsion with
radii s (Fumi and Tosi, J. Phys. Chem. Solids 25, 31, 1964) and damped Coulomb forces; the
potential is ``U(r) - U(R) - (r - R) U'(R)``, so that energy and force go to zero at the cutoff
(Fennell and Gezelter, J. Chem. Phys. 124, 234104, 2006). Such a potential holds an ionic crystal
together at hardly any cost: to try a study out, and to test it. Its numbers are no prediction.

The file, ``u4_s1.pair``, is YAML::

    cutoff_angstrom: 5.5
    damping_per_angstrom: 0.3            # a
    repulsion_ev: 0.22                   # A
    stiffness_angstrom: 0.2              # rho
    charges: {Li: 0.4, Ti: 1.2, Cl: -0.4}
    radii_angstrom: {Li: 0.68, Ti: 0.76, Cl: 1.40}
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import combinations_with_replacement
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.calculators.calculator import Calculator, all_changes

from haven.core import tasks
from haven.core.constants import COULOMB_EV_ANGSTROM
from haven.core.errors import HavenError
from haven.core.reading.entries import read_entries
from haven.potential.families.base import Evaluator, Predictions, Summary, Wall, wall_lines

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True)
class Form:
    """Parameters of a file; units are in the names, charges in elementary charges."""

    cutoff_angstrom: float
    damping_per_angstrom: float
    repulsion_ev: float
    stiffness_angstrom: float
    charges: dict[str, float]
    radii_angstrom: dict[str, float]

    @property
    def elements(self) -> list[str]:
        """Elements the potential knows, in the file's order."""
        return list(self.charges)

    def bare(self, r: np.ndarray, charge: np.ndarray, contact: np.ndarray
             ) -> tuple[np.ndarray, np.ndarray]:
        """Return U and dU/dr (eV, eV/Angstrom) without the shift at the cutoff.

        Parameters
        ----------
        r
            Distances, shape (P,), Angstrom.
        charge, contact
            Products of the charges, and sums of the radii in Angstrom, shape (P,).
        """
        from scipy.special import erfc

        damping = self.damping_per_angstrom
        decay = erfc(damping * r) / r
        slope = -decay / r - 2 * damping / np.sqrt(np.pi) * np.exp(-((damping * r) ** 2)) / r
        push = self.repulsion_ev * np.exp((contact - r) / self.stiffness_angstrom)
        return (COULOMB_EV_ANGSTROM * charge * decay + push,
                COULOMB_EV_ANGSTROM * charge * slope - push / self.stiffness_angstrom)

    def shifted(self, r: np.ndarray, charge: np.ndarray, contact: np.ndarray
                ) -> tuple[np.ndarray, np.ndarray]:
        """Return the potential (P,) and its derivative (P,), zero at the cutoff; see `bare`."""
        energy, slope = self.bare(r, charge, contact)
        end, last = self.bare(np.full_like(r, self.cutoff_angstrom), charge, contact)
        return energy - end - last * (r - self.cutoff_angstrom), slope - last


def read_form(path: Path) -> Form:
    """Return the form that a file (YAML) declares.

    Raises
    ------
    HavenError
        If it is no such file, or a number is missing, of the wrong kind or out of range.
    """
    told = read_entries(path, "potential")
    names = {field.name for field in fields(Form)}
    if not isinstance(told, dict) or set(told) != names:
        odd = sorted(names ^ set(told if isinstance(told, dict) else ()))
        raise HavenError(f"potential {path} must say {', '.join(sorted(names))} and nothing else: "
                         f"see {', '.join(map(str, odd))}")
    numbers: dict[str, Any] = {}
    for name, value in told.items():
        parts = value if isinstance(value, dict) else {"": value}
        if isinstance(value, dict) != (name in ("charges", "radii_angstrom")) or not all(
                isinstance(part, int | float) and not isinstance(part, bool)
                and np.isfinite(part) for part in parts.values()):
            raise HavenError(f"potential {path}: {name} is {value}: it must be "
                             + ("a number for each element" if name in ("charges", "radii_angstrom")
                                else "a number"))
        numbers[name] = value
    for name in ("cutoff_angstrom", "stiffness_angstrom"):
        if not numbers[name] > 0:
            raise HavenError(f"potential {path}: {name} is {numbers[name]:g}: it must be above 0")
    for name in ("damping_per_angstrom", "repulsion_ev"):
        if numbers[name] < 0:
            raise HavenError(f"potential {path}: {name} is {numbers[name]:g}: it must not be below "
                             "0")
    form = Form(**numbers)
    if set(form.charges) != set(form.radii_angstrom) or not form.charges:
        raise HavenError(f"potential {path}: charges and radii_angstrom must name the same "
                         "elements")
    return form


class PairCalculator(Calculator):
    """ASE's view of a pair potential: energy, forces and stress."""

    implemented_properties: list[str] = [  # noqa: RUF012
        "energy", "free_energy", "forces", "stress"]

    def __init__(self, form: Form) -> None:
        super().__init__()
        self.form = form

    def calculate(
        self, atoms: Any = None, properties: Any = ("energy",), system_changes: Any = all_changes
    ) -> None:
        """Sum over all pairs within the cutoff, periodic images included."""
        super().calculate(atoms, properties, system_changes)
        symbols = atoms.get_chemical_symbols()
        energy, forces, virial = sums(self.form, atoms.positions, atoms.cell.array, symbols)
        stress = -virial / atoms.get_volume()
        self.results = {"energy": energy, "free_energy": energy, "forces": forces,
                        "stress": stress.ravel()[[0, 4, 8, 5, 2, 1]]}


def sums(
    form: Form, positions: np.ndarray, cell: np.ndarray, symbols: Sequence[str]
) -> tuple[float, np.ndarray, np.ndarray]:
    """Return energy (eV), forces (A, 3) (eV/Angstrom) and virial (3, 3) (eV) of one frame.

    Parameters
    ----------
    positions
        Cartesian, shape (A, 3), Angstrom.
    cell
        Rows are lattice vectors, shape (3, 3), Angstrom.
    symbols
        Element of each atom.
    """
    from ase.neighborlist import primitive_neighbor_list

    first, second, vector = primitive_neighbor_list(
        "ijD", (True,) * 3, cell, positions, form.cutoff_angstrom)
    r = np.linalg.norm(vector, axis=1)
    charge = np.array([form.charges[s] for s in symbols])
    radius = np.array([form.radii_angstrom[s] for s in symbols])
    energy, slope = form.shifted(r, charge[first] * charge[second], radius[first] + radius[second])
    pull = (slope / r)[:, None] * vector
    forces = np.zeros((len(positions), 3))
    np.add.at(forces, first, pull)
    return 0.5 * float(energy.sum()), forces, -0.5 * np.einsum("pa,pb->ab", pull, vector)


class Pair:
    """Pair potentials, see the module."""

    name = "pair"
    suffixes = (".pair",)

    def check(self, path: Path, species: Sequence[str]) -> None:
        """See `haven.potential.families.base.Family`."""
        known = read_form(path).elements
        if absent := [s for s in species if s not in known]:
            raise HavenError(f"potential {path} knows {', '.join(known)}, not "
                             f"{', '.join(absent)}: it is of another material")

    def check_ensemble(self, paths: Sequence[Path], species: Sequence[str]) -> None:
        """Refuse more than one file: an ensemble of untrained potentials has no meaning."""
        if len(paths) > 1:
            raise HavenError(f"{len(paths)} pair potentials are no ensemble ({paths[0]}, "
                             f"{paths[1]}, ...): give one, or set --ensemble 1")
        self.check(paths[0], species)

    def check_structure(self, path: Path, atoms: Atoms) -> None:
        """See `haven.potential.families.base.Family`; there is nothing to warn of."""

    def require_gpu(self, path: Path) -> str:
        """See `haven.potential.families.base.Family`."""
        return tasks.require_gpu()

    def summarise(self, path: Path) -> Summary:
        """See `haven.potential.families.base.Family`."""
        return Summary(f"ionic pairs, cutoff {read_form(path).cutoff_angstrom:g} Å", None)

    def divert_messages(self, path: Path) -> None:
        """See `haven.potential.families.base.Family`; there is no library that prints."""

    def calculator(self, path: Path) -> tuple[Any, Sequence[str]]:
        """See `haven.potential.families.base.Family`."""
        form = read_form(path)
        return PairCalculator(form), form.elements

    def evaluator(self, path: Path) -> Evaluator:
        """See `haven.potential.families.base.Family`."""
        return PairEvaluator(read_form(path))

    def install(self, path: Path, folder: Path, number: int) -> str:
        """Write the coefficients as a script that LAMMPS includes.

        A pair counts where both variables ``type_Li``, the atom types of its elements, are set.
        """
        form, lines = read_form(path), []
        for one, other in combinations_with_replacement(form.elements, 2):
            both = " && ".join(f"$(is_defined(variable,type_{s}))" for s in (one, other))
            lines.append(f'if "{both}" then "pair_coeff ${{type_{one}}} ${{type_{other}}} lepton '
                         f'{expression(form, one, other)}"')
        target = folder / f"potential{number}{path.suffix}"
        target.unlink(missing_ok=True)
        target.write_text("\n".join([
            f"pair_style hybrid/overlay lepton {form.cutoff_angstrom:.17g} soft 1.0", *lines, ""]))
        return target.name

    def pair_lines(
        self, names: Sequence[str], species: Sequence[str], deviation: tuple[str, int] | None,
        walls: Sequence[Wall], wall_ev: float,
    ) -> list[str]:
        """See `haven.potential.families.base.Family`."""
        types = [f"variable type_{s} index {n}" for n, s in enumerate(species, 1)]
        return [*types, f"include {names[0]}", *wall_lines(species, walls, wall_ev)]

    def environment(self, variables: dict[str, str], threads: int) -> None:
        """See `haven.potential.families.base.Family`; LAMMPS has the style itself."""

    def read_deviation(self, path: Path) -> np.ndarray:
        """Return none: there is no ensemble."""
        return np.empty((0, 2))


class PairEvaluator:
    """A pair potential as `haven.potential.families.base.Evaluator`."""

    def __init__(self, form: Form) -> None:
        self.form = form
        self.elements = form.elements

    def predict(self, coords: np.ndarray, cells: np.ndarray, types: np.ndarray) -> Predictions:
        """See `haven.potential.families.base.Evaluator`."""
        symbols = [self.elements[int(t)] for t in types]
        found = [sums(self.form, xyz, cell, symbols)
                 for xyz, cell in zip(coords, cells, strict=True)]
        energy, force, virial = (np.array(part) for part in zip(*found, strict=True))
        return Predictions(energy, force, virial)


def expression(form: Form, one: str, other: str) -> str:
    """Return the potential of a pair of elements as Lepton reads it, in eV and Angstrom."""
    charge = np.array([form.charges[one] * form.charges[other]])
    contact = np.array([form.radii_angstrom[one] + form.radii_angstrom[other]])
    end, slope = form.bare(np.array([form.cutoff_angstrom]), charge, contact)
    strength = COULOMB_EV_ANGSTROM * charge[0]
    attraction = f"{strength:.17g}*erfc({form.damping_per_angstrom:.17g}*r)/r"
    share = f"exp(({contact[0]:.17g}-r)/{form.stiffness_angstrom:.17g})"
    return (f"{attraction}+{form.repulsion_ev:.17g}*{share}-({end[0]:.17g})-({slope[0]:.17g})"
            f"*(r-{form.cutoff_angstrom:.17g})")
