"""Packed positions: how wrong, how small, and that nothing computed from them changes."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest

from haven.core.errors import HavenError
from haven.trajectory import trajectory
from haven.trajectory.container import arrays as container
from haven.trajectory.container import inflating, packing
from haven.transport import diffusion
from haven.transport import displacements as msd

BOUND = 0.0005 + 1e-5  # half a step, and the rounding of a float32 of 100 Angstrom


def walk(rng, frames, ions, step, rattle=0.0):
    """Return unwrapped positions (T, N, 3), float32, of ions that walk and rattle."""
    path = rng.random((ions, 3)) * 60 + np.cumsum(rng.normal(0, step, (frames, ions, 3)), axis=0)
    return (path + rng.normal(0, rattle, path.shape)).astype(np.float32)


def written(path, positions, resolution=packing.RESOLUTION, **more):
    frames = len(positions)
    return trajectory.open_npz(trajectory.write_npz(path, {
        "time_ps": np.arange(frames) * 1.0, "mobile_angstrom": positions,
        "host_centre_angstrom": np.zeros((frames, 3)), "cell_angstrom": np.eye(3) * 60.0,
        "mobile_symbol": np.array("Li"), **more}, {}, resolution))


@pytest.mark.parametrize("frames, ions, step, bits", [
    (300, 41, 0.3, {12}), (129, 3, 0.9, {12}), (128, 1, 5.0, {16}), (1000, 6, 0.1, {12}),
    (2, 7, 500.0, {32}), (3, 2, 0.0, {12}),
])
@pytest.mark.parametrize("compiled", [False, True])
def test_every_ion_and_frame_comes_back_within_half_a_step(
    tmp_path, rng, monkeypatch, frames, ions, step, bits, compiled
):
    if compiled:
        pytest.importorskip("numba")
    monkeypatch.setattr(packing, "COMPILED_FROM", 0 if compiled else 1 << 60)
    positions = walk(rng, frames, ions, step)
    held = written(tmp_path / "t.npz", positions)
    assert set(held.positions.bits.tolist()) <= bits
    whole = held.read(0, ions)
    assert whole.shape == positions.shape and whole.dtype == np.float32
    error = np.abs(whole - positions)
    assert (error <= BOUND + np.spacing(np.abs(positions))).all()
    for start in range(ions):
        np.testing.assert_array_equal(held.read(start, min(start + 3, ions)),
                                      whole[:, start : start + 3])
    some = rng.integers(0, frames, 20)
    np.testing.assert_array_equal(held.read_frames(some), whole[some])
    np.testing.assert_array_equal(held.read_frames(np.array([-1])), whole[-1:])
    together = np.concatenate([b for _, _, b in held.blocks(budget=frames * 36)], axis=1)
    np.testing.assert_array_equal(together, whole)


def test_a_few_long_steps_do_not_widen_the_others(tmp_path, rng):
    positions = walk(rng, 400, 20, 0.1)
    positions[77:, 3] += 50.0
    positions[200:, 5, 1] -= 400.0
    held = written(tmp_path / "t.npz", positions)
    assert set(held.positions.bits.tolist()) == {12}
    np.testing.assert_allclose(held.read(3, 6), positions[:, 3:6], rtol=0, atol=BOUND + 3e-5)


def test_rounding_does_not_add_up(tmp_path):
    drift = np.arange(20000.0)[:, None, None] * 0.00049 + np.zeros((1, 2, 3))
    held = written(tmp_path / "t.npz", drift)
    assert np.abs(held.read(0, 2) - drift)[-500:].max() <= BOUND


def test_a_5_5_ns_run_of_20000_atoms_stays_under_200_mb(tmp_path, rng):
    frames, ions, every = 5500, 60, 100
    rare = rng.random((frames // every, 200, 3)).astype(np.float32)
    held = written(tmp_path / "t.npz", walk(rng, frames, ions, 0.1, rattle=0.1),
                   barycentre_angstrom=np.zeros((frames, 3)), symbols=np.array(["Li"] * 200),
                   all_time_ps=np.arange(len(rare)) * 100.0, all_angstrom=rare)
    with zipfile.ZipFile(held.path) as archive:
        size = {info.filename.removesuffix(".npy"): info.file_size for info in archive.infolist()}
    each = size["mobile_packed"] / frames / ions
    rest = held.path.stat().st_size - size["mobile_packed"] - size["all_angstrom"]
    total = each * 5500 * 6000 + size["all_angstrom"] * 100 + rest
    print(f"{each:.2f} bytes an ion and frame, {total / 1e6:.0f} MB")
    assert each < 4.7 and total < 180e6


def test_displacements_and_diffusion_are_those_of_unrounded_positions(tmp_path, rng):
    positions = walk(rng, 3000, 60, 0.05, rattle=0.1)
    exact = written(tmp_path / "exact.npz", positions, None)
    packed = written(tmp_path / "packed.npz", positions)
    assert isinstance(exact.positions, container.Plain)
    assert isinstance(packed.positions, packing.Packed)
    assert packed.path.stat().st_size < 0.45 * exact.path.stat().st_size
    one, other = msd.curves(exact), msd.curves(packed)
    rows = np.searchsorted(one.lag_ps, one.error_lag_ps - 0.5)
    for name in ("self", "total"):
        error = getattr(one, f"{name}_error")[:, :3]
        apart = (getattr(other, f"{name}_msd") - getattr(one, f"{name}_msd"))[rows]
        known = np.isfinite(error) & (error > 0)
        assert known.sum() > 20
        assert (np.abs(apart)[known] < 0.02 * error[known]).all(), name
    for a, b in zip(diffusion.estimate(exact, one, 1.5), diffusion.estimate(packed, other, 1.5),
                    strict=True):
        assert (a.quantity, a.axis, a.verdict) == (b.quantity, b.axis, b.verdict)
        if a.value is not None and a.high_95 is not None:
            assert abs(a.value - b.value) < 1e-3 * (a.high_95 - a.low_95)


def test_positions_that_are_no_numbers_are_kept_as_they_are(tmp_path, rng):
    for value in (np.nan, np.inf, 1e9):
        positions = walk(rng, 300, 3, 0.1)
        positions[200, 1, 2] = value
        held = written(tmp_path / "t.npz", positions)
        assert isinstance(held.positions, container.Plain)
        np.testing.assert_array_equal(held.positions.read(0, 3), positions)
        with pytest.raises(HavenError, match=r"ion 1 .*at frame 200"):
            held.read(1, 3)
        with pytest.raises(HavenError, match=r"ion 1 .*at frame 200"):
            held.read_frames(np.array([7, 200]))


def test_a_container_of_float32_is_read_as_before(tmp_path, rng):
    positions = walk(rng, 50, 5, 0.1)
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "users.npz", time_ps=np.arange(50.0), mobile_angstrom=positions,
             host_centre_angstrom=np.zeros((50, 3)), cell_angstrom=60 * np.eye(3),
             mobile_symbol="Li")
        held = trajectory.open_npz(tmp_path / "users.npz", "Li")
        np.testing.assert_array_equal(held.read(1, 3), positions[:, 1:3])
        members = trajectory.read_members(tmp_path / "users.npz")
        np.testing.assert_array_equal(members["mobile_angstrom"], positions)


def test_members_come_back_unpacked_and_missing_ones_are_named(tmp_path, rng):
    positions = walk(rng, 50, 5, 0.1)
    held = written(tmp_path / "t.npz", positions)
    members = trajectory.read_members(held.path)
    assert not set(members) & set(trajectory.PACKED)
    np.testing.assert_array_equal(members["mobile_angstrom"], held.read(0, 5))
    with pytest.raises(HavenError, match="it has no all_angstrom"):
        trajectory.read_members(held.path, "time_ps", "all_angstrom")


def test_damaged_positions_are_refused(tmp_path, rng):
    held = written(tmp_path / "t.npz", walk(rng, 300, 5, 0.1))
    with np.load(held.path) as file:
        members = dict(file)
    changes = {
        "bits": {"mobile_span_bits": np.array([12, 13, 12], np.uint8)},
        "end": {"mobile_span_end": members["mobile_span_end"] + 4},
        "short": {"mobile_packed": members["mobile_packed"][:-30]},
        "frames": {"mobile_shape": np.array([900, 5])},
    }
    for name, change in changes.items():
        np.savez(tmp_path / f"{name}.npz", **{**members, **change})
        with pytest.raises(HavenError, match="do not fit to its frames"):
            trajectory.open_npz(tmp_path / f"{name}.npz")


def test_containers_of_any_order_and_compression_are_read_alike(tmp_path, rng, monkeypatch):
    """Positions as they are or packed, in C's or Fortran's order, in pieces of any size."""
    positions, every = walk(rng, 300, 5, 0.1), walk(rng, 7, 9, 0.1)
    small = {"symbols": np.array(["Li"] * 5 + ["Cl"] * 4), "all_time_ps": np.arange(7) * 50.0,
             "time_ps": np.arange(300.0), "host_centre_angstrom": np.zeros((300, 3)),
             "cell_angstrom": 60 * np.eye(3), "mobile_symbol": "Li"}
    rounded = written(tmp_path / "t.npz", positions).read(0, 5)
    with np.load(tmp_path / "t.npz") as file:
        packed = {name: file[name] for name in trajectory.PACKED}
    wide = positions.astype(">f8")
    kinds = {"plain": {"mobile_angstrom": positions, "all_angstrom": every},
             "fortran": {"mobile_angstrom": np.asfortranarray(wide),
                         "all_angstrom": np.asfortranarray(every)},
             "packed": {**packed, "all_angstrom": np.asfortranarray(every)}}
    scratch = tmp_path / "scratch"
    for name, kind in kinds.items():
        for save, bytes_ in ((np.savez, 1 << 22), (np.savez_compressed, 1 << 22),
                             (np.savez_compressed, 5000)):
            monkeypatch.setattr(inflating, "PIECE_BYTES", bytes_)
            save(tmp_path / "one.npz", **small, **kind)
            held = trajectory.open_npz(tmp_path / "one.npz", "Li", scratch)
            known = rounded if name == "packed" else positions
            np.testing.assert_array_equal(held.read(1, 4), known[:, 1:4])
            np.testing.assert_array_equal(held.read_frames(np.array([299, 3])), known[[299, 3]])
            np.testing.assert_array_equal(held.read_all((0, -1)), every[[0, -1]])
            assert held.path == tmp_path / "one.npz"
            both = trajectory.read_members(tmp_path / "one.npz")
            np.testing.assert_array_equal(both["mobile_angstrom"], known)
            del held
            assert not scratch.exists() or not list(scratch.iterdir()), (name, save)


def test_a_compressed_container_that_the_disk_has_no_room_for_is_refused(
        tmp_path, rng, monkeypatch):
    np.savez_compressed(
        tmp_path / "t.npz", mobile_angstrom=walk(rng, 300, 5, 0.1), time_ps=np.arange(300.0),
        host_centre_angstrom=np.zeros((300, 3)), cell_angstrom=60 * np.eye(3), mobile_symbol="Li")
    monkeypatch.setattr(inflating, "SPARE_BYTES", 1 << 60)
    with pytest.raises(HavenError, match=r"takes 1.81e-05 GB when written out, .* free: make room"):
        trajectory.open_npz(tmp_path / "t.npz", "Li", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["t.npz"]


def test_a_compressed_container_that_is_damaged_leaves_nothing_behind(tmp_path, rng):
    scratch = tmp_path / "scratch"
    np.savez_compressed(
        tmp_path / "t.npz", mobile_angstrom=walk(rng, 300, 5, 0.1), time_ps=np.arange(300.0),
        host_centre_angstrom=np.zeros((300, 3)), cell_angstrom=60 * np.eye(3), mobile_symbol="Li")
    data = bytearray((tmp_path / "t.npz").read_bytes())
    data[len(data) // 2] ^= 0xFF
    (tmp_path / "t.npz").write_bytes(data)
    with pytest.raises(HavenError, match="no trajectory container"):
        trajectory.open_npz(tmp_path / "t.npz", "Li", scratch)
    assert not list(scratch.iterdir())
