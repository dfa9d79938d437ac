"""Command-line options of a training, the same for every script that trains."""

from __future__ import annotations

import argparse
from dataclasses import asdict, replace

from haven import potential


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add every option of `haven.potential.Settings`, backend, compression and checkpoints."""
    default = potential.Settings()
    parser.add_argument("--embedding", default="10,20,40", help="neurons of the embedding network")
    parser.add_argument("--fitting", default="64,64,64", help="neurons of the fitting network")
    for name in ("seed", "training_steps", "batch_size", "decay_steps", "axis_neurons"):
        parser.add_argument(f"--{name}", type=int, default=getattr(default, name), help=" ")
    for name in ("cutoff_angstrom", "smooth_angstrom", "learning_rate_start",
                 "learning_rate_stop"):
        parser.add_argument(f"--{name}", type=float, default=getattr(default, name), help=" ")
    parser.add_argument("--type_one_side", action="store_true",
                        help="an embedding network a neighbour's kind, not a pair of kinds")
    parser.add_argument("--precision", choices=("float32", "float64"), default=default.precision,
                        help="of network and descriptor")
    parser.add_argument("--backend", choices=sorted(potential.SUFFIX), default="tensorflow",
                        help="library that trains")
    parser.add_argument("--compress", action="store_true", help="tabulate the embedding network")
    parser.add_argument("--threads", type=int, default=1, help="processor threads")
    parser.add_argument("--checkpoint_dir", help="folder for checkpoints that a retry goes on from")


def settings_of(args: argparse.Namespace) -> potential.Settings:
    """Return the settings that the options of `add_options` say."""
    default = potential.Settings()
    widths = {name: potential.widths(name, getattr(args, name))
              for name in ("embedding", "fitting")}
    return replace(default, **{
        k: v for k, v in {**vars(args), **widths}.items() if k in asdict(default)})
