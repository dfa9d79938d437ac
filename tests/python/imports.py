"""What the code imports, read from the syntax trees: for the layers and the code digests."""

from __future__ import annotations

import ast
from pathlib import Path

BIN = Path(__file__).resolve().parents[2] / "bin"
LAYERS = ("core", "material", "trajectory", "labels", "potential", "dynamics", "cost", "transport",
          "mechanism", "report")


def module_file(name: str) -> Path | None:
    """Return the file of a module of the package, None for another library's."""
    path = BIN.joinpath(*name.split("."))
    inner = [path / "__init__.py"] if name.count(".") > 1 else []  # the ten packages' are empty
    return next((found for found in (path.with_suffix(".py"), *inner) if found.exists()), None)


def imported(path: Path) -> set[str]:
    """Return the modules of ``haven`` that a file imports, in functions and for types too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
    return {name for name in found if name.startswith("haven.") and module_file(name)}


def closure(path: Path) -> set[str]:
    """Return all modules that a file imports, itself and through others."""
    seen: set[str] = set()
    waiting = imported(path)
    while waiting:
        seen |= waiting
        waiting = {name for module in waiting for name in imported(module_file(module))} - seen
    return seen


def packages(path: Path) -> list[str]:
    """Return the packages whose code a script uses, lowest layer first."""
    used = {name.split(".")[1] for name in closure(path)}
    return sorted(used, key=LAYERS.index)
