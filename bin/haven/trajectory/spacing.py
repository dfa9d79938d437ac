"""The time between frames that an option gives, compared with what the files say themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from haven.core.errors import HavenError
from haven.trajectory.checks import UNEVEN, rounding
from haven.trajectory.frame_checks import SAID_TWICE

CLOCK_UNITS_PS = {"ps": 1.0, "fs": 1e-3, "ASE's": 1.0180505710774743e-2, "atomic": 2.4188843e-5,
                  "ns": 1e3}
"""ps of the units in which programs may write a time without saying which."""
SHORTEST_STEP_FS, LONGEST_STEP_FS = 0.024, 50.0
"""Steps of molecular dynamics: one atomic unit of time (Car-Parrinello), coarse-grained models."""


def check_spacing(source: Path, given: float | None, told: float) -> None:
    """Refuse a time between frames, ps, that an option gives and the file contradicts."""
    if given is not None and abs(given - told) > SAID_TWICE * told:
        raise HavenError(f"{source} says that its frames are {told:.6g} ps apart, "
                         f"--frame_spacing_ps says {given:g} ps: leave the option out, or correct "
                         "it (it is the time between two saved frames, not the step of the "
                         "dynamics)")


def check_step(source: Path, given: float, apart: float) -> None:
    """Refuse a time between frames, ps, from which a step of the dynamics follows that none has.

    Parameters
    ----------
    source
        The file.
    given
        Time between two saved frames, ps.
    apart
        Steps between them by the file's own numbers; where it is 1, they may count frames instead,
        and judge nothing.

    Raises
    ------
    HavenError
        If the step is not between `SHORTEST_STEP_FS` and `LONGEST_STEP_FS`.
    """
    step = 1000 * given / apart
    if apart > 1 and not SHORTEST_STEP_FS <= step <= LONGEST_STEP_FS:
        raise HavenError(f"{source}: its frames are {apart:g} steps apart, so --frame_spacing_ps "
                         f"{given:g} means a step of {step:.4g} fs: give the time between two "
                         "saved frames in ps (if its numbers are no steps of the dynamics, write "
                         "them as 0, 1, 2, ..)")


def check_clock(source: Path, given: float | None, clocks: np.ndarray) -> None:
    """Refuse a time between frames, ps, that is that of a file's times (T,) in no unit of theirs.

    Times that do not increase evenly are something else, such as wall time, and judge nothing.

    Raises
    ------
    HavenError
        If none is given, with what the file's times are in ps and fs, or if it contradicts them.
    """
    apart = float((clocks[-1] - clocks[0]) / max(len(clocks) - 1, 1))
    if not apart > 0 or np.abs(np.diff(clocks) - apart).max() > UNEVEN * apart + rounding(clocks):
        return
    told = {unit: apart * ps for unit, ps in CLOCK_UNITS_PS.items()}
    if given is not None and any(abs(given - one) <= SAID_TWICE * one for one in told.values()):
        return
    said = (f"{source} has times without a unit, {apart:.6g} from frame to frame: that is "
            f"{told['fs']:.6g} ps if they are fs, {told['ps']:.6g} ps if they are ps")
    if given is None:
        raise HavenError(f"{said}; give the right one by --frame_spacing_ps")
    raise HavenError(f"{said}, and --frame_spacing_ps says {given:g} ps: correct it (it is the "
                     "time between two saved frames, not the step of the dynamics)")
