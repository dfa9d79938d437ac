"""Sine modes of the ions' increments, of each ion and of their sum."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

TINY = 1e-300


@dataclass
class Modes:
    """Sine modes of all ions and their moments.

    Attributes
    ----------
    values
        Lowest modes of each ion (N, k, A) along A directions at right angles, Angstrom ps^-1/2.
    mean, spread
        Mean and variance over ions of the squared modes (m, A), m >= k.
    path
        Modes of the sum over ions, over the root of N (m, A).
    net
        Net displacement of the sum over ions, over the root of N and of the run's length (1, A),
        Angstrom ps^-1/2; for ions that only diffuse its square is 2 D_total on average.
    """

    values: np.ndarray
    mean: np.ndarray
    spread: np.ndarray
    path: np.ndarray
    net: np.ndarray | None = None

    @property
    def ions(self) -> int:
        """Number N of ions."""
        return len(self.values)

    @property
    def count(self) -> int:
        """Number m of modes."""
        return len(self.mean)

    @property
    def total(self) -> np.ndarray:
        """Powers of the collective coordinate (m, A)."""
        return np.maximum(self.path**2, TINY)

    @property
    def sums(self) -> int:
        """Number of runs, each with a sum over its ions."""
        return 1

    def along(self, directions: np.ndarray) -> Modes:
        """Return the modes along orthonormal ``directions`` (A, 3), of each ion and of their sum.

        Moments over ions then end with the modes that are kept of each ion.
        """
        turn = np.asarray(directions, np.float64).T
        values = self.values @ turn.astype(self.values.dtype)
        mean, spread, _ = _moments([values], len(values))
        net = None if self.net is None else self.net @ turn
        return Modes(values, mean, spread, self.path @ turn, net)

    def level(self, count: int) -> np.ndarray:
        """Return the share of each direction in the power of the first modes, mean 1 (A,)."""
        mean = self.mean[:count].mean(axis=0)
        return mean / max(mean.mean(), TINY)


def _moments(parts: Iterable[np.ndarray], ions: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean and variance of squares, and the sum over root N, of modes (n, m, A) in parts."""
    mean, fourth, path = (np.zeros(()) for _ in range(3))
    for part in parts:
        each = max(1, (1 << 20) // max(1, part[0].size))
        for start in range(0, len(part), each):
            some = part[start : start + each].astype(np.float64)
            path = path + some.sum(axis=0)
            some *= some
            mean = mean + some.sum(axis=0)
            some *= some
            fourth = fourth + some.sum(axis=0)
    mean = mean / ions
    spread = np.maximum(fourth / ions - mean**2, 0.0) * ions / max(1, ions - 1)
    return np.maximum(mean, TINY), spread, path / ions**0.5


def modes(coarse: np.ndarray, coarse_ps: float, count: int, kept: int | None = None) -> Modes:
    """Return the lowest sine modes of the increments.

    Parameters
    ----------
    coarse
        Positions (N, M, 3), Angstrom, every ``coarse_ps``.
    coarse_ps
        Time between two positions, ps.
    count
        Modes wanted (at most M - 1).
    kept
        Modes kept of each ion, by default all of them.
    """
    import scipy.fft

    steps = coarse.shape[1] - 1
    count = min(count, steps)
    values = np.empty((len(coarse), min(count, kept or count), 3), np.float32)
    scale = np.sqrt(2.0 / (steps + 1) / coarse_ps) / 2.0

    def parts() -> Iterator[np.ndarray]:
        each = max(1, (1 << 20) // max(1, steps * 3))
        for start in range(0, len(coarse), each):
            move = np.diff(coarse[start : start + each].astype(np.float64), axis=1)
            some = scipy.fft.dst(move, type=1, axis=1)[:, :count] * scale
            values[start : start + each] = some[:, : values.shape[1]]
            yield some

    mean, spread, path = _moments(parts(), len(coarse))
    net = (coarse[:, -1].astype(np.float64) - coarse[:, 0]).sum(axis=0)
    return Modes(values, mean, spread, path,
                 net[None] / np.sqrt(len(coarse) * steps * coarse_ps))
