"""Tables and sentences of the page that compares studies."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from haven.core.numbers import DASH, known, number
from haven.core.types import Row, Table
from haven.report.claims.study import at_words
from haven.report.numbers.comparison import of_material, standing_of
from haven.report.numbers.measured import ROOM
from haven.report.numbers.soundness import against_runs
from haven.report.numbers.wording import (
    comparison_words,
    shown,
    source_name,
    verdict_text,
    where_words,
)
from haven.report.page.answer import TRACER, formula_of, tracer_words, weakness
from haven.report.page.grids.base import Block, cell, grid
from haven.report.several.studies import One

AT_ROOM = {"sigma": "σ at 298 K", "activation": "Eₐ of σ"}
OF_RUNS = {"haven_ratio": "Haven ratio", "d_total": "D total", "d_self": "D self"}
QUANTITIES = AT_ROOM | OF_RUNS
NOT_SETTINGS = ("input", "at_once", "outdir", "publish_dir_mode", "checkpoint_dir",
                "checkpoint_minutes", "help")
LONGEST = 160  # letters of a setting's value that are shown
NO_RUN = "nothing computed: no run of it was given"
LARGEST_PLAIN, SMALLEST_PLAIN = 1e4, 1e-3  # of measured values written without a power of ten


def name_of(one: One, reference: Table) -> str:
    """Return what a study is called on the page; one called as its material by the formula."""
    return formula_of(one.material, reference) if one.called_as_material else one.label


def full_name(one: One, reference: Table) -> str:
    """Return a study's name, and its formula in parentheses where it is called otherwise."""
    name, formula = name_of(one, reference), formula_of(one.material, reference)
    return name if name == formula else f"{name} ({formula})"


def measured_rows(material: str, reference: Table, quantity: str) -> list[Row]:
    """Return the rows of the reference on what was measured of a material."""
    rows = of_material(reference, material)
    return rows[(rows["quantity"] == quantity) & rows["measured"]].to_dict("records")


def tied(text: str) -> str:
    """Return a number with its interval so that no line ends inside brackets or a power of ten."""
    held = re.sub(r"\[[^\]]*\]", lambda found: found[0].replace(" ", "\u00a0"), text)
    return held.replace("× 10", "×\u00a010")


def as_printed(entry: Row) -> str:
    """Return a measured value with as many digits as its source prints, and its unit."""
    value, rounding = float(str(entry["value"])), float(str(entry["rounding"]))
    if rounding <= 0 or not SMALLEST_PLAIN <= abs(value) < LARGEST_PLAIN:
        return number(value, str(entry["unit"]))
    digits = max(0, round(-math.log10(2 * rounding)))
    return f"{value:.{digits}f} {entry['unit']}"


def short_answers(studies: Sequence[One], reference: Table) -> list[Block]:
    """Return for each study what was computed and measured at 298 K, and what to make of it.

    Returns
    -------
    list of dict
        ``name`` of the study; ``computed``, a text for each U; ``doubts``, what stands against all
        of them; ``measured``, a text.
    """
    found = []
    for one in studies:
        texts, doubts = [], [set(against_runs(one.tables, u_ev)) for u_ev in one.us]
        common = set.intersection(*doubts) if doubts else set[str]()
        for u_ev in one.us:
            row = one.row("sigma", u_ev)
            text = DASH if row is None else shown(row)
            why = [weakness(row), *(words for words in against_runs(one.tables, u_ev)
                                    if words not in common)]
            why = [words for words in why if words and text != DASH]
            texts.append(f"U = {u_ev:g} eV: " + ("no number" if text == DASH else tied(text))
                         + (f" ({', '.join(why)})" if why else ""))
        real = [f"{as_printed(row)}{at_words(row)} ({source_name(str(row['source']))})"
                for row in measured_rows(one.material, reference, "sigma_total")]
        found.append({"name": full_name(one, reference), "computed": texts,
                      "doubts": " and ".join(sorted(common)),
                      "measured": "; ".join(real) or "no value in the folder of published values"})
    return found


def ranking(studies: Sequence[One], reference: Table) -> str:
    """Return in a sentence which material conducts better at 298 K, where the runs can tell.

    They can where the 95 % intervals of all values of U of all studies of two materials lie apart
    in one direction, and nothing stands against any of the numbers.
    """
    ends: dict[str, list[tuple[float, float]] | None] = {}
    for one in studies:
        formula = formula_of(one.material, reference)
        if not one.computed:
            continue
        for u_ev in one.us:
            row = one.row("sigma", u_ev)
            sound = (row is not None and known(row["value"], row["low_95"], row["high_95"])
                     and not weakness(row) and not against_runs(one.tables, u_ev))
            mine = ends.setdefault(formula, [])
            if not sound or mine is None or row is None:
                ends[formula] = None
            else:
                mine.append((float(row["low_95"]), float(row["high_95"])))
    if len(ends) < 2:
        return ""
    better = [f"{a} conducts better than {b}" for a, mine in ends.items() for b, theirs
              in ends.items() if mine and theirs and min(low for low, _ in mine)
              > max(high for _, high in theirs)]
    if better:
        return f"At 298 K, by these runs: {'; '.join(better)}."
    open_ = [formula for formula, mine in ends.items() if mine is None]
    why = (f"the numbers of {' and '.join(open_)} may not be trusted yet, for the reasons given "
           "above" if open_ else "their intervals overlap")
    return (f"Which of {' and '.join(ends)} conducts better at 298 K can't be told from these "
            f"runs: {why}.")


def shared_kelvin(studies: Sequence[One]) -> float | None:
    """Return the temperature nearest to 298 K at which all studies have D and Haven ratio, K.

    None where there is no such temperature; each study's own nearest to 298 K is then shown.
    """
    common: set[float] | None = None
    for one in studies:
        for u_ev in one.us:
            mine = [{float(row["temperature_k"]) for row in one.study.found(quantity, u_ev)
                     if known(row["value"], row["low_95"], row["high_95"], row["temperature_k"])}
                    for quantity in OF_RUNS]
            if any(mine):  # others have no number anyway
                here = set.intersection(*mine)
                common = here if common is None else common & here
    return min(common or [], key=lambda kelvin: abs(kelvin - ROOM), default=None)


def numbers_grid(studies: Sequence[One], reference: Table) -> Block:
    """Return the numbers of every study and U with intervals and verdicts.

    Conductivity and activation energy are of 298 K; what runs give is of one temperature for all
    studies, where they have one.
    """
    kelvin = shared_kelvin(studies)
    lines = []
    for one in studies:
        name = name_of(one, reference)
        formula = formula_of(one.material, reference)
        if not one.computed:
            lines.append([cell(name, NO_RUN), *[DASH] * len(QUANTITIES)])
        for u_ev in one.us:
            of = [formula] * (name != formula) + [f"U = {u_ev:g} eV"]
            doubts = against_runs(one.tables, u_ev)
            below = ", ".join(of) + (f": {', '.join(doubts)}" if doubts else "")
            lines.append([cell(name, below),
                          *(_shown(one.row(name, u_ev), one.row(TRACER.get(name, ""), u_ev))
                            for name in AT_ROOM),
                          *(_shown(one.row(name, u_ev, kelvin), None, kelvin is not None)
                            for name in OF_RUNS)])
    at = f" at {kelvin:g}\u00a0K" if kelvin else ""
    same = (f"Haven ratio, D total and D self: at {kelvin:g} K, the temperature nearest to 298 K "
            "at which all studies have them." if kelvin else
            "Haven ratio, D total and D self: at each study's temperature nearest to 298 K; the "
            "studies have none in common.")
    return grid(["study", *AT_ROOM.values(), *(f"{name}{at}" for name in OF_RUNS.values())], lines,
                "95 % intervals in brackets; < marks an upper bound; – means the data support no "
                "number. Below each: verdict. Below a study's name: what stands against all of its "
                f"numbers. σ: of runs at 298 K, else from the Arrhenius line. {same}")


def _shown(row: Row | None, tracer: Row | None, said: bool = False) -> str | dict[str, str]:
    """Return a number for a cell; the temperature below it, unless it is ``said`` elsewhere."""
    if row is None:
        return cell(DASH, "not computed")
    parts = (verdict_text(row), "" if said else where_words(row), tracer_words(tracer))
    return cell(tied(shown(row)), ", ".join(text for text in parts if text))


def experiment_grid(studies: Sequence[One], reference: Table) -> Block | None:
    """Return each measured number beside every study of its material, with a verdict."""
    lines = []
    for one in studies:
        formula = formula_of(one.material, reference)
        for name, quantity in (("sigma", "sigma_total"), ("activation", "activation")):
            for entry in measured_rows(one.material, reference, quantity):
                doubt = " (?)" if entry["doubtful"] else ""
                real = cell(as_printed(entry) + doubt, str(entry["source"]))
                what = f"{QUANTITIES[name]} of {formula}"
                if not one.computed:
                    lines.append([what, DASH, NO_RUN, real])
                for u_ev in one.us:
                    own = name_of(one, reference)
                    of = [own] * (own != formula) + [f"U = {u_ev:g} eV"]
                    row = one.row(name, u_ev)
                    lines.append([cell(what, ", ".join(of)), tied(shown(row)) if row else DASH,
                                  _against(one, u_ev, row, entry), real])
    if not lines:
        return None
    return grid(["quantity", "Haven", "verdict", "measured"], lines,
                "Agrees: the interval meets the measured value and is narrow enough to tell; "
                "settles nothing: the number is hardly known, of a curved line, of runs too short, "
                "or of runs that may not be trusted. (?) marks a value that is doubtful where it "
                "was printed.")


def _against(one: One, u_ev: float, row: Row | None, entry: Row) -> str:
    """Return how Haven's number stands to a measured one, in words."""
    spread = entry["uncertainty"] if known(entry["uncertainty"]) else entry["rounding"]  # type: ignore[arg-type]
    against = [text for text in (weakness(row), *against_runs(one.tables, u_ev))
               if text] if row else []
    value, low, high = (_real(row, name) for name in ("value", "low_95", "high_95"))
    verdict = standing_of(value, low, high, float(str(entry["value"])), float(str(spread)),
                          str(entry["quantity"]), sound=not against)
    words = "not computed" if row is None else comparison_words({
        "quantity": entry["quantity"], "verdict": verdict, "high_95": high, "note": ""})
    return "; ".join(text for text in (words, *against) if text)


def _real(row: Row | None, name: str) -> float | None:
    value = None if row is None else row[name]
    return float(str(value)) if known(value) else None  # type: ignore[arg-type]


def basis_grid(studies: Sequence[One], reference: Table) -> Block:
    """Return what each study rests on: atoms, temperatures, lengths and draws of the disorder."""
    lines = []
    for one in studies:
        runs, name = one.tables["runs"], name_of(one, reference)
        if not one.computed:
            lines.append([cell(name, NO_RUN), *[DASH] * 5])
        for u_ev in one.us:
            mine = runs[runs["u_ev"] == u_ev]
            below = f"U = {u_ev:g} eV"
            if mine.empty:
                lines.append([cell(name, f"{below}: the folder does not say its runs"),
                              *[DASH] * 5])
                continue
            kelvin = sorted({float(t) for t in mine["temperature_k"]})
            lines.append([cell(name, below), str(len(mine)), _span(mine["atoms"]),
                          ", ".join(f"{t:g}" for t in kelvin), _span(mine["duration_ps"]),
                          str(mine["replica"].nunique())])
    return grid(["study", "runs", "atoms", "temperatures (K)", "length of a run (ps)",
                 "draws of the disorder"], lines,
                "What differs here may be why numbers differ: a line from hot and short runs tells "
                "little of 298 K, and one draw of the disorder says nothing of others.")


def _span(values: Table) -> str:
    low, high = float(values.min()), float(values.max())
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def settings_grid(studies: Sequence[One], reference: Table) -> Block | None:
    """Return the settings that differ, by parameter; None where nobody says any."""
    studies = [one for one in studies if one.computed]
    told = [one for one in studies if one.parameters]
    if not told:
        return None
    names = sorted({name for one in told for name in one.parameters} - set(NOT_SETTINGS))
    lines = [[name, *(_short(one.parameters.get(name, "not set")) if one.parameters else DASH
                      for one in studies)]
             for name in names
             if len({one.parameters.get(name, "not set") for one in told}) > 1]
    made = [["made by", *("; ".join(one.made_by) for one in studies)]]
    if len({one.made_by for one in studies}) > 1:
        lines = made + lines
    same = sum(len({one.parameters.get(name) for one in told}) == 1 for name in names)
    words = (f"Settings that differ; {same} others are the same. –: the folder does not say its "
             "settings." if len(told) > 1 else "One folder alone says its settings, so they can't "
             "be compared.")
    return grid(["setting", *(name_of(one, reference) for one in studies)], lines, words)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def checks_grid(studies: Sequence[One], reference: Table) -> Block:
    """Return how many checks each study failed, and which."""
    lines = []
    for one in studies:
        table, name = one.tables["verdicts"], name_of(one, reference)
        if not one.computed:
            continue
        if table.empty:
            lines.append([name, DASH, "no checks in the folder"])
            continue
        bad = table[~table["passed"].astype(bool)]
        kinds = bad.groupby("check").size().sort_values(ascending=False)
        words = ", ".join(f"{name} ({count})" for name, count in kinds.items())
        lines.append([name, f"{len(bad)} of {len(table)}", words or "none"])
    return grid(["study", "checks failed", "which"], lines,
                "What failed in a study limits what its numbers mean; its own report says why.")


def source_lines(
    studies: Sequence[One], reference: Table, cited: Sequence[dict[str, str]]
) -> list[str]:
    """Return the works that the measured values on the page are from, as references.

    Parameters
    ----------
    studies, reference
        What is compared, and the published values.
    cited
        Rows of ``citations.csv``: name, reference, doi, role.
    """
    said = [str(row["source"]) for one in studies for quantity in ("sigma_total", "activation")
            for row in measured_rows(one.material, reference, quantity)]
    works = {row["name"]: row for row in cited}
    named = [name for name in works if any(name in text for text in said)]
    return [f"{name}: {works[name]['reference']}"
            + (f", doi:{works[name]['doi']}" if works[name]["doi"] not in ("", "unknown") else "")
            for name in named] + sorted({text for text in said
                                         if not any(name in text for name in named)})
