"""Cation sites of supercells: numbers, neighbours, names of directions."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import yaml

from haven.core.errors import HavenError
from haven.core.periodic import minimum_image
from haven.material.file import load_material
from haven.material.sites import lattice as sites
from haven.material.sites import occupied as cages
from haven.material.sites import symmetry


@pytest.fixture(scope="module")
def material(repository):
    return load_material(repository / "assets/materials/li3ticl6.yml")


def supercell(material, *repeat):
    return material.cell * np.array(repeat, float)[:, None]


def anions(material, lattice):
    shifts = np.array(list(np.ndindex(*lattice.repeat)))
    xyz = np.concatenate([xyz for _, xyz in material.anions.values()])
    return (xyz[None] + shifts[:, None]).reshape(-1, 3) @ lattice.conventional


def test_a_supercell_has_all_sites_in_two_layers_a_cell(material):
    lattice = sites.site_lattice(material, supercell(material, 2, 1, 3))
    assert lattice.repeat == (2, 1, 3) and lattice.layers == 6
    assert Counter(lattice.letters.tolist()) == {"2a": 12, "4g": 24, "2d": 12, "4h": 24}
    assert Counter(lattice.layer.tolist()) == dict.fromkeys(range(6), 12)


def test_a_strained_or_turned_cell_is_recognised(material):
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    cell = 1.03 * supercell(material, 2, 2, 2) @ turn
    assert sites.supercell_repeat(material.cell, cell) == (2, 2, 2)


@pytest.mark.parametrize("cell", [15.0 * np.eye(3), np.diag([6.35, 10.89, 6.35]), np.zeros((3, 3))])
def test_the_cell_of_another_crystal_is_refused(material, cell):
    with pytest.raises(HavenError, match=r"no multiple|no periodic cell"):
        sites.site_lattice(material, cell)


def test_each_site_has_twelve_nearest_neighbours(material):
    lattice = sites.site_lattice(material, supercell(material, 3, 2, 3))
    for one in (0, 20, 60, 100):
        others = np.delete(np.arange(len(lattice.centres)), one)
        length = np.linalg.norm(sites.shortest(lattice, one, others), axis=1)
        assert (length < sites.NEIGHBOUR_REACH * lattice.spacing).sum() == 12


def test_jumps_to_nearest_sites_have_four_directions(material):
    classes = sites.neighbour_classes(sites.site_lattice(material, supercell(material, 2, 2, 2)))
    assert {(kind, direction) for kind, *_, direction in classes} == {
        ("intra_layer", "[010]"), ("intra_layer", "[110]"),
        ("inter_layer", "[101]"), ("inter_layer", "[011]"),
    }
    assert ("inter_layer", "2a", "2d", "[101]") in classes
    backwards = {(kind, b, a, direction) for kind, a, b, direction in classes}
    assert backwards == classes


def test_classes_do_not_depend_on_the_size_of_the_supercell(material):
    one, two = (
        sites.neighbour_classes(sites.site_lattice(material, supercell(material, *n)))
        for n in ((1, 1, 1), (3, 2, 2))
    )
    assert one == two


def with_layers(repository, tmp_path, layers, height=0.5):
    """Write the example's file with other layers, its upper plane at another height."""
    raw = yaml.safe_load((repository / "assets/materials/li3ticl6.yml").read_text())
    if height != 0.5:
        raw["lattice"]["c_angstrom"] = 10.5
    for site, layer in layers.items():
        raw["cation_sites"][site]["layer"] = layer
        for point in raw["cation_sites"][site]["positions"]:
            point[2] = height if point[2] else 0.0
    path = tmp_path / "material.yml"
    path.write_text(yaml.safe_dump(raw, sort_keys=False))
    return path


@pytest.mark.parametrize("height", [0.24, 0.5, 0.76])
def test_layers_at_uneven_heights_have_the_kinds_that_jumps_have(repository, tmp_path, height):
    planes = {"2a": 0.0, "4g": 0.0, "2d": height, "4h": height}
    material = load_material(with_layers(repository, tmp_path, planes, height))
    classes = sites.neighbour_classes(sites.site_lattice(material, supercell(material, 2, 2, 2)))
    for kind, first, second, _ in classes:
        assert (kind == "inter_layer") == (planes[first] != planes[second])
    assert {kind for kind, *_ in classes} == {"intra_layer", "inter_layer"}


@pytest.mark.parametrize("layers", [
    {"4g": 1.0}, {"2a": -1.0, "4g": 2.0}, {"2d": -0.5}, {"2d": 1.5, "4h": -0.5}, {"4h": 0.503},
    {"2a": 1 - 1e-12}])
def test_a_plane_is_the_same_layer_however_it_is_stated(material, repository, tmp_path, layers):
    own = {**material.layers, **layers}
    other = load_material(with_layers(repository, tmp_path, own))
    one, two = (sites.site_lattice(any_, supercell(any_, 2, 1, 3)) for any_ in (material, other))
    assert one.layers == two.layers
    assert (one.layer[:, None] == one.layer).tolist() == (two.layer[:, None] == two.layer).tolist()
    assert sites.neighbour_classes(one) == sites.neighbour_classes(two)


@pytest.mark.parametrize("layers", [
    {"4g": 0.5}, {"4g": -0.5}, {"4g": 0.4}, {"2d": 0.0}, {"2d": 0.4}, {"4h": 1.0},
    {"2a": 0.5, "4g": 0.5, "2d": 0.0, "4h": 0.0}, dict.fromkeys(("2a", "4g", "2d", "4h"), 0.0)])
def test_a_layer_in_which_a_site_does_not_lie_is_refused(material, repository, tmp_path, layers):
    path = with_layers(repository, tmp_path, {**material.layers, **layers})
    with pytest.raises(HavenError, match=r"material.yml: site \w+ has layer \S+ and a point at"):
        load_material(path)


@pytest.mark.parametrize("parts, name", [
    ((0, 1 / 3, 0), "[010]"), ((0, -1 / 3, 0), "[010]"), ((-0.5, 1 / 6, 0), "[110]"),
    ((1, 0, 0), "[100]"), ((0.5, 0, 0.5), "[101]"), ((-0.5, 0, -0.5), "[101]"),
    ((0.5, 0, -0.5), "[10-1]"), ((0, -0.17, 0.5), "[011]"), ((0.05, 0.02, -0.5), "[001]"),
])
def test_a_jump_is_named_by_the_signs_of_its_components(material, parts, name):
    assert symmetry.direction_name(np.array(parts) @ material.cell, material.cell) == name


def test_the_nearest_site_is_found_through_the_faces(material, rng):
    lattice = sites.site_lattice(material, supercell(material, 2, 1, 1))
    chosen = rng.integers(0, len(lattice.centres), 300)
    image = rng.integers(-3, 4, (300, 3))
    points = lattice.centres[chosen] + image @ lattice.cell + rng.uniform(-0.8, 0.8, (300, 3))
    site, found, distance = sites.SiteFinder(lattice).nearest(points)
    np.testing.assert_array_equal(site, chosen)
    np.testing.assert_array_equal(found, image)
    away = points - lattice.centres[site] - found @ lattice.cell
    np.testing.assert_allclose(distance, np.linalg.norm(away, axis=1))


@pytest.mark.parametrize("shift", [(0, 0, 0), (0.5, -0.4, 0.6), (-1.0, 0.3, 0.5)])
def test_sites_follow_a_host_that_has_moved(material, rng, shift):
    lattice = sites.site_lattice(material, supercell(material, 2, 1, 2))
    ideal = anions(material, lattice)
    still = cages.refine(lattice, material, ideal)
    assert np.linalg.norm(still.centres - lattice.centres, axis=1).max() < 0.25
    image = rng.integers(-2, 3, ideal.shape) @ lattice.cell
    moved = cages.refine(lattice, material, (ideal + shift + image)[rng.permutation(len(ideal))])
    np.testing.assert_allclose(moved.centres - still.centres, np.tile(shift, (48, 1)), atol=1e-6)


def test_a_site_is_in_the_middle_of_its_cage(material):
    lattice = sites.site_lattice(material, supercell(material, 2, 1, 2))
    ideal = anions(material, lattice)
    still = cages.refine(lattice, material, ideal)
    around = np.linalg.norm(minimum_image(ideal - still.centres[7], lattice.cell), axis=1)
    pushed = ideal.copy()
    pushed[np.argsort(around)[:6]] += [0.3, 0.0, 0.0]
    found = cages.refine(lattice, material, pushed).centres - still.centres
    away = found - np.delete(found, 7, axis=0).min(axis=0)
    assert away[7, 0] == pytest.approx(0.3, abs=1e-6)
    assert found[7, 0] == found[:, 0].max()


def test_anions_of_another_structure_are_refused(material, rng):
    lattice = sites.site_lattice(material, supercell(material, 2, 1, 2))
    gas = rng.random((48, 3)) @ lattice.cell
    with pytest.raises(HavenError, match="melted"):
        cages.refine(lattice, material, gas)


def test_framework_cations_must_be_on_their_sites(material):
    lattice = sites.site_lattice(material, supercell(material, 2, 1, 2))
    host = anions(material, lattice)
    metal = lattice.centres[np.isin(lattice.letters, ["2a"])]
    names = np.array(["Cl"] * len(host) + ["Ti"] * len(metal) + ["Li"])
    for letters, wrong in ((["2a"], False), (["2d"], True)):
        metal = lattice.centres[np.isin(lattice.letters, letters)]
        xyz = np.concatenate([host, metal, lattice.centres[-1:]])
        if wrong:
            with pytest.raises(HavenError, match=r"100 % of the Ti are not on 2a, 4g"):
                cages.lay(lattice, material, names, xyz, "here")
        else:
            laid = cages.lay(lattice, material, names, xyz, "here")
            assert np.abs(laid.centres - lattice.centres).max() < 0.25
    with pytest.raises(HavenError, match="here has no Li"):
        cages.lay(lattice, material, names[:-1], xyz[:-1], "here")


def test_mobile_ions_may_be_on_any_site(material):
    """Lithium goes to the vacant sites of the framework's cations, which is no wrong origin."""
    lattice = sites.site_lattice(material, supercell(material, 2, 1, 2))
    host = anions(material, lattice)
    centres = {letter: lattice.centres[lattice.letters == letter] for letter in ("2a", "4g")}
    names = np.array(["Cl"] * len(host) + ["Ti"] * len(centres["2a"]) + ["Li"] * len(centres["4g"]))
    xyz = np.concatenate([host, centres["2a"], centres["4g"]])
    only = replace(material, occupancies={"default": {"Li": {"2d": 1.0}, "Ti": {"2a": 1.0}}})
    laid = cages.lay(lattice, only, names, xyz, "here")
    assert np.abs(laid.centres - lattice.centres).max() < 0.25
