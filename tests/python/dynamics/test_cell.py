"""The cell at rest: mean cells, who may join them, and cells that run away."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.geometry import cell_to_cellpar, cellpar_to_cell
from trained import MATERIAL

from haven.core import tables
from haven.core.errors import HavenError
from haven.dynamics import cell
from haven.dynamics.job import COLUMNS, Job, script
from haven.dynamics.lammps.minimise import box_vectors, free_tilts
from haven.dynamics.runs import stationary
from haven.dynamics.runs.segments import Segments
from haven.dynamics.tables import CELLS
from haven.material.file import load_material

BOX = np.array([12.7, 21.8, 11.9, 0.0, -4.4, 0.0])
KEYS = {"material": "x", "u_ev": 4.0, "temperature_k": 600.0, "replica": 0, "seed": 1}
ASKED = {**{name: KEYS[name] for name in KEYS if name != "replica"}, "atoms": 160,
         "pressure_asked_gpa": 0.5}


def job(**changed):
    given = {"pressure_gpa": 0.5, "start_volume": 100.0, **changed}
    return Job(600, 2, 100, 0, 4000, 10, 5, 7, ("p.pb",), ("Li", "Ti", "Cl"), "Li", **given)


def joined(boxes, pressures_bar, temperature=600.0):
    """Return a run of boxes (T, 6) and pressures (T,), without positions."""
    thermo = np.zeros((len(boxes), len(COLUMNS)))
    thermo[:, 0], thermo[:, 1] = 10 * np.arange(len(boxes)), temperature
    thermo[:, COLUMNS.index("press")] = pressures_bar
    thermo[:, COLUMNS.index("lx") : COLUMNS.index("lx") + 6] = boxes
    none = np.empty((0, 0, 3))
    return Segments(thermo[:, 0].astype(int), thermo, none, np.empty(0, int), none, None, 1)


def row_of(boxes, rng, **keys):
    found = cell.mean_cell(job(), joined(boxes, rng.normal(5000, 900, len(boxes))))
    return {**KEYS, "atoms": 160, "pressure_asked_gpa": 0.5, **found, **keys}


@pytest.mark.parametrize(("angles", "free"), [
    ((90, 90, 90), ()), ((90, 110, 90), ("xz",)), ((75, 90, 90), ("yz",)), ((90, 90, 120), ("xy",)),
    ((80, 85, 95), ("yz", "xz", "xy")), ((90, 100, 95), ("yz", "xz", "xy"))])
def test_right_angles_of_the_crystal_stay_right(angles, free):
    assert free_tilts(cellpar_to_cell([6, 10, 6, *angles])) == free


def test_constant_pressure_is_asked_of_the_lengths_alone():
    text = script(job(), "production", "read_data start.data", True, 1)
    assert "fix thermostat all npt temp 600 600 0.1 aniso 5000 5000 0.5 flip no\n" in text
    assert "velocity all create 600 7" in text and "fix room all halt" in text
    fixed = script(job(pressure_gpa=None), "production", "read_data start.data", True, 1)
    assert "nvt temp 600 600 0.1" in fixed and "fix room" not in fixed
    assert "velocity all create 1200 7" in fixed


def test_the_mean_cell_leaves_the_beginning_out_and_has_an_error(rng):
    boxes = np.repeat(BOX[None], 400, axis=0)
    boxes[:, 0] += rng.normal(size=400) * 0.05 - 1.5 * np.exp(-np.arange(400) / 40)
    found = row_of(boxes, rng)
    assert found["verdict"] == "complete" and 0.6 <= found["left_out_ps"] <= 4.0
    assert found["ax_angstrom"] == pytest.approx(12.7, abs=0.02)
    assert found["cx_angstrom"] == pytest.approx(-4.4)
    error = found["volume_error_angstrom3"]
    assert abs(found["volume_angstrom3"] - 12.7 * 21.8 * 11.9) < 4 * error < 20
    assert found["pressure_gpa"] == pytest.approx(0.5, abs=4 * found["pressure_error_gpa"])


@pytest.mark.parametrize("count", [3, 12])
def test_a_run_too_short_says_so(rng, count):
    found = row_of(np.repeat(BOX[None], count, axis=0) + rng.normal(size=(count, 1)), rng)
    assert found["verdict"] == "too short"
    said = cell.verdict_row(found, "x", "u4_t600_r0")
    assert not said["passed"] and "lengthen --cell_ps" in said["message"]


def test_replicas_keep_the_mean_of_their_cells(tmp_path, rng):
    paths = []
    for replica, wider in enumerate((0.0, 0.2)):
        boxes = np.repeat(BOX[None], 200, axis=0)
        boxes[:, 0] += wider + rng.normal(size=200) * 0.01
        paths.append(tables.write(CELLS, [row_of(boxes, rng, replica=replica)],
                                  tmp_path / f"r{replica}.cells.parquet"))
    broken = {**KEYS, "replica": 2, "atoms": 160, "pressure_asked_gpa": 0.5, "verdict": "melted"}
    paths.append(tables.write(CELLS, [broken], tmp_path / "r2.cells.parquet"))
    mean = cell.joined_cell(paths, ASKED)
    np.testing.assert_allclose(mean, box_vectors(BOX + np.array([0.1, 0, 0, 0, 0, 0])), atol=0.005)
    for name, wrong in (("u_ev", 0.0), ("temperature_k", 700.0), ("seed", 2), ("atoms", 80),
                        ("pressure_asked_gpa", 0.0), ("material", "y")):
        own = wrong if isinstance(wrong, str) else f"{wrong:g}"
        with pytest.raises(HavenError, match=f"of {name} .*, but this run is of {own}: give"):
            cell.joined_cell(paths, ASKED | {name: wrong})
    with pytest.raises(HavenError, match=r"no cell at rest at U = 4 eV, 600 K .*melted"):
        cell.joined_cell(paths[2:], ASKED)
    with pytest.raises(HavenError, match="does not exist"):
        cell.joined_cell([tmp_path / "nothing"], ASKED)


@pytest.mark.parametrize(("verdict", "said"), [
    ("melted", "melted: no dynamics, no number"), ("ran away", "ran away: no dynamics"),
    (cell.BEYOND, r"lies beyond the labels \(25.0 cubic Angstrom an atom\): no dynamics")])
def test_a_cell_of_no_use_is_one_clear_line_and_joins_nothing(tmp_path, verdict, said):
    import re

    found = {**KEYS, "atoms": 160, "pressure_asked_gpa": 0.0, "verdict": verdict,
             "volume_angstrom3": 4000.0 if verdict == cell.BEYOND else None}
    row = cell.verdict_row(found, "x", "u4_t600_r0")
    assert not row["passed"] and re.search(said, row["message"])
    path = tables.write(CELLS, [found], tmp_path / "a.cells.parquet")
    with pytest.raises(HavenError, match="no cell at rest"):
        cell.joined_cell([path], ASKED | {"pressure_asked_gpa": 0.0})


def test_volumes_near_the_labels_are_those_of_the_material():
    low, high = cell.labelled_volume(load_material(MATERIAL), 160, None)
    assert low < 8 * 412.6 < high and high / low == pytest.approx(1.15 / 0.85)


def test_atoms_are_strained_into_a_cell_of_any_orientation(rng):
    start = cellpar_to_cell([6.4, 10.9, 6.4, 90, 110, 90])
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    turn *= np.sign(np.linalg.det(turn))
    atoms = Atoms("LiTiCl", scaled_positions=rng.random((3, 3)), cell=start @ turn, pbc=True)
    vectors = box_vectors(np.array([6.6, 11.0, 6.1, 0.0, -2.3, 0.0]))
    strained = cell.in_cell(atoms, vectors)
    np.testing.assert_allclose(cell_to_cellpar(strained.cell), cell_to_cellpar(vectors))
    np.testing.assert_allclose(strained.get_scaled_positions(), atoms.get_scaled_positions())
    # the strain turns nothing: a keeps its direction
    along = strained.cell[0] / np.linalg.norm(strained.cell[0])
    np.testing.assert_allclose(along, turn[0], atol=1e-9)


@pytest.mark.parametrize("repeat", [(2, 1, 1), (1, 1, 2)])
def test_the_cell_of_another_supercell_of_as_many_atoms_is_refused(repeat):
    vectors = cellpar_to_cell([6.4, 10.9, 6.4, 90, 110, 90])
    atoms = Atoms("LiTiCl", np.zeros((3, 3)), cell=vectors, pbc=True).repeat(repeat)
    cell.in_cell(atoms, vectors * np.array(repeat)[:, None] * 0.97)
    with pytest.raises(HavenError, match=r"\(6.4 x 21.8 x 6.4 Angstrom\) is of another supercell"):
        cell.in_cell(atoms, vectors * np.array([[1], [2], [1]]))


def test_the_choice_of_the_cell_and_its_tables_go_together():
    for choice, given in (("npt", []), ("material", ["a"]), ("relaxed", ["a"])):
        with pytest.raises(HavenError, match="--cell"):
            cell.check_choice(choice, given)
    cell.check_choice("npt", ["a"])
    cell.check_choice("material", [])


@pytest.mark.parametrize(("mean", "error", "asked", "passed"), [
    (0.1, 0.02, 0.0, True), (0.3, 0.02, 0.0, False), (0.3, 0.06, 0.0, True),
    (1.7, 0.05, 0.0, False), (1.7, 0.05, 1.6, True), (-0.5, 0.05, 0.0, False),
    (0.0, None, 0.0, False)])
def test_a_run_off_its_pressure_is_said_so(mean, error, asked, passed):
    row = {"pressure_gpa": mean, "pressure_error_gpa": error, "pressure_asked_gpa": asked}
    said = stationary.verdict_rows(row, None, "x", "u4_t600_r0",
                                   stationary.stated("material", asked), "settled")[1]
    assert said["passed"] is passed and said["check"] == "pressure"
    assert ("not at rest" in said["message"]) is not passed
