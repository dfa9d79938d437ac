"""Labels under the names that training codes give them: ``REF_energy``, ``dft_forces``, ``force``.

MACE reads ``REF_energy``, ``REF_forces``, ``REF_stress``; GAP's and others' sets have ``dft_`` or
``QM_`` in front; GPUMD's and QUIP's have ``force``. All are in eV and Angstrom, with ASE's sign of
the stress and QUIP's of the virial. Results of models (``mace_energy``) are not from first
principles, and are not read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from haven.core.errors import HavenError

if TYPE_CHECKING:
    from ase import Atoms

KEY = re.compile(r"(ref|dft|qm)_(energy|forces?|stress|virials?)", re.IGNORECASE)
SAME_EV_PER_ATOM = 1e-4  # how far two energies of one frame may be apart that are the same
SAME_FORCE = 1e-3  # eV/Angstrom, likewise


def results_of(atoms: Atoms, where: str) -> dict[str, Any]:
    """Return the results of a frame by ASE's names, also those that stand under another name.

    Raises
    ------
    HavenError
        If two energies or two sets of forces stand in one frame and differ: the file does not say
        which of them is the label.
    """
    from ase.calculators.singlepoint import SinglePointCalculator

    results = dict(atoms.calc.results) if atoms.calc is not None else {}
    if results.get("forces") is None and "force" in atoms.arrays:
        results["forces"] = atoms.arrays["force"]
    given: dict[str, dict[str, Any]] = {}
    for name, value in [*atoms.info.items(), *atoms.arrays.items()]:
        if found := KEY.fullmatch(str(name)):
            kind = {"force": "forces", "virials": "virial"}.get(found[2].lower(), found[2].lower())
            given.setdefault(str(name)[:len(found[1])], {})[kind] = value
    whole = {name: held for name, held in given.items() if {"energy", "forces"} <= set(held)}
    energy = results.get("free_energy", results.get("energy"))
    for name, held in given.items():
        _compare(energy, held.get("energy"), "energy", SAME_EV_PER_ATOM * len(atoms), name, where)
        _compare(results.get("forces"), held.get("forces"), "forces", SAME_FORCE, name, where)
    if results.get("energy") is None and results.get("forces") is None and whole:
        if len(whole) > 1:
            raise HavenError(f"{where}: it has labels as {' and '.join(f'{n}_' for n in whole)}: "
                             "keep those that are meant")
        ((_, held),) = whole.items()
        results |= {key: value for key, value in held.items() if key != "virial"}
        if "virial" in held and not {"virial", "virials"} & set(atoms.info):
            atoms.info["virial"] = held["virial"]
    if results:
        kept = {key: value for key, value in results.items() if value is not None}
        atoms.calc = SinglePointCalculator(atoms, **kept)
    return results


def _compare(
    plain: Any, reference: Any, what: str, apart: float, prefix: str, where: str
) -> None:
    """Refuse a reference that differs from what stands under the plain name."""
    if plain is None or reference is None:
        return
    try:
        off = float(np.abs(np.asarray(plain, float) - np.asarray(reference, float)).max())
    except (TypeError, ValueError):
        off = np.inf
    if not off <= apart:
        raise HavenError(f"{where}: {what} and {prefix}_{what} differ (by up to {off:.3g}): keep "
                         "the one from first principles")
