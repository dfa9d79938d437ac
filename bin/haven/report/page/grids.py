"""The report's tables: what each column shows and how its numbers are written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from haven.core.numbers import DASH, interval, known, number, percent, plus_minus
from haven.core.types import Row, Table, Tables
from haven.potential.gate import Gate
from haven.report.figures.dynamics import at_room
from haven.report.figures.learning import CLASSES, shares
from haven.report.figures.scene_names import condition_name, path_name, run_name
from haven.report.numbers.measured import ROOM, headline
from haven.report.numbers.pressure import pressure_sentence
from haven.report.numbers.wording import (
    LABELS,
    MILLI,
    WORDS,
    as_shown,
    comparison_value,
    comparison_words,
    published_text,
    shown,
    verdict_text,
)

Block = dict[str, Any]


def grid(columns: list[str], rows: list[list[str]], caption: str,
         scenes: list[str] | None = None) -> Block:
    """Return a table for the template: header, rows of text, caption.

    Parameters
    ----------
    columns, rows, caption
        Texts; a cell may be one of `cell`.
    scenes
        For each row the scene that it opens (`haven.report.figures.scene_names`); empty for none.
    """
    return {"columns": columns, "rows": rows, "caption": caption, "scenes": scenes or [],
            "latex": "", "of": []}


def _kelvin(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) and known(value) else DASH


def cell(text: str, below: str) -> dict[str, str]:
    """Return a table's cell with a smaller second line; a known verdict in its words."""
    return {"text": text, "small": WORDS.get(below, below)}


def _at(temperature: object) -> str:
    return f"{temperature:g} K" if isinstance(temperature, float) and known(temperature) else ""


def headline_grid(measured: Table) -> Block:
    """Return the headline: quantities down, values of U across."""
    rows = headline(measured)
    us = sorted({float(str(row["u_ev"])) for row in rows})
    lines = []
    for name in dict.fromkeys(str(row["quantity"]) for row in rows):
        found = [next(r for r in rows if r["quantity"] == name and r["u_ev"] == u) for u in us]
        ats = [_at(row["temperature_k"]) for row in found]
        one = len(set(ats)) == 1
        below = [verdict_text(row) if one or not at else f"{verdict_text(row)}, at {at}"
                 for row, at in zip(found, ats, strict=True)]
        lines.append([cell(LABELS[name], ats[0] if one else ""), *(
            cell(shown(row), words) for row, words in zip(found, below, strict=True))])
    return grid(["quantity", *(f"U = {u:g} eV" for u in us)], lines,
                "Joined over replicas; 95 % intervals in brackets; < marks an upper bound; – means "
                "the data support no number. Below each: what the runs are.")


def near_words(measured: Table) -> str:
    """Return at which temperatures the headline's diffusion coefficients are, in words."""
    ats = sorted({float(str(row["temperature_k"])) for row in headline(measured)
                  if row["quantity"] == "d_self" and known(row["temperature_k"])})  # type: ignore[arg-type]
    if not ats:
        return "Transport numbers"
    nearest = "" if ats == [ROOM] else f", nearest to {ROOM:g} K"
    return f"Transport numbers at {' and '.join(f'{at:g}' for at in ats)} K{nearest}"


def label_of(quantity: str) -> str:
    """Return a quantity's name as a reader knows it."""
    for start, words in (("occupancy_ti_", "Ti occupancy of "), ("lattice_", "lattice, "),
                         ("rdf_first_peak ", "first RDF peak, ")):
        if quantity.startswith(start):
            return words + quantity.removeprefix(start)
    return LABELS.get(quantity, quantity.replace("_", " "))


def comparison_grids(comparison: Table) -> tuple[Block, Block]:
    """Return published values beside measured ones, and those without a measured one."""
    held, absent = [], []
    us = sorted(comparison["u_ev"].unique())
    keys = ["quantity", "temperature_k", "published", "source"]
    for _, mine in comparison.groupby(keys, sort=False, dropna=False):
        by_u = {row["u_ev"]: row for row in mine.to_dict("records")}
        first = next(iter(by_u.values()))
        there = [u for u, row in by_u.items() if known(row["value"]) or known(row["high_95"])]
        ends = "; in brackets the range of the cells timed" if "cost_ratio" in str(
            first["quantity"]) else ""
        cells = [cell(comparison_value(by_u[u]), comparison_words(by_u[u]) + ends) if u in there
                 else DASH for u in us]
        start = cell(label_of(first["quantity"]), _at(first["temperature_k"]))
        end = cell(published_text(first), ": ".join(
            text for text in (first["source"], first["published_note"]) if text))
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


def lattice_grid(measured: Table, reference: Table) -> Block | None:
    """Return relaxed cells as the study's Table II has them: ours, the study's, measured ones."""
    names = ("lattice_a", "lattice_b", "lattice_c", "lattice_beta", "lattice_volume")
    own = measured[measured["quantity"].isin(names)]
    theirs = reference[reference["quantity"].isin(names)].copy()
    theirs["system"] = [str(text).partition(" ")[2] for text in theirs["system"]]
    if own.empty:
        return None
    lines = []
    for (system, u_ev), mine in own.groupby(["system", "u_ev"], sort=False):
        by_name = {row["quantity"]: row for row in mine.to_dict("records")}
        lines.append([cell(f"Haven, U = {u_ev:g} eV", str(system)),
                      *(comparison_value(by_name[n]) if n in by_name else DASH for n in names)])
    printed = theirs.assign(u_ev=theirs["u_ev"].fillna(-1.0))
    for (system, u_ev, source), mine in printed.groupby(["system", "u_ev", "source"], sort=False):
        by_name = {row["quantity"]: {**row, "published": row["value"]}
                   for row in mine.to_dict("records")}
        of = f", U = {u_ev:g} eV" if u_ev >= 0 else ""
        lines.append([cell(f"{str(source).partition(',')[0]}{of}", str(system)),
                      *(published_text(by_name[n]) if n in by_name else DASH for n in names)])
    return grid(["cell", "a", "b", "c", "β", "volume"], lines,
                "Relaxed cells, atoms and cell together, at no pressure and 0 K; below each the "
                "occupancies of the framework cation, site by site. "
                + ("Intervals: over replicas of the disorder." if own["low_95"].notna().any()
                   else "One replica of the disorder, so without intervals."))


def published_accuracy_grid(comparison: Table) -> Block | None:
    """Return the errors on held-out frames beside the published ones."""
    if comparison.empty:
        return None
    rows = comparison[comparison["quantity"].isin(["energy_mae", "energy_rmse", "force_mae",
                                                   "force_rmse"])]
    held = comparison_grids(rows)[0] if len(rows) else None
    if not held or not held["rows"]:
        return None
    return held | {"caption": "Errors on held-out trajectories beside the published ones, which "
                   "are of another engine's labels and far more of them. (?) marks a printed "
                   "value that is doubtful."}


def accuracy_grid(tables: Tables) -> Block | None:
    """Return test errors per U, seed and element, with the baseline."""
    table = tables["accuracy"]
    table = table[(table["component"] == "all")]
    if table.empty:
        return None
    lines = []
    for row in table.sort_values(["u_ev", "seed", "quantity", "subset", "species"]).to_dict(
            "records"):
        row = as_shown(row, "rmse", "rmse_low_95", "rmse_high_95", "offset", "scatter", "mae",
                       "max_error", "baseline_rmse")
        cell = {"value": row["rmse"], "low_95": row["rmse_low_95"], "high_95": row["rmse_high_95"],
                "unit": row["unit"]}
        text = shown(cell) if known(row["rmse_low_95"]) else number(row["rmse"], row["unit"], 3)
        lines.append([f"{row['u_ev']:g}", str(row["seed"]), row["subset"], row["quantity"],
                      row["species"], text, _parts_of(row), number(row["mae"], row["unit"], 3),
                      number(row["max_error"], row["unit"], 3),
                      number(row["baseline_rmse"], row["unit"], 3), str(row["count"])])
    return grid(["U (eV)", "seed", "frames", "quantity", "element", "RMSE",
                 "offset; scatter", "MAE", "largest", "mean predictor", "values"], lines,
                "Errors of each potential; intervals: bootstrap over trajectories. “Mean "
                "predictor” is the RMSE of always predicting the training mean. An offset that all "
                "values share moves no atom; the scatter about it is what is left. “aimd”: along "
                "first-principles dynamics at one temperature, whose frames were not chosen for "
                "being difficult; one trajectory, so without interval.")


def _parts_of(row: Row) -> str:
    """Return an error's offset and its scatter about that; a dash where a table has neither."""
    if not known(row.get("offset"), row.get("scatter")):  # type: ignore[arg-type]
        return DASH
    unit = str(row["unit"])
    return (f"{number(row['offset'], unit, 2)}; "  # type: ignore[arg-type]
            f"{number(row['scatter'], unit, 2)}")  # type: ignore[arg-type]


def barriers_grid(tables: Tables, reference: Table) -> Block | None:
    """Return each path's barrier there and back, their mean, and the published one."""
    table = tables["barriers"].drop_duplicates(["u_ev", "seed", "replica", "path"])
    if table.empty:
        return None
    lines, turned = [], []
    printed = bool(reference["quantity"].astype(str).str.startswith("barrier ").any())
    for row in table.sort_values(["direction", "u_ev", "replica", "path"]).to_dict("records"):
        turned.append(path_name(row))
        said = reference[reference["quantity"] == f"barrier {row['direction']}"]
        flag = row["flag"] if isinstance(row["flag"], str) else ""  # an empty one is nan
        flag = flag.replace("_", " ").replace("+", ", ")
        doubt = ", ".join(p for p in (flag, "" if row["converged"] else "not converged") if p)
        there, back = float(row["barrier_ev"]), float(row["reverse_barrier_ev"])
        lines.append([
            row["direction"], f"{row['u_ev']:g}", f"{row['from_site']} to {row['to_site']}",
            number(row["distance_angstrom"], "Angstrom", 3), f"{there:.3f}", f"{back:.3f}",
            f"{(there + back) / 2:.3f}", doubt or "sound",
            *([published_text({**said.iloc[0].to_dict(), "published": said["value"].iloc[0]})
               if len(said) else DASH] if printed else [])])
    return grid(["direction", "U (eV)", "sites", "distance", "there (eV)", "back (eV)",
                 "mean (eV)", "path", *(["published"] if printed else [])], lines,
                "Barriers of single paths, so without interval. In a disordered cell the two ends "
                "of a path differ in energy: the mean of both ways is "
                + ("what a published barrier is compared with" if printed
                   else "what to compare with a barrier of an ordered cell")
                + ". The paths of two U may be of different ions.", turned)


def gate_grid(rows: list[Row]) -> Block | None:
    """Return what the trust gate flags and misses on held-out atoms.

    Parameters
    ----------
    rows
        Of table ``trust_gate``.
    """
    def share(row: Row, name: str) -> str:
        value, low, high = (None if row[f"share_{name}{end}"] is None
                            else 100 * float(str(row[f"share_{name}{end}"]))
                            for end in ("", "_low_95", "_high_95"))
        return f"{interval(value, low, high)} %"

    lines = [[f"{row['u_ev']:g}", str(row["level"]), str(row["trajectories"]),
              interval(row["rank_correlation"], row["rank_low_95"], row["rank_high_95"]),  # type: ignore[arg-type]
              cell(f"{row['flagged']} of {row['above']}", share(row, "flagged")),
              cell(f"{row['false_alarms']} of {row['within']}", share(row, "false_alarms"))]
             for row in rows]
    return grid(["U (eV)", "by", "held-out trajectories", "rank correlation", "flagged of those "
                 "beyond the window", "false alarms"], lines,
                "The trust gate held against labelled frames that no potential was trained on: "
                "its factor is fitted without the trajectory judged. Rank correlation: of "
                "deviation and true force error. Intervals: bootstrap over trajectories."
                ) if lines else None


def runs_grid(tables: Tables, gates: Mapping[float, Gate]) -> Block | None:
    """Return one line a run: length, temperature, drift, trust, verdict."""
    table = tables["runs"]
    if table.empty:
        return None
    lines, turned = [], []
    for row in table.sort_values(["u_ev", "temperature_k", "replica"]).to_dict("records"):
        turned.append(f"{run_name(row)}|tracks")
        lines.append([
            f"{row['u_ev']:g}", f"{row['temperature_k']:g}", str(row["replica"]),
            str(row["seed"]), str(row["atoms"]), f"{row['duration_ps']:g}",
            f"{row['temperature_mean_k']:.1f} ± {row['temperature_std_k']:.1f}",
            f"{row['temperature_std_expected_k']:.1f}",
            f"{row['energy_drift_mev_per_atom_per_ps']:.1e}",
            f"{row['min_distance_angstrom']:.2f}", f"{row['host_msd_angstrom2']:.2f}",
            _beyond(row, gates.get(float(str(row["u_ev"])))),
            cell(*(number(MILLI * row[name] if known(row[name]) else None, "1", 2) for name in (
                "force_error_max_p95_ev_per_angstrom", "deviation_max_p95_ev_per_angstrom"))),
            _pressure(row), f"{row['ns_per_day']:.2g}", row["verdict"],
        ])
    return grid(["U (eV)", "T (K)", "replica", "seed", "atoms", "length (ps)",
                 "mean ± fluctuation (K)", "expected fluctuation (K)", "drift (meV/atom/ps)",
                 "shortest distance (Å)", "host MSD (Å²)", "frames beyond force window",
                 "calibrated force error (meV/Å)", "pressure (GPa)", "ns per day", "verdict"],
                lines,
                "One row a run. – where an ensemble of potentials was not run. Frames beyond "
                "force window: by their worst atom; below it what as many atoms of held-out labels "
                "together give (their share of frames beyond, p, as 1 - (1 - p)^n for n of them). "
                "Calibrated force "
                "error: the root mean square error of atoms on which the ensemble deviates as on "
                "a frame's worst, in 95 % of the frames no more than this (some atoms err more); "
                "below it the deviation that it is a multiple of (table calibration_scale).",
                turned)


def _beyond(row: Row, gate: Gate | None) -> str | dict[str, str]:
    """Return a run's share of frames beyond the window, and below it that of held-out labels."""
    share = row["share_beyond_window"]
    if not known(share):  # type: ignore[arg-type]
        return DASH
    text = f"{100 * float(str(share)):.1f} %"
    if gate is None or gate.held_out is None:
        return text
    value, low, high = (100 * end for end in gate.held_out.share(int(str(row["atoms"]))))
    return cell(text, f"held out: {value:.0f} [{low:.0f}, {high:.0f}] %")


def hops_grid(tables: Tables) -> Block | None:
    """Return the jumps seen near 298 K, by sites and direction."""
    table = tables["hops"]
    table = at_room(table)[0] if len(table) else table
    table = table[table["count"] > 0] if len(table) else table
    if table.empty:
        return None
    lines, turned = [], []
    order = ["u_ev", "replica", "seed", "count"]
    for row in table.sort_values(order, ascending=[True, True, True, False]).to_dict("records"):
        turned.append(f"{run_name(row)}|network|{row['from_site']} to {row['to_site']}")
        lines.append([
            f"{row['from_site']} to {row['to_site']}", row["direction"],
            str(row["kind"]).replace("_", "-"), f"{row['u_ev']:g}", f"{row['temperature_k']:g}",
            str(row["replica"]), str(row["seed"]), str(row["count"]),
            interval(row["rate_per_ion_per_ns"], row["rate_low_95"], row["rate_high_95"]),
            str(int(row["returns"])) if known(row["returns"]) else DASH])
    return grid(["sites", "direction", "kind", "U (eV)", "T (K)", "replica", "seed", "jumps",
                 "per ion and ns", "undone at once"], lines,
                "Jumps seen at the temperature nearest 298 K; 95 % intervals (Poisson). Undone at "
                "once: there and back within the residence time, not counted.", turned)


def _pressure(row: Row) -> str | dict[str, str]:
    """Return a run's mean pressure with its error, and below it what was asked for."""
    mean, error = row.get("pressure_gpa"), row.get("pressure_error_gpa")
    if not known(mean, error):  # type: ignore[arg-type]
        return DASH
    asked = row.get("pressure_asked_gpa")
    below = f"asked: {float(str(asked)):g}" if known(asked) else ""  # type: ignore[arg-type]
    return cell(plus_minus(float(str(mean)), float(str(error))), below)


def transport_grid(measured: Table) -> Block | None:
    """Return D, sigma and the Haven ratio of each U and temperature."""
    names = ("d_self", "d_total", "haven_ratio", "sigma_total", "sigma_self")
    rows = measured[measured["quantity"].isin(names)]
    if rows.empty:
        return None
    lines, turned = [], []
    for (u_ev, temperature), mine in rows.groupby(["u_ev", "temperature_k"]):
        turned.append(f"{condition_name({'u_ev': u_ev, 'temperature_k': temperature})}|tracks")
        by_name = {row["quantity"]: row for row in mine.to_dict("records")}
        verdicts = [WORDS.get(by_name[n]["verdict"], "not judged") if n in by_name else DASH
                    for n in ("d_self", "d_total")]
        verdict = " / ".join(dict.fromkeys(verdicts))
        share, error = mine["beyond"].max(), mine["force_error"].max()
        lines.append([f"{u_ev:g}", f"{temperature:g}", str(int(mine["runs"].max())),
                      *(shown(by_name[n]) if n in by_name else DASH for n in names), verdict,
                      cell(percent(share, 1) if known(share) else "not measured",
                           number(MILLI * error, "meV/Angstrom", 2) if known(error) else "")])
    return grid(["U (eV)", "T (K)", "runs", "D self", "D total", "Haven ratio", "σ from D total",
                 "σ from D self", "verdict self / total", "frames beyond force window"], lines,
                "Joined over replicas and potentials; the runs of a condition are judged together, "
                "and leave a bound where together they are not diffusive. "
                "Last column: the largest share of a run's frames whose calibrated force error is "
                "beyond the window, below it that error in 95 % of the frames.", turned)


def verdict_grid(verdicts: Table) -> tuple[Block, Block]:
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


def cost_grid(tables: Tables) -> Block | None:
    """Return the table of measured costs."""
    table = tables["cost"]
    if table.empty:
        return None
    lines = []
    for row in table.sort_values(["method", "u_ev", "atoms"]).to_dict("records"):
        packed = {True: "yes", False: "no"}.get(row["compressed"], DASH)
        training = row["method"] == "training"  # its step has no atoms of its own
        lines.append([row["method"], _kelvin(row["u_ev"]), row["engine"], row["model"], packed,
                      DASH if training else str(row["atoms"]),
                      f"{row['cores']} × {row['device']}", str(row["steps"]),
                      number(row["seconds_per_step"], "s", 3),
                      DASH if training else number(row["seconds_per_atom_step"], "s", 3),
                      DASH if training else number(row["hours_10_ps_per_atom"], "h", 3),
                      number(row["ratio_to_aimd"], "1", 3)])
    if not any("GPU" in str(device) for device in table["device"]):
        lines.append(["dlmd", DASH, "LAMMPS", "any", DASH, DASH, "GPU", DASH,
                      *["not measured"] * 4])
    return grid(["method", "U (eV)", "engine", "settings", "compressed", "atoms", "cores", "steps",
                 "per step", "per atom and step", "10 ps per atom, core- or GPU-hours",
                 "ratio to aimd"],
                lines, "Measured here: wall time, or processor time where the machine was shared. "
                "A “label” is a single point, a step of “aimd” goes on from the last density; "
                "the ratio is to “aimd”, to “label” where a U has no “aimd”; on a GPU it is "
                "core-hours over GPU-hours. First principles "
                "cost more per atom the larger the cell. float32: network in single precision, "
                "sums in double.")


def paired_grid(tables: Tables) -> Block | None:
    """Return what U (or the size of the cell) changes, run against run."""
    table = tables["paired"]
    if table.empty:
        return None
    lines = []
    for row in table.to_dict("records"):
        unit = {"hubbard_u": "eV (U)", "cell_size": "mobile ions"}.get(row["contrast"], "")
        lines.append([
            cell(label_of(row["quantity"]), _at(row["temperature_k"])),
            f"{row['second']:g} less {row['first']:g} {unit}", str(row["pairs"]),
            interval(row["difference"], row["low_95"], row["high_95"]) + f" {row['unit']}",
            f"{row['p_value']:.2g}" if known(row["p_value"]) else DASH,
        ])
    of_u = pressure_sentence(tables["runs"]) if (table["contrast"] == "hubbard_u").any() else ""
    return grid(["quantity", "difference", "pairs", "value", "p"], lines,
                "Runs paired by temperature, replica and seed. “ln ratio”: the logarithm of second "
                f"over first. p: chance of so large a difference were there none. {of_u}".rstrip())


def budget_grid(tables: Tables) -> Block | None:
    """Return where the error of activation energy and conductivity comes from, else that of D."""
    every = tables["error_budget"]
    parts = [every[every["quantity"].astype(str).str.contains(name)]
             for name in ("sigma_total", "d_total", "d_self")]
    table = next((part for part in parts if len(part)), every)
    if table.empty:
        return None
    sources = [s for s in ("sampling", "disorder", "potential", "extra", "extrapolation", "total")
               if s in set(table["source"])]
    lines = []
    for (u_ev, quantity), mine in table.groupby(["u_ev", "quantity"], sort=False):
        by_source = {row["source"]: row for row in mine.to_dict("records")}
        line = [cell(label_of(str(quantity)), f"U = {u_ev:g} eV")]
        for source in sources:
            row = by_source.get(source, {"standard_error": None, "share": None, "unit": ""})
            error = number(row["standard_error"], "1", 2)
            line.append(cell(f"{error} {row['unit']}" if error != DASH else DASH, _part(row)))
        lines.append(line)
    return grid(["quantity", *sources], lines, "Standard error by source, its share of the "
                "variance, and the 95 % interval of the error itself where few members show it. "
                "Disorder: replicas; potential: seeds that drove runs; extra: beyond these; "
                "extrapolation is a part of the total.")


def _part(row: Row) -> str:
    """Return share, members and interval of one part of an error."""
    if not known(row["share"]):
        return "one member only"
    ends = (f"[{number(row['low_95'], '1', 2)}, {number(row['high_95'], '1', 2)}]"
            if known(row.get("low_95"), row.get("high_95")) else "")
    members = f"{row['members']:.0f} members" if known(row.get("members")) else ""
    return ", ".join(part for part in (percent(row["share"]), members, ends) if part)


def plan_grid(tables: Tables) -> Block | None:
    """Return how much longer to simulate for the interval wanted."""
    table = tables["plan"]
    table = table[table["quantity"].isin(["sigma_total", "d_self"])] if len(table) else table
    if table.empty:
        return None
    lines = []
    for row in table.sort_values(["u_ev", "quantity", "temperature_k"]).to_dict("records"):
        now = f"± {percent(row['half_width_now'])}" if known(row["half_width_now"]) else DASH
        lines.append([cell(label_of(row["quantity"]), f"U = {row['u_ev']:g} eV, "
                           f"{row['temperature_k']:g} K"),
                      number(row["have_ns"], "ns", 3), now,
                      f"± {percent(row['half_width_wanted'])}",
                      number(row["more_ns"], "ns", 3), number(row["device_hours"], "h", 3),
                      row["note"]])
    return grid(["quantity", "have", "interval now", "wanted", "more", "hours on this hardware",
                 "note"], lines, "What a narrower interval would take, all runs together.")


def scaling_grid(tables: Tables) -> Block | None:
    """Return how a step's time grows with the cell."""
    lines = [[
        number(row["u_ev"]), row["model"], {True: "yes", False: "no"}.get(row["compressed"], DASH),
        f"{row['cores']} × {row['device']}",
        f"{row['sizes']}: {row['atoms_least']} to {row['atoms_most']}",
        *(interval(row[name], row[f"{stem}_low_95"], row[f"{stem}_high_95"], unit)
          for name, stem, unit in (("exponent", "exponent", "1"), ("overhead_s", "overhead", "s"),
                                   ("seconds_per_atom_step", "seconds_per_atom_step", "s"))),
        row["verdict"],
    ] for row in tables["scaling"].to_dict("records")]
    return grid(["U (eV)", "settings", "compressed", "cores", "sizes (atoms)", "exponent",
                 "overhead", "per atom", "verdict"], lines,
                "A step's time against the atoms: exponent of a power law; intercept and slope of "
                "a straight line; 95 % intervals from the scatter about each.") if lines else None


def rounds_grid(tables: Tables) -> Block | None:
    """Return the rounds: what was seen at each U, and how many frames were chosen for labels."""
    table = tables["exploration"]
    if table.empty:
        return None
    chosen = tables["selection"].groupby("round").size()
    rows = [[f"{row['round']:g}", f"{row['u_ev']:g}", f"{row['frames']:g}",
             *(f"{100 * row[name]:.0f} %" for name in CLASSES),
             f"{chosen.get(row['round'], 0)}"]
            for row in shares(table, ["round", "u_ev"]).to_dict("records")]
    return grid(["round", "U (eV)", "frames explored", *CLASSES, "chosen in the round"], rows,
                "Learning rounds: shares of the explored frames; the chosen frames are labelled at "
                "every U.")
