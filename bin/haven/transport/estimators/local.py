"""D_total from pairs of ions near each other, without the noise of distant pairs: ``local``.

``D_total = D_self + D_distinct``, and D_distinct is a sum over all N^2 pairs of ions of the
correlation of their displacements. The correlation vanishes with distance, while the noise of a
pair does not: distant pairs add only noise, and the whole sum is known no better in a large crystal
than in a small one. The error of a sum over pairs within a radius, at which the sum has reached its
plateau, falls with the number of ions. (The decomposition of the conductivity by the distance of
pairs is that of Tu, Ishizuka and Matubayasi, J. Chem. Phys. 141, 044126, 2014; there it shows which
pairs matter.)

Radius and lag are chosen from the data. Correlations spread while the ions diffuse, so the smallest
radius grows with the lag: it is the length of a jump plus the root of the mean-square displacement
in that time. Sums over all radii come from one Fourier transform of the displacements on a grid for
each stretch of the run, whatever the number of pairs; the last radius includes all pairs, for
comparison with the full sum. Displacements must be relative to the host: in another frame of
reference all ions, however distant, share the recoil of the host.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from haven.core.periodic import heights
from haven.transport.estimators.base import Motion, Ratio
from haven.transport.estimators.walk import DRAWS, EVEN

# Most stretches for the shortest lag, which take time, and fewest for the longest, whose scatter
# gives the error.
MOST_STRETCHES, FEWEST_STRETCHES = 192, 16
# The displacement over this fraction of the lag is subtracted, and with it the constant offset.
QUARTER = 4
# Radii grow by this factor; points of the grid to the distance of neighbouring ions.
GROWTH, POINTS = 1.2, 2.5
LARGEST_GRID = 96
# A radius or a lag is too short where a longer one differs by this many standard errors of a
# normal variable. With 2, noise led one run in ten to a long radius, and into its result (with
# groups of four some results were off by a third, and outside of their interval).
APART = 3.0
# Correlations have vanished beyond a jump plus this many root mean squares of the distance over
# which density spreads: in a lattice gas of 70 % occupation 1 to 2 % of D_total (`REST`) are left.
REACH = 2.0
REST = 0.015
# Ions below which all pairs are near pairs, and times at which `crowding` is computed.
FEWEST_IONS, CROWDING_TIMES = 32, 24


@dataclass(frozen=True)
class Shells:
    """Radii within which pairs are summed in a periodic cell, on a grid.

    Attributes
    ----------
    shape
        Points of the grid along the cell vectors.
    radii
        Radii (K,), Angstrom, the last infinite.
    index
        For each separation on the grid the first radius that reaches it (points,).
    """

    shape: tuple[int, int, int]
    radii: np.ndarray
    index: np.ndarray

    def sums(self, places: np.ndarray, moves: np.ndarray) -> np.ndarray:
        """Return sums over pairs within each radius of products of displacements, over N A.

        Parameters
        ----------
        places
            Fractional positions of the ions (N, 3), of any image.
        moves
            Their displacements (N, A), Angstrom, float64.

        Returns
        -------
        ndarray
            The ions' own squares, then the sum of these and of pairs (1 + K,), Angstrom^2.
        """
        import scipy.fft

        cells = np.floor((places - np.floor(places)) * self.shape).astype(int)
        flat = np.ravel_multi_index(tuple(np.minimum(cells, np.array(self.shape) - 1).T),
                                    self.shape)
        power = np.zeros(())
        for move in moves.T.astype(np.float64):
            wave = scipy.fft.rfftn(np.bincount(flat, move, self.index.size).reshape(self.shape))
            power = power + wave.real**2 + wave.imag**2
        pairs = scipy.fft.irfftn(power, self.shape).ravel()
        sums = np.cumsum(np.bincount(self.index, pairs, len(self.radii)))
        return np.append((moves**2).sum(), sums) / moves.size


def shells(cell: np.ndarray, nearest: float) -> Shells:
    """Return radii from the distance ``nearest`` of neighbours to the largest sphere in a cell.

    Parameters
    ----------
    cell
        Cell vectors as rows (3, 3), Angstrom.
    nearest
        Distance of neighbouring mobile ions, Angstrom.
    """
    import scipy.fft

    lengths = np.linalg.norm(cell, axis=1)
    shape = tuple(min(LARGEST_GRID, scipy.fft.next_fast_len(max(4, int(np.ceil(
        POINTS * length / nearest))), real=True)) for length in lengths)
    half = heights(cell).min() / 2
    first = 1.5 * nearest
    steps = max(0, int(np.floor(np.log(max(half / first, 1.0)) / np.log(GROWTH))) + 1)
    radii = np.append(first * GROWTH ** np.arange(steps), np.inf)
    radii = radii[(radii <= half) | ~np.isfinite(radii)]
    parts = [np.arange(points) / points for points in shape]
    parts = [part - np.round(part) for part in parts]
    apart = np.stack(np.meshgrid(*parts, indexing="ij"), axis=-1).reshape(-1, 3)
    distance = np.full(len(apart), np.inf)
    for image in np.ndindex(3, 3, 3):
        vectors = (apart + (np.array(image) - 1)) @ cell
        np.minimum(distance, np.linalg.norm(vectors, axis=1), out=distance)
    return Shells((shape[0], shape[1], shape[2]), radii, np.searchsorted(radii, distance))


@dataclass(frozen=True)
class Local:
    """Self and total coefficient from pairs within a radius, at one lag.

    Attributes
    ----------
    tracer, total
        D_self and D_total of the lag, Angstrom^2/ps.
    error
        Standard error of D_total / D_self.
    tail
        By how much D_total differs at the next larger radius and the next longer lag,
        Angstrom^2/ps.
    freedom
        Degrees of freedom of the error.
    radius, lag_ps
        Radius in Angstrom, and lag.
    everything
        D_total of the lag of all pairs.
    """

    tracer: float
    total: float
    error: float
    tail: float
    freedom: int
    radius: float
    lag_ps: float
    everything: float


@dataclass(frozen=True)
class Level:
    """Coefficients of one lag.

    Attributes
    ----------
    lag_ps
        The lag, ps.
    found
        For each stretch of the run, D_self, and D_self plus the sum of pairs within each radius (B,
        1 + K), Angstrom^2/ps. They follow from the growth between a quarter of the lag and the lag,
        in which the constant offset by vibration cancels.
    """

    lag_ps: float
    found: np.ndarray


def levels(
    paths: np.ndarray, places: np.ndarray, cell: np.ndarray, held: Shells, step_ps: float,
) -> list[Level]:
    """Return the coefficients of lags of 4, 8, 16 ... steps, from stretches that do not overlap.

    Parameters
    ----------
    paths
        Displacements (N, M, 3) since the start relative to the host, Angstrom.
    places
        Positions at the start (N, 3), Angstrom.
    cell
        Cell vectors as rows (3, 3), Angstrom.
    held
        Radii.
    step_ps
        Time of one step, ps.
    """
    inverse, steps = np.linalg.inv(cell), paths.shape[1] - 1
    out, lag = [], QUARTER

    def within(first: int, last: int) -> np.ndarray:
        ends = paths[:, first].astype(np.float64), paths[:, last].astype(np.float64)
        return held.sums((places + (ends[0] + ends[1]) / 2) @ inverse, ends[1] - ends[0])

    while steps // lag >= FEWEST_STRETCHES:
        count = min(MOST_STRETCHES, steps // lag)
        short, found = lag // QUARTER, np.empty((count, 1 + len(held.radii)))
        for b, start in enumerate(np.linspace(0, steps - lag, count).astype(int)):
            middle = start + (lag - short) // 2
            found[b] = within(start, start + lag) - within(middle, middle + short)
        out.append(Level(lag * step_ps, found / (2 * (lag - short) * step_ps)))
        lag *= 2
    return out


def crowding(places: np.ndarray, cell: np.ndarray) -> float:
    """Return S(0), the ions' structure factor at the longest waves of a cell, at most 1.

    Fluctuations of the mobile ions' density decay with the chemical diffusion coefficient, D_total
    / S(0).

    Parameters
    ----------
    places
        Positions of the ions at some times (T, N, 3), Angstrom.
    cell
        Cell vectors as rows (3, 3), Angstrom.
    """
    waves = np.array(list(np.ndindex(3, 3, 3))[1:])
    turns = 2 * np.pi * waves @ np.linalg.inv(cell).T
    lengths = np.linalg.norm(turns, axis=1)
    near = turns[lengths <= 1.5 * lengths.min()]
    phase = np.exp(1j * np.einsum("tna,wa->twn", places, near))
    return float(min(1.0, (np.abs(phase.sum(axis=2)) ** 2).mean() / places.shape[1]))


def choose(some: list[Level], held: Shells, nearest: float, crowded: float) -> Local | None:
    """Return the local sum at the shortest lag and radius that longer ones agree with, or None.

    Parameters
    ----------
    some
        What `levels` returns.
    held
        Radii.
    nearest
        Distance of neighbouring mobile ions, Angstrom.
    crowded
        S(0), as of `crowding`.
    """
    found = [_at(level, held, nearest, crowded) for level in some]
    for place, one in enumerate(found):
        later = found[place + 1 :]
        if not any(_apart(one.total - other.total,
                          np.hypot(one.tracer * one.error, other.tracer * other.error),
                          other.freedom, len(later)) for other in later):
            return one
    return found[-1] if found else None


def _apart(
    differences: np.ndarray | float, errors: np.ndarray, freedom: int, looks: int,
) -> np.ndarray:
    """Return which differences are too large for their errors, in ``looks`` looks at one run.

    As rare, by Student's t of ``freedom`` degrees, as `APART` standard errors of a normal.
    """
    from scipy.special import ndtr, stdtrit

    limit = -stdtrit(freedom, ndtr(-APART) / max(looks, 1))
    return np.abs(differences) > limit * errors


def _at(level: Level, held: Shells, nearest: float, crowded: float) -> Local:
    """Choose the radius for one lag."""
    found = level.found
    count, last = len(found), len(held.radii) - 1
    mean = found.mean(axis=0)
    tracer = max(float(mean[0]), 1e-300)
    least = nearest + REACH * (2 * tracer / crowded * level.lag_ps) ** 0.5
    start = min(int(np.searchsorted(held.radii, least)), last)
    place = start
    for place in range(start, last + 1):
        more = found[:, place + 2 :] - found[:, [place + 1]]
        error = more.std(axis=0, ddof=1) / count**0.5
        if not _apart(more.mean(axis=0), error, count - 1, more.shape[1]).any():
            break
    ratio = float(mean[place + 1] / tracer)
    rest = found[:, place + 1] - ratio * found[:, 0]
    tail = float(mean[min(place + 1, last) + 1] - mean[place + 1])
    return Local(tracer, float(mean[place + 1]), float(rest.std(ddof=1) / count**0.5 / tracer),
                 tail, count - 1, float(held.radii[place]), level.lag_ps, float(mean[-1]))


def every_stretch(paths: np.ndarray, lag: int, step_ps: float) -> float:
    """Return D_self of a lag, Angstrom^2/ps, from every stretch of the run, overlapping ones too.

    The stretches of `levels` are fewer where the lag is short, and what they hold by chance, they
    hold of D_self and D_total alike.

    Parameters
    ----------
    paths
        Displacements (N, M, 3) since the start relative to the host, Angstrom.
    lag
        The lag, steps, a multiple of `QUARTER`.
    step_ps
        Time of one step, ps.
    """
    squares = []
    for steps in (lag, lag // QUARTER):
        some = [((one[steps:].astype(np.float64) - one[:-steps]) ** 2).mean() for one in paths]
        squares.append(np.mean(some))
    return float(squares[0] - squares[1]) / (2 * (lag - lag // QUARTER) * step_ps)


def near_pairs(motion: Motion, rng: np.random.Generator) -> Ratio | None:
    """Return the ratio from pairs within a radius, or None where that can't be done.

    It requires displacements along all three directions relative to the host, `FEWEST_IONS` ions
    and a finite radius. The noise is that of the residuals of the stretches (Student's t). The
    change at the next larger radius and longer lag, and `REST` of D_total for what lies beyond, are
    added as uniformly distributed errors up to these sizes.
    """
    from scipy.special import stdtrit

    if motion.paths is None or motion.places is None or motion.cell is None:
        return None
    if motion.paths.shape[2] < 3 or len(motion.paths) < FEWEST_IONS:
        return None
    held = shells(motion.cell, motion.nearest)
    some = levels(motion.paths, motion.places, motion.cell, held, motion.step_ps)
    times = np.linspace(0, motion.paths.shape[1] - 1, CROWDING_TIMES).astype(int)
    where = motion.places + motion.paths[:, times].swapaxes(0, 1)
    found = choose(some, held, motion.nearest, crowding(where, motion.cell))
    if found is None or not np.isfinite(found.radius) or not found.total > 0:
        return None
    lag = round(found.lag_ps / motion.step_ps)
    excess = every_stretch(motion.paths, lag, motion.step_ps) / found.tracer
    value = found.total * excess / motion.tracer
    scale = found.tracer / motion.tracer
    draws = value + scale * found.error * rng.permutation(stdtrit(found.freedom, EVEN))
    draws += (abs(found.tail) + REST * found.total) / motion.tracer * rng.uniform(-1, 1, DRAWS)
    note = f"pairs within {found.radius:.3g} Angstrom, over {found.lag_ps:.3g} ps"
    return Ratio(value, np.maximum(draws, 1e-9), "local",
                 found.lag_ps / (motion.paths.shape[1] * motion.step_ps), note)
