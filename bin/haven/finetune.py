"""The potential that a training starts from, when it is not to begin with random weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from haven.cli import HavenError, existing, log
from haven.model_file import check_potential
from haven.timing import describe


def choose_start(folder: str | Path, u_ev: float, seed: int, species: Sequence[str]) -> Path:
    """Return the potential to start from: of the same U, of the same seed where there is one.

    Parameters
    ----------
    folder
        Holds potentials named ``u4_s1.pb``, uncompressed.
    u_ev, seed
        Of the training.
    species
        The material's elements; a potential that lacks one is refused.
    """
    place = existing(folder, "folder of potentials")
    found = sorted([*place.glob(f"u{u_ev:g}_s*.pb"), *place.glob(f"u{u_ev:g}_s*.pth")])
    if not found:
        raise HavenError(f"{place} has no potential for U = {u_ev:g} eV: name it u{u_ev:g}_s1.pb")
    same = [path for path in found if path.stem == f"u{u_ev:g}_s{seed}"]
    chosen = (same or found)[0]
    check_potential(chosen, species)
    if describe(chosen).compressed:
        raise HavenError(f"potential {chosen} is compressed, and its network cannot be trained "
                         f"further: give the uncompressed one (uncompressed_{chosen.name})")
    log.info("weights start from %s", chosen.name)
    return chosen
