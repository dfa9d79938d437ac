"""Several studies in one page: their numbers, measured ones, what differs; bad folders refused."""

from __future__ import annotations

import html.parser
import json
import re
import shutil
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import compare_studies
import numpy as np
import pandas as pd
import pytest
from report_tables import ACTIVATION, KB, ROOM, d_self, write_study

from haven.core import tables
from haven.core.errors import HavenError
from haven.report.numbers.comparison import load_reference
from haven.report.registry import TABLES
from haven.report.several import grids, picture
from haven.report.several import studies as several

ASSETS = Path(several.__file__).parents[4] / "assets"
REFERENCE = load_reference(ASSETS / "reference")
COMMON = {"timestep_fs": "2", "material": "m.yml", "production_ps": "[200]", "models": None}


class Page(html.parser.HTMLParser):
    """Texts of the page's table cells by section, all its text, and whether its tags close."""

    VOID = ("meta", "br", "link", "img", "input", "hr")

    def __init__(self, text):
        super().__init__()
        self.open, self.cells, self.section, self.links, self.text = [], {}, "", [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "section":
            self.section = given["aria-labelledby"]
        self.links += [v for k, v in attrs if k in ("href", "src") or k.startswith("on")]

    def handle_startendtag(self, tag, attrs):
        self.links += [v for k, v in attrs if k in ("href", "src", "xlink:href")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)
        if data.strip() and self.open and self.open[-1] in ("td", "th", "small"):
            self.cells.setdefault(self.section, []).append(data.strip())


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Three results folders: two of Li3TiCl6 with other settings, one of Li3InCl6."""
    place = tmp_path_factory.mktemp("several")
    first = place / "first" / "results"
    write_study(first / "tables", replicas=2)
    second, third = place / "second" / "results", place / "third <b>&" / "results"
    shutil.copytree(first, second)
    for path in (first / "tables").glob("*.parquet"):
        schema = TABLES[path.name.split(".")[1]]
        rows = tables.read(schema, path)
        if schema.name in ("comparison", "claims"):
            continue
        if "material" in rows:
            rows["material"] = "li3incl6"
        tables.write(schema, rows, third / "tables" / path.name)
    for one, extra in ((first, {"production_ps": "[200]"}),
                       (second, {"production_ps": "[400]", "seed": "7", "outdir": "elsewhere"})):
        (one / "parameters.json").write_text(json.dumps({"parameters": COMMON | extra}))
    return first, second, third


@pytest.fixture(scope="module")
def made(folders, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    compare_studies.main([*map(str, folders), "--out", str(out)])
    return out


@pytest.fixture(scope="module")
def page(made):
    return Page((made / "compare.html").read_text(encoding="utf-8"))


def test_the_page_is_whole_of_one_file_and_asks_for_nothing(made, page):
    assert set(page.links) <= {link for link in page.links if link.startswith("#")}
    assert "#words" in page.links
    text = (made / "compare.html").read_text(encoding="utf-8")
    assert "<script" not in text and "third <b>" not in text and "third &lt;b&gt;&amp;" in text
    drawing = ElementTree.fromstring(re.search(r"<svg.*</svg>", text, re.S).group())
    assert float(drawing.get("viewBox").split()[2]) > 350 and drawing.get("width") is None
    for ending in ("pdf", "png", "csv"):
        assert (made / f"compare.{ending}").stat().st_size > 3000


def test_folders_are_called_by_what_tells_them_apart(page):
    assert [name for name in page.cells["checks"] if name in ("first", "second", "third <b>&")] == [
        "first", "second", "third <b>&"]


def test_every_study_and_u_has_its_numbers_with_interval_and_verdict(page, made):
    cells = [text.replace("\u00a0", " ") for text in page.cells["numbers"]]
    assert cells[:6] == ["study", "σ at 298 K", "Eₐ of σ", *(
        f"{name} at 328 K" for name in ("Haven ratio", "D total", "D self"))]
    where = [text.partition(":")[0] for text in cells if "U = " in text]
    assert where == [f"{formula}, U = {u} eV" for formula in
                     ("Li₃TiCl₆", "Li₃TiCl₆", "Li₃InCl₆") for u in (0, 4)]
    numbers = [text for text in cells if re.match(r"[(\d<]", text)]
    assert all("[" in text or text.startswith("<") for text in numbers), numbers
    assert len(numbers) == 6 * 5
    held = pd.read_csv(made / "compare.csv")
    assert set(held["study"]) == {"first", "second", "third <b>&", "measured"}
    one = held[(held["study"] == "first") & (held["quantity"] == "d_self") & (held["u_ev"] == 4)
               & (held["temperature_k"] == 373)].iloc[0]
    assert one["low_95"] < d_self(4.0, 373.0) < one["high_95"]


def test_measured_values_stand_beside_the_studies_of_their_material_alone(page):
    cells = page.cells["experiment"]
    assert {"1.04 mS/cm", "2.04 mS/cm"} <= set(cells)
    of_third = [cells[i - 1] for i, text in enumerate(cells) if text == "third <b>&, U = 4 eV"]
    assert of_third and all("Li₃InCl₆" in text for text in of_third)
    assert not any("Wang" in cells[i + 4] for i, text in enumerate(cells)
                   if text == "third <b>&, U = 4 eV")
    drawn = " ".join(page.text)
    assert "Li₃TiCl₆, measured (Wang 2023)" in drawn and "Li₃InCl₆, measured (OBELiX)" in drawn
    for work in ("Wang 2023: K. Wang", "OBELiX: F. Therrien"):
        assert work in drawn


def test_only_settings_that_differ_are_listed(page):
    cells = page.cells["settings"]
    rows = [cells[i: i + 4] for i in range(0, len(cells), 4)]
    assert rows[0] == ["setting", "first", "second", "third <b>&"]
    assert rows[1:] == [["production_ps", "[200]", "[400]", "–"],
                        ["seed", "not set", "7", "–"]]
    assert "Without settings: third <b>&." in " ".join(page.text)


def test_one_folder_with_settings_is_not_said_to_have_the_same_as_the_others(folders):
    read = several.read_studies([str(folders[0]), str(folders[2])])
    assert "can't be compared" in grids.settings_grid(read, REFERENCE)["caption"]


def test_the_line_drawn_is_the_fit(folders):
    one = several.read_studies([str(folder) for folder in folders])[0]
    import matplotlib.pyplot as plt

    _, axis = plt.subplots()
    picture._draw(axis, one, 4.0, 0, 1, "name", ("red", "o"))
    lines = [line for line in axis.lines if len(line.get_xdata()) == 60]
    x, y = (np.concatenate([np.asarray(line.get_data()[i], float) for line in lines])
            for i in (0, 1))
    slope = np.polyfit(x / 1000, np.log(y * 1000 / x), 1)[0]  # of sigma T
    fit = one.tables["arrhenius"]
    fit = fit[(fit["quantity"] == "sigma_total") & (fit["u_ev"] == 4)].iloc[0]
    assert slope == pytest.approx(-fit["activation_ev"] / KB, rel=1e-6)
    assert fit["activation_ev"] == pytest.approx(ACTIVATION[4.0], abs=0.05)
    assert x.max() == pytest.approx(1000 / ROOM)
    plt.close("all")


@pytest.mark.parametrize("quantity", ["sigma_total", "sigma_self"])
def test_a_curved_line_is_called_so_as_in_the_report(folders, tmp_path, quantity):
    bent = tmp_path / "bent"
    shutil.copytree(folders[0], bent)
    path, = (bent / "tables").glob("*.arrhenius.parquet")
    fits = tables.read(TABLES["arrhenius"], path)
    which = (fits["u_ev"] == 4) & (fits["quantity"] == quantity)
    fits.loc[which, "curvature_p"] = 0.01
    tables.write(TABLES["arrhenius"], fits, path)
    read = several.read_studies([str(folders[1]), str(bent)])
    rows = grids.numbers_grid(read, REFERENCE)["rows"]
    assert not any("curved" in str(cell) for row in rows[:3] for cell in row)
    small = rows[3][2]["small"]
    own, _, tracer = small.partition("from D self")
    assert "the Arrhenius line is curved" in (own if quantity == "sigma_total" else tracer), small
    assert small.count("curved") == 1
    beside = grids.experiment_grid(read, REFERENCE)["rows"]
    curved = [row for row in beside if "curved" in row[2]]
    assert all("bent, U = 4 eV" in row[0]["small"] for row in curved)
    assert bool(curved) == (quantity == "sigma_total")


def test_a_study_called_as_its_material_stands_in_the_legend_once(folders):
    """Three studies of two materials: names with their formulas, unless they are one."""
    read = several.read_studies([*map(str, folders)], ["Li3TiCl6", "longer", "third"])
    formulas = {"Li3TiCl6": "Li₃TiCl₆", "longer": "Li₃TiCl₆", "third": "Li₃InCl₆"}
    figure = picture.sigma_picture(read, [], formulas)["figure"]
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    for u in ("U = 0 eV", "U = 4 eV"):
        assert {f"Li₃TiCl₆, {u}", f"longer (Li₃TiCl₆), {u}", f"third (Li₃InCl₆), {u}"} <= set(names)
    assert not any("Li3TiCl6" in name for name in names)


@pytest.mark.parametrize(("standing", "style"), [
    ("diffusive", "-"), ("jumps_alone", ":"), ("curved, jumps_alone", ":")])
def test_a_line_that_settles_nothing_is_dotted(folders, tmp_path, standing, style):
    short = tmp_path / "short"
    shutil.copytree(folders[0], short)
    path, = (short / "tables").glob("*.arrhenius.parquet")
    fits = tables.read(TABLES["arrhenius"], path)
    tables.write(TABLES["arrhenius"], fits.assign(standing=standing, curvature_p=0.9), path)
    read = several.read_studies([str(folders[1]), str(short)])
    made = picture.sigma_picture(read, [], {one.label: "x" for one in read})
    lines = [line for line in made["figure"].axes[0].get_lines() if len(line.get_xdata()) == 60]
    assert [line.get_linestyle() for line in lines] == ["-", "-", style, style]
    assert ("Dotted lines" in made["caption"]) == (style == ":")


def test_names_with_dollars_and_values_without_a_temperature_are_drawn(folders):
    read = several.read_studies([str(folders[0])], [r"run $x$ of $\foo$"])
    row = {"value": 1.0, "source": "Lab $a$", "temperature_k": float("nan")}
    made = picture.sigma_picture(read, [("x", row), ("x", {**row, "temperature_k": 298.0})],
                                 {read[0].label: "x"})
    names = [text.get_text() for text in made["figure"].legends[0].get_texts()]
    assert sum("measured" in name for name in names) == 1
    assert r"run $x$ of $\foo$" in made["svg"]


def test_a_run_of_two_mobile_species_is_a_study_of_each(folders, tmp_path):
    for table in ("diffusion", "conductivity", "arrhenius"):
        held = tables.read(TABLES[table], folders[0] / "tables" / f"study.{table}.parquet")
        both = pd.concat([held.assign(material=f"LiNaCl2 ({ion})") for ion in ("Li", "Na")])
        tables.write(TABLES[table], both, tmp_path / f"study.{table}.parquet")
    read = several.read_studies([str(tmp_path), str(folders[0])])
    assert [one.material for one in read] == ["LiNaCl2 (Li)", "LiNaCl2 (Na)", read[2].material]
    assert not read[0].measured.empty
    assert len(read[0].measured) == len(read[1].measured)


def test_names_may_be_given(folders, tmp_path):
    compare_studies.main([*map(str, folders[:2]), "--names", "old, new", "--out", str(tmp_path)])
    assert set(pd.read_csv(tmp_path / "compare.csv")["study"]) == {"old", "new", "measured"}


def test_all_wrong_folders_are_named_at_once(folders, tmp_path):
    (tmp_path / "empty").mkdir()
    stub = tmp_path / "stub" / "tables"
    stub.mkdir(parents=True)
    (stub / "msd.parquet").touch()
    with pytest.raises(HavenError) as found:
        compare_studies.main([str(folders[0]), str(tmp_path / "absent"), str(tmp_path / "empty"),
                              str(stub.parent), "--out", str(tmp_path / "out")])
    said = str(found.value)
    assert "absent does not exist" in said and "no tables in" in said and "stub run" in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("given, why", [
    ((), "a results folder or more"),
    (("{0}", "{0}"), "named twice"), (("{0}", "{1}", "--names", "a"), "1 names for 2 folders"),
    (("{0}", "{1}", "--names", "a,a"), "two are alike"),
])
def test_what_cannot_be_compared_is_refused_in_a_line(folders, given, why):
    with pytest.raises(HavenError, match=why):
        compare_studies.main([text.format(*folders) for text in given])


def test_folders_that_transport_wrote_to_are_studies_too(folders, tmp_path):
    """No settings, no dynamics, no checks of a pipeline: what is there is compared."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        for table in ("diffusion", "conductivity", "arrhenius"):
            shutil.copy(folders[0] / "tables" / f"study.{table}.parquet", tmp_path / name)
    compare_studies.main([str(tmp_path / "one"), str(tmp_path / "two"), "--out", str(tmp_path)])
    text = (tmp_path / "compare.html").read_text(encoding="utf-8")
    assert "None of the folders says its settings" in text
    assert "no checks in the folder" in text


def test_one_study_is_a_page_of_its_own_beside_what_was_measured(folders, tmp_path):
    compare_studies.main([str(folders[0]), "--out", str(tmp_path)])
    text = (tmp_path / "compare.html").read_text(encoding="utf-8")
    assert "1 study by molecular dynamics" in text and ", compared<" not in text
    assert "Numbers of each study" in text and "Settings that differ" in text


def test_a_material_file_stands_for_what_was_measured_of_it_alone(folders, tmp_path):
    other = ASSETS / "materials" / "li3ycl6.yml"
    compare_studies.main([str(folders[0]), str(other), "--out", str(tmp_path)])
    held = pd.read_csv(tmp_path / "compare.csv")
    assert set(held.loc[held["material"] == "li3ycl6", "study"]) == {"measured"}
    text = (tmp_path / "compare.html").read_text(encoding="utf-8")
    assert "nothing, since no run of it was given" in text
    with pytest.raises(HavenError, match="one results folder or more"):
        compare_studies.main([str(other), str(ASSETS / "materials" / "li3incl6.yml")])
    own = tmp_path / "own.yml"
    own.write_text(other.read_text(encoding="utf-8").replace("name: li3ycl6", "name: own"))
    with pytest.raises(HavenError, match="nothing to show of it"):
        compare_studies.main([str(folders[0]), str(own), "--out", str(tmp_path / "none")])
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(("factor", "trust", "words"), [
    (1e-3, "trusted", "Li₃TiCl₆ conducts better than Li₃InCl₆"),
    (1e3, "trusted", "Li₃InCl₆ conducts better than Li₃TiCl₆"),
    (1.0, "trusted", "can't be told from these runs: their intervals overlap"),
    (1e-3, "beyond", "the numbers of Li₃TiCl₆ and Li₃InCl₆ may not be trusted yet"),
])
def test_materials_are_ranked_where_intervals_lie_apart_and_nothing_stands_against_them(
    folders, tmp_path, factor, trust, words
):
    for name, folder, by in (("a", folders[0], 1.0), ("b", folders[2], factor)):
        shutil.copytree(folder / "tables", tmp_path / name)
        for path in (tmp_path / name).glob("*.parquet"):
            schema = path.name.split(".")[1]
            rows = tables.read(TABLES[schema], path)
            if schema == "runs":
                rows["trust"] = trust
            for column in [c for c in rows if c.startswith("sigma_298_")]:
                rows[column] = rows[column] * by
            if schema in ("conductivity", "joined"):
                which = rows["quantity"].str.startswith("sigma")
                value = next(column for column in rows if column.startswith("value"))
                rows.loc[which, [value, "low_95", "high_95"]] *= by
            tables.write(TABLES[schema], rows, path)
    read = several.read_studies([str(tmp_path / "a"), str(tmp_path / "b")])
    assert words in grids.ranking(read, REFERENCE)


def test_studies_without_a_common_temperature_show_each_its_own(folders, tmp_path):
    shutil.copytree(folders[0] / "tables", tmp_path / "hot")
    for path in (tmp_path / "hot").glob("*.parquet"):
        schema = TABLES[path.name.split(".")[1]]
        rows = tables.read(schema, path)
        if "temperature_k" in rows:
            rows["temperature_k"] = rows["temperature_k"] + 500
            tables.write(schema, rows, path)
    read = several.read_studies([str(folders[2]), str(tmp_path / "hot")])
    assert grids.shared_kelvin(read) is None
    held = grids.numbers_grid(read, REFERENCE)
    assert held["columns"][-1] == "D self" and "none in common" in held["caption"]
    at = [float(re.search(r"at (\d+) K", row[-1]["small"])[1]) for row in held["rows"]]
    assert max(at[:2]) < 400 and min(at[2:]) > 700


@pytest.mark.parametrize(("printed", "shown"), [("0.40", "0.40 eV"), ("14", "14 eV"),
                                                ("2.04", "2.04 eV"), ("1.6e-8", None)])
def test_a_measured_value_has_the_digits_it_was_printed_with(printed, shown):
    rounding = {"0.40": 0.005, "14": 0.5, "2.04": 0.005, "1.6e-8": 0.05e-8}[printed]
    said = grids.as_printed({"value": float(printed), "rounding": rounding, "unit": "eV"})
    assert said == shown if shown else "10⁻⁸" in said
