"""What was expected and what came of it: missing runs, and a verdict on every run and fit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from haven import trust
from haven.cli import HavenError, existing, run_id
from haven.kinds import Frame, Row, Tables
from haven.wording import WORDS

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
        If the file is missing or is no such mapping.
    """
    if path is None:
        return {}
    import yaml

    text = existing(path, "file of expected runs").read_text(encoding="utf-8")
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        why = " ".join(str(error).split())
        raise HavenError(f"{path} is neither JSON nor YAML: {why}") from None
    if not isinstance(content, dict):
        raise HavenError(f"{path} must map u_ev, temperature_k and replica to lists")
    return content


def present_runs(tables: Tables) -> set[str]:
    """Return the names of the runs computed or given: those with dynamics or transport."""
    return {run_id(float(u), float(t), int(r)) for name in ("runs", "diffusion")
            for u, t, r in tables[name][["u_ev", "temperature_k", "replica"]].drop_duplicates()
            .itertuples(index=False)}


def missing_runs(expected: Mapping[str, Any], tables: Tables) -> list[str]:
    """Return the names of expected runs that have no row in the tables."""
    if not all(expected.get(name) for name in ("u_ev", "temperature_k", "replica")):
        return []
    found = present_runs(tables)
    wanted = [run_id(float(u), float(t), int(r)) for u in expected["u_ev"]
              for t in expected["temperature_k"] for r in expected["replica"]]
    return [name for name in wanted if name not in found]


def verdict_rows(tables: Tables, missing: list[str], material: str) -> Frame:
    """Return earlier stages' verdicts and those that follow from the tables.

    Returns
    -------
    pandas.DataFrame
        Rows of the table ``verdicts``: one for each run, each fit and each missing run.
    """
    import pandas as pd

    rows: list[Row] = []

    def add(stage: str, subject: str, check: str, passed: bool, message: str,
            value: object = None, limit: object = None, unit: str = "1") -> None:
        rows.append({"material": material, "stage": stage, "subject": subject, "check": check,
                     "value": value, "limit": limit, "unit": unit, "passed": passed,
                     "message": message})

    for name in missing:
        add("RUN_DYNAMICS", name, "present", False,
            f"run {name} is missing: not computed or failed")
    for run in tables["runs"].to_dict("records"):
        name = run_id(run["u_ev"], run["temperature_k"], int(run["replica"]))
        add("RUN_DYNAMICS", name, "stable", run["verdict"] == "stable", f"run {name}: "
            f"{run['verdict']}")
        off = abs(run["temperature_mean_k"] - run["temperature_k"])
        add("RUN_DYNAMICS", name, "temperature", off <= run["temperature_std_expected_k"],
            f"mean temperature of {name} is {off:.1f} K off", off,
            run["temperature_std_expected_k"], "K")
        ratio = run["temperature_std_k"] / run["temperature_std_expected_k"]
        add("RUN_DYNAMICS", name, "fluctuation", FLUCTUATION[0] < ratio < FLUCTUATION[1],
            f"temperature of {name} fluctuates {ratio:.2f} times as much as it should", ratio,
            FLUCTUATION[1])
    rows += trust.verdict_rows(tables["runs"], material)
    for fit in tables["diffusion"].to_dict("records"):
        if fit["axis"] != "xyz" or fit["quantity"] not in ("self", "total"):
            continue
        name = run_id(fit["u_ev"], fit["temperature_k"], int(fit["replica"]))
        add("ANALYSE_TRANSPORT", name, f"D {fit['quantity']}", fit["verdict"] == "diffusive",
            f"D {fit['quantity']} of {name}: {WORDS.get(fit['verdict'], fit['verdict'])}",
            fit["loglog_slope"], 1.0)
    for fit in tables["arrhenius"].to_dict("records"):
        add("FIT_ARRHENIUS", f"U = {fit['u_ev']:g} eV", str(fit["quantity"]),
            fit["verdict"] == "diffusive", f"Arrhenius fit of {fit['quantity']} at U = "
            f"{fit['u_ev']:g} eV over {fit['temperatures']} temperatures: "
            f"{WORDS.get(fit['verdict'], fit['verdict'])}")
    new = pd.DataFrame(rows, columns=list(tables["verdicts"].columns))
    old = tables["verdicts"]
    return pd.concat([t for t in (old, new) if len(t)], ignore_index=True) if len(
        old) + len(new) else new
