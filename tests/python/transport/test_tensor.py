"""Off-diagonal elements of the self tensor: their intervals hold the truth, and are no wider."""

from __future__ import annotations

import numpy as np
import pytest
import walks

from haven.transport import diffusion
from haven.transport.estimators import modes as sines
from haven.transport.hop_counts import count_hops

STEP_PS, LENGTH, RUNS = 0.2, 3.0, 40


def element(path):
    """Return the row of the xy element of positions (T, N, 3), and the verdict of the run."""
    coarse = np.ascontiguousarray(path.swapaxes(0, 1), dtype=np.float32)
    hops = count_hops(coarse, STEP_PS, LENGTH)
    held = sines.modes(coarse, STEP_PS, diffusion.MODES, diffusion.MODES // diffusion.SELF_SHARE)
    run = diffusion.describe(held, coarse.shape[1] * STEP_PS, hops, LENGTH)
    return diffusion._off_diagonal(held, 0, 1, run, np.random.default_rng(0)), run.verdict


@pytest.mark.parametrize(("rate", "ions", "axes", "degree"), [
    (0.002, 100, (0.8, 0.1, 0.1), 45), (0.002, 100, (1 / 3,) * 3, 45),
    (0.004, 30, (0.8, 0.1, 0.1), 30), (0.002, 100, (0.8, 0.1, 0.1), 0)])
def test_intervals_of_an_off_diagonal_element_hold_the_truth(rate, ions, axes, degree):
    """Some hundred jumps, along two lines of the plane or along the axes themselves."""
    turn = np.radians(degree)
    turned = np.array([[np.cos(turn), np.sin(turn), 0], [-np.sin(turn), np.cos(turn), 0],
                       [0, 0, 1]])
    alone = np.diag(np.array(axes) * rate * LENGTH**2 / 2 / STEP_PS * 1e-4)
    true = (turned.T @ alone @ turned)[0, 1]
    held, values, widths = [], [], []
    for seed in range(RUNS):
        rng = np.random.default_rng([41, seed])
        path = walks.lattice_walk(rng, ions, 1000, rate, axes=axes) @ turned
        row, verdict = element(path + rng.normal(0, 0.2, path.shape))
        if verdict == "diffusive" and row.low_95 is not None and row.high_95 is not None:
            held.append(row.low_95 <= true <= row.high_95)
            values.append(row.value)
            widths.append(row.high_95 - row.low_95)
    assert len(held) > 0.8 * RUNS and np.mean(held) > 0.87, np.mean(held)
    assert np.median(widths) < 2.5 * 3.92 * np.std(values)
