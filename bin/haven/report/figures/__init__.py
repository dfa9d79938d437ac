"""The report's figures: `FIGURES`, in the order in which the report shows them.

A new figure is a function in a file here that returns a `Picture`, or None where its tables are
empty, and one line in `FIGURES`. The section it names is one of `SECTIONS` of
`haven.report.page.layout`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from haven.core.types import Table, Tables
from haven.report.figures import (
    audit,
    cells,
    disorder,
    dynamics,
    lattice,
    learning,
    potential,
    structure,
    style,
    transport,
    trust,
)
from haven.report.figures.style import Picture
from haven.report.numbers.measured import study_u


@dataclass(frozen=True)
class Given:
    """What figures are drawn from.

    Attributes
    ----------
    tables
        All tables by name; one that was not made is empty.
    measured
        Numbers joined over runs, `haven.report.numbers.measured.collect`.
    reference
        Published numbers of the material.
    structures
        Files of the supercell and of cells of every set of occupancies.
    """

    tables: Tables
    measured: Table
    reference: Table
    structures: list[Path]


@dataclass(frozen=True)
class Figure:
    """One figure: the key of its picture, the section it stands in, and what draws it."""

    key: str
    section: str
    draw: Callable[[Given], Picture | None]


FIGURES = (
    Figure("answer", "answer", lambda g: transport.answer(g.tables, g.measured, g.reference)),
    Figure("labels", "labels", lambda g: potential.labels(g.tables)),
    Figure("audit", "labels", lambda g: audit.audit(g.tables)),
    Figure("exploration", "labels", lambda g: learning.exploration(g.tables)),
    Figure("learning_curve", "potential", lambda g: potential.learning_curve(g.tables)),
    Figure("parity", "potential", lambda g: potential.parity(g.tables)),
    Figure("residuals", "potential", lambda g: potential.residuals(g.tables)),
    Figure("accuracy", "potential", lambda g: potential.accuracy_by_species(g.tables)),
    Figure("calibration", "potential", lambda g: trust.calibration(g.tables)),
    Figure("data_curve", "potential", lambda g: trust.data_curve(g.tables)),
    Figure("supercell", "health", lambda g: disorder.supercell(g.structures)),
    Figure("occupancies", "health", lambda g: disorder.occupancies(g.structures)),
    Figure("structures", "health", lambda g: cells.structures(g.tables)),
    Figure("lattice", "health", lambda g: lattice.lattice(g.tables, g.reference)),
    Figure("thermo", "health", lambda g: dynamics.thermo(g.tables)),
    Figure("temperature", "health", lambda g: dynamics.temperature_series(g.tables)),
    Figure("rdf", "health", lambda g: structure.rdf(g.tables)),
    Figure("rdf_cell", "health", lambda g: structure.rdf_cell(g.tables)),
    Figure("msd", "transport", lambda g: dynamics.msd(g.tables)),
    Figure("diffusion", "transport", lambda g: transport.diffusion(g.tables, g.measured)),
    Figure("conductivity", "transport",
           lambda g: transport.conductivity(g.tables, g.measured, g.reference)),
    Figure("haven_ratio", "transport", lambda g: transport.haven_ratio(g.measured, g.reference)),
    Figure("hops", "hops", lambda g: transport.hops(g.tables)),
    Figure("tracks", "hops", lambda g: dynamics.tracks(g.tables)),
    Figure("density", "hops", lambda g: cells.density(g.tables)),
    Figure("van_hove", "hops", lambda g: dynamics.van_hove(g.tables)),
    Figure("barriers", "barriers", lambda g: cells.barriers(g.tables, g.reference)),
    Figure("cost", "cost", lambda g: cells.cost(g.tables, g.reference)),
)


def draw_all(given: Given) -> list[Picture]:
    """Draw every figure that the tables allow, in the report's order."""
    style.style(study_u(given.tables))
    drawn = (figure.draw(given) for figure in FIGURES)
    return [picture for picture in drawn if picture is not None]


def keys_of(section: str) -> tuple[str, ...]:
    """Return the keys of a section's figures, in their order."""
    return tuple(figure.key for figure in FIGURES if figure.section == section)
