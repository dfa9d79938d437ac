"""Checks that a vasprun.xml has every number of its frames: ASE reads missing lines as zeros."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from haven.core.errors import HavenError

NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)


def whole_steps(text: str) -> tuple[str, str]:
    """Return the text up to its last whole step, closed, and what of the run is missing.

    Both are empty texts where no step is whole.
    """
    if "</modeling>" in text[-200:]:
        return text, ""
    end = text.rfind("</calculation>")
    if end < 0:
        return "", f"step {text.count('<calculation>')} is cut off"
    return (f"{text[:end]}</calculation>\n</modeling>\n",
            f"step {text.count('</calculation>') + 1} is cut off")


def check_vasprun(text: str) -> None:
    """Refuse a vasprun.xml with a structure, forces, a stress or an energy that is not whole.

    Parameters
    ----------
    text
        The file, whole or cut behind a step and closed.

    Raises
    ------
    HavenError
        Naming the step and what is wrong of it.
    """
    try:
        root = ET.fromstring(text)
    except ET.ParseError as error:
        raise HavenError(f"the XML is damaged or cut off ({error}): copy it again") from error
    atoms = len(root.findall("atominfo/array[@name='atoms']/set/rc"))
    first = root.find("structure[@name='initialpos']")
    if not atoms or first is None:
        raise HavenError("it has no list of atoms, or no first structure")
    _check_structure(first, atoms, "the first structure")
    for number, step in enumerate(root.iter("calculation"), 1):
        where = f"step {number}"
        structures = step.findall("structure")
        if len(structures) != 1:
            raise HavenError(f"{where} has {len(structures)} structures, not one")
        _check_structure(structures[0], atoms, where)
        for name, rows in (("forces", atoms), ("stress", 3)):
            found = step.findall(f"varray[@name='{name}']")
            if len(found) > 1:
                raise HavenError(f"{where} has {name} twice")
            for block in found:
                _check_rows(block, rows, f"{where}: {name}")
        energies = step.findall("energy/i[@name='e_fr_energy']")
        if len(energies) != 1 or not NUMBER.fullmatch((energies[0].text or "").strip()):
            raise HavenError(f"{where} has no one energy (e_fr_energy)")


def _check_structure(found: ET.Element, atoms: int, where: str) -> None:
    for path, rows in (("crystal/varray[@name='basis']", 3), ("varray[@name='positions']", atoms)):
        blocks = found.findall(path)
        name = path.split("'")[1]
        if len(blocks) != 1:
            raise HavenError(f"{where} has {len(blocks)} blocks of {name}, not one")
        _check_rows(blocks[0], rows, f"{where}: {name}")


def _check_rows(block: ET.Element, rows: int, where: str) -> None:
    lines = [(line.text or "").split() for line in block]
    if len(lines) != rows:
        raise HavenError(f"{where} has {len(lines)} lines, {rows} are due")
    for words in lines:
        if len(words) != 3 or not all(map(NUMBER.fullmatch, words)):
            raise HavenError(f"{where} has a line that is no three numbers "
                             f"('{' '.join(words)[:40]}')")
