"""A sheet of many materials, one run of the pipeline a row: read and checked as a whole.

Every row is a run of its own, with a results and a work folder of its own, for runs of several
materials have the same names; ``-resume`` goes on with each where it stopped. Nothing starts while
any row is wrong.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from haven.core.errors import HavenError
from haven.core.options import NUMBER, WHOLE, WORD
from haven.material.file import load_material
from haven.report.several.command_line import ROOT, Launch

NOT_COLUMNS = ("input", "at_once", "outdir", "help", "publish_dir_mode", "checkpoint_dir",
               "checkpoint_minutes")
MODEL = re.compile(r"u([0-9.]+)_s[0-9]+\.(pb|pth|pt2|hlo|savedmodel|dp|pair|pt)")
MOST_ROWS = 1000
LARGEST_BYTES = 1 << 20
LONGEST_NAME = 100  # letters: it becomes folders
WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\x1f\x8b")  # .xlsx and .ods, .xls, .gz
SEPARATORS = {";": "semicolons", "\t": "tabs"}


@dataclass(frozen=True)
class Row:
    """One run: its name, the line of the sheet, and its parameters as text."""

    name: str
    line: int
    given: Mapping[str, str]


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
