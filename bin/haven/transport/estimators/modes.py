"""Sine modes of the ions' increments, of each ion and of their sum."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

TINY = 1e-300


@dataclass
class Modes:
    """Sine modes of all ions, of one run or of several joined ones, and their moments.

    Attributes
    ----------
    values
        Lowest modes of each ion (N, k, A) along A directions at right angles, Angstrom ps^-1/2.
    mean, spread
        Mean and variance over ions of the squared modes (m, A), m >= k.
    path
        Modes of the sum over ions, over the root of N, of each run (R, m, A).
    net
        Net displacement of the sum over ions of each run, over the root of N and of the run's
        length (R, A), Angstrom ps^-1/2: the square is 2 D_total on average if ions only diffuse.
        None where runs of several lengths are joined.
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
    def sums(self) -> int:
        """Number R of runs, each with a sum over ions of its own."""
        return len(self.path)

    @property
    def total(self) -> np.ndarray:
        """Powers of the collective coordinate (m, A), mean over the runs."""
        return np.maximum((self.path**2).mean(axis=0), TINY)

    def along(self, directions: np.ndarray) -> Modes:
        """Return the modes along orthonormal ``directions`` (A, 3), of each ion and of their sum.

        Moments over ions are then limited to the modes that are kept of each ion.
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
    return Modes(values, mean, spread, path[None],
                 net[None] / np.sqrt(len(coarse) * steps * coarse_ps))


def joined(runs: Sequence[Modes], durations_ps: Sequence[float]) -> Modes:
    """Return the modes of several runs of one condition as those of one: their powers add.

    Modes of one frequency are put together, that of the shortest run's modes; of a longer run,
    all modes about such a frequency are averaged. A run counts with its number of ions.

    Parameters
    ----------
    runs
        Modes of each run, all along the same directions.
    durations_ps
        Their lengths, ps.

    Returns
    -------
    Modes
        Ions of all runs (sum of N, k, A), one sum over ions for each run (R, m, A).
    """
    parts = aligned(runs, durations_ps)
    kept = min(part.values.shape[1] for part in parts)
    ions = sum(part.ions for part in parts)
    mean = sum((part.mean * part.ions for part in parts), np.zeros(())) / ions
    within = sum((part.spread * (part.ions - 1) for part in parts), np.zeros(()))
    between = sum(((part.mean - mean) ** 2 * part.ions for part in parts), np.zeros(()))
    nets = [part.net for part in parts if part.net is not None]
    net = np.concatenate(nets) if len(nets) == len(parts) else None
    return Modes(np.concatenate([part.values[:, :kept] for part in parts]), mean,
                 (within + between) / max(1, ions - 1),
                 np.concatenate([part.path for part in parts]), net)


def aligned(runs: Sequence[Modes], durations_ps: Sequence[float]) -> list[Modes]:
    """Return the modes of each run at the frequencies of the shortest, as many of each run."""
    shortest = min(durations_ps)
    parts = [_thinned(one, length / shortest)
             for one, length in zip(runs, durations_ps, strict=True)]
    count = min(part.count for part in parts)
    return [Modes(part.values[:, :count], part.mean[:count], part.spread[:count],
                  part.path[:, :count], part.net) for part in parts]


def _thinned(held: Modes, ratio: float) -> Modes:
    """Return the modes of a run ``ratio`` times as long at a shorter run's frequencies."""
    if ratio < 1.0 + 0.5 / held.count:
        return held
    near = np.rint(np.arange(1, held.count + 1) / ratio).astype(int)
    near = np.where(near < 1, 1, near) - 1  # what is slower than the first joins it

    def gathered(squares: np.ndarray, axis: int) -> np.ndarray:
        bins = near[: squares.shape[axis]]
        starts = np.flatnonzero(np.diff(bins, prepend=-1))
        sums = np.add.reduceat(squares, starts, axis=axis)
        sizes = np.diff(np.append(starts, len(bins)))
        shape = [-1 if a == axis else 1 for a in range(squares.ndim)]
        whole = slice(None, -1) if len(sizes) > 1 and sizes[-1] < sizes[:-1].min() else slice(None)
        taken = [slice(None)] * squares.ndim
        taken[axis] = whole
        return (sums / sizes.reshape(shape))[tuple(taken)]

    signs = np.sign(held.values[:, [int(np.flatnonzero(near == b)[0])
                                    for b in np.unique(near[: held.values.shape[1]])]])
    values = gathered(held.values.astype(np.float64) ** 2, 1) ** 0.5
    values = (values * signs[:, : values.shape[1]]).astype(np.float32)
    each = max(1, round(ratio))
    return Modes(values, gathered(held.mean, 0), gathered(held.spread, 0) / each,
                 gathered(held.path**2, 1) ** 0.5, held.net)
