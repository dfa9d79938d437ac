"""Say which packages of this Python's environment are damaged: files gone or cut short.

Each installed package lists its files with their lengths (RECORD). ``./haven`` calls this before it
takes an environment from its cache; it prints the names of damaged packages, one a line.
"""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path


def damaged(package: importlib.metadata.Distribution) -> bool:
    """Tell whether a file of a package is missing, or shorter than it was installed.

    A longer one is a site's own: certificates that were added.
    """
    listed = package.files
    if not listed:
        return True
    for file in listed:
        if file.suffix == ".pyc":
            continue
        try:
            length = Path(str(package.locate_file(file))).stat().st_size
        except OSError:
            return True
        if file.size is not None and length < file.size:
            return True
    return False


if __name__ == "__main__":
    places = [place for place in sys.path if "site-packages" in place]
    for found in importlib.metadata.distributions(path=places):
        if damaged(found):
            print(found.metadata["Name"])
