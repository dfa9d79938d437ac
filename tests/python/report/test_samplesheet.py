"""A sheet of materials: read, refused as a whole where any row is wrong, a run for each row."""

from __future__ import annotations

import json
import os
import re
import shlex
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
import run_materials

from haven.core.errors import HavenError
from haven.report.several.command_line import launch_of, words_of
from haven.report.several.row_runs import _session, command, compared
from haven.report.several.samplesheet import read_sheet

ROOT = Path(run_materials.__file__).parents[1]
MATERIAL = ROOT / "assets" / "materials" / "li3ticl6.yml"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A launch folder with material files, frames and potentials of its own."""
    monkeypatch.chdir(tmp_path)
    text = MATERIAL.read_text()
    for name in ("one", "two", "three"):
        (tmp_path / f"{name}.yml").write_text(re.sub(r"(?m)^name:.*$", f"name: {name}", text))
    (tmp_path / "bad.yml").write_text("name: bad\n")
    (tmp_path / "frames").mkdir()
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "u4_s1.pb").touch()
    return tmp_path


def sheet(text, name="materials.csv"):
    Path(name).write_text(text)
    return name


def rows(text, *words):
    return read_sheet(sheet(text), launch_of(words))


def test_rows_have_names_and_parameters_and_blanks_are_not_given(here):
    found = rows("name,material,frames,u_ev,supercell\n"
                 "first,one.yml,frames,\"0,4\",\n\n"
                 ",two.yml,frames,4,\"2,2,2\"\n", "-profile", "demo")
    assert [(row.name, row.line) for row in found] == [("first", 2), ("two", 4)]
    assert found[0].given == {"material": "one.yml", "frames": "frames", "u_ev": "0,4"}
    assert found[1].given["supercell"] == "2,2,2"


def test_all_wrong_rows_are_named_at_once_each_with_all_that_is_wrong(here):
    with pytest.raises(HavenError) as found:
        rows("name,material,frames,models,u_ev,pressure_gpa,pretrained\n"
             "a,one.yml,frames,,4,0,\n"
             "a,two.yml,nowhere,,25,hot,perhaps\n"
             ",missing.yml,frames,,,,\n"
             "b c,one.yml,frames,,,,\n"
             ",bad.yml,frames,,,,\n"
             ",,frames,,,,\n"
             "m,three.yml,,models,\"0,4\",,\n"
             "n,three.yml,,,4,,\n"
             "o,three.yml,frames,,4,,,,7\n"
             "p,three.yml,frames,,4,,,-\n"
             "good,three.yml,,models,4,0,\n")
    said = str(found.value)
    assert len(said.splitlines()) == 1 and "9 of 11 rows are wrong" in said
    parts = dict(re.findall(r"line (\d+): (.*?)(?=; line \d+:|$)", said))
    assert set(parts) == {"3", "4", "5", "6", "7", "8", "9", "10", "11"}
    for words in ("frames is nowhere: nowhere does not exist", "u_ev is 25: 25", "(in eV)",
                  "pressure_gpa is hot", "pretrained is perhaps", "is that of line 2"):
        assert words in parts["3"], words
    assert "missing.yml does not exist" in parts["4"]
    assert "'b c' is no plain word" in parts["5"]
    assert "bad.yml" in parts["6"] and "names no material" in parts["7"]
    assert "no potential for U = 0 eV" in parts["8"]
    assert "none of three are shipped" in parts["9"]
    assert "more cells than the header" in parts["10"]
    assert "more cells than the header" in parts["11"]


@pytest.mark.parametrize("text, words, why", [
    ("name,frames\na,frames\n", (), "no column material"),
    ("material,u_ve\none.yml,4\n", (), "column u_ve is no parameter"),
    ("material,outdir\none.yml,x\n", (), "column outdir is no parameter"),
    ("material,u_ev,u_ev\none.yml,4,4\n", (), "column u_ev stands twice"),
    ("material,u_ev\none.yml,4\n", ("--u_ev", "0"), "both an option and a column"),
    ("material,u_ev\none.yml,4\n", ("--u_ev=0",), "both an option and a column"),
    ("material\n", (), "has no rows"), ("", (), "has no rows"),
    ("material,frames\none.yml,\"frames\n", (), "is no CSV"),
    ("material\none.yml\n", ("-name", "x"), "leave it out with --input"),
    ("material\none.yml\n", ("-resume", "0b7e1234-aa"), "give -resume alone"),
    ("material\none.yml\n", ("-params-file", "no.yml"), "does not exist"),
    ("material\none.yml\n", ("--seed", "1", "--seed=2"), "--seed is given twice"),
    ("material\none.yml\n", ("--outdir", "a", "--outdir", "b"), "--outdir is given twice"),
])
def test_what_is_no_sheet_is_refused_in_a_line(here, text, words, why):
    with pytest.raises(HavenError, match=why) as found:
        rows(text, *words)
    assert "\n" not in str(found.value)


GOOD = "material,name,frames\none.yml,a,frames\n"


@pytest.mark.parametrize("content", [
    GOOD.encode("utf-8-sig"), GOOD.replace("\n", "\r\n").encode(),
    GOOD.replace("\n", "\r").encode(),
    b"\n" + GOOD.encode() + b"\n,,\n", b'"material","name", frames\none.yml, a ,"frames"\n'])
def test_sheets_as_programs_write_them_are_read(here, content):
    (here / "a.csv").write_bytes(content)
    row, = read_sheet("a.csv", launch_of([]))
    assert row.name == "a" and dict(row.given) == {"material": "one.yml", "frames": "frames"}


@pytest.mark.parametrize("content, why", [
    (GOOD.replace(",", ";").encode(), "semicolons between its columns: separate them by commas"),
    (GOOD.replace(",", ";").encode("utf-8-sig"), "semicolons"),
    (GOOD.replace(",", "\t").encode(), "tabs between its columns"),
    (f"sep=;\n{GOOD}".encode(), "begins with a line sep=;, which Excel alone knows"),
    (f"sep=,\n{GOOD}".encode(), "begins with a line sep="),
    (GOOD.encode("utf-16"), r"is no text in UTF-8 \(byte 0\): save it as CSV UTF-8"),
    (GOOD.replace("a,", "\xfc,").encode("latin-1"), "is no text in UTF-8"),
    (b"PK\x03\x04" + bytes(600), "is a workbook"), (b"\xd0\xcf\x11\xe0" + bytes(600), "a workbook"),
    (GOOD.replace("\n", ",,\n").encode(), "without a name"), (b"<html></html>", "no rows"),
    (GOOD.replace("one", '"one').encode(), "is no CSV"),
    (GOOD.replace("a,", "a\0b,").encode(), "no plain word"),
    (GOOD.replace("a,", "../a,").encode(), "no plain word"),
    (GOOD.replace("a,", f"{'a' * 300},").encode(), "give up to 100 letters"),
    (GOOD.replace("a,", "compare.csv,").encode(), "that of a file beside the rows"),
    (GOOD.replace("a,", "=1+1,").encode(), "no plain word"),
    (f"{GOOD}one.yml,A,frames\n".encode(), "its name A is that of line 2"),
    *((f'material,frames,{name}\none.yml,frames,"{text}"\n'.encode(), f"{name} is ")
      for name, text in (
          ("u_ev", "4,4"), ("u_ev", "4,4.0"), ("temperatures_k", "700,,800"), ("u_ev", "0;4"),
          ("temperatures_k", "700,800,700.0"), ("u_ev", "4,"), ("replicas", "2.0"),
          ("replicas", "1_0"), ("replicas", "\u0661"), ("test_share", "10%"), ("test_share", "0,1"),
          ("test_share", "nan"), ("pretrained", "TRUE"), ("directions", "[110],[110]")))])
def test_sheets_that_others_export_wrongly_are_refused_in_a_line(here, content, why):
    (here / "a.csv").write_bytes(content)
    with pytest.raises(HavenError, match=why) as found:
        read_sheet("a.csv", launch_of([]))
    assert "\n" not in str(found.value) and "a.csv" in str(found.value)


@pytest.mark.parametrize("words", [
    ("--frames", "frames"), ("--pretrained", "true"), ("--label",), ("-profile", "demo,label"),
    ("-c", "site.config"),
])
def test_labels_may_come_from_options_that_hold_for_all_rows(here, words):
    assert rows("material\none.yml\n", *words)[0].name == "one"


def test_the_command_of_a_row_has_its_parameters_in_a_file_and_its_own_folder(here):
    (here / "mine.yml").write_text("u_ev: [0]\nproduction_ps: 40\noutdir: elsewhere\n")
    launch = launch_of(["-profile", "demo", "--outdir", "out", "-params-file", "mine.yml",
                        "--seed", "3", "-resume"])
    row, = read_sheet(sheet("name,material,frames,pressure_gpa\nFirst_1,one.yml,frames,-1\n"),
                      launch)
    place = here / "out" / "First_1" / "pipeline"
    place.mkdir(parents=True)
    words = command(row, launch, ["-q"], place, here / "history")
    held = json.loads((place / "launch.json").read_text())
    assert held == {"u_ev": [0], "production_ps": 40, "material": "one.yml", "frames": "frames",
                    "pressure_gpa": "-1", "outdir": str(Path("out") / "First_1"), "input": None}
    assert words[:2] == ["nextflow", "-q"] and "-resume" not in words, "there is no session yet"
    assert words[words.index("-profile"):words.index("-profile") + 4] == [
        "-profile", "demo", "--seed", "3"]
    assert words[words.index("-params-file") + 1] == str(place / "launch.json")
    assert words[words.index("-work-dir") + 1] == "work/First_1", "names of runs are alike"
    other = command(row, launch_of(["-w", "s3://bucket/scratch/"]), [], place, here / "history")
    assert other[other.index("-work-dir") + 1] == "s3://bucket/scratch/First_1"
    name = words[words.index("-name") + 1]
    assert re.fullmatch(r"[a-z](?:[a-z\d]|[-_](?=[a-z\d])){0,79}", name), "as Nextflow wants names"
    (here / "history").write_text("".join(
        f"2026\t1s\t{run}\t{status}\tid\t{session}\tnextflow run\n" for run, status, session in (
            (name, "OK", "s-old"), ("angry_curie", "OK", "s-other"), (name, "ERR", "s-new"))))
    again = command(row, launch, [], place, here / "history")
    assert again[again.index("-resume") + 1] == "s-new"
    assert _session(here / "history", "mother-0000000000") == ""


NEXTFLOW = """#!{python}
import json, os, pathlib, sys
words = sys.argv[1:]
given = json.loads(pathlib.Path(words[words.index("-params-file") + 1]).read_text())
history = pathlib.Path(os.environ["NXF_CACHE_DIR"])
history.mkdir(exist_ok=True, parents=True)
with (history / "history").open("a") as stream:
    stream.write("\\t".join(["now", "1s", words[words.index("-name") + 1], "OK", "id",
                             "session-of-" + given["material"], " ".join(words)]) + "\\n")
pathlib.Path(given["outdir"], "report.html").touch()
print("ran", given["material"], "resumed" if "-resume" in words else "new")
sys.exit(3 if given["material"] == "two.yml" and "-resume" not in words else 0)
"""


@pytest.fixture
def nextflow(here, monkeypatch):
    """A stand-in that records how it was called: what is tested is the launching alone."""
    place = here / "path" / "nextflow"
    place.parent.mkdir()
    place.write_text(NEXTFLOW.format(python=sys.executable))
    place.chmod(place.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{place.parent}{os.pathsep}{os.environ['PATH']}")
    return here


@pytest.mark.parametrize("at_once", ["1", "3"])
def test_every_row_runs_failures_are_named_and_resume_goes_on_with_each(nextflow, at_once, capfd):
    sheet("material,frames\none.yml,frames\ntwo.yml,frames\nthree.yml,frames\n")
    words = ["0", "--input", "materials.csv", "-profile", "demo", "--at_once", at_once]
    with pytest.raises(SystemExit) as ended:
        run_materials.main(words)
    assert ended.value.code == 1
    assert "1 of 3 rows failed: two (line 3, status 3)" in capfd.readouterr().err
    assert {path.parent.name for path in Path("results").glob("*/report.html")} == {
        "one", "two", "three"}
    run_materials.main([*words, "-resume"])
    history = Path(".nextflow/materials/history").read_text()
    lines = [line.split("\t") for line in history.splitlines()]
    assert len(lines) == 6
    for line in lines[3:]:
        material = line[5].removeprefix("session-of-")
        assert f"-resume session-of-{material}" in line[6]
    if at_once == "3":
        said = Path("results/two/pipeline/launch.log").read_text().splitlines()
        assert said == ["ran two.yml new", "ran two.yml resumed"]


def test_why_rows_can_not_be_compared_is_said_in_plain_words(here, caplog):
    done = []
    for row in rows("material,frames\none.yml,frames\ntwo.yml,frames\n"):
        (here / "results" / row.name).mkdir(parents=True)
        (here / "results" / row.name / "report.html").touch()
        done.append((row, 0))
    compared(done, Path("results"))
    said = caplog.messages[-1]
    assert said.startswith("no page of all of them: no tables in results/one: expected files")


def test_nothing_starts_while_a_row_is_wrong(nextflow):
    sheet("material,frames\none.yml,frames\ntwo.yml,nowhere\n")
    with pytest.raises(HavenError, match="1 of 2 rows is wrong: line 3"):
        run_materials.main(["0", "--input", "materials.csv"])
    assert not Path("results").exists() and not Path(".nextflow").exists()


@pytest.mark.parametrize("words, why", [
    (["0", "--input"], "--input needs a value"), (["0", "-profile", "demo"], "--input is missing"),
    (["0", "--input", "no.csv"], "is no file"),
    (["0", "--input", "a.csv", "--at_once", "0"], "--at_once 0"),
    (["1", "-bg", "--input", "a.csv"], "put & behind the line"),
    (["--command_line", "nextflow run other.nf", "0", "--input", "a.csv"], "how this run was"),
])
def test_a_wrong_call_is_refused_in_a_line(here, words, why):
    with pytest.raises(HavenError, match=why):
        run_materials.main(words)


@pytest.mark.parametrize("line, project, top, words", [
    (f"nextflow run {ROOT}/main.nf --input 'a b.csv' -profile demo", "main.nf", "",
     "--input 'a b.csv' -profile demo"),
    (f"nextflow -q -log x.log -bg -c my.config run -profile demo {ROOT} --u_ev 4", "haven",
     "-q -c my.config", "-profile demo --u_ev 4"),
    ("/opt/nextflow run owner/haven -r v1.0 -latest --outdir run -resume", "owner/haven", "",
     "--outdir run -resume"),
    ("nextflow run https://some.where/owner/haven.git -stub", "owner/haven", "", "-stub"),
])
def test_the_options_of_a_run_with_a_sheet_hold_for_its_rows(line, project, top, words):
    assert words_of(line, project) == (shlex.split(top), shlex.split(words))


def test_a_sheet_given_to_main_nf_runs_its_rows_where_its_parameters_say(nextflow):
    sheet("material,frames\none.yml,frames\n")
    Path("mine.json").write_text(json.dumps(
        {"input": "materials.csv", "at_once": 1, "outdir": "kept", "seed": 3}))
    run_materials.main(["--command_line", f"nextflow run {ROOT} -params-file mine.json", "0",
                        "--input", "materials.csv", "--at_once", "1", "--outdir", "kept"])
    held = json.loads(Path("kept/one/pipeline/launch.json").read_text())
    assert held["input"] is None and "at_once" not in held and held["seed"] == 3
    assert launch_of(["-params-file", "mine.json"]).outdir == Path("kept")


def gone(number):
    """Whether a process has ended; one that nobody has waited for yet has."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def until(done):
    for _ in range(1200):
        if done():
            return
        time.sleep(0.05)
    raise AssertionError("waited in vain")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="by Linux's prctl and /proc")
@pytest.mark.parametrize("killed", ["the run with the sheet", "what starts the rows"])
def test_rows_end_with_a_run_that_is_killed(here, monkeypatch, killed):
    place = here / "path" / "nextflow"
    place.parent.mkdir()
    place.write_text(f"#!{sys.executable}\nimport os, pathlib, time\n"
                     "with open('rows', 'a') as out:\n    print(os.getpid(), file=out)\n"
                     "time.sleep(600)\n")
    place.chmod(0o755)
    monkeypatch.setenv("PATH", f"{place.parent}{os.pathsep}{os.environ['PATH']}")
    sheet("material,frames\none.yml,frames\ntwo.yml,frames\n")
    words = [sys.executable, str(ROOT / "bin" / "run_materials.py"), "--command_line",
             f"nextflow run {ROOT}", "0", "--input", "materials.csv"]
    outer = subprocess.Popen([sys.executable, "-c", "import subprocess, sys\n"
                              "child = subprocess.Popen(sys.argv[1:])\n"
                              "open('starter', 'w').write(f'{child.pid}\\n')\nchild.wait()",
                              *words])
    try:
        until(lambda: Path("rows").exists() and Path("rows").read_text().endswith("\n"))
        starter, row = (int(Path(name).read_text()) for name in ("starter", "rows"))
        assert not gone(row)
        os.kill(outer.pid if killed == "the run with the sheet" else starter, 9)
        until(lambda: gone(row) and gone(starter))
        assert Path("rows").read_text() == f"{row}\n", "the row that waited was started"
    finally:
        outer.kill()
        outer.wait()


def test_the_launcher_hands_a_sheet_over(here):
    text = (ROOT / "haven").read_text()
    assert 'run_materials.py" "${#top[@]}" "${top[@]}" "$@"' in text
    done = subprocess.run([sys.executable, str(ROOT / "bin" / "run_materials.py"), "1", "-q",
                           "--input", "no.csv"], text=True, capture_output=True, check=False)
    assert done.returncode == 2 and done.stderr == (
        "haven: error: --input no.csv is no file: give a sheet (CSV) with a column material\n")
