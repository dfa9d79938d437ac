"""Mobile ions in the tetrahedra of anions between the material's sites: visits and passages.

In a close packing of anions the material's cation sites are octahedra, which share faces with empty
tetrahedra. A jump either stays a while in, or passes through, such a tetrahedron, or goes straight
through a shared edge. Which it is, and how long ions are there, is counted here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from haven.core.periodic import Floats, Ints, with_images
from haven.core.statistics import share_interval
from haven.material.sites.lattice import SiteFinder, SiteLattice
from haven.mechanism.hops import classify, decode, encode, label_blocks, without_returns

if TYPE_CHECKING:
    import pandas as pd

    from haven.material.crystal import Material
    from haven.trajectory.trajectory import Trajectory

# Of the distance of neighbouring anions: centroids of Delaunay tetrahedra of a close packing are
# 0.61 of it from the nearest octahedral site if tetrahedra themselves, 0.25 if parts of octahedra.
APART = 0.42
SAME = 0.8  # Angstrom: centroids nearer to one another are one void that distortion has split
REACH = 8.0  # Angstrom about the cell, further than any two neighbouring anions
NAME = "interstitial"  # stands where a site has its Wyckoff letter
DRAWS = 1000  # bootstrap samples of the ions
PRIOR_STAYS = 2  # weight of exponential stays in the scatter of those seen


@dataclass(frozen=True)
class Visits:
    """Jumps of one run's ions between the material's sites, and their visits in between.

    Attributes
    ----------
    first, second
        Codes of the material's sites left and reached by each jump, (H,), as in
        `haven.mechanism.hops.Hops`.
    via
        Whether a jump was in the core of an interstitial site on its way, (H,).
    stays_ps
        Duration of each visit to an interstitial site, (V,), ps.
    inside
        Frames each ion belongs to an interstitial site, (N,).
    frames
        Frames watched.
    """

    first: Ints
    second: Ints
    via: np.ndarray
    stays_ps: Floats
    inside: Ints
    frames: int


def voids(lattice: SiteLattice, anions: Floats) -> Floats:
    """Return the tetrahedra of anions that are none of the material's sites.

    Parameters
    ----------
    lattice
        The material's cation sites.
    anions
        Mean positions of the anions, Cartesian, (C, 3), Angstrom.

    Returns
    -------
    ndarray
        Their centroids, Cartesian, within the cell, (V, 3), Angstrom; V may be 0.
    """
    from scipy.spatial import Delaunay, KDTree

    around, _ = with_images(anions, lattice.cell, REACH)
    centroid = around[Delaunay(around).simplices].mean(axis=1)
    parts = centroid @ np.linalg.inv(lattice.cell)
    mine = centroid[np.all((parts >= -1e-9) & (parts < 1 - 1e-9), axis=1)]
    spacing = float(np.median(KDTree(around).query(around[: len(anions)], k=2)[0][:, 1]))
    _, _, distance = SiteFinder(lattice).nearest(mine)
    return _merged(mine[distance > APART * spacing], lattice.cell)


def _merged(points: Floats, cell: Floats) -> Floats:
    """Return points with those nearer than `SAME` to one another joined at their mean."""
    from scipy.spatial import KDTree

    if not len(points):
        return points.reshape(-1, 3)
    around, rows = with_images(points, cell, SAME)
    beside = KDTree(around).query_ball_point(around[: len(points)], SAME, return_sorted=True)
    left, kept = np.ones(len(points), bool), []
    for row, point in enumerate(points):
        if not left[row]:
            continue
        near = np.array([one for one in beside[row] if left[rows[one]]])
        left[rows[near]] = False
        kept.append(point + (around[near] - around[row]).mean(axis=0))
    return np.array(kept).reshape(-1, 3)


def with_voids(lattice: SiteLattice, anions: Floats) -> SiteLattice:
    """Return the material's sites followed by the interstitial ones, whose letter is `NAME`.

    Parameters
    ----------
    lattice
        The material's cation sites.
    anions
        Mean positions of the anions, Cartesian, (C, 3), Angstrom.
    """
    found = voids(lattice, anions)
    centres = np.concatenate([lattice.centres, found])
    letters = np.concatenate([lattice.letters.astype(object), np.full(len(found), NAME, object)])
    parts = found @ np.linalg.inv(lattice.conventional)
    return replace(
        lattice, centres=centres, letters=letters.astype(str),
        fractional=np.concatenate([lattice.fractional, parts]),
        layer=np.concatenate([lattice.layer, np.zeros(len(found), lattice.layer.dtype)]),
    )


def anions_of(
    material: Material, lattice: SiteLattice, names: np.ndarray | None, mean: Floats | None
) -> Floats:
    """Return the mean positions of the anions, (C, 3), Angstrom; ideal ones without frames.

    Parameters
    ----------
    material
        The crystal.
    lattice
        Its cation sites in this supercell.
    names, mean
        Element and mean position of every atom, (A,) and (A, 3), Angstrom, or None.
    """
    if names is not None and mean is not None:
        return mean[np.isin(names, sorted(material.anion_elements))]
    shifts = np.array(list(np.ndindex(*lattice.repeat)), float)
    parts = [(xyz[None] + shifts[:, None]).reshape(-1, 3) for _, xyz in material.anions.values()]
    return np.concatenate(parts) @ lattice.conventional


def visits_of(
    lattice: SiteLattice, wide: SiteLattice, trajectory: Trajectory, residence_ps: float,
    core: float,
) -> Visits:
    """Return jumps and visits of all ions of a trajectory, which are read in blocks of ions.

    Parameters
    ----------
    lattice, wide
        The material's sites, and those with the interstitial ones (`with_voids`).
    trajectory
        Mobile ions.
    residence_ps
        A move undone sooner than this is no jump, ps.
    core
        Radius of a site's core, Angstrom.
    """
    parts = [find_visits(lattice, wide, block, trajectory.host, trajectory.time_ps, residence_ps,
                         core)
             for _, _, block in trajectory.blocks()]
    first, second, via, stays, inside = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("first", "second", "via", "stays_ps", "inside"))
    return Visits(first, second, via, stays, inside, parts[0].frames)


def find_visits(
    lattice: SiteLattice, wide: SiteLattice, positions: Floats, host: Floats, time_ps: Floats,
    residence_ps: float, core: float,
) -> Visits:
    """Return jumps between the material's sites and visits to interstitial ones.

    Parameters
    ----------
    lattice, wide
        The material's sites, and those with the interstitial ones, at the host's position in
        frame 0.
    positions
        Mobile ions, unwrapped, (T, N, 3), Angstrom.
    host
        Centre of the host, unwrapped, (T, 3), Angstrom.
    time_ps
        Times of the frames, (T,), ps.
    residence_ps
        A move undone sooner than this is no jump, ps.
    core
        Radius of a site's core, Angstrom.
    """
    ions, own, all_sites = positions.shape[1], len(lattice.centres), len(wide.centres)
    inside, before, events = np.zeros(ions, np.int64), np.full(ions, -1), []
    for start, codes in label_blocks(wide, positions, host, core):
        inside += ((codes % all_sites >= own) & (codes >= 0)).sum(axis=0)
        frame, ion = np.nonzero(codes != np.concatenate([before[None], codes[:-1]]))
        events.append(np.stack([ion, frame + start, codes[frame, ion]], axis=1))
        before = codes[-1]
    table = np.concatenate(events)
    table = table[np.lexsort((table[:, 1], table[:, 0]))]
    moves, via, stays = _followed(table, time_ps, own, all_sites)
    kept = without_returns(moves, time_ps, residence_ps)
    through = {(ion, frame): passed for (ion, frame, _, _), passed in
               zip(moves.tolist(), via, strict=True)}
    flags = np.array([through[key] for key in zip(kept.ion.tolist(), kept.frame.tolist(),
                                                  strict=True)], bool)
    return Visits(kept.first, kept.second, flags, np.array(stays, float), inside, len(positions))


def _followed(
    events: Ints, time_ps: Floats, own: int, all_sites: int
) -> tuple[Ints, list[bool], list[float]]:
    """Follow each ion: moves between the material's sites, whether by an interstitial one, stays.

    Parameters
    ----------
    events
        Ion, frame and code reached, sorted by ion and frame, (E, 3); the first of an ion is where
        it begins.
    time_ps
        Of the frames, (T,).
    own, all_sites
        Number of the material's sites, and of these with the interstitial ones.
    """
    site, image = decode(np.maximum(events[:, 2], 0), all_sites)
    code = np.where(site < own, encode(site, image, own), -1).tolist()
    moves, via, stays = [], [], []
    last, here, passed, since = -1, -1, False, None
    for row, (ion, frame, known) in enumerate(events.tolist()):
        if ion != last:
            if since is not None:
                stays.append(float(time_ps[-1] - since))
            last, here, passed, since = ion, -1, False, None
        if known < 0:
            continue
        if since is not None:
            stays.append(float(time_ps[frame] - since))
            since = None
        if code[row] < 0:
            passed, since = True, float(time_ps[frame])
            continue
        if here >= 0 and code[row] != here:
            moves.append((ion, frame, here, code[row]))
            via.append(passed)
        here, passed = code[row], False
    if since is not None:
        stays.append(float(time_ps[-1] - since))
    return np.array(moves, np.int64).reshape(-1, 4), via, stays


def interstitial_table(
    lattice: SiteLattice, wide: SiteLattice, visits: Visits, time_ps: Floats, residence_ps: float
) -> pd.DataFrame:
    """Return the rows of table ``interstitial`` but for the keys of the run.

    Parameters
    ----------
    lattice, wide
        The material's sites, and those with the interstitial ones.
    visits
        From `find_visits`.
    time_ps
        Times of the frames, (T,), ps.
    residence_ps
        A stay of at least this is a rest, ps.

    Returns
    -------
    pandas.DataFrame
        A row for all jumps, those within a layer and those between layers. Intervals of shares of
        jumps are exact binomial ones (Clopper and Pearson); for that of the share of time see
        `_time_share`.
    """
    import pandas as pd

    kinds = np.array([kind for kind, *_ in classify(lattice, visits.first, visits.second)], str)
    share, low, high = _time_share(visits)
    per_cell = (len(wide.centres) - len(lattice.centres)) / float(np.prod(lattice.repeat))
    common = {
        "sites_per_cell": per_cell, "time_share": share, "time_low_95": low, "time_high_95": high,
        "visits": len(visits.stays_ps), "rests": int((visits.stays_ps >= residence_ps).sum()),
        "stay_mean_ps": float(visits.stays_ps.mean()) if len(visits.stays_ps) else None,
        "frame_ps": float(np.median(np.diff(time_ps))) if len(time_ps) > 1 else 0.0,
    }
    rows = []
    for kind in ("all", "intra_layer", "inter_layer"):
        mine = visits.via if kind == "all" else visits.via[kinds == kind]
        row = {"kind": kind, "jumps": len(mine), "jumps_via": int(mine.sum()), "share_via": None,
               "share_via_low_95": None, "share_via_high_95": None, **common}
        if len(mine):
            ends = share_interval(int(mine.sum()), len(mine))
            row |= {"share_via": float(mine.mean()), "share_via_low_95": ends[0],
                    "share_via_high_95": ends[1]}
        rows.append(row)
    return pd.DataFrame(rows)


def _time_share(visits: Visits) -> tuple[float, float, float | None]:
    """Return the share of time in interstitial sites, and its 95 % interval.

    The share is the number of visits times their mean stay, over the time watched. The interval is
    that of a Poisson number (Garwood) times a mean of gamma-distributed stays, and not narrower
    than a bootstrap over the ions. Few stays tell their own scatter badly: `PRIOR_STAYS` of
    exponential ones, of which the scatter is the mean, are added. Without a visit nothing is known
    of a stay, so that the share has no upper bound.
    """
    from scipy.special import fdtri

    each = visits.inside / visits.frames
    share, count = float(each.mean()), len(visits.stays_ps)
    if not count:
        return 0.0, 0.0, None
    mean = float(visits.stays_ps.mean())
    scatter = float(((visits.stays_ps / mean - 1) ** 2).sum()) if mean > 0 else 0.0
    scatter = (scatter + PRIOR_STAYS) / (count - 1 + PRIOR_STAYS)
    stays = 2 * count / scatter
    pick = np.random.default_rng(0).integers(len(each), size=(DRAWS, len(each)))
    low, high = np.quantile(each[pick].mean(axis=1), [0.025, 0.975])
    low = min(low, share * fdtri(2 * count, stays, 0.025))
    high = max(high, share * (count + 1) / count * fdtri(2 * count + 2, stays, 0.975))
    return share, float(low), min(float(high), 1.0)
