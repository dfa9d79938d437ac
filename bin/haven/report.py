"""The report: tables joined, judged, drawn and written as one self-contained HTML file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from haven import __version__
from haven.cli import HavenError, existing, log, package_digest
from haven.formatting import DASH, bound, interval, known, number
from haven.kinds import Frame, Row, Tables
from haven.measured import headline, study_u

if TYPE_CHECKING:
    from haven.figures import Picture

LABELS = {
    "d_self": "D self", "d_total": "D total", "sigma_total": "σ from D total",
    "sigma_self": "σ from D self", "haven_ratio": "Haven ratio",
    "activation": "activation energy of σT",
    "sigma_total from the Arrhenius line": "σ at 298 K, Arrhenius line",
    "energy_mae": "energy MAE", "energy_rmse": "energy RMSE", "force_mae": "force MAE",
    "force_rmse": "force RMSE", "cost_ratio": "labels' cost over the potential's",
}
PLAIN = {"d_self": "D_self", "d_total": "D_total", "sigma_total": "sigma", "sigma_self":
         "sigma_self", "haven_ratio": "H_R", "activation": "Ea",
         "sigma_total from the Arrhenius line": "sigma (fit)"}
WORDS = {
    "diffusive": "diffusive", "subdiffusive": "not diffusive yet", "unstable": "run not stable",
    "too_few_events": "too few hops", "not_measured": "not measured", "agrees": "agrees",
    "differs": "differs", "no_interval": "no interval, not judged", "": "",
}
WHY = {
    "subdiffusive": "The mean-square displacement does not grow in proportion to time within the "
                    "run, so only an upper bound is supported; longer runs are needed",
    "too_few_events": "Too few hops were seen for a number; longer or larger runs are needed",
    "unstable": "A run did not stay a stable crystal at the set temperature",
    "not_measured": "Not computed in this run",
}


def load_tables(folder: str | Path) -> dict[str, Frame]:
    """Read every table of a flat folder; a table with no file is empty.

    Raises
    ------
    HavenError
        If the folder does not exist or holds no table at all.
    """
    from haven import tables

    place = existing(folder, "folder of tables")
    if not any(place.glob("*.parquet")):
        raise HavenError(f"no tables in {place}: expected files such as u4_t298_r0.msd.parquet")
    found = {}
    for name in tables.TABLES:
        found[name] = tables.read_folder(name, place)
        for column in tables.declared(name):
            if column.name not in found[name]:
                found[name][column.name] = None
    return found


def material_of(tables: Tables) -> str:
    """Return the name of the one material of the study.

    Raises
    ------
    HavenError
        If the tables are of several materials.
    """
    names = sorted({str(m) for table in tables.values() for m in table["material"].dropna()})
    if len(names) > 1:
        raise HavenError(f"tables of several materials ({', '.join(names)}): report one at a time")
    return names[0] if names else "unknown"


def shown(row: Row, plain: bool = False) -> str:
    """Return a number with interval and unit, a bound, or a dash."""
    value, low, high = (_float(row[name]) for name in ("value", "low_95", "high_95"))
    if value is not None and known(value):
        return interval(value, low, high, str(row["unit"]), plain)
    return bound(high, str(row["unit"]), plain)


def _float(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None


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


def missing_runs(expected: Mapping[str, Any], runs: Frame) -> list[str]:
    """Return the names of expected runs that have no row in the table ``runs``."""
    from haven.cli import run_id

    if not all(expected.get(name) for name in ("u_ev", "temperature_k", "replica")):
        return []
    found = {run_id(float(r.u_ev), float(r.temperature_k), int(r.replica))
             for r in runs.itertuples()}
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

    from haven.cli import run_id

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
        add("RUN_DYNAMICS", name, "stable", run["verdict"] == "stable", f"run {name} is "
            f"{run['verdict']}")
        off = abs(run["temperature_mean_k"] - run["temperature_k"])
        add("RUN_DYNAMICS", name, "temperature", off <= run["temperature_std_expected_k"],
            f"mean temperature of {name} is {off:.1f} K off", off,
            run["temperature_std_expected_k"], "K")
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


def figures(tables: Tables, measured: Frame, reference: Frame) -> list[Picture]:
    """Draw every figure that the tables allow, in the report's order."""
    from haven import figures as look
    from haven import figures_cells as cells
    from haven import figures_dynamics as motion
    from haven import figures_potential as learnt
    from haven import figures_transport as carried

    look.style()
    drawn: list[Callable[[], Picture | None]] = [
        lambda: learnt.labels(tables), lambda: learnt.learning_curve(tables),
        lambda: learnt.parity(tables), lambda: learnt.residuals(tables),
        lambda: learnt.accuracy_by_species(tables), lambda: cells.structures(tables),
        lambda: motion.thermo(tables), lambda: motion.temperature_series(tables),
        lambda: motion.rdf(tables), lambda: motion.msd(tables),
        lambda: carried.diffusion(tables, measured),
        lambda: carried.conductivity(tables, measured, reference),
        lambda: carried.haven_ratio(measured, reference), lambda: carried.hops(tables),
        lambda: motion.tracks(tables), lambda: motion.van_hove(tables),
        lambda: cells.barriers(tables, reference), lambda: cells.cost(tables, reference),
    ]
    pictures = []
    for draw in drawn:
        picture = draw()
        if picture is not None:
            pictures.append(picture)
    return pictures


def summary(measured: Frame, missing: list[str]) -> str:
    """Return the headline as a plain table for a terminal: intervals, units and verdicts per U."""
    lines = []
    rows = headline(measured)
    width = max((len(shown(row, plain=True)) for row in rows), default=10)
    for u_ev in sorted({float(str(row["u_ev"])) for row in rows}):
        lines.append(f"U = {u_ev:g} eV")
        for row in (r for r in rows if r["u_ev"] == u_ev):
            at = row["temperature_k"]
            where = f"{PLAIN[str(row['quantity'])]}" + (
                f" at {at:g} K" if isinstance(at, float) and known(at) else "")
            text = shown(row, plain=True).replace(DASH, "-")
            lines.append(f"  {where:<22}{text:<{width + 2}}{WORDS[str(row['verdict'])]}".rstrip())
    if missing:
        lines.append(f"Missing runs: {', '.join(missing)}")
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
        at = row["temperature_k"]
        where = f"{row['u_ev']:g} eV" + (
            f" at {at:g} K" if isinstance(at, float) and known(at) else "")
        reasons.setdefault((where, verdict, note), []).append(LABELS[str(row["quantity"])])
    return [f"U = {where}: {', '.join(names)}. {WHY.get(verdict, WORDS.get(verdict, verdict))}"
            f"{note}." for (where, verdict, note), names in reasons.items()]


def provenance(folder: Path) -> list[dict[str, str]]:
    """Return version, code digest and inputs of each table file of a folder."""
    import pyarrow.parquet as pq

    rows = []
    for path in sorted(folder.glob("*.parquet")):
        held = pq.read_schema(path).metadata or {}
        inputs = json.loads(held.get(b"haven_inputs", b"{}") or b"{}")
        rows.append({
            "file": path.name, "version": held.get(b"haven_version", b"?").decode(),
            "code": held.get(b"haven_code", b"?").decode(),
            "inputs": "; ".join(f"{k}: {v}" for k, v in inputs.items())[:300],
        })
    return rows


def write(
    folder: str | Path, reference_folder: str | Path, template: str | Path, out: str | Path,
    expected_path: str | Path | None = None,
) -> str:
    """Write ``report.html``, ``figures/`` and ``tables/`` and return the summary's text.

    Parameters
    ----------
    folder
        Flat folder of ``<id>.<table>.parquet`` files.
    reference_folder
        Published values, CSV.
    template
        Jinja template of the HTML.
    out
        Folder to write into.
    expected_path
        JSON of expected runs and parameters, or None.
    """
    from haven import tables as store
    from haven.comparison import compare, load_reference, of_material
    from haven.measured import collect
    from haven.sections import context, render

    target, found = Path(out), load_tables(folder)
    material, expected = material_of(found), read_expected(expected_path)
    reference = of_material(load_reference(reference_folder), material)
    measured = collect(found)
    missing = missing_runs(expected, found["runs"])
    verdicts = verdict_rows(found, missing, material)
    us = study_u(found) or [float(u) for u in expected.get("u_ev", [])]
    comparison = compare(measured, reference, material, us)
    pictures = figures(found, measured, reference)
    log.info("report: %d figures, %d comparisons, %d verdicts", len(pictures), len(comparison),
             len(verdicts))
    made = {**found, "comparison": comparison, "verdicts": verdicts}
    for name, rows in made.items():
        if len(rows):
            known_columns = [c.name for c in store.declared(name)]
            store.write(name, rows[known_columns], target / "tables" / f"{name}.parquet",
                        {"joined": name})
    for picture in pictures:
        picture.save(target / "figures")
    words = context(
        material=material, tables=found, measured=measured, comparison=comparison,
        verdicts=verdicts, pictures=pictures, missing=missing, expected=expected,
        sources=provenance(Path(folder)), reference_folder=Path(reference_folder),
    )
    (target / "report.html").write_text(render(Path(template), words), encoding="utf-8")
    return summary(measured, missing)


def build_id() -> str:
    """Return Haven's version with the digest of its code."""
    return f"Haven {__version__}, code {package_digest()}"


def published_text(row: Mapping[str, Any]) -> str:
    """Return a published value, marked where the printed one is doubtful."""
    return number(row["published"], str(row["unit"])) + (" (?)" if row["doubtful"] else "")
