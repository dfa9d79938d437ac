"""Special quasirandom cells: small ones whose pairs are those of an endless random crystal."""

from __future__ import annotations

import numpy as np

from haven.material.crystal import Material, cation_lattice
from haven.material.disorder import neighbour_pairs, order_cations

CUTOFF_ANGSTROM = 8.0  # of the pairs whose numbers are held against those of a random crystal
DRAWS = 1000  # random cells, of which the nearest to it is taken


def pair_mismatch(
    codes: np.ndarray, first: np.ndarray, second: np.ndarray, shell: np.ndarray,
    letters: np.ndarray,
) -> float:
    """Return how far the pairs of an occupation are from random ones, root mean square.

    In each shell (kinds of the two sites, distance) the share of pairs of species (a, b) is
    compared with the product of the shares of a and b on the two kinds of sites (A. Zunger et al.,
    Phys. Rev. Lett. 65, 353 (1990), pairs only). Shells weigh by their pairs over their rank.

    Parameters
    ----------
    codes
        Species of each site as numbers from 0, shape (S,).
    first, second
        Sites of each pair, shape (P,).
    shell
        Shell of each pair as numbers from 0, by rising distance, shape (P,).
    letters
        Kind of each site, shape (S,).
    """
    kinds, kind = np.unique(letters, return_inverse=True)
    species = int(codes.max()) + 1
    share = np.zeros((len(kinds), species))
    np.add.at(share, (kind, codes), 1)
    share /= share.sum(axis=1, keepdims=True)
    shells = int(shell.max()) + 1
    found = np.zeros((shells, species, species))
    np.add.at(found, (shell, codes[first], codes[second]), 1)
    number = found.sum(axis=(1, 2))
    pair = np.zeros((shells, 2), int)
    pair[shell] = np.stack([kind[first], kind[second]], axis=1)
    random = share[pair[:, 0], :, None] * share[pair[:, 1], None, :]
    off = ((found / number[:, None, None] - random) ** 2).sum(axis=(1, 2))
    weight = number / (1 + np.arange(shells))
    return float(np.sqrt((weight * off).sum() / weight.sum()))


def quasirandom(
    material: Material, repeat: tuple[int, int, int], occupancies: str, seed: int,
    draws: int = DRAWS,
) -> np.ndarray:
    """Return the occupation, of many random ones, whose pairs are closest to random.

    Parameters
    ----------
    material
        The crystal.
    repeat
        Conventional cells along a, b, c.
    occupancies
        Name of the occupancy set.
    seed
        Random seed.
    draws
        Random occupations to choose from.

    Returns
    -------
    ndarray
        Element on each site of `cation_lattice`, empty text for a vacancy, shape (S,).
    """
    _, letters = cation_lattice(material, repeat)
    first, second, distance = neighbour_pairs(material, repeat, CUTOFF_ANGSTROM)
    kind = np.unique(letters, return_inverse=True)[1]
    named = np.stack([np.round(distance, 2), kind[first], kind[second]], axis=1)
    shell = np.unique(named, axis=0, return_inverse=True)[1].reshape(-1)
    species = {s: n for n, s in enumerate(("", *material.composition))}
    best, least = np.empty(0), np.inf
    for draw in np.random.default_rng(seed).integers(2**31, size=draws):
        occupation = order_cations(material, repeat, occupancies, int(draw), sweeps=0)
        codes = np.array([species[str(s)] for s in occupation])
        mismatch = pair_mismatch(codes, first, second, shell, letters)
        if mismatch < least:
            best, least = occupation, mismatch
    return best
