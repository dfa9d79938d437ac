"""Reading numbers as programs write them; other words that Python takes for numbers are refused.

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
    """Return the number of a text; ``nan`` and ``inf`` are left to the caller to refuse.

    Raises
    ------
    ValueError
        If the text is no number in ASCII decimal notation.
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
    return "_" in word or "\\" in word or not word.isascii()


def row(line: str, count: int, what: str = "a line") -> list[float]:
    """Return the numbers of a line, which must hold ``count`` of them and nothing else.

    Raises
    ------
    ValueError
        If the line holds anything else; the message begins with ``what``.
    """
    words = line.split()
    if len(words) != count:
        raise ValueError(f"{what} has {len(words)} numbers where {count} are due "
                         f"('{line.strip()[:40]}')")
    return [number(word) for word in words]


def rows(lines: Iterable[str], count: int, what: str = "a line") -> np.ndarray:
    """Return the ``count`` numbers of each line, shape (lines, count); see `row`."""
    return np.array([row(line, count, what) for line in lines], float).reshape(-1, count)


def without_controls(text: str) -> str:
    """Return a text, or raise ValueError where it holds control characters."""
    found = CONTROL.search(text.replace("\r\n", "\n"))
    if found is not None:
        raise ValueError(f"it holds the letter {found.group()!r}, which no text has: it is damaged")
    return text
