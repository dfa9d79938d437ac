#!/usr/bin/env python3
"""Freeze the weights of an equivariant potential for the machine that this runs on."""

from __future__ import annotations

from pathlib import Path

from haven.core import options
from haven.core import tasks as guard
from haven.core.errors import existing, run
from haven.potential.families import check_undamaged
from haven.potential.families.deepmd import files as weights
from haven.potential.families.deepmd import process as engine


def main(argv: list[str] | None = None) -> None:
    """Write NAME.pt2."""
    parser = options.parser(__doc__)
    parser.add_argument("--weights", required=True, help="u4_s1.pt, left by train_potential.py")
    parser.add_argument("--name", required=True, help="name of the file to write, without its end")
    options.add(parser, options.Operation, "threads", "gpu")
    parser.add_argument("--out", default=".", help="folder for the result")
    args = parser.parse_args(argv)

    source, out = existing(args.weights, "weights"), Path(args.out)
    check_undamaged(source)
    if args.gpu:
        guard.require_gpu("pytorch")
    weights.require_packages()
    out.mkdir(parents=True, exist_ok=True)
    guard.set_threads(args.threads)
    engine.divert_messages(out / "engine.log")
    weights.compile_weights(source, out / f"{args.name}{weights.COMPILED}")


if __name__ == "__main__":
    run(main)
