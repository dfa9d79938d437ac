"""Relaxing the cell with a potential: lattice constants for each occupancy of the sites."""

from __future__ import annotations

import warnings
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from haven.core.constants import EV_PER_ANGSTROM3_GPA
from haven.core.numbers import count_of
from haven.material.crystal import Material

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ase import Atoms

    from haven.core.types import Table

STEPS = 500  # of an optimisation at most
POTENTIAL = "potential"  # the engine of cells relaxed with a potential
# What relaxations to one minimum differ by at most: forces left over, 0.05 eV/Angstrom, move soft
# directions by some thousandths. Cells of two arrangements differ by some meV an atom.
SAME_EV_PER_ATOM, SAME_LENGTH = 1e-3, 5e-3
COARSE = 0.01  # occupancies further off are another crystal's
CONSTANTS = {"a_angstrom": "Angstrom", "b_angstrom": "Angstrom", "c_angstrom": "Angstrom",
             "alpha_degree": "degree", "beta_degree": "degree", "gamma_degree": "degree"}
SKEWED = 2.0  # degrees from 90, beyond which disorder alone brings no angle of a straight cell


def system_name(material: Material, occupancies: str) -> str:
    """Return a set of occupancies as tables print it; see `printed_occupancies`."""
    return printed_occupancies(material.occupancies[occupancies])


def printed_occupancies(shares: Mapping[str, Mapping[str, float]]) -> str:
    """Return occupancies with three digits each, halves rounded up as on paper.

    Parameters
    ----------
    shares
        Element of the framework to site to the share of it that is filled.

    Returns
    -------
    str
        Site by site ``0.875/0.063``; of several elements each by its name,
        ``Ti 0.750/0.125, Zr 0.100/0.100``.
    """
    texts = {element: "/".join(
        str(Decimal(repr(float(sites[site]))).quantize(Decimal("0.001"), ROUND_HALF_UP))
        for site in sorted(sites)) for element, sites in shares.items()}
    if len(texts) == 1:
        return next(iter(texts.values()))
    return ", ".join(f"{element} {texts[element]}" for element in sorted(texts))


def quantity_of(column: str) -> str:
    """Return the name that a column of table ``lattice`` has as a quantity: ``lattice_a``."""
    return f"lattice_{column.partition('_')[0]}"


def is_shown(quantity: str, *tables: Table) -> bool:
    """Return whether a constant of the cell is one to show: angles but for beta where skewed.

    Parameters
    ----------
    quantity
        Such as ``lattice_gamma``.
    tables
        With columns quantity and value; an angle counts as skewed where one has it beyond `SKEWED`.
    """
    return quantity not in ("lattice_alpha", "lattice_gamma") or any(
        (table.loc[table["quantity"] == quantity, "value"] - 90).abs().max() > SKEWED
        for table in tables)


def misfit(sites: list[dict[str, Any]]) -> float:
    """Return how far a cell's occupancies are from those asked for, at most.

    Parameters
    ----------
    sites
        Rows of the table ``structures`` of one cell; whole atoms cannot meet every occupancy.
    """
    return max((abs(row["occupancy"] - row["target_occupancy"]) for row in sites
                if row.get("target_occupancy") is not None), default=0.0)


def conventional(material: Material, seed: int) -> Atoms:
    """Return one conventional cell with the first set of occupancies, as near as atoms allow.

    ``info`` says trajectory, occupancies (the set's name) and system (the occupancies met).
    """
    from haven.material.disorder import draw_supercell

    occupancies = next(iter(material.occupancies))
    atoms, sites = draw_supercell(material, (1, 1, 1), occupancies, seed, 40)
    met: dict[str, dict[str, float]] = {}
    for row in sites:
        if row["target_occupancy"] is not None:
            of_element = met.setdefault(str(row["species"]), {})
            of_element[str(row["site"])] = float(str(row["occupancy"]))
    atoms.info = {"trajectory": f"relaxed_{occupancies}_s{seed}", "occupancies": occupancies,
                  "system": printed_occupancies(met)}
    return atoms


def relax_cell(
    atoms: Atoms, repeat: tuple[int, int, int], force_tolerance: float, pressure_gpa: float = 0.05,
    optimiser: Any = None, steps: int = STEPS,
) -> dict[str, Any]:
    """Relax atoms and cell together, all nine components, at no outer pressure.

    Parameters
    ----------
    atoms
        Supercell with a calculator; changed in place.
    repeat
        Conventional cells along a, b, c in it.
    force_tolerance
        Largest force on an atom to stop at, eV/Angstrom.
    pressure_gpa
        Largest component of the stress to stop at.
    optimiser
        Of atoms and cell together; FIRE where none is given.
    steps
        Steps after which the cell has not converged.

    Returns
    -------
    dict
        Of the conventional cell: a_angstrom, b_angstrom, c_angstrom, alpha_degree, beta_degree,
        gamma_degree, volume_angstrom3; energy_ev_per_atom, force_max_ev_per_angstrom,
        stress_max_gpa, steps, converged.
    """
    from ase.filters import FrechetCellFilter
    from ase.optimize import FIRE

    quiet: Any = None
    if optimiser is None:
        both: Any = FrechetCellFilter(atoms)
        optimiser = FIRE(both, logfile=quiet)
    with warnings.catch_warnings():  # the filter's logarithm of a small strain, good to 1e-12
        warnings.filterwarnings("ignore", message="logm result may be inaccurate")
        for _ in optimiser.irun(fmax=0.0, steps=steps):
            force, stress = largest(atoms)
            if force <= force_tolerance and stress <= pressure_gpa:
                break
    return described(atoms, repeat, force_tolerance, pressure_gpa) | {"steps": optimiser.nsteps}


def described(
    atoms: Atoms, repeat: tuple[int, int, int], force_tolerance: float, pressure_gpa: float = 0.05,
    pulay: float = 0.0,
) -> dict[str, Any]:
    """Return the results of `relax_cell` for a cell as it is, without the number of steps.

    Parameters
    ----------
    pulay
        Added to the diagonal of the stress, eV/Angstrom^3.
    """
    from ase.cell import Cell

    cell = Cell(atoms.cell.array / np.array(repeat)[:, None])
    a, b, c, alpha, beta, gamma = cell.cellpar()
    force, stress = largest(atoms, pulay)
    return {
        "a_angstrom": float(a), "b_angstrom": float(b), "c_angstrom": float(c),
        "alpha_degree": float(alpha), "beta_degree": float(beta), "gamma_degree": float(gamma),
        "volume_angstrom3": float(cell.volume),
        "energy_ev_per_atom": float(atoms.get_potential_energy()) / len(atoms),
        "force_max_ev_per_angstrom": force, "stress_max_gpa": stress,
        "converged": force <= force_tolerance and stress <= pressure_gpa,
    }


def largest(atoms: Atoms, pulay: float = 0.0) -> tuple[float, float]:
    """Return the largest force on an atom, eV/Angstrom, and stress component, GPa.

    ``pulay`` (eV/Angstrom^3) is added to the diagonal of the stress.
    """
    force = float(np.linalg.norm(atoms.get_forces(), axis=1).max())
    stress = at_fixed_cutoff(atoms.get_stress(), pulay)
    return force, float(np.abs(stress).max()) * EV_PER_ANGSTROM3_GPA


def minima(rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Return the indices of relaxed cells, without those that repeat the minimum of an earlier one.

    Parameters
    ----------
    rows
        Of the table ``lattice``, of one engine and set of occupancies.
    """
    kept: list[int] = []
    for place, row in enumerate(rows):
        if not any(_one_minimum(row, rows[other]) for other in kept):
            kept.append(place)
    return kept


def _one_minimum(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return (one["replica"] == other["replica"] and one["atoms"] == other["atoms"]
            and abs(one["energy_ev_per_atom"] - other["energy_ev_per_atom"]) < SAME_EV_PER_ATOM
            and all(abs(one[name] / other[name] - 1) < SAME_LENGTH for name in CONSTANTS))


def joined_cells(table: Table) -> Iterator[dict[str, Any]]:
    """Yield lattice constants joined over replicas, with Student's 95 % interval.

    Relaxations of one replica that end in one minimum, as from cells of two engines, count
    once: their spread is that of the relaxation's tolerance.

    Parameters
    ----------
    table
        The table ``lattice``; cells that did not converge are left out.

    Yields
    ------
    dict
        quantity (``lattice_a``), u_ev, engine, value, low, high (None of a single cell), unit,
        system, runs, note.
    """
    from scipy.special import stdtrit

    good = table[table["converged"].astype(bool)]
    for (u_ev, system, engine), every in good.groupby(["u_ev", "system", "engine"]):
        group = every.iloc[minima(every.to_dict("records"))]
        for column, unit in {**CONSTANTS, "volume_angstrom3": "Angstrom^3"}.items():
            values = group[column].to_numpy(float)
            half = None
            if len(values) > 1:
                half = float(stdtrit(len(values) - 1, 0.975) * values.std(ddof=1)
                             / np.sqrt(len(values)))
            mean = float(values.mean())
            yield {"quantity": quantity_of(column), "u_ev": u_ev, "value": mean,
                   "low": None if half is None else mean - half,
                   "high": None if half is None else mean + half, "unit": unit, "system": system,
                   "runs": len(values), "engine": engine,
                   "note": f"{count_of(len(values), 'cell')} of "
                           f"{int(group['atoms'].iloc[0])} atoms"
                           + ("" if engine == POTENTIAL else f", {engine}")}


def at_fixed_cutoff(stress: Any, pulay: float) -> np.ndarray:
    """Return a stress, shape (6,), with ``pulay`` added to its diagonal, both eV/Angstrom^3."""
    return np.asarray(stress, float) + pulay * np.array([1, 1, 1, 0, 0, 0])
