"""What is given twice is refused in one line: of two, libraries keep the last without a word."""

from __future__ import annotations

import argparse
import dataclasses
import re
from pathlib import Path

import label_frames
import pytest
import run_dynamics

from haven.core.errors import HavenError
from haven.core.options import add_declared, option, parser
from haven.core.reading.entries import read_entries


@pytest.mark.parametrize(("name", "text", "words"), [
    ("a.yml", "u_ev: 0\nseed: 1\nu_ev: 4\n", "u_ev is given twice"),
    ("a.yaml", "u_ev: 0\n'u_ev': 4\n", "u_ev is given twice"),
    ("a.yml", "{u_ev: 0, u_ev: 4}\n", "u_ev is given twice"),
    ("a.yml", "charges:\n  Li: 1\n  Cl: -1\n  Li: 2\n", "Li is given twice"),
    ("a.yml", "a: [{b: 1, b: 2}]\n", "b is given twice"),
    ("a.json", '{"u_ev": 0,\n\t"u_ev": 4}', "u_ev is given twice"),
    ("a.json", '{"u_ev": 0, "u\\u005fev": 4}', "u_ev is given twice"),
    ("a.json", '{"charges": {"Li": 1, "Li": 2}}', "Li is given twice"),
    ("a.json", '{"u_ev": 0', "no JSON"), ("a.yml", "a: [1", "no YAML"),
    ("a.json", "\xff", "no text in UTF-8"), ("a.json", "[" * 100_000, "nested|makes sense"),
])
def test_an_entry_that_stands_twice_is_refused_in_one_line(tmp_path, name, text, words):
    path = tmp_path / name
    path.write_text(text, encoding="latin-1")
    with pytest.raises(HavenError, match=words) as caught:
        read_entries(path, "parameters")
    assert "\n" not in str(caught.value) and name in str(caught.value)


def test_what_stands_once_is_read(tmp_path):
    for name, text in (("a.yml", "x: {b: 1}\ny: {b: 2}\n"),
                       ("a.json", '{"x": {"b": 1},\n\t"y": {"b": 2}}')):
        (tmp_path / name).write_text(text)
        assert read_entries(tmp_path / name, "parameters") == {"x": {"b": 1}, "y": {"b": 2}}


def made() -> argparse.ArgumentParser:
    declared = dataclasses.make_dataclass("Declared", [
        ("count", int, option(1, "a number")), ("u_ev", tuple[float, ...], option((0.0,), "U")),
        ("quick", bool, option(False, "whether"))])
    options = parser("x")
    add_declared(options, declared)
    options.add_argument("--files", nargs="+", default=[])
    options.add_argument("--creator", action="append", default=[])
    options.add_argument("words", nargs="*")
    return options


@pytest.mark.parametrize("words", [
    ["--count", "1", "--count", "2"], ["--count=1", "--count=1"], ["--u_ev", "0", "--u_ev", "4"],
    ["--quick", "--quick", "false"], ["--files", "a", "b", "--files", "c"],
])
def test_an_option_given_twice_is_refused_by_name(words):
    with pytest.raises(HavenError, match=f"{words[0].partition('=')[0]} is given twice: give it"):
        made().parse_args(words)


def test_options_given_once_are_parsed_again_and_again():
    options = made()
    for count in (1, 2):
        found = options.parse_args(["--count", str(count), "--u_ev", "0,4", "--quick", "--creator",
                                    "a", "--creator", "b", "--files", "a", "b"])
        assert (found.count, found.u_ev, found.quick) == (count, (0.0, 4.0), True)
        assert found.creator == ["a", "b"] and found.files == ["a", "b"]


@pytest.mark.parametrize(("script", "name", "values"), [
    (label_frames, "u_ev", "14"), (label_frames, "functional", ("PBE", "RPBE")),
    (run_dynamics, "temperature_k", "12"), (run_dynamics, "production_ps", "12")])
def test_scripts_refuse_an_option_given_twice(script, name, values, capsys):
    with pytest.raises(HavenError, match=rf"--{name} is given twice"):
        script.main([f"--{name}", values[0], f"--{name}", values[1]])
    assert not capsys.readouterr().out


def test_every_script_parses_with_the_parser_that_refuses():
    folder = Path(label_frames.__file__).parent
    loose = [path.name for path in folder.rglob("*.py")
             if re.search(r"argparse\.ArgumentParser\(", path.read_text())]
    assert not loose, loose
