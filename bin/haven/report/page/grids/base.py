"""What every table of the report is made of: its form, and the words of its cells."""

from __future__ import annotations

import re
from typing import Any

from haven.core.numbers import known
from haven.report.numbers.wording import LABELS, WORDS
from haven.transport.fits.standing import ACTIVATION, AT_298

Block = dict[str, Any]


def grid(columns: list[str], rows: list[list[str]], caption: str,
         scenes: list[str] | None = None) -> Block:
    """Return a table for the template: header, rows of text, caption.

    Parameters
    ----------
    columns, rows, caption
        Texts; a cell may be one of `cell`.
    scenes
        For each row the scene that it opens (`haven.report.figures.scene_names`); empty for none.
    """
    return {"columns": columns, "rows": rows, "caption": caption, "scenes": scenes or [],
            "latex": "", "of": []}


def cell(text: str, below: str) -> dict[str, str]:
    """Return a table's cell with a smaller second line; a known verdict in its words."""
    return {"text": text, "small": WORDS.get(below, below)}


def at_kelvin(temperature: object) -> str:
    """Return a temperature in kelvin with its unit; an empty text where there is none."""
    return f"{temperature:g} K" if isinstance(temperature, float) and known(temperature) else ""


def label_of(quantity: str) -> str:
    """Return a quantity's name as a reader knows it."""
    if found := re.fullmatch(r"occupancy_([a-z]+)_(.+)", quantity):
        return f"{found[1].capitalize()} occupancy of {found[2]}"
    for start, words in (("lattice_", "lattice, "), ("rdf_first_peak ", "first RDF peak, ")):
        if quantity.startswith(start):
            return words + quantity.removeprefix(start)
    if quantity in LABELS:
        return LABELS[quantity]
    if quantity.endswith(AT_298):
        return label_of(quantity.removesuffix(AT_298)) + AT_298
    if quantity.startswith(ACTIVATION):
        return "activation energy of " + label_of(quantity.removeprefix(ACTIVATION))
    return quantity.replace("_", " ")
