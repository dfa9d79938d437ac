"""Files of structures and of labelled frames are read at one door, and damage is refused there."""

from __future__ import annotations

import hashlib

import pytest
from ase import Atoms
from ase.io import read, write

from haven.core.errors import HavenError
from haven.core.reading.images import read_images
from haven.material.structures import read_structure, read_structures

SPECIES = ("Li", "Cl")


def salt(step: float = 0.0) -> Atoms:
    return Atoms("LiCl", [[0, 0, 0], [2.5 + step, 0, 0]], cell=[5, 5, 5], pbc=True)


@pytest.fixture
def path(tmp_path):
    write(tmp_path / "cell.extxyz", [salt(), salt(0.1)])
    return tmp_path / "cell.extxyz"


DAMAGE = {
    "cut in its last number": (lambda text: text[:-3], "is cut off"),
    "cut in the middle": (lambda text: text[: len(text) * 3 // 4] + "\n", "frame 1"),
    "a line lost": (lambda text: "\n".join(text.splitlines()[:-1]) + "\n", "cut off in frame 1"),
    "a column too many": (lambda text: text.replace("Li ", "Li 7 ", 1), "columns where 4 are due"),
    "a number that is none": (lambda text: text.replace("2.5", "2_5", 1), "is no plain number"),
    "an entry twice": (lambda text: text.replace("pbc=", 'pbc="F F F" pbc=', 1), "stands twice"),
    "a count that is none": (lambda text: "x" + text, "has its number of atoms"),
    "nothing": (lambda _: "", "holds no frame"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_structure_is_refused_as_damaged_labels_are(path, kind):
    damage, words = DAMAGE[kind]
    path.write_text(damage(path.read_text()))
    for reader in (lambda: read_images(path, "labelled frames"),
                   lambda: read_structures(path, SPECIES), lambda: read_structure(path, SPECIES)):
        with pytest.raises(HavenError, match=words) as caught:
            reader()
        assert "\n" not in str(caught.value) and "cell.extxyz" in str(caught.value)


def test_a_structure_that_changed_since_its_checksum_was_written_is_refused(path):
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    (path.parent / "SHA256SUMS").write_text(f"{digest}  {path.name}\n")
    assert len(read_structures(path, SPECIES)) == 2
    path.write_text(path.read_text().replace("2.6", "2.7"))
    with pytest.raises(HavenError, match="checksum"):
        read_structure(path, SPECIES)


@pytest.mark.parametrize("name", ["POSCAR", "cell.cif", "cell.traj", "cell.xyz", "in@3.extxyz"])
def test_structures_of_any_format_are_read_and_the_last_is_taken(tmp_path, name):
    several = name.endswith(("traj", "xyz"))
    write(tmp_path / name, [salt(), salt(0.1)] if several else salt(0.1),
          **({"format": "extxyz"} if name.endswith("xyz") else {}))
    found = read_structure(tmp_path / name, SPECIES)
    assert found.get_distance(0, 1, mic=True) == pytest.approx(2.4)
    assert len(read_structures(tmp_path / name, SPECIES)) == (2 if several else 1)
    if not several:
        assert len(found) == len(read(tmp_path / name))


@pytest.mark.parametrize(("text", "words"), [
    ("no structure at all\n", "cannot be read, cut off, damaged or of no known format"),
    ("", "cannot be read|holds no frame"),
])
def test_what_is_no_structure_ends_in_one_line(tmp_path, text, words):
    (tmp_path / "thing.dat").write_text(text)
    with pytest.raises(HavenError, match=words) as caught:
        read_structure(tmp_path / "thing.dat", SPECIES)
    assert "\n" not in str(caught.value)
    with pytest.raises(HavenError, match="does not exist"):
        read_structure(tmp_path / "nothing.extxyz", SPECIES)
    with pytest.raises(HavenError, match="is a folder"):
        read_structure(tmp_path, SPECIES)
