"""Checks of a first-principles trajectory: temperature, balance of energy, magnetic state."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from haven.core.errors import HavenError
from haven.core.statistics import kinetic_spread, slope_with_error
from haven.core.types import Row
from haven.labels.audit import Limits, audit
from haven.labels.frames.consistency import energy_work
from haven.labels.frames.reading import LabelledFrame, read_file

IMBALANCE_MEV = 1.0  # a seventh of what the energy of 20 atoms swings by at room temperature


def read_run(path: str | Path, u_ev: float, species: Sequence[str]) -> list[LabelledFrame]:
    """Return the frames of a trajectory of RUN_AIMD in the order of time.

    Frames of another U are left out, and so are those of other programs, which do not say what a
    step cost.

    Raises
    ------
    HavenError
        If a step is there twice or not at all, or a frame is bad, see
        `haven.labels.frames.reading.read_file`.
    """
    with Path(path).open("rb") as stream:
        if b"kinetic_temperature_k=" not in stream.read(4096):
            return []
    frames = read_file(path, u_ev, species)
    numbers = np.array([frame.number for frame in frames])
    wrong = np.flatnonzero(np.diff(numbers) != 1)
    if len(wrong):
        raise HavenError(f"{frames[wrong[0] + 1].where}: step {numbers[wrong[0] + 1]} follows step "
                         f"{numbers[wrong[0]]}: give a trajectory with every step once")
    return frames


def imbalance(frames: Sequence[LabelledFrame]) -> np.ndarray:
    """Return the potential energy's change since the start less the work of the forces, meV/atom.

    It replaces the conserved energy, which a run with a thermostat does not have. It is zero up to
    the error of the trapezoidal rule of the work (third order in the time step) and that of
    self-consistency.

    Returns
    -------
    ndarray
        Shape (T,), the first 0.
    """
    total = [0.0]
    for one, two in pairwise(frames):
        pair = energy_work(one, two)
        if pair is None:
            raise HavenError(f"{two.where}: an atom moved more than 0.6 Angstrom in a step")
        total.append(total[-1] + pair[0] - pair[1] - pair[2])
    return 1000 * np.array(total) / len(frames[0].atoms)


def verdict_rows(frames: Sequence[LabelledFrame], material: str, subject: str) -> list[Row]:
    """Return rows of table ``verdicts``: temperature, balance of energy, labels of one branch."""
    info = frames[0].info
    time_ps = np.array([float(f.info["time_fs"]) for f in frames]) / 1000
    kinetic = np.array([float(f.info["kinetic_temperature_k"]) for f in frames])
    wanted = float(info["temperature_k"])
    # A velocity is forgotten in the damping time: so many temperatures are independent.
    independent = max(time_ps[-1] * 1000 / (2 * float(info.get("damping_fs", 100.0))), 1.0)
    allowed = 3 * kinetic_spread(wanted, len(frames[0].atoms)) / np.sqrt(independent)
    away = imbalance(frames)
    worst = np.abs(away).max()
    slope, error = slope_with_error(time_ps, away)
    left_out = [reason for reason in audit(frames, Limits()) if reason]
    keys = {"material": material, "stage": "RUN_AIMD", "subject": subject}
    return [
        {**keys, "check": "temperature", "value": float(abs(kinetic.mean() - wanted)),
         "limit": float(allowed), "unit": "K",
         "passed": bool(abs(kinetic.mean() - wanted) <= allowed),
         "message": f"mean temperature {kinetic.mean():.0f} K over {len(frames)} frames, "
         f"thermostat at {wanted:g} K; limit: three standard errors"},
        {**keys, "check": "energy against work of the forces", "value": float(worst),
         "limit": IMBALANCE_MEV, "unit": "meV/atom", "passed": bool(worst <= IMBALANCE_MEV),
         "message": f"energy less work of the forces is up to {worst:.2f} meV/atom from its start, "
         f"slope {slope:.2g} ± {error:.2g} meV/atom/ps: electrons that go on settling from step to "
         "step make it fall"},
        {**keys, "check": "labels accepted", "value": float(len(left_out)), "limit": 0.0,
         "unit": "frames", "passed": not left_out,
         "message": f"{len(left_out)} of {len(frames)} frames would be left out of a data set"
         + (f": {left_out[0]}" if left_out else "")},
    ]
