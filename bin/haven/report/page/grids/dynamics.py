"""The runs, one a line, and the checks that they and all else were held against."""

from __future__ import annotations

from collections.abc import Mapping

from haven.core.numbers import DASH, known, number, plus_minus
from haven.core.types import Row, Table, Tables
from haven.potential.gate import Gate
from haven.report.figures.scene_names import run_name
from haven.report.numbers.wording import MILLI
from haven.report.page.grids.base import Block, cell, grid


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


def _pressure(row: Row) -> str | dict[str, str]:
    """Return a run's mean pressure with its error, and below it what was asked for."""
    mean, error = row.get("pressure_gpa"), row.get("pressure_error_gpa")
    if not known(mean, error):  # type: ignore[arg-type]
        return DASH
    asked = row.get("pressure_asked_gpa")
    below = f"asked: {float(str(asked)):g}" if known(asked) else ""  # type: ignore[arg-type]
    return cell(plus_minus(float(str(mean)), float(str(error))), below)


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
