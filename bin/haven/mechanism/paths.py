"""Jumps of which barriers are computed: which ion, to which empty site, in which direction."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from haven.core.errors import HavenError, log
from haven.core.periodic import Floats, Ints, minimum_image
from haven.material.sites.lattice import (
    SiteFinder,
    SiteLattice,
    shortest,
    site_lattice,
)
from haven.material.sites.occupied import lay
from haven.material.sites.symmetry import (
    LARGEST_INDEX,
    direction_name,
    name_of,
    point_group,
)

if TYPE_CHECKING:
    from ase import Atoms

    from haven.material.crystal import Material

LONGEST_JUMP = 7.0  # Angstrom, about twice the distance of neighbouring sites
CLEARANCE = 1.3  # Angstrom, of a path from other ions: a nearer one would have to make way
ASIDE = 2.2  # Angstrom, of a long path from other empty sites: nearer ones are stops on the way
OFF_SITE = 0.8  # Angstrom from the centre of its cage, from which on an ion is not on its site


@dataclass(frozen=True)
class Jump:
    """A mobile ion and the empty site it could go to.

    Attributes
    ----------
    atom
        Row of the ion.
    first, second
        Sites left and reached.
    vector
        Ideal vector between them, (3,), Angstrom.
    direction
        Name of its direction.
    """

    atom: int
    first: int
    second: int
    vector: Floats
    direction: str


@dataclass(frozen=True)
class WantedJump:
    """A kind of jump to follow.

    Attributes
    ----------
    name
        Name of the path.
    origin
        ``direction`` (asked for) or ``hop`` (seen in the dynamics).
    direction
        Canonical direction, such as ``[110]``.
    from_site, to_site
        Wyckoff letters of the ends; any if empty.
    """

    name: str
    origin: str
    direction: str
    from_site: str = ""
    to_site: str = ""


def parse_directions(text: str) -> list[tuple[int, int, int]]:
    """Return lattice directions written as ``[110],[10-1]``.

    Raises
    ------
    HavenError
        If one can't be read, is none, or has an index that no jump's direction has.
    """
    found = re.findall(r"\[\s*(-?\d)\s*,?\s*(-?\d)\s*,?\s*(-?\d)\s*\]", text)
    if not found or re.sub(r"\[[-\d\s,]*\]|[\s,]", "", text):
        raise HavenError(f"directions {text!r} can't be read: write them as [110],[101],[010]")
    directions = [(int(h), int(k), int(m)) for h, k, m in found]
    for one in directions:
        if not any(one) or max(map(abs, one)) > LARGEST_INDEX:
            raise HavenError(f"directions {text!r}: {name_of(one)} is no direction of a jump: give "
                             f"indices of -{LARGEST_INDEX} to {LARGEST_INDEX}, not all zero")
    return directions


def directions_wanted(
    text: str, hop_tables: Sequence[str], hop_paths: int, material: Material
) -> list[WantedJump]:
    """Return the jumps to follow: along directions, and the commonest of those seen.

    Directions that the crystal's symmetry makes equal, or that have one name
    (`haven.material.sites.symmetry.direction_name`), are followed once: the same ions jump along
    them.

    Parameters
    ----------
    text
        Directions, such as ``[110],[010]``.
    hop_tables
        Files of table ``hops``.
    hop_paths
        Kinds of hop to follow at most.
    material
        The crystal.
    """
    wanted: list[WantedJump] = []
    group = point_group(material)
    for indices in parse_directions(text):
        name = name_of(indices)
        direction = direction_name(np.array(indices) @ material.cell, material.cell, group)
        same = next((one.name for one in wanted if one.direction == direction), None)
        if same is not None:
            log.info("%s is the same kind of jump as %s: followed once", name, same)
            continue
        if name != direction:
            log.info("jumps along %s are called %s", name, direction)
        wanted.append(WantedJump(name, "direction", direction))
    if hop_tables and hop_paths > 0:
        from haven.core import tables
        from haven.mechanism.tables import HOPS

        ends = ["from_site", "to_site", "direction"]
        seen = tables.read(HOPS, *hop_tables).groupby(ends, as_index=False)["count"].sum()
        order = seen.assign(rarity=-seen["count"]).sort_values(["rarity", *ends])
        for row in order[order["count"] > 0].head(hop_paths).itertuples():
            name = f"{row.from_site}-{row.to_site} {row.direction}"
            wanted.append(WantedJump(name, "hop", *(str(x) for x in (
                row.direction, row.from_site, row.to_site))))
    return wanted


def load_start(material: Material, path: Path) -> tuple[Atoms, SiteLattice, dict[int, int]]:
    """Return a minimised supercell, its sites in their cages, and which cation is on which.

    Parameters
    ----------
    material
        The crystal.
    path
        File ASE reads.
    """
    from ase.io import read

    try:
        found = read(path)
    except Exception as error:
        raise HavenError(f"structure {path} can't be read: {error}") from error
    atoms = found[0] if isinstance(found, list) else found
    names = np.array(atoms.get_chemical_symbols())
    anions = material.anion_elements
    ideal = site_lattice(material, np.asarray(atoms.cell.array))
    lattice = lay(ideal, material, names, atoms.positions, f"structure {path}")
    cations = [s for s in material.species if s not in anions]
    return atoms, lattice, occupation(lattice, atoms, cations)


def occupation(lattice: SiteLattice, atoms: Atoms, cations: Sequence[str]) -> dict[int, int]:
    """Return which cation is on which site.

    Parameters
    ----------
    lattice
        Sites.
    atoms
        A minimised supercell.
    cations
        Elements that sit on the sites.

    Returns
    -------
    dict
        Row of the atom to its site.

    Raises
    ------
    HavenError
        If two cations are nearest to the same site.
    """
    rows = [i for i, s in enumerate(atoms.get_chemical_symbols()) if s in cations]
    site, _, distance = SiteFinder(lattice).nearest(atoms.positions[rows])
    order = np.argsort(distance, kind="stable")
    taken: dict[int, int] = {}
    for k in order.tolist():
        if int(site[k]) in taken.values():
            log.warning("atom %d shares site %d with another: left out", rows[k], site[k])
            continue
        taken[rows[k]] = int(site[k])
    return taken


def candidates(
    lattice: SiteLattice, atoms: Atoms, taken: dict[int, int], mobile: str, want: WantedJump
) -> list[Jump]:
    """Return jumps of a kind into empty sites, the likeliest first.

    The shortest jumps come first. Among equals, first those whose ion is on its site and whose
    straight path keeps clear of other ions and, for jumps further than to a nearest site, of empty
    sites to rest on; then those whose ends have the most alike surroundings; then by row.

    Parameters
    ----------
    lattice
        Sites.
    atoms
        A minimised supercell.
    taken
        Row of each cation to its site.
    mobile
        Mobile element.
    want
        What is asked for.
    """
    empty = np.setdiff1d(np.arange(len(lattice.centres)), list(taken.values()))
    symbols = atoms.get_chemical_symbols()
    cell = lattice.conventional
    found: list[tuple[float, float, Jump]] = []
    for atom, site in taken.items():
        if symbols[atom] != mobile or not len(empty):
            continue
        vectors = shortest(lattice, site, empty)
        near = np.flatnonzero(np.linalg.norm(vectors, axis=1) < LONGEST_JUMP)
        for k in near.tolist():
            letters = lattice.letters[[site, empty[k]]]
            if want.from_site and letters.tolist() != [want.from_site, want.to_site]:
                continue
            if direction_name(vectors[k], cell, lattice.group) == want.direction:
                jump = Jump(atom, site, int(empty[k]), vectors[k], want.direction)
                length = round(float(np.linalg.norm(vectors[k])), 1)
                found.append((length, _crowding(lattice, atoms, taken, empty, jump), jump))
    return [jump for _, _, jump in sorted(found, key=lambda f: (*f[:2], f[2].atom, f[2].second))]


def _crowding(
    lattice: SiteLattice, atoms: Atoms, taken: dict[int, int], empty: Ints, jump: Jump
) -> float:
    others = np.array([s for a, s in taken.items() if a != jump.atom])
    reach, along = 1.2 * lattice.spacing, np.linspace(0.1, 0.9, 17)
    one, two = (
        int((np.linalg.norm(shortest(lattice, s, others), axis=1) < reach).sum())
        for s in (jump.first, jump.second)
    )
    score = float(abs(one - two))
    if clearance(lattice, jump, others, along) < CLEARANCE:
        score += 100.0
    rest = np.setdiff1d(empty, [jump.second])
    if np.linalg.norm(jump.vector) > reach and clearance(lattice, jump, rest, along) < ASIDE:
        score += 50.0
    away = minimum_image(atoms.positions[jump.atom] - lattice.centres[jump.first], lattice.cell)
    return score + (20.0 if np.linalg.norm(away) > OFF_SITE else 0.0)


def clearance(lattice: SiteLattice, jump: Jump, sites: Ints, along: Floats) -> float:
    """Return the closest a straight jump comes to other sites, Angstrom.

    Parameters
    ----------
    lattice
        Sites.
    jump
        The jump.
    sites
        Rows of the sites to keep away from, shape (K,).
    along
        Parts of the way at which to look, 0 to 1, shape (P,).
    """
    around = shortest(lattice, jump.first, sites)
    gaps = minimum_image(around[None] - along[:, None, None] * jump.vector, lattice.cell)
    return float(np.linalg.norm(gaps, axis=2).min()) if gaps.size else np.inf
