"""Points of a crystal that are too near for two ions, and ions moved off them.

Averages that diffraction gives hold such points: alternatives of a split site, or two kinds of
sites whose ions avoid each other (24d and 96h of a garnet, 24g and 48h of an argyrodite).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache

import numpy as np

from haven.material.distances import pair_limit

TRIALS = 10  # moves tried for each point, after which too near ions stay; a garnet needs one


def point_pairs(
    cell: np.ndarray, sites: Mapping[str, np.ndarray], repeat: tuple[int, int, int],
    cutoff_angstrom: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return all ordered pairs of points of a supercell closer than a cutoff, images included.

    Parameters
    ----------
    cell
        Conventional cell, rows are vectors, shape (3, 3), Angstrom.
    sites
        Wyckoff letter to its points as fractions, shape (M, 3).
    repeat
        Conventional cells along a, b, c.
    cutoff_angstrom
        Largest distance.

    Returns
    -------
    first, second
        Numbers of points, those of a letter in all cells one after the other, shape (P,).
    distance
        In Angstrom, shape (P,).
    """
    first, second, distance, over = _pairs_of_one_cell(
        np.asarray(cell, float).tobytes(),
        np.concatenate(list(sites.values()), dtype=float).tobytes(), cutoff_angstrom)
    # the pairs of one conventional cell, repeated: number of site and cell to number of site
    size = np.concatenate([np.full(len(xyz), len(xyz)) for xyz in sites.values()])
    within = np.concatenate([np.arange(len(xyz)) for xyz in sites.values()])
    cells = int(np.prod(repeat))
    kind = np.arange(len(size)) - within
    number = kind[:, None] * cells + size[:, None] * np.arange(cells) + within[:, None]
    shifts = np.stack(np.unravel_index(np.arange(cells), repeat), axis=1)
    other = np.ravel_multi_index(((shifts[None] + over[:, None]) % repeat).transpose(2, 0, 1),
                                 repeat)
    starts, ends = number[first].ravel(), number[second[:, None], other].ravel()
    order = np.argsort(starts, kind="stable")
    return starts[order], ends[order], np.repeat(distance, cells)[order]


@lru_cache(maxsize=8)  # random cells are drawn by the thousand
def _pairs_of_one_cell(
    cell: bytes, points: bytes, cutoff_angstrom: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the pairs (P,) of points of a conventional cell, distances, and cells between them."""
    from ase.neighborlist import primitive_neighbor_list

    rows = np.frombuffer(cell).reshape(3, 3)
    return primitive_neighbor_list("ijdS", (True,) * 3, rows,
                                   np.frombuffer(points).reshape(-1, 3) @ rows, cutoff_angstrom)


def keep_apart(
    cell: np.ndarray, sites: Mapping[str, np.ndarray], repeat: tuple[int, int, int],
    occupation: np.ndarray, random: np.random.Generator, roaming: Collection[str] = (),
) -> None:
    """Move ions that are nearer to another than `pair_limit`, in place, to free points at random.

    An ion goes to points of its own kind, a ``roaming`` one to any. It takes a point where no more
    ions are too near than where it was, so that what has no such ion stays as it was drawn. Where
    the occupancies leave no arrangement without, some remain.

    Parameters
    ----------
    cell, sites, repeat
        As `point_pairs` takes them.
    occupation
        Element on each point, empty text for a vacancy, shape (S,).
    random
        Source of random numbers; none is taken where all ions are apart.
    roaming
        Elements that may be on points of every kind.
    """
    elements, codes = np.unique(occupation, return_inverse=True)
    limit = np.array([[pair_limit(one, two) if one and two else 0.0 for two in elements]
                      for one in elements])
    first, second, distance = point_pairs(cell, sites, repeat, float(limit.max()))
    if not len(first):
        return
    starts = np.searchsorted(first, np.arange(len(codes) + 1))
    ends = np.cumsum([0, *(len(xyz) * int(np.prod(repeat)) for xyz in sites.values())])
    kind = np.searchsorted(ends, np.arange(len(codes)), side="right") - 1

    def crowd(point: int, code: int, without: int) -> int:
        near = slice(starts[point], starts[point + 1])
        other = second[near]
        return int(((distance[near] < limit[code, codes[other]]) & (other != without)).sum())

    left = TRIALS * len(codes)
    while left > 0 and (near := distance < limit[codes[first], codes[second]]).any():
        crowded = np.unique(first[near])
        left -= len(crowded)
        for point in random.permutation(crowded):
            code = int(codes[point])
            now = crowd(point, code, point)
            low, high = ((0, len(codes)) if elements[code] in roaming
                         else ends[[kind[point], kind[point] + 1]])
            target = int(random.integers(low, high))
            if now and not elements[codes[target]] and crowd(target, code, point) <= now:
                codes[point], codes[target] = codes[target], code
    occupation[:] = elements[codes]
