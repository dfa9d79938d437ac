"""Walls below the closest labelled pairs: written for LAMMPS, and reported where they act."""

from __future__ import annotations

import numpy as np
import pytest
import yaml
from ase import Atoms
from test_crystal import MATERIAL

from haven.core.errors import HavenError
from haven.dynamics.lammps.program import setting_lines
from haven.material.file import load_material
from haven.material.structures import wall_row

WALLS = [("Ti", "Ti", 3.3), ("Cl", "Li", 1.75)]


def test_a_wall_stands_between_its_own_pair_only():
    lines = setting_lines("read_data x", ["a.pb"], ("Li", "Ti", "Cl"), walls=WALLS)
    assert "pair_style hybrid/overlay deepmd a.pb soft 1.0" in lines
    assert "pair_coeff * * deepmd Li Ti Cl" in lines and "pair_coeff * * soft 0.0" in lines
    assert [x for x in lines if "soft 20" in x] == [
        "pair_coeff 2 2 soft 20 3.3", "pair_coeff 1 3 soft 20 1.75"]


def test_no_walls_leave_the_potential_alone():
    lines = setting_lines("read_data x", ["a.pb"], ("Li", "Ti", "Cl"))
    assert "pair_style deepmd a.pb" in lines and not any("soft" in x for x in lines)


def test_frames_in_which_a_wall_acts_are_counted_across_the_boundary():
    def pair(apart: float) -> Atoms:
        return Atoms("Ti2", positions=[[0.1, 5, 5], [10.1 - apart, 5, 5]], cell=[10] * 3, pbc=True)

    row = wall_row([pair(3.2), pair(3.4), pair(3.0), pair(4.0)], WALLS, "x", "RUN_DYNAMICS",
                   "u4_t300_r0")
    assert row["value"] == pytest.approx(0.5) and not row["passed"] and "Ti-Ti" in row["message"]
    free = wall_row([pair(3.4)], WALLS, "x", "RELAX_CELL", "u4_r0")
    assert free["passed"] and free["value"] == 0 and free["stage"] == "RELAX_CELL"
    assert wall_row([pair(1.0)], [], "x", "MINIMISE", "u4_r0")["passed"]


@pytest.mark.parametrize("walls", [{"Ti-Na": 3.0}, {"TiTi": 3.0}, {"Ti-Ti": -1}, {"Ti-Ti": "far"}])
def test_a_wrong_wall_is_refused(tmp_path, walls):
    content = yaml.safe_load(MATERIAL.read_text())
    content["closest_angstrom"] = walls
    path = tmp_path / "material.yml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(HavenError, match="closest_angstrom"):
        load_material(path)


def test_the_shipped_material_has_walls_for_all_pairs():
    found = load_material(MATERIAL).closest
    assert len(found) == 6 and np.all(np.array(list(found.values())) > 1.5)
