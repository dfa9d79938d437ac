"""D_self, D_total and the Haven ratio of a run, each with interval and verdict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from haven.core.errors import log
from haven.core.statistics import poisson_interval
from haven.trajectory.trajectory import Trajectory
from haven.transport.displacements import Curves
from haven.transport.estimators import ESTIMATORS, windows
from haven.transport.estimators import walk as es
from haven.transport.estimators.activity import activity
from haven.transport.estimators.base import Motion, Ratio
from haven.transport.estimators.modes import Modes, modes
from haven.transport.hop_counts import count_hops, jump_length, seen_ps

CM2_PER_S = 1e-4  # of 1 Angstrom^2/ps
MODES = 2000  # that are computed of each run at most
# D_self is fitted to this fraction of the widest window that is straight: a curvature that just
# escapes notice there is 5^4 times smaller at the end of the fit.
SELF_SHARE = 5
MIN_EVENTS = 30  # jumps of a run: their number alone has a relative error of 18 %
LARGEST_ERROR = 0.5  # relative standard error of D_self: its interval would span a factor of 7
SLOPE_TOLERANCE = 0.1  # of the log-log slope from 1, where its own error is less
# A log-log slope known worse than this tells neither a cage (slope 0) nor drift (slope 2) from
# diffusion (slope 1) by three standard errors.
SLOPE_KNOWN = 0.3
# Share of D_self that a drift may add before the single ions are refused too.
SELF_DRIFT = 0.02
# Powers of the sum below this share of the single ions' are the rounding of positions: the sum is
# at rest, as that of mobile ions is in the frame of their own centre.
AT_REST = 1e-6
# Ions that may jump as one group without having been seen, in a bound: a Haven ratio of 1 / 4.
CONCERTED = 4.0
# Probability with which a run of ions that only diffuse gets the verdict "drifting".
DRIFT_CHANCE = 0.001
# Standard errors by which another estimator may differ from the sum over all ions.
DISAGREE = 3.0


@dataclass
class Estimate:
    """One coefficient: value and 95 % interval, cm2/s (Haven ratio: 1), and how it was found."""

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
    run: Run | None = None


@dataclass(frozen=True)
class Run:
    """What all estimates of a run have in common: length, jumps, windows (in modes) and verdicts.

    Slope and verdict of the single ions and of their sum; ``mobile_share`` is 1 / (1 + the relative
    variance of the ions' own coefficients), the share of the ions that carry the motion;
    ``net_angstrom`` is how far the mobile ions' centre came and ``net_limit_angstrom`` what it
    exceeds in `DRIFT_CHANCE` of the runs of ions that only diffuse.
    """

    duration_ps: float
    hops: float
    length: float
    self_window: int
    total_windows: tuple[int, ...]
    slope: float
    slope_error: float
    verdict: str
    sum_slope: float = float("nan")
    sum_slope_error: float = float("nan")
    sum_verdict: str = "diffusive"
    mobile_share: float = 1.0
    net_angstrom: float = 0.0
    net_limit_angstrom: float = float("inf")


def diffusion_verdict(
    hops: float, least: int, window: int, alpha: float, spread: float, error: float
) -> str:
    """Return the verdict on a run.

    Parameters
    ----------
    hops, least
        Jumps seen, and jumps needed.
    window
        Modes that are straight in f^2.
    alpha, spread
        Log-log slope and its error.
    error
        Relative standard error of D_self.
    """
    if hops < least or not error < LARGEST_ERROR or not spread < SLOPE_KNOWN:
        return "too_few_events"
    if window == 0 or alpha < 1 - max(SLOPE_TOLERANCE, 2 * spread):
        return "subdiffusive"
    if alpha > 1 + max(3 * SLOPE_TOLERANCE, 3 * spread):
        return "unstable"
    return "diffusive"


def estimate(
    trajectory: Trajectory, curves: Curves, length: float | None = None,
    min_events: int = MIN_EVENTS, seed: int = 0, estimator: str = "walk",
) -> list[Estimate]:
    """Estimate D_self, D_total, D_distinct and the Haven ratio; D also by axis and off-diagonal.

    Ions may jump along some directions and only vibrate along others. Each direction therefore has
    its own window and slope and, where the run is diffusive, its own verdict. An off-diagonal
    element is given only where both of its axes have a number.

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

        seed Seed of the draws that join intervals.
    estimator
        Name of the estimator of D_total / D_self, one of `estimators.ESTIMATORS`. The result of the
        sum over all ions (``walk``) is given beside it, and replaces it where the two disagree.
    """
    first = trajectory.read_frames(np.array([0]))[0].astype(float)
    nearest = jump_length(first, trajectory.cell)
    length = nearest if length is None else length
    hops = count_hops(curves.coarse, curves.coarse_ps, length)
    held = modes(curves.coarse, curves.coarse_ps, MODES, MODES // SELF_SHARE)
    duration = curves.coarse.shape[1] * curves.coarse_ps
    run = describe(held, duration, hops, length, min_events)
    rng = np.random.default_rng(seed)
    wanted = tuple(dict.fromkeys((estimator, "walk")))
    place: dict[str, Any] = {"step_ps": curves.coarse_ps, "nearest": nearest}
    if curves.frame_of_reference in ("host", "fixed"):
        place |= {"places": first, "cell": trajectory.cell}
    found = coefficients(held, "xyz", run, rng, hops, wanted, {"paths": curves.coarse, **place})
    units = trajectory.cell / np.linalg.norm(trajectory.cell, axis=1, keepdims=True)
    straight = set()
    for axis, line in zip("xyzabc", [*np.eye(3), *units], strict=True):
        part = held.along(line[None])
        own = describe(part, duration, hops, length, min_events)
        if run.verdict != "diffusive":
            own = replace(own, verdict=run.verdict)
        if run.sum_verdict != "diffusive":
            own = replace(own, sum_verdict=run.sum_verdict)
        seen = hops if own.verdict == "diffusive" else count_hops(
            curves.coarse @ line[:, None], curves.coarse_ps, length)
        found += coefficients(part, axis, own, rng, seen, wanted,
                              {"paths": curves.coarse @ line[:, None], **place}
                              if len(wanted) > 1 else None)[:4]
        straight |= {axis} if own.verdict == "diffusive" else set()
    found += [_off_diagonal(held, i, j, run, rng) for i, j in ((0, 1), (0, 2), (1, 2))
              if straight >= {"xyz"[i], "xyz"[j]}]
    whole = trajectory.has_host and not unfollowed(trajectory)
    return found if whole else [_tracer_alone(one) for one in found]


def describe(
    held: Modes, duration_ps: float, hops: float, length: float, min_events: int = MIN_EVENTS,
) -> Run:
    """Return windows, slopes and verdicts of a run from its modes (N, m, A); see `estimate`."""
    wide = windows.choose_window(held)
    least = min(windows.FEWEST_MODES, held.count)
    inner = max(wide // SELF_SHARE, least)
    alpha, spread = windows.slope(held, inner)
    error = es.self_fit(held, inner, np.random.default_rng(0)).error
    short = held.count < windows.FEWEST_MODES
    verdict = "too_few_events" if short else diffusion_verdict(
        hops, min_events, wide, alpha, spread, error)
    total = windows.total_windows(held, windows.window_of_sum(held, max(wide, least)))
    together, doubt = sum_slope(held, total[0], least)
    log_power, fitted = es.intercepts(held.mean[:inner].mean(axis=1))
    tracer = float(np.exp(log_power[0]) / 2)
    events = jumps(held, tracer, hops, duration_ps, length)
    net, limit = windows.net_displacement(held, max(wide, least), events, tracer, DRIFT_CHANCE)
    doubtful = max(SELF_DRIFT, error if error < LARGEST_ERROR else SELF_DRIFT)
    if hops >= min_events and net > limit and windows.drifted(held, inner) > doubtful:
        verdict = "drifting"
    still = held.total[:inner].mean() < AT_REST * held.mean[:inner].mean()
    joint = "subdiffusive" if verdict == "diffusive" and still else judge_sum(
        verdict, together, doubt, net > limit)
    share = 1 / (1 + activity(held, fitted[: held.values.shape[1]]).heterogeneity)
    scale = (duration_ps * held.sums / held.ions) ** 0.5
    return Run(duration_ps, float(hops), length, inner, total, alpha, spread, verdict, together,
               doubt, joint, share, net * scale, limit * scale)


def sum_slope(held: Modes, window: int, least: int) -> tuple[float, float]:
    """Return the log-log slope of the sum's square displacement, and its standard error.

    It is found from the lowest fifth of the modes that are fitted, or from more where these are too
    few for a small error.
    """
    powers, freedom = held.total.mean(axis=1), held.sums / es.shared(held)
    exponent, error = float("nan"), float("nan")
    if held.count < 3:
        return exponent, error
    for count in range(max(3, least, window // SELF_SHARE), max(3, least, window) + 1):
        exponent, error = windows.power_law(powers[:count], freedom)
        if error < SLOPE_KNOWN:
            break
    return 1 - exponent, error


def judge_sum(verdict: str, alpha: float, spread: float, drifts: bool) -> str:
    """Return the verdict on D_total, which is never better than that on D_self.

    Parameters
    ----------
    verdict
        Verdict on single ions.
    alpha, spread
        Log-log slope of the sum and its error.
    drifts
        Whether the net displacement of all ions is longer than diffusion explains.
    """
    if verdict != "diffusive":
        return verdict
    if drifts or alpha > 1 + max(3 * SLOPE_TOLERANCE, 3 * spread):
        return "drifting"
    if not spread < SLOPE_KNOWN:
        return "too_few_events"
    return "subdiffusive" if alpha < 1 - max(SLOPE_TOLERANCE, 3 * spread) else "diffusive"


def coefficients(
    held: Modes, axis: str, run: Run, rng: np.random.Generator, seen: float,
    estimators: tuple[str, ...] = ("walk",), motion: dict[str, Any] | None = None,
) -> list[Estimate]:
    """Return D_self, D_total, D_distinct and the Haven ratio along the directions of ``held``.

    D_total is D_self times the ratio that an estimator finds; the errors of the two factors are
    drawn independently.

    Parameters
    ----------
    held
        Modes (N, m, A).
    axis
        Name of the directions.
    run
        What `describe` returns.
    rng
        Source of draws.
    seen
        Jumps along the directions, for an upper bound.
    estimators
        Names of `haven.transport.estimators.ESTIMATORS`, the first that applies gives the rows; the
        ratios of the others stand beside it as ``total_NAME`` and ``haven_NAME``.
    motion
        What estimators need beyond the modes: paths, places, cell.
    """
    tracer, middle, events = _tracer(held, run, rng)
    given = Motion(held, middle, run.self_window, run.total_windows, events, **(motion or {}))
    found = [one for name in estimators if (one := ESTIMATORS[name](given, rng)) is not None]
    found = _agreeing(found, axis)
    ratio = found[0]
    total = tracer.value * ratio.value
    parts = [
        ("self", tracer.value, tracer.draws, 1 / run.self_window, "walk"),
        ("total", total, tracer.draws * ratio.draws, ratio.lag_share, ratio.estimator),
        ("distinct", total - tracer.value, tracer.draws * (ratio.draws - 1), ratio.lag_share,
         ratio.estimator),
        ("haven", 1 / ratio.value, 1 / ratio.draws, ratio.lag_share, ratio.estimator),
    ]
    for one in found[1:]:
        parts += [(f"total_{one.estimator}", tracer.value * one.value, tracer.draws * one.draws,
                   one.lag_share, one.estimator),
                  (f"haven_{one.estimator}", 1 / one.value, 1 / one.draws, one.lag_share,
                   one.estimator)]
    rows = [_row(quantity, axis, value, draws, run, lag_share, estimator)
            for quantity, value, draws, lag_share, estimator in parts]
    return _bounds(rows, held, run, seen)


def _tracer(held: Modes, run: Run, rng: np.random.Generator) -> tuple[es.Fit, float, float]:
    """Return D_self along the directions of ``held``, its rough value, and the jumps along them."""
    middle = float(np.exp(es.intercepts(held.mean[: run.self_window].mean(axis=1))[0][0]) / 2)
    rough = float(held.total[: run.total_windows[-1]].mean()
                  / held.mean[: run.total_windows[-1]].mean())
    events = jumps(held, middle, run.hops, run.duration_ps, run.length)
    return es.self_fit(held, run.self_window, rng, events, max(1.0, rough)), middle, events


def _agreeing(found: list[Ratio], axis: str) -> list[Ratio]:
    """Return the ratios, the sum over all ions first where the first one disagrees with it."""
    full = next(one for one in found if one.estimator == "walk")
    if found[0] is full:
        return found
    logs = [np.log(np.maximum(one.draws, 1e-12)) for one in (found[0], full)]
    apart = abs(np.median(logs[0]) - np.median(logs[1])) / np.hypot(*(one.std() for one in logs))
    for one in found:
        if one.note:
            log.info("%s (%s): D_total / D_self %.3g by %s", one.estimator, axis, one.value,
                     one.note)
    if apart < DISAGREE:
        return found
    log.warning("%s: D_total / D_self is %.3g by the estimator %s, %.3g by the sum over all ions, "
                "%.1f errors apart: the sum over all ions is reported", axis, found[0].value,
                found[0].estimator, full.value, apart)
    return [full, *(one for one in found if one is not full)]


def jumps(
    held: Modes, tracer: float, hops: float, duration_ps: float, length: float,
) -> float:
    """Return the jumps of all ions: those counted, or the number that D_self implies if it is less.

    ``tracer`` is D_self in Angstrom^2/ps, ``length`` the length of a jump in Angstrom.
    """
    events = 2 * held.mean.shape[1] * held.ions * tracer * duration_ps / length**2
    return max(1.0, min(hops, events))


def _row(
    quantity: str, axis: str, value: float, draws: np.ndarray, run: Run, lag_share: float,
    estimator: str = "walk",
) -> Estimate:
    own = quantity == "self"
    unit, scale = ("1", 1.0) if quantity.startswith("haven") else ("cm2/s", CM2_PER_S)
    low, high = np.quantile(draws, [0.025, 0.975]) * scale
    alpha, spread = (run.slope, run.slope_error) if own else (run.sum_slope, run.sum_slope_error)
    return Estimate(quantity, axis, float(value * scale), float(low), float(high), unit,
                    run.duration_ps * lag_share, run.duration_ps, alpha, spread, run.hops,
                    estimator, run.verdict if own else run.sum_verdict, run)


def _bounds(rows: list[Estimate], held: Modes, run: Run, seen: float) -> list[Estimate]:
    """Return rows with upper bounds alone in place of the values where they are not diffusive."""
    high = upper_bounds(held, run, seen)
    if "drifting" in (run.verdict, run.sum_verdict):
        high = {}
    return [row if row.verdict == "diffusive" else replace(
        row, value=None, low_95=None, high_95=high.get(row.quantity)) for row in rows]


def upper_bounds(held: Modes, run: Run, seen: float) -> dict[str, float]:
    """Return what D_self and D_total (``self``, ``total``) stay below in 97.5 % of runs, cm2/s.

    Two bounds are compared. The power of the lowest modes bounds diffusion that is too slow to
    show. And jumps that were not seen may still occur at the highest rate that a Poisson count over
    the time watched allows. For D_total, up to `CONCERTED` ions are taken to jump together, so that
    the sum moves that much less often and that much farther; the Haven ratio need not be known.

    Parameters
    ----------
    held, run
        Modes, and what `describe` returns of them.
    seen
        Jumps seen.
    """
    from scipy.special import chdtri

    lowest = min(windows.FEWEST_MODES, held.count)
    freedom = lowest / es.shared(held)
    squeeze = freedom / chdtri(freedom, 0.975)
    jump = run.length**2 / (2 * held.mean.shape[1] * held.ions * seen_ps(run.duration_ps))
    group = min(CONCERTED, held.ions / held.sums)
    rare = {"self": poisson_interval(seen)[1] * jump,
            "total": poisson_interval(seen / group)[1] * group**2 * jump}
    means = {"self": held.mean[:lowest].mean(), "total": held.total[:lowest].mean()}
    return {name: float(max(mean / 2 * squeeze, rare[name])) * CM2_PER_S
            for name, mean in means.items()}


def unfollowed(trajectory: Trajectory) -> int:
    """Return how many atoms of the mobile element a file has beside the ions that are followed."""
    symbols = np.asarray(trajectory.extra.get("symbols", ())).astype(str)
    return max(0, int((symbols == trajectory.symbol).sum()) - trajectory.ions)


def _tracer_alone(row: Estimate) -> Estimate:
    """Return a row without its number where it needs the motion of a host and of all mobile ions.

    ``self`` stays; totals and ratios contain how all ions move together, which without the host
    cannot be told from a drift, and which some of the ions do not show.
    """
    if row.quantity == "self":
        return row
    return replace(row, value=None, low_95=None, high_95=None, verdict="no_host")


def _off_diagonal(
    held: Modes, i: int, j: int, run: Run, rng: np.random.Generator,
) -> Estimate:
    """Return an off-diagonal element of the self tensor: (D along i + j - D along i - j) / 2.

    A jump along i or j adds the same to both, one along i + j to the first alone. How far their
    errors are the same is found from the ions' activities along the two lines.
    """
    fits, changes = [], []
    for sign in (1.0, -1.0):
        line = np.zeros(3)
        line[i], line[j] = 0.5**0.5, sign * 0.5**0.5
        part = held.along(line[None])
        fits.append(_tracer(part, run, rng)[0])
        fitted = es.intercepts(part.mean[: run.self_window].mean(axis=1))[1]
        changes.append(np.diff(activity(part, fitted[: part.values.shape[1]]).halves)[:, 0])
    one, other = changes
    size = float(((one**2).sum() * (other**2).sum()) ** 0.5)
    common = max(0.0, float((one * other).sum())) / size if size > 0 else 0.0
    common *= (held.ions - 1) / (held.ions - 1 + es.PRIOR_IONS)
    normal = rng.normal(size=(2, es.DRAWS))
    normal[1] = common * normal[0] + (1 - common**2) ** 0.5 * normal[1]
    draws = [np.sort(fit.draws)[row.argsort().argsort()]
             for fit, row in zip(fits, normal, strict=True)]
    return _row("self", "xyz"[i] + "xyz"[j], (fits[0].value - fits[1].value) / 2,
                (draws[0] - draws[1]) / 2, run, 1 / run.self_window)
