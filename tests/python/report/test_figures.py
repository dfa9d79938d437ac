"""Figures: each is registered once, has a section, and its picture carries its key."""

from pathlib import Path

import pandas as pd
import pytest
from report_tables import relaxed, write_study

from haven.material.relaxation import joined_cells
from haven.report.figures import FIGURES, Given, cells, draw_all, dynamics, lattice, style
from haven.report.numbers.comparison import load_reference, of_material
from haven.report.numbers.measured import collect
from haven.report.page import layout
from haven.report.page.contents import load_tables, material_name
from haven.report.page.grids.mechanism import hops_grid
from haven.report.page.grids.published import lattice_grid
from haven.report.registry import TABLES


def test_every_figure_has_a_key_of_its_own_and_is_shown():
    keys = [figure.key for figure in FIGURES]
    assert len(set(keys)) == len(keys)
    told = {key for _, listed, _ in layout.STUDY for key in listed}
    in_sections = {key for _, _, listed, _ in layout.SECTIONS for key in listed}
    assert told <= set(keys)
    assert set(keys) - told - in_sections == {"answer"}  # which opens the report
    names = {section[0] for section in layout.SECTIONS}
    unknown = {figure.section for figure in FIGURES} - names
    assert unknown == {"answer", "barriers"}  # barriers: with the study's own figures


def test_a_picture_carries_the_key_it_is_registered_under(tmp_path):
    tables = load_tables(write_study(tmp_path))
    root = Path(__file__).resolve().parents[3] / "assets" / "reference"
    material = material_name(tables)
    given = Given(tables, collect(tables), of_material(load_reference(root), material), [])
    drawn = {figure.key: figure.draw(given) for figure in FIGURES}
    assert all(picture is None or picture.key == key for key, picture in drawn.items())
    assert {"msd", "conductivity", "barriers", "cost"} <= {p.key for p in draw_all(given)}


def test_published_cells_are_named_by_their_own_source_and_kind():
    """A calculated cell without a U is no measured one."""
    root = Path(__file__).resolve().parents[3] / "assets" / "reference"
    reference = of_material(load_reference(root), "li3ticl6")
    rows = reference[reference["quantity"].str.startswith("lattice_")].copy()
    rows["source"] = rows["measured"].map({True: "Mine 2020, Table 1", False: "Else 2021"})
    rows.loc[rows["u_ev"] == 0, "u_ev"] = float("nan")
    picture = lattice.lattice({"lattice": pd.DataFrame(relaxed())}, rows)
    assert picture is not None
    labels = {label for axis in picture.figure.axes
              for label in axis.get_legend_handles_labels()[1]}
    assert {label for label in labels if label.startswith(("measured", "published"))} == {
        "measured, Mine 2020", "published, Else 2021", "published, U = 4 eV"}


@pytest.mark.parametrize("angle", [90.4, 83.0])
def test_angles_of_a_triclinic_cell_are_shown_beside_published_ones(angle):
    own = pd.DataFrame([{**row, "gamma_degree": angle} for row in relaxed()])
    tables = dict.fromkeys(TABLES, pd.DataFrame()) | {"lattice": own}
    rows = pd.DataFrame([{
        "quantity": "lattice_gamma", "system": "Li3TiCl6 0.754/0.123", "u_ev": 0.0, "value": 82.5,
        "source": "Lab 2020", "doubtful": False, "measured": False, "rounding": 0.05,
        "uncertainty": float("nan"), "unit": "degree", "temperature_k": float("nan"), "note": ""}])
    measured = pd.DataFrame(joined_cells(own)).rename(columns={"low": "low_95", "high": "high_95"})
    measured = measured.assign(verdict="", temperature_k=float("nan"))
    grid = lattice_grid(measured, rows if angle < 90 else rows.iloc[:0])
    skewed = angle < 90
    assert [head for head in grid["columns"] if head in "αβγ"] == ["β", *["γ"] * skewed]
    picture = lattice.lattice(tables, rows if skewed else rows.iloc[:0])
    axes = [axis.get_ylabel() for axis in picture.figure.axes]
    assert axes == ["a (Å)", "b (Å)", "c (Å)", "β (°)", *["γ (°)"] * skewed]


def test_the_caption_of_lattice_constants_counts_cells_by_what_relaxed_them():
    own = pd.DataFrame(relaxed())
    own.loc[own.index[:2], "engine"] = "gpaw"
    lost = int((~own["converged"].astype(bool)).sum())
    assert own["converged"].iloc[:2].all()
    potentials = len(own) - 2 - lost
    caption = lattice.lattice({"lattice": own}, pd.DataFrame(columns=[
        "quantity", "system", "u_ev", "value", "source", "doubtful", "measured"])).caption
    assert caption.startswith(f"{potentials} cells relaxed with the potentials and 2 cells "
                              "relaxed from first principles (stars), ")
    assert f"{lost} cells did not converge" in caption


def test_a_legend_names_what_any_of_the_panels_shows(tmp_path):
    """Lags, temperatures and elements that one U alone has stand in it, numbers in order."""
    tables = load_tables(write_study(tmp_path))
    of_4 = tables["van_hove"]["u_ev"] == 4.0
    tables["van_hove"].loc[of_4, "lag_ps"] *= 1.5
    wanted = [f"{lag:g} ps" for lag in sorted(tables["van_hove"]["lag_ps"].unique())]
    shown = dynamics.van_hove(tables).figure.legends[0].get_texts()
    assert [text.get_text() for text in shown] == wanted
    tables["thermo"] = pd.concat([tables["thermo"], tables["thermo"][
        tables["thermo"]["u_ev"] == 4.0].assign(temperature_k=775.0)])
    shown = dynamics.temperature_series(tables).figure.legends[0].get_texts()
    assert shown[-1].get_text() == "775 K"


def test_values_of_u_have_signs_of_their_own():
    us = (0.0, 1.0, 2.0, 2.2, 3.0, 3.25, 3.5, 3.9, 4.0, 5.0, 5.3, 6.2)
    style.style(us)
    signs = {(style.u_colour(u), style.u_marker(u)) for u in us}
    assert len(signs) == len(us)
    style.style((4.0,))
    assert (style.u_colour(4.0), style.u_marker(4.0)) == ("#D55E00", "s")


def test_a_u_without_the_coldest_temperature_is_shown_at_its_own(tmp_path):
    tables = load_tables(write_study(tmp_path))
    for name in ("hops", "tracks", "density", "van_hove"):
        of_4 = tables[name]["u_ev"] == 4.0
        tables[name] = pd.concat([tables[name][of_4].assign(temperature_k=350.0),
                                  tables[name][~of_4].assign(temperature_k=400.0)])
    shown = hops_grid(tables)
    u, kelvin = (shown["columns"].index(head) for head in ("U (eV)", "T (K)"))
    assert {(row[u], row[kelvin]) for row in shown["rows"]} == {("0", "400"), ("4", "350")}
    for picture in (dynamics.tracks(tables), dynamics.van_hove(tables), cells.density(tables)):
        assert "400 K (U = 0 eV) and 350 K (U = 4 eV)" in picture.caption
        titles = " ".join(axis.get_title() for axis in picture.figure.axes)
        assert "U = 0 eV, 400 K" in titles and "U = 4 eV, 350 K" in titles
