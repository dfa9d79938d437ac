"""The Haven ratio of a U over all its temperatures, and whether it changes with temperature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from haven.core.constants import BOLTZMANN_EV_PER_K, Z95
from haven.core.numbers import interval
from haven.core.types import Table
from haven.transport.conductivity import join
from haven.transport.fits.standing import FEWEST_TEMPERATURES

LIKELY = 0.05  # p value of a trend below which no mean is given


@dataclass(frozen=True)
class MeanRatio:
    """The Haven ratio over temperatures of one U.

    Attributes
    ----------
    u_ev
        Hubbard U, eV.
    value, low_95, high_95
        Geometric mean of the ratios, weighed by their errors, and its 95 % interval. What the
        ratios differ by beyond their errors widens it.
    temperatures_k
        Temperatures with a number, K, in order.
    trend_p
        The p value of a slope of ln H_R against 1/T, which is by how much the activation energies
        of D_self and D_total differ.
    """

    u_ev: float
    value: float
    low_95: float
    high_95: float
    temperatures_k: tuple[float, ...]
    trend_p: float


def mean_ratios(measured: Table) -> list[MeanRatio]:
    """Return the mean Haven ratio of each U that has numbers at three temperatures or more.

    The numbers of different temperatures count as independent: their errors are nearly those of
    D_total of different runs. Draws of the disorder that they share are not counted again.

    Parameters
    ----------
    measured
        Rows with ``quantity``, ``u_ev``, ``temperature_k``, ``value``, ``low_95`` and ``high_95``,
        such as those of `haven.report.numbers.measured.collect` or of the table ``joined``.
    """
    rows = measured[measured["quantity"] == "haven_ratio"]
    found = []
    for u_ev, some in rows.groupby("u_ev"):
        ends = some[["temperature_k", "value", "low_95", "high_95"]].to_numpy(float)
        ends = ends[np.isfinite(ends).all(axis=1) & (ends[:, 2] > 0)]
        if len(np.unique(ends[:, 0])) < FEWEST_TEMPERATURES:
            continue
        found.append(_mean(float(str(u_ev)), ends))
    return found


def _mean(u_ev: float, ends: np.ndarray) -> MeanRatio:
    """Return the mean of rows (T, 4): temperature, value and the ends of its interval."""
    kelvin, value, low, high = ends.T
    logs, errors, ones = np.log(value), np.log(high / low) / (2 * Z95), np.ones((len(ends), 1))
    whole = join(logs, errors, ones, {})
    mean, least, most = (float(np.exp(v)) for v in whole.interval(np.ones(1)))
    line = join(logs, errors, np.hstack([ones, 1 / (BOLTZMANN_EV_PER_K * kelvin[:, None])]), {})
    return MeanRatio(u_ev, mean, least, most, tuple(float(t) for t in np.unique(kelvin)),
                     line.p_value(np.array([0.0, 1.0])))


def mean_sentence(means: Sequence[MeanRatio]) -> str:
    """Return the mean ratios in a sentence; of a U whose ratio changes, that it does."""
    told = []
    for one in means:
        where = f"U = {one.u_ev:g} eV, {one.temperatures_k[0]:g} to {one.temperatures_k[-1]:g} K"
        told.append(f"changes with temperature ({where}, p = {one.trend_p:.1g})"
                    if one.trend_p < LIKELY
                    else f"{interval(one.value, one.low_95, one.high_95)} ({where})")
    return f"Mean over temperatures: {'; '.join(told)}." if told else ""
