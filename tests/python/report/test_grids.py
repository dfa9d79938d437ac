"""The words of the report's tables, and its picture of occupancies, for any crystal."""

import pandas as pd
import pytest

from haven.core.numbers import DASH
from haven.report.figures.cells import structures
from haven.report.page.grids.base import label_of
from haven.report.page.grids.transport import line_plan_grid


@pytest.mark.parametrize("quantity, words", [
    ("occupancy_ti_4g", "Ti occupancy of 4g"), ("occupancy_y_1a", "Y occupancy of 1a"),
    ("occupancy_in_2b", "In occupancy of 2b"), ("lattice_beta", "lattice, beta"),
    ("rdf_first_peak Y-Cl", "first RDF peak, Y-Cl"), ("some_other_one", "some other one"),
    ("sigma_self at 298 K", "σ from D self at 298 K"),
    ("activation of sigma_self", "activation energy of σ from D self"),
    ("activation of sigma_total", "activation energy of σ from D total"),
    ("activation of d_self", "activation energy of D self"),
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


def test_the_plan_for_298_k_names_the_temperature_at_which_it_takes_the_least_time():
    def rows(more, now=0.7, quantity="sigma_self at 298 K"):
        return [{"u_ev": 4.0, "quantity": quantity, "temperature_k": kelvin, "more_ns": time,
                 "half_width_now": now, "half_width_wanted": 0.53, "device_hours": 2.0,
                 "note": "narrow enough" if time == 0 else ""} for kelvin, time in more.items()]

    plan = pd.DataFrame(rows({450.0: 1.9, 500.0: 0.94, 600.0: 2.6, 700.0: None}))
    line, = line_plan_grid({"plan": plan})["rows"]
    assert line[1:3] == ["a factor of 2", "a factor of 1.7"]
    assert line[3] == {"text": "0.94 ns at 500 K", "small": "2 h"}
    assert line[4] == "1.9 ns at 450 K; 2.6 ns at 600 K; not at 700 K alone"
    line, = line_plan_grid({"plan": pd.DataFrame(rows({450.0: None, 600.0: None}))})["rows"]
    assert line[3] == DASH and line[4] == "not at 450 K or above alone"
    line, = line_plan_grid({"plan": pd.DataFrame(rows({450.0: None, 600.0: 1.0}))})["rows"]
    assert line[3]["text"] == "1 ns at 600 K" and line[4] == "not at 450 K alone"
    line, = line_plan_grid({"plan": pd.DataFrame(rows({450.0: 0.0, 600.0: 0.0}, now=0.3))})["rows"]
    assert line[3]["text"] == "narrow enough" and not line[4]
    other = pd.DataFrame(rows({450.0: 1.0}, quantity="sigma_self"))
    assert line_plan_grid({"plan": other}) is None
