"""Relaxed cells with and without dispersion: their volumes beside the experiment's."""

from __future__ import annotations

from haven.core.numbers import DASH, interval, percent
from haven.material.relaxation import POTENTIAL, joined_cells
from haven.report.claims.crystal import volumes
from haven.report.claims.study import Study
from haven.report.page.grids.base import Block, cell, grid

ADDED = " + "  # before the correction in an engine's name (`haven.labels.cell_relaxation`)
NOT_KNOWN = "dispersion not known"


def dispersion_grid(study: Study) -> Block | None:
    """Return volumes of relaxed cells by what relaxed them and by dispersion, one row each.

    What is not there is said in the caption: a cell relaxed from first principles both ways at
    each U, and the potential's.

    Parameters
    ----------
    study
        Its table ``lattice``, the measured cells, and the dispersion correction of the labels that
        the run's potentials are trained on.
    """
    dispersion = study.dispersion
    table = study.tables["lattice"]
    if table.empty or not table["converged"].astype(bool).any():
        return None
    found = [row for row in joined_cells(table) if row["quantity"] == "lattice_volume"]
    measured = next(((system, value) for (system, _), (value, _) in volumes(study, True).items()),
                    None)
    us = sorted({float(row["u_ev"]) for row in found})
    lines = []
    kinds = sorted({(row["engine"], row["system"]) for row in found},
                   key=lambda kind: (kind[0] == POTENTIAL, kind))
    for engine, system in kinds:
        by_u = {float(row["u_ev"]): row for row in found
                if (row["engine"], row["system"]) == (engine, system)}
        lines.append([cell(*_named(engine, system, dispersion)),
                      *(_volume(by_u.get(u), measured) for u in us)])
    if measured is not None:
        text = f"{measured[1]:.1f} Å³"
        lines.append([cell("experiment, room temperature", measured[0]), *([text] * len(us))])
    return grid(["relaxed cell", *(f"U = {u:g} eV" for u in us)], lines,
                "Volume of the conventional cell at no pressure and 0 K, and how far it is from "
                f"the measured one. {_absent(found, us, dispersion)}".rstrip())


def _named(engine: str, system: str, dispersion: str) -> tuple[str, str]:
    """Return a row's name and the line below it."""
    if engine == POTENTIAL:
        words = {"": NOT_KNOWN, "none": "labels without dispersion"}.get(
            dispersion, f"labels with {dispersion}")
        return f"potential, {words}", system
    program, _, added = engine.partition(ADDED)
    return (f"first principles, {f'with {added}' if added else 'without dispersion'}",
            f"{system}, {program}")


def _volume(
    row: dict | None, measured: tuple[str, float] | None
) -> str | dict[str, str]:
    if row is None:
        return DASH
    text = (f"{row['value']:.1f} Å³" if row["low"] is None
            else interval(row["value"], row["low"], row["high"], "Angstrom^3"))
    if measured is None:
        return text
    return cell(text, percent(row["value"] / measured[1] - 1, 1, signed=True))


def _absent(found: list[dict], us: list[float], dispersion: str) -> str:
    """Return in words which of the cells that would tell the correction's effect are not there."""
    lacking = []
    for words, there in (
            ("without dispersion", lambda engine: ADDED not in engine),
            ("with dispersion", lambda engine: ADDED in engine)):
        none = [u for u in us if not any(
            float(row["u_ev"]) == u and row["engine"] != POTENTIAL and there(row["engine"])
            for row in found)]
        if none:
            lacking.append(f"{words} at U = {', '.join(f'{u:g}' for u in none)} eV")
    said = []
    if lacking:
        said.append(f"Not relaxed from first principles {' and '.join(lacking)} "
                    "(--relax_first_principles with --dispersion d3bj or none).")
    if any(row["engine"] == POTENTIAL for row in found):
        other = {"none": "with dispersion", "": ""}.get(dispersion, "without it")
        if other:
            said.append(f"A potential of labels {other} is another run (--dispersion).")
    return " ".join(said)
