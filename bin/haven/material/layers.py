"""Layers of cation sites across c, as a material file states them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from haven.core.errors import HavenError
from haven.core.periodic import Floats

SAME = 0.01  # of c: stated layers this near to one another are one, given with other digits


def stated_layers(
    stated: Mapping[str, float], sites: Mapping[str, Floats], where: str
) -> dict[str, float]:
    """Return the layer of each site as a fraction of c, from 0 to below 1; equal ones alike.

    Parameters
    ----------
    stated
        Layers as they are given, fractions of c, for all sites or for none.
    sites
        Points of each site, fractions of the conventional cell, (M, 3).
    where
        What they are given in, for messages.

    Raises
    ------
    HavenError
        If a point of a site lies nearer to another layer than to its own, which would make jumps
        within a layer ones between layers.
    """
    planes: list[float] = []
    layers = dict[str, float]()
    for site, given in stated.items():
        plane = next((one for one in planes if _apart(one, given) < SAME), None)
        if plane is None:
            plane = round(given % 1.0, 9) % 1.0
            planes.append(plane)
        layers[site] = plane
    for site, plane in layers.items():
        heights = sites[site][:, 2]
        away = _apart(plane, heights)
        nearest = np.min([_apart(one, heights) for one in planes], axis=0)
        wrong = (away > nearest + SAME) | (away > 0.5 - SAME)
        if wrong.any():
            raise HavenError(
                f"{where}: site {site} has layer {stated[site]:g} and a point at z = "
                f"{heights[wrong][0]:.4g}: give the z of its plane, and points in another plane "
                "as another site, or leave out the layer of every site")
    return layers


def _apart(plane: float, heights: Floats | float) -> Floats:
    """Return the distances of heights (M,) from a plane, all fractions of c, across the border."""
    return np.abs((np.asarray(heights) - plane + 0.5) % 1.0 - 0.5)
