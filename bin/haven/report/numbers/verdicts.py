"""Expected runs that are missing, and a verdict on every run and fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from haven.core.errors import HavenError, existing
from haven.core.identity import run_id
from haven.core.numbers import known
from haven.core.reading.entries import read_entries
from haven.core.statistics import error_of_mean
from haven.core.types import Row, Table, Tables
from haven.dynamics import trust
from haven.potential.gate import WINDOW, Gate
from haven.report.numbers.measured import line_standing
from haven.report.numbers.wording import WORDS, verdict_words

OFF_SHARE = 0.005  # of the temperature that its mean may be off: 1.5 K at 298 K change D by 6 %
OFF_ERRORS = 3.0  # standard errors of the mean beyond that: one false alarm in some 100 runs
# Jumps between sites over jumps from cage to cage: a jump of the one kind may be none or two of the
# other (a cage of two sites, a site between two), so rates within this factor agree.
COUNTS_FACTOR = 2.0
COUNTS_CHANCE = 0.01  # of a difference as large, beyond that factor, by Poisson's law
KEYS = ["material", "u_ev", "temperature_k", "replica", "seed"]
FLUCTUATION = (0.5, 2.0)  # of the temperature over the canonical one, accepted


def read_expected(path: str | Path | None) -> dict[str, Any]:
    """Return what should have been computed: lists ``u_ev``, ``temperature_k``, ``replica``.

    Parameters
    ----------
    path
        JSON (or YAML) file; None for nothing expected.

    Raises
    ------
    HavenError
        If the file is missing or does not hold such lists.
    """
    if path is None:
        return {}
    content = read_entries(existing(path, "file of expected runs"), "file of expected runs")
    if not isinstance(content, dict):
        raise HavenError(f"{path} must map u_ev, temperature_k and replica to lists")
    return content


def force_window(expected: Mapping[str, Any]) -> float:
    """Return the force error up to which an atom counts as trained, eV/Angstrom.

    Parameters
    ----------
    expected
        From `read_expected`; ``force_window_ev_per_angstrom`` of its ``parameters``.

    Raises
    ------
    HavenError
        If it is no positive number.
    """
    given = (expected.get("parameters") or {}).get("force_window_ev_per_angstrom", WINDOW)
    try:
        window = float(given)
    except (TypeError, ValueError):
        window = 0.0
    if not 0 < window < float("inf"):
        raise HavenError(f"force_window_ev_per_angstrom is {given}: it must be a number above 0")
    return window


def temperature_limit(run: Mapping[str, object], thermo: Table) -> float:
    """Return how far a run's mean temperature may be from the one that was set, K.

    Parameters
    ----------
    run
        Row of table ``runs``.
    thermo
        Table ``thermo``: the mean's error is that of the run's series; without one, or of very
        short runs, it is one canonical standard deviation.
    """
    spread = float(str(run["temperature_std_expected_k"]))
    if thermo.empty:
        return spread
    own = (thermo[KEYS] == [run[key] for key in KEYS]).all(axis=1)
    error = error_of_mean(thermo.loc[own, "temperature_now_k"].to_numpy(float))
    share = OFF_SHARE * float(str(run["temperature_k"]))
    return min(spread, share + OFF_ERRORS * error)


def counts_agree(cages: float, cages_ps: float, sites: float, sites_ps: float) -> bool:
    """Return whether two counts of a run's jumps are compatible with rates within a factor.

    The factor is `COUNTS_FACTOR`.

    Parameters
    ----------
    cages, cages_ps
        Jumps from cage to cage (table ``diffusion``) and the time in which they are seen, ps.
    sites, sites_ps
        Jumps between sites (table ``hops``) and the time watched, ps.
    """
    from scipy.special import bdtr, bdtrc

    total = round(cages + sites)
    for factor in (1.0, COUNTS_FACTOR, 1.0 / COUNTS_FACTOR):
        share = factor * cages_ps / (factor * cages_ps + sites_ps)
        below = bdtr(round(cages), total, share)
        above = bdtrc(round(cages) - 1, total, share)
        if min(below, above) > COUNTS_CHANCE / 2:
            return True
    rate = (cages / cages_ps) / max(sites / sites_ps, 1e-12)
    return 1 / COUNTS_FACTOR <= rate <= COUNTS_FACTOR


def count_rows(tables: Tables, material: str, name_of: Callable[[Row], str]) -> list[Row]:
    """Return a verdict for each run on whether the tables ``diffusion`` and ``hops`` agree."""
    hops, found = tables["hops"], tables["diffusion"]
    if hops.empty or found.empty:
        return []
    found = found[(found["axis"] == "xyz") & (found["quantity"] == "self")]
    sites = hops.groupby(KEYS).agg(count=("count", "sum"), sites_ps=("duration_ps", "first"))
    rows = []
    for run in found.drop_duplicates(KEYS).merge(sites.reset_index(), on=KEYS).to_dict("records"):
        seen_ps = next((float(run[name]) for name in ("watched_ps", "duration_ps")
                        if known(run.get(name))), float(run["sites_ps"]))
        if not known(run["hop_events"]):
            continue
        agree = counts_agree(run["hop_events"], seen_ps, run["count"], run["sites_ps"])
        rows.append({
            "material": material, "stage": "ANALYSE_HOPS", "subject": name_of(run),
            "check": "jump counts", "value": float(run["count"]),
            "limit": float(run["hop_events"]), "unit": "1", "passed": agree,
            "message": f"{run['count']:g} jumps between sites in {run['sites_ps']:g} ps, "
                       f"{run['hop_events']:g} from cage to cage in {seen_ps:g} ps"})
    return rows


def namer(tables: Tables, expected: Mapping[str, Any]) -> Callable[[Row], str]:
    """Return a function that makes a run's name of the keys of its row.

    The seed is part of the name only for potentials other than the first of a U.

    Parameters
    ----------
    tables
        The lowest seed of a U in them is taken for its first where ``expected`` does not name it.
    expected
        ``drivers`` maps U to the seeds of the potentials that drive, the first leading.
    """
    first = {float(u): min(some) for name in ("diffusion", "runs")
             for u, some in tables[name].dropna(subset=["seed"]).groupby("u_ev")["seed"]}
    first |= {float(u): seeds[0] for u, seeds in (expected.get("drivers") or {}).items() if seeds}

    def name(run: Row) -> str:
        u_ev, seed = float(run["u_ev"]), int(run["seed"])
        return run_id(u_ev, float(run["temperature_k"]), int(run["replica"]),
                      None if seed == first.get(u_ev, seed) else seed)

    return name


def present_runs(tables: Tables, expected: Mapping[str, Any]) -> set[str]:
    """Return the names of the runs computed or given: those with dynamics or transport."""
    keys, name = ["u_ev", "temperature_k", "replica", "seed"], namer(tables, expected)
    return {name(run) for table in ("runs", "diffusion")
            for run in tables[table][keys].drop_duplicates().to_dict("records")}


def missing_runs(expected: Mapping[str, Any], tables: Tables) -> list[str]:
    """Return the names of expected runs that have no row in the tables."""
    if not all(expected.get(name) for name in ("u_ev", "temperature_k", "replica")):
        return []
    found = present_runs(tables, expected)
    others = {float(u): seeds[1:] for u, seeds in (expected.get("drivers") or {}).items()}
    wanted = [run_id(float(u), float(t), int(r), seed) for u in expected["u_ev"]
              for seed in [None, *others.get(float(u), [])]
              for t in expected["temperature_k"] for r in expected["replica"]]
    return [name for name in wanted if name not in found]


def verdict_rows(
    tables: Tables, missing: list[str], material: str, expected: Mapping[str, Any],
    gates: Mapping[float, Gate],
) -> Table:
    """Return earlier stages' verdicts and those that follow from the tables.

    What follows from the tables takes the place of the same check of the same subject.

    Returns
    -------
    pandas.DataFrame
        Rows of the table ``verdicts``: one for each run, each fit and each missing run.
    """
    import pandas as pd

    rows: list[Row] = []
    name_of = namer(tables, expected)

    def add(stage: str, subject: str, check: str, passed: bool, message: str,
            value: object = None, limit: object = None, unit: str = "1") -> None:
        rows.append({"material": material, "stage": stage, "subject": subject, "check": check,
                     "value": value, "limit": limit, "unit": unit, "passed": passed,
                     "message": message})

    for name in missing:
        add("RUN_DYNAMICS", name, "present", False,
            f"run {name} is missing: not computed or failed")
    for run in tables["runs"].to_dict("records"):
        name = name_of(run)
        add("RUN_DYNAMICS", name, "stable", run["verdict"] == "stable", f"run {name}: "
            f"{run['verdict']}")
        off = abs(run["temperature_mean_k"] - run["temperature_k"])
        limit = temperature_limit(run, tables["thermo"])
        add("RUN_DYNAMICS", name, "temperature", off <= limit,
            f"mean temperature of {name} is {off:.1f} K off", off, limit, "K")
        ratio = run["temperature_std_k"] / run["temperature_std_expected_k"]
        add("RUN_DYNAMICS", name, "fluctuation", FLUCTUATION[0] < ratio < FLUCTUATION[1],
            f"temperature of {name} fluctuates {ratio:.2f} times as much as it should", ratio,
            FLUCTUATION[1])
    rows += count_rows(tables, material, name_of)
    rows += trust.verdict_rows(tables["runs"], material, name_of, gates)
    for fit in tables["diffusion"].to_dict("records"):
        if fit["axis"] != "xyz" or fit["quantity"] not in ("self", "total"):
            continue
        name = name_of(fit)
        add("ANALYSE_TRANSPORT", name, f"D {fit['quantity']}", fit["verdict"] == "diffusive",
            f"D {fit['quantity']} of {name}: {WORDS.get(fit['verdict'], fit['verdict'])}",
            fit["loglog_slope"], 1.0)
    for fit in tables["arrhenius"].to_dict("records"):
        standing = line_standing(fit, tables)
        add("FIT_ARRHENIUS", f"U = {fit['u_ev']:g} eV", str(fit["quantity"]),
            standing == "diffusive", f"Arrhenius fit of {fit['quantity']} at U = "
            f"{fit['u_ev']:g} eV over {fit['temperatures']} temperatures: "
            f"{verdict_words(standing)}")
    new = pd.DataFrame(rows, columns=list(tables["verdicts"].columns))
    old = tables["verdicts"]
    # tables of a finished report, as those of an earlier run, hold these judgements already
    made = set(zip(new["stage"], new["subject"], new["check"], strict=True))
    old = old[[key not in made for key in zip(old["stage"], old["subject"], old["check"],
                                              strict=True)]]
    return pd.concat([t for t in (old, new) if len(t)], ignore_index=True) if len(
        old) + len(new) else new
