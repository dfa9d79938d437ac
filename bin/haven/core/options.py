"""Options that scripts in ``bin/`` share, and how their texts are read."""

from __future__ import annotations

import argparse

from haven.core.errors import HavenError


def parser(description: str | None) -> argparse.ArgumentParser:
    """Return an argument parser that shows defaults in its help."""
    first = (description or "").strip()
    return argparse.ArgumentParser(
        description=first, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )


def numbers(text: str, count: int | None, name: str) -> list[float]:
    """Return the numbers of an option such as ``300,900``, ``count`` of them where given."""
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise HavenError(f"--{name} is {text}: give numbers with commas between") from error
    if count is not None and len(found) != count:
        raise HavenError(f"--{name} is {text}: give {count} numbers with commas between")
    return found


def repeats(text: str, name: str) -> tuple[int, int, int]:
    """Return the conventional cells along a, b, c of an option such as ``2,2,4``."""
    found = numbers(text, 3, name)
    if min(found) < 1 or any(number % 1 for number in found):
        raise HavenError(f"--{name} is {text}: needs three whole numbers above 0")
    along_a, along_b, along_c = map(int, found)
    return along_a, along_b, along_c


def seed(text: str) -> int:
    """Return the seed of an option, from which random numbers can be drawn."""
    if not text.isdecimal():
        raise HavenError(f"--seed is {text}: needs a whole number, 0 or above")
    return int(text)


def add_name(options: argparse.ArgumentParser) -> None:
    """Add the option that names a run: several potentials may drive the same U."""
    options.add_argument("--name", help="the run's name; default from U, temperature, replica")
