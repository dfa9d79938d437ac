"""Training deep potentials, as `haven.potential.families.base.Training` has it."""

from __future__ import annotations

import argparse
import importlib.metadata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from haven.core import tasks
from haven.core.options import Operation, add_declared, read_options
from haven.potential.families.deepmd.files import WEIGHTS
from haven.potential.families.deepmd.input import described
from haven.potential.families.deepmd.options import Build
from haven.potential.families.deepmd.settings import NETWORK_PATTERN, DeepmdSettings

if TYPE_CHECKING:
    from haven.material.crystal import Material


@dataclass(frozen=True)
class DeepmdTraining:
    """One training; see `haven.potential.families.base.Training`.

    Attributes
    ----------
    settings
        Network, loss and learning rate.
    backend
        ``tensorflow``, ``pytorch`` or ``jax``.
    compressed
        Whether the frozen potential is compressed.
    threads
        Processor threads.
    """

    settings: DeepmdSettings
    backend: str
    compressed: bool
    threads: int

    @property
    def seed(self) -> int:
        """See `haven.potential.families.base.Training`."""
        return self.settings.seed

    @property
    def steps(self) -> int:
        """See `haven.potential.families.base.Training`."""
        return self.settings.training_steps

    @property
    def cutoff_angstrom(self) -> float:
        """See `haven.potential.families.base.Training`."""
        return self.settings.cutoff_angstrom

    def described(self) -> dict[str, Any]:
        """See `haven.potential.families.base.Training`."""
        return described(self.settings)

    def identity(self, more: str = "") -> tuple[str, ...]:
        """See `haven.potential.families.base.Training`."""
        return self.backend, more, str(self.compressed)

    def require_gpu(self) -> str:
        """See `haven.potential.families.base.Training`."""
        return tasks.require_gpu(self.backend)

    def check(self, dataset: Mapping[str, Any], species: Sequence[str], u_ev: float) -> None:
        """See `haven.potential.families.base.Training`."""
        from haven.potential.families.deepmd.train import check_training

        check_training(self.settings, dict(dataset), list(species), u_ev, self.backend)

    def choose_start(self, folder: str | Path, u_ev: float, species: Sequence[str]) -> Path:
        """See `haven.potential.families.base.Training`."""
        from haven.potential.families.deepmd.start import choose_start

        return choose_start(folder, u_ev, self.seed, species, self.settings.descriptor)

    def prepare(self, folder: Path) -> None:
        """See `haven.potential.families.base.Training`."""
        from haven.potential.families.deepmd.process import divert_messages

        tasks.set_threads(self.threads)
        divert_messages(folder / "engine.log")

    def make(self, folder: Path, dataset: Mapping[str, Any], init: Path | None) -> dict[str, Any]:
        """See `haven.potential.families.base.Training`."""
        from haven.potential.families.deepmd.train import make

        return make(folder, self.settings, dict(dataset), self.backend, init, self.compressed)

    def curve(self, folder: Path) -> Path:
        """See `haven.potential.families.base.Training`."""
        return folder / "lcurve.out"

    def weights(self, folder: Path) -> Path | None:
        """Return the weights of an equivariant network, which other machines can freeze."""
        return folder / f"frozen{WEIGHTS}" if self.settings.descriptor == "dpa4" else None

    def about(self) -> dict[str, Any]:
        """See `haven.potential.families.base.Training`."""
        return {"backend": self.backend, "threads": self.threads,
                "versions": {n: importlib.metadata.version(n) for n in ("deepmd-kit", "numpy")}}


class DeepmdTrainer:
    """Deep potentials are trained by DeePMD-kit; see `haven.potential.families.base.Trainer`."""

    name = "deepmd"
    options = (DeepmdSettings, Build)
    build = Build
    network_pattern = NETWORK_PATTERN

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """See `haven.potential.families.base.Trainer`."""
        for declaration in self.options:
            add_declared(parser, declaration)
        add_declared(parser, Operation, "threads", "gpu", "checkpoint_dir")

    def read(self, args: argparse.Namespace) -> DeepmdTraining:
        """See `haven.potential.families.base.Trainer`."""
        return DeepmdTraining(read_options(DeepmdSettings, args), args.backend, args.compress,
                              args.threads)

    def words(self, settings: Mapping[str, Any]) -> str:
        """See `haven.potential.families.base.Trainer`."""
        from haven.potential.families.deepmd.summary import trained_network

        return trained_network(settings)

    def hardly_trained(self, network: str, dataset: dict[str, Any], folder: Path) -> list[Path]:
        """See `haven.potential.families.base.Trainer`; as it is, and compressed."""
        from haven.potential.families.deepmd.timed import hardly_trained

        return hardly_trained(network, dataset, folder)

    def make_ready(
        self, given: Path, folder: Path, name: str, material: Material, compress: bool, gpu: bool
    ) -> None:
        """See `haven.potential.families.base.Trainer`."""
        from haven.potential.families.deepmd.given import make_ready

        make_ready(given, folder, name, material, compress, gpu)
