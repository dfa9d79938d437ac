#!/usr/bin/env python3
"""Print the answer of assets/study/li3ticl6 and of its controls as tables in Markdown.

``study_table.py FOLDER``: every number comes from the Parquet files and traces of the folder.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import t as student

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bin"))
from haven.core.statistics import poisson_interval
from haven.report.numbers.haven_ratio import mean_ratios, mean_sentence

AGAINST = {"without_dispersion": "material_cell"}  # in the same cell; other controls: main
UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "d": 86400.0}


def seconds(text: str) -> float:
    """Return seconds of a duration as Nextflow writes it, such as ``1h 2m 3s``."""
    return sum(float(n) * UNITS[unit] for n, unit in re.findall(r"([\d.]+)\s*(ms|d|h|m|s)", text))


def core_hours(folder: Path) -> float:
    """Return processor hours of the tasks that ran, from the traces of a part."""
    spent = 0.0
    for path in sorted(folder.glob("trace*.tsv")):
        for row in pd.read_csv(path, sep="\t").to_dict("records"):
            if row["status"] == "COMPLETED":
                share = str(row["%cpu"]).rstrip("%")
                spent += seconds(str(row["realtime"])) * (float(share) if share != "-" else 0) / 100
    return spent / 3600


def ends(row: dict | pd.Series, value: str, low: str, high: str, digits: int = 2) -> str:
    """Return ``value [low, high]``, or the upper bound alone."""
    if pd.isna(row[value]):
        return f"< {row[high]:.{digits}g}" if pd.notna(row[high]) else "no number"
    return f"{row[value]:.{digits}g} [{row[low]:.{digits}g}, {row[high]:.{digits}g}]"


def table(folder: Path, name: str) -> pd.DataFrame:
    """Return a table of a part; an empty one where it is missing."""
    path = folder / "tables" / f"{name}.parquet"
    return pd.read_parquet(path) if path.exists() else pd.DataFrame()


def grid(head: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(cells) + " |" for cells in [head, ["---"] * len(head), *rows]]
    return "\n".join(lines)


def answer(folder: Path) -> str:
    """Return activation energies, conductivities at 298 K and what U changes."""
    lines = table(folder, "arrhenius")
    rows = []
    for name, words in (("sigma_total", "σ (D_total)"), ("sigma_self", "σ (D_self)")):
        for row in lines[lines["quantity"] == name].sort_values("u_ev").to_dict("records"):
            rows.append([
                words, f"{row['u_ev']:g}",
                ends(row, "activation_sigma_ev", "activation_sigma_low_95",
                     "activation_sigma_high_95"),
                ends(row, "activation_ev", "activation_low_95", "activation_high_95"),
                ends(row, "sigma_298_ms_per_cm", "sigma_298_low_95", "sigma_298_high_95"),
                f"{row['temperatures']:.0f}", f"{row['hop_events']:.0f}",
                row["left_out"] if isinstance(row["left_out"], str) else ""])
    text = grid(["from", "U (eV)", "Eₐ of σ (eV)", "Eₐ of σT (eV)", "σ at 298 K (mS/cm)",
                 "temperatures", "jumps", "left out"], rows)
    pairs = table(folder, "paired")
    if len(pairs):
        pairs = pairs[(pairs["contrast"] == "hubbard_u") & pairs["temperature_k"].isna()]
        for row in pairs[pairs["quantity"].str.contains("sigma")].to_dict("records"):
            text += (f"\n\nU = {row['second']:g} less U = {row['first']:g} eV, {row['quantity']}: "
                     f"{ends(row, 'difference', 'low_95', 'high_95')} {row['unit']} "
                     f"(p = {row['p_value']:.2g}).")
    joined = table(folder, "joined")
    said = mean_sentence(mean_ratios(joined[joined["seed"].isna()]))
    return f"{text}\n\nHaven ratio: {said[0].lower()}{said[1:]}" if said else text


def jump_rates(diffusion: pd.DataFrame) -> str:
    """Return the jumps an ion makes in a nanosecond in each run, with exact Poisson intervals."""
    runs = diffusion[(diffusion["quantity"] == "self") & (diffusion["axis"] == "xyz")
                     & (diffusion["replica"] >= 0)]
    texts = []
    for row in runs.sort_values(["seed", "replica"]).to_dict("records"):
        seen, exposure = row["hop_events"], row["ions"] * row["watched_ps"] / 1000
        texts.append("{:.0f} [{:.0f}, {:.0f}]".format(*(
            one / exposure for one in (seen, *poisson_interval(seen)))))
    return ", ".join(texts)


def conditions(folder: Path) -> str:
    """Return cell, pressure, jumps, D_self, D_total and Haven ratio of each temperature."""
    joined, runs, cells, diffusion = (
        table(folder, name) for name in ("joined", "runs", "cells", "diffusion"))
    joined = joined[joined["seed"].isna()]
    rows = []
    for (u, t), mine in joined.groupby(["u_ev", "temperature_k"]):
        by = {row["quantity"]: row for row in mine.to_dict("records")}
        those = runs[(runs["u_ev"] == u) & (runs["temperature_k"] == t)]
        volume = ""
        if len(cells):
            here = cells[(cells["u_ev"] == u) & (cells["temperature_k"] == t)]
            volume = f"{(here['volume_angstrom3'] / here['atoms']).mean() * 20:.1f}"
        tracer, total, ratio = (by[name] for name in ("d_self", "d_total", "haven_ratio"))
        pressure = np.abs(those["pressure_gpa"] - those["pressure_asked_gpa"]).max()
        stable = int((those["verdict"] == "stable").sum())
        scaled = [{key: 1e6 * one[key] if pd.notna(one[key]) else one[key]
                   for key in ("value", "low_95", "high_95")} for one in (tracer, total)]
        rows.append([
            f"{u:g}", f"{t:g}", f"{stable} of {len(those)}",
            f"{those['duration_ps'].sum() / 1000:.3f}",
            volume, f"{pressure:.2f}", f"{tracer['hop_events']:.0f}",
            jump_rates(diffusion[(diffusion["u_ev"] == u) & (diffusion["temperature_k"] == t)]),
            *(ends(one, "value", "low_95", "high_95") for one in scaled),
            ends(ratio, "value", "low_95", "high_95"), str(tracer["verdict"]).replace("_", " ")])
    return grid(["U (eV)", "T (K)", "stable runs", "ns", "volume of 20 atoms (Å³)",
                 "largest pressure (GPa)", "jumps", "jumps per ion and ns, each run",
                 "D_self (10⁻⁶ cm²/s)", "D_total (10⁻⁶ cm²/s)", "H_R", "verdict"], rows)


def ratio(one: dict | pd.Series, other: dict | pd.Series) -> str:
    """Return the ratio of two independent numbers, its arms added in quadrature as logarithms."""
    (low, middle, high), (below, centre, above) = (
        np.log([row["low_95"], row["value"], row["high_95"]]) for row in (one, other))
    if np.isnan(middle - centre):
        return "no number"
    value = middle - centre
    ends_at = (value - np.hypot(middle - low, above - centre),
               value + np.hypot(high - middle, centre - below))
    return f"{np.exp(value):.2g} [{np.exp(ends_at[0]):.2g}, {np.exp(ends_at[1]):.2g}]"


def control(main_part: Path, part: Path) -> str:
    """Return D_self and Haven ratio of a control beside those of another part, at its temperatures.

    The ratio's interval takes both numbers as independent, in their logarithms. Of runs driven by
    several potentials, those of the first are the ones of the other part and are left out.
    """
    mine, theirs = table(part, "joined"), table(main_part, "joined")
    seeds = sorted(mine["seed"].dropna().unique())
    mine = mine[mine["seed"] == seeds[-1]] if len(seeds) > 1 else mine[mine["seed"].isna()]
    theirs = theirs[theirs["seed"].isna()]
    rows = []
    for row in mine.sort_values(["quantity", "u_ev", "temperature_k"]).to_dict("records"):
        same = theirs[(theirs["quantity"] == row["quantity"]) & (theirs["u_ev"] == row["u_ev"])
                      & (theirs["temperature_k"] == row["temperature_k"])]
        if row["quantity"] not in ("d_self", "haven_ratio") or same.empty:
            continue
        other = same.iloc[0]
        scale, name = ((1e6, "D_self (10⁻⁶ cm²/s)") if row["quantity"] == "d_self" else (1, "H_R"))
        shown = [ends({key: one[key] * scale for key in ("value", "low_95", "high_95")},
                      "value", "low_95", "high_95") for one in (other, row)]
        rows.append([name, f"{row['u_ev']:g}", f"{row['temperature_k']:g}", *shown,
                     ratio(row, other), f"{row['hop_events']:.0f}",
                     str(row["verdict"]).replace("_", " ")])
    head = ["quantity", "U (eV)", "T (K)", main_part.name, "control",
            f"control / {main_part.name}", "jumps of the control", "verdict"]
    return grid(head, rows) if rows else ""


def same_barriers(path: Path, first: str, second: str) -> str:
    """Return mean barriers of the same jumps with two potentials (table of `same_barriers.py`).

    Each jump counts both ways. The interval is Student's, of the mean of each jump's two ways: the
    jumps of a structure are taken as independent.
    """
    every = pd.read_csv(path)
    sound = every[every["doubts_first"].isna() & every["doubts_second"].isna()]
    rows = []
    for u, mine in sound.groupby("u_ev"):
        for name, some in [*mine.groupby("direction"), ("all", mine)]:
            ways = [some[[f"barrier_{one}_ev", f"reverse_{one}_ev"]].mean(axis=1)
                    for one in ("first", "second")]
            apart = ways[1] - ways[0]
            half = (student.ppf(0.975, len(apart) - 1) * apart.std() / len(apart) ** 0.5
                    if len(apart) > 1 else np.nan)
            rows.append([f"{u:g}", name, str(len(some)), *(f"{one.mean():.2f}" for one in ways),
                         f"{apart.mean():+.2f} [{apart.mean() - half:+.2f}, "
                         f"{apart.mean() + half:+.2f}]" if half == half
                         else f"{apart.mean():+.2f} (one jump)"])
    tried = f"{len(sound)} of {len(every)} jumps tried are sound with both potentials."
    return grid(["U (eV)", "direction", "jumps", f"barrier {first} (eV)",
                 f"barrier {second} (eV)", "difference (eV)"], rows) + f"\n\n{tried}"


def control_forces(path: Path) -> str:
    """Return how far the study's forces are from those of the equivariant control."""
    every = pd.read_csv(path).set_index(["u_ev", "species", "temperature_k", "measure"])
    rows = []
    for (u, species), some in every.groupby(["u_ev", "species"], sort=False):
        by = some.droplevel(["u_ev", "species"])
        temperatures = by.index.unique("temperature_k")
        spread = [[by.loc[t, name] for t in temperatures]
                  for name in ("rms_force", "rms_difference", "largest_of_a_frame_p95",
                               "share_of_frames_beyond_window")]
        texts = [" to ".join(dict.fromkeys(f"{edge(r['value'] for r in rows_):.2g}"
                                           for edge in (min, max))) for rows_ in spread]
        low = min(r["lower"] for r in spread[3])
        high = max(r["upper"] for r in spread[3])
        rows.append([f"{u:g}", species, *texts[:3], f"{texts[3]} [{low:.2g}, {high:.2g}]"])
    frames = every["frames"].iloc[0]
    return grid(["U (eV)", "element", "force (eV/Å)", "difference (eV/Å)",
                 "largest of a frame, 95 % of frames (eV/Å)", "frames beyond 0.3 eV/Å"], rows) + (
        f"\n\nLeast to most of {', '.join(f'{t:g}' for t in temperatures)} K; {frames} frames of "
        "each run of replica 3; root mean squares of a component; mean forces of two seeds each.")


def main() -> None:
    folder = Path(sys.argv[1])
    hours = []
    for part in ("main", *sorted(p.name for p in folder.iterdir() if p.is_dir())):
        place = folder / part
        if part in [name for name, _ in hours] or not (place / "tables").is_dir():
            continue
        print(f"### {part}\n")
        if len(table(place, "arrhenius")):
            print(answer(place), "\n")
        print(conditions(place), "\n")
        if part != "main":
            if beside := control(folder / AGAINST.get(part, "main"), place):
                print(beside, "\n")
        if (place / "barriers.csv").exists():
            print(same_barriers(place / "barriers.csv", "with dispersion", "without"), "\n")
        hours.append((part, core_hours(place)))
    if (folder / "equivariant").is_dir():
        print("### equivariant\n")
        print(control_forces(folder / "equivariant" / "forces.csv"), "\n")
        if (folder / "equivariant" / "barriers.csv").exists():
            print(same_barriers(folder / "equivariant" / "barriers.csv", "invariant",
                               "equivariant"), "\n")
    print("Core-hours: " + ", ".join(f"{name} {spent:.2f}" for name, spent in hours)
          + f"; {sum(spent for _, spent in hours):.2f} in all.")


if __name__ == "__main__":
    main()
