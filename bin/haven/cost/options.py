"""Options of the timing of a potential."""

from __future__ import annotations

from dataclasses import dataclass

from haven.core.options import option
from haven.potential.families import trainer


@dataclass(frozen=True)
class Timing:
    """What is timed, and for how long."""

    cost_atoms: tuple[int, ...] = option((160,), "sizes, in atoms, at which the dynamics is timed",
                                         least=1, most=1_000_000, distinct=True)
    cost_steps: int = option(100, "steps of each timing", least=2, most=100_000)
    cost_cores: tuple[int, ...] = option((1,), "core counts to time the potential on", least=1,
                                         most=1024, distinct=True)
    cost_limit_s: int = option(20, "longest wall time of one timing; the steps done until then "
                               "count", unit="s", least=1, most=86_400)
    cost_networks: tuple[str, ...] | None = option(
        None, "further networks to time, compressed and not: embedding/fitting/cutoff in "
        "Angstrom/precision",
        pattern=trainer().network_pattern,
        example="32-64-128/256-256-256/7/float64",
        more="Their weights don't matter for speed and are hardly trained", distinct=True)
