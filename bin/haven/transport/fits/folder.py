"""From the tables of many runs in a folder to those of temperatures, Arrhenius lines and plans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from haven.core import tables
from haven.core.errors import log
from haven.core.types import Row, Table
from haven.transport.conductivity import Joined
from haven.transport.fits import arrhenius, budget, condition, contrasts, kept, plan
from haven.transport.fits.earlier import NAME
from haven.transport.fits.reading import RunTables, read_modes, read_runs
from haven.transport.fits.standing import ACTIVATION, AT_298, line_words
from haven.transport.tables import (
    ARRHENIUS,
    ERROR_BUDGET,
    JOINED,
    PAIRED,
    PLAN,
)

WRITTEN = (JOINED, ARRHENIUS, PAIRED, ERROR_BUDGET, PLAN)
"""Tables that `fit_folder` writes."""
KEPT = f"{NAME}.{JOINED.name}.parquet"
"""Joined table of an earlier run, laid there by `haven.transport.fits.earlier`."""


@dataclass(frozen=True)
class _Wanted:
    """What the fits and the plan are asked for, as `fit_folder` takes it."""

    min_events: int
    interval: float
    speed: Mapping[tuple[str, float], float]


@dataclass(frozen=True)
class _Rows:
    """Rows of the tables of `WRITTEN` behind the first, as they are found."""

    fits: list[Row] = field(default_factory=list)
    pairs: list[Row] = field(default_factory=list)
    budgets: list[Row] = field(default_factory=list)
    plans: list[Row] = field(default_factory=list)


def fit_folder(
    folder: Path, out: Path, min_events: int, wanted_interval: float = 0.1,
    speed: Mapping[tuple[str, float], float] | None = None,
) -> RunTables:
    """Join the runs of each temperature, fit them against 1/T, write tables; return the runs'.

    Mobile species of one material are fitted apart.

    Parameters
    ----------
    folder
        With tables of diffusion and conductivity, and ``.modes.npz`` files beside them; of an
        earlier run also its joined table.
    out
        Folder for the tables `WRITTEN`.
    min_events
        Jumps needed for a number.
    wanted_interval
        Wanted relative half width of the 95 % interval, for the plan.
    speed
        Nanoseconds a day of dynamics by material and U, for the plan.

    Raises
    ------
    HavenError
        If the folder has no such tables, or two runs of the same keys.
    """
    found = read_runs(folder)
    _say_apart(found.names)
    wanted = _Wanted(min_events, wanted_interval, _speeds(speed or {}, found.names))
    runs = arrhenius.gather(found.diffusion, found.conductivity)
    analysed = found.diffusion[[*condition.KEYS, "species"]].drop_duplicates()
    held = condition.matched(read_modes(folder, found.names), analysed.to_dict("records"),
                             (folder / KEPT).exists())
    joined = condition.conditions(held, min_events)
    old = _kept(folder, runs, held)
    joined = kept.together(joined, old, min_events) if old else joined
    several = len({one.keys["material"] for one in joined}) > 1
    for one in joined:
        log.info("%s%s", f"{one.keys['material']}, " if several else "",
                 condition.condition_line(one))
    rows = _Rows()
    for (material, quantity), every in runs.groupby(["material", "quantity"]):
        of_material = [one for one in joined if one.keys["material"] == material]
        lines = {}
        for u_ev, some in every.groupby("u_ev"):
            own = [one for one in of_material if one.keys["u_ev"] == u_ev]
            keyed = {"material": material, "u_ev": u_ev}
            line = _add_rows(rows, keyed, quantity, some, own, wanted)
            if line is not None:
                lines[u_ev] = line
        rows.pairs.extend({"material": material, "u_ev": None, **row}
                          for row in contrasts.paired(every, quantity, of_material, lines))
    _warn_of_names(runs)
    written = (condition.joined_rows(joined), rows.fits, rows.pairs, rows.budgets, rows.plans)
    for schema, made in zip(WRITTEN, written, strict=True):
        tables.write(schema, made, out / f"{schema.name}.parquet", {"tables": folder.name})
    return found


def _say_apart(names: Mapping[tuple[str, str], str]) -> None:
    """Log which materials are fitted species by species, and under which names."""
    for material in dict.fromkeys(material for material, _ in names):
        own = {species: name for (one, species), name in names.items() if one == material}
        log.info("%s has runs of %s: they are fitted apart, as %s", material,
                 " and of ".join(own), " and ".join(own.values()))


def _speeds(
    speed: Mapping[tuple[str, float], float], names: Mapping[tuple[str, str], str],
) -> dict[tuple[str, float], float]:
    """Return the speeds of dynamics under the names of materials that are fitted apart, too."""
    return {**speed, **{(name, u_ev): held for (material, _), name in names.items()
                        for (one, u_ev), held in speed.items() if one == material}}


def _kept(
    folder: Path, runs: Table, held: Sequence[condition.Watched],
) -> list[condition.Condition]:
    """Return the conditions of an earlier run, if its modes are not in the folder."""
    if not (folder / KEPT).exists():
        return []
    known = {condition.run_key(one.keys) for one in held}
    keys = runs[list(condition.KEYS)].to_dict("records")
    without = runs[[condition.run_key(one) not in known for one in keys]]
    if without.empty:
        return []
    log.info("runs without modes count by the joined table of the earlier run")
    return kept.kept_conditions(tables.read(JOINED, folder / KEPT), without)


def _add_rows(
    rows: _Rows, keys: dict[str, Any], quantity: str, runs: Table,
    own: Sequence[condition.Condition], wanted: _Wanted,
) -> Joined | None:
    """Add the rows of one quantity of a material at one U; return its line, if there is one.

    ``runs`` are its rows of `arrhenius.gather`, ``own`` the joined conditions of this U.
    """
    material, u_ev = keys["material"], keys["u_ev"]
    row, line = arrhenius.fit_line(runs, quantity, own)
    rows.fits.append({**keys, **row})
    log.info("%s%s %s: %s", material, f", U {u_ev:g} eV" if u_ev else "", quantity, line_words(row))
    rows.pairs.extend({**keys, **one} for one in contrasts.sizes(runs, quantity))
    if line is not None:
        named = {**keys, "quantity": f"{ACTIVATION}{quantity}", "unit": "eV"}
        rows.budgets.extend(budget.budget(line, np.array([0.0, 1.0]), named))
        if quantity.startswith("sigma"):
            named = {**keys, "quantity": f"{quantity}{AT_298}", "unit": "ln"}
            kept, _ = arrhenius.counted(runs, own)
            rows.budgets.extend(budget.budget(line, np.array([1.0, 0.0]), named))
            rows.budgets.append(budget.extrapolation(line, kept, named))
    if quantity.startswith("d_"):
        rows.budgets.extend(budget.at_temperatures(runs, quantity, keys))
    speed = wanted.speed.get((material, u_ev))
    rows.plans.extend({**keys, **one} for one in plan.plans(
        runs, quantity, wanted.interval, wanted.min_events, speed, own))
    if line is not None and quantity.startswith("sigma"):
        rows.plans.extend({**keys, **one}
                          for one in plan.line_plans(runs, quantity, line, speed, own))
    return line


def _warn_of_names(runs: Table) -> None:
    """Warn of several materials without enough temperatures for a line: they may be one."""
    short = runs.groupby("material")["temperature_k"].nunique()
    if len(short) > 1 and (short < arrhenius.FEWEST_TEMPERATURES).all():
        log.warning("%d materials of one or two temperatures each (%s): if they are one material, "
                    "analyse them again with one --material", len(short), ", ".join(short.index))
