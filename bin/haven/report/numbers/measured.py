"""What a study measured, one row a quantity and condition, joined over its runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from haven.core.constants import NOT_STATIONARY
from haven.core.numbers import count_of, known
from haven.core.types import Row, Table, Tables
from haven.cost.rows import hours_of
from haven.dynamics.trust import worst
from haven.material.relaxation import POTENTIAL, joined_cells, printed_occupancies
from haven.report.numbers.pooling import mobile_species, pool
from haven.transport.fits.standing import ACTIVATION, JUMPS_ALONE, standing_of

if TYPE_CHECKING:
    import numpy as np

COLUMNS = (
    "quantity", "system", "u_ev", "temperature_k", "value", "low_95", "high_95", "unit", "runs",
    "verdict", "note", "beyond", "force_error",
)
FROM_LINE = " from the Arrhenius line"  # ending of what is extrapolated to `ROOM`
ROOM = 298.0  # K, where the conductivity of the arrhenius table is given
DIFFUSION = {"self": "d_self", "total": "d_total", "distinct": "d_distinct", "haven": "haven_ratio"}


def collect(tables: Tables, network: str = "") -> Table:
    """Return every number that can stand in a headline or beside a published one.

    Parameters
    ----------
    tables
        Tables by name; an empty one gives no rows.
    network
        Beginning of the words for the published study's network, whose cost the published ratio is
        compared with; empty: the cheapest network's.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`; ``u_ev`` in eV, ``temperature_k`` in K (empty where none applies);
        ``beyond``: largest share of a run's frames beyond the force window; ``force_error``:
        largest calibrated force error of a run (eV/Angstrom, in 95 % of its frames).
    """
    import pandas as pd

    sources = (_diffusion, _conductivity, _arrhenius, _accuracy, _peaks, _barriers,
               _occupancies)
    rows = [row for source in sources for row in source(tables)]
    rows += _cost(tables, network)
    rows += [_row(**cell) for cell in joined_cells(tables["lattice"])
             if cell["engine"] == POTENTIAL]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    for name in ("u_ev", "temperature_k", "value", "low_95", "high_95", "beyond",
                 "force_error"):
        frame[name] = pd.to_numeric(frame[name], errors="coerce")
    return frame


def _row(
    quantity: str, u_ev: object, value: object, low: object, high: object, unit: str,
    **more: object,
) -> Row:
    row: Row = {"quantity": quantity, "system": "", "u_ev": u_ev, "temperature_k": None,
                "value": value, "low_95": low, "high_95": high, "unit": unit, "runs": 1,
                "verdict": "", "note": "", "beyond": None, "force_error": None}
    return row | more


def _pooled(quantity: str, key: tuple, group: Table, unit: str) -> Row:
    joined = pool(group)
    return _row(
        quantity, key[0], joined.value, joined.low, joined.high, unit, temperature_k=key[1],
        runs=joined.runs, verdict=joined.verdict, note=joined.note,
        beyond=worst(group, "share_beyond_window"),
        force_error=worst(group, "force_error_max_p95_ev_per_angstrom"),
    )


def joined_conditions(tables: Tables) -> dict[tuple[float, float, str], Row]:
    """Return the rows of table ``joined`` of all potentials, by U, temperature, quantity."""
    table = tables.get("joined")
    if table is None or table.empty:
        return {}
    rows = table[table["seed"].isna()].to_dict("records")
    return {(float(row["u_ev"]), float(row["temperature_k"]), str(row["quantity"])): row
            for row in rows}


def _or_joined(row: Row, joined: dict[tuple[float, float, str], Row], key: tuple) -> Row:
    """Return a row of several runs with the numbers of the joined condition, where there is one."""
    found = joined.get((float(key[0]), float(key[1]), str(row["quantity"])))
    if found is None:
        return row
    runs = int(found["runs"])
    note = f"{runs} run{'s' if runs != 1 else ''} together, {found['hop_events']:g} jumps"
    left = found["left_out"] if isinstance(found["left_out"], str) else ""
    ends = {name: found[name] if known(found[name]) else None
            for name in ("value", "low_95", "high_95")}
    return row | ends | {"runs": runs, "verdict": found["verdict"],
                         "note": f"{note}; left out: {left}" if left else note}


def _diffusion(tables: Tables) -> Iterator[Row]:
    table = with_run_verdicts(tables["diffusion"], tables["runs"])
    joined = joined_conditions(tables)
    table = table[(table["axis"] == "xyz") & table["quantity"].isin(DIFFUSION)]
    for key, group in table.groupby(["u_ev", "temperature_k", "quantity"]):
        unit = "1" if key[2] == "haven" else str(group["unit"].iloc[0])
        row = _or_joined(_pooled(DIFFUSION.get(key[2], str(key[2])), key, group, unit), joined, key)
        if key[2] == "haven" and row["value"] is None:
            row["high_95"] = None  # upper bounds of both coefficients give no bound of their ratio
        yield row


def with_run_verdicts(table: Table, runs: Table) -> Table:
    """Return the table with the run's verdict where it gives no number: unstable, not_stationary.

    Parameters
    ----------
    table
        ``diffusion`` or ``conductivity``.
    runs
        The table ``runs``; runs that are not in it keep their verdict.
    """
    keys = ["u_ev", "temperature_k", "replica", "seed"]
    bad = runs.loc[runs["verdict"] != "stable", [*keys, "verdict"]].drop_duplicates(keys)
    if bad.empty or table.empty:
        return table
    bad["ended"] = bad.pop("verdict").where(lambda ended: ended == NOT_STATIONARY, "unstable")
    marked = table.merge(bad, on=keys, how="left")
    marked["verdict"] = marked["ended"].fillna(marked["verdict"])
    return marked.drop(columns="ended")


def _conductivity(tables: Tables) -> Iterator[Row]:
    table = with_run_verdicts(tables["conductivity"], tables["runs"])
    joined = joined_conditions(tables)
    table = table.rename(columns={"value_ms_per_cm": "value"})
    for key, group in table.groupby(["u_ev", "temperature_k", "quantity"]):
        yield _or_joined(_pooled(key[2], key, group, "mS/cm"), joined, key)


def line_standing(fit: Row, tables: Tables) -> str:
    """Return what may be said of a row of table ``arrhenius`` beside table ``joined``."""
    return standing_of(fit, _single_ions(joined_conditions(tables), float(str(fit["u_ev"]))))


def _single_ions(joined: dict[tuple[float, float, str], Row], u_ev: float) -> list[str]:
    """Return the verdicts on D_self of all runs of each temperature together."""
    return [str(row["verdict"]) for (u, _, name), row in joined.items()
            if u == u_ev and name == "d_self"]


def _arrhenius(tables: Tables) -> Iterator[Row]:
    joined = joined_conditions(tables)
    for fit in tables["arrhenius"].to_dict("records"):
        quantity, good = fit["quantity"], fit["verdict"] == "diffusive"
        conductive = quantity.startswith("sigma")
        note = (f"{count_of(int(fit['temperatures']), 'temperature')}"
                f"{' fitted' if good else ', no line'}")
        if known(fit.get("hop_events")):
            note += f", {fit['hop_events']:g} jumps of all runs"
        if isinstance(fit.get("left_out"), str) and fit["left_out"]:
            note += f"; left out: {fit['left_out']}"
        mine = _single_ions(joined, float(fit["u_ev"]))
        verdict = standing_of(fit, mine)
        if good and JUMPS_ALONE in verdict:
            long = count_of(mine.count("diffusive"), "temperature")
            note += f"; runs of {long} are long enough to show that jumps do not lead back"
        common = {"runs": fit["temperatures"], "verdict": verdict, "note": note}
        energies = {f"{ACTIVATION}{quantity}{' T' if conductive else ''}": "activation"}
        if conductive:
            name = {"sigma_total": "activation"}.get(quantity, f"{ACTIVATION}{quantity}")
            energies[name] = "activation_sigma"
        for name, column in energies.items():
            value, low, high = (fit[f"{column}{end}"] if good else None
                                for end in ("_ev", "_low_95", "_high_95"))
            yield _row(name, fit["u_ev"], value, low, high, "eV", **common)
        name, ending, unit = (("sigma_298", "_ms_per_cm", "mS/cm") if conductive
                              else ("d_298", "_cm2_per_s", "cm2/s"))
        value, low, high = (fit.get(f"{name}{end}") if good else None
                            for end in (ending, "_low_95", "_high_95"))
        yield _row(f"{quantity}{FROM_LINE}", fit["u_ev"], value, low, high, unit,
                   temperature_k=ROOM, **common)


def _accuracy(tables: Tables) -> Iterator[Row]:
    table = tables["accuracy"]
    table = table[(table["subset"] == "test") & (table["species"] == "all")
                  & (table["component"] == "all")]
    for (u_ev, quantity), group in table.groupby(["u_ev", "quantity"]):
        for measure in ("mae", "rmse"):
            low, high = _accuracy_ends(tables, float(u_ev), str(quantity), measure, group)
            yield _row(f"{quantity}_{measure}", u_ev, group[measure].mean(), low, high,
                       str(group["unit"].iloc[0]), runs=len(group),
                       note=count_of(len(group), "potential") + (
                           "; an atom's error averages out in large cells, so it compares with "
                           "that of cells of as many atoms only"
                           if quantity == "energy" else ""))


def _accuracy_ends(
    tables: Tables, u_ev: float, quantity: str, measure: str, group: Table
) -> tuple[float | None, float | None]:
    if measure == "rmse":
        return group["rmse_low_95"].min(), group["rmse_high_95"].max()
    parity = tables["parity"]
    parity = parity[(parity["u_ev"] == u_ev) & (parity["quantity"] == quantity)
                    & (parity["subset"] == "test")]
    if len(parity) == 0 or parity["trajectory"].nunique() < 2:
        return None, None
    from haven.potential.accuracy import bootstrap_mae

    return bootstrap_mae(parity)


def first_peak(r: np.ndarray, g: np.ndarray) -> float:
    """Return the position of the first maximum of a radial distribution function above 1.

    Parameters
    ----------
    r
        Centres of the bins, Angstrom, shape (bins,), evenly spaced.
    g
        Radial distribution function, shape (bins,).

    Returns
    -------
    float
        Vertex of the parabola through the highest bin and its neighbours, after a running mean
        over 0.15 Angstrom; nan without a peak.
    """
    import numpy as np

    width = max(int(0.15 / (r[1] - r[0])) | 1, 1) if len(r) > 1 else 1
    g = np.convolve(g, np.ones(width) / width, mode="same")  # noise splits a peak otherwise
    high = np.flatnonzero(g > 1)
    if not len(high):
        return float("nan")
    stop = high[0] + int(np.argmax(np.append(g[high[0]:] <= 1, True)))
    top = high[0] + int(np.argmax(g[high[0]:stop]))
    if top == 0 or top == len(g) - 1:
        return float(r[top])
    below, at, above = g[top - 1:top + 2]
    bend = below - 2 * at + above
    shift = 0.5 * (below - above) / bend if bend else 0.0
    return float(r[top] + shift * (r[1] - r[0]))


def _peaks(tables: Tables) -> Iterator[Row]:
    table = tables["rdf"]
    table = table[table["source"] == "dlmd"]
    for (u_ev, temperature, pair), group in table.groupby(["u_ev", "temperature_k", "pair"]):
        peaks, width = [], 0.0
        for _, curve in group.groupby(["replica", "seed"], dropna=False):
            ordered = curve.sort_values("r_angstrom")
            r, g = ordered["r_angstrom"].to_numpy(), ordered["g"].to_numpy()
            width = float(r[1] - r[0]) if len(r) > 1 else 0.0
            peaks.append(first_peak(r, g))
        seen = [peak for peak in peaks if known(peak)]
        if not seen:
            continue
        without = len(peaks) - len(seen)
        yield _row(
            f"rdf_first_peak {pair}", u_ev, sum(seen) / len(seen), min(seen) - width / 2,
            max(seen) + width / 2, "Angstrom", temperature_k=temperature, runs=len(seen),
            note="interval: width of a bin and spread of the runs"
                 + (f"; {count_of(without, 'run')} without a peak" if without else ""),
        )


def _barriers(tables: Tables) -> Iterator[Row]:
    import numpy as np
    from scipy.special import stdtrit

    paths = good_paths(tables["barriers"])
    for (u_ev, direction), group in paths.groupby(["u_ev", "direction"]):
        both = group[["barrier_ev", "reverse_barrier_ev"]].to_numpy(float)
        means, count, half = both.mean(axis=1), len(both), None
        if count > 1:
            spread = float(np.std(means, ddof=1)) / count**0.5
            half = float(stdtrit(count - 1, 0.975)) * spread
        mean = float(means.mean())
        low, high = (None, None) if half is None else (mean - half, mean + half)
        yield _row(f"barrier {direction}", u_ev, mean, low, high, "eV", runs=count,
                   note=f"mean of both ways (there {both[:, 0].mean():.3f}, back "
                        f"{both[:, 1].mean():.3f}) of {count_of(count, 'path')} in the "
                        "disordered cell")


def good_paths(table: Table) -> Table:
    """Return one row for each path of table ``barriers`` that converged and carries no flag."""
    table = table[table["origin"].str.startswith("direction") & table["converged"].astype(bool)
                  & (table["flag"].fillna("") == "")]
    return table.drop_duplicates(["u_ev", "seed", "replica", "path", "direction"])


def _cost(tables: Tables, network: str) -> Iterator[Row]:
    costs = tables["cost"]
    table = costs[(costs["method"] == "dlmd") & costs["ratio_to_aimd"].notna()]
    for u_ev, group in table.groupby("u_ev"):
        dynamics = "aimd" in set(costs[costs["u_ev"] == u_ev]["method"])
        name = "cost_ratio" if dynamics else "label_cost_ratio"
        base = "AIMD" if dynamics else "single points"
        one = group[group["cores"] == group["cores"].min()]
        if not network or one["model"].astype(str).str.startswith(network).any():
            chosen = one[one["model"].astype(str).str.startswith(network)]
        else:  # of another network, so not the published ratio
            chosen, name = one, f"{name} of another network"
        top = chosen.loc[chosen["ratio_to_aimd"].idxmax()]
        same = chosen[(chosen["model"] == top["model"]) & (chosen["device"] == top["device"])]
        note = (f"{top['atoms']} atoms, {top['model']}, {hours_of(top['device'])}-hours; to "
                f"{base}; interval: cells timed, compressed or not")
        ends = (same["ratio_to_aimd"].min(), same["ratio_to_aimd"].max())
        low, high = ends if len(same) > 1 else (None, None)
        yield _row(name, u_ev, top["ratio_to_aimd"], low, high, "1", note=note)


def _occupancies(tables: Tables) -> Iterator[Row]:
    table = tables["structures"]
    table = table[(table["role"] == "supercell") & table["target_occupancy"].notna()
                  & ~table["species"].isin({"vacancy", *mobile_species(tables)})]
    if table.empty:
        return
    targets: dict[str, dict[str, float]] = {}
    for row in table.to_dict("records"):
        of_element = targets.setdefault(str(row["species"]), {})
        of_element.setdefault(str(row["site"]), float(row["target_occupancy"]))
    system = printed_occupancies(targets)
    for u_ev in study_u(tables):
        for (species, site), group in table.groupby(["species", "site"]):
            share, sites = group["occupancy"], int(group["sites"].iloc[0])
            half = 0.5 / sites  # whole atoms: nothing nearer can be had
            yield _row(f"occupancy_{species.lower()}_{site}", u_ev, share.mean(),
                       share.min() - half, share.max() + half, "1", system=system,
                       runs=len(group),
                       note=f"whole atoms on {sites} sites: within half an atom")


def study_u(tables: Tables) -> list[float]:
    """Return the values of U that any table has, eV, ascending."""
    found: set[float] = set()
    for name in ("diffusion", "runs", "accuracy", "labels", "learning_curve", "msd"):
        found |= set(tables[name]["u_ev"].dropna().astype(float))
    return sorted(found)


def nearest_temperature(temperatures: list[float], wanted: float = ROOM) -> float | None:
    """Return the temperature closest to ``wanted``, K, or None of an empty list."""
    return min(temperatures, key=lambda t: abs(t - wanted), default=None)


# What the line through conductivities from D_self gives, beside that through those from D_total.
TRACER_LINE = (f"{ACTIVATION}sigma_self", "sigma_self from the Arrhenius line")


def headline(measured: Table) -> list[Row]:
    """Return the headline's rows: per U, D_self, D_total, sigma, H_R near 298 K, and Ea.

    Parameters
    ----------
    measured
        Rows of `collect`.
    """
    names = ("d_self", "d_total", "sigma_total", "sigma_self", "haven_ratio", "activation",
             "sigma_total from the Arrhenius line", *TRACER_LINE)
    rows: list[Row] = []
    for u_ev, mine in measured[measured["quantity"].isin(names)].groupby("u_ev"):
        temperatures = mine.loc[~mine["quantity"].str.contains("Arrhenius"), "temperature_k"]
        near = nearest_temperature(sorted(set(temperatures.dropna())))
        for name in names:
            found, at = mine[mine["quantity"] == name], ROOM if "Arrhenius" in name else None
            if name in ("d_self", "d_total", "sigma_total", "sigma_self", "haven_ratio"):
                found, at = found[found["temperature_k"] == near], near
            rows += found.to_dict("records") or [
                _row(name, u_ev, None, None, None, "", temperature_k=at, runs=0,
                     verdict="not_measured", note="not computed in this run")
            ]
    return rows
