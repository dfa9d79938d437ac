#!/usr/bin/env python3
"""Make a given potential ready: weights are frozen for this machine, a frozen one is compressed."""

from __future__ import annotations

from pathlib import Path

from haven.core import options, tasks
from haven.core.errors import existing, run
from haven.potential.families import trainer


def main(argv: list[str] | None = None) -> None:
    """Write NAME with the ending of what is made; of one that is compressed, the original too."""
    parser = options.parser(__doc__)
    parser.add_argument("--potential", required=True, help="frozen potential, u4_s1.pb or "
                        "u4_s1.pth, or weights u4_s1.pt, left by train_potential.py")
    parser.add_argument("--material", required=True, help="material file, of whose cells a "
                        "compressed potential is held against the original")
    parser.add_argument("--name", required=True, help="name of the file to write, without its end")
    options.add_declared(parser, trainer().build, "compress")
    options.add_declared(parser, options.Operation, "threads", "gpu")
    parser.add_argument("--out", default=".", help="folder for the result")
    args = parser.parse_args(argv)

    from haven.material.file import load_material

    material, source = load_material(args.material), existing(args.potential, "potential")
    tasks.set_threads(args.threads)
    trainer().make_ready(source, Path(args.out), args.name, material, args.compress, args.gpu)


if __name__ == "__main__":
    run(main)
