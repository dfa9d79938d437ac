"""Jumps of mobile ions between sites, counted with hysteresis and classified by direction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from haven.core.errors import HavenError, log
from haven.core.periodic import Floats, Ints
from haven.core.statistics import poisson_interval
from haven.material.sites.lattice import (
    HopClass,
    SiteFinder,
    SiteLattice,
    jump,
    jump_classes,
    neighbour_classes,
    site_lattice,
)
from haven.material.sites.occupied import lay
from haven.trajectory.trajectory import read_members

if TYPE_CHECKING:
    import pandas as pd

    from haven.material.crystal import Material
    from haven.trajectory.trajectory import Trajectory

IMAGES = 1024  # of the cell in each direction, that a site's number has room for
BLOCK_POINTS = 200_000  # positions laid onto sites at once


@dataclass(frozen=True)
class Hops:
    """Jumps seen, sorted by ion and time.

    Attributes
    ----------
    ion, frame
        The ion that jumped, and the frame in which it arrived, (H,).
    first, second
        Codes of the sites left and reached, (H,).
    returns
        Codes left and reached of moves undone within the residence time, (R, 2).
    """

    ion: Ints
    frame: Ints
    first: Ints
    second: Ints
    returns: Ints


def encode(site: Ints, image: Ints, sites: int) -> Ints:
    """Return one number for a site and the supercell image it is in.

    Parameters
    ----------
    site
        (...,).
    image
        (..., 3), each within 511 of 0.
    sites
        Sites of the supercell.
    """
    shifted = image + IMAGES // 2
    place = (shifted[..., 0] * IMAGES + shifted[..., 1]) * IMAGES + shifted[..., 2]
    return place * sites + site


def decode(code: Ints, sites: int) -> tuple[Ints, Ints]:
    """Return site (...,) and image (..., 3) of codes (...,)."""
    place, site = np.divmod(code, sites)
    image = np.stack([place // IMAGES**2, place // IMAGES % IMAGES, place % IMAGES], axis=-1)
    return site, image - IMAGES // 2


def label_blocks(lattice: SiteLattice, positions: Floats, host: Floats, core: float
                 ) -> Iterator[tuple[int, Ints]]:
    """Yield the site each ion belongs to, block of frames by block.

    An ion belongs to the site whose core it was last in, so that a vibration across the border
    between two sites is no jump. Before its first visit to a core, it belongs to that one.

    Parameters
    ----------
    lattice
        Sites, at the host's position in frame 0.
    positions
        Mobile ions, unwrapped, (T, N, 3), Angstrom.
    host
        Centre of the host, unwrapped, (T, 3), Angstrom.
    core
        Radius of a core, at most half the shortest distance of sites, Angstrom.

    Yields
    ------
    tuple
        First frame of the block, and codes (B, N), -1 where no core has been visited yet.
    """
    frames, ions = positions.shape[:2]
    finder, sites = SiteFinder(lattice), len(lattice.centres)
    safe = lattice.spacing - core
    state = np.full(ions, -1)
    site, image, _ = finder.nearest(np.asarray(positions[0], float))
    guess = encode(site, image, sites)
    step = max(1, BLOCK_POINTS // ions)
    for start in range(0, frames, step):
        drift = host[start : start + step] - host[0]
        block = np.asarray(positions[start : start + step], float) - drift[:, None]
        site, image = decode(guess, sites)
        away = np.linalg.norm(block - lattice.centres[site] - image @ lattice.cell, axis=2)
        codes = np.where(away < core, guess, -1)
        far = away > safe
        found, shift, distance = finder.nearest(block[far])
        codes[far] = np.where(distance < core, encode(found, shift, sites), -1)
        codes = _fill_forward(np.concatenate([state[None], codes]))[1:]
        state = codes[-1]
        guess = np.where(state >= 0, state, guess)
        yield start, codes


def _fill_forward(codes: Ints) -> Ints:
    rows = np.where(codes >= 0, np.arange(len(codes))[:, None], 0)
    return np.take_along_axis(codes, np.maximum.accumulate(rows, axis=0), axis=0)


def sites_of_supercell(material: Material, trajectory: Trajectory) -> SiteLattice:
    """Return the sites of a trajectory's supercell, each in the middle of its cage of anions.

    Without frames of all atoms the ideal sites of the material are taken.

    Parameters
    ----------
    material
        The crystal.
    trajectory
        Mobile ions, and as far as there all atoms.
    """
    lattice = site_lattice(material, trajectory.cell)
    mean = mean_positions(trajectory)
    if mean is None:
        log.warning("%s has no frames of all atoms: ideal sites are taken", trajectory.path)
        return lattice
    return lay(lattice, material, trajectory.extra["symbols"], mean, str(trajectory.path))


def mean_positions(trajectory: Trajectory) -> Floats | None:
    """Return the mean position of every atom, (A, 3), Angstrom; None without frames of all atoms.

    The host is held where it was in frame 0.
    """
    if "symbols" not in trajectory.extra or not len(trajectory.extra.get("all_time_ps", ())):
        return None
    times = trajectory.extra["all_time_ps"]
    atoms = read_members(trajectory.path, "all_angstrom")["all_angstrom"].astype(float)
    drift = np.stack([np.interp(times, trajectory.time_ps, x - x[0]) for x in trajectory.host.T])
    return (atoms - drift.T[:, None]).mean(axis=0)


def core_radius(lattice: SiteLattice, share: float) -> float:
    """Return the radius of a site's core, Angstrom: a share of the shortest site distance."""
    if not 0 < share <= 0.5:
        raise HavenError(f"core_share is {share}: it must be above 0 and at most 0.5")
    return share * lattice.spacing


def hops_of(
    lattice: SiteLattice, trajectory: Trajectory, residence_ps: float, core: float
) -> Hops:
    """Return the jumps of all ions of a trajectory, read a block of ions at a time."""
    from haven.trajectory.checks import check_block

    parts = []
    for start, _, block in trajectory.blocks():
        check_block(trajectory, start, block)
        part = find_hops(lattice, block, trajectory.host, trajectory.time_ps, residence_ps, core)
        parts.append(replace(part, ion=part.ion + start))
    names = [field.name for field in fields(Hops)]
    return Hops(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def find_hops(
    lattice: SiteLattice, positions: Floats, host: Floats, time_ps: Floats,
    residence_ps: float, core: float,
) -> Hops:
    """Return the jumps of ions.

    Parameters
    ----------
    lattice
        Sites, at the host's position in frame 0.
    positions
        Mobile ions, unwrapped, (T, N, 3), Angstrom.
    host
        Centre of the host, unwrapped, (T, 3), Angstrom.
    time_ps
        Times of the frames, (T,), ps.
    residence_ps
        A move undone sooner than this is a return, no jump, ps.
    core
        Radius of a site's core, Angstrom.
    """
    moves: list[Ints] = []
    before = np.full(positions.shape[1], -1)
    for start, codes in label_blocks(lattice, positions, host, core):
        previous = np.concatenate([before[None], codes[:-1]])
        frame, ion = np.nonzero((codes != previous) & (previous >= 0))
        moves.append(
            np.stack([ion, frame + start, previous[frame, ion], codes[frame, ion]], axis=1)
        )
        before = codes[-1]
    events = np.concatenate(moves)
    return without_returns(events[np.lexsort((events[:, 1], events[:, 0]))], time_ps, residence_ps)


def without_returns(events: Ints, time_ps: Floats, residence_ps: float) -> Hops:
    """Return the jumps among moves (ion, frame, code left, code reached), sorted, shape (E, 4).

    Moves that are undone within the residence time are left out, and listed as returns.
    """
    kept: list[tuple[int, int, int, int]] = []
    returns: list[tuple[int, int]] = []
    for ion, frame, first, second in events.tolist():
        last = kept[-1] if kept else (-1, 0, 0, 0)
        soon = last[0] == ion and time_ps[frame] - time_ps[last[1]] < residence_ps
        if soon and last[2] == second:
            returns.append((last[2], last[3]))
            kept.pop()
        else:
            kept.append((ion, frame, first, second))
    table = np.array(kept, np.int64).reshape(-1, 4)
    back = np.array(returns, np.int64).reshape(-1, 2)
    return Hops(table[:, 0], table[:, 1], table[:, 2], table[:, 3], back)


def classify(lattice: SiteLattice, first: Ints, second: Ints) -> list[HopClass]:
    """Return kind, from-site, to-site and direction of jumps between coded sites, (H,)."""
    one, two, image, which = _alike(lattice, first, second)
    found = jump_classes(lattice, one, two, image)
    return [found[row] for row in which]


def _alike(lattice: SiteLattice, first: Ints, second: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Return the different jumps among those between coded sites (H,), and which one each is.

    Jumps that differ by a vector of the supercell alone are the same: there are few of them,
    however many were seen.

    Returns
    -------
    tuple of ndarray
        Site left and reached (K,), the image reached relative to that left (K, 3), and the number
        of each jump's among these (H,).
    """
    sites = len(lattice.centres)
    one, before = decode(first, sites)
    two, after = decode(second, sites)
    step = encode(two, after - before, sites)
    both, which = np.unique(np.stack([one, step], axis=1), axis=0, return_inverse=True)
    one, step = both.T
    return one, *decode(step, sites), which.reshape(-1)  # NumPy 2.0 gives it two dimensions


def unwrapped_layer(lattice: SiteLattice, code: Ints) -> Ints:
    """Return the layer of each coded site, counted on through periodic images along c.

    Parameters
    ----------
    lattice
        The sites.
    code
        Codes from `encode`, any shape (...,).

    Returns
    -------
    ndarray
        Whole numbers, shape (...,).
    """
    site, image = decode(code, len(lattice.centres))
    return lattice.layer[site] + lattice.layers * image[..., 2]


def hop_table(lattice: SiteLattice, hops: Hops, ions: int, duration_ps: float) -> pd.DataFrame:
    """Return the rows of table ``hops`` but for the keys of the run.

    Every jump between nearest sites has a row, also where none was seen.

    Parameters
    ----------
    lattice
        Sites.
    hops
        Jumps seen.
    ions
        Mobile ions watched.
    duration_ps
        Time watched, ps.
    """
    import pandas as pd

    seen = Counter(classify(lattice, hops.first, hops.second))
    undone = Counter(classify(lattice, hops.returns[:, 0], hops.returns[:, 1]))
    classes = sorted(neighbour_classes(lattice) | set(seen) | set(undone))
    table = pd.DataFrame(classes, columns=["kind", "from_site", "to_site", "direction"])
    count = np.array([seen[c] for c in classes])
    low, high = poisson_interval(count)
    watched = ions * duration_ps / 1000.0
    table["count"] = count
    table["rate_per_ion_per_ns"] = count / watched
    table["rate_low_95"], table["rate_high_95"] = low / watched, high / watched
    table["returns"] = [undone[c] for c in classes]
    return table.assign(ions=ions, duration_ps=duration_ps)


def network_table(lattice: SiteLattice, hops: Hops) -> pd.DataFrame:
    """Return the rows of table ``network`` but for the keys of the run.

    Jumps are folded into one conventional cell of ideal sites.

    Parameters
    ----------
    lattice
        Sites.
    hops
        Jumps seen.
    """
    import pandas as pd

    cell, letters = lattice.conventional, lattice.letters
    within = np.round(lattice.fractional - np.floor(np.round(lattice.fractional, 6)), 6)
    one, two, image, which = _alike(lattice, hops.first, hops.second)
    count = np.bincount(which, minlength=len(one)).tolist()
    ends = within[one] + jump(lattice, one, two, image) @ np.linalg.inv(cell)
    kinds = [kind for kind, *_ in jump_classes(lattice, one, two, image)]
    seen, left = Counter[tuple[Any, ...]](), Counter[tuple[Any, ...]]()
    for kind, a, b, end, times in zip(kinds, one, two, ends, count, strict=True):
        here = within[a].tolist()
        seen[kind, str(letters[a]), str(letters[b]), *here, *np.round(end, 6).tolist()] += times
        left[str(letters[a]), *here] += times
    sites = sorted({(str(letter), *where.tolist())
                    for letter, where in zip(letters, within, strict=True)})
    rows = [("site", letter, letter, left[letter, *where], *where, *where)
            for letter, *where in sites]
    rows += [(*key[:3], times, *key[3:]) for key, times in sorted(seen.items())]
    places = ["x_angstrom", "y_angstrom", "z_angstrom"]
    reached = [f"to_{name}" for name in places]
    table = pd.DataFrame(rows, columns=["kind", "from_site", "to_site", "count", *places, *reached])
    for names in (places, reached):
        table[names] = table[names].to_numpy(float) @ cell
    return table
