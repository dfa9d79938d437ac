"""Every claim of the published study, judged by what was computed: rules, one a claim.

A rule sees Haven's number with its interval, the published one and the experiment's, and answers
``supported``, ``contradicted`` or ``cannot_be_said``, with the reason in words.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from haven.core.numbers import interval, known, number
from haven.core.types import Row, Table, Tables
from haven.report.comparison import judge, limit_words, printed_rounding, same_occupancies
from haven.report.measured import JUMPS_ALONE

SUPPORTED, CONTRADICTED, OPEN = "supported", "contradicted", "cannot_be_said"
ROOM = 298.0  # K, of the study's claims on transport
SAME_K = 1.0  # K: a conductivity further away is none at 298 K
NEAR_K = 50.0  # K: Haven ratios further from the claim's temperature do not judge it
LEAST_JUMPS = 30  # jumps below which a share of them says little (half width 0.18 at one half)
FINE_PS = 0.1  # ps between frames above which passages through a tetrahedron are missed
MAINLY = 0.5  # share of the jumps above which they are "mainly" of one kind
BINS_AGREE, BINS_DIFFER = 0.10, 0.25  # share of an RDF's bins whose intervals do not meet
CELL_SHARE = 0.01  # of the volume: a cell nearer than this to the measured one is its like
TRANSPORT = ("anti_correlation", "haven_ratio", "sigma", "activation", "interstitial_intra_layer",
             "interstitial_inter_layer")  # claims that rest on the dynamics


@dataclass(frozen=True)
class Study:
    """What claims are judged by.

    Attributes
    ----------
    tables
        Tables by name.
    measured
        Rows of `haven.report.measured.collect`.
    reference
        Published values of the material.
    experiments
        Names of the sources that measured, as sources begin.
    us
        Values of U, eV.
    dispersion
        Correction of the labels (parameter ``dispersion``); empty where nobody says.
    """

    tables: Tables
    measured: Table
    reference: Table
    experiments: tuple[str, ...]
    us: tuple[float, ...]
    dispersion: str = ""

    def published(self, quantity: str, u_ev: float | None, measured: bool) -> Row | None:
        """Return the published value of a quantity, calculated (for this U) or measured."""
        rows = self.reference[self.reference["quantity"] == quantity]
        for row in rows.to_dict("records"):
            theirs = str(row["source"]).startswith(self.experiments) if self.experiments else False
            fits = u_ev is None or not known(row["u_ev"]) or row["u_ev"] == u_ev
            if theirs == measured and fits and not (row["doubtful"] and len(rows) > 1
                                                    and quantity == "activation"):
                return row
        return None

    def found(self, quantity: str, u_ev: float) -> list[Row]:
        """Return Haven's rows of a quantity, nearest to 298 K first, those with a number before."""
        rows = self.measured[(self.measured["quantity"] == quantity)
                             & (self.measured["u_ev"] == u_ev)].to_dict("records")

        def order(row: Row) -> tuple[bool, float]:
            at = row["temperature_k"]
            away = abs(float(str(at)) - ROOM) if known(at) else 0.0  # type: ignore[arg-type]
            return not known(row["value"], row["low_95"], row["high_95"]), away  # type: ignore[arg-type]

        return sorted(rows, key=order)


def experiments_of(folder: Path) -> tuple[str, ...]:
    """Return the names in ``citations.csv`` whose role says that they measured."""
    path = folder / "citations.csv"
    if not path.exists():
        return ()
    with path.open(encoding="utf-8", newline="") as stream:
        return tuple(row["name"] for row in csv.DictReader(stream)
                     if row["role"].startswith("measured"))


def claim_rows(study: Study, material: str) -> list[Row]:
    """Return the rows of table ``claims``; none where no published study is on file.

    Parameters
    ----------
    study
        What to judge by.
    material
        For the rows.
    """
    rules = (_anti_correlation, _haven_ratio, _interstitial, _sigma, _activation, _barriers, _rdf,
             _volume, _volume_with_u, _cell_at_rest, _cost)
    caveats = {u: caveat(study.tables, u) for u in study.us}
    rows = []
    for rule in rules:
        for row in rule(study):
            words = caveats.get(row["u_ev"]) if row["claim"] in TRANSPORT else ""  # type: ignore[arg-type]
            why = f"{row['why']}; {words}" if words and row["verdict"] != OPEN else row["why"]
            rows.append({"material": material, **row, "why": why})
    return rows


def caveat(tables: Tables, u_ev: float) -> str:
    """Return in words what the dynamics of a U fails in, so that its results are to be doubted."""
    runs = tables["runs"]
    mine = runs[runs["u_ev"] == u_ev]
    found = []
    if len(mine) and (mine["trust"].fillna("") != "trusted").any():
        found.append("the potential's error along the runs is not known to be small")
    checks = tables["verdicts"]
    names = {"pressure": "cells are not at rest", "stationary": "lithium is not stationary"}
    for check, words in names.items():
        rows = checks[(checks["check"] == check) & ~checks["passed"].astype(bool)]
        if rows["subject"].astype(str).str.startswith(f"u{u_ev:g}_").any():
            found.append(words)
    return ("but " + " and ".join(found)) if found else ""


def _row(
    claim: str, says: str, u_ev: float | None, published: Row | None, experiment: Row | None,
    ours: Mapping[str, object] | None, unit: str, verdict: str, why: str,
) -> Row:
    """Return a row but for the material."""
    ours = ours or {}

    def value(row: Mapping[str, object] | None, name: str = "value") -> float | None:
        found = row.get(name) if row else None
        return float(str(found)) if known(found) else None  # type: ignore[arg-type]

    return {"claim": claim, "says": says, "u_ev": u_ev, "published": value(published),
            "experiment": value(experiment), "temperature_k": value(ours, "temperature_k"),
            "value": value(ours), "low_95": value(ours, "low_95"),
            "high_95": value(ours, "high_95"), "unit": unit, "verdict": verdict, "why": why,
            "source": str(published["source"]) if published else ""}


def _at(row: Row) -> str:
    at = row["temperature_k"]
    return f" at {float(str(at)):g} K" if known(at) else ""  # type: ignore[arg-type]


def _text(row: Row) -> str:
    return interval(row["value"], row["low_95"], row["high_95"], str(row["unit"]))  # type: ignore[arg-type]


def _far(row: Row, most_k: float = NEAR_K) -> bool:
    at = row["temperature_k"]
    return known(at) and abs(float(str(at)) - ROOM) > most_k  # type: ignore[arg-type]


def judged(row: Row | None, published: Row) -> tuple[str, str]:
    """Return verdict and reason of a number that is claimed to have a published value.

    Parameters
    ----------
    row
        Haven's, or None.
    published
        Row of the reference.
    """
    if row is None:
        return OPEN, "not computed in this run"
    quantity = str(published["quantity"])
    spread = printed_rounding(number(published["value"]))  # type: ignore[arg-type]
    if known(published.get("rounding")):  # type: ignore[arg-type]
        spread = float(str(published["rounding"]))
    words = judge(row["value"], row["low_95"], row["high_95"],  # type: ignore[arg-type]
                  float(str(published["value"])), spread, quantity)
    note = f" ({row['note']})" if row.get("note") else ""
    if row["verdict"] == JUMPS_ALONE and words in ("agrees", "differs"):
        held = "holds" if words == "agrees" else "excludes"
        return OPEN, f"the interval {held} the published value, but runs are too short{note}"
    if words == "agrees":
        return SUPPORTED, f"the 95 % interval holds the published value{note}"
    if words == "differs":
        bound = not known(row["value"])  # type: ignore[arg-type]
        return CONTRADICTED, (f"even the upper bound is below the published value{note}" if bound
                              else f"the 95 % interval excludes the published value{note}")
    if words == "too_wide":
        return OPEN, (f"the interval holds the published value, but is wider than "
                      f"{limit_words(quantity)}{note}")
    if words == "no_interval":
        return OPEN, f"a number without interval{note}"
    if known(row["high_95"]):  # type: ignore[arg-type]
        return OPEN, f"only an upper bound is supported{note}"
    return OPEN, f"the data support no number{note}"


def _anti_correlation(study: Study) -> Iterator[Row]:
    published = study.published("haven_ratio", None, False)
    if published is None:
        return
    says = "lithium moves anti-correlated: D self exceeds D total"
    for u_ev in study.us:
        row = next(iter(study.found("haven_ratio", u_ev)), None)
        if row is None or not known(row["value"], row["low_95"], row["high_95"]):  # type: ignore[arg-type]
            verdict, why = OPEN, "no Haven ratio: too few hops, or not computed"
        else:
            low, high = float(str(row["low_95"])), float(str(row["high_95"]))
            if low <= 1 <= high:
                verdict, why = OPEN, f"the interval{_at(row)} holds 1 (independent ions)"
            elif _far(row):
                side = "above" if low > 1 else "below"
                verdict, why = OPEN, f"{side} 1{_at(row)}, but nothing is known near {ROOM:g} K"
            else:
                verdict = SUPPORTED if low > 1 else CONTRADICTED
                why = f"the interval{_at(row)} lies {'above' if low > 1 else 'below'} 1"
        yield _row("anti_correlation", says, u_ev, published, None, row, "1", verdict, why)


def _haven_ratio(study: Study) -> Iterator[Row]:
    published = study.published("haven_ratio", None, False)
    if published is None:
        return
    says = f"the Haven ratio is about {number(published['value'])} at {ROOM:g} K"  # type: ignore[arg-type]
    for u_ev in study.us:
        row = next(iter(study.found("haven_ratio", u_ev)), None)
        verdict, why = judged(row, published)
        if row is not None and _far(row) and verdict != OPEN:
            held = "holds" if verdict == SUPPORTED else "excludes"
            verdict, why = OPEN, (f"the interval{_at(row)} {held} it, but nothing is known near "
                                  f"{ROOM:g} K")
        yield _row("haven_ratio", says, u_ev, published, None, row, "1", verdict, why)


def _interstitial(study: Study) -> Iterator[Row]:
    if study.published("haven_ratio", None, False) is None:
        return
    for kind, where in (("intra_layer", "within a layer"), ("inter_layer", "between layers")):
        for u_ev in study.us:
            ours, verdict, why = interstitial(study.tables["interstitial"], u_ev, kind)
            yield _row(f"interstitial_{kind}", f"lithium moves mainly by interstitial hopping, "
                       f"{where}", u_ev, None, None, ours, "1", verdict, why)


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
    from scipy.stats import binomtest

    mine = table[(table["u_ev"] == u_ev) & (table["kind"] == kind)]
    jumps, via = int(mine["jumps"].sum()), int(mine["jumps_via"].sum())
    if not jumps:
        return None, OPEN, "no such jump was seen, or jumps were not analysed"
    ends = binomtest(via, jumps).proportion_ci(0.95, "exact")
    ours: Row = {"value": via / jumps, "low_95": float(ends.low), "high_95": float(ends.high),
                 "temperature_k": None}
    seen = (f"{via} of {jumps} jumps by way of a tetrahedron of anions that is no cation site, all "
            "temperatures together")
    if jumps < LEAST_JUMPS:
        return ours, OPEN, f"{seen}: fewer than {LEAST_JUMPS} jumps"
    if ends.low > MAINLY:
        return ours, SUPPORTED, seen
    if ends.high >= MAINLY:
        return ours, OPEN, f"{seen}: the interval holds one half"
    if (mine["frame_ps"] > FINE_PS).any():
        return ours, OPEN, f"{seen}: frames further than {FINE_PS:g} ps apart miss quick passages"
    return ours, CONTRADICTED, seen


def _sigma(study: Study) -> Iterator[Row]:
    published = study.published("sigma_total", None, False)
    if published is None:
        return
    measured = study.published("sigma_total", None, True)
    says = f"the conductivity at {ROOM:g} K is {number(published['value'])} mS/cm"  # type: ignore[arg-type]
    for u_ev in study.us:
        row = sigma_at_room(study, u_ev)
        verdict, why = judged(row, published)
        yield _row("sigma", says, u_ev, published, measured, row, "mS/cm", verdict, why)


def sigma_at_room(study: Study, u_ev: float) -> Row | None:
    """Return Haven's conductivity at 298 K: of runs there, else from the Arrhenius line."""
    rows = [row for row in study.found("sigma_total", u_ev) if not _far(row, SAME_K)]
    line = study.found("sigma_total from the Arrhenius line", u_ev)
    with_number = [row for row in [*rows, *line] if known(row["value"])]  # type: ignore[arg-type]
    return next(iter([*with_number, *[r for r in rows if known(r["high_95"])], *line, *rows]),  # type: ignore[arg-type]
                None)


def _activation(study: Study) -> Iterator[Row]:
    published = study.published("activation", None, False)
    if published is None:
        return
    measured = study.published("activation", None, True)
    says = f"the activation energy of the conductivity is {number(published['value'])} eV"  # type: ignore[arg-type]
    for u_ev in study.us:
        row = next(iter(study.found("activation", u_ev)), None)
        verdict, why = judged(row, published)
        yield _row("activation", says, u_ev, published, measured, row, "eV", verdict, why)


def _barriers(study: Study) -> Iterator[Row]:
    for entry in study.reference[study.reference["quantity"].str.startswith("barrier ")].to_dict(
            "records"):
        direction = str(entry["quantity"]).removeprefix("barrier ")
        for u_ev in study.us:
            row = next(iter(study.found(str(entry["quantity"]), u_ev)), None)
            verdict, why = judged(row, entry)
            if row is None and (study.tables["barriers"]["direction"] == direction).any():
                why = "every path along it is flagged as another one, or did not converge"
            yield _row(f"barrier {direction}", f"a jump along {direction} has a barrier of "
                       f"{number(entry['value'])} eV", u_ev, entry, None, row, "eV", verdict,  # type: ignore[arg-type]
                       why)


def _rdf(study: Study) -> Iterator[Row]:
    if not study.reference["quantity"].str.startswith("rdf_first_peak").any():
        return
    for u_ev in study.us:
        ours, verdict, why = rdf_against_aimd(study.tables["rdf"], u_ev)
        yield _row("rdf", "radial distribution functions equal those of first-principles dynamics",
                   u_ev, None, None, ours, "Angstrom", verdict, why)


def rdf_against_aimd(table: Table, u_ev: float) -> tuple[Row | None, str, str]:
    """Return the worst shift of a first peak from AIMD's in equal cells, verdict and reason.

    Parameters
    ----------
    table
        Table ``rdf``; source ``dlmd_cell`` is the potential in the cell of ``aimd``.
    u_ev
        Whose, eV.
    """
    from haven.report.measured import first_peak

    mine = table[table["u_ev"] == u_ev]
    shifts, shares = {}, {}
    for pair, group in mine.groupby("pair"):
        curves = {source: rows.groupby("r_angstrom")[["g", "g_low_95", "g_high_95"]].mean()
                  for source, rows in group.groupby("source")}
        if not {"aimd", "dlmd_cell"} <= set(curves):
            continue
        both = curves["aimd"].merge(curves["dlmd_cell"], left_index=True, right_index=True,
                                    suffixes=("", "_own")).dropna()
        both = both[(both["g"] > 0.1) | (both["g_own"] > 0.1)]
        if len(both) < 2:
            continue
        r = both.index.to_numpy(float)
        apart = (both["g_low_95"] > both["g_high_95_own"]) | (
            both["g_high_95"] < both["g_low_95_own"])
        shares[str(pair)] = float(apart.mean())
        shift = first_peak(r, both["g_own"].to_numpy()) - first_peak(r, both["g"].to_numpy())
        shifts[str(pair)] = (shift, float(r[1] - r[0]))
    if not shares:
        return None, OPEN, ("no first-principles dynamics in an equal cell, or no intervals to "
                            "compare by")
    pair = max(shifts, key=lambda name: abs(shifts[name][0]))
    shift, width = shifts[pair]
    ours: Row = {"value": shift, "low_95": shift - width, "high_95": shift + width,
                 "temperature_k": None}
    worst = max(shares, key=lambda name: shares[name])
    seen = (f"in equal cells the 95 % intervals do not meet in {shares[worst]:.0%} of the bins of "
            f"{worst}, the worst pair; first peaks shift by at most {abs(shift):.2f} Å ({pair})")
    if shares[worst] <= BINS_AGREE:
        return ours, SUPPORTED, seen
    return ours, CONTRADICTED if shares[worst] > BINS_DIFFER else OPEN, seen


def volume(constants: Mapping[str, float]) -> float:
    """Return the volume of a monoclinic cell of lattice_a, _b, _c (Angstrom), _beta (degree)."""
    from math import radians, sin

    return (constants["lattice_a"] * constants["lattice_b"] * constants["lattice_c"]
            * sin(radians(constants["lattice_beta"])))


def volumes(study: Study, measured: bool) -> dict[tuple[str, float | None], float]:
    """Return published volumes, Angstrom^3, by system and U (None of measured cells)."""
    rows = study.reference[study.reference["quantity"].str.startswith("lattice_")]
    found: dict[tuple[str, float | None], float] = {}
    for (system, u_ev), group in rows.groupby(["system", "u_ev"], dropna=False):
        theirs = bool(study.experiments) and all(
            str(source).startswith(study.experiments) for source in group["source"])
        values = dict(zip(group["quantity"], group["value"].astype(float), strict=True))
        if theirs == measured and len(values) == 4 and not group["doubtful"].any():
            key = str(system).partition(" ")[2], float(u_ev) if known(u_ev) else None
            found[key] = volume(values)
    return found


def labels_words(study: Study) -> str:
    """Return which dispersion correction the labels have, in words."""
    if not study.dispersion:
        return "the labels' dispersion correction is not known"
    return ("labels without dispersion correction" if study.dispersion == "none"
            else f"labels with dispersion {study.dispersion}")


def _cell_at_rest(study: Study) -> Iterator[Row]:
    cells = study.tables.get("cells")
    atoms = study.reference.loc[study.reference["quantity"] == "study_cell_atoms", "value"]
    real = volumes(study, True)
    if cells is None or cells.empty or atoms.empty or not real:
        return
    names = list(dict.fromkeys(study.reference["system"].str.partition(" ")[2]))
    own = study.reference.loc[study.reference["quantity"] == "sigma_total", "system"]
    sample = str(own.iloc[0]).partition(" ")[2] if len(own) else names[0]
    measured = next((v for (name, _), v in real.items() if same_occupancies(name, sample)), None)
    for u_ev in study.us:
        ours, verdict, why = cell_at_rest(cells, u_ev, float(atoms.iloc[0]), measured)
        yield _row("cell_at_rest", "(experiment) the simulated cell without pressure is the "
                   "measured one", u_ev, None, {"value": measured}, ours, "Angstrom^3", verdict,
                   f"{why}; {labels_words(study)}")


def cell_at_rest(
    cells: Table, u_ev: float, atoms: float, measured: float | None
) -> tuple[Row | None, str, str]:
    """Return the volume at constant pressure nearest 298 K, verdict and reason.

    Parameters
    ----------
    cells
        Table ``cells``.
    u_ev
        Whose, eV.
    atoms
        Atoms of the conventional cell.
    measured
        Volume of the measured conventional cell at room temperature, Angstrom^3.
    """
    mine = cells[(cells["u_ev"] == u_ev) & cells["volume_angstrom3"].notna()
                 & cells["volume_error_angstrom3"].notna()
                 & (cells["pressure_asked_gpa"].astype(float).abs() < 1e-6)]
    if mine.empty or measured is None:
        return None, OPEN, "no cell at constant pressure was computed"
    at = min(mine["temperature_k"].astype(float), key=lambda t: abs(t - ROOM))
    mine = mine[mine["temperature_k"].astype(float) == at]
    per = atoms / mine["atoms"].astype(float)
    volume_each = mine["volume_angstrom3"].astype(float) * per
    error = float(((mine["volume_error_angstrom3"].astype(float) * per) ** 2).sum() ** 0.5)
    mean, count = float(volume_each.mean()), len(mine)
    error /= count
    if count > 1:  # replicas of the disorder
        error = max(error, float(volume_each.std(ddof=1)) / count**0.5)
    ours: Row = {"value": mean, "low_95": mean - 1.96 * error, "high_95": mean + 1.96 * error,
                 "temperature_k": at}
    low, high = (float(str(ours[end])) / measured - 1 for end in ("low_95", "high_95"))
    seen = f"{mean / measured - 1:+.1%} of the measured volume{_at(ours)}"
    if abs(at - ROOM) > NEAR_K:
        return ours, OPEN, f"{seen}, but nothing is known near {ROOM:g} K"
    if -CELL_SHARE <= low and high <= CELL_SHARE:
        return ours, SUPPORTED, f"{seen}: within {CELL_SHARE:.0%}"
    if low > CELL_SHARE or high < -CELL_SHARE:
        return ours, CONTRADICTED, f"{seen}: beyond {CELL_SHARE:.0%}"
    return ours, OPEN, f"{seen}: the interval reaches across {CELL_SHARE:.0%}"


def _own_volumes(study: Study, u_ev: float) -> list[Row]:
    return study.found("lattice_volume", u_ev)


def _volume(study: Study) -> Iterator[Row]:
    cells = volumes(study, True)
    for (system, of_u), value in volumes(study, False).items():
        for u_ev in study.us:
            if of_u not in (None, u_ev):
                continue
            row = next((r for r in _own_volumes(study, u_ev)
                        if same_occupancies(str(r["system"]), system)), None)
            if row is None:
                continue
            entry: Row = {"quantity": "lattice_volume", "value": value, "rounding": 0.001 * value,
                          "source": "Selvaraj 2024, Table II"}
            real = next((v for (name, _), v in cells.items() if same_occupancies(name, system)),
                        None)
            verdict, why = judged(row, entry)
            why = f"{why}; {labels_words(study)}"
            yield _row("volume", f"the relaxed cell of {system} has {value:.1f} Å³", u_ev, entry,
                       {"value": real}, row, "Angstrom^3", verdict, why)


def _volume_with_u(study: Study) -> Iterator[Row]:
    theirs = volumes(study, False)
    us = sorted({u for _, u in theirs if u is not None} & set(study.us))
    if len(us) < 2:
        return
    low_u, high_u = us[0], us[-1]
    for system in sorted({name for name, u in theirs if u == low_u}):
        own = [next((r for r in _own_volumes(study, u)
                     if same_occupancies(str(r["system"]), system)), None) for u in (low_u, high_u)]
        if (system, high_u) not in theirs or own[0] is None or own[1] is None:
            continue
        change = theirs[system, high_u] - theirs[system, low_u]
        ours, verdict, why = sign_of(own[0], own[1], change)
        says = (f"U = {high_u:g} eV {'shrinks' if change < 0 else 'widens'} the cell of {system}: "
                f"{change:+.1f} Å³")
        entry: Row = {"value": change, "source": "Selvaraj 2024, Table II"}
        yield _row("volume_with_u", says, None, entry, None, ours, "Angstrom^3", verdict, why)


def sign_of(first: Row, second: Row, change: float) -> tuple[Row, str, str]:
    """Return what a second number is more than a first, and whether its sign is that of ``change``.

    Parameters
    ----------
    first, second
        Haven's rows with value and interval.
    change
        The published difference.
    """
    mine = float(str(second["value"])) - float(str(first["value"]))
    halves = [None if not known(row["low_95"], row["high_95"])  # type: ignore[arg-type]
              else (float(str(row["high_95"])) - float(str(row["low_95"]))) / 2
              for row in (first, second)]
    ours: Row = {"value": mine, "low_95": None, "high_95": None, "temperature_k": None}
    if halves[0] is None or halves[1] is None:
        return ours, OPEN, "single cells, without interval"
    half = (halves[0] ** 2 + halves[1] ** 2) ** 0.5
    ours |= {"low_95": mine - half, "high_95": mine + half}
    if abs(mine) <= half:
        sign = "the opposite" if mine * change < 0 else "the same"
        return ours, OPEN, f"{sign} sign here, but the interval holds 0"
    if mine * change < 0:
        return ours, CONTRADICTED, "the opposite sign here, beyond the interval"
    return ours, SUPPORTED, "the same sign here, beyond the interval"


def _cost(study: Study) -> Iterator[Row]:
    published = study.published("cost_ratio", None, False)
    if published is None:
        return
    says = f"dynamics with the potential is {number(published['value'])} times faster than AIMD"  # type: ignore[arg-type]
    for u_ev in study.us:
        row = next(iter(study.found("cost_ratio", u_ev)), None)
        verdict, why = judged(row, published)
        if row is None and len(study.found("cost_ratio of another network", u_ev)):
            why = "the published network was not timed (--cost_networks)"
        yield _row("cost", says, u_ev, published, None, row, "1", verdict, why)
