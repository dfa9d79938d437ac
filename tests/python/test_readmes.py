"""What READMEs name is there: files of the repository, tests, scripts, commands and options."""

import re
import subprocess

import pytest
from imports import BIN

ROOT = BIN.parent
HISTORY = {"CHANGELOG.md"}  # names files of earlier versions, too
OTHERS = {"cli/types.py",  # of a project that bin/haven/README.md compares Haven with
          "fakeroot"}  # an option of Apptainer
TO_WRITE = re.compile(r"NAME|(^|[/_])x(?=[./])|^my_|^make_trajectory\.py$")  # by the reader
CODE = re.compile(r"[\w./+-]+\.(py|nf|config|def|sh|j2|nf\.test)(::\w+)?")
READMES = [path for path in subprocess.run(
    ["git", "ls-files", "*.md"], cwd=ROOT, check=True, capture_output=True, text=True,
).stdout.split() if path not in HISTORY]


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"],
                            cwd=ROOT, check=True, capture_output=True, text=True)
    return [f"/{path}" for path in listed.stdout.split("\n") if path and (ROOT / path).exists()]


@pytest.fixture(scope="module")
def words_of_code() -> set[str]:
    """Return every word of the launcher, the schema and all Python code, options among them."""
    files = [ROOT / "haven", ROOT / "nextflow_schema.json", *BIN.rglob("*.py"),
             *(ROOT / "tests").rglob("*.py")]
    return {word for path in files for word in re.findall(r"\w+", path.read_text())}


def spans(name: str) -> list[str]:
    """Return what stands between backticks, and the words of blocks of code."""
    text = (ROOT / name).read_text(encoding="utf-8")
    blocks = re.findall(r"```.*?\n(.*?)```", text, re.S)
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.S))
    return [word for part in (*blocks, *inline) for word in part.split()]


@pytest.mark.parametrize("name", READMES)
def test_code_that_a_readme_names_is_there(name, tracked):
    named = {word.strip("(),;:\"'").removeprefix("./").removeprefix("../") for word in spans(name)}
    wrong = set()
    for word in named - OTHERS:
        if not CODE.fullmatch(word) or TO_WRITE.search(word):
            continue
        path, _, test = word.partition("::")
        found = [place for place in tracked if place.endswith(f"/{path}")]
        if not found or (test and not any(f"def {test}(" in (ROOT / place[1:]).read_text()
                                         for place in found)):
            wrong.add(word)
    assert not wrong


@pytest.mark.parametrize("name", READMES)
def test_commands_and_options_that_a_readme_names_are_there(name, words_of_code):
    text = (ROOT / name).read_text(encoding="utf-8")
    known = re.search(r"(?m)^commands='(.*)'$", (ROOT / "haven").read_text())
    assert known
    assert set(re.findall(r"\./haven ([a-z]+)", text)) <= set(known.group(1).split())
    options = set(re.findall(r"(?<![\w-])--([a-z][a-z_0-9]+)\b(?!-)", text))
    assert options <= words_of_code | OTHERS
