"""A large run of Li3TiCl6 for measurements: Li hops between free cation sites, all atoms rattle."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
MATERIAL = ROOT / "assets" / "materials" / "li3ticl6.yml"
RATE, RATTLE = 0.002, 0.15  # jumps an ion and frame; Angstrom
RATTLES = 64  # rattling of the mobile ions comes again after so many frames


@dataclass(frozen=True)
class Crystal:
    """Cell vectors (3, 3), elements of all atoms, places of the host's (H, 3), Angstrom; ions."""

    cell: np.ndarray
    symbols: np.ndarray
    host: np.ndarray
    ions: int


def crystal_and_run(cells: int, frames: int, seed: int = 0
                    ) -> tuple[Crystal, Iterator[np.ndarray]]:
    """Return a crystal of ``cells``^3 cells (20 atoms each) and its mobile ions' unwrapped places.

    The places come frame by frame, (N, 3), Angstrom.
    """
    sys.path.insert(0, str(ROOT / "bin"))
    from scipy.spatial import cKDTree

    from haven.material.file import load_material
    from haven.material.sites.lattice import site_lattice

    material, rng = load_material(MATERIAL), np.random.default_rng(seed)
    cell = material.cell * cells
    lattice = site_lattice(material, cell)
    shifts = np.array(list(np.ndindex(cells, cells, cells)), float)
    anions = np.concatenate([(xyz[None] + shifts[:, None]).reshape(-1, 3)
                             for _, xyz in material.anions.values()]) @ material.cell
    order = rng.permutation(len(lattice.centres))
    titanium = [letter for held in material.occupancies.values()
                for letter, share in held.get("Ti", {}).items() if share > 0]
    metal = order[np.isin(lattice.letters[order], titanium)][: 2 * cells**3]
    first = order[~np.isin(order, metal)][: 6 * cells**3]
    scaled = lattice.centres @ np.linalg.inv(cell)
    images = np.array(list(np.ndindex(3, 3, 3))) - 1
    around = ((scaled[None] + images[:, None]) @ cell).reshape(-1, 3)
    near = cKDTree(around).query(lattice.centres, k=7)[1][:, 1:]

    def run() -> Iterator[np.ndarray]:
        full = np.zeros(len(order), bool)
        full[metal] = full[first] = True
        site, place = first.copy(), lattice.centres[first].copy()
        rattle = rng.normal(0, RATTLE, (RATTLES, len(first), 3)).astype(np.float32)
        for t in range(frames):
            for ion in rng.integers(len(first), size=rng.poisson(RATE * len(first))):
                way = near[site[ion], rng.integers(6)]
                target = way % len(order)
                if not full[target]:
                    full[site[ion]], full[target] = False, True
                    place[ion] += around[way] - lattice.centres[site[ion]]
                    site[ion] = target
            yield place + rattle[t % RATTLES]

    symbols = np.array(["Li"] * len(first) + ["Ti"] * len(metal) + ["Cl"] * len(anions))
    host = np.concatenate([lattice.centres[metal], anions])
    return Crystal(cell, symbols, host, len(first)), run()


class Memory:
    """Largest memory of a process and all it starts, together, watched from beside, MB.

    And the processor seconds of all of them: those of processes that nobody waits for, as of a pool
    by forkserver, are not in ``RUSAGE_CHILDREN``.
    """

    def __init__(self, pid: int) -> None:
        self.pid, self.together, self.alone, self.over = pid, 0.0, 0.0, False
        self.taken = dict[int, float]()
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    def _watch(self) -> None:
        while not self.over:
            tree = _tree(self.pid)
            held = [_proportional(pid) for pid in tree]
            for pid in tree:
                self.taken[pid] = max(self.taken.get(pid, 0.0), _processor(pid))
            self.together = max(self.together, sum(held))
            self.alone = max([self.alone, *held])
            time.sleep(0.1)

    @property
    def seconds(self) -> float:
        """Processor seconds of all processes, each to within the time between two looks."""
        return sum(self.taken.values())

    def stop(self) -> None:
        """Watch no longer."""
        self.over = True
        self.thread.join()


def _tree(pid: int) -> list[int]:
    found = [pid]
    for one in found:
        try:
            for task in Path(f"/proc/{one}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
        except OSError:
            continue
    return found


def _processor(pid: int) -> float:
    """Return the processor seconds a process has taken."""
    try:
        parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


def _proportional(pid: int) -> float:
    """Return memory of a process, what it shares with others divided by their number, MB."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in text.splitlines()
               if line.startswith("Pss:")) / 1024
