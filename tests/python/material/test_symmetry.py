"""Directions of equal jumps are one class, in every crystal system."""

from dataclasses import replace

import numpy as np
import pytest
from ase.geometry import cellpar_to_cell
from trained import MATERIAL

from haven.core.errors import HavenError
from haven.material.file import load_material
from haven.material.sites import symmetry

MONOCLINIC = load_material(MATERIAL)


def crystal(cellpar, sites, anions):
    return replace(MONOCLINIC, cell=np.array(cellpar_to_cell(cellpar)),
                   sites={k: np.array(v, float) for k, v in sites.items()},
                   anions={k: ("Cl", np.array(v, float)) for k, v in anions.items()},
                   layers=dict.fromkeys(sites, 0.0))


FCC = [[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]
ROCK_SALT = crystal([5, 5, 5, 90, 90, 90], {"4a": FCC},
                    {"4b": [[x + 0.5, y, z] for x, y, z in FCC]})
# The same places, but one axis of cations is another kind of site: tetragonal.
TETRAGONAL = crystal([5, 5, 5, 90, 90, 90], {"2a": FCC[:2], "2b": FCC[2:]},
                     {"4b": [[x + 0.5, y, z] for x, y, z in FCC]})
HEXAGONAL = crystal([3.9, 3.9, 6.4, 90, 90, 120], {"2a": [[0, 0, 0], [0, 0, 0.5]]},
                    {"2c": [[1 / 3, 2 / 3, 0.25], [2 / 3, 1 / 3, 0.75]]})
TRIGONAL = crystal([6, 6, 12, 90, 90, 120], {"1a": [[0, 0, 0]], "2d": [[1 / 3, 2 / 3, 0],
                                                                      [2 / 3, 1 / 3, 0]]},
                   {"6g": [[0.31, 0, 0.12], [0, 0.31, 0.12], [-0.31, -0.31, 0.12],
                           [-0.31, 0, -0.12], [0, -0.31, -0.12], [0.31, 0.31, -0.12]]})
TRICLINIC = crystal([4, 5, 6, 80, 95, 100], {"1a": [[0, 0, 0]]}, {"1b": [[0.4, 0.5, 0.3]]})


@pytest.mark.parametrize("material, order", [
    (ROCK_SALT, 48), (TETRAGONAL, 16), (HEXAGONAL, 24), (TRIGONAL, 12), (MONOCLINIC, 4),
    (TRICLINIC, 2)])
def test_the_point_group_is_that_of_the_crystal_with_inversion(material, order):
    group = symmetry.point_group(material)
    assert len(group) == order
    assert {(-matrix).tobytes() for matrix in group} == {matrix.tobytes() for matrix in group}
    gram = material.cell @ material.cell.T
    for matrix in group:
        np.testing.assert_allclose(matrix.T @ gram @ matrix, gram, atol=0.02 * gram.max())


def name(material, parts):
    return symmetry.direction_name(np.array(parts, float) @ material.cell, material.cell,
                                   symmetry.point_group(material))


@pytest.mark.parametrize("material", [ROCK_SALT, TETRAGONAL, HEXAGONAL, TRIGONAL, MONOCLINIC,
                                      TRICLINIC])
@pytest.mark.parametrize("parts", [
    (0.5, 0.5, 0), (0.5, 0, 0.5), (0.25, 0.25, 0.25), (1 / 3, 0, 0), (2 / 3, 1 / 3, 0),
    (0, 0, 0.5), (0.5, 1 / 6, 0), (1, 0, 0), (1 / 3, 2 / 3, 0.25), (0.05, 0.5, -0.5)])
def test_a_jump_and_all_its_images_have_one_name(material, parts):
    own = name(material, parts)
    for matrix in symmetry.point_group(material):
        assert name(material, matrix @ np.array(parts)) == own


@pytest.mark.parametrize("material, equal, unlike", [
    (ROCK_SALT, [(1, 0, 0), (0, 1, 0), (0, 0, -1)], [(1, 1, 0), (1, 1, 1), (2, 1, 0)]),
    (ROCK_SALT, [(0.5, 0.5, 0), (0.5, 0, -0.5), (0, 0.5, 0.5)], [(0.5, 0.5, 0.5), (0.5, 0, 0)]),
    (TETRAGONAL, [(1, 0, 0), (0, 1, 0)], [(0, 0, 1), (1, 1, 0)]),
    (HEXAGONAL, [(1, 0, 0), (0, 1, 0), (1, 1, 0), (-1, -1, 0)], [(2, 1, 0), (1, -1, 0), (0, 0, 1)]),
    (HEXAGONAL, [(2 / 3, 1 / 3, 0), (-1 / 3, 1 / 3, 0), (1 / 3, 2 / 3, 0)], [(1 / 3, 0, 0)]),
    (TRIGONAL, [(1, 0, 0), (0, 1, 0), (1, 1, 0)], [(0, 0, 1), (2, 1, 0)]),
    (MONOCLINIC, [(0.5, 1 / 6, 0), (-0.5, 1 / 6, 0)], [(0, 1 / 3, 0), (0.5, 0, 0.5)]),
    (TRICLINIC, [(1, 0, 0), (-1, 0, 0)], [(0, 1, 0), (0, 0, 1), (1, 1, 0)]),
])
def test_equal_directions_share_a_name_and_unlike_ones_do_not(material, equal, unlike):
    names = {name(material, parts) for parts in equal}
    assert len(names) == 1
    assert not names & {name(material, parts) for parts in unlike}


@pytest.mark.parametrize("asked", ["[100]", "[010]", "[001]", "[00-1]"])
def test_any_of_the_equal_directions_can_be_asked_for(asked):
    from haven.mechanism.paths import directions_wanted

    wanted, = directions_wanted(asked, [], 0, ROCK_SALT)
    assert wanted.direction == name(ROCK_SALT, (0, 0.5, 0)) and wanted.name == asked


def test_a_strained_supercell_has_the_names_of_the_crystal():
    strained = HEXAGONAL.cell @ (np.eye(3) + 0.02 * np.random.default_rng(1).normal(size=(3, 3)))
    group = symmetry.point_group(HEXAGONAL)
    for parts in ((1 / 3, 0, 0), (2 / 3, 1 / 3, 0), (0, 0, 0.5)):
        vector = np.array(parts) @ strained
        assert symmetry.direction_name(vector, strained, group) == name(HEXAGONAL, parts)


def test_two_sites_in_one_place_are_refused():
    with pytest.raises(HavenError, match="two sites must be in one place"):
        symmetry.point_group(crystal([5, 5, 5, 90, 90, 90], {"4a": [*FCC, FCC[0]]}, {"4b": FCC}))
