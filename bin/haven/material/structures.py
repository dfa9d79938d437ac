"""Structures of a material: read and checked, and the pairs that its walls hold apart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from haven.core.errors import HavenError
from haven.core.reading.images import read_images

if TYPE_CHECKING:
    from ase import Atoms

    from haven.material.crystal import Material


FARTHEST = 1e5  # Angstrom from the origin beyond which no atom is, nor a cell so long


def read_structure(source: str | Path, species: Sequence[str]) -> Atoms:
    """Read a structure, the last of a file of several; see `read_structures`."""
    return read_structures(source, species, last_alone=True)[0]


def read_structures(
    source: str | Path, species: Sequence[str], last_alone: bool = False
) -> list[Atoms]:
    """Read structures; refuse one that has an element the material lacks, or no volume.

    Parameters
    ----------
    source
        Any format of ASE.
    species
        Elements of the material.
    last_alone
        Return the file's last structure alone.

    Raises
    ------
    HavenError
        What `haven.core.reading.images.read_images` and `check_structure` refuse; no atoms.
    """
    images = read_images(source, "structure", last_alone)
    for atoms in images:
        if not len(atoms):
            raise HavenError(f"structure {source} holds no atoms")
        check_structure(atoms, species, str(source))
    return images


def check_structure(atoms: Atoms, species: Sequence[str], source: str) -> None:
    """Refuse a structure of other elements, without a cell in three directions, or not finite.

    Parameters
    ----------
    atoms
        The structure.
    species
        Elements of the material.
    source
        Where it comes from, for messages.

    Raises
    ------
    HavenError
        Naming the source and what is wrong.
    """
    unknown = sorted(set(atoms.get_chemical_symbols()) - set(species))
    if unknown:
        raise HavenError(f"{source}: element {', '.join(unknown)} is not of the material "
                         f"({', '.join(species)})")
    for what, numbers in (("cell", atoms.cell.array), ("position", atoms.positions)):
        if not np.isfinite(numbers).all() or np.abs(numbers).max() > FARTHEST:
            row = int(np.argmax((~(np.abs(numbers) <= FARTHEST)).any(axis=1)))
            raise HavenError(f"{source}: the {what} in row {row} is {numbers[row]}: no structure "
                             "has it; write the file again")
    if not atoms.pbc.all() or atoms.cell.rank < 3:
        raise HavenError(f"{source}: the structure must be periodic in three directions")


def walls_of(material: Material) -> tuple[tuple[str, str, float], ...]:
    """Return the material's walls: pairs of elements and a distance, Angstrom."""
    return tuple((one, other, wall) for (one, other), wall in material.closest.items())


def wall_row(
    frames: Sequence[Atoms], walls: Sequence[tuple[str, str, float]], material: str, stage: str,
    subject: str,
) -> dict[str, Any]:
    """Return the row of table ``verdicts`` on the frames in which a wall acts.

    A wall acts on pairs closer than any labelled pair, where the potential is not trained. Results
    of frames in which it acts therefore rest partly on the wall; the message of the row says so.
    """
    from ase.neighborlist import neighbor_list

    touched: dict[str, int] = {}
    reach = {(one, other): distance for one, other, distance in walls}
    for atoms in frames if walls else ():
        symbols = atoms.get_chemical_symbols()
        first, second = neighbor_list("ij", atoms, reach)
        for pair in {"-".join(sorted((symbols[i], symbols[j])))
                     for i, j in zip(first, second, strict=True)}:
            touched[pair] = touched.get(pair, 0) + 1
    worst = max(touched.values(), default=0) / max(len(frames), 1)
    said = ", ".join(f"{pair} in {100 * n / len(frames):.2g} %" for pair, n in touched.items())
    return {"material": material, "stage": stage, "subject": subject, "check": "walls",
            "value": worst, "limit": 0.0, "unit": "", "passed": not touched,
            "message": f"share of frames in which a wall acts: {said}: the potential alone would "
            "leave its training data" if touched else "no wall acts"}


def write_data(path: Path, atoms: Atoms, species: Sequence[str]) -> np.ndarray:
    """Write a LAMMPS data file (atom style ``atomic``) and return the rotation into its frame.

    Parameters
    ----------
    path
        File to write.
    atoms
        Any right-handed periodic cell.
    species
        Elements in the order of LAMMPS's atom types.

    Returns
    -------
    ndarray
        Shape (3, 3): ``lammps = original @ rotation``, ``original = lammps @ rotation.T``.
    """
    from ase.calculators.lammps import Prism
    from ase.data import atomic_masses, atomic_numbers

    prism = Prism(atoms.cell.array, pbc=True)
    rotation = np.asarray(prism.rot_mat)
    xhi, yhi, zhi, xy, xz, yz = prism.get_lammps_prism()
    positions = atoms.positions @ rotation
    types = [species.index(s) + 1 for s in atoms.get_chemical_symbols()]
    lines = [
        "written by Haven", "", f"{len(atoms)} atoms", f"{len(species)} atom types", "",
        f"0.0 {xhi:.12f} xlo xhi", f"0.0 {yhi:.12f} ylo yhi", f"0.0 {zhi:.12f} zlo zhi",
        f"{xy:.12f} {xz:.12f} {yz:.12f} xy xz yz", "", "Masses", "",
        *[f"{n} {atomic_masses[atomic_numbers[s]]:.6f} # {s}" for n, s in enumerate(species, 1)],
        "", "Atoms # atomic", "",
        *[f"{n} {t} {x:.12f} {y:.12f} {z:.12f}"
          for n, (t, (x, y, z)) in enumerate(zip(types, positions, strict=True), 1)],
    ]
    path.write_text("\n".join(lines) + "\n")
    return rotation
