"""Frames of trajectories worth labelling: within the deviation window, unlike one another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ase import Atoms

BINS = np.linspace(1.8, 5.5, 38)


def fingerprint(atoms: Atoms) -> np.ndarray:
    """Return smoothed histograms of pair distances up to 5.5 Angstrom, for each pair of elements.

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
    elements = sorted(set(symbols))
    parts = []
    for number, one in enumerate(elements):
        for other in elements[number:]:
            both = (symbols[first] == one) & (symbols[second] == other)
            counts, _ = np.histogram(distance[both], BINS)
            parts.append(gaussian_filter1d(counts / len(atoms), 1.0))
    return np.concatenate(parts)


def select(
    frames: list[Atoms], number: int, deviation: np.ndarray | None = None,
    window: tuple[float, float] = (0.0, np.inf), known: list[Atoms] | None = None,
) -> list[int]:
    """Choose frames by farthest-point sampling of their fingerprints.

    Parameters
    ----------
    frames
        Candidates.
    number
        How many to choose at most.
    deviation
        Largest force deviation of the ensemble on each frame, shape (F,), eV/Angstrom.
    window
        Frames whose deviation is outside are passed over: below, the potential knows them; above,
        they are likely unphysical.
    known
        Frames that are labelled already; candidates like them come last.

    Returns
    -------
    list of int
        Numbers of the chosen frames, most unlike first.
    """
    allowed = np.ones(len(frames), bool)
    if deviation is not None:
        allowed = (deviation >= window[0]) & (deviation < window[1])
    candidates = np.flatnonzero(allowed)
    if not len(candidates):
        return []
    points = np.array([fingerprint(frames[i]) for i in candidates])
    if known:
        seen = np.array([fingerprint(atoms) for atoms in known])
        nearest = np.linalg.norm(points[:, None] - seen[None], axis=2).min(axis=1)
    else:
        nearest = np.linalg.norm(points - points.mean(axis=0), axis=1)
    chosen: list[int] = []
    while len(chosen) < min(number, len(candidates)):
        best = int(np.argmax(nearest))
        if chosen and nearest[best] <= 1e-9:
            break
        chosen.append(int(candidates[best]))
        apart = np.linalg.norm(points - points[best], axis=1)
        nearest = np.minimum(nearest, apart) if known or len(chosen) > 1 else apart
    return chosen
