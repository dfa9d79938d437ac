"""What an estimator of D_total / D_self is given, and what it returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from haven.transport.estimators.modes import Modes


@dataclass(frozen=True)
class Motion:
    """Motion of the ions of one run along one direction or all three.

    Attributes
    ----------
    held
        Sine modes of the ions and of their sum (N, m, A).
    tracer
        D_self, Angstrom^2/ps.
    self_window, total_windows
        Numbers of modes that single ions' coefficient and the sum's are fitted to.
    jumps
        Jumps of all ions.
    paths
        Displacements (N, M, A) since the start, Angstrom, every ``step_ps``; None where only the
        modes are known.
    places, cell
        Positions at the start (N, 3) and cell vectors as rows (3, 3), Angstrom; None where not
        known or where the displacements are not relative to the host.
    nearest
        Distance of neighbouring mobile ions, Angstrom.
    """

    held: Modes
    tracer: float
    self_window: int
    total_windows: tuple[int, ...]
    jumps: float
    paths: np.ndarray | None = None
    step_ps: float = 0.0
    places: np.ndarray | None = None
    cell: np.ndarray | None = None
    nearest: float = 0.0


@dataclass(frozen=True)
class Ratio:
    """D_total / D_self as an estimator finds it.

    Attributes
    ----------
    value
        The ratio.
    draws
        Draws from the distribution of the true ratio (DRAWS,), without the error of D_self.
    estimator
        Name of the estimator.
    lag_share
        Shortest time used, as a share of the run.
    note
        How it was found, in words.
    """

    value: float
    draws: np.ndarray
    estimator: str
    lag_share: float
    note: str = ""


class Estimator(Protocol):
    """An estimator of D_total / D_self."""

    def __call__(self, motion: Motion, rng: np.random.Generator) -> Ratio | None:
        """Return D_total / D_self of a motion, or None where this estimator does not apply."""
        ...
