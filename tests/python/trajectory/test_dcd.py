"""The head and the marks of DCD files, of both byte orders, with a cell and without one."""

from __future__ import annotations

import numpy as np
import pytest

from haven.core.errors import HavenError
from haven.trajectory import dcd

ATOMS, FRAMES = 7, 5


def written(path, order="<", has_cell=True, told=FRAMES, atoms=ATOMS):
    """Write a DCD file, and return where its head ends."""

    def record(content):
        mark = np.array(len(content), f"{order}i4").tobytes()
        return mark + content + mark

    numbers = np.zeros(20, f"{order}i4")
    numbers[:3], numbers[10] = (told, 40, 20), has_cell
    head = (record(b"CORD" + numbers.tobytes()) + record(np.array(2, f"{order}i4").tobytes()
            + b"t" * 160) + record(np.array(atoms, f"{order}i4").tobytes()))
    frame = (record(np.zeros(6, f"{order}f8").tobytes()) if has_cell else b"") + 3 * record(
        np.arange(ATOMS).astype(f"{order}f4").tobytes())
    path.write_bytes(head + FRAMES * frame)
    return len(head)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("has_cell", [True, False])
def test_the_head_and_the_frames_behind_it_are_read(tmp_path, order, has_cell):
    size = written(tmp_path / "a.dcd", order, has_cell)
    head = dcd.read_head(tmp_path / "a.dcd")
    assert head == dcd.Head(order, FRAMES, 40, 20, 0, has_cell, ATOMS, size)
    frames = np.memmap(tmp_path / "a.dcd", head.record, "r", size)
    assert frames.shape == (FRAMES,) and dcd.whole_marks(frames).all()
    np.testing.assert_array_equal(frames["z"]["value"], np.tile(np.arange(ATOMS), (FRAMES, 1)))
    dcd.check_dcd(tmp_path / "a.dcd")


def test_a_head_that_is_cut_is_told_from_a_damaged_one(tmp_path):
    path = tmp_path / "a.dcd"
    size = written(path)
    whole = path.read_bytes()
    for end in range(size):
        path.write_bytes(whole[:end])
        with pytest.raises(dcd.HeadError) as cut:
            dcd.read_head(path)
        assert cut.value.cut, end
    marks = [*range(8), *range(88, 96), *range(260, 268), *range(272, 276)]
    for place in marks:
        for bit in (0, 6):
            flipped = bytes([whole[place] ^ 1 << bit])
            path.write_bytes(whole[:place] + flipped + whole[place + 1:])
            with pytest.raises(dcd.HeadError):
                dcd.read_head(path)
            with pytest.raises(HavenError, match=r"a\.dcd: (it is no DCD|its head is cut)"):
                dcd.check_dcd(path)


@pytest.mark.parametrize("atoms", [0, -1])
def test_a_file_without_atoms_is_refused(tmp_path, atoms):
    written(tmp_path / "a.dcd", atoms=atoms)
    with pytest.raises(HavenError, match="its head is damaged"):
        dcd.check_dcd(tmp_path / "a.dcd")


def test_a_lost_byte_names_its_frame(tmp_path):
    path = tmp_path / "a.dcd"
    size = written(path)
    whole = path.read_bytes()
    long = (len(whole) - size) // FRAMES
    path.write_bytes(whole[:size + 2 * long + 30] + whole[size + 2 * long + 31:])
    with pytest.raises(HavenError, match="bytes are lost or changed at frame 2"):
        dcd.check_dcd(path)


def test_lost_frames_are_told_from_a_last_one_that_is_cut(tmp_path, caplog):
    path = tmp_path / "a.dcd"
    written(path, told=FRAMES + 2)
    with pytest.raises(HavenError, match="its head names 7 frames, it holds 5"):
        dcd.check_dcd(path)
    path.write_bytes(path.read_bytes()[:-9])
    with caplog.at_level("WARNING"):
        dcd.check_dcd(path)
    assert "frame 4 is cut short; the 4 before it are taken, of 7" in caplog.text
