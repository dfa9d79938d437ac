"""Figures: each is registered once, has a section, and its picture carries its key."""

from pathlib import Path

import pandas as pd
from report_tables import relaxed, write_study

from haven.report.figures import FIGURES, Given, draw_all, lattice
from haven.report.numbers.comparison import load_reference, of_material
from haven.report.numbers.measured import collect
from haven.report.page import layout
from haven.report.page.contents import load_tables, material_name


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
