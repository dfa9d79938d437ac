"""Numbers as files write them; words that only Python would read as numbers are refused.

Python reads ``1_0`` as 10 and an Arabic-Indic ``١`` as 1; no program writes such numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?:nan|inf|infinity)",
                    re.ASCII | re.IGNORECASE)
WHOLE = re.compile(r"[-+]?\d+", re.ASCII)
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def number(text: str) -> float:
    """Return the number of a text; ``nan`` and ``inf`` pass, for whoever must name them.

    Raises
    ------
    ValueError
        If the text is no number as files write them.
    """
    if not NUMBER.fullmatch(text):
        raise ValueError(f"'{text[:40]}' is no plain number")
    return float(text)


def whole(text: str) -> int:
    """Return the whole number of a text; raise ValueError where it is none."""
    if not WHOLE.fullmatch(text):
        raise ValueError(f"'{text[:40]}' is no whole number")
    return int(text)


def odd(word: str) -> bool:
    """Tell whether Python may read a word as another number than a person does."""
    return "_" in word or not word.isascii()


def row(line: str, count: int, what: str = "a line") -> list[float]:
    """Return the numbers of a line that holds so many of them and nothing else.

    Raises
    ------
    ValueError
        If it does not; the message begins with ``what`` it is.
    """
    words = line.split()
    if len(words) != count:
        raise ValueError(f"{what} has {len(words)} numbers where {count} are due "
                         f"('{line.strip()[:40]}')")
    return [number(word) for word in words]


def rows(lines: Iterable[str], count: int, what: str = "a line") -> np.ndarray:
    """Return lines of so many numbers as an array (lines, count); see `row`."""
    return np.array([row(line, count, what) for line in lines], float).reshape(-1, count)


def without_controls(text: str) -> str:
    """Return a text, or raise ValueError where it holds letters that no text file holds."""
    found = CONTROL.search(text.replace("\r\n", "\n"))
    if found is not None:
        raise ValueError(f"it holds the letter {found.group()!r}, which no text has: it is damaged")
    return text
