"""Command-line options about trajectories, which the analyses share, and how they are read."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from haven.core.errors import HavenError
from haven.core.options import TEMPERATURE_K, U_EV, numbers, real, whole

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from haven.trajectory.wanted import Wanted

MOST_IONS = 10_000_000  # in one range of --ions


def add_keys(options: argparse.ArgumentParser) -> None:
    """Add the options that say which run of a study files are, for files that do not say it."""
    options.add_argument("--u_ev", type=U_EV, metavar="EV",
                         help="Hubbard U of the potential; default: from a container (npz), else 0")
    options.add_argument("--temperature_k", type=TEMPERATURE_K, metavar="K",
                         help="temperature; default: from a container or a name such as "
                              "run_600K.xtc")
    options.add_argument("--replica", type=whole("replica"), metavar="N",
                         help="disorder replica; default: from a container, else 0")
    options.add_argument("--seed", type=whole("seed"), metavar="N",
                         help="seed of the potential; default: from a container, else 1")


def keys_of(given: argparse.Namespace, paths: Sequence[Path]) -> dict[str, Any]:
    """Return u_ev, temperature_k, replica, seed of one run, from the options of `add_keys`.

    Parameters
    ----------
    given
        Parsed options.
    paths
        Pieces of the run.

    Raises
    ------
    HavenError
        If nothing says the temperature, or a container contradicts an option.
    """
    from haven.trajectory import said

    told = [said.temperature_of(path, given.temperature_k) for path in paths]
    known = [value for value in told if value is not None]
    if not known:
        raise HavenError(f"{paths[0]} does not say its temperature: give --temperature_k")
    return {"u_ev": said.agreed(paths, "u_ev", given.u_ev, 0.0),
            "temperature_k": said.agreed(paths, "temperature_k", given.temperature_k, known[0]),
            "replica": int(said.agreed(paths, "replica", given.replica, 0)),
            "seed": int(said.agreed(paths, "seed", given.seed, 1))}


def add_reading(options: argparse.ArgumentParser) -> None:
    """Add the options that say what a file does not say itself, and which frames are wanted."""
    group = options.add_argument_group("reading")
    group.add_argument("--frame_spacing_ps", "--timestep_ps",
                       type=real("frame_spacing_ps", "ps", above=0, most=1e6), metavar="PS",
                       help="time between two saved frames (not the step of the dynamics), for "
                            "files that do not say it")
    group.add_argument("--type_map", default="", metavar="ELEMENTS",
                       help="elements of LAMMPS types 1 2 .., such as 'Li Ti Cl', for files that "
                            "name types alone; of names in a topology such as 'CA=Ca HF=Hf'")
    group.add_argument("--topology", metavar="FILE",
                       help="file that names the atoms (PDB, GRO, LAMMPS data, ..), for DCD, XTC, "
                            "TRR, NetCDF")
    group.add_argument("--cell", "--lattice", dest="lattice", default="", metavar="LENGTHS",
                       help="a,b,c or a,b,c,alpha,beta,gamma or nine numbers, Angstrom and "
                            "degrees, for files without a cell")
    group.add_argument("--cell_changes", action="store_true",
                       help="accept a cell that changes (constant pressure): its mean is taken")
    group.add_argument("--unwrapped", action="store_true",
                       help="positions are not folded back into the cell")
    group.add_argument("--start", type=whole("start"), default=0, metavar="N",
                       help="first frame, from 0")
    group.add_argument("--stop", type=whole("stop", 1), metavar="N", help="first frame not wanted")
    group.add_argument("--stride", type=whole("stride", 1), default=1, metavar="N",
                       help="every N-th frame only")


def wanted_of(
    given: argparse.Namespace, species: Sequence[str] = (), framework: Sequence[str] = (),
    ions: str = "", fixed: bool = False,
) -> Wanted:
    """Return which part of a trajectory is read, from the options of `add_reading`.

    Parameters
    ----------
    given
        Parsed options.
    species, framework
        Elements of the mobile ions and of the host.
    ions
        Numbers of mobile ions such as ``1-16,20``; all if empty.
    fixed
        Whether the frame of reference of the file stands still.
    """
    from haven.trajectory.readers import Unsaid
    from haven.trajectory.wanted import Wanted

    elements = tuple(given.type_map.replace(",", " ").split())
    return Wanted(
        species=tuple(species), framework=tuple(framework), ions=numbered(ions),
        start=given.start, stop=given.stop, stride=given.stride,
        frame_spacing_ps=given.frame_spacing_ps, cell=cell_of(given.lattice),
        cell_changes=given.cell_changes, unwrapped=given.unwrapped, fixed=fixed,
        unsaid=Unsaid(elements, given.topology))


def numbered(text: str) -> tuple[int, ...]:
    """Return the numbers of an option such as ``1-16,20``."""
    found: list[int] = []
    for part in text.replace(",", " ").split():
        first, _, last = part.partition("-")
        if not re.fullmatch(r"[0-9]{1,9}(-[0-9]{1,9})?", part) or (
                last and not int(first) <= int(last) < int(first) + MOST_IONS):
            raise HavenError(f"--ions is {text[:200]}: give numbers of atoms such as 1-16,20")
        found += range(int(first), int(last or first) + 1)
    return tuple(found)


def cell_of(text: str) -> np.ndarray | None:
    """Return cell vectors as rows (3, 3), Angstrom, of an option; None where it is empty.

    Raises
    ------
    HavenError
        Unless there are three lengths, or three and three angles, or nine numbers of a cell.
    """
    import numpy as np

    if not text:
        return None
    found = numbers(text, None, "cell")
    if len(found) not in (3, 6, 9) or not all(map(math.isfinite, found)):
        raise HavenError(f"--cell is {text}: give a,b,c or a,b,c,alpha,beta,gamma or "
                         "nine numbers")
    if len(found) == 9:
        cell = np.array(found).reshape(3, 3)
    else:
        from ase.geometry import cellpar_to_cell

        if min(found) <= 0 or max(found[3:], default=90) >= 180:
            raise HavenError(f"--cell is {text}: lengths must be positive, angles below 180")
        cell = cellpar_to_cell(found if len(found) == 6 else [*found, 90, 90, 90])
    if not np.isfinite(cell).all() or abs(np.linalg.det(cell)) < 1e-3:
        raise HavenError(f"--cell is {text}: these vectors span no volume")
    return cell
