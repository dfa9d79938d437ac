"""Packages import only downward, and the digests of tasks cover what their scripts import."""

import ast
import re

import pytest
from imports import BIN, LAYERS, imported, packages

SCRIPTS = sorted(BIN.glob("*.py"))


def declared() -> dict[str, list[str]]:
    text = (BIN.parent / "modules" / "digests.nf").read_text()
    rows = re.findall(r"^\s+(\w+)\s*: \[([^\]]*)\],$", text, re.M)
    return {name: re.findall(r"'(\w+)'", listed) for name, listed in rows}


def test_each_package_has_its_layer():
    assert {path.parent.name for path in (BIN / "haven").glob("*/__init__.py")} == set(LAYERS)


@pytest.mark.parametrize("layer", LAYERS)
def test_a_package_imports_none_above_it(layer):
    above = set(LAYERS[LAYERS.index(layer) + 1:])
    wrong = {f"{path.relative_to(BIN)} imports {module}"
             for path in (BIN / "haven" / layer).rglob("*.py") for module in imported(path)
             if module.split(".")[1] in above}
    assert not wrong


def test_nothing_outside_the_families_of_potentials_imports_one():
    """They are asked through `haven.potential.families`; only its base is known elsewhere."""
    inside = BIN / "haven" / "potential" / "families"
    wrong = {f"{path.relative_to(BIN)} imports {module}"
             for path in BIN.rglob("*.py") if inside not in path.parents
             for module in imported(path)
             if re.match(r"haven\.potential\.families\.(?!base\b)", module)}
    assert not wrong


def test_a_class_has_a_name_of_its_own():
    places: dict[str, list[str]] = {}
    for path in (BIN / "haven").rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(str(path.relative_to(BIN)))
    assert not {name: found for name, found in places.items() if len(found) > 1}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_the_digest_of_a_script_covers_what_it_imports(script):
    assert declared()[script.stem] == packages(script)


def test_no_other_digest_is_declared():
    assert set(declared()) == {path.stem for path in SCRIPTS}
