"""Frames that hold vacuum: isolated atoms, molecules and slabs have no volume of a crystal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from haven.core.periodic import heights

if TYPE_CHECKING:
    from ase import Atoms

    from haven.labels.frames.reading import LabelledFrame

VACUUM = 8.0  # Angstrom between layers of atoms: layered crystals with molecules in between have 7
DILUTE = 3.0  # times the usual volume of an atom: strained crystals stay within 1.3
ISOLATED = "isolatedatom"  # config_type, in MACE's and in GAP's spelling


def widest_gap(atoms: Atoms) -> float:
    """Return the widest layer parallel to a face of the cell without the centre of an atom.

    Angstrom; for a single atom the largest height of its cell.
    """
    fractional = np.sort(atoms.get_scaled_positions(wrap=True) % 1.0, axis=0)
    gaps = np.diff(fractional, axis=0, append=fractional[:1] + 1)
    return float((gaps.max(axis=0) * heights(atoms.cell.array)).max())


def dense_volumes(frames: Sequence[LabelledFrame]) -> list[float]:
    """Return the volumes of frames without vacuum (of all, where each holds some), one an atom.

    Angstrom^3 an atom.
    """
    dense = [frame for frame in frames if widest_gap(frame.atoms) < VACUUM] or frames
    return [frame.atoms.get_volume() / len(frame.atoms) for frame in dense]


def isolated(frames: Sequence[LabelledFrame]) -> dict[int, str]:
    """Return the frames of isolated atoms or molecules, with the reason to leave them out.

    They are named so (``config_type``), or their volume is several times the usual one. Slabs,
    whose labels are of condensed matter, are not among them.
    """
    usual = float(np.median(dense_volumes(frames))) if frames else 0.0
    found: dict[int, str] = {}
    for index, frame in enumerate(frames):
        each = frame.atoms.get_volume() / len(frame.atoms)
        kind = str(frame.info.get("config_type", ""))
        if kind.lower().replace("_", "") == ISOLATED:
            found[index] = f"isolated atoms: config_type {kind}, which is no crystal"
        elif each > DILUTE * usual:
            found[index] = (f"isolated atoms: {each:.3g} Angstrom^3 an atom, usual {usual:.3g}: "
                            "vacuum is no crystal")
    return found
