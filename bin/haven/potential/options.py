"""Options of the data set of labelled frames, and of the choice of frames to label."""

from __future__ import annotations

from dataclasses import dataclass

from haven.core.options import option


@dataclass(frozen=True)
class Split:
    """How frames are split into training and test."""

    test_share: float = option(0.2, "share of the trajectories held out for the test", least=0.05,
                               most=0.5)


@dataclass(frozen=True)
class Selection:
    """Frames that a learning round labels."""

    frames_per_round: int = option(40, "frames that each round labels, at most", least=1,
                                   most=100_000)
