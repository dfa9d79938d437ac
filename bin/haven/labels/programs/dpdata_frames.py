"""Frames that the library dpdata has read, as ASE's atoms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from haven.core.reading.elements import element_of_kind

if TYPE_CHECKING:
    from ase import Atoms


def from_dpdata(system: Any, elements: Sequence[str] = ()) -> Iterator[Atoms]:
    """Yield the frames of a dpdata system, in eV and Angstrom; the virial becomes a stress.

    The stress is minus the virial over the volume, as ASE has it. ``elements`` are those of the
    atoms; without them they follow from the names of the kinds.
    """
    from ase import Atoms
    from ase.calculators.singlepoint import SinglePointCalculator

    data = system.data
    names = list(elements) or [element_of_kind(str(data["atom_names"][kind]))
                               for kind in data["atom_types"]]
    for number, (cell, positions) in enumerate(zip(data["cells"], data["coords"], strict=True)):
        atoms = Atoms(names, positions, cell=cell, pbc=True)
        results = {"energy": data["energies"][number], "forces": data["forces"][number]}
        if "virials" in data:
            results["stress"] = -data["virials"][number] / abs(float(np.linalg.det(cell)))
        atoms.calc = SinglePointCalculator(atoms, **results)
        yield atoms
