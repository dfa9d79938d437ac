"""D_total / D_self from the sum over all ions: estimator ``walk``."""

from __future__ import annotations

import numpy as np

from haven.transport.estimators.activity import uneven_ratio
from haven.transport.estimators.base import Motion, Ratio
from haven.transport.estimators.modes import TINY
from haven.transport.estimators.walk import DRAWS, intercepts, total_fit

# D_total / D_self above which enough jumps remain uncancelled for the run to show their noise.
FEW_CANCEL = 0.5
# Width of the draws for the choice of window, as a multiple of the difference between the results
# of the two windows: correlations that act on both do not show in it (of intervals for half-filled
# lattice gases 89 % held the truth with 1, and 91 % with 2).
WINDOWS_APART = 2.0
# Net jumps from which on the noise of their number is left out (0.03 %).
MANY = 1e7


def full_sum(motion: Motion, rng: np.random.Generator) -> Ratio:
    """Return the ratio R from the modes of the sum over all ions.

    The error of R has three parts. The first is the noise of the sum's modes, without the part that
    the sum shares with single ions where these are few. The second is the difference between the
    values of R from two windows for D_self: its own and that of the sum. The third is the noise of
    the number of jumps, as far as it does not act on D_self and D_total alike. Where jumps mostly
    cancel (R < 1) a share R of them is left, and where g ions jump together (R = g) there are g
    times fewer moves, so R has the noise of a count of jumps / (max(R, 1 / R) - 1), drawn from
    Jeffreys' posterior (a gamma variable of shape count + 1/2). Where `uneven_ratio` finds less
    noise than that and few jumps cancel, its result is taken: equal groups of ions add no noise.
    For a single ion R is 1.
    """
    held, window = motion.held, motion.total_windows[-1]
    share = 1 / window
    if held.ions == held.sums:
        return Ratio(1.0, np.ones(DRAWS), "walk", share)
    whole, noise = total_fit(held, motion.total_windows, rng)
    same = float(np.exp(intercepts(held.mean[:window].mean(axis=1))[0][0]) / 2)
    apart = np.log(same / motion.tracer)
    value = float(whole / motion.tracer * np.exp(-apart / 2))
    kept = (1 - min(1.0, whole / same * held.sums / held.ions)) ** 0.5
    ratio = value * np.exp(noise * kept + WINDOWS_APART * apart * (rng.random(DRAWS) - 0.5))
    spread = np.maximum(np.maximum(ratio, 1 / ratio) - 1, TINY) / motion.jumps
    if value > FEW_CANCEL:
        modes_alone = float(noise.var()) * kept**2
        fits = [intercepts(powers[:window].mean(axis=1))[1] for powers in (held.mean, held.total)]
        spread = np.minimum(spread, max(0.0, uneven_ratio(held, *fits) - modes_alone))
    counts = 1 / np.maximum(spread, 1 / MANY)
    return Ratio(value, ratio * rng.gamma(counts + 0.5) / counts, "walk", share)
