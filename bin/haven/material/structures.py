"""Structures of a material: read and checked, and the pairs that its walls hold apart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from haven.core.errors import HavenError, existing

if TYPE_CHECKING:
    from ase import Atoms

    from haven.material.crystal import Material


def read_structure(source: str | Path, species: Sequence[str]) -> Atoms:
    """Read a structure; refuse one that has an element the material lacks, or no volume."""
    from ase import Atoms
    from ase.io import read

    path = existing(source, "structure")
    try:
        atoms = read(path)
    except Exception as error:
        reason = " ".join(str(error).split())[:160]
        raise HavenError(f"structure {path} cannot be read, cut off or of no known format "
                         f"({reason})") from error
    if not isinstance(atoms, Atoms) or not len(atoms):
        raise HavenError(f"structure {path} holds no atoms")
    unknown = sorted(set(atoms.get_chemical_symbols()) - set(species))
    if unknown:
        raise HavenError(f"{source}: element {', '.join(unknown)} is not of the material "
                         f"({', '.join(species)})")
    if not atoms.pbc.all() or atoms.cell.rank < 3:
        raise HavenError(f"{source}: the structure must be periodic in three directions")
    return atoms


def walls_of(material: Material) -> tuple[tuple[str, str, float], ...]:
    """Return the material's walls: pairs of elements and a distance, Angstrom."""
    return tuple((one, other, wall) for (one, other), wall in material.closest.items())


def wall_row(
    frames: Sequence[Atoms], walls: Sequence[tuple[str, str, float]], material: str, stage: str,
    subject: str,
) -> dict[str, Any]:
    """Return the row of table ``verdicts`` on pairs closer than the walls allow without acting.

    Where a wall acts, the potential alone would go where no label is: what follows rests partly
    on the wall and is said so.
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
    said = ", ".join(f"{pair} in {100 * n / len(frames):.0f} %" for pair, n in touched.items())
    return {"material": material, "stage": stage, "subject": subject, "check": "walls",
            "value": worst, "limit": 0.0, "unit": "", "passed": not touched,
            "message": f"share of frames in which a wall acts: {said}: the potential alone would "
            "leave its training data" if touched else "no wall acts"}
