#!/usr/bin/env python3
"""Print the versions of Python, Haven and some packages, as far as they are installed, in one line.

A process gives the line as its output on the topic `versions`.
"""

from __future__ import annotations

import importlib.metadata
import platform

from haven import __version__
from haven.core.errors import run
from haven.core.options import parser


def main(argv: list[str] | None = None) -> None:
    """Print ``python 3.11.2; haven 0.1.0; ase 3.26.0`` for the name ``ase``."""
    options = parser(__doc__)
    options.add_argument("names", nargs="*", help="packages, by their names in Python's registry")
    given = options.parse_args(argv)
    found = [f"python {platform.python_version()}", f"haven {__version__}"]
    for name in given.names:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    print("; ".join(found))


if __name__ == "__main__":
    run(main)
