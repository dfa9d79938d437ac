"""The potential that a training starts from, when it is not to begin with random weights."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from haven.core.errors import HavenError, existing, log
from haven.potential.families import check_potential, check_undamaged, family_of
from haven.potential.families.base import SAME_U, UNCOMPRESSED
from haven.potential.families.deepmd.files import WEIGHTS

NAME = re.compile(rf"({UNCOMPRESSED})?u([0-9]+(?:\.[0-9]+)?)_s([0-9]+)")


def choose_start(folder: str | Path, u_ev: float, seed: int, species: Sequence[str],
                 descriptor: str = "se_e2_a") -> Path:
    """Return the potential to start from: of the same U and seed, else of that U, else of another.

    The weights of another U save training steps, since the two potentials are alike in most; where
    they are used, a line of the log says so.

    Parameters
    ----------
    folder
        Holds potentials named ``u4_s1.pb``, uncompressed, or ``uncompressed_u4_s1.pb`` beside the
        compressed ones, or weights named ``u4_s1.pt``.
    u_ev, seed
        Of the training.
    species
        The material's elements; a potential that lacks one is refused.
    descriptor
        Of the training: ``dpa4`` starts from weights, others from frozen potentials.
    """
    place = existing(folder, "folder of potentials")
    ends = (WEIGHTS,) if descriptor == "dpa4" else (".pb", ".pth")
    found = {path: named for path in sorted(place.iterdir()) if path.suffix in ends
             and (named := NAME.fullmatch(path.stem))}
    if not found:
        raise HavenError(f"{place} has no potential to start a network {descriptor} from: name it "
                         f"u{u_ev:g}_s1{ends[0]}")

    def fitness(path: Path) -> tuple[bool, bool, bool]:
        whole, own_u, own_seed = found[path].groups()
        return abs(float(own_u) - u_ev) < SAME_U, int(own_seed) == seed, whole is not None

    chosen = max(found, key=fitness)
    if not fitness(chosen)[0]:
        log.warning("%s has no potential for U = %g eV: weights start from another U", place, u_ev)
    if chosen.suffix == WEIGHTS:
        check_undamaged(chosen)
    else:
        check_potential(chosen, species)
        if family_of(chosen).summarise(chosen).compressed:
            raise HavenError(f"potential {chosen} is compressed, and its network cannot be trained "
                             f"further: give the uncompressed one ({UNCOMPRESSED}{chosen.name})")
    log.info("weights start from %s", chosen.name)
    return chosen
