"""The trust gate on runs: how often their calibrated force error is beyond the window."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from haven.core.errors import log
from haven.core.numbers import known as known_number
from haven.core.numbers import number as number_text
from haven.core.numbers import percent
from haven.core.types import Row, Table
from haven.potential.gate import BEYOND, TRUSTED, UNCALIBRATED, Gate
from haven.potential.selection import select

if TYPE_CHECKING:
    from ase import Atoms

    from haven.trajectory.trajectory import Trajectory

LIMIT = 0.05  # share of frames beyond the force window above which a run is not trusted
EXPORTED = 10  # frames of one run written for labelling, at most
CANDIDATES = 500  # frames chosen from, at most: their surroundings are compared pair by pair
KEYS = ["u_ev", "temperature_k", "replica", "seed"]
BESIDE = ["share_beyond_window", "force_error_max_p95_ev_per_angstrom"]  # stand beside each D


def at_steps(deviation: np.ndarray | None, steps: np.ndarray) -> np.ndarray | None:
    """Return the ensemble's largest force deviation at some steps.

    Parameters
    ----------
    deviation
        Step and largest deviation, shape (K, 2), eV/Angstrom; None with one potential.
    steps
        Shape (T,).

    Returns
    -------
    ndarray or None
        Shape (T,), nan where none was written.
    """
    if deviation is None or not len(deviation):
        return None
    known = dict(zip(deviation[:, 0].astype(int).tolist(), deviation[:, 1].tolist(), strict=True))
    return np.array([known.get(int(step), np.nan) for step in steps])


def deviations_of(trajectory: Trajectory) -> np.ndarray | None:
    """Return the ensemble's largest force deviation on each frame of all atoms of a trajectory.

    Returns
    -------
    ndarray or None
        Shape (F,), eV/Angstrom, nan where none was written; None where one potential ran alone or
        no frame of all atoms is held.
    """
    times = np.asarray(trajectory.extra.get("all_time_ps", ()), float)
    along = trajectory.extra.get("deviation_ev_per_angstrom")
    if along is None or not len(times) or "symbols" not in trajectory.extra:
        return None
    half = trajectory.spacing_ps / 2
    near = np.minimum(np.searchsorted(trajectory.time_ps, times - half), len(along) - 1)
    same = np.abs(trajectory.time_ps[near] - times) < half / 2
    return np.where(same, np.asarray(along, float)[near], np.nan)


def frames_of(trajectory: Trajectory, rows: Sequence[int]) -> list[Atoms]:
    """Return some of a trajectory's frames of all atoms."""
    from ase import Atoms

    symbols = [str(symbol) for symbol in trajectory.extra["symbols"]]
    held = trajectory.read_all(tuple(rows))
    return [] if held is None else [Atoms(symbols, xyz, cell=trajectory.cell, pbc=True)
                                    for xyz in held]


def export(
    frames: Callable[[Sequence[int]], Sequence[Atoms]], deviation: np.ndarray | None,
    scale: float | None, window: float, path: Path, name: str, temperature_k: float,
) -> int:
    """Write frames beyond the force window, unlike one another, as frames to label.

    Parameters
    ----------
    frames
        Returns frames of all atoms by their numbers: only those beyond are read.
    deviation
        Largest force deviation on each, shape (F,), eV/Angstrom; None with one potential.
    scale
        Force error over deviation; None where no held-out labels tell it, and the deviation counts
        as it is.
    window
        Calibrated force error up to which a frame counts as trained, eV/Angstrom.
    path
        extxyz file; not written where no frame is beyond.
    name
        Of the run; the trajectory's name as labels carry it.
    temperature_k
        Of the run.

    Returns
    -------
    int
        Number of frames written.
    """
    from ase.io import write

    if deviation is None:
        return 0
    error = np.nan_to_num(deviation) * (1.0 if scale is None else scale)
    beyond = np.flatnonzero(error > window)
    beyond = beyond[:: max(1, len(beyond) // CANDIDATES)]
    if not len(beyond):
        return 0
    there = frames(beyond.tolist())
    picked, _ = select(list(there), EXPORTED, [])
    marked = []
    for number, place in enumerate(sorted(picked)):
        index, atoms = beyond[place], there[place].copy()
        atoms.info = {"trajectory": f"beyond_{name}".replace(".", "p"), "frame": number,
                      "origin": "dynamics", "temperature_k": float(temperature_k),
                      "deviation_ev_per_angstrom": float(deviation[index])}
        if scale is not None:
            atoms.info["force_error_ev_per_angstrom"] = float(error[index])
        atoms.wrap()
        marked.append(atoms)
    write(path, marked)
    log.warning("%s: %d frames beyond the force window are written to %s, to be labelled",
                name, len(marked), path.name)
    return len(marked)


def worst(group: Table, name: str) -> float | None:
    """Return the largest value of a column of `BESIDE` among some runs, if measured."""
    values = group[name].dropna() if name in group else []
    return float(max(values)) if len(values) else None


def judge_runs(runs: Table, thermo: Table, gates: Mapping[float, Gate]) -> Table:
    """Return table ``runs`` with calibrated errors, share beyond the window, and what they allow.

    Parameters
    ----------
    runs, thermo
        The tables; ``thermo`` holds the ensemble's deviation along each run.
    gates
        Of each U, from `haven.potential.gate.gates`.

    Returns
    -------
    pandas.DataFrame
        ``force_error_max_p95_ev_per_angstrom``: 95 % quantile of the worst atom's calibrated error.
        ``share_beyond_window``: share of the frames on which that error is beyond the window;
        empty where it cannot be calibrated. ``trust``: ``trusted`` | ``beyond`` | ``uncalibrated``,
        empty where one potential drove alone.
    """
    import pandas as pd

    deviation = "deviation_max_ev_per_angstrom"
    held = thermo.dropna(subset=[deviation])
    shares = {}
    for key, frames in held.groupby(KEYS):
        gate = gates.get(float(str(key[0])))
        if gate is not None and gate.scale is not None:
            beyond = frames[deviation].astype(float) * gate.scale > gate.window
            shares[tuple(map(float, key))] = float(beyond.mean())  # type: ignore[arg-type]
    scales = {u: gate.scale for u, gate in gates.items()}
    error = runs["deviation_max_p95_ev_per_angstrom"].astype(float) * pd.to_numeric(
        runs["u_ev"].map(scales))
    names = [tuple(map(float, row)) for row in runs[KEYS].itertuples(index=False)]
    done = runs.assign(force_error_max_p95_ev_per_angstrom=error,
                       share_beyond_window=[shares.get(name) for name in names])
    return done.assign(trust=[_trust(row, gates) for row in done.to_dict("records")])


def _trust(run: Row, gates: Mapping[float, Gate]) -> str | None:
    """Return what a run's deviations allow to say of it; None where there are none."""
    share, gate = run["share_beyond_window"], gates.get(float(str(run["u_ev"])))
    if not known_number(run["deviation_max_p95_ev_per_angstrom"]):  # type: ignore[arg-type]
        return None
    if known_number(share) and float(str(share)) > LIMIT:  # type: ignore[arg-type]
        return BEYOND
    calibrated = gate is not None and gate.allowed and known_number(share)  # type: ignore[arg-type]
    return TRUSTED if calibrated else UNCALIBRATED


def add_share(table: Table, runs: Table) -> Table:
    """Return a table of runs' results with each run's share beyond the window and force error.

    Parameters
    ----------
    table
        ``diffusion`` or ``conductivity``. Rows of several runs joined get the worst of their U and
        temperature.
    runs
        The table ``runs``, from `judge_runs`; empty where one potential alone ran.
    """
    import pandas as pd

    rest = table.drop(columns=BESIDE, errors="ignore")
    single = runs[[*KEYS, *BESIDE]].drop_duplicates(KEYS)
    for name in BESIDE:
        single[name] = pd.to_numeric(single[name])
    done = rest.merge(single, on=KEYS, how="left")
    known = set(map(tuple, runs[KEYS].itertuples(index=False)))
    alone = [tuple(row) in known for row in done[KEYS].itertuples(index=False)]
    worst = single.groupby(KEYS[:2])[BESIDE].max()
    both = [tuple(row) for row in done[KEYS[:2]].itertuples(index=False)]
    for name in BESIDE:
        of_all = pd.Series([worst[name].get(key) for key in both], index=done.index, dtype=float)
        done[name] = done[name].where(pd.Series(alone, index=done.index), of_all)
    return done


def verdict_rows(
    runs: Table, material: str, name_of: Callable[[Row], str], gates: Mapping[float, Gate]
) -> list[Row]:
    """Return a row of table ``verdicts`` for each run's trust, or each U that has no ensemble.

    Parameters
    ----------
    runs
        From `judge_runs`.
    material
        For the rows.
    name_of
        Run to name.
    gates
        Of each U.
    """
    rows: list[Row] = []

    def add(subject: str, value: object, passed: bool, message: str) -> None:
        rows.append({"material": material, "stage": "RUN_DYNAMICS", "subject": subject,
                     "check": "force window", "value": value, "limit": LIMIT, "unit": "1",
                     "passed": passed, "message": message})

    for u_ev, mine in runs.groupby("u_ev"):
        known = mine[mine["trust"].notna()]
        if known.empty:
            add(f"U = {u_ev:g} eV", None, False,
                f"not measured for {len(mine)} runs: one potential alone says nothing of where it "
                "holds; --ensemble 2 or more does")
        for run in known.to_dict("records"):
            share = run["share_beyond_window"]
            add(name_of(run), share if known_number(share) else None, run["trust"] == TRUSTED,
                _said(run, name_of(run), gates.get(float(str(u_ev)))))
    return rows


def _held_out(run: Row, gate: Gate) -> str:
    """Return how often as many atoms of held-out frames are beyond the window, in words."""
    if gate.held_out is None:
        return "beyond the window too often"
    atoms, share = int(str(run["atoms"])), float(str(run["share_beyond_window"]))
    *_, high = gate.held_out.share(atoms)
    so = ("so the run went where the potentials were not trained" if share > high else
          "so the run is no farther from the training than they are, and the potentials err there "
          "too")
    return f"{gate.held_out.share_words(atoms)}, {so}"


def _said(run: Row, name: str, gate: Gate | None) -> str:
    """Return what a run's calibrated error and the gate's worth say of it, in words."""
    if gate is None or gate.scale is None:
        return (f"{name}: not calibrated well enough to say: no held-out frames of this U tell "
                "what the potentials' disagreement is worth")
    error = float(str(run["force_error_max_p95_ev_per_angstrom"]))
    if not known_number(run["share_beyond_window"]):  # type: ignore[arg-type]
        return f"{name}: not calibrated well enough to say: table thermo lacks its deviations"
    words = (f"in {percent(float(str(run['share_beyond_window'])), 1)} of the frames of {name} the "
             f"calibrated force error of the worst atom is above "
             f"{number_text(1000 * gate.window, plain=True)} meV/A (up to "
             f"{number_text(1000 * error, '1', 2, plain=True)} meV/A in 95 % of them)")
    if run["trust"] == BEYOND:
        return f"{words}: {_held_out(run, gate)}; label such frames"
    if run["trust"] == UNCALIBRATED:
        return f"{words}: not calibrated well enough to say more: {gate.reason}"
    return f"{words}: trusted"
