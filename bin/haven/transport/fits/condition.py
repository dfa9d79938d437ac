"""What is kept of a run to judge it together with others; runs of one condition joined."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from haven.core.constants import Z95
from haven.core.errors import HavenError, brief, existing, log
from haven.core.numbers import count_of
from haven.trajectory.trajectory import DAMAGE
from haven.transport.diffusion import (
    MODES,
    SELF_SHARE,
    Estimate,
    coefficients,
    describe,
)
from haven.transport.estimators import modes as sines
from haven.transport.estimators.modes import Modes
from haven.transport.fits.spread import between, long_enough, widened
from haven.transport.hop_counts import jump_length, watched_ps
from haven.transport.rows import verdict_of

if TYPE_CHECKING:
    from haven.trajectory.trajectory import Trajectory
    from haven.transport.displacements import Curves

ENDING = ".modes.npz"
KEYS = ("material", "u_ev", "temperature_k", "replica", "seed")  # of a run of one species
STABLE = "stable"
KEPT_NUMBERS = 1_200_000  # modes of single ions in a file: 5 MB in float32
KEPT_LEAST = 32  # modes of each ion kept of the largest crystals
TOO_SHORT = "short (jumps alone)"  # of a run whose jumps count in a line and whose modes do not
DIFFUSION = {"self": "d_self", "total": "d_total", "distinct": "d_distinct", "haven": "haven_ratio"}
NOTHING = (("d_self", "cm2/s"), ("d_total", "cm2/s"), ("d_distinct", "cm2/s"),
           ("haven_ratio", "1"), ("sigma_self", "mS/cm"), ("sigma_total", "mS/cm"))


@dataclass(frozen=True)
class Watched:
    """One run as it counts in a joined condition.

    Attributes
    ----------
    keys
        material, u_ev, temperature_k, replica, seed.
    species
        Mobile element.
    ended
        ``stable``, or in one or two words why the run gives no number.
    has_host
        Whether the host's motion is known, without which D_total has no meaning.
    hops
        Jumps seen.
    watched_ps, duration_ps
        Time in which a jump would have been seen, and length of the run, ps.
    length_angstrom
        Length of a jump, Angstrom.
    siemens
        Conductivity in mS/cm of a diffusion coefficient of 1 cm2/s.
    modes
        Sine modes of the increments.
    """

    keys: dict[str, Any]
    species: str
    ended: str
    has_host: bool
    hops: float
    watched_ps: float
    duration_ps: float
    length_angstrom: float
    siemens: float
    modes: Modes

    @property
    def ions(self) -> int:
        """Number of mobile ions."""
        return self.modes.ions

    @property
    def name(self) -> str:
        """Replica and potential, for messages."""
        return f"replica {self.keys['replica']} seed {self.keys['seed']}"


def watched(
    trajectory: Trajectory, curves: Curves, keys: dict[str, Any], hops: float,
    length: float | None, siemens: float, ended: str,
) -> Watched:
    """Return what is kept of a run to judge it together with others.

    Parameters
    ----------
    trajectory, curves
        Open trajectory and its displacement curves.
    keys
        material, u_ev, temperature_k, replica, seed.
    hops
        Jumps counted.
    length
        Length of a jump, Angstrom; None: that of neighbouring mobile ions.
    siemens
        Conductivity in mS/cm of a diffusion coefficient of 1 cm2/s.
    ended
        ``stable``, or why the run gives no number.
    """
    if length is None:
        first = trajectory.read_frames(np.array([0]))[0].astype(float)
        length = jump_length(first, trajectory.cell)
    frames, spacing = curves.coarse.shape[1], curves.coarse_ps
    held = sines.modes(curves.coarse, spacing, MODES, MODES // SELF_SHARE)
    return Watched(keys, trajectory.symbol, ended, trajectory.has_host, float(hops),
                   watched_ps(frames, spacing), frames * spacing, length, siemens, held)


def kept_modes(ions: int, wanted: int) -> int:
    """Return how many modes of each of ``ions`` ions a file keeps, at most ``wanted``."""
    return min(wanted, max(KEPT_LEAST, KEPT_NUMBERS // (3 * max(1, ions))))


def write_kept_run(
    run: Watched, path: str | Path, inputs: Mapping[str, object] | None = None
) -> Path:
    """Write what `conditions` needs of a run, some 5 MB at most, and return the path."""
    named = {f.name: getattr(run, f.name) for f in fields(run) if f.name != "modes"}
    kept = kept_modes(run.ions, run.modes.values.shape[1])
    target = Path(path)
    np.savez_compressed(
        target, values=run.modes.values[:, :kept], mean=run.modes.mean, spread=run.modes.spread,
        path=run.modes.path, net=np.zeros(0) if run.modes.net is None else run.modes.net,
        run=np.array(json.dumps({**named, "inputs": dict(inputs or {})}, default=str)))
    return target


def read_kept_run(path: str | Path) -> Watched:
    """Read one run.

    Raises
    ------
    HavenError
        If the file is damaged or is none of Haven's.
    """
    existing(path, "modes of a run")
    try:
        with np.load(path) as held:
            told = json.loads(str(held["run"]))
            parts = Modes(held["values"], held["mean"], held["spread"], held["path"],
                          held["net"] if held["net"].size else None)
    except (*DAMAGE, AttributeError) as error:  # the latter of what is none of Haven's
        raise HavenError(f"{path}: no modes of a run, or damaged ({brief(error)}): analyse the "
                         "trajectory again with analyse_transport.py") from error
    told.pop("inputs", None)
    return Watched(**told, modes=parts)


def read_folder(folder: str | Path) -> list[Watched]:
    """Read all runs of a folder, sorted by the files' names."""
    return [read_kept_run(path) for path in sorted(Path(folder).glob(f"*{ENDING}"))]


def run_key(keys: Mapping[str, Any]) -> tuple[str, float, float, int, int]:
    """Return the values of `KEYS`, which compare alike whatever they were read from."""
    return (str(keys["material"]), float(keys["u_ev"]), float(keys["temperature_k"]),
            int(keys["replica"]), int(keys["seed"]))


def matched(
    runs: Iterable[Watched], analysed: Iterable[dict[str, Any]], kept: bool = False,
) -> list[Watched]:
    """Return the runs that the tables have, too; log those that are missing on either side.

    Parameters
    ----------
    runs
        Runs of the files of modes.
    analysed
        `KEYS` and species of the runs in the tables.
    kept
        Whether an earlier run's joined table stands for the runs without a file.
    """
    held = {(*run_key(run.keys), run.species): run for run in runs}
    known = {(*run_key(keys), str(keys["species"])) for keys in analysed}
    lost, left = len(known - set(held)), len(set(held) - known)
    if lost and held and not kept:
        log.warning("%d of %d runs have no file *%s beside their tables: they count with their "
                    "jumps alone (analyse them again)", lost, len(known), ENDING)
    if left:
        log.warning("%s *%s of runs that no table has: left out", count_of(left, "file"), ENDING)
    return [run for place, run in held.items() if place in known]


@dataclass(frozen=True)
class Seen:
    """What the joined runs of a condition saw.

    Attributes
    ----------
    runs, ions
        Number of runs, and of their mobile ions, of all together.
    duration_ps
        Lengths of the runs, ps, of all together.
    hops
        Jumps of all runs.
    exposure
        Ions times the time in which their jumps are seen, ps.
    siemens
        Conductivity in mS/cm of a diffusion coefficient of 1 cm2/s, mean over the runs.
    """

    runs: int = 0
    ions: int = 0
    duration_ps: float = 0.0
    hops: float = 0.0
    exposure: float = 0.0
    siemens: float = math.nan


@dataclass(frozen=True)
class Condition:
    """All runs of one material, U and temperature (and potential), judged together.

    Attributes
    ----------
    keys
        material, u_ev, temperature_k, seed (None: all driving potentials together).
    seen
        Number of the joined runs, and what they saw.
    left_out
        Runs that are not, each with the reason, in words; those too short count with their jumps in
        a line.
    estimates
        Coefficients along xyz with verdicts, as of one run.
    logs
        Quantity (``self``, ``total``) to the logarithm of the coefficient in cm2/s and its
        standard error, whatever the verdict: for a fit of all conditions together.
    ended
        How each run that is left out ended.
    """

    keys: dict[str, Any]
    seen: Seen
    left_out: str
    estimates: list[Estimate]
    logs: dict[str, tuple[float, float]]
    ended: tuple[str, ...] = ()

    @property
    def hops(self) -> float:
        """Jumps of all runs."""
        return self.seen.hops

    @property
    def exposure(self) -> float:
        """Ions times the time in which their jumps are seen, ps."""
        return self.seen.exposure

    @property
    def siemens(self) -> float:
        """Conductivity in mS/cm of a diffusion coefficient of 1 cm2/s, mean over the runs."""
        return self.seen.siemens

    def verdict_on(self, part: str) -> str:
        """Return the verdict on ``self`` or ``total``; without runs that count, the reason."""
        return next((row.verdict for row in self.estimates if row.quantity == part), self.uncounted)

    @property
    def uncounted(self) -> str:
        """Verdict where no run counts: ``not_stationary`` if all of them are, else ``unstable``."""
        return verdict_of(self.ended)


def conditions(runs: Iterable[Watched], min_events: int) -> list[Condition]:
    """Join the runs of each material, U and temperature; of each potential too if there are more.

    Parameters
    ----------
    runs
        All runs of a study.
    min_events
        Jumps that all runs of a condition together need for a number.
    """
    groups: dict[tuple[str, float, float], list[Watched]] = {}
    for run in runs:
        key = (str(run.keys["material"]), float(run.keys["u_ev"]),
               float(run.keys["temperature_k"]))
        groups.setdefault(key, []).append(run)
    found = []
    for (material, u_ev, temperature), members in sorted(groups.items()):
        keys = {"material": material, "u_ev": u_ev, "temperature_k": temperature}
        found.append(condition(members, {**keys, "seed": None}, min_events))
        seeds = sorted({int(run.keys["seed"]) for run in members})
        for seed in seeds if len(seeds) > 1 else ():
            own = [run for run in members if run.keys["seed"] == seed]
            found.append(condition(own, {**keys, "seed": seed}, min_events))
    return found


def condition(
    members: Sequence[Watched], keys: dict[str, Any], min_events: int,
) -> Condition:
    """Join runs of one condition; runs that melted, drifted or are not stationary are left out.

    Runs too short for their slow modes to count (`long_enough`) are left out and named, too: their
    jumps count in a line of all temperatures.
    """
    good = [run for run in members if run.ended == STABLE]
    lost = [run for run in members if run.ended != STABLE]
    left_out, ended = [f"{run.name}: {run.ended}" for run in lost], tuple(
        run.ended for run in lost)
    if not good:
        return Condition(keys, Seen(), "; ".join(left_out), [], {}, ended)
    enough = long_enough([run.duration_ps for run in good], [run.ions for run in good])
    left_out += [f"{run.name}: {TOO_SHORT}" for run, long in zip(good, enough, strict=True)
                 if not long]
    slow = [run for run, long in zip(good, enough, strict=True) if long]
    modes, durations = [run.modes for run in slow], [run.duration_ps for run in slow]
    held = sines.joined(modes, durations)
    ion_ps = float(sum(run.ions * run.duration_ps for run in slow))
    hops = sum(run.hops for run in slow)
    length = float(np.average([run.length_angstrom for run in slow],
                              weights=[run.ions for run in slow]))
    together = describe(held, ion_ps / held.ions, hops, length, min_events)
    rng = np.random.default_rng(0)
    rows = coefficients(held, "xyz", together, rng, hops)
    free = replace(together, verdict="diffusive", sum_verdict="diffusive")
    raw = coefficients(held, "xyz", free, rng, hops)
    rows, raw = ([next(row for row in every if row.quantity == name) for name in DIFFUSION]
                 for every in (rows, raw))  # the first estimator's: the one that is reported
    extra = between(modes, durations, held, together.self_window)
    if extra:
        rows = [row if row.quantity == "haven" else widened(row, extra, len(slow))
                for row in rows]
    if not all(run.has_host for run in slow):
        rows = [row if row.quantity == "self" else
                replace(row, value=None, low_95=None, high_95=None, verdict="no_host")
                for row in rows]
    logs = {row.quantity: _log(row) for row in raw
            if row.quantity in ("self", "total") and row.value and row.low_95 and row.low_95 > 0}
    if not all(run.has_host for run in slow):
        logs.pop("total", None)
    return Condition(keys, _seen(slow), "; ".join(left_out), rows, logs, ended)


def _seen(runs: Sequence[Watched]) -> Seen:
    return Seen(
        len(runs), sum(run.ions for run in runs), sum(run.duration_ps for run in runs),
        sum(run.hops for run in runs), sum(run.ions * run.watched_ps for run in runs),
        float(np.average([run.siemens for run in runs],
                         weights=[run.ions * run.duration_ps for run in runs])))


def joined_rows(found: Iterable[Condition]) -> list[dict[str, Any]]:
    """Return the rows of table ``joined``: coefficients and conductivities of joined conditions."""
    rows = []
    for one in found:
        start = {**one.keys, "runs": one.seen.runs, "left_out": one.left_out or None,
                 "hop_events": one.hops, "ions": one.seen.ions,
                 "duration_ps": one.seen.duration_ps}
        if not one.seen.runs:
            rows += [{**start, "quantity": name, "unit": unit, "verdict": one.uncounted}
                     for name, unit in NOTHING]
        for row in one.estimates:
            told = {"unit": row.unit, "loglog_slope": _finite(row.loglog_slope),
                    "loglog_slope_error": _finite(row.loglog_slope_error), "verdict": row.verdict}
            ends = {"value": row.value, "low_95": row.low_95, "high_95": row.high_95}
            if row.quantity in DIFFUSION:
                ln_value, ln_error = one.logs.get(row.quantity, (None, None))
                rows.append({**start, **told, **ends, "quantity": DIFFUSION[row.quantity],
                             "ln_value": ln_value, "ln_error": ln_error})
            if row.quantity in ("self", "total"):
                ends = {name: None if value is None else value * one.siemens
                        for name, value in ends.items()}
                rows.append({**start, **told, **ends, "quantity": f"sigma_{row.quantity}",
                             "unit": "mS/cm"})
    return rows


def condition_line(one: Condition) -> str:
    """Return one line about a joined condition."""
    seed = "" if one.keys["seed"] is None else f", potential of seed {one.keys['seed']}"
    of_u = f"U {one.keys['u_ev']:g} eV, " if one.keys["u_ev"] else ""
    start = (f"{of_u}{one.keys['temperature_k']:g} K{seed}: "
             f"{count_of(one.seen.runs, 'run')}, {one.hops:g} jumps")
    left = f"; left out: {one.left_out}" if one.left_out else ""
    if not one.estimates or one.estimates[0].value is None:
        return f"{start}, no D_self ({one.verdict_on('self').replace('_', ' ')}){left}"
    tracer = one.estimates[0]
    return (f"{start}, D_self {tracer.value:.3g} [{tracer.low_95:.3g}, {tracer.high_95:.3g}] "
            f"cm2/s{left}")


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _log(row: Estimate) -> tuple[float, float]:
    value, low, high = (float(v or math.nan) for v in (row.value, row.low_95, row.high_95))
    return math.log(value), math.log(high / low) / (2 * Z95)
