"""Make tests/data/miniature: inputs of every process, small enough for a script to take seconds.

``PYTHONPATH=bin:tests/python python tests/data/miniature.py`` writes them anew, after a table or a
file format has changed; then the snapshots are to be made anew (tests/README.md).
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from analytic import CONTACTS, write_labelled
from ase import Atoms
from ase.io import read, write
from pairs import write_pair
from report_tables import write_study

from haven.material.crystal import assemble, cation_lattice
from haven.material.file import load_material
from haven.trajectory.trajectory import write_npz

ROOT = Path(__file__).resolve().parents[2]
MATERIAL = ROOT / "assets" / "materials" / "li3ticl6.yml"
FRAMES = ROOT / "assets" / "frames" / "li3ticl6"
HERE = Path(__file__).resolve().parent / "miniature"
TEMPERATURES_K = (400, 500, 600, 700)


def script(name: str, *arguments: object) -> None:
    """Run one of Haven's scripts."""
    subprocess.run([sys.executable, ROOT / "bin" / name, *map(str, arguments)], check=True)


def walkers(path: Path, rate: float, seed: int, frames: int = 240) -> None:
    """Write a run of 80 atoms, 1 ps a frame, whose lithium hops in its layers at a rate a frame."""
    rng = np.random.default_rng(seed)
    material = load_material(MATERIAL)
    count = (2, 1, 2)
    _, letters = cation_lattice(material, count)
    atoms = assemble(material, count, np.where(letters == "2a", "Ti",
                                               np.where(letters == "4h", "Li", "")))
    names = np.array(atoms.get_chemical_symbols())
    lithium = np.flatnonzero(names == "Li")
    steps = np.array([[0, 1 / 3, 0], [0.5, 1 / 6, 0], [0.5, -1 / 6, 0]]) @ material.cell
    chosen = steps[rng.integers(3, size=(frames, len(lithium)))]
    signs = rng.choice([-1, 0, 1], p=[rate, 1 - 2 * rate, rate], size=(frames, len(lithium), 1))
    positions = atoms.positions + rng.normal(0, 0.1, (frames, len(atoms), 3))
    positions[:, lithium] += np.cumsum(signs * chosen, axis=0)
    still = np.zeros((frames, 3))
    write_npz(path, {
        "time_ps": np.arange(frames) * 1.0, "host_centre_angstrom": still,
        "mobile_angstrom": positions[:, lithium].astype(np.float32), "mobile_symbol": "Li",
        "barycentre_angstrom": still, "cell_angstrom": np.asarray(atoms.cell[:]),
        "all_time_ps": np.arange(0, frames, 20) * 1.0, "symbols": names, "mobile_index": lithium,
        "all_angstrom": positions[::20].astype(np.float32)}, {"material": material.name})


def salt(path: Path, name: str) -> None:
    """Write two ions of rocksalt LiCl, off their symmetric places: seconds for GPAW."""
    atoms = Atoms("LiCl", scaled_positions=[[0, 0, 0], [0.52, 0.5, 0.47]],
                  cell=2.75 * (1 - np.eye(3)), pbc=True)
    atoms.info = {"trajectory": name, "frame": 0, "origin": "rattled"}
    write(path, atoms)


def near_rest(path: Path) -> None:
    """Write rocksalt LiCl whose cell is 1 % off its rest at the tests' few waves: three steps."""
    atoms = Atoms("LiCl", scaled_positions=[[0, 0, 0], [0.5, 0.5, 0.5]],
                  cell=3.44 * (1 - np.eye(3)), pbc=True)
    atoms.info = {"trajectory": "relaxed_default_s2", "frame": 0, "origin": "relaxed"}
    write(path, atoms)


def doubtful(folder: Path) -> None:
    """Write a short run that an ensemble watches, on some frames of which its members differ."""
    small = ROOT / "assets" / "models" / "small"
    with tempfile.TemporaryDirectory() as place:
        script("run_dynamics.py", "--material", MATERIAL, "--structure",
               folder / "u4_r1.minimised.extxyz", "--potentials", small / "u4_s1.pb",
               small / "u4_s2.pb", "--u_ev", 4, "--temperature_k", 500, "--replica", 1, "--seed", 1,
               "--cell", "material", "--equilibration_ps", 0.1, "--production_ps", 0.2,
               "--dump_ps", 0.01, "--all_every", 2, "--name", "u4_t500_r1", "--out", place)
        shutil.copy(Path(place) / "u4_t500_r1.trajectory.npz", folder)


def cells(folder: Path) -> None:
    """Write a supercell of 40 atoms, and the same relaxed with the pair potential."""
    with tempfile.TemporaryDirectory() as place:
        script("build_supercell.py", "--material", MATERIAL, "--replica", 1, "--seed", 2,
               "--supercell", "1,1,2", "--out", place)
        shutil.copy(Path(place) / "r1.supercell.extxyz", folder)
    script("minimise.py", "--material", MATERIAL, "--structure", folder / "r1.supercell.extxyz",
           "--potential", folder / "u4_s2.pair", "--u_ev", 4, "--replica", 1, "--name", "u4_r1",
           "--force_tolerance_ev_per_angstrom", 0.05, "--out", folder)
    (folder / "u4_r1_minimise.verdicts.parquet").unlink()


def data_set(folder: Path) -> None:
    """Write labels of the pair potential and the data set of them."""
    with tempfile.TemporaryDirectory() as place:
        frames = write_labelled(Path(place) / "frames", 4, 3, rattle=0.06)
        script("build_dataset.py", "--material", MATERIAL, "--frames", frames, "--u_ev", 4,
               "--test_share", 0.3, "--out", place)
        shutil.copytree(Path(place) / "u4.dataset", folder / "u4.dataset")
        shutil.copy(Path(place) / "u4.labels.parquet", folder)


def explored(folder: Path) -> None:
    """Write frames as a learning round leaves them, two of them alike."""
    frames: Any = read(FRAMES / "s1_001.u4.extxyz", ":")
    kept = [*frames, frames[0].copy()]
    for number, atoms in enumerate(kept):
        atoms.calc = None
        atoms.info = {"trajectory": "x1_s1_001", "frame": number, "origin": "dynamics",
                      "temperature_k": 500.0, "deviation": 0.1 + 0.01 * number}
    write(folder / "x1_u4.candidates.extxyz", kept)


def runs(folder: Path) -> None:
    """Write one trajectory, and what ANALYSE_TRANSPORT leaves of four temperatures."""
    with tempfile.TemporaryDirectory() as text:
        place = Path(text)
        for seed, temperature_k in enumerate(TEMPERATURES_K):
            name = f"u4_t{temperature_k}_r1_s2"
            walkers(place / f"{name}.trajectory.npz", 0.01 * (seed + 1), seed)
            script("analyse_transport.py", "--material", MATERIAL, "--trajectory",
                   place / f"{name}.trajectory.npz", "--u_ev", 4, "--temperature_k", temperature_k,
                   "--replica", 1, "--seed", 2, "--name", name, "--no-pictures", "--out", place)
            for kind in ("diffusion.parquet", "conductivity.parquet", "modes.npz"):
                shutil.copy(place / f"{name}.{kind}", folder / "runs")
        shutil.copy(place / "u4_t500_r1_s2.trajectory.npz", folder)


def main() -> None:
    """Write everything."""
    shutil.rmtree(HERE, ignore_errors=True)
    for name in ("runs", "study"):
        (HERE / name).mkdir(parents=True)
    write_pair(HERE, "u4_s2.pair")
    write_pair(HERE, "u4_s3.pair", radii_angstrom={**CONTACTS, "Li": CONTACTS["Li"] + 0.02})
    salt(HERE / "salt.extxyz", "s2_000")
    near_rest(HERE / "near_rest.extxyz")
    cells(HERE)
    doubtful(HERE)
    data_set(HERE)
    explored(HERE)
    runs(HERE)
    write_study(HERE / "study")
    shutil.copy(FRAMES / "s1_000.u4.extxyz", HERE / "frames.xyz")
    (HERE / "expected.json").write_text(json.dumps({
        "u_ev": [0, 4], "temperature_k": [298, 373], "replica": [0], "seed": [1],
        "drivers": {"0": [1], "4": [1]}, "parameters": {"force_window_ev_per_angstrom": "0.3"}}))
    (HERE / "names.json").write_text(json.dumps(["mine/u4/frames.xyz"]))


if __name__ == "__main__":
    main()
