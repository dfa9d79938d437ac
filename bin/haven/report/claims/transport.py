"""Claims on how ions move: concerted motion, conductivity, activation, paths, barriers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from haven.core.numbers import known, number
from haven.core.types import Row, Table
from haven.report.claims.study import (
    CONTRADICTED,
    OPEN,
    ROOM,
    SUPPORTED,
    Study,
    at_words,
    claim_row,
    is_far,
    judged_claim,
    published_for,
)
from haven.report.numbers.soundness import reservations

SAME_K = 1.0  # K: a conductivity further away is none at 298 K
LEAST_JUMPS = 30  # jumps below which a share of them says little (half width 0.18 at one half)
FINE_PS = 0.1  # ps between frames above which passages through a tetrahedron are missed
RUN = ["u_ev", "temperature_k", "replica", "seed"]  # what tells runs of a material apart
MAINLY = 0.5  # share of the jumps above which they are "mainly" of one kind


def anti_correlation_claims(study: Study) -> Iterator[Row]:
    """Yield, for each U, the row on whether D_self exceeds D_total."""
    says = f"{study.ions} moves anti-correlated: D self exceeds D total"
    for u_ev in study.us:
        if (published := study.published("haven_ratio", u_ev, False)) is None:
            return
        row = next(iter(study.found("haven_ratio", u_ev)), None)
        if row is None or not known(row["value"], row["low_95"], row["high_95"]):  # type: ignore[arg-type]
            verdict, why = OPEN, "no Haven ratio: too few hops, or not computed"
        else:
            low, high = float(str(row["low_95"])), float(str(row["high_95"]))
            if low <= 1 <= high:
                verdict, why = OPEN, f"the interval{at_words(row)} holds 1 (independent ions)"
            elif against := reservations(row):
                verdict, why = OPEN, (f"{'above' if low > 1 else 'below'} 1{at_words(row)}, but "
                                      f"settles nothing: {', '.join(against)}")
            elif is_far(row):
                side = "above" if low > 1 else "below"
                verdict = OPEN
                why = f"{side} 1{at_words(row)}, but nothing is known near {ROOM:g} K"
            else:
                verdict = SUPPORTED if low > 1 else CONTRADICTED
                why = f"the interval{at_words(row)} lies {'above' if low > 1 else 'below'} 1"
        yield claim_row("anti_correlation", says + published_for(published, u_ev), u_ev, published,
                        None, row, "1", verdict, why)


def haven_ratio_claims(study: Study) -> Iterator[Row]:
    """Yield, for each U, the row on the value of the Haven ratio."""
    for u_ev in study.us:
        if (published := study.published("haven_ratio", u_ev, False)) is None:
            return
        says = (f"the Haven ratio is about {number(published['value'])} at {ROOM:g} K"  # type: ignore[arg-type]
                f"{published_for(published, u_ev)}")
        row = next(iter(study.found("haven_ratio", u_ev)), None)
        verdict, why = judged_claim(row, published)
        if row is not None and is_far(row) and verdict != OPEN:
            held = "holds" if verdict == SUPPORTED else "excludes"
            verdict = OPEN
            why = f"the interval{at_words(row)} {held} it, but nothing is known near {ROOM:g} K"
        yield claim_row("haven_ratio", says, u_ev, published, None, row, "1", verdict, why)


def interstitial_claims(study: Study) -> Iterator[Row]:
    """Yield the rows on jumps by way of interstitial sites, within and between layers."""
    if study.published("haven_ratio", None, False) is None:
        return
    for kind, where in (("intra_layer", "within a layer"), ("inter_layer", "between layers")):
        for u_ev in study.us:
            counted = of_sound_runs(study.tables["interstitial"], study.tables["runs"])
            ours, verdict, why = interstitial(counted, u_ev, kind)
            says = f"{study.ions} moves mainly by interstitial hopping, {where}"
            yield claim_row(f"interstitial_{kind}", says, u_ev, None, None, ours, "1", verdict,
                            why)


def of_sound_runs(table: Table, runs: Table) -> Table:
    """Return the rows of a table that are not of runs which melted, drifted or still rearrange.

    Parameters
    ----------
    table
        Any table with U, temperature, replica and seed of runs.
    runs
        The table ``runs``; rows of runs that are not in it stay.
    """
    bad = runs[runs["verdict"] != "stable"]
    if bad.empty or table.empty:
        return table
    left_out, own = (list(some[RUN].astype(float).fillna(-1.0).itertuples(index=False, name=None))
                     for some in (bad, table))
    return table[[key not in set(left_out) for key in own]]


def interstitial(table: Table, u_ev: float, kind: str) -> tuple[Row | None, str, str]:
    """Return the share of the jumps by way of tetrahedra, verdict and reason.

    Parameters
    ----------
    table
        Table ``interstitial``.
    u_ev
        Whose runs, all temperatures together, eV.
    kind
        ``intra_layer`` or ``inter_layer``.
    """
    from haven.core.statistics import share_interval

    mine = table[(table["u_ev"] == u_ev) & (table["kind"] == kind)]
    jumps, via = int(mine["jumps"].sum()), int(mine["jumps_via"].sum())
    if not jumps:
        return None, OPEN, "no such jump was seen, or jumps were not analysed"
    low, high = share_interval(via, jumps)
    ours: Row = {"value": via / jumps, "low_95": low, "high_95": high,
                 "temperature_k": None}
    seen = (f"{via} of {jumps} jumps by way of a tetrahedron of anions that is no cation site, all "
            "temperatures together")
    if jumps < LEAST_JUMPS:
        return ours, OPEN, f"{seen}: fewer than {LEAST_JUMPS} jumps"
    if low > MAINLY:
        return ours, SUPPORTED, seen
    if high >= MAINLY:
        return ours, OPEN, f"{seen}: the interval holds one half"
    if (mine["frame_ps"] > FINE_PS).any():
        return ours, OPEN, f"{seen}: frames further than {FINE_PS:g} ps apart miss quick passages"
    return ours, CONTRADICTED, seen


def sigma_claims(study: Study) -> Iterator[Row]:
    """Yield the rows on the conductivity at 298 K beside published and measured ones."""
    return _beside_measured(study, "sigma", "sigma_total", f"the conductivity at {ROOM:g} K is",
                            "mS/cm", sigma_at_room)


def activation_claims(study: Study) -> Iterator[Row]:
    """Yield the rows on the activation energy beside published and measured ones."""
    return _beside_measured(
        study, "activation", "activation", "the activation energy of the conductivity is", "eV",
        lambda study, u_ev: next(iter(study.found("activation", u_ev)), None))


def _beside_measured(
    study: Study, claim: str, quantity: str, says: str, unit: str,
    own: Callable[[Study, float], Row | None],
) -> Iterator[Row]:
    """Yield for each U a claim on one number, which was measured, too.

    Parameters
    ----------
    study, claim, quantity
        What is judged, the claim's name, and its quantity in the reference.
    says, unit
        What the study says, up to the number, and the number's unit.
    own
        What returns Haven's row of a U.
    """
    measured = study.published(quantity, None, True)
    for u_ev in study.us:
        if (published := study.published(quantity, u_ev, False)) is None:
            return
        words = (f"{says} {number(published['value'])} {unit}"  # type: ignore[arg-type]
                 f"{published_for(published, u_ev)}")
        row = own(study, u_ev)
        verdict, why = judged_claim(row, published)
        yield claim_row(claim, words, u_ev, published, measured, row, unit, verdict, why)


def sigma_at_room(study: Study, u_ev: float) -> Row | None:
    """Return Haven's conductivity at 298 K: of runs there, else from the Arrhenius line."""
    rows = [row for row in study.found("sigma_total", u_ev) if not is_far(row, SAME_K)]
    line = study.found("sigma_total from the Arrhenius line", u_ev)
    with_number = [row for row in [*rows, *line] if known(row["value"])]  # type: ignore[arg-type]
    return next(iter([*with_number, *[r for r in rows if known(r["high_95"])], *line, *rows]),  # type: ignore[arg-type]
                None)


def barriers_claims(study: Study) -> Iterator[Row]:
    """Yield, for each direction and U, the row on the migration barrier."""
    entries = study.reference[study.reference["quantity"].str.startswith("barrier ")].to_dict(
        "records")
    for entry in entries:
        direction = str(entry["quantity"]).removeprefix("barrier ")
        for u_ev in study.us:
            if published_for(entry, u_ev) and any(
                    other["quantity"] == entry["quantity"] and not published_for(other, u_ev)
                    for other in entries):
                continue
            row = next(iter(study.found(str(entry["quantity"]), u_ev)), None)
            verdict, why = judged_claim(row, entry)
            if row is None and (study.tables["barriers"]["direction"] == direction).any():
                why = "every path along it is flagged as another one, or did not converge"
            says = (f"a jump along {direction} has a barrier of {number(entry['value'])} eV"  # type: ignore[arg-type]
                    f"{published_for(entry, u_ev)}")
            yield claim_row(f"barrier {direction}", says, u_ev, entry, None, row, "eV", verdict,
                            why)
