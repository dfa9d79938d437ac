"""What the code imports, read from the syntax trees: for the layers and the code digests.

``python tests/python/imports.py digests`` writes the table of ``modules/digests.nf`` anew.
``python tests/python/imports.py`` prints the numbers of the section "Before and after the packages"
of bin/haven/README.md; a folder named behind it is counted in place of this one's bin.
"""

from __future__ import annotations

import ast
import re
import sys
import textwrap
from collections import Counter
from functools import cache
from pathlib import Path

BIN = Path(__file__).resolve().parents[2] / "bin"
DIGESTS = BIN.parent / "modules" / "digests.nf"
TABLE = re.compile(r"(?<=    \[\n).*?(?=    \]\n)", re.S)  # of `DIGESTS`: scripts and their folders
LAYERS = ("core", "material", "trajectory", "labels", "potential", "dynamics", "cost", "transport",
          "mechanism", "report")


def module_file(name: str, root: Path = BIN) -> Path | None:
    """Return the file of a module of the package, None for another library's."""
    path = root.joinpath(*name.split("."))
    inner = [path / "__init__.py"] if name.count(".") > 1 else []  # the ten packages' are empty
    return next((found for found in (path.with_suffix(".py"), *inner) if found.exists()), None)


@cache
def imported(path: Path, root: Path = BIN, run: bool = False) -> set[str]:
    """Return the modules of ``haven`` that a file imports, in functions and for types too.

    With ``run`` those alone whose import runs with the file's own.
    """
    found: set[str] = set()
    tree = ast.parse(path.read_text())
    for node in tree.body if run else ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
    return {name for name in found if name.startswith("haven.") and module_file(name, root)}


@cache
def closure(path: Path) -> set[str]:
    """Return all modules that a file imports, itself, through others and through their folders."""
    seen: set[str] = set()
    waiting = imported(path)
    while waiting:
        seen |= waiting
        above = {module.rpartition(".")[0] for module in waiting if module.count(".") > 2}
        waiting = {name for module in waiting for name in imported(module_file(module))}
        waiting |= {name for parent in above for name in imported(module_file(parent), run=True)}
        waiting -= seen
    return seen


def folders(path: Path) -> list[str]:
    """Return the folders of ``haven`` whose modules a script uses, lowest package first."""
    used = {module_file(name).parent.relative_to(BIN / "haven").as_posix()
            for name in closure(path)}
    return sorted(used, key=lambda folder: (LAYERS.index(folder.split("/")[0]), folder))


def table() -> str:
    """Return the rows of `DIGESTS` as they must be, in lines of at most 160 characters."""
    listed = {path.stem: folders(path) for path in sorted(BIN.glob("*.py"))}
    wide = max(map(len, listed))
    lines = []
    for script, names in listed.items():
        start = f"        {script:<{wide}}: ["
        text = textwrap.wrap(", ".join(f"'{name}'" for name in names) + "],", 160 - len(start))
        lines += [start + text[0], *(" " * len(start) + line for line in text[1:])]
    return "\n".join(lines) + "\n"


def counted(root: Path = BIN) -> dict[str, str]:
    """Return the size of ``haven`` in a folder and the imports among its packages, as text."""
    files = sorted((root / "haven").rglob("*.py"))
    lines = {path: len(path.read_text().splitlines()) for path in files}
    folder, most = Counter(path.parent for path in files).most_common(1)[0]
    longest = max(files, key=lines.__getitem__)
    among = [(own, other) for path in files
             if (own := path.relative_to(root / "haven").parts[0]) in LAYERS
             for name in sorted(imported(path, root))
             if (other := name.split(".")[1]) in LAYERS and other != own]
    upward = sum(LAYERS.index(other) > LAYERS.index(own) for own, other in among)
    return {"files, lines of Python": f"{len(files)}; {sum(lines.values()):,}",
            "largest folder, files": f"{most} ({folder.name})",
            "longest file, lines": f"{lines[longest]} ({longest.name})",
            "arrows; imports among packages": f"{len(set(among))}; {len(among)}",
            "imports upward": str(upward)}


if __name__ == "__main__":
    if sys.argv[1:] == ["digests"]:
        DIGESTS.write_text(TABLE.sub(lambda _: table(), DIGESTS.read_text(), count=1))
        sys.exit()
    for what, value in counted(*map(Path, sys.argv[1:2])).items():
        print(f"{what}: {value}")
