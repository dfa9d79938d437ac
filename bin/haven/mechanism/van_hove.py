"""Van Hove functions: where an ion goes in a time, and where the others are then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from haven.core.periodic import Floats, Ints, with_images

if TYPE_CHECKING:
    import pandas as pd

    from haven.trajectory.trajectory import Trajectory


def choose_lags(frames: int, number: int = 5) -> Ints:
    """Return lags (L,) in frames, evenly spaced on a logarithmic scale up to half the run."""
    top = max(1, frames // 2)
    return np.unique(np.round(np.geomspace(max(1, top / 4 ** (number - 1)), top, number))).astype(
        np.int64
    )


def _origins(frames: int, lag: int, number: int) -> Ints:
    last = frames - 1 - lag
    return np.unique(np.linspace(0, last, min(number, last + 1)).astype(np.int64))


def self_part(first: Floats, second: Floats, edges: Floats) -> Floats:
    """Return the probability per Angstrom of each distance travelled.

    Parameters
    ----------
    first, second
        Positions at the origin and a lag later in the host's frame, (..., 3), Angstrom.
    edges
        Edges of equal bins, (B + 1,), Angstrom.

    Returns
    -------
    ndarray
        4 pi r^2 G_s, (B,), 1/Angstrom. It integrates to the share within the last edge.
    """
    away = np.linalg.norm(second - first, axis=-1).ravel()
    return np.histogram(away, edges)[0] / (len(away) * np.diff(edges))


def distinct_part(first: Floats, second: Floats, cell: Floats, edges: Floats) -> Floats:
    """Return the density of other ions about the place an ion had a lag before.

    Parameters
    ----------
    first, second
        Positions at the origin and a lag later in the host's frame, (N, 3), Angstrom.
    cell
        Rows are the lattice vectors, (3, 3), Angstrom.
    edges
        Edges of equal bins from 0, (B + 1,), Angstrom.

    Returns
    -------
    ndarray
        G_d over the mean density N / V, (B,). Images of the ion itself count as other ions.
    """
    from scipy.spatial import KDTree

    reach = float(edges[-1])
    inverse = np.linalg.inv(cell)
    home = first - np.floor(first @ inverse) @ cell
    around, row = with_images(second, cell, reach)
    near = KDTree(home).sparse_distance_matrix(KDTree(around), reach, output_type="ndarray")
    itself = second - np.floor(first @ inverse) @ cell
    apart = np.linalg.norm(around[near["j"]] - itself[near["i"]], axis=1) > 1e-4
    other = (row[near["j"]] != near["i"]) | apart
    count = np.histogram(near["v"][other], edges)[0]
    shells = 4.0 / 3.0 * np.pi * np.diff(edges**3)
    return count / (len(first) ** 2 * shells / abs(float(np.linalg.det(cell))))


def van_hove_table(
    trajectory: Trajectory, host: Floats, r_max: float = 10.0, bins: int = 100,
    self_origins: int = 200, distinct_origins: int = 20,
) -> pd.DataFrame:
    """Return the rows of table ``van_hove`` but for the keys of the run.

    Parameters
    ----------
    trajectory
        Mobile ions.
    host
        Path of the host, unwrapped, taken off the positions, (T, 3), Angstrom.
    r_max, bins
        Largest distance, Angstrom, and number of bins.
    self_origins, distinct_origins
        Time origins at most.
    """
    import pandas as pd

    edges = np.linspace(0.0, r_max, bins + 1)

    def place(frames: Ints) -> Floats:
        moved = np.asarray(trajectory.read_frames(frames), float)
        return moved - (host[frames] - host[0])[:, None]

    parts = []
    for lag in choose_lags(trajectory.frames).tolist():
        many = _origins(trajectory.frames, lag, self_origins)
        few = _origins(trajectory.frames, lag, distinct_origins)
        own = [self_part(place(one), place(one + lag), edges) for one in np.array_split(many, 10)
               if len(one)]
        sizes = [len(one) for one in np.array_split(many, 10) if len(one)]
        pairs = zip(place(few), place(few + lag), strict=True)
        others = [distinct_part(a, b, trajectory.cell, edges) for a, b in pairs]
        for part, value in (("self", np.average(own, axis=0, weights=sizes)),
                            ("distinct", np.mean(others, axis=0))):
            parts.append(pd.DataFrame({
                "part": part, "lag_ps": float(trajectory.time_ps[lag] - trajectory.time_ps[0]),
                "r_angstrom": 0.5 * (edges[1:] + edges[:-1]), "density": value,
            }))
    return pd.concat(parts, ignore_index=True)
