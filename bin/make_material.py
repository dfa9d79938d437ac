#!/usr/bin/env python3
"""Make a material file of a CIF, asking for what it leaves open; or check a material file."""

from __future__ import annotations

from pathlib import Path

from haven.core.errors import HavenError, log, run
from haven.core.options import parser


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

    from haven.material.cif.choices import Choice
    from haven.material.cif.written import draw, element_numbers, element_texts, write_material
    from haven.material.file import load_material

    path = Path(given.cif)
    if path.suffix.lower() in (".yml", ".yaml"):
        told = [name for name in ("name", "mobile", "charges", "hubbard", "moments")
                if getattr(given, name)]
        if told:
            raise HavenError(f"--{told[0]} is for a CIF: a material file says it itself")
    else:
        choice = Choice(given.mobile, element_numbers(given.charges, "charges"),
                        element_texts(given.hubbard, "hubbard"),
                        element_numbers(given.moments, "moments"), given.name)
        path = write_material(path, choice, Path(given.out))
    material = load_material(path)
    draw(material, Path(given.out))
    said = ", ".join(f"{element} {charge:+g}" for element, charge in material.charges.items())
    log.info("%s: %s, %g formula units a cell, mobile %s, charges %s", path, material.formula,
             material.units_per_cell, material.mobile, said)


if __name__ == "__main__":
    run(main)
