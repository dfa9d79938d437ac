"""The label engines: `ENGINES`, by the name that ``--engine`` takes.

A new engine is a module with a class of `haven.labels.engines.base.Engine`, and one entry here.
Its library is imported only where it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import TYPE_CHECKING

from haven.core.errors import HavenError

if TYPE_CHECKING:
    from haven.labels.engines.base import Engine, LabelSettings
    from haven.material.crystal import Material


@dataclass(frozen=True)
class Kind:
    """One engine.

    Attributes
    ----------
    make
        Opens the engine for a material with its settings; its files go into the folder given.
    needs
        What a user must have for it, in words; empty for the engine that Haven installs.
    environment
        Environment variables that decide what it computes: labels that were begun with other values
        of them are not continued.
    """

    make: Callable[[Material, LabelSettings, Path], Engine]
    needs: str = ""
    environment: tuple[str, ...] = ()


def _gpaw(material: Material, settings: LabelSettings, folder: Path) -> Engine:
    from haven.labels.engines.gpaw import Gpaw

    try:
        return Gpaw(material, settings, folder / "gpaw.txt")
    except PackageNotFoundError as error:
        raise HavenError("the engine gpaw is not installed: ./haven setup --labels compiles it"
                         ) from error


def _vasp(material: Material, settings: LabelSettings, folder: Path) -> Engine:
    from haven.labels.engines.vasp import Vasp

    return Vasp(material, settings, folder / "vasp")


ENGINES: dict[str, Kind] = {
    "gpaw": Kind(_gpaw),
    "vasp": Kind(_vasp, "vasp needs the program (HAVEN_VASP) and its VASP_PP_PATH",
                 ("HAVEN_VASP", "VASP_PP_PATH")),
}
