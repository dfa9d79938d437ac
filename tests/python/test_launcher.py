"""The launcher and the locked software it installs."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

LAYERS = ("run", "label", "test")
TOOLS = (  # enough for the launcher itself, and nothing of what it looks for
    "bash", "cat", "cut", "df", "dirname", "du", "env", "flock", "grep", "head", "mkdir",
    "readlink", "sed", "sha256sum", "sort", "tail", "tr", "uname", "xargs",
)  # fmt: skip


def launch(repository: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(repository / "haven"), *arguments], text=True, capture_output=True, check=False,
        stdin=subprocess.DEVNULL, env=os.environ | variables, timeout=120,
    )  # fmt: skip


@pytest.fixture
def bare(tmp_path: Path) -> str:
    """A PATH without Java, Python, Maven and compilers."""
    for tool in TOOLS:
        (tmp_path / tool).symlink_to(str(shutil.which(tool)))
    return str(tmp_path)


def pins(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==(\S+)", lock.read_text(), re.MULTILINE))


def test_no_command_prints_the_usage_and_a_wrong_one_is_refused(repository: Path) -> None:
    assert "./haven demo" in launch(repository).stdout
    wrong = launch(repository, "dmeo")
    assert wrong.returncode == 2
    assert "there is no command 'dmeo'" in wrong.stderr


@pytest.mark.parametrize(("word", "meant"), [
    ("dmeo", "demo"), ("trasport", "transport"), ("Status", "status"), ("pubish", "publish"),
    ("setpu", "setup"), ("docter", "doctor")])
def test_the_command_that_was_meant_is_named(repository: Path, word: str, meant: str) -> None:
    last = launch(repository, word).stderr.splitlines()[-1]
    assert last == f"haven: error: there is no command '{word}': did you mean {meant}?"


@pytest.mark.parametrize("word", ["xyzzy", "'; exit 0", "--frobnicate"])
def test_no_command_is_named_that_was_not_meant(
    repository: Path, bare: str, word: str
) -> None:
    for variables in ({}, {"PATH": bare}):  # without Python, nothing is proposed
        done = launch(repository, word, **variables)
        assert done.returncode == 2
        assert done.stderr.splitlines()[-1] == f"haven: error: there is no command '{word}'"


@pytest.mark.parametrize("word", ["--version", "version", "-v", "-version"])
def test_the_version_is_that_of_the_manifest(repository: Path, bare: str, word: str) -> None:
    from haven import __version__

    assert launch(repository, word, PATH=bare).stdout.splitlines() == [f"haven {__version__}"]


def test_every_command_that_has_a_script_hands_over_to_it(repository: Path) -> None:
    text = (repository / "haven").read_text()
    listed = re.search(r"^commands='(.*)'$", text, re.MULTILINE)
    assert listed is not None
    scripts = dict(re.findall(r"\[(\w+)\]=(\w+)", text))
    assert set(scripts) < set(listed[1].split())
    for script in scripts.values():
        assert (repository / "bin" / f"{script}.py").is_file()
    for name in listed[1].split():
        assert f"./haven {name}" in launch(repository, "help").stdout or name == "help"


@pytest.mark.parametrize("arguments", [
    ("setup", "--lables"), ("setup", "--labels", "--lables"), ("test", "--lables"),
    ("doctor", "--lables"),
])
def test_what_a_command_does_not_take_is_refused_before_anything_is_set_up(
    repository: Path, bare: str, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    done = launch(repository, *arguments, PATH=bare, HAVEN_CACHE=str(tmp_path / "cache"))
    assert done.returncode == 2 and not done.stdout
    assert done.stderr.startswith(f"haven: error: {arguments[0]} takes no '--lables'")
    assert len(done.stderr.splitlines()) == 1 and not (tmp_path / "cache").exists()


def test_setup_names_the_missing_package_in_one_line(
    repository: Path, bare: str, tmp_path: Path
) -> None:
    done = launch(repository, "setup", PATH=bare, JAVA_HOME="", HAVEN_CACHE=str(tmp_path / "cache"))
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "haven: error: Java 17 or later is missing: sudo apt-get install default-jre-headless"
    ]


def test_doctor_fails_where_something_needed_is_missing(repository: Path, bare: str) -> None:
    done = launch(repository, "doctor", PATH=bare, JAVA_HOME="")
    assert done.returncode == 1
    for name in ("Python", "Java", "Maven", "git", "procps"):
        assert re.search(rf"^{name} +not found: .*apt-get install", done.stdout, re.MULTILINE), name


def test_doctor_says_the_same_as_json(repository: Path, bare: str, tmp_path: Path) -> None:
    odd = tmp_path / 'a "b" \\ c'
    place = {"PATH": bare, "JAVA_HOME": "", "HAVEN_CACHE": str(odd)}
    text, done = launch(repository, "doctor", **place), launch(repository, "doctor", "--json",
                                                               **place)
    assert done.returncode == 1
    held = json.loads(done.stdout)
    assert list(held) == ["haven_version", "ok", "missing", "checks"] and held["ok"] is False
    assert all(list(one) == ["name", "needed", "found", "value", "advice"]
               for one in held["checks"])
    lines = text.stdout.splitlines()
    assert len(lines) == len(held["checks"])
    for one, line in zip(held["checks"], lines, strict=True):
        assert line == (f"{one['name']:<14} {one['value']}" if one["found"]
                        else f"{one['name']:<14} not found: {one['advice']}")
    by_name = {one["name"]: one for one in held["checks"]}
    assert by_name["Java"]["needed"] and not by_name["Java"]["found"]
    assert not by_name["GPU"]["needed"] and str(odd) in by_name["cache"]["advice"]
    assert held["missing"] == sum(one["needed"] and not one["found"] for one in held["checks"])
    assert launch(repository, "doctor", "--json", "more", PATH=bare).returncode == 2


def test_doctor_looks_at_the_disk_of_the_cache(
    repository: Path, bare: str, tmp_path: Path
) -> None:
    (tmp_path / "df").unlink()
    (tmp_path / "df").write_text(
        f"#!{shutil.which('bash')}\n[ \"${{!#}}\" = '{tmp_path}' ] && echo 3G || echo 99G\n")
    (tmp_path / "df").chmod(0o755)
    done = launch(repository, "doctor", PATH=bare, JAVA_HOME="",
                  HAVEN_CACHE=str(tmp_path / "not" / "there"))
    assert "only 3 GB free, 8 are needed: set HAVEN_CACHE" in done.stdout


def test_a_second_setup_installs_nothing(repository: Path) -> None:
    environment = Path(sys.prefix)
    if not list(environment.glob(".ready-run-*")):
        pytest.skip("pytest does not run in an environment that ./haven made")
    path = os.pathsep.join(
        folder for folder in os.environ["PATH"].split(os.pathsep) if "/python-" not in folder
    )
    done = launch(repository, "setup", "--labels", PATH=path, HAVEN_CACHE=str(environment.parent))
    assert done.returncode == 0
    assert "installing" not in done.stderr


@pytest.mark.parametrize("layer", LAYERS)
def test_every_package_is_pinned_with_its_hash_and_no_index(repository: Path, layer: str) -> None:
    text = (repository / "containers" / f"requirements-{layer}.txt").read_text()
    entries = [entry for entry in re.split(r"\n(?=\S)", text) if not entry.startswith("#")]
    assert len(entries) > 5
    for entry in entries:
        assert re.match(r"[\w.-]+==\S+", entry), entry
        assert "--hash=sha256:" in entry, entry
    assert not re.search(r"://|--(extra-)?index-url|--find-links", text)


def test_layers_agree_on_versions(repository: Path) -> None:
    run, label, test = (
        pins(repository / "containers" / f"requirements-{layer}.txt") for layer in LAYERS
    )
    for other in (label, test):
        shared = run.keys() & other.keys()
        assert "numpy" in shared
        assert {name: other[name] for name in shared} == {name: run[name] for name in shared}


def test_every_python_import_of_the_pipeline_is_locked(repository: Path) -> None:
    names = {"yaml": "pyyaml", "freud": "freud-analysis", "deepmd": "deepmd-kit",
             "fontTools": "fonttools"}
    locked = {*pins(repository / "containers/requirements-run.txt")}
    locked |= {*pins(repository / "containers/requirements-label.txt")}
    found: set[str] = set()
    for path in (repository / "bin").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.split(".")[0])
    # where the user has it: a reader of further formats
    optional = {"MDAnalysis", "llvmlite"}
    scripts = {path.stem for path in (repository / "bin").glob("*.py")}
    found -= {*sys.stdlib_module_names, "haven", *scripts, *optional}
    foreign = {names.get(name, name) for name in found}
    assert "numpy" in foreign
    assert foreign <= locked


def test_the_launcher_of_nextflow_opens_what_nextflow_s_own_opens(repository: Path) -> None:
    """Without java.nio.file.spi the plugins of S3, Google's and Azure's buckets can't start."""
    said = subprocess.run([repository / "containers" / "nextflow" / "nextflow", "-v"], text=True,
                          env=os.environ | {"JAVA_CMD": "/bin/echo"}, check=True,
                          stdout=subprocess.PIPE).stdout
    opened = set(re.findall(r"--add-opens=java\.base/([\w.]+)=ALL-UNNAMED", said))
    own = """java.lang java.io java.nio java.net java.util java.util.concurrent.locks
        java.util.concurrent.atomic java.nio.file.spi sun.nio.ch sun.nio.fs
        sun.net.www.protocol.http sun.net.www.protocol.https sun.net.www.protocol.ftp
        sun.net.www.protocol.file jdk.internal.misc jdk.internal.vm java.util.regex"""
    assert set(own.split()) <= opened
