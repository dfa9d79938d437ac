"""Mean-square displacements of the mobile ions: self, total, distinct; all time origins.

With N ions and displacements dr over a lag, averaged over every time origin,
``self = <sum_i |dr_i|^2> / N``, ``total = <|sum_i dr_i|^2> / N``, ``distinct = total - self``.
The sums over origins are correlations, done by zero-padded FFTs in float64, block of ions after
block of ions, so that memory does not grow with the number of frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from haven.core.errors import log
from haven.core.periodic import heights
from haven.trajectory.checks import check_block
from haven.trajectory.trajectory import Trajectory

COARSE = 2048  # positions kept of each ion for what needs no finer ones
COARSE_BYTES = 1 << 28
STRETCHES = 24  # independent parts of a run at most, over which errors are taken
ERROR_LAGS = 32  # at which errors are taken; between them they are interpolated
COMPILED_FROM = 1 << 24
BATCH_BYTES = 1 << 20  # of ions that SciPy transforms at once: what a processor's cache holds


@dataclass
class Curves:
    """Mean-square displacements and what the estimators need, from one pass over a trajectory.

    Attributes
    ----------
    lag_ps
        Lags (L,), ps, starting with one frame.
    self_msd, total_msd
        Per Cartesian axis (L, 3), Angstrom^2.
    origins
        Time origins of every lag (L,).
    error_lag_ps, self_error, total_error
        Lags (E,) and standard errors (E, 4) for x, y, z and their sum, over stretches that do not
        overlap; NaN where fewer than three fit.
    non_gaussian
        3 <r^4> / (5 <r^2>^2) - 1 at the error lags (E,).
    coarse
        Positions (N, M, 3) averaged over ``coarse_ps``, Angstrom.
    """

    lag_ps: np.ndarray
    self_msd: np.ndarray
    total_msd: np.ndarray
    origins: np.ndarray
    error_lag_ps: np.ndarray
    self_error: np.ndarray
    total_error: np.ndarray
    non_gaussian: np.ndarray
    coarse: np.ndarray
    coarse_ps: float
    frame_of_reference: str
    spacing_ps: float
    duration_ps: float

    @property
    def distinct_msd(self) -> np.ndarray:
        """Distinct part per axis (L, 3), Angstrom^2."""
        return self.total_msd - self.self_msd


class _Transforms:
    """Sums of powers by SciPy's FFT, where compiling `haven.transport.kernels` is not worth it."""

    def __init__(self, frames: int, lags: int) -> None:
        import scipy.fft

        self.padded = scipy.fft.next_fast_len(frames + lags - 1, real=True)
        self.power = np.zeros((self.padded // 2 + 1, 3))

    def add(
        self, block: np.ndarray, centre: np.ndarray, squares: np.ndarray, path: np.ndarray,
    ) -> float:
        """Add ions (T, n, 3); add their squares and sums (T, 3); return their largest step."""
        import scipy.fft

        largest = 0.0
        each = max(1, BATCH_BYTES // (len(block) * 24))
        for first in range(0, block.shape[1], each):
            part = block[:, first : first + each]
            # time last: transforms along the contiguous axis take half to a third of the time
            x = np.ascontiguousarray(part.transpose(2, 1, 0), np.float64)
            x -= x[:, :, :1].copy()
            x -= centre.T[:, None, :]
            largest = max(largest, float(np.abs(np.diff(x, axis=2)).max()))
            path += x.sum(axis=1).T
            squares += np.einsum("ait,ait->ta", x, x)
            spectrum = scipy.fft.rfft(x, self.padded, axis=2)
            parts = spectrum.view(np.float64).reshape(*spectrum.shape, 2)
            self.power += np.einsum("aifc,aifc->fa", parts, parts)
        return largest

    def correlation(self, lags: int) -> np.ndarray:
        """Return the sums over ions and origins of products a lag apart (lags, 3)."""
        import scipy.fft

        return scipy.fft.irfft(self.power, self.padded, axis=0)[:lags]


def _engine(frames: int, ions: int, lags: int) -> Any:
    if frames * ions >= COMPILED_FROM:
        try:
            from haven.transport.kernels import Powers
        except ImportError:
            log.info("numba is not installed: displacements by SciPy, some times slower")
        else:
            return Powers(frames, lags)
    return _Transforms(frames, lags)


def displacements(correlation: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """Return summed square displacements averaged over origins.

    Parameters
    ----------
    correlation
        Sums over ions and origins of products a lag apart (lags, ...).
    squares
        Sums over ions of squared positions (T, ...).
    """
    count, lags = len(squares), len(correlation)
    running = np.concatenate([np.zeros((1, *squares.shape[1:])), np.cumsum(squares, axis=0)])
    steps = np.arange(lags)
    sums = running[count - steps] + (running[count] - running[steps])
    origins = (count - steps).reshape((lags,) + (1,) * (squares.ndim - 1))
    return (sums - 2 * correlation) / origins


def curves(
    trajectory: Trajectory, frame_of_reference: str = "host", lag_share: float = 1.0,
    budget: int | None = None, share: int | None = None,
) -> Curves:
    """Pass once over a trajectory; return its displacement curves.

    Parameters
    ----------
    trajectory
        Open trajectory.
    frame_of_reference
        ``host`` or ``barycentre``: what displacements are relative to.
    lag_share
        Longest lag as a share of the run.
    budget
        Bytes of positions held at once; see `haven.trajectory.trajectory.Trajectory.blocks`.
    share
        Ions that the averaged positions must be few enough for, by default the trajectory's own:
        with the same number for several species, their positions are averaged over the same frames.

    Raises
    ------
    HavenError
        If a position is no finite number, or wrapped.
    """
    count, ions = trajectory.frames, trajectory.ions
    lags = min(count, max(2, round(lag_share * (count - 1)) + 1))
    centre = trajectory.centre(frame_of_reference)
    engine, alone = _engine(count, ions, lags), _Transforms(count, lags)
    squares, path = np.zeros((count, 3)), np.zeros((count, 3))
    limit = min(COARSE, max(COARSE // 8, COARSE_BYTES // (12 * (share or ions))))
    width = -(-count // limit)
    coarse = np.empty((ions, count // width, 3), np.float32)
    statistics = [_Stretches(count, lag) for lag in _error_lags(count)]
    for start, stop, block in trajectory.blocks(budget):
        step = engine.add(block, centre, squares, path)
        if not np.isfinite(squares).all() or step > 0.4 * heights(trajectory.cell).min():
            check_block(trajectory, start, block)
        for one in statistics:
            one.add(block, centre)
        coarse[start:stop] = _averaged(block, centre, width)
    self_msd = displacements(engine.correlation(lags), squares)[1:] / ions
    alone.add(path[:, None, :].copy(), np.zeros_like(centre), np.zeros_like(path),
              np.zeros_like(path))
    total_msd = displacements(alone.correlation(lags), (path - path[0]) ** 2)[1:] / ions
    for one in statistics:
        one.finish(path, ions)
    spacing = trajectory.spacing_ps
    return Curves(
        lag_ps=np.arange(1, lags) * spacing, self_msd=np.maximum(self_msd, 0.0),
        total_msd=np.maximum(total_msd, 0.0), origins=count - np.arange(1, lags),
        error_lag_ps=np.array([one.lag for one in statistics]) * spacing,
        self_error=np.array([one.self_error for one in statistics]),
        total_error=np.array([one.total_error for one in statistics]),
        non_gaussian=np.array([one.non_gaussian for one in statistics]),
        coarse=coarse, coarse_ps=width * spacing,
        frame_of_reference=frame_of_reference if trajectory.has_host else "simulation",
        spacing_ps=spacing, duration_ps=trajectory.duration_ps,
    )


def _averaged(block: np.ndarray, centre: np.ndarray, width: int) -> np.ndarray:
    """Return positions (n, M, 3) relative to start and centre, averaged over ``width`` frames."""
    bins = len(block) // width
    last = bins * width
    mean = block[:last:width].astype(np.float32)
    for k in range(1, width):
        mean += block[k:last:width]
    host = centre[:last].reshape(bins, width, 3).mean(axis=1)
    mean /= np.float32(width)
    mean -= block[0]
    mean -= host[:, None].astype(np.float32)
    return mean.swapaxes(0, 1)


def _error_lags(count: int) -> list[int]:
    return sorted({round(x) for x in np.geomspace(1, count - 1, ERROR_LAGS)})


class _Stretches:
    """Moments of displacements over stretches of one lag that do not overlap."""

    def __init__(self, count: int, lag: int) -> None:
        number = min(STRETCHES, (count - 1) // lag)
        self.starts = np.linspace(0, count - 1 - lag, number).astype(int)
        self.lag = lag
        self.second = np.zeros((number, 3))
        self.fourth = 0.0

    def add(self, block: np.ndarray, centre: np.ndarray) -> None:
        first, last = self.starts, self.starts + self.lag
        step = block[last] - block[first]
        step -= (centre[last] - centre[first])[:, None].astype(step.dtype)
        square = step * step
        self.second += square.sum(axis=1, dtype=np.float64)
        self.fourth += float((square.sum(axis=2) ** 2).sum(dtype=np.float64))

    def finish(self, path: np.ndarray, ions: int) -> None:
        number = len(self.starts)
        collective = (path[self.starts + self.lag] - path[self.starts]) ** 2 / ions
        mean = self.second.sum(axis=1).mean() / ions
        moment = self.fourth / (number * ions)
        self.non_gaussian = 3 * moment / (5 * mean**2) - 1 if mean > 0 else np.nan
        self.self_error = _spread(self.second / ions)
        self.total_error = _spread(collective)


def _spread(values: np.ndarray) -> np.ndarray:
    if len(values) < 3:
        return np.full(4, np.nan)
    full = np.concatenate([values, values.sum(axis=1, keepdims=True)], axis=1)
    return full.std(axis=0, ddof=1) / np.sqrt(len(values))


def direct(positions: np.ndarray, lags: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return self and total curves (L, 3) of positions (T, N, 3) by their definition, Angstrom^2.

    Slow; it is the reference that tests compare the fast way with.
    """
    x = np.asarray(positions, np.float64)
    self_msd, total_msd = np.empty((len(lags), 3)), np.empty((len(lags), 3))
    for row, lag in enumerate(lags):
        step = x[lag:] - x[:-lag]
        self_msd[row] = (step**2).mean(axis=(0, 1))
        total_msd[row] = (step.sum(axis=1) ** 2).mean(axis=0) / x.shape[1]
    return self_msd, total_msd
