"""What a CIF says of its crystal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class CifLine:
    """One line of a CIF's sites.

    Attributes
    ----------
    label, element
        Its label, and the element it holds.
    state
        Oxidation state; None where the file gives none.
    point
        Fractions of the cell, shape (3,).
    share
        Occupancy.
    rounding
        Half of the last digit that the occupancy is printed with.
    multiplicity
        What the file says of it, as it is written.
    """

    label: str
    element: str
    state: float | None
    point: np.ndarray
    share: float
    rounding: float
    multiplicity: str


@dataclass(frozen=True)
class CifOrbit:
    """One orbit of a CIF: its points (M, 3) as fractions, and occupancy by element.

    ``rounding`` is by how much an occupancy may differ from what is printed, by element.
    """

    points: np.ndarray
    occupancy: dict[str, float]
    rounding: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class CifCrystal:
    """The crystal of a CIF: cell vectors as rows (3, 3), Angstrom; group's number; sites.

    ``states`` are the mean oxidation states of the elements all of whose atoms the file gives one.
    """

    cell: np.ndarray
    number: int
    sites: list[CifOrbit]
    states: Mapping[str, float]
