"""The systems of a data set on disk, each a folder of frames of one list of atoms."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def system_arrays(folder: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a system of the data set (deepmd/npy) of F frames and A atoms.

    Parameters
    ----------
    folder
        Of the system.

    Returns
    -------
    dict
        ``coord`` (F, 3 A), Angstrom; ``box`` (F, 9), cell vectors one after another, Angstrom;
        ``energy`` (F,), eV; ``force`` (F, 3 A), eV/Angstrom; perhaps ``virial`` (F, 9), eV; and
        ``type`` (A,), places of the atoms' elements in the data set's ``type_map``.
    """
    sets = sorted(folder.glob("set.*"))
    names = sorted(f.stem for f in sets[0].glob("*.npy"))
    arrays = {n: np.concatenate([np.load(s / f"{n}.npy") for s in sets]) for n in names}
    return {**arrays, "type": np.loadtxt(folder / "type.raw", dtype=int, ndmin=1)}
