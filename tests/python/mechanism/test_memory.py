"""Memory that reading and analysing a dump takes, whatever its length."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from haven.material.crystal import assemble, cation_lattice
from haven.material.file import load_material
from haven.material.sites.lattice import site_lattice
from haven.mechanism import hops, interstitial
from haven.trajectory import convert, opening, trajectory
from haven.trajectory.container import inflating
from haven.trajectory.readers import lammps_dump
from haven.trajectory.wanted import Wanted
from haven.transport import displacements

REPEAT = (5, 3, 5)
FRAMES = (64, 256)  # of both every so many-th frame of all atoms is kept that 16 are
SMALL = (
    (trajectory, "BLOCK_BYTES", 1 << 14), (trajectory, "LONG_BYTES", 1 << 14),
    (convert, "CHUNK_BYTES", 1 << 14), (convert, "KEPT", 8), (displacements, "COARSE", 32),
    (displacements, "BATCH_BYTES", 1 << 13), (hops, "BLOCK_POINTS", 2000),
    (lammps_dump, "PIECE_BYTES", 1 << 16), (inflating, "PIECE_BYTES", 1 << 14),
)
"""What is held at once, so small that whatever grows with the frames shows beside it."""


@pytest.fixture(scope="module")
def crystal(repository):
    return repository / "assets" / "materials" / "li3ticl6.yml"


def dump(path, material, frames):
    """Write a dump of ions that rattle, every tenth of them between two sites; return Li's."""
    rng = np.random.default_rng(7)
    _, letters = cation_lattice(material, REPEAT)
    species = np.where(letters == "2a", "Ti", np.where(letters == "4h", "Li", ""))
    atoms = assemble(material, REPEAT, species)
    symbols, cell = np.array(atoms.get_chemical_symbols()), np.asarray(atoms.cell[:])
    lithium = np.flatnonzero(symbols == "Li")
    step = (np.array([0, 1 / 3, 0]) - np.array([0, 0.17, 0.5])) @ material.cell
    (xx, _, _), (xy, yy, _), (xz, yz, zz) = cell
    assert xy == yz == 0 and xz < 0  # a monoclinic cell, as LAMMPS has it
    box = f"{xz:.9g} {xx:.9g} 0\n0 {yy:.9g} {xz:.9g}\n0 {zz:.9g} 0\n"
    line = "".join(f"{i + 1} {symbol} %.3f %.3f %.3f\n" for i, symbol in enumerate(symbols))
    with path.open("w") as stream:
        for t in range(frames):
            places = atoms.positions + rng.normal(0, 0.12, atoms.positions.shape)
            places[lithium[::10]] += (t // 40 % 2) * step
            stream.write(f"ITEM: TIMESTEP\n{t}\nITEM: NUMBER OF ATOMS\n{len(symbols)}\n"
                         f"ITEM: BOX BOUNDS xy xz yz pp pp pp\n{box}"
                         "ITEM: ATOMS id element xu yu zu\n" + line % tuple(places.ravel()))
    return len(lithium)


def peaks(run, material, scratch):
    """Return the largest memory of each part of the work on a dump, bytes."""
    lattice = site_lattice(material, material.cell * np.array(REPEAT, float)[:, None])
    wide = interstitial.with_voids(lattice, interstitial.anions_of(material, lattice, None, None))
    held = convert.convert([run], scratch, Wanted(species=("Li",), frame_spacing_ps=0.1))[0]
    parts = {
        "convert": lambda: convert.convert(
            [run], scratch, Wanted(species=("Li",), frame_spacing_ps=0.1)),
        "curves": lambda: displacements.curves(held),
        "hops": lambda: hops.hops_of(lattice, held, 1.0, hops.core_radius(lattice, 0.4)),
        "visits": lambda: interstitial.visits_of(lattice, wide, held, 1.0,
                                                 hops.core_radius(wide, 0.4)),
    }
    found = {}
    for name, part in parts.items():
        tracemalloc.start()
        part()
        found[name] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return found


def test_memory_does_not_grow_with_the_length_of_a_dump(tmp_path, crystal, monkeypatch):
    for module, name, value in SMALL:
        monkeypatch.setattr(module, name, value)
    material, taken, ions = load_material(crystal), [], 0
    for frames in FRAMES:
        run = tmp_path / f"{frames}.lammpstrj"
        ions = dump(run, material, frames)
        taken.append(peaks(run, material, tmp_path))
    positions = 12 * ions * (FRAMES[1] - FRAMES[0])
    grown = {name: taken[1][name] - taken[0][name] for name in taken[0]}
    assert max(grown.values()) < positions / 2, (grown, positions)


@pytest.mark.parametrize("order", ["C", "F"])
def test_memory_does_not_grow_with_the_length_of_a_compressed_container(
        tmp_path, monkeypatch, order):
    for module, name, value in SMALL:
        monkeypatch.setattr(module, name, value)
    rng, ions, taken, lengths = np.random.default_rng(7), 1000, [], (256, 1024)
    for frames in lengths:
        walk = rng.integers(0, 3, (frames, ions, 3)).cumsum(axis=0) * np.float32(0.01)
        np.savez_compressed(
            tmp_path / f"{frames}.npz", time_ps=np.arange(frames) * 1.0, mobile_symbol="Li",
            mobile_angstrom=np.asarray(walk + rng.random((ions, 3)) * 30, np.float32, order=order),
            host_centre_angstrom=np.zeros((frames, 3)), cell_angstrom=30 * np.eye(3))
        del walk
        tracemalloc.start()
        (held,) = opening.open_files([tmp_path / f"{frames}.npz"], tmp_path / "s", Wanted())
        assert sum(block.size for _, _, block in held.blocks(1 << 16)) == frames * ions * 3
        taken.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    positions = 12 * ions * (lengths[1] - lengths[0])
    assert taken[1] - taken[0] < positions / 10, (taken, positions)
