#!/usr/bin/env python3
"""Label the frames of one starting structure from first principles at each Hubbard U."""

from __future__ import annotations

import shutil
from pathlib import Path

from haven.core import tasks as guard
from haven.core.errors import HavenError, run
from haven.core.options import Operation, add_declared, numbers, parser
from haven.labels import options as label_options


def main(argv: list[str] | None = None) -> None:
    """Read frames, label them, write one extxyz file for each U."""
    arguments = parser(__doc__)
    arguments.add_argument("--material", required=True, help="material file")
    arguments.add_argument("--structure", required=True, help="extxyz with the frames to label")
    arguments.add_argument("--u_ev", required=True, help="Hubbard U - J values in eV, such as 0,4")
    label_options.add_options(arguments)
    add_declared(arguments, Operation, "checkpoint_dir")
    arguments.add_argument("--out", default="frames", help="folder for the labelled frames")
    given = arguments.parse_args(argv)

    from haven.labels.labelling import (
        check_asked,
        hamiltonian,
        label_key,
        label_trajectory,
        make_engine,
        to_label,
    )
    from haven.material.file import load_material

    material, settings = load_material(given.material), label_options.settings_of(given)
    u_evs, out, folder = numbers(given.u_ev, None, "u_ev"), Path(given.out), Path(given.out)
    if len(set(u_evs)) < len(u_evs) or not 0 <= min(u_evs) <= max(u_evs) <= 20:
        raise HavenError(f"--u_ev is {given.u_ev}: give values of 0 to 20 eV, each once")
    frames = to_label(given.structure, material.species)
    check_asked(material, u_evs, frames[0].get_chemical_symbols())
    if given.checkpoint_dir:
        maker = make_engine(given.engine, material, settings, out)
        about = {"u_evs": u_evs, **hamiltonian(material, given.engine, maker)}
        key = label_key(about, frames, settings, maker.version)
        folder = (Path(given.checkpoint_dir).resolve()
                  / f"labels_{frames[0].info['trajectory']}_{key}")
        folder.mkdir(parents=True, exist_ok=True)
    out.mkdir(parents=True, exist_ok=True)
    with guard.alone(folder):
        paths = label_trajectory(frames, material, u_evs, settings, folder, engine=given.engine)
        if folder != out:
            for path in paths:
                shutil.copyfile(path, out / path.name)


if __name__ == "__main__":
    run(main)
