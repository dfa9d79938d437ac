"""Haven against the packages it is compared with, where they are installed."""

from __future__ import annotations

import numpy as np
import pytest
import walks

from haven.trajectory import trajectory
from haven.transport import diffusion
from haven.transport import displacements as msd

SIDE = 30.0


@pytest.fixture()
def walk(tmp_path):
    """Positions (400, 40, 3) of lattice walkers that rattle, and their container."""
    rng = np.random.default_rng(21)
    path = walks.lattice_walk(rng, 40, 400, 0.15) + rng.normal(0, 0.2, (400, 40, 3)) + 15
    path = path.astype(np.float32)
    file = trajectory.write_npz(tmp_path / "t.npz", {
        "time_ps": np.arange(400) * 1.0, "mobile_angstrom": path,
        "host_centre_angstrom": np.zeros((400, 3)), "cell_angstrom": np.eye(3) * SIDE,
        "mobile_symbol": np.array("Li")}, {}, resolution=None)
    return path, trajectory.open_npz(file)


def test_curve_of_mdanalysis(walk):
    MDAnalysis = pytest.importorskip("MDAnalysis")
    analysis = pytest.importorskip("MDAnalysis.analysis.msd")
    pytest.importorskip("tidynamics")
    path, held = walk
    universe = MDAnalysis.Universe.empty(path.shape[1], trajectory=True)
    universe.load_new(path, order="fac")
    peer = analysis.EinsteinMSD(universe, select="all", msd_type="xyz", fft=True).run()
    np.testing.assert_allclose(msd.curves(held).self_msd.sum(axis=1), peer.results.timeseries[1:],
                               rtol=1e-6)


def test_curve_of_tidynamics(walk):
    tidynamics = pytest.importorskip("tidynamics")
    path, held = walk
    peer = np.mean([tidynamics.msd(one.astype(float)) for one in path.swapaxes(0, 1)], axis=0)
    np.testing.assert_allclose(msd.curves(held).self_msd.sum(axis=1), peer[1:], rtol=1e-6)


def test_curve_of_freud(walk):
    """Freud's transforms are in single precision, so its own definition is the reference too."""
    freud = pytest.importorskip("freud")
    path, held = walk
    peer = freud.msd.MSD(mode="window").compute(path).msd[1:]
    ours = msd.curves(held).self_msd.sum(axis=1)
    exact = msd.direct(path, np.arange(1, 400))[0].sum(axis=1)
    np.testing.assert_allclose(ours, exact, rtol=1e-6)
    assert np.abs(ours / exact - 1).max() < np.abs(peer / exact - 1).max() + 1e-9 < 2e-2


def test_diffusion_of_kinisi_meets_ours(walk):
    MDAnalysis = pytest.importorskip("MDAnalysis")
    sc = pytest.importorskip("scipp")
    analyze = pytest.importorskip("kinisi.analyze")
    path, held = walk
    universe = MDAnalysis.Universe.empty(41, trajectory=True)
    for name in ("types", "names"):
        universe.add_TopologyAttr(name, ["Li"] * 40 + ["X"])
    host = np.full((400, 1, 3), 1.0, np.float32)
    universe.load_new(np.concatenate([path, host], axis=1) % SIDE, order="fac", dt=1.0,
                      dimensions=[SIDE, SIDE, SIDE, 90, 90, 90])
    peer = analyze.DiffusionAnalyzer.from_universe(
        universe, specie="Li", time_step=1.0 * sc.Unit("ps"),
        step_skip=1 * sc.Unit("dimensionless"), progress=False)
    peer.diffusion(start_dt=10.0 * sc.Unit("ps"), progress=False)
    draws = peer.D.values * float(sc.to_unit(1.0 * peer.D.unit, "cm^2/s").value)
    low, middle, high = np.quantile(draws, [0.025, 0.5, 0.975])
    ours = diffusion.estimate(held, msd.curves(held), 3.0)[0]
    assert low <= ours.value <= high and ours.low_95 <= middle <= ours.high_95
