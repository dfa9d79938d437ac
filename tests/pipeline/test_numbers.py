"""The miniature run: killed and resumed, and its numbers, not only its files."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from runs import Miniature

from haven.core import tables

if TYPE_CHECKING:
    import pandas as pd

RUN = ["u_ev", "temperature_k", "replica"]
TEMPERATURES = [298, 333, 373]


@pytest.fixture
def table(miniature: Miniature):
    """Return a reader of one joined table."""

    def read(name: str) -> pd.DataFrame:
        return tables.read(name, miniature.results / "tables" / f"{name}.parquet")

    return read


def test_a_killed_run_repeats_no_finished_task(miniature: Miniature) -> None:
    finished = miniature.killed.names("COMPLETED")
    assert miniature.killed.status == -9
    assert len(finished) >= 6
    assert finished <= miniature.resumed.names("CACHED")
    assert miniature.resumed.names("COMPLETED")


def test_a_finished_run_runs_nothing_again(miniature: Miniature) -> None:
    assert miniature.again.status == 0
    assert miniature.again.names("CACHED") == miniature.resumed.names("CACHED", "COMPLETED")
    assert not miniature.again.names("COMPLETED", "FAILED")


@pytest.mark.parametrize("name", ["runs", "thermo", "rdf", "msd", "diffusion", "conductivity"])
def test_each_run_of_two_u_and_three_temperatures_has_its_rows(table, name: str) -> None:
    found = table(name)[RUN].drop_duplicates()
    assert sorted(found.itertuples(index=False, name=None)) == [
        (u_ev, temperature, 0) for u_ev in (0, 4) for temperature in TEMPERATURES
    ]


def test_there_are_six_runs_and_none_breaks_down(table) -> None:
    runs = table("runs")
    assert len(runs) == 6
    assert set(runs.verdict) <= {"stable", "not_stationary"}  # half a picosecond may be neither
    assert (runs.verdict == "stable").any()
    judged = table("verdicts").query("check == 'stationary'").set_index("subject")["passed"]
    for row in runs.itertuples():
        assert judged[f"u{row.u_ev:g}_t{row.temperature_k:g}_r0"] == (row.verdict == "stable")


def test_forces_are_better_than_the_mean_force(table) -> None:
    accuracy = table("accuracy").query("quantity == 'force' and species == 'all'")
    held_out = accuracy.query("subset == 'test' and component == 'all'")
    assert sorted(held_out.u_ev) == [0, 4]
    assert (held_out.rmse < 0.7 * held_out.baseline_rmse).all()


def test_energy_is_conserved(table) -> None:
    thermo, runs = table("thermo"), table("runs").set_index(RUN)
    for key, run in thermo.groupby(RUN):
        atoms = runs.loc[key, "atoms"]
        drift = np.polyfit(run.time_ps, run.conserved_ev / atoms, 1)[0] * np.ptp(run.time_ps)
        # against what a degree of freedom holds: kB T / 2, at 298 K 13 meV
        assert abs(drift) < 0.005, (key, drift)


def test_temperatures_lie_within_their_fluctuation(table) -> None:
    runs = table("runs")
    off = abs(runs.temperature_mean_k - runs.temperature_k)
    assert (off < runs.temperature_std_expected_k).all()
    ratio = runs.temperature_std_k / runs.temperature_std_expected_k
    assert ratio.median() == pytest.approx(1, abs=0.4)


def test_occupancies_are_met(table) -> None:
    cells = table("structures").query("role == 'supercell'")
    assert len(cells)
    for (structure, site), rows in cells.groupby(["structure", "site"]):
        assert rows["count"].sum() == rows.sites.iloc[0], (structure, site)
    aimed = cells.dropna(subset=["target_occupancy"])
    assert len(aimed)
    assert (abs(aimed.occupancy - aimed.target_occupancy) <= 1 / aimed.sites).all()


def test_conductivity_follows_from_the_diffusion_coefficient(table) -> None:
    """Nernst-Einstein by hand: sigma = n e^2 D / (kB T), in mS/cm from 1/cm3, C and cm2/s."""
    keys = [*RUN, "seed"]
    diffusion = table("diffusion").query("quantity == 'self' and axis == 'xyz'").set_index(keys)
    sigma = table("conductivity").query("quantity == 'sigma_self'").set_index(keys)
    both = sigma.join(diffusion[["value"]]).dropna(subset=["value", "value_ms_per_cm"])
    kelvin = both.index.get_level_values("temperature_k")
    mobility = 1.602176634e-19**2 * both.value / (1.380649e-23 * kelvin)
    expected = 1e3 * both.carrier_density_per_cm3 * mobility
    np.testing.assert_allclose(both.value_ms_per_cm, expected, rtol=1e-3)


def test_no_number_without_its_interval(table) -> None:
    for name, value, low, high in (
        ("diffusion", "value", "low_95", "high_95"),
        ("conductivity", "value_ms_per_cm", "low_95", "high_95"),
        ("arrhenius", "activation_ev", "activation_low_95", "activation_high_95"),
    ):
        rows = table(name).dropna(subset=[value])
        assert (rows[low] <= rows[value]).all(), name
        assert (rows[value] <= rows[high]).all(), name


def test_every_table_is_whole_and_says_where_it_is_from(miniature: Miniature) -> None:
    import pyarrow.parquet as pq

    found = {path.stem for path in (miniature.results / "tables").glob("*.parquet")}
    assert found >= {
        "structures", "labels", "learning_curve", "accuracy", "parity", "rdf", "msd", "diffusion",
        "conductivity", "barriers", "arrhenius", "cost", "verdicts",
    }  # fmt: skip
    for name in found:
        schema = pq.read_schema(miniature.results / "tables" / f"{name}.parquet")
        assert b"haven" in b" ".join(schema.metadata or {}), name


def test_further_replicas_are_told_where_there_are_cells_at_rest(miniature: Miniature) -> None:
    told = json.loads((miniature.results / "parameters.json").read_text())
    assert told["cells_k"] == told["temperature_k"] == TEMPERATURES


def test_the_report_stands_alone(miniature: Miniature) -> None:
    report = Path(miniature.results / "report.html").read_text()
    assert len(report) > 100_000
    outside = r"""(src|href)\s*=\s*["']?(https?:)?//\S+\.(js|css|png|svg|woff2?)"""
    assert not re.search(outside, report)
    assert "Li3TiCl6" in report or "li3ticl6" in report


def test_the_summary_and_the_report_s_path_are_printed(miniature: Miniature) -> None:
    assert (miniature.results / "summary.txt").read_text().strip() in miniature.resumed.said
    assert str(miniature.results / "report.html") in miniature.resumed.said
