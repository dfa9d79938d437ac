"""The report's first screen: the answer for each U beside the study's and the experiment's."""

from __future__ import annotations

import math

from haven.core.numbers import DASH, known, number
from haven.core.types import Row, Table
from haven.report.claims.study import OPEN, Study
from haven.report.claims.transport import sigma_at_room
from haven.report.numbers.measured import TRACER_LINE
from haven.report.numbers.pressure import pressure_sentence
from haven.report.numbers.soundness import NOT_YET, against_runs, reservations
from haven.report.numbers.wording import shown, source_name, verdict_words, where_words
from haven.report.page.grids.base import Block, cell, grid

NAMES = {"sigma": "σ at 298 K", "activation": "Eₐ of σ", "haven_ratio": "Haven ratio"}
# Rows of the longer study for each of NAMES: the number, and another to be said below it.
LONGER = {"sigma": ("sigma_total", "sigma_self"), "activation": ("activation_total",
          "activation_self"), "haven_ratio": ("haven_ratio", "")}
# Quantities of the line through conductivities from D_self, by the one of NAMES they stand under.
TRACER: dict[str, str] = dict(zip(("activation", "sigma"), TRACER_LINE, strict=True))
CLAIM_WORDS = {"supported": "supported", "contradicted": "contradicted",
               "cannot_be_said": "cannot be said"}
_SUBSCRIPT = str.maketrans("0123456789.", "₀₁₂₃₄₅₆₇₈₉.")


def formula_of(material: str, reference: Table) -> str:
    """Return a material's formula as people write it, ``Li₃TiCl₆``; else its own name.

    Parameters
    ----------
    material
        Name of the material file.
    reference
        Published values, whose systems begin with a formula.
    """
    for system in reference["system"].astype(str):
        first = (system.split() or [""])[0]
        if first.lower() == material.lower():
            return first.translate(_SUBSCRIPT)
    return material


def answer_rows(study: Study, u_ev: float) -> dict[str, Row | None]:
    """Return Haven's conductivity at 298 K, activation energy and Haven ratio of a U."""
    return {"sigma": sigma_at_room(study, u_ev),
            "activation": next(iter(study.found("activation", u_ev)), None),
            "haven_ratio": next(iter(study.found("haven_ratio", u_ev)), None)}


def answer_grid(study: Study) -> Block | None:
    """Return the answer as a table: each U, the study and the experiment down, quantities across.

    Below each of Haven's numbers stands what it rests on.
    """
    if not study.us:
        return None
    own = {u: answer_rows(study, u) for u in study.us}
    if not any(row for rows in own.values() for row in rows.values()):
        return None
    lines = [[f"Haven, U = {u:g} eV", *(
        _own(own[u][name], tracer_of(study, name, u), against_runs(study.tables, u))
        for name in NAMES)] for u in study.us]
    for words, real in (("published study", False), ("experiment", True)):
        theirs = [_theirs(study.published({"sigma": "sigma_total"}.get(name, name), None, real))
                  for name in NAMES]
        if any(text != DASH for text in theirs):
            lines.append([words, *theirs])
    longer = longer_rows(study)
    lines[len(study.us):len(study.us)] = [
        [f"Haven's longer study, U = {u:g} eV", *(_longer(rows, *pair) for pair in LONGER.values())]
        for u, rows in longer.items()]
    return grid(["from", *NAMES.values()], lines,
                "95 % intervals in brackets; < marks an upper bound; – means the data support no "
                "number. Eₐ: of the conductivity itself. The Haven ratio is D self over D total: "
                "1 for ions that move independently. "
                f"{pressure_sentence(study.tables['runs'])}".rstrip()
                + (" The longer study is the one shipped with Haven (assets/study)."
                   if longer else ""))


def longer_rows(study: Study) -> dict[float, dict[str, Row]]:
    """Return for each U what the study shipped with Haven found, by quantity.

    A study whose conductivity is the one of this very run is left out.
    """
    found: dict[float, dict[str, Row]] = {}
    for row in study.longer:
        found.setdefault(float(str(row["u_ev"])), {})[str(row["quantity"])] = row
    own = {u: answer_rows(study, u)["sigma"] for u in study.us}
    return {u: rows for u, rows in sorted(found.items()) if not _same(own.get(u), rows)}


def _same(own: Row | None, rows: dict[str, Row]) -> bool:
    theirs = rows.get("sigma_total")
    if own is None or theirs is None or not known(own["value"], theirs["value"]):  # type: ignore[arg-type]
        return False
    return math.isclose(float(str(own["value"])), float(str(theirs["value"])), rel_tol=1e-3)


def _longer(rows: dict[str, Row], name: str, other: str) -> str | dict[str, str]:
    """Return a number of the longer study; below it the temperature, or the one from D_self."""
    row, second = rows.get(name), rows.get(other)
    if row is None:
        return DASH
    words = reservations(row)
    if second:
        weak = ", ".join(reservations(second))
        words.append(f"from D self {shown(second)}{f' ({weak})' if weak else ''}")
    elif known(row["temperature_k"]):  # type: ignore[arg-type]
        words.append(f"at {float(str(row['temperature_k'])):g} K")
    return cell(shown(row), "; ".join(words))


def longer_lines(study: Study) -> list[str]:
    """Return the longer study's activation energy and conductivity as lines for a terminal."""
    rows = longer_rows(study)
    lines = ["Haven's longer study of this material (assets/study):"] if rows else []
    for u, found in rows.items():
        told = [", ".join([f"{words} {shown(found[name], plain=True)}",
                           *reservations(found[name])]) for words, name in (
            ("Ea", "activation_self"), ("sigma at 298 K", "sigma_self")) if name in found]
        if told:
            lines.append(f"  U = {u:g} eV: {', '.join(told)}, from D_self")
    return lines


def tracer_of(study: Study, name: str, u_ev: float) -> Row | None:
    """Return what the line through conductivities from D_self says of one of NAMES at a U."""
    return next(iter(study.found(TRACER[name], u_ev)), None) if name in TRACER else None


def weakness(row: Row | None) -> str:
    """Return in words why a number that has an interval settles nothing; empty where it does."""
    return "" if row is None or not _has_interval(row) else ", ".join(reservations(row))


def tracer_words(tracer: Row | None) -> str:
    """Return a number from D self with what makes it weak, in words; empty without a number."""
    if tracer is None or not known(tracer["value"]):  # type: ignore[arg-type]
        return ""
    weak = weakness(tracer)
    return f"from D self {shown(tracer)}{f' ({weak})' if weak else ''}"


def standing(row: Row | None, doubts: list[str]) -> str:
    """Return the verdict on one of the answer's numbers in words: `weakness`, else its runs'.

    Parameters
    ----------
    row
        The number's, or None.
    doubts
        What stands against its runs (`against_runs`); a sentence below the answer has the words.
    """
    if row is None:
        return "not computed"
    words = weakness(row) or verdict_words(row["verdict"])
    return f"{words}, {NOT_YET}" if doubts and _has_interval(row) else words


def _own(row: Row | None, tracer: Row | None, doubts: list[str]) -> str | dict[str, str]:
    verdict = standing(row, doubts)
    if row is None:
        return cell(DASH, verdict)
    where = where_words(row) or str(row["note"] or "").partition(";")[0]
    text = ", ".join(text for text in (verdict, where) if text)
    if words := tracer_words(tracer):
        text += f"; {words}"
    return cell(shown(row), text)


def _theirs(row: Row | None) -> str | dict[str, str]:
    if row is None:
        return DASH
    text = number(row["value"], str(row["unit"]))  # type: ignore[arg-type]
    u_ev = row["u_ev"]
    of = f"U = {float(str(u_ev)):g} eV" if known(u_ev) else ""  # type: ignore[arg-type]
    doubt = "printed value doubtful" if row["doubtful"] else ""
    parts = (source_name(str(row["source"])), of, doubt)
    return cell(text, ", ".join(part for part in parts if part))


def plain_sentence(study: Study, formula: str) -> str:
    """Return the conductivity at 298 K in one sentence: number, interval, verdict; and measured."""
    parts = []
    for u_ev in study.us:
        row = answer_rows(study, u_ev)["sigma"]
        verdict = standing(row, against_runs(study.tables, u_ev))
        text = DASH if row is None else shown(row)
        if row is not None and known(row["value"], row["low_95"], row["high_95"]):  # type: ignore[arg-type]
            text += " (95 % interval)"
        parts.append(f"U = {u_ev:g} eV {'no number' if text == DASH else text}, {verdict}")
    real = study.published("sigma_total", None, True)
    measured = f" Measured: {number(real['value'], str(real['unit']))}." if real else ""  # type: ignore[arg-type]
    return f"σ of {formula} at 298 K: {'; '.join(parts)}.{measured}" if parts else ""


def trusted_sentence(study: Study) -> str:
    """Return in one sentence which of the answer's numbers may be trusted."""
    good = []
    for u_ev in study.us:
        if against_runs(study.tables, u_ev):
            continue
        names = [NAMES[name] for name, row in answer_rows(study, u_ev).items()
                 if _has_interval(row) and not weakness(row)]
        if names:
            good.append(f"{', '.join(names)} for U = {u_ev:g} eV")
    if not good:
        return "May be trusted: none of these numbers yet."
    return (f"May be trusted within the intervals: {'; '.join(good)}. The method of the labels is "
            "not in them.")


def doubtful_sentence(study: Study) -> str:
    """Return in one sentence which of the answer's numbers may not be trusted, and why."""
    parts = []
    for u_ev in study.us:
        rows = answer_rows(study, u_ev)
        none = [NAMES[name] for name, row in rows.items() if not _has_interval(row)]
        because = sorted({verdict_words(row["verdict"])
                          for row in rows.values() if row and not _has_interval(row)})
        words = [f"no number to rely on for {', '.join(none)} "
                 f"({'; '.join(because) or 'not computed'})"] if none else []
        weak: dict[str, list[str]] = {}
        for name, row in rows.items():
            if said := weakness(row):
                weak.setdefault(said, []).append(NAMES[name])
        words += [f"{' and '.join(names)} ({said})" for said, names in weak.items()]
        why = " and ".join(against_runs(study.tables, u_ev))
        if why and len(none) < len(rows):
            words.append(why)
        if words:
            parts.append(f"U = {u_ev:g} eV: {', and '.join(words)}")
    if not parts:
        return "Not in the intervals: errors of the functional and of the Hubbard U themselves."
    return f"Not to be trusted yet: {'; '.join(parts)}."


def _has_interval(row: Row | None) -> bool:
    return row is not None and known(row["value"], row["low_95"], row["high_95"])  # type: ignore[arg-type]


def claims_grid(claims: list[Row]) -> Block | None:
    """Return the study's claims: what it says, the experiment's, and for each U verdict and why."""
    if not claims:
        return None
    us = sorted({float(str(row["u_ev"])) for row in claims if known(row["u_ev"])})  # type: ignore[arg-type]
    grouped: dict[tuple[str, str], list[Row]] = {}
    for row in claims:
        grouped.setdefault((str(row["claim"]), str(row["says"])), []).append(row)
    lines = []
    for (_, says), rows in grouped.items():
        by_u = {row["u_ev"]: row for row in rows}
        both = next((row for row in rows if not known(row["u_ev"])), None)  # type: ignore[arg-type]
        lines.append([says, number(rows[0]["experiment"], str(rows[0]["unit"])),  # type: ignore[arg-type]
                      *(_verdict(by_u.get(u) or both) for u in us)])
    return grid(["the study says", "experiment", *(f"Haven, U = {u:g} eV" for u in us)], lines,
                "Supported: the 95 % interval holds what is said and is narrow enough to tell; "
                "contradicted: it excludes it; cannot be said: neither, or the number is hardly "
                "known, of a curved line, of runs too short, or of runs that may not be trusted. "
                "Rules: bin/haven/report/claims.")


def _verdict(row: Row | None) -> str | dict[str, str]:
    """Return a claim's verdict with Haven's number, and below it why."""
    if row is None:
        return DASH
    value = shown(row)
    if value == DASH and known(row["value"]):  # type: ignore[arg-type]
        value = f"{number(row['value'], str(row['unit']))}, without interval"  # type: ignore[arg-type]
    words = CLAIM_WORDS[str(row["verdict"])]
    return cell(words if value == DASH else f"{words}: {value}", str(row["why"]))


def counted(claims: list[Row]) -> str:
    """Return how many claims are supported, contradicted and open, in words."""
    numbers = [sum(row["verdict"] == name for row in claims) for name in CLAIM_WORDS]
    return ", ".join(f"{count} {words}" for count, words in
                     zip(numbers, CLAIM_WORDS.values(), strict=True))


def open_first(claims: list[Row]) -> tuple[list[Row], list[Row]]:
    """Return the claims with a verdict or a number, and those for which nothing was computed."""
    def silent(row: Row) -> bool:
        return row["verdict"] == OPEN and not known(row["value"]) and not known(row["high_95"])  # type: ignore[arg-type]

    return [row for row in claims if not silent(row)], [row for row in claims if silent(row)]
