"""Elements of the atoms of a topology that MDAnalysis read, by what it says of each.

Files such as GRO name atoms and no elements. MDAnalysis guesses a type from a name by rules for
biomolecules: of HF it makes H, of SC sulphur, of TI no element. A guess is believed where the
letters of the name say the same; else what else the file says decides, or the user.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from haven.core.errors import HavenError
from haven.core.reading.elements import element_labelled
from haven.trajectory.readers.base import element_of, elements_of

PLAIN = re.compile(r"[A-Z][a-z](?![A-Za-z])")  # an element as chemists write it: Ca, not CA
IONS = {"LIT": "Li", "SOD": "Na", "POT": "K", "RUB": "Rb", "CES": "Cs", "CAL": "Ca", "CLA": "Cl"}
"""Elements of the names that CHARMM gives ions."""
SHOWN = 4  # names that a message repeats


class Told(NamedTuple):
    """What a topology says of an atom; empty where it says nothing.

    Attributes
    ----------
    name, kind
        Its name and type; a file's own type, or MDAnalysis's guess from the name.
    element
        Its element.
    mass
        Its mass, u; 0 where it is not told.
    alone
        Name of its residue, if it is the only atom there.
    """

    name: str
    kind: str
    element: str
    mass: float
    alone: str


def symbols_of(path: Path, atoms: Any, given: tuple[str, ...]) -> np.ndarray:
    """Return the element of each atom (A,).

    Parameters
    ----------
    path
        The trajectory, for messages.
    atoms
        MDAnalysis's atoms, types among what it was told to guess.
    given
        Elements of types 1, 2, ..., or ``NAME=ELEMENT`` for names.

    Raises
    ------
    HavenError
        If the topology does not say what an atom is, says it in two ways, or has no use for what is
        given.
    """
    if not any(hasattr(atoms, what) for what in ("elements", "names", "types")):
        raise HavenError(f"{path} does not say which atom is what: give --topology")
    told = _told(atoms)
    named = _named(given, {one.name or one.kind for one in told}, path)
    if not named and all(one.kind.isdecimal() and not _letters(one.name) for one in set(told)):
        if not given:
            kinds = sorted({one.kind for one in told})
            raise HavenError(f"{path}: its topology names types {', '.join(kinds)}: give "
                             "--type_map, such as 'Li Ti Cl'")
        return elements_of(np.array([int(one.kind) for one in told]), given, str(path))
    found = {one: [named[name]] if (name := one.name or one.kind) in named else
             _readings(one, path) for one in set(told)}
    _check_clear(path, found)
    symbols = np.array([found[one][0] for one in told])
    if given and not named and set(symbols.tolist()) != set(given):
        raise HavenError(f"{path}: its topology names elements ("
                         f"{', '.join(sorted(set(symbols.tolist())))}), and --type_map says "
                         "otherwise: leave that out, or give NAME=ELEMENT for names that are wrong")
    return symbols


def _named(given: tuple[str, ...], known: set[str], path: Path) -> dict[str, str]:
    """Return the elements that are given for names; ``known`` are the names that there are."""
    named = dict(one.rsplit("=", 1) for one in given if "=" in one)
    if named and len(named) < len(given):
        raise HavenError(f"--type_map {' '.join(given)}: give elements in the order of types, or "
                         "NAME=ELEMENT for each name once, not both")
    if unknown := sorted(set(named) - known):
        raise HavenError(f"--type_map names {unknown[0]}, which no atom of the topology of {path} "
                         f"is called: its names are {', '.join(sorted(known)[:20])}")
    return named


def _told(atoms: Any) -> list[Told]:
    """Return what the topology says of each atom."""
    def texts(what: str) -> list[str]:
        return [str(one) for one in getattr(atoms, what, [""] * len(atoms))]

    masses = [float(one) for one in getattr(atoms, "masses", np.zeros(len(atoms)))]
    alone = np.bincount(atoms.resindices)[atoms.resindices] == 1
    residues = [name if only else "" for name, only in zip(texts("resnames"), alone, strict=True)]
    return [Told(*one) for one in zip(texts("names"), texts("types"), texts("elements"), masses,
                                      residues, strict=True)]


def _readings(told: Told, path: Path) -> list[str]:
    """Return the elements that an atom may be: one where it is clear."""
    if element := element_labelled(told.element):
        return [element]
    name = told.name or told.kind
    own, guessed = _letters(name), element_labelled(told.kind)
    read = own if guessed is None or guessed in own else [*own, guessed]
    if told.mass > 0:
        by_mass = _of_mass(told.mass, name, path)
        fits = not read or by_mass in (*read, element_labelled(name[:1]))
        return [by_mass] if fits else [*read, by_mass]
    if len(own) == 1 and (PLAIN.match(name) or own[0] == element_labelled(told.alone)):
        return own
    return read or [name]


def _letters(name: str) -> list[str]:
    """Return the elements that the letters of a name may say: one but for names such as OSURF."""
    if element := element_labelled(name) or IONS.get(name.upper()):
        return [element]
    word = re.match("[A-Za-z]*", name)
    first = word.group() if word else ""
    return [one for one in (element_labelled(first[:2]), element_labelled(first[:1])) if one]


def _of_mass(mass: float, name: str, path: Path) -> str:
    """Return the element of the mass, u, of the atoms of this name."""
    try:
        return element_of(mass, name)
    except HavenError:
        raise HavenError(f"{path}: atoms called {name} have the mass {mass:g} u, which is that of "
                         f"no element: say what they are by --type_map, such as '{name}=Li'"
                         ) from None


def _check_clear(path: Path, found: dict[Told, list[str]]) -> None:
    """Refuse atoms that may be of two elements, with what they may be and how to say it.

    Parameters
    ----------
    path
        The trajectory.
    found
        What atoms may be.
    """
    unclear = {one.name or one.kind: read for one, read in found.items() if len(read) > 1}
    if not unclear:
        return
    shown = sorted(unclear)[:SHOWN]
    said = ", ".join(f"{name} ({' or '.join(unclear[name])})" for name in shown)
    raise HavenError(f"{path}: its topology has atoms whose names may be two elements: {said}: say "
                     f"which by --type_map '{' '.join(f'{n}={unclear[n][0]}' for n in shown)}', or "
                     "give a topology with elements, such as a PDB")
