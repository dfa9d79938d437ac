#!/usr/bin/env python3
"""Freeze the weights of an equivariant potential for the machine that this runs on."""

from __future__ import annotations

from pathlib import Path

from haven.core import options, tasks
from haven.core.errors import existing, run
from haven.potential.families import check_undamaged, trainer


def main(argv: list[str] | None = None) -> None:
    """Write NAME.pt2."""
    parser = options.parser(__doc__)
    parser.add_argument("--weights", required=True, help="u4_s1.pt, left by train_potential.py")
    parser.add_argument("--name", required=True, help="name of the file to write, without its end")
    options.add(parser, options.Operation, "threads", "gpu")
    parser.add_argument("--out", default=".", help="folder for the result")
    args = parser.parse_args(argv)

    source = existing(args.weights, "weights")
    check_undamaged(source)
    tasks.set_threads(args.threads)
    trainer().compile(source, Path(args.out), args.name, args.gpu)


if __name__ == "__main__":
    run(main)
