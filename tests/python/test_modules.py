"""Each process's meta.yml says what its main.nf takes and gives."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

MODULES = sorted((Path(__file__).resolve().parents[2] / "modules").glob("*/main.nf"))


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
