"""All tables on the jumps, tracks and surroundings of the mobile ions of one run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from haven.core.columns import Schema
from haven.mechanism import hops, interstitial, tracks
from haven.mechanism import van_hove as vanhove
from haven.mechanism.options import CORE_SHARE, RESIDENCE_PS
from haven.mechanism.tables import (
    DENSITY,
    DENSITY_GRID,
    HOPS,
    INTERSTITIAL,
    NETWORK,
    TRACKS,
    VAN_HOVE,
)

if TYPE_CHECKING:
    import pandas as pd

    from haven.material.crystal import Material
    from haven.trajectory.trajectory import Trajectory

VIEWS = ((0, 1, 0), (1, 1, 0))
SHOWN, SHOWN_PLACES = 2000, 2_000_000
"""Frames of density maps at most, and positions in them."""


@dataclass(frozen=True)
class HopTables:
    """Tables of one run, each with its keys, and how many jumps they hold.

    Attributes
    ----------
    rows
        Rows of each table.
    jumps, undone
        Jumps seen, and moves undone within the residence time.
    """

    rows: Mapping[Schema, pd.DataFrame]
    jumps: int
    undone: int


def hop_tables(
    material: Material, trajectory: Trajectory, keys: Mapping[str, Any],
    residence_ps: float = RESIDENCE_PS, core_share: float = CORE_SHARE,
) -> HopTables:
    """Return the tables of jumps, interstitial sites, tracks, van Hove functions and densities.

    Parameters
    ----------
    material
        The crystal, which says where the sites are.
    trajectory
        Its mobile ions.
    keys
        material, u_ev, temperature_k, replica, seed.
    residence_ps
        A move undone sooner than this is no jump, ps.
    core_share
        Radius of a site's core as a share of the shortest site distance.

    Raises
    ------
    HavenError
        If the cell is none of the material, or a share none that can be.
    """
    lattice = hops.sites_of_supercell(material, trajectory)
    core = hops.core_radius(lattice, core_share)
    seen = hops.hops_of(lattice, trajectory, residence_ps, core)
    anions = interstitial.anions_of(material, lattice, trajectory.extra.get("symbols"),
                                    hops.mean_positions(trajectory))
    wide = interstitial.with_voids(lattice, anions)
    visits = interstitial.visits_of(lattice, wide, trajectory, residence_ps,
                                    hops.core_radius(wide, core_share))
    host = trajectory.host
    thinned = tracks.thin(trajectory.frames,
                          min(SHOWN, max(50, SHOWN_PLACES // trajectory.ions)))
    places, drift = trajectory.read_frames(thinned), host[thinned] - host[0]
    ends = thinned[[0, -1]]
    shown = tracks.choose_ions(trajectory.read_frames(ends), host[ends])
    rows = {
        HOPS: hops.hop_table(lattice, seen, trajectory.ions, trajectory.duration_ps),
        INTERSTITIAL: interstitial.interstitial_table(
            lattice, wide, visits, trajectory.time_ps, residence_ps),
        TRACKS: tracks.track_table(lattice, trajectory, shown, core),
        VAN_HOVE: vanhove.van_hove_table(trajectory, host),
        DENSITY: tracks.density_table(lattice, places, drift, VIEWS),
        DENSITY_GRID: tracks.density_grid(lattice, places, drift),
        NETWORK: hops.network_table(lattice, seen),
    }
    told = {what: table.assign(**keys) if what in (TRACKS, VAN_HOVE)
            else table.assign(**keys, species=trajectory.symbol) for what, table in rows.items()}
    return HopTables(told, len(np.asarray(seen.ion)), len(seen.returns))
