"""One run, one mobile species: from an open trajectory to the rows of its tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from haven.core.errors import HavenError, log
from haven.core.periodic import heights
from haven.trajectory import all_atoms
from haven.trajectory.trajectory import Trajectory
from haven.transport import diffusion, rows
from haven.transport import displacements as msd
from haven.transport.diffusion import Estimate
from haven.transport.displacements import Curves
from haven.transport.hop_counts import jump_length

DILUTE_ANGSTROM = 5.0
"""Distance of mobile ions from which it is no jump length: no ion hops that far at once."""
USUAL_JUMP_ANGSTROM = 3.0
"""Jump length of dilute ions: sites of one ion in crystals are 2 to 4 Angstrom apart."""
FASTER_THAN_HEAT = 10.0
"""Mean-square displacement between two frames over that of free flight at the temperature: 1 at
most in equilibrium; ten leaves room for few ions and a thermostat."""
VACUUM_ANGSTROM = 6.0
"""Empty layer from which a cell is one of a slab; no crystal's layers are so far apart."""
GAS_CONSTANT = 0.83144626
"""Angstrom^2 u / (ps^2 K): k_B in these units."""
CHARGES = {"H": 1, "Li": 1, "Na": 1, "K": 1, "Rb": 1, "Cs": 1, "Ag": 1, "Cu": 1, "Mg": 2, "Ca": 2,
           "Sr": 2, "Ba": 2, "Zn": 2, "Al": 3, "F": -1, "Cl": -1, "Br": -1, "I": -1, "O": -2,
           "S": -2, "Se": -2, "N": -3}
"""Usual charges of mobile ions, in elementary charges."""


@dataclass(frozen=True)
class AnalysisSettings:
    """How a run is analysed.

    Attributes
    ----------
    frame_of_reference
        ``host``, ``barycentre`` or ``fixed``: what displacements are relative to.
    jump_angstrom
        Jump length, Angstrom; None: the distance of neighbouring mobile ions.
    min_events
        Jumps that a run must have for a diffusion coefficient to be given.
    charges
        Charge of each mobile species, elementary charges.
    thickness_angstrom
        Thickness of a slab, Angstrom: the conductivity is that of the slab's volume, without the
        vacuum.
    estimator
        Estimator of D_total / D_self: ``walk``, ``local`` or ``blocks``.
    """

    frame_of_reference: str = "host"
    jump_angstrom: float | None = None
    min_events: int = 30
    charges: Mapping[str, float] = field(default_factory=dict)
    thickness_angstrom: float | None = None
    estimator: str = "walk"


@dataclass
class Analysed:
    """The results of one mobile species of one run.

    Attributes
    ----------
    trajectory, curves, found
        The run, its displacement curves, its coefficients.
    checks
        Rows of table ``verdicts``.
    keys
        material, u_ev, temperature_k, replica, seed.
    prefix
        Name of the run in file names.
    charge
        Of an ion, elementary charges.
    jump
        Jump length, Angstrom.
    volume
        Volume to which conductivities refer, Angstrom^3; NaN where not all mobile ions are
        followed, so that there is no conductivity.
    ended
        ``stable``, or why the run gives no number.
    notes
        Sentences for the screen.
    """

    trajectory: Trajectory
    curves: Curves
    found: list[Estimate]
    checks: list[dict[str, Any]]
    keys: dict[str, Any]
    prefix: str
    charge: float
    jump: float
    volume: float
    ended: str
    notes: list[str]

    @property
    def place(self) -> dict[str, Any]:
        """Keys of the tables of displacements and diffusion."""
        return {**self.keys, "species": self.trajectory.symbol,
                "frame_of_reference": self.curves.frame_of_reference}


def analyse(
    trajectory: Trajectory, keys: dict[str, Any], prefix: str, settings: AnalysisSettings,
    share: int | None = None,
) -> Analysed:
    """Analyse one species of a run.

    Parameters
    ----------
    trajectory
        Open trajectory.
    keys
        material, u_ev, temperature_k, replica, seed.
    prefix
        Name of the run in file names.
    settings
        How.
    share
        Mobile ions of all species together, where several are analysed; see
        `haven.transport.displacements.curves`.

    Raises
    ------
    HavenError
        If ions move faster between frames than thermal motion allows (`check_speed`).
    """
    notes: list[str] = []
    curves = msd.curves(trajectory, settings.frame_of_reference, share=share)
    check_speed(trajectory, curves, float(keys["temperature_k"]))
    jump = settings.jump_angstrom or _jump(trajectory, notes)
    found = diffusion.estimate(trajectory, curves, jump, settings.min_events,
                               estimator=settings.estimator)
    checks = rows.host_checks(trajectory, prefix, str(keys["material"]))
    checks += rows.motion_checks(found, prefix, str(keys["material"]))
    ended = str(trajectory.meta.get("verdict", "stable"))
    if ended != "stable":
        notes.append(f"its dynamics were {ended}, so it gives no number")
    elif melt := next((row for row in checks if row["check"] == "host melt"
                       and not row["passed"]), None):
        ended = "melted"
        others = ", ".join(s for s in trajectory.framework)
        notes.append(f"no number: the host ({others}) is no solid: {melt['message']}, "
                     f"{melt['value']:.3g} > {melt['limit']:g} Angstrom^2; if another mobile "
                     "species is among them, name all of them with --species, or the solid "
                     "rest with --framework")
    elif row := next((row for row in checks if "turn in place" in row["message"]), None):
        notes.append(f"{row['message']} ({row['value']:.3g} Angstrom^2)")
    notes += [f"{row['check']} {row['value']:.3g} {row['unit']} (limit {row['limit']:.3g}): "
              f"{row['message']}" for row in checks
              if not row["passed"] and row["check"] != "host melt"]
    if ended != "stable":
        found = rows.without_number(found, ended)
    charge = settings.charges.get(trajectory.symbol)
    charge = charge_of(trajectory.symbol) if charge is None else charge
    volume = _volume(trajectory, settings.thickness_angstrom, notes)
    if others := diffusion.unfollowed(trajectory):
        notes.append(f"{trajectory.ions} of {trajectory.ions + others} {trajectory.symbol} ions "
                     "are followed, and D_self is theirs; for D_total, D_distinct, the Haven ratio "
                     "and the conductivity follow all of them, without --ions")
        trajectory, curves, volume = _of_some(trajectory), _self_part(curves), float("nan")
    return Analysed(trajectory, curves, found, checks, keys, prefix, charge, jump, volume, ended,
                    notes)


def _of_some(trajectory: Trajectory) -> Trajectory:
    """Return a trajectory of some of the mobile ions as one without a host.

    How all mobile ions move against the host cannot be told from it, and what joins runs or species
    asks for no more than that.
    """
    extra = {**trajectory.extra, "framework": np.zeros(0, "U2")}
    return replace(trajectory, fixed=False, extra=extra)


def _self_part(curves: Curves) -> Curves:
    """Return curves whose total part is not known."""
    return replace(curves, total_msd=np.full_like(curves.total_msd, np.nan))


def charge_of(symbol: str) -> float:
    """Return the usual charge of a mobile ion in elementary charges.

    Raises
    ------
    HavenError
        If it has none.
    """
    if symbol not in CHARGES:
        raise HavenError(f"{symbol} has no usual charge as a mobile ion: give --charge")
    return float(CHARGES[symbol])


def formula(trajectory: Trajectory) -> str:
    """Return the reduced formula of the cell, such as ``Li3TiCl6``; of ions alone their symbol."""
    symbols = [str(symbol) for symbol in trajectory.extra.get("symbols", ())]
    return all_atoms.formula(symbols) if symbols else trajectory.symbol


def check_speed(trajectory: Trajectory, curves: Curves, temperature_k: float) -> None:
    """Refuse ions faster than thermal motion allows: then the time between frames is wrong.

    In equilibrium the mean-square displacement over a time t is at most that of free flight,
    3 kB T t^2 / m.

    Raises
    ------
    HavenError
        If it is more than `FASTER_THAN_HEAT` times that.
    """
    from ase.data import atomic_masses, atomic_numbers

    mass = atomic_masses[atomic_numbers[trajectory.symbol]]
    flight = 3 * GAS_CONSTANT * temperature_k / mass * trajectory.spacing_ps**2
    moved = float(curves.self_msd[0].sum())
    if moved > FASTER_THAN_HEAT * flight:
        raise HavenError(
            f"{trajectory.meta.get('source', trajectory.path)}: {trajectory.symbol} moves by "
            f"{moved**0.5:.2g} Angstrom between frames said to be {trajectory.spacing_ps:g} ps "
            f"apart; heat at {temperature_k:g} K moves it by {flight**0.5:.2g} at most: give the "
            "time between two saved frames, not the step of the dynamics")


def _jump(trajectory: Trajectory, notes: list[str]) -> float:
    first = trajectory.read_frames(np.array([0]))[0].astype(float)
    length = jump_length(first, trajectory.cell)
    if length <= DILUTE_ANGSTROM:
        return length
    notes.append(f"mobile ions are {length:.1f} Angstrom apart, farther than a jump: "
                 f"jumps of {USUAL_JUMP_ANGSTROM:g} Angstrom are counted; --jump_angstrom "
                 "gives another length")
    return USUAL_JUMP_ANGSTROM


def _volume(trajectory: Trajectory, thickness: float | None, notes: list[str]) -> float:
    """Return the volume that conductivities are of: the cell's, or a slab's of given thickness."""
    every = trajectory.read_all((0,)) if "all_time_ps" in trajectory.extra else None
    gap, axis = 0.0, 2
    if every is not None:
        scaled = np.sort(every[0] @ np.linalg.inv(trajectory.cell) % 1.0, axis=0)
        empty = np.diff(np.concatenate([scaled, scaled[:1] + 1.0]), axis=0).max(axis=0)
        empty *= heights(trajectory.cell)
        axis, gap = int(empty.argmax()), float(empty.max())
    name, height = "abc"[axis], float(heights(trajectory.cell)[axis])
    if thickness is None:
        if gap > VACUUM_ANGSTROM:
            notes.append(f"{gap:.1f} Angstrom along {name} are empty: conductivity is per volume "
                         "of the cell with its vacuum; --thickness_angstrom gives the slab's")
        return trajectory.volume
    if not 0 < thickness <= height:
        raise HavenError(f"--thickness_angstrom {thickness:g}: the cell is {height:.4g} Angstrom "
                         f"high along {name}")
    notes.append(f"conductivity is per volume of a slab of {thickness:g} Angstrom along {name}, "
                 f"of {height:.4g} in the cell")
    return trajectory.volume * thickness / height


def warn(analysed: Analysed) -> None:
    """Log warnings about a run."""
    for note in analysed.notes:
        log.warning("  %s", note)
