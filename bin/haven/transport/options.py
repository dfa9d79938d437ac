"""Options of the analysis of transport."""

from __future__ import annotations

from dataclasses import dataclass

from haven.core.options import option
from haven.transport.estimators import ESTIMATORS


@dataclass(frozen=True)
class Reference:
    """What displacements are measured against."""

    frame_of_reference: str = option("host", "what displacements are measured against",
                                     choices=("host", "barycentre", "fixed"),
                                     more="With fixed they are those of the file, whose frame "
                                          "of reference is known not to move")


@dataclass(frozen=True)
class Estimation:
    """How D_total is estimated."""

    estimator: str = option(
        "walk", "how D_total is estimated: from the sum over all ions, from pairs near each other "
        "(for large crystals; the sum over all ions is given, too), or by means over stretches",
        choices=tuple(ESTIMATORS))
