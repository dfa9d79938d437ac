"""The words of the report's tables, and its picture of occupancies, for any crystal."""

import pandas as pd
import pytest

from haven.report.figures.cells import structures
from haven.report.page.grids.base import label_of


@pytest.mark.parametrize("quantity, words", [
    ("occupancy_ti_4g", "Ti occupancy of 4g"), ("occupancy_y_1a", "Y occupancy of 1a"),
    ("occupancy_in_2b", "In occupancy of 2b"), ("lattice_beta", "lattice, beta"),
    ("rdf_first_peak Y-Cl", "first RDF peak, Y-Cl"), ("some_other_one", "some other one"),
])
def test_a_quantity_has_a_name_for_any_crystal(quantity, words):
    assert label_of(quantity) == words


def cells(host, mobile):
    """Rows of table ``structures``: host elements fill 2a and share 4g, and are asked for."""
    rows = [{"site": site, "species": species, "occupancy": share,
             "target_occupancy": share - 0.02 if species in host else None}
            for site, parts in (("2a", (0.7, 0.2)), ("4g", (0.3, 0.1)))
            for species, share in [*zip(host, parts, strict=False), (mobile, 0.05),
                                   ("vacancy", 0.05)]]
    return pd.DataFrame(rows).assign(role="supercell", replica=0, atoms=20,
                                     volume_angstrom3=400.0, sites=2)


@pytest.mark.parametrize("host, mobile", [
    (("Ti",), "Li"), (("Y",), "Li"), (("Y",), "Na"), (("Zr",), "Ag"), (("In", "Zr"), "Li"),
    (("Al",), "Mg"),
])
def test_what_was_asked_for_stands_at_the_framework_of_any_crystal(host, mobile):
    tables = {"structures": cells(host, mobile)}
    if mobile == "Mg":  # no usual one: the tables of motion name it
        tables["diffusion"] = pd.DataFrame({"species": [mobile]})
    picture = structures(tables)
    axis = picture.figure.axes[0]
    shown = list(dict.fromkeys(axis.get_legend_handles_labels()[1]))
    assert set(shown) == {*host, mobile, "vacancy", f"{', '.join(host)} asked for"}
    assert all(word in picture.alt for word in (*host, mobile, "vacancy"))
    heights = sorted(round(float(line.get_ydata()[0]), 3) for line in axis.get_lines())
    assert heights == ([0.28, 0.68] if len(host) == 1 else [0.28, 0.36, 0.68, 0.86])
