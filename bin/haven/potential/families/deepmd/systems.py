"""The systems of a data set as a training takes them: joined, their neighbours counted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from haven.potential.systems import system_arrays


def neighbours(coords: np.ndarray, cells: np.ndarray, types: np.ndarray, kinds: int, cutoff: float
               ) -> np.ndarray:
    """Return the most neighbours of each kind that any atom has.

    Parameters
    ----------
    coords
        Positions, shape (F, A, 3), Angstrom.
    cells
        Shape (F, 3, 3), Angstrom.
    types
        Kind of each atom, shape (A,).
    kinds
        Number of kinds.
    cutoff
        Angstrom.

    Returns
    -------
    ndarray
        Shape (kinds,).
    """
    from ase.neighborlist import primitive_neighbor_list

    most = np.zeros(kinds, int)
    for xyz, cell in zip(coords, cells, strict=True):
        first, second = primitive_neighbor_list("ij", (True,) * 3, cell, xyz, cutoff)
        table = np.zeros((len(types), kinds), int)
        np.add.at(table, (first, types[second]), 1)
        most = np.maximum(most, table.max(axis=0))
    return most


def most_neighbours(dataset: dict[str, Any], cutoff: float) -> list[int]:
    """Return the most neighbours of each element that any atom of the data has.

    Parameters
    ----------
    dataset
        From `haven.potential.dataset.load`.
    cutoff
        Angstrom.
    """
    kinds = len(dataset["type_map"])
    most = np.zeros(kinds, int)
    for system in dataset["systems"]:
        a = system_arrays(dataset["root"] / system["path"])
        coords = a["coord"].reshape(len(a["coord"]), -1, 3)
        found = neighbours(coords, a["box"].reshape(-1, 3, 3), a["type"], kinds, cutoff)
        most = np.maximum(most, found)
    return most.tolist()


def choose_sel(most: Sequence[int]) -> list[int]:
    """Return places for neighbours of each element, from the most that any atom of the data has.

    A tenth and one place are added, since dynamics reaches denser surroundings than the frames
    have, and the sum is rounded up to a multiple of four. Each place costs time. Neighbours beyond
    the places are ignored; they are the farthest ones, which the cutoff has almost switched off.
    """
    return [int(4 * np.ceil((1.1 * n + 1) / 4)) for n in most]


def merge_systems(dataset: dict[str, Any], subset: str, folder: Path) -> list[str]:
    """Write the systems of a subset joined by atom list, so that a batch mixes trajectories.

    Returns
    -------
    list of str
        Absolute paths of the joined systems.
    """
    groups: dict[tuple[bytes, bool], list[dict[str, np.ndarray]]] = {}
    for system in dataset["systems"]:
        if system["subset"] == subset:
            arrays = system_arrays(dataset["root"] / system["path"])
            groups.setdefault((arrays["type"].tobytes(), "virial" in arrays), []).append(arrays)
    paths = []
    for number, members in enumerate(groups.values()):
        target = folder / subset / f"{number:03d}"
        (target / "set.000").mkdir(parents=True, exist_ok=True)
        np.savetxt(target / "type.raw", members[0]["type"], fmt="%d")
        (target / "type_map.raw").write_text("\n".join(dataset["type_map"]) + "\n")
        for name in members[0].keys() - {"type"}:
            joined = np.concatenate([m[name].reshape(len(m["coord"]), -1) for m in members])
            np.save(target / "set.000" / f"{name}.npy", joined)
        paths.append(str(target.resolve()))
    return paths
