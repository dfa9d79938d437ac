"""Barriers of potentials in closed form, paths through periodic faces, and what is doubted."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.io import write
from find_barriers import main

from haven.core import tables
from haven.core.errors import HavenError
from haven.core.periodic import minimum_image
from haven.material.crystal import assemble, cation_lattice
from haven.material.sites import lattice as sites
from haven.material.sites import symmetry
from haven.mechanism import bands, barriers, interpolation, paths
from haven.mechanism.bands import Band
from haven.mechanism.paths import Jump, WantedJump
from haven.mechanism.tables import HOPS


class Surface(Calculator):
    """Each atom on its own in a potential V(x, y, z), with its gradient."""

    implemented_properties = ("energy", "free_energy", "forces")

    def __init__(self, value):
        super().__init__()
        self.value = value

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        energy, gradient = self.value(atoms.positions)
        self.results = {"energy": energy, "free_energy": energy, "forces": -gradient}


def corrugated(x, period=4.0, height=0.37, stiffness=2.0):
    """Wells a period apart along x, in a channel: the barrier is the height."""
    k = 2 * np.pi / period
    energy = 0.5 * height * (1 - np.cos(k * x[:, 0])) + 0.5 * stiffness * (x[:, 1:] ** 2).sum(1)
    gradient = stiffness * x
    gradient[:, 0] = 0.5 * height * k * np.sin(k * x[:, 0])
    return float(energy.sum()), gradient


def ring(x, radius=2.0, height=0.25, stiffness=4.0):
    """A circular channel with two wells opposite each other: the barrier is the height."""
    centred = x - np.array([5.0, 5.0, 5.0])
    rho = np.linalg.norm(centred[:, :2], axis=1)
    phi = np.arctan2(centred[:, 1], centred[:, 0])
    bowl = 0.5 * stiffness * ((rho - radius) ** 2 + centred[:, 2] ** 2)
    energy = bowl + 0.5 * height * (1 - np.cos(2 * phi))
    outward = np.column_stack([np.cos(phi), np.sin(phi), np.zeros_like(phi)])
    around = np.column_stack([-np.sin(phi), np.cos(phi), np.zeros_like(phi)])
    gradient = stiffness * (rho - radius)[:, None] * outward
    gradient += (height * np.sin(2 * phi) / np.maximum(rho, 0.1))[:, None] * around
    gradient[:, 2] += stiffness * centred[:, 2]
    return float(energy.sum()), gradient


def single(position, value, cell):
    return Atoms("Li", [position], cell=cell, pbc=True, calculator=Surface(value))


def band_of(first, second, value, cell, images=7, tolerance=0.005):
    start, end = single(first, value, cell), single(second, value, cell)
    return bands.nudged_band(start, end, 0, images, tolerance)


def test_the_barrier_of_a_corrugated_channel_is_exact():
    found = band_of([0.0, 0, 0], [4.0, 0, 0], corrugated, np.diag([20.0, 20, 20]))
    assert found.converged
    assert found.energies.max() == pytest.approx(0.37, abs=1e-3)
    assert found.energies[-1] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("images", [4, 5])
def test_the_climbing_image_finds_the_saddle_between_images(images):
    found = band_of([0.0, 0, 0], [4.0, 0, 0], corrugated, np.diag([20.0, 20, 20]), images)
    assert found.energies.max() == pytest.approx(0.37, abs=1e-3)


def test_a_path_through_the_face_of_a_skewed_cell_takes_the_short_way():
    cell = np.array([[12.0, 0, 0], [0, 11.0, 0], [-4.0, 0, 11.0]])
    found = band_of([11.9 - 11.9, 0, 0], np.array([8.0, 0, 0]), corrugated, cell, 5)
    x = np.array([image.positions[0, 0] for image in found.images])
    assert x[-1] == pytest.approx(-4.0) and (np.diff(x) < 0).all()
    assert found.energies.max() == pytest.approx(0.37, abs=1e-3)


def test_the_band_bends_round_a_hill_that_the_straight_line_crosses():
    found = band_of([7.0, 5, 5], [3.0, 5, 5], ring, np.diag([10.0, 10, 10]), 7)
    assert found.converged
    assert found.energies.max() == pytest.approx(0.25, abs=1e-3)
    saddle = found.images[int(found.energies.argmax())].positions[0]
    assert np.abs(saddle[1] - 5) == pytest.approx(2.0, abs=0.02)


def test_first_guesses_keep_the_ends_and_neighbours_apart():
    cell = np.diag([9.0, 9.0, 9.0])
    first = np.array([[0.2, 4, 4], [-1.6, 4, 4.0], [4.5, 6, 4], [4.5, 2, 4]])
    second = first.copy()
    second[0, 0] = 8.8 - 9 + 9  # the same as -0.2, through the face
    second[0, 0] -= 2.8
    guesses = interpolation.first_guesses(first, second, cell, 0, 5)
    assert len(guesses) == 5
    for path in guesses:
        np.testing.assert_allclose(path[0], first)
        np.testing.assert_allclose(minimum_image(path[-1] - second, cell), 0, atol=1e-9)
    closest = [
        min(np.linalg.norm(minimum_image(x[0] - x[1], cell)) for x in path)
        for path in (interpolation.straight_path(first, second, cell, 5), guesses[0])
    ]
    assert closest[1] > closest[0] + 0.3


def crystal(material, fill):
    """Return a 2x1x2 supercell whose sites with fractional coordinates in ``fill`` hold ions."""
    repeat = (2, 1, 2)
    fractional, letters = cation_lattice(material, repeat)
    species = np.array([""] * len(letters), dtype="U2")
    species[np.flatnonzero(letters == "2a")[:4]] = "Ti"
    for parts in fill:
        away = np.abs(fractional - np.array(parts)).max(axis=1)
        assert away.min() < 0.01
        species[int(away.argmin())] = "Li"
    atoms = assemble(material, repeat, species)
    lattice = sites.site_lattice(material, np.asarray(atoms.cell[:]))
    return atoms, lattice, paths.occupation(lattice, atoms, ["Li", "Ti"])


def wells(lattice, missing=()):
    """Return a calculator whose cations lie in wells on the sites, and whose anions are tied."""
    keep = np.setdiff1d(np.arange(len(lattice.centres)), missing)
    centres, cell = lattice.centres[keep], lattice.cell

    class Wells(Calculator):
        implemented_properties = ("energy", "free_energy", "forces")
        home = None

        def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
            super().calculate(atoms, properties, system_changes)
            if self.home is None:
                Wells.home = atoms.positions.copy()
            cation = np.array([s != "Cl" for s in atoms.get_chemical_symbols()])
            forces = np.where(cation[:, None], 0.0, self.home - atoms.positions)
            energy = 0.5 * (forces**2).sum()
            apart = minimum_image(atoms.positions[cation][:, None] - centres, cell)
            depth = np.exp(-(apart**2).sum(axis=2) / (2 * 1.2**2))
            forces[cation] = -(depth[..., None] * apart).sum(axis=1) / 1.2**2
            energy -= depth.sum()
            self.results = {"energy": energy, "free_energy": energy, "forces": forces}

    return Wells()


def wanted(direction):
    return WantedJump(direction, "direction", direction)


def test_candidates_lie_along_the_direction_and_lead_to_empty_sites(material):
    atoms, lattice, taken = crystal(material, [(0, 0.17, 0.5), (0, 0.5, 0.5)])
    assert len(taken) == 6
    for direction in ("[110]", "[101]", "[010]", "[100]"):
        found = paths.candidates(lattice, atoms, taken, "Li", wanted(direction))
        assert found
        for jump in found:
            assert jump.second not in taken.values()
            assert atoms.symbols[jump.atom] == "Li"
            assert symmetry.direction_name(jump.vector, lattice.conventional) == direction
    lengths = [np.linalg.norm(j.vector) for j in found]
    assert lengths[0] == pytest.approx(6.35) and lengths == sorted(lengths)


def test_only_the_sites_asked_for_are_followed(material):
    atoms, lattice, taken = crystal(material, [(0, 0.17, 0.5), (0, 0.5, 0.5)])
    want = WantedJump("hop", "hop", "[110]", "2d", "4h")
    found = paths.candidates(lattice, atoms, taken, "Li", want)
    assert found and {lattice.letters[j.first] for j in found} == {"2d"}


def test_a_jump_between_wells_has_their_barrier(material):
    atoms, lattice, taken = crystal(material, [(0, 0.17, 0.5)])
    atoms.calc = wells(lattice)
    jumps = paths.candidates(lattice, atoms, taken, "Li", wanted("[010]"))
    jump, band = barriers.follow(atoms, lattice, taken, jumps, 3, 0.01)
    _, again = barriers.follow(atoms, lattice, taken, jumps, 3, 0.01)
    np.testing.assert_array_equal(band.energies, again.energies)
    x = np.linspace(0, 1, 401)[:, None] * jump.vector + lattice.centres[jump.first]
    depth = [np.exp(-(minimum_image(p - lattice.centres, lattice.cell) ** 2).sum(axis=1)
                    / (2 * 1.2**2)).sum() for p in x]
    assert band.converged and band.doubts == []
    assert band.energies.max() <= max(depth) - min(depth) + 1e-3
    rows = barriers.barrier_rows("[010]", "direction", jump, band, lattice)
    assert [row["image"] for row in rows] == list(range(5))
    assert rows[0]["from_site"] == "4h" and rows[-1]["coordinate_angstrom"] > 3.5
    assert rows[0]["barrier_ev"] == max(row["energy_ev"] for row in rows) > 0.05


def test_a_survey_follows_other_ions_of_a_direction_and_says_where_there_are_none(material):
    fill = [(0, 0.17, 0.5), (1, 0.17, 1.5)]
    atoms, lattice, taken = crystal(material, fill)
    atoms.calc = wells(lattice)
    kinds = [wanted("[010]"), WantedJump("nowhere", "hop", "[010]", "2d", "2d")]
    shown = []
    rows, verdicts = barriers.all_barriers(atoms, lattice, taken, "Li", kinds, 1, 0.05, 3, shown)
    assert [row["path"] for row in rows] == ["[010]"] * 3 + ["[010] 2"] * 3
    assert [v["check"] for v in verdicts] == ["path [010]", "path [010] 2", "path nowhere"]
    assert "No ion has an empty site" in verdicts[-1]["message"]
    movers = [(r["path"], r["image"]) for r in shown if r["moves"]]
    assert movers == [(row["path"], row["image"]) for row in rows]
    first = [r for r in shown if r["path"] == "[010]" and r["moves"]]
    ends = np.array([[r[f"{n}_angstrom"] for n in "xyz"] for r in (first[0], first[-1])])
    assert np.linalg.norm(ends[1] - ends[0]) == pytest.approx(rows[0]["distance_angstrom"])
    around = np.array([[r[f"{n}_angstrom"] for n in "xyz"] for r in shown
                       if r["path"] == "[010]" and r["image"] == 0])
    away = np.min([np.linalg.norm(around - [r[f"{n}_angstrom"] for n in "xyz"], axis=1)
                   for r in first], axis=0)
    assert away.max() < barriers.SHOWN + 0.5
    one, two = rows[0]["barrier_ev"], rows[-1]["barrier_ev"]
    assert one == pytest.approx(two, abs=2e-3) and one > 0


def test_an_end_that_falls_back_is_not_followed(material):
    atoms, lattice, taken = crystal(material, [(0, 0.17, 0.5)])
    jump = paths.candidates(lattice, atoms, taken, "Li", wanted("[010]"))[0]
    near = np.linalg.norm(sites.shortest(lattice, jump.second, np.arange(48)), axis=1)
    missing = np.setdiff1d(np.flatnonzero(near < 4.2), list(taken.values()))
    atoms.calc = wells(lattice, missing)
    _, doubts = barriers.ends(atoms, jump, lattice, taken, 0.01)
    assert doubts == ["ends_merge"]
    assert barriers.follow(atoms, lattice, taken, [jump], 3, 0.01) is None
    row = barriers.verdict("[010]", None, 1, 0.05)
    assert not row["passed"] and "fell back" in row["message"]


def test_an_end_that_moves_other_ions_says_so(material):
    atoms, lattice, taken = crystal(material, [(0, 0.17, 0.5), (0, 0.83, 0.5)])
    jump = paths.candidates(lattice, atoms, taken, "Li", wanted("[010]"))[0]
    other = next(s for a, s in taken.items() if lattice.letters[s] == "4h" and a != jump.atom)
    atoms.calc = wells(lattice, [other])
    _, doubts = barriers.ends(atoms, jump, lattice, taken, 0.01)
    assert doubts == ["others_moved"]


def straight_band(lattice, jump, atoms, energies):
    images = []
    for part in np.linspace(0, 1, len(energies)):
        image = atoms.copy()
        image.positions[jump.atom] = lattice.centres[jump.first] + part * jump.vector
        images.append(image)
    return Band(images, np.array(energies), 0.01, True)


def test_a_band_through_another_ion_or_site_or_dip_is_doubted(material):
    atoms, lattice, taken = crystal(material, [(0, 0.17, 0.5), (0, 0.5, 0.5)])
    ion = next(a for a, s in taken.items() if lattice.letters[s] == "4h")
    first = taken[ion]
    ideal = lattice.fractional
    over = int(np.abs(ideal - [0, 0.83, 0.5]).max(axis=1).argmin())
    vector = (ideal[over] - ideal[first]) @ lattice.conventional
    jump = Jump(ion, first, over, vector, "[010]")
    hill = straight_band(lattice, jump, atoms, [0, 0.2, 0.4, 0.2, 0.1])
    assert barriers.doubts_of(hill, jump, lattice, taken) == ["through_occupied"]
    blocker = next(a for a, s in taken.items() if lattice.letters[s] == "2d")
    free = {a: s for a, s in taken.items() if a != blocker}
    slope = straight_band(lattice, jump, atoms, [0, 0.2, 0.4, 0.5, 0.6])
    assert barriers.doubts_of(slope, jump, lattice, free) == ["via_vacancy", "no_barrier"]
    dip = straight_band(lattice, jump, atoms, [0, 0.3, -0.1, 0.3, 0.0])
    assert barriers.doubts_of(dip, jump, lattice, free) == ["via_vacancy", "intermediate_minimum"]
    rest = straight_band(lattice, jump, atoms, [0, 0.3, 0.1, 0.3, 0.0])
    assert barriers.doubts_of(rest, jump, lattice, free) == ["via_vacancy"]


def test_verdicts_say_what_was_found():
    assert "No ion has an empty site" in barriers.verdict("[100]", None, 0, 0.05)["message"]
    band = Band([], np.array([0.0, 0.31, 0.1]), 0.08, False, ["via_vacancy"])
    jump = Jump(0, 0, 1, np.zeros(3), "[110]")
    row = barriers.verdict("[110]", (jump, band), 3, 0.05)
    assert not row["passed"] and "0.310 eV" in row["message"]
    assert "not converged" in row["message"] and "via vacancy" in row["message"]
    clean = Band([], np.array([0.0, 0.31, 0.1]), 0.04, True, [])
    assert barriers.verdict("[110]", (jump, clean), 3, 0.05)["passed"]


def test_the_commonest_hops_are_followed_too(material, tmp_path):
    run = {"material": "m", "u_ev": 0.0, "temperature_k": 300.0, "replica": 0, "seed": 1,
           "species": "Li", "kind": "intra_layer", "rate_per_ion_per_ns": 0.0,
           "rate_low_95": 0.0, "rate_high_95": 1.0, "duration_ps": 1.0}
    rows = [{**run, "from_site": a, "to_site": b, "direction": d, "count": n}
            for a, b, d, n in (("4h", "2d", "[110]", 3), ("4h", "4h", "[010]", 5),
                               ("2d", "4h", "[110]", 3), ("4g", "4g", "[010]", 0))]
    table = tables.write(HOPS, rows, tmp_path / "a.hops.parquet")
    found = paths.directions_wanted("[1-10]", [str(table), str(table)], 3, material)
    assert [(w.name, w.origin, w.direction) for w in found] == [
        ("[1-10]", "direction", "[110]"), ("4h-4h [010]", "hop", "[010]"),
        ("2d-4h [110]", "hop", "[110]"), ("4h-2d [110]", "hop", "[110]")]


def test_equal_directions_are_followed_once_and_multiples_have_their_name(material, caplog):
    with caplog.at_level(logging.INFO, logger="haven"):
        found = paths.directions_wanted("[1-10],[110],[-110],[200],[100],[310]", [], 0, material)
    assert [(w.name, w.direction) for w in found] == [("[1-10]", "[110]"), ("[200]", "[100]")]
    assert "[110] is the same kind of jump as [1-10]: followed once" in caplog.text
    assert "jumps along [200] are called [100]" in caplog.text
    for text in ("[000]", "[410]"):
        with pytest.raises(HavenError, match="is no direction of a jump"):
            paths.parse_directions(text)


def test_ends_that_could_not_be_relaxed_make_every_barrier_doubtful(material, monkeypatch):
    atoms, lattice, taken = crystal(material, [(0, 0.17, 0.5)])
    atoms.calc = wells(lattice)
    atoms.rattle(0.05, seed=1)
    monkeypatch.setattr(barriers, "relax_end", lambda *_: False)
    rows, verdicts = barriers.all_barriers(atoms, lattice, taken, "Li", [wanted("[010]")], 1, 1e-3)
    assert rows[0]["flag"].startswith("start_not_relaxed+end_not_relaxed")
    assert not verdicts[0]["passed"] and "start not relaxed" in verdicts[0]["message"]


@pytest.mark.parametrize("text", ["", "110", "[110", "[110],x", "[11]"])
def test_directions_that_cannot_be_read_are_refused(text):
    with pytest.raises(HavenError, match="can't be read"):
        paths.parse_directions(text)


def test_two_ions_on_one_site_leave_one_out(material, caplog):
    atoms, lattice, taken = crystal(material, [(0, 0.17, 0.5), (0, 0.5, 0.5)])
    rows = sorted(a for a in taken if atoms.symbols[a] == "Li")
    atoms.positions[rows[1]] = atoms.positions[rows[0]] + 0.3
    found = paths.occupation(lattice, atoms, ["Li", "Ti"])
    assert len(found) == 5 and "shares site" in caplog.text


def test_wrong_input_is_named(material, repository, tmp_path):
    atoms, _, _ = crystal(material, [(0, 0.17, 0.5)])
    write(tmp_path / "good.extxyz", atoms)
    other = atoms.copy()
    other.symbols[other.symbols == "Cl"] = "Br"
    write(tmp_path / "bromide.extxyz", other)
    (tmp_path / "cut.extxyz").write_text(Path(tmp_path / "good.extxyz").read_text()[:300])
    yml = str(repository / "assets/materials/li3ticl6.yml")
    for name, words in (("bromide.extxyz", "has no Cl|Br is not of the material"),
                        ("cut.extxyz", "cannot be read|can't be read"),
                        ("absent.extxyz", "does not exist"), ("good.extxyz", "potential .* exist")):
        with pytest.raises(HavenError, match=words):
            main(["--material", yml, "--structure", str(tmp_path / name), "--potential",
                  str(tmp_path / "absent.pb"), "--u_ev", "0", "--out", str(tmp_path)])
