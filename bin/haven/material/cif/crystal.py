"""What a CIF says of its crystal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class CifOrbit:
    """One orbit of a CIF: its points (M, 3) as fractions, and occupancy by element."""

    points: np.ndarray
    occupancy: dict[str, float]


@dataclass(frozen=True)
class CifCrystal:
    """The crystal of a CIF: cell vectors as rows (3, 3), Angstrom; group's number; sites."""

    cell: np.ndarray
    number: int
    sites: list[CifOrbit]
