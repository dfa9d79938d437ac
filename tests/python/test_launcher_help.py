"""Help of every command on a machine where nothing is set up, and scripts without packages."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from haven.core.errors import HavenError
from haven.core.nextflow.help_text import help_text, profiles, values, values_of

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted(path.name for path in (ROOT / "bin").glob("*.py"))
COMMANDS = re.findall(r"^\./haven ([a-z]+)", subprocess.run(
    [str(ROOT / "haven")], capture_output=True, text=True, check=True).stdout, re.MULTILINE)
TOOLS = ("bash", "cut", "dirname", "env", "getent", "id", "readlink", "sed", "tr", "cat")


@pytest.fixture
def fresh(tmp_path: Path) -> dict[str, str]:
    """A machine with Python's standard library, no Java and no Nextflow, and an empty cache."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in TOOLS:
        (tools / tool).symlink_to(str(shutil.which(tool)))
    (tools / "python3").write_text(
        f'#!{shutil.which("bash")}\nexec {sys.executable} -S -E "$@"\n')
    (tools / "python3").chmod(0o755)
    return {"PATH": str(tools), "HAVEN_CACHE": str(tmp_path / "cache"), "HOME": str(tmp_path)}


def call(fresh: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(ROOT / "haven"), *words], env=fresh, text=True, capture_output=True,
                          check=False, stdin=subprocess.DEVNULL, timeout=120)


@pytest.mark.parametrize("word", ["--help", "-h"])
@pytest.mark.parametrize("command", sorted(set(COMMANDS)))
def test_a_command_tells_its_options_before_anything_is_set_up(fresh, command, word) -> None:
    done = call(fresh, command, word)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout) > 40 and not Path(fresh["HAVEN_CACHE"]).exists()
    assert call(fresh, "help", command).stdout == done.stdout
    if command in ("run", "demo"):
        assert "--temperatures_k" in done.stdout and "-resume" in done.stdout


def test_help_waits_for_no_other_set_up(fresh) -> None:
    cache = Path(fresh["HAVEN_CACHE"])
    cache.mkdir()
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for command in ("run", "demo", "compare", "transport"):
            assert call(fresh, command, "--help").returncode == 0
    assert [path.name for path in cache.iterdir()] == ["lock"]


def test_what_help_needs_and_lacks_is_said_in_one_line(fresh) -> None:
    (Path(fresh["PATH"]) / "python3").unlink()
    for command in ("run", "demo", "compare"):
        done = call(fresh, command, "--help")
        assert done.returncode == 2 and not done.stdout
        assert done.stderr == ("haven: error: Python 3.11, 3.12 or 3.13, which tells the options "
                               f"of '{command}', is missing: sudo apt-get install python3\n")
    assert "Nextflow" in call(fresh, "--help").stdout


def test_help_tells_what_holds_with_a_profile(fresh) -> None:
    def told(*words: str) -> str:
        done = call(fresh, *words)
        assert done.returncode == 0, done.stderr
        return next(line for line in done.stdout.splitlines() if line.startswith("  --ensemble "))

    assert told("run", "--help").endswith("[1]")
    assert told("demo", "--help").endswith("[2]")
    assert told("run", "-profile", "slurm,paper", "--help").endswith("[4]")
    wrong = call(fresh, "run", "-profile", "papr", "--help")
    assert wrong.returncode == 2 and "there is no profile 'papr'" in wrong.stderr
    assert len(wrong.stderr.splitlines()) == 1
    mine = call(fresh, "-c", "my.config", "run", "-profile", "papr", "--help")
    assert mine.returncode == 0 and "What a file of -c sets is not shown" in mine.stdout


def test_every_parameter_that_a_profile_sets_is_read() -> None:
    """Held against a count of lines: Nextflow's own reading is in pipeline/test_help.py."""
    for name, files in profiles(ROOT).items():
        for file in files:
            text = (ROOT / file).read_text()
            block = text.split("params {\n")[1].split("\n}")[0] if "params {\n" in text else ""
            lines = [line for line in block.splitlines() if " = " in line.split("//")[0]]
            lines += re.findall(r"^params\.\w+ = ", text, re.MULTILINE)
            assert len(values_of(ROOT / file, ROOT)) == len(lines), (name, file)
    assert values(ROOT, ["paper"])["supercell"] == "[10, 10, 10]"
    assert values(ROOT, ["paper"])["frames"] == "-"
    with pytest.raises(HavenError, match="there is no profile 'x': the profiles are standard, "):
        help_text(ROOT, ["-profile", "test,x"])


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_without_packages_helps_or_says_in_one_line_what_is_missing(script) -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-E", str(ROOT / "bin" / script), "--help"], text=True,
        capture_output=True, check=False, timeout=120,
        env={key: value for key, value in os.environ.items() if key != "HAVEN_LOG"})
    if done.returncode == 0:
        assert done.stdout.startswith("usage: ") and not done.stderr
    else:
        assert done.returncode == 2 and not done.stdout
        assert re.fullmatch(r"haven: error: Python has no package \w+: call it by \./haven.*\n",
                            done.stderr), done.stderr
