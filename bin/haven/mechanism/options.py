"""Options of structure analysis and of barriers."""

from __future__ import annotations

from dataclasses import dataclass

from haven.core.options import option

RESIDENCE_PS = 1.0
"""A move undone sooner than this is no jump, ps."""
CORE_SHARE = 0.4
"""Radius of a site's core as a share of the shortest site distance."""


@dataclass(frozen=True)
class Distributions:
    """Radial distribution functions."""

    rdf_max_angstrom: float = option(6.0, "largest distance of the radial distributions",
                                     unit="Angstrom", above=0, most=30)
    rdf_bins: int = option(120, "bins of the radial distributions", least=10, most=5000)


@dataclass(frozen=True)
class Bands:
    """Nudged elastic bands along lattice directions."""

    directions: tuple[str, ...] = option(
        ("[110]", "[101]", "[010]", "[100]"), "lattice directions of the barriers",
        pattern=r"\[-?[0-3](,?-?[0-3]){2}\]", example="[110]", distinct=True)
    paths_per_direction: int = option(
        3, "ions followed along each direction; from 2 on a barrier has an interval", least=1,
        most=100)
    images: int = option(7, "images of a band between its ends", least=3, most=51)
