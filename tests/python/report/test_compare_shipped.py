"""Three materials in one page, of what is shipped: two studies, and one that has no run."""

from __future__ import annotations

import html
import json
import re

import chromium
import compare_studies
import pandas as pd
import pytest
from test_browser import AXE, PAPER, needs_browser

from haven.core import tables
from haven.report.registry import TABLES

BRACKETS = r"([\d.]+)\s\[([\d.]+),"


@pytest.fixture(scope="module")
def made(repository, tmp_path_factory):
    out = tmp_path_factory.mktemp("three")
    assets = repository / "assets"
    compare_studies.main([str(assets / "study" / "li3ticl6" / "main"),
                          str(assets / "study" / "li3incl6"),
                          str(assets / "materials" / "li3ycl6.yml"), "--out", str(out)])
    return out


@pytest.fixture(scope="module")
def text(made):
    found = (made / "compare.html").read_text(encoding="utf-8")
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", re.sub(
        r"<(style|svg).*?</\1>", " ", found, flags=re.S))))


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    page = chromium.Page(tmp_path_factory.mktemp("profile"))
    yield page
    page.close()


def section(text, heading, after):
    return text[text.index(heading):text.index(after, text.index(heading))]


def test_the_page_begins_with_what_was_computed_and_measured_of_each(repository, text):
    top = section(text, "Conductivity σ at 298 K", "Which of")
    of = {name: top.partition(f" {name} ")[2] for name in ("Li₃TiCl₆", "Li₃InCl₆", "Li₃YCl₆")}
    for name, place, u_ev in (("Li₃TiCl₆", "li3ticl6/main", 0), ("Li₃TiCl₆", "li3ticl6/main", 4),
                              ("Li₃InCl₆", "li3incl6", 0)):
        fits = tables.read_folder(TABLES["arrhenius"],
                                  repository / "assets" / "study" / place / "tables")
        fit = fits[(fits["quantity"] == "sigma_total") & (fits["u_ev"] == u_ev)].iloc[0]
        said = re.search(rf"U = {u_ev} eV: {BRACKETS}", of[name])
        assert said, top
        value, low = (float(said[n]) for n in (1, 2))
        assert value == pytest.approx(fit["sigma_298_ms_per_cm"], rel=0.02)
        assert low == pytest.approx(fit["sigma_298_low_95"], rel=0.02)
    for name, value in (("Li₃TiCl₆", "1.04"), ("Li₃InCl₆", "2.04"), ("Li₃YCl₆", "0.539")):
        assert f"measured: {value} mS/cm at 298 K" in of[name].partition("Li₃")[0]
    assert "computed: nothing, since no run of it was given" in of["Li₃YCl₆"]
    assert "hardly known" in of["Li₃InCl₆"].partition("Li₃")[0]
    assert "not to be trusted yet" in of["Li₃TiCl₆"].partition("Li₃")[0]
    assert "Which of Li₃TiCl₆ and Li₃InCl₆ conducts better at 298 K can't be told" in text


def test_a_material_without_a_run_has_no_number_but_the_measured(made, text):
    held = pd.read_csv(made / "compare.csv")
    mine = held[held["material"] == "li3ycl6"]
    assert set(mine["study"]) == {"measured"}
    assert sorted(mine["value"]) == [0.40, 0.539]
    numbers = section(text, "Numbers of each study", "Beside measured values")
    assert "Li₃YCl₆ nothing computed: no run of it was given – – – – –" in numbers
    beside = section(text, "Beside measured values", "Where measured values are from")
    assert "0.40 eV (?)" in beside, "as printed, with its zero"
    assert beside.count("nothing computed") == 2


def test_studies_are_told_at_a_temperature_that_they_share(made, text):
    """The two have numbers at 600 K; Li3InCl6 has one at 550 K, too."""
    numbers = section(text, "Numbers of each study", "Beside measured values")
    assert "at 800 K" not in numbers and "at 700 K" not in numbers
    held = pd.read_csv(made / "compare.csv")
    held = held[held["quantity"] == "haven_ratio"]
    for material, kelvin, count in (("li3ticl6", 600, 2), ("li3incl6", 600, 1)):
        rows = held[(held["material"] == material) & (held["temperature_k"] == kelvin)]
        assert len(rows) == count and f"at {kelvin} K" in numbers
        for row in rows.to_dict("records"):
            ends = f"{row['value']:.2f} [{row['low_95']:.2f}, {row['high_95']:.2f}]"
            assert ends in numbers, ends


def test_sources_and_what_the_studies_rest_on_are_told(text):
    sources = section(text, "Where measured values are from", "What each study rests on")
    for work in ("Wang 2023", "10.1038/s41467-023-37122-7", "OBELiX", "10.48550/arXiv.2502.14234"):
        assert work in sources
    basis = section(text, "What each study rests on", "Settings that differ")
    assert "Li₃TiCl₆ U = 0 eV 24 160 500, 600, 700, 750, 800 60 to 945 9" in basis
    assert "Li₃InCl₆ U = 0 eV 8 80 500, 550, 600, 650 200 to 400 2" in basis


@needs_browser
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, False), (390, True)])
def test_nothing_is_cut_or_lies_on_another_and_axe_finds_nothing_serious(
    made, browser, width, dark
):
    browser.requests.clear()
    browser.complaints.clear()
    browser.open(made / "compare.html", width=width, dark=dark)
    assert browser.run("document.documentElement.scrollWidth") <= width
    assert browser.run("""Array.from(document.querySelectorAll('.scroll')).filter(part =>
        part.scrollWidth > part.clientWidth + 1).length""") == 0, "a table is cut"
    cut, crowded, count = browser.run("""(() => {
        const cut = [], crowded = [], held = [];
        document.querySelectorAll('figure svg text').forEach(part => {
          const own = part.getBoundingClientRect(), text = part.textContent.trim();
          const all = part.closest('svg').getBoundingClientRect();
          if (own.left < all.left - 3 || own.right > all.right + 3 || own.top < all.top - 3 ||
              own.bottom > all.bottom + 3) cut.push(text);
          held.forEach(([other, words]) => {
            const over = (a, b, c, d) => Math.min(b, d) - Math.max(a, c);
            if (over(own.left, own.right, other.left, other.right) > 1 &&
                over(own.top, own.bottom, other.top, other.bottom) > 0.45 * own.height)
              crowded.push(words + ' | ' + text); });
          held.push([own, text]); });
        return [cut, crowded, held.length]; })()""")
    assert (cut, crowded) == ([], []) and count > 15
    assert sum(u.startswith("file:") for u in browser.requests) == 1
    assert not [u for u in browser.requests if not u.startswith(("file:", "data:"))]
    assert browser.complaints == []
    browser.ask("Runtime.evaluate", expression=(AXE / "axe.min.js").read_text(encoding="utf-8"))
    found = json.loads(browser.run("""axe.run(document, {resultTypes: ['violations']}).then(told =>
        JSON.stringify(told.violations.filter(each => ['serious', 'critical'].includes(each.impact))
          .map(each => [each.id, each.nodes[0].html.slice(0, 200)])))"""))
    assert found == []


@needs_browser
def test_paper_cuts_nothing_and_no_heading_stands_alone(made, browser, tmp_path):
    browser.open(made / "compare.html", dark=True)
    browser.on_paper(PAPER)
    assert browser.run("document.documentElement.scrollWidth") <= PAPER
    broken = browser.run("""Array.from(document.querySelectorAll('td')).filter(part => {
        const first = part.firstChild, found = first && /\\[[^\\]]*\\]/.exec(first.textContent);
        if (!found || first.nodeType !== 3) return false;
        const range = document.createRange();
        range.setStart(first, found.index); range.setEnd(first, found.index + found[0].length);
        return range.getClientRects().length > 1; }).map(part => part.textContent)""")
    assert broken == [], "an interval is broken"
    assert browser.run("getComputedStyle(document.querySelector('h2')).breakAfter") == "avoid"
    assert browser.run("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    browser.paper(tmp_path / "compare.pdf")
    assert 2 < (tmp_path / "compare.pdf").read_bytes().count(b"/Type /Page\n") < 9
