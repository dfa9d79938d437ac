"""Each process's meta.yml says what its main.nf takes and gives."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "modules").glob("*/main.nf"))


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.parent.name)
def test_the_description_of_a_module_lists_its_inputs_and_outputs(module: Path) -> None:
    text = re.sub(r"//.*", "", module.read_text())
    taken, given = re.search(r"input:\n(.*?)\n    output:\n(.*?)\n    script:", text, re.S).groups()
    about = yaml.safe_load((module.parent / "meta.yml").read_text())
    assert about["name"] == module.parent.name
    inputs = re.findall(r"(?:val|path)[ (](\w+)", taken)
    assert [next(iter(entry)) for entry in about["input"]] == inputs
    outputs = re.findall(r"emit: (\w+)", given)
    assert [next(iter(entry)) for entry in about["output"]] == [*outputs, "versions"]
    optional = {next(iter(entry)) for entry in about["output"]
                if next(iter(entry.values())).get("optional")}
    assert optional == {re.search(r"emit: (\w+)", line)[1] for line in given.splitlines()
                        if "optional: true" in line and "topic: published" not in line}
    for entry in [*about["input"], *about["output"]]:
        assert next(iter(entry.values()))["description"].strip()


def blocks(text: str) -> dict[str, set[str]]:
    """Return what each block of a label or name sets in a file of settings, by selector."""
    found: dict[str, set[str]] = {}
    for head in re.finditer(r"^ *(with(?:Label|Name): *(?:'[^']*'|\w+)) *\{", text, re.M):
        depth, end = 1, head.end()
        while depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        inside = re.sub(r"(?m)//.*$", "", text[head.end(): end])
        keys = set(re.findall(r"(?m)(?:^|\{) *([\w.]+) *=(?!=)", inside))
        found.setdefault(head[1].replace(" ", "").replace("'", ""), set()).update(keys)
    return found


def test_what_a_profile_s_block_replaces_it_sets_itself() -> None:
    """Nextflow before 25.10 drops a block that a profile of nextflow.config has, too."""
    always = ("base", "options", "modules")
    ours: dict[str, set[str]] = {}
    for name in always:
        for selector, keys in blocks((ROOT / "conf" / f"{name}.config").read_text()).items():
            ours.setdefault(selector, set()).update(keys)
    assert ours["withLabel:process_low"] == {"ext.memory", "ext.time"}
    assert ours["withName:RUN_DYNAMICS"] >= {"ext.options", "ext.time", "publishDir"}
    both = 0
    for path in sorted((ROOT / "conf").glob("*.config")):
        if path.stem not in always:
            for selector, keys in blocks(path.read_text()).items():
                lost = ours.get(selector, set()) - keys
                assert not lost, f"{path.name}: {selector} takes {', '.join(lost)} away"
                both += selector in ours
    assert both  # slurm's block of process_fan_out is one


def test_processes_that_publish_tell_the_names_of_their_files() -> None:
    """The record of a run names its files, so that those of earlier runs are known."""
    settings = (ROOT / "conf" / "modules.config").read_text()
    places = {part for selector, keys in blocks(settings).items() if "publishDir" in keys
              for part in selector.removeprefix("withName:").split("|")}
    silent = set(re.search(r"def unpublished\(\) \{ \[([^\]]*)\] \}",
                           (ROOT / "modules" / "records.nf").read_text())[1]
                 .replace("'", "").split(", "))
    assert silent == {part for block in re.findall(
        r"withName: '?([\w|]+)'? \{(?:(?!withName)[^}])*?publishDir = \[enabled: false\]",
        re.sub(r"ext\.fixed *= \{[^}]*\}", "", settings)) for part in block.split("|")}
    told = {path.parent.name.upper() for path in MODULES if "topic: published" in path.read_text()}
    assert told == places - silent
    assert settings.count("publishDir = [path") + settings.count("publishDir = [[path") == len(
        re.findall(r"publishDir = \[\[?path[^\n]*overwrite: 'standard'", settings))


def test_examples_of_clouds_name_the_images_of_this_version() -> None:
    version = re.search(r"version +. '([\d.]+)'", (ROOT / "nextflow.config").read_text())[1]
    for site in ("aws_batch", "google_batch", "kubernetes"):
        text = (ROOT / "conf" / "site" / f"{site}.config").read_text()
        images = re.findall(r"container *= \"\$\{params.registry\}/(\S+)\"", text)
        assert images == [f"{name}:{version}" for name in ("haven-cpu", "gpaw", "haven-gpu")]


def test_no_script_is_given_an_option_twice() -> None:
    """By its module and by its parameters; where a run has its own value, the module takes it."""
    text = (ROOT / "conf" / "options.config").read_text()
    passed = {name: set(re.findall(r"'(\w+)'", listed)) for name, listed in re.findall(
        r"withName: (\w+) \{\s*ext\.options = \[(.*?)\]", text, re.S)}
    assert len(passed) > 15
    for module in MODULES:
        script = re.search(r"script:(.*?)(?:stub:|\Z)", module.read_text(), re.S)[1]
        told = re.findall(r"(?<!/)--(\w+)", script)
        own = set(re.findall(r"replaceAll\(/--(\w+) ", script))
        both = (passed.get(module.parent.name.upper(), set()) & set(told)) - own
        assert not both, f"{module}: {both}"
        assert len(told) == len(set(told)), module


def test_lines_of_nextflow_are_short_enough_to_be_read() -> None:
    files = [ROOT / "main.nf", ROOT / "nextflow.config",
             *(path for folder in ("modules", "conf") for ending in ("nf", "config", "test")
               for path in (ROOT / folder).rglob(f"*.{ending}"))]
    assert len(files) > 80
    long = [f"{path.relative_to(ROOT)}:{number}" for path in files
            for number, line in enumerate(path.read_text().splitlines(), 1) if len(line) > 160]
    assert not long, long
