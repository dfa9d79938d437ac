"""Weights of equivariant networks, and freezing them for the machine that runs them."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from haven.core.errors import HavenError, brief, log
from haven.potential.families.deepmd.process import dp

COMPILED = ".pt2"  # frozen for the kind of processor or GPU that froze it
WEIGHTS = ".pt"  # for any machine, to be frozen there

PACKAGES = ("torch", "e3nn", "vesin")  # that DeePMD-kit's dpa4 imports


def require_packages(names: tuple[str, ...] = PACKAGES) -> None:
    """Refuse to go on where PyTorch, or what a dpa4 network needs beside it, is not installed."""
    absent = [name for name in names if importlib.util.find_spec(name) is None]
    if absent:
        raise HavenError(f"backend pytorch is not installed, {absent[0]} is missing: "
                         "./haven setup --pytorch")
    compiler = os.environ.get("CXX", "g++")
    if names == PACKAGES and shutil.which(compiler) is None:
        raise HavenError(f"no compiler {compiler}, which a dpa4 network is frozen with: "
                         "sudo apt-get install g++, or name yours in CXX")


def save_weights(checkpoint: Path, target: Path) -> None:
    """Write what a checkpoint of PyTorch holds of the network, without the optimiser's state."""
    torch = importlib.import_module("torch")  # no part of every environment
    network = torch.load(checkpoint, map_location="cpu", weights_only=False)["model"]
    torch.save({"model": network, "optimizer": None}, target)  # DeePMD-kit asks for both


def check_weights(weights: Path) -> None:
    """Refuse weights that hold more than numbers: loading them could run code inside them.

    DeePMD-kit reads weights as a pickle, which may call any function when it is loaded.

    Raises
    ------
    HavenError
        If PyTorch's own restricted loader does not take the file.
    """
    torch = importlib.import_module("torch")
    try:
        torch.load(weights, map_location="cpu", weights_only=True)
    except Exception as error:  # the loader raises whatever it does
        raise HavenError(f"weights {weights} are damaged, or hold more than numbers, which loading "
                         f"would run ({brief(error, 120)}): they are not used"
                         ) from error


@contextlib.contextmanager
def _one_rank() -> Iterator[None]:
    from deepmd.pt.model.descriptor.sezm import DescrptSeZM

    before = DescrptSeZM.supports_edge_parallel
    DescrptSeZM.supports_edge_parallel = lambda _: False
    try:
        yield
    finally:
        DescrptSeZM.supports_edge_parallel = before


def elements_of(weights: Path) -> tuple[str, ...]:
    """Return the elements of a dpa4 network's weights by type; empty where they don't say them.

    Raises
    ------
    HavenError
        If they hold more than numbers, see `check_weights`.
    """
    check_weights(weights)
    torch = importlib.import_module("torch")
    try:
        content = torch.load(weights, map_location="cpu", weights_only=True)
        return tuple(map(str, content["model"]["_extra_state"]["model_params"]["type_map"]))
    except (KeyError, TypeError):
        return ()


def compile_weights(weights: Path, target: Path) -> None:
    """Freeze the weights of a dpa4 network (``.pt``) for this kind of processor or GPU.

    DeePMD-kit compiles a second program for a LAMMPS of several MPI ranks, which takes as long as
    the first. Haven runs one rank with threads or a GPU, and leaves it out.
    """
    check_weights(weights)
    log.info("compiling %s for this machine: a minute or more", weights.name)
    try:
        with _one_rank():
            dp("--pt", "freeze", "-c", str(weights.resolve()), "-o", str(target.resolve()),
               "--log-level", "0")
    except Exception as error:
        raise HavenError(f"{weights} cannot be compiled: {' '.join(str(error).split())[:300]}"
                         ) from error
