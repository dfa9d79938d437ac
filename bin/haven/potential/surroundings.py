"""How far an atom's surroundings are from the nearest ones a potential was trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

REACH, WIDTH = 5.5, 0.1  # Angstrom: how far neighbours count, and the width of a bin
MOST = 20_000  # surroundings of one element kept to compare with


def fingerprints(
    coords: np.ndarray, cell: np.ndarray, types: np.ndarray, kinds: int
) -> np.ndarray:
    """Return each atom's smoothed counts of neighbours by kind and distance.

    The weight of a neighbour goes to zero towards 5.5 Angstrom, so that fingerprints change
    smoothly as atoms cross that distance. Angles are not taken into account.

    Parameters
    ----------
    coords
        Shape (A, 3), Angstrom.
    cell
        Shape (3, 3), Angstrom.
    types
        Kind of each atom, shape (A,).
    kinds
        Number of kinds.

    Returns
    -------
    ndarray
        Shape (A, kinds * bins), float32.
    """
    from ase.neighborlist import primitive_neighbor_list
    from scipy.ndimage import gaussian_filter1d

    first, second, distance = primitive_neighbor_list("ijd", (True,) * 3, cell, coords, REACH)
    bins = round(REACH / WIDTH)
    counts = np.zeros((len(types), kinds, bins))
    place = np.minimum((distance / WIDTH).astype(int), bins - 1)
    fade = 0.5 * (1 + np.cos(np.pi * distance / REACH))
    np.add.at(counts, (first, types[second], place), fade)
    smooth = gaussian_filter1d(counts, 2.0, axis=2, mode="constant")
    return smooth.reshape(len(types), -1).astype(np.float32)


def distances(
    train: Sequence[Mapping[str, Any]], test: Sequence[Mapping[str, Any]], kinds: int
) -> dict[tuple[str, int, int, int], float]:
    """Return how far the surroundings of tested atoms are from the nearest trained on.

    Parameters
    ----------
    train, test
        Systems with ``coord`` (F, A, 3), ``box`` (F, 3, 3), ``type`` (A,), ``trajectory``, and
        ``frames`` (F,), the frames' numbers.
    kinds
        Number of kinds.

    Returns
    -------
    dict
        (trajectory, frame, kind, number of the atom among its kind) to the Euclidean distance of
        `fingerprints`, in neighbours.
    """
    from scipy.spatial import cKDTree

    known: dict[int, list[np.ndarray]] = {}
    for system in train:
        for coords, cell in zip(system["coord"], system["box"], strict=True):
            prints = fingerprints(coords, cell, system["type"], kinds)
            for kind in range(kinds):
                known.setdefault(kind, []).append(prints[system["type"] == kind])
    rng = np.random.default_rng(0)
    trees = {}
    for kind, parts in known.items():
        every = np.concatenate(parts)
        some = every if len(every) <= MOST else every[rng.choice(len(every), MOST, replace=False)]
        trees[kind] = cKDTree(some) if len(some) else None
    found: dict[tuple[str, int, int, int], float] = {}
    for system in test:
        frames = zip(system["frames"], system["coord"], system["box"], strict=True)
        for frame, coords, cell in frames:
            prints = fingerprints(coords, cell, system["type"], kinds)
            for kind, tree in trees.items():
                mine = prints[system["type"] == kind]
                if tree is None or not len(mine):
                    continue
                for number, away in enumerate(tree.query(mine)[0]):
                    found[system["trajectory"], int(frame), kind, number] = float(away)
    return found
