"""Synthetic trajectories whose transport coefficients are known."""

from __future__ import annotations

import numpy as np


def lattice_walk(
    rng: np.random.Generator, ions: int, frames: int, rate: float, length: float = 3.0,
    axes: tuple[float, float, float] = (1 / 3, 1 / 3, 1 / 3),
) -> np.ndarray:
    """Return positions (frames, ions, 3) of independent walkers on a cubic lattice.

    ``rate`` is the mean number of jumps per ion and frame; D along axis a is
    ``rate axes[a] length^2 / 2`` per frame.
    """
    jumps = np.empty((frames, ions, 3))
    jumps[0] = 0
    for a, share in enumerate(axes):
        forth = rng.poisson(rate * share / 2, size=(frames - 1, ions))
        jumps[1:, :, a] = forth - rng.poisson(rate * share / 2, size=(frames - 1, ions))
    return np.cumsum(jumps, axis=0) * length


def caged(
    rng: np.random.Generator, ions: int, frames: int, rate: float, back: float = 0.3,
    amplitude: float = 0.4, memory: float = 3.0, length: float = 3.0,
) -> np.ndarray:
    """Return positions of ions that rattle in cages and jump, some jumps going straight back.

    Jumps are Bernoulli per frame; a jump reverses the ion's last one with probability ``back`` and
    is otherwise isotropic, so the correlation factor is ``(1 - back) / (1 + back)``.
    """
    directions = np.vstack([np.eye(3), -np.eye(3)])
    last = rng.integers(6, size=ions)
    place = np.zeros((ions, 3))
    rattle = rng.normal(0, amplitude, (ions, 3))
    keep = np.exp(-1 / memory)
    out = np.empty((frames, ions, 3))
    for t in range(frames):
        if t:
            jump = np.flatnonzero(rng.random(ions) < rate)
            turn = rng.random(len(jump)) < back
            last[jump] = np.where(turn, (last[jump] + 3) % 6, rng.integers(6, size=len(jump)))
            place[jump] += directions[last[jump]] * length
            rattle = keep * rattle + rng.normal(0, amplitude * np.sqrt(1 - keep**2), (ions, 3))
        out[t] = place + rattle
    return out


def answered(
    rng: np.random.Generator, ions: int, frames: int, rate: float, share: float = 0.8,
    delay: float = 10.0, length: float = 3.0,
) -> np.ndarray:
    """Return positions (frames, ions, 3): some jumps make another ion jump the other way, later.

    Each ion alone walks without memory at ``rate`` jumps a frame; a jump is answered with
    probability ``share`` after ``delay`` frames on average, so the sum moves
    ``(1 - share) / (1 + share)`` times as fast as the ions would apart.
    """
    number = rng.poisson(rate / (1 + share) * frames * ions)
    when = rng.uniform(0, frames, number)
    way = rng.integers(3, size=number), rng.choice([-1, 1], size=number)
    late = np.flatnonzero(rng.random(number) < share)
    reply = when[late] + rng.exponential(delay, len(late))
    kept = reply < frames
    late, reply = late[kept], reply[kept]
    jumps = np.zeros((frames, ions, 3))
    first = rng.integers(ions, size=number)
    second = (first[late] + rng.integers(1, ions, size=len(late))) % ions
    np.add.at(jumps, (when.astype(int), first, way[0]), way[1])
    np.add.at(jumps, (reply.astype(int), second, way[0][late]), -way[1][late])
    return np.cumsum(jumps, axis=0) * length


def exclusion(
    rng: np.random.Generator, runs: int, side: int, ions: int, frames: int, sweeps: float,
    length: float = 3.0,
) -> np.ndarray:
    """Return positions (runs, frames, ions, 3) of a lattice gas: jumps onto occupied sites fail.

    One sweep is one attempt per ion to one of six neighbours. Per sweep D_0 = length^2 / 6 and
    ``D_total = D_0 (1 - c) side^3 / (side^3 - 1)`` exactly, with c the share of occupied sites.
    """
    sites = side**3
    where = np.argsort(rng.random((runs, sites)), axis=1)[:, :ions]
    full = np.zeros((runs, sites), bool)
    np.put_along_axis(full, where, True, axis=1)
    grid = np.stack(np.unravel_index(where, (side,) * 3), axis=-1)
    path = grid.astype(np.int32)
    steps = np.vstack([np.eye(3, dtype=int), -np.eye(3, dtype=int)])
    out = np.empty((runs, frames, ions, 3), np.float32)
    row = np.arange(runs)
    per_frame = round(sweeps * ions)
    for t in range(frames):
        out[:, t] = path * length
        for _ in range(per_frame):
            ion, step = rng.integers(ions, size=runs), steps[rng.integers(6, size=runs)]
            new = (grid[row, ion] + step) % side
            site = (new[:, 0] * side + new[:, 1]) * side + new[:, 2]
            free = ~full[row, site]
            go, i = row[free], ion[free]
            old = grid[go, i]
            full[go, (old[:, 0] * side + old[:, 1]) * side + old[:, 2]] = False
            full[go, site[free]] = True
            grid[go, i] = new[free]
            path[go, i] += step[free].astype(np.int32)
    return out


def groups(
    rng: np.random.Generator, ions: int, frames: int, rate: float, size: int = 4,
    length: float = 3.0,
) -> np.ndarray:
    """Return positions (frames, ions, 3) of ions that jump ``size`` at a time, the same way.

    Each time other ones do: each alone walks at ``rate`` jumps a frame, the sum moves ``size``
    times as fast.
    """
    number = rng.poisson(rate * frames * ions / size)
    when = rng.integers(1, frames, size=number)
    way, sign = rng.integers(3, size=number), rng.choice([-1, 1], size=number)
    who = np.argsort(rng.random((number, ions)), axis=1)[:, :size]
    jumps = np.zeros((frames, ions, 3))
    np.add.at(jumps, (when[:, None], who, way[:, None]), sign[:, None])
    return np.cumsum(jumps, axis=0) * length
