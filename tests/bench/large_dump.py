#!/usr/bin/env python3
"""Time and peak memory of reading and analysing a LAMMPS dump, by its number of frames.

    python tests/bench/large_dump.py --frames 1375,2750,5500 --work W

Writes a dump of ``--cells``^3 cells of Li3TiCl6 (20 atoms each: 20,000 atoms at 10) with elements
and ids in it, of each length in turn, and runs ``bin/analyse_run.py`` on it in one call:
displacements, D, Haven ratio, conductivity, radial distributions and jumps between sites. Then it
is deleted. One line a length: seconds of the clock, processor seconds of all processes, largest
memory of one process and of all of them together. ``--wrapped`` writes positions that are folded
back into the cell. ``--peers PYTHON`` also lets MDAnalysis and freud read the same file and
compute displacements and radial distributions, where they are installed there.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from large_crystal import MATERIAL, RATTLE, ROOT, Memory, crystal_and_run
from numba import njit

DIGITS = 4
PEERS = ("mdanalysis", "freud")


@njit
def lines(heads: np.ndarray, order: np.ndarray, places: np.ndarray, out: np.ndarray) -> int:
    """Write lines of atoms: their heads, then three numbers of `DIGITS` decimals; return bytes."""
    at = 0
    for i in order:
        for letter in heads[i]:
            if letter:
                out[at] = letter
                at += 1
        for axis in range(3):
            value = round(places[i, axis] * 10**DIGITS)
            out[at] = 32
            at += 1
            if value < 0:
                out[at] = 45
                at += 1
                value = -value
            power = 10**DIGITS
            while power * 10 <= value:
                power *= 10
            while power:
                out[at] = 48 + value // power % 10
                at += 1
                if power == 10**DIGITS:
                    out[at] = 46
                    at += 1
                power //= 10
        out[at] = 10
        at += 1
    return at


def write(path: Path, cells: int, frames: int, wrapped: bool) -> int:
    """Write a dump; return its number of atoms."""
    crystal, run = crystal_and_run(cells, frames)
    rng, inverse = np.random.default_rng(1), np.linalg.inv(crystal.cell)
    kinds = {symbol: number + 1 for number, symbol in enumerate(("Li", "Ti", "Cl"))}
    heads = np.array([f"{i + 1} {kinds[s]} {s}".encode() for i, s in enumerate(crystal.symbols)])
    letters = heads.view(np.uint8).reshape(len(heads), -1)
    (xx, _, _), (xy, yy, _), (xz, yz, zz) = crystal.cell
    edges = ((min(0, xy, xz, xy + xz), xx + max(0, xy, xz, xy + xz), xy),
             (min(0, yz), yy + max(0, yz), xz), (0, zz, yz))
    box = "".join(f"{low:.10g} {high:.10g} {tilt:.10g}\n" for low, high, tilt in edges)
    names = "x y z" if wrapped else "xu yu zu"
    buffer = np.empty(len(heads) * 80, np.uint8)
    with path.open("wb", buffering=1 << 22) as stream:
        for t, mobile in enumerate(run):
            places = np.concatenate([mobile, crystal.host + rng.normal(0, RATTLE,
                                                                       crystal.host.shape)])
            if wrapped:
                places = (places @ inverse % 1.0) @ crystal.cell
            stream.write((f"ITEM: TIMESTEP\n{t * 1000}\nITEM: NUMBER OF ATOMS\n{len(heads)}\n"
                          f"ITEM: BOX BOUNDS xy xz yz pp pp pp\n{box}"
                          f"ITEM: ATOMS id type element {names}\n").encode())
            size = lines(letters, rng.permutation(len(heads)), places, buffer)
            stream.write(buffer[:size].tobytes())
    return len(heads)


def called(command: list[str]) -> tuple[float, float, Memory]:
    """Run a program; return seconds of the clock, processor seconds, memory."""
    start = time.perf_counter()
    done = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            env={**os.environ, "PYTHONPATH": str(ROOT / "bin")})
    memory = Memory(done.pid)
    said = done.communicate()[0]
    wall = time.perf_counter() - start
    memory.stop()
    if done.returncode:
        raise RuntimeError((said.strip().splitlines() or ["no message"])[-1])
    print(said.strip().splitlines()[-1], file=sys.stderr)
    return wall, memory.seconds, memory


def peer(name: str, path: str) -> None:
    """Read a dump by MDAnalysis; displacements and radial distributions by it or by freud."""
    import MDAnalysis

    universe = MDAnalysis.Universe(path, format="LAMMPSDUMP", topology_format="LAMMPSDUMP",
                                   atom_style="id type x y z")
    ions = universe.select_atoms("type 1")
    frames = len(universe.trajectory)
    chosen = np.linspace(0, frames - 1, 64).astype(int)
    if name == "mdanalysis":
        from MDAnalysis.analysis.msd import EinsteinMSD
        from MDAnalysis.analysis.rdf import InterRDF

        EinsteinMSD(universe, select="type 1", msd_type="xyz", fft=True).run()
        InterRDF(ions, universe.select_atoms("type 3"), nbins=120, range=(0.0, 6.0)).run(
            frames=chosen)
        return
    import freud

    path_of, last = np.empty((frames, len(ions), 3), np.float32), None
    counts = freud.density.RDF(bins=120, r_max=6.0)
    for t, step in enumerate(universe.trajectory):
        path_of[t] = ions.positions
        if t in chosen:
            box = freud.box.Box.from_matrix(step.triclinic_dimensions.T)
            counts.compute((box, step.positions), reset=last is None)
            last = t
    freud.msd.MSD(mode="window").compute(path_of)


def main() -> None:
    """Write, read and delete a dump of each length; print one line each."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--frames", default="1375,2750,5500", help="lengths")
    options.add_argument("--cells", type=int, default=10, help="cells along each axis")
    options.add_argument("--wrapped", action="store_true", help="positions folded into the cell")
    options.add_argument("--peers", help="Python that has MDAnalysis and freud")
    options.add_argument("--work", type=Path, help="folder with room for it")
    options.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.one:
        return peer(*given.one)
    if given.work is None:
        options.error("give --work")
    given.work.mkdir(parents=True, exist_ok=True)
    tools = {"haven": [sys.executable, str(ROOT / "bin" / "analyse_run.py"), "FILE",
                       "--material", str(MATERIAL), "--temperature_k", "600",
                       "--frame_spacing_ps", "1", "--no-pictures", "--structure", "--hops",
                       "--out", str(given.work / "tables")]}
    if given.peers:
        tools |= {name: [given.peers, __file__, "--one", name, "FILE"] for name in PEERS}
    for frames in map(int, given.frames.split(",")):
        path = given.work / "large.lammpstrj"
        try:
            atoms = write(path, given.cells, frames, given.wrapped)
            size = path.stat().st_size
            for name, words in tools.items():
                wall, took, memory = called([str(path) if w == "FILE" else w for w in words])
                row = {"tool": name, "frames": frames, "atoms": atoms, "gigabytes": size / 1e9,
                       "wall_s": wall, "processor_s": took, "one_process_mb": memory.alone,
                       "together_mb": memory.together,
                       "processors": len(os.sched_getaffinity(0))}
                print(json.dumps({key: round(value, 2) if isinstance(value, float) else value
                                  for key, value in row.items()}), flush=True)
        finally:
            path.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
