"""Minimised snapshots (inherent structures): energies without vibration, and atoms that moved."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from haven.core.errors import HavenError
from haven.core.periodic import with_images
from haven.dynamics.lammps import program as lammps
from haven.material import structures
from haven.trajectory.trajectory import DAMAGE

if TYPE_CHECKING:
    from ase import Atoms

    from haven.material.crystal import Material

FORCE_EV_PER_ANGSTROM = 0.1  # a snapshot of 160 atoms is then within 0.02 eV of its minimum
ITERATIONS = 300  # of a minimisation at most
STRIDE = 1_000_000  # steps between the numbers of two snapshots: a minimisation takes fewer
CACHE = "inherent.npz"


@dataclass(frozen=True)
class Inherent:
    """Minimised snapshots of one run, all in one cell.

    Attributes
    ----------
    steps
        Step of each snapshot, (S,).
    energies
        Potential energies, (S,), eV.
    positions
        Unwrapped, (S, A, 3), Angstrom, in LAMMPS's frame.
    sources
        Checksum of the positions each was minimised from, (S,); empty where it is not kept.
    """

    steps: np.ndarray
    energies: np.ndarray
    positions: np.ndarray
    sources: np.ndarray = field(default_factory=lambda: np.empty(0, np.uint32))


def minimise_snapshots(
    atoms: Atoms, steps: np.ndarray, snapshots: np.ndarray, potential: Path,
    species: Sequence[str], folder: Path, threads: int,
    walls: Sequence[tuple[str, str, float]] = (),
) -> Inherent:
    """Minimise snapshots in the cell of ``atoms``; those that ``folder`` already holds are kept.

    Parameters
    ----------
    atoms
        Cell and elements; the rotation into LAMMPS's frame is the cell's.
    steps, snapshots
        Step (S,) and unwrapped positions (S, A, 3), Angstrom, in LAMMPS's frame, of the snapshots.
    potential
        Frozen potential.
    species
        Elements in the order of the atom types.
    folder
        Keeps ``inherent.npz``, so that a continued run minimises only new snapshots. A kept one is
        used only if it was minimised from the same positions.
    threads
        Processor threads.
    walls
        Pairs of elements and the distance, Angstrom, below which a soft repulsion acts.

    Raises
    ------
    HavenError
        If LAMMPS fails.
    """
    sources = np.array([zlib.crc32(np.ascontiguousarray(one, np.float32).tobytes())
                        for one in snapshots], np.uint32)
    known = _kept(folder / CACHE, len(atoms))
    told = dict(zip(known.steps.tolist(), known.sources.tolist(), strict=True))
    fresh = np.array([told.get(int(step)) != source
                      for step, source in zip(steps, sources.tolist(), strict=True)])
    new = np.flatnonzero(fresh)
    if len(new):
        made = _run(atoms, steps[new], snapshots[new], potential, species, folder, threads, walls)
        known = _joined(known, replace(made, sources=sources[new]))
        part = folder / f"unfinished.{CACHE}"
        np.savez(part, steps=known.steps, energies=known.energies, positions=known.positions,
                 sources=known.sources)
        part.rename(folder / CACHE)
    rows = np.searchsorted(known.steps, steps)
    return Inherent(known.steps[rows], known.energies[rows], known.positions[rows],
                    known.sources[rows])


def _kept(path: Path, atoms: int) -> Inherent:
    """Return what a cache holds; nothing of one that is damaged, or of other atoms."""
    none = Inherent(np.empty(0, int), np.empty(0), np.empty((0, atoms, 3), np.float32))
    try:
        with np.load(path) as held:
            found = Inherent(*(held[name] for name in ("steps", "energies", "positions",
                                                       "sources")))
    except DAMAGE:
        return none
    count = len(found.steps)
    fits = (found.positions.shape == (count, atoms, 3) and len(found.energies) == count
            and len(found.sources) == count)
    return found if fits else none


def _joined(known: Inherent, new: Inherent) -> Inherent:
    """Return snapshots of both in the order of time; of one step, the new one."""
    stay = ~np.isin(known.steps, new.steps)
    pairs = [np.concatenate([getattr(known, name)[stay], getattr(new, name)])
             for name in ("steps", "energies", "positions", "sources")]
    order = np.argsort(pairs[0])
    return Inherent(*(pair[order] for pair in pairs))


def _run(
    atoms: Atoms, steps: np.ndarray, snapshots: np.ndarray, potential: Path,
    species: Sequence[str], folder: Path, threads: int, walls: Sequence[tuple[str, str, float]],
) -> Inherent:
    rotation = structures.write_data(folder / "inherent.data", atoms, species)
    _write_snapshots(folder / "inherent.dump", atoms, snapshots, rotation, species)
    for name in ("inherent.energies", "inherent.done"):
        (folder / name).unlink(missing_ok=True)
    lines = [
        *lammps.setting_lines("read_data inherent.data",
                              lammps.link_potentials(folder, [potential]), species, walls=walls),
        "thermo_style custom step pe", "thermo_modify format float %.12g lost error",
        "thermo 1000000", "min_style cg", "min_modify line quadratic dmax 0.1 norm max",
        f"variable snapshot loop {len(snapshots)}", "label again",
        f"variable number equal v_snapshot*{STRIDE}",
        "read_dump inherent.dump $(v_number:%.0f) x y z box no replace yes wrapped no",
        f"minimize 0.0 {FORCE_EV_PER_ANGSTROM:g} {ITERATIONS} {10 * ITERATIONS}",
        'print "$(pe:%.12g)" append inherent.energies screen no',
        "write_dump all custom inherent.done id xu yu zu modify append yes sort id format float "
        "%.6f",
        "next snapshot", "jump SELF again",
    ]
    (folder / "inherent.in").write_text("\n".join(lines) + "\n")
    code = lammps.start_lammps(folder, "inherent.in", "inherent.log", threads).wait()
    energies = np.loadtxt(folder / "inherent.energies", ndmin=1) if code == 0 else np.empty(0)
    if len(energies) != len(snapshots) or not np.isfinite(energies).all():
        raise HavenError(f"minimising snapshots of the run in {folder} failed: "
                         f"{lammps.error_line(folder, 'inherent.log')}")
    count = len(atoms)
    text = (folder / "inherent.done").read_text().splitlines()
    held = np.loadtxt([line for n, line in enumerate(text) if n % (count + 9) >= 9])
    if held.shape != (count * len(snapshots), 4) or not np.isfinite(held).all():
        raise HavenError(f"minimising snapshots of the run in {folder} left positions that are cut "
                         "off or not finite: run again")
    for name in ("inherent.dump", "inherent.done"):
        (folder / name).unlink()
    return Inherent(np.asarray(steps, int), energies,
                    held[:, 1:4].reshape(-1, count, 3).astype(np.float32))


def _write_snapshots(
    path: Path, atoms: Atoms, snapshots: np.ndarray, rotation: np.ndarray, species: Sequence[str]
) -> None:
    """Write snapshots (S, A, 3) in LAMMPS's frame as one dump that LAMMPS reads."""
    (xx, _, _), (xy, yy, _), (xz, yz, zz) = atoms.cell.array @ rotation
    bounds = [(min(0.0, xy, xz, xy + xz), xx + max(0.0, xy, xz, xy + xz), xy),
              (min(0.0, yz), yy + max(0.0, yz), xz), (0.0, zz, yz)]
    box = [" ".join(f"{value:.10f}" for value in line) for line in bounds]
    types = [species.index(symbol) + 1 for symbol in atoms.get_chemical_symbols()]
    with path.open("w") as stream:
        for number, positions in enumerate(snapshots, 1):
            lines = ["ITEM: TIMESTEP", str(number * STRIDE), "ITEM: NUMBER OF ATOMS",
                     str(len(atoms)), "ITEM: BOX BOUNDS xy xz yz pp pp pp", *box,
                     "ITEM: ATOMS id type xu yu zu",
                     *(f"{n} {kind} {x:.6f} {y:.6f} {z:.6f}" for n, (kind, (x, y, z)) in
                       enumerate(zip(types, positions, strict=True), 1))]
            stream.write("\n".join(lines) + "\n")


def site_spacing(material: Material) -> float:
    """Return the shortest distance between two cation sites of a material, Angstrom."""
    from scipy.spatial import KDTree

    from haven.material.crystal import cation_lattice

    centres = cation_lattice(material, (1, 1, 1))[0] @ material.cell
    around, _ = with_images(centres, material.cell, 6.0)
    return float(KDTree(around).query(around[: len(centres)], k=2)[0][:, 1].min())


def moved_between(positions: np.ndarray, since: np.ndarray, host: np.ndarray) -> np.ndarray:
    """Return how far each atom moved relative to the host's mean motion, (..., A), Angstrom.

    Parameters
    ----------
    positions, since
        Unwrapped, (..., A, 3), Angstrom, of one cell.
    host
        Whether each atom is of the host, (A,).
    """
    moved = np.asarray(positions, float) - since
    moved -= moved[..., host, :].mean(axis=-2, keepdims=True)
    return np.linalg.norm(moved, axis=-1)


def count_moves(
    found: Inherent, mobile: np.ndarray, length: float
) -> tuple[np.ndarray, float]:
    """Return the moves of mobile ions between successive snapshots, and how clustered they are.

    Minimised snapshots have no vibration: an ion that is more than half a site spacing from its
    place in the snapshot before has moved to another site.

    Parameters
    ----------
    found
        Snapshots in the order of time.
    mobile
        Whether each atom is mobile, (A,).
    length
        Site spacing, Angstrom.

    Returns
    -------
    moves, clustered
        Moves between snapshots, (S - 1,); and the variance over the mean of the moves of single
        ions, at least 1. It is large where some ions move back and forth between two sites often
        while others do not move at all.
    """
    away = moved_between(found.positions[1:], found.positions[:-1], ~mobile)
    moved = away[:, mobile] > length / 2
    each = moved.sum(axis=0)
    clustered = float(each.var() / each.mean()) if each.any() else 1.0
    return moved.sum(axis=1), max(1.0, clustered)


def moves_of_halves(
    found: Inherent, mobile: np.ndarray, length: float
) -> tuple[tuple[int, int], float]:
    """Return the moves of each half of a run, and how clustered moves are.

    Parameters and the clustering are those of `count_moves`: snapshots in the order of time, which
    atoms are mobile (A,), and the site spacing, Angstrom.
    """
    moves, clustered = count_moves(found, mobile, length)
    middle = len(moves) // 2
    return (int(moves[:middle].sum()), int(moves[len(moves) - middle:].sum())), clustered
