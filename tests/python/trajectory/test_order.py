"""Atoms whose order changes: ids that a library passes over are read, and missing ones are said."""

from __future__ import annotations

import numpy as np
import pytest
from test_trajectory import CELL, SYMBOLS, dump, same

from haven.core.errors import HavenError
from haven.trajectory import opening

_MOVED = np.random.default_rng(8).normal(0.25, 0.4, (40, 8, 3)).cumsum(axis=0)
PATH = np.random.default_rng(7).random((8, 3)) @ CELL + (_MOVED - _MOVED[0]) * np.repeat(
    [1, 0], [3, 5])[:, None]
"""Unwrapped positions (40, 8, 3), Angstrom: lithium crosses the cell, the host stays."""


@pytest.mark.parametrize("columns", ["type element xu yu zu", "element xs ys zs"])
def test_a_dump_without_ids_is_said_once(tmp_path, caplog, columns):
    same(opening.open_trajectory(dump(tmp_path / "d.dump", PATH, columns), "Li", tmp_path, 0.1),
         PATH)
    assert caplog.text.count("d.dump has no column id: its atoms are taken in the order") == 1
    opening.open_trajectory(dump(tmp_path / "e.dump", PATH, f"id {columns}"), "Li", tmp_path, 0.1)
    assert "e.dump" not in caplog.text


@pytest.mark.parametrize("ids", ["", "id "])
def test_an_atom_that_moves_too_far_may_be_another_one(tmp_path, ids):
    path = PATH.copy()
    path[:, :3] = CELL.sum(axis=0) * [[0.1], [0.3], [0.58]]
    order = [[2, 1, 0, *range(3, 8)] if t == 20 else range(8) for t in range(40)]
    file = dump(tmp_path / "d.dump", path, f"{ids}element x y z", order)
    if ids:
        opening.open_trajectory(file, "Li", tmp_path, 0.1)
        return
    with pytest.raises(HavenError, match=r"at frame 20 \(atom 1\): the dump has no column id, and "
                                         "LAMMPS changes the order .* save frames more often"):
        opening.open_trajectory(file, "Li", tmp_path, 0.1)


def topology(folder, symbols):
    rows = "".join(f"ATOM  {i:5d} {s.upper():<4} {s.upper():>3} A{i:4d}    {0:8.3f}{0:8.3f}{0:8.3f}"
                   f"  1.00  0.00          {s.upper():>2}\n" for i, s in enumerate(symbols, 1))
    (folder / "top.pdb").write_text(f"CRYST1   12.000   11.000   10.770  90.00 111.80  90.00 P 1"
                                    f"           1\n{rows}END\n")
    return str(folder / "top.pdb")


def netcdf(target, order, ids=True, types=None):
    """Write a file as LAMMPS's dump netcdf/mpiio does; order has the atoms of each frame."""
    from scipy.io import netcdf_file

    kinds = np.array([["Li", "Ti", "Cl"].index(s) + 1 for s in SYMBOLS]) if types is None else types
    with netcdf_file(str(target), "w", version=2) as held:
        held.Conventions, held.ConventionVersion, held.program = "AMBER", "1.0", "LAMMPS"
        held.programVersion = "2024"
        for name, size in (("frame", None), ("atom", 8), ("spatial", 3), ("cell_spatial", 3),
                           ("cell_angular", 3)):
            held.createDimension(name, size)
        made = {name: held.createVariable(name, kind, ("frame", *more)) for name, kind, more in (
            ("time", "f", ()), ("coordinates", "d", ("atom", "spatial")), ("id", "i", ("atom",)),
            ("type", "i", ("atom",)), ("cell_lengths", "d", ("cell_spatial",)),
            ("cell_angles", "d", ("cell_angular",))) if ids or name != "id"}
        made["time"].units, made["coordinates"].units = "picosecond", "angstrom"
        made["cell_lengths"].units, made["cell_angles"].units = "angstrom", "degree"
        for t, rows in enumerate(order):
            made["time"][t], made["type"][t] = 0.1 * t, kinds[rows]
            made["coordinates"][t] = PATH[t][rows]
            made["cell_lengths"][t] = np.linalg.norm(CELL, axis=1)
            made["cell_angles"][t] = 90, 90 + np.degrees(np.arctan(0.4)), 90
            if ids:
                made["id"][t] = np.add(rows, 1)
    return target


def h5md(target, order):
    h5py = pytest.importorskip("h5py")
    rows = np.array(order)
    with h5py.File(target, "w") as held:
        held.create_group("h5md").attrs["version"] = [1, 1]
        atoms = held.create_group("particles/all")
        box = atoms.create_group("box")
        box.attrs["dimension"], box.attrs["boundary"] = 3, ["periodic"] * 3
        for name, value in (("position", np.take_along_axis(PATH, rows[..., None], 1)),
                            ("id", rows + 1), ("box/edges", np.tile(CELL, (len(PATH), 1, 1)))):
            group = atoms.create_group(name)
            group["value"], group["step"] = value, np.arange(len(PATH))
            group["time"] = 0.1 * np.arange(len(PATH))
            group["time"].attrs["unit"] = "ps"
        atoms["position/value"].attrs["unit"] = "Angstrom"
        atoms["box/edges/value"].attrs["unit"] = "Angstrom"
    return target


@pytest.mark.parametrize("write", [netcdf, h5md])
@pytest.mark.parametrize("kind", ["sorted", "constant", "changing"])
def test_ids_that_mdanalysis_passes_over_give_the_order(tmp_path, write, kind):
    pytest.importorskip("MDAnalysis")
    rng = np.random.default_rng(1)
    once = rng.permutation(8)
    order = [np.arange(8) if kind == "sorted" else once if kind == "constant" else
             rng.permutation(8) for _ in PATH]
    file = write(tmp_path / ("w.nc" if write is netcdf else "w.h5md"), order)
    held = opening.open_trajectory(file, "Li", tmp_path, topology=topology(tmp_path, SYMBOLS))
    moved = held.read(0, 3).astype(float)
    np.testing.assert_allclose(moved - moved[0], PATH[:, :3] - PATH[0, :3], atol=1e-4)
    assert held.spacing_ps == pytest.approx(0.1)


def test_types_that_contradict_the_topology_or_the_order_are_refused(tmp_path):
    pytest.importorskip("MDAnalysis")
    straight = [np.arange(8)] * 40
    other = topology(tmp_path, SYMBOLS[::-1])
    with pytest.raises(HavenError, match="atoms of type 3 are Li and Ti by --topology"):
        opening.open_trajectory(netcdf(tmp_path / "a.nc", straight), "Li", tmp_path,
                                topology=other)
    right = topology(tmp_path, SYMBOLS)
    mixed = [*straight[:5], np.arange(8)[::-1], *straight[6:]]
    with pytest.raises(HavenError, match="type of atom 1 changes at frame 5: write atoms with ids"):
        opening.open_trajectory(netcdf(tmp_path / "b.nc", mixed, ids=False), "Li", tmp_path,
                                topology=right)
    twice = [*straight[:5], np.array([0, 0, *range(2, 8)]), *straight[6:]]
    with pytest.raises(HavenError, match="id 1 stands twice in frame 5"):
        opening.open_trajectory(netcdf(tmp_path / "c.nc", twice), "Li", tmp_path,
                                topology=right)
