"""Displacement curves: equal to their definition, in bounded memory, in the right frame."""

from __future__ import annotations

import numpy as np
import pytest
import walks

from haven.trajectory import opening, trajectory
from haven.transport import displacements as msd

LAGS = np.array([1, 2, 7, 60, 150, 299])


def opened(folder, positions, **members):
    frames = len(positions)
    path = trajectory.write_npz(folder / "t.npz", {
        "time_ps": np.arange(frames) * 0.5, "mobile_angstrom": positions,
        "host_centre_angstrom": np.zeros((frames, 3)), "cell_angstrom": np.eye(3) * 30.0,
        "mobile_symbol": np.array("Li"), **members}, {}, resolution=None)
    return trajectory.open_npz(path, "Li")


@pytest.fixture()
def walk():
    rng = np.random.default_rng(5)
    return walks.caged(rng, 37, 300, 0.2).astype(np.float32) + rng.random((37, 3), np.float32) * 30


def test_curves_equal_their_definition_at_every_lag(tmp_path, walk):
    curves = msd.curves(opened(tmp_path, walk))
    lags = np.arange(1, 300)
    self_msd, total_msd = msd.direct(walk, lags)
    np.testing.assert_allclose(curves.self_msd, self_msd, rtol=1e-6)
    np.testing.assert_allclose(curves.total_msd, total_msd, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(curves.distinct_msd, total_msd - self_msd, rtol=1e-5, atol=1e-6)
    assert curves.lag_ps[0] == 0.5 and (curves.origins == 300 - lags).all()


@pytest.mark.parametrize("share", [1.0, 0.6, 0.1])
def test_compiled_transforms_equal_scipy_ones(tmp_path, walk, share, monkeypatch):
    pytest.importorskip("numba")
    plain = msd.curves(opened(tmp_path, walk), lag_share=share)
    monkeypatch.setattr(msd, "COMPILED_FROM", 0)
    fast = msd.curves(opened(tmp_path, walk), lag_share=share)
    np.testing.assert_allclose(fast.self_msd, plain.self_msd, rtol=1e-9)
    assert len(fast.lag_ps) == round(share * 299)


def test_blocks_of_ions_change_nothing(tmp_path, walk):
    held = opened(tmp_path, walk)
    whole, parts = msd.curves(held), msd.curves(held, budget=300 * 12 * 5)
    np.testing.assert_allclose(parts.self_msd, whole.self_msd, rtol=1e-9)
    np.testing.assert_allclose(parts.coarse, whole.coarse, atol=1e-5)


def test_a_drifting_host_is_taken_off(tmp_path, walk):
    drift = np.outer(np.arange(300), [0.05, -0.02, 0.01])
    still = msd.curves(opened(tmp_path, walk))
    moved = opened(tmp_path, (walk + drift[:, None]).astype(np.float32),
                   host_centre_angstrom=drift + 4.0, barycentre_angstrom=np.zeros((300, 3)))
    np.testing.assert_allclose(msd.curves(moved).self_msd, still.self_msd, rtol=1e-3)
    np.testing.assert_allclose(msd.curves(moved).coarse, still.coarse, atol=1e-3)
    assert msd.curves(moved, "barycentre").self_msd[-1, 0] > still.self_msd[-1, 0] + 100


def test_rigid_pairs_have_twice_the_self_displacement(tmp_path):
    walk = walks.lattice_walk(np.random.default_rng(2), 1, 400, 0.5)
    curves = msd.curves(opened(tmp_path, np.repeat(walk, 2, axis=1)))
    np.testing.assert_allclose(curves.total_msd, 2 * curves.self_msd, rtol=1e-9, atol=1e-9)


def test_gaussian_displacements_have_no_excess(tmp_path):
    steps = np.random.default_rng(1).normal(size=(400, 300, 3))
    curves = msd.curves(opened(tmp_path, np.cumsum(steps, axis=0) * 0.1))
    assert abs(curves.non_gaussian[:10]).max() < 0.05
    hops = walks.lattice_walk(np.random.default_rng(1), 2000, 50, 0.01)
    sparse = msd.curves(opened(tmp_path, hops))
    # a Poisson walk of rate r: <r^4> = (r t + 5/3 (r t)^2) a^4, so the excess is 3 / (5 r t)
    lag = sparse.error_lag_ps[4] / 0.5
    assert sparse.non_gaussian[4] == pytest.approx(3 / (5 * 0.01 * lag), rel=0.2)


def test_errors_are_those_of_independent_stretches(tmp_path):
    steps = np.random.default_rng(3).normal(size=(4000, 20, 3))
    curves = msd.curves(opened(tmp_path, np.cumsum(steps, axis=0) * 0.1))
    row = int(np.searchsorted(curves.error_lag_ps, 50))
    lag = curves.error_lag_ps[row] / 0.5
    stretches = min(msd.STRETCHES, 3999 // lag)
    expected = 3 * 0.01 * lag * np.sqrt(2 / (3 * 20 * stretches))
    assert curves.self_error[row, 3] == pytest.approx(expected, rel=0.5)
    assert np.isnan(curves.self_error[-1]).all()


def test_memory_does_not_grow_with_frames(tmp_path):
    import subprocess
    import sys
    from pathlib import Path

    # VmHWM is the process's own peak; the kernel's ru_maxrss begins with the parent's memory
    code = ("import sys; sys.path.insert(0, sys.argv[1])\n"
            "from haven.transport import displacements as msd\n"
            "from haven.trajectory import trajectory\n"
            "held = trajectory.open_npz(sys.argv[2])\n"
            "msd.curves(held, budget=1 << 22)\n"
            "lines = open('/proc/self/status').read().splitlines()\n"
            "print(next(line.split()[1] for line in lines if line.startswith('VmHWM')))")
    peaks = []
    for frames in (2500, 25000):  # packed, as a run writes them
        path = tmp_path / f"{frames}.npz"
        positions = np.zeros((frames, 120, 3), np.float32)
        positions[:] = np.random.default_rng(0).random((frames, 1, 3))
        trajectory.write_npz(path, {
            "time_ps": np.arange(frames) * 0.1, "mobile_angstrom": positions,
            "host_centre_angstrom": np.zeros((frames, 3)), "cell_angstrom": np.eye(3) * 30.0,
            "mobile_symbol": np.array("Li")}, {})
        bin_folder = Path(msd.__file__).parents[2]
        peaks.append(int(subprocess.run([sys.executable, "-c", code, bin_folder, path],
                                        check=True, capture_output=True).stdout))
    assert peaks[1] < 1.2 * peaks[0]


def test_foreign_files_give_the_same_curves(tmp_path, walk):
    from ase import Atoms
    from ase.io import write

    cell = np.array([[30.0, 0, 0], [0, 28, 0], [-9, 0, 27]])
    frames = []
    for t in range(0, 300, 6):
        atoms = Atoms("Li37Cl2", np.vstack([walk[t], [[1, 1, 1], [5, 5, 5]]]), cell=cell, pbc=True)
        atoms.wrap()
        frames.append(atoms)
    write(tmp_path / "w.extxyz", frames)
    held = opening.open_trajectory(tmp_path / "w.extxyz", "Li", tmp_path, 0.5)
    lags = np.arange(1, 10)
    np.testing.assert_allclose(msd.curves(held).self_msd[:9], msd.direct(walk[::6], lags)[0],
                               rtol=1e-4)
