"""Text of a vasprun.xml made ready for ASE: whole steps, no bands, elements by their names.

ASE reads lines that are missing as zeros: `check_vasprun` refuses them.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from haven.core.errors import HavenError

NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)


BANDS = re.compile(r"<(projected|eigenvalues|dos|dielectricfunction)\b[^>]*>")
"""Blocks that hold most of a file, and nothing that labels or trajectories need."""
SAME_MASS = 0.03  # share by which a pseudopotential's mass may differ from its element's


def whole_steps(text: str) -> tuple[str, str]:
    """Return the text up to its last whole step, closed, and what of the run is missing.

    Bands and their densities are left out, and elements that old versions of VASP abbreviate have
    their names. Both texts are empty where no step is whole.

    Raises
    ------
    HavenError
        If an atom is of no element.
    """
    text, missing = _whole(text)
    return named_elements(without_bands(text)), missing


def without_bands(text: str) -> str:
    """Return the text without its blocks of bands, each of which must end within its step."""
    kept, at = [], 0
    while found := BANDS.search(text, at):
        end = text.find(f"</{found.group(1)}>", found.end())
        if end < 0 or text.find("calculation>", found.end(), end) >= 0:  # damaged: for the parser
            end = found.end()
            kept.append(text[at:end])
        else:
            kept.append(text[at:found.start()])
            end += len(found.group(1)) + 3
        at = end
    return "".join(kept) + text[at:] if kept else text


def named_elements(text: str) -> str:
    """Return the text with the element of every atom in the place of an abbreviation of it.

    VASP up to 5.4 takes the symbol from the pseudopotential's file, and of some reads one letter
    only: ``X`` is Xe, ``r`` is Zr. The pseudopotential's title and the mass tell which.

    Raises
    ------
    HavenError
        If they don't.
    """
    from ase.data import atomic_masses, atomic_numbers

    part = re.search(r"(?s)<atominfo>.*?</atominfo>", text)
    if part is None:
        return text
    told = part.group()
    for symbol in sorted(set(re.findall(r"<rc><c>([^<]*)</c><c>[\s\d]*</c></rc>", told))):
        name = symbol.strip()
        if name in atomic_numbers and name != "X":
            continue
        kinds = re.findall(rf"<rc><c>[\s\d]*</c><c>{re.escape(symbol)}</c>"
                           r"<c>([^<]*)</c><c>[^<]*</c><c>([^<]*)</c>", told)
        named = {element for mass, title in kinds for element in re.split(r"[\s_.]+", title)
                 if element in atomic_numbers and NUMBER.fullmatch(mass.strip()) and abs(
                     float(mass) / atomic_masses[atomic_numbers[element]] - 1) < SAME_MASS}
        if len(named) != 1:
            raise HavenError(f"an atom is of '{name[:8]}', which is no element: correct its "
                             "<atominfo>, or give the OUTCAR of this run")
        told = told.replace(f"<c>{symbol}</c>", f"<c>{named.pop()}</c>")
    return text[:part.start()] + told + text[part.end():]


def _whole(text: str) -> tuple[str, str]:
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
