"""Packages import only downward, and the digests of tasks cover what their scripts import."""

import ast
import re
from pathlib import Path

import pytest
from imports import BIN, DIGESTS, LAYERS, TABLE, folders, imported, table

SCRIPTS = sorted(BIN.glob("*.py"))


def declared() -> dict[str, list[str]]:
    listed = re.findall(r"(\w+)\s*: \[([^\]]*)\]", TABLE.search(DIGESTS.read_text())[0])
    return {name: re.findall(r"'([\w/]+)'", words) for name, words in listed}


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


def logic(path: Path) -> list[tuple[str, list[str]]]:
    """Return each function's name and lines, without docstrings and imports, in one layout."""
    found = []
    tree = ast.parse(path.read_text())
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    for function in (node for parent in (tree, *classes) for node in parent.body
                     if isinstance(node, ast.FunctionDef)):
        body = function.body[1 if ast.get_docstring(function) is not None else 0:]
        lines = [line.strip() for part in body for line in ast.unparse(part).splitlines()]
        found.append((f"{path.relative_to(BIN)}:{function.name}", [
            line for line in lines if line and not line.startswith(("import ", "from "))]))
    return found


def test_no_six_lines_of_logic_stand_twice():
    places: dict[tuple[str, ...], set[str]] = {}
    for path in sorted(BIN.rglob("*.py")):
        for name, lines in logic(path):
            for first in range(len(lines) - 5):
                places.setdefault(tuple(lines[first:first + 6]), set()).add(name)
    assert len(places) > 5000
    assert not [sorted(found) for found in places.values() if len(found) > 1]


def test_a_class_has_a_name_of_its_own():
    places: dict[str, list[str]] = {}
    for path in (BIN / "haven").rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(str(path.relative_to(BIN)))
    assert not {name: found for name, found in places.items() if len(found) > 1}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_the_digest_of_a_script_covers_what_it_imports(script):
    assert declared()[script.stem] == folders(script), (
        "python tests/python/imports.py digests writes the table anew")


def test_the_table_of_digests_is_as_it_is_written():
    assert TABLE.search(DIGESTS.read_text())[0] == table()
    assert set(declared()) == {path.stem for path in SCRIPTS}


@pytest.mark.parametrize("folder, scripts", [
    ("material/cif", {"make_material"}),
    ("core/nextflow", {"start_nextflow", "show_parameters", "show_status", "clean_work"}),
    ("dynamics/annealing", {"anneal", "relax_cell"}),
    ("report/page/grids", {"render_report", "compare_studies"}),
    ("report/publishing", {"make_crate", "publish_results"}),
])
def test_an_edit_reruns_the_tasks_that_import_it_and_no_others(folder, scripts):
    assert {script for script, named in declared().items() if folder in named} == scripts
