"""Anneals: what settles, what never does, what breaks; and stationary production runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from trained import MATERIAL

from haven.core.series import compare_alone, compare_counts
from haven.dynamics.annealing import anneal
from haven.dynamics.job import COLUMNS, Job
from haven.dynamics.lammps.inherent import Inherent, count_moves, moved_between, site_spacing
from haven.dynamics.lammps.minimise import box_vectors
from haven.dynamics.runs import stationary
from haven.dynamics.runs.segments import Segments
from haven.material.file import load_material

SYMBOLS = np.array(["Li"] * 12 + ["Ti"] * 4 + ["Cl"] * 24)
MOBILE = SYMBOLS == "Li"
SPACING = 3.6


def walk(rng, snapshots=80, rate=0.4, energies=None):
    """Return snapshots in which ions go to a site 3.6 Angstrom on, ``rate`` of them a snapshot."""
    positions = np.zeros((snapshots, len(SYMBOLS), 3))
    for step in range(1, snapshots):
        positions[step] = positions[step - 1]
        wanted = rate(step) if callable(rate) else rate
        for _ in range(rng.poisson(wanted)):
            positions[step, rng.integers(12), rng.integers(3)] += rng.choice([-SPACING, SPACING])
    positions += rng.normal(size=positions.shape) * 0.05
    energies = rng.normal(size=snapshots) * 0.05 if energies is None else energies
    return Inherent(np.arange(snapshots) * 125, energies, positions)


def test_a_stationary_anneal_is_settled(rng):
    verdicts = [anneal.judge_anneal(walk(rng), MOBILE, SPACING, 750).verdict for _ in range(40)]
    assert verdicts.count(anneal.SETTLED) >= 32


@pytest.mark.parametrize(("changed", "said"), [
    ({"energies": np.linspace(3.0, 0.0, 80)}, "still change"),
    ({"energies": 2.0 * np.exp(-np.arange(80) / 60)}, "still change"),
    ({"rate": 0.0}, "only 0 ions moved"),
    ({"rate": lambda step: 3.0 if step < 60 else 0.2}, "hop rates"),
    ({"energies": np.random.default_rng(3).normal(size=80) * 3}, "are known to"),
])
def test_an_anneal_that_has_not_settled_says_why(rng, changed, said):
    given = dict(changed)
    if "energies" in given:
        given["energies"] = given["energies"] + rng.normal(size=80) * 0.02
    assert said in anneal.judge_anneal(walk(rng, **given), MOBILE, SPACING, 750).verdict


def test_moves_are_those_of_mobile_ions_in_the_frame_of_the_host(rng):
    still = walk(rng, snapshots=3, rate=0.0)
    shifted = still.positions.copy()
    shifted[1:] += [4.0, 0.0, 0.0]  # the whole crystal drifts
    shifted[2, 0] += [0.0, 3.6, 0.0]
    shifted[2, 13] += [0.0, 0.0, 3.6]  # of the host
    moved, clustered = count_moves(Inherent(still.steps, still.energies, shifted), MOBILE, SPACING)
    np.testing.assert_array_equal(moved, [0, 1])
    assert clustered == 1.0
    assert moved_between(shifted[1], shifted[0], ~MOBILE).max() < 0.6


@pytest.mark.parametrize("gone", [0, 1, 3])
def test_cations_of_the_framework_that_left_are_counted(rng, gone):
    found = walk(rng, snapshots=6)
    found.positions[-1, 12 : 12 + gone] += [3.6, 0.0, 0.0]
    found.positions[-1, 20] += [5.0, 0.0, 0.0]  # an anion is none
    assert anneal.left_sites(found, SYMBOLS, {"Ti"}, MOBILE, SPACING) == gone


def test_a_second_mobile_element_is_no_framework(rng):
    """Ti stands for it: its jumps leave no site of the framework."""
    crystal = load_material(MATERIAL)
    assert anneal.framework(crystal) == {"Ti"}
    assert anneal.framework(replace(crystal, mobiles=("Li", "Ti"))) == set()
    found = walk(rng, snapshots=6)
    found.positions[-1, 12:14] += [3.6, 0.0, 0.0]
    both = np.isin(SYMBOLS, ("Li", "Ti"))
    assert anneal.left_sites(found, SYMBOLS, set(), both, SPACING) == 0


def row(**changed):
    return {"longest_ps": 50.0, "duration_ps": 20.0, "energy_change_mev_per_atom": 0.2,
            "energy_change_bound_mev_per_atom": 1.0, "framework_left": 0,
            "verdict": anneal.SETTLED, **changed}


@pytest.mark.parametrize(("changed", "settled", "said"), [
    ({}, True, "settled after 20 ps"),
    ({"verdict": "energies still change", "duration_ps": 50.0}, False,
     r"not settled after 50 ps \(--anneal_ps\)"),
    ({"verdict": "melted"}, False, "has melted: nothing starts"),
    ({"verdict": "melted", "duration_ps": None, "framework_left": None}, False, "has melted"),
    ({"verdict": "ran away", "duration_ps": None, "framework_left": None}, False, "ran away"),
    ({"verdict": "beyond the labels"}, False, "grew beyond the labels: nothing starts"),
    ({"verdict": "2 cations of the framework left their sites", "framework_left": 2}, False,
     "came apart"),
])
def test_what_an_anneal_says_in_one_line(changed, settled, said):
    found = anneal.verdict_rows(row(**changed), "x", "u4_r0")
    assert found[0]["passed"] is settled
    import re

    assert re.search(said, found[0]["message"]) and "\n" not in found[0]["message"]
    if changed.get("framework_left") == 2:
        assert not found[1]["passed"] and "lower --anneal_temperature_k" in found[1]["message"]
        assert "--anneal_ps" not in found[0]["message"]


def test_frames_of_a_swinging_cell_are_strained_into_one(rng):
    boxes = np.array([[10, 10, 10, 0, -3, 0], [11, 10, 9.5, 0, -3.3, 0], [10, 12, 10, 0, -2, 0]])
    scaled = rng.random((5, 3)) + np.array([1, -2, 0])  # unwrapped, of other images, too
    positions = np.array([scaled @ box_vectors(box) for box in boxes]) + 0.3
    thermo = np.zeros((3, len(COLUMNS)))
    thermo[:, COLUMNS.index("lx") : COLUMNS.index("lx") + 6] = boxes
    steps = np.arange(3)
    joined = Segments(steps, thermo, np.empty((3, 0, 3)), steps, positions, None, 1)
    found = anneal.in_one_cell(joined, box_vectors(boxes[0]))
    moved = found - found[0]
    np.testing.assert_allclose(moved - moved[:, :1], 0, atol=1e-9)


@pytest.mark.parametrize("length", [0.6, 10, 15, 22, 60])
def test_an_anneal_is_judged_up_to_its_whole_length(length):
    one = Job(750, 2, 100, 0, round(length * 500), 5, 1, 7, (), ("Li",), "Li")
    steps = anneal.steps_to_judge(one)
    assert steps[-1] == one.production_steps and (np.diff(steps) > 0).all()
    assert steps[0] == min(one.production_steps, 7500)


@pytest.mark.parametrize(("inherent", "potential", "moves", "reasons"), [
    ((0.1, 1.0), (0.1, 1.0), (10, 12), 0), ((-2.0, 1.0), (0.1, 1.0), (10, 12), 1),
    ((0.1, 1.0), (1.5, 1.0), (10, 12), 1), ((0.1, 1.0), (0.1, 1.0), (60, 12), 1),
    ((3.0, 1.0), (3.0, 1.0), (60, 12), 3)])
def test_a_run_that_is_not_stationary_says_why(inherent, potential, moves, reasons):
    from haven.core.series import Halves

    none = Inherent(np.empty(0, int), np.empty(0), np.empty((0, 1, 3)))
    found = stationary.Stationary(Halves(*inherent), Halves(*potential), moves, none)
    assert len(found.reasons) == reasons
    given = {"pressure_gpa": 0.0, "pressure_error_gpa": 0.01, "pressure_asked_gpa": 0.0}
    said = stationary.verdict_rows(given, found, "x", "u4_t600_r0", "of the material file", None)
    assert said[0]["passed"] is (reasons == 0)
    assert ("no number" in said[0]["message"]) is (reasons > 0)
    assert not said[2]["passed"] and "no anneal" in said[2]["message"]


@pytest.mark.parametrize(("inherent", "potential", "said"), [
    ((0.1, 1.0), (0.2, 2.0), "is stationary: energies of minimised snapshots change by 0.1 "),
    ((0.1, np.inf), (0.2, 2.0), "is stationary: potential energies change by 0.2 "),
    ((0.1, np.inf), (0.2, np.inf), "is too short to tell whether it is stationary")])
def test_what_is_too_short_to_tell_is_not_called_stationary(inherent, potential, said):
    from haven.core.series import Halves

    none = Inherent(np.empty(0, int), np.empty(0), np.empty((0, 1, 3)))
    row = stationary.stationary_row(
        stationary.Stationary(Halves(*inherent), Halves(*potential), (10, 12), none), "u4_t600_r0")
    assert row["passed"] and said in row["message"] and "inf" not in row["message"]


def test_without_an_anneal_energies_are_held_against_their_own_fluctuations(rng):
    values = rng.normal(size=40)
    for compare in (stationary.compare_inherent, stationary.compare_potential):
        alone = compare(values, 0.0)
        assert alone == compare_alone(values, stationary.LEVEL)
        assert compare(values, 5.0).bound > 5 > alone.bound


def test_sites_of_the_material_are_spaced_as_in_its_planes():
    from trained import MATERIAL

    from haven.material.file import load_material

    assert site_spacing(load_material(MATERIAL)) == pytest.approx(3.63, abs=0.05)


def test_ions_that_go_to_and_fro_are_no_change_of_the_hop_rate(rng):
    """Some rattle between two sites for a while: moves come in clusters, the rate is one."""
    called = {True: 0, False: 0}
    for _ in range(150):
        positions = np.zeros((17, len(SYMBOLS), 3))
        for ion in range(12):
            at, rattling = 0.0, False
            for step in range(1, 17):
                rattling = rattling != (rng.random() < 0.06)
                if rng.random() < (0.8 if rattling else 0.03):
                    at = SPACING - at
                positions[step, ion, 0] = at
        found = Inherent(np.arange(17), np.zeros(17), positions)
        moves, clustered = count_moves(found, MOBILE, SPACING)
        assert clustered >= 1
        halves = int(moves[:8].sum()), int(moves[8:].sum())
        called[True] += not compare_counts(*halves, 0.95, clustered)
        called[False] += not compare_counts(*halves, 0.95)
    assert called[True] < 0.12 * 150 and called[True] < 0.6 * called[False]
