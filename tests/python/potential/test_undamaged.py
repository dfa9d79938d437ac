"""A potential is used only if it has the checksum that was written with it."""

from __future__ import annotations

import json
import shutil

import pytest
from pairs import write_pair
from trained import ROOT

from haven.core.errors import HavenError
from haven.core.reading import checksums
from haven.potential.families import (
    calculator,
    check_ensemble,
    check_potential,
    check_undamaged,
    open_evaluator,
)

SPECIES = ("Li", "Ti", "Cl")
SMALL = ROOT / "assets" / "models" / "small"


def flip(path, place):
    content = bytearray(path.read_bytes())
    content[place * (len(content) - 1) // 100] ^= 4
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("beside", ["u4_s1.potential.json", "SHA256SUMS"])
@pytest.mark.parametrize("place", [1, 50, 99])
def test_a_flipped_bit_of_a_potential_is_refused(tmp_path, beside, place):
    for name in ("u4_s1.pb", beside):
        shutil.copy(SMALL / name, tmp_path)
    path = tmp_path / "u4_s1.pb"
    check_potential(path, SPECIES)
    flip(path, place)
    with pytest.raises(HavenError, match=r"does not fit to .* checksum"):
        check_potential(path, SPECIES)
    link = tmp_path / "task" / "u4_s1.pb"
    link.parent.mkdir()
    link.symlink_to(path)  # as the pipeline hands it to a task
    for use in (lambda: check_ensemble([link], SPECIES, 4), lambda: open_evaluator(link, SPECIES),
                lambda: check_undamaged(link)):
        with pytest.raises(HavenError, match=r"does not fit to .* checksum"):
            use()


def test_a_pair_potential_is_held_against_its_list(tmp_path):
    path = write_pair(tmp_path)
    checksums.add_sums(tmp_path, [path.name])
    check_potential(path, SPECIES)
    path.write_text(path.read_text().replace("0.22", "0.23"))
    with pytest.raises(HavenError, match="does not fit to its checksum"):
        check_potential(path, SPECIES)
    from ase import Atoms

    with pytest.raises(HavenError, match="does not fit to its checksum"):
        calculator(path, Atoms("Li", cell=[9, 9, 9], pbc=True))


@pytest.mark.parametrize("about", ["no json", "[]", "3", "null"])
def test_a_damaged_description_is_one_line(tmp_path, about):
    shutil.copy(SMALL / "u4_s1.pb", tmp_path)
    (tmp_path / "u4_s1.potential.json").write_text(about)
    with pytest.raises(HavenError, match=r"u4_s1.potential.json is damaged"):
        check_potential(tmp_path / "u4_s1.pb", SPECIES)


def test_weights_have_a_checksum_of_their_own(tmp_path):
    weights = tmp_path / "u4_s1.pt"
    weights.write_bytes(b"1" * 2000)
    from haven.core.identity import sha256

    (tmp_path / "u4_s1.potential.json").write_text(json.dumps(
        {"potential": "u4_s1.pt2", "sha256": "0" * 64, "weights_sha256": sha256(weights)}))
    check_undamaged(weights)
    weights.write_bytes(b"1" * 1999 + b"2")
    with pytest.raises(HavenError, match="does not fit to the checksum"):
        check_undamaged(weights)
