"""Command-line options of a training, the same for every script that trains."""

from __future__ import annotations

import argparse
from dataclasses import asdict, replace

from haven.core.errors import HavenError
from haven.potential import training as potential
from haven.potential.families.deepmd.input import DESCRIPTORS


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add options of `haven.potential.training.Settings`, backend, compression, checkpoints."""
    default = potential.Settings()
    parser.add_argument("--embedding", default="10,20,40", help="neurons of the embedding network")
    parser.add_argument("--fitting", default="64,64,64", help="neurons of the fitting network")
    parser.add_argument("--batch_size", default=str(default.batch_size),
                        help="frames in a batch, or auto:N for at least N atoms")
    parser.add_argument("--descriptor", choices=DESCRIPTORS, default=default.descriptor,
                        help="kind of network")
    for name in ("seed", "training_steps", "decay_steps", "axis_neurons", "degree", "channels",
                 "blocks"):
        parser.add_argument(f"--{name}", type=int, default=getattr(default, name), help=" ")
    for name in ("cutoff_angstrom", "smooth_angstrom", "learning_rate_start",
                 "learning_rate_stop"):
        parser.add_argument(f"--{name}", type=float, default=getattr(default, name), help=" ")
    parser.add_argument("--fitting_activation", choices=potential.ACTIVATIONS,
                        default=default.fitting_activation, help="of the fitting network")
    parser.add_argument("--type_one_side", action="store_true",
                        help="an embedding network a neighbour's kind, not a pair of kinds")
    parser.add_argument("--prefactors", default=",".join(
        f"{weight:g}" for pair in default.prefactors for weight in pair),
        help="weights of energy, force and virial in the loss, each at the start and at the end")
    parser.add_argument("--precision", choices=("float32", "float64"), default=default.precision,
                        help="of network and descriptor")
    parser.add_argument("--backend", choices=sorted(potential.SUFFIX), default="tensorflow",
                        help="library that trains")
    parser.add_argument("--compress", action="store_true", help="tabulate the embedding network")
    parser.add_argument("--threads", type=int, default=1, help="processor threads")
    parser.add_argument("--gpu", action="store_true", help="refuse to run without a GPU")
    parser.add_argument("--checkpoint_dir", help="folder for checkpoints that a retry goes on from")


def settings_of(args: argparse.Namespace) -> potential.Settings:
    """Return the settings that the options of `add_options` say."""
    default = potential.Settings()
    networks = {name: widths(name, getattr(args, name)) for name in ("embedding", "fitting")}
    batch = int(args.batch_size) if args.batch_size.isdecimal() else args.batch_size
    more = {**networks, "prefactors": prefactors(args.prefactors), "batch_size": batch}
    return replace(default, **{
        k: v for k, v in {**vars(args), **more}.items() if k in asdict(default)})


def widths(name: str, text: str) -> tuple[int, ...]:
    """Return a network's layer widths from text such as ``10,20,40``."""
    try:
        found = tuple(int(part) for part in text.split(","))
    except ValueError:
        found = ()
    if not found or min(found) < 1:
        raise HavenError(f"{name} is {text}: give whole numbers joined by commas, such as 10,20,40")
    return found


def prefactors(text: str) -> tuple[tuple[float, float], ...]:
    """Return the loss's weights of energy, force and virial, each at the start and at the end.

    >>> prefactors("0.02,1,1000,100,1,1")
    ((0.02, 1.0), (1000.0, 100.0), (1.0, 1.0))
    """
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        found = []
    if len(found) != 6 or min(found) < 0 or not max(found) < float("inf"):
        raise HavenError(f"prefactors is {text}: give six numbers of at least 0, of energy, force "
                         "and virial, each at the start and the end, such as 0.02,1,1000,100,1,1")
    return ((found[0], found[1]), (found[2], found[3]), (found[4], found[5]))
