"""The report in a browser: nothing is asked of a network, everything answers, names stay names.

Needs Chromium (package ``chromium``); without it the tests are left out, and say so.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import hashlib
import html.parser
import io
import json
import time
from pathlib import Path

import chromium
import pandas as pd
import pytest
import render_report
from ase.build import bulk
from ase.io import write
from report_tables import write_study

from haven.core import tables
from haven.report.figures.style import Picture
from haven.report.page import downloads
from haven.report.registry import TABLES

HOSTILE = '</script><script>window.hit=1</script><img src=x onerror="window.hit=1">&\'"{{7*7}}-->'
SMALL_MB = 15
needs_browser = pytest.mark.skipif(chromium.program() is None, reason="no Chromium: apt install "
                                   "chromium to test the report in a browser")
AXE = Path(__file__).resolve().parents[2] / "data" / "axe"
PAPER, PAPER_HIGH = 688, 1008  # CSS pixels between the margins of A4
MOST_ELEMENTS = 40_000  # of the page: what a browser lays out before it answers
COUNTED = """(() => { window.read = 0;
    const count = (place, name) => { const own = place[name];
      place[name] = function (text) {
        window.read += text.length; return own.apply(this, arguments); }; };
    count(JSON, 'parse'); count(window, 'atob'); })()"""
KEPT = ("runs", "thermo", "diffusion", "conductivity", "msd", "hops", "tracks", "network",
        "density_grid", "barriers", "band_atoms", "arrhenius", "accuracy", "verdicts", "labels",
        "interstitial", "structures")


def render(folder):
    """Write a report of the tables in a folder and return its place."""
    cell = bulk("NaCl", "rocksalt", a=5.6, cubic=True).repeat(2)
    write(folder / "r0.supercell.extxyz", cell)
    with contextlib.redirect_stdout(io.StringIO()), pytest.MonkeyPatch.context() as patch:
        patch.setattr(Picture, "save", lambda *_: None)  # files beside the page: test_vector.py
        render_report.main(["--tables", str(folder / "tables"), "--out", str(folder / "out"),
                            "--structures", str(folder / "r0.supercell.extxyz")])
    return folder / "out"


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browsed")
    write_study(folder / "tables", without=tuple(set(TABLES) - set(KEPT)))
    return render(folder)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """Return a report whose material, sites, paths, elements and reasons are markup."""
    folder = tmp_path_factory.mktemp("hostile")
    kept = ("runs", "tracks", "network", "hops", "barriers", "band_atoms", "density_grid",
            "structures", "verdicts", "accuracy", "labels")
    write_study(folder / "tables", without=tuple(set(TABLES) - set(kept)))
    for path in (folder / "tables").glob("*.parquet"):
        name = path.stem.split(".")[1]
        rows = tables.read(name, path)
        for column in rows.columns:
            if isinstance(rows[column].dropna().iloc[0] if rows[column].notna().any() else 0, str):
                known = column in ("role", "kind", "quantity", "component", "subset", "unit",
                                   "verdict", "check", "stage", "origin")
                rows[column] = rows[column] if known else rows[column] + HOSTILE
        tables.write(TABLES[name], rows, path, {"potential": HOSTILE})
    return render(folder)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    page = chromium.Page(tmp_path_factory.mktemp("profile"))
    yield page
    page.close()


def shown(browser, place, **how):
    """Open a report and wait for its script."""
    browser.requests.clear()
    browser.complaints.clear()
    browser.open(place / "report.html", **how)
    browser.wait("document.documentElement.dataset.ready === 'yes'")
    return browser


POINT = """(key, panel, opens) => { const figure = document.getElementById('figure-' + key);
    document.querySelectorAll('details').forEach(part => { part.open = true; });
    const data = JSON.parse(document.getElementById('points').textContent)[key];
    let point = null;
    data.curves.filter(curve => curve.panel === panel).forEach(curve => {
      curve.points.forEach((each, n) => { const said = curve.opens || '';
        if ((typeof said === 'string' ? said : said[n]).startsWith(opens)) point = each; }); });
    const svg = figure.querySelector('svg'), box = svg.getBoundingClientRect();
    const scale = box.width / data.size[0];
    return [figure, svg, {bubbles: true, clientX: box.left + point[0] * scale,
                          clientY: box.top + point[1] * scale}]; }"""


@needs_browser
def test_the_report_opens_alone_small_and_without_complaint(report, browser, capsys):
    counter = browser.ask("Page.addScriptToEvaluateOnNewDocument", source=COUNTED)["identifier"]
    start = time.monotonic()
    page = shown(browser, report)
    took, size = time.monotonic() - start, (report / "report.html").stat().st_size / 1e6
    own = page.run("performance.getEntriesByType('navigation')[0].domInteractive") / 1000
    elements = page.run("document.getElementsByTagName('*').length")
    with capsys.disabled():
        print(f"\nreport: {size:.1f} MB, {elements} elements, interactive after {own:.2f} s of the "
              f"page's own time, seen from outside after {took:.1f} s")
    assert size < SMALL_MB and elements < MOST_ELEMENTS
    # Nothing of the data is read before somebody asks for it, and the library does not run.
    assert page.run("[window.read, window.$3Dmol === undefined]") == [0, True]
    page.run(f"""(() => {{ const [, svg, at] = ({POINT})('msd', 0, 'u0_t298');
        window.read = 0; svg.dispatchEvent(new PointerEvent('pointermove', at)); }})()""")
    first = page.run("window.read")
    assert first > 1000, "the counter counts"
    page.run("document.querySelector('#figure-hops svg').focus()")
    assert page.run("window.read") == first, "read once"
    browser.ask("Page.removeScriptToEvaluateOnNewDocument", identifier=counter)
    page.run("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    outside = [u for u in page.requests if not u.startswith(("file:", "data:", "blob:"))]
    assert not outside and sum(u.startswith("file:") for u in page.requests) == 1
    assert page.complaints == []


@needs_browser
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_hangs_over_the_page_at_desk_or_phone(report, browser, width):
    page = shown(browser, report, width=width)
    page.run("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    assert page.run("document.documentElement.scrollWidth") <= width
    cut = page.run("""Array.from(document.querySelectorAll('svg.plot text')).filter(t => {
        const own = t.getBoundingClientRect(), all = t.closest('svg').getBoundingClientRect();
        return own.width && (own.left < all.left - 3 || own.right > all.right + 3 ||
                             own.top < all.top - 3 || own.bottom > all.bottom + 3); })
        .map(t => t.closest('figure').id + ': ' + t.textContent)""")
    assert cut == [], "text of a figure is cut"


def test_axe_is_the_file_that_npm_has():
    lines = [line.split() for line in (AXE / "SHA256SUMS").read_text().splitlines()]
    assert {name for _, name in lines} == {path.name for path in AXE.iterdir()} - {"SHA256SUMS"}
    for digest, name in lines:
        assert hashlib.sha256((AXE / name).read_bytes()).hexdigest() == digest, name


@needs_browser
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_axe_finds_nothing_serious(report, browser, width, dark):
    page = shown(browser, report, width=width, dark=dark)
    page.run("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    page.ask("Runtime.evaluate", expression=(AXE / "axe.min.js").read_text(encoding="utf-8"))
    ask = """axe.run(document, {resultTypes: ['violations'],
                                rules: {'target-size': {enabled: true}}})
        .then(told => JSON.stringify(told.violations.filter(each =>
          ['serious', 'critical'].includes(each.impact)).map(each =>
          [each.id, each.nodes.length, each.nodes[0].html.slice(0, 300)])))"""
    assert json.loads(page.run(ask)) == []
    page.run("document.querySelector('p').innerHTML = '<img src=\"data:,\"><a href=\"#x\"></a>'")
    assert {found[0] for found in json.loads(page.run(ask))} >= {"image-alt", "link-name"}


@needs_browser
def test_paper_cuts_nothing_and_has_a_still_picture_of_the_view(report, browser, tmp_path):
    page = shown(browser, report, dark=True)
    page.on_paper(PAPER)
    assert page.run("document.documentElement.scrollWidth") <= PAPER
    assert page.run("""Array.from(document.querySelectorAll('figure svg.plot, table, #space-still'))
        .filter(part => !part.closest('.unprinted'))
        .filter(part => { const box = part.getBoundingClientRect();
          return !box.width || box.left < -1 || box.right > innerWidth + 1; })
        .map(part => (part.closest('[id]') || part).id + ' ' + part.tagName)""") == []
    cut = page.run("""Array.from(document.querySelectorAll('.scroll')).filter(part =>
        part.scrollWidth > part.clientWidth + 1 || part.scrollHeight > part.clientHeight + 1)
        .map(part => part.getAttribute('aria-label'))""")
    assert cut == [], "a table is cut"
    assert page.run(f"""Array.from(document.querySelectorAll('figure[data-figure]')).filter(
        part => part.getBoundingClientRect().height > {PAPER_HIGH}).map(part => part.id)""") == []
    assert page.run("""Array.from(document.querySelectorAll('figure.table td')).filter(part => {
        const range = document.createRange(), text = part.firstChild;
        if (!text || text.nodeType !== 3) return false;
        if (!/^[0-9.]+$/.test(text.textContent.trim())) return false;
        range.selectNodeContents(text);
        return range.getClientRects().length > 1; }).map(part => part.textContent)"""
                    ) == [], "a number is broken"
    assert page.run("""Array.from(document.querySelectorAll('details')).filter(part =>
        !part.closest('.held, .unprinted') && part.getBoundingClientRect().height
        < 1.5 * part.firstElementChild.offsetHeight).length"""
                    ) == 0, "folded parts are printed"
    assert page.run("""Array.from(document.querySelectorAll('button, input, select, nav, .files, '
        + '#space-view')).filter(part => part.getBoundingClientRect().height &&
        !part.classList.contains('sort')).length""") == 0
    assert page.run("""Array.from(document.querySelectorAll('figure.table th button.sort')).filter(
        part => { const head = part.parentElement; return part.getBoundingClientRect().height ||
          head.dataset.name !== part.textContent ||
          getComputedStyle(head, '::after').content === 'none'; }).length"""
                    ) == 0, "a heading is a button, which no further page of a table repeats"
    assert page.run("""Array.from(document.querySelectorAll('.unprinted, .printed')).filter(part =>
        !part.offsetHeight === part.classList.contains('printed')).map(part => part.className)"""
                    ) == []
    assert page.run("""['body', 'svg.plot'].map(name => { const look = getComputedStyle(
        document.querySelector(name)); return look.filter + look.backgroundColor + look.color; })"""
                    ) == ["nonergb(255, 255, 255)rgb(0, 0, 0)",
                          "nonergba(0, 0, 0, 0)rgb(0, 0, 0)"]
    colours, white = page.run("""(() => { const still = document.getElementById('space-still');
        const data = still.getContext('2d').getImageData(0, 0, still.width, still.height).data;
        const seen = new Set(); let white = 0;
        for (let n = 0; n < data.length; n += 4) { seen.add(data[n] + 256 * data[n + 1]);
          if (data[n] + data[n + 1] + data[n + 2] === 765) white += 1; }
        return [seen.size, 4 * white / data.length]; })()""")
    assert colours > 8 and 0.3 < white < 0.999, (colours, white)
    page.run("window.dispatchEvent(new Event('afterprint'))")
    page.paper(tmp_path / "report.pdf")
    pages = (tmp_path / "report.pdf").read_bytes().count(b"/Type /Page\n")
    assert 3 < pages < 120, pages


def luminance(rgb):
    """Return the relative luminance of WCAG 2.1 of a colour of three numbers in 0 to 1."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb]
    return sum(part * c for part, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    """Return the contrast of two colours, 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def inverted(rgb):
    """Return what ``invert(1) hue-rotate(180deg)`` of CSS makes of a colour."""
    turned = ((-0.574, 1.430, 0.144), (0.426, 0.430, 0.144), (0.426, 1.430, -0.856))
    return [min(max(sum(a * (1 - c) for a, c in zip(row, rgb, strict=True)), 0), 1)
            for row in turned]


@needs_browser
@pytest.mark.parametrize("dark", [False, True])
def test_every_curve_and_mark_stands_out_from_the_paper(report, browser, dark):
    """Three to one (WCAG 2.1, 1.4.11), light and dark; thin bands and filled areas are no marks."""
    page = shown(browser, report, dark=dark)
    filters, paper, marks = page.run("""(() => {
        const number = text => text.match(/[0-9.]+/g).map(Number);
        const seen = {}, opaque = (look, ...names) => names.every(name => Number(look[name]) > 0.9);
        document.querySelectorAll('svg.plot [data-series] path, svg.plot path[data-series], '
          + 'svg.plot [data-series] use').forEach(part => {
          const look = getComputedStyle(part), key = part.closest('figure').id;
          if (!opaque(look, 'opacity', 'strokeOpacity', 'fillOpacity')) return;
          const ink = ['none', 'rgb(255, 255, 255)'].includes(look.stroke) ? look.fill
            : look.stroke;  // a white rim is no mark
          if (ink.startsWith('rgb')) seen[key + ' ' + ink] = [key, number(ink)]; });
        return [getComputedStyle(document.querySelector('svg.plot')).filter,
                number(getComputedStyle(document.body).backgroundColor), Object.values(seen)];
      })()""")
    assert filters == ("invert(1) hue-rotate(180deg)" if dark else "none")
    assert len({key for key, _ in marks}) >= 8 and len(marks) > 20, "figures and their colours"
    paper = [c / 255 for c in paper[:3]]
    faint = []
    for key, ink in marks:
        ink = [c / 255 for c in ink[:3]]
        if (found := contrast(inverted(ink) if dark else ink, paper)) < 2.995:
            faint.append((key, ink, round(found, 2)))
    assert not faint, faint


SMALLEST = 6.5  # CSS pixels of a figure's words on a phone, which widens them to 2.5 times that


@needs_browser
def test_words_of_figures_are_not_too_small_on_a_phone_and_none_lies_on_another(report, browser):
    page = shown(browser, report, width=390)
    page.run("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    small, crowded = page.run("""(() => {
        const small = [], crowded = [];
        document.querySelectorAll('svg.plot').forEach(svg => {
          const key = svg.closest('figure').id, held = [];
          const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
          svg.querySelectorAll('text').forEach(part => {
            const box = part.getBoundingClientRect(), text = part.textContent.trim();
            if (!box.width || !text) return;
            const size = Math.min(...[part, ...part.querySelectorAll('tspan')].map(
              one => parseFloat(getComputedStyle(one).fontSize))) * scale;
            if (!part.querySelector('tspan')) small.push([size, key, text]);
            held.forEach(([other, words]) => {
              const over = (a, b, c, d) => Math.min(b, d) - Math.max(a, c);
              if (over(box.left, box.right, other.left, other.right) > 1 &&
                  over(box.top, box.bottom, other.top, other.bottom) >
                  0.45 * Math.min(box.height, other.height))
                crowded.push(key + ': ' + words + ' | ' + text); });
            held.push([box, text]); }); });
        return [small, crowded]; })()""")
    assert len(small) > 100
    assert not (faint := [word for word in small if word[0] < SMALLEST]), faint
    assert not crowded, crowded


@needs_browser
def test_values_answer_to_pointer_and_keys_and_legends_switch_curves(report, browser):
    page = shown(browser, report)
    told = page.run("""(() => {
        const figure = document.getElementById('figure-msd'), svg = figure.querySelector('svg');
        const data = JSON.parse(document.getElementById('points').textContent).msd;
        const point = data.curves[0].points[5], box = svg.getBoundingClientRect();
        const scale = box.width / data.size[0];
        svg.dispatchEvent(new PointerEvent('pointermove', {bubbles: true,
          clientX: box.left + point[0] * scale, clientY: box.top + point[1] * scale}));
        return [figure.querySelector('.tip').textContent, data.labels[data.curves[0].label],
                String(Number(point[2].toPrecision(4))), data.panels[0].y]; })()""")
    text, *parts = told
    assert all(part in text for part in parts), told
    spoken = page.run("""(() => { const svg = document.querySelector('#figure-msd svg');
        svg.focus();
        svg.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true}));
        svg.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true}));
        return document.getElementById('spoken').textContent; })()""")
    assert "time lag (ps)" in spoken
    states = page.run("""(() => { const svg = document.querySelector('#figure-msd svg');
        const key = svg.querySelector('[role=button]'), number = key.dataset.key;
        const parts = svg.querySelectorAll('[data-series="' + number + '"]');
        const seen = () => Array.from(parts).filter(p => getComputedStyle(p).display !== 'none')
          .length;
        const before = seen();
        key.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', bubbles: true}));
        return [parts.length, before, seen(), key.getAttribute('aria-pressed')]; })()""")
    assert states[0] == states[1] >= 3 and states[2:] == [0, "false"]


@needs_browser
def test_a_table_sorts_and_filters(report, browser):
    page = shown(browser, report)
    column = """Array.from(document.querySelectorAll('#health ~ details tbody tr'))
        .filter(r => !r.hidden).map(r => Number(r.cells[1].textContent))"""
    unsorted = page.run(column)
    page.run("document.querySelectorAll('#health ~ details thead th button')[1].click()")
    rising = page.run(column)
    page.run("document.querySelectorAll('#health ~ details thead th button')[1].click()")
    assert rising == sorted(unsorted) != unsorted
    assert page.run(column) == sorted(unsorted, reverse=True)
    page.run("""(() => { const box = document.querySelector('#health ~ details input.filter');
        box.value = '373'; box.dispatchEvent(new Event('input')); })()""")
    assert page.run(column) == [373.0, 373.0]


@needs_browser
def test_files_in_the_page_equal_the_tables(report, browser):
    page = shown(browser, report)
    for name in ("diffusion", "verdicts"):
        found = page.run(f"""(async () => {{
            const seen = new Promise(done => {{ URL.createObjectURL = blob => {{
              blob.text().then(done); return 'blob:none'; }}; }});
            document.querySelector('a[data-csv="{name}"]').click();
            return [await seen,
              document.querySelector('a[download="{name}.parquet"]').href]; }})()""")
        text, link = found
        kept = tables.read(name, report / "tables" / f"{name}.parquet")
        held = pd.read_parquet(io.BytesIO(base64.b64decode(link.split(",")[1])))
        pd.testing.assert_frame_equal(held, kept)
        loaded = pd.read_csv(io.StringIO(text), keep_default_na=False, na_values=[""])
        for column in kept:
            both = pd.DataFrame({"a": kept[column].replace("", None).to_numpy(),
                                 "b": loaded[column].to_numpy()})
            same = (both["a"] == both["b"]) | (both["a"].isna() & both["b"].isna())
            assert same.all(), (name, column)
    rows = page.run("""(async () => { const button = document.querySelector(
        'button[data-table="runs"]'); button.click();
        const place = document.getElementById('rows-runs');
        for (let n = 0; n < 600 && !place.querySelector('tbody tr'); n += 1)
          await new Promise(done => setTimeout(done, 100));
        return place.querySelectorAll('tbody tr').length; })()""")
    assert rows == len(tables.read("runs", report / "tables" / "runs.parquet"))


@needs_browser
def test_the_view_turns_and_every_scene_shows_something(report, browser):
    page = shown(browser, report)
    page.run("document.getElementById('space-start').click()")
    page.wait("document.querySelector('#space-view canvas') !== null")
    drawn = """(() => { const canvas = document.querySelector('#space-view canvas');
        const small = document.createElement('canvas'); small.width = small.height = 64;
        const pen = small.getContext('2d'); pen.drawImage(canvas, 0, 0, 64, 64);
        const data = Array.from(pen.getImageData(0, 0, 64, 64).data);
        return [new Set(Array.from({length: 4096}, (_, n) => data.slice(4 * n, 4 * n + 3).join()))
          .size, data.join().length + ':' + data.reduce((s, v, n) => (s * 31 + v + n) % 1e9, 7)];
        })()"""
    seen = {}
    scenes = json.loads(page.run("document.getElementById('scenes').textContent"))
    kinds = [scene["kind"] for scene in scenes]
    assert set(kinds) == {"cell", "density", "network", "tracks", "band"}
    for kind in dict.fromkeys(kinds):
        page.run(f"""(() => {{ const choice = document.getElementById('space-choice');
            choice.value = '{kinds.index(kind)}';
            choice.dispatchEvent(new Event('change')); }})()""")
        page.wait(f"({drawn})[0] > 8")
        seen[kind] = page.run(drawn)[1]
        page.run("document.querySelector('[data-turn=right]').click()")
        page.wait(f"({drawn})[1] !== '{seen[kind]}'")
    assert len(set(seen.values())) == len(seen)
    assert page.complaints == []


@needs_browser
def test_a_row_of_a_run_jump_or_barrier_shows_it_by_click_and_by_enter(report, browser):
    page = shown(browser, report)
    page.run("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    for section, kind in (("health", "tracks"), ("hops", "jumps"), ("retold", "path [010] 0")):
        place = f"""document.querySelector('section[aria-labelledby="{section}"] '
            + 'tr[data-scene].live button.turn')"""
        page.run(f"{place}.click()")
        name = page.run("document.getElementById('space-view').getAttribute('aria-label')")
        assert kind in name, name
        page.run("document.getElementById('space-back').click()")
        assert page.run(f"document.activeElement === {place}"), "back where it was opened"
        choice = "document.getElementById('space-choice')"
        page.run(f"{choice}.value = '0'; {choice}.dispatchEvent(new Event('change'))")
        page.run(f"{place}.focus()")
        for kind_of in ("keyDown", "keyUp"):
            page.ask("Input.dispatchKeyEvent", type=kind_of, key="Enter", code="Enter", text="\r",
                     windowsVirtualKeyCode=13)
        assert page.run("document.getElementById('space-view').getAttribute('aria-label')") == name


@needs_browser
@pytest.mark.parametrize(("key", "panel", "opens", "shows", "says"), [
    ("msd", 0, "u0_t298_r0_s1|", "tracks, U = 0 eV, 298 K", "ions over"),
    ("temperature", 1, "u4_t298_r0_s1|", "tracks, U = 4 eV, 298 K", "ions over"),
    ("tracks", 0, "u0_t298_r0_s1|tracks|", "tracks, U = 0 eV, 298 K", "other ions are left out"),
    ("hops", 0, "u0_t298_r*|", "jumps, U = 0 eV, 298 K", "jumps"),
    ("answer", 0, "u4_t298_r*|", "tracks, U = 4 eV, 298 K", "ions over"),
    ("barriers", 0, "u0_r0_s1 [010] 0|band|2", "path [010] 0", "image 3 of"),
])
def test_a_point_of_a_figure_opens_what_it_is_of(
    report, browser, key, panel, opens, shows, says
):
    page = shown(browser, report)
    told = page.run(f"""(() => {{ const [figure, svg, at] = ({POINT})('{key}', {panel}, '{opens}');
        svg.dispatchEvent(new PointerEvent('pointermove', at));
        const tip = figure.querySelector('.tip').textContent;
        svg.dispatchEvent(new MouseEvent('click', at));
        return [tip, document.getElementById('space-view').getAttribute('aria-label'),
                document.getElementById('space-note').textContent]; }})()""")
    assert f"click: {shows}" in told[0] and shows in told[1] and says in told[2], told
    keyed = page.run(f"""(() => {{ const choice = document.getElementById('space-choice');
        choice.value = '0'; choice.dispatchEvent(new Event('change'));
        const svg = document.querySelector('#figure-{key} svg');
        const press = key => svg.dispatchEvent(
          new KeyboardEvent('keydown', {{key, bubbles: true}}));
        svg.focus();
        press('ArrowRight');
        for (let n = 0; n < 40 && !svg.classList.contains('opens'); n += 1) press('ArrowDown');
        press('Enter');
        return document.getElementById('space-view').getAttribute('aria-label'); }})()""")
    assert shows.split(",")[0].split(" [")[0] in keyed, keyed
    assert page.complaints == []


@needs_browser
def test_names_from_the_data_stay_text(hostile, browser):
    page = shown(browser, hostile)
    assert "window.hit=1" in page.run("document.querySelector('h1').textContent")
    page.run("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    page.run("document.getElementById('space-start').click()")
    page.wait("document.querySelector('#space-view canvas') !== null")
    for n in range(int(page.run("document.getElementById('space-choice').options.length"))):
        page.run(f"""(() => {{ const choice = document.getElementById('space-choice');
            choice.value = '{n}'; choice.dispatchEvent(new Event('change')); }})()""")
    page.run("document.querySelector('button[data-table=runs]').click()")
    page.wait("document.querySelectorAll('#rows-runs tbody tr').length > 0")
    assert page.run("[window.hit, document.images.length, document.scripts.length > 9]") == [
        None, 0, False]
    assert page.complaints == []
    assert all(u.startswith(("file:", "data:", "blob:")) for u in page.requests)


@needs_browser
def test_without_scripts_pictures_and_tables_stay(report, tmp_path):
    page = chromium.Page(tmp_path, scripts=False)
    try:
        page.open(report / "report.html")
        tree = page.ask("DOM.getDocument", depth=0)["root"]["nodeId"]

        def count(selector):
            return len(page.ask("DOM.querySelectorAll", nodeId=tree, selector=selector)["nodeIds"])

        assert count("svg.plot") >= 8 and count("tbody tr") > 50
        assert count("details") == count("details[open]") > 5
        assert count("input") == count("#space input") and count("button:not([hidden])") == count(
            "#space button:not([hidden])")
        page.ask("DOM.querySelector", nodeId=tree, selector="#space[hidden]")
    finally:
        page.close()


def test_no_element_of_the_page_is_the_data_s(hostile):
    """What a parser of HTML sees: the template's own scripts, and no element of a hostile name."""
    counted: dict[str, int] = {}

    class Seen(html.parser.HTMLParser):
        def handle_starttag(self, tag, attrs):
            counted[tag] = counted.get(tag, 0) + 1
            assert not any(name.startswith("on") for name, _ in attrs), (tag, attrs)

    text = (hostile / "report.html").read_text(encoding="utf-8")
    Seen().feed(text)
    assert counted["script"] == 6 and "img" not in counted
    assert "{{7*7}}" in text.split("<h1>")[1].split("</h1>")[0]


def test_long_tables_stay_beside_the_page(tmp_path, monkeypatch):
    write_study(tmp_path)
    names = ("runs", "msd")
    rows = {name: tables.read(name, tmp_path / f"study.{name}.parquet") for name in names}
    for name in names:
        tables.write(TABLES[name], rows[name], tmp_path / "joined" / f"{name}.parquet")
    whole = downloads.held_tables(tmp_path / "joined", rows)
    assert all(entry["parquet"] and entry["csv"] for entry in whole)
    text = gzip.decompress(base64.b64decode(whole[1]["csv"])).decode()
    assert text == downloads.csv_of(TABLES["runs"], rows["runs"])
    monkeypatch.setattr(downloads, "BUDGET", len(whole[1]["parquet"]) + len(whole[1]["csv"]))
    short = downloads.held_tables(tmp_path / "joined", rows)
    assert [bool(entry["parquet"]) for entry in short] == [False, True]


@needs_browser
def test_on_a_phone_answer_and_claims_stand_row_by_row_and_every_file_is_in_reach(report, browser):
    page = shown(browser, report, width=390)
    for name in ("headline", "claims", "compared"):
        looks = page.run(f"""Array.from(document.querySelectorAll('.{name} tbody tr')).map(row =>
            [getComputedStyle(row).borderBottomWidth, getComputedStyle(row.cells[1]).display,
             getComputedStyle(row.cells[1], '::before').content.includes(
               row.cells[1].dataset.label)])""")
        assert looks, name
        assert all(look == ["1px", "block", True] for look in looks), name
    page.run("document.querySelectorAll('.held details').forEach(d => { d.open = false; })")
    held, hidden = page.run("""(() => { const part = document.querySelector('.scroll.held');
        const links = Array.from(part.querySelectorAll('.files a, .files button'));
        return [links.length, links.filter(link => link.getBoundingClientRect().right >
          part.getBoundingClientRect().right + 1).map(link => link.textContent)]; })()""")
    assert held > 20 and hidden == []
