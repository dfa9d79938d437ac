"""How a deep potential of DeePMD-kit is trained: settings, and the backends' names and files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from haven.core.options import option
from haven.potential.families.deepmd.files import COMPILED
from haven.potential.families.deepmd.input import DESCRIPTORS

SUFFIX = {"tensorflow": ".pb", "pytorch": ".pth", "jax": ".hlo"}
COMPRESSED = ("tensorflow", "pytorch")  # backends whose networks se_e2_a are tabulated
FLAG = {"tensorflow": "--tf", "pytorch": "--pt", "jax": "--jax"}
PARTS = {"tensorflow": (".index", ".meta", ".data-00000-of-00001"),  # of a checkpoint
         "pytorch": (".pt",), "jax": (".jax",)}
ACTIVATIONS = ("gelu", "tanh")
BATCH = r"[1-9][0-9]*|auto(:[1-9][0-9]*)?"
# embedding/fitting/cutoff/precision, each group one of them
NETWORK_PATTERN = (r"([1-9][0-9]*(?:-[1-9][0-9]*)*)/([1-9][0-9]*(?:-[1-9][0-9]*)*)"
                   r"/([0-9]+(?:\.[0-9]+)?)/(float32|float64)")
MODULE = {"tensorflow": "tensorflow", "pytorch": "torch", "jax": "jax"}


def backend_of(model: str | Path) -> str:
    """Return the backend that a potential's file name tells, TensorFlow for one not known.

    >>> backend_of("u4_s1.pth")
    'pytorch'
    """
    named = {suffix: backend for backend, suffix in SUFFIX.items()} | {COMPILED: "pytorch"}
    return named.get(Path(model).suffix, "tensorflow")


def loss_pairs(weights: tuple[float, ...]) -> tuple[tuple[float, float], ...]:
    """Return the loss's six weights in pairs, start and end, of energy, force and virial."""
    return tuple(zip(weights[::2], weights[1::2], strict=True))


@dataclass(frozen=True)
class DeepmdSettings:
    """How a potential is trained.

    Attributes
    ----------
    training_steps
        Steps of the optimiser (Adam).
    batch_size
        Frames of one atom list in a step, or DeePMD-kit's ``auto:N``: as many as hold N atoms.
    cutoff_angstrom, smooth_angstrom
        Where the descriptor ends, and where it begins to be switched off.
    descriptor
        DeePMD-kit's name: ``se_e2_a``, or ``dpa4``, equivariant messages between neighbours.
    degree, channels, blocks
        Of ``dpa4``: highest angular momentum, width, and rounds of messages.
    embedding, fitting
        Neurons of each layer of the embedding and of the fitting network; only of ``se_e2_a``.
    fitting_activation
        Activation of the fitting network: one of ``ACTIVATIONS``, which are smooth, as forces need;
        only of ``se_e2_a``.
    axis_neurons
        Columns of the embedding matrix that make the second index of the descriptor; only of
        ``se_e2_a``.
    type_one_side
        One embedding network for each element of the neighbour, not for each pair of elements, as
        DeePMD-kit names it; only of ``se_e2_a``. Each element of the central atom still has its own
        fitting network.
    learning_rate_start, learning_rate_stop, decay_steps
        Exponential decay from start to stop in stairs of ``decay_steps``; with ``dpa4`` the start's
        rate for a third of the steps, then half a cosine.
    prefactors
        Loss weights of energy, force and virial, each at the start and at the end.
    precision
        ``float32`` or ``float64``.
    seed
        Seed of network, batches and everything else random.
    """

    training_steps: int = option(20_000, "training steps", least=1, most=100_000_000)
    batch_size: int | str = option(
        1, "frames in a batch: a number, or auto:N for at least N atoms", least=1,
        pattern=BATCH, example="1 or auto:32")
    cutoff_angstrom: float = option(6.0, "cutoff of the descriptor", unit="Angstrom", least=3,
                                    most=12)
    smooth_angstrom: float = option(
        0.5, "distance at which the descriptor begins to be switched off", unit="Angstrom",
        above=0, most=12, pipeline=False)
    descriptor: str = option(
        "se_e2_a", "kind of network: se_e2_a (fast), or dpa4, equivariant messages (profile "
        "equivariant; PyTorch, for GPUs)", choices=DESCRIPTORS,
        more="embedding, axis_neurons, fitting, fitting_activation, decay_steps and type_one_side "
        "are of se_e2_a, degree, channels and blocks of dpa4")
    degree: int = option(2, "highest angular momentum of dpa4's features", least=1, most=6)
    channels: int = option(32, "channels of each of dpa4's features", least=8, most=1024)
    blocks: int = option(2, "rounds of messages between dpa4's neighbours, each reaching one "
                         "cutoff farther", least=1, most=12)
    embedding: tuple[int, ...] = option((10, 20, 40), "neurons of the embedding network",
                                        least=1, most=2000)
    axis_neurons: int = option(
        8, "columns of the embedding matrix that make the second index of the descriptor; at most "
        "the last of embedding", least=1, most=100)
    type_one_side: bool = option(
        True, "one embedding network for each element of the neighbour, not for each pair of "
        "elements")
    fitting: tuple[int, ...] = option((64, 64, 64), "neurons of the fitting network", least=1,
                                      most=2000)
    fitting_activation: str = option("tanh", "activation of the fitting network",
                                     choices=ACTIVATIONS)
    learning_rate_start: float = option(5e-3, "learning rate at the start", above=0, most=0.1)
    learning_rate_stop: float = option(1e-5, "learning rate at the end", above=0, most=0.1)
    decay_steps: int = option(200, "steps between decays of the learning rate", least=1,
                              most=10_000_000)
    prefactors: tuple[
        tuple[float, float], tuple[float, float], tuple[float, float]
    ] = option(((0.02, 1.0), (1000.0, 100.0), (1.0, 1.0)),
               "weights of energy, force and virial in the loss, each at the start and at the end",
               least=0, parse=loss_pairs)
    precision: str = option("float32", "precision of the network", choices=("float32", "float64"))
    seed: int = option(1, "seed of network, batches and everything else random", least=0,
                       most=2_000_000_000, pipeline=False)
