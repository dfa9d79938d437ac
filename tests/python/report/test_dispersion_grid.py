"""The report shows relaxed cells with and without dispersion, and says which are not there."""

from __future__ import annotations

import pandas as pd
import pytest
from report_tables import relaxed
from trained import ROOT

from haven.labels.cell_relaxation import lattice_row
from haven.labels.dispersion import KEY
from haven.labels.frames.reading import read_file
from haven.report.claims.study import Study
from haven.report.numbers.comparison import load_reference, of_material
from haven.report.page.dispersion import dispersion_grid

CELLS = ROOT / "assets" / "cells" / "li3ticl6"
REFERENCE = ROOT / "assets" / "reference"


def first_principles(u_ev, dispersion):
    """Return the shipped relaxation's row, as if its labels held a correction."""
    frames = read_file(CELLS / f"relaxed_default_s1.u{u_ev:g}.extxyz", u_ev, ["Li", "Ti", "Cl"])
    if dispersion != "none":
        frames[-1].info[KEY] = dispersion
    return {**relaxed()[0], "u_ev": u_ev, "replica": 0, **lattice_row(frames, 0.05),
            "converged": True}


def study(rows, dispersion):
    reference = of_material(load_reference(REFERENCE), "li3ticl6")
    return Study({"lattice": pd.DataFrame(rows)}, pd.DataFrame(), reference, (0.0, 4.0),
                 dispersion)


def rows_of(block):
    return {(line[0]["text"], line[0]["small"]): line[1:] for line in block["rows"]}


def test_cells_both_ways_stand_beside_the_experiments():
    rows = [*relaxed(), *(first_principles(u, d) for u in (0.0, 4.0) for d in ("none", "d3bj"))]
    block = dispersion_grid(study(rows, "d3bj"))
    assert block is not None and block["columns"] == ["relaxed cell", "U = 0 eV", "U = 4 eV"]
    held = rows_of(block)
    for words in ("first principles, without dispersion", "first principles, with d3bj"):
        low, high = held[words, "1.000/0.000, gpaw 26.7.0"]
        assert low["text"].startswith("425.2") and high["text"].startswith("433.9")
        assert (low["small"], high["small"]) == ("+3.1 %", "+5.2 %")
    mine = held["potential, labels with d3bj", "0.754/0.123"]
    assert mine[0]["text"].startswith("418") and mine[0]["small"] == "+1.3 %"
    last = block["rows"][-1]
    assert last[0]["text"].startswith("experiment") and last[1].startswith("412.6")
    assert "Not relaxed" not in block["caption"]
    assert "A potential of labels without it is another run" in block["caption"]


@pytest.mark.parametrize(("there", "said"), [
    ([(0.0, "none"), (4.0, "none")], "Not relaxed from first principles with dispersion at U = 0, "
                                     "4 eV (--relax_first_principles"),
    ([(0.0, "none"), (0.0, "d3bj"), (4.0, "d3bj")],
     "Not relaxed from first principles without dispersion at U = 4 eV"),
    ([], "without dispersion at U = 0, 4 eV and with dispersion at U = 0, 4 eV")])
def test_what_is_not_there_is_said(there, said):
    block = dispersion_grid(study([*relaxed(), *(first_principles(*one) for one in there)], "none"))
    assert block is not None and said in block["caption"]
    assert "A potential of labels with dispersion is another run" in block["caption"]
    assert ("potential, labels without dispersion", "0.754/0.123") in rows_of(block)


def test_without_relaxed_cells_there_is_no_table():
    assert dispersion_grid(study([row | {"converged": False} for row in relaxed()], "none")) is None
    empty = study(relaxed(), "none")
    empty.tables["lattice"] = empty.tables["lattice"].iloc[:0]
    assert dispersion_grid(empty) is None
