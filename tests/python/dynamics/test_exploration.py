"""Exploring and choosing frames: what is known, what is new, what is broken."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.io import read, write
from trained import MATERIAL, call, trained

from haven.core import tables
from haven.core.errors import HavenError
from haven.dynamics.exploration import Window, too_close
from haven.potential.selection import select, select_by_size

FRAMES = MATERIAL.parents[1] / "frames" / "li3ticl6"
WALLS = [("Ti", "Ti", 3.3), ("Li", "Cl", 1.75)]


def shipped(name: str) -> list[Atoms]:
    return read(FRAMES / f"{name}.u4.extxyz", ":")


def test_known_and_repeated_frames_are_not_chosen():
    known, new = shipped("s1_000"), shipped("s1_001")
    renumbered = known[0][np.random.default_rng(1).permutation(len(known[0]))]
    chosen, distance = select([known[0], renumbered, new[0], new[0].copy(), new[1]], 5, known)
    assert sorted(set(chosen) & {2, 3}) in ([2], [3]) and not set(chosen) & {0, 1}
    assert distance == sorted(distance, reverse=True) and distance[-1] > 0


def test_no_more_frames_are_chosen_than_asked_for():
    frames = shipped("s1_002") + shipped("s1_003")
    assert len(select(frames, 2, [])[0]) == 2 and select([], 2, frames) == ([], [])


def test_known_frames_that_lack_an_element_are_compared_too():
    known, new = shipped("s1_000"), shipped("s1_001")
    poor = known[0][[atom.symbol != "Ti" for atom in known[0]]]
    assert select(new, 2, [known[0], poor])[0] == select(new, 2, known[:1])[0]


def test_large_cells_get_their_share_of_the_labels():
    frames = [frame for n in ("000", "001", "002", "003") for frame in shipped(f"s1_{n}")][:12]
    large = [frame.repeat((2, 1, 2)) for frame in frames[:4]]
    for frame in large:
        frame.rattle(0.02, seed=1)  # near to the small ones they are made of
    chosen, distance = select_by_size(frames + large, 8, [])
    sizes = [len((frames + large)[i]) for i in chosen]
    assert sizes == [20] * 6 + [80] * 2 and len(distance) == 8
    assert len(set(chosen)) == 8
    alone, _ = select(frames, 6, [])
    assert chosen[:6] == alone
    again, _ = select_by_size(frames + large, 8, frames)  # those labelled already come last
    assert {len((frames + large)[i]) for i in again} == {80}
    assert select_by_size([], 3, frames) == ([], [])


@pytest.mark.parametrize(("apart", "expected"), [(2.7, True), (2.9, False)])
def test_pairs_far_inside_a_wall_are_broken_across_the_boundary(apart, expected):
    pair = Atoms("Ti2", positions=[[0.1, 5, 5], [10.1 - apart, 5, 5]], cell=[10] * 3, pbc=True)
    assert too_close(pair, WALLS) is expected


def test_an_empty_window_is_refused():
    with pytest.raises(HavenError, match="window"):
        Window(0.3, 0.3)


def run_explore(folder, *options):
    cell = folder / "cell.extxyz"
    frame = shipped("s1_000")[0]
    frame.calc = None
    write(cell, frame)
    model = trained() / "u4_s1.pb"
    return call("explore.py", "--structures", cell, "--potentials", model, model, "--u_ev", 4,
                "--explore_temperatures_k", "100", "--explore_ps", 0.02, "--explore_dump_ps", 0.004,
                "--out", folder, *options)


def test_potentials_that_agree_find_nothing_to_label(tmp_path):
    out = tmp_path / "a folder" / "made anew"
    done = run_explore(tmp_path, "--out", out)
    assert done.returncode == 0, done.stderr
    row = tables.read("exploration", out / "x1_u4.exploration.parquet").iloc[0]
    assert row["frames"] == row["accurate"] + row["candidate"] + row["failed"] == 6
    assert row["candidate"] == 0 and not list(out.glob("*.candidates.extxyz"))


def test_a_run_of_exploring_is_one_start_of_lammps(tmp_path, monkeypatch):
    from haven.dynamics.exploration import explore
    from haven.dynamics.job import Job
    from haven.dynamics.runs import run as dynamics

    seen = []
    start = dynamics.lammps.start_lammps
    monkeypatch.setattr(dynamics.lammps, "start_lammps", lambda *a: seen.append(a[1]) or start(*a))
    model, atoms = str(trained() / "u4_s1.pb"), shipped("s1_000")[0]
    run = Job(100.0, 2.0, 100.0, 0, 6, 2, 1, 7, (), ("Li", "Ti", "Cl"), "Li")
    _, row = explore(atoms, run, [model, model], Window(0.1, 1.0), tmp_path / "run")
    assert seen == ["production.a001.in"] and row["accurate"] == row["frames"] == 4


def test_frames_in_the_window_become_frames_to_label(tmp_path):
    done = run_explore(tmp_path, "--explore_deviation_ev_per_angstrom", "0,1", "--round", "2")
    assert done.returncode == 0, done.stderr
    found = read(tmp_path / "x2_u4.candidates.extxyz", ":")
    assert found[0].info["trajectory"] == "x2_s1_000"
    row = tables.read("exploration", tmp_path / "x2_u4.exploration.parquet").iloc[0]
    assert row["candidate"] == len(found) > 1
    chosen = call("select_frames.py", "--candidates", tmp_path / "x2_u4.candidates.extxyz",
                  "--frames_per_round", 1, "--round", 2, "--out", tmp_path)
    assert chosen.returncode == 0, chosen.stderr
    frames = read(tmp_path / "structures" / "x2_s1_000.extxyz", ":")
    assert len(frames) == 1 and frames[0].info["frame"] == 0
    assert frames[0].info["origin"] == "dynamics" and frames[0].info["temperature_k"] == 100


@pytest.mark.parametrize(("options", "said"), [
    (("--explore_deviation_ev_per_angstrom", "1,0.1"), "window of deviations 1 to 0.1"),
    (("--explore_deviation_ev_per_angstrom", "1"), "give 2 values"),
    (("--explore_temperatures_k", "hot"), "--explore_temperatures_k is hot"),
    (("--potentials", "none.pb"), "does not exist"),
])
def test_bad_options_of_exploring(tmp_path, options, said):
    done = run_explore(tmp_path, *options)
    assert done.returncode == 2 and said in done.stderr and done.stderr.count("\n") <= 2


def test_one_potential_cannot_disagree(tmp_path):
    done = run_explore(tmp_path, "--potentials", trained() / "u4_s1.pb")
    assert done.returncode == 2 and "at least two potentials" in done.stderr


def test_frames_without_a_deviation_are_no_candidates(tmp_path):
    done = call("select_frames.py", "--candidates", FRAMES / "s1_000.u4.extxyz",
                "--out", tmp_path)
    assert done.returncode == 2 and "carry no trajectory or no deviation" in done.stderr


def test_the_rounds_of_the_report_add_up(tmp_path):
    from report_tables import write_study

    from haven.report.figures.learning import CLASSES, shares
    from haven.report.page.contents import load_tables
    from haven.report.page.grids.potential import rounds_grid

    found = load_tables(write_study(tmp_path))
    joined = shares(found["exploration"], ["round", "u_ev"])
    assert np.allclose(joined[list(CLASSES)].sum(axis=1), 1)
    assert joined["frames"].tolist() == [200] * 4
    rows = rounds_grid(found)["rows"]
    assert rows[0] == ["1", "0", "200", "20 %", "60 %", "20 %", "3"]
    assert rows[-1] == ["2", "4", "200", "40 %", "30 %", "30 %", "2"]
