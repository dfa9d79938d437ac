"""Chemical formulas with fractions, and whole atoms that come as close to them as cells allow."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

TOKEN = re.compile(r"([A-Z][a-z]?)|(\()|(\))|(\d+(?:\.\d*)?|\.\d+)")


def atoms_in_formula(formula: str) -> dict[str, float]:
    """Return atoms of each element in a formula such as ``Li1.3Al0.3Ti1.7(PO4)3``.

    Raises
    ------
    ValueError
        If it is no formula, or names what is no element.
    """
    from ase.data import atomic_numbers

    groups: list[list[tuple[dict[str, float], float]]] = [[]]
    text, at = formula.strip(), 0
    if not text:
        raise ValueError("empty formula")
    while at < len(text):
        found = TOKEN.match(text, at)
        if found is None:
            raise ValueError(f"{text[at:]} is no part of a formula")
        at = found.end()
        element, opening, closing, number = found.groups()
        if element:
            if element not in atomic_numbers or element == "X":
                raise ValueError(f"{element} is no element")
            groups[-1].append(({element: 1.0}, 1.0))
        elif opening:
            groups.append([])
        elif closing:
            if len(groups) < 2:
                raise ValueError("a bracket closes that was not opened")
            inner = groups.pop()
            groups[-1].append((_sum(inner), 1.0))
        else:
            if not groups[-1] or groups[-1][-1][1] != 1.0:
                raise ValueError(f"{number} counts nothing")
            groups[-1][-1] = (groups[-1][-1][0], float(number))
    if len(groups) != 1:
        raise ValueError("a bracket is not closed")
    found = {element: round(count, 9) for element, count in _sum(groups[0]).items()}
    if any(count <= 0 for count in found.values()):
        raise ValueError("counts must be above 0")
    return {element: int(count) if float(count).is_integer() else count
            for element, count in found.items()}


def _sum(parts: list[tuple[dict[str, float], float]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for counts, times in parts:
        for element, count in counts.items():
            total[element] = total.get(element, 0.0) + times * count
    return total


def whole_counts(
    exact: Mapping[str, float], total: int, room: Mapping[str, int]
) -> dict[str, int]:
    """Round fractional counts to whole numbers of a given sum, by the method of largest remainders.

    Parameters
    ----------
    exact
        Atoms asked for on each kind of site.
    total
        Their sum.
    room
        Sites of each kind that are free.
    """
    scale = total / (sum(exact.values()) or 1.0)
    wanted = {site: value * scale for site, value in exact.items()}
    whole = {site: min(int(np.floor(value + 1e-9)), room[site]) for site, value in wanted.items()}
    for _ in range(total - sum(whole.values())):
        free = [site for site in whole if whole[site] < room[site]]
        if not free:
            break
        whole[max(free, key=lambda site: wanted[site] - whole[site])] += 1
    return whole
