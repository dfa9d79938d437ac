"""Kinds of motion whose coefficients are known exactly, to count how often intervals hold them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import walks

from haven.transport import diffusion, species
from haven.transport.estimators import modes as sines
from haven.transport.hop_counts import count_hops

LENGTH = 3.0
BATCH = 100


@dataclass
class Kind:
    """A motion: makes positions (T, N, 3); its D_self (Angstrom^2 a frame) and D_total / D_self.

    ``walkers``: its ions are independent, so that the ideal width is known. ``several``: makes so
    many runs (R, T, N, 3) at once, where that is quicker.
    """

    make: Callable[[np.random.Generator], np.ndarray]
    tracer: float
    ratio: float
    walkers: bool = False
    several: Callable[[np.random.Generator, int], np.ndarray] | None = None

    def runs(self, number: int, seed: int) -> Iterator[np.ndarray]:
        """Yield positions (T, N, 3) of ``number`` runs."""
        for start in range(0, number, BATCH):
            if self.several is not None:
                yield from self.several(np.random.default_rng([seed, start]),
                                        min(BATCH, number - start))
            else:
                yield from (self.make(np.random.default_rng([seed, one]))
                            for one in range(start, min(start + BATCH, number)))


def hopping(rate: float) -> float:
    """Return D in Angstrom^2 a frame of ``rate`` jumps a frame without memory."""
    return rate * LENGTH**2 / 6


def pairs(rng: np.random.Generator) -> np.ndarray:
    """32 rattling ions with 30 % of jumps going back, each doubled into a rigid pair."""
    path = walks.caged(rng, 32, 1000, 0.15, back=0.3)
    return np.concatenate([path, path], axis=1)


def tenth(rng: np.random.Generator) -> np.ndarray:
    """20 of 200 ions walk, the others rattle."""
    path = np.zeros((1000, 200, 3))
    path[:, :20] = walks.lattice_walk(rng, 20, 1000, 0.05)
    return path + rng.normal(0, 0.2, path.shape)


def two_species(rng: np.random.Generator) -> np.ndarray:
    """24 ions that are ten times as fast as 24 others."""
    return np.concatenate([walks.lattice_walk(rng, 24, 800, rate) for rate in (0.05, 0.005)],
                          axis=1)


def gases(rng: np.random.Generator, runs: int) -> np.ndarray:
    """Runs of a half-filled lattice gas."""
    return walks.exclusion(rng, runs, 5, 62, 600, 19 / 62)


def channel(rng: np.random.Generator) -> np.ndarray:
    """30 ions that jump along x alone and rattle along all axes."""
    path = walks.lattice_walk(rng, 30, 1500, 0.006, axes=(1.0, 0.0, 0.0))
    return path + rng.normal(0, 0.35, path.shape)


def replied(ions: int, frames: int, share: float, rate: float = 0.004, delay: float = 1.0,
            ) -> Kind:
    """Jumps of which a share is undone by another ion's."""
    return Kind(lambda rng: walks.answered(rng, ions, frames, rate, share, delay),
                hopping(rate), (1 - share) / (1 + share))


GAS_TOTAL = hopping(19 / 62) * (1 - 62 / 125) * 125 / 124
# 0.854, 0.845 in twice 300 runs, from displacements over 50 and over 150 frames; 0.851 in an
# infinite lattice (Nakazato and Kitahara, 1980, with the vacancy's factor of Montet, 1973)
GAS_HAVEN = 0.850
GAS_TRACER = GAS_TOTAL * GAS_HAVEN

KINDS: dict[str, Kind] = {
    "walkers": Kind(lambda rng: walks.lattice_walk(rng, 64, 1000, 0.1), hopping(0.1), 1, True),
    "walkers_few": Kind(lambda rng: walks.lattice_walk(rng, 48, 500, 0.01), hopping(0.01), 1, True),
    "walkers_64_jumps": Kind(lambda rng: walks.lattice_walk(rng, 32, 500, 0.004), hopping(0.004), 1,
                             True),
    "caged_pairs": Kind(pairs, hopping(0.15) * 0.7 / 1.3, 2),
    "lattice_gas": Kind(lambda rng: gases(rng, 1)[0], GAS_TRACER, 1 / GAS_HAVEN, several=gases),
    "answered_9_60": replied(32, 500, 0.8),
    "answered_9_200": replied(48, 1040, 0.8),
    "answered_39_60": replied(32, 480, 0.95),
    "answered_39_200": replied(48, 1040, 0.95),
    "answered_9_late": replied(32, 1500, 0.8, 0.1, 10.0),
    "groups_4_80": Kind(lambda rng: walks.groups(rng, 32, 500, 0.005), hopping(0.005), 4),
    "groups_4_400": Kind(lambda rng: walks.groups(rng, 32, 1000, 0.0125), hopping(0.0125), 4),
    "one_ion": Kind(lambda rng: walks.lattice_walk(rng, 1, 4000, 0.025), hopping(0.025), 1, True),
    "four_ions": Kind(lambda rng: walks.lattice_walk(rng, 4, 2000, 0.025), hopping(0.025), 1, True),
    "tenth_mobile": Kind(tenth, hopping(0.05) / 10, 1),
    "two_species": Kind(two_species, hopping(0.0275), 1),
    "channel": Kind(channel, hopping(0.006), 1),
}


@dataclass
class Couple:
    """Two species: makes their positions (T, N, 3), with charges and the exact L_ij.

    ``onsager``: L_11, L_12 and L_22 as ``<dR_i . dR_j> / (6 t)`` in Angstrom^2 a frame.
    """

    make: Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray]]
    onsager: tuple[float, float, float]
    charges: tuple[float, float] = (1.0, 1.0)

    @property
    def sigma(self) -> float:
        """Return the sum of z_i z_j L_ij."""
        (one, other), (first, both, second) = self.charges, self.onsager
        return one**2 * first + 2 * one * other * both + other**2 * second


def alike(
    rng: np.random.Generator, sign: int, shared: int = 16, rattle: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Return positions (T, N, 3) of two species, some of whose ions move as those of the other do.

    ``sign`` is 1 where these ``shared`` ions go the same way, -1 the other way, 0 if none does.
    """
    one, other = (walks.lattice_walk(rng, 32, 1000, 0.05) for _ in range(2))
    if sign:
        other[:, :shared] = sign * one[:, :shared]
    if rattle:
        one, other = (path + rng.normal(0, rattle, path.shape) for path in (one, other))
    return one, other


def unlike(
    rng: np.random.Generator, ions: tuple[int, int], rates: tuple[float, float],
) -> tuple[np.ndarray, np.ndarray]:
    """Return positions (T, N, 3) of two species that know nothing of each other."""
    one, other = (walks.lattice_walk(rng, number, 1000, rate)
                  for number, rate in zip(ions, rates, strict=True))
    return one, other


EACH = 32 * hopping(0.05)
COUPLES: dict[str, Couple] = {
    "two_alone": Couple(lambda rng: alike(rng, 0), (EACH, 0.0, EACH), (1, -1)),
    "two_unlike": Couple(lambda rng: unlike(rng, (48, 16), (0.1, 0.005)),
                         (48 * hopping(0.1), 0.0, 16 * hopping(0.005)), (1, -2)),
    "two_together": Couple(lambda rng: alike(rng, 1), (EACH, EACH / 2, EACH), (1, -1)),
    "two_opposed": Couple(lambda rng: alike(rng, -1), (EACH, -EACH / 2, EACH), (1, 1)),
    "bound_pairs": Couple(lambda rng: alike(rng, 1, 32), (EACH, EACH, EACH), (2, -1)),
    "bound_rattling": Couple(lambda rng: alike(rng, 1, 32, 0.3), (EACH, EACH, EACH), (2, -1)),
    "nearly_bound": Couple(lambda rng: alike(rng, 1, 30), (EACH, EACH * 30 / 32, EACH), (2, -1)),
}


def onsager(
    one: np.ndarray, other: np.ndarray, charges: tuple[float, float],
) -> dict[str, diffusion.Estimate]:
    """Return L_11, L_12, L_22 and sigma of two species (T, N, 3), 1 ps apart.

    As ``<dR_i . dR_j> / (6 t)`` in Angstrom^2 a frame, and the sum of z_i z_j of these.
    """
    paths = [np.ascontiguousarray(path.swapaxes(0, 1), dtype=np.float32) for path in (one, other)]
    parts = [species.Moved(path, LENGTH, count_hops(path, 1.0, LENGTH)) for path in paths]
    found = {}
    for name, some, weights in (("l_11", parts[:1], (1.0,)), ("l_22", parts[1:], (1.0,)),
                                ("sigma", parts, charges)):
        rows = species.combined(some, weights, 1.0, 30, ("xyz",))
        found[name] = next(row for row in rows if row.quantity == "total")
    found["l_12"] = species.cross_term(parts, [found["l_11"].value, found["l_22"].value], 1.0, 30)
    ions = {"l_11": len(paths[0]), "l_22": len(paths[1])}
    for name, row in found.items():
        scale = ions.get(name, sum(ions.values())) * 1e4
        row.value, row.low_95, row.high_95 = (
            None if x is None else x * scale for x in (row.value, row.low_95, row.high_95))
    return found


def estimated(positions: np.ndarray) -> tuple[diffusion.Run, list[diffusion.Estimate]]:
    """Return a run's description and estimates of positions (T, N, 3), Angstrom, 1 ps apart."""
    coarse = np.ascontiguousarray(positions.swapaxes(0, 1), dtype=np.float32)
    held = sines.modes(coarse, 1.0, diffusion.MODES, diffusion.MODES // diffusion.SELF_SHARE)
    run = diffusion.describe(held, len(positions), count_hops(coarse, 1.0, LENGTH), LENGTH)
    return run, diffusion.coefficients(held, "xyz", run, np.random.default_rng(0), run.hops)
