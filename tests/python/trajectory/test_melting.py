"""One definition of a melted host, for dynamics while and after it runs, and for transport."""

from __future__ import annotations

import numpy as np
import pytest
from ase.data import atomic_masses, atomic_numbers

from haven.dynamics.runs import production
from haven.trajectory.melting import host_motion
from haven.trajectory.trajectory import open_npz, write_npz
from haven.transport import rows

SYMBOLS = ["Li"] * 6 + ["Ti"] * 4 + ["Cl"] * 12
FRAMES = 41
RNG = np.random.default_rng(5)


def walk(frames, atoms, step):
    """Return a random walk (T, n, 3) of so long steps, Angstrom."""
    return np.cumsum(RNG.normal(0, step, (frames, atoms, 3)), axis=0)


def course(kind):
    """Return positions (T, A, 3) of atoms that rattle, and do besides what the kind says."""
    held = np.tile(RNG.random((len(SYMBOLS), 3)) * 12, (FRAMES, 1, 1))
    held += RNG.normal(0, 0.1, held.shape)
    held[:, :6] += walk(FRAMES, 6, 1.5)  # lithium moves: it is no part of the host
    half = FRAMES // 2
    if kind == "one cation species flows":
        held[:, 6:10] += walk(FRAMES, 4, 0.8)
    elif kind == "everything flows":
        held[:, 6:] += walk(FRAMES, 16, 0.8)
    elif kind == "flows at the end":
        held[-8:, 6:10] += walk(8, 4, 1.6)
    elif kind == "groups turn":
        angle = np.cumsum(RNG.normal(0, 1.0, (FRAMES, 12)), axis=0)
        held[:, 10:] += 2.2 * np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=2)
    elif kind == "changes once":
        held[half:, 6:10] += [[2.5, 0, 0], [-2.5, 0, 0], [0, 2.5, 0], [0, -2.5, 0]]
    elif kind == "drifts as a whole":
        held += np.linspace(0, 8, FRAMES)[:, None, None]
    return held


@pytest.mark.parametrize(("kind", "melted"), [
    ("rattles", False), ("one cation species flows", True), ("everything flows", True),
    ("flows at the end", True), ("groups turn", False), ("changes once", True),
    ("drifts as a whole", False)])
def test_dynamics_and_transport_agree_on_what_has_melted(kind, melted, tmp_path):
    held = course(kind)
    masses = np.array([atomic_masses[atomic_numbers[s]] for s in SYMBOLS])
    host = list(range(6, len(SYMBOLS)))
    of_run = production.motion_of(held, host, masses, SYMBOLS)
    assert of_run is not None and of_run.melted == melted, of_run
    centre = np.einsum("tai,a->ti", held[:, host], masses[host] / masses[host].sum())
    time_ps = np.arange(FRAMES) * 0.5
    path = write_npz(tmp_path / "t.npz", {
        "time_ps": time_ps, "mobile_angstrom": held[:, :6], "host_centre_angstrom": centre,
        "barycentre_angstrom": centre, "cell_angstrom": 12 * np.eye(3), "mobile_symbol": "Li",
        "all_time_ps": time_ps, "all_angstrom": held, "symbols": np.array(SYMBOLS)}, {})
    of_file = rows.motion_of(open_npz(path))
    assert of_file is not None and of_file.melted == melted
    assert of_file.species == of_run.species
    assert of_file.msd == pytest.approx(of_run.msd, rel=1e-5)
    assert of_file.growth == pytest.approx(of_run.growth, rel=1e-5)
    row = {row["check"]: row for row in rows.host_checks(open_npz(path), "run", "m")}["host melt"]
    assert row["passed"] == (not melted)


def test_the_largest_of_the_frames_and_the_worst_species_count():
    path = np.zeros((9, 3, 3))
    path[4, 0, 0] = 3.0  # away and back again
    path[-1, 1:, 0] = 2.5
    found = host_motion(path, np.array(["Ti", "Cl", "Cl"]))
    assert (found.species, found.msd) == ("Ti", pytest.approx(9.0))
