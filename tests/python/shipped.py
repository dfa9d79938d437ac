"""What holds of every folder of results that is shipped."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

PLACE = re.compile(rb"[ >\"']/(?:[\w.-]+/)+(?:assets|tables|frames)/"
                   rb"|checkpoint_dir\W{1,16}/[\w.-]+/")


def check_sums(folder: Path) -> set[str]:
    """Assert that every file has its checksum; return the files' names."""
    lines = [line.split("  ", 1) for line in (folder / "SHA256SUMS").read_text().splitlines()]
    told = {name.removeprefix("./"): digest for digest, name in lines}
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert there - {"SHA256SUMS"} == set(told)
    for name, digest in told.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, name
    return there


def places_named(folder: Path) -> list[str]:
    """Return the files that name a place of the machine that made them."""
    return [str(path.relative_to(folder)) for path in sorted(folder.rglob("*"))
            if path.is_file() and PLACE.search(path.read_bytes())]
