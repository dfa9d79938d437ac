#!/usr/bin/env python3
"""Run first-principles dynamics at constant temperature; every step is a labelled frame."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path

from haven.core import options
from haven.core import tasks as guard
from haven.core.errors import HavenError, run
from haven.labels import options as label_options


def main(argv: list[str] | None = None) -> None:
    """Run or go on; write one extxyz file."""
    parser = options.parser(__doc__)
    options.add_given(parser, "material", "u_ev", "temperature_k", "replica",
                      out="folder for the trajectory")
    add = parser.add_argument
    add("--start", required=True, help="a frame of dynamics at this temperature: extxyz, or "
        "Haven's trajectory, of which the last frame is taken")
    options.add_declared(parser, options.Seed)
    options.add_declared(parser, label_options.FirstPrinciplesDynamics)
    options.add_declared(parser, label_options.Thermostat)
    label_options.add_options(parser)
    options.add_declared(parser, options.Operation, "checkpoint_dir")
    args = parser.parse_args(argv)

    from ase.io import write

    from haven.core.reading.images import read_images
    from haven.labels import aimd
    from haven.labels.labelling import check_asked, hamiltonian, make_engine
    from haven.material.file import load_material

    course = aimd.Course(args.u_ev, args.temperature_k, args.aimd_timestep_fs, args.damping_fs,
                         args.aimd_steps, args.seed)
    aimd.check_course(course)
    material = load_material(args.material)
    if material.site_moments:
        raise HavenError(f"moments of {material.name} are by site: first-principles dynamics takes "
                         "one moment an element, which would be another magnetic order")
    start = aimd.read_start(args.start, material.species)
    check_asked(material, [args.u_ev], start.get_chemical_symbols())
    settings = label_options.settings_of(args)
    name, out = f"aimd_t{args.temperature_k:g}_r{args.replica}", Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    engine = make_engine(args.engine, material, settings, out)
    place = Path(args.checkpoint_dir or out / "checkpoints").resolve()
    about = {**asdict(course), **hamiltonian(material, args.engine, engine)}
    key = aimd.key_of_aimd(about, start, settings, engine.version)
    folder = place / f"aimd_u{args.u_ev:g}_{key}"
    folder.mkdir(parents=True, exist_ok=True)
    with guard.alone(folder):
        frames = aimd.go_on_with_aimd(start, engine, course, settings, material.moments, folder,
                                      name)
        target = out / f"{name}.u{args.u_ev:g}.extxyz"
        shutil.copyfile(frames, target)
    if args.aimd_label_every:
        (out / "frames").mkdir(exist_ok=True)
        chosen = read_images(target, "frames of the dynamics")[::args.aimd_label_every]
        aimd.add_pulay(chosen, args.u_ev, settings, lambda further: make_engine(
            args.engine, material, further, out / "pulay"), material.moments)
        write(out / "frames" / target.name, chosen)


if __name__ == "__main__":
    run(main)
