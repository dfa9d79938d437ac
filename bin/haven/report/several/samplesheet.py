"""A sheet of many materials, one run of the pipeline a row: read, checked as a whole, launched.

Every row is a run of its own, with a results and a work folder of its own, for runs of several
materials have the same names; ``-resume`` goes on with each where it stopped. Nothing starts while
any row is wrong.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import haven
from haven.core.errors import HavenError, log
from haven.core.options import NUMBER, WHOLE, WORD
from haven.material.file import load_material

ROOT = Path(haven.__file__).parents[2]
NOT_COLUMNS = ("input", "at_once", "outdir", "help", "publish_dir_mode", "checkpoint_dir",
               "checkpoint_minutes")
MODEL = re.compile(r"u([0-9.]+)_s[0-9]+\.(pb|pth|pt2|hlo|savedmodel|dp|pair|pt)")
MOST_ROWS = 1000
WATCH_SECONDS = 1.0  # how often is looked whether the run that was given the sheet is still there
# What a row's run starts in on Linux: the kernel ends it with its parent (PR_SET_PDEATHSIG, 1),
# even one that is killed and can end nobody.
WITH_PARENT = """import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGTERM)
if os.getppid() != int(sys.argv[1]):
    sys.exit(143)
os.execvp(sys.argv[2], sys.argv[2:])
"""
LARGEST_BYTES = 1 << 20
LONGEST_NAME = 100  # letters: it becomes folders
WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\x1f\x8b")  # .xlsx and .ods, .xls, .gz
SEPARATORS = {";": "semicolons", "\t": "tabs"}
OF_PROJECT = ("-r", "-revision", "-hub", "-user", "-d", "-deep")  # which version, with a value
WITH_VALUE = ("-c", "-config", "-profile")  # whose value is no parameter


@dataclass(frozen=True)
class Row:
    """One run: its name, the line of the sheet, and its parameters as text."""

    name: str
    line: int
    given: Mapping[str, str]


@dataclass(frozen=True)
class Launch:
    """What was given on the command line beside the sheet.

    Attributes
    ----------
    options
        Options of ``nextflow run`` for every row, without those below.
    outdir
        Folder for the rows' results folders.
    work
        Folder for the rows' work folders.
    resume
        Whether each row goes on where its last run stopped.
    file
        The user's own file of parameters, or None.
    """

    options: tuple[str, ...]
    outdir: Path
    work: str
    resume: bool
    file: Path | None

    @property
    def parameters(self) -> dict[str, str]:
        """Parameters among the options."""
        found: dict[str, str] = {}
        for place, word in enumerate(self.options):
            if word.startswith("--"):
                name, equals, value = word[2:].partition("=")
                after = self.options[place + 1 : place + 2]
                value = value if equals else (
                    after[0] if after and not after[0].startswith("--") else "true")
                found[name.replace("-", "_")] = value
        return found


def launch_of(words: Sequence[str]) -> Launch:
    """Return what the words of a command line say beside ``--input``.

    Raises
    ------
    HavenError
        If a word can't be meant for several runs.
    """
    options: list[str] = []
    outdir, work, resume, file = "", "work", False, None
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if name in ("--outdir", "-params-file"):
            if not equals and not rest:
                raise HavenError(f"{name} needs a value")
            value = value if equals else rest.pop(0)
            outdir, file = (value, file) if name == "--outdir" else (outdir, Path(value))
        elif word == "-resume":
            resume = True
            if rest and re.fullmatch(r"[0-9a-f-]{8,}|[a-z]+_[a-z]+", rest[0]):
                raise HavenError(f"-resume {rest[0]}: with --input each row has a run of its own; "
                                 "give -resume alone")
        elif word == "-name":
            raise HavenError("-name names one run: leave it out with --input, whose rows are runs")
        elif word in ("-w", "-work-dir") and rest:
            work = rest.pop(0).rstrip("/")
        elif word in WITH_VALUE and rest:
            options += [word, rest.pop(0)]
        else:
            options.append(word)
    if file is not None and not file.is_file():
        raise HavenError(f"-params-file {file} does not exist: check the path")
    place = Path(outdir or _file(file).get("outdir") or "results")
    return Launch(tuple(options), place, work, resume, file)


def words_of(command_line: str, project: str) -> tuple[list[str], list[str]]:
    """Return the words of a call of Nextflow that hold for the rows' runs, too.

    Parameters
    ----------
    command_line
        ``nextflow ... run main.nf ...``, quoted as for a shell.
    project
        Nextflow's name of the pipeline, as in ``nextflow run owner/haven``.

    Returns
    -------
    top
        Nextflow's own options, without its log and whether it runs in the background.
    words
        Options of ``nextflow run``, without those that choose the pipeline's version: the rows
        run the files that this one runs.

    Raises
    ------
    HavenError
        If the pipeline is not named in the command line.
    """
    words = shlex.split(command_line)
    start = words.index("run") if "run" in words else len(words)
    named = next((place for place in range(start + 1, len(words))
                  if _is_pipeline(words[place], project)), None)
    if named is None:
        raise HavenError(f"it can't be seen how this run was started ({command_line}): give the "
                         "same options to ./haven run")
    top = _without(words[1:start], ("-log",), ("-bg",))
    return top, _without([*words[start + 1:named], *words[named + 1:]], OF_PROJECT, ("-latest",))


def _is_pipeline(word: str, project: str) -> bool:
    """Return whether a word is this pipeline: its folder, its file, or its name."""
    name = project.rpartition("/")[2]
    return (Path(word).resolve() in (ROOT, ROOT / "main.nf")
            or word.removesuffix(".git").rpartition("/")[2] == name)


def _without(words: Sequence[str], valued: Sequence[str], alone: Sequence[str]) -> list[str]:
    """Return words without some options, and without the values that the first of them have."""
    kept, rest = list[str](), list(words)
    while rest:
        word = rest.pop(0)
        if word in valued:
            del rest[:1]
        elif word not in alone:
            kept.append(word)
    return kept


def read_sheet(path: str | Path, launch: Launch) -> list[Row]:
    """Return the rows of a sheet; all that is wrong with any of them is said at once.

    Parameters
    ----------
    path
        CSV with a header: ``material``, and any other parameters of the pipeline; ``name`` is that
        of the results folder, the material file's if not given. Empty cells are not given. Paths
        are from the folder where the run is launched, as on the command line.
    launch
        What holds for all rows.

    Raises
    ------
    HavenError
        In one line, with the number of every wrong line.
    """
    rules = _rules()
    header, lines = _lines(Path(path))
    wrong = _wrong_header(header, rules, launch)
    if wrong:
        raise HavenError(f"--input {path}: {'; '.join(wrong)}")
    rows, seen = [], dict[str, int]()
    for number, cells in lines:
        said = dict(zip(header, cells, strict=False))
        given = {name: text for name, text in said.items() if text and name != "name"}
        name = said.get("name") or Path(given.get("material", "")).stem
        mistakes = _mistakes(name, given, rules, launch, len(cells) > len(header))
        if name.lower() in seen:
            mistakes.append(f"its name {name} is that of line {seen[name.lower()]}: give each row "
                            "a name of its own")
        seen.setdefault(name.lower(), number)
        wrong += [f"line {number}: {', '.join(mistakes)}"] if mistakes else []
        rows.append(Row(name, number, given))
    if wrong:
        count = f"{len(wrong)} of {len(rows)} rows {'is' if len(wrong) == 1 else 'are'} wrong"
        raise HavenError(f"--input {path}: {count}: {'; '.join(wrong)}")
    return rows


def _rules() -> dict[str, dict[str, Any]]:
    schema = json.loads((ROOT / "nextflow_schema.json").read_text(encoding="utf-8"))
    return {name: rule for group in schema["$defs"].values()
            for name, rule in group["properties"].items()}


def _lines(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return the header, and number and cells of each line that holds any."""
    if not path.is_file():
        raise HavenError(f"--input {path} is no file: give a sheet (CSV) with a column material")
    if path.stat().st_size > LARGEST_BYTES:
        raise HavenError(f"--input {path} has over a megabyte: is it another file?")
    head = path.read_bytes()[:8]
    if head.startswith(WORKBOOKS):
        raise HavenError(f"--input {path} is a workbook or a packed file: save the sheet as CSV "
                         "(in Excel: CSV UTF-8)")
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.reader(stream, strict=True)
            found = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except UnicodeDecodeError as error:
        raise HavenError(f"--input {path} is no text in UTF-8 (byte {error.start}): save it as CSV "
                         "UTF-8") from error
    except csv.Error as error:
        raise HavenError(f"--input {path} is no CSV: {error}") from error
    found = [(number, cells) for number, cells in found if any(cells)]
    first = " ".join(found[0][1]) if found else ""
    mark = next((mark for mark in (";", "\t") if mark in first and len(found[0][1]) == 1), None)
    if re.match("sep=", first):
        raise HavenError(f"--input {path} begins with a line {first}, which Excel alone knows: "
                         "leave it out, and separate columns by commas")
    if mark:
        raise HavenError(f"--input {path} has {SEPARATORS[mark]} between its columns: separate "
                         "them by commas, and write decimal points")
    if len(found) < 2:
        raise HavenError(f"--input {path} has no rows: give a header and a line for each material")
    if len(found) > MOST_ROWS + 1:
        raise HavenError(f"--input {path} has {len(found) - 1} rows, of at most {MOST_ROWS}")
    return found[0][1], found[1:]


def _wrong_header(
    header: Sequence[str], rules: Mapping[str, Any], launch: Launch
) -> list[str]:
    wrong = []
    if "material" not in header:
        wrong.append("it has no column material: its first line names the columns, with commas "
                     "between")
    for name in dict.fromkeys(header):
        if header.count(name) > 1:
            wrong.append(f"column {name or '(without a name)'} stands twice")
        elif name != "name" and (name not in rules or name in NOT_COLUMNS):
            wrong.append(f"column {name or '(without a name)'} is no parameter that a row may "
                         "have: ./haven run --help lists them")
        elif name in launch.parameters:
            wrong.append(f"--{name} is both an option and a column: leave one out")
    return wrong


def _mistakes(
    name: str, given: Mapping[str, str], rules: Mapping[str, dict[str, Any]], launch: Launch,
    more: bool,
) -> list[str]:
    """Return what is wrong with a row: its values, its files, its material, its potentials."""
    found = ["it has more cells than the header: quote what holds commas"] if more else []
    if "material" not in given:
        return [*found, "it names no material"]
    if not re.fullmatch(WORD, name) or len(name) > LONGEST_NAME:
        shown = name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}..."
        found.append(f"its name '{shown}' is no plain word: give up to {LONGEST_NAME} letters, "
                     "digits, _ . + -")
    if re.match(r"compare\.", name):
        found.append(f"its name {name} is that of a file beside the rows' folders: give another")
    for column, text in given.items():
        why = _why(text, rules[column])
        found += [f"{column} is {text}: {why}"] if why else []
    if found:
        return found
    try:
        material = load_material(given["material"])
        del material
    except HavenError as error:
        found.append(str(error))
    every = launch.parameters | dict(given)
    return [*found, *_wrong_models(every), *_no_source(every, launch)]


def _why(text: str, rule: Mapping[str, Any]) -> str:
    """Return why a text is no value of a parameter; nothing if it is."""
    from jsonschema import Draft202012Validator

    value = _typed(text, rule)
    errors = sorted(Draft202012Validator(dict(rule)).iter_errors(value), key=lambda e: e.message)
    if errors:
        unit = f" (in {rule['unit']})" if rule.get("unit") else ""
        return f"{' '.join(errors[0].message.split())[:200]}{unit}"
    inner = rule.get("items") or {}
    form = rule.get("format") or inner.get("format")
    missing = [one for one in (value if isinstance(value, list) else [value])
               if form and not Path(str(one)).exists()]
    return f"{missing[0]} does not exist" if missing else ""


def _typed(text: str, rule: Mapping[str, Any]) -> Any:
    """Return a cell as JSON has it: a number, true or false, a list, or text."""
    kinds = [rule["type"]] if isinstance(rule["type"], str) else list(rule["type"])
    if "array" in kinds:
        items = re.findall(r"[^,\[\]]+|\[[^\[\]]*\]", text) if "[" in text else text.split(",")
        return [_typed(item.strip(), rule["items"]) for item in items]
    if kinds == ["boolean"]:
        return {"true": True, "false": False}.get(text, text)
    if "integer" in kinds and re.fullmatch(WHOLE, text):
        return int(text)
    if "number" in kinds and re.fullmatch(NUMBER, text):
        return float(text)
    return text


def _wrong_models(given: Mapping[str, str]) -> list[str]:
    """Return the values of U for which a folder of potentials has none."""
    folder = given.get("models")
    if not folder:
        return []
    if given.get("pretrained") == "true":
        return ["models and pretrained are both given: choose one"]
    if given.get("trajectories"):
        return []
    found = {float(match.group(1)) for path in Path(folder).iterdir()
             if (match := MODEL.fullmatch(path.name))}
    wanted = [float(u) for u in given.get("u_ev", _default("u_ev")).strip("[]").split(",")]
    lacks = [f"{u:g}" for u in wanted if u not in found]
    return [f"models {folder} has no potential for U = {', '.join(lacks)} eV: name them u4_s1.pb"
            ] if lacks else []


def _default(name: str) -> str:
    return str(_rules()[name]["default"])


def _no_source(given: Mapping[str, str], launch: Launch) -> list[str]:
    """Return why a row has nothing to train on, where that can be said."""
    if any(given.get(name) not in (None, "", "false")
           for name in ("frames", "models", "pretrained", "trajectories", "label")):
        return []
    words = launch.options
    profile = next((words[i + 1] for i, word in enumerate(words[:-1]) if word == "-profile"), "")
    if launch.file or {"-c", "-config"} & set(words) or "label" in profile.split(","):
        return []  # they may give frames
    name = Path(given["material"]).stem
    if (ROOT / "assets" / "frames" / name).is_dir():
        return []
    return [f"frames is missing, and none of {name} are shipped: name a folder of labelled frames, "
            "models, or label true"]


def end_with(parent: int) -> None:
    """End this process as SIGTERM does once it is no longer the child of a process.

    Parameters
    ----------
    parent
        That process, which may be killed without a chance to end its children.
    """
    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCH_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def _with_parent(words: list[str]) -> list[str]:
    """Return a command that ends with this process, however that ends; on Linux only."""
    if not sys.platform.startswith("linux"):
        return words
    return [sys.executable, "-I", "-c", WITH_PARENT, str(os.getpid()), *words]


def run_rows(
    rows: Sequence[Row], launch: Launch, top: Sequence[str], at_once: int
) -> list[tuple[Row, int]]:
    """Run the pipeline for each row; return the rows with their exit statuses.

    Parameters
    ----------
    rows
        What to run.
    launch
        What holds for all of them.
    top
        Nextflow's own options, before its command.
    at_once
        Rows that run at a time; from two on, what a run says goes to ``launch.log`` in its folder.
    """
    children: list[subprocess.Popen[bytes]] = []
    stopped = threading.Event()
    # The rows' runs have a history and a cache of their own: -resume of a run of main.nf with a
    # sheet would else take a row's session for its own, and hold it.
    records = Path(os.environ.get("NXF_CACHE_DIR") or ".nextflow") / "materials"
    surroundings = os.environ | {"NXF_CACHE_DIR": str(records)}

    def stop(number: int, _frame: object) -> None:
        stopped.set()  # rows that wait for their turn have none
        for child in children:
            child.terminate()
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, stop)

    def wait(child: subprocess.Popen[bytes]) -> int:
        children.append(child)
        if stopped.is_set():
            child.terminate()
        return child.wait()

    def one(row: Row) -> int:
        if stopped.is_set():
            return 128 + signal.SIGTERM
        place = launch.outdir / row.name / "pipeline"
        place.mkdir(parents=True, exist_ok=True)
        words = _with_parent(command(row, launch, top, place, records / "history"))
        log.info("%s (line %d): %s", row.name, row.line, place.parent)
        if at_once == 1:
            return wait(subprocess.Popen(words, env=surroundings))
        with (place / "launch.log").open("ab") as said:
            status = wait(subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=said,
                                           stderr=subprocess.STDOUT, env=surroundings))
        log.info("%s: %s", row.name, "done" if status == 0 else
                 f"status {status}, see {place / 'launch.log'}")
        return status

    with ThreadPoolExecutor(at_once) as pool:
        return list(zip(rows, pool.map(one, rows), strict=True))


def command(
    row: Row, launch: Launch, top: Sequence[str], place: Path, history: Path
) -> list[str]:
    """Return the command line of a row's run, whose parameters are written to a file.

    Parameters
    ----------
    row, launch, top
        As for `run_rows`.
    place
        Folder for the file of parameters.
    history
        Nextflow's own, which says what session the row's last run was of.
    """
    given = {name: value for name, value in _file(launch.file).items() if name != "at_once"}
    # whatever file of settings names a sheet: a row is no sheet
    given |= {**row.given, "outdir": str(launch.outdir / row.name), "input": None}
    file = place / "launch.json"
    file.write_text(json.dumps(given, indent=1) + "\n", encoding="utf-8")
    word = re.sub(r"[^a-z0-9]+", "", row.name.lower())[:20]
    mark = hashlib.sha256(str((launch.outdir / row.name).resolve()).encode()).hexdigest()[:10]
    stem = f"m{word}-{mark}"
    session = _session(history, stem) if launch.resume else ""
    own = [] if "-log" in top else ["-log", str(place / "nextflow.log")]
    return ["nextflow", *top, *own, "run", str(ROOT / "main.nf"), *launch.options, "-params-file",
            str(file), "-work-dir", f"{launch.work}/{row.name}",
            "-name", f"{stem}-{time.time_ns() // 1_000_000}",
            *(["-resume", session] if session else [])]


def _file(path: Path | None) -> dict[str, Any]:
    """Return the user's own file of parameters."""
    if path is None:
        return {}
    import yaml

    try:
        held = yaml.safe_load(path.read_text(encoding="utf-8"))  # JSON is YAML
    except yaml.YAMLError as error:
        raise HavenError(f"-params-file {path} is neither YAML nor JSON: "
                         f"{' '.join(str(error).split())}") from error
    if not isinstance(held, dict):
        raise HavenError(f"-params-file {path} holds no parameters: give name: value")
    return held


def _session(history: Path, stem: str) -> str:
    """Return the session of the last run whose name begins so; empty where there is none."""
    if not history.exists():
        return ""
    lines = [line.split("\t") for line in history.read_text(encoding="utf-8").splitlines()]
    found = [cells[5] for cells in lines if len(cells) > 6 and cells[2].startswith(f"{stem}-")]
    return found[-1] if found else ""


def compared(done: Sequence[tuple[Row, int]], outdir: Path) -> None:
    """Put the rows that have results into one page, where there are two or more."""
    folders = [str(outdir / row.name) for row, status in done
               if status == 0 and (outdir / row.name / "report.html").exists()]
    if len(folders) < 2:
        return
    ended = subprocess.run([sys.executable, str(ROOT / "bin" / "compare_studies.py"), *folders,
                            "--out", str(outdir)], check=False, capture_output=True, text=True)
    if ended.returncode == 0:
        log.info("all of them in one page: %s", outdir / "compare.html")
    else:
        log.warning("no page of all of them: %s", ended.stderr.strip().splitlines()[-1:])
