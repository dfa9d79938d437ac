"""Units that a frame's header states, and virials: converted to ASE's units, or refused.

A header such as ``energy-unit=Hartree`` or ``stress-unit=GPa`` is honoured; a unit that is not
known is refused. ``virial`` and ``virials`` (GAP, GPUMD, dpdata) become a stress.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from haven.core.constants import BOHR_ANGSTROM, EV_PER_ANGSTROM3_GPA, HARTREE_EV
from haven.core.errors import HavenError, log
from haven.labels.frames.reference_keys import KEY

if TYPE_CHECKING:
    from ase import Atoms

ENERGY_EV = {"ev": 1.0, "mev": 1e-3, "kev": 1e3, "hartree": HARTREE_EV, "ha": HARTREE_EV,
             "eh": HARTREE_EV, "au": HARTREE_EV, "a.u.": HARTREE_EV, "rydberg": HARTREE_EV / 2,
             "ry": HARTREE_EV / 2, "kcal/mol": 0.043364104, "kj/mol": 0.010364270}
LENGTH_ANGSTROM = {"angstrom": 1.0, "ang": 1.0, "a": 1.0, "å": 1.0, "bohr": BOHR_ANGSTROM,
                   "a0": BOHR_ANGSTROM, "au": BOHR_ANGSTROM, "nm": 10.0}
PRESSURE_EV_PER_ANGSTROM3 = {"gpa": 1 / EV_PER_ANGSTROM3_GPA, "mpa": 1e-3 / EV_PER_ANGSTROM3_GPA,
                             "kbar": 0.1 / EV_PER_ANGSTROM3_GPA, "kb": 0.1 / EV_PER_ANGSTROM3_GPA,
                             "bar": 1e-4 / EV_PER_ANGSTROM3_GPA, "pa": 1e-9 / EV_PER_ANGSTROM3_GPA}
UNIT = re.compile(r"^(energy|energies|force|forces|stress|stresses|virial|virials|length|lengths"
                  r"|position|positions|pos|distance)[-_ ]?units?$", re.IGNORECASE)
OTHER_LABELS = ("force", "virial", "virials")  # beside those by names of training codes
SAME_STRESS = 1e-4  # eV/Angstrom^3, about 0.02 GPa: how far virial and stress of a frame may differ


def _factor(unit: str, power: int) -> float | None:
    """Return the factor to eV/Angstrom^power of a unit, None if it is not known."""
    word = str(unit).strip().lower().replace(" ", "").replace("**", "^").replace("å", "angstrom")
    if power == 3 and word in PRESSURE_EV_PER_ANGSTROM3:
        return PRESSURE_EV_PER_ANGSTROM3[word]
    if power == 0:
        return ENERGY_EV.get(word)
    energy, _, length = word.rpartition("/")
    if power == 3:
        length, _, cube = length.partition("^")
        if cube != "3" and not length.endswith("3"):
            return None
        length = length.removesuffix("3")
    if energy not in ENERGY_EV or length not in LENGTH_ANGSTROM:
        return None
    return ENERGY_EV[energy] / LENGTH_ANGSTROM[length] ** power


def in_ase_units(atoms: Atoms, results: dict[str, Any], where: str) -> dict[str, Any]:
    """Return the results of a frame in eV and Angstrom, with a stress made of its virial.

    Parameters
    ----------
    atoms
        The frame; units are said by entries of its header such as ``stress-unit``.
    results
        ``energy``, ``forces``, ``stress`` as they were read.
    where
        File and frame, for messages.

    Raises
    ------
    HavenError
        If a unit is not known, lengths are in another unit than Angstrom, or virial and stress of
        the frame contradict each other.
    """
    found = dict(results)
    units: dict[str, str] = {}
    for key, value in atoms.info.items():
        if match := UNIT.match(str(key)):
            units[match.group(1).lower()] = str(value)
    virial_factor = 1.0
    for what, unit in units.items():
        name = {"energies": "energy", "force": "forces", "stresses": "stress",
                "virials": "virial"}.get(what, what)
        power = {"energy": 0, "forces": 1, "stress": 3, "virial": 0}.get(name)
        if power is None:
            word = unit.strip().lower().replace("å", "angstrom")
            if LENGTH_ANGSTROM.get(word) != 1.0:
                raise HavenError(f"{where}: lengths are in {unit}: convert cell and positions to "
                                 "Angstrom")
            continue
        factor = _factor(unit, power)
        if factor is None:
            kind = ("eV", "eV/Angstrom", "", "eV/Angstrom^3 or GPa")[power]
            raise HavenError(f"{where}: the unit of {name} is {unit}, which is not known: convert "
                             f"to {kind}")
        for key in {"energy": ("energy", "free_energy"), "forces": ("forces",),
                    "stress": ("stress",), "virial": ()}[name]:
            if found.get(key) is not None:
                found[key] = factor * np.asarray(found[key], float)
        virial_factor = factor if name == "virial" else virial_factor
    return _with_virial(atoms, found, virial_factor, where)


def without_labels(atoms: Atoms) -> Atoms:
    """Return a copy of a frame without what its header and arrays say of labels and their units.

    It is for labels that are in ASE's units: an entry such as ``energy_unit`` would convert them
    once more, and ``REF_energy`` or ``virial`` in another unit contradict them.
    """
    bare = atoms.copy()
    for entries in (bare.info, bare.arrays):
        for name in map(str, list(entries)):
            if UNIT.match(name) or KEY.fullmatch(name) or name in OTHER_LABELS:
                del entries[name]
    return bare


def _with_virial(
    atoms: Atoms, found: dict[str, Any], factor: float, where: str
) -> dict[str, Any]:
    """Return the results with the stress that a header's virial says: minus virial over volume."""
    for key in ("virial", "virials"):
        if key in atoms.arrays:
            log.warning("%s: %s of single atoms are no label of the cell and are left out", where,
                        key)
        if key not in atoms.info:
            continue
        try:
            virial = factor * np.asarray(atoms.info[key], float)
            virial = _matrix(virial)
        except (TypeError, ValueError) as error:
            raise HavenError(f"{where}: {key} has no nine numbers in eV: write the whole matrix, "
                             "or leave it out") from error
        volume = abs(float(np.linalg.det(atoms.cell.array)))
        if volume < 1e-6:
            raise HavenError(f"{where}: the cell is missing or flat")
        stress = -virial / volume
        if found.get("stress") is not None:
            given = _matrix(np.asarray(found["stress"], float))
            if np.abs(given - stress).max() > max(SAME_STRESS, 0.02 * np.abs(stress).max()):
                raise HavenError(f"{where}: {key} and stress contradict each other (stress must be "
                                 f"-{key}/volume in eV/Angstrom^3): keep the right one")
        found["stress"] = stress
    return found


def _matrix(values: np.ndarray) -> np.ndarray:
    """Return a tensor given as nine, (3, 3) or six numbers (xx, yy, zz, yz, xz, xy) as (3, 3)."""
    if values.size == 6:
        xx, yy, zz, yz, xz, xy = values.ravel()
        return np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
    return values.reshape(3, 3)
