"""Arrhenius lines from all runs of all temperatures: rate of jumps, and yield of a jump.

A coefficient is a rate of jumps times what a jump yields: ``D = (n / (N t)) g`` with n jumps of N
ions in the time t. Both are fitted as straight lines of logarithms against 1/T, and added.

The rate is found by a Poisson regression of the jumps of every run. A run with few jumps or none
has the weight that is due to it, so that no run need be left out. Errors follow from the number of
jumps that the line predicts, not from the number seen, since runs with few jumps by chance would
otherwise weigh more. The fit uses the working variable of a generalised linear model, with random
effects of replicas and potentials (Breslow and Clayton, 1993). The yield is found by a regression
of D / n, with D from the powers of the sine modes and n given. Its noise is that of the yields of
single jumps, so that runs with few jumps do not weigh more here either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from haven.transport.conductivity import Joined, join

ROUNDS = 40  # steps of the fit at most
CLOSE = 1e-8  # of a step, relative, at which the fit has ended
MIXED_ROUNDS = 3  # in turns of the line and of the variances of replicas and potentials
STEEPEST = 3.0  # change of a logarithm that one step of the fit may make
NOISIER = 3.0  # times the median, from which on a condition has a noise of its own
LEAST_NOISE = 0.3  # of a jump's yield: half of what the directions of the slowest modes alone give


@dataclass(frozen=True)
class Counts:
    """Jumps of runs.

    Attributes
    ----------
    hops, exposure
        Jumps (R,), and ions times time in which they are seen (R,), ps.
    groups
        Source to the label of each run (R,): ``disorder`` (replica), ``potential`` (seed).
    """

    hops: np.ndarray
    exposure: np.ndarray
    groups: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Yields:
    """Yields of jumps: a coefficient over the rate of jumps, of runs or joined conditions.

    Attributes
    ----------
    logs, errors
        Logarithm (C,) and its standard error given the jumps (C,).
    groups
        Source to the label of each (C,).
    """

    logs: np.ndarray
    errors: np.ndarray
    groups: Mapping[str, np.ndarray]


def rate_line(
    counts: Counts, regressors: np.ndarray, offset: np.ndarray, slope: np.ndarray | None = None,
) -> Joined:
    """Fit ``ln(rate) + offset = regressors beta`` to jumps as Poisson counts.

    Parameters
    ----------
    counts
        Jumps of all runs (R,).
    regressors
        Regressors (R, P).
    offset
        What is added to the logarithm of each run's rate (R,), such as that of sigma / D.
    slope
        Regressor (R,) along which members of a group may differ.

    Returns
    -------
    Joined
        Coefficients of ``ln(rate per ps) + offset``.
    """
    rough = np.log((counts.hops + 0.5) / counts.exposure) + offset
    weights = np.sqrt(counts.hops + 0.5)[:, None]
    beta = np.linalg.lstsq(regressors * weights, rough * weights[:, 0], rcond=None)[0]
    for _ in range(ROUNDS):
        logs, errors = _working(counts, regressors @ beta, offset)
        whitened = regressors / errors[:, None]
        step = np.linalg.lstsq(whitened, logs / errors, rcond=None)[0] - beta
        size = np.abs(regressors @ step).max()
        beta = beta + step * min(1.0, STEEPEST / max(size, 1e-300))
        if size < CLOSE:
            break
    for _ in range(MIXED_ROUNDS - 1):
        logs, errors = _working(counts, regressors @ beta, offset)
        beta = join(logs, errors, regressors, counts.groups, slope).beta
    logs, errors = _working(counts, regressors @ beta, offset)
    return join(logs, errors, regressors, counts.groups, slope)


def _working(
    counts: Counts, line: np.ndarray, offset: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the working variable about a line (R,) and its standard errors (R,)."""
    expected = counts.exposure * np.exp(np.clip(line - offset, -60.0, 60.0))
    expected = np.maximum(expected, 1e-12)
    return line + (counts.hops - expected) / expected, expected**-0.5


def yield_line(
    yields: Yields, regressors: np.ndarray, slope: np.ndarray | None = None,
) -> Joined:
    """Fit ``ln(yield) = regressors gamma`` to the mean yield, not to the mean of its logarithm.

    Parameters
    ----------
    yields
        Yields (C,) with their errors.
    regressors
        Regressors (C, P).
    slope
        Regressor (C,) along which members of a group may differ.
    """
    gamma = np.linalg.lstsq(regressors / yields.errors[:, None], yields.logs / yields.errors,
                            rcond=None)[0]

    def working(line: np.ndarray) -> np.ndarray:
        return line + np.expm1(np.clip(yields.logs - line, -STEEPEST, STEEPEST))

    for _ in range(MIXED_ROUNDS):
        gamma = join(working(regressors @ gamma), yields.errors, regressors, yields.groups,
                     slope).beta
    return join(working(regressors @ gamma), yields.errors, regressors, yields.groups, slope)


def added(first: Joined, second: Joined) -> Joined:
    """Return the sum of two lines whose errors are independent."""
    parts, degrees = dict(first.parts), dict(first.degrees)
    for source, part in second.parts.items():
        parts[source] = parts[source] + part if source in parts else part
        degrees[source] = min(second.degrees[source], degrees.get(source, np.inf))
    return Joined(first.beta + second.beta, parts, degrees)


def yields_of(
    logs: np.ndarray, errors: np.ndarray, hops: np.ndarray, exposure: np.ndarray,
    groups: Mapping[str, np.ndarray],
) -> Yields:
    """Return yields from coefficients and jumps of runs or joined conditions.

    The variance of a coefficient's logarithm is the sum of that of the number of jumps and that of
    their yield. The second, times the number of jumps, is taken as one number for all (their
    weighted median, between two of them by linear interpolation, so that a few more jumps of one
    change it little), so that it does not depend on each one's own value. Larger variances of far
    noisier runs are kept, and none is less than the scatter of single jumps.

    Parameters
    ----------
    logs, errors
        Logarithms of coefficients in cm2/s (C,) and their standard errors (C,).
    hops, exposure
        Jumps (C,), positive; ions times time, ps (C,).
    groups
        Source to label (C,).
    """
    each = np.maximum(hops * errors**2 - 1.0, LEAST_NOISE)
    order = np.argsort(each)
    share = (np.cumsum(hops[order]) - hops[order] / 2) / hops.sum()
    noise = np.maximum(np.interp(0.5, share, each[order]), each / NOISIER)
    return Yields(logs - np.log(hops / exposure), np.sqrt(noise / hops), groups)
