"""A user's own trajectory of any format gives the same numbers, with nothing else of Haven."""

from __future__ import annotations

import analyse_transport
import numpy as np
import pytest
import walks
from ase import Atoms
from ase.io import write
from test_bad_trajectories import FORMATS, dump

from haven.core import tables
from haven.core.errors import HavenError

CELL = np.array([[24.0, 0, 0], [0, 22, 0], [-8, 0, 20]])
FRAMES, SPACING_PS = 400, 0.5
RATE, LENGTH = 0.15, 3.0


@pytest.fixture(scope="module")
def images():
    """Frames of 16 lattice walkers in a monoclinic cell with a still host, wrapped."""
    grid = np.stack(np.meshgrid(*[np.arange(4)] * 3), axis=-1).reshape(-1, 3)[:24]
    sites = grid * 4.0 + 1.0
    path = np.repeat(sites[None], FRAMES, axis=0)
    path[:, :16] += walks.lattice_walk(np.random.default_rng(31), 16, FRAMES, RATE, LENGTH)
    frames = [Atoms("Li16Ti2Cl6", positions, cell=CELL, pbc=True) for positions in path]
    for atoms in frames:
        atoms.wrap()
    return frames


def universe(folder, images):
    """Return an MDAnalysis universe of the frames, and its topology file."""
    MDAnalysis = pytest.importorskip("MDAnalysis")
    write(folder / "top.pdb", images[0])
    held = MDAnalysis.Universe(str(folder / "top.pdb"))
    held.load_new(np.array([a.positions for a in images], np.float32), order="fac", dt=SPACING_PS,
                  dimensions=images[0].cell.cellpar())
    return held, folder / "top.pdb"


def save(folder, name, images):
    """Write the frames; return the file and the options it needs."""
    path, spacing = folder / name, ("--timestep_ps", str(SPACING_PS))
    if name in FORMATS:
        write(path, images, format=FORMATS[name])
    elif name == "w.dump":
        dump(path, images)
    else:
        held, topology = universe(folder, images)
        held.atoms.write(str(path), frames="all")
        spacing = ("--topology", str(topology), *(spacing if name == "w.dcd" else ()))
    return path, spacing


def numbers(folder, name, images):
    """Return tables diffusion (xyz, by quantity) and conductivity of the command alone."""
    path, options = save(folder, name, images)
    out = folder / f"{name}_out"
    analyse_transport.main(["--trajectory", str(path), "--species", "Li", "--temperature_k", "400",
                            "--jump_angstrom", str(LENGTH), "--out", str(out), *options])
    diffusion, sigma = (tables.read(what, *out.glob(f"*_Li_400K.{what}.parquet"))
                        for what in ("diffusion", "conductivity"))
    return diffusion[diffusion["axis"] == "xyz"].set_index("quantity"), sigma


@pytest.mark.parametrize("name", ["w.traj", "XDATCAR", "w.dump", "w.dcd", "w.xtc"])
def test_every_format_gives_the_numbers_of_extxyz(tmp_path, images, name):
    wanted, sigma = numbers(tmp_path, "w.extxyz", images)
    true = RATE / SPACING_PS * LENGTH**2 / 6 * 1e-4
    assert wanted.loc["self", "low_95"] <= true <= wanted.loc["self", "high_95"]
    assert sigma["volume_angstrom3"].iloc[0] == pytest.approx(24 * 22 * 20)
    found, again = numbers(tmp_path, name, images)
    assert list(found["verdict"]) == list(wanted["verdict"]) == ["diffusive"] * 4
    columns = ["value", "low_95", "high_95"]
    for quantity in ("self", "total"):
        np.testing.assert_allclose(found.loc[quantity, columns].astype(float),
                                   wanted.loc[quantity, columns].astype(float), rtol=5e-3)
    np.testing.assert_allclose(again["value_ms_per_cm"], sigma["value_ms_per_cm"], rtol=5e-3)


def test_times_of_a_dcd_are_not_believed(tmp_path, images):
    path, options = save(tmp_path, "w.dcd", images[:5])
    with pytest.raises(HavenError, match="give --frame_spacing_ps"):
        analyse_transport.main(["--trajectory", str(path), "--species", "Li", "--temperature_k",
                                "400", "--out", str(tmp_path), *options[:2]])


def test_a_file_without_topology_or_cell_is_one_line(tmp_path, images):
    path, _ = save(tmp_path, "w.xtc", images[:3])
    held, topology = universe(tmp_path, images[:3])
    for step in held.trajectory:
        step.dimensions = None
    held.atoms.write(str(tmp_path / "bare.xyz"), frames="all")
    bare = ("--topology", str(topology))
    for file, options, words in ((path, (), "give --topology"),
                                 (tmp_path / "bare.xyz", bare, "has no cell")):
        with pytest.raises(HavenError, match=words) as said:
            analyse_transport.main(["--trajectory", str(file), "--species", "Li",
                                    "--temperature_k", "400", "--out", str(tmp_path), *options])
        assert "\n" not in str(said.value)
