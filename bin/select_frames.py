#!/usr/bin/env python3
"""Choose frames of trajectories that are worth labelling, and write them as frames to label."""

from __future__ import annotations

import json
from pathlib import Path

from haven.cli import HavenError, existing, log, parser, run


def main(argv: list[str] | None = None) -> None:
    """Read trajectories, choose unlike frames of each, write one extxyz a trajectory."""
    arguments = parser(__doc__)
    arguments.add_argument("--trajectories", nargs="+", required=True, help="trajectory.npz files")
    arguments.add_argument("--frames_per_trajectory", type=int, default=3)
    arguments.add_argument("--name", default="d1", help="prefix of the new trajectories' names")
    arguments.add_argument("--out", default="structures", help="folder for the chosen frames")
    given = arguments.parse_args(argv)

    import numpy as np
    from ase import Atoms
    from ase.io import write

    from haven.selection import select

    out = Path(given.out)
    out.mkdir(parents=True, exist_ok=True)
    for path in given.trajectories:
        with np.load(existing(path, "trajectory"), allow_pickle=False) as data:
            meta = json.loads(str(data["meta"]))
            cell, symbols = data["cell_angstrom"], [str(s) for s in data["symbols"]]
            frames = [Atoms(symbols, positions=xyz, cell=cell, pbc=True)
                      for xyz in data["all_angstrom"].astype(float)]
        if len(frames) < given.frames_per_trajectory:
            raise HavenError(f"{path} holds {len(frames)} frames of all atoms, "
                             f"fewer than --frames_per_trajectory {given.frames_per_trajectory}")
        name = f"{given.name}_{Path(path).name.split('.trajectory')[0].replace('.', 'p')}"
        chosen = sorted(select(frames, given.frames_per_trajectory))
        for number, index in enumerate(chosen):
            frames[index].info = {"trajectory": name, "frame": number, "origin": "dynamics",
                                  "temperature_k": float(meta["temperature_k"])}
            frames[index].wrap()
        write(out / f"{name}.extxyz", [frames[index] for index in chosen])
        log.info("%s: chose frames %s of %d", path, chosen, len(frames))


if __name__ == "__main__":
    run(main)
