"""Transport: the headline, each condition, what U changes, sources of error, what more takes."""

from __future__ import annotations

import math
from typing import Any

from haven.core.numbers import DASH, interval, known, number, percent
from haven.core.types import Row, Table, Tables
from haven.report.figures.scene_names import condition_name
from haven.report.numbers.measured import ROOM, headline
from haven.report.numbers.pressure import pressure_sentence
from haven.report.numbers.wording import LABELS, MILLI, WORDS, shown, verdict_text
from haven.report.page.grids.base import Block, at_kelvin, cell, grid, label_of
from haven.transport.fits.standing import AT_298


def headline_grid(measured: Table) -> Block:
    """Return the headline: quantities down, values of U across."""
    rows = headline(measured)
    us = sorted({float(str(row["u_ev"])) for row in rows})
    lines = []
    for name in dict.fromkeys(str(row["quantity"]) for row in rows):
        found = [next(r for r in rows if r["quantity"] == name and r["u_ev"] == u) for u in us]
        ats = [at_kelvin(row["temperature_k"]) for row in found]
        one = len(set(ats)) == 1
        below = [verdict_text(row) if one or not at else f"{verdict_text(row)}, at {at}"
                 for row, at in zip(found, ats, strict=True)]
        lines.append([cell(LABELS[name], ats[0] if one else ""), *(
            cell(shown(row), words) for row, words in zip(found, below, strict=True))])
    return grid(["quantity", *(f"U = {u:g} eV" for u in us)], lines,
                "Joined over replicas; 95 % intervals in brackets; < marks an upper bound; – means "
                "the data support no number. Below each: what the runs are.")


def near_words(measured: Table) -> str:
    """Return at which temperatures the headline's diffusion coefficients are, in words."""
    ats = sorted({float(str(row["temperature_k"])) for row in headline(measured)
                  if row["quantity"] == "d_self" and known(row["temperature_k"])})  # type: ignore[arg-type]
    if not ats:
        return "Transport numbers"
    nearest = "" if ats == [ROOM] else f", nearest to {ROOM:g} K"
    return f"Transport numbers at {' and '.join(f'{at:g}' for at in ats)} K{nearest}"


def transport_grid(measured: Table) -> Block | None:
    """Return D, sigma and the Haven ratio of each U and temperature."""
    names = ("d_self", "d_total", "haven_ratio", "sigma_total", "sigma_self")
    rows = measured[measured["quantity"].isin(names)]
    if rows.empty:
        return None
    lines, turned = [], []
    for (u_ev, temperature), mine in rows.groupby(["u_ev", "temperature_k"]):
        turned.append(f"{condition_name({'u_ev': u_ev, 'temperature_k': temperature})}|tracks")
        by_name = {row["quantity"]: row for row in mine.to_dict("records")}
        verdicts = [WORDS.get(by_name[n]["verdict"], "not judged") if n in by_name else DASH
                    for n in ("d_self", "d_total")]
        verdict = " / ".join(dict.fromkeys(verdicts))
        share, error = mine["beyond"].max(), mine["force_error"].max()
        lines.append([f"{u_ev:g}", f"{temperature:g}", str(int(mine["runs"].max())),
                      *(shown(by_name[n]) if n in by_name else DASH for n in names), verdict,
                      cell(percent(share, 1) if known(share) else "not measured",
                           number(MILLI * error, "meV/Angstrom", 2) if known(error) else "")])
    return grid(["U (eV)", "T (K)", "runs", "D self", "D total", "Haven ratio", "σ from D total",
                 "σ from D self", "verdict self / total", "frames beyond force window"], lines,
                "Joined over replicas and potentials; the runs of a condition are judged together, "
                "and leave a bound where together they are not diffusive. "
                "Last column: the largest share of a run's frames whose calibrated force error is "
                "beyond the window, below it that error in 95 % of the frames.", turned)


def paired_grid(tables: Tables) -> Block | None:
    """Return what U (or the size of the cell) changes, run against run."""
    table = tables["paired"]
    if table.empty:
        return None
    lines = []
    for row in table.to_dict("records"):
        unit = {"hubbard_u": "eV (U)", "cell_size": "mobile ions"}.get(row["contrast"], "")
        lines.append([
            cell(label_of(row["quantity"]), at_kelvin(row["temperature_k"])),
            f"{row['second']:g} less {row['first']:g} {unit}", str(row["pairs"]),
            interval(row["difference"], row["low_95"], row["high_95"]) + f" {row['unit']}",
            f"{row['p_value']:.2g}" if known(row["p_value"]) else DASH,
        ])
    of_u = pressure_sentence(tables["runs"]) if (table["contrast"] == "hubbard_u").any() else ""
    return grid(["quantity", "difference", "pairs", "value", "p"], lines,
                "Runs paired by temperature, replica and seed. “ln ratio”: the logarithm of second "
                f"over first. p: chance of so large a difference were there none. {of_u}".rstrip())


def budget_grid(tables: Tables) -> Block | None:
    """Return where the error of activation energy and conductivity comes from, else that of D."""
    every = tables["error_budget"]
    parts = [every[every["quantity"].astype(str).str.contains(name)]
             for name in ("sigma_total", "d_total", "d_self")]
    table = next((part for part in parts if len(part)), every)
    if table.empty:
        return None
    sources = [s for s in ("sampling", "disorder", "potential", "extra", "extrapolation", "total")
               if s in set(table["source"])]
    lines = []
    for (u_ev, quantity), mine in table.groupby(["u_ev", "quantity"], sort=False):
        by_source = {row["source"]: row for row in mine.to_dict("records")}
        line: list[Any] = [cell(label_of(str(quantity)), f"U = {u_ev:g} eV")]
        for source in sources:
            if source == "extrapolation" and source not in by_source:
                line.append(DASH)  # a slope is not extrapolated
                continue
            row = by_source.get(source, {"standard_error": None, "share": None, "unit": ""})
            error = number(row["standard_error"], "1", 2)
            line.append(cell(f"{error} {row['unit']}" if error != DASH else DASH, _part(row)))
        lines.append(line)
    return grid(["quantity", *sources], lines, "Standard error by source, its share of the "
                "variance, and the 95 % interval of the error itself where few members show it. "
                "Disorder: replicas; potential: seeds that drove runs; extra: beyond these; "
                "extrapolation is a part of the total. “ln”: an error of the natural logarithm; "
                "0.10 ln is a tenth of the value.")


def _part(row: Row) -> str:
    """Return share, members and interval of one part of an error."""
    if not known(row["share"]):
        return "one member only"
    ends = (f"[{number(row['low_95'], '1', 2)}, {number(row['high_95'], '1', 2)}]"
            if known(row.get("low_95"), row.get("high_95")) else "")
    members = f"{row['members']:.0f} members" if known(row.get("members")) else ""
    return ", ".join(part for part in (percent(row["share"]), members, ends) if part)


def plan_grid(tables: Tables) -> Block | None:
    """Return how much longer to simulate for the interval wanted."""
    table = tables["plan"]
    table = table[table["quantity"].isin(["sigma_total", "d_self"])] if len(table) else table
    if table.empty:
        return None
    lines = []
    for row in table.sort_values(["u_ev", "quantity", "temperature_k"]).to_dict("records"):
        now = f"± {percent(row['half_width_now'])}" if known(row["half_width_now"]) else DASH
        lines.append([cell(label_of(row["quantity"]), f"U = {row['u_ev']:g} eV, "
                           f"{row['temperature_k']:g} K"),
                      number(row["have_ns"], "ns", 3), now,
                      f"± {percent(row['half_width_wanted'])}",
                      number(row["more_ns"], "ns", 3), number(row["device_hours"], "h", 3),
                      row["note"]])
    return grid(["quantity", "have", "interval now", "wanted", "more", "hours on this hardware",
                 "note"], lines, "What a narrower interval would take, all runs together.")


def line_plan_grid(tables: Tables) -> Block | None:
    """Return at which temperature further time narrows the conductivity at 298 K the soonest."""
    table = tables["plan"]
    table = table[table["quantity"].astype(str).str.endswith(AT_298)]
    if table.empty:
        return None
    lines = []
    for (u_ev, quantity), mine in table.groupby(["u_ev", "quantity"]):
        rows = sorted(mine.to_dict("records"), key=lambda row: row["temperature_k"])
        now, wanted = (rows[0][name] for name in ("half_width_now", "half_width_wanted"))
        least, elsewhere = (_least_time(rows) if now > wanted else
                            (cell(rows[0]["note"], number(rows[0]["device_hours"], "h", 2)), ""))
        factors = (f"a factor of {number(math.exp(width), '1', 2)}" for width in (now, wanted))
        lines.append([cell(label_of(str(quantity)), f"U = {u_ev:g} eV"), *factors, least,
                      elsewhere])
    return grid(["quantity", "interval now", "wanted", "the least more time", "elsewhere"], lines,
                "What a narrower interval at 298 K would take, were all further time spent at one "
                "temperature, in as many draws of the disorder as now: by the line's covariance, "
                "the noise of a jump and the line of the jump rates. At a temperature without "
                "runs in the line each run has to be long enough to be diffusive, too: that is "
                "part of the time.")


def _least_time(rows: list[Row]) -> tuple[str | dict[str, str], str]:
    """Return, of a plan's rows by temperature, the one of least time, and the others in words."""
    reached = sorted((row for row in rows if known(row["more_ns"])), key=lambda row: row["more_ns"])
    texts = [f"{number(row['more_ns'], 'ns', 2)} at {row['temperature_k']:g} K" for row in reached]
    never = [row["temperature_k"] for row in rows if not known(row["more_ns"])]
    words = texts[1:4]
    if never:
        every = len(never) > 1 and never == [row["temperature_k"] for row in rows[-len(never):]]
        where = (f"{never[0]:g} K or above" if every
                 else ", ".join(f"{kelvin:g}" for kelvin in never) + " K")
        words.append(f"not at {where} alone")
    least = cell(texts[0], number(reached[0]["device_hours"], "h", 2)) if reached else DASH
    return least, "; ".join(words)
