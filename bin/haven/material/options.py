"""Options of what is built from a material file: starting cells, supercells, relaxed cells."""

from __future__ import annotations

from dataclasses import dataclass

from haven.core.options import WORD, option

DISORDER = ("electrostatic", "random", "quasirandom")


@dataclass(frozen=True)
class StartingCells:
    """Small disordered cells, displaced and strained, for labelling."""

    label_structures: int = option(10, "starting structures to label", least=1, most=100_000)
    frames_per_structure: int = option(4, "frames made from each starting structure", least=1,
                                       most=1000)
    displacement_angstrom: float = option(
        0.08, "standard deviation of the random displacements", unit="Angstrom", least=0, most=0.5)
    strain_max: float = option(0.03, "largest strain component of a frame", least=0, most=0.1)
    atoms_max: int = option(40, "atoms of the largest cell: structures with more are smaller cells "
                            "instead", least=1, most=10_000, pipeline=False)


@dataclass(frozen=True)
class Supercell:
    """The disordered cell that dynamics runs in."""

    occupancies: str = option(
        "default", "set of occupancies in the material file that the dynamics uses", pattern=WORD,
        example="default")
    disorder: str = option(
        "electrostatic", "how cations are placed: by their screened charges, at random, or with "
        "the pairs of a random crystal (small cells)", choices=DISORDER)
    supercell: tuple[int, int, int] = option(
        (2, 2, 2), "conventional cells along a, b, c", least=1, most=100)


@dataclass(frozen=True)
class Distances:
    """How close two atoms may come."""

    min_distance_angstrom: float | None = option(
        None, "closest that two atoms may be, in labels, supercells and minimised structures; "
        "0.6 of the sum of their covalent radii if not given", unit="Angstrom", least=0, most=5)


@dataclass(frozen=True)
class Forces:
    """When a minimisation has ended."""

    force_tolerance_ev_per_angstrom: float = option(
        0.05, "largest force at the end of minimisation and of the bands", unit="eV/Angstrom",
        above=0, most=1)


@dataclass(frozen=True)
class RelaxedCells:
    """Cells relaxed with a potential."""

    relax_supercell: tuple[int, int, int] = option(
        (2, 2, 2), "conventional cells along a, b, c of the cells relaxed with each potential",
        least=1, most=100)
    relax_replicas: int = option(
        3, "replicas of the disorder relaxed for each set of occupancies", least=1, most=100)
    relax_anneal_ps: float = option(
        20.0, "longest anneal of each cell before it is relaxed, at --anneal_temperature_k",
        unit="ps", least=0, most=100_000, more="0 relaxes cells as they are made, and the table "
        "says so")
    conventional_cell: bool = option(
        False, "also relax one conventional cell, the start of relax_first_principles.py",
        pipeline=False)
