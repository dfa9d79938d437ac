"""Elements by the labels that programs give atoms and kinds.

One rule serves all: the letters a label begins with name the element. Programs differ in what may
follow. Labels of LAMMPS and of CIFs (``Fe1``, ``Li+``, ``O_core``) go on with digits and signs,
those of minerals in CIFs also with a capital (``AlT1``, ``OW1``). Kinds of CP2K and names in
DeePMD-kit's type maps are the user's own and may go on with any letters (``FeA``, ``Tiup``), where
two readings are possible (``Osurf`` is O or Os): such are refused. CP2K's text output prints the
element of each atom, so that no kind need be read there.
"""

from __future__ import annotations

import re

from haven.core.errors import HavenError

SHOWN = 24  # letters of a label that a message repeats


def element_labelled(label: str) -> str | None:
    """Return the element of a label such as ``Li``, ``li``, ``LI``, ``Li+``, ``Fe1``, ``O_core``.

    None where it begins with no element, or goes on with letters behind it. Two letters are one
    element wherever they name one: ``CO`` is cobalt, however it is written.
    """
    found = re.match(r"[A-Za-z]{1,2}(?![A-Za-z])", label)
    return _element(found.group(0)) if found else None


def element_by_case(label: str) -> str | None:
    """Return the element of a label whose case says where it ends: ``AlT1``, ``CaM2``, ``OW1``."""
    found = re.match(r"[A-Z][a-z]?(?=[A-Z])", label)
    return _element(found.group(0)) if found else None


def element_of_kind(kind: str) -> str:
    """Return the element of a kind, whose name may go on with letters: ``FeA``, ``OW``, ``Fe1``.

    Raises
    ------
    HavenError
        If the kind begins with no element, or its letters may be read as two.
    """
    told = element_labelled(kind)
    if told is not None:
        return told
    shown = ascii(kind)[1:-1]
    shown = shown if len(shown) < SHOWN else f"{shown[:SHOWN - 4]}..."
    word = (re.match(r"[A-Za-z]*", kind) or [""])[0]
    short, long = _element(word[:1]), _element(word[:2])
    if short and long and short != long:
        if re.match(r"[A-Z][a-z][A-Z]", word) and (told := element_by_case(word)):
            return told
        raise HavenError(f"atoms of kind {shown} may be {long} or {short}: name the kinds after "
                         f"one, such as {long}1 or {short}_a")
    if found := long or short:
        return found
    raise HavenError(f"atoms of kind {shown} are no element: name the kinds after one, such as Fe1")


def _element(word: str) -> str | None:
    from ase.data import atomic_numbers

    name = word.capitalize()
    return name if name in atomic_numbers and name != "X" else None
