#!/usr/bin/env python3
"""Files of other programs' own tests, read by Haven and compared with their authors' values.

    python tests/bench/foreign_files.py --packages peers/lib/python3.11/site-packages

The folder holds the packages kinisi and MDAnalysisTests, whose wheels ship their test data: see
``transport.py`` for the environment. The values are those that the packages' tests hold them to, in
the test named. One line a file: what is compared, by how much it differs at most, and by how much
the authors' own test lets it. Ends with 1 if one differs by more.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bin"))

from haven.trajectory import opening
from haven.trajectory.readers import Unsaid, read_frames
from haven.trajectory.trajectory import Trajectory
from haven.trajectory.wanted import Wanted
from haven.transport import displacements

WALK_NORM = 3932.39927487146  # MDAnalysisTests/analysis/test_msd.py, test_random_walk_u_simple
# MDAnalysisTests/coordinates/test_lammps.py: TestLammpsDumpReader (atoms 1 and 13, scaled),
# TestCoordinateMatches (atom 340, x y z and xu yu zu of the first three frames, box of the first)
SCALED = {1: [(0.25, 0.25, 0.241936), (0.278215, 0.12611, 0.322087), (0.507123, 1.00424, 0.280972)],
          13: [(0.25, 0.25, 0.741936), (0.394618, 0.263115, 0.798295),
               (0.332363, 0.30544, 0.641589)]}
BOXES = ((0.0, 6.2), (2.1427867124774069e-01, 5.9857213287522608e00),
         (-5.4458069063278991e-03, 6.2054458069063330e00))
UNWRAPPED = [(4.48355, 35.8378, 1.59231), (4.41947, 35.4403, 2.25115), (4.48989, 35.867, 2.63623)]
LOWER = (0.02645, 0.02645, 0.02641)
DRIFTED = np.array([[0.0] * 3, [0.2] * 3, [0.4] * 3, [1.0] * 3])
"""kinisi/tests/test_parser.py, disp_array of test_pymatgen_init_with_framwork_indices"""


@dataclass
class Case:
    """A file, what its authors' test says of it, and how far apart their test lets them be."""

    file: str
    what: str
    compare: Callable[[Path], float]
    allowed: float


def opened(path: Path, species: str, spacing_ps: float, **more: object) -> Trajectory:
    """Return an open trajectory; its container lies in a folder that ends with the process."""
    scratch = tempfile.mkdtemp(prefix="foreign-")
    return opening.open_files([path], scratch, Wanted(
        species=(species,), frame_spacing_ps=spacing_ps, **more))[0]  # pyright: ignore


def drifts(path: Path) -> float:
    """Largest difference of one ion's displacement in a host that drifts, Angstrom."""
    held = opened(path, "H", 1.0, unsaid=Unsaid(("H", "C") if path.suffix == ".traj"
                                                and "LAMMPS" in path.name else ()))
    ours = held.read(0, 1)[:, 0] - held.centre("host")
    return float(np.abs(ours - ours[0] - DRIFTED).max())


def walk(path: Path) -> float:
    """Difference of the norm of 100 walkers' mean-square displacement at all times, Angstrom^2."""
    positions = np.array([frame.positions for frame in read_frames(
        path, Unsaid((), str(path.with_name("RANDOM_WALK_TOPO.pdb"))))])
    own, _ = displacements.direct(positions, np.arange(1, len(positions)))
    return abs(float(np.linalg.norm(own.sum(axis=1))) - WALK_NORM)


def scaled(path: Path) -> float:
    """Largest difference of two atoms' places in a changing box, Angstrom."""
    apart = 0.0
    for number, frame in enumerate(read_frames(path, Unsaid(("Li", "Cl")))):
        low, high = BOXES[number]
        apart = max(apart, float(np.abs(np.diag(frame.cell) - (high - low)).max()))
        for atom, places in SCALED.items():
            rows = {int(one): row for row, one in enumerate(frame.ids)}  # pyright: ignore
            ours = frame.positions[rows[atom]]
            apart = max(apart, float(np.abs(ours - np.array(places[number]) * (high - low)).max()))
    return apart


def unwrapped(path: Path) -> float:
    """Largest difference of one atom's unwrapped place, less the low corner, Angstrom."""
    apart = 0.0
    for true, frame in zip(UNWRAPPED, read_frames(path, Unsaid(("O", "H"))), strict=False):
        row = int(np.flatnonzero(frame.ids == 340)[0])
        apart = max(apart, float(np.abs(frame.positions[row] - true + LOWER).max()))
    return apart


CASES = [
    Case("kinisi/tests/inputs/example_drift.XDATCAR", "displacements in a host that drifts",
         drifts, 1e-6),
    Case("kinisi/tests/inputs/example_LAMMPS_drift.traj", "the same, a dump", drifts, 1e-6),
    Case("kinisi/tests/inputs/example_ase_drift.traj", "the same, ASE's .traj", drifts, 1e-6),
    Case("MDAnalysisTests/data/xyz_random_walk.xtc", "norm of the MSD of 100 walkers", walk, 1e-5),
    Case("MDAnalysisTests/data/lammps/wat.lammpstrj.bz2", "places of atoms 1 and 13, box", scaled,
         1e-5),
    Case("MDAnalysisTests/data/lammps/spce_all_coords.lammpstrj.bz2",
         "unwrapped places of atom 340", unwrapped, 1e-5),
]


def main() -> None:
    """Read every file and print how far it is from its authors' values."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--packages", type=Path, required=True, help="folder of the packages")
    given = options.parse_args()
    failed = 0
    for case in CASES:
        path = given.packages / case.file
        if not path.exists():
            print(f"{case.file}: not there")
            continue
        apart = case.compare(path)
        failed += apart > case.allowed
        print(f"{case.file}: {case.what}: differs by {apart:.1e}, may by {case.allowed:g}"
              f"{'' if apart <= case.allowed else '  NOT THE SAME'}", flush=True)
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
