"""Peak memory of LAMMPS with the shipped potentials by number of atoms, two steps each, by hand.

python tests/bench/peak_memory.py            (PATH as in tests/README.md; minutes for 20,480 atoms)
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from ase.io import read

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bin"))
SPECIES = ("Li", "Ti", "Cl")
CELLS = ((2, 2, 1), (4, 4, 2), (8, 8, 8))  # of 40 atoms


def peak_mib(repeat: tuple[int, int, int], potentials: int) -> tuple[int, float]:
    """Return number of atoms and peak memory, MiB, of one process of LAMMPS on one core."""
    from haven.dynamics.lammps import program as lammps
    from haven.material.structures import write_data

    atoms = read(ROOT / "tests" / "data" / "miniature" / "u4_r1.minimised.extxyz")
    assert not isinstance(atoms, list)
    large = atoms.repeat(repeat)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_data(folder / "start.data", large, SPECIES)
        linked = lammps.link_potentials(
            folder, [ROOT / "assets" / "models" / f"u4_s{n + 1}.pb" for n in range(potentials)])
        lines = lammps.setting_lines("read_data start.data", linked, SPECIES,
                                     ("deviation.out", 2) if potentials > 1 else None)
        (folder / "in").write_text("\n".join([*lines, "velocity all create 600 1",
                                              "fix 1 all nvt temp 300 300 0.1", "run 2"]) + "\n")
        process, peak = lammps.start_lammps(folder, "in", "log", 1), 0
        while process.poll() is None:
            for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
                if line.startswith("VmHWM"):
                    peak = max(peak, int(line.split()[1]))
            time.sleep(0.02)
        if process.returncode:
            raise SystemExit(lammps.error_line(folder, "log"))
    return len(large), peak / 1024


if __name__ == "__main__":
    for potentials in (1, 2):
        for repeat in CELLS:
            atoms, mib = peak_mib(repeat, potentials)
            print(f"{atoms} atoms, {potentials} potentials: {mib:.0f} MiB", flush=True)
