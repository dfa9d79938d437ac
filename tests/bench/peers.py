"""The peers, each on positions of the benchmark; imported only where it runs."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

BIN = Path(__file__).resolve().parents[2] / "bin"
MODULES = {
    "mdanalysis": ("MDAnalysis", "MDAnalysis.analysis.msd", "tidynamics"), "freud": ("freud",),
    "tidynamics": ("tidynamics",), "gemdat": ("gemdat", "pymatgen.core"),
    "kinisi": ("MDAnalysis", "scipp", "kinisi.analyze"),
    "pymatgen": ("pymatgen.analysis.diffusion.aimd.van_hove", "pymatgen.core"),
}
ORIGINS, LAGS = 50, (0, 50, 100, 150)  # of the van Hove functions, frames
EDGES, SMEARING = np.linspace(0.0, 10.0, 101), 0.1  # Angstrom
SPARSE = 1000  # frames that kinisi and haven_d get, evenly over the run


def positions(path: Path, share: float) -> np.ndarray:
    """Return positions (T, n, 3) of the first ions, as the peers take them."""
    sys.path.insert(0, str(BIN))
    from haven.trajectory.trajectory import open_npz

    held = open_npz(path)
    return held.read(0, max(2, round(held.ions * share)))


def thinned(path: Path, share: float) -> tuple[np.ndarray, float]:
    """Return about `SPARSE` frames of the first ions, and the time between them in ps."""
    x = positions(path, share)
    every = max(1, len(x) // SPARSE)
    return x[::every], float(every)


def mdanalysis(path: Path, share: float) -> dict:
    """EinsteinMSD with FFT."""
    import MDAnalysis
    from MDAnalysis.analysis.msd import EinsteinMSD

    x = positions(path, share)
    universe = MDAnalysis.Universe.empty(x.shape[1], trajectory=True)
    universe.load_new(x, order="fac")
    found = EinsteinMSD(universe, select="all", msd_type="xyz", fft=True).run()
    return {"msd": found.results.timeseries[1:], "ions": x.shape[1]}


def freud(path: Path, share: float) -> dict:
    """MSD in window mode."""
    import freud

    freud.parallel.set_num_threads(1)
    x = positions(path, share)
    return {"msd": freud.msd.MSD(mode="window").compute(x).msd[1:], "ions": x.shape[1]}


def tidynamics(path: Path, share: float) -> dict:
    """One call an ion."""
    import tidynamics

    x = positions(path, share)
    total = np.zeros(len(x))
    for i in range(x.shape[1]):
        total += tidynamics.msd(x[:, i].astype(np.float64))
    return {"msd": total[1:] / x.shape[1], "ions": x.shape[1]}


def gemdat(path: Path, share: float) -> dict:
    """Trajectory.mean_squared_displacement."""
    import gemdat
    from pymatgen.core import Element

    x = positions(path, share)
    held = gemdat.Trajectory(
        species=[Element("Li")] * x.shape[1], coords=x / 60.0, lattice=np.eye(3) * 60,
        time_step=1e-12, constant_lattice=True, metadata={"temperature": 300})
    return {"msd": held.mean_squared_displacement().mean(axis=0)[1:], "ions": x.shape[1]}


def kinisi(path: Path, share: float) -> dict:
    """D_self with its posterior."""
    import MDAnalysis
    import scipp as sc
    from kinisi.analyze import DiffusionAnalyzer

    x, step = thinned(path, share)
    universe = MDAnalysis.Universe.empty(x.shape[1] + 1, trajectory=True)
    universe.add_TopologyAttr("types", ["Li"] * x.shape[1] + ["X"])
    universe.add_TopologyAttr("names", ["Li"] * x.shape[1] + ["X"])
    host = np.zeros((len(x), 1, 3), np.float32)
    universe.load_new(np.concatenate([x, host], axis=1) % 60, order="fac", dt=step,
                      dimensions=[60, 60, 60, 90, 90, 90])
    found = DiffusionAnalyzer.from_universe(
        universe, specie="Li", time_step=step * sc.Unit("ps"),
        step_skip=1 * sc.Unit("dimensionless"), progress=False)
    found.diffusion(start_dt=20 * step * sc.Unit("ps"), progress=False)
    draws = found.D.values * float(sc.to_unit(1.0 * found.D.unit, "cm^2/s").value)
    low, middle, high = np.quantile(draws, [0.025, 0.5, 0.975])
    return {"d": [middle, low, high], "ions": x.shape[1]}


def pymatgen(path: Path, share: float) -> dict:
    """Van Hove functions of pymatgen-analysis-diffusion."""
    from pymatgen.analysis.diffusion.aimd.van_hove import VanHoveAnalysis
    from pymatgen.analysis.diffusion.analyzer import DiffusionAnalyzer
    from pymatgen.core import Lattice, Structure

    x = positions(path, share)[: ORIGINS + LAGS[-1]].astype(float)
    first = Structure(Lattice.cubic(60), ["Li"] * x.shape[1] + ["Cl"],
                      np.vstack([x[0], [[0, 0, 0]]]), coords_are_cartesian=True)
    still = np.zeros((1, len(x), 3))
    moved = np.concatenate([(x - x[0]).swapaxes(0, 1), still])
    held = DiffusionAnalyzer(first, moved, "Li", 300, 1000, 1, smoothed=False, min_obs=1)
    found = VanHoveAnalysis(held, avg_nsteps=ORIGINS, ngrid=len(EDGES), rmax=EDGES[-1],
                            step_skip=LAGS[1], sigma=SMEARING, species=["Li"])
    return {"van_hove": np.stack([found.gsrt, found.gdrt]), "ions": x.shape[1]}
