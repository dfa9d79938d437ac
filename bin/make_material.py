#!/usr/bin/env python3
"""Make a material file of a CIF, asking for what it leaves open; or check a material file."""

from __future__ import annotations

import argparse
from pathlib import Path

from haven.core.errors import HavenError, log, run
from haven.core.options import parser


def pairs(text: str | None, name: str) -> dict[str, str]:
    """Return the pairs of an option such as ``Fe=2,Mn=3``."""
    found = {}
    for part in text.split(",") if text else ():
        element, mark, value = part.strip().partition("=")
        if not mark or not element or not value:
            raise HavenError(f"--{name} is {text}: give elements and values such as Fe=2,Mn=3")
        found[element] = value
    return found


def numbers(text: str | None, name: str) -> dict[str, float]:
    """Return the pairs of an option with numbers."""
    try:
        found = {element: float(value) for element, value in pairs(text, name).items()}
    except ValueError as error:
        raise HavenError(f"--{name} is {text}: give numbers such as Fe=2,Mn=3") from error
    return {element: int(value) if value.is_integer() else value
            for element, value in found.items()}


def made(given: argparse.Namespace) -> Path:
    """Write the material file of a CIF and return its path."""
    import yaml

    from haven.material.file import load_material
    from haven.material.from_cif import Choice, material_of

    content, notes = material_of(given.cif, Choice(
        given.mobile, numbers(given.charges, "charges"), pairs(given.hubbard, "hubbard"),
        numbers(given.moments, "moments"), given.name))
    out = Path(given.out)
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{content['name']}.yml"
    if path.exists():
        raise HavenError(f"{path} is there already: give another --name, or remove it")
    head = [f"# From {Path(given.cif).name}. Occupancies: default has the mobile ions where",
            "# the CIF has them, free lets them take any cation site.",
            *(f"# {note}" for note in notes)]

    class Plain(yaml.SafeDumper):
        def ignore_aliases(self, data: object) -> bool:
            return True

    text = yaml.dump(content, Dumper=Plain, sort_keys=False, default_flow_style=None,
                     width=120)
    path.write_text("\n".join(head) + "\n" + text)
    try:
        load_material(path)
    except HavenError:
        path.unlink()
        raise
    for note in notes:
        log.info("%s", note)
    return path


def main(argv: list[str] | None = None) -> None:
    """Write the material file, unless one is given, and a picture of one conventional cell."""
    options = parser(__doc__)
    options.add_argument("cif", metavar="FILE", help="crystal structure (.cif), with its partial "
                         "occupancies; or a material file (.yml) to check")
    options.add_argument("--name", help="name of the material; that of the file if not given")
    options.add_argument("--mobile", help="mobile element, where there are several that may be")
    options.add_argument("--charges", help="formal charges that the crystal leaves open: Fe=2,Mn=3")
    options.add_argument("--hubbard", help="shells that U acts on: Fe=d")
    options.add_argument("--moments", help="starting moments, Bohr magnetons: Fe=4")
    options.add_argument("--out", default=".", help="folder for material file and picture")
    given = options.parse_args(argv)

    from haven.material.disorder import build
    from haven.material.file import load_material

    path = Path(given.cif)
    if path.suffix.lower() in (".yml", ".yaml"):
        told = [name for name in ("name", "mobile", "charges", "hubbard", "moments")
                if getattr(given, name)]
        if told:
            raise HavenError(f"--{told[0]} is for a CIF: a material file says it itself")
    else:
        path = made(given)
    material = load_material(path)
    out = Path(given.out)
    out.mkdir(parents=True, exist_ok=True)
    try:
        atoms, _ = build(material, (1, 1, 1), next(iter(material.occupancies)), seed=1)
    except HavenError as error:
        log.warning("one conventional cell can't be built (%s): larger ones may", error)
        atoms = None
    if atoms is not None:
        from ase.io import write

        write(out / f"{material.name}.png", atoms, rotation="-80x,10y")
    said = ", ".join(f"{element} {charge:+g}" for element, charge in material.charges.items())
    log.info("%s: %s, %g formula units a cell, mobile %s, charges %s", path, material.formula,
             material.units_per_cell, material.mobile, said)


if __name__ == "__main__":
    run(main)
