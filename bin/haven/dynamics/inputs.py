"""What every script of dynamics needs first: its checked inputs, and its folder of checkpoints."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from haven.core import tasks
from haven.core.errors import HavenError
from haven.core.identity import sha256
from haven.dynamics.job import Job, key_of_run
from haven.dynamics.orders import nearest_order
from haven.material.file import load_material
from haven.material.structures import read_structure, read_structures, walls_of
from haven.potential.coverage import Coverage, read_coverage
from haven.potential.families import check_ensemble, require_gpu

if TYPE_CHECKING:
    from ase import Atoms

    from haven.material.crystal import Material

HOTTEST_K = 5000.0  # beyond which a run counts as exploded: no crystal is there
HOTTEST_RATIO = 5  # of the temperature asked for, where that is more: small cells fluctuate


@dataclass(frozen=True)
class DynamicsInputs:
    """Inputs of a run with a potential, read and checked.

    Attributes
    ----------
    material
        The material.
    atoms
        The structure to start from.
    potentials
        Frozen potentials of one ensemble; the first one drives.
    walls
        Pairs of elements and the distance, Angstrom, below which a soft repulsion acts.
    structure_sha256, potentials_sha256
        Digests of the files.
    covered
        What the driving potential's labels cover; None where it is not known.
    """

    material: Material
    atoms: Atoms
    potentials: tuple[Path, ...]
    walls: tuple[tuple[str, str, float], ...]
    structure_sha256: str
    potentials_sha256: tuple[str, ...]
    covered: Coverage | None = None

    @property
    def driving(self) -> Path:
        """The potential whose forces move the atoms."""
        return self.potentials[0]

    @property
    def digests(self) -> dict[str, str]:
        """Digests of structure and driving potential, for the metadata of tables."""
        return {"structure": self.structure_sha256, "potential": self.potentials_sha256[0]}

    def check_volume(self, atoms: Atoms) -> None:
        """Refuse atoms in a cell whose volume is far from those of the potential's labels.

        Raises
        ------
        HavenError
            If it is outside `haven.potential.coverage.Coverage.volumes`, where that is known.
        """
        if self.covered is None:
            return
        each, count = atoms.get_volume() / len(atoms), len(atoms)
        low, high = (volume / count for volume in self.covered.volumes(count))
        if not low <= each <= high:
            raise HavenError(
                f"the cell of the dynamics has {each:.1f} cubic Angstrom an atom, outside the "
                f"{low:.1f} to {high:.1f} near the labels of {self.covered.source}: give a cell "
                "nearer to them (--cell, --structure), or label such cells and train again")

    def job(
        self, args: argparse.Namespace, temperature_k: float, *, velocity_seed: int,
        equilibration_steps: int = 0, production_steps: int, dump_steps: int, all_every: int = 1,
        pressure_gpa: float | None = None, start_volume: float = 0.0,
    ) -> Job:
        """Return a run with the time step, damping and task options of a script's command line.

        Parameters
        ----------
        args
            With ``timestep_fs``, ``damping_fs``, ``checkpoint_minutes`` and ``threads``.
        temperature_k
            Of the run; what follows are fields of `haven.dynamics.job.Job`.
        velocity_seed, equilibration_steps, production_steps, dump_steps, all_every
            See there.
        pressure_gpa, start_volume
            See there.
        """
        if self.covered is not None:
            option = "temperature_k" if hasattr(args, "temperature_k") else "anneal_temperature_k"
            self.covered.check_temperature(temperature_k, option)
        return Job(
            temperature_k, args.timestep_fs, args.damping_fs, equilibration_steps,
            production_steps, dump_steps, all_every, velocity_seed, (), self.material.species,
            self.material.mobile, args.checkpoint_minutes, args.threads,
            max(HOTTEST_K, HOTTEST_RATIO * temperature_k), self.walls, pressure_gpa, start_volume,
            self.material.beside)


def read_inputs(
    args: argparse.Namespace, potentials: Sequence[str | Path], temperature_k: float | None = None,
) -> DynamicsInputs:
    """Read and check the inputs of a run.

    Parameters
    ----------
    args
        With ``material``, a file; ``structure``, of its elements, in any format of ASE; ``u_ev``,
        Hubbard U of the potentials, eV; and ``gpu``, whether the run must use one.
    potentials
        Frozen potentials that run side by side.
    temperature_k
        Of a run that starts from the order of an anneal that is nearest to it; None: the one of
        lowest energy.

    Raises
    ------
    HavenError
        Where a file is missing, damaged or of something else, potentials are no ensemble or of
        another U, or a GPU is asked for and there is none.
    """
    if args.gpu:
        require_gpu(potentials[0])
    read = load_material(args.material)
    atoms = (read_structure(args.structure, read.species) if temperature_k is None
             else nearest_order(read_structures(args.structure, read.species), temperature_k))
    check_ensemble(potentials, read.species, args.u_ev)
    paths = tuple(map(Path, potentials))
    return DynamicsInputs(read, atoms, paths, walls_of(read), sha256(args.structure),
                          tuple(map(sha256, paths)), read_coverage(paths[0]))


@contextlib.contextmanager
def checkpoints(
    job: Job, given: DynamicsInputs, name: str, args: argparse.Namespace, start: str = ""
) -> Iterator[Path]:
    """Lock the folder of a run's checkpoints; remove it at the end if no folder was asked for.

    Parameters
    ----------
    job
        The run, without potentials.
    given
        Its inputs: their digests and the job make the folder's name.
    name
        Of the run, such as ``u4_t298_r0``: the beginning of the folder's name.
    args
        With ``out`` and ``checkpoint_dir``, where runs are kept if given.
    start
        Anything else about the start that decides the run.
    """
    place = Path(args.checkpoint_dir or Path(args.out) / "checkpoints").resolve()
    digests = replace(job, potentials=given.potentials_sha256)
    folder = place / f"{name}_{key_of_run(digests, given.structure_sha256 + start)}"
    folder.mkdir(parents=True, exist_ok=True)
    with tasks.alone(folder):
        yield folder
        if not args.checkpoint_dir:
            tasks.remove(folder)
