"""Figures as vectors: what is drawn is what the page and the files tell, and names stay names."""

from __future__ import annotations

import csv
import io
import json
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure

from haven.report.figures import style, vector
from haven.report.figures.style import Picture, legend_below, panels
from haven.report.page.downloads import island

HOSTILE = '</script><script>alert(1)</script> "&\'<b> $\\frac{1$ {{7*7}} ]]> --> <img onerror=1>'


def picture(label="a", title="t"):
    """Return two panels: a curve with a band, points with bars, a bound, a bare line."""
    style.style()
    figure, axes = panels(2, 1, height=4.0)
    x = np.linspace(1, 10, 30)
    axes[0, 0].plot(x, x**2, color="#0072B2", label=label)
    axes[0, 0].fill_between(x, x**2 - 1, x**2 + 1, color="#0072B2", alpha=0.2)
    axes[0, 0].plot(x[:5], x[:5] ** 2, color="#0072B2", linewidth=4)
    axes[0, 0].axhline(3, color="black")
    axes[0, 0].set(xlabel="time (ps)", ylabel="MSD (Å²)", yscale="log", title=title)
    for place, value in ((1.0, 2.0), (2.0, 4.0)):
        axes[1, 0].errorbar([place], [value], yerr=[[0.5], [1.0]], fmt="s", color="#D55E00",
                            label="points")
    axes[1, 0].errorbar([3.0], [5.0], yerr=[[1.0], [0]], uplims=[True], fmt="_", color="#D55E00",
                        label="points, upper bound")
    axes[1, 0].set(xlabel="T (K)", ylabel="D")
    legend_below(figure, axes[:1, 0])
    return Picture("made", "Made", "caption", "what is seen", figure)


def test_curves_are_found_with_their_numbers_bands_and_error_bars():
    curves, labels = picture().drawn
    by_label = {curve.label: curve for curve in curves if curve.label}
    assert labels == ["a", "points", "points, upper bound"]
    np.testing.assert_allclose(by_label["a"].y, np.array(by_label["a"].x) ** 2)
    assert len(by_label["a"].artists) == 3, "the band and the thick part belong to the curve"
    points = by_label["points"]
    assert (points.x, points.y, points.low, points.high) == ([1, 2], [2, 4], [1.5, 3.5], [3, 5])
    assert by_label["points, upper bound"].low == [], "a bound has no interval"
    assert sum(not curve.label for curve in curves) == 1, "the line across the panel"


def test_places_under_the_pointer_are_where_the_svg_has_the_curve():
    made = picture()
    told = made.points()
    panel, curve = told["panels"][0], told["curves"][0]
    assert panel["x"] == "time (ps)" and panel["y"] == "MSD (Å²)"
    svg = ElementTree.fromstring(made.svg())
    paths = [path.get("d") for path in svg.findall(".//*[@data-series='0']//{*}path")]
    line = next(path for path in paths if path.count("L") > 10 and "z" not in path)
    drawn = np.array(re.findall(r"[ML] (\S+) (\S+)", line), float)
    own = np.array([point[:2] for point in curve["points"]])
    np.testing.assert_allclose(drawn[[0, -1]], own[[0, -1]], atol=0.2)
    assert curve["points"][0][2:] == [1.0, 1.0]
    box = np.array(panel["box"])
    assert (own > box[:2]).all() and (own < box[2:]).all()


def test_panels_have_letters_and_legends_name_their_curves():
    text = picture().svg()
    assert ">(a)</text>" in text and ">(b)</text>" in text
    svg = ElementTree.fromstring(text)
    assert {e.get("data-key") for e in svg.iter() if e.get("data-key")} == {"0"}
    assert {e.get("data-series") for e in svg.iter() if e.get("data-series")} == {"0", "1", "2"}
    assert not any("id" in e.attrib and not e.get("id").startswith("made-") for e in svg.iter())
    assert "<style" not in text and "metadata" not in text


def test_files_for_a_paper_are_a_column_wide_and_hold_what_is_drawn(tmp_path):
    made = picture()
    made.save(tmp_path)
    svg = ElementTree.parse(tmp_path / "made.svg").getroot()
    assert svg.get("width") == "86mm"
    shape = [float(part) for part in svg.get("viewBox").split()]
    assert float(svg.get("height").removesuffix("mm")) == pytest.approx(86 * shape[3] / shape[2],
                                                                      abs=0.01)
    pdf = (tmp_path / "made.pdf").read_bytes()
    box = [float(part) for part in re.search(rb"/MediaBox \[([^\]]+)\]", pdf).group(1).split()]
    assert box[2] == pytest.approx(86 / 25.4 * 72, rel=1e-6)
    assert box[3] / box[2] == pytest.approx(shape[3] / shape[2], rel=1e-6)
    rows = list(csv.DictReader((tmp_path / "made.csv").open(encoding="utf-8")))
    bars = [row for row in rows if row["curve"] == "points"]
    assert [(float(r["x"]), float(r["y"]), float(r["low_95"]), float(r["high_95"])) for r in bars
            ] == [(1, 2, 1.5, 3), (2, 4, 3.5, 5)]
    assert {row["panel"] for row in rows} == {"a", "b"} and len(rows) == 30 + 3


def test_each_file_is_drawn_once(tmp_path, monkeypatch):
    """A layout engine that is left would draw the figure for each file once more, for nothing."""
    made, drawn, draw = picture(), [], Figure.draw
    monkeypatch.setattr(Figure, "draw", lambda *given: drawn.append(draw(*given)))
    made.save(tmp_path)
    assert len(drawn) == 1 + len(("svg", "png", "pdf"))


def test_hostile_names_stay_text_in_svg_and_islands():
    made = picture(HOSTILE.replace("$", ""), HOSTILE.replace("$", ""))
    text = made.svg()
    svg = ElementTree.fromstring(text)
    tags = {element.tag.rpartition("}")[2] for element in svg.iter()}
    assert not tags & {"script", "img", "b", "foreignObject", "style"}
    assert not any(name.startswith("on") for element in svg.iter() for name in element.attrib)
    assert any(HOSTILE.replace("$", "").split()[0] in (e.text or "") for e in svg.iter())
    packed = island({"x": HOSTILE, "line": "a\u2028b", "none": float("nan")})
    assert not set("<>&\u2028") & set(packed)
    assert json.loads(packed) == {"x": HOSTILE, "line": "a\u2028b", "none": None}
    table = vector.table_of(made.figure, made.drawn[0])
    assert HOSTILE.replace("$", "") in {row["curve"] for row in csv.DictReader(io.StringIO(table))}
