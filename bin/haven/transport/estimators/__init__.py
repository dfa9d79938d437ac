"""Estimators of D_total / D_self, by the name that ``--estimator`` takes.

Each is a `haven.transport.estimators.base.Estimator`; `haven.transport.diffusion` multiplies its
ratio by D_self, which is estimated in one way only. ``walk`` takes the sum over all ions, ``local``
the pairs near each other, ``blocks`` the usual means over stretches of the run. Each is imported
where it is asked for, so that a script can list their names before it needs a package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from haven.transport.estimators.base import Estimator, Motion, Ratio


def _walk(motion: Motion, rng: np.random.Generator) -> Ratio | None:
    from haven.transport.estimators.full import full_sum

    return full_sum(motion, rng)


def _local(motion: Motion, rng: np.random.Generator) -> Ratio | None:
    from haven.transport.estimators.local import near_pairs

    return near_pairs(motion, rng)


def _blocks(motion: Motion, rng: np.random.Generator) -> Ratio | None:
    from haven.transport.estimators.blocks import block_means

    return block_means(motion, rng)


ESTIMATORS: dict[str, Estimator] = {"walk": _walk, "local": _local, "blocks": _blocks}
