"""Which snapshot of an anneal a run at another temperature starts from.

An anneal gives several minimised snapshots, each with its own order of the mobile ions. The one of
lowest energy is for calculations at 0 K. At any temperature near the anneal's the mean energy is
higher: dynamics that started from the lowest snapshot would rise in energy for as long as the ions
take to reach equilibrium. Each run therefore starts from the snapshot whose energy is nearest to
the mean at its own temperature.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from haven.core.constants import BOLTZMANN_EV_PER_K
from haven.core.series import spread_of

if TYPE_CHECKING:
    from ase import Atoms

KEPT = 7  # orders of an anneal's settled part, evenly through their energies
ENERGY, MEAN, SPREAD = "order_energy_ev", "order_mean_ev", "order_spread_ev"
ANNEAL_K = "order_temperature_k"


def settled_orders(
    energies: np.ndarray, temperature_k: float
) -> tuple[list[int], list[dict[str, float]]]:
    """Return which snapshots of an anneal's second half to keep, and what is known of each.

    Parameters
    ----------
    energies
        Energies of the minimised snapshots of the whole anneal, (S,), eV of the whole cell.
    temperature_k
        Of the anneal.

    Returns
    -------
    rows, known
        Places in ``energies``, from high to low energy; for each, its energy, the mean and the
        standard deviation of the second half (eV), and the anneal's temperature.
    """
    start = len(energies) // 2
    late = np.asarray(energies[start:], float)
    order = np.argsort(-late)
    places = np.unique(np.linspace(0, len(late) - 1, min(KEPT, len(late))).round().astype(int))
    rows = [start + int(order[place]) for place in places]
    common = {MEAN: float(late.mean()), SPREAD: spread_of(late), ANNEAL_K: float(temperature_k)}
    return rows, [{**common, ENERGY: float(energies[row])} for row in rows]


def expected_energy(mean: float, spread: float, anneal_k: float, temperature_k: float) -> float:
    """Return the mean energy of minimised snapshots at a temperature, eV, from an anneal's.

    Energies of inherent structures in equilibrium fluctuate by kB T^2 C, with C their heat
    capacity (L. D. Landau and E. M. Lifshitz, Statistical Physics, 3rd ed., section 112), which is
    taken to be the same at both temperatures.

    Parameters
    ----------
    mean, spread
        Mean and standard deviation at the anneal's temperature, eV.
    anneal_k, temperature_k
        Temperature of the anneal, and the one asked for, K.
    """
    return mean - spread**2 * (anneal_k - temperature_k) / (BOLTZMANN_EV_PER_K * anneal_k**2)


def spread_at(atoms: Atoms, temperature_k: float) -> float:
    """Return the standard deviation of minimised snapshots' energies at a temperature, eV.

    Zero where the structure comes from no anneal.
    """
    if not all(_positive(atoms.info.get(name)) for name in (SPREAD, ANNEAL_K)):
        return 0.0
    return float(atoms.info[SPREAD]) * temperature_k / float(atoms.info[ANNEAL_K])


def nearest_order(images: Sequence[Atoms], temperature_k: float) -> Atoms:
    """Return the snapshot whose energy is nearest to the mean at a temperature, in the last's cell.

    Parameters
    ----------
    images
        What an anneal wrote; one structure, or several without an anneal's energies: the last.
    temperature_k
        Of the run that starts.
    """
    last = images[-1]
    if not all(_known(image) and len(image) == len(last) for image in images):
        return last
    info = last.info
    wanted = expected_energy(float(info[MEAN]), float(info[SPREAD]), float(info[ANNEAL_K]),
                             temperature_k)
    chosen = min(images, key=lambda image: abs(float(image.info[ENERGY]) - wanted)).copy()
    if chosen.get_chemical_symbols() != last.get_chemical_symbols():
        return last
    chosen.info = {**info, **chosen.info}
    chosen.set_cell(last.cell, scale_atoms=True)
    chosen.wrap()
    return chosen


def _known(image: Atoms) -> bool:
    return (all(_positive(image.info.get(name)) for name in (SPREAD, ANNEAL_K))
            and all(isinstance(image.info.get(name), (int, float, np.number))
                    and math.isfinite(image.info[name]) for name in (ENERGY, MEAN)))


def _positive(value: object) -> bool:
    return (isinstance(value, (int, float, np.number)) and math.isfinite(float(value))
            and float(value) > 0)
