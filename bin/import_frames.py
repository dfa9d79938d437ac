#!/usr/bin/env python3
"""Turn labelled frames of other programs into checked extxyz files, one for each U."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from haven.core.errors import HavenError, existing, run
from haven.core.options import add_declared, parser
from haven.labels.audit import Limits
from haven.labels.options import Import


def sources_of(
    texts: Sequence[str], names: str | None, folder: str | None
) -> tuple[list[tuple[Path, str]], set[str]]:
    """Return each source's path and its name as the user knows it, and names that were searched.

    Parameters
    ----------
    texts
        ``PATH`` or ``NAME=PATH``; either may hold further ``=``.
    names
        JSON file with a list of names, whose sources lie in ``folder``. A name that stands in a
        list of its own, ``["u4/OUTCAR"]``, was given by the user; the others were found by a search
        of a folder.
    folder
        Holds folders ``1``, ``2``, .. with one source each, in the order of the names.

    Raises
    ------
    HavenError
        If there is no source, or names and folder do not belong together.
    """
    found: list[tuple[Path, str]] = []
    searched: set[str] = set()
    for text in texts:
        splits = [(Path(text), text)] + [
            (Path(text[i + 1:]), text[:i]) for i, letter in enumerate(text) if letter == "="]
        found.append(next((pair for pair in splits if pair[0].exists()), splits[0]))
    if (names is None) != (folder is None):
        raise HavenError("--names and --given belong together: give both, or sources alone")
    if names is not None and folder is not None:
        for number, name in enumerate(_names(names), 1):
            held = list(existing(Path(folder) / str(number), "folder of a source").iterdir())
            if len(held) != 1:
                raise HavenError(f"{folder}/{number} holds {len(held)} sources, not the one named "
                                 f"{name}")
            told = isinstance(name, list)
            found.append((held[0], str(name[0] if told else name)))
            searched |= set() if told else {str(name)}
    if not found:
        raise HavenError("no source is given: name files or folders of labelled frames")
    return found, searched


def _names(path: str) -> list[str | list[str]]:
    """Return the list of names that a JSON file holds."""
    try:
        held = json.loads(existing(path, "list of names").read_text())
    except ValueError as error:
        raise HavenError(f"list of names {path} is no JSON ({error}): write it anew") from error
    if not isinstance(held, list) or not all(
            isinstance(one, str) or (isinstance(one, list) and len(one) == 1
                                     and isinstance(one[0], str)) for one in held):
        raise HavenError(f"list of names {path} is no list of texts: write it as "
                         '["u4/OUTCAR", ["named.extxyz"]]')
    return held


def main(argv: list[str] | None = None) -> None:
    """Read each source, refuse what would poison a potential, write the rest."""
    options = parser(__doc__)
    options.add_argument("--material", required=True, help="material file")
    options.add_argument("--out", default="frames", help="folder for the frames")
    options.add_argument("--names", help="JSON list: the sources' own names, in order; one "
                         "that was given by name, not found in a folder, in a list of its own")
    options.add_argument("--given", help="folder that holds each of --names in a folder 1, 2, ..")
    add_declared(options, Import)
    add_declared(options, Limits, "max_stress_gpa")
    options.add_argument("sources", nargs="*", metavar="[NAME=]PATH",
                         help="OUTCAR, vasprun.xml, output of GPAW, Quantum ESPRESSO or CP2K, "
                              "extxyz, traj, gpw, deepmd/npy folder; NAME names it elsewhere")
    given = options.parse_args(argv)

    from haven.labels.frames.reading import read_folder, us_in_names
    from haven.labels.importing import import_all
    from haven.material.file import load_material

    material = load_material(given.material)
    out = Path(given.out)
    out.mkdir(parents=True, exist_ok=True)
    sources, searched = sources_of(given.sources, given.names, given.given)
    import_all(sources, material, out, given.skip_bad, given.max_stress_gpa, searched)
    for u_ev in us_in_names(out):
        read_folder(out, u_ev, material.species, given.max_stress_gpa)


if __name__ == "__main__":
    run(main)
