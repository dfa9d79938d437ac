"""Frames that stand in a file again to the last digit are no time; those of lattice models are."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from ase import Atoms
from ase.io import write

from haven.core.errors import HavenError
from haven.trajectory import opening

SYMBOLS = ["Li"] * 4 + ["Cl"] * 4
GRID = np.array(list(np.ndindex(2, 2, 2))) * 3.0 + 0.5
FORMATS = {"w.extxyz": "extxyz", "w.traj": "traj", "XDATCAR": "vasp-xdatcar"}


def run(frames=60, rattle=0.1, seed=0):
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.normal(0, 0.2, (frames, 4, 3)), axis=0)
    positions = GRID + rng.normal(0, rattle, (frames, 8, 3))
    positions[:, :4] += walk
    images = [Atoms(SYMBOLS, one, cell=[6, 6, 6], pbc=True) for one in positions]
    for atoms in images:
        atoms.wrap()
    return images


def read(folder, images, name="w.extxyz", steps=None):
    """Return the trajectory of images with the numbers of their steps, where there are such."""
    for atoms, step in zip(images, steps or (), strict=steps is not None):
        atoms.info["step"] = step
    write(folder / name, images, format=FORMATS[name])
    return opening.open_trajectory(folder / name, "Li", folder, 0.1)


def copies(images):
    return [atoms.copy() for atoms in images]


@pytest.mark.parametrize(("order", "once"), [
    ([*range(30), 29, *range(30, 60)], range(60)),  # a restart writes its first frame again
    ([*range(30), *range(25, 60)], range(60)),
    ([*range(30), *range(25, 40), *range(38, 60)], range(60)),
    ([*range(60), *range(60)], range(60)),  # the same file twice
    ([*range(60), *range(20)], range(20)),
], ids=["one", "overlap", "two", "twice", "from the start"])
@pytest.mark.parametrize("name", ["w.extxyz", "w.traj"])
def test_a_restart_is_seen_where_frames_have_no_times(tmp_path, caplog, name, order, once):
    images = run()
    caplog.set_level("INFO")
    held = read(tmp_path, [images[n] for n in order], name)
    assert f"{len(order) - len(once)} frames stand there again after a restart" in caplog.text
    (tmp_path / "once").mkdir()
    plain = read(tmp_path / "once", [images[n] for n in once], name)
    assert held.frames == len(once)
    np.testing.assert_array_equal(held.read(0, 4), plain.read(0, 4))


def test_an_xdatcar_joined_to_itself_is_read_once(tmp_path):
    held = read(tmp_path, run(), "XDATCAR")
    text = (tmp_path / "XDATCAR").read_text()
    (tmp_path / "XDATCAR2").write_text(text + text)
    twice = opening.open_trajectory(tmp_path / "XDATCAR2", "Li", tmp_path, 0.1)
    np.testing.assert_array_equal(twice.read(0, 4), held.read(0, 4))


@pytest.mark.parametrize(("order", "words"), [
    (np.repeat(range(20), 5), "frame 1 is frame 0 again, .* 80 of 100 frames repeat"),
    (np.repeat(range(40), 2), "frame 1 is frame 0 again, .* 40 of 80 frames repeat"),
    ([*range(40), *range(38, -1, -1)], "frame 40 is frame 38 again, .* 39 of 79"),
])
@pytest.mark.parametrize("numbered", [False, True])
def test_frames_that_stand_there_repeatedly_are_refused(tmp_path, order, words, numbered):
    images = run()
    steps = [*range(len(order))] if numbered else None
    with pytest.raises(HavenError, match=words):
        read(tmp_path, copies([images[n] for n in order]), steps=steps)


def test_runs_that_repeat_frames_under_new_numbers_are_refused_and_a_single_frame_is_not(tmp_path):
    images = run()
    with pytest.raises(HavenError, match="frame 60 is frame 0 again"):
        read(tmp_path, copies([*images, *images]), steps=[*range(120)])
    assert read(tmp_path, copies([*images, images[-1]]), steps=[*range(61)]).frames == 61


def test_frames_of_a_lattice_model_and_of_a_crystal_that_stands_still_may_come_again(tmp_path):
    rng = np.random.default_rng(1)
    hops = np.cumsum(3.0 * rng.choice([-1, 0, 1], p=[0.04, 0.92, 0.04], size=(80, 4, 3)), axis=0)
    images = [Atoms(SYMBOLS, GRID + np.concatenate([one, 0 * one]), cell=[12, 12, 12], pbc=True)
              for one in hops]
    assert sum((one.positions == other.positions).all() for one, other in pairwise(images)) > 4
    assert read(tmp_path, images).frames == 80
    assert read(tmp_path, copies(run(1) * 30)).frames == 30
