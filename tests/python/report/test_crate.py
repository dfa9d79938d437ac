"""The results described as a Workflow Run Crate, and the zip for a repository.

The MUST requirements are those of Process Run Crate, Workflow Run Crate (0.5), Workflow RO-Crate
(1.0) and RO-Crate (1.1). tests/README.md says how to run the community's validator on a crate.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
import time
import zipfile
from pathlib import Path
from urllib.parse import unquote

import chromium
import make_crate
import pandas as pd
import publish_results
import pytest
import yaml
from report_tables import write_study

from haven.core import tables
from haven.core.errors import HavenError
from haven.report.numbers.measured import collect
from haven.report.page import origins
from haven.report.page import report as page
from haven.report.page.contents import load_tables
from haven.report.publishing import crate
from haven.report.publishing import publish as publishing
from haven.report.publishing.results import METADATA, read_results

RUN = {
    "run_name": "sharp_curie", "session_id": "0b7e", "start": "2026-01-02T03:04:05Z",
    "complete": "2026-01-02T04:04:05Z", "success": True, "command_line": "nextflow run main.nf",
    "profile": "demo", "nextflow_version": "25.04.4", "haven_version": "0.1.0", "commit": None,
    "container_engine": None, "work_dir": "/work", "stub": False,
}
PARAMETERS = {"u_ev": "[0, 4]", "supercell": "[2, 2, 2]", "seed": "1", "models": None}


def task(work: Path, mark: str, name: str, paths: list[Path], container: str = "") -> None:
    """Move files into a work folder like Nextflow's, and leave links in their place."""
    folder = work / mark[:2] / f"{mark[2:]}00000000"
    folder.mkdir(parents=True)
    said = f"### container: '{container}'\n" if container else ""
    (folder / ".command.begin").touch()
    (folder / ".command.run").write_text(
        f"#!/bin/bash\n### ---\n### name: '{name}'\n{said}### ...\n")
    for path in paths:
        target = folder / path.name
        shutil.move(path, target)
        path.symlink_to(target)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A results folder: tables joined from those of tasks, and Nextflow's records."""
    place = tmp_path_factory.mktemp("crate")
    parts = place / "parts"
    write_study(parts, replicas=1)
    both = next(parts.glob("*diffusion.parquet"))
    rows = tables.read("diffusion", both)
    both.unlink()
    for u_ev, mine in rows.groupby("u_ev"):
        tables.write(crate.TABLES["diffusion"], mine, parts / f"u{u_ev:g}.diffusion.parquet")
    task(place / "work", "ab12cd34", "STUDY:TRANSPORT:FIT_ARRHENIUS (all)",
         list(parts.glob("*arrhenius.parquet")), "haven-cpu.sif")
    for number, path in enumerate(sorted(parts.glob("*.diffusion.parquet"))):
        task(place / "work", f"cd{number:02d}ef56", f"STUDY:TRANSPORT:ANALYSE_TRANSPORT ({number})",
             [path])
    found = load_tables(parts)
    measured = collect(found)
    out = place / "results"
    made = {"numbers": origins.number_rows(measured, found, "li3ticl6"),
            "origins": origins.origin_rows(parts)}
    for name, rows in {**found, **{k: pd.DataFrame(v) for k, v in made.items()}}.items():
        if len(rows):
            schema = crate.TABLES[name]
            tables.write(schema, rows[schema.names], out / "tables" / f"{name}.parquet")
    (out / "pipeline").mkdir()
    (out / "pipeline" / "run_2026-01-02_03-04-05.json").write_text(json.dumps(RUN))
    (out / "pipeline" / "trace_2026-01-02_03-04-05.tsv").write_text(
        "task_id\thash\tname\tstatus\texit\tstart\tcomplete\n"
        "1\tab/12cd34\tx\tCOMPLETED\t0\t2026-01-02 03:10:00.000\t2026-01-02 03:11:00.000\n")
    (out / "report.html").write_text("<html></html>")
    (out / "summary.txt").write_text("sigma\n")
    (out / "figures").mkdir()
    (out / "figures" / "ä b#1%.png").write_bytes(b"PNG")
    (out / "trajectories").mkdir()
    (out / "trajectories" / "u4_t298_r0.trajectory.npz").write_bytes(b"0123")
    (out / "parameters.json").write_text(json.dumps({"parameters": PARAMETERS}))
    return out


@pytest.fixture(scope="module")
def graph(results):
    make_crate.main([str(results)])
    held = json.loads((results / METADATA).read_text())
    entities = {entity["@id"]: entity for entity in held["@graph"]}
    assert len(entities) == len(held["@graph"]), "every @id once"
    return {**entities, "@context": held["@context"]}


def listed(value):
    return [] if value is None else value if isinstance(value, list) else [value]


def kinds(entity):
    return set(listed(entity["@type"]))


def of_kind(graph, kind):
    return [entity for name, entity in graph.items() if name != "@context"
            and kind in kinds(entity)]


def test_the_crate_meets_every_must_of_ro_crate_and_its_workflow_profiles(results, graph):
    assert "https://w3id.org/ro/crate/1.1/context" in listed(graph["@context"])
    descriptor, root = graph["ro-crate-metadata.json"], graph["./"]
    assert descriptor["about"] == {"@id": "./"} and "CreativeWork" in kinds(descriptor)
    assert {"@id": "https://w3id.org/ro/crate/1.1"} in listed(descriptor["conformsTo"])
    assert "Dataset" in kinds(root) and root["name"] and root["description"]
    assert pd.Timestamp(root["datePublished"]).year == 2026
    assert root["license"]["@id"] in graph
    claimed = [graph[one["@id"]] for one in root["conformsTo"]]
    assert all("CreativeWork" in kinds(one) for one in claimed)
    for start in ("https://w3id.org/ro/wfrun/workflow/", "https://w3id.org/ro/wfrun/process/",
                  "https://w3id.org/workflowhub/workflow-ro-crate/"):
        assert any(one["@id"].startswith(start) for one in claimed), start
    main = graph[root["mainEntity"]["@id"]]
    assert {"File", "SoftwareSourceCode", "ComputationalWorkflow"} <= kinds(main)
    assert "ComputerLanguage" in kinds(graph[main["programmingLanguage"]["@id"]])
    for name in ("input", "output"):
        assert listed(main[name])
        assert all("FormalParameter" in kinds(graph[one["@id"]]) for one in listed(main[name]))
    assert all(one["additionalType"] for one in of_kind(graph, "FormalParameter"))
    actions = of_kind(graph, "CreateAction")
    assert len(actions) > 3
    assert all({"SoftwareApplication", "SoftwareSourceCode", "ComputationalWorkflow"}
               & kinds(graph[one["instrument"]["@id"]]) for one in actions)
    parts = {one["@id"] for one in root["hasPart"]}
    for entity in of_kind(graph, "File"):
        if entity is not descriptor:
            assert entity["@id"] in parts, entity["@id"]
            assert (results / unquote(entity["@id"])).is_file(), entity["@id"]


def test_every_reference_leads_to_an_entity_of_the_crate_or_to_the_web(graph):
    def ids(value):
        for one in listed(value):
            if isinstance(one, dict):
                yield one["@id"]

    missing = {name for key, entity in graph.items() if key != "@context"
               for field, value in entity.items() if field != "@id" for name in ids(value)
               if name not in graph and not name.startswith(("http://", "https://"))}
    assert not missing


def test_the_page_leads_from_a_number_to_the_work_folder_of_its_task(
        results, tmp_path, monkeypatch):
    monkeypatch.setattr(page, "draw_all", lambda given: [])  # figures are tested elsewhere
    assets = Path(crate.ROOT) / "assets"
    page.write_report(results.parent / "parts", assets / "reference", assets / "report.html.j2",
                      tmp_path)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    line, = re.findall(r"<tr[^>]*><th scope=\"row\">study\.arrhenius\.parquet</th>.*?</tr>", text)
    assert "activation energy of σ, U = 4 eV (row " in line
    assert "STUDY:TRANSPORT:FIT_ARRHENIUS (all)" in line
    link, = re.findall(r"href=\"(file://[^\"]+)\"", line)
    place = Path(unquote(link.removeprefix("file://")))
    assert (place / ".command.run").is_file() and (place / "study.arrhenius.parquet").is_file()
    held = pd.read_parquet(tmp_path / "tables" / "origins.parquet")
    assert str(place) in set(held["folder"])
    assert json.loads((tmp_path / "parameters.json").read_text()) == {}


@pytest.mark.skipif(chromium.program() is None, reason="no Chromium: apt install chromium")
@pytest.mark.parametrize("scripts", [True, False])
def test_a_number_is_traced_to_its_tasks_work_folder_by_following_links_alone(
        results, tmp_path, monkeypatch, scripts):
    """Clicked in a browser: the number in the answer, its table file, the task's work folder."""
    monkeypatch.setattr(page, "draw_all", lambda given: [])
    assets = Path(crate.ROOT) / "assets"
    page.write_report(results.parent / "parts", assets / "reference", assets / "report.html.j2",
                      tmp_path / "out")
    seen = chromium.Page(tmp_path / "profile", scripts=scripts)

    def click(selector, words):
        tree = seen.ask("DOM.getDocument", depth=0)["root"]["nodeId"]
        for node in seen.ask("DOM.querySelectorAll", nodeId=tree, selector=selector)["nodeIds"]:
            if words in seen.ask("DOM.getOuterHTML", nodeId=node)["outerHTML"]:
                seen.ask("DOM.scrollIntoViewIfNeeded", nodeId=node)
                corners = seen.ask("DOM.getContentQuads", nodeId=node)["quads"][0]
                for kind in ("mousePressed", "mouseReleased"):
                    seen.ask("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1,
                             x=corners[0] + 3, y=(corners[1] + corners[5]) / 2)
                return
        raise AssertionError(f"no {selector} with {words}")

    def address():
        try:
            history = seen.ask("Page.getNavigationHistory")
        except AssertionError:  # between two pages
            return ""
        return history["entries"][history["currentIndex"]]["url"]

    def arrived(begins):
        for _ in range(600):
            if begins in address():
                return address()
            time.sleep(0.1)
        raise AssertionError(f"{address()} instead of {begins}")

    try:
        seen.open(tmp_path / "out" / "report.html")
        if scripts:
            seen.wait("document.documentElement.dataset.ready === 'yes'")
            click("section[aria-labelledby=headline] summary", "Where each number comes from")
        words = "activation energy of σ, U = 4 eV (row "
        click("section[aria-labelledby=headline] li a", words)
        at = arrived("#made-").rpartition("#")[2]
        made = (results.parent / "work").as_posix()
        click(f"tr#{at} a", "file:")
        place = Path(unquote(arrived(f"{made}/ab/12cd34").removeprefix("file://")))
        assert (place / ".command.run").is_file() and (place / "study.arrhenius.parquet").is_file()
        for _ in range(600):  # until the browser shows the folder
            with contextlib.suppress(AssertionError):
                tree = seen.ask("DOM.getDocument", depth=0)["root"]["nodeId"]
                if "study.arrhenius.parquet" in seen.ask(
                        "DOM.getOuterHTML", nodeId=tree)["outerHTML"]:
                    break
            time.sleep(0.1)
        else:
            raise AssertionError("the folder is not shown")
    finally:
        seen.close()


def test_files_have_their_size_digest_and_meaning(results, graph):
    table = graph["tables/diffusion.parquet"]
    content = (results / table["@id"]).read_bytes()
    assert table["contentSize"] == str(len(content))
    assert table["sha256"] == hashlib.sha256(content).hexdigest()
    assert "table diffusion: material, u_ev" in table["description"]
    assert "ro-crate-metadata.json" not in {one["@id"] for one in graph["./"]["hasPart"]}


def test_the_run_is_nextflows_with_its_parameters(graph):
    run = graph["#run-sharp_curie"]
    assert run["instrument"] == {"@id": "pipeline/workflow/main.nf"}
    assert (run["startTime"], run["endTime"]) == (RUN["start"], RUN["complete"])
    values = {graph[one["@id"]]["name"]: graph[one["@id"]] for one in run["object"]}
    assert set(values) == {"u_ev", "supercell", "seed"}, "those that are given"
    assert values["u_ev"]["value"] == "[0, 4]" and values["u_ev"]["unitText"] == "eV"
    assert graph[values["u_ev"]["exampleOfWork"]["@id"]]["additionalType"] == "Text"
    assert run["actionStatus"]["@id"].endswith("CompletedActionStatus")


def test_a_number_leads_by_links_to_its_rows_its_task_and_that_tasks_work_folder(results, graph):
    names = {entity["name"]: entity for entity in of_kind(graph, "PropertyValue")}
    number = names["activation of li3ticl6, U = 4 eV"]
    above = [graph[one["@id"]] for one in number["subjectOf"]]
    assert [one["@id"] for one in above] == ["tables/arrhenius.parquet", "#task-ab-12cd34"]
    fit = tables.read("arrhenius", results / "tables" / "arrhenius.parquet")
    row = int(number["measurementTechnique"].split()[1])
    assert fit.loc[row, "activation_sigma_ev"] == number["value"] and fit.loc[row, "u_ev"] == 4
    action = above[1]
    assert Path(action["location"], ".command.run").is_file()
    assert Path(action["location"], "study.arrhenius.parquet").is_file()
    assert graph[action["containerImage"]["@id"]]["name"] == "haven-cpu.sif"
    assert action["startTime"] == "2026-01-02T03:10:00.000"
    untraced = next(graph[name] for name in graph if name.startswith("#task-cd"))
    assert pd.Timestamp(untraced["startTime"]).year >= 2024 and "endTime" not in untraced
    held = pd.read_parquet(results / "tables" / "origins.parquet")
    code = held.loc[held["table"] == "arrhenius", "code"].iloc[0]
    assert code in graph[action["instrument"]["@id"]]["softwareVersion"]


def test_rows_of_joined_tables_are_told_by_part(results):
    held = pd.read_parquet(results / "tables" / "origins.parquet")
    whole = tables.read("diffusion", results / "tables" / "diffusion.parquet")
    parts = held[held["table"] == "diffusion"]
    assert parts["rows"].sum() == len(whole)
    for part in parts.to_dict("records"):
        own = tables.read("diffusion", Path(part["folder"]) / part["part"])
        rows = whole.iloc[part["first_row"]: part["first_row"] + part["rows"]]
        pd.testing.assert_frame_equal(own, rows.reset_index(drop=True), check_dtype=False)
    assert json.loads(parts.iloc[0]["software"])["pandas"] == pd.__version__


def test_every_number_is_made_from_rows_of_its_own_condition(results):
    numbers = pd.read_parquet(results / "tables" / "numbers.parquet")
    assert numbers["table"].ne("").all() and numbers["rows"].ne("").all()
    for number in numbers.to_dict("records"):
        table = pd.read_parquet(results / "tables" / f"{number['table']}.parquet")
        rows = table.iloc[[row for first, last in origins.places_of(number["rows"])
                           for row in range(first, last + 1)]]
        if "u_ev" in rows:
            assert set(rows["u_ev"]) == {number["u_ev"]}, number
        if "temperature_k" in rows and number["table"] != "arrhenius":
            assert set(rows["temperature_k"]) == {number["temperature_k"]}, number
    one = numbers[(numbers["quantity"] == "d_self") & (numbers["u_ev"] == 4)
                  & (numbers["temperature_k"] == 373)].iloc[0]
    assert one["table"] in ("joined", "diffusion")


@pytest.mark.parametrize("places, text", [([], ""), ([3], "3"), ([0, 1, 2, 7], "0-2,7"),
                                          ([1, 3, 4], "1,3-4")])
def test_rows_as_text_come_back(places, text):
    assert origins.ranges(places) == text
    assert [row for a, b in origins.places_of(text) for row in range(a, b + 1)] == places


def test_a_folder_that_holds_no_results_is_refused_in_a_line(tmp_path):
    with pytest.raises(HavenError, match=r"has no report\.html"):
        crate.write_crate(tmp_path)
    with pytest.raises(HavenError, match="does not exist"):
        crate.write_crate(tmp_path / "absent")
    (tmp_path / "report.html").touch()
    (tmp_path / "parameters.json").write_text("{")
    with pytest.raises(HavenError, match=r"parameters\.json is no JSON"):
        crate.write_crate(tmp_path)


def test_results_without_records_are_described_as_far_as_they_say(tmp_path):
    (tmp_path / "report.html").touch()
    held = json.loads(crate.write_crate(tmp_path).read_text())
    names = {entity["@id"] for entity in held["@graph"]}
    assert {"#run-unknown", "#licence-not-chosen", "pipeline/workflow/main.nf"} <= names


def test_the_zip_holds_results_licences_metadata_and_code(results, tmp_path, capsys):
    target = tmp_path / "record.zip"
    publish_results.main([
        "--dry-run", str(results), "--out", str(target), "--creator",
        "Curie, Marie; 0000-0002-1825-0097; Paris", "--creator", "Haven, J.", "--licence",
        "CC0-1.0"])
    assert "Written" in capsys.readouterr().out
    with zipfile.ZipFile(target) as held:
        assert held.testzip() is None
        names = set(held.namelist())
        assert len(names) == len(held.namelist())
        about = json.loads(held.read(".zenodo.json"))
        citation = yaml.safe_load(held.read("CITATION.cff"))
        graph = {one["@id"]: one for one in json.loads(held.read(METADATA))["@graph"]}
        for name in names - {METADATA, ".zenodo.json", "CITATION.cff"}:
            if (results / name).is_file():
                assert held.read(name) == (results / name).read_bytes()
        licences = held.read("LICENSES/README.md").decode()
    assert {"report.html", "tables/numbers.parquet", "LICENSES/MIT.txt",
            "trajectories/u4_t298_r0.trajectory.npz", "pipeline/workflow/main.nf",
            "pipeline/workflow/bin/haven/core/errors.py",
            "pipeline/workflow/modules/study.nf"} <= names
    assert about["license"] == "cc0-1.0" and about["upload_type"] == "dataset"
    assert about["creators"] == [{"name": "Curie, Marie", "orcid": "0000-0002-1825-0097",
                                  "affiliation": "Paris"}, {"name": "Haven, J."}]
    assert about["related_identifiers"][0]["identifier"] == "10.48550/arXiv.2403.01077"
    assert citation["license"] == "CC0-1.0" and citation["type"] == "dataset"
    assert citation["authors"][0]["orcid"] == "https://orcid.org/0000-0002-1825-0097"
    assert graph["./"]["license"] == {"@id": "https://spdx.org/licenses/CC0-1.0"}
    assert graph["https://orcid.org/0000-0002-1825-0097"]["name"] == "Curie, Marie"
    assert "| numpy |" in licences and "CC0-1.0" in licences
    assert not (results / ".zenodo.json").exists(), "the results themselves stay as they are"


def test_folders_left_out_are_in_neither_zip_nor_crate(results, tmp_path, capsys):
    target = tmp_path / "small.zip"
    publish_results.main(["--dry-run", str(results), "--out", str(target), "--leave_out",
                          "trajectories"])
    assert "Zenodo will still ask for a creator" in capsys.readouterr().out
    with zipfile.ZipFile(target) as held:
        assert not [name for name in held.namelist() if name.startswith("trajectories/")]
        assert b"trajectory.npz" not in held.read(METADATA)


@pytest.mark.parametrize("options, why", [
    ((), "give --dry-run"),
    (("--dry-run", "--leave_out", "tables"), "--leave_out tables"),
    (("--dry-run", "--leave_out", "nothing"), "--leave_out nothing"),
    (("--dry-run", "--out", "{results}/x.zip"), "lies in the results themselves"),
    (("--dry-run", "--out", "{tmp}/no/x.zip"), "there is no folder"),
    (("--dry-run", "--out", "{tmp}/there.zip"), "exists"),
    (("--dry-run", "--creator", "Marie Curie"), "give 'Family, Given'"),
    (("--dry-run", "--creator", "Curie, Marie; 0000-0002-1825-0098"), "is no ORCID"),
    (("--dry-run", "--creator", "Curie, Marie; 0000-0002-1825"), "is no ORCID"),
    (("--dry-run", "--licence", "GPL"), "licence"),
])
def test_what_cannot_be_published_is_refused_in_a_line(results, tmp_path, options, why, capsys):
    (tmp_path / "there.zip").touch()
    given = [one.format(results=results, tmp=tmp_path) for one in options]
    if "--out" not in given:
        given += ["--out", str(tmp_path / "new.zip")]
    try:
        with pytest.raises(HavenError, match=why):
            publish_results.main([str(results), *given])
    except SystemExit as ended:
        assert ended.code == 2 and why in capsys.readouterr().err
    assert not (tmp_path / "new.zip").exists() and not list(tmp_path.glob(".*.part"))


def test_results_of_a_stub_run_are_not_published(tmp_path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "report.html").touch()
    (tmp_path / "tables" / "verdicts.parquet").touch()
    with pytest.raises(HavenError, match="no table with content"):
        publishing.publish(tmp_path, tmp_path.parent / "stub.zip", "MIT", [])


def ran(results: Path, day: int, *files: str) -> None:
    """Add the record of a run that published files of these names."""
    (results / "pipeline" / f"run_2026-02-{day:02d}_03-04-05.json").write_text(
        json.dumps(RUN | {"files": list(files), "run_name": f"day_{day}"}))


def test_what_earlier_runs_alone_put_there_is_no_part_of_the_results(results, tmp_path, capsys):
    place = shutil.copytree(results, tmp_path / "results")
    mine = "u4_t298_r0.trajectory.npz"
    ran(place, 1, "report.html", "tables", mine, "u4_t373_r0.trajectory.npz", "u4_s2.pb")
    ran(place, 2, "report.html", "tables", mine, "u4_t373_r0.trajectory.npz")
    ran(place, 3, "report.html", "tables", mine)
    ran(place, 4)  # ended before it put anything there
    (place / "models").mkdir()
    for name in ("trajectories/u4_t373_r0.trajectory.npz", "models/u4_s2.pb", "notes of mine.txt"):
        (place / name).write_text("0")
    publish_results.main(["--dry-run", str(place), "--out", str(tmp_path / "record.zip")])
    said = capsys.readouterr().out
    assert "Left out: " in said and "2 files of earlier runs" in said and "models/u4_s2.pb" in said
    with zipfile.ZipFile(tmp_path / "record.zip") as held:
        names, text = set(held.namelist()), held.read(METADATA).decode()
    assert {f"trajectories/{mine}", "notes of mine.txt", "tables/arrhenius.parquet"} <= names
    assert "#run-day_3" in text
    for gone in ("u4_t373_r0", "u4_s2.pb"):
        assert gone not in text and not [name for name in names if gone in name]
    make_crate.main([str(place)])
    assert f"haven: {place} also holds 2 files of earlier runs" in capsys.readouterr().out


@pytest.mark.parametrize("left, kind", [
    ("record", "run_2026-02-09_03-04-05.json"), ("trace", "trace_2026-02-09_03-04-05.tsv")])
def test_files_of_a_run_that_made_no_report_are_not_taken_for_those_of_one_that_did(
        results, tmp_path, left, kind):
    place = shutil.copytree(results, tmp_path / "results")
    ran(place, 1, "report.html", "u4_t298_r0.trajectory.npz")
    trace = place / "pipeline" / "trace_2026-02-09_03-04-05.tsv"
    trace.write_text("task_id\thash\tstatus\n")
    publishing.publish(place, tmp_path / "before.zip", "MIT", [])  # nothing ran
    if left == "record":
        ran(place, 9, "u4_t298_r0.trajectory.npz")
    else:
        trace.write_text(trace.read_text() + "1\tab/12cd34\tCACHED\n")
    with pytest.raises(HavenError, match=f"after the report was made.*{kind}.*-resume"):
        publishing.publish(place, tmp_path / "after.zip", "MIT", [])
    ran(place, 10, "report.html", "u4_t298_r0.trajectory.npz")
    publishing.publish(place, tmp_path / "after.zip", "MIT", [])


@pytest.mark.parametrize("day", [1, 20])
def test_a_clock_that_was_set_back_makes_no_earlier_run_the_later_one(results, tmp_path, day):
    """The records' names hold the time; what counts is the order in which they were written."""
    place = shutil.copytree(results, tmp_path / "results")
    first, second, cut = ("u4_t298_r0.trajectory.npz", "u4_t373_r0.trajectory.npz",
                          place / "pipeline" / f"trace_2026-02-{day - 1 or 1:02d}_03-04-04.tsv")
    for order, when, name in ((1, 10, first), (2, day, second)):
        (place / "trajectories" / name).write_text("0")
        ran(place, when, "report.html", name)
        record = place / "pipeline" / f"run_2026-02-{when:02d}_03-04-05.json"
        record.write_text(json.dumps(json.loads(record.read_text()) | {
            "order": order, "traces": [path.name for path in record.parent.glob("trace_*")]}))
    told = read_results(place)
    assert told.run["run_name"] == f"day_{day}"
    assert told.earlier == (f"trajectories/{first}",)
    cut.write_text("hash\n")
    assert read_results(place).earlier == told.earlier, "nothing ran"
    cut.write_text("hash\nab/12cd34\n")
    with pytest.raises(HavenError, match=f"after the report was made.*{cut.name}.*-resume"):
        read_results(place)
