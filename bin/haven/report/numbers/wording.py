"""The report's words: names of quantities, verdicts and reasons, numbers in their units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from haven.core.numbers import DASH, bound, interval, known, number, percent
from haven.core.types import Row, Table, Tables
from haven.dynamics.trust import LIMIT
from haven.potential.gate import BEYOND, UNCALIBRATED, Gate
from haven.report.numbers.comparison import limit_words
from haven.report.numbers.measured import TRACER_LINE, headline
from haven.report.numbers.soundness import reservations
from haven.transport.fits.standing import AGAINST, CURVED, is_curved

LABELS = {
    "d_self": "D self", "d_total": "D total", "sigma_total": "σ from D total",
    "sigma_self": "σ from D self", "haven_ratio": "Haven ratio",
    "activation": "activation energy of σ",
    "sigma_total from the Arrhenius line": "σ at 298 K, Arrhenius line",
    "activation of sigma_self": "activation energy of σ from D self",
    "sigma_self from the Arrhenius line": "σ from D self at 298 K, Arrhenius line",
    "energy_mae": "energy MAE", "energy_rmse": "energy RMSE", "force_mae": "force MAE",
    "force_rmse": "force RMSE", "cost_ratio": "AIMD's cost over the potential's",
}
PLAIN = {"d_self": "D_self", "d_total": "D_total", "sigma_total": "sigma", "sigma_self":
         "sigma_self", "haven_ratio": "H_R", "activation": "Ea",
         "sigma_total from the Arrhenius line": "sigma (fit)",
         "activation of sigma_self": "Ea, D_self",
         "sigma_self from the Arrhenius line": "sigma_self (fit)"}
WORDS = {
    "diffusive": "diffusive", "subdiffusive": "not diffusive yet", "unstable": "run not stable",
    "not_stationary": "run not stationary",
    "too_few_events": "too few hops", "not_measured": "not measured", "agrees": "agrees",
    "differs": "differs", "too_wide": "too wide to tell",
    "too_few_temperatures": "too few temperatures", "no_host": "no host, or not all mobile ions",
    "drifting": "ions drift together",
    "no_interval": "no interval, not judged", "not_sound": "settles nothing",
    "as_machines": f"differs by less than {limit_words('cost_ratio')}, as machines and codes do",
    "": "", **AGAINST,
}
WHY = {
    "subdiffusive": "The mean-square displacement does not grow in proportion to time within the "
                    "run, so only an upper bound is supported; longer runs are needed",
    "too_few_events": "Too few hops were seen for a number; longer or larger runs are needed",
    "too_few_temperatures": "Fewer than three temperatures have a number to fit a line to",
    "no_host": "The trajectory holds the mobile ions alone, or some of them were followed, so how "
               "they move together, relative to the host, is not known; save all atoms",
    "drifting": "The mobile ions moved all together farther than diffusion takes them: they drift "
                "against the frame of reference, which longer runs do not mend",
    "not_stationary": "The energies or jump rates of a run's halves differ by more than "
                      "fluctuations of equilibrium do; anneal longer, or run longer",
    "unstable": "A run did not stay a stable crystal at the set temperature",
    "not_measured": "Not computed in this run",
}


IN_THOUSANDTHS = {"eV/atom": "meV/atom", "eV/Angstrom": "meV/Angstrom"}
"""Units of tables for errors of energies and forces, and those in which the page has them all."""
MILLI = 1000.0


def as_shown(row: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Return a row of an error of energies or forces in meV, as figures have it; others as is.

    Parameters
    ----------
    row
        With ``unit``.
    names
        Columns in that unit.
    """
    unit = IN_THOUSANDTHS.get(str(row["unit"]))
    if unit is None:
        return dict(row)
    return {**row, "unit": unit, **{name: MILLI * row[name] for name in names
                                    if known(row.get(name))}}


def shown(row: Row, plain: bool = False) -> str:
    """Return a number with interval and unit, a bound, or a dash."""
    row = as_shown(row, "value", "low_95", "high_95")
    value, low, high = (_float(row[name]) for name in ("value", "low_95", "high_95"))
    if value is not None and known(value):
        return interval(value, low, high, str(row["unit"]), plain)
    return bound(high, str(row["unit"]), plain)


def _float(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None


def comparison_value(row: Mapping[str, Any]) -> str:
    """Return Haven's number of a comparison: with interval, as a bound, or marked as alone."""
    if known(row["value"]) and not known(row["low_95"], row["high_95"]):
        row = as_shown(row, "value")
        digits = 5 if str(row["quantity"]).startswith("lattice_") else 3  # as Table II
        return number(row["value"], row["unit"], digits)
    if row["low_95"] == row["high_95"]:
        row = as_shown(row, "value")
        return number(row["value"], row["unit"])
    return shown(row)  # type: ignore[arg-type]


def comparison_words(row: Mapping[str, Any]) -> str:
    """Return a comparison's verdict, and of a number that has no interval what it is of."""
    if row["verdict"] == "not_measured" and known(row["high_95"]):
        return "a bound, which leaves it open"
    words = WORDS.get(row["verdict"], row["verdict"])
    if row.get("doubtful") and row["verdict"] in ("agrees", "differs"):
        return f"{words}{' with' if words == 'agrees' else ' from'} the value as printed"
    if row["verdict"] == "too_wide":
        return f"{words}: wider than {limit_words(str(row['quantity']))}"
    if row["verdict"] == "not_sound" and row["note"]:
        return f"{words}: {str(row['note']).partition('; ')[0]}"
    return f"{words}; {row['note']}" if row["verdict"] == "no_interval" and row["note"] else words


def where_words(row: Mapping[str, Any]) -> str:
    """Return where a number is from: the Arrhenius line, or a temperature; empty if neither."""
    if "Arrhenius" in str(row["quantity"]):
        return "from the Arrhenius line" if known(row["value"]) else "no Arrhenius line"
    at = row["temperature_k"]
    return f"at {float(str(at)):g} K" if known(at) else ""


def published_text(row: Mapping[str, Any]) -> str:
    """Return a published value, marked where the printed one is doubtful."""
    row = as_shown(row, "published")
    return number(row["published"], str(row["unit"])) + (" (?)" if row["doubtful"] else "")


def source_name(source: str) -> str:
    """Return a work's name from a source: ``Selvaraj 2024`` of ``Selvaraj 2024, Table II``."""
    return source.partition(",")[0].strip()


def verdict_words(verdict: object) -> str:
    """Return a verdict, or several joined by commas, in words."""
    return ", ".join(WORDS.get(part, part) for part in str(verdict or "").split(", "))


def verdict_text(row: Mapping[str, Any]) -> str:
    """Return a verdict in words, and how often a run's calibrated force error is too large."""
    words = ", ".join(reservations(row)) or verdict_words(row["verdict"])
    share = row.get("beyond")
    if share is None or not known(share) or share <= LIMIT:
        return words
    return f"{words}; force error beyond window in {percent(share)} of frames".removeprefix("; ")


BEFORE_RUNS = ("MINIMISE", "ANNEAL", "EQUILIBRATE_CELL")
"""Stages without whose structure or cell no run starts."""


def stopped(verdicts: Table) -> list[str]:
    """Return what the stages before the runs failed at: ``subject: message`` of each verdict."""
    failed = verdicts[verdicts["stage"].isin(BEFORE_RUNS) & ~verdicts["passed"].astype(bool)]
    return [f"{row['subject']}: {row['message']}" for row in failed.to_dict("records")]


def summary(measured: Table, missing: list[str], verdicts: Table) -> str:
    """Return the headline and D_self at each temperature as a plain table for a terminal.

    Each number stands with its interval, unit and verdict, per U; runs that are missing are named,
    with what failed before them.

    Parameters
    ----------
    measured
        Rows of table ``comparison`` or ``numbers``, as `headline` takes them.
    missing
        Names of runs that were expected and are not there.
    verdicts
        Table ``verdicts``.
    """
    lines = []
    fitted = ("activation", "sigma_total from the Arrhenius line", *TRACER_LINE)
    rows = sorted(headline(measured), key=lambda row: row["quantity"] not in fitted)
    tracers = measured[measured["quantity"] == "d_self"].sort_values("temperature_k")
    told = {(row["u_ev"], row["temperature_k"]) for row in rows if row["quantity"] == "d_self"}
    more = [row for row in tracers.to_dict("records")
            if (row["u_ev"], row["temperature_k"]) not in told]
    width = max((len(shown(row, plain=True)) for row in rows + more), default=10)
    for u_ev in sorted({float(str(row["u_ev"])) for row in rows}):
        lines.append(f"U = {u_ev:g} eV")
        for row in (r for r in rows + more if r["u_ev"] == u_ev):
            at = row["temperature_k"]
            where = f"{PLAIN[str(row['quantity'])]}" + (
                f" at {at:g} K" if isinstance(at, float) and known(at) else "")
            text = shown(row, plain=True).replace(DASH, "-")
            lines.append(f"  {where:<27}{text:<{width + 2}}{verdict_text(row)}".rstrip())
    if missing:
        lines.append(f"Missing runs: {', '.join(missing)}")
        lines += [f"  {line}" for line in stopped(verdicts)]
    return "\n".join(lines or ["No transport number was computed."]) + (
        "\nIntervals are 95 %; \"<\" is an upper bound; \"-\" means the data support no number.")


def unsupported(rows: list[Row]) -> list[str]:
    """Return sentences on the headline's rows that have no number, and why."""
    reasons: dict[tuple[str, str, str], list[str]] = {}
    for row in rows:
        value, verdict = _float(row["value"]), str(row["verdict"])
        if value is not None and known(value):
            continue
        note = f" ({row['note']})" if row["note"] and verdict != "not_measured" else ""
        at = None if "Arrhenius" in str(row["quantity"]) else row["temperature_k"]
        where = f"{row['u_ev']:g} eV" + (
            f" at {at:g} K" if isinstance(at, float) and known(at) else "")
        reasons.setdefault((where, verdict, note), []).append(LABELS[str(row["quantity"])])
    return [f"U = {where}: {', '.join(names)}. {WHY.get(verdict, WORDS.get(verdict, verdict))}"
            f"{note}." for (where, verdict, note), names in reasons.items()]


def doubts(tables: Tables, gates: Mapping[float, Gate]) -> list[str]:
    """Return sentences on numbers that stand but should not be leant on."""
    sentences = []
    for u_ev in sorted(set(tables["arrhenius"]["u_ev"])):
        curved: dict[str, list[str]] = {}
        for name, p in curved_lines(tables["arrhenius"], u_ev).items():
            curved.setdefault(f"{p:.2g}", []).append(LABELS.get(name, name))
        sentences += [f"U = {u_ev:g} eV: {' and '.join(names)} against temperature: "
                      f"{AGAINST[CURVED]} (p = {p}), so one activation energy does not describe "
                      "it, and 298 K cannot be told from it." for p, names in curved.items()]
    sentences += _at_rest(tables)
    for u_ev, mine in tables["runs"].groupby("u_ev"):
        found = mine["trust"].value_counts()
        gate = gates.get(float(str(u_ev)))
        if mine["trust"].isna().all():
            sentences.append(f"U = {u_ev:g} eV: one potential alone drove the runs, so nothing "
                             "tells whether they stayed where it was trained.")
        if found.get(BEYOND):
            shares = _shares(mine[mine["trust"] == BEYOND])
            sentences.append(f"U = {u_ev:g} eV: in {found[BEYOND]} of {len(mine)} runs more than "
                             f"{percent(LIMIT)} of the frames ({shares}) have a calibrated "
                             "force error beyond the window (force_window_ev_per_angstrom, the "
                             f"error up to which an atom counts as trained)"
                             f"{_of_held_out(mine, gate)}; label such frames (to_label/).")
        if found.get(UNCALIBRATED):
            why = gate.reason if gate and gate.reason else "no held-out frames of this U are known"
            sentences.append(f"U = {u_ev:g} eV: whether {found[UNCALIBRATED]} of {len(mine)} runs "
                             "stayed where the potential was trained cannot be said, for its error "
                             f"is not calibrated well enough: {why}.")
    return sentences


def curved_lines(fits: Table, u_ev: float) -> dict[str, float]:
    """Return the quantities of a U whose Arrhenius line is curved, with the p value of each.

    Parameters
    ----------
    fits, u_ev
        Table ``arrhenius``, and U in eV.
    """
    mine = fits[fits["u_ev"] == u_ev]
    return {str(fit["quantity"]): float(fit["curvature_p"]) for fit in mine.to_dict("records")
            if is_curved(fit)}


def _shares(runs: Table) -> str:
    """Return the least and the largest share of frames beyond the window of some runs."""
    low, high = (percent(float(end)) for end in (runs["share_beyond_window"].min(),
                                                 runs["share_beyond_window"].max()))
    return low if low == high else f"{low} to {high}"


def _of_held_out(runs: Table, gate: Gate | None) -> str:
    """Return how often as many atoms of held-out labels are beyond the window, in words."""
    if gate is None or gate.held_out is None:
        return ""
    atoms = int(runs["atoms"].max())
    *_, high = gate.held_out.share(atoms)
    farther = int((runs["share_beyond_window"] > high).sum())
    words = ("no run is farther from the training than they are" if not farther else
             f"{farther} of the runs went where the potential was not trained")
    return f" ({gate.held_out.share_words(atoms)}; {words})"


RESTS = {
    "pressure": "are not at the pressure asked for: their cells are not at rest, so their numbers "
                "are of a pressed or stretched crystal",
    "stationary": "are not stationary: the mobile ions still rearrange, so they give no number",
    "annealed": "start from mobile ions that did not settle within --anneal_ps",
    "framework": "have framework cations that left their sites",
}


def _at_rest(tables: Tables) -> list[str]:
    """Return a sentence for each U and check of the dynamics' rest that runs failed, with names."""
    sentences = []
    checks = tables["verdicts"]
    for check, words in RESTS.items():
        failed = checks[(checks["check"] == check) & ~checks["passed"].astype(bool)]
        names = failed["subject"].astype(str)
        for u_ev, mine in names.groupby(names.str.split("_").str[0]):
            some = sorted(mine.unique())
            named = ", ".join(some[:6]) + (f" and {len(some) - 6} more" if len(some) > 6 else "")
            sentences.append(f"U = {str(u_ev).removeprefix('u')} eV: {len(some)} of the runs or "
                             f"cells ({named}) {words}.")
    return sentences
