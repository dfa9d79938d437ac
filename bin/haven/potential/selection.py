"""Frames worth labelling: unlike those labelled already, unlike one another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ase import Atoms

BINS = np.linspace(1.8, 5.5, 38)
NEAREST = 0.05  # neighbours per atom


def fingerprint(atoms: Atoms, elements: Sequence[str]) -> np.ndarray:
    """Return smoothed histograms of pair distances up to 5.5 Angstrom, for each pair of elements.

    Parameters
    ----------
    atoms
        A periodic frame.
    elements
        Those of all frames that are compared, in one order; the frame may lack some.

    Returns
    -------
    ndarray
        Neighbours per atom and bin, shape (pairs * bins,); equal for equal environments whatever
        the numbering of the atoms.
    """
    from ase.neighborlist import neighbor_list
    from scipy.ndimage import gaussian_filter1d

    first, second, distance = neighbor_list("ijd", atoms, float(BINS[-1]))
    symbols = np.array(atoms.get_chemical_symbols())
    parts = []
    for number, one in enumerate(elements):
        for other in elements[number:]:
            both = (symbols[first] == one) & (symbols[second] == other)
            counts, _ = np.histogram(distance[both], BINS)
            parts.append(gaussian_filter1d(counts / len(atoms), 1.0))
    return np.concatenate(parts)


def select_by_size(
    frames: list[Atoms], number: int, known: list[Atoms]
) -> tuple[list[int], list[float]]:
    """Choose as `select` does, among the cells of each size apart.

    A fingerprint is a mean over the atoms of a cell, so that fingerprints of large cells are close
    to one another, and large cells would hardly ever be chosen beside small ones. Each size
    therefore gets its share of the frames to choose. Known frames of other sizes count only where
    there is none of the same size.
    """
    sizes = Counter(len(atoms) for atoms in frames)
    exact = {size: min(number, len(frames)) * count / len(frames) for size, count in sizes.items()}
    quota = {size: int(share) for size, share in exact.items()}
    left = min(number, len(frames)) - sum(quota.values())
    for size in sorted(exact, key=lambda s: (quota[s] - exact[s], s))[:left]:
        quota[size] += 1
    chosen: list[int] = []
    distance: list[float] = []
    for size in sorted(quota):
        mine = [i for i, atoms in enumerate(frames) if len(atoms) == size]
        same = [atoms for atoms in known if len(atoms) == size]
        best, apart = select([frames[i] for i in mine], quota[size], same or known)
        chosen += [mine[i] for i in best]
        distance += apart
    return chosen, distance


def select(
    frames: list[Atoms], number: int, known: list[Atoms], nearest: float = NEAREST
) -> tuple[list[int], list[float]]:
    """Choose frames by farthest-point sampling of their fingerprints.

    Parameters
    ----------
    frames
        Candidates.
    number
        How many to choose at most.
    known
        Frames that are labelled already; candidates like them come last.
    nearest
        Candidates nearer than this to a known or chosen frame are duplicates and never chosen.

    Returns
    -------
    chosen
        Numbers of the chosen frames, most unlike first.
    distance
        Distance of each to all known and earlier chosen frames, neighbours per atom; that of a
        first frame with nothing known is to the mean of all.
    """
    from scipy.spatial.distance import cdist

    if not frames:
        return [], []
    elements = sorted({symbol for atoms in (*frames, *known) for symbol in atoms.symbols})
    points = np.array([fingerprint(atoms, elements) for atoms in frames])
    if known:
        seen = np.array([fingerprint(atoms, elements) for atoms in known])
        apart = cdist(points, seen).min(axis=1)
    else:
        apart = np.linalg.norm(points - points.mean(axis=0), axis=1) + nearest
    chosen: list[int] = []
    distance: list[float] = []
    while len(chosen) < min(number, len(frames)):
        best = int(np.argmax(apart))
        if apart[best] < nearest:
            break
        chosen.append(best)
        distance.append(float(apart[best]))
        to_best = np.linalg.norm(points - points[best], axis=1)
        apart = np.minimum(apart, to_best) if known or len(chosen) > 1 else to_best
    return chosen, distance
