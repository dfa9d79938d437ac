"""What the report's template is filled with: each section's words, tables and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from haven.figures import count_of
from haven.formatting import DASH, known, number
from haven.kinds import Frame
from haven.measured import headline
from haven.report import LABELS, WORDS, build_id, published_text, shown, unsupported

if TYPE_CHECKING:
    from haven.figures import Picture

Block = dict[str, Any]
# section: title, keys of its figures, tables it needs one of
SECTIONS = (
    ("labels", "Labels", ("labels",), ("labels",)),
    ("potential", "Potential: accuracy and training",
     ("learning_curve", "parity", "residuals", "accuracy"), ("accuracy", "learning_curve")),
    ("health", "Dynamics: cells and health of the runs",
     ("structures", "thermo", "temperature", "rdf"), ("runs",)),
    ("transport", "Transport", ("msd", "diffusion", "conductivity", "haven_ratio"),
     ("msd", "diffusion")),
    ("hops", "Hops and paths of single ions", ("hops", "tracks", "van_hove"), ("hops", "tracks")),
    ("barriers", "Migration barriers", ("barriers",), ("barriers",)),
    ("cost", "Cost", ("cost",), ("cost",)),
)


def grid(columns: list[str], rows: list[list[str]], caption: str) -> Block:
    """Return a table for the template: header, rows of text, caption."""
    return {"columns": columns, "rows": rows, "caption": caption}


def _kelvin(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) and known(value) else DASH


def cell(text: str, below: str) -> dict[str, str]:
    """Return a table's cell with a smaller second line; a known verdict in its words."""
    return {"text": text, "small": WORDS.get(below, below)}


def _at(temperature: object) -> str:
    return f"{temperature:g} K" if isinstance(temperature, float) and known(temperature) else ""


def headline_grid(measured: Frame) -> Block:
    """Return the headline: quantities down, values of U across."""
    rows = headline(measured)
    us = sorted({float(str(row["u_ev"])) for row in rows})
    lines = []
    for name in dict.fromkeys(str(row["quantity"]) for row in rows):
        found = [next(r for r in rows if r["quantity"] == name and r["u_ev"] == u) for u in us]
        lines.append([cell(LABELS[name], _at(found[0]["temperature_k"])),
                      *(cell(shown(row), str(row["verdict"])) for row in found)])
    return grid(["quantity", *(f"U = {u:g} eV" for u in us)], lines,
                "Joined over replicas; 95 % intervals in brackets; < marks an upper bound; – means "
                "the data support no number. Below each: what the runs are.")


def label_of(quantity: str) -> str:
    """Return a quantity's name as a reader knows it."""
    for start, words in (("occupancy_ti_", "Ti occupancy of "), ("lattice_", "lattice, "),
                         ("rdf_first_peak ", "first RDF peak, ")):
        if quantity.startswith(start):
            return words + quantity.removeprefix(start)
    return LABELS.get(quantity, quantity.replace("_", " "))


def comparison_grids(comparison: Frame) -> tuple[Block, Block]:
    """Return published values beside measured ones, and those without a measured one."""
    held, absent = [], []
    us = sorted(comparison["u_ev"].unique())
    keys = ["quantity", "temperature_k", "published", "source"]
    for _, mine in comparison.groupby(keys, sort=False, dropna=False):
        by_u = {row["u_ev"]: row for row in mine.to_dict("records")}
        first = next(iter(by_u.values()))
        there = [u for u, row in by_u.items() if known(row["value"]) or known(row["high_95"])]
        cells = [cell(comparison_value(by_u[u]), by_u[u]["verdict"]) if u in there else DASH
                 for u in us]
        start = cell(label_of(first["quantity"]), _at(first["temperature_k"]))
        end = cell(published_text(first), first["source"])
        if there:
            held.append([start, *cells, end])
        else:
            absent.append([start, ", ".join(f"{u:g}" for u in by_u), end])
    return (
        grid(["quantity", *(f"Haven, U = {u:g} eV" for u in us), "published"], held,
             "“Agrees”: the published value, with what its printed digits leave open, meets the "
             "95 % interval; a wide interval agrees easily. (?) marks a printed value that is "
             "doubtful. A published value for one U stands beside that U only."),
        grid(["quantity", "for U (eV)", "published"], absent,
             "Published values with no counterpart in this run."),
    )


def comparison_value(row: Mapping[str, Any]) -> str:
    """Return Haven's number of a comparison: with interval, as a bound, or marked as alone."""
    if known(row["value"]) and not known(row["low_95"], row["high_95"]):
        return number(row["value"], row["unit"], 3)
    if row["low_95"] == row["high_95"]:
        return number(row["value"], row["unit"])
    return shown(row)  # type: ignore[arg-type]


def accuracy_grid(tables: Mapping[str, Frame], comparison: Frame) -> Block | None:
    """Return test errors per U, seed and element, with the baseline."""
    table = tables["accuracy"]
    table = table[(table["component"] == "all")]
    if table.empty:
        return None
    lines = []
    for row in table.sort_values(["u_ev", "seed", "quantity", "subset", "species"]).to_dict(
            "records"):
        cell = {"value": row["rmse"], "low_95": row["rmse_low_95"], "high_95": row["rmse_high_95"],
                "unit": row["unit"]}
        text = shown(cell) if known(row["rmse_low_95"]) else number(row["rmse"], row["unit"], 3)
        lines.append([f"{row['u_ev']:g}", str(row["seed"]), row["subset"], row["quantity"],
                      row["species"], text, number(row["mae"], row["unit"], 3),
                      number(row["max_error"], row["unit"], 3),
                      number(row["baseline_rmse"], row["unit"], 3), str(row["count"])])
    return grid(["U (eV)", "seed", "frames", "quantity", "element", "RMSE", "MAE", "largest",
                 "mean predictor", "values"], lines,
                "Errors of each potential; intervals: bootstrap over trajectories. “Mean "
                "predictor” is the RMSE of always predicting the training mean.")


def runs_grid(tables: Mapping[str, Frame]) -> Block | None:
    """Return one line a run: length, temperature, drift, trust, verdict."""
    table = tables["runs"]
    if table.empty:
        return None
    lines = []
    for row in table.sort_values(["u_ev", "temperature_k", "replica"]).to_dict("records"):
        share = row["share_beyond_window"]
        lines.append([
            f"{row['u_ev']:g}", f"{row['temperature_k']:g}", str(row["replica"]),
            str(row["seed"]), str(row["atoms"]), f"{row['duration_ps']:g}",
            f"{row['temperature_mean_k']:.1f} ± {row['temperature_std_k']:.1f}",
            f"{row['temperature_std_expected_k']:.1f}",
            f"{row['energy_drift_mev_per_atom_per_ps']:.1e}",
            f"{row['min_distance_angstrom']:.2f}", f"{row['host_msd_angstrom2']:.2f}",
            f"{100 * share:.1f} %" if known(share) else DASH, f"{row['ns_per_day']:.2g}",
            row["verdict"],
        ])
    return grid(["U (eV)", "T (K)", "replica", "seed", "atoms", "length (ps)",
                 "mean ± fluctuation (K)", "expected fluctuation (K)", "drift (meV/atom/ps)",
                 "shortest distance (Å)", "host MSD (Å²)", "frames beyond trained window",
                 "ns per day", "verdict"], lines,
                "One row a run. – where an ensemble of potentials was not run.")


def transport_grid(measured: Frame) -> Block | None:
    """Return D, sigma and the Haven ratio of each U and temperature."""
    names = ("d_self", "d_total", "haven_ratio", "sigma_total", "sigma_self")
    rows = measured[measured["quantity"].isin(names)]
    if rows.empty:
        return None
    lines = []
    for (u_ev, temperature), mine in rows.groupby(["u_ev", "temperature_k"]):
        by_name = {row["quantity"]: row for row in mine.to_dict("records")}
        verdict = " / ".join(WORDS.get(by_name[n]["verdict"], "not judged")
                             if n in by_name else DASH for n in ("d_self", "d_total"))
        lines.append([f"{u_ev:g}", f"{temperature:g}", str(int(mine["runs"].max())),
                      *(shown(by_name[n]) if n in by_name else DASH for n in names), verdict])
    return grid(["U (eV)", "T (K)", "runs", "D self", "D total", "Haven ratio", "σ from D total",
                 "σ from D self", "verdict self / total"], lines,
                "Joined over replicas and potentials; a run that is not diffusive leaves a bound.")


def verdict_grid(verdicts: Frame) -> tuple[Block, Block]:
    """Return failed checks, and all checks counted by stage."""
    failed = verdicts[~verdicts["passed"].astype(bool)] if len(verdicts) else verdicts
    lines = [[row["stage"], row["subject"], row["check"], row["message"],
              number(row["value"], str(row["unit"]), 3), number(row["limit"], str(row["unit"]), 3)]
             for row in failed.to_dict("records")]
    counts = [[str(stage), str(check), f"{int(mine['passed'].sum())} of {len(mine)}"]
              for (stage, check), mine in verdicts.groupby(["stage", "check"])] if len(
                  verdicts) else []
    return (grid(["stage", "subject", "check", "what was found", "value", "limit"], lines,
                 "Every check that did not pass."),
            grid(["stage", "check", "passed"], counts, "All checks by stage."))


def cost_grid(tables: Mapping[str, Frame]) -> Block | None:
    """Return the table of measured costs."""
    table = tables["cost"]
    if table.empty:
        return None
    lines = []
    for row in table.sort_values(["method", "u_ev", "atoms"]).to_dict("records"):
        packed = {True: "yes", False: "no"}.get(row["compressed"], DASH)
        lines.append([row["method"], _kelvin(row["u_ev"]), row["engine"], row["model"], packed,
                      str(row["atoms"]), f"{row['cores']} × {row['device']}", str(row["steps"]),
                      number(row["seconds_per_step"], "s", 3),
                      number(row["seconds_per_atom_step"], "s", 3),
                      number(row["hours_10_ps_per_atom"], "h", 3),
                      number(row["ratio_to_aimd"], "1", 3)])
    return grid(["method", "U (eV)", "engine", "settings", "compressed", "atoms", "cores", "steps",
                 "per step", "per atom and step", "10 ps per atom, core-hours", "ratio to aimd"],
                lines, "Measured wall times; a step of “aimd” is one label.")


def context(
    material: str, tables: Mapping[str, Frame], measured: Frame,
    comparison: Frame, verdicts: Frame, pictures: list[Picture],
    missing: list[str], expected: Mapping[str, Any], sources: list[dict[str, str]],
    reference_folder: Path,
) -> Block:
    """Return everything the template shows."""
    drawn = {picture.key: picture for picture in pictures}
    compared, absent = comparison_grids(comparison) if len(comparison) else (None, None)
    failed, counted = verdict_grid(verdicts)
    beside = {
        "potential": [accuracy_grid(tables, comparison)], "health": [runs_grid(tables)],
        "transport": [transport_grid(measured)], "cost": [cost_grid(tables)],
    }
    sections = [{
        "key": key, "title": title, "pictures": [drawn[k] for k in keys if k in drawn],
        "grids": [g for g in beside.get(key, []) if g],
        "computed": any(len(tables[name]) for name in needs),
    } for key, title, keys, needs in SECTIONS]
    codes = sorted({row["code"] for row in sources})
    return {
        "material": material, "build": build_id(), "headline": headline_grid(measured),
        "unsupported": unsupported(headline(measured)), "missing": missing, "compared": compared,
        "absent": absent, "failed": failed, "counted": counted, "sections": sections,
        "sources": sources, "codes": codes, "runs": count_of(len(tables["runs"]), "run"),
        "parameters": sorted((str(k), str(v)) for k, v in (expected.get("parameters") or {}).items()
                             if v is not None),
        "seeds": sorted({int(s) for name in ("runs", "learning_curve", "accuracy")
                         for s in tables[name]["seed"].dropna()}),
        "citations": citations(reference_folder),
    }


def citations(folder: Path) -> list[dict[str, str]]:
    """Return what to cite, from ``citations.csv`` beside the published values."""
    import csv

    path = folder / "citations.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def render(template: Path, words: Block) -> str:
    """Return the HTML of the report."""
    import jinja2

    from haven.cli import existing

    existing(template, "template")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(template.parent), autoescape=True, trim_blocks=True,
        lstrip_blocks=True, undefined=jinja2.StrictUndefined,
    )
    return environment.get_template(template.name).render(words)
