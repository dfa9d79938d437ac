"""Mean-square displacements of the mobile ions: self, total, distinct; all time origins.

With N ions and displacements dr over a lag, averaged over every time origin,
``self = <sum_i |dr_i|^2> / N``, ``total = <|sum_i dr_i|^2> / N``, ``distinct = total - self``.
The sums over origins are correlations, done by zero-padded FFTs in float64, block of ions after
block of ions, so that memory does not grow with the number of frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from haven.cli import HavenError
from haven.trajectory import BLOCK_BYTES, Trajectory, check_block

COARSE = 2048
STRETCHES = 32
ERROR_LAGS = 48


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


def correlate(power: np.ndarray, squares: np.ndarray, lags: int) -> np.ndarray:
    """Return summed square displacements from a power spectrum and summed squares.

    Parameters
    ----------
    power
        Sum over ions of |FFT|^2 of zero-padded positions, full complex length (F, ...).
    squares
        Sum over ions of squared positions (T, ...).
    lags
        Number of lags from 0.

    Returns
    -------
    numpy.ndarray
        Mean over time origins of the summed square displacements (lags, ...).
    """
    import scipy.fft

    count = len(squares)
    correlation = scipy.fft.irfft(power, axis=0)[:lags]
    running = np.concatenate([np.zeros((1, *squares.shape[1:])), np.cumsum(squares, axis=0)])
    steps = np.arange(lags)
    sums = running[count - steps] + (running[count] - running[steps])
    shape = (lags,) + (1,) * (squares.ndim - 1)
    return (sums - 2 * correlation) / (count - steps).reshape(shape)


def curves(
    trajectory: Trajectory, frame_of_reference: str = "host", lag_share: float = 1.0,
    budget: int = BLOCK_BYTES,
) -> Curves:
    """Pass once over a trajectory; return its displacement curves.

    Parameters
    ----------
    trajectory
        Open trajectory.
    frame_of_reference
        ``host`` or ``barycentre``: whose motion is taken off.
    lag_share
        Longest lag as a share of the run.
    budget
        Bytes of positions held at once.

    Raises
    ------
    HavenError
        If a position is no finite number, or wrapped.
    """
    import scipy.fft

    count, ions = trajectory.frames, trajectory.ions
    lags = min(count, max(2, int(round(lag_share * (count - 1))) + 1))
    padded = scipy.fft.next_fast_len(count + lags - 1, real=True)
    centre = trajectory.centre(frame_of_reference)
    power = np.zeros((padded // 2 + 1, 3))
    squares = np.zeros((count, 3))
    path = np.zeros((count, 3))
    width = -(-count // COARSE)
    bins = count // width
    coarse = np.empty((ions, bins, 3), np.float32)
    error_lags = _error_lags(count)
    statistics = [_Stretches(count, lag) for lag in error_lags]
    for start, stop, block in trajectory.blocks(budget):
        check_block(trajectory, start, block)
        each = max(1, (1 << 24) // (count * 24))
        for first in range(0, stop - start, each):
            x = block[:, first : first + each].astype(np.float64)
            x -= x[0].copy()
            x -= centre[:, None, :]
            path += x.sum(axis=1)
            squares += np.einsum("tia,tia->ta", x, x)
            spectrum = scipy.fft.rfft(x, padded, axis=0)
            power += np.einsum("fia,fia->fa", spectrum.real, spectrum.real)
            power += np.einsum("fia,fia->fa", spectrum.imag, spectrum.imag)
            for one in statistics:
                one.add(x)
            where = slice(start + first, start + first + x.shape[1])
            coarse[where] = x[: bins * width].reshape(bins, width, -1, 3).mean(axis=1).swapaxes(0, 1)
    spectrum = scipy.fft.rfft(path, padded, axis=0)
    collective = spectrum.real**2 + spectrum.imag**2
    self_msd = correlate(power, squares, lags)[1:] / ions
    total_msd = correlate(collective, path**2, lags)[1:] / ions
    if not np.isfinite(self_msd).all():
        raise HavenError(f"{trajectory.path}: positions are not finite")
    for one in statistics:
        one.finish(path, ions)
    return Curves(
        lag_ps=np.arange(1, lags) * trajectory.spacing_ps, self_msd=np.maximum(self_msd, 0.0),
        total_msd=np.maximum(total_msd, 0.0), origins=count - np.arange(1, lags),
        error_lag_ps=np.array(error_lags) * trajectory.spacing_ps,
        self_error=np.array([one.self_error for one in statistics]),
        total_error=np.array([one.total_error for one in statistics]),
        non_gaussian=np.array([one.non_gaussian for one in statistics]),
        coarse=coarse, coarse_ps=width * trajectory.spacing_ps,
        frame_of_reference=frame_of_reference, spacing_ps=trajectory.spacing_ps,
        duration_ps=trajectory.duration_ps,
    )


def _error_lags(count: int) -> list[int]:
    return sorted({int(round(x)) for x in np.geomspace(1, count - 1, ERROR_LAGS)})


class _Stretches:
    """Moments of displacements over stretches of one lag that do not overlap."""

    def __init__(self, count: int, lag: int) -> None:
        number = min(STRETCHES, (count - 1) // lag)
        self.starts = np.linspace(0, count - 1 - lag, number).astype(int)
        self.lag = lag
        self.second = np.zeros((number, 3))
        self.fourth = 0.0

    def add(self, x: np.ndarray) -> None:
        step = x[self.starts + self.lag] - x[self.starts]
        square = step * step
        self.second += square.sum(axis=1)
        self.fourth += float((square.sum(axis=2) ** 2).sum())

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

    Slow; what every faster way must equal.
    """
    x = np.asarray(positions, np.float64)
    self_msd, total_msd = np.empty((len(lags), 3)), np.empty((len(lags), 3))
    for row, lag in enumerate(lags):
        step = x[lag:] - x[:-lag]
        self_msd[row] = (step**2).mean(axis=(0, 1))
        total_msd[row] = (step.sum(axis=1) ** 2).mean(axis=0) / x.shape[1]
    return self_msd, total_msd
