"""Dispersion added to labels: the library's numbers, as derivatives of one energy, once only."""

from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms

from haven.core.errors import HavenError
from haven.labels.dispersion import Dispersed, correction, with_dispersion
from haven.labels.frames.reading import read_file

ATOMS = Atoms("Li2Cl2", cell=[4.1, 4.3, 5.6], pbc=True,
              positions=[[0, 0, 0], [2, 2.1, 2.7], [2.1, 0.1, 0.2], [0.1, 2.0, 2.9]])


def test_argon_pair_is_bound_by_the_published_sign_and_order():
    pair = Atoms("Ar2", positions=[[0, 0, 0], [0, 0, 3.8]], cell=[30, 30, 30], pbc=True)
    alone = Atoms("Ar", positions=[[0, 0, 0]], cell=[30, 30, 30], pbc=True)
    binding = correction(pair, "PBE")[0] - 2 * correction(alone, "PBE")[0]
    assert -0.020 < binding < -0.004  # eV; measured well depth of the dimer 0.0124


def test_forces_and_stress_are_derivatives_of_the_energy():
    _, forces, stress = correction(ATOMS, "PBE")
    step = 1e-3
    for atom, axis in ((0, 1), (2, 0), (3, 2)):
        ends = []
        for sign in (1, -1):
            moved = ATOMS.copy()
            moved.positions[atom, axis] += sign * step
            ends.append(correction(moved, "PBE")[0])
        assert forces[atom, axis] == pytest.approx(-(ends[0] - ends[1]) / 2 / step, abs=5e-5)
    for axis in range(3):
        ends = []
        for sign in (1, -1):
            strained = ATOMS.copy()
            cell = ATOMS.cell.array.copy()
            cell[:, axis] *= 1 + sign * step
            strained.set_cell(cell, scale_atoms=True)
            ends.append(correction(strained, "PBE")[0])
        slope = (ends[0] - ends[1]) / 2 / step / ATOMS.get_volume()
        assert stress[axis, axis] == pytest.approx(slope, rel=5e-3)
    assert stress.trace() > 0  # attraction contracts the cell


def frames(repository, u_ev=4.0):
    folder = repository / "assets" / "frames" / "li3ticl6"
    return read_file(sorted(folder.glob(f"*.u{u_ev:g}.extxyz"))[0], u_ev, ["Li", "Ti", "Cl"])


def test_labels_are_corrected_once(repository):
    given = frames(repository)
    made = with_dispersion(given, "d3bj")
    for old, new in zip(given, made, strict=True):
        energy, forces, stress = correction(old.atoms, "PBE")
        assert new.energy == pytest.approx(old.energy + energy) and energy < 0
        assert np.allclose(new.forces, old.forces + forces)
        assert np.allclose(new.stress, old.stress + stress)
        assert new.info["dispersion"] == "d3bj" and "dispersion" not in old.info
    again = with_dispersion(made, "d3bj")
    assert all(one is two for one, two in zip(made, again, strict=True))
    assert with_dispersion(given, "none") == given


def test_frames_labelled_at_two_u_share_one_computation(repository, monkeypatch):
    import dftd3.ase

    from haven.labels import dispersion

    real, asked = dftd3.ase.DFTD3, []

    def counted(**how):
        asked.append(how)
        return real(**how)

    monkeypatch.setattr(dftd3.ase, "DFTD3", counted)
    monkeypatch.setattr(dispersion, "_made", {})
    low, high = (with_dispersion(frames(repository, u_ev), "d3bj") for u_ev in (0.0, 4.0))
    assert len(asked) == len(low) == len(high)
    for one, other in zip(low, high, strict=True):
        assert np.array_equal(one.atoms.positions, other.atoms.positions)
    correction(low[0].atoms, "PBEsol")  # other parameters are another correction
    moved = low[0].atoms.copy()
    moved.positions[0, 0] += 1e-9
    correction(moved, "PBE")
    assert len(asked) == len(low) + 2
    energy, forces, _ = correction(moved, "PBE")
    forces += 1.0  # what a caller does to its arrays is no one else's
    assert np.abs(correction(moved, "PBE")[1] - forces).min() > 0.5 and energy < 0


def test_what_cannot_be_corrected_is_refused(repository):
    given = frames(repository)[:1]
    made = with_dispersion(given, "d3bj")
    with pytest.raises(HavenError, match=r"frame 0: its label holds .* d3bj, asked for is none"):
        with_dispersion(made, "none")
    other = replace(given[0], info={**given[0].info, "dispersion": "IVDW 11"})
    with pytest.raises(HavenError, match=r"dispersion is D3\(BJ\) or none, and labels with another "
                       "one can't be mixed with others: give labels without"):
        with_dispersion([other], "d3bj")
    assert with_dispersion([other], "none") == [other]
    given[0].info["functional"] = "HSE06X"
    with pytest.raises(HavenError, match="no parameters for functional HSE06X"):
        with_dispersion(given, "d3bj")
    del given[0].info["functional"]
    with pytest.raises(HavenError, match="does not say its functional"):
        with_dispersion(given, "d3bj")


def test_an_engine_s_results_are_corrected():
    class Bare:
        version = "bare"

        def ways(self, u_ev):
            return f"at {u_ev:g}"

        def label(self, atoms, u_evs):
            for u_ev in u_evs:
                yield u_ev, {"energy": -1.0, "forces": np.zeros((4, 3)), "stress": np.zeros(6)}

    bare = Bare()
    engine = Dispersed(bare, "PBE")
    made = dict(engine.label(ATOMS, [0.0, 4.0]))
    bare.version = "bare 1"  # as VASP tells it in its first run
    assert engine.version == "bare 1"
    energy, forces, stress = correction(ATOMS, "PBE")
    assert made[4.0]["energy"] == pytest.approx(-1 + energy)
    assert np.allclose(made[0.0]["forces"], forces)
    assert np.allclose(made[0.0]["stress"][:3], stress.diagonal())
    assert made[0.0]["stress"][3] == pytest.approx(stress[1, 2])
