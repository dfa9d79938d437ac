"""Exported trajectories hold what the container holds, as their own libraries read them back."""

from __future__ import annotations

import export_trajectory
import numpy as np
import pytest
from ase.io import read

from haven.core.errors import HavenError
from haven.trajectory import opening, trajectory
from haven.trajectory.readers import Unsaid, read_frames
from haven.trajectory.wanted import Wanted

FRAMES, IONS = 300, 5
SYMBOLS = np.array(["Li"] * IONS + ["Ti", "Cl", "Cl"])
CELLS = {
    "cubic": np.eye(3) * 9.0,
    "monoclinic": np.array([[9.0, 0, 0], [0, 8, 0], [-3, 0, 10]]),
    "turned": np.array([[9.0, 0, 0], [0, 8, 0], [-3, 0, 10]]) @ np.array(
        [[0.36, 0.48, -0.8], [-0.8, 0.6, 0], [0.48, 0.64, 0.6]]),
}


@pytest.fixture(params=CELLS)
def held(request, tmp_path, rng):
    """A container with packed mobile ions far outside their cell, and every tenth frame of all."""
    paths = rng.random((len(SYMBOLS), 3)) * 8 + np.cumsum(
        rng.normal(0, 0.4, (FRAMES, len(SYMBOLS), 3)), axis=0) * (SYMBOLS == "Li")[:, None]
    path = trajectory.write_npz(tmp_path / "u4_t600_r0.trajectory.npz", {
        "time_ps": 1.5 + 0.2 * np.arange(FRAMES), "mobile_angstrom": paths[:, :IONS],
        "host_centre_angstrom": paths[:, IONS:].mean(axis=1), "cell_angstrom": CELLS[request.param],
        "barycentre_angstrom": paths.mean(axis=1), "mobile_symbol": np.array("Li"),
        "symbols": SYMBOLS, "mobile_index": np.arange(IONS),
        "all_time_ps": 1.5 + 2.0 * np.arange(FRAMES // 10),
        "all_angstrom": paths[::10].astype(np.float32),
    }, {"material": "li3ticl6", "temperature_k": 600.0})
    return trajectory.open_npz(path)


def exported(held, target, *options):
    export_trajectory.main([str(held.path), "--out", str(target), *options])
    return target


def expected(held, everything):
    if everything:
        return (held.extra["all_time_ps"], SYMBOLS,
                held.read_all(tuple(range(FRAMES // 10))))
    return held.time_ps, SYMBOLS[:IONS], held.read(0, IONS).astype(float)


@pytest.mark.parametrize("everything", [False, True], ids=["mobile", "all"])
def test_extended_xyz_comes_back_by_ase(held, tmp_path, everything):
    out = exported(held, tmp_path / "x.extxyz", "--atoms", "all" if everything else "mobile")
    images = read(out, ":")
    time, symbols, positions = expected(held, everything)
    assert np.allclose([one.info["time_ps"] for one in images], time, atol=1e-9)
    assert images[0].get_chemical_symbols() == list(symbols) and images[0].pbc.all()
    assert images[0].info["material"] == "li3ticl6"
    assert np.abs(np.array([one.positions for one in images]) - positions).max() < 1e-7
    assert np.allclose(images[-1].cell[:], held.cell, atol=1e-7)


@pytest.mark.parametrize("everything", [False, True], ids=["mobile", "all"])
def test_h5md_holds_positions_times_box_elements_and_units(held, tmp_path, everything):
    h5py = pytest.importorskip("h5py")
    out = exported(held, tmp_path / "x.h5md", "--atoms", "all" if everything else "mobile")
    time, symbols, positions = expected(held, everything)
    with h5py.File(out) as file:
        group = file["particles/trajectory"]
        assert list(file["h5md"].attrs["version"]) == [1, 1]
        assert np.abs(group["position/value"][:] - positions).max() < 1e-12
        assert np.allclose(group["position/time"][:], time)
        assert {group[f"position/{name}"].attrs["unit"] for name in ("value",)} == {"Angstrom"}
        assert group["position/time"].attrs["unit"] == "ps"
        assert np.allclose(group["box/edges/value"][:], held.cell)
        assert [int(z) for z in group["species"][:]] == [
            {"Li": 3, "Ti": 22, "Cl": 17}[name] for name in symbols]
        assert file["parameters/haven"].attrs["material"] == "li3ticl6"
        if not everything:
            assert np.allclose(file["observables/host_centre/value"][:], held.host)


@pytest.mark.parametrize("ending", ["xtc", "h5md"])
def test_mdanalysis_and_havens_own_reader_read_it(held, tmp_path, ending):
    pytest.importorskip("MDAnalysis")
    out = exported(held, tmp_path / f"run_600K.{ending}")
    top = exported(held, tmp_path / "top.xtc").with_suffix(".pdb")
    own = list(read_frames(out, Unsaid((), str(top))))
    assert len(own) == FRAMES and list(own[0].symbols) == ["Li"] * IONS
    assert np.allclose([one.time_ps for one in own], held.time_ps, atol=1e-4)
    # distances and the cell's lengths and angles stay, whatever way the cell was turned
    positions = held.read(0, IONS).astype(float)
    for frame in (0, 150, FRAMES - 1):
        step = np.linalg.norm(own[frame].positions - own[0].positions, axis=1)
        assert np.abs(step - np.linalg.norm(positions[frame] - positions[0], axis=1)).max() < 2e-3
        between = [np.linalg.norm(where[:, None] - where, axis=-1)
                   for where in (own[frame].positions, positions[frame])]
        assert np.abs(between[0] - between[1]).max() < 2e-3
    metric = [cell @ cell.T for cell in (own[0].cell, held.cell)]
    assert np.abs(metric[0] - metric[1]).max() < 1e-3


def test_xtc_turns_positions_with_the_cell(held, tmp_path):
    """Fractional coordinates are what a turned cell leaves as it was."""
    xdr = pytest.importorskip("MDAnalysis.lib.formats.libmdaxdr")
    with xdr.XTCFile(str(exported(held, tmp_path / "x.xtc"))) as file:
        frames = [file.read() for _ in range(3)]
    positions = held.read(0, IONS).astype(float)
    for number, frame in enumerate(frames):
        box = np.asarray(frame.box, float) * 10
        assert np.allclose(box, np.tril(box)), "GROMACS wants a lower triangle"
        assert np.abs(np.asarray(frame.x, float) * 10 @ np.linalg.inv(box)
                      - positions[number] @ np.linalg.inv(held.cell)).max() < 1e-4


def test_frames_may_be_chosen(held, tmp_path):
    images = read(exported(held, tmp_path / "x.extxyz", "--start", "10", "--stop", "100",
                           "--stride", "7"), ":")
    assert np.allclose([one.info["time_ps"] for one in images], held.time_ps[10:100:7])
    assert np.abs(images[3].positions - held.read(0, IONS)[31]).max() < 1e-6


@pytest.mark.parametrize("out, options, why", [
    ("x.pdf", (), "its ending names no format"),
    ("no/x.extxyz", (), "there is no folder"),
    ("x.extxyz", ("--start", "300"), "leave none"),
    ("x.extxyz", ("--stride", "0"), "it must be at least 1"),
    ("x.extxyz", ("--start", "-1"), "it must be at least 0"),
])
def test_what_cannot_be_exported_is_refused_in_a_line(held, tmp_path, out, options, why):
    with pytest.raises(HavenError, match=why):
        exported(held, tmp_path / out, *options)
    assert not list(tmp_path.glob("*x.*"))


def test_frames_of_all_atoms_that_are_not_there_and_cells_that_xtc_cannot_hold(tmp_path, rng):
    members = {"time_ps": np.arange(4.0), "mobile_angstrom": rng.random((4, 2, 3)),
               "host_centre_angstrom": np.zeros((4, 3)), "mobile_symbol": np.array("Li"),
               "cell_angstrom": np.diag([5.0, 5.0, -5.0])}
    held = trajectory.open_npz(trajectory.write_npz(tmp_path / "t.npz", members, {}))
    with pytest.raises(HavenError, match="fewer than two frames of all atoms"):
        exported(held, tmp_path / "x.extxyz", "--atoms", "all")
    pytest.importorskip("MDAnalysis")
    with pytest.raises(HavenError, match="left-handed"):
        exported(held, tmp_path / "x.xtc")
    far = {**members, "cell_angstrom": np.eye(3) * 5.0,
           "mobile_angstrom": members["mobile_angstrom"] + 3e5}
    held = trajectory.open_npz(trajectory.write_npz(tmp_path / "f.npz", far, {}, None))
    with pytest.raises(HavenError, match="farther than XTC can hold"):
        exported(held, tmp_path / "x.xtc")


def test_the_numbers_of_an_exported_run_are_those_of_the_run(held, tmp_path):
    out = exported(held, tmp_path / "run_600K.extxyz")
    wanted = Wanted(species=("Li",), unwrapped=True, fixed=True)
    again, = opening.open_files([out], tmp_path, wanted)
    mine, theirs = (np.asarray(one.read(0, IONS), float) for one in (held, again))
    assert np.abs((mine - mine[0]) - (theirs - theirs[0])).max() < 2e-3
    assert again.spacing_ps == pytest.approx(held.spacing_ps)
