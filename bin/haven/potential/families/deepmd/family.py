"""Deep potentials of DeePMD-kit, frozen by any of its backends."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from haven.core import tasks
from haven.core.errors import HavenError
from haven.potential.families.base import Evaluator, Predictions, Summary, Wall, wall_lines

if TYPE_CHECKING:
    from ase import Atoms

SUFFIXES = (".pb", ".pth", ".pt2", ".hlo", ".savedmodel", ".dp")


class Deepmd:
    """DeePMD-kit: LAMMPS by its plugin, ASE and predictions by its Python library."""

    name = "deepmd"
    suffixes = SUFFIXES

    def check(self, path: Path, species: Sequence[str]) -> None:
        """See `haven.potential.families.base.Family`."""
        from haven.potential.families.deepmd.model_file import check_potential

        check_potential(path, species)

    def check_ensemble(self, paths: Sequence[Path], species: Sequence[str]) -> None:
        """See `haven.potential.families.base.Family`."""
        from haven.potential.families.deepmd.model_file import check_ensemble

        check_ensemble(paths, species)

    def check_structure(self, path: Path, atoms: Atoms) -> None:
        """Warn where an atom has more neighbours than the network has places for."""
        from haven.potential.families.deepmd.model_file import crowded, read_description

        if path.is_file() and (found := read_description(path)) is not None:
            crowded(atoms, found)

    def require_gpu(self, path: Path) -> str:
        """See `haven.potential.families.base.Family`; the backend's library must have CUDA."""
        from haven.potential.families.deepmd.settings import backend_of

        return tasks.require_gpu(backend_of(path))

    def summarise(self, path: Path) -> Summary:
        """See `haven.potential.families.base.Family`."""
        from haven.potential.families.deepmd.summary import summarise

        return summarise(path)

    def divert_messages(self, path: Path) -> None:
        """See `haven.potential.families.base.Family`."""
        from haven.potential.families.deepmd.process import divert_messages

        divert_messages(path)

    def calculator(self, path: Path) -> tuple[Any, Sequence[str]]:
        """See `haven.potential.families.base.Family`."""
        from deepmd.calculator import DP

        from haven.potential.families.deepmd.graph import check_graph

        check_graph(path)
        try:
            made = DP(path)
        except Exception as error:
            raise HavenError(f"potential {path} can't be loaded: {error}") from error
        return made, list(made.type_dict)

    def evaluator(self, path: Path) -> Evaluator:
        """See `haven.potential.families.base.Family`."""
        from haven.potential.families.deepmd.compression import open_potential
        from haven.potential.families.deepmd.graph import check_graph

        check_graph(path)
        return Opened(open_potential(path))

    def install(self, path: Path, folder: Path, number: int) -> str:
        """Link the file under a name free of spaces, always the same."""
        link = folder / f"potential{number}{path.suffix}"
        link.unlink(missing_ok=True)
        link.symlink_to(path.resolve())
        return link.name

    def pair_lines(
        self, names: Sequence[str], species: Sequence[str], deviation: tuple[str, int] | None,
        walls: Sequence[Wall], wall_ev: float,
    ) -> list[str]:
        """See `haven.potential.families.base.Family`."""
        style, elements = "deepmd " + " ".join(names), " ".join(species)
        if deviation is not None and len(names) > 1:
            style += f" out_file {deviation[0]} out_freq {deviation[1]}"
        if not walls:
            return [f"pair_style {style}", f"pair_coeff * * {elements}"]
        return [f"pair_style hybrid/overlay {style} soft 1.0",
                f"pair_coeff * * deepmd {elements}", *wall_lines(species, walls, wall_ev)]

    def environment(self, variables: dict[str, str], threads: int) -> None:
        """Name the plugin and the libraries it needs, found without importing them.

        LAMMPS then starts in a tenth of a second, its Python wrapper in ten.
        """
        folders: list[Path] = []
        if (tensorflow := tasks.package_folder("tensorflow")) is not None:
            folders += [tensorflow, tensorflow / "python"]
        if (torch := tasks.package_folder("torch")) is not None:
            folders.append(torch / "lib")
        if (deepmd := tasks.package_folder("deepmd")) is not None:
            folders.append(deepmd / "lib")
            plugins = [str(deepmd / "lib"), variables.get("LAMMPS_PLUGIN_PATH", "")]
            variables["LAMMPS_PLUGIN_PATH"] = ":".join(filter(None, plugins))
        if (nvidia := tasks.package_folder("nvidia")) is not None:
            folders += sorted(nvidia.glob("*/lib"))
        kept = variables.get("LD_LIBRARY_PATH", "")
        variables["LD_LIBRARY_PATH"] = ":".join([*map(str, folders), *filter(None, [kept])])
        variables |= {"DP_INTRA_OP_PARALLELISM_THREADS": str(threads),
                      "DP_INTER_OP_PARALLELISM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}

    def read_deviation(self, path: Path) -> np.ndarray:
        """Return step and largest force deviation of the whole lines of the plugin's file."""
        lines = path.read_text().splitlines(keepends=True)
        rows = [line.split() for line in lines if line.endswith("\n") and line[0] != "#"]
        return np.array([[float(r[0]), float(r[4])] for r in rows if len(r) >= 7]).reshape(-1, 2)


class Opened:
    """DeePMD-kit's evaluator as `haven.potential.families.base.Evaluator`."""

    def __init__(self, potential: Any) -> None:
        self.potential = potential
        self.elements: list[str] = list(potential.get_type_map())

    def predict(self, coords: np.ndarray, cells: np.ndarray, types: np.ndarray) -> Predictions:
        """See `haven.potential.families.base.Evaluator`."""
        from haven.potential.families.deepmd.compression import predict

        return predict(self.potential, coords, cells, types)
