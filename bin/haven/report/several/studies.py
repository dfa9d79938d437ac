"""Several studies beside each other: materials, values of U, potentials, versions, settings.

A study is a results folder of the pipeline, or the folder that ``./haven transport`` wrote to.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from haven.core.constants import BOLTZMANN_EV_PER_K
from haven.core.errors import HavenError, existing
from haven.core.numbers import DASH, known, number
from haven.core.types import Row, Table, Tables
from haven.report.claims.study import Study
from haven.report.claims.transport import sigma_at_room
from haven.report.numbers.comparison import load_reference, of_material, standing_of
from haven.report.numbers.measured import ROOM, collect, study_u
from haven.report.numbers.soundness import against_runs
from haven.report.numbers.wording import comparison_words, shown, verdict_text, where_words
from haven.report.page.answer import TRACER, formula_of, tracer_words, weakness
from haven.report.page.grids.base import Block, cell, grid
from haven.report.page.provenance import build_id, provenance
from haven.transport.fits.standing import line_note

if TYPE_CHECKING:
    from matplotlib.axes import Axes

QUANTITIES = {"sigma": "σ at 298 K", "activation": "Eₐ of σ", "haven_ratio": "Haven ratio",
              "d_total": "D total", "d_self": "D self"}
NOT_SETTINGS = ("input", "at_once", "outdir", "publish_dir_mode", "checkpoint_dir",
                "checkpoint_minutes", "help")
LONGEST = 160  # letters of a setting's value that are shown
MOST_STUDIES = 20  # curves that one picture can hold and a reader tell apart
KILO = 1000.0
LEGEND_LINE = 0.24  # inches that a curve's name takes below the picture


@dataclass(frozen=True)
class One:
    """A study.

    Attributes
    ----------
    label
        What it is called here.
    folder
        Where it is.
    material
        Name of the material.
    tables, measured
        Its tables, and `haven.report.numbers.measured.collect` of them.
    parameters
        Settings as text; empty where the folder does not say them.
    made_by
        Versions of Haven with digests of the code that wrote the tables.
    """

    label: str
    folder: Path
    material: str
    tables: Tables
    measured: Table
    parameters: Mapping[str, str]
    made_by: tuple[str, ...]

    @property
    def us(self) -> list[float]:
        """Values of U with any number, eV."""
        return study_u(self.tables)

    @property
    def study(self) -> Study:
        """The study as its own report judges it, without published values."""
        return Study(self.tables, self.measured, self.tables["verdicts"].iloc[:0], (),
                     tuple(self.us))

    def row(self, quantity: str, u_ev: float) -> Row | None:
        """Return the number of one of `QUANTITIES` nearest to 298 K."""
        if quantity == "sigma":
            return sigma_at_room(self.study, u_ev)
        return next(iter(self.study.found(quantity, u_ev)), None)


def read_studies(folders: Sequence[str], names: Sequence[str] = ()) -> list[One]:
    """Read several studies; all folders that are none are named at once.

    Parameters
    ----------
    folders
        Results folders.
    names
        What they are called; their folders' names if empty.

    Raises
    ------
    HavenError
        If there are fewer than two, names do not fit, or folders hold no study.
    """
    places = [Path(folder) for folder in folders]
    if len(places) < 2:
        raise HavenError("give two results folders or more, which are to be compared")
    if len(places) > MOST_STUDIES:
        raise HavenError(f"{len(places)} studies: a picture tells {MOST_STUDIES} apart at most; "
                         "compare fewer at once")
    same = [place for place in places if [p.resolve() for p in places].count(place.resolve()) > 1]
    if same:
        raise HavenError(f"{same[0]} is named twice: name each results folder once")
    if names and len(names) != len(places):
        raise HavenError(f"--names has {len(names)} names for {len(places)} folders")
    labels = list(names) or _labels(places)
    if len(set(labels)) < len(labels):
        raise HavenError(f"--names {','.join(labels)}: two are alike")
    found, wrong = [], []
    for place, label in zip(places, labels, strict=True):
        try:
            found.append(_read(place, label))
        except HavenError as error:
            wrong.append(str(error))
    if wrong:
        raise HavenError("; ".join(wrong))
    return found


def _labels(places: Sequence[Path]) -> list[str]:
    """Return the shortest ends of the paths that tell the folders apart."""
    parts = [place.resolve().parts for place in places]
    for depth in range(1, max(map(len, parts)) + 1):
        ends = ["/".join(one[-depth:]) for one in parts]
        if len(set(ends)) == len(ends):
            plain = depth > 1 and all(end.endswith("/results") for end in ends)
            return [end.removesuffix("/results") if plain else end for end in ends]
    return [str(place) for place in places]


def _read(place: Path, label: str) -> One:
    from haven.report.page.contents import load_tables, material_name

    existing(place, "results folder")
    held = place / "tables" if (place / "tables").is_dir() else place
    if any(path.stat().st_size == 0 for path in held.glob("*.parquet")):
        raise HavenError(f"{held} has tables without content (of a stub run): compare real runs")
    tables = load_tables(held)
    measured = collect(tables)
    if measured.empty:
        raise HavenError(f"{held} holds no number that could be compared: name results of a "
                         "finished run")
    said = place / "parameters.json"
    try:
        stored = json.loads(said.read_text(encoding="utf-8")) if said.exists() else {}
    except ValueError as error:
        raise HavenError(f"{said} is no JSON: {error}") from error
    parameters = {str(k): str(v) for k, v in (stored.get("parameters") or {}).items()
                  if v is not None}
    made = sorted({f"Haven {row['version']}, code {row['code']}" for row in provenance(held)})
    return One(label, place, material_name(tables), tables, measured, parameters, tuple(made))


def page_of(studies: Sequence[One], reference_folder: Path) -> Block:
    """Return what the page shows (``assets/compare.html.j2``).

    Parameters
    ----------
    studies
        What is compared.
    reference_folder
        Published values (CSV).
    """
    reference = load_reference(reference_folder)
    points = measured_points(studies, reference)
    return {
        "build": build_id(), "materials": sorted({formula_of(one.material, reference)
                                                  for one in studies}),
        "studies": [{"label": one.label, "material": formula_of(one.material, reference),
                     "folder": str(one.folder), "made_by": "; ".join(one.made_by)}
                    for one in studies],
        "picture": sigma_picture(studies, points, {
            one.label: formula_of(one.material, reference) for one in studies}),
        "numbers": numbers_grid(studies, reference), "experiments": experiment_grid(
            studies, reference),
        "settings": settings_grid(studies), "checks": checks_grid(studies),
        "unsaid": [one.label for one in studies if not one.parameters],
    }


def measured_points(studies: Sequence[One], reference: Table) -> list[tuple[str, Row]]:
    """Return measured conductivities of the studies' materials: formula, row of the reference."""
    found = []
    for material in dict.fromkeys(one.material for one in studies):
        rows = of_material(reference, material)
        rows = rows[(rows["quantity"] == "sigma_total") & rows["u_ev"].isna()]
        found += [(formula_of(material, reference), row) for row in rows.to_dict("records")]
    return found


def numbers_grid(studies: Sequence[One], reference: Table) -> Block:
    """Return the numbers of every study and U near 298 K, with intervals and verdicts."""
    lines = []
    for one in studies:
        for u_ev in one.us:
            cells = [_shown(one, u_ev, quantity) for quantity in QUANTITIES]
            lines.append([cell(one.label, f"{formula_of(one.material, reference)}, "
                               f"U = {u_ev:g} eV"), *cells])
    return grid(["study", *QUANTITIES.values()], lines,
                "95 % intervals in brackets; < marks an upper bound; – means the data support no "
                "number. Below each: verdict and temperature. σ: of runs at 298 K, else from the "
                "Arrhenius line. Haven ratio: D self over D total.")


def _shown(one: One, u_ev: float, quantity: str) -> str | dict[str, str]:
    row = one.row(quantity, u_ev)
    if row is None:
        return cell(DASH, "not computed")
    tracer = one.row(TRACER.get(quantity, ""), u_ev)
    doubts = against_runs(one.tables, u_ev) if known(row["value"]) else []
    parts = (verdict_text(row), *doubts, where_words(row), tracer_words(tracer))
    return cell(shown(row), ", ".join(text for text in parts if text))


def experiment_grid(studies: Sequence[One], reference: Table) -> Block | None:
    """Return each measured number beside every study of its material, with a verdict."""
    lines = []
    for one in studies:
        rows = of_material(reference, one.material)
        rows = rows[rows["u_ev"].isna() & rows["quantity"].isin(["sigma_total", "activation"])]
        for entry in rows.to_dict("records"):
            for u_ev in one.us:
                quantity = "sigma" if entry["quantity"] == "sigma_total" else "activation"
                row = one.row(quantity, u_ev)
                spread = (entry["uncertainty"] if known(entry["uncertainty"])
                          else entry["rounding"])
                against = [text for text in (weakness(row), *against_runs(one.tables, u_ev))
                           if text] if row else []
                value, low, high = (_real(row, k) for k in ("value", "low_95", "high_95"))
                verdict = standing_of(value, low, high, float(entry["value"]), float(spread),
                                      str(entry["quantity"]), sound=not against)
                words = "not computed" if row is None else comparison_words({
                    "quantity": entry["quantity"], "verdict": verdict, "high_95": high, "note": ""})
                why = ", ".join(text for text in (words, *against) if text)
                doubt = " (?)" if entry["doubtful"] else ""
                lines.append([
                    cell(f"{QUANTITIES[quantity]} of {formula_of(one.material, reference)}",
                         f"{one.label}, U = {u_ev:g} eV"),
                    shown(row) if row else DASH, why,
                    cell(number(entry["value"], str(entry["unit"])) + doubt,
                         str(entry["source"]))])
    if not lines:
        return None
    return grid(["quantity", "Haven", "verdict", "measured"], lines,
                "Agrees: the interval meets the measured value and is narrow enough to tell; "
                "settles nothing: the number is hardly known, of a curved line, of runs too short, "
                "or of runs that may not be trusted. (?) marks a value that is doubtful where it "
                "was printed.")


def _real(row: Row | None, name: str) -> float | None:
    value = None if row is None else row[name]
    return float(str(value)) if known(value) else None  # type: ignore[arg-type]


def settings_grid(studies: Sequence[One]) -> Block | None:
    """Return the settings that differ, by parameter; None where nobody says any."""
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
    return grid(["setting", *(one.label for one in studies)], lines, words)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def checks_grid(studies: Sequence[One]) -> Block | None:
    """Return how many checks each study failed, and which."""
    lines = []
    for one in studies:
        table = one.tables["verdicts"]
        if table.empty:
            lines.append([one.label, DASH, "no checks in the folder"])
            continue
        bad = table[~table["passed"].astype(bool)]
        kinds = bad.groupby("check").size().sort_values(ascending=False)
        words = ", ".join(f"{name} ({count})" for name, count in kinds.items())
        lines.append([one.label, f"{len(bad)} of {len(table)}", words or "none"])
    return grid(["study", "checks failed", "which"], lines,
                "What failed in a study limits what its numbers mean; its own report says why.")


def rows_of(studies: Sequence[One]) -> list[Row]:
    """Return the numbers of all studies, one row a quantity, U and temperature, for a CSV."""
    rows: list[Row] = []
    for one in studies:
        for row in one.measured.to_dict("records"):
            rows.append({"study": one.label, "material": one.material, **row})
    return rows


def sigma_picture(
    studies: Sequence[One], points: Sequence[tuple[str, Row]], formulas: Mapping[str, str],
) -> dict[str, Any]:
    """Draw the conductivity of all studies against 1/T, with lines, bounds and measured points.

    Parameters
    ----------
    studies, points
        What is drawn, and rows of the reference with the formula of each.
    formulas
        Formula of each study's material, by its label.

    Returns
    -------
    dict
        ``svg`` (text for the page), ``figure`` (matplotlib's) and ``caption``.
    """
    from haven.report.figures.style import OKABE, WIDTH, style
    from haven.report.figures.transport import room_bar

    style()
    import matplotlib as mpl
    from matplotlib.figure import Figure

    curves = [(one, u_ev) for one in studies for u_ev in one.us]
    figure = Figure(figsize=(WIDTH, 4.4 + LEGEND_LINE * (len(curves) + len(points))))
    figure.patch.set_facecolor("none")
    axis = figure.subplots()
    axis.patch.set_facecolor("none")
    several = len(set(formulas.values())) > 1
    lined = [(one.label, u_ev) for one, u_ev in curves if _lines_of(one, u_ev)]
    for index, (one, u_ev) in enumerate(curves):
        formula = formulas[one.label]
        own = one.label.lower() == one.material.lower()  # called as its material
        name = formula if own else f"{one.label} ({formula})" if several else one.label
        _draw(axis, one, u_ev, index, len(curves), name)
        for fit in _lines_of(one, u_ev):
            place = lined.index((one.label, u_ev))
            room_bar(axis, fit, place, len(lined), OKABE[index % len(OKABE)])
    for index, (formula, row) in enumerate(points):
        axis.scatter([KILO / row["temperature_k"]], [row["value"]], s=70, zorder=6,
                     marker=("P", "X", "*", "d", "h")[index % 5], facecolor="white",
                     edgecolor="black",
                     label=f"measured, {formula}, {str(row['source']).split(',')[0]}")
    axis.set(xlabel="1000 / T (1/K)", ylabel="conductivity σ (mS/cm)", yscale="log")
    _kelvin(axis, studies)
    handles, labels = axis.get_legend_handles_labels()
    unique = dict(zip(labels, handles, strict=True))
    if unique:
        figure.legend(unique.values(), unique.keys(), loc="outside lower center", ncols=1)
    stream = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "haven"}):
        figure.savefig(stream, format="svg", metadata={"Date": None})
    return {"svg": _inline(stream.getvalue()), "figure": figure, "caption":
            "Conductivity from the joint displacement of all ions (D total). Bars: 95 %; arrows: "
            "upper bounds; lines: Arrhenius fits, where the data support one (dotted: curved or of "
            "runs too short, so they settle nothing), with broad bars for their 95 % at 298 K. "
            "Points and bars of one temperature stand side by side. White symbols: measured."}


def _inline(svg: str) -> str:
    """Return an SVG that fits into a page: no XML head, scaled to its column, ids of its own."""
    body = svg[svg.index("<svg"):]
    body = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", body, count=1)
    body = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", body, count=1)
    return body.replace("<svg", '<svg role="img" aria-label="Conductivity of all studies against '
                                'inverse temperature"', 1)


def _lines_of(one: One, u_ev: float) -> list[Row]:
    """Return the fitted lines of the conductivity of one U of a study."""
    fits = one.tables["arrhenius"]
    return fits[(fits["quantity"] == "sigma_total") & (fits["u_ev"] == u_ev)
                & (fits["verdict"] == "diffusive")].to_dict("records")


def _draw(axis: Axes, one: One, u_ev: float, index: int, count: int, name: str = "") -> None:
    """Draw the points, bounds and line of one U of a study, which the legend calls ``name``."""
    import numpy as np

    from haven.report.figures.style import MARKERS, OKABE

    colour, marker = OKABE[index % len(OKABE)], MARKERS[(index + index // 7) % len(MARKERS)]
    label = f"{name or one.label}, U = {u_ev:g} eV"
    mine = one.measured[(one.measured["quantity"] == "sigma_total")
                        & (one.measured["u_ev"] == u_ev)]
    for row in mine.to_dict("records"):
        x = KILO / row["temperature_k"] + 0.008 * (index - (count - 1) / 2)
        if known(row["value"], row["low_95"], row["high_95"]) and row["value"] > 0:
            low = max(row["low_95"], row["value"] * 1e-3)
            axis.errorbar([x], [row["value"]],
                          yerr=[[row["value"] - low], [row["high_95"] - row["value"]]], fmt=marker,
                          color=colour, capsize=3, label=label)
        elif known(row["high_95"]) and row["high_95"] > 0:
            axis.errorbar([x], [row["high_95"]], yerr=[[row["high_95"] * 0.45], [0]],
                          uplims=[True], fmt="_", color=colour, markersize=10, capsize=3,
                          label=f"{label}, upper bound")
    temperatures = [ROOM, *mine["temperature_k"].dropna()]
    x = np.linspace(KILO / max(temperatures), KILO / min(temperatures), 60)
    for fit in _lines_of(one, u_ev):
        if known(fit["prefactor"]) and fit["prefactor"]:
            y = fit["prefactor"] * np.exp(-fit["activation_ev"] * x / (KILO * BOLTZMANN_EV_PER_K))
            axis.plot(x, y * x / KILO, ":" if line_note(fit) else "-", color=colour,
                      linewidth=1.0, zorder=0)


def _kelvin(axis: Axes, studies: Sequence[One]) -> None:
    """Add the temperature in kelvin above the axis of 1000/T."""
    found = {ROOM} | {float(t) for one in studies for t in one.measured.loc[
        one.measured["quantity"] == "sigma_total", "temperature_k"].dropna()}
    kept: list[float] = []
    for t in sorted(found):
        if not kept or abs(KILO / t - KILO / kept[-1]) > 0.2:
            kept.append(t)
    top = axis.secondary_xaxis("top", functions=(lambda x: x, lambda x: x))
    top.set_xticks([KILO / t for t in kept], [f"{t:g}" for t in kept])
    top.set_xlabel("temperature (K)")


def write_comparison(
    studies: Sequence[One], reference_folder: str | Path, template: str | Path, out: str | Path
) -> list[Path]:
    """Write ``compare.html``, ``compare.csv`` and the picture as PDF and PNG into a folder."""
    import pandas as pd

    from haven.report.page.layout import render

    target = Path(out)
    target.mkdir(parents=True, exist_ok=True)
    words = page_of(studies, existing(reference_folder, "folder of reference values"))
    written = [target / f"compare.{ending}" for ending in ("html", "csv", "pdf", "png")]
    figure = words["picture"].pop("figure")
    written[0].write_text(render(Path(template), words), encoding="utf-8")
    pd.DataFrame(rows_of(studies)).to_csv(written[1], index=False)
    figure.savefig(written[2], metadata={"CreationDate": None})
    figure.savefig(written[3], facecolor="white")
    return written
