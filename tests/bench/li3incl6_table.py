#!/usr/bin/env python3
"""Print the answer of assets/study/li3incl6 as tables in Markdown.

``li3incl6_table.py FOLDER``: every number comes from the folder's frames, tables and
``errors.csv``, measured ones from ``assets/reference/transport.csv``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from study_table import ends, grid

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bin"))
FORMULA = "Li3InCl6"


def labels(folder: Path) -> list[str]:
    """Return what the labels are: how many of which origin, and what they took."""
    from haven.core.reading.images import read_images

    frames = [atoms for place in ("frames", "explored")
              for path in sorted((folder / place).glob("*.u0.extxyz"))
              for atoms in read_images(path, "frames")]
    rows = [{"origin": atoms.info["origin"], "atoms": len(atoms),
             "trajectory": atoms.info["trajectory"], "cpu_s": atoms.info["cpu_s"],
             "settings": f"{atoms.info['engine']}, {atoms.info['functional']}, "
             f"{atoms.info['plane_wave_cutoff_ev']:g} eV, k points "
             f"{' x '.join(str(int(n)) for n in np.ravel(atoms.info['kpoints']))}, smearing "
             f"{atoms.info['smearing_ev']:g} eV"} for atoms in frames]
    table = pd.DataFrame(rows)
    by = table.groupby("origin")
    lines = [[str(origin), str(len(part)), str(part["trajectory"].nunique()),
              "; ".join(str(n) for n in sorted(part["atoms"].unique())),
              f"{part['cpu_s'].median():.1f}"] for origin, part in by]
    lines.append(["all", str(len(table)), str(table["trajectory"].nunique()), "",
                  f"{table['cpu_s'].median():.1f}"])
    said = "; ".join(sorted(table["settings"].unique()))
    return [grid(["origin", "frames", "trajectories", "atoms", "median processor seconds a frame"],
                 lines),
            "", f"Settings: {said}. Processor time of these labels: "
            f"{table['cpu_s'].sum() / 3600:.2f} core-hours (the stress at a second cutoff, once a "
            "trajectory, is not in it)."]


def errors(folder: Path) -> list[str]:
    """Return force errors by subset with intervals, and of each trajectory not trained on."""
    rows = []
    table = pd.read_parquet(folder / "tables" / "accuracy.parquet")
    table = table[(table["component"] == "all") & (table["quantity"] == "force")]
    for row in table.to_dict("records"):
        low = row["rmse_low_95"]
        interval = "" if pd.isna(low) else f" [{low:.3f}, {row['rmse_high_95']:.3f}]"
        rows.append([f"u0_s{row['seed']:g}", row["subset"], row["species"],
                     f"{row['rmse']:.3f}{interval}", f"{row['mae']:.3f}"])
    frames = pd.read_csv(folder / "errors.csv")
    frames = frames[frames["subset"] != "train"]
    new = frames["subset"] == "new"  # of many trajectories: by temperature
    frames.loc[new, "trajectory"] = frames[new].groupby("temperature_k")["trajectory"].transform(
        lambda one: f"{one.nunique()} trajector{'y' if one.nunique() == 1 else 'ies'}")
    lines = []
    keys = ["subset", "temperature_k", "trajectory", "origin"]
    for (subset, _, name, origin), part in frames.groupby(keys, dropna=False):
        means = part.groupby("potential")["force_rmse_ev_per_angstrom"].apply(
            lambda one: f"{np.sqrt((one**2).mean()):.3f}")
        kelvin = part["temperature_k"].dropna().unique()
        lines.append([str(subset), str(name), str(origin),
                      f"{kelvin[0]:g}" if len(kelvin) else "",
                      str(len(part) // part["potential"].nunique()),
                      ", ".join(means)])
    return [grid(["potential", "subset", "atoms", "force RMSE [95 %], eV/Å", "MAE"], rows), "",
            grid(["subset", "trajectory", "origin", "K", "frames",
                  "force RMSE of each potential, eV/Å"], lines)]


def dynamics(folder: Path) -> list[str]:
    """Return runs, lines and the conductivity at 298 K, as far as there are any."""
    runs, joined, fits = (pd.read_parquet(folder / "tables" / f"{name}.parquet")
                          for name in ("runs", "joined", "arrhenius"))
    rows = [[f"{row['temperature_k']:g}", f"{row['duration_ps']:g}", f"{row['pressure_gpa']:.2f}",
             f"{row['inherent_change_mev_per_atom']:.1f} "
             f"(±{row['inherent_change_bound_mev_per_atom']:.1f})",
             f"{row['force_error_max_p95_ev_per_angstrom']:.2f}"
             if pd.notna(row["force_error_max_p95_ev_per_angstrom"]) else "",
             f"{row['deviation_max_p95_ev_per_angstrom']:.2f}", str(row["verdict"])]
            for row in runs.sort_values(["temperature_k", "replica"]).to_dict("records")]
    lines = [grid(["K", "ps", "pressure, GPa", "energy of minimised snapshots, second less first "
                   "half, meV/atom", "calibrated force error, eV/Å", "deviation of the two, eV/Å",
                   "verdict"], rows), ""]
    rows = [[f"{row['temperature_k']:g}", str(row["quantity"]),
             ends(row, "value", "low_95", "high_95"), str(row["unit"]),
             f"{row['hop_events']:.0f}", str(row["verdict"])]
            for row in joined.to_dict("records") if pd.isna(row["seed"])]
    lines += [grid(["K", "quantity", "value [95 %]", "unit", "jumps", "verdict"], rows)]
    rows = [[str(row["quantity"]), ends(row, "activation_ev", "activation_low_95",
                                        "activation_high_95"),
             ends(row, "sigma_298_ms_per_cm", "sigma_298_low_95", "sigma_298_high_95")
             if str(row["quantity"]).startswith("sigma") else "",
             str(row["temperatures"]), str(row["verdict"]),
             row["left_out"] if isinstance(row["left_out"], str) else ""]
            for row in fits.to_dict("records")]
    return [*lines, "", grid(["quantity", "Ea of D or σT, eV", "σ at 298 K, mS/cm", "temperatures",
                              "verdict", "left out"], rows)]


def measured() -> list[str]:
    """Return the measured values."""
    table = pd.read_csv(ROOT / "assets" / "reference" / "transport.csv")
    names = list(table.columns)
    table = table[table[names[1]] == FORMULA]
    return [grid(names, [["" if pd.isna(v) else str(v) for v in row]
                         for row in table.itertuples(index=False)])]


def main() -> None:
    """Print the page."""
    folder = Path(sys.argv[1])
    parts = (("Labels", labels(folder)), ("Errors of the potentials", errors(folder)),
             ("Dynamics", dynamics(folder)), ("Measured", measured()))
    print("\n\n".join(f"## {title}\n\n" + "\n".join(lines) for title, lines in parts))


if __name__ == "__main__":
    main()
