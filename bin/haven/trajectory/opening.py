"""Opening trajectories: Haven's container as it is, files of other formats by conversion."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from haven.core.errors import HavenError, brief, existing
from haven.trajectory.checks import check_closest
from haven.trajectory.convert import convert
from haven.trajectory.parts import part_of
from haven.trajectory.readers import Unsaid
from haven.trajectory.spacing import check_spacing
from haven.trajectory.trajectory import DAMAGE, Trajectory, check_trajectory, open_npz
from haven.trajectory.wanted import Wanted


def open_trajectory(
    path: str | Path, species: str | None, scratch: str | Path,
    frame_spacing_ps: float | None = None, type_map: str = "", topology: str | None = None,
    cell_changes: bool = False,
) -> Trajectory:
    """Open one file of one mobile species; see `open_files` for everything else.

    Parameters
    ----------
    path
        npz container, or a file of a reader of `haven.trajectory.readers`.
    species
        Element of the mobile ions; may be left out for a container.
    scratch
        Folder for the container made from another format.
    frame_spacing_ps
        Time between two saved frames, for formats that do not say it.
    type_map
        Elements of LAMMPS types 1, 2, ... in order, where the dump has no ``element`` column.
    topology
        File that names the atoms, for formats of positions alone.
    cell_changes
        Accept a cell that changes: its mean is used.
    """
    elements = tuple(type_map.replace(",", " ").split())
    return open_files([path], scratch, Wanted(
        species=(species,) if species else (), frame_spacing_ps=frame_spacing_ps,
        cell_changes=cell_changes, unsaid=Unsaid(elements, topology)))[0]


def open_files(
    paths: Sequence[str | Path], scratch: str | Path, wanted: Wanted,
) -> list[Trajectory]:
    """Open the files of one run, one after another; return a trajectory for each mobile species.

    Parameters
    ----------
    paths
        Files in the order of time, all npz containers (then one) or all foreign.
    scratch
        Folder for the containers made, and for what of a compressed one is written out.
    wanted
        Which part, and what the files do not say.

    Raises
    ------
    HavenError
        In one line, if a file cannot be read, an option contradicts it, or it cannot give a number.
    """
    sources = [existing(path, "trajectory") for path in paths]
    if wanted.start < 0 or (wanted.stop is not None and wanted.stop <= wanted.start):
        raise HavenError(f"--start {wanted.start} --stop {wanted.stop}: give 0 or more for --start "
                         "and more than it for --stop")
    if wanted.stride < 1:
        raise HavenError(f"--stride {wanted.stride}: give 1 or more")
    given = wanted.frame_spacing_ps
    if given is not None and not 1e-9 < given < 1e9:
        raise HavenError(f"--frame_spacing_ps {given:g}: must be positive, the time between two "
                         "saved frames in ps")
    if any(source.suffix == ".npz" for source in sources):
        return [_container(sources, Path(scratch), wanted)]
    if not wanted.species:
        raise HavenError(f"{sources[0]}: say which element moves with --species")
    return convert(sources, Path(scratch), wanted)


def _container(sources: list[Path], scratch: Path, wanted: Wanted) -> Trajectory:
    """Open one npz, which says everything itself."""
    source = sources[0]
    if len(sources) > 1:
        raise HavenError(f"{source}: a container (npz) is a whole run: give it alone")
    useless = [name for name, given in (
        ("type_map", wanted.unsaid.elements), ("topology", wanted.unsaid.topology),
        ("cell", wanted.cell is not None), ("cell_changes", wanted.cell_changes),
        ("unwrapped", wanted.unwrapped), ("framework", wanted.framework),
        ("ions", wanted.ions)) if given]
    if useless:
        raise HavenError(f"--{useless[0]} has no use with {source}: a container (npz) says it "
                         "itself; leave it out")
    if len(wanted.species) > 1:
        raise HavenError(f"{source} follows one mobile species: give one for --species")
    _undamaged(source)
    whole = open_npz(source, wanted.species[0] if wanted.species else None, scratch)
    check_spacing(source, wanted.frame_spacing_ps, whole.spacing_ps)
    first = whole.read_frames(np.array([0]))[0].astype(float)
    if len(first) > 1 and np.isfinite(first).all() and np.ptp(first, axis=0).any():
        check_closest(first, whole.cell, str(source))
    if wanted.fixed:
        whole.fixed = True
    part = part_of(whole, wanted.start, wanted.stop, wanted.stride)
    check_trajectory(part)
    return part


def _undamaged(source: Path) -> None:
    """Compare every member of a container with its own checksum, which reading in pieces does not.

    Raises
    ------
    HavenError
        Naming the member that is damaged.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            bad = archive.testzip()
    except DAMAGE as error:
        raise HavenError(f"{source} is no trajectory container (npz): {brief(error)}") from error
    if bad is not None:
        raise HavenError(f"{source} is damaged: {bad} does not fit to its checksum: copy it again "
                         "from where it was written")
