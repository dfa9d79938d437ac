"""One run of a first-principles program, and the runs that one text holds."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True)
class LabelRun:
    """What the output of one run holds.

    Attributes
    ----------
    images
        Whole steps, with energy (eV), forces (eV/Angstrom), stress (eV/Angstrom^3) where there is
        one; ``info["converged"]`` of each where the output tells it.
    hubbard
        U - J in eV of each element it acts on, ``{}`` without U; None if the run does not say.
    settings
        Settings that must be the same for all labels of a data set, and the net charge.
    missing
        What of the run is not among the images, for a message; empty if nothing is.
    """

    images: Iterable[Atoms]
    hubbard: Mapping[str, float] | None
    settings: Mapping[str, Any] = field(default_factory=dict)
    missing: str = ""


def divided(text: str, begins: str) -> list[str]:
    """Return the text of each run in a text, usually one; several where runs were appended.

    Parameters
    ----------
    text
        Of an output.
    begins
        Pattern of the line that a run begins with; what stands in front of the first is left out.
    """
    starts = [found.start() for found in re.finditer(begins, text, re.MULTILINE)] or [0]
    return [text[start:end] for start, end in pairwise([*starts, len(text)])]


def each_run(
    program: str, begins: str, end: str, read: Callable[[str], LabelRun], cut: str = "(?!)"
) -> Callable[[str], list[LabelRun]]:
    """Return a function that reads every run in a text of a program.

    Parameters
    ----------
    program
        Its name, for messages.
    begins, end
        Pattern of the line that a run begins with, and the words near the end of a whole run.
    read
        Reads the text of one run.
    cut
        Pattern that shows that a run without an end holds whole steps, which are read.
    """
    def runs(text: str) -> list[LabelRun]:
        parts, found = divided(text, begins), []
        for number, part in enumerate(parts, 1):
            missing = ""
            if end not in part[-20000:]:
                one = "" if len(parts) == 1 else f"run {number} of {len(parts)}: "
                missing = f"{one}{program} did not end"
            whole = not missing or re.search(cut, part)
            found.append(replace(read(part) if whole else LabelRun([], None), missing=missing))
        return found
    return runs


def one_each(told: Iterable[tuple[str, Collection[str]]]) -> dict[str, float] | None:
    """Return U of each element that it acts on, from what a run says of its kinds of atoms.

    Parameters
    ----------
    told
        Element of each kind, and the values of U on its shells, eV; none where U does not act.

    Returns
    -------
    dict or None
        None where an element has several values, of which none on one of its kinds is one.
    """
    found: dict[str, set[float]] = {}
    for symbol, values in told:
        found.setdefault(symbol, set()).update(map(float, values or ["0"]))
    if any(len(values) > 1 for values in found.values()):
        return None
    return {symbol: value for symbol, (value,) in found.items() if value}
