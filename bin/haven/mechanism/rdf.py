"""Radial distribution functions in any periodic cell, with intervals from blocks of time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING

import numpy as np

from haven.core.errors import HavenError
from haven.core.periodic import Floats, Ints, with_images
from haven.trajectory.all_atoms import CellPositions

if TYPE_CHECKING:
    import pandas as pd


def pair_names(symbols: Sequence[str]) -> list[tuple[str, str]]:
    """Return all pairs of elements, alphabetical within and among pairs."""
    return list(combinations_with_replacement(sorted(set(symbols)), 2))


def count_pairs(kinds: Ints, frame: CellPositions, edges: Floats, chunk: int = 4000) -> Floats:
    """Count the distances between points, and between points and all periodic images.

    Parameters
    ----------
    kinds
        Kind of each point, 0 to K - 1, (A,).
    frame
        Positions (A, 3) and cell (3, 3), Angstrom; skewed cells too.
    edges
        Edges of equal bins from 0, (B + 1,), Angstrom; the last may exceed half the cell.
    chunk
        Points handled at once.

    Returns
    -------
    ndarray
        Ordered pairs per kind, kind and bin, (K, K, B). A point is no neighbour of itself, its
        images are.
    """
    from scipy.spatial import KDTree

    positions, cell = frame
    number, bins, reach = int(kinds.max()) + 1, len(edges) - 1, float(edges[-1])
    around, row = with_images(positions, cell, reach)
    tree = KDTree(around, leafsize=32, balanced_tree=False, compact_nodes=False)
    total = np.zeros(number * number * bins)
    for start in range(0, len(positions), chunk):
        centres = KDTree(around[start : min(start + chunk, len(positions))])
        near = centres.sparse_distance_matrix(tree, reach, output_type="ndarray")
        place = np.floor(near["v"] * (bins / reach)).astype(np.int64)
        kept = (place < bins) & (near["j"] != near["i"] + start)
        pair = kinds[near["i"] + start] * number + kinds[row[near["j"]]]
        total += np.bincount((pair * bins + place)[kept], minlength=len(total))
    return total.reshape(number, number, bins)


def frame_rdf(
    symbols: Sequence[str], frame: CellPositions, edges: Floats
) -> dict[tuple[str, str], tuple[Floats, Floats]]:
    """Return g(r) and the running coordination number of every pair in one frame.

    Parameters
    ----------
    symbols
        Element of each atom.
    frame
        Positions (A, 3) and cell (3, 3), Angstrom.
    edges
        Edges of equal bins from 0, (B + 1,), Angstrom.

    Returns
    -------
    dict
        Pair to g and coordination, each (B,). The density of neighbours is their number over
        |det(cell)|.
    """
    elements, kinds, sizes = np.unique(symbols, return_inverse=True, return_counts=True)
    counts = count_pairs(kinds, frame, edges)
    shells = 4.0 / 3.0 * np.pi * np.diff(edges**3) / abs(float(np.linalg.det(frame[1])))
    order = {str(element): k for k, element in enumerate(elements)}
    result = {}
    for one, two in pair_names(symbols):
        found, first, second = counts[order[one], order[two]], sizes[order[one]], sizes[order[two]]
        result[one, two] = (found / (first * second * shells), np.cumsum(found) / first)
    return result


def block_interval(values: Floats, blocks: int = 10) -> tuple[Floats, Floats] | None:
    """Return the 95 % interval of a time average from the scatter of block averages.

    Parameters
    ----------
    values
        One row a frame, (T, B), in order of time.
    blocks
        Blocks at most; each has two frames at least.

    Returns
    -------
    tuple of ndarray or None
        Lower and upper ends, (B,); None where fewer than three blocks can be made.
    """
    from scipy.special import stdtrit

    number = min(blocks, len(values) // 2)
    if number < 3:
        return None
    means = np.stack([block.mean(axis=0) for block in np.array_split(values, number)])
    half = stdtrit(number - 1, 0.975) * means.std(axis=0, ddof=1) / np.sqrt(number)
    centre = values.mean(axis=0)
    return np.maximum(centre - half, 0.0), centre + half


def rdf_table(
    symbols: Sequence[str], frames: Sequence[CellPositions], rdf_max_angstrom: float, rdf_bins: int
) -> pd.DataFrame:
    """Return the rows of table ``rdf`` but for the keys of the run.

    Parameters
    ----------
    symbols
        Element of each atom.
    frames
        Positions (A, 3) and cell (3, 3) of each frame, Angstrom.
    rdf_max_angstrom
        Largest distance, Angstrom. Beyond half the cell, atoms see their own images.
    rdf_bins
        Number of bins.
    """
    import pandas as pd

    if rdf_max_angstrom <= 0 or rdf_bins < 1:
        raise HavenError("rdf_max_angstrom and rdf_bins must be positive")
    edges = np.linspace(0.0, rdf_max_angstrom, rdf_bins + 1)
    each = [frame_rdf(symbols, frame, edges) for frame in frames]
    parts = []
    for pair in pair_names(symbols):
        g = np.stack([one[pair][0] for one in each])
        near = np.stack([one[pair][1] for one in each]).mean(axis=0)
        interval = block_interval(g)
        ratio = symbols.count(pair[0]) / symbols.count(pair[1])
        part = {
            "pair": "-".join(pair),
            "r_angstrom": 0.5 * (edges[1:] + edges[:-1]),
            "g": g.mean(axis=0),
            "g_low_95": interval[0] if interval else np.nan,
            "g_high_95": interval[1] if interval else np.nan,
            "coordination": near,
            "coordination_reverse": near * ratio,
        }
        parts.append(pd.DataFrame(part))
    return pd.concat(parts, ignore_index=True)
