"""The audit of labels: spin, moments, energies of atoms in motion, and isolated atoms."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from analytic import IonicPairs, crystal, labelled
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.optimize import BFGS

from haven.labels.audit import Limits, audit
from haven.labels.frames.reading import LabelledFrame, check_frames

SPECIES = ("Li", "Ti", "Cl", "Zr")


def read(images, name="x") -> list[LabelledFrame]:
    return check_frames(images, Path(f"{name}.u4.extxyz"), 4.0, SPECIES)


def changed(
    frame: LabelledFrame, moments: Any = None, metal: Any = "Ti", **info: Any
) -> LabelledFrame:
    """Return a frame with moments of its two metal atoms, or none, and entries of its header."""
    atoms = frame.atoms.copy()
    place = atoms.symbols == "Ti"
    if moments is not None:
        moments = np.where(place, np.resize(moments, 2 * len(atoms))[np.cumsum(place) - 1], 0.0)
    atoms.symbols[place] = metal
    kept = {key: value for key, value in frame.info.items() if key != "magmom"}
    return replace(frame, atoms=atoms, moments=moments, info={**kept, **info})


HAS, LACKS = {"moments": (1.0, 1.0)}, {"moments": None}
CLOSED = {"metal": "Zr"}
NONE, MANY = "no magnetic moments, the others have", "magnetic moments, most others have none"
FOREIGN = {"origin": "imported", "engine": "imported"}


@pytest.mark.parametrize(("most", "rare", "reason"), [
    (HAS, {**LACKS, "spin": 1}, "spin 1, usual 2"),
    ({**LACKS, "spin": 2}, {**LACKS, "spin": 1}, "spin 1, usual 2"),
    ({**LACKS, "spin": 1}, {**LACKS, "spin": 2.0, "magmom": 0.0}, "spin 2, usual 1"),
    ({**LACKS, "spin": 1}, HAS, "spin 2, usual 1"),
    (HAS, LACKS, NONE), (LACKS, HAS, MANY), ({**LACKS, "magmom": 2.0}, LACKS, NONE),
    ({**HAS, **FOREIGN}, {**LACKS, **FOREIGN}, NONE),
    (HAS, HAS, ""), (LACKS, LACKS, ""), (HAS, {**HAS, "spin": 2}, ""),
    (HAS, {**LACKS, "magmom": 2.0}, ""),
    ({**LACKS, **CLOSED, "spin": 2}, {**LACKS, **CLOSED, "spin": 1}, ""),
    ({"moments": (0.0, 0.0), "spin": 2}, {**LACKS, "spin": 1}, ""),
    ({"moments": (0.0, 0.0)}, LACKS, ""), (HAS, {**HAS, "magmom": "none"}, "")])
def test_labels_that_are_not_spin_polarised_are_not_mixed_with_those_that_are(most, rare, reason):
    frames = [changed(frame, **(rare if number in (2, 5) else most))
              for number, frame in enumerate(read(labelled(1, 10)))]
    expected = f"other settings: {reason}" if reason else ""
    assert audit(frames, Limits()) == [expected if n in (2, 5) else "" for n in range(10)]


def test_a_file_whose_format_may_hold_no_moments_is_kept_and_logged(caplog):
    own = [changed(frame, **HAS) for frame in read(labelled(1, 6))]
    given = [changed(frame, None, **FOREIGN) for frame in read(labelled(2, 9), "given")]
    assert not any(audit([*own, *given], Limits()))
    assert "9 of 15 frames tell neither magnetic moments nor" in caplog.text
    assert "given.u4.extxyz, frame 0" in caplog.text
    later = [changed(frame, **LACKS) for frame in read(labelled(3, 2), "later")]  # Haven's own
    assert audit([*own, *given, *later], Limits())[15:] == [f"other settings: {NONE}"] * 2


@pytest.mark.parametrize(("number", "wrong"), [
    (12, (3.1, 3.1)), (12, (3.9, 3.9)), (12, (3.1, 1.0)), (12, (3.5, 0.5)), (6, (3.1, 1.0)),
    (6, (0.0, 0.0))])
def test_an_element_may_have_several_usual_moments(number, wrong):
    """Mn4+ and Mn3+ in one crystal; the count of each is that of the composition."""
    rng = np.random.default_rng(0)
    frames = [changed(frame, np.array([3.1, 3.9]) + 0.02 * rng.normal(size=2))
              for frame in read(labelled(1, number))]
    first = frames[0]
    large = changed(replace(first, atoms=first.atoms.repeat((2, 1, 1)), energy=2 * first.energy,
                            forces=np.tile(first.forces, (2, 1))), (3.1, 3.9))
    assert not any(audit([*frames, large], Limits()))
    reasons = audit([changed(frames[0], wrong), *frames[1:]], Limits())
    assert reasons[0].startswith("magnetic branch: a metal moment is ") and not any(reasons[1:])


def of_atoms(atoms: Atoms, number: int) -> Atoms:
    """Return an image with its energy, forces and stress, without moments."""
    image = Atoms(atoms.symbols, atoms.positions, cell=atoms.cell, pbc=True)
    atoms.calc = IonicPairs()
    image.calc = SinglePointCalculator(
        image, **{name: atoms.calc.get_property(name, atoms)
                  for name in ("energy", "forces", "stress")})
    image.info = {"trajectory": "run", "frame": number}
    return image


@cache
def at_rest_and_in_motion() -> tuple[list[LabelledFrame], float]:
    """Return 30 frames of one atom displaced and 12 of all, and how far those lie above, eV."""
    start = crystal(0)
    start.calc = IonicPairs()
    BFGS(start, logfile=None).run(fmax=0.01, steps=300)
    rng, images = np.random.default_rng(0), []
    for number in range(42):
        atoms = start.copy()
        if number < 30:
            atoms.positions[number % 20, number // 20] += 0.01
        else:
            atoms.positions += rng.normal(0, 0.15, (20, 3))
        images.append(of_atoms(atoms, number))
    frames = read(images)
    above = [frame.energy - frames[0].energy for frame in frames[30:]]
    return frames, float(np.mean(above)) / 20


def test_atoms_in_motion_beside_many_at_rest_are_no_outliers():
    frames, above = at_rest_and_in_motion()
    assert 0.05 < above < 0.2  # eV an atom: 400 to 1500 K
    assert not any(audit(frames, Limits()))


@pytest.mark.parametrize("more", [-0.15, 0.25, 0.5, 3.0])
def test_an_energy_that_forces_do_not_account_for_is_an_outlier(more):
    frames, _ = at_rest_and_in_motion()
    for place in (3, 35):
        spoilt = [replace(frame, energy=frame.energy + 20 * more) if number == place else frame
                  for number, frame in enumerate(frames)]
        reasons = audit(spoilt, Limits())
        assert [number for number, reason in enumerate(reasons) if reason] == [place]
        assert reasons[place].startswith("energy outlier: ")


def alone(symbols: str, cell: float, **info) -> Atoms:
    atoms = Atoms(symbols, [[0, 0, 2.0 * i] for i in range(len(Atoms(symbols)))], cell=[cell] * 3,
                  pbc=True)
    atoms.calc = SinglePointCalculator(atoms, energy=-0.3, forces=np.zeros((len(atoms), 3)))
    atoms.info = {"config_type": "Default", **info, "trajectory": symbols}
    return atoms


@pytest.mark.parametrize(("symbols", "cell", "config", "reason"), [
    ("Li", 15.0, "IsolatedAtom", "config_type IsolatedAtom"),
    ("Li", 15.0, "isolated_atom", "config_type isolated_atom"),
    ("Ti", 15.0, "Default", r"3\.\d+e\+03 Angstrom\^3 an atom, usual 2\d"),
    ("Cl2", 12.0, "dimer", r"8\d\d Angstrom\^3 an atom"), ("Li", 2.8, "bcc", "")])
@pytest.mark.parametrize("crystals", [3, 9])
def test_isolated_atoms_are_no_labels_of_a_crystal(symbols, cell, config, reason, crystals):
    """They are also more than the crystals; Li at the density of its metal is none of them."""
    images = [alone(symbols, cell + 0.01 * number, config_type=config) for number in range(5)]
    found = audit([*read(labelled(1, crystals)), *read(images, "alone")], Limits())
    assert not any(found[:crystals])
    assert all(re.match(f"isolated atoms: {reason}", one) if reason else not one
               for one in found[crystals:])
