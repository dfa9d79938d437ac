"""Trajectories: every format gives the same positions; wrong ones are refused in one line."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.io import write

from haven.core.errors import HavenError
from haven.trajectory import checks, opening, trajectory

CELL = np.array([[12.0, 0, 0], [0, 11, 0], [-4, 0, 10]])
SYMBOLS = ["Li"] * 3 + ["Ti"] + ["Cl"] * 4


@pytest.fixture()
def path():
    """Unwrapped positions (40, 8, 3): lithium crosses the cell, the host stays."""
    rng = np.random.default_rng(8)
    start = rng.random((8, 3)) @ CELL
    move = np.zeros((40, 8, 3))
    move[:, :3] = np.cumsum(rng.normal(0.25, 0.4, (40, 3, 3)), axis=0)
    return start + move - move[0]


def atoms_of(path, cell=CELL, wrap=True):
    frames = []
    for positions in path:
        atoms = Atoms(SYMBOLS, positions, cell=cell, pbc=True)
        if wrap:
            atoms.wrap()
        frames.append(atoms)
    return frames


def dump(target, path, columns="id element xu yu zu", order=None, steps=None, places=17):
    lines = []
    for t, positions in enumerate(path):
        lines += ["ITEM: TIMESTEP", str((steps or range(0, 4000, 100))[t]), "ITEM: NUMBER OF ATOMS",
                  "8", "ITEM: BOX BOUNDS xy xz yz pp pp pp", "-4 12 0", "0 11 -4", "0 10 0",
                  f"ITEM: ATOMS {columns}"]
        scaled = positions @ np.linalg.inv(CELL)
        image = np.floor(scaled).astype(int)
        for i in (order[t] if order else range(8)):
            held = dict(zip(("xu", "yu", "zu"), positions[i], strict=True))
            held |= dict(zip(("xs", "ys", "zs"), scaled[i] - image[i], strict=True))
            held |= dict(zip(("ix", "iy", "iz"), image[i], strict=True))
            held |= dict(zip("xyz", (scaled[i] - image[i]) @ CELL, strict=True))
            held = {name: f"{value:.{places}g}" for name, value in held.items()}
            held |= {"id": i + 1, "element": SYMBOLS[i], "type": "Li Ti Cl".split().index(
                SYMBOLS[i]) + 1, "mass": {"Li": 6.94, "Ti": 47.867, "Cl": 35.45}[SYMBOLS[i]]}
            lines.append(" ".join(str(held[c]) for c in columns.split()))
    target.write_text("\n".join(lines) + "\n")
    return target


def same(held, path):
    read = held.read(0, 3).astype(float)
    np.testing.assert_allclose(read - read[0], path[:, :3] - path[0, :3], atol=2e-5)
    assert held.frames == 40 and held.ions == 3 and held.symbol == "Li"
    np.testing.assert_allclose(held.host - held.host[0], 0, atol=1e-5)


@pytest.mark.parametrize("columns", [
    "id element xu yu zu", "id type xs ys zs ix iy iz", "id type xs ys zs",
])
def test_lammps_dumps_are_read_sorted_and_unwrapped(tmp_path, path, columns):
    rng = np.random.default_rng(0)
    order = [rng.permutation(8) for _ in path]
    file = dump(tmp_path / "d.lammpstrj", path, columns, order)
    held = opening.open_trajectory(file, "Li", tmp_path, 0.1, "Li Ti Cl")
    same(held, path)
    np.testing.assert_allclose(held.time_ps, np.arange(40) * 0.1)
    np.testing.assert_allclose(held.cell, CELL)


@pytest.mark.parametrize("name, form", [
    ("w.extxyz", "extxyz"), ("w.traj", "traj"), ("XDATCAR", "vasp-xdatcar"),
])
def test_wrapped_files_are_unwrapped(tmp_path, path, name, form):
    write(tmp_path / name, atoms_of(path), format=form)
    same(opening.open_trajectory(tmp_path / name, "Li", tmp_path, 0.1), path)


def test_unwrapped_files_stay_so(tmp_path, path):
    write(tmp_path / "w.extxyz", atoms_of(path, wrap=False))
    same(opening.open_trajectory(tmp_path / "w.extxyz", "Li", tmp_path, 0.1), path)


def test_compressed_dump_with_its_own_times(tmp_path, path):
    import gzip

    text = dump(tmp_path / "d.dump", path).read_text()
    text = "ITEM: UNITS\nreal\n" + text.replace("ITEM: NUMBER", "ITEM: TIME\n0\nITEM: NUMBER")
    parts = text.split("ITEM: TIME\n0\n")
    text = parts[0] + "".join(f"ITEM: TIME\n{t * 50.0}\n{p}" for t, p in enumerate(parts[1:]))
    with gzip.open(tmp_path / "d.dump.gz", "wt") as stream:
        stream.write(text)
    held = opening.open_trajectory(tmp_path / "d.dump.gz", "Li", tmp_path)
    same(held, path)
    assert held.spacing_ps == pytest.approx(0.05)


def test_changing_cell_needs_the_option(tmp_path, path):
    frames = atoms_of(path)
    for t, atoms in enumerate(frames):
        atoms.set_cell(CELL * (1 + 0.01 * (t % 2)), scale_atoms=True)
    write(tmp_path / "n.extxyz", frames)
    with pytest.raises(HavenError, match="the cell changes at frame 1"):
        opening.open_trajectory(tmp_path / "n.extxyz", "Li", tmp_path, 0.1)
    held = opening.open_trajectory(tmp_path / "n.extxyz", "Li", tmp_path, 0.1, cell_changes=True)
    np.testing.assert_allclose(held.cell, CELL * 1.005)
    read = held.read(0, 3)
    np.testing.assert_allclose(read - read[0], (path[:, :3] - path[0, :3]) * 1.005, atol=1e-4)


def test_ions_alone_keep_the_simulations_frame_and_give_nothing_collective(tmp_path):
    """Their own centre, taken off, would leave a D_total of nothing, called diffusive."""
    from haven.transport import diffusion
    from haven.transport import displacements as msd
    from haven.transport import rows as transport

    rng = np.random.default_rng(5)
    moved = np.cumsum(rng.poisson(0.02, (600, 30, 3)) - rng.poisson(0.02, (600, 30, 3)), axis=0)
    grid = np.array(list(np.ndindex(5, 3, 2))) * 3.0
    write(tmp_path / "li.extxyz", [Atoms("Li30", grid + 3.0 * step, cell=[15, 15, 15], pbc=True)
                                   for step in moved])
    held = opening.open_trajectory(tmp_path / "li.extxyz", "Li", tmp_path, 1.0)
    assert not held.has_host and not held.host.any()
    for frame in trajectory.FRAMES:
        curves = msd.curves(held, frame)
        assert curves.frame_of_reference == "simulation" and curves.total_msd[-1].min() > 1
        found = diffusion.estimate(held, curves, 3.0)
        rows = {row.quantity: row for row in found if row.axis == "xyz"}
        assert rows["self"].low_95 <= 0.04 * 9 / 2 * 1e-4 <= rows["self"].high_95
        for row in (row for row in found if row.quantity != "self"):
            assert row.verdict == "no_host"
            assert row.value is None and row.low_95 is None and row.high_95 is None
        assert {row["quantity"] for row in transport.msd_rows(curves, {})} == {"self"}
        sigma = transport.conductivity_rows(found, held, 300.0, 1.0, {})
        assert [row["value_ms_per_cm"] is None for row in sigma] == [False, True]
    assert transport.host_checks(held, "u0_t300_r0", "m") == []


def test_a_crystal_that_drifts_as_a_whole_stays_still_though_its_first_cell_is_another(tmp_path):
    grid = np.array(list(np.ndindex(2, 2, 2))) / 2
    frames = [Atoms("LiTi3Cl4", scaled_positions=(grid + 0.03 * t * np.eye(3)[0]) % 1, pbc=True,
                    cell=CELL * (0.96 if t == 0 else 1.0)) for t in range(40)]
    write(tmp_path / "n.extxyz", frames)
    held = opening.open_trajectory(tmp_path / "n.extxyz", "Li", tmp_path, 0.1, cell_changes=True)
    moved = held.read(0, 1)[:, 0] - held.read(0, 1)[0, 0]
    for frame in trajectory.FRAMES:
        np.testing.assert_allclose(moved, held.centre(frame), atol=1e-4)
    step = held.extra["all_time_ps"][1] / 0.1
    every = held.read_all((0, 1))
    np.testing.assert_allclose(every[1] - every[0], np.tile(moved[round(step)], (8, 1)), atol=1e-4)


def test_volume_is_the_determinant_of_a_monoclinic_cell(tmp_path, path):
    write(tmp_path / "w.extxyz", atoms_of(path))
    held = opening.open_trajectory(tmp_path / "w.extxyz", "Li", tmp_path, 0.1)
    assert held.volume == pytest.approx(12 * 11 * 10)


def frames_with(change):
    def made(folder, path):
        frames = atoms_of(path)
        change(frames)
        write(folder / "bad.extxyz", frames)
        return folder / "bad.extxyz"
    return made


def spoil(frames):
    frames[7].positions[1, 2] = np.nan


def shrink(frames):
    for atoms in frames:
        atoms.set_cell(CELL / 10, scale_atoms=True)


def swap(frames):
    frames[3] = frames[3][[3, 1, 2, 0, 4, 5, 6, 7]]


def lose(frames):
    del frames[4][7]


def single(frames):
    del frames[1:]


def leap(frames):
    frames[5].positions[0] += 0.48 * CELL[0]


@pytest.mark.parametrize("change, words", [
    (spoil, "frame 7 has values that are not finite"), (shrink, "must be in Angstrom, not nm"),
    (swap, "change order at frame 3"), (lose, "7 atoms at frame 4, 8 before"),
    (single, "one frame|1 frame"), (leap, "save frames more often"),
])
def test_wrong_frames_are_refused(tmp_path, path, change, words):
    file = frames_with(change)(tmp_path, path)
    with pytest.raises(HavenError, match=words) as caught:
        opening.open_trajectory(file, "Li", tmp_path, 0.1)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("*.raw"))


def test_times_must_be_given_increase_and_be_even(tmp_path, path):
    write(tmp_path / "w.extxyz", atoms_of(path))
    with pytest.raises(HavenError, match="give --frame_spacing_ps"):
        opening.open_trajectory(tmp_path / "w.extxyz", "Li", tmp_path)
    steps = list(range(0, 4000, 100))
    again = dump(tmp_path / "a.dump", path, steps=[*steps[:20], steps[19], *steps[20:39]])
    with pytest.raises(HavenError, match="do not increase at frame 20"):
        opening.open_trajectory(again, "Li", tmp_path, 0.1)
    uneven = dump(tmp_path / "b.dump", path, steps=[*steps[:39], 3950])
    with pytest.raises(HavenError, match="not evenly spaced"):
        opening.open_trajectory(uneven, "Li", tmp_path, 0.1)


def even(frames, apart, kind, start=0.0):
    """Return times as a file of 32 or 64 bits keeps them."""
    return (start + apart * np.arange(frames)).astype(kind).astype(float)


@pytest.mark.parametrize("apart, frames", [(0.1, 30_000), (0.02, 15_000), (0.05, 24_001),
                                           (0.5, 200_000), (1.0, 300), (0.1, 400_000)])
def test_even_times_are_even_in_32_bits_too_and_a_lost_frame_is_seen(apart, frames):
    times = even(frames, apart, np.float32)
    checks.check_times(times, "a.xtc")
    with pytest.raises(HavenError, match=f"frame {frames // 2} comes"):
        checks.check_times(np.delete(times, frames // 2), "a.xtc")


def test_rounding_is_allowed_to_times_of_32_bits_alone():
    wide = even(30_000, 0.1, np.float64)
    assert checks.rounding(wide) == 0 and checks.rounding(np.array([0.0, np.nan, 1e300])) == 0
    assert checks.rounding(np.arange(0, 3_000_000, 100.0)) == 0  # steps
    assert checks.rounding(even(30_000, 0.1, np.float32)) == 2 * 2.0**-12
    with pytest.raises(HavenError, match="not evenly spaced"):
        checks.check_times(wide + 1.5e-4 * (np.arange(30_000) % 2), "a.dump")
    with pytest.raises(HavenError, match="frame 5 comes 2 after"):
        checks.check_times(np.delete(np.arange(1e7, 1e7 + 40), 5), "a.dump", "time steps")


@pytest.mark.parametrize("types", ["", "Li Ti Cl"])
def test_a_dump_that_names_no_atom_asks_for_a_column_and_for_no_option(tmp_path, path, types):
    file = dump(tmp_path / "d.lammpstrj", path, "id xu yu zu")
    with pytest.raises(HavenError, match="says of no atom what it is: write it with a column"):
        opening.open_trajectory(file, "Li", tmp_path, 0.1, types)


def headed(folder, path, **entries):
    """Write an extxyz whose frames have header entries, each made by a function of the number."""
    images = atoms_of(path)
    for number, atoms in enumerate(images):
        atoms.info |= {key: of(number) for key, of in entries.items()}
    write(folder / "h.extxyz", images)
    return folder / "h.extxyz"


@pytest.mark.parametrize(("entries", "given", "spacing"), [
    ({"time_fs": lambda n: 50.0 * n}, None, 0.05), ({"time_fs": lambda n: 50 * n}, 0.05, 0.05),
    ({"time_ps": lambda n: 0.1 * n, "time_fs": lambda n: 100.0 * n}, None, 0.1),
    ({"time": lambda n: 50.0 * n}, 0.05, 0.05), ({"Time": lambda n: 0.2 * n}, 0.2, 0.2),
    ({"time": lambda n: 50.0 * n}, 50 * 0.01018051, 0.509025),
    ({"step": lambda n: 100 * n}, 0.3, 0.3), ({"md_step": lambda n: 7 + n}, 0.3, 0.3),
    ({"step": lambda n: 100 * n}, 5.0, 5.0), ({"step": lambda n: n}, 100.0, 100.0),
    ({"time": lambda n: "noon"}, 0.3, 0.3), ({"step": lambda n: 0.5}, 0.3, 0.3),
    ({"time": lambda n: 3.0 + n + 0.1 * (n % 2)}, 0.3, 0.3),  # wall time
    ({"time_ps": lambda n: float(np.float32(9000 + 0.05 * n))}, None, 0.050005),
])
def test_times_of_a_header_are_believed(tmp_path, path, entries, given, spacing):
    held = opening.open_trajectory(headed(tmp_path, path, **entries), "Li", tmp_path, given)
    assert held.spacing_ps == pytest.approx(spacing, rel=1e-5)


@pytest.mark.parametrize(("entries", "given", "words"), [
    ({"time_fs": lambda n: 50.0 * n}, 0.1, "0.05 ps apart, --frame_spacing_ps says 0.1 ps"),
    ({"time_fs": lambda n: 50.0 * n}, 50.0, "0.05 ps apart, --frame_spacing_ps says 50 ps"),
    ({"time_fs": lambda n: "soon"}, 0.1, "time_fs is 'soon', not a number"),
    ({"time_ps": lambda n: 0.1 * n, "time_fs": lambda n: 50.0 * n}, None, "one of them is wrong"),
    ({"time": lambda n: 50.0 * n}, 0.1,
     "0.05 ps if they are fs, 50 ps if they are ps, and --frame_spacing_ps says 0.1 ps"),
    ({"Time": lambda n: 50.0 * n}, None,
     "0.05 ps if they are fs, 50 ps if they are ps; give the right one by --frame_spacing_ps"),
    ({"time": lambda n: float(np.float32(9000 + 0.05 * n))}, 0.1, "and --frame_spacing_ps says"),
    ({"step": lambda n: 100 * (n % 20)}, 0.1, "times do not increase at frame 20"),
    ({"step": lambda n: 100 * n + 50 * (n > 30)}, 0.1, "not evenly spaced in time: frame 31"),
    ({"step": lambda n: 100 * n}, 100.0,
     "100 steps apart, so --frame_spacing_ps 100 means a step of 1000 fs: give the time between"),
    ({"md_step": lambda n: 7 + 100 * n}, 0.001, "a step of 0.01 fs"),
])
def test_options_and_headers_that_contradict_times_are_refused(
    tmp_path, path, entries, given, words
):
    with pytest.raises(HavenError) as refused:
        opening.open_trajectory(headed(tmp_path, path, **entries), "Li", tmp_path, given)
    assert words in str(refused.value), refused.value


@pytest.mark.parametrize(("given", "step"), [(100.0, 1000), (0.001, 0.01)])
def test_a_spacing_that_the_steps_of_a_dump_show_to_be_in_fs_is_refused(
    tmp_path, path, given, step
):
    file = dump(tmp_path / "d.dump", path)
    with pytest.raises(HavenError, match=f"100 steps apart, so .* means a step of {step} fs"):
        opening.open_trajectory(file, "Li", tmp_path, given)


def test_species_not_there_and_unknown_files_are_refused(tmp_path, path):
    write(tmp_path / "w.extxyz", atoms_of(path))
    with pytest.raises(HavenError, match="has no Na: its species are Cl, Li, Ti"):
        opening.open_trajectory(tmp_path / "w.extxyz", "Na", tmp_path, 0.1)
    with pytest.raises(HavenError, match="does not exist"):
        opening.open_trajectory(tmp_path / "none.dump", "Li", tmp_path, 0.1)
    (tmp_path / "x.npz").write_text("nothing")
    with pytest.raises(HavenError, match="no trajectory container"):
        opening.open_trajectory(tmp_path / "x.npz", "Li", tmp_path, 0.1)


def container(folder, **change):
    held = {"time_ps": np.arange(5) * 0.1, "mobile_angstrom": np.ones((5, 4, 3), np.float32),
            "host_centre_angstrom": np.zeros((5, 3)), "cell_angstrom": np.eye(3) * 10.0,
            "mobile_symbol": np.array("Li")} | change
    return trajectory.write_npz(folder / "c.npz", held, {"seed": 3}, resolution=None)


@pytest.mark.parametrize("change, words", [
    ({"time_ps": np.array([0, 0.1, 0.1, 0.2, 0.3])}, "do not increase at frame 2"),
    ({"time_ps": np.arange(4) * 0.1}, "has 5 rows where time_ps has 4"),
    ({"mobile_angstrom": np.ones((1, 4, 3)), "time_ps": np.zeros(1),
      "host_centre_angstrom": np.zeros((1, 3))}, "one frame"),
    ({"cell_angstrom": np.eye(3)}, "not nm"),
    ({"host_centre_angstrom": np.full((5, 3), np.nan)}, "host centre has values"),
    ({"host_centre_angstrom": np.full((5, 3), 1e300)}, "host centre has values"),
    ({"host_centre_angstrom": np.zeros((5, 2))}, "must have 3 columns, has 2"),
    ({"symbols": np.array("Li")}, "symbols must be of shape \\(A,\\)"),
    ({"symbols": np.array(["Li"] * 4), "all_time_ps": np.zeros(2),
      "all_angstrom": np.zeros((2, 8, 3))}, "all_angstrom has 8 rows where symbols has 4"),
    ({"all_time_ps": np.arange(2.0)}, "has all_time_ps and no all_angstrom"),
    ({"mobile_index": np.array("2026-11-28", "datetime64[D]")}, "must be whole numbers"),
    ({"mobile_symbol": np.array(3.0)}, "mobile_symbol must be text"),
    ({"mobile_angstrom": np.ones((5, 12))}, "of shape \\(T, N, 3\\), has shape \\(5, 12\\)"),
    ({"barycentre_angstrom": np.full((5, 3), np.nan)}, "barycentre has values"),
    ({"barycentre_angstrom": np.zeros((4, 3))}, "has 4 rows where time_ps has 5"),
    ({"symbols": np.array(["Li"] * 3)}, "names 3 Li, there are 4 mobile ions"),
    ({"symbols": np.array(["Li"] * 4), "mobile_index": np.array([0, 1, 2, 4])},
     "mobile_index must name a row"),
    ({"symbols": np.array(["Li"] * 4), "mobile_index": np.array([0, 1, 1, 2])}, "another for each"),
    ({"symbols": np.array(["Cl", *["Li"] * 4]), "mobile_index": np.arange(4)}, "one of Li"),
    ({"symbols": np.array(["Li"] * 4), "all_time_ps": np.zeros(2),
      "all_angstrom": np.full((2, 4, 3), np.nan)}, "all_angstrom has values that are not finite"),
    ({"symbols": np.array(["Li"] * 4), "all_time_ps": np.zeros(3),
      "all_angstrom": np.zeros((2, 4, 3))}, "has 2 rows where all_time_ps has 3"),
])
def test_wrong_containers_are_refused(tmp_path, change, words):
    with pytest.raises(HavenError, match=words):
        trajectory.open_npz(container(tmp_path, **change), "Li")


@pytest.mark.parametrize("options, words", [
    ({"frame_spacing_ps": 5.0}, "frames are 0.1 ps apart, --frame_spacing_ps says 5 ps"),
    ({"type_map": "Li Cl"}, "--type_map has no use with"),
    ({"topology": "top.pdb"}, "--topology has no use with"),
    ({"cell_changes": True}, "--cell_changes has no use with"),
])
def test_options_that_do_nothing_for_a_container_are_refused(tmp_path, options, words):
    with pytest.raises(HavenError, match=words):
        opening.open_trajectory(container(tmp_path), "Li", tmp_path, **options)


def test_a_container_in_nanometres_and_a_flipped_bit_are_refused(tmp_path):
    """The cell may be in Angstrom all the same; positions are read around the zip's own check."""
    grid = np.array(list(np.ndindex(2, 2, 1)), float) * 0.3
    steps = np.random.default_rng(0).normal(0, 0.02, (5, 4, 3)) + grid
    with pytest.raises(HavenError, match="Angstrom"):
        opening.open_trajectory(container(tmp_path, mobile_angstrom=steps), "Li", tmp_path)
    whole = container(tmp_path, mobile_angstrom=steps * 10).read_bytes()
    opening.open_trajectory(tmp_path / "c.npz", "Li", tmp_path)
    place = whole.index(b"mobile_angstrom.npy") + 200
    (tmp_path / "c.npz").write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1:])
    with pytest.raises(HavenError, match=r"mobile_angstrom\.npy does not fit to its checksum"):
        opening.open_trajectory(tmp_path / "c.npz", "Li", tmp_path)


def rows(change):
    """Return a change of the lines of a dump's frame 7 (of 17 lines, 9 of them its head)."""
    def spoil(lines):
        change(lines, 17 * 7)
        return lines
    return spoil


@pytest.mark.parametrize("change, words", [
    (rows(lambda lines, at: lines.__setitem__(at + 3, "5")),
     r"at frame 7, 8 before|at frame 8: .*more atoms"),
    (rows(lambda lines, at: lines.__setitem__(at + 3, "9")), "can't be read at frame 7"),
    (rows(lambda lines, at: lines.__setitem__(at + 3, str(10**12))), "atoms are not possible"),
    (rows(lambda lines, at: lines.__setitem__(at + 3, str(10**8))), "1 frame|cut short|frame 7"),
    (rows(lambda lines, at: lines.__setitem__(at + 9, lines[at + 10])), "id 2 stands twice"),
    (rows(lambda lines, at: lines.__setitem__(at + 9, "1 0 1.0 1.0 1.0")), "atom of type 0"),
    (rows(lambda lines, at: lines.__setitem__(at + 9, "1 -1 1.0 1.0 1.0")), "atom of type -1"),
    (rows(lambda lines, at: lines.__setitem__(at + 9, "1 4 1.0 1.0 1.0")), "atom of type 4"),
    (rows(lambda lines, at: lines.__setitem__(at + 6, "0 nan 0")), "not|nan"),
    (rows(lambda lines, at: lines.__setitem__(
        at + 6, " ".join([*reversed(lines[at + 6].split()[:2]), *lines[at + 6].split()[2:]]))),
     "ends below where it begins"),
])
@pytest.mark.parametrize("large", [False, True], ids=["small", "large"])
def test_dumps_whose_counts_ids_or_types_are_wrong_are_refused(
    tmp_path, path, monkeypatch, caplog, change, words, large
):
    from haven.trajectory.readers import lammps_dump

    if large:
        monkeypatch.setattr(lammps_dump, "LARGE_BYTES", 0)
    file = dump(tmp_path / "d.dump", path, "id type x y z", places=8)
    file.write_text("\n".join(change(file.read_text().splitlines())) + "\n")
    try:
        held = opening.open_trajectory(file, "Li", tmp_path, 0.1, "Li Ti Cl")
    except HavenError as error:
        import re

        assert re.search(words, str(error)), error
        return
    assert held.frames == 7 and "cut short" in caplog.text  # what claims more than it holds


@pytest.mark.parametrize("columns", ["id element xu yu zu", "id element xs ys zs"])
def test_a_general_cell_with_its_own_origin_is_read(tmp_path, path, columns):
    """LAMMPS's general triclinic boxes: three vectors in any direction, and where they begin."""
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    file = dump(tmp_path / "d.dump", path if "xs" in columns else path @ turn + [1.0, -2, 3],
                columns)
    box = "".join(" ".join(f"{x:.12g}" for x in (*row, low)) + "\n"
                  for row, low in zip(CELL @ turn, (1.0, -2.0, 3.0), strict=True))
    file.write_text(file.read_text().replace(
        "ITEM: BOX BOUNDS xy xz yz pp pp pp\n-4 12 0\n0 11 -4\n0 10 0\n",
        "ITEM: BOX BOUNDS abc origin pp pp pp\n" + box))
    held = opening.open_trajectory(file, "Li", tmp_path, 0.1)
    same(held, path @ turn)
    np.testing.assert_allclose(held.cell, CELL @ turn, atol=1e-9)


def test_an_id_that_changes_its_element_is_named(tmp_path, path):
    file = dump(tmp_path / "d.dump", path, places=8)
    lines = file.read_text().splitlines()
    for frame in range(7, 40):
        lines[17 * frame + 9] = lines[17 * frame + 9].replace("1 Li", "1 Ti")
    file.write_text("\n".join(lines) + "\n")
    with pytest.raises(HavenError, match="atom of id 1 changes at frame 7 from Li to Ti: an id"):
        opening.open_trajectory(file, "Li", tmp_path, 0.1)


@pytest.mark.parametrize("large", [False, True], ids=["small", "large"])
def test_a_last_line_without_its_end_is_no_frame(tmp_path, path, monkeypatch, caplog, large):
    from haven.trajectory.readers import lammps_dump

    if large:
        monkeypatch.setattr(lammps_dump, "LARGE_BYTES", 0)
    file = dump(tmp_path / "d.dump", path, "id element x y z", places=8)
    file.write_text(file.read_text()[:-3])
    assert opening.open_trajectory(file, "Li", tmp_path, 0.1).frames == 39
    assert "last frame is cut short and left out" in caplog.text


@pytest.mark.parametrize("large", [False, True], ids=["small", "large"])
@pytest.mark.parametrize("letter", ["\v", "\f", "\r"])
def test_what_is_neither_blank_nor_end_of_a_line_parts_no_numbers(
        tmp_path, path, monkeypatch, letter, large):
    from haven.trajectory.readers import lammps_dump

    monkeypatch.setattr(lammps_dump, "LARGE_BYTES", 0 if large else 1 << 40)
    file = dump(tmp_path / "d.dump", path, "id element x y z", places=8)
    whole = file.read_bytes()
    file.write_bytes(whole.replace(b"\n", b"\r\n"))
    same(opening.open_trajectory(file, "Li", tmp_path, 0.1), path)
    lines = whole.decode().split("\n")
    row = lines[17 * 7 + 9].split()
    lines[17 * 7 + 9] = " ".join([*row[:3], letter.join((row[3][:2], row[4]))])
    file.write_bytes("\n".join(lines).encode())
    with pytest.raises(HavenError, match="control character"):
        opening.open_trajectory(file, "Li", tmp_path, 0.1)


@pytest.mark.parametrize("change", [
    lambda lines: [*lines[:-3], lines[-3] + " " + lines[-2], lines[-1]],
    lambda lines: [*lines[:-4], lines[-4].rsplit(" ", 1)[0], lines[-3]],
    lambda lines: [*lines[:-8], "1.5", *lines[-8:-2]],
], ids=["joined", "a number lost", "a number alone"])
def test_a_last_frame_whose_lines_are_damaged_is_not_called_cut_short(tmp_path, path, change):
    file = dump(tmp_path / "d.dump", path, "id element x y z", places=8)
    file.write_text("\n".join(change(file.read_text().splitlines())) + "\n")
    with pytest.raises(HavenError, match=r"a line of step \d+ has \d+ columns where 5 are named"):
        opening.open_trajectory(file, "Li", tmp_path, 0.1)


def test_a_box_that_does_not_repeat_is_said(tmp_path, path, caplog):
    file = dump(tmp_path / "d.dump", path)
    file.write_text(file.read_text().replace("pp pp pp", "pp pp ff"))
    opening.open_trajectory(file, "Li", tmp_path, 0.1)
    assert "its cell is not periodic in every direction" in caplog.text


def test_wrapped_or_broken_positions_in_a_container_are_refused(tmp_path):
    from haven.transport import displacements as msd

    wrapped = np.ones((5, 4, 3), np.float32)
    wrapped[3:, 2, 0] = 9.5
    with pytest.raises(HavenError, match="ion 2 jumps by a cell at frame 3"):
        msd.curves(trajectory.open_npz(container(tmp_path, mobile_angstrom=wrapped)))
    broken = np.ones((5, 4, 3), np.float32)
    broken[2, 3, 1] = np.inf
    with pytest.raises(HavenError, match="ion 3 has no finite position at frame 2"):
        msd.curves(trajectory.open_npz(container(tmp_path, mobile_angstrom=broken)))


def test_container_comes_back_in_blocks_and_frames(tmp_path):
    positions = np.random.default_rng(1).random((5, 40, 3)).astype(np.float32)
    held = trajectory.open_npz(container(tmp_path, mobile_angstrom=positions), "Li")
    together = np.concatenate([b for _, _, b in held.blocks(budget=5 * 12 * 16)], axis=1)
    np.testing.assert_array_equal(together, positions)
    np.testing.assert_array_equal(held.read_frames(np.array([3, 1])), positions[[3, 1]])
    assert held.meta == {"seed": 3}


def test_script_refuses_in_one_line(tmp_path, path):
    import subprocess
    import sys
    from pathlib import Path

    write(tmp_path / "w.extxyz", atoms_of(path))
    script = Path(trajectory.__file__).parents[2] / "analyse_transport.py"
    done = subprocess.run(
        [sys.executable, script, "--trajectory", tmp_path / "w.extxyz", "--species", "Na",
         "--temperature_k", "298", "--timestep_ps", "0.1", "--out", tmp_path / "out"],
        capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1].startswith("haven: error:")
    assert not list((tmp_path / "out").glob("*.parquet"))


@pytest.mark.parametrize("length", ["0", "-3", "nan"])
def test_a_jump_length_that_is_none_is_refused(length):
    import analyse_transport

    with pytest.raises(HavenError, match=r"--jump_angstrom is .*: it must be"):
        analyse_transport.main(["--trajectory", "t.npz", "--temperature_k", "300",
                                "--jump_angstrom", length])


@pytest.mark.parametrize("processors", [{0}, {0, 1}], ids=["one", "two"])
@pytest.mark.parametrize("places", [5, 15, 17])
@pytest.mark.parametrize("columns", [
    "id element xs ys zs ix iy iz", "element z y x type id", "mass xu yu zu", "type x id y z"])
def test_large_dumps_are_read_by_compiled_code_alike(
    tmp_path, path, monkeypatch, columns, places, processors
):
    """Numbers of 17 places are not plain: two processes read them."""
    from haven.trajectory.readers import Unsaid, lammps_dump, read_frames

    rng = np.random.default_rng(0)
    file = dump(tmp_path / "d.dump", path, columns, [rng.permutation(8) for _ in path]
                if "id" in columns.split() else None, places=places)
    unsaid = Unsaid(("Li", "Ti", "Cl"))
    alone = list(read_frames(file, unsaid))
    monkeypatch.setattr(lammps_dump, "LARGE_BYTES", 0)
    monkeypatch.setattr(lammps_dump, "PIECE_BYTES", 700)
    monkeypatch.setattr(lammps_dump.os, "sched_getaffinity", lambda _: processors)
    together = list(read_frames(file, unsaid))
    assert len(alone) == len(together) == 40
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one.positions, other.positions)
        np.testing.assert_array_equal(one.ids, other.ids)
        np.testing.assert_array_equal(one.symbols, other.symbols)
        assert one.step == other.step and one.unwrapped == other.unwrapped
    text = file.read_text().splitlines()
    text[17 * 7 + 12] = "4 Ti"
    file.write_text("\n".join(text) + "\n")
    with pytest.raises(HavenError, match="can't be read at frame 7: a line of step 700 has 2"):
        list(read_frames(file, unsaid))


def test_compiled_numbers_are_those_of_python_to_the_last_bit_or_left_alone():
    from haven.trajectory.readers import dump_numbers

    rng = np.random.default_rng(3)
    words = [form % value for form in ("%.3f", "%g", "%.10g", "%.15g", "%.17g", "%e", "%.1E", "%d")
             for value in np.concatenate([rng.normal(0, 10.0 ** rng.integers(-8, 9, 200)),
                                          [0.0, -0.0, 1e22, 1e23, 9007199254740993.0]])]
    words += ["5.", ".5", "+.5e1", "-0", "007", "1e5", "1e-22"]
    odd = ["nan", "inf", "1_0", "0x10", "1e", "1e+", "e5", ".", "-", "+-1", "1.2.3", "1d5", "1e5.0",
           "1e99999", "\N{ARABIC-INDIC DIGIT THREE}", "1" * 400, "--1", "1e400", "1-2", "1,5"]
    taken = 0
    for word in words + odd:
        numbers, names = np.empty((1, 1)), np.zeros(1, np.uint64)
        text = np.frombuffer(f" {word} \n".encode(), np.uint8)
        if dump_numbers.read_numbers(text, np.array([0]), np.array([False]), numbers, names):
            assert word not in odd and repr(numbers[0, 0]) == repr(np.float64(float(word))), word
            taken += 1
    assert taken > 0.7 * len(words)
    for text in (b"1 2\n", b"1\n\n", b"1", b"1\n2", b"", b"1 2", b"1.0\n", b"1e3\n"):
        numbers, names = np.empty((1, 1)), np.zeros(1, np.uint64)
        assert not dump_numbers.read_numbers(np.frombuffer(text, np.uint8), np.array([0]),
                                             np.array([True]), numbers, names), text


@pytest.mark.parametrize("end", [b"", b" 0.5", b"\n\n", b"\r\n"])
def test_lines_come_alike_however_the_file_is_cut_into_pieces(monkeypatch, end):
    import io

    from haven.trajectory.readers import lammps_dump

    rng = np.random.default_rng(1)
    lines = [b"x" * int(n) + b"\n" for n in rng.integers(0, 9, 60)]
    whole = b"".join(lines) + end
    for piece in (1, 3, 7, 50, 1000):
        monkeypatch.setattr(lammps_dump, "PIECE_BYTES", piece)
        stream, plain = lammps_dump._Lines(io.BytesIO(whole)), io.BytesIO(whole)
        for wanted in (1, 4, 20, 3, 25):
            assert stream.readline() == plain.readline()
            assert stream.lines(wanted) == b"".join(plain.readline() for _ in range(wanted))
        assert stream.lines(9) is None


def test_frames_of_all_atoms_are_thinned_evenly_where_they_are_too_many(
    tmp_path, path, monkeypatch
):
    from haven.trajectory import all_atoms

    file = dump(tmp_path / "d.dump", path)
    symbols, every = all_atoms.read_frames(file)
    assert len(every) == 40 and symbols == SYMBOLS
    monkeypatch.setattr(all_atoms, "FEWEST", 4)
    monkeypatch.setattr(all_atoms, "MOST_BYTES", 0)
    thinned = all_atoms.read_frames(file)[1]
    assert len(thinned) == 5
    for one, other in zip(thinned, every[::8], strict=True):
        np.testing.assert_array_equal(one[0], other[0])


@pytest.mark.parametrize("columns", [
    "z y x element id", "element xu yu zu x y z id", "id ix iy iz zs ys xs element"])
def test_columns_of_a_dump_stand_in_any_order(tmp_path, path, columns):
    file = dump(tmp_path / "d.dump", path, columns)
    same(opening.open_trajectory(file, "Li", tmp_path, 0.1), path)


@pytest.mark.parametrize("name", ["d.dump", "d.extxyz"])
def test_a_byte_order_mark_and_lines_of_windows_are_read(tmp_path, path, name):
    if name.endswith("dump"):
        text = dump(tmp_path / name, path).read_text()
    else:
        write(tmp_path / name, atoms_of(path))
        text = (tmp_path / name).read_text()
    (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    same(opening.open_trajectory(tmp_path / name, "Li", tmp_path, 0.1), path)


@pytest.mark.parametrize("columns", ["id element xu yu zu", "id element x y z",
                                     "id element xs ys zs", "id element xs ys zs ix iy iz"])
@pytest.mark.parametrize("tilts", [((5.9, 0, 0), (-6.1, 0, 0), (5.9, 0, 0)),
                                   ((0, 5.9, 1), (0, -6.1, 1)), ((2, 1, 5.9), (2, -1, -6.1))])
def test_flips_of_a_tilted_box_are_undone(tmp_path, path, columns, tilts):
    """As LAMMPS's ``flip yes`` does: other vectors of the same lattice from some frame on."""
    lines = []
    for t, positions in enumerate(path):
        xy, xz, yz = tilts[t * len(tilts) // len(path)]
        cell = np.array([[12.0, 0, 0], [xy, 12, 0], [xz, yz, 12]])
        scaled = positions @ np.linalg.inv(cell)
        image = np.floor(scaled).astype(int)
        held = {"id": np.arange(1, 9), "element": SYMBOLS,
                **dict(zip(("xu", "yu", "zu"), positions.T, strict=True)),
                **dict(zip("xyz", ((scaled - image) @ cell).T, strict=True)),
                **dict(zip(("xs", "ys", "zs"), (scaled - image).T, strict=True)),
                **dict(zip(("ix", "iy", "iz"), image.T, strict=True))}
        wide = [(min(0, xy, xz, xy + xz), 12 + max(0, xy, xz, xy + xz), xy),
                (min(0, yz), 12 + max(0, yz), xz), (0, 12, yz)]
        lines += ["ITEM: TIMESTEP", str(t), "ITEM: NUMBER OF ATOMS", "8",
                  "ITEM: BOX BOUNDS xy xz yz pp pp pp", *(" ".join(map(str, w)) for w in wide),
                  f"ITEM: ATOMS {columns}"]
        lines += [" ".join(map(str, row))
                  for row in zip(*(held[name] for name in columns.split()), strict=True)]
    (tmp_path / "d.dump").write_text("\n".join(lines) + "\n")
    held = opening.open_trajectory(tmp_path / "d.dump", "Li", tmp_path, 0.1)
    read = held.read(0, 3).astype(float)
    np.testing.assert_allclose(read - read[0], path[:, :3] - path[0, :3], atol=2e-5)
