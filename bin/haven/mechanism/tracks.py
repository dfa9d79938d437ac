"""Single ions against time, and where the mobile ions are on average."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from haven.core.periodic import Floats, Ints
from haven.material.sites.lattice import SiteFinder, SiteLattice
from haven.material.sites.symmetry import name_of
from haven.mechanism.hops import BLOCK_POINTS, decode, encode, label_blocks, unwrapped_layer

if TYPE_CHECKING:
    import pandas as pd

    from haven.trajectory.trajectory import Trajectory


def thin(frames: int, kept: int) -> Ints:
    """Return numbers of at most ``kept`` frames (K,), evenly spaced, first and last among them."""
    return np.unique(np.linspace(0, frames - 1, min(kept, frames)).astype(np.int64))


def choose_ions(positions: Floats, host: Floats, farthest: int = 6, middle: int = 2) -> Ints:
    """Return the ions to show: those that go farthest, and typical ones.

    Parameters
    ----------
    positions
        Mobile ions, unwrapped, (T, N, 3), Angstrom.
    host
        Centre of the host, unwrapped, (T, 3), Angstrom.
    farthest, middle
        How many of either.
    """
    end = np.asarray(positions[-1], float) - (host[-1] - host[0])
    order = np.argsort(-np.linalg.norm(end - positions[0], axis=1), kind="stable")
    half = max(farthest, len(order) // 2)
    return np.unique(np.concatenate([order[:farthest], order[half : half + middle]]))


def track_table(
    lattice: SiteLattice, trajectory: Trajectory, ions: Ints, core: float, times: int = 500
) -> pd.DataFrame:
    """Return the rows of table ``tracks`` but for the keys of the run.

    Parameters
    ----------
    lattice
        Sites, at the host's position in frame 0.
    trajectory
        Mobile ions.
    ions
        Ions to show, (K,).
    core
        Radius of a site's core, Angstrom.
    times
        Times kept at most.
    """
    import pandas as pd

    time_ps, host = trajectory.time_ps, trajectory.host
    chosen = np.concatenate([trajectory.read(ion, ion + 1) for ion in ions.tolist()], axis=1)
    site, image, _ = SiteFinder(lattice).nearest(np.asarray(chosen[0], float))
    codes = _backfill(np.concatenate([c for _, c in label_blocks(lattice, chosen, host, core)]),
                      encode(site, image, len(lattice.centres)))
    kept = thin(len(time_ps), times)
    moved = np.asarray(chosen[kept], float) - (host[kept] - host[0])[:, None]
    site, _ = decode(codes[kept], len(lattice.centres))
    size = len(kept)
    parts = {
        "ion": np.repeat(ions, size),
        "time_ps": np.tile(time_ps[kept], len(ions)),
        "displacement_angstrom": np.linalg.norm(moved - moved[0], axis=2).T.ravel(),
        "layer": unwrapped_layer(lattice, codes[kept]).T.ravel(),
        "site": lattice.letters[site].T.ravel(),
    }
    for axis, name in enumerate(("x_angstrom", "y_angstrom", "z_angstrom")):
        parts[name] = moved[:, :, axis].T.ravel()
    return pd.DataFrame(parts)


def _backfill(codes: Ints, nearest: Ints) -> Ints:
    """Fill (T, K) codes before an ion's first core with that one; without any, with the nearest."""
    first = np.argmax(codes >= 0, axis=0)
    known = codes[first, np.arange(codes.shape[1])]
    return np.where(codes >= 0, codes, np.where(known >= 0, known, nearest))


def _in_lattice(lattice: SiteLattice, positions: Floats, drift: Floats) -> Iterator[Floats]:
    """Yield positions (T, N, 3), some frames at a time, (P, 3), from the origin of ideal sites."""
    offset = (lattice.centres - lattice.fractional @ lattice.conventional).mean(axis=0)
    each = max(1, BLOCK_POINTS // positions.shape[1])
    for start in range(0, len(positions), each):
        some = slice(start, start + each)
        yield (np.asarray(positions[some], float) - (drift[some] + offset)[:, None]).reshape(-1, 3)


def density_table(
    lattice: SiteLattice, positions: Floats, drift: Floats, views: tuple[tuple[int, ...], ...],
    bins: int = 48,
) -> pd.DataFrame:
    """Return the rows of table ``density`` but for the keys of the run.

    Parameters
    ----------
    lattice
        Sites, at the host's position in frame 0.
    positions
        Mobile ions, unwrapped, (T, N, 3), Angstrom.
    drift
        Path of the host since frame 0, (T, 3), Angstrom.
    views
        Lattice directions to look along.
    bins
        Patches along each of the two vectors across the view.
    """
    import pandas as pd

    patch = abs(np.linalg.det(lattice.conventional)) / bins**2
    sides = [across(view) @ lattice.conventional for view in views]
    counts = np.zeros((len(views), bins * bins), np.int64)
    for points in _in_lattice(lattice, positions, drift):
        for count, vectors in zip(counts, sides, strict=True):
            fractional = points @ np.linalg.inv(vectors)
            folded = np.floor((fractional[:, 1:] % 1.0) * bins).astype(int) % bins
            count += np.bincount(folded[:, 0] * bins + folded[:, 1], minlength=bins * bins)
    parts = []
    for view, vectors, count in zip(views, sides, counts, strict=True):
        density = count / (len(positions) * np.prod(lattice.repeat) * patch)
        centre = (np.arange(bins) + 0.5) / bins
        p, q = np.meshgrid(centre, centre, indexing="ij")
        flat = _flat_axes(vectors)
        plane = np.stack([p.ravel(), q.ravel()], axis=1) @ (vectors[1:] @ flat.T)
        parts.append(pd.DataFrame({
            "view": name_of(view), "u_angstrom": plane[:, 0], "v_angstrom": plane[:, 1],
            "density_per_angstrom3": density,
        }))
    return pd.concat(parts, ignore_index=True)


def density_grid(
    lattice: SiteLattice, positions: Floats, drift: Floats, spacing: float = 0.4
) -> pd.DataFrame:
    """Return the rows of table ``density_grid`` but for the keys of the run.

    Parameters
    ----------
    lattice
        Sites, at the host's position in frame 0.
    positions
        Mobile ions, unwrapped, (T, N, 3), Angstrom.
    drift
        Path of the host since frame 0, (T, 3), Angstrom.
    spacing
        Edge of a voxel at most, Angstrom.
    """
    import pandas as pd

    cell = lattice.conventional
    bins = np.maximum(np.ceil(np.linalg.norm(cell, axis=1) / spacing), 1).astype(int)
    count = np.zeros(int(bins.prod()), np.int64)
    for points in _in_lattice(lattice, positions, drift):
        place = np.floor((points @ np.linalg.inv(cell) % 1.0) * bins).astype(int) % bins
        count += np.bincount(np.ravel_multi_index(tuple(place.T), tuple(bins.tolist())),
                             minlength=len(count))
    voxel = abs(np.linalg.det(cell)) / bins.prod()
    centres = np.stack(np.meshgrid(*((np.arange(n) + 0.5) / n for n in bins), indexing="ij"),
                       axis=-1).reshape(-1, 3)
    table = pd.DataFrame(centres, columns=["a_fraction", "b_fraction", "c_fraction"])
    table[["x_angstrom", "y_angstrom", "z_angstrom"]] = centres @ cell
    table["density_per_angstrom3"] = count / (len(positions) * np.prod(lattice.repeat) * voxel)
    return table


def across(view: tuple[int, ...]) -> Ints:
    """Return a basis of the lattice that starts with ``view``, (3, 3) whole numbers."""
    unit = [np.array(v) for v in ((1, 0, 0), (0, 1, 0), (0, 0, 1))]
    for one, two in product(unit, repeat=2):
        basis = np.stack([np.array(view), one, two])
        if abs(round(float(np.linalg.det(basis)))) == 1 and (one.tolist() > two.tolist()):
            return basis
    raise ValueError(f"{view} is no shortest lattice vector")


def _flat_axes(vectors: Floats) -> Floats:
    along = vectors[0] / np.linalg.norm(vectors[0])
    first = vectors[1] - along * (vectors[1] @ along)
    first /= np.linalg.norm(first)
    second = vectors[2] - along * (vectors[2] @ along)
    second -= first * (second @ first)
    return np.stack([first, second / np.linalg.norm(second)])
