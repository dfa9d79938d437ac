"""Claims on the crystal: radial distributions, volumes, what U does to them, the cell at rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from haven.core.numbers import known, percent
from haven.core.types import Row, Table
from haven.dynamics.cell import USABLE
from haven.report.claims.study import (
    CONTRADICTED,
    NEAR_K,
    OPEN,
    ROOM,
    SUPPORTED,
    Study,
    at_words,
    claim_row,
    judged_claim,
)
from haven.report.numbers.comparison import same_occupancies

BINS_AGREE, BINS_DIFFER = 0.10, 0.25  # share of an RDF's bins whose intervals do not meet
ANGLES = ("lattice_alpha", "lattice_beta", "lattice_gamma")
CELL_SHARE = 0.01  # of the volume: a cell nearer than this to the measured one is its like


def rdf_claims(study: Study) -> Iterator[Row]:
    """Yield, for each U, the row on radial distributions beside those of first principles."""
    if not study.reference["quantity"].str.startswith("rdf_first_peak").any():
        return
    for u_ev in study.us:
        ours, verdict, why = rdf_against_aimd(study.tables["rdf"], u_ev)
        yield claim_row("rdf", "radial distribution functions equal those of first-principles "
                        "dynamics", u_ev, None, None, ours, "Angstrom", verdict, why)


def rdf_against_aimd(table: Table, u_ev: float) -> tuple[Row | None, str, str]:
    """Return the largest shift of a first peak from AIMD's in equal cells, verdict and reason.

    Parameters
    ----------
    table
        Table ``rdf``; source ``dlmd_cell`` is the potential in the cell of ``aimd``.
    u_ev
        Whose, eV.
    """
    from haven.report.numbers.measured import first_peak

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
        if known(shift):  # a pair that comes near nowhere has no peak
            shifts[str(pair)] = (shift, float(r[1] - r[0]))
    if not shares:
        return None, OPEN, ("no first-principles dynamics in an equal cell, or no intervals to "
                            "compare by")
    worst = max(shares, key=lambda name: shares[name])
    seen = (f"in equal cells the 95 % intervals do not meet in {percent(shares[worst])} of the "
            f"bins of {worst}, the worst pair")
    if not shifts:
        verdict = CONTRADICTED if shares[worst] > BINS_DIFFER else OPEN
        return None, verdict, f"{seen}; no pair has a first peak in both"
    pair = max(shifts, key=lambda name: abs(shifts[name][0]))
    shift, width = shifts[pair]
    ours: Row = {"value": shift, "low_95": shift - width, "high_95": shift + width,
                 "temperature_k": None}
    seen += f"; first peaks shift by at most {abs(shift):.2f} Å ({pair})"
    if shares[worst] <= BINS_AGREE and abs(shift) <= width:
        return ours, SUPPORTED, seen
    if shares[worst] <= BINS_AGREE:
        return ours, OPEN, f"{seen}, more than a bin is wide ({width:.2g} Å)"
    return ours, CONTRADICTED if shares[worst] > BINS_DIFFER else OPEN, seen


def volume(constants: Mapping[str, float]) -> float | None:
    """Return the volume of a published cell, Angstrom^3; None where its constants tell none.

    Parameters
    ----------
    constants
        ``lattice_volume``, or ``lattice_a``, ``_b``, ``_c`` in Angstrom and those of ``_alpha``,
        ``_beta``, ``_gamma`` in degrees that are printed: an angle that is not is 90 degrees.
    """
    from ase.geometry import cellpar_to_cell
    from numpy.linalg import det

    if "lattice_volume" in constants:
        return constants["lattice_volume"]
    lengths = [constants.get(f"lattice_{letter}") for letter in "abc"]
    if None in lengths:
        return None
    angles = [constants.get(name, 90.0) for name in ANGLES]
    found = abs(float(det(cellpar_to_cell([*lengths, *angles]))))
    return found if found > 0 else None


def volumes(study: Study, measured: bool) -> dict[tuple[str, float | None], tuple[float, str]]:
    """Return published volumes, Angstrom^3, and sources, by system and U (None if not given).

    Where several sources give the same constant, each one's cell is of its own constants, and the
    first that has all counts. A cell with a doubtful constant does not.
    """
    rows = study.reference[study.reference["quantity"].str.startswith("lattice_")
                           & (study.reference["measured"] == measured)]
    found: dict[tuple[str, float | None], tuple[float, str]] = {}
    for (system, u_ev), group in rows.groupby(["system", "u_ev"], dropna=False):
        angles = set(group["quantity"]) & set(ANGLES)
        cells = [group] if group["quantity"].is_unique else [
            own for _, own in group.groupby("source", sort=False) if angles <= set(own["quantity"])
            or "lattice_volume" in set(own["quantity"])]
        for own in cells:
            size = volume(dict(zip(own["quantity"], own["value"].astype(float), strict=True)))
            if size is not None and not own["doubtful"].any():
                key = str(system).partition(" ")[2], float(u_ev) if known(u_ev) else None
                found.setdefault(key, (size, _joined(own["source"])))
    return found


def _joined(sources: Iterable[object]) -> str:
    """Return sources in words, each once."""
    return "; ".join(dict.fromkeys(map(str, sources)))


def labels_words(study: Study) -> str:
    """Return which dispersion correction the labels have, in words."""
    if not study.dispersion:
        return "the labels' dispersion correction is not known"
    return ("labels without dispersion correction" if study.dispersion == "none"
            else f"labels with dispersion {study.dispersion}")


def cell_at_rest_claims(study: Study) -> Iterator[Row]:
    """Yield, for each U, the row on the volume at constant pressure beside the measured one."""
    cells = study.tables.get("cells")
    atoms = study.reference.loc[study.reference["quantity"] == "study_cell_atoms", "value"]
    real = volumes(study, True)
    if cells is None or cells.empty or atoms.empty or not real:
        return
    names = list(dict.fromkeys(study.reference["system"].str.partition(" ")[2]))
    own = study.reference.loc[study.reference["quantity"] == "sigma_total", "system"]
    sample = str(own.iloc[0]).partition(" ")[2] if len(own) else names[0]
    measured = next((value for (name, _), (value, _) in real.items()
                     if same_occupancies(name, sample)), None)
    for u_ev in study.us:
        ours, verdict, why = cell_at_rest(cells, u_ev, float(atoms.iloc[0]), measured)
        yield claim_row("cell_at_rest", "(experiment) the simulated cell without pressure is the "
                        "measured one", u_ev, None, {"value": measured}, ours, "Angstrom^3",
                        verdict, f"{why}; {labels_words(study)}")


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
                 & cells["volume_error_angstrom3"].notna() & cells["verdict"].isin(USABLE)
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
    seen = f"{percent(mean / measured - 1, 1, signed=True)} of the measured volume{at_words(ours)}"
    if abs(at - ROOM) > NEAR_K:
        return ours, OPEN, f"{seen}, but nothing is known near {ROOM:g} K"
    if -CELL_SHARE <= low and high <= CELL_SHARE:
        return ours, SUPPORTED, f"{seen}: within {percent(CELL_SHARE)}"
    if low > CELL_SHARE or high < -CELL_SHARE:
        return ours, CONTRADICTED, f"{seen}: beyond {percent(CELL_SHARE)}"
    return ours, OPEN, f"{seen}: the interval reaches across {percent(CELL_SHARE)}"


def _own_volumes(study: Study, u_ev: float) -> list[Row]:
    return study.found("lattice_volume", u_ev)


def volume_claims(study: Study) -> Iterator[Row]:
    """Yield the rows on volumes of relaxed cells beside calculated and measured ones."""
    cells = volumes(study, True)
    for (system, of_u), (value, source) in volumes(study, False).items():
        for u_ev in study.us:
            if of_u not in (None, u_ev):
                continue
            row = next((r for r in _own_volumes(study, u_ev)
                        if same_occupancies(str(r["system"]), system)), None)
            if row is None:
                continue
            entry: Row = {"quantity": "lattice_volume", "value": value, "rounding": 0.001 * value,
                          "source": source}
            real = next((found for (name, _), (found, _) in cells.items()
                         if same_occupancies(name, system)), None)
            verdict, why = judged_claim(row, entry)
            why = f"{why}; {labels_words(study)}"
            says = f"the relaxed cell of occupancies {system} has {value:.1f} Å³"
            yield claim_row("volume", says, u_ev, entry, {"value": real}, row, "Angstrom^3",
                            verdict, why)


def volume_with_u_claims(study: Study) -> Iterator[Row]:
    """Yield the rows on whether U changes the volume in the published direction."""
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
        (high, high_source), (low, low_source) = theirs[system, high_u], theirs[system, low_u]
        change = high - low
        ours, verdict, why = sign_of(own[0], own[1], change)
        says = (f"U = {high_u:g} eV {'shrinks' if change < 0 else 'widens'} the cell of "
                f"occupancies {system}: {change:+.1f} Å³")
        entry: Row = {"value": change, "source": _joined([low_source, high_source])}
        yield claim_row("volume_with_u", says, None, entry, None, ours, "Angstrom^3", verdict, why)


def sign_of(first: Row, second: Row, change: float) -> tuple[Row, str, str]:
    """Return the difference of two numbers, and whether it has the sign of ``change``.

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
