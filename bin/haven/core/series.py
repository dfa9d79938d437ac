"""Means of correlated series: their errors, their stationary part, and whether halves agree."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

WINDOW = 5.0  # correlation times that the sum of the autocorrelation reaches (Sokal's choice)
FEWEST = 4  # values below which a series says nothing of its own error
# Most that halves of one stationary series differ by, in standard deviations of its values: where
# it forgets itself within a quarter of its length (Ornstein-Uhlenbeck process, any rate).
HALVES_DIFFER = 0.88
HALF = 5.0  # independent values below which a half is too short to be compared with the other


@dataclass(frozen=True)
class Mean:
    """Mean of a correlated series.

    Attributes
    ----------
    value, error
        Mean and its standard error, in the series' unit; the error is infinite below 4 values.
    effective
        Number of independent values that would give this error.
    """

    value: float
    error: float
    effective: float

    def half_width(self, level: float = 0.95) -> float:
        """Return half the width of Student's interval that holds the mean with this chance."""
        from scipy.special import stdtrit

        if not math.isfinite(self.error):
            return math.inf
        return float(stdtrit(max(self.effective - 1, 1), 0.5 + level / 2) * self.error)


def inefficiency(values: np.ndarray) -> float:
    """Return how many values of a series count as one independent value, at least 1.

    Twice the integrated autocorrelation time, summed up to the first lag beyond `WINDOW` of it
    (A. D. Sokal, in Functional Integration, Springer 1997, section 3).

    Parameters
    ----------
    values
        Shape (T,), evenly spaced in time.
    """
    away = np.asarray(values, float) - np.mean(values)
    count = len(away)
    variance = float((away**2).mean()) if count else 0.0
    if count < FEWEST or variance == 0.0:
        return 1.0
    total = 1.0
    for lag in range(1, count // 2 + 1):
        total += 2 * float((away[lag:] * away[:-lag]).mean()) / variance
        if lag >= WINDOW * max(total, 1.0) / 2:
            break
    return max(total, 1.0)


def mean_of(values: np.ndarray) -> Mean:
    """Return the mean of a series (T,), with an error that takes its correlation into account."""
    values = np.asarray(values, float)
    if len(values) < FEWEST:
        return Mean(float(values.mean()) if len(values) else math.nan, math.inf, float(len(values)))
    effective = max(len(values) / inefficiency(values), 1.0)
    spread = float(values.std(ddof=1))
    return Mean(float(values.mean()), spread / math.sqrt(effective), effective)


def spread_of(values: np.ndarray) -> float:
    """Return the standard deviation of a stationary correlated series (T,), in its unit.

    The variance about the sample's own mean is too small by the variance of that mean, which
    matters where the series is only a few correlation times long. The result is corrected for it.
    """
    values = np.asarray(values, float)
    if len(values) < 2:
        return 0.0
    lost = min(inefficiency(values) / len(values), 0.5)
    return float(values.std() / math.sqrt(1 - lost))


def stationary_start(values: np.ndarray, most: float = 0.5) -> int:
    """Return the row from which a series is stationary: the one that leaves most information.

    The start maximises the number of independent values that are left (J. D. Chodera, J. Chem.
    Theory Comput. 12, 1799 (2016)).

    Parameters
    ----------
    values
        Shape (T,).
    most
        Share of the series that may be left out.
    """
    count = len(values)
    starts = np.unique(np.linspace(0, most * count, 21).astype(int))
    left = [(count - start) / inefficiency(values[start:]) for start in starts]
    return int(starts[int(np.argmax(left))])


@dataclass(frozen=True)
class Halves:
    """The difference between the means of a series' halves, and what chance allows.

    Attributes
    ----------
    difference
        Mean of the second half less that of the first.
    bound
        Half width of the interval in which the difference of a stationary series lies.
    """

    difference: float
    bound: float

    @property
    def agree(self) -> bool:
        """Whether the difference is within its bound."""
        return abs(self.difference) <= self.bound


def compare_halves(values: np.ndarray, level: float = 0.95, spread: float = 0.0) -> Halves:
    """Compare the means of the halves of a correlated series.

    Parameters
    ----------
    values
        Shape (T,); an odd value in the middle belongs to the second half.
    level
        Chance with which a stationary series stays within the bound.
    spread
        Standard deviation of the stationary series, where it is known from a longer one; with 0 the
        bound follows from the halves themselves (the bound of `compare_alone` is safer). A
        series of only a few correlation times shows neither its standard deviation nor its
        correlation time, so that slow fluctuations could be taken for a trend. With a given
        standard deviation the bound holds for any correlation.
    """
    from scipy.special import ndtri, stdtrit

    middle = len(values) // 2
    first, second = mean_of(values[:middle]), mean_of(values[middle:])
    error = math.hypot(first.error, second.error)
    freedom = max(first.effective + second.effective - 2, 1.0)
    bound = float(stdtrit(freedom, 0.5 + level / 2)) * error if math.isfinite(error) else error
    if spread > 0:
        bound = float(ndtri(0.5 + level / 2)) * HALVES_DIFFER * spread
    return Halves(second.value - first.value, bound)


def about_line(values: np.ndarray) -> tuple[float, float]:
    """Return variance and statistical inefficiency of a series about its straight line.

    A trend is no part of them. A line also takes from the slow fluctuations of a series without a
    trend: as much variance as its mean and its slope have, each the variance over the number of
    independent values. It is given back, up to 0.45 of the variance.

    Parameters
    ----------
    values
        Shape (T,), evenly spaced in time.
    """
    count = len(values)
    time = np.arange(count) - (count - 1) / 2
    away = np.asarray(values, float) - np.mean(values)
    away = away - time * (time @ away) / (time @ time)
    power = np.abs(np.fft.rfft(away, 2 * count)) ** 2
    left = np.fft.irfft(power)[: count // 2 + 1] / count  # autocovariance by lag
    if left[0] <= 1e-18 * float(np.mean(np.square(values))):  # a line, but for rounding
        return 0.0, 1.0
    falls = 1 - np.arange(len(left)) / count
    given, total = left, 1.0
    for _ in range(20):
        lost = min(2 * total / count, 0.45)
        given = left + left[0] * lost / (1 - lost) * falls
        sums = np.maximum(2 * np.cumsum(given) / given[0] - 1, 1.0)
        far = np.arange(len(sums)) >= WINDOW * sums / 2
        far[0] = False
        before, total = total, float(sums[int(far.argmax()) if far.any() else -1])
        if abs(total - before) < 1e-3 * total:
            break
    return float(given[0]), total


def compare_alone(values: np.ndarray, level: float = 0.95) -> Halves:
    """Compare the means of the halves of a series of which nothing else is known.

    Each half by itself shows too small an error where it is only a few correlation times long. So
    fluctuations are those of the whole series about its straight line (`about_line`). The bound is
    infinite where a half has fewer than `HALF` independent values: it is too short to tell.

    Parameters
    ----------
    values
        Shape (T,); an odd value in the middle belongs to the second half.
    level
        Chance with which a stationary series stays within the bound. Of Ornstein-Uhlenbeck series
        of 16 or 500 values, 0 to 1.5 % leave that of 0.997 up to a correlation time of a tenth
        of their length, 3 to 4 % at a third of it.
    """
    from scipy.special import stdtrit

    middle = len(values) // 2
    if middle < FEWEST:
        return Halves(math.nan if not middle else
                      float(np.mean(values[middle:]) - np.mean(values[:middle])), math.inf)
    variance, each = about_line(values)
    independent = middle / each
    # the correlation is estimated, too: this takes half of the degrees of freedom
    bound = math.inf if independent < HALF else (
        float(stdtrit(independent - 2, 0.5 + level / 2)) * math.sqrt(2 * variance / independent))
    return Halves(float(np.mean(values[middle:]) - np.mean(values[:middle])), bound)


def compare_counts(
    first: int, second: int, level: float = 0.95, clustered: float = 1.0
) -> bool:
    """Tell whether two counts of equal times may be of one rate (exact binomial test).

    Parameters
    ----------
    first, second
        The counts.
    level
        Probability with which two counts of equal rate are found to agree.
    clustered
        Variance over mean of a count, 1 for a Poisson process; both counts are divided by it.
    """
    from scipy.special import bdtr

    first, second = round(first / clustered), round(second / clustered)
    total = first + second
    return total == 0 or 2 * float(bdtr(min(first, second), total, 0.5)) > 1 - level
