"""How evenly the motion of the ions is distributed over the time of a run, and over the ions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from haven.transport.estimators.modes import Modes

SLOW = 8  # lowest modes at least, and an eighth of all, that count as slow motion
# Standard errors by which lasting differences between ions must exceed those by chance.
LASTING = 3.0
# Stretches of a run over which the sum's activity is compared with that of its ions.
STRETCHES = 16


@dataclass(frozen=True)
class Activity:
    """Square velocities of the ions, whitened, over the time of a run.

    Attributes
    ----------
    halves
        Each ion's mean in the two halves of the run, over the mean of all (N, 2).
    mean
        Mean over ions at each time (k,).
    bursts
        Variance of the slow changes of the sum over ions, divided by that expected of independent
        ions: 1 where ions are independent. It is larger where jumps of some ions cause jumps of
        others, which then come in bursts. Such bursts raise all modes of a run alike, so that the
        scatter over modes does not show them.
    frequencies
        Number of frequencies that ``bursts`` is the mean of.
    """

    halves: np.ndarray
    mean: np.ndarray
    bursts: float
    frequencies: int

    @property
    def heterogeneity(self) -> float:
        """Relative variance over ions of their own coefficients, 0 where chance explains it.

        It is found from differences between ions that are the same in both halves of the run.
        """
        if len(self.halves) < 3:
            return 0.0
        off = self.halves - self.halves.mean(axis=0)
        lasting = float((off[:, 0] * off[:, 1]).sum() / (len(off) - 1))
        squares = (off**2).mean(axis=0)
        chance = float(np.sqrt(squares[0] * squares[1] / len(off)))
        return lasting if lasting > LASTING * chance else 0.0


def activity(held: Modes, fitted: np.ndarray) -> Activity:
    """Return the activity of the ions in time, from their lowest modes.

    Velocities are computed from the modes divided by the root of ``fitted``, so that those of
    independent ions are white noise.

    Parameters
    ----------
    held
        Modes (N, m, A).
    fitted
        Mean powers (k,) fitted to the first k modes.
    """
    import scipy.fft

    count = len(fitted)
    slow = min(count - 1, max(SLOW, count // SLOW))
    half = max(1, count // 2)
    halves, mean = np.empty((held.ions, 2)), np.zeros(count)
    together, apart = np.zeros(slow), np.zeros(slow)
    each = max(1, (1 << 20) // held.values[0, :count].size)
    for first in range(0, held.ions, each):
        white = held.values[first : first + each, :count] / fitted[:, None] ** 0.5
        power = (scipy.fft.dst(white, type=1, axis=1, norm="ortho") ** 2).mean(axis=2)
        halves[first : first + each, 0] = power[:, :half].mean(axis=1)
        halves[first : first + each, 1] = power[:, -half:].mean(axis=1)
        mean += power.sum(axis=0)
        waves = scipy.fft.dct(power, axis=1, norm="ortho")[:, 1 : slow + 1]
        together += waves.sum(axis=0)
        apart += (waves**2).sum(axis=0)
    known = slow > 0 and apart.sum() > 0 and held.ions > 1
    bursts = float((together**2).sum() / apart.sum()) if known else 1.0
    return Activity(halves, mean / held.ions, bursts, max(1, slow))


def uneven_ratio(held: Modes, self_fitted: np.ndarray, sum_fitted: np.ndarray) -> float:
    """Return how much D_total / D_self varies over a run, as a relative variance of its mean.

    In up to `STRETCHES` stretches of the run the square velocities of the sum and of single ions,
    each relative to its mean, are compared. The result follows from the variance of their
    differences, with one standard error of that variance added.

    Parameters
    ----------
    held
        Modes (N, m, A).
    self_fitted, sum_fitted
        Powers (k,) fitted to the ions' and to the sum's first modes.
    """
    import scipy.fft

    count = min(len(self_fitted), len(sum_fitted), held.values.shape[1])
    white = held.path[:, :count] / sum_fitted[:count, None] ** 0.5
    power = (scipy.fft.dst(white, type=1, axis=1, norm="ortho") ** 2).mean(axis=(0, 2))
    alone = activity(held, self_fitted[:count]).mean
    number = min(STRETCHES, count // 4)
    if number < 2 or not power.mean() > 0 or not alone.mean() > 0:
        return float("inf")
    parts = [np.array([part.mean() for part in np.array_split(one / one.mean(), number)])
             for one in (power, alone)]
    variance = float(((parts[0] - parts[1]) ** 2).sum() / (number - 1) / number)
    return variance * (1 + (2 / (number - 1)) ** 0.5)
