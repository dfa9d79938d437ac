"""Parameters are declared once, in the configuration and in the schema alike, and used by name."""

from __future__ import annotations

import json
import re
from pathlib import Path


def declared(repository: Path) -> list[str]:
    text = (repository / "nextflow.config").read_text()
    block = text[text.index("params {") : text.index("\n}")]
    return re.findall(r"^    (\w+)\s*=", block, re.M)


def of_profile(path: Path) -> set[str]:
    """Return the parameters that a configuration beside the main one sets."""
    block = path.read_text().partition("params {")[2].partition("\n}")[0]
    return set(re.findall(r"^    (\w+)\s*=", block, re.M))


def of_sites(repository: Path) -> set[str]:
    return set().union(*map(of_profile, (repository / "conf" / "site").glob("*.config")))


def groups(repository: Path) -> dict[str, dict]:
    return json.loads((repository / "nextflow_schema.json").read_text())["$defs"]


def test_no_parameter_is_declared_twice(repository):
    names = declared(repository)
    assert len(names) > 40 and len(names) == len(set(names))
    described = [name for group in groups(repository).values() for name in group["properties"]]
    assert len(described) == len(set(described))


def test_configuration_and_schema_have_the_same_parameters(repository):
    described = {name for group in groups(repository).values() for name in group["properties"]}
    assert set(declared(repository)) | of_sites(repository) == described


def test_every_parameter_is_described_and_every_used_one_declared(repository):
    for group in groups(repository).values():
        for name, rule in group["properties"].items():
            assert rule.get("description") and rule.get("type"), name
    files = [repository / "main.nf", repository / "nextflow.config",
             *(repository / "conf").rglob("*.config"), *(repository / "modules").rglob("*.nf")]
    used = {name for path in files for name in re.findall(r"\bparams\.(\w+)", path.read_text())}
    known = set(declared(repository)) | of_sites(repository)
    assert used <= known
    for path in (repository / "conf").glob("*.config"):
        assert of_profile(path) <= known, path


def test_only_the_entry_workflow_reads_parameters(repository):
    for path in (repository / "modules").rglob("*.nf"):
        assert not re.search(r"\bparams\.\w", path.read_text()), path
