"""The words of the report's tables."""

import pytest

from haven.report.page.grids.base import label_of


@pytest.mark.parametrize("quantity, words", [
    ("occupancy_ti_4g", "Ti occupancy of 4g"), ("occupancy_y_1a", "Y occupancy of 1a"),
    ("occupancy_in_2b", "In occupancy of 2b"), ("lattice_beta", "lattice, beta"),
    ("rdf_first_peak Y-Cl", "first RDF peak, Y-Cl"), ("some_other_one", "some other one"),
])
def test_a_quantity_has_a_name_for_any_crystal(quantity, words):
    assert label_of(quantity) == words
