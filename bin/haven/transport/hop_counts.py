"""Counting jumps from cage to cage without knowing the sites."""

from __future__ import annotations

import numpy as np

RESIDENCE_PS = 1.0  # longer than a vibration (0.1 ps), shorter than an ion's stay on a site
MEMORY = 0.2  # share of the way that an ion's place follows it in one residence time
SAMPLE = 400  # ions whose nearest neighbour is looked for


def jump_length(positions: np.ndarray, cell: np.ndarray) -> float:
    """Return the median distance from a mobile ion to the nearest other one, Angstrom.

    Parameters
    ----------
    positions
        Mobile ions (N, 3), Angstrom; one ion alone has its images.
    cell
        Cell vectors as rows (3, 3), Angstrom.
    """
    if len(positions) < 2:
        return float(np.linalg.norm(cell, axis=1).min())
    inverse = np.linalg.inv(cell)
    nearest = []
    for one in positions[:: max(1, len(positions) // SAMPLE)]:
        scaled = (positions - one) @ inverse
        scaled -= np.round(scaled)
        nearest.append(np.partition(np.linalg.norm(scaled @ cell, axis=1), 1)[1])
    return float(np.median(nearest))


def count_hops(coarse: np.ndarray, coarse_ps: float, length: float) -> int:
    """Count jumps.

    An ion has jumped when its position, averaged over `RESIDENCE_PS`, is farther than half a jump
    length from its place, and still is one residence time later. Its place is a running mean of its
    positions, which moves `MEMORY` of the way to the present position in one residence time.

    Parameters
    ----------
    coarse
        Positions (N, M, 3), Angstrom, every ``coarse_ps``.
    coarse_ps
        Time between two positions, ps.
    length
        Jump length, Angstrom.
    """
    stay = _residence(coarse.shape[1], coarse_ps)
    events = 0
    each = max(1, (1 << 19) // coarse.shape[1])
    for first in range(0, len(coarse), each):
        path = coarse[first : first + each].astype(np.float64)
        if stay > 1:
            total = np.cumsum(path, axis=1)
            path = (total[:, stay:] - total[:, :-stay]) / stay
        events += _count(path.swapaxes(0, 1), length / 2, stay)
    return events


def watched_ps(frames: int, coarse_ps: float) -> float:
    """Return the time in which `count_hops` would see a jump, ps.

    A jump needs a residence time before it and one after it: those of the ends are not seen.

    Parameters
    ----------
    frames
        Positions of each ion.
    coarse_ps
        Time between two positions, ps.
    """
    return max(1, frames - 2 * _residence(frames, coarse_ps)) * coarse_ps


def seen_ps(duration_ps: float) -> float:
    """Return the time in which jumps are seen in a run of so many ps, finely enough saved."""
    return max(duration_ps - 2 * RESIDENCE_PS, 0.75 * duration_ps)


def _residence(frames: int, coarse_ps: float) -> int:
    return min(max(1, round(RESIDENCE_PS / coarse_ps)), max(1, frames // 8))


def _count(path: np.ndarray, limit: float, stay: int) -> int:
    home = path[0].copy()
    wait = np.zeros(path.shape[1], int)
    follow = 1 - (1 - MEMORY) ** (1 / stay)
    events = 0
    for now in path[1:]:
        away = now - home
        far = np.einsum("na,na->n", away, away) > limit**2
        home[~far] += follow * away[~far]
        settled = (wait == 1) & far
        events += int(settled.sum())
        home[settled] = now[settled]
        wait = np.where((wait == 0) & far, stay, np.maximum(wait - 1, 0))
    return events
