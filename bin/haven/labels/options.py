"""Options of the labels' engine and of first-principles dynamics."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from haven.core.options import add_declared, option, read_options
from haven.labels.engines import ENGINES
from haven.labels.engines.base import LabelSettings


@dataclass(frozen=True)
class EngineChoice:
    """The program that labels; its settings are `haven.labels.engines.base.LabelSettings`."""

    engine: str = option("gpaw", "engine of the labels", choices=tuple(ENGINES),
                         more="; ".join(kind.needs for kind in ENGINES.values() if kind.needs))


@dataclass(frozen=True)
class Import:
    """Import of labels that other programs made."""

    skip_bad: bool = option(
        False, "go on without given outputs of other programs that are refused; each is named")


@dataclass(frozen=True)
class Thermostat:
    """The thermostat of every kind of dynamics."""

    damping_fs: float = option(100.0, "damping time of the Nose-Hoover thermostat", unit="fs",
                               above=0, most=100_000)


@dataclass(frozen=True)
class FirstPrinciplesDynamics:
    """First-principles dynamics of one conventional cell."""

    aimd_steps: int = option(150, "steps of the first-principles dynamics", least=1,
                             most=10_000_000)
    aimd_timestep_fs: float = option(2.0, "time step of the first-principles dynamics", unit="fs",
                                     above=0, most=10)
    aimd_label_every: int = option(
        0, "every so many steps a frame of the first-principles dynamics also goes into "
        "results/frames, for later trainings; 0: none", least=0, most=1_000_000)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the engine and its settings (`haven.labels.engines.base.LabelSettings`)."""
    add_declared(parser, EngineChoice)
    add_declared(parser, LabelSettings)


def settings_of(args: argparse.Namespace) -> LabelSettings:
    """Return the settings that the options say."""
    return read_options(LabelSettings, args)
