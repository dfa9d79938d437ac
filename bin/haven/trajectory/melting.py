"""Whether the host of the mobile ions melts: the one definition that every stage judges by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MELT_ANGSTROM2 = 4.0
"""Mean-square displacement beyond which a host's species no longer rattles about its sites."""
MOTION_FRAMES = 65
"""Frames of all atoms that the host is watched in, evenly spread, at most."""
STILL_GROWING = 1.3
"""Growth of it, as its time doubles, from which it is motion from place to place: of a liquid it
is 2, of groups that turn in place 1, and 1.3 leaves room for what few atoms scatter by."""
FEWEST = 5  # frames from which growth can be told; with fewer, motion counts as still growing


@dataclass(frozen=True)
class HostMotion:
    """How the species of the host that moves most moves.

    Attributes
    ----------
    species
        Element.
    msd
        The largest, over the frames, of its mean-square displacement from the first, Angstrom^2.
    growth
        Mean-square displacement over half of the time divided by that over a quarter of it, both
        averaged over origins: 2 in a liquid, 1 where atoms vibrate or rotate in place.
    """

    species: str
    msd: float
    growth: float

    @property
    def melted(self) -> bool:
        """Whether the species has left its sites, and is not merely turning in place."""
        return self.msd > MELT_ANGSTROM2 and self.growth >= STILL_GROWING


def spread(frames: int) -> np.ndarray:
    """Return the numbers of at most `MOTION_FRAMES` of so many frames, first and last included."""
    return np.unique(np.linspace(0, frames - 1, MOTION_FRAMES).round().astype(int))


def host_motion(path: np.ndarray, symbols: np.ndarray) -> HostMotion:
    """Return the motion of the host's species that moves most.

    Parameters
    ----------
    path
        Positions of the host's atoms relative to the host's centre of mass, unwrapped, evenly
        spaced in time, (T, H, 3), Angstrom; at least two frames.
    symbols
        Their elements, (H,).
    """
    elements = sorted(set(symbols.tolist()))

    def of_each(square: np.ndarray) -> np.ndarray:
        """Return means over the atoms of each species, (species, ...), of (..., H)."""
        return np.stack([square[..., symbols == one].mean(axis=-1) for one in elements])

    def over(lag: int) -> np.ndarray:
        return of_each(((path[lag:] - path[:-lag]) ** 2).sum(axis=2).mean(axis=0))

    since_start = of_each(((path - path[0]) ** 2).sum(axis=2)).max(axis=1)
    worst = int(since_start.argmax())
    half = (len(path) - 1) // 2
    near = over(half // 2)[worst] if len(path) >= FEWEST else 0.0
    growth = over(half)[worst] / near if near > 0 else np.inf
    return HostMotion(str(elements[worst]), float(since_start[worst]), float(growth))
