"""From displacement curves to D_self, D_total and the Haven ratio, each with interval and verdict."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from haven import estimators as es
from haven.msd import Curves
from haven.trajectory import Trajectory

MODES = 512
WINDOWS = (6, 8, 10, 12, 15, 20, 25, 32, 40, 50, 64, 80, 100, 128, 160, 200, 256, 320, 400, 512)
FEWEST_MODES = 8
SELF_SHARE = 3
CURVED = 2.0
MIN_EVENTS = 30
SLOPE_TOLERANCE = 0.1
RESIDENCE_PS = 1.0
MEMORY = 0.2
AXES = ("x", "y", "z")


@dataclass
class Estimate:
    """One coefficient: value and 95 % interval in cm2/s (1 for the Haven ratio), and how found."""

    quantity: str
    axis: str
    value: float | None
    low_95: float | None
    high_95: float | None
    unit: str
    fit_start_ps: float
    fit_stop_ps: float
    loglog_slope: float
    loglog_slope_error: float
    hop_events: float
    estimator: str
    verdict: str
    draws: np.ndarray | None = None


def jump_length(trajectory: Trajectory, positions: np.ndarray) -> float:
    """Return the median distance of mobile ions (N, 3) to the nearest other one, Angstrom."""
    if len(positions) < 2:
        return float((trajectory.volume / len(positions)) ** (1 / 3))
    inverse = np.linalg.inv(trajectory.cell)
    some = positions[:: max(1, len(positions) // 400)]
    nearest = []
    for one in some:
        scaled = (positions - one) @ inverse
        scaled -= np.round(scaled)
        distance = np.linalg.norm(scaled @ trajectory.cell, axis=1)
        nearest.append(np.partition(distance, 1)[1])
    return float(np.median(nearest))


def count_hops(coarse: np.ndarray, coarse_ps: float, length: float) -> int:
    """Count jumps from cage to cage, without knowing the sites.

    An ion has jumped when its position, averaged over `RESIDENCE_PS`, is farther than half a jump
    length from where it last lived, and still is one residence time later.

    Parameters
    ----------
    coarse
        Positions (N, M, 3), Angstrom, every ``coarse_ps``.
    length
        Jump length, Angstrom.
    """
    stay = min(max(1, int(round(RESIDENCE_PS / coarse_ps))), max(1, coarse.shape[1] // 8))
    total = np.cumsum(coarse, axis=1, dtype=np.float64)
    smooth = (total[:, stay:] - total[:, :-stay]) / stay if stay > 1 else coarse
    home = smooth[:, 0].astype(np.float64)
    wait = np.zeros(len(coarse), int)
    events = 0
    for t in range(1, smooth.shape[1]):
        away = smooth[:, t] - home
        far = np.linalg.norm(away, axis=1) > length / 2
        home[~far] += MEMORY * away[~far]
        settled = (wait == 1) & far
        events += int(settled.sum())
        home[settled] = smooth[settled, t]
        start = (wait == 0) & far
        wait = np.where(start, stay, np.maximum(wait - 1, 0))
    return events


def choose_window(powers: np.ndarray) -> int:
    """Return the most low modes that a straight line in f^2 still describes.

    Parameters
    ----------
    powers
        Squared self modes (N, m, 3).

    Returns
    -------
    int
        Modes of the window; 0 if not even the lowest six are straight.
    """
    mean = powers.mean(axis=0)
    best = 0
    for count in (w for w in WINDOWS if w <= mean.shape[0]):
        beta, fitted = es.intercepts(mean[:count].mean(axis=1), 2)
        cover = np.linalg.inv(es.design(count, 2).T @ es.design(count, 2))
        spread = es.dispersion(powers[:, :count], fitted, 2, shared=True)
        if abs(beta[-1]) > CURVED * np.sqrt(spread * cover[-1, -1]):
            break
        best = count
    return best


def slope(powers: np.ndarray) -> tuple[float, float]:
    """Return the log-log slope of the MSD that self modes (N, m, 3) imply, and its error.

    A mean-square displacement growing as t^a has mode powers falling as f^(1 - a); a cage's constant
    offset does not enter.
    """
    mean = powers.mean(axis=0).mean(axis=1)
    logs = np.log(np.arange(1, len(mean) + 1))
    x = np.stack([np.ones_like(logs), logs - logs.mean()], axis=1)
    beta = np.linalg.lstsq(x, np.log(mean), rcond=None)[0]
    fitted = np.exp(x @ beta)
    spread = es.dispersion(powers, fitted, 1, shared=True)
    return float(1 - beta[1]), float(np.sqrt(spread / (x[:, 1] ** 2).sum()))


def estimate(
    trajectory: Trajectory, curves: Curves, length: float | None = None,
    min_events: int = MIN_EVENTS, seed: int = 0,
) -> list[Estimate]:
    """Estimate D_self, D_total, D_distinct and the Haven ratio, for the whole and per axis.

    Parameters
    ----------
    trajectory
        Open trajectory.
    curves
        Its displacement curves.
    length
        Jump length in Angstrom, by default the distance of neighbouring mobile ions.
    min_events
        Jumps below which no number is given.
    seed
        Seed of the draws that join the two intervals in the Haven ratio.
    """
    if length is None:
        length = jump_length(trajectory, trajectory.read_frames(np.array([0]))[0].astype(float))
    hops = count_hops(curves.coarse, curves.coarse_ps, length)
    values = es.modes(curves.coarse, curves.coarse_ps, MODES)
    return from_modes(values, curves.coarse.shape[1] * curves.coarse_ps, hops, length, min_events,
                      seed)


def from_modes(
    values: np.ndarray, duration_ps: float, hops: float, length: float,
    min_events: int = MIN_EVENTS, seed: int = 0,
) -> list[Estimate]:
    """Estimate all coefficients from sine modes (N, m, 3); see `estimate`."""
    powers = values**2
    wide = choose_window(powers)
    total_window = max(wide, min(FEWEST_MODES, values.shape[1]))
    self_window = max(wide // SELF_SHARE, min(FEWEST_MODES, values.shape[1]))
    alpha, alpha_error = slope(powers[:, :self_window])
    shared = {"fit_stop_ps": duration_ps, "loglog_slope": alpha, "loglog_slope_error": alpha_error,
              "hop_events": float(hops), "estimator": "walk"}
    rng = np.random.default_rng(seed)
    found: list[Estimate] = []
    verdict = ""
    for axis, columns in (("xyz", (0, 1, 2)), ("x", (0,)), ("y", (1,)), ("z", (2,))):
        chosen = values[:, :, columns]
        tracer = es.self_fit(chosen[:, :self_window], rng)
        if not verdict:
            verdict = judge(hops, min_events, wide, alpha, alpha_error, tracer.error)
        events = max(1.0, min(hops, len(values) * 2 * len(columns) * tracer.value * duration_ps
                              / length**2))
        whole = es.total_fit(chosen[:, :total_window], 1 / events, rng)
        rows = _rows(tracer, whole, axis, verdict, duration_ps, self_window, total_window, shared)
        found += rows if verdict == "diffusive" else _bound(rows, chosen, hops, length, duration_ps)
    return found


def judge(
    hops: float, min_events: int, window: int, alpha: float, alpha_error: float, error: float,
) -> str:
    """Return the verdict on a run: ``diffusive``, ``subdiffusive`` or ``too_few_events``."""
    if hops < min_events or error > 0.5:
        return "too_few_events"
    if window == 0 or alpha < 1 - max(SLOPE_TOLERANCE, 2 * alpha_error):
        return "subdiffusive"
    return "diffusive"


def _rows(
    tracer: es.Fit, whole: es.Fit, axis: str, verdict: str, duration_ps: float, self_window: int,
    total_window: int, shared: dict,
) -> list[Estimate]:
    cm = es.CM2_PER_S
    ratio = tracer.draws_paired / whole.draws_paired
    parts = (
        ("self", tracer.value * cm, tracer.draws * cm, "cm2/s", self_window),
        ("total", whole.value * cm, whole.draws * cm, "cm2/s", total_window),
        ("distinct", (whole.value - tracer.value) * cm,
         (whole.draws_paired - tracer.draws_paired) * cm, "cm2/s", total_window),
        ("haven", tracer.value / whole.value, ratio, "1", total_window),
    )
    rows = []
    for quantity, value, draws, unit, window in parts:
        low, high = np.quantile(draws, [0.025, 0.975])
        rows.append(Estimate(quantity, axis, value, float(low), float(high), unit,
                             duration_ps / window, verdict=verdict, draws=draws, **shared))
    return rows


def _bound(
    rows: list[Estimate], values: np.ndarray, hops: float, length: float, duration_ps: float,
) -> list[Estimate]:
    """Return the rows of a run that is not diffusive: no values, only upper bounds."""
    from scipy.special import chdtri

    axes = values.shape[2]
    lowest = values[:, :FEWEST_MODES]
    freedom = lowest.shape[1] * axes
    squeeze = freedom / chdtri(freedom, 0.975)
    rare = chdtri(2 * hops + 2, 0.025) / 2 * length**2 / (6 * len(values) * duration_ps)
    power = {"self": (lowest**2).mean(), "total": (lowest.sum(axis=0) ** 2).mean() / len(values)}
    high = {name: max(mean / 2 * squeeze, rare) * es.CM2_PER_S for name, mean in power.items()}
    return [replace(row, value=None, low_95=None, high_95=high.get(row.quantity), draws=None)
            for row in rows]
