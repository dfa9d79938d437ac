"""A material file written from a CIF, and the picture of one conventional cell."""

from __future__ import annotations

import math
import re
from pathlib import Path

from haven.core.errors import HavenError, log
from haven.core.options import NUMBER
from haven.material.cif.choices import Choice, material_of
from haven.material.crystal import Material
from haven.material.disorder import draw_supercell
from haven.material.file import load_material

VIEW = "-80x,10y"  # rotation of the picture as ASE takes it: a along the page, c nearly up


def element_texts(text: str | None, name: str) -> dict[str, str]:
    """Return the pairs of an option such as ``Fe=d,Mn=d``; none of an empty text.

    Raises
    ------
    HavenError
        If a part is no pair; ``name`` is the option in the message.
    """
    found = {}
    for part in text.split(",") if text else ():
        element, mark, value = part.strip().partition("=")
        element, value = element.strip(), value.strip()
        if not mark or not element or not value:
            raise HavenError(f"--{name} is {text}: give elements and values such as Fe=2,Mn=3")
        if element in found:
            raise HavenError(f"--{name} is {text}: it names {element} twice")
        found[element] = value
    return found


def element_numbers(text: str | None, name: str) -> dict[str, float]:
    """Return the pairs of an option with numbers, such as ``Fe=2,Mn=3``; see `element_texts`."""
    given = element_texts(text, name)
    if not all(re.fullmatch(NUMBER, value) and math.isfinite(float(value))
               for value in given.values()):
        raise HavenError(f"--{name} is {text}: give numbers such as Fe=2,Mn=3")
    found = {element: float(value) for element, value in given.items()}
    return {element: int(value) if value.is_integer() else value
            for element, value in found.items()}


def write_material(cif: str | Path, choice: Choice, out: Path) -> Path:
    """Write the material file of a CIF into a folder, log what was guessed, and return its path.

    Parameters
    ----------
    cif
        Crystallographic information file.
    choice
        What the CIF does not say.
    out
        Folder; it is made where it is not there.

    Raises
    ------
    HavenError
        If the CIF cannot be read or leaves something open, the file is there already, or the
        material in it would be refused; then nothing is left.
    """
    import yaml

    class Plain(yaml.SafeDumper):
        def ignore_aliases(self, data: object) -> bool:
            return True

    content, notes = material_of(cif, choice)
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{content['name']}.yml"
    if path.exists():
        raise HavenError(f"{path} is there already: give another --name, or remove it")
    head = [f"# From {Path(cif).name}. Occupancies: default has the mobile ions where",
            "# the CIF has them, free lets them take any cation site.",
            *(f"# {note}" for note in notes)]
    text = yaml.dump(content, Dumper=Plain, sort_keys=False, default_flow_style=None, width=120)
    path.write_text("\n".join(head) + "\n" + text)
    try:
        load_material(path)
    except HavenError:
        path.unlink()
        raise
    for note in notes:
        log.info("%s", note)
    return path


def draw(material: Material, out: Path) -> Path | None:
    """Write a picture of one conventional cell into a folder; None, and a warning, where none is.

    A cell whose disorder needs more than one conventional cell cannot be built alone.
    """
    from ase.io import write

    try:
        atoms, _ = draw_supercell(material, (1, 1, 1), next(iter(material.occupancies)), seed=1)
    except HavenError as error:
        log.warning("one conventional cell can't be built (%s): larger ones may", error)
        return None
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{material.name}.png"
    write(path, atoms, rotation=VIEW)
    return path
