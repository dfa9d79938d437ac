"""The trust gate: where an ensemble disagrees, a run is beyond its training data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from haven.core.errors import log
from haven.core.numbers import known as known_number
from haven.core.types import Row, Table
from haven.potential.selection import select

if TYPE_CHECKING:
    from ase import Atoms

LIMIT = 0.05  # share of frames beyond the trained window above which a run is not trusted
EXPORTED = 10  # frames of one run written for labelling, at most
CANDIDATES = 500  # frames chosen from, at most: their surroundings are compared pair by pair
KEYS = ["u_ev", "temperature_k", "replica", "seed"]


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


def export(
    frames: Sequence[Atoms], deviation: np.ndarray | None, window: float | None, path: Path,
    name: str, temperature_k: float,
) -> int:
    """Write frames beyond the trained window, unlike one another, as frames to label.

    Parameters
    ----------
    frames
        Frames of all atoms.
    deviation
        Largest force deviation on each, shape (F,), eV/Angstrom.
    window
        Deviation up to which a frame counts as trained, eV/Angstrom.
    path
        extxyz file; not written where no frame is beyond.
    name
        Of the run; the trajectory's name as labels carry it.
    temperature_k
        Of the run.

    Returns
    -------
    int
        Frames written.
    """
    from ase.io import write

    if deviation is None or window is None:
        return 0
    beyond = np.flatnonzero(np.nan_to_num(deviation) > window)
    beyond = beyond[:: max(1, len(beyond) // CANDIDATES)]
    picked, _ = select([frames[i] for i in beyond], EXPORTED, [])
    chosen = sorted(beyond[picked].tolist())
    marked = []
    for number, index in enumerate(chosen):
        atoms = frames[index].copy()
        atoms.info = {"trajectory": f"beyond_{name}".replace(".", "p"), "frame": number,
                      "origin": "dynamics", "temperature_k": float(temperature_k),
                      "deviation_ev_per_angstrom": float(deviation[index])}
        atoms.wrap()
        marked.append(atoms)
    if marked:
        write(path, marked)
        log.warning("%s: %d frames beyond the trained window are written to %s, to be labelled",
                    name, len(marked), path.name)
    return len(marked)


def worst_share(group: Table) -> float | None:
    """Return the largest share of frames beyond the trained window of some runs, if measured."""
    shares = group["share_beyond_window"].dropna() if "share_beyond_window" in group else []
    return float(max(shares)) if len(shares) else None


def add_share(table: Table, runs: Table) -> Table:
    """Return a table of runs' results with each run's share of frames beyond the trained window.

    Parameters
    ----------
    table
        ``diffusion`` or ``conductivity``.
    runs
        The table ``runs``; empty where one potential alone ran.
    """
    share = runs[[*KEYS, "share_beyond_window"]].drop_duplicates(KEYS)
    rest = table.drop(columns="share_beyond_window", errors="ignore")
    return rest.merge(share, on=KEYS, how="left")


def verdict_rows(runs: Table, material: str, name_of: Callable[[Row], str]) -> list[Row]:
    """Return a row of table ``verdicts`` for each run's share, or each U that has no ensemble."""
    rows: list[Row] = []

    def add(subject: str, value: float | None, passed: bool, message: str) -> None:
        rows.append({"material": material, "stage": "RUN_DYNAMICS", "subject": subject,
                     "check": "trained window", "value": value, "limit": LIMIT, "unit": "1",
                     "passed": passed, "message": message})

    for u_ev, mine in runs.groupby("u_ev"):
        known = mine.dropna(subset=["share_beyond_window"])
        if known.empty:
            add(f"U = {u_ev:g} eV", None, False,
                f"not measured for {len(mine)} runs: one potential alone says nothing of where it "
                "holds; --ensemble 2 or more does")
        for run in known.to_dict("records"):
            share = float(run["share_beyond_window"])
            name = name_of(run)
            what = "label the frames written beside the trajectory" if share > LIMIT else "trusted"
            error = run.get("force_error_max_p95_ev_per_angstrom")
            if known_number(error):
                what += (f"; calibrated force error (root mean square) up to {error:.2g} eV/A in "
                         "95 % of the frames")
            add(name, share, share <= LIMIT, f"in {share:.1%} of the frames of {name} the "
                f"potentials disagree by more than they may: {what}")
    return rows
