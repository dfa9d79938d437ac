"""Estimators of D_total / D_self, by the name that ``--estimator`` takes.

Each is a `haven.transport.estimators.base.Estimator`; `haven.transport.diffusion` multiplies its
ratio by D_self, which is estimated in one way only. ``walk`` takes the sum over all ions, ``local``
the pairs near each other, ``blocks`` the usual means over stretches of the run.
"""

from __future__ import annotations

from haven.transport.estimators.base import Estimator
from haven.transport.estimators.blocks import block_means
from haven.transport.estimators.full import full_sum
from haven.transport.estimators.local import near_pairs

ESTIMATORS: dict[str, Estimator] = {"walk": full_sum, "local": near_pairs,
                                    "blocks": block_means}
