"""Net charge of a labelled cell: crystals are neutral, and labels of charged cells are refused.

A periodic cell with a net charge is computed in a uniform background that makes it neutral; its
energy, and with it its stress, depends on the size of the cell and is no energy of the crystal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from haven.core.errors import HavenError

HEADER = "charge"
HEADERS = (HEADER, "total_charge", "tot_charge", "net_charge", "cell_charge", "system_charge",
           "charge_e")
LEAST_CHARGE = 0.01  # e: what sums of printed valences and electrons may differ by


def excess(electrons: float, neutral: float) -> dict[str, float]:
    """Return the header of a cell's net charge, in elementary charges; {} of a neutral one.

    It is positive where electrons are missing.

    Parameters
    ----------
    electrons
        Its valence electrons.
    neutral
        Those of its neutral atoms, as a program prints them: the difference is 0 within
        `LEAST_CHARGE`.
    """
    charge = neutral - electrons
    return {HEADER: round(charge, 4)} if abs(charge) > LEAST_CHARGE else {}


def check_neutral(info: Mapping[str, Any], where: str) -> None:
    """Refuse a frame whose header says that its cell has a net charge.

    Parameters
    ----------
    info
        The header, of which any of `HEADERS` counts, in any case of letters.
    where
        File and frame, for messages.

    Raises
    ------
    HavenError
        Where the charge is not 0, or no number.
    """
    for key, value in info.items():
        if str(key).lower() not in HEADERS:
            continue
        try:
            charge = float(np.asarray(value, float).reshape(()))
        except (TypeError, ValueError):
            charge = np.nan
        if not np.isfinite(charge):
            raise HavenError(f"{where}: the header's {key} is {str(value)[:40]}: it must be the "
                             "net charge of the cell, one number; charges of atoms have another "
                             "name, such as charges")
        if abs(charge) > LEAST_CHARGE:
            raise HavenError(f"{where}: the cell has a net charge of {charge:+g} e: crystals are "
                             "neutral, and the energy of a charged cell depends on its size; "
                             "label it neutral, or leave it out")
